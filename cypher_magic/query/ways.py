"""Patterns of a graph as rules: which node can follow which relationship, with the names and directions of a schema."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from cypher_magic.graph.schema import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cypher_magic.graph.schema import GraphSchema

_ANY_NAME = "/[A-Za-z_][A-Za-z0-9_]{0,60}|`[^`\\n]{1,60}`/"
_LENGTH = r"LENGTH: /\*([0-9]{1,2})?(\.\.([0-9]{1,2})?)?/"
_MOST_HOPS = 6
_TOO_MANY = 1000  # triples: a bigger graph's grammar holds to its names only


def any_ways() -> list[str]:
    """The rules of patterns on a graph whose names are not known."""
    return [
        f"label: {_ANY_NAME}",
        f"property_name: {_ANY_NAME}",
        f"chain: node (hop node){{0,{_MOST_HOPS}}}",
        f"pattern: node (hop node){{1,{_MOST_HOPS}}}",
        'node: "(" NAME? (":" labels)? properties? where? ")"',
        'hop: "-[" inside ("]->" | "]-") | "<-[" inside "]-" | /<?--|-->/',
        'inside: NAME? (":" label ("|" label){0,3})? LENGTH? properties? where?',
        _LENGTH,
        "properties: OPEN filter (COMMA filter){0,5} CLOSE",
        "filter: property_name /: ?/ expression",
    ]


def ways(schema: GraphSchema, *, ends: bool, banned: frozenset[str]) -> list[str]:
    """The rules of patterns on a graph: a node's label says which relationships can follow it."""
    return _Ways(schema, ends, banned).rules()


def _either(inside: str) -> str:
    """A relationship with this inside its brackets, the arrow pointing either way or none."""
    return f'("-[" {inside} /\\]->?/ | "<-[" {inside} "]-")'


def _spelled(name: str) -> str:
    return json.dumps(quoted(name), ensure_ascii=False)


class _Ways:
    def __init__(self, schema: GraphSchema, ends: bool, banned: frozenset[str]) -> None:
        self._labels = [label for label in schema.labels if label not in banned]
        self._types = [t for t in schema.relationship_types if t not in banned]
        self._open = not (ends and 0 < len(schema.triples) <= _TOO_MANY)  # any relationship between any nodes
        self._triples = [t for t in schema.triples if t.type not in banned]
        self._of_label = {label: [p for p in schema.labels[label] if p not in banned] for label in self._labels}
        self._of_type = {t: [p for p in schema.relationship_types[t] if p not in banned] for t in self._types}
        self._number = {label: i for i, label in enumerate(self._labels)}
        self._joined = {label for t in self._triples for label in (t.start, t.end)} & set(self._labels)
        self._ends: dict[frozenset[str], str] = {}  # labels -> rule
        self._choices: dict[str, str] = {}  # names to choose from -> terminal

    def rules(self) -> list[str]:
        names = dict.fromkeys(p for owner in (self._of_label, self._of_type) for ps in owner.values() for p in ps)
        lines = [
            _LENGTH,
            f"property_name: {self._choice(names) or 'NAME'}",
            f"label: {self._choice(self._labels) or 'NAME'}",
            *self._properties("properties", names),
            'node: bare | "(" NAME? ":" label (/[&:|]/ label){1,3} properties? where? ")"',
            'bare: "(" NAME? properties? where? ")"',
        ]
        for i, label in enumerate(self._labels):
            lines.append(f'node_{i}: "(" NAME? ":" {_spelled(label)} of_label_{i}? where? ")"')
            lines += self._properties(f"of_label_{i}", self._of_label[label])
        for i, kind in enumerate(self._types):
            lines.append(f'inside_{i}: NAME? ":" {_spelled(kind)} of_type_{i}? where?')
            lines += self._properties(f"of_type_{i}", self._of_type[kind])
        # The rules of hops count them (`::_` is the count so far), so that a path ends.
        joined = [] if self._open else [i for label, i in self._number.items() if label in self._joined]
        starts = [f"node_{i} {hop}::0" for label, i in self._number.items() if (hop := self._hop_of(label))]
        lines.append("pattern: " + " | ".join([*starts, "node hop_any::0"]))
        lines.append(" | ".join(["chain: pattern", "node", *(f"node_{i}" for i in self._number.values())]))
        lines += [f"hop_{i}::_: {self._hop(self._labels[i])}" for i in joined]
        none = f'"--" {self._to(set())}'  # a graph without relationships: the rule must have something
        lines.append(f"hop_any::_: {self._hop(None) or none}")
        lines += [f"{name}::_: {self._end(labels)}" for labels, name in self._ends.items()]
        return lines + [f"{name}: {names}" for names, name in self._choices.items()]

    def _choice(self, names: Iterable[str]) -> str:
        """The terminal for one of these names; a terminal, because rules are many times as costly."""
        spelled = " | ".join(map(_spelled, names))
        return self._choices.setdefault(spelled, f"ONE_OF_{len(self._choices)}") if spelled else ""

    def _properties(self, rule: str, names: Iterable[str]) -> list[str]:
        choice = self._choice(names)
        if not choice:
            return [f"{rule}: OPEN CLOSE"]
        return [f"{rule}: OPEN {rule}_pair (COMMA {rule}_pair){{0,4}} CLOSE", f"{rule}_pair: {choice} /: ?/ expression"]

    def _hop(self, label: str | None) -> str:
        """A relationship from a node with this label (None: any) and the node behind it.

        The arrow may point either way as long as the relationship exists in one: which way is right is known when both
        ends are written, and then the arrow is turned. Ruled out here, a wrong arrow would make for a wrong end.
        """
        every = set(self._labels)
        ends: dict[str, set[str]] = {t: every for t in self._types} if self._open else {}
        for t in self._triples if not self._open else ():
            if label in (None, t.start):
                ends.setdefault(t.type, set()).add(t.end)
            if label in (None, t.end):
                ends.setdefault(t.type, set()).add(t.start)
        if not ends:
            return ""
        known = [i for i, kind in enumerate(self._types) if kind in ends]
        found = [f"{_either(f'inside_{i}')} {self._to(ends[self._types[i]])}" for i in known]
        reached, one = set().union(*ends.values()), self._choice(ends)
        several = f'":" {one} ("|" {one})'
        found += [
            f"{_either('NAME?')} {self._to(reached)}",
            f"{_either(f'NAME? {several}{{1,3}}')} {self._to(reached)}",
            f"{_either(f'NAME? ({several}{{0,3}})? LENGTH')} {self._to(every)}",
            f"/--|-->|<--/ {self._to(reached)}",
        ]
        return " | ".join(found)

    def _to(self, labels: set[str]) -> str:
        return self._ends.setdefault(frozenset(labels), f"to_{len(self._ends)}") + "::_"

    def _end(self, labels: frozenset[str]) -> str:
        """A node with one of these labels, or without any, and what can follow it."""
        known = [label for label in self._labels if label in labels]
        ends = [*(f"node_{self._number[label]}" for label in known), "bare"]
        hops = [*map(self._hop_of, known), "hop_any"]
        further = [
            f"{e} {h}::incr([0:4]) %if lt([0:4], {_MOST_HOPS - 1})" for e, h in zip(ends, hops, strict=True) if h
        ]
        return " | ".join([*ends, *further])

    def _hop_of(self, label: str) -> str:
        """The rule of the relationships that a node with this label has; empty if none."""
        if self._open:
            return "hop_any"
        return f"hop_{self._number[label]}" if label in self._joined else ""
