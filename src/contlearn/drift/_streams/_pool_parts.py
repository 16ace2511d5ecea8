"""What a pool of streams asks of them, and their evidence together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contlearn import _checks
from contlearn.drift._streams import _row
from contlearn.drift._streams._distribution import DistributionDetector
from contlearn.drift._streams._draws import own_generator, seed_of
from contlearn.drift._streams._risk import RiskDetector
from contlearn.drift._streams._watch import Watch

Floats = NDArray[np.float64]

_WHY = "their evidence has a mean that keeps its run length, whatever they depend on; that of others does not"


def check_part(name: str, detector: Any) -> None:
    """Refuse what cannot be in a pool."""
    if not isinstance(name, str):
        _checks.fail("every name in detectors", "be text", name)
    if not isinstance(detector, (RiskDetector, DistributionDetector)):
        kinds = "be a RiskDetector or a DistributionDetector"
        _checks.fail(f"detectors[{name!r}]", kinds, type(detector).__name__, _WHY)
    if detector.run_length is None:
        _checks.fail(f"detectors[{name!r}]", "have a run_length", "None", "alpha is another promise")


def drawing(name: str, stream: Watch) -> Watch:
    """Return a stream whose draws are its own, lest the past of one foretell those of another."""
    if isinstance(stream, DistributionDetector):
        stream.seed = seed_of(stream.seed, name)
        stream._generator = own_generator(stream.seed)
        if stream._fitted is not None:  # a reference keeps the draws that its edges were made with
            stream._fitted = dict(stream._generator.bit_generator.state)
    return stream


def warming(stream: Watch) -> bool:
    """Whether a stream still gathers its reference, and has no evidence before it is complete."""
    return isinstance(stream, DistributionDetector) and stream._sight is None


def common_run_length(detectors: Mapping[str, Any]) -> float:
    """Return the run length that all detectors have, or refuse."""
    lengths = sorted({float(detector.run_length) for detector in detectors.values()})
    if len(lengths) > 1:
        got = f"{lengths[0]:g} to {lengths[-1]:g}"
        _checks.fail("run_length", "be given where the detectors have different ones", got)
    return lengths[0]


def mean(evidence: list[Floats], n: int) -> Floats:
    """Return the mean over the streams after each of `n` updates, to the last bit that of one by one."""
    total = np.zeros(n)
    for each in evidence:  # one after another, as `update` does
        total += each
    return total / len(evidence)


def turned(rows: Sequence[Any]) -> dict[Any, list[Any]]:
    """Return rows that all name the same streams as columns, or refuse."""
    named: list[Mapping[Any, Any]] = []
    for place, given in enumerate(rows):
        row = _row.by_name(given, f"values[{place}]")
        if row is None:
            _checks.bad_data(f"values[{place}]", "be a mapping of names to values", type(given).__name__)
        if named and row.keys() != named[0].keys():
            cure = "use update for rows of other streams"
            _checks.bad_schema(f"values[{place}]", "name the streams of values[0]", "others", cure)
        named.append(row)
    return {name: [row[name] for row in named] for name in named[0]} if named else {}
