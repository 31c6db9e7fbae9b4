"""Edge to transformers and peft: backbones and adapters as live models on a device."""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import torch
from peft import LoraConfig, PeftModel
from safetensors import SafetensorError
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig
from transformers import logging as transformers_logging

from cypher_magic.errors import ModelError, OptionError

if TYPE_CHECKING:
    from pathlib import Path

# Loading bars and "unexpected key" tables of the libraries are noise in a notebook; what matters is raised.
transformers_logging.set_verbosity_error()
transformers_logging.disable_progress_bar()
warnings.filterwarnings("ignore", message=".*(torch_dtype|is_gradient_checkpointing).*is deprecated.*")

_UNREADABLE = (OSError, ValueError, KeyError, ImportError, RuntimeError, SafetensorError)
_FITS = "%cypher_models tells what fits here"
_TUNED_ON = "%finetune list tells on which backbone each run was trained"
_WHOLE = "is the folder whole, and of an architecture that transformers knows?"
_DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}


@dataclass(frozen=True)
class Device:
    """Where a model runs and in which number format: `kind` is cuda, mps or cpu.

    `quantised` is int8 or 4bit where the base weights are stored that way; `dtype` is what is computed in then.
    """

    kind: str
    dtype: torch.dtype
    quantised: str = ""

    def __str__(self) -> str:
        numbers = self.quantised or str(self.dtype).removeprefix("torch.")
        if self.kind == "cuda":
            return f"{torch.cuda.get_device_name()} ({numbers})"
        if self.kind == "mps":
            return f"Apple GPU ({numbers})"
        count = torch.get_num_threads()
        return f"CPU, {count} thread{'s'[: count != 1]} ({numbers})"


def choose_device(kind: str = "auto", precision: str = "auto") -> Device:
    """The device and number format for these settings; `auto` takes a GPU when there is one, and bf16 where supported.

    Raises `OptionError` when a device is asked for that is not there.
    """
    if kind == "auto":
        kind = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    elif kind == "cuda" and not torch.cuda.is_available():
        raise OptionError("There is no CUDA GPU that PyTorch can use.", hint="use device: cpu, or auto")
    elif kind == "mps" and not torch.backends.mps.is_available():
        raise OptionError("There is no Apple GPU that PyTorch can use.", hint="use device: cpu, or auto")
    if precision in _DTYPES:
        return Device(kind, _DTYPES[precision])
    dtype = torch.bfloat16 if _bf16(kind) else torch.float16 if kind == "cuda" else torch.float32
    if precision == "auto":
        return Device(kind, dtype)
    if kind != "cuda":
        raise OptionError(f"precision: {precision} needs an NVIDIA GPU.", hint="use precision: auto")
    if find_spec("bitsandbytes") is None:
        raise OptionError(
            f"precision: {precision} needs the package bitsandbytes.", hint="%pip install 'bitsandbytes>=0.46'"
        )
    return Device(kind, dtype, precision)


def _bf16(kind: str) -> bool:
    """Whether bf16 arithmetic is native there (emulated, it is slower than float32)."""
    if kind == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if kind == "mps":
        return False
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def load_tokenizer(folder: Path) -> Any:
    """The tokenizer in a model folder."""
    try:
        return AutoTokenizer.from_pretrained(str(folder), trust_remote_code=False)
    except _UNREADABLE as exc:
        raise ModelError(f"The tokenizer in {folder} can not be loaded: {_reason(exc)}", hint=_WHOLE) from exc


def load_config(folder: Path) -> Any:
    """The configuration of the model in a folder."""
    try:
        return AutoConfig.from_pretrained(str(folder), trust_remote_code=False)
    except _UNREADABLE as exc:
        raise ModelError(f"The model in {folder} can not be loaded: {_reason(exc)}", hint=_WHOLE) from exc


def load_backbone(folder: Path, device: Device) -> Any:
    """The model in a folder, in evaluation mode on the device; code and pickled weights are never read."""
    stored: dict[str, Any] = {}
    if device.quantised:
        eight = device.quantised == "int8"
        stored["quantization_config"] = BitsAndBytesConfig(
            load_in_8bit=eight,
            load_in_4bit=not eight,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=device.dtype,
        )
        stored["device_map"] = {"": torch.cuda.current_device()}
    model = _loaded(folder, dtype=device.dtype, **stored)
    return (model if device.quantised else model.to(device.kind)).eval()


