"""Values in a query: as they stand in the question, and as they stand in the graph."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cypher_magic.asking.homes import Home
from cypher_magic.asking.near import (
    OFFERED,
    SHOWN,
    Place,
    Probes,
    chosen,
    described,
    elsewhere,
    exists,
    folded,
    near,
    sole,
    texts_of,
    within,
)
from cypher_magic.asking.spans import spans_of
from cypher_magic.errors import CypherSyntaxError
from cypher_magic.graph.schema import quoted
from cypher_magic.query.literals import Literal, literals, written
from cypher_magic.query.naming import an
from cypher_magic.query.parse import parse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cypher_magic.graph.neo4j_graph import Connection
    from cypher_magic.graph.result import QueryResult
    from cypher_magic.graph.schema import GraphSchema

NEAR = ("apply", "offer", "off")
_STRING = re.compile(r"""'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)\"""", re.DOTALL)
_USED = re.compile(r"\w+\.\Z")  # the variable in front of a property's name
_LITERALS = 3  # of a query that are looked for
_SHORT = 3  # letters; shorter words of a question are no names
_CASE_AND_SIGNS = 0.95  # scores from here on differ in case, accents, signs, articles or the order of words only


def trimmed(query: str, question: str) -> tuple[str, tuple[str, ...]]:
    """The query with blanks around its string values removed where the question has the value without them.

    A tokenizer's words begin with their blank, and a small model that copies a name from the question copies that too.
    Returns the query and a line per change.
    """
    changes: list[str] = []

    def mend(found: re.Match[str]) -> str:
        value = found[1] if found[1] is not None else found[2]
        bare = value.strip()
        if value == bare or not bare or bare not in question.replace("'", "\\'") and bare not in question:
            return found[0]
        quote = found[0][0]
        changes.append(f"{found[0]} -> {quote}{bare}{quote}: the question has no blank there")
        return f"{quote}{bare}{quote}"

    return _STRING.sub(mend, query), tuple(changes)


def is_empty(result: QueryResult) -> bool:
    """Whether a result says "nothing": no row, or one row of zeros, nulls and empty lists."""
    return not result.rows or (len(result.rows) == 1 and all(_nothing(v) for v in result.rows[0]))


def _nothing(value: Any) -> bool:
    return value is None or value is False or value == [] or (isinstance(value, int | float) and value == 0)


@dataclass(frozen=True)
class Missing:
    """The texts of a query that the graph does not have where the query looks for them.

    `query` has the near values in their place, and `repairs` says so, one line each; without a sure one they are
    the same as before. `notes` are for the person. `homes` tell where the graph has the texts that are not the query's
    own in another property. `nowhere` are all texts that are not where the query looks for them, nor any that is surely
    near.
    """

    query: str
    repairs: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    homes: frozenset[Home] = frozenset()
    nowhere: tuple[str, ...] = ()


