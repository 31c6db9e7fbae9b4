"""What a question is about, and the MATCH it becomes: a label narrowed down step by step.

One style for all queries, so that a small model has one way to learn: every relationship is written from its start to
its end as the schema writes it, named nodes are pinned in braces, every other condition stands in WHERE.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cypher_magic.data.generate.literals import literal
from cypher_magic.data.generate.words import words
from cypher_magic.graph.schema import Triple, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

Cell = tuple[str, str, str, str]  # label, relationship type, direction, property: what a pair covers


@dataclass(frozen=True)
class Pin:
    """The one node (or the few) that a question names."""

    property: str
    value: Any


@dataclass(frozen=True)
class Thing:
    """Nodes of one label: all, one by its name, or those that meet every condition."""

    label: str
    key: str | None
    conditions: tuple[Condition, ...] = ()
    pin: Pin | None = None

    def narrowed(self, *more: Condition) -> Thing:
        """The same with more conditions."""
        return Thing(self.label, self.key, (*self.conditions, *more), self.pin)

    @property
    def loose(self) -> bool:
        """Whether a node may be matched more than once, so that DISTINCT is needed."""
        return any(c.loose for c in self.conditions)

    @property
    def hops(self) -> int:
        """The number of relationships in its pattern."""
        return sum(c.hops for c in self.conditions)

    @property
    def cells(self) -> frozenset[Cell]:
        """What of the schema is used."""
        own = {(self.label, "", "", self.pin.property if self.pin else "")}
        return frozenset(own.union(*(c.cells(self.label) for c in self.conditions)))

    @property
    def kind(self) -> str:
        """The names of the conditions."""
        return "+".join(c.kind for c in self.conditions) or ("named" if self.pin else "all")


class Condition:
    """Something that narrows a Thing down; `apply` writes it into a Match."""

    @property
    def kind(self) -> str:
        """What kind of condition it is, for the names of templates."""
        raise NotImplementedError

    @property
    def loose(self) -> bool:
        """Whether it may match a node more than once."""
        return False

    @property
    def hops(self) -> int:
        """How many relationships it takes."""
        return 0

    def apply(self, match: Match, var: str, label: str) -> None:
        """Adds patterns and WHERE terms."""
        raise NotImplementedError

    def cells(self, label: str) -> Iterator[Cell]:
        """What of the schema is used."""
        raise NotImplementedError


class Match:
    """Collects patterns and WHERE terms of one query, and hands out variables."""

    def __init__(self) -> None:
        self.patterns: list[str] = []
        self.terms: list[str] = []
        self._taken: set[str] = {"r", "n"}
        self._written: set[str] = set()
        self._relationships = 0

    def variable(self, label: str) -> str:
        """A new variable for a node: its first letter, longer or numbered where that is taken."""
        name = "".join(c for c in "".join(words(label)) if c.isascii() and c.isalpha()) or "x"
        for size in range(1, 3):
            if len(name) >= size and name[:size] not in self._taken and not (size == 2 and name[0] not in "rn"):
                return self._take(name[:size])
        stem = name[:1] if name[0] not in "rn" else name[:2]
        stem = stem if stem not in "rn" else "x"
        return self._take(next(f"{stem}{n}" for n in range(2, 99) if f"{stem}{n}" not in self._taken))

    def relationship(self) -> str:
        """A new variable for a relationship."""
        self._relationships += 1
        return "r" if self._relationships == 1 else f"r{self._relationships}"

    def _take(self, name: str) -> str:
        self._taken.add(name)
        return name

    def node(self, var: str, label: str, pin: Pin | None = None) -> str:
        """The node as it stands in a pattern: with label and name the first time."""
        if var in self._written:
            return f"({var})"
        self._written.add(var)
        return f"({var}:{quoted(label)}{braces(pin)})"

    def place(self, thing: Thing) -> str:
        """Writes a thing with all its conditions; its variable."""
        var = self.variable(thing.label)
        self.narrow(thing, var)
        if var not in self._written:
            self.patterns.append(self.node(var, thing.label, thing.pin))
        return var

    def narrow(self, thing: Thing, var: str) -> None:
        """Writes the conditions of a thing on a variable that is there already."""
        for condition in thing.conditions:
            condition.apply(self, var, thing.label)

    def link(self, triple: Triple, side: str, var: str, label: str, other: Thing, *, rel: str = "") -> str:
        """Writes the relationship between `var` at this side and another thing; the other's variable."""
        other_var = self.variable(other.label)
        here = self.node(var, label)
        there = self.node(other_var, other.label, other.pin)
        start, end = (here, there) if side == "start" else (there, here)
        self.patterns.append(f"{start}-[{rel}:{quoted(triple.type)}]->{end}")
        self.narrow(other, other_var)
        return other_var

    @property
    def text(self) -> str:
        """MATCH and WHERE."""
        where = f" WHERE {' AND '.join(self.terms)}" if self.terms else ""
        return f"MATCH {', '.join(self.patterns)}{where}"


