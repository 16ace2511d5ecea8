"""How a model was made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from contlearn import _checks, _html
from contlearn._answers import Answer, Parts
from contlearn._time import Moment, builtin
from contlearn.ledger import _moments

_MAPPINGS = ("curation", "seeds", "hyperparameters", "versions")


@dataclass(frozen=True, slots=True)
class TrainingRun(Answer):
    """How a model was made: from which rows, with which weights, seeds and settings, at which cost.

    Parameters
    ----------
    model_id
        Of which model.
    trained_at
        When, as the caller tells the time.
    n_rows
        Rows trained on.
    rows
        `fingerprint` of those rows, such as a snapshot of a window.
    weights
        `fingerprint` of the sample weights; None for equal weights.
    curation
        How the training set was composed, such as the settings of JTT.
    seeds
        Seeds by what they were for.
    hyperparameters
        Settings of the estimator. Numbers, text, lists and mappings are kept, anything else as its `repr`.
    versions
        Versions of the libraries.
    seconds
        Duration.
    peak_bytes
        Peak memory.

    Raises
    ------
    InvalidParameterError
        For a value of the wrong kind, a count or a duration below 0, and a model without a name.

    Examples
    --------
    >>> from contlearn.ledger import TrainingRun, fingerprint
    >>> run = TrainingRun("7", n_rows=3, rows=fingerprint([1, 2, 3]), seeds={"model": 0}, seconds=1.5)
    >>> print(run)
    model 7 trained on 3 rows in 1.5 s
    """

    model_id: str
    trained_at: Moment | None = None
    n_rows: int | None = None
    rows: str | None = None
    weights: str | None = None
    curation: Mapping[str, Any] = field(default_factory=dict)
    seeds: Mapping[str, Any] = field(default_factory=dict)
    hyperparameters: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, Any] = field(default_factory=dict)
    seconds: float | None = None
    peak_bytes: int | None = None

    def __post_init__(self) -> None:
        for name in _MAPPINGS:
            value = getattr(self, name)
            _checks.instance(name, value, Mapping, "a mapping of names to values")
            object.__setattr__(self, name, _kept(value))
        object.__setattr__(self, "trained_at", _moments.checked("trained_at", self.trained_at))
        Answer.__post_init__(self)
        for name in ("n_rows", "peak_bytes"):
            if getattr(self, name) is not None:
                _checks.count(name, getattr(self, name), low=0)
        if self.seconds is not None:
            _checks.number("seconds", self.seconds, low=0.0)
        if not self.model_id.strip():
            _checks.fail("model_id", "not be empty", self.model_id)

    def __str__(self) -> str:
        on = "" if self.n_rows is None else f" on {self.n_rows} rows"
        lasted = "" if self.seconds is None else f" in {self.seconds:.4g} s"
        return _checks.one_line(f"model {self.model_id} trained{on}{lasted}")

    def _repr_html_(self) -> str:
        names = [name for name in self.__dataclass_fields__ if getattr(self, name) not in (None, {})]
        return _html.table(str(self), ("", ""), [(name, str(getattr(self, name))) for name in names])


def _kept(value: Any) -> Any:
    """Return a setting as builtins that nobody can change, or as its repr."""
    value = builtin(value)
    if isinstance(value, Mapping):
        return Parts({str(name): _kept(part) for name, part in value.items()})
    if isinstance(value, (list, tuple)):
        return tuple(_kept(part) for part in value)
    return value if value is None or isinstance(value, (bool, int, float, str)) else repr(value)
