"""Examples as token ids, none longer than a run allows: a schema is pruned to the example before a row is given up."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cypher_magic.data.schemas import graph_schema
from cypher_magic.query.check import check

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cypher_magic.data.example import Example
    from cypher_magic.model.prompt import Encoded, Prompt

_TRIES = (1.0, 0.9, 0.75, 0.5)  # shares of the room: what two texts take is not the sum of what each takes


@dataclass(frozen=True)
class Rows:
    """Encoded examples of one split; how many got a part of their schema; those left out, as (example, tokens)."""

    kept: tuple[Encoded, ...]
    pruned: int
    too_long: tuple[tuple[Example, int], ...]

    def told(self, limit: int) -> str:
        """What a person should know about rows that are too long, in one line; empty when there are none."""
        parts = []
        if self.pruned:
            parts.append(f"{self.pruned} examples got the part of their schema that they are about")
        if self.too_long:
            parts.append(f"{len(self.too_long)} were left out")
        return f"longer than {limit} tokens: " + ", ".join(parts) if parts else ""


def encoded(examples: Sequence[Example], prompt: Prompt, schema: str | None, limit: int) -> Rows:
    """The examples as token ids, `limit` of them at most in each; `schema` is that of examples without their own."""
    kept: list[Encoded] = []
    too_long: list[tuple[Example, int]] = []
    pruned = 0
    for example in examples:
        row = prompt.encode(example, schema)
        if len(row) > limit:
            shorter = _pruned(example, prompt, schema, limit, len(row))
            if shorter is None:
                too_long.append((example, len(row)))
                continue
            row, pruned = shorter, pruned + 1
        kept.append(row)
    return Rows(tuple(kept), pruned, tuple(too_long))


def _pruned(example: Example, prompt: Prompt, schema: str | None, limit: int, length: int) -> Encoded | None:
    """The example behind the part of its schema that it is about; None when that does not help."""
    text = example.schema or schema
    graph = graph_schema(text) if text else None
    if text is None or graph is None:
        return None

    def count(part: str) -> int:
        return len(prompt.tokenizer(part, add_special_tokens=False)["input_ids"])

    room = limit - (length - count(text))
    for share in _TRIES:
        part = graph.pruned_for(f"{example.question} {example.query}", int(room * share), count)
        if check(example.query, part) and not check(example.query, graph):
            return None  # what the query needs has no room
        row = prompt.encode(replace(example, schema=part.render()))
        if len(row) <= limit:
            return row
    return None
