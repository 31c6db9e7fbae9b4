"""The review queue without a notebook: its order, its decisions, and what is kept between two sittings."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import cypher_magic
from cypher_magic import session
from cypher_magic.data.doubt import disagreement
from cypher_magic.data.example import Example
from cypher_magic.data.lint import Lint
from cypher_magic.data.review import Review
from cypher_magic.errors import DataError, NotReadOnly, OptionError, RunNotFound
from cypher_magic.evaluation.judge import Prediction
from cypher_magic.evaluation.report import Report
from cypher_magic.graph.schema import GraphSchema, Triple
from cypher_magic.session.state import SESSION
from cypher_magic.training.runs import create_run
from cypher_magic.training.settings import TrainingSettings

SCHEMA = GraphSchema(
    {"Person": {"name": "STRING", "born": "INTEGER"}, "Movie": {"title": "STRING", "released": "INTEGER"}},
    {"ACTED_IN": {}},
    (Triple("Person", "ACTED_IN", "Movie"),),
)


def titled(year: int) -> Example:
    return Example(f"Which films are from {year}?", f"MATCH (m:Movie {{released: {year}}}) RETURN m.title")


LONG = Example(
    "Who played in a film from 1999 with somebody born after 1960?",
    "MATCH (a:Person)-[:ACTED_IN]->(m:Movie {released: 1999})<-[:ACTED_IN]-(b:Person) WHERE b.born > 1960"
    " RETURN DISTINCT a.name ORDER BY a.name LIMIT 25",
)
WRONG = Example("How old is Tom?", "MATCH (p:Person) RETURN p.age")
EXAMPLES = [*(titled(1990 + n) for n in range(8)), LONG, WRONG]


@pytest.fixture
def queue(tmp_path: Path) -> Review:
    return Review(EXAMPLES, tmp_path / "pairs.review.jsonl", lint=Lint(SCHEMA))


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    path = tmp_path / "pairs.jsonl"
    lines = [{"question": e.question, "query": e.query, "family": "lookup"} for e in EXAMPLES]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_what_the_check_complains_about_comes_first_then_what_is_long_and_rare(queue: Review) -> None:
    first, second, third = queue.items[:3]
    assert first.example == WRONG and "the check complains" in first.because[0] and "age" in first.complaints[0]
    assert second.example == LONG
    assert second.because == ("the only one of its kind", "a long query")
    assert third.because == () and third.example == titled(1990), "the rest stays in the order of the data"


def test_a_query_that_does_not_do_what_the_question_says_comes_before_what_is_merely_long() -> None:
    schema = GraphSchema.from_text("(:Movie {title: STRING, released: INTEGER})")
    fine = Example(
        "Which movies came out in 1999?", "MATCH (m:Movie) WHERE m.released = 1999 RETURN m.title, m.released"
    )
    gap = Example("How many movies are there?", "MATCH (m:Movie) RETURN m.title")
    first = Review([fine, gap, fine], lint=Lint(schema)).current
    assert first is not None and first.example == gap
    assert first.because[0] == "the question says 'how many movies', and the query counts nothing"


def test_what_a_model_disagrees_with_comes_before_what_is_merely_long() -> None:
    queue = Review(EXAMPLES, disagrees=lambda e: "1995" in e.question)
    assert queue.items[0].example == titled(1995) and "the model disagrees" in queue.items[0].because


@pytest.mark.parametrize(
    ("told", "value"),
    [
        (True, 1.0), (0.25, 0.25), (7, 1.0), (float("nan"), 0.0), ("yes", 1.0), ("No", 0.0), ("", 0.0), ("0.5", 0.5),
        ("match (m:Movie {released:1990}) return m.title", 0.0), ("MATCH (n) RETURN n", 1.0),
    ],
)  # fmt: skip
def test_a_model_may_disagree_in_words_in_numbers_or_by_its_own_query(told: Any, value: float) -> None:
    assert disagreement(told, titled(1990)) == value


def test_accept_reject_and_edit_go_on_to_the_next_and_are_counted(queue: Review) -> None:
    queue.reject("no such  property")
    assert queue.edit(query="MATCH (a:Person) RETURN a.name", question="Who is there?") == ()
    queue.accept()
    assert (queue.progress.accepted, queue.progress.edited, queue.progress.rejected) == (1, 1, 1)
    assert str(queue.progress) == "3 of 10 (1 accepted, 1 edited, 1 rejected)"
    assert queue.accepted() == [titled(1990), Example("Who is there?", "MATCH (a:Person) RETURN a.name")]
    assert len(queue.undecided()) == 7 and queue.place == 4


@pytest.mark.parametrize(
    ("query", "against"),
    [
        ("MATCH (p:Person RETURN p.name", "line 1"),
        ("MATCH (p:Person) DELETE p", "DELETE"),
        ("MATCH (p:Person) RETURN p.name; MATCH (n) RETURN n", "one"),
        ("MATCH (p:Actor) RETURN p.name", "Actor"),
        ("  ", "there is no query"),
    ],
)
def test_an_edit_that_does_not_pass_the_checks_decides_nothing(queue: Review, query: str, against: str) -> None:
    before = queue.current
    assert against in " ".join(queue.edit(query=query))
    assert queue.current is before and queue.progress.done == 0 and not (queue.path and queue.path.exists())


def test_a_name_that_the_schema_lacks_can_be_taken_anyway_but_never_a_write(queue: Review) -> None:
    assert queue.edit(query="MATCH (p:Person) DELETE p", anyway=True)
    assert queue.edit(query="MATCH (p:Person) RETURN p.height", anyway=True) == ()
    assert queue.accepted()[0].query == "MATCH (p:Person) RETURN p.height"


def test_an_edit_that_changes_nothing_is_an_acceptance(queue: Review) -> None:
    queue.go(2)
    assert queue.edit(query=LONG.query + "\n") == ()
    assert queue.progress.accepted == 1 and queue.progress.edited == 0


def test_undo_goes_back_step_by_step(queue: Review) -> None:
    queue.reject()
    queue.accept()
    assert queue.undo().example == LONG and queue.current is queue.items[1]
    assert queue.undo().example == WRONG
    with pytest.raises(OptionError, match="nothing to undo"):
        queue.undo()


def test_undoing_a_second_decision_brings_the_first_one_back(queue: Review) -> None:
    queue.go(3)
    queue.edit(question="Films of 1990?")
    queue.go(3)
    shown = queue.shown()
    assert shown is not None and shown.question == "Films of 1990?"
    queue.accept()
    assert queue.accepted()[0].question == "Films of 1990?", "what is accepted is what was shown"
    queue.go(3)
    queue.reject()
    assert queue.accepted() == []
    queue.undo()
    assert queue.accepted()[0].question == "Films of 1990?"


def test_a_review_goes_on_where_it_was_left_also_when_rows_were_added_and_moved(queue: Review) -> None:
    queue.reject("wrong")
    queue.accept()
    again = Review([titled(2005), *reversed(EXAMPLES)], queue.path, lint=Lint(SCHEMA))
    assert (again.progress.done, again.progress.total) == (2, 11)
    assert again.accepted() == [LONG]
    assert again.current is not None and again.current.example == titled(2005)
    assert again.undo().example == LONG


def test_rows_that_say_the_same_are_decided_one_by_one() -> None:
    queue = Review([titled(1990), titled(1990)])
    queue.accept()
    assert queue.progress.done == 1
    queue.reject()
    assert queue.current is None and len(queue.accepted()) == 1


def test_when_all_is_decided_deciding_is_refused_in_one_line(queue: Review) -> None:
    while queue.current:
        queue.accept()
    with pytest.raises(OptionError, match="All examples are decided"):
        queue.accept()
    assert queue.place == 0 and queue.shown() is None


@pytest.mark.parametrize(
    "line", ["{", "[]", '{"key": "a", "verdict": "maybe"}', '{"key": "a", "verdict": "edit"}', '{"verdict": "accept"}']
)
def test_a_corrupt_line_is_one_clear_error(queue: Review, line: str) -> None:
    queue.accept()
    assert queue.path is not None
    queue.path.write_text(queue.path.read_text() + line + "\n")
    with pytest.raises(DataError, match=r"pairs\.review\.jsonl, line 2 is no decision"):
        Review(EXAMPLES, queue.path)


def test_decisions_of_another_sitting_are_not_overwritten(queue: Review) -> None:
    other = Review(EXAMPLES, queue.path, lint=Lint(SCHEMA))
    other.accept()
    with pytest.raises(DataError, match="changed elsewhere"):
        queue.accept()
    assert queue.progress.done == 0


def test_a_folder_that_can_not_be_written_is_one_clear_error(tmp_path: Path) -> None:
    queue = Review(EXAMPLES, tmp_path / "no such folder" / "d.jsonl")
    with pytest.raises(DataError, match="can not be kept"):
        queue.accept()
    assert queue.progress.done == 0


def test_the_decisions_are_plain_lines(queue: Review) -> None:
    queue.reject("wrong")
    assert queue.path is not None
    line = json.loads(queue.path.read_text())
    assert line["verdict"] == "reject" and line["reason"] == "wrong" and line["when"]


def test_reviewing_nothing_is_one_clear_error() -> None:
    with pytest.raises(DataError, match="no examples to review"):
        Review([])


def test_a_script_reviews_a_file_and_writes_what_it_accepted(pairs: Path, tmp_path: Path) -> None:
    queue = cypher_magic.review(pairs)
    assert queue.path == pairs.with_name("pairs.review.jsonl")
    while queue.current:
        queue.accept() if queue.current.example.question.startswith("Which") else queue.reject()
    written = queue.write(tmp_path / "good.jsonl")
    assert len(session.load_examples(written).train) == 8
    assert cypher_magic.review(pairs).progress.done == 10


def test_families_and_the_models_word_come_from_the_files_columns(tmp_path: Path) -> None:
    path = tmp_path / "pairs.csv"
    rows = [f"{e.question},{e.query},lookup,no" for e in EXAMPLES[:8]] + ["A path?,MATCH (n) RETURN n,path,yes"]
    path.write_text("question,query,family,apart\n" + "\n".join(rows) + "\n")
    queue = session.review(path, disagrees="apart")
    assert queue.items[0].because == ("the model disagrees", "the only one of its kind")
    with pytest.raises(OptionError, match="has no column appart"):
        session.review(path, disagrees="appart")


@pytest.fixture
def connected(demo_graph: Any) -> Iterator[None]:
    SESSION.connections["demo"], SESSION.current = demo_graph, "demo"
    yield
    del SESSION.connections["demo"]
    SESSION.current = None


@pytest.mark.usefixtures("connected")
def test_the_rows_of_a_query_are_looked_at_read_only_and_capped() -> None:
    queue = session.review([Example("Who?", "MATCH (p:Person) RETURN p.name"), Example("New?", "CREATE (n) RETURN n")])
    assert "CREATE" in queue.items[0].complaints[0]
    with pytest.raises(NotReadOnly, match="not run"):
        queue.look()
    queue.reject()
    found = queue.look()
    assert len(found) == 50 and found.truncated


def test_without_a_graph_looking_says_what_is_missing(queue: Review) -> None:
    with pytest.raises(OptionError, match="no graph"):
        queue.look()


def evaluated(name: str, *missed: Example) -> None:
    run = create_run(name, TrainingSettings(), [titled(1990)])
    rows = (Prediction(e.question, e.query, e.query, True, e not in missed) for e in EXAMPLES)
    Report(name, tuple(rows)).save(run.folder)


def test_what_a_model_missed_in_its_evaluation_is_doubtful_without_asking_it_again() -> None:
    evaluated("movies", titled(1993))
    queue = session.review(EXAMPLES, model="movies")
    assert queue.items[0].example == titled(1993) and queue.items[0].because[0] == "the model disagrees"


def test_a_model_is_asked_about_the_examples_that_its_evaluation_does_not_tell_about(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    evaluated("movies", titled(1993))
    asked: list[Example] = []

    def evaluate(model: str, data: list[Example], **options: Any) -> Report:
        asked.extend(data)
        assert options["save"] is False, "the report of the run stays as it is"
        return Report(model, tuple(Prediction(e.question, e.query, "RETURN 1", True, False) for e in data))

    monkeypatch.setattr("cypher_magic.session.evaluating.evaluate", evaluate)
    queue = session.review([*EXAMPLES, titled(2001)], model="movies")
    assert asked == [titled(2001)]
    assert {item.example for item in queue.items[:2]} == {titled(1993), titled(2001)}


def test_a_model_that_is_not_there_is_one_clear_error() -> None:
    with pytest.raises(RunNotFound, match="no run called 'nobody'"):
        session.review(EXAMPLES, model="nobody")
