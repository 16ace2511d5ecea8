"""Random generators: the name of the algorithm from a closed list, its state, and what it was seeded with."""

from __future__ import annotations

import random
from typing import Any

import numpy as np

from contlearn.persistence._refusals import damaged

ALGORITHMS = ("PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64")
_MOST_WORDS = 1000  # of a seed


def generator_state(value: np.random.Generator) -> dict[str, Any]:
    """Return what makes a generator again; `LookupError` for an algorithm of the user's own."""
    bits = value.bit_generator
    if type(bits).__name__ not in ALGORITHMS or type(bits).__module__.partition(".")[0] != "numpy":
        raise LookupError
    return {"state": bits.state, "seed": _seed_state(bits.seed_seq)}


def generator_of(given: Any) -> np.random.Generator:
    """Return the generator of a state, or refuse."""
    name = given["state"]["bit_generator"]
    if name not in ALGORITHMS:
        damaged("the name of a random algorithm", repr(name)[:40])
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
