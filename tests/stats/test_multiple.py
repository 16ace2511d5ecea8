"""Corrections for many tests against published tables and their definitions."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import false_discovery_control

from contlearn.exceptions import InvalidInputError, InvalidParameterError
from contlearn.stats import adjust

METHODS = ("holm", "bonferroni", "hochberg", "bh", "by")

# Benjamini & Hochberg (1995), section 4.1: thrombolysis after infarction, 15 endpoints
INFARCTION = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459]
INFARCTION += [0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0]

some = st.lists(st.floats(0, 1), min_size=1, max_size=12)


def test_holms_method_on_the_published_table():
    assert adjust([0.01, 0.04, 0.03, 0.005], "holm") == pytest.approx([0.03, 0.06, 0.06, 0.02])


@pytest.mark.parametrize(("method", "rejected"), [("bonferroni", 3), ("holm", 3), ("hochberg", 3), ("bh", 4)])
def test_infarction_table_is_rejected_as_published(method, rejected):
    assert int(np.sum(adjust(INFARCTION, method) <= 0.05)) == rejected


@given(some)
@settings(derandomize=True, deadline=None, max_examples=60)
def test_bh_and_by_are_scipys(p):
    assert adjust(p, "bh") == pytest.approx(false_discovery_control(p, method="bh"))
    assert adjust(p, "by") == pytest.approx(false_discovery_control(p, method="by"))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6))
@settings(derandomize=True, deadline=None, max_examples=60)
def test_holm_is_the_closure_of_bonferroni_and_hochberg_is_within_that_of_simes(p):
    tests = range(len(p))
    sets = [group for size in tests for group in combinations(tests, size + 1)]

    def closed(test):
        return [max(test(sorted(p[j] for j in group)) for group in sets if i in group) for i in tests]

    bonferroni = closed(lambda group: min(1.0, len(group) * group[0]))
    simes = closed(lambda group: min(len(group) * q / (rank + 1) for rank, q in enumerate(group)))
    assert adjust(p, "holm") == pytest.approx(bonferroni)
    assert (adjust(p, "hochberg") >= np.array(simes) - 1e-12).all()
    assert (adjust(p, "hochberg") <= adjust(p, "holm") + 1e-12).all()


@given(some, st.sampled_from(METHODS), st.randoms(use_true_random=False))
@settings(derandomize=True, deadline=None, max_examples=100)
def test_adjusting_keeps_order_never_lowers_and_does_not_depend_on_positions(p, method, random):
    adjusted = adjust(p, method)
    assert (adjusted >= np.array(p) - 1e-15).all()
    assert (adjusted <= 1.0).all()
    assert (np.diff(adjusted[np.argsort(p, kind="stable")]) >= -1e-15).all()
    order = random.sample(range(len(p)), len(p))
    assert adjust([p[i] for i in order], method) == pytest.approx(adjusted[order])


@given(some)
@settings(derandomize=True, deadline=None, max_examples=40)
def test_the_smallest_bh_p_value_is_simes_global_one(p):
    simes = min(len(p) * q / (rank + 1) for rank, q in enumerate(sorted(p)))
    assert adjust(p, "bh").min() == pytest.approx(min(1.0, simes))


@pytest.mark.parametrize("method", [*METHODS, None])
def test_one_test_none_at_all_and_the_callers_array_are_left_alone(method):
    assert adjust([0.2], method).tolist() == [0.2]
    assert adjust([], method).tolist() == []
    p = np.array([0.3, 0.1])
    adjust(p, method)[:] = 7.0
    assert p.tolist() == [0.3, 0.1]


def test_p_values_that_are_none_and_methods_that_do_not_exist_are_refused():
    for wrong in ([0.1, 1.2], [-0.1], [np.nan], [0.1, None]):
        with pytest.raises(InvalidInputError, match="between 0 and 1"):
            adjust(wrong, "holm")
    for wrong in ([[0.1]], 0.1, ["0.1"]):
        with pytest.raises(InvalidInputError, match="p_values must"):
            adjust(wrong, "holm")
    with pytest.raises(InvalidParameterError, match="method must be one of"):
        adjust([0.1], "sidak")
