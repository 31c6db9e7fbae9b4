"""How the labels, relationships and properties of one schema are said in English."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from cypher_magic.data.generate.lexicon import FOR_PEOPLE, LABELS, PEOPLE, RELATIONSHIPS
from cypher_magic.data.generate.lexicon_forms import IRREGULAR
from cypher_magic.data.generate.lexicon_verbs import ADJECTIVES, INTRANSITIVE, NOT_VERBS, PARTICLES, VERBS
from cypher_magic.data.generate.naming_properties import property_words
from cypher_magic.data.generate.words import Verb, article, base_of, plural, singular, verb, words

if TYPE_CHECKING:
    from cypher_magic.data.generate.lexicon_properties import PropertyWords
    from cypher_magic.graph.schema import GraphSchema, Triple


@dataclass(frozen=True)
class Noun:
    """What a kind of thing is called."""

    one: str
    many: str
    person: bool = False
    label: str = ""  # the label that it is a noun for

    @property
    def that(self) -> str:
        """The relative pronoun."""
        return "who" if self.person else "that"


@dataclass(frozen=True)
class Frame:
    """What a relationship says of its two ends: `start verb end`, `start is state end`, `the noun of end`."""

    verbs: tuple[Verb, ...] = ()
    tense: str = "present"
    states: tuple[str, ...] = ()
    start_nouns: tuple[tuple[str, str], ...] = ()  # ("actor", "in"): an actor in the end
    end_nouns: tuple[tuple[str, str], ...] = ()  # ("dependency", "of"): a dependency of the start
    links: tuple[str, ...] = ()  # end LINK start: films "with" somebody

    @property
    def held(self) -> str:
        """What the end is called where the start just has it: HAS_PART has a "part"; else ""."""
        have = bool(self.verbs) and self.verbs[0].base == "have" and not self.verbs[0].particle
        return self.end_nouns[0][0] if have and self.end_nouns else ""

    @property
    def open_states(self) -> tuple[str, ...]:
        """The states as they stand where no name follows: "in" and not "in the genre"."""
        if not self.trait:
            return self.states
        return tuple(state.removesuffix(f" the {self.end_nouns[0][0]}") for state in self.states)

    trait: bool = False  # the end is a trait of the start: "comedy films"
    actors: tuple[Verb, ...] = ()  # end VERB start, where the type is passive: TREATED_BY


@dataclass(frozen=True)
class Part:
    """One condition in words: in front of the noun, behind it, or another noun instead of it ("actors in ...")."""

    after: str = ""
    before: str = ""
    head: str = ""

    @property
    def clause(self) -> bool:
        """Whether it is a clause of its own, behind which nothing else may follow without "and"."""
        return self.after.startswith(("that ", "who ", "whose ", "where ")) or self.bare

    bare: bool = False  # a clause that may have no relative pronoun: "somebody directed"

    @property
    def led(self) -> Part:
        """The same with a relative pronoun: "that somebody directed"."""
        led = not self.bare or self.after.startswith(("that ", "who ", "whose "))
        return self if led else Part(f"that {self.after}", self.before, self.head, bare=True)


class Naming:
    """The words for everything in a schema; what is asked twice is worked out once."""

    def __init__(self, schema: GraphSchema) -> None:
        self.schema = schema
        self._nouns: dict[str, tuple[Noun, ...]] = {}
        self._frames: dict[Triple, Frame] = {}
        self._properties: dict[tuple[str, str], PropertyWords] = {}

    def nouns(self, label: str) -> tuple[Noun, ...]:
        """The nouns for a label, its own one first."""
        if label not in self._nouns:
            self._nouns[label] = _nouns(label, self._taken)
        return self._nouns[label]

    @cached_property
    def _taken(self) -> frozenset[str]:
        return frozenset(singular(" ".join(words(label))) for label in self.schema.labels)

    def frame(self, triple: Triple) -> Frame:
        """What a relationship between two labels is called."""
        if triple not in self._frames:
            ends = [singular(" ".join(words(triple.end))), *(n.one for n in self.nouns(triple.end))]
            self._frames[triple] = self._unshared(triple, frame(triple.type, ends))
        return self._frames[triple]

    def _unshared(self, triple: Triple, found: Frame) -> Frame:
        """The frame without what another relationship between the same labels has the better right to be called."""
        if self.several(triple, "start") or not self.nouns(triple.start)[0].person:
            kept = () if self.several(triple, "start") else found.start_nouns
            found = replace(found, start_nouns=tuple(n for n in kept if n[0] not in FOR_PEOPLE))
        if self.several(triple, "end"):
            found = replace(found, end_nouns=found.end_nouns if found.held or found.trait else ())
        if triple.start == triple.end:
            found = replace(found, links=())
        rivals = [t for t in self.schema.triples if t != triple and (t.start, t.end) == (triple.start, triple.end)]
        if not rivals:
            return found
        others = [(t, frame(t.type, [])) for t in rivals]
        stronger = [f for t, f in others if _strength(t.type) < _strength(triple.type)]
        own = {f.verbs[0].form("base") for _, f in others if f.verbs}
        lost = own.union(*({v.form("base") for v in f.verbs} for f in stronger)) if stronger else own
        nouns = {n for f in stronger for n in f.start_nouns} | {n for f in stronger for n in f.end_nouns}
        links = {link for f in stronger for link in f.links}
        return replace(
            found,
            verbs=(*found.verbs[:1], *(v for v in found.verbs[1:] if v.form("base") not in lost)),
            start_nouns=tuple(n for n in found.start_nouns if n not in nouns),
            end_nouns=tuple(n for n in found.end_nouns if n not in nouns),
            links=tuple(link for link in found.links if link not in links),
        )

    def rivals(self, triple: Triple) -> bool:
        """Whether the labels alone do not say which relationship is meant, or which of its ends is which."""
        ends = {triple.start, triple.end}
        return len(ends) == 1 or any(t != triple and {t.start, t.end} == ends for t in self.schema.triples)

    def several(self, triple: Triple, side: str) -> bool:
        """Whether things of other labels stand at this side of the same type too: doctors and nurses work in a ward."""
        far = "end" if side == "start" else "start"
        return any(
            t != triple and t.type == triple.type and getattr(t, far) == getattr(triple, far)
            for t in self.schema.triples
        )

    def elsewhere(self, label: str, triple: Triple, name: str) -> bool:
        """Whether a property of a relationship could be taken for one of the label, or of another relationship."""
        near = {t.type for t in self.schema.triples if label in (t.start, t.end)} - {triple.type}
        types = self.schema.relationship_types
        return name in self.schema.labels.get(label, ()) or any(name in types.get(t, ()) for t in near)

    def property(self, owner: str, name: str) -> PropertyWords:
        """The words for a property; `owner` is a label or a relationship type."""
        key = (owner, name)
        if key not in self._properties:
            known = self.schema.labels.get(owner) or self.schema.relationship_types.get(owner) or {}
            self._properties[key] = property_words(name, words(owner) if owner else [], known.get(name, ""))
        return self._properties[key]


_FIRST = ("direct", "author", "write", "compose", "create", "make", "paint", "publish", "own", "act")


def _strength(type_: str) -> tuple[int, str]:
    """Which of two relationships "films by somebody" means: lower wins."""
    base = (base_of(words(type_)[0]) or (words(type_)[0], ""))[0]
    return (_FIRST.index(base) if base in _FIRST else len(_FIRST), type_)


def _nouns(label: str, taken: frozenset[str]) -> tuple[Noun, ...]:
    parts = words(label)
    own = singular(" ".join(parts))
    known = LABELS.get(own) or LABELS.get(parts[-1] if len(parts) == 1 else "", "")
    others = [n.strip() for n in known.split(",") if n.strip() and n.strip() not in taken]
    person = singular(parts[-1]) in PEOPLE
    return tuple(Noun(n, plural(n), person, label) for n in [own, *others])


def frame(type_: str, ends: list[str]) -> Frame:
    """What the name of a relationship type says, given what its end is called."""
    parts = words(type_)
    first, rest = parts[0], parts[1:]
    if (
        rest
        and " ".join(rest) in {*ends, *(plural(e) for e in ends)}
        and (first in PARTICLES or first in ("has", "have", "is"))
    ):
        return _trait(first, rest)
    if first in ("is", "are", "was", "be") and rest:
        return frame("_".join(rest), ends) if base_of(rest[0]) or rest[0] in VERBS else _state(rest)
    if first in ("has", "have") and rest:
        return _having(rest, ends)
    if first in PARTICLES:
        bare = not rest or rest[-1] in PARTICLES
        return Frame(states=(" ".join(parts),)) if bare else _trait(first, rest)
    return _verbal(first, rest) or _noun(parts)


def _having(rest: list[str], ends: list[str]) -> Frame:
    """HAS_PART, HAS_VISITED, HAS_ACCESS_TO."""
    if base_of(rest[0]):
        return frame("_".join(rest), ends)
    if rest[-1] in PARTICLES:
        return Frame((verb("have", " ".join(rest)),))
    return _owning(singular(" ".join(rest)))


def _owning(noun: str) -> Frame:
    return Frame((verb("have"),), end_nouns=((noun, "of"),), links=("of",))


def _verbal(first: str, rest: list[str]) -> Frame | None:
    particle = " ".join(rest)
    known = ("find", "past") if first == "found" else base_of(first)
    if known and known[1] == "ing":
        return Frame(states=(" ".join([first, *rest]),))
    if known:
        base = known[0]
        if rest and rest[-1] == "by":
            return _passive(base, rest)
        done = verb(base)
        if rest and {*rest} <= PARTICLES and base not in INTRANSITIVE and first == done.participle:
            return _from_lexicon(f"{base} {particle}", "present", Frame(states=(f"{done.participle} {particle}",)))
        return _from_lexicon(f"{base} {particle}".strip(), "past", Frame((verb(base, particle),)))
    if first in NOT_VERBS:
        return None
    for base in (first, first[:-1], first[:-2], first[:-3] + "y"):
        form = base == first or first == verb(base).third
        told = base != first and (base in IRREGULAR or (rest and rest[-1] in PARTICLES))  # meets, stands in
        if form and (base in VERBS or told):
            return _from_lexicon(f"{base} {particle}".strip(), "present", Frame((verb(base, particle),)))
    return None


def _passive(base: str, rest: list[str]) -> Frame:
    """TREATED_BY: the end did it."""
    said = RELATIONSHIPS.get(base, "")
    actors = _verbs(said) or (verb(base),)
    _, start_nouns, end_nouns, _ = _lexical(said)
    state = " ".join([verb(base).participle, *rest])
    return Frame(states=(state,), actors=actors, end_nouns=start_nouns, start_nouns=end_nouns, tense="past")


def _noun(parts: list[str]) -> Frame:
    """A type that is a noun or an adjective: MEMBER_OF, AVAILABLE_AT, FRIEND, GENRE."""
    said = " ".join(parts)
    if said in RELATIONSHIPS:
        return _from_lexicon(said, "present", Frame())
    if parts[-1] in PARTICLES and len(parts) > 1:
        noun = " ".join(parts[:-1])
        if parts[0] in ADJECTIVES:
            return Frame(states=(said,))
        states = (f"the {noun} of", f"{article(noun)} of") if parts[-1] == "of" else (f"{article(noun)} {parts[-1]}",)
        return Frame(states=states, start_nouns=((noun, parts[-1]),))
    return _owning(singular(said))


def _trait(first: str, rest: list[str]) -> Frame:
    noun = singular(" ".join(rest))
    preposition = first if first in PARTICLES and first not in ("of", "by") else "in"
    states = (f"{preposition}", f"{preposition} the {noun}") if first in PARTICLES else ()
    verbs = (verb("belong", "to"),) if first in ("in", "of") else (verb("have"),)
    return Frame(verbs, states=states, end_nouns=((noun, "of"),), links=("of",), trait=True)


def _state(rest: list[str]) -> Frame:
    said = " ".join(rest)
    found = RELATIONSHIPS.get(said)
    return _from_lexicon(said, "present", Frame()) if found else Frame(states=(said,))


def _from_lexicon(key: str, tense: str, otherwise: Frame) -> Frame:
    said = RELATIONSHIPS.get(key)
    if not said:
        return replace(otherwise, tense=tense)
    verbs, states = [], []
    for v in _lexical(said)[0]:
        head, _, tail = v.partition(" ")
        if head == "be" and tail:
            states.append(tail)
        else:
            verbs.append(_two_words(v))
    own = otherwise.verbs[:1]
    verbs = [*own, *(v for v in verbs if v not in own)]
    _, start_nouns, end_nouns, links = _lexical(said)
    return Frame(
        tuple(verbs),
        tense,
        (*otherwise.states, *(s for s in states if s not in otherwise.states)),
        start_nouns,
        end_nouns,
        links,
    )


def _lexical(said: str) -> tuple[list[str], tuple[tuple[str, str], ...], tuple[tuple[str, str], ...], tuple[str, ...]]:
    fields = [[part.strip() for part in field.split(",") if part.strip()] for field in said.split("|")]
    verbs, starts, ends, links = [*fields, [], [], [], []][:4]
    return verbs, tuple(_with_preposition(n) for n in starts), tuple(_with_preposition(n) for n in ends), tuple(links)


def _with_preposition(text: str) -> tuple[str, str]:
    noun, _, preposition = text.rpartition(" ")
    return noun, preposition


def _verbs(said: str) -> tuple[Verb, ...]:
    return tuple(_two_words(v) for v in _lexical(said)[0] if not v.startswith("be "))


def _two_words(text: str) -> Verb:
    base, _, particle = text.partition(" ")
    return verb(base, particle)
