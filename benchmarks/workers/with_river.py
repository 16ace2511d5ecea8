"""river has no test of batches: its stream detectors, value by value, as they come."""

from __future__ import annotations

from typing import Any

from data import Data
from river import drift

PACKAGES = ["river", "numpy"]
JOBS: dict[str, Any] = {}

NUMBERS = {"ADWIN": drift.ADWIN, "KSWIN": drift.KSWIN, "PageHinkley": drift.PageHinkley}
ERRORS = {"ADWIN": drift.ADWIN, "DDM": drift.binary.DDM, "EDDM": drift.binary.EDDM}
ERRORS |= {"HDDM_A": drift.binary.HDDMA, "HDDM_W": drift.binary.HDDMW}


SLOW = {"KSWIN"}  # a test of 30 against 30 values for every value: fewer streams will do


def streams(data: Data) -> dict[str, Any]:
    """False alarms before the change, and how many streams alarmed within 1,000 values after it."""
    found = {}
    for kind, detectors in (("numbers", NUMBERS), ("errors", ERRORS)):
        values, change = data.array(f"stream_{kind}"), int(data.array("stream_change"))
        for name, detector in detectors.items():
            some = 4 if name in SLOW else len(values)
            alarms = [positions(detector(), stream) for stream in values[:some].tolist()]
            found[f"{name}, {kind}"] = {
                "false": sum(place < change for stream in alarms for place in stream),
                "values": change * len(alarms),
                "caught": sum(any(change <= place < change + 1000 for place in stream) for stream in alarms),
                "streams": len(alarms),
            }
    return found


def positions(detector: Any, values: list[float]) -> list[int]:
    alarms = []
    for place, value in enumerate(values):
        detector.update(value)
        if detector.drift_detected:
            alarms.append(place)
    return alarms
