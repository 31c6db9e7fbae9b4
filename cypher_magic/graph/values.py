"""Values of a query result as a person reads them: the same text in tables, pictures and terminals.

Nodes, relationships, paths, points and moments are recognised by what they offer (`labels`, `start_node`,
`iso_format` ...), so that nothing here needs the driver.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

from cypher_magic.graph.schema import quoted

MAX_ITEMS = 100  # of a list or map; an embedding of 1,536 numbers tells a reader nothing
MAX_DEPTH = 8
_ZEROS = re.compile(r"(?:(\.\d*?[1-9])|\.)0+(?!\d)")  # of a moment's nine decimals
_CAPTIONS = ("name", "title", "caption", "label", "fullName", "full_name", "username", "id")


def is_node(value: object) -> bool:
    """Whether the value is a node."""
    return hasattr(value, "labels") and hasattr(value, "element_id")


def is_relationship(value: object) -> bool:
    """Whether the value is a relationship."""
    return hasattr(value, "start_node") and hasattr(value, "type") and hasattr(value, "element_id")


def is_path(value: object) -> bool:
    """Whether the value is a path."""
    return hasattr(value, "relationships") and hasattr(value, "nodes") and hasattr(value, "start_node")


def caption(properties: Mapping[str, Any]) -> str:
    """The text that names a node best: its name or title, else its first text property; may be empty."""
    for key in _CAPTIONS:
        if properties.get(key) not in (None, ""):
            return readable(properties[key])
    return next((value for value in properties.values() if isinstance(value, str) and value), "")


def readable(value: Any, *, nested: bool = False, depth: int = 0) -> str:
    """The value as text, close to how Cypher would write it; strings are quoted only inside lists and maps."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False) if nested else value
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, bytes | bytearray):
        return f"<{len(value):,} bytes>"
    if depth >= MAX_DEPTH:
        return "…"
    if is_path(value):
        return _path(value)
    if is_relationship(value):
        return f"[:{quoted(value.type)}{_braces(value.items(), depth)}]"
    if is_node(value):
        return f"({_labels(value)}{_braces(value.items(), depth)})"
    if hasattr(value, "srid"):  # a point is a tuple too, so it must come before the lists
        return f"point({', '.join(map(repr, value))})"
    if hasattr(value, "iso_format"):
        return _ZEROS.sub(r"\1", str(value.iso_format()))
    if isinstance(value, Mapping):
        return _braces(value.items(), depth).lstrip() or "{}"
    if isinstance(value, list | tuple | set | frozenset):
        items = [readable(item, nested=True, depth=depth + 1) for item in list(value)[:MAX_ITEMS]]
        return f"[{', '.join(items + _more(len(value)))}]"
    return str(value)


def printable(text: str) -> str:
    """The text on one line with control characters shown, not sent: no value may steer a terminal."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else _VISIBLE.get(c) or _code(c) for c in text)


def display_width(text: str) -> int:
    """Columns that a terminal uses for the text."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


_VISIBLE = {"\n": "⏎", "\t": " ", "\r": "", "\u200b": "", "\xa0": " ", "\u3000": "\u3000"}


def _code(character: str) -> str:
    return f"\\x{ord(character):02x}" if ord(character) < 256 else f"\\u{ord(character):04x}"


def _labels(node: Any) -> str:
    return "".join(f":{quoted(label)}" for label in sorted(node.labels))


def _braces(items: Iterable[tuple[str, Any]], depth: int) -> str:
    pairs = list(items)
    if not pairs:
        return ""
    shown = [f"{quoted(str(k))}: {readable(v, nested=True, depth=depth + 1)}" for k, v in pairs[:MAX_ITEMS]]
    return f" {{{', '.join(shown + _more(len(pairs)))}}}"


def _more(length: int) -> list[str]:
    return [f"… {length - MAX_ITEMS:,} more"] if length > MAX_ITEMS else []


def _path(path: Any) -> str:
    at = path.start_node
    parts = [short(at, inside=True)]
    for step in path.relationships:
        forward = step.start_node.element_id == at.element_id
        at = step.end_node if forward else step.start_node
        name = f"[:{quoted(step.type)}]"
        parts.append(f"-{name}->" if forward else f"<-{name}-")
        parts.append(short(at, inside=True))
    return "".join(parts)


def short(node: Any, *, inside: bool = False) -> str:
    """A node as its labels and the text that names it best: `(:Person "Tom Hanks")`; without one, all of it.

    `inside` a path the labels alone are enough.
    """
    name = caption(dict(node.items()))
    if not name and len(node) and not inside:
        return readable(node)
    return f"({_labels(node)}{' ' + json.dumps(name, ensure_ascii=False) if name else ''})"
