"""How many rows a comparison needs, before there are any."""

from __future__ import annotations

import math

from contlearn import _checks


def sample_size_mcnemar(p01: float, p10: float, alpha: float = 0.05, power: float = 0.8) -> float:
    """Return the number of rows with which McNemar's one-sided test finds a difference, by Connor's formula.

    Parameters
    ----------
    p01, p10
        Shares of rows on which only the one and only the other model errs, such as 0.04 and 0.02: different,
        at least 0, together at most 1. Which is which makes no difference.
    alpha
        One-sided level of the test, strictly between 0 and 0.5.
    power
        Chance of finding the difference, above `alpha` and below 1.

    Returns
    -------
    float
        Rows in all, those on which the models agree included; round up.

    Notes
    -----
    n = ((z_alpha sqrt(psi) + z_beta sqrt(psi - d²)) / d)², where psi = p01 + p10 is the share of rows on
    which the models disagree and d = p01 - p10. It is a normal limit: the exact test needs more, about 1000
    rows where the formula says 926 (its power at 925 rows is 0.771). `contlearn.gates.plan` counts exactly.
    Cost: O(1).

    References
    ----------
    .. [1] R. J. Connor, "Sample size for testing differences in proportions for the paired-sample design",
       Biometrics 43 (1987).

    Examples
    --------
    >>> from contlearn.stats import sample_size_mcnemar
    >>> round(sample_size_mcnemar(0.04, 0.02, alpha=0.05, power=0.8), 2)
    925.29
    """
    p01 = _checks.number("p01", p01, low=0.0, high=1.0)
    p10 = _checks.number("p10", p10, low=0.0, high=1.0)
    alpha = _checks.level("alpha", alpha)
    power = _checks.fraction("power", power)
    psi, difference = p01 + p10, p01 - p10
    if psi > 1.0 + 1e-12:
        _checks.fail("p01 + p10", "be at most 1", psi, "they are shares of the same rows")
    if difference == 0.0:
        _checks.fail("p01", "differ from p10", p01, "no number of rows finds a difference that is not there")
    if power <= alpha:
        _checks.fail("power", f"be above alpha = {alpha:g}", power)
    spread = math.sqrt(max(0.0, psi - difference**2))
    return ((quantile(alpha) * math.sqrt(psi) + quantile(1.0 - power) * spread) / difference) ** 2


def quantile(tail: float) -> float:
    """Return the normal quantile that is exceeded with the probability `tail`."""
    from scipy.special import ndtri

    return -float(ndtri(tail))
