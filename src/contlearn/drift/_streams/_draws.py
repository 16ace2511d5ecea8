"""A detector's own random numbers: others than those of a caller who happens to use the same seed."""

from __future__ import annotations

import numpy as np

from contlearn import _checks

_OWN = 0x636F6E74  # a caller's `default_rng(0)` made the data as likely as not


def own_generator(seed: int | None) -> np.random.Generator:
    """Return a generator for the draws of a stream detector; the same for the same seed.

    Draws that tell equal values apart must have nothing to do with the values, and data made by
    `default_rng(seed)` are functions of the very numbers that `default_rng(seed)` would give here.
    """
    if seed is None:
        return np.random.default_rng()
    _checks.count("seed", seed, low=0)
    return np.random.default_rng(np.random.SeedSequence(int(seed), spawn_key=(_OWN,)))


def seed_of(seed: int | None, name: str) -> int | None:
    """Return the seed of one of several detectors, which then draws other numbers than the others do.

    With one seed for all, the draws of a stream are those of another, somewhat later or earlier.
    """
    if seed is None:
        return None
    named = np.random.SeedSequence(int(seed), spawn_key=(_OWN, *name.encode()))
    return int(named.generate_state(1, np.uint64)[0])
