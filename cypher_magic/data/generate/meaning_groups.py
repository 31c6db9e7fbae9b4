"""Questions that count, rank, compare or connect: one row per group, the first by a count, the shortest way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cypher_magic.data.generate.meaning import AGGREGATES, Meaning, _named, _spelled
from cypher_magic.data.generate.relating import JOINT, in_number, jointly
from cypher_magic.data.generate.sentences import SHOW, order, question, terse
from cypher_magic.data.generate.thing import Cell, Match, Thing, direction
from cypher_magic.data.generate.words import plural
from cypher_magic.graph.schema import Triple, quoted

if TYPE_CHECKING:
    from cypher_magic.data.generate.naming import Frame
    from cypher_magic.data.generate.saying import Saying


def joined(triple: Triple, side: str, thing: Thing, other: Thing, *, rel: bool = False) -> tuple[Match, str, str]:
    """A Match of a relationship with the variables of both its ends; `rel` names the relationship r."""
    match = Match()
    var = match.variable(thing.label)
    other_var = match.link(triple, side, var, thing.label, other, rel="r" if rel else "")
    match.narrow(thing, var)
    return match, var, other_var


def cells_of(triple: Triple, side: str, thing: Thing, other: Thing, name: str = "") -> frozenset[Cell]:
    """What of the schema a question about a relationship uses."""
    return frozenset({(thing.label, triple.type, direction(side), name)}) | thing.cells | other.cells


def per_group(triple: Triple, side: str, thing: Thing, other: Thing, *, empty: bool = False) -> Meaning:
    """How many of the others every thing has; with `empty` also those that have none."""
    if empty:
        match = Match()
        var = match.place(thing)
        other_var = match.variable(other.label)
        start, end = (f"({var})", f"({other_var}:{quoted(other.label)})")
        if side == "end":
            start, end = end, start
        text = f"{match.text} OPTIONAL MATCH {start}-[:{quoted(triple.type)}]->{end}"
    else:
        match, var, other_var = joined(triple, side, thing, other)
        text = match.text
    query = f"{text} RETURN {_named(var, thing.key)}, count({other_var})"

    def say(s: Saying) -> str:
        v = s.voice
        noun, many = s.noun(thing.label), s.many(other)
        counted = _counted(s, triple, side, other, many)
        clause = _each(s, triple, side, noun.one, many)
        also = (
            v.vary(
                [
                    ", including those without any",
                    ", also those with none",
                    ", even if there are none",
                    ", including zero",
                ]
            )
            if empty
            else ""
        )
        how = v.pick("per", [0, 1, 2, 3, 4])
        if how == 0 or not counted:
            return question(v, v.say(f"[|||show |tell me |count ]{clause}") + also)
        many = counted
        if how == 1:
            return order(
                v,
                v.say("[Count|Count the|Show the number of|Give me the number of|List the number of]")
                + " "
                + v.say(f"{many} [per|for each|by|of each|for every] {noun.one}{also}"),
            )
        if how == 2:
            return question(
                v, v.say(f"how many {many} [are there|do we have] [per|for each|for every] {noun.one}{also}")
            )
        if how == 3:
            return order(
                v,
                v.say(f"[List|Show|For] [each|every] {noun.one} [and|with] [the number of|how many] {many}{also}")
                .replace("For each", "List each")
                .replace("For every", "List every")
                .replace("how many", "the number of"),
            )
        return terse(v, v.say(f"[number of|count of|] {many} [per|by] {noun.one}{also}"))

    family = "optional" if empty else "group"
    return Meaning(
        family,
        f"{family} {direction(side)} {other.kind}",
        query,
        1 + other.hops,
        cells_of(triple, side, thing, other),
        say,
    )


def _counted(s: Saying, triple: Triple, side: str, other: Thing, many: str) -> str:
    """What is counted, named so that it tells which relationship is meant; "" where only a verb tells."""
    frame = s.naming.frame(triple)
    nouns = frame.start_nouns if side == "end" else frame.end_nouns
    if nouns and not other.conditions and (s.naming.rivals(triple) or s.voice.chance(0.4)):
        return plural(s.voice.vary(nouns)[0])
    return "" if s.naming.rivals(triple) else many


def _each(s: Saying, triple: Triple, side: str, noun: str, many: str) -> str:
    """How many films each person directed, as a question."""
    v, frame = s.voice, s.naming.frame(triple)
    past = frame.tense == "past"
    each = f"{v.vary(['each', 'every'])} {noun}"
    if frame.held and side == "start":
        many = plural(frame.held)
    if side == "start":
        options = [f"how many {many} {'did' if past else 'does'} {each} {verb.form('base')}" for verb in frame.verbs]
        options += [f"how many {many} is {each} {state}" for state in frame.open_states]
    else:
        options = [f"how many {many} {verb.form('past' if past else 'base')} {each}" for verb in frame.verbs]
        options += [f"how many {many} are {state} {each}" for state in frame.open_states]
    return v.vary(options or [f"how many {many} does {each} have"])


def rank(triple: Triple, side: str, thing: Thing, other: Thing, number: int, *, most: bool = True) -> Meaning:
    """The things with the most of the others, and how many."""
    match, var, other_var = joined(triple, side, thing, other)
    query = (
        f"{match.text} RETURN {_named(var, thing.key)}, count({other_var}) AS n "
        f"ORDER BY n{' DESC' if most else ''} LIMIT {number}"
    )

    def say(s: Saying) -> str:
        v, frame = s.voice, s.naming.frame(triple)
        noun, many = s.noun(thing.label), s.many(other)
        past = frame.tense == "past"
        extreme = v.vary(
            ["most", "most", "highest number of", "largest number of"]
            if most
            else ["fewest", "least", "smallest number of"]
        )
        rivals = s.naming.rivals(triple)
        if s.naming.frame(triple).held and side == "start" and not other.conditions:
            many = plural(frame.held)
        held = _counted(s, triple, side, other, many) if side == "end" or not rivals else ""
        the = f"the {extreme} {many}"
        nouns = _agents(s, triple, side, noun.one)
        if number == 1:
            alone = noun.person and not s.naming.several(triple, side)
            wh = "who" if alone and v.chance(0.6) else f"{v.vary(['which', 'what'])} {v.vary(nouns)}"
            tense = "past" if past else "third"
        else:
            n = _spelled(v, number)
            wh = v.say(f"which {n} {plural(v.vary(nouns))}")
            tense = "past" if past else "base"
        options = _ranked(frame, side, wh, the, tense, many=number > 1)
        options = options or (_most_do(frame, side, wh, the) if rivals else [])
        if held and side == "end":
            options += [f"{wh} {'have' if number > 1 else 'has'} the {extreme} {held}"] * 2
        how = v.pick("rank", [0, 1, 2, 0])
        if how == 0 and options:
            return question(v, v.pick("o", options))
        lead = v.vary(nouns) if number == 1 else f"{v.vary(['', 'top '])}{_spelled(v, number)} {plural(v.vary(nouns))}"
        agent = side == "start" and rivals and len(nouns) > 1
        if agent:
            lead = lead.replace(noun.many, plural(nouns[1])).replace(noun.one, nouns[1])
        if (held or agent or not options) and v.chance(0.6):
            what = f"{lead} with the {extreme} {held or many}"
        else:
            found = _ranked(frame, side, f"{lead} {noun.that}", the, tense, many=number > 1)
            found = found or (_most_do(frame, side, f"{lead} {noun.that}", the) if rivals else [])
            what = found[0] if found else f"{lead} with {the}"
        if how == 1:
            return order(v, f"{v.say(v.vary(SHOW))} the {what}")
        return (
            terse(v, what)
            if v.chance(0.5)
            else question(v, f"{'what' if not noun.person else 'who'} {'is' if number == 1 else 'are'} the {what}")
        )

    kind = f"rank {'1' if number == 1 else 'k'} {'most' if most else 'fewest'} {direction(side)} {other.kind}"
    return Meaning("rank", kind, query, 1 + other.hops, cells_of(triple, side, thing, other), say)


def _ranked(frame: Frame, side: str, wh: str, the: str, tense: str, *, many: bool) -> list[str]:
    past = frame.tense == "past"
    be = ("were" if many else "was") if past else ("are" if many else "is")
    if side == "start":
        found = [f"{wh} {verb.form(tense)} {the}" for verb in frame.verbs]
        found += [f"{wh} {be} {in_number(state, many)} {the}" for state in frame.open_states]
    else:
        found = [
            f"{wh} {be} {verb.participle} by {the}" for verb in frame.verbs if not verb.particle and verb.base != "have"
        ]
        found += [f"{wh} {a.form('past')} {the}" for a in frame.actors]
    return found


def _most_do(frame: Frame, side: str, wh: str, the: str) -> list[str]:
    """Which drug the most drugs interact with: for what has no passive."""
    if side == "start" or wh.startswith("who"):
        return []
    past = frame.tense == "past"
    if wh.endswith((" that", " who")):
        return [f"{wh} {the} {v.form('past' if past else 'base')}" for v in frame.verbs]
    return [f"{wh} {'did' if past else 'do'} {the} {v.form('base')}" for v in frame.verbs]


def _agents(s: Saying, triple: Triple, side: str, own: str) -> list[str]:
    frame = s.naming.frame(triple)
    nouns = [n for n, _ in (frame.start_nouns if side == "start" else frame.end_nouns)]
    return [own, *nouns[:2]] if side == "start" else [own]


def busy(triple: Triple, thing: Thing, shared: Thing, side: str, other: Thing, more_than: int) -> Meaning:
    """Things that share more than so many neighbours with a named one: played with somebody in more than one film."""
    match = Match()
    var = match.variable(thing.label)
    shared_var = match.link(triple, side, var, thing.label, shared)
    back = "end" if side == "start" else "start"
    match.link(triple, back, shared_var, shared.label, other)
    query = f"{match.text} WITH {var}, count({shared_var}) AS n WHERE n > {more_than} RETURN {_named(var, thing.key)}"

    def say(s: Saying) -> str:
        v, frame = s.voice, s.naming.frame(triple)
        noun, many = s.noun(thing.label), s.noun(shared.label)
        name = s.named(other)
        count = s.count(">", more_than)
        films = f"{count} {many.one if more_than == 1 else many.many}"
        past = frame.tense == "past"
        who = v.vary(
            [f"which {plural(n)}" for n in _agents(s, triple, side, noun.one)] + (["who"] if noun.person else [])
        )
        options = []
        if side == "start":
            for verb in frame.verbs:
                form = verb.past if past else (verb.base if who != "who" else verb.third)
                options += [f"{who} {form} {verb.particle} {films} {w}" for w in jointly(verb, name, past)]
                options += (
                    [f"{who} {form} {w} {name} in {films}" for w in ("with", "alongside")]
                    if verb.particle in ("in", "at", "on", "for") and verb.base in JOINT
                    else []
                )
        else:
            are, tense = ("were", "past") if past else ("are", "base")
            done = [verb for verb in frame.verbs if not verb.particle and verb.base != "have"]
            options += [
                f"{who} {are} {b.participle} by {films} {many.that} also {b.form(tense)} {name}" for b in done[:2]
            ]
            sharers = [noun for noun, _ in frame.start_nouns[:2]] if s.naming.rivals(triple) else [many.one]
            options += [f"{who} share {count} {n if more_than == 1 else plural(n)} with {name}" for n in sharers]
        options = options or [f"{who} share {films} with {name}"]
        return question(v, " ".join(v.pick("o", options).split()))

    return Meaning("rank", f"shared more than {direction(side)}", query, 2, cells_of(triple, side, thing, shared), say)


def by_value(thing: Thing, property: str) -> Meaning:
    """How many things there are for each value of a property."""
    match = Match()
    var = match.place(thing)
    query = f"{match.text} RETURN {var}.{quoted(property)}, count({'DISTINCT ' if thing.loose else ''}{var})"

    def say(s: Saying) -> str:
        v = s.voice
        noun, many = v.vary(s.words(property, thing.label).nouns), s.many(thing)
        how = v.pick("byval", [0, 1, 2])
        if how == 0:
            return question(v, v.say(f"how many {many} [are there|do we have|] [per|for each|by|for every] {noun}"))
        if how == 1:
            return order(
                v,
                v.say(
                    f"[Count|Count the|Show the number of|Give me the number of|Group] {many} [per|by|for each] {noun}"
                ),
            )
        return terse(v, v.say(f"[number of |count of |]{many} [per|by] {noun}"))

    cells = thing.cells | {(thing.label, "", "", property)}
    return Meaning("group", f"by value {thing.kind}", query, thing.hops, cells, say, thing)


def average_per(triple: Triple, side: str, thing: Thing, other: Thing, property: str, function: str) -> Meaning:
    """An aggregate of the others' property for every thing."""
    match, var, other_var = joined(triple, side, thing, other)
    query = f"{match.text} RETURN {_named(var, thing.key)}, {function}({other_var}.{quoted(property)})"

    def say(s: Saying) -> str:
        v = s.voice
        name = v.vary(s.words(property, other.label).nouns)
        word, noun, many = v.vary(AGGREGATES[function]), s.noun(thing.label).one, s.many(other)
        how = v.pick("avgper", [0, 1, 2])
        frame = s.naming.frame(triple)
        if s.naming.rivals(triple) and side == "start" and frame.start_nouns:
            noun = v.vary(frame.start_nouns)[0]
        elif s.naming.rivals(triple) and frame.verbs:
            verb = frame.verbs[0].form("past" if frame.tense == "past" else "base" if side == "end" else "third")
            who = s.noun(other.label).that
            many = f"{many} {who} {verb} each {noun}" if side == "end" else f"{many} each {noun} {verb}"
            text = f"{word} {name} of the {many}"
            return question(v, f"what is the {text}") if how else terse(v, text)
        text = v.say(f"{word} {name} of [the |]{many} [per|for each|by|for every] {noun}")
        if how == 0:
            return question(v, f"what is the {text}")
        if how == 1:
            return order(v, v.say(f"[Show|Compute|Give me|Calculate|List] the {text}"))
        return terse(v, v.vary([text, f"{word} {name} per {noun}" if len(word) < 9 else text]))

    cells = cells_of(triple, side, thing, other) | {(other.label, "", "", property)}
    return Meaning("group", f"{function} per {direction(side)}", query, 1, cells, say)


