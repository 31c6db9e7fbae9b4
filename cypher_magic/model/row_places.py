"""Where the new tokens of texts stand that lie one behind the other and have a row of keys and values each."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

FEW = 8  # new tokens of a text that goes on; a question that comes in has more


@dataclass(frozen=True)
class RowPlaces:
    """The row and the place in it of each new token, and the places up to `end` that all rows have.

    Rows that go on are one part, new ones another, because their tokens are laid out side by side.
    """

    row: torch.Tensor
    at: torch.Tensor
    end: int
    parts: tuple[Part, ...]

    @classmethod
    def of(cls, starts: Sequence[int], counts: Sequence[int], device: Any) -> RowPlaces:
        """For so many tokens in each row, from these places on."""
        row = torch.tensor([row for row, n in enumerate(counts) for _ in range(n)], device=device)
        at = torch.tensor([s + i for s, n in zip(starts, counts, strict=True) for i in range(n)], device=device)
        end = max((s + n for s, n in zip(starts, counts, strict=True)), default=0)
        new = next((row for row, n in enumerate(counts) if n > FEW), len(counts))
        ranges = [range(new), range(new, len(starts))]
        return cls(row, at, end, tuple(Part.of(rows, starts, counts, at) for rows in ranges if rows))

    @classmethod
    def even(cls, rows: int, count: int, at: torch.Tensor, end: int) -> RowPlaces:
        """For `count` tokens in each row, at these places: made on the device alone, so that it can be recorded."""
        row = torch.arange(rows, device=at.device).repeat_interleave(count)
        part = Part(slice(0, rows), slice(0, rows * count), end, _behind(at, end), (rows, count))
        return cls(row, at, end, (part,))


@dataclass(frozen=True)
class Part:
    """Some neighbouring rows: how to lay their tokens out by row, and back.

    `behind` is how far each place of a row (tokens x places) is behind the token, negative in front of it; `shape` is
    rows x the most tokens that one of them has. A row with fewer is filled up with its last one: `grid` says with
    what, `back` what is left of it on the way back; without them there is nothing to fill up.
    """

    rows: slice
    tokens: slice
    end: int
    behind: torch.Tensor
    shape: tuple[int, int]
    grid: torch.Tensor | None = None
    back: torch.Tensor | None = None

    @classmethod
    def of(cls, rows: range, starts: Sequence[int], counts: Sequence[int], at: torch.Tensor) -> Part:
        """The part of these rows."""
        first = [0, *accumulate(counts)]
        tokens = slice(first[rows.start], first[rows.stop])
        end = max(starts[row] + counts[row] for row in rows)
        most = max(counts[row] for row in rows)
        grid = [first[row] - first[rows.start] + min(i, counts[row] - 1) for row in rows for i in range(most)]
        back = [(row - rows.start) * most + i for row in rows for i in range(counts[row])]
        filling = [None, None] if len(grid) == len(back) else [torch.tensor(x, device=at.device) for x in (grid, back)]
        return cls(slice(rows.start, rows.stop), tokens, end, _behind(at[tokens], end), (len(rows), most), *filling)

    def by_row(self, x: torch.Tensor) -> torch.Tensor:
        """From (groups x heads x tokens x d) to (rows x groups x heads * tokens x d)."""
        filled = x if self.grid is None else x[:, :, self.grid]
        return filled.view(*x.shape[:2], *self.shape, -1).permute(2, 0, 1, 3, 4).flatten(2, 3)

    def by_token(self, x: torch.Tensor) -> torch.Tensor:
        """The way back."""
        rows, most = self.shape
        filled = x.view(rows, x.shape[1], -1, most, x.shape[-1]).permute(1, 2, 0, 3, 4).flatten(2, 3)
        return filled if self.back is None else filled[:, :, self.back]


def _behind(at: torch.Tensor, end: int) -> torch.Tensor:
    return at[:, None] - torch.arange(end, device=at.device)[None]
