"""Facts of a connected graph: bounded, read-only probes for some nodes of each label and edges of each triple."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Any

from cypher_magic.data.generate.facts import LONGEST, Edge, Facts, Node, usable
from cypher_magic.errors import DataError, QueryFailed
from cypher_magic.graph.schema import Triple, quoted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cypher_magic.graph.neo4j_graph import Connection

_ROWS = 40_000  # fetched over all labels, and as many over all triples
_MOST = 2_000  # of one label or triple
_ASKABLE = ("STRING", "INTEGER", "FLOAT", "BOOLEAN", "DATE")


def facts_of(connection: Connection, *, seed: int = 0, time_budget: float = 20.0) -> Facts:
    """A sample of the graph; the same for the same graph and seed. DataError where there is nothing to ask about."""
    schema = connection.schema()
    if not schema.labels:
        raise DataError("The graph is empty.", hint="load something into it first")
    until = time.monotonic() + time_budget
    rng = random.Random(seed)
    nodes: dict[str, list[Node]] = {}
    size = max(50, min(_MOST, _ROWS // len(schema.labels)))
    for label in _shuffled(rng, list(schema.labels)):
        if time.monotonic() < until:
            nodes[label] = _nodes(connection, label, _columns(schema.labels[label]), size)
    edges: dict[Triple, list[Edge]] = {}
    size = max(50, min(_MOST, _ROWS // max(1, len(schema.triples))))
    for triple in _shuffled(rng, list(schema.triples)):
        if time.monotonic() < until:
            edges[triple] = _edges(connection, triple, schema, size)
    if not any(nodes.values()):
        raise DataError("The graph has no nodes.", hint="load something into it first")
    return Facts(schema, nodes, edges, _totals(connection, nodes, until))


def _shuffled(rng: random.Random, items: list[Any]) -> list[Any]:
    rng.shuffle(items)
    return items


def _columns(properties: Mapping[str, str]) -> list[tuple[str, str]]:
    """The properties that can be asked about, with their types."""
    return [(n, t) for n, t in properties.items() if t in _ASKABLE or t.endswith("DATETIME") or t == "LIST<STRING>"]


def _read(columns: list[tuple[str, str]], var: str) -> str:
    """A list of values; long texts are cut on the server, so that nothing big travels."""
    parts = []
    for name, type_ in columns:
        value = f"{var}.{quoted(name)}"
        if type_ == "STRING":
            value = f"left({value}, {LONGEST + 1})"
        elif type_.startswith("LIST"):
            value = f"{value}[..20]"
        parts.append(value)
    return f"[{', '.join(parts)}]"


def _values(columns: list[tuple[str, str]], row: list[Any]) -> dict[str, Any]:
    return {name: _plain(v) for (name, _), v in zip(columns, row, strict=True) if usable(_plain(v))}


def _plain(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _nodes(connection: Connection, label: str, columns: list[tuple[str, str]], size: int) -> list[Node]:
    text = f"MATCH (n:{quoted(label)}) WITH n LIMIT {size} RETURN elementId(n), {_read(columns, 'n')}"
    rows = _asked(connection, text, size)
    return sorted((Node(str(i), label, _values(columns, values)) for i, values in rows), key=lambda n: n.id)


def _edges(connection: Connection, triple: Triple, schema: Any, size: int) -> list[Edge]:
    start, end = _columns(schema.labels[triple.start]), _columns(schema.labels[triple.end])
    own = _columns(schema.relationship_types.get(triple.type, {}))
    pattern = f"(a:{quoted(triple.start)})-[r:{quoted(triple.type)}]->(b:{quoted(triple.end)})"
    text = (
        f"MATCH {pattern} WITH a, r, b LIMIT {size} "
        f"RETURN elementId(a) AS a, {_read(start, 'a')} AS av, {_read(own, 'r')} AS rv, "
        f"elementId(b) AS b, {_read(end, 'b')} AS bv"
    )
    found = [
        Edge(
            triple,
            Node(str(a), triple.start, _values(start, av)),
            Node(str(b), triple.end, _values(end, bv)),
            _values(own, rv),
        )
        for a, av, rv, b, bv in _asked(connection, text, size)
    ]
    return sorted(found, key=lambda e: (e.start.id, e.end.id, str(sorted(e.values.items()))))


def _totals(connection: Connection, nodes: Mapping[str, list[Node]], until: float) -> dict[str, int]:
    """How many nodes the labels have of which the sample holds only a part; from the count store on Neo4j."""
    found = {}
    for label, sampled in nodes.items():
        if len(sampled) >= _MOST and time.monotonic() < until:
            rows = _asked(connection, f"MATCH (n:{quoted(label)}) RETURN count(n)", 1)
            found[label] = rows[0][0] if rows else len(sampled)
    return found


def _asked(connection: Connection, text: str, size: int) -> list[tuple[Any, ...]]:
    try:
        return list(connection.read(text, limit=size, timeout=10.0).rows)
    except QueryFailed:
        return []  # a label whose values can not be read is not asked about
