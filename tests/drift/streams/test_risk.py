"""RiskDetector: array form and loop, its promise in small, limits, refusals, and what it says of a change."""

import math
import pickle
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contlearn.drift import DriftState, RiskDetector
from contlearn.drift._streams import _changed, _risk_bets, _risk_limit
from contlearn.exceptions import InvalidInputError, InvalidParameterError, NotFittedError

FORMS = [
    {},
    {"side": "both"},
    {"run_length": 30},
    {"run_length": None, "alpha": 0.3},
    {"run_length": None, "alpha": 0.3, "side": "both"},
]
BAD = [
    math.nan, math.inf, -math.inf, -1e-300, 1.0000001, 1e308, 2, -1, None, "0.5", b"1", 1j, [], {}, np.nan,
    np.array([0.5]), np.float32(2.0), 10**400, object(),
]  # fmt: skip


def state(detector):
    return {
        name: value.tolist() if isinstance(value, np.ndarray) else value
        for name, value in vars(detector).items()
    }


def rises(rng, kind, n=6000):
    """Return losses that are at a mean of 0.1, rise, and fall; alarms are among them."""
    mean = np.select([np.arange(n) % 3000 < 2300, np.arange(n) % 3000 < 2500], [0.1, 0.5], 0.02)
    return rng.random(n) < mean if kind == "zeros and ones" else rng.beta(0.5, 0.5 * (1 - mean) / mean)


# -- array form ----------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS, ids=str)
@pytest.mark.parametrize("kind", ["zeros and ones", "beta"])
@settings(derandomize=True, deadline=None, max_examples=8)
@given(seed=st.integers(0, 10**6), sizes=st.lists(st.integers(1, 2500), min_size=1, max_size=6))
def test_many_losses_leave_the_state_of_one_by_one_to_the_last_bit(form, kind, seed, sizes):
    losses = rises(np.random.default_rng(seed), kind)
    one, many = RiskDetector(0.1, **form), RiskDetector(0.1, **form)
    expected = []
    for position, loss in enumerate(losses.tolist()):
        one.update(loss)
        if one.drift_detected:
            expected.append(position)
    found, start, turn = [], 0, 0
    while start < len(losses):
        size = sizes[turn % len(sizes)]
        found += [start + position for position in many.update_many(losses[start : start + size])]
        start, turn = start + size, turn + 1
    assert found == expected
    assert state(many) == state(one)
    assert many.result == one.result


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_updates_and_arrays_may_alternate(form):
    losses = rises(np.random.default_rng(3), "zeros and ones")
    one, mixed = RiskDetector(0.1, **form), RiskDetector(0.1, **form)
    one.update_many(losses)
    for start in range(0, len(losses), 50):
        for loss in losses[start : start + 7]:
            mixed.update(loss)
        mixed.update_many(losses[start + 7 : start + 50])
    assert state(mixed) == state(one)


@pytest.mark.parametrize("side", ["above", "both"])
@pytest.mark.parametrize("promise", [{"run_length": 1e12}, {"run_length": None, "alpha": 1e-12}], ids=str)
def test_blocks_end_alike_where_no_alarm_begins_anew(promise, side):
    losses = np.random.default_rng(1).random(3500) < 0.1
    one, many = (RiskDetector(0.1, side=side, **promise) for _ in range(2))
    for loss in losses.tolist():
        one.update(loss)
    assert many.update_many(losses) == []
    assert state(many) == state(one)
    assert (len(one._block), one._before.size, len(one._older)) == (428, 1024, 2)


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_evidence_is_the_recursion_of_the_paper(form):
    detector, losses = RiskDetector(0.1, **form), np.random.default_rng(0).beta(1, 9, 3000)
    signs = [1.0, -1.0] if form.get("side") == "both" else [1.0]
    wealth = {sign: [0.0] * 5 for sign in signs}
    since = 0
    for loss in losses.tolist():
        detector.update(loss)
        since += 1
        stake = 1.0 if "alpha" not in form else 1.0 / (since * (since + 1))
        for sign in signs:
            room = 0.1 if sign > 0 else 0.9
            sizes = [min(share / room, 3.0) for share in _risk_bets.SHARES]
            wealth[sign] = [
                (1.0 + size * sign * (loss - 0.1)) * (each + stake)
                for size, each in zip(sizes, wealth[sign], strict=True)
            ]
        assert detector.result.score == pytest.approx(np.mean(list(wealth.values())), rel=1e-9)
        if detector.drift_detected:
            wealth, since = {sign: [0.0] * 5 for sign in signs}, 0


