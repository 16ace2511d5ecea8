"""From misidentified rows to the rows and weights of the final fits, with the reasons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contlearn import _checks
from contlearn.curation._cells import are_divided, draw_equal, equal_weights, make_cells
from contlearn.curation._evidence import class_balance_helps, weigh
from contlearn.curation._jtt import copies, error_weights
from contlearn.curation._jtt_report import JTTReport
from contlearn.curation._judge import WRONG, Verdicts, judge_by_bag, judge_by_probe
from contlearn.curation._members import weight_parameter
from contlearn.curation._numbers import Numbers
from contlearn.curation._reporting import report_on
from contlearn.curation._training_data import MOST_WEIGHT, TrainingData

FEWEST_ROWS = 60
PROBE_FOLDS = 3

Fit = tuple[NDArray[np.intp], NDArray[np.float64] | None]


@dataclass(frozen=True)
class Plan:
    """Rows and weights of each final fit, and the report that gives the reasons."""

    fits: list[Fit]
    report: JTTReport


def too_small(data: TrainingData) -> str:
    """Return why nothing can be measured on these rows, or nothing where it can."""
    if data.codes.max() == 0:
        return "y has one class only"
    if len(data) < FEWEST_ROWS:
        return f"{len(data)} rows are too few to measure anything, {FEWEST_ROWS} are needed"
    return ""


def plain_plan(data: TrainingData, reason: str) -> Plan:
    """Fit the estimator once, as it stands."""
    report = JTTReport(method="plain", helped=False, reason=reason, n_rows=len(data))
    return Plan([_everything(data)], report)


def fixed_plan(
    data: TrainingData, verdicts: Verdicts, factor: float | str, estimator: Any, rng: np.random.Generator
) -> Plan:
    """Weight the errors as the paper does, or balance the cells; copies where no weight is taken."""
    errors = verdicts == WRONG
    cells = make_cells(data.codes, errors)
    if not isinstance(factor, str) and factor * len(data) > MOST_WEIGHT:
        _checks.fail("factor", f"be at most {MOST_WEIGHT:g} divided by the number of rows", factor)
    weights = equal_weights(cells, data.weights) if isinstance(factor, str) else error_weights(errors, factor)
    words = "cells balanced" if isinstance(factor, str) else f"factor {factor:g}"
    if weight_parameter(estimator) is not None:
        rows, given = _everything(data)
        fit: Fit = (rows, weights if given is None else weights * given)
        method, reason = "weights", f"{words}, by sample_weight"
    else:
        fit = (copies(weights, rng), None)
        method, reason = "copies", f"{words}, by copies, as the estimator takes no sample_weight"
    return Plan([fit], report_on(data, verdicts, cells, method=method, helped=None, reason=reason))


@dataclass(frozen=True)
class Automatic:
    """The recipe that needs no factor: balance the cells where a cheap probe shows that it helps."""

    data: TrainingData
    verdicts: Verdicts
    numbers: Numbers
    estimator: Any
    n_members: int
    gated: bool

    def plan(self, rng: np.random.Generator) -> Plan:
        """Return balanced cells, or the base model (plain or class-balanced) with the reason."""
        data, errors = self.data, self.verdicts == WRONG
        probe_rng, guard_rng, final_rng = rng.spawn(3)
        cells = make_cells(data.codes, errors)
        splits = data.splits(PROBE_FOLDS, probe_rng)
        probe = judge_by_probe(data, self.numbers, cells, splits, probe_rng)
        balance_classes = class_balance_helps(data.codes, probe)
        base = probe.class_balanced if balance_classes else probe.plain
        evidence = weigh(base, probe.cell_balanced, errors, cells) if are_divided(cells) else None
        against = "too few rows are misidentified to balance them" if evidence is None else evidence.against()
        if evidence is None or (self.gated and against):
            report = report_on(
                data,
                self.verdicts,
                cells,
                evidence,
                method="class-balanced" if balance_classes else "plain",
                helped=False,
                reason=against,
            )
            return Plan(self._base(balance_classes, final_rng), report)
        left_out = np.zeros_like(errors)
        if evidence.too_many_suspects:
            left_out = errors & (judge_by_bag(data, self.estimator, cells, splits, guard_rng) == WRONG)
        kept = make_cells(data.codes, errors, left_out)
        report = report_on(
            data,
            self.verdicts,
            cells,
            evidence,
            method="balanced cells",
            helped=True if self.gated else None,
            reason="balancing the cells of class and error lifts their mean accuracy"
            if self.gated
            else "cells balanced, gate off",
            suspects=tuple(data.rows[kept < 0].tolist()),
        )
        return Plan(self._bag(kept, final_rng), report)

    def _base(self, balance_classes: bool, rng: np.random.Generator) -> list[Fit]:
        # a class weight does not reach models that interpolate, so classes are balanced by the same bag
        return self._bag(2 * self.data.codes, rng) if balance_classes else [_everything(self.data)]

    def _bag(self, cells: NDArray[np.intp], rng: np.random.Generator) -> list[Fit]:
        return [(draw_equal(cells, self.data.weights, stream), None) for stream in rng.spawn(self.n_members)]


def _everything(data: TrainingData) -> Fit:
    return np.arange(len(data)), data.weights
