"""Which slices got worse: a question about all of them at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from contlearn import _checks, _html
from contlearn._answers import KINDS, Answer
from contlearn._doors import tuple_of
from contlearn.gates._comparison import Comparison, compare, examine, zeros_and_ones
from contlearn.gates._gain import check_bounds
from contlearn.gates._settled import counted
from contlearn.gates._trial import Trial
from contlearn.results import Interval
from contlearn.stats import _columns
from contlearn.stats._multiple import adjust

# Student's t of skewed losses goes wrong far out in the tail, where a test among many is decided. The
# calibration tests show how many times the least number of rows, and of clusters, it takes.
_ROWS_FACTOR = 5
_CLUSTERS_FACTOR = 3


_TOLD = 5  # slices that are named


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceGain(Answer):
    """What one slice gained. True exactly when it got worse.

    Attributes
    ----------
    name : str
        Name of the slice, as text.
    worse : bool
        Whether it is shown to have got worse, at the error rate over all slices.
    gain : Interval or None
        Champion loss minus challenger loss; positive is good. The interval is that of this slice alone.
    p_value : float or None
        Of the hypothesis that the gain is at least the margin, adjusted by Holm for the other slices; None
        where nothing can be said.
    n_samples : int
        Number of its rows.
    reason : str
        What the numbers rest on, or why there are none.

    Examples
    --------
    >>> from contlearn.gates import Interval, SliceGain
    >>> gain = Interval(-0.5, -0.63, -0.37, 0.9)
    >>> print(SliceGain(name="us", worse=True, gain=gain, p_value=2e-6, n_samples=40, reason="40 rows"))
    us: gain -0.5 [-0.63, -0.37] (90 %), adjusted p = 2e-06 (40 rows)
    """

    name: str
    worse: bool
    gain: Interval | None = None
    p_value: float | None = None
    n_samples: int = 0
    reason: str = ""

    def __bool__(self) -> bool:
        return self.worse

    def __str__(self) -> str:
        told = f"gain {self.gain}" if self.gain is not None else "gain unknown"
        p = f", adjusted p = {self.p_value:.3g}" if self.p_value is not None else ""
        return _checks.one_line(f"{_checks.called(self.name)}: {told}{p} ({self.reason})")


@dataclass(frozen=True, slots=True, kw_only=True)
class WorseSlices(Answer):
    """Which slices got worse. True exactly when some did.

    Attributes
    ----------
    by : str
        Name of the column.
    slices : tuple of SliceGain
        One per slice, sorted by name, "(missing)" last.
    alpha : float
        Chance, at most, of naming any slice wrongly.
    margin : float
        Gain below which a slice counts as worse.
    remarks : tuple of str
        What a reader should know before acting on the numbers.

    Examples
    --------
    >>> from contlearn.gates import SliceGain, WorseSlices
    >>> found = WorseSlices(by="region", slices=(SliceGain(name="eu", worse=False, reason="1 row"),))
    >>> print(found)
    none of 1 slices of region is shown to have got worse (alpha 0.05, Holm); 1 of 1 cannot be judged: eu
    """

    by: str
    slices: tuple[SliceGain, ...] = ()
    alpha: float = 0.05
    margin: float = 0.0
    remarks: tuple[str, ...] = ()

    @property
    def worse(self) -> tuple[str, ...]:
        """Names of the slices that got worse."""
        return tuple(part.name for part in self.slices if part.worse)

    def __bool__(self) -> bool:
        return bool(self.worse)

    def __str__(self) -> str:
        return _checks.one_line("; ".join(self._clauses()))

    def _clauses(self) -> Iterator[str]:
        by, count = _checks.called(self.by), len(self.slices)
        if self.worse:
            yield f"{len(self.worse)} of {count} slices of {by} got worse (alpha {self.alpha:g}, Holm)"
            yield from (str(part) for part in self.slices if part.worse)
        elif self.slices:
            yield f"none of {count} slices of {by} is shown to have got worse (alpha {self.alpha:g}, Holm)"
        unknown = [_checks.called(part.name) for part in self.slices if part.p_value is None]
        if unknown:
            more = f" and {len(unknown) - _TOLD} more" if len(unknown) > _TOLD else ""
            yield f"{len(unknown)} of {count} cannot be judged: {', '.join(unknown[:_TOLD])}{more}"
        yield from self.remarks

    def _repr_html_(self) -> str:
        header = ("slice", "worse", "gain", "adjusted p", "rows", "")
        rows = [
            (_checks.called(s.name), s.worse, s.gain and str(s.gain), s.p_value, s.n_samples, s.reason)
            for s in self.slices
        ]
        return _html.table(str(self), header, rows)


KINDS["tuple[SliceGain, ...]"] = (frozenset(), tuple_of(SliceGain))


def worse_slices(
    trial: Trial,
    by: str,
    alpha: float = 0.05,
    margin: float = 0.0,
    bounds: tuple[float, float] | None = None,
) -> WorseSlices:
    """Return which slices got worse, naming any wrongly with a chance of at most `alpha`.

    `EverySlice` decides whether to promote; this says where to look. Twenty slices tested one by one at 0.05
    name one that is as good as before in two of three trials; here, the error rate is over all of them.

    Parameters
    ----------
    trial
        Losses of both models on the same rows, with the column `by` in its `slices`.
    by
        Name of the column. Rows without a value form the slice "(missing)".
    alpha
        Chance, at most, of naming any slice whose true gain is at least `margin`; strictly between 0 and 0.5.
    margin
        Gain below which a slice counts as worse: 0 for any loss, -0.05 for one of more than 0.05.
    bounds
        Smallest and largest possible loss, for the betting test; see `Gain`.

    Returns
    -------
    WorseSlices
        `worse` holds the names, `slices` the gain and the adjusted p-value of every slice. Empty, and saying
        why in `remarks`, where the trial has no such column or no rows.

    Notes
    -----
    Each slice is tested as `Gain` does, with the hypothesis turned round; the p-values are adjusted by Holm's
    method, which holds whatever the slices have to do with each other. A slice of which nothing can be said
    (a NaN, too few rows) counts among the tests and is never named.
    Losses other than 0 and 1 without `bounds` are judged by Student's t, which takes rows to hold at the
    level of one test among S slices: 5 log2(S / `alpha`) of them, 44 for 20 slices at the default, or, with
    `groups` in the trial, 3 log2(S / `alpha`) clusters. Slices with fewer are not judged; `bounds` judge
    them, too. Measured at alpha 0.05 with exponential gains that are 0 on average: some slice named in 2-5 %
    of trials of 5, 20 and 100 slices with that many rows or more; in 6-8 % with that few clusters whose
    means are exponential, too.
    Rare and expensive rows are as hard to see as for `Gain`: five of them in each slice should be expected.
    Power goes with the size of the slice: one that is not named is not shown to be as good as before.
    Cost: O(n log n), plus one test per slice.

    References
    ----------
    .. [1] S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of
       Statistics 6 (1979).

    Examples
    --------
    >>> from contlearn.gates import Trial, worse_slices
    >>> region = ["eu"] * 60 + ["us"] * 40
    >>> trial = Trial([1] * 30 + [0] * 70, [0] * 80 + [1] * 20, slices={"region": region})
    >>> found = worse_slices(trial, by="region")
    >>> found.worse
    ('us',)
    >>> print(found)
    1 of 2 slices of region got worse (alpha 0.05, Holm); us: gain -0.5 [-0.6259, -0.3741] (90 %), adjusted
    p = 1.91e-06 (40 rows, 0 better and 20 worse; exact McNemar test)
    """
    _checks.instance("trial", trial, Trial, "a Trial")
    _checks.instance("by", by, str, "the name of a column in the trial's slices")
    alpha, margin = _checks.level("alpha", alpha), _checks.number("margin", margin)
    if bounds is not None:
        check_bounds(bounds)
    if trial.slices is None or by not in trial.slices:
        why = f"the trial has no slices named {_checks.called(by)!r}"
        return WorseSlices(by=by, alpha=alpha, margin=margin, remarks=(why,))
    labels = _columns.labels(by, trial.slices[by])
    if not labels.names:
        return WorseSlices(by=by, alpha=alpha, margin=margin, remarks=("the trial has no rows",))
    parts = [trial.take(np.flatnonzero(labels.codes == code)) for code in range(len(labels.names))]
    found = [_judged(part, margin, alpha, bounds, len(parts)) for part in parts]
    p_values = [1.0 if each.unknown or each.p_below is None else each.p_below for each in found]
    adjusted = adjust(p_values, "holm")
    rows = zip(labels.names, parts, found, adjusted.tolist(), strict=True)
    slices = tuple(_of_slice(name, part.n_samples, each, p, alpha) for name, part, each, p in rows)
    return WorseSlices(by=by, slices=slices, alpha=alpha, margin=margin)


def _judged(
    part: Trial, margin: float, alpha: float, bounds: tuple[float, float] | None, slices: int
) -> Comparison:
    """Return what one of so many `slices` says; nothing where it is too small for Student's t."""
    found = compare(part, margin, alpha, bounds)
    unknown, codes = examine(part)
    if found.unknown or unknown or bounds is not None or (codes is None and zeros_and_ones(part)):
        return found
    factor, word = (_ROWS_FACTOR, "row") if codes is None else (_CLUSTERS_FACTOR, "group")
    enough = factor * -np.log2(alpha / slices)
    units = part.n_samples if codes is None else np.unique(codes).size
    if units >= enough:
        return found
    why = f"{counted(units, word)} cannot show a loss among {slices} slices at alpha {alpha:g} by Student's t"
    return found._replace(unknown=f"{why}, {int(np.ceil(enough))} can; or pass bounds=")


def _of_slice(name: Any, n: int, found: Comparison, adjusted: float, alpha: float) -> SliceGain:
    known = found.p_below is not None and not found.unknown
    return SliceGain(
        name=str(name),
        worse=known and adjusted <= alpha,
        gain=found.gain,
        p_value=adjusted if known else None,
        n_samples=n,
        reason=found.unknown or found.basis,
    )
