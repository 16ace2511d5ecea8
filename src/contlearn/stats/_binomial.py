"""How many ways there are to choose: in logarithms, so that there may be any number."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special


def log_choose(total: Any, chosen: Any) -> NDArray[np.float64]:
    """Return the logarithm of the number of ways to choose `chosen` of `total`, element by element."""
    logs: NDArray[np.float64] = (
        special.gammaln(np.add(total, 1.0))
        - special.gammaln(np.add(chosen, 1.0))
        - special.gammaln(np.subtract(total, chosen) + 1.0)
    )
    return logs
