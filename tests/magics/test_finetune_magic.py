from __future__ import annotations

import os
import signal
import sys
from typing import Any

import pytest

import cypher_magic
from cypher_magic import session
from cypher_magic.data.example import Example
from cypher_magic.errors import OptionError, RunNotFound
from cypher_magic.magics.options import COMMANDS
from cypher_magic.session import state
from cypher_magic.training.events import EventWriter
from cypher_magic.training.process import born
from cypher_magic.training.runs import Run, create_run, find_run
from cypher_magic.training.settings import TrainingSettings
from cypher_magic.widgets.progress import TrainingView


@pytest.fixture
def tuned(loaded: Any, monkeypatch: pytest.MonkeyPatch) -> list[tuple[tuple[Any, ...], dict[str, Any]]]:
    """What reaches `session.finetune`, which trains nothing here."""
    calls: list[tuple[tuple[Any, ...], dict[str, Any]]] = []

    def finetune(*args: Any, **options: Any) -> str:
        assert callable(options.pop("progress"))
        watched = callable(options.pop("display"))
        dry, _ = options.pop("dry_run"), options.pop("force")
        assert watched is not (options["background"] or dry)  # nobody watches a run in the background
        calls.append((args, options))
        return "the run"

    monkeypatch.setattr(session, "finetune", finetune)
    return calls


def failure(shell: Any, cell: str) -> BaseException:
    result = shell.run_cell(cell)
    assert result.error_in_exec is not None, "the cell did not fail"
    return result.error_in_exec


def new_run(name: str, *events: dict[str, Any], state: str = "completed") -> Run:
    run = create_run(name, TrainingSettings(), [Example("q", "RETURN 1")])
    for event in events:
        EventWriter(run.folder / "events.jsonl").write(**event)
    EventWriter(run.folder / "events.jsonl").write("finished", state=state, steps=1)
    return run


def test_a_line_says_name_data_and_settings(loaded: Any, tuned: list[Any]) -> None:
    cell = "%finetune movies --data train.csv --val val.csv --epochs 5 --learning-rate 5e-4 --backbone qwen3-0.6b --fix"
    assert loaded.run_cell(cell).result == "the run"
    assert tuned == [
        (
            ("movies", "train.csv", "val.csv"),
            {"fix": True, "background": False, "epochs": 5, "learning_rate": 5e-4, "backbone": "qwen3-0.6b"},
        )
    ]


def test_the_cell_holds_settings_as_yaml_and_the_line_wins(loaded: Any, tuned: list[Any]) -> None:
    body = "learning_rate: 0.0005\nepochs: 2\n# a comment\nadvanced:\n    pack_examples: 8\n"
    loaded.run_cell(f"%%finetune movies --data train.csv --epochs 9 --background\n{body}").raise_error()
    assert tuned[0][1] == {
        "fix": False, "background": True, "epochs": 9, "learning_rate": 0.0005, "pack_examples": 8,
    }  # fmt: skip


def test_a_cell_without_a_body_is_a_line(loaded: Any, tuned: list[Any]) -> None:
    for cell in ("%%finetune movies --data train.csv", "%%finetune movies --data train.csv\n  \n\n"):
        loaded.run_cell(cell).raise_error()
    assert [args[0] for args, _ in tuned] == ["movies", "movies"]


def test_data_may_be_variables_of_the_notebook_and_several(loaded: Any, tuned: list[Any]) -> None:
    rows = [("How many?", "RETURN 1")]
    loaded.user_ns.update(pairs=rows, held_out=rows * 2)
    loaded.run_cell("%%finetune movies --data pairs --val held_out\n").raise_error()
    assert tuned[0][0][1] is rows
    assert tuned[0][0][2] == rows * 2
    loaded.run_cell("%finetune movies --data 'a file.csv' --data b.csv").raise_error()
    assert tuned[1][0] == ("movies", ["a file.csv", "b.csv"], None)


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("%%finetune movies --data a.csv\nepoch: 3", "There is no training setting 'epoch'. (did you mean epochs?)"),
        ("%%finetune movies --data a.csv\ndisplay: no", "There is no training setting 'display'."),
        ("%%finetune movies --data a.csv\nname: other", "There is no training setting 'name'."),
        ("%%finetune movies --data a.csv\nepochs: 0", "epochs can not be 0."),
        ("%%finetune movies --data a.csv\nepochs: yes", "epochs can not be True."),
        ("%%finetune movies --data a.csv\nepochs 3", "The settings are not `name: value` lines."),
        ("%%finetune movies --data a.csv\na: [", "The settings are not YAML in line"),
        ("%finetune movies --data a.csv --epoch 3", "%%finetune has no option --epoch. Did you mean --epochs?"),
        ("%finetune movies --data a.csv --epochs many", "--epochs takes a whole number, not 'many'."),
        ("%finetune movies", "There are no examples to train on."),
        ("%finetune", "A run needs a name."),
        ("%finetune two names --data a.csv", "A run needs a name."),
        ("%%finetune --data a.csv\n", "A run needs a name."),
        ("%finetune movies --data", "--data needs a value: --data FILE."),
        ("%finetune list all", "%finetune list takes no name, not 'all'."),
        ("%finetune stop one two", "%finetune stop takes one name, not 'one two'."),
        ("%finetune compare", "Comparing takes two runs or more."),
        ("%finetune remove", "Which run is to be removed?"),
        ("%finetune resume movies --epochs 5", "--epochs is an option of %%finetune, not of resume. (%finetune resume"),
        ("%finetune stop movies --background", "--background is an option of %%finetune and %finetune resume, not of"),
        ("%finetune list --data a.csv", "--data is an option of %%finetune, not of list."),
    ],
)
def test_a_wrong_setting_or_option_is_one_line_and_nothing_starts(
    loaded: Any, tuned: list[Any], cell: str, message: str
) -> None:
    error = failure(loaded, cell)
    assert isinstance(error, OptionError)
    assert str(error).startswith(message)
    assert tuned == []


