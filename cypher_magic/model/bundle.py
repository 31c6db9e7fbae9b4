"""Many questions behind one prefix at the same time.

A `Bundle` keeps the questions and their replies side by side behind the prefix. Questions come in as others are done,
and where there is room, guessed tokens are computed along. Models that can not keep them apart get a row of a padded
batch each (`Rows`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from cypher_magic.model.shared_prefix import Texts, common, computed, taking

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from cypher_magic.model.drafts import Drafts
    from cypher_magic.model.generate import Guide
    from cypher_magic.model.prompt import Encoded

GUESSED = 5  # tokens that are computed along with each one, in the hope that the model agrees
_ROOM = 32  # tokens of a step that cost hardly more than one
_MOST_NEW = 1024  # tokens of questions that come in at once
MOST_ROWS = 32  # of a padded batch, each of which has a copy of the prefix


class Bundle:
    """Questions behind one prefix, each in a row of `texts`: as many at a time as it has."""

    def __init__(self, texts: Texts, asked: Sequence[Encoded], guides: Sequence[Guide], drafts: Drafts) -> None:
        self._texts, self._guides, self._drafts = texts, guides, drafts
        self._questions = [list(a.question) for a in asked]

    def run(self) -> Iterator[int]:
        """Compute all replies, into the guides; yields how many are done, whenever there are more."""
        waiting = list(range(len(self._questions)))[::-1]
        rows: list[int] = []  # the question of each row
        with self._texts.attention():
            while waiting or rows:
                new = 0
                while waiting and len(rows) < self._texts.width:
                    new += len(self._questions[waiting[-1]])
                    if rows and new > _MOST_NEW:
                        break
                    rows.append(waiting.pop())
                self._step(rows)
                if done := [row for row, i in enumerate(rows) if self._guides[i].done]:
                    self._leave(rows, done)
                    yield len(self._questions) - len(waiting) - len(rows)

    def _step(self, rows: list[int]) -> None:
        wanted = [self._questions[i] + self._guides[i].tokens for i in rows]
        guessed = max(0, min(GUESSED, _ROOM // len(rows) - 1))
        guesses = [self._drafts.guess(text, guessed) for text in wanted]
        fed = [text + guess for text, guess in zip(wanted, guesses, strict=True)]
        logits = self._texts.forward(fed, [len(guess) + 1 for guess in guesses])
        best = torch.split(torch.cat(logits).argmax(-1), [len(scored) for scored in logits])
        for i, text, scored, tokens in zip(rows, fed, logits, best, strict=True):
            for _ in lead(self._guides[i], self._questions[i], text, scored, tokens.tolist()):
                pass

    def _leave(self, rows: list[int], done: list[int]) -> None:
        """Take out what is done; the last rows move up."""
        order = list(range(len(rows)))
        for row in reversed(done):
            i = rows[order[row]]
            self._drafts.learn([*self._questions[i][-3:], *self._guides[i].tokens])
            last = order.pop()
            if row < len(order):
                order[row] = last
        self._texts.move(order)
        rows[:] = [rows[row] for row in order]


@torch.inference_mode()
def takes_bundles(model: Any) -> bool:
    """Whether this model keeps texts side by side apart: tried with a few tokens.

    Some models make their own mask or attention, some count positions on their own, and those that carry a state from
    token to token know no mask.
    """
    a, b, c, d, e = range(model.config.vocab_size // 2, model.config.vocab_size // 2 + 5)  # words, not special tokens
    try:
        texts = [Texts(model, computed(model, [a]), 2) for _ in range(2)]
        alone = model(input_ids=torch.tensor([[a, b, c]], device=model.device), use_cache=False).logits[0, -1].float()
        with texts[0].attention():
            together, other = (
                text.forward([[first], [b, c]], [0, 1])[1][0].float() for text, first in zip(texts, (d, e), strict=True)
            )
    except (ValueError, TypeError, IndexError, RuntimeError, AttributeError):
        return False
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
            **taking(self._model, self._cache),
            use_cache=True,
            logits_to_keep=1,
        ).logits
        return torch.Tensor(logits[:, -1])


def scores(logits: torch.Tensor) -> Callable[[], NDArray[np.float32]]:
    """The scores of all tokens at one place, when they are asked for."""
    return lambda: logits.float().cpu().numpy()
