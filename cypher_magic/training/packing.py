"""Schema-shared packing: one pass computes a schema prefix once for many questions behind it.

A pack is `[prefix | question answer | question answer | ...]`. Every question sees the prefix and itself, never
another question; its positions go on from the end of the prefix as if it stood alone. The attention mask is therefore
causal inside each segment and open towards the prefix:

    allowed[i, j] = j <= i and (segment[j] == PREFIX or segment[j] == segment[i])

Logits are only computed where an answer token is predicted. A pack gives the same loss and gradients as its examples
one by one (tests/training/test_packing.py), at a fraction of the tokens: with a schema of 600 tokens and rows of 60,
sixteen examples cost 1,560 tokens instead of 10,560.
"""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from cypher_magic.model.prompt import Encoded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cypher_magic.training.settings import TrainingSettings

PREFIX = -1
Row = Encoded


@dataclass(frozen=True)
class Pack:
    """Examples that share one prefix."""

    prefix: tuple[int, ...]
    rows: tuple[Row, ...]

    def __len__(self) -> int:
        """Tokens in the pack."""
        return len(self.prefix) + sum(len(row.question) + len(row.answer) for row in self.rows)

    @property
    def answer_tokens(self) -> int:
        """Tokens that are trained on."""
        return sum(len(row.answer) for row in self.rows)

    def halves(self) -> tuple[Pack, Pack]:
        """The pack as two of half as many examples each."""
        middle = len(self.rows) // 2
        return replace(self, rows=self.rows[:middle]), replace(self, rows=self.rows[middle:])

    def tensors(self) -> dict[str, Any]:
        """What the model takes, see `collate`."""
        return collate(self)


class PackPlan:
    """Deals examples into packs, anew for every epoch, always the same number of them.

    The number is fixed so that the length of an epoch is known; the examples of one prefix are shuffled and cut at
    equal shares of their tokens, so that packs are alike in size.
    """

    def __init__(self, rows: Sequence[Row], *, examples: int, tokens: int, seed: int = 0) -> None:
        groups: dict[tuple[int, ...], list[Row]] = defaultdict(list)
        for row in rows:
            groups[row.prefix].append(row)
        self.groups = list(groups.values())
        self.seed = seed
        self.counts = [_packs_needed(group, examples, tokens) for group in self.groups]

    def __len__(self) -> int:
        """Packs per epoch."""
        return sum(self.counts)

    def epoch(self, number: int) -> list[Pack]:
        """The packs of one epoch in the order of training; the same for the same number and seed."""
        draw = random.Random(f"{self.seed}/{number}")
        packs: list[Pack] = []
        for group, count in zip(self.groups, self.counts, strict=True):
            shuffled = draw.sample(group, len(group))
            packs += [Pack(group[0].prefix, tuple(chunk)) for chunk in _even_chunks(shuffled, count)]
        draw.shuffle(packs)
        return packs

    def in_order(self) -> list[Pack]:
        """The packs without shuffling, for validation."""
        return [
            Pack(group[0].prefix, tuple(chunk))
            for group, count in zip(self.groups, self.counts, strict=True)
            for chunk in _even_chunks(group, count)
        ]


def plan_packs(rows: Sequence[Row], settings: TrainingSettings) -> tuple[PackPlan, int]:
    """The packs of an epoch, and how many of them make one optimiser step.

    With several schemas a step takes several packs, so that it never sees one graph only.
    """
    schemas = len({row.prefix for row in rows})
    batch = batch_of(rows, settings)
    per_step = max(-(-batch // settings.pack_examples), min(4, schemas))
    examples = max(1, round(batch / per_step))
    return PackPlan(rows, examples=examples, tokens=settings.pack_tokens, seed=settings.seed), per_step


def batch_of(rows: Sequence[Row], settings: TrainingSettings) -> int:
    """Examples per optimiser step: as set, or 16 behind one schema and 64 behind several."""
    return settings.batch_size or (16 if len({row.prefix for row in rows}) == 1 else 64)


def optimiser_steps(packs: int, per_step: int, epochs: int) -> int:
    """Optimiser steps in all; the last step of an epoch takes what is left."""
    return -(-packs // per_step) * epochs


def _packs_needed(group: Sequence[Row], examples: int, tokens: int) -> int:
    own = sum(len(row) - len(row.prefix) for row in group)
    room = max(tokens - len(group[0].prefix), max(len(row) - len(row.prefix) for row in group))
    return min(len(group), max(-(-len(group) // examples), -(-own // room)))


def _even_chunks(rows: Sequence[Row], count: int) -> list[list[Row]]:
    """`count` runs of neighbouring rows, none empty, alike in number of rows and so roughly in tokens."""
    size, extra = divmod(len(rows), count)
    chunks, start = [], 0
    for i in range(count):
        stop = start + size + (i < extra)
        chunks.append(list(rows[start:stop]))
        start = stop
    return chunks


def collate(pack: Pack) -> dict[str, Any]:
    """The pack as tensors.

    input_ids, position_ids: (1, T) int64; attention_mask: (1, 1, T, T) bool, True = may attend; keep: (A,) positions
    whose logits are needed; labels: (1, A) the answer tokens that those positions predict; lengths: (1 + n,) tokens of
    the prefix and of each example.
    """
    import torch

    ids, positions, segments = list(pack.prefix), list(range(len(pack.prefix))), [PREFIX] * len(pack.prefix)
    keep: list[int] = []
    labels: list[int] = []
    for number, row in enumerate(pack.rows):
        start, length = len(ids), len(row.question) + len(row.answer)
        first = start + len(row.question) - 1  # the last token of the question predicts the first of the answer
        keep += range(first, first + len(row.answer))
        labels += row.answer
        ids += (*row.question, *row.answer)
        positions += range(len(pack.prefix), len(pack.prefix) + length)
        segments += [number] * length
    segment = torch.tensor(segments)
    mask = ((segment[None, :] == PREFIX) | (segment[None, :] == segment[:, None])).tril()
    return {
        "input_ids": torch.tensor([ids]),
        "position_ids": torch.tensor([positions]),
        "attention_mask": mask[None, None],
        "keep": torch.tensor(keep),
        "labels": torch.tensor([labels]),
        "lengths": torch.tensor([len(pack.prefix), *(len(r.question) + len(r.answer) for r in pack.rows)]),
    }
