"""What was learned survives the process: windows, detectors, policies, gates and results as plain data.

`dump` and `load` go through JSON-ready dictionaries, `save` and `restore` through one file of JSON and
`.npy`. No pickle anywhere: what is read can be damaged or forged, and still runs no code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from contlearn._lazy import attach

if TYPE_CHECKING:
    from contlearn.persistence._dump import dump, load
    from contlearn.persistence._save import restore, save

__all__ = ["dump", "load", "restore", "save"]

__getattr__, __dir__ = attach(
    __name__, {"dump": "._dump", "load": "._dump", "restore": "._save", "save": "._save"}
)
