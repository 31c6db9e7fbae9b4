"""Cypher as text: parse, check against a schema, repair, the read-only gate, comparison.

`cypher_magic.query("MATCH ...")` is a public function as well. Importing anything from this folder gives that name to
the folder, so the folder can be called, and calls the function.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any


class _CallableFolder(ModuleType):
    def __call__(self, *args: Any, **options: Any) -> Any:
        package = sys.modules[__name__.rpartition(".")[0]]
        return package.__getattr__("query")(*args, **options)


sys.modules[__name__].__class__ = _CallableFolder
