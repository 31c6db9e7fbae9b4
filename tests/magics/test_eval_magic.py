"""%cypher_eval on the demo graph: a tiny tuned model, and a server that always writes the same query."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cypher_magic import places, session
from cypher_magic.data.example import Example, Turn
from cypher_magic.errors import DataError, ModelError, NoModel, OptionError, RunNotFound, TrainingError
from cypher_magic.evaluation.judge import Prediction
from cypher_magic.evaluation.report import Report
from cypher_magic.session import state
from cypher_magic.training import worker
from cypher_magic.training.events import EventWriter
from cypher_magic.training.process import born
from cypher_magic.training.runs import create_run, find_run
from cypher_magic.training.settings import TrainingSettings
from tests.model.tiny_folder import tiny_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVER = Path(__file__).parents[1] / "model" / "chat_server.py"
HANKS = "MATCH (p:Person {name: 'Tom Hanks'})-[:ACTED_IN]->(m:Movie) RETURN m.title AS title"
KEANU = HANKS.replace("Tom Hanks", "Keanu Reeves")
COUNT = "MATCH (m:Movie) RETURN count(m) AS n"
QUESTIONS = [
    ("Which movies was Tom Hanks in?", HANKS),
    ("tom hanks films", "MATCH (m:Movie)<-[:ACTED_IN]-(:Person {name: 'Tom Hanks'}) RETURN m.title"),
    ("Which movies was Keanu Reeves in?", KEANU),
    ("How many movies are there?", COUNT),
]


@pytest.fixture(autouse=True)
def _own_session(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "SESSION", state.Session())


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of a server whose model answers every question with the movies of Tom Hanks."""
    given = {k: v for k, v in os.environ.items() if k != "OPENAI_API_KEY"}
    given["SCRIPT"] = HANKS.replace("Tom Hanks", "tom hanks")  # mended by the pipeline: the graph writes it otherwise
    process = subprocess.Popen([sys.executable, str(SERVER)], stdout=subprocess.PIPE, text=True, env=given)
    assert process.stdout is not None
    yield f"http://127.0.0.1:{int(process.stdout.readline())}/v1#script"
    process.terminate()
    process.wait()
    process.stdout.close()


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run of the tiny model that was really trained, in this process."""
    root = tmp_path_factory.mktemp("trained")
    backbone = tiny_folder(root / "tiny")
    settings = TrainingSettings().changed(
        {"backbone": str(backbone), "start_from": "scratch", "epochs": 1, "threads": 1, "probes": 0, "device": "cpu",
         "precision": "fp32"}
    )  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CYPHER_MAGIC_RUNS", str(root / "runs"))
        pairs = [Example(q, c) for q, c in QUESTIONS]
        run = create_run("movies", settings, pairs[:2] * 4, pairs[1:], schema="(:Movie {title: STRING})")
        worker.main(run.folder)
        assert run.state == "completed"
    return run.folder


@pytest.fixture
def run(trained: Path) -> Path:
    """A copy of that run in this test's own folder."""
    return Path(shutil.copytree(trained, places.runs_dir() / "movies"))


@pytest.fixture
def demo(loaded: Any, demo_graph: Any) -> Any:
    """The shell with the demo graph connected."""
    state.SESSION.connections["demo"] = demo_graph
    state.SESSION.current = "demo"
    return loaded


def failure(shell: Any, cell: str) -> BaseException:
    result = shell.run_cell(cell)
    assert result.error_in_exec is not None, "the cell did not fail"
    return result.error_in_exec


