"""Jensen-Shannon divergence: do the shares of bins still come from the same distribution?"""

from __future__ import annotations

import math
from typing import final

from contlearn import _checks
from contlearn.drift._binned import BinnedTest
from contlearn.stats import _divergences


@final
class JensenShannon(BinnedTest):
    """Detect that columns have changed, by the Jensen-Shannon divergence of the shares of bins of each.

    The effect is the divergence in nats: 0 for equal shares, at most ln 2 = 0.693. It is the divergence with
    equal weights, not its root. What it is worth depends on the numbers of rows, so it is judged by what
    chance makes of it, not by a cut-off.

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
        Smallest divergence worth reporting, in nats: a smaller one is never DRIFT.
    must_detect : float or None
        A divergence this large must have been findable; else the answer is UNDECIDED instead of STABLE. None:
        UNDECIDED only where so few rows cannot bring the p-value to `alpha`.
    bins : int
        Bins of about equal numbers of reference rows for numbers, 2 to 1,000; fewer where values repeat.
    minimum_effect : bool
        True: DRIFT needs evidence that the divergence is above `tolerance`, not only that something changed.
        The p-value is that of the hypothesis "at most `tolerance`".
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
    Half a row is added to each bin before its share is taken, so that rare bins are not loud. `score` is the
    divergence as measured, not corrected for what chance adds to it, about (bins - 1) (1/n + 1/m) / 8;
    `interval` allows for that. P-values, `effects`, cost and what becomes of more than 1,000 categories are
    as in `PSI`: 8 times the divergence over 1/n + 1/m has the same limit as the index over 1/n + 1/m.

    Threads: several may ask one fitted detector at once, but not while it is being fitted.

    References
    ----------
    Lin (1991), "Divergence measures based on the Shannon entropy".

    Examples
    --------
    >>> import numpy as np
    >>> from contlearn.drift import JensenShannon
    >>> rng = np.random.default_rng(0)
    >>> detector = JensenShannon().fit({"income": rng.lognormal(3.0, 0.5, 10_000)})
    >>> result = detector.detect({"income": rng.lognormal(3.1, 0.5, 1000)})
    >>> result.detected, round(result.score, 4)
    (True, 0.0038)
    """

    _divergence = _divergences.JENSEN_SHANNON

    def _check_parameters(self) -> None:
        super()._check_parameters()
        _checks.number("tolerance", self.tolerance, low=0.0, high=math.log(2.0))
