"""Question/query pairs made from a connected graph: drawn, executed read-only, kept when they answer, then worded.

The prompt of a fine-tuned model is only as good as its examples fit the graph. Here every query has run on that very
graph; what came back empty, too large or too slow was dropped, and is counted in `Pairs.skipped`.
"""

from __future__ import annotations

import csv
import io
import json
import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cypher_magic.data.files import write_whole
from cypher_magic.data.generate.draw import LONG_LIST
from cypher_magic.data.generate.maker import Answered, Maker, Pair, make
from cypher_magic.data.keys import template
from cypher_magic.errors import DataError, QueryFailed, QueryTimeout

if TYPE_CHECKING:
    from cypher_magic.data.example import Example
    from cypher_magic.data.generate.meaning import Meaning
    from cypher_magic.data.teacher import Taught
    from cypher_magic.graph.neo4j_graph import Connection

_LIMIT = 120  # rows fetched
_SECONDS = 5.0  # for one query
_PATIENCE = 3.0
STOPPED = "Stopped before there were enough."
_WHOLE = frozenset(("all", "group", "optional", "columns", "values", "distinct"))  # families whose answers may be long

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Pairs:
    """Pairs with what they cover and why others were dropped."""

    examples: list[Pair]
    skipped: Mapping[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    note: str = ""
    report: Taught | None = None  # what a teacher was asked, and what came of it

    def __len__(self) -> int:
        return len(self.examples)

    def __iter__(self) -> Iterator[Pair]:
        return iter(self.examples)

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
        lines += self.report.lines if self.report else []
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
            f"<p>{'<br>'.join(map(escape, [self._summary(), *(self.report.lines if self.report else [])]))}</p>"
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
    stop: Callable[[], bool] | None = None,
) -> Pairs:
    """`rows` pairs whose queries ran on the connected graph and brought something back; the same for the same seed.

    `follow_ups` is the share of pairs that follow an earlier turn, `typos` the share of questions with a slip of the
    keyboard, `families` limits the kinds of questions. Fewer pairs come back (with a note) when the graph has no more
    to ask about, `time_budget` seconds are over, `stop()` is true, or an interrupt ends it. DataError for a graph about
    which nothing can be asked, and where it was stopped before the first pair.
    """
    from cypher_magic.data.generate.sample import facts_of

    started = time.monotonic()
    stopped = stop or bool  # bool() is False
    try:
        facts = facts_of(connection, seed=seed, time_budget=time_budget / 3)
    except KeyboardInterrupt as interrupt:
        raise _stopped_too_early() from interrupt
    maker = Maker(facts, _answering(connection, time_budget / rows), seed, typos, families)

    def go_on(count: int) -> bool:
        if progress:
            progress(count, rows)
        return time.monotonic() < started + time_budget and not stopped()

    try:
        note = make(maker, rows, follow_ups, go_on)
    except KeyboardInterrupt as interrupt:
        if not maker.pairs:
            raise _stopped_too_early() from interrupt
        note = STOPPED
    if stopped() and len(maker.pairs) < rows:
        note = STOPPED
        if not maker.pairs:
            raise _stopped_too_early()
    if not maker.pairs:
        raise DataError(
            "No question about this graph brought anything back.", hint="its nodes need properties to ask about"
        )
    return Pairs(maker.pairs, dict(maker.skipped.most_common()), time.monotonic() - started, note)


def _stopped_too_early() -> DataError:
    return DataError("Stopped before a pair was made.", hint="start it again")


def running(connection: Connection, per_pair: float) -> Callable[[str], Answered | str]:
    """Runs queries read-only: what they brought back, or why they are not worth asking.

    Queries of a kind that took several times `per_pair` seconds, twice, are not tried again.
    """
    fastest: dict[str, list[float]] = {}

    def run(query: str) -> Answered | str:
        kind = template(query)
        times = fastest.setdefault(kind, [])
        if len(times) > 1 and min(times) > _PATIENCE * per_pair:
            return "too slow"
        started = time.monotonic()
        try:
            result = connection.read(query, limit=_LIMIT, timeout=_SECONDS)
        except QueryTimeout:
            return "too slow"
        except QueryFailed:
            return "refused by the server"
        finally:
            times.append(time.monotonic() - started)
        return Answered(result.columns, result.rows)

    return run


def _answering(connection: Connection, per_pair: float) -> Callable[[Meaning, str], Answered | str]:
    """Runs queries and remembers what they brought back, or why they are not worth asking."""
    known: dict[str, Answered | str] = {}
    run = running(connection, per_pair)

    def answer(meaning: Meaning, family: str) -> Answered | str:
        if meaning.query not in known:
            known[meaning.query] = run(meaning.query)
        found = known[meaning.query]
        return found if isinstance(found, str) else unwanted(found.rows, family) or found

    return answer


def write_pairs(pairs: Sequence[Example], path: str | Path) -> Path:
    """Writes pairs as CSV (question and query, those without an earlier turn) or, for .jsonl, all of them whole."""
    path, text = target(path), io.StringIO()
    if path.suffix.lower() == ".jsonl":
        text.writelines(json.dumps(p.to_dict(), ensure_ascii=False, default=str) + "\n" for p in pairs)
    else:
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(("question", "query"))
        writer.writerows((p.question, p.query) for p in pairs if not p.history)
    try:
        write_whole(path, text.getvalue())
    except OSError as exc:
        raise DataError(f"{path} can not be written: {exc.strerror or exc}.", hint="name another file") from exc
    return path


def target(path: str | Path) -> Path:
    """The file that pairs can be written to; DataError where its folder is not there, or it is of no known kind."""
    path = Path(path).expanduser()
    if path.suffix.lower() not in (".csv", ".jsonl"):
        raise DataError(f"Pairs can not be written as {path.name}.", hint="name the file .csv or .jsonl")
    if not path.parent.is_dir():
        raise DataError(f"There is no folder {path.parent}.", hint="make it first, or name another file")
    if path.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
        raise DataError(f"{path} can not be written.", hint="name another file")
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
    if len(rows) > LONG_LIST and family not in _WHOLE:
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


__all__ = ["Pair", "Pairs", "generate_pairs", "running", "split_pairs", "target", "unwanted", "write_pairs"]
