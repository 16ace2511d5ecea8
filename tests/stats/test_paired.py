import math
from decimal import Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contlearn.exceptions import InvalidParameterError
from contlearn.stats import mcnemar, newcombe, tango

modest = settings(derandomize=True, deadline=None, max_examples=60)
counts = st.integers(0, 60)


def binomial_tail(b, n):
    """P(Bin(n, 1/2) >= b), in whole numbers."""
    return Fraction(sum(math.comb(n, k) for k in range(b, n + 1)), 2**n)


def two_by_two():
    """Fagerland, Lydersen and Laake (2013), both tables, as the R package contingencytables prints them."""
    return [
        # b, c, exact, mid-p, asymptotic
        (1, 7, 0.0703125, 0.0390625, 0.033894853524689),
        (6, 16, 0.052479, 0.034690, 0.033006),
    ]


@pytest.mark.parametrize(("b", "c", "exact", "mid_p", "asymptotic"), two_by_two())
def test_mcnemar_agrees_with_the_published_tables(b, c, exact, mid_p, asymptotic):
    assert mcnemar(b, c).p_value == pytest.approx(exact, abs=5e-7)
    assert mcnemar(b, c, method="mid-p").p_value == pytest.approx(mid_p, abs=5e-7)
    assert mcnemar(b, c, method="asymptotic").p_value == pytest.approx(asymptotic, abs=5e-7)


@given(counts, counts)
@modest
def test_mcnemar_agrees_with_counting_every_outcome(b, c):
    n = b + c
    reached, exceeded = binomial_tail(b, n), binomial_tail(b + 1, n)
    below = binomial_tail(c, n)
    assert mcnemar(b, c, alternative="greater").p_value == pytest.approx(float(reached), rel=1e-12)
    assert mcnemar(b, c, alternative="less").p_value == pytest.approx(float(below), rel=1e-12)
    assert mcnemar(b, c).p_value == pytest.approx(float(min(1, 2 * min(reached, below))), rel=1e-12)
    mid = (reached + exceeded) / 2
    found = mcnemar(b, c, method="mid-p", alternative="greater").p_value
    assert found == pytest.approx(float(mid), rel=1e-12)


@given(counts, counts, st.sampled_from(["exact", "mid-p", "asymptotic"]))
@modest
def test_mcnemar_turns_round_with_its_cells(b, c, method):
    assert mcnemar(b, c, method).p_value == mcnemar(c, b, method).p_value
    assert mcnemar(b, c, method, "greater").p_value == mcnemar(c, b, method, "less").p_value


@pytest.mark.parametrize("method", ["exact", "mid-p", "asymptotic"])
def test_no_disagreement_is_no_evidence(method):
    assert mcnemar(0, 0, method).p_value == 1.0
    assert mcnemar(0, 0, method, "greater").p_value >= 0.5


def test_huge_counts_meet_the_normal_limit():
    b, c = 10**9, 10**9 + 160_000
    exact, limit = mcnemar(b, c).p_value, mcnemar(b, c, method="asymptotic").p_value
    assert exact == pytest.approx(limit, rel=2e-4)
    n, z = 10**13, 3.290526731491926  # the quantile of 0.9995
    interval, half = tango(b, c, n, 0.999), z * math.sqrt(b + c) / n
    assert interval[1:3] == pytest.approx(((b - c) / n - half, (b - c) / n + half), rel=1e-6)


@pytest.mark.parametrize("wrong", [-1, 1.5, True, "3", None])
def test_counts_that_are_none_are_refused(wrong):
    with pytest.raises(InvalidParameterError, match="b must"):
        mcnemar(wrong, 2)
    with pytest.raises(InvalidParameterError, match="c must"):
        tango(2, wrong, 10)
    with pytest.raises(InvalidParameterError, match="d must"):
        newcombe(2, 1, 1, wrong)


def test_no_rows_are_refused():
    with pytest.raises(InvalidParameterError, match="n must be at least 1"):
        tango(0, 0, 0)
    with pytest.raises(InvalidParameterError, match=r"a \+ b \+ c \+ d must be at least 1"):
        newcombe(0, 0, 0, 0)
    with pytest.raises(InvalidParameterError, match="agree too"):
        tango(3, 4, 6)


# The four decimals that contingencytables prints for the same two tables.
@pytest.mark.parametrize(
    ("table", "tango_limits", "newcombe_limits"),
    [
        ((1, 1, 7, 12), (-0.5172, -0.0260), (-0.5069, -0.0256)),
        ((59, 6, 16, 80), (-0.1240, -0.0054), (-0.1186, -0.0046)),
    ],
)
def test_intervals_agree_with_the_published_tables(table, tango_limits, newcombe_limits):
    _, b, c, _ = table
    assert tango(b, c, sum(table), 0.95)[1:3] == pytest.approx(tango_limits, abs=5e-5)
    assert newcombe(*table, 0.95)[1:3] == pytest.approx(newcombe_limits, abs=5e-5)


