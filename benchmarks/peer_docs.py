"""The page of the documentation, written from what was measured and saved."""

from __future__ import annotations

import json
import string
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import peer_data
import peer_text

Found = dict[str, Any]
TEMPLATE = Path(__file__).resolve().parent / "page.md"


def write(peers: Path, bench: Path, page: Path) -> None:
    found, saved = json.loads(peers.read_text()), json.loads(bench.read_text())
    rows, columns, shift = peer_data.JOINT
    text = string.Template(TEMPLATE.read_text()).substitute(
        where=saved["where"],
        loops=loops(saved["rows"]),
        date=found["date"],
        machine=f"{found['system']} {found['machine']}, {found['cores']} shared cores",
        minutes=f"{found['minutes']:.0f}",
        environment=environment(found),
        contests="\n\n".join(map(contest, found["contests"])),
        imports=markdown(peer_text.IMPORTS[:4], cut(peer_text.import_rows(found.get("imports", [])))),
        memory=markdown(peer_text.MEMORY[:4], cut(peer_text.memory_rows(found.get("memory", [])))),
        numbers=peer_data.NUMBERS,
        texts=peer_data.TEXTS,
        levels=peer_data.LEVELS,
        shift=peer_data.SHIFT,
        even=1 / peer_data.LEVELS,
        heavy=peer_data.HEAVY,
        tables=markdown(peer_text.TABLES, peer_text.table_rows(found.get("tables", []))),
        joint_rows=rows,
        joint_columns=columns,
        joint_shift=shift,
        joint=markdown(peer_text.JOINT, peer_text.joint_rows(found.get("joint", []))),
        streams_n=peer_data.STREAMS,
        change=f"{peer_data.CHANGE:,}",
        streams=markdown(peer_text.STREAMS, peer_text.stream_rows(found.get("streams", {}))),
    )
    page.write_text(text)


def loops(rows: Sequence[Found]) -> str:
    header = ("contest", "against", "contlearn", "other", "ratio", "promised")
    what = ("name", "rival", "ours", "theirs")
    lines = [(*(row[each] for each in what), f"{row['ratio']:.3g}", least(row["least"])) for row in rows]
    return markdown(header, lines)


def environment(found: Found) -> str:
    rows = [(library, peer_text.versions(peer)) for library, peer in found["peers"].items()]
    return markdown(("library", "measured with"), rows)


def contest(found: Found) -> str:
    header = ("library", "how", "all", "first", "each further", "ratio", "promised")
    rows = cut(peer_text.contest_rows(found))
    return f"### {found['title']}\n\n{verdict(found)}\n\n{markdown(header, rows)}"


def verdict(found: Found) -> str:
    if found["ratio"] is None:
        return "No peer could be measured."
    kind = "" if all(row["test"] for row in found["rows"]) else " that makes the test"
    text = f"{found['ratio']:.3g} times faster than the fastest peer{kind}, {found['fastest']}"
    return text + (f"; promised: {found['least']:g}." if found["least"] else ".")


def least(promised: float | None) -> str:
    return "" if promised is None else f"{promised:.3g}"


def cut(rows: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Return rows without their last column, which only says what was missed."""
    return [row[:-1] for row in rows]


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
