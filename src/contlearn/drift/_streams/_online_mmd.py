"""OnlineMMD: has the joint distribution of a stream of rows changed? By the kernel, over a sliding window."""

from __future__ import annotations

from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from contlearn import _checks
from contlearn._tables import TableLike
from contlearn.drift._streams import _table_rows
from contlearn.drift._streams._draws import own_generator
from contlearn.drift._streams._intake import Intake
from contlearn.drift._streams._missing_share import MissingShare
from contlearn.drift._streams._row_features import RowFeatures
from contlearn.drift._streams._watch import Watch, warning_limit
from contlearn.drift._streams._window_limits import window_limits
from contlearn.results import DriftResult, DriftState

__all__ = ["OnlineMMD"]

_FOR_MISSING = 0.05  # part of the false alarms that belongs to the shares of missing values
_STEPS = 256  # parts of the limit that heights are told apart by
_LARGEST = 2**31  # of window**2 times features: sums of squares stay exact
_ABOVE = 60.0  # heights are told apart up to e**60 times as rare as an alarm

Floats = NDArray[np.float64]


class _Window(NamedTuple):
    """The rows that are looked at, as features, and what is known of them."""

    ring: NDArray[np.int16]  # oldest at `seen` modulo the size once it is full
    sums: Floats
    seen: int  # complete rows since the start
    updates: int  # all rows since the start
    evidence: float  # after the last complete row


