"""What JTT measured, what it did, and why: the record that `JTTClassifier` leaves behind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from contlearn import _html
from contlearn._answers import Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class JTTCell(Answer):
    """The rows of one class that were identified correctly, or not.

    Attributes
    ----------
    label : str
        The class, as text.
    misidentified : bool or None
        Whether these are the misidentified rows; None where the class was too small to be divided.
    rows : int
        Rows in the cell.
    base_accuracy, balanced_accuracy : float or None
        Share of the rows that the cheap probe model got right out of fold, trained as it stands and on
        balanced cells; None where nothing was measured.
    """

    label: str
    misidentified: bool | None
    rows: int
    base_accuracy: float | None = None
    balanced_accuracy: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JTTReport(Answer):
    """Whether JTT helped, by which figures, and which rows a person should look at.

    Row numbers are positions in the X that was passed to `fit`. All accuracies are out of fold, of the cheap
    probe model and not of yours, and measured on labels as they are given.

    Attributes
    ----------
    method : str
        What was fitted: ``"balanced cells"``, ``"class-balanced"``, ``"plain"``, ``"weights"``, ``"copies"``.
    helped : bool or None
        Whether balancing was shown to lift the mean accuracy of the cells, which rows like the training set
        pay for (see the price); None where it was not asked (a fixed factor, or ``gate="off"``).
    reason : str
        Why that was fitted, in one sentence.
    n_rows, n_errors : int
        Training rows, and how many of them were misidentified.
    enrichment : tuple of (str, float)
        For each class its share of misidentified rows over the overall share: 3 means three times as many.
    accuracy_on_errors : float or None
        a: the base model's accuracy on misidentified rows. Near 1, they are not what the base model lacks.
    gain, standard_error : float or None
        g: mean over the cells of the gain in accuracy from balancing; s: its standard error.
    accuracy_base, accuracy_balanced : float or None
        The price: accuracy on rows like the training set, before and after.
    suspect_share : float or None
        Share of misidentified rows that the balanced probe gets wrong as well. Above 0.4 they are too many
        to be a minority alone, and wrong labels are likely.
    suspects : tuple of int
        Rows that were left out because both views got them wrong: send them to a person.
    n_unjudged : int
        Rows that the splitter never tested (a time series' first block); they count as not misidentified.
    cells : tuple of JTTCell
        The cells of class and error.

    Examples
    --------
    >>> from contlearn.curation import JTTReport
    >>> report = JTTReport(method="plain", helped=False, reason="y has one class only", n_rows=90)
    >>> print(report)
    JTT did not help: y has one class only; fitted plain, 0 of 90 rows misidentified
    """

    method: str
    helped: bool | None
    reason: str
    n_rows: int
    n_errors: int = 0
    enrichment: tuple[tuple[str, float], ...] = ()
    accuracy_on_errors: float | None = None
    gain: float | None = None
    standard_error: float | None = None
    accuracy_base: float | None = None
    accuracy_balanced: float | None = None
    suspect_share: float | None = None
    suspects: tuple[int, ...] = ()
    n_unjudged: int = 0
    cells: tuple[JTTCell, ...] = ()

    def __str__(self) -> str:
        head = {True: "JTT helped", False: "JTT did not help", None: "JTT as asked"}[self.helped]
        return f"{head}: {self.reason}; " + ", ".join(self._clauses())

    def _clauses(self) -> Iterator[str]:
        yield f"fitted {self.method}"
        yield f"{self.n_errors} of {self.n_rows} rows misidentified"
        if self.accuracy_on_errors is not None:
            yield f"a = {self.accuracy_on_errors:.3f}"
        if self.gain is not None:
            yield f"g = {self.gain:.3f}"
        if self.standard_error is not None:
            yield f"s = {self.standard_error:.3f}"
        if self.accuracy_base is not None and self.accuracy_balanced is not None:
            yield f"accuracy on rows like these {self.accuracy_base:.3f} -> {self.accuracy_balanced:.3f}"
        if self.suspects:
            yield f"{len(self.suspects)} suspect labels left out"
        if self.n_unjudged:
            yield f"{self.n_unjudged} rows never tested by the splitter"

    def _repr_html_(self) -> str:
        header = ("class", "misidentified", "rows", "accuracy, base", "accuracy, balanced")
        rows = [(c.label, c.misidentified, c.rows, c.base_accuracy, c.balanced_accuracy) for c in self.cells]
        return _html.table(str(self), header, rows)
