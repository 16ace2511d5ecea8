"""How often does this detector raise a false alarm on these data, and what would it find? Measured."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, TypeAlias, overload

import numpy as np
from sklearn.base import clone

from contlearn import _checks
from contlearn._tables import TableLike
from contlearn.results import DriftResult, DriftState, Interval
from contlearn.testing._certificate import Certificate, Found
from contlearn.testing._certify_streams import certify_stream
from contlearn.testing._forms import columns_of, form_of
from contlearn.testing._rates import share_of
from contlearn.testing._shifts import Change, Columns, plan
from contlearn.testing._stream_certificate import StreamCertificate


class Sides(NamedTuple):
    """A reference and a batch between which nothing changed."""

    reference: Columns
    batch: Columns


class Checked(NamedTuple):
    """What one check said, and what it cost."""

    result: DriftResult
    fit_seconds: float
    detect_seconds: float


class Asked(Protocol):
    """A batch detector: it is fitted, and asked about rows."""

    def fit(self, X: Any) -> Any: ...
    def detect(self, X: Any) -> DriftResult: ...


class Updated(Protocol):
    """A stream detector: it is asked after every value."""

    def update(self, x: Any) -> Any: ...


Rows: TypeAlias = TableLike | Callable[[np.random.Generator, int], TableLike]


@overload
def certify(
    detector: Asked,
    reference: Rows,
    *,
    n_reference: int | None = None,
    n_current: int | None = None,
    repetitions: int = 500,
    shifts: Mapping[str, Any] | Sequence[str] | None = None,
    power_repetitions: int = 100,
    consecutive: bool = False,
    rng: int | np.random.Generator | None = 0,
) -> Certificate: ...
@overload
def certify(
    detector: Updated,
    reference: Rows,
    *,
    n_reference: int | None = None,
    n_current: int | None = None,
    repetitions: int = 500,
    shifts: Mapping[str, Any] | Sequence[str] | None = None,
    power_repetitions: int = 100,
    consecutive: bool = False,
    rng: int | np.random.Generator | None = 0,
) -> StreamCertificate: ...


def certify(
    detector: Any,
    reference: Rows,
    *,
    n_reference: int | None = None,
    n_current: int | None = None,
    repetitions: int = 500,
    shifts: Mapping[str, Any] | Sequence[str] | None = None,
    power_repetitions: int = 100,
    consecutive: bool = False,
    rng: int | np.random.Generator | None = 0,
) -> Certificate | StreamCertificate:
    """Measure a detector on data of your own: false alarms, power or delay, time.

    Rows of the reference are divided at random into a reference and a batch, again and again: nothing changed
    between them, so every alarm is a false one. Then known shifts are made to the batch. For a stream
    detector the batch is a stream: its run length is measured, and how long it takes to find a shift.

    Parameters
    ----------
    detector : batch detector or stream detector
        With the parameters that are to be used. Copies of it are fitted, never it itself.
    reference : table, or callable
        Rows in which nothing changed: an array, a data frame, or a dictionary of columns. Or a function
        ``(rng, n_rows)`` that draws fresh rows of a known law.
    n_reference, n_current : int or None
        Rows on the two sides of each check. By default a batch of an eleventh of the rows against all others;
        a function needs both. For stream detectors, the values of the reference (by default half, and none
        where the detector has a reference or needs none) and those that are watched (by default all others).
    repetitions : int
        Checks without a change, or passes of a stream detector. The standard error of the rate is about
        sqrt(alpha / repetitions).
    shifts : sequence of str, mapping of str to sizes or to (function, sizes), or None
        What is done to one column of the batch, drawn anew each time: ``"mean"`` moves numbers by so many of
        their standard deviations, ``"spread"`` lengthens distances from the mean by such a share,
        ``"category"`` turns such a share of rows into the rarest category, ``"missing"`` loses such a share
        of the values. None: all that apply. Or changes of your own: a function ``(columns, size, rng)`` that
        takes a dictionary of columns and returns the changed one, with the sizes to try. One size may stand
        alone. Empty: no power is measured. For streams there is ``"risk"``, too, and a change of your own
        takes the values that come after it, as for `backtest`; there, by default, nothing is lost.
    power_repetitions : int
        Checks for each size of each shift. In a stream, the change comes after at least half of the values.
    consecutive : bool
        True where rows come in the order of time: batches are stretches of neighbouring rows, so that what
        dependence and seasons do to the rate is measured, too.
    rng : int, numpy Generator or None
        Source of everything that is drawn; the same seed gives the same rates.

    Returns
    -------
    Certificate or StreamCertificate
        Its `str()` is the table. The latter for a stream detector.

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

    How long does a stream detector take?

    >>> from river.drift import ADWIN
    >>> certificate = certify(ADWIN(), reference, repetitions=20, shifts={"mean": (1.0,)})
    >>> certificate.delays[0].mean.estimate < 200
    True
    """
    _check(detector, repetitions, power_repetitions, consecutive)
    rng = _checks.generator("rng", rng)
    if not _is_batch_detector(detector):
        repeated = repetitions, shifts, power_repetitions, consecutive
        return certify_stream(detector, reference, n_reference, n_current, *repeated, rng)
    sides = _divided(reference, n_reference, n_current, consecutive, rng)
    first = next(sides)
    tried = plan(shifts, first.batch)
    as_given = form_of(reference)
    calm = [_checked(detector, *map(as_given, each)) for each in itertools.islice(sides, repetitions)]

    def finds(change: Change, size: float) -> Interval:
        """Return how often a change is found, each time in another batch."""
        alarms = []
        for before, after in itertools.islice(sides, power_repetitions):
            changed = change(dict(after), size, rng)
            alarms.append(bool(_checked(detector, as_given(before), as_given(changed)).result))
        return share_of(alarms)

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
        false_alarms=share_of([bool(each.result) for each in calm]),
        undecided=float(np.mean([each.result.state is DriftState.UNDECIDED for each in calm])),
        found=tuple(found),
        fit_seconds=float(np.median([each.fit_seconds for each in calm])),
        detect_seconds=float(np.median([each.detect_seconds for each in calm])),
    )


def _is_batch_detector(detector: Any) -> bool:
    return all(callable(getattr(detector, method, None)) for method in ("fit", "detect", "get_params"))


def _check(detector: Any, repetitions: int, power_repetitions: int, consecutive: bool) -> None:
    updated = callable(getattr(detector, "update", None)) and hasattr(detector, "drift_detected")
    if isinstance(detector, type) or not (updated or _is_batch_detector(detector)):
        got = detector.__name__ if isinstance(detector, type) else type(detector).__name__
        _checks.fail("detector", "be a batch detector, such as KS(), or a stream detector", got)
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
    columns = columns_of(reference)
    rows = len(next(iter(columns.values())))
    n_current = max(2, rows // 11) if n_current is None else _checks.count("n_current", n_current)
    n_reference = rows - n_current if n_reference is None else _checks.count("n_reference", n_reference)
    if n_reference < 1 or n_reference + n_current > rows:
        wanted = f"have {max(n_reference, 1) + n_current} rows"
        _checks.bad_data("reference", wanted, str(rows), "pass smaller n_reference and n_current")
    return _resampled(columns, n_reference, n_current, consecutive, rng)


def _drawn(draw: Any, n_reference: int, n_current: int, rng: np.random.Generator) -> Iterator[Sides]:
    while True:
        yield Sides(columns_of(draw(rng, n_reference)), columns_of(draw(rng, n_current)))


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