class OnlineMMD(Watch):
    """Has the joint distribution of a stream of rows changed? With a stated run length, any kind of change.

    The mean of random Fourier features over the last `window` rows is compared with that over the reference:
    the squared distance is the maximum mean discrepancy of a Gaussian kernel. Its law is not known, so the
    limit is simulated from the reference when it is fitted, a few seconds for a run length of 10,000.

    Parameters
    ----------
    run_length
        Mean number of updates until a false alarm; at least 20.
    window
        Rows that are compared with the reference, at least 2. Short windows see large changes sooner, long
        ones see smaller changes. Until it is full, those rows are compared that there are.
    warm_up
        Rows that become the reference where `fit` is not called; at least `window`. Until then the state is
        UNDECIDED.
    n_features
        Random features, cosines and sines of two bandwidths together; 8 to 640.
    seed
        Of the features and of the simulation.
    warning_run_length
        Evidence as rare as this is a warning. None: a tenth of `run_length`.

    Notes
    -----
    *Promise.* Approximate. It is the mean over references and streams, and the reference stands for the
    distribution that it came from; with a reference of less than ten windows it is a rough one. Limits are
    set for 1.15 times the promise, since without that 1,000 became 860 to 1,110 on fresh rows of five laws
    (five columns, references of 1,000 rows). Rare counts run a little short: five columns of Poisson(0.02),
    783 for 1,000. It holds for independent rows: where neighbours are alike, alarms are more frequent.

    *Sees*, with the default arguments and five normal columns, a shift of all of them by half a standard
    deviation after 42 rows on average, of one of them after 98, a spread of 1.5 or 0.7 times after 44 or 61.
    A constant column has no spread to measure by: 1.0001 after ones is never seen.

    *Rows* with names (dictionaries, pandas rows, named tuples, numpy records) are read by name.
    *Missing values.* A row in which anything is missing does not enter the window. Bets on the share of
    missing values of every column run beside it, and own a twentieth of the false alarms.

    *State*: two bytes per feature and row of the window (26 kB), and the features' frequencies; flat.
    *Cost*: O(columns times features) per update, some 45 microseconds; a tenth of it in `update_many`.

    *Threads*: not to be shared by threads without a lock.

    References
    ----------
    Gretton et al. (2012), "A kernel two-sample test"; Rahimi and Recht (2007), "Random features for
    large-scale kernel machines"; Cobb, Van Looveren and Klaise (2022), "Sequential multivariate change
    detection with calibrated and memoryless false detection rates".

    Examples
    --------
    >>> import numpy as np
    >>> from contlearn.drift import OnlineMMD
    >>> rng = np.random.default_rng(1)
    >>> detector = OnlineMMD(run_length=1_000).fit(rng.normal(size=(1_000, 3)))
    >>> detector.update_many(rng.normal(size=(200, 3)))
    []
    >>> alarms = detector.update_many(rng.normal(loc=1.0, size=(100, 3)))
    >>> alarms[0] < 50
    True
    """

    def __init__(
        self,
        run_length: float = 10_000,
        window: int = 100,
        warm_up: int = 1000,
        n_features: int = 128,
        seed: int | None = 0,
        warning_run_length: float | None = None,
    ) -> None:
        self.run_length = run_length
        self.window = window
        self.warm_up = warm_up
        self.n_features = n_features
        self.seed = seed
        self.warning_run_length = warning_run_length
        self._limit = _checks.number("run_length", run_length, low=20.0, high=1e9)
        self._warning_limit = warning_limit(warning_run_length, self._limit)
        _checks.count("n_features", n_features, low=8, high=640)
        _checks.count("window", window, low=2, high=int((_LARGEST / n_features) ** 0.5))
        _checks.count("warm_up", warm_up, low=window)
        own_generator(seed)
        self._fitted: tuple[Any, ...] | None = None
        self.reset()

    def fit(self, reference: TableLike) -> Self:
        """Learn what is normal; what was seen before is forgotten.

        Parameters
        ----------
        reference
            Rows that are as the stream should be, as an array, a data frame or a dictionary of columns of
            numbers; at least `window` of them complete.

        Raises
        ------
        InvalidInputError
            The rows cannot be used; the message says why. An earlier reference is kept.
        """
        rows, intake = _table_rows.reference_rows(reference)
        complete = int(np.count_nonzero(~np.isnan(rows).any(axis=1)))
        if complete < self.window:
            _checks.bad_data("reference", f"have at least {self.window} complete rows (one window)", complete)
        if (np.nanmin(rows, axis=0) == np.nanmax(rows, axis=0)).all():
            cure = "DistributionDetector watches what never changed"
            _checks.bad_data("reference", "have rows that differ", "one and the same", cure)
        self._learn(rows)
        known = self._features, self._limits, self._rarity, self._lowest, self._missing
        self._fitted = (*known, intake, len(rows))
        self.reset()
        return self

    def reset(self) -> None:
        """Become as new, or as right after the last `fit`."""
        self._warming: list[Floats] = []
        self._features: RowFeatures | None = None
        self._limits: Floats = np.empty(0)
        self._rarity: Floats = np.empty(0)
        self._lowest = 0
        self._missing: list[MissingShare] = []
        self._intake: Intake | None = None
        self._n_reference = 0
        if self._fitted is not None:
            self._features, self._limits, self._rarity, self._lowest, *rest = self._fitted
            self._missing, self._intake, self._n_reference = rest
        self._restart()

    def _learn(self, rows: Floats) -> None:
        """Make the rows the reference."""
        generator = own_generator(self.seed)
        gone = np.isnan(rows)
        complete = rows[~gone.any(axis=1)]
        self._features = RowFeatures(complete, self.n_features, generator)
        found = window_limits(
            self._features.of(complete), self.window, self._limit / (1.0 - _FOR_MISSING), generator
        )
        self._limits = found.limits
        above = int(_ABOVE * _STEPS / found.steepness)
        self._lowest = -_STEPS
        self._rarity = np.exp(np.arange(-_STEPS, above + 1) * (found.steepness / _STEPS))
        self._missing = [MissingShare(len(rows), int(count)) for count in gone.sum(axis=0)]
        self._n_reference = len(rows)

    def _restart(self) -> None:
        self._evidence = 0.0
        self._drift_detected = self._warning_detected = False
        self._missing_evidence = 0.0
        width = 0 if self._features is None else self._features.width
        ring = np.zeros((self.window, width), dtype=np.int16)
        self._window = _Window(ring, np.zeros(width), 0, 0, 0.0)
        for share in self._missing:
            share.restart()

    def _read(self, x: Any) -> Floats:
        intake = self._intake or _table_rows.begun_by(x)
        row = _table_rows.one_row(x, intake)
        self._intake = intake
        return row

    def _read_many(self, values: Any) -> Floats:
        intake = self._intake or _table_rows.begun_by_many(values)
        rows = _table_rows.many_rows(values, intake)
        if len(rows):  # an empty list says nothing about its width
            self._intake = intake
        return rows

    def _room(self) -> int:
        return super()._room() if self._features is not None else max(1, self.warm_up - len(self._warming))

    def _step(self, x: Floats) -> float:
        if self._features is None:
            self._warm(x[np.newaxis])
            return 0.0
        gone = np.isnan(x)
        wealth = 0.0
        for share, missing in zip(self._missing, gone.tolist(), strict=True):
            wealth += share.step(missing)
        self._missing_evidence = wealth / len(self._missing) * _FOR_MISSING
        ring, sums, seen, updates, evidence = self._window
        if not gone.any():
            row = self._features.of(x[np.newaxis])[0]
            place = seen % self.window
            sums = sums + row - ring[place]
            ring[place] = row
            seen += 1
            evidence = float(self._rare(np.array([sums @ sums]), np.array([seen]))[0])
        self._window = _Window(ring, sums, seen, updates + 1, evidence)
        return max(evidence, self._missing_evidence)

    def _advance(self, values: Floats) -> Floats:
        if self._features is None:
            self._warm(values)
            return np.zeros(len(values))
        gone = np.isnan(values)
        wealth = np.zeros(len(values))
        for place, share in enumerate(self._missing):
            wealth += share.advance(gone[:, place])
        beside = wealth / len(self._missing) * _FOR_MISSING
        present = ~gone.any(axis=1)
        found = self._slide(values[present], int(present.sum()))
        # a row that is not complete leaves things as they are
        every = np.concatenate(([self._window.evidence], found))[np.cumsum(present)]
        ring, sums, seen, updates, _ = self._window
        self._window = _Window(ring, sums, seen, updates + len(values), float(every[-1]))
        self._missing_evidence = float(beside[-1])
        return np.maximum(every, beside)

    def _slide(self, rows: Floats, n: int) -> Floats:
        """Take in complete rows; return the evidence after each."""
        if self._features is None or not n:
            return np.empty(0)
        ring, sums, seen, updates, evidence = self._window
        size, features = self.window, self._features.of(rows)
        order = (seen + np.arange(size)) % size  # oldest first, zeros where there are none yet
        leaving = np.concatenate((ring[order].astype(np.float64), features))[:n]
        totals = np.cumsum(np.concatenate((sums[np.newaxis], features - leaving)), axis=0)[1:]
        found = self._rare(np.einsum("ij,ij->i", totals, totals), seen + 1 + np.arange(n))
        ring = ring.copy()
        kept = min(n, size)
        ring[(seen + np.arange(n - kept, n)) % size] = features[n - kept :]
        self._window = _Window(ring, totals[-1], seen + n, updates, evidence)
        return found

    def _rare(self, squares: Floats, seen: NDArray[np.int64]) -> Floats:
        """Return the evidence of squared lengths after so many complete rows."""
        limits = self._limits[np.minimum(seen, self.window) - 1]
        above = np.minimum(np.floor((squares / limits - 1.0) * _STEPS), float(len(self._rarity)))
        places = np.minimum(above.astype(np.int64) - self._lowest, len(self._rarity) - 1)
        rare: Floats = self._limit * self._rarity[places]
        return rare

    def _warm(self, rows: Floats) -> None:
        """Take in rows that are to be the reference."""
        self._warming += [row.copy() for row in rows]
        if len(self._warming) < self.warm_up:
            return
        known = np.array(self._warming)
        if np.count_nonzero(~np.isnan(known).any(axis=1)) >= self.window:
            self._warming = []
            self._learn(known)
            self._restart()
        else:
            del self._warming[0]  # too few complete rows yet: the last `warm_up` rows are kept

    def _checkpoint(self) -> Any:
        if self._features is None:
            return None
        return self._window, self._missing_evidence, [share.checkpoint() for share in self._missing]

    def _rollback(self, state: Any) -> None:
        self._window, self._missing_evidence, shares = state
        for share, before in zip(self._missing, shares, strict=True):
            share.rollback(before)

    @property
    def result(self) -> DriftResult:
        """What is known after the last update.

        `score` is the evidence in updates: so far a window is from the reference once in so many while
        nothing changes. `changed_at` counts complete rows, at most a window of them. Where values were
        missing, `parts` tells the rows from the missing shares of the columns.
        """
        if self._features is None:
            return DriftResult(
                state=DriftState.UNDECIDED,
                threshold=self._limit,
                n_current=len(self._warming),
                remarks=(f"the first {self.warm_up} rows become the reference",),
            )
        rows = self._part(self._window.evidence, changed_at=self._changed_at())
        if self._intake is None or not any(share.awake for share in self._missing):
            return rows
        each = _FOR_MISSING / len(self._missing)
        columns = {
            name: self._part(each * share.wealth)
            for name, share in zip(self._intake.names or (), self._missing, strict=True)
            if share.awake
        }
        parts = {"rows": rows, "missing": self._part(self._missing_evidence, columns)}
        return self._part(self._evidence, parts, rows.changed_at)

    def _part(
        self, evidence: float, parts: dict[str, DriftResult] | None = None, changed_at: int | None = None
    ) -> DriftResult:
        state = DriftState.STABLE if self._window.updates else DriftState.UNDECIDED
        if evidence >= min(self._warning_limit, self._limit):
            state = DriftState.DRIFT if evidence >= self._limit else DriftState.WARNING
        return DriftResult(
            state=state,
            score=evidence,
            threshold=self._limit,
            n_reference=self._n_reference,
            n_current=self._window.updates,
            changed_at=changed_at if state in (DriftState.WARNING, DriftState.DRIFT) else None,
            parts=parts or {},
        )

    def _changed_at(self) -> int | None:
        """Return how many of the last rows are furthest from the reference, in units of chance."""
        ring, _, seen, *_ = self._window
        n = min(seen, self.window)
        if not n:
            return None
        latest = ring[(seen - 1 - np.arange(n)) % self.window].astype(np.float64)
        sums = np.cumsum(latest, axis=0)
        return int(np.argmax(np.einsum("ij,ij->i", sums, sums) / np.arange(1.0, n + 1.0))) + 1
