"""A detector of its own for each column of a mixed table, and one false-alarm rate over all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, final

from sklearn.base import clone

from contlearn import _checks
from contlearn._tables import Column, Table
from contlearn.drift._batch import BatchDetector
from contlearn.drift._chi_squared import ChiSquared
from contlearn.drift._ks import KS
from contlearn.drift._two_samples import TwoSampleTest

_CHOICES = ("numeric", "categorical")


@final
class ByColumn(BatchDetector):
    """Detect changes in a mixed table: numbers by one detector, categories by another, one alpha over all.

    Parameters
    ----------
    numeric : detector or None
        Tests columns of numbers, dates and durations. None is `KS()`.
    categorical : detector or None
        Tests columns of text, categories and booleans, and those of which the reference knows no value. None
        is `ChiSquared()`.
    columns : mapping of str to {"numeric", "categorical"} or detector, or None
        How to test which column; columns not named are left out, and not even looked at. None: all columns,
        each by its kind. Of detectors given here and above, `alpha` and `correction` are not used, and copies
        are fitted, never they themselves.
    alpha : float
        False-alarm rate of one `detect`, over all columns: with exchangeable rows, unchanged data raise DRIFT
        at most this often.
    correction : {"holm", "bonferroni", "hochberg", "bh", "by", "westfall-young"} or None
        Correction for testing many columns. "holm" and "bonferroni" hold under any dependence; "bh" and "by"
        keep the share of false ones among the drifted columns; None keeps `alpha` for each column alone.
        "westfall-young" holds as Holm does and uses the dependence between columns: rows change sides as a
        whole, in one set of relabelings for all columns. It needs rows (at most 10,000 of either side, which
        `fit` keeps), so that there are no summaries.

    Attributes
    ----------
    n_features_in_ : int
        Number of columns of the reference, those left out included.
    feature_names_in_ : ndarray of str
        Their names; only where all columns were named by text.

    Notes
    -----
    Cost: the sum of what the detectors of the columns cost.

    With "westfall-young" the p-values are those of the relabelings of the Kolmogorov-Smirnov distance over
    128 quantiles of both sides, of the shares of ten bins (PSI, JensenShannon), or of Pearson's statistic of
    the categories; effects and intervals are those of the detectors.

    A table of dtype object, a list of rows included, is read column by column, like a frame.

    Threads: several may ask one fitted detector at once, but not while it is being fitted.

    References
    ----------
    Holm (1979), "A simple sequentially rejective multiple test procedure". Westfall and Young (1993),
    "Resampling-based multiple testing".

    Examples
    --------
    >>> import numpy as np
    >>> from contlearn.drift import KS, ByColumn
    >>> rng = np.random.default_rng(0)
    >>> def day(rows, mean, cities):
    ...     return {"amount": rng.normal(mean, 1, rows), "city": rng.choice(cities, rows)}
    >>> watch = ByColumn(numeric=KS(tolerance=0.1), alpha=0.01).fit(day(5000, 0.0, ["Oslo", "Rome"]))
    >>> watch.detect(day(500, 0.0, ["Oslo", "Rome"])).state
    DriftState.STABLE
    >>> watch.detect(day(500, 0.5, ["Oslo", "Rome", "Lima"])).drifted
    ('amount', 'city')
    """

    _kinds = frozenset({"numeric", "boolean", "categorical", "datetime", "duration"})

    def __init__(
        self,
        numeric: BatchDetector | None = None,
        categorical: BatchDetector | None = None,
        columns: Mapping[str, Any] | None = None,
        *,
        alpha: float = 0.05,
        correction: str | None = "holm",
    ) -> None:
        self.numeric = numeric
        self.categorical = categorical
        self.columns = columns
        self.alpha = alpha
        self.correction = correction

    def _check_parameters(self) -> None:
        super()._check_parameters()
        for name, detector in (("numeric", self.numeric), ("categorical", self.categorical)):
            if detector is not None:
                _check_inner(name, detector)
        if self.columns is None:
            return
        words = 'a mapping of column names to "numeric", "categorical" or a detector'
        _checks.instance("columns", self.columns, Mapping, words)
        if not self.columns:
            _checks.fail("columns", "name at least one column", "none", "None is every column, by its kind")
        for name, choice in self.columns.items():
            if isinstance(choice, str):
                _checks.one_of(f"columns[{name!r}]", choice, _CHOICES)
            else:
                _check_inner(f"columns[{name!r}]", choice)

    def _chosen(self, table: Table) -> Sequence[int]:
        if self.columns is None:
            return super()._chosen(table)
        wanted = {str(name) for name in self.columns}
        unknown = sorted(wanted.difference(table.names))
        if unknown:
            _checks.bad_schema("X_reference", f"have a column {unknown[0]!r}", "none", "see columns")
        return [position for position, name in enumerate(table.names) if name in wanted]

    def _groups(self, columns: Sequence[Column]) -> list[tuple[TwoSampleTest, Sequence[Column]]]:
        choices = {str(name): choice for name, choice in (self.columns or {}).items()}
        shared = {
            "numeric": KS() if self.numeric is None else clone(self.numeric),
            "categorical": ChiSquared() if self.categorical is None else clone(self.categorical),
        }
        groups: list[tuple[TwoSampleTest, Sequence[Column]]] = []
        for column in columns:
            choice = choices.get(column.name, _by_kind(column))
            detector = shared[choice] if isinstance(choice, str) else clone(choice)
            detector._check_parameters()
            groups.append((detector, (column,)))
        return groups


def _by_kind(column: Column) -> str:
    return "numeric" if column.kind in ("numeric", "datetime", "duration") else "categorical"


def _check_inner(name: str, detector: object) -> None:
    if not isinstance(detector, BatchDetector) or isinstance(detector, ByColumn):
        _checks.fail(name, "be a batch detector for one column, such as KS()", type(detector).__name__)
