"""Which checkpoint a run can go on from: the newest one that is whole."""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_ARCHIVES = ("optimizer.pt", "scheduler.pt", "rng_state*.pth")  # what torch.save writes are zip files


def newest_checkpoint(folder: Path) -> Path | None:
    """The newest `checkpoint-STEP` folder whose files are all readable to their end, or None."""
    if not folder.is_dir():
        return None
    found = [f for f in folder.glob("checkpoint-*") if f.name.partition("-")[2].isdigit()]
    found.sort(key=lambda f: int(f.name.partition("-")[2]), reverse=True)
    return next((f for f in found if _whole(f)), None)


def _whole(checkpoint: Path) -> bool:
    """Whether a process that was killed while writing, or a disk that was full, left this checkpoint complete."""
    from safetensors import SafetensorError, safe_open

    try:
        json.loads((checkpoint / "trainer_state.json").read_text(encoding="utf-8"))
        with safe_open(str(checkpoint / "adapter_model.safetensors"), framework="numpy") as weights:
            names = list(weights.keys())
        found = [list(checkpoint.glob(name)) for name in _ARCHIVES]  # of several processes each has an rng_state
        broken = [zipfile.ZipFile(file).testzip() for files in found for file in files]
    except (OSError, ValueError, SafetensorError, zipfile.BadZipFile):
        return False
    return bool(names) and all(found) and not any(broken)


def could_not_write(exc: BaseException) -> bool:
    """Whether PyTorch or safetensors, which wrap what the system says, could not write a file to its end."""
    from safetensors import SafetensorError

    said = str(exc)
    if isinstance(exc, SafetensorError):
        return "I/O error" in said or "os error" in said
    return isinstance(exc, RuntimeError) and "PytorchStreamWriter failed writing" in said
