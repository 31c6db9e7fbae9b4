"""What a server says about a query without running it, and the words in front of a query that ask for it."""

from __future__ import annotations

import re
from dataclasses import dataclass
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
        return text[:start] + "EXPLAIN" + text[found.end(1) :], str
    asked = f"EXPLAIN{separator}{text}"
    return asked, str if separator != "\n" else _one_line_up


def _one_line_up(message: str) -> str:
    return re.sub(r"(\bline )(\d+)", lambda found: f"{found[1]}{max(1, int(found[2]) - 1)}", message)


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
