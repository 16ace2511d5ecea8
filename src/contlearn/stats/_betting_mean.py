"""The mean of bounded values by betting: a test and an interval that hold for every law, at every size.

Whoever believes that the mean lies above m bets on each value in turn, from a capital of 1, on odds that are
fair if it is m. If it is at most m, the capital ever reaches 1 / alpha with a chance of at most alpha,
whatever the law of the values: rare and extreme ones that the sample happens to lack are paid for, too.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, NamedTuple

from contlearn import _checks
from contlearn.results import Interval
from contlearn.stats import _columns

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

MOST = 0.75  # of the capital is the most that a single value may cost
_GUESS = 0.25  # variance and weight, in values, of the guess with which betting begins
_HALVINGS = 40  # a limit is as exact as 1e-12 of the bounds
_ORDER = 0  # seed of the order in which the values are bet on


class BettingResult(NamedTuple):
    """The answer of `betting_test`.

    Attributes
    ----------
    statistic
        Largest capital that the bets reached, from 1 at the start.
    p_value
        1 / `statistic`, and 1 where the sample mean does not lie on the side of the alternative.

    Examples
    --------
    >>> from contlearn.stats import betting_test
    >>> found = betting_test([0.9, 0.8, 1.0, 0.7, 0.9, 0.8, 0.9, 1.0], mean=0.5)
    >>> round(found.statistic, 2), round(found.p_value, 4)
    (34.29, 0.0292)
    """

    statistic: float
    p_value: float


def betting_test(
    values: ArrayLike,
    mean: float,
    low: float = 0.0,
    high: float = 1.0,
    alternative: Literal["greater", "less"] = "greater",
    alpha: float = 0.05,
) -> BettingResult:
    """Test whether the mean of bounded values lies above (or below) a number, for every law of the values.

    Parameters
    ----------
    values : array of shape (n_samples,)
        Independent and alike in law, at least one, each in [`low`, `high`].
    mean
        The mean under the hypothesis, or its largest ("greater") or smallest ("less").
    low, high
        Bounds that hold for every value that could have come, not only for those that did.
    alternative
        "greater": the hypothesis is that the mean is at most `mean`; "less": at least.
    alpha
        Level for which the bets are sized. The p-value is valid at every level, and best near this one.

    Returns
    -------
    BettingResult
        `statistic, p_value`.

    Raises
    ------
    InvalidInputError
        If a value is NaN, infinite or outside the bounds, or if there is none.

    Notes
    -----
    See `betting_interval`, which holds exactly the means that this test does not reject. Cost: O(n), 0.3 ms
    for 10,000 values.

    References
    ----------
    .. [1] I. Waudby-Smith, A. Ramdas, "Estimating means of bounded random variables by betting", Journal of
       the Royal Statistical Society B 86 (2024).

    Examples
    --------
    >>> from contlearn.stats import betting_test
    >>> print(f"{betting_test([0.9, 0.8, 0.7, 0.9, 1.0, 0.8] * 5, mean=0.5).p_value:.2g}")
    4e-06
    """
    inside, low, high = _bounded(values, low, high)
    value = (_checks.number("mean", mean) - low) / (high - low)
    _checks.one_of("alternative", alternative, ("greater", "less"))
    game = Game(inside, None, _checks.fraction("alpha", alpha))
    if alternative == "less":
        game, value = game.mirrored(), 1.0 - value
    log_p = game.log_p_above(value)
    capital = math.exp(min(700.0, game.log_capital(value))) if 0.0 < value < 1.0 else 1.0
    return BettingResult(capital, math.exp(log_p))


def betting_interval(
    values: ArrayLike, low: float = 0.0, high: float = 1.0, confidence: float = 0.9
) -> Interval:
    """Return the mean of bounded values with an interval that covers it for every law, at every size.

    Parameters
    ----------
    values : array of shape (n_samples,)
        Independent and alike in law, at least one, each in [`low`, `high`].
    low, high
        Bounds that hold for every value that could have come, not only for those that did.
    confidence
        Coverage, strictly between 0 and 1; each limit fails with a chance of at most half the rest.

    Returns
    -------
    Interval
        The sample mean, and the means that `betting_test` does not reject at (1 - `confidence`) / 2.

    Raises
    ------
    InvalidInputError
        If a value is NaN, infinite or outside the bounds, or if there is none.

    Notes
    -----
    On the scale of 0 to 1, the capital is the product of 1 + b_i (x_i - m), with
    b_i = min(sqrt(2 log(1 / alpha) / (n v_i)), 3 / (4 m)) and v_i the variance of the values before the i-th;
    it is a supermartingale wherever the mean is at most m, so that by Ville's inequality its maximum exceeds
    1 / alpha with a chance of at most alpha. No asymptotics, no assumption on the law. The capital falls as m
    grows, so that the limit is found by bisection.
    The values are bet on in an order drawn once for all, the same for every sample of their number, so that
    rows sorted by time or region do no harm. The guarantee is for values in the order in which they came;
    sorted by size, a coin at 0.05 was rejected in 6.3 % of samples of 10, 5.7 % of 20 and less than 2 % from
    50 on (measured). The same values in another order have other limits, by 0.4 standard errors (standard
    deviation): decide on an order before looking.
    Price of the guarantee: the limits lie 2.1 standard errors from the mean at a confidence of 0.9, where
    Student's lie 1.65; a power of 0.80 takes 1.4 times the rows of his test, and more where the standard
    deviation is below a tenth of `high` - `low`.
    Cost: 40 passes over the values for each limit: 6 ms for 10,000.

    References
    ----------
    .. [1] I. Waudby-Smith, A. Ramdas, "Estimating means of bounded random variables by betting", Journal of
       the Royal Statistical Society B 86 (2024).

    Examples
    --------
    >>> from contlearn.stats import betting_interval
    >>> print(betting_interval([0.0, 0.1, 0.0, 0.2, 0.1, 0.0] * 20))
    0.06667 [0.05006, 0.09996] (90 %)
    """
    inside, low, high = _bounded(values, low, high)
    confidence = _checks.fraction("confidence", confidence)
    found = Game(inside, None, (1.0 - confidence) / 2.0).interval(confidence)
    estimate, below, above = (min(high, max(low, low + (high - low) * end)) for end in found[:3])
    return Interval(estimate, below, above, confidence)


def _bounded(values: ArrayLike, low: float, high: float) -> tuple[Floats, float, float]:
    """Return `values` on the scale of 0 to 1, and the bounds, or refuse."""
    rows = _columns.finite("values", values)
    low, high = bounds_of("low", low, "high", high)
    outside = int(((rows < low) | (rows > high)).sum())
    if outside:
        got = f"{outside} of {rows.size} values outside"
        _checks.bad_data("values", f"lie between {low:g} and {high:g}", got, "pass the true low and high")
    return (rows / (high - low) - low / (high - low)).clip(0.0, 1.0), low, high


def bounds_of(low_name: str, low: float, high_name: str, high: float) -> tuple[float, float]:
    """Return finite bounds, the first below the second, or refuse."""
    low, high = _checks.number(low_name, low), _checks.number(high_name, high)
    if not 0.0 < high - low < math.inf:
        _checks.fail(high_name, f"be above {low_name} = {low:g}, by a finite number", high)
    return low, high


class Game:
    """Bets on values in [0, 1], each at a weight in (0, 1], such as the size of a cluster by the largest."""

    def __init__(self, values: Floats, weights: Floats | None, alpha: float, *, shuffle: bool = True) -> None:
        import numpy as np

        if shuffle:
            order = np.random.default_rng(_ORDER).permutation(values.size)
            values, weights = values[order], None if weights is None else weights[order]
        self.values, self.weights, self.alpha = values, weights, alpha
        heavy = np.ones_like(values) if weights is None else weights
        self.mean = float(heavy @ values / heavy.sum())
        self._wanted = _bets(values, heavy, alpha)

    def mirrored(self) -> Game:
        """Return the same game on 1 minus the values, in the same order."""
        return Game(1.0 - self.values, self.weights, self.alpha, shuffle=False)

    def log_capital(self, mean: float) -> float:
        """Return the logarithm of the largest capital of bets that the mean lies above `mean`, in (0, 1)."""
        import numpy as np

        bets = np.minimum(self._wanted, MOST / mean)
        if self.weights is not None:
            bets *= self.weights
        growth = np.log1p(bets * (self.values - mean))
        return max(0.0, float(np.cumsum(growth, out=growth).max()))

    def log_p_above(self, mean: float) -> float:
        """Return the logarithm of the p-value of the hypothesis that the mean is at most `mean`."""
        if mean >= 1.0 or mean >= self.mean:
            return 0.0
        return -self.log_capital(mean) if mean > 0.0 else -math.inf

    def low(self) -> float:
        """Return the mean whose p-value is `alpha`: every smaller one has a smaller one."""
        level = math.log(self.alpha)
        rejected, kept = 0.0, self.mean
        for _ in range(_HALVINGS):
            middle = 0.5 * (rejected + kept)
            if not rejected < middle < kept:
                break
            if self.log_p_above(middle) <= level:
                rejected = middle
            else:
                kept = middle
        return rejected

    def interval(self, confidence: float) -> Interval:
        """Return the means between which neither one-sided test at `alpha` rejects."""
        return Interval(self.mean, self.low(), 1.0 - self.mirrored().low(), confidence)


def _bets(values: Floats, weights: Floats, alpha: float) -> Floats:
    """Return the bets that suit the variance of the values before each one, and the number of all."""
    import numpy as np

    seen = np.cumsum(weights) + _GUESS
    means = (np.cumsum(weights * values) + 0.5 * _GUESS) / seen
    before = np.concatenate(([0.5], means[:-1]))
    squares = np.cumsum((weights * (values - before)) ** 2) + _GUESS * _GUESS
    variances = squares / (np.arange(values.size) + 1.0 + _GUESS)
    known = np.concatenate(([_GUESS], variances[:-1]))
    return np.sqrt(2.0 * -math.log(alpha) / (values.size * known))
