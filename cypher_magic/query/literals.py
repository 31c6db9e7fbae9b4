"""The texts that a query compares with properties: where they stand and what they are compared with."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lark import Token

from cypher_magic.query.fits import label_tokens
from cypher_magic.query.parse import Node, Query, dotted, start_of, unquoted
from cypher_magic.query.scopes import understand

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cypher_magic.graph.schema import GraphSchema
    from cypher_magic.query.meaning import Variable

_MOST_OWNERS = 4  # labels that are looked at for a node that the query gives none
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
_OPERATORS = {"contains": "CONTAINS", "starts_with": "STARTS WITH", "ends_with": "ENDS WITH"}


@dataclass(frozen=True)
class Literal:
    """A text in a query, between `start` and `end`, that is compared with a property of these labels (or types).

    `operator` is as Cypher writes it; `function` is toLower or toUpper where the property is compared through it;
    `label_places` are the places of the label, where it is written once or more and could be another; `name_place` is
    that of the property's name.
    """

    value: str
    start: int
    end: int
    kind: str  # node or relationship
    owners: tuple[str, ...]
    property: str
    operator: str = "="
    function: str = ""
    is_list: bool = False  # the property is a list, and the text is looked for in it
    label_places: tuple[tuple[int, int], ...] = ()
    name_place: tuple[int, int] = (0, 0)


def literals(query: Query, schema: GraphSchema) -> list[Literal]:
    """Every text of the query that is compared with a property which the graph has."""
    owners = {start_of(token): owner for owner, token in understand(query).properties}
    found = []
    for part in query.tree.walk():
        if not isinstance(part, Node):
            continue
        for name, function, text, operator in compared(part):
            owner = owners.get(start_of(name))
            literal = _literal(owner, name, function, text, operator, schema) if owner is not None else None
            if literal is not None:
                found.append(literal)
    return found


def may_be_several(query: Query) -> bool:
    """Whether a property may be one of several texts: then rows tell nothing about each of them."""
    lists = (part.children[-1] for part in query.tree.walk() if isinstance(part, Node) and part.data == "in")
    return any(isinstance(many, Node) and sum(map(_is_text, many.children)) > 1 for many in lists)


def number_of(token: Token) -> float:
    """The value of a number as Cypher writes it: 0x1F, 1_000, 2.5e3."""
    if token.type == "INTEGER" and token[:2].lower() in ("0x", "0o"):
        return float(int(token, 0))
    return float(token)


def text_of(token: Token) -> str:
    """The value of a text as it stands in a query, quotes and escapes undone."""

    def plain(found: re.Match[str]) -> str:
        code = found[1]
        return chr(int(code[1:], 16)) if len(code) > 1 else _ESCAPED.get(code, code)

    return _ESCAPE.sub(plain, token[1:-1])


def written(value: str) -> str:
    """The value as a text of a query."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n") + "'"


def compared(part: Node) -> Iterator[tuple[Token, str, Token, str]]:
    """Name of the property, function around it, text, operator: for each comparison that a part makes itself."""
    if part.data == "pair":
        name, value = part.children
        if _is_text(value):
            yield name, "", value, "="
    elif part.data == "comparison" and len(part.children) == 3 and part.children[1] == "=":
        for side, other in (part.children[::2], part.children[::-2]):
            if _is_text(other) and (found := property_of(side)):
                yield *found, other, "="
    elif part.data in _OPERATORS and _is_text(part.children[-1]) and (found := property_of(part.children[0])):
        yield *found, part.children[-1], _OPERATORS[part.data]
    elif part.data == "in":
        value, _, many = part.children
        if isinstance(many, Node) and many.data == "list" and (found := property_of(value)):
            yield from ((*found, text, "=") for text in many.children if _is_text(text))
        elif _is_text(value) and (found := property_of(many)):
            yield *found, value, "IN"


def _is_text(part: Node | Token) -> bool:
    return isinstance(part, Token) and part.type == "STRING"


def property_of(part: Node | Token) -> tuple[Token, str] | None:
    """The name of the property that an expression reads, and the function around it."""
    if not isinstance(part, Node):
        return None
    if part.data == "postfix" and len(part.children) == 2 and part.children[1].data == "property":
        return part.children[1].children[0], ""
    if part.data == "call" and len(part.children) == 2:
        function = {"tolower": "toLower", "toupper": "toUpper"}.get(dotted(part.children[0]).lower())
        inner = property_of(part.children[1]) if function else None
        return (inner[0], function) if inner and function and not inner[1] else None
    return None


def _literal(
    owner: Variable, name: Token, function: str, text: Token, operator: str, schema: GraphSchema
) -> Literal | None:
    known = schema.relationship_types if owner.kind == "relationship" else schema.labels
    if owner.kind not in ("node", "relationship"):
        return None
    asked = unquoted(name)
    tokens = [t for part in owner.labels for t in label_tokens(part)]
    labels = tuple(dict.fromkeys(unquoted(t) for t in tokens)) or tuple(k for k, p in known.items() if asked in p)
    kinds = {label: known[label][asked] for label in labels if asked in known.get(label, {})}
    owners = tuple(label for label, kind in kinds.items() if "STRING" in kind)[:_MOST_OWNERS]
    if not owners:
        return None
    places = tuple((start_of(t), t.end_pos or 0) for t in tokens) if len({unquoted(t) for t in tokens}) == 1 else ()
    many = kinds[owners[0]].startswith("LIST")
    end = text.end_pos or 0
    return Literal(
        text_of(text), start_of(text), end, owner.kind, owners, asked,
        "=" if operator == "IN" else operator, function, many, places if owner.kind == "node" else (),
        (start_of(name), name.end_pos or 0),
    )  # fmt: skip
