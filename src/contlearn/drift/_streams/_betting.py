"""A watch over the mean of losses in [0, 1] that bets against a limit, and remembers the losses."""

from __future__ import annotations

import abc
from typing import Any, NamedTuple, NoReturn

import numpy as np
from numpy.typing import NDArray

from contlearn.drift._streams import _losses, _risk_bets
from contlearn.drift._streams._risk_bets import BLOCK, Five, Ten
from contlearn.drift._streams._watch import Watch

Floats = NDArray[np.float64]

_OLDER = 64  # blocks of which the sum is remembered


class Side(NamedTuple):
    """Bets that the mean lies above the limit (`sign` 1), or below it (-1)."""

    limit: float
    sign: float
    sizes: Five


class Betting(Watch):
    """The evidence of bets on one or two sides, and what is kept of the losses."""

    _sides: tuple[Side, ...]  # none while there is no limit
    _lifelong: bool  # stakes that add up to 1, instead of 1 at every update
    _simple: bool  # one side, and stakes of 1
    _wealth: list[Ten]  # of the bets of each side
    _share: float  # of the evidence that one bet holds
    _known: dict[int, tuple[float, tuple[Five, ...]]]  # zeros and ones with the factors of their bets
    # Past losses: two blocks in full, the sums of earlier ones, and how many are older, with their sum.
    _block: list[float]
    _before: Floats
    _older: tuple[float, ...]
    _rest: tuple[int, float]

    @abc.abstractmethod
    def _refuse_unfitted(self) -> NoReturn:
        """Say that there is no limit yet."""

    def _bet(self, low: float, high: float, *, lifelong: bool) -> None:
        """Bet on the mean being above `high`, or below `low`, as far as it can be."""
        sides = []
        if high < 1.0:
            sides.append(Side(high, 1.0, _risk_bets.bets(high)))
        if low > 0.0:
            sides.append(Side(low, -1.0, _risk_bets.bets(1.0 - low)))
        self._sides = tuple(sides)
        self._lifelong = lifelong
        self._simple = len(sides) == 1 and not lifelong and sides[0].sign > 0.0
        self._share = 1.0 / (len(_risk_bets.SHARES) * max(len(sides), 1))
        self._known = {each: (float(each), self._factors(each)) for each in (0, 1)} if sides else {}

    def _factors(self, loss: float) -> tuple[Five, ...]:
        return tuple(
            [_risk_bets.factors(side.sizes, (loss - side.limit) * side.sign) for side in self._sides]
        )

    # -- one loss ------------------------------------------------------------

    def update(self, x: Any) -> None:
        """Take in one loss in [0, 1], booleans included; `drift_detected` then tells whether it alarms.

        Raises
        ------
        InvalidInputError
            The loss is missing, no number, or outside [0, 1]; nothing is changed then.
        NotFittedError
            There is neither a limit nor a reference.
        """
        known: Any
        try:
            known = self._known.get(x)
        except TypeError:  # not hashable, hence no number; `_read_new` says so
            known = None
        if known is None and not (self._simple and type(x) is float and 0.0 <= x <= 1.0):
            known = self._read_new(x)
        if self._drift_detected:
            self._restart()
        if not self._simple:
            self._conclude(self._step(known))
            return
        # What `_read_new`, `_step` and `_conclude` do, written out for one side: calls are half the cost.
        s, t, u, v, w, a, b, c, d, e = self._wealth[0]
        if known is None:
            loss = x
            ((limit, _, (f, g, h, i, j)),) = self._sides
            above = x - limit
            f = 1.0 + f * above
            g = 1.0 + g * above
            h = 1.0 + h * above
            i = 1.0 + i * above
            j = 1.0 + j * above
        else:
            loss, ((f, g, h, i, j),) = known
        s += 1.0 / a
        t += 1.0 / b
        u += 1.0 / c
        v += 1.0 / d
        w += 1.0 / e
        a *= f
        b *= g
        c *= h
        d *= i
        e *= j
        self._wealth[0] = s, t, u, v, w, a, b, c, d, e
        block = self._block
        block.append(loss)
        if len(block) == BLOCK:
            self._close_block()
        self._evidence = evidence = (s * a + t * b + u * c + v * d + w * e) * self._share
        if evidence >= self._warning_limit or self._warning_detected:
            self._conclude(evidence)

    def _read(self, x: Any) -> tuple[float, tuple[Five, ...]]:
        try:
            return self._known.get(x) or self._read_new(x)
        except TypeError:
            return self._read_new(x)

    def _read_new(self, x: Any) -> tuple[float, tuple[Five, ...]]:
        """Return any loss with the factors of its bets, or refuse."""
        if not self._sides:
            self._refuse_unfitted()
        loss = x if type(x) is float and 0.0 <= x <= 1.0 else _losses.loss(x)
        if self._simple:
            ((limit, _, sizes),) = self._sides
            return loss, (_risk_bets.factors(sizes, loss - limit),)
        return loss, self._factors(loss)

    def _step(self, x: tuple[float, tuple[Five, ...]]) -> float:
        loss, factors = x
        stake = self._stake() if self._lifelong else 1.0
        evidence = 0.0
        for side, by in enumerate(factors):
            self._wealth[side], total = _risk_bets.step(self._wealth[side], by, stake)
            evidence += total
        self._block.append(loss)
        if len(self._block) == BLOCK:
            self._close_block()
        return evidence * self._share

    def _stake(self) -> float:
        n = self._n + 1.0
        return 1.0 / (n * (n + 1.0))

    # -- many losses ---------------------------------------------------------

    def _read_many(self, values: Any) -> Floats:
        return _losses.losses(values)

    def update_many(self, values: Any) -> list[int]:
        if not self._sides:
            self._refuse_unfitted()
        return super().update_many(values)

    def _advance(self, values: Floats) -> Floats:
        stakes: Floats | float = 1.0
        if self._lifelong:
            n = np.arange(self._n + 1.0, self._n + values.size + 0.5)
            stakes = 1.0 / (n * (n + 1.0))
        evidence = np.zeros(values.size)
        for place, side in enumerate(self._sides):
            above = (values - side.limit) * side.sign
            self._wealth[place], total = _risk_bets.advance(self._wealth[place], side.sizes, above, stakes)
            evidence += total
        if values.size == BLOCK:
            self._close_block(values.copy())
        else:
            self._block = [*self._block, *values.tolist()]  # a new list: the old one is in the checkpoint
            if len(self._block) == BLOCK:
                self._close_block()
        return evidence * self._share

    def _room(self) -> int:
        return BLOCK - len(self._block)

    def _checkpoint(self) -> Any:
        return self._wealth.copy(), self._block, self._before, self._older, self._rest

    def _rollback(self, state: Any) -> None:
        self._wealth, self._block, self._before, self._older, self._rest = state

    # -- what was seen -------------------------------------------------------

    def _restart(self) -> None:
        self._wealth = [_risk_bets.NOTHING] * len(self._sides)
        self._block, self._before, self._older, self._rest = [], np.empty(0), (), (0, 0.0)
        self._evidence = 0.0
        self._drift_detected = self._warning_detected = False

    def _close_block(self, losses: Floats | None = None) -> None:
        """Begin a new block, and remember less of the old ones."""
        self._wealth = list(map(_risk_bets.rebased, self._wealth))
        if self._before.size:
            self._older = (*self._older, float(self._before.sum()))
        if len(self._older) > _OLDER:
            self._rest = self._rest[0] + BLOCK, self._rest[1] + self._older[0]
            self._older = self._older[1:]
        self._before = np.array(self._block) if losses is None else losses
        self._block = []

    @property
    def _n(self) -> int:
        return len(self._block) + self._before.size + BLOCK * len(self._older) + self._rest[0]
