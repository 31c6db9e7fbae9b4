"""The runs of words in a question that may be a name in the graph."""

from __future__ import annotations

import re

_WORDS = 8  # of a name, at most
_OUTER = " \t?!.,;:\"'“”‘’()"
_OWNER = re.compile(r"['’]s?\Z")  # The Birds's score, users' ratings


def spans_of(question: str) -> list[str]:
    """Up to eight words that stand side by side, without the signs around them, and without a genitive's ending too."""
    words = list(re.finditer(r"\S+", question))
    runs = (question[first.start() : last.end()] for i, first in enumerate(words) for last in words[i : i + _WORDS])
    found: dict[str, None] = {}
    for run in runs:
        bare = run.strip(_OUTER)
        found |= dict.fromkeys([bare, _OWNER.sub("", bare)])
    return [text for text in found if text]
