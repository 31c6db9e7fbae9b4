"""Queries of the model that is being trained, run on the notebook's graph: how many run, how many are right.

The graph's address and password come in the process's environment (`NEO4J_*`, see `Connection.environment`), and only
when the notebook was connected: `CYPHER_MAGIC_GRAPH` says so. A graph that went away costs the metric, not the run.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cypher_magic.errors import GraphError, NotReadOnly, QueryFailed
from cypher_magic.query.check import check
from cypher_magic.query.compare import same_rows
from cypher_magic.query.readonly import read_only
from cypher_magic.query.repair import repair

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cypher_magic.data.example import Example
    from cypher_magic.graph.neo4j_graph import Connection
    from cypher_magic.graph.result import QueryResult
    from cypher_magic.graph.schema import GraphSchema

GIVEN = "CYPHER_MAGIC_GRAPH"
_ROWS, _SECONDS = 1_000, 5.0  # that are waited for; a reference with more rows measures nothing
_ORDERED = re.compile(r"\border\s+by\b", re.IGNORECASE)


@dataclass(frozen=True)
class Measured:
    """The share of queries that run, and of those that bring the reference's rows (None where no reference runs)."""

    executable: float
    execution_accuracy: float | None


def environment(connection: Connection | None) -> dict[str, str]:
    """The variables with which the training process reaches this graph; none without one, or for a user's driver."""
    variables = connection.environment() if connection is not None else {}
    if connection is None or not variables:
        return {}
    return variables | {GIVEN: "embedded" if connection.embedded else "server"}


class Graph:
    """The notebook's graph as the training process sees it."""

    def __init__(self, connection: Connection, schema: GraphSchema) -> None:
        self.connection, self.schema = connection, schema
        self._references: dict[str, QueryResult | None] = {}

    @classmethod
    def given(cls, variables: Mapping[str, str] = os.environ) -> Graph | None:
        """The graph that the notebook is connected to; None without one. Raises `GraphError` when it is gone."""
        if GIVEN not in variables:
            return None
        from cypher_magic.graph.neo4j_graph import Connection, open_driver
        from cypher_magic.graph.secret import Secret

        uri, user, password = (variables[f"NEO4J_{name}"] for name in ("URI", "USERNAME", "PASSWORD"))
        connection = Connection(
            open_driver(uri, user, Secret(password)),
            name="training",
            uri=uri,
            user=user,
            database=variables.get("NEO4J_DATABASE"),
            embedded=variables[GIVEN] == "embedded",
        )
        return cls(connection, connection.schema())

    def measured(self, examples: Sequence[Example], replies: Sequence[str]) -> Measured | None:
        """How many of the replies run and are right; None when the graph is gone.

        Execution accuracy as `%cypher_eval` counts it, of replies that were repaired but not tried again.
        """
        ran, right = [], []
        try:
            for example, reply in zip(examples, replies, strict=True):
                got = self._rows(repair(reply, self.schema).text)
                ran.append(got is not None)
                if example.query not in self._references:
                    self._references[example.query] = self._rows(example.query)
                wanted = self._references[example.query]
                if wanted is not None and not wanted.truncated:
                    ordered = bool(_ORDERED.search(example.query))
                    right.append(got is not None and same_rows(got.rows, wanted.rows, ordered=ordered))
        except GraphError:
            return None
        return Measured(sum(ran) / len(ran), sum(right) / len(right) if right else None)

    def _rows(self, query: str) -> QueryResult | None:
        """The rows of a query; None for one that the checks or the graph refuse. Raises when the graph is gone."""
        if read_only(query) or check(query, self.schema):
            return None
        try:
            return self.connection.read(query, limit=_ROWS, timeout=_SECONDS)
        except (QueryFailed, NotReadOnly):
            return None
