"""What the words of a question ask of the form of its query, and the query does not have: an order, a count, a "not".

Each of these is said in a few of ten thousand right queries at most (`tests/evaluation` measures it); what can be said
without one of these words, or meant by a property's name, is left alone.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cypher_magic.data.agreement.vocabulary import vocabulary, words_of
from cypher_magic.data.generate.spaced import spaced
from cypher_magic.data.generate.words import singular
from cypher_magic.query.parse import unquoted

if TYPE_CHECKING:
    from cypher_magic.graph.schema import GraphSchema
    from cypher_magic.query.parse import Query

_ENGLISH = re.compile(
    r"\b(?:the|of|which|who|what|how|many|show|list|find|give|with|without|are|is|and|per|each)\b", re.I
)
_HOW_MANY = re.compile(r"\b(how many|number of) ((?:[\w'’-]+ ){0,2}[\w'’-]+)", re.IGNORECASE)
_COUNTING = frozenset(spaced("count counts number num total size length sum avg max min collect"))
_AVERAGE = re.compile(r"\b(?:average|mean|avg)\b", re.IGNORECASE)
_AVERAGES = re.compile(r"avg|average|mean|percentile|median", re.IGNORECASE)
_MOST = re.compile(r"(?<!\bat )\b(?:most|least|fewest|[a-z]{3,}est)\b", re.IGNORECASE)
_NO_END = frozenset(  # what ends like one and is none, or is no order
    [
        "west",
        "east",
        "interest",
        "request",
        "guest",
        "forest",
        "harvest",
        "contest",
        "test",
        "rest",
        "nearest",
        "closest",
        "invest",
        "suggest",
        "digest",
    ]
)
_SORTS = re.compile(r"\border\s+by\b|\b(?:max|min|all|reduce|any)\s*\(|shortest|top|rank", re.IGNORECASE)
_NOT = re.compile(r"\b(?:not|no|never|without|none|neither|nor|nobody|lacking|excluding|except)\b|n['’]t\b")
_EXCLUDES = re.compile(
    r"\b(?:not|none|except|optional|coalesce|false)\b|<|\bis null\b|[:=] ?0|\ball\s*\(|\bcount\s*\{", re.IGNORECASE
)
_EACH = re.compile(r"\b(?:per|for each|for every|each)\b", re.IGNORECASE)
_ONE_ROW = re.compile(r"\bRETURN\b[^,]*\Z", re.IGNORECASE)
_DECADE = re.compile(r"\b(\d{3})0s\b")
_BY_TENS = re.compile(r"[/%] *10\b|STARTS WITH|=~", re.IGNORECASE)
_SHOWS_ALL = re.compile(r"\*|\bcount\b|\bRETURN \w+\s*\Z", re.IGNORECASE)


def missing_form(question: str, query: Query, schema: GraphSchema) -> list[str]:
    """A sentence for each thing that the question, without what stands in quotes, asks of the query in vain."""
    if not _ENGLISH.search(question):
        return []
    told = (
        _not_counted(question, query, schema),
        _no_average(question, query),
        _not_sorted(question, query),
        _nothing_excluded(question, query),
        _not_grouped(question, query),
        _no_decade(question, query),
        _not_used(question, query, schema),
    )
    return list(filter(None, told))


def _not_counted(question: str, query: Query, schema: GraphSchema) -> str:
    """How many of a kind of thing, and the query counts nothing."""
    if not _words(query).isdisjoint(_COUNTING):
        return ""
    known = vocabulary(schema).labels
    for found in _HOW_MANY.finditer(question):
        said = found[2].lower().split()
        starts = (" ".join(said[i:j]) for i in range(len(said)) for j in range(i + 1, len(said) + 1))
        if noun := next((text for text in starts if text in known and singular(text) != text), ""):  # no phone number
            return f"The question says '{found[1].lower()} {noun}', and the query counts nothing."
    return ""


def _no_average(question: str, query: Query) -> str:
    average = _AVERAGE.search(question)
    missing = average is not None and not _AVERAGES.search(query.text)
    return f"The question says {average[0]!r}, and the query takes no average." if average and missing else ""


def _not_sorted(question: str, query: Query) -> str:
    """An end of an order, "the most", and the query has none."""
    ends = (end[0] for end in _MOST.finditer(question) if end.start() == 0 or not end[0][0].isupper())  # no names
    said = next((end for end in ends if end.lower() not in _NO_END | _words(query)), "")
    return f"The question says {said!r}, and the query does not sort." if said and not _SORTS.search(query.text) else ""


def _nothing_excluded(question: str, query: Query) -> str:
    no = _NOT.search(question[:1].lower() + question[1:])
    return (
        f"The question says {no[0]!r}, and the query excludes nothing."
        if no and not _EXCLUDES.search(query.text)
        else ""
    )


def _not_grouped(question: str, query: Query) -> str:
    """A number for each of them, and the query gives a single one."""
    each = _EACH.search(question)
    number = _HOW_MANY.search(question) or _AVERAGE.search(question)
    one = _ONE_ROW.search(query.text) and all(token.type != "WITH" for token in query.tokens)
    return f"The question says {each[0]!r}, and the query gives one number for all." if each and number and one else ""


def _no_decade(question: str, query: Query) -> str:
    """Ten years, and the query has only one end of them, or none."""
    decade = _DECADE.search(question)
    if decade is None or _BY_TENS.search(query.text):
        return ""
    first, numbers = int(decade[1]) * 10, {int(n) for n in re.findall(r"\d+", query.text)}
    if numbers & {first - 1, first} and numbers & {first + 9, first + 10}:
        return ""
    return f"The question says {decade[0]!r}, and the query does not keep to these ten years."


def _not_used(question: str, query: Query, schema: GraphSchema) -> str:
    """The property that a whole question such as "how can I call ..." is for."""
    meant = [names for asked, names in vocabulary(schema).asks if asked.match(question)]
    used = {unquoted(token) for token in query.tokens if token.type == "NAME"}
    if not meant or not all(used.isdisjoint(names) for names in meant) or _SHOWS_ALL.search(query.text):
        return ""
    return f"The question asks for the {' or '.join(sorted(frozenset().union(*meant)))}, and the query does not."


def _words(query: Query) -> set[str]:
    """The words of the query and of its names, in lower case."""
    return {word for token in query.tokens for word in words_of(token)}
