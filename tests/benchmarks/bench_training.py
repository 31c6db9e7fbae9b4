"""Training speed, memory and validation loss beside TRL's SFTTrainer: same model, rows, steps and machine.

    python tests/benchmarks/bench_training.py --data ../shared/data/text2cypher --train 96 --val 48
    python tests/benchmarks/bench_training.py --data ../shared/data/text2cypher --no-schema

Each engine runs in a process of its own (peak memory is its own), one after the other. TRL runs in two configurations,
with packing (bfd) and with plain batches, both with completion-only loss and without gradient checkpointing; the
faster one is the peer. Needs `pip install trl` besides the test extra. The validation loss is computed by the same
function for all, over the same rows, after the same number of examples in the same number of optimiser steps. On a CPU
that others use too, examples per processor second are the fairer figure.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ENGINES = ("ours", "trl-packed", "trl-plain")
GRAPHS = ("bluesky", "buzzoverflow", "recommendations", "stackoverflow2")
BATCH = 64


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, help="folder with text2cypher_gpt4turbo.csv and text2cypher_schemas.csv")
    parser.add_argument("--train", type=int, default=96)
    parser.add_argument("--val", type=int, default=48)
    parser.add_argument("--no-schema", action="store_true", help="rows without a schema in the prompt")
    parser.add_argument("--rank", type=int, default=16)
    parser.add_argument("--batch", type=int, default=BATCH, help="examples per optimiser step")
    parser.add_argument("--engines", default=",".join(ENGINES))
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--engine", choices=ENGINES)
    parser.add_argument("--rows", type=Path)
    given = parser.parse_args()
    if given.engine:
        print(json.dumps(run(given)))
        return
    with tempfile.TemporaryDirectory() as folder:
        rows = given.rows or Path(folder) / "rows.json"
        if not given.rows:
            rows.write_text(json.dumps(collect(given)))
        results = {}
        for engine in given.engines.split(","):
            command = [sys.executable, __file__, "--engine", engine, "--rows", str(rows), "--rank", str(given.rank)]
            command += ["--batch", str(given.batch), "--threads", str(given.threads)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                print(engine, "failed:", done.stderr[-2000:])
                continue
            results[engine] = json.loads(done.stdout.splitlines()[-1])
    table(results)


def table(results: dict[str, dict[str, Any]]) -> None:
    print(f"{'':12} {'examples/s':>11} {'per CPU s':>10} {'steps':>6} {'peak memory':>12} {'val loss':>9} {'after':>8}")
    for engine, r in results.items():
        memory = f"{r['memory'] / 2**20:,.0f} MiB"
        speeds = f"{r['speed']:11.2f} {r['processor']:10.2f} {r['steps']:6}"
        print(f"{engine:12} {speeds} {memory:>12} {r['before']:9.4f} {r['after']:8.4f}")
    peers = [r for name, r in results.items() if name.startswith("trl")]
    if "ours" in results and peers:
        ours, peer = results["ours"], max(peers, key=lambda r: r["speed"])
        print(
            f"ours / best TRL: {ours['speed'] / peer['speed']:.2f} x examples/s "
            f"({ours['processor'] / peer['processor']:.2f} x per processor second), "
            f"{ours['memory'] / peer['memory']:.2f} x peak memory, "
            f"{ours['after'] / peer['after']:.3f} x validation loss"
        )


def collect(given: argparse.Namespace) -> dict[str, list[dict[str, str | None]]]:
    """The rows of four graphs in equal parts, those that the gate lets through, drawn with a fixed seed."""
    from cypher_magic.training.starter import public

    kept = public([str(given.data / "text2cypher_gpt4turbo.csv")], str(given.data / "text2cypher_schemas.csv"))
    from cypher_magic.data.schemas import read_schemas

    schemas = read_schemas(given.data / "text2cypher_schemas.csv")
    parts: dict[str, list[dict[str, str | None]]] = {"train": [], "val": []}
    draw = random.Random(0)
    for graph in GRAPHS:
        rows = [e for e in kept if e.schema == schemas[graph]]
        share = {part: getattr(given, part) // len(GRAPHS) for part in parts}
        chosen = draw.sample(rows, min(len(rows), sum(share.values())))
        for i, e in enumerate(chosen):
            schema = None if given.no_schema else e.schema
            part = "train" if i < share["train"] else "val"
            parts[part].append({"question": e.question, "query": e.query, "schema": schema})
    for rows_of_part in parts.values():
        draw.shuffle(rows_of_part)
    return parts


def run(given: argparse.Namespace) -> dict[str, Any]:
    """One engine: the time of its training loop, peak memory, and the validation loss before and after."""
    import torch

    from cypher_magic.data.example import Example
    from cypher_magic.model.backbones import local_folder
    from cypher_magic.model.load import choose_device, load_backbone, load_tokenizer
    from cypher_magic.model.prompt import Prompt
    from cypher_magic.training.adapter import with_adapter
    from cypher_magic.training.settings import TrainingSettings
    from cypher_magic.training.trainer import build_trainer

    if given.threads:
        torch.set_num_threads(given.threads)
    parts = json.loads(given.rows.read_text())
    device, folder = choose_device(), local_folder()
    tokenizer = load_tokenizer(folder)
    prompt = Prompt(tokenizer)
    rows = {p: [prompt.encode(Example(r["question"], r["query"], r["schema"])) for r in parts[p]] for p in parts}
    settings = TrainingSettings(epochs=1, batch_size=given.batch, lora_rank=given.rank, start_from="scratch")
    out = Path(tempfile.mkdtemp())
    model = with_adapter(load_backbone(folder, device), settings, None)
    ours = build_trainer(model, rows["train"], rows["val"], settings, out / "ours", device)
    ours.args.save_strategy = "no"
    before = ours.validation_loss()
    trainer = ours if given.engine == "ours" else sft(model, tokenizer, rows["train"], given, settings, out)
    if device.kind == "cuda":
        torch.cuda.reset_peak_memory_stats()
        torch.cuda.synchronize()
    started, processor = time.perf_counter(), time.process_time()
    trainer.train()
    if device.kind == "cuda":
        torch.cuda.synchronize()
    seconds, processor = time.perf_counter() - started, time.process_time() - processor
    memory = (
        torch.cuda.max_memory_allocated()
        if device.kind == "cuda"
        else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    )
    return {
        "speed": len(rows["train"]) / seconds,
        "processor": len(rows["train"]) / processor,
        "steps": trainer.state.global_step,
        "memory": memory,
        "before": before,
        "after": ours.validation_loss(),
        "device": str(device),
    }


def packs_of(lengths: list[int], room: int) -> int:
    """How many packs of this size best-fit decreasing makes."""
    left: list[int] = []
    for length in sorted(lengths, reverse=True):
        fits = [i for i, free in enumerate(left) if free >= length]
        if fits:
            best = min(fits, key=left.__getitem__)
            left[best] -= length
        else:
            left.append(room - length)
    return len(left)


def sft(model: Any, tokenizer: Any, rows: list[Any], given: argparse.Namespace, settings: Any, out: Path) -> Any:
    """TRL's SFTTrainer on the same token ids, schedule and batch."""
    import builtins

    import pyarrow
    import torch
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    packed = given.engine == "trl-packed"
    # some versions of pyarrow name a class in a module where pickle does not find it
    builtins.MonthDayNano = pyarrow.MonthDayNano
    data = Dataset.from_list(
        [
            {
                "input_ids": list(r.prefix + r.question + r.answer),
                "completion_mask": [0] * (len(r.prefix) + len(r.question)) + [1] * len(r.answer),
                # plain batches are taken as they are, so they bring their labels
                **({} if packed else {"labels": [-100] * (len(r.prefix) + len(r.question)) + list(r.answer)}),
            }
            for r in rows
        ]
    )
    longest = max(len(r) for r in rows)
    room = max(2048, longest)
    steps = max(1, round(len(rows) / given.batch))
    micro = 1 if packed else 8
    # as many packs a step as make the same number of steps
    per_step = -(-packs_of([len(r) for r in rows], room) // steps) if packed else max(1, given.batch // micro)
    config = SFTConfig(
        output_dir=str(out / "trl"),
        num_train_epochs=1,
        per_device_train_batch_size=micro,
        gradient_accumulation_steps=per_step,
        learning_rate=settings.learning_rate,
        lr_scheduler_type=settings.schedule,
        warmup_steps=round(steps * settings.warmup),
        max_grad_norm=settings.clip,
        optim="adamw_torch_fused",
        packing=packed,
        max_length=room,
        completion_only_loss=True,
        gradient_checkpointing=False,
        train_sampling_strategy="random" if packed else "group_by_length",
        save_strategy="no",
        logging_steps=1,
        report_to="none",
        disable_tqdm=True,
        bf16=False,
        use_cpu=not torch.cuda.is_available(),
        seed=0,
        dataset_kwargs={"skip_prepare_dataset": not packed},
    )
    return SFTTrainer(model=model, args=config, train_dataset=data, processing_class=tokenizer)


if __name__ == "__main__":
    main()
