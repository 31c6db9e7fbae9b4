"""Magics: each a thin caller of the Python function with the same name.

To add a family of magics: a module in this folder with a `@magics_class class XMagics(Family)` whose methods are
declared with a `Command` (see `options.py`), and a line in `FAMILIES`. Modules in this folder import nothing heavy
at their top; they are all imported by `%load_ext cypher_magic`.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from cypher_magic.magics.options import Family
    from cypher_magic.magics.settings import CypherMagic

# module below this package -> class; one line per family
FAMILIES = {
    "graph": "GraphMagics",  # %cypher_connect, %cypher, %%cypher, %cypher_schema
    "data": "DataMagics",  # %cypher_data
    "finetune": "FinetuneMagics",  # %finetune, %%finetune
    "models": "ModelMagics",  # %cypher_models
    "ask": "AskMagics",  # %cypher_ask, %%cypher_ask
    "evaluate": "EvaluateMagics",  # %cypher_eval
    "panel": "PanelMagics",  # %cypher_panel
    "doctor": "DoctorMagics",  # %cypher_doctor
}


@dataclass
class _Installed:
    """What `register` put into one shell, so that `unregister` can take out exactly that."""

    settings: CypherMagic
    families: list[Family] = field(default_factory=list)
    replaced: dict[tuple[str, str], Any] = field(default_factory=dict)  # (kind, name) -> the magic that was there


_INSTALLED: WeakKeyDictionary[InteractiveShell, _Installed] = WeakKeyDictionary()


def register(shell: InteractiveShell) -> None:
    """Put magics, completion and the question-mark transformer into the shell; a second call changes nothing."""
    from cypher_magic.magics.completion import complete
    from cypher_magic.magics.frames import show_frames
    from cypher_magic.magics.questions import protect_questions
    from cypher_magic.magics.settings import CypherMagic

    if shell in _INSTALLED:
        return
    settings = CypherMagic(parent=shell)
    installed = _INSTALLED[shell] = _Installed(settings)
    shell.configurables.append(settings)
    for module, name in FAMILIES.items():
        family = getattr(import_module(f"{__name__}.{module}"), name)(shell, settings)
        table = shell.magics_manager.magics
        for kind, magics in family.magics.items():
            installed.replaced.update({(kind, m): table[kind][m] for m in magics if m in table[kind]})
        shell.register_magics(family)
        installed.families.append(family)
    show_frames(shell)
    shell.input_transformers_cleanup.append(protect_questions)
    if shell.Completer is not None:
        shell.Completer.custom_matchers.append(complete)


def unregister(shell: InteractiveShell) -> None:
    """Take out what `register` put in, bring back magics it replaced, and close the connections."""
    from cypher_magic.magics.completion import complete
    from cypher_magic.magics.frames import leave_frames
    from cypher_magic.magics.questions import protect_questions

    installed = _INSTALLED.pop(shell, None)
    if installed is None:
        return
    manager = shell.magics_manager
    for family in installed.families:
        for kind, magics in family.magics.items():
            for name in magics:
                manager.magics[kind].pop(name, None)
        manager.registry.pop(type(family).__name__, None)
    for (kind, name), magic in installed.replaced.items():
        manager.magics[kind][name] = magic
    leave_frames(shell)
    gone = {id(installed.settings), *map(id, installed.families)}
    shell.configurables[:] = [c for c in shell.configurables if id(c) not in gone]
    shell.input_transformers_cleanup[:] = [t for t in shell.input_transformers_cleanup if t is not protect_questions]
    if shell.Completer is not None:
        shell.Completer.custom_matchers[:] = [m for m in shell.Completer.custom_matchers if m is not complete]
    _close_connections()


def _close_connections() -> None:
    session = sys.modules.get("cypher_magic.session")  # never imported: nothing was opened
    if session is not None:
        for connection in list(session.connections()):
            session.close(connection.name)
