"""Queries of the model that is being trained, run on the notebook's graph: how many the graph accepts.

The graph's address and password come in the process's environment (`NEO4J_*`, see `Connection.environment`), and only
when the notebook was connected: `CYPHER_MAGIC_GRAPH` says so. A graph that went away costs the metric, not the run.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from cypher_magic.errors import GraphError, QueryFailed
from cypher_magic.query.check import check
from cypher_magic.query.readonly import read_only
from cypher_magic.query.repair import repair

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cypher_magic.graph.neo4j_graph import Connection
    from cypher_magic.graph.schema import GraphSchema

GIVEN = "CYPHER_MAGIC_GRAPH"
_ROWS, _SECONDS = 10, 5.0  # that are waited for: whether a query runs shows early


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

    def executable(self, replies: Sequence[str]) -> float | None:
        """The share of replies that pass the checks and run without an error; None when the graph is gone."""
        accepted = 0
        for reply in replies:
            query = repair(reply, self.schema).text
            if read_only(query) or check(query, self.schema):
                continue
            try:
                self.connection.read(query, limit=_ROWS, timeout=_SECONDS)
            except QueryFailed:
                continue
            except GraphError:
                return None
            accepted += 1
        return accepted / len(replies)
