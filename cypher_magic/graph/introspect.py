"""Reads the schema of a connected graph with bounded probes: no procedure that scans, none that guesses.

Names come from `db.labels()` and friends; properties and their types from `keys()` and `valueType()` of a sample of
nodes per label (the oldest and, on Neo4j, the newest); triples from a sample of relationships per type. A triple that
the sample did not show is proven by Neo4j's count store where counting can prove it (if `s` of `n` relationships start
at A and `e` end at B, then s + e > n means that some do both), else looked for in a bounded neighbourhood. So a triple
in the schema always exists; one that is missing may exist only where `notes` says that a bound or the budget was met.
"""

from __future__ import annotations

import re
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cypher_magic.errors import QueryFailed, QueryTimeout
from cypher_magic.graph import schema_store
from cypher_magic.graph.schema import GraphSchema, Index, Triple, quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from cypher_magic.graph.neo4j_graph import Connection

# Labels and types that tools keep their own notes under, in the same graph.
_INTERNAL = re.compile(r"_(Bloom|Neodash|NeoDash|Browser|GraphConfig|NsPrefDef|MapDefinition|MapNs)_?|__\w+__\Z")
_EDGES = 10_000  # relationships looked at per type
_ORIGINS = 2_000  # nodes whose relationships are followed in search of one triple
_PROBE_SECONDS = 3.0
_COUNTS_AT_ONCE = 60
_VALUES = 5
_LONGEST_VALUE = 60


def known_schema(
    graph: Connection, *, refresh: bool = False, sample: int = 1000, values: bool = False, budget: float = 10.0
) -> GraphSchema:
    """The schema from the user's override file, from the cache on disk while the names in the graph are the same,
    or else probed within `budget` seconds from `sample` nodes per label; `values` adds sample values.
    """  # noqa: D205
    if override := schema_store.override(graph.settings):
        return override
    probes = _Probes(graph, time.monotonic() + budget, sample)
    names = probes.names()
    if not refresh and (kept := schema_store.load(graph, names, values=values)):
        return kept
    found = probes.schema(names, values=values)
    if time.monotonic() < probes.deadline:  # one that is not whole is not kept
        schema_store.save(graph, names, found)
    return found


@dataclass(frozen=True)
class Names:
    """All labels, relationship types and property keys of a graph: cheap to ask for, and a sign of change."""

    labels: tuple[str, ...]
    types: tuple[str, ...]
    keys: tuple[str, ...]


@dataclass
class _Edges:
    """What is known about one relationship type so far."""

    properties: dict[str, str] = field(default_factory=dict)
    pairs: set[tuple[str, str]] = field(default_factory=set)
    seen: int = 0

    @property
    def complete(self) -> bool:
        """Whether every relationship of the type was looked at."""
        return self.seen < _EDGES


