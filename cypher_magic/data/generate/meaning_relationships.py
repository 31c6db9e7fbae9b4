"""Questions about the properties of relationships, comparisons of two named things, and ways between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cypher_magic.data.generate.conditions import Has
from cypher_magic.data.generate.meaning import AGGREGATES, Meaning, _named, _spelled
from cypher_magic.data.generate.sentences import SHOW, order, question, terse
from cypher_magic.data.generate.thing import Match, Pin, Thing, direction
from cypher_magic.graph.schema import Triple, quoted

if TYPE_CHECKING:
    from cypher_magic.data.generate.saying import Saying
from cypher_magic.data.generate.meaning_groups import cells_of, joined


def detail(triple: Triple, thing: Thing, other: Thing, side: str, property: str) -> Meaning:
    """A property of the relationship between two named things."""
    match, *_ = _joined_named(triple, side, thing, other)
    query = f"{match} RETURN r.{quoted(property)}"
    subject, target = (thing, other) if side == "start" else (other, thing)

    def say(s: Saying) -> str:
        v, frame = s.voice, s.naming.frame(triple)
        noun = v.vary(s.words(property, triple.type).nouns)
        a, b = s.named(subject), s.named(target)
        past = frame.tense == "past"
        do = "did" if past else "does"
        options = [f"what is the {noun} of {a} for {b}", f"what was the {noun} of {a} in {b}"]
        options += [f"with what {noun} {do} {a} {verb.form('base')} {b}" for verb in frame.verbs]
        options += [f"{v.vary(['which', 'what'])} {noun} {do} {a} have in {b}", f"what {noun} {do} {a} give {b}"]
        options += (
            [f"what {noun} {do} {a} {frame.verbs[0].base} in {b}"]
            if frame.verbs and frame.verbs[0].particle == "in"
            else []
        )
        return question(v, v.pick("o", options))

    return Meaning(
        "relationship", f"detail {direction(side)}", query, 1, cells_of(triple, side, thing, other, property), say
    )


def _joined_named(triple: Triple, side: str, thing: Thing, other: Thing) -> tuple[str, str, str]:
    match = Match()
    var, other_var = match.variable(thing.label), ""
    here = match.node(var, thing.label, thing.pin)
    other_var = match.variable(other.label)
    there = match.node(other_var, other.label, other.pin)
    start, end = (here, there) if side == "start" else (there, here)
    return f"MATCH {start}-[r:{quoted(triple.type)}]->{end}", var, other_var


def on_relationship(triple: Triple, side: str, thing: Thing, property: str, function: str, other: Thing) -> Meaning:
    """An aggregate over a property of a named thing's relationships."""
    text, _, _ = _joined_named(triple, side, thing, other)
    query = f"{text} RETURN {function}(r.{quoted(property)})"

    def say(s: Saying) -> str:
        v, frame = s.voice, s.naming.frame(triple)
        noun = v.vary(s.words(property, triple.type).nouns)
        word, name = v.vary(AGGREGATES[function]), s.named(thing)
        past = frame.tense == "past"
        options = [
            f"what is the {word} {noun} of {name}",
            f"what is {name}'s {word} {noun}",
            f"what is the {word} {noun} for {name}",
        ]
        options += [f"what {word} {noun} does {name} have"]
        others = s.noun(other.label).many
        options += (
            [f"what is the {word} {noun} that {name} gave"]
            if side == "start" and past and s.naming.nouns(thing.label)[0].person
            else []
        )
        options += (
            [
                f"what is the {word} {noun} from {others} for {name}",
                f"what is the {word} {noun} that {others} gave {name}",
            ]
            if side == "end" and past
            else []
        )
        if v.chance(0.3):
            return terse(v, v.vary([f"{word} {noun} of {name}", f"{name} {word} {noun}"]))
        return question(v, v.pick("o", options))

    return Meaning(
        "relationship",
        f"{function} rel {direction(side)}",
        query,
        1,
        cells_of(triple, side, thing, other, property),
        say,
    )


