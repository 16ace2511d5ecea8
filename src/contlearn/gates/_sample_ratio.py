"""Whether the arms get the shares of traffic that they were meant to get, asked after every row."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from scipy.special import gammaln

_LIKELY = 0.1  # a share that is wrong is expected to be wrong by about a tenth of itself


def log_evidence(champion: Any, challenger: Any, share: float) -> Any:
    """Return the log Bayes factor of "another share" against `share`, from the rows of one step.

    Beta prior around the planned share; a test martingale when the planned share is the true one. The numbers
    of rows may be arrays.
    """
    ours, theirs = _prior(share)
    posterior = gammaln(ours + challenger) + gammaln(theirs + champion)
    posterior = posterior - gammaln(ours + theirs + (champion + challenger))
    prior = gammaln(ours) + gammaln(theirs) - gammaln(ours + theirs)
    return posterior - prior - challenger * math.log(share) - champion * math.log1p(-share)


def log_mean(logs: Sequence[float]) -> float:
    """Return the log of the mean of the e-values of all steps: an e-value, whichever step is broken."""
    largest = max(logs)
    return largest + math.log(math.fsum(math.exp(each - largest) for each in logs) / len(logs))


def _prior(share: float) -> tuple[float, float]:
    """Return the parameters of the Beta law whose standard deviation is about `_LIKELY` times the share."""
    strength = (1.0 - share) / share / _LIKELY**2
    return strength * share, strength * (1.0 - share)
