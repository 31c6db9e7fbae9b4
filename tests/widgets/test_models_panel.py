from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ipywidgets as widgets
import pytest

from cypher_magic import session
from cypher_magic.data.example import Example
from cypher_magic.evaluation.judge import Prediction
from cypher_magic.evaluation.report import Report
from cypher_magic.session.state import SESSION
from cypher_magic.training.events import EventWriter
from cypher_magic.training.process import born
from cypher_magic.training.runs import Run, create_run, runs
from cypher_magic.training.settings import TrainingSettings
from cypher_magic.widgets import ModelsPanel
from tests.model.tiny_folder import tiny_folder
from tests.widgets.waiting import every, wait_for

HOSTILE = "MATCH (m) RETURN '<img src=x onerror=alert(1)>'"


def made(name: str, right: str) -> Report:
    rows = (
        Prediction(
            f"Question {i}?", f"RETURN {i} AS n", f"RETURN {i} AS n" if r == "y" else HOSTILE, True, r == "y",
            f1=float(r == "y"), kind="" if r == "y" else "literal", came="other", expected=f"{i}",
        )
        for i, r in enumerate(right)
    )  # fmt: skip
    return Report(name, tuple(rows), data="val.csv")


def run(name: str, right: str = "", **settings: Any) -> Run:
    made_run = create_run(name, TrainingSettings().changed(settings), [Example("q", "RETURN 1")])
    (made_run.folder / "adapter").mkdir()
    (made_run.folder / "adapter" / "adapter_config.json").write_text("{}")
    EventWriter(made_run.folder / "events.jsonl").write("finished", state="completed", steps=1)
    if right:
        report = made(name, right)
        report.save(made_run.folder)
        made_run.update_card(evaluation={"scores": {k: s.to_dict() for k, s in report.scores.items()}})
    return made_run


@pytest.fixture
def panel() -> Iterator[ModelsPanel]:
    run("small", "yyynnn", epochs=2)
    time.sleep(0.01)
    run("large", "ynnyyy", epochs=9)
    panel = ModelsPanel()
    yield panel
    panel.close()
    SESSION.run = None


def press(panel: ModelsPanel, button: Any) -> None:
    button.click()
    wait_for(lambda: panel.cancel.layout.display == "none" and not button.disabled)


def test_models_are_listed_with_state_and_score_and_the_one_that_answers(panel: ModelsPanel) -> None:
    assert "large" in panel.table.value and "completed" in panel.table.value
    assert "0.67 [" in panel.table.value and panel.table.value.count("●</span>") == 1
    panel.model.value = "small"
    panel.use.click()
    assert SESSION.run == "small" and "small answers from now on" in panel.status.value


def test_without_models_the_panel_says_what_to_do() -> None:
    panel = ModelsPanel()
    assert "There are no models yet" in panel.table.value
    assert panel.use.disabled and panel.moving.export.disabled and panel.compare.disabled


def test_two_models_are_compared_with_settings_intervals_and_questions(panel: ModelsPanel) -> None:
    panel.first.value, panel.second.value = "small", "large"
    press(panel, panel.compare)
    shown = panel.comparison.value
    assert "epochs" in shown and "0.500 [" in shown and "0.667 [" in shown and "McNemar" in shown
    assert panel.outcome.options[0] == ("only large answers (3)", "second")
    assert "Question 3?" in panel.duels.value and "Question 1?" not in panel.duels.value
    panel.outcome.value = "first"
    assert "Question 1?" in panel.duels.value and "Question 3?" not in panel.duels.value
    assert "<img" not in panel.duels.value and "&lt;img" in panel.duels.value


def test_models_that_were_never_asked_the_same_get_a_hint(panel: ModelsPanel) -> None:
    run("third")
    panel.again.click()
    panel.first.value, panel.second.value = "third", "large"
    press(panel, panel.compare)
    assert "no question in common" in panel.comparison.value and panel.duels.value == ""
    assert panel.outcome.layout.display == "none"
    panel.first.value = "large"
    press(panel, panel.compare)
    assert "can not be compared with itself" in panel.status.value


def test_evaluating_both_asks_session_and_then_compares(panel: ModelsPanel, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[Any, ...]] = []

    def evaluate(run: str, data: Any, *, against: str, limit: int, progress: Any) -> None:
        progress("large answers", 1, 2)
        asked.append((run, data, against, limit))

    monkeypatch.setattr(session, "evaluate", evaluate)
    panel.first.value, panel.second.value, panel.most.value = "small", "large", 7
    press(panel, panel.evaluate)
    assert asked == [("large", None, "small", 7)]
    assert "McNemar" in panel.comparison.value


