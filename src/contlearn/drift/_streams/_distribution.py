"""DistributionDetector: has the distribution of a stream changed?"""

from __future__ import annotations

import math
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from contlearn import _checks
from contlearn._tables import Kind
from contlearn.drift._streams import _entries
from contlearn.drift._streams._edges import Edges
from contlearn.drift._streams._urn import Urn
from contlearn.drift._streams._watch import Watch
from contlearn.results import DriftResult, DriftState

__all__ = ["DistributionDetector"]

Floats = NDArray[np.float64]


class DistributionDetector(Watch):
    """Has the distribution of a stream changed? With a stated run length, for every distribution.

    Examples
    --------
    >>> import numpy as np
    >>> from contlearn.drift import DistributionDetector
    >>> rng = np.random.default_rng(0)
    >>> detector = DistributionDetector(run_length=10_000).fit(rng.normal(size=1_000))
    >>> detector.update_many(rng.normal(size=2_000))
    []
    >>> len(detector.update_many(rng.normal(loc=1.0, size=100))) > 0
    True

    Parameters
    ----------
    run_length
        Expected number of updates between false alarms; above 1.
    warm_up
        Values that become the reference where `fit` is not called; at least 2.
    seed
        Of the draws that tell equal values apart.
    bins
        Regions of equal share; at least 2.
    warning_run_length
        Evidence as rare as this is a warning. None: a tenth of `run_length`.
    """

    def __init__(
        self,
        run_length: float = 10_000,
        warm_up: int = 1000,
        seed: int | None = 0,
        bins: int = 16,
        warning_run_length: float | None = None,
    ) -> None:
        self.run_length = run_length
        self.warm_up = warm_up
        self.seed = seed
        self.bins = bins
        self.warning_run_length = warning_run_length
        self._limit = _checks.number("run_length", run_length, low=1.0)
        self._warning_limit = self._limit / 10.0
        if warning_run_length is not None:
            self._warning_limit = _checks.number("warning_run_length", warning_run_length, high=self._limit)
        _checks.count("warm_up", warm_up, low=2)
        _checks.count("bins", bins, low=2)
        _checks.generator("seed", seed)
        self._given: tuple[Any, ...] | None = None
        self.reset()

    def fit(self, reference: ArrayLike) -> Self:
        """Learn what is normal; what was seen before is forgotten.

        Parameters
        ----------
        reference
            At least two values that are as the stream should be, in any order.
        """
        values, kind = _entries.many(reference, None, "reference")
        if len(values) < 2:
            _checks.bad_data("reference", "have at least 2 values", len(values))
        self._given = (values, kind)
        self.reset()
        return self

    def reset(self) -> None:
        """Become as new, or as right after the last `fit`."""
        self._generator = _checks.generator("seed", self.seed)
        self._kind: Kind | None = None
        self._warming: list[Any] = []
        self._edges: Edges | None = None
        self._urn: Urn | None = None
        self._codes: dict[Any, float] = {}
        self._n_reference = 0
        self._restart()
        if self._given is not None:
            self._kind = self._given[1]
            self._learn(self._given[0])

    def _learn(self, values: NDArray[Any]) -> None:
        """Make the values the reference."""
        if self._kind not in _entries._LABELS:
            codes = values
        else:
            labels = sorted({label for label in values if label is not None}, key=str)
            self._codes = {label: float(place) for place, label in enumerate(labels)}
            codes = self._encode(values)
        ordered = np.sort(codes)
        self._edges = Edges.of(ordered, self._generator.random(len(ordered)), self.bins)
        self._urn = Urn(self._edges.gaps)
        self._n_reference = len(ordered)

    def _encode(self, values: NDArray[Any]) -> Floats:
        if values.dtype != object:
            return values
        codes = self._codes
        return np.array([math.inf if label is None else codes.get(label, -1.0) for label in values])

    def _restart(self) -> None:
        self._evidence = 0.0
        self._drift_detected = self._warning_detected = False
        if self._urn is not None:
            self._urn.restart()

    def _read(self, x: Any) -> Any:
        return _entries.one(x, self._kind)

    def _read_many(self, values: Any) -> NDArray[Any]:
        return _entries.many(values, self._kind)[0]

    def _room(self) -> int:
        return self.warm_up - len(self._warming) if self._urn is None else self._urn.room

    def _step(self, x: Any) -> float:
        if self._urn is None or self._edges is None:
            return self._warm([x])
        if self._codes or self._kind == "unknown":
            x = math.inf if x is None else self._codes.get(x, -1.0)
        return self._urn.step(self._edges.region(x, self._generator.random()))

    def _advance(self, values: NDArray[Any]) -> Floats:
        if self._urn is None or self._edges is None:
            return np.full(len(values), self._warm(values.tolist()))
        codes = self._encode(values)
        return self._urn.advance(self._edges.regions(codes, self._generator.random(len(codes))))

    def _warm(self, values: list[Any]) -> float:
        for x in values:
            if self._kind is None and x is not None:
                self._kind = _entries._kind_of(x)
        self._warming += values
        if len(self._warming) == self.warm_up:
            given, self._warming = self._warming, []
            if self._kind is None:
                self._kind = "unknown"
            if self._kind in _entries._LABELS:
                array = np.empty(len(given), dtype=object)
                array[:] = given
            else:
                array = np.array([_entries.MISSING if x is None else x for x in given])
            self._learn(array)
        return 0.0

    def _checkpoint(self) -> Any:
        if self._urn is None:
            return None
        return self._urn.checkpoint(), self._generator.bit_generator.state

    def _rollback(self, state: Any) -> None:
        if self._urn is None:
            return
        self._urn.rollback(state[0])
        self._generator.bit_generator.state = state[1]

    @property
    def result(self) -> DriftResult:
        """What is known after the last update."""
        if self._urn is None:
            return DriftResult(state=DriftState.UNDECIDED, threshold=self._limit)
        return DriftResult(
            state=self._state,
            score=self._evidence,
            threshold=self._limit,
            n_reference=self._n_reference,
            n_current=self._urn.seen,
        )
