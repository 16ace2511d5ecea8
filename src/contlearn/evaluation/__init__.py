"""How bad is a model, row by row, on average, and since when.

Losses give one number per row, lower is better; `mean_loss` and `by_slice` give averages with their
uncertainty, `Prequential` a running one.
"""

from typing import TYPE_CHECKING

from contlearn._lazy import attach

if TYPE_CHECKING:
    from contlearn.evaluation._losses import (
        Loss,
        absolute_error,
        as_loss,
        brier,
        log_loss,
        pinball,
        squared_error,
        zero_one,
    )
    from contlearn.evaluation._mean_loss import mean_loss
    from contlearn.evaluation._prequential import Prequential
    from contlearn.evaluation._slices import by_slice
    from contlearn.results import Interval

__all__ = [
    "Interval",
    "Loss",
    "Prequential",
    "absolute_error",
    "as_loss",
    "brier",
    "by_slice",
    "log_loss",
    "mean_loss",
    "pinball",
    "squared_error",
    "zero_one",
]

__getattr__, __dir__ = attach(
    __name__,
    {
        "Interval": "..results",
        "Loss": "._losses",
        "Prequential": "._prequential",
        "absolute_error": "._losses",
        "as_loss": "._losses",
        "brier": "._losses",
        "by_slice": "._slices",
        "log_loss": "._losses",
        "mean_loss": "._mean_loss",
        "pinball": "._losses",
        "squared_error": "._losses",
        "zero_one": "._losses",
    },
)
