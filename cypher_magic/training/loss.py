"""The loss of a pack: cross-entropy of its answer tokens, and nothing else."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from peft.helpers import disable_input_dtype_casting

if TYPE_CHECKING:
    from collections.abc import Iterator

IGNORED = -100  # a label that counts for nothing: padding
_ROWS = 128  # answer tokens whose float32 logits exist at one time


def summed_loss(model: Any, inputs: dict[str, Any]) -> torch.Tensor:
    """The cross-entropy summed over a pack's answer tokens, in float32."""
    return AnswerLoss.apply(answer_logits(model, inputs).flatten(0, 1), inputs["labels"].flatten())


def answer_logits(model: Any, inputs: dict[str, Any]) -> torch.Tensor:
    """The logits where answer tokens are predicted, and nowhere else."""
    core = getattr(model, "module", model)  # what several processes train is wrapped
    mask = inputs["attention_mask"]
    # Eager attention adds the mask to the scores. PyTorch's, on a GPU, would turn a bool mask into that form in every
    # layer and keep it for the backward pass; made here once, all layers share it.
    if mask.dim() == 4 and (core.config._attn_implementation == "eager" or mask.device.type != "cpu"):
        lowest = torch.finfo(core.dtype).min
        mask = torch.zeros(mask.shape, dtype=core.dtype, device=mask.device).masked_fill(~mask, lowest)
    elif "lengths" in inputs:
        mask.lengths = inputs["lengths"].tolist()
    with computing_in(core):
        return model(
            input_ids=inputs["input_ids"],
            position_ids=inputs["position_ids"],
            attention_mask=mask,
            logits_to_keep=inputs["keep"],
            use_cache=False,
        ).logits


class AnswerLoss(torch.autograd.Function):
    """Summed cross-entropy, `apply(logits (A, V), labels (A,))`; computed in float32, a few rows at a time.

    The gradient, softmax minus one-hot, is made on the way forward and kept in the logits' own number format. The
    ordinary way keeps two float32 copies of the logits: with a vocabulary of 49 thousand and 900 answer tokens these
    are 350 MB.
    """

    @staticmethod
    def forward(ctx: Any, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """The sum over all rows whose label is not `IGNORED`."""
        total = torch.zeros((), dtype=torch.float32, device=logits.device)
        gradient = torch.empty_like(logits) if ctx.needs_input_grad[0] else None
        for start in range(0, len(labels), _ROWS):
            some = logits[start : start + _ROWS].float()
            wanted = labels[start : start + _ROWS]
            counts = wanted != IGNORED
            picked = wanted.clamp(min=0)[:, None]
            normaliser = some.logsumexp(-1, keepdim=True)
            total += ((normaliser - some.gather(-1, picked)).squeeze(-1) * counts).sum()
            if gradient is not None:
                some.sub_(normaliser).exp_().scatter_add_(-1, picked, torch.full_like(some[:, :1], -1.0))
                gradient[start : start + _ROWS] = some.mul_(counts[:, None])
        ctx.save_for_backward(gradient)
        return total

    @staticmethod
    def backward(ctx: Any, factor: torch.Tensor) -> tuple[torch.Tensor, None]:
        """The gradient with respect to the logits."""
        (gradient,) = ctx.saved_tensors
        return gradient * factor.to(gradient.dtype), None


@contextmanager
def computing_in(model: Any) -> Iterator[None]:
    """The adapter computes in the number format of the base weights, while its own weights stay float32.

    peft would turn every input of every adapted layer into a float32 copy that is kept for the backward pass: more
    than half of a small model's activation memory, and float32 products on top.
    """
    if model.dtype == torch.float32:
        yield
        return
    with disable_input_dtype_casting(model), torch.autocast(model.device.type, model.dtype):
        yield
