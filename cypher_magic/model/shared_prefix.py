"""Attention of many texts behind one prefix: each sees the prefix and itself, and nothing else is computed.

The texts lie one behind the other in a single sequence, so that the linear layers, most of the work, see all tokens at
once. The prefix's keys and values are there once for all of them; each text has a row of its own behind it. Scores
against both are put side by side before the softmax, which makes it the same as attention to the joined keys (the idea
of "bifurcated attention": Athiwaratkun et al. 2024).

What belongs together travels on the mask tensor, as an attribute: models hand the mask through to the attention
function as it is, and nothing else reaches it in all of them.

On a GPU a step of few tokens costs mostly the starting of its kernels. There, steps are filled up to a few shapes, and
a shape that comes often is recorded and replayed.
"""

from __future__ import annotations

import functools
import inspect
from collections import Counter
from contextlib import contextmanager, nullcontext
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional
from transformers import AttentionInterface, DynamicCache

from cypher_magic.model.recorded import Recorded, recorded
from cypher_magic.model.row_places import FEW, Part, RowPlaces

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

NAME = "cypher_magic_shared_prefix"
_TEXTS = "cypher_magic_texts"
_GROWTH = 64  # tokens by which all rows grow at a time
_OFTEN = 4  # steps of one shape after which it is recorded


def computed(model: Any, prefix: Sequence[int]) -> DynamicCache:
    """A new cache that holds this prefix's keys and values."""
    cache = DynamicCache()
    if prefix:
        ids = torch.tensor([list(prefix)], device=model.device)
        model(input_ids=ids, **taking(model, cache), use_cache=True, logits_to_keep=1)
    return cache


def taking(model: Any, cache: DynamicCache) -> dict[str, DynamicCache]:
    """The keys and values as the model's `forward` calls them."""
    base = model.get_base_model() if hasattr(model, "get_base_model") else model
    return {_name(type(base).forward): cache}


@functools.cache
def _name(forward: Callable[..., Any]) -> str:
    """`cache` from transformers 5.24 on, which warns of the name before; other models keep that one."""
    return "cache" if "cache" in inspect.signature(forward).parameters else "past_key_values"


class Text:
    """One text behind a prefix, by the model's own attention; `prefix` holds the text too until it is cleared."""

    def __init__(self, model: Any, prefix: DynamicCache) -> None:
        self._model, self._cache = model, prefix
        self._shared = prefix.get_seq_length()
        self._held: list[int] = []

    def attention(self) -> AbstractContextManager[None]:
        """Nothing has to be changed in the model."""
        return nullcontext()

    def forward(self, texts: Sequence[list[int]], scored: Sequence[int]) -> tuple[torch.Tensor, ...]:
        """For the text: the scores (places x tokens) at so many last places; what is held is not computed again."""
        (text,), (places,) = texts, scored
        kept = min(common(self._held, text), len(text) - places)
        self._crop(kept)
        ids = torch.tensor([text[kept:]], device=self._model.device)
        logits = self._model(
            input_ids=ids, **taking(self._model, self._cache), use_cache=True, logits_to_keep=places
        ).logits
        self._held = list(text)
        return (logits[0],)

    def clear(self) -> None:
        """Leave the prefix only."""
        self._crop(0)

    def _crop(self, kept: int) -> None:
        if kept < len(self._held):
            self._cache.crop(self._shared + kept - self._cache.get_seq_length())
            del self._held[kept:]


