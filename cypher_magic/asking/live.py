"""From the name of a run, or the address of a server, to a live model that answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cypher_magic.errors import NoModel
from cypher_magic.training.runs import find_run, runs

if TYPE_CHECKING:
    from cypher_magic.asking.ask import LiveModel
    from cypher_magic.model.backbones import Progress
    from cypher_magic.model.generate import CypherModel

BASE = "base"  # the name of the default backbone without any tuning
STARTER = "starter"  # and of the adapter that comes with this package
UNTUNED = (BASE, STARTER)


def newest_run() -> str:
    """The name of the run that ended last; NoModel when there is none."""
    for run in runs():
        if run.state in ("completed", "stopped") and (run.folder / "adapter").is_dir():
            return run.name
    raise NoModel(
        "There is no tuned model yet.",
        hint="make one with %%finetune NAME --data FILE, or ask the one that comes with the package: -m starter",
    )


def written(name: str) -> float:
    """When a run's weights were written: a run that goes on, or was made anew, gets newer ones."""
    from cypher_magic.model.endpoint import is_address

    return (
        0.0 if name in UNTUNED or is_address(name) else max(f.stat().st_mtime for f in find_run(name).adapter.iterdir())
    )


def load(name: str, progress: Progress | None = None) -> LiveModel:
    """The model behind a server's address; else that of a run, `base` or `starter`, on the best device here.

    Fetches the backbone when it is not cached.
    """
    from cypher_magic.model.endpoint import Endpoint, address, is_address

    if is_address(name):
        return Endpoint(address(name))
    return _loaded(name, progress)


def _loaded(name: str, progress: Progress | None) -> CypherModel:
    from cypher_magic.model.backbones import local_folder, silent
    from cypher_magic.model.catalogue import DEFAULT
    from cypher_magic.model.generate import CypherModel
    from cypher_magic.model.load import choose_device, load_backbone, load_tokenizer, load_tuned
    from cypher_magic.model.prompt import Prompt
    from cypher_magic.model.starter import STARTER as SHIPPED

    device, style, backbone, instruction = choose_device(), "auto", DEFAULT, ""
    adapter = SHIPPED if name == STARTER else None
    if name not in UNTUNED:
        run = find_run(name)
        adapter, backbone, style = run.adapter, run.settings.backbone, run.settings.prompt_style
        style = run.card.get("prompt_style", style)  # known once it has trained
        instruction = run.card.get("prefix", "")
    folder = local_folder(backbone, progress=progress or silent)
    tokenizer = load_tokenizer(folder)
    live = load_tuned(folder, adapter, device) if adapter else load_backbone(folder, device)
    return CypherModel(live, tokenizer, Prompt(tokenizer, style, instruction=instruction), name=name)
