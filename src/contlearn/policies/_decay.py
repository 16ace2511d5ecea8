"""How fast losses grow with the age of a model, read off the evidences of models that really served."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from contlearn import _checks
from contlearn.policies._cycle import age_of, standard_error
from contlearn.policies._evidence import Evidence
from contlearn.results import Interval

_FEWEST_CHAMPIONS = 2.5
_MOST_CORRELATED = 0.95


class Ages(NamedTuple):
    """Losses by the age of the model, each with its weight and the number of its champion."""

    age: NDArray[np.float64]
    loss: NDArray[np.float64]
    weight: NDArray[np.float64]
    champion: NDArray[np.intp]


def ages(evidences: Sequence[Evidence]) -> Ages:
    """Return the losses of which both age and champion are known.

    Weights are inverse squares of the standard errors where every loss has one, else equal.
    """
    rows, champions = [], []
    for evidence in evidences:
        age, loss = age_of(evidence.trained_at, evidence.now), evidence.loss
        estimate = loss.estimate if isinstance(loss, Interval) else loss
        if age is None or age < 0.0 or estimate is None or not np.isfinite(estimate):
            continue
        rows.append((age, estimate, standard_error(loss) or 0.0))
        champions.append(evidence.trained_at)
    table = np.array(rows, dtype=np.float64).reshape(-1, 3)
    numbers = {moment: number for number, moment in enumerate(dict.fromkeys(champions))}
    champion = np.array([numbers[moment] for moment in champions], dtype=np.intp)
    sigma = table[:, 2]
    weight = sigma**-2.0 if len(sigma) and sigma.min() > 0.0 else np.ones(len(sigma))
    return Ages(table[:, 0], table[:, 1], weight, champion)


def slope(data: Ages, confidence: float) -> Interval:
    """Return by how much the loss grows a day of age, each champion having a level of its own."""
    return growth(data, confidence).decay


class Growth(NamedTuple):
    """By how much the loss grows a day of age, and what the losses told about each other."""

    decay: Interval
    correlation: float  # of one residual with the next of the same champion
    stretch: float  # how much wider the interval is than that of independent errors


def growth(data: Ages, confidence: float) -> Growth:
    """Return `slope`, with what was found on the way."""
    from scipy.special import stdtrit

    freedom = len(data.age) - len(np.unique(data.champion)) - 1
    x, y = within(data, data.age), within(data, data.loss)
    moment = float(data.weight @ (x * x))
    if freedom < 1 or moment <= 1e-18 * float(data.weight @ (data.age * data.age)):
        _checks.bad_data(
            "history",
            "hold losses of a champion at three ages or more",
            f"{len(data.age)} losses with an age",
        )
    estimate = float(data.weight @ (x * y)) / moment
    rest = y - estimate * x
    error = float(np.sqrt(data.weight @ (rest * rest) / freedom / moment))
    correlation = _correlation(data, rest)
    honest = _by_champion(data, x, y) or _autoregressive(data, correlation, error, freedom)
    half, independent = (
        each.error * float(stdtrit(each.freedom, 0.5 + 0.5 * confidence))
        for each in (honest, _Error(error, freedom))
    )
    stretch = half / independent if independent > 0.0 else 1.0
    return Growth(Interval(estimate, estimate - half, estimate + half, confidence), correlation, stretch)


class _Error(NamedTuple):
    error: float
    freedom: float


def _by_champion(data: Ages, x: NDArray[np.float64], y: NDArray[np.float64]) -> _Error | None:
    """Return the error by the jackknife over champions; None where fewer than three weigh about the same.

    It holds however the losses of one champion depend on each other, and where champions age at different
    speeds. The champions count as many as if equal ones had the same say.
    """
    moments = np.bincount(data.champion, weights=data.weight * x * x)
    products = np.bincount(data.champion, weights=data.weight * x * y)[moments > 0.0]
    moments = moments[moments > 0.0]
    total, count = float(moments.sum()), len(moments)
    equal = total * total / float(moments @ moments)
    if equal < _FEWEST_CHAMPIONS:
        return None
    without = (products.sum() - products) / (total - moments)
    apart = without - products.sum() / total
    return _Error(float(np.sqrt((count - 1.0) / count * (apart @ apart))), equal - 1.0)


def _autoregressive(data: Ages, correlation: float, error: float, freedom: int) -> _Error:
    """Return the error of as many losses as the correlated ones are worth.

    The correlation of residuals lies below that of the errors, by about (1 + 4 r) / n where a line is fitted.
    """
    sizes = np.bincount(data.champion)
    seen = float(sizes @ sizes) / len(data.age)  # losses of the champion of a loss
    true = min(_MOST_CORRELATED, max(0.0, correlation + (1.0 + 4.0 * max(0.0, correlation)) / seen))
    worth = (1.0 - true) / (1.0 + true)
    return _Error(error / float(np.sqrt(worth)), max(1.0, freedom * worth))


def _correlation(data: Ages, rest: NDArray[np.float64]) -> float:
    """Return the correlation of each residual with the next, by age, of the same champion."""
    order = np.lexsort((data.age, data.champion))
    ordered, champion = (rest * np.sqrt(data.weight))[order], data.champion[order]
    same = champion[1:] == champion[:-1]
    square = float((ordered * ordered).mean())
    if not same.any() or square <= 1e-24 * float((data.weight * data.loss * data.loss).mean()):
        return 0.0
    return float((ordered[1:] * ordered[:-1])[same].mean()) / square


def within(data: Ages, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return `values` less the weighted mean of their champion."""
    totals = np.bincount(data.champion, weights=data.weight)
    means = np.bincount(data.champion, weights=data.weight * values) / totals
    return np.asarray(values - means[data.champion])
