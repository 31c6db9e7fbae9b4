"""What kind of value an expression has, as far as that can be told without a graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lark import Token

from cypher_magic.query.meaning import Scope, Variable
from cypher_magic.query.parse import Node, dotted, unquoted

if TYPE_CHECKING:
    from collections.abc import Sequence

_LITERALS = {"STRING": "string", "INTEGER": "integer", "FLOAT": "float", "TRUE": "boolean", "FALSE": "boolean"}


def _table(kind: str, names: str) -> dict[str, str]:
    return dict.fromkeys(names.split(), kind)


_RESULTS = {
    **_table("string", "type left ltrim right rtrim btrim replace substring tolower lower toupper upper reverse trim"),
    **_table("list", "collect keys labels nodes relationships split range tail tostringlist tointegerlist"),
    **_table("integer", "count size length id tointeger timestamp char_length"),
    **_table("float", "rand stdev tofloat sqrt log exp sin cos tan"),
    **_table("temporal", "date datetime localdatetime time localtime duration duration.between"),
    **_table("boolean", "exists isempty toboolean isnan"),
    **_table("node", "startnode endnode"),
    **_table("map", "properties"),
}
del _RESULTS["reverse"]  # of a string or of a list

_BOOLEANS = frozenset(
    ("or", "xor", "and", "not", "comparison", "regex", "starts_with", "ends_with", "contains", "in", "is", "has_labels")
)
_KINDS = {"map": "map", "map_projection": "map", "list": "list", "list_comprehension": "list", "exists": "boolean"} | {
    "pattern_comprehension": "list",
    "quantified": "boolean",
    "count_star": "integer",
    "count": "integer",
    "collect": "list",
    "shortest": "path",
}


def literal_kind(part: Node | Token) -> str:
    """The kind of a literal; empty for anything else."""
    return _LITERALS.get(part.type, "") if isinstance(part, Token) else ""


def misused_colon(labels: Node, of_relationship: bool) -> int | None:
    """Where a colon joins labels in a way that Cypher 5 does not have: beside other signs, or between types."""
    tokens = [t for t in labels.walk() if isinstance(t, Token)]
    after_bar = {id(b) for a, b in zip(tokens, tokens[1:], strict=False) if (a.type, b.type) == ("LABEL_BAR", "COLON")}
    for token in (t for t in tokens if t.type == "COLON"):
        others = ("AMPERSAND", "NOT_SIGN", "PERCENT", *(() if id(token) in after_bar else ("LABEL_BAR",)))
        alone = of_relationship == (id(token) in after_bar)
        if not alone or any(t.type in others for t in tokens):
            return token.start_pos
    return None


def infer(part: Node | Token, scope: Scope) -> Variable:
    """What an expression stands for; its kind is empty when that can not be told."""
    while isinstance(part, Node) and part.data == "parenthesised":
        part = part.children[0]
    if isinstance(part, Token):
        return Variable(literal_kind(part))
    if part.data == "variable":
        return scope.names.get(unquoted(part.children[0])) or Variable()
    if part.data == "call":
        return _call(part, scope)
    if part.data == "postfix":
        return _postfix(part, scope)
    if part.data in _BOOLEANS:
        return Variable("boolean")
    if part.data == "list" and part.children:
        return Variable("list", element=infer(part.children[0], scope))
    return Variable(_KINDS.get(part.data, ""))


def _call(part: Node, scope: Scope) -> Variable:
    name = dotted(part.children[0]).lower()
    values = [c for c in part.children[1:] if not (isinstance(c, Token) and c.type == "DISTINCT")]
    if name == "collect" and values:
        return Variable("list", element=infer(values[0], scope))
    if name in ("head", "last") and values:
        whole = infer(values[0], scope)
        return whole.element or Variable("value" if whole.kind == "property" else "")
    if name in ("nodes", "relationships"):
        return Variable("list", element=Variable(name[:-1]))
    return Variable(_RESULTS.get(name, ""))


def _postfix(part: Node, scope: Scope) -> Variable:
    atom, *tails = part.children
    return infer_tails(atom, tails, scope)


def infer_tails(atom: Node | Token, tails: Sequence[Node], scope: Scope) -> Variable:
    """What a value with these properties and indices behind it stands for."""
    value = infer(atom, scope)
    for tail in tails:
        if tail.data == "property":
            value = Variable("property" if value.kind in ("node", "relationship") else "")
        elif tail.data == "index":
            value = (value.element if value.kind == "list" else None) or Variable()
        elif value.kind != "list":
            value = Variable()
    return value