@pytest.mark.parametrize(
    "values",
    [
        [True, False, True],
        [1, 0, 1],
        [1.0, 0.0, 1.0],
        np.array([True, False, True]),
        np.array([1, 0, 1], dtype=np.int8),
        np.array([1, 0, 1], dtype=np.float32),
        np.array([True, 0, 1.0], dtype=object),
    ],
    ids=repr,
)
def test_zeros_and_ones_may_come_in_any_type(values):
    plain, one, many = RiskDetector(0.1), RiskDetector(0.1), RiskDetector(0.1)
    plain.update_many([1.0, 0.0, 1.0])
    many.update_many(values)
    for value in values:
        one.update(value)
    assert state(one) == state(many) == state(plain)


def test_a_loss_only_of_zeros_or_ones_neither_vanishes_nor_overflows():
    for limit in (1e-9, 0.1, 0.5, 1.0 - 1e-9):
        for side in ("above", "both"):
            quiet = RiskDetector(limit, run_length=1e300, side=side)
            quiet.update_many(np.zeros(5000))
            quiet.update_many(np.ones(5000))
            assert quiet.result.score is None or quiet.result.score > 0.0


# -- the promise ---------------------------------------------------------------


def test_evidence_gains_nothing_on_average_while_the_mean_is_at_the_limit():
    for limit in (0.001, 0.1, 0.5, 0.99):
        sizes = np.array(_risk_bets.bets(limit))
        mean = limit * np.array(_risk_bets.factors(tuple(sizes), 1.0 - limit)) + (1.0 - limit) * np.array(
            _risk_bets.factors(tuple(sizes), -limit)
        )
        np.testing.assert_allclose(mean, 1.0, rtol=1e-12)
        assert min(_risk_bets.factors(tuple(sizes), -limit)) >= 0.6 - 1e-12


def test_a_rise_is_found_and_a_fall_only_by_two_sides():
    rng = np.random.default_rng(0)
    at, up, down = (rng.random(2000) < mean for mean in (0.1, 0.2, 0.03))
    for detector, found in (
        (RiskDetector(0.1), (True, False)),
        (RiskDetector(0.1, side="both"), (True, True)),
    ):
        for after, expected in zip((up, down), found, strict=True):
            fresh = detector.clone()
            assert fresh.update_many(at) == []
            assert bool(fresh.update_many(after)) is expected


def test_warnings_come_before_alarms_and_never_with_them():
    detector, seen = RiskDetector(0.1), []
    for loss in np.random.default_rng(2).random(500) < 0.4:
        detector.update(loss)
        assert not (detector.warning_detected and detector.drift_detected)
        seen.append(detector.result.state)
        if detector.drift_detected:
            break
    assert seen.index(DriftState.WARNING) < seen.index(DriftState.DRIFT)
    detector.update(False)
    assert (detector.drift_detected, detector.result.state) == (False, DriftState.STABLE)
    assert detector.result.n_current == 1


def test_warnings_have_a_run_length_of_their_own():
    losses = np.random.default_rng(0).random(300) < 0.3
    early, late = RiskDetector(0.1, warning_run_length=50), RiskDetector(0.1, warning_run_length=5000)
    first = {}
    for name, detector in (("early", early), ("late", late)):
        for position, loss in enumerate(losses):
            detector.update(loss)
            if detector.warning_detected:
                first[name] = position
                break
    assert first["early"] < first["late"]


# -- limits --------------------------------------------------------------------


@pytest.mark.parametrize(("ones", "n"), [(0, 50), (3, 50), (40, 500), (499, 500)])
def test_the_limit_of_zeros_and_ones_is_that_of_clopper_and_pearson(ones, n):
    from scipy.stats import binom

    limit = RiskDetector().fit(np.arange(n) < ones).limit_
    assert binom.cdf(ones, n, limit) == pytest.approx(0.05, rel=1e-6)


def test_limits_of_other_losses_hold_and_are_close():
    rng = np.random.default_rng(0)
    limits = np.array([RiskDetector().fit(rng.beta(1, 9, 300)).limit_ for _ in range(200)])
    assert (limits < 0.1).sum() <= 22  # 5 % of 200; one in a thousand would be above 22
    assert limits.mean() < 0.125


def test_no_stake_knows_the_loss_it_is_put_on():
    losses = np.random.default_rng(1).beta(2, 5, 50)
    for position in (0, 20, 49):
        other = np.where(np.arange(50) < position, losses, 1.0 - losses)
        stakes, others = (_risk_limit._stakes(each, 3.0) for each in (losses, other))
        np.testing.assert_array_equal(stakes[: position + 1], others[: position + 1])


