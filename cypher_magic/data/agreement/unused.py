"""Words of a question that are names in the graph, and that its query does not use.

Whether the question says a name is taken strictly (whole words, singular and plural apart), whether the query uses it
generously (any form of any of its words): a remark that is wrong costs more than one that is missing.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING

from cypher_magic.query.fits import label_tokens
from cypher_magic.query.parse import Node, unquoted
from cypher_magic.query.scopes import understand

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cypher_magic.graph.schema import GraphSchema
    from cypher_magic.query.meaning import Meaning
    from cypher_magic.query.parse import Query

_SHORTEST = 4  # letters of a name
# Words that a question says without meaning the name that begins with them.
_COMMON = """
name title type date time number value count label kind text key description result since until from with over under
into after before between where when have like order most least more than same other each has contains includes
connected connects connection related relates linked link belongs associated similar
"""
_WORD = re.compile(r"[^\W\d_]+")
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+")  # of bloodType and of ACTED_IN
_AGENT = re.compile(r"(?:er|or)$")
_ENDING = re.compile(r"(?:ing|ed|er|or|ion|e)$")


def unused(question: str, query: Query, schema: GraphSchema) -> list[tuple[str, str]]:
    """Words of the question with what they name there where the query looks, and what it does not use."""
    meaning, told = understand(query), _told(query)
    asked = list(_words_of(question))
    found: dict[str, str] = {}
    properties = list(_properties(meaning, schema, whole=_shows_whole_nodes(query)))
    for name, what in (*properties, *_around(meaning, schema)):
        words = [_folded(word) for word in _PART.findall(name)]
        sure = sum(map(len, words)) >= _SHORTEST and _stem(words[0]) not in _COMMON_STEMS
        stems = set(map(_stem, words))
        # an "IMDb rating" is not used where a rating is; of other names any of the words will do
        used = stems <= told if (name, what) in properties else not told.isdisjoint(stems)
        if sure and not used and (said := _said(words, asked)):
            found.setdefault(said, what)
    for kind in _beside(meaning, schema):
        parts = [_stem(word) for word in _PART.findall(kind)]
        if parts and parts[0] not in _COMMON_STEMS and told.isdisjoint(parts) and (said := _agent(parts[0], asked)):
            found.setdefault(said, f"those of {kind},")
    return list(found.items())


def _told(query: Query) -> set[str]:
    """The stems of the words of the query; not of a text in lower case: a word that is looked for is not used."""
    said = (token for token in query.tokens if token.type != "STRING" or token != token.lower())
    return {_stem(word) for token in said for word in _PART.findall(token)}


def _properties(meaning: Meaning, schema: GraphSchema, *, whole: bool) -> Iterator[tuple[str, str]]:
    """The properties of the labels and relationship types that the query names, with those that have them.

    Only those that are true or false where whole nodes are shown, with all they have. A question that says `released`
    means the verb, so that a property of this form must be true or false as well.
    """
    owners: dict[str, list[str]] = defaultdict(list)
    for kind, known in (("node", schema.labels), ("relationship", schema.relationship_types)):
        for owner in sorted(_named(meaning, kind) & known.keys()):
            for name, of_kind in known[owner].items():
                if "BOOLEAN" in of_kind or not (whole or name.endswith("ed")):
                    owners[name].append(owner)
    return ((name, f"a property of {' and '.join(dict.fromkeys(those))}") for name, those in owners.items())


def _around(meaning: Meaning, schema: GraphSchema) -> Iterator[tuple[str, str]]:
    """Labels and relationship types that the query does not name, next to labels that it names."""
    labels, types = _named(meaning, "node"), _named(meaning, "relationship")
    implied = labels | {end for t in schema.triples if t.type in types for end in (t.start, t.end)}
    for start, kind, end in schema.triples:
        if kind not in types and {start, end} <= labels:
            yield kind, "a relationship type"
        for here, there in ((start, end), (end, start)):
            if here in labels and there not in implied:
                yield there, "a label"


def _beside(meaning: Meaning, schema: GraphSchema) -> Iterator[str]:
    """Relationship types that the query does not name, at labels that it names."""
    labels, types = _named(meaning, "node"), _named(meaning, "relationship")
    yield from dict.fromkeys(
        kind for a, kind, b in schema.triples if kind not in types and not labels.isdisjoint((a, b))
    )


def _named(meaning: Meaning, kind: str) -> set[str]:
    """The labels (or relationship types) that the query names."""
    return {unquoted(t) for owner, part in meaning.labels if owner.kind == kind for t in label_tokens(part)}


def _shows_whole_nodes(query: Query) -> bool:
    """Whether a column is a node, a relationship or a path."""
    parts = [part for part in query.tree.walk() if isinstance(part, Node)]
    things = (part for part in parts if part.data in ("node", "relationship", "path"))
    named = {unquoted(token) for thing in things for token in thing.tokens("NAME")}
    shown = [part for clause in parts if clause.data == "return" if (part := clause.part("items")) is not None]
    columns = (item.children[0] for items in shown for item in items.parts("item"))
    return any(items.token("STAR") is not None for items in shown) or any(
        isinstance(column, Node) and column.data == "variable" and unquoted(column.children[0]) in named
        for column in columns
    )


def _words_of(question: str) -> Iterator[tuple[str, str]]:
    """The words of the question, folded and as they stand; empty where a name stands or a sentence is divided."""
    end = 0
    for found in _WORD.finditer(question):
        between, end = question[end : found.start()], found.end()
        begins = not question[: found.start()].strip() or any(sign in between for sign in ".?!:")
        if between.strip(" -_"):
            yield "", ""
        name = found[0][0].isupper() and not begins and sum(map(str.isupper, found[0])) == 1  # IMDb is none
        yield ("", "") if name else (_folded(found[0]), found[0])


def _said(words: Sequence[str], asked: Sequence[tuple[str, str]]) -> str:
    """The place in the question that says all these words, as it stands there."""
    for start in range(len(asked) - len(words) + 1):
        part = asked[start : start + len(words)]
        if [folded for folded, _ in part] == list(words):
            return " ".join(word for _, word in part)
    return ""


def _agent(stem: str, asked: Sequence[tuple[str, str]]) -> str:
    """The word of the question for those who do what a relationship says: actors where one is ACTED_IN."""
    return next((as_said for said, as_said in asked if _AGENT.search(said) and _stem(said) == stem), "")


def _folded(word: str) -> str:
    """The word in lower case, without the ending of a plural."""
    word = word.casefold()
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "xes", "ches", "shes")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith("ss") and len(word) > 3 else word


def _stem(word: str) -> str:
    """What rate, rated and rating have in common."""
    return _ENDING.sub("", _folded(word))


_COMMON_STEMS = frozenset(map(_stem, _COMMON.split()))
