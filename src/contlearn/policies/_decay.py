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
    half = float(stdtrit(freedom, 0.5 + 0.5 * confidence)) * error
    return Interval(estimate, estimate - half, estimate + half, confidence)


def within(data: Ages, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return `values` less the weighted mean of their champion."""
    totals = np.bincount(data.champion, weights=data.weight)
    means = np.bincount(data.champion, weights=data.weight * values) / totals
    return np.asarray(values - means[data.champion])
