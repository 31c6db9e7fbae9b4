"""What this machine offers for training: PyTorch, GPUs, CPU. Looked at without loading PyTorch into this process."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PATIENCE = 4.0  # seconds that loading PyTorch and asking the GPU's driver may take together
_FLAGS = {"amx_bf16": "AMX", "avx512_bf16": "AVX512-BF16", "avx512f": "AVX512", "avx2": "AVX2"}
_ASKED = "name,memory.free,memory.total,driver_version"


@dataclass(frozen=True)
class Torch:
    """What PyTorch says of itself: `error` is why it does not load, `late` that it took too long to find out."""

    version: str = ""
    cuda: str | None = None  # the CUDA version that it was built with
    gpus: tuple[str, ...] = ()  # that it can use
    apple: bool = False
    bf16: bool = False  # native on this CPU
    error: str = ""
    late: bool = False


@dataclass(frozen=True)
class Gpu:
    """An NVIDIA GPU as its driver describes it; megabytes."""

    name: str
    free: int
    total: int
    driver: str


@dataclass
class Probe:
    """Asks PyTorch and the driver in processes of their own, while other things are looked at."""

    started: float = field(default_factory=time.monotonic)
    torch: subprocess.Popen[str] | None = None
    driver: subprocess.Popen[str] | None = None

    def __post_init__(self) -> None:
        if "torch" not in sys.modules:
            self.torch = _started(sys.executable, "-c", "from cypher_magic.session import machine; machine.tell()")
        if shutil.which("nvidia-smi"):
            self.driver = _started("nvidia-smi", f"--query-gpu={_ASKED}", "--format=csv,noheader,nounits")

    def torch_facts(self) -> Torch:
        """What PyTorch says, once it has been loaded."""
        if self.torch is None:
            return Torch(**_facts())
        said = self._ended(self.torch)
        if said is None:
            return Torch(late=True)
        lines = said.strip().splitlines()
        if self.torch.returncode:
            return Torch(error=lines[-1] if lines else "it ended without a word")
        found = json.loads(lines[-1])
        return Torch(**{**found, "gpus": tuple(found["gpus"])})

    def gpus(self) -> list[Gpu]:
        """The GPUs that the NVIDIA driver knows; none where it does not answer."""
        said = self._ended(self.driver) if self.driver is not None else None
        if not said or self.driver is None or self.driver.returncode:
            return []
        rows = [[cell.strip() for cell in line.split(",")] for line in said.strip().splitlines()]
        numbers = [row for row in rows if len(row) == 4 and row[1].isdigit() and row[2].isdigit()]
        return [Gpu(name, int(free), int(total), driver) for name, free, total, driver in numbers]

    def _ended(self, process: subprocess.Popen[str]) -> str | None:
        """What the process printed, or None when the patience for it is over."""
        try:
            said, _ = process.communicate(timeout=max(0.1, self.started + PATIENCE - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            return None
        return said


def _started(*command: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def cpu() -> tuple[int, list[str]]:
    """How many cores this process may use, and which of the instructions that training profits from they have."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:  # not Linux
        return cores, []
    flags = next((line.partition(":")[2].split() for line in text.splitlines() if line.startswith("flags")), [])
    return cores, [name for flag, name in _FLAGS.items() if flag in flags]


def tell() -> None:
    """Print what PyTorch says as a line of JSON: what the process does that is asked."""
    print(json.dumps(_facts()))


def _facts() -> dict[str, Any]:
    import torch

    return {
        "version": torch.__version__,
        "cuda": torch.version.cuda,
        "gpus": tuple(torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count()))
        if torch.cuda.is_available()
        else (),
        "apple": torch.backends.mps.is_available(),
        "bf16": bool(torch.ops.mkldnn._is_mkldnn_bf16_supported()),
    }
