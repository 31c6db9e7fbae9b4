"""Training and validation rows that share no question and no kind of query."""

from __future__ import annotations

import random
from collections import defaultdict
from typing import TYPE_CHECKING

from cypher_magic.data.example import Example
from cypher_magic.data.keys import loose_key, template
from cypher_magic.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_FLOOR = 50  # rows; fewer say little about a model
_LARGEST_SHARE = 0.2  # of a small data set, which the floor would eat up


def split(
    examples: Sequence[Example],
    share: float = 0.1,
    *,
    seed: int = 0,
    by_template: bool = True,
    rows: int = 0,
    lost: str = "",
) -> tuple[list[Example], list[Example]]:
    """The training and the validation rows, in their order; the same for the same seed.

    Validation gets at least max(share, 50 rows), in a small data set at most a fifth of it, and at least 1 row. Rows
    that share a question (letter case apart), an earlier turn of a conversation or, unless `by_template` is off, a
    query template stay together. Where all rows hang together by templates only the questions keep them together.
    Raises DataError where nothing can be held out without an overlap; of how many `rows` the examples are left, and why
    others were `lost`, is told there.
    """
    if not 0 < share < 1:
        raise DataError(f"The share of validation rows can not be {share}.", hint="a number between 0 and 1, e.g. 0.1")
    usable = [e for e in examples if e.question and e.query]
    wanted = max(1, min(max(round(share * len(usable)), _FLOOR), int(_LARGEST_SHARE * len(usable))))
    chosen = _chosen(usable, wanted, seed, by_template)
    if not chosen and by_template:
        chosen = _chosen(usable, wanted, seed, by_template=False)
    if not chosen:
        raise _nothing_to_hold_out(len(usable), rows, lost)
    held_out = {id(e) for e in chosen}
    train = [e for e in examples if id(e) not in held_out]
    val = [e for e in examples if id(e) in held_out]
    refuse_overlap(train, val)
    return train, val


def _nothing_to_hold_out(left: int, rows: int, lost: str) -> DataError:
    why, hint = "all examples ask the same", "add examples, or give a validation file (--val)"
    if lost and left < rows:
        usable = f"of {rows} rows only 1 can be used" if left == 1 else f"the {left} usable rows of {rows} ask the same"
        why, hint = f"{usable} ({lost})", f"correct them (%cypher_data check FILE tells which rows), {hint}"
    return DataError(f"Nothing can be held out for validation: {why}.", hint=hint)


def refuse_overlap(train: Iterable[Example], val: Iterable[Example]) -> None:
    """Raise DataError if a validation question stands in the training rows (letter case and punctuation apart)."""
    known = {loose_key(e) for e in train}
    overlap = [e for e in val if loose_key(e) in known]
    if overlap:
        raise DataError(
            f"{_questions(len(overlap))} in the training rows, first: {overlap[0].question}",
            hint="load them with fix=True (--fix)",
        )


def _questions(n: int) -> str:
    return "1 validation question stands" if n == 1 else f"{n} validation questions stand"


def _chosen(examples: Sequence[Example], wanted: int, seed: int, by_template: bool) -> list[Example]:
    """Whole groups, in random order, until there are enough rows; a group that would overshoot far waits."""
    groups = _groups(examples, by_template)
    if len(groups) < 2:
        return []
    random.Random(seed).shuffle(groups)
    most = max(wanted, int(_LARGEST_SHARE * len(examples)))
    chosen: list[Example] = []
    for group in groups:
        if len(chosen) < wanted and len(chosen) + len(group) <= most:
            chosen += group
    if chosen:
        return chosen
    smallest = min(groups, key=len)  # every group is larger than what may be held out: take the least
    return smallest if len(smallest) * 2 <= len(examples) else []


def _groups(examples: Sequence[Example], by_template: bool) -> list[list[Example]]:
    """The rows that hang together by a question, a turn or a template, directly or over others (union-find)."""
    parent = list(range(len(examples)))

    def root(n: int) -> int:
        while parent[n] != n:
            parent[n] = parent[parent[n]]
            n = parent[n]
        return n

    first: dict[tuple[str, ...], int] = {}
    for n, example in enumerate(examples):
        for tie in _ties(example, by_template):
            parent[root(n)] = root(first.setdefault(tie, n))
    groups: dict[int, list[Example]] = defaultdict(list)
    for n, example in enumerate(examples):
        groups[root(n)].append(example)
    return list(groups.values())


def _ties(example: Example, by_template: bool) -> Iterable[tuple[str, ...]]:
    for depth in range(len(example.history) + 1):
        start = example.history[:depth]
        question = example.history[depth].question if depth < len(example.history) else example.question
        asked = Example(question, example.query, example.schema, start, database=example.database)
        yield ("question", *loose_key(asked))
    if by_template:
        yield ("template", template(example.query))
