"""The part of a schema that a question is about, for prompts that are shorter than the whole schema."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cypher_magic.graph.schema import GraphSchema, Properties

Count = Callable[[str], int]

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+|\d+")
_TELLING = ("name", "title", "id")  # properties that a query needs although no question says their name
_SMALL = "a an and are as at be been by did do does for from had has have in is of on or that the to was were with"
_NEAR = 0.05  # the score of a label that has something to do with the question, if only as a neighbour
_FEW = 4  # properties that a label keeps when it does not fit with all of them


def pruned(schema: GraphSchema, question: str, budget_tokens: int, count: Count | None = None) -> GraphSchema:
    """The schema itself if it fits into the budget, else the labels near to the question, nearest first.

    Every triple between two kept labels is kept, so a relationship never loses an end. `count` counts the tokens of a
    text; without it three characters are taken for one token.
    """
    count = count or (lambda text: len(text) // 3)
    if count(schema.render()) <= budget_tokens:
        return schema
    scores = _scores(schema, question)
    ranked = sorted(schema.labels, key=lambda label: -scores[label])
    if any(score > _NEAR for score in scores.values()):
        ranked = [label for label in ranked if scores[label] > _NEAR]
    kept: dict[str, Properties] = {}
    for label in ranked:
        for properties in (schema.labels[label], _few(schema.labels[label], question), {}):
            if count(_restricted(schema, kept | {label: properties}).render()) <= budget_tokens:
                kept[label] = properties
                break
    return _restricted(schema, kept or {label: {} for label in ranked[:1]})


def _restricted(schema: GraphSchema, labels: dict[str, Properties]) -> GraphSchema:
    """The schema with these labels, in its own order, and what is left between them."""
    triples = tuple(t for t in schema.triples if t.start in labels and t.end in labels)
    types = {t.type for t in triples}
    owners = labels.keys() | types
    return replace(
        schema,
        labels={label: labels[label] for label in schema.labels if label in labels},
        relationship_types={name: kinds for name, kinds in schema.relationship_types.items() if name in types},
        triples=triples,
        indexes=tuple(index for index in schema.indexes if index.owner in owners),
        values={key: value for key, value in schema.values.items() if _kept_value(key, labels)},
    )


def _kept_value(key: str, labels: dict[str, Properties]) -> bool:
    return any(key.startswith(f"{label}.") and key[len(label) + 1 :] in kinds for label, kinds in labels.items())


def _scores(schema: GraphSchema, question: str) -> dict[str, float]:
    """How near each label is to the question: by its name, its properties, their values, and its relationships."""
    asked = _words(question)
    folded = question.casefold()
    scores = {label: 3.0 * _match(label, asked) for label in schema.labels}
    for label, properties in schema.labels.items():
        scores[label] += sum(_match(name, asked) for name in properties)
        values = (v for name in properties for v in schema.values.get(f"{label}.{name}", ()))
        scores[label] += 2.0 * any(_mentioned(value, folded) for value in values)
    near = dict(scores)
    for triple in schema.triples:
        named = 2.0 * _match(triple.type, asked)
        named += sum(_match(name, asked) for name in schema.relationship_types.get(triple.type, {}))
        for end, other in ((triple.start, triple.end), (triple.end, triple.start)):
            # A neighbour of what was asked for helps a little, and so does being well connected.
            scores[end] = scores.get(end, 0.0) + named + 0.1 * near.get(other, 0.0) + 0.001
    return scores


def _few(properties: Properties, question: str) -> dict[str, str]:
    asked = _words(question)
    telling = {name: _match(name, asked) + 0.5 * any(_match(name, [word]) for word in _TELLING) for name in properties}
    best = set(sorted(properties, key=lambda name: -telling[name])[:_FEW])
    return {name: kind for name, kind in properties.items() if name in best}


def _match(name: str, asked: Iterable[str]) -> float:
    """1 where all words of the name are in the question, less where some are or only their stems."""
    parts = _words(name)
    asked = list(asked)
    return sum(max((_alike(part, word) for word in asked), default=0.0) for part in parts) / max(1, len(parts))


def _alike(a: str, b: str) -> float:
    """How much of the longer word the common beginning covers: 1 for equal words, 0 below three letters in five."""
    if a == b:
        return 1.0
    same = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    share = same / max(len(a), len(b))
    return share if same >= 3 and share >= 0.6 else 0.0


def _words(text: str) -> list[str]:
    words = [word.casefold() for word in _WORD.findall(text)]
    return [word for word in words if word not in _SMALL.split()] or words


def _mentioned(value: Any, folded: str) -> bool:
    return isinstance(value, str) and len(value) >= 3 and value.casefold() in folded
