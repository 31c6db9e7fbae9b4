"""Whether one model is better than another on the same questions.

McNemar's exact test (McNemar 1947; exact form: Fagerland, Lydersen & Laake 2013): of the questions that only one of the
two answered, each model would get half by chance; p is the two-sided binomial probability of a split as uneven.
The interval of the gain is that of Newcombe 1998 (Stat Med 17:2635) for the difference of paired shares, method 10.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from fractions import Fraction
from math import comb
from typing import TYPE_CHECKING, Any

from cypher_magic.evaluation.metrics import Score, share

if TYPE_CHECKING:
    from collections.abc import Sequence

LEVEL = 0.05


@dataclass(frozen=True)
class Comparison:
    """Two models on the same questions: how many both answered, only one of them, neither, and the test's p.

    `gain` is the share of right answers of `second` minus that of `first`, with its 95 % interval.
    """

    first: str
    second: str
    both: int
    only_first: int
    only_second: int
    neither: int
    gain: Score

    @property
    def n(self) -> int:
        """The number of questions."""
        return self.both + self.only_first + self.only_second + self.neither

    @property
    def p(self) -> float:
        """McNemar's exact two-sided p."""
        return mcnemar(self.only_first, self.only_second)

    @property
    def sentence(self) -> str:
        """What the comparison says, in plain words."""
        if not self.n:
            return f"{self.second} and {self.first} have no question in common whose rows could be compared."
        counts = (
            f"{self.second} answers {_questions(self.only_second)} that {self.first} does not, and misses"
            f" {self.only_first} that {self.first} answers"
        )
        gain, low, high = (100 * v for v in (self.gain.value, self.gain.low, self.gain.high))
        points = f"{gain:+.1f} points [{low:+.1f}, {high:+.1f}]"
        if self.p < LEVEL:
            verdict = f"{'better' if self.only_second > self.only_first else 'worse'}, by {points}"
            return f"{self.second} is {verdict}: it {counts.removeprefix(self.second + ' ')} (McNemar p {_p(self.p)})."
        return f"{counts}: {points}, which may be chance (McNemar p {_p(self.p)})."

    @property
    def helped(self) -> str:
        """Whether what was done between the first and the second model helped, in one line."""
        if not self.n:
            return "whether it helped can not be told: no question is left to compare"
        gain = self.only_second - self.only_first
        sure = "helped" if gain > 0 else "made it worse" if gain < 0 else "made no difference"
        verdict = (
            sure if self.p < LEVEL or not gain else {"helped": "may have helped"}.get(sure, "may have made it worse")
        )
        won = f"+{_questions(self.only_second)} right, {self.only_first} lost"
        chance = ", which may be chance" if gain and self.p >= LEVEL else ""
        return f"{verdict}: {won}, McNemar p {_p(self.p)}, n = {self.n}{chance}"

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain values."""
        counts = {name: getattr(self, name) for name in ("both", "only_first", "only_second", "neither")}
        names = {"first": self.first, "second": self.second}
        return {**names, **counts, "p": self.p, "gain": self.gain.to_dict(), "sentence": self.sentence}

    def __repr__(self) -> str:
        return self.sentence


def compared(first: str, second: str, right: Sequence[tuple[bool, bool]]) -> Comparison:
    """The comparison of two models; `right` tells for each question whether the first and the second answered it."""
    only_first = sum(a and not b for a, b in right)
    only_second = sum(b and not a for a, b in right)
    both = sum(a and b for a, b in right)
    neither = len(right) - both - only_first - only_second
    gain = paired_gain(both, only_first, only_second, neither)
    return Comparison(first, second, both, only_first, only_second, neither, gain)


def mcnemar(only_first: int, only_second: int) -> float:
    """The two-sided exact p for the numbers of questions that only one of two models answered; 1 without any."""
    n, less = only_first + only_second, min(only_first, only_second)
    tail = sum(comb(n, k) for k in range(less + 1))
    return min(1.0, float(Fraction(2 * tail, 2**n)))


def paired_gain(both: int, only_first: int, only_second: int, neither: int) -> Score:
    """The second share minus the first, of the same questions, with Newcombe's interval."""
    n = both + only_first + only_second + neither
    if not n:
        return Score(math.nan, -1.0, 1.0, 0)
    first = share([True] * (both + only_first) + [False] * (only_second + neither))
    second = share([True] * (both + only_second) + [False] * (only_first + neither))
    margins = (both + only_first) * (only_second + neither) * (both + only_second) * (only_first + neither)
    agreement: float = both * neither - only_first * only_second
    agreement = max(agreement - n / 2, 0) if agreement > 0 else agreement
    phi = agreement / math.sqrt(margins) if margins else 0.0

    def reach(a: float, b: float) -> float:
        return math.sqrt(max(0.0, a * a - 2 * phi * a * b + b * b))

    gain = second.value - first.value
    low = gain - reach(second.value - second.low, first.high - first.value)
    high = gain + reach(second.high - second.value, first.value - first.low)
    return Score(gain, max(-1.0, low), min(1.0, high), n)


def sampled(count: int, limit: int | None, seed: int) -> list[int]:
    """The numbers of at most `limit` of `count` questions, in their order; the same for the same seed."""
    if limit is None or limit >= count:
        return list(range(count))
    return sorted(random.Random(f"evaluation {seed}").sample(range(count), limit))


def _questions(n: int) -> str:
    return "1 question" if n == 1 else f"{n} questions"


def _p(p: float) -> str:
    return "< 0.0001" if p < 0.0001 else f"= {p:.4f}"
