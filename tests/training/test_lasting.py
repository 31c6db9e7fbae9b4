"""What a run leaves behind when something goes badly wrong: always a whole adapter, and an error that names it."""

from __future__ import annotations

import _thread
import math
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cypher_magic.data.example import Example
from cypher_magic.errors import TrainingError
from cypher_magic.training.runs import Run, create_run
from cypher_magic.training.settings import TrainingSettings
from tests.model.tiny_folder import tiny_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cypher_magic.training.events import TrainEvent

ROWS = [Example(f"Who acted in film {i}?", "MATCH (p:Person)-[:ACTED_IN]->(:Movie) RETURN p.name") for i in range(8)]


@pytest.fixture(scope="module")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_folder(tmp_path_factory.mktemp("models") / "tiny-llama")


@pytest.fixture
def run(backbone: Path) -> Iterator[Run]:
    """A run that would go on for long, with a checkpoint every second step."""
    settings = TrainingSettings(
        backbone=str(backbone), start_from="scratch", epochs=1000, batch_size=4, probes=0, threads=1, device="cpu",
        precision="fp32", checkpoint_every=2, lora_rank=64,
    )  # fmt: skip
    run = create_run("lasting", settings, ROWS)
    yield run
    run.kill()


def whole(run: Run) -> None:
    """Assert that the run's adapter can be read to its end."""
    from safetensors.numpy import load_file

    weights = load_file(run.adapter / "adapter_model.safetensors")
    assert weights and all(math.isfinite(float(tensor.sum())) for tensor in weights.values())


def until(ready: Callable[[], bool]) -> None:
    end = time.monotonic() + 120
    while not ready():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.05)


def checkpointed(run: Run) -> bool:
    return any(e.kind == "checkpointed" for e in run.events)


def named(run: Run, error: TrainingError) -> None:
    """Assert that the error says which adapter is left, and where."""
    last = [e["step"] for e in run.events if e.kind == "checkpointed"][-1]
    assert f"the adapter of its last checkpoint (step {last}) is kept in {run.adapter}" in error.hint
    assert "%finetune resume lasting" in error.hint


def test_a_second_interrupt_ends_a_run_at_once(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Run, "stop", lambda run: None)  # a worker that is too busy to look
    run.start()
    pressed = 0

    def press(events: list[TrainEvent]) -> None:
        nonlocal pressed
        if checkpointed(run) and pressed < 2:
            pressed += 1
            threading.Timer(0.05, _thread.interrupt_main).start()

    with pytest.raises(TrainingError, match="ended without a word") as caught:
        run.wait(press)
    assert pressed == 2
    assert run.state == "died"
    whole(run)
    named(run, caught.value)


def test_a_run_outlives_the_notebook_that_started_it_and_another_one_attaches(run: Run) -> None:
    script = f"from pathlib import Path; from cypher_magic.training.runs import Run; r = Run(Path({str(run.folder)!r}))"
    notebook = subprocess.Popen([sys.executable, "-c", f"{script}; r.start(); r.wait()"])
    until(lambda: any(e.kind == "step" for e in run.events))
    notebook.send_signal(getattr(signal, "SIGKILL", signal.SIGTERM))
    notebook.wait(10)
    steps = len(run.events)
    until(lambda: len(run.events) > steps + 2)
    assert run.state == "running"
    seen: list[Any] = []

    def stop(events: list[TrainEvent]) -> None:
        seen.extend(events)
        run.stop()

    assert run.wait(stop).state == "stopped"
    assert [e.kind for e in seen] == [e.kind for e in run.events]
    whole(run)


@pytest.mark.skipif(sys.platform != "linux", reason="limits another process's files, which only Linux can")
@pytest.mark.parametrize(("room", "state"), [(100_000, "failed"), (0, "died")], ids=["no adapter fits", "nothing fits"])
def test_a_full_disk_costs_no_adapter_that_was_there(run: Run, room: int, state: str) -> None:
    import resource

    run.start()
    until(lambda: checkpointed(run))
    pid = int((run.folder / "worker.pid").read_text().split()[0])
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (room, room))  # writing more says "File too large"
    with pytest.raises(TrainingError) as caught:
        run.wait()
    assert run.state == state
    if state == "failed":
        assert "is the disk full?" in caught.value.hint
        assert "Error:" not in caught.value.message  # no library's own words
    whole(run)
    named(run, caught.value)
    run.resume()  # there is room again
    steps = len(run.events)
    until(lambda: any(e.kind == "step" for e in run.events[steps:]))
    assert any("going on from step" in e.get("message", "") for e in run.events)
    assert os.path.getsize(run.folder / "events.jsonl") > 0  # noqa: PTH202
