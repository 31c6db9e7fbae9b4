"""What the parser, the schema checks and the read-only gate say about the query of an example."""

from __future__ import annotations

import importlib
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cypher_magic.data.schemas import graph_schema
from cypher_magic.graph.schema import GraphSchema

if TYPE_CHECKING:
    from cypher_magic.data.example import Example
    from cypher_magic.query.complaint import Complaint

_MESSAGES = {
    "syntax": "(is|are) not Cypher",
    "undefined_variable": "(uses|use) a variable that is not defined",
    "aggregate_in_where": "(aggregates|aggregate) in WHERE",
    "misplaced_pattern": "(has|have) a pattern where none may stand",
    "missing_return": "(returns|return) nothing",
    "duplicate_column": "(returns|return) two columns of one name",
    "unknown_label": "(names|name) a label that the graph does not have",
    "unknown_relationship_type": "(names|name) a relationship type that the graph does not have",
    "unknown_property": "(names|name) a property that the graph does not have",
    "unknown_triple": "(follows|follow) a relationship between labels that it does not join",
    "reversed_direction": "(follows|follow) a relationship against its direction",
    "not_read_only": "(is|are) not read-only",
    "no_schema": "(is|are) about a graph whose schema was not given",
}


class Lint:
    """Checks of queries against one schema, or against the schema that an example brings along.

    `schema` is the graph that examples without a schema of their own are about; None checks Cypher only.
    `needs_schema` names the graphs (the `database` column) for which schemas were promised.
    """

    def __init__(self, schema: GraphSchema | None = None, *, needs_schema: bool = False) -> None:
        self.schema = schema
        self._needs_schema = needs_schema
        self._checked = lru_cache(maxsize=None)(_checked)
        self._parsed = lru_cache(maxsize=None)(graph_schema)

    def complaints(self, example: Example) -> dict[str, str]:
        """The first complaint of each kind, by its code; empty = fine."""
        found = {c: str(text) for c, text in self._checked(example.query, _ById(self._schema_of(example))).items()}
        if self._needs_schema and example.database and example.schema is None:
            found["no_schema"] = f"no schema for the graph {example.database}"
        return found

    def repaired(self, example: Example) -> tuple[str, str]:
        """The repaired query and how it was repaired; the same query and "" where that does not make it pass."""
        schema = self._schema_of(example)
        repair = _part("repair")
        if repair is None:
            return example.query, ""
        better = repair(example.query, schema or GraphSchema())
        if not better.changes or _checked(better.text, _ById(schema)):
            return example.query, ""
        return better.text, "; ".join(dict.fromkeys(str(c.reason) for c in better.changes))

    @staticmethod
    def message(code: str) -> str:
        """What n queries with this complaint do, with `{n}` for the number."""
        return "{n} (query|queries) " + _MESSAGES.get(code, f"(has|have) a complaint of the kind {code}")

    def _schema_of(self, example: Example) -> GraphSchema | None:
        return self._parsed(example.schema) if example.schema is not None else self.schema


class _ById:
    """A schema as a key of a cache: equal only to itself, for hashing all its names each time would be slow."""

    def __init__(self, schema: GraphSchema | None) -> None:
        self.schema = schema

    def __hash__(self) -> int:
        return id(self.schema)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _ById) and other.schema is self.schema


def _checked(query: str, schema: _ById) -> dict[str, Complaint]:
    found: dict[str, Complaint] = {}
    check, read_only = _part("check"), _part("readonly", "read_only")
    if check is None or read_only is None:
        return found
    for complaint in check(query, schema.schema):
        found.setdefault(complaint.code, complaint)
    if "syntax" not in found:
        refused = read_only(query)
        if refused:
            found["not_read_only"] = refused[0]
    return found


def _part(module: str, name: str = "") -> Any:
    try:
        return getattr(importlib.import_module(f"cypher_magic.query.{module}"), name or module)
    except ModuleNotFoundError:
        return None
