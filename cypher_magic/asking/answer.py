"""What came of a question: the query, what was checked and repaired on the way, and the rows."""

from __future__ import annotations

import html
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cypher_magic.asking.highlight import highlighted
from cypher_magic.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from cypher_magic.graph.picture import Picture
    from cypher_magic.graph.result import QueryResult
    from cypher_magic.query.complaint import Complaint


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
    holds every try, the last one being `query`; `seconds` counts from the question to the last row.
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

    @property
    def df(self) -> pd.DataFrame:
        """The rows as a DataFrame; DataError when the query did not run."""
        return self._rows().df

    @property
    def graph(self) -> Picture:
        """The rows' nodes and relationships as a picture; DataError when the query did not run."""
        return self._rows().graph

    def save_example(self, path: str | Path, *, query: str | None = None) -> Path:
        """Append question and query (or your corrected one) to a JSONL file that `%%finetune --data` reads."""
        from cypher_magic.query.parse import parse

        text = (query or self.query).strip()
        parse(text)
        target = Path(path).expanduser()
        line = json.dumps({"question": self.question, "query": text}, ensure_ascii=False) + "\n"
        try:
            with target.open("a+b") as file:
                if file.tell():
                    file.seek(-1, 2)
                    line = line if file.read(1) == b"\n" else "\n" + line  # edited by hand, without a last line break
                file.write(line.encode())
        except OSError as exc:
            raise DataError(f"{target} can not be written: {exc.strerror}.", hint="give a file name") from exc
        return target

    def _rows(self) -> QueryResult:
        if self.result is None:
            why = str(self.complaints[0]) if self.complaints else "it was not run"
            raise DataError(f"This answer has no rows: {why}")
        return self.result

    @property
    def summary(self) -> str:
        """One line: seconds, tries, and the model."""
        tries = len(self.attempts)
        parts = [f"{self.seconds:.1f} s"]
        parts += [f"{tries} tries"] if tries > 1 else []
        return " · ".join([*parts, self.model] if self.model else parts)

    def __repr__(self) -> str:
        lines = [f"Q: {self.question}", "", *self.query.splitlines(), ""]
        lines += [f"repaired: {r}" for r in self.repairs]
        lines += [f"✗ {c}" for c in self.complaints] + list(self.notes)
        lines = ["".join(c if c.isprintable() or c == "\t" else "�" for c in line) for line in lines]  # no escapes
        lines += [repr(self.result)] if self.result is not None else []
        return "\n".join([*lines, self.summary])

    def _repr_html_(self) -> str:
        parts = [highlighted(self.query)] if self.query else []
        parts += [_line("repaired", r) for r in self.repairs]
        parts += [_line("✗", str(c), strong=True) for c in self.complaints]
        parts += [_line("", note) for note in self.notes]
        if self.result is not None:
            parts.append(self.result._repr_html_())
        parts.append(f'<div style="opacity:.65;font-size:smaller">{html.escape(self.summary)}</div>')
        return "\n".join(parts)


def _line(tag: str, text: str, *, strong: bool = False) -> str:
    style = "color:var(--jp-error-color1,#c62828)" if strong else "opacity:.8"
    return f'<div style="{style};font-size:smaller">{html.escape(f"{tag} {text}".strip())}</div>'


def plain_turn_rows(result: QueryResult | None, most: int = 3) -> tuple[tuple[Any, ...], ...]:
    """The first rows of a result, for the history of a conversation."""
    return tuple(result.rows[:most]) if result is not None else ()


def as_frame(answers: Sequence[Answer]) -> pd.DataFrame:
    """Many answers as a table: question, query, rows (how many), complaint, answer (the `Answer` itself)."""
    import pandas as pd

    columns = ("question", "query", "rows", "complaint", "answer")
    rows = [
        (a.question, a.query, len(a.result) if a.result is not None else None, str(next(iter(a.complaints), "")), a)
        for a in answers
    ]
    return pd.DataFrame(rows, columns=list(columns))