def braces(pin: Pin | None) -> str:
    """The pin as a property map."""
    return f" {{{quoted(pin.property)}: {literal(pin.value)}}}" if pin else ""


def arrow(triple: Triple, side: str, var: str, other: str, pin: Pin | None = None) -> str:
    """A pattern inside EXISTS or COUNT, from `var` to any (or the pinned) node at the other side."""
    there = f"(:{quoted(other)}{braces(pin)})"
    start, end = (f"({var})", there) if side == "start" else (there, f"({var})")
    return f"{start}-[:{quoted(triple.type)}]->{end}"


def direction(side: str) -> str:
    """How coverage names the direction of a question: out from the asked thing, or in."""
    return "out" if side == "start" else "in"


@dataclass(frozen=True)
class Has(Condition):
    """A property compared with a value: op is one of = > < >= <= between in contains starts missing there true false."""

    name: str
    op: str
    values: tuple[Any, ...] = ()
    what: str = "number"  # the kind of property, see Facts.kind

    @property
    def hops(self) -> int:
        """How many relationships it takes."""
        return 0

    @property
    def kind(self) -> str:
        """The kind of condition."""
        return f"{self.what} {self.op}"

    def term(self, var: str) -> str:
        """The comparison on a variable."""
        name = f"{var}.{quoted(self.name)}"
        given = [literal(v) for v in self.values]
        if self.what == "moment" and self.op in ("=", ">", "<", "between") and isinstance(self.values[0], int):
            name += ".year"
        return {
            "between": lambda: f"{name} >= {given[0]} AND {name} <= {given[1]}",
            "in": lambda: f"{name} IN [{', '.join(given)}]",
            "contains": lambda: f"{name} CONTAINS {given[0]}",
            "starts": lambda: f"{name} STARTS WITH {given[0]}",
            "ends": lambda: f"{name} ENDS WITH {given[0]}",
            "missing": lambda: f"{name} IS NULL",
            "there": lambda: f"{name} IS NOT NULL",
            "member": lambda: f"{given[0]} IN {name}",
            "not": lambda: f"{name} <> {given[0]}",
        }.get(self.op, lambda: f"{name} {self.op} {given[0]}")()

    def apply(self, match: Match, var: str, label: str) -> None:
        """Adds patterns and WHERE terms."""
        match.terms.append(self.term(var))

    def cells(self, label: str) -> Iterator[Cell]:
        """What of the schema is used."""
        yield label, "", "", self.name


