"""A part of a query as it stands in the text: the parse tree leaves brackets and some words out, which belong to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lark import Token

if TYPE_CHECKING:
    from cypher_magic.query.parse import Node, Query

_OPENING, _CLOSING = "([{", ")]}"
_TAILS = ("NULL", "NORMALIZED")  # what ends IS NOT NULL and IS NORMALIZED, and is not in the tree
_TEXTS = ("STRING", "NAME", "PARAMETER")  # brackets in them are no brackets
_BRACKETED = {
    "map": ("{", "}"),
    "list": ("[", "]"),
    "parenthesised": ("(", ")"),
}  # of which the tree has the inside alone


def verbatim(query: Query, part: Node | Token) -> str:
    """The part on one line, with the brackets that belong to it."""
    if isinstance(part, Token):
        return str(part)
    said = between(query, part.start, end_of(part), tails=("IS", *_TAILS) if _tests_null(part) else _TAILS)
    opening, closing = _BRACKETED.get(part.data, ("", ""))
    return opening + (said if part.children else "") + closing


def between(query: Query, start: int, end: int, *, tails: tuple[str, ...] = _TAILS) -> str:
    """The text from `start` to `end` on one line, made longer on both sides by the brackets that it cuts."""
    tokens = query.tokens
    first = next((i for i, t in enumerate(tokens) if (t.start_pos or 0) >= start), len(tokens))
    last = next((i for i, t in enumerate(tokens) if (t.end_pos or 0) > end), len(tokens)) - 1
    while last + 1 < len(tokens) and tokens[last + 1].type in tails:
        last += 1
    depth = lowest = 0
    for token in tokens[first : last + 1]:
        depth += _depth(token)
        lowest = min(lowest, depth)
    while lowest < 0 and first > 0:  # opening brackets in front
        first -= 1
        opened = _depth(tokens[first])
        lowest, depth = lowest + opened, depth + opened
    while depth > 0 and last + 1 < len(tokens):  # closing ones behind
        last += 1
        depth += _depth(tokens[last])
    if first > last:
        return ""
    return " ".join(query.text[tokens[first].start_pos or 0 : tokens[last].end_pos or 0].split())


def _tests_null(part: Node) -> bool:
    """Whether the part ends in IS NULL, of which the tree has no word."""
    last: Node | Token = part
    while not isinstance(last, Token) and last.children:
        last = last.children[-1]
    return not isinstance(last, Token) and last.data == "is_test"


def end_of(part: Node) -> int:
    """Where the last kept token of a part ends."""
    return max((t.end_pos or 0 for t in part.walk() if isinstance(t, Token)), default=0)


def _depth(token: Token) -> int:
    if token.type in ("CASE", "END"):
        return 1 if token.type == "CASE" else -1
    if token.type in _TEXTS:
        return 0
    return sum(token.count(c) for c in _OPENING) - sum(token.count(c) for c in _CLOSING)