def test_cancel_ends_what_takes_long(panel: ModelsPanel, monkeypatch: pytest.MonkeyPatch) -> None:
    going, cancelled = threading.Event(), threading.Event()

    def evaluate(*_: Any, progress: Any, **__: Any) -> None:
        going.set()
        assert cancelled.wait(10)
        progress("answers", 1, 9)
        raise AssertionError("it went on")

    monkeypatch.setattr(session, "evaluate", evaluate)
    panel.evaluate.click()
    assert going.wait(10) and panel.cancel.layout.display is None and panel.evaluate.disabled
    panel.cancel.click()
    cancelled.set()
    wait_for(lambda: panel.cancel.layout.display == "none")
    assert "Cancelled." in panel.status.value and not panel.evaluate.disabled


class Evaluating:
    """An evaluation that waits to be let on; `asked` is what it was called with."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.gate = threading.Event()
        monkeypatch.setattr(session, "evaluate", self)

    def __call__(self, run: str, data: Any, *, against: str, limit: int, progress: Any) -> None:
        self.asked.append((run, data, against, limit))
        assert self.gate.wait(15)
        progress("answers", 1, 2)


def test_one_thing_goes_on_at_a_time_whatever_is_chosen_meanwhile(
    panel: ModelsPanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluating = Evaluating(monkeypatch)
    panel.first.value, panel.second.value, panel.model.value = "small", "large", "large"
    panel.remove.click()
    panel.evaluate.click()
    panel.evaluate.click()
    panel.model.value = "small"
    panel.again.click()
    working = (panel.compare, panel.evaluate, panel.moving.export, panel.moving.bring, panel.remove, panel.sure)
    assert all(button.disabled for button in working)
    panel.sure.click()  # it was on its way
    evaluating.gate.set()
    wait_for(lambda: not panel.work.running)
    assert len(evaluating.asked) == 1 and len(runs()) == 2
    assert not any(button.disabled for button in working)


def test_what_was_chosen_when_it_began_is_evaluated_and_shown(
    panel: ModelsPanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("third", "yyyyyy")
    panel.again.click()
    evaluating = Evaluating(monkeypatch)
    panel.first.value, panel.second.value, panel.most.value = "small", "large", 7
    panel.evaluate.click()
    panel.second.value, panel.most.value = "third", 9
    evaluating.gate.set()
    wait_for(lambda: not panel.work.running)
    assert evaluating.asked == [("large", None, "small", 7)]
    assert "large beside small" in panel.status.value


def test_what_an_export_is_to_be_is_read_when_it_begins(panel: ModelsPanel, monkeypatch: pytest.MonkeyPatch) -> None:
    exported, gate = list[Any](), threading.Event()

    def export(run: str, to: Any, merged: bool, hub: Any, **options: Any) -> str:
        assert gate.wait(15)
        exported.append((run, to, merged, options["gguf"], options["force"]))
        return "done"

    monkeypatch.setattr(session, "export", export)
    panel.model.value, panel.moving.target.value, panel.moving.form.value = "small", "out", "gguf"
    panel.moving.export.click()
    panel.model.value, panel.moving.form.value, panel.moving.force.value = "large", "merged", True
    gate.set()
    wait_for(lambda: not panel.work.running)
    assert exported == [("small", "out", False, True, False)]


def test_a_comparison_gives_back_no_button_that_can_not_be_pressed(panel: ModelsPanel) -> None:
    live = create_run("live", TrainingSettings(), [Example("q", "RETURN 1")])
    (live.folder / "worker.pid").write_text(f"{os.getpid()} {born(os.getpid())}")
    panel.again.click()
    panel.model.value, panel.first.value, panel.second.value = "live", "small", "large"
    press(panel, panel.compare)
    assert panel.remove.disabled and not panel.stop.disabled


def test_closing_the_panel_ends_what_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    run("small")
    panel, evaluating = ModelsPanel(), Evaluating(monkeypatch)
    panel.evaluate.click()
    panel.close()
    evaluating.gate.set()
    wait_for(lambda: not panel.work.running)
    assert panel.work.cancelled and panel.comparison.value == ""


@pytest.mark.parametrize("file", ["card.json", "settings.yaml"])
def test_a_run_that_can_not_be_read_stands_in_the_list_and_hides_no_other(file: str) -> None:
    run("small")
    broken = run("broken").folder / file
    broken.write_text("{")
    panel = ModelsPanel()
    panel.model.value = "broken"
    assert panel.status.error is None and "unreadable" in panel.table.value and "completed" in panel.table.value
    assert panel.use.disabled and panel.resume.disabled and not panel.remove.disabled
    assert "broken" not in panel.first.options
    panel.close()


def test_predictions_are_shown_in_the_order_that_was_chosen(panel: ModelsPanel) -> None:
    panel.model.value, panel.count.value = "small", 2
    panel.predict.click()
    assert "3 of 6 right" in panel.status.value
    assert (
        "✗" in panel.predictions.value
        and "✓" not in panel.predictions.value
        and "and 4 more" in panel.predictions.value
    )
    panel.order.value = "best"
    assert "✗" not in panel.predictions.value and "as wanted" in panel.predictions.value
    drawn = set()
    panel.order.value = "random"
    for _ in range(12):
        panel.predict.click()
        drawn.add(panel.predictions.value)
    assert len(drawn) > 1, "each press draws others"
    run("third")
    panel.again.click()
    panel.model.value = "third"
    panel.predict.click()
    assert "Run third was not evaluated." in panel.status.value


def test_removing_asks_first(panel: ModelsPanel) -> None:
    panel.model.value = "small"
    panel.remove.click()
    assert panel.confirm.layout.display is None and "Remove small" in panel.question.value
    panel.keep.click()
    assert panel.confirm.layout.display == "none" and len(runs()) == 2
    panel.remove.click()
    panel.model.value = "large"
    assert panel.confirm.layout.display == "none", "the question was about another model"
    panel.model.value = "small"
    panel.remove.click()
    press(panel, panel.sure)
    assert [r.name for r in runs()] == ["large"] and "run small is removed" in panel.status.value
    assert panel.model.options == ("large",)


def test_a_run_that_goes_on_can_be_stopped_and_one_that_stopped_resumed(
    panel: ModelsPanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = create_run("live", TrainingSettings(), [Example("q", "RETURN 1")])
    (live.folder / "worker.pid").write_text(f"{os.getpid()} {born(os.getpid())}")
    panel.again.click()
    panel.model.value = "live"
    assert panel.remove.disabled and panel.resume.disabled and not panel.stop.disabled
    panel.stop.click()
    assert (live.folder / "STOP").exists() and "stops after this step" in panel.status.value
    EventWriter(live.folder / "events.jsonl").write("finished", state="stopped", steps=1)
    panel.again.click()
    assert panel.stop.disabled and not panel.resume.disabled
    asked: list[str] = []

    def resume(name: str) -> Run:
        asked.append(name)
        return live

    monkeypatch.setattr(session, "resume_run", resume)
    press(panel, panel.resume)
    assert asked == ["live"] and "goes on" in panel.status.value


def test_a_model_is_brought_in_from_a_folder_and_taken_out_as_a_merged_one(panel: ModelsPanel, tmp_path: Path) -> None:
    tiny_folder(tmp_path / "theirs", "chatml")
    panel.moving.source.value, panel.moving.name.value = str(tmp_path / "theirs"), "tiny"
    press(panel, panel.moving.bring)
    assert "tiny is asked in the chat style" in panel.status.value
    assert panel.model.value == "tiny" and "imported" in panel.table.value
    panel.moving.target.value, panel.moving.form.value = str(tmp_path / "out"), "merged"
    press(panel, panel.moving.export)
    assert "the merged model is in" in panel.status.value and (tmp_path / "out" / "README.md").is_file()
    press(panel, panel.moving.export)
    assert 'role="alert"' in panel.status.value, "what is there is not replaced"


def test_what_is_missing_is_one_line(panel: ModelsPanel) -> None:
    panel.moving.export.click()
    assert "Where is the model to go?" in panel.status.value
    panel.moving.bring.click()
    assert "There is nothing to import." in panel.status.value
    panel.moving.source.value = "/no/such/folder"
    press(panel, panel.moving.bring)
    assert 'role="alert"' in panel.status.value


def test_the_saved_state_stays_small(panel: ModelsPanel) -> None:
    for number in range(3):
        run(f"r{number}", "yn" * 300)
    panel.again.click()
    panel.first.value, panel.second.value, panel.model.value = "r0", "r1", "r2"
    panel.count.value = 10**6
    press(panel, panel.compare)
    panel.predict.click()
    state = json.dumps(widgets.Widget.get_manager_state(widgets=[*every(panel)]), default=str)
    assert len(state) < 250_000


def test_a_terminal_gets_the_magics_that_do_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    ModelsPanel()._ipython_display_()
    assert "%cypher_models export" in capsys.readouterr().out
