"""How often does this detector raise a false alarm on these data, and what would it find? Measured."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special
from sklearn.base import clone

from contlearn import _checks
from contlearn._tables import Column, TableLike, read
from contlearn.results import DriftResult, DriftState, Interval
from contlearn.testing._certificate import Certificate, Found
from contlearn.testing._shifts import Change, Columns, plan

CONFIDENCE = 0.95


class Sides(NamedTuple):
    """A reference and a batch between which nothing changed."""

    reference: Columns
    batch: Columns


class Checked(NamedTuple):
    """What one check said, and what it cost."""

    result: DriftResult
    fit_seconds: float
    detect_seconds: float


def certify(
    detector: Any,
    reference: TableLike | Callable[[np.random.Generator, int], TableLike],
    *,
    n_reference: int | None = None,
    n_current: int | None = None,
    repetitions: int = 500,
    shifts: Mapping[str, Any] | Sequence[str] | None = None,
    power_repetitions: int = 100,
    consecutive: bool = False,
    rng: int | np.random.Generator | None = 0,
) -> Certificate:
    """Measure a batch detector on data of your own: false alarms, power, time.

    Rows of the reference are divided at random into a reference and a batch, again and again: nothing changed
    between them, so every alarm is a false one. Then known shifts are made to the batch.

    Parameters
    ----------
    detector : batch detector
        With the parameters that are to be used. Copies of it are fitted, never it itself.
    reference : table, or callable
        Rows in which nothing changed: an array, a data frame, or a dictionary of columns. Or a function
        ``(rng, n_rows)`` that draws fresh rows of a known law.
    n_reference, n_current : int or None
        Rows on the two sides of each check. By default a batch of an eleventh of the rows against all others;
        a function needs both.
    repetitions : int
        Checks without a change. The standard error of the rate is about sqrt(alpha / repetitions).
    shifts : sequence of str, mapping of str to sizes or to (function, sizes), or None
        What is done to one column of the batch, drawn anew each time: ``"mean"`` moves numbers by so many of
        their standard deviations, ``"spread"`` lengthens distances from the mean by such a share,
        ``"category"`` turns such a share of rows into the rarest category, ``"missing"`` loses such a share
        of the values. None: all that apply. Or changes of your own: a function ``(columns, size, rng)`` that
        takes a dictionary of columns and returns the changed one, with the sizes to try. Empty: no power is
        measured.
    power_repetitions : int
        Checks for each size of each shift.
    consecutive : bool
        True where rows come in the order of time: batches are stretches of neighbouring rows, so that what
        dependence and seasons do to the rate is measured, too.
    rng : int, numpy Generator or None
        Source of everything that is drawn; the same seed gives the same rates.

    Returns
    -------
    Certificate
        Its `str()` is the table.

    Raises
    ------
    InvalidParameterError
        An argument can never work.
    InvalidInputError
        The reference cannot be used, or has too few rows for the sizes asked for.

    Notes
    -----
    The rate is that of the rows at hand: the alarms are relabelings of one sample, where a table is given.
    Where the detector states its level for every sample, as those of ``contlearn.drift`` do, any reference
    must show it. Cost: one `fit` and one `detect` for each of repetitions + power_repetitions * sizes checks.

    Examples
    --------
    >>> import numpy as np
    >>> from contlearn.drift import KS
    >>> from contlearn.testing import certify
    >>> reference = {"amount": np.random.default_rng(0).normal(size=1100)}
    >>> certificate = certify(KS(tolerance=0.0), reference, shifts={"mean": (0.2, 0.4)})
    >>> certificate.level_held, certificate.n_current
    (True, 100)
    >>> certificate.detectable["mean"] < 0.4
    True
    """
    _check(detector, repetitions, power_repetitions, consecutive)
    rng = _checks.generator("rng", rng)
    sides = _divided(reference, n_reference, n_current, consecutive, rng)
    first = next(sides)
    tried = plan(shifts, first.batch)
    as_given = _form_of(reference)
    calm = [_checked(detector, *map(as_given, each)) for each in itertools.islice(sides, repetitions)]

    def finds(change: Change, size: float) -> Interval:
        """Return how often a change is found, each time in another batch."""
        alarms = []
        for before, after in itertools.islice(sides, power_repetitions):
            changed = change(dict(after), size, rng)
            alarms.append(bool(_checked(detector, as_given(before), as_given(changed)).result))
        return _rate(alarms)

    found = [
        Found(shift=name, size=size, share=finds(change, size))
        for name, (change, sizes) in tried.items()
        for size in sizes
    ]
    return Certificate(
        detector=" ".join(repr(detector).split()),
        n_reference=len(next(iter(first.reference.values()))),
        n_current=len(next(iter(first.batch.values()))),
        alpha=calm[0].result.alpha if calm[0].result.alpha is not None else float(detector.alpha),
        repetitions=repetitions,
        false_alarms=_rate([bool(each.result) for each in calm]),
        undecided=float(np.mean([each.result.state is DriftState.UNDECIDED for each in calm])),
        found=tuple(found),
        fit_seconds=float(np.median([each.fit_seconds for each in calm])),
        detect_seconds=float(np.median([each.detect_seconds for each in calm])),
    )


def _check(detector: Any, repetitions: int, power_repetitions: int, consecutive: bool) -> None:
    for method in ("fit", "detect", "get_params"):
        if isinstance(detector, type) or not callable(getattr(detector, method, None)):
            got = detector.__name__ if isinstance(detector, type) else type(detector).__name__
            _checks.fail("detector", "be a batch detector, such as KS()", got)
    _checks.count("repetitions", repetitions)
    _checks.count("power_repetitions", power_repetitions)
    _checks.instance("consecutive", consecutive, bool, "True or False")


def _divided(
    reference: Any,
    n_reference: int | None,
    n_current: int | None,
    consecutive: bool,
    rng: np.random.Generator,
) -> Iterator[Sides]:
    if callable(reference):
        if n_reference is None or n_current is None:
            _checks.fail("n_reference and n_current", "be given where the reference is a function", "None")
        sizes = _checks.count("n_reference", n_reference), _checks.count("n_current", n_current)
        return _drawn(reference, *sizes, rng)
    columns = _columns(reference)
    rows = len(next(iter(columns.values())))
    n_current = max(2, rows // 11) if n_current is None else _checks.count("n_current", n_current)
    n_reference = rows - n_current if n_reference is None else _checks.count("n_reference", n_reference)
    if n_reference < 1 or n_reference + n_current > rows:
        wanted = f"have {max(n_reference, 1) + n_current} rows"
        _checks.bad_data("reference", wanted, str(rows), "pass smaller n_reference and n_current")
    return _resampled(columns, n_reference, n_current, consecutive, rng)


def _drawn(draw: Any, n_reference: int, n_current: int, rng: np.random.Generator) -> Iterator[Sides]:
    while True:
        yield Sides(_columns(draw(rng, n_reference)), _columns(draw(rng, n_current)))


def _resampled(
    columns: Columns, n_reference: int, n_current: int, consecutive: bool, rng: np.random.Generator
) -> Iterator[Sides]:
    rows = len(next(iter(columns.values())))
    while True:
        order = np.roll(np.arange(rows), -int(rng.integers(rows))) if consecutive else rng.permutation(rows)
        batch, rest = order[:n_current], order[n_current : n_current + n_reference]
        if consecutive:
            rest = np.sort(rest)
        yield Sides(
            {name: values[rest] for name, values in columns.items()},
            {name: values[batch] for name, values in columns.items()},
        )


def _checked(detector: Any, reference: TableLike, batch: TableLike) -> Checked:
    copy = clone(detector)
    started = time.perf_counter()
    copy.fit(reference)
    fitted = time.perf_counter()
    result = copy.detect(batch)
    return Checked(result, fitted - started, time.perf_counter() - fitted)


def _rate(alarms: Sequence[bool]) -> Interval:
    """Return the share of alarms with its exact interval (Clopper and Pearson)."""
    count, n, tail = sum(alarms), len(alarms), (1.0 - CONFIDENCE) / 2.0
    low = float(special.betaincinv(count, n - count + 1, tail)) if count else 0.0
    high = float(special.betaincinv(count + 1, n - count, 1.0 - tail)) if count < n else 1.0
    return Interval(count / n, low, high, CONFIDENCE)


def _form_of(reference: Any) -> Callable[[Columns], TableLike]:
    """Return what makes of columns the form in which they were given: a bare array, or a dictionary."""
    given = reference(np.random.default_rng(0), 2) if callable(reference) else reference
    if isinstance(given, np.ndarray):
        return lambda columns: np.column_stack(list(columns.values()))
    return dict


def _columns(table: TableLike) -> Columns:
    return {column.name: _array(column) for column in read(table, "reference").columns}


def _array(column: Column) -> NDArray[Any]:
    """Return a column as a numpy array that says by itself what is missing."""
    values: NDArray[Any] = column.values
    if column.kind in ("datetime", "duration"):
        values = values.astype("M8[us]" if column.kind == "datetime" else "m8[us]")
    elif column.kind == "numeric" and values.dtype.kind == "f":
        values = values.astype(f"f{column.bits // 8}")
    if column.missing is None:
        return values
    if values.dtype.kind in "iub":
        values = values.astype(np.float64 if values.dtype.kind in "iu" else object)
    values = values.copy()
    nothing: Any = np.nan if values.dtype.kind == "f" else None
    values[column.missing] = np.array("NaT", values.dtype) if values.dtype.kind in "mM" else nothing
    return values
