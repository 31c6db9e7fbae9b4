"""A query that says again what it was asked with, as a model writes it that takes one of two things for the other.

MATCH (a:Doctor {name: 'X'})-[:SUPERVISES]->(b:Doctor) RETURN a.name
MATCH (a:Drug {name: 'X'})-[r:INTERACTS_WITH]->(b:Drug {name: 'X'}) RETURN r.severity
"""

from __future__ import annotations

import re
from collections import Counter
from itertools import chain
from typing import TYPE_CHECKING

from lark import Token

from cypher_magic.query.fits import label_tokens
from cypher_magic.query.literals import compared, property_of, text_of
from cypher_magic.query.parse import Node, start_of, unquoted
from cypher_magic.query.scopes import understand

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cypher_magic.graph.schema import GraphSchema
    from cypher_magic.query.meaning import Variable
    from cypher_magic.query.parse import Query

_LOOSE = frozenset(("OR", "XOR", "NOT", "UNION"))  # with these a text need not hold for every row

_MORE = frozenset(("AND", "ORDER", "LIMIT", "SKIP", "REL_OPEN", "REL_PLAIN"))
_SEVERAL = re.compile(
    r"\b(?:both|same|only|also|those|these|them|they)\b", re.IGNORECASE
)  # one text may be meant of two things


def echoed(query: Query) -> list[str]:
    """The texts that the rows repeat, where every column is a property that must be one of them; else none."""
    if any(token.type in _LOOSE for token in query.tokens):
        return []
    owners = {start_of(token): owner for owner, token in understand(query).properties}
    held: dict[tuple[Variable, str], list[str]] = {}
    for name, text in [*_equal(query), *_one_of(query)]:
        if start_of(name) in owners:
            held.setdefault((owners[start_of(name)], unquoted(name)), []).append(text_of(text))
    columns = _columns(query)
    names = [found[0] if (found := property_of(column)) and not found[1] else None for column in columns]
    known = [name for name in names if name is not None and start_of(name) in owners]
    texts = [held.get((owners[start_of(name)], unquoted(name)), []) for name in known]
    return list(dict.fromkeys(chain(*texts))) if texts and all(texts) and len(known) == len(columns) else []


def has_twin(query: Query, schema: GraphSchema) -> bool:
    """Whether another node of the query, one that no text is given for, has a property that is returned."""
    columns = [column for column in _columns(query) if isinstance(column, Node)]
    names = {unquoted(found[0]) for column in columns if (found := property_of(column))}
    shown = {str(part.children[0]) for column in columns for part in column.parts("variable")}
    nodes = (part for part in query.tree.walk() if isinstance(part, Node) and part.data == "node")
    others = (node for node in nodes if str(node.token("NAME")) not in shown and not _has_text(node))
    labels = {unquoted(token) for node in others for part in node.parts("labels") for token in label_tokens(part)}
    return any(not names.isdisjoint(schema.labels.get(label, {})) for label in labels)


def _has_text(node: Node) -> bool:
    return any(isinstance(part, Token) and part.type == "STRING" for part in node.walk())


def _columns(query: Query) -> list[Node | Token]:
    """The columns of the last RETURN."""
    shown = [part for part in query.tree.walk() if isinstance(part, Node) and part.data == "return"][-1:]
    return [item.children[0] for one in shown if (items := one.part("items")) for item in items.parts("item")]


def doubled(question: str, query: Query) -> list[str]:
    """The texts that the query looks for in more places than the question says them in."""
    if _SEVERAL.search(question) or any(token.type == "UNION" for token in query.tokens):
        return []
    looked = Counter(text_of(text) for _, text in _equal(query))
    return [text for text, n in looked.items() if n > 1 and question.casefold().count(text.casefold()) == 1]


def _one_of(query: Query) -> list[tuple[Token, Token]]:
    """The same of a property that must be one of several texts, where that is all the query asks."""
    if any(token.type in _MORE for token in query.tokens):
        return []
    parts = (part for part in query.tree.walk() if isinstance(part, Node))
    if len(found := [part for part in parts if part.data in ("in", "node", "comparison")]) != 2:
        return []
    return [(name, text) for part in found if part.data == "in" for name, _, text, _ in compared(part)]


def _equal(query: Query) -> Iterator[tuple[Token, Token]]:
    """The name of each property that must be equal to a text, and that text."""
    for part in query.tree.walk():
        if isinstance(part, Node) and part.data in ("pair", "comparison"):
            for name, function, text, operator in compared(part):
                if operator == "=" and not function:
                    yield name, text
