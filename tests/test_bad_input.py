"""What users get wrong, each through the magics in a real shell: one clear line, a hint, and nothing half-written."""

from __future__ import annotations

import os
import shutil
import socket
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from cypher_magic import session
from cypher_magic.errors import CypherMagicError
from cypher_magic.places import runs_dir
from cypher_magic.session import state
from cypher_magic.training.runs import Run
from tests.model.tiny_folder import tiny_folder

if TYPE_CHECKING:
    from pathlib import Path

GOOD = "question,query\nHow many movies?,MATCH (m:Movie) RETURN count(m)\nWho?,MATCH (p:Person) RETURN p.name\n"


@pytest.fixture(scope="module")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_folder(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def notebook(shell: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """A loaded shell in a folder of its own; `notebook.fails(cell)` gives the error and what was shown."""
    shell.run_line_magic("load_ext", "cypher_magic")
    monkeypatch.setattr(state, "SESSION", state.Session())
    monkeypatch.setattr(Run, "start", lambda run, variables=None: None)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")

    def fails(cell: str) -> tuple[CypherMagicError, list[str]]:
        capsys.readouterr()
        error = shell.run_cell(cell).error_in_exec
        shown = capsys.readouterr()
        lines = [line for line in (shown.out + shown.err).splitlines() if line.strip()]
        assert isinstance(error, CypherMagicError), f"{error!r}\n{lines}"
        assert "Traceback" not in shown.out + shown.err
        assert lines[0] == f"{type(error).__name__}: {error.message}"
        assert len(lines) <= 2
        assert error.hint and lines[1] == f"Hint: {error.hint}"
        return error, lines

    return SimpleNamespace(fails=fails, run=lambda cell: shell.run_cell(cell).raise_error(), folder=tmp_path / "work")


def left() -> list[str]:
    return sorted(p.name for p in runs_dir().iterdir()) if runs_dir().is_dir() else []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "There is no file train.csv."),
        ("q1,q2\na,b\n", "train.csv"),
        ("question,query\nWho?,MATCH (n) RETURN n.a, n.b\n", "row 1"),
        ("question,query\nHow many?,RETURN 1\nWho?,MATCH (n) RETURN n.a, n.b, n.c\n", "n.a, n.b, n.c"),
        ("question,query\nHow many?,\nWho?,  \n", "No usable example is left"),
        ("question,query\n", "train.csv"),
        ("", "train.csv"),
        ('question,query\n"never closed,RETURN 1\n', "row 1"),
        ("\x00\x01\x02\x03" * 50, "train.csv"),
    ],
)
def test_a_file_that_holds_no_examples_is_one_line_and_leaves_no_run(
    notebook: Any, backbone: Path, content: str | None, said: str
) -> None:
    if content is not None:
        (notebook.folder / "train.csv").write_text(content)
    _, lines = notebook.fails(f"%finetune movies --data train.csv --backbone {backbone} --start-from scratch")
    assert said in lines[0] + lines[1]
    assert left() == []


@pytest.mark.parametrize(
    "content",
    [
        GOOD.replace("\n", "\r\n").encode(),
        b"\xef\xbb\xbf" + GOOD.encode(),
        GOOD.replace("Who?", "Qui est né à Zürich?").encode("latin-1"),
        GOOD.replace("question,query", "question;query").replace("?,", "?;").encode(),
        GOOD.replace("question,query", "instruction,output").encode(),
    ],
    ids=["crlf", "bom", "latin-1", "semicolons", "other names"],
)
def test_a_file_that_is_only_written_another_way_is_used(notebook: Any, backbone: Path, content: bytes) -> None:
    (notebook.folder / "train.csv").write_bytes(content)
    (notebook.folder / "val.csv").write_text(GOOD)
    options = f"--backbone {backbone} --start-from scratch --background"
    notebook.run(f"%finetune movies --data train.csv --val val.csv {options}")
    examples = session.runs()[0].examples("train")
    assert [e.query for e in examples] == ["MATCH (m:Movie) RETURN count(m)", "MATCH (p:Person) RETURN p.name"]
    assert examples[1].question in ("Who?", "Qui est né à Zürich?")


@pytest.mark.parametrize("name", ["smollm2", "no/such folder", "nowhere.gguf"])
def test_an_unknown_backbone_is_one_line_and_leaves_no_run(notebook: Any, name: str) -> None:
    (notebook.folder / "train.csv").write_text(GOOD)
    notebook.fails(f"%finetune movies --data train.csv --backbone '{name}' --start-from scratch")
    assert left() == []


def test_no_disk_space_for_the_backbone_is_one_line(
    notebook: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CYPHER_MAGIC_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(total=1, used=1, free=1_000_000))
    (notebook.folder / "train.csv").write_text(GOOD)
    _, lines = notebook.fails("%finetune movies --data train.csv")
    assert "Not enough disk space" in lines[0]
    assert left() == []


