"""What a server says about a query without running it, and the words in front of a query that ask for it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    import neo4j

# Everything that may stand before EXPLAIN or PROFILE: blanks, comments, and the CYPHER preamble with its options.
# Nothing is tried twice (atomic groups), so that no text makes the search take long.
_PREFIX = re.compile(
    r"(?>\s+|//[^\n]*+(?:\n|\Z)|/\*(?>.*?\*/)|CYPHER\b(?:\s++[\d.]++)?(?>\s+\w++\s*+=\s*+\w++)*+)*+"
    r"(EXPLAIN|PROFILE)\b",
    re.IGNORECASE | re.DOTALL,
)
_ZERO_BASED = re.compile(r"\bline (\d+)(?::|, column )(\d+)")
_PLACE = re.compile(r"\bline (\d+), column (\d+)(?: \(offset: (\d+)\))?")


@dataclass(frozen=True)
class Plan:
    """What the server says about a query that it planned and did not run.

    `query_type` is r, rw, w or s as Neo4j reports it, and "unknown" on the embedded engine, which calls all of them w.
    """

    query_type: str
    notifications: tuple[str, ...] = ()
    text: str = ""


def mode(text: str) -> str:
    """EXPLAIN or PROFILE where the query begins with one of them, else an empty text."""
    found = _PREFIX.match(text)
    return found[1].upper() if found else ""


def explaining(text: str, *, separator: str) -> tuple[str, Callable[[str], str]]:
    """The query behind EXPLAIN, and what puts positions in the server's messages back to where they are in `text`.

    A line of its own keeps columns right; the embedded engine wants EXPLAIN in the query's first line and does not
    count it.
    """
    found = _PREFIX.match(text)
    if found:
        start = found.start(1)
        return text[:start] + "EXPLAIN" + text[found.end(1) :], _as_it_is(separator)
    return _behind("EXPLAIN", text, separator)


def profiling(text: str, *, separator: str) -> tuple[str, Callable[[str], str]]:
    """The query behind PROFILE (unless it stands behind EXPLAIN or PROFILE already), and the same for its messages."""
    return (text, _as_it_is(separator)) if mode(text) else _behind("PROFILE", text, separator)


def from_one(message: str) -> str:
    """The embedded engine's message with columns that count from 1, written as Neo4j writes them."""
    return _ZERO_BASED.sub(lambda found: f"line {found[1]}, column {int(found[2]) + 1}", message)


def bare(text: str) -> str:
    """The query with blanks in the place of EXPLAIN or PROFILE and of what stands before."""
    found = _PREFIX.match(text)
    return blank(found[0]) + text[found.end() :] if found else text


def blank(text: str) -> str:
    """As many blanks as the text has characters, with its line breaks kept, so that places behind it stay the same."""
    return re.sub(r"[^\n]", " ", text)


def moved(message: str, *, lines: int = 0, columns: int = 0, offset: int = 0) -> str:
    """The message with the places in it moved; columns are moved in the first line only."""

    def place(found: re.Match[str]) -> str:
        line, column = int(found[1]), int(found[2])
        text = f"line {max(1, line + lines)}, column {column + columns if line == 1 else column}"
        return text + (f" (offset: {max(0, int(found[3]) + offset)})" if found[3] else "")

    return _PLACE.sub(place, message)


def _behind(word: str, text: str, separator: str) -> tuple[str, Callable[[str], str]]:
    front = word + separator
    back = partial(moved, lines=-1, offset=-len(front)) if separator == "\n" else _as_it_is(separator)
    return front + text, back


def _as_it_is(separator: str) -> Callable[[str], str]:
    return str if separator == "\n" else from_one


def plan_text(summary: neo4j.ResultSummary) -> str | None:
    """The plan as the server draws it; None for a query that was neither explained nor profiled."""
    plan: Any = summary.profile or summary.plan
    return str(plan.get("args", {}).get("string-representation", "")) or None if plan else None


def notifications(summary: neo4j.ResultSummary) -> tuple[str, ...]:
    """What the server remarks on the query, one line each, without "parameter missing", which EXPLAIN always says."""
    found = []
    for status in summary.gql_status_objects:
        if status.is_notification and status.raw_classification != "GENERIC":
            place = status.position
            at = f" (line {place.line}, column {place.column})" if place else ""
            found.append(status.status_description.removeprefix("warn: ").removeprefix("info: ") + at)
    return tuple(found)
