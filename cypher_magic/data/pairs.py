"""Question/query pairs made from a connected graph: drawn, executed read-only, kept when they answer, then worded.

The prompt of a fine-tuned model is only as good as its examples fit the graph. Here every query has run on that very
graph; what came back empty, too large or too slow was dropped, and is counted in `Pairs.skipped`.
"""

from __future__ import annotations

import csv
import json
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cypher_magic.data.example import Example
from cypher_magic.data.generate.draw import WEIGHTS, Drawer
from cypher_magic.data.generate.literals import unguarded
from cypher_magic.data.generate.naming import Naming
from cypher_magic.data.generate.saying import Saying
from cypher_magic.data.generate.thing import Cell
from cypher_magic.data.generate.typos import with_typo
from cypher_magic.data.generate.voice import Voice
from cypher_magic.errors import DataError, QueryFailed, QueryTimeout

if TYPE_CHECKING:
    from cypher_magic.data.generate.facts import Facts
    from cypher_magic.data.generate.meaning import Meaning
    from cypher_magic.graph.neo4j_graph import Connection
    from cypher_magic.graph.result import QueryResult

_LIMIT = 200  # rows fetched
_MANY = 100  # rows of a list; more say little about whether a query is right
_SECONDS = 5.0  # for one query
_WHOLE = frozenset(("all", "group", "optional", "columns", "values", "distinct"))  # families whose answers may be long
_TRIES = 40  # draws for one pair before a graph counts as used up

Progress = Callable[[int, int], None]


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
        return {k: v for k, v in super().to_dict().items() if k != "cells"}


