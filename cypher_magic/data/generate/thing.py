"""What a question is about, and the MATCH it becomes: a label narrowed down step by step.

One style for all queries, so that a small model has one way to learn: every relationship is written from its start to
its end as the schema writes it, named nodes are pinned in braces, every other condition stands in WHERE.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
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


class Condition(ABC):
    """Something that narrows a Thing down; `apply` writes it into a Match."""

    @property
    @abstractmethod
    def kind(self) -> str:
        """What kind of condition it is, for the names of templates."""

    @property
    def loose(self) -> bool:
        """Whether it may match a node more than once."""
        return False

    @property
    def hops(self) -> int:
        """How many relationships it takes."""
        return 0

    @abstractmethod
    def apply(self, match: Match, var: str, label: str) -> None:
        """Adds patterns and WHERE terms."""

    @abstractmethod
    def cells(self, label: str) -> Iterator[Cell]:
        """What of the schema is used."""


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


@dataclass
class Used:
    """Counts how often every cell of the schema was used, so that the rare ones come next."""

    counts: dict[Cell, int] = field(default_factory=dict)

    def add(self, cells: frozenset[Cell]) -> None:
        """Counts the cells of one pair."""
        for cell in cells:
            self.counts[cell] = self.counts.get(cell, 0) + 1
