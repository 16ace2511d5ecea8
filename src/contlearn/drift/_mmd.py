"""Maximum mean discrepancy: do rows as a whole still come from the same distribution?"""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from typing import Any, NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from contlearn import _checks
from contlearn._tables import Column
from contlearn.drift._batch import SingleTest
from contlearn.drift._finding import Finding
from contlearn.stats._mmd import MMDResult, mmd, smallest_p_value

_METHODS = ("permutation",)
_FAR = 1e200  # spreads beyond which a value is held, so that nothing overflows

Rows = NDArray[np.float64]


class Kept(NamedTuple):
    """The rows that are kept of the reference, and how many complete ones there were."""

    rows: Rows
    n_complete: int


@final
class MMD(SingleTest):
    """Detect that rows have changed as a whole, by maximum mean discrepancy with a ladder of kernels.

    All columns go into one test, so that it also sees what no column shows by itself: correlations, clusters,
    small shifts spread over many columns. It does not say which column changed; `KS` does. Six kernels from
    wide to narrow are tested together, so there is no bandwidth to choose (see `contlearn.stats.mmd`).

    The effect is the MMD under the Gaussian kernel with the median bandwidth: from 0 (no difference) to at
    most the square root of 2 (nothing in common). It makes batches comparable with one another; a change that
    mostly a narrower kernel sees can be significant with an effect near 0.

    Parameters
    ----------
    method : {"permutation"}
        How the p-value is computed: by relabeling the rows, exact at every sample size.
    n_permutations : int
        Number of relabelings; the smallest possible p-value is 1 / (n_permutations + 1).
    standardize : bool
        Divide every column by its spread first: half the distance of its quartiles, over both sides together,
        which keeps the level exact. False where the columns share a unit, as in embeddings.
    max_rows : int
        Most rows that are compared on either side. Of a longer reference `fit` keeps a random subset of that
        many, which bounds the memory; of a longer batch a random subset is tested.
    alpha : float
        False-alarm rate of one `detect`, missing values included.
    tolerance : float
        Smallest effect worth reporting, an MMD between 0 and 1.41: a smaller one is never DRIFT.
    must_detect : float or None
        An effect this large must have been findable, else UNDECIDED; None: UNDECIDED when so few rows cannot
        bring p to alpha. For the shares of missing values it is 0.2.
    block : int or None
        Not used yet.
    random_state : int, numpy generator or None
        Seed of subsets, bins and relabelings: the same question has the same answer. None draws afresh.

    Attributes
    ----------
    n_features_in_ : int
        Number of columns of the reference.
    feature_names_in_ : ndarray of str
        Their names; only where all columns were named by text.

    Notes
    -----
    The complete rows are tested. Beside them, where anything is missing, stands an exact test of the share of
    missing values in each such column; results are in `parts["values"]` and `parts["missing"]`.

    Of a reference of more than eight times the batch (and more than 256 rows) a random part of eight times
    the batch is used: the rest would add less than an eighth to the effective sample size, at the square of
    its cost. `n_reference` and `n_current` count the complete rows; `remarks` say when less were compared.

    Cost: time O((n + m)² (d + 20)) for n and m compared rows (about a second for 10,000 against 10,000 rows
    of 32 columns on one core) and little more for more permutations. Memory: the kept rows, some copies of
    the compared ones, and some megabytes.

    References
    ----------
    Gretton, Borgwardt, Rasch, Schölkopf and Smola (2012), "A kernel two-sample test". Domingo-Enrich, Dwivedi
    and Mackey (2025), "Cheap permutation testing", arXiv 2502.07672.

    Examples
    --------
    >>> import numpy as np
    >>> from contlearn.drift import MMD
    >>> rng = np.random.default_rng(0)
    >>> detector = MMD().fit(rng.normal(size=(2000, 2)))
    >>> bool(detector.detect(rng.normal(size=(200, 2))))
    False
    >>> result = detector.detect(rng.multivariate_normal([0, 0], [[1, 0.8], [0.8, 1]], size=200))
    >>> result.detected, result.p_value
    (True, 0.001)
    """

    _joint = True
    _share_effect = False
    _kinds = frozenset({"numeric", "boolean"})
    _why_not = "compare columns with KS and ChiSquared"
    _cure = "leave it out, encode it as numbers, or use ByColumn for a mixed table"

    @property
    def _travels(self) -> bool:
        return False

    def __init__(
        self,
        *,
        method: str = "permutation",
        n_permutations: int = 999,
        standardize: bool = True,
        max_rows: int = 10_000,
        alpha: float = 0.05,
        tolerance: float = 0.0,
        must_detect: float | None = None,
        block: int | None = None,
        random_state: Any = 0,
    ) -> None:
        self.method = method
        self.n_permutations = n_permutations
        self.standardize = standardize
        self.max_rows = max_rows
        self.alpha = alpha
        self.tolerance = tolerance
        self.must_detect = must_detect
        self.block = block
        self.random_state = random_state

    def _check_parameters(self) -> None:
        super()._check_parameters()
        _checks.one_of("method", self.method, _METHODS)
        _checks.count("n_permutations", self.n_permutations)
        _checks.instance("standardize", self.standardize, bool, "True or False")
        _checks.count("max_rows", self.max_rows, low=2)

    def _learn(self, columns: Sequence[Column], seed: int | None) -> Kept:
        rows = _stacked(columns)
        fixed = self.random_state if isinstance(self.random_state, numbers.Integral) else 0
        seed = None if self.random_state is None else int(fixed)
        return Kept(_at_most(rows, self.max_rows, np.random.default_rng(seed)), len(rows))

    def _describe(self, reference: Kept, columns: Sequence[Column]) -> Rows:  # noqa: ARG002
        return _stacked(columns)

    def _compare(self, reference: Kept, current: Rows, alpha: float, seed: int | None) -> Finding:
        n, m = reference.n_complete, len(current)
        if min(n, m) < 2:
            return Finding(n, m)
        rng = np.random.default_rng(seed)
        before, after = reference.rows, _at_most(current, self.max_rows, rng)
        if self.standardize:
            before, after = _standardized(before, after)
        result = mmd(before, after, self.n_permutations, rng)
        return Finding(
            n,
            m,
            score=result.effect,
            p_value=result.p_value,
            enough=smallest_p_value(len(before), len(after), self.n_permutations) <= alpha,
            remarks=_left_out(result, n, m),
        )


