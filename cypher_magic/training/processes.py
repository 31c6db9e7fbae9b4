"""Several processes that train one run, on several GPUs or machines: `launch: torchrun --nproc-per-node 2`.

Without such a launcher there is one process, and nothing here talks to anybody.
"""

from __future__ import annotations

import os
import shlex
import sys
from typing import TYPE_CHECKING

from cypher_magic.errors import OptionError

if TYPE_CHECKING:
    import torch

_LAUNCHERS = {"accelerate launch": "accelerate.commands.launch", "torchrun": "torch.distributed.run"}


def command(launch: str) -> list[str]:
    """The command that starts Python modules in the processes that `launch` asks for: up to and with its `-m`.

    Raises `OptionError` when it is none of the two launchers.
    """
    for name, module in _LAUNCHERS.items():
        if launch == name or launch.startswith(name + " "):
            return [sys.executable, "-m", module, *shlex.split(launch.removeprefix(name)), "-m"]
    if launch:
        raise OptionError(
            f"launch can not be {launch!r}.",
            hint="`accelerate launch --config_file FILE`, or `torchrun --nproc-per-node 2`",
        )
    return [sys.executable, "-m"]


class Processes:
    """Which of the processes that train the run we are: `rank` of `count`, 0 of 1 without a launcher.

    `sharded` when they share out the weights of the backbone: because the setting `shard` says so, or accelerate's
    config, which asks for FSDP by an environment variable.
    """

    def __init__(self, shard: str = "off") -> None:
        self.rank = int(os.environ.get("RANK", "0"))
        self.count = int(os.environ.get("WORLD_SIZE", "1"))
        asked = os.environ.pop("ACCELERATE_USE_FSDP", "false") == "true"  # or accelerate would do it its way, too
        self.sharded = self.count > 1 and (asked or shard == "on")

    @property
    def first(self) -> bool:
        """Whether this is the one that writes."""
        return self.rank == 0

    def total(self, values: torch.Tensor, device: torch.device) -> torch.Tensor:
        """The sum of the values over all processes."""
        if self.count > 1:
            import torch

            moved = values.to(device)
            torch.distributed.all_reduce(moved)
            return moved.cpu()
        return values

    def any(self, flag: bool, device: torch.device) -> bool:
        """Whether the flag is set in any process."""
        import torch

        return bool(self.total(torch.tensor([float(flag)]), device)[0])

    def wait(self) -> None:
        """Return when all processes have come here."""
        if self.count > 1:
            import torch

            torch.distributed.barrier()
