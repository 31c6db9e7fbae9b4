"""What a person should know about an answer besides its rows."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING

from cypher_magic.asking.following import follows
from cypher_magic.asking.spans import spans_of
from cypher_magic.data.agreement.gaps import gaps
from cypher_magic.data.agreement.numbers import unsaid_numbers
from cypher_magic.errors import CypherSyntaxError
from cypher_magic.query.explain import explain
from cypher_magic.query.literals import text_of
from cypher_magic.query.parse import parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cypher_magic.data.example import Turn
    from cypher_magic.graph.schema import GraphSchema

_WRITES = re.compile(
    r"\W*(?:(?:please|now|can you|could you|would you|i want to|i would like to|let's)\s+)*"
    r"(delete|remove|drop|erase|destroy|wipe|truncate|insert|update|rename|merge|detach|overwrite)\b",
    re.IGNORECASE,
)
_NAME = re.compile(r"(?<=\w\s)[A-Z]\w|[\"“']\w|\d")  # the question brings a name or a number of its own
_ALIKE = 0.7  # of two words, by difflib's ratio: comedy and comedies, Warfarin and warfarine


def explanation(query: str) -> str:
    """The query in one plain sentence; empty for what can not be read."""
    try:
        return explain(query) if query else ""
    except CypherSyntaxError:
        return ""


def remarks(
    question: str, query: str, history: Sequence[Turn] = (), schema: GraphSchema | None = None
) -> tuple[str, ...]:
    """Notes about a question and its query: that nothing is changed, and what of the question the query leaves out."""
    notes = []
    if found := _WRITES.match(question):
        notes.append(f"Nothing was changed: a question only reads, and this one says {found[1].lower()!r}.")
    if query:
        notes += gaps(question, parse(query), schema)
    if invented := unsaid(texts_of(query), question, history):
        notes.append(f"The query looks for {' and '.join(map(repr, invented))}, which the question does not say.")
    if query and (numbers := unsaid_numbers(parse(query), question, history)):
        told = " and ".join(dict.fromkeys(map(str, numbers)))
        notes.append(f"The query compares with {told}, which the question does not say.")
    if query and history and not _NAME.search(question) and (gone := _gone(history[-1].query, query)):
        notes.append(f"The query before looks for {' and '.join(map(repr, gone))}, and this one does not.")
    if not history and follows(question):
        notes.append("It reads as if it went on from another question, and was asked on its own.")
    return tuple(notes)


def unsaid(texts: Iterable[str], question: str, history: Sequence[Turn] = (), *, exactly: bool = False) -> list[str]:
    """The texts that neither the question nor the turns before it say, in any form or letter for letter."""
    said = [question, *(text for turn in history for text in (turn.question, turn.query, str(turn.rows)))]
    told = " ".join(said).casefold()
    return [text for text in texts if not (text.casefold() in told if exactly else _said(text, told))]


def spans(question: str, history: Sequence[Turn] = ()) -> frozenset[str]:
    """What a query may look for: up to eight words of the question, the texts of the queries before, their rows."""
    found = set(spans_of(question))
    for turn in history:
        found |= {*texts_of(turn.query), *(v for row in turn.rows for v in row if isinstance(v, str) and len(v) < 80)}
    return frozenset(text for text in found if text and text.isprintable())


def _gone(before: str, query: str) -> list[str]:
    """The texts of the query before, when none of them is in this one."""
    texts = texts_of(before)
    told = query.casefold()
    return [] if any(text.casefold() in told for text in texts) else texts


def texts_of(query: str) -> list[str]:
    """The different texts that stand in a query; none in what can not be read."""
    try:
        return list(dict.fromkeys(text_of(token) for token in parse(query).tokens if token.type == "STRING"))
    except CypherSyntaxError:
        return []


def _said(text: str, told: str) -> bool:
    """Whether a text stands in what was said, or one of its words does, in another form or misspelt."""
    text = text.casefold()
    return text in told or any(
        get_close_matches(word, re.findall(r"\w+", told), 1, _ALIKE) for word in re.findall(r"\w{3,}", text)
    )
