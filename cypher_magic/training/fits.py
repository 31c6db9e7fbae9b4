"""Which backbones fit on a device, and what to change when the chosen one does not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cypher_magic.graph.frame import whole
from cypher_magic.model.catalogue import CATALOGUE, Backbone
from cypher_magic.model.memory import BASE, Workload, estimate
from cypher_magic.model.room import room

if TYPE_CHECKING:
    import pandas as pd

    from cypher_magic.model.load import Device

TYPICAL = Workload(tokens=2500, answers=700, prefix=900, examples=16)
"""A schema of 900 tokens and 16 questions behind it: what the table of backbones is made for."""


def peak(shape: Backbone, work: Workload) -> float:
    """Bytes that training takes on the device of the workload, all in all."""
    return estimate(shape, work, base=BASE[work.kind]).total


def verdict(shape: Backbone, work: Workload, free: float) -> str:
    """`fits`, `fits with gradient checkpointing`, `fits in 4-bit` (NVIDIA GPUs) or `does not fit`."""
    return next((name for name, ways in _milder(work) if peak(shape, ways) <= free), "does not fit")


def proposal(shape: Backbone, work: Workload, free: float) -> str:
    """What fits into `free` bytes: settings for this backbone, the mildest change first, else another backbone.

    Empty when no backbone of the catalogue fits.
    """
    on, checkpointed = "gradient_checkpointing: on", replace(work, checkpointing=True)
    ways = [(on, shape, checkpointed)]
    ways += [(f"{on}, pack_examples: {n}", shape, fewer(checkpointed, n)) for n in (8, 4, 1) if n < work.examples]
    if work.kind == "cuda":
        ways += [("precision: 4bit", shape, replace(checkpointed, precision="4bit"))]
    ways += [(f"backbone: {b.name}", b, work) for b in _smaller(shape)]
    return next((name for name, candidate, way in ways if peak(candidate, way) <= free), "")


def _smaller(shape: Backbone) -> list[Backbone]:
    """The backbones with fewer parameters that anybody may fetch, the largest first."""
    smaller = (b for b in CATALOGUE.values() if b.parameters < shape.parameters and not b.gated)
    return sorted(smaller, key=lambda b: b.parameters, reverse=True)


def fewer(work: Workload, examples: int) -> Workload:
    """The workload of packs with fewer examples behind the same prefix."""
    share = examples / work.examples
    own = round((work.tokens - work.prefix) * share)
    return replace(work, tokens=work.prefix + own, answers=round(work.answers * share), examples=examples)


def _milder(work: Workload) -> list[tuple[str, Workload]]:
    checkpointed = replace(work, checkpointing=True)
    ways = [("fits", work), ("fits with gradient checkpointing", checkpointed)]
    return [*ways, ("fits in 4-bit", replace(checkpointed, precision="4bit"))] if work.kind == "cuda" else ways


def gigabytes(count: float) -> str:
    """Bytes as text: 1.9 GB."""
    return f"{count / 1e9:.1f} GB" if count >= 0.95e8 else f"{count / 1e9:.2f} GB"


def here(kind: str = "auto") -> tuple[Workload, float, str]:
    """The workload of the table on a device (number format as it would be chosen), its free bytes, and its name."""
    from cypher_magic.model.load import choose_device

    device = choose_device(kind)
    return replace(TYPICAL, kind=device.kind, precision=number_format(device)), room(device.kind).free, str(device)


def number_format(device: Device) -> str:
    """The name of the format that a device's base weights have: bf16, fp16, fp32, int8 or 4bit."""
    formats = {"float32": "fp32", "bfloat16": "bf16", "float16": "fp16"}
    return device.quantised or formats[str(device.dtype).removeprefix("torch.")]


def backbones_here(kind: str = "auto") -> pd.DataFrame:
    """The catalogue as a table with what fits on a device.

    Columns: name, here (`verdict`), peak_gb (predicted, for a pack of 16 questions behind a schema of 900 tokens and
    the default settings), parameters (millions), licence, context (tokens), style, gated, source, note. `attrs` says
    for which device, and how much of it is free.
    """
    import pandas as pd

    work, free, device = here(kind)
    rows = [
        {
            "name": b.name,
            "here": verdict(b, work, free),
            "peak_gb": round(peak(b, work) / 1e9, 1),
            "parameters": b.parameters,
            "licence": b.licence,
            "context": b.context,
            "style": b.style,
            "gated": b.gated,
            "source": b.source,
            "note": b.note,
        }
        for b in CATALOGUE.values()
    ]
    frame = whole(pd.DataFrame(rows))
    frame.attrs.update(device=device, free_gb=round(free / 1e9, 1))
    return frame
