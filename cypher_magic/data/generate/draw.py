"""Draws the parts of questions from facts: labels, relationships, values, conditions; the rare ones first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cypher_magic.data.generate.conditions import (
    Has,
    Related,
)
from cypher_magic.data.generate.facts import Edge, Facts, Node, usable
from cypher_magic.data.generate.thing import Condition, Pin, Thing, Used
from cypher_magic.graph.schema import Triple

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence


LONG_LIST = 100  # rows of a list; more say little about whether a query is right
Side = tuple[Triple, str, str]  # triple, the side of the asked label, the label at the other side


class Drawer:
    """Draws parts; None where the facts have nothing of the kind."""

    def __init__(self, facts: Facts, rng: random.Random, used: Used | None = None) -> None:
        self.facts = facts
        self.rng = rng
        self.used = used or Used()
        self.labels = [label for label in facts.schema.labels if facts.nodes.get(label)]
        self.triples = [t for t in facts.schema.triples if facts.edges.get(t)]

    # --- choosing parts of the schema -------------------------------------------------------------------------------

    def rare(self, options: Sequence[Any], cell: Callable[[Any], tuple[str, str, str, str]]) -> Any:
        """One of the options, of those that were used least."""
        if not options:
            return None
        weights = [1.0 / (1 + self.used.counts.get(cell(o), 0)) ** 0.8 for o in options]
        return self.rng.choices(list(options), weights)[0]

    def label(self, need: Callable[[str], bool] = lambda _: True) -> str | None:
        """A label, rare ones first; those with few properties and relationships are asked about less."""
        options = [label for label in self.labels if need(label)]
        if not options:
            return None
        weights = [
            (1 + len(self.facts.schema.labels[o]) + len(list(self.facts.sides(o)))) ** 0.5
            / (1 + sum(n for c, n in self.used.counts.items() if c[0] == o)) ** 0.6
            for o in options
        ]
        return self.rng.choices(options, weights)[0]

    def side(self, label: str | None = None, need: Callable[[Side], bool] = lambda _: True) -> Side | None:
        """A relationship with a direction, of a label or of any."""
        labels = [label] if label else self.labels
        options = [s for one in labels for s in self.facts.sides(one) if need(s)]
        found: Side | None = self.rare(options, lambda s: (asked(s), s[0].type, "out" if s[1] == "start" else "in", ""))
        return found

    def property(self, label: str, kinds: Sequence[str]) -> str | None:
        """A property of one of these kinds."""
        options = [p for p in self.facts.schema.labels[label] if self.facts.kind(label, p) in kinds]
        found: str | None = self.rare(options, lambda p: (label, "", "", p))
        return found

    def thing(self, label: str, *conditions: Condition) -> Thing:
        """All nodes of a label, narrowed."""
        return Thing(label, self.facts.keys.get(label), conditions)

    def pinned(self, node: Node) -> Thing | None:
        """A thing named by the node's key."""
        name = self.facts.name(node)
        key = self.facts.keys.get(node.label)
        return Thing(node.label, key, (), Pin(key, name)) if key and usable(name) else None

    def named(self, label: str) -> Thing | None:
        """A thing of a label by its name."""
        nodes = self.facts.nodes.get(label, ())
        return self.pinned(self.rng.choice(nodes)) if nodes and label in self.facts.keys else None

    def witness(self, thing: Thing) -> Node | None:
        """A sampled node that meets the thing's simple conditions, so that one more condition can hold too."""
        found = [n for n in self.facts.nodes.get(thing.label, ()) if all(self._meets(n, c) for c in thing.conditions)]
        return self.rng.choice(found) if found else None

    def _meets(self, node: Node, condition: Condition) -> bool:
        if isinstance(condition, Has):
            return holds(condition, node)
        if isinstance(condition, Related) and condition.other.pin:
            far = "end" if condition.side == "start" else "start"
            near = self.facts.edges_of(node, condition.triple, condition.side)
            return any(self.facts.name(e.end_at(far)) == condition.other.pin.value for e in near)
        return True

    def many(self, thing: Thing) -> bool:
        """Whether a thing that is narrowed by properties alone is sure to be too many to list."""
        conditions = [c for c in thing.conditions if isinstance(c, Has)]
        nodes = self.facts.nodes.get(thing.label, ())
        if (
            len(conditions) < len(thing.conditions)
            or not nodes
            or any(c.op in ("contains", "starts", "ends") for c in conditions)
        ):
            return False
        met = sum(all(holds(c, n) for c in conditions) for n in nodes)
        return met / len(nodes) * self.facts.totals.get(thing.label, len(nodes)) > LONG_LIST * 1.2

    def edge(self, triple: Triple) -> Edge:
        """A relationship of the sample, drawn over its nodes, so that busy ones do not come every time."""
        edges = self.facts.edges[triple]
        return self.rng.choice(edges)

    # --- conditions -------------------------------------------------------------------------------------------------

    def has(self, label: str, node: Node | None = None, *, ops: Sequence[str] = (), wide: bool = False) -> Has | None:
        """A condition on a property, true for the node if one is given; on identifiers and texts too if `wide`."""
        rare = ("identifier", "text") if wide and self.rng.random() < 0.15 else ()
        name = self.property(label, ("number", "year", "category", "flag", "moment", "list", *rare))
        name = name or (self.property(label, ("text", "identifier")) if wide else None)
        return self.has_on(label, name, node, ops=ops) if name else None

    def has_on(
        self, owner: str | Triple, name: str, holder: Node | Edge | None = None, *, ops: Sequence[str] = ()
    ) -> Has | None:
        """A condition on this property."""
        kind = self.facts.kind(owner, name)
        values = self.facts.values(owner, name)
        allowed = [op for op in OPS.get(kind, ()) if not ops or op in ops]
        if not values or not allowed:
            return None
        op = self.rng.choice(allowed)
        value = holder.values.get(name) if holder else self.rng.choice(values)
        if not usable(value):
            return None
        given = self._given(kind, op, value, values, holder is not None)
        return Has(name, op, given, kind) if given is not None else None

    def _given(self, kind: str, op: str, value: Any, values: list[Any], held: bool) -> tuple[Any, ...] | None:
        if op in ("missing", "there"):
            return ()
        if kind == "moment":
            return self._moment(op, value, values)
        if kind in ("number", "year"):
            return self._number(op, value, values, round_=kind == "number")
        if kind == "flag":
            return (value,)
        if kind == "list":
            return (self.rng.choice(value),) if usable(self.rng.choice(value)) else None
        if op in ("contains", "starts", "ends"):
            return self._piece(op, value)
        if op == "in":
            others = sorted({v for v in values if v != value}, key=str)
            more = self.rng.sample(others, min(len(others), self.rng.choice([1, 1, 2])))
            return (value, *more) if more else None
        return (value,)

    def _number(self, op: str, value: Any, values: list[Any], *, round_: bool) -> tuple[Any, ...] | None:
        if op in ("=", "not"):
            return (value,)
        ordered = sorted(values)
        low, high = ordered[len(ordered) // 5], ordered[-1 - len(ordered) // 5]
        edge = self.rng.choice(ordered[len(ordered) // 6 : len(ordered) * 5 // 6 + 1])
        edge = _rounded(edge) if round_ else self._year(edge)
        if op == "between":
            other = self.rng.choice(ordered)
            other = _rounded(other) if round_ else self._year(other)
            if edge == other:
                other = edge + (10 if isinstance(edge, int) else 1)
            return tuple(sorted((edge, other)))
        if op == "in":
            others = sorted({v for v in values if v != value and abs(v - value) < 6}) or sorted(set(values) - {value})
            more = self.rng.sample(others, min(len(others), self.rng.choice([1, 2])))
            return tuple(sorted((value, *more))) if more else None
        return (edge,) if low != high or ordered[0] < edge else (edge,)

    def _year(self, value: int) -> int:
        return value if self.rng.random() < 0.5 else value // 10 * 10 if self.rng.random() < 0.6 else value // 5 * 5

    def _moment(self, op: str, value: Any, values: list[Any]) -> tuple[Any, ...] | None:
        year = int(str(value.iso_format())[:4])
        if op == "between":
            other = int(str(self.rng.choice(values).iso_format())[:4])
            return (min(year, other), max(year, other) + (year == other))
        if op == "=" or "T" in str(value.iso_format()) or self.rng.random() < 0.5:
            return (year,)
        return (value,)

    def _piece(self, op: str, value: str) -> tuple[str, ...] | None:
        parts = [w for w in value.split() if len(w) > 2 and w.isalpha()]
        if op == "contains":
            return (self.rng.choice(parts),) if parts else None
        if op == "starts":
            return (self.rng.choice([value[0], value.split()[0]]),) if value[0].isalpha() else None
        return (value.split()[-1],) if len(value.split()) > 1 and value.split()[-1].isalpha() else None

    def related(self, side: Side, node: Node | None = None, *, deep: float = 0.0) -> Related | None:
        """A relationship to a named thing (or, this often, to a thing that meets a condition itself)."""
        triple, at, other = side
        if node is None:
            edge = self.edge(triple)
        else:
            edges = self.facts.edges_of(node, triple, at)
            if not edges:
                return None
            edge = self.rng.choice(edges)
        far = edge.end_at("end" if at == "start" else "start")
        if self.rng.random() < deep:
            inner = self._inner(other, far, triple, at)
            if inner:
                return Related(triple, at, self.thing(other, inner))
        pinned = self.pinned(far)
        return Related(triple, at, pinned) if pinned else None

    def _inner(self, label: str, node: Node, used: Triple, at: str) -> Condition | None:
        """A condition on the far thing: on a property, or one more hop."""
        if self.rng.random() < 0.4:
            return self.has(label, node, ops=("=", ">", "<", "between"))
        back = "end" if at == "start" else "start"
        side = self.side(label, lambda s: not (s[0] == used and s[1] == back))
        return self.related(side, node) if side else None

    def on_edge(self, side: Side) -> Related | None:
        """A relationship with a condition on its own property."""
        triple, at, _ = side
        edge = self.edge(triple)
        options = [
            p
            for p in self.facts.schema.relationship_types.get(triple.type, {})
            if self.facts.kind(triple, p) in OPS and self.facts.kind(triple, p) != "identifier"
        ]
        name = self.rare(options, lambda p: ("", triple.type, "", p))
        has = self.has_on(triple, name, edge, ops=("=", ">", "<", ">=", "<=", "between", "member")) if name else None
        pinned = self.pinned(edge.end_at("end" if at == "start" else "start"))
        return Related(triple, at, pinned, has) if has and pinned else None


OPS = {
    "number": (">", "<", ">", "<", "between", ">=", "<=", "="),
    "year": ("=", "=", ">", "<", "between", "between", ">=", "<=", "in"),
    "text": ("contains", "starts", "missing", "="),
    "category": ("=", "=", "=", "in", "not"),
    "flag": ("=",),
    "moment": ("=", ">", "<", "between"),
    "list": ("member",),
    "identifier": ("=",),
    "key": ("contains", "starts", "ends"),
}


def asked(side: Side) -> str:
    """The label that a side is asked about."""
    return side[0].start if side[1] == "start" else side[0].end


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return (
            round(value * 2) / 2
            if abs(value) < 20
            else float(round(value, -1))
            if abs(value) < 1000
            else float(round(value, -2))
        )
    size = abs(value)
    step = (
        1
        if size < 20
        else 5
        if size < 60
        else 10
        if size < 500
        else 100
        if size < 10_000
        else 1000
        if size < 100_000
        else 10 ** (len(str(size)) - 2)
    )
    return value // step * step


def holds(has: Has, node: Node) -> bool:
    """Whether the node meets a condition, as far as that can be told here."""
    value = node.values.get(has.name)
    if value is None:
        return False
    if has.op == "=":
        year = int(str(value.iso_format())[:4]) if has.what == "moment" and isinstance(has.values[0], int) else value
        return bool(year == has.values[0])
    if has.what in ("number", "year") and has.op in (">", "<"):
        return bool(value > has.values[0] if has.op == ">" else value < has.values[0])
    if has.what in ("number", "year") and has.op == "between":
        return bool(has.values[0] <= value <= has.values[1])
    return True
