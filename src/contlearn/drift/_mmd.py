"""Maximum mean discrepancy: do rows as a whole still come from the same distribution?"""

from __future__ import annotations

import math
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from contlearn import _checks
from contlearn._tables import TableLike
from contlearn.drift._arrays import Kept, RowTest, at_most, left_out, standardized
from contlearn.drift._finding import Finding
from contlearn.drift._foreignness import foreign_features, foreign_rows
from contlearn.drift._mmd_findings import Learnt, by_features, by_halves, by_permutation, learnt
from contlearn.drift._rows import subset
from contlearn.drift._seeds import order_of, seed_of
from contlearn.stats._array_api import place
from contlearn.stats._random_features import moments

_METHODS = ("permutation", "cross", "features")


@final
class MMD(RowTest):
    """Detect that rows have changed as a whole, by maximum mean discrepancy with a ladder of kernels.

    All columns go into one test, so that it also sees what no column shows by itself: correlations, clusters,
    small shifts spread over many columns. It does not say which column changed; `KS` does. Kernels from wide
    to narrow are tested together, so there is no bandwidth to choose (see `contlearn.stats.mmd`).

    The effect is the MMD under the widest Gaussian kernel, whose bandwidth is the typical distance of two
    rows: from 0 (no difference) to at most the square root of 2 (nothing in common). It makes batches
    comparable with one another; a change that mostly a narrower kernel sees can be significant with an effect
    near 0. `interval` is that of the effect, with confidence 1 - alpha; `detectable` the effect that is found
    four times in five if the widest kernel sees the change (changes that a narrower one sees are found
    earlier).

    Parameters
    ----------
    method : {"permutation", "cross", "features"}
        How the p-value is computed. "permutation": by relabeling the rows, exact at every sample size, and
        with the most power. "cross": by a limit law across halves of the rows; no relabelings, so that p can
        be as small as alpha over many tests asks, at some cost of power; from 50 rows on each side.
        "features": from sums of random Fourier features and of their products, the only method that needs no
        rows later, in time that grows with the rows and not with their square; from 25 rows on each side, and
        reference rows of about 20 times the root of the number of columns, more where columns have long tails
        or are mostly one value. With fewer rows the answer is UNDECIDED.
    n_permutations : int
        Number of relabelings; the smallest possible p-value is 1 / (n_permutations + 1).
    standardize : bool
        Divide every column by its spread first: half the distance of its quartiles, over both sides together,
        which keeps the level exact ("features": its standard deviation in the reference, far values held).
        False where the columns share a unit, as in embeddings.
    max_rows : int
        Most rows that are compared on either side. Of a longer reference `fit` keeps a random subset of that
        many, which bounds the memory; of a longer batch a random subset is tested. "features" uses all rows.
    alpha : float
        False-alarm rate of one `detect`, missing values included.
    tolerance : float
        Smallest effect worth reporting, an MMD between 0 and 1.41: a smaller one is never DRIFT.
    must_detect : float or None
        An effect this large must have been findable, else UNDECIDED; None: UNDECIDED when so few rows cannot
        bring p to alpha. For the shares of missing values it is 0.2.
    block : int or None
        Rows are in the order of time, and those nearer than `block` depend on each other; choose it several
        times as long as the dependence lasts. "permutation" relabels whole blocks of consecutive rows, the
        others take the noise of sums over blocks ("features": those of the reference) in place of that of
        rows. None: rows are independent.
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

    With `method="permutation"`, tensors of torch, and arrays of any library that keeps the array API
    standard, are computed with on their device, in float64 where it has that (else in float32, centred
    first): give reference and batch there. Only sums over bins are brought to numpy. Torch and CuPy need the
    extra ``contlearn[array-api]``.

    Of a reference of more than eight times the batch (and more than 256 rows) "permutation" uses a random
    part of eight times the batch: the rest would add less than an eighth to the effective sample size, at the
    square of its cost. `n_reference` and `n_current` count the complete rows; `remarks` say when less were
    compared.

    Cost of "permutation": time O((n + m)² (d + 20)) for n and m compared rows (about a second for 10,000
    against 10,000 rows of 32 columns on one core) and little more for more permutations. Memory: the kept
    rows, some copies of the compared ones, and some megabytes. "cross" takes about as long.

    "features": 320 cosines and sines, shared by up to five bandwidths; narrow kernels that are 0 for nearly
    all pairs of reference rows are left out. Time O((n + m) (320 d + 80,000)). Memory: at most 4 MB for the
    reference, as much for a summary, and 25 MB while rows are read. All sums are of whole numbers, so that a
    batch has the same result however it was divided into summaries. The p-value is that of the weighted
    chi-squared law of the quadratic form, whose weights are the eigenvalues of the covariance of both sides
    together, freed from the noise of few rows.

    Threads: several may ask one fitted detector at once, but not while it is being fitted.

    References
    ----------
    Gretton, Borgwardt, Rasch, Schölkopf and Smola (2012), "A kernel two-sample test". Domingo-Enrich, Dwivedi
    and Mackey (2025), "Cheap permutation testing", arXiv 2502.07672. Shekhar, Kim and Ramdas (2022), "A
    permutation-free kernel two-sample test", arXiv 2211.14908. Zhao and Meng (2015), "FastMMD: Ensemble of
    circular discrepancy for efficient two-sample test", for random features.

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

    Statistics in the place of rows:

    >>> detector = MMD(method="features").fit(rng.normal(size=(2000, 2)))
    >>> batch = rng.normal(size=(300, 2)) * 1.3
    >>> first, second = detector.summarize(batch[:100]), detector.summarize(batch[100:])
    >>> detector.detect(first.merge(second)) == detector.detect(batch)
    True
    """

    _why_not = "use MMD(method='features')"

    @property
    def _travels(self) -> bool:
        return self.method == "features"

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
        _checks.number("tolerance", self.tolerance, low=0.0, high=math.sqrt(2.0))

    def foreignness(self, X: TableLike) -> NDArray[np.float64]:
        """Return how foreign each row of `X` is: where the batch is denser than the reference.

        That is the witness function of the discrepancy: how much more alike a row is to the other rows of the
        batch than to those of the reference, on average, under the kernel that saw most of the difference
        (for `method="features"`, under the bandwidth that did). Look at the rows with the highest values to
        see what is new. A question: it changes nothing.

        Parameters
        ----------
        X : array of shape (n_samples,) or (n_samples, n_features), data frame, or dict of columns
            The current rows; as for `detect`, wherever they lie.

        Returns
        -------
        ndarray of shape (n_samples,)
            Higher is more foreign, below 0 is rarer than it was. On average about 0 where nothing has
            changed. Values of one batch are comparable with each other. NaN where a value is missing, and
            where no other row is left to compare with.

        Raises
        ------
        NotFittedError, SchemaError, InvalidInputError
            As for `detect`.

        Notes
        -----
        Time is O((n + m) m d) for n kept reference rows and m rows of the batch, of which at most `max_rows`
        stand for all; memory that of some copies of the rows. A row is not compared with itself, nor with
        rows nearer than `block`. A single row far from all others is like neither side, and gets about 0
        under a narrow kernel: this finds where batches differ, not outliers.
        """
        self._check_fitted()
        found = self._found(X)
        values = np.full(found.n_rows, np.nan)
        (memory,) = self.reference_
        if memory.statistics is None or len(found.complete) < 2:
            return values
        if isinstance(memory.statistics, Learnt):
            values[found.complete] = foreign_features(memory.statistics, found.rows)
        else:
            values[found.complete] = self._witness(memory.statistics.rows, found.rows, memory.seed)
        return values

    def _witness(self, before: Any, current: Any, seed: int | None) -> NDArray[np.float64]:
        # The draws are those of `detect`, and so is the kernel.
        rng = np.random.default_rng(seed_of(seed, [order_of(before, current)]))
        among = subset(current.shape[0], self.max_rows, rng, self.block)
        if among is None:
            among = np.arange(current.shape[0])
        before, current = self._sides(before, current)
        return foreign_rows(before, current, among, self.n_permutations, self.block, rng)

    def _learn_rows(self, rows: Any, seed: int | None) -> Kept | Learnt:
        if self.method != "permutation" and not isinstance(rows, np.ndarray):
            wanted = f"be of numpy for method={self.method!r}"
            _checks.bad_data("X_reference", wanted, place(rows), "move it, or use method='permutation'")
        rng = np.random.default_rng(seed)
        if self.method == "features":
            return learnt(rows, self.standardize, self.block, rng)
        return Kept(at_most(rows, self.max_rows, rng, self.block), rows.shape[0])

    def _describe_rows(self, reference: Kept | Learnt, rows: Any) -> Any:
        return moments(reference.features, rows) if isinstance(reference, Learnt) else rows

    def _compare(self, reference: Any, current: Any, alpha: float, seed: int | None) -> Finding:
        if isinstance(reference, Learnt):
            return by_features(reference, current, alpha)
        n, m = reference.n_complete, current.shape[0]
        if min(n, m) < 2:
            return Finding(n, m)
        rng = np.random.default_rng(seed_of(seed, [order_of(reference.rows, current)]))
        before, after = self._sides(reference.rows, at_most(current, self.max_rows, rng, self.block))
        if self.method == "cross":
            found = by_halves(before, after, alpha, self.block, rng)
        else:
            found = by_permutation(before, after, self.n_permutations, alpha, self.block, rng)
        remarks = left_out((found.n_reference, found.n_current), (n, m))
        return found._replace(n_reference=n, n_current=m, remarks=(*found.remarks, *remarks))

    def _sides(self, before: Any, after: Any) -> tuple[Any, Any]:
        return standardized(before, after) if self.standardize else (before, after)
