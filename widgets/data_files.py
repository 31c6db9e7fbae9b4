"""The sources of examples in a panel: which part each is, which column is what, and its first rows."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from cypher_magic.data.columns import mapped
from cypher_magic.data.files import Stamp, stamp
from cypher_magic.data.sources import part_of, tables
from cypher_magic.errors import DataError
from cypher_magic.widgets.panel import close_all, row
from cypher_magic.widgets.samples import one_line
from cypher_magic.widgets.status import roomy

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from cypher_magic.data.table import Table

_FIELDS = {"question": "Question", "query": "Query", "schema": "Schema", "database": "Graph", "history": "History"}
_ALSO = {"messages": "Messages", "context": "Context", "id": "Row id", "parent_id": "Follows"}
_ROWS, _COLUMNS, _LETTERS = 3, 8, 140
_CELL = "text-align:left;vertical-align:top;padding:.2em .7em .2em 0;overflow-wrap:anywhere;max-width:26em"
_HEAD = f"{_CELL};border-bottom:1px solid rgba(128,128,128,.6);white-space:nowrap"


@dataclass(frozen=True)
class Origin:
    """Where a table was read: the file as it was then (None: no file), and the table's name in it."""

    path: Path | None = None
    stamp: Stamp | None = None
    name: str = ""


_MADE = Origin()


class FileCard(widgets.VBox):
    """A table of examples with its part and the meaning of its columns; `changed` is called when either is changed.

    `told` is what `load_examples` takes as `columns` for this source. `ours` leaves the columns out of sight: pairs
    that were made here need no choice.
    """

    def __init__(
        self,
        table: Table,
        changed: Callable[[], None],
        remove: Callable[[FileCard], None],
        *,
        origin: Origin = _MADE,
        ours: bool = False,
    ) -> None:
        self._table, self._changed, self._ours, self.origin = table, changed, ours, origin
        wide = widgets.Layout(width="auto", min_width="6em")
        self.part = widgets.Dropdown(
            options=[("training", "train"), ("validation", "val")],
            value=table.part or "train",
            tooltip="what these examples are for",
            layout=widgets.Layout(width="9em"),
        )
        self.away = widgets.Button(description="Remove", tooltip="leave this source out", icon="times", layout=wide)
        self.away.on_click(lambda _: remove(self))
        rows = "1 row" if len(table.rows) == 1 else f"{len(table.rows):,} rows"
        notes = f" ({'; '.join(table.notes)})" if table.notes else ""
        name = widgets.HTML(
            f"<b>{escape(one_line(table.source, 80))}</b> {escape(rows + notes)}",
            layout=widgets.Layout(flex="1 1 14em", width="auto", margin="2px 0 0 0"),
        )
        self.preview = widgets.HTML(layout=widgets.Layout(width="100%", overflow="auto"))
        self.choices = {} if ours else self._make_choices()
        for choice in (self.part, *self.choices.values()):
            choice.observe(self._chosen, "value")
        super().__init__(
            [row(name, self.part, self.away), row(*self.choices.values()), self.preview],
            layout=widgets.Layout(border="1px solid rgba(128,128,128,.35)", padding="4px 8px", margin="2px 0"),
        )
        self._draw()

    @property
    def table(self) -> Table:
        """The table, as the part that was chosen."""
        return replace(self._table, part=self.part.value)

    @property
    def told(self) -> dict[str, str]:
        """Which column holds what; "" for none."""
        return {field: choice.value for field, choice in self.choices.items()}

    def take_after(self, other: FileCard) -> None:
        """Choose what was chosen for an earlier table of this file; columns only where these are the same."""
        self.part.value = other.part.value
        if self._table.columns == other.table.columns:
            for field, choice in self.choices.items():
                choice.value = other.told[field]

    def _make_choices(self) -> dict[str, widgets.Dropdown]:
        columns = [c for c in self._table.columns if c]
        try:
            found = mapped(self._table.columns, self._table.source)
            guess = {field: getattr(found, field) for field in (*_FIELDS, *_ALSO)}
        except DataError:  # the person will choose; Check tells what is missing
            guess = dict.fromkeys(_FIELDS, "")
        wanted = {f: n for f, n in _FIELDS.items() if not (guess.get("messages") and f in ("question", "query"))}
        wanted |= {field: name for field, name in _ALSO.items() if guess.get(field)}
        return {
            field: widgets.Dropdown(
                options=[("(none)", ""), *((one_line(c, 40), c) for c in columns)],
                value=guess.get(field, ""),
                description=name,
                tooltip=f"the column that holds the {name.lower()}",
                layout=widgets.Layout(width="15em"),
                style={"description_width": "5em"},
            )
            for field, name in wanted.items()
        }

    def _chosen(self, _: object) -> None:
        self._draw()
        self._changed()

    def _draw(self) -> None:
        roles = {column: field for field, column in self.told.items() if column}
        if self._ours:
            roles = {"question": "question", "query": "query"}
        columns = sorted((c for c in self._table.columns if c), key=lambda c: c not in roles)[:_COLUMNS]
        columns = [c for c in columns if c in roles] if self._ours else columns
        left = sum(1 for c in self._table.columns if c) - len(columns)
        more = f"<div style='opacity:.8'>and {left} more columns</div>" if left and not self._ours else ""
        head = "".join(f'<th style="{_HEAD}">{escape(one_line(c, 40))}{_role(roles.get(c))}</th>' for c in columns)
        body = "".join(
            "<tr>"
            + "".join(f'<td style="{_CELL}">{escape(one_line(r.values.get(c), _LETTERS))}</td>' for c in columns)
            + "</tr>"
            for r in self._table.rows[:_ROWS]
        )
        table = f'<table style="border-collapse:collapse"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
        self.preview.value = roomy(table + more)


