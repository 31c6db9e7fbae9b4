"""How examples are dealt to optimiser steps: in packs behind a shared schema, or in padded batches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cypher_magic.model.catalogue import find
from cypher_magic.training.batches import BatchPlan
from cypher_magic.training.packing import PackPlan, batch_of, plan_packs

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from cypher_magic.model.prompt import Encoded
    from cypher_magic.training.settings import TrainingSettings


@dataclass(frozen=True)
class Dealt:
    """The plan of the training examples, how many of its parts make an optimiser step, and the validation plan."""

    plan: PackPlan | BatchPlan
    per_step: int
    val: PackPlan | BatchPlan | None


def deal(train: Sequence[Encoded], val: Sequence[Encoded], settings: TrainingSettings, *, packed: bool) -> Dealt:
    """The examples in packs, or in batches for a backbone that can not tell packed ones apart."""
    if packed:
        plan, per_step = plan_packs(train, settings)
        held = PackPlan(val, examples=settings.pack_examples, tokens=settings.pack_tokens) if val else None
        return Dealt(plan, per_step, held)
    batch = batch_of(train, settings)
    per_pass = max(1, min(batch, settings.pack_tokens // max(map(len, train))))
    batches = BatchPlan(train, examples=per_pass, seed=settings.seed)
    return Dealt(batches, max(1, round(batch / per_pass)), BatchPlan(val, examples=per_pass) if val else None)


def shape_takes_packs(name: str, folder: Path) -> bool:
    """Whether a backbone can train on packs, found out without its weights.

    Those of the catalogue can. Of another one, two layers with random weights and few words are tried.
    """
    if find(name) is not None:
        return True
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    from cypher_magic.training.attention import takes_packs

    config = AutoConfig.from_pretrained(str(folder), trust_remote_code=False)
    config.num_hidden_layers, config.vocab_size = 2, 64
    config.bos_token_id = config.eos_token_id = config.pad_token_id = None
    if getattr(config, "layer_types", None):
        config.layer_types = config.layer_types[:2]
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:  # larger than a fresh model's: what attention sees must show in what comes out
                parameter.normal_(0.0, parameter.shape[-1] ** -0.5)
    return takes_packs(model)
