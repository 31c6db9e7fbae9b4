"""Kinds of sentences: questions, requests, searches, and questions whose main clause is a relationship."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cypher_magic.data.generate.conditions import Has, Related
from cypher_magic.data.generate.relating import in_number
from cypher_magic.data.generate.words import article, plural

if TYPE_CHECKING:
    from cypher_magic.data.generate.saying import Saying
    from cypher_magic.data.generate.thing import Thing
    from cypher_magic.data.generate.voice import Voice


SHOW = (
    "[List|Show|Show me|Give me|Name|Find|Get|Display|Return|Fetch|Find me|Get me|Tell me]",
    "[Please list|Please show|Can you list|Can you show me|Could you give me|Could you find|Can you find|Please find]",
    "[I want|I want to see|I need|I'd like to see|I would like to see|I am looking for|I'm looking for]",
)


def question(v: Voice, text: str) -> str:
    """The text as a question."""
    text = text.strip()
    text = text if v.chance(0.12) else text[:1].upper() + text[1:]
    return text if v.chance(0.1) else text + "?"


def order(v: Voice, text: str) -> str:
    """The text as a request."""
    text = " ".join(text.split())
    text = text[:1].upper() + text[1:] if not v.chance(0.12) else text[:1].lower() + text[1:]
    asked = text.lower().startswith(("can ", "could "))
    return text + ("?" if asked and not v.chance(0.1) else "" if v.chance(0.7) else ".")


def terse(v: Voice, text: str) -> str:
    """The text as one types it into a search box."""
    text = " ".join(text.split())
    return text if v.chance(0.6) else text[:1].upper() + text[1:]


def main_clause(s: Saying, thing: Thing, *, many: bool, lead: str = "", asked: str = "") -> str:
    """A question whose main clause is a relationship: "which films did X direct"; "" where there is none.

    `lead` stands in front of the noun ("how many"), `asked` stands instead of it ("which of them").
    """
    found = [
        c for c in thing.conditions if isinstance(c, Related) and not c.has and (c.other.pin or not c.other.conditions)
    ]
    if not found or len(thing.conditions) > 2:
        return ""
    v, condition = s.voice, found[-1]
    frame = s.naming.frame(condition.triple)
    other = s.other(condition.other)
    plain = len(thing.conditions) == 1
    noun = s.noun(thing.label)
    rest = replace(thing, conditions=tuple(c for c in thing.conditions if c is not condition))
    if not plain and any(not isinstance(c, Has) for c in rest.conditions):
        return ""
    head = (s.many(rest) if many else s.one(rest)) if not plain else (noun.many if many else noun.one)
    alone = not s.naming.several(condition.triple, condition.side)  # "who" and "what" mean one label
    person = noun.person and plain and alone
    past = frame.tense == "past"
    many = many or bool(lead)
    if asked:
        wh = asked
    elif lead:
        wh = f"{lead} {s.many(rest) if not plain else noun.many}"
    elif condition.side == "start" and frame.start_nouns and plain and v.chance(0.3):
        agent = v.vary(frame.start_nouns)[0]
        wh = f"{v.vary(['which', 'what'])} {plural(agent) if many else agent}"
    elif person and v.chance(0.7):
        wh, many = "who", False
    elif plain and alone and not noun.person and condition.side == "end" and v.chance(0.2):
        wh, many = "what", False
    else:
        wh = f"{v.vary(['which', 'what'])} {head}"
    be = ("were" if many else "was") if past else ("are" if many else "is")
    if condition.side == "start":
        tense = "past" if past else ("base" if many else "third")
        options = [f"{wh} {verb.form(tense)} {other}" for verb in frame.verbs]
        if frame.held and not frame.trait:
            options = [f"{wh} {frame.verbs[0].form(tense)} {other} as {article(frame.held)}"]
        states = frame.states if condition.other.pin else frame.open_states
        options += [f"{wh} {be} {in_number(state, many)} {other}" for state in states]
        options += [f"{wh} did {other} {a.form('base')}" for a in frame.actors]
        if wh == "who" and frame.start_nouns:
            noun_, preposition = v.vary(frame.start_nouns)
            number = v.chance(0.5)
            options += [
                f"who {'are' if number else 'is'} the {plural(noun_) if number else noun_} {preposition} {other}"
            ]
            options += [f"who was the {noun_} {preposition} {other}"] if past else []
            if preposition == "of":
                options += [f"who is {other}'s {noun_}"]
        passive = [verb for verb in frame.verbs if not verb.particle and verb.base not in ("have", "be")]
        if wh == "who" and past:
            options += [f"by whom was {other} {verb.participle}" for verb in passive[:1]]
    else:
        do = "did" if past else ("do" if not condition.other.pin and not other.startswith(("a ", "an ")) else "does")
        if frame.held and plain and wh.endswith((noun.one, noun.many)) and not asked:
            wh = f"{lead or v.vary(['which', 'what'])} {plural(frame.held) if many else frame.held}"
        options = [f"{wh} {do} {other} {verb.form('base')}" for verb in frame.verbs]
        options += [
            f"{wh} {be} {verb.participle} by {other}"
            for verb in frame.verbs
            if not verb.particle and verb.base not in ("have", "be")
        ]
        options += [f"{wh} {'is' if do == 'does' or past else 'are'} {other} {state}" for state in frame.open_states]
        options += [f"{wh} {a.form('past')} {other}" for a in frame.actors]
        options += [f"{wh} {be} {link} {other}" for link in frame.links if link not in ("of", "in") and wh != "what"]
        if frame.end_nouns and plain and not lead and not asked:
            noun_, preposition = v.vary(frame.end_nouns)
            options += [
                f"what {'are' if many else 'is'} the {plural(noun_) if many else noun_} {preposition} {other}"
            ] * 2
    return v.pick("m", options) if options else ""
