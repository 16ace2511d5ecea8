"""`certify` for detectors that are asked after every value: run length and delays instead of rates."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from contlearn import _checks
from contlearn.testing import _feeds
from contlearn.testing._backtest_report import delay_of
from contlearn.testing._feeds import Feed
from contlearn.testing._rates import run_length_of, share_of
from contlearn.testing._shifts import Change, is_built_in, plan_for_stream
from contlearn.testing._stream_certificate import StreamCertificate

_LONGEST = 2_000  # values looked at after a change


class Sizes(NamedTuple):
    """So many values are the reference, then so many are watched."""

    reference: int
    current: int

    @property
    def horizon(self) -> int:
        """Values that come after a change."""
        return min(_LONGEST, self.current - self.current // 2)


class Calm(NamedTuple):
    """One pass without a change."""

    alarms: list[int]
    fit_seconds: float
    update_seconds: float


def certify_stream(
    detector: Any,
    reference: Any,
    n_reference: int | None,
    n_current: int | None,
    repetitions: int,
    shifts: Mapping[str, Any] | Sequence[str] | None,
    power_repetitions: int,
    consecutive: bool,
    rng: np.random.Generator,
) -> StreamCertificate:
    """Measure a stream detector; the parameters are those of `certify`."""
    rng = _feeds.own_generator(rng)
    sizes, passes = _passes(detector, reference, n_reference, n_current, consecutive, rng)
    first = next(passes)
    tried = [
        (name, size, change if is_built_in(change) else first.own(change))
        for name, (change, steps) in plan_for_stream(shifts, first.columns).items()
        for size in steps
    ]
    calm = [_calm(detector, each, sizes) for each in itertools.islice(passes, repetitions)]
    alarms = [position for each in calm for position in each.alarms]
    delays = _delays(detector, itertools.islice(passes, power_repetitions if tried else 0), sizes, tried, rng)
    return StreamCertificate(
        detector=" ".join(repr(detector).split()),
        n_reference=sizes.reference,
        n_current=sizes.current,
        promised=_feeds.promised(detector),
        repetitions=repetitions,
        alarms=len(alarms),
        run_length=run_length_of(len(alarms), repetitions * sizes.current),
        false_alarms=share_of([bool(each.alarms) for each in calm]),
        first_half=share_of([position < sizes.current // 2 for position in alarms]) if alarms else None,
        delays=tuple(
            delay_of(name, size, found, sizes.horizon)
            for (name, size, _), found in zip(tried, delays, strict=True)
        ),
        fit_seconds=float(np.median([each.fit_seconds for each in calm])),
        update_seconds=float(np.median([each.update_seconds for each in calm])),
    )


def _calm(detector: Any, feed: Feed, sizes: Sizes) -> Calm:
    started = time.perf_counter()
    copy = _feeds.prepared(detector, feed.cut(0, sizes.reference))
    fitted = time.perf_counter()
    alarms = _feeds.alarms(copy, feed.cut(sizes.reference, len(feed)))
    return Calm(alarms, fitted - started, (time.perf_counter() - fitted) / sizes.current)


def _delays(
    detector: Any,
    passes: Iterator[Feed],
    sizes: Sizes,
    tried: Sequence[tuple[str, float, Change]],
    rng: np.random.Generator,
) -> list[list[int | None]]:
    """Return, for each change, how long it took in each pass: quiet values first, then it."""
    delays: list[list[int | None]] = [[] for _ in tried]
    for feed in passes:
        copy = _feeds.prepared(detector, feed.cut(0, sizes.reference))
        change_at = len(feed) - sizes.horizon
        _, (_, state) = itertools.islice(
            _feeds.passed(copy, feed.cut(0, change_at), sizes.reference, [change_at]), 2
        )
        after = feed.cut(change_at, len(feed))
        for found, (_, size, change) in zip(delays, tried, strict=True):
            found.append(_feeds.delay(state(), after.of_columns(change(dict(after.columns), size, rng))))
    return delays


def _passes(
    detector: Any,
    reference: Any,
    n_reference: int | None,
    n_current: int | None,
    consecutive: bool,
    rng: np.random.Generator,
) -> tuple[Sizes, Iterator[Feed]]:
    if n_reference is not None:
        _checks.count("n_reference", n_reference, low=0)
    if n_current is not None:
        _checks.count("n_current", n_current, low=2)
    if callable(reference):
        if n_reference is None or n_current is None:
            _checks.fail("n_reference and n_current", "be given where the reference is a function", "None")
        drawn = _drawn(reference, detector, n_reference + n_current, rng)
        return Sizes(n_reference, n_current), drawn
    feed = Feed.of(reference, detector)
    if n_reference is None:
        n_reference = 0 if _feeds.is_ready(detector, feed) else (len(feed) - (n_current or len(feed) // 2))
    if n_current is None:
        n_current = len(feed) - n_reference
    if n_reference < 0 or n_current < 2 or n_reference + n_current > len(feed):
        wanted = f"have {max(n_reference, 0) + max(n_current, 2)} rows"
        _checks.bad_data("reference", wanted, str(len(feed)), "pass smaller n_reference and n_current")
    return Sizes(n_reference, n_current), _rearranged(feed, n_reference + n_current, consecutive, rng)


def _drawn(
    draw: Callable[[np.random.Generator, int], Any], detector: Any, rows: int, rng: np.random.Generator
) -> Iterator[Feed]:
    while True:
        yield Feed.of(draw(rng, rows), detector)


def _rearranged(feed: Feed, rows: int, consecutive: bool, rng: np.random.Generator) -> Iterator[Feed]:
    while True:
        if consecutive:
            yield feed.taken((int(rng.integers(len(feed))) + np.arange(rows)) % len(feed))
        else:
            yield feed.taken(rng.permutation(len(feed))[:rows])
