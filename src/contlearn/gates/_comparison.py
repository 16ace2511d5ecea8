"""What the losses of two models on the same rows say about a margin."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from contlearn.gates._settled import confidence, counted, fewest, plural
from contlearn.gates._trial import Trial
from contlearn.results import Interval
from contlearn.stats import _betting_mean, _columns, _margin, _mean, _paired
from contlearn.stats._sample_sizes import quantile

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]
    Codes: TypeAlias = NDArray[np.intp] | None

Method: TypeAlias = Literal["exact", "mid-p"]

_POWER = 0.8
_LUCK = 0.5  # standard errors beyond the level that bets need for that power
_MOST_ROWS = 10**9  # beyond this, how many more rows would be needed is of no use to anybody


class Comparison(NamedTuple):
    """The evidence of one trial about one margin.

    Attributes
    ----------
    gain
        Estimate and interval at confidence 1 - 2 alpha; None where nothing can be computed.
    p_above, p_below
        P-values of the hypotheses that the gain is at most, and at least, the margin; None if unknown.
    basis
        What the numbers rest on, for the reason: rows, groups and test.
    unknown
        Why there is no p-value; empty where there is one.
    needed
        About how many more rows would settle the question with 80 % power; None if nothing can be said.
    """

    gain: Interval | None = None
    p_above: float | None = None
    p_below: float | None = None
    basis: str = ""
    unknown: str = ""
    needed: int | None = None


def compare(
    trial: Trial,
    margin: float,
    alpha: float,
    bounds: tuple[float, float] | None = None,
    method: Method = "exact",
) -> Comparison:
    """Return what `trial` says about the hypothesis that the gain is at most `margin`.

    `bounds` of the losses ask for the betting test; `method` is that of McNemar's test.
    """
    import numpy as np

    gains = trial.gains
    unknown, codes = examine(trial)
    unknown = unknown or ("" if bounds is None else _why_outside(trial, bounds))
    if unknown:
        return Comparison(unknown=unknown)
    if bounds is not None:
        return _of_bounded(gains, codes, float(bounds[1]) - float(bounds[0]), margin, alpha)
    if codes is None and zeros_and_ones(trial):
        return _of_errors(gains, margin, alpha, method)
    scale = max(float(np.abs(losses).max()) for losses in (trial.champion_losses, trial.challenger_losses))
    return _of_differences(gains, codes, scale, margin, alpha)


def examine(trial: Trial) -> tuple[str, Codes]:
    """Return why the losses of `trial` cannot be compared, empty if they can, and the cluster of every row.

    The clusters are None where every row stands for itself.
    """
    import numpy as np

    n = trial.n_samples
    if n == 0:
        return "the trial has no rows", None
    both = (
        np.isfinite(trial.champion_losses) & np.isfinite(trial.challenger_losses) & np.isfinite(trial.gains)
    )
    bad = n - int(both.sum())
    if bad:
        cure = "find out why, then leave those rows out for both models"
        return f"{bad} of {n} rows with a loss that is NaN or infinite; {cure}", None
    if trial.groups is None:
        return "", None
    labels = _columns.labels("groups", trial.groups)
    if labels.missing:
        return f"{labels.missing} of {n} rows without a group; give each row its group", None
    return "", labels.codes if len(labels.names) < n else None  # groups of one row each say nothing


def why_unusable(trial: Trial) -> str:
    """Return why the losses of `trial` cannot be compared; empty if they can."""
    return examine(trial)[0]


def clusters(trial: Trial) -> Codes:
    """Return the cluster of every row as a number; None where every row stands for itself."""
    return examine(trial)[1]


def zeros_and_ones(trial: Trial) -> bool:
    """Return whether every loss of both models is 0 or 1."""
    return all(map(_mean.zeros_and_ones, (trial.champion_losses, trial.challenger_losses)))


def fewest_rows(margin: float, alpha: float) -> int | None:
    """Return the rows with which zero-one losses can pass at all: all of them better. None: never."""
    if not -1.0 < margin < 1.0:
        return None
    return max(1, math.ceil(math.log(alpha) / math.log(0.5 * (1.0 + margin)) - 1e-9))


def _why_outside(trial: Trial, bounds: tuple[float, float]) -> str:
    low, high = bounds
    champion, challenger = (
        (losses < low) | (losses > high) for losses in (trial.champion_losses, trial.challenger_losses)
    )
    outside = int((champion | challenger).sum())
    cure = "pass bounds that hold for every loss there could be"
    where = f"outside the bounds {low:g} to {high:g}"
    return f"{outside} of {trial.n_samples} rows with a loss {where}; {cure}" if outside else ""


def _of_errors(gains: Floats, margin: float, alpha: float, method: Method) -> Comparison:
    """Compare zero-one losses of independent rows: only the rows on which the models differ tell anything."""
    better, worse, n = int((gains > 0).sum()), int((gains < 0).sum()), int(gains.size)
    gain = _paired.tango(better, worse, n, confidence(alpha))
    found = f"{n} {plural(n, 'row')}, {better} better and {worse} worse"
    if margin <= -1.0:
        return Comparison(
            gain, unknown=f"a margin of {margin:g} lets any model pass, since losses are 0 and 1"
        )
    if margin >= 1.0:
        return Comparison(gain, p_above=1.0, basis=found)
    if margin == 0.0 and method == "mid-p" and n < fewest(alpha):
        return Comparison(gain, basis=found, unknown=_too_few(n, "row", alpha), needed=fewest(alpha) - n)
    if margin == 0.0:
        above = _paired.mcnemar(better, worse, method, alternative="greater").p_value
        below = _paired.mcnemar(better, worse, method, alternative="less").p_value
        test = f"{method} McNemar test"
    else:
        tested = _margin.margin_test(better, worse, n, margin, alpha)
        above = tested.p_value
        below = _margin.margin_test(worse, better, n, -margin, alpha).p_value
        test = "exact score test" if tested.exact else "score test, normal limit"
    needed = _rows_for_errors(better, worse, n, margin, alpha)
    return Comparison(gain, above, below, f"{found}; {test}", needed=needed)


def _rows_for_errors(better: int, worse: int, n: int, margin: float, alpha: float) -> int | None:
    """Return Connor's number of rows, with a continuity correction, less those that there are."""
    estimate = (better - worse) / n
    gap = abs(estimate - margin)
    if gap == 0.0:
        return None
    under_margin = _paired.variance(better, worse, n, margin)
    found = max(0.0, (better + worse) / n - estimate**2)
    critical, power = quantile(alpha), quantile(1.0 - _POWER)
    effect = (critical * math.sqrt(under_margin) + power * math.sqrt(found)) / gap
    return more(effect * effect + 1.0 / gap, n)


