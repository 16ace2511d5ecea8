"""The same answer from partitions as from all rows, on engines that really run here.

joblib and Dask always run. Ray and Spark run where they are installed and can start; otherwise the report
names them as skipped, with the reason.
"""

import os
import shutil
import sys

import pandas as pd
import pytest

pytestmark = [pytest.mark.integrations, pytest.mark.filterwarnings("ignore")]


def test_joblib_processes_give_the_answer_of_all_rows(detector, batch, partitions, recipes):
    summary = recipes.with_joblib(detector, partitions)
    assert detector.detect(summary) == detector.detect(batch)


def test_joblib_workers_read_their_own_files(detector, batch, partitions, recipes, tmp_path):
    paths = [tmp_path / f"{i}.parquet" for i in range(len(partitions))]
    for path, part in zip(paths, partitions, strict=True):
        part.to_parquet(path)
    summary = recipes.with_joblib(detector, paths, load=pd.read_parquet)
    assert detector.detect(summary) == detector.detect(batch)


@pytest.mark.parametrize("scheduler", ["threads", "processes"])
def test_dask_partitions_give_the_answer_of_all_rows(detector, batch, recipes, scheduler):
    import dask
    import dask.dataframe

    frame = dask.dataframe.from_pandas(batch, npartitions=5)
    with dask.config.set(scheduler=scheduler):
        summary = recipes.with_dask(detector, frame)
    assert detector.detect(summary) == detector.detect(batch)


def test_ray_tasks_give_the_answer_of_all_rows(detector, batch, partitions, recipes):
    ray = pytest.importorskip("ray", reason="ray is not installed here: its recipe was not run")
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    try:
        summary = recipes.with_ray(detector, [ray.put(part) for part in partitions])
    finally:
        ray.shutdown()
    assert detector.detect(summary) == detector.detect(batch)


def test_spark_partitions_give_the_answer_of_all_rows(detector, batch, recipes):
    sql = pytest.importorskip("pyspark.sql", reason="pyspark is not installed here: its recipe was not run")
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        pytest.skip("Spark needs Java, which is not here: its recipe was not run")
    os.environ["PYSPARK_PYTHON"] = sys.executable
    builder = sql.SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    spark = builder.config("spark.driver.bindAddress", "127.0.0.1").getOrCreate()
    try:
        frame = spark.createDataFrame(batch).repartition(4)
        summary = recipes.with_spark(detector, frame)
        nothing = recipes.with_spark(detector, frame.filter("city = 'nowhere'"))
    finally:
        spark.stop()
    assert summary.n_rows == len(batch)
    assert detector.detect(summary) == detector.detect(batch)
    assert nothing.n_rows == 0
