"""Panels and progress for notebooks. Importing this package, `chart`, `samples` or `progress` needs no ipywidgets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cypher_magic.widgets.train import TrainPanel

__all__ = ["TrainPanel"]


def __getattr__(name: str) -> Any:
    if name == "TrainPanel":
        from cypher_magic.widgets.train import TrainPanel

        return TrainPanel
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
