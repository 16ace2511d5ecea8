"""The gate on rows that get another label."""

from __future__ import annotations

from dataclasses import dataclass

from contlearn import _checks
from contlearn.gates._base import Gate
from contlearn.gates._comparison import examine
from contlearn.gates._predicted_labels import UnreadableError, differing
from contlearn.gates._settled import plural
from contlearn.gates._share_of_rows import judge
from contlearn.gates._trial import Trial
from contlearn.results import Outcome, Verdict


@dataclass(frozen=True, slots=True)
class Churn(Gate):
    """Promote a challenger that is shown to change few predictions.

    Every changed prediction costs whoever acts on it: a price, a route, a diagnosis that is now another.
    Churn is the share of rows for which champion and challenger predict different labels, right or wrong.

    PROMOTE when the upper confidence bound of the share is at most `limit`, REJECT when the lower one is
    above it, else CONTINUE, with the number of rows that would about settle it.

    Parameters
    ----------
    limit
        Largest share of rows that may change, strictly between 0 and 1.
    alpha
        Rate of wrong promotions, one-sided, strictly between 0 and 0.5: the largest chance that a challenger
        whose true churn is above `limit` is promoted by one trial.
    threshold
        Score from which a row is of class 1, for predictions that are numbers or probabilities of two classes
        instead of labels. None: probabilities of shape (n_samples, n_classes) mean their likeliest class, the
        first of several, and fractions in one dimension are no labels.

    Notes
    -----
    Reads the predictions of the trial, not its labels; a trial with a loss that is NaN is not judged all the
    same. Text and numbers are never compared. Whatever cannot be read is CONTINUE, and the reason names it.
    The bounds, the treatment of `groups` and the fewest rows are those of `NegativeFlips`. `p_value` is that
    of the hypothesis that the churn is at least `limit`; `gain` is None.
    Churn alone says nothing about who is right: join it with `Gain`.
    Cost: O(n log n).

    Threads may share it.

    References
    ----------
    .. [1] M. Milani Fard, Q. Cormier, K. Canini, M. Gupta, "Launch and iterate: reducing prediction churn",
       NeurIPS (2016).

    Examples
    --------
    >>> from contlearn.evaluation import zero_one
    >>> from contlearn.gates import Churn, Trial
    >>> y, champion, challenger = ["a"] * 200, ["a"] * 190 + ["b"] * 10, ["a"] * 196 + ["c"] * 4
    >>> print(Churn(0.1)(Trial.from_predictions(y, champion, challenger, loss=zero_one)))
    promote: churn 0.05 [0.02737, 0.08334] (90 %) is at most the limit 0.1 (200 rows, 10 have another label;
    exact binomial test, p = 0.00807 <= 0.05)
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
        """Return whether few enough predictions change."""
        _checks.instance("trial", trial, Trial, "a Trial")
        unknown, codes = examine(trial)
        if unknown:
            return Verdict(Outcome.CONTINUE, f"nothing to decide on: {unknown}")
        try:
            changed = differing(trial, None if self.threshold is None else float(self.threshold))
        except UnreadableError as why:
            return Verdict(Outcome.CONTINUE, f"nothing to decide on: {why}; churn needs predicted labels")
        n, k = trial.n_samples, int(changed.sum())
        told = f"{n} {plural(n, 'row')}, {k} {'has' if k == 1 else 'have'} another label"
        return judge("churn", changed, codes, float(self.limit), float(self.alpha), told)
