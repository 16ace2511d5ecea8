"""What a worker is asked to do: a beginning, then one step after another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Job:
    """`begin` learns the reference, `step(learnt, i)` checks batch i; both are measured, `answer` is not.

    `answer` turns what a step returned into numbers that other workers' answers are compared with.
    """

    begin: Callable[[], Any]
    step: Callable[[Any, int], Any]
    answer: Callable[[Any], list[float]] | None = None
    how: str = ""


@dataclass(frozen=True)
class Judged:
    """What one check of a table said: of the whole, and of which columns (all of them p-value or alert)."""

    drift: bool
    columns: tuple[str, ...] = ()


Judge = Callable[[Any, Any], Judged]
