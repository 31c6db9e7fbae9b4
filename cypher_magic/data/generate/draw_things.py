"""Draws what questions are about: things narrowed by properties, by relationships, by both."""

from __future__ import annotations

from cypher_magic.data.generate.conditions import AlsoRelated, Both, Either, Has, Related, Together, Without
from cypher_magic.data.generate.draw import OPS, Drawer, asked, holds
from cypher_magic.data.generate.lexicon import PEOPLE
from cypher_magic.data.generate.spaced import spaced
from cypher_magic.data.generate.thing import Condition, Thing
from cypher_magic.data.generate.words import singular, words

SHOWN = ("number", "year", "text", "category", "flag", "moment", "list", "identifier")
_NOT_SUMMED = frozenset(
    spaced(
        "rating score age percent percentage share rate level year stars gpa elevation altitude temperature "
        "severity priority floor rank grade low high min max minimum maximum"
    )
)


def aggregates(name: str) -> list[str]:
    """The aggregates that make sense for a number of this name."""
    return ["avg", "avg", "max", "min", *([] if _NOT_SUMMED & {*words(name)} else ["sum"])]


def filter_thing(d: Drawer, *, more: float = 0.2) -> Thing | None:
    """Things narrowed by one or two properties."""
    label = d.label(lambda one: any(d.facts.kind(one, p) in OPS for p in d.facts.schema.labels[one]))
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


def one_hop_thing(d: Drawer) -> Thing | None:
    """Things related to a named one."""
    side = d.side(need=lambda s: s[2] in d.facts.keys)
    condition = d.related(side) if side else None
    return d.thing(asked(side), condition) if side and condition else None


def roled_thing(d: Drawer) -> Thing | None:
    """Those that do something at all: directors, authors."""
    side = d.side(need=lambda s: s[1] == "start" and singular(words(asked(s))[-1]) in PEOPLE)
    if not side:
        return None
    triple, at, other = side
    label = asked(side)
    role = Related(triple, at, d.thing(other))
    has = d.has(label, d.edge(triple).end_at(at), ops=("=", ">", "<", "between")) if d.rng.random() < 0.6 else None
    return d.thing(label, role, *([has] if has else []))


def two_hops_thing(d: Drawer) -> Thing | None:
    """Things related to things that meet a condition."""
    side = d.side()
    if not side:
        return None
    if d.rng.random() < 0.25:
        return together_thing(d)
    condition = d.related(side, deep=1.0)
    return d.thing(asked(side), condition) if condition and condition.loose else None


def together_thing(d: Drawer) -> Thing | None:
    """Things that share a neighbour with a named one."""
    side = d.side(need=lambda s: asked(s) in d.facts.keys and s[2] != asked(s))
    if not side:
        return None
    triple, at, other = side
    edge = d.edge(triple)
    name = d.pinned(edge.end_at(at))
    return d.thing(asked(side), Together(triple, at, d.thing(other), name)) if name else None


def combined_thing(d: Drawer) -> Thing | None:
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


def any_thing(d: Drawer) -> Thing | None:
    """Things narrowed in any way."""
    make = d.rng.choice(
        [
            filter_thing,
            one_hop_thing,
            one_hop_thing,
            roled_thing,
            combined_thing,
            two_hops_thing,
            set_thing,
            without_thing,
        ]
    )
    return make(d) if d.triples else filter_thing(d)


def without_thing(d: Drawer) -> Thing | None:
    """Things that lack a relationship."""
    side = d.side()
    if not side:
        return None
    triple, at, other = side
    if d.rng.random() < 0.3 and other in d.facts.keys:
        far = d.named(other)
        label = asked(side)
        has = d.has(label, ops=("=", ">", "<", "between"))
        more = d.side(label, lambda s: s != side)
        first = has if has and d.rng.random() < 0.5 else (d.related(more) if more else has)
        return d.thing(label, first, Without(triple, at, far)) if far and first else None
    return d.thing(asked(side), Without(triple, at, Thing(other, d.facts.keys.get(other))))


def set_thing(d: Drawer) -> Thing | None:
    """Things related to both, or to either, of two named ones."""
    how = d.rng.random()
    if how < 0.3:
        return also_thing(d)
    side = d.side(need=lambda s: s[2] in d.facts.keys)
    if not side:
        return None
    triple, at, _ = side
    back = "end" if at == "start" else "start"
    edge = d.edge(triple)
    first = d.pinned(edge.end_at(back))
    label = asked(side)
    if how < 0.65:
        edges = [e for e in d.facts.edges_of(edge.end_at(at), triple, at) if e.end_at(back).id != edge.end_at(back).id]
        second = d.pinned(d.rng.choice(edges).end_at(back)) if edges else None
        return d.thing(label, Both(triple, at, first, second)) if first and second and first != second else None
    second = d.pinned(d.edge(triple).end_at(back))
    return d.thing(label, Either(triple, at, first, second)) if first and second and first != second else None


def also_thing(d: Drawer) -> Thing | None:
    """Things in two kinds of relationships to the same thing."""
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


def of_label(d: Drawer, label: str) -> Thing | None:
    """Things of this label related to a named one."""
    side = d.side(label)
    condition = d.related(side) if side else None
    return d.thing(label, condition) if condition else None


def measured(d: Drawer) -> tuple[Thing, str] | None:
    """A thing (mostly narrowed) and a number of it."""
    label = d.label(lambda one: d.property(one, ("number", "year")) is not None)
    name = d.property(label, ("number", "year")) if label else None
    if not label or not name:
        return None
    if d.rng.random() < 0.3:
        return d.thing(label), name
    if d.triples and d.rng.random() < 0.15:
        roled = roled_thing(d)
        own = d.property(roled.label, ("number", "year")) if roled else None
        if roled and own:
            return roled, own
    if d.triples and d.rng.random() < 0.65:
        return (of_label(d, label) or d.thing(label)), name
    has = d.has(label, ops=("=", ">", "<", "between"))
    return d.thing(label, *([has] if has and has.name != name else [])), name
