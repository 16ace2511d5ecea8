"""Population stability index: do the shares of bins still come from the same distribution?"""

from __future__ import annotations

from typing import final

from contlearn.drift._binned import BinnedTest
from contlearn.stats import _divergences


@final
class PSI(BinnedTest):
    """Detect that columns have changed, by the population stability index of each, without a cut-off.

    The effect is the index: the sum over bins of (p - q) ln(p / q), where p and q are the shares of the
    reference and of the current rows in a bin. What it is worth depends on the numbers of rows: in ten
    bins, 39 % of samples of 1,000 and 100 rows of one source are above the usual 0.1, and of 10,000 and 1,000
    rows a shift of 0.2 standard deviations never is. So the index is judged by what chance makes of it.

    Numbers, booleans, dates and durations have bins between the quantiles of the reference; where it has no
    more than `bins` distinct values, and for text, each value is a bin, and whatever is not in the reference
    one bin more. The bins depend on the reference only: no outlier can squash them.

    Parameters
    ----------
    alpha : float
        False-alarm rate of one `detect`, over all columns: with exchangeable rows, unchanged data raise DRIFT
        at most this often.
    correction : {"holm", "bonferroni", "hochberg", "bh", "by", "westfall-young"} or None
        Correction for testing many columns; None keeps `alpha` for each column alone.
    tolerance : float
        Smallest index worth reporting, in nats: a smaller one is never DRIFT.
    must_detect : float or None
        An index this large must have been findable; else the answer is UNDECIDED instead of STABLE. None:
        UNDECIDED only where so few rows cannot bring the p-value to `alpha`.
    bins : int
        Bins of about equal numbers of reference rows for numbers, 2 to 1,000; fewer where values repeat.
    minimum_effect : bool
        True: DRIFT needs evidence that the index is above `tolerance`, not only that something changed. The
        p-value is that of the hypothesis "at most `tolerance`".
    block : int or None
        Rows come in the order of time, and those less than so many rows apart may depend on each other: both
        sides then count as fewer rows, by the design effect of blocks of the reference.
    random_state : int, numpy generator or None
        Seed of drawn samples: the same question has the same answer. None draws afresh for each question.

    Attributes
    ----------
    n_features_in_ : int
        Number of columns of the reference.
    feature_names_in_ : ndarray of str
        Their names; only where all columns were named by text.

    Notes
    -----
    Half a row is added to each bin before its share is taken, so that the index stays finite. `score` is the
    index as measured, not corrected for what chance adds to it, about (bins - 1) (1/n + 1/m); `interval`
    allows for that, and covers the true index of the same bins about as often as it says where a bin can
    expect 20 rows, more often where it cannot.

    The p-value is that of the chi-squared limit where every bin can expect 200 rows on either side. Below,
    near the level or with fewer than 20, it is that of up to 100,000 drawn samples of the exact law: of the
    gaps between the values of the reference (Polya's urn) where these differ, else of all ways to deal the
    values that were seen, each cutting its own bins. Clearly below the level it is the root of that of the
    limit, an upper bound.

    `effects` has the changes of the shares of the five bins that changed most. Of more than 1,000 categories
    the rarest of the reference share one bin.

    Cost: `fit` sorts each column and keeps counts; `detect` counts the current rows, O(m log bins) each.
    Drawing takes up to some ten milliseconds per column, a second for thousands of categories.

    Threads: several may ask one fitted detector at once, but not while it is being fitted.

    References
    ----------
    Yurdakul (2018), "Statistical properties of population stability index", for the limit law.

    Examples
    --------
    >>> import numpy as np
    >>> from contlearn.drift import PSI
    >>> rng = np.random.default_rng(0)
    >>> detector = PSI().fit({"income": rng.lognormal(3.0, 0.5, 10_000)})
    >>> result = detector.detect({"income": rng.lognormal(3.1, 0.5, 1000)})
    >>> result.detected, round(result.score, 3)
    (True, 0.03)
    """

    _divergence = _divergences.PSI
