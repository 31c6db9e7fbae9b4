"""The README's table of magics is the one that the code gives: `python tests/test_readme.py` writes it anew."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

from cypher_magic.magics import FAMILIES
from cypher_magic.magics.options import COMMANDS, Command

README = Path(__file__).resolve().parents[1] / "README.md"
PLACE = re.compile(r"(?<=<!-- magics, written by tests/test_readme.py -->\n).*?(?=<!-- end -->)", re.DOTALL)


def magics_table() -> str:
    """One row a magic: how it is called, and the first sentence of its help."""
    found = [vars(import_module(f"cypher_magic.magics.{module}")).values() for module in FAMILIES]
    rows = []
    for command in (value for family in found for value in family if isinstance(value, Command)):
        about = re.split(r"(?<=\w)\.(?:\s|$)", " ".join(command.about.split()))[0]
        call = f"{command.name} {command.words or command.rest}".strip().replace("|", "\\|")
        rows.append(f"| `{call}` | {about}. |")
    return "\n".join(["| Magic | What it does |", "| --- | --- |", *rows, ""])


def test_the_table_of_magics_is_what_the_code_says() -> None:
    written = PLACE.search(README.read_text("utf-8"))
    assert written, "the markers around the table of magics are gone"
    assert written[0] == magics_table(), "run: python tests/test_readme.py"


def test_every_file_that_the_readme_names_is_there() -> None:
    text = README.read_text("utf-8")
    named = set(re.findall(r"`((?:cypher_magic|widgets|tests|examples|\.ci)/[\w./-]*)`", text))
    assert named
    assert {name for name in named if not (README.parent / name).exists()} == set()


def test_every_line_of_the_readme_may_be_pasted_with_its_comment() -> None:
    """Each magic of the ten-line start, as it stands there."""
    magics_table()  # all commands are declared
    block = next(b for b in README.read_text("utf-8").split("```")[1::2] if "%load_ext" in b)
    lines = [line for line in block.splitlines() if line.startswith("%") and not line.startswith("%load_ext")]
    assert len(lines) > 6
    for line in lines:
        name = next(name for name in sorted(COMMANDS, key=len, reverse=True) if line.startswith(name))
        options = COMMANDS[name].parse(line.removeprefix(name))
        assert "#" not in " ".join([*options.words, options.rest])


if __name__ == "__main__":
    README.write_text(PLACE.sub(lambda _: magics_table(), README.read_text("utf-8")), "utf-8")
