"""Questions that go on from another one: narrow it, count, look closer, change who it is about, walk one step on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cypher_magic.data.generate import meaning as ask
from cypher_magic.data.generate.conditions import Has, Related
from cypher_magic.data.generate.draw_things import aggregates
from cypher_magic.data.generate.follow_ups_changes import (
    Following,
    opposite,
    other_entity,
    other_property,
    other_relationship,
)
from cypher_magic.data.generate.naming import Noun
from cypher_magic.data.generate.sentences import main_clause, order, question
from cypher_magic.data.generate.thing import Condition, Pin, Thing
from cypher_magic.data.generate.words import is_plural, plural

if TYPE_CHECKING:
    from collections import Counter
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
    "two hops",
    "sets",
    "lookup",
    "count",
    "top",
    "aggregate",
)


_SUBJECT = re.compile(r"\b(did|do|does|is|are|was|were) (?:them|those|it)\b")


_PLURAL = {"does": "do", "is": "are", "was": "were"}


def following(drawer: Drawer, before: Meaning, done: Counter[str]) -> Following | None:
    """One way to go on from a question, of the kinds `done` least; None where the drawn way leads nowhere."""
    ways = _AFTER_LIST if before.template.startswith("list") else _AFTER_VALUE
    weights = [weight / (1 + done[kind]) for kind, weight in ways.items()]
    kind = drawer.rng.choices(list(ways), weights)[0]
    return drawer.rng.choice(_WAYS[kind])(drawer, before)


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
        be = "are" if is_plural(noun) else "is"
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
        return question(v, v.say(f"what [are their {plural(noun)}|{be} their {noun}|{noun} do they have]"))

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
    year = d.facts.kind(thing.label, name) == "year"
    function = d.rng.choice([f for f in aggregates(name) if f != "sum" or not year])

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


_AFTER_LIST = {"refine": 4, "count": 2, "columns": 3, "top": 2, "aggregate": 1, "extend": 3, "entity": 3, "contrast": 3}
_AFTER_VALUE = {"entity": 3, "property": 3, "refine": 1}
_WAYS: dict[str, tuple[Callable[[Drawer, Meaning], Following | None], ...]] = {
    "refine": (_refine,),
    "count": (_count,),
    "columns": (_closer,),
    "top": (_extreme,),
    "aggregate": (_average,),
    "extend": (_walk,),
    "entity": (other_entity,),
    "property": (other_property,),
    "contrast": (other_relationship, opposite),
}
