"""The choices of one way to say something: what kind of sentence (remembered, to hold it out) and which words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

T = TypeVar("T")
_CHOICE = re.compile(r"\[([^\[\]]*)\]")


class Voice:
    """Chooses by a random number generator; `shape` tells which kinds of sentences were chosen."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self._shape: list[str] = []

    @property
    def shape(self) -> str:
        """The kinds of sentences chosen so far."""
        return ".".join(self._shape)

    def pick(self, what: str, options: Sequence[T]) -> T:
        """One of the options; which one belongs to the shape."""
        n = self.rng.randrange(len(options))
        self._shape.append(f"{what}{n}")
        return options[n]

    def vary(self, options: Sequence[T]) -> T:
        """One of the options, earlier ones more often; not part of the shape."""
        return options[min(self.rng.randrange(len(options)), self.rng.randrange(len(options) + 1))]

    def chance(self, share: float) -> bool:
        """True this often."""
        return self.rng.random() < share

    def say(self, text: str) -> str:
        """The text with one of the words in each [this|that] chosen."""
        while _CHOICE.search(text):
            text = _CHOICE.sub(lambda m: self.rng.choice(m.group(1).split("|")), text)
        return " ".join(text.split())
