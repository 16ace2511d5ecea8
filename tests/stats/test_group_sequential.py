"""Limits for planned looks, against published constants and other ways to compute the same."""

import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import multivariate_normal, norm

from contlearn.exceptions import InvalidParameterError
from contlearn.stats import _brownian, group_sequential

# Jennison and Turnbull (2000), tables 2.1 and 2.3: two-sided; constants of Pocock and of O'Brien-Fleming
PUBLISHED = {
    0.10: {2: (1.875, 1.678), 3: (1.992, 1.710), 4: (2.067, 1.733), 5: (2.122, 1.751), 10: (2.27, 1.801)},
    0.05: {2: (2.178, 1.977), 3: (2.289, 2.004), 4: (2.361, 2.024), 5: (2.413, 2.040), 10: (2.555, 2.087)},
    0.01: {2: (2.772, 2.580), 3: (2.873, 2.595), 4: (2.939, 2.609), 5: (2.986, 2.621), 10: (3.117, 2.660)},
}
SHAPES = ("obrien-fleming", "pocock", "spending-obrien-fleming", "spending-pocock")


@pytest.mark.parametrize(("alpha", "looks"), [(alpha, k) for alpha in PUBLISHED for k in PUBLISHED[alpha]])
def test_the_published_constants_come_out_to_their_last_digit(alpha, looks):
    pocock, obrien_fleming = PUBLISHED[alpha][looks]
    found = group_sequential(looks, alpha, "pocock", "two-sided")
    assert set(found.bounds) == {found.bounds[0]}
    assert found.bounds[0] == pytest.approx(pocock, abs=5.01e-4)
    found = group_sequential(looks, alpha, "obrien-fleming", "two-sided")
    assert found.bounds[-1] == pytest.approx(obrien_fleming, abs=5.01e-4)
    np.testing.assert_allclose(np.array(found.bounds) * np.sqrt(found.fractions), found.bounds[-1])


def test_the_limits_that_lan_and_demets_spend_are_those_of_other_programs():
    """Five looks at one-sided 2.5 %, as in the manuals of rpact and gsDesign."""
    spent = group_sequential(5, 0.025, "spending-obrien-fleming").bounds
    np.testing.assert_allclose(spent, [4.877, 3.357, 2.680, 2.290, 2.031], rtol=0, atol=5.01e-4)
    spent = group_sequential(5, 0.025, "spending-pocock").bounds
    np.testing.assert_allclose(spent, [2.438, 2.427, 2.410, 2.397, 2.386], rtol=0, atol=5.01e-4)


def nested(bounds, times, drift=0.0):
    """Return the chance to cross only at the last of at most three looks, by adaptive quadrature."""
    scores = np.array(bounds) * np.sqrt(times)
    exact = {"epsabs": 1e-13, "epsrel": 1e-12, "limit": 200}

    def last(start, look):
        step = times[look] - (times[look - 1] if look else 0.0)
        return norm.sf((scores[look] - start - drift * step) / math.sqrt(step))

    def over(look, start, final):
        if look == final:
            return last(start, look)
        step = times[look] - (times[look - 1] if look else 0.0)
        mean, spread = start + drift * step, math.sqrt(step)
        low, high = mean - 9 * spread, min(scores[look], mean + 9 * spread)
        return quad(lambda u: norm.pdf(u, mean, spread) * over(look + 1, u, final), low, high, **exact)[0]

    return over(0, 0.0, len(bounds) - 1)


@pytest.mark.parametrize("drift", [0.0, 2.5])
@pytest.mark.parametrize("times", [(0.2, 1.0), (0.5, 0.55, 1.0), (0.1, 0.9, 1.0)])
def test_crossings_agree_with_adaptive_quadrature_to_1e_9(times, drift):
    bounds = (2.1, 1.9, 1.7)[: len(times)]
    found = _brownian.looks(times, bounds, False, drift)
    for last in range(1, min(len(times), 2) + 1):
        assert found[last - 1].crossing == pytest.approx(nested(bounds[:last], times[:last], drift), abs=1e-9)
    if len(times) == 2:
        return
    assert found[2].crossing == pytest.approx(by_bivariate(bounds, times, drift), abs=1e-9)


