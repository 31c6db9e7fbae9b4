"""Slips of the keyboard in a question, never in a value that the query needs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random

_WORD = re.compile(r"[A-Za-z]{4,}")


def with_typo(rng: random.Random, question: str, query: str) -> str:
    """The question with one slip, or in small letters; words that stand in the query's literals are left alone."""
    literals = " ".join(re.findall(r"'((?:[^'\\]|\\.)*)'", query)).casefold()
    if not literals and rng.random() < 0.25:
        return question.lower()
    spots = [m for m in _WORD.finditer(question) if m.group().casefold() not in literals]
    if not spots:
        return question
    spot = rng.choice(spots)
    word = spot.group()
    at = rng.randrange(1, len(word) - 1)
    slip = rng.choice([
        word[:at] + word[at + 1] + word[at] + word[at + 2 :],  # swapped
        word[:at] + word[at + 1 :],  # left out
        word[:at] + word[at] + word[at:],  # doubled
    ])  # fmt: skip
    return question[: spot.start()] + slip + question[spot.end() :]