def test_newcombe_agrees_with_the_example_of_altman_and_others():
    """Statistics with Confidence (2000), table 6.2: 0.122, from 0.011 to 0.226."""
    assert newcombe(14, 5, 0, 22, 0.95)[:3] == pytest.approx((0.122, 0.011, 0.226), abs=6e-4)


Z = Decimal("1.959963984540054235524594430520551527955")  # the 0.975 quantile of the normal law


def tango_by_hand(b, c, n):
    """Tango (1998), equations 4 and 10: the limits as they stand in the paper, in fifty digits."""

    def z(difference):
        linear = (2 * n - b + c) * difference - b - c
        q = ((linear**2 + 8 * n * c * difference * (1 - difference)).sqrt() - linear) / (4 * n)
        return (b - c - n * difference) / (n * (2 * q + difference * (1 - difference))).sqrt()

    def limit(sign, far):
        near = Decimal(b - c) / n
        for _ in range(150):
            middle = (far + near) / 2
            far, near = (far, middle) if sign * z(middle) < Z else (middle, near)
        return near

    return limit(1, Decimal(-1)), limit(-1, Decimal(1))


def newcombe_by_hand(a, b, c, d):
    """Newcombe (1998), method 10: Wilson's limits as roots of his quadratic, in fifty digits."""
    n = Decimal(a + b + c + d)

    def wilson(k):
        half = Z * (Z**2 + 4 * k * (n - k) / n).sqrt()
        return (2 * k + Z**2 - half) / (2 * (n + Z**2)), (2 * k + Z**2 + half) / (2 * (n + Z**2))

    first, second = (a + b) / n, (a + c) / n
    (low_1, high_1), (low_2, high_2) = wilson(a + b), wilson(a + c)
    excess = Decimal(a * d - b * c)
    excess = max(excess - n / 2, Decimal(0)) if excess > 0 else excess
    phi = excess / Decimal((a + b) * (c + d) * (a + c) * (b + d)).sqrt()
    down = (first - low_1) ** 2 - 2 * phi * (first - low_1) * (high_2 - second) + (high_2 - second) ** 2
    up = (high_1 - first) ** 2 - 2 * phi * (high_1 - first) * (second - low_2) + (second - low_2) ** 2
    return first - second - down.sqrt(), first - second + up.sqrt()


@pytest.mark.parametrize(
    ("table", "tango_limits", "newcombe_limits"),
    [
        ((1, 1, 7, 12), ("-0.5172", "-0.0260"), ("-0.5069", "-0.0256")),
        ((59, 6, 16, 80), ("-0.1240", "-0.0054"), ("-0.1186", "-0.0046")),
        ((14, 5, 0, 22), (None, None), ("0.011", "0.226")),
    ],
)
def test_intervals_agree_to_a_billionth_with_the_papers_formulas_that_print_the_published_limits(
    table, tango_limits, newcombe_limits
):
    """The tables of Fagerland, Lydersen and Laake (2013) and of Altman and others (2000), as above."""
    a, b, c, d = table
    with localcontext() as context:
        context.prec = 50
        by_hand = tango_by_hand(b, c, sum(table)), newcombe_by_hand(a, b, c, d)
    for limits, printed in zip(by_hand, (tango_limits, newcombe_limits), strict=True):
        for limit, text in zip(limits, printed, strict=True):
            assert text is None or limit.quantize(Decimal(text)) == Decimal(text)
    assert tango(b, c, sum(table), 0.95)[1:3] == pytest.approx(tuple(map(float, by_hand[0])), abs=1e-12)
    assert newcombe(a, b, c, d, 0.95)[1:3] == pytest.approx(tuple(map(float, by_hand[1])), abs=1e-12)


@pytest.mark.parametrize(("b", "c", "exact", "mid_p", "asymptotic"), two_by_two())
def test_mcnemar_agrees_to_a_billionth_with_the_fractions_that_print_the_published_values(
    b, c, exact, mid_p, asymptotic
):
    n, large = b + c, max(b, c)
    by_hand = 2 * binomial_tail(large, n)
    assert float(by_hand) == pytest.approx(exact, abs=5e-7)
    assert mcnemar(b, c).p_value == pytest.approx(float(by_hand), abs=1e-12)
    by_hand -= Fraction(math.comb(n, large), 2**n)
    assert float(by_hand) == pytest.approx(mid_p, abs=5e-7)
    assert mcnemar(b, c, method="mid-p").p_value == pytest.approx(float(by_hand), abs=1e-12)
    limit = math.erfc(abs(b - c) / math.sqrt(2.0 * n))
    assert limit == pytest.approx(asymptotic, abs=5e-7)
    assert mcnemar(b, c, method="asymptotic").p_value == pytest.approx(limit, abs=1e-12)


