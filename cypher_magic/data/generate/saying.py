"""A Thing as a noun phrase, and its conditions as adjectives, relative clauses or the main clause of a question."""

from __future__ import annotations

from functools import singledispatchmethod
from typing import TYPE_CHECKING

from cypher_magic.data.generate.comparing import compared
from cypher_magic.data.generate.conditions import (
    AlsoRelated,
    Both,
    Either,
    Has,
    Related,
    Than,
    Times,
    Together,
    Without,
)
from cypher_magic.data.generate.lexicon_comparisons import NUMBERS
from cypher_magic.data.generate.literals import KEPT, said
from cypher_magic.data.generate.naming import Frame, Naming, Noun, Part
from cypher_magic.data.generate.relating import JOINT, as_end, as_start, be, in_number, jointly, not_end, not_start
from cypher_magic.data.generate.words import article, plural, singular

if TYPE_CHECKING:
    from cypher_magic.data.generate.lexicon_properties import PropertyWords
    from cypher_magic.data.generate.thing import Condition, Thing
    from cypher_magic.data.generate.voice import Voice
    from cypher_magic.graph.schema import Triple


class Saying:
    """Says things in one voice."""

    def __init__(self, naming: Naming, voice: Voice) -> None:
        self.naming = naming
        self.voice = voice
        self.pronoun = "it"  # for the thing that the question before was about
        self.possessives = True  # whether "somebody's films" may stand where a noun stands

    # --- nouns ----------------------------------------------------------------------------------------------------

    def noun(self, label: str) -> Noun:
        """One of the nouns for a label, mostly its own."""
        nouns = self.naming.nouns(label)
        return nouns[0] if self.voice.chance(0.65) else self.voice.vary(nouns)

    def named(self, thing: Thing) -> str:
        """A thing that is named: Jaws, "Jaws", the movie Jaws."""
        assert thing.pin
        if not thing.pin.property:
            return self.pronoun
        value = said(thing.pin.value)
        value = f"{KEPT}{value}" if value[:1].islower() else value
        noun = self.naming.nouns(thing.label)[0]
        how = self.voice.rng.random()
        if not isinstance(thing.pin.value, str) or how < (0.04 if noun.person else 0.1):
            return (
                f"the {noun.one} {value}"
                if not isinstance(thing.pin.value, str) or how < 0.08
                else f"{noun.one} {value}"
            )
        if how > 0.95:
            return f'"{value}"' if "'" in value or how > 0.975 else f"'{value}'"
        return value

    def many(self, thing: Thing) -> str:
        """The thing in the plural: films by Jane Doe from 1999."""
        return self._phrase(thing, many=True)

    def one(self, thing: Thing) -> str:
        """The thing in the singular, without article."""
        return self._phrase(thing, many=False)

    def other(self, thing: Thing) -> str:
        """A thing inside a condition: its name, "a film from 1999", or "films from 1999"."""
        if thing.pin:
            return self.named(thing)
        return self.many(thing) if self.voice.chance(0.4) else article(self.one(thing))

    def _phrase(self, thing: Thing, *, many: bool, head: str = "", skip: Condition | None = None) -> str:
        if thing.pin:
            return self.named(thing)
        noun = self.noun(thing.label)
        head = head or (noun.many if many else noun.one)
        before: list[str] = []
        after: list[str] = []
        clauses: list[str] = []
        last = ""  # what follows would be taken for something said of a thing that is not named
        taken, related = False, False
        for condition in thing.conditions:
            if condition is skip:
                continue
            part = self.condition(condition, noun, many, not taken and len(thing.conditions) < 3)
            if part.head:
                taken, head = True, part.head
            before += [part.before] if part.before else []
            if part.after and _open_ended(condition) and not part.clause and not last:
                last = part.after
            elif part.after:
                text = part.led.after if related or last else part.after
                (clauses if part.clause else after).append(text)
            related = related or (isinstance(condition, Related) and bool(part.after))
        glue = self.voice.vary([" ", " and "]) if len(after) + bool(last) > 1 else " "
        behind = [glue.join([*after, *([last] if last and not clauses else [])]), " and ".join(clauses)]
        if last and clauses:
            behind = [" and ".join([*after, last, *clauses])]
        return " ".join(text for text in [*before, head, *behind] if text)

    # --- conditions -----------------------------------------------------------------------------------------------

    @singledispatchmethod
    def condition(self, condition: Condition, noun: Noun, many: bool, head: bool) -> Part:
        """A condition in words; `head` says whether it may replace the noun."""
        raise TypeError(f"no words for a condition of type {type(condition).__name__}")

    @condition.register
    def _(self, condition: Has, noun: Noun, many: bool, head: bool) -> Part:
        return self.has(condition, noun, many)

    def has(self, condition: Has, noun: Noun, many: bool, owner: str = "") -> Part:
        """A property condition; `owner` names the relationship type of a relationship's property."""
        return compared(self.voice, self.words(condition.name, owner or noun.label), condition, noun, many, owner)

    def words(self, name: str, owner: str = "") -> PropertyWords:
        """The words for a property."""
        return self.naming.property(owner or "", name)

    @condition.register
    def _(self, condition: Related, noun: Noun, many: bool, head: bool) -> Part:
        nouns = self.naming.nouns(noun.label) if noun.label else (noun,)
        own = {"cast", "star", *(n.one for n in nouns)}  # "children" does not say that they are somebody's
        roles = [n for n, _ in self.naming.frame(condition.triple).start_nouns if n not in own]
        if head and roles and condition.side == "start" and condition.other.kind == "all" and self.voice.chance(0.8):
            role = self.voice.vary(roles)
            return Part(head=plural(role) if many else role)
        other = self.other(condition.other)
        plural_other = not condition.other.pin and not other.startswith(("a ", "an "))
        part = self.related(condition.triple, condition.side, other, noun, many, head, plural_other)
        part = part.led if plural_other else part  # not "doctors doctors hired in 2013 supervise"
        if condition.has:
            rest = self.has(condition.has, Noun("one", "ones"), False, condition.triple.type)
            after = " ".join(t for t in (part.after, rest.after or rest.before) if t)
            return Part(after, part.before, part.head)
        return part

    def related(
        self, triple: Triple, side: str, other: str, noun: Noun, many: bool, head: bool, plural_other: bool = False
    ) -> Part:
        """What says that the noun stands in this relationship to the other."""
        frame = self.naming.frame(triple)
        options = (
            as_start(frame, other, noun, many)
            if side == "start"
            else as_end(frame, other, noun, many, plural_other, self.possessives)
        )
        kinds = [k for k in options if options[k] and (head or k != "head")]
        if not kinds:
            return Part(after=f"{self.voice.vary(['linked to', 'connected to', 'with'])} {other}")
        kind = self.voice.pick("r", kinds)
        text = self.voice.vary(options[kind])
        if kind == "head":
            return Part(head=text)
        return Part(before=text) if kind == "trait" else Part(after=text, bare=kind == "clause")

    @condition.register
    def _(self, condition: Both, noun: Noun, many: bool, head: bool) -> Part:
        lead = self.voice.vary(["both ", "", "both "])
        tail = self.voice.vary(["", "", " together"]) if not lead and condition.side == "end" else ""
        other = f"{lead}{self.named(condition.first)} and {self.named(condition.second)}"
        part = self.related(condition.triple, condition.side, other, noun, many, False, True)
        return Part(after=f"{part.after or part.before}{tail}") if not part.before else Part(after=f"that are {other}")

    @condition.register
    def _(self, condition: Either, noun: Noun, many: bool, head: bool) -> Part:
        lead = self.voice.vary(["", "either "])
        other = f"{lead}{self.named(condition.first)} or {self.named(condition.second)}"
        part = self.related(condition.triple, condition.side, other, noun, many, False)
        return part if not part.before else Part(after=f"that are {other}")

    @condition.register
    def _(self, condition: Without, noun: Noun, many: bool, head: bool) -> Part:
        frame = self.naming.frame(condition.triple)
        other = self.named(condition.other) if condition.other.pin else self.noun(condition.other.label)
        if frame.held and condition.side == "start" and isinstance(other, Noun):
            other = Noun(frame.held, plural(frame.held))
        return Part(after=self.voice.vary(self._negated(condition, other, noun, many)))

    def _negated(self, condition: Without, other: str | Noun, noun: Noun, many: bool) -> list[str]:
        """A missing relationship: to one named thing (`other` is its name), or to any."""
        frame, side = self.naming.frame(condition.triple), condition.side
        if isinstance(other, str):
            named = not_start if side == "start" else not_end
            return named(frame, other, noun, many) or [f"not linked to {other}"]
        anyone = other.person and not self.naming.several(condition.triple, "start")
        found = (
            self._none_start(frame, other, noun, many)
            if side == "start"
            else self._none_end(frame, other, noun, many, anyone)
        )
        nouns = [plural(n) for n, _ in (frame.start_nouns if side == "end" else frame.end_nouns)[:2]]
        if not nouns and not (found and self.naming.rivals(condition.triple)):
            nouns = [other.many]
        return found + [f"without any {n}" for n in nouns] + [f"with no {n}" for n in nouns]

    def _none_start(self, frame: Frame, other: Noun, noun: Noun, many: bool) -> list[str]:
        past, that = frame.tense == "past", noun.that
        tense = "past" if past else "base" if many else "third"
        found = not_start(frame, f"any {self.voice.vary([other.one, other.many])}", noun, many)
        for v in frame.verbs:
            found += [f"{that} never {v.form('past')} any {other.many}", f"{that} {v.form(tense)} no {other.many}"]
        return found + [f"without {article(n)}" for n, _ in frame.end_nouns[:1]]

    def _none_end(self, frame: Frame, other: Noun, noun: Noun, many: bool, anyone: bool) -> list[str]:
        tense, was = ("past" if frame.tense == "past" else "third"), be(frame, many)
        nobody = ["no one", "nobody", f"no {other.one}"] if anyone else [f"no {other.one}"]
        found = [f"that {who} {v.form(tense)}" for v in frame.verbs for who in nobody]
        found += [f"that no {other.one} is {state}" for state in frame.open_states if not frame.verbs]
        if anyone:
            done = [v for v in frame.verbs if not v.particle and v.base != "have"]
            found += [f"not {v.participle} by any {other.one}" for v in done]
            found += [
                f"that {was} {w}" for v in done for w in (f"never {v.participle}", f"not {v.participle} by anyone")
            ]
        return found + [f"{noun.that} did not {a.form('base')} any {other.one}" for a in frame.actors]

    @condition.register
    def _(self, condition: Times, noun: Noun, many: bool, head: bool) -> Part:
        frame = self.naming.frame(condition.triple)
        other = self.noun(condition.other.label)
        if frame.held and condition.side == "start":
            other = Noun(frame.held, plural(frame.held))
        count = self.count(condition.op, condition.number)
        whom = f"{count} {other.one if condition.number == 1 else other.many}"
        past = frame.tense == "past"
        options: list[str] = []
        if condition.side == "start":
            tense = "past" if past else ("base" if many else "third")
            options += [f"{noun.that} {v.form(tense)} {whom}" for v in frame.verbs]
            options += [f"{noun.that} {'are' if many else 'is'} {in_number(s, many)} {whom}" for s in frame.open_states]
            nouns = [plural(n) for n, _ in frame.end_nouns[:1]]
        else:
            tense = "past" if past else "third" if condition.number == 1 else "base"
            options += [f"that {whom} {v.form(tense)}" for v in frame.verbs]
            their = "is" if condition.number == 1 else "are"
            options += [f"that {whom} {their} {s}" for s in frame.open_states if not frame.verbs]
            was = ("were" if many else "was") if past else ("are" if many else "is")
            options += [
                f"{lead}{v.participle} by {whom}"
                for v in frame.verbs
                if not v.particle and v.base != "have"
                for lead in ("", f"that {was} ")
            ]
            options += [f"{noun.that} {a.form('past')} {whom}" for a in frame.actors]
            nouns = [plural(n) for n, p in frame.start_nouns[:2]]
        nouns = nouns if nouns or (options and self.naming.rivals(condition.triple)) else [other.many]
        options += [f"with {count} {singular(n) if condition.number == 1 else n}" for n in nouns]
        return Part(after=self.voice.vary(options))

    def count(self, op: str, number: int) -> str:
        """A number with its comparison: more than 3, at least four, exactly 2."""
        n = NUMBERS[number] if number < len(NUMBERS) and self.voice.chance(0.4) else str(number)
        return self.voice.vary({
            ">": [f"more than {n}", f"over {n}", f"more than {n}"],
            ">=": [f"at least {n}", f"{n} or more", f"no fewer than {n}"],
            "<": [f"fewer than {n}", f"less than {n}"],
            "=": [f"exactly {n}", f"just {n}", f"only {n}"],
        }[op])  # fmt: skip

    @condition.register
    def _(self, condition: Together, noun: Noun, many: bool, head: bool) -> Part:
        frame = self.naming.frame(condition.triple)
        shared, name = self.noun(condition.shared.label), self.named(condition.other)
        past = frame.tense == "past"
        options: list[str] = []
        if condition.side == "start":
            tense = "past" if past else ("base" if many else "third")
            options += [f"{noun.that} {v.form(tense)} the same {shared.one} as {name}" for v in frame.verbs]
            options += [
                f"{noun.that} {v.form(tense)} {article(shared.one)} {w}"
                for v in frame.verbs[:2]
                for w in jointly(v, name, past)
            ]
            if frame.verbs and frame.verbs[0].particle in ("in", "at", "on", "for"):
                options += [
                    f"{noun.that} {getattr(v, tense)} {w} {name}"
                    for v in frame.verbs[:4]
                    if v.base in JOINT
                    for w in ("with", "alongside", "together with")
                ]
            options += [f"{s} the same {shared.one} as {name}" for s in frame.open_states]
            if head and frame.start_nouns:
                co = frame.start_nouns[0][0]
                options += [f"co-{co}s of {name}"] if many else [f"co-{co} of {name}"]
        else:
            options += [
                f"that the same {shared.one} {v.form('past' if past else 'third')} as {name}" for v in frame.verbs
            ]
            options += [
                f"{v.participle} by the same {shared.one} as {name}"
                for v in frame.verbs
                if not v.particle and v.base != "have"
            ]
            sharers = [n for n, _ in frame.start_nouns] if self.naming.rivals(condition.triple) else [shared.one]
            options += [f"with the same {n} as {name}" for n, _ in frame.start_nouns]
            options += [f"that share {article(n)} with {name}" for n in sharers]
            options += [f"from the same {n} as {name}" for n, _ in frame.start_nouns[:1]]
        text = self.voice.vary(options or [f"that share {article(shared.one)} with {name}"])
        return Part(head=text) if text.startswith("co-") else Part(after=text)

    @condition.register
    def _(self, condition: AlsoRelated, noun: Noun, many: bool, head: bool) -> Part:
        first, second = self.naming.frame(condition.first), self.naming.frame(condition.second)
        other = self.other(condition.other)
        both = "both " if condition.joined == "and" and self.voice.chance(0.5) else ""
        joined = condition.joined
        options = []
        at_start = condition.side == "start"
        for a in _doings(first, many and at_start):
            for b in _doings(second, many and at_start):
                if at_start:
                    options += [f"{noun.that} {both}{a} {joined} {b} {other}"]
                    it = "it" if condition.other.pin else "the same one"
                    options += [f"{noun.that} {a} {other} {joined} also {b} {it}"] if joined == "and" else []
                else:
                    options += [f"that {other} {both}{a} {joined} {b}"]
        return Part(after=self.voice.vary(options)) if options else Part(after=f"linked to {other}")

    @condition.register
    def _(self, condition: Than, noun: Noun, many: bool, head: bool) -> Part:
        known = self.words(condition.name, noun.label)
        higher = condition.op == ">"
        forms = known.higher if higher else known.lower
        name = self.named(condition.other)
        n = self.voice.vary(known.nouns)
        generic = [
            f"with a {'higher' if higher else 'lower'} {n} than {name}",
            f"whose {n} is {'higher' if higher else 'lower'} than that of {name}",
        ]
        options = [f"{f} than {name}" for f in forms if " later" not in f and " earlier" not in f]
        options += [f"that came out {'after' if higher else 'before'} {name}"] if forms and "came" in forms[-1] else []
        options += [f"that {'are' if many else 'is'} {f} than {name}" for f in forms[:1]]
        return Part(after=self.voice.vary([*options, *options, *generic]))


def _open_ended(condition: Condition) -> bool:
    """Whether its words end with a thing that is not named."""
    return isinstance(condition, Related) and not condition.other.pin and condition.has is None


def _doings(frame: Frame, many: bool) -> list[str]:
    """What one (or many) at the start of a relationship does, or what it is: heads, is responsible for."""
    tense = "past" if frame.tense == "past" else "base" if many else "third"
    found = [verb.form(tense) for verb in frame.verbs[:3]]
    return found or [f"{be(frame, many)} {state}" for state in frame.open_states[:2]]