def _of_bounded(gains: Floats, codes: Codes, reach: float, margin: float, alpha: float) -> Comparison:
    """Compare losses that differ by at most `reach`, by betting on the differences of rows or of clusters."""
    n = int(gains.size)
    if margin <= -reach:
        why = f"a margin of {margin:g} lets any model pass, since losses differ by at most {reach:g}"
        return Comparison(unknown=why)
    values, weights = _of_clusters(gains / (2.0 * reach) + 0.5, codes)
    game = _betting_mean.Game(values.clip(0.0, 1.0), weights, alpha)
    estimate, level = float(gains.mean()), min(1.0, 0.5 + margin / (2.0 * reach))
    found = game.interval(confidence(alpha))
    low, high = (reach * (2.0 * end - 1.0) for end in (found.low, found.high))
    gain = Interval(estimate, min(low, estimate), max(high, estimate), found.confidence)
    above = math.exp(game.log_p_above(level)) if estimate > margin else 1.0
    below = math.exp(game.mirrored().log_p_above(1.0 - level)) if estimate < margin else 1.0
    units = int(values.size)
    inside = "" if codes is None else f" in {units} {plural(units, 'group')}"
    basis = f"{n} {plural(n, 'row')}{inside}; betting, losses {reach:g} apart at most"
    needed = _rows_for_bets(_mean.estimate(gains, codes, reach), n, reach, margin, alpha)
    return Comparison(gain, above, below, basis, needed=needed)


def _of_clusters(values: Floats, codes: Codes) -> tuple[Floats, Floats | None]:
    """Return the mean of each cluster and its size as a share of the largest; rows have no weights."""
    import numpy as np

    if codes is None:
        return values, None
    sizes = np.bincount(codes).astype(np.float64)
    return np.bincount(codes, weights=values) / sizes, sizes / sizes.max()


def _rows_for_bets(mean: _mean.Mean, n: int, reach: float, margin: float, alpha: float) -> int | None:
    """Return the rows still lacking: for the error to be small enough, and for the largest bets to pay."""
    gap = abs(mean.estimate - margin)
    if gap == 0.0:
        return None
    wealth = -math.log(alpha)
    effect = (math.sqrt(2.0 * wealth) + _LUCK) * mean.standard_error / gap
    lost = reach + (margin if mean.estimate > margin else -margin)  # at most, by a single row
    if lost <= 0.0:
        return None
    growth = math.log1p(_betting_mean.MOST * gap / lost)
    luck = quantile(1.0 - _POWER) * _betting_mean.MOST / lost * mean.standard_error * math.sqrt(mean.units)
    root = (luck + math.sqrt(luck * luck + 4.0 * growth * wealth)) / (2.0 * growth)
    return more(max(n * effect * effect, n / max(1, mean.units) * root * root), n)


def _of_differences(gains: Floats, codes: Codes, scale: float, margin: float, alpha: float) -> Comparison:
    """Compare losses by the mean of their differences, over rows or over clusters of rows."""
    n = int(gains.size)
    mean = _mean.estimate(gains, codes, scale)
    gain = mean.interval(confidence(alpha))
    unit = "row" if codes is None else "group"
    inside = "" if codes is None else f" in {mean.units} {plural(mean.units, unit)}"
    basis = f"{n} {plural(n, 'row')}{inside}"
    if mean.units < fewest(alpha):
        lacking = math.ceil((fewest(alpha) / mean.units - 1.0) * n)
        return Comparison(gain, basis=basis, unknown=_too_few(mean.units, unit, alpha), needed=lacking)
    if mean.standard_error == 0.0:
        why = f"the gain is the same in all {mean.units} {unit}s, so its spread is unknown"
        return Comparison(gain, basis=basis, unknown=why)
    needed = _rows_for_differences(mean, n, margin, alpha)
    return Comparison(
        gain, mean.p_above(margin), mean.p_below(margin), f"{basis}; Student's t", needed=needed
    )


def _too_few(units: int, unit: str, alpha: float) -> str:
    return f"{counted(units, unit)} cannot show a gain at alpha {alpha:g}, {fewest(alpha)} can"


def _rows_for_differences(mean: _mean.Mean, n: int, margin: float, alpha: float) -> int | None:
    """Return how many more rows, in clusters like those seen, make the error small against the gap."""
    gap = abs(mean.estimate - margin)
    if gap == 0.0:
        return None
    side = mean if mean.estimate > margin else mean.mirrored()
    critical = (side.estimate - side.low(alpha)) / side.standard_error
    effect = (critical + quantile(1.0 - _POWER)) * mean.standard_error / gap
    return more(n * effect * effect, n)


def more(total: float, n: int) -> int:
    """Return the rows that are still lacking of `total`, which may be infinite."""
    return max(1, math.ceil(min(total, float(_MOST_ROWS)) - n))
