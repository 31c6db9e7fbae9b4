"""Ask a Neo4j graph questions in plain language, with a model that you tuned yourself.

In a notebook: `%load_ext cypher_magic`. In a script: the functions below, which the magics call.
Importing this package loads nothing heavy; each name is fetched from its home module on first use.
"""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__version__ = "0.1.0"

_HOME = {
    "Answer": "asking.answer",
    "Connection": "graph.neo4j_graph",
    "Dataset": "data.read",
    "Example": "data.example",
    "GraphSchema": "graph.schema",
    "Report": "evaluation.report",
    "Run": "training.runs",
    "ask": "session",
    "ask_many": "session",
    "backbones": "session",
    "check": "query.check",
    "connect": "session",
    "conversation": "session",
    "doctor": "session",
    "evaluate": "session",
    "export": "session",
    "finetune": "session",
    "generate_pairs": "session",
    "import_model": "session",
    "load_examples": "session",
    "parse": "query.parse",
    "query": "session",
    "read_only": "query.readonly",
    "repair": "query.repair",
    "review": "session",
    "runs": "session",
    "schema": "session",
    "use_run": "session",
}

__all__ = sorted(_HOME)

# Threads that spin while they wait make asking and training many times slower when anything else runs, and at best 1.5
# times as fast when nothing does. PyTorch reads this when it is loaded, here and in the processes that are started.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# A checkout that is not installed has the panels beside this folder instead of inside it.
if not (Path(__file__).parent / "widgets").is_dir():
    __path__.append(str(Path(__file__).parent.parent))


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Register the magics: what `%load_ext cypher_magic` calls."""
    from cypher_magic.magics import register

    register(shell)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Take the magics, the completion and the input transformer away again, and close what they opened."""
    from cypher_magic.magics import unregister

    unregister(shell)
