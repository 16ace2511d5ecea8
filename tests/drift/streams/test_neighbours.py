"""Do neighbours depend on each other? Said wrongly in one of 400 answers at most, whatever the values are."""

import numpy as np
import pytest

from contlearn.drift import DistributionDetector, RankCUSUM
from contlearn.drift._streams._neighbours import lag_one, ranks

N = 2_000
MOST = 16  # of 2,000 answers: a binomial law with mean 5 goes beyond it in one of 100,000

LAWS = {
    "normal": lambda rng: rng.normal(size=1_000),
    "one in 10": lambda rng: rng.random(1_000) < 0.1,
    "one in 100": lambda rng: rng.random(1_000) < 0.01,
    "one in 300": lambda rng: rng.random(1_000) < 0.003,
    "cubes": lambda rng: rng.poisson(0.02, 1_000) ** 3,
}


@pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
def test_independent_values_are_remarked_upon_once_in_400_answers(law):
    found = sum(lag_one([ranks(law(np.random.default_rng(seed)) * 1.0)]) is not None for seed in range(N))
    assert found <= MOST


def test_a_table_is_remarked_upon_as_seldom_as_one_column():
    """With 20 columns, each is asked for a twentieth of the errors."""
    rng = np.random.default_rng(0)
    found = 0
    for _ in range(N):
        columns = rng.normal(size=(20, 300))
        found += any(lag_one([ranks(column)], questions=20) is not None for column in columns)
    assert found <= MOST


def test_rare_values_that_come_in_pairs_are_remarked_upon():
    rng = np.random.default_rng(1)
    values = np.zeros(1_000)
    values[rng.choice(499, 10, replace=False) * 2] = 1.0
    assert lag_one([ranks(values)]) is None
    values[1:] += values[:-1]
    assert lag_one([ranks(values)]) > 0.4


@pytest.mark.parametrize("detector", [DistributionDetector, RankCUSUM])
def test_detectors_say_so_of_their_reference(detector):
    noise = np.random.default_rng(22).normal(size=1_001)
    assert detector().fit(noise).result.remarks == ()
    assert "lag-1 correlation" in detector().fit(noise[1:] + noise[:-1]).result.remarks[0]
