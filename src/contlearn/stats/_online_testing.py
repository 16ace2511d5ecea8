"""Tests that come one after another: how much of alpha each may spend, so that few alarms are false.

All procedures are one rule. A fortune is spent along a clock by a fixed sequence gamma; every rejection adds
to the fortune, spent from then on in the same way. They differ in what moves the clock: every test (LORD),
every test that did not look promising (SAFFRON), of those only the ones that did not look too well (ADDIS).
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from contlearn import _checks
from contlearn.stats._multiple import _p_values

__all__ = ["RULES", "Fortune", "OnlineResult", "Rule", "addis", "lord", "saffron"]

Floats = NDArray[np.float64]

MARKS = 1_000
"""Rejections that a machine remembers; what is forgotten only makes later tests stricter."""


class OnlineResult(NamedTuple):
    """What became of each test, in order.

    Attributes
    ----------
    rejected : ndarray of bool
        Whether the p-value was at most its alpha.
    alphas : ndarray of float
        What each p-value was compared with: known before it was seen.
    """

    rejected: NDArray[np.bool_]
    alphas: Floats


class Rule(NamedTuple):
    """One procedure; fortunes are shares of alpha.

    Attributes
    ----------
    start
        The fortune at the beginning. The first rejection adds 1 - `start`, each later one 1.
    candidate, discard
        A test moves the clock when `candidate` < p <= `discard`, and is never rejected above `candidate`.
    slow
        Whether gamma falls off as slowly as log(j) / (j exp(sqrt(log j))), not as j^-1.6.
    earns
        False: rejections add nothing.
    """

    start: float
    candidate: float
    discard: float
    slow: bool
    earns: bool = True

    @property
    def scale(self) -> float:
        """The share of p-values that move the clock when nothing has changed."""
        return self.discard - max(self.candidate, 0.0)

    @property
    def most(self) -> float:
        """No alpha is larger."""
        return self.candidate if self.candidate > 0.0 else 1.0

    def gamma(self, steps: NDArray[np.int64]) -> Floats:
        """Return the share of a fortune that is spent `steps` steps of the clock after it came in, from 1."""
        if not self.slow:
            return np.asarray(0.4374901658 * steps**-1.6, dtype=np.float64)
        logs = np.log(np.maximum(steps, 2))
        return np.asarray(0.07720838 * logs / (steps * np.exp(np.sqrt(np.log(steps)))), dtype=np.float64)

    def earning(self, first: bool) -> float:
        """Return what a rejection adds to the fortune."""
        return 0.0 if not self.earns else 1.0 - self.start if first else 1.0

    def moves(self, p_value: float) -> bool:
        """Whether a test moves the clock."""
        return self.candidate < p_value <= self.discard


RULES: dict[str, Rule] = {
    "lord++": Rule(start=0.1, candidate=-1.0, discard=1.0, slow=True),
    "saffron": Rule(start=0.5, candidate=0.5, discard=1.0, slow=False),
    "addis": Rule(start=0.5, candidate=0.25, discard=0.5, slow=False),
    "spending": Rule(start=1.0, candidate=-1.0, discard=1.0, slow=True, earns=False),
}


class Fortune(NamedTuple):
    """Where a procedure stands: enough to say the next alpha, in bounded memory.

    Attributes
    ----------
    clock
        Tests that moved the clock.
    marks, amounts
        When money came in, and how much of it, oldest first; the oldest beyond `MARKS` are forgotten.
    rejections
        How many there were.
    """

    clock: int
    marks: tuple[int, ...]
    amounts: tuple[float, ...]
    rejections: int

    @classmethod
    def new(cls, rule: Rule) -> Fortune:
        """Return the fortune before the first test."""
        return cls(0, (0,), (rule.start,), 0)

    def alpha(self, rule: Rule, alpha: float) -> float:
        """Return what the next p-value is compared with."""
        steps = self.clock + 1 - np.array(self.marks)
        spent = float(np.dot(np.array(self.amounts), rule.gamma(steps)))
        return min(rule.most, rule.scale * alpha * spent)

    def after(self, rule: Rule, p_value: float, rejected: bool) -> Fortune:
        """Return the fortune after one test."""
        clock = self.clock + rule.moves(p_value)
        marks, amounts = self.marks, self.amounts
        if rejected and rule.earns:
            earning = rule.earning(self.rejections == 0)
            if marks and marks[-1] == clock:
                amounts = (*amounts[:-1], amounts[-1] + earning)
            else:
                marks, amounts = (*marks, clock)[-MARKS:], (*amounts, earning)[-MARKS:]
        return Fortune(clock, marks, amounts, self.rejections + rejected)


def lord(p_values: ArrayLike, alpha: float = 0.05) -> OnlineResult:
    """Reject tests that come one after another by LORD++: the share of false ones stays below alpha.

    Each p-value is compared with an alpha of its own, which is settled before the p-value is seen and never
    taken back. It falls as tests bring nothing and rises with every rejection.

    Parameters
    ----------
    p_values : array-like of numbers between 0 and 1, one-dimensional
        One per test, in the order of the tests. None at all is fine.
    alpha : float, default 0.05
        Bound on the false discovery rate at any time: the expected share of false ones among the rejections.

    Returns
    -------
    OnlineResult
        Named tuple (rejected, alphas) of arrays, one entry per test.

    Raises
    ------
    InvalidParameterError
        `alpha` is not strictly between 0 and 1.
    InvalidInputError
        A p-value is missing or outside 0 to 1.

    Notes
    -----
    The promise needs p-values that are independent where nothing has changed. Of `lord`, `saffron` and
    `addis` this is the most conservative. It starts with a tenth of alpha and spends it in proportion to
    log(max(j, 2)) / (j exp(sqrt(log j))).

    Cost: O(n) for each rejection.

    References
    ----------
    Ramdas, Yang, Wainwright and Jordan (2017), "Online control of the false discovery rate with decaying
    memory". Javanmard and Montanari (2018), "Online rules for control of false discovery rate".

    Examples
    --------
    >>> from contlearn.stats import lord
    >>> rejected, alphas = lord([1e-6, 0.4, 0.0005, 0.6])
    >>> rejected.tolist()
    [True, False, True, False]
    >>> alphas.round(4).tolist()
    [0.0003, 0.0025, 0.0006, 0.0032]
    """
    return _run("lord++", p_values, alpha)


def saffron(p_values: ArrayLike, alpha: float = 0.05) -> OnlineResult:
    """Reject tests that come one after another by SAFFRON: the share of false ones stays below alpha.

    Only p-values above 0.5 cost anything, so that it rejects more than LORD++ where many tests have found
    something.

    Parameters
    ----------
    p_values : array-like of numbers between 0 and 1, one-dimensional
        One per test, in the order of the tests. None at all is fine.
    alpha : float, default 0.05
        Bound on the false discovery rate at any time: the expected share of false ones among the rejections.

    Returns
    -------
    OnlineResult
        Named tuple (rejected, alphas) of arrays, one entry per test.

    Raises
    ------
    InvalidParameterError
        `alpha` is not strictly between 0 and 1.
    InvalidInputError
        A p-value is missing or outside 0 to 1.

    Notes
    -----
    The promise needs p-values that are independent where nothing has changed. It starts with half of alpha,
    spends in proportion to j^-1.6, and no alpha is above 0.5.

    Cost: O(n) for each rejection.

    References
    ----------
    Ramdas, Zrnic, Wainwright and Jordan (2018), "SAFFRON: an adaptive algorithm for online control of the
    false discovery rate".

    Examples
    --------
    >>> from contlearn.stats import saffron
    >>> saffron([1e-6, 0.4, 0.003, 0.6]).rejected.tolist()
    [True, False, True, False]
    """
    return _run("saffron", p_values, alpha)


def addis(p_values: ArrayLike, alpha: float = 0.05) -> OnlineResult:
    """Reject tests that come one after another by ADDIS: the share of false ones stays below alpha.

    Only p-values between 0.25 and 0.5 cost anything: those above 0.5 are discarded as if they had not been
    tested. That gives power back where p-values are larger than uniform ones, as tests with a tolerance and
    corrections for many columns make them.

    Parameters
    ----------
    p_values : array-like of numbers between 0 and 1, one-dimensional
        One per test, in the order of the tests. None at all is fine.
    alpha : float, default 0.05
        Bound on the false discovery rate at any time: the expected share of false ones among the rejections.

    Returns
    -------
    OnlineResult
        Named tuple (rejected, alphas) of arrays, one entry per test.

    Raises
    ------
    InvalidParameterError
        `alpha` is not strictly between 0 and 1.
    InvalidInputError
        A p-value is missing or outside 0 to 1.

    Notes
    -----
    The promise needs p-values that are independent where nothing has changed, and uniformly conservative:
    given that one is at most 0.5, it must be no smaller than a uniform one would be. It starts with half of
    alpha, spends in proportion to j^-1.6, and no alpha is above 0.25.

    Cost: O(n) for each rejection.

    References
    ----------
    Tian and Ramdas (2019), "ADDIS: an adaptive discarding algorithm for online FDR control with conservative
    nulls".

    Examples
    --------
    >>> from contlearn.stats import addis
    >>> addis([1e-6, 0.4, 0.0005, 0.6]).rejected.tolist()
    [True, False, True, False]
    """
    return _run("addis", p_values, alpha)


def _run(name: Literal["lord++", "saffron", "addis"], p_values: ArrayLike, alpha: float) -> OnlineResult:
    rule, alpha = RULES[name], _checks.fraction("alpha", alpha)
    p = _p_values(p_values)
    n = len(p)
    gammas = rule.gamma(np.arange(1, n + 1))
    ahead = rule.start * gammas  # what is spent at each step of the clock, as far as is known
    rejected, alphas = np.zeros(n, dtype=np.bool_), np.empty(n)
    clock, rejections = 0, 0
    for position, p_value in enumerate(p.tolist()):
        alphas[position] = level = min(rule.most, rule.scale * alpha * ahead[clock])
        clock += rule.moves(p_value)
        if p_value <= level:
            rejected[position] = True
            ahead[clock:] += rule.earning(rejections == 0) * gammas[: n - clock]
            rejections += 1
    return OnlineResult(rejected, alphas)