def empty_backbone(folder: Path, *, weights: bool = True) -> Any:
    """The model in a folder as it is built, with no memory for its weights (on torch's device `meta`).

    Raises `ModelError` when its configuration can not be used, or, with `weights`, their files can not.
    """
    if weights:
        return _loaded(folder, device_map="meta")
    config = load_config(folder)
    try:
        with torch.device("meta"):
            return AutoModelForCausalLM.from_config(config, trust_remote_code=False)
    except _UNREADABLE as exc:
        raise ModelError(f"The model in {folder} can not be loaded: {_reason(exc)}", hint=_WHOLE) from exc


def _loaded(folder: Path, **options: Any) -> Any:
    options |= {"trust_remote_code": False, "use_safetensors": True, "output_loading_info": True}
    try:
        model, told = AutoModelForCausalLM.from_pretrained(str(folder), **options)
    except torch.OutOfMemoryError as exc:
        raise ModelError("The backbone does not fit into the GPU's memory.", hint=_FITS) from exc
    except _UNREADABLE as exc:
        raise ModelError(f"The model in {folder} can not be loaded: {_reason(exc)}", hint=_WHOLE) from exc
    if missing := sorted(told["missing_keys"]):  # transformers would go on with random ones
        raise ModelError(f"The model in {folder} lacks {len(missing):,} weights, first {missing[0]}.", hint=_WHOLE)
    return model


def load_tuned(backbone: Path, adapter: Path, device: Device) -> Any:
    """The backbone with the adapter's weights merged in (computed in float32): as fast as the backbone alone."""
    tuned = with_weights(load_backbone(backbone, Device(device.kind, torch.float32)), adapter)
    return tuned.merge_and_unload().to(device.dtype).eval()


def with_weights(model: Any, adapter: Path) -> Any:
    """The model with an adapter beside it; `ModelError` when any of its weights has no place, or a place no weights."""
    empty = model.device.type == "meta"
    mapping = getattr(model, "_checkpoint_conversion_mapping", {})
    try:
        config = LoraConfig.from_pretrained(str(adapter))
        config.inference_mode = True
        tuned = PeftModel(model, config, low_cpu_mem_usage=empty)
        told = tuned.load_adapter(
            str(adapter), "default", torch_device="cpu", low_cpu_mem_usage=empty, key_mapping=mapping
        )
    except SafetensorError as exc:
        raise ModelError(f"The weights in {adapter} are damaged: {_reason(exc)}", hint="fetch them again") from exc
    except _UNREADABLE as exc:
        raise ModelError(
            f"The adapter in {adapter} does not fit this backbone: {_reason(exc)}", hint=_TUNED_ON
        ) from exc
    for what, keys in (("lacks", told.missing_keys), ("has no place for", told.unexpected_keys)):
        if lost := [key for key in keys if "lora_" in key]:
            raise ModelError(f"The adapter in {adapter} {what} {len(lost):,} weights, first {lost[0]}.", hint=_TUNED_ON)
    return tuned


def stored_dtype(folder: Path) -> torch.dtype:
    """The number format of the weights in a model folder, as its config says; float32 where it is silent."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        raise ModelError(f"{folder} holds no readable config.json.", hint=_WHOLE) from exc
    named = getattr(torch, str(config.get("dtype") or config.get("torch_dtype")), None)
    return named if isinstance(named, torch.dtype) else torch.float32


def adapter_shape(adapter: Path) -> dict[str, Any]:
    """What an adapter was made for: its `adapter_config.json`."""
    try:
        shape: dict[str, Any] = json.loads((adapter / "adapter_config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        raise ModelError(f"{adapter} is not an adapter folder.", hint="it must hold adapter_config.json") from exc
    return shape


def _reason(exc: BaseException) -> str:
    """What a library says, in one line: many say what it is about in their first, and what it is in the second."""
    lines = [line.strip() for line in str(exc).splitlines() if line.strip()]
    return " ".join(lines[:2])[:300] or type(exc).__name__
