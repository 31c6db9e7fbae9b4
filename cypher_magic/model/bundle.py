"""Many questions behind one prefix at the same time.

A `Bundle` lays the questions and their replies side by side in one sequence, each seeing the prefix and itself only.
The prefix's keys and values are there once for all of them, questions come in as others are done, and where there is
room, guessed tokens are computed along. Models that can not keep them apart get a row of a padded batch each (`Rows`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from transformers import DynamicCache

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from cypher_magic.model.drafts import Drafts
    from cypher_magic.model.generate import Guide
    from cypher_magic.model.prompt import Encoded

GUESSED = 5  # tokens that are computed along with each one, in the hope that the model agrees
_ROOM = 32  # tokens of a step that cost hardly more than one
_MOST_DEAD = 1000  # places of the cache that no one needs any more


class Bundle:
    """Questions behind one prefix, side by side; `cache` holds the prefix, and becomes the bundle's own."""

    def __init__(
        self, model: Any, cache: Any, asked: Sequence[Encoded], guides: Sequence[Guide], drafts: Drafts, width: int
    ) -> None:
        self._model, self._cache, self._guides, self._drafts, self._width = model, cache, guides, drafts, width
        self._questions = [list(a.question) for a in asked]
        self._shared = cache.get_seq_length()
        self._fed: list[list[int]] = [[] for _ in asked]  # per question, the tokens that the cache holds
        self._columns: list[list[int]] = [[] for _ in asked]  # and where it holds them

    def run(self) -> Iterator[int]:
        """Compute all replies, into the guides; yields how many are done, whenever there are more."""
        waiting, open_ = list(range(len(self._questions))), list[int]()
        while waiting or open_:
            open_, waiting = open_ + waiting[: self._width - len(open_)], waiting[self._width - len(open_) :]
            self._step(open_)
            left = [i for i in open_ if not self._guides[i].done]
            for i in set(open_) - set(left):
                self._drafts.learn([*self._questions[i][-3:], *self._guides[i].tokens])
            if len(left) < len(open_):
                yield len(self._questions) - len(waiting) - len(left)
            open_ = left
            if open_:
                self._tidy(open_)

    def _step(self, rows: list[int]) -> None:
        ids, positions, places = list[int](), list[int](), list[tuple[int, int, int]]()
        guessed = min(GUESSED, _ROOM // len(rows) - 1)
        width = self._cache.get_seq_length()
        for i in rows:
            wanted = self._questions[i] + self._guides[i].tokens
            kept = min(common(self._fed[i], wanted), len(wanted) - 1)
            guesses = self._drafts.guess(wanted, guessed) if guessed > 0 else []
            self._fed[i] = wanted + guesses
            new = self._fed[i][kept:]
            self._columns[i] = [*self._columns[i][:kept], *range(width + len(ids), width + len(ids) + len(new))]
            ids += new
            positions += range(self._shared + kept, self._shared + len(self._fed[i]))
            places.append((i, len(new), len(guesses) + 1))
        logits = self._forward(ids, positions, places, width)
        best, at = logits.argmax(-1).tolist(), 0
        for i, _, count in places:
            scored = logits[at : at + count]
            for _ in lead(self._guides[i], self._questions[i], self._fed[i], scored, best[at : at + count]):
                pass
            at += count

    def _forward(
        self, ids: list[int], positions: list[int], places: list[tuple[int, int, int]], width: int
    ) -> torch.Tensor:
        """The scores at the last places of each question, one below the other."""
        mask = torch.zeros(len(ids), width + len(ids), dtype=torch.bool)
        mask[:, : self._shared] = True
        keep, at = list[int](), 0
        for i, new, count in places:
            seen = torch.tensor(self._columns[i])
            # The new tokens are the last of this question's columns, and each sees those up to itself.
            mask[at : at + new, seen] = torch.ones(new, len(seen), dtype=torch.bool).tril(len(seen) - new)
            keep += range(at + new - count, at + new)
            at += new
        return forward(self._model, self._cache, ids, positions, mask, keep)

    def _tidy(self, rows: list[int]) -> None:
        """Drop from the cache what no open question sees any more."""
        alive = [*range(self._shared), *sorted(c for i in rows for c in self._columns[i])]
        if self._cache.get_seq_length() - len(alive) < _MOST_DEAD:
            return
        index = torch.tensor(alive, device=self._model.device)
        for layer in self._cache.layers:
            layer.keys, layer.values = layer.keys[:, :, index], layer.values[:, :, index]
        moved = {column: at for at, column in enumerate(alive)}
        for i in rows:
            self._columns[i] = [moved[c] for c in self._columns[i]]


def forward(
    model: Any, cache: Any, ids: list[int], positions: list[int], mask: torch.Tensor, keep: list[int]
) -> torch.Tensor:
    """The scores at these places of a sequence whose tokens see what the mask (tokens x cache and tokens) says."""
    device = model.device
    seen = mask.to(device)[None, None]
    if model.config._attn_implementation == "eager":  # it adds the mask
        seen = torch.zeros(seen.shape, dtype=model.dtype, device=device).masked_fill(
            ~seen, torch.finfo(model.dtype).min
        )
    logits = model(
        input_ids=torch.tensor([ids], device=device),
        attention_mask=seen,
        position_ids=torch.tensor([positions], device=device),
        past_key_values=cache,
        use_cache=True,
        logits_to_keep=torch.tensor(keep, device=device),
    ).logits
    return torch.Tensor(logits[0])


@torch.inference_mode()
def takes_bundles(model: Any) -> bool:
    """Whether this model keeps texts side by side apart: tried with a few tokens.

    Some attentions ignore such a mask or refuse it, some models count positions on their own, and those that carry a
    state from token to token know no mask.
    """
    beside = torch.tensor([[1, 0, 0, 0], [1, 1, 0, 0], [1, 0, 1, 0], [1, 0, 1, 1]], dtype=torch.bool)
    try:
        together = forward(model, DynamicCache(), [1, 2, 3, 4], [0, 1, 1, 2], beside, [3])[0].float()
        alone = forward(model, DynamicCache(), [1, 3, 4], [0, 1, 2], torch.ones(3, 3, dtype=torch.bool).tril(), [2])[0]
        other = forward(model, DynamicCache(), [1, 5, 3, 4], [0, 1, 1, 2], beside, [3])[0].float()
    except (ValueError, TypeError, IndexError, RuntimeError):
        return False
    alone = alone.float()
    likeness = torch.cosine_similarity(together - together.mean(), alone - alone.mean(), dim=0)
    return bool(torch.allclose(together, other, atol=1e-3) and likeness > 0.99)


def lead(guide: Guide, question: list[int], fed: list[int], logits: torch.Tensor, best: list[int]) -> Iterator[None]:
    """Show the guide the scores at the last places of what was fed, as long as the guesses there were its choice."""
    for at, token in enumerate(best):
        guide.next(token, scores(logits[at]))
        yield
        if guide.done or question + guide.tokens != fed[: len(fed) - len(best) + at + 2]:
            return


class Rows:
    """Questions behind one prefix, a row of the batch each: for models whose attention can not keep a bundle apart.

    Every step feeds one token a row; what was taken back is masked.
    """

    def __init__(self, model: Any, cache: Any, asked: list[Encoded], guides: list[Guide]) -> None:
        self._model, self._cache, self._asked, self._guides = model, cache, asked, guides
        self._shared = len(asked[0].prefix)
        self._longest = max(len(a.question) for a in asked)
        self._rows = list(range(len(asked)))  # the questions that are still open, in the order of the cache's rows
        # Per row, what was fed from the question's last token on, and the column of the cache that holds each of it.
        self._fed = [[a.question[-1]] for a in asked]
        self._columns = [[self._shared + self._longest - 1] for _ in asked]

    def run(self) -> None:
        """Compute all replies, into the guides."""
        logits, mask = self._start()
        while self._rows:
            best = logits.argmax(-1).tolist()
            for at, row in enumerate(self._rows):
                if self._fed[row] == self._wanted(row):  # else tokens that the guide put there are still to be fed
                    self._guides[row].next(best[at], scores(logits[at]))
            mask = self._leave(mask)
            if self._rows:
                logits, mask = self._feed(mask)

    def _wanted(self, row: int) -> list[int]:
        return [self._asked[row].question[-1], *self._guides[row].tokens]

    def _start(self) -> tuple[torch.Tensor, torch.Tensor]:
        device, asked, longest = self._model.device, self._asked, self._longest
        if self._shared:
            self._cache.batch_repeat_interleave(len(asked))
        # Questions are padded on the left, behind the prefix; the padding (any token) is masked and takes no position.
        ids = torch.tensor([[0] * (longest - len(a.question)) + list(a.question) for a in asked], device=device)
        mask = torch.tensor(
            [[1] * self._shared + [0] * (longest - len(a.question)) + [1] * len(a.question) for a in asked],
            device=device,
        )
        positions = (mask.cumsum(-1) - 1).clamp(min=0)[:, self._shared :]
        return self._forward(ids, mask, positions), mask

    def _leave(self, mask: torch.Tensor) -> torch.Tensor:
        """Take rows that are done out of the batch: the others become cheaper."""
        stay = [at for at, row in enumerate(self._rows) if not self._guides[row].done]
        if len(stay) == len(self._rows):
            return mask
        self._rows = [self._rows[at] for at in stay]
        if not stay:
            return mask
        kept = torch.tensor(stay, device=mask.device)
        self._cache.batch_select_indices(kept)
        return mask[kept]

    def _feed(self, mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        ids, positions = [], []
        width = mask.shape[1]
        mask = torch.cat([mask, mask.new_ones(len(self._rows), 1)], dim=1)
        for at, row in enumerate(self._rows):
            wanted = self._wanted(row)
            kept = min(common(self._fed[row], wanted), len(wanted) - 1)
            mask[at, self._columns[row][kept:]] = 0  # taken back
            self._columns[row] = [*self._columns[row][:kept], width]
            self._fed[row] = wanted[: kept + 1]
            ids.append([wanted[kept]])
            positions.append([self._shared + len(self._asked[row].question) + kept - 1])
        device = mask.device
        return self._forward(torch.tensor(ids, device=device), mask, torch.tensor(positions, device=device)), mask

    def _forward(self, ids: torch.Tensor, mask: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
        logits = self._model(
            input_ids=ids,
            attention_mask=mask,
            position_ids=positions,
            past_key_values=self._cache,
            use_cache=True,
            logits_to_keep=1,
        ).logits
        return torch.Tensor(logits[:, -1])


def scores(logits: torch.Tensor) -> Callable[[], NDArray[np.float32]]:
    """The scores of all tokens at one place, when they are asked for."""
    return lambda: logits.float().cpu().numpy()


def common(a: list[int], b: list[int]) -> int:
    """How many tokens two texts have in common at their beginning."""
    return next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
