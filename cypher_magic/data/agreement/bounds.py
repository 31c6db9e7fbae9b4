"""Numbers that a query compares the other way than the question says: `>= 2003` for "in 2003", `<` for "over".

What the words right beside a number say is taken; a number that is said twice, or with none of these words, is left
alone, and so is a question with a word that turns others round.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lark import Token

from cypher_magic.query.literals import number_of
from cypher_magic.query.parse import Node

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cypher_magic.query.parse import Query

_TURNED = re.compile(r"n't\b|\b(?:not|no|none|never|except|excluding|without|other than|different|neither|nor)\b", re.I)
_MORE = (
    r"(?:more|greater|higher|longer|later|newer|larger|bigger|better|heavier|taller|further|farther) than|over|above|"
    r"after|exceeding|beyond"
)
_LESS = r"(?:less|fewer|lower|shorter|earlier|smaller|worse|lighter|cheaper) than|under|below|before"
_BEFORE = {
    ">": rf"{_MORE}|at least|minimum of",
    "<": rf"{_LESS}|at most|up to|until|maximum of",
    "=": r"in|of|is|exactly|precisely|just|equal to|equals|rated|aged|lasts?|id|year",
}
_BEHIND = {
    ">": r"more|later|higher|above|after|longer|newer|over|up|better|greater|larger",
    "<": r"less|earlier|lower|below|before|shorter|fewer|under|older|smaller|worse",
}
# Words with which a number may be the end of a range; where the question has one, "in 2003" is not taken to be all.
_RANGE = re.compile(
    r"\b(?:between|through|within|around|about|at least|at most|\w+er than|more than|less than|past|since|until|till|"
    r"after|before|over|under|above|below|earlier|later|earliest|latest|start\w*|begin\w*|onwards?|minimum|maximum|min|max|"
    r"exceed\w*|beyond)\b|[<>≤≥+]|\d (?:or|to|and) ",
    re.I,
)
_SIDES = {">": ">", ">=": ">", "<": "<", "<=": "<", "=": "="}
_MIRROR = {">": "<", "<": ">", "=": "="}


def wrong_bounds(query: Query, question: str) -> list[tuple[Token, str]]:
    """The numbers that are compared the other way, each with the words of the question that say how."""
    if _TURNED.search(question):
        return []
    found = []
    for number, side in _compared(query):
        said = _said(question, number_of(number))
        if said is not None and said[0] != side:
            found.append((number, said[1]))
    return found


def _said(question: str, number: float) -> tuple[str, str] | None:
    """How the question says a number: as a lower end, an upper end, or itself, and the words for it."""
    places = [m for m in re.finditer(r"(?<![\w.,-])\d[\d,]*(?:\.\d+)?(?![\w%-])", question) if _same(m[0], number)]
    if len(places) != 1:
        return None
    before, behind = question[: places[0].start()], question[places[0].end() :]
    for side, words in _BEHIND.items():
        if found := re.match(rf" (?:or|and) (?:{words})\b", behind, re.I):
            return side, places[0][0] + found[0]
    for side, words in _BEFORE.items():
        if found := re.search(rf"\b(?:{words}) (?:the year )?$", before, re.I):
            if side == "=" and _RANGE.search(question):
                return None
            return side, found[0] + places[0][0]
    return None


def _same(figure: str, number: float) -> bool:
    return float(figure.replace(",", "")) == number


def _compared(query: Query) -> Iterator[tuple[Token, str]]:
    """Numbers that one comparison has, with its sign as if they stood on the right (">" for ">=", too)."""
    found: dict[float, list[tuple[Token, str]]] = {}
    for part in query.tree.walk():
        if not isinstance(part, Node):
            continue
        if part.data == "comparison" and len(part.children) == 3:
            left, sign, right = part.children
            side = _SIDES.get(str(sign), "")
            if side and _is_number(right):
                found.setdefault(number_of(right), []).append((right, side))
            elif side and _is_number(left):
                found.setdefault(number_of(left), []).append((left, _MIRROR[side]))
        elif part.data == "pair" and _is_number(part.children[-1]):
            found.setdefault(number_of(part.children[-1]), []).append((part.children[-1], "="))
    yield from (those[0] for those in found.values() if len(those) == 1)


def _is_number(part: object) -> bool:
    return isinstance(part, Token) and part.type in ("INTEGER", "FLOAT")