def _role(field: str | None) -> str:
    if field is None:
        return ' <span style="opacity:.65;font-weight:normal">ignored</span>'
    return f' <span style="font-weight:normal">→ {escape(field)}</span>'


class Sources(widgets.VBox):
    """The cards of all sources; `changed` is called when one comes, goes or is changed, `say` tells what goes."""

    def __init__(self, changed: Callable[[], None], say: Callable[[str], None]) -> None:
        super().__init__()
        self._changed, self._say = changed, say
        self._lock = threading.RLock()  # an upload may come while a file is read

    @property
    def files(self) -> list[FileCard]:
        """The cards in their order."""
        return list(self.children)

    @property
    def paths(self) -> list[Path]:
        """The files that were given by their path."""
        return list(dict.fromkeys(card.origin.path for card in self.files if card.origin.path is not None))

    def read(self, source: Any, part: str = "") -> str:
        """Show the tables of a source, those of a file that is shown already in their place; what came, in words."""
        several = isinstance(source, list) and bool(source) and all(isinstance(one, str | Path) for one in source)
        found = [table for one in (source if several else [source]) for table in _tables(one)]
        with self._lock:
            others = bool(self.files) or len(found) > 1
            self._leave_out_what_is_gone({origin for _, origin in found})
            for table, origin in found:
                guess = part_of(table.source) if others else ""  # a lone file is for training whatever its name
                self._bring(replace(table, part=part or table.part or guess or "train"), origin)
        names = ", ".join(table.source for table, _ in found)
        return f"{names}: {sum(len(table.rows) for table, _ in found):,} rows"

    def read_changed(self) -> None:
        """Read the files anew that were changed since; DataError where one is gone."""
        for path in {c.origin.path: c for c in self.files if c.origin.path and stamp(c.origin.path) != c.origin.stamp}:
            self.read(path)

    def put(self, table: Table) -> None:
        """Show pairs that were made here."""
        with self._lock:
            self._bring(table, _MADE, ours=True)

    def remove(self, card: FileCard) -> None:
        """Leave this source out."""
        with self._lock:
            self._show([c for c in self.files if c is not card])
        self._say(f"{card.table.source} is left out")
        close_all(card)

    def _leave_out_what_is_gone(self, read: Collection[Origin]) -> None:
        """An archive may have lost a file since."""
        paths, there = {o.path for o in read if o.path}, {(o.path, o.name) for o in read}
        for card in self.files:
            if card.origin.path in paths and (card.origin.path, card.origin.name) not in there:
                self.remove(card)

    def _bring(self, table: Table, origin: Origin, *, ours: bool = False) -> None:
        """Show a table in the place of the one of the same name and file, or as the last one."""
        key = (origin.path, origin.name)
        old = next((c for c in self.files if origin.path and (c.origin.path, c.origin.name) == key), None)
        name = old.table.source if old else _apart(table.source, [c.table.source for c in self.files])
        card = FileCard(replace(table, source=name), self._changed, self.remove, origin=origin, ours=ours)
        if old is not None:
            card.take_after(old)
            self._show([card if c is old else c for c in self.files])
            close_all(old)
        else:
            self._show([*self.files, card])

    def _show(self, files: Sequence[FileCard]) -> None:
        self.children = tuple(files)
        self._changed()


def _tables(source: Any) -> list[tuple[Table, Origin]]:
    given = isinstance(source, str | Path)
    path = Path(source).expanduser().absolute() if given and stamp(source) is not None else None
    seen = stamp(path) if path is not None else None  # before it is read: a later change is seen then
    return [(table, Origin(path, seen, table.source)) for table in tables(source)]


def _apart(name: str, used: Collection[str]) -> str:
    """The name, with a number where it is used."""
    return next(n for n in (name, *(f"{name} ({i})" for i in range(2, len(used) + 3))) if n not in used)
