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
_EDGES = 4_000  # relationships looked at per type and probe
_ORIGINS = 2_000  # nodes whose relationships are followed in search of one triple
_AT_ONCE = 8  # labels or types in one probe: a server that has just started takes longest to plan, not to read
_COUNTS_AT_ONCE = 60
_VALUES = 5
_LONGEST_VALUE = 60
CUT_SHORT = "the time for reading the schema ended"  # the beginning of that note


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
    if not cut_short(found):  # one that is not whole is not kept
        schema_store.save(graph, names, found)
    return found


def cut_short(schema: GraphSchema) -> bool:
    """Whether the schema misses something only because the time for reading it was over."""
    return any(note.startswith(CUT_SHORT) for note in schema.notes)


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
        found: dict[int, list[str]] = {0: [], 1: [], 2: []}
        for kind, name in self.ask(
            "CALL db.labels() YIELD label RETURN 0 AS kind, label AS name"
            " UNION ALL CALL db.relationshipTypes() YIELD relationshipType RETURN 1 AS kind, relationshipType AS name"
            " UNION ALL CALL db.propertyKeys() YIELD propertyKey RETURN 2 AS kind, propertyKey AS name"
        ):
            found[kind].append(name)
        hidden = set(self.graph.settings.get("hide", ()))
        labels, types = (
            tuple(name for name in sorted(found[kind]) if not _INTERNAL.match(name) and name not in hidden)
            for kind in (0, 1)
        )
        return Names(labels, types, tuple(sorted(found[2])))

    def schema(self, names: Names, *, values: bool) -> GraphSchema:
        indexes, ordered = self.indexes(names)
        labels = self.labels(names.labels, tail=ordered)
        edges = self.edges(names.types)
        self.complete(list(labels), edges)
        found: dict[str, tuple[Any, ...]] = {}
        for label in self.in_time(labels if values else (), "sample values"):
            found |= self.values(label)
        triples = {
            Triple(start, kind, end)
            for kind, known in edges.items()
            for start, end in known.pairs
            if start in labels and end in labels
        }
        return GraphSchema(
            labels=labels,
            relationship_types={kind: known.properties for kind, known in edges.items()},
            triples=tuple(sorted(triples)),
            indexes=indexes,
            values=found,
            notes=tuple(dict.fromkeys(self.notes)),
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

    def labels(self, names: tuple[str, ...], *, tail: bool) -> dict[str, dict[str, str]]:
        """Property types of a sample of each label's nodes; labels that no node has are left out."""
        found: dict[str, list[Any]] = {}
        bind = "MATCH (n:{name}) WITH n LIMIT {size}", "MATCH (n:{name}) WITH n ORDER BY n DESC LIMIT {size}"
        for chunk in self.chunks(names, "labels"):
            parts = [
                start.format(name=quoted(name), size=max(1, self.sample // (1 + tail)))
                + f" RETURN DISTINCT {at} AS at, {self.typed('n')} AS properties"
                for at, name in enumerate(chunk)
                for start in bind[: 1 + tail]
            ]
            for at, properties in self.ask(" UNION ALL ".join(parts)):
                found.setdefault(chunk[at], []).extend(properties)
        return {name: _merged(found[name]) for name in names if name in found}

    def edges(self, names: tuple[str, ...]) -> dict[str, _Edges]:
        """Properties and label pairs of a sample of each type's relationships; unused types are left out."""
        found: dict[str, _Edges] = {}
        for chunk in self.chunks(names, "relationship types"):
            parts = [
                f"MATCH (a)-[r:{quoted(name)}]->(b) WITH a, r, b LIMIT {_EDGES} RETURN {at} AS at, labels(a) AS starts,"
                f" labels(b) AS ends, {self.typed('r')} AS properties, count(*) AS seen"
                for at, name in enumerate(chunk)
            ]
            properties: dict[str, list[Any]] = defaultdict(list)
            for at, starts, ends, typed, seen in self.ask(" UNION ALL ".join(parts)):
                known = found.setdefault(chunk[at], _Edges())
                known.seen += seen
                known.pairs |= {(start, end) for start in starts for end in ends}
                properties[chunk[at]] += typed
            for name, typed in properties.items():
                found[name].properties = _merged(typed)
        return {name: found[name] for name in names if name in found}

    def typed(self, what: str) -> str:
        """The expression for a node's or relationship's property names and types."""
        value = f"{what}[key]"
        inner = f"CASE WHEN valueType({value}) STARTS WITH 'LIST' THEN [e IN {value}[..3] | valueType(e)] ELSE [] END"
        # Neo4j says what a list holds, the embedded engine calls all lists LIST<ANY>.
        return f"[key IN keys({what}) | [key, valueType({value}){', ' + inner if self.graph.embedded else ', []'}]]"

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
            if not list(self.in_time(kinds[:1], "counting relationships")):
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
            f"MATCH (n:{quoted(label)}) WITH n LIMIT {self.sample}"
            + " UNWIND keys(n) AS key WITH key, n[key] AS value"
            + " WHERE NOT valueType(value) STARTS WITH 'LIST' AND NOT valueType(value) STARTS WITH 'POINT'"
            + f" AND (NOT valueType(value) STARTS WITH 'STRING' OR size(value) <= {_LONGEST_VALUE})"
            + " WITH key, value, count(*) AS often ORDER BY often DESC, value"
            + f" RETURN key, collect(value)[..{_VALUES}] AS values"
        )
        return {f"{label}.{key}": tuple(_plain(value) for value in values) for key, values in sorted(rows)}

    # --- asking within bounds -------------------------------------------------------------------------------------

    def ask(self, text: str, *, optional: bool = False) -> list[tuple[Any, ...]]:
        """The rows of a probe; none, and a note, where the time is over (or the server does not know the command)."""
        left = self.deadline - time.monotonic()
        try:
            return list(self.graph.probe(text, timeout=max(0.5, left)).rows)
        except QueryTimeout:
            self.notes.append(f"{CUT_SHORT} at {text[:60]}")
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
                self.notes.append(f"{CUT_SHORT} at {what}: {name} and what follows is missing")
                return
            yield name

    def chunks(self, names: tuple[str, ...], what: str) -> Iterator[tuple[str, ...]]:
        for at in range(0, len(names), _AT_ONCE):
            if not list(self.in_time(names[at : at + 1], what)):
                return
            yield names[at : at + _AT_ONCE]


def _of(label: str) -> str:
    return f":{quoted(label)}" if label else ""


def _merged(typed: Iterable[tuple[str, str, list[str]]]) -> dict[str, str]:
    """One type per property, names in alphabetical order."""
    kinds: dict[str, set[str]] = defaultdict(set)
    for name, kind, inner in typed:
        kinds[name].add(_kind(kind, inner))
    return {name: _union(kinds[name]) for name in sorted(kinds)}


def _kind(kind: str, inner: Iterable[str]) -> str:
    """`LIST<STRING>` for "LIST<ANY> NOT NULL" (embedded) and "LIST<STRING NOT NULL> NOT NULL" (Neo4j) alike."""
    kind = kind.replace(" NOT NULL", "").replace("LIST<NOTHING>", "LIST<ANY>")
    members = {member.replace(" NOT NULL", "") for member in inner}
    return f"LIST<{_union(members)}>" if members else kind


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
