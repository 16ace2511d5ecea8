"""Kolmogorov-Smirnov: do numbers still come from the same distribution?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from contlearn._tables import Column
from contlearn.drift._batch import ColumnTest
from contlearn.drift._finding import Finding, confidence
from contlearn.drift._two_samples import Question
from contlearn.results import Interval
from contlearn.stats._dependence import design_effect
from contlearn.stats._ks import KSResult, ks_detectable, ks_interval
from contlearn.stats._ks_atoms import Atoms, Reference, atoms
from contlearn.stats._ks_pairs import Pair, ks_of_pairs, shifts_of_pairs
from contlearn.stats._ks_sample import Marginal, summarized

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
    minimum_effect : bool
        False: the p-value is of "nothing changed". True: of "the distance is at most `tolerance`", so that
        DRIFT means that more than this has changed, however many rows there are. Conservative: at the
        boundary, one to three false alarms in a hundred at `alpha=0.05`, fewer for tied values.
    block : int or None
        Rows come in the order of time, and those nearer than `block` rows depend on each other. Both sides
        then count for fewer rows, by the design effect of the reference. Several times as long as rows
        remember: with a correlation of 0.8 from row to row, false alarms fall from 53 % to 6 % with
        `block=20` or `40`, and stay at 10 % with 10. None: rows are independent.
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
    `effects` of a column has the shifts of its 10 %, 50 % and 90 % quantiles, current minus reference, in the
    unit of the column (dates and durations in seconds; booleans have none). Each has an interval of its own,
    of confidence 1 - alpha before the correction for several shifts, which assumes nothing about the
    distribution; an end is infinite where there are too few rows to tell.

    Cost: `fit` sorts each column once and keeps its distinct values and their counts; `detect` sorts the
    current rows and looks for a few of them, O(m log m + m log n) per column, for all columns at once.

    P-values are exact up to 200 rows on the smaller side, or 500 against 10,000, and where values are few;
    beyond, a limit law within about two percent of the exact one, ties included, for p-values above 0.001.

    A `Summary` has the distinct values of a column as long as the exact law is in use whatever they are, and
    no values beyond: counts on the values of the reference and in the gaps between them. Those in a gap count
    as different from each other, which can only make the p-value larger. Of their quantiles it is known in
    which gap they are, or how far beyond the reference to within a sixteenth of an octave; the intervals have
    room for that.

    A side in lower precision (float32) decides at which precision both are compared. Parts of one batch have
    to be in one precision to be merged.

    Dates, durations and booleans are tested as the numbers that they are. Missing values are tested beside
    the values, as the share that is missing.

    Threads: several may ask one fitted detector at once, but not while it is being fitted.

    References
    ----------
    Hodges (1958), "The significance probability of the Smirnov two-sample test"; Schröer & Trenkler (1995),
    for ties; Zou and Donner (2008), for the intervals of shifts; Rao and Scott (1981), for design effects.

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
    >>> print(result.parts["age"].effects["median"])
    5.047 [3.301, 7.249] (99.5 %)
    """

    _kinds = frozenset({"numeric", "boolean", "datetime", "duration"})
    _cure = "use ChiSquared for it, or ByColumn for a mixed table"

    def _learn(self, columns: Sequence[Column], seed: int | None) -> Learnt:  # noqa: ARG002
        (column,) = columns
        sample = atoms(_sortable(column))
        worth = 1.0 if self.block is None else _worth(sample, column, int(self.block))
        return Learnt(Reference(sample), _UNITS.get(column.kind), worth)

    def _describe(self, reference: Learnt, columns: Sequence[Column]) -> Marginal:
        return self._describe_all([reference], [columns])[0]

    def _describe_all(
        self, references: Sequence[Learnt], groups: Sequence[Sequence[Column]]
    ) -> list[Marginal]:
        alike: dict[tuple[int, np.dtype[Any]], list[int]] = {}
        for place, (reference, (column,)) in enumerate(zip(references, groups, strict=True)):
            precision = _precision(reference.of.sample.values.dtype, column)
            alike.setdefault((column.n_rows, precision), []).append(place)
        found: dict[int, Marginal] = {}
        for (_, precision), places in alike.items():
            columns = [groups[place][0] for place in places]
            samples = [references[place].of.in_precision(precision) for place in places]
            values = [_in_precision(column.values, precision) for column in columns]
            names = [column.name for column in columns]
            found.update(zip(places, summarized(names, samples, values), strict=True))
        return [found[place] for place in range(len(groups))]

    def _compare(self, reference: Learnt, current: Marginal, alpha: float, seed: int | None) -> Finding:
        return self._compare_all([Question((current.name,), reference, current, alpha, seed)])[0]

    def _compare_all(self, questions: Sequence[Question]) -> list[Finding]:
        pairs = [
            Pair(
                each.reference.of.in_precision(np.dtype(each.current.precision)),
                each.current,
                each.reference.worth,
                confidence(each.alpha),
                each.reference.unit,
            )
            for each in questions
        ]
        placed = [
            None if pair.current.pending is not None else pair.current.placed(pair.reference)
            for pair in pairs
        ]
        tolerance = float(self.tolerance) if self.minimum_effect else 0.0
        compared, effects = ks_of_pairs(pairs, placed, tolerance), shifts_of_pairs(pairs, placed)
        return [self._finding(*each) for each in zip(questions, pairs, compared, effects, strict=True)]

    def _finding(
        self, question: Question, pair: Pair, compared: KSResult, effects: Mapping[str, Interval]
    ) -> Finding:
        n, m = pair.reference.rows, pair.current.rows
        independent = n / pair.worth, m / pair.worth
        distance, p_value = compared
        detectable = ks_detectable(*independent, question.alpha)
        if self.minimum_effect:
            detectable += float(self.tolerance)
        return Finding(
            n,
            m,
            score=distance,
            p_value=p_value,
            interval=ks_interval(distance, *independent, pair.confidence),
            detectable=detectable,
            effects=effects,
        )


