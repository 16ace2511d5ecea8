"""What a plan supposes about the losses that are not there yet, and what a gate would make of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeAlias

from contlearn import _checks
from contlearn.gates import _comparison
from contlearn.gates._gain import Gain
from contlearn.gates._settled import fewest
from contlearn.gates._trial import Trial
from contlearn.stats import _mean, _paired_power
from contlearn.stats._sample_sizes import quantile

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Chance: TypeAlias = Callable[[float], float]
"""From the true gain to the probability of a promotion."""

_LAWS = 64  # values of the sample's spread over which the power of Student's t is averaged
_SKEWNESSES = 9  # and of its skewness, which the guard of the test reacts to


def _never(_gain: float) -> float:
    return 0.0


class World(Protocol):
    """The losses of two models, before they are seen."""

    def chance(self, gate: Gain, n: int) -> Chance:
        """Return how likely `gate` promotes on `n` rows."""

    def guess(self, gate: Gain, gain: float, power: float) -> float:
        """Return about how many rows give this power, by a formula."""

    def gains(self, gate: Gain) -> tuple[float, float]:
        """Return the gains between which there is something to look for."""

    def told(self, gate: Gain, /) -> str:
        """Return what is supposed, and the test that `gate` makes of it, in words."""


class Errors(NamedTuple):
    """Losses of 0 and 1 of two models of which one alone errs on a share `discordance` of the rows."""

    discordance: float

    def chance(self, gate: Gain, n: int) -> Chance:
        margin, mid_p = float(gate.margin), gate.method == "mid-p"
        if n < 1 or margin <= -1.0:
            return _never
        found = _paired_power.region(n, self.discordance, margin, float(gate.alpha), mid_p)
        return lambda gain: _paired_power.power(found, n, self.discordance, gain)

    def guess(self, gate: Gain, gain: float, power: float) -> float:
        spread = math.sqrt(self.discordance)
        return ((quantile(float(gate.alpha)) + quantile(1.0 - power)) * spread / (gain - gate.margin)) ** 2

    def gains(self, gate: Gain) -> tuple[float, float]:
        return max(float(gate.margin), -self.discordance), self.discordance

    def told(self, gate: Gain) -> str:
        test = f"{gate.method} McNemar" if gate.margin == 0.0 else "exact score"
        return f"0/1 losses, one model alone errs on {100 * self.discordance:.3g} % of rows; {test} test"


class Differences(NamedTuple):
    """Losses whose row-wise differences have a mean with the standard error `spread` / sqrt(rows).

    Attributes
    ----------
    spread
        Standard deviation of a row's difference; for clusters, what stands for it.
    rows_per_unit, degrees_per_unit
        Rows per cluster, and degrees of freedom for each: 1 where every row stands for itself.
    skewness
        Of the differences of rows or clusters.
    """

    spread: float
    rows_per_unit: float = 1.0
    degrees_per_unit: float = 1.0
    skewness: float = 0.0

    def chance(self, gate: Gain, n: int) -> Chance:
        import numpy as np
        from scipy.special import ndtr

        units, alpha, margin = int(n / self.rows_per_unit + 1e-9), float(gate.alpha), float(gate.margin)
        if units < fewest(alpha):
            return _never
        limits, weights = self._limits(units, alpha)
        error = self.spread / math.sqrt(n)
        return lambda gain: float(weights @ np.mean(ndtr((gain - margin) / error - limits), axis=1))

    def _limits(self, units: int, alpha: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return what the gain over its true error must exceed, by skewness and by the spread found."""
        import numpy as np
        from scipy.special import gammaincinv

        degrees = max(1.0, self.degrees_per_unit * (units - 1.0))
        nodes, weights = np.polynomial.hermite_e.hermegauss(_SKEWNESSES)
        skewnesses = self.skewness + nodes * math.sqrt(6.0 / units)
        critical = [-_mean.Mean(0.0, 1.0, degrees, float(each), units).low(alpha) for each in skewnesses]
        shares = (np.arange(_LAWS) + 0.5) / _LAWS
        found = np.sqrt(2.0 * gammaincinv(degrees / 2.0, shares) / degrees)
        return np.outer(critical, found), weights / weights.sum()

    def guess(self, gate: Gain, gain: float, power: float) -> float:
        effect = (quantile(float(gate.alpha)) + quantile(1.0 - power)) * self.spread / (gain - gate.margin)
        return effect * effect + 5.0 * self.rows_per_unit

    def gains(self, gate: Gain) -> tuple[float, float]:
        return float(gate.margin), float(gate.margin) + 1e3 * self.spread

    def told(self, _gate: Gain) -> str:
        inside = "" if self.rows_per_unit == 1.0 else f" in groups of {self.rows_per_unit:.4g}"
        return f"differences of rows{inside} with a spread of {self.spread:.4g}; Student's t"


def seen(trial: Trial) -> World:
    """Return the world of which `trial` is a sample."""
    import numpy as np

    if why := _comparison.why_unusable(trial):
        _checks.bad_data("like", "be a trial that a gate can judge", why)
    gains, codes = trial.gains, _comparison.clusters(trial)
    if codes is None and _comparison.zeros_and_ones(trial):
        return Errors(float(np.mean(gains != 0.0)))
    scale = max(float(np.abs(losses).max()) for losses in (trial.champion_losses, trial.challenger_losses))
    mean = _mean.estimate(gains, codes, scale)
    if mean.standard_error == 0.0:
        got = f"{mean.units} {'row' if codes is None else 'group'}(s) that do not differ"
        _checks.bad_data("like", "show how much the differences of the losses vary", got)
    n = trial.n_samples
    degrees = 1.0 if codes is None else mean.degrees / (mean.units - 1.0)
    return Differences(mean.standard_error * math.sqrt(n), n / mean.units, degrees, mean.skewness)
