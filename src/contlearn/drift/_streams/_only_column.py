"""One value per update, out of whatever holds a single column of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from contlearn.stats import _columns


def only_column(values: Any) -> Any:
    """Return the only column of an array, a frame, a dictionary or a list of rows of one value.

    Arrays and series, and what is not one column, come back as arrays; anything else as it is.
    """
    if isinstance(values, Mapping) and len(values) == 1:
        (values,) = values.values()
    if isinstance(values, list | tuple) and not (values and isinstance(values[0], list | tuple | np.ndarray)):
        return values  # by far the most
    if not isinstance(values, list | tuple) and not hasattr(values, "__array__"):
        return values
    try:
        array = np.asarray(_columns.unmasked(values))
    except (ValueError, OverflowError):  # rows of different lengths, or something else among them
        return values
    if array.ndim == 2 and array.shape[1] == 1:
        return array[:, 0]
    return values if isinstance(values, list | tuple) and array.ndim == 1 else array
