"""Random generators: the name of the algorithm from a closed list, its state, and what it was seeded with."""

from __future__ import annotations

import random
from typing import Any

import numpy as np

from contlearn.persistence._refusals import damaged

ALGORITHMS = ("PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64")
_MOST_WORDS = 1000  # of a seed

# By algorithm: the largest number, or the type and the length of an array, of what its state has.
_LARGE = {"state": 2**128 - 1, "inc": 2**128 - 1}
_INNER: dict[str, dict[str, Any]] = {
    "PCG64": _LARGE,
    "PCG64DXSM": _LARGE,
    "MT19937": {"key": ("<u4", 624), "pos": 624},
    "Philox": {"counter": ("<u8", 4), "key": ("<u8", 2)},
    "SFC64": {"state": ("<u8", 4)},
}


def check_state(given: Any) -> None:
    """Refuse a state that the compiled code of an algorithm would believe, and read beyond its own memory."""
    name = given["bit_generator"]
    if name not in ALGORITHMS:
        damaged("the name of a random algorithm", repr(name)[:40])
    inner, half, word = given["state"], given.get("has_uint32", 0), given.get("uinteger", 0)
    if not (_whole(half, 1) and _whole(word, 2**32 - 1)):
        damaged("the state of a random generator", "other values")
    right = type(inner) is dict and inner.keys() == _INNER[name].keys()
    if not right or not all(_fits(inner[key], form) for key, form in _INNER[name].items()):
        damaged("the state of a random generator", "other values")
    if name == "Philox" and not (_words(given["buffer"], "<u8", 4) and _whole(given["buffer_pos"], 4)):
        damaged("the state of a random generator", "other values")


def generator_state(value: np.random.Generator) -> dict[str, Any]:
    """Return what makes a generator again; `LookupError` for an algorithm of the user's own."""
    bits = value.bit_generator
    if type(bits).__name__ not in ALGORITHMS or type(bits).__module__.partition(".")[0] != "numpy":
        raise LookupError
    return {"state": bits.state, "seed": _seed_state(bits.seed_seq)}


def generator_of(given: Any) -> np.random.Generator:
    """Return the generator of a state, or refuse."""
    check_state(given["state"])
    name = given["state"]["bit_generator"]
    seed = given["seed"]
    bits = getattr(np.random, name)(0 if seed is None else _seed_of(seed))
    bits.state = given["state"]
    return np.random.Generator(bits)


def legacy_state(value: np.random.RandomState) -> dict[str, Any]:
    """Return what makes one of numpy's old generators again."""
    return dict(value.get_state(legacy=False))


def legacy_of(given: Any) -> np.random.RandomState:
    """Return the old generator of a state."""
    if given["bit_generator"] != "MT19937":
        damaged("the name of a random algorithm", "another")
    check_state({**given, **dict.fromkeys(("has_uint32", "uinteger"), 0)})
    if type(given["has_gauss"]) is not int or type(given["gauss"]) is not float:
        damaged("the state of a random generator", "other values")
    value = np.random.RandomState(0)  # what was given is given back
    value.set_state(given)
    return value


def plain_state(value: random.Random) -> Any:
    """Return the state of one of Python's own generators."""
    version, words, gauss = value.getstate()
    return (version, np.array(words, np.uint32), gauss)


def plain_of(given: Any) -> random.Random:
    """Return the generator of Python's own kind."""
    version, words, gauss = given
    if gauss is not None and type(gauss) is not float:
        damaged("the state of a generator", "another value")
    value = random.Random(0)  # noqa: S311 - river's, not for secrets
    value.setstate((version, tuple(int(word) for word in words), gauss))
    return value


def _seed_state(seed: Any) -> Any:
    if type(seed) is not np.random.SeedSequence:
        return None
    if type(seed.entropy) not in (int, list, tuple, type(None)) or seed.pool_size != 4:
        return None
    return (seed.entropy, tuple(seed.spawn_key), seed.n_children_spawned)


def _seed_of(given: Any) -> np.random.SeedSequence:
    entropy, key, spawned = given
    words = entropy if isinstance(entropy, (list, tuple)) else [entropy or 0]
    if len(words) + len(key) > _MOST_WORDS or not all(type(each) is int for each in (*words, *key, spawned)):
        damaged("a seed", "another value")
    return np.random.SeedSequence(entropy, spawn_key=key, n_children_spawned=spawned)


def _fits(value: Any, form: Any) -> bool:
    return _words(value, *form) if isinstance(form, tuple) else _whole(value, form)


def _words(value: Any, dtype: str, n: int) -> bool:
    return type(value) is np.ndarray and value.dtype.str == dtype and value.shape == (n,)


def _whole(value: Any, most: int) -> bool:
    return type(value) is int and 0 <= value <= most
