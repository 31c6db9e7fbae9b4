"""What the training panel shows around a run: memory, dry run, YAML, log, resuming; real runs of a tiny backbone."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cypher_magic import session
from cypher_magic.data.example import Example
from cypher_magic.errors import OptionError
from cypher_magic.model import room
from cypher_magic.model.room import Room
from cypher_magic.training import devices
from cypher_magic.training.devices import Choice
from cypher_magic.training.events import EventWriter
from cypher_magic.training.runs import create_run, find_run
from cypher_magic.training.settings import TrainingSettings
from cypher_magic.widgets import TrainPanel
from cypher_magic.widgets.folds import LOG, RUNS, TITLES
from cypher_magic.widgets.memory_bar import MemoryBar, Need, typical
from cypher_magic.widgets.settings import SettingsForm
from tests.model.tiny_folder import tiny_folder
from tests.widgets.waiting import wait_for

CSV = "question,query\n" + "".join(f"Who directed film {i}?,MATCH (m:M {{n: {i}}}) RETURN m.x{i}\n" for i in range(40))


@pytest.fixture(scope="module")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_folder(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def panel(tmp_path: Path, backbone: Path) -> Iterator[TrainPanel]:
    file = tmp_path / "train.csv"
    file.write_text(CSV)
    tiny = {"backbone": str(backbone), "start_from": "scratch", "device": "cpu", "precision": "fp32", "threads": 1}
    panel = TrainPanel(file, name="tiny", epochs=200, batch_size=4, pack_examples=4, probes=0, **tiny)
    yield panel
    if panel.view is not None and not panel.view.over:
        panel.view.run.kill()
    panel.close()


CPU = Choice("cpu", "fp32", "cpu", "fp32", "CPU, 2 threads (float32)", 8, 9)


def machine(monkeypatch: pytest.MonkeyPatch, free: float) -> None:
    monkeypatch.setattr(room, "_machine", lambda: Room(round(free), round(max(free, 4e9))))
    monkeypatch.setattr("cypher_magic.widgets.memory_bar.choices", lambda: [CPU])


def looked(bar: MemoryBar) -> str:
    bar.look().join(30)
    return bar.value


def test_the_bar_says_that_a_backbone_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    machine(monkeypatch, 16e9)
    bar = MemoryBar(lambda: TrainingSettings(device="cpu", precision="fp32"))
    assert "of 16.0 GB that are free on CPU" in looked(bar) and "✓" in bar.value and "#2c9a4b" in bar.value
    assert bar.need is not None and bar.need.words.endswith(": fits (a schema of 900 tokens; Dry run counts yours)")


def test_the_bar_says_what_would_fit_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    machine(monkeypatch, 8e9)
    bar = MemoryBar(lambda: TrainingSettings(device="cpu", precision="fp32", backbone="qwen2.5-coder-7b"))
    assert "does not fit; backbone: " in looked(bar) and "✗" in bar.value and "#d1453b" in bar.value
    machine(monkeypatch, 1e9)
    assert "does not fit; no backbone of the catalogue would" in looked(bar)


def test_what_fits_only_just_is_told_apart_by_words_too() -> None:
    need = Need(3.7e9, 4e9, 8e9, "CPU")
    assert "fits, but only just" in need.words and "#b7791f" in need.html
    assert "width:50.0%" in need.html and "width:46.2%" in need.html, "half is in use, the rest nearly full"


def test_settings_change_what_is_needed() -> None:
    def needs(**changes: Any) -> float:
        found = typical(TrainingSettings(device="cpu", precision="fp32").changed(changes), [CPU])
        assert found is not None
        return found.peak

    assert needs() > needs(gradient_checkpointing="on")
    assert needs() > needs(pack_examples=4)
    assert needs() < needs(lora_rank=256)
    assert needs() < needs(backbone="qwen2.5-coder-0.5b")


def test_a_device_that_is_not_there_and_a_backbone_that_nobody_knows_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = Choice("cuda", "auto", error="There is no CUDA GPU that PyTorch can use.", hint="use device: cpu, or auto")
    monkeypatch.setattr("cypher_magic.widgets.memory_bar.choices", lambda: [gone])
    assert "There is no CUDA GPU that PyTorch can use. (use device" in looked(
        MemoryBar(lambda: TrainingSettings(device="cuda"))
    )
    assert "Dry run tells" in looked(MemoryBar(lambda: TrainingSettings(backbone="<b>me/mine")))


def test_a_gpu_is_judged_by_its_own_memory() -> None:
    gpu = Choice("auto", "auto", "cuda", "bf16", "NVIDIA A100 (bfloat16)", round(70e9), round(80e9))
    found = typical(TrainingSettings(backbone="qwen2.5-coder-1.5b"), [gpu])
    assert found is not None and found.free == 70e9 and "70.0 GB that are free on NVIDIA A100" in found.words


def test_the_devices_are_asked_in_a_process_of_its_own_as_here(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch  # noqa: F401 - so that they are looked at in this process

    here = devices.choices()
    monkeypatch.delitem(sys.modules, "torch")
    there = devices.choices()
    assert "torch" not in sys.modules
    assert [(c.device, c.precision, c.kind, c.number_format, c.error) for c in there] == [
        (c.device, c.precision, c.kind, c.number_format, c.error) for c in here
    ]


def test_a_pytorch_that_does_not_load_is_told_in_the_bar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch" / "__init__.py").write_text("raise ImportError('libcudart.so.13 is missing')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    shown = looked(MemoryBar(TrainingSettings))
    assert "libcudart.so.13 is missing" in shown and "%cypher_doctor" in shown


def test_an_error_that_nobody_expected_is_told_in_the_bar_and_it_looks_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> list[Choice]:
        raise KeyError("a strange device")

    monkeypatch.setattr("cypher_magic.widgets.memory_bar.choices", broken)
    bar = MemoryBar(lambda: TrainingSettings(device="cpu", precision="fp32"))
    assert "KeyError" in looked(bar) and "a strange device" in bar.value
    machine(monkeypatch, 16e9)
    assert "free on CPU" in looked(bar)


def test_a_panel_that_is_only_made_asks_for_no_device(panel: TrainPanel) -> None:
    panel.settings.inputs["lora_rank"].value = 8
    assert panel.memory.value == "" and panel.memory.need is None


def test_the_yaml_follows_the_form_and_the_form_the_yaml() -> None:
    changes: list[int] = []
    form = SettingsForm(changed=lambda: changes.append(1))
    form.inputs["epochs"].value = 7
    assert "epochs: 7  # how often each example is seen" in form.yaml.value
    form.yaml.value = "epochs: 9\nschedule: linear\nadvanced:\n  clip: 0.5\n"
    assert form.values == {"epochs": 9, "schedule": "linear", "clip": 0.5}
    assert form.inputs["epochs"].value == 9 and form.inputs["schedule"].value == "linear"
    assert "warmup: 0.05" in form.yaml.value, "what was left out is the default again, and written down"
    assert len(changes) == 2


@pytest.mark.parametrize("text", ["epochs: 0", "epoch: 3", "epochs: [1", "<script>: 1"])
def test_a_yaml_that_is_no_settings_is_told_and_nothing_starts_from_it(text: str) -> None:
    form = SettingsForm()
    form.yaml.value = text
    assert "✗" in form.complaint.value and "<script" not in form.complaint.value
    assert form.inputs["epochs"].value == 3
    with pytest.raises(OptionError):
        _ = form.values
    form.inputs["lora_rank"].value = 8
    assert form.values == {"lora_rank": 8} and form.complaint.value == ""


def test_a_dry_run_shows_tokens_memory_and_time_and_starts_nothing(panel: TrainPanel) -> None:
    panel.dry_run.click()
    wait_for(lambda: not panel.dry_run.disabled)
    assert panel.status.error is None, panel.status.value
    assert "nothing was started" in panel.status.value
    shown = panel.folds.pages["Dry run"].value
    assert panel.folds.selected_index == 0
    assert "First example" in shown and "Tokens per example" in shown and "<svg" in shown
    assert panel.memory.need is not None and panel.memory.need.of_these
    assert "Time: about" in panel.memory.value
    assert list(panel.run.options) == [""], "no run was made"
    panel.folds.selected_index = None
    assert panel.folds.pages["Dry run"].value == "", "what is folded is not saved with the notebook"


def test_a_stopped_run_goes_on_where_it_was(panel: TrainPanel) -> None:
    assert panel.resume.disabled
    panel.start.click()
    wait_for(lambda: panel.view is not None and panel.view.step is not None)
    assert panel.resume.disabled
    panel.folds.selected_index = TITLES.index(LOG)
    panel.stop.click()
    wait_for(lambda: panel.view.over and not panel.resume.disabled)
    assert panel.view.state == "stopped"
    reached = panel.view.step["step"]
    panel.folds.selected_index = TITLES.index(RUNS)
    assert "tiny" in panel.folds.pages[RUNS].value and "stopped" in panel.folds.pages[RUNS].value
    panel.resume.click()
    wait_for(lambda: panel.view.state == "running" and panel.view.step["step"] > reached)
    assert not panel.stop.disabled and panel.resume.disabled
    panel.stop.click()
    wait_for(lambda: panel.view.over)
    steps = [e["step"] for e in find_run("tiny").events if e.kind == "step"]
    assert steps == sorted(set(steps)), "no step was made twice"


def test_a_run_can_go_on_from_the_starter_from_nothing_or_from_a_run_that_has_an_adapter(panel: TrainPanel) -> None:
    for name in ("old", "empty"):
        create_run(name, TrainingSettings(), [Example("q", "RETURN 1")])
    adapter = find_run("old").folder / "adapter"
    adapter.mkdir()
    (adapter / "adapter_config.json").write_text("{}")
    panel.refresh()
    assert panel.settings.inputs["start_from"].options == ("starter", "scratch", "old")


def test_a_broken_run_is_told_in_the_list_of_all_runs(panel: TrainPanel, monkeypatch: pytest.MonkeyPatch) -> None:
    run = create_run("old", TrainingSettings(), [Example("q", "RETURN 1")])
    (run.folder / "card.json").write_text("{")
    panel.folds.selected_index = TITLES.index(RUNS)
    assert "unreadable" in panel.folds.pages[RUNS].value
    panel.folds.selected_index = None
    monkeypatch.setattr(session, "runs", lambda: 1 / 0)
    panel.folds.selected_index = TITLES.index(RUNS)
    assert isinstance(panel.status.error, ZeroDivisionError)


def test_the_log_shows_its_last_lines_as_text(panel: TrainPanel) -> None:
    run = create_run("old", TrainingSettings(), [Example("q", "RETURN 1")])
    lines = [f"line {i}" for i in range(5_000)]
    (run.folder / "worker.log").write_text("\n".join([*lines, "0%\r50%\r100%", "<script>alert(1)</script>\x1b[2J"]))
    EventWriter(run.folder / "events.jsonl").write("failed", message="The loss is not a number.", hint="")
    panel.refresh()
    panel.run.value = "old"
    panel.folds.selected_index = TITLES.index(LOG)
    shown = panel.folds.pages[LOG].value
    assert "line 4999" in shown and "line 4000" not in shown
    assert "100%" in shown and "50%" not in shown
    assert "<script" not in shown and "\x1b" not in shown
    wait_for(lambda: not panel.resume.disabled)


def test_resuming_a_run_whose_folder_is_gone_is_one_line(panel: TrainPanel) -> None:
    run = create_run("old", TrainingSettings(), [Example("q", "RETURN 1")])
    EventWriter(run.folder / "events.jsonl").write("finished", state="stopped", steps=1)
    panel.refresh()
    panel.run.value = "old"
    wait_for(lambda: not panel.resume.disabled)
    run.folder.rename(run.folder.with_name("elsewhere"))
    panel.resume.click()
    wait_for(lambda: "There is no run called" in panel.status.value)


def test_a_name_that_was_used_before_is_told_with_the_name_of_the_earlier_run(panel: TrainPanel) -> None:
    create_run("tiny", TrainingSettings(), [Example("q", "RETURN 1")])
    panel.start.click()
    wait_for(lambda: panel.view is not None and "started" in panel.status.value)
    assert "the earlier one is kept as tiny.1" in panel.status.value
