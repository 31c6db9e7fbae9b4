"""Guesses of how a reply goes on, from what was seen before; the model confirms several in the time of one token.

Most of a token's time does not depend on how many tokens are computed at once, and much of a query repeats names and
phrases of the schema, of the question and of earlier replies on the graph. What is guessed does not change a reply:
the model's own choice is compared with each guess, and the first difference ends it ("prompt lookup" decoding: Saxena
2023; checked as in speculative decoding: Leviathan et al. 2023, for the greedy case).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

# What queries are full of; names come from the schema in the prompt.
PHRASES = (
    "MATCH (n)\nWHERE n.x IS NOT NULL\nRETURN n\nORDER BY n.x DESC\nLIMIT 3",
    "MATCH (n)\nWITH n, count(m) AS c\nORDER BY c DESC\nLIMIT 5\nRETURN n",
    "MATCH (n) WHERE n.x IS NOT NULL RETURN n ORDER BY n.x DESC LIMIT 5",
)
_LENGTHS = (3, 2, 1)  # how many last tokens a guess goes by
_MOST_KNOWN = 200_000


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
