"""How much memory a device has, and how much of it is free now."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

_GROUPS = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class Room:
    """Bytes of a device: what is free now, and what there is in all."""

    free: int
    total: int


def room(kind: str) -> Room:
    """The memory of a device: of the current GPU (cuda, mps), or of this machine or container (cpu)."""
    if kind == "cuda":
        import torch

        free, total = torch.cuda.mem_get_info()
        return Room(free, total)
    if kind == "mps":
        import torch

        total = torch.mps.recommended_max_memory()
        return Room(total - torch.mps.driver_allocated_memory(), total)
    return _machine()


def _machine() -> Room:
    """The memory of this machine, or the part of it that a container may use."""
    import psutil

    memory = psutil.virtual_memory()
    limit = container_limit(_GROUPS)
    if limit is None:
        return Room(memory.available, memory.total)
    return Room(min(memory.available, limit.free), min(memory.total, limit.total))


def container_limit(groups: Path) -> Room | None:
    """What the control group in this folder leaves to its processes (Linux), or None where it sets no limit.

    Pages of files that were read count as used there but are given back when memory is needed.
    """
    for most, used, cached in (
        ("memory.max", "memory.current", "inactive_file"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes", "total_inactive_file"),
    ):
        try:
            total = int((groups / most).read_text())
            statistics = dict(
                line.split() for line in (groups / used).with_name("memory.stat").read_text().splitlines()
            )
            free = total - int((groups / used).read_text()) + int(statistics.get(cached, 0))
        except (OSError, ValueError):  # "max", or another version of control groups
            continue
        if total < 1 << 60:  # the old ones say "no limit" with a huge number
            return Room(max(0, min(free, total)), total)
    return None
