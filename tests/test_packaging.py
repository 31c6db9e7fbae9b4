"""The package as others get it: a wheel in a new environment, a checkout not installed, other Pythons."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

DATA_FILES = {
    "cypher_magic/py.typed",
    "cypher_magic/graph/demo_data/movies.csv",
    "cypher_magic/query/cypher.lark",
    "cypher_magic/model/starter_adapter/adapter_config.json",
    "cypher_magic/model/starter_adapter/adapter_model.safetensors",
}

SMOKE = """
import sys
from pathlib import Path
import cypher_magic, cypher_magic.widgets
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

for module in (cypher_magic, cypher_magic.widgets):
    assert Path(module.__file__).is_relative_to(sys.prefix), module.__file__
config = Config()
config.HistoryManager.enabled = False
shell = InteractiveShell.instance(config=config)
for cell in ("%load_ext cypher_magic", "%cypher_connect demo", "%cypher MATCH (m:Movie) RETURN count(m) AS movies"):
    result = shell.run_cell(cell)
    result.raise_error()
print("movies:", result.result.rows[0][0])
shell.run_cell("%unload_ext cypher_magic").raise_error()
"""

# what needs no dependency at all
CORE = """
import sys
sys.path.insert(0, sys.argv[1])
from cypher_magic import errors
from cypher_magic.data.example import Example
from cypher_magic.graph.schema import GraphSchema
from cypher_magic.query.complaint import Complaint
assert str(errors.NotConnected())
"""
COMPILE = """
import pathlib, sys
for folder in ("cypher_magic", "widgets", "tests", "examples"):
    for path in pathlib.Path(sys.argv[1], folder).rglob("*.py"):
        compile(path.read_bytes(), str(path), "exec", dont_inherit=True)
"""


def run(*command: object, cwd: Path, **environment: str) -> str:
    """What the command prints; a failure shows all of it."""
    done = subprocess.run(
        [str(word) for word in command], cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def tree(folder: Path) -> Path:
    """A copy of what a wheel is built from, so that nothing is left in the checkout."""
    for name in ("cypher_magic", "widgets"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    return folder


def environment(folder: Path, *, see: Path) -> Path:
    """The Python of a new environment that sees the packages in `see`, but not what is installed there in place."""
    venv.create(folder, symlinks=os.name != "nt")
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site_packages = Path(run(python, "-c", code, cwd=folder).strip())
    site_packages.joinpath("dependencies.pth").write_text(f"{see}\n")
    return python


def dependencies() -> Path:
    """Where the packages of this environment are."""
    return Path(pytest.__file__).parents[1]


def test_every_extra_is_told_by_the_doctor_and_in_the_readme() -> None:
    from cypher_magic.session.doctor import EXTRAS

    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    assert list(EXTRAS) == [name for name in extras if name != "test"]
    assert [name for name in EXTRAS if f"[{name}]" not in (ROOT / "README.md").read_text("utf-8")] == []


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel of this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    source = tree(folder / "source")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder / "dist", source, cwd=folder)
    [built] = (folder / "dist").glob("*.whl")
    return built


@pytest.mark.slow
def test_the_wheel_holds_one_top_level_package_and_its_data(wheel: Path) -> None:
    run(sys.executable, "-m", "check_wheel_contents", "--toplevel", "cypher_magic", wheel, cwd=wheel.parent)
    names = set(zipfile.ZipFile(wheel).namelist())
    assert names >= DATA_FILES
    assert {"cypher_magic/widgets/__init__.py", "cypher_magic/training/worker.py"} <= names
    assert not [name for name in names if name.startswith(("widgets/", "tests/", "examples/"))]


@pytest.mark.slow
def test_the_wheel_answers_in_an_environment_of_its_own_and_leaves_nothing_when_uninstalled(
    wheel: Path, tmp_path: Path
) -> None:
    python = environment(tmp_path / "venv", see=dependencies())
    pip = (sys.executable, "-m", "pip", "--python", python)
    run(*pip, "install", "-q", "--no-index", "--no-deps", "--ignore-installed", wheel, cwd=tmp_path)
    assert int(run(python, "-c", SMOKE, cwd=tmp_path).split("movies:")[1]) > 80
    run(*pip, "uninstall", "-q", "-y", "cypher-magic", cwd=tmp_path)
    assert [path for path in (tmp_path / "venv").rglob("cypher_magic*") if path.is_dir()] == []


@pytest.mark.slow
def test_a_checkout_that_is_not_installed_finds_its_panels(tmp_path: Path) -> None:
    checkout = tree(tmp_path / "checkout")
    python = environment(tmp_path / "venv", see=dependencies())
    code = "import cypher_magic.widgets; print(cypher_magic.widgets.__file__)"
    found = run(python, "-c", code, cwd=tmp_path, PYTHONPATH=str(checkout))
    assert Path(found.strip()) == checkout / "widgets" / "__init__.py"


def interpreters() -> list[str]:
    """Every Python from 3.11 on that runs here: on the PATH and under pyenv, one for each version."""
    found: dict[str, str] = {}
    paths = [shutil.which(f"python3.{minor}") for minor in range(11, 20)]
    paths += [str(p) for p in Path.home().glob(".pyenv/versions/*/bin/python3")]
    for path in (sys.executable, *filter(None, paths)):
        code = "import sys; print('%d.%d' % sys.version_info[:2]); sys.exit(sys.version_info < (3, 11))"
        asked = subprocess.run([path, "-I", "-c", code], capture_output=True, text=True)
        if asked.returncode == 0:
            found.setdefault(asked.stdout.strip(), path)
    return [found[version] for version in sorted(found)]


@pytest.mark.parametrize("python", interpreters())
def test_all_sources_compile_and_the_core_imports_without_dependencies(python: str) -> None:
    run(python, "-I", "-B", "-W", "error", "-c", COMPILE, ROOT, cwd=ROOT)
    run(python, "-I", "-S", "-B", "-W", "error", "-c", CORE, ROOT, cwd=ROOT)
