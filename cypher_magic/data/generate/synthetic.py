"""Pairs over many invented graphs, to train a starter adapter: general skill before a user's own graph is known.

Each graph is a random part of one of the small worlds in `domains.txt`, with other names for things, another style of
naming and invented values. Nothing is executed; queries are of the same kinds as those that `generate_pairs` makes.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from cypher_magic.data.generate.facts import Edge, Facts, Node
from cypher_magic.data.generate.invented import maker
from cypher_magic.data.generate.maker import Answered, Maker, Pair, make
from cypher_magic.data.generate.words import words
from cypher_magic.errors import DataError
from cypher_magic.graph.schema import GraphSchema, Triple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cypher_magic.data.generate.meaning import Meaning

_PER_GRAPH = 30  # pairs
_NODES = (8, 22)  # of each label
_LABEL = re.compile(r"([\w/]+)\((\w+)\):\s*(.*)")
_EDGE = re.compile(r"(\w+) ([A-Z_/]+) (\w+)(?: \{(.*)\})?\Z")


@dataclass(frozen=True)
class _Property:
    names: tuple[str, ...]
    spec: str


@dataclass(frozen=True)
class _Label:
    names: tuple[str, ...]
    kind: str
    properties: tuple[_Property, ...]


@dataclass(frozen=True)
class _Relationship:
    start: str
    types: tuple[str, ...]
    end: str
    properties: tuple[_Property, ...]


@dataclass(frozen=True)
class Domain:
    """One small world: labels with their properties, and relationships; `/` in the file parts other names."""

    name: str
    labels: tuple[_Label, ...]
    relationships: tuple[_Relationship, ...]


@cache
def domains() -> tuple[Domain, ...]:
    """The small worlds of `domains.txt`."""
    text = resources.files("cypher_magic.data.generate").joinpath("domains.txt").read_text(encoding="utf-8")
    blocks = re.split(r"^= ", text, flags=re.MULTILINE)[1:]
    return tuple(_domain(block) for block in blocks)


def _domain(block: str) -> Domain:
    name, *lines = [line for line in block.splitlines() if line.strip() and not line.startswith("#")]
    labels, relationships = [], []
    for line in lines:
        if label := _LABEL.match(line):
            names, kind, properties = label.groups()
            labels.append(_Label(tuple(names.split("/")), kind, _properties(properties)))
        elif edge := _EDGE.match(line):
            start, types, end, properties = edge.groups()
            relationships.append(_Relationship(start, tuple(types.split("/")), end, _properties(properties or "")))
        else:
            raise DataError(f"domains.txt, {name}: this line is neither a label nor a relationship: {line}")
    return Domain(name, tuple(labels), tuple(relationships))


def _properties(text: str) -> tuple[_Property, ...]:
    found = []
    for word in text.split():
        names, _, spec = word.replace("=", ":", 1).partition(":")
        found.append(_Property(tuple(names.split("/")), spec or names.split("/")[0]))
    return tuple(found)


# --- an invented graph ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Style:
    """How one graph writes its names."""

    label: str
    type: str
    property: str

    @classmethod
    def of(cls, rng: random.Random) -> _Style:
        return cls(
            rng.choices(["Title", "Title_Snake", "lower", "UPPER"], [88, 5, 4, 3])[0],
            rng.choices(["UPPER_SNAKE", "camel", "lower_snake", "Title"], [82, 8, 7, 3])[0],
            rng.choices(["camel", "lower_snake", "Title"], [62, 34, 4])[0],
        )


def styled(name: str, style: str) -> str:
    """The words of a name in a style of writing."""
    parts = words(name)
    if style == "camel":
        return parts[0] + "".join(p.capitalize() for p in parts[1:])
    if style == "Title":
        return "".join(p.capitalize() for p in parts)
    joined = "_".join(p.capitalize() if style == "Title_Snake" else p for p in parts)
    return joined.upper() if style.startswith("UPPER") else joined


def invented_facts(domain: Domain, rng: random.Random) -> Facts:
    """A random part of a domain as a graph: names, schema, nodes and relationships."""
    style = _Style.of(rng)
    chosen, edges = _part(domain, rng)
    names: dict[str, str] = {}
    makers: dict[str, dict[str, Any]] = {}
    labels: dict[str, dict[str, str]] = {}
    for label in chosen:
        name = styled(label.names[0] if rng.random() < 0.6 else rng.choice(label.names), style.label)
        if name in labels:
            name = styled(label.names[0], style.label)
        names |= {n: name for n in label.names}
        labels[name], makers[name] = _owned(label, style, rng)
    nodes = {name: _nodes(name, makers[name], rng) for name in labels}
    types: dict[str, dict[str, str]] = {}
    found: dict[Triple, list[Edge]] = {}
    for edge in edges:
        triple = Triple(names[edge.start], styled(rng.choice(edge.types), style.type), names[edge.end])
        if triple in found or triple.type in types:
            continue
        types[triple.type], made = _some(edge.properties, style, rng, 0.75)
        found[triple] = _edges(triple, nodes, made, rng)
    schema = GraphSchema(
        {name: dict(sorted(labels[name].items())) for name in sorted(labels)},
        {name: dict(sorted(types[name].items())) for name in sorted(types)},
        tuple(sorted(found)),
    )
    return Facts(schema, nodes, found)


def _part(domain: Domain, rng: random.Random) -> tuple[list[_Label], list[_Relationship]]:
    """Some labels that hang together, and the relationships between them."""
    by_name = {n: label for label in domain.labels for n in label.names}
    wanted = rng.choices([1, 2, 3, 4, 5, 6, 7], [2, 6, 16, 24, 24, 18, 10])[0]
    kept = [rng.choice(domain.labels)]
    while len(kept) < wanted:
        near = [
            by_name[b]
            for e in domain.relationships
            for a, b in ((e.start, e.end), (e.end, e.start))
            if by_name[a] in kept and by_name[b] not in kept
        ]
        if not near:
            break
        kept.append(rng.choice(near))
    edges = [e for e in domain.relationships if by_name[e.start] in kept and by_name[e.end] in kept]
    return kept, [e for e in edges if rng.random() < 0.9]


def _owned(label: _Label, style: _Style, rng: random.Random) -> tuple[dict[str, str], dict[str, Any]]:
    """Property types and makers of a label, its name among them."""
    types, makers = _some(label.properties, style, rng, 0.75)
    key = _key(label, rng)
    if styled(key, style.property) not in types:
        type_, make_one = maker(label.kind)
        types[styled(key, style.property)] = type_
        makers[styled(key, style.property)] = make_one
    if rng.random() < 0.12:
        name = styled(f"{label.names[0]} id" if rng.random() < 0.5 else "id", style.property)
        types[name], makers[name] = "INTEGER", lambda r: r.randint(1, 99999)
    return types, makers


def _key(label: _Label, rng: random.Random) -> str:
    if label.kind in ("title", "paper"):
        return "title" if rng.random() < 0.8 else "name"
    if label.kind in ("code", "plate"):
        return rng.choice(
            ["code", "number", "name", f"{label.names[0]} number", f"{label.names[0]} code", "reference name"]
        )
    return rng.choices(
        ["name", f"{label.names[0]} name", "full name" if label.kind == "person" else "name"], [90, 6, 4]
    )[0]


def _some(
    properties: Sequence[_Property], style: _Style, rng: random.Random, share: float
) -> tuple[dict[str, str], dict[str, Any]]:
    types, makers = {}, {}
    for one in properties:
        if rng.random() < share:
            name = styled(rng.choice(one.names), style.property)
            types[name], makers[name] = maker(one.spec)
    return types, makers


def _nodes(label: str, makers: dict[str, Any], rng: random.Random) -> list[Node]:
    lacking = rng.choice(list(makers)) if rng.random() < 0.3 else ""  # a property that some nodes do not have
    made: list[Node] = []
    for n in range(rng.randint(*_NODES)):
        values = {p: _moment(m(rng)) for p, m in makers.items()}
        if lacking and rng.random() < 0.3:
            values.pop(lacking)
        made.append(Node(f"{label}{n}", label, values))
    return made


def _edges(triple: Triple, nodes: dict[str, list[Node]], makers: dict[str, Any], rng: random.Random) -> list[Edge]:
    made = []
    for start in nodes[triple.start]:
        for end in rng.sample(nodes[triple.end], min(len(nodes[triple.end]), rng.choice([0, 1, 1, 2, 3]))):
            if start is not end:
                made.append(Edge(triple, start, end, {p: _moment(m(rng)) for p, m in makers.items()}))
    return made or [
        Edge(triple, nodes[triple.start][0], nodes[triple.end][-1], {p: _moment(m(rng)) for p, m in makers.items()})
    ]


def _moment(value: Any) -> Any:
    return Moment(value.isoformat()) if hasattr(value, "isoformat") else value


@dataclass(frozen=True, order=True)
class Moment:
    """A date or a time as its ISO text, as the driver's own moments give it."""

    text: str

    def iso_format(self) -> str:
        """The ISO text."""
        return self.text

    def __str__(self) -> str:
        return self.text