@dataclass(frozen=True)
class Related(Condition):
    """A relationship to another thing; `side` is where the narrowed thing stands; `has` is about the relationship."""

    triple: Triple
    side: str
    other: Thing
    has: Has | None = None

    @property
    def loose(self) -> bool:
        """Whether it may match a node more than once."""
        return self.other.pin is None

    @property
    def hops(self) -> int:
        """How many relationships it takes."""
        return 1 + self.other.hops

    @property
    def kind(self) -> str:
        """The kind of condition."""
        inner = "" if self.other.pin else f"({self.other.kind})"
        return f"{direction(self.side)}{inner}" + (f"[{self.has.kind}]" if self.has else "")

    def apply(self, match: Match, var: str, label: str) -> None:
        """Adds patterns and WHERE terms."""
        rel = match.relationship() if self.has else ""
        match.link(self.triple, self.side, var, label, self.other, rel=rel)
        if self.has:
            match.terms.append(self.has.term(rel))

    def cells(self, label: str) -> Iterator[Cell]:
        """What of the schema is used."""
        yield label, self.triple.type, direction(self.side), self.has.name if self.has else ""
        yield from self.other.cells


@dataclass(frozen=True)
class Both(Condition):
    """The same relationship to two named things."""

    triple: Triple
    side: str
    first: Thing
    second: Thing

    @property
    def kind(self) -> str:
        """The kind of condition."""
        return "both"

    @property
    def hops(self) -> int:
        """How many relationships it takes."""
        return 2

    def apply(self, match: Match, var: str, label: str) -> None:
        """Adds patterns and WHERE terms."""
        match.link(self.triple, self.side, var, label, self.first)
        match.link(self.triple, self.side, var, label, self.second)

    def cells(self, label: str) -> Iterator[Cell]:
        """What of the schema is used."""
        yield label, self.triple.type, direction(self.side), ""
        yield from self.first.cells


@dataclass(frozen=True)
class Either(Condition):
    """The same relationship to one of two named things."""

    triple: Triple
    side: str
    first: Thing
    second: Thing

    @property
    def kind(self) -> str:
        """The kind of condition."""
        return "either"

    @property
    def loose(self) -> bool:
        """Whether it may match a node more than once."""
        return True

    @property
    def hops(self) -> int:
        """How many relationships it takes."""
        return 1

    def apply(self, match: Match, var: str, label: str) -> None:
        """Adds patterns and WHERE terms."""
        assert self.first.pin and self.second.pin
        pins = (self.first.pin.value, self.second.pin.value)
        other = Thing(self.first.label, self.first.key, (Has(self.first.pin.property, "in", pins, "key"),))
        match.link(self.triple, self.side, var, label, other)

    def cells(self, label: str) -> Iterator[Cell]:
        """What of the schema is used."""
        yield label, self.triple.type, direction(self.side), ""
        yield from self.first.cells


@dataclass(frozen=True)
class Without(Condition):
    """No such relationship: to anything, or to one named thing."""

    triple: Triple
    side: str
    other: Thing

    @property
    def hops(self) -> int:
        """How many relationships it takes."""
        return 1

    @property
    def kind(self) -> str:
        """The kind of condition."""
        return "not named" if self.other.pin else f"without {direction(self.side)}"

    def apply(self, match: Match, var: str, label: str) -> None:
        """Adds patterns and WHERE terms."""
        match.terms.append(f"NOT EXISTS {{ {arrow(self.triple, self.side, var, self.other.label, self.other.pin)} }}")

    def cells(self, label: str) -> Iterator[Cell]:
        """What of the schema is used."""
        yield label, self.triple.type, direction(self.side), ""
        yield from self.other.cells


@dataclass(frozen=True)
class Times(Condition):
    """More than, at least, exactly ... this many such relationships."""

    triple: Triple
    side: str
    other: Thing
    op: str
    number: int

    @property
    def hops(self) -> int:
        """How many relationships it takes."""
        return 1

    @property
    def kind(self) -> str:
        """The kind of condition."""
        return f"times {direction(self.side)}"

    def apply(self, match: Match, var: str, label: str) -> None:
        """Adds patterns and WHERE terms."""
        pattern = arrow(self.triple, self.side, var, self.other.label)
        match.terms.append(f"COUNT {{ {pattern} }} {self.op} {self.number}")

    def cells(self, label: str) -> Iterator[Cell]:
        """What of the schema is used."""
        yield label, self.triple.type, direction(self.side), ""
        yield from self.other.cells


