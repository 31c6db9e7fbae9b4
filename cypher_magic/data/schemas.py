"""Schemas of example rows: from text to names and types, and from a file with one schema for each graph."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cypher_magic.data.sources import tables
from cypher_magic.errors import DataError
from cypher_magic.graph.schema import GraphSchema, Triple

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
    try:
        schema = GraphSchema.from_text(text)
    except ValueError:
        return None
    return schema if schema.labels else None


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
