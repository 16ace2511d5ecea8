"""What to train on: row weights, index maps, and a classifier for the rows that a plain model gets wrong.

Weights and index maps are the result; copies of data are never made where a weight or an index will do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from contlearn._lazy import attach

if TYPE_CHECKING:
    from contlearn.curation._jtt import jtt_indices, jtt_weights
    from contlearn.curation._jtt_classifier import JTTClassifier
    from contlearn.curation._jtt_report import JTTCell, JTTReport

__all__ = ["JTTCell", "JTTClassifier", "JTTReport", "jtt_indices", "jtt_weights"]

__getattr__, __dir__ = attach(
    __name__,
    {
        "JTTCell": "._jtt_report",
        "JTTClassifier": "._jtt_classifier",
        "JTTReport": "._jtt_report",
        "jtt_indices": "._jtt",
        "jtt_weights": "._jtt",
    },
)
