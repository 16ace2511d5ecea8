"""Packages that load a name's module when the name is first asked for.

`import contlearn` must cost a service next to nothing, and a window must not pay for scikit-learn because a
detector in the same package needs it. So every `__init__` states where its names live and imports none.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping


def attach(package: str, homes: Mapping[str, str]) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """Return `__getattr__` and `__dir__` for `package`, whose names live in the modules `homes`.

    A name whose home is its own name after a dot is a sub-module (`{"drift": ".drift"}`); any other name is
    an attribute of its home (`{"KS": "._ks"}`).
    """

    def load(name: str) -> object:
        home = homes.get(name)
        if home is None:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module = importlib.import_module(home, package)
        value = module if home == f".{name}" else getattr(module, name)
        setattr(sys.modules[package], name, value)
        return value

    return load, lambda: sorted(homes)
