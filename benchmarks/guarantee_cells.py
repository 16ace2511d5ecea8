"""Which detector is measured on which data at which sizes, and how one such cell is measured."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

from contlearn import drift
from contlearn.testing import certify

ALPHA = 0.05
TAIL = 1e-6
SIZES = ((30, 30), (150, 30), (300, 300), (1500, 300))
FEWER_SIZES = ((30, 30), (150, 30), (300, 300))


class Cell(NamedTuple):
    """One entry of a table."""

    detector: str
    data: str
    n_reference: int
    n_current: int
    repetitions: int

    @property
    def key(self) -> str:
        return f"{self.detector} | {self.data} | {self.n_reference}/{self.n_current}"


def rounded(x: Any) -> Any:
    return np.round(2.0 * x) / 2.0


NUMBERS: dict[str, Callable[[np.random.Generator, Any], Any]] = {
    "continuous": lambda rng, shape: rng.normal(size=shape),
    "rounded to half a standard deviation": lambda rng, shape: rounded(rng.normal(size=shape)),
    "Poisson, mean 1": lambda rng, shape: rng.poisson(1.0, size=shape).astype(float),
}


def shares(*weights: float) -> Callable[[np.random.Generator, Any], Any]:
    p = np.array(weights) / sum(weights)
    return lambda rng, shape: rng.choice(len(p), size=shape, p=p).astype(str)


CATEGORIES = {
    "2 equal": shares(1, 1),
    "10 equal": shares(*[1] * 10),
    "one dominant, nine rare": shares(0.91, *[0.01] * 9),
    "100 by Zipf's law": shares(*(1 / rank for rank in range(1, 101))),
}


def columns(law: Callable[[np.random.Generator, Any], Any], width: int) -> Callable[..., Any]:
    """Return a function that draws a table: one column as a dictionary, several as an array."""
    if width == 1:
        return lambda rng, rows: {"x": law(rng, rows)}
    return lambda rng, rows: law(rng, (rows, width))


def mixed(rng: np.random.Generator, rows: int, correlation: float) -> dict[str, Any]:
    """Twenty columns, fourteen of numbers and six of categories, all with the same correlation."""
    common = rng.normal(size=(rows, 1))
    x = np.sqrt(correlation) * common + np.sqrt(1.0 - correlation) * rng.normal(size=(rows, 20))
    words = np.array(["low", "middle", "high", "top"], dtype=object)
    table: dict[str, Any] = {f"number {i}": x[:, i] for i in range(14)}
    return table | {f"word {i}": words[np.digitize(x[:, i], [-1.0, 0.0, 1.0])] for i in range(14, 20)}


def by_column(correction: str) -> Any:
    numeric, categorical = drift.KS(tolerance=0.0), drift.ChiSquared(tolerance=0.0)
    return drift.ByColumn(numeric, categorical, correction=correction)


ORDERED = {
    "KS": lambda: drift.KS(tolerance=0.0),
    "CramerVonMises": drift.CramerVonMises,
    "Wasserstein": drift.Wasserstein,
    "PSI": drift.PSI,
    "JensenShannon": drift.JensenShannon,
}
UNORDERED = {
    "ChiSquared": lambda: drift.ChiSquared(tolerance=0.0),
    'ChiSquared(statistic="g")': lambda: drift.ChiSquared(statistic="g", tolerance=0.0),
    'ChiSquared(statistic="cressie-read")': lambda: drift.ChiSquared(statistic="cressie-read", tolerance=0.0),
    "PSI": drift.PSI,
    "JensenShannon": drift.JensenShannon,
}
JOINT = {
    "MMD": drift.MMD,
    'MMD(method="cross")': lambda: drift.MMD(method="cross"),
    'MMD(method="features")': lambda: drift.MMD(method="features"),
    "Energy": drift.Energy,
}
SLOW = {
    "DomainClassifier": drift.DomainClassifier,
    "ConditionalDrift": drift.ConditionalDrift,
}
TABLES = {'ByColumn(correction="holm")': "holm", 'ByColumn(correction="westfall-young")': "westfall-young"}
DATA: dict[str, Callable[..., Any]] = {
    **{name: columns(law, 1) for name, law in NUMBERS.items()},
    **{name: columns(law, 1) for name, law in CATEGORIES.items()},
    **{f"4 columns, {name}": columns(law, 4) for name, law in NUMBERS.items()},
    "20 columns, uncorrelated": lambda rng, rows: mixed(rng, rows, 0.0),
    "20 columns, correlation 0.7": lambda rng, rows: mixed(rng, rows, 0.7),
}
WIDE = [data for data in DATA if data.startswith("4 columns")]
MAKERS: dict[str, Callable[[], Any]] = {
    **ORDERED,
    **UNORDERED,
    **JOINT,
    **SLOW,
    **{name: (lambda correction=correction: by_column(correction)) for name, correction in TABLES.items()},
}
CELLS = [
    *(
        Cell(each, data, *size, 500)
        for each in SLOW
        for data in DATA
        if data[:2] == "4 "
        for size in FEWER_SIZES
    ),
    *(
        Cell(each, data, *size, 2000)
        for each in JOINT
        for data in DATA
        if data[:2] == "4 "
        for size in FEWER_SIZES
    ),
    *(Cell(each, data, 150, 80, 2000) for each in TABLES for data in DATA if data[:3] == "20 "),
    *(Cell(each, data, *size, 2000) for each in ORDERED for data in NUMBERS for size in SIZES),
    *(
        Cell(each, data, *size, 2000)
        for each in UNORDERED
        for data in CATEGORIES
        for size in SIZES
        if data != "100 by Zipf's law" or each == "ChiSquared"
    ),
]


def measure(cell: Cell) -> dict[str, float]:
    """Return the measured rate, the upper end of its band, and the largest rate that ties leave possible."""
    draw = DATA[cell.data]
    certificate = certify(
        MAKERS[cell.detector](),
        draw,
        n_reference=cell.n_reference,
        n_current=cell.n_current,
        repetitions=cell.repetitions,
        shifts=(),
        rng=1,
    )
    return {
        "rate": certificate.false_alarms.estimate,
        "undecided": certificate.undecided,
        "highest": float(stats.binom.ppf(1.0 - TAIL, cell.repetitions, ALPHA)) / cell.repetitions,
        "attainable": attainable(cell, draw),
        "seconds": certificate.detect_seconds,
    }


class Sight(NamedTuple):
    """A detector whose power is measured: on which data, and how often."""

    detector: str
    data: str
    repetitions: int = 200
    power_repetitions: int = 100

    @property
    def key(self) -> str:
        return f"{self.detector} | {self.data} | power"


POWER_SIZES = (2000, 200)
SIGHTS = [
    *(Sight(each, "continuous") for each in ORDERED),
    *(Sight(each, "10 equal") for each in UNORDERED),
    *(Sight(each, "4 columns, continuous") for each in JOINT),
    *(Sight(each, "4 columns, continuous", 100, 40) for each in SLOW),
    *(Sight(each, "20 columns, correlation 0.7", 100, 40) for each in TABLES),
]


def look(sight: Sight) -> dict[str, Any]:
    """Return what a detector finds in 80 % of batches, and its time."""
    certificate = certify(
        MAKERS[sight.detector](),
        DATA[sight.data],
        n_reference=POWER_SIZES[0],
        n_current=POWER_SIZES[1],
        repetitions=sight.repetitions,
        power_repetitions=sight.power_repetitions,
        rng=3,
    )
    return {
        "detectable": certificate.detectable,
        "fit_seconds": certificate.fit_seconds,
        "detect_seconds": certificate.detect_seconds,
        "text": str(certificate),
    }


def attainable(cell: Cell, draw: Callable[..., Any], samples: int = 100, relabelings: int = 4000) -> float:
    """Return the mean of the largest levels below `ALPHA` that relabelings of such samples can attain."""
    distance = _STATISTICS.get(cell.detector)
    binned = cell.detector in ("PSI", "JensenShannon") and cell.data in NUMBERS
    if distance is None or binned or cell.data.startswith(("continuous", "4 ", "20 ")):
        return ALPHA
    rng = np.random.default_rng(2)
    levels = []
    for _ in range(samples):
        pooled = np.concatenate([draw(rng, cell.n_reference)["x"], draw(rng, cell.n_current)["x"]])
        values, counts = np.unique(pooled, return_counts=True)
        after = rng.multivariate_hypergeometric(counts, cell.n_current, size=relabelings)
        found = np.sort(np.round(distance(values, counts - after, after), 9))[::-1]
        ends = np.flatnonzero(np.diff(found, append=-1.0)) + 1  # so many are as far off or farther
        levels.append(max((end / relabelings for end in ends if end <= ALPHA * relabelings), default=0.0))
    return float(np.mean(levels))


def _gaps(before: Any, after: Any) -> Any:
    n, m = before.sum(axis=1, keepdims=True), after.sum(axis=1, keepdims=True)
    return np.cumsum(before / n - after / m, axis=1)


def _divergence(power: float) -> Callable[..., Any]:
    """Return the statistic of Cressie and Read: 1 is Pearson's, 2/3 theirs, 0 stands for G."""

    def distance(values: Any, before: Any, after: Any) -> Any:
        total = 0.0
        pooled = (before + after)[0]
        for side in (before, after):
            expected = pooled * side.sum(axis=1, keepdims=True) / pooled.sum()
            ratio = side / expected
            total = total + (
                2.0 * np.where(side > 0, side * np.log(np.maximum(ratio, 1e-300)), 0.0)
                if power == 0.0
                else 2.0 / (power * (power + 1.0)) * side * (ratio**power - 1.0)
            ).sum(axis=1)
        return total

    return distance