def test_help_lists_every_setting_that_is_not_advanced(loaded: Any, capsys: pytest.CaptureFixture[str]) -> None:
    loaded.run_cell("%finetune -h").raise_error()
    shown = capsys.readouterr().out
    for option in (
        "--data",
        "--val",
        "--dry-run",
        "--force",
        "--epochs",
        "--learning-rate",
        "--lora-rank",
        "--start-from",
        "--backbone",
    ):
        assert option in shown
    assert "--pack-examples" not in shown
    assert "stop a run" in shown or "stop |" in shown


def test_every_verb_has_a_help_page_of_its_own(loaded: Any, capsys: pytest.CaptureFixture[str]) -> None:
    for verb in COMMANDS["%%finetune"].verb_names:
        loaded.run_cell(f"%finetune {verb} -h").raise_error()
        shown = capsys.readouterr().out
        assert shown.startswith(f"%finetune {verb}")
        assert "--epochs" not in shown and ("--background" in shown) == (verb == "resume"), verb
        examples = shown.partition("Examples:\n")[2].splitlines()
        assert len(examples) == 2 and all(f"%finetune {verb}" in example for example in examples), verb


def test_a_missing_file_is_one_line_and_leaves_no_run(
    loaded: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state, "SESSION", state.Session())
    failure(loaded, "%finetune movies --data nowhere.csv")
    shown = capsys.readouterr().out
    assert "DataError: There is no file nowhere.csv." in shown
    assert "Traceback" not in shown
    assert session.runs() == []


def test_verbs_look_after_runs(
    loaded: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state, "SESSION", state.Session())
    assert isinstance(failure(loaded, "%finetune status"), OptionError)
    assert loaded.run_cell("%finetune list").result == []
    first, second = new_run("first"), new_run("second", state="stopped")
    for age, run in ((100, first), (50, second)):
        card = run.folder / "card.json"
        os.utime(card, (card.stat().st_mtime - age,) * 2)
    assert loaded.run_cell("%finetune list").result == [second, first]
    assert loaded.run_cell("%finetune status").result == second
    assert loaded.run_cell("%finetune status first").result == first
    assert isinstance(failure(loaded, "%finetune status third"), RunNotFound)
    (first.folder / "worker.log").write_text("hello from the worker\n")
    capsys.readouterr()
    assert loaded.run_cell("%finetune logs first").result is None
    assert "hello from the worker" in capsys.readouterr().out
    loaded.run_cell("%finetune logs second").raise_error()
    assert "has printed nothing" in capsys.readouterr().out


def test_resuming_in_the_background_returns_at_once(loaded: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "SESSION", state.Session())
    run = new_run("first", state="stopped")
    waited: list[str] = []
    monkeypatch.setattr(session, "resume_run", lambda name: run)
    monkeypatch.setattr(type(run), "wait", lambda self, tell, watch: waited.append(self.name))
    assert loaded.run_cell("%finetune resume first --background").result == run
    assert waited == []
    loaded.run_cell("%finetune resume first").raise_error()
    assert waited == ["first"]


def test_use_needs_a_run_that_can_answer(loaded: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "SESSION", state.Session())
    run = new_run("first")
    assert "has no adapter yet" in str(failure(loaded, "%finetune use first"))
    (run.folder / "adapter").mkdir()
    (run.folder / "adapter" / "adapter_config.json").write_text("{}")
    assert loaded.run_cell("%finetune use first").result == "first"
    assert state.SESSION.run == "first"


