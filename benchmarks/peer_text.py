"""What was measured, as text for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from measure import clock

Found = dict[str, Any]


def text(found: Found) -> str:
    parts = [environment(found)]
    for contest in found["contests"]:
        parts += [contest["title"], table(CONTEST, contest_rows(contest))]
    for name, title, header, rows in (
        ("imports", "Import in a fresh process", IMPORTS, import_rows),
        (
            "memory",
            "MMD, 5,000 against 5,000 x 32: peak memory above what was there before",
            MEMORY,
            memory_rows,
        ),
        ("tables", "Defaults over a table of 10 numeric and 5 text columns", TABLES, table_rows),
        ("joint", "Defaults of one test of all columns: 100 against 100 rows x 8", JOINT, joint_rows),
        ("streams", "river's stream detectors by default", STREAMS, stream_rows),
    ):
        if name in found:
            parts += [title, table(header, rows(found[name]))]
    return "\n\n".join(parts)


def missed(found: Found) -> list[str]:
    """Return the promises that were not kept; one that could not be measured was not."""
    lines = []
    for contest in found["contests"]:
        if contest["missed"]:
            lines.append(
                f"{contest['title']}: {number(contest['ratio'])} times the fastest peer, "
                f"promised {contest['least']:g}"
            )
        lines += [
            f"{contest['title']}: {number(row.get('ratio'))} times {row['label']}, promised {row['least']:g}"
            for row in contest["rows"][1:]
            if row["missed"]
        ]
    for row in found.get("imports", []):
        if row.get("missed"):
            lines.append(
                f"{row['statement']}: {row['ratio']:.3g} times scikit-learn's, promised {row['most']:g}"
            )
    for row in found.get("memory", []):
        if row.get("missed"):
            lines.append(f"memory of MMD: {megabytes(row)}, promised below {row['most'] / 1e6:g} MB")
    return lines


CONTEST = ("library", "how", "all", "first", "each further", "ratio", "at least", "")


def contest_rows(contest: Found) -> list[tuple[str, ...]]:
    lines = []
    for row in contest["rows"]:
        if "error" in row:
            lines.append((row["label"], f"NOT MEASURED: {row['error']}", "", "", "", "", "", ""))
            continue
        promise = row["least"] or (contest["least"] if row["label"] == contest["fastest"] else None)
        kept = row.get("missed") or (contest["missed"] and row["label"] == contest["fastest"])
        lines.append(
            (
                row["label"],
                row["how"],
                clock(row["seconds"]) + ("*" if row["extrapolated"] else ""),
                clock(row["begin"] + row["step"]),
                clock(row["step"]),
                number(row.get("ratio")),
                f"{promise:g}" if promise else "",
                "MISSED" if kept else "",
            )
        )
    return lines


IMPORTS = ("statement", "processor time", "of scikit-learn's", "at most", "")


def import_rows(rows: Sequence[Found]) -> list[tuple[str, ...]]:
    return [
        (
            row["statement"],
            clock(row["seconds"]),
            f"{row['ratio']:.3g}",
            f"{row['most']:g}" if "most" in row else "",
            "MISSED" if row.get("missed") else "",
        )
        for row in rows
    ]


MEMORY = ("library", "permutations", "peak", "at most", "")


def memory_rows(rows: Sequence[Found]) -> list[tuple[str, ...]]:
    return [
        (
            row["library"],
            str(row["permutations"]),
            f"NOT MEASURED: {row['error']}" if "error" in row else megabytes(row),
            f"{row['most'] / 1e6:g} MB" if "most" in row else "",
            "MISSED" if row.get("missed") else "",
        )
        for row in rows
    ]


TABLES = (
    "reference, batch", "library", "checks", "false: table", "numeric column", "text column",
    "caught: numeric", "text",
)  # fmt: skip


def table_rows(rows: Sequence[Found]) -> list[tuple[str, ...]]:
    sizes = {"small": "1,000, 500", "large": "5,000, 500"}
    return [
        (sizes[row["size"]], row["library"], "", f"NOT MEASURED: {row['error']}", "", "", "", "")
        if "error" in row
        else (
            sizes[row["size"]],
            row["library"],
            str(row["repetitions"]),
            *(share(row[each]) for each in ("any", "number", "text", "power_number", "power_text")),
        )
        for row in rows
    ]


JOINT = ("library", "checks", "false", "caught")


def joint_rows(rows: Sequence[Found]) -> list[tuple[str, ...]]:
    return [
        (row["library"], "", f"NOT MEASURED: {row['error']}", "")
        if "error" in row
        else (row["library"], str(row["repetitions"]), share(row["any"]), share(row["power"]))
        for row in rows
    ]


STREAMS = ("detector", "false alarms per 100,000", "streams caught within 1,000")


def stream_rows(found: Found) -> list[tuple[str, ...]]:
    if "error" in found:
        return [("river", f"NOT MEASURED: {found['error']}", "")]
    return [
        (
            name,
            f"{row['false'] / row['values'] * 1e5:.3g}",
            f"{row['caught']} of {row['streams']}",
        )
        for name, row in found.items()
    ]


def environment(found: Found) -> str:
    lines = [f"{found['system']} {found['machine']}, {found['cores']} cores, one thread per process"]
    for library, peer in found["peers"].items():
        lines.append(f"{library}: {versions(peer)}")
    return "\n".join(lines)


def versions(peer: Found) -> str:
    if "failed" in peer:
        return f"NOT MEASURED, {peer['failed']}"
    named = ", ".join(f"{name} {version}" for name, version in peer["versions"].items())
    return f"{named}, Python {peer['python']}"


def megabytes(row: Found) -> str:
    return f"{row['bytes'] / 1e6:.3g} MB" if "bytes" in row else "nothing"


def number(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"


def share(value: float) -> str:
    return f"{100 * value:.3g} %"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    every = [header, ["-" * len(each) for each in header], *rows]
    widths = [max(len(line[i]) for line in every) for i in range(len(header))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in every
    )
