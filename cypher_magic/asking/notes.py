"""What a person should know about an answer besides its rows."""

from __future__ import annotations

import re
from difflib import get_close_matches
from itertools import pairwise
from typing import TYPE_CHECKING

from cypher_magic.asking.doubts.bounds import wrong_bounds
from cypher_magic.asking.doubts.echo import doubled, echoed
from cypher_magic.asking.doubts.form import missing_form
from cypher_magic.asking.doubts.numbers import left_out_numbers, unsaid_numbers
from cypher_magic.asking.doubts.order import without_order, wrong_order
from cypher_magic.asking.doubts.unused import unused
from cypher_magic.asking.doubts.wanted import only_values, other_kind
from cypher_magic.asking.following import follows
from cypher_magic.asking.literals import text_of
from cypher_magic.asking.spans import spans_of
from cypher_magic.errors import CypherSyntaxError
from cypher_magic.query.explain import explain
from cypher_magic.query.parse import parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lark import Token

    from cypher_magic.data.example import Turn
    from cypher_magic.graph.schema import GraphSchema
    from cypher_magic.query.parse import Query

_WRITES = re.compile(
    r"\W*(?:(?:please|now|can you|could you|would you|i want to|i would like to|let's)\s+)*"
    r"(delete|remove|drop|erase|destroy|wipe|truncate|insert|update|rename|merge|detach|overwrite)\b",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"\"([^\"]{2,60})\"|“([^”]{2,60})”|(?<!\w)'([^']{2,60})'(?!\w)")
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
        notes += left_out(question, query, schema)
        notes += [told for _, told in turned(parse(query), question, schema)]
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


def left_out(question: str, query: str, schema: GraphSchema | None) -> list[str]:
    """What of the question the query does not do, a line each: texts in quotes, numbers, names, what is asked for."""
    told = query.casefold().replace("\\'", "'")
    named = [next(filter(None, groups)) for groups in _QUOTED.findall(question)]
    left = [name for name in dict.fromkeys(named) if name.casefold() not in told]
    asked = _QUOTED.sub(" , ", question)
    left += left_out_numbers(asked, query)
    lines = [f"The question says {' and '.join(map(repr, left))}, and the query does not."] if left else []
    read = parse(query)
    lines += [told for _, told in wrong_columns(read, question, schema)]
    if twice := doubled(question, read):
        lines.append(f"The query looks for {' and '.join(map(repr, twice))} more than once.")
    if schema is None:
        return lines
    lines += [
        f"The question says {w!r}, {what} that the query does not use." for w, what in unused(asked, query, schema)
    ]
    ends = without_order(read, asked, schema)
    lines += [f"The question says {w!r}, and the query does not look at {' or '.join(names)}." for w, names in ends]
    return lines + missing_form(asked, read, schema)


def wrong_columns(query: Query, question: str, schema: GraphSchema | None) -> list[tuple[Token, str]]:
    """The first token behind the last RETURN, with a line about columns that say nothing new or are of another kind."""
    lines = []
    if again := echoed(query):
        lines.append(f"The query can only say {' and '.join(map(repr, again))} again.")
    if schema is not None:
        asked = _QUOTED.sub(" , ", question)
        lines += filter(None, [other_kind(asked, query, schema), only_values(asked, query, schema)])
    behind = [after for token, after in pairwise(query.tokens) if token.type == "RETURN"]
    return [(behind[-1], line) for line in lines]


def turned(query: Query, question: str, schema: GraphSchema | None) -> list[tuple[Token, str]]:
    """Where the query does the opposite of what the question says, or less exactly, with a line about it."""
    found = [
        (number, f"The question says {said!r}, and the query compares with {number} in another way.")
        for number, said in wrong_bounds(query, question)
    ]
    orders = wrong_order(query, question, schema) if schema is not None else []
    return found + [(end, f"The question says {said!r}, and the query takes the other end.") for end, said in orders]


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
