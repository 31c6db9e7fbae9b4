"""What came of a question: the query, what was checked and repaired on the way, and the rows."""

from __future__ import annotations

import difflib
import html
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cypher_magic.asking.highlight import highlighted
from cypher_magic.data.example import Example, Turn
from cypher_magic.errors import DataError
from cypher_magic.graph.frame import whole

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd

    from cypher_magic.asking.steps import Step
    from cypher_magic.graph.picture import Picture
    from cypher_magic.graph.result import QueryResult
    from cypher_magic.graph.schema import GraphSchema
    from cypher_magic.query.complaint import Complaint

TURN_ROWS = 3


@dataclass(frozen=True)
class Attempt:
    """One try: what the model wrote, the query read from it, what was changed in it and what was against it."""

    reply: str
    query: str
    repairs: tuple[str, ...] = ()
    complaints: tuple[Complaint, ...] = ()


@dataclass(frozen=True)
class Answer:
    """A question, the query that answers it and its rows.

    `complaints` is empty when the query passed all checks and ran; else `result` is None and they say why. `attempts`
    holds every try, `steps` what happened in them; `seconds` counts from the question to the last row. `explanation`
    says in plain words what the query does. `history` are the turns of the conversation that the model was given,
    `schema` is that of the graph.
    """

    question: str
    query: str
    complaints: tuple[Complaint, ...] = ()
    repairs: tuple[str, ...] = ()
    result: QueryResult | None = None
    seconds: float = 0.0
    prompt: str = ""
    attempts: tuple[Attempt, ...] = ()
    model: str = ""
    notes: Sequence[str] = field(default_factory=tuple)
    steps: tuple[Step, ...] = ()
    explanation: str = ""
    history: tuple[Turn, ...] = ()
    schema: GraphSchema | None = field(default=None, compare=False, repr=False)
    show_steps: bool = field(default=False, compare=False, repr=False)
    again: Callable[[Answer, str], Answer] | None = field(default=None, compare=False, repr=False)

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"again": None}  # it holds the connection, which stays in this process

    @property
    def df(self) -> pd.DataFrame:
        """The rows as a DataFrame; DataError when the query did not run."""
        return self._rows().df

    @property
    def graph(self) -> Picture:
        """The rows' nodes and relationships as a picture; DataError when the query did not run."""
        return self._rows().graph

    @property
    def turn(self) -> Turn:
        """The answer as the turn before another question: query, columns and the first rows."""
        columns, rows = (self.result.columns, self.result.rows[:TURN_ROWS]) if self.result is not None else ((), ())
        return Turn(self.question, self.query, columns, rows)

    def edit(self, query: str) -> Answer:
        """The answer with your query instead: checked like the model's, run read-only, and what follow-ups go on from.

        DataError when this answer no longer knows its graph (it was saved and loaded).
        """
        if self.again is None:
            raise DataError("This answer does not know its graph any more.", hint="ask again, or use %cypher")
        return self.again(self, query)

    def save_example(
        self, path: str | Path, *, query: str | None = None, tell: Callable[[str], object] = print
    ) -> Path:
        """Keep question and query (or your corrected one) in a JSONL file that `%%finetune --data` reads.

        A question stands there once after the same turns: another query takes the place of the one before, every other
        line stays as it is, and `tell` gets a line that says so. DataError for a query with names that the graph does
        not have and for a file that can not be written.
        """
        from cypher_magic.data.keep import keep
        from cypher_magic.query.parse import parse

        text = (query or self.query).strip()
        parse(text)
        self._refuse_strange_names(text)
        target = Path(path).expanduser()
        if said := keep(Example(self.question, text, history=self.history), target):
            tell(said)
        return target

    def save_for_review(
        self, path: str | Path, *, query: str | None = None, tell: Callable[[str], object] = print
    ) -> Path:
        """Keep a question whose query is wrong, with no better one known, in a JSONL file for `%cypher_panel review`.

        Nothing is checked; a question stands there once, as with `save_example`. Not a file to train on: what the
        review accepts or corrects is. DataError without a query, and for a file that can not be written.
        """
        from cypher_magic.data.keep import keep

        text = (query if query is not None else self.query).strip()
        if not text:
            raise DataError("There is no query to review.", hint="write down what you know of it")
        target = Path(path).expanduser()
        if said := keep(Example(self.question, text, history=self.history), target):
            tell(said)
        return target

    def _refuse_strange_names(self, query: str) -> None:
        """DataError for a name that the schema does not have, when that is known and whole."""
        from cypher_magic.graph.introspect import cut_short
        from cypher_magic.query.check import check
        from cypher_magic.query.complaint import NAMES

        if self.schema is None or cut_short(self.schema):
            return
        for complaint in check(query, self.schema):
            if complaint.code in NAMES:
                raise DataError(f"This query was not kept: {complaint.message}", hint=complaint.hint)

    def _rows(self) -> QueryResult:
        if self.result is None:
            why = str(self.complaints[0]) if self.complaints else "it was not run"
            raise DataError(f"This answer has no rows: {why}")
        return self.result

    @property
    def sentence(self) -> str:
        """Why there is nothing to show, in plain words with what was tried; empty when there are rows."""
        tries = len(self.attempts)
        tried = f" after {tries} tries" if tries > 1 else ""
        if self.complaints:
            return f"No answer{tried}: no query was found that reads this graph and passes the checks."
        if self.result is not None and not self.result.rows:
            return f"Nothing found{tried}: the query runs, and the graph has nothing that fits it."
        return ""

    @property
    def diff(self) -> str:
        """What repairs changed in the reply: its lines with `-`, those of the query with `+`; empty without repairs."""
        if not self.repairs or not self.attempts:
            return ""
        used = next((a for a in reversed(self.attempts) if a.query == self.query), self.attempts[-1])
        lines = difflib.unified_diff(used.reply.strip().splitlines(), self.query.splitlines(), n=0, lineterm="")
        return "\n".join(line for line in lines if not line.startswith(("---", "+++", "@@")))

    @property
    def summary(self) -> str:
        """One line: seconds, tries, and the model."""
        tries = len(self.attempts)
        parts = [f"{self.seconds:.1f} s"]
        parts += [f"{tries} tries"] if tries > 1 else []
        parts += ["follow-up"] if self.history else []
        return " · ".join([*parts, self.model] if self.model else parts)

    def __repr__(self) -> str:
        lines = [f"Q: {self.question}", "", *self.query.splitlines(), ""]
        lines += [self.explanation] if self.explanation and not self.complaints else []
        lines += [f"repaired: {r}" for r in self.repairs] + self.diff.splitlines()
        lines += [self.sentence] if self.sentence else []
        lines += [f"✗ {c}" for c in self.complaints] + list(self.notes)
        lines += [str(step) for step in self.steps] if self.show_steps else []
        lines = ["".join(c if c.isprintable() or c == "\t" else "�" for c in line) for line in lines]  # no escapes
        lines += [repr(self.result)] if self.result is not None else []
        return "\n".join([*lines, self.summary])

    def _repr_html_(self) -> str:
        parts = [highlighted(self.query)] if self.query else []
        parts += [_line("", self.explanation)] if self.explanation and not self.complaints else []
        parts += [_line("repaired", r) for r in self.repairs]
        parts += [_block(self.diff)] if self.diff else []
        parts += [_line("", self.sentence, strong=bool(self.complaints))] if self.sentence else []
        parts += [_line("✗", str(c), strong=True) for c in self.complaints]
        parts += [_line("", note) for note in self.notes]
        parts += [_block("\n".join(map(str, self.steps)))] if self.show_steps else []
        if self.result is not None:
            parts.append(self.result._repr_html_())
        parts.append(f'<div style="opacity:.65;font-size:smaller">{html.escape(self.summary)}</div>')
        return "\n".join(parts)


def _line(tag: str, text: str, *, strong: bool = False) -> str:
    style = "color:var(--jp-error-color1,#c62828)" if strong else "opacity:.8"
    return f'<div style="{style};font-size:smaller">{html.escape(f"{tag} {text}".strip())}</div>'


def _block(text: str) -> str:
    return f'<pre style="margin:.2em 0;white-space:pre-wrap;opacity:.8;font-size:smaller">{html.escape(text)}</pre>'


def as_frame(answers: Sequence[Answer]) -> pd.DataFrame:
    """Many answers as a table: question, query, rows (how many), complaint, answer (the `Answer` itself)."""
    import pandas as pd

    columns = ("question", "query", "rows", "complaint", "answer")
    rows = [
        (a.question, a.query, len(a.result) if a.result is not None else None, str(next(iter(a.complaints), "")), a)
        for a in answers
    ]
    return whole(pd.DataFrame(rows, columns=list(columns)))
