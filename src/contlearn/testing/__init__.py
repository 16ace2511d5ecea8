"""Laws that every class of a kind obeys, for ours and for those that users write; and error rates, measured.

Each check runs one object through the laws of its kind and raises an `AssertionError` that names the law.
`certify` measures how often a detector raises false alarms on your data, and what it would find.
"""

from typing import TYPE_CHECKING

from contlearn._lazy import attach

if TYPE_CHECKING:
    from contlearn.testing._backtest import backtest
    from contlearn.testing._backtest_report import Backtest, Baseline, Delay
    from contlearn.testing._batch_detector import check_batch_detector
    from contlearn.testing._certificate import Certificate, Found
    from contlearn.testing._certify import certify
    from contlearn.testing._gate import check_gate
    from contlearn.testing._policy import check_policy
    from contlearn.testing._stream_certificate import StreamCertificate
    from contlearn.testing._stream_detector import check_stream_detector
    from contlearn.testing._window import check_window

__all__ = [
    "Backtest",
    "Baseline",
    "Certificate",
    "Delay",
    "Found",
    "StreamCertificate",
    "backtest",
    "certify",
    "check_batch_detector",
    "check_gate",
    "check_policy",
    "check_stream_detector",
    "check_window",
]

__getattr__, __dir__ = attach(
    __name__,
    {
        "Backtest": "._backtest_report",
        "Baseline": "._backtest_report",
        "Certificate": "._certificate",
        "Delay": "._backtest_report",
        "Found": "._certificate",
        "StreamCertificate": "._stream_certificate",
        "backtest": "._backtest",
        "certify": "._certify",
        "check_batch_detector": "._batch_detector",
        "check_gate": "._gate",
        "check_policy": "._policy",
        "check_stream_detector": "._stream_detector",
        "check_window": "._window",
    },
)
