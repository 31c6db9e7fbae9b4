from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

import pytest

from cypher_magic.data.example import Example
from cypher_magic.errors import OptionError, TrainingError
from cypher_magic.training.checkpoints import newest_checkpoint
from cypher_magic.training.runs import Run, create_run
from cypher_magic.training.settings import TrainingSettings
from tests.model.tiny_folder import tiny_folder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SCHEMA = "(:Person {name: STRING})\n(:Movie {title: STRING})\n(:Person)-[:ACTED_IN]->(:Movie)"
STEPS = 30


@pytest.fixture(scope="session")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_folder(tmp_path_factory.mktemp("backbone"))


def new_run(name: str, backbone: Path, **changes: object) -> Run:
    rows = [
        Example(f"Who acted in film {i}?", f"MATCH (p:Person)-->(m:Movie {{title: '{i}'}}) RETURN p") for i in range(40)
    ]
    settings = TrainingSettings(
        backbone=str(backbone),
        start_from="scratch",
        precision="fp32",
        device="cpu",
        epochs=6,
        batch_size=8,
        lora_dropout=0.1,  # so that the random number generator's state matters too
        checkpoint_every=2,
        probes=0,
        threads=1,
    )
    return create_run(name, settings.changed(changes), rows, schema=SCHEMA)


def losses(run: Run) -> dict[int, float]:
    return {e["step"]: e["loss"] for e in run.events if e.kind == "step"}


def until(run: Run, ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 240
    while not ready():
        assert time.monotonic() < deadline, run.events[-3:]
        time.sleep(0.01)


@pytest.fixture(scope="module")
def uninterrupted(backbone: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[int, float]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CYPHER_MAGIC_RUNS", str(tmp_path_factory.mktemp("whole")))
        run = new_run("whole", backbone)
        run.start()
        run.wait()
        return losses(run)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_a_run_killed_at_a_random_step_and_resumed_ends_as_if_nothing_had_happened(
    seed: int, backbone: Path, uninterrupted: dict[int, float]
) -> None:
    run = new_run("killed", backbone)
    run.start()
    step = random.Random(seed).randrange(1, STEPS)
    until(run, lambda: max(losses(run), default=0) >= step or not run.worker_alive())
    run.kill()
    with pytest.raises(TrainingError, match="ended without a word"):
        run.wait()
    assert run.state == "died"
    run.resume()
    run.wait()
    assert run.state == "completed"
    assert max(losses(run)) == STEPS
    assert losses(run) == pytest.approx(uninterrupted, abs=1e-4)


@pytest.mark.slow
def test_a_stopped_run_goes_on_where_it_stopped(backbone: Path, uninterrupted: dict[int, float]) -> None:
    run = new_run("stopped", backbone)
    run.start()
    until(run, lambda: bool(losses(run)))
    run.stop()
    run.wait()
    assert run.state == "stopped"
    assert (run.adapter / "adapter_model.safetensors").is_file()
    run.resume()
    run.wait()
    assert run.state == "completed"
    assert losses(run) == pytest.approx(uninterrupted, abs=1e-4)
    with pytest.raises(OptionError, match="has completed"):
        run.resume()


@pytest.mark.slow
def test_a_corrupted_checkpoint_is_passed_over_for_the_one_before(
    backbone: Path, uninterrupted: dict[int, float]
) -> None:
    run = new_run("corrupted", backbone)
    run.start()
    until(run, lambda: max(losses(run), default=0) >= 8)
    run.kill()
    with pytest.raises(TrainingError):
        run.wait()
    newest = newest_checkpoint(run.folder / "checkpoints")
    assert newest is not None
    optimizer = newest / "optimizer.pt"
    optimizer.write_bytes(optimizer.read_bytes()[:-100])
    before = newest_checkpoint(run.folder / "checkpoints")
    assert before is not None
    assert before != newest
    run.resume()
    run.wait()
    assert losses(run) == pytest.approx(uninterrupted, abs=1e-4)