def by_bivariate(bounds, times, drift):
    """Return the chance to cross only at the third look, by one integral over a bivariate normal's parts."""
    scores = np.array(bounds) * np.sqrt(times)
    points, weights = np.polynomial.legendre.leggauss(400)

    def on(low, high):
        return 0.5 * (high - low) * points + 0.5 * (high + low), 0.5 * (high - low) * weights

    first, mass = on(drift * times[0] - 9 * math.sqrt(times[0]), scores[0])
    mass = mass * norm.pdf(first, drift * times[0], math.sqrt(times[0]))
    step, rest = times[1] - times[0], times[2] - times[1]
    total = 0.0
    for u, m in zip(first, mass, strict=True):
        mean = u + drift * step
        low, high = mean - 9 * math.sqrt(step), min(scores[1], mean + 9 * math.sqrt(step))
        if high <= low:
            continue
        second, inner = on(low, high)
        inner = inner * norm.pdf(second, mean, math.sqrt(step))
        total += m * inner @ norm.sf((scores[2] - second - drift * rest) / math.sqrt(rest))
    return total


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("alternative", ["one-sided", "two-sided"])
@pytest.mark.parametrize("looks", [1, 2, 5, [0.1, 0.15, 0.7, 1.0]])
def test_all_looks_together_spend_alpha(shape, alternative, looks):
    found = group_sequential(looks, 0.03, shape, alternative)
    assert found.spent[-1] == pytest.approx(0.03, abs=1e-11)
    assert list(found.spent) == sorted(found.spent)
    sides = 2.0 if alternative == "two-sided" else 1.0
    np.testing.assert_allclose(found.levels, sides * norm.sf(found.bounds))
    times = np.array(found.fractions)
    if len(times) == 4:  # the multivariate normal of scipy is good for about six digits
        shared = np.sqrt(np.minimum.outer(times, times) / np.maximum.outer(times, times))
        low = -np.array(found.bounds) if sides == 2.0 else np.full(4, -12.0)
        inside = multivariate_normal(np.zeros(4), shared, seed=0).cdf(found.bounds, lower_limit=low)
        assert 1.0 - inside == pytest.approx(0.03, abs=1e-4)


@pytest.mark.parametrize("shape", SHAPES)
def test_one_look_is_the_ordinary_test(shape):
    assert group_sequential(1, 0.05, shape).bounds == pytest.approx([norm.isf(0.05)])
    assert group_sequential(1, 0.05, shape).inflation == 1.0
    assert group_sequential(1, 0.05, shape, "two-sided").bounds == pytest.approx([norm.isf(0.025)])


def test_the_spending_functions_are_those_of_lan_and_demets():
    times = [0.25, 0.5, 1.0]
    early = group_sequential(times, 0.05, "spending-obrien-fleming").spent
    np.testing.assert_allclose(early, 2 * norm.sf(norm.isf(0.025) / np.sqrt(times)), rtol=1e-9)
    even = group_sequential(times, 0.05, "spending-pocock").spent
    np.testing.assert_allclose(even, 0.05 * np.log1p((math.e - 1) * np.array(times)), rtol=1e-9)


def test_the_inflation_gives_the_power_that_was_asked_for():
    """Against simulated walks of five looks."""
    rng = np.random.default_rng(1)
    steps = rng.standard_normal((200_000, 5)) / math.sqrt(5)
    times = np.arange(1, 6) / 5
    for shape in ("pocock", "obrien-fleming"):
        found = group_sequential(5, 0.05, shape, power=0.9)
        drift = (norm.isf(0.05) + norm.isf(0.1)) * math.sqrt(found.inflation)
        z = (np.cumsum(steps, axis=1) + drift * times) / np.sqrt(times)
        assert (z >= found.bounds).any(axis=1).mean() == pytest.approx(0.9, abs=0.004)
    # Jennison and Turnbull, tables 2.2 and 2.4: two-sided 5 %, five looks, power 0.8
    for shape, published in (("pocock", 1.228), ("obrien-fleming", 1.028)):
        assert group_sequential(5, 0.05, shape, "two-sided").inflation == pytest.approx(
            published, abs=5.01e-4
        )


def test_many_and_unequal_looks_stay_exact():
    found = group_sequential([0.001, 0.3, 0.3004, 0.31, 0.99, 1.0], 0.05, "pocock")
    assert found.spent[-1] == pytest.approx(0.05, abs=1e-11)
    times = np.array(found.fractions)
    rng = np.random.default_rng(2)
    score = np.cumsum(rng.standard_normal((400_000, 6)) * np.sqrt(np.diff(times, prepend=0.0)), axis=1)
    crossed = (score / np.sqrt(times) >= found.bounds).any(axis=1).mean()
    assert crossed == pytest.approx(0.05, abs=5 * math.sqrt(0.05 * 0.95 / 400_000))


@pytest.mark.parametrize(
    "parameters",
    [
        {"looks": 0}, {"looks": 101}, {"looks": 2.5}, {"looks": []}, {"looks": [0.5]}, {"looks": [0.5, 0.5]},
        {"looks": [0.7, 0.2, 1.0]}, {"looks": [0.0, 1.0]}, {"looks": [0.5, math.nan]}, {"looks": ["a", 1.0]},
        {"looks": [0.5, 0.50001, 1.0]}, {"looks": 5, "alpha": 0.5}, {"looks": 5, "alpha": math.nan},
        {"looks": 5, "shape": "haybittle"}, {"looks": 5, "alternative": "less"}, {"looks": 5, "power": 0.4},
    ],
)  # fmt: skip
def test_impossible_plans_are_refused(parameters):
    with pytest.raises(InvalidParameterError):
        group_sequential(**parameters)
