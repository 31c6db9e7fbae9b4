"""Tuned models that leave, and models that come in."""

from __future__ import annotations

import json
import shutil
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cypher_magic.errors import ModelError, OptionError

if TYPE_CHECKING:
    from cypher_magic.model.backbones import Progress
    from cypher_magic.model.export import Tuned
    from cypher_magic.model.imported import Imported
    from cypher_magic.training.runs import Run

_ANY_GRAPH = """\
(:Movie {released: INTEGER, title: STRING})
(:Person {born: INTEGER, name: STRING})
(:Person)-[:ACTED_IN]->(:Movie)"""

_UNSENT = ".unsent.json"  # in an exported folder until it is on the Hub: what it holds, and for where


@dataclass(frozen=True)
class Export:
    """What was written: the `folder` (None when it was pushed only), and the address on the Hub (None without)."""

    name: str
    merged: bool
    folder: Path | None
    url: str | None = None
    gguf: str = ""  # the number format of its weights, where it is a GGUF file
    size: int = 0  # bytes
    measure: str = ""  # the line that measures it, where that was not done yet

    def __repr__(self) -> str:
        what = "the merged model" if self.merged else "the adapter"
        what = f"the GGUF file ({self.gguf}, {self.size / 10**6:,.1f} MB)" if self.gguf else what
        places = " and ".join(str(p) for p in (self.folder, self.url) if p)
        about = "its README.md has the prompt and a program that asks it"
        about += f"; it is not measured: {self.measure} does it" if self.measure else ""
        return f"{self.name}: {what} is in {places}; {about}"


def export(
    run: str | Run,
    to: str | Path | None = None,
    merged: bool = False,
    push: str | None = None,
    private: bool = True,
    *,
    force: bool = False,
    gguf: bool | str = False,
    progress: Progress | None = None,
) -> Export:
    """Write a tuned model to the folder `to`, or to the Hub as `push` (OWNER/NAME), or both.

    An adapter folder, or with `merged` a model that plain transformers loads; with tokenizer, exact prompt, generation
    settings and a model card. With `gguf` (True or "f16", or "q8_0" for half the size) the merged model is one file
    for llama.cpp, Ollama and LM Studio. `run` is a run or `starter`. The Hub's token comes from HF_TOKEN, its login or
    the keyring. What is there already, in `to` or on the Hub, is replaced with `force` only; where an upload was cut
    off, the same call goes on with what it had written.
    """
    from cypher_magic.asking.live import written
    from cypher_magic.model import hub
    from cypher_magic.model.backbones import expanded, silent
    from cypher_magic.model.card import how_to_measure
    from cypher_magic.model.export import write_export
    from cypher_magic.model.gguf_file import FORMS
    from cypher_magic.model.target import find_target

    to = to or None
    if to is None and push is None:
        raise OptionError("Where is the model to go?", hint="--to FOLDER, --push OWNER/NAME, or both")
    form = (FORMS[0] if gguf is True else gguf) or ""
    if form and form not in FORMS:
        raise OptionError(f"There is no GGUF of the form {form!r}.", hint=f"it is one of {', '.join(FORMS)}")
    name = run if isinstance(run, str) else run.name
    target = expanded(str(to)) if to is not None else None
    begun = target is not None and _cut_off(target, name, form, merged, push)
    if target is not None and not begun:  # before a backbone is fetched for it
        if force:
            with suppress(OSError, ValueError):
                (target / _UNSENT).unlink()
        target = find_target(target, force=force)
    if push is not None:
        hub.check_target(push)
    tuned = _tuned(name, progress)
    url = hub.prepare(push, private=private, force=force) if push is not None else None
    with tempfile.TemporaryDirectory(prefix="cypher_magic-") as scratch:
        folder = target or Path(scratch, "model")
        if not begun:
            write_export(
                tuned, folder, merged=merged, force=force, where=push or "", gguf=form, progress=progress or silent
            )
        size = sum(file.stat().st_size for file in folder.iterdir())
        if push is not None:
            (progress or silent)("uploading", 0, 0)
            about = json.dumps([name, written(name), form, merged, push])
            (folder / _UNSENT).write_text(about, encoding="utf-8")
            hub.upload(folder, push, force=force, leave=_UNSENT)
            (folder / _UNSENT).unlink()
    measure = how_to_measure(tuned.name, tuned.card or {})
    return Export(tuned.name, merged or bool(form), target, url, form, size, measure)


def _cut_off(folder: Path, name: str, *form: Any) -> bool:
    """Whether the folder holds the same export of the same weights, which could not be uploaded to the same place."""
    from cypher_magic.asking.live import written

    with suppress(OSError, ValueError):
        unsent = (folder / _UNSENT).read_text(encoding="utf-8")
        return unsent == json.dumps([name, written(name), *form])
    return False


