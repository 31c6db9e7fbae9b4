"""Edge to transformers' Trainer and peft: one LoRA fine-tuning over packs.

The Trainer brings the optimiser, the schedule, accumulation, clipping, checkpoints and resume. What is ours: packs as
batches (`packing.py`), a loss over answer tokens only that is summed and divided by the answer tokens of the whole
optimiser step, and a validation loss that is exact over all answer tokens.
"""

from __future__ import annotations

import json
import math
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from peft.helpers import disable_input_dtype_casting
from torch.nn import functional
from torch.utils.data import Dataset, SequentialSampler
from transformers import PrinterCallback, Trainer, TrainingArguments

from cypher_magic.errors import OptionError, TrainingError
from cypher_magic.model.load import Device, adapter_shape
from cypher_magic.training.attention import use_pack_attention
from cypher_magic.training.packing import Pack, PackPlan, collate

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from cypher_magic.model.prompt import Encoded
    from cypher_magic.training.settings import TrainingSettings

_EMBEDDINGS = ("lm_head", "embed_out")  # linear modules that LoRA leaves alone: they are tied or as large as the rest


class Packs(Dataset):  # type: ignore[type-arg]
    """The packs of the current epoch; the Trainer's data loader calls `set_epoch`."""

    def __init__(self, plan: PackPlan) -> None:
        self.plan = plan
        self.packs = plan.epoch(0)

    def set_epoch(self, number: int) -> None:
        """Deal the packs of this epoch."""
        self.packs = self.plan.epoch(number)

    def __len__(self) -> int:
        return len(self.packs)

    def __getitem__(self, index: int) -> Pack:
        return self.packs[index]


class PackTrainer(Trainer):
    """transformers' Trainer over packs of schema-shared examples."""

    def __init__(self, *, val: Sequence[Pack] = (), **kwargs: Any) -> None:
        super().__init__(data_collator=lambda packs: collate(packs[0]), **kwargs)
        self.model_accepts_loss_kwargs = True  # compute_loss divides by the whole step's answer tokens
        self.val = val
        self.tokens_seen = 0
        self.examples_seen = 0

    def _get_train_sampler(self, train_dataset: Any = None) -> SequentialSampler:
        return SequentialSampler(self.train_dataset)

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """The summed cross-entropy of the pack's answer tokens over the answer tokens of the optimiser step."""
        self.tokens_seen += inputs["input_ids"].numel()
        self.examples_seen += len(inputs["lengths"]) - 1
        total = summed_loss(model, inputs)
        count = inputs["labels"].numel() if num_items_in_batch is None else num_items_in_batch
        return (total / count, None) if return_outputs else total / count

    @torch.no_grad()
    def validation_loss(self) -> float:
        """Mean cross-entropy per answer token (nats) over the validation packs."""
        was_training = self.model.training
        self.model.eval()
        device = next(self.model.parameters()).device
        total, count = 0.0, 0
        for pack in self.val:
            inputs = {k: v.to(device) for k, v in collate(pack).items()}
            total += float(summed_loss(self.model, inputs))
            count += pack.answer_tokens
        self.model.train(was_training)
        return total / count if count else math.nan


def summed_loss(model: Any, inputs: dict[str, Any]) -> torch.Tensor:
    """The cross-entropy summed over a pack's answer tokens, in float32; logits exist only at those positions."""
    mask = inputs["attention_mask"]
    # Eager attention adds the mask to the scores. PyTorch's, on a GPU, would turn a bool mask into that form in every
    # layer and keep it for the backward pass; made here once, all layers share it.
    if model.config._attn_implementation == "eager" or mask.device.type != "cpu":
        lowest = torch.finfo(model.dtype).min
        mask = torch.zeros(mask.shape, dtype=model.dtype, device=mask.device).masked_fill(~mask, lowest)
    else:
        mask.lengths = inputs["lengths"].tolist()
    with computing_in(model):
        logits = model(
            input_ids=inputs["input_ids"],
            position_ids=inputs["position_ids"],
            attention_mask=mask,
            logits_to_keep=inputs["keep"],
            use_cache=False,
        ).logits
    return functional.cross_entropy(logits[0].float(), inputs["labels"][0], reduction="sum")


@contextmanager
def computing_in(model: Any) -> Iterator[None]:
    """The adapter computes in the number format of the base weights, while its own weights stay float32.

    peft would turn every input of every adapted layer into a float32 copy that is kept for the backward pass: more
    than half of a small model's activation memory, and float32 products on top.
    """
    if model.dtype == torch.float32:
        yield
        return
    with disable_input_dtype_casting(model), torch.autocast(model.device.type, model.dtype):
        yield


def with_adapter(model: Any, settings: TrainingSettings, start: Path | None) -> Any:
    """The backbone with a trainable adapter: a new one, or the one in `start`; adapter weights are float32.

    Raises `OptionError` when the adapter to continue from has another LoRA rank or alpha than the settings ask for, or
    was made for another backbone.
    """
    use_pack_attention(model)
    if start is not None:
        return _continued(model, settings, start)
    names = [n for n, m in model.named_modules() if isinstance(m, torch.nn.Linear)]
    targets = sorted({n.rsplit(".", 1)[-1] for n in names} - set(_EMBEDDINGS))
    torch.manual_seed(settings.seed)
    config = LoraConfig(
        r=settings.lora_rank,
        lora_alpha=settings.lora_alpha,
        lora_dropout=settings.lora_dropout,
        target_modules=targets,
        task_type="CAUSAL_LM",
    )
    return get_peft_model(model, config)


