"""What only an NVIDIA GPU can show: `pytest -m gpu`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest

from cypher_magic.data.example import Example
from cypher_magic.model.catalogue import CATALOGUE, Backbone
from cypher_magic.model.memory import Workload, estimate
from cypher_magic.model.prompt import Encoded
from cypher_magic.places import runs_dir
from cypher_magic.training.packing import Pack, collate
from cypher_magic.training.settings import TrainingSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.gpu

SCHEMA = "(:Movie {title: STRING, released: INTEGER})\n(:Person {name: STRING})\n(:Person)-[:ACTED_IN]->(:Movie)"
ROWS = [
    Example(f"Who acted in film {i}?", f"MATCH (p:Person)-[:ACTED_IN]->(:Movie {{title: 'film {i}'}}) RETURN p.name")
    for i in range(48)
]


@pytest.fixture(autouse=True)
def gpu() -> Iterator[None]:
    import torch

    if not torch.cuda.is_available():
        pytest.skip("no NVIDIA GPU that PyTorch can use")
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    yield
    torch.cuda.empty_cache()


def test_a_run_in_bf16_learns_on_the_gpu_and_resumes_where_it_stopped() -> None:
    from cypher_magic.training.runs import create_run

    run = create_run(
        "gpu", TrainingSettings(epochs=6, learning_rate=5e-4, probes=1), ROWS[:40], ROWS[40:], schema=SCHEMA
    )
    run.start()
    while not any(e.kind == "step" and e["step"] >= 4 for e in run.events):
        assert run.state != "failed", run.events[-1]
    run.stop()
    run.wait()
    assert run.state == "stopped"
    run.resume()
    run.wait()
    assert run.state == "completed"
    evaluated = [e["loss"] for e in run.events if e.kind == "evaluated"]
    assert "H100" in run.card["device"] or "bfloat16" in run.card["device"]
    assert evaluated[-1] < evaluated[0] / 2


def test_a_pack_in_bf16_has_the_loss_of_its_examples_one_by_one() -> None:
    import torch

    from cypher_magic.model.backbones import local_folder
    from cypher_magic.model.load import choose_device, load_backbone, load_tokenizer
    from cypher_magic.model.prompt import Prompt
    from cypher_magic.training.adapter import with_adapter
    from cypher_magic.training.loss import summed_loss

    device, folder = choose_device("cuda"), local_folder()
    prompt = Prompt(load_tokenizer(folder))
    rows = [prompt.encode(e, SCHEMA) for e in ROWS[:16]]
    model = with_adapter(load_backbone(folder, device), TrainingSettings(), None)

    def loss(*some: Encoded) -> float:
        batch = {k: v.cuda() for k, v in collate(Pack(rows[0].prefix, some)).items()}
        with torch.no_grad():
            return float(summed_loss(model, batch))

    assert loss(*rows) == pytest.approx(sum(loss(r) for r in rows), rel=0.01)


def test_a_gpu_that_has_no_more_memory_goes_on_in_smaller_passes_with_the_same_losses() -> None:
    import torch

    from cypher_magic.training.trainer import build_trainer

    settings = TrainingSettings(epochs=1, batch_size=16, lora_rank=8, start_from="scratch")
    rows = [Encoded((5,) * 100, (6 + i,) * 150, (7 + i,) * 50) for i in range(64)]
    losses: list[list[float]] = []
    needed = 0
    for share in (0, 2):  # of the memory that 16 examples in one pass take
        device, model = device_and_model(settings)
        told: list[str] = []
        trainer = build_trainer(model, rows, (), settings, runs_dir() / "gpu", device, tell=told.append)
        if share:
            room = torch.cuda.memory_allocated() + (needed - torch.cuda.memory_allocated()) // share
            torch.cuda.set_per_process_memory_fraction(room / torch.cuda.get_device_properties(0).total_memory)
        try:
            trainer.train()
        finally:
            torch.cuda.set_per_process_memory_fraction(1.0)
        needed = torch.cuda.max_memory_allocated()
        losses.append([entry["loss"] for entry in trainer.state.log_history if "loss" in entry])
        assert bool(told) == bool(share)
        del model, trainer
        torch.cuda.empty_cache()
    assert losses[1] == pytest.approx(losses[0], rel=0.02)


@pytest.mark.parametrize("precision", ["fp16", "4bit"])
def test_other_number_formats_learn_too(precision: str) -> None:
    if precision == "4bit":
        pytest.importorskip("bitsandbytes")
    from cypher_magic.training.runs import create_run

    settings = TrainingSettings(epochs=4, learning_rate=5e-4, probes=0, precision=precision)
    run = create_run("gpu", settings, ROWS[:40], ROWS[40:], schema=SCHEMA)
    run.start()
    run.wait()
    evaluated = [e["loss"] for e in run.events if e.kind == "evaluated"]
    assert evaluated[-1] < evaluated[0] / 2


def device_and_model(settings: TrainingSettings) -> tuple[Any, Any]:
    from cypher_magic.model.backbones import local_folder
    from cypher_magic.model.load import choose_device, load_backbone
    from cypher_magic.training.adapter import with_adapter

    device = choose_device("cuda")
    return device, with_adapter(load_backbone(local_folder(), device), settings, None)


CASES = [
    ("smollm2-135m", 1500, 500, 16),
    ("smollm2-135m", 4000, 1500, 16),
    ("smollm2-360m", 3000, 800, 16),
    ("qwen2.5-coder-0.5b", 2000, 500, 16),
    ("llama-3.2-1b", 3000, 800, 16),
    ("qwen2.5-coder-1.5b", 2000, 600, 64),
    ("llama-3.2-3b", 1500, 400, 16),
    ("pythia-1b", 2000, 500, 16),
    ("pythia-2.8b", 1500, 500, 32),
]


@pytest.mark.parametrize(("name", "tokens", "answers", "rank"), CASES)
def test_the_predicted_peak_is_within_15_percent_of_the_measured_one(
    name: str, tokens: int, answers: int, rank: int, capsys: pytest.CaptureFixture[str]
) -> None:
    work = Workload(tokens=tokens, answers=answers, rank=rank)
    predicted = estimate(CATALOGUE[name], work)
    measured = peak(CATALOGUE[name], work)
    with capsys.disabled():
        parts = ", ".join(f"{k} {v / 2**20:,.0f}" for k, v in vars(predicted).items())
        ratio = predicted.total / measured
        print(f"\n{name} {tokens} tokens: measured {measured / 2**20:,.0f} MiB, predicted x {ratio:.2f} ({parts})")
    assert math.isclose(predicted.total, measured, rel_tol=0.15)


def peak(backbone: Backbone, work: Workload) -> int:
    """Bytes at the peak of two optimiser steps on a random model of the backbone's shape."""
    import torch

    from cypher_magic.training.adapter import with_adapter
    from cypher_magic.training.loss import summed_loss

    torch.cuda.reset_peak_memory_stats()
    model: Any = with_adapter(random_model(backbone), TrainingSettings(lora_rank=work.rank), None).train()
    optimiser = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], fused=True)
    each = work.answers // 16
    asked = max(1, (work.tokens - 400 - work.answers) // 16)
    rows = tuple(Encoded((5,) * 400, (6,) * asked, (7,) * each) for _ in range(16))
    batch = {k: v.cuda() for k, v in collate(Pack(rows[0].prefix, rows)).items()}
    for _ in range(2):
        summed_loss(model, batch).backward()
        optimiser.step()
        optimiser.zero_grad()
    return int(torch.cuda.max_memory_allocated())


def random_model(b: Backbone) -> Any:
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    family, extra = ("llama", {"num_key_value_heads": b.kv_heads, "head_dim": b.head_dim})
    if b.style == "plain":
        family, extra = "gpt_neox", {}
    config = AutoConfig.for_model(
        family,
        hidden_size=b.hidden,
        intermediate_size=b.inner,
        num_hidden_layers=b.layers,
        num_attention_heads=b.heads,
        vocab_size=b.vocabulary,
        max_position_embeddings=8192,
        tie_word_embeddings=b.style == "chat" and b.parameters < 4000,
        **extra,
    )
    with torch.device("cuda"):
        return AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)
