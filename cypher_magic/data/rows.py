"""From rows of a table to examples: texts, chat messages, and conversations written as parents or as history."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cypher_magic.data.example import Example, Turn
from cypher_magic.errors import DataError

if TYPE_CHECKING:
    from cypher_magic.data.columns import Mapped
    from cypher_magic.data.table import Row, Table

_FENCE = re.compile(r"```[a-zA-Z]*\s*\n?(.*?)\n?```", re.DOTALL)
_ROLES = {
    "user": "user", "human": "user", "prompter": "user",
    "assistant": "assistant", "gpt": "assistant", "bot": "assistant", "model": "assistant",
    "system": "system", "developer": "system",
}  # fmt: skip
_LONGEST_CONVERSATION = 100


def examples_of(table: Table, columns: Mapped, schemas: Mapping[str, str] | None = None) -> list[Example]:
    """The examples of a table, one a row (one a reply for chat messages); empty cells stay empty, for the gate to see.

    `schemas` gives the schema text of each graph named in the `database` column.
    Raises DataError naming the row where history, messages or parents can not be understood.
    """
    if columns.messages:
        drafts = [e for row in table.rows for e in _chat(row, columns, table.source)]
    else:
        drafts = [_plain(row, columns, table.source) for row in table.rows]
        if columns.parent_id:
            drafts = _chained(drafts, table, columns)
    return [_with_schema(e, schemas or {}) for e in drafts]


def text_of(value: Any) -> str:
    """The text of a cell without outer space: "" for nothing (None, NaN), 3 for 3.0 (ids of a data frame)."""
    if value is None or value != value:  # only NaN and its kin differ from themselves
        return ""
    if isinstance(value, float) and math.isfinite(value) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def bare_query(text: str) -> str:
    """The query without the Markdown fence around it, if it has one."""
    fenced = _FENCE.fullmatch(text.strip())
    return fenced.group(1).strip() if fenced else text.strip()


def _plain(row: Row, columns: Mapped, source: str) -> Example:
    cell = {name: row.values.get(column) for name, column in _cells(columns)}
    question = "\n\n".join(t for t in (text_of(cell.get("question")), text_of(cell.get("context"))) if t)
    return Example(
        question,
        bare_query(text_of(cell.get("query"))),
        schema=_schema_text(cell.get("schema")),
        history=_history(cell.get("history"), row.number, source),
        source=source,
        row=row.number,
        database=text_of(cell.get("database")) or None,
    )


def _cells(columns: Mapped) -> Iterator[tuple[str, str]]:
    names = ("question", "context", "query", "schema", "database", "history")
    return ((name, getattr(columns, name)) for name in names if getattr(columns, name))


def _schema_text(value: Any) -> str | None:
    return json.dumps(value) if isinstance(value, Mapping | list) else text_of(value) or None


def _with_schema(example: Example, schemas: Mapping[str, str]) -> Example:
    if example.schema is not None or example.database is None:
        return example
    return _but(example, schema=schemas.get(example.database))


def _but(example: Example, **changes: Any) -> Example:
    return Example(**{**example.__dict__, **changes})


# Conversations


def _history(value: Any, number: int, source: str) -> tuple[Turn, ...]:
    turns = _listed(value, number, source, "history")
    if turns and all(isinstance(t, Mapping) and _role(t) for t in turns):
        return tuple(Turn(q, c) for q, c in _exchanges(turns))
    return tuple(_turn(turn, number, source) for turn in turns)


def _turn(turn: Any, number: int, source: str) -> Turn:
    if isinstance(turn, Turn):
        return turn
    if isinstance(turn, Mapping):
        values = {str(k).casefold(): v for k, v in turn.items()}
        question = next(
            (values[k] for k in ("question", "instruction", "prompt", "input", "user") if k in values), None
        )
        query = next((values[k] for k in ("cypher", "query", "output", "answer", "response") if k in values), None)
    else:
        question, query = (
            turn if isinstance(turn, Sequence) and not isinstance(turn, str) and len(turn) == 2 else (None, None)
        )
    if not text_of(question) or not text_of(query):
        raise DataError(
            f"{source}, row {number}: a turn of the history has no question or no query.",
            hint='write the history as JSON: [{"question": "...", "query": "..."}]',
        )
    return Turn(text_of(question), bare_query(text_of(query)))


def _listed(value: Any, number: int, source: str, what: str) -> list[Any]:
    if value is None or isinstance(value, str | float):
        text = text_of(value)
        if not text:
            return []
        try:
            value = json.loads(text)
        except (json.JSONDecodeError, RecursionError) as exc:
            raise DataError(f"{source}, row {number}: the {what} is not JSON.", hint="write it as a JSON list") from exc
    if hasattr(value, "tolist"):  # an array, as Parquet files give lists
        value = value.tolist()
    if not isinstance(value, list | tuple):
        raise DataError(f"{source}, row {number}: the {what} is not a list.", hint="write it as a JSON list")
    return list(value)


def _chat(row: Row, columns: Mapped, source: str) -> Iterator[Example]:
    """One example for each reply, with the exchanges before it as its history."""
    messages = _listed(row.values.get(columns.messages), row.number, source, "list of messages")
    if not messages or not all(isinstance(m, Mapping) and _role(m) for m in messages):
        raise DataError(
            f"{source}, row {row.number}: not a list of chat messages.",
            hint='each needs a role (system, user, assistant) and a content: [{"role": "user", "content": "..."}]',
        )
    system = "\n".join(_content(m) for m in messages if _role(m) == "system")
    schema_lines = [line.strip() for line in system.splitlines() if line.strip().startswith("(:")]
    schema = _schema_text(row.values.get(columns.schema)) if columns.schema else None
    exchanges = _exchanges(messages)
    for n, (question, query) in enumerate(exchanges or [("", "")]):
        yield Example(
            question,
            query,
            schema=schema or "\n".join(schema_lines) or None,
            history=tuple(Turn(q, c) for q, c in exchanges[:n]),
            source=source,
            row=row.number,
            database=text_of(row.values.get(columns.database)) or None if columns.database else None,
        )


def _exchanges(messages: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    asked: list[str] = []
    for message in messages:
        if _role(message) == "user":
            asked.append(_content(message))
        elif _role(message) == "assistant":
            pairs.append(("\n\n".join(asked), bare_query(_content(message))))
            asked = []
    return pairs


def _role(message: Mapping[str, Any]) -> str:
    return _ROLES.get(str(message.get("role", message.get("from", ""))).casefold(), "")


def _content(message: Mapping[str, Any]) -> str:
    content = message.get("content", message.get("value"))
    if isinstance(content, list):
        return "\n".join(text_of(part.get("text")) for part in content if isinstance(part, Mapping)).strip()
    return text_of(content)


def _chained(drafts: list[Example], table: Table, columns: Mapped) -> list[Example]:
    """Each example with the chain of its parents as its history."""
    if not columns.id:
        raise DataError(f"{table.source} has a column {columns.parent_id} and no column id.", hint="add the column id")
    ids = [text_of(row.values.get(columns.id)) for row in table.rows]
    parents = [text_of(row.values.get(columns.parent_id)) for row in table.rows]
    at: dict[str, int] = {}
    for n, name in enumerate(ids):
        if not name or name in at:
            why = f"the id {name} of row {at[name] + 1} again" if name else "no id"
            raise DataError(f"{table.source}, row {n + 1} has {why}.", hint="every row needs an id of its own")
        at[name] = n
    return [_but(draft, history=_parents_of(n, drafts, parents, at, table.source)) for n, draft in enumerate(drafts)]


def _parents_of(
    n: int, drafts: list[Example], parents: list[str], at: Mapping[str, int], source: str
) -> tuple[Turn, ...]:
    turns: list[Turn] = []
    seen = {n}
    here = n
    while parents[here]:
        if parents[here] not in at:
            raise DataError(
                f"{source}, row {here + 1}: its parent {parents[here]} is not in the file.",
                hint="leave parent_id empty for the first question of a conversation",
            )
        here = at[parents[here]]
        if here in seen or len(seen) > _LONGEST_CONVERSATION:
            why = "follows itself" if here in seen else f"follows more than {_LONGEST_CONVERSATION} questions"
            raise DataError(f"{source}, row {n + 1} {why}.", hint="look for a circle in the column parent_id")
        seen.add(here)
        turns.insert(0, Turn(drafts[here].question, drafts[here].query))
    return tuple(turns)
