"""Guesses of how a reply goes on, from what was seen before; the model confirms several in the time of one token.

Most of a token's time does not depend on how many tokens are computed at once, and much of a query repeats names and
phrases of the schema, of the question and of earlier replies on the graph. What is guessed does not change a reply:
the model's own choice is compared with each guess, and the first difference ends it ("prompt lookup" decoding: Saxena
2023; checked as in speculative decoding: Leviathan et al. 2023, for the greedy case).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cypher_magic.graph.schema import GraphSchema, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# What queries are full of.
_PHRASES = (
    "MATCH (n)\nWHERE n.x IS NOT NULL\nRETURN n\nORDER BY n.x DESC\nLIMIT 3",
    "MATCH (n)\nWITH n, count(m) AS c\nORDER BY c DESC\nLIMIT 5\nRETURN n",
    "MATCH (n) WHERE n.x IS NOT NULL RETURN n ORDER BY n.x DESC LIMIT 5",
)
_LENGTHS = (3, 2, 1)  # how many last tokens a guess goes by
_MOST_KNOWN = 200_000
_MOST_NAMES = 300


def phrases(schema: str | None) -> Iterator[str]:
    """Pieces of queries that are likely on a graph with this schema (as `GraphSchema.render` writes it)."""
    yield from _PHRASES
    try:
        known = GraphSchema.from_text(schema or "")
    except ValueError:  # some other form: the prompt itself is learnt anyway
        return
    for start, kind, end in known.triples[:_MOST_NAMES]:
        a, b = f"{start[0].lower()}:{quoted(start)}", f"{end[0].lower()}:{quoted(end)}"
        yield f"MATCH ({a})-[:{quoted(kind)}]->({b})\nRETURN {b[0]}"
        yield f"MATCH ({b})<-[:{quoted(kind)}]-({a})\nWHERE {a[0]}"
    named = [(label, name) for label, properties in known.labels.items() for name in properties]
    for label, name in named[:_MOST_NAMES]:
        it = f"{label[0].lower()}.{quoted(name)}"
        yield f"MATCH ({it[0]}:{quoted(label)})\nWHERE {it} IS NOT NULL\nRETURN {it}\nORDER BY {it} DESC\nLIMIT 3"


class Drafts:
    """Remembers which token followed which; `guess` returns a likely continuation."""

    def __init__(self) -> None:
        self._next: dict[tuple[int, ...], int] = {}

    def learn(self, tokens: Sequence[int]) -> None:
        """Remember what follows what in a text; the latest holds."""
        if len(self._next) > _MOST_KNOWN:
            self._next.clear()
        for i in range(1, len(tokens)):
            for length in _LENGTHS:
                if i >= length:
                    self._next[tuple(tokens[i - length : i])] = tokens[i]

    def guess(self, tokens: Sequence[int], most: int) -> list[int]:
        """At most so many tokens that may follow these; none where nothing like it was seen."""
        end = list(tokens[-max(_LENGTHS) :])
        found: list[int] = []
        while len(found) < most:
            known = (self._next.get(tuple(end[-length:])) for length in _LENGTHS if len(end) >= length)
            token = next((t for t in known if t is not None), None)
            if token is None:
                break
            found.append(token)
            end = [*end[1 - max(_LENGTHS) :], token]
        return found
