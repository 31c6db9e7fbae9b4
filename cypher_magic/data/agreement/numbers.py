"""Numbers that a query compares with a property and nobody said, and those that were said and it leaves out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lark import Token

from cypher_magic.query.literals import number_of
from cypher_magic.query.parse import Node

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cypher_magic.data.example import Turn
    from cypher_magic.query.parse import Query

_MOMENT = 1e6  # from here on it may be a moment in seconds, or a sum in words
_FIGURE = re.compile(r"\d[\d,]*(?:\.\d+)?")
_ALONE = re.compile(r"(?<![\w.,:'-])\d[\d,]*(?:\.\d+)?(?![\w:-])")
_UNITS = """
zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen
nineteen
"""
_TENS = "zero ten twenty thirty forty fifty sixty seventy eighty ninety hundred"
_WORDS = {word: number for number, word in enumerate(_UNITS.split())}
_WORDS |= {word: 10 * number for number, word in enumerate(_TENS.split())}
_WORDS |= {"once": 1, "single": 1, "twice": 2, "pair": 2, "couple": 2, "both": 2, "dozen": 12}
# Words that make another number of the one beside them, or say one in a way that is not counted here.
_TURNED = re.compile(
    r"\b(?:hours?|minutes?|half|quarter|percent|thousand|million|billion|century|centuries|decades?|(?:\d\d)?\d0s|\w+ties|"
    r"january|february|march|april|may|june|july|august|september|october|november|december|high\w*|low\w*|"
    r"today|yesterday|now|this|last|past|recent\w*|ago|date|day|days|weeks?|months?)\b|%|\d ?k\b",
    re.IGNORECASE,
)


def unsaid_numbers(query: Query, question: str, history: Sequence[Turn] = ()) -> list[Token]:
    """The numbers compared with a property that neither the question nor the conversation says, but for 0 and 1.

    None where the question has words that make other numbers of those it says: hours, decades, last year, highly.
    """
    said = " ".join([question, *(f"{turn.question} {turn.query} {turn.rows}" for turn in history)])
    if _TURNED.search(said):
        return []
    known = {0.0, 1.0, *(float(figure.replace(",", "")) for figure in _FIGURE.findall(said))}
    known |= {float(_WORDS[word]) for word in re.findall(r"[a-z]+", said.lower()) if word in _WORDS}
    return [token for token in _compared(query) if number_of(token) not in known and number_of(token) < _MOMENT]


def left_out_numbers(question: str, query: str) -> list[str]:
    """The numbers of the question, in figures, that stand nowhere in the query; none where it means others by them."""
    if _TURNED.search(question):
        return []
    told = {float(figure) for figure in re.findall(r"\d+(?:\.\d+)?", query)}
    return [figure for figure in _ALONE.findall(question) if float(figure.replace(",", "")) not in told]


def _compared(query: Query) -> Iterator[Token]:
    for part in query.tree.walk():
        if not isinstance(part, Node):
            continue
        sides: Sequence[Node | Token] = ()
        if part.data == "pair":
            sides = part.children[1:]
        elif part.data == "comparison" and any(_reads_property(side) for side in part.children):
            sides = part.children
        elif part.data == "in" and _reads_property(part.children[0]) and isinstance(part.children[-1], Node):
            sides = part.children[-1].children
        yield from (side for side in sides if isinstance(side, Token) and side.type in ("INTEGER", "FLOAT"))


def _reads_property(part: Node | Token) -> bool:
    return (
        isinstance(part, Node)
        and part.data == "postfix"
        and any(isinstance(inner, Node) and inner.data == "property" for inner in part.children)
    )
