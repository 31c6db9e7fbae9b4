"""Edge to peft: the adapter that is trained, new or continued, and its folder."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model

from cypher_magic.errors import OptionError
from cypher_magic.model.load import adapter_shape
from cypher_magic.training.attention import use_pack_attention

if TYPE_CHECKING:
    from pathlib import Path

    from cypher_magic.training.settings import TrainingSettings

_EMBEDDINGS = ("lm_head", "embed_out")  # linear modules that LoRA leaves alone: they are tied or as large as the rest


def with_adapter(model: Any, settings: TrainingSettings, start: Path | None) -> Any:
    """The backbone with a trainable adapter: a new one, or the one in `start`; adapter weights are float32.

    Raises `OptionError` when the adapter to continue from has another LoRA rank or alpha than the settings ask for, or
    was made for another backbone.
    """
    if settings.compile == "off":  # a compiled model gets the mask, but not what is written on it
        use_pack_attention(model)
    if start is not None:
        return _continued(model, settings, start)
    names = [n for n, m in model.named_modules() if isinstance(m, torch.nn.Linear)]
    targets = sorted({n.rsplit(".", 1)[-1] for n in names} - set(_EMBEDDINGS))
    torch.manual_seed(settings.seed)
    config = LoraConfig(
        r=settings.lora_rank,
        lora_alpha=settings.lora_alpha,
        lora_dropout=settings.lora_dropout,
        target_modules=targets,
        task_type="CAUSAL_LM",
    )
    return get_peft_model(model, config)


def _continued(model: Any, settings: TrainingSettings, start: Path) -> Any:
    shape = adapter_shape(start)
    for name, key in (("lora_rank", "r"), ("lora_alpha", "lora_alpha")):
        has, wanted = shape.get(key), getattr(settings, name)
        if has != wanted:
            raise OptionError(
                f"The adapter to continue from has {name} {has}, the settings ask for {wanted}.",
                hint=f"leave {name} alone, or set start_from: scratch",
            )
    config = LoraConfig.from_pretrained(str(start))
    config.lora_dropout = settings.lora_dropout
    # peft looks for this folder whenever it saves: by another name it would ask the Hub, at every checkpoint
    config.base_model_name_or_path = model.name_or_path
    try:
        return PeftModel.from_pretrained(model, str(start), is_trainable=True, config=config)
    except (RuntimeError, ValueError, KeyError) as exc:
        raise OptionError(
            f"The adapter to continue from was made for another backbone than {settings.backbone}.",
            hint="set start_from: scratch, or the backbone of that run",
        ) from exc


def save_adapter(model: Any, folder: Path, source: str) -> None:
    """Write the adapter so that at every moment there is a whole one, the old or the new.

    `source` is written as the name of its base model, instead of this machine's cache folder; peft's own model card,
    which names that folder too, is left out (the run's card is ours).
    """
    fresh = folder.with_name(folder.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    model.save_pretrained(str(fresh), save_embedding_layers=False)
    config = fresh / "adapter_config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "base_model_name_or_path": source}, indent=2))
    (fresh / "README.md").unlink(missing_ok=True)
    if not folder.exists():
        fresh.rename(folder)
        return
    for file in sorted(fresh.iterdir()):  # all of a run's adapters have the same config: the weights are what changes
        file.replace(folder / file.name)
    fresh.rmdir()
