"""Patterns of a graph as rules: which node can follow which relationship, with the names and directions of a schema."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from cypher_magic.graph.schema import Triple, quoted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cypher_magic.graph.schema import GraphSchema

_ANY_NAME = "/[A-Za-z_][A-Za-z0-9_]{0,60}|`[^`\\n]{1,60}`/"
_LENGTH = r"LENGTH: /\*([0-9]{1,2})?(\.\.([0-9]{1,2})?)?/"
_MOST_HOPS, _MANY = 5, 200


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


def ways(schema: GraphSchema, *, directions: bool, banned: frozenset[str]) -> list[str]:
    """The rules of patterns on a graph: a node's label says which relationships can follow it."""
    return _Ways(schema, directions, banned).rules()


def _choice(names: Iterable[str]) -> str:
    return " | ".join(json.dumps(quoted(name), ensure_ascii=False) for name in names)


class _Ways:
    def __init__(self, schema: GraphSchema, directions: bool, banned: frozenset[str]) -> None:
        self._labels = [label for label in schema.labels if label not in banned]
        self._types = [t for t in schema.relationship_types if t not in banned]
        known = [t for t in schema.triples if not {t.start, t.type, t.end} & banned]
        every = [Triple(a, t, b) for t in self._types for a in self._labels for b in self._labels]
        self._triples = known if directions and schema.triples else every
        self._of_label = {label: [p for p in schema.labels[label] if p not in banned] for label in self._labels}
        self._of_type = {t: [p for p in schema.relationship_types[t] if p not in banned] for t in self._types}
        self._number = {label: i for i, label in enumerate(self._labels)}
        self._hops = _MOST_HOPS if len(self._triples) <= _MANY else 3
        self._ends: dict[tuple[int, frozenset[str]], str] = {}  # (hops left, labels) -> rule

    def rules(self) -> list[str]:
        names = dict.fromkeys(p for owner in (self._of_label, self._of_type) for ps in owner.values() for p in ps)
        lines = [
            _LENGTH,
            f"property_name: {_choice(names) or 'NAME'}",
            f"label: {_choice(self._labels) or 'NAME'}",
            f"properties: {_properties(names)}" if names else "properties: OPEN CLOSE",
            'node: bare | "(" NAME? ":" label (/[&:|]/ label){1,3} properties? where? ")"',
            'bare: "(" NAME? properties? where? ")"',
        ]
        for i, label in enumerate(self._labels):
            lines += _filled(f"node_{i}", '"(" NAME?', label, self._of_label[label], 'where? ")"')
        for i, kind in enumerate(self._types):
            lines += _filled(f"inside_{i}", "NAME?", kind, self._of_type[kind], "where?")
        numbers = self._number.values()
        most = self._hops
        lines.append("chain: " + " | ".join([*(f"node_{i} hop_{i}_{most}?" for i in numbers), f"node hop_any_{most}?"]))
        lines.append("pattern: " + " | ".join([*(f"node_{i} hop_{i}_{most}" for i in numbers), f"node hop_any_{most}"]))
        for left in range(most, 0, -1):
            lines += [f"hop_{i}_{left}: {self._hop(label, left)}" for label, i in self._number.items()]
            lines.append(f"hop_any_{left}: {self._hop(None, left)}")
        return lines + [f"{name}: {self._end(left, labels)}" for (left, labels), name in self._ends.items()]

    def _hop(self, label: str | None, left: int) -> str:
        """A relationship from a node with this label (None: any) and the node behind it."""
        outs: dict[str, set[str]] = {}
        ins: dict[str, set[str]] = {}
        for t in self._triples:
            if label in (None, t.start):
                outs.setdefault(t.type, set()).add(t.end)
            if label in (None, t.end):
                ins.setdefault(t.type, set()).add(t.start)
        found = []
        for i, kind in enumerate(self._types):
            out, back = outs.get(kind, set()), ins.get(kind, set())
            if out:
                found.append(f'"-[" inside_{i} "]->" {self._to(out, left)}')
            if back:
                found.append(f'"<-[" inside_{i} "]-" {self._to(back, left)}')
            if out or back:
                found.append(f'"-[" inside_{i} "]-" {self._to(out | back, left)}')
        found += self._of_several(outs, ins, left)
        return " | ".join(found)

    def _of_several(self, outs: dict[str, set[str]], ins: dict[str, set[str]], left: int) -> list[str]:
        """Relationships of any type, of one of several, and repeated ones."""
        out, back = set().union(*outs.values()), set().union(*ins.values())
        every = set(self._labels)
        found = []
        for opening, closing, types, ends in (
            ('"-["', '"]->"', outs, out),
            ('"<-["', '"]-"', ins, back),
            ('"-["', '"]-"', outs | ins, out | back),
        ):
            if types:
                one = f"({_choice(types)})"
                found.append(f"{opening} NAME? {closing} {self._to(ends, left)}")
                found.append(f'{opening} NAME? ":" {one} ("|" {one}){{1,3}} {closing} {self._to(ends, left)}')
                found.append(
                    f'{opening} NAME? (":" {one} ("|" {one}){{0,3}})? LENGTH {closing} {self._to(every, left)}'
                )
        for arrow, ends in (("-->", out), ("<--", back), ("--", out | back)):
            if ends:
                found.append(f'"{arrow}" {self._to(ends, left)}')
        return found or ['"--" node']

    def _to(self, labels: set[str], left: int) -> str:
        name = f"to_{left}_{len(self._ends)}"
        return self._ends.setdefault((left, frozenset(labels)), name)

    def _end(self, left: int, labels: frozenset[str]) -> str:
        further = left > 1
        ends = [
            f"node_{i}" + (f" hop_{i}_{left - 1}?" if further else "") for n, i in self._number.items() if n in labels
        ]
        return " | ".join([*ends, "bare" + (f" hop_any_{left - 1}?" if further else "")])


def _filled(name: str, before: str, label: str, properties: list[str], after: str) -> list[str]:
    written = '":" ' + json.dumps(quoted(label), ensure_ascii=False)
    if not properties:
        return [f"{name}: {before} {written} {after}"]
    return [f"{name}: {before} {written} of_{name}? {after}", f"of_{name}: {_properties(properties)}"]


def _properties(names: Iterable[str]) -> str:
    pair = f"({_choice(names)}) /: ?/ expression"
    return f"OPEN {pair} (COMMA {pair}){{0,4}} CLOSE"
