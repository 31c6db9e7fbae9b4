"""Fixtures for all tests: temporary settings and runs, a real IPython shell, the demo graph."""

from __future__ import annotations

import importlib.util
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

SHARED = Path(__file__).resolve().parents[2] / "shared"


def pytest_configure() -> None:
    """An interrupt interrupts, also where the tests are a shell's background job, which begins with it ignored."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist, which reads the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Quick tests first: what is broken shows early. What shares a server or a file's fixtures stays in one process."""

    def kind(item: pytest.Item) -> str:
        return next((name for name in ("neo4j", "browser", "gpu", "slow") if item.get_closest_marker(name)), "")

    items.sort(key=lambda item: bool(kind(item)))
    for item in items:
        alone = kind(item) in ("neo4j", "browser", "gpu")
        item.add_marker(pytest.mark.xdist_group(kind(item) if alone else f"{item.path.stem} {kind(item)}".strip()))


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the user's own settings and runs, nor sees a terminal; the backbone cache is shared."""
    monkeypatch.setenv("CYPHER_MAGIC_CONFIG", str(tmp_path / "config"))
    monkeypatch.setenv("CYPHER_MAGIC_RUNS", str(tmp_path / "runs"))
    for name in [n for n in os.environ if n.startswith("NEO4J_") and not n.startswith("NEO4J_TEST")]:
        monkeypatch.delenv(name)
    monkeypatch.delenv("COLUMNS", raising=False)  # pytest-xdist sets it


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data beside the checkout; tests that need it skip without."""
    if not SHARED.is_dir():
        pytest.skip("the folder `shared` with the real data sets is not beside this checkout")
    return SHARED


@pytest.fixture
def shell() -> Iterator[object]:
    """A real IPython shell whose cells raise what they raise."""
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    config = Config()
    config.HistoryManager.enabled = False
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance(config=config)
    yield shell
    if "cypher_magic" in shell.extension_manager.loaded:
        shell.run_line_magic("unload_ext", "cypher_magic")
    InteractiveShell.clear_instance()


def load_beside(path: str) -> ModuleType:
    """A module of helpers from a folder of tests, which is no package."""
    file = Path(__file__).parent / path
    name = f"cypher_magic_tests_{file.stem}"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, file)
        assert spec is not None and spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


@pytest.fixture(scope="session")
def neo4j_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A real Neo4j with `uri`, `user`, `password`, `run`, `clear`; skips with the reason where there is none."""
    from cypher_magic import places

    neo4j_server = load_beside("graph/neo4j_server.py")
    try:
        server = neo4j_server.started(tmp_path_factory.mktemp("neo4j"), places.cache_dir())
    except neo4j_server.NotAvailable as exc:
        if "neo4j" in os.environ.get("CYPHER_MAGIC_REQUIRE", ""):
            pytest.fail(f"Neo4j is required here: {exc}")
        pytest.skip(str(exc))
    yield server
    if server.ours:
        server.stop()


@pytest.fixture
def neo4j_graph(neo4j_server: Any) -> Iterator[Any]:
    """A Connection to an empty real Neo4j."""
    from cypher_magic.graph.neo4j_graph import Connection, open_driver
    from cypher_magic.graph.secret import Secret

    neo4j_server.clear()
    password = Secret(neo4j_server.password)
    driver = open_driver(neo4j_server.uri, neo4j_server.user, password)
    connection = Connection(
        driver, name="test", uri=neo4j_server.uri, user=neo4j_server.user, database="neo4j", password=password
    )
    yield connection
    connection.close()


@pytest.fixture
def embedded_graph(tmp_path: Path) -> Iterator[Any]:
    """A Connection to an empty embedded graph in a folder of its own."""
    from cypher_magic.graph import embedded

    connection = embedded.start(tmp_path / "graph")
    yield connection
    connection.close()


@pytest.fixture(scope="session")
def _demo_kept_running() -> Iterator[None]:
    from cypher_magic.graph import embedded

    kept = embedded.start_demo()
    yield
    kept.close()


@pytest.fixture
def demo_graph(_demo_kept_running: None) -> Iterator[Any]:
    """A Connection to the demo movie graph, which all tests share: never write to it."""
    from cypher_magic.graph import embedded

    connection = embedded.start_demo()
    yield connection
    connection.close()
