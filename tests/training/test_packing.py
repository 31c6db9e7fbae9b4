from __future__ import annotations

import random

import pytest
import torch
from torch.nn import functional

from cypher_magic.model.prompt import Encoded
from cypher_magic.training.adapter import with_adapter
from cypher_magic.training.loss import summed_loss
from cypher_magic.training.packing import Pack, PackPlan, collate, plan_packs
from cypher_magic.training.settings import TrainingSettings
from tests.training.tiny import FAMILIES, VOCABULARY, tiny_model


def rows(count: int, prefix: int = 20, seed: int = 0) -> list[Encoded]:
    draw = random.Random(seed)

    def ids(n: int) -> tuple[int, ...]:
        return tuple(draw.randrange(3, VOCABULARY) for _ in range(n))

    shared = ids(prefix)
    return [Encoded(shared, ids(draw.randint(3, 9)), ids(draw.randint(2, 12))) for _ in range(count)]


def one_by_one(model: torch.nn.Module, examples: list[Encoded]) -> torch.Tensor:
    """The same loss the ordinary way: each example alone, plain causal attention, no packing code."""
    total = torch.zeros(())
    for row in examples:
        ids = torch.tensor([row.prefix + row.question + row.answer])
        logits = model(input_ids=ids, use_cache=False).logits[0, :-1]
        start = len(row.prefix) + len(row.question)
        total = total + functional.cross_entropy(logits[start - 1 :], ids[0, start:], reduction="sum")
    return total


@pytest.mark.parametrize("family", FAMILIES)
def test_a_pack_has_the_loss_and_the_gradients_of_its_examples_one_by_one(family: str) -> None:
    examples = rows(6)
    losses, gradients = [], []
    for loss_of in (
        lambda model: summed_loss(model, collate(Pack(examples[0].prefix, tuple(examples)))),
        lambda model: one_by_one(model, examples),
    ):
        model = with_adapter(tiny_model(family), TrainingSettings(lora_rank=4), None)
        for name, parameter in model.named_parameters():
            if "lora_B" in name:  # zero at the start, which would hide half of the gradients
                torch.nn.init.normal_(parameter, generator=torch.Generator().manual_seed(7), std=0.1)
        loss = loss_of(model)
        loss.backward()
        losses.append(loss.item())
        gradients.append({n: p.grad for n, p in model.named_parameters() if p.requires_grad})
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    for name, gradient in gradients[1].items():
        assert gradient.abs().max() > 0, name
        torch.testing.assert_close(gradients[0][name], gradient, rtol=1e-4, atol=1e-4 * float(gradient.abs().max()))


@pytest.mark.parametrize("family", FAMILIES)
def test_no_segment_sees_another(family: str) -> None:
    model = tiny_model(family)
    first, second, third = rows(3)
    changed = Encoded(
        second.prefix, tuple(reversed(second.question)), tuple((t + 1) % VOCABULARY for t in second.answer)
    )

    def logits(*examples: Encoded) -> torch.Tensor:
        batch = collate(Pack(first.prefix, examples))
        with torch.no_grad():
            return model(
                input_ids=batch["input_ids"],
                position_ids=batch["position_ids"],
                attention_mask=batch["attention_mask"]
                if model.config._attn_implementation != "eager"
                else torch.where(batch["attention_mask"], 0.0, torch.finfo(torch.float32).min),
                logits_to_keep=batch["keep"],
                use_cache=False,
            ).logits[0]

    before, after = logits(first, second, third), logits(first, changed, third)
    a, b = len(first.answer), len(first.answer) + len(second.answer)
    torch.testing.assert_close(before[:a], after[:a])
    torch.testing.assert_close(before[b:], after[b:])
    assert (before[a:b] - after[a:b]).abs().max() > 1e-3


def test_labels_are_the_answers_and_stand_where_they_are_predicted() -> None:
    examples = rows(3)
    batch = collate(Pack(examples[0].prefix, tuple(examples)))
    ids, keep = batch["input_ids"][0], batch["keep"]
    assert batch["labels"][0].tolist() == [t for row in examples for t in row.answer]
    assert torch.equal(ids[keep + 1], batch["labels"][0])


def test_every_epoch_holds_every_example_once_in_as_many_packs() -> None:
    examples = rows(37) + rows(21, seed=1)
    plan = PackPlan(examples, examples=8, tokens=4096, seed=3)
    seen = []
    for number in range(3):
        packs = plan.epoch(number)
        assert len(packs) == len(plan)
        assert sorted(r.question for p in packs for r in p.rows) == sorted(r.question for r in examples)
        seen.append([p.rows for p in packs])
    assert seen[0] != seen[1]
    assert seen[0] == [p.rows for p in PackPlan(examples, examples=8, tokens=4096, seed=3).epoch(0)]


def test_packs_stay_within_their_tokens_where_examples_allow_it() -> None:
    plan = PackPlan(rows(64), examples=64, tokens=120)
    assert max(len(pack) for pack in plan.epoch(0)) <= 120 + 25  # even shares: one example more at the most


def test_a_step_over_several_schemas_never_sees_one_schema_only() -> None:
    examples = rows(40) + rows(40, seed=1) + rows(40, seed=2)
    _, per_step = plan_packs(examples, TrainingSettings())
    assert per_step == 4
    _, per_step = plan_packs(rows(40), TrainingSettings())
    assert per_step == 1
