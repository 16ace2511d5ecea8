"""Running evaluation: predict first, learn later, count in between."""

from __future__ import annotations

import math
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from river.base import Base

from contlearn import _checks
from contlearn.evaluation._losses import Loss
from contlearn.results import Interval
from contlearn.stats import _columns, _mean

_LEAST_UNIT = math.ulp(0.0)


class Prequential(Base):  # type: ignore[misc]
    """Mean loss of a stream of predictions that were made before their labels were known.

    Predict, call `update` when the label arrives, then let the model learn from the row: every row examines
    the model before it teaches it, so no row is held out.

    Parameters
    ----------
    loss
        One of the losses of this package, or any callable of labels and predictions that returns one number
        per row.
    confidence
        Coverage of `result`, strictly between 0 and 1.

    Notes
    -----
    Cost: constant memory; some ten microseconds per `update`, below one per row in `update_many`.
    `result` takes rows for independent; where they come in clusters, keep the losses and ask `mean_loss`.

    Not to be shared by threads without a lock.

    References
    ----------
    .. [1] A. P. Dawid, "Present position and potential developments: the prequential approach", Journal of
       the Royal Statistical Society A 147 (1984).

    Examples
    --------
    >>> from contlearn.evaluation import Prequential, absolute_error
    >>> running = Prequential(absolute_error)
    >>> for y, y_pred in [(3.0, 2.5), (4.0, 4.5), (5.0, 3.0)]:
    ...     running.update(y, y_pred)
    >>> running.n, running.mean
    (3, 1.0)
    """

    def __init__(self, loss: Loss, confidence: float = 0.9) -> None:
        if not callable(loss):
            _checks.fail(
                "loss", "be a function of y and y_pred", loss, "such as contlearn.evaluation.zero_one"
            )
        _checks.fraction("confidence", confidence)
        self.loss = loss
        self.confidence = confidence
        self.reset()

    def reset(self) -> None:
        """Forget every row."""
        self._n = 0
        # In units of a power of two near the largest loss: exact, and cubes neither overflow nor vanish.
        self._unit = _LEAST_UNIT
        self._mean = 0.0
        self._second = 0.0  # sums of squared and cubed deviations from the mean
        self._third = 0.0
        self._largest = 0.0
        self._ones: int | None = 0  # None once a loss was neither 0 nor 1

    def update(self, y: Any, y_pred: Any) -> None:
        """Count one prediction: a label, and what was predicted for it (probabilities, if the loss takes
        them).

        Raises
        ------
        InvalidInputError
            If the loss is NaN or infinite, as it is for a missing label; nothing is counted then.
        """
        self.update_many([y], [y_pred])

    def update_many(self, y: ArrayLike, y_pred: ArrayLike) -> None:
        """Count many predictions, exactly as repeated `update` would.

        Raises
        ------
        InvalidInputError
            If a loss is NaN or infinite, as it is for a missing label; none of the rows is counted then.
        """
        losses = _columns.floats("losses", np.asarray(self.loss(y, y_pred)))
        bad = int(losses.size - np.isfinite(losses).sum())
        if losses.ndim != 1 or bad:
            got = f"{bad} that are not, of {losses.size}" if losses.ndim == 1 else f"shape {losses.shape}"
            _checks.bad_data("losses", "be finite, one per row", got, "leave out rows whose label is missing")
        for value in losses.tolist():
            self._add(value)

    @property
    def n(self) -> int:
        """Number of rows counted."""
        return self._n

    @property
    def mean(self) -> float | None:
        """Mean loss so far; None before the first row."""
        return self._mean * self._unit if self._n else None

    @property
    def result(self) -> Interval | None:
        """Mean loss with its interval; None before the first row."""
        if not self._n:
            return None
        if self._ones is not None:
            return _mean.proportion(self._ones, self._n, float(self.confidence))
        scale = self._largest / self._unit
        moments = self._mean / scale, self._second / scale**2, self._third / scale**3
        found = _mean.from_moments(self._n, *moments).scaled(self._largest)
        return found.interval(float(self.confidence))

    def __sklearn_clone__(self) -> Self:
        clone: Self = self.clone()
        return clone

    def __repr__(self) -> str:
        loss = getattr(self.loss, "__name__", None) or repr(self.loss)
        return f"Prequential({loss}, confidence={self.confidence!r})"

    def __str__(self) -> str:
        return f"{self.result or 'no loss'} over {self._n} rows"

    def _add(self, loss: float) -> None:
        self._n += 1
        self._largest = max(self._largest, abs(loss))
        if self._largest >= 2.0 * self._unit:
            self._measure_in(math.ldexp(1.0, math.frexp(self._largest)[1] - 1))
        if self._ones is not None:
            self._ones = self._ones + int(loss) if loss in (0.0, 1.0) else None
        loss /= self._unit
        step = (loss - self._mean) / self._n
        spread = (loss - self._mean) * step * (self._n - 1)
        self._third += spread * step * (self._n - 2) - 3.0 * step * self._second
        self._second += spread
        self._mean += step

    def _measure_in(self, unit: float) -> None:
        """Turn to a larger `unit`."""
        ratio = self._unit / unit
        self._mean *= ratio
        self._second *= ratio**2
        self._third *= ratio**3
        self._unit = unit
