"""The losses of two models on the same rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from contlearn import _checks
from contlearn.gates._sign_off import SignOff
from contlearn.stats import _columns


@dataclass(frozen=True, slots=True, eq=False, repr=False, init=False)
class Trial:
    """Losses of champion and challenger on the same rows, with what gates may want to know beside them.

    The rows must be rows that neither model was trained on; where the world moves, later than both trainings.
    Everything is copied on the way in, and the copies are read-only.

    Parameters
    ----------
    champion_losses, challenger_losses : array of shape (n_samples,)
        Loss of each model on each row, in the same order; lower is better. A loss may be NaN or infinite:
        gates then do not promote, and say how many.
    slices : mapping of str to array of shape (n_samples,), optional
        Named columns that `EverySlice` may ask for, such as the region of each row; a data frame will do.
    groups : array of shape (n_samples,), optional
        The cluster of every row, such as its day or its user. Rows of one cluster may depend on each other;
        gates then count clusters, not rows.
    seconds : pair, optional
        Time per prediction of champion and challenger: two numbers, or two arrays of shape (n_samples,).
    approvals : iterable of SignOff, optional
        What people said about the challenger, such as ``ledger.approvals(model_id)``.
    y, champion, challenger, anchor : array, optional
        Labels and what the models predicted, kept by `from_predictions`. The anchor is the best model ever
        promoted; `AUCGain` and `MetricGain` read its predictions, `Gain` its losses.
    anchor_losses : array of shape (n_samples,), optional
        Loss of the anchor on each row; `from_predictions` computes it from `anchor`. A gate with a negative
        margin then asks for no more loss than that against the anchor, too; otherwise twenty gates in a row
        can each lose the margin.
    old_data : mapping of str to Trial, optional
        Trials of both models on named sets of old rows, for `OldData`.
    ids : array of shape (n_samples,), optional
        What names every row, so that `HoldoutBudget` knows the rows again in another holdout.

    Raises
    ------
    InvalidInputError
        If lengths differ, a column is not one-dimensional, or a loss is no number.

    Notes
    -----
    Cost: one copy of what is passed in. Trials compare by identity.

    Threads may share it.

    Examples
    --------
    >>> from contlearn.gates import Trial
    >>> trial = Trial([1, 0, 1], [0, 0, 1], groups=["monday", "monday", "tuesday"])
    >>> trial
    Trial(n_samples=3, groups=...)
    >>> trial.gains
    array([1., 0., 0.])
    """

    champion_losses: NDArray[np.float64]
    challenger_losses: NDArray[np.float64]
    slices: Mapping[str, NDArray[Any]] | None = None
    groups: NDArray[Any] | None = None
    seconds: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None
    approvals: tuple[SignOff, ...] | None = None
    y: NDArray[Any] | None = None
    champion: NDArray[Any] | None = None
    challenger: NDArray[Any] | None = None
    anchor_losses: NDArray[np.float64] | None = None
    old_data: Mapping[str, Trial] | None = None
    ids: NDArray[Any] | None = None
    anchor: NDArray[Any] | None = None

    # Written out, because what goes in (anything like an array) is wider than what comes out.
    def __init__(
        self,
        champion_losses: ArrayLike,
        challenger_losses: ArrayLike,
        slices: Mapping[str, ArrayLike] | None = None,
        groups: ArrayLike | None = None,
        seconds: tuple[ArrayLike, ArrayLike] | None = None,
        approvals: Iterable[SignOff] | None = None,
        *,
        y: ArrayLike | None = None,
        champion: ArrayLike | None = None,
        challenger: ArrayLike | None = None,
        anchor_losses: ArrayLike | None = None,
        old_data: Mapping[str, Trial] | None = None,
        ids: ArrayLike | None = None,
        anchor: ArrayLike | None = None,
    ) -> None:
        columns = {
            "champion_losses": _losses("champion_losses", champion_losses),
            "challenger_losses": _losses("challenger_losses", challenger_losses),
            "groups": None if groups is None else _sealed(_columns.column("groups", groups)),
            "y": _rows("y", y),
            "champion": _rows("champion", champion),
            "challenger": _rows("challenger", challenger),
            "anchor_losses": None if anchor_losses is None else _losses("anchor_losses", anchor_losses),
            "ids": None if ids is None else _sealed(_columns.column("ids", ids)),
            "anchor": _rows("anchor", anchor),
        }
        named = {} if slices is None else _named_columns(slices)
        given = {name: column for name, column in columns.items() if column is not None}
        _checks.same_length(**given, **{f"slices[{name!r}]": column for name, column in named.items()})
        for name, column in columns.items():
            object.__setattr__(self, name, column)
        object.__setattr__(self, "slices", None if slices is None else MappingProxyType(named))
        object.__setattr__(self, "seconds", None if seconds is None else _pair(seconds))
        object.__setattr__(self, "approvals", None if approvals is None else _signed(approvals))
        object.__setattr__(self, "old_data", None if old_data is None else _trials(old_data))

    @classmethod
    def from_predictions(
        cls,
        y: ArrayLike,
        champion: ArrayLike,
        challenger: ArrayLike,
        *,
        loss: Callable[[Any, Any], ArrayLike],
        slices: Mapping[str, ArrayLike] | None = None,
        groups: ArrayLike | None = None,
        seconds: tuple[ArrayLike, ArrayLike] | None = None,
        approvals: Iterable[SignOff] | None = None,
        anchor: ArrayLike | None = None,
        old_data: Mapping[str, Trial] | None = None,
        ids: ArrayLike | None = None,
    ) -> Self:
        """Make a trial from labels and the predictions of both models, which it keeps.

        Parameters
        ----------
        y : array of shape (n_samples,)
            True labels.
        champion, challenger : array of shape (n_samples,) or (n_samples, n_classes)
            What each model predicted: labels, numbers or probabilities, whichever `loss` takes.
        loss
            A callable of labels and predictions that returns one number per row, lower is better, such as
            those of ``contlearn.evaluation``.
        slices, groups, seconds, approvals, old_data, ids
            As in `Trial`.
        anchor : array, optional
            What the best model ever promoted predicted. Kept, and `anchor_losses` computed from it; a trial
            made of losses takes them as `anchor_losses`.

        Examples
        --------
        >>> from contlearn.evaluation import zero_one
        >>> from contlearn.gates import Trial
        >>> Trial.from_predictions([1, 0], [1, 1], [1, 0], loss=zero_one).champion_losses
        array([0., 1.])
        """
        return cls(
            loss(y, champion),
            loss(y, challenger),
            slices=slices,
            groups=groups,
            seconds=seconds,
            approvals=approvals,
            y=y,
            champion=champion,
            challenger=challenger,
            anchor_losses=None if anchor is None else loss(y, anchor),
            old_data=old_data,
            ids=ids,
            anchor=anchor,
        )

    @property
    def n_samples(self) -> int:
        """Number of rows."""
        return int(self.champion_losses.size)

    @property
    def gains(self) -> NDArray[np.float64]:
        """Champion loss minus challenger loss of each row; positive is good."""
        with np.errstate(invalid="ignore", over="ignore"):
            return self.champion_losses - self.challenger_losses

    def take(self, rows: ArrayLike) -> Trial:
        """Return the trial of some rows only, given as positions or as a mask."""
        chosen = np.asarray(rows)
        n = self.n_samples

        def of(column: NDArray[Any] | None) -> Any:
            return None if column is None else column[chosen]

        return Trial(
            self.champion_losses[chosen],
            self.challenger_losses[chosen],
            slices=None
            if self.slices is None
            else {name: of(column) for name, column in self.slices.items()},
            groups=of(self.groups),
            seconds=self.seconds and tuple(s[chosen] if len(s) == n else s for s in self.seconds),  # type: ignore[arg-type]
            approvals=self.approvals,
            y=of(self.y),
            champion=of(self.champion),
            challenger=of(self.challenger),
            anchor_losses=of(self.anchor_losses),
            old_data=self.old_data,
            ids=of(self.ids),
            anchor=of(self.anchor),
        )

    def __repr__(self) -> str:
        parts = [f"n_samples={self.n_samples}"]
        if self.slices is not None:
            parts.append(f"slices={list(map(_checks.called, self.slices))}")
        others = (
            *("groups", "seconds", "approvals", "y", "champion", "challenger"),
            *("anchor", "anchor_losses", "old_data", "ids"),
        )
        parts += [f"{name}=..." for name in others if getattr(self, name) is not None]
        return f"Trial({', '.join(parts)})"

    def __reduce__(self) -> tuple[Any, ...]:
        slices = None if self.slices is None else dict(self.slices)
        old = None if self.old_data is None else dict(self.old_data)
        beside = (self.y, self.champion, self.challenger, self.anchor_losses, old, self.ids, self.anchor)
        losses = (self.champion_losses, self.challenger_losses)
        return _remade, (*losses, slices, self.groups, self.seconds, self.approvals, beside)


def _remade(*fields: Any) -> Trial:
    """Return an unpickled trial: built anew, because pickling would forget that its arrays are read-only."""
    *start, beside = fields
    names = ("y", "champion", "challenger", "anchor_losses", "old_data", "ids", "anchor")
    return Trial(*start, **dict(zip(names, beside, strict=True)))


def _sealed(array: NDArray[Any]) -> NDArray[Any]:
    copy = np.array(array)
    copy.setflags(write=False)
    return copy


def _losses(name: str, losses: ArrayLike) -> NDArray[np.float64]:
    return _sealed(_columns.numbers(name, losses))


def _rows(name: str, values: ArrayLike | None) -> NDArray[Any] | None:
    """Return labels or predictions as an array whose first axis counts rows."""
    if values is None:
        return None
    try:
        array = np.asarray(values)
    except ValueError:
        _checks.bad_data(name, "hold one entry per row", "rows of different lengths")
    if array.ndim == 0:
        _checks.bad_data(name, "hold one entry per row", f"{values!r:.40}")
    return _sealed(array)


def _named_columns(slices: Any) -> dict[str, NDArray[Any]]:
    """Return the columns of a mapping or a data frame by name."""
    names = slices if isinstance(slices, Mapping) else getattr(slices, "columns", None)
    if names is None:
        got = type(slices).__name__
        _checks.bad_data("slices", "map names to columns", got, "such as slices={'region': regions}")
    return {str(name): _sealed(_columns.column(f"slices[{str(name)!r}]", slices[name])) for name in names}


def _signed(approvals: Iterable[Any]) -> tuple[SignOff, ...]:
    _checks.instance("approvals", approvals, Iterable, "an iterable of SignOff")
    signed = tuple(approvals)
    for each in signed:
        _checks.instance("every item of approvals", each, SignOff, "a SignOff")
    return signed


def _trials(old_data: Any) -> Mapping[str, Trial]:
    _checks.instance("old_data", old_data, Mapping, "a mapping of names to trials")
    for name, trial in old_data.items():
        _checks.instance(f"old_data[{_checks.called(name)!r}]", trial, Trial, "a Trial")
    return MappingProxyType({str(name): trial for name, trial in old_data.items()})


def _pair(seconds: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if not isinstance(seconds, (tuple, list)) or len(seconds) != 2:
        _checks.bad_data("seconds", "be a pair (champion, challenger)", f"{type(seconds).__name__}")
    champion, challenger = (
        [side] if np.isscalar(side) or getattr(side, "ndim", None) == 0 else side for side in seconds
    )
    return _losses("seconds[0]", champion), _losses("seconds[1]", challenger)