class Texts:
    """The keys and values of a prefix, and of `width` texts behind it, a row each.

    Taking tokens back needs nothing: what is computed at a place stands there instead of what was there before. With
    `even`, as on a GPU, steps of few tokens are filled up to few shapes, which can be recorded.
    """

    def __init__(self, model: Any, prefix: DynamicCache, width: int, *, even: bool | None = None) -> None:
        self._model, self.width = model, width
        self._even = model.device.type == "cuda" if even is None else even
        self._uses: Counter[tuple[int, int, int]] = Counter()
        self._records = model.device.type == "cuda"  # until a step could not be recorded
        self.recorded: dict[tuple[int, int, int], Recorded] = {}
        self._shared = prefix.get_seq_length()
        # Computed in float32, as a softmax is; on a CPU it is kept so, for converting takes longer than the rest.
        self._kept_as = torch.float32 if model.device.type == "cpu" else model.dtype
        self._prefix = [tuple(x[0].to(self._kept_as) for x in (layer.keys, layer.values)) for layer in prefix.layers]
        self._own: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}
        self._held: list[list[int]] = [[] for _ in range(width)]  # the tokens whose keys and values are in a row
        self._places = RowPlaces.of([], [], model.device)

    @contextmanager
    def attention(self) -> Iterator[None]:
        """Let the model use this attention inside the block, which `forward` needs."""
        AttentionInterface.register(NAME, _attention)
        before = self._model.config._attn_implementation
        self._model.set_attn_implementation(NAME)
        try:
            yield
        finally:
            self._model.set_attn_implementation(before)

    def forward(self, texts: Sequence[list[int]], scored: Sequence[int]) -> tuple[torch.Tensor, ...]:
        """For each of the first rows, which now holds this text: the scores (places x tokens) at so many last places.

        What a row holds already, from its beginning on, is not computed again.
        """
        starts = list[int]()
        for row, (text, places) in enumerate(zip(texts, scored, strict=True)):
            starts.append(min(common(self._held[row], text), len(text) - max(places, 1)))
            del self._held[row][starts[-1] :]  # an interrupt leaves nothing half computed
        new = [text[start:] for text, start in zip(texts, starts, strict=True)]
        few = self._even and max(map(len, new)) <= FEW
        logits = (self._filled_up if few else self._as_they_are)(new, starts, scored)
        self._held[: len(texts)] = map(list, texts)
        return torch.split(logits, list(scored))

    def _as_they_are(self, new: Sequence[list[int]], starts: Sequence[int], scored: Sequence[int]) -> torch.Tensor:
        """The scores at the last places of each row's new tokens."""
        device = self._model.device
        ends = list(accumulate(map(len, new)))
        keep = [at for end, places in zip(ends, scored, strict=True) for at in range(end - places, end)]
        ids = torch.tensor([token for tokens in new for token in tokens], device=device)
        return self._scores(ids, RowPlaces.of(starts, [*map(len, new)], device), torch.tensor(keep, device=device))

    def _filled_up(self, new: Sequence[list[int]], starts: Sequence[int], scored: Sequence[int]) -> torch.Tensor:
        """The same, computed for a number of rows and tokens that are powers of two.

        What fills up a row stands behind its text, where nothing sees it and the next step writes; rows that are not
        used hold nothing any more.
        """
        device = self._model.device
        rows = min(_power(len(new)), self.width)
        count = _power(max(map(len, new)))
        length = -(-(max(starts) + count) // _GROWTH) * _GROWTH
        for row in range(len(new), rows):
            self._held[row] = []
        ids = torch.tensor(
            [[*tokens, *[0] * (count - len(tokens))] for tokens in new] + [[0] * count] * (rows - len(new))
        )
        first = torch.tensor([*starts, *[0] * (rows - len(starts))])
        at = (first[:, None] + torch.arange(count)).flatten()
        logits = self._step((rows, count, length), ids.flatten().to(device), at.to(device))
        keep = [
            row * count + i
            for row, (tokens, places) in enumerate(zip(new, scored, strict=True))
            for i in range(len(tokens) - places, len(tokens))
        ]
        return logits[torch.tensor(keep, device=device)]

    def _step(self, shape: tuple[int, int, int], ids: torch.Tensor, at: torch.Tensor) -> torch.Tensor:
        """The scores at all places of a step of this shape; on a GPU it is recorded when it came often."""
        rows, count, length = shape

        def compute(ids: torch.Tensor, at: torch.Tensor) -> torch.Tensor:
            return self._scores(ids, RowPlaces.even(rows, count, at, length), 0)

        if shape in self.recorded:
            return self.recorded[shape](ids, at)
        scores = compute(ids, at)
        self._uses[shape] += 1
        if self._records and self._uses[shape] >= _OFTEN:
            made = recorded(compute, (ids, at), scores)
            if made is None:
                self._records = False
            else:
                self.recorded[shape] = made
        return scores

    def _scores(self, ids: torch.Tensor, places: RowPlaces, keep: torch.Tensor | int) -> torch.Tensor:
        """The model's scores (places x tokens) for new tokens at their places; at all of them where `keep` is 0."""
        self._places = places
        mask = torch.zeros(1, 1, 1, 1, dtype=self._model.dtype, device=self._model.device)
        setattr(mask, _TEXTS, self)
        logits = self._model(
            input_ids=ids[None],
            attention_mask=mask,
            position_ids=places.at[None] + self._shared,
            use_cache=False,
            logits_to_keep=keep,
        ).logits
        return torch.Tensor(logits[0])

    def clear(self) -> None:
        """Nothing has to be done: a text that is not gone on with is overwritten."""

    def move(self, sources: Sequence[int]) -> None:
        """Let the first rows go on with the texts of these."""
        moved = [(target, source) for target, source in enumerate(sources) if target != source]
        if moved:
            to, of = (torch.tensor(rows, device=self._model.device) for rows in zip(*moved, strict=True))
            for kept in (x for own in self._own.values() for x in own):
                kept[to] = kept[of]
            self._held[: len(sources)] = [list(self._held[source]) for source in sources]

    def attend(
        self,
        layer: int,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        scaling: float,
        window: int | None = None,
        cap: float | None = None,
    ) -> torch.Tensor:
        """The output (heads x tokens x d) for the new tokens, whose keys and values are written down.

        With a `window`, a token sees only so many up to itself; with a `cap`, scores are kept below it by its tanh.
        """
        places = self._places
        own = self._rows(layer, key)
        for kept, new in zip(own, (key, value), strict=True):
            kept[places.row, :, places.at] = new.transpose(0, 1).to(kept.dtype)
        query = (query.float() * scaling).view(len(key), -1, *query.shape[1:])
        parts = [self._attend(query[:, :, part.tokens], layer, own, part, window, cap) for part in places.parts]
        return torch.cat(parts, 2).flatten(0, 1)

    def _attend(
        self,
        query: torch.Tensor,
        layer: int,
        own: Sequence[torch.Tensor],
        part: Part,
        window: int | None,
        cap: float | None,
    ) -> torch.Tensor:
        """The output (groups x heads x tokens x d) for the tokens of some rows."""
        keys, values = (kept[part.rows, :, : part.end].float() for kept in own)
        scores = part.by_token(part.by_row(query) @ keys.transpose(2, 3))
        unseen = part.behind < 0 if window is None else (part.behind < 0) | (part.behind >= window)
        if self._shared:
            first, firsts = (x.float() for x in self._prefix[layer])
            before = (query.flatten(1, 2) @ first.transpose(1, 2)).view(*query.shape[:3], self._shared)
            scores = torch.cat([before, scores], -1)
            unseen = functional.pad(unseen, (self._shared, 0))
            if window is not None:
                places = torch.arange(self._shared, 0, -1, device=query.device)  # how far in front of the texts
                unseen[:, : self._shared] = places[None] + part.behind[:, :1] >= window
        if cap is not None:
            scores = (scores / cap).tanh() * cap
        weights = scores.masked_fill(unseen, -torch.inf).softmax(-1)
        out = part.by_token(part.by_row(weights[..., self._shared :]) @ values)
        if self._shared:
            out += (weights[..., : self._shared].flatten(1, 2) @ firsts).view(query.shape)
        return out

    def _rows(self, layer: int, like: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The keys and values of all rows (rows x heads x length x d), long enough for this step."""
        own = self._own.get(layer)
        if own is None or own[0].shape[2] < self._places.end:
            groups, _, d = like.shape
            length = -(-self._places.end // _GROWTH) * _GROWTH
            keys, values = (like.new_zeros(self.width, groups, length, d, dtype=self._kept_as) for _ in range(2))
            for old, new in zip(own or (), (keys, values), strict=False):
                new[:, :, : old.shape[2]] = old
            own = self._own[layer] = keys, values
            self.recorded.clear()  # they read and write the old ones
        return own


def _attention(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    **kwargs: Any,
) -> tuple[torch.Tensor, None]:
    texts: Texts | None = getattr(attention_mask, _TEXTS, None)
    if texts is None or scaling is None or kwargs.get("s_aux") is not None:
        raise TypeError("This model makes its own mask, or its attention has sinks.")
    window, cap = kwargs.get("sliding_window"), kwargs.get("softcap")
    out = texts.attend(module.layer_idx, query[0], key[0], value[0], scaling, window, cap)
    return out.to(query.dtype).transpose(0, 1)[None].contiguous(), None


def _power(number: int) -> int:
    """The next power of two."""
    return 1 << (number - 1).bit_length()


def common(a: list[int], b: list[int]) -> int:
    """How many tokens two texts have in common at their beginning."""
    return next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