def _stacked(columns: Sequence[Column]) -> Rows:
    return np.column_stack([np.asarray(column.values, dtype=np.float64) for column in columns])


def _at_most(rows: Rows, most: int, rng: np.random.Generator) -> Rows:
    """Return `rows`, or a random subset of `most` of them."""
    return rows if len(rows) <= most else rows[rng.choice(len(rows), most, replace=False)]


def _standardized(before: Rows, after: Rows) -> tuple[Rows, Rows]:
    """Return both sides with every column divided by its spread: half the distance between its quartiles.

    Where half of a column is one value, the mean distance from the median takes its place (times 0.85, the
    ratio of the two for normal data). A constant column stays constant. The largest floats do not overflow.
    """
    rows = np.concatenate([before, after]) / 4.0
    low, middle, high = np.quantile(rows, [0.25, 0.5, 0.75], axis=0)
    spread = (high - low) / 2.0
    spread = np.where(spread > 0.0, spread, 0.85 * (np.abs(rows - middle) / len(rows)).sum(axis=0))
    with np.errstate(over="ignore"):
        rows = np.clip(rows / np.where(spread > 0.0, spread, 1.0), -_FAR, _FAR)
    return rows[: len(before)], rows[len(before) :]


def _left_out(result: MMDResult, n: int, m: int) -> tuple[str, ...]:
    """Say how many rows a side was compared with, where that was not nearly all of them."""
    sides = (("reference", result.n_x, n), ("current", result.n_y, m))
    return tuple(
        f"{used} of {rows} {side} rows compared, drawn at random"
        for side, used, rows in sides
        if used < 0.9 * rows
    )
