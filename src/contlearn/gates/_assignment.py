"""Who gets the challenger: a hash of the key, so that nobody has to remember."""

from __future__ import annotations

import hashlib
import numbers
from typing import Any, Literal, TypeAlias

from contlearn import _checks

Arm: TypeAlias = Literal["champion", "challenger"]

_BITS = 64


def arm_of(salt: str, key: Any, share: float) -> Arm:
    """Return "challenger" for a `share` of all keys: the same ones as for every smaller share, and more."""
    # A product with a power of two is exact, so a key never changes sides by rounding.
    return "challenger" if place_of(salt, key) < share * 2.0**_BITS else "champion"


def place_of(salt: str, key: Any) -> int:
    """Return the place of a key in [0, 2**64): uniform over keys, and another one for every salt."""
    seasoning = salt.encode("utf-8", "surrogatepass")
    # The length tells where the salt ends: ("ab", "c") is not ("a", "bc").
    text = b"%d:%b%b" % (len(seasoning), seasoning, _bytes_of(key))
    return int.from_bytes(hashlib.blake2b(text, digest_size=_BITS // 8).digest(), "big")


def _bytes_of(key: Any) -> bytes:
    """Return the canonical bytes of a key: keys of different kinds never meet."""
    if isinstance(key, str):
        return b"s" + key.encode("utf-8", "surrogatepass")
    if isinstance(key, bytes):
        return b"b" + key
    if isinstance(key, numbers.Integral) and not isinstance(key, bool):
        return b"i%x" % int(key)
    got = f"{type(key).__name__} {key!r:.40}"
    return _checks.bad_data("key", "be a text, bytes or an integer", got, "such as the id of the user")
