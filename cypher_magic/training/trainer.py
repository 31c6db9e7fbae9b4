"""Edge to transformers' Trainer: one LoRA fine-tuning over packs.

The Trainer brings the optimiser, the schedule, accumulation, clipping, checkpoints, resume and several processes. What
is ours: packs as batches (`packing.py`), a loss over answer tokens only that is summed and divided by the answer tokens
of the whole optimiser step (`loss.py`), passes that shrink when memory runs out (`recovery.py`), and a validation loss
that is exact over all answer tokens.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch.utils.data import Dataset, SequentialSampler
from transformers import PrinterCallback, Trainer, TrainingArguments

from cypher_magic.errors import OptionError, TrainingError
from cypher_magic.training.attention import takes_packs
from cypher_magic.training.dealing import deal
from cypher_magic.training.loss import IGNORED, summed_loss
from cypher_magic.training.processes import Processes
from cypher_magic.training.recovery import Passes, recompute
from cypher_magic.training.sharding import average_gradients, shard

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from cypher_magic.model.load import Device
    from cypher_magic.model.prompt import Encoded
    from cypher_magic.training.batches import BatchPlan
    from cypher_magic.training.packing import PackPlan
    from cypher_magic.training.settings import TrainingSettings

Tell = Callable[[str], None]  # one line for the person who waits


class Packs(Dataset[tuple[Any, bool]]):
    """The packs of the current epoch; the Trainer's data loader calls `set_epoch`.

    Several processes need the same number of packs each: what is missing is filled up with packs that count for
    nothing (None).
    """

    def __init__(self, plan: PackPlan | BatchPlan, processes: int = 1) -> None:
        self.plan = plan
        self.length = -(-len(plan) // processes) * processes
        self.packs = plan.epoch(0)

    def set_epoch(self, number: int) -> None:
        """Deal the packs of this epoch."""
        self.packs = self.plan.epoch(number)

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> tuple[Any, bool]:
        return (self.packs[index], True) if index < len(self.packs) else (self.packs[0].halves()[1], False)


def as_batch(items: list[tuple[Any, bool]]) -> dict[str, Any]:
    """A pack as the Trainer's batch: the labels, which it counts, and the pack."""
    [(pack, counts)] = items
    labels = torch.tensor([token for row in pack.rows for token in row.answer])
    return {"labels": labels if counts else torch.full_like(labels, IGNORED), "pack": pack}


