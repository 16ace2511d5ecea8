"""What a challenger has forgotten: its gain on every set of old rows and in every slice of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from contlearn import _checks, _doors, _html
from contlearn._answers import KINDS, Answer
from contlearn.gates._comparison import compare
from contlearn.gates._settled import counted
from contlearn.gates._trial import Trial
from contlearn.results import Interval
from contlearn.stats import _columns
from contlearn.stats._multiple import adjust

_ALL = "all"
_TOLD = 3  # cells that are told in the one line


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgettingCell(Answer):
    """One set of old rows, or one slice of it.

    Attributes
    ----------
    old : str
        Name of the set.
    slice : str
        Name of the slice; empty for all rows of the set.
    rows : int
        Rows in the cell.
    gain : Interval or None
        Champion loss minus challenger loss: negative is forgotten. None where nothing can be computed.
    p_value : float or None
        Of the hypothesis that the challenger is not worse, corrected by Holm for all cells of the table; None
        where there are too few rows to say.
    forgotten : bool
        Whether the challenger is shown to be worse here.
    unknown : str
        Why there is no p-value; empty where there is one.

    Examples
    --------
    >>> from contlearn.gates import Interval, ForgettingCell
    >>> gain = Interval(-0.12, -0.2, -0.05, 0.9)
    >>> print(ForgettingCell(old="winter", slice="north", rows=90, gain=gain, p_value=0.004, forgotten=True))
    winter/north: gain -0.12 [-0.2, -0.05] (90 %), p = 0.004, 90 rows
    """

    old: str
    slice: str = ""
    rows: int = 0
    gain: Interval | None = None
    p_value: float | None = None
    forgotten: bool = False
    unknown: str = ""

    def __bool__(self) -> bool:
        return self.forgotten

    def __str__(self) -> str:
        name = _checks.called(self.old) + (f"/{_checks.called(self.slice)}" if self.slice else "")
        told = "gain unknown" if self.gain is None else f"gain {self.gain}"
        p_value = f", p = {self.p_value:.3g}" if self.p_value is not None else ""
        return _checks.one_line(f"{name}: {told}{p_value}, {self.rows} rows{self._why()}")

    def _why(self) -> str:
        return f" ({self.unknown})" if self.unknown else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgetting(Answer):
    """A table of gains by set of old rows and by slice. True exactly when something is shown forgotten.

    Attributes
    ----------
    by : str or None
        Name of the column of slices.
    alpha : float
        Chance that any cell is called forgotten although the challenger is worse in none; the intervals have
        the confidence 1 - 2 alpha each.
    cells : tuple of ForgettingCell
        Set after set, in their order: all rows, then the slices, sorted.

    Examples
    --------
    >>> from contlearn.gates import Trial, forgetting
    >>> print(forgetting({"winter": Trial([0] * 40, [1] * 9 + [0] * 31)}))
    forgetting: winter: gain -0.225 [-0.349, -0.1359] (90 %), p = 0.00195, 40 rows (alpha 0.05, Holm over 1
    cell)
    """

    by: str | None
    alpha: float
    cells: tuple[ForgettingCell, ...]

    @property
    def forgotten(self) -> tuple[ForgettingCell, ...]:
        """The cells in which the challenger is shown to be worse, the surest first."""
        found = [cell for cell in self.cells if cell.forgotten]
        return tuple(sorted(found, key=lambda cell: cell.p_value or 0.0))

    def __bool__(self) -> bool:
        return any(cell.forgotten for cell in self.cells)

    def __str__(self) -> str:
        found, unknown = self.forgotten, sum(cell.p_value is None for cell in self.cells)
        sure = f"alpha {self.alpha:g}, Holm over {counted(len(self.cells) - unknown, 'cell')}"
        left = f"; {counted(unknown, 'cell')} of which nothing is known" if unknown else ""
        if not found:
            return _checks.one_line(f"forgetting: none shown ({sure}){left}")
        told = "; ".join(map(str, found[:_TOLD]))
        more = f"; and {counted(len(found) - _TOLD, 'cell')} more" if len(found) > _TOLD else ""
        return _checks.one_line(f"forgetting: {told}{more} ({sure}){left}")

    def table(self) -> str:
        """Return the table as text: a row for each set, a column for each slice, * where forgotten."""
        rows = [("", *self._slices()), *self._rows()]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows
        ]
        caption = "gain = champion loss - challenger loss; negative is worse, * shown so"
        return "\n".join([caption, *(line.rstrip() for line in lines)])

    def _slices(self) -> tuple[str, ...]:
        """Return the columns: all rows, then every slice that occurs in some set."""
        names = dict.fromkeys(cell.slice for cell in self.cells if cell.slice)
        return (_ALL, *(_checks.called(name) for name in names))

    def _rows(self) -> Iterator[tuple[str, ...]]:
        slices = ("", *dict.fromkeys(cell.slice for cell in self.cells if cell.slice))
        found = {(cell.old, cell.slice): cell for cell in self.cells}
        for old in dict.fromkeys(cell.old for cell in self.cells):
            yield (_checks.called(old), *(_shown(found.get((old, name))) for name in slices))

    def _repr_html_(self) -> str:
        return _html.table(str(self), ("old data", *self._slices()), list(self._rows()))


KINDS["tuple[ForgettingCell, ...]"] = (frozenset(), _doors.tuple_of(ForgettingCell))


def forgetting(
    old_data: Trial | Mapping[str, Trial], by: str | None = None, alpha: float = 0.05
) -> Forgetting:
    """Return where a challenger has become worse on old rows: its gain by named set and by slice.

    Gains are champion loss minus challenger loss, as everywhere: positive is learned, negative is forgotten.

    Parameters
    ----------
    old_data
        Trials of both models on named sets of old rows, in the order in which the table shall have them, such
        as by time; or a trial with `old_data`. Neither model may have been trained on these rows.
    by
        Name of a column in the `slices` of every set. None: no slices.
    alpha
        Chance of calling any cell forgotten where the challenger is worse in none, between 0 and 0.5. The
        intervals have the confidence 1 - 2 alpha each, not together.

    Returns
    -------
    Forgetting
        `table()` prints it; `forgotten` are the cells that got worse; true exactly when there are any.

    Raises
    ------
    InvalidInputError
        If there is no set, or if one has no slices of that name.

    Notes
    -----
    Every cell is tested like `Gain` at margin 0, from the other side, and the p-values are corrected together
    by Holm's method: this finds what got worse. To show that nothing did, which takes far more rows, there is
    `OldData`. A cell with losses that are not numbers, or with too few rows, has no p-value and says why.
    "Forgetting" elsewhere often means the drop from a model's own best result; here the two models are
    compared on the same rows.

    Cost: that of `Gain` for every cell.

    References
    ----------
    .. [1] S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of
       Statistics 6 (1979).

    Examples
    --------
    >>> from contlearn.gates import Trial, forgetting
    >>> region = ["north"] * 50 + ["south"] * 50
    >>> winter = Trial([0] * 100, [1] * 20 + [0] * 80, slices={"region": region})
    >>> summer = Trial([1] * 8 + [0] * 92, [0] * 100, slices={"region": region})
    >>> found = forgetting({"winter": winter, "summer": summer}, by="region")
    >>> print(found.table())
    gain = champion loss - challenger loss; negative is worse, * shown so
            all                      north                    south
    winter  -0.2 [-0.273, -0.143]*   -0.4 [-0.516, -0.294]*   +0 [-0.0513, +0.0513]
    summer  +0.08 [+0.0457, +0.136]  +0.16 [+0.0926, +0.262]  +0 [-0.0513, +0.0513]
    >>> [(cell.old, cell.slice) for cell in found.forgotten]
    [('winter', ''), ('winter', 'north')]
    """
    alpha = _checks.level("alpha", alpha)
    if isinstance(old_data, Trial):
        old_data = old_data.old_data or {}
    _checks.instance("old_data", old_data, Mapping, "a trial with old data, or a mapping of names to trials")
    if not old_data:
        _checks.bad_data("old_data", "name at least one set", "none", "pass {'winter': Trial(...)}")
    cells = [cell for name, trial in old_data.items() for cell in _cells(str(name), trial, by, alpha)]
    known = {place: cell.p_value for place, cell in enumerate(cells) if cell.p_value is not None}
    for place, p_value in zip(known, adjust(list(known.values())).tolist(), strict=True):
        cells[place] = replace(cells[place], p_value=p_value, forgotten=p_value <= alpha)
    return Forgetting(by=by, alpha=alpha, cells=tuple(cells))


def _cells(name: str, trial: Trial, by: str | None, alpha: float) -> Iterator[ForgettingCell]:
    place = f"old_data[{_checks.called(name)!r}]"
    _checks.instance(place, trial, Trial, "a Trial")
    yield _cell(name, "", trial, alpha)
    if by is None:
        return
    if by not in (trial.slices or {}):
        there = ", ".join(map(repr, trial.slices or {})) or "none"
        _checks.bad_data(place, f"have slices named {by!r}", there, f"pass slices={{{by!r}: ...}} to it")
    labels = _columns.labels(by, (trial.slices or {})[by])
    for code, slice_ in enumerate(labels.names):
        yield _cell(name, str(slice_), trial.take(np.flatnonzero(labels.codes == code)), alpha)


def _cell(name: str, slice_: str, trial: Trial, alpha: float) -> ForgettingCell:
    found = compare(trial, 0.0, alpha)
    return ForgettingCell(
        old=name,
        slice=slice_,
        rows=trial.n_samples,
        gain=found.gain,
        p_value=found.p_below,
        unknown=found.unknown,
    )


def _shown(cell: ForgettingCell | None) -> str:
    if cell is None or cell.gain is None:
        return "-"
    gain = cell.gain
    return f"{gain.estimate:+.3g} [{gain.low:+.3g}, {gain.high:+.3g}]" + ("*" if cell.forgotten else "")
