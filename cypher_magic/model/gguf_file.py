"""Edge to gguf, llama.cpp's own writer: a merged model as one file that llama.cpp, Ollama and LM Studio load.

Only what is known to come out right is written: layers of the llama and qwen families, with a byte-level BPE tokenizer
that llama.cpp splits text for in the same way. Anything else is refused before it is loaded.
"""

from __future__ import annotations

import errno
import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cypher_magic.errors import ModelError

if TYPE_CHECKING:
    from pathlib import Path

    from cypher_magic.model.backbones import Progress

FORMS = ("f16", "q8_0")
_BYTES = {"f16": 2.0, "q8_0": 34 / 32}  # a weight
_FAMILIES = ("llama", "qwen2", "qwen3")
_ELSEWHERE = "export it with --merged, and run llama.cpp's convert_hf_to_gguf.py on that folder"
_WORDS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|"
_REST = r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
_SPLITS = {_WORDS + r"\p{N}{1,3}" + _REST: "llama-bpe", _WORDS + r"\p{N}" + _REST: "qwen2"}
_NO_PREFIX = (None, "")


@dataclass(frozen=True)
class Vocabulary:
    """A tokenizer as llama.cpp knows it: `pre` is its name for the way text is split before the merges apply."""

    tokens: list[str]
    types: list[int]
    merges: list[str]
    pre: str
    special: dict[str, int | None]
    starts: bool  # whether a start token belongs in front of every text
    template: str


def expected_bytes(parameters: float, form: str) -> int:
    """The size of the file, about."""
    return int(parameters * _BYTES[form])


def read_vocabulary(tokenizer: Any, size: int, *, end: int, template: str) -> Vocabulary:
    """The tokenizer's tokens, filled up to `size` (the rows of the embedding), merges and special tokens.

    `end` is the token that closes an answer. Raises `ModelError` where llama.cpp would cut text in another way.
    """
    from gguf import TokenType

    spec = json.loads(tokenizer.backend_tokenizer.to_str())
    pre = _pre_tokenizer(spec)
    names = {i: token for token, i in tokenizer.get_vocab().items()}
    if max(names) >= size:
        raise ModelError("The tokenizer has more tokens than the model.", hint="is the tokenizer this model's own?")
    added = {token["id"]: bool(token["special"]) for token in spec["added_tokens"]}
    tokens, types = [], []
    for i in range(size):
        tokens.append(names.get(i, f"[PAD{i}]"))
        known = TokenType.NORMAL if i in names else TokenType.UNUSED
        types.append(int({True: TokenType.CONTROL, False: TokenType.USER_DEFINED}[added[i]] if i in added else known))
    merges = [merge if isinstance(merge, str) else " ".join(merge) for merge in spec["model"]["merges"]]
    eos = tokenizer.eos_token_id if tokenizer.eos_token_id is not None else end
    special = {
        "bos": tokenizer.bos_token_id,
        "eos": eos,
        "eot": end if end != eos else None,
        "unk": tokenizer.unk_token_id,
        "pad": tokenizer.pad_token_id,
    }
    first = tokenizer("a")["input_ids"][:1]
    starts = tokenizer.bos_token_id is not None and first == [tokenizer.bos_token_id]
    return Vocabulary(tokens, types, merges, pre, special, starts, template)


def check_layers(config: Any) -> None:
    """Raise `ModelError` for layers that would not come out right."""
    family = config.model_type
    if family not in _FAMILIES:
        raise ModelError(
            f"A model of type {family} can not be written as GGUF here: {', '.join(_FAMILIES)} can.", hint=_ELSEWHERE
        )
    rope = (getattr(config, "rope_parameters", None) or {}).get("rope_type", "default")
    kinds = {*(getattr(config, "layer_types", None) or ()), "full_attention"}
    odd = {
        f"rope of type {rope}": rope not in ("default", "llama3"),
        f"activation {config.hidden_act}": config.hidden_act != "silu",
        "attention in a sliding window": len(kinds) > 1 or bool(getattr(config, "use_sliding_window", False)),
        "biases": bool(getattr(config, "mlp_bias", False) or getattr(config, "attention_bias", False)),
    }
    for what, found in odd.items():
        if found:
            raise ModelError(f"A model with {what} can not be written as GGUF here.", hint=_ELSEWHERE)


def write_gguf(
    model: Any, vocabulary: Vocabulary, path: Path, *, form: str, name: str, licence: str, progress: Progress
) -> None:
    """Write the file, tensor by tensor: matrices as `form` (f16 or q8_0), vectors as float32."""
    from gguf import GGML_QUANT_VERSION, GGUFWriter, LlamaFileType

    writer = GGUFWriter(path, model.config.model_type)
    try:
        writer.add_type("model")
        writer.add_name(name)
        if licence:
            writer.add_license(licence)
        writer.add_file_type(LlamaFileType.MOSTLY_F16 if form == "f16" else LlamaFileType.MOSTLY_Q8_0)
        writer.add_quantization_version(GGML_QUANT_VERSION)
        _add_shape(writer, model.config)
        _add_vocabulary(writer, vocabulary)
        _write_tensors(writer, _tensors(model), form, progress)
    finally:
        writer.close()


