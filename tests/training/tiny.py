"""Tiny random models of several families and a small tokenizer, for tests that need exact numbers fast."""

from __future__ import annotations

from typing import Any

FAMILIES = ("llama", "gpt_neox", "opt", "qwen2", "gemma2")
VOCABULARY = 128
_SHAPE = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "vocab_size": VOCABULARY,
    "max_position_embeddings": 512,
}


def tiny_model(family: str, seed: int = 0) -> Any:
    """A random float32 model of two layers; weights are scaled up so that its logits differ from token to token."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    extra: dict[str, Any] = {"intermediate_size": 64}
    if family in ("llama", "qwen2", "gemma2"):
        extra["num_key_value_heads"] = 2
    if family == "gemma2":
        extra |= {"head_dim": 8, "sliding_window": 1024, "query_pre_attn_scalar": 8}
    if family == "opt":
        extra = {"ffn_dim": 64, "word_embed_proj_dim": 32, "dropout": 0.0}
    config = AutoConfig.for_model(family, **_SHAPE, **extra)
    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.normal_(0.0, 0.2)
    return model.eval()
