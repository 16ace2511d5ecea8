"""The gate on the time per prediction."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from contlearn import _checks
from contlearn.gates import _faster_ratio
from contlearn.gates._base import Gate
from contlearn.gates._faster_ratio import Ratio
from contlearn.gates._settled import confidence, fewest, plural
from contlearn.gates._trial import Trial
from contlearn.results import Interval, Outcome, Verdict
from contlearn.stats import _columns

Times: TypeAlias = "NDArray[np.float64]"

_FEWEST = 100  # below it, too much of a long tail is hidden: see the notes of the class
_ABSURD = 1e15  # seconds, or their inverse: what no clock measures
_MOST = 10**9
_CURE = "pass seconds=(champion_times, challenger_times), one time per prediction, to the trial"


@dataclass(frozen=True, slots=True)
class Faster(Gate):
    """Promote a challenger whose time per prediction is shown to be at most `limit` times the champion's.

    It reads the trial's `seconds` and no losses: ``Gain() & Faster(limit=1.2)`` lets a better model be up to
    a fifth slower. Times need no labels, so take many.

    Parameters
    ----------
    limit
        Largest share of the champion's time that is allowed, between 1e-6 and 1e6: 1 asks for a faster model,
        1.1 for one that is at most a tenth slower, 0.5 for half the time.
    alpha
        Rate of wrong promotions, one-sided, strictly between 0 and 0.5.
    quantile
        Which time is compared: None the mean, which is what a bill counts; 0.95 the time that one prediction
        in twenty exceeds, which is what users feel. Between 0.01 and 0.999.

    Notes
    -----
    Two arrays as long as the trial are paired row by row, and clusters in the trial's `groups` are counted as
    clusters; two arrays of other lengths are two samples. Two single numbers are compared, but without a
    spread nothing is promoted. Nor with times that are NaN, infinite, zero or negative: no clock measured
    that. Nor means of fewer than 100 times on a side; quantiles have a minimum of their own.

    Times must not depend on each other, but machines have slow minutes: with logarithms that follow an AR(1)
    of 0.9, 37 % of trials promote a mean wrongly at alpha 0.05, and 29 % a 0.95 quantile. Take the two
    models' times in turn, row by row, or name stretches of time by `groups`. Quantiles cannot count clusters,
    so with `groups` only means are promoted.

    Means: Fieller's method [1]_, the test of the mean of limit x champion - challenger by Student's t (two
    samples: Welch's), guarded against skewness, whose sample value counts threefold and at least 1.
    Quantiles: binomial bounds by order statistics on either side, joined on the scale of logarithms [2]_;
    pairing is not used, which errs on the safe side as long as rows that are slow for one model are slow for
    the other.

    The verdict's `gain` is the share of the champion's time that is saved, 1 - ratio; `needed` counts times.
    Rates of wrong promotion measured at alpha 0.05, means, paired or not, times log-normal with these sigmas
    and both models equal on average:

    ==========  ===========  =========  =========  ==========
    champion    challenger   100 times  300 times  1000 times
    ==========  ===========  =========  =========  ==========
    0.5         0.5                4 %        4 %         5 %
    1.5         1.5                3 %        4 %         4 %
    0.3         1                  3 %        3 %         3 %
    0.3         1.5                5 %        3 %         2 %
    ==========  ===========  =========  =========  ==========

    A mean can hide in stalls that the sample lacks: where 1 % of the challenger's times are twenty times as
    long, 25 % of trials of 100 times promote wrongly, 9 % of 300, 2 % of 1000. Have about ten stalls in the
    trial, or ask for a quantile, whose bounds hold whatever the tail.

    Cost: O(n log n) for quantiles, some fifteen passes over the times for means.

    Threads may share it.

    References
    ----------
    .. [1] E. C. Fieller, "Some problems in interval estimation", Journal of the Royal Statistical Society B
       16 (1954).
    .. [2] G. Y. Zou, A. Donner, "Construction of confidence limits about effect measures: a general
       approach", Statistics in Medicine 27 (2008).

    Examples
    --------
    >>> import numpy as np
    >>> from contlearn.gates import Faster, Trial
    >>> rng = np.random.default_rng(0)
    >>> champion, challenger = 0.010 * rng.lognormal(0, 0.5, 500), 0.008 * rng.lognormal(0, 0.5, 500)
    >>> trial = Trial(np.zeros(500), np.zeros(500), seconds=(champion, challenger))
    >>> print(Faster()(trial))
    promote: the challenger takes 0.7713 [0.7305, 0.8146] (90 %) of the champion's mean time, within limit 1
    (500 paired times; Student's t, p = 4.63e-12 <= 0.05)
    >>> Faster(limit=0.5, quantile=0.95)(trial).outcome.value
    'reject'
    """

    limit: float = 1.0
    alpha: float = 0.05
    quantile: float | None = None

    def __post_init__(self) -> None:
        _checks.number("limit", self.limit, low=1e-6, high=1e6)
        _checks.level("alpha", self.alpha)
        if self.quantile is not None:
            _checks.number("quantile", self.quantile, low=0.01, high=0.999)

    def __call__(self, trial: Trial) -> Verdict:
        """Return whether the challenger is fast enough."""
        _checks.instance("trial", trial, Trial, "a Trial")
        if trial.seconds is None:
            return Verdict(Outcome.CONTINUE, f"the trial has no seconds; {_CURE}")
        if unfit := _unfit(*trial.seconds):
            return Verdict(Outcome.CONTINUE, unfit)
        lacking = self._fewest() - min(side.size for side in trial.seconds)
        if lacking > 0:
            return self._too_few(*trial.seconds, lacking)
        if self.quantile is None:
            return self._by_means(trial, *trial.seconds)
        if clustered := _why_clustered(trial, *trial.seconds):
            return Verdict(Outcome.CONTINUE, clustered)
        return self._by_quantiles(*trial.seconds)

    def _fewest(self) -> int:
        if self.quantile is None:
            return _FEWEST
        return _faster_ratio.rows_for_quantile(float(self.quantile), float(self.alpha))

    def _too_few(self, champion: Times, challenger: Times, lacking: int) -> Verdict:
        of = "mean" if self.quantile is None else f"{float(self.quantile):g} quantile"
        means = "no times" if not champion.size * challenger.size else _means(champion, challenger)
        sizes = f"{challenger.size} against {champion.size} {'time' if champion.size == 1 else 'times'}"
        why = f"{means}, but {sizes} cannot bound the {of} at alpha {float(self.alpha):g}"
        reason = f"{why}; {_CURE}, {self._fewest()} or more on each side"
        return Verdict(Outcome.CONTINUE, reason, needed=lacking)

    def _by_quantiles(self, champion: Times, challenger: Times) -> Verdict:
        quantile, limit = float(self.quantile or 0.0), float(self.limit)
        found = _faster_ratio.of_quantiles(champion, challenger, quantile, limit, float(self.alpha))
        sizes = f"{challenger.size} against {champion.size} times"
        return self._verdict(
            found, f"time at quantile {quantile:g}", sizes, "order statistics", champion.size
        )

    def _by_means(self, trial: Trial, champion: Times, challenger: Times) -> Verdict:
        n = trial.n_samples
        if not champion.size == challenger.size == n:
            sizes = f"{challenger.size} against {champion.size} times"
            difference = _faster_ratio.unpaired(champion, challenger)
        else:
            codes, groups, unfit = _clusters(trial, float(self.alpha))
            if unfit:
                return Verdict(Outcome.CONTINUE, unfit)
            sizes = f"{n} paired times" + (f" in {groups} groups" if groups else "")
            difference = _faster_ratio.paired(champion, challenger, codes)
        estimate = float(challenger.mean() / champion.mean())
        found = _faster_ratio.of_means(difference, estimate, float(self.limit), float(self.alpha))
        return self._verdict(found, "mean time", sizes, "Student's t", champion.size)

    def _verdict(self, found: Ratio, what: str, sizes: str, test: str, n: int) -> Verdict:
        limit, alpha = float(self.limit), float(self.alpha)
        ratio = Interval(found.estimate, found.low, found.high, confidence(alpha))
        saved = Interval(1.0 - found.estimate, 1.0 - found.high, 1.0 - found.low, confidence(alpha))
        told = f"the challenger takes {ratio} of the champion's {what}"
        if found.p_slower is None or found.p_faster is None:
            reason = f"{told}, and the times do not vary ({sizes}), so nothing is known; take finer times"
            return Verdict(Outcome.CONTINUE, reason, gain=saved)
        outcome, is_ = Outcome.CONTINUE, "not settled against"
        if found.p_slower <= alpha:
            outcome, is_ = Outcome.PROMOTE, "within"
        elif found.p_faster <= alpha:
            outcome, is_ = Outcome.REJECT, "above"
        sign = "<=" if outcome is Outcome.PROMOTE else ">"
        reason = f"{told}, {is_} limit {limit:g} ({sizes}; {test}, p = {found.p_slower:.3g} {sign} {alpha:g})"
        needed = None
        if outcome is Outcome.CONTINUE and math.isfinite(found.effort):
            needed = max(1, math.ceil(min(n * (found.effort - 1.0), _MOST)))
            reason += f"; about {needed} more times would settle it"
        return Verdict(outcome, reason, gain=saved, p_value=found.p_slower, needed=needed)


def _means(champion: Times, challenger: Times) -> str:
    return f"{challenger.mean():.4g} s against {champion.mean():.4g} s on average"


def _unfit(champion: Times, challenger: Times) -> str:
    """Return what is wrong with the times; empty where nothing is."""
    for name, times in (("champion", champion), ("challenger", challenger)):
        bad = int((~((times > 1.0 / _ABSURD) & (times < _ABSURD))).sum())
        if bad:
            what = "NaN, infinite, zero, negative or absurd; leave out what failed, and use a finer clock"
            return f"{bad} of {times.size} times of the {name} are {what}"
    return ""


def _why_clustered(trial: Trial, champion: Times, challenger: Times) -> str:
    """Return why quantiles of these times have no bounds; empty where every row stands for itself."""
    if trial.groups is None or not champion.size == challenger.size == trial.n_samples:
        return ""
    groups = len(_columns.labels("groups", trial.groups).names)
    if groups == trial.n_samples:
        return ""
    return (
        f"the bounds of a quantile count rows, and these {trial.n_samples} come in {groups} "
        f"{plural(groups, 'group')}; compare means, by quantile=None, which count groups"
    )


def _clusters(trial: Trial, alpha: float) -> tuple[NDArray[np.intp] | None, int, str]:
    """Return the cluster of every row, their number, and why they cannot be used; empty where they can."""
    if trial.groups is None:
        return None, 0, ""
    labels = _columns.labels("groups", trial.groups)
    if labels.missing:
        why = f"{labels.missing} of {trial.n_samples} rows without a group; give each row its group"
        return None, 0, why
    groups = len(labels.names)
    if groups == trial.n_samples:  # groups of one row each say nothing
        return None, 0, ""
    if groups < fewest(alpha):
        why = f"times in {groups} groups cannot show anything at alpha {alpha:g}, {fewest(alpha)} can"
        return None, 0, why
    return labels.codes, groups, ""
