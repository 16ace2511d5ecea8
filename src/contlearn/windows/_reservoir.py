"""A uniform sample of everything ever seen."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from contlearn import _checks
from contlearn.windows._bottom_k import BottomK
from contlearn.windows._rows import read_ids


@final
class Reservoir:
    """Keep a uniform random sample of `size` rows of everything ever seen.

    Every row draws a random number, and the rows with the `size` smallest stay. At any moment each set of
    `size` of the rows seen so far is equally likely to be the sample; until there are that many, all are
    kept.

    Parameters
    ----------
    size
        Rows to keep, at least 1.
    seed
        An integer of at least 0: the same rows give the same sample, however they are cut into blocks. None:
        fresh draws. Give reservoirs that will be merged different seeds, see `merge`.

    Notes
    -----
    Rows come back as they went in, see `SlidingWindow`, in the order in which they came, which is the order
    of arrival, not a random one.

    `forget` leaves a uniform sample of the rows that were not to be forgotten, but a smaller one: rows that
    were turned away earlier do not come back. New rows are taken in at the rate of the old ones: until the
    sample is full again all are equally likely to be in it, and from then on nearly (measured, the rates of
    old and new rows differ by at most 1.5 % for a `size` of 4 and 0.5 % for 10). How many of the rows turned
    away were to be forgotten too, nobody knows; they are counted out of `weights` at the rate at which they
    were held. So after `forget` the weights of all rows together add up right on average, but not those of
    every part of them: of 50 rows 25 forgotten and 30 new, with a `size` of 10, the new ones count as 29.0
    on average and the old ones as 26.0.

    Cost: well under two microseconds per row one by one, some ten nanoseconds in blocks; reading an array
    costs one copy of the sample when it has changed. Memory is at most about ``4 * size`` rows. Not to be
    shared by threads without a lock.

    References
    ----------
    .. [1] P. S. Efraimidis and P. G. Spirakis, "Weighted random sampling with a reservoir", Information
       Processing Letters 97 (2006); with equal weights.
    .. [2] E. Cohen and H. Kaplan, "Summarizing data using bottom-k sketches", PODC (2007).

    Examples
    --------
    >>> import numpy as np
    >>> from contlearn.windows import Reservoir
    >>> reservoir = Reservoir(4, seed=0)
    >>> reservoir.extend(np.arange(1000))
    >>> len(reservoir), reservoir.n_seen
    (4, 1000)
    >>> reservoir.weights()
    array([250., 250., 250., 250.])
    """

    def __init__(self, size: int, seed: int | None = 0) -> None:
        _checks.count("size", size)
        if seed is not None:
            _checks.count("seed", seed, low=0)
        self.size = size
        self.seed = seed
        self.clear()

    def clear(self) -> None:
        """Become as new, the random generator included; the next row may be of another kind."""
        self._sample = BottomK(self.size)
        self._random = np.random.default_rng(self.seed)
        self._seeds = frozenset() if self.seed is None else frozenset([self.seed])  # of all rows' numbers
        self._n_seen = 0
        self._population: float = 0  # rows seen, less those that were forgotten

    @property
    def n_seen(self) -> int:
        """Rows ever seen, kept or not."""
        return self._n_seen

    def append(self, row: Any, id: Hashable = None) -> None:  # noqa: A002
        """Show the reservoir one row.

        Parameters
        ----------
        row
            The row.
        id
            A name by which `forget` finds the row. None: none.

        Raises
        ------
        SchemaError
            The row is not of the kind, shape, columns or dtype of the rows before it.
        """
        store, fitted = self._sample.fit(row, id)
        try:
            self._sample.add(self._random.random(), store, fitted, id)
        except BaseException:
            self._undraw(1)
            raise
        self._n_seen += 1
        self._population += 1

    def extend(self, rows: Any, ids: Iterable[Hashable] | None = None) -> None:
        """Show the reservoir many rows, exactly as repeated `append` would.

        Parameters
        ----------
        rows
            An array with one row along its first axis, a frame, or an iterable of rows. All are checked
            before the first is stored.
        ids
            One id per row. None: none.
        """
        store, block, n = self._sample.block(rows)
        names = None if ids is None else read_ids(ids, n)
        if store is None or n == 0:
            return
        try:
            self._sample.extend(self._random.random(n), store, block, names)
        except BaseException:
            self._undraw(n)
            raise
        self._n_seen += n
        self._population += n

    def rows(self) -> Any:
        """Return the sample in the order of arrival, in the form in which it came; an empty list at first."""
        return self._sample.rows()

    def weights(self) -> NDArray[np.float64]:
        """Return one weight per row of `rows`: for how many of the rows seen it stands.

        It is the inverse of the probability of being in the sample, ``n_seen / size`` once the reservoir is
        full: a weighted sum over the sample estimates the sum over everything without bias.
        """
        weights = np.full(len(self), self._population / max(1, len(self)))
        weights.flags.writeable = False
        return weights

    def merge(self, other: Reservoir) -> Reservoir:
        """Return a new reservoir with the law of one that had seen the rows of both.

        Its size is the smaller of the two. Its later draws are its own: they depend on the states of both.

        Parts of different seeds merge exactly. Parts of one seed have drawn the same numbers, so they hold
        the rows of the same places: then one of them draws its numbers afresh. Every row is still as likely
        to be in the whole as every other, but not every set of rows; give each part a seed of its own, such
        as its number, where that matters. Merge each part once: rows that both hold count twice.

        Raises
        ------
        InvalidInputError
            A reservoir is merged with itself.

        Examples
        --------
        >>> east, west = Reservoir(4, seed=1), Reservoir(4, seed=2)
        >>> east.extend(range(1000))
        >>> west.extend(range(1000, 1500))
        >>> whole = east.merge(west)
        >>> len(whole), whole.n_seen
        (4, 1500)
        """
        _checks.instance("other", other, Reservoir, "a Reservoir")
        if other is self:
            _checks.bad_data("other", "be another reservoir", "the same one", "merge each part once")
        # drawn from copies: a question changes nothing, and both orders of asking give the same seed
        draws = sorted(_next_draw(part._random) for part in (self, other))
        entropy = np.random.SeedSequence(draws).generate_state(2, np.uint64)
        sample = other._sample
        if not self._seeds.isdisjoint(other._seeds):
            sample = sample.redrawn(np.random.default_rng(int(entropy[1])))
        whole = Reservoir(min(self.size, other.size), seed=int(entropy[0]))
        whole._sample = self._sample.merge(sample)
        whole._seeds |= self._seeds | other._seeds
        whole._n_seen = self._n_seen + other._n_seen
        whole._population = self._population + other._population
        return whole

    def forget(self, ids: Iterable[Hashable]) -> int:
        """Let every row of the sample go whose id is one of `ids`; return how many went."""
        before = len(self)
        gone = self._sample.forget(ids)
        if gone:
            self._population *= (before - gone) / before
        return gone

    def _undraw(self, n: int) -> None:
        """Take the last `n` draws back; a copy of the generator for each row would cost more than the row."""
        self._random.bit_generator.advance(-n)  # type: ignore[attr-defined]

    def __len__(self) -> int:
        return len(self._sample)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._sample)

    def __repr__(self) -> str:
        return f"Reservoir(size={self.size!r}, seed={self.seed!r})"

    def __getstate__(self) -> dict[str, Any]:
        return {
            "arguments": (self.size, self.seed),
            "sample": self._sample.__getstate__(),
            "random": self._random.bit_generator.state,
            "seeds": sorted(self._seeds),
            "n_seen": self._n_seen,
            "population": self._population,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(*state["arguments"])  # type: ignore[misc]
        self._sample.__setstate__(state["sample"])
        self._random.bit_generator.state = state["random"]
        self._seeds = frozenset(state["seeds"])
        self._n_seen = state["n_seen"]
        self._population = state["population"]


def _next_draw(random: np.random.Generator) -> int:
    """Return what `random` would draw next, without drawing it."""
    twin = np.random.default_rng(0)
    twin.bit_generator.state = random.bit_generator.state
    return int(twin.integers(2**63))
