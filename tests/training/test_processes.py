"""Several processes train one run: here two on the CPU, started by the launchers that people use."""

from __future__ import annotations

import shutil
import time
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from safetensors.torch import load_file

from cypher_magic.errors import OptionError
from cypher_magic.training.processes import command
from cypher_magic.training.runs import Run, create_run
from cypher_magic.training.settings import TrainingSettings
from tests.model.tiny_folder import tiny_folder
from tests.training.test_worker import SCHEMA, rows

if TYPE_CHECKING:
    from pathlib import Path

TORCHRUN = "torchrun --standalone --nproc-per-node 2"
ACCELERATE = "accelerate launch --multi_gpu --num_processes 2 --num_machines 1 --mixed_precision no --dynamo_backend no"


@pytest.fixture(scope="module")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_folder(tmp_path_factory.mktemp("models") / "tiny")


def new_run(backbone: Path, name: str, launch: str, **changes: Any) -> Run:
    # 13 packs of 4: an odd number, so that one process has nothing to do at the end of an epoch
    settings = TrainingSettings(
        backbone=str(backbone), start_from="scratch", precision="fp32", device="cpu", threads=1, epochs=2, probes=1,
        batch_size=16, pack_examples=4, learning_rate=1e-2, launch=launch,
    ).changed(changes)  # fmt: skip
    return create_run(name, settings, rows(50), rows(6), schema=SCHEMA)


def losses(run: Run, kind: str = "step") -> list[float]:
    return [event["loss"] for event in run.events if event.kind == kind]


def noted(run: Run) -> str:
    return " ".join(event["message"] for event in run.events if event.kind == "noted")


def test_two_processes_have_the_losses_of_one_with_twice_the_accumulation(backbone: Path) -> None:
    found = []
    for name, how in (("one", ""), ("two", ACCELERATE)):
        run = new_run(backbone, name, how)
        run.start()
        assert run.wait().state == "completed"
        assert run.adapter.is_dir()
        found.append((losses(run), losses(run, "evaluated")))
    (one, one_val), (two, two_val) = found
    assert len(one) == len(two) == 8
    assert two == pytest.approx(one, abs=1e-3)
    assert two_val == pytest.approx(one_val, abs=1e-3)
    assert one[-1] < 0.9 * one[0]


def test_two_processes_stop_and_go_on_together(backbone: Path) -> None:
    whole = new_run(backbone, "whole", TORCHRUN)
    whole.start()
    whole.wait()
    run = new_run(backbone, "stopped", TORCHRUN, epochs=2)
    run.start()

    def stop_early(events: list[Any]) -> None:
        if any(e.kind == "step" for e in events):
            run.stop()

    assert run.wait(stop_early).state == "stopped"
    assert 0 < len(losses(run)) < 8
    stopped_at = len(losses(run))
    run.resume()
    assert run.wait().state == "completed"
    assert f"going on from step {stopped_at}" in noted(run)
    steps = {e["step"]: e["loss"] for e in run.events if e.kind == "step"}
    assert [steps[i] for i in range(1, 9)] == pytest.approx(losses(whole), abs=1e-3)


def test_killing_a_run_ends_all_of_its_processes(backbone: Path) -> None:
    run = new_run(backbone, "killed", TORCHRUN, epochs=1000)
    run.start()
    while not losses(run):
        time.sleep(0.2)
    workers = [p for p in psutil.process_iter(["cmdline"]) if str(run.folder) in " ".join(p.info["cmdline"] or ())]
    assert len(workers) == 3  # the launcher and two
    run.kill()
    _, alive = psutil.wait_procs(workers, timeout=10)
    assert not alive
    assert run.state == "died"


def test_only_launchers_are_started() -> None:
    with pytest.raises(OptionError, match="launch can not be 'rm -rf /'"):
        command("rm -rf /")
    assert command("torchrun --nproc-per-node 2")[1:] == ["-m", "torch.distributed.run", "--nproc-per-node", "2", "-m"]


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler on a CPU")
def test_a_compiled_model_has_the_losses_of_one_that_is_not(backbone: Path) -> None:
    found = []
    for name in ("off", "on"):
        run = new_run(backbone, name, "", compile=name, epochs=1)
        run.start()
        assert run.wait().state == "completed"
        found.append(losses(run))
    assert len(found[0]) == 4
    assert found[1] == pytest.approx(found[0], abs=1e-3)


@pytest.mark.parametrize("how", [TORCHRUN, ACCELERATE.replace("--multi_gpu", "--use_fsdp --fsdp_version 2")])
def test_processes_that_share_out_the_weights_have_the_losses_of_one(backbone: Path, how: str) -> None:
    whole = new_run(backbone, "whole", "")
    whole.start()
    whole.wait()
    run = new_run(backbone, "shared-out", how, **({"shard": "on"} if how == TORCHRUN else {}))
    run.start()

    def stop_early(events: list[Any]) -> None:
        if any(e.kind == "step" for e in events):
            run.stop()

    assert run.wait(stop_early).state == "stopped"
    stopped_at = len(losses(run))
    run.resume()
    assert run.wait().state == "completed"
    assert f"going on from step {stopped_at}" in noted(run)
    assert "divided among 2 processes: 50% of them here" in noted(run)
    steps = {e["step"]: e["loss"] for e in run.events if e.kind == "step"}
    assert [steps[i] for i in range(1, 9)] == pytest.approx(losses(whole), abs=1e-3)
    assert losses(run, "evaluated")[-1] == pytest.approx(losses(whole, "evaluated")[-1], abs=1e-3)
    assert set(load_file(run.adapter / "adapter_model.safetensors")) == set(
        load_file(whole.adapter / "adapter_model.safetensors")
    )
