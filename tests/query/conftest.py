"""Neo4j's own analyser, run with Node: the reference for verdicts, in tests only."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from cypher_magic.places import cache_dir
from cypher_magic.query.complaint import Complaint

PACKAGE = "@neo4j-cypher/language-support"
VERSION = "2.0.0-next.38"
BATCH = 500
SCRIPT = Path(__file__).with_name("corpus") / "analyser.cjs"

Verdict = list[tuple[int, int, str]]  # start, end, message of each error
Analyser = Callable[[list[str]], list[Verdict]]


@pytest.fixture(scope="session")
def analyser() -> Analyser:
    """The errors that Neo4j's analyser finds in each of a list of queries."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("Node and npm are needed to run Neo4j's own analyser")
    folder = cache_dir() / "oracle"
    package = folder / "node_modules" / PACKAGE
    if not (package / "package.json").is_file():
        _install(npm, folder)

    command = [node, "--max-old-space-size=3000", str(SCRIPT), str(package)]
    # A verdict depends on the analyser and the script alone, and takes 20 to 70 ms: keep them.
    mark = hashlib.sha256(f"{VERSION} {SCRIPT.read_text(encoding='utf-8')}".encode()).hexdigest()[:12]
    kept = folder / f"verdicts-{mark}.json"
    known: dict[str, Verdict] = json.loads(kept.read_text(encoding="utf-8")) if kept.is_file() else {}

    def run(queries: list[str]) -> list[Verdict]:
        new = [query for query in dict.fromkeys(queries) if query not in known]
        for at in range(0, len(new), BATCH):
            batch = new[at : at + BATCH]
            done = subprocess.run(command, input=json.dumps(batch), capture_output=True, text=True, check=True)
            known.update(zip(batch, json.loads(done.stdout), strict=True))
            kept.write_text(json.dumps(known), encoding="utf-8")
        return [known[query] for query in queries]

    return run


def _install(npm: str, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    command = [npm, "install", "--no-audit", "--no-fund", "--prefix", str(folder), f"{PACKAGE}@{VERSION}"]
    try:
        subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True, timeout=300)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        pytest.skip(f"npm could not install {PACKAGE}")


@pytest.fixture(scope="session")
def place_of() -> Callable[[str, list[Complaint], Verdict], bool]:
    """Whether one of the complaints stands where an error of the analyser does."""

    def stands(query: str, complaints: list[Complaint], verdict: Verdict) -> bool:
        return any(_right_place(query, c.line, c.column, verdict) for c in complaints)

    return stands


def _right_place(query: str, line: int, column: int, verdict: Verdict) -> bool:
    """Whether a complaint stands where an error of the analyser does.

    Where = between the beginning of the dotted word that the error starts in (for a property the analyser points at
    the dot, not at the variable before it) and the error's last character.
    """
    offset = sum(len(row) for row in query.split("\n")[: line - 1]) + line - 1 + column - 1
    for start, end, _ in verdict:
        before = re.search(r"[\w.]*\Z", query[:start])
        assert before is not None
        if start - len(before[0]) <= offset <= max(start, end):
            return True
    return False