def slow_score(b, c, n, difference):
    """Tango's z with the restricted likelihood maximised by golden-section search, no formula in sight."""
    low, high = max(0.0, -difference), (1.0 - difference) / 2.0

    def log_likelihood(q):
        terms = ((b, q + difference), (c, q), (n - b - c, 1.0 - 2.0 * q - difference))
        if any(k and p <= 0.0 for k, p in terms):
            return -math.inf
        return sum(k * math.log(p) for k, p in terms if k)

    ratio = (math.sqrt(5.0) - 1.0) / 2.0
    for _ in range(90):
        left, right = high - ratio * (high - low), low + ratio * (high - low)
        if log_likelihood(left) < log_likelihood(right):
            low = left
        else:
            high = right
    q = 0.5 * (low + high)
    return (b - c - n * difference) / math.sqrt(n * (2.0 * q + difference * (1.0 - difference)))


@given(st.integers(0, 25), st.integers(0, 25), st.integers(1, 80))
@modest
def test_tango_limits_lie_where_the_score_reaches_the_quantile(b, c, concordant):
    n, z = b + c + concordant, 1.959963984540054
    interval = tango(b, c, n, 0.95)
    assert -1.0 <= interval.low < interval.estimate < interval.high <= 1.0
    assert slow_score(b, c, n, interval.low) == pytest.approx(z, abs=2e-6)
    assert slow_score(b, c, n, interval.high) == pytest.approx(-z, abs=2e-6)


@pytest.mark.parametrize("n", [1, 7, 500, 10**6])
def test_tango_without_disagreement_has_its_closed_form(n):
    z = 1.959963984540054
    interval = tango(0, 0, n, 0.95)
    assert interval.high == pytest.approx(z**2 / (n + z**2), rel=1e-12)
    assert interval.low == -interval.high


@pytest.mark.parametrize("n", [1, 7, 500])
def test_tango_reaches_the_end_of_the_scale_when_every_row_disagrees_one_way(n):
    interval = tango(n, 0, n, 0.95)
    assert interval.high == interval.estimate == 1.0
    assert interval.low < 1.0
    assert tango(0, n, n, 0.95)[:3] == (-1.0, -1.0, -interval.low)


@given(counts, counts, st.integers(0, 100), st.sampled_from([0.8, 0.9, 0.95, 0.999]))
@modest
def test_tango_excludes_zero_exactly_when_the_asymptotic_mcnemar_test_rejects(b, c, concordant, confidence):
    n = max(1, b + c + concordant)
    interval = tango(b, c, n, confidence)
    rejects = mcnemar(b, c, method="asymptotic").p_value < 1.0 - confidence
    assert (interval.low > 0.0 or interval.high < 0.0) == rejects


@given(counts, counts, counts, counts)
@modest
def test_newcombe_turns_round_with_its_table_and_stays_on_the_scale(a, b, c, d):
    if a + b + c + d == 0:
        return
    interval, turned = newcombe(a, b, c, d, 0.9), newcombe(a, c, b, d, 0.9)
    assert -1.0 <= interval.low <= interval.estimate <= interval.high <= 1.0
    assert turned[:3] == pytest.approx((-interval.estimate, -interval.high, -interval.low), abs=1e-12)


def test_newcombe_adds_the_wilson_arms_of_independent_proportions():
    """Where the table shows no correlation, the limits are Wilson's arms, squared and added."""
    a, b, c, d, z = 30, 20, 30, 20, 1.959963984540054

    def wilson(k, n):
        share = k / n
        centre = (share + z * z / (2 * n)) / (1 + z * z / n)
        half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
        return centre - half, centre + half

    n = a + b + c + d
    (low_1, high_1), (low_2, high_2) = wilson(a + b, n), wilson(a + c, n)
    down = math.hypot((a + b) / n - low_1, high_2 - (a + c) / n)
    up = math.hypot(high_1 - (a + b) / n, (a + c) / n - low_2)
    expected = ((b - c) / n - down, (b - c) / n + up)
    assert newcombe(a, b, c, d, 0.95)[1:3] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    "ask", [lambda k: mcnemar(k, 1), lambda k: mcnemar(1, k, "asymptotic"), lambda k: tango(0, 1, k),
            lambda k: newcombe(k, 1, 1, 1), lambda k: newcombe(1, 1, 1, k)],
)  # fmt: skip
def test_more_rows_than_floats_can_count_are_refused(ask):
    for k in (2**53 + 1, 10**400):
        with pytest.raises(InvalidParameterError, match="must be at most 9007199254740992, got"):
            ask(k)
    ask(2**53 - 3)


def test_a_confidence_of_any_real_kind_comes_back_as_a_float():
    for interval in (tango(3, 1, 20, Fraction(3, 4)), newcombe(3, 3, 1, 9, Fraction(3, 4))):
        assert [type(end) for end in interval] == [float] * 4
    assert tango(3, 1, 20, Fraction(3, 4)) == tango(3, 1, 20, 0.75)
