"""What a query brought back: columns, rows, counters, plan, and the same as a DataFrame, a table or a picture."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cypher_magic.graph import table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pandas as pd

    from cypher_magic.graph.picture import Picture

_DRAWN = 100  # rows, and nodes in them, whose picture is shown without being asked for: drawing more takes long


@dataclass(frozen=True)
class QueryResult:
    """Rows of a query with the driver's own values: nodes, relationships, paths, moments and points are kept.

    `truncated` says that the graph had more rows than were fetched; `seconds` is the time from sending the query
    to the last row; `counters` are the server's (`nodes_created` ...), empty for a reading query; `notes` say what is
    strange about the query, such as a name that the graph does not have.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    truncated: bool = False
    seconds: float = 0.0
    counters: Mapping[str, int] = field(default_factory=dict)
    plan: str | None = None
    query_type: str | None = None
    notes: tuple[str, ...] = ()
    display_limit: int = field(default=20, compare=False)

    def __len__(self) -> int:
        return len(self.rows)

    def __bool__(self) -> bool:
        return True  # a result without rows is still a result: `if result` must not depend on the data

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return iter(self.rows)

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        return self.rows[index]

    @property
    def records(self) -> list[dict[str, Any]]:
        """The rows as dictionaries."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]

    @property
    def df(self) -> pd.DataFrame:
        """The rows as a pandas DataFrame; see `cypher_magic.graph.frame` for how types are mapped."""
        from cypher_magic.graph.frame import to_pandas

        return to_pandas(self.columns, self.rows)

    @property
    def polars(self) -> Any:
        """The rows as a polars DataFrame; needs polars installed."""
        from cypher_magic.graph.frame import to_polars

        return to_polars(self.columns, self.rows)

    @property
    def graph(self) -> Picture:
        """A picture of the nodes and relationships in the rows."""
        from cypher_magic.graph.picture import picture

        return picture(self.rows)

    @property
    def summary(self) -> str:
        """One line: how many rows, whether there were more, milliseconds, and what was written."""
        count = len(self.rows)
        rows = f"{count:,} row{'' if count == 1 else 's'}"
        if self.truncated:
            rows = f"first {rows}, the graph has more (-l fetches more)"
        if self.plan and not (self.columns or self.counters or self.seconds):
            return "planned, not run"
        parts = [rows] if self.columns else []
        parts += [_counted(name, value) for name, value in self.counters.items() if value]
        return " · ".join([*(parts or ["no rows"]), f"{self.seconds * 1000:,.0f} ms"])

    @property
    def _around(self) -> dict[str, Any]:
        """What is shown around the rows."""
        page, plan = self.display_limit, self.plan or ""
        return {"note": self.summary, "page": page, "plan": plan, "remarks": self.notes}

    def _repr_html_(self) -> str:
        return table.html(self.columns, self.rows, **self._around) + self._folded_picture

    @property
    def _folded_picture(self) -> str:
        """The picture of a result that is small and has relationships; `graph` draws any."""
        if len(self.rows) > _DRAWN or not self.graph.lines or self.graph.node_count > _DRAWN:
            return ""
        return f"<details><summary>Picture</summary>{self.graph._repr_html_()}</details>"

    def __repr__(self) -> str:
        return table.plain(self.columns, self.rows, **self._around)


def _counted(name: str, value: int) -> str:
    """`nodes_created` with its number as a phrase: 1 node created, 2 properties set."""
    things, _, done = name.partition("_")
    if value == 1:
        things = {"properties": "property", "indexes": "index"}.get(things, things.removesuffix("s"))
    return f"{value:,} {things} {done.replace('_', ' ')}".rstrip()
