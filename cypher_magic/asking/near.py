"""When a query finds nothing: whether the graph has the texts that it looks for, and which near ones it has instead.

Every probe reads, takes the text as a parameter, and is bounded: so many probes and so many seconds in all. What an
index can answer is asked of the index first; the scan of a label comes last and ends with its time.
"""

from __future__ import annotations

import time
import unicodedata
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any

from cypher_magic.errors import NotReadOnly, QueryFailed
from cypher_magic.graph.schema import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cypher_magic.graph.neo4j_graph import Connection
    from cypher_magic.graph.schema import GraphSchema, Index
    from cypher_magic.query.literals import Literal

SECONDS = 3.0  # for all probes of a question
PROBES = 24
SHOWN = 3  # values that are offered
SURE = 0.85  # the score from which a value is taken to be the one that was meant
APART = 0.05  # by how much it must be nearer than the next one
OFFERED = 0.6
_ROWS = 200  # values that a probe brings back
_PIECES = 40
_SHORTEST = 3  # letters of a text that a longer one is taken for
_ARTICLES = frozenset(("a", "an", "the", "le", "la", "les", "der", "die", "das", "el", "los", "las", "il"))


@dataclass
class Probes:
    """Small queries about values, until their time or their number is used up."""

    graph: Connection
    seconds: float = SECONDS
    left: int = PROBES
    ended: bool = False  # some were left out, or were cut off
    _until: float = field(init=False)

    def __post_init__(self) -> None:
        self._until = time.monotonic() + self.seconds

    def rows(self, text: str, **params: Any) -> list[tuple[Any, ...]]:
        """The rows of a probe; none when the server refuses it or the time is over."""
        remaining = self._until - time.monotonic()
        if self.left <= 0 or remaining <= 0.05:
            self.ended = True
            return []
        self.left -= 1
        try:
            return list(self.graph.read(text, params, limit=_ROWS, timeout=remaining).rows)
        except (QueryFailed, NotReadOnly):  # too slow, or a function that this server does not have
            self.ended = True
            return []


def exists(literal: Literal, probes: Probes) -> bool | None:
    """Whether the graph has the text where the query looks for it; None when that could not be found out."""
    name = _name(literal)
    compared = f"{literal.function}({name})" if literal.function else name
    test = f"$value IN {name}" if literal.is_list else f"{compared} {literal.operator} $value"
    for owner in literal.owners:
        if probes.rows(f"{_match(literal, owner)} WHERE {test} RETURN 1 AS there LIMIT 1", value=literal.value):
            return True
    return None if probes.ended else False


def near(literal: Literal, schema: GraphSchema, probes: Probes) -> list[tuple[float, str]]:
    """Values of the graph that may have been meant, the nearest first, each with its score up to 1."""
    ranked: list[tuple[float, str]] = []
    for ask in (_by_fulltext, _by_prefix, _by_pieces):
        found = (v for owner in literal.owners for v in ask(literal, owner, schema, probes))
        ranked = _ranked(literal, [*(v for _, v in ranked), *found])
        if ranked and ranked[0][0] >= SURE:
            break
    return ranked


@dataclass(frozen=True)
class Place:
    """Where the graph has a text: a label, its property, and the text as it stands there."""

    label: str
    property: str
    value: str


def elsewhere(literal: Literal, schema: GraphSchema, probes: Probes, *, words: bool = True) -> list[Place]:
    """Where else the graph has this text, letter case apart; at most one place for each label.

    What an index can answer is asked exactly and first; then each label is looked through once, all properties at a
    time, those that have the query's own property before the others. Where none has it, with `words` a label counts in
    which just one text has its words: the last name of a person.
    """
    indexed = [
        (i.owner, i.properties[0])
        for i in schema.indexes
        if i.kind != "FULLTEXT" and i.owner in schema.labels and len(i.properties) == 1
    ]
    found: dict[str, Place] = {}
    for label, name in indexed:
        if label not in found and name in _others(literal, label, schema):
            text = f"MATCH (n:{quoted(label)}) WHERE n.{quoted(name)} = $value RETURN 1 LIMIT 1"
            if probes.rows(text, value=literal.value):
                found[label] = Place(label, name, literal.value)
    labels = sorted(schema.labels, key=lambda label: literal.property not in schema.labels[label])
    for label in labels:
        places = [] if label in found else within([literal.value], label, _others(literal, label, schema), probes)
        if places:
            found[label] = places[0]
    for label in labels if words and not found else ():
        places = within([literal.value], label, _others(literal, label, schema), probes, whole=False)
        if len({place.value for place in places}) == 1:
            found[label] = places[0]
    return [found[label] for label in labels if label in found]


