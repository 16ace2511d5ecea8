"""What a ledger remembers, as metrics of Prometheus."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from contlearn import _checks
from contlearn._time import Moment
from contlearn.exceptions import MissingDependencyError
from contlearn.gates._canary_answer import CanaryAnswer
from contlearn.ledger import _moments
from contlearn.ledger._entry import Entry
from contlearn.ledger._following import EachEntry
from contlearn.ledger._ledger import Ledger
from contlearn.results import Decision, DriftResult, Interval, Verdict

_COUNTERS = {
    "entries": ("Entries of the ledger.", ("kind",)),
    "decisions": ("Decisions of policies.", ("word",)),
    "verdicts": ("Verdicts of gates.", ("outcome",)),
    "canary": ("Answers of canaries.", ("action",)),
    "drift": ("Results of drift detectors.", ("state",)),
    "approvals": ("What people said about models.", ("granted",)),
    "promotions": ("Promotions.", ()),
    "rollbacks": ("Rollbacks.", ()),
}
_GAUGES = {
    "champion": ("1 for the model that serves.", ("model_id",)),
    "champion_age": ("Time since the champion began to serve: seconds, or the unit of the ledger.", ()),
    "gain": ("Gain in the last verdict that states one: the estimate and its limits.", ("of",)),
    "loss": ("Loss in the last decision that saw one: the estimate and its limits.", ("of",)),
}


class PrometheusMetrics(EachEntry):
    """Keep counters and gauges of a ledger in a registry of Prometheus.

    ==============================  ==========================================================================
    counters                        labels
    ==============================  ==========================================================================
    ``contlearn_entries_total``     ``kind``
    ``contlearn_decisions_total``   ``word``: retrain, wait, unknown
    ``contlearn_verdicts_total``    ``outcome``: promote, reject, continue
    ``contlearn_canary_total``      ``action``: hold, advance, abort, done
    ``contlearn_drift_total``       ``state``: stable, warning, drift, undecided
    ``contlearn_approvals_total``   ``granted``: true, false
    ``contlearn_promotions_total``  none
    ``contlearn_rollbacks_total``   none
    ==============================  ==========================================================================

    and the gauges ``contlearn_champion`` (1 for the ``model_id`` that serves), ``contlearn_champion_age``,
    ``contlearn_gain`` and ``contlearn_loss`` (``of``: estimate, low, high).

    Parameters
    ----------
    registry
        A ``prometheus_client.CollectorRegistry``, which must not hold these metrics yet.
    after
        Number of the last entry that is not to be counted; 0: count all. Counters begin at 0 in every
        process, so leave it at 0 for totals over the life of the ledger.

    Raises
    ------
    MissingDependencyError
        Without the package prometheus-client; ``pip install contlearn[prometheus]``.

    Notes
    -----
    Cost: O(new entries), a few microseconds each besides reading them.

    Not to be shared by threads without a lock; what Prometheus reads meanwhile is its own business.

    Examples
    --------
    >>> from prometheus_client import CollectorRegistry
    >>> from contlearn.ledger import Ledger, PrometheusMetrics
    >>> registry, ledger = CollectorRegistry(), Ledger()
    >>> metrics = PrometheusMetrics(registry)
    >>> ledger.promote("7", at=1, reason="the first model")
    >>> metrics.update(ledger, at=5)
    1
    >>> registry.get_sample_value("contlearn_promotions_total")
    1.0
    >>> registry.get_sample_value("contlearn_champion_age")
    4.0
    """

    def __init__(self, registry: Any, after: int = 0) -> None:
        super().__init__(after)
        if not callable(getattr(registry, "register", None)):
            cure = "such as prometheus_client.CollectorRegistry()"
            _checks.fail("registry", "be a registry of prometheus_client", registry, cure)
        try:
            client: Any = importlib.import_module("prometheus_client")
        except ImportError as error:
            raise MissingDependencyError(
                "PrometheusMetrics needs prometheus-client, got no such package; "
                "pip install contlearn[prometheus]"
            ) from error
        self.registry = registry
        self._champion: str | None = None
        try:
            self._counters = _metrics(client.Counter, _COUNTERS, registry)
            self._gauges = _metrics(client.Gauge, _GAUGES, registry)
        except ValueError:
            cure = "keep the first PrometheusMetrics, or give each a registry"
            _checks.fail("registry", "not hold these metrics yet", registry, cure)

    def update(self, ledger: Ledger, at: Moment | None = None) -> int:
        """Count what stands in the ledger after `last_id`, and return how many entries that were.

        Parameters
        ----------
        ledger
            Always the same one.
        at
            The present moment, in the time of the ledger, for ``contlearn_champion_age``; None leaves it.
        """
        _checks.instance("ledger", ledger, Ledger, "a Ledger")
        champion = ledger.champion()
        if champion is not None and at is not None:
            _moments.is_before("at", at, champion.since)  # what cannot be compared is refused before we count
        told = super().update(ledger)
        champion = ledger.champion()
        if champion is not None:
            self._crown(champion.model_id)
            if at is not None:
                age: Any = at - champion.since  # type: ignore[operator]
                seconds = age.total_seconds() if isinstance(age, timedelta) else float(age)
                self._gauges["champion_age"].set(seconds)
        return told

    def _crown(self, model_id: str) -> None:
        if model_id != self._champion:
            self._gauges["champion"].clear()
            self._gauges["champion"].labels(model_id).set(1)
            self._champion = model_id

    def _tell(self, entry: Entry) -> None:
        answer, count, evidence = _answer(entry), self._counters, None
        if entry.kind in ("promotion", "rollback"):
            count[f"{entry.kind}s"].inc()
        elif isinstance(answer, Decision):
            count["decisions"].labels(answer.word).inc()
            evidence = entry.evidence
        elif isinstance(answer, Verdict):
            count["verdicts"].labels(answer.outcome.value).inc()
            self._show("gain", answer.gain)
        elif isinstance(answer, CanaryAnswer):
            count["canary"].labels(answer.action.value).inc()
        elif isinstance(answer, DriftResult):
            count["drift"].labels(answer.state.value).inc()
        elif entry.kind == "approval":
            count["approvals"].labels(str(bool(answer)).lower()).inc()
        self._show("loss", None if evidence is None else evidence.loss)
        count["entries"].labels(entry.kind).inc()

    def _show(self, name: str, value: float | Interval | None) -> None:
        if value is None:
            return
        ends = value._asdict() if isinstance(value, Interval) else {"estimate": value}
        self._gauges[name].clear()
        for end in ("estimate", "low", "high"):
            if end in ends:
                self._gauges[name].labels(end).set(ends[end])


def _metrics(kind: Any, table: Mapping[str, tuple[str, tuple[str, ...]]], registry: Any) -> dict[str, Any]:
    return {
        name: kind(f"contlearn_{name}", words, labels, registry=registry)
        for name, (words, labels) in table.items()
    }


def _answer(entry: Entry) -> Any:
    """Return the answer of an entry, where one is counted."""
    return entry.answer if entry.kind in ("decision", "verdict", "canary", "drift", "approval") else None