def _tuned(name: str, progress: Progress | None) -> Tuned:
    """What the parts of a run (or of the starter) are, for the part that exports."""
    from cypher_magic.asking.live import refuse_gone
    from cypher_magic.model.backbones import local_folder, public_name, silent
    from cypher_magic.model.catalogue import DEFAULT, STARTER
    from cypher_magic.model.export import Tuned
    from cypher_magic.model.starter import STARTER as SHIPPED
    from cypher_magic.training.runs import find_run

    if name == STARTER:
        card = json.loads((SHIPPED / "card.json").read_text(encoding="utf-8"))
        backbone = local_folder(progress=progress or silent)
        source = public_name(DEFAULT)  # it is for any graph: a small one stands for them
        return Tuned(name, backbone, source, SHIPPED, "chat", "", _ANY_GRAPH, card, card["settings"])
    run = find_run(name, (STARTER,))
    if run.unfinished:
        raise OptionError(run.unfinished, hint=f"wait until it has ended, or stop it: %finetune stop {name}")
    refuse_gone(run)
    settings, card = run.settings, run.card
    adapter = None if card.get("whole_model") else run.adapter
    tokenizer = run.folder / "tokenizer"
    return Tuned(
        name,
        local_folder(settings.backbone, progress=progress or silent),
        public_name(settings.backbone),
        adapter,
        card.get("prompt_style", settings.prompt_style),
        card.get("prefix", ""),
        card.get("schema"),
        card,
        settings.to_dict() if card.get("state") != "imported" else {},
        tokenizer if tokenizer.is_dir() else None,
    )


def import_model(
    source: str | Path,
    name: str | None = None,
    *,
    style: str | None = None,
    backbone: str | None = None,
    prefix: str = "",
    progress: Progress | None = None,
) -> Run:
    """A model that was tuned elsewhere as a run (state `imported`) that answers: `ask(..., model=NAME)`.

    `source` is a folder or a Hub id of a LoRA adapter, which is copied, or of a whole model, which stays where it is
    (on the Hub: at the commit that was fetched). `style` (chat or plain), `prefix` (what stands in front of each
    question in the plain style) and `backbone` are read from it where it tells them. Raises `ModelError` when it can
    not be used.
    """
    from cypher_magic.model.backbones import silent
    from cypher_magic.model.imported import here, recognise
    from cypher_magic.places import runs_dir
    from cypher_magic.training.runs import check_name, create_run
    from cypher_magic.training.settings import TrainingSettings

    source = str(source)
    path = here(source)
    name = name or (path.name if path else source.partition("@")[0].rpartition("/")[2])
    try:
        check_name(name)
    except OptionError as exc:
        exc.hint = f"{exc.hint}: --name NAME"
        raise
    if (runs_dir() / name).exists():
        raise OptionError(f"There is a run {name} already.", hint="import it under another name: --name NAME")
    found = recognise(source, style=style, backbone=backbone, prefix=prefix, progress=progress or silent)
    settings = TrainingSettings(backbone=found.backbone, start_from="scratch", prompt_style=found.style)
    run = create_run(name, settings, [], schema=found.schema, card=_card(found, str(path or source)))
    try:
        _fill(run, found)
    except OSError as exc:
        raise ModelError(
            f"The model can not be stored in {run.folder.parent}: {exc.strerror or exc}.",
            hint="free some space there, or set CYPHER_MAGIC_RUNS to another folder",
        ) from exc
    finally:
        if run.state != "imported":
            shutil.rmtree(run.folder, ignore_errors=True)
    return run


def _card(found: Imported, source: str) -> dict[str, Any]:
    facts = {"state": "imported", "source": source, "prompt_style": found.style, "prefix": found.instruction}
    return {**facts, "style_because": found.why, "whole_model": not found.adapter}


def _fill(run: Run, found: Imported) -> None:
    """Copy the adapter and its tokenizer; the event is what makes the run an imported one."""
    from cypher_magic.training.events import EventWriter

    if found.adapter:
        building = run.folder / "adapter.new"
        building.mkdir()
        for file in ("adapter_config.json", "adapter_model.safetensors"):
            shutil.copyfile(found.folder / file, building / file)
        building.rename(run.folder / "adapter")
    if found.tokenizer:
        (run.folder / "tokenizer").mkdir()
        for pattern in ("token*", "*.jinja", "special_tokens_map.json", "vocab.*", "merges.txt", "added_tokens.json"):
            for path in found.folder.glob(pattern):
                if path.is_file():
                    shutil.copyfile(path, run.folder / "tokenizer" / path.name)
        if found.template:
            (run.folder / "tokenizer" / "chat_template.jinja").write_text(found.template, encoding="utf-8")
    when = datetime.now(UTC).isoformat(timespec="seconds")
    EventWriter(run.folder / "events.jsonl").write("finished", state="imported", steps=0, when=when)


def imported() -> list[str]:
    """The names of the models that were imported, newest first."""
    from cypher_magic.training.runs import runs

    return [run.name for run in runs() if run.card.get("state") == "imported"]
