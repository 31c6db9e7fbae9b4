from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from cypher_magic.model.load import Device
from cypher_magic.model.prompt import Encoded
from cypher_magic.training.adapter import with_adapter
from cypher_magic.training.attention import takes_packs
from cypher_magic.training.batches import Batch, BatchPlan
from cypher_magic.training.dealing import shape_takes_packs
from cypher_magic.training.loss import summed_loss
from cypher_magic.training.packing import Pack
from cypher_magic.training.settings import TrainingSettings
from cypher_magic.training.trainer import build_trainer
from tests.training.tiny import FAMILIES, tiny_model


def rows(count: int) -> list[Encoded]:
    draw = random.Random(3)

    def ids(n: int) -> tuple[int, ...]:
        return tuple(draw.randrange(3, 128) for _ in range(n))

    return [Encoded(ids(8), ids(draw.randint(3, 9)), ids(draw.randint(2, 12))) for _ in range(count)]


def model_with_alibi() -> Any:
    """A model that makes its positions from the mask, which therefore can not be that of a pack."""
    config = AutoConfig.for_model("bloom", hidden_size=32, n_layer=2, n_head=4, vocab_size=128)
    torch.manual_seed(0)
    return AutoModelForCausalLM.from_config(config).eval()


@pytest.mark.parametrize("family", FAMILIES)
def test_a_padded_batch_has_the_loss_of_its_examples_one_by_one(family: str) -> None:
    examples, model = rows(5), tiny_model(family)
    alone = sum(summed_loss(model, Pack(r.prefix, (r,)).tensors()).item() for r in examples)
    assert summed_loss(model, Batch(tuple(examples)).tensors()).item() == pytest.approx(alone, rel=1e-4)


def test_batches_hold_every_example_once_and_rows_of_like_length() -> None:
    plan = BatchPlan(rows(23), examples=4, seed=1)
    batches = plan.epoch(2)
    assert len(plan) == len(batches) == 6
    assert sorted((r for b in batches for r in b.rows), key=hash) == sorted(plan.rows, key=hash)
    padded, tokens = sum(map(len, batches)), sum(map(len, plan.rows))
    assert padded < 1.2 * tokens
    assert batches != plan.epoch(3)
    assert batches == BatchPlan(rows(23), examples=4, seed=1).epoch(2)


@pytest.mark.parametrize("family", FAMILIES)
def test_models_with_masked_attention_take_packs(family: str, tmp_path: Path) -> None:
    model = tiny_model(family)
    model.config.save_pretrained(tmp_path)
    assert shape_takes_packs(str(tmp_path), tmp_path)
    assert takes_packs(with_adapter(model, TrainingSettings(lora_rank=4), None))


def test_a_model_that_can_not_keep_examples_apart_is_noticed_and_trained_in_batches(tmp_path: Any) -> None:
    settings = TrainingSettings(lora_rank=4, start_from="scratch", epochs=3, batch_size=4, device="cpu", log_every=1)
    model = with_adapter(model_with_alibi(), settings, None)
    assert not takes_packs(model)
    model.get_base_model().config.save_pretrained(tmp_path)
    assert not shape_takes_packs(str(tmp_path), tmp_path)  # without its weights, too
    told: list[str] = []
    trainer = build_trainer(
        model, rows(12), rows(4), settings, tmp_path, Device("cpu", torch.float32), tell=told.append
    )
    before = trainer.validation_loss()
    trainer.train()
    assert "one beside the other" in told[0]
    assert trainer.validation_loss() < before
    assert trainer.examples_seen == 36
