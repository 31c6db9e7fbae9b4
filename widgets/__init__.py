"""Panels and progress for notebooks. Importing this package, `chart`, `samples` or `progress` needs no ipywidgets."""

from __future__ import annotations

from importlib import import_module
from typing import Any

# what `%cypher_panel KIND` opens; those in FROM_FILES may be given a file, those in WITH_VAL one for validation too
PANELS = {
    "train": "TrainPanel",
    "ask": "AskPanel",
    "data": "DataPanel",
    "review": "ReviewPanel",
    "models": "ModelsPanel",
}
FROM_FILES = ("train", "data", "review")
WITH_VAL = ("train", "data")

_HOME = {
    "AskPanel": "ask_panel",
    "DataPanel": "data_panel",
    "ModelsPanel": "models",
    "ReviewPanel": "review",
    "TrainPanel": "train",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
