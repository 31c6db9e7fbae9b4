"""Where things are kept: caches, settings and runs, each movable by an environment variable.

CYPHER_MAGIC_CACHE    backbones, schemas, a teacher's replies   default: the user's cache folder (safe to delete)
CYPHER_MAGIC_CONFIG   connections.toml                          default: the user's config folder
CYPHER_MAGIC_RUNS     fine-tuning runs                          default: `runs` in the user's data folder
"""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

_APP = "cypher_magic"


def cache_dir() -> Path:
    """The folder for what can be fetched or computed again."""
    return _folder("CYPHER_MAGIC_CACHE", platformdirs.user_cache_path(_APP))


def config_dir() -> Path:
    """The folder of the user's own settings."""
    return _folder("CYPHER_MAGIC_CONFIG", platformdirs.user_config_path(_APP))


def runs_dir() -> Path:
    """The folder that holds one folder per fine-tuning run."""
    return _folder("CYPHER_MAGIC_RUNS", platformdirs.user_data_path(_APP) / "runs")


def _folder(variable: str, default: Path) -> Path:
    return Path(os.environ[variable]).expanduser() if os.environ.get(variable) else default
