"""The graph: connecting, querying, looking at its schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cypher_magic.session import state

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cypher_magic.graph.neo4j_graph import Connection
    from cypher_magic.graph.result import QueryResult
    from cypher_magic.graph.schema import GraphSchema
    from cypher_magic.model.backbones import Progress


def connect(
    target: str | None = None,
    *,
    user: str | None = None,
    database: str | None = None,
    name: str | None = None,
    env_file: str | None = None,
    driver: Any = None,
    path: str | None = None,
    progress: Progress | None = None,
) -> Connection:
    """Connect to a graph and make it the current one: `demo`, an address, a named connection, or NEO4J_* variables.

    The password is never an argument: it comes from NEO4J_PASSWORD, the env file, the keyring, or a prompt.
    """
    from cypher_magic.graph import connections as module

    connection = module.connect(
        target,
        user=user,
        database=database,
        name=name,
        env_file=env_file,
        driver=driver,
        path=path,
        progress=progress,
    )
    old = state.SESSION.connections.pop(connection.name, None)
    if old is not None and old is not connection:
        old.close()
    state.SESSION.connections[connection.name] = connection
    state.SESSION.current = connection.name
    return connection


def connections() -> list[Connection]:
    """The open connections, the current one first."""
    return sorted(state.SESSION.connections.values(), key=lambda c: c.name != state.SESSION.current)


def use(name: str) -> Connection:
    """Make the open connection of this name the current one."""
    connection = state.connection(name)
    state.SESSION.current = connection.name
    return connection


def close(name: str | None = None) -> None:
    """Close a connection, the current one without a name; the one opened before it becomes current."""
    connection = state.connection(name)
    del state.SESSION.connections[connection.name]
    connection.close()
    state.SESSION.current = next(reversed(state.SESSION.connections), None)


def query(
    text: str,
    params: Mapping[str, Any] | None = None,
    *,
    connection: str | Connection | None = None,
    limit: int = 1000,
    timeout: float = 30.0,
    write: bool = False,
    explain: bool = False,
    profile: bool = False,
    multi: bool = False,
) -> QueryResult:
    """Run a query on the current graph and return its rows, `limit` of them at most; read-only unless `write`.

    `notes` of the result name what the graph's schema does not have, when it was looked at before. An error of the
    server's has our own parser's hint.
    """
    from cypher_magic.graph.statements import run
    from cypher_magic.session.typed import advised, noted

    graph = state.connection(connection)
    options: dict[str, Any] = {"write": write, "explain": explain, "profile": profile, "multi": multi}
    with advised(text):
        result = run(graph, text, params, limit=limit, timeout=timeout, **options)
    return noted(result, text, graph.cached_schema(sure=True))


def schema(
    refresh: bool = False,
    *,
    connection: str | Connection | None = None,
    sample: int | None = None,
    values: bool = False,
    progress: Progress | None = None,
) -> GraphSchema:
    """What the current graph holds."""
    from cypher_magic.model.backbones import stage

    with stage(progress, "reading the schema"):
        return state.connection(connection).schema(refresh, sample=sample, values=values)


def current_schema_or_none() -> GraphSchema | None:
    """The current graph's schema if it was looked at before; asks no server (for completion while typing)."""
    connection = state.SESSION.connections.get(state.SESSION.current or "")
    return connection.cached_schema() if connection is not None else None
