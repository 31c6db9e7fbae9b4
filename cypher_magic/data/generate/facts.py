"""What a graph holds, as far as it was looked at: nodes and relationships with their values, to ask questions about.

`Facts` are a sample of a connected graph (`sample.py`) or invented (`synthetic.py`); what is asked is the same.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from cypher_magic.data.generate.words import words

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator, Mapping, Sequence

    from cypher_magic.graph.schema import GraphSchema, Triple

LONGEST = 60  # characters of a value that a question may hold

_NAMES = (
    "name",
    "title",
    "full name",
    "display name",
    "label",
    "code",
    "username",
    "user name",
    "login",
    "email",
    "number",
    "id",
)
_IDENTIFIER = re.compile(
    r"\b(id|uuid|guid|key|code|isbn|iban|bic|zip|postcode|phone|number|no|hash|url|uri|link|sku|"
    r"lat|lon|lng|latitude|longitude|x|y|timestamp|ts)\Z"
)


@dataclass(frozen=True)
class Node:
    """One node of the sample."""

    id: str
    label: str
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Edge:
    """One relationship of the sample."""

    triple: Triple
    start: Node
    end: Node
    values: Mapping[str, Any]

    def end_at(self, side: str) -> Node:
        """The node at the side "start" or "end"."""
        return self.start if side == "start" else self.end


@dataclass(frozen=True)
class Facts:
    """A schema and a sample of what the graph holds."""

    schema: GraphSchema
    nodes: Mapping[str, Sequence[Node]]
    edges: Mapping[Triple, Sequence[Edge]]
    totals: Mapping[str, int] = field(default_factory=dict)  # nodes of a label, where there are more than in the sample

    @cached_property
    def keys(self) -> dict[str, str]:
        """The property by which a node of a label is called, for the labels that have one."""
        found = {label: self._key(label) for label in self.schema.labels}
        return {label: key for label, key in found.items() if key}

    @cached_property
    def _at(self) -> dict[tuple[str, Triple, str], list[Edge]]:
        at: dict[tuple[str, Triple, str], list[Edge]] = defaultdict(list)
        for triple, edges in self.edges.items():
            for edge in edges:
                at[edge.start.id, triple, "start"].append(edge)
                at[edge.end.id, triple, "end"].append(edge)
        return at

    def edges_of(self, node: Node, triple: Triple, side: str) -> list[Edge]:
        """The sampled relationships that have the node at this side."""
        return self._at.get((node.id, triple, side), [])

    def degree(self, label: str, triple: Triple, side: str) -> list[int]:
        """How many relationships the sampled nodes of a label have, in rising order, those without left out."""
        return sorted(n for node in self.nodes.get(label, ()) if (n := len(self.edges_of(node, triple, side))))

    def sides(self, label: str) -> Iterator[tuple[Triple, str, str]]:
        """The triples that a label takes part in: (triple, its side, the label at the other side)."""
        for triple in self.schema.triples:
            if self.edges.get(triple):
                if triple.start == label:
                    yield triple, "start", triple.end
                if triple.end == label:
                    yield triple, "end", triple.start

    def name(self, node: Node) -> Any:
        """What the node is called, or None."""
        key = self.keys.get(node.label)
        return node.values.get(key) if key else None

    def values(self, owner: str | Triple, name: str) -> list[Any]:
        """The usable values of a property in the sample, with repetitions."""
        holders: Sequence[Node | Edge] = (
            self.nodes.get(owner, ()) if isinstance(owner, str) else self.edges.get(owner, ())
        )
        return [v for h in holders if usable(v := h.values.get(name))]

    def kind(self, owner: str | Triple, name: str) -> str:
        """What a property is asked as: key, identifier, number, year, text, category, flag, moment, list, "" (not)."""
        return self._kinds.get((owner, name)) or self._kinds.setdefault((owner, name), self._kind(owner, name))

    @cached_property
    def _kinds(self) -> dict[tuple[Any, str], str]:
        return {}

    def _kind(self, owner: str | Triple, name: str) -> str:
        known = self.schema.labels if isinstance(owner, str) else self.schema.relationship_types
        type_ = known.get(owner if isinstance(owner, str) else owner.type, {}).get(name, "")
        values = self.values(owner, name)
        if not values:
            return ""
        if isinstance(owner, str) and self.keys.get(owner) == name:
            return "key"
        if type_ in ("INTEGER", "FLOAT"):
            return _number_kind(name, type_, values)
        if type_ == "BOOLEAN":
            return "flag"
        if type_ == "DATE" or type_.endswith("DATETIME"):
            return "moment"
        if type_.startswith("LIST<STRING"):
            return "list"
        if type_ == "STRING":
            distinct = len(set(values))
            if _IDENTIFIER.search(" ".join(words(name))):
                return "identifier"
            return "category" if distinct <= max(12, len(values) // 4) and distinct < len(values) else "text"
        return ""

    def _key(self, label: str) -> str | None:
        types = self.schema.labels[label]
        nodes = self.nodes.get(label, ())
        best: tuple[float, str] | None = None
        unique = {
            p for i in self.schema.indexes if i.owner == label and "UNIQ" in i.kind.upper() for p in i.properties[:1]
        }
        for name, type_ in types.items():
            values = [v for n in nodes if usable(v := n.values.get(name))]
            if type_ not in ("STRING", "INTEGER") or not values:
                continue
            said = words(name)
            if " ".join(said[: len(words(label))]) == " ".join(words(label)) and len(said) > len(words(label)):
                said = said[len(words(label)) :]
            full = " ".join(said)
            score = 0.0
            if full in _NAMES:
                score += 10 - _NAMES.index(full) / 2
            elif said[-1] in _NAMES[:2]:
                score += 7
            elif said[-1] in ("id", "code", "number"):
                score += 3
            score += 4.0 if type_ == "STRING" else 0.0
            score += 1.5 if name in unique else 0.0
            score += 4.0 * len(set(values)) / len(values) * len(values) / max(1, len(nodes))
            if type_ == "INTEGER" and full not in _NAMES and said[-1] not in ("id", "code", "number"):
                continue
            if best is None or score > best[0]:
                best = (score, name)
        return best[1] if best else None


def usable(value: Any) -> bool:
    """Whether a value can stand in a question: short, printable, not empty."""
    if isinstance(value, str):
        return 0 < len(value) <= LONGEST and value.isprintable() and " ".join(value.split()) == value
    if isinstance(value, list | tuple):
        return bool(value) and len(value) <= 20 and all(isinstance(v, str) for v in value)
    if isinstance(value, float):
        return value == value and abs(value) < 1e15
    return value is not None


def _number_kind(name: str, type_: str, values: Sequence[Any]) -> str:
    if type_ == "INTEGER" and all(isinstance(v, int) and 1000 <= v <= 2100 for v in values):
        said = words(name)
        timed = {
            "year",
            "born",
            "died",
            "released",
            "founded",
            "established",
            "opened",
            "created",
            "published",
            "built",
            "since",
        }
        return "year" if timed & {*said} or min(values) >= 1800 else "number"
    if _IDENTIFIER.search(" ".join(words(name))):
        return "identifier"
    return "number"


def chosen(rng: random.Random, items: Sequence[Any]) -> Any:
    """One of the items, or None."""
    return items[rng.randrange(len(items))] if items else None
