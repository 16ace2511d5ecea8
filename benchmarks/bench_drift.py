"""Batch detectors against the loops that people write without them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import numpy as np
from measure import Contest
from scipy import stats

from contlearn.drift import KS, MMD, ChiSquared


def contests() -> Iterator[Contest]:
    yield ks()
    yield chi_squared(np.asarray, "np.unique", least=20)
    yield chi_squared(as_text, "np.unique", least=20)
    yield chi_squared(np.asarray, "bincount", least=None)
    yield mmd()


def ks() -> Contest:
    """50 columns; the loop sorts the reference anew for every batch."""
    rng = np.random.default_rng(0)
    reference, batch = rng.normal(size=(100_000, 50)), rng.normal(size=(1000, 50))
    by_column = np.asfortranarray(reference), np.asfortranarray(batch)  # the loop reads columns
    detector = KS().fit(reference)

    def loop() -> list[float]:
        return [
            float(stats.ks_2samp(x, y).statistic)
            for x, y in zip(*(side.T for side in by_column), strict=True)
        ]

    scores = [part.score for part in detector.detect(batch).parts.values()]
    np.testing.assert_allclose(scores, loop(), rtol=0, atol=1e-12)
    return Contest(
        "KS.detect, 1,000 x 50, reference 100,000",
        "loop of scipy.stats.ks_2samp",
        lambda: detector.detect(batch),
        loop,
        least=20,
    )


def chi_squared(labels: Callable[[np.ndarray], np.ndarray], how: str, least: float | None) -> Contest:
    """30 columns of 2 to 50 levels; the loop counts the reference again for every batch."""
    rng = np.random.default_rng(1)
    levels = np.linspace(2, 50, 30).astype(int)
    reference, *batches = (
        {f"column {i}": labels(rng.integers(0, k, rows)) for i, k in enumerate(levels)}
        for rows in (100_000, *[1000] * 16)  # one batch in ten has a column whose p-value has to be drawn
    )
    detector, ours, theirs = ChiSquared().fit(reference), itertools.cycle(batches), itertools.cycle(batches)
    count = counted_codes if how == "bincount" else counted

    def loop() -> list[float]:
        batch = next(theirs)
        return [
            float(stats.chi2_contingency(count(reference[name], batch[name]), correction=False).pvalue)
            for name in reference
        ]

    kind = "text" if reference["column 0"].dtype == object else "integers"
    return Contest(
        f"ChiSquared.detect, 1,000 x 30 {kind}, reference 100,000",
        f"loop of {how} and scipy.stats.chi2_contingency",
        lambda: detector.detect(next(ours)),
        loop,
        least=least,
        rounds=3 if kind == "text" else 15,
    )


def counted(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Count categories that can be anything."""
    names, codes = np.unique(np.concatenate([x, y]), return_inverse=True)
    return np.stack([np.bincount(part, minlength=len(names)) for part in np.split(codes, [len(x)])])


def counted_codes(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Count categories that happen to be 0, 1, 2, ... already: the fastest that numpy can do."""
    size = int(max(x.max(), y.max())) + 1
    return np.stack([np.bincount(x, minlength=size), np.bincount(y, minlength=size)])


def as_text(codes: np.ndarray) -> np.ndarray:
    return np.array([f"level {i:03d}" for i in range(50)], dtype=object)[codes]


def mmd() -> Contest:
    """999 permutations of 1,000 against 1,000 rows; the loop re-indexes one kernel matrix for each.

    Of the loop 10 permutations are run and the time multiplied by 99.9. Its kernel matrix is ready made and
    not counted, and it has one kernel where MMD has six.
    """
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(1000, 32)), rng.normal(size=(1000, 32))
    rows = np.concatenate([x, y])
    squares = (rows**2).sum(axis=1)
    squared = np.maximum(squares[:, None] + squares - 2.0 * rows @ rows.T, 0.0)
    kernel = np.exp(-squared / (2.0 * np.median(squared)))
    np.fill_diagonal(kernel, 0.0)
    detector = MMD(n_permutations=999).fit(x)

    def statistic(matrix: np.ndarray, n: int) -> float:
        m = len(matrix) - n
        inside, outside = matrix[:n, :n].sum() / (n * (n - 1)), matrix[n:, n:].sum() / (m * (m - 1))
        return float(inside + outside - 2.0 * matrix[:n, n:].mean())

    def loop() -> list[float]:
        orders = (rng.permutation(len(rows)) for _ in range(10))
        return [statistic(kernel[order][:, order], len(x)) for order in orders]

    return Contest(
        "MMD.detect, 1,000 against 1,000 x 32, 999 permutations",
        "loop re-indexing its kernel (10 permutations x 99.9)",
        lambda: detector.detect(y),
        loop,
        least=100,
        theirs_done=10 / 999,
    )
