"""How much memory a fine-tuning takes at its peak, from the shape of the backbone alone: nothing is loaded.

The peak is reached in the backward pass of the largest pack. It is the sum of

    weights      parameters x bytes of the number format (4-bit: 0.56 bytes with its scales; embeddings stay 16-bit)
    adapter      LoRA weights in float32 with their gradient, and a copy in the number format that is computed in
    optimiser    the two moments of AdamW in float32
    activations  what each layer keeps for the backward pass, per token of the pack (see `_kept`)
    logits       answer tokens x vocabulary: the output and its gradient, and float32 copies of a few rows at a time
    base         what the process takes before any model: Python, PyTorch, and on a GPU its context

Compare with measured peaks: `python tests/benchmarks/bench_memory.py` on a CPU, and
`pytest -m gpu tests/training/test_gpu.py` for nine configurations on a GPU.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cypher_magic.model.catalogue import Backbone

_BYTES = {"fp32": 4.0, "bf16": 2.0, "fp16": 2.0, "int8": 1.1, "4bit": 0.56}
_HOLES = 3
"""Tensors of the MLP's width that a layer frees on a CPU and the C library does not give to the next one.

They are the parts of an adapted layer's output: the frozen layer's, the adapter's, and that times its scale. Between
tensors that are kept they leave holes in the heap. (With MALLOC_MMAP_THRESHOLD_=1048576 there are none, for a fourth
more processor time.)
"""
_LOGIT_ROWS = 128  # of which the loss holds float32 copies at one time
BASE = {"cuda": 0.6e9, "mps": 0.8e9, "cpu": 0.84e9}
"""Bytes that a training process takes before any model: measured on a CPU, assumed for GPUs."""


@dataclass(frozen=True)
class Workload:
    """What decides the memory besides the backbone: the largest pack, the adapter, how and where it is computed.

    `tokens` and `answers` count the pack's tokens and those that are trained, `prefix` the tokens that its `examples`
    share; `kind` is cuda, mps or cpu.
    """

    tokens: int
    answers: int
    rank: int = 16
    precision: str = "bf16"
    checkpointing: bool = False
    prefix: int = 0
    examples: int = 16
    kind: str = "cuda"


@dataclass(frozen=True)
class Estimate:
    """Bytes at the peak of training, part by part."""

    weights: float
    adapter: float
    optimiser: float
    activations: float
    logits: float
    base: float

    @property
    def total(self) -> float:
        """Bytes in all."""
        return sum(vars(self).values())


def estimate(backbone: Backbone, work: Workload, *, base: float = 0.0) -> Estimate:
    """The peak of one training step on this backbone; `base` is what the process takes anyway."""
    b, wide = backbone, 2.0 if work.precision in ("4bit", "int8") else _BYTES[work.precision]
    embedded = b.vocabulary * b.hidden
    layers = b.parameters * 1e6 - embedded
    weights = embedded * wide + layers * _BYTES[work.precision]
    kept, size = _kept(b, work, wide), adapter_size(b, work.rank)
    one_layer = 4 * work.tokens * b.inner * wide  # the gradients that are on their way through a layer
    layer_inputs = work.tokens * b.hidden * wide * b.layers
    activations = (layer_inputs + kept if work.checkpointing else kept * b.layers) + one_layer
    if work.kind == "cpu":
        activations += work.tokens * _HOLES * b.inner * wide * (1 if work.checkpointing else b.layers)
    else:
        activations += work.tokens**2 * (1 + wide)  # the mask that says who may see whom, as bool and as what is added
    logits = 2 * work.answers * b.vocabulary * wide + 2 * min(work.answers, _LOGIT_ROWS) * b.vocabulary * 4
    copies = wide if wide < 4 else 0
    return Estimate(weights, size * (8.0 + copies), size * 8.0, activations, logits, base)


def adapter_size(backbone: Backbone, rank: int) -> int:
    """Parameters of a LoRA adapter on all linear layers: rank x (inputs + outputs) for each."""
    b = backbone
    heads, keys = b.heads * b.head_dim, b.kv_heads * b.head_dim
    if b.style == "plain":  # GPT-NeoX, OPT: query-key-value (in one or in three), output, and two MLP layers
        ends = (b.hidden + 3 * heads) + (heads + b.hidden) + 2 * (b.hidden + b.inner)
    else:
        ends = (b.hidden + heads) + 2 * (b.hidden + keys) + (heads + b.hidden) + 3 * (b.hidden + b.inner)
    return rank * ends * b.layers


def _kept(b: Backbone, work: Workload, wide: float) -> float:
    """Bytes that one layer keeps for the backward pass.

    Per token: the inputs of the adapted layers (the attention's, its output's, the MLP's), gate and up of the MLP,
    their activation and product, the float32 inputs of both norms, and the adapters' inner values; and the attention.
    """
    mlp = 4 * b.inner if b.style == "chat" else 3 * b.inner
    per_token = (2 * b.hidden + mlp + 7 * work.rank) * wide + 2 * b.hidden * (4.0 if work.kind == "cpu" else 5.0)
    return work.tokens * per_token + (_by_segment if work.kind == "cpu" else _masked)(b, work, wide)


def _masked(b: Backbone, work: Workload, wide: float) -> float:
    """One masked call: queries, keys and values (repeated to all heads) and the output."""
    return work.tokens * 4 * b.heads * b.head_dim * wide


def _by_segment(b: Backbone, work: Workload, wide: float) -> float:
    """A call a segment: queries, keys, values, the outputs and the same in one piece.

    Besides, for each segment, the prefix's keys and values with its own in one piece, and the mask over them.
    """
    own = work.tokens - work.prefix
    seen = work.examples * work.prefix + own
    keys = 2 * b.kv_heads * b.head_dim
    mask = own * seen / work.examples
    return (work.tokens * (3 * b.heads * b.head_dim + keys) + seen * keys + mask) * wide