def test_no_network_for_the_backbone_is_one_line(
    notebook: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [n for n in os.environ if n.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("CYPHER_MAGIC_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    monkeypatch.setenv("PIP_RETRIES", "0")
    (notebook.folder / "train.csv").write_text(GOOD)
    _, lines = notebook.fails("%finetune movies --data train.csv")
    assert "the package index can not be reached" in lines[0]
    assert left() == []


def test_a_server_that_is_down_is_one_line(notebook: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:  # bound and not listening: nobody answers there
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setenv("NEO4J_PASSWORD", "a-secret-word")
        error, lines = notebook.fails(f"%cypher_connect bolt://127.0.0.1:{taken.getsockname()[1]} -u neo4j")
    assert type(error).__name__ == "ConnectionFailed"
    assert "a-secret-word" not in " ".join(lines)
    assert session.connections() == []


def test_a_wrong_password_is_one_line(notebook: Any, demo_graph: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEO4J_PASSWORD", "a-secret-word")
    error, lines = notebook.fails(f"%cypher_connect {demo_graph.uri} -u {demo_graph.user}")
    assert type(error).__name__ == "AuthenticationFailed"
    assert "a-secret-word" not in " ".join(lines)
    assert session.connections() == []


@pytest.mark.parametrize(
    "cell", ["%cypher_ask Who directed Alien?", "%cypher RETURN 1", "%%cypher\nRETURN 1", "%cypher_schema"]
)
def test_anything_that_needs_a_graph_before_there_is_one_is_one_line(notebook: Any, cell: str) -> None:
    _, lines = notebook.fails(cell)
    assert lines == ["NotConnected: No graph is connected.", lines[1]]
    assert "%cypher_connect demo" in lines[1]


def test_a_question_before_there_is_a_model_is_one_line(notebook: Any) -> None:
    notebook.run("%cypher_connect demo")
    _, lines = notebook.fails("%cypher_ask Who directed Alien?")
    assert lines[0] == "NoModel: There is no tuned model yet."
    notebook.run("%cypher_connect --close")


def test_a_runs_folder_that_can_not_be_written_is_one_line(
    notebook: Any, backbone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("CYPHER_MAGIC_RUNS", str(tmp_path / "file" / "runs"))
    (notebook.folder / "train.csv").write_text(GOOD)
    _, lines = notebook.fails(f"%finetune movies --data train.csv --backbone {backbone} --start-from scratch")
    assert "can not be stored" in lines[0]


def test_a_name_that_was_used_before_is_told_with_the_name_of_the_earlier_run(
    notebook: Any, backbone: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (notebook.folder / "train.csv").write_text(GOOD)
    settings = {"backbone": str(backbone), "start_from": "scratch"}
    options = " ".join(f"--{name.replace('_', '-')} {value}" for name, value in settings.items())
    for told in ("", "The earlier run movies is kept as movies.1.", "The earlier run movies is kept as movies.2."):
        capsys.readouterr()
        notebook.run(f"%finetune movies --data train.csv --val train.csv {options} --background")
        shown = capsys.readouterr().out
        assert told in shown and ("earlier run" in shown) == bool(told)
    for display in (True, False):  # in plain Python, and in a script that wants to hear nothing
        session.finetune("movies", "train.csv", "train.csv", background=True, display=display, **settings)
        assert ("is kept as movies.3." in capsys.readouterr().out) == display
    assert left() == ["movies", "movies.1", "movies.2", "movies.3", "movies.4"]


@pytest.mark.parametrize(
    ("rows", "options", "said"),
    [
        (
            "Who?,\n,RETURN 1\nHow many?,RETURN 2\n",
            "",
            "of 3 rows only 1 can be used (1 row has no question; 1 row has",
        ),
        ("Who?,MATCH (n RETURN\nHow?,RETURN 2\n", "--fix", "of 2 rows only 1 can be used (1 query is not Cypher"),
        (
            "Who?,\nHow many?,RETURN 2\nHow many?,RETURN 2\n",
            "",
            "the 2 usable rows of 3 ask the same (1 row has no query)",
        ),
        ("How many?,RETURN 2\nHow many?,RETURN 2\n", "", "all examples ask the same."),
    ],
)
def test_examples_too_few_to_hold_some_out_are_told_with_what_was_lost(
    notebook: Any, backbone: Path, rows: str, options: str, said: str
) -> None:
    (notebook.folder / "bad.csv").write_text("question,query\n" + rows)
    _, lines = notebook.fails(f"%finetune y --data bad.csv {options} --backbone {backbone} --start-from scratch")
    assert lines[0].startswith(f"DataError: Nothing can be held out for validation: {said}")
    assert ("%cypher_data check" in lines[1]) == ("(1 " in said)


def test_rows_that_all_were_dropped_are_told_with_the_reason(notebook: Any) -> None:
    (notebook.folder / "bad.csv").write_text("question,query\nWho?,MATCH (n RETURN\nHow?,MATCH MATCH\n")
    _, lines = notebook.fails("%finetune y --data bad.csv --fix --start-from scratch")
    assert "No usable example is left of bad.csv (2 rows read: 2 queries are not Cypher" in lines[0]
    assert "%cypher_data check FILE without --fix" in lines[1]


def test_columns_with_other_names_are_told_with_the_option_that_names_them(notebook: Any) -> None:
    (notebook.folder / "odd.csv").write_text("a,b\nWho?,RETURN 1\n")
    _, lines = notebook.fails("%finetune y --data odd.csv")
    assert "%cypher_data check FILE --columns question=A,query=B" in lines[1]
