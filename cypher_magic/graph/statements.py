"""Runs what a person typed: one statement or several, for its rows or for its plan."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from cypher_magic.errors import OptionError, QueryFailed
from cypher_magic.graph.plans import moved
from cypher_magic.graph.result import QueryResult

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

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

    `explain` brings the plan and no rows, with what the server remarks as notes; `profile` brings both. Several
    statements stop at the first that fails; those before it have been carried out. Places in what the server says
    count in the whole text.
    """
    parts = placed(text)
    if not parts:
        raise OptionError("The query is empty.", hint="write one, such as MATCH (n) RETURN n LIMIT 10")
    if len(parts) > 1 and not multi:
        raise OptionError(f"These are {len(parts)} statements; one at a time is run.", hint="run them with --multi")
    counters: dict[str, int] = {}
    result = QueryResult((), ())
    for start, part in parts:
        put = _put(text, start)
        with _errors(put):
            if explain:
                plan = connection.explain(part, params)
                notes = tuple(map(put, plan.notifications))
                result = QueryResult((), (), plan=plan.text, query_type=plan.query_type, notes=notes)
            else:
                go = connection.write if write else connection.read
                result = go(part, params, limit=limit, timeout=timeout, profile=profile)
        for name, value in result.counters.items():
            counters[name] = counters.get(name, 0) + value
    return replace(result, counters=counters)


def split(text: str) -> list[str]:
    """The statements between semicolons that stand outside strings, names and comments; empty ones are left out."""
    return [part for _, part in placed(text)]


def placed(text: str) -> list[tuple[int, str]]:
    """The statements, each with the place in the text where it starts."""
    ends, start, code = [], 0, False
    for position, character, counts in _walk(text):
        if character == ";":
            ends += [(start, position)] if code else []
            start, code = position + 1, False
        else:
            code = code or counts
    ends += [(start, len(text))] if code else []
    return [(end - len(text[start:end].lstrip()), text[start:end].strip()) for start, end in ends]


def _put(text: str, start: int) -> Callable[[str], str]:
    """What puts the places in a message about the statement that starts there to where they are in the whole text."""
    line_start = text.rfind("\n", 0, start) + 1
    return partial(moved, lines=text.count("\n", 0, start), columns=start - line_start, offset=start)


@contextmanager
def _errors(put: Callable[[str], str]) -> Iterator[None]:
    try:
        yield
    except QueryFailed as exc:
        exc.message = put(exc.message)
        exc.args = (exc.message,)
        raise


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
