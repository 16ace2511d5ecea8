"""A model card from the record: how a model was made, judged, approved and used."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from contlearn._answers import plain
from contlearn.ledger._champion import Champion
from contlearn.ledger._entry import Entry
from contlearn.ledger._moments import text_of
from contlearn.results import Verdict

_NOTHING = "Nothing is on record."


def model_card(model_id: str, entries: Iterable[Entry], reigns: tuple[Champion, ...]) -> str:
    """Return a section in Markdown about a model, from its entries and the times in which it served."""
    by_kind: dict[str, list[Entry]] = {}
    for entry in entries:
        by_kind.setdefault(entry.kind, []).append(entry)
    verdicts = [(entry.at, entry.answer) for entry in by_kind.get("verdict", [])]
    known = [verdict for _, verdict in verdicts]
    promoted = [each for each in reigns if each.entry == each.promotion]
    verdicts += [
        (each.since, each.verdict) for each in promoted if each.verdict and each.verdict not in known
    ]
    parts = [
        f"## Model {_cell(model_id)}",
        "### Training",
        *(_training(entry.answer.to_dict()) for entry in by_kind.get("training", [])),
        "### Why it was trained",
        *(f"- {_cell(each.decision)}" for each in promoted if each.decision is not None),
        "### Evidence",
        _verdicts(verdicts),
        "### Approvals",
        *(f"- {_cell(entry.answer)} ({text_of(entry.at)})" for entry in by_kind.get("approval", [])),
        "### Service",
        *(f"- {_served(each)}" for each in reigns),
    ]
    return "\n\n".join(_with_nothing(parts)) + "\n"


def _with_nothing(parts: list[str]) -> Iterable[str]:
    """Yield the parts, and under every heading that has nothing below it that there is nothing."""
    kept = [part for part in parts if part]
    for part, following in zip(kept, [*kept[1:], "#"], strict=True):
        yield part
        if part.startswith("### ") and following.startswith("#"):
            yield _NOTHING


def _training(run: Mapping[str, Any]) -> str:
    rows = []
    for name, value in run.items():
        if isinstance(value, Mapping):
            rows += [(f"{name}: {key}", part) for key, part in value.items()]
        elif value not in (None, "") and name != "model_id":
            rows.append((name, value))
    return _table(("what", "value"), rows)


def _verdicts(verdicts: Iterable[tuple[Any, Verdict]]) -> str:
    rows = []
    for at, verdict in verdicts:
        p_value = None if verdict.p_value is None else f"{verdict.p_value:.3g}"
        rows.append((text_of(at), verdict.outcome.value, verdict.gain, p_value, verdict.reason))
    return _table(("at", "outcome", "gain", "p", "reason"), rows) if rows else ""


def _served(reign: Champion) -> str:
    began = "promoted" if reign.entry == reign.promotion else "put back by a rollback"
    until = "now" if reign.until is None else text_of(reign.until)
    although = "".join(f", although {_cell(said)}" for said in reign.overruled)
    return f"{text_of(reign.since)} to {until}, {began}{although}: {_cell(reign.reason or 'no reason given')}"


def _table(header: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> str:
    lines = [header, ("---",) * len(header), *rows]
    return "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines)


def _cell(value: Any) -> str:
    """Return a value as text on one line that cannot end its cell."""
    text = "" if value is None else str(plain(value) if isinstance(value, Mapping) else value)
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
