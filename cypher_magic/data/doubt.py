"""How doubtful an example is: complaints, a query that does not do what is asked, a model that disagrees, rarity."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cypher_magic.data.keys import meaning, template

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cypher_magic.data.example import Example
    from cypher_magic.data.lint import Lint

Disagrees = Callable[["Example"], "float | bool | str"]

# What each reason weighs; a rare kind and the length reach their weight only at their worst.
COMPLAINT, GAP, DISAGREES, RARE, LONG = 4.0, 2.0, 2.0, 1.0, 1.0
_FEW = 3  # examples of a kind, up to which it is called rare
_LONGEST_SHARE = 0.1  # of the examples: those that are called long
_YES, _NO = ("true", "yes", "y"), ("", "false", "no", "n", "none", "null", "nan")


@dataclass(frozen=True)
class Doubt:
    """How doubtful (from 0), why in words, and what the check complains about."""

    value: float
    because: tuple[str, ...]
    complaints: tuple[str, ...]


def doubts(
    examples: Sequence[Example],
    lint: Lint,
    disagrees: Disagrees | None = None,
    families: Callable[[Example], str] | None = None,
) -> list[Doubt]:
    """The doubt about each example, in their order.

    `disagrees` gives a truth value, a number from 0 to 1, or the query that a model wrote, which is compared.
    """
    kinds = [_kind(e, families) for e in examples]
    counts, lengths = Counter(kinds), sorted(len(e.query) for e in examples)
    longest = lengths[-1] if lengths else 0
    long = lengths[int((len(lengths) - 1) * (1 - _LONGEST_SHARE))] if lengths else 0
    found = []
    for example, kind in zip(examples, kinds, strict=True):
        against = tuple(lint.complaints(example).values())
        apart = disagreement(disagrees(example), example) if disagrees is not None else 0.0
        gaps, count = lint.gaps(example), counts[kind]
        value = (
            COMPLAINT * bool(against)
            + GAP * bool(gaps)
            + DISAGREES * apart
            + RARE / count
            + LONG * len(example.query) / longest
        )
        because = [f"the check complains: {against[0]}"] if against else []
        because += [gaps[0][:1].lower() + gaps[0][1:].rstrip(".")] if gaps else []
        because += ["the model disagrees"] if apart >= 0.5 else []
        rare = "the only one of its kind" if count == 1 else f"one of {count} of its kind"
        because += [rare] if count <= _FEW < len(examples) else []
        because += ["a long query"] if len(example.query) > long else []
        found.append(Doubt(value, tuple(because), against))
    return found


def disagreement(told: float | bool | str, example: Example) -> float:
    """How much a model disagrees, from 0 to 1: a number or truth value as it is, also as text; a query compared."""
    if not isinstance(told, str):
        return min(max(float(told), 0.0), 1.0) if told == told else 0.0  # NaN is what an empty cell becomes
    text = told.strip().casefold()
    if text in _YES or text in _NO:
        return float(text in _YES)
    try:
        return disagreement(float(text), example)
    except ValueError:
        return float(meaning(told) != meaning(example.query))


def _kind(example: Example, families: Callable[[Example], str] | None) -> str:
    """The family of an example that was generated, else its query with the values masked."""
    known = getattr(example, "family", "") or (families(example) if families is not None else "")
    return known or template(example.query)
