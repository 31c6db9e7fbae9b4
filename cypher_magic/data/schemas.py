"""Schemas of example rows: from text to names and types, and from a file with one schema for each graph."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cypher_magic.data.sources import tables
from cypher_magic.errors import DataError
from cypher_magic.graph.schema import GraphSchema, Triple

_NAME = r"(`(?:[^`]|``)*`|[^\W\d]\w*)"
_NODE = re.compile(rf"\(\s*:{_NAME}\s*(\{{.*\}})?\s*\)\s*\Z")
_EDGE = re.compile(rf"\(\s*:{_NAME}\s*\)\s*-\s*\[\s*:{_NAME}\s*(\{{.*\}})?\s*\]\s*->\s*\(\s*:{_NAME}\s*\)\s*\Z")
_PROPERTY = re.compile(rf"{_NAME}\s*:\s*")
_DATABASE = ("database", "name", "graph")
_SCHEMA = ("structured_schema", "schema")  # names and types first; prose can not be checked against


def graph_schema(text: str) -> GraphSchema | None:
    """The schema that a text describes, or None if it has none of the forms known here.

    Known: the lines that `GraphSchema.render` writes, the JSON of `GraphSchema.to_json`, and the mapping of node_props,
    rel_props and relationships that other tools export.
    """
    text = text.strip()
    if text.startswith("{"):
        return _from_mapping(_parsed(text))
    labels: dict[str, dict[str, str]] = {}
    types: dict[str, dict[str, str]] = {}
    triples: list[Triple] = []
    for line in text.splitlines():
        if node := _NODE.match(line.strip()):
            labels[_bare(node.group(1))] = dict(_properties(node.group(2)))
        elif edge := _EDGE.match(line.strip()):
            triple = Triple(_bare(edge.group(1)), _bare(edge.group(2)), _bare(edge.group(4)))
            triples.append(triple)
            types.setdefault(triple.type, {}).update(_properties(edge.group(3)))
        elif line.strip():
            return None
    if not labels and not triples:
        return None
    for triple in triples:
        labels.setdefault(triple.start, {})
        labels.setdefault(triple.end, {})
    return GraphSchema(labels, types, tuple(triples))


def read_schemas(source: Any) -> dict[str, str]:
    """The schema text of each graph: from a mapping, or from a file with a column `database` and a column `schema`.

    Schemas whose form is known are rendered anew, so that training and asking show a model the same form.
    Raises DataError for a source without these columns.
    """
    if isinstance(source, Mapping):
        return {str(name): _rendered(schema) for name, schema in source.items()}
    if isinstance(source, str | Path) and str(source).casefold().endswith(".json"):
        return _from_json_file(Path(source))
    found: dict[str, str] = {}
    for table in tables(source):
        name = next((c for c in _DATABASE if c in table.columns), None)
        columns = [c for c in _SCHEMA if c in table.columns]
        if name is None or not columns:
            raise DataError(
                f"{table.source} has no schemas; its columns are {', '.join(table.columns)}.",
                hint="name them database and schema",
            )
        for row in table.rows:
            texts = [str(row.values.get(c) or "") for c in columns]
            known = next((schema for t in texts if (schema := graph_schema(t))), None)
            found[str(row.values[name]).strip()] = known.render() if known else texts[-1].strip()
    return found


def _from_json_file(path: Path) -> dict[str, str]:
    try:
        raw = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as exc:
        raise DataError(
            f"{path} is not a JSON file of schemas.", hint='{"movies": "(:Movie {title: STRING})"}'
        ) from exc
    if not isinstance(raw, Mapping):
        raise DataError(f"{path} holds no mapping.", hint='{"movies": "(:Movie {title: STRING})"}')
    return read_schemas(raw)


def _rendered(schema: Any) -> str:
    if isinstance(schema, GraphSchema):
        return schema.render()
    text = json.dumps(schema) if isinstance(schema, Mapping) else str(schema)
    known = graph_schema(text)
    return known.render() if known else text.strip()


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        pass
    try:
        return ast.literal_eval(text)  # other tools print a dict of Python
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None


def _from_mapping(raw: Any) -> GraphSchema | None:
    if not isinstance(raw, Mapping):
        return None
    try:
        if "labels" in raw:
            return GraphSchema.from_json(json.dumps(raw))
        if "node_props" not in raw:
            return None
        nodes = {str(k): _typed(v) for k, v in raw["node_props"].items()}
        types = {str(k): _typed(v) for k, v in (raw.get("rel_props") or {}).items()}
        triples = tuple(Triple(str(r["start"]), str(r["type"]), str(r["end"])) for r in raw.get("relationships") or ())
    except (KeyError, TypeError, AttributeError, ValueError):
        return None
    for triple in triples:
        types.setdefault(triple.type, {})
        nodes.setdefault(triple.start, {})
        nodes.setdefault(triple.end, {})
    return GraphSchema(nodes, types, triples)


def _typed(properties: Any) -> dict[str, str]:
    return {str(p["property"]): str(p["type"]) for p in properties}


def _properties(braces: str | None) -> Iterator[tuple[str, str]]:
    """The names and types in `{title: STRING, roles: LIST<STRING>}`."""
    inside = (braces or "").strip()[1:-1].strip()
    while inside:
        head = _PROPERTY.match(inside)
        if not head:
            return
        rest = inside[head.end() :]
        depth, end = 0, len(rest)
        for n, character in enumerate(rest):
            depth += (character in "<(") - (character in ">)")
            if character == "," and depth == 0:
                end = n
                break
        yield _bare(head.group(1)), rest[:end].strip()
        inside = rest[end + 1 :].strip()


def _bare(name: str) -> str:
    return name[1:-1].replace("``", "`") if name.startswith("`") else name
