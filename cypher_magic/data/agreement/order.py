"""An order that the question says the other way round, or that the query does not have: "the shortest", "younger than".

The words for the ends of a property ("youngest" is the latest year of birth) are those that pairs are made with
(`data/generate/naming_properties.py`). Words of both ends in one question say nothing about the way round.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from lark import Token

from cypher_magic.data.agreement.vocabulary import properties_of, words_for
from cypher_magic.data.generate.spaced import spaced
from cypher_magic.data.generate.words import words
from cypher_magic.query.parse import Node, unquoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cypher_magic.graph.schema import GraphSchema
    from cypher_magic.query.parse import Query

_HIGH = ("highest", "largest", "biggest", "greatest", "maximum")
_LOW = ("lowest", "smallest", "minimum", "least", "fewest")
_MANY = ("most", "top", *_HIGH)
_FEW = ("bottom", *_LOW)
# that many things may be the first or the better of
_ANY = frozenset(
    (*_HIGH, *_LOW, *spaced("first last best worst better worse higher lower larger smaller bigger later earlier"))
)
# behind "shortest"
_PATH = re.compile(r"\W*(?:paths?|ways?|routes?|connections?|distances?|links?|chains?)\b", re.IGNORECASE)
_PLACES = frozenset(("rank", "ranking", "position", "place", "level", "priority", "id"))  # the top one is the first


def wrong_order(query: Query, question: str, schema: GraphSchema) -> list[tuple[Token, str]]:
    """The last token of every order that is the other way round, with the word of the question that says so.

    Only where a few are taken (LIMIT): their order shows which.
    """
    found = []
    for name, highest_first, token in _orders(query):
        high, low = (said.search(question) for said in _ends(name, schema))
        wrong = low if highest_first else high
        if wrong and not (high and low):
            found.append((token, wrong[0]))
    return found


def without_order(query: Query, question: str, schema: GraphSchema) -> list[tuple[str, list[str]]]:
    """Words of the question for an end of properties none of which the query uses, with the names of those."""
    used = {unquoted(token) for token in query.tokens if token.type == "NAME"}
    meant: dict[str, set[str]] = {}
    for one in properties_of(schema):
        said = words_for(*one)
        for word in {*said.most, *said.least, *said.higher, *said.lower} - _ANY:
            meant.setdefault(word, set()).add(one[0])
    hit = _any_of(tuple(meant)).search(question) if meant else None
    if hit is None or _PATH.match(question, hit.end()) or not meant[hit[0].lower()].isdisjoint(used):
        return []
    return [(hit[0], sorted(meant[hit[0].lower()]))]


def _orders(query: Query) -> Iterator[tuple[str, bool, Token]]:
    """What a few are taken by: a property's name, or "" for a number of things; whether the highest; the last token."""
    meant: dict[str, str | None] = {}
    for part in query.tree.walk():
        if not isinstance(part, Node):
            continue
        if part.data == "item" and len(part.children) == 2 and isinstance(part.children[1], Token):
            meant[str(part.children[1])] = _meant(part.children[0], {})
        if part.data == "order" and _is_limited(query, part):
            first = part.children[0] if isinstance(part.children[0], Node) else part.children[1]
            name = _meant(first.children[0], meant)
            if name is not None:
                yield name, _last(first).type.startswith("DESC"), _last(first)


def _is_limited(query: Query, order: Node) -> bool:
    parents = (part for part in query.tree.walk() if isinstance(part, Node) and order in part.children)
    return any(parent.part("limit") is not None for parent in parents)


def _meant(part: Node | Token, aliases: dict[str, str | None]) -> str | None:
    """The property that an expression is about, "" for a count, None for anything else."""
    if not isinstance(part, Node):
        return None
    if part.data == "variable":
        return aliases.get(str(part.children[0]))
    if part.data == "postfix" and len(part.children) == 2 and getattr(part.children[1], "data", "") == "property":
        return unquoted(str(part.children[1].children[-1]))
    if part.data == "count":
        return ""
    if part.data == "call":
        function = str(part.children[0]).lower()
        if function == "count":
            return ""
        if function in ("avg", "max", "min") and len(part.children) == 2:
            return _meant(part.children[1], aliases)
    return None


def _last(part: Node) -> Token:
    return [token for token in part.walk() if isinstance(token, Token)][-1]


def _ends(name: str, schema: GraphSchema) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """What is said for the high and the low end of a property, or of a number of things."""
    if not name:
        return _any_of(_MANY), _any_of(_FEW)
    high, low = set(_HIGH), set(_LOW)
    for said, type_ in ((words_for(*one), one[2]) for one in properties_of(schema) if one[0] == name):
        high.update(said.most, said.higher)
        low.update(said.least, said.lower)
        if "STRING" not in type_ and _PLACES.isdisjoint(words(name)):
            high.add("top")
            low.add("bottom")
        if "DATE" in type_:
            high.add("latest")
            low.add("earliest")
    return _any_of(tuple(high - low)), _any_of(tuple(low - high))


@lru_cache(maxsize=256)
def _any_of(said: tuple[str, ...]) -> re.Pattern[str]:
    """Any of these words; not the one in "at least"."""
    listed = "|".join(re.escape(word) for word in sorted(said, key=len, reverse=True))
    return re.compile(rf"(?<!\bat )\b(?:{listed})\b", re.IGNORECASE)
