"""What a replayed policy cost, beside the plans that it could have followed."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from contlearn import _html


@dataclass(frozen=True, slots=True)
class Money:
    """What a policy cost, and what the best plans that know the future would have cost, in money.

    Every amount holds the trainings and the whole loss from the first evidence to the last, the loss of a
    fresh model included: compare differences, such as `regret`, rather than ratios.

    Attributes
    ----------
    cost : float
        Of the policy.
    optimum : float
        Of the cheapest of all sequences of retrainings, known afterwards.
    optimal : tuple of int
        Positions at which that one retrains.
    calendar : float
        Of the cheapest calendar: every k-th evidence, k and the first one chosen afterwards.
    every : int
        That k; as many as there are evidences where it trains only once.
    scheduled : tuple of int
        Positions at which that calendar retrains.
    never : float
        Of never retraining.

    Examples
    --------
    >>> from contlearn.policies import Costs, CostAware, Evidence, replay
    >>> days = [Evidence(now=day, trained_at=0) for day in range(61)]
    >>> result = replay(
    ...     CostAware(10, 50), days, Costs(10, 50), losses=lambda trained, now: 0.1 + 0.01 * (now - trained)
    ... )
    >>> print(result.money)
    cost 505, regret 10: optimum 495 (9 retrainings), best calendar 496 (every 7), never 1215
    """

    cost: float
    optimum: float
    optimal: tuple[int, ...]
    calendar: float
    every: int
    scheduled: tuple[int, ...]
    never: float

    @property
    def regret(self) -> float:
        """What the policy cost above the optimum: 0 at best."""
        return self.cost - self.optimum

    def __str__(self) -> str:
        trained = f"{len(self.optimal)} retraining{'' if len(self.optimal) == 1 else 's'}"
        return (
            f"cost {self.cost:.6g}, regret {self.regret:.4g}: optimum {self.optimum:.6g} ({trained}), "
            f"best calendar {self.calendar:.6g} (every {self.every}), never {self.never:.6g}"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the fields and the regret as JSON-ready builtins."""
        fields = {
            name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()
        }
        return {**fields, "regret": self.regret}

    def _repr_html_(self) -> str:
        rows = [
            ("this policy", self.cost, None),
            ("optimum, known afterwards", self.optimum, len(self.optimal)),
            (f"best calendar, every {self.every} evidences", self.calendar, len(self.scheduled)),
            ("never retraining", self.never, 0),
        ]
        return _html.table(str(self), ("plan", "cost", "retrainings"), rows)
