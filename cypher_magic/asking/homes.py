"""Where the graph has the texts of a question: what a query may compare them with, once it did so in vain."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from cypher_magic.asking.literals import literals
from cypher_magic.query.complaint import Complaint
from cypher_magic.query.parse import unquoted

if TYPE_CHECKING:
    from collections.abc import Collection

    from cypher_magic.asking.literals import Literal
    from cypher_magic.graph.schema import GraphSchema
    from cypher_magic.query.parse import Query

_USED = re.compile(r"(\w+)\.\Z")
_GIVEN = re.compile(r"\((\w+):(\w+|`[^`]+`)")


class Home(NamedTuple):
    """A text as it stands in the graph, with a label and a property that have it."""

    text: str
    label: str
    property: str


def not_at_home(query: Query, schema: GraphSchema, homes: Collection[Home]) -> list[Complaint]:
    """What the query compares with another property than those that have the text, each where that was decided."""
    found = []
    for literal in literals(query, schema):
        known = [home for home in homes if home.text.lower() == literal.value.lower()]
        if known and not any(home.label in _of(literal) and home.property == literal.property for home in known):
            listed = " or ".join(f"the {home.property} of a {home.label}" for home in known)
            line, column = query.place(_decided(query.text, literal, {home.label for home in known}))
            found.append(Complaint("misplaced_text", f"{literal.value!r} is {listed}.", line, column))
    return found


def _of(literal: Literal) -> tuple[str, ...]:
    return literal.owners if literal.kind == "node" else ()


def _decided(text: str, literal: Literal, labels: set[str]) -> int:
    """Where the choice was made that led there: the property, the variable in front of it, or the label."""
    start, _ = literal.name_place
    if not labels.isdisjoint(_of(literal)):
        return start
    used = _USED.search(text, 0, start)
    if used and any(unquoted(label) in labels for _, label in _GIVEN.findall(text[: used.start()])):
        return used.start()
    return literal.label_places[0][0] if literal.label_places else start
