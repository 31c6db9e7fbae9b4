"""Edge to transformers: a tuned model as a folder that others load without this package."""

from __future__ import annotations

import json
import shutil
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cypher_magic.errors import ModelError, OptionError
from cypher_magic.model.backbones import silent
from cypher_magic.model.card import Exported, hub_licence, model_card
from cypher_magic.model.facts import plain_template, prompt_facts
from cypher_magic.model.room import room
from cypher_magic.model.target import filled, find_target

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from cypher_magic.model.backbones import Progress
    from cypher_magic.model.facts import PromptFacts
    from cypher_magic.model.gguf_file import Vocabulary
    from cypher_magic.model.prompt import Prompt

_WEIGHTS = "adapter_model.safetensors"
_REPLY = 256  # tokens, as when asking
_ASKED = 1024  # tokens for a conversation beside the schema, the reply among them
# what Ollama reads from a folder of safetensors, by its documentation on importing
_OLLAMA = ("LlamaForCausalLM", "MistralForCausalLM", "GemmaForCausalLM", "Gemma2ForCausalLM", "Phi3ForCausalLM")


@dataclass(frozen=True)
class Tuned:
    """What is exported: the folder of a backbone (public name `source`), its adapter if it has one, and its facts."""

    name: str
    backbone: Path
    source: str
    adapter: Path | None
    style: str = "auto"
    instruction: str = ""
    schema: str | None = None
    card: Mapping[str, Any] | None = None
    settings: Mapping[str, Any] | None = None
    tokenizer: Path | None = None  # where it is not the backbone's


def write_export(
    tuned: Tuned,
    to: Path,
    *,
    merged: bool,
    force: bool = False,
    where: str = "",
    gguf: str = "",
    progress: Progress = silent,
) -> Path:
    """Write the adapter, or the merged model, with all that it takes to ask it, to the new folder `to`.

    With `gguf` (f16 or q8_0) the merged model is one GGUF file. `where` is how the snippet in its README names it: a
    Hub id, or else the folder by its name. A folder that is there already is replaced with `force` only, and only when
    it is an export and nothing else. Raises `OptionError` for that, and `ModelError` when it can not be stored or there
    is not enough memory for it.
    """
    from cypher_magic.model.load import choose_device, load_tokenizer
    from cypher_magic.model.prompt import Prompt

    if tuned.adapter is None and not (merged or gguf):
        raise OptionError(f"{tuned.name} has no adapter of its own.", hint="export it with --merged or --gguf")
    to = find_target(to, force=force)
    tokenizer = load_tokenizer(tuned.tokenizer or tuned.backbone)
    prompt = Prompt(tokenizer, tuned.style, instruction=tuned.instruction)
    dtype = str(choose_device().dtype).removeprefix("torch.")
    facts = prompt_facts(prompt, schema=tuned.schema, backbone=tuned.source, dtype=dtype)
    file = f"{tuned.name}-{gguf}.gguf" if gguf else ""
    where = where or f"./{to.name}"  # by a path, as a folder's bare name could be one on the Hub
    licence = hub_licence(tuned.source, tuned.backbone)
    card, settings = tuned.card or {}, tuned.settings or {}
    about = Exported(tuned.name, merged or bool(gguf), facts, card, settings, where, file, licence)
    vocabulary = _vocabulary(tuned, tokenizer, prompt) if gguf else None
    if merged or gguf:
        _need_memory(tuned, gguf)
    with filled(to, force=force) as folder:
        _need_space(folder, to, _size(tuned, merged=merged, gguf=gguf))
        if vocabulary is not None:
            _write_gguf(tuned, folder / file, vocabulary, gguf, licence, progress)
            _generation(tokenizer, prompt, None).save_pretrained(folder)
            _write_modelfile(tuned, facts, folder, tokenizer, file)
        elif merged:
            _write_merged(tuned, folder, tokenizer, prompt, progress)
            _write_modelfile(tuned, facts, folder, tokenizer)
        else:
            _write_adapter(tuned, folder)
            _generation(tokenizer, prompt, None).save_pretrained(folder)
        (folder / "README.md").write_text(model_card(about, prompt), encoding="utf-8")
        if not gguf:  # the file holds it
            tokenizer.chat_template = _template(prompt)
            tokenizer.save_pretrained(folder)
        facts.save(folder)
        _readable(folder)
    return to


def _readable(folder: Path) -> None:
    """Give all files the rights of the README: safetensors makes files that nobody else may read."""
    rights = stat.S_IMODE((folder / "README.md").stat().st_mode)
    for path in folder.iterdir():
        if path.is_file():
            path.chmod(rights)


def _template(prompt: Prompt) -> str:
    return plain_template(prompt) if prompt.style == "plain" else prompt.template


def _write_adapter(tuned: Tuned, folder: Path) -> None:
    assert tuned.adapter is not None  # refused above
    config = json.loads((tuned.adapter / "adapter_config.json").read_text(encoding="utf-8"))
    config["base_model_name_or_path"] = tuned.source  # not this machine's folder
    (folder / "adapter_config.json").write_text(json.dumps(config, indent=2), encoding="utf-8")
    shutil.copyfile(tuned.adapter / _WEIGHTS, folder / _WEIGHTS)


