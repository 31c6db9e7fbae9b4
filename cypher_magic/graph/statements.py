"""Runs what a person typed: one statement or several, for its rows or for its plan."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cypher_magic.errors import OptionError
from cypher_magic.graph.result import QueryResult

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cypher_magic.graph.neo4j_graph import Connection


def run(
    connection: Connection,
    text: str,
    params: Mapping[str, Any] | None = None,
    *,
    limit: int | None = 1000,
    timeout: float | None = 30.0,
    write: bool = False,
    explain: bool = False,
    profile: bool = False,
    multi: bool = False,
) -> QueryResult:
    """The result of the statement; with `multi` of the last one, and the sum of all counters.

    `explain` brings the plan and no rows, `profile` both. Several statements stop at the first that fails; those
    before it have been carried out.
    """
    parts = split(text)
    if not parts:
        raise OptionError("The query is empty.", hint="write one, such as MATCH (n) RETURN n LIMIT 10")
    if len(parts) > 1 and not multi:
        raise OptionError(f"These are {len(parts)} statements; one at a time is run.", hint="run them with --multi")
    counters: dict[str, int] = {}
    result = QueryResult((), ())
    for part in parts:
        if explain:
            plan = connection.explain(part, params)
            shown = "\n".join([*plan.notifications, plan.text])
            result = QueryResult((), (), plan=shown, query_type=plan.query_type)
        elif write:
            result = connection.write(f"PROFILE {part}" if profile else part, params, limit=limit, timeout=timeout)
        else:
            result = connection.read(part, params, limit=limit, timeout=timeout, profile=profile)
        for name, value in result.counters.items():
            counters[name] = counters.get(name, 0) + value
    return replace(result, counters=counters)


def split(text: str) -> list[str]:
    """The statements between semicolons that stand outside strings, names and comments; empty ones are left out."""
    parts, start, code = [], 0, False
    for position, character, counts in _walk(text):
        if character == ";":
            parts += [text[start:position]] if code else []
            start, code = position + 1, False
        else:
            code = code or counts
    return [part.strip() for part in [*parts, *([text[start:]] if code else [])]]


def _walk(text: str) -> Iterator[tuple[int, str, bool]]:
    """Each place outside strings, names and comments, and whether a query could begin there (no blank, no comment)."""
    at = 0
    while at < len(text):
        character = text[at]
        if character in "'\"`":
            yield at, " ", True
            at = _closing(text, at)
        elif text.startswith("//", at):
            end = text.find("\n", at)
            at = len(text) if end < 0 else end
        elif text.startswith("/*", at):
            end = text.find("*/", at + 2)
            at = len(text) if end < 0 else end + 2
        else:
            yield at, character, not character.isspace()
            at += 1


def _closing(text: str, at: int) -> int:
    """The place behind the string or name in quotes that opens at `at`."""
    quote, at = text[at], at + 1
    while at < len(text):
        if text[at] == "\\" and quote != "`":
            at += 2
        elif text[at] == quote:
            return at + 1  # a doubled backtick opens the next name at once, which comes to the same
        else:
            at += 1
    return len(text)