class Learnt(NamedTuple):
    """What is kept of a column of the reference.

    Attributes
    ----------
    of
        Its distinct values and their counts.
    unit
        What shifts are divided by: microseconds become seconds. None: they are not given.
    worth
        Dependent rows that are worth one independent row.
    """

    of: Reference
    unit: float | None
    worth: float


_UNITS: dict[str, float] = {"numeric": 1.0, "datetime": 1e6, "duration": 1e6}


def _worth(sample: Atoms, column: Column, block: int) -> float:
    """Return how many rows are worth an independent one, from the shares of rows up to each decile."""
    wanted = np.arange(1, 10) * sample.rows // 10
    deciles = np.unique(sample.values[sample.cumulative.searchsorted(wanted)])
    codes = deciles.searchsorted(_sortable(column))
    return design_effect(codes, len(deciles) + 1, block, cumulative=True)


def _sortable(column: Column) -> NDArray[Any]:
    """Return floats in their own precision, or integers so large that different ones would become equal."""
    values = column.values
    if values.dtype.kind == "f":
        return _in_precision(values, np.dtype(f"f{column.bits // 8}"))
    if values.dtype.kind != "b" and max(-int(values.min()), int(values.max())) >= _EXACT_INTEGERS:
        return values
    return values.astype(np.float64)


def _precision(reference: np.dtype[Any], column: Column) -> np.dtype[Any]:
    """Return the type in which current values are compared: whole numbers fit any, floats the shorter."""
    if column.values.dtype.kind != "f":
        return reference
    own = np.dtype(f"f{column.bits // 8}")
    if reference.kind != "f":
        return own
    return min(own, reference, key=lambda dtype: dtype.itemsize)


def _in_precision(values: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return `values` in another type; integers outside its range as the nearest in it."""
    if values.dtype == dtype:
        return values
    if dtype.kind in "iu" and values.dtype.kind in "iu":
        limits = np.iinfo(dtype)
        return values.clip(
            max(limits.min, np.iinfo(values.dtype).min), min(limits.max, np.iinfo(values.dtype).max)
        ).astype(dtype)
    with np.errstate(over="ignore"):
        return values.astype(dtype)
