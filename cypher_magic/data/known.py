"""Questions that were seen before: word for word, or nearly so."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from cypher_magic.data.keys import loose_key, query_key, question_key

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cypher_magic.data.example import Example
    from cypher_magic.data.keys import Key

_SHARED_WORDS = 0.8  # of all words of both questions; "Which" for "What" in a question of ten words
_MOST_COMPARED = 50  # rows with one query; beyond them a near repeat of that query hardly matters
_WORD = re.compile(r"\w+")


class Twin(NamedTuple):
    """The earlier example, and whether it asks the same word for word."""

    example: Example
    exact: bool


class Known:
    """The questions of some examples, to look others up in."""

    def __init__(self, examples: Iterable[Example] = ()) -> None:
        self._exact: dict[Key, Example] = {}
        self._loose: dict[Key, Example] = {}
        self._by_query: dict[Key, list[Example]] = defaultdict(list)
        for example in examples:
            self.add(example)

    def add(self, example: Example) -> None:
        """Know this example's question from now on."""
        self._exact.setdefault(question_key(example), example)
        self._loose.setdefault(loose_key(example), example)
        self._by_query[_about(example)].append(example)

    def twin(self, example: Example) -> Twin | None:
        """The known example that asks the same, else one that nearly does.

        Nearly: but for letter case and punctuation, or, for the same query, with at least 80 % of the words.
        """
        if same := self._exact.get(question_key(example)):
            return Twin(same, exact=True)
        near = self._loose.get(loose_key(example)) or self._nearly(example)
        return Twin(near, exact=False) if near else None

    def _nearly(self, example: Example) -> Example | None:
        words = _words(example)
        for other in self._by_query.get(_about(example), ())[:_MOST_COMPARED]:
            others = _words(other)
            if len(words & others) >= _SHARED_WORDS * len(words | others):
                return other
        return None


def _about(example: Example) -> Key:
    return (*question_key(example)[:-1], query_key(example.query))


def _words(example: Example) -> set[str]:
    return set(_WORD.findall(example.question.casefold()))
