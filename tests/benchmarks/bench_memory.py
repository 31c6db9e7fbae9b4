"""Predicted and measured peak memory of training, on this machine's CPU or GPU.

    python tests/benchmarks/bench_memory.py [--device cpu] [--backbone smollm2-135m] [--only NAME ...]

Each configuration trains two steps in a process of its own. Measured is the largest resident set of that process (on a
GPU what PyTorch has allocated at the most), predicted is `cypher_magic.model.memory.estimate` from the shape alone.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

# schema tokens, rows a pack, question and answer tokens of a row, rank, precision
CONFIGURATIONS = {
    "no schema": (20, 16, 30, 30, 16, "bf16"),
    "no schema, fp32": (20, 16, 30, 30, 16, "fp32"),
    "schema": (600, 16, 30, 40, 16, "bf16"),
    "schema, fp32": (600, 16, 30, 40, 16, "fp32"),
    "long schema": (2400, 16, 30, 40, 16, "bf16"),
    "long schema, fp32": (2400, 16, 30, 40, 16, "fp32"),
    "long answers": (600, 16, 30, 150, 16, "bf16"),
    "one row": (600, 1, 30, 40, 16, "bf16"),
    "wide pack": (600, 64, 30, 40, 16, "bf16"),
    "rank 128": (600, 16, 30, 40, 128, "bf16"),
}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--device", default="auto")
    parser.add_argument("--backbone", default="smollm2-135m")
    parser.add_argument("--only", nargs="*", default=list(CONFIGURATIONS))
    parser.add_argument("--one", help="measure this configuration in this process")
    given = parser.parse_args()
    if given.one:
        print(json.dumps(measure(given)))
        return
    print(f"{'':20} {'tokens':>7} {'predicted':>10} {'measured':>10} {'ratio':>6}  parts (MiB)")
    for name in given.only:
        command = [sys.executable, __file__, "--device", given.device, "--backbone", given.backbone, "--one", name]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            print(name, "failed:", done.stderr[-2000:])
            continue
        r = json.loads(done.stdout.splitlines()[-1])
        total = sum(r["predicted"].values())
        parts = ", ".join(f"{k} {v / 2**20:,.0f}" for k, v in r["predicted"].items())
        print(
            f"{name:20} {r['tokens']:7} {total / 2**20:6,.0f} MiB {r['measured'] / 2**20:6,.0f} MiB"
            f" {total / r['measured']:6.2f}  {parts}; measured before the model: {r['before'] / 2**20:,.0f}",
            flush=True,
        )


def measure(given: argparse.Namespace) -> dict[str, Any]:
    """Train two steps of this configuration and say how much memory that took."""
    import torch

    from cypher_magic.model.backbones import local_folder
    from cypher_magic.model.catalogue import find
    from cypher_magic.model.load import choose_device, load_backbone
    from cypher_magic.model.memory import BASE, Workload, estimate
    from cypher_magic.model.prompt import Encoded
    from cypher_magic.training import worker  # noqa: F401 - what a worker imports takes memory too
    from cypher_magic.training.adapter import with_adapter
    from cypher_magic.training.settings import TrainingSettings
    from cypher_magic.training.trainer import build_trainer

    prefix, examples, asked, answered, rank, precision = CONFIGURATIONS[given.one]
    draw = torch.randint(5, 5000, (2 * examples, prefix + asked + answered), generator=torch.Generator().manual_seed(0))
    same = tuple(draw[0, :prefix].tolist())
    rows = [Encoded(same, tuple(r[:asked].tolist()), tuple(r[asked : asked + answered].tolist())) for r in draw]
    settings = TrainingSettings(
        epochs=1, batch_size=examples, pack_examples=examples, pack_tokens=1 << 20, lora_rank=rank, precision=precision
    )
    device = choose_device(given.device, precision)
    before = peak("rss")
    model = with_adapter(load_backbone(local_folder(given.backbone), device), settings, None)
    if device.kind == "cuda":
        torch.cuda.reset_peak_memory_stats()
    with tempfile.TemporaryDirectory() as folder:
        trainer = build_trainer(model, rows, (), settings, Path(folder), device)
        trainer.args.save_strategy = "no"
        trainer.train()
    tokens = prefix + examples * (asked + answered)
    shape = find(given.backbone)
    assert shape is not None
    work = Workload(
        tokens, examples * answered, rank, precision, prefix=prefix, examples=examples, kind=device.kind
    )  # fmt: skip
    return {
        "tokens": tokens,
        "predicted": vars(estimate(shape, work, base=0 if device.kind == "cuda" else BASE[device.kind])),
        "measured": peak(device.kind),
        "before": before,
    }


def peak(kind: str) -> int:
    """The largest memory so far in bytes."""
    import torch

    if kind == "cuda":
        return int(torch.cuda.max_memory_allocated())
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    main()
