"""The picture of the year: the loss of each week, what retraining saves, and what happened when."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import datetime, timedelta

import matplotlib as mpl
import numpy as np
from _flights_report import Account, Report
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.dates import DateFormatter, MonthLocator
from matplotlib.figure import Figure

LIGHT = {"paper": "#ffffff", "ink": "#1f2328", "quiet": "#6e7781", "grid": "#e6e8eb"}
DARK = {"paper": "#161b22", "ink": "#e6edf3", "quiet": "#9198a1", "grid": "#2d333b"}
# Distinguishable without colour vision, on white and on black.
COLOURS = {"static": "#8b949e", "calendar": "#e08a00", "loop": "#2f81f7"}
GOOD, BAD, UNSURE = "#2da44e", "#e5534b", "#bf8700"


def picture(report: Report, colours: dict[str, str]) -> bytes:
    """Return the picture of the year as a PNG."""
    style = {
        "font.size": 10.5,
        "text.color": colours["ink"],
        "axes.labelcolor": colours["ink"],
        "axes.edgecolor": colours["quiet"],
        "axes.facecolor": colours["paper"],
        "xtick.color": colours["ink"],
        "ytick.color": colours["ink"],
        "grid.color": colours["grid"],
        "axes.spines.top": False,
        "axes.spines.right": False,
    }
    with mpl.rc_context(style):
        figure = Figure(figsize=(11, 9.4), layout="constrained", facecolor=colours["paper"])
        figure.get_layout_engine().set(w_pad=0.15, h_pad=0.12)
        FigureCanvasAgg(figure)
        losses, differences, events = figure.subplots(3, sharex=True, height_ratios=(3.2, 2, 2.4))
        _draw_losses(losses, report)
        _draw_differences(differences, report)
        _draw_events(events, report, colours)
        events.xaxis.set_major_locator(MonthLocator())
        events.xaxis.set_major_formatter(DateFormatter("%b"))
        events.set_xlabel("2013, one decision a week")
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=140)
    return buffer.getvalue()


def _weeks(report: Report) -> list[datetime]:
    """Return the end of every week in which the strategies served."""
    ends = [entry.now for entry in report.loop.log]
    return [*ends, ends[-1] + timedelta(weeks=1)]


def _draw_losses(axes: Axes, report: Report) -> None:
    for account in report.accounts:
        style = {"linestyle": "--", "linewidth": 1.4} if account.name == "static" else {"linewidth": 1.8}
        axes.plot(
            _weeks(report),
            [week.log_loss for week in account.weekly],
            color=COLOURS[account.name],
            label=f"{account.name}, {account.score.log_loss:.3f} over the year",
            **style,
        )
    axes.set_ylabel("log-loss of the week")
    axes.set_title("A week's loss is mostly its weather: all three rise and fall together", loc="left")
    axes.legend(frameon=False, loc="upper left", ncols=3)
    axes.set_ylim(top=axes.get_ylim()[1] + 0.09)
    axes.grid(visible=True)


def _draw_differences(axes: Axes, report: Report) -> None:
    static = np.array([week.log_loss for week in report.accounts[0].weekly])
    for account in report.accounts[1:]:
        gain = static - [week.log_loss for week in account.weekly]
        axes.plot(_weeks(report), gain, color=COLOURS[account.name], linewidth=1.8)
    axes.axhline(0, color=COLOURS["static"], linestyle="--", linewidth=1.4)
    axes.set_ylabel("log-loss saved")
    axes.set_title("What retraining saves against the static model", loc="left")
    axes.grid(visible=True)


def _draw_events(axes: Axes, report: Report, colours: dict[str, str]) -> None:
    """Draw one lane per kind of event."""
    loop, calendar = report.loop, report.calendar
    judged = [entry for entry in loop.log if entry.tried]
    lanes: list[tuple[str, list[tuple[Sequence[datetime], str, str, str]]]] = [
        ("drift alarm", [([e.now for e in loop.log if e.drift], "|", colours["quiet"], "")]),
        (
            "forecasts off by > 0.03",
            [([e.now for e in loop.log if abs(e.gap) > 0.03], "|", colours["ink"], "")],
        ),
        ("calendar: new model", [(_served(calendar), "o", COLOURS["calendar"], "")]),
        ("loop: new model", [(_served(loop), "o", COLOURS["loop"], "")]),
        *((f"gate on {recipe}", _verdicts(judged, recipe)) for recipe in ("plain", "jtt")),
    ]
    seen: set[str] = set()
    for height, (_, marks) in enumerate(reversed(lanes)):
        for when, marker, colour, label in marks:
            shown = label if label not in seen else None
            seen.add(label)
            axes.scatter(
                when,
                [height] * len(when),
                marker=marker,
                s=95 if marker == "|" else 60,
                color=colour,
                label=shown or None,
                zorder=3,
            )
    axes.set_yticks(range(len(lanes)), [name for name, _ in reversed(lanes)])
    axes.set_ylim(-1.6, len(lanes) - 0.4)
    axes.set_title(
        f"What happened: alarms in {loop.alarms} of {len(loop.log)} weeks, {loop.promotions} new models",
        loc="left",
    )
    axes.legend(frameon=False, loc="lower left", ncols=3)
    axes.grid(visible=True, axis="x")
    axes.tick_params(axis="y", length=0)


def _served(account: Account) -> list[datetime]:
    return [entry.now for entry in account.log if entry.served]


def _verdicts(judged: list, recipe: str) -> list[tuple[list[datetime], str, str, str]]:
    kinds = (
        ("promote", "^", GOOD, "gate: promote"),
        ("continue", "D", UNSURE, "gate: not enough evidence"),
        ("reject", "X", BAD, "gate: reject"),
    )
    return [
        ([e.now for e in judged if e.tried[recipe].verdict.outcome == outcome], marker, colour, label)
        for outcome, marker, colour, label in kinds
    ]
