"""A loaded shell, and a session that records what the magics ask of it (the real one has its own tests)."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

import cypher_magic
from cypher_magic.graph.result import QueryResult
from cypher_magic.graph.schema import GraphSchema, Triple

SCHEMA = GraphSchema(
    labels={
        "Person": {"name": "STRING", "born": "INTEGER"},
        "Movie": {"title": "STRING", "released": "INTEGER"},
        "Odd Label": {"odd name": "STRING"},
    },
    relationship_types={"ACTED_IN": {"roles": "LIST<STRING>"}, "DIRECTED": {}},
    triples=(Triple("Person", "ACTED_IN", "Movie"), Triple("Person", "DIRECTED", "Movie")),
)


class RecordingSession(ModuleType):
    """Answers every call with a fixed result and keeps the arguments."""

    def __init__(self) -> None:
        super().__init__("cypher_magic.session")
        self.calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []
        self.open = [SimpleNamespace(name="demo"), SimpleNamespace(name="work")]

    def _keep(self, name: str, args: tuple[Any, ...], options: dict[str, Any]) -> None:
        self.calls.append((name, args, {k: v for k, v in options.items() if k != "progress"}))

    def query(self, *args: Any, **options: Any) -> QueryResult:
        self._keep("query", args, options)
        return QueryResult(("n", "name"), tuple((i, f"name {i}") for i in range(30)), seconds=0.004)

    def connect(self, *args: Any, **options: Any) -> Any:
        self._keep("connect", args, options)
        return self.open[0]

    def schema(self, *args: Any, **options: Any) -> GraphSchema:
        self._keep("schema", args, options)
        return SCHEMA

    def connections(self) -> list[Any]:
        return self.open

    def use(self, name: str) -> Any:
        self._keep("use", (name,), {})
        return self.open[1]

    def close(self, name: str | None = None) -> None:
        self._keep("close", (name,), {})

    def current_schema_or_none(self) -> GraphSchema:
        return SCHEMA


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> RecordingSession:
    recording = RecordingSession()
    monkeypatch.setitem(sys.modules, "cypher_magic.session", recording)
    monkeypatch.setattr(cypher_magic, "session", recording, raising=False)
    return recording


@pytest.fixture
def loaded(shell: Any) -> Any:
    shell.run_line_magic("load_ext", "cypher_magic")
    return shell
