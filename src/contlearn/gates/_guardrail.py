"""What must not get worse while a challenger is tried out."""

from __future__ import annotations

from dataclasses import dataclass

from contlearn import _checks
from contlearn._answers import Answer


@dataclass(frozen=True, slots=True)
class Guardrail(Answer):
    """How much the mean of a metric may rise with the challenger, such as its latency or its errors.

    Parameters
    ----------
    limit
        Largest rise to put up with, in the unit of the metric; above 0 and below `bound`.
    bound
        Largest value that counts: values above it, infinity included, count as `bound`, so what is guarded is
        the mean of ``min(value, bound)``. The default suits what happens or does not, such as an error.
        Choose it near the values that occur: with a bound ten times too large, ten times too many rows are
        needed.

    Notes
    -----
    Values are at least 0, and lower is better.

    Examples
    --------
    >>> from contlearn.gates import Guardrail
    >>> Guardrail(limit=0.05, bound=2.0)
    Guardrail(limit=0.05, bound=2.0)
    """

    limit: float
    bound: float = 1.0

    def __post_init__(self) -> None:
        Answer.__post_init__(self)
        bound = _checks.positive("bound", self.bound)
        if not 0.0 < _checks.number("limit", self.limit) < bound:
            cure = "no finite number of rows shows that nothing rises at all" if self.limit == 0 else ""
            _checks.fail("limit", f"be above 0 and below the bound, {bound:g}", self.limit, cure)
