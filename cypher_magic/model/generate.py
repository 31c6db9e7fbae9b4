"""Greedy decoding behind a shared prefix: the keys and values of instructions and schema are computed once and kept.

Each reply is led by a guide that says, token by token, how it goes on: `Greedy` takes the most likely token, the guide
of a `Constraint` only what may stand there, and it may take tokens back. The model's cache follows.
"""

from __future__ import annotations

import copy
import functools
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Protocol, TypeVar

import numpy as np
import torch

from cypher_magic.errors import ModelError
from cypher_magic.model.beam import Beam
from cypher_magic.model.bundle import GUESSED, MOST_ROWS, Bundle, Rows, lead, takes_bundles
from cypher_magic.model.drafts import Drafts, phrases
from cypher_magic.model.shared_prefix import Text, Texts, computed

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from numpy.typing import NDArray
    from transformers import DynamicCache

    from cypher_magic.data.example import Turn
    from cypher_magic.model.constrain import Constraint
    from cypher_magic.model.prompt import Encoded, Prompt


@dataclass(frozen=True)
class Completion:
    """What the model wrote: `ended` tells whether it came to its end token within the budget.

    Under a constraint the text is a whole query in either case. `retreats` counts the places where something that a
    check complained about was taken back. `likelihood` is the log-probability of the text where the constraint has a
    check of the caller's own, else 0.
    """

    text: str
    tokens: tuple[int, ...]
    ended: bool
    seconds: float
    retreats: int = 0
    likelihood: float = 0.0


class Guide(Protocol):
    """What leads one reply: `next` adds a token to `tokens`, or takes some back, or sets `done`.

    For beam search: `options` are the most likely tokens that may come next, with their scores, best first; `fork` is a
    second guide at the same place; `take` adds a token, and is False when the reply is no good with it.
    """

    tokens: list[int]
    done: bool
    ended: bool
    retreats: int

    @property
    def likelihood(self) -> float: ...  # noqa: D102
    def next(self, best: int, scores: Callable[[], NDArray[np.float32]]) -> None: ...  # noqa: D102
    def options(self, likely: torch.Tensor, count: int) -> list[tuple[int, float]]: ...  # noqa: D102
    def fork(self) -> Guide: ...  # noqa: D102
    def take(self, token: int) -> bool: ...  # noqa: D102


class Greedy:
    """Leads a reply where the model wants to go: always the most likely token."""

    def __init__(self, ends: Collection[int], most: int) -> None:
        self.tokens: list[int] = []
        self.done = self.ended = False
        self.retreats, self.likelihood = 0, 0.0
        self._ends, self._most = ends, most

    def next(self, best: int, scores: Callable[[], NDArray[np.float32]]) -> None:
        """Add the most likely token; done at the end token or when the budget is spent."""
        if best in self._ends:
            self.done = self.ended = True
            return
        self.tokens.append(best)
        self.done = len(self.tokens) >= self._most

    def options(self, likely: torch.Tensor, count: int) -> list[tuple[int, float]]:
        """The most likely tokens, with their scores."""
        values, tokens = likely.topk(count)
        return list(zip(tokens.tolist(), values.tolist(), strict=True))

    def fork(self) -> Greedy:
        """A second guide at the same place."""
        other = copy.copy(self)
        other.tokens = list(self.tokens)
        return other

    def take(self, token: int) -> bool:
        """Add this token, or end with it."""
        self.next(token, lambda: np.zeros(0, np.float32))
        return True


def end_ids(tokenizer: Any, end: str) -> frozenset[int]:
    """The tokens that end a reply: the tokenizer's own, and the one of the prompt."""
    ends = {tokenizer.eos_token_id, *tokenizer(end, add_special_tokens=False)["input_ids"][-1:]}
    return frozenset(i for i in ends if i is not None)


_P = ParamSpec("_P")
_R = TypeVar("_R")


def one_at_a_time(method: Callable[Concatenate[Any, _P], _R]) -> Callable[Concatenate[Any, _P], _R]:
    """The method, for which threads take turns: the kept keys and values are one text's at a time."""

    @functools.wraps(method)
    def in_turn(self: CypherModel, /, *args: _P.args, **options: _P.kwargs) -> _R:
        with self._turn:
            return method(self, *args, **options)

    return in_turn


