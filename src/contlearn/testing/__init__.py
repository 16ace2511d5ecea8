"""Laws that every class of a kind obeys, for ours and for those that users write.

Each check runs one object through the laws of its kind and raises an `AssertionError` that names the law.
"""

from typing import TYPE_CHECKING

from contlearn._lazy import attach

if TYPE_CHECKING:
    from contlearn.testing._batch_detector import check_batch_detector
    from contlearn.testing._gate import check_gate
    from contlearn.testing._policy import check_policy
    from contlearn.testing._stream_detector import check_stream_detector
    from contlearn.testing._window import check_window

__all__ = [
    "check_batch_detector",
    "check_gate",
    "check_policy",
    "check_stream_detector",
    "check_window",
]

__getattr__, __dir__ = attach(
    __name__,
    {
        "check_batch_detector": "._batch_detector",
        "check_gate": "._gate",
        "check_policy": "._policy",
        "check_stream_detector": "._stream_detector",
        "check_window": "._window",
    },
)
