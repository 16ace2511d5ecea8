"""Arrays as bytes with a description that is checked before anything is allocated."""

from __future__ import annotations

import base64
import binascii
import math
import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contlearn.persistence._refusals import damaged

# Numbers, truth, text, bytes, dates and lengths of time; never objects, never records.
_DTYPE = re.compile(r"[<>|][biufcSU]\d{1,9}|[<>][mM]8(\[\d{0,6}(Y|M|W|D|h|m|s|ms|us|ns|ps|fs|as)\])?")
_MOST_DIMENSIONS = 32
_LARGEST_SIDE = 2**40
_LARGEST_EMPTY = 2**24  # rows that have no columns: they take no memory, but time
_LAST_CHARACTER = 0x10FFFF


def describable(array: NDArray[Any]) -> bool:
    """Return whether an array is of a kind that can be written as bytes."""
    return _DTYPE.fullmatch(array.dtype.str) is not None and array.dtype.itemsize > 0


def described(array: NDArray[Any]) -> dict[str, Any]:
    """Return what must be known to make an array of its bytes."""
    fortran = array.ndim > 1 and array.flags.f_contiguous and not array.flags.c_contiguous
    return {"dtype": array.dtype.str, "shape": list(array.shape), "fortran": fortran}


def raw(array: NDArray[Any], fortran: bool) -> bytes:
    """Return the bytes of an array in the order of its description."""
    return array.tobytes(order="F" if fortran else "C")


def text_of(content: bytes) -> str:
    """Return bytes as text."""
    return base64.b64encode(content).decode("ascii")


def bytes_of(text: Any) -> bytes:
    """Return the bytes in a text, or refuse."""
    if not isinstance(text, str):
        damaged("a text of base64", type(text).__name__)
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        damaged("a text of base64", "other characters")


def checked(given: Any) -> tuple[np.dtype[Any], tuple[int, ...], bool]:
    """Return the type, the shape and the order in a description, or refuse; allocates nothing."""
    if not isinstance(given, dict) or not {"dtype", "shape", "fortran"} <= given.keys():
        damaged("a description of an array", type(given).__name__)
    text, shape, fortran = given["dtype"], given["shape"], given["fortran"]
    if not isinstance(text, str) or not _DTYPE.fullmatch(text):
        damaged("a type of numbers, text or dates", repr(text)[:40])
    if not isinstance(shape, list) or len(shape) > _MOST_DIMENSIONS or type(fortran) is not bool:
        damaged("a shape and an order", "other values")
    if not all(type(side) is int and 0 <= side <= _LARGEST_SIDE for side in shape):
        damaged("a shape of whole numbers", "other values")
    if 0 in shape and math.prod(side for side in shape if side) > _LARGEST_EMPTY:
        damaged("a shape of whole numbers", "many rows of nothing")
    dtype = np.dtype(text)
    if dtype.itemsize == 0:
        damaged("a type of numbers, text or dates", repr(text)[:40])
    return dtype, tuple(shape), fortran


def size_of(dtype: np.dtype[Any], shape: tuple[int, ...]) -> int:
    """Return how many bytes an array has."""
    return math.prod(shape) * dtype.itemsize


def made(dtype: np.dtype[Any], shape: tuple[int, ...], fortran: bool, content: Any) -> NDArray[Any]:
    """Return the array of as many bytes as it needs, in memory of its own."""
    if len(content) != size_of(dtype, shape):
        damaged(f"{size_of(dtype, shape)} bytes of an array", f"{len(content)}")
    flat = np.frombuffer(content, dtype).copy()
    _check_content(flat)
    return flat.reshape(shape, order="F" if fortran else "C")


def header(dtype: np.dtype[Any], shape: tuple[int, ...], fortran: bool) -> bytes:
    """Return the beginning of an `.npy` file, version 1.0; longer shapes than it can hold do not exist."""
    text = f"{{'descr': {dtype.str!r}, 'fortran_order': {fortran}, 'shape': {shape!r}, }}"
    padding = -(len(text) + 11) % 64
    content = text.encode("ascii") + b" " * padding + b"\n"
    return b"\x93NUMPY\x01\x00" + len(content).to_bytes(2, "little") + content


def _check_content(flat: NDArray[Any]) -> None:
    """Refuse bytes that are no truth values or no characters: numpy takes their word for it."""
    if flat.dtype.kind == "b" and flat.size and flat.view(np.uint8).max() > 1:
        damaged("truth values", "other bytes")
    if flat.dtype.kind == "U" and flat.size:
        points = flat.view(np.dtype(np.uint32).newbyteorder(flat.dtype.byteorder))
        if points.max() > _LAST_CHARACTER:
            damaged("characters", "other numbers")
