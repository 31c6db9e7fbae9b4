"""One training row, and the earlier turns that it may follow."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True)
class Turn:
    """One earlier question of a conversation with its query and a few rows of the result."""

    question: str
    query: str
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[object, ...], ...] = ()


@dataclass(frozen=True)
class Example:
    """A question in plain language and the Cypher query that answers it.

    `schema` is the rendered schema text that goes into the prompt (None = the schema of the data set or of the
    connected graph); `source` and `row` say where the example came from, for reports (`row` counts data rows from 1);
    `database` names the graph in a data set over several.
    """

    question: str
    query: str
    schema: str | None = None
    history: Sequence[Turn] = ()
    source: str | None = None
    row: int | None = None
    database: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """The example as plain values, empty ones left out."""
        return {k: v for k, v in asdict(self).items() if v not in (None, (), [])}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Example:
        """The example that `to_dict` wrote."""
        turns = tuple(
            Turn(t["question"], t["query"], tuple(t.get("columns", ())), tuple(tuple(r) for r in t.get("rows", ())))
            for t in values.get("history", ())
        )
        fields = {k: values.get(k) for k in ("schema", "source", "row", "database")}
        return cls(values["question"], values["query"], history=turns, **fields)
