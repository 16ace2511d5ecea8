"""DistributionDetector: has the distribution of a stream changed?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from contlearn import _checks
from contlearn._tables import TableLike
from contlearn.drift._streams import _intake, _report
from contlearn.drift._streams._blocks import Blocks
from contlearn.drift._streams._draws import own_generator
from contlearn.drift._streams._entries import numbers
from contlearn.drift._streams._intake import Intake
from contlearn.drift._streams._neighbours import lag_one, ranks
from contlearn.drift._streams._sight import Sight, learn
from contlearn.drift._streams._watch import Watch, warning_limit
from contlearn.results import DriftResult

__all__ = ["DistributionDetector"]

Floats = NDArray[np.float64]


class DistributionDetector(Watch):
    """Has the distribution of a stream changed? With a stated run length, for every distribution.

    While later values are exchangeable with the reference's, false alarms come no sooner than every
    `run_length` updates, on average over references and streams. Nothing is assumed of their distribution.
    Watched are single values (numbers, dates, categories), or the rows of a table.

    Parameters
    ----------
    run_length
        Expected number of updates between false alarms, at least 1.
    warm_up
        How many values become the reference where `fit` is not called, at least 2 (two blocks); until then
        the state is UNDECIDED.
    seed
        Of the draws that tell equal values apart; None for fresh ones.
    bins
        Regions of equal share between order statistics of the reference, 2 to 1000; less where the reference
        is small. Below its smallest and above its largest value there is one more.
    block
        Averages of so many values in a row are tested, of the reference, too: for numbers that depend on
        their neighbours. None: every value by itself.
    warning_run_length
        Evidence as rare as this is a warning. None: a tenth of `run_length`.

    Notes
    -----
    Order statistics of the reference cut the line into regions, finer ones at both ends. Which regions later
    values fall into follows Polya's urn, whatever their distribution, and the finite size of the reference is
    in it. Bets on the frequencies of the last 25, 100 and 400 values, and on values that lean to one side or
    move outwards or inwards, are averages of e-detectors (Shiryaev-Roberts): evidence of c is seen no sooner
    than every c updates. So changes of mean, spread and shape are found; mean delays at the default, after
    1,000 reference values: 97 updates for half a standard deviation, 44 for one, 103 and 131 for a standard
    deviation of 1.5 and of 0.7 times the old one.

    *Equal values* are told apart by a uniform draw for each, seeded, which keeps the law exact. *Numbers* are
    compared as 64-bit floats: integers beyond 2**53 that become one float are equal. *Dates and durations*
    have an order, in microseconds. *Missing values* (None, NaN, NaT) come behind all others, and are tested
    like them. *Categories* (text, booleans, categories of a frame) have an order, the rarest first, that a
    random half of the reference settles while the edges come from the other; a category that the first half
    does not have comes before all others. Infinities and values of another kind are refused.

    *Tables*: every column is watched by itself, and four trees of cuts in several columns watch what no
    column shows alone; the evidence is the average of the columns and of the trees, each with half of the
    weight, under one run length. `result.parts` says which column moved: its own evidence reached the run
    length, too. With five columns, of which one moves by a standard deviation: 51 updates; a correlation of
    two of them from 0 to 0.8: 157.

    *Dependence* of neighbours shortens the run length, and `result.remarks` warns where their lag-1
    correlation is beyond chance, in the reference or in the last 2,048 values (wrongly in one of 400 answers,
    all columns together). Averages of blocks are the cure, at the price of a delay. Updates between false
    alarms, and mean delay of a shift by one standard deviation, for AR(1) with coefficient phi:

    ======== ============= ============= ============= =============
    phi      no block      block=5       block=20      block=50
    ======== ============= ============= ============= =============
    0        10,700, 40    11,300, 84    14,100, 325   12,900, 1,030
    0.2      5,000, 40     11,400, 101   14,100, 342   13,600, 1,030
    0.5      980, 35       8,100, 141    12,100, 381   14,300, 1,040
    0.8      200, 30       3,200, 158    11,000, 535   14,100, 1,180
    ======== ============= ============= ============= =============

    A block in which something is missing is the average of the rest.

    *Small references*: what has changed becomes usual after a while, since the urn takes in every value. Of
    100 shifts by 0.5 standard deviations at the start, 85, 70, 21 and 0 were not found within 3,000 updates,
    nor will be, with references of 20, 50, 100 and 200; of those by one, 64, 4, 0 and 0.
    `result.remarks` warns below 200. Where a tenth of the run length (50 values or blocks at least, 10,000
    at most) would not show even values all beyond the reference, in one column, the state is UNDECIDED.

    *Restarts*: an alarm stands for one update; counts, frequencies and evidence then begin anew against the
    same reference. Only `fit` changes the reference.

    *Estimates*: `changed_at` comes from the last 2,048 values (1,024 rows). `effects` are changes since then;
    their 95 % intervals know nothing of the alarm, which chose its time. For 0.5 and 1 standard deviation, a
    new category of share 0.10, numbers going missing (0.02 to 0.12) and categories doing so (0.05 to 0.15),
    half of the alarms miss the change by at most 9, 2, 8, 23 and 42 updates, and 91, 96, 90, 77 and 74 of
    100 intervals hold it.

    State: about 25,000 bytes, for tables 17,000 and 13,000 per column, and 8 per reference value. Cost: an
    update takes as long as 230 empty method calls (4 microseconds), in `update_many` as 27, per column.
    Threads: not to be shared by threads without a lock.

    References
    ----------
    Shin, Ramdas and Rinaldo (2023), "E-detectors: a nonparametric framework for sequential change
    detection".
    Boracchi, Carrera, Cervellera and Maccio (2018), "QuantTree: histograms for change detection in
    multivariate data streams". Tukey (1947), "Non-parametric estimation II: statistically equivalent blocks".

    Examples
    --------
    >>> import numpy as np
    >>> from contlearn.drift import DistributionDetector
    >>> rng = np.random.default_rng(0)
    >>> detector = DistributionDetector(run_length=10_000).fit(rng.normal(size=1_000))
    >>> detector.update_many(rng.normal(size=2_000))
    []
    >>> for x in rng.normal(loc=1.0, size=100):
    ...     detector.update(x)
    ...     if detector.drift_detected:
    ...         break
    >>> result = detector.result
    >>> bool(result), result.effects["median"].low > 0.5
    (True, True)

    Rows of a table are dictionaries, or rows of an array or a frame:

    >>> table = {"amount": rng.lognormal(size=1_000), "city": rng.choice(["Rome", "Oslo"], 1_000)}
    >>> detector = DistributionDetector().fit(table)
    >>> for city in rng.choice(["Rome", "Oslo"], 60):
    ...     detector.update({"amount": None, "city": city})
    ...     if detector.drift_detected:
    ...         break
    >>> detector.result.drifted
    ('amount',)
    """

    def __init__(
        self,
        run_length: float = 10_000,
        warm_up: int = 1000,
        seed: int | None = 0,
        bins: int = 16,
        block: int | None = None,
        warning_run_length: float | None = None,
    ) -> None:
        self.run_length = run_length
        self.warm_up = warm_up
        self.seed = seed
        self.bins = bins
        self.block = block
        self.warning_run_length = warning_run_length
        self._limit = _checks.number("run_length", run_length, low=1.0)
        self._warning_limit = warning_limit(warning_run_length, self._limit)
        _checks.count("bins", bins, low=2, high=1000)
        if block is not None:
            _checks.count("block", block, low=1)
        _checks.count("warm_up", warm_up, low=2 * (block or 1))
        own_generator(seed)
        self._fitted: dict[str, Any] | None = None  # the generator as `fit` left it
        self._sight: Sight | None = None
        self._intake: Intake | None = None
        self.reset()

    def fit(self, reference: TableLike) -> Self:
        """Learn what is normal; what was seen before is forgotten.

        Parameters
        ----------
        reference
            At least two values (two blocks) that are as the stream should be: numbers, dates, categories or
            booleans, missing ones among them; or rows of a table: a two-dimensional array, a frame or a
            dictionary of columns. Their order does not matter, except to `block`.

        Raises
        ------
        InvalidInputError
            Too few values, or such as cannot be used; the detector stays as it was.
        """
        intake, columns = _intake.read_reference(reference)
        self._forget(self._begun(intake), columns)
        self._fitted = dict(self._generator.bit_generator.state)
        return self

    def reset(self) -> None:
        """Become as new, or as right after the last `fit`."""
        if self._fitted is None or self._sight is None:
            self._forget()
            return
        self._generator.bit_generator.state = self._fitted
        self._sight.recent.clear()
        self._restart()

    def update(self, x: Any) -> None:
        """Take in one value, or one row: a dictionary or an array like the reference's.

        Raises
        ------
        InvalidInputError
            It is infinite, or of another type than the reference; the detector stays as it was.
        """
        if self._intake is None:
            begun = self._begun(_intake.intake_of(x))
            begun.one(x)
            self._intake = begun
        super().update(x)

    def update_many(self, values: Any) -> list[int]:
        """Take in many values, exactly as repeated `update` would; much faster.

        Parameters
        ----------
        values
            One value per update, oldest first; or one row: a table like the reference, or a list of
            dictionaries. A value that `update` would refuse refuses them all: none is taken in then.

        Returns
        -------
        list of int
            The positions in `values` after which drift was detected.
        """
        if self._intake is None:
            begun = self._begun(_intake.intake_of_many(values))
            if len(begun.many(values)):
                self._intake = begun
        return super().update_many(values)

    @property
    def result(self) -> DriftResult:
        """What is known after the last update; UNDECIDED before there is any.

        `score` is the evidence and `threshold` the run length, both in updates. After an alarm or a warning,
        `changed_at` says how many updates ago the change was, most likely, and `effects` what has changed
        since: quantiles in the unit of the values (of dates: seconds), shares of missing values and
        of the five categories that changed most, with intervals that hold for all categories together. "share
        rare or unseen" are those that a random half of the reference does not have.
        """
        if self._sight is None:
            return _report.undecided(self._warming, self._limit)
        blocks, names = self._blocks, self._intake.names if self._intake is not None else None
        limits = self._limit, self._warning_limit
        asked = (self._state, self._evidence, *limits, blocks.size, blocks.taken, self._lag, names, self.bins)
        return _report.report(self._sight, _report.Asked(*asked))

    def _forget(self, intake: Intake | None = None, columns: Sequence[NDArray[Any]] = ()) -> None:
        """Become as new, with this reference if there is one."""
        generator = own_generator(self.seed)
        sight, lag = None, None
        if intake is not None:
            sight, lag = self._learn(intake, columns, generator)
        self._generator, self._sight, self._lag, self._intake = generator, sight, lag, intake
        self._fitted = None
        self._warming: list[Any] = []
        self._blocks = Blocks(self.block or 1)
        self._restart()

    def _learn(
        self, intake: Intake, columns: Sequence[NDArray[Any]], generator: np.random.Generator
    ) -> tuple[Sight, float | None]:
        """Return what to watch, and how the reference's neighbours depend on each other."""
        size, n = self.block or 1, len(columns[0])
        if n < 2 * size:
            _checks.bad_data("reference", f"have at least {2 * size} values", n)
        if self.block is not None:
            columns = [Blocks(size).advance(numbers(columns[0], "numeric"))]
        sight = learn(columns, [kind or "unknown" for kind in intake.kinds], self.bins, generator)
        lag = None
        if intake.names is None and sight.lines[0].ordered:
            lag = lag_one([ranks(sight.lines[0].places(columns[0]))], questions=2)  # and of the stream
        return sight, lag

    def _begun(self, intake: Intake) -> Intake:
        """Return the intake of a new stream, or refuse."""
        return intake if self.block is None else _intake.of_single_numbers(intake)

    def _restart(self) -> None:
        self._evidence = 0.0
        self._drift_detected = self._warning_detected = False
        self._blocks.restart()
        if self._sight is not None:
            self._sight.restart()

    def _read(self, x: Any) -> Any:
        return (self._intake or _intake.intake_of(x)).one(x)

    def _read_many(self, values: Any) -> NDArray[Any]:
        return (self._intake or _intake.intake_of_many(values)).many(values)

    def _room(self) -> int:
        if self._sight is None:
            return self.warm_up - len(self._warming)
        return self._sight.room * self._blocks.size - self._blocks.taken

    def _step(self, x: Any) -> float:
        if self._sight is None:
            return self._warm([x])
        row = self._sight.row(x)
        if self.block is None:
            return self._sight.step(row, self._generator.random())
        average = self._blocks.step(row[0])
        if average is None:
            return self._evidence
        return self._sight.step((average,), self._generator.random()) * self._blocks.size

    def _advance(self, values: NDArray[Any]) -> Floats:
        if self._sight is None:
            return np.full(len(values), self._warm([_intake.single(each) for each in values]))
        rows = self._sight.rows(values)
        if self.block is None:
            return self._sight.advance(rows, self._generator.random(len(rows)))
        ended = (self._blocks.taken + 1 + np.arange(len(rows))) // self._blocks.size
        averages = self._blocks.advance(rows[:, 0])[:, np.newaxis]
        if not len(averages):
            return np.full(len(rows), self._evidence)
        evidence = self._sight.advance(averages, self._generator.random(len(averages)))
        return np.concatenate(([self._evidence], evidence * self._blocks.size))[ended]

    def _warm(self, values: list[Any]) -> float:
        """Keep values of the reference, and learn it from the last of them."""
        intake = (self._intake or self._begun(_intake.intake_of(values[0]))).learn(values)
        if len(self._warming) + len(values) < self.warm_up:
            self._warming += values
            self._intake = intake
            return 0.0
        columns = intake.columns(self._warming + values)
        self._sight, self._lag = self._learn(intake, columns, self._generator)
        self._intake, self._warming = intake.known(), []
        return 0.0

    def _checkpoint(self) -> Any:
        if self._sight is None:
            return None
        return self._sight.checkpoint(), self._blocks.checkpoint(), self._generator.bit_generator.state

    def _rollback(self, state: Any) -> None:
        if self._sight is not None:
            self._sight.rollback(state[0])
            self._blocks.rollback(state[1])
            self._generator.bit_generator.state = state[2]
