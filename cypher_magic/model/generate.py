"""Greedy decoding behind a shared prefix: the keys and values of instructions and schema are computed once and kept."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from transformers import DynamicCache

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cypher_magic.data.example import Turn
    from cypher_magic.model.prompt import Encoded, Prompt


@dataclass(frozen=True)
class Completion:
    """What the model wrote: `ended` tells whether it came to its end token within the budget."""

    text: str
    tokens: tuple[int, ...]
    ended: bool
    seconds: float


class CypherModel:
    """A model, its tokenizer and its prompt: question in, reply out. One question at a time, or many."""

    def __init__(self, model: Any, tokenizer: Any, prompt: Prompt, *, name: str = "") -> None:
        self.model, self.tokenizer, self.prompt, self.name = model, tokenizer, prompt, name
        self._prefix: tuple[int, ...] = ()
        self._cache: Any = None
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
    ) -> Completion:
        """The greedy reply to a question; `stream` is called with the text so far after each token."""
        started = time.perf_counter()
        asked = self.prompt.ask(question, schema, history)
        cache = self._cache_for(asked.prefix)
        tokens: list[int] = []
        ended = False
        given = list(asked.question)
        try:
            for _ in range(max_tokens):
                token = int(self._step([given], cache)[0])
                if token in self.end_ids:
                    ended = True
                    break
                tokens.append(token)
                given = [token]
                if stream is not None:
                    stream(self._decode(tokens))
        except BaseException:
            self._cache = None  # an interrupt can leave some layers a token ahead of others
            raise
        cache.crop(len(asked.prefix) - cache.get_seq_length())
        return Completion(self._decode(tokens), tuple(tokens), ended, time.perf_counter() - started)

    def _step(self, ids: list[list[int]], cache: Any) -> torch.Tensor:
        inputs = torch.tensor(ids, device=self.model.device)
        logits = self.model(input_ids=inputs, past_key_values=cache, use_cache=True, logits_to_keep=1).logits
        return logits[:, -1].argmax(-1)

    def _cache_for(self, prefix: tuple[int, ...]) -> Any:
        """The cache that holds this prefix's keys and values; cropped back to it after every question."""
        if self._cache is None or prefix != self._prefix:
            self._cache = None
            cache = DynamicCache()
            if prefix:
                self._step([list(prefix)], cache)
            self._cache, self._prefix = cache, prefix
        return self._cache

    @torch.inference_mode()
    def complete_many(
        self,
        asked: Sequence[Encoded],
        *,
        max_tokens: int = 256,
        batch: int = 16,
        progress: Callable[[int, int], None] | None = None,
    ) -> list[Completion]:
        """The greedy replies to many encoded questions, computed in batches of one prefix and like lengths."""
        order = sorted(range(len(asked)), key=lambda i: (asked[i].prefix, len(asked[i].question)))
        replies: dict[int, Completion] = {}
        while order:
            prefix = asked[order[0]].prefix
            chunk = [i for i in order[:batch] if asked[i].prefix == prefix]
            order = order[len(chunk) :]
            for i, reply in zip(chunk, self._batch([asked[i] for i in chunk], max_tokens), strict=True):
                replies[i] = reply
            if progress is not None:
                progress(len(replies), len(asked))
        return [replies[i] for i in range(len(asked))]

    def _batch(self, asked: list[Encoded], max_tokens: int) -> list[Completion]:
        started = time.perf_counter()
        shared, rows = len(asked[0].prefix), len(asked)
        cache = DynamicCache()
        if shared:
            self._step([list(asked[0].prefix)], cache)
            cache.batch_repeat_interleave(rows)
        longest = max(len(a.question) for a in asked)
        # Questions are padded on the left, behind the prefix; the padding is masked and takes no position.
        device = self.model.device
        pad = 0  # any token: it is masked
        ids = torch.tensor([[pad] * (longest - len(a.question)) + list(a.question) for a in asked], device=device)
        mask = torch.tensor(
            [[1] * shared + [0] * (longest - len(a.question)) + [1] * len(a.question) for a in asked], device=device
        )
        positions = (mask.cumsum(-1) - 1).clamp(min=0)[:, shared:]
        tokens: list[list[int]] = [[] for _ in asked]
        open_rows = set(range(rows))
        for _ in range(max_tokens):
            logits = self.model(
                input_ids=ids,
                attention_mask=mask,
                position_ids=positions,
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=1,
            ).logits
            chosen = logits[:, -1].argmax(-1)
            for i, token in enumerate(chosen.tolist()):
                if i in open_rows and token in self.end_ids:
                    open_rows.discard(i)
                elif i in open_rows:
                    tokens[i].append(token)
            if not open_rows:
                break
            ids, positions = chosen[:, None], positions[:, -1:] + 1
            mask = torch.cat([mask, mask.new_ones(rows, 1)], dim=1)
        seconds = (time.perf_counter() - started) / rows
        return [Completion(self._decode(t), tuple(t), i not in open_rows, seconds) for i, t in enumerate(tokens)]

    def _decode(self, tokens: Sequence[int]) -> str:
        # "cleaning up" would join `n .name` and `'s`: made for prose, it changes queries
        return str(self.tokenizer.decode(tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False))
