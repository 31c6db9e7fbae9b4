"""%cypher_data in a real shell."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest

from cypher_magic import session
from cypher_magic.data.example import Example
from cypher_magic.data.pairs import write_pairs
from cypher_magic.errors import DataError, OptionError

ROWS = "question,query\nWho?,MATCH (p:Person) RETURN p.name\nWho?,MATCH (p:Actor) RETURN p.name\n"


@pytest.fixture
def loaded(shell: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.csv").write_text(ROWS)
    shell.run_line_magic("load_ext", "cypher_magic")
    return shell


def test_check_returns_the_examples_with_their_report(loaded: Any) -> None:
    data = loaded.run_line_magic("cypher_data", "check train.csv")
    assert len(data.train) == 2
    assert data.report.count("conflicting_queries") == 1


def test_fix_and_to_write_the_repaired_examples(loaded: Any, capsys: pytest.CaptureFixture[str]) -> None:
    data = loaded.run_line_magic("cypher_data", "check train.csv --fix --to out")
    assert len(data.train) == 1
    assert "train.jsonl" in capsys.readouterr().out
    assert len(loaded.run_line_magic("cypher_data", "check out/train.jsonl").train) == 1


def test_strict_refuses_what_is_wrong(loaded: Any) -> None:
    with pytest.raises(DataError, match="1 question has two or more"):
        loaded.run_line_magic("cypher_data", "check train.csv --strict")


def test_a_variable_of_the_notebook_is_a_source(loaded: Any) -> None:
    loaded.user_ns["pairs"] = [("Who?", "RETURN 1 AS one")]
    assert len(loaded.run_line_magic("cypher_data", "check pairs").train) == 1


def test_rows_can_stand_in_the_cell(loaded: Any) -> None:
    data = loaded.run_cell_magic("cypher_data", "check", '{"question": "Who?", "query": "RETURN 1 AS one"}\n')
    assert data.train[0].query == "RETURN 1 AS one"


def test_columns_are_named_by_option(loaded: Any, tmp_path: Path) -> None:
    (tmp_path / "odd.csv").write_text("a,b\nWho?,RETURN 1 AS one\n")
    data = loaded.run_line_magic("cypher_data", "check odd.csv --columns question=a,query=b")
    assert data.train[0].question == "Who?"


def test_a_schema_file_is_what_the_queries_must_fit(loaded: Any, tmp_path: Path) -> None:
    (tmp_path / "schema.txt").write_text("(:Person {name: STRING})\n")
    data = loaded.run_line_magic("cypher_data", "check train.csv --schema schema.txt")
    assert [f.rows for f in data.report.findings if f.code == "unknown_label"] == [(2,)]


def test_the_connected_graph_is_what_the_queries_must_fit(loaded: Any) -> None:
    loaded.run_line_magic("cypher_connect", "demo")
    assert loaded.run_line_magic("cypher_data", "check train.csv").report.count("unknown_label") == 1
    assert loaded.run_line_magic("cypher_data", "check train.csv --schema none").report.count("unknown_label") == 0


def test_lengths_are_counted_with_the_tokenizer_of_a_backbone(loaded: Any, tmp_path: Path) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import LlamaConfig, PreTrainedTokenizerFast

    inner = Tokenizer(models.WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    inner.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    PreTrainedTokenizerFast(tokenizer_object=inner, unk_token="[UNK]").save_pretrained(tmp_path / "tiny")
    LlamaConfig(vocab_size=1).save_pretrained(tmp_path / "tiny")
    report = loaded.run_line_magic("cypher_data", "check train.csv --backbone tiny --max-tokens 20").report
    assert report.unit == "tokens"
    assert report.lengths[0].largest == len("Who?")
    assert report.count("row_too_long") == 2


@pytest.mark.parametrize("line", ["chek train.csv", "check", "check train.csv --fox", "check a.csv --schema no.txt"])
def test_wrong_calls_are_one_line(loaded: Any, line: str) -> None:
    with pytest.raises(OptionError):
        loaded.run_line_magic("cypher_data", line)


def test_help_is_printed(loaded: Any, capsys: pytest.CaptureFixture[str]) -> None:
    loaded.run_line_magic("cypher_data", "check -h")
    assert "--drop-misfits" in capsys.readouterr().out


@pytest.mark.parametrize("cell", ["%cypher_ask Who?", "%cypher_data check train.csv", "%%cypher\nRETURN 1"])
def test_an_interrupt_is_one_line_and_the_cell_fails(
    loaded: Any, cell: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("ask", "load_examples", "query"):
        monkeypatch.setattr(session, name, lambda *given, **options: signal.raise_signal(signal.SIGINT))
    result = loaded.run_cell(cell)
    assert type(result.error_in_exec) is KeyboardInterrupt
    shown = capsys.readouterr()
    assert (shown.out + shown.err).strip() == "Stopped."


@pytest.mark.parametrize("option", ["--out", "--val"])
@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("no/where.jsonl", "There is no folder no."),
        ("pairs.txt", "Pairs can not be written as pairs.txt."),
        ("folder.csv", "folder.csv can not be written."),
    ],
)
def test_pairs_that_can_not_be_written_are_not_made(
    loaded: Any, option: str, file: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "generate_pairs", lambda *given, **options: pytest.fail("the pairs were made"))
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(DataError) as caught:
        loaded.run_line_magic("cypher_data", f"generate {option} {file}")
    assert caught.value.message == said and caught.value.hint


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full to stand for a full disk")
def test_a_full_disk_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "pairs.csv").symlink_to("/dev/full")
    with pytest.raises(DataError, match="pairs.csv can not be written: No space left on device"):
        write_pairs([Example("Who?", "RETURN 1")], tmp_path / "pairs.csv")
