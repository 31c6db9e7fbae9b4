"""Where schemas are kept: the cache of probed ones on disk, and the user's override files.

A cached schema is used while the labels, relationship types and property keys of the graph are the same. An override
file (`schema = "file"` in a named connection) holds JSON as `GraphSchema.to_json` or text as `GraphSchema.render`
writes it, and is used instead of asking the graph.
"""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cypher_magic import places
from cypher_magic.errors import OptionError
from cypher_magic.graph.schema import GraphSchema

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cypher_magic.graph.introspect import Names
    from cypher_magic.graph.neo4j_graph import Connection

_FORMAT = 1  # raise when the probes or the file change, so that older files are probed anew


def override(settings: Mapping[str, Any]) -> GraphSchema | None:
    """The schema that the user wrote for this connection; OptionError where the file can not be read."""
    file = settings.get("schema")
    if not file:
        return None
    path = places.config_dir() / Path(str(file)).expanduser()
    try:
        text = path.read_text(encoding="utf-8")
        return GraphSchema.from_json(text) if text.lstrip().startswith("{") else GraphSchema.from_text(text)
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise OptionError(
            f"The schema file {path} can not be used: {exc}",
            hint="write it with schema().to_json() or schema().render(), or take it out of connections.toml",
        ) from exc


def load(graph: Connection, names: Names, *, values: bool) -> GraphSchema | None:
    """The cached schema of this graph, if it was made from the same names (and holds values if wanted)."""
    path = _path(graph)
    if path is None or not path.exists():
        return None
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        if kept["names"] != _names(names) or (values and not kept["schema"]["values"]):
            return None
        schema = GraphSchema.from_json(json.dumps(kept["schema"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None  # a cache that can not be read is no cache
    return schema


def save(graph: Connection, names: Names, schema: GraphSchema) -> None:
    """Keeps the schema for the next session; a folder that can not be written costs only the time to ask again."""
    path = _path(graph)
    if path is None:
        return
    text = json.dumps({"names": _names(names), "schema": json.loads(schema.to_json())}, ensure_ascii=False)
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except OSError:
        with suppress(OSError):
            temporary.unlink()


def _path(graph: Connection) -> Path | None:
    if graph.embedded:
        return None  # its address is a new one at every start
    hidden = ",".join(sorted(graph.settings.get("hide", ())))
    key = "\n".join((str(_FORMAT), graph.uri, graph.user, graph.database or "", hidden))
    return places.cache_dir() / "schemas" / f"{hashlib.sha256(key.encode()).hexdigest()[:24]}.json"


def _names(names: Names) -> dict[str, list[str]]:
    return {key: list(value) for key, value in asdict(names).items()}
