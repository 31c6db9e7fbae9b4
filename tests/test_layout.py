"""The layout holds: imports point down, packages are listed, public names resolve, nothing grows too long."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import cypher_magic
from cypher_magic import errors

ROOT = Path(__file__).resolve().parents[1]

# from the ground up; a module imports from its own part and from parts below it
PARTS = (
    "errors",
    "places",
    "graph",
    "query",
    "data",
    "model",
    "training",
    "evaluation",
    "asking",
    "session",
    "widgets",
    "magics",
    "cypher_magic",
)


def modules() -> Iterator[tuple[str, Path]]:
    """The dotted name and file of each module that is installed."""
    for folder, package in (("cypher_magic", "cypher_magic"), ("widgets", "cypher_magic.widgets")):
        for path in sorted((ROOT / folder).rglob("*.py")):
            parts = path.relative_to(ROOT / folder).with_suffix("").parts
            yield ".".join([package, *parts]).removesuffix(".__init__"), path


def part(module: str) -> str:
    """The part of the layout that a module belongs to."""
    names = module.split(".")
    return names[1] if len(names) > 1 and names[1] in PARTS else names[0]


def imports(*nodes: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and dotted name of what is imported at run time, inside functions too; not under `if TYPE_CHECKING`."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            # `from cypher_magic import session` names a module, `from cypher_magic.data.read import x` a thing in one
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            names = [a.value for a in node.args[:1] if isinstance(a, ast.Constant)]
            yield from ((node.lineno, str(name)) for name in names)
        types_only = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        yield from imports(*(node.orelse if isinstance(node, ast.If) and types_only else ast.iter_child_nodes(node)))


def upward(name: str, source: str) -> list[str]:
    """The imports of a module that point up the layout."""
    rank = PARTS.index(part(name))
    return [
        f"{name}:{line} imports {target}"
        for line, target in imports(ast.parse(source))
        if target.split(".")[0] == "cypher_magic" and PARTS.index(part(target)) > rank
    ]


def test_imports_point_down_the_layout() -> None:
    assert [found for name, path in modules() for found in upward(name, path.read_text("utf-8"))] == []


@pytest.mark.parametrize(
    "source",
    [
        "from cypher_magic.query.parse import parse",
        "from cypher_magic import session",
        "def f():\n    import cypher_magic.session",
        "import_module('cypher_magic.magics')",
        "if TYPE_CHECKING:\n    pass\nelse:\n    import cypher_magic.asking.ask",
    ],
)
def test_an_import_that_points_up_is_seen(source: str) -> None:
    assert len(upward("cypher_magic.graph.schema", source)) == 1


def test_an_import_for_the_type_checker_only_may_point_up() -> None:
    source = "if TYPE_CHECKING:\n    from cypher_magic.session import ask\nfrom cypher_magic.errors import GraphError"
    assert upward("cypher_magic.graph.schema", source) == []


def test_every_package_has_its_place_in_the_layout() -> None:
    strangers = {name for name, _ in modules() if part(name) == "cypher_magic"} - {"cypher_magic"}
    assert strangers == set()


def test_pyproject_lists_exactly_the_packages_that_there_are() -> None:
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]["packages"]
    there = {name if path.name == "__init__.py" else name.rpartition(".")[0] for name, path in modules()}
    assert sorted(listed) == sorted(there)


def test_every_folder_of_modules_is_a_package() -> None:
    assert {path.parent for _, path in modules() if not (path.parent / "__init__.py").is_file()} == set()


def test_no_module_is_longer_than_400_lines() -> None:
    lengths = {name: len(path.read_text("utf-8").splitlines()) for name, path in modules()}
    assert {name: lines for name, lines in lengths.items() if lines > 400} == {}


def test_the_public_names_are_those_with_a_home() -> None:
    assert cypher_magic.__all__ == sorted(cypher_magic._HOME)
    assert set(cypher_magic.__all__) <= set(dir(cypher_magic))


@pytest.mark.parametrize("name", cypher_magic.__all__)
def test_a_public_name_resolves_to_something_documented(name: str) -> None:
    thing = getattr(cypher_magic, name)
    assert callable(thing)
    assert thing.__doc__


def test_a_name_that_is_not_public_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'no_such_name'"):
        _ = cypher_magic.no_such_name


def test_query_stays_a_function_when_the_folder_of_that_name_was_imported() -> None:
    import cypher_magic.query.complaint

    with pytest.raises(errors.NotConnected):
        cypher_magic.query("RETURN 1")


def test_the_tree_of_errors_in_the_docstring_is_the_tree_of_classes() -> None:
    drawn = {}
    path = ["CypherMagicError"]
    for indent, name in re.findall(r"^([│ ]*)[├└]── (\w+)", errors.__doc__ or "", re.MULTILINE):
        del path[len(indent) // 4 + 1 :]
        drawn[name] = path[-1]
        path.append(name)
    classes = {name: kind for name, kind in vars(errors).items() if isinstance(kind, type)}
    del classes["CypherMagicError"]
    assert drawn == {name: kind.__base__.__name__ for name, kind in classes.items()}


def test_advice_to_install_names_what_the_package_itself_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    asked = {r for extra in project["optional-dependencies"].values() for r in extra}
    advised = {a for _, path in modules() for a in re.findall(r"%pip install '([^'{]+)'", path.read_text("utf-8"))}
    assert advised and advised <= asked
