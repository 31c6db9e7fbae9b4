"""What is asked of a Thing: its query, and the ways to ask for it. One class per family of questions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cypher_magic.data.generate.meaning_flags import say_columns, say_whether
from cypher_magic.data.generate.sentences import SHOW, main_clause, order, question, terse
from cypher_magic.data.generate.thing import Cell, Match, Thing, direction
from cypher_magic.data.generate.words import article, is_plural, plural
from cypher_magic.graph.schema import Triple, quoted

if TYPE_CHECKING:
    from collections.abc import Callable

    from cypher_magic.data.generate.saying import Saying
    from cypher_magic.data.generate.voice import Voice


@dataclass(frozen=True)
class Meaning:
    """A question before it is worded: the query, what it covers, and `say`, which words it in a voice."""

    family: str
    template: str
    query: str
    hops: int
    cells: frozenset[Cell]
    say: Callable[[Saying], str]
    thing: Thing | None = None
    remake: Callable[[Thing], Meaning] | None = None  # the same question about another thing, for follow-ups
    property: str = ""


def listing(thing: Thing) -> Meaning:
    """Which things are there: their names."""
    match = Match()
    var = match.place(thing)
    distinct = "DISTINCT " if thing.loose else ""
    query = f"{match.text} RETURN {distinct}{_named(var, thing.key)}"
    family = "filter" if not thing.hops else "one hop" if thing.hops == 1 else "two hops"
    return Meaning(
        family, f"list {thing.kind}", query, thing.hops, thing.cells, lambda s: _say_list(s, thing), thing, listing
    )


def _say_list(s: Saying, thing: Thing) -> str:
    v = s.voice
    how = v.pick("list", ["main", "show", "which", "are", "terse", "names", "main", "have", "main", "show", "terse"])
    main = main_clause(s, thing, many=v.chance(0.75)) if how == "main" else ""
    if main:
        return question(v, main)
    if how in ("show", "main"):
        what = v.vary(["", "all ", "the ", "all the ", "every "]) if not thing.pin else ""
        if what == "every ":
            return order(v, f"{v.say(v.vary(SHOW))} every {s.one(thing)}")
        return order(v, f"{v.say(v.vary(SHOW))} {what}{s.many(thing)}")
    if how == "which":
        return question(v, v.say(f"[which|what] {s.many(thing)} [are there|do we have|exist|do you know|can you find]"))
    if how == "are":
        who = "[who|who|which]" if _is_person(s, thing) else "[what|which]"
        return question(v, f"{v.say(who)} are the {s.many(thing)}")
    if how == "names" and thing.key:
        noun = plural(v.vary(s.words(thing.key, thing.label).nouns))
        lead = v.say("[What are the|Give me the|List the|Show the||Show me the|The]")
        text = f"{lead} {noun} of {v.vary(['', 'all ', 'the '])}{s.many(thing)}"
        return question(v, text) if lead.startswith("What") else order(v, text)
    if how == "have":
        s.possessives = False
        return question(
            v,
            v.say(
                f"[do we have|are there|do you have] any {s.many(thing)}? [which ones|which|list them|what are they]"
            ),
        )
    return terse(v, s.many(thing))


def counting(thing: Thing) -> Meaning:
    """How many things there are."""
    match = Match()
    var = match.place(thing)
    query = f"{match.text} RETURN count({'DISTINCT ' if thing.loose else ''}{var})"

    def say(s: Saying) -> str:
        v = s.voice
        how = v.pick("count", ["main", "many", "number", "order", "terse", "main"])
        if how == "main":
            main = main_clause(s, thing, many=True, lead="how many")
            if main:
                return question(v, f"{v.say('[|||tell me |can you tell me ]')} {main}")
        if how in ("main", "many"):
            tail = "[are there|do we have|exist|are there in total|are there in the graph|are there in the data]"
            return question(v, v.say(f"how many {s.many(thing)} {tail}"))
        if how == "number":
            return question(v, v.say(f"what is the [number|total number|count] of {s.many(thing)}"))
        if how == "order":
            return order(
                v,
                v.say("[Count|Count the|Count all|Count the|[Give me|Tell me|Show] the number of]")
                + f" {s.many(thing)}",
            )
        return terse(v, v.say(f"[number of|how many|count of|total number of] {s.many(thing)}"))

    return Meaning("count", f"count {thing.kind}", query, thing.hops, thing.cells, say, thing, counting)


def any_at_all(thing: Thing) -> Meaning:
    """Whether there is any such thing."""
    match = Match()
    var = match.place(thing)
    query = f"{match.text} RETURN count({var}) > 0"

    def say(s: Saying) -> str:
        v = s.voice
        form = v.pick("any", ["are there any {m}", "is there {a}", "do we have any {m}", "does any {o} exist"])
        return question(
            v, form.format(m=s.many(thing), a=v.vary([article(s.one(thing)), f"any {s.one(thing)}"]), o=s.one(thing))
        )

    return Meaning("existence", f"any {thing.kind}", query, thing.hops, thing.cells, say, thing)


def columns(thing: Thing, properties: tuple[str, ...]) -> Meaning:
    """The names of things together with other properties."""
    match = Match()
    var = match.place(thing)
    shown = [_named(var, thing.key), *(f"{var}.{quoted(p)}" for p in properties)]
    query = f"{match.text} RETURN {'DISTINCT ' if thing.loose else ''}{', '.join(shown)}"
    cells = thing.cells | {(thing.label, "", "", p) for p in properties}

    def say(s: Saying) -> str:
        v = s.voice
        flags = [flag for p in properties if (flag := s.words(p, thing.label).flag)]
        if flags:
            return say_columns(s, thing, [p for p in properties if not s.words(p, thing.label).flag], flags)
        nouns = [v.vary(s.words(p, thing.label).nouns) for p in properties]
        what = " and ".join(nouns)
        key = v.vary(s.words(thing.key or "name", thing.label).nouns)
        how = v.pick("cols", [0, 1, 2, 3])
        many = s.many(thing)
        whats = " and ".join(plural(n) for n in nouns)
        all_ = v.vary(["", "the ", "all "])
        if how == 0:
            theirs = v.say("[with|and|along with|together with] their")
            return order(v, f"{v.say(v.vary(SHOW))} {all_}{many} {theirs} {whats if v.chance(0.4) else what}")
        if how == 1:
            return order(v, f"{v.say(v.vary(SHOW))} the {key} and {what} of {all_}{many}")
        if how == 2:
            return question(v, f"what are the {plural(key)} and {whats} of {all_}{many}")
        return terse(v, f"{many} {v.vary(['with', 'and their', 'and'])} {what}")

    kind = f"columns {len(properties)} {thing.kind}"
    return Meaning("columns", kind, query, thing.hops, cells, say, thing, lambda t: columns(t, properties))


def lookup(thing: Thing, property: str) -> Meaning:
    """One property of things: of a named one, or of those that meet conditions."""
    match = Match()
    var = match.place(thing)
    distinct = "DISTINCT " if thing.loose else ""
    query = f"{match.text} RETURN {distinct}{var}.{quoted(property)}"
    cells = thing.cells | {(thing.label, "", "", property)}
    say = _say_lookup if thing.pin else _say_values
    return Meaning(
        "lookup", f"lookup {thing.kind}", query, thing.hops, cells, lambda s: say(s, thing, property), thing,
        lambda t: lookup(t, property), property,
    )  # fmt: skip


def _say_values(s: Saying, thing: Thing, property: str) -> str:
    """The property of all that meet conditions."""
    v, noun = s.voice, s.voice.vary(s.words(property, thing.label).nouns)
    many = v.chance(0.7)
    of = f"{v.vary(['', 'the ', 'all '])}{s.many(thing)}" if many else f"the {s.one(thing)}"
    what = f"{plural(noun) if many else noun} of {of}"
    how = v.pick("look", ["what", "show", "terse"])
    if how == "what":
        return question(v, f"what {'are' if many or is_plural(noun) else 'is'} the {what}")
    return order(v, f"{v.say(v.vary(SHOW))} the {what}") if how == "show" else terse(v, what)


def _say_lookup(s: Saying, thing: Thing, property: str) -> str:
    """The property of one named thing."""
    v, known, x = s.voice, s.words(property, thing.label), s.named(thing)
    if known.flag:
        return say_whether(s, known.flag, x)
    noun = v.vary(known.nouns)
    be, was = ("are", "were") if is_plural(noun) else ("is", "was")
    whats = "what's" if be == "is" else "what are"
    hows = ["what", "of", "own", "have", "tell", "terse"]
    how = v.pick("look", ["ask", "ask", "ask", *hows] if known.asks else hows)
    if how == "ask":
        return question(v, v.vary(known.asks).format(x=x))
    if how == "of":
        return order(v, v.say(f"[Give me|Show|Show me|Tell me|Return|Get|Find|Look up] the {noun} of {x}"))
    if how == "terse":
        return terse(v, v.vary([f"{noun} of {x}", f"{x} {noun}", f"{x}'s {noun}", f"{x}: {noun}"]))
    if how == "tell":
        text = v.say(f"[can you|could you] tell me the {noun} of {x}")
        return (
            question(v, text)
            if v.chance(0.6)
            else order(v, v.say(f"[I want|I'd like|I need] to know the {noun} of {x}"))
        )
    forms = {
        "what": f"[what {be}|{whats}|what {was}] the {noun} of {x}",
        "own": f"[what {be}|{whats}] {x}'s {noun}" if len(x) < 40 else f"what {be} the {noun} of {x}",
        "have": f"[what|which] {noun} does {x} have",
    }
    return question(v, v.say(forms[how]))


def distinct(thing: Thing, property: str) -> Meaning:
    """The different values of a property."""
    match = Match()
    var = match.place(thing)
    query = f"{match.text} RETURN DISTINCT {var}.{quoted(property)}"

    def say(s: Saying) -> str:
        v = s.voice
        nouns, many = plural(v.vary(s.words(property, thing.label).nouns)), s.many(thing)
        how = v.pick("dist", [0, 1, 2, 3])
        if how == 0:
            return question(v, v.say(f"[what|which] [different|distinct||unique] {nouns} do [the |]{many} have"))
        if how == 1:
            return order(
                v,
                v.say("[List|Show|Give me|Return|Find] [all|the] [different|distinct|unique]")
                + " "
                + v.say(f"{nouns} of [the |all |]{many}"),
            )
        if how == 2:
            return question(v, v.say(f"what are the [different|distinct|unique] {nouns} of [the |all |]{many}"))
        return terse(v, v.say(f"[distinct|unique|different] {nouns} of {many}"))

    cells = thing.cells | {(thing.label, "", "", property)}
    return Meaning("distinct", f"distinct {thing.kind}", query, thing.hops, cells, say, thing)


def top(thing: Thing, property: str, number: int, *, highest: bool) -> Meaning:
    """The first things by a property."""
    match = Match()
    var = match.place(thing)
    if highest:
        match.terms.append(f"{var}.{quoted(property)} IS NOT NULL")
    unique = f" WITH DISTINCT {var}" if thing.loose else ""
    query = (
        f"{match.text}{unique} RETURN {_named(var, thing.key)} "
        f"ORDER BY {var}.{quoted(property)}{' DESC' if highest else ''} LIMIT {number}"
    )

    def say(s: Saying) -> str:
        v = s.voice
        s.possessives = False
        known = s.words(property, thing.label)
        forms = known.most if highest else known.least
        noun = v.vary(known.nouns)
        own = bool(forms) and v.pick("sup", [1, 1, 0]) == 1
        most = v.vary(["highest", "largest", "greatest"] if highest else ["lowest", "smallest"])
        if number == 1:
            what = f"{v.vary(forms)} {s.one(thing)}" if own else f"{s.one(thing)} with the {most} {noun}"
            how = v.pick("top1", [0, 1, 2, 3, 4])
            if how == 0:
                return question(v, v.say(f"[what is|which is|what's] the {what}"))
            if how == 1:
                tail = f"is the {v.vary(forms)}" if own else f"has the {most} {noun}"
                return question(v, v.say(f"[which|what] {s.one(thing)} {tail}"))
            if how == 2:
                return order(v, v.say(f"[Give me|Show|Show me|Find|Tell me|Name|Return] the {what}"))
            if how == 3 and own and _is_person(s, thing):
                return question(v, f"who is the {what}")
            return terse(v, v.vary([what, f"the {what}"]))
        n = _spelled(v, number)
        what = f"{n} {v.vary(forms)} {s.many(thing)}" if own else f"{n} {s.many(thing)} with the {most} {noun}"
        if v.chance(0.25):
            what = f"top {n} {s.many(thing)} by {noun}" if highest else f"bottom {n} {s.many(thing)} by {noun}"
        how = v.pick("topk", [0, 1, 2])
        if how == 0:
            return question(v, v.say(f"[what are|which are] the {what}"))
        return (
            order(v, v.say(f"[Give me|Show|Show me|List|Find|Return|Name|I want] the {what}"))
            if how == 1
            else terse(v, what)
        )

    cells = thing.cells | {(thing.label, "", "", property)}
    kind = f"top {'1' if number == 1 else 'k'} {'desc' if highest else 'asc'} {thing.kind}"
    return Meaning(
        "top", kind, query, thing.hops, cells, say, thing, lambda t: top(t, property, number, highest=highest), property
    )


AGGREGATES = {
    "avg": ("average", "mean", "average"),
    "min": ("lowest", "minimum", "smallest"),
    "max": ("highest", "maximum", "largest"),
    "sum": ("total", "sum of the", "combined"),
}


def aggregate(thing: Thing, property: str, function: str) -> Meaning:
    """Average, least, greatest or sum of a property."""
    match = Match()
    var = match.place(thing)
    unique = f" WITH DISTINCT {var}" if thing.loose else ""
    query = f"{match.text}{unique} RETURN {function}({var}.{quoted(property)})"

    def say(s: Saying) -> str:
        v = s.voice
        noun = v.vary(s.words(property, thing.label).nouns)
        text = f"{v.vary(AGGREGATES[function])} {noun} of {v.vary(['', 'all ', 'the ', 'all the '])}{s.many(thing)}"
        how = v.pick("agg", [0, 1, 2, 3])
        if how == 0:
            return question(v, v.say(f"[what is|what's] the {text}"))
        if how == 1:
            return order(v, v.say(f"[Compute|Calculate|Give me|Tell me|Show|Find|Return] the {text}"))
        if how == 2 and function == "avg":
            return question(v, f"what is the {noun} of {s.many(thing)} on average")
        return terse(v, text)

    cells = thing.cells | {(thing.label, "", "", property)}
    return Meaning(
        "aggregate",
        f"{function} {thing.kind}",
        query,
        thing.hops,
        cells,
        say,
        thing,
        lambda t: aggregate(t, property, function),
        property,
    )


def exists(thing: Thing, triple: Triple, side: str, other: Thing) -> Meaning:
    """Whether two named things stand in a relationship."""
    match = Match()
    var = match.variable(thing.label)
    other_var = match.variable(other.label)
    here, there = match.node(var, thing.label, thing.pin), match.node(other_var, other.label, other.pin)
    start, end = (here, there) if side == "start" else (there, here)
    query = f"MATCH {start}-[:{quoted(triple.type)}]->{end} RETURN count(*) > 0"
    subject, target = (thing, other) if side == "start" else (other, thing)

    def say(s: Saying) -> str:
        v = s.voice
        frame = s.naming.frame(triple)
        a, b = s.named(subject), s.named(target)
        past = frame.tense == "past"
        options = [f"{'did' if past else 'does'} {a} {verb.form('base')} {b}" for verb in frame.verbs]
        options += [f"is {a} {state} {b}" for state in frame.states]
        options += [
            f"{'was' if past else 'is'} {b} {verb.participle} by {a}"
            for verb in frame.verbs
            if not verb.particle and verb.base not in ("have", "be")
        ]
        options += [f"is {a} {article(noun)} {preposition} {b}" for noun, preposition in frame.start_nouns[:2]]
        options += [f"did {b} {actor.form('base')} {a}" for actor in frame.actors]
        options += [f"is it true that {a} {verb.form('past' if past else 'third')} {b}" for verb in frame.verbs[:1]]
        return question(v, v.pick("ex", options or [f"is {a} linked to {b}"]))

    cells = frozenset({(thing.label, triple.type, direction(side), "")}) | thing.cells | other.cells
    return Meaning("existence", f"exists {direction(side)}", query, 1, cells, say)


def _named(var: str, key: str | None) -> str:
    return f"{var}.{quoted(key)}" if key else var


def _is_person(s: Saying, thing: Thing) -> bool:
    return s.naming.nouns(thing.label)[0].person


_SPELLED = ("", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def _spelled(v: Voice, number: int) -> str:
    return _SPELLED[number] if number < len(_SPELLED) and v.chance(0.4) else str(number)