def _index(jensen_shannon: bool) -> Callable[..., Any]:
    """Return PSI or Jensen-Shannon of categories; those without a reference row share a bin."""

    def distance(values: Any, before: Any, after: Any) -> Any:
        seen = before > 0
        unseen = np.where(seen, 0, after).sum(axis=1, keepdims=True)
        bins = seen.sum(axis=1, keepdims=True) + 1
        p = (np.hstack([before, 0 * unseen]) + 0.5) / (before.sum(axis=1, keepdims=True) + 0.5 * bins)
        q = (np.hstack([np.where(seen, after, 0), unseen]) + 0.5) / (
            after.sum(axis=1, keepdims=True) + 0.5 * bins
        )
        used = np.hstack([seen, np.ones_like(seen[:, :1])])
        if jensen_shannon:
            middle = (p + q) / 2.0
            terms = (p * np.log(p / middle) + q * np.log(q / middle)) / 2.0
        else:
            terms = (p - q) * np.log(p / q)
        return np.where(used, terms, 0.0).sum(axis=1)

    return distance


_STATISTICS: dict[str, Callable[..., Any]] = {
    "KS": lambda values, before, after: np.abs(_gaps(before, after)).max(axis=1),
    "CramerVonMises": lambda values, before, after: (_gaps(before, after) ** 2) @ (before + after)[0],
    "Wasserstein": lambda values, before, after: np.abs(_gaps(before, after)[:, :-1]) @ np.diff(values),
    "ChiSquared": _divergence(1.0),
    'ChiSquared(statistic="g")': _divergence(0.0),
    'ChiSquared(statistic="cressie-read")': _divergence(2.0 / 3.0),
    "PSI": _index(jensen_shannon=False),
    "JensenShannon": _index(jensen_shannon=True),
}
