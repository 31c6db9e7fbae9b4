"""What the parser, the schema checks and the read-only gate say about the query of an example."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from cypher_magic.data.agreement.gaps import gaps
from cypher_magic.data.schemas import graph_schema
from cypher_magic.query.check import check
from cypher_magic.query.parse import parse
from cypher_magic.query.readonly import read_only
from cypher_magic.query.repair import repair

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cypher_magic.data.example import Example
    from cypher_magic.graph.schema import GraphSchema
    from cypher_magic.query.complaint import Complaint

_MESSAGES = {
    "syntax": "(is|are) not Cypher",
    "undefined_variable": "(uses|use) a variable that is not defined",
    "aggregate_in_where": "(aggregates|aggregate) in WHERE",
    "redefined_variable": "(defines|define) a variable a second time",
    "grouping": "(mixes|mix) aggregates with what is not grouped",
    "type_mismatch": "(uses|use) a value of the wrong type",
    "union_columns": "(unites|unite) rows with different columns",
    "misplaced_pattern": "(has|have) a pattern where none may stand",
    "missing_return": "(returns|return) nothing",
    "duplicate_column": "(returns|return) two columns of one name",
    "unknown_label": "(names|name) a label that the graph does not have",
    "unknown_relationship_type": "(names|name) a relationship type that the graph does not have",
    "unknown_property": "(names|name) a property that the graph does not have",
    "never_true": "(compares|compare) a property with a value of another type",
    "unknown_triple": "(follows|follow) a relationship between labels that it does not join",
    "reversed_direction": "(follows|follow) a relationship against its direction",
    "write": "(changes|change) the graph",
    "load_csv": "(reads|read) files with LOAD CSV",
    "procedure": "(calls|call) a procedure that is not known to only read",
    "function": "(calls|call) a function that is not known to only read",
    "clause": "(has|have) a clause that does not only read",
    "several_statements": "(holds|hold) more than one statement",
    "too_deep": "(nests|nest) too deep",
    "too_long": "(is|are) too long for a query",
    "no_schema": "(is|are) about a graph whose schema was not given",
}


class Lint:
    """Checks of queries against one schema, or against the schema that an example brings along.

    `schema` is the graph that examples without a schema of their own are about; None checks Cypher only. `allow` names
    procedures and functions that the user holds safe; with `needs_schema` a row whose `database` has no schema is
    complained about.
    """

    def __init__(
        self, schema: GraphSchema | None = None, *, needs_schema: bool = False, allow: Iterable[str] = ()
    ) -> None:
        self.schema = schema
        self._needs_schema = needs_schema
        self._rendered = schema.render() if schema else ""
        self._allow = tuple(allow)
        self._checked = lru_cache(maxsize=None)(self._check)
        self._parsed = lru_cache(maxsize=None)(graph_schema)

    def complaints(self, example: Example) -> dict[str, str]:
        """The first complaint of each kind, by its code; empty = fine."""
        found = {c.code: str(c) for c in reversed(self._checked(example.query, _Same(self.schema_of(example))))}
        if self._needs_schema and example.database and example.schema is None:
            found["no_schema"] = f"no schema for the graph {example.database}"
        return dict(reversed(found.items()))

    def gaps(self, example: Example) -> tuple[str, ...]:
        """Where a query that passes the checks can not be what its question asks, a sentence each.

        None where no schema is known. Each rule is nearly never wrong about a right query: `tests/evaluation`.
        """
        schema = self.schema_of(example)
        if schema is None or not example.question or self.complaints(example):
            return ()
        return tuple(gaps(example.question, parse(example.query), schema))

    def repaired(self, example: Example) -> tuple[str, str]:
        """The repaired query and how it was repaired; the same query and "" where that does not make it pass."""
        schema = self.schema_of(example)
        better = repair(example.query, schema)
        if not better.changes or self._checked(better.text, _Same(schema)):
            return example.query, ""
        return better.text, "; ".join(dict.fromkeys(c.reason for c in better.changes))

    def schema_of(self, example: Example) -> GraphSchema | None:
        """The schema that the query is checked against; None if there is none, or none that can be read."""
        return self._parsed(example.schema) if example.schema is not None else self.schema

    def schema_text(self, example: Example) -> str:
        """The schema as it stands in the prompt; "" if there is none."""
        return example.schema if example.schema is not None else self._rendered

    @staticmethod
    def message(code: str) -> str:
        """What n queries with this complaint do, with `{n}` for the number."""
        return "{n} (query|queries) " + _MESSAGES.get(code, f"(has|have) a complaint of the kind {code}")

    def _check(self, query: str, schema: _Same) -> list[Complaint]:
        return read_only(query, self._allow) or check(query, schema.schema)


class _Same:
    """A schema as a key of a cache: equal only to itself, for comparing all its names each time would be slow."""

    def __init__(self, schema: GraphSchema | None) -> None:
        self.schema = schema

    def __hash__(self) -> int:
        return id(self.schema)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.schema is self.schema
