"""Graphs and hand-written questions for the tests of this folder."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cypher_magic.graph.embedded import start, start_demo

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    from cypher_magic.graph.neo4j_graph import Connection

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
QUESTIONS = {
    "movies": HERE / "questions" / "movies.jsonl",
    "hospital": HERE / "questions" / "hospital.jsonl",
    "quickstart": ROOT / "examples" / "demo_questions.jsonl",
}


@pytest.fixture(scope="session")
def hand_written() -> dict[str, list[dict[str, Any]]]:
    """The hand-written questions with reference queries, by test: movies, hospital, quickstart."""
    return {
        name: [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        for name, path in QUESTIONS.items()
    }


@pytest.fixture(scope="session")
def hospital_module() -> ModuleType:
    """The module `hospital_graph` beside this file (test folders are not packages)."""
    spec = importlib.util.spec_from_file_location("hospital_graph", HERE / "hospital_graph.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def hospital(hospital_module: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    """An embedded graph that holds the hospital."""
    connection = start(tmp_path_factory.mktemp("hospital"), name="hospital")
    hospital_module.load(connection)
    yield connection
    connection.close()


@pytest.fixture(scope="session")
def movies(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    """The embedded demo movie graph, in a folder of its own."""
    connection = start_demo(tmp_path_factory.mktemp("movies"), name="movies")
    yield connection
    connection.close()
