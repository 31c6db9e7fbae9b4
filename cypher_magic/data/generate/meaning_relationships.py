"""Questions about the properties of relationships, comparisons of two named things, and ways between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cypher_magic.data.generate.comparing import GIVEN
from cypher_magic.data.generate.conditions import Has
from cypher_magic.data.generate.meaning import AGGREGATES, Meaning, _named, _spelled
from cypher_magic.data.generate.meaning_groups import cells_of, joined
from cypher_magic.data.generate.sentences import SHOW, order, question, terse
from cypher_magic.data.generate.thing import Match, Pin, Thing, direction
from cypher_magic.data.generate.words import is_plural
from cypher_magic.graph.schema import Triple, quoted

if TYPE_CHECKING:
    from cypher_magic.data.generate.lexicon_properties import PropertyWords
    from cypher_magic.data.generate.naming import Frame
    from cypher_magic.data.generate.saying import Saying


def detail(triple: Triple, thing: Thing, other: Thing, side: str, property: str) -> Meaning:
    """A property of the relationship between two named things."""
    match, *_ = _joined_named(triple, side, thing, other)
    query = f"{match} RETURN r.{quoted(property)}"
    subject, target = (thing, other) if side == "start" else (other, thing)

    def say(s: Saying) -> str:
        known, frame = s.words(property, triple.type), s.naming.frame(triple)
        noun, a, b = s.voice.vary(known.nouns), s.named(subject), s.named(target)
        if known.flag:
            return _say_whether(s, frame, noun, a, b)
        return question(s.voice, s.voice.pick("o", _detailed(s, frame, known, noun, a, b)))

    return Meaning(
        "relationship", f"detail {direction(side)}", query, 1, cells_of(triple, side, thing, other, property), say
    )


_PLAYED = ("role", "roles", "part", "characters")


def _detailed(s: Saying, frame: Frame, known: PropertyWords, noun: str, a: str, b: str) -> list[str]:
    """Ways to ask for what a relationship between two named things says of it."""
    v, past = s.voice, frame.tense == "past"
    do = "did" if past else "does"
    be, was = ("are", "were") if is_plural(noun) else ("is", "was")
    into = "in" if any(verb.particle == "in" for verb in frame.verbs[:1]) else "for"
    options = [f"what {be} the {noun} of {a} for {b}", f"what {was} the {noun} of {a} {into} {b}"]
    when = [ask.partition(" {x} ") for ask in known.asks if ask.startswith("when was {x} ")]
    for _, _, done in when:
        options += [f"when was {a} {state} {b}" for state in frame.states if state.startswith(done)] * 3
    if known.since and (frame.verbs or frame.states):
        found = [f"{since} {do} {a} {verb.form('base')} {b}" for since in known.since for verb in frame.verbs]
        return found + [f"{since} {'was' if past else 'is'} {a} {s} {b}" for since in known.since for s in frame.states]
    with_ = "on" if noun.endswith("date") else "in" if noun.endswith("year") else "with"
    options += [f"{with_} what {noun} {do} {a} {verb.form('base')} {b}" for verb in frame.verbs]
    options += [f"with what {noun} is {a} {state} {b}" for state in frame.open_states]
    have = f"{v.vary(['which', 'what'])} {noun} {do} {a} have {into} {b}"
    if with_ != "with" and frame.verbs:
        have = f"{with_} what {noun} {do} {a} {frame.verbs[0].form('base')} {b}"
    options += [have, f"what {noun} {do} {a} give {b}" if GIVEN & {*known.nouns} else have]
    played = f"what {noun} {do} {a} {frame.verbs[0].base} in {b}" if into == "in" and noun in _PLAYED else have
    options += [played] if into == "in" else []
    return options


def _say_whether(s: Saying, frame: Frame, noun: str, a: str, b: str) -> str:
    """Whether something is true of the relationship between two named things."""
    v, past = s.voice, frame.tense == "past"
    facts = [f"{a} {verb.form('past' if past else 'third')} {b}" for verb in frame.verbs]
    facts += [f"{a} is {state} {b}" for state in frame.states]
    facts += [f"{b} {actor.form('past')} {a}" for actor in frame.actors]
    fact = v.vary(facts or [f"{a} is linked to {b}"])
    truth = v.vary([f"is that marked as {noun}", f"is {noun} true or false", f"is {noun} true"])
    return question(v, v.pick("o", [f"{fact}: {truth}", f"{fact}, {truth}"]))


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
        known = s.words(property, triple.type)
        noun = v.vary(known.nouns)
        word, name = v.vary(AGGREGATES[function]), s.named(thing)
        others = s.noun(other.label).many
        given = GIVEN & {*known.nouns}
        shared = [] if given else _with_what(frame, side, f"{word} {noun}".replace("sum of the", "total"), name, others)
        if shared and s.naming.elsewhere(thing.label, triple, property):
            return question(v, v.pick("o", shared))
        options = [
            f"what is the {word} {noun} of {name}",
            f"what is {name}'s {word} {noun}",
            f"what is the {word} {noun} for {name}",
        ]
        options += [f"what {word} {noun} does {name} have"]
        past = frame.tense == "past" and given
        if side == "start" and past and s.naming.nouns(thing.label)[0].person:
            options += [f"what is the {word} {noun} that {name} gave"]
        if side == "end" and past:
            options += [f"what is the {word} {noun} from {others} for {name}"]
            options += [f"what is the {word} {noun} that {others} gave {name}"]
        options += shared
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


def _with_what(frame: Frame, side: str, what: str, name: str, others: str) -> list[str]:
    """Asks for what a relationship's property is, so that it can not be taken for one of the things themselves."""
    past, one = frame.tense == "past", side == "start"
    start, end = (name, others) if one else (others, name)
    do, be = ("did" if past else "does" if one else "do"), ("is" if one else "are")
    found = [f"with what {what} {do} {start} {verb.form('base')} {end}" for verb in frame.verbs[:3]]
    return found + [f"with what {what} {be} {start} {state} {end}" for state in frame.open_states]


