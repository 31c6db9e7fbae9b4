"""Everything else that examples come from: JSONL, chats, archives, frames, uploads, the hub, conversations, schemas."""

from __future__ import annotations

import io
import json
import sys
import types
import zipfile
from typing import TYPE_CHECKING, Any

import pandas
import pytest

from cypher_magic.data.example import Example, Turn
from cypher_magic.data.read import load_examples
from cypher_magic.data.schemas import graph_schema, read_schemas
from cypher_magic.errors import DataError
from cypher_magic.graph.schema import GraphSchema, Triple

if TYPE_CHECKING:
    from pathlib import Path

CSV = "question,query\nWho é?,RETURN 1 AS one\n"
PAIR = {"question": "Who?", "query": "RETURN 1 AS one"}


def _zip(files: dict[str, str | bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", compression) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


def _upload(name: str, content: bytes) -> dict[str, Any]:
    return {"name": name, "type": "", "size": len(content), "content": memoryview(content), "last_modified": None}


def test_tsv_jsonl_and_json_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text("question\tquery\nWho, then?\tRETURN 1 AS one, 2 AS two\n")
    (tmp_path / "b.jsonl").write_text(json.dumps(PAIR) + "\n\n" + json.dumps({**PAIR, "question": "What?"}) + "\n")
    (tmp_path / "c.json").write_text(json.dumps([{**PAIR, "question": "When?"}]))
    data = load_examples(*(tmp_path / name for name in ("a.tsv", "b.jsonl", "c.json")))
    assert [e.question for e in data.train] == ["Who, then?", "Who?", "What?", "When?"]
    assert [(e.source, e.row) for e in data.train][2] == ("b.jsonl", 2)


def test_a_jsonl_line_that_is_not_json_names_the_row(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(json.dumps(PAIR) + "\n{'question': 1}\n")
    with pytest.raises(DataError, match=r"row 2 \(line 2\) is not JSON: {'question'"):
        load_examples(tmp_path / "a.jsonl")


def test_chat_messages_give_an_example_a_reply_with_the_turns_before_it() -> None:
    messages = [
        {"role": "system", "content": "Graph:\n(:Movie {title: STRING})"},
        {"role": "user", "content": "Who directed Alien?"},
        {"role": "assistant", "content": "```cypher\nMATCH (m:Movie) RETURN m.title\n```"},
        {"role": "user", "content": [{"type": "text", "text": "and when?"}]},
        {"role": "assistant", "content": "MATCH (m:Movie) RETURN m.released"},
    ]
    first, second = load_examples(json.dumps({"messages": messages}) + "\n").train
    assert first == Example(
        "Who directed Alien?",
        "MATCH (m:Movie) RETURN m.title",
        "(:Movie {title: STRING})",
        source="the cell",
        row=1,
    )
    assert second.question == "and when?"
    assert second.history == (Turn("Who directed Alien?", "MATCH (m:Movie) RETURN m.title"),)


def test_sharegpt_names_are_understood() -> None:
    turns = [{"from": "human", "value": "Who?"}, {"from": "gpt", "value": "RETURN 1 AS one"}]
    assert load_examples([{"conversations": turns}]).train[0].question == "Who?"


def test_an_instruction_with_an_input_column_is_one_question(tmp_path: Path) -> None:
    rows = "".join(f"Translate this into Cypher:,Who is {n}?,RETURN {n} AS n\n" for n in range(4))
    (tmp_path / "alpaca.csv").write_text("instruction,input,output\n" + rows)
    data = load_examples(tmp_path / "alpaca.csv")
    assert data.train[0].question == "Who is 0?"
    assert data.prefix.strip() == "Translate this into Cypher:"


def test_questions_that_merely_start_alike_keep_their_start() -> None:
    data = load_examples([(f"What is the title of movie {n}?", f"RETURN {n} AS n") for n in range(4)])
    assert data.prefix == ""
    assert data.train[0].question == "What is the title of movie 0?"


def test_a_data_frame_is_read_and_its_empty_cells_are_empty() -> None:
    frame = pandas.DataFrame({"prompt": ["Who?", None, "What?"], "response": ["RETURN 1 AS a", "RETURN 2 AS a", None]})
    data = load_examples(frame)
    assert [e.question for e in data.train] == ["Who?"]
    assert {f.code: f.rows for f in data.report.findings} == {"empty_question": (2,), "empty_query": (3,)}


def test_lists_of_pairs_dicts_and_examples_are_read() -> None:
    example = Example("When?", "RETURN 3 AS a", history=(Turn("Who?", "RETURN 1 AS a"),))
    data = load_examples(
        [("Who?", "RETURN 1 AS a"), {"prompt": "ignored", "question": "What?", "query": "RETURN 2 AS a"}, example]
    )
    assert [e.question for e in data.train] == ["Who?", "What?", "When?"]
    assert data.train[2].history == example.history


def test_a_list_of_files_is_merged(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(CSV)
    (tmp_path / "b.csv").write_text("question,query\nWhen?,RETURN 2 AS a\n")
    data = load_examples([tmp_path / "a.csv"], val=[str(tmp_path / "b.csv")])
    assert ([e.question for e in data.train], [e.question for e in data.val]) == (["Who é?"], ["When?"])


@pytest.mark.parametrize("source", [3, None, b"question,query", [], [1], [("a",)]])
def test_what_holds_no_examples_is_refused(source: Any) -> None:
    with pytest.raises(DataError):
        load_examples(source)


def test_what_a_file_upload_holds_is_read() -> None:
    value = (_upload("train.csv", CSV.encode()), _upload("more.jsonl", json.dumps(PAIR).encode()))
    data = load_examples(value, val=_upload("v.csv", b"question,query\nWhen?,RETURN 2 AS a\n"))
    assert [e.question for e in data.train] == ["Who é?", "Who?"]
    assert data.val[0].question == "When?"


def test_two_files_of_one_name_are_told_apart() -> None:
    data = load_examples((_upload("a.csv", CSV.encode()), _upload("a.csv", CSV.encode())))
    assert [e.source for e in data.train] == ["a.csv", "a.csv (2)"]
    repeat = next(f for f in data.report.findings if f.code == "repeated_question")
    assert (repeat.source, repeat.rows) == ("a.csv (2)", (1,))
    assert "row 1 of a.csv" in repeat.details[0][1]


def test_a_zip_gives_training_and_validation_rows(tmp_path: Path) -> None:
    (tmp_path / "d.zip").write_bytes(
        _zip(
            {"d/train.csv": CSV, "d/data-val.csv": "question,query\nWhen?,RETURN 2 AS a\n", "__MACOSX/._train.csv": "x"}
        )
    )
    data = load_examples(tmp_path / "d.zip")
    assert [e.question for e in data.train] == ["Who é?"]
    assert [(e.question, e.source) for e in data.val] == [("When?", "d.zip/d/data-val.csv")]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (_zip({"../evil.csv": CSV}), "outside"),
        (_zip({"/etc/evil.csv": CSV}), "outside"),
        (_zip({"a\\..\\..\\evil.csv": CSV}), "outside"),
        (_zip({"C:/evil.csv": CSV}), "outside"),
        (_zip({"train.csv": b"a" * 30_000_000}), "far too much"),
        (_zip({f"{n}.csv": "" for n in range(1001)}), "1001 files"),
        (_zip({"readme.md": "hello"}), "no file of examples"),
        (_zip({"train.csv": CSV})[:60], "not a whole ZIP"),
        (b"hello", "not a whole ZIP"),
    ],
    ids=["parent", "absolute", "backslash", "drive", "bomb", "many", "no data", "cut off", "no zip"],
)
def test_a_bad_archive_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        load_examples(_upload("d.zip", content))
    assert list(tmp_path.iterdir()) == []


def test_a_zip_whose_content_was_changed_is_refused() -> None:
    content = bytearray(_zip({"train.csv": CSV}, zipfile.ZIP_STORED))
    content[content.index(b"Who")] = ord("X")
    with pytest.raises(DataError, match="not a whole ZIP"):
        load_examples(_upload("d.zip", bytes(content)))


def test_parquet_is_read_or_says_what_is_missing(tmp_path: Path) -> None:
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        with pytest.raises(DataError, match="pyarrow is not installed"):
            load_examples(_upload("a.parquet", b"PAR1"))
        return
    pandas.DataFrame([PAIR]).to_parquet(tmp_path / "a.parquet")
    assert load_examples(tmp_path / "a.parquet").train[0].query == PAIR["query"]
    with pytest.raises(DataError, match="not a whole Parquet file"):
        load_examples(_upload("a.parquet", b"PAR1"))


def test_a_hub_data_set_needs_the_package_datasets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(DataError) as caught:
        load_examples("hf:owner/name")
    assert "datasets>=4.0" in caught.value.hint


def test_the_splits_of_a_hub_data_set_are_training_and_validation(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def load_dataset(name: str, config: str | None, split: str | None) -> dict[str, list[dict[str, str]]]:
        asked.append((name, config, split))
        return {"train": [PAIR], "test": [{**PAIR, "question": "When?"}]}

    monkeypatch.setitem(sys.modules, "datasets", types.SimpleNamespace(load_dataset=load_dataset))
    data = load_examples("hf:owner/name:small")
    assert asked == [("owner/name", "small", None)]
    assert ([e.question for e in data.train], [e.question for e in data.val]) == (["Who?"], ["When?"])


def test_a_hub_data_set_that_is_not_there_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def load_dataset(name: str, config: str | None, split: str | None) -> None:
        raise FileNotFoundError(f"no {name}\nlong story")

    monkeypatch.setitem(sys.modules, "datasets", types.SimpleNamespace(load_dataset=load_dataset))
    with pytest.raises(DataError, match="owner/name can not be read: no owner/name \\(") as caught:
        load_examples("hf:owner/name")
    assert "\n" not in caught.value.message


@pytest.mark.parametrize("name", ["a.xlsx", "a.png"])
def test_a_kind_of_file_that_is_not_known_says_what_is(name: str) -> None:
    with pytest.raises(DataError) as caught:
        load_examples(_upload(name, b"PK\x03\x04"))
    assert "CSV" in caught.value.hint


# Conversations


def test_parents_become_history() -> None:
    rows = "id,parent_id,question,query\n1,,Who?,RETURN 1 AS a\n2,1,And when?,RETURN 2 AS a\n3,2,Where?,RETURN 3 AS a\n"
    data = load_examples(rows)
    assert data.train[2].history == (Turn("Who?", "RETURN 1 AS a"), Turn("And when?", "RETURN 2 AS a"))


def test_ids_of_a_data_frame_with_gaps_are_still_numbers() -> None:
    frame = pandas.DataFrame(
        {"id": [1, 2], "parent_id": [None, 1], "question": ["a", "b"], "query": ["RETURN 1 AS x"] * 2}
    )
    assert load_examples(frame).train[1].history == (Turn("a", "RETURN 1 AS x"),)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("1,2,a,x\n2,1,b,y\n", "row 1 follows itself"),
        ("1,1,a,x\n", "row 1 follows itself"),
        ("1,9,a,x\n", "its parent 9 is not in the file"),
        ("1,,a,x\n1,,b,y\n", "row 2 has the id 1 of row 1 again"),
        (",,a,x\n", "row 1 has no id"),
    ],
)
def test_a_broken_chain_of_parents_names_the_row(rows: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        load_examples("id,parent_id,question,query\n" + rows)


@pytest.mark.parametrize(
    "history",
    [
        [{"question": "Who?", "query": "RETURN 1 AS a"}],
        [["Who?", "RETURN 1 AS a"]],
        [{"role": "user", "content": "Who?"}, {"role": "assistant", "content": "RETURN 1 AS a"}],
        json.dumps([{"question": "Who?", "cypher": "RETURN 1 AS a"}]),
    ],
)
def test_history_columns_are_read(history: Any) -> None:
    (example,) = load_examples([{"question": "And when?", "query": "RETURN 2 AS a", "history": history}]).train
    assert example.history == (Turn("Who?", "RETURN 1 AS a"),)


@pytest.mark.parametrize("history", ["not json", "3", [1], [{"question": "Who?"}]])
def test_a_history_that_is_none_names_the_row(history: Any) -> None:
    with pytest.raises(DataError, match="row 1"):
        load_examples([{**PAIR, "history": history}])


def test_a_question_after_different_turns_is_no_repeat() -> None:
    rows = [{**PAIR, "history": [[f"Who {n}?", "RETURN 1 AS a"]]} for n in range(2)]
    assert load_examples(rows).report.count("repeated_question") == 0


# Several graphs


def test_rows_of_several_graphs_get_their_schemas(tmp_path: Path) -> None:
    (tmp_path / "schemas.csv").write_text(
        'database,schema\nmovies,"(:Movie {title: STRING})\n(:Movie)-[:NEXT]->(:Movie)"\n'
    )
    rows = [{**PAIR, "database": "movies"}, {**PAIR, "database": "roads"}]
    data = load_examples(rows, schemas=tmp_path / "schemas.csv")
    assert data.train[0].schema == "(:Movie {title: STRING})\n(:Movie)-[:NEXT]->(:Movie)"
    assert data.report.count("repeated_question") == 0
    assert [f.rows for f in data.report.findings if f.code == "no_schema"] == [(2,)]


def test_a_rendered_schema_reads_back_as_it_was() -> None:
    schema = GraphSchema(
        {"Movie": {"title": "STRING", "odd name": "LIST<STRING>"}, "Per`son": {}},
        {"ACTED_IN": {"roles": "LIST<STRING NOT NULL>", "at": "POINT"}, "KNOWS": {}},
        (Triple("Per`son", "ACTED_IN", "Movie"), Triple("Per`son", "KNOWS", "Per`son")),
    )
    assert graph_schema(schema.render()) == schema
    again = graph_schema(schema.to_json())
    assert again is not None
    assert again.render() == schema.render()


def test_the_exported_schemas_of_other_tools_are_read(shared: Path) -> None:
    schemas = read_schemas(shared / "data" / "text2cypher" / "text2cypher_schemas.csv")
    known = {name: graph_schema(text) for name, text in schemas.items()}
    assert len(known) == 12
    assert all(known.values())
    assert "title" in known["recommendations"].labels["Movie"]


@pytest.mark.parametrize("text", ["Movie has a title", "", "{not: json", "[1]", '{"node_props": 3}'])
def test_text_that_describes_no_schema_gives_none(text: str) -> None:
    assert graph_schema(text) is None