def texts_of(label: str, schema: GraphSchema) -> dict[str, bool]:
    """The properties of a label that hold texts, or lists of them (True)."""
    kinds = schema.labels[label]
    return {name: kind != "STRING" for name, kind in kinds.items() if kind in ("STRING", "LIST<STRING>")}


def _others(literal: Literal, label: str, schema: GraphSchema) -> dict[str, bool]:
    """Those properties, without the one that was looked at."""
    looked_at = literal.property if literal.kind == "node" and label in literal.owners else None
    return {name: many for name, many in texts_of(label, schema).items() if name != looked_at}


def within(
    texts: Sequence[str], label: str, names: dict[str, bool], probes: Probes, *, whole: bool = True
) -> list[Place]:
    """Where a label has one of these texts, or with `whole` off a text that has all its words, by one look through it.

    `names` are its properties that hold texts, or lists of them (True).
    """
    if not names:
        return []
    lows = [text.strip().lower() for text in texts]
    test = "toLower(x) IN $lows" if whole else "any(low IN $lows WHERE toLower(x) CONTAINS low)"
    reads = [f"n.{quoted(name)}" for name in names]
    tests = [
        f"any(x IN {read} WHERE {test})" if many else f"({read} IS NOT NULL AND {test.replace('(x)', f'({read})')})"
        for read, many in zip(reads, names.values(), strict=True)
    ]
    text = f"MATCH (n:{quoted(label)}) WHERE {' OR '.join(tests)} RETURN {', '.join(reads)} LIMIT {_ROWS // 4}"
    found = []
    for row in probes.rows(text, lows=lows):
        for name, held in zip(names, row, strict=True):
            for value in held if isinstance(held, list) else [held]:
                has = isinstance(value, str) and (value.lower() in lows or not whole and _has_words(value, texts))
                found += [Place(label, name, value)] if has else []
    return found


def _has_words(value: str, texts: Iterable[str]) -> bool:
    words = set(folded(value).split())
    return any(wanted and wanted <= words for wanted in (set(folded(text).split()) for text in texts))


def sole(literal: Literal, ranked: list[tuple[float, str]]) -> str | None:
    """The one value that has all the words of the text, where it is the only one: the last name of a person."""
    if literal.operator != "=" or len(literal.value.strip()) < _SHORTEST:
        return None
    having = [value for _, value in ranked if _has_words(value, [literal.value])]
    return having[0] if len(having) == 1 else None


def chosen(ranked: list[tuple[float, str]]) -> str | None:
    """The value that was surely meant, if there is one."""
    if not ranked or ranked[0][0] < SURE:
        return None
    others = [score for score, _ in ranked[1:2]]
    return ranked[0][1] if not others or ranked[0][0] - others[0] >= APART else None


def score(wanted: str, value: str) -> float:
    """How near a value is: 1 but for case, accents and signs; 0.95 but for an article or the order of words."""
    asked, has = folded(wanted), folded(value)
    if not asked or not has:
        return 0.0
    if asked == has:
        return 1.0
    words, others = set(asked.split()) - _ARTICLES, set(has.split()) - _ARTICLES
    if words and words == others:
        return 0.95
    if words and (words <= others or others <= words):
        return 0.65 + 0.2 * min(len(asked), len(has)) / max(len(asked), len(has))
    return SequenceMatcher(None, asked, has, autojunk=False).ratio()


def _ranked(literal: Literal, values: Iterable[Any]) -> list[tuple[float, str]]:
    """The values (the parts of them that are compared) by score, those worth offering."""
    texts = dict.fromkeys(v for v in values if isinstance(v, str))
    if literal.operator != "=":
        texts = dict.fromkeys(part for text in texts for part in _parts(text, literal.value))
    if literal.function:
        texts = dict.fromkeys(t.lower() if literal.function == "toLower" else t.upper() for t in texts)
    scored = ((score(literal.value, text), text) for text in texts if text != literal.value)
    return sorted((s for s in scored if s[0] >= OFFERED), key=lambda s: (-s[0], len(s[1]), s[1]))


