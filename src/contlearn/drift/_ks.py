"""Kolmogorov-Smirnov: do numbers still come from the same distribution?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from contlearn._tables import Column
from contlearn.drift._batch import ColumnTest
from contlearn.drift._finding import Finding, confidence
from contlearn.stats._ks import Atoms, atoms, ks_compare, ks_detectable, ks_interval

_EXACT_INTEGERS = 2**53


@final
class KS(ColumnTest):
    """Detect that numeric columns have changed, by the Kolmogorov-Smirnov test of each.

    The effect is the KS distance: the largest difference, over all limits, between the shares of rows at or
    below a limit. It reads as the share of rows that moved, needs no bins, and sees shifts of location,
    spread and shape alike. For text and other categories use `ChiSquared`, for mixed tables `ByColumn`, for
    changes in how columns belong together `MMD`.

    Parameters
    ----------
    alpha : float
        False-alarm rate of one `detect`, over all columns: with exchangeable rows, unchanged data raise DRIFT
        at most this often (ties included: the p-value is conditional on them).
    correction : {"holm", "bonferroni", "hochberg", "bh", "by"} or None
        Correction for testing many columns. "holm" and "bonferroni" hold under any dependence; "bh" and "by"
        keep the share of false ones among the drifted columns; None keeps `alpha` for each column alone.
    tolerance : float
        Smallest KS distance worth reporting, a share of rows between 0 and 1: a smaller one is never DRIFT.
    must_detect : float
        A KS distance this large must have been findable; else the answer is UNDECIDED instead of STABLE.
    random_state : int, numpy generator or None
        Accepted like everywhere; this test draws nothing.

    Attributes
    ----------
    n_features_in_ : int
        Number of columns of the reference.
    feature_names_in_ : ndarray of str
        Their names; only where all columns were named by text.

    Notes
    -----
    Cost: `fit` sorts each column once and keeps its distinct values and their counts; `detect` sorts the
    current rows and looks each of their values up, O(m log m + m log n) per column.

    A side in lower precision (float32) decides at which precision both are compared.

    Dates, durations and booleans are tested as the numbers that they are. Missing values are tested beside
    the values, as the share that is missing.

    References
    ----------
    Hodges (1958), "The significance probability of the Smirnov two-sample test"; Schröer & Trenkler (1995),
    for ties.

    Examples
    --------
    >>> import numpy as np
    >>> from contlearn.drift import KS
    >>> rng = np.random.default_rng(0)
    >>> detector = KS(alpha=0.01).fit({"age": rng.normal(40, 10, 2000), "pay": rng.normal(0, 1, 2000)})
    >>> result = detector.detect({"age": rng.normal(45, 10, 500), "pay": rng.normal(0, 1, 500)})
    >>> result.drifted
    ('age',)
    >>> round(result.parts["age"].score, 2)
    0.21
    """

    _kinds = frozenset({"numeric", "boolean", "datetime", "duration"})
    _cure = "use ChiSquared for it, or ByColumn for a mixed table"

    def _learn(self, columns: Sequence[Column], seed: int | None) -> Values:  # noqa: ARG002
        (column,) = columns
        return Values(atoms(_sortable(column)))

    def _describe(self, reference: Values, columns: Sequence[Column]) -> Values:  # noqa: ARG002
        return self._learn(columns, None)

    def _compare(
        self,
        reference: Values,
        current: Values,
        alpha: float,
        seed: int | None,  # noqa: ARG002
    ) -> Finding:
        before, after = reference.atoms, current.atoms
        if after.values.dtype != before.values.dtype:
            coarsest = _coarsest(before.values.dtype, after.values.dtype)
            before, after = _converted(before, coarsest), _converted(after, coarsest)
        n, m = before.rows, after.rows
        distance, p_value = ks_compare(before, after)
        return Finding(
            n,
            m,
            score=distance,
            p_value=p_value,
            interval=ks_interval(distance, n, m, confidence(alpha)),
            detectable=ks_detectable(n, m, alpha),
        )


class Values(NamedTuple):
    """The distinct values of a sample, with their counts."""

    atoms: Atoms

    def merge(self, other: Values) -> Values:
        """Return the values of both samples."""
        return Values(atoms(np.concatenate([_repeated(self.atoms), _repeated(other.atoms)])))


def _repeated(sample: Atoms) -> NDArray[Any]:
    return np.repeat(sample.values, np.diff(sample.cumulative, prepend=0))


def _sortable(column: Column) -> NDArray[Any]:
    """Return floats in their own precision, or integers so large that different ones would become equal."""
    values = column.values
    if values.dtype.kind not in "biu":
        return values.astype(f"f{column.bits // 8}", copy=False)
    if values.size and max(abs(int(values.min())), abs(int(values.max()))) > _EXACT_INTEGERS:
        return values
    return values.astype(np.float64)


def _coarsest(*dtypes: np.dtype[Any]) -> np.dtype[Any]:
    """Return the float type with the fewest digits; where there is none but integers, that of 64 bits."""
    floats = [dtype for dtype in dtypes if dtype.kind == "f"]
    return min(floats, key=lambda dtype: dtype.itemsize, default=np.dtype(np.float64))


def _converted(sample: Atoms, dtype: np.dtype[Any]) -> Atoms:
    """Return a sample in the precision of the other side, where finer differences are lost anyway."""
    with np.errstate(over="ignore"):
        values = sample.values.astype(dtype)
    return atoms(np.repeat(values, np.diff(sample.cumulative, prepend=0)))
