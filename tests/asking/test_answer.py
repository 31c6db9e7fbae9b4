from __future__ import annotations

import json
import pickle
import re
from typing import TYPE_CHECKING

import pytest

from cypher_magic.asking.answer import Answer, Attempt
from cypher_magic.asking.highlight import highlighted
from cypher_magic.data.read import load_examples
from cypher_magic.errors import CypherSyntaxError, DataError
from cypher_magic.graph.introspect import CUT_SHORT
from cypher_magic.graph.result import QueryResult
from cypher_magic.graph.schema import GraphSchema
from cypher_magic.query.complaint import Complaint

if TYPE_CHECKING:
    from pathlib import Path

HOSTILE = "<script>alert('x')</script><img src=x onerror=alert(1)>&amp;\"'"
QUERY = "MATCH (p:Person {name: 'Tom'})-[:ACTED_IN]->(m) WHERE m.year > 1990 RETURN m.title // films"


def answer(**changes: object) -> Answer:
    values: dict[str, object] = {"question": "Who?", "query": QUERY, "seconds": 1.25, "model": "movies"}
    values["result"] = QueryResult(("title",), (("Alien",), ("Jaws",)), seconds=0.01)
    return Answer(**{**values, **changes})


def test_an_answer_shows_question_query_rows_and_how_it_came_about() -> None:
    attempts = (Attempt("x", "x"), Attempt("y", "y"))
    shown = repr(answer(attempts=attempts, repairs=("turned an arrow",), notes=("a note",)))
    lines = shown.splitlines()
    assert lines[:3] == ["Q: Who?", "", QUERY]
    assert "repaired: turned an arrow" in lines and "a note" in lines
    assert "Alien" in shown
    assert lines[-1] == "1.2 s · 2 tries · movies"


def test_an_answer_that_failed_says_why_and_has_no_rows() -> None:
    failed = answer(result=None, complaints=(Complaint("syntax", "no such thing", 2, 3, "write another"),))
    assert "✗ line 2, column 3: no such thing (write another)" in repr(failed)
    for view in ("df", "graph"):
        with pytest.raises(DataError, match="no such thing"):
            getattr(failed, view)
    with pytest.raises(DataError, match="it was not run"):
        answer(result=None).df  # noqa: B018


def test_hostile_text_is_escaped_in_html() -> None:
    shown = answer(
        question=HOSTILE,
        query=f"MATCH (n {{name: '{HOSTILE}'}}) RETURN n",
        result=QueryResult((HOSTILE,), ((HOSTILE,),)),
        complaints=(Complaint("database", HOSTILE, hint=HOSTILE),),
        repairs=(HOSTILE,),
        notes=(HOSTILE,),
        model=HOSTILE,
    )._repr_html_()
    assert "<script" not in shown and "<img" not in shown
    assert "&lt;script&gt;" in shown
    tags = set(re.findall(r"<\s*/?\s*([a-zA-Z]+)", shown))
    assert not tags & {"script", "img", "iframe", "a", "svg", "form", "input", "link"}
    assert not re.search(r"<[^>]*\son\w+\s*=", shown)


def test_terminal_escapes_of_a_model_do_not_reach_the_terminal() -> None:
    evil = "RETURN '\x1b[2J\x1b]0;title\x07\u202e'\nRETURN\t1"
    shown = repr(answer(query=evil, question=evil, result=None, complaints=(Complaint("syntax", evil),)))
    assert not any(c in shown for c in "\x1b\x07\u202e")
    assert "RETURN\t1" in shown.splitlines()


def test_a_query_is_coloured_and_every_letter_of_it_is_kept() -> None:
    shown = highlighted(QUERY)
    text = re.sub(r"<[^>]+>", "", shown).replace("&#x27;", "'").replace("&gt;", ">").replace("&lt;", "<")
    assert text == QUERY
    assert shown.count("<span") > 4
    assert "<style" not in shown
    assert "&lt;script&gt;" in highlighted(f"RETURN '{HOSTILE}'")
    assert "<script" not in highlighted(HOSTILE)


