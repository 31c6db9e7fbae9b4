"""Reports read back from a run's folder, and two models compared by them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from cypher_magic import session
from cypher_magic.data.example import Example, Turn
from cypher_magic.errors import DataError, OptionError, RunNotFound
from cypher_magic.evaluation.judge import Judge, Prediction, Written
from cypher_magic.evaluation.report import Report
from cypher_magic.evaluation.saved import ORDERS, answered, duels, ranked, read_report
from cypher_magic.session.comparing import outcomes
from cypher_magic.training.events import EventWriter
from cypher_magic.training.runs import Run, create_run, find_run
from cypher_magic.training.settings import TrainingSettings

if TYPE_CHECKING:
    from pathlib import Path

TITLES = "MATCH (p:Person {name: 'Tom Hanks'})-[:ACTED_IN]->(m:Movie) RETURN m.title AS title"


def made(name: str, right: str, **facts: Any) -> Report:
    """A report on questions q0, q1 ...; `right` has a y for each that was answered."""
    rows = [
        Prediction(
            f"q{i}", f"RETURN {i}", f"RETURN {i}" if r == "y" else "RETURN", r == "y", r == "y",
            f1=float(r == "y"), kind="" if r == "y" else "syntax", seconds=0.1 * i, **facts,
        )
        for i, r in enumerate(right)
    ]  # fmt: skip
    return Report(name, tuple(rows), data="val.csv")


def run(name: str, report: Report | None = None, **settings: Any) -> Run:
    made = create_run(name, TrainingSettings().changed(settings), [Example("q", "RETURN 1")])
    EventWriter(made.folder / "events.jsonl").write("finished", state="completed", steps=1)
    if report is not None:
        report.save(made.folder)
    return made


def test_a_report_that_is_read_back_is_the_same_report(demo_graph: Any, tmp_path: Path) -> None:
    judge = Judge(demo_graph, demo_graph.schema())
    turns = (Turn("Who is Tom Hanks?", "MATCH (p:Person {name: 'Tom Hanks'}) RETURN p.born"),)
    examples = [Example("Which films?", TITLES), Example("and which films?", TITLES, history=turns)]
    good = Report("movies", tuple(judge.judged(e, Written(TITLES, 0.2)) for e in examples))
    bad = Report("base", tuple(judge.judged(e, Written("MATCH (m:Film) RETURN m.title", 0.1)) for e in examples))
    report = Report("movies", good.predictions, against=bad, data="val.csv", notes=("one",))
    again = read_report(report.save(tmp_path)[1])
    assert again.to_dict() == report.to_dict()
    assert (
        again.predictions[1].example is not None
        and again.predictions[1].example.history[0].question == turns[0].question
    )
    assert again.against is not None and again.against.predictions[0].complaints == bad.predictions[0].complaints
    assert str(again.comparison) == str(report.comparison)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"model": "x", "predictions": [{"question": 1}]}'])
def test_a_file_that_is_no_report_is_one_clear_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "report.json").write_text(text)
    with pytest.raises(DataError, match="is not a report"):
        read_report(tmp_path / "report.json")


def test_the_worst_come_first_and_the_best_last() -> None:
    near = Prediction("near", "RETURN 1 AS a", "RETURN 2 AS a", True, False, f1=0.5)
    far = Prediction("far", "RETURN 1 AS a", "nothing", False, False, f1=0.0)
    text = Prediction("text", "RETURN 1", "RETURN 1")
    right = Prediction("right", "RETURN 1", "RETURN 1", True, True, f1=1.0)
    rows = [right, near, text, far]
    assert [p.question for p in ranked(rows, "worst")] == ["far", "near", "text", "right"]
    assert [p.question for p in ranked(rows, "best")] == ["right", "text", "near", "far"]
    assert answered(text) and not answered(near)


def test_every_order_keeps_every_prediction_and_random_goes_by_its_seed() -> None:
    rows = made("a", "ynyn" * 10).predictions
    for order in ORDERS:
        assert sorted(p.question for p in ranked(rows, order)) == sorted(p.question for p in rows)
    assert ranked(rows, "random", seed=1) == ranked(rows, "random", seed=1) != ranked(rows, "random", seed=2)
    with pytest.raises(DataError, match="no order loudest"):
        ranked(rows, "loudest")


def test_questions_that_one_was_trained_on_are_left_out() -> None:
    found, left = duels(made("a", "yynn", seen="the question"), made("b", "ynyn"))
    assert found == [] and left == 4
    assert [d.outcome for d in duels(made("a", "yynn"), made("b", "ynyn"))[0]] == ["both", "first", "second", "neither"]


def test_two_runs_side_by_side_differ_in_settings_scores_and_questions() -> None:
    run("small", made("small", "yyynnnnnnn"), epochs=2)
    run("large", made("large", "ynnyyyyyyy"), epochs=9, lora_rank=32)
    found = session.compare_models("small", "large")
    assert dict((name, values) for name, *values in found.settings) == {"epochs": ["2", "9"], "lora_rank": ["16", "32"]}
    one, other = found.scores["execution_accuracy"]
    assert one is not None and other is not None
    assert (one.value, other.value) == (0.3, 0.8) and one.low < 0.3 < one.high
    assert [len(found.of(name)) for name in ("second", "first", "neither", "both")] == [7, 2, 0, 1]
    assert outcomes(found)[0] == ("only large answers (7)", "second")
    assert found.verdict is not None and "large" in found.verdict.sentence
    assert "10 questions of val.csv" in found.notes[0]


def test_only_the_questions_that_both_were_asked_count() -> None:
    run("one", made("one", "yyyy"))
    run("other", made("other", "nn"))
    found = session.compare_models("one", "other")
    score = found.scores["execution_accuracy"][0]
    assert len(found.duels) == 2 and score is not None and score.n == 2


def test_a_model_without_a_folder_is_compared_by_the_report_of_the_other() -> None:
    report = made("movies", "yyn")
    run("movies", Report("movies", report.predictions, against=made("base", "nnn")))
    for first, second, mine in (("base", "movies", "second"), ("movies", "base", "first")):
        found = session.compare_models(first, second)
        assert len(found.of(mine)) == 2 and found.settings == ()


@pytest.mark.parametrize("name", ["starter", "base"])
def test_the_table_of_runs_takes_what_a_run_was_measured_beside(name: str) -> None:
    run("movies", Report("movies", made("movies", "yyn").predictions, against=made(name, "ynn"), data="val.csv"))
    find_run("movies").update_card(scores={"execution accuracy": 0.6667}, evaluation={"data": "val.csv"})
    frame = session.compare_runs(name, "movies")
    assert list(frame.columns) == [name, "movies"]
    assert list(frame.loc["execution accuracy"]) == [0.3333, 0.6667]
    assert list(frame.loc["measured on"]) == ["val.csv", "val.csv"]
    assert (frame.loc["training rows", name] is None) == (name == "base")


def test_the_table_of_runs_says_how_a_run_is_measured_beside_another_model() -> None:
    run("movies", Report("movies", made("movies", "yyn").predictions, against=made("base", "ynn")))
    with pytest.raises(OptionError, match="movies was not measured beside starter yet") as caught:
        session.compare_runs("movies", "starter")
    assert caught.value.hint.startswith("%cypher_eval movies --against starter")
    with pytest.raises(OptionError, match="starter is compared with a run"):
        session.compare_runs("starter", "base")


def test_without_a_common_question_the_settings_are_there_and_a_hint() -> None:
    run("one", epochs=2)
    run("other", made("other", "y"))
    found = session.compare_models("one", "other")
    assert found.settings and found.verdict is None and "%cypher_eval other --against one" in found.notes[0]
    with pytest.raises(OptionError, match="with itself"):
        session.compare_models("one", "one")
    with pytest.raises(RunNotFound):
        session.compare_models("one", "two")


def test_the_rows_of_models_tell_which_one_answers_and_how_good_each_is() -> None:
    (run("movies").folder / "adapter").mkdir()
    run("other")
    score = {"value": 0.9, "low": 0.8, "high": 0.95, "n": 60}
    run("third").update_card(evaluation={"scores": {"execution_accuracy": score}})
    rows = {row.name: row for row in session.model_rows()}
    assert [row.answers for row in rows.values()].count(True) == 1 and rows["movies"].answers
    assert rows["third"].score == "0.90 [0.80, 0.95]" and rows["other"].score == ""
    assert rows["other"].state == "completed"


def test_a_saved_report_is_found_by_the_name_of_its_run() -> None:
    run("movies", made("movies", "yn"))
    run("other")
    assert len(session.saved_report("movies").predictions) == 2
    with pytest.raises(OptionError, match="was not evaluated"):
        session.saved_report("other")
    (run("broken").folder / "report.json").write_text(json.dumps({"model": 1}))
    with pytest.raises(DataError, match="is not a report"):
        session.saved_report("broken")
