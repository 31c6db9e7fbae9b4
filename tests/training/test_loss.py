from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from cypher_magic.training.loss import IGNORED, AnswerLoss


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_loss_and_gradient_are_those_of_cross_entropy(dtype: torch.dtype) -> None:
    draw = torch.Generator().manual_seed(0)
    values = (torch.randn(300, 50, generator=draw) * 4).to(dtype)
    labels = torch.randint(0, 50, (300,), generator=draw)
    labels[::7] = IGNORED
    ours, theirs = values.clone().requires_grad_(), values.clone().requires_grad_()
    loss = AnswerLoss.apply(ours, labels)
    expected = functional.cross_entropy(theirs.float(), labels, reduction="sum", ignore_index=IGNORED)
    (loss / 7).backward()
    (expected / 7).backward()
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)
    tolerance = 1e-6 if dtype == torch.float32 else 2e-3
    torch.testing.assert_close(ours.grad, theirs.grad, atol=tolerance, rtol=tolerance)
    assert not ours.grad[::7].any()


def test_without_a_gradient_none_is_made() -> None:
    values = torch.randn(5, 9)
    with torch.no_grad():
        assert AnswerLoss.apply(values, torch.arange(5)).item() > 0
