"""Makes pairs: draws a question, has its query answered, words it; the same for a graph and for invented facts."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cypher_magic.data.example import Example, Turn
from cypher_magic.data.generate import follow_ups
from cypher_magic.data.generate.draw import Drawer
from cypher_magic.data.generate.families import WEIGHTS, draw, families
from cypher_magic.data.generate.literals import unguarded
from cypher_magic.data.generate.naming import Naming
from cypher_magic.data.generate.saying import Saying
from cypher_magic.data.generate.typos import with_typo
from cypher_magic.data.generate.voice import Voice
from cypher_magic.errors import DataError

if TYPE_CHECKING:
    from cypher_magic.data.generate.facts import Facts
    from cypher_magic.data.generate.meaning import Meaning
    from cypher_magic.data.generate.thing import Cell

TRIES = 40  # draws in vain, per family, before a graph counts as used up
_SAME_QUERY = 2  # questions for one query
_ROWS_SHOWN = 3  # rows of a result that go into a history


@dataclass(frozen=True)
class Pair(Example):
    """An example that was made from a graph; what it was made of is kept, so that evaluation can hold parts out."""

    family: str = ""
    template: str = ""
    phrasing: str = ""  # the kind of sentence, the same for different words and values
    hops: int = 0
    cells: frozenset[Cell] = frozenset()

    def to_dict(self) -> dict[str, Any]:
        """The pair as plain values; `Example.from_dict` reads it as an example."""
        return {k: v for k, v in super().to_dict().items() if k != "cells" and v not in ("", 0)}


@dataclass(frozen=True)
class Answered:
    """What a query brought back."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


Answer = Callable[["Meaning", str], Answered | str]  # the rows, or why the question is not worth asking


@dataclass
class Maker:
    """Draws, has answered and words pairs; `pairs` and `skipped` grow."""

    facts: Facts
    answer: Answer
    seed: object
    typos: float = 0.0
    families: Sequence[str] | None = None
    pairs: list[Pair] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.rng = random.Random(f"pairs {self.seed}")
        self.drawer = Drawer(self.facts, self.rng)
        self.naming = Naming(self.facts.schema)
        known = [f for f in families(self.drawer) if not self.families or f in self.families]
        self.weights = {f: WEIGHTS[f] for f in known}
        if not known:
            raise DataError("There is no such family of questions.", hint=f"families: {', '.join(WEIGHTS)}")
        self._asked: set[str] = set()
        self._uses: Counter[str] = Counter()
        self._done: dict[str, float] = dict.fromkeys(known, 0.0)
        self._follow_ups = 0
        self._kinds: Counter[str] = Counter()

    def step(self, follow_up: bool) -> bool:
        """Tries to make one more pair; whether it did."""
        return self._follow_up() if follow_up else self._single()

    def wants_follow_up(self, rows: int, share: float) -> bool:
        """Whether follow-ups lag behind their share."""
        return self._follow_ups < share * min(rows, len(self.pairs) + 1)

    def _single(self) -> bool:
        family = self._family()
        meaning = draw(self.drawer, family)
        if meaning is None or self._uses[meaning.query] >= _SAME_QUERY:
            self._done[family] += 0.2  # a family that has nothing new to say comes less often
            return False
        if self._answered(meaning, family) is None:
            return False
        question, phrasing = self._worded(meaning.say, meaning.query)
        if not question:
            return False
        self._done[family] += 1
        self._keep(meaning, family, question, phrasing, ())
        return True

    def _follow_up(self) -> bool:
        """A question that goes on from one that was asked before (or from a new one, and from that again)."""
        base = self._base()
        if base is None:
            return False
        meaning, history = base
        for _ in range(1 if self.rng.random() < 0.8 else 2):
            found = follow_ups.following(self.drawer, meaning, self._kinds)
            result = self._answered(found.meaning, f"follow-up {found.kind}") if found else None
            if found is None or result is None or self._uses[found.meaning.query] >= _SAME_QUERY:
                return False
            question, phrasing = self._worded(found.say, found.meaning.query, unique=False)
            kept = (found, history, question, phrasing)
            history = (*history, Turn(question, found.meaning.query, result.columns, result.rows[:_ROWS_SHOWN]))
            meaning = found.meaning
        found, history, question, phrasing = kept
        self._follow_ups += 1
        self._kinds[found.kind] += 1
        self._keep(found.meaning, f"follow-up {found.kind}", question, phrasing, history)
        return True

    def _base(self) -> tuple[Meaning, tuple[Turn, ...]] | None:
        family = self.rng.choice([f for f in follow_ups.BASES if f in self.weights] or list(self.weights))
        meaning = draw(self.drawer, family)
        if meaning is None or meaning.remake is None:
            return None
        result = self._answered(meaning, family)
        if result is None:
            return None
        question, _ = self._worded(meaning.say, meaning.query, unique=False)
        return meaning, (Turn(question, meaning.query, result.columns, result.rows[:_ROWS_SHOWN]),)

    def _answered(self, meaning: Meaning, family: str) -> Answered | None:
        result = self.answer(meaning, family)
        if isinstance(result, str):
            self.skipped[result] += 1
            return None
        return result

    def _family(self) -> str:
        """The family that lags most behind its share."""
        total, done = sum(self.weights.values()), max(1.0, sum(self._done.values()))
        lag = {f: w / total - self._done[f] / done + self.rng.random() * 0.02 for f, w in self.weights.items()}
        return max(lag, key=lag.__getitem__)

    def _worded(self, say: Callable[[Saying], str], query: str, *, unique: bool = True) -> tuple[str, str]:
        """A question that was not asked before, and its kind of sentence; empty where none was found."""
        for _ in range(5):
            voice = Voice(random.Random(self.rng.random()))
            question = unguarded(say(Saying(self.naming, voice)))
            if self.typos and self.rng.random() < self.typos:
                question = with_typo(self.rng, question, query)
            if not unique or question.casefold() not in self._asked:
                self._asked.add(question.casefold())
                return question, voice.shape
        return "", ""

    def _keep(self, meaning: Meaning, family: str, question: str, phrasing: str, history: tuple[Turn, ...]) -> None:
        self._uses[meaning.query] += 1
        template = f"{family}/{meaning.template}"
        self.pairs.append(
            Pair(
                question, meaning.query, history=history, source=f"generated:{template}", family=family,
                template=meaning.template, phrasing=f"{template}:{phrasing}", hops=meaning.hops, cells=meaning.cells,
            )
        )  # fmt: skip


def make(maker: Maker, rows: int, follow_up_share: float, go_on: Callable[[int], bool]) -> str:
    """Makes pairs until there are `rows`, while `go_on(count)`; why it ended early, or ""."""
    failed = 0
    while len(maker.pairs) < rows:
        if not go_on(len(maker.pairs)):
            return "The time was over before there were enough."
        made = maker.wants_follow_up(rows, follow_up_share) and failed < 20 and maker.step(follow_up=True)
        made = made or maker.step(follow_up=False)
        failed = 0 if made else failed + 1
        if failed > TRIES * len(maker.weights):
            return "The graph has no more to ask about."
    return ""