def _pre_tokenizer(spec: dict[str, Any]) -> str:
    """llama.cpp's name for how this tokenizer splits text."""
    model, outer, normalizer = spec["model"], spec["pre_tokenizer"] or {}, spec["normalizer"]
    steps = outer.get("pretokenizers", [outer])
    kinds = [step.get("type") for step in steps]
    last = steps[-1]
    found = ""
    if kinds[-1] == "ByteLevel" and not last["add_prefix_space"]:
        by_words = last.get("use_regex", True)
        if kinds == ["ByteLevel"] and by_words:
            found = "gpt-2"
        elif kinds == ["Digits", "ByteLevel"] and by_words and steps[0]["individual_digits"]:
            found = "smollm"
        elif kinds == ["Split", "ByteLevel"] and not by_words:
            isolated = steps[0]["behavior"] == "Isolated" and not steps[0]["invert"]
            found = _SPLITS.get(steps[0]["pattern"].get("Regex", ""), "") if isolated else ""
    affixes = model.get("continuing_subword_prefix") in _NO_PREFIX and model.get("end_of_word_suffix") in _NO_PREFIX
    plain = model["type"] == "BPE" and affixes and not model.get("dropout") and not model.get("byte_fallback")
    whole_first = bool(model.get("ignore_merges")) == (found == "llama-bpe")
    # Qwen composes accents before it splits; llama.cpp takes text as it is, and nearly all text is composed
    same_text = normalizer is None or (found == "qwen2" and normalizer["type"] == "NFC")
    if not (found and plain and whole_first and same_text):
        raise ModelError("llama.cpp has no tokenizer that is known to be this model's.", hint=_ELSEWHERE)
    return found


def _add_shape(writer: Any, config: Any) -> None:
    head = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_key_length(head)
    writer.add_value_length(head)
    writer.add_rope_dimension_count(head)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_vocab_size(config.vocab_size)


def _add_vocabulary(writer: Any, vocabulary: Vocabulary) -> None:
    writer.add_tokenizer_model("gpt2")  # byte-level BPE
    writer.add_tokenizer_pre(vocabulary.pre)
    writer.add_token_list(vocabulary.tokens)
    writer.add_token_types(vocabulary.types)
    writer.add_token_merges(vocabulary.merges)
    for kind, i in vocabulary.special.items():
        if i is not None:
            getattr(writer, f"add_{kind}_token_id")(i)
    writer.add_add_bos_token(vocabulary.starts)
    writer.add_add_space_prefix(False)
    writer.add_chat_template(vocabulary.template)


def _tensors(model: Any) -> dict[str, Any]:
    """The weights under llama.cpp's names, in its order of rows; an output tied to the embedding is left out."""
    import gguf

    config = model.config
    architecture = next(key for key, name in gguf.MODEL_ARCH_NAMES.items() if name == config.model_type)
    names = gguf.get_tensor_name_map(architecture, config.num_hidden_layers)
    heads = {"q_proj": config.num_attention_heads, "k_proj": config.num_key_value_heads}
    found = {}
    for key, tensor in model.state_dict().items():
        if key == "lm_head.weight" and config.tie_word_embeddings:
            continue
        name = names.get_name(key, try_suffixes=(".weight", ".bias"))
        if name is None:
            raise ModelError(f"GGUF has no name for the weights {key}.", hint=_ELSEWHERE)
        projection = key.split(".")[-2]
        permuted = config.model_type == "llama" and projection in heads
        found[name] = _interleaved(tensor, heads[projection]) if permuted else tensor
    rope = _rope_factors(model)
    return found if rope is None else {"rope_freqs.weight": rope, **found}


def _interleaved(weight: Any, heads: int) -> Any:
    """The rows of a query or key matrix in the order that llama.cpp rotates: pairs side by side, not half by half."""
    return weight.reshape(heads, 2, -1, weight.shape[-1]).transpose(1, 2).reshape(weight.shape)


def _rope_factors(model: Any) -> Any:
    """By what each frequency is divided where Llama 3 stretches them (llama.cpp has no formula for it); else None."""
    import torch

    rope = model.config.rope_parameters
    if rope.get("rope_type", "default") == "default":
        return None
    stretched = model.model.rotary_emb.inv_freq.float().cpu()
    exponents = torch.arange(len(stretched), dtype=torch.float32) / len(stretched)
    return 1.0 / (rope["rope_theta"] ** exponents * stretched)


def _write_tensors(writer: Any, tensors: dict[str, Any], form: str, progress: Progress) -> None:
    """Names and sizes first, as the format wants it, then one tensor after the other: only one is in memory twice."""
    import numpy as np
    from gguf import GGML_QUANT_SIZES, GGMLQuantizationType, quants

    wanted = GGMLQuantizationType.F16 if form == "f16" else GGMLQuantizationType.Q8_0
    kinds = {}
    for name, tensor in tensors.items():
        fits = tensor.shape[-1] % GGML_QUANT_SIZES[wanted][0] == 0
        matrix = wanted if fits else GGMLQuantizationType.F16
        kinds[name] = kind = matrix if tensor.dim() > 1 else GGMLQuantizationType.F32
        block, size = GGML_QUANT_SIZES[kind]
        nbytes = tensor.numel() // block * size
        writer.add_tensor_info(name, tuple(tensor.shape), np.dtype(np.float32), nbytes, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    for done, (name, tensor) in enumerate(tensors.items()):
        progress("writing the GGUF", done, len(tensors))
        values = tensor.detach().float().cpu().contiguous().numpy()
        if kinds[name] is GGMLQuantizationType.F16 and np.abs(values).max(initial=0) > np.finfo(np.float16).max:
            raise ModelError(f"The weights {name} are too large for 16-bit numbers.", hint=_ELSEWHERE)
        try:
            writer.write_tensor_data(quants.quantize(values, kinds[name]))
        except OSError as exc:
            if exc.errno is not None:
                raise
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from exc  # numpy counts items, and gives no reason
    progress("writing the GGUF", len(tensors), len(tensors))