def _continued(model: Any, settings: TrainingSettings, start: Path) -> Any:
    shape = adapter_shape(start)
    for name, key in (("lora_rank", "r"), ("lora_alpha", "lora_alpha")):
        has, wanted = shape.get(key), getattr(settings, name)
        if has != wanted:
            raise OptionError(
                f"The adapter to continue from has {name} {has}, the settings ask for {wanted}.",
                hint=f"leave {name} alone, or set start_from: scratch",
            )
    config = LoraConfig.from_pretrained(str(start))
    config.lora_dropout = settings.lora_dropout
    # peft looks for this folder whenever it saves: by another name it would ask the Hub, at every checkpoint
    config.base_model_name_or_path = model.name_or_path
    try:
        return PeftModel.from_pretrained(model, str(start), is_trainable=True, config=config)
    except (RuntimeError, ValueError, KeyError) as exc:
        raise OptionError(
            f"The adapter to continue from was made for another backbone than {settings.backbone}.",
            hint="set start_from: scratch, or the backbone of that run",
        ) from exc


def build_trainer(
    model: Any,
    train: Sequence[Encoded],
    val: Sequence[Encoded],
    settings: TrainingSettings,
    checkpoints: Path,
    device: Device,
    callbacks: Sequence[Any] = (),
) -> PackTrainer:
    """The trainer for these examples and settings, ready for `.train()`."""
    plan, per_step = plan_packs(train, settings)
    steps = optimiser_steps(len(plan), per_step, settings.epochs)
    arguments = TrainingArguments(
        output_dir=str(checkpoints),
        num_train_epochs=settings.epochs,
        per_device_train_batch_size=1,
        gradient_accumulation_steps=per_step,
        learning_rate=settings.learning_rate,
        lr_scheduler_type=settings.schedule,
        warmup_steps=round(steps * settings.warmup),
        weight_decay=settings.weight_decay,
        max_grad_norm=settings.clip,
        optim="adamw_torch_fused",
        logging_steps=settings.log_every,
        logging_nan_inf_filter=False,
        save_strategy="steps" if settings.checkpoint_every else "epoch",
        save_steps=settings.checkpoint_every or 500,
        save_total_limit=settings.keep_checkpoints,
        seed=settings.seed,
        use_cpu=device.kind == "cpu",
        fp16=device.kind == "cuda" and device.dtype == torch.float16,
        report_to="none",
        disable_tqdm=True,
        remove_unused_columns=False,
        dataloader_pin_memory=device.kind == "cuda",
    )
    val_plan = PackPlan(val, examples=settings.pack_examples, tokens=settings.pack_tokens) if val else None
    trainer = PackTrainer(
        model=model,
        args=arguments,
        train_dataset=Packs(plan),
        val=val_plan.in_order() if val_plan else (),
        callbacks=list(callbacks),
    )
    trainer.remove_callback(PrinterCallback)
    return trainer


def plan_packs(train: Sequence[Encoded], settings: TrainingSettings) -> tuple[PackPlan, int]:
    """The packs of an epoch, and how many of them make one optimiser step.

    With several schemas a step takes several packs, so that it never sees one graph only.
    """
    schemas = len({row.prefix for row in train})
    batch = settings.batch_size or (16 if schemas == 1 else 64)
    per_step = max(-(-batch // settings.pack_examples), min(4, schemas))
    examples = max(1, round(batch / per_step))
    return PackPlan(train, examples=examples, tokens=settings.pack_tokens, seed=settings.seed), per_step


def optimiser_steps(packs: int, per_step: int, epochs: int) -> int:
    """Optimiser steps in all; the last step of an epoch takes what is left."""
    return -(-packs // per_step) * epochs


def save_adapter(model: Any, folder: Path, source: str) -> None:
    """Write the adapter so that at every moment there is a whole one, the old or the new.

    `source` is written as the name of its base model, instead of this machine's cache folder; peft's own model card,
    which names that folder too, is left out (the run's card is ours).
    """
    fresh = folder.with_name(folder.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    model.save_pretrained(str(fresh), save_embedding_layers=False)
    config = fresh / "adapter_config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "base_model_name_or_path": source}, indent=2))
    (fresh / "README.md").unlink(missing_ok=True)
    if not folder.exists():
        fresh.rename(folder)
        return
    for file in sorted(fresh.iterdir()):  # all of a run's adapters have the same config: the weights are what changes
        file.replace(folder / file.name)
    fresh.rmdir()


def check_finite(loss: float, step: int) -> None:
    """Raise `TrainingError` when the loss is not a number."""
    if not math.isfinite(loss):
        raise TrainingError(
            f"The loss became {loss} at step {step}.", hint="use a lower learning_rate, or precision: fp32"
        )
