"""Attention over packs on a CPU: each question attends to the prefix and itself, and nothing else is computed.

With the mask of a pack, PyTorch's attention still computes every pair of tokens and throws most of them away. Here the
prefix attends to itself once, and each segment to the prefix and itself: of T tokens with n segments of S behind a
prefix of P, that is P * P / 2 + n * S * (P + S) pairs instead of T * T. On a GPU one masked call is faster than many
small ones, so there the mask is used.

The lengths of the parts travel on the mask tensor, as its attribute `lengths`: models hand the mask through to this
function as it is, and nothing else reaches it in all of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from cypher_magic.model.prompt import Encoded
from cypher_magic.training.loss import answer_logits
from cypher_magic.training.packing import Pack

if TYPE_CHECKING:
    from collections.abc import Sequence

NAME = "cypher_magic_packs"


def use_pack_attention(model: Any) -> None:
    """Let the model use this attention for packs; one that does not use PyTorch's stays as it is."""
    if model.config._attn_implementation == "sdpa":
        AttentionInterface.register(NAME, attention)
        AttentionMaskInterface.register(NAME, sdpa_mask)
        model.set_attn_implementation(NAME)


def attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    **kwargs: Any,
) -> tuple[torch.Tensor, None]:
    """The attention's output (1, T, heads, d) for a pack on a CPU; anything else goes to PyTorch's own."""
    lengths = getattr(attention_mask, "lengths", None)
    if lengths is None or query.device.type != "cpu":
        return sdpa_attention_forward(
            module, query, key, value, attention_mask, dropout=dropout, scaling=scaling, **kwargs
        )
    return _by_segment(query, key, value, lengths, dropout, scaling).transpose(1, 2).contiguous(), None


def _by_segment(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    lengths: Sequence[int],
    dropout: float,
    scaling: float | None,
) -> torch.Tensor:
    """The output (1, heads, T, d); `lengths` are those of the prefix and of each segment behind it."""
    options: dict[str, Any] = {"dropout_p": dropout, "scale": scaling, "enable_gqa": query.shape[1] != key.shape[1]}
    (first, *asked), (keys, *own_keys), (values, *own_values) = (
        torch.split(x, list(lengths), 2) for x in (query, key, value)
    )
    prefix, longest = lengths[0], max(lengths[1:])
    # row i of a segment sees the whole prefix and the segment up to itself
    seen = torch.ones(longest, prefix + longest, dtype=torch.bool).tril(prefix)
    parts = [scaled_dot_product_attention(first, keys, values, is_causal=True, **options)] if prefix else []
    for q, k, v in zip(asked, own_keys, own_values, strict=True):
        own = q.shape[2]
        mask = seen[:own, : prefix + own]
        k, v = torch.cat([keys, k], 2), torch.cat([values, v], 2)
        parts.append(scaled_dot_product_attention(q, k, v, attn_mask=mask, **options))
    return torch.cat(parts, 2)


@torch.no_grad()
def takes_packs(model: Any) -> bool:
    """Whether this model keeps packed examples apart: tried with a few tokens.

    Some attentions ignore such a mask or refuse it, some models count positions on their own, and those that carry a
    state from token to token know no mask.
    """
    prefix, asked = (1, 2, 3), Encoded((1, 2, 3), (6, 7, 8), (9,))
    packs = [Pack(prefix, (Encoded(prefix, first, (9,)), asked)) for first in ((4, 5), (10, 11))]
    device = next(model.parameters()).device
    was_training = model.training
    model.eval()
    try:
        one, other, alone = (
            answer_logits(model, {k: v.to(device) for k, v in pack.tensors().items()})[0, -1].float()
            for pack in (*packs, Pack(prefix, (asked,)))
        )
    except (ValueError, TypeError, IndexError, RuntimeError):
        return False
    finally:
        model.train(was_training)
    likeness = torch.cosine_similarity(one - one.mean(), alone - alone.mean(), dim=0)
    return bool(torch.allclose(one, other, atol=1e-3) and likeness > 0.99)