def _parts(text: str, wanted: str) -> list[str]:
    """The runs of as many words as the wanted text has, and one word's beginning of its length."""
    words, count = text.split(), max(1, len(wanted.split()))
    runs = [" ".join(words[i : i + count]) for i in range(max(1, len(words) - count + 1))]
    return [*runs, *(w[: len(wanted)] for w in words if count == 1 and len(w) > len(wanted) >= 3)]


def _match(literal: Literal, owner: str) -> str:
    return f"MATCH (n:{quoted(owner)})" if literal.kind == "node" else f"MATCH ()-[n:{quoted(owner)}]->()"


def _name(literal: Literal) -> str:
    return f"n.{quoted(literal.property)}"


def _index(literal: Literal, owner: str, schema: GraphSchema, *, fulltext: bool) -> Index | None:
    for index in schema.indexes:
        fits = literal.property in index.properties if fulltext else index.properties[:1] == (literal.property,)
        if index.owner == owner and fits and (index.kind == "FULLTEXT") == fulltext:
            return index
    return None


def _by_fulltext(literal: Literal, owner: str, schema: GraphSchema, probes: Probes) -> list[Any]:
    index = _index(literal, owner, schema, fulltext=True)
    words = "".join(c if c.isalnum() else " " for c in literal.value).split()
    if index is None or not words or probes.graph.embedded or literal.kind != "node":
        return []
    text = (
        "CALL db.index.fulltext.queryNodes($index, $words, {limit: 20}) YIELD node "
        f"RETURN DISTINCT node.{quoted(literal.property)} AS value"
    )
    return [row[0] for row in probes.rows(text, index=index.name, words=" ".join(f"{w}~" for w in words))]


def _by_prefix(literal: Literal, owner: str, schema: GraphSchema, probes: Probes) -> list[Any]:
    """Values that begin alike; needs an index, else the scan finds them too."""
    if literal.is_list or _index(literal, owner, schema, fulltext=False) is None or len(literal.value) < 3:
        return []
    start = literal.value.strip()[:3]
    forms = dict.fromkeys([start, start.lower(), start.upper(), start.capitalize()])
    tests = " OR ".join(f"{_name(literal)} STARTS WITH $p{i}" for i in range(len(forms)))
    text = f"{_match(literal, owner)} WHERE {tests} RETURN DISTINCT {_name(literal)} AS value LIMIT {_ROWS}"
    return [row[0] for row in probes.rows(text, **{f"p{i}": form for i, form in enumerate(forms)})]


def _by_pieces(literal: Literal, owner: str, schema: GraphSchema, probes: Probes) -> list[Any]:
    """Values that share most three-letter pieces with the text, whatever their case."""
    pieces = _pieces(literal.value)
    if not pieces:
        return []
    name = _name(literal)
    each = f"UNWIND {name} AS value WITH" if literal.is_list else f"WHERE {name} IS NOT NULL WITH {name} AS value,"
    text = (
        f"{_match(literal, owner)} {each}{' value,' if literal.is_list else ''} "
        f"size([p IN $pieces WHERE toLower({'value' if literal.is_list else name}) CONTAINS p]) AS hits "
        f"WHERE hits >= $least RETURN DISTINCT value, hits ORDER BY hits DESC LIMIT {_ROWS // 4}"
    )
    return [row[0] for row in probes.rows(text, pieces=pieces, least=max(1, len(pieces) // 4))]


def _pieces(text: str) -> list[str]:
    """Three letters at a time of each word, lower case; whole words below that. Accented letters are left out."""
    words = [w for w in "".join(c if c.isalnum() else " " for c in text.lower()).split() if w not in _ARTICLES]
    pieces = [w[i : i + 3] for w in words for i in range(max(1, len(w) - 2))]
    return list(dict.fromkeys(pieces))[:_PIECES]


def folded(text: str) -> str:
    """The text without case, accents and signs, its words one blank apart."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    kept = "".join(c if c.isalnum() else " " for c in plain if not unicodedata.combining(c))
    return " ".join(kept.split())


def described(literal: Literal) -> str:
    """Where the query looks for the text: `Movie has the title`."""
    return f"{' or '.join(literal.owners)} has the {literal.property}"
