"""What training costs, and what a loss costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from contlearn import _checks


@dataclass(frozen=True, slots=True)
class Costs:
    """What training costs, and what a loss costs: the two prices between which every policy decides.

    Parameters
    ----------
    retrain_cost
        What one training costs, in money; above 0.
    loss_cost
        What one unit of mean loss costs a day (a unit of `now` where moments are numbers), in the same money;
        above 0. With a 0/1 loss: decisions a day, times the price of a wrong one.

    Examples
    --------
    >>> from contlearn.policies import Costs
    >>> print(Costs(retrain_cost=400, loss_cost=10_000))
    a training 400, a unit of loss 10000 a day
    """

    retrain_cost: float
    loss_cost: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "retrain_cost", _checks.positive("retrain_cost", self.retrain_cost))
        object.__setattr__(self, "loss_cost", _checks.positive("loss_cost", self.loss_cost))

    def __str__(self) -> str:
        return f"a training {self.retrain_cost:.6g}, a unit of loss {self.loss_cost:.6g} a day"

    @classmethod
    def of(cls, retrain_cost: float | Costs, loss_cost: float | None) -> Costs:
        """Return the prices, given as two numbers or as one `Costs`."""
        if isinstance(retrain_cost, Costs):
            if loss_cost is not None:
                _checks.fail("loss_cost", "be left out beside Costs, which hold it", loss_cost)
            return retrain_cost
        if loss_cost is None:
            _checks.fail("loss_cost", "be a number above 0", None, "or pass Costs(retrain_cost, loss_cost)")
        return cls(retrain_cost, loss_cost)

    def to_dict(self) -> dict[str, Any]:
        """Return the prices as JSON-ready builtins."""
        return {"retrain_cost": self.retrain_cost, "loss_cost": self.loss_cost}
