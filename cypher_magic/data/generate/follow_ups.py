"""Questions that go on from another one: narrow it, count, look closer, change who it is about, walk one step on."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cypher_magic.data.generate import meaning as ask
from cypher_magic.data.generate.conditions import AlsoRelated, Has, Related
from cypher_magic.data.generate.draw_things import aggregates
from cypher_magic.data.generate.naming import Noun
from cypher_magic.data.generate.sentences import main_clause, order, question, terse
from cypher_magic.data.generate.thing import Condition, Pin, Thing
from cypher_magic.data.generate.words import plural

if TYPE_CHECKING:
    from collections.abc import Callable

    from cypher_magic.data.generate.draw import Drawer
    from cypher_magic.data.generate.meaning import Meaning
    from cypher_magic.data.generate.saying import Saying

BASES = (
    "one hop",
    "one hop",
    "one hop",
    "filter",
    "combined",
    "lookup",
    "lookup",
    "count",
    "two hops",
    "top",
    "sets",
    "aggregate",
)


_SUBJECT = re.compile(r"\b(did|do|does|is|are|was|were) (?:them|those|it)\b")


_PLURAL = {"does": "do", "is": "are", "was": "were"}


@dataclass(frozen=True)
class Following:
    """A question that only makes sense after another one."""

    kind: str
    meaning: Meaning
    say: Callable[[Saying], str]


def following(drawer: Drawer, before: Meaning) -> Following | None:
    """One way to go on from a question; None where the drawn way does not lead anywhere."""
    listed = before.template.startswith("list")
    ways = (
        [_refine, _count, _closer, _extreme, _average, _walk, _other_entity, _other_relationship, _opposite]
        if listed
        else [_other_entity, _other_property, _refine]
    )
    weights = [4, 2, 3, 2, 1, 3, 4, 2, 1] if listed else [4, 2, 1]
    way = drawer.rng.choices(ways, weights)[0]
    return way(drawer, before)


def _refine(d: Drawer, before: Meaning) -> Following | None:
    """And only those from 1999."""
    thing = before.thing
    if (
        not thing
        or thing.pin
        or len(thing.conditions) > 2
        or not before.remake
        or before.family in ("top", "aggregate")
    ):
        return None
    counted = before.family == "count"
    node = d.witness(thing)
    condition: Condition | None = None
    if d.rng.random() < 0.5:
        condition = d.has(thing.label, node, ops=("=", ">", "<", "between"))
        if isinstance(condition, Has) and any(
            isinstance(c, Has) and c.name == condition.name for c in thing.conditions
        ):
            return None
    else:
        used = [(c.triple, c.side) for c in thing.conditions if isinstance(c, Related)]
        side = d.side(thing.label, lambda s: (s[0], s[1]) not in used)
        condition = d.related(side, node) if side else None
    if condition is None:
        return None
    narrowed = thing.narrowed(condition)
    added = condition

    def say(s: Saying) -> str:
        v = s.voice
        noun = s.naming.nouns(thing.label)[0]
        which = v.say("[and |]how many of [them|those|these]" if counted else "which of [them|those|these]")
        if isinstance(added, Related) and v.chance(0.5):
            clause = main_clause(s, Thing(thing.label, thing.key, (added,)), many=True, asked=which)
            if clause:
                return question(v, clause)
        part = s.condition(added, Noun("one", "ones", noun.person, thing.label), True, False)
        if part.before:
            return order(v, v.say(f"[only|just|and only|now only] the {part.before} [ones|{noun.many}]"))
        after = part.after
        clause = after.removeprefix("that ").removeprefix("who ")
        forms = [
            f"[only|just|and only|now only|of those, only] [those|the ones|{noun.many}] {after}",
            f"[keep|show|list] only [those|the ones] {after}",
        ]
        if clause != after:
            forms += [f"{which} {clause}"] * 2
        elif not part.clause and not after.startswith(("with", "as ")):
            forms += [f"{which} are {after}", f"and {after}"]
        text = v.say(v.pick("refine", forms))
        return question(v, text) if text.startswith(("which", "how", "and how")) else order(v, text)

    return Following("refine", before.remake(narrowed), say)


def _count(d: Drawer, before: Meaning) -> Following | None:
    if not before.thing or before.thing.pin:
        return None

    def say(s: Saying) -> str:
        v = s.voice
        noun = s.naming.nouns(before.thing.label)[0] if before.thing else Noun("one", "ones")
        text = v.pick(
            "count",
            [
                "how many [are there|are they|is that|is that in total|is that altogether]",
                f"[count them|how many of them are there|how many {noun.many} are those]",
                "[how many|and how many|the number|just the number|count]",
            ],
        )
        return question(v, v.say(text))

    return Following("count", ask.counting(before.thing), say)


def _closer(d: Drawer, before: Meaning) -> Following | None:
    """Asks on, as in: when were they released."""
    thing = before.thing
    name = (
        d.property(thing.label, ("number", "year", "text", "category", "moment", "list"))
        if thing and thing.key
        else None
    )
    if not thing or not name:
        return None
    both = d.rng.random() < 0.6

    def say(s: Saying) -> str:
        v = s.voice
        known = s.words(name, thing.label)
        noun = v.vary(known.nouns)
        person = s.naming.nouns(thing.label)[0].person
        if both:
            return order(
                v,
                v.say(
                    v.pick(
                        "closer",
                        [
                            f"[also|and] [show|give me|list] their {plural(noun)}",
                            f"with their {plural(noun)}",
                            f"[add|include] the {noun}",
                            f"and their {plural(noun)}",
                            f"[show|list] them with their {noun}",
                            f"[and when|and the {noun} of each]".replace("and when|", ""),
                        ],
                    )
                ),
            )
        asks = [
            a
            for a in known.asks
            if " is {x} " in f" {a} " or " was {x} " in f" {a} " or " did {x} " in f" {a} " or " does {x} " in f" {a} "
        ]
        if asks and v.chance(0.6):
            whom = v.vary(["they", "he", "she", "they"] if person else ["it", "they", "they"])
            text = v.vary(asks)
            if whom == "they":
                text = (
                    text.replace(" was {x}", " were they")
                    .replace(" is {x}", " are they")
                    .replace(" does {x}", " do they")
                    .replace("{x}", "they")
                )
            return question(v, text.replace("{x}'s", "their" if whom == "they" else "its").replace("{x}", whom))
        return question(v, v.say(f"what [are their {plural(noun)}|is their {noun}|{noun} do they have]"))

    return Following("columns", ask.columns(thing, (name,)) if both else ask.lookup(thing, name), say)


def _extreme(d: Drawer, before: Meaning) -> Following | None:
    """Asks on, as in: which of them is the longest."""
    thing = before.thing
    name = d.property(thing.label, ("number", "year")) if thing and not thing.pin else None
    if not thing or not name:
        return None
    highest = d.rng.random() < 0.6

    def say(s: Saying) -> str:
        v = s.voice
        known = s.words(name, thing.label)
        forms = known.most if highest else known.least
        noun = v.vary(known.nouns)
        has = f"the {'highest' if highest else 'lowest'} {noun}"
        if forms and v.chance(0.75):
            form = v.vary(forms)
            return question(
                v,
                v.say(
                    v.pick(
                        "extreme",
                        [
                            f"which [of them|one|of those] is the {form}",
                            f"[and |]the {form} [one|of them|of those]",
                            f"which is the {form}",
                            f"what about the {form} one",
                        ],
                    )
                ),
            )
        return question(v, v.say(f"which [of them|one|of those] has {has}"))

    return Following("top", ask.top(thing, name, 1, highest=highest), say)


def _average(d: Drawer, before: Meaning) -> Following | None:
    thing = before.thing
    name = d.property(thing.label, ("number", "year")) if thing and not thing.pin else None
    if not thing or not name:
        return None
    function = d.rng.choice(aggregates(name))

    def say(s: Saying) -> str:
        v = s.voice
        noun, word = v.vary(s.words(name, thing.label).nouns), v.vary(ask.AGGREGATES[function])
        return question(
            v,
            v.say(
                v.pick(
                    "average",
                    [
                        f"what is their {word} {noun}".replace("sum of the", "total"),
                        f"what is the {word} {noun} [of those|of them|there]",
                        f"[and |]the {word} {noun}",
                    ],
                )
            ),
        )

    return Following("aggregate", ask.aggregate(thing, name, function), say)


def _walk(d: Drawer, before: Meaning) -> Following | None:
    """Asks on, as in: who directed them."""
    thing = before.thing
    if not thing or thing.pin or thing.hops > 1:
        return None
    used = [(c.triple, c.side) for c in thing.conditions if isinstance(c, Related)]
    side = d.side(thing.label, lambda s: (s[0], s[1]) not in used and s[2] in d.facts.keys)
    if not side:
        return None
    triple, at, other = side
    back = "end" if at == "start" else "start"
    asked = d.thing(other, Related(triple, back, thing))
    them = Thing(thing.label, thing.key, (), Pin("", ""))  # stands for "them" in the wording

    def say(s: Saying) -> str:
        v = s.voice
        s.pronoun = v.vary(["them", "them", "those", "it"])
        lead = v.vary(["", "", "and "])
        frame = s.naming.frame(triple)
        nouns = frame.start_nouns if back == "start" else frame.end_nouns
        if nouns and v.chance(0.4):
            return question(
                v,
                v.say(
                    f"{lead}[who|what] are their {plural(v.vary(nouns)[0])}".replace(
                        "[who|what]", "who" if s.naming.nouns(other)[0].person else "what"
                    )
                ),
            )
        clause = main_clause(s, Thing(other, asked.key, (Related(triple, back, them),)), many=v.chance(0.5))
        clause = clause or s.many(Thing(other, asked.key, (Related(triple, back, them),)))
        return question(v, lead + _SUBJECT.sub(lambda m: f"{_PLURAL.get(m[1], m[1])} they", clause))

    return Following("extend", ask.listing(asked), say)


def _pinned(thing: Thing) -> Thing | None:
    """The one thing that is named, in whatever condition."""
    if thing.pin:
        return thing
    named = [c.other for c in thing.conditions if isinstance(c, Related) and c.other.pin]
    return named[0] if len(named) == 1 else None


def _other_entity(d: Drawer, before: Meaning) -> Following | None:
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


def _other_property(d: Drawer, before: Meaning) -> Following | None:
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
                        f"[and |]what is {its} {noun}",
                        f"and {its} {noun}",
                        f"[and|what about] the {noun}",
                        f"what about {its} {noun}",
                    ],
                )
            ),
        )

    return Following("property", ask.lookup(thing, name), say)


def _other_relationship(d: Drawer, before: Meaning) -> Following | None:
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
        return question(v, f"{v.vary(['and ', '', 'and '])}{main_clause(s, said, many=v.chance(0.5))}")

    return Following("contrast", ask.listing(changed), say)


def _opposite(d: Drawer, before: Meaning) -> Following | None:
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
