"""Fixtures for all tests: temporary settings and runs, a real IPython shell, the demo graph."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the user's own settings and runs; the backbone cache is shared."""
    monkeypatch.setenv("CYPHER_MAGIC_CONFIG", str(tmp_path / "config"))
    monkeypatch.setenv("CYPHER_MAGIC_RUNS", str(tmp_path / "runs"))
    for name in [n for n in os.environ if n.startswith("NEO4J_") and not n.startswith("NEO4J_TEST")]:
        monkeypatch.delenv(name)


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
