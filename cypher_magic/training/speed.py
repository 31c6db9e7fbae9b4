"""How fast training will be: as an earlier run was here, or as two layers of the backbone are right now."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cypher_magic.model.backbones import public_name
from cypher_magic.training.runs import runs

if TYPE_CHECKING:
    from pathlib import Path

    from cypher_magic.model.load import Device
    from cypher_magic.training.batches import Batch
    from cypher_magic.training.packing import Pack
    from cypher_magic.training.settings import TrainingSettings

_STEPS = 3  # that a run must have made: the first ones warm up
_TOKENS = 400  # of a pack are timed, more or less
_LAYERS = (1, 3)
_PATIENCE = 60.0  # seconds
_REPEATS = range(2, 6)  # passes, after one that warms up
_LONG = 3.0  # seconds after which no more than the fewest passes are made


@dataclass(frozen=True)
class Speed:
    """Tokens that are trained in a second, and how that is known."""

    tokens_per_second: float
    source: str


def earlier(settings: TrainingSettings, device: Device) -> Speed | None:
    """The speed of the newest run with the same backbone, device and threads, or None."""
    for run in runs():
        before = run.settings
        if public_name(before.backbone) != public_name(settings.backbone) or before.threads != settings.threads:
            continue
        if before.gradient_checkpointing != settings.gradient_checkpointing or before.compile != settings.compile:
            continue
        events = run.events
        steps = [e for e in events if e.kind == "step" and e.get("tokens_per_second")]
        where = next((e["device"] for e in events if e.kind == "started"), "")
        if len(steps) >= _STEPS and _same(where, str(device), settings):
            return Speed(steps[-1]["tokens_per_second"], f"as in run {run.name} on this device")
    return None


def _same(one: str, other: str, settings: TrainingSettings) -> bool:
    """Whether two devices are alike; a number of threads that the settings fix is not in force yet."""
    if settings.threads and one.startswith("CPU") and other.startswith("CPU"):
        return one.partition("(")[2] == other.partition("(")[2]
    return one == other


def measured(folder: Path, settings: TrainingSettings, pack: Pack | Batch) -> Speed | None:
    """The speed of a random model of the backbone's shape, extrapolated from one and from three of its layers.

    `folder` holds the backbone's `config.json`. Timed in a process like the one that trains; takes about ten seconds
    for small backbones. None when it can not be timed, or not in a minute.
    """
    part = _part(pack)
    rows = [(len(row.question), len(row.answer)) for row in part.rows]
    asked = {"folder": str(folder), "settings": settings.to_dict(), "prefix": len(part.prefix), "rows": rows}
    try:
        done = subprocess.run(
            [sys.executable, "-m", "cypher_magic.training.speed"],
            input=json.dumps(asked),
            capture_output=True,
            text=True,
            check=True,
            timeout=_PATIENCE,
        )
    except (subprocess.SubprocessError, OSError):
        return None
    few, more, layers = json.loads(done.stdout.splitlines()[-1])
    each = max((more - few) / (_LAYERS[1] - _LAYERS[0]), 0.05 * few)  # not below: a busy machine times anything
    seconds = few + each * (layers - _LAYERS[0])
    return Speed(len(part) / seconds, f"timed just now on {_LAYERS[1]} layers like its {layers}, with random weights")


def answer(asked: dict[str, Any]) -> tuple[float, float, int]:
    """In the process that times: seconds of a pass through few and through more layers, and how many there are."""
    import torch
    from transformers import AutoConfig

    from cypher_magic.model.load import choose_device
    from cypher_magic.model.prompt import Encoded
    from cypher_magic.training.packing import Pack
    from cypher_magic.training.settings import TrainingSettings

    settings = TrainingSettings().changed(asked["settings"])
    if settings.threads:
        torch.set_num_threads(settings.threads)
    config = AutoConfig.from_pretrained(asked["folder"], trust_remote_code=False)
    prefix, layers = (1,) * asked["prefix"], config.num_hidden_layers
    pack = Pack(prefix, tuple(Encoded(prefix, (1,) * question, (1,) * answer) for question, answer in asked["rows"]))
    device = choose_device(settings.device, settings.precision)
    few, more = (_seconds(config, count, settings, device, pack) for count in _LAYERS)
    return few, more, layers


def _part(pack: Pack | Batch) -> Pack:
    """A pack with fewer examples, so that timing does not take long; the shares of prefix and rows change little.

    Of a batch, one row is timed, as a pack of itself.
    """
    from cypher_magic.training.packing import Pack

    rows = pack.rows if isinstance(pack, Pack) else pack.rows[:1]
    count = max(1, round(len(rows) * min(1.0, _TOKENS / len(pack))))
    return Pack(rows[0].prefix[: max(0, _TOKENS - 60)], rows[:count])


def _seconds(config: Any, layers: int, settings: TrainingSettings, device: Device, pack: Pack) -> float:
    """The best time of a forward and backward pass through so many layers."""
    import torch
    from transformers import AutoModelForCausalLM

    from cypher_magic.training.adapter import with_adapter
    from cypher_magic.training.loss import summed_loss

    config.num_hidden_layers = layers
    if getattr(config, "layer_types", None):
        config.layer_types = config.layer_types[:layers]
    with torch.device(device.kind):
        bare = AutoModelForCausalLM.from_config(config, dtype=device.dtype)
    model = with_adapter(bare, settings, None).train()
    batch = {name: tensor.to(device.kind) for name, tensor in pack.tensors().items()}
    times: list[float] = []
    while len(times) <= _REPEATS.start or (len(times) < _REPEATS.stop and sum(times) < _LONG):
        began = time.perf_counter()
        torch.autograd.backward(summed_loss(model, batch))
        if device.kind == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - began)
    return min(times[1:])


if __name__ == "__main__":
    print(json.dumps(answer(json.load(sys.stdin))))