@dataclass
class _Probes:
    graph: Connection
    deadline: float
    sample: int
    notes: list[str] = field(default_factory=list)

    def names(self) -> Names:
        def column(text: str) -> tuple[str, ...]:
            return tuple(sorted(str(row[0]) for row in self.ask(text)))

        hidden = set(self.graph.settings.get("hide", ()))

        def shown(names: Iterable[str]) -> tuple[str, ...]:
            return tuple(name for name in names if not _INTERNAL.match(name) and name not in hidden)

        return Names(
            shown(column("CALL db.labels()")),
            shown(column("CALL db.relationshipTypes()")),
            column("CALL db.propertyKeys()"),
        )

    def schema(self, names: Names, *, values: bool) -> GraphSchema:
        indexes, ordered = self.indexes(names)
        labels: dict[str, dict[str, str]] = {}
        for label in self.in_time(names.labels, "labels"):
            properties = self.properties(label, tail=ordered)
            if properties is not None:
                labels[label] = properties
        edges = {kind: self.edges(kind) for kind in self.in_time(names.types, "relationship types")}
        self.complete(list(labels), edges)
        found: dict[str, tuple[Any, ...]] = {}
        if values:
            for label in self.in_time(labels, "sample values"):
                found |= self.values(label)
        triples = {
            Triple(start, kind, end)
            for kind, known in edges.items()
            for start, end in known.pairs
            if start in labels and end in labels
        }
        return GraphSchema(
            labels=labels,
            relationship_types={kind: known.properties for kind, known in edges.items() if known.seen},
            triples=tuple(sorted(triples)),
            indexes=indexes,
            values=found,
            notes=tuple(self.notes),
        )

    # --- one probe each -------------------------------------------------------------------------------------------

    def indexes(self, names: Names) -> tuple[tuple[Index, ...], bool]:
        """Indexes and constraints, and whether labels can be walked backwards (the token index is there)."""
        shown = {*names.labels, *names.types}
        found, ordered = [], False
        columns = "YIELD name, type, labelsOrTypes, properties"
        for name, kind, owners, properties in self.ask(f"SHOW CONSTRAINTS {columns}", optional=True):
            if owners and owners[0] in shown and not kind.endswith("PROPERTY_TYPE"):
                found.append(Index(name, kind, owners[0], tuple(properties or ())))
        rows = self.ask(f"SHOW INDEXES {columns}, entityType, owningConstraint", optional=True)
        for name, kind, owners, properties, entity, constraint in rows:
            ordered = ordered or (kind == "LOOKUP" and entity == "NODE" and not self.graph.embedded)
            if constraint is None and kind != "LOOKUP":
                found += [Index(name, kind, owner, tuple(properties or ())) for owner in owners or () if owner in shown]
        return tuple(sorted(set(found))), ordered

    def properties(self, label: str, *, tail: bool) -> dict[str, str] | None:
        """Property types of the sampled nodes; None where no node has the label."""
        rows = self.ask(
            self.nodes(label, tail=tail)
            + " WITH count(n) AS nodes, collect(n) AS sampled"
            + " UNWIND CASE WHEN nodes = 0 THEN [] ELSE sampled END AS n"
            + " UNWIND CASE WHEN size(keys(n)) = 0 THEN [''] ELSE keys(n) END AS key"
            + " WITH key, n[key] AS value"
            + " WITH key, valueType(value) AS kind,"
            + " CASE WHEN valueType(value) STARTS WITH 'LIST' THEN [e IN value[..3] | valueType(e)]"
            + " ELSE [] END AS inner"
            + " RETURN DISTINCT key, kind, inner"
        )
        if not rows:
            return None
        return _merged((key, kind, inner) for key, kind, inner in rows if key)

    def nodes(self, label: str, *, tail: bool) -> str:
        """The start of a query that binds `n` to a bounded sample of a label's nodes."""
        name = quoted(label)
        if not tail:
            return f"MATCH (n:{name}) WITH n LIMIT {self.sample}"
        half = max(1, self.sample // 2)
        return (
            f"CALL () {{ MATCH (n:{name}) RETURN n LIMIT {half} "
            f"UNION MATCH (n:{name}) RETURN n ORDER BY n DESC LIMIT {half} }} WITH n"
        )

    def edges(self, kind: str) -> _Edges:
        """Properties and label pairs of a sample of a type's relationships."""
        rows = self.ask(
            f"MATCH (a)-[r:{quoted(kind)}]->(b) WITH a, r, b LIMIT {_EDGES}"
            " WITH labels(a) AS starts, labels(b) AS ends, [key IN keys(r) | [key, valueType(r[key]),"
            " CASE WHEN valueType(r[key]) STARTS WITH 'LIST' THEN [e IN r[key][..3] | valueType(e)] ELSE [] END]]"
            " AS properties RETURN starts, ends, properties, count(*) AS seen"
        )
        known = _Edges(seen=sum(row[3] for row in rows))
        known.properties = _merged(tuple(triple) for row in rows for triple in row[2])
        known.pairs = {(start, end) for starts, ends, *_ in rows for start in starts for end in ends}
        return known

    def complete(self, labels: list[str], edges: Mapping[str, _Edges]) -> None:
        """Adds the label pairs that the sample of a big relationship type did not show."""
        big = {kind: known for kind, known in edges.items() if not known.complete}
        counts = self.counts(labels, list(big)) if big and not self.graph.embedded else None
        for kind, known in big.items():
            open_pairs = {(start, end) for start in labels for end in labels} - known.pairs
            if counts is not None:
                total = counts.get((kind, "", ""), 0)
                ends = {
                    pair: (counts.get((kind, pair[0], ""), 0), counts.get((kind, "", pair[1]), 0))
                    for pair in open_pairs
                }
                open_pairs = {pair for pair, (out, into) in ends.items() if out and into}
                proven = {pair for pair in open_pairs if sum(ends[pair]) > total}
                known.pairs |= proven
                open_pairs -= proven
            self.search(kind, known, open_pairs)

    def counts(self, labels: list[str], kinds: list[str]) -> dict[tuple[str, str, str], int] | None:
        """How many relationships of a type there are, start at a label, end at a label: from Neo4j's count store."""
        wanted = [(kind, "", "") for kind in kinds]
        wanted += [(kind, label, "") for kind in kinds for label in labels]
        wanted += [(kind, "", label) for kind in kinds for label in labels]
        found: dict[tuple[str, str, str], int] = {}
        for at in range(0, len(wanted), _COUNTS_AT_ONCE):
            if time.monotonic() > self.deadline:
                return None
            chunk = wanted[at : at + _COUNTS_AT_ONCE]
            terms = (f"COUNT {{ ({_of(a)})-[:{quoted(kind)}]->({_of(b)}) }}" for kind, a, b in chunk)
            rows = self.ask("RETURN [" + ", ".join(terms) + "] AS counts")
            if not rows:
                return None
            found |= dict(zip(chunk, rows[0][0], strict=True))
        return found

    def search(self, kind: str, known: _Edges, open_pairs: set[tuple[str, str]]) -> None:
        """Follows the relationships of some nodes of each label, forwards and backwards."""
        bounded = False
        for side, pattern in ((0, f"(a)-[:{quoted(kind)}]->(b)"), (1, f"(a)<-[:{quoted(kind)}]-(b)")):
            for label in self.in_time(sorted({pair[side] for pair in open_pairs}), f"triples of {kind}"):
                rows = self.ask(
                    f"MATCH (a:{quoted(label)}) WITH a LIMIT {_ORIGINS} MATCH {pattern} WITH b LIMIT {_EDGES}"
                    " RETURN labels(b) AS other, count(*) AS seen"
                )
                bounded = bounded or sum(row[1] for row in rows) >= _EDGES
                met = {(label, other) if side == 0 else (other, label) for row in rows for other in row[0]}
                known.pairs |= met & open_pairs
                open_pairs = open_pairs - met
        if open_pairs and bounded:
            self.notes.append(f"rare triples of {kind} may be missing: it has too many relationships to look at all")

    def values(self, label: str) -> dict[str, tuple[Any, ...]]:
        """The most frequent short values of each property in the sample."""
        rows = self.ask(
            self.nodes(label, tail=False)
            + " UNWIND keys(n) AS key WITH key, n[key] AS value"
            + " WHERE NOT valueType(value) STARTS WITH 'LIST' AND NOT valueType(value) STARTS WITH 'POINT'"
            + f" AND (NOT valueType(value) STARTS WITH 'STRING' OR size(value) <= {_LONGEST_VALUE})"
            + " WITH key, value, count(*) AS often ORDER BY often DESC, value"
            + f" RETURN key, collect(value)[..{_VALUES}] AS values"
        )
        return {f"{label}.{key}": tuple(_plain(value) for value in values) for key, values in sorted(rows)}

    # --- asking within bounds -------------------------------------------------------------------------------------

    def ask(self, text: str, *, optional: bool = False) -> list[tuple[Any, ...]]:
        """The rows of a probe; none, and a note, where it took too long (or the server does not know it)."""
        left = self.deadline - time.monotonic()
        try:
            return list(self.graph.probe(text, timeout=max(0.5, min(_PROBE_SECONDS, left))).rows)
        except QueryTimeout:
            self.notes.append(f"a probe took too long: {text[:80]}")
        except QueryFailed as exc:
            if optional:
                return []
            if "valueType" in exc.message:
                raise QueryFailed(
                    "This server is too old to say the types of properties.", hint="Neo4j 5.13 or newer is needed"
                ) from exc
            raise
        return []

    def in_time(self, names: Iterable[str], what: str) -> Iterator[str]:
        """The names while there is time; a note says what was left out."""
        for name in names:
            if time.monotonic() > self.deadline:
                self.notes.append(
                    f"the time for reading the schema ended at {what}, {name} and what follows is missing"
                )
                return
            yield name


def _of(label: str) -> str:
    return f":{quoted(label)}" if label else ""


def _merged(rows: Iterable[tuple[Any, ...]]) -> dict[str, str]:
    """One type per property, names in alphabetical order."""
    kinds: dict[str, set[str]] = defaultdict(set)
    for name, kind, inner in rows:
        kinds[name].add(_kind(kind, inner))
    return {name: _union(kinds[name]) for name in sorted(kinds)}


def _kind(kind: str, inner: Iterable[str]) -> str:
    """`LIST<STRING>` for "LIST<ANY> NOT NULL" (embedded) and "LIST<STRING NOT NULL> NOT NULL" (Neo4j) alike."""
    kind = kind.replace(" NOT NULL", "")
    if not kind.startswith("LIST"):
        return kind
    members = {member.replace(" NOT NULL", "") for member in inner}
    return f"LIST<{_union(members)}>" if members else "LIST<ANY>"


def _union(kinds: set[str]) -> str:
    if len(kinds) > 1:
        kinds = kinds - {"LIST<ANY>", "NULL"}
    if kinds == {"INTEGER", "FLOAT"}:
        return "FLOAT"
    return " | ".join(sorted(kinds))


def _plain(value: Any) -> Any:
    """A value as it goes into a prompt or a cache: numbers and booleans as they are, all else as one short line."""
    if isinstance(value, int | float):
        return value
    return " ".join(str(value).split())[:_LONGEST_VALUE]