def rank_by_relationship(triple: Triple, side: str, thing: Thing, other: Thing, property: str, number: int) -> Meaning:
    """The first things by the average of a property of their relationships."""
    match, var, _ = joined(triple, side, thing, other, rel=True)
    query = (
        f"{match.text} RETURN {_named(var, thing.key)}, avg(r.{quoted(property)}) AS n ORDER BY n DESC LIMIT {number}"
    )

    def say(s: Saying) -> str:
        v = s.voice
        known = s.words(property, triple.type)
        noun, best = v.vary(known.nouns), "best" if GIVEN & {*known.nouns} else "highest"
        mine, theirs = s.noun(thing.label), s.noun(other.label)
        n = "" if number == 1 else f"{_spelled(v, number)} "
        what = f"{n}{mine.one if number == 1 else mine.many}"
        mean = v.vary([f"average {noun}", f"mean {noun}", f"{noun} on average", f"average {theirs.one} {noun}"])
        if s.naming.elsewhere(thing.label, triple, property):
            mean = f"average {noun} with which {_each_other(s.naming.frame(triple), side, theirs.many)}"
        how = v.pick("relrank", [0, 1, 2])
        if how == 0:
            return question(
                v, f"which {what} {'has' if number == 1 else 'have'} the {v.vary(['highest', best])} {mean}"
            )
        if how == 1:
            return order(v, f"{v.say(v.vary(SHOW))} the {what} with the highest {mean}")
        return terse(v, f"{what} with the highest {mean}")

    kind = f"rank avg rel {direction(side)} {'1' if number == 1 else 'k'}"
    return Meaning("relationship", kind, query, 1, cells_of(triple, side, thing, other, property), say)


def _each_other(frame: Frame, side: str, others: str) -> str:
    """The relationship between them and the others: suppliers supply them, they contain products."""
    start, end = ("they", others) if side == "start" else (others, "them")
    tense = "past" if frame.tense == "past" else "base"
    found = [verb.form(tense) for verb in frame.verbs[:1]] or [f"are {state}" for state in frame.open_states[:1]]
    return f"{start} {found[0] if found else 'are linked to'} {end}"


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
