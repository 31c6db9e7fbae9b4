"""The folders of this package: where they are, how large, whether they can be written, and how much room is left."""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cypher_magic import places

if TYPE_CHECKING:
    from pathlib import Path

_LOOK = 0.5  # seconds for counting one folder


@dataclass(frozen=True)
class Folder:
    """A folder of this package; `told` is its size in words."""

    name: str
    variable: str  # of the environment, that moves it
    path: Path
    told: str
    writable: bool


def folders() -> list[Folder]:
    """Caches, settings, runs."""
    kept = {
        "cache": ("CYPHER_MAGIC_CACHE", places.cache_dir()),
        "config": ("CYPHER_MAGIC_CONFIG", places.config_dir()),
        "runs folder": ("CYPHER_MAGIC_RUNS", places.runs_dir()),
    }
    return [
        Folder(name, variable, path, size(path), os.access(existing(path), os.W_OK))
        for name, (variable, path) in kept.items()
    ]


def disk() -> list[tuple[str, Path, int]]:
    """What is kept on a disk, where, and the bytes that are free there; one row when all is on one disk."""
    kept = {"caches": existing(places.cache_dir()), "runs": existing(places.runs_dir())}
    if len({path.stat().st_dev for path in kept.values()}) == 1:
        kept = {"caches and runs": kept["caches"]}
    return [(what, path, shutil.disk_usage(path).free) for what, path in kept.items()]


def existing(path: Path) -> Path:
    """The folder itself, or the nearest one above it that is there."""
    return next(p for p in (path, *path.parents) if p.is_dir())


def in_gigabytes(count: float) -> str:
    """Bytes as text: 3.4 GB, 12 MB, 5 kB."""
    for size, unit in ((1e9, "GB"), (1e6, "MB")):
        if count >= size:
            return f"{count / size:.1f} {unit}" if count < 100 * size else f"{count / size:,.0f} {unit}"
    return f"{count / 1e3:.0f} kB"


def size(path: Path) -> str:
    """How large a folder is, in words; counting it ends after half a second."""
    if not path.is_dir():
        return "not there yet"
    total, until = 0, time.monotonic() + _LOOK
    for root, _, files in os.walk(path):
        for name in files:
            try:
                total += os.lstat(os.path.join(root, name)).st_size  # noqa: PTH118 - a Path for each would be slow
            except OSError:  # gone meanwhile
                continue
        if time.monotonic() > until:
            return f"more than {in_gigabytes(total)}"
    return in_gigabytes(total)
