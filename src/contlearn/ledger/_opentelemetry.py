"""What a ledger remembers, as spans of OpenTelemetry."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

from contlearn import _checks
from contlearn.gates._canary_answer import CanaryAnswer
from contlearn.ledger._entry import Entry
from contlearn.ledger._following import EachEntry
from contlearn.results import Decision, Verdict

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)  # noqa: UP017 - the name that every Python has


class OpenTelemetrySpans(EachEntry):
    """Make one span per entry of a ledger.

    A span is called ``contlearn.decision``, ``contlearn.promotion`` and so on; its attributes are
    ``contlearn.id``, ``contlearn.model_id``, ``contlearn.reason``, ``contlearn.digest``, and, where there are
    such, ``contlearn.word``, ``contlearn.p_value``, ``contlearn.gain`` with ``.low`` and ``.high``. It lasts
    no time, and stands at the entry's own: where that is a number or has no time zone, nobody knows when it
    was, and the span stands where the clock of OpenTelemetry is.

    Parameters
    ----------
    tracer
        A tracer, such as ``opentelemetry.trace.get_tracer("models")``; of its methods, `start_span` is used.
    after
        Number of the last entry that is not to be told; 0: tell all.

    Notes
    -----
    An entry is told again when the tracer raised. After a restart it begins with the first entry, unless
    `after` says where it was.

    Cost: O(new entries), besides what the client takes for each.

    Not to be shared by threads without a lock.

    Examples
    --------
    >>> from opentelemetry.sdk.trace import TracerProvider
    >>> from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    >>> from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
    >>> from contlearn.ledger import Ledger, OpenTelemetrySpans
    >>> exporter, provider = InMemorySpanExporter(), TracerProvider()
    >>> provider.add_span_processor(SimpleSpanProcessor(exporter))
    >>> ledger, spans = Ledger(), OpenTelemetrySpans(provider.get_tracer("models"))
    >>> ledger.promote("7", at=1, reason="the first model")
    >>> spans.update(ledger)
    1
    >>> span = exporter.get_finished_spans()[0]
    >>> span.name, span.attributes["contlearn.model_id"], span.attributes["contlearn.reason"]
    ('contlearn.promotion', '7', 'the first model')
    """

    def __init__(self, tracer: Any, after: int = 0) -> None:
        if not callable(getattr(tracer, "start_span", None)):
            _checks.fail("tracer", "be a tracer", tracer, "such as opentelemetry.trace.get_tracer('models')")
        super().__init__(after)
        self.tracer = tracer

    def _tell(self, entry: Entry) -> None:
        at = _nanoseconds(entry.at)
        attributes = {f"contlearn.{name}": value for name, value in _facts(entry) if value is not None}
        span = self.tracer.start_span(f"contlearn.{entry.kind}", attributes=attributes, start_time=at)
        span.end(end_time=at)


def _nanoseconds(at: Any) -> int | None:
    """Return nanoseconds since 1970, exactly; None where the moment is not one of the world's."""
    if not isinstance(at, datetime) or at.tzinfo is None:
        return None
    return (at - _EPOCH) // timedelta(microseconds=1) * 1000


def _facts(entry: Entry) -> Iterator[tuple[str, Any]]:
    yield from (("id", entry.id), ("model_id", entry.model_id), ("digest", entry.digest))
    yield "at", entry.at.isoformat() if isinstance(entry.at, datetime) else entry.at
    answer = entry.answer
    if answer is None:
        yield "reason", str(entry.body.get("reason", ""))
        return
    yield "reason", getattr(answer, "reason", None) or str(answer)
    yield "p_value", getattr(answer, "p_value", None)
    if isinstance(answer, Decision):
        yield "word", answer.word
    if isinstance(answer, (Verdict, CanaryAnswer)):
        yield "word", str(answer.outcome if isinstance(answer, Verdict) else answer.action)
        if answer.gain is not None:
            yield from (("gain", answer.gain.estimate), ("gain.low", answer.gain.low))
            yield "gain.high", answer.gain.high
