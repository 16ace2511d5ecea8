"""The gate on the mean loss that is asked at a few planned looks."""

from __future__ import annotations

import math
from typing import Literal, Self, TypeAlias

import numpy as np
from river.base import Base

from contlearn import _checks
from contlearn.gates._gain import Gain
from contlearn.gates._trial import Trial
from contlearn.results import Outcome, Verdict
from contlearn.stats import _brownian, _group_sequential

Shape: TypeAlias = Literal["obrien-fleming", "pocock"]

_MOST_LOOKS = 50  # looks that are closer are not counted
_LEAST_STEP = 1e-3  # between a look and the last one, as a share of the rows
_GOLDEN = 0.6180339887498949  # its multiples are spread evenly, and no two of them alike
_ROUNDING = 1e-6
_MOST_P = 0.49
_LEAST_P = 1e-12  # lower levels, as of a look at a fiftieth of the rows, are raised to this one


class GroupSequentialGain(Base):  # type: ignore[misc]
    """Ask `Gain` at a few looks at a trial that grows, and keep the error rate over all looks together.

    For labels that come in batches, say one look a week for five weeks. Compared with `SequentialGain`, which
    may be read after every row, this one needs fewer rows, takes losses without a bound and rows in
    clusters, but has to be told how many rows there will be at most.

    PROMOTE when the gain is shown to be above `margin` at some look, REJECT when it is shown to be
    below, or was shown to be neither with `max_samples` rows; else CONTINUE. A decision stays until `reset`.

    Parameters
    ----------
    max_samples
        Rows at the last look. How many looks come before it, and when, need not be planned.
    margin
        Smallest gain worth a promotion, in the unit of the loss.
    alpha
        Rate of wrong promotions over all looks together, strictly between 0 and 0.5.
    shape
        How soon `alpha` is spent. "obrien-fleming": hardly any at first, so that early looks decide only what
        is overwhelming, and the last is nearly a single test. "pocock": about as much at every look, which
        stops earlier where the gain is large, but needs more rows where it is not.

    Notes
    -----
    At each look `Gain` is asked at the level that a spending function of Lan and DeMets leaves for it [1]_,
    given the looks before: whatever their number and place, what is spent adds up to `alpha`, provided that
    nobody looks sooner because the last look was promising. The law over several looks is that of Brownian
    motion, and thus a limit; at each look `Gain` guards the level for few rows, skewed losses and clusters.
    Measured with two and five looks, equal models, alpha 0.05: 4-5.5 % of 800 runs, 1-4 % with zero-one
    losses, whose exact test is cautious. Levels below 1e-12 are raised to that.

    The gain's interval is the repeated confidence interval [2]_: it holds at all looks at once with
    confidence 1 - 2 alpha. The p-value is the smallest alpha with which this look or one before
    would have promoted; 1 where it would be above 0.49.

    Cost per look: that of `Gain`, and 20 milliseconds at the fifth look, a second at the fiftieth.
    State: a verdict, three numbers and one per look, of which there are at most fifty.

    Not to be shared by threads without a lock.

    References
    ----------
    .. [1] K. K. G. Lan and D. L. DeMets, "Discrete sequential boundaries for clinical trials", Biometrika 70
       (1983).
    .. [2] C. Jennison and B. W. Turnbull, "Interim analyses: the repeated confidence interval approach",
       Journal of the Royal Statistical Society B 51 (1989).

    Examples
    --------
    >>> from contlearn.gates import GroupSequentialGain, Trial
    >>> gate = GroupSequentialGain(max_samples=1000)
    >>> champion, challenger = [1] * 6 + [0] * 44, [1] * 3 + [0] * 45 + [1] * 2
    >>> for week in (1, 2, 3, 4, 5):
    ...     verdict = gate.look(Trial(champion * 4 * week, challenger * 4 * week))
    ...     if verdict.final:
    ...         break
    >>> print(verdict)
    promote: look 5, 1000 of 1000 rows: gain 0.02 [0.00264, 0.03777] (90 %) is above margin 0 (1000 rows,
    60 better and 40 worse; exact McNemar test, p = 0.0284 <= 0.0409555)
    """

    max_samples: int
    margin: float
    alpha: float
    shape: Shape
    _rows: tuple[int, ...]  # at the looks so far
    _totals: tuple[float, float]  # of both models' losses at the last look, weighted
    _p: float  # the smallest of the looks so far
    _verdict: Verdict | None

    def __init__(
        self, max_samples: int, margin: float = 0.0, alpha: float = 0.05, shape: Shape = "obrien-fleming"
    ) -> None:
        _checks.count("max_samples", max_samples)
        _checks.number("margin", margin)
        _checks.level("alpha", alpha)
        _checks.one_of("shape", shape, ("obrien-fleming", "pocock"))
        self.max_samples = max_samples
        self.margin = margin
        self.alpha = alpha
        self.shape = shape
        self.reset()

    def reset(self) -> None:
        """Forget every look and the decision."""
        self._rows = ()
        self._totals = 0.0, 0.0
        self._p = 1.0
        self._verdict = None

    def look(self, trial: Trial) -> Verdict:
        """Return what `trial` shows, which holds all rows so far: those of earlier looks, then new ones.

        A trial with fewer new rows than a fiftieth of `max_samples` is no new look, unless it is the last:
        the answer is CONTINUE and says so, and nothing is spent. Nor is a trial that cannot be judged, such
        as one with a loss that is NaN, or one that does not begin with the rows of the last look, in their
        order (losses may differ by rounding). The same trial again has the same answer.
        """
        _checks.instance("trial", trial, Trial, "a Trial")
        n, before = trial.n_samples, self._rows[-1] if self._rows else 0
        if self.verdict.final:
            return self.verdict
        most = int(self.max_samples)
        step = min(math.ceil(most / _MOST_LOOKS), max(1, most - before))
        if n < before + step or not _same(trial, before, self._totals):
            return self._waiting(trial, before + step)
        return self._judged(trial, (*self._rows, n))

    def _waiting(self, trial: Trial, next_: int) -> Verdict:
        """Return why a trial is no new look; the next one has `next_` rows at least."""
        n, before = trial.n_samples, self._rows[-1] if self._rows else 0
        if not before:
            reason = f"{n} of {self.max_samples} rows are too few for a look; {next_} are enough"
            return Verdict(Outcome.CONTINUE, reason, needed=next_ - n)
        if n < before or not _same(trial, before, self._totals):
            others = f"{n} rows are fewer than" if n < before else f"the first {before} rows are not those of"
            cure = (
                "hand over all rows so far, old ones first and in their order, or reset for a new challenger"
            )
            return Verdict(Outcome.CONTINUE, f"no new look: {others} the last look; {cure}")
        if n == before:
            return self.verdict
        cure = f"hand over all rows so far, at least {next_ - before} new ones"
        reason = f"no new look: {n - before} rows more than the last look; {cure}"
        return Verdict(Outcome.CONTINUE, reason, needed=next_ - n)

    def _judged(self, trial: Trial, rows: tuple[int, ...]) -> Verdict:
        level = max(self._level(rows, float(self.alpha)), _LEAST_P)
        found = Gain(self.margin, level)(trial)
        if found.p_value is None:
            return found
        p = self._repeated(rows, found.p_value)
        self._p = min(self._p, p, float(self.alpha)) if found.promote else min(self._p, p)
        self._rows, self._totals = rows, _totals(trial, rows[-1])
        self._verdict = self._told(found)
        return self._verdict

    def _told(self, found: Verdict) -> Verdict:
        """Return the verdict of one look as that of all looks."""
        n, most = self._rows[-1], int(self.max_samples)
        outcome = Outcome.REJECT if n >= most and not found.promote else found.outcome
        gain = found.gain and found.gain._replace(confidence=1.0 - 2.0 * float(self.alpha))
        reason = found.reason.replace(str(found.gain), str(gain)).partition("; about ")[0]
        reason = f"look {len(self._rows)}, {n} of {most} rows: {reason}"
        needed = None
        if outcome is Outcome.CONTINUE:
            needed = min(found.needed or most, most - n)
            reason += f"; about {needed} more rows would settle it"
        return Verdict(
            outcome,
            reason + ("; no look is left" if outcome is not found.outcome else ""),
            gain=gain,
            p_value=self._p,
            needed=needed,
        )

    def _level(self, rows: tuple[int, ...], alpha: float) -> float:
        """Return the level of the last look at `rows`, if all looks together have `alpha`."""
        times: list[float] = []
        for n in rows:
            time = n / float(self.max_samples)
            times.append(max(time, times[-1] * (1.0 + _LEAST_STEP)) if times else time)
        looks = _group_sequential.spend(times, alpha, f"spending-{self.shape}")
        return _brownian.tail(looks[-1].bound)

    def _repeated(self, rows: tuple[int, ...], p: float) -> float:
        """Return the alpha with which the last look at `rows` has the level `p`."""

        def excess(log_alpha: float) -> float:
            level = self._level(rows, math.exp(log_alpha))
            return math.log(max(p, _LEAST_P)) - math.log(max(level, _LEAST_P))

        low, high = math.log(_LEAST_P), math.log(_MOST_P)
        if excess(high) > 0.0:
            return 1.0
        return math.exp(_group_sequential.root(excess, low, high, close=1e-6))

    @property
    def n_looks(self) -> int:
        """Looks so far."""
        return len(self._rows)

    @property
    def verdict(self) -> Verdict:
        """What the last look showed."""
        if self._verdict is None:
            return Verdict(Outcome.CONTINUE, "no look yet")
        return self._verdict

    def __sklearn_clone__(self) -> Self:
        clone: Self = self.clone()
        return clone

    def __repr__(self) -> str:
        shown = f"max_samples={self.max_samples!r}, margin={self.margin!r}, alpha={self.alpha!r}"
        return f"GroupSequentialGain({shown}, shape={self.shape!r})"

    def __str__(self) -> str:
        return str(self.verdict)


def _totals(trial: Trial, n: int) -> tuple[float, float]:
    """Return sums of the first `n` losses of both models, with weights that tell one order from another."""
    weights = np.arange(1, n + 1) * _GOLDEN % 1.0
    with np.errstate(over="ignore", invalid="ignore"):
        return float(weights @ trial.champion_losses[:n]), float(weights @ trial.challenger_losses[:n])


def _same(trial: Trial, n: int, totals: tuple[float, float]) -> bool:
    """Return whether the first `n` rows have these totals, but for rounding where models are asked again."""
    pairs = zip(_totals(trial, n), totals, strict=True)
    return all(math.isclose(a, b, rel_tol=_ROUNDING, abs_tol=_ROUNDING) for a, b in pairs)
