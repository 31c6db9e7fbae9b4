"""Draws questions from facts: which family, which part of the schema, which values; what is rare so far comes first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cypher_magic.data.generate import meaning as ask
from cypher_magic.data.generate import meaning_groups as groups
from cypher_magic.data.generate.facts import Edge, Facts, Node, usable
from cypher_magic.data.generate.lexicon import PEOPLE
from cypher_magic.data.generate.spaced import spaced
from cypher_magic.data.generate.thing import (
    AlsoRelated,
    Both,
    Condition,
    Either,
    Has,
    Pin,
    Related,
    Than,
    Thing,
    Times,
    Together,
    Used,
    Without,
)
from cypher_magic.data.generate.words import singular, words
from cypher_magic.graph.schema import Triple

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

    from cypher_magic.data.generate.meaning import Meaning

LONG_LIST = 100  # rows of a list; more say little about whether a query is right
Side = tuple[Triple, str, str]  # triple, the side of the asked label, the label at the other side


class Drawer:
    """Draws meanings; None where the facts have nothing for the chosen family."""

    def __init__(self, facts: Facts, rng: random.Random, used: Used | None = None) -> None:
        self.facts = facts
        self.rng = rng
        self.used = used or Used()
        self.labels = [label for label in facts.schema.labels if facts.nodes.get(label)]
        self.triples = [t for t in facts.schema.triples if facts.edges.get(t)]
        self.families = {**_FAMILIES} if self.triples else {k: v for k, v in _FAMILIES.items() if k in _ALONE}

    def draw(self, family: str) -> Meaning | None:
        """One question of a family."""
        meaning = self.families[family](self)
        if meaning:
            self.used.add(meaning.cells)
        return meaning

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
        found: Side | None = self.rare(
            options, lambda s: (_asked(s), s[0].type, "out" if s[1] == "start" else "in", "")
        )
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
        allowed = [op for op in _OPS.get(kind, ()) if not ops or op in ops]
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
            if self.facts.kind(triple, p) in _OPS and self.facts.kind(triple, p) != "identifier"
        ]
        name = self.rare(options, lambda p: ("", triple.type, "", p))
        has = self.has_on(triple, name, edge, ops=("=", ">", "<", ">=", "<=", "between", "member")) if name else None
        pinned = self.pinned(edge.end_at("end" if at == "start" else "start"))
        return Related(triple, at, pinned, has) if has and pinned else None


_OPS = {
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


def _asked(side: Side) -> str:
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


# --- families ---------------------------------------------------------------------------------------------------------


def _lookup(d: Drawer) -> Meaning | None:
    label = d.label(lambda one: one in d.facts.keys)
    thing = d.named(label) if label else None
    name = d.property(label, _SHOWN) if label else None
    if not thing or not name or not label:
        return None
    holders = [n for n in d.facts.nodes[label] if usable(n.values.get(name))]
    thing = d.pinned(d.rng.choice(holders)) if holders else thing
    return ask.lookup(thing, name) if thing else None


def _filter_thing(d: Drawer, *, more: float = 0.2) -> Thing | None:
    label = d.label(lambda one: any(d.facts.kind(one, p) in _OPS for p in d.facts.schema.labels[one]))
    if not label:
        return None
    key = d.facts.keys.get(label)
    if key and d.rng.random() < 0.12 and isinstance(d.facts.values(label, key)[0], str):
        has = d.has_on(label, key)
    else:
        has = d.has(label, wide=True)
    if not has:
        return None
    conditions = [has]
    if d.rng.random() < more:
        second = d.has(label, ops=("=", ">", "<", "between"))
        conditions += [second] if second and second.name != has.name else []
    return d.thing(label, *conditions)


def _filter(d: Drawer) -> Meaning | None:
    thing = next((t for _ in range(4) if (t := _filter_thing(d)) and not d.many(t)), None)
    return ask.listing(thing) if thing else None


def _all(d: Drawer) -> Meaning | None:
    label = d.label()
    return ask.listing(d.thing(label)) if label else None


def _one_hop_thing(d: Drawer) -> Thing | None:
    side = d.side(need=lambda s: s[2] in d.facts.keys)
    condition = d.related(side) if side else None
    return d.thing(_asked(side), condition) if side and condition else None


def _one_hop(d: Drawer) -> Meaning | None:
    thing = _roled_thing(d) if d.rng.random() < 0.1 else _one_hop_thing(d)
    return ask.listing(thing) if thing else None


def _roled_thing(d: Drawer) -> Thing | None:
    """Those that do something at all: directors, authors."""
    side = d.side(need=lambda s: s[1] == "start" and singular(words(_asked(s))[-1]) in PEOPLE)
    if not side:
        return None
    triple, at, other = side
    label = _asked(side)
    role = Related(triple, at, d.thing(other))
    has = d.has(label, d.edge(triple).end_at(at), ops=("=", ">", "<", "between")) if d.rng.random() < 0.6 else None
    return d.thing(label, role, *([has] if has else []))


def _two_hops_thing(d: Drawer) -> Thing | None:
    side = d.side()
    if not side:
        return None
    if d.rng.random() < 0.25:
        return _together_thing(d)
    condition = d.related(side, deep=1.0)
    return d.thing(_asked(side), condition) if condition and condition.loose else None


def _two_hops(d: Drawer) -> Meaning | None:
    thing = _two_hops_thing(d)
    return ask.listing(thing) if thing else None


def _together_thing(d: Drawer) -> Thing | None:
    side = d.side(need=lambda s: _asked(s) in d.facts.keys and s[2] != _asked(s))
    if not side:
        return None
    triple, at, other = side
    edge = d.edge(triple)
    name = d.pinned(edge.end_at(at))
    return d.thing(_asked(side), Together(triple, at, d.thing(other), name)) if name else None


def _combined_thing(d: Drawer) -> Thing | None:
    """One thing under two conditions that hold together for some node."""
    label = d.label(lambda one: any(True for _ in d.facts.sides(one)))
    side = d.side(label) if label else None
    if not label or not side:
        return None
    node = d.edge(side[0]).end_at(side[1])
    first = d.related(side, node)
    if not first:
        return None
    if d.rng.random() < 0.5:
        second: Condition | None = d.has(label, node, ops=("=", ">", "<", "between", "member"))
        if isinstance(second, Has) and not holds(second, node):
            return None
    else:
        other = d.side(label, lambda s: s != side)
        second = d.related(other, node) if other else None
    return d.thing(label, first, second) if second else None


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


def _combined(d: Drawer) -> Meaning | None:
    thing = _combined_thing(d)
    return ask.listing(thing) if thing else None


def _any_thing(d: Drawer) -> Thing | None:
    make = d.rng.choice(
        [
            _filter_thing,
            _one_hop_thing,
            _one_hop_thing,
            _roled_thing,
            _combined_thing,
            _two_hops_thing,
            _set_thing,
            _without_thing,
        ]
    )
    return make(d) if d.triples else _filter_thing(d)


def _count(d: Drawer) -> Meaning | None:
    if d.rng.random() < 0.15:
        label = d.label()
        return ask.counting(d.thing(label)) if label else None
    thing = _any_thing(d)
    return ask.counting(thing) if thing else None


def _columns(d: Drawer) -> Meaning | None:
    if d.triples and d.rng.random() < 0.3:
        return _pairs(d)
    thing = _any_thing(d) if d.rng.random() < 0.8 else None
    label = thing.label if thing else d.label()
    if not label or label not in d.facts.keys:
        return None
    names = [p for p in d.facts.schema.labels[label] if d.facts.kind(label, p) in _SHOWN]
    if not names:
        return None
    chosen = d.rng.sample(names, min(len(names), d.rng.choice([1, 1, 1, 2])))
    return ask.columns(thing or d.thing(label), tuple(chosen))


def _pairs(d: Drawer) -> Meaning | None:
    side = d.side(need=lambda s: _asked(s) in d.facts.keys and s[2] in d.facts.keys)
    if not side:
        return None
    triple, at, other = side
    label = _asked(side)
    has = d.has(label, d.edge(triple).end_at(at), ops=("=", ">", "<", "between"))
    names = [p for p in d.facts.schema.relationship_types.get(triple.type, {}) if d.facts.kind(triple, p)]
    name = d.rng.choice(names) if names and d.rng.random() < 0.4 else ""
    return groups.pairs_of(triple, at, d.thing(label, *([has] if has else [])), d.thing(other), name)


def _values_of(d: Drawer) -> Meaning | None:
    thing = _any_thing(d)
    name = d.property(thing.label, _SHOWN) if thing else None
    return ask.lookup(thing, name) if thing and name and thing.key else None


def _distinct(d: Drawer) -> Meaning | None:
    label = d.label(lambda one: d.property(one, ("category", "year", "number")) is not None)
    name = d.property(label, ("category", "year", "category", "number")) if label else None
    if not label or not name:
        return None
    thing = (_of_label(d, label) if d.triples and d.rng.random() < 0.4 else None) or d.thing(label)
    return ask.distinct(thing, name)


def _of_label(d: Drawer, label: str) -> Thing | None:
    side = d.side(label)
    condition = d.related(side) if side else None
    return d.thing(label, condition) if condition else None


def _measured(d: Drawer) -> tuple[Thing, str] | None:
    """A thing (mostly narrowed) and a number of it."""
    label = d.label(lambda one: d.property(one, ("number", "year")) is not None)
    name = d.property(label, ("number", "year")) if label else None
    if not label or not name:
        return None
    if d.rng.random() < 0.3:
        return d.thing(label), name
    if d.triples and d.rng.random() < 0.15:
        roled = _roled_thing(d)
        own = d.property(roled.label, ("number", "year")) if roled else None
        if roled and own:
            return roled, own
    if d.triples and d.rng.random() < 0.65:
        return (_of_label(d, label) or d.thing(label)), name
    has = d.has(label, ops=("=", ">", "<", "between"))
    return d.thing(label, *([has] if has and has.name != name else [])), name


def _top(d: Drawer) -> Meaning | None:
    found = _measured(d)
    if not found:
        return None
    number = d.rng.choice([1, 1, 1, 2, 3, 3, 5, 5, 10])
    return ask.top(*found, number, highest=d.rng.random() < 0.6)


def _aggregate(d: Drawer) -> Meaning | None:
    found = _measured(d)
    if not found:
        return None
    year = d.facts.kind(found[0].label, found[1]) == "year"
    return ask.aggregate(*found, d.rng.choice(["min", "max", "avg"] if year else aggregates(found[1])))


_NOT_SUMMED = frozenset(
    spaced("rating score age percent percentage share rate level year stars gpa elevation altitude temperature")
)


def aggregates(name: str) -> list[str]:
    """The aggregates that make sense for a number of this name."""
    return ["avg", "avg", "max", "min", *([] if _NOT_SUMMED & {*words(name)} else ["sum"])]


def _group(d: Drawer) -> Meaning | None:
    how = d.rng.random()
    if how < 0.25 or not d.triples:
        label = d.label(lambda one: d.property(one, ("category", "year")) is not None)
        name = d.property(label, ("category", "year")) if label else None
        return groups.by_value(d.thing(label), name) if label and name else None
    side = d.side(need=lambda s: _asked(s) in d.facts.keys)
    if not side:
        return None
    triple, at, other = side
    if how < 0.5:
        name = d.property(other, ("number",))
        if name:
            return groups.average_per(
                triple,
                at,
                d.thing(_asked(side)),
                d.thing(other),
                name,
                d.rng.choice(aggregates(name)),
            )
    has = d.has(other, ops=("=", ">", "<", "between")) if d.rng.random() < 0.3 else None
    return groups.per_group(triple, at, d.thing(_asked(side)), d.thing(other, *([has] if has else [])))


def _optional(d: Drawer) -> Meaning | None:
    side = d.side(need=lambda s: _asked(s) in d.facts.keys)
    return groups.per_group(side[0], side[1], d.thing(_asked(side)), d.thing(side[2]), empty=True) if side else None


def _rank(d: Drawer) -> Meaning | None:
    side = d.side(need=lambda s: _asked(s) in d.facts.keys)
    if not side:
        return None
    triple, at, other = side
    how = d.rng.random()
    if how < 0.15:
        thing = _together_thing(d)
        condition = thing.conditions[0] if thing else None
        if thing and isinstance(condition, Together):
            return groups.busy(
                condition.triple,
                Thing(thing.label, thing.key),
                condition.shared,
                condition.side,
                condition.other,
                d.rng.choice([1, 1, 2]),
            )
        return None
    has: Condition | None = None
    if how > 0.6:
        node = d.edge(triple).end_at("end" if at == "start" else "start")
        if d.rng.random() < 0.5:
            has = d.has(other, node, ops=("=", ">", "<", "between"))
        else:
            back = "end" if at == "start" else "start"
            far = d.side(other, lambda s: not (s[0] == triple and s[1] == back))
            has = d.related(far, node) if far and singular(words(other)[-1]) not in PEOPLE else None
    return groups.rank(
        triple,
        at,
        d.thing(_asked(side)),
        d.thing(other, *([has] if has else [])),
        d.rng.choice([1, 1, 1, 3, 5, 10]),
        most=d.rng.random() < 0.85,
    )


def _existence(d: Drawer) -> Meaning | None:
    if d.triples and d.rng.random() < 0.7:
        side = d.side(need=lambda s: _asked(s) in d.facts.keys and s[2] in d.facts.keys)
        if not side:
            return None
        triple, at, other = side
        edge = d.edge(triple)
        thing, far = d.pinned(edge.end_at(at)), d.pinned(edge.end_at("end" if at == "start" else "start"))
        if d.rng.random() < 0.35:
            far = d.named(other)
        return ask.exists(thing, triple, at, far) if thing and far else None
    thing = _any_thing(d)
    return ask.any_at_all(thing) if thing else None


def _without_thing(d: Drawer) -> Thing | None:
    side = d.side()
    if not side:
        return None
    triple, at, other = side
    if d.rng.random() < 0.3 and other in d.facts.keys:
        far = d.named(other)
        label = _asked(side)
        has = d.has(label, ops=("=", ">", "<", "between"))
        more = d.side(label, lambda s: s != side)
        first = has if has and d.rng.random() < 0.5 else (d.related(more) if more else has)
        return d.thing(label, first, Without(triple, at, far)) if far and first else None
    return d.thing(_asked(side), Without(triple, at, Thing(other, d.facts.keys.get(other))))


def _absence(d: Drawer) -> Meaning | None:
    if not d.triples or d.rng.random() < 0.2:
        label = d.label()
        names = [p for p in d.facts.schema.labels[label] if d.facts.kind(label, p)] if label else []
        lacking = [
            p for p in names if any(p not in n.values or n.values[p] is None for n in d.facts.nodes[label or ""])
        ]
        if not label or not lacking:
            return None
        return ask.listing(d.thing(label, Has(d.rng.choice(lacking), "missing", (), "any")))
    thing = _without_thing(d)
    return (ask.listing(thing) if d.rng.random() < 0.7 else ask.counting(thing)) if thing else None


def _times(d: Drawer) -> Meaning | None:
    side = d.side()
    if not side:
        return None
    triple, at, other = side
    degrees = d.facts.degree(_asked(side), triple, at)
    if not degrees or degrees[-1] < 2:
        return None
    number = min(10, d.rng.randint(1, max(1, degrees[-1] - 1)))
    op = d.rng.choice([">", ">", ">=", "="]) if number > 1 else d.rng.choice([">", "="])
    thing = d.thing(_asked(side), Times(triple, at, Thing(other, d.facts.keys.get(other)), op, number))
    return ask.listing(thing) if d.rng.random() < 0.7 else ask.counting(thing)


def _set_thing(d: Drawer) -> Thing | None:
    how = d.rng.random()
    if how < 0.3:
        return _also_thing(d)
    side = d.side(need=lambda s: s[2] in d.facts.keys)
    if not side:
        return None
    triple, at, _ = side
    back = "end" if at == "start" else "start"
    edge = d.edge(triple)
    first = d.pinned(edge.end_at(back))
    label = _asked(side)
    if how < 0.65:
        edges = [e for e in d.facts.edges_of(edge.end_at(at), triple, at) if e.end_at(back).id != edge.end_at(back).id]
        second = d.pinned(d.rng.choice(edges).end_at(back)) if edges else None
        return d.thing(label, Both(triple, at, first, second)) if first and second and first != second else None
    second = d.pinned(d.edge(triple).end_at(back))
    return d.thing(label, Either(triple, at, first, second)) if first and second and first != second else None


def _also_thing(d: Drawer) -> Thing | None:
    pairs = [(a, b) for a in d.triples for b in d.triples if a.start == b.start and a.end == b.end and a.type != b.type]
    if not pairs:
        return None
    first, second = d.rng.choice(pairs)
    at = "start" if d.rng.random() < 0.75 else "end"
    back = "end" if at == "start" else "start"
    label, other = (first.start, first.end) if at == "start" else (first.end, first.start)
    joined = d.rng.choice(["and", "or"])
    pinned = d.pinned(d.edge(first).end_at(back)) if joined == "or" or d.rng.random() < 0.4 else d.thing(other)
    return d.thing(label, AlsoRelated(first, second, at, pinned, joined)) if pinned else None


def _sets(d: Drawer) -> Meaning | None:
    thing = _set_thing(d)
    return (ask.listing(thing) if d.rng.random() < 0.75 else ask.counting(thing)) if thing else None


def _relationship(d: Drawer) -> Meaning | None:
    sides = [
        (s, p)
        for label in d.labels
        for s in d.facts.sides(label)
        for p in d.facts.schema.relationship_types.get(s[0].type, {})
        if d.facts.kind(s[0], p) and label in d.facts.keys and s[2] in d.facts.keys
    ]
    found = d.rare(sides, lambda sp: (_asked(sp[0]), sp[0][0].type, "out" if sp[0][1] == "start" else "in", sp[1]))
    if not found:
        return None
    (triple, at, other), name = found
    label = _asked(found[0])
    kind = d.facts.kind(triple, name)
    if kind == "identifier" and d.rng.random() < 0.8:
        return None
    edge = d.edge(triple)
    mine, far = d.pinned(edge.end_at(at)), d.pinned(edge.end_at("end" if at == "start" else "start"))
    how = d.rng.random()
    if not mine or not far:
        return None
    if kind != "number" or how < 0.25:
        if how < 0.6 or kind not in _OPS:
            return groups.detail(triple, mine, far, at, name)
        condition = d.on_edge(found[0])
        return ask.listing(d.thing(label, condition)) if condition else None
    if how < 0.5:
        condition = d.on_edge(found[0])
        return (ask.listing if d.rng.random() < 0.7 else ask.counting)(d.thing(label, condition)) if condition else None
    if how < 0.75:
        return groups.on_relationship(triple, at, mine, name, d.rng.choice(aggregates(name)), Thing(other, None))
    return groups.rank_by_relationship(triple, at, d.thing(label), d.thing(other), name, d.rng.choice([1, 3, 5, 10]))


def _comparison(d: Drawer) -> Meaning | None:
    label = d.label(lambda one: one in d.facts.keys and d.property(one, ("number", "year")) is not None)
    name = d.property(label, ("number", "year")) if label else None
    if not label or not name:
        return None
    holders = [n for n in d.facts.nodes[label] if usable(n.values.get(name)) and usable(d.facts.name(n))]
    if len(holders) < 2:
        return None
    a, b = d.rng.sample(holders, 2)
    if d.rng.random() < 0.5:
        if a.values[name] == b.values[name] or d.facts.name(a) == d.facts.name(b):
            return None
        key = d.facts.keys[label]
        return groups.compare(label, key, name, d.facts.name(a), d.facts.name(b), higher=d.rng.random() < 0.5)
    far = d.pinned(a)
    if not far:
        return None
    thing = d.thing(label, Than(name, d.rng.choice([">", "<"]), far))
    return ask.listing(thing) if d.rng.random() < 0.6 else ask.counting(thing)


def _path(d: Drawer) -> Meaning | None:
    label = d.label(lambda one: one in d.facts.keys and any(True for _ in d.facts.sides(one)))
    if not label:
        return None
    first = d.named(label)
    second = d.named(label if d.rng.random() < 0.8 else d.rng.choice([one for one in d.labels if one in d.facts.keys]))
    return groups.path(first, second) if first and second and first != second else None


_SHOWN = ("number", "year", "text", "category", "flag", "moment", "list", "identifier")
_FAMILIES: dict[str, Callable[[Drawer], Meaning | None]] = {
    "lookup": _lookup, "filter": _filter, "all": _all, "one hop": _one_hop, "two hops": _two_hops, "combined": _combined,
    "count": _count, "columns": _columns, "values": _values_of, "distinct": _distinct, "top": _top, "aggregate": _aggregate,
    "group": _group, "optional": _optional, "rank": _rank, "existence": _existence, "absence": _absence, "times": _times,
    "sets": _sets, "relationship": _relationship, "comparison": _comparison, "path": _path,
}  # fmt: skip
WEIGHTS = {
    "lookup": 9, "filter": 8, "all": 1, "one hop": 13, "two hops": 8, "combined": 7, "count": 10, "columns": 4, "values": 3,
    "distinct": 2, "top": 7, "aggregate": 5, "group": 5, "optional": 1, "rank": 7, "existence": 3, "absence": 3, "times": 4,
    "sets": 5, "relationship": 6, "comparison": 4, "path": 1,
}  # fmt: skip
_ALONE = frozenset(
    spaced("lookup filter all count columns values distinct top aggregate group existence absence comparison")
)
