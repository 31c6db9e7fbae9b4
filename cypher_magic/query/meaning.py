"""What the names in a query stand for: variables, the scopes that hold them, and the facts a schema can be asked about.

`scopes.py` fills these in; `fits.py` compares the facts with a graph's schema.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lark import Token

    from cypher_magic.query.complaint import Complaint
    from cypher_magic.query.parse import Node


@dataclass(eq=False)
class Variable:
    """Something that a name or an expression stands for.

    `kind` is node, relationship, path, list, map, string, integer, float, boolean, temporal, property (a value read
    from the graph, of any storable type), or empty when nothing is known. `labels` are the label (or type)
    expressions that patterns put on it, all of which hold. `element` is what a list holds.
    """

    kind: str = ""
    labels: list[Node] = field(default_factory=list)
    element: Variable | None = None


@dataclass
class Scope:
    """The names that can be used at one place.

    `constants` came in from outside a subquery; `lost` were left behind by a WITH; `open` means that names came in
    that are not written in the query (YIELD *), so that nothing can be called undefined.
    """

    names: dict[str, Variable] = field(default_factory=dict)
    constants: frozenset[str] = frozenset()
    lost: frozenset[str] = frozenset()
    open: bool = False

    def copy(self) -> Scope:
        """A scope with the same names that can grow on its own."""
        return Scope(dict(self.names), self.constants, self.lost, self.open)

    def inside(self) -> Scope:
        """The scope that a subquery starts with: all names, as constants."""
        return Scope(dict(self.names), frozenset(self.names), self.lost, self.open)

    def joined(self, other: Scope) -> Scope:
        """All names of both; the other's win."""
        return Scope({**self.names, **other.names}, self.constants, self.lost, self.open or other.open)


@dataclass(frozen=True, eq=False)
class Step:
    """One relationship of a pattern with the nodes it joins; `pattern` is its part of the tree."""

    left: Variable
    pattern: Node
    right: Variable
    relationship: Variable
    repeated: bool

    @property
    def direction(self) -> str:
        """`right`, `left` or `both`, as the arrow points."""
        tokens = [str(t) for t in self.pattern.tokens("REL_OPEN", "REL_CLOSE", "REL_PLAIN")]
        left, right = tokens[0].startswith("<"), tokens[-1].endswith(">")
        return "both" if left == right else ("right" if right else "left")


@dataclass
class Meaning:
    """What the walk through a query found: complaints that need no schema, and the facts that do."""

    complaints: list[Complaint] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    properties: list[tuple[Variable, Token]] = field(default_factory=list)
    labels: list[tuple[Variable, Node]] = field(default_factory=list)
    conditions: list[tuple[Variable, Token]] = field(default_factory=list)  # properties that must be true or false
