"""What every stream detector is: an object of river's kind whose parameters can be read, set and cloned."""

from __future__ import annotations

import abc
import copy
import inspect
from collections.abc import Mapping
from typing import Any, Self

from river.base import DriftAndWarningDetector

from contlearn import _checks
from contlearn.results import DriftResult, DriftState


class StreamDetector(DriftAndWarningDetector, abc.ABC):  # type: ignore[misc]
    """A detector that is asked after every update.

    A subclass stores its constructor arguments untouched under their own names, checks them, and ends its
    `__init__` with `self.reset()`. It sets `_drift_detected` and `_warning_detected` in `update`; an alarm
    stands for one update, and the next one calls `_restart`.
    """

    @abc.abstractmethod
    def reset(self) -> None:
        """Become as new."""

    @abc.abstractmethod
    def update(self, x: Any) -> None:
        """Take in one value."""

    @abc.abstractmethod
    def update_many(self, values: Any) -> list[int]:
        """Take in many values, exactly as repeated `update` would.

        Returns
        -------
        list of int
            The positions in `values` after which drift was detected.
        """

    @property
    @abc.abstractmethod
    def result(self) -> DriftResult:
        """What is known after the last update."""

    @property
    def drift_detected(self) -> bool:
        """Whether the last update raised an alarm."""
        return bool(self._drift_detected)

    @property
    def warning_detected(self) -> bool:
        """Whether the evidence is on its way to an alarm; never true together with `drift_detected`."""
        return bool(self._warning_detected)

    @property
    def _state(self) -> DriftState:
        """The state of a detector that has a reference."""
        if self._drift_detected:
            return DriftState.DRIFT
        return DriftState.WARNING if self._warning_detected else DriftState.STABLE

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the constructor arguments by name, in the way of scikit-learn.

        Parameters
        ----------
        deep
            Also return the parameters of detectors among them, as ``name__parameter``.
        """
        found = {name: getattr(self, name) for name in self._parameters()}
        for name, value in list(found.items()) if deep else []:
            if hasattr(value, "get_params") and not isinstance(value, type):
                found |= {f"{name}__{key}": inner for key, inner in value.get_params().items()}
        return found

    def set_params(self, **params: Any) -> Self:
        """Change constructor arguments; the detector becomes as new, without a reference.

        Raises
        ------
        InvalidParameterError
            There is no such parameter, or a value can never work; the detector stays as it was.
        """
        own = {name: getattr(self, name) for name in self._parameters()}
        inner: dict[str, dict[str, Any]] = {}
        for name, value in params.items():
            head, _, tail = name.partition("__")
            if head not in own:
                _checks.fail("params", f"be among {', '.join(own)}", name)
            if tail:
                inner.setdefault(head, {})[tail] = value
            else:
                own[name] = value
        for head, values in inner.items():
            own[head] = fresh(own[head]).set_params(**values)
        self.__dict__ = type(self)(**own).__dict__
        return self

    def clone(self, new_params: dict[str, Any] | None = None, include_attributes: bool = False) -> Self:
        """Return a detector with the same parameters that has seen nothing, in the way of river.

        Parameters
        ----------
        new_params
            Parameters that are to differ.
        include_attributes
            True copies what was seen, too.
        """
        if include_attributes:
            twin = copy.deepcopy(self)
            return twin.set_params(**new_params) if new_params else twin
        params = {name: getattr(self, name) for name in self._parameters()}
        for name, value in (new_params or {}).items():
            params[name] = self._read_river(name, value)
        return type(self)(**{name: fresh(value) for name, value in params.items()})

    def _read_river(self, name: str, value: Any) -> Any:
        """Return a parameter for a clone; river writes an object inside of one as (class, parameters)."""
        if not (isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], type)):
            return value
        kind, params = value
        held: Any = getattr(self, name, None)
        return held.clone(params) if type(held) is kind else kind(**params)

    def __sklearn_clone__(self) -> Self:
        return self.clone()

    def __copy__(self) -> Self:
        return copy.deepcopy(self)  # one that shared its state would change with every update of the other

    def __repr__(self) -> str:
        arguments = ", ".join(f"{name}={getattr(self, name)!r}" for name in self._parameters())
        return f"{type(self).__name__}({arguments})"

    def __str__(self) -> str:
        return _checks.one_line(repr(self))

    @classmethod
    def _parameters(cls) -> list[str]:
        return list(inspect.signature(cls).parameters)


def fresh(value: Any) -> Any:
    """Return a parameter as a detector that has seen nothing would hold it."""
    if isinstance(value, type):
        return value
    if isinstance(value, StreamDetector):
        return value.clone()
    if hasattr(value, "_get_params"):  # river's, of which some change themselves when they are cloned
        return copy.deepcopy(value).clone()
    if hasattr(value, "get_params"):  # scikit-learn's: without loading it
        return type(value)(**{name: fresh(each) for name, each in value.get_params(deep=False).items()})
    if isinstance(value, Mapping):
        return {name: fresh(each) for name, each in value.items()}
    return copy.deepcopy(value)
