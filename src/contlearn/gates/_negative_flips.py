"""The gate on rows that were right and become wrong."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contlearn import _checks
from contlearn.gates._base import Gate
from contlearn.gates._comparison import examine, zeros_and_ones
from contlearn.gates._predicted_labels import UnreadableError, correct, differing
from contlearn.gates._settled import plural
from contlearn.gates._share_of_rows import judge
from contlearn.gates._trial import Trial
from contlearn.results import Outcome, Verdict


@dataclass(frozen=True, slots=True)
class NegativeFlips(Gate):
    """Promote a challenger that is shown to break few of the rows that the champion gets right.

    Users notice what used to work and no longer does, even where the average improves. A negative flip is a
    row on which the champion is right and the challenger wrong; their share of all rows is held against a
    limit.

    PROMOTE when the upper confidence bound of the share is at most `limit`, REJECT when the lower one is
    above it, else CONTINUE, with the number of rows that would about settle it.

    Parameters
    ----------
    limit
        Largest share of rows that may flip, strictly between 0 and 1.
    alpha
        Rate of wrong promotions, one-sided, strictly between 0 and 0.5: the largest chance that a challenger
        whose true share is above `limit` is promoted by one trial.
    threshold
        Score from which a row is of class 1, for predictions that are numbers or probabilities of two classes
        instead of labels. None: probabilities of shape (n_samples, n_classes) mean their likeliest class, the
        first of several, and fractions in one dimension are no labels.

    Notes
    -----
    Reads zero-one losses; where the losses are others, `y` and the predictions of the trial. Text and numbers
    are never compared, nor are classes guessed: probabilities and thresholds need a `y` of 0, 1, 2, ...
    Whatever cannot be read is CONTINUE, and the reason names it.

    Independent rows: the exact bounds of Clopper and Pearson, one-sided at `alpha`, and the binomial p-value
    that goes with them. With `groups`, the larger of that p-value and Student's over clusters (see `Gain`);
    where no row of any cluster flips, the chance of that many clusters without a flip. Measured wrong
    promotions at alpha 0.05 and a limit of 0.1, clusters of 20 rows whose rates vary by a factor of standard
    deviation 0.7: 4-5 % with 7 to 150 clusters; of 1.4: 3-5 % from 14 clusters on, 10 % with 7. Where a few
    clusters, much larger than the others, hold all the flips, a trial that happens to lack them shows
    nothing of it: 14 % of trials of 100 clusters, 2 % of them 100 times as large.
    `p_value` is that of the hypothesis that the share is at least `limit`; `gain` is None, since a share of
    flips is no gain.
    Fewer rows than log(alpha) / log(1 - limit) never promote: 299 for one in a hundred.
    Cost: O(n); with labels O(n log n).

    Threads may share it.

    References
    ----------
    .. [1] S. Yan et al., "Positive-congruent training: towards regression-free model updates", CVPR (2021).

    Examples
    --------
    >>> from contlearn.gates import NegativeFlips, Trial
    >>> champion, challenger = [1] * 60 + [0] * 440, [0] * 40 + [1] * 23 + [0] * 437
    >>> print(NegativeFlips(0.05)(Trial(champion, challenger)))
    promote: share of negative flips 0.006 [0.001637, 0.01543] (90 %) is at most the limit 0.05 (500 rows, 3
    right ones become wrong and 40 wrong ones right; exact binomial test, p = 2.47e-08 <= 0.05)
    """

    limit: float
    alpha: float = 0.05
    threshold: float | None = None

    def __post_init__(self) -> None:
        _checks.fraction("limit", self.limit)
        _checks.level("alpha", self.alpha)
        if self.threshold is not None:
            _checks.number("threshold", self.threshold)

    def __call__(self, trial: Trial) -> Verdict:
        """Return whether few enough rows flip."""
        _checks.instance("trial", trial, Trial, "a Trial")
        unknown, codes = examine(trial)
        if unknown:
            return Verdict(Outcome.CONTINUE, f"nothing to decide on: {unknown}")
        threshold = None if self.threshold is None else float(self.threshold)
        try:
            champion, challenger = _right(trial, threshold)
        except UnreadableError as why:
            cure = "flips need zero-one losses, or y and predicted labels"
            return Verdict(Outcome.CONTINUE, f"nothing to decide on: {why}; {cure}")
        flips = champion & ~challenger
        told = _told(flips, ~champion & challenger, trial, threshold)
        what = "share of negative flips"
        return judge(what, flips, codes, float(self.limit), float(self.alpha), told)


def _right(trial: Trial, threshold: float | None) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    if zeros_and_ones(trial):
        return trial.champion_losses == 0.0, trial.challenger_losses == 0.0
    return correct(trial, threshold)


def _told(
    negative: NDArray[np.bool_], positive: NDArray[np.bool_], trial: Trial, threshold: float | None
) -> str:
    """Return how many rows flip either way, and, where labels are known, how many have another label."""
    worse, better = int(negative.sum()), int(positive.sum())
    one = f"{worse} right {plural(worse, 'one')} {'becomes' if worse == 1 else 'become'} wrong"
    other = f"{better} wrong {plural(better, 'one')} right"
    told = f"{trial.n_samples} {plural(trial.n_samples, 'row')}, {one} and {other}"
    try:
        changed = int(differing(trial, threshold).sum())
    except UnreadableError:
        return told
    return f"{told}, {changed} {'has' if changed == 1 else 'have'} another label"