def pairs_of(triple: Triple, side: str, thing: Thing, other: Thing, property: str = "") -> Meaning:
    """Two columns: every thing with the others (and the relationship's property)."""
    match, var, other_var = joined(triple, side, thing, other, rel=bool(property))
    shown = [_named(var, thing.key), _named(other_var, other.key), *([f"r.{quoted(property)}"] if property else [])]
    query = f"{match.text} RETURN {', '.join(shown)}"

    def say(s: Saying) -> str:
        v, frame = s.voice, s.naming.frame(triple)
        many = s.many(thing)
        nouns = frame.start_nouns if side == "end" else frame.end_nouns
        rivals = s.naming.rivals(triple)
        theirs = (
            plural(v.vary(nouns)[0]) if nouns and (rivals or v.chance(0.6)) and not other.conditions else s.many(other)
        )
        if rivals and not nouns and frame.verbs:  # only a verb tells which relationship is meant
            verb = frame.verbs[0].form("past" if frame.tense == "past" else "base" if side == "start" else "third")
            who = "who" if s.naming.nouns(other.label)[0].person else "what"
            text = f"{many} and the {theirs} they {verb}" if side == "start" else f"{many} and {who} {verb} them"
            return order(v, f"{v.say(v.vary(SHOW))} {text}") if v.chance(0.5) else terse(v, text)
        extra = f" and the {v.vary(s.words(property, triple.type).nouns)}" if property else ""
        how = v.pick("pairs", [0, 1, 2])
        if how == 0:
            return order(
                v, v.say(f"{v.vary(SHOW)} [the |all |]{many} [and|with|along with|together with] their {theirs}{extra}")
            )
        if how == 1:
            return (
                order(
                    v,
                    v.say(
                        f"[For each|For every] {s.noun(thing.label).one} [list|show|give me|name] the {theirs}{extra}"
                    ),
                )
                if not thing.conditions
                else terse(v, f"{many} and their {theirs}{extra}")
            )
        return terse(v, f"{many} and their {theirs}{extra}")

    cells = cells_of(triple, side, thing, other, property)
    return Meaning(
        "columns",
        f"pairs {direction(side)} {thing.kind}{' rel' if property else ''}",
        query,
        1 + thing.hops,
        cells,
        say,
    )
