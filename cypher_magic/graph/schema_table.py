"""A schema for the eye: a table and a picture in notebooks, aligned lines in terminals."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from cypher_magic.graph.picture import schema_picture
from cypher_magic.graph.schema import quoted
from cypher_magic.graph.table import STYLE
from cypher_magic.graph.values import printable, readable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from cypher_magic.graph.schema import GraphSchema, Properties

_VALUE = 40  # characters of a sample value


def html(schema: GraphSchema) -> str:
    """Labels, relationship types with their triples, indexes folded, and the picture folded; every name escaped."""
    parts = [STYLE, '<div class="cm-result">']
    labels = [(label, _node_properties(schema, label)) for label in schema.labels]
    parts.append(_table(("Label", "Properties"), labels))
    types = [(name, _triples(schema, name), _typed(properties)) for name, properties in _all_types(schema).items()]
    if types:
        parts.append(_table(("Relationship type", "Between", "Properties"), types))
    if schema.indexes:
        rows = [(index.kind, index.owner, ", ".join(index.properties), index.name) for index in schema.indexes]
        table = _table(("Kind", "On", "Properties", "Name"), rows)
        parts.append(f"<details><summary>Indexes and constraints ({len(rows)})</summary>{table}</details>")
    if schema.labels:
        parts.append(f"<details><summary>Picture</summary>{schema_picture(schema)._repr_html_()}</details>")
    parts += [f'<div class="cm-note">{escape(printable(note))}</div>' for note in (_counts(schema), *schema.notes)]
    return "\n".join([*parts, "</div>"])


def plain(schema: GraphSchema) -> str:
    """The same as lines of text: the schema as a model reads it, indexes and notes below."""
    lines = schema.render().split("\n") if schema.labels else []
    used = {triple.type for triple in schema.triples}
    lines += [f"-[:{quoted(name)}]-" for name in schema.relationship_types if name not in used]
    lines += [f"{i.kind} {i.name} on {i.owner}({', '.join(i.properties)})" for i in schema.indexes]
    return "\n".join(map(printable, [*lines, _counts(schema), *schema.notes]))


def _counts(schema: GraphSchema) -> str:
    counts = (
        (len(schema.labels), "label"),
        (len(_all_types(schema)), "relationship type"),
        (len(schema.triples), "triple"),
    )
    return ", ".join(f"{count:,} {word}{'s'[: count != 1]}" for count, word in counts)


def _all_types(schema: GraphSchema) -> dict[str, Properties]:
    missing: Mapping[str, Properties] = {t.type: {} for t in schema.triples if t.type not in schema.relationship_types}
    return {**schema.relationship_types, **missing}


def _triples(schema: GraphSchema, name: str) -> str:
    return "\n".join(f"(:{quoted(t.start)})→(:{quoted(t.end)})" for t in schema.triples if t.type == name)


def _node_properties(schema: GraphSchema, label: str) -> str:
    """A line per property: type, whether its values are unique, a few sample values."""
    unique = {
        index.properties
        for index in schema.indexes
        if index.owner == label and index.kind in ("UNIQUENESS", "NODE_KEY", "KEY")
    }
    lines = []
    for name, kind in schema.labels[label].items():
        samples = ", ".join(_cut(value) for value in schema.values.get(f"{label}.{name}", ())[:3])
        mark = " (unique)" if (name,) in unique else ""
        lines.append(f"{quoted(name)}: {kind}{mark}{' · such as ' + samples if samples else ''}")
    return "\n".join(lines)


def _typed(properties: Properties) -> str:
    return "\n".join(f"{quoted(name)}: {kind}" for name, kind in properties.items())


def _cut(value: Any) -> str:
    text = printable(readable(value, nested=True))
    return text if len(text) <= _VALUE else text[: _VALUE - 1] + "…"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in heads)
    body = "".join(f"<tr>{''.join(f'<td>{_lines(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f'<div class="cm-scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _lines(text: str) -> str:
    return escape("\n".join(map(printable, text.split("\n"))))
