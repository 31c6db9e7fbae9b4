"""Other beginnings of a reply: a best-first search over what a model might have written instead.

While a reply is written, the tokens that were likely at each place besides the chosen one are kept, each with all that
stands before it and its log-probability. Where the reply turns out wrong, the most likely of them is gone on from.
"""

from __future__ import annotations

import heapq
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_FAR = 8.0  # from here on, in log-probability, another beginning is taken that is more likely


class Beginnings:
    """What else a reply might begin with, the most likely first."""

    def __init__(self) -> None:
        self._gains: list[float] = []  # the log-probabilities of the reply's tokens
        self._others: list[tuple[float, list[int]]] = []  # a heap: minus the log-probability, and the tokens
        self._wrong: list[list[int]] = []  # beginnings that lead to nothing

    @property
    def likelihood(self) -> float:
        """The log-probability of the reply so far."""
        return sum(self._gains)

    def add(self, tokens: Sequence[int], gain: float, others: Iterable[tuple[int, float]]) -> None:
        """The next token, behind these, has this log-probability, and these others could stand in its place."""
        place = len(tokens)
        del self._gains[place:]
        self._gains += [0.0] * (place - len(self._gains))
        before = self.likelihood
        for token, chance in others:
            heapq.heappush(self._others, (-before - chance, [*tokens, token]))
        self._gains.append(gain)

    def next(self, tokens: Sequence[int], at: int, share: float = 0.0, since: int | None = None) -> list[int] | None:
        """The most likely other beginning, but for those that are as the reply up to this place.

        None when there is none that is at least so much (`share`) as likely as the reply is up to there. With `since`,
        one that is as the reply up to that place goes before others, unless it is far less likely than the reply.
        """
        self._wrong.append(list(tokens[: at + 1]))
        if since is not None and (found := self._behind(list(tokens[:since]))):
            return found
        least = math.log(share) if share else -math.inf
        while self._others:
            minus, found = heapq.heappop(self._others)
            if self._gain(minus, found) < least:
                return None
            if not self._is_wrong(found):
                return self._begun(minus, found)
        return None

    def _behind(self, start: list[int]) -> list[int] | None:
        """The most likely other beginning that begins like this and goes on; it is one no longer."""
        left = [
            one
            for one in self._others
            if len(one[1]) > len(start) and one[1][: len(start)] == start and not self._is_wrong(one[1])
        ]
        best = min(left, default=None)
        if best is None or self._gain(*best) < -_FAR:
            return None
        self._others.remove(best)
        heapq.heapify(self._others)
        return self._begun(*best)

    def _gain(self, minus: float, found: list[int]) -> float:
        """How much more likely a beginning is than the reply is up to there, as a logarithm."""
        return -minus - sum(self._gains[: len(found)])

    def _is_wrong(self, found: list[int]) -> bool:
        return any(found[: len(wrong)] == wrong for wrong in self._wrong)

    def _begun(self, minus: float, found: list[int]) -> list[int]:
        self._gains = [-minus, *[0.0] * (len(found) - 1)]
        return found

    def better(self) -> bool:
        """Whether another beginning is far more likely than what the reply has come to."""
        return bool(self._others) and self.likelihood < -self._others[0][0] - _FAR

    def copy(self) -> Beginnings:
        """The same, to grow on its own."""
        other = Beginnings()
        other._gains, other._others, other._wrong = list(self._gains), list(self._others), list(self._wrong)
        return other
