"""Several runs on one device: real worker processes that wait for each other."""

from __future__ import annotations

import _thread
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cypher_magic.data.example import Example
from cypher_magic.training import worker
from cypher_magic.training.events import EventWriter, told
from cypher_magic.training.queue import ahead, device_name, holding, turn
from cypher_magic.training.runs import Run, create_run
from cypher_magic.training.settings import TrainingSettings
from tests.model.tiny_folder import tiny_folder

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(scope="module")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_folder(tmp_path_factory.mktemp("models") / "tiny-llama")


def new(name: str, backbone: Path | str, **changes: Any) -> Run:
    settings = TrainingSettings(
        backbone=str(backbone), start_from="scratch", epochs=1, threads=1, probes=0, device="cpu", precision="fp32"
    )
    rows = [Example(f"Who acted in film {i}?", "MATCH (p:Person) RETURN p.name") for i in range(4)]
    return create_run(name, settings.changed(changes), rows)


def until(true: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.1)


@pytest.fixture
def busy(backbone: Path) -> Run:
    """A run that trains, and would for hours, in a real worker process."""
    run = new("busy", backbone, epochs=1000)
    run.start()
    until(lambda: any(e.kind == "step" for e in run.events))
    yield run
    run.kill()


def test_runs_on_one_device_wait_for_each_other_in_the_order_in_which_they_came(busy: Run, backbone: Path) -> None:
    second, third = new("second", backbone), new("third", backbone)
    second.start()
    until(lambda: second.state == "queued")
    third.start()
    until(lambda: third.state == "queued")
    assert busy.state == "running"
    assert [e["message"] for e in third.events] == ["waits until the CPU is free: after busy, second"]
    assert told(second.events[0], "second") == "second waits until the CPU is free: after busy"
    assert ahead(second, "cpu") == ["busy"]
    assert repr(third) == "Run third: queued"
    busy.stop()
    assert busy.wait().state == "stopped"
    assert (second.wait().state, third.wait().state) == ("completed", "completed")
    ended, began = (next(e.time for e in r.events if e.kind == k) for r, k in ((second, "finished"), (third, "turn")))
    assert ended <= began
    assert [e.kind for e in second.events if e.kind != "stage"][:3] == ["queued", "turn", "started"]


def test_a_killed_worker_lets_the_next_one_go_on(busy: Run, backbone: Path) -> None:
    second = new("second", backbone)
    second.start()
    until(lambda: second.state == "queued")
    assert holding(busy.folder.parent, "cpu") == "busy"
    busy.kill()
    assert second.wait().state == "completed"
    assert busy.state == "died"


def test_a_run_that_waits_is_stopped_by_an_interrupt_and_the_other_goes_on(busy: Run, backbone: Path) -> None:
    second = new("second", backbone)
    second.start()

    def interrupt(events: list[Any]) -> None:
        if any(event.kind == "queued" for event in events):
            threading.Timer(0.05, _thread.interrupt_main).start()

    assert second.wait(interrupt).state == "stopped"
    assert [e.kind for e in second.events] == ["queued", "finished"]
    assert not (second.folder / "adapter").exists()
    assert second.card["state"] == "stopped"
    assert busy.state == "running"
    second.resume()
    until(lambda: second.state == "queued")
    busy.stop()
    assert second.wait().state == "completed"


def test_a_run_that_was_killed_while_it_waited_holds_up_nobody(busy: Run, backbone: Path) -> None:
    second, third = new("second", backbone), new("third", backbone)
    second.start()
    until(lambda: second.state == "queued")
    second.kill()
    until(lambda: second.state == "died")
    assert ahead(third, "cpu") == ["busy"]


def test_a_run_alone_does_not_wait_and_leaves_the_device_free(backbone: Path) -> None:
    run = new("alone", backbone)
    assert worker.main(run.folder) == 0
    assert not {"queued", "turn"} & {e.kind for e in run.events}
    assert holding(run.folder.parent, "cpu") is None
    assert ahead(run, "cpu") == []


def test_gpus_that_are_chosen_by_the_environment_have_queues_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    assert device_name("cuda") == "cuda"
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1,2")
    assert (device_name("cuda"), device_name("cpu")) == ("cuda-1_2", "cpu")


def test_the_other_processes_of_a_run_wait_for_its_first_one(backbone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = new("wide", backbone)
    events = EventWriter(run.folder / "events.jsonl")
    seen: list[bool] = []

    def other() -> None:
        with turn(run, events) as ours:
            seen.append(ours)

    with turn(run, events) as first:
        monkeypatch.setenv("RANK", "1")
        other()
    assert (first, seen) == (True, [True])
    (run.folder / "STOP").touch()
    other()
    assert seen == [True, False]
    assert run.events == []
    run.forget_stop()  # the first process was stopped before this one looked, and has taken the file away
    events.write("finished", state="stopped", steps=0)
    other()
    assert seen == [True, False, False]
