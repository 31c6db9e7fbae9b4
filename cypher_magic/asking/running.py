"""A checked query at the database: planned, then run, read-only; what the database has against it is a complaint."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cypher_magic.errors import NotReadOnly, QueryFailed, QueryTimeout
from cypher_magic.query.complaint import Complaint

if TYPE_CHECKING:
    from cypher_magic.graph.neo4j_graph import Connection
    from cypher_magic.graph.result import QueryResult


def planned(graph: Connection, query: str) -> tuple[Complaint, ...]:
    """What the server has against the query before it runs."""
    try:
        graph.explain(query)
    except (QueryFailed, NotReadOnly) as exc:
        return (_refused(exc),)
    return ()


def ran(graph: Connection, query: str, limit: int, timeout: float) -> tuple[QueryResult | None, tuple[Complaint, ...]]:
    """At most `limit` rows, read in `timeout` seconds; without rows, why there are none."""
    try:
        return graph.read(query, limit=limit, timeout=timeout), ()
    except QueryTimeout as exc:
        return None, (Complaint("timeout", exc.message, hint="ask for less, or allow more time with -t"),)
    except (QueryFailed, NotReadOnly) as exc:
        return None, (_refused(exc),)


def _refused(error: QueryFailed | NotReadOnly) -> Complaint:
    """What the database has against the query; how writing is allowed elsewhere is no advice here."""
    return Complaint("database", error.message, hint="" if isinstance(error, NotReadOnly) else error.hint)