def _write_merged(tuned: Tuned, folder: Path, tokenizer: Any, prompt: Prompt, progress: Progress) -> None:
    """The weights, merged in float32 and stored in the backbone's number format."""
    from cypher_magic.model.load import stored_dtype

    model = _merged(tuned, stored_dtype(tuned.backbone), progress)
    model.generation_config = _generation(tokenizer, prompt, model.generation_config)
    model.save_pretrained(folder)


def _merged(tuned: Tuned, dtype: Any, progress: Progress) -> Any:
    from cypher_magic.model.load import Device, load_backbone, load_tuned

    device = Device("cpu", dtype)
    progress("merging" if tuned.adapter else "loading", 0, 0)
    if tuned.adapter is None:
        return load_backbone(tuned.backbone, device)
    return load_tuned(tuned.backbone, tuned.adapter, device)


def _vocabulary(tuned: Tuned, tokenizer: Any, prompt: Prompt) -> Vocabulary:
    """The tokenizer as a GGUF file has it; what can not be such a file is refused here, before it is loaded."""
    from cypher_magic.model.gguf_file import check_layers, read_vocabulary
    from cypher_magic.model.load import load_config

    config = load_config(tuned.backbone)
    check_layers(config)
    end = tokenizer(prompt.end, add_special_tokens=False)["input_ids"][-1]
    return read_vocabulary(tokenizer, config.vocab_size, end=end, template=_template(prompt))


def _write_gguf(tuned: Tuned, path: Path, vocabulary: Vocabulary, form: str, licence: str, progress: Progress) -> None:
    import torch

    from cypher_magic.model.gguf_file import write_gguf

    model = _merged(tuned, torch.float32, progress)
    write_gguf(model, vocabulary, path, form=form, name=tuned.name, licence=licence, progress=progress)


def _generation(tokenizer: Any, prompt: Prompt, before: Any) -> Any:
    """Greedy, to the end of the prompt's answers, as when asking."""
    from transformers import GenerationConfig

    from cypher_magic.model.generate import end_ids

    ends = sorted(end_ids(tokenizer, prompt.end))
    pad = tokenizer.pad_token_id
    return GenerationConfig(
        do_sample=False,
        max_new_tokens=_REPLY,
        bos_token_id=getattr(before, "bos_token_id", tokenizer.bos_token_id),
        eos_token_id=ends,
        pad_token_id=pad if pad is not None else ends[0],
    )


def _write_modelfile(tuned: Tuned, facts: PromptFacts, folder: Path, tokenizer: Any, gguf: str = "") -> None:
    """An Ollama Modelfile with the same prompt, for a GGUF or an architecture that Ollama reads from safetensors."""
    from cypher_magic.model.load import load_config

    config = load_config(tuned.backbone)
    if not gguf and not set(config.architectures or ()) & set(_OLLAMA):
        return
    text = facts.system_and_prompt("{{ .System }}", "{{ .Prompt }}")
    start = tokenizer.bos_token or ""
    if start and tokenizer("a")["input_ids"][:1] == [tokenizer.bos_token_id]:
        text = text and text.removeprefix(start)  # Ollama puts it in front itself
    told = (text or "") + facts.instructions
    marks = told.replace("{{ .System }}", "").replace("{{ .Prompt }}", "")
    if not text or '"""' in told or "{{" in marks:
        return
    needed = len(tokenizer(facts.instructions)["input_ids"]) + _ASKED
    lines = [
        "# ollama create NAME -f Modelfile",
        f"FROM ./{gguf}" if gguf else "FROM .",
        f'TEMPLATE """{text}"""',
        f'SYSTEM """{facts.instructions}"""',
        "PARAMETER temperature 0",
        "PARAMETER repeat_penalty 1",
        f"PARAMETER num_ctx {min(needed, getattr(config, 'max_position_embeddings', None) or needed)}",
        f"PARAMETER num_predict {_REPLY}",
        *([f'PARAMETER stop "{facts.end}"'] if facts.end.strip() and '"' not in facts.end else []),
    ]
    (folder / "Modelfile").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _size(tuned: Tuned, *, merged: bool, gguf: str) -> int:
    """Bytes that the export takes, about."""
    from cypher_magic.model.gguf_file import expected_bytes

    if gguf:
        size = expected_bytes(_parameters(tuned), gguf)
    else:
        files = tuned.backbone.glob("*.safetensors") if merged else [tuned.adapter / _WEIGHTS] if tuned.adapter else []
        size = sum(file.stat().st_size for file in files)
    return size + 20_000_000


def _parameters(tuned: Tuned) -> float:
    """How many the backbone has, about."""
    from cypher_magic.model.load import stored_dtype

    stored = sum(file.stat().st_size for file in tuned.backbone.glob("*.safetensors"))
    return stored / stored_dtype(tuned.backbone).itemsize


def _need_memory(tuned: Tuned, gguf: str) -> None:
    from cypher_magic.model.load import stored_dtype

    in_float32 = tuned.adapter is not None or bool(gguf)
    needed = _parameters(tuned) * (4 if in_float32 else stored_dtype(tuned.backbone).itemsize)
    free = room("cpu").free
    if free < needed:
        raise ModelError(
            f"There is not enough memory for the whole model {tuned.name}: {free / 1e9:.1f} GB free,"
            f" {needed / 1e9:.1f} GB needed.",
            hint="close other programs and notebooks, or export it on a larger machine",
        )


def _need_space(folder: Path, to: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise ModelError(
            f"There is not enough room at {to}: {free // 10**6:,} MB free, {needed // 10**6:,} MB needed.",
            hint="free some space, or name a folder on another disk",
        )
