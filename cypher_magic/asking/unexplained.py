"""Words of a question that neither the query nor any name in the graph explains, and what the graph knows of them.

    crime books                    MATCH (b:Book) RETURN b.title      'Crime' is the name of a Genre
    How many spaceships are there? MATCH (m:Movie) RETURN count(m)    nothing is called 'spaceships'

A word is explained by the query, by the names in the graph and all that the lexicon has for them, and by being one that
questions are made of. So the graph is asked about few words, of few questions.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cypher_magic.asking.near import Place, Probes, texts_of, within
from cypher_magic.asking.spans import spans_of
from cypher_magic.data.agreement.vocabulary import stems, vocabulary, words_of
from cypher_magic.data.agreement.wanted import shown_kinds
from cypher_magic.data.generate.spaced import spaced
from cypher_magic.data.generate.words import singular
from cypher_magic.query.fits import label_tokens
from cypher_magic.query.naming import an
from cypher_magic.query.parse import Node, unquoted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Set as AbstractSet

    from cypher_magic.graph.neo4j_graph import Connection
    from cypher_magic.graph.schema import GraphSchema
    from cypher_magic.query.parse import Query

SECONDS = 1.5  # for all looks at the graph, of one query
_SHORTEST = 3  # letters of a word
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
# What questions are made of: words that join and ask, and words for whatever a graph or a table has.
_JOINING = frozenset(
    spaced("""
a an the of in on at to from for with by about into over under through as against than that which who whom whose what
where when how why is are was were be been being do does did done doing has have had having can could will would
should may might must there here it its they them their he she his her hers him and or but not no nor if then so such
only also both either neither any some me my us our you your we i i'd i'll let's this these those between during
before after since until within without per too very please ever still again together exist exists available else
whether while because every each all via one ones two three four five six seven eight nine ten zero none never don't
doesn't didn't isn't aren't wasn't weren't many much more less few fewer fewest most least show tell give list find
get return display count compute calculate check name fetch search look looking see know want need like would make
made given take taken come came go went say said called named known got let add out just even along apart among
including excluding except exactly true false own ids everyone everybody anyone anybody someone somebody nobody
everything something anything nothing
""")
)
_GENERAL = frozenset(
    stem
    for word in spaced("""
