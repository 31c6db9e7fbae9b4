"""Going through examples one by one, the most doubtful first: accept, reject, edit, undo. Needs no notebook.

    queue = Review(load_examples("pairs.jsonl").train, decisions="pairs.review.jsonl")
    while pair := queue.current:
        print(queue.progress, pair.example.question, pair.because)
        queue.accept()                    # or queue.reject("why"), queue.edit(query="MATCH ...")
    queue.accepted()

A review goes on where it was left: see `decisions.py` for how what was decided is kept.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from cypher_magic.data.decisions import Decision, Decisions
from cypher_magic.data.doubt import doubts
from cypher_magic.data.gate import MISFITS
from cypher_magic.data.lint import Lint
from cypher_magic.errors import DataError, OptionError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cypher_magic.data.doubt import Disagrees
    from cypher_magic.data.example import Example
    from cypher_magic.graph.result import QueryResult


@dataclass(frozen=True)
class Item:
    """One example in the queue: `doubt` orders it, `because` says why, `complaints` are those of the check."""

    example: Example
    key: str
    place: int  # in the data, from 0
    doubt: float = 0.0
    because: tuple[str, ...] = ()
    complaints: tuple[str, ...] = ()


@dataclass(frozen=True)
class Progress:
    """How far a review is."""

    accepted: int
    edited: int
    rejected: int
    total: int

    @property
    def done(self) -> int:
        """How many are decided."""
        return self.accepted + self.edited + self.rejected

    @property
    def left(self) -> int:
        """How many are not decided yet."""
        return self.total - self.done

    def __str__(self) -> str:
        parts = [f"{n} {name}" for name in ("accepted", "edited", "rejected") if (n := getattr(self, name))]
        return f"{self.done} of {self.total}" + (f" ({', '.join(parts)})" if parts else "")


class Review:
    """A queue of examples with a decision about each; `items` are all of them, the most doubtful first.

    `decisions` is the file that keeps what was decided (None: nothing is kept), `lint` what checks queries, `disagrees`
    tells how much a model disagrees with an example (a truth value, or 0 to 1), `families` the kind of each example
    where that is known, `rows` runs a query for `look`. Raises DataError where the file of decisions can not be read.
    """

    def __init__(
        self,
        examples: Sequence[Example],
        decisions: str | Path | None = None,
        *,
        lint: Lint | None = None,
        disagrees: Disagrees | None = None,
        families: Callable[[Example], str] | None = None,
        rows: Callable[[str], QueryResult] | None = None,
    ) -> None:
        if not examples:
            raise DataError("There are no examples to review.", hint="%cypher_data generate makes some from the graph")
        self._decisions = Decisions(decisions)
        self._lint = lint or Lint()
        self._rows = rows
        found = doubts(examples, self._lint, disagrees, families)
        keys = _keys(examples)
        parts = enumerate(zip(examples, keys, found, strict=True))
        items = [Item(e, key, n, d.value, d.because, d.complaints) for n, (e, key, d) in parts]
        self.items = sorted(items, key=lambda item: -item.doubt)
        self._index = {item.key: n for n, item in enumerate(self.items)}
        self._at: int | None = None
        self.next()

    @property
    def path(self) -> Path | None:
        """The file that keeps the decisions, or None."""
        return self._decisions.path

    # Where the queue is

    @property
    def current(self) -> Item | None:
        """The item to decide about; None when all are decided."""
        return None if self._at is None else self.items[self._at]

    @property
    def place(self) -> int:
        """The place of the current item in the queue, from 1; 0 when there is none."""
        return 0 if self._at is None else self._at + 1

    @property
    def progress(self) -> Progress:
        """How many are accepted, edited, rejected, and how many there are."""
        verdicts = Counter(d.verdict for key, d in self._decisions.by_key.items() if key in self._index)
        return Progress(verdicts["accept"], verdicts["edit"], verdicts["reject"], len(self.items))

    def decision(self, item: Item) -> Decision | None:
        """What was decided about an item, or None."""
        return self._decisions.by_key.get(item.key)

    def next(self) -> Item | None:
        """Go to the next item that is not decided, and from the end to the first one; None when all are decided."""
        decided = self._decisions.by_key
        start = 0 if self._at is None else self._at + 1
        order = [*range(start, len(self.items)), *range(start)]
        self._at = next((n for n in order if self.items[n].key not in decided), None)
        return self.current

    def go(self, place: int) -> Item:
        """Go to the item at a place of the queue (from 1), decided or not; OptionError when there is none."""
        if not 1 <= place <= len(self.items):
            raise OptionError(f"There is no item {place}.", hint=f"the queue has 1 to {len(self.items)}")
        self._at = place - 1
        return self.items[self._at]

    # Deciding

    def accept(self) -> Item | None:
        """Take the current example as it is shown; the next item."""
        item = self._current()
        before = self._decisions.by_key.get(item.key)
        edited = before is not None and before.verdict == "edit"
        return self._decide(before if before is not None and edited else Decision(item.key, "accept"))

    def reject(self, reason: str = "") -> Item | None:
        """Leave the current example out; the next item."""
        return self._decide(Decision(self._current().key, "reject", reason=" ".join(reason.split())))

    def edit(self, query: str | None = None, question: str | None = None, *, anyway: bool = False) -> tuple[str, ...]:
        """Take the current example with another query or question and go on: empty, or what is against it.

        With a complaint nothing is decided. `anyway` takes a query that names what the graph does not seem to have, but
        never one that is no Cypher or would not only read.
        """
        item = self._current()
        shown = self._shown(item)
        question = " ".join((shown.question if question is None else question).split())
        example = replace(shown, question=question, query=(shown.query if query is None else query).strip())
        against = self.complaints(example, anyway=anyway)
        if not against:
            same = (example.question, example.query) == (item.example.question, item.example.query)
            edited = Decision(item.key, "edit", example.question, example.query)
            self._decide(Decision(item.key, "accept") if same else edited)
        return against

    def complaints(self, example: Example, *, anyway: bool = False) -> tuple[str, ...]:
        """What the parser, the read-only gate and the schema have against the query of an example; empty = fine."""
        if not example.question or not example.query:
            return (f"there is no {'query' if example.question else 'question'}",)
        found = self._lint.complaints(example)
        return tuple(text for code, text in found.items() if not (anyway and code in MISFITS))

    def undo(self) -> Item:
        """Take the last decision back and go to its item; OptionError when there is none."""
        last = self._decisions.take_back(self._index)
        if last is None:
            raise OptionError("There is nothing to undo.", hint="no decision was made")
        self._at = self._index[last.key]
        return self.items[self._at]

    # What comes of it

    def accepted(self) -> list[Example]:
        """The accepted and the edited examples, these with their edits, in the order of the data."""
        decided = self._decisions.by_key
        kept = []
        for item in sorted(self.items, key=lambda item: item.place):
            decision = decided.get(item.key)
            if decision is not None and decision.verdict != "reject":
                kept.append(_edited(item.example, decision))
        return kept

    def verdicts(self, examples: Sequence[Example]) -> list[tuple[Example, str]]:
        """These examples as they stand now, each with what was decided about it here: accept, edit, reject or ""."""
        decided = self._decisions.by_key
        found = [(example, decided.get(key)) for example, key in zip(examples, _keys(examples), strict=True)]
        return [(_edited(e, d), d.verdict) if d is not None else (e, "") for e, d in found]

    def undecided(self) -> list[Example]:
        """The examples that are not decided yet, the most doubtful first."""
        decided = self._decisions.by_key
        return [item.example for item in self.items if item.key not in decided]

    def write(self, path: str | Path) -> Path:
        """Write the accepted examples as .jsonl or .csv; the path. DataError when none was accepted."""
        from cypher_magic.data.pairs import write_pairs

        kept = self.accepted()
        if not kept:
            raise DataError("No example was accepted yet.", hint="accept or edit some first")
        return write_pairs(kept, Path(path).expanduser())

    def look(self) -> QueryResult:
        """The rows of the current item's query; the errors of the graph. OptionError when there is no graph for it."""
        if self._rows is None:
            raise OptionError("This review has no graph to run queries on.", hint="connect, then open it again")
        return self._rows(self._shown(self._current()).query)

    def shown(self) -> Example | None:
        """The current example as it stands after an edit; None when all are decided."""
        return None if self.current is None else self._shown(self.current)

    def __len__(self) -> int:
        return len(self.items)

    def __repr__(self) -> str:
        return f"Review: {self.progress}"

    def _shown(self, item: Item) -> Example:
        decision = self._decisions.by_key.get(item.key)
        return _edited(item.example, decision) if decision is not None else item.example

    def _current(self) -> Item:
        if self.current is None:
            raise OptionError("All examples are decided.", hint="undo takes the last decision back")
        return self.current

    def _decide(self, decision: Decision) -> Item | None:
        self._decisions.add(decision)
        return self.next()


def _edited(example: Example, decision: Decision) -> Example:
    if decision.verdict != "edit":
        return example
    return replace(example, question=decision.question, query=decision.query)


def _keys(examples: Sequence[Example]) -> list[str]:
    """A short name for each example, made of what it says; rows that say the same are told apart by their number."""
    seen: Counter[str] = Counter()
    keys = []
    for example in examples:
        turns = [(t.question, t.query) for t in example.history]
        text = json.dumps([example.question, example.query, turns, example.database], ensure_ascii=False)
        key = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]
        seen[key] += 1
        keys.append(key if seen[key] == 1 else f"{key}-{seen[key]}")
    return keys
