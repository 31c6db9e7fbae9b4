"""Metrics on predicted queries, each with its definition and source.

Google-BLEU   n-gram matches over the larger of the two n-gram counts (n = 1..4), summed over the corpus: Wu et al.
              2016, "Google's Neural Machine Translation System", as `google_bleu` of Hugging Face `evaluate` computes
              it (tokens as mteval-v13a cuts them).
Exact match   the share of predictions equal to the reference, letter for letter after trimming, as `exact_match`.
Executable    the share that the database runs without an error, inside the read-only gate.
Execution accuracy   the share whose rows equal the reference's rows as a bag, column names and order ignored, row
              order only where the reference orders: CypherBench (Feng et al. 2024).
Result F1     per question the harmonic mean of precision and recall of the returned rows as a bag (a row is the bag of
              its values), 0 for a query that does not run; the mean over questions.
Seconds       per question: the median, and the 95th percentile by the nearest rank.
Intervals     95 %. Shares: Wilson's score interval (Wilson 1927; Newcombe 1998, method 3). Google-BLEU, means and
              percentiles: percentile bootstrap over questions (Efron & Tibshirani 1993, ch. 13), 1,000 draws, seed 0.
"""

from __future__ import annotations

import math
import random
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

Row = TypeVar("Row")
Pairs = Sequence[tuple[str, str]]  # (prediction, reference)


@dataclass(frozen=True)
class Score:
    """A figure (a share between 0 and 1, or seconds) with its 95 % interval and the number of rows behind it."""

    value: float
    low: float
    high: float
    n: int

    def __format__(self, spec: str) -> str:
        return str(self) if not spec else format(self.value, spec)

    def to_dict(self) -> dict[str, float | int | None]:
        """Value, low, high and n as plain numbers; no value without rows."""
        value = None if math.isnan(self.value) else self.value
        return {"value": value, "low": self.low, "high": self.high, "n": self.n}

    def __float__(self) -> float:
        return self.value

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}] n={self.n}"


def share(hits: Sequence[bool]) -> Score:
    """The share of True with Wilson's interval."""
    n = len(hits)
    if not n:
        return Score(math.nan, 0.0, 1.0, 0)
    p, z = sum(hits) / n, 1.959964
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return Score(p, max(0.0, centre - half), min(1.0, centre + half), n)


def exact_match(pairs: Pairs) -> Score:
    """The share of predictions that equal their reference."""
    return share([a.strip() == b.strip() for a, b in pairs])


def mean(values: Sequence[float], *, draws: int = 1000, seed: int = 0) -> Score:
    """The mean with its bootstrap interval; with Wilson's where every value is 0 or 1, for the mean is a share then."""
    if all(v in (0, 1) for v in values):
        return share([v == 1 for v in values])
    return _bootstrapped(values, lambda rows: sum(rows) / len(rows), draws, seed)


def percentile(values: Sequence[float], q: float, *, draws: int = 1000, seed: int = 0) -> Score:
    """The value that a share `q` of the values does not exceed (nearest rank), with its bootstrap interval."""
    return _bootstrapped(values, lambda rows: sorted(rows)[max(0, math.ceil(q * len(rows)) - 1)], draws, seed)


def result_f1(got: int, wanted: int, shared: int) -> float:
    """The F1 of a result with `got` rows, of which `shared` are among the `wanted` ones; 1 where both are empty."""
    return 2 * shared / (got + wanted) if got + wanted else 1.0


def google_bleu(pairs: Pairs, *, draws: int = 1000, seed: int = 0) -> Score:
    """Corpus Google-BLEU of (prediction, reference) pairs."""
    counts = [_matches(_tokens(a), _tokens(b)) for a, b in pairs]

    def value(rows: Sequence[tuple[int, int]]) -> float:
        total = sum(t for _, t in rows)
        return sum(m for m, _ in rows) / total if total else 0.0

    return _bootstrapped(counts, value, draws, seed)


def _bootstrapped(rows: Sequence[Row], value: Callable[[Sequence[Row]], float], draws: int, seed: int) -> Score:
    if not rows:
        return Score(math.nan, 0.0, 1.0, 0)
    draw = random.Random(seed)
    values = sorted(value(draw.choices(rows, k=len(rows))) for _ in range(draws))
    return Score(value(rows), values[int(0.025 * draws)], values[int(0.975 * draws) - 1], len(rows))


def _matches(prediction: list[str], reference: list[str]) -> tuple[int, int]:
    """(matching n-grams, the larger number of n-grams)."""
    a, b = _ngrams(prediction), _ngrams(reference)
    return (a & b).total(), max(a.total(), b.total())


def _ngrams(tokens: list[str]) -> Counter[tuple[str, ...]]:
    return Counter(tuple(tokens[i : i + n]) for n in range(1, 5) for i in range(len(tokens) - n + 1))


_ENTITIES = (("<skipped>", ""), ("-\n", ""), ("\n", " "), ("&quot;", '"'), ("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">"))
_CUTS = (
    (re.compile(r"([\{-\~\[-\` -\&\(-\+\:-\@\/])"), r" \1 "),  # punctuation stands alone
    (re.compile(r"([^0-9])([\.,])"), r"\1 \2 "),  # so do full stop and comma, unless inside a number
    (re.compile(r"([\.,])([^0-9])"), r" \1 \2"),
    (re.compile(r"([0-9])(-)"), r"\1 \2 "),
)


def _tokens(text: str) -> list[str]:
    """The tokens of NIST's mteval-v13a, language-independent part included."""
    for old, new in _ENTITIES:
        text = text.replace(old, new)
    text = f" {text} "
    for pattern, new in _CUTS:
        text = pattern.sub(new, text)
    return text.split()
