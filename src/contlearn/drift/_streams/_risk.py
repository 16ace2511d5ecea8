"""Has the risk of a model risen above its limit? Asked after every label."""

from __future__ import annotations

import math
from typing import Any, Literal, NamedTuple, NoReturn, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from contlearn import _checks
from contlearn.drift._streams import _changed, _risk_bets, _risk_limit
from contlearn.drift._streams._risk_bets import BLOCK, Seven
from contlearn.drift._streams._watch import Watch
from contlearn.results import DriftResult, DriftState, Interval
from contlearn.stats import _columns

Floats = NDArray[np.float64]

_OLDER = 64  # blocks of which the sum is remembered
_CURE = "leave out rows whose label is missing, and watch their share; scale other losses into [0, 1]"


class _Side(NamedTuple):
    """Bets that the mean lies above the limit (`sign` 1), or below it (-1)."""

    limit: float
    sign: float
    sizes: Seven


class _Memory(NamedTuple):
    """Past losses: two blocks in full, sums of earlier ones, and one sum of all that is older."""

    block: list[float]
    before: list[float]
    older: tuple[float, ...]
    rest: tuple[int, float]


class RiskDetector(Watch):
    """Watch a loss between 0 and 1: has its mean risen above a limit?

    While the mean of every loss, given all that came before it, is at most `limit`, there are at least
    `run_length` updates between false alarms on average, whatever the losses depend on and however they are
    distributed. The detector need not know how large a rise would be.

    Parameters
    ----------
    limit
        The largest mean loss that is acceptable, strictly between 0 and 1. None: `fit` learns it.
    run_length
        Expected number of updates between false alarms, above 1. None: `alpha` says what is promised.
    side
        "above", or "both": alarm as well when the mean falls below what it was.
    alpha
        A promise for life: the probability that there is ever a false alarm is at most this. Needs
        `run_length=None`. After an alarm the promise begins anew.
    confidence
        Of the limit that `fit` learns, and of the intervals in `result`, strictly between 0 and 1. With
        `alpha`, half of it goes to the learned limit and half to the stream.
    tolerance
        What is added to a learned limit, in units of loss, at least 0.
    warning_run_length
        Expected number of updates between false warnings. None: a tenth of `run_length`.

    See Also
    --------
    contlearn.evaluation.mean_loss : The mean of losses with its interval, for one batch.

    Examples
    --------
    >>> import numpy as np
    >>> from contlearn.drift import RiskDetector
    >>> rng = np.random.default_rng(0)
    >>> errors = np.concatenate((rng.random(2000) < 0.1, rng.random(300) < 0.2))
    >>> detector = RiskDetector(limit=0.1)
    >>> for error in errors:
    ...     detector.update(error)
    ...     if detector.drift_detected:
    ...         break
    >>> detector.drift_detected
    True
    """

    _wealth: tuple[tuple[Seven, Seven], ...]  # S and P of the bets of each side
    _share: float  # of the evidence that one bet holds
    _memory: _Memory

    def __init__(
        self,
        limit: float | None = None,
        run_length: float | None = 10_000,
        side: Literal["above", "both"] = "above",
        alpha: float | None = None,
        confidence: float = 0.95,
        tolerance: float = 0.0,
        warning_run_length: float | None = None,
    ) -> None:
        if limit is not None:
            _checks.fraction("limit", limit)
        _checks.one_of("side", side, ("above", "both"))
        _checks.fraction("confidence", confidence)
        _checks.number("tolerance", tolerance, low=0.0, high=1.0)
        _check_promise(run_length, alpha, warning_run_length)
        self.limit = limit
        self.run_length = run_length
        self.side = side
        self.alpha = alpha
        self.confidence = confidence
        self.tolerance = tolerance
        self.warning_run_length = warning_run_length
        self._learned: tuple[float, float, int] | None = None
        self.reset()

    def fit(self, losses: ArrayLike, y: object = None) -> Self:  # noqa: ARG002 - scikit-learn's signature
        """Learn the limit: the upper confidence bound of the mean of independent losses, plus `tolerance`.

        Parameters
        ----------
        losses
            Labelled reference, in [0, 1], at least one. Exact for zeros and ones (Clopper and Pearson); a
            bound by betting for others, valid for every sample size.
        y
            Ignored.

        Raises
        ------
        InvalidParameterError
            A limit was given to the constructor.
        InvalidInputError
            A loss is missing or lies outside [0, 1], or the bound is 1: no loss could exceed it.
        """
        if self.limit is not None:
            _checks.fail("limit", "be None for fit to learn it", self.limit, "leave out the limit, or fit")
        values = self._read_many(losses)
        if not values.size:
            _checks.bad_data("losses", "hold at least one row", "none")
        missed = 1.0 - float(self.confidence) if self.alpha is None else float(self.alpha) / 2.0
        level = 1.0 - (missed / 2.0 if self.side == "both" else missed)
        tolerance = float(self.tolerance)
        high = _risk_limit.upper_bound(values, level) + tolerance
        low = 1.0 - _risk_limit.upper_bound(1.0 - values, level) - tolerance if self.side == "both" else 0.0
        if high >= 1.0 and low <= 0.0:
            cure = "give more rows, a smaller tolerance, or a limit"
            _checks.bad_data("losses", "leave room for a change", f"a limit of {high:.4g}", cure)
        self._learned = low, high, values.size
        self.reset()
        return self

    def reset(self) -> None:
        """Become as new: as after `fit` if there was one, else as after the constructor."""
        self._sides = self._make_sides()
        self._known = {0: (0.0, self._factors(0.0)), 1: (1.0, self._factors(1.0))} if self._sides else {}
        self._limit = float(self.run_length) if self.alpha is None else 1.0 / float(self.alpha)  # type: ignore[arg-type]
        warning = self.warning_run_length
        self._warning_limit = self._limit / 10.0 if warning is None else float(warning)
        self._restart()

    def _make_sides(self) -> tuple[_Side, ...]:
        if self.limit is not None:
            low = high = float(self.limit)
        elif self._learned is not None:
            low, high, _ = self._learned
        else:
            return ()
        sides = [_Side(high, 1.0, _risk_bets.bets(high))] if high < 1.0 else []
        if self.side == "both" and low > 0.0:
            sides.append(_Side(low, -1.0, _risk_bets.bets(1.0 - low)))
        return tuple(sides)

    def _factors(self, loss: float) -> tuple[Seven, ...]:
        return tuple(
            [_risk_bets.factors(side.sizes, (loss - side.limit) * side.sign) for side in self._sides]
        )

    @property
    def limit_(self) -> float:
        """The limit in use, given or learned."""
        if self.limit is not None:
            return float(self.limit)
        if self._learned is not None:
            return self._learned[1]
        self._refuse_unfitted()

    @property
    def lower_limit_(self) -> float | None:
        """The limit that the mean must not fall below; None for one side."""
        if self.side == "above":
            return None
        return self.limit_ if self._learned is None else self._learned[0]

    def _refuse_unfitted(self) -> NoReturn:
        _checks.not_fitted("RiskDetector()", "give it a limit, or call fit with the losses of a reference")

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
        value = self._read(x)
        if self._drift_detected:
            self._restart()
        self._conclude(self._step(value))

    def _read(self, x: Any) -> tuple[float, tuple[Seven, ...]]:
        try:
            known = self._known.get(x)
        except TypeError:  # not hashable
            known = None
        if known is not None:
            return known
        if not self._sides:
            self._refuse_unfitted()
        loss = _loss(x)
        return loss, self._factors(loss)

    def _step(self, x: tuple[float, tuple[Seven, ...]]) -> float:
        loss, factors = x
        stake = self._stake()
        wealth, evidence = [], 0.0
        for (sums, products), by in zip(self._wealth, factors, strict=True):
            sums, products, total = _risk_bets.step(sums, products, by, stake)
            wealth.append((sums, products))
            evidence += total
        self._wealth = tuple(wealth)
        self._remember([loss])
        return evidence * self._share

    def _stake(self) -> float:
        if self.alpha is None:
            return 1.0
        n = self._n + 1.0
        return 1.0 / (n * (n + 1.0))

    # -- many losses ---------------------------------------------------------

    def _read_many(self, values: Any) -> Floats:
        array = _columns.column("losses", values)
        if array.dtype.kind not in "biuf":
            return np.array(
                [_loss(x, f"losses[{i}]") for i, x in enumerate(array.tolist())], dtype=np.float64
            )
        losses: Floats = array.astype(np.float64)
        bad = ~((losses >= 0.0) & (losses <= 1.0))
        if bad.any():
            first = int(bad.argmax())
            _loss(float(losses[first]), f"losses[{first}]")
        return losses

    def update_many(self, values: Any) -> list[int]:
        if not self._sides:
            self._refuse_unfitted()
        return super().update_many(values)

    def _advance(self, values: Floats) -> Floats:
        stakes: Floats | float = 1.0
        if self.alpha is not None:
            n = np.arange(self._n + 1.0, self._n + values.size + 0.5)
            stakes = 1.0 / (n * (n + 1.0))
        wealth, evidence = [], np.zeros(values.size)
        for side, (sums, products) in zip(self._sides, self._wealth, strict=True):
            above = (values - side.limit) * side.sign
            sums, products, total = _risk_bets.advance(sums, products, side.sizes, above, stakes)
            wealth.append((sums, products))
            evidence += total
        self._wealth = tuple(wealth)
        self._remember(values.tolist())
        return evidence * self._share

    def _room(self) -> int:
        return BLOCK - len(self._memory.block)

    def _checkpoint(self) -> Any:
        return self._wealth, self._memory

    def _rollback(self, state: Any) -> None:
        self._wealth, self._memory = state

    # -- what was seen -------------------------------------------------------

    def _restart(self) -> None:
        self._wealth = ((_risk_bets.NOTHING, _risk_bets.ONES),) * len(self._sides)
        self._share = 1.0 / (7.0 * max(len(self._sides), 1))
        self._memory = _Memory([], [], (), (0, 0.0))
        self._evidence = 0.0
        self._drift_detected = self._warning_detected = False

    def _remember(self, losses: list[float]) -> None:
        block, before, older, rest = self._memory
        block = block + losses
        if len(block) == BLOCK:
            if before:
                older = (*older, math.fsum(before))
            if len(older) > _OLDER:
                rest = rest[0] + BLOCK, rest[1] + older[0]
                older = older[1:]
            block, before = [], block
            self._wealth = tuple(
                [(_risk_bets.rebased(sums, products), _risk_bets.ONES) for sums, products in self._wealth]
            )
        self._memory = _Memory(block, before, older, rest)

    @property
    def _n(self) -> int:
        block, before, older, rest = self._memory
        return len(block) + len(before) + BLOCK * len(older) + rest[0]

    @property
    def result(self) -> DriftResult:
        """What is known after the last update."""
        if not self._sides:
            return DriftResult(state=DriftState.UNDECIDED, remarks=("no limit yet",))
        state = self._state
        told = state in (DriftState.DRIFT, DriftState.WARNING)
        change = self._change() if told else None
        return DriftResult(
            state=state,
            score=self._evidence if math.isfinite(self._evidence) else None,
            threshold=self._limit,
            alpha=self.alpha,
            p_value=None if self.alpha is None else min(1.0, 1.0 / max(self._evidence, 1.0)),
            n_reference=self._learned[2] if self._learned else 0,
            n_current=self._n,
            changed_at=None if change is None else change[0].n,
            effects={} if change is None else {"mean loss": change[1]},
        )

    def _change(self) -> tuple[_changed.Change, Interval]:
        block, before, older, rest = self._memory
        recent = np.array((before + block)[::-1])
        counts = np.concatenate((np.ones(recent.size), np.full(len(older), BLOCK), [rest[0]]))
        sums = np.concatenate((recent, older[::-1], [rest[1]]))
        used = counts > 0
        totals = [sum(s * p for s, p in zip(*each, strict=True)) for each in self._wealth]
        side = self._sides[totals.index(max(totals))]
        found = _changed.since(counts[used].cumsum(), sums[used].cumsum(), side.limit, side.sign)
        low, high = _changed.interval(found, float(self.confidence))
        limit = side.limit
        return found, Interval(found.mean - limit, low - limit, high - limit, float(self.confidence))


def _loss(x: Any, name: str = "x") -> float:
    """Return a loss as a float, or refuse."""
    if isinstance(x, (bool, np.bool_)):
        return float(x)
    try:
        loss = _checks.real(name, x)
    except ValueError:
        loss = math.nan
    if not 0.0 <= loss <= 1.0:
        _checks.bad_data(name, "be a loss between 0 and 1", x, _CURE)
    return loss


def _check_promise(run_length: Any, alpha: Any, warning: Any) -> None:
    if alpha is not None:
        _checks.fraction("alpha", alpha)
        if run_length is not None:
            _checks.fail("run_length", "be None where alpha is given", run_length, "choose one promise")
    else:
        if run_length is None:
            _checks.fail("run_length", "be a number where alpha is None", run_length)
        _checks.number("run_length", run_length, low=1.0)
    if warning is not None:
        _checks.number("warning_run_length", warning, low=1.0)