@dataclass(frozen=True)
class Together(Condition):
    """Shares a neighbour with one named thing of the same label: played in the same film as somebody."""

    triple: Triple
    side: str
    shared: Thing
    other: Thing

    @property
    def kind(self) -> str:
        """The kind of condition."""
        return "together"

    @property
    def loose(self) -> bool:
        """Whether it may match a node more than once."""
        return True

    @property
    def hops(self) -> int:
        """How many relationships it takes."""
        return 2

    def apply(self, match: Match, var: str, label: str) -> None:
        """Adds patterns and WHERE terms."""
        shared = match.link(self.triple, self.side, var, label, self.shared)
        back = "end" if self.side == "start" else "start"
        match.link(self.triple, back, shared, self.shared.label, self.other)

    def cells(self, label: str) -> Iterator[Cell]:
        """What of the schema is used."""
        yield label, self.triple.type, direction(self.side), ""
        yield from self.shared.cells
        yield from self.other.cells


@dataclass(frozen=True)
class AlsoRelated(Condition):
    """Two kinds of relationships to the same thing: directed a film and acted in it; `joined` | means either kind."""

    first: Triple
    second: Triple
    side: str
    other: Thing
    joined: str = "and"

    @property
    def hops(self) -> int:
        """How many relationships it takes."""
        return 2

    @property
    def kind(self) -> str:
        """The kind of condition."""
        return f"{self.joined} types"

    @property
    def loose(self) -> bool:
        """Whether it may match a node more than once."""
        return self.joined == "or" or self.other.pin is None

    def apply(self, match: Match, var: str, label: str) -> None:
        """Adds patterns and WHERE terms."""
        if self.joined == "or":
            kinds = Triple(self.first.start, f"{self.first.type}|{self.second.type}", self.first.end)
            other = match.variable(self.other.label)
            here, there = match.node(var, label), match.node(other, self.other.label, self.other.pin)
            start, end = (here, there) if self.side == "start" else (there, here)
            types = "|".join(quoted(t) for t in kinds.type.split("|"))
            match.patterns.append(f"{start}-[:{types}]->{end}")
            match.narrow(self.other, other)
            return
        other = match.link(self.first, self.side, var, label, self.other)
        start, end = (var, other) if self.side == "start" else (other, var)
        match.patterns.append(f"({start})-[:{quoted(self.second.type)}]->({end})")

    def cells(self, label: str) -> Iterator[Cell]:
        """What of the schema is used."""
        yield label, self.first.type, direction(self.side), ""
        yield label, self.second.type, direction(self.side), ""
        yield from self.other.cells


@dataclass(frozen=True)
class Than(Condition):
    """A property compared with that of one named thing of the same label."""

    name: str
    op: str
    other: Thing

    @property
    def kind(self) -> str:
        """The kind of condition."""
        return "than"

    def apply(self, match: Match, var: str, label: str) -> None:
        """Adds patterns and WHERE terms."""
        other = match.place(self.other)
        match.terms.append(f"{var}.{quoted(self.name)} {self.op} {other}.{quoted(self.name)}")

    def cells(self, label: str) -> Iterator[Cell]:
        """What of the schema is used."""
        yield label, "", "", self.name


@dataclass
class Used:
    """Counts how often every cell of the schema was used, so that the rare ones come next."""

    counts: dict[Cell, int] = field(default_factory=dict)

    def add(self, cells: frozenset[Cell]) -> None:
        """Counts the cells of one pair."""
        for cell in cells:
            self.counts[cell] = self.counts.get(cell, 0) + 1
