"""A relationship in words, seen from its start or from its end, as it is and as it is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cypher_magic.data.generate.literals import OWNED
from cypher_magic.data.generate.words import article, plural

if TYPE_CHECKING:
    from cypher_magic.data.generate.naming import Frame, Noun


def as_start(frame: Frame, other: str, noun: Noun, many: bool) -> dict[str, list[str]]:
    """Ways to say that the noun is the start of the relationship, by kind of phrase."""
    tense = "past" if frame.tense == "past" else ("base" if many else "third")
    be = "were" if frame.tense == "past" and many else "was" if frame.tense == "past" else "are" if many else "is"
    of_trait = f"the {frame.end_nouns[0][0]} " if frame.trait and not other.startswith(("the ", "a ")) else ""
    clauses = [f"{noun.that} {v.form(tense)} {of_trait}{other}" for v in frame.verbs]
    if frame.held and not frame.trait:
        clauses = [f"{noun.that} {frame.verbs[0].form(tense)} {other} as {article(frame.held)}"]
        clauses += [f"with {other} as {frame.held}", f"with the {frame.held} {other}"]
    gerund = [f"{v.form('ing')} {other}" for v in frame.verbs if v.base not in ("have", "be")]
    states = [f"{s} {other}" for s in frame.states]
    states += [f"{noun.that} {be} {s} {other}" for s in frame.states]
    passive = [f"{noun.that} {other} {a.form('past')}" for a in frame.actors]
    heads = [_of(n, p, other, many) for n, p in frame.start_nouns]
    plain = not other.startswith(("the ", '"', "'", "a ", "an ")) and " or " not in other and " and " not in other
    trait = (
        [other, other.lower()]
        if frame.trait and plain and " " not in other
        else [other]
        if frame.trait and plain
        else []
    )
    trait_after = (
        [f"with {frame.end_nouns[0][0]} {other}", f"in the {other} {frame.end_nouns[0][0]}"] if frame.trait else []
    )
    return {
        "clause": clauses,
        "ing": gerund[:2],
        "state": states + trait_after,
        "passive": passive,
        "head": heads,
        "trait": trait,
    }


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
    states = [f"that {other} {their} {s}" for s in frame.states]
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


def be(frame: Frame, many: bool) -> str:
    """The form of "be" for the time that a relationship speaks of."""
    return ("were" if many else "was") if frame.tense == "past" else ("are" if many else "is")


def not_start(frame: Frame, other: str, noun: Noun, many: bool) -> list[str]:
    """Ways to say that the noun is not the start."""
    do = "did not" if frame.tense == "past" else ("do not" if many else "does not")
    short, that = do.replace(" not", "n't"), noun.that
    found = [f"{that} {not_} {v.form('base')} {other}" for v in frame.verbs for not_ in (do, short)]
    found += [f"{that} {be(frame, many)} not {s} {other}" for s in frame.states]
    return found + [f"not {s} {other}" for s in frame.states[:1]]


def not_end(frame: Frame, other: str, noun: Noun, many: bool) -> list[str]:
    """Ways to say that the noun is not the end."""
    do = "didn't" if frame.tense == "past" else "doesn't"
    found = [f"{that}{other} {do} {v.form('base')}" for v in frame.verbs for that in ("", "that ")]
    done = [v for v in frame.verbs if not v.particle and v.base != "have"]
    found += [f"{w}not {v.participle} by {other}" for v in done for w in ("", f"that {be(frame, many)} ")]
    found += [f"not {link} {other}" for link in frame.links]
    return found + [f"{noun.that} did not {a.form('base')} {other}" for a in frame.actors]


def _of(noun: str, preposition: str, other: str, many: bool) -> str:
    return f"{plural(noun) if many else noun} {preposition} {other}"
