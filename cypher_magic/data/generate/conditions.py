"""The conditions that narrow a Thing down, each of which writes itself into a Match."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cypher_magic.data.generate.literals import literal
from cypher_magic.data.generate.thing import Condition, Match, Thing, arrow, direction
from cypher_magic.graph.schema import Triple, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cypher_magic.data.generate.thing import Cell


@dataclass(frozen=True)
class Has(Condition):
    """A property compared with values: op is = > < >= <= or a word such as between, in, contains, missing."""

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
