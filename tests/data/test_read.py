"""Reading examples: the article's files, every form of CSV people have, and one clear line for what can not be read."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from cypher_magic.data.read import load_examples
from cypher_magic.data.sources import tables
from cypher_magic.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

ROWS = "question,query\nWho directed Alien?,MATCH (p)-[:DIRECTED]->(:Movie {title: 'Alien'}) RETURN p.name\n"
QUERY = "MATCH (p)-[:DIRECTED]->(:Movie {title: 'Alien'}) RETURN p.name"


def _file(folder: Path, content: str | bytes, name: str = "train.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_the_article_files_hold_51_repeats_19_conflicts_and_12_leaks(shared: Path) -> None:
    folder = shared / "data" / "article"
    report = load_examples(folder / "train_llm.csv", val=folder / "val_llm.csv").report
    assert (report.rows_train, report.rows_val) == (200, 40)
    assert report.count("repeated_question", "train") == 51
    assert report.count("conflicting_queries", "train") == 19
    assert report.count("leaked_question") == 12
    leaked = next(f for f in report.findings if f.code == "leaked_question")
    assert len(leaked.rows) == 12
    assert leaked.source == "val_llm.csv"


def test_the_article_files_are_repaired_with_one_option(shared: Path) -> None:
    folder = shared / "data" / "article"
    data = load_examples(folder / "train_llm.csv", val=folder / "val_llm.csv", fix=True)
    questions = [e.question for e in data.train]
    assert len(questions) == len(set(questions))
    assert not {e.question.casefold() for e in data.val} & {q.casefold() for q in questions}
    assert not any(
        f.code in ("repeated_question", "conflicting_queries", "leaked_question") for f in data.report.remaining
    )
    assert len(data.train) + len(data.val) + len(data.report.dropped) == 240


def test_an_instruction_in_front_of_every_question_is_kept_apart(shared: Path) -> None:
    data = load_examples(shared / "data" / "article" / "train_llm.csv")
    assert data.prefix == "Create a Cypher statement to answer the following question:"
    assert data.train[0].question == "Who directed The Matrix?"
    assert data.train[0].row == 1


@pytest.mark.parametrize(
    "names",
    [
        "instruction,output",
        "question,cypher",
        "prompt,response",
        "input,query",
        "query,cypher",
        "Question,Cypher Query",
    ],
)
def test_usual_column_names_are_understood(tmp_path: Path, names: str) -> None:
    data = load_examples(_file(tmp_path, ROWS.replace("question,query", names)))
    assert (data.train[0].question, data.train[0].query) == ("Who directed Alien?", QUERY)
    assert f"question = {names.split(',')[0]}" in repr(data)


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + ROWS.encode(),
        ROWS.replace("\n", "\r\n").encode(),
        ROWS.replace(",", ";").encode(),
        ROWS.replace(",", "\t").encode(),
        ROWS.encode("utf-16"),
        b"sep=;\n" + ROWS.replace(",", ";").encode(),
        ROWS.replace("\n", "\n\n").encode(),
        ROWS.replace("\n", ",,\n").encode(),
    ],
    ids=["bom", "crlf", "semicolon", "tab", "utf-16", "sep", "empty lines", "trailing commas"],
)
def test_harmless_differences_between_csv_files_are_forgiven(tmp_path: Path, content: bytes) -> None:
    (example,) = load_examples(_file(tmp_path, content)).train
    assert (example.question, example.query) == ("Who directed Alien?", QUERY)


def test_latin_1_is_recognised_and_told(tmp_path: Path) -> None:
    data = load_examples(_file(tmp_path, ROWS.replace("Alien", "Amélie").encode("cp1252")))
    assert data.train[0].question == "Who directed Amélie?"
    assert "read as cp1252" in repr(data)


def test_line_breaks_and_quotes_inside_quotes_belong_to_the_query(tmp_path: Path) -> None:
    content = 'question,query\r\n"Who?","MATCH (n {a: ""b"", c: 1})\r\nRETURN n"\r\n'
    (example,) = load_examples(_file(tmp_path, content)).train
    assert example.query == 'MATCH (n {a: "b", c: 1})\nRETURN n'


def test_an_unquoted_comma_names_the_row_and_shows_the_line(tmp_path: Path) -> None:
    content = ROWS + "Who wrote it?,MATCH (p)-->(m) RETURN p.name, m.title\n"
    with pytest.raises(DataError, match=r"row 2 \(line 3\) has 3 values.*RETURN p.name, m.title") as caught:
        load_examples(_file(tmp_path, content))
    assert "double quotes" in caught.value.hint


def test_a_quote_that_is_never_closed_names_the_row(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"row 2 \(line 3\): a double quote is not closed"):
        load_examples(_file(tmp_path, ROWS + 'Who wrote it?,"MATCH (p)\n' + ROWS * 3))


def test_wrong_column_names_are_listed_with_the_closest(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no column for the query; its columns are question, cyfer") as caught:
        load_examples(_file(tmp_path, "question,cyfer\na,b\n"))
    assert "did you mean cypher by cyfer" in caught.value.hint


def test_columns_can_be_named_by_hand(tmp_path: Path) -> None:
    path = _file(tmp_path, "q,c\nWho?,RETURN 1 AS one\n")
    assert load_examples(path, columns={"question": "q", "query": "c"}).train[0].query == "RETURN 1 AS one"
    with pytest.raises(DataError, match="no column qq"):
        load_examples(path, columns={"question": "qq", "query": "c"})


def test_columns_can_be_named_for_each_source_alone(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("q,c,schema\nOne?,RETURN 1 AS one,none\n")
    (tmp_path / "b.csv").write_text("question,query\nTwo?,RETURN 2 AS two\n")
    told = {"a.csv": {"question": "q", "query": "c", "schema": ""}}
    data = load_examples(tmp_path / "a.csv", tmp_path / "b.csv", columns=told)
    assert [e.question for e in data.train] == ["One?", "Two?"]
    assert data.train[0].schema is None, "a column that is told to hold nothing is left alone"
    with pytest.raises(DataError, match=r"no source called c\.csv"):
        load_examples(tmp_path / "b.csv", columns={"c.csv": {"question": "q"}})
    with pytest.raises(DataError, match="no column for the query"):
        load_examples(tmp_path / "b.csv", columns={"query": ""})


def test_a_table_that_was_read_before_is_a_source_and_says_its_part(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("question,query\nOne?,RETURN 1 AS one\nTwo?,RETURN 2 AS two\n")
    table = tables(tmp_path / "a.csv")[0]
    data = load_examples(table, replace(table, part="val", rows=table.rows[1:]))
    assert (len(data.train), len(data.val)) == (2, 1)
    assert data.val[0].source == "a.csv (2)"


def test_a_missing_file_is_one_line_with_the_closest_name(tmp_path: Path) -> None:
    _file(tmp_path, ROWS, "train_data.csv")
    with pytest.raises(DataError, match="There is no file") as caught:
        load_examples(tmp_path / "train_dat.csv")
    assert caught.value.hint == "did you mean train_data.csv?"


def test_rows_without_an_answer_are_left_out_and_named(tmp_path: Path) -> None:
    data = load_examples(_file(tmp_path, ROWS + "Who wrote it?,\n,RETURN 1 AS x\n"))
    assert len(data.train) == 1
    assert [(f.code, f.rows) for f in data.report.findings] == [("empty_question", (3,)), ("empty_query", (2,))]


@pytest.mark.parametrize("content", ["question,query\n", "question,query\nWho?,\n"])
def test_no_usable_row_is_an_error(tmp_path: Path, content: str) -> None:
    with pytest.raises(DataError, match="No usable example"):
        load_examples(_file(tmp_path, content))


@pytest.mark.parametrize("content", [b"", b"\n\n"])
def test_an_empty_file_is_an_error(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(DataError, match="is empty"):
        load_examples(_file(tmp_path, content))


def test_a_binary_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not a text file"):
        load_examples(_file(tmp_path, b"\x89PNG\x00\x01"))


def test_what_is_written_can_be_read_back(tmp_path: Path) -> None:
    first = load_examples([("Who é?", "RETURN 1 AS a"), ("What?", "RETURN 2 AS a")], val=[("When?", "RETURN 3 AS a")])
    train, val = first.write(tmp_path / "out")
    again = load_examples(train, val=val)
    assert [(e.question, e.query) for e in again.train] == [(e.question, e.query) for e in first.train]
    assert again.val[0].question == "When?"
