"""Which kinds of values functions and operators take. The rules are Neo4j 5's own, as its analyser tells them.

A kind that can not be told (an empty one) fits everywhere. "property" is the value of a property: no node,
relationship, map or path, and else unknown. "value" is an element of one, and so no list either.
"""

from __future__ import annotations

NUMBER = ("integer", "float", "property", "value")
WHOLE = ("integer", "property", "value")
TEXT = ("string", "property", "value")
LIST = ("list", "property")
TRUTH = ("boolean", "property", "value")


def _taking(kinds: tuple[str, ...], names: str, place: int = 0) -> dict[tuple[str, int], tuple[str, ...]]:
    return {(name, place): kinds for name in names.split()}


ARGUMENTS: dict[tuple[str, int], tuple[str, ...]] = {
    **_taking(("path",), "length nodes relationships"),
    **_taking(("relationship",), "type startnode endnode"),
    **_taking(("node",), "labels"),
    **_taking(("node", "relationship"), "id elementid"),
    **_taking(("node", "relationship", "map"), "keys properties"),
    **_taking((*TEXT, "list"), "size"),
    **_taking((*TEXT, "list", "map", "node", "relationship"), "isempty"),
    **_taking(TEXT, "toupper tolower upper lower split substring replace left right ltrim rtrim btrim trim"),
    **_taking(TEXT, "char_length character_length"),
    **_taking((*TEXT, "list"), "split", 1),
    **_taking(TEXT, "replace", 1),
    **_taking(TEXT, "replace", 2),
    **_taking(WHOLE, "substring left right range", 1),
    **_taking(WHOLE, "substring range", 2),
    **_taking(WHOLE, "range"),
    **_taking(NUMBER, "abs ceil floor round sqrt sign exp log log10 sin cos tan asin acos atan haversin"),
    **_taking(NUMBER, "degrees radians cot isnan stdev stdevp percentilecont percentiledisc"),
    **_taking(NUMBER, "round percentilecont percentiledisc", 1),
    **_taking((*NUMBER, "temporal"), "sum avg"),
    **_taking(LIST, "head last tail"),
    **_taking((*NUMBER, "string", "boolean", "list"), "tointeger"),
    **_taking((*NUMBER, "string", "boolean", "temporal"), "tostring"),
    **_taking((*NUMBER, "string"), "tofloat"),
    **_taking((*WHOLE, "string", "boolean"), "toboolean"),
}
"""The kinds that a function takes, by its name in small letters and the place of the argument, from 0."""

_NO_NUMBERS = frozenset(("boolean", "string", "list", "map", "node", "relationship", "path"))
_THINGS = frozenset(("map", "node", "relationship", "path"))
_NOT_ADDED = {  # what can not stand beside these on either side of a plus; a list takes everything
    **dict.fromkeys(_THINGS, _THINGS | {"boolean", "string", "integer", "float", "value"}),
    "boolean": _THINGS | {"boolean", "integer", "float"},
}


def misfit(operator: str, left: str, right: str) -> str:
    """Which of two kinds an arithmetic operator can not take; empty when it may take both, or one is not known."""
    if operator == "||":
        return ""
    if operator == "+":
        refused = _NOT_ADDED.get(left, frozenset())
        return left if right in refused else right if left in _NOT_ADDED.get(right, frozenset()) else ""
    return next((kind for kind in (left, right) if kind in _NO_NUMBERS), "")


def joined(operator: str, left: str, right: str) -> str:
    """The kind of what an operator makes of two kinds; empty when that can not be told."""
    both = {left, right}
    if operator == "+" and both & {"list", "string"}:
        return "list" if "list" in both else "string"
    return "float" if both <= {"integer", "float"} else ""


def index_kinds(base: str) -> tuple[str, ...] | None:
    """The kinds that may stand in base[...]; none at all where this kind has no index, None where all may."""
    if base in ("list", "property"):
        return WHOLE
    if base in ("map", "node", "relationship"):
        return TEXT
    return () if base else None