def test_a_bound_by_betting_is_where_the_wealth_ends():
    losses = np.random.default_rng(1).beta(2, 5, 100)
    bound = _risk_limit.upper_bound(losses, 0.9)
    stakes = _risk_limit._stakes(losses, math.log(10.0))
    wealth = [np.prod(1.0 + stakes[:k] * (bound - losses[:k])) for k in range(1, 101)]
    assert max(wealth) == pytest.approx(10.0, rel=1e-6)


def test_a_learned_limit_is_kept_by_reset_and_forgotten_by_a_clone():
    detector = RiskDetector(tolerance=0.02).fit(np.arange(500) < 50)
    limit = detector.limit_
    assert limit == RiskDetector().fit(np.arange(500) < 50).limit_ + 0.02
    assert detector.lower_limit_ is None
    detector.update_many(np.ones(30))
    detector.reset()
    assert detector.limit_ == limit
    assert detector.result.n_reference == 500
    assert detector.result.n_current == 0
    with pytest.raises(NotFittedError, match="limit"):
        _ = detector.clone().limit_


def test_two_sides_learn_two_limits():
    detector = RiskDetector(side="both").fit(np.arange(500) < 50)
    assert detector.lower_limit_ < 0.1 < detector.limit_
    assert detector.limit_ > RiskDetector().fit(np.arange(500) < 50).limit_  # each side at half the error
    assert RiskDetector(0.1, side="both").lower_limit_ == 0.1
    sole = RiskDetector(side="both").fit(np.zeros(500))  # nothing can fall below 0
    assert sole.update_many(np.ones(100))
    assert sole.update_many(np.zeros(5000)) == []


def test_with_alpha_the_learned_limit_takes_half_of_it():
    reference = np.arange(500) < 50
    lifelong = RiskDetector(run_length=None, alpha=0.1).fit(reference)
    assert lifelong.limit_ == RiskDetector(confidence=0.95).fit(reference).limit_
    assert lifelong.result.threshold == pytest.approx(20.0)
    assert RiskDetector(0.1, run_length=None, alpha=0.1).result.threshold == pytest.approx(10.0)


def test_without_a_limit_nothing_is_said_and_nothing_taken():
    detector = RiskDetector()
    for ask in (lambda: detector.update(1), lambda: detector.update(0.5), lambda: detector.update_many([1])):
        with pytest.raises(NotFittedError, match="fit"):
            ask()
    assert detector.result.state is DriftState.UNDECIDED
    assert not detector.drift_detected


def test_fit_refuses_what_cannot_be_a_reference():
    with pytest.raises(InvalidParameterError, match="limit must be None"):
        RiskDetector(0.1).fit([0, 1])
    fitted = RiskDetector().fit(np.arange(100) < 10)
    before = state(fitted)
    for losses, words in (([], "at least one"), ([0.5, math.nan], r"losses\[1\]"), ([1, 1, 1], "room")):
        with pytest.raises(InvalidInputError, match=words):
            fitted.fit(losses)
        assert state(fitted) == before


@pytest.mark.parametrize(
    "arguments",
    [
        {"limit": 0.0}, {"limit": 1.0}, {"limit": math.nan}, {"limit": "0.1"}, {"limit": True},
        {"run_length": 0}, {"run_length": None}, {"run_length": math.inf}, {"side": "below"}, {"alpha": 0.05},
        {"run_length": None, "alpha": 1.0}, {"run_length": None, "alpha": 0.1, "warning_run_length": 5},
        {"confidence": 1}, {"tolerance": -0.1}, {"warning_run_length": 0},
        {"run_length": 100, "warning_run_length": 101},
    ],
    ids=str,
)  # fmt: skip
def test_arguments_that_cannot_work_are_refused(arguments):
    with pytest.raises(InvalidParameterError, match=" must be "):
        RiskDetector(**({"limit": 0.1} | arguments))


# -- bad losses ----------------------------------------------------------------


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: f"{bad!r:.20}".partition(" at ")[0])
@pytest.mark.parametrize("form", FORMS[:2] + FORMS[-1:], ids=str)
def test_bad_losses_are_refused_with_a_cure_and_change_nothing(bad, form):
    detector = RiskDetector(0.1, **form)
    detector.update_many(np.arange(100) % 10 == 0)
    before = state(detector)
    with pytest.raises(InvalidInputError, match=r"x must be a loss between 0 and 1.*leave out"):
        detector.update(bad)
    assert state(detector) == before
    if not isinstance(bad, np.ndarray):
        values = np.empty(3, dtype=object)
        values[:] = [1, bad, 0]
        with pytest.raises(InvalidInputError, match=r"losses\[1\] must be a loss between 0 and 1"):
            detector.update_many(values)
        assert state(detector) == before
    assert detector.update_many(np.ones(60))


