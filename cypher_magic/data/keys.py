"""When two questions or two queries count as the same."""

from __future__ import annotations

import os
import re
from functools import lru_cache
from typing import TYPE_CHECKING

from cypher_magic.query.compare import normalised

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cypher_magic.data.example import Example

Key = tuple[str, ...]

_OUTER_MARKS = " \t\n?!.,;:'\"`"
_SHORTEST_PREFIX = 3  # words


def question_key(example: Example) -> Key:
    """Equal for the same question (spaces apart) after the same turns about the same graph."""
    return (_graph(example), *(_spaced(t.question) for t in example.history), _spaced(example.question))


def loose_key(example: Example) -> Key:
    """As `question_key`, but letter case and outer punctuation do not count either."""
    return tuple(part.casefold().strip(_OUTER_MARKS) for part in question_key(example))


@lru_cache(maxsize=65536)
def query_key(query: str) -> str:
    """Equal for the same query, spaces and a last semicolon apart."""
    return _spaced(query).rstrip("; ")


@lru_cache(maxsize=65536)
def template(query: str) -> str:
    """The query with its literals masked: equal for "the same query about another value"."""
    return normalised(query, mask=True)


@lru_cache(maxsize=65536)
def meaning(query: str) -> str:
    """Equal for queries that differ in spaces, letter case of keywords, quotes or comments only."""
    return normalised(query)


def shared_prefix(questions: Iterable[str]) -> str:
    """The instruction that stands in front of every question, up to and with its colon or line break; "" if none does.

    "Create a Cypher statement to answer the following question:" is one; "What is the" is not, for it has no end.
    """
    distinct = {q for q in questions if q}
    if len(distinct) < 3:
        return ""
    common = os.path.commonprefix(sorted(distinct))
    ends = [m.end() for m in re.finditer(r"(:\s*|\n\s*)", common)]
    end = next((e for e in reversed(ends) if all(len(q) > e for q in distinct)), 0)
    prefix = common[:end]
    return prefix if len(prefix.split()) >= _SHORTEST_PREFIX else ""


def _graph(example: Example) -> str:
    return example.database or example.schema or ""


def _spaced(text: str) -> str:
    return " ".join(text.split())
