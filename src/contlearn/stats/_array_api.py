"""Arrays of other libraries (torch, CuPy, JAX, ...): told apart, and computed with where they lie.

Nothing here imports such a library: whoever hands in a tensor has loaded torch. Numpy arrays never get here.
"""

from __future__ import annotations

import importlib
import math
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from contlearn import _checks
from contlearn.exceptions import MissingDependencyError

# Libraries whose arrays need a translation to the standard; others bring their namespace with them.
_TRANSLATED = ("torch", "cupy")


HERE = "numpy"
"""Where numpy arrays lie."""


def is_foreign(X: Any) -> bool:
    """Whether `X` is an array of another library, one that computes where its data lies."""
    if isinstance(X, np.ndarray | np.generic | list | tuple | dict):
        return False
    library = _library(X)
    return (library == "torch" and hasattr(X, "detach")) or hasattr(type(X), "__array_namespace__")


def namespace(X: Any) -> Any:
    """Return the functions of the array API standard for `X`: numpy itself for its arrays."""
    if isinstance(X, np.ndarray):
        return np
    library = _library(X)
    if library not in _TRANSLATED:
        return X.__array_namespace__()
    try:
        return importlib.import_module(f"array_api_compat.{library}")
    except ImportError as error:
        raise MissingDependencyError(
            f"computing with arrays of {library} needs array-api-compat, got no such package; "
            "pip install contlearn[array-api], or pass a numpy array"
        ) from error


def place(X: Any) -> str:
    """Return in words whose array `X` is and where it lies, such as "torch on cuda:0"."""
    if isinstance(X, np.ndarray):
        return HERE
    return f"{_library(X)} on {X.device}"


def on_host(X: Any) -> bool:
    """Whether the data of `X` lies in main memory, where small tiles are fast."""
    return "cpu" in str(X.device).lower()


def refuse_other_place(name: str, X: Any, wanted: str, what: str) -> NoReturn:
    """Refuse `X`, which does not lie where `wanted` says `what` does."""
    got = place(X) if is_foreign(X) else type(X).__name__
    cure = "move one of them, for example with torch.as_tensor(X, device=...) or X.cpu().numpy()"
    _checks.bad_data(name, f"lie where {what} does ({wanted})", got, cure)


def floats(X: Any) -> Any:
    """Return a copy of `X` in float64, or in float32 where the device has nothing wider."""
    if isinstance(X, np.ndarray):
        return X.astype(np.float64)
    xp = namespace(X)
    if _library(X) == "torch":
        X = X.detach()
    if _has_float64(xp, X.device):
        try:
            return xp.astype(X, xp.float64, copy=True)
        except (TypeError, ValueError, RuntimeError):
            pass  # some devices only say so when asked
    return xp.astype(X, xp.float32, copy=True)


def is_single(X: Any) -> bool:
    """Whether the floats of `X` have 32 bits, since its device has nothing wider."""
    return not isinstance(X, np.ndarray) and X.dtype == namespace(X).float32


def kind(X: Any) -> str:
    """Return numpy's letter for the kind of numbers in `X`: b, i, u, f or c."""
    xp = namespace(X)
    kinds = {"bool": "b", "signed integer": "i", "unsigned integer": "u", "real floating": "f"}
    for words, letter in kinds.items():
        if xp.isdtype(X.dtype, words):
            return letter
    return "f" if "float" in str(X.dtype) else "c"


def beside(values: NDArray[Any], X: Any) -> Any:
    """Return `values` as an array that lies where `X` does, in its precision."""
    if isinstance(X, np.ndarray):
        return values
    return namespace(X).asarray(values, dtype=X.dtype, device=X.device)


def taken(X: Any, rows: NDArray[Any]) -> Any:
    """Return the rows of `X` at these positions."""
    if isinstance(X, np.ndarray):
        return X[rows]
    xp = namespace(X)
    return xp.take(X, xp.asarray(rows, device=X.device), axis=0)


def to_numpy(X: Any) -> NDArray[Any]:
    """Return a small array in main memory."""
    if isinstance(X, np.ndarray):
        return X
    if _library(X) == "torch":
        return np.asarray(X.detach().cpu())
    if _library(X) == "cupy":
        return np.asarray(X.get())
    try:
        return np.from_dlpack(X)
    except (TypeError, AttributeError, RuntimeError, BufferError, ValueError):
        return np.asarray(X)


def quantiles(X: Any, shares: tuple[float, ...]) -> list[Any]:
    """Return quantiles of every column, interpolated as `numpy.quantile` does."""
    if isinstance(X, np.ndarray):
        return list(np.quantile(X, shares, axis=0))
    xp = namespace(X)
    ordered = xp.sort(X, axis=0)
    last = X.shape[0] - 1
    found = []
    for share in shares:
        at = share * last
        below = math.floor(at)
        low, high = ordered[below, ...], ordered[min(below + 1, last), ...]
        found.append(low + (high - low) * (at - below))
    return found


def median(X: Any) -> Any:
    """Return the median over the first axis."""
    return np.median(X, axis=0) if isinstance(X, np.ndarray) else quantiles(X, (0.5,))[0]


def _has_float64(xp: Any, device: Any) -> bool:
    information = getattr(xp, "__array_namespace_info__", None)
    return information is None or "float64" in information().dtypes(device=device, kind="real floating")


def _library(X: Any) -> str:
    return type(X).__module__.partition(".")[0]