def rank_by_relationship(triple: Triple, side: str, thing: Thing, other: Thing, property: str, number: int) -> Meaning:
    """The first things by the average of a property of their relationships."""
    match, var, _ = joined(triple, side, thing, other, rel=True)
    query = (
        f"{match.text} RETURN {_named(var, thing.key)}, avg(r.{quoted(property)}) AS n ORDER BY n DESC LIMIT {number}"
    )

    def say(s: Saying) -> str:
        v = s.voice
        noun = v.vary(s.words(property, triple.type).nouns)
        mine, theirs = s.noun(thing.label), s.noun(other.label)
        n = "" if number == 1 else f"{_spelled(v, number)} "
        what = f"{n}{mine.one if number == 1 else mine.many}"
        mean = v.vary([f"average {noun}", f"mean {noun}", f"{noun} on average", f"average {theirs.one} {noun}"])
        how = v.pick("relrank", [0, 1, 2])
        if how == 0:
            return question(
                v, f"which {what} {'has' if number == 1 else 'have'} the {v.vary(['highest', 'best'])} {mean}"
            )
        if how == 1:
            return order(v, f"{v.say(v.vary(SHOW))} the {what} with the highest {mean}")
        return terse(v, f"{what} with the highest {mean}")

    kind = f"rank avg rel {direction(side)} {'1' if number == 1 else 'k'}"
    return Meaning("relationship", kind, query, 1, cells_of(triple, side, thing, other, property), say)


def compare(label: str, key: str, property: str, first: object, second: object, *, higher: bool) -> Meaning:
    """Which of two named things has more (or less) of a property."""
    match = Match()
    thing = Thing(label, key, (Has(key, "in", (first, second), "key"),))
    var = match.place(thing)
    query = (
        f"{match.text} RETURN {_named(var, key)} ORDER BY {var}.{quoted(property)}{' DESC' if higher else ''} LIMIT 1"
    )

    def say(s: Saying) -> str:
        v = s.voice
        known = s.words(property, label)
        forms = [f for f in (known.higher if higher else known.lower) if "came" not in f]
        a, b = s.named(Thing(label, key, (), Pin(key, first))), s.named(Thing(label, key, (), Pin(key, second)))
        person = s.naming.nouns(label)[0].person
        noun = v.vary(known.nouns)
        wh = v.vary(["who", "who"] if person else ["which", "what", f"which {s.noun(label).one}", "which one"])
        options = [f"{wh} is {f}, {a} or {b}" for f in forms] + [f"{a} or {b}, {wh} is {f}" for f in forms]
        options += [f"is {a} or {b} {f}" for f in forms]
        options += [f"{wh} has the {'higher' if higher else 'lower'} {noun}, {a} or {b}"]
        options += (
            [f"{wh} came out {'later' if higher else 'first'}, {a} or {b}"] if "release year" in known.nouns else []
        )
        return question(v, v.pick("o", options))

    cells = thing.cells | {(label, "", "", property)}
    return Meaning("comparison", f"compare {'more' if higher else 'less'}", query, 0, cells, say)


def path(first: Thing, second: Thing, longest: int = 6) -> Meaning:
    """How many relationships lie between two named things."""
    match = Match()
    a, b = match.variable(first.label), match.variable(second.label)
    start, end = match.node(a, first.label, first.pin), match.node(b, second.label, second.pin)
    query = f"MATCH path = shortestPath({start}-[*..{longest}]-{end}) RETURN length(path)"

    def say(s: Saying) -> str:
        v, x, y = s.voice, s.named(first), s.named(second)
        form = v.pick(
            "path",
            [
                f"how many [steps|hops|links|relationships] [are there |are |lie ]between {x} and {y}",
                f"how long is the shortest [path|way|connection] between {x} and {y}",
                f"how long is the shortest [path|way] from {x} to {y}",
                f"what is the [length of the shortest path|shortest distance|distance] between {x} and {y}",
                f"how [far apart|closely connected|many degrees apart] are {x} and {y}",
                f"[Find|Give me|Compute] the [length of the shortest path|distance] between {x} and {y}",
            ],
        )
        text = v.say(form)
        return order(v, text) if form.startswith("[Find") else question(v, text)

    cells = first.cells | second.cells
    return Meaning("path", "path length", query, 2, cells, say)