def test_a_saved_example_is_read_as_training_data(tmp_path: Path) -> None:
    file = tmp_path / "mine.jsonl"
    question = "Wer spielt «mit»?\u2028x"
    answer(question=question).save_example(file)
    assert answer().save_example(str(file), query=" MATCH (n)\nRETURN n ") == file
    rows = [json.loads(line) for line in file.read_bytes().decode().split("\n") if line]
    assert rows == [{"question": question, "query": QUERY}, {"question": "Who?", "query": "MATCH (n)\nRETURN n"}]
    assert [e.query for e in load_examples(file).train] == [QUERY, "MATCH (n)\nRETURN n"]


def test_a_wrong_query_is_kept_for_a_review_whatever_it_is_but_not_without_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mine.wrong.jsonl"
    assert answer(query="MATCH (n RETURN").save_for_review(file) == file
    assert answer().save_for_review(str(file), query="RETURN x") == file
    assert json.loads(file.read_text()) == {"question": "Who?", "query": "RETURN x"}
    assert "taken its place" in capsys.readouterr().out
    with pytest.raises(DataError, match="no query to review"):
        answer(query="").save_for_review(file)


def test_an_example_is_added_behind_a_file_without_a_last_line_break(tmp_path: Path) -> None:
    file = tmp_path / "mine.jsonl"
    file.write_text('{"question": "a", "query": "RETURN 1"}')
    answer().save_example(file)
    assert [json.loads(line)["question"] for line in file.read_text().splitlines()] == ["a", "Who?"]


def test_another_query_for_the_same_question_takes_the_place_of_the_one_before_and_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mine.jsonl"
    answer().save_example(file)
    assert answer().save_example(file) == file
    assert answer().save_example(file, query="RETURN 1") == file
    assert json.loads(file.read_text()) == {"question": "Who?", "query": "RETURN 1"}
    assert capsys.readouterr().out.splitlines() == [
        f"{file} has this example already, in line 1.",
        f"{file} had another query for this question in line 1; this one has taken its place.",
    ]


def test_a_query_with_a_name_that_the_graph_does_not_have_is_not_saved(tmp_path: Path) -> None:
    file = tmp_path / "mine.jsonl"
    schema = GraphSchema.from_text("(:Person {name: STRING})\n(:Person)-[:ACTED_IN]->(:Movie)")
    known = pickle.loads(pickle.dumps(answer(query="MATCH (p:Person) RETURN p.name", schema=schema)))
    known.save_example(file)
    before = file.read_bytes()
    for query, hint in (
        ("MATCH (p:Persn) RETURN p", "did you mean Person?"),
        ("MATCH (p:Person)-[:ACTEDIN]->(m) RETURN m", "did you mean ACTED_IN?"),
        ("MATCH (p:Person) RETURN p.nmae", "did you mean name?"),
    ):
        with pytest.raises(DataError, match="was not kept") as caught:
            known.save_example(file, query=query)
        assert caught.value.hint == hint and "\n" not in str(caught.value)
    assert file.read_bytes() == before
    cut = GraphSchema(labels={"Movie": {}}, notes=(f"{CUT_SHORT} after 10 s",))
    answer(query="MATCH (p:Person) RETURN p.name", schema=cut).save_example(tmp_path / "other.jsonl")


def test_a_query_that_is_none_is_not_saved(tmp_path: Path) -> None:
    for query in ("not cypher at all", "MATCH (n"):
        with pytest.raises(CypherSyntaxError):
            answer().save_example(tmp_path / "mine.jsonl", query=query)
    with pytest.raises(CypherSyntaxError):
        answer(query="").save_example(tmp_path / "mine.jsonl")
    assert not (tmp_path / "mine.jsonl").exists()


def test_a_place_that_can_not_be_written_is_one_line(tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "nowhere" / "mine.jsonl"):
        with pytest.raises(DataError, match="can not be written"):
            answer().save_example(place)
