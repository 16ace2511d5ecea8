"""One error rate for all challengers that are judged on the same rows."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import NamedTuple, Self

from river.base import Base

from contlearn import _checks
from contlearn.gates import _creep, _holdout
from contlearn.gates._base import GateLike, ask, tightened
from contlearn.gates._holdout import Holdout, Rows, Sets
from contlearn.gates._trial import Trial
from contlearn.results import Outcome, Verdict

_LEAST = 0.01  # the share of alpha that is no longer worth a challenger
_MOST_CHALLENGERS = 1000
_MOST_HOLDOUTS = 100_000

_NAME_ROWS = "name the rows by ids= in the trial"
_NO_RATE = (
    "the gate keeps no error rate that could be spent; join it to one that does, such as Gain(); "
    "nothing was spent"
)
_NEW_ROWS = f"judge on rows that no challenger has seen, and {_NAME_ROWS}"


class Look(NamedTuple):
    """One challenger that was judged.

    Attributes
    ----------
    challenger
        Its place among those judged on any one of its rows, from 1.
    alpha
        The level at which the gate was asked.
    outcome
        What became of it, when it was last asked about.
    """

    challenger: int
    alpha: float
    outcome: Outcome


class HoldoutBudget(Base):  # type: ignore[misc]
    """Judge challenger after challenger on the same rows, and keep one error rate for all of them.

    The best of twenty equal challengers looks like progress: each is promoted wrongly with probability alpha,
    one of them with more than half. A budget asks at a smaller alpha, the more challengers were judged on
    these rows: of all that were judged on trials with any one row in common, the chance that a wrong one is
    promoted is at most `alpha`. Only rows that no challenger was judged on begin anew.

    `judge` changes the budget. The same question asked again costs nothing and gets the same answer, or a new
    one where approvals changed. Latencies and the anchor may be filled in once, where the trial had none;
    whatever else differs, in the gate or in the trial, is another question and costs.

    Parameters
    ----------
    alpha
        Rate of wrong promotions over all challengers on the same rows, one-sided, between 0 and 0.5.
    n_challengers
        How many challengers share `alpha` equally, at most 1,000. None: the k-th is asked at
        ``alpha * 6 / (pi * k) ** 2``, and the budget is spent when less than 1 % of alpha is left: after 61.
    n_holdouts
        How many sets of rows are remembered. Where one more comes, the one not used for longest is
        forgotten, in the safe direction: from then on every holdout begins where that one ended.
    blind
        Whether verdicts keep their numbers to themselves, and tell the outcome only.

    Raises
    ------
    InvalidParameterError
        For an `alpha` or a number outside its range.

    Notes
    -----
    **Which rows are the same.** Where both trials have `ids`, one row in common makes the later one go on
    where the earlier one ended: reordering, dropping, adding and resampling rows gain nothing. A window that
    slides by a tenth of its rows settles at the level of the tenth challenger. Without ids, only
    `groups` that do not overlap (days, users), or labels `y` that are floats, nearly all different, and of
    which none occurs in both, show that rows are new. All other trials without ids count as one holdout,
    since nothing shows that they are not: any shuffled half of an old holdout has class labels that look
    new. The cure is ``Trial(..., ids=...)``. An id is known again whether it comes as 5, 5.0 or "5". Of more
    than 2,048 rows, those with the 2,048 smallest hashes are remembered: the same holdout is always known
    again, and one that shares 1 % of its rows with a probability above 1 - 1e-8; of a few rows in common
    among 100,000 that are not, nothing is known. Where a gate reads `OldData`, the rows of every old trial
    count as much as those of the trial: name them, too.

    **What is promised.** A trial is asked at the level of the k-th challenger where k - 1 were judged on the
    row that was used most: the alphas of the trials with any one row sum to at most `alpha`. This holds for
    challengers that were not made from the verdicts of others. Who trains on those numbers can beat any such
    level: measured, the vote of 200 random models, each counted with the sign of its gain on 1,000 rows, is
    promoted in 74 % of cases at alpha / 201, and the vote of 60 in 3 % at the default's 61st level. With
    `blind`, verdicts tell the outcome alone.

    **What costs.** Every question that reaches the gate, CONTINUE included. A gate without an error rate (no
    `alpha` in it or in what is joined to it) has nothing to spend: the answer is CONTINUE, and costs nothing.
    An alpha of the gate that is smaller already stays.

    **Margins below zero.** A gate that allows some loss allows it again at every promotion. After the first
    promotion by this budget, such a gate promotes only where the trial has the best model ever promoted:
    its `anchor_losses`, for `AUCGain` and `MetricGain` the predictions `anchor`, for `OldData` the
    `anchor_losses` of every old trial. A margin of 0 or more for the same measure of all rows lifts that:
    slices may lose a little in ``Gain() & EverySlice(Gain(margin=-0.05), by="region")``, but the mean loss
    may not in ``AUCGain() & Gain(margin=-0.05)``. `NegativeFlips`, `Churn`, `Faster` and `Calibrated` say
    nothing about the loss: after the first promotion they do not promote alone.

    Cost: beside that of the gate, 0.2 ms for 2,000 rows and 5 ms for 100,000, 2 microseconds for each id that
    is a text, and up to 0.15 ms for each remembered holdout. State: at most 16 kilobytes per remembered
    holdout for each of ids, groups and labels, and 300 bytes per challenger. Not to be shared by threads
    without a lock.

    References
    ----------
    .. [1] J. Feng, S. Emerson and N. Simon, "Approval policies for modifications to machine learning-based
       software as a medical device: a study of bio-creep", Biometrics 77 (2021).
    .. [2] A. Blum and M. Hardt, "The Ladder: a reliable leaderboard for machine learning competitions",
       ICML (2015).

    Examples
    --------
    >>> from contlearn.gates import Gain, HoldoutBudget, Trial
    >>> budget = HoldoutBudget(alpha=0.05)
    >>> rows = range(100)
    >>> first = Trial([1] * 9 + [0] * 91, [0] * 9 + [1] * 9 + [0] * 82, ids=rows)
    >>> budget.judge(Gain(), first).outcome.value
    'continue'
    >>> second = Trial([1] * 9 + [0] * 91, [0] * 8 + [1] * 2 + [0] * 90, ids=rows)
    >>> print(Gain()(second).outcome.value, budget.judge(Gain(), second).outcome.value)
    promote continue
    >>> round(budget.left(second), 4)
    0.012
    """

    alpha: float
    n_challengers: int | None
    n_holdouts: int
    blind: bool
    _holdouts: list[Holdout]  # the one used last at the end
    _looks: dict[str, Look]
    _forgotten: int
    _promoted: int

    def __init__(
        self,
        alpha: float = 0.05,
        n_challengers: int | None = None,
        n_holdouts: int = 500,
        blind: bool = False,
    ) -> None:
        _checks.level("alpha", alpha)
        if n_challengers is not None:
            _checks.count("n_challengers", n_challengers, high=_MOST_CHALLENGERS)
        _checks.count("n_holdouts", n_holdouts, high=_MOST_HOLDOUTS)
        _checks.one_of("blind", blind, (True, False))
        self.alpha = alpha
        self.n_challengers = n_challengers
        self.n_holdouts = n_holdouts
        self.blind = blind
        self.reset()

    def reset(self) -> None:
        """Forget every row and every challenger. Whatever is judged on old rows then keeps no error rate."""
        self._holdouts = []
        self._looks = {}
        self._forgotten = 0
        self._promoted = 0

    def judge(self, gate: GateLike, trial: Trial) -> Verdict:
        """Ask a gate about a trial, at the alpha that these rows have left for it, and spend that.

        Parameters
        ----------
        gate
            A gate, or gates joined by `&`; plain functions among them are asked as they are.
        trial
            The losses of both models, best with the `ids` of the rows.

        Returns
        -------
        Verdict
            That of the gate, with the level in its reason. CONTINUE without asking, and without spending,
            where nothing is left, a row has no id, there are no rows, or the gate keeps no error rate.

        Raises
        ------
        InvalidParameterError
            If `gate` cannot be asked or does not answer with a verdict; nothing is spent then.
        """
        _checks.instance("trial", trial, Trial, "a Trial")
        if not callable(gate) or isinstance(gate, type):
            _checks.fail("gate", "be a gate or a callable of a trial", gate, "such as Gain()")
        names = _holdout.questions(gate, trial)
        sets = _holdout.sets_of(gate, trial)
        known = next((name for name in names if name in self._looks), None)
        look = None if known is None else self._looks[known]
        if look is None and (refused := self._refusal(trial, sets)) is not None:
            return refused
        place = self._next(sets) if look is None else look.challenger
        level = self._level(place)
        verdict = ask(tightened(gate, level), trial)
        if not _creep.keeps_a_rate(gate):
            return Verdict(Outcome.CONTINUE, _NO_RATE if self.blind else f"{_NO_RATE}; {verdict.reason}")
        verdict = self._guarded(gate, trial, verdict, look)
        self._remember(names[0], known, sets, Look(place, level, verdict.outcome))
        return self._told(verdict, place, level)

    def spent(self, trial: Trial) -> float:
        """Return how much of alpha has been spent on the rows of a trial, or on rows that they may be.

        Its old data is not looked at: ask with one of its trials.
        """
        return math.fsum(map(self._level, range(1, self._next_for(trial))))

    def left(self, trial: Trial) -> float:
        """Return how much of alpha is left for new challengers on the rows of a trial."""
        return max(0.0, float(self.alpha) - self.spent(trial)) if self.level(trial) else 0.0

    def level(self, trial: Trial) -> float:
        """Return the alpha at which the next challenger would be asked on these rows; 0 if none is left."""
        place = self._next_for(trial)
        return self._level(place) if place <= self._last else 0.0

    @property
    def history(self) -> tuple[Look, ...]:
        """What was judged, oldest first: place on its rows, alpha, outcome; of remembered holdouts only."""
        return tuple(self._looks.values())

    @property
    def n_promoted(self) -> int:
        """Number of challengers promoted."""
        return self._promoted

    def __sklearn_clone__(self) -> Self:
        clone: Self = self.clone()
        return clone

    def __repr__(self) -> str:
        names = ("alpha", "n_challengers", "n_holdouts", "blind")
        return f"HoldoutBudget({', '.join(f'{name}={getattr(self, name)!r}' for name in names)})"

    def __str__(self) -> str:
        looks, holdouts = len(self._looks), len(self._holdouts)
        return f"{looks} judged on {holdouts} holdouts, {self._promoted} promoted (alpha {self.alpha:g})"

    # -- what is left --------------------------------------------------------

    @property
    def _last(self) -> int:
        """How many challengers can be judged on the same rows."""
        if self.n_challengers is not None:
            return int(self.n_challengers)
        return math.ceil(6.0 / (math.pi**2 * _LEAST) - 0.5)  # 1 / (k + 1/2) is left of the sum of 1 / k**2

    def _level(self, place: int) -> float:
        if self.n_challengers is not None:
            return float(self.alpha) / int(self.n_challengers)
        return float(self.alpha) * 6.0 / (math.pi * place) ** 2

    def _next_for(self, trial: Trial) -> int:
        _checks.instance("trial", trial, Trial, "a Trial")
        return self._next(_holdout.sets_of(None, trial))

    def _next(self, sets: Sets | None) -> int:
        """Return the place of the next challenger: after all that were judged on any one of these rows."""
        return 1 + self._forgotten + _holdout.most_used(self._holdouts, sets or (Rows(),))

    def _refusal(self, trial: Trial, sets: Sets | None) -> Verdict | None:
        """Return the verdict on what is not asked at all."""
        if not trial.n_samples:
            return Verdict(Outcome.CONTINUE, "the trial has no rows; nothing was spent")
        if sets is None:
            why = "a row without an id, or with an object for one that no text tells, cannot be known again"
            return Verdict(Outcome.CONTINUE, f"{why}; give each row its id; nothing was spent")
        place = self._next(sets)
        if place <= self._last:
            return None
        done = f"{place - 1} challengers were judged on these rows, or on rows that they may be"
        return Verdict(Outcome.CONTINUE, f"alpha {self.alpha:g} is spent: {done}; {_NEW_ROWS}")

    # -- answers -------------------------------------------------------------

    def _guarded(self, gate: GateLike, trial: Trial, verdict: Verdict, look: Look | None) -> Verdict:
        """Return the verdict, which is no promotion where promotions could add up to more than is allowed."""
        if not verdict.promote or (look is not None and look.outcome is Outcome.PROMOTE):
            return verdict
        why = _creep.lacking(gate, trial) if self._promoted else ""
        return (
            replace(verdict, outcome=Outcome.CONTINUE, reason=f"{why}; {verdict.reason}") if why else verdict
        )

    def _told(self, verdict: Verdict, place: int, level: float) -> Verdict:
        where = f"challenger {place} on these rows, asked at alpha {level:.3g} of {self.alpha:g}"
        if self.blind:
            return Verdict(verdict.outcome, f"{where}; its numbers are not told")
        return replace(verdict, reason=f"{verdict.reason}; {where}")

    # -- memory --------------------------------------------------------------

    def _remember(self, name: str, known: str | None, sets: Sets | None, look: Look) -> None:
        if known is not None:
            before = self._looks[known]
            self._promoted += look.outcome is Outcome.PROMOTE and before.outcome is not Outcome.PROMOTE
            self._looks = {
                name if each == known else each: look if each == known else old
                for each, old in self._looks.items()
            }
            return
        self._promoted += look.outcome is Outcome.PROMOTE
        self._looks[name] = look
        if sets is None:
            return
        judged = 1 + sum(each.judged for each in self._holdouts if _holdout.same(each, sets))
        self._holdouts = [each for each in self._holdouts if not _holdout.same(each, sets)]
        self._holdouts.append(_holdout.remembered(sets, judged, look.challenger))
        if len(self._holdouts) > self.n_holdouts:
            self._forgotten = max(self._forgotten, self._holdouts.pop(0).place)
        while len(self._looks) > int(self.n_holdouts) * self._last:
            del self._looks[next(iter(self._looks))]
