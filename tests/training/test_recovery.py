from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from cypher_magic.errors import TrainingError
from cypher_magic.model.load import Device
from cypher_magic.training.adapter import with_adapter
from cypher_magic.training.loss import summed_loss
from cypher_magic.training.packing import Pack
from cypher_magic.training.recovery import Passes, is_out_of_memory, recompute
from cypher_magic.training.settings import TrainingSettings
from cypher_magic.training.trainer import build_trainer
from tests.training.test_packing import rows
from tests.training.tiny import tiny_model

SETTINGS = TrainingSettings(lora_rank=4, start_from="scratch", epochs=1, batch_size=8, device="cpu", threads=1)


class Small:
    """A memory with room for so many examples at once: more fail in the middle of their backward pass."""

    def __init__(self, model: Any, room: int) -> None:
        self.room, self.fails = room, False
        layers = [p for n, p in model.named_parameters() if p.requires_grad and "lora_A" in n]
        layers[0].register_hook(self)  # gradients of the layers behind it are there already

    def __call__(self, gradient: torch.Tensor) -> torch.Tensor:
        if self.fails:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB")
        return gradient


def gradients(model: Any) -> dict[str, torch.Tensor]:
    return {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}


def trainable(seed: int = 0) -> Any:
    model = with_adapter(tiny_model("llama", seed), SETTINGS, None).train()
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, generator=torch.Generator().manual_seed(7), std=0.1)
    return model


def test_the_repeated_pass_adds_the_same_gradients_as_the_whole() -> None:
    examples = rows(9)
    pack = Pack(examples[0].prefix, tuple(examples))
    whole, cut = trainable(), trainable()
    summed_loss(whole, pack.tensors()).backward()
    summed_loss(whole, pack.tensors()).backward()
    memory, told = Small(cut, room=3), []
    passes = Passes(cut, told.append)

    def once(part: Pack) -> torch.Tensor:
        memory.fails = len(part.rows) > memory.room
        loss = summed_loss(cut, part.tensors())
        loss.backward()
        return loss.detach()

    for _ in range(2):  # the second time it is known how much fits
        losses = passes.run(pack, once)
    assert torch.stack(losses).sum().item() == pytest.approx(summed_loss(whole, pack.tensors()).item(), rel=1e-5)
    expected = gradients(whole)
    for name, gradient in gradients(cut).items():
        torch.testing.assert_close(gradient, expected[name], rtol=1e-4, atol=1e-4 * float(expected[name].abs().max()))
    assert told == [
        "out of memory: 4 examples in a pass from now on, activations computed twice; the step is repeated",
        "out of memory: 2 examples in a pass from now on; the step is repeated",
    ]


def test_one_example_that_does_not_fit_ends_the_run_with_what_to_do() -> None:
    examples = rows(4)
    model = trainable()

    def once(part: Pack) -> None:
        raise MemoryError

    with pytest.raises(TrainingError, match="Not even one example fits") as caught:
        Passes(model, lambda line: None).run(Pack(examples[0].prefix, tuple(examples)), once)
    assert "smaller backbone" in caught.value.hint
    assert gradients(model) == {}


def test_another_error_is_not_taken_for_a_full_memory() -> None:
    assert not is_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    assert is_out_of_memory(RuntimeError("[enforce fail at alloc_cpu.cpp:121] . DefaultCPUAllocator: can't allocate"
                                         " memory: you tried to allocate 99 bytes."))  # fmt: skip
    with pytest.raises(RuntimeError, match="shapes"):
        Passes(trainable(), print).run(
            Pack((1,), tuple(rows(2, prefix=1))), lambda part: torch.zeros(2, 3) @ torch.zeros(2, 3)
        )


def test_activations_computed_twice_give_the_same_gradients() -> None:
    examples = rows(5)
    pack = Pack(examples[0].prefix, tuple(examples))
    kept, twice = trainable(), trainable()
    assert recompute(twice)
    assert not recompute(twice)  # it does already
    for model in (kept, twice):
        summed_loss(model, pack.tensors()).backward()
    for name, gradient in gradients(kept).items():
        torch.testing.assert_close(gradients(twice)[name], gradient)


def test_a_run_that_runs_out_of_memory_has_the_losses_of_one_that_does_not(tmp_path: Path) -> None:
    losses = []
    for room in (99, 3):
        model = with_adapter(tiny_model("llama"), SETTINGS, None)
        memory, told = Small(model, room), []
        trainer = build_trainer(
            model, rows(32), rows(8), SETTINGS, tmp_path, Device("cpu", torch.float32), tell=told.append
        )
        compute = trainer.compute_loss

        def computed(
            model: Any, inputs: Any, *given: Any, memory: Any = memory, do: Any = compute, **named: Any
        ) -> Any:
            memory.fails = len(inputs["lengths"]) - 1 > memory.room
            return do(model, inputs, *given, **named)

        trainer.compute_loss = computed
        trainer.train()
        losses.append([entry["loss"] for entry in trainer.state.log_history if "loss" in entry])
        assert len(told) == (0 if room == 99 else 2)
    assert len(losses[0]) == 4
    assert losses[0] == pytest.approx(losses[1], abs=1e-4)


LIMITED = """
import json, resource, sys, torch
torch.set_num_threads(1)
from cypher_magic.model.load import Device
from cypher_magic.model.prompt import Encoded
from cypher_magic.training.recovery import limit_memory, free_memory
from cypher_magic.training.adapter import with_adapter
from cypher_magic.training.trainer import build_trainer
from pathlib import Path
from tests.training.test_recovery import SETTINGS, rows
from tests.training.tiny import tiny_model
model = with_adapter(tiny_model("llama"), SETTINGS, None)
told = []
examples = [Encoded(r.prefix, r.question * 60, r.answer) for r in rows(16)]
device = Device("cpu", torch.float32)
trainer = build_trainer(model, examples, examples[:2], SETTINGS, Path(sys.argv[1]), device, tell=told.append)
limit_memory()
room = 0
if len(sys.argv) > 2:
    lines = Path("/proc/self/status").read_text().splitlines()
    has = next(int(l.split()[1]) * 1024 for l in lines if l.startswith("VmData"))
    resource.setrlimit(resource.RLIMIT_DATA, (has + int(sys.argv[2]), resource.RLIM_INFINITY))
trainer.train()
print(json.dumps({"told": told, "losses": [e["loss"] for e in trainer.state.log_history if "loss" in e]}))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits of this kind are Linux's")
def test_a_cpu_that_has_no_more_memory_goes_on_in_smaller_passes(tmp_path: Path) -> None:
    found = []
    for room in ((), (str(40 << 20),)):
        done = subprocess.run(
            [sys.executable, "-c", LIMITED, str(tmp_path), *room],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PYTHONPATH": str(Path.cwd()), "MALLOC_ARENA_MAX": "1"},
        )
        assert done.returncode == 0, done.stderr[-2000:]
        found.append(json.loads(done.stdout.splitlines()[-1]))
    plenty, little = found
    assert plenty["told"] == []
    assert "out of memory" in little["told"][0]
    assert little["losses"] == pytest.approx(plenty["losses"], abs=1e-4)
