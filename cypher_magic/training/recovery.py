"""Out of memory is no reason to lose a run: the same pass again, in halves.

A pass that does not fit is repeated with half as many examples, as often as needed; its gradients are those of the
whole, for the loss is a sum. From then on every pass is cut that way, and the model computes its activations again in
the backward pass instead of keeping them.
"""

from __future__ import annotations

import ctypes
import sys
from typing import TYPE_CHECKING, Any, TypeVar

import torch

from cypher_magic.errors import TrainingError

if TYPE_CHECKING:
    from collections.abc import Callable

Result = TypeVar("Result")

_SAID = ("out of memory", "can't allocate memory", "not enough memory", "could not create a memory", "bad_alloc")


def is_out_of_memory(exc: BaseException) -> bool:
    """Whether PyTorch, on a GPU or a CPU, or Python says that memory ran out."""
    if isinstance(exc, (torch.OutOfMemoryError, MemoryError)):
        return True
    return isinstance(exc, RuntimeError) and any(said in str(exc).lower() for said in _SAID)


class Passes:
    """Sends packs (or batches) through a model in passes that fit into memory.

    `examples` is the most that a pass has room for, None as long as nothing went wrong; `tell` gets one line when that
    changes.
    """

    def __init__(self, model: Any, tell: Callable[[str], None]) -> None:
        self.model, self.tell = model, tell
        self.examples: int | None = None

    def run(self, pack: Any, once: Callable[[Any], Result]) -> list[Result]:
        """What `once` gives for each part of the pack; gradients are added up as if there were one part.

        Raises `TrainingError` when not even one example fits.
        """
        waiting, done = self._cut(pack), []
        while waiting:
            before = [None if p.grad is None else p.grad.clone() for p in self._trained()]
            result = self._try(waiting[0], once)
            if result is None:  # outside of the handler, or the exception would keep the pass's tensors alive
                self._restore(before)
                waiting = [half for part in waiting for half in self._cut(part)] if self._less(waiting[0]) else waiting
            else:
                done.append(result)
                waiting.pop(0)
        return done

    def _try(self, part: Any, once: Callable[[Any], Result]) -> Result | None:
        try:
            return once(part)
        except (RuntimeError, MemoryError) as exc:
            if not is_out_of_memory(exc) or torch.distributed.is_initialized():
                raise  # several processes must make the same passes, and the others know nothing of this one's trouble
            return None

    def _less(self, part: Any) -> bool:
        """Make room; True when passes are smaller from now on, False when only the activations are."""
        free_memory()
        recomputed = recompute(self.model) if self.model.training else False
        if len(part.rows) == 1:
            if recomputed:
                self.tell("out of memory: activations are computed twice from now on; the step is repeated")
                return False
            raise TrainingError(
                "Not even one example fits into memory.",
                hint="a smaller backbone, precision: 4bit on a GPU, a shorter schema; %cypher_models tells what fits",
            )
        self.examples = len(part.rows) // 2
        twice = ", activations computed twice" if recomputed else ""
        self.tell(f"out of memory: {self.examples} examples in a pass from now on{twice}; the step is repeated")
        return True

    def _cut(self, pack: Any) -> list[Any]:
        if self.examples is None or len(pack.rows) <= self.examples:
            return [pack]
        return [part for half in pack.halves() for part in self._cut(half)]

    def _trained(self) -> list[torch.nn.Parameter]:
        return [p for p in self.model.parameters() if p.requires_grad]

    def _restore(self, gradients: list[torch.Tensor | None]) -> None:
        """A backward pass that broke off has already added some of its gradients."""
        for parameter, gradient in zip(self._trained(), gradients, strict=True):
            parameter.grad = gradient


def recompute(model: Any) -> bool:
    """Let the model compute activations again in the backward pass; False when it does already, or can not."""
    core = model.get_base_model() if hasattr(model, "get_base_model") else model
    already = any(getattr(module, "gradient_checkpointing", False) for module in core.modules())
    if already or not core.supports_gradient_checkpointing:
        return False
    # transformers 5 renamed it on the way
    enable = getattr(core, "activation_checkpointing_enable", core.gradient_checkpointing_enable)
    enable({"use_reentrant": False})
    return True


def free_memory() -> None:
    """Give back what the allocators keep for later."""
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "malloc_trim"):
        libc.malloc_trim(0)


def limit_memory() -> None:
    """On Linux, let an allocation fail that the machine has no memory for.

    Otherwise the kernel ends the process without a word. The limit is what the process has plus what is available.
    """
    if sys.platform != "linux":
        return
    import resource
    from pathlib import Path

    from cypher_magic.model.room import room

    status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    has = next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmData"))
    most = has + int(room("cpu").free * 0.95)
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    limits = [limit for limit in (soft, hard) if limit != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_DATA, (min([most, *limits]), hard))
