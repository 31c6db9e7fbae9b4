"""The words that a question may name the things of a graph with: its own names, and those of the lexicon for them."""

from __future__ import annotations

import dataclasses
import re
from collections import defaultdict
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

from cypher_magic.data.generate.naming import Naming
from cypher_magic.data.generate.naming_properties import property_words
from cypher_magic.data.generate.words import base_of, plural, singular, words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cypher_magic.data.generate.lexicon_properties import PropertyWords
    from cypher_magic.graph.schema import GraphSchema

_WORD = re.compile(r"[^\W\d_]+")
_ENDING = re.compile(r"(?:ing|ed|er|or|ion|e)$")
_KEPT = 16  # vocabularies


class Vocabulary:
    """The words for one schema; what is asked twice is worked out once."""

    def __init__(self, schema: GraphSchema) -> None:
        self._schema, self._naming = schema, Naming(schema)

    @cached_property
    def labels(self) -> dict[str, frozenset[str]]:
        """The labels by what things of theirs are called, one and many; without what is a property's name as well."""
        found: dict[str, set[str]] = defaultdict(set)
        for label in self._schema.labels:
            own = singular(" ".join(words(label)))
            nouns = [noun for one in self._naming.nouns(label) for noun in (one.one, one.many)]
            for noun in (own, plural(own), " ".join(words(label)), *nouns):
                found[noun.lower()].add(label)
        return {n: frozenset(of) for n, of in found.items() if not {n, singular(n)} & self.properties}

    @cached_property
    def people(self) -> frozenset[str]:
        """The labels of people."""
        return frozenset(label for label in self._schema.labels if self._naming.nouns(label)[0].person)

    @cached_property
    def properties(self) -> frozenset[str]:
        """The names of properties, in words."""
        return frozenset(" ".join(words(name)) for name, _, _ in properties_of(self._schema))

    @cached_property
    def flags(self) -> frozenset[str]:
        """The words of properties that are true or false: "insured" patients."""
        return frozenset(
            word for name, _, type_ in properties_of(self._schema) if "BOOLEAN" in type_ for word in words(name)
        )

    @cached_property
    def stems(self) -> frozenset[str]:
        """The stems of all words that anything in the graph may be named with."""
        said: list[Any] = [(label, self._naming.nouns(label)) for label in self._schema.labels]
        said.extend((triple.type, self._naming.frame(triple)) for triple in self._schema.triples)
        said.extend((one[0], words_for(*one)) for one in properties_of(self._schema))
        return frozenset(stem for text in _texts(said) for word in words_of(text) for stem in stems(word))

    @cached_property
    def asks(self) -> list[tuple[re.Pattern[str], frozenset[str]]]:
        """Whole questions for a property of one thing, "how can I call ...", and the properties that they ask for."""
        found: dict[str, set[str]] = defaultdict(set)
        for name, owner, type_ in properties_of(self._schema):
            if owner in self._schema.labels:
                for asked in filter(None, words_for(name, owner, type_).asks):
                    found[asked].add(name)
        return [(_question(asked), frozenset(names)) for asked, names in found.items()]


_KNOWN: dict[str, Vocabulary] = {}


def vocabulary(schema: GraphSchema) -> Vocabulary:
    """The words for a schema."""
    key = schema.fingerprint
    if key not in _KNOWN:
        if len(_KNOWN) >= _KEPT:
            _KNOWN.clear()
        _KNOWN[key] = Vocabulary(schema)
    return _KNOWN[key]


def properties_of(schema: GraphSchema) -> Iterator[tuple[str, str, str]]:
    """Every property of the graph: its name, what has it, its type."""
    for known in (schema.labels, schema.relationship_types):
        for owner, properties in known.items():
            yield from ((name, owner, type_) for name, type_ in properties.items())


@lru_cache(maxsize=10_000)
def words_for(name: str, owner: str, type_: str) -> PropertyWords:
    """The words for a property; a search asks for them at every step."""
    return property_words(name, words(owner), type_)


def words_of(text: str) -> list[str]:
    """The words of a text or of a name, in lower case: `bloodType` has two."""
    return [word for part in _WORD.findall(text) for word in words(part)]


def stems(word: str) -> set[str]:
    """What a word has in common with its other forms: rated and ratings, wrote and written, people and person."""
    word = word.casefold()
    base = base_of(word)
    return {_ENDING.sub("", form) for form in (word, singular(word), *(base[:1] if base else ()))}


def _question(asked: str) -> re.Pattern[str]:
    """A pattern for a whole question; {x} is any thing."""
    text = ".{1,80}?".join(map(re.escape, asked.split("{x}")))
    return re.compile(rf"\W*(?:and |so |please )?{text}\W*\Z", re.IGNORECASE)


def _texts(said: Any) -> Iterator[str]:
    """The texts in the words for something, however they are nested."""
    if isinstance(said, str):
        yield said
    elif isinstance(said, tuple | list):
        for one in said:
            yield from _texts(one)
    elif dataclasses.is_dataclass(said):
        for one in dataclasses.fields(said):
            yield from _texts(getattr(said, one.name))
