"""Comparisons that are never true: a property beside a value, or another property, of a kind that Cypher tells apart.

Cypher does not complain about `m.released = '1999'` where `released` is a number: the condition is false or null, and
the query finds nothing. The schema knows better.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lark import Token

from cypher_magic.query.parse import Node, shortened, start_of, unquoted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from cypher_magic.query.meaning import Variable
    from cypher_magic.query.parse import Query

    Edit = tuple[int, int, str]  # start, end, new text
    Types = Callable[[Variable, str], frozenset[str]]  # of a property: its types, as the schema names them

_KINDS = {"STRING": "text", "INTEGER": "number", "FLOAT": "number", "BOOLEAN": "boolean", "DATE": "date"}
_LITERALS = {"STRING": "text", "INTEGER": "number", "FLOAT": "number", "TRUE": "boolean", "FALSE": "boolean"}
_TEXT_TESTS = {"starts_with": "STARTS WITH", "ends_with": "ENDS WITH", "contains": "CONTAINS", "regex": "=~"}
_NUMBER = re.compile(r"-?\d{1,15}(\.\d+)?")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


@dataclass(frozen=True)
class Never:
    """A comparison that is never true: why, where, how it may be meant, and the edit where that is sure."""

    message: str
    at: int
    hint: str = ""
    edits: tuple[Edit, ...] = ()


@dataclass(frozen=True)
class _Side:
    """One side of a comparison, from `start` to `end`: its kind, and for a property its name and its types."""

    kind: str = ""
    name: str = ""
    types: str = ""
    start: int = 0
    end: int = 0
    at: int = 0  # where a complaint about it points: a property's own name


class Comparisons:
    """Reads the comparisons of one query; `owners` says whose property stands at an offset, `types` of what type."""

    def __init__(self, query: Query, owners: Mapping[int, Variable], types: Types) -> None:
        self._query, self._owners, self._types = query, owners, types

    def never(self) -> Iterator[Never]:
        """The comparisons that are never true."""
        for part in self._query.tree.walk():
            if not isinstance(part, Node):
                continue
            if part.data == "comparison" and len(part.children) == 3:
                yield from self._with_null(part) or (self._compared(part) if part.children[1] != "<>" else ())
            elif part.data == "pair":
                name, value = part.children
                yield from self._unlike(self._named(name, start_of(name)), self._side(value))
            elif part.data in _TEXT_TESTS:
                yield from self._demand(self._side(part.children[0]), "text", _TEXT_TESTS[part.data])
            elif part.data == "in":
                yield from self._listed(part)

    def _with_null(self, part: Node) -> list[Never]:
        """A comparison with null, which is null whatever stands on the other side."""
        left, sign, right = part.children
        null = next((side for side in (right, left) if isinstance(side, Token) and side.type == "NULL"), None)
        if null is None:
            return []
        other = self._side(left if null is right else right)
        if sign not in ("=", "<>") or not other.end:
            return [Never("A comparison with null is never true.", start_of(null), "write IS NULL, or IS NOT NULL")]
        text = f"{self._text(other)} IS {'NOT ' if sign == '<>' else ''}NULL"
        edit = (min(other.start, start_of(null)), max(other.end, null.end_pos or 0), text)
        return [Never("A comparison with null is never true.", start_of(null), f"write {text}", (edit,))]

    def _compared(self, part: Node) -> Iterator[Never]:
        left, right = self._side(part.children[0]), self._side(part.children[2])
        if not left.name:
            left, right = right, left
        if (left.kind, right.kind, str(part.children[1])) == ("list", "text", "=") and not right.name:
            text = f"{self._text(right)} IN {self._text(left)}"
            edit = (min(left.start, right.start), max(left.end, right.end), text)
            yield Never(f"{left.name} is a list and never compares with a text.", right.at, f"write {text}", (edit,))
        else:
            yield from self._unlike(left, right)

    def _unlike(self, left: _Side, right: _Side) -> Iterator[Never]:
        """A property and something of another kind."""
        if left.name and left.kind and right.kind and left.kind != right.kind:
            other = f"{right.name}, which is {right.types}" if right.name else f"a {right.kind}"
            edits = () if right.name else self._meant(left.kind, right)
            hint = f"write {edits[0][2]}" if edits else ""
            yield Never(f"{left.name} is {left.types} and never compares with {other}.", right.at, hint, edits)

    def _meant(self, kind: str, right: _Side) -> tuple[Edit, ...]:
        """The value in the form that the property has."""
        text = self._text(right)
        bare = text[1:-1]
        if kind == "number" and right.kind == "text" and _NUMBER.fullmatch(bare):
            return ((right.start, right.end, bare),)
        if kind == "text" and right.kind == "number":
            return ((right.start, right.end, f"'{text}'"),)
        if kind == "date" and right.kind == "text" and _DAY.fullmatch(bare):
            return ((right.start, right.end, f"date('{bare}')"),)
        return ()

    def _demand(self, side: _Side, kind: str, who: str) -> Iterator[Never]:
        if side.name and side.kind and side.kind != kind:
            yield Never(f"{who} takes a {kind}, and {side.name} is {side.types}.", side.at)

    def _listed(self, part: Node) -> Iterator[Never]:
        value, _, many = part.children
        yield from self._demand(self._side(many), "list", "IN")
        if isinstance(many, Node) and many.data == "list":
            side, items = self._side(value), [self._side(item) for item in many.children]
            wrong = [never for item in items for never in self._unlike(side, item)]
            if wrong and len(wrong) == len(items):  # one that fits makes it true
                first = wrong[0]
                edits = tuple(edit for never in wrong for edit in never.edits)
                yield Never(first.message, first.at, first.hint, edits if len(edits) == len(items) else ())

    def _side(self, part: Node | Token) -> _Side:
        while isinstance(part, Node) and part.data == "parenthesised" and len(part.children) == 1:
            part = part.children[0]
        if isinstance(part, Token):
            start = start_of(part)
            return _Side(_LITERALS.get(part.type, ""), "", "", start, part.end_pos or 0, start)
        if part.data == "postfix" and len(part.children) == 2 and part.children[1].data == "property":
            return self._named(part.children[1].children[0], part.start)
        return _Side(part.data if part.data in ("list", "map") else "", at=part.start)

    def _named(self, token: Token, start: int) -> _Side:
        owner = self._owners.get(start_of(token))
        types = self._types(owner, unquoted(token)) if owner is not None else frozenset()
        kinds = {"list" if kind.startswith("LIST") else _KINDS.get(kind, "") for kind in types}
        kind = kinds.pop() if len(kinds) == 1 else ""
        types_shown = " or ".join(sorted(types))
        return _Side(kind, shortened(unquoted(token)), types_shown, start, token.end_pos or 0, start_of(token))

    def _text(self, side: _Side) -> str:
        return self._query.text[side.start : side.end]
