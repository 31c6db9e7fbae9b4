"""What a run would do and need, told before it starts: rows that are too long, packs, steps, memory.

Nothing is loaded but the tokenizer: memory follows from the shape of the backbone and the largest pack.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cypher_magic.errors import DataError, TrainingError
from cypher_magic.model.catalogue import Backbone, find, from_config
from cypher_magic.model.memory import BASE, Estimate, Workload, estimate
from cypher_magic.model.room import Room, room
from cypher_magic.places import runs_dir
from cypher_magic.training.dealing import deal, shape_takes_packs
from cypher_magic.training.fits import gigabytes, number_format, proposal
from cypher_magic.training.packing import optimiser_steps
from cypher_magic.training.queue import holding
from cypher_magic.training.rows import Rows, encoded

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from cypher_magic.data.example import Example
    from cypher_magic.model.load import Device
    from cypher_magic.model.prompt import Prompt
    from cypher_magic.training.batches import Batch
    from cypher_magic.training.packing import Pack
    from cypher_magic.training.settings import TrainingSettings

_EPOCHS = 3  # whose packs are looked at for the largest one; later ones are alike
_HOPELESS = 1.15  # what is this much above the room is refused: the estimate is within 15 %


@dataclass(frozen=True)
class Forecast:
    """A run before it starts; `steps` are those of the optimiser in all epochs, `work` is that of the largest pack."""

    settings: TrainingSettings
    shape: Backbone
    folder: Path  # config and tokenizer of the backbone
    device: Device
    prompt: Prompt
    train: Rows
    val: Rows
    packs: tuple[Pack | Batch, ...]  # of the first epoch
    val_packs: tuple[Pack | Batch, ...]
    steps: int
    work: Workload
    room: Room

    @property
    def memory(self) -> Estimate:
        """The predicted peak, part by part."""
        return estimate(self.shape, self.work, base=BASE[self.device.kind])

    def complaint(self) -> str:
        """One line when the peak is above what is free on the device; empty when it fits."""
        if self.memory.total <= self.room.free:
            return ""
        return (
            f"{self.shape.name} needs about {gigabytes(self.memory.total)}, and {gigabytes(self.room.free)} of "
            f"{gigabytes(self.room.total)} are free on {self.device}"
        )

    def check(self, *, force: bool = False) -> str:
        """What to say before the run starts: empty, or that it may run out of memory and what would help.

        Raises `TrainingError` when not even one example at a time would fit, unless `force`.
        """
        complaint = self.complaint()
        if not complaint:
            return ""
        better = proposal(self.shape, self.work, self.room.free)
        if not force and estimate(self.shape, self._least(), base=BASE[self.device.kind]).total > (
            self.room.free * _HOPELESS
        ):
            hint = f"{better or 'free some memory, or train on a larger device'}; --force tries all the same"
            raise TrainingError(f"{complaint}.", hint=hint)
        return f"{complaint}: passes will be made smaller when memory runs out." + (
            f" What fits: {better}." if better else ""
        )

    def _least(self) -> Workload:
        """The longest example alone, its activations computed twice."""
        row = max(self.train.kept, key=len)
        return replace(
            self.work, tokens=len(row), answers=len(row.answer), prefix=len(row.prefix), examples=1, checkpointing=True
        )


def forecast(
    settings: TrainingSettings,
    train: Sequence[Example],
    val: Sequence[Example],
    *,
    folder: Path,
    schema: str | None = None,
    instruction: str = "",
) -> Forecast:
    """What a run with these settings and examples would do. `folder` holds config and tokenizer of the backbone.

    Raises what the run itself would raise: no row that is short enough, no such device, no chat template.
    """
    from cypher_magic.model.load import choose_device, load_tokenizer
    from cypher_magic.model.prompt import Prompt

    device = choose_device(settings.device, settings.precision)
    prompt = Prompt(load_tokenizer(folder), settings.prompt_style, instruction=instruction)
    rows, held_out = (encoded(part, prompt, schema, settings.max_tokens) for part in (train, val))
    if not rows.kept:
        raise DataError("No training example is short enough.", hint=f"raise max_tokens ({settings.max_tokens})")
    dealt = deal(rows.kept, held_out.kept, settings, packed=shape_takes_packs(settings.backbone, folder))
    epochs: list[Sequence[Pack | Batch]] = [dealt.plan.epoch(number) for number in range(min(_EPOCHS, settings.epochs))]
    held: Sequence[Pack | Batch] = dealt.val.in_order() if dealt.val else ()
    work = replace(
        workload([pack for packs in epochs for pack in packs]),
        rank=settings.lora_rank,
        precision=number_format(device),
        checkpointing=settings.gradient_checkpointing == "on",
        kind=device.kind,
    )
    return Forecast(
        settings=settings,
        shape=shape_of(settings.backbone, folder, prompt.style),
        folder=folder,
        device=device,
        prompt=prompt,
        train=rows,
        val=held_out,
        packs=tuple(epochs[0]),
        val_packs=tuple(held),
        steps=optimiser_steps(len(dealt.plan), dealt.per_step, settings.epochs),
        work=work,
        room=_room(device.kind),
    )


def _room(kind: str) -> Room:
    """The device's memory; all of it while another run trains there, for this one will wait until that has ended."""
    there = room(kind)
    return there if holding(runs_dir(), kind) is None else Room(there.total, there.total)


def workload(packs: Sequence[Pack | Batch]) -> Workload:
    """The largest of these packs, with the most answer tokens that one of its size has."""
    largest = max(packs, key=len)
    answers = max(pack.answer_tokens for pack in packs if len(pack) > 0.9 * len(largest))
    return Workload(len(largest), answers, prefix=len(largest.prefix), examples=len(largest.rows))


def shape_of(name: str, folder: Path, style: str) -> Backbone:
    """The catalogue's entry of a backbone, or one made from the configuration in its folder."""
    entry = find(name)
    if entry is not None:
        return entry
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(str(folder), trust_remote_code=False)
    return from_config(folder.name, config, style)
