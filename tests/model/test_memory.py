"""The estimate's arithmetic; how well it meets measured peaks is shown by tests/benchmarks/bench_memory.py."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cypher_magic.model.catalogue import CATALOGUE, DEFAULT, from_config
from cypher_magic.model.memory import Workload, adapter_size, estimate
from cypher_magic.training.fits import proposal, verdict

WORK = Workload(tokens=2000, answers=600, prefix=800, examples=16)


@pytest.mark.parametrize("kind", ["cpu", "cuda"])
@pytest.mark.parametrize(
    "more",
    [{"tokens": 4000}, {"answers": 1200}, {"rank": 64}, {"precision": "fp32"}],
    ids=lambda change: next(iter(change)),
)
def test_more_of_anything_takes_more_memory(kind: str, more: dict[str, Any]) -> None:
    work = replace(WORK, kind=kind)
    assert estimate(CATALOGUE[DEFAULT], replace(work, **more)).total > estimate(CATALOGUE[DEFAULT], work).total


@pytest.mark.parametrize(
    "less", [{"checkpointing": True}, {"precision": "4bit"}], ids=lambda change: next(iter(change))
)
def test_what_saves_memory_is_seen(less: dict[str, Any]) -> None:
    shape = CATALOGUE["qwen2.5-coder-7b"]
    assert estimate(shape, replace(WORK, **less)).total < 0.75 * estimate(shape, WORK).total


def test_the_parts_are_the_sum() -> None:
    parts = estimate(CATALOGUE[DEFAULT], WORK, base=1e9)
    assert set(vars(parts)) == {"weights", "adapter", "optimiser", "activations", "logits", "base"}
    assert parts.total == sum(vars(parts).values())
    assert parts.base == 1e9


@pytest.mark.parametrize("family", ["llama", "gpt_neox", "opt", "qwen2"])
def test_a_model_outside_the_catalogue_is_measured_by_its_configuration(family: str) -> None:
    from peft import LoraConfig, get_peft_model

    from tests.training.tiny import tiny_model

    model = tiny_model(family)
    style = "plain" if family in ("gpt_neox", "opt") else "chat"
    shape = from_config("tiny", model.config, style)
    matrices = sum(p.numel() for p in model.parameters() if p.dim() > 1)
    if family == "opt":
        matrices -= model.get_input_embeddings().weight.shape[1] * 514  # learnt positions
    assert shape.parameters * 1e6 == pytest.approx(matrices, rel=0.02)
    tuned = get_peft_model(model, LoraConfig(r=4, target_modules="all-linear"))
    trained = sum(p.numel() for p in tuned.parameters() if p.requires_grad)
    # queries, keys and values are one layer in GPT-NeoX and three in OPT, which the estimate does not tell apart
    assert adapter_size(shape, 4) == (pytest.approx(trained, rel=0.2) if family == "opt" else trained)


def test_a_verdict_names_the_mildest_way_that_fits() -> None:
    shape = CATALOGUE["qwen2.5-coder-7b"]
    free = {"fits": 80e9, "fits with gradient checkpointing": 20e9, "fits in 4-bit": 14e9, "does not fit": 3e9}
    assert {name: verdict(shape, WORK, room) for name, room in free.items()} == {name: name for name in free}
    assert verdict(shape, replace(WORK, kind="cpu"), 14e9) == "does not fit"


def test_the_proposal_fits_and_changes_as_little_as_possible() -> None:
    shape = CATALOGUE["qwen2.5-coder-7b"]
    assert proposal(shape, WORK, 20e9) == "gradient_checkpointing: on"
    assert proposal(shape, WORK, 14e9) == "precision: 4bit"
    assert proposal(shape, replace(WORK, kind="cpu"), 14e9).startswith("backbone: ")
    assert proposal(shape, WORK, 1e6) == ""
    wide = replace(WORK, tokens=20_000, answers=9_000, examples=64)
    assert proposal(CATALOGUE[DEFAULT], wide, 4.2e9).startswith("gradient_checkpointing: on, pack_examples: ")
