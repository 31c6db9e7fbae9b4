"""The conversation on one connection: which turns a question goes on from, and the answers so far."""

from __future__ import annotations

import html
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cypher_magic.asking.following import follows

if TYPE_CHECKING:
    from cypher_magic.asking.answer import Answer
    from cypher_magic.data.example import Turn


@dataclass
class Conversation:
    """The answers of a conversation, oldest first. Answers whose query failed are not part of it."""

    answers: list[Answer] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.answers)

    def clear(self) -> None:
        """Start over: nothing said so far is in a prompt any more."""
        self.answers.clear()

    def turns_for(self, question: str, follow_up: bool | None = None) -> tuple[Turn, ...]:
        """The turns that the question goes on from: those since the last question of its own, or none.

        `follow_up` says whether it is one; without, its words tell (`following.py`).
        """
        goes_on = follows(question) if follow_up is None else follow_up
        if not goes_on or not self.answers:
            return ()
        last = self.answers[-1]
        return (*last.history, last.turn)

    def add(self, answer: Answer) -> None:
        """Remember an answer, unless its query failed."""
        if answer.query and not answer.complaints:
            self.answers.append(answer)

    def exchange(self, old: Answer, new: Answer) -> None:
        """An edited answer takes the place of the one before, so that follow-ups go on from it; one that failed not."""
        if new.complaints:
            return
        for i, answer in enumerate(self.answers):
            if answer is old:
                self.answers[i] = new
                return
        self.add(new)

    def _lines(self) -> list[tuple[str, str, str]]:
        return [
            (
                f"{i}{' ↳' if a.history else ''}",
                a.question,
                a.query + (f"  -- {len(a.result):,} rows" if a.result else ""),
            )
            for i, a in enumerate(self.answers, 1)
        ]

    def __repr__(self) -> str:
        if not self.answers:
            return "The conversation is empty."
        text = "\n".join(
            f"{number:<4} {question}\n     {' '.join(query.split())}" for number, question, query in self._lines()
        )
        return "".join(c if c.isprintable() or c == "\n" else "�" for c in text)

    def _repr_html_(self) -> str:
        if not self.answers:
            return "<div>The conversation is empty.</div>"
        rows = "".join(
            f'<tr><td style="text-align:left">{html.escape(number)}</td><td style="text-align:left">'
            f"{html.escape(question)}</td>"
            f'<td style="text-align:left"><code>{html.escape(" ".join(query.split()))}</code></td></tr>'
            for number, question, query in self._lines()
        )
        return f"<table><tr><th></th><th>question</th><th>query</th></tr>{rows}</table>"
