"""The gate on the mean loss that may be read after every row."""

from __future__ import annotations

import math
from typing import Any, NoReturn, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from river.base import Base

from contlearn import _checks
from contlearn.gates import _paired_bets
from contlearn.gates._paired_bets import Four, Ten
from contlearn.results import Interval, Outcome, Verdict
from contlearn.stats import _bets, _columns

Floats = NDArray[np.float64]

_BLOCK = 4096
_MOST_ROWS = 10**9  # beyond this, how many more rows would be needed is of no use to anybody


class SequentialGain(Base):  # type: ignore[misc]
    """Watch two models on the same rows, and decide as soon as the evidence suffices, whenever it is read.

    For a shadow deployment: both models predict every row, and the label arrives later. A one-look gate that
    is read again and again promotes by chance sooner or later; this one keeps its error rate over all looks
    together, after every row and for ever.

    PROMOTE when the gain is shown to be above `margin`, REJECT when it is shown to be below, or when
    `max_samples` rows have shown neither; else CONTINUE. A decision stays until `reset`.

    Parameters
    ----------
    margin
        Smallest gain worth a promotion, in the unit of the loss, strictly between -`bound` and `bound`.
    alpha
        Rate of wrong promotions, strictly between 0 and 0.5: the largest chance that a challenger whose gain
        is at most `margin` is *ever* promoted. Likewise the chance that one whose gain is at least
        `margin` is ever rejected, unless by `max_samples`.
    max_samples
        Rows after which a challenger that was not shown to be better is rejected. None: never; equal models
        are then compared for ever.
    bound
        Largest possible loss: losses lie in [0, `bound`]. Losses without a bound cannot be judged at every
        row by anybody; clip them, or ask `Gain` once.

    Notes
    -----
    Five bets on a gain above the margin, from 0.04 to 0.98 of the largest that cannot lose everything, and
    five on one below: the wealth of each side is a nonnegative supermartingale under its hypothesis, so that
    by Ville's inequality it ever reaches 1 / alpha with probability at most alpha [1]_, [2]_. The hypothesis
    is that the mean gain of every row, given the rows before, is at most the margin: rows need not be alike
    nor independent. The p-value is one over the largest wealth so far, and valid at every look. The verdict's
    gain is a confidence sequence: its interval, of confidence 1 - 2 alpha, holds at all rows at once.

    Rows needed, measured, against a fixed design with a power of 80 %: on average 1.1 to 1.3 times as many
    where the models disagree in 6 % of rows (gains of 0.01 to 0.04), up to 1.5 times where they disagree in
    30 to 100 %; one challenger in five takes more than 1.7 to 2.4 times as many. 99 % of the challengers were
    promoted in the end. Where losses hardly differ, but nearly always in the same direction, up to several
    times as many: at least bound x log(1 / alpha) / gain, since one row could lose what a hundred have won.

    Evidence is about all rows since the start: rows on which the challenger was worse have to be made up
    for. After 10,000 rows without a gain, a gain of 0.02 takes four times the rows of a fresh start, after
    50,000 ten times; `reset` when one of the models, or what is asked of them, has changed.

    Cost: constant; less than half a kilobyte of state. A quarter of a microsecond per `update` with zero-one
    losses, less than one with others; a tenth per row in `update_many`. Reading `verdict`: 2 milliseconds.

    Not to be shared by threads without a lock.

    References
    ----------
    .. [1] I. Waudby-Smith and A. Ramdas, "Estimating means of bounded random variables by betting", Journal
       of the Royal Statistical Society B 86 (2024).
    .. [2] A. Ramdas, P. Grünwald, V. Vovk and G. Shafer, "Game-theoretic statistics and safe anytime-valid
       inference", Statistical Science 38 (2023).

    Examples
    --------
    >>> from contlearn.gates import SequentialGain
    >>> gate = SequentialGain()
    >>> for row in range(1000):
    ...     gate.update(champion_loss=row % 10 == 0, challenger_loss=row % 20 == 0)
    ...     if gate.verdict.final:
    ...         break
    >>> print(gate.verdict)
    promote: gain 0.05405 [0.001358, 0.1433] (90 %) is above margin 0 (111 rows, valid at every row;
    p = 0.0438 <= 0.05)
    """

    margin: float
    alpha: float
    max_samples: int | None
    bound: float
    _owned: Ten  # of the bets on a gain above the margin, then of those on one below
    _above: float  # the largest wealth of each side so far
    _below: float
    _sums: Four  # of the gains in units of `bound`, and of their second to fourth powers
    _n: int
    _decided: bool

    def __init__(
        self,
        margin: float = 0.0,
        alpha: float = 0.05,
        max_samples: int | None = None,
        bound: float = 1.0,
    ) -> None:
        limit = _checks.positive("bound", bound)
        if not -limit < _checks.number("margin", margin) < limit:
            must = f"be strictly between -{limit:g} and {limit:g}"
            _checks.fail("margin", must, margin, "no gain can lie beyond the bound of the loss")
        _checks.level("alpha", alpha)
        if max_samples is not None:
            _checks.count("max_samples", max_samples)
        self.margin = margin
        self.alpha = alpha
        self.max_samples = max_samples
        self.bound = bound
        self._limit = limit
        self._edge = float(margin) / limit
        self._sizes = _paired_bets.sizes(self._edge)
        self._enough = 1.0 / float(alpha)
        self._last = 0 if max_samples is None else int(max_samples)
        self.reset()

    def reset(self) -> None:
        """Forget every row and the decision."""
        self._owned = _paired_bets.NEW
        self._above = self._below = 1.0
        self._sums = _paired_bets.NOTHING
        self._n = 0
        self._decided = False

    # -- rows ----------------------------------------------------------------

    def update(self, champion_loss: Any, challenger_loss: Any) -> None:
        """Take in the losses of both models on one row; after a decision, check them only.

        Raises
        ------
        InvalidInputError
            If a loss is missing, no number, or outside [0, `bound`]; nothing is changed then.
        """
        limit = self._limit
        if type(champion_loss) is not float or not 0.0 <= champion_loss <= limit:
            champion_loss = self._read("champion_loss", champion_loss)
        if type(challenger_loss) is not float or not 0.0 <= challenger_loss <= limit:
            challenger_loss = self._read("challenger_loss", challenger_loss)
        if self._decided:
            return
        n = self._n = self._n + 1
        x = (champion_loss - challenger_loss) / limit
        if x or self._edge:
            self._take(x)
        if n == self._last:
            self._decided = True

    def _take(self, x: float) -> None:
        """Bet on a gain of `x`; written out because it is what a row costs."""
        one, two, three, four = self._sums
        square = x * x
        self._sums = one + x, two + square, three + square * x, four + square * square
        x -= self._edge
        p, q, r, s, t, u, v, w, y, z = self._sizes
        a, b, c, d, e, f, g, h, i, j = self._owned
        a *= 1.0 + p * x
        b *= 1.0 + q * x
        c *= 1.0 + r * x
        d *= 1.0 + s * x
        e *= 1.0 + t * x
        f *= 1.0 + u * x
        g *= 1.0 + v * x
        h *= 1.0 + w * x
        i *= 1.0 + y * x
        j *= 1.0 + z * x
        self._owned = a, b, c, d, e, f, g, h, i, j
        above = a + b + c + d + e
        below = f + g + h + i + j
        if above > self._above:
            self._above = above
            self._decided = above >= self._enough
        if below > self._below:
            self._below = below
            self._decided = below >= self._enough

    def update_many(self, champion_losses: ArrayLike, challenger_losses: ArrayLike) -> None:
        """Take in the losses of both models on many rows, exactly as repeated `update` would.

        Raises
        ------
        InvalidInputError
            If a loss is missing, no number, or outside [0, `bound`], or the lengths differ; none of the rows
            is counted then.
        """
        champion = self._read_many("champion_losses", champion_losses)
        challenger = self._read_many("challenger_losses", challenger_losses)
        _checks.same_length(champion_losses=champion, challenger_losses=challenger)
        gains = (champion - challenger) / self._limit
        for start in range(0, gains.size, _BLOCK):
            if self._decided:
                return
            self._take_many(gains[start : start + _BLOCK])

    def _take_many(self, gains: Floats) -> None:
        if self._last:
            gains = gains[: self._last - self._n]
        places = np.arange(gains.size) if self._edge else np.flatnonzero(gains)
        taken, rows = gains[places], gains.size
        if taken.size:
            wealth = _paired_bets.advance(self._owned, self._sizes, taken - self._edge)
            above, below = _paired_bets.together(wealth[:5]), _paired_bets.together(wealth[5:])
            reached = (above >= self._enough) | (below >= self._enough)
            if reached.any():
                self._decided = True
                stop = int(reached.argmax()) + 1
                rows, taken, wealth = int(places[stop - 1]) + 1, taken[:stop], wealth[:, :stop]
                above, below = above[:stop], below[:stop]
            self._owned = tuple(wealth[:, -1].tolist())
            self._above = max(self._above, float(above.max()))
            self._below = max(self._below, float(below.max()))
            square = taken * taken
            powers = np.array([taken, square, square * taken, square * square])
            powers[:, 0] += self._sums
            self._sums = tuple(np.add.accumulate(powers, axis=1)[:, -1].tolist())
        self._n += rows
        if self._n == self._last:
            self._decided = True

    def _read(self, name: str, loss: Any) -> float:
        """Return a loss that is no plain float in range, or refuse."""
        if type(loss) is bool and self._limit >= 1.0:
            return 1.0 if loss else 0.0
        if isinstance(loss, (bool, np.bool_)):
            loss = int(loss)
        elif isinstance(loss, np.ndarray) and loss.ndim == 0:
            loss = math.nan if np.ma.is_masked(loss) else loss.item()
        try:
            value = _checks.real(name, loss)
        except ValueError:
            value = math.nan
        return value if 0.0 <= value <= self._limit else self._refuse(name, loss)

    def _read_many(self, name: str, losses: ArrayLike) -> Floats:
        values = _columns.numbers(name, losses)
        good = (values >= 0.0) & (values <= self._limit)
        if not good.all():
            place = int(good.argmin())
            self._refuse(f"{name}[{place}]", float(values[place]))
        return values

    def _refuse(self, name: str, loss: object) -> NoReturn:
        cure = "leave out rows whose label is missing, for both models; for larger losses, set bound"
        shown = type(loss).__name__ if hasattr(loss, "__len__") else loss
        _checks.bad_data(name, f"be a loss between 0 and {self._limit:g}", shown, cure)

    # -- answers -------------------------------------------------------------

    @property
    def n(self) -> int:
        """Rows counted: those up to the decision."""
        return self._n

    @property
    def verdict(self) -> Verdict:
        """What the rows so far show, at any time; asking changes nothing and costs no error rate."""
        gain, p, outcome = self.gain, _bets.p_value(self._above), self._outcome
        needed = self._needed() if outcome is Outcome.CONTINUE else None
        return Verdict(outcome, self._reason(outcome, gain, p, needed), gain=gain, p_value=p, needed=needed)

    @property
    def gain(self) -> Interval | None:
        """Mean gain so far, with an interval that holds at all rows at once; None before the first row."""
        if not self._n:
            return None
        level = _bets.log_level(float(self.alpha))
        low, high = _paired_bets.interval(self._sums, self._n, level)
        estimate = min(1.0, max(-1.0, self._sums[0] / self._n))
        # The bets at the margin itself are known exactly: what they show, the interval shows.
        low = max(low, self._edge) if self._above >= self._enough else low
        high = min(high, self._edge) if self._below >= self._enough else high
        limit, confidence = self._limit, 1.0 - 2.0 * float(self.alpha)
        return Interval(estimate * limit, min(low, estimate) * limit, max(high, estimate) * limit, confidence)

    @property
    def _outcome(self) -> Outcome:
        if not self._decided:
            return Outcome.CONTINUE
        return Outcome.PROMOTE if self._above >= self._enough else Outcome.REJECT

    def _reason(self, outcome: Outcome, gain: Interval | None, p: float, needed: int | None) -> str:
        if gain is None:
            return "no rows yet"
        rows = f"{self._n} {'row' if self._n == 1 else 'rows'}, valid at every row"
        margin, alpha = f"margin {float(self.margin):g}", f"{float(self.alpha):g}"
        if outcome is Outcome.PROMOTE:
            return f"gain {gain} is above {margin} ({rows}; p = {p:.3g} <= {alpha})"
        if self._below >= self._enough:
            below = _bets.p_value(self._below)
            return f"gain {gain} is below {margin} ({rows}; p = {below:.3g} <= {alpha} for being below)"
        if outcome is Outcome.REJECT:
            return f"gain {gain} is not above {margin} within max_samples ({rows}; p = {p:.3g} > {alpha})"
        reason = f"gain {gain} is not settled against {margin} ({rows}; p = {p:.3g} > {alpha})"
        return reason if needed is None else f"{reason}; about {needed} more rows would settle it"

    def _needed(self) -> int | None:
        """Return how many more rows like those so far would lead to a decision, either one."""
        fewest = float(self._last - self._n) if self._last else math.inf
        if self._n:
            level = _bets.log_level(float(self.alpha))
            for side in (self._owned[:5], self._owned[5:]):
                fewest = min(fewest, _bets.rows_until(side, _paired_bets.WEIGHTS, self._n, level))
        return max(1, math.ceil(fewest)) if fewest <= _MOST_ROWS else None

    def __sklearn_clone__(self) -> Self:
        clone: Self = self.clone()
        return clone

    def __repr__(self) -> str:
        shown = [f"margin={self.margin!r}", f"alpha={self.alpha!r}"]
        if self.max_samples is not None:
            shown.append(f"max_samples={self.max_samples!r}")
        if self.bound != 1.0:
            shown.append(f"bound={self.bound!r}")
        return f"SequentialGain({', '.join(shown)})"

    def __str__(self) -> str:
        return str(self.verdict)
