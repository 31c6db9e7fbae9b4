"""One training row, and the earlier turns that it may follow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


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
