"""The little HTML that results show in a notebook: a caption and a table, everything escaped, no script."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape


def table(caption: str, header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return one self-contained HTML table; `None` shows as a dash."""

    def line(cells: Sequence[object], tag: str) -> str:
        inner = "".join(f"<{tag}>{escape(_text(cell))}</{tag}>" for cell in cells)
        return f"<tr>{inner}</tr>"

    head = f"<caption>{escape(caption)}</caption><thead>{line(header, 'th')}</thead>"
    return f"<table>{head}<tbody>{''.join(line(row, 'td') for row in rows)}</tbody></table>"


def _text(cell: object) -> str:
    if cell is None:
        return "–"
    return f"{cell:.4g}" if isinstance(cell, float) else str(cell)
