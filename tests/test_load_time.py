"""`%load_ext cypher_magic` is quick, because it imports nothing heavy."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {
    "accelerate",
    "arcadedb",
    "gguf",
    "ipywidgets",
    "lark",
    "llguidance",
    "neo4j",
    "numpy",
    "pandas",
    "peft",
    "torch",
    "transformers",
}
OWN_MODULES = 40  # a clock would tell more of the machine than of the code

# CPU time, not the wall's: what else the machine does at that moment is not the extension's doing
LOAD = """
import json, sys, time
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config
config = Config()
config.HistoryManager.enabled = False
shell = InteractiveShell.instance(config=config)
before = set(sys.modules)
start = time.process_time()
shell.run_line_magic("load_ext", "cypher_magic")
seconds = time.process_time() - start
assert "cypher_magic" in shell.extension_manager.loaded
print(json.dumps({"ms": 1000 * seconds, "modules": sorted(set(sys.modules) - before)}))
"""
IMPORT = """
import json, sys
import cypher_magic
dir(cypher_magic)
print(json.dumps({"modules": sorted(sys.modules)}))
"""


def fresh(code: str, folder: Path) -> dict[str, object]:
    """What the code prints in a process of its own."""
    environment = {**os.environ, "IPYTHONDIR": str(folder)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    result: dict[str, object] = json.loads(done.stdout)
    return result


def heavy(modules: object) -> set[str]:
    assert isinstance(modules, list)
    return {name.partition(".")[0] for name in modules} & HEAVY


def test_importing_the_package_imports_nothing_heavy(tmp_path: Path) -> None:
    assert heavy(fresh(IMPORT, tmp_path)["modules"]) == set()


def test_loading_the_extension_imports_nothing_heavy_and_few_modules_of_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    loads = [fresh(LOAD, tmp_path) for _ in range(5)]
    best = min(float(str(load["ms"])) for load in loads)
    with capsys.disabled():
        print(f"\n%load_ext cypher_magic: {best:.1f} ms after IPython, best of {len(loads)} (wanted: under 50)")
    modules = loads[0]["modules"]
    assert heavy(modules) == set()
    assert isinstance(modules, list)
    assert sum(name.startswith("cypher_magic") for name in modules) <= OWN_MODULES


@pytest.mark.parametrize(("given", "kept"), [(None, "PASSIVE"), ("ACTIVE", "ACTIVE")])
def test_threads_sleep_while_they_wait_unless_it_is_chosen_otherwise(given: str | None, kept: str) -> None:
    """Asking beside a training took 20 times as long with threads that spin."""
    code = "import os, cypher_magic; print(os.environ['OMP_WAIT_POLICY'])"
    environment = {k: v for k, v in os.environ.items() if k != "OMP_WAIT_POLICY"}
    environment |= {"OMP_WAIT_POLICY": given} if given else {}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == kept
