"""Models that somebody else tuned: what a folder holds, for which backbone, and how it wants to be asked.

Nothing of a folder is run: weights are read from safetensors only (pickled ones are programs), and code in it is left
alone.
"""

from __future__ import annotations

import errno
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cypher_magic.errors import BackboneNotFound, ModelError, OptionError
from cypher_magic.model.backbones import expanded, local_folder, revision, silent
from cypher_magic.model.catalogue import find
from cypher_magic.model.facts import read_facts

if TYPE_CHECKING:
    from cypher_magic.model.backbones import Progress

_CONFIG, _WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
_WHOLE_WEIGHTS = ("model.safetensors", "model.safetensors.index.json")
_PICKLED = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
_NO_LORA = "only LoRA adapters can be used here; merge it where it was made, and import the merged model"
_SAY_BACKBONE = "say which it was tuned on: --backbone NAME, FOLDER or HUB_ID"
_SAY_STYLE = "--style plain (with --prefix TEXT, what stood in front of each question), or --style chat"
_TOKENIZER = ("tokenizer.json", "tokenizer_config.json")


@dataclass(frozen=True)
class Imported:
    """A model found in `folder`: an adapter for `backbone`, or a whole model, which is then its own backbone.

    `why` says in words how the style was recognised. `tokenizer` is whether an adapter brings one of its own, and
    `template` the chat template that this one has to borrow from the backbone.
    """

    folder: Path
    backbone: str
    style: str
    why: str
    adapter: bool
    instruction: str = ""
    schema: str | None = None
    tokenizer: bool = False
    template: str = ""


def here(source: str) -> Path | None:
    """The whole path of a folder or file on this machine; None where there is none of this name.

    Raises `OptionError` when it can not be looked at.
    """
    try:
        path = expanded(source)
        if not path.exists():
            return None
        if path.is_dir() and not os.access(path, os.R_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return path.resolve()
    except (OSError, ValueError) as exc:
        reason = getattr(exc, "strerror", None) or exc  # a name that is too long, or that can be none
        raise OptionError(
            f"{source[:80]!r} can not be looked at: {reason}.",
            hint="give a folder that this user may read, or a Hub id: OWNER/NAME",
        ) from exc


def recognise(
    source: str, *, style: str | None = None, backbone: str | None = None, prefix: str = "", progress: Progress = silent
) -> Imported:
    """What the folder, or the model of this Hub id, is; that it can be loaded and asked was tried without its weights.

    A model of the Hub is kept to the commit that was fetched. Raises `ModelError` for pickled weights, for what is not
    whole, and for an adapter of another kind or another backbone, and `OptionError` when it can not be told how the
    model is asked.
    """
    from cypher_magic.model.load import empty_backbone

    given = here(source)
    folder = given if given is not None and given.is_dir() else _fetched(str(given or source), progress)
    if not (adapter := (folder / _CONFIG).is_file()) and not (folder / "config.json").is_file():
        raise ModelError(
            f"{folder.name} is no model: it has neither {_CONFIG} nor config.json.",
            hint="give the folder of a peft adapter or of a transformers model",
        )
    _refuse_pickled(folder, (_WEIGHTS,) if adapter else _WHOLE_WEIGHTS)
    facts = read_facts(folder)
    below: Path | None = None
    if adapter:
        shape = _shape(folder)
        base = _backbone(backbone or facts.get("backbone") or str(shape.get("base_model_name_or_path") or ""), source)
        below = local_folder(base, progress=progress, weights=False)
        _refuse_misfit(folder, below, base)
    else:
        if backbone is not None:
            raise OptionError(f"{source} is a whole model, not an adapter.", hint="leave --backbone out")
        base = str(given or revision(source, folder))
        empty_backbone(folder)
    instruction = prefix or facts.get("instruction", "")
    told, why, own, template = _asked(style, facts.get("style"), folder, below, instruction)
    return Imported(folder, base, told, why, adapter, instruction, facts.get("schema"), own, template)


def _fetched(source: str, progress: Progress) -> Path:
    try:
        return local_folder(source, progress=progress)
    except BackboneNotFound as exc:
        raise BackboneNotFound(f"There is no model {source!r}.", hint="give a folder, or a Hub id: OWNER/NAME") from exc


def _refuse_pickled(folder: Path, wanted: tuple[str, ...]) -> None:
    if any((folder / name).is_file() for name in wanted):
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
    path = here(named) if named else None
    if path is not None:
        return str(path)
    if not named or Path(named).is_absolute() or named.count("/") != 1 or named.startswith("."):
        shown = f"the backbone {Path(named).name!r}, which is not here" if named else "no backbone"
        raise OptionError(f"{source} names {shown}.", hint=_SAY_BACKBONE)
    return named


def _refuse_misfit(folder: Path, below: Path, backbone: str) -> None:
    """Put the adapter's weights beside those of a backbone that takes no memory."""
    from cypher_magic.model.load import empty_backbone, with_weights

    local = Path(backbone).is_absolute()
    if local:
        _refuse_pickled(below, _WHOLE_WEIGHTS)
    empty = empty_backbone(below, weights=local)  # those of the Hub are not fetched yet
    try:
        with_weights(empty, folder)
    except ModelError as exc:
        exc.hint = f"it was tried with {backbone}; {_SAY_BACKBONE}"
        raise


def _asked(
    wanted: str | None, told: str | None, folder: Path, below: Path | None, instruction: str
) -> tuple[str, str, bool, str]:
    """The style and how it is known, whether the adapter's own tokenizer is used, and the template it borrows."""
    from cypher_magic.model.load import load_tokenizer
    from cypher_magic.model.prompt import Prompt

    own = below is not None and all((folder / name).is_file() for name in _TOKENIZER)
    tokenizer = load_tokenizer(folder if own or below is None else below)
    template = ""
    if own and below is not None and not tokenizer.chat_template and wanted != "plain" and told != "plain":
        lender = load_tokenizer(below)
        template = tokenizer.chat_template = lender.get_chat_template() if lender.chat_template else ""
    whose = "it" if below is None or (own and not template) else "its backbone"
    if wanted:
        style, why = wanted, "as you say"
    elif told:
        style, why = told, "its prompt.json says so"
    elif tokenizer.chat_template:
        style, why = "chat", f"{whose} has a chat template"
    else:
        raise OptionError(f"Nothing in {folder.name} says how it was asked when it was tuned.", hint=_SAY_STYLE)
    try:
        Prompt(tokenizer, style, instruction=instruction).text("?", None)
    except ModelError as exc:
        raise ModelError(f"{folder.name} can not be asked: {exc.message}", hint=_SAY_STYLE) from exc
    return style, why, own, template
