"""The adapter that fine-tuning continues from: the one shipped with this package, another run's, or none.

The starter was trained on the default backbone with general question-to-Cypher examples of many graphs; its card
(`starter_adapter/card.json`) says on what, and how good it is.
"""

from __future__ import annotations

from pathlib import Path

from cypher_magic.model.catalogue import DEFAULT, find
from cypher_magic.places import runs_dir

STARTER = Path(__file__).parent / "starter_adapter"


def starting_adapter(start_from: str, backbone: str) -> Path | None:
    """The folder of the adapter to continue from; None = from scratch.

    The starter fits the default backbone only: with any other backbone `starter` means from scratch.
    """
    if start_from == "scratch":
        return None
    if start_from == "starter":
        entry = find(backbone)
        return STARTER if entry is not None and entry.name == DEFAULT else None
    from cypher_magic.errors import RunNotFound

    folder = runs_dir() / start_from / "adapter"
    if Path(start_from).name != start_from or start_from == ".." or not folder.is_dir():
        raise RunNotFound(
            f"There is no run {start_from!r} with an adapter to continue from.",
            hint="start_from takes `starter`, `scratch` or the name of a run; %finetune list tells them",
        )
    return folder
