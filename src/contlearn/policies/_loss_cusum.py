"""The rule that sums up small rises of the loss."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

from contlearn import _checks
from contlearn.policies._base import Rule, unknown
from contlearn.policies._cycle import Loss, cycle, standard_error
from contlearn.policies._evidence import Evidence
from contlearn.results import Decision

_LONGEST = 1e9
_NODES = 48
_FEWEST = 5  # losses from which on it can be seen how widths move with the estimates
_BEND = 9.0  # by how much the line may change the square of an error
_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True, repr=False)
class LossCUSUM(Rule):
    """Retrain when small rises of the loss since the last training have summed up.

    A one-sided CUSUM: of each loss since the last training, `(loss - baseline_loss) / scale - shift / 2`
    is added to a sum that never falls below 0; the rule retrains when the sum exceeds `threshold`, and begins
    again after each retraining, promoted or not. A lasting rise too small for `LossIncrease` to see in any
    single loss is found soon, and one bad day passes.

    While the loss stays at its baseline, normal and independent from evidence to evidence, with a known
    scale, the average number of evidences until it retrains for nothing is `run_length`: `threshold` is
    computed from it exactly. A rise by `shift` scales is found after about
    `2 * log(run_length * shift**2 / 2) / shift**2` evidences. The baseline is taken as exact: one that is off
    by half a scale changes the run length many times over, so measure it on many more rows than the losses.

    Scales that are read off intervals are those that the losses would have at their baselines: from five
    losses since the training on, a straight line shows how the squares of the widths move with the losses, as
    they do for zeros and ones and skewed losses, and is taken out; before that, each width counts as it is. A
    loss of fewer rows keeps its greater width. Run lengths measured with intervals of `mean_loss` for 500
    asked, 400 runs each, those beyond 3000 cut there: zeros and ones of 100 rows 850 at a rate of 5 %, 680 at
    50 %, 1230 at 90 %; of 50 and 500 rows by turns at 10 %, 320; means of 30 or 100 rows 900 where normal and
    1100 to 2700 where exponential on either side, since their intervals are wide. Where the run length
    matters and the rows a day are alike, give `scale`, such as `sqrt(b * (1 - b) / rows)` for zeros and ones
    at the baseline b; with that, 330 and 690 at 5 % and 90 %, by their skewness alone. Losses that depend on
    the ones before retrain more often.

    Unknown when `now`, `loss`, `baseline_loss` or the history is, when neither `trained_at` nor a retraining
    is on record, and for a loss without an interval where `scale` is not given. Losses of the past that are
    not known are passed over. Cost: linear in the losses since the training, about 5 microseconds for each.

    Parameters
    ----------
    shift
        The rise to be found soonest, in scales; above 0.
    run_length
        Expected evidences between false alarms; at least 2.
    scale
        Standard error of one loss, in its unit; above 0. None: read off the intervals.

    References
    ----------
    Page, "Continuous inspection schemes", Biometrika 1954; Brook, Evans, "An approach to the probability
    distribution of CUSUM run length", Biometrika 1972.

    Examples
    --------
    >>> from contlearn.policies import Decision, Episode, Evidence, LossCUSUM
    >>> rule = LossCUSUM(shift=1.0, run_length=100, scale=0.01)
    >>> round(rule.threshold, 2)
    2.85
    >>> history = (Episode(Evidence(now=0), Decision(True, "first")),)
    >>> for day, loss in enumerate((0.201, 0.212, 0.216, 0.214, 0.221), start=1):
    ...     evidence = Evidence(now=day, loss=loss, baseline_loss=0.2, history=history)
    ...     decision = rule(evidence)
    ...     history += (Episode(evidence, decision),)
    >>> print(decision)
    retrain: sum of loss rises 4.3 scales over 4 losses (threshold 2.85)
    """

    shift: float = 1.0
    run_length: float = 500
    scale: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "shift", _checks.positive("shift", self.shift))
        _checks.number("run_length", self.run_length, low=2.0, high=_LONGEST)
        if self.scale is not None:
            object.__setattr__(self, "scale", _checks.positive("scale", self.scale))

    @property
    def threshold(self) -> float:
        """What the sum must exceed, in scales."""
        return _threshold(self.shift, float(self.run_length))

    def __call__(self, evidence: Evidence) -> Decision:
        record = cycle(evidence)
        if isinstance(record, Decision):
            return record if evidence.baseline_loss is not None else _without_baseline(record)
        if evidence.baseline_loss is None:
            return unknown(["baseline_loss"])
        rises = self._rises(record.losses)
        if rises[-1] is None:
            return unknown(["loss"], "loss has no interval to say how sure it is; give scale=")
        total, count = self._sum(rises)
        if total != total:
            return unknown(["loss", "baseline_loss"], "the rise of an infinite loss is not known")
        noun = "loss" if count == 1 else "losses"
        reason = f"sum of loss rises {total:.4g} scales over {count} {noun} (threshold {self.threshold:.3g})"
        return Decision(total > self.threshold, reason)

    def _sum(self, rises: list[float | None]) -> tuple[float, int]:
        """Return the reflected sum, and over how many losses it has been above 0."""
        total, count = 0.0, 0
        for rise in rises:
            if rise is None:
                continue
            total, count = total + rise - self.shift / 2.0, count + 1
            if total <= 0.0:
                total, count = 0.0, 0
        return total, count

    def _rises(self, losses: list[Loss]) -> list[float | None]:
        """Return the rises in scales; None where loss, baseline or scale is not known."""
        rises = [None if loss.baseline is None else loss.loss - loss.baseline for loss in losses]
        if self.scale is not None:
            return [None if rise is None else rise / self.scale for rise in rises]
        known = [(rise, error) for rise, error in zip(rises, map(_error, losses), strict=True)]
        pairs = [(rise, error) for rise, error in known if rise is not None and error is not None]
        at_baseline = iter(_at_baseline(pairs))
        return [None if None in pair else next(at_baseline) for pair in known]


def _error(loss: Loss) -> float | None:
    return standard_error(loss.told) or None


def _at_baseline(pairs: list[tuple[float, float]]) -> list[float]:
    """Return rises in the standard errors that the losses would have at their baselines.

    Where high losses have wide intervals, as rare ones among zeros and ones have, a rise over its own width
    says too little; where they have narrow ones, too much. So the squares of the errors are fitted by a
    straight line in the rise, and each is moved along it to where the rise is 0; that one loss was of fewer
    rows than another remains in its error.
    """
    finite = [pair for pair in pairs if math.isfinite(pair[0])]
    widest, largest = max((e for _, e in finite), default=0.0), max((abs(r) for r, _ in finite), default=0.0)
    if len(finite) < _FEWEST or not largest:  # too few to see it
        return [rise / error for rise, error in pairs]
    x = [rise / largest for rise, _ in finite]  # so that squares neither overflow nor vanish
    y = [(error / widest) ** 2 for _, error in finite]
    centre, level = math.fsum(x) / len(x), math.fsum(y) / len(y)
    moment = math.fsum((place - centre) ** 2 for place in x)
    product = math.fsum((place - centre) * square for place, square in zip(x, y, strict=True))
    slope = product / moment if moment > _ROUNDING else 0.0

    def square(rise: float) -> float:
        there = slope * (rise / largest - centre) if slope and math.isfinite(rise) else 0.0
        return min(max(level + there, level / _BEND), level * _BEND)

    return [rise / error * math.sqrt(square(rise) / square(0.0)) for rise, error in pairs]


def _without_baseline(lacking: Decision) -> Decision:
    return unknown([*lacking.missing, "baseline_loss"])


@lru_cache(maxsize=256)
def _threshold(shift: float, run_length: float) -> float:
    """Return the threshold of a normal CUSUM whose average run length this is."""
    low, high = 0.0, 1.0
    while _average_run_length(high, shift / 2.0) < run_length:
        low, high = high, 2.0 * high
    for _ in range(60):
        middle = 0.5 * (low + high)
        if _average_run_length(middle, shift / 2.0) < run_length:
            low = middle
        else:
            high = middle
    return high


def _average_run_length(threshold: float, allowance: float) -> float:
    """Return the expected steps from 0 until the sum exceeds `threshold`, by Page's integral equation.

    L(z) = 1 + L(0) Phi(k - z) + the integral over x from 0 to h of L(x) phi(x + k - z), at Gauss' nodes.
    """
    import numpy as np
    from scipy.special import ndtr

    nodes, weights = np.polynomial.legendre.leggauss(max(_NODES, math.ceil(6 * threshold)))
    places = np.concatenate([[0.0], 0.5 * threshold * (nodes + 1.0)])
    steps = places[None, 1:] + allowance - places[:, None]
    kernel = np.exp(-0.5 * steps * steps) / math.sqrt(2.0 * math.pi) * (0.5 * threshold * weights)
    moves = np.column_stack([ndtr(allowance - places), kernel])
    system = np.eye(len(places)) - moves
    return float(np.linalg.solve(system, np.ones(len(places)))[0])
