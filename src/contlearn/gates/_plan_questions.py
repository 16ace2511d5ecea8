"""The question that a gate will ask, as a tree, and the searches for rows and for gains."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeAlias

from contlearn.gates._gain import Gain
from contlearn.gates._plan_worlds import Chance, World
from contlearn.stats._sample_sizes import quantile

MOST_ROWS = 10**9
_STEADY = 10_000  # with fewer rows, the power of an exact test goes up and down from row to row
_AHEAD = 40  # rows looked ahead, so that the power does not fall below its target again
_COARSE = 0.002  # with a margin, or more rows, the search for rows stops at this share of them
_GUESSES = 6


class Leaf(NamedTuple):
    """One `Gain`, asked about a share of the rows; `found` keeps the chances for numbers of its rows."""

    name: str
    gate: Gain
    world: World
    share: float
    found: dict[int, Chance]

    @property
    def told(self) -> str:
        return repr(self.gate)

    def chance(self, n: int) -> Chance:
        """Return how likely a trial of `n` rows promotes."""
        rows = self.rows(n)
        if rows not in self.found:
            self.found[rows] = self.world.chance(self.gate, rows)
        return self.found[rows]

    def rows(self, n: int) -> int:
        return int(n * self.share + 0.5)

    def alone(self) -> Leaf:
        """Return the same question about all rows of a trial."""
        return self._replace(share=1.0)

    def leaves(self) -> Iterator[Leaf]:
        yield self


class Joint(NamedTuple):
    """Questions that must all be answered by yes; of rows that are independent of each other, or not."""

    name: str
    told: str
    parts: tuple[Question, ...]
    independent: bool

    def chance(self, n: int) -> Chance:
        """Return how likely a trial of `n` rows promotes, or a lower bound of it."""
        chances = [part.chance(n) for part in self.parts]
        if self.independent:
            return lambda gain: math.prod(chance(gain) for chance in chances)
        return lambda gain: max(0.0, 1.0 - sum(1.0 - chance(gain) for chance in chances))

    def rows(self, n: int) -> int:
        return n

    def alone(self) -> Joint:
        return self

    def leaves(self) -> Iterator[Leaf]:
        for part in self.parts:
            yield from part.leaves()


Question: TypeAlias = Leaf | Joint


def fewest_rows(question: Question, gain: float, power: float) -> int | None:
    """Return the fewest rows with which a gain is found with this power; None if none do."""
    leaves = list(question.leaves())
    if any(leaf.share <= 0.0 or gain <= leaf.gate.margin for leaf in leaves):
        return None
    guess = max(leaf.world.guess(leaf.gate, gain, power) / leaf.share for leaf in leaves)
    if guess > MOST_ROWS:
        return None
    guess, settled = _improved(question, gain, power, guess)
    counted = all(leaf.gate.margin == 0.0 for leaf in leaves) and guess <= _STEADY
    if settled and not counted:
        return math.ceil(guess) if guess <= MOST_ROWS else None

    def enough(n: int) -> bool:
        return question.chance(n)(gain) >= power

    found = _least_integer(enough, guess, 0.0 if counted else _COARSE)
    return _steady(enough, found) if found is not None and counted else found


def _improved(question: Question, gain: float, power: float, guess: float) -> tuple[float, bool]:
    """Return a better guess, and whether it will do: within `_COARSE` of the answer, or tried and enough.

    The probit of the power is nearly a line over the square root of the rows. Where the power of an exact
    test goes up and down from row to row, the guesses do not settle; then the best that was tried will do.
    """
    leaf = min(question.leaves(), key=lambda leaf: gain - leaf.gate.margin)
    critical, best = quantile(float(leaf.gate.alpha)), math.inf
    for _ in range(_GUESSES):
        reached = min(1.0 - 1e-9, max(1e-9, question.chance(math.ceil(guess))(gain)))
        best = min(best, guess) if reached >= power else best
        slope = critical - quantile(reached)
        if slope <= 0.1:
            return guess, False
        change = ((critical + quantile(1.0 - power)) / slope) ** 2
        guess *= min(4.0, max(0.25, change))
        if abs(change - 1.0) <= _COARSE:
            return guess, True
    return (guess, False) if best == math.inf else (best, True)


def _least_integer(enough: Callable[[int], bool], guess: float, tolerance: float) -> int | None:
    """Return the least n with `enough(n)`, which turns true once; None if that is beyond a billion."""
    n = max(1, math.ceil(guess))
    step = max(1, math.ceil(0.005 * n))
    short, found = (0, n) if enough(n) else (n, 0)
    while not found:
        n += step
        step *= 2
        if n > MOST_ROWS:
            return None
        short, found = (short, n) if enough(n) else (n, 0)
    while short == 0 and found > 1:
        n = max(1, found - step)
        step *= 2
        short, found = (short, n) if enough(n) else (n, found)
        if n == 1:
            break
    while found - short > max(1.0, tolerance * found):
        middle = (short + found) // 2
        short, found = (short, middle) if enough(middle) else (middle, found)
    return found


def _steady(enough: Callable[[int], bool], n: int) -> int:
    """Return the first number from `n` on after which the next ones are enough, too."""
    last, looking = n, n
    while looking < last + _AHEAD and last < n + 50 * _AHEAD:
        if not enough(looking):
            last = looking + 1
        looking += 1
    return last


def least_gain(question: Question, n: int, power: float) -> float | None:
    """Return the smallest gain that `n` rows find with this power; None if there is none."""
    ranges = [leaf.world.gains(leaf.gate) for leaf in question.leaves()]
    low, high = max(low for low, _ in ranges), min(high for _, high in ranges)
    chance = question.chance(n)
    if not low < high or chance(high) < power:
        return None
    while high - low > 1e-7 * max(abs(low), abs(high)):
        middle = 0.5 * (low + high)
        low, high = (low, middle) if chance(middle) >= power else (middle, high)
    return high
