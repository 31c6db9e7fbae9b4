"""The training process: `python -m cypher_magic.training.worker RUN_FOLDER`.

Reads the run folder, trains, and says what happens in `events.jsonl`. It knows nothing of notebooks. A file STOP in
the folder ends it after the step it is in; the adapter is written then too.
"""

from __future__ import annotations

import sys
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import torch
from transformers import TrainerCallback

from cypher_magic.errors import CypherMagicError, DataError
from cypher_magic.model.backbones import local_folder, public_name
from cypher_magic.model.generate import CypherModel
from cypher_magic.model.load import choose_device, load_backbone, load_tokenizer
from cypher_magic.model.prompt import Encoded, Prompt
from cypher_magic.model.starter import starting_adapter
from cypher_magic.training.checkpoints import newest_checkpoint
from cypher_magic.training.events import EventWriter
from cypher_magic.training.queue import turn
from cypher_magic.training.runs import Run
from cypher_magic.training.trainer import PackTrainer, build_trainer, check_finite, save_adapter, with_adapter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cypher_magic.data.example import Example


def main(folder: Path) -> int:
    """Train the run in this folder; 0 when it completed or was stopped, 1 when it failed (the reason is an event)."""
    run, events = Run(folder), EventWriter(folder / "events.jsonl")
    try:
        with turn(run, events) as ours:
            if ours:
                train(run, events)
    except CypherMagicError as exc:
        events.write("failed", message=exc.message, hint=exc.hint)
    except OSError as exc:
        traceback.print_exc()
        events.write("failed", message=f"{exc.strerror or exc}", hint="is the disk full?")
    except Exception as exc:  # the last place that can tell the notebook; the log has the traceback
        traceback.print_exc()
        message = str(exc).splitlines()[0] if str(exc) else ""
        events.write("failed", message=f"{type(exc).__name__}: {message}", hint=f"see {folder / 'worker.log'}")
    else:
        return 0
    return 1


def train(run: Run, events: EventWriter) -> None:
    """Load, encode, train, save."""
    settings, card = run.settings, run.card
    if settings.threads:
        torch.set_num_threads(settings.threads)
    device = choose_device(settings.device, settings.precision)
    folder = local_folder(settings.backbone)
    tokenizer = load_tokenizer(folder)
    prompt = Prompt(tokenizer, settings.prompt_style, instruction=card.get("prefix", ""))
    rows, left_out = _encode(run.examples("train"), prompt, card["schema"], settings.max_tokens)
    val, _ = _encode(run.examples("val"), prompt, card["schema"], settings.max_tokens)
    if left_out:
        events.write("noted", message=f"{left_out} examples are longer than {settings.max_tokens} tokens: left out")
    if not rows:
        raise DataError("No training example is short enough.", hint=f"raise max_tokens ({settings.max_tokens})")
    start = starting_adapter(settings.start_from, settings.backbone)
    model = with_adapter(load_backbone(folder, device), settings, start)
    trainer = build_trainer(model, rows, val, settings, run.folder / "checkpoints", device)
    trainer.add_callback(Reporter(run, events, trainer, CypherModel(model, tokenizer, prompt)))
    events.write(
        "started", device=str(device), rows=len(rows), packs=len(trainer.train_dataset), epochs=settings.epochs
    )
    checkpoint = newest_checkpoint(run.folder / "checkpoints")
    if checkpoint is not None:
        events.write("noted", message=f"going on from step {checkpoint.name.partition('-')[2]}")
    trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    save_adapter(model, run.folder / "adapter", public_name(settings.backbone))
    state = "stopped" if trainer.state.global_step < trainer.state.max_steps else "completed"
    run.update_card(prompt_style=prompt.style, device=str(device), state=state, versions=_versions())
    events.write("finished", state=state, steps=trainer.state.global_step)


def _encode(examples: Sequence[Example], prompt: Prompt, schema: str | None, limit: int) -> tuple[list[Encoded], int]:
    encoded = [prompt.encode(example, schema) for example in examples]
    kept = [row for row in encoded if len(row) <= limit]
    return kept, len(encoded) - len(kept)


def _versions() -> dict[str, str]:
    from importlib.metadata import version

    return {name: version(name) for name in ("cypher-magic", "torch", "transformers", "peft")}


class Reporter(TrainerCallback):
    """Turns what the Trainer does into events, evaluates after each epoch, and stops when it is asked to."""

    def __init__(self, run: Run, events: EventWriter, trainer: PackTrainer, model: CypherModel) -> None:
        self.run, self.events, self.trainer, self.model = run, events, trainer, model
        self.process = psutil.Process()
        self.training_seconds = 0.0
        self.evaluating_seconds = 0.0
        self.first_step = 0
        self.resumed_at = time.perf_counter()

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Evaluate before the first step, so that the chart has a start."""
        self.first_step = state.global_step
        if not self.first_step:
            self._evaluate(0.0)
        self.resumed_at = time.perf_counter()

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any], **kwargs: Any) -> None:
        """Write a step event for the Trainer's log line."""
        if "loss" not in logs:
            return
        seconds = self.training_seconds + time.perf_counter() - self.resumed_at
        per_step = seconds / max(1, state.global_step - self.first_step)
        evaluations = self.trainer.args.num_train_epochs - int(logs["epoch"])
        self.events.write(
            "step",
            step=state.global_step,
            steps=state.max_steps,
            epoch=round(logs["epoch"], 3),
            loss=logs["loss"],
            learning_rate=logs["learning_rate"],
            grad_norm=float(logs.get("grad_norm", 0.0)),
            tokens_per_second=round(self.trainer.tokens_seen / seconds, 1),
            examples_per_second=round(self.trainer.examples_seen / seconds, 2),
            memory_bytes=self._memory(),
            eta_seconds=round((state.max_steps - state.global_step) * per_step + evaluations * self.evaluating_seconds),
        )
        check_finite(logs["loss"], state.global_step)

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Stop after this step when the run was asked to."""
        if (self.run.folder / "STOP").exists():
            control.should_training_stop = True

    def on_epoch_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Evaluate, unless somebody is waiting for the run to stop."""
        self.training_seconds += time.perf_counter() - self.resumed_at
        if not (self.run.folder / "STOP").exists():
            self._evaluate(round(state.epoch, 3))
        self.resumed_at = time.perf_counter()

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Keep the checkpoint's adapter as the run's adapter, so that a run that dies still has one."""
        save_adapter(self.trainer.model, self.run.folder / "adapter", public_name(self.run.settings.backbone))
        self.events.write("checkpointed", step=state.global_step)

    def _evaluate(self, epoch: float) -> None:
        began = time.perf_counter()
        if self.trainer.val:
            self.events.write("evaluated", epoch=epoch, loss=self.trainer.validation_loss())
        probes = self.run.examples("val")[: self.run.settings.probes]
        if probes:
            self.events.write("sampled", epoch=epoch, samples=self._answers(probes))
        self.evaluating_seconds = time.perf_counter() - began

    def _answers(self, probes: Sequence[Example]) -> list[dict[str, str]]:
        schema = self.run.card["schema"]
        asked = [self.model.prompt.ask(e.question, e.schema or schema, e.history) for e in probes]
        self.trainer.model.eval()
        replies = self.model.complete_many(asked, max_tokens=128)
        self.trainer.model.train()
        return [
            {"question": e.question, "query": e.query, "reply": r.text} for e, r in zip(probes, replies, strict=True)
        ]

    def _memory(self) -> int:
        if torch.cuda.is_available():
            return int(torch.cuda.max_memory_allocated())
        return int(self.process.memory_info().rss)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
