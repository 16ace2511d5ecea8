"""Run last quarter's stream through a detector, and see what it would have cost and found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from contlearn import _checks
from contlearn.testing import _feeds
from contlearn.testing._backtest_report import Backtest, Baseline, clock, delay_of
from contlearn.testing._feeds import Feed
from contlearn.testing._rates import run_length_of, share_of
from contlearn.testing._shifts import Change, Columns, is_built_in, plan_for_stream

VARIANTS = 12  # changed copies of a stream of several columns, so that not one column alone is tried


class Tried(NamedTuple):
    """One size of one shift, and how values from a place on are changed by it."""

    shift: str
    size: float
    change: Change
    ready: tuple[Columns, ...]  # the whole stream changed; empty: the change is made at each place

    def at(self, feed: Feed, place: int, stop: int, turn: int, rng: np.random.Generator) -> Feed:
        """Return the changed values from `place` to `stop`."""
        if self.ready:
            return feed.of_columns(self.ready[turn % len(self.ready)]).cut(place, stop)
        return feed.of_columns(self.change(feed.cut(place, stop).columns, self.size, rng))


def backtest(
    detector: Any,
    stream: Any,
    *,
    reference: int = 0,
    shifts: Mapping[str, Any] | Sequence[str] | None = None,
    places: int | Sequence[int] = 200,
    horizon: int | None = None,
    shuffles: int = 5,
    rng: int | np.random.Generator | None = 0,
) -> Backtest:
    """Run a recorded stream through a stream detector: as it was, in random order, and with changes.

    The alarms on the stream as it was stand beside those on the same values in random order, where nothing
    changes: the noise level. Then changes of known size are made, each from many places of the stream on, and
    the updates up to the next alarm are counted. Rules that look at nothing stand in the same table.

    Parameters
    ----------
    detector : stream detector
        One of ours, one of river's, or anything with `update(x)` and `drift_detected`, with the parameters
        that are to be used. Copies of it run; what it has seen is forgotten, what `fit` gave it stays.
    stream : sequence, array, data frame or dictionary of arrays
        The values, oldest first: losses, numbers or categories; rows for ``Windowed``; columns by name for
        ``Pooled``.
    reference : int
        So many first values are the reference: given to `fit` where the detector has that and was not given
        what it needs before, else taken in by `update`; their alarms do not count. 0: a detector with a
        ``warm_up`` takes so many values, unless it was fitted; every other one begins at once.
    shifts : sequence of str, mapping of str to sizes or to (function, sizes), or None
        What is done to the values from a place on, to one column drawn at random where there are several:
        ``"risk"`` adds so much to the mean of losses between 0 and 1, by errors at random; ``"mean"`` moves
        numbers by so many standard deviations of the stream, ``"spread"`` lengthens distances from its mean
        by such a share, ``"category"`` turns such a share of values into the rarest category, ``"missing"``
        loses such a share. None: ``"risk"`` for losses, else those of ``"mean"``, ``"spread"`` and
        ``"category"`` that apply. Or changes of your own: a function ``(values, size, rng)`` that returns the
        changed values after a place (a dictionary of columns, where the stream is one), with the sizes to
        try. One size may stand alone. Empty: none.
    places : int or sequence of int
        Places at which every change is made: positions in the stream, or how many are drawn.
    horizon : int or None
        Values looked at after a change; without an alarm among them, the change was missed. None: a tenth of
        the values watched, at most 2,000.
    shuffles : int
        Passes in random order, reference included.
    rng : int, numpy Generator or None
        Source of everything that is drawn; the same seed gives the same record.

    Returns
    -------
    Backtest
        Its `str()` is the table.

    Raises
    ------
    InvalidParameterError
        An argument can never work.
    InvalidInputError
        The stream is too short or cannot be used, or the detector refused a value.

    Notes
    -----
    Each place starts from a copy of the detector as it was there; the stream before it is not run again.
    Cost: 1 + `shuffles` passes, and up to `horizon` updates for each place and each size. Delays on a stream
    that changes by itself contain its own alarms: compare with the row "nothing", or pass the stream in
    random order.

    Examples
    --------
    >>> import numpy as np
    >>> from river.drift import ADWIN
    >>> from contlearn.testing import backtest
    >>> amounts = np.random.default_rng(0).normal(size=6000)
    >>> record = backtest(ADWIN(), amounts, shifts={"mean": (0.5, 1.0)}, places=100, horizon=500)
    >>> [each.misses < 50 for each in record.delays]
    [True, True]
    >>> print(record.baselines[0])
    always fires: 6,000 alarms, delay 1, found 1.00
    """
    _feeds.check(detector)
    rng = _feeds.own_generator(_checks.generator("rng", rng))
    feed = Feed.of(stream, detector)
    lead = _lead(detector, reference, feed)
    horizon = _horizon(horizon, len(feed) - lead)
    positions = _positions(places, lead, len(feed) - horizon, rng)
    tried = list(_tried(feed, shifts, len(positions), rng))
    calm = _in_random_order(detector, feed, lead, _checks.count("shuffles", shuffles), rng)
    alarms, delays, before = _with_changes(detector, feed, lead, positions, horizon, tried, rng)
    watched, promised = len(feed) - lead, _feeds.promised(detector)
    return Backtest(
        detector=" ".join(repr(detector).split()),
        n_reference=lead,
        n_current=watched,
        promised=promised,
        alarms=tuple(alarms),
        run_length=run_length_of(len(alarms), watched),
        shuffled=run_length_of(calm, shuffles * watched),
        shuffled_alarms=calm,
        shuffles=shuffles,
        places=len(positions),
        horizon=horizon,
        alarmed_before=share_of(before),
        delays=tuple(
            delay_of(each.shift, each.size, found, horizon)
            for each, found in zip(tried, delays[1:], strict=True)
        ),
        unchanged=delay_of("nothing", 0.0, delays[0], horizon),
        baselines=_baselines(watched, len(alarms), horizon, promised),
    )


def _lead(detector: Any, reference: int, feed: Feed) -> int:
    lead = _checks.count("reference", reference, low=0)
    if lead == 0 and not _feeds.is_ready(detector, feed):
        lead = _feeds.warm_up(detector)
    if len(feed) < lead + 2:
        _checks.bad_data("stream", f"have more than the {lead} values of the reference", str(len(feed)))
    return lead


def _horizon(horizon: int | None, watched: int) -> int:
    if horizon is None:
        return min(2_000, max(1, watched // 10))
    return _checks.count("horizon", horizon, high=watched)


def _positions(places: int | Sequence[int], first: int, last: int, rng: np.random.Generator) -> list[int]:
    """Return the places, in order; from each, a whole horizon can be seen."""
    if isinstance(places, int) and not isinstance(places, bool):
        possible = last - first + 1
        n = min(_checks.count("places", places), possible)
        return sorted((first + rng.choice(possible, size=n, replace=False)).tolist())
    if isinstance(places, str) or not isinstance(places, Sequence | np.ndarray) or not len(places):
        _checks.fail("places", "be a number of places or a sequence of positions", repr(places))
    return sorted(_checks.count("every place", place, low=first, high=last) for place in places)


def _tried(
    feed: Feed, shifts: Mapping[str, Any] | Sequence[str] | None, n: int, rng: np.random.Generator
) -> Iterator[Tried]:
    variants = 1 if len(feed.columns) == 1 else min(n, VARIANTS)
    for name, (change, sizes) in plan_for_stream(shifts, feed.columns).items():
        for size in sizes:
            ours = is_built_in(change)
            ready = tuple(change(feed.columns, size, rng) for _ in range(variants if ours else 0))
            yield Tried(name, size, change if ours else feed.own(change), ready)


def _in_random_order(detector: Any, feed: Feed, lead: int, shuffles: int, rng: np.random.Generator) -> int:
    """Return the alarms in all passes along the values in random order, the reference included."""
    found = 0
    for _ in range(shuffles):
        mixed = feed.taken(rng.permutation(len(feed)))
        copy = _feeds.prepared(detector, mixed.cut(0, lead))
        found += len(_feeds.alarms(copy, mixed.cut(lead, len(feed))))
    return found


def _with_changes(
    detector: Any,
    feed: Feed,
    lead: int,
    positions: Sequence[int],
    horizon: int,
    tried: Sequence[Tried],
    rng: np.random.Generator,
) -> tuple[list[int], list[list[int | None]], list[bool]]:
    """Return the alarms on the stream, the delays after nothing and after each change, and earlier alarms."""
    delays: list[list[int | None]] = [[] for _ in range(1 + len(tried))]
    before: list[bool] = []
    seen = _feeds.passed(_feeds.prepared(detector, feed.cut(0, lead)), feed, lead, positions)
    alarms: list[int] = []
    for turn, (alarms, state) in enumerate(seen):
        if turn == len(positions):
            break
        place = positions[turn]
        before.append(bool(alarms) and alarms[-1] >= place - horizon)
        futures = [feed.cut(place, place + horizon)]
        futures += [each.at(feed, place, place + horizon, turn, rng) for each in tried]
        for found, future in zip(delays, futures, strict=True):
            found.append(_feeds.delay(state(), future))
    return alarms, delays, before


def _baselines(n: int, alarms: int, horizon: int, promised: float | None) -> tuple[Baseline, ...]:
    """Return rules that look at nothing; a detector without an alarm is held against what it states."""
    every, why = n // max(alarms, 1), ""
    if not alarms:
        every, why = (
            (horizon, " (the horizon)") if promised is None else (round(promised), " (its run length)")
        )
    return (
        clock("always fires", n, 1, horizon),
        clock("never fires", n, 0, horizon),
        clock(f"every {every:,}{why}", n, every, horizon),
    )
