"""What a graph holds: labels, relationship types, their properties, and which triples exist.

`GraphSchema.render` is the one text form of a schema, in training and in asking alike:

    (:Movie {title: STRING, released: INTEGER})
    (:Person {name: STRING})
    (:Person)-[:ACTED_IN {roles: LIST<STRING>}]->(:Movie)
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

Properties = Mapping[str, str]  # property name -> type as Cypher's valueType() names it, e.g. "LIST<STRING>"

_NAME = r"(?:`(?:[^`]|``)+`|[^\W\d]\w*)"
_LINE = re.compile(
    rf"\(:(?P<start>{_NAME})(?:\s*\{{(?P<of_start>.*?)\}})?\)"
    rf"(?:-\[:(?P<type>{_NAME})(?:\s*\{{(?P<of_type>.*?)\}})?\]->\(:(?P<end>{_NAME})\))?"
)
_PROPERTY = re.compile(rf"\s*({_NAME})\s*:\s*([^,]+?)\s*(?:,|\Z)")
_PLAIN_NAME = re.compile(r"[^\W\d]\w*\Z")


def quoted(name: str) -> str:
    """The name as Cypher writes it: in backticks when it is not a plain identifier."""
    return name if _PLAIN_NAME.match(name) else "`" + name.replace("`", "``") + "`"


class Triple(NamedTuple):
    """A relationship type between two labels that exists in the graph: (:start)-[:type]->(:end)."""

    start: str
    type: str
    end: str


class Index(NamedTuple):
    """An index or constraint on the properties of a label (or of a relationship type)."""

    name: str
    kind: str  # RANGE, TEXT, FULLTEXT, VECTOR, UNIQUENESS ...
    owner: str
    properties: tuple[str, ...]


@dataclass(frozen=True)
class GraphSchema:
    """Labels and relationship types with their properties, and the triples that exist.

    A label without properties has an empty mapping; a label and a relationship type may share one name.
    """

    labels: Mapping[str, Properties] = field(default_factory=dict)
    relationship_types: Mapping[str, Properties] = field(default_factory=dict)
    triples: tuple[Triple, ...] = ()
    indexes: tuple[Index, ...] = ()
    values: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)  # "Label.property" -> a few sample values
    notes: tuple[str, ...] = ()  # what could not be found out, in words

    def _repr_html_(self) -> str:
        from cypher_magic.graph.schema_table import html

        return html(self)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        from cypher_magic.graph.schema_table import plain

        printer.text(plain(self))

    @property
    def fingerprint(self) -> str:
        """16 hex digits that change when a name, a type or a triple changes; sample values and indexes do not count."""
        return hashlib.sha256(self.render().encode()).hexdigest()[:16]

    def render(self) -> str:
        """The schema as text, one label or triple a line, in the graph's own order."""
        nodes = [f"(:{quoted(label)}{_braces(props)})" for label, props in self.labels.items()]
        edges = [
            f"(:{quoted(t.start)})-[:{quoted(t.type)}{_braces(self.relationship_types.get(t.type, {}))}]->"
            f"(:{quoted(t.end)})"
            for t in self.triples
        ]
        return "\n".join(nodes + edges)

    def pruned_for(self, question: str, budget_tokens: int, count: Callable[[str], int] | None = None) -> GraphSchema:
        """The part that the question is about, in at most `budget_tokens`; `count` counts the tokens of a text."""
        from cypher_magic.graph.pruning import pruned

        return pruned(self, question, budget_tokens, count)

    def to_json(self) -> str:
        """The schema as JSON, for caches and run folders."""
        return json.dumps(
            {
                "labels": {k: dict(v) for k, v in self.labels.items()},
                "relationship_types": {k: dict(v) for k, v in self.relationship_types.items()},
                "triples": self.triples,
                "indexes": self.indexes,
                "values": {k: list(v) for k, v in self.values.items()},
                "notes": self.notes,
            },
            ensure_ascii=False,
            default=str,
        )

    @classmethod
    def from_text(cls, text: str) -> GraphSchema:
        """The schema that `render` wrote; ValueError names a line that is neither a label nor a triple."""
        labels: dict[str, Properties] = {}
        types: dict[str, Properties] = {}
        triples = []
        for number, line in enumerate(text.splitlines(), start=1):
            if not line.strip():
                continue
            found = _LINE.fullmatch(line.strip())
            if not found:
                raise ValueError(
                    f"line {number} is neither (:Label {{...}}) nor (:A)-[:TYPE {{...}}]->(:B): {line[:80]}"
                )
            start = _unquoted(found["start"])
            if found["type"] is None:
                labels[start] = _properties(found["of_start"])
                continue
            kind, end = _unquoted(found["type"]), _unquoted(found["end"])
            types[kind] = {**types.get(kind, {}), **_properties(found["of_type"])}
            triples.append(Triple(start, kind, end))
            labels.setdefault(start, {})
            labels.setdefault(end, {})
        return cls(labels=labels, relationship_types=types, triples=tuple(triples))

    @classmethod
    def from_json(cls, text: str) -> GraphSchema:
        """The schema that `to_json` wrote."""
        raw = json.loads(text)
        return cls(
            labels=raw["labels"],
            relationship_types=raw["relationship_types"],
            triples=tuple(Triple(*t) for t in raw["triples"]),
            indexes=tuple(Index(n, k, o, tuple(p)) for n, k, o, p in raw["indexes"]),
            values={k: tuple(v) for k, v in raw["values"].items()},
            notes=tuple(raw.get("notes", ())),
        )


def _braces(properties: Properties) -> str:
    if not properties:
        return ""
    return " {" + ", ".join(f"{quoted(name)}: {kind}" for name, kind in properties.items()) + "}"


def _properties(text: str | None) -> dict[str, str]:
    return {_unquoted(name): kind for name, kind in _PROPERTY.findall(text or "")}


def _unquoted(name: str) -> str:
    return name[1:-1].replace("``", "`") if name.startswith("`") else name
