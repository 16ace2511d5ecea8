"""One test of two samples, from the columns it is about to what was found in them.

A test never sees a missing value, an infinity, a wrong kind or an empty side.
"""

from __future__ import annotations

import abc
import numbers
import zlib
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np

from contlearn import _checks
from contlearn._tables import WORDS, Column, Kind
from contlearn.drift._finding import Finding, missing_share


class TwoSampleTest(abc.ABC):
    """What a detector that tests by itself fills in.

    - `_summary(columns)`: what to remember of the reference columns;
    - `_compare(reference, columns, alpha, seed)`: one test of current columns against that summary;
    - `_joint`: whether all columns go into one test (then `columns` has all of them, complete rows only),
      or each into one of its own (then `columns` has one);
    - `_share_effect`: whether the effect is a share of rows, so that `tolerance` and `must_detect` also
      apply to the share of missing values (otherwise any significant difference there counts);
    - `_kinds` and `_cure`: the kinds of columns it can test, and what to do with others.
    """

    _joint: ClassVar[bool] = False
    _share_effect: ClassVar[bool] = True
    _kinds: ClassVar[frozenset[Kind]]
    _cure: ClassVar[str]

    @abc.abstractmethod
    def _summary(self, columns: Sequence[Column]) -> Any:
        """Return what to remember of `columns` of the reference; nothing in them is missing.

        Statistics where the test allows it, not rows; never a view of `columns`. There may be no rows.
        """

    @abc.abstractmethod
    def _compare(self, reference: Any, columns: Sequence[Column], alpha: float, seed: int | None) -> Finding:
        """Return what one test finds; changes nothing.

        `reference` is what `_summary` returned. Both sides have at least one row, and nothing in `columns`
        is missing. `alpha` is the level that this test is really held to; intervals (confidence 1 - alpha)
        and `detectable` are computed with it. `seed` is for `numpy.random.default_rng`, None for fresh draws.
        """

    def _compare_all(self, questions: Sequence[Question]) -> list[Finding]:
        """Return what `_compare` finds for each question; for tests that are faster all at once."""
        return [
            self._compare(each.memory.summary, each.columns, each.alpha, each.memory.seed)
            for each in questions
        ]


class Remembered(NamedTuple):
    """What is kept of those columns of the reference that are tested together.

    `detector` is None for the detector that keeps this: it must not refer to itself.
    """

    names: tuple[str, ...]
    detector: TwoSampleTest | None
    seed: int | None
    summary: Any
    n_rows: int
    n_complete: int
    missing: tuple[int, ...]


class Question(NamedTuple):
    """One test to be made: current columns, nothing missing in them, against what is remembered."""

    memory: Remembered
    detector: TwoSampleTest
    columns: Sequence[Column]
    alpha: float
    missing: Mapping[str, Finding]


class Tested(NamedTuple):
    """What was found in columns that are tested together: in their values, and in what is missing."""

    detector: TwoSampleTest
    values: Finding
    missing: Mapping[str, Finding]


def remember(detector: TwoSampleTest, columns: Sequence[Column], *, own: bool) -> Remembered:
    """Return what is kept of `columns` of the reference; `own` if it is kept by `detector` itself."""
    _check_kinds(detector, columns)
    complete = _complete(columns)
    return Remembered(
        names=tuple(column.name for column in columns),
        detector=None if own else detector,
        seed=_seed(detector, columns[0].name),
        summary=detector._summary(complete),
        n_rows=columns[0].n_rows,
        n_complete=complete[0].n_rows,
        missing=tuple(column.n_missing for column in columns),
    )


def pose(memory: Remembered, detector: TwoSampleTest, columns: Sequence[Column], alpha: float) -> Question:
    """Return what is to be asked of `columns`; their missing values are tested only where there are any."""
    _check_kinds(detector, columns)
    gaps = [
        (column, gone)
        for column, gone in zip(columns, memory.missing, strict=True)
        if gone or column.missing is not None
    ]
    if not gaps:
        return Question(memory, detector, columns, alpha, {})
    level = alpha / 2
    missing = {
        column.name: missing_share(
            (gone, column.n_missing), (memory.n_rows, column.n_rows), level / len(gaps)
        )
        for column, gone in gaps
    }
    return Question(memory, detector, _complete(columns), level, missing)


def answer(questions: Sequence[Question]) -> list[Tested]:
    """Answer all questions, those for one detector together."""
    values = [Finding(each.memory.n_complete, each.columns[0].n_rows) for each in questions]
    places: dict[int, list[int]] = {}
    for place, (each, empty) in enumerate(zip(questions, values, strict=True)):
        if empty.n_reference and empty.n_current:
            places.setdefault(id(each.detector), []).append(place)
    for own in places.values():
        asked = [questions[place] for place in own]
        for place, finding in zip(own, asked[0].detector._compare_all(asked), strict=True):
            values[place] = finding
    return [Tested(each.detector, found, each.missing) for each, found in zip(questions, values, strict=True)]


def check_random_state(name: str, value: object) -> None:
    """Refuse a `random_state` that cannot seed a generator."""
    kinds = (numbers.Integral, np.random.Generator, np.random.RandomState, np.random.SeedSequence)
    if value is not None:
        _checks.instance(name, value, kinds, "an integer, a numpy generator or None")
    if isinstance(value, numbers.Integral):
        _checks.count(name, value, low=0)


def _complete(columns: Sequence[Column]) -> Sequence[Column]:
    """Return the rows in which nothing is missing."""
    masks = [column.missing for column in columns if column.missing is not None]
    if not masks:
        return columns
    rows = ~np.logical_or.reduce(masks)
    return [column.take(rows) for column in columns]


def _check_kinds(detector: TwoSampleTest, columns: Sequence[Column]) -> None:
    for column in columns:
        if column.kind not in detector._kinds and column.kind != "unknown":
            words = " or ".join(word for kind, word in WORDS.items() if kind in detector._kinds)
            _checks.bad_schema(
                f"column {column.name!r}",
                f"hold {words} for {type(detector).__name__}",
                WORDS[column.kind],
                detector._cure,
            )


def _seed(detector: TwoSampleTest, name: str) -> int | None:
    """Return the seed of every later answer, drawn once where a generator was given.

    It depends on the column's name, not on its place in the table.
    """
    random_state: Any = getattr(detector, "random_state", 0)
    if random_state is None:
        return None
    if isinstance(random_state, np.random.SeedSequence):
        random_state = int(random_state.generate_state(1)[0])
    elif isinstance(random_state, np.random.Generator):
        random_state = int(random_state.integers(2**32))
    elif isinstance(random_state, np.random.RandomState):
        random_state = int(random_state.randint(2**31 - 1))
    return int(random_state) if detector._joint else (int(random_state) << 32) + zlib.crc32(name.encode())
