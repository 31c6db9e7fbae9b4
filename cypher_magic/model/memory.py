"""How much memory a fine-tuning takes at its peak, from the shape of the backbone alone: nothing is loaded.

The peak is reached in the backward pass of the largest pack. It is the sum of

    weights      parameters x bytes of the number format (4-bit: 0.56 bytes with its scales; embeddings stay 16-bit)
    adapter      LoRA weights in float32, with gradient and the two moments of AdamW: 16 bytes each
    activations  what each layer keeps for the backward pass, per token of the pack (see `_kept_per_token`)
    logits       answer tokens x vocabulary: the output in 16 bits, its float32 copy, and the gradient of that
    base         what the process takes before any model: Python, PyTorch, and on a GPU the kernels' work space

Compare with measured peaks: `pytest -m gpu tests/training/test_gpu.py` prints both for nine configurations.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cypher_magic.model.catalogue import Backbone

_BYTES = {"fp32": 4.0, "bf16": 2.0, "fp16": 2.0, "int8": 1.1, "4bit": 0.56}


@dataclass(frozen=True)
class Workload:
    """What decides the memory besides the backbone: the largest pack's tokens and answer tokens, and the adapter."""

    tokens: int
    answers: int
    rank: int = 16
    precision: str = "bf16"
    checkpointing: bool = False


@dataclass(frozen=True)
class Estimate:
    """Bytes at the peak of training, part by part."""

    weights: float
    adapter: float
    activations: float
    logits: float
    base: float

    @property
    def total(self) -> float:
        """Bytes in all."""
        return self.weights + self.adapter + self.activations + self.logits + self.base


def estimate(backbone: Backbone, work: Workload, *, base: float = 0.0) -> Estimate:
    """The peak of one training step on this backbone; `base` is what the process takes anyway."""
    b, wide = backbone, 2.0 if work.precision in ("4bit", "int8") else _BYTES[work.precision]
    embedded = b.vocabulary * b.hidden
    layers = b.parameters * 1e6 - embedded
    weights = embedded * wide + layers * _BYTES[work.precision]
    kept = b.hidden * wide if work.checkpointing else _kept_per_token(b, wide, work.rank)
    activations = work.tokens * (kept * b.layers + (_kept_per_token(b, wide, work.rank) if work.checkpointing else 0))
    activations += work.tokens**2 * (1 + wide)  # the mask that says who may see whom, as bool and as what is added
    logits = work.answers * b.vocabulary * (wide + 4 + 4)
    return Estimate(weights, adapter_size(b, work.rank) * 16.0, activations, logits, base)


def adapter_size(backbone: Backbone, rank: int) -> int:
    """Parameters of a LoRA adapter on all linear layers: rank x (inputs + outputs) for each."""
    b = backbone
    heads, keys = b.heads * b.head_dim, b.kv_heads * b.head_dim
    if b.style == "plain":  # GPT-NeoX, OPT: query-key-value (in one or in three), output, and two MLP layers
        ends = (b.hidden + 3 * heads) + (heads + b.hidden) + 2 * (b.hidden + b.inner)
    else:
        ends = (b.hidden + heads) + 2 * (b.hidden + keys) + (heads + b.hidden) + 3 * (b.hidden + b.inner)
    return rank * ends * b.layers


def _kept_per_token(b: Backbone, wide: float, rank: int) -> float:
    """Bytes that one layer keeps for the backward pass, per token.

    Inputs of the adapted layers (the attention's, its output's, the MLP's, its down projection's), the attention's
    queries, keys, values (repeated to all heads) and output, gate and up of the MLP with their product, the float32
    copies of both norms, and the adapters' inner values.
    """
    heads = b.heads * b.head_dim
    inputs = 2 * b.hidden
    attention = 4 * heads
    mlp = 4 * b.inner if b.style == "chat" else 3 * b.inner
    norms = 2 * b.hidden * 5.0
    return (inputs + attention + mlp) * wide + norms + 7 * rank * wide
