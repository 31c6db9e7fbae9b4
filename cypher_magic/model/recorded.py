"""Steps of one shape on a GPU, recorded once (a CUDA graph) and replayed: hundreds of kernels start as one."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Recorded:
    """A computation on tensors of fixed shapes; what else it reads must stay where it is in memory."""

    def __init__(self, compute: Callable[..., torch.Tensor], inputs: Sequence[torch.Tensor]) -> None:
        self._inputs = [x.clone() for x in inputs]
        here, beside = torch.cuda.current_stream(), torch.cuda.Stream()  # type: ignore[no-untyped-call]
        beside.wait_stream(here)
        with torch.cuda.stream(beside):  # what libraries set up at a first call is no part of the recording
            compute(*self._inputs)
        here.wait_stream(beside)
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
            self._output = compute(*self._inputs)

    def __call__(self, *inputs: torch.Tensor) -> torch.Tensor:
        """The result for these inputs; it is overwritten by the next call."""
        for kept, given in zip(self._inputs, inputs, strict=True):
            kept.copy_(given)
        self._graph.replay()
        return self._output


def recorded(
    compute: Callable[..., torch.Tensor], inputs: Sequence[torch.Tensor], result: torch.Tensor
) -> Recorded | None:
    """The computation as a recording that gives this result for these inputs; None, with a warning, where it can not.

    A model may do what can not be recorded, such as waiting for a value.
    """
    try:
        made = Recorded(compute, inputs)
        likeness = torch.cosine_similarity(made(*inputs).float(), result.float(), dim=-1).min()
    except RuntimeError as error:
        reason = str(error).partition("\n")[0]
        warnings.warn(f"Steps of this model can not be recorded, so asking is slower: {reason}", stacklevel=2)
        return None
    if likeness > 0.999:
        return made
    warnings.warn("Recorded steps of this model gave other scores; they are not used.", stacklevel=2)
    return None
