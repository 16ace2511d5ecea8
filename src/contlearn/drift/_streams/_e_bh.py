"""Which of many streams moved: the largest evidence, by e-BH."""

from __future__ import annotations

from collections.abc import Mapping


def e_bh(evidence: Mapping[str, float], limit: float) -> set[str]:
    """Return the names of the k streams with the largest evidence, by e-BH."""
    order = sorted(evidence, key=lambda name: evidence[name], reverse=True)
    for k in range(len(order), 0, -1):
        if evidence[order[k - 1]] >= limit * len(order) / k:
            return set(order[:k])
    return set()
