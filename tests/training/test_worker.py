from __future__ import annotations

import _thread
import json
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cypher_magic.data.example import Example
from cypher_magic.errors import TrainingError
from cypher_magic.places import runs_dir
from cypher_magic.training import worker
from cypher_magic.training.runs import Run, create_run
from cypher_magic.training.settings import TrainingSettings
from tests.model.tiny_folder import tiny_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cypher_magic.training.events import TrainEvent

SCHEMA = "(:Person {name: STRING})\n(:Movie {title: STRING})\n(:Person)-[:ACTED_IN]->(:Movie)"
SECRET = "kept-in-the-environment"


def rows(count: int) -> list[Example]:
    return [
        Example(f"Who acted in film {i}?", f"MATCH (p:Person)-[:ACTED_IN]->(m:Movie {{title: '{i}'}}) RETURN p.name")
        for i in range(count)
    ]


def new_run(backbone: Path | str, **changes: Any) -> Run:
    settings = TrainingSettings(backbone=str(backbone), start_from="scratch", epochs=2, batch_size=4, threads=1)
    return create_run("tiny", settings.changed({"probes": 2, **changes}), rows(10), rows(13)[10:], schema=SCHEMA)


@pytest.fixture(scope="module")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_folder(tmp_path_factory.mktemp("models") / "tiny-llama")


