"""The same data for every worker, read from the files that the driver wrote."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np


class Data:
    def __init__(self, folder: str) -> None:
        self.folder = Path(folder)
        self._kept: dict[str, Any] = {}

    def array(self, name: str) -> Any:
        if name not in self._kept:
            self._kept[name] = np.load(self.folder / f"{name}.npy")
        return self._kept[name]

    def mapped(self, name: str) -> Any:
        """A large array of which little is needed at a time."""
        return np.load(self.folder / f"{name}.npy", mmap_mode="r")

    def frame(self, side: str) -> Any:
        """50 columns of numbers, 20 of text, as the worker's own pandas stores them."""
        if f"frame {side}" not in self._kept:
            self._kept[f"frame {side}"] = mixed(self.array(f"{side}_numbers"), self.array(f"{side}_codes"))
        return self._kept[f"frame {side}"]

    def numbers(self, name: str, batch: int | None = None) -> Any:
        """The columns of an array as a frame."""
        return mixed(self.array(name) if batch is None else self.array(name)[batch])

    def coded(self, side: str) -> Any:
        """The frame with ready-made category codes, for those who take only arrays."""
        return np.column_stack([self.array(f"{side}_numbers"), self.array(f"{side}_codes")]).astype(float)


def mixed(numbers: Any, codes: Any = None) -> Any:
    import pandas as pd

    columns = {f"number {i}": column for i, column in enumerate(numbers.T)}
    labels = np.array([f"level {i:03d}" for i in range(256)], dtype=object)
    if codes is not None:
        columns |= {f"text {i}": labels[column] for i, column in enumerate(codes.T)}
    return pd.DataFrame(columns)


def numeric(frame: Any) -> list[str]:
    return [name for name in frame.columns if name.startswith("number")]


def textual(frame: Any) -> list[str]:
    return [name for name in frame.columns if name.startswith("text")]