thing item entry record number amount total sum average mean median maximum minimum max min percentage percent ratio
share proportion list name title kind type sort detail description information info data result value property
relationship relation connection link node path pair group label combination distribution example graph database top
bottom first last highest lowest longest shortest largest smallest biggest greatest different distinct unique same
similar other person people individual time date year month week day hour minute second decade century hop step degree
distance length size place position way row rest code level range set order answer question difference attribute
entity object overall common frequent often popular recent new old early late good bad high low long short big small
great exact occurrence instance case part whole half member piece figure rank ranking score rate digit letter word
text sentence page column table field start begin end far unknown
""")
    for stem in stems(word)
)
_BEFORE_NOUN = re.compile(  # what a thing is asked for with
    r"\b(?:how many|number of|(?:what|who) (?:is|are|was|were) the|(?:what|which)|(?:names?|titles?) of(?: the| all)*|"
    r"(?:list|show|find|give|get|display)(?: me| us)?(?: all| the| any| every| each| some)*|"
    r"(?:and|with) (?:their|its|his|her)|per|for each|for every)\s+",
    re.IGNORECASE,
)
_LONGEST = 3  # words of a noun and those in front of it


@dataclass(frozen=True)
class Unexplained:
    """What the graph has of such words, and those that it has nothing of, as the question says them."""

    forgotten: tuple[Place, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def lines(self) -> list[str]:
        """A sentence for each text that is left out."""
        places: dict[str, list[Place]] = {}
        for place in self.forgotten:
            places.setdefault(place.value, []).append(place)
        told = {text: " or ".join(f"the {p.property} of {an(p.label)}" for p in of) for text, of in places.items()}
        return [f"The question says {text!r}, {of}, and the query does not." for text, of in told.items()]

    @property
    def notes(self) -> list[str]:
        """The same, and a sentence about what names nothing in the graph."""
        named = " or ".join(map(repr, self.unknown))
        return [
            *self.lines,
            *([f"Nothing in the graph is called {named}: see what is shown instead."] if named else []),
        ]


def unexplained(question: str, query: Query, schema: GraphSchema, graph: Connection) -> Unexplained:
    """The texts of the graph that the question names and the query leaves out, and what names nothing in the graph.

    Texts only where it is plain that they are meant: written as in the graph, or held by more than one node or by nodes
    of a label that the query does not show, as a genre or a status is. "Big movies" are not those called 'Big'.
    """
    words = _left(question, query, schema)
    if not words:
        return Unexplained()
    probes, labels = Probes(graph, SECONDS), _labels(query)
    found = _places(question, words, schema, probes, labels)
    shown = shown_kinds(query)
    main = labels if shown is None else shown[0] | shown[1]
    told = query.text.casefold().replace("\\'", "'")
    meant = [p for p in found if p.value.casefold() not in told and _meant(p, found, question, main)]
    longest = max((len(place.value) for place in meant), default=0)
    known = {stem for place in found for word in words_of(place.value) for stem in stems(word)}
    nouns = () if probes.ended else _nouns(question, words)
    unknown = [noun for noun, of in nouns if all(known.isdisjoint(stems(word)) for word in of)]
    forgotten = [place for place in meant if len(place.value) == longest]
    return Unexplained(tuple(dict.fromkeys(forgotten)), tuple(dict.fromkeys(unknown)))


def _left(question: str, query: Query, schema: GraphSchema) -> list[str]:
    """The words that nothing explains, in lower case."""
    told = query.text.casefold()
    known = _GENERAL | vocabulary(schema).stems | {stem for word in words_of(query.text) for stem in stems(word)}
    found = []
    for said in _WORD.findall(question):
        word = _bare(said)
        parts = {stem for part in (*words_of(said), word) for stem in stems(part)}
        if len(word) >= _SHORTEST and word not in _JOINING and word not in told and parts.isdisjoint(known):
            found.append(word)
    return list(dict.fromkeys(found))


def _places(
    question: str, words: list[str], schema: GraphSchema, probes: Probes, first: AbstractSet[str]
) -> list[Place]:
    """Where the graph has texts that hold one of these words and stand in the question; one for each node."""
    spans = [span for span in spans_of(question) if any(_bare(w) in words for w in _WORD.findall(span))]
    texts = list(dict.fromkeys(text for span in spans for text in (span, _singular(span))))
    labels = sorted(schema.labels, key=lambda label: label not in first)
    return [place for label in labels for place in within(texts, label, texts_of(label, schema), probes)]


def _meant(place: Place, found: list[Place], question: str, labels: AbstractSet[str]) -> bool:
    """Whether the question means this text: as a name, or as what several nodes have, or nodes of another label."""
    begins = question.lstrip().startswith(place.value) and " " not in place.value
    if place.value in question and place.value != place.value.lower() and not begins:
        return True
    return place.label not in labels or found.count(place) > 1


def _nouns(question: str, left: list[str]) -> Iterator[tuple[str, list[str]]]:
    """What things are asked for with, behind "how many" or "what is the", where none of its words is explained.

    As the question says it, with its words.
    """
    for before in _BEFORE_NOUN.finditer(question):
        end = before.end()
        said: list[str] = []
        for word in _WORD.finditer(question, end):
            apart = question[end : word.start()].strip(" -")
            if apart or word[0][0].isupper() or _bare(word[0]) in _JOINING or len(said) == _LONGEST:
                break
            said.append(word[0])
            end = word.end()
        nouns = [word for word in said if not stems(_bare(word)) <= _GENERAL]
        if nouns and all(_bare(word) in left for word in nouns) and said[-1] == nouns[-1]:
            yield " ".join(nouns), [_bare(word) for word in nouns]


def _labels(query: Query) -> set[str]:
    """The labels that the query names."""
    nodes = (part for part in query.tree.walk() if isinstance(part, Node) and part.data == "node")
    return {unquoted(token) for node in nodes for one in node.parts("labels") for token in label_tokens(one)}


def _bare(word: str) -> str:
    return re.sub("['’]s?$", "", word.casefold())


def _singular(text: str) -> str:
    """The text with its last word in the singular: tragicomedies."""
    head, blank, last = text.rpartition(" ")
    return f"{head}{blank}{singular(last.lower())}"