@pytest.fixture(scope="module")
def trained(backbone: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Run, list[TrainEvent]]]:
    """A run that a real worker process has completed, and the events that `wait` handed on."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CYPHER_MAGIC_RUNS", str(tmp_path_factory.mktemp("runs")))
        patch.setenv("NEO4J_PASSWORD", SECRET)
        run = new_run(backbone)
        run.start()
        seen: list[TrainEvent] = []
        yield run.wait(seen.extend), seen


def test_a_run_tells_how_it_goes_on(trained: tuple[Run, list[TrainEvent]]) -> None:
    run, seen = trained
    assert run.state == "completed"
    assert [e.kind for e in seen] == [e.kind for e in run.events]
    epoch = ["step"] * 3 + ["evaluated", "sampled", "checkpointed"]  # 10 rows, 4 a step
    start = ["stage", "stage", "started", "stage", "evaluated", "sampled", "stage"]
    assert [e.kind for e in seen] == [*start, *epoch, *epoch, "finished"]
    assert (seen[2]["rows"], seen[2]["epochs"]) == (10, 2)
    assert [e["message"] for e in seen if e.kind == "stage"] == [
        "making tokens of the examples",
        "loading the model",
        "looking at the model before the first step",
        "taking the first step",
    ]
    steps = [e for e in seen if e.kind == "step"]
    assert [(e["step"], e["steps"]) for e in steps] == [(i, 6) for i in range(1, 7)]
    assert [e["epoch"] for e in steps][2::3] == [1, 2]
    for event in steps:
        assert event["loss"] > 0 and event["grad_norm"] > 0 and event["tokens_per_second"] > 0
        assert event["memory_bytes"] > 10**7 and event["eta_seconds"] >= 0
        assert 0 <= event["learning_rate"] <= 1e-3
    losses = [e["loss"] for e in seen if e.kind == "evaluated"]
    assert losses[-1] < losses[0]
    assert steps[-1]["eta_seconds"] < 5


def test_every_epoch_shows_what_the_model_answers(trained: tuple[Run, list[TrainEvent]]) -> None:
    run, seen = trained
    samples = [e["samples"] for e in seen if e.kind == "sampled"]
    assert len(samples) == 3
    for shown in samples:
        assert [(s["question"], s["query"]) for s in shown] == [(e.question, e.query) for e in run.examples("val")[:2]]
        assert all(isinstance(s["reply"], str) for s in shown)


def test_the_card_says_what_was_done_and_with_what(trained: tuple[Run, list[TrainEvent]]) -> None:
    card = trained[0].card
    assert (card["state"], card["prompt_style"], card["train_rows"], card["val_rows"]) == ("completed", "chat", 10, 3)
    assert set(card["versions"]) >= {"cypher-magic", "torch", "transformers", "peft"}
    assert "CPU" in card["device"] or "GPU" in card["device"] or "NVIDIA" in card["device"]


def test_the_adapter_is_whole_and_loads(trained: tuple[Run, list[TrainEvent]], backbone: Path) -> None:
    import torch

    from cypher_magic.model.load import choose_device, load_backbone, load_tuned

    run = trained[0]
    assert sorted(p.name for p in run.adapter.iterdir()) == ["adapter_config.json", "adapter_model.safetensors"]
    assert not [p for p in run.folder.iterdir() if p.name.startswith("adapter.")]
    device = choose_device("cpu", "fp32")
    plain, tuned = load_backbone(backbone, device), load_tuned(backbone, run.adapter, device)
    changed = [n for n, p in plain.named_parameters() if not torch.equal(p, tuned.get_parameter(n))]
    assert changed and all("proj" in name for name in changed)


def test_no_path_of_this_machine_and_no_secret_is_written_down(
    trained: tuple[Run, list[TrainEvent]], backbone: Path
) -> None:
    run = trained[0]
    assert json.loads((run.adapter / "adapter_config.json").read_text())["base_model_name_or_path"] == "tiny-llama"
    for text in ((run.adapter / "adapter_config.json").read_text(), (run.folder / "card.json").read_text()):
        for private in (str(backbone.parent), str(run.folder.parent), str(Path.home()), os.getcwd()):  # noqa: PTH109
            assert private not in text
    for file in run.folder.rglob("*"):
        if file.is_file():
            assert SECRET.encode() not in file.read_bytes(), file.name


def test_an_interrupt_stops_the_run_after_its_step_and_keeps_the_adapter(backbone: Path) -> None:
    run = new_run(backbone, epochs=1000, probes=0)
    run.start()
    steps = 0

    def interrupt_once(events: list[TrainEvent]) -> None:
        nonlocal steps
        before, steps = steps, steps + sum(e.kind == "step" for e in events)
        if steps and not before:
            threading.Timer(0.05, _thread.interrupt_main).start()

    assert run.wait(interrupt_once).state == "stopped"
    assert not run.worker_alive() or run.events[-1].kind == "finished"
    assert (run.adapter / "adapter_model.safetensors").stat().st_size > 1000
    assert run.card["state"] == "stopped"
    assert run.events[-1]["steps"] < 3000


def test_a_stop_is_about_one_attempt_and_not_about_the_next(backbone: Path) -> None:
    run = new_run(backbone, epochs=1, probes=0, device="cpu")
    run.stop()
    assert worker.main(run.folder) == 0
    assert run.state == "stopped" and run.events[-1]["steps"] == 0
    assert not (run.folder / "STOP").exists()
    assert worker.main(run.folder) == 0
    assert run.state == "completed"


def test_a_stop_that_came_too_late_goes_with_the_run(backbone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = new_run(backbone, epochs=1, probes=0, device="cpu")
    monkeypatch.setattr(worker.Reporter, "finish", lambda self: self.run.stop())  # after the last step
    assert worker.main(run.folder) == 0
    assert run.state == "completed"
    assert not (run.folder / "STOP").exists()


def test_a_killed_worker_is_an_error_that_tells_what_is_left(backbone: Path) -> None:
    run = new_run(backbone, epochs=1000, probes=0)
    run.start()

    def kill_after_a_checkpoint(events: list[TrainEvent]) -> None:
        if any(e.kind == "checkpointed" for e in events):
            run.kill()

    with pytest.raises(TrainingError, match="ended without a word") as caught:
        run.wait(kill_after_a_checkpoint)
    assert "the adapter of its last checkpoint (step " in caught.value.hint
    assert str(run.adapter) in caught.value.hint
    assert run.state == "died"
    assert (run.adapter / "adapter_model.safetensors").is_file()


def test_a_worker_that_can_not_start_is_an_error_in_its_own_words() -> None:
    run = new_run("smollm2-13b")
    run.start()
    with pytest.raises(TrainingError, match="Run tiny failed: No backbone is called 'smollm2-13b'") as caught:
        run.wait()
    assert "smollm2-135m" in caught.value.hint
    assert run.state == "failed"


def failure(run: Run) -> TrainEvent:
    """The last event of a run that this process works on and that fails."""
    assert worker.main(run.folder) == 1
    assert run.state == "failed"
    assert not (run.folder / "adapter").exists()
    with pytest.raises(TrainingError):
        run.wait()
    return run.events[-1]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lora_rank": 8}, "The adapter to continue from has lora_rank 16, the settings ask for 8."),
        ({"lora_alpha": 64}, "The adapter to continue from has lora_alpha 32, the settings ask for 64."),
    ],
)
def test_settings_that_do_not_fit_the_starter_fail_with_a_hint(
    backbone: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, int], message: str
) -> None:
    from cypher_magic.model.starter import STARTER

    monkeypatch.setattr(worker, "starting_adapter", lambda start_from, name: STARTER)
    event = failure(new_run(backbone, **changes))
    assert event["message"] == message
    assert "start_from: scratch" in event["hint"]


def test_an_adapter_of_another_backbone_fails_with_a_hint(backbone: Path, tmp_path: Path) -> None:
    first = new_run(backbone, epochs=1, probes=0)
    assert worker.main(first.folder) == 0
    first.folder.rename(runs_dir() / "first")
    event = failure(new_run(tiny_folder(tmp_path / "wider", hidden=64), start_from="first"))
    assert "another backbone" in event["message"]
    assert "start_from: scratch" in event["hint"]


def test_a_run_goes_on_from_the_adapter_of_another_and_asks_no_hub(
    backbone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import peft.utils.save_and_load

    monkeypatch.setattr(peft.utils.save_and_load, "check_file_exists_on_hf_hub", lambda *names: pytest.fail(str(names)))
    first = new_run(backbone, epochs=3, probes=0)
    assert worker.main(first.folder) == 0
    second = new_run(backbone, epochs=1, probes=0, start_from="tiny", lora_dropout=0.1)
    assert second.settings.start_from == "tiny.1"
    assert worker.main(second.folder) == 0
    ends = [e["loss"] for e in Run(runs_dir() / "tiny.1").events if e.kind == "evaluated"]
    assert [e["loss"] for e in second.events if e.kind == "evaluated"][0] == pytest.approx(ends[-1], rel=1e-3)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"max_tokens": 32}, "No training example is short enough."),
        ({"device": "cuda"}, "There is no CUDA GPU that PyTorch can use."),
        ({"prompt_style": "chat"}, "This backbone has no chat template."),
        ({"start_from": "nothing"}, "There is no run 'nothing' with an adapter to continue from."),
    ],
)
def test_settings_that_can_not_work_here_fail_with_a_hint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], message: str
) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    event = failure(new_run(tiny_folder(tmp_path / "plain", "plain"), **changes))
    assert event["message"] == message
    assert event["hint"]


def test_rows_that_are_too_long_are_left_out_and_counted(backbone: Path) -> None:
    settings = TrainingSettings(
        backbone=str(backbone), start_from="scratch", epochs=1, max_tokens=200, probes=0, threads=1
    )
    long = Example("Who?", "RETURN " + "'long' + " * 200 + "1")
    run = create_run("tiny", settings, [*rows(4), long], schema=SCHEMA)
    assert worker.main(run.folder) == 0
    noted = [e["message"] for e in run.events if e.kind == "noted"]
    assert noted[0] == "longer than 200 tokens: 1 were left out"
    assert next(e for e in run.events if e.kind == "started")["rows"] == 4


def test_an_error_that_nobody_foresaw_is_told_with_the_place_of_the_log(
    backbone: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    run = new_run(backbone)
    (run.folder / "examples.jsonl").write_text("not json\n")
    event = failure(run)
    assert event["message"].startswith("JSONDecodeError: ")
    assert "\n" not in event["message"]
    assert event["hint"].endswith("worker.log")
    assert "Traceback" in capfd.readouterr().err  # what `start` sends to the log


@pytest.mark.slow
def test_the_default_backbone_goes_on_from_the_starter(capsys: pytest.CaptureFixture[str]) -> None:
    run = create_run("small", TrainingSettings(epochs=1, probes=1), rows(16), rows(18)[16:], schema=SCHEMA)
    run.start()
    assert run.wait().state == "completed"
    losses = [e["loss"] for e in run.events if e.kind == "evaluated"]
    assert losses[0] < 0.1  # the starter knows this kind of question: from scratch it is above 1
    assert losses[1] < 0.5
    config = json.loads((run.adapter / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == "HuggingFaceTB/SmolLM2-135M-Instruct"
    assert (config["r"], config["lora_alpha"]) == (16, 32)
