from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import ipywidgets as widgets
import pytest

from cypher_magic import session
from cypher_magic.data.example import Example
from cypher_magic.data.read import Dataset
from cypher_magic.errors import CypherMagicError, NoModel
from cypher_magic.training.events import EventWriter
from cypher_magic.training.process import born
from cypher_magic.training.runs import Run, create_run
from cypher_magic.training.settings import TrainingSettings
from cypher_magic.widgets import TrainPanel
from cypher_magic.widgets.settings import SettingsForm
from cypher_magic.widgets.status import StatusLine
from tests.widgets.waiting import enter, wait_for

CSV = "instruction,output\n" + "".join(
    f"Who directed film {i}?,MATCH (m:M {{n: {i}}}) RETURN m.x{i}\n" for i in range(20)
)


@pytest.fixture
def train_file(tmp_path: Path) -> Path:
    path = tmp_path / "train.csv"
    path.write_text(CSV)
    return path


@pytest.fixture
def panel(train_file: Path) -> Iterator[TrainPanel]:
    panel = TrainPanel(train_file, name="movies")
    yield panel
    panel.close()


@pytest.fixture
def finetune(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """A training that writes a real run folder whose worker is this process, and ends when the test says so."""
    calls: list[dict[str, Any]] = []

    def finetune(name: str, data: Dataset, val: Any = None, **options: Any) -> Run:
        options["progress"]("downloading", 1, 4)
        settings = {k: v for k, v in options.items() if k not in ("background", "display", "progress")}
        run = create_run(name, TrainingSettings().changed(settings), data.train, data.val)
        own = born(os.getpid())
        (run.folder / "worker.pid").write_text(f"{os.getpid()} {own}")
        calls.append({"name": name, "data": data, "val": val, "run": run, **options})
        return run

    monkeypatch.setattr(session, "finetune", finetune)
    return calls


def running(panel: TrainPanel, calls: list[dict[str, Any]]) -> EventWriter:
    panel.start.click()
    wait_for(lambda: calls and panel.view is not None)
    writer = EventWriter(calls[-1]["run"].folder / "events.jsonl")
    writer.write("started", device="cpu", rows=18, epochs=3)
    writer.write("step", step=1, steps=6, epoch=0.5, loss=2.5, learning_rate=1e-3)
    writer.write("step", step=2, steps=6, epoch=1.0, loss=1.5, learning_rate=1e-3)
    wait_for(lambda: "epoch 1.00, step 2 of 6" in panel.live.value)
    return writer


def test_every_setting_has_a_widget_with_the_settings_own_documentation() -> None:
    form = SettingsForm()
    for setting in fields(TrainingSettings):
        assert form.inputs[setting.name].tooltip == setting.metadata["doc"]
        assert form.inputs[setting.name].value == setting.default
    assert form.values == {}


def test_the_form_gives_what_was_changed_and_takes_the_settings_of_a_run() -> None:
    form = SettingsForm({"epochs": 15})
    form.inputs["lora_rank"].value = 8
    form.inputs["backbone"].value = " qwen2.5-coder-0.5b "
    assert form.values == {"epochs": 15, "lora_rank": 8, "backbone": "qwen2.5-coder-0.5b"}
    form.show(TrainingSettings(learning_rate=2e-4, schedule="linear"))
    assert form.values == {"learning_rate": 2e-4, "schedule": "linear"}


def test_the_form_keeps_numbers_in_their_limits() -> None:
    form = SettingsForm()
    form.inputs["epochs"].value = 0
    assert form.inputs["epochs"].value == 1


def test_the_form_tells_size_and_licence_of_the_backbone() -> None:
    form = SettingsForm()
    assert "135 million parameters, Apache-2.0" in form.about.value
    form.inputs["backbone"].value = "google/gemma-2-2b-it"
    assert "2.6 billion parameters" in form.about.value and "needs a click" in form.about.value
    form.inputs["backbone"].value = "<b>me/mine"
    assert "Hub id" in form.about.value and "<b>" not in form.about.value


def test_checking_shows_the_gates_report(panel: TrainPanel) -> None:
    panel.data.check.click()
    wait_for(lambda: not panel.data.check.disabled)
    assert "examples" in panel.status.value and panel.status.error is None
    assert "cypher-magic-data-report" in panel.data.report.value


def test_a_missing_file_is_one_line_with_its_hint(panel: TrainPanel, tmp_path: Path) -> None:
    panel.data.train.path.value = str(tmp_path / "trian.csv")
    panel.data.check.click()
    wait_for(lambda: not panel.data.check.disabled)
    assert isinstance(panel.status.error, CypherMagicError)
    assert "There is no file" in panel.status.value and "train.csv" in panel.status.value


def test_starting_without_a_file_says_what_is_missing(finetune: list[dict[str, Any]]) -> None:
    panel = TrainPanel()
    panel.start.click()
    wait_for(lambda: not panel.start.disabled)
    assert "There are no training examples." in panel.status.value and "upload" in panel.status.value
    assert panel.stop.disabled and not finetune


def test_an_uploaded_file_is_read_and_its_bytes_leave_the_widget_state(panel: TrainPanel) -> None:
    upload = {"name": "up.csv", "type": "text/csv", "size": len(CSV), "content": memoryview(CSV.encode())}
    panel.data.train.upload.value = ({**upload, "last_modified": _moment()},)
    assert panel.data.train.upload.value == ()
    assert panel.data.train.path.value == ""
    assert "up.csv" in panel.data.train.note.value
    assert len(panel.data.dataset().train) + len(panel.data.dataset().val) == 20
    state = json.dumps(widgets.Widget.get_manager_state(widgets=[panel.data.train.upload]), default=str)
    assert "directed film" not in state


def test_an_unchanged_choice_is_read_once(panel: TrainPanel) -> None:
    first = panel.data.dataset()
    assert panel.data.dataset() is first
    panel.data.fix.value = True
    assert panel.data.dataset() is not first


def test_start_calls_finetune_with_the_examples_and_the_changed_settings(
    panel: TrainPanel, finetune: list[dict[str, Any]]
) -> None:
    panel.settings.inputs["epochs"].value = 7
    running(panel, finetune)
    call = finetune[0]
    assert call["name"] == "movies" and call["epochs"] == 7 and call["background"] is True
    assert len(call["data"].train) + len(call["data"].val) == 20
    assert "lora_rank" not in call
    assert panel.run.value == "movies"


def test_the_panel_follows_the_run_to_its_end(panel: TrainPanel, finetune: list[dict[str, Any]]) -> None:
    writer = running(panel, finetune)
    assert "<svg" in panel.live.value
    assert not panel.stop.disabled
    writer.write("finished", state="completed", steps=6)
    wait_for(lambda: "Run movies: completed" in panel.live.value)
    wait_for(lambda: panel.stop.disabled)
    assert repr(panel) == "TrainPanel: Run movies: completed · on cpu · 18 examples · 3 epochs"


def test_stop_asks_the_run_to_stop(panel: TrainPanel, finetune: list[dict[str, Any]]) -> None:
    running(panel, finetune)
    panel.stop.click()
    assert (finetune[0]["run"].folder / "STOP").exists()
    assert panel.stop.disabled and "adapter is kept" in panel.status.value


def test_a_second_run_waits_for_the_first(panel: TrainPanel, finetune: list[dict[str, Any]]) -> None:
    running(panel, finetune)
    wait_for(lambda: not panel.start.disabled)
    panel.start.click()
    assert "Run movies is still going on. <" in panel.status.value
    assert len(finetune) == 1


def test_stop_before_there_is_a_run_cancels_the_start(panel: TrainPanel, monkeypatch: pytest.MonkeyPatch) -> None:
    fetching, stopped = threading.Event(), threading.Event()

    def finetune(*_: Any, progress: Callable[[str, int, int], None], **__: Any) -> Run:
        fetching.set()
        assert stopped.wait(10)
        progress("downloading", 2, 4)
        raise AssertionError("it went on")

    monkeypatch.setattr(session, "finetune", finetune)
    panel.start.click()
    assert fetching.wait(10)
    panel.stop.click()
    stopped.set()
    wait_for(lambda: not panel.start.disabled)
    assert "Stopped before the training began." in panel.status.value
    assert panel.view is None


def test_a_double_click_trains_once(panel: TrainPanel, finetune: list[dict[str, Any]]) -> None:
    for _ in range(3):
        panel.start.click()
    wait_for(lambda: not panel.work.running)
    assert len(finetune) == 1


@pytest.mark.parametrize("pressed", ["start", "dry_run"])
def test_one_thing_is_prepared_at_a_time_and_can_be_stopped(
    panel: TrainPanel, monkeypatch: pytest.MonkeyPatch, pressed: str
) -> None:
    asked, stopped = list[bool](), threading.Event()

    def finetune(*_: Any, progress: Callable[[str, int, int], None], dry_run: bool = False, **__: Any) -> Run:
        asked.append(dry_run)
        assert stopped.wait(10)
        progress("downloading", 2, 4)
        raise AssertionError("it went on")

    monkeypatch.setattr(session, "finetune", finetune)
    getattr(panel, pressed).click()
    wait_for(lambda: asked)
    panel.dry_run.click()
    panel.start.click()
    panel.data.check.click()
    assert panel.start.disabled and panel.dry_run.disabled and panel.data.check.disabled and not panel.stop.disabled
    panel.stop.click()
    assert panel.stop.disabled and "adapter" not in panel.status.value
    stopped.set()
    wait_for(lambda: not panel.start.disabled)
    assert asked == [pressed == "dry_run"] and panel.view is None and panel.stop.disabled
    assert "topped" in panel.status.value and panel.status.error is None


def test_a_panel_that_is_closed_while_a_run_is_prepared_follows_nothing(
    panel: TrainPanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, closed, made = threading.Event(), threading.Event(), list[Run]()

    def finetune(name: str, data: Dataset, **_: Any) -> Run:
        asked.set()
        assert closed.wait(10)
        made.append(create_run(name, TrainingSettings(), data.train))
        return made[0]

    monkeypatch.setattr(session, "finetune", finetune)
    panel.start.click()
    assert asked.wait(10)
    panel.close()
    closed.set()
    wait_for(lambda: not panel.work.running)
    assert panel.view is None and (made[0].folder / "STOP").exists()


def test_a_run_that_was_resumed_elsewhere_is_followed_again(panel: TrainPanel, finetune: list[dict[str, Any]]) -> None:
    writer = running(panel, finetune)
    writer.write("finished", state="stopped", steps=2)
    wait_for(lambda: "Run movies: stopped" in panel.live.value)
    writer.write("resumed")
    writer.write("step", step=3, steps=6, epoch=1.5, loss=1.1)
    panel.refresh()
    wait_for(lambda: "step 3 of 6" in panel.live.value)
    assert not panel.stop.disabled


def test_another_run_under_the_name_that_is_shown_is_shown(panel: TrainPanel) -> None:
    for state in ("stopped", "completed"):
        old = create_run("old", TrainingSettings(), [Example("q", "RETURN 1")], card={"created": f"when it {state}"})
        EventWriter(old.folder / "events.jsonl").write("finished", state=state, steps=1)
        panel.refresh()
        panel.run.value = "old"
        wait_for(lambda state=state: f"Run old: {state}" in panel.live.value)


def test_a_run_that_is_chosen_again_is_read_again(panel: TrainPanel) -> None:
    old = create_run("old", TrainingSettings(), [Example("q", "RETURN 1")])
    panel.refresh()
    panel.run.value = "old"
    wait_for(lambda: "its worker was never started" in panel.live.value)
    assert not panel.resume.disabled and panel.stop.disabled and "starting the training" not in panel.live.value
    EventWriter(old.folder / "events.jsonl").write("finished", state="imported", steps=0)
    panel.run.value = ""
    panel.run.value = "old"
    wait_for(lambda: "Run old: imported" in panel.live.value)
    assert panel.resume.disabled and "starting the training" not in panel.live.value


def test_a_failed_run_shows_its_reason(panel: TrainPanel, finetune: list[dict[str, Any]]) -> None:
    writer = running(panel, finetune)
    writer.write("failed", message="The loss is not a number.", hint="lower the learning rate")
    wait_for(lambda: "The loss is not a number. (lower the learning rate)" in panel.live.value)
    wait_for(lambda: panel.stop.disabled)


def test_a_run_that_goes_on_is_attached_when_a_panel_opens(panel: TrainPanel, finetune: list[dict[str, Any]]) -> None:
    writer = running(panel, finetune)
    other = TrainPanel()
    wait_for(lambda: "step 2 of 6" in other.live.value)
    assert other.run.value == "movies" and not other.stop.disabled
    writer.write("finished", state="stopped", steps=3)
    wait_for(lambda: "Run movies: stopped" in other.live.value and "Run movies: stopped" in panel.live.value)


def test_an_earlier_run_can_be_looked_at(panel: TrainPanel) -> None:
    run = create_run("old", TrainingSettings(), [Example("q", "RETURN 1")])
    EventWriter(run.folder / "events.jsonl").write("finished", state="completed", steps=1)
    panel.refresh()
    panel.run.value = "old"
    wait_for(lambda: "Run old: completed" in panel.live.value)
    assert panel.stop.disabled


class FakeAnswer:
    complaints = ()

    def _repr_html_(self) -> str:
        return "<pre>MATCH (m) RETURN m</pre>"


def test_a_question_shows_query_and_rows(panel: TrainPanel, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str | None]] = []

    def ask(question: str, *, model: str | None = None, stream: Any, progress: Any = None) -> FakeAnswer:
        asked.append((question, model))
        stream("MATCH (m")
        assert "MATCH" in panel.ask.result.value
        return FakeAnswer()

    monkeypatch.setattr(session, "ask", ask)
    create_run("new", TrainingSettings(), [Example("q", "RETURN 1")])
    enter(panel.ask.question, "Which films are there?")
    wait_for(lambda: "MATCH (m) RETURN m" in panel.ask.result.value)
    assert panel.ask.question.value == "Which films are there?", "the answer stands below its question"
    assert "new" in panel.run.options, "Enter looks again at what there is, as the button does"
    assert asked == [("Which films are there?", None)]
    wait_for(lambda: not panel.ask.button.disabled)


def test_a_new_conversation_is_started_by_a_button(panel: TrainPanel, monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[dict[str, Any]] = []
    monkeypatch.setattr(session, "conversation", lambda **options: called.append(options))
    panel.ask.fresh.click()
    assert called == [{"new": True}]
    assert "a new conversation" in panel.status.value


def test_the_models_to_ask_are_the_current_one_the_runs_and_the_untuned_ones(panel: TrainPanel) -> None:
    create_run("old", TrainingSettings(), [Example("q", "RETURN 1")])
    panel.refresh()
    assert [value for _, value in panel.ask.model.options] == ["", "old", "starter", "base"]
    assert panel.ask.model.index == 0
    panel.ask.model.value = "old"
    panel.refresh()
    assert panel.ask.model.value == "old", "the choice stays"


def test_an_error_of_a_question_is_one_line(panel: TrainPanel, monkeypatch: pytest.MonkeyPatch) -> None:
    def ask(*_: Any, **__: Any) -> None:
        raise NoModel("There is no tuned model yet.", hint="train one above")

    monkeypatch.setattr(session, "ask", ask)
    panel.ask.button.click()
    assert "There is no question." in panel.status.value
    panel.ask.question.value = "Who?"
    panel.ask.button.click()
    wait_for(lambda: "There is no tuned model yet." in panel.status.value)
    assert "train one above" in panel.status.value


def test_an_unexpected_error_is_shown_too_and_kept_for_its_traceback() -> None:
    status = StatusLine()

    def work() -> None:
        raise ZeroDivisionError("a <b> & c")

    status.guarded(work)()
    assert "ZeroDivisionError: a &lt;b&gt; &amp; c" in status.value
    assert isinstance(status.error, ZeroDivisionError)


def test_what_goes_on_is_told_to_those_who_do_not_see_it() -> None:
    status = StatusLine()
    status.say("reading <b>")
    assert 'role="status"' in status.value and "reading &lt;b&gt;" in status.value


def test_no_secret_reaches_the_saved_state(panel: TrainPanel, monkeypatch: pytest.MonkeyPatch) -> None:
    class Graph:
        name, server = "work", "Neo4j 5.26.1"
        uri, user, password = "neo4j://neo4j:s3cret@host", "neo4j", "s3cret"

    monkeypatch.setattr(session, "connections", lambda: [Graph()])
    panel.data.check.click()  # the graph was connected after the panel had been opened
    wait_for(lambda: not panel.data.check.disabled)
    assert "Graph: work, Neo4j 5.26.1" in panel.graph.value
    assert "s3cret" not in json.dumps(widgets.Widget.get_manager_state(), default=str)


def _moment() -> Any:
    from datetime import UTC, datetime

    return datetime.now(UTC)
