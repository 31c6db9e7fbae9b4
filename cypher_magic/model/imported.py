"""Models that somebody else tuned: what a folder holds, for which backbone, and how it wants to be asked.

Nothing of a folder is run: weights are read from safetensors only (pickled ones are programs), and code in it is left
alone.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cypher_magic.errors import BackboneNotFound, ModelError, OptionError
from cypher_magic.model.backbones import local_folder, silent
from cypher_magic.model.catalogue import find
from cypher_magic.model.facts import read_facts

if TYPE_CHECKING:
    from cypher_magic.model.backbones import Progress

_CONFIG, _WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
_PICKLED = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
_NO_LORA = "only LoRA adapters can be used here; merge it where it was made, and import the merged model"
_TOKENIZER = ("tokenizer.json", "tokenizer_config.json")


@dataclass(frozen=True)
class Imported:
    """A model found in `folder`: an adapter for `backbone`, or a whole model, which is then its own backbone.

    `why` says in words how the style was recognised.
    """

    folder: Path
    backbone: str
    style: str
    why: str
    adapter: bool
    instruction: str = ""
    schema: str | None = None

    @property
    def tokenizer(self) -> bool:
        """Whether the adapter brings a tokenizer of its own."""
        return self.adapter and all((self.folder / name).is_file() for name in _TOKENIZER)


def recognise(
    source: str, *, style: str | None = None, backbone: str | None = None, prefix: str = "", progress: Progress = silent
) -> Imported:
    """What the folder, or the model of this Hub id, is; the backbone's config is fetched to see whether they fit.

    Raises `ModelError` for pickled weights, an adapter of another kind or another backbone, and `OptionError` when it
    can not be told how the model is asked.
    """
    given = Path(source).expanduser()
    folder = given if given.is_dir() else _fetched(source, progress)
    adapter = (folder / _CONFIG).is_file()
    _refuse_pickled(folder, adapter=adapter)
    facts = read_facts(folder)
    if not adapter:
        if backbone is not None:
            raise OptionError(f"{source} is a whole model, not an adapter.", hint="leave --backbone out")
        base = str(folder.resolve()) if given.is_dir() else source
        found, why = _style(style, facts, folder, None)
        return Imported(folder, base, found, why, False, prefix or facts.get("instruction", ""), facts.get("schema"))
    shape = _shape(folder)
    base = _backbone(backbone or facts.get("backbone") or str(shape.get("base_model_name_or_path") or ""), source)
    below = local_folder(base, progress=progress, weights=False)
    _refuse_misfit(folder, below, base)
    found, why = _style(style, facts, folder, below)
    return Imported(folder, base, found, why, True, prefix or facts.get("instruction", ""), facts.get("schema"))


def _fetched(source: str, progress: Progress) -> Path:
    try:
        return local_folder(source, progress=progress)
    except BackboneNotFound as exc:
        raise BackboneNotFound(f"There is no model {source!r}.", hint="give a folder, or a Hub id: OWNER/NAME") from exc


def _refuse_pickled(folder: Path, *, adapter: bool) -> None:
    if not adapter and not (folder / "config.json").is_file():
        raise ModelError(
            f"{folder.name} is no model: it has neither {_CONFIG} nor config.json.",
            hint="give the folder of a peft adapter or of a transformers model",
        )
    if (folder / _WEIGHTS).is_file() if adapter else any(folder.glob("*.safetensors")):
        return
    pickled = any(file for pattern in _PICKLED for file in folder.glob(pattern))
    raise ModelError(
        f"{folder.name} has {'pickled weights only' if pickled else 'no safetensors weights'}.",
        hint="a pickle can run code when it is read: ask its maker for safetensors, or save it anew where you trust it",
    )


def _shape(folder: Path) -> dict[str, Any]:
    try:
        shape = json.loads((folder / _CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        raise ModelError(f"The {_CONFIG} of {folder.name} can not be read.", hint="fetch the folder again") from exc
    if not isinstance(shape, dict) or shape.get("peft_type") != "LORA":
        kind = shape.get("peft_type") if isinstance(shape, dict) else None
        raise ModelError(f"{folder.name} is an adapter of the kind {str(kind)[:40]}.", hint=_NO_LORA)
    return shape


def _backbone(named: str, source: str) -> str:
    """The backbone's name here: that of the catalogue where it is in there."""
    entry = find(named)
    if entry is not None:
        return entry.name
    path = Path(named)
    if path.is_dir():
        return str(path.resolve())
    if not named or path.is_absolute() or named.count("/") != 1 or named.startswith("."):
        shown = f"the backbone {path.name!r}, which is not here" if named else "no backbone"
        raise OptionError(
            f"{source} names {shown}.", hint="say which it was tuned on: --backbone NAME, FOLDER or HUB_ID"
        )
    return named


def _refuse_misfit(folder: Path, backbone: Path, name: str) -> None:
    """Compare the shapes of the adapter's weights with those of the backbone's layers, without loading either."""
    import torch
    from safetensors import SafetensorError, safe_open
    from transformers import AutoConfig, AutoModelForCausalLM

    try:
        config = AutoConfig.from_pretrained(str(backbone), trust_remote_code=False)
        with torch.device("meta"):
            model = AutoModelForCausalLM.from_config(config, trust_remote_code=False)
        with safe_open(str(folder / _WEIGHTS), framework="pt") as file:
            shapes = {key: file.get_slice(key).get_shape() for key in file.keys()}  # noqa: SIM118 - it is no dict
    except SafetensorError as exc:
        raise ModelError(
            f"The weights of {folder.name} are damaged: {str(exc)[:200]}.", hint="fetch them again"
        ) from exc
    except (OSError, ValueError, KeyError) as exc:
        reason = str(exc).partition("\n")[0][:200]
        raise ModelError(
            f"The backbone {name} can not be read: {reason}", hint="name another: --backbone NAME, FOLDER or HUB_ID"
        ) from exc
    layers = dict(model.named_modules())
    for key, shape in shapes.items():
        at, _, part = key.removeprefix("base_model.model.").partition(".lora_")
        side = {"A.weight": ("in_features", 1), "B.weight": ("out_features", 0)}.get(part)
        if side is None:
            continue
        size = shape[side[1]]
        if at not in layers or getattr(layers[at], side[0], size) != size:  # GPT-2's layers do not tell their sizes
            raise ModelError(
                f"The adapter in {folder.name} was made for another backbone than {name}.",
                hint="say which: --backbone NAME, FOLDER or HUB_ID",
            )


def _style(wanted: str | None, facts: dict[str, Any], folder: Path, backbone: Path | None) -> tuple[str, str]:
    if wanted:
        return wanted, "as you say"
    if facts:
        return facts["style"], "its prompt.json says so"
    for where, words in ((folder, "it has a chat template"), (backbone, "its backbone has a chat template")):
        if where is not None and _has_template(where):
            return "chat", words
    raise OptionError(
        f"Nothing in {folder.name} says how it was asked when it was tuned.",
        hint="--style plain (with --prefix TEXT, what stood in front of each question), or --style chat",
    )


def _has_template(folder: Path) -> bool:
    if (folder / "chat_template.jinja").is_file():
        return True
    try:
        return bool(json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8")).get("chat_template"))
    except (OSError, ValueError, AttributeError):
        return False
