"""A relationship in words, seen from its start or from its end, as it is and as it is not."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cypher_magic.data.generate.literals import OWNED
from cypher_magic.data.generate.spaced import spaced
from cypher_magic.data.generate.words import article, plural

if TYPE_CHECKING:
    from cypher_magic.data.generate.naming import Frame, Noun
    from cypher_magic.data.generate.words import Verb


def as_start(frame: Frame, other: str, noun: Noun, many: bool) -> dict[str, list[str]]:
    """Ways to say that the noun is the start of the relationship, by kind of phrase."""
    tense = "past" if frame.tense == "past" else ("base" if many else "third")
    be = "were" if frame.tense == "past" and many else "was" if frame.tense == "past" else "are" if many else "is"
    of_trait = f"the {frame.end_nouns[0][0]} " if frame.trait and _bare_name(frame, other) else ""
    clauses = [f"{noun.that} {v.form(tense)} {of_trait}{other}" for v in frame.verbs]
    if frame.held and not frame.trait:
        clauses = [f"{noun.that} {frame.verbs[0].form(tense)} {other} as {article(frame.held)}"]
        clauses += [f"with {other} as {frame.held}", f"with the {frame.held} {other}"]
    gerund = [f"{v.form('ing')} {other}" for v in frame.verbs if v.base not in ("have", "be")]
    known = frame.states if _bare_name(frame, other) else frame.open_states
    states = [f"{s} {other}" for s in known if not _NOUN.match(s)]
    states += [f"{noun.that} {be} {in_number(s, many)} {other}" for s in known]
    passive = [f"{noun.that} {other} {a.form('past')}" for a in frame.actors]
    heads = [_of(n, p, other, many) for n, p in frame.start_nouns]
    plain = not other.startswith(("the ", '"', "'", "a ", "an ")) and " or " not in other and " and " not in other
    trait = [other, other.lower()] if other.replace("-", "").isalpha() else [other]
    return {
        "clause": clauses,
        "ing": gerund[:2],
        "state": states + _with_trait(frame, other),
        "passive": passive,
        "head": heads,
        "trait": trait if plain and _is_class(frame) else [],
    }


def _bare_name(frame: Frame, other: str) -> bool:
    """Whether the other is a name in front of which "the genre" may stand."""
    said = other.split()
    nouns = {w for noun, _ in frame.end_nouns for w in (noun, plural(noun))}
    return bool(said) and said[0] not in _DETERMINERS and not said[0].isdigit() and not nouns & {*said}


_DETERMINERS = frozenset(spaced("the a an both either any no more at exactly just only fewer less over"))
_CLASSES = frozenset(
    spaced("genre category type kind class style group topic subject field area region sector industry colour color")
)


def _is_class(frame: Frame) -> bool:
    """Whether the trait is what things are sorted by, as in "comedy films"."""
    return frame.trait and frame.end_nouns[0][0].rpartition(" ")[2] in _CLASSES


def _with_trait(frame: Frame, other: str) -> list[str]:
    if not frame.trait:
        return []
    noun = frame.end_nouns[0][0]
    bare = _bare_name(frame, other)
    found = [f"with {noun} {other}" if bare else f"with {other}"]
    if _is_class(frame):
        found += [f"in the {other} {noun}" if bare else f"in {other}"]
    return found


def as_end(
    frame: Frame, other: str, noun: Noun, many: bool, plural_other: bool, possessives: bool
) -> dict[str, list[str]]:
    """Ways to say that the noun is the end of the relationship, by kind of phrase."""
    tense = "past" if frame.tense == "past" else ("base" if plural_other else "third")
    be = ("were" if many else "was") if frame.tense == "past" else ("are" if many else "is")
    their = "are" if plural_other else "is"
    verbs = frame.verbs if frame.trait or not frame.held else ()
    clauses = [f"{that}{other} {v.form(tense)}" for v in verbs for that in ("", "that ")]
    passive = [
        f"{lead}{v.participle} by {other}"
        for v in frame.verbs
        if not v.particle and v.base != "have"
        for lead in ("", f"that {be} ")
    ]
    states = [f"that {other} {their} {s}" for s in frame.open_states]
    actors = [f"{noun.that} {a.form('past')} {other}" for a in frame.actors]
    links = [f"{link} {other}" for link in frame.links]
    heads = [_of(n, p, other, many) for n, p in frame.end_nouns]
    short = len(other) < 30 and not any(
        f" {w} " in f" {other} " for w in ("a", "an", "in", "with", "who", "that", "by", "or", "and")
    )
    short = short and possessives and other[:1] not in "'\""
    heads += [f"{OWNED}{other}'s {plural(n) if many else n}" for n, p in frame.end_nouns if p == "of" and short]
    if frame.links and short and not plural_other:
        heads += [f"{OWNED}{other}'s {noun.many if many else noun.one}"]
    return {"clause": clauses, "passive": passive, "state": states, "actor": actors, "link": links, "head": heads}


JOINT = frozenset(  # what is done together, if two do it to the same thing
    spaced("""act star appear play perform direct make shoot film produce write author compose sing record create
    develop build design work contribute participate compete travel visit attend join found publish maintain run manage
    lead rate score give belong""")
)


def jointly(verb: Verb, name: str, past: bool) -> tuple[str, str]:
    """Ways to go on from "played in a film": with Jo, or (of what nobody does together) that Jo takes too."""
    if verb.base in JOINT:
        return f"with {name}", f"together with {name}"
    done = verb.form("past" if past else "third")
    return f"that {name} {done} too", f"that {name} also {done}"


_NOUN = re.compile(r"(?:an?|the) (\w+)\b(?= )")


def in_number(state: str, many: bool) -> str:
    """A state as it is said of one or of many: "a child of", "children of"."""
    return _NOUN.sub(lambda m: plural(m[1]), state) if many and _NOUN.match(state) else state


def be(frame: Frame, many: bool) -> str:
    """The form of "be" for the time that a relationship speaks of."""
    return ("were" if many else "was") if frame.tense == "past" else ("are" if many else "is")


def not_start(frame: Frame, other: str, noun: Noun, many: bool) -> list[str]:
    """Ways to say that the noun is not the start."""
    do = "did not" if frame.tense == "past" else ("do not" if many else "does not")
    short, that = do.replace(" not", "n't"), noun.that
    held = f"the {frame.end_nouns[0][0]} " if frame.trait and frame.held and _bare_name(frame, other) else ""
    found = [f"{that} {not_} {v.form('base')} {held}{other}" for v in frame.verbs for not_ in (do, short)]
    known = frame.states if _bare_name(frame, other) else frame.open_states
    found += [f"{that} {be(frame, many)} not {in_number(s, many)} {other}" for s in known]
    return found + [f"not {in_number(s, many)} {other}" for s in known[:1]]


def not_end(frame: Frame, other: str, noun: Noun, many: bool) -> list[str]:
    """Ways to say that the noun is not the end."""
    do = "didn't" if frame.tense == "past" else "doesn't"
    found = [f"{that}{other} {do} {v.form('base')}" for v in frame.verbs for that in ("", "that ")]
    done = [v for v in frame.verbs if not v.particle and v.base != "have"]
    found += [f"{w}not {v.participle} by {other}" for v in done for w in ("", f"that {be(frame, many)} ")]
    found += [f"that {other} is not {s}" for s in frame.open_states if not frame.verbs]
    found += [f"not {link} {other}" for link in frame.links]
    return found + [f"{noun.that} did not {a.form('base')} {other}" for a in frame.actors]


def _of(noun: str, preposition: str, other: str, many: bool) -> str:
    return f"{plural(noun) if many else noun} {preposition} {other}"