@dataclass(frozen=True)
class Pairs:
    """Pairs with what they cover and why others were dropped."""

    examples: list[Pair]
    skipped: Mapping[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    note: str = ""

    def __len__(self) -> int:
        return len(self.examples)

    @property
    def coverage(self) -> list[dict[str, Any]]:
        """How many pairs there are for every label, relationship type, direction, property and family."""
        counts: Counter[tuple[str, str, str, str, str]] = Counter()
        for pair in self.examples:
            counts.update((*cell, pair.family) for cell in pair.cells)
        names = ("label", "type", "direction", "property", "family")
        return [dict(zip(names, cell, strict=True)) | {"pairs": n} for cell, n in sorted(counts.items())]

    @property
    def families(self) -> dict[str, int]:
        """How many pairs there are of each family."""
        return dict(Counter(p.family for p in self.examples).most_common())

    def write(self, path: str | Path) -> Path:
        """Writes the pairs as CSV (question and query, without follow-ups) or JSONL (everything); the path."""
        return write_pairs(self.examples, path)

    def __repr__(self) -> str:
        lines = [self._summary()]
        lines += [f"  {name:<14} {count:>5}" for name, count in self.families.items()]
        lines += [f"  dropped: {why} {count}" for why, count in self.skipped.items()]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        from html import escape

        def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
            top = "".join(f"<th>{escape(h)}</th>" for h in head)
            body = "".join("<tr>" + "".join(f"<td>{escape(str(c))}</td>" for c in row) + "</tr>" for row in rows)
            return f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"

        step = max(1, len(self.examples) // 8)
        shown = [(p.question, p.query) for p in self.examples[::step]]
        return (
            f"<p>{escape(self._summary())}</p>"
            + table(("question", "query"), shown)
            + "<details><summary>coverage</summary>"
            + table(("family", "pairs"), self.families.items())
            + table(("label, type, direction, property", "pairs"), self._cells())
            + table(("dropped", "queries"), self.skipped.items())
            + "</details>"
        )

    def _cells(self) -> list[tuple[str, int]]:
        counts = Counter(cell for pair in self.examples for cell in pair.cells)
        return sorted((" ".join(part for part in cell if part), n) for cell, n in counts.items())

    def _summary(self) -> str:
        turns = sum(bool(p.history) for p in self.examples)
        dropped = sum(self.skipped.values())
        said = f"{len(self.examples)} pairs ({turns} follow-ups) in {self.seconds:.1f} s, {dropped} queries dropped"
        return f"{said}. {self.note}" if self.note else said


def generate_pairs(
    connection: Connection,
    rows: int = 600,
    *,
    seed: int = 0,
    follow_ups: float = 0.1,
    typos: float = 0.0,
    families: Sequence[str] | None = None,
    time_budget: float = 60.0,
    progress: Progress | None = None,
) -> Pairs:
    """`rows` pairs whose queries ran on the connected graph and brought something back; the same for the same seed.

    `follow_ups` is the share of pairs that follow an earlier turn, `typos` the share of questions with a slip of the
    keyboard, `families` limits the kinds of questions. Fewer pairs come back (with a note) when the graph has no more
    to ask about or `time_budget` seconds are over. DataError for a graph about which nothing can be asked.
    """
    from cypher_magic.data.generate.sample import facts_of

    started = time.monotonic()
    facts = facts_of(connection, seed=seed, time_budget=time_budget / 3)
    maker = _Maker(connection, facts, seed, typos, deadline=started + time_budget, families=families)
    maker.make(rows, follow_ups, progress)
    if not maker.pairs:
        raise DataError(
            "No question about this graph brought anything back.", hint="its nodes need properties to ask about"
        )
    return Pairs(maker.pairs, dict(maker.skipped.most_common()), time.monotonic() - started, maker.note)


@dataclass
class _Answered:
    """A question that was asked in this run: what follow-ups go on from."""

    meaning: Meaning
    question: str
    result: QueryResult


class _Maker:
    """Draws, executes and words pairs until there are enough."""

    def __init__(
        self,
        connection: Connection,
        facts: Facts,
        seed: int,
        typos: float,
        *,
        deadline: float,
        families: Sequence[str] | None,
    ) -> None:
        self.connection = connection
        self.rng = random.Random(f"pairs {seed}")
        self.drawer = Drawer(facts, self.rng)
        self.naming = Naming(facts.schema)
        self.typos = typos
        self.deadline = deadline
        self.weights = {
            f: w for f, w in WEIGHTS.items() if f in self.drawer.families and (not families or f in families)
        }
        if not self.weights:
            raise DataError("There is no such family of questions.", hint=f"families: {', '.join(WEIGHTS)}")
        self.pairs: list[Pair] = []
        self.skipped: Counter[str] = Counter()
        self.asked: set[str] = set()
        self.answered: dict[str, QueryResult | str] = {}
        self.counts: Counter[str] = Counter()
        self.uses: Counter[str] = Counter()
        self.note = ""

    def make(self, rows: int, follow_ups: float, progress: Progress | None) -> None:
        turns = round(rows * follow_ups)
        failed = 0
        while len(self.pairs) < rows:
            if time.monotonic() > self.deadline:
                self.note = "The time was over before there were enough."
                return
            later = sum(bool(p.history) for p in self.pairs) < turns * len(self.pairs) / rows
            made = (self.follow_up() if later else None) or self.single()
            failed = 0 if made else failed + 1
            if failed > _TRIES * len(self.weights):
                self.note = "The graph has no more to ask about."
                return
            if made and progress:
                progress(len(self.pairs), rows)

    def single(self) -> bool:
        """One more pair; whether there is one."""
        family = self.family()
        meaning = self.drawer.draw(family)
        if meaning is None:
            self.counts[family] += 0.25  # type: ignore[assignment]  # a family that has nothing to draw comes less often
            return False
        result = self.answer(meaning.query, family)
        if isinstance(result, str):
            self.skipped[result] += 1
            return False
        if self.uses[meaning.query] >= 2:
            return False
        pair = self.worded(meaning, family)
        if pair is None:
            return False
        self.uses[meaning.query] += 1
        self.counts[family] += 1
        self.pairs.append(pair)
        return True

    def family(self) -> str:
        """The family that lags most behind its share."""
        total = sum(self.weights.values())
        done = max(1.0, float(sum(self.counts.values())))
        lag = {f: w / total - self.counts[f] / done + self.rng.random() * 0.02 for f, w in self.weights.items()}
        return max(lag, key=lag.__getitem__)

    def worded(self, meaning: Meaning, family: str) -> Pair | None:
        """The meaning in words that were not used before."""
        for _ in range(5):
            voice = Voice(random.Random(self.rng.random()))
            question = unguarded(meaning.say(Saying(self.naming, voice)))
            if self.typos and self.rng.random() < self.typos:
                question = with_typo(self.rng, question, meaning.query)
            if question.casefold() not in self.asked:
                self.asked.add(question.casefold())
                return Pair(
                    question, meaning.query, source=f"generated:{family}/{meaning.template}",
                    family=family, template=meaning.template,
                    phrasing=f"{meaning.template}:{voice.shape}", hops=meaning.hops, cells=meaning.cells,
                )  # fmt: skip
        return None

    def answer(self, query: str, family: str) -> QueryResult | str:
        """The result of the query, or why it is not worth asking; remembered."""
        if query not in self.answered:
            self.answered[query] = self._run(query, family)
        return self.answered[query]

    def _run(self, query: str, family: str) -> QueryResult | str:
        try:
            result = self.connection.read(query, limit=_LIMIT, timeout=_SECONDS)
        except QueryTimeout:
            return "too slow"
        except QueryFailed:
            return "refused by the server"
        return unwanted(result.rows, family) or result

    def follow_up(self) -> bool:
        """One pair that goes on from an earlier turn; whether there is one."""
        from cypher_magic.data.generate.follow_ups import follow

        return follow(self)


def write_pairs(pairs: Sequence[Example], path: str | Path) -> Path:
    """Writes pairs as CSV (question and query; what follows an earlier turn is left out) or, for .jsonl, all of them."""
    path = Path(path)
    if path.suffix.lower() == ".jsonl":
        lines = (json.dumps(p.to_dict(), ensure_ascii=False, default=str) for p in pairs)
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        return path
    if path.suffix.lower() != ".csv":
        raise DataError(f"Pairs can not be written as {path.name}.", hint="name the file .csv or .jsonl")
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("question", "query"))
        writer.writerows((p.question, p.query) for p in pairs if not p.history)
    return path


def unwanted(rows: Sequence[tuple[Any, ...]], family: str) -> str:
    """Why rows make no good example, or ""."""
    if not rows or all(v is None for row in rows for v in row):
        return "empty"
    if (
        len(rows) == 1
        and len(rows[0]) == 1
        and isinstance(rows[0][0], int)
        and rows[0][0] == 0
        and rows[0][0] is not False
    ):
        return "empty"
    if len(rows) > _MANY and family not in _WHOLE:
        return "too many rows"
    return ""


def split_pairs(
    pairs: Pairs | Sequence[Pair], by: str = "value", share: float = 0.1, seed: int = 0
) -> tuple[list[Pair], list[Pair]]:
    """Training and held-out pairs that share no value, no phrasing or no template (`by`).

    value: no query is in both parts; phrasing: no kind of sentence; template: no kind of query. Around `share` of the
    pairs are held out. DataError where all pairs are of one kind.
    """
    found = list(pairs.examples if isinstance(pairs, Pairs) else pairs)
    kinds: dict[str, Callable[[Pair], str]] = {
        "value": lambda p: p.query,
        "phrasing": lambda p: p.phrasing,
        "template": lambda p: f"{p.family}/{p.template}",
    }
    if by not in kinds:
        raise DataError(f"Pairs can not be held out by {by}.", hint="value, phrasing or template")
    groups: dict[str, list[Pair]] = {}
    for pair in found:
        groups.setdefault(kinds[by](pair), []).append(pair)
    names = sorted(groups)
    random.Random(seed).shuffle(names)
    wanted, held = round(share * len(found)), set()
    count = 0
    for name in names:
        if count + len(groups[name]) <= wanted * 1.2 and count < wanted:
            held.add(name)
            count += len(groups[name])
    if not held:
        raise DataError(f"Nothing can be held out by {by} of {len(found)} pairs.", hint="make more pairs")
    val = [p for p in found if kinds[by](p) in held]
    queries = {p.query for p in val} if by == "value" else set()
    train = [p for p in found if kinds[by](p) not in held and p.query not in queries]
    return train, val


__all__ = ["Pair", "Pairs", "generate_pairs", "split_pairs", "unwanted", "write_pairs"]
