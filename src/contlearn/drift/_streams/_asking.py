"""Batch detectors inside stream detectors: what they must be able to do, and whose reference they have."""

from __future__ import annotations

import copy
from typing import Any, Self

from contlearn import _checks
from contlearn.drift._streams._base import StreamDetector, fresh


class Asking(StreamDetector):
    """A stream detector that asks a batch detector."""

    detector: Any
    _fitted: Any  # a copy of our own, with the reference if there is one

    def fit(self, reference: Any) -> Self:
        """Learn what is normal, and begin anew.

        Parameters
        ----------
        reference
            The reference rows, as for the detector. If it refuses them, everything stays as it was.

        Returns
        -------
        self
        """
        self._fitted = fresh(self.detector).fit(reference)
        self.reset()
        return self


def check_batch_detector(name: str, detector: Any) -> None:
    """Refuse what is no batch detector with an alpha; scikit-learn is not loaded to find out."""
    able = all(callable(getattr(detector, method, None)) for method in ("fit", "detect"))
    if isinstance(detector, type) or not able or not hasattr(detector, "alpha"):
        _checks.fail(name, "be a batch detector, such as KS()", detector)


def is_fitted(detector: Any) -> bool:
    """Whether a detector of ours or of scikit-learn's kind has learned a reference."""
    says = getattr(detector, "__sklearn_is_fitted__", None)
    if says is not None:
        return bool(says())
    return any(name.endswith("_") and not name.startswith("_") for name in vars(detector))


def own(detector: Any) -> Any:
    """Return a detector of our own: with the reference of `detector` if it has one.

    The reference itself is shared: `fit` makes a new one and never changes an old one.
    """
    return copy.copy(detector) if is_fitted(detector) else fresh(detector)