@pytest.mark.parametrize("bad", [math.nan, math.inf, -0.5, 1.5])
def test_arrays_with_a_bad_loss_are_refused_whole(bad):
    detector = RiskDetector(0.1)
    with pytest.raises(InvalidInputError, match=r"losses\[3\]"):
        detector.update_many(np.array([0.0, 1.0, 1.0, bad, 0.0, bad]))
    assert detector.result.n_current == 0
    for values in (0.5, "1", [[0.0, 1.0]], None):
        with pytest.raises(InvalidInputError):
            detector.update_many(values)


def test_decimals_are_losses_one_by_one_and_in_arrays():
    losses = [Decimal("0.25"), Decimal(1), Decimal(0), Decimal("0.5")]
    one, many, floats = RiskDetector(0.1), RiskDetector(0.1), RiskDetector(0.1)
    for loss in losses:
        one.update(loss)
        floats.update(float(loss))
    many.update_many(losses)
    assert state(one) == state(many) == state(floats)
    for bad in (Decimal("1.5"), Decimal("NaN"), Decimal("sNaN"), Decimal("Infinity")):
        with pytest.raises(InvalidInputError, match="between 0 and 1"):
            one.update(bad)
        with pytest.raises(InvalidInputError, match=r"losses\[1\]"):
            one.update_many([0, bad])


def test_the_refusal_stands_after_an_alarm_which_stays_until_the_next_good_loss():
    detector = RiskDetector(0.1)
    while not detector.drift_detected:
        detector.update(1)
    with pytest.raises(InvalidInputError):
        detector.update(math.nan)
    assert detector.drift_detected
    assert detector.update_many([]) == []
    assert detector.drift_detected


# -- what it says of a change ----------------------------------------------------


def test_the_change_is_dated_and_measured():
    rng, errors, covered = np.random.default_rng(5), [], 0
    for _ in range(60):
        detector = RiskDetector(0.1)
        losses = np.concatenate((rng.random(1500) < 0.08, rng.random(1500) < 0.3))
        alarm = next(position for position in detector.update_many(losses) if position >= 1500)
        again = RiskDetector(0.1)
        again.update_many(losses[: alarm + 1])
        result = again.result
        errors.append(result.changed_at - (alarm - 1499))
        shift = result.effects["mean loss minus limit"]
        since = losses[alarm + 1 - result.changed_at : alarm + 1]
        assert shift.estimate == pytest.approx(since.mean() - 0.1)
        covered += shift.low < 0.2 < shift.high
        assert shift.low > 0.0
    assert np.median(np.abs(errors)) <= 10
    assert covered >= 50  # an alarm chose the time: fewer than 95 of 100


def test_effects_of_a_fall_are_negative():
    detector = RiskDetector(0.3, side="both")
    while not detector.drift_detected:
        detector.update(0)
    shift = detector.result.effects["mean loss minus limit"]
    assert shift.estimate == pytest.approx(-0.3)
    assert shift.high < 0.0


def test_the_date_is_the_start_that_speaks_most_against_the_limit():
    losses = np.random.default_rng(0).random(300) < 0.3
    counts, sums = np.arange(1.0, 301.0), np.cumsum(losses[::-1])
    found = _changed.since(counts, sums, 0.1, 1.0)
    best, start = -1.0, 0
    for n in range(1, 301):
        mean = losses[-n:].mean()
        if mean > 0.1:
            with np.errstate(divide="ignore", invalid="ignore"):
                kl = np.nansum([mean * np.log(mean / 0.1), (1 - mean) * np.log((1 - mean) / 0.9)])
            best, start = max((best, start), (n * kl, n))
    assert (found.n, found.mean) == (start, pytest.approx(losses[-start:].mean()))


def test_old_changes_are_dated_by_blocks_and_very_old_ones_by_the_beginning():
    detector = RiskDetector(0.1, run_length=1e200)
    detector.update_many(np.tile([0.0, 0.11], 30_000))
    assert detector.result.changed_at is None
    detector.update_many(np.full(10_000, 0.105))
    detector._conclude(detector._warning_limit)  # as if this had been worth a warning
    assert abs(detector.result.changed_at - 10_000) <= 1024
    assert detector._n == 70_000
    assert detector._rest[0] == 70_000 - len(detector._block) - 1024 * 65


# -- costs -----------------------------------------------------------------------


def test_the_state_is_flat_over_a_million_updates():
    detector, rng, sizes = RiskDetector(0.5), np.random.default_rng(0), []
    for _ in range(10):
        detector.update_many(rng.beta(2, 8, 100_000))
        sizes.append(len(pickle.dumps(detector)))
    assert max(sizes) < 25_000
    assert detector.result.n_current == 1_000_000
