"""Continual-learning primitives that keep the error rate they state.

Small objects that the user's own code wires together: windows remember, drift detectors measure, curation
composes the retraining set, policies decide when to retrain, gates decide what to serve. Nothing is loaded
until it is asked for.
"""

from contlearn._lazy import attach

__all__ = [
    "curation",
    "drift",
    "evaluation",
    "exceptions",
    "gates",
    "ledger",
    "persistence",
    "policies",
    "results",
    "stats",
    "testing",
    "windows",
]
__version__ = "0.1.0"

__getattr__, __dir__ = attach(__name__, {name: f".{name}" for name in __all__})
