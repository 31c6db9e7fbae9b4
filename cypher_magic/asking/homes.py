"""Where the graph has the texts of a question: what a query may compare them with, once it did so in vain."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cypher_magic.query.complaint import Complaint
from cypher_magic.query.literals import literals
from cypher_magic.query.naming import an

if TYPE_CHECKING:
    from collections.abc import Collection

    from cypher_magic.graph.schema import GraphSchema
    from cypher_magic.query.literals import Literal
    from cypher_magic.query.parse import Query


class Home(NamedTuple):
    """A text as it stands in the graph, with a label and a property that have it."""

    text: str
    label: str
    property: str


def not_at_home(query: Query, schema: GraphSchema, homes: Collection[Home]) -> list[Complaint]:
    """What the query compares with another property than those that have the text, or have it as a part of theirs."""
    found = []
    for literal in literals(query, schema):
        text = literal.value.strip().lower()
        known = [home for home in homes if text and text in home.text.lower()]
        if known and not any(home.label in _of(literal) and home.property == literal.property for home in known):
            listed = " or ".join(f"the {home.property} of {an(home.label)}" for home in known)
            line, column = query.place(literal.name_place[0])
            found.append(Complaint("misplaced_text", f"{literal.value!r} is {listed}.", line, column))
    return found


def _of(literal: Literal) -> tuple[str, ...]:
    return literal.owners if literal.kind == "node" else ()
