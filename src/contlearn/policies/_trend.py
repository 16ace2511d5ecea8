"""Straight lines through losses: where they lead, and how sure that is."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from contlearn.policies._cycle import Loss, standard_error

_LAST = 200  # pairs of losses grow with the square; older ones say little of where the loss goes now


class Prediction(NamedTuple):
    """A loss to come, without the noise of its measurement: its standard error, and degrees of freedom."""

    loss: float
    error: float
    freedom: int

    def above(self, limit: float) -> float:
        """Return how sure the loss then lies above `limit`, by Student's law."""
        from scipy.special import stdtr

        if self.error == 0.0:
            return float(self.loss > limit)
        return float(stdtr(self.freedom, (self.loss - limit) / self.error))


def predict(losses: list[Loss], lead: float, trend: str) -> Prediction | None:
    """Return the loss `lead` from now; None where all losses lie at one moment.

    Weighted by the inverse squares of the standard errors where each loss has one, else equally.
    """
    losses = losses[-_LAST:]
    x = np.array([-loss.age for loss in losses])
    y = np.array([loss.loss for loss in losses])
    sigma = np.array([standard_error(loss.told) or 0.0 for loss in losses])
    known = bool(np.all(sigma > 0.0))
    weights = 1.0 / (sigma * sigma) if known else np.ones(len(x))
    centre = np.average(x, weights=weights)
    moment = float(weights @ (x - centre) ** 2)
    if moment <= 1e-18 * float(weights.sum()) * max(1.0, centre * centre):
        return None
    line, level_loss, slope_loss = _LINES[trend]
    slope, level, scale = line(x - centre, y, weights)
    if known:
        scale = max(scale, 1.0)  # never less noisy than the intervals say
    far = lead - centre
    spread = level_loss / float(weights.sum()) + slope_loss * far * far / moment
    return Prediction(level + slope * far, scale * float(np.sqrt(spread)), len(x) - 2)


def _line(
    x: NDArray[np.float64], y: NDArray[np.float64], w: NDArray[np.float64]
) -> tuple[float, float, float]:
    """Return slope, level at 0 and residual scale in units of the weights, by least squares."""
    level, slope = float(np.average(y, weights=w)), float(w @ (x * y) / (w @ (x * x)))
    rest = y - level - slope * x
    return slope, level, float(np.sqrt(w @ (rest * rest) / (len(x) - 2)))


def _theil_sen(
    x: NDArray[np.float64], y: NDArray[np.float64], w: NDArray[np.float64]
) -> tuple[float, float, float]:
    """Return slope, level at 0 and residual scale, by medians: a few odd losses move none of them."""
    one, other = np.triu_indices(len(x), 1)
    apart = x[other] > x[one]
    slope = float(np.median((y[other] - y[one])[apart] / (x[other] - x[one])[apart]))
    level = float(np.median(y - slope * x))
    rest = np.sqrt(w) * np.abs(y - level - slope * x)
    # a line through medians leaves residuals near 0, so the upper median, with the correction of Rousseeuw
    # and Leroy for few points
    middle = float(np.sort(rest)[(len(x) + 1) // 2])
    return slope, level, 1.4826 * (1.0 + 5.0 / (len(x) - 2)) * middle


# What medians lose in precision where errors are normal: the level by pi / 2, the slope by pi / 3.
_LINES = {"linear": (_line, 1.0, 1.0), "theil-sen": (_theil_sen, np.pi / 2.0, np.pi / 3.0)}
