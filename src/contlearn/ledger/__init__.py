"""Remembers why: every answer with its evidence, every training, promotion and rollback, in one file.

Append-only and hash-chained, so that it can be audited: what served on that day, who approved it, and whether
anything was changed since.
"""

from typing import TYPE_CHECKING

from contlearn._lazy import attach

if TYPE_CHECKING:
    from contlearn.ledger._champion import Champion
    from contlearn.ledger._entry import Entry
    from contlearn.ledger._export import read_json_lines
    from contlearn.ledger._fingerprint import fingerprint
    from contlearn.ledger._ledger import Ledger
    from contlearn.ledger._logging import LogEntries
    from contlearn.ledger._mlflow import MLflowAliases
    from contlearn.ledger._opentelemetry import OpenTelemetrySpans
    from contlearn.ledger._prometheus import PrometheusMetrics
    from contlearn.ledger._training_run import TrainingRun

__all__ = [
    "Champion",
    "Entry",
    "Ledger",
    "LogEntries",
    "MLflowAliases",
    "OpenTelemetrySpans",
    "PrometheusMetrics",
    "TrainingRun",
    "fingerprint",
    "read_json_lines",
]

__getattr__, __dir__ = attach(
    __name__,
    {
        "Champion": "._champion",
        "Entry": "._entry",
        "Ledger": "._ledger",
        "LogEntries": "._logging",
        "MLflowAliases": "._mlflow",
        "OpenTelemetrySpans": "._opentelemetry",
        "PrometheusMetrics": "._prometheus",
        "TrainingRun": "._training_run",
        "fingerprint": "._fingerprint",
        "read_json_lines": "._export",
    },
)
