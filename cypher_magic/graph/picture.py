"""The nodes and relationships of a result, or a schema, as a picture that needs no network and no script."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cypher_magic.errors import DataError
from cypher_magic.graph.values import caption, is_node, is_path, is_relationship, printable, readable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from cypher_magic.graph.schema import GraphSchema

MAX_NODES = 200
MAX_EDGES = 500
_PROPERTIES = 12  # in the text shown under the pointer
_VALUE = 160  # characters of a value there


@dataclass(frozen=True)
class Dot:
    """A node of a picture: its labels, its caption and its properties as lines of text."""

    labels: tuple[str, ...]
    caption: str
    properties: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The dot in a terminal: `(:Person Tom Hanks)`, and `(:Person)` for the label of a schema."""
        labels = "".join(f":{label}" for label in self.labels)
        return f"({labels} {self.caption})" if self.caption and self.labels != (self.caption,) else f"({labels})"


@dataclass(frozen=True)
class Line:
    """A relationship of a picture, from one dot to another (their positions in `Picture.dots`)."""

    start: int
    end: int
    type: str
    properties: tuple[str, ...] = ()


@dataclass(frozen=True)
class Picture:
    """Dots and lines; drawn as SVG in a notebook, listed as text in a terminal.

    `node_count` and `relationship_count` are those of the whole result, of which at most `MAX_NODES` are drawn.
    """

    dots: tuple[Dot, ...]
    lines: tuple[Line, ...]
    node_count: int
    relationship_count: int
    hint: str = ""
    words: tuple[str, str] = ("node", "relationship")
    source: tuple[Any, ...] = field(default=(), repr=False)  # the driver's nodes and relationships, for `interactive`

    @property
    def svg(self) -> str:
        """The picture as SVG text that stands on its own."""
        from cypher_magic.graph.svg import draw

        return draw(self.dots, self.lines)

    def save(self, path: str | Path) -> Path:
        """Write the SVG to a file; returns its path."""
        target = Path(path).expanduser()
        target.write_text('<?xml version="1.0" encoding="UTF-8"?>\n' + self.svg + "\n", encoding="utf-8")
        return target

    def interactive(self) -> Any:
        """The whole result as a neo4j-viz widget, for graphs that are too big for a still picture."""
        try:
            viz = import_module("neo4j_viz")
        except ImportError as exc:
            raise DataError("neo4j-viz is not installed.", hint="%pip install 'neo4j-viz>=1.0'") from exc
        nodes = [n for n in self.source if is_node(n)]
        drawn = [
            viz.Node(id=n.element_id, caption=printable(caption(dict(n.items()))), properties=_texts(n)) for n in nodes
        ]
        edges = [
            viz.Relationship(
                source=r.start_node.element_id, target=r.end_node.element_id, caption=r.type, properties=_texts(r)
            )
            for r in self.source
            if is_relationship(r)
        ]
        return viz.VisualizationGraph(nodes=drawn, relationships=edges).render(max_allowed_nodes=max(len(drawn), 1))

    @property
    def note(self) -> str:
        """How much there is, and how much of it is drawn."""
        nodes, edges = self.node_count, self.relationship_count
        text = f"{nodes:,} {self.words[0]}{'s'[: nodes != 1]}, {edges:,} {self.words[1]}{'s'[: edges != 1]}"
        if self.node_count > len(self.dots) or self.relationship_count > len(self.lines):
            text += f"; the first {len(self.dots):,} and {len(self.lines):,} are drawn"
        return f"{text}. {self.hint}" if self.hint else text

    def _repr_html_(self) -> str:
        from html import escape

        if not self.dots:
            return f"<div>{escape(self.note)}</div>"
        return (
            f'<div class="cm-picture" style="max-width:100%">{self.svg}<div style="opacity:.65">{self.note}</div></div>'
        )

    def __repr__(self) -> str:
        names = [dot.text for dot in self.dots]
        lines = [f"{names[line.start]}-[:{line.type}]->{names[line.end]}" for line in self.lines[:30]]
        if len(self.lines) > 30:
            lines.append(f"… {len(self.lines) - 30:,} more")
        linked = {i for line in self.lines for i in (line.start, line.end)}
        alone = [name for i, name in enumerate(names) if i not in linked]
        lines += alone[:30]
        return "\n".join([*map(printable, lines), self.note])


def picture(rows: Iterable[Sequence[Any]]) -> Picture:
    """The picture of all nodes, relationships and paths in the rows, also those inside lists and maps."""
    nodes: dict[str, Any] = {}
    edges: dict[str, Any] = {}
    for value in _entities(rows):
        if is_relationship(value):
            edges[value.element_id] = value
            for node in (value.start_node, value.end_node):
                nodes.setdefault(node.element_id, node)
        elif value.element_id not in nodes or value.labels:  # a node met only as an end has no labels yet
            nodes[value.element_id] = value
    kept = {element_id: place for place, element_id in enumerate(list(nodes)[:MAX_NODES])}
    lines = [
        Line(kept[r.start_node.element_id], kept[r.end_node.element_id], r.type, _properties(r))
        for r in edges.values()
        if r.start_node.element_id in kept and r.end_node.element_id in kept
    ]
    dots = tuple(
        Dot(tuple(sorted(n.labels)), caption(dict(n.items())), _properties(n)) for n in list(nodes.values())[:MAX_NODES]
    )
    if not nodes:
        hint = "Return whole nodes or relationships to see them: RETURN p, r, m instead of RETURN p.name"
    else:
        hint = "Picture.interactive() shows all of it (neo4j-viz)." if len(nodes) > MAX_NODES else ""
    return Picture(
        dots, tuple(lines[:MAX_EDGES]), len(nodes), len(edges), hint, source=(*nodes.values(), *edges.values())
    )


def schema_picture(schema: GraphSchema) -> Picture:
    """The picture of a schema: a dot per label, a line per triple."""
    places = {label: i for i, label in enumerate(list(schema.labels)[:MAX_NODES])}
    dots = tuple(Dot((label,), label, _typed(schema.labels[label])) for label in places)
    lines = tuple(
        Line(places[t.start], places[t.end], t.type, _typed(schema.relationship_types.get(t.type, {})))
        for t in schema.triples
        if t.start in places and t.end in places
    )
    return Picture(dots, lines[:MAX_EDGES], len(schema.labels), len(schema.triples), words=("label", "triple"))


def _entities(value: Any, depth: int = 0) -> Iterator[Any]:
    """Nodes and relationships inside a value, paths taken apart."""
    if isinstance(value, str | int | float | bool | bytes) or value is None or depth > 8:
        return
    if is_path(value):
        yield from value.nodes
        yield from value.relationships
    elif is_relationship(value) or is_node(value):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _entities(item, depth + 1)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _entities(item, depth + 1)


def _properties(entity: Any) -> tuple[str, ...]:
    items = list(entity.items())
    lines = [printable(f"{key}: {readable(value)[:_VALUE]}") for key, value in items[:_PROPERTIES]]
    return (*lines, f"… {len(items) - _PROPERTIES} more") if len(items) > _PROPERTIES else tuple(lines)


def _typed(properties: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(printable(f"{name}: {kind}") for name, kind in list(properties.items())[:40])


def _texts(entity: Any) -> dict[str, str]:
    return {key: readable(value) for key, value in entity.items()}
