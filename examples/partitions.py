"""A drift check where the rows are: each partition is summarized in place, and only summaries travel.

    python examples/partitions.py

runs it with joblib; the functions below are the same three lines for Dask, Ray and Spark.
"""

from __future__ import annotations

import functools
import pickle
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pandas as pd

from contlearn.drift import ByColumn, Summary


def merged(summaries: Iterable[Summary]) -> Summary:
    """Put the summaries of all partitions together; their order does not matter."""
    return functools.reduce(Summary.merge, summaries)


def with_joblib(detector: Any, partitions: Iterable[Any], load: Any = None) -> Summary:
    """Summarize in processes; `load` reads a partition there (a path, say), so that no row is sent."""
    from joblib import Parallel, delayed

    def summarize(partition: Any) -> Summary:
        return detector.summarize(partition if load is None else load(partition))

    return merged(Parallel(n_jobs=2)(delayed(summarize)(each) for each in partitions))


def with_dask(detector: Any, frame: Any) -> Summary:
    """Summarize the partitions of a Dask data frame where they lie."""
    import dask

    tasks = [dask.delayed(detector.summarize)(part) for part in frame.to_delayed()]
    return merged(dask.compute(*tasks))


def with_ray(detector: Any, blocks: Iterable[Any]) -> Summary:
    """Summarize blocks of rows, or references to them in Ray's object store, by tasks."""
    import ray

    shared = ray.put(detector)  # sent once to each node, not once to each task
    task = ray.remote(lambda fitted, block: fitted.summarize(block))
    return merged(ray.get([task.remote(shared, block) for block in blocks]))


def with_spark(detector: Any, frame: Any) -> Summary:
    """Summarize the partitions of a Spark data frame by `mapInPandas`; a summary is one binary cell."""

    def summarize(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for batch in batches:
            yield pd.DataFrame({"summary": [pickle.dumps(detector.summarize(batch))]})

    rows = frame.mapInPandas(summarize, "summary binary").collect()
    if not rows:
        return detector.summarize(pd.DataFrame(columns=frame.columns))
    return merged(pickle.loads(bytes(row.summary)) for row in rows)


def main() -> None:
    """Check a batch of four partitions, the last of which has changed."""
    rng = np.random.default_rng(0)

    def table(rows: int, mean: float = 0.0) -> pd.DataFrame:
        return pd.DataFrame(
            {"amount": rng.normal(mean, 1.0, rows), "city": rng.choice(["Oslo", "Rome"], rows)}
        )

    detector = ByColumn().fit(table(5000))
    partitions = [table(300), table(300), table(10), table(300, mean=1.0)]
    summary = with_joblib(detector, partitions)
    print(summary)
    print(detector.detect(summary))


if __name__ == "__main__":
    main()
