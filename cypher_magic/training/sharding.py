"""The frozen weights of the backbone divided among the processes that train it (PyTorch's FSDP2).

For a backbone that is too large for one GPU: each process holds its share of every layer, and gets the rest of a layer
while it computes with it. The adapter is small, so that every process has all of it: it is saved, resumed and clipped
as if there were one process, and its gradients are averaged once in an optimiser step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    import torch


def shard(model: Any, kind: str) -> float:
    """Divide what is frozen among all processes; the rest of the model moves to this process's device of that kind.

    Returns the share of the frozen weights that this process holds from now on.
    """
    from torch.distributed import get_world_size
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard
    from torch.distributed.tensor import DTensor

    mesh = init_device_mesh(kind, (get_world_size(),))
    trained = {p for p in model.parameters() if p.requires_grad}
    for parameter in trained:
        parameter.data = parameter.data.to(kind)
    core = model.get_base_model()
    for module in core.modules():
        if type(module).__name__ in (core._no_split_modules or ()):  # its layers, in transformers' words
            fully_shard(module, mesh=mesh, ignored_params=trained)
    # resharded at once: saving reshards, and only one process saves; the others must not find more there than it does
    fully_shard(model, mesh=mesh, ignored_params=trained, reshard_after_forward=True)
    model._is_accelerate_prepared = True  # accelerate would wrap it for DDP, which can not hold divided weights
    divided = [p for p in model.parameters() if isinstance(p, DTensor)]
    return sum(p.to_local().numel() for p in divided) / sum(p.numel() for p in divided)


def average_gradients(parameters: Iterable[torch.nn.Parameter]) -> None:
    """Let every process have the mean of all processes' gradients."""
    import torch

    gradients = [p.grad for p in parameters if p.grad is not None]
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    torch.distributed.all_reduce(flat)
    flat /= torch.distributed.get_world_size()
    means = torch.split(flat, [gradient.numel() for gradient in gradients])
    for gradient, mean in zip(gradients, means, strict=True):
        gradient.copy_(mean.view_as(gradient))
