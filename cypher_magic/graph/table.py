"""A query result as a table: HTML for notebooks, plain text for terminals.

Values come from a database that other people write to, so every one of them is escaped (HTML) or stripped of
control characters (terminal), long ones are folded, and the size of the whole is bounded: a saved notebook stays
small. The HTML has no script and asks the network for nothing; further pages are folded `<details>`.
"""

from __future__ import annotations

import shutil
from html import escape
from typing import TYPE_CHECKING, Any

from cypher_magic.graph.schema import quoted
from cypher_magic.graph.values import display_width, is_node, is_relationship, printable, readable, short

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

FOLD_AT = 120  # characters of a value that are shown before the rest is folded
VALUE_CAP = 4_000  # characters of a value that are written at all
MAX_PAGES = 10
MAX_BYTES = 250_000

STYLE = """<style>
.cm-result{color:var(--jp-ui-font-color1,inherit);font-size:var(--jp-ui-font-size1,13px);max-width:100%}
.cm-result .cm-scroll{overflow-x:auto;max-width:100%}
.cm-result table{border-collapse:collapse;margin:.2em 0}
.cm-result th,.cm-result td{text-align:left!important;vertical-align:top;padding:.25em .7em;max-width:32em;
overflow-wrap:break-word;white-space:pre-wrap;border:0;border-bottom:1px solid rgba(128,128,128,.25)}
.cm-result th{border-bottom:2px solid rgba(128,128,128,.55);white-space:nowrap}
.cm-result td.cm-number{text-align:right!important;font-variant-numeric:tabular-nums;white-space:nowrap}
.cm-result .cm-null,.cm-result .cm-note{opacity:.65}
.cm-result summary{cursor:pointer}
.cm-result .cm-brief{white-space:nowrap}
.cm-result pre{white-space:pre-wrap;margin:.3em 0}
</style>"""


def html(
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    *,
    note: str,
    page: int = 20,
    plan: str = "",
    remarks: Sequence[str] = (),
) -> str:
    """The rows as an HTML table, `page` rows at a time, with the note below it and the remarks above it."""
    parts = [STYLE, '<div class="cm-result">', *(f"<div>{_safe(remark)}</div>" for remark in remarks)]
    if columns:
        parts += _pages(columns, rows, max(page, 1))
    parts.append(f'<div class="cm-note">{escape(note)}</div>')
    if plan:
        parts.append(f"<details><summary>Plan</summary><pre>{_safe(plan)}</pre></details>")
    parts.append("</div>")
    return "\n".join(parts)


def plain(
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    *,
    note: str,
    page: int = 20,
    plan: str = "",
    remarks: Sequence[str] = (),
) -> str:
    """The first rows as text that fits the terminal, with the note below it and the remarks above it."""
    lines = [printable(remark) for remark in remarks]
    if columns:
        lines += _text_rows(columns, rows[: max(page, 1)])
        if len(rows) > page:
            rest = len(rows) - page
            lines.append(f"… {rest:,} more row{'s'[: rest != 1]}: .df has all of them")
    if plan:
        lines.append(plan)
    return "\n".join([*lines, note])


def _pages(columns: Sequence[str], rows: Sequence[Sequence[Any]], page: int) -> Iterator[str]:
    size = shown = 0
    for number in range(MAX_PAGES):
        chunk = rows[shown : shown + page]
        if number and not chunk:
            return
        table, count = _table(columns, chunk, room=MAX_BYTES - size)
        if number and not count:
            break
        size += len(table)
        if number:
            table = f"<details><summary>rows {shown + 1:,} to {shown + count:,}</summary>{table}</details>"
        shown += count
        yield table
        if count < len(chunk):
            break
    if shown < len(rows):
        yield f'<div class="cm-note">{len(rows) - shown:,} more rows are not drawn; .rows and .df have them</div>'


def _table(columns: Sequence[str], rows: Sequence[Sequence[Any]], *, room: int) -> tuple[str, int]:
    """The HTML of one page, and how many rows found room in it."""
    head = "".join(f"<th>{escape(printable(name))}</th>" for name in columns)
    parts = [f'<div class="cm-scroll"><table><thead><tr>{head}</tr></thead><tbody>']
    size = len(parts[0])
    count = 0
    for row in rows:
        line = "<tr>" + "".join(map(_cell, row)) + "</tr>"
        size += len(line)
        if size > room and count:
            break
        parts.append(line)
        count += 1
    parts.append("</tbody></table></div>")
    return "".join(parts), count


def _cell(value: Any) -> str:
    if value is None:
        return '<td class="cm-null">null</td>'
    text = readable(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f'<td class="cm-number">{_safe(text)}</td>'
    if is_node(value) or is_relationship(value):
        return f"<td>{_entity(value)}</td>"
    if len(text) <= FOLD_AT:
        return f"<td>{_safe(text)}</td>"
    rest = f" … {len(text) - VALUE_CAP:,} more characters" if len(text) > VALUE_CAP else ""
    head = _safe(text[: FOLD_AT - 20])
    return f"<td><details><summary>{head} …</summary>{_safe(text[:VALUE_CAP])}{rest}</details></td>"


def _entity(value: Any) -> str:
    """A node or relationship by its name, its properties folded below."""
    name = short(value) if is_node(value) else f"[:{quoted(value.type)}]"
    name = _safe(name if len(name) <= FOLD_AT else name[: FOLD_AT - 1] + "…")
    lines = [f"{key}: {readable(item)[:500]}" for key, item in list(value.items())[:50]]
    if not lines:
        return name
    brief = ' class="cm-brief"' if len(name) <= 40 else ""
    return f"<details><summary{brief}>{name}</summary>{_safe(chr(10).join(lines)[:VALUE_CAP])}</details>"


def _safe(text: str) -> str:
    """The text for HTML; control characters and direction marks are shown, lines are kept."""
    return escape("\n".join(map(printable, text.split("\n"))))


def _text_rows(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[str]:
    grid = [[printable(name) for name in columns], *([_one_line(v) for v in row] for row in rows)]
    widths = fit([max(map(display_width, column)) for column in zip(*grid, strict=True)])
    numeric = [bool(rows) and all(_is_number(row[i]) for row in rows) for i in range(len(columns))]
    lines = [" │ ".join(padded(text, w, n) for text, w, n in zip(line, widths, numeric, strict=True)) for line in grid]
    lines.insert(1, "─┼─".join("─" * width for width in widths))
    return [line.rstrip() for line in lines]


def fit(widths: list[int], between: int = 3) -> list[int]:
    """Column widths that fit the terminal together, so much apart: the widest columns give way first."""
    room = shutil.get_terminal_size((100, 24)).columns - between * (len(widths) - 1) - 1
    cap = max(widths, default=0)
    while cap > 8 and sum(min(width, cap) for width in widths) > room:
        cap -= 1
    return [max(min(width, cap), 1) for width in widths]


def _is_number(value: Any) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _one_line(value: Any) -> str:
    return printable((short(value) if is_node(value) else readable(value))[:500])


def padded(text: str, width: int, right: bool = False) -> str:
    """The text with spaces around it, or cut, so that it takes this width."""
    if display_width(text) > width:
        kept = ""
        for character in text:
            if display_width(kept + character) > width - 1:
                break
            kept += character
        text = kept + "…"
    space = " " * (width - display_width(text))
    return space + text if right else text + space
