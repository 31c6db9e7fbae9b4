"""The families of questions: each draws what it is about and asks it; WEIGHTS says how often."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cypher_magic.data.generate import meaning as ask
from cypher_magic.data.generate import meaning_groups as groups
from cypher_magic.data.generate import meaning_relationships as relationships
from cypher_magic.data.generate.conditions import Has, Than, Times, Together
from cypher_magic.data.generate.draw import OPS, Drawer, asked
from cypher_magic.data.generate.draw_things import (
    SHOWN,
    aggregates,
    any_thing,
    combined_thing,
    filter_thing,
    measured,
    of_label,
    one_hop_thing,
    roled_thing,
    set_thing,
    together_thing,
    two_hops_thing,
    without_thing,
)
from cypher_magic.data.generate.facts import usable
from cypher_magic.data.generate.lexicon import PEOPLE
from cypher_magic.data.generate.spaced import spaced
from cypher_magic.data.generate.thing import Condition, Thing
from cypher_magic.data.generate.words import singular, words

if TYPE_CHECKING:
    from collections.abc import Callable

    from cypher_magic.data.generate.meaning import Meaning


def _lookup(d: Drawer) -> Meaning | None:
    label = d.label(lambda one: one in d.facts.keys)
    thing = d.named(label) if label else None
    name = d.property(label, SHOWN) if label else None
    if not thing or not name or not label:
        return None
    holders = [n for n in d.facts.nodes[label] if usable(n.values.get(name))]
    thing = d.pinned(d.rng.choice(holders)) if holders else thing
    return ask.lookup(thing, name) if thing else None


def _filter(d: Drawer) -> Meaning | None:
    thing = next((t for _ in range(4) if (t := filter_thing(d)) and not d.many(t)), None)
    return ask.listing(thing) if thing else None


def _all(d: Drawer) -> Meaning | None:
    label = d.label()
    return ask.listing(d.thing(label)) if label else None


def _one_hop(d: Drawer) -> Meaning | None:
    thing = roled_thing(d) if d.rng.random() < 0.1 else one_hop_thing(d)
    return ask.listing(thing) if thing else None


def _two_hops(d: Drawer) -> Meaning | None:
    thing = two_hops_thing(d)
    return ask.listing(thing) if thing else None


def _combined(d: Drawer) -> Meaning | None:
    thing = combined_thing(d)
    return ask.listing(thing) if thing else None


def _count(d: Drawer) -> Meaning | None:
    if d.rng.random() < 0.15:
        label = d.label()
        return ask.counting(d.thing(label)) if label else None
    thing = any_thing(d)
    return ask.counting(thing) if thing else None


def _columns(d: Drawer) -> Meaning | None:
    if d.triples and d.rng.random() < 0.3:
        return _pairs(d)
    thing = any_thing(d) if d.rng.random() < 0.8 else None
    label = thing.label if thing else d.label()
    if not label or label not in d.facts.keys:
        return None
    names = [p for p in d.facts.schema.labels[label] if d.facts.kind(label, p) in SHOWN]
    if not names:
        return None
    chosen = d.rng.sample(names, min(len(names), d.rng.choice([1, 1, 1, 2])))
    return ask.columns(thing or d.thing(label), tuple(chosen))


def _pairs(d: Drawer) -> Meaning | None:
    side = d.side(need=lambda s: asked(s) in d.facts.keys and s[2] in d.facts.keys)
    if not side:
        return None
    triple, at, other = side
    label = asked(side)
    has = d.has(label, d.edge(triple).end_at(at), ops=("=", ">", "<", "between"))
    labels, known = d.facts.schema.labels, d.facts.schema.relationship_types.get(triple.type, {})
    names = [
        p for p in known if d.facts.kind(triple, p) not in ("", "flag") and p not in {*labels[label], *labels[other]}
    ]
    name = d.rng.choice(names) if names and d.rng.random() < 0.4 else ""
    return groups.pairs_of(triple, at, d.thing(label, *([has] if has else [])), d.thing(other), name)


def _values_of(d: Drawer) -> Meaning | None:
    thing = any_thing(d)
    name = d.property(thing.label, [kind for kind in SHOWN if kind != "flag"]) if thing else None
    return ask.lookup(thing, name) if thing and name and thing.key else None


def _distinct(d: Drawer) -> Meaning | None:
    label = d.label(lambda one: d.property(one, ("category", "year", "number")) is not None)
    name = d.property(label, ("category", "year", "category", "number")) if label else None
    if not label or not name:
        return None
    thing = (of_label(d, label) if d.triples and d.rng.random() < 0.4 else None) or d.thing(label)
    return ask.distinct(thing, name)


def _top(d: Drawer) -> Meaning | None:
    found = measured(d)
    if not found:
        return None
    number = d.rng.choice([1, 1, 1, 2, 3, 3, 5, 5, 10])
    return ask.top(*found, number, highest=d.rng.random() < 0.6)


def _aggregate(d: Drawer) -> Meaning | None:
    found = measured(d)
    if not found:
        return None
    year = d.facts.kind(found[0].label, found[1]) == "year"
    return ask.aggregate(*found, d.rng.choice(["min", "max", "avg"] if year else aggregates(found[1])))


def _group(d: Drawer) -> Meaning | None:
    how = d.rng.random()
    if how < 0.25 or not d.triples:
        label = d.label(lambda one: d.property(one, ("category", "year")) is not None)
        name = d.property(label, ("category", "year")) if label else None
        return groups.by_value(d.thing(label), name) if label and name else None
    side = d.side(need=lambda s: asked(s) in d.facts.keys)
    if not side:
        return None
    triple, at, other = side
    if how < 0.5:
        name = d.property(other, ("number",))
        if name:
            return groups.average_per(
                triple,
                at,
                d.thing(asked(side)),
                d.thing(other),
                name,
                d.rng.choice(aggregates(name)),
            )
    has = d.has(other, ops=("=", ">", "<", "between")) if d.rng.random() < 0.3 else None
    return groups.per_group(triple, at, d.thing(asked(side)), d.thing(other, *([has] if has else [])))


def _optional(d: Drawer) -> Meaning | None:
    side = d.side(need=lambda s: asked(s) in d.facts.keys)
    return groups.per_group(side[0], side[1], d.thing(asked(side)), d.thing(side[2]), empty=True) if side else None


def _rank(d: Drawer) -> Meaning | None:
    side = d.side(need=lambda s: asked(s) in d.facts.keys)
    if not side:
        return None
    triple, at, other = side
    how = d.rng.random()
    if how < 0.15:
        thing = together_thing(d)
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
        d.thing(asked(side)),
        d.thing(other, *([has] if has else [])),
        d.rng.choice([1, 1, 1, 3, 5, 10]),
        most=d.rng.random() < 0.85,
    )


def _existence(d: Drawer) -> Meaning | None:
    if d.triples and d.rng.random() < 0.7:
        side = d.side(need=lambda s: asked(s) in d.facts.keys and s[2] in d.facts.keys)
        if not side:
            return None
        triple, at, other = side
        edge = d.edge(triple)
        thing, far = d.pinned(edge.end_at(at)), d.pinned(edge.end_at("end" if at == "start" else "start"))
        if d.rng.random() < 0.35:
            far = d.named(other)
        return ask.exists(thing, triple, at, far) if thing and far else None
    thing = any_thing(d)
    return ask.any_at_all(thing) if thing else None


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
    thing = without_thing(d)
    return (ask.listing(thing) if d.rng.random() < 0.7 else ask.counting(thing)) if thing else None


def _times(d: Drawer) -> Meaning | None:
    side = d.side()
    if not side:
        return None
    triple, at, other = side
    degrees = d.facts.degree(asked(side), triple, at)
    if not degrees or degrees[-1] < 2:
        return None
    number = min(10, d.rng.randint(1, max(1, degrees[-1] - 1)))
    op = d.rng.choice([">", ">", ">=", "="]) if number > 1 else d.rng.choice([">", "="])
    thing = d.thing(asked(side), Times(triple, at, Thing(other, d.facts.keys.get(other)), op, number))
    return ask.listing(thing) if d.rng.random() < 0.7 else ask.counting(thing)


def _sets(d: Drawer) -> Meaning | None:
    thing = set_thing(d)
    return (ask.listing(thing) if d.rng.random() < 0.75 else ask.counting(thing)) if thing else None


def _relationship(d: Drawer) -> Meaning | None:
    sides = [
        (s, p)
        for label in d.labels
        for s in d.facts.sides(label)
        for p in d.facts.schema.relationship_types.get(s[0].type, {})
        if d.facts.kind(s[0], p) and label in d.facts.keys and s[2] in d.facts.keys
    ]
    found = d.rare(sides, lambda sp: (asked(sp[0]), sp[0][0].type, "out" if sp[0][1] == "start" else "in", sp[1]))
    if not found:
        return None
    (triple, at, other), name = found
    label = asked(found[0])
    kind = d.facts.kind(triple, name)
    if kind == "identifier" and d.rng.random() < 0.8:
        return None
    edge = d.edge(triple)
    mine, far = d.pinned(edge.end_at(at)), d.pinned(edge.end_at("end" if at == "start" else "start"))
    how = d.rng.random()
    if not mine or not far:
        return None
    if kind != "number" or how < 0.25:
        if how < 0.6 or kind not in OPS:
            return relationships.detail(triple, mine, far, at, name)
        condition = d.on_edge(found[0])
        return ask.listing(d.thing(label, condition)) if condition else None
    if how < 0.5:
        condition = d.on_edge(found[0])
        return (ask.listing if d.rng.random() < 0.7 else ask.counting)(d.thing(label, condition)) if condition else None
    if how < 0.75:
        return relationships.on_relationship(triple, at, mine, name, d.rng.choice(aggregates(name)), Thing(other, None))
    return relationships.rank_by_relationship(
        triple, at, d.thing(label), d.thing(other), name, d.rng.choice([1, 3, 5, 10])
    )


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
        return relationships.compare(label, key, name, d.facts.name(a), d.facts.name(b), higher=d.rng.random() < 0.5)
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
    return relationships.path(first, second) if first and second and first != second else None


FAMILIES: dict[str, Callable[[Drawer], Meaning | None]] = {
    "lookup": _lookup, "filter": _filter, "all": _all, "one hop": _one_hop, "two hops": _two_hops,
    "combined": _combined, "count": _count, "columns": _columns, "values": _values_of, "distinct": _distinct,
    "top": _top, "aggregate": _aggregate, "group": _group, "optional": _optional, "rank": _rank,
    "existence": _existence, "absence": _absence, "times": _times, "sets": _sets, "relationship": _relationship,
    "comparison": _comparison, "path": _path,
}  # fmt: skip
WEIGHTS = {
    "lookup": 9, "filter": 8, "all": 1, "one hop": 13, "two hops": 8, "combined": 7, "count": 10, "columns": 4,
    "values": 3, "distinct": 2, "top": 7, "aggregate": 5, "group": 5, "optional": 1, "rank": 7, "existence": 3,
    "absence": 3, "times": 4, "sets": 5, "relationship": 6, "comparison": 4, "path": 1,
}  # fmt: skip
ALONE = frozenset(
    spaced("lookup filter all count columns values distinct top aggregate group existence absence comparison")
)


def families(drawer: Drawer) -> list[str]:
    """The families that this graph has something for."""
    return [f for f in FAMILIES if drawer.triples or f in ALONE]


def draw(drawer: Drawer, family: str) -> Meaning | None:
    """One question of a family; None where the facts have nothing for it."""
    meaning = FAMILIES[family](drawer)
    if meaning:
        drawer.used.add(meaning.cells)
    return meaning