class PackTrainer(Trainer):
    """transformers' Trainer over packs of schema-shared examples."""

    def __init__(self, *, val: Sequence[Any] = (), processes: Processes, tell: Tell, **kwargs: Any) -> None:
        super().__init__(data_collator=as_batch, **kwargs)
        self.model_accepts_loss_kwargs = True  # compute_loss divides by the whole step's answer tokens
        self.val, self.processes = val, processes
        self.passes = Passes(self.model, tell)
        self.tokens_seen = 0
        self.examples_seen = 0

    def _get_train_sampler(self, train_dataset: Any = None) -> SequentialSampler:
        return SequentialSampler(self.train_dataset)

    def training_step(self, model: Any, inputs: dict[str, Any], num_items_in_batch: Any = None) -> torch.Tensor:
        """The loss of one pack, whose gradients are added, in as many passes as memory needs."""
        self.model.train()
        pack, counts = inputs["pack"], bool((inputs["labels"] != IGNORED).any())

        def once(part: Any) -> torch.Tensor:
            tensors = part.tensors()
            if not counts:
                tensors["labels"].fill_(IGNORED)
            return super(PackTrainer, self).training_step(model, tensors, num_items_in_batch)

        losses = self.passes.run(pack, once)
        if counts:
            self.tokens_seen += len(pack) * self.processes.count
            self.examples_seen += len(pack.rows) * self.processes.count
        if self.processes.sharded and self.accelerator.sync_gradients:
            average_gradients(self.model.parameters())
        return torch.stack(losses).sum()

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """The summed cross-entropy of the pack's answer tokens over the answer tokens of the optimiser step.

        The step's answer tokens are those of all processes, whose gradients are averaged: hence the factor.
        """
        total = summed_loss(model, inputs)
        count = (inputs["labels"] != IGNORED).sum() if num_items_in_batch is None else num_items_in_batch
        loss = total * self.processes.count / count
        return (loss, None) if return_outputs else loss

    @torch.no_grad()
    def validation_loss(self) -> float:
        """Mean cross-entropy per answer token (nats) over the validation packs, shared out among the processes."""
        was_training = self.model.training
        self.model.eval()
        device = next(self.model.parameters()).device
        total = torch.zeros(2, dtype=torch.float64)

        def once(part: Any) -> float:
            return float(summed_loss(self.model, {k: v.to(device) for k, v in part.tensors().items()}))

        ours = list(self.val[self.processes.rank :: self.processes.count])
        missing = -(-len(self.val) // self.processes.count) - len(ours)
        for pack in ours:
            total += torch.tensor([sum(self.passes.run(pack, once)), pack.answer_tokens], dtype=torch.float64)
        if missing and self.processes.sharded:  # the others can not compute without our share of the weights
            self.passes.run(self.val[0], once)
        self.model.train(was_training)
        loss, count = self.processes.total(total, device).tolist()
        return loss / count if count else math.nan


def build_trainer(
    model: Any,
    train: Sequence[Encoded],
    val: Sequence[Encoded],
    settings: TrainingSettings,
    checkpoints: Path,
    device: Device,
    processes: Processes | None = None,
    callbacks: Sequence[Any] = (),
    tell: Tell = print,
) -> PackTrainer:
    """The trainer for these examples and settings, ready for `.train()`; `tell` gets what a person should know.

    Raises `OptionError` for a `report_to` whose library is not installed.
    """
    processes = processes or Processes(settings.shard)
    packed = takes_packs(model)
    if not packed:
        tell("this backbone can not tell packed examples apart: they are trained one beside the other, which is slower")
    dealt = deal(train, val, settings, packed=packed)
    packs = Packs(dealt.plan, processes.count)
    per_process = max(1, dealt.per_step // processes.count)
    steps = -(-(len(packs) // processes.count) // per_process) * settings.epochs
    arguments = TrainingArguments(
        output_dir=str(checkpoints),
        num_train_epochs=settings.epochs,
        per_device_train_batch_size=1,
        gradient_accumulation_steps=per_process,
        learning_rate=settings.learning_rate,
        lr_scheduler_type=settings.schedule,
        warmup_steps=round(steps * settings.warmup),
        weight_decay=settings.weight_decay,
        max_grad_norm=settings.clip,
        optim="adamw_torch_fused",
        torch_compile=settings.compile == "on",
        logging_steps=settings.log_every,
        logging_nan_inf_filter=False,
        save_strategy="steps" if settings.checkpoint_every else "epoch",
        save_steps=settings.checkpoint_every or 500,
        save_total_limit=settings.keep_checkpoints,
        seed=settings.seed,
        use_cpu=device.kind == "cpu",
        fp16=device.kind == "cuda" and device.dtype == torch.float16,
        report_to=_reporter(settings.report_to),
        disable_tqdm=True,
        remove_unused_columns=False,
        dataloader_pin_memory=False,
        ddp_find_unused_parameters=False,
    )
    if settings.gradient_checkpointing == "on":
        recompute(model)
    if processes.sharded:
        share = shard(model, device.kind)
        tell(f"the backbone's weights are divided among {processes.count} processes: {share:.0%} of them here")
    trainer = PackTrainer(
        model=model,
        args=arguments,
        train_dataset=packs,
        val=dealt.val.in_order() if dealt.val else (),
        callbacks=list(callbacks),
        processes=processes,
        tell=tell,
    )
    trainer.remove_callback(PrinterCallback)
    return trainer


def _reporter(name: str) -> str:
    """The name of an experiment tracker, if its library is there."""
    from importlib.util import find_spec

    if name != "none" and find_spec(name) is None:
        raise OptionError(f"report_to: {name} needs the package {name}.", hint=f"%pip install {name}")
    return name


def check_finite(loss: float, step: int) -> None:
    """Raise `TrainingError` when the loss is not a number."""
    if not math.isfinite(loss):
        raise TrainingError(
            f"The loss became {loss} at step {step}.", hint="use a lower learning_rate, or precision: fp32"
        )
