"""Windows remember: the last rows, the last hours, a fair sample of everything, predictions without a label.

They give back what they were given, arrays as arrays and frames as frames, and what they have given back
never changes afterwards.
"""

from typing import TYPE_CHECKING

from contlearn._lazy import attach

if TYPE_CHECKING:
    from contlearn.windows._pending import PendingLabels
    from contlearn.windows._reservoir import Reservoir
    from contlearn.windows._sliding import SlidingWindow
    from contlearn.windows._time import TimeWindow

__all__ = ["PendingLabels", "Reservoir", "SlidingWindow", "TimeWindow"]

__getattr__, __dir__ = attach(
    __name__,
    {
        "PendingLabels": "._pending",
        "Reservoir": "._reservoir",
        "SlidingWindow": "._sliding",
        "TimeWindow": "._time",
    },
)
