"""One test of two samples, from the columns it is about to what was found in them.

A test never sees a missing value, an infinity, a wrong kind or an empty side.
"""

from __future__ import annotations

import abc
import numbers
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np

from contlearn import _checks
from contlearn._tables import WORDS, Column, Kind
from contlearn.drift._finding import Finding, missing_share
from contlearn.drift._summary import Described
from contlearn.stats._dependence import ROWS, neighbours


class TwoSampleTest(abc.ABC):
    """What a detector that tests by itself fills in.

    - `_learn(columns, seed)`: what to remember of the reference columns;
    - `_describe(reference, columns)`: what the test needs to know of current columns;
    - `_compare(reference, current, alpha, seed)`: one test of the latter against the former;
    - `_travels`: whether what `_describe` returns may be merged and sent in the place of the rows; where it
      is not, `_why_not` says what to use instead;
    - `_joint`: whether all columns go into one test (then `columns` has all of them, complete rows only),
      or each into one of its own (then `columns` has one);
    - `_share_effect`: whether the effect is a share of rows, so that `tolerance` and `must_detect` also
      apply to the share of missing values (otherwise any significant difference there counts);
    - `_kinds` and `_cure`: the kinds of columns it can test, and what to do with others.

    `_learn_all`, `_describe_all` and `_compare_all` do the same for many tests, where that is faster.
    """

    _joint: ClassVar[bool] = False
    _share_effect: ClassVar[bool] = True
    _kinds: ClassVar[frozenset[Kind]]
    _cure: ClassVar[str]
    _why_not: ClassVar[str] = ""

    @property
    def _travels(self) -> bool:
        return True

    @abc.abstractmethod
    def _learn(self, columns: Sequence[Column], seed: int | None) -> Any:
        """Return what to remember of `columns` of the reference; nothing in them is missing.

        Statistics where the test allows it, not rows; never a view of `columns`. There is at least one row,
        and the rows are in the caller's order.
        """

    @abc.abstractmethod
    def _describe(self, reference: Any, columns: Sequence[Column]) -> Any:
        """Return the statistics of current `columns` that `_compare` needs; nothing in them is missing.

        `reference` is what `_learn` returned. There is at least one row. Where `_travels` is true, the
        statistics have a method `merge`, exactly associative and commutative.
        """

    @abc.abstractmethod
    def _compare(self, reference: Any, current: Any, alpha: float, seed: int | None) -> Finding:
        """Return what one test finds; changes nothing.

        `reference` is what `_learn` returned, `current` what `_describe` returned, or several of them merged.
        `alpha` is the level that this test is really held to; intervals (confidence 1 - alpha) and
        `detectable` are computed with it. `seed` is for `numpy.random.default_rng`, None for fresh draws.
        """

    def _learn_all(self, groups: Sequence[Sequence[Column]], seeds: Sequence[int | None]) -> list[Any]:
        return [self._learn(columns, seed) for columns, seed in zip(groups, seeds, strict=True)]

    def _describe_all(self, references: Sequence[Any], groups: Sequence[Sequence[Column]]) -> list[Any]:
        pairs = zip(references, groups, strict=True)
        return [self._describe(reference, columns) for reference, columns in pairs]

    def _compare_all(self, questions: Sequence[Question]) -> list[Finding]:
        return [self._compare(each.reference, each.current, each.alpha, each.seed) for each in questions]


class Remembered(NamedTuple):
    """What is kept of those columns of the reference that are tested together.

    `detector` is None for the detector that keeps this: it must not refer to itself. `statistics` is None
    where no row was complete. `dependence` has the correlation of neighbouring rows in each column in which
    they follow each other, unless the detector was told so.
    """

    names: tuple[str, ...]
    detector: TwoSampleTest | None
    seed: int | None
    statistics: Any
    n_rows: int
    n_complete: int
    missing: tuple[int, ...]
    dependence: Mapping[str, float]


class Question(NamedTuple):
    """One test to be made of what is remembered and what was described, both of at least one row."""

    names: tuple[str, ...]
    reference: Any
    current: Any
    alpha: float
    seed: int | None


class Tested(NamedTuple):
    """What was found in columns that are tested together: in their values, and in what is missing."""

    detector: TwoSampleTest
    values: Finding
    missing: Mapping[str, Finding]


def remember(
    groups: Sequence[tuple[TwoSampleTest, Sequence[Column]]], owner: object
) -> tuple[Remembered, ...]:
    """Return what is kept of the reference, for each group of columns that are tested together by a test.

    `owner` is who keeps it, and is not kept itself.
    """
    for detector, columns in groups:
        check_kinds(detector, columns)
    complete = [_complete(columns) for _, columns in groups]
    seeds = [own_seed(detector, columns[0].name) for detector, columns in groups]
    known = [place for place, columns in enumerate(complete) if columns[0].n_rows]
    statistics: dict[int, Any] = {}
    for detector, places in _by_detector(known, lambda place: groups[place][0]):
        learnt = detector._learn_all([complete[each] for each in places], [seeds[each] for each in places])
        statistics.update(zip(places, learnt, strict=True))
    return tuple(
        Remembered(
            names=tuple(column.name for column in columns),
            detector=None if detector is owner else detector,
            seed=seeds[place],
            statistics=statistics.get(place),
            n_rows=columns[0].n_rows,
            n_complete=complete[place][0].n_rows,
            missing=tuple(column.n_missing for column in columns),
            dependence=_dependence(detector, complete[place], sum(len(each) for _, each in groups)),
        )
        for place, (detector, columns) in enumerate(groups)
    )


