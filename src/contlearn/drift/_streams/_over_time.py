"""Batch after batch: alarms of which few are false, however many batches come."""

from __future__ import annotations

import copy
import dataclasses
import math
from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple

from contlearn import _checks
from contlearn.drift._streams._asking import Asking, check_batch_detector, is_fitted, own
from contlearn.drift._streams._many import refuse_one
from contlearn.results import DriftResult, DriftState
from contlearn.stats._online_testing import RULES, Fortune

_ONE = "use update for one batch"


class OverTime(Asking):
    """Ask a batch detector about batch after batch, and keep the share of false alarms among all alarms.

    A batch detector errs at its alpha in every batch: with 0.05, in one of 20, for ever. Here each batch has
    an alpha of its own, settled before the batch is seen: it falls while nothing happens and rises with
    every alarm. The detector itself decides at that alpha, by its own `tolerance` and `must_detect`.

    Parameters
    ----------
    detector : batch detector
        Such as `KS`, `MMD` or `ByColumn`; it is copied. One that is fitted already keeps its reference here.
        Its `correction` must not be None: the p-value of a batch is the one over all columns.
    control : {"lord++", "saffron", "addis", "spending"}, default "lord++"
        What is kept below `alpha`. "spending": the chance of any false alarm, ever, whatever the dependence.
        The others: the expected share of false alarms among all alarms, at any time; "lord++" is the most
        conservative of them, "saffron" finds more where many batches have drifted, "addis" also where
        p-values are larger than uniform ones.
    alpha : float, optional
        The bound, between 0 and 1. None: that of the detector.

    Notes
    -----
    Batches share one reference, so that their p-values are dependent, and the proofs of all but "spending"
    are for independent ones. A reference of at least ten times the batch keeps that dependence small; below,
    the result says so. Where it must hold, use "spending".

    A batch without a p-value (too few rows) is not counted as tested and spends nothing. One whose p-value is
    at most its alpha but whose effect is below `tolerance` is no alarm, and earns nothing.

    `detectable` and intervals are those at the alpha of the batch, so that UNDECIDED means: at this alpha, an
    effect of `must_detect` would not have been found. `MMD` and `Energy` need more permutations than by
    themselves: 999 cannot bring p to the 0.0003 with which "lord++" begins. A remark says so from the start,
    and how many it takes; ``MMD(method="cross")`` and ``MMD(method="features")`` need none.

    `fit` and `reset` begin anew: the promise is for the batches between two of them. `result` describes the
    last batch.

    State: the fitted detector (its reference), at most 1,000 alarms of 16 bytes each, and the last result
    (about 1,000 bytes per column); flat. Alarms older than those earn nothing any more, which makes later
    batches stricter. Cost: that of `detector.detect`. Threads: not to be shared by threads without a lock.

    References
    ----------
    Ramdas, Yang, Wainwright and Jordan (2017), "Online control of the false discovery rate with decaying
    memory". Ramdas, Zrnic, Wainwright and Jordan (2018), "SAFFRON". Tian and Ramdas (2019), "ADDIS".

    Examples
    --------
    >>> import numpy as np
    >>> from contlearn.drift import KS, OverTime
    >>> rng = np.random.default_rng(0)
    >>> watch = OverTime(KS(), control="lord++").fit(rng.normal(size=5000))
    >>> days = [rng.normal(loc=0.5 if day in (30, 31) else 0.0, size=500) for day in range(40)]
    >>> watch.update_many(days)
    [30, 31]
    >>> watch.update(rng.normal(size=500))
    >>> watch.drift_detected, watch.result.state
    (False, DriftState.STABLE)
    """

    def __init__(
        self,
        detector: Any,
        control: Literal["lord++", "saffron", "addis", "spending"] = "lord++",
        alpha: float | None = None,
    ) -> None:
        check_batch_detector("detector", detector)
        _checks.one_of("control", control, tuple(RULES))
        if alpha is not None:
            _checks.fraction("alpha", alpha)
        if getattr(detector, "correction", "holm") is None:
            _checks.fail("correction", "be set", "None", 'the p-value of a batch needs one, such as "holm"')
        self.detector = detector
        self.control = control
        self.alpha = alpha
        self._fitted = own(detector)
        self.reset()

    def reset(self) -> None:
        """Begin anew with the same reference: no batch seen, nothing spent."""
        self._progress = _Progress(Fortune.new(RULES[self.control]))
        self._last: DriftResult | None = None
        self._drift_detected = self._warning_detected = False

    def update(self, x: Any) -> None:
        """Ask about one batch.

        Parameters
        ----------
        x
            The rows of the batch, as for `detect` of the detector. If it refuses them, nothing is spent.

        Raises
        ------
        NotFittedError
            There is no reference yet.
        InvalidInputError, SchemaError
            As `detect` of the detector.
        """
        self._conclude(*self._asked(x, self._progress))

    def update_many(self, values: Iterable[Any]) -> list[int]:
        """Ask about many batches, exactly as repeated `update` would.

        Parameters
        ----------
        values
            One batch after another. If one is refused, none is taken in.

        Returns
        -------
        list of int
            The positions of the batches that drifted.
        """
        if isinstance(values, Mapping) or hasattr(values, "columns"):
            _checks.bad_data("values", "be one batch after another", type(values).__name__, _ONE)
        refuse_one(values)
        progress, last, alarms = self._progress, self._last, []
        for position, batch in enumerate(values):
            last, progress = self._asked(batch, progress)
            if last.detected:
                alarms.append(position)
        if progress is not self._progress and last is not None:
            self._conclude(last, progress)
        return alarms

    @property
    def result(self) -> DriftResult:
        """What is known of the last batch; UNDECIDED before the first."""
        if self._last is None:
            level = self._next_alpha(self._progress)
            remarks = _too_few(self.detector, level) if _needs_permutations(self.detector) else ()
            return DriftResult(state=DriftState.UNDECIDED, alpha=level, remarks=remarks)
        return dataclasses.replace(self._last, remarks=(*self._last.remarks, self._account()))

    def _next_alpha(self, progress: _Progress) -> float:
        return progress.fortune.alpha(RULES[self.control], self._bound)

    @property
    def _bound(self) -> float:
        return float(self.detector.alpha if self.alpha is None else self.alpha)

    def _asked(self, batch: Any, progress: _Progress) -> tuple[DriftResult, _Progress]:
        """Return what the detector says of a batch at the next alpha, and where that leaves us."""
        if not is_fitted(self._fitted):
            _checks.not_fitted("OverTime", "call fit(reference) first")
        detector: Any = copy.copy(self._fitted)
        detector.alpha = level = self._next_alpha(progress)
        result = detector.detect(batch)
        progress = progress._replace(batches=progress.batches + 1)
        if result.p_value is None:
            return _noted(result, "no p-value: this batch is not counted as tested"), progress
        if result.state is DriftState.UNDECIDED and _needs_permutations(detector):
            result = _noted(result, *_too_few(detector, level))
        # An effect below the tolerance is no discovery, but its p-value moves the clock all the same: so the
        # share of false alarms is bounded by what the clock counts, whatever the tolerance leaves out.
        fortune = progress.fortune.after(RULES[self.control], result.p_value, result.detected)
        return result, progress._replace(
            fortune=fortune, tested=progress.tested + 1, spent=progress.spent + level
        )

    def _conclude(self, result: DriftResult, progress: _Progress) -> None:
        self._last, self._progress = result, progress
        self._drift_detected = result.detected

    def _account(self) -> str:
        at = self._progress
        seen = f"batch {at.batches}, {at.tested} tested at {at.spent:.2g} in all"
        if self.control == "spending":
            return f"{seen}: any false alarm, ever, has a chance below {self._bound:g}"
        return f"{seen}, {at.fortune.rejections} drifted, of which at most {self._bound:g} false on average"


class _Progress(NamedTuple):
    """How far a run of batches has come."""

    fortune: Fortune
    batches: int = 0
    tested: int = 0
    spent: float = 0.0


def _noted(result: DriftResult, *remarks: str) -> DriftResult:
    return dataclasses.replace(result, remarks=(*result.remarks, *remarks))


def _needs_permutations(detector: Any) -> bool:
    """Whether p-values come from `n_permutations` alone; detectors of ordered values draw more if need be."""
    by = {kind.__name__ for kind in type(detector).__mro__}
    return bool(by & {"MMD", "Energy"}) and getattr(detector, "method", "permutation") == "permutation"


def _too_few(detector: Any, level: float) -> tuple[str, ...]:
    """Return what to do where permutations cannot bring a p-value to `level`."""
    if level * (detector.n_permutations + 1) >= 1.0:
        return ()
    needed = math.ceil(1.0 / level) - 1
    cure = f"set n_permutations to {needed} for this batch and to more for later ones"
    other = 'MMD(method="cross") and MMD(method="features") need none'
    return (f"{detector.n_permutations} permutations cannot bring p to {level:.2g}; {cure}; {other}",)
