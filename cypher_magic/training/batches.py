"""Padded batches of examples of like length, for models whose attention can not take the mask of a pack.

Each row stands alone, as in any other trainer: `[padding | prefix question answer]`. Padding is in front, so that the
answers end at the same place and logits are needed at the last positions only.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from cypher_magic.model.prompt import Encoded

if TYPE_CHECKING:
    from collections.abc import Sequence

Row = Encoded


@dataclass(frozen=True)
class Batch:
    """Examples that go through the model side by side."""

    rows: tuple[Row, ...]

    def __len__(self) -> int:
        """Tokens in the batch, with the padding."""
        return len(self.rows) * max(map(len, self.rows))

    @property
    def answer_tokens(self) -> int:
        """Tokens that are trained on."""
        return sum(len(row.answer) for row in self.rows)

    @property
    def prefix(self) -> tuple[int, ...]:
        """No tokens: nothing is shared."""
        return ()

    def halves(self) -> tuple[Batch, Batch]:
        """The batch as two of half as many examples each."""
        middle = len(self.rows) // 2
        return replace(self, rows=self.rows[:middle]), replace(self, rows=self.rows[middle:])

    def tensors(self) -> dict[str, Any]:
        """The batch as tensors.

        input_ids, position_ids, attention_mask (1 = not padding): (n, T) int64; keep: (A,) the positions whose logits
        are needed, A the longest answer; labels: (n, A), `IGNORED` where a row's answer is shorter.
        """
        import torch

        from cypher_magic.training.loss import IGNORED

        longest, answers = max(map(len, self.rows)), max(len(row.answer) for row in self.rows)
        ids = [row.prefix + row.question + row.answer for row in self.rows]
        mask = torch.tensor([[0] * (longest - len(row)) + [1] * len(row) for row in ids])
        return {
            "input_ids": torch.tensor([[0] * (longest - len(row)) + list(row) for row in ids]),
            "position_ids": (mask.cumsum(-1) - 1).clamp(min=0),
            "attention_mask": mask,
            "keep": torch.arange(longest - answers - 1, longest - 1),
            "labels": torch.tensor([[IGNORED] * (answers - len(r.answer)) + list(r.answer) for r in self.rows]),
        }


class BatchPlan:
    """Deals examples into batches of like length, anew for every epoch, always the same number of them."""

    def __init__(self, rows: Sequence[Row], *, examples: int, seed: int = 0) -> None:
        self.rows, self.examples, self.seed = list(rows), examples, seed

    def __len__(self) -> int:
        """Batches per epoch."""
        return -(-len(self.rows) // self.examples)

    def epoch(self, number: int) -> list[Batch]:
        """The batches of one epoch in the order of training; the same for the same number and seed."""
        draw = random.Random(f"{self.seed}/{number}")
        batches = self._cut(draw.sample(self.rows, len(self.rows)))
        draw.shuffle(batches)
        return batches

    def in_order(self) -> list[Batch]:
        """The batches without shuffling, for validation."""
        return self._cut(self.rows)

    def _cut(self, rows: Sequence[Row]) -> list[Batch]:
        ordered = sorted(rows, key=len)
        return [Batch(tuple(ordered[i : i + self.examples])) for i in range(0, len(ordered), self.examples)]
