"""Gates against the loops that people write without them, and a live update against an empty method call."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator

import numpy as np
from measure import Contest, Row
from sklearn.metrics import accuracy_score, f1_score, roc_auc_score

from contlearn.gates import MetricGain, SequentialGain, Trial
from contlearn.stats import delong

ROWS, RESAMPLES = 10_000, 10_000
LOOPED = {"accuracy": 10, "F1": 5, "AUC": 10}  # resamples of the loop that are run; the rest is extrapolated
MOST_MB = 10.0


def contests() -> Iterator[Contest]:
    y, scores, labels = models()
    yield bootstrap("accuracy", "accuracy", accuracy_score, y, labels, least=1000)
    yield bootstrap("F1", "f1", f1_score, y, labels, least=None)
    yield bootstrap("AUC", "roc_auc", roc_auc_score, y, scores, least=20)
    yield areas(y, *scores)
    yield from live()


def rows() -> Iterator[Row]:
    y, scores, _ = models()
    peak = peak_mb(lambda: delong(y, *scores))
    yield Row("delong, 10,000 rows, peak memory", "10 MB", f"{peak:.2f} MB", "10 MB", MOST_MB / peak, 1.0)


def models() -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Return labels, the scores of two models, and their predicted labels."""
    rng = np.random.default_rng(5)
    y = (rng.random(ROWS) < 0.3).astype(int)
    shared = y + rng.normal(size=ROWS)
    scores = tuple(shared + 0.5 * rng.normal(size=(2, ROWS)))
    return y, scores, tuple((score > 0.8).astype(int) for score in scores)


def bootstrap(
    name: str, metric: str, score: Callable[..., float], y: np.ndarray, models: tuple, least: float | None
) -> Contest:
    """Paired bootstrap of a difference; the loop draws rows and asks scikit-learn."""
    nothing = np.zeros(ROWS)
    trial = Trial(nothing, nothing, y=y, champion=models[0], challenger=models[1])
    gate = MetricGain(metric, n_resamples=RESAMPLES)
    times, rng = LOOPED[name], np.random.default_rng(6)

    def loop() -> list[float]:
        found = []
        for _ in range(times):
            drawn = rng.integers(0, ROWS, ROWS)
            found.append(score(y[drawn], models[1][drawn]) - score(y[drawn], models[0][drawn]))
        return found

    np.testing.assert_allclose(
        gate(trial).gain.estimate, score(y, models[1]) - score(y, models[0]), atol=1e-12
    )
    return Contest(
        f'MetricGain("{metric}"), 10,000 resamples of 10,000 rows',
        f"loop of sklearn.metrics.{score.__name__} (from {times} resamples)",
        lambda: gate(trial),
        loop,
        least=least,
        rounds=5,
        theirs_done=times / RESAMPLES,
    )


def areas(y: np.ndarray, score_a: np.ndarray, score_b: np.ndarray) -> Contest:
    """DeLong's test; the table compares every positive with every negative."""

    def table() -> float:
        placed = []
        for scores in (score_a, score_b):
            above, below = scores[y == 1][:, None], scores[y == 0][None, :]
            kernel = (above > below) + 0.5 * (above == below)
            placed.append((kernel.mean(axis=1), kernel.mean(axis=0)))
        gaps = [one - other for one, other in zip(*placed, strict=True)]
        return float(gaps[0].mean() / np.sqrt(sum(gap.var(ddof=1) / gap.size for gap in gaps)))

    np.testing.assert_allclose(delong(y, score_a, score_b).statistic, table(), rtol=1e-9)
    return Contest(
        "delong, 10,000 rows",
        "table of all pairs",
        lambda: delong(y, score_a, score_b),
        table,
        least=40,
        rounds=7,
    )


def peak_mb(call: Callable[[], object]) -> float:
    call()  # what is loaded the first time is not counted
    tracemalloc.start()
    call()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak / 1e6


LIVE = 10_000


class Empty:
    def update(self, champion_loss: float, challenger_loss: float) -> None:
        pass


def live() -> Iterator[Contest]:
    """One row at a time; an alpha that is never reached, since a decision would end the work."""
    rng = np.random.default_rng(7)
    drawn = rng.random(LIVE)
    pairs = {
        "zero-one losses": ((drawn < 0.03).astype(float), (drawn > 0.97).astype(float)),
        "Brier scores": (rng.beta(2, 8, LIVE), rng.beta(2, 8, LIVE)),
    }
    for name, (champion, challenger) in pairs.items():
        rows = list(zip(champion.tolist(), challenger.tolist(), strict=True))
        yield Contest(
            f"SequentialGain.update, a row of {name}",
            "an empty method call",
            one_by_one(SequentialGain(alpha=1e-12), rows),
            one_by_one(Empty(), rows),
            least=1 / 60,
            ours_done=LIVE,
            theirs_done=LIVE,
        )


def one_by_one(gate: SequentialGain | Empty, rows: list[tuple[float, float]]) -> Callable[[], None]:
    def work() -> None:
        if isinstance(gate, SequentialGain):
            gate.reset()
        update = gate.update
        for champion_loss, challenger_loss in rows:
            update(champion_loss, challenger_loss)

    return work