def describe(
    memories: Sequence[Remembered], owner: Any, columns: Mapping[str, Column]
) -> tuple[Described, ...]:
    """Return the description of current columns, for each group of columns that are tested together."""
    groups = [[columns[name] for name in memory.names] for memory in memories]
    for memory, group in zip(memories, groups, strict=True):
        check_kinds(memory.detector or owner, group)
    complete = [_complete(group) for group in groups]
    known = [
        place
        for place, memory in enumerate(memories)
        if memory.statistics is not None and complete[place][0].n_rows
    ]
    statistics: dict[int, Any] = {}
    for detector, places in _by_detector(known, lambda place: memories[place].detector or owner):
        described = detector._describe_all(
            [memories[each].statistics for each in places], [complete[each] for each in places]
        )
        statistics.update(zip(places, described, strict=True))
    return tuple(
        Described(
            n_rows=group[0].n_rows,
            n_complete=complete[place][0].n_rows,
            missing=tuple(column.n_missing for column in group),
            statistics=statistics.get(place),
        )
        for place, group in enumerate(groups)
    )


def answer(
    memories: Sequence[Remembered], owner: Any, described: Sequence[Described], alpha: float
) -> list[Tested]:
    """Return what was found in each group of columns, each held to the level `alpha`."""
    missing = [_missing_findings(*pair, alpha) for pair in zip(memories, described, strict=True)]
    values = [
        Finding(memory.n_complete, each.n_complete) for memory, each in zip(memories, described, strict=True)
    ]
    known = [place for place, empty in enumerate(values) if empty.n_reference and empty.n_current]
    for detector, places in _by_detector(known, lambda place: memories[place].detector or owner):
        questions = [
            Question(
                memories[place].names,
                memories[place].statistics,
                described[place].statistics,
                alpha / 2 if missing[place] else alpha,
                memories[place].seed,
            )
            for place in places
        ]
        for place, finding in zip(places, detector._compare_all(questions), strict=True):
            values[place] = finding
    return [
        Tested(memory.detector or owner, found, gaps)
        for memory, found, gaps in zip(memories, values, missing, strict=True)
    ]


def check_random_state(name: str, value: object) -> None:
    """Refuse a `random_state` that cannot seed a generator."""
    kinds = (numbers.Integral, np.random.Generator, np.random.RandomState, np.random.SeedSequence)
    if value is not None:
        _checks.instance(name, value, kinds, "an integer, a numpy generator or None")
    if isinstance(value, numbers.Integral):
        _checks.count(name, value, low=0)


def _missing_findings(memory: Remembered, current: Described, alpha: float) -> dict[str, Finding]:
    """Return what was found in the shares of missing values, of the columns that have any on either side."""
    gaps = [
        (name, before, after)
        for name, before, after in zip(memory.names, memory.missing, current.missing, strict=True)
        if before or after
    ]
    return {
        name: missing_share((before, after), (memory.n_rows, current.n_rows), alpha / 2 / len(gaps))
        for name, before, after in gaps
    }


def _by_detector(
    places: Sequence[int], detector_at: Callable[[int], TwoSampleTest]
) -> list[tuple[TwoSampleTest, list[int]]]:
    """Return the detectors, each with those of the `places` that it tests."""
    found: dict[int, tuple[TwoSampleTest, list[int]]] = {}
    for place in places:
        detector = detector_at(place)
        found.setdefault(id(detector), (detector, []))[1].append(place)
    return list(found.values())


def _complete(columns: Sequence[Column]) -> Sequence[Column]:
    """Return the rows in which nothing is missing."""
    masks = [column.missing for column in columns if column.missing is not None]
    if not masks:
        return columns
    rows = ~np.logical_or.reduce(masks)
    return [column.take(rows) for column in columns]


def check_kinds(detector: TwoSampleTest, columns: Sequence[Column]) -> None:
    for column in columns:
        if column.kind not in detector._kinds and column.kind != "unknown":
            words = " or ".join(word for kind, word in WORDS.items() if kind in detector._kinds)
            _checks.bad_schema(
                f"column {column.name!r}",
                f"hold {words} for {type(detector).__name__}",
                WORDS[column.kind],
                detector._cure,
            )


def _dependence(detector: TwoSampleTest, columns: Sequence[Column], n_columns: int) -> dict[str, float]:
    if getattr(detector, "block", None) is not None:
        return {}
    found = ((column.name, neighbours(column.first(ROWS))) for column in columns)
    return {name: each.correlation for name, each in found if each.follow_each_other(n_columns)}


def own_seed(detector: TwoSampleTest, name: str) -> int | None:
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
