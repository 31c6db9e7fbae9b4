"""Greedy decoding behind a shared prefix: the keys and values of instructions and schema are computed once and kept.

Each reply is led by a guide that says, token by token, how it goes on: `Greedy` takes the most likely token, the guide
of a `Constraint` only what may stand there, and it may take tokens back. The model's cache follows.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import torch
from transformers import DynamicCache

from cypher_magic.model.drafts import Drafts, phrases

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    import numpy as np
    from numpy.typing import NDArray

    from cypher_magic.data.example import Turn
    from cypher_magic.model.constrain import Constraint
    from cypher_magic.model.prompt import Encoded, Prompt

_GUESSED = 5  # tokens that are computed along with each one, in the hope that the model agrees


@dataclass(frozen=True)
class Completion:
    """What the model wrote: `ended` tells whether it came to its end token within the budget.

    Under a constraint the text is a whole query in either case. `retreats` counts the places where something that a
    check complained about was taken back.
    """

    text: str
    tokens: tuple[int, ...]
    ended: bool
    seconds: float
    retreats: int = 0


class Guide(Protocol):
    """What leads one reply: `next` adds a token to `tokens`, or takes some back, or sets `done`."""

    tokens: list[int]
    done: bool
    ended: bool
    retreats: int

    def next(self, best: int, scores: Callable[[], NDArray[np.float32]]) -> None: ...  # noqa: D102


class Greedy:
    """Leads a reply where the model wants to go: always the most likely token."""

    def __init__(self, ends: Collection[int], most: int) -> None:
        self.tokens: list[int] = []
        self.done = self.ended = False
        self.retreats = 0
        self._ends, self._most = ends, most

    def next(self, best: int, scores: Callable[[], NDArray[np.float32]]) -> None:
        """Add the most likely token; done at the end token or when the budget is spent."""
        if best in self._ends:
            self.done = self.ended = True
            return
        self.tokens.append(best)
        self.done = len(self.tokens) >= self._most


class CypherModel:
    """A model, its tokenizer and its prompt: question in, reply out. One question at a time, or many."""

    def __init__(self, model: Any, tokenizer: Any, prompt: Prompt, *, name: str = "") -> None:
        self.model, self.tokenizer, self.prompt, self.name = model, tokenizer, prompt, name
        self._prefix: tuple[int, ...] = ()
        self._cache: Any = None
        self._drafts = Drafts()
        ends = {tokenizer.eos_token_id, *tokenizer(prompt.end, add_special_tokens=False)["input_ids"][-1:]}
        self.end_ids = frozenset(i for i in ends if i is not None)

    @torch.inference_mode()
    def complete(
        self,
        question: str,
        schema: str | None,
        *,
        history: Sequence[Turn] = (),
        max_tokens: int = 256,
        stream: Callable[[str], None] | None = None,
        constraint: Constraint | None = None,
    ) -> Completion:
        """The greedy reply to a question; `stream` is called with the text so far after each token.

        Under a constraint the text can become shorter again: what a check complains about is taken back.
        """
        started = time.perf_counter()
        asked = self.prompt.ask(question, schema, history)
        cache = self._cache_for(asked.prefix, schema)
        guide = self._guide(constraint, max_tokens)
        try:
            self._follow(guide, list(asked.question), cache, stream)
        except BaseException:
            self._cache = None  # an interrupt can leave some layers a token ahead of others
            raise
        cache.crop(len(asked.prefix) - cache.get_seq_length())
        return self._completion(guide, time.perf_counter() - started)

    def _follow(self, guide: Guide, question: list[int], cache: Any, stream: Callable[[str], None] | None) -> None:
        """Let the model write what the guide allows; the cache holds question and reply, but for the last token.

        Every step computes the last token and guesses of those behind it; the guide goes on as long as they were right.
        """
        shared = cache.get_seq_length()
        drafts = self._drafts
        drafts.learn(question)
        fed: list[int] = []
        while not guide.done:
            wanted = question + guide.tokens
            kept = min(_common(fed, wanted), len(wanted) - 1)
            if kept < len(fed):
                cache.crop(shared + kept - cache.get_seq_length())
            guesses = drafts.guess(wanted, _GUESSED)
            logits = self._step([wanted[kept:] + guesses], cache, len(guesses) + 1)[0]
            fed = wanted + guesses
            for at, best in enumerate(logits.argmax(-1).tolist()):
                guide.next(best, _scores(logits[at]))
                if stream is not None and not (guide.done and guide.ended):
                    stream(self._decode(guide.tokens))
                if guide.done or question + guide.tokens != fed[: len(wanted) + at + 1]:
                    break
        drafts.learn([*question[-3:], *guide.tokens, *sorted(self.end_ids)[-1:]])

    def _guide(self, constraint: Constraint | None, most: int) -> Guide:
        return Greedy(self.end_ids, most) if constraint is None else constraint.guide(self.end_ids, most)

    def _completion(self, guide: Guide, seconds: float) -> Completion:
        return Completion(self._decode(guide.tokens), tuple(guide.tokens), guide.ended, seconds, guide.retreats)

    def _step(self, ids: list[list[int]], cache: Any, places: int = 1) -> torch.Tensor:
        """The scores of the next token at the last places of each row: rows x places x tokens."""
        inputs = torch.tensor(ids, device=self.model.device)
        logits = self.model(input_ids=inputs, past_key_values=cache, use_cache=True, logits_to_keep=places).logits
        return torch.Tensor(logits)

    def _cache_for(self, prefix: tuple[int, ...], schema: str | None = None) -> Any:
        """The cache that holds this prefix's keys and values; cropped back to it after every question."""
        if self._cache is None or prefix != self._prefix:
            self._cache = None
            cache = DynamicCache()
            if prefix:
                self._step([list(prefix)], cache)
            self._cache, self._prefix = cache, prefix
            self._drafts = Drafts()
            for text in phrases(schema):
                self._drafts.learn(self.tokenizer(text, add_special_tokens=False)["input_ids"])
            self._drafts.learn(prefix)
        return self._cache

    @torch.inference_mode()
    def complete_many(
        self,
        asked: Sequence[Encoded],
        *,
        max_tokens: int = 256,
        batch: int = 16,
        progress: Callable[[int, int], None] | None = None,
        constraint: Constraint | None | Sequence[Constraint | None] = None,
    ) -> list[Completion]:
        """The greedy replies to many encoded questions, computed in batches of one prefix and like lengths.

        `constraint` is one for all, or one for each.
        """
        each = list(constraint) if isinstance(constraint, Sequence) else [constraint] * len(asked)
        order = sorted(range(len(asked)), key=lambda i: (asked[i].prefix, len(asked[i].question)))
        replies: dict[int, Completion] = {}
        while order:
            prefix = asked[order[0]].prefix
            chunk = [i for i in order[:batch] if asked[i].prefix == prefix]
            order = order[len(chunk) :]
            started = time.perf_counter()
            guides = [self._guide(each[i], max_tokens) for i in chunk]
            cache = copy.deepcopy(self._cache_for(prefix))
            _Batch(self.model, cache, [asked[i] for i in chunk], guides).run()
            seconds = (time.perf_counter() - started) / len(chunk)
            replies |= {i: self._completion(guide, seconds) for i, guide in zip(chunk, guides, strict=True)}
            if progress is not None:
                progress(len(replies), len(asked))
        return [replies[i] for i in range(len(asked))]

    def _decode(self, tokens: Sequence[int]) -> str:
        # "cleaning up" would join `n .name` and `'s`: made for prose, it changes queries
        return str(self.tokenizer.decode(tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False))


class _Batch:
    """Questions behind one prefix, a row each. Every step feeds one token a row; what was taken back is masked."""

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
                    self._guides[row].next(best[at], _scores(logits[at]))
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
            kept = min(_common(self._fed[row], wanted), len(wanted) - 1)
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


def _scores(logits: torch.Tensor) -> Callable[[], NDArray[np.float32]]:
    return lambda: logits.float().cpu().numpy()


def _common(a: list[int], b: list[int]) -> int:
    """How many tokens two texts have in common at their beginning."""
    return next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
