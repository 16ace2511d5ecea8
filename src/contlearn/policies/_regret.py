"""What retrainings cost, and what the best ones would have cost: exact, by dynamic programming."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Plan(NamedTuple):
    """A sequence of retrainings and what it costs in all."""

    cost: float
    retrained: tuple[int, ...]


def served(losses: NDArray[np.float64], days: NDArray[np.float64], loss_cost: float) -> NDArray[np.float64]:
    """Return the money that each model has lost from its training to each evidence.

    `losses` has a row per model, the first for the champion at the beginning, row m + 1 for a model trained
    at evidence m, and a column per evidence. A loss stands for the time since the evidence before it.
    """
    n = len(days)
    there = np.vstack([np.arange(n) > 0, np.triu(np.ones((n, n), dtype=bool), 1)])
    return np.cumsum(np.where(there, loss_cost * losses * days, 0.0), axis=1)


def cost_of(bills: NDArray[np.float64], retrained: Iterable[int], retrain_cost: float) -> float:
    """Return what it costs to retrain at these evidences."""
    last, model, total = bills.shape[1] - 1, 0, 0.0
    for position in retrained:
        total += float(bills[model, position]) + retrain_cost
        model = position + 1
    return total + float(bills[model, last])


def optimum(bills: NDArray[np.float64], retrain_cost: float) -> Plan:
    """Return the cheapest sequence of retrainings, known afterwards.

    `cheapest[m]` is the least that the past can have cost when model m begins. Costs O(n^2).
    """
    n = bills.shape[1]
    cheapest, before = np.zeros(n + 1), np.zeros(n + 1, dtype=np.intp)
    for model in range(1, n + 1):
        costs = cheapest[:model] + bills[:model, model - 1]
        before[model] = np.argmin(costs)
        cheapest[model] = costs[before[model]] + retrain_cost
    totals = cheapest + bills[:, n - 1]
    model, retrained = int(np.argmin(totals)), []
    while model:
        retrained.append(model - 1)
        model = int(before[model])
    return Plan(cost_of(bills, retrained[::-1], retrain_cost), tuple(retrained[::-1]))


def best_calendar(bills: NDArray[np.float64], retrain_cost: float) -> tuple[Plan, int]:
    """Return the cheapest plan that retrains at every k-th evidence, at its best phase, and that k.

    Costs O(n^2): of one k, the bills between two retrainings are those of all its phases together.
    """
    n = bills.shape[1]
    models, totals = np.arange(n), []
    for every in range(1, n + 1):
        until = np.minimum(models + every, n - 1)
        parts = bills[models + 1, until] + retrain_cost
        costs = bills[0, :every] + np.bincount(models % every, weights=parts, minlength=every)
        phase = int(np.argmin(costs))
        totals.append((float(costs[phase]), every, phase))
    _, every, phase = min(totals)
    plan = tuple(range(phase, n, every))
    return Plan(cost_of(bills, plan, retrain_cost), plan), every
