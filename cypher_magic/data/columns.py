"""Which column is the question and which the query: by the names that people use, or as told."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cypher_magic.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping

# Most telling name first. `query` is Cypher beside `input` and English beside `cypher`, so it comes late in both.
QUERY_NAMES = (
    "cypher", "cypher_query", "cypher_statement", "output", "answer", "response", "completion", "assistant",
    "chosen", "target", "statement", "query",
)  # fmt: skip
QUESTION_NAMES = (
    "question", "instruction", "prompt", "input", "user", "natural_language_question", "nl_question",
    "natural_language", "utterance", "text", "query", "request",
)  # fmt: skip
_OTHERS = {
    "schema": ("schema", "graph_schema"),
    "database": ("database", "database_reference_alias", "db", "db_id", "graph", "graph_name"),
    "id": ("id", "message_id", "row_id"),
    "parent_id": ("parent_id", "parent"),
    "history": ("history", "previous_turns", "turns"),
}
_CHATS = ("messages", "conversations", "conversation")
_FIELDS = ("question", "query", "schema", "database", "id", "parent_id", "history", "context", "messages")


@dataclass(frozen=True)
class Mapped:
    """Which column holds what; "" where no column does. `context` is joined to the question (Alpaca's `input`)."""

    question: str = ""
    query: str = ""
    schema: str = ""
    database: str = ""
    id: str = ""
    parent_id: str = ""
    history: str = ""
    context: str = ""
    messages: str = ""
    ignored: tuple[str, ...] = ()

    def __str__(self) -> str:
        told = [f"{name} = {getattr(self, name)}" for name in _FIELDS if getattr(self, name)]
        ignored = f"; ignored: {', '.join(self.ignored)}" if self.ignored else ""
        return ", ".join(told) + ignored


def mapped(columns: tuple[str, ...], source: str, told: Mapping[str, str] | None = None) -> Mapped:
    """What each column of a source holds; `told` ({"question": "q", "query": "c"}) goes before what names suggest.

    "" says that no column holds it. Raises DataError listing the columns that are there where no question or no query
    column can be found.
    """
    found = _told(columns, source, told or {})
    by_name = {_plain(name): name for name in reversed(columns) if name not in found.values()}
    chat = next((by_name[n] for n in _CHATS if n in by_name), "")
    if chat and "query" not in found and not ({"question", "instruction", "cypher"} & by_name.keys()):
        found.setdefault("messages", chat)
    if "messages" not in found:
        _take(found, by_name, "query", QUERY_NAMES)
        _take(found, by_name, "question", QUESTION_NAMES)
        if _plain(found.get("question", "")) == "instruction" and "input" in by_name:
            found["context"] = by_name.pop("input")
        _refuse_missing(found, columns, source)
    for field, names in _OTHERS.items():
        _take(found, by_name, field, names)
    used = set(found.values())
    return Mapped(**found, ignored=tuple(c for c in columns if c and c not in used))


def _take(found: dict[str, str], by_name: dict[str, str], field: str, names: tuple[str, ...]) -> None:
    if field not in found:
        name = next((n for n in names if n in by_name and by_name[n] not in found.values()), None)
        if name is not None:
            found[field] = by_name[name]


def _told(columns: tuple[str, ...], source: str, told: Mapping[str, str]) -> dict[str, str]:
    for field, name in told.items():
        if field not in _FIELDS:
            raise DataError(f"{field!r} is nothing that a column can hold.", hint=f"one of {', '.join(_FIELDS)}")
        if name and name not in columns:
            close = difflib.get_close_matches(name, columns, 1, 0.5)
            did_you = f"did you mean {close[0]}? " if close else ""
            raise DataError(f"{source} has no column {name}.", hint=f"{did_you}it has {_listed(columns)}")
    return dict(told)


def _refuse_missing(found: Mapping[str, str], columns: tuple[str, ...], source: str) -> None:
    missing = [field for field in ("question", "query") if not found.get(field)]
    if not missing:
        return
    names = {"question": QUESTION_NAMES, "query": QUERY_NAMES}
    free = [c for c in columns if c and c not in found.values()]
    close = [(c, m) for c in free for n in missing for m in difflib.get_close_matches(_plain(c), names[n], 1, 0.65)]
    hint = f"did you mean {close[0][1]} by {close[0][0]}? rename it" if close else "name them question and query"
    raise DataError(
        f"{source} has no column for the {' or the '.join(missing)}; its columns are {_listed(columns)}.",
        hint=f"{hint}, or say which is which: %cypher_data check FILE --columns question=A,query=B"
        ' (in Python columns={"question": "A", "query": "B"})',
    )


def _listed(columns: tuple[str, ...]) -> str:
    names = [name if len(name) <= 40 else name[:39] + "…" for name in columns if name]
    return ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")


def _plain(name: str) -> str:
    return name.strip().casefold().replace(" ", "_").replace("-", "_")