# --- pairs ----------------------------------------------------------------------------------------------------------


def synthetic_pairs(
    rows: int = 10_000, *, seed: int = 0, follow_ups: float = 0.15, typos: float = 0.03, without: Sequence[str] = ()
) -> Iterator[Pair]:
    """Pairs over many invented graphs; each carries its own schema text. The same for the same seed.

    `without` names domains to leave out (see `domains()`), for a test on a world that was not trained on.
    """
    known = [d for d in domains() if d.name not in without]
    rng = random.Random(f"synthetic {seed}")
    made = 0
    while made < rows:
        domain = rng.choice(known)
        facts = invented_facts(domain, rng)
        schema = facts.schema.render()
        one = Maker(facts, _pretended(facts, rng), f"{seed} {made}", typos)
        make(one, min(_PER_GRAPH, rows - made), follow_ups, lambda _: True)
        for pair in one.pairs:
            yield replace(pair, schema=schema, database=domain.name, source=f"synthetic:{pair.family}/{pair.template}")
        made += len(one.pairs)


def _pretended(facts: Facts, rng: random.Random) -> Any:
    """Answers without a graph: rows of the right kind, for the histories of follow-ups."""

    def answer(meaning: Meaning, family: str) -> Answered:
        returned = meaning.query.rpartition(" RETURN ")[2].removeprefix("DISTINCT ").split(" ORDER BY ")[0]
        columns = tuple(part.split(" AS ")[-1] for part in _split(returned))
        labels = dict(re.findall(r"\((\w+):(`[^`]+`|\w+)", meaning.query))
        rows = tuple(
            tuple(_cell(facts, c, labels, rng) for c in columns) for _ in range(1 if _single(meaning, returned) else 3)
        )
        return Answered(columns, rows)

    return answer


def _single(meaning: Meaning, returned: str) -> bool:
    """Whether a query brings one row."""
    named = meaning.thing is not None and meaning.thing.pin is not None
    return named or "LIMIT 1" in meaning.query or bool(re.search(r"\b(count|avg|min|max|sum)\(", returned))


def _split(text: str) -> list[str]:
    return [part.strip() for part in re.split(r",\s*(?![^(]*\))", text)]


def _cell(facts: Facts, column: str, labels: dict[str, str], rng: random.Random) -> Any:
    if "> 0" in column:
        return rng.random() < 0.6
    found = re.search(r"(\w+)\.(`[^`]+`|\w+)", column)
    if found and found[1] in labels:
        values = facts.values(labels[found[1]].strip("`"), found[2].strip("`"))
        return _shown(rng.choice(values)) if values else None
    return rng.randint(1, 40)


def _shown(value: Any) -> Any:
    return str(value) if isinstance(value, Moment) else value