def test_use_returns_the_name_in_both_magics_and_in_a_script(
    loaded: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(state, "SESSION", state.Session())
    for name in ("base", "starter"):
        for line in (f"%finetune use {name}", f"%cypher_models use {name}"):
            state.SESSION.run = None
            assert loaded.run_cell(line).result == state.SESSION.run == name
            assert f"{name} answers from now on\n" in capsys.readouterr().out
        assert cypher_magic.use_run(name) == name


def test_stop_asks_the_worker_to_stop_and_says_what_comes_then(loaded: Any, capsys: pytest.CaptureFixture[str]) -> None:
    run = create_run("first", TrainingSettings(), [Example("q", "RETURN 1")])
    loaded.run_cell("%finetune stop first").raise_error()
    assert (find_run("first").folder / "STOP").is_file()
    assert run.state == "created"
    shown = capsys.readouterr().out
    assert "ends after the step that it is in" in shown
    assert "%cypher_ask -m first" in shown and "%finetune resume first" in shown
    new_run("second")
    loaded.run_cell("%finetune stop second").raise_error()
    assert "There is nothing to stop: run second is completed." in capsys.readouterr().out


def test_a_run_that_was_stopped_says_what_can_be_done_with_it(loaded: Any, capsys: pytest.CaptureFixture[str]) -> None:
    run = new_run("first", {"kind": "step", "step": 12, "steps": 102, "epoch": 0.3, "loss": 0.5}, state="stopped")
    (run.folder / "adapter").mkdir()
    (run.folder / "adapter" / "adapter_config.json").write_text("{}")
    for line in ("attach first", "stop first"):
        loaded.run_cell(f"%finetune {line}").raise_error()
        shown = capsys.readouterr().out
        assert "Run first was stopped after 12 of 102 steps and keeps what it learnt: %cypher_ask -m first" in shown
    loaded.run_cell("%finetune status first").raise_error()
    assert "Run first: stopped, 12 of 102 steps, loss 0.500" in capsys.readouterr().out


def test_a_dry_run_and_force_reach_the_function_of_the_same_name(loaded: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[dict[str, Any]] = []
    monkeypatch.setattr(session, "finetune", lambda *args, **options: calls.append(options))
    loaded.run_cell("%finetune movies --data a.csv --dry-run").raise_error()
    loaded.run_cell("%finetune movies --data a.csv --force").raise_error()
    assert [(c["dry_run"], c["force"]) for c in calls] == [(True, False), (False, True)]


def test_the_list_shows_itself_as_a_table(loaded: Any, capsys: pytest.CaptureFixture[str]) -> None:
    loaded.run_cell("%finetune list").raise_error()
    assert "There are no runs yet." in capsys.readouterr().out
    new_run("first", {"kind": "step", "step": 3, "steps": 6, "loss": 0.5}, state="stopped")
    loaded.run_cell("%finetune list").raise_error()
    shown = capsys.readouterr().out
    assert "stopped" in shown and "50% of 6 steps" in shown and "0.500" in shown and "now" in shown


def test_runs_are_compared_and_removed(
    loaded: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state, "SESSION", state.Session(run="first"))
    new_run("first")
    new_run("second")
    frame = loaded.run_cell("%finetune compare first second").result
    assert list(frame.columns) == ["first", "second"]
    assert isinstance(failure(loaded, "%finetune compare first third"), RunNotFound)
    capsys.readouterr()
    loaded.run_cell("%finetune remove first").raise_error()
    assert capsys.readouterr().out == "run first is removed\n"
    assert [run.name for run in session.runs()] == ["second"]
    assert state.SESSION.run is None
    assert isinstance(failure(loaded, "%finetune remove first"), RunNotFound)


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("lst", "did you mean %finetune list?"),
        ("attatch hospital", "did you mean %finetune attach?"),
        ("resum hospital", "did you mean %finetune resume?"),
        ("hospital", "%%finetune hospital --data train.csv"),
        ("hospital ward", "%%finetune movies --data train.csv"),
    ],
)
def test_a_mistyped_verb_is_told_from_a_run_without_examples(loaded: Any, line: str, hint: str) -> None:
    error = failure(loaded, f"%finetune {line}")
    assert isinstance(error, OptionError) and error.hint == hint


def test_a_run_whose_name_is_near_a_verb_is_trained(loaded: Any, tuned: list[Any]) -> None:
    loaded.run_cell("%finetune lists --data train.csv").raise_error()
    assert tuned[0][0][0] == "lists"


@pytest.mark.parametrize("terminal", [True, False])
def test_who_stops_watching_is_told_that_the_run_goes_on(
    loaded: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, terminal: bool
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal)
    run = create_run("hospital", TrainingSettings(), [Example("q", "RETURN 1")])
    (run.folder / "worker.pid").write_text(f"{os.getpid()} {born(os.getpid())}")
    EventWriter(run.folder / "events.jsonl").write("started", device="CPU", rows=1, epochs=1)
    update = TrainingView.update

    def interrupted(view: TrainingView, events: Any) -> None:
        update(view, events)
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(TrainingView, "update", interrupted)
    assert loaded.run_cell("%finetune attach hospital --watch").result == run
    lines = capsys.readouterr().out.splitlines()
    assert "Run hospital goes on; %finetune attach hospital watches it again." in lines
    assert any("before the first step" in line for line in lines) == terminal
    assert run.state == "running" and not (run.folder / "STOP").exists()