def test_a_run_is_measured_on_its_validation_rows_and_keeps_report_and_scores(
    demo: Any, run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setattr("cypher_magic.magics.progress._AFTER", 0.0)
    monkeypatch.setattr("cypher_magic.magics.progress._EVERY", 0.001)
    report = demo.run_cell("report = %cypher_eval movies\nreport").result
    assert isinstance(report, Report)
    assert (report.model, [p.question for p in report.predictions]) == ("movies", [q for q, _ in QUESTIONS[1:]])
    assert report.execution_accuracy.n == report.executable.n == 3
    assert all(p.kind for p in report.predictions if not p.right)
    assert all(p.seconds and p.seconds > 0 for p in report.predictions)
    assert set(report.by("seen")) == {"the question", "the template, with other values", "nothing like it"}
    assert "1 of these questions stands in the training rows of movies" in repr(report)
    assert "asking movies · 0 of 3" in capsys.readouterr().err  # the progress line
    assert json.loads((run / "report.json").read_text("utf-8"))["model"] == "movies"
    assert (run / "report.html").read_text("utf-8").startswith("<!DOCTYPE html>")
    card = find_run("movies").card
    assert card["evaluation"]["scores"]["executable"] == report.executable.to_dict()
    assert card["scores"]["execution accuracy"] == round(report.execution_accuracy.value, 4)
    assert card["evaluation"]["data"] == "the validation rows of movies"


def test_figures_are_those_of_the_pipeline_that_answers_and_off_are_those_of_the_bare_model(
    demo: Any, server: str
) -> None:
    demo.user_ns["held_out"] = QUESTIONS
    piped = demo.run_cell(f"%cypher_eval {server} --data held_out").result
    assert [p.right for p in piped.predictions] == [True, True, False, False]
    assert [p.kind for p in piped.predictions] == ["", "", "literal", "aggregation"]
    assert piped.executable.value == 1.0
    bare = demo.run_cell(f"%cypher_eval {server} --data held_out --pipeline off").result
    assert [p.right for p in bare.predictions] == [False] * 4
    assert [p.kind for p in bare.predictions] == ["literal"] * 3 + ["aggregation"]
    assert "Bare replies" in repr(bare)
    found = piped.compare(bare)
    assert (found.only_second, found.only_first, found.p) == (2, 0, 0.5)


def test_questions_one_by_one_give_the_same_answers_and_a_history_goes_along(demo: Any, server: str) -> None:
    examples = [Example(q, c) for q, c in QUESTIONS[:2]] + [
        Example("and their number?", COUNT, history=(Turn("q", HANKS),))
    ]
    demo.user_ns["held_out"] = examples
    many = demo.run_cell(f"%cypher_eval {server} --data held_out").result
    alone = demo.run_cell(f"%cypher_eval {server} --data held_out --one-by-one").result
    assert [p.query for p in alone.predictions] == [p.query for p in many.predictions]
    assert alone.predictions[2].example is examples[2]
    bare = demo.run_cell(f"%cypher_eval {server} --data held_out --one-by-one --pipeline off").result
    assert [p.right for p in bare.predictions] == [False] * 3


def test_two_models_are_compared_on_the_same_questions(demo: Any, run: Path, server: str) -> None:
    report = demo.run_cell(f"%cypher_eval movies --against {server} --pipeline off").result
    assert report.against.model == server
    assert [p.question for p in report.against.predictions] == [p.question for p in report.predictions]
    assert "McNemar p" in repr(report)
    assert report.comparison.n == 3
    saved = json.loads((run / "report.json").read_text("utf-8"))
    assert saved["against"]["model"] == server


def test_what_a_run_missed_is_what_the_next_one_learns(
    demo: Any, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = demo.run_cell("%cypher_eval movies --pipeline off").result
    expected = report.corrections()
    assert len(expected) == 3  # one epoch on random weights teaches nothing
    started: list[Any] = []
    monkeypatch.setattr(
        "cypher_magic.training.dry_run.dry_run", lambda name, expected: started.append(name) or expected
    )
    (tmp_path / "more.jsonl").write_text(json.dumps({"question": "And Jaws?", "query": COUNT}) + "\n")
    backbone = f"--backbone {find_run('movies').settings.backbone}"
    datasets: list[Any] = []
    dataset = session.training._dataset

    def kept(*args: Any, **options: Any) -> Any:
        datasets.append(dataset(*args, **options))
        return datasets[-1]

    monkeypatch.setattr(session.training, "_dataset", kept)
    demo.user_ns["missed"] = expected
    for data in ("--data missed", "--from-eval movies", f"--data {tmp_path}/more.jsonl --data missed"):
        cell = f"%%finetune next {data} --val {tmp_path}/more.jsonl {backbone} --dry-run\nstart_from: scratch\n"
        demo.run_cell(cell).raise_error()
    plain = [(e.question, e.query) for e in expected]
    assert [[(e.question, e.query) for e in d.train] for d in datasets] == [
        plain,
        plain,
        [("And Jaws?", COUNT), *plain],
    ]
    assert started == ["next"] * 3


def test_the_run_that_learnt_from_misses_is_compared_with_the_one_that_missed(
    demo: Any, run: Path, tmp_path: Path
) -> None:
    demo.run_cell("%cypher_eval movies --pipeline off").raise_error()
    learnt = len(session.missed("movies"))
    backbone = find_run("movies").settings.backbone
    demo.user_ns["more"] = [Example(f"How many is {i}?", f"RETURN {i} AS n") for i in range(8)]
    cell = (
        f"%%finetune next --data more --from-eval movies --backbone {backbone} --epochs 1 --device cpu --precision fp32"
    )
    demo.run_cell(f"{cell}\nstart_from: scratch\nprobes: 0\nthreads: 1\n").raise_error()
    child = find_run("next")
    assert (child.card["from_eval"], child.card["corrections"]) == ("movies", learnt)
    asked = {e.question for e in child.examples("train")}
    assert {q for q, _ in QUESTIONS[1:]} <= asked  # none of the corrections was set aside
    new = ("Which movies was Carrie-Anne Moss in?", KEANU.replace("Keanu Reeves", "Carrie-Anne Moss"))
    demo.user_ns["held_out"] = [*QUESTIONS, new]
    report = demo.run_cell("report = %cypher_eval next --data held_out\nreport").result
    assert report.against.model == report.learnt_from == "movies"
    assert report.trained_on == {0, 1, 2, 3}  # one that the parent was trained on, three that it missed
    assert report.comparison.n == 1
    line = "made no difference: +0 questions right, 0 lost, McNemar p = 1.0000, n = 1 (next against movies, "
    assert line + "from whose misses it learnt; 4 questions that one of them was trained on left out)" in repr(report)
    assert json.loads((child.folder / "report.json").read_text("utf-8"))["helped"].startswith("made no difference")
    assert child.card["evaluation"]["helped"] in report.lines
    demo.user_ns["known"] = QUESTIONS
    assert "can not be told: no question is left" in repr(demo.run_cell("%cypher_eval next --data known").result)
    shutil.rmtree(run)
    alone = demo.run_cell("%cypher_eval next --data held_out").result
    assert alone.against is None and "movies, from whose misses next learnt, is gone" in repr(alone)


def test_what_was_missed_is_trained_on_and_never_set_aside(tmp_path: Path) -> None:
    parent = create_run("movies", TrainingSettings(), [Example("q", "RETURN 1")])
    missed = (Prediction("How many?", COUNT, "x", False, False), Prediction("Who?", HANKS, "x", False, False))
    Report("movies", (*missed, Prediction("Known?", "RETURN 1", "RETURN 1", True, True))).save(parent.folder)
    more = [Example(f"Number {i}?", f"RETURN {i} AS n") for i in range(6)]
    held_out = [Example("Who?", HANKS), Example("Else?", "RETURN 2 AS n")]
    given = session.load_examples(more[:3], val=held_out, schema=None)

    def asked(data: Any, val: Any = None) -> tuple[list[str], list[str]]:
        found, about = session.training._with_missed("movies", data, val, fix=False)
        assert about == {"from_eval": "movies", "corrections": 2}
        return [e.question for e in found.train], [e.question for e in found.val]

    assert asked(given) == (["Number 0?", "Number 1?", "Number 2?", "How many?", "Who?"], ["Else?"])
    assert len(given.train) == 3  # the notebook's own data set is left as it was
    train, val = asked(more)
    assert train[-2:] == ["How many?", "Who?"] and val and not {"How many?", "Who?"} & {*val}
    assert asked([more, [Example("Who?", HANKS)]])[0].count("Who?") == 1
    assert asked(None, held_out[1:]) == (["How many?", "Who?"], ["Else?"])


def test_the_families_of_a_file_are_kept_and_a_limit_draws_by_seed(demo: Any, server: str, tmp_path: Path) -> None:
    rows = [{"question": q, "query": c, "family": f"family {i % 2}"} for i, (q, c) in enumerate(QUESTIONS)]
    file = tmp_path / "held_out.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    report = demo.run_cell(f"%cypher_eval {server} --data {file} --html {tmp_path}/page.html").result
    assert {name: s.n for name, s in report.by("family").items()} == {"family 0": 2, "family 1": 2}
    assert "held_out.jsonl" in repr(report)
    assert (tmp_path / "page.html").read_text("utf-8") == report.to_html()
    cell = f"%cypher_eval {server} --data {file} --limit 2 --seed"
    drawn = [[p.question for p in demo.run_cell(f"{cell} {seed}").result.predictions] for seed in (0, 0, 1, 2, 3)]
    assert drawn[0] == drawn[1]
    assert len({tuple(d) for d in drawn}) > 1
    assert all(len(d) == 2 for d in drawn)


def test_pairs_made_from_a_graph_bring_their_families(demo: Any, server: str) -> None:
    demo.run_cell("pairs = %cypher_data generate --rows 6").raise_error()
    report = demo.run_cell(f"%cypher_eval {server} --data pairs").result
    assert {p.family for p in report.predictions} == {p.family for p in demo.user_ns["pairs"]}


def test_examples_about_other_graphs_are_asked_with_their_own_schemas(demo: Any, server: str) -> None:
    here = state.connection().schema().render()
    other = "(:Ship {name: STRING})"
    demo.user_ns.update(
        here=[Example(*QUESTIONS[0], schema=here)], other=[Example(*QUESTIONS[0], schema=other), Example(*QUESTIONS[0])]
    )
    report = demo.run_cell(f"%cypher_eval {server} --data here").result
    assert (report.right, "Bare replies" in repr(report)) == (1, False)
    report = demo.run_cell(f"%cypher_eval {server} --data other").result
    assert (report.right, "schemas of other graphs" in repr(report), "Bare replies" in repr(report)) == (0, True, True)


def test_without_a_graph_the_texts_are_compared(loaded: Any, run: Path) -> None:
    report = loaded.run_cell("%cypher_eval movies").result
    assert set(report.scores) >= {"google_bleu", "exact_match", "syntax_valid", "schema_valid", "seconds_median"}
    assert not {"executable", "execution_accuracy", "result_f1"} & set(report.scores)
    assert "No graph is connected: queries were not run." in repr(report)


@pytest.mark.parametrize(
    ("cell", "kind", "message"),
    [
        ("%cypher_eval", NoModel, "There is no tuned model yet."),
        ("%cypher_eval film", RunNotFound, "There is no run called 'film'."),
        ("%cypher_eval film --data {file}", RunNotFound, "There is no run called 'film'."),
        ("%cypher_eval base", OptionError, "base has no validation examples."),
        ("%cypher_eval http://127.0.0.1:1/v1#m", OptionError, "http://127.0.0.1:1/v1#m has no validation examples."),
        (
            "%cypher_eval http://127.0.0.1:1/v1#m --data {file}",
            ModelError,
            "The model server at 127.0.0.1:1 can not be",
        ),
        ("%cypher_eval new", OptionError, "Run new has no validation examples."),
        ("%cypher_eval new --data {file}", TrainingError, "Run new has no adapter yet."),
        ("%cypher_eval base --data {file} --against film", RunNotFound, "There is no run called 'film'."),
        ("%cypher_eval base --data nothing.csv", DataError, "There is no file nothing.csv."),
        ("%cypher_eval base --data {empty}", DataError, "empty.jsonl is empty."),
        ("%cypher_eval base --data {bare}", DataError, "bare.csv has no column for the query"),
        ("%cypher_eval base --data {blank}", DataError, "No usable example is left of blank.csv"),
        ("%cypher_eval base --data none", DataError, "The list of examples is empty."),
        ("%cypher_eval base --data without", DataError, "No example has both a question and a query."),
        (
            "%cypher_eval base --data {file} --html nowhere/page.html",
            OptionError,
            "--html: there is no folder nowhere.",
        ),
        ("%cypher_eval base --data {file} --html .", OptionError, "--html: . is a folder."),
        ("%cypher_eval base --data {file} -c other", OptionError, "There is no connection called 'other'."),
        ("%cypher_eval one two", OptionError, "%cypher_eval does not know what to do with 'two'."),
        ("%cypher_eval base --limit 0", OptionError, "--limit must be at least 1, not 0."),
        ("%cypher_eval base --pipeline half", OptionError, "--pipeline takes one of on, off, not 'half'."),
        ("%finetune next --from-eval new", OptionError, "Run new was not evaluated."),
    ],
)
def test_what_can_not_be_measured_is_one_line(
    loaded: Any, tmp_path: Path, cell: str, kind: type[Exception], message: str
) -> None:
    files = {
        name: tmp_path / f"{name}.{'jsonl' if name == 'empty' else 'csv'}"
        for name in ("file", "empty", "bare", "blank")
    }
    files["file"].write_text(f'question,query\nHow many?,"{COUNT}"\n')
    files["empty"].write_text("\n")
    files["bare"].write_text("question\nHow many?\n")
    files["blank"].write_text("question,query\nHow many?,\n")
    loaded.user_ns.update(none=[], without=[Example("How many?", " ")])
    if " new" in cell:
        create_run("new", TrainingSettings(), [Example("q", "RETURN 1")])
    error = failure(loaded, cell.format(**files))
    assert isinstance(error, kind)
    assert str(error).startswith(message)
    assert "\n" not in str(error)


def test_a_run_is_left_alone_when_it_is_not_to_be_saved(demo: Any, run: Path) -> None:
    demo.run_cell("%cypher_eval movies --no-save --limit 1 --pipeline off").raise_error()
    assert not (run / "report.json").exists()
    assert "evaluation" not in find_run("movies").card


def test_a_run_that_still_trains_is_measured_with_a_note_and_its_scores_are_not_kept(demo: Any, run: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    (run / "worker.pid").write_text(f"{process.pid} {born(process.pid)}")
    EventWriter(run / "events.jsonl").write("resumed")
    try:
        report = demo.run_cell("%cypher_eval movies --limit 1").result
        assert "Run movies is still training" in repr(report) and "not kept" in repr(report)
        answer = demo.run_cell("%cypher_ask -m movies --retries 0 Which movies was Tom Hanks in?").result
        assert answer.notes[-1].startswith("Run movies is still training: these are its weights of step")
        assert "Run movies is still training" in str(failure(demo, "%cypher_models export movies --to nowhere"))
    finally:
        process.communicate(b"\n")
    assert not (run / "report.json").exists() and "evaluation" not in find_run("movies").card


def test_a_report_that_can_not_be_kept_is_still_there(
    demo: Any, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (run / "report.json").mkdir()
    (tmp_path / "page.html.new").mkdir()
    report = demo.run_cell(f"%cypher_eval movies --limit 1 --pipeline off --html {tmp_path}/page.html").result
    assert "Not kept: The report can not be written to" in repr(report)
    assert "page.html can not be written" in capsys.readouterr().out


def test_python_calls_the_model_as_ask_does(demo: Any, server: str) -> None:
    report = session.evaluate(model=server, data=QUESTIONS[:1])
    assert report.right == 1
    assert not places.runs_dir().exists()


def test_help_shows_the_options(loaded: Any, capsys: pytest.CaptureFixture[str]) -> None:
    loaded.run_cell("%cypher_eval -h").raise_error()
    shown = capsys.readouterr().out
    for word in ("--data", "--against", "--limit", "--seed", "--html", "--pipeline", "--one-by-one", "report.html"):
        assert word in shown
    assert not re.search(r".{121}", shown)