class CypherModel:
    """A model, its tokenizer and its prompt: question in, reply out. One question at a time, or many.

    Threads that ask at the same time take turns.
    """

    def __init__(self, model: Any, tokenizer: Any, prompt: Prompt, *, name: str = "") -> None:
        self.model, self.tokenizer, self.prompt, self.name = model, tokenizer, prompt, name
        self._prefix: tuple[int, ...] = ()
        self._cache: DynamicCache | None = None
        self._text: Text | Texts
        self._drafts = Drafts()
        self._bundles: bool | None = None  # whether the model takes them; tried when first needed
        self.end_ids = end_ids(tokenizer, prompt.end)
        self._turn = threading.RLock()

    @one_at_a_time
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
        beams: int = 1,
    ) -> Completion:
        """The reply to a question, greedy or the best of `beams`; `stream` is called with the text after each token.

        Under a constraint the text can become shorter again: what a check complains about is taken back. With beams,
        the text is that of the best one so far.
        """
        started = time.perf_counter()
        asked = self.prompt.ask(question, schema, history)
        self._keep_prefix(asked.prefix, schema)
        guide = self._guide(constraint, max_tokens)
        if beams > 1:
            guide = self._best(self._beside(self._cache, beams), asked, guide, stream)
            return self._completion(guide, time.perf_counter() - started)
        try:
            with self._text.attention():
                self._follow(guide, list(asked.question), stream)
        except BaseException:
            self._cache = None  # an interrupt can leave some layers a token ahead of others
            raise
        self._text.clear()
        return self._completion(guide, time.perf_counter() - started)

    def _follow(self, guide: Guide, question: list[int], stream: Callable[[str], None] | None) -> None:
        """Let the model write what the guide allows.

        Every step computes the last token and guesses of those behind it; the guide goes on as long as they were right.
        """
        drafts = self._drafts
        drafts.learn(question)
        while not guide.done:
            wanted = question + guide.tokens
            guesses = drafts.guess(wanted, GUESSED)
            fed = wanted + guesses
            (logits,) = self._text.forward([fed], [len(guesses) + 1])
            for _ in lead(guide, question, fed, logits, logits.argmax(-1).tolist()):
                if stream is not None and not (guide.done and guide.ended):
                    stream(self._decode(guide.tokens))
        drafts.learn([*question[-3:], *guide.tokens, *sorted(self.end_ids)[-1:]])

    def _best(self, texts: Texts, asked: Encoded, guide: Guide, stream: Callable[[str], None] | None = None) -> Guide:
        """The best of as many replies as there are rows."""

        def told(guide: Guide) -> None:
            if stream is not None:
                stream(self._decode(guide.tokens))

        return Beam(texts, list(asked.question), guide).run(told)[0]

    def _beside(self, prefix: DynamicCache, beams: int) -> Texts:
        if not self._takes_bundles():
            raise ModelError(f"{self.name or 'This model'} can not be asked with beams.", hint="ask it without them")
        return Texts(self.model, prefix, beams)

    def _takes_bundles(self) -> bool:
        if self._bundles is None:
            self._bundles = takes_bundles(self.model)
        return self._bundles

    def _guide(self, constraint: Constraint | None, most: int) -> Guide:
        return Greedy(self.end_ids, most) if constraint is None else constraint.guide(self.end_ids, most)

    def _completion(self, guide: Guide, seconds: float) -> Completion:
        text = self._decode(guide.tokens)
        return Completion(text, tuple(guide.tokens), guide.ended, seconds, guide.retreats, guide.likelihood)

    def _keep_prefix(self, prefix: tuple[int, ...], schema: str | None = None) -> None:
        """Keep this prefix's keys and values, and what a reply behind it is computed with."""
        if self._cache is not None and prefix == self._prefix:
            return
        self._cache = None
        cache, self._prefix = computed(self.model, prefix), prefix
        on_gpu = self.model.device.type == "cuda" and self._takes_bundles()
        self._text = Texts(self.model, cache, 1) if on_gpu else Text(self.model, cache)
        self._cache, self._drafts = cache, Drafts()
        for text in phrases(schema):
            self._drafts.learn(self.tokenizer(text, add_special_tokens=False)["input_ids"])
        self._drafts.learn(prefix)

    @one_at_a_time
    @torch.inference_mode()
    def complete_many(
        self,
        asked: Sequence[Encoded],
        *,
        max_tokens: int = 256,
        batch: int = 64,
        progress: Callable[[int, int], None] | None = None,
        constraint: Constraint | None | Sequence[Constraint | None] = None,
        beams: int = 1,
    ) -> list[Completion]:
        """The replies to many encoded questions: greedy, `batch` of one prefix at a time; with beams one by one.

        `constraint` is one for all, or one for each.
        """
        each = list(constraint) if isinstance(constraint, Sequence) else [constraint] * len(asked)
        replies: dict[int, Completion] = {}
        for prefix in dict.fromkeys(a.prefix for a in asked):
            mine = [i for i, a in enumerate(asked) if a.prefix == prefix]
            guides = [self._guide(each[i], max_tokens) for i in mine]
            started = time.perf_counter()
            for done in self._run([asked[i] for i in mine], guides, prefix, batch, beams):
                if progress is not None:
                    progress(len(replies) + done, len(asked))
            seconds = (time.perf_counter() - started) / len(mine)
            replies |= {i: self._completion(guide, seconds) for i, guide in zip(mine, guides, strict=True)}
        return [replies[i] for i in range(len(asked))]

    def _run(
        self, asked: list[Encoded], guides: list[Guide], prefix: tuple[int, ...], batch: int, beams: int
    ) -> Iterator[int]:
        """Compute the replies to questions of one prefix; yields how many are done."""
        cache = computed(self.model, prefix)  # anew: between two calls the weights may have changed, as in training
        if beams > 1:
            texts = self._beside(cache, beams)
            for at, one in enumerate(asked):
                guides[at] = self._best(texts, one, guides[at])
                yield at + 1
            return
        if self._takes_bundles():
            yield from Bundle(Texts(self.model, cache, min(batch, len(asked))), asked, guides, self._drafts).run()
            return
        order = sorted(range(len(asked)), key=lambda i: len(asked[i].question))
        for at in range(0, len(order), rows := min(batch, MOST_ROWS)):
            chunk = order[at : at + rows]
            Rows(self.model, copy.deepcopy(cache), [asked[i] for i in chunk], [guides[i] for i in chunk]).run()
            yield at + len(chunk)

    def _decode(self, tokens: Sequence[int]) -> str:
        # "cleaning up" would join `n .name` and `'s`: made for prose, it changes queries
        return str(self.tokenizer.decode(tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False))
