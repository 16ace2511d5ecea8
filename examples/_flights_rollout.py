"""A challenger on a part of the flights, before it gets all of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from _flights_data import Rows
from _flights_models import forecast

from contlearn.gates import Canary, CanaryAction, CanaryAnswer

# A fifth of the flights until 200 of them have landed, which takes a good day, then half of them until it is
# shown that the challenger is not worse by more than 0.03 Brier. A coin decides for every flight.
PLAN = ((0.2, 200), (0.5, 500))
MARGIN = -0.03
ASK_EVERY = 100  # landings between two looks; the canary keeps its error rate however often it is asked


@dataclass(frozen=True)
class Model:
    """A fitted model, and what the ledger is told about it."""

    name: str
    fitted: object
    trained_at: float
    baseline_loss: float | None
    rows: Rows


@dataclass
class Rollout:
    """A challenger on live traffic: which flights it forecasts, and what came of them."""

    model: Model
    log: list[tuple[datetime, CanaryAnswer]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.canary = Canary(PLAN, salt=self.model.name, margin=MARGIN)
        self.forecasts: dict[int, float] = {}
        self._in_the_air: dict[int, tuple[str, int]] = {}
        self._landed = 0

    def prepare(self, numbers: np.ndarray, X: np.ndarray) -> None:
        """Compute the challenger's forecasts of the flights that will leave."""
        self.forecasts = dict(zip(numbers.tolist(), forecast(self.model.fitted, X).tolist(), strict=True))

    def forecast(self, number: int) -> float | None:
        """Return the challenger's forecast of a flight that leaves now; None where the champion serves it."""
        arm = self.canary.assign(number)
        self._in_the_air[number] = arm, self.canary.step
        return self.forecasts[number] if arm == "challenger" else None

    def learn(self, number: int, loss: float, at: datetime) -> CanaryAnswer | None:
        """Hand in the loss of a flight that landed; return what to do, once in a while."""
        if number not in self._in_the_air:  # it left before the challenger came
            return None
        arm, step = self._in_the_air.pop(number)
        self.canary.update(arm, loss, step=step)
        self._landed += 1
        if self._landed % ASK_EVERY:
            return None
        answer = self.canary.answer
        if answer.action is not CanaryAction.HOLD:
            self.log.append((at, answer))
        return answer