@dataclass
class _Search:
    schema: GraphSchema
    probes: Probes
    question: str
    edits: list[tuple[int, int, str]] = field(default_factory=list)
    repairs: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    misplaced: list[Literal] = field(default_factory=list)
    places: list[list[Place]] = field(default_factory=list)  # where those are instead
    named: list[Place] = field(default_factory=list)  # where texts of the question are that were only copied in part
    nowhere: list[str] = field(default_factory=list)
    settled: list[Literal] = field(default_factory=list)  # texts that are where the query looks for them

    def look(self, literal: Literal) -> None:
        """Look for one text that is not where the query looks for it."""
        no = f"No {described(literal)} {shown(literal.value)}"
        ranked = near(literal, self.schema, self.probes)
        best = chosen(ranked) or self._as_asked(literal, [value for _, value in ranked]) or sole(literal, ranked)
        if best is None or ranked[0][0] < _CASE_AND_SIGNS:
            places = elsewhere(literal, self.schema, self.probes, words=best is None)
            if places:
                self.nowhere.append(literal.value)
                self.misplaced.append(literal)
                self.places.append(places)
                return
        if best is not None:
            self.edits.append((literal.start, literal.end, written(best)))
            self.repairs.append(f"{no}: read as {shown(best)}")
            return
        self.nowhere.append(literal.value)
        self.named += self._named_in_question(literal)
        if offered := [shown(value) for score, value in ranked[:SHOWN] if score >= OFFERED]:
            self.notes.append(f"{no}. Near to it: {', '.join(offered)}.")
        else:
            self.notes.append(f"{no}." if self.probes.ended else f"{no}, nor anything near to it.")

    def _as_asked(self, literal: Literal, values: Sequence[str]) -> str | None:
        """The near value that stands in the question, where the model copied it wrong or only a part of it."""
        asked, wanted = folded(self.question), folded(literal.value)
        return next(
            (
                v
                for v in values
                if folded(v) in asked and (wanted not in asked or wanted in folded(v) or wanted == asked)
            ),
            None,
        )

    def _named_in_question(self, literal: Literal) -> list[Place]:
        """Where the graph has the words of the question around this text; of one that is not said, those within it."""
        text = literal.value.strip().lower()
        said = text in self.question.lower()
        spans = [s for s in spans_of(self.question) if text in s.lower() or (not said and s.lower() in text)]
        spans = [s for s in spans if len(s) > _SHORT]
        if not spans:
            return []
        labels = self.schema.labels
        found = [p for label in labels for p in within(spans, label, texts_of(label, self.schema), self.probes)]
        longest = max((len(place.value) for place in found), default=0)
        return [place for place in found if len(place.value) == longest]

    @property
    def homes(self) -> frozenset[Home]:
        """Where the misplaced texts are that another label has, and not the query's own in another property.

        With them the texts that are in their place, which are to stay there.
        """
        both = zip(self.misplaced, self.places, strict=True)
        elsewhere = [
            Home(literal.value.strip(), place.label, place.property)
            for literal, places in both
            if not any(place.label in literal.owners for place in places)
            for place in places
        ]
        elsewhere += [Home(place.value, place.label, place.property) for place in self.named]
        kept = [Home(x.value.strip(), x.owners[0], x.property) for x in self.settled if _names_nodes(x)]
        return frozenset([*elsewhere, *kept] if elsewhere else [])

    def move(self, query: str) -> None:
        """Put misplaced texts right: two in each other's place, those of another property, variable or label."""
        if len(self.misplaced) == 2 and self._swapped():
            one, other = self.misplaced
            self.edits += [(a.start, a.end, written(b.value)) for a, b in ((one, other), (other, one))]
            self.repairs.append(f"{shown(one.value)} and {shown(other.value)} stood in each other's place")
            self.misplaced.clear()
            self.places.clear()
            return
        for literal, (place, *_) in zip(self.misplaced, self.places, strict=True):
            no = f"No {described(literal)} {shown(literal.value)}"
            self.notes.append(f"{no}; it is the {place.property} of {an(place.label)}.")
            if edits := self._moved(literal, place, query):
                text = (literal.start, literal.end, written(place.value))
                self.edits += [*edits, *([text] if place.value != literal.value else [])]
                self.repairs.append(f"{no}: looked for as {place.property} of {place.label}")

    def _moved(self, literal: Literal, place: Place, query: str) -> list[tuple[int, int, str]]:
        """The edits that compare the text with the property that has it; none where more than one way is right."""
        start, end = literal.name_place
        if place.label in literal.owners:
            return [(start, end, quoted(place.property))] if literal.owners == (place.label,) else []
        if (read := _USED.search(query, 0, start)) and (holder := _only(place.label, query)):
            return [(read.start(), end, f"{holder}.{quoted(place.property)}")]
        labels = [(start, end, quoted(place.label)) for start, end in literal.label_places]
        if place.property == literal.property:
            return labels
        return [*labels, (start, end, quoted(place.property))] if _unused_elsewhere(literal, query) else []

    def _swapped(self) -> bool:
        """Whether each of the two misplaced texts is where the query looks for the other."""
        return all(
            any(place.label in other.owners and place.property == other.property for place in places)
            for places, other in zip(self.places, reversed(self.misplaced), strict=True)
        )


def missing(query: str, schema: GraphSchema, graph: Connection, question: str = "") -> Missing:
    """What a query that found nothing looks for in vain, and what is near to that in the graph."""
    try:
        found = [literal for literal in literals(parse(query), schema) if literal.value.strip()]
    except CypherSyntaxError:
        return Missing(query)
    search = _Search(schema, Probes(graph), question)
    for literal in found[:_LITERALS]:
        if exists(literal, search.probes) is False:
            search.look(literal)
        else:
            search.settled.append(literal)
    search.move(query)
    return Missing(
        _edited(query, search.edits),
        tuple(search.repairs),
        tuple(search.notes),
        search.homes,
        tuple(search.nowhere),
    )


def _names_nodes(literal: Literal) -> bool:
    """Whether the text is the name of nodes of one label."""
    return literal.kind == "node" and len(literal.owners) == 1 and literal.operator == "=" and not literal.is_list


def _unused_elsewhere(literal: Literal, query: str) -> bool:
    """Whether nothing else in the query speaks of the node that has the text: then it may be one of another label.

    Whether such a node can stand there is for the checks to say.
    """
    if len(literal.label_places) != 1:
        return False
    node = re.search(r"\((\w*)\s*:\s*\Z", query[: literal.label_places[0][0]])
    return node is not None and (not node[1] or len(re.findall(rf"\b{node[1]}\b", _STRING.sub("''", query))) == 1)


def _only(label: str, query: str) -> str:
    """The one variable that a pattern of the query gives this label; empty when there is none, or more."""
    named = set(re.findall(rf"\((\w+):{re.escape(quoted(label))}(?=[ ){{])", query))
    return named.pop() if len(named) == 1 else ""


def shown(value: str) -> str:
    """The value in quotes, for a person."""
    return f"'{value}'"


def _edited(text: str, edits: Sequence[tuple[int, int, str]]) -> str:
    for start, end, new in sorted(set(edits), reverse=True):
        text = text[:start] + new + text[end:]
    return text
