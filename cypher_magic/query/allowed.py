"""Procedures and functions that only read: the default allow-list of the read-only gate.

A name ending in `.*` allows all of a namespace. Nothing here reads a file or an address, runs Cypher from text,
calls a service, or changes the graph, the server or its settings.
"""

from __future__ import annotations


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


PROCEDURES = _names(
    """
    db.labels db.relationshipTypes db.propertyKeys
    db.schema.nodeTypeProperties db.schema.relTypeProperties db.schema.visualization
    db.index.fulltext.queryNodes db.index.fulltext.queryRelationships
    db.index.vector.queryNodes db.index.vector.queryRelationships
    """
)

# Neo4j's own; functions of apoc.agg aggregate too
AGGREGATES = _names("avg collect count max min percentilecont percentiledisc stdev stdevp sum")

FUNCTIONS = AGGREGATES | _names(
    """
    all any exists isempty none single
    allreduce coalesce elementid endnode head id last length nullif properties randomuuid size startnode timestamp type
    valuetype toboolean tobooleanornull tofloat tofloatornull tointeger tointegerornull
    keys labels nodes range reduce relationships reverse tail
    tobooleanlist tofloatlist tointegerlist tostringlist
    abs ceil floor isnan rand round sign e exp log log10 sqrt
    acos asin atan atan2 cos cosh cot coth degrees haversin pi radians sin sinh tan tanh
    btrim char_length character_length left lower ltrim normalize replace right rtrim split substring
    tolower tostring tostringornull toupper trim upper
    date date.realtime date.statement date.transaction date.truncate
    datetime datetime.fromepoch datetime.fromepochmillis datetime.realtime datetime.statement datetime.transaction
    datetime.truncate
    localdatetime localdatetime.realtime localdatetime.statement localdatetime.transaction localdatetime.truncate
    localtime localtime.realtime localtime.statement localtime.transaction localtime.truncate
    time time.realtime time.statement time.transaction time.truncate
    duration duration.between duration.indays duration.inmonths duration.inseconds
    point point.distance point.withinbbox distance
    vector.similarity.cosine vector.similarity.euclidean
    shortestpath allshortestpaths
    apoc.agg.* apoc.any.* apoc.bitwise.* apoc.coll.* apoc.convert.* apoc.data.* apoc.date.* apoc.diff.* apoc.json.*
    apoc.map.* apoc.math.* apoc.node.* apoc.nodes.* apoc.number.* apoc.rel.* apoc.scoring.* apoc.temporal.* apoc.text.*
    apoc.create.uuid apoc.create.uuidbase64 apoc.label.exists
    apoc.meta.cypher.istype apoc.meta.cypher.type apoc.meta.cypher.types
    apoc.path.combine apoc.path.create apoc.path.elements apoc.path.slice
    apoc.util.md5 apoc.util.sha1 apoc.util.sha256 apoc.util.sha384 apoc.util.sha512
    """
)


def is_aggregate(name: str) -> bool:
    """Whether this function turns many rows into one value."""
    folded = name.lower()
    return folded in AGGREGATES or folded.startswith("apoc.agg.")


def allows(names: frozenset[str], name: str) -> bool:
    """Whether the name is on the list, by itself or by its namespace."""
    return name in names or any(f"{space}.*" in names for space in _namespaces(name))


def _namespaces(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:n]) for n in range(1, min(len(parts), 9))]
