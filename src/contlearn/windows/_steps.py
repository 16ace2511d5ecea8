"""Changes that are made completely or not at all, also where Ctrl-C arrives in their midst."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from itertools import starmap
from operator import call
from typing import Any, TypeAlias

Step: TypeAlias = tuple[Callable[..., Any], *tuple[Any, ...]]
"""A function with its arguments; one of C, such as `setattr` or the `append` of a deque."""


_exhaust = deque[Any](maxlen=0).extend


def take(steps: list[Step]) -> None:
    """Take all steps. Python looks for signals between its own instructions only, and here is one."""
    _exhaust(starmap(call, steps))


def setting(owner: object, **values: object) -> list[Step]:
    """Return the steps that give an object attributes."""
    return [(setattr, owner, name, value) for name, value in values.items()]
