"""How a report is filled from the training rows, the verdicts and the evidence."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from contlearn.curation._cells import are_divided
from contlearn.curation._evidence import Evidence, share_right
from contlearn.curation._jtt_report import JTTCell, JTTReport
from contlearn.curation._judge import UNJUDGED, WRONG, Verdicts
from contlearn.curation._training_data import TrainingData


def report_on(
    data: TrainingData,
    verdicts: Verdicts,
    cells: NDArray[np.intp],
    evidence: Evidence | None = None,
    **fields: Any,
) -> JTTReport:
    """Return the report on `verdicts` of the identifier; `fields` say what was done about them."""
    errors = verdicts == WRONG
    return JTTReport(
        n_rows=len(data),
        n_errors=int(errors.sum()),
        n_unjudged=int((verdicts == UNJUDGED).sum()),
        enrichment=_enrichment(data, errors),
        cells=tuple(_cell(data, cells, int(cell), evidence) for cell in np.unique(cells)),
        **_measured(evidence),
        **fields,
    )


def _measured(evidence: Evidence | None) -> dict[str, Any]:
    if evidence is None:
        return {}
    every = np.ones(len(evidence.base), dtype=bool)
    return {
        "accuracy_on_errors": evidence.accuracy_on_errors,
        "gain": evidence.gain,
        "standard_error": evidence.standard_error,
        "suspect_share": evidence.suspect_share,
        "accuracy_base": share_right(evidence.base, every),
        "accuracy_balanced": share_right(evidence.balanced, every),
    }


def _cell(data: TrainingData, cells: NDArray[np.intp], cell: int, evidence: Evidence | None) -> JTTCell:
    rows = cells == cell
    divided = are_divided(cells[cells // 2 == cell // 2])
    return JTTCell(
        label=_label(data, cell // 2),
        misidentified=bool(cell % 2) if divided else None,
        rows=int(rows.sum()),
        base_accuracy=None if evidence is None else share_right(evidence.base, rows),
        balanced_accuracy=None if evidence is None else share_right(evidence.balanced, rows),
    )


def _enrichment(data: TrainingData, errors: NDArray[np.bool_]) -> tuple[tuple[str, float], ...]:
    if not errors.any():
        return ()
    classes = range(int(data.codes.max()) + 1)
    return tuple(
        (_label(data, code), float(errors[data.codes == code].mean() / errors.mean())) for code in classes
    )


def _label(data: TrainingData, code: int) -> str:
    return str(data.y[np.argmax(data.codes == code)])
