"""Values in questions and queries: which there are, and how placeholders take their place where they stay at home."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cypher_magic.query.parse import parse

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lark import Token

PLACEHOLDER = re.compile(r"\$v(\d+)(?!\w)")
_ESCAPED = re.compile(r"\\(.)")
_HARMLESS = ("0", "1")  # "none", "one of them", "the first": no value of a graph


@dataclass(frozen=True)
class Masked:
    """A question and its query with placeholders ($v1 ...), and what each stands for in the question."""

    question: str
    query: str
    values: Mapping[str, str] = field(default_factory=dict)

    def back(self, question: str) -> str | None:
        """A new wording with the values put back; None where a placeholder is missing, or is not one of these."""
        if {m.group() for m in PLACEHOLDER.finditer(question)} != set(self.values):
            return None
        return PLACEHOLDER.sub(lambda m: self.values[m.group()], question)


def literals(query: str) -> list[Token]:
    """The texts and numbers in a query, in their order."""
    return [t for t in parse(query).tokens if t.type in ("STRING", "INTEGER", "FLOAT")]


def spoken(token: Token) -> list[str]:
    """The ways in which a question may hold a literal, the likeliest first."""
    if token.type == "STRING":
        text = _ESCAPED.sub(r"\1", token[1:-1])
        return [text]
    number = float(token)
    return list(dict.fromkeys((str(token), f"{number:g}", f"{number:,.0f}" if number == int(number) else str(token))))


def place(text: str, question: str) -> re.Match[str] | None:
    """Where a text stands in a question, as words of its own, in whatever letter case."""
    return re.search(rf"(?<!\w){re.escape(text)}(?!\w)", question, re.IGNORECASE)


def kept(query: str, question: str) -> list[str]:
    """The literals of the query that the question holds, as it writes them: a new wording must hold them too."""
    return [found.group() for token in literals(query) if (found := _found(token, question))]


def masked(question: str, query: str) -> Masked | None:
    """The question and the query without any value of the graph; None where that can not be vouched for.

    Fails closed: every literal must be found in the question, and afterwards no figure and no value may be left.
    """
    if PLACEHOLDER.search(question) or PLACEHOLDER.search(query):
        return None
    tokens = [t for t in literals(query) if str(t) not in _HARMLESS]
    values: dict[str, str] = {}
    for token in sorted(tokens, key=lambda t: -len(t)):
        if {text.casefold() for text in spoken(token)} & {text.casefold() for text in values.values()}:
            continue  # it stands in the query twice
        found = _found(token, question)
        if found is None:
            return None
        name = f"$v{len(values) + 1}"
        values[name] = found.group()
        question = _outside(question, found.group(), name)
    names = {text.casefold(): name for name, text in values.items()}
    bare = _rewritten(query, tokens, names)
    if bare is None or _leaks(question, bare, values):
        return None
    return Masked(question, bare, values)


def _found(token: Token, question: str) -> re.Match[str] | None:
    return next((m for text in spoken(token) if (m := place(text, question))), None)


def _outside(question: str, text: str, name: str) -> str:
    """The question with every occurrence of a value replaced, but not inside a placeholder that is there already."""
    pattern = re.compile(rf"\$v\d+(?!\w)|(?<!\w){re.escape(text)}(?!\w)", re.IGNORECASE)
    return pattern.sub(lambda m: m.group() if PLACEHOLDER.fullmatch(m.group()) else name, question)


def _rewritten(query: str, tokens: list[Token], names: Mapping[str, str]) -> str | None:
    """The query with its literals replaced by their placeholders; None where one has none."""
    parts, at = [], 0
    for token in sorted(tokens, key=lambda t: t.start_pos or 0):
        name = next((names[text.casefold()] for text in spoken(token) if text.casefold() in names), None)
        start, end = token.start_pos, token.end_pos
        if name is None or start is None or end is None or query[start:end] != token:
            return None
        parts += [query[at:start], name]
        at = end
    return "".join([*parts, query[at:]])


def _leaks(question: str, query: str, values: Mapping[str, str]) -> bool:
    bare = PLACEHOLDER.sub(" ", question)
    figures = any(c.isdigit() for c in bare)
    return (
        figures
        or any(place(value, bare) for value in values.values())
        or any(str(t) not in _HARMLESS for t in literals(query))
    )


def filled(text: str, given: Mapping[str, str]) -> str | None:
    """A text with each placeholder replaced; None where one of them is not known."""
    if not {m.group() for m in PLACEHOLDER.finditer(text)} <= set(given):
        return None
    return PLACEHOLDER.sub(lambda m: given[m.group()], text)


def texts(query: str) -> Iterator[str]:
    """The texts in a query, as they are meant."""
    return (spoken(t)[0] for t in literals(query) if t.type == "STRING")
