"""Follow-ups that change one thing of the question before: who it is about, which property, which relationship."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cypher_magic.data.generate import meaning as ask
from cypher_magic.data.generate.conditions import AlsoRelated, Has, Related
from cypher_magic.data.generate.naming import Noun
from cypher_magic.data.generate.sentences import main_clause, question, terse
from cypher_magic.data.generate.thing import Pin, Thing
from cypher_magic.data.generate.words import is_plural

if TYPE_CHECKING:
    from collections.abc import Callable

    from cypher_magic.data.generate.draw import Drawer
    from cypher_magic.data.generate.meaning import Meaning
    from cypher_magic.data.generate.saying import Saying


_THEY = re.compile(r"\b(does|is|was) they\b")
_PLURAL = {"does": "do", "is": "are", "was": "were"}


@dataclass(frozen=True)
class Following:
    """A question that only makes sense after another one."""

    kind: str
    meaning: Meaning
    say: Callable[[Saying], str]


def _pinned(thing: Thing) -> Thing | None:
    """The one thing that is named, in whatever condition."""
    if thing.pin:
        return thing
    named = [c.other for c in thing.conditions if isinstance(c, Related) and c.other.pin]
    return named[0] if len(named) == 1 else None


def other_entity(d: Drawer, before: Meaning) -> Following | None:
    """Asks on, as in: and Kevin Bacon."""
    thing = before.thing
    old = _pinned(thing) if thing else None
    if not thing or not old or not before.remake:
        return None
    new = _entity(d, thing, old)
    if not new or not new.pin or new == old:
        return None
    changed = new if thing.pin else Thing(thing.label, thing.key, tuple(
        replace(c, other=new) if isinstance(c, Related) and c.other == old else c for c in thing.conditions
    ))  # fmt: skip

    def say(s: Saying) -> str:
        v, name = s.voice, s.named(new)
        text = v.say(
            v.pick(
                "entity",
                [
                    f"[and|what about|how about] {name}",
                    f"[and for|and what about|the same for|same for] {name}",
                    f"[what about|and] {name}",
                ],
            )
        )
        return question(v, text) if v.chance(0.8) else terse(v, text)

    return Following("entity", before.remake(changed), say)


def _entity(d: Drawer, thing: Thing, old: Thing) -> Thing | None:
    if thing.pin:
        return d.named(thing.label)
    condition = next(c for c in thing.conditions if isinstance(c, Related) and c.other == old)
    far = "end" if condition.side == "start" else "start"
    return d.pinned(d.edge(condition.triple).end_at(far))


def other_property(d: Drawer, before: Meaning) -> Following | None:
    """Asks on, as in: and its runtime."""
    thing = before.thing
    if not thing or not thing.pin or not before.property:
        return None
    name = d.property(thing.label, ("number", "year", "text", "category", "moment", "list", "identifier"))
    if not name or name == before.property:
        return None

    def say(s: Saying) -> str:
        v = s.voice
        known = s.words(name, thing.label)
        noun, person = v.vary(known.nouns), s.naming.nouns(thing.label)[0].person
        be = "are" if is_plural(noun) else "is"
        its = v.vary(["their", "his", "her"]) if person else "its"
        if known.asks and v.chance(0.4):
            whom = {"their": "they", "his": "he", "her": "she", "its": "it"}[its]
            text = v.vary(known.asks)
            if whom == "they":
                text = (
                    text.replace(" was {x}", " were {x}").replace(" is {x}", " are {x}").replace(" does {x}", " do {x}")
                )
            return question(v, "and " * v.chance(0.3) + text.replace("{x}'s", its).replace("{x}", whom))
        return question(
            v,
            v.say(
                v.pick(
                    "property",
                    [
                        f"[and |]what {be} {its} {noun}",
                        f"and {its} {noun}",
                        f"[and|what about] the {noun}",
                        f"what about {its} {noun}",
                    ],
                )
            ),
        )

    return Following("property", ask.lookup(thing, name), say)


def other_relationship(d: Drawer, before: Meaning) -> Following | None:
    """Asks on, as in: and who wrote it."""
    thing = before.thing
    if not thing or len(thing.conditions) != 1:
        return None
    old = thing.conditions[0]
    if not isinstance(old, Related) or not old.other.pin or old.has:
        return None
    side = d.side(thing.label, lambda s: s[1] == old.side and s[2] == old.other.label and s[0] != old.triple)
    if not side:
        return None
    changed = Thing(thing.label, thing.key, (replace(old, triple=side[0]),))
    said = Thing(
        thing.label,
        thing.key,
        (replace(old, triple=side[0], other=Thing(old.other.label, old.other.key, (), Pin("", ""))),),
    )

    def say(s: Saying) -> str:
        v = s.voice
        person = s.naming.nouns(old.other.label)[0].person
        s.pronoun = v.vary(["he", "she", "they"]) if person and old.side == "end" else "them" if person else "it"
        if s.pronoun in ("he", "she", "they") and s.naming.frame(side[0]).tense != "past":
            s.pronoun = "they"
        lead = v.vary(["and ", "", "and "])
        clause = _THEY.sub(lambda m: f"{_PLURAL[m[1]]} they", main_clause(s, said, many=v.chance(0.5)))
        return question(v, f"{lead}{clause}")

    return Following("contrast", ask.listing(changed), say)


def opposite(d: Drawer, before: Meaning) -> Following | None:
    """And before that? The condition turned round."""
    thing = before.thing
    turned = {">": "<", "<": ">", ">=": "<", "<=": ">"}
    found = [c for c in thing.conditions if isinstance(c, Has) and c.op in turned] if thing else []
    if not thing or not found or not before.remake or any(isinstance(c, AlsoRelated) for c in thing.conditions):
        return None
    old = found[0]
    new = replace(old, op=turned[old.op])
    changed = Thing(thing.label, thing.key, tuple(new if c is old else c for c in thing.conditions))

    def say(s: Saying) -> str:
        v = s.voice
        part = s.condition(new, Noun("one", "ones", s.naming.nouns(thing.label)[0].person, thing.label), True, False)
        return question(v, v.say(f"[and|what about|how about] [those|the ones] {part.after or part.before}"))

    return Following("contrast", before.remake(changed), say)
