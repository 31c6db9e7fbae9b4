"""From the name of a run, or the address of a server, to a live model that answers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cypher_magic.errors import ModelError, NoModel, TrainingError
from cypher_magic.model.catalogue import STARTER, UNTUNED
from cypher_magic.training.runs import find_run, runs

if TYPE_CHECKING:
    from cypher_magic.asking.ask import LiveModel
    from cypher_magic.model.backbones import Progress
    from cypher_magic.model.generate import CypherModel
    from cypher_magic.training.runs import Run

_UNTIL_THEN = f"until then: -m {STARTER}"
_LOADING = "loading the model"


def newest_run() -> str:
    """The name of the run that ended last; NoModel when there is none."""
    found = runs()
    for run in found:
        if run.state in ("completed", "stopped") and (run.folder / "adapter").is_dir():
            return run.name
    make = "make one with %%finetune NAME --data FILE, or ask the one that comes with the package: -m starter"
    training = (f"run {run.name} is still training; {_UNTIL_THEN}" for run in found if run.unfinished)
    raise NoModel("There is no tuned model yet.", hint=next(training, make))


def written(name: str) -> float:
    """When a run's weights were written: a run that goes on, or was made anew, gets newer ones."""
    from cypher_magic.model.endpoint import is_address

    if name in UNTUNED or is_address(name):
        return 0.0
    run = find_run(name, UNTUNED)
    adapter = adapter_of(run)
    return run.created if adapter is None else max(f.stat().st_mtime for f in adapter.iterdir())


def unfinished(name: str) -> tuple[str, ...]:
    """A note when the model of this name is a run that is still training."""
    found = (run.unfinished for run in runs() if run.name == name and name not in UNTUNED)
    return tuple(filter(None, found))


def adapter_of(run: Run) -> Path | None:
    """The adapter of a run; None for a whole model that was imported. `TrainingError` when it has none yet."""
    if run.card.get("whole_model"):
        return None
    try:
        return run.adapter
    except TrainingError as exc:
        if run.unfinished:
            exc.hint = f"{exc.hint}; {_UNTIL_THEN}"
        raise


def refuse_gone(run: Run) -> None:
    """Raise `ModelError` when the run's backbone is a folder of this machine that is not there any more."""
    folder = Path(run.settings.backbone)
    if not folder.is_absolute() or folder.exists():
        return
    whole = run.card.get("whole_model")
    again = f"%finetune remove {run.name}, and %cypher_models import it from where it is now"
    raise ModelError(
        f"The {'folder' if whole else 'backbone'} of {run.name!r}, {folder}, is gone.",
        hint=f"put it back, or {again}" if whole or run.state == "imported" else "put it back",
    )


def load(name: str, progress: Progress | None = None) -> LiveModel:
    """The model behind a server's address; else that of a run, `base` or `starter`, on the best device here.

    Fetches the backbone when it is not cached.
    """
    from cypher_magic.model.backbones import silent, stage
    from cypher_magic.model.endpoint import Endpoint, address, is_address

    if is_address(name):
        return Endpoint(address(name))
    with stage(progress, _LOADING):
        return _loaded(name, progress or silent)


def _loaded(name: str, progress: Progress) -> CypherModel:
    from cypher_magic.model.backbones import local_folder
    from cypher_magic.model.catalogue import DEFAULT
    from cypher_magic.model.generate import CypherModel
    from cypher_magic.model.load import choose_device, load_backbone, load_tokenizer, load_tuned
    from cypher_magic.model.prompt import Prompt
    from cypher_magic.model.starter import STARTER as SHIPPED

    device, style, backbone, instruction = choose_device(), "auto", DEFAULT, ""
    adapter, own = SHIPPED if name == STARTER else None, None
    if name not in UNTUNED:
        run = find_run(name)
        refuse_gone(run)
        adapter, backbone, style = adapter_of(run), run.settings.backbone, run.settings.prompt_style
        own = run.folder / "tokenizer"  # an imported adapter can bring its own
        style = run.card.get("prompt_style", style)  # known once it has trained
        instruction = run.card.get("prefix", "")
    folder = local_folder(backbone, progress=progress)
    progress(_LOADING, 0, 0)  # fetching or converting it was told before
    tokenizer = load_tokenizer(own if own is not None and own.is_dir() else folder)
    live = load_tuned(folder, adapter, device) if adapter else load_backbone(folder, device)
    return CypherModel(live, tokenizer, Prompt(tokenizer, style, instruction=instruction), name=name)
