"""Do values go missing more often, or less, than in the reference? Bets that sleep until one is missing.

The reference bounds the share p of missing values, from above and from below. A bet that the odds of a
missing value are `odds` times those of a bound p multiplies its stake by odds / (1 - p + odds p) where a
value is missing, and by 1 / (1 - p + odds p) where not. Its mean is at most 1 as long as the share is within
the bounds, whatever else happens.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from contlearn.drift._streams._bets import Stakes, advance

_ERROR = 0.01  # how often a bound may be wrong, over references
_MORE, _LESS = (1.5, 3.0, 8.0, 30.0), (1.0 / 2.0, 1.0 / 8.0)  # odds, as multiples of those of the bounds
_BLOCK = 128  # updates; 30**128 is a float

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


class _State(NamedTuple):
    awake: bool
    position: int
    stakes: Stakes


class MissingShare:
    """The evidence that the share of missing values is no longer that of the reference.

    Parameters
    ----------
    n
        Values in the reference, at least one.
    n_missing
        How many of them are missing.
    """

    def __init__(self, n: int, n_missing: int) -> None:
        low, high = _bounds(n, n_missing)
        bets = [(high, odds) for odds in _MORE if high < 1.0] + [(low, odds) for odds in _LESS if low > 0.0]
        self._present = tuple(1.0 - share + odds * share for share, odds in bets)  # 1 / growth
        self._gone = tuple(fair / odds for fair, (_, odds) in zip(self._present, bets, strict=True))
        self._known = n_missing > 0
        self.restart()

    def restart(self) -> None:
        """Forget the stream."""
        self._state = _State(self._known, 0, Stakes.new(len(self._present)))

    @property
    def awake(self) -> bool:
        """Whether anything has been missing yet, in the reference or in the stream."""
        return self._state.awake

    @property
    def wealth(self) -> float:
        """The mean wealth of the bets."""
        return self._state.stakes.total / len(self._present)

    def checkpoint(self) -> _State:
        """Return all that later evidence depends on."""
        return self._state

    def rollback(self, state: _State) -> None:
        """Go back to a checkpoint."""
        self._state = state

    def step(self, missing: bool) -> float:
        """Take in whether one value is missing; return the mean wealth of the bets."""
        awake, position, stakes = self._state
        if not awake and not missing:
            return 0.0
        if position == _BLOCK:
            position, stakes = 0, stakes.rebased()
        stakes = stakes.after(self._gone if missing else self._present)
        self._state = _State(True, position + 1, stakes)
        return stakes.total / len(self._present)

    def advance(self, missing: Mask) -> Floats:
        """Take in which of many values are missing; return the mean wealth of the bets after each."""
        wealth = np.zeros(len(missing))
        begin = 0
        if not self.awake:
            begin = int(missing.argmax()) if missing.any() else len(missing)
        while begin < len(missing):
            _, position, stakes = self._state
            if position == _BLOCK:
                position, stakes = 0, stakes.rebased()
            here = missing[begin : begin + _BLOCK - position]
            ratios = np.where(
                here, np.array(self._gone)[:, np.newaxis], np.array(self._present)[:, np.newaxis]
            )
            total, stakes = advance(stakes, ratios)
            wealth[begin : begin + len(here)] = total / len(self._present)
            self._state = _State(True, position + len(here), stakes)
            begin += len(here)
        return wealth


def _bounds(n: int, n_missing: int) -> tuple[float, float]:
    """Return bounds of a share of which `n_missing` of `n` were seen (Clopper and Pearson)."""
    if n_missing == 0:
        return 0.0, 1.0 - _ERROR ** (1.0 / n)
    from scipy.special import betaincinv

    low = float(betaincinv(n_missing, n - n_missing + 1, _ERROR))
    high = float(betaincinv(n_missing + 1, n - n_missing, 1.0 - _ERROR)) if n_missing < n else 1.0
    return low, high
