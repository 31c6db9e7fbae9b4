"""What the data gate found, as values and as a table: row numbers first, for people who will open the file and look."""

from __future__ import annotations

import html
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from cypher_magic.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Severity = Literal["error", "warning", "note"]
_ORDER = {"error": 0, "warning": 1, "note": 2}
_SHOWN_DETAILS = 50
_STYLE = "text-align:left;vertical-align:top;padding:2px 8px"


@dataclass(frozen=True)
class Finding:
    """One kind of thing found in one source.

    `code` is one word per kind: empty_question, empty_query, repeated_question, conflicting_queries,
    leaked_question, nearly_leaked, leaked_template, near_duplicate, row_too_long, schema_too_long, no_schema,
    unreadable_schema, gap (between a question and its query), or the code of a complaint about the query (syntax,
    unknown_label, reversed_direction ...).
    `rows` counts data rows of `source` from 1; `count` is what the message counts (rows, or questions);
    `details` says something about single rows, by row number.
    """

    code: str
    severity: Severity
    message: str
    rows: tuple[int, ...] = ()
    source: str = ""
    part: str = ""
    count: int = 0
    details: tuple[tuple[int, str], ...] = ()
    hint: str = ""


@dataclass(frozen=True)
class Change:
    """A row that `fix` dropped (`after` is None) or whose query it repaired."""

    source: str
    row: int
    code: str
    reason: str
    before: str = ""
    after: str | None = None


@dataclass(frozen=True)
class Lengths:
    """Lengths of one kind of text: median, 95th percentile and largest, in tokens (or words without a tokenizer)."""

    what: str
    median: int
    p95: int
    largest: int
    row: int | None = None  # the row of the largest

    @classmethod
    def of(cls, what: str, lengths: Sequence[tuple[int, int | None]]) -> Lengths:
        """The lengths of (length, row) pairs; at least one."""
        ordered = sorted(lengths, key=lambda pair: pair[0])
        last = len(ordered) - 1
        return cls(what, ordered[last // 2][0], ordered[round(last * 0.95)][0], *ordered[-1])


@dataclass(frozen=True)
class Report:
    """What stands in the data, before a second of training is spent on it.

    `findings` are about the data as it came; `changes` is what `fix` did about them, and `remaining` what is still
    there after it (the same as `findings` without `fix`).
    """

    sources: Mapping[str, str] = field(default_factory=dict)  # source -> how its columns were understood
    rows_train: int = 0
    rows_val: int = 0
    read: int = 0  # rows before anything was dropped
    prefix: str = ""
    findings: tuple[Finding, ...] = ()
    changes: tuple[Change, ...] = ()
    remaining: tuple[Finding, ...] = ()
    lengths: tuple[Lengths, ...] = ()
    unit: str = "tokens"

    @property
    def errors(self) -> tuple[Finding, ...]:
        """What is left that makes the training or its figures wrong."""
        return tuple(f for f in self.remaining if f.severity == "error")

    @property
    def dropped(self) -> tuple[Change, ...]:
        """The rows that `fix` left out."""
        return tuple(c for c in self.changes if c.after is None)

    @property
    def repaired(self) -> tuple[Change, ...]:
        """The rows whose query `fix` rewrote."""
        return tuple(c for c in self.changes if c.after is not None)

    def count(self, code: str, part: str | None = None) -> int:
        """How many rows (for conflicting_queries: questions) were found, over all sources."""
        return sum(f.count for f in self.findings if f.code == code and part in (None, f.part))

    def refuse(self) -> None:
        """Raise DataError if an error is left; the strict mode."""
        if self.errors:
            told = "; ".join(f"{f.source}: {f.message}" if f.source else f.message for f in self.errors[:3])
            more = f"; and {len(self.errors) - 3} more" if len(self.errors) > 3 else ""
            hint = "correct these rows in the file" if self.changes else "repair with fix=True (--fix), or correct them"
            raise DataError(f"The examples are refused: {told}{more}.", hint=hint)

    def __repr__(self) -> str:
        return "\n".join([*self._top(), *_text_table(self.findings), *self._what_was_done()])

    def _repr_html_(self) -> str:
        top = _html_lines(self._top())
        rows = "".join(_html_row(f) for f in _sorted(self.findings))
        head = "".join(f'<th style="{_STYLE}">{name}</th>' for name in ("", "what", "rows", "source"))
        table = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>" if rows else ""
        done = self._what_was_done()
        tail = f"<details><summary>{_escaped(done[0])}</summary>{_html_lines(done[1:])}</details>" if done else ""
        return f'<div class="cypher-magic-data-report">{top}{table}{tail}</div>'

    def _top(self) -> list[str]:
        of = f" (of {self.read} read)" if self.read and self.read != self.rows_train + self.rows_val else ""
        verdict = "" if self.findings else ", nothing to complain about"
        lines = [f"{self.rows_train} training and {self.rows_val} validation examples{of}{verdict}"]
        lines += [f"  {source}: {columns}" for source, columns in self.sources.items()]
        if self.prefix:
            lines.append(f"  every question starts with {self.prefix!r} (kept apart from the question)")
        lines += [
            f"  {x.what}: median {x.median}, 95 % {x.p95}, largest {x.largest} {self.unit}{_in_row(x)}"
            for x in self.lengths
        ]
        return lines

    def _what_was_done(self) -> list[str]:
        if not self.changes:
            return []
        rows, queries = _counted(len(self.dropped), "row", "rows"), _counted(len(self.repaired), "query", "queries")
        head = f"fixed: {rows} dropped, {queries} repaired"
        by_reason: dict[tuple[str, str, str], list[int]] = {}
        for change in self.dropped:
            by_reason.setdefault((change.source, "dropped", change.reason), []).append(change.row)
        for change in self.repaired:
            by_reason.setdefault((change.source, "repaired", change.reason), []).append(change.row)
        done = [f"  {source}: {verb} ({why}): rows {_numbers(rows)}" for (source, verb, why), rows in by_reason.items()]
        left = [f"  left: {f.source}: {f.message}" for f in _sorted(self.remaining) if f.severity != "note"]
        return [head, *done, *left]


def _sorted(findings: Iterable[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda f: (_ORDER[f.severity], f.part != "train", f.source))


def _text_table(findings: Iterable[Finding]) -> list[str]:
    lines = []
    for f in _sorted(findings):
        lines.append(f"  {f.severity:<8}{f.source}{': ' if f.source else ''}{f.message}")
        if f.rows:
            lines.append(f"          rows {_numbers(f.rows)}")
        lines += [f"          row {row}: {_short(text)}" for row, text in f.details[:3]]
        if f.hint:
            lines.append(f"          {f.hint}")
    return lines


def _html_row(f: Finding) -> str:
    details = "".join(
        f"<div>row {row}: <code>{_escaped(_short(text, 400))}</code></div>" for row, text in f.details[:_SHOWN_DETAILS]
    )
    if len(f.details) > _SHOWN_DETAILS:
        details += f"<div>and {len(f.details) - _SHOWN_DETAILS} more</div>"
    hint = f"<div>{_escaped(f.hint)}</div>" if f.hint else ""
    what = _escaped(f.message)
    what = f"<details><summary>{what}</summary>{details}</details>" if details else what
    cells = (f.severity, what + hint, _escaped(_numbers(f.rows, 60)), _escaped(f.source))
    return "<tr>" + "".join(f'<td style="{_STYLE}">{cell}</td>' for cell in cells) + "</tr>"


def _html_lines(lines: Iterable[str]) -> str:
    return "".join(f"<div>{_escaped(line.strip())}</div>" for line in lines)


def _in_row(lengths: Lengths) -> str:
    return f" (row {lengths.row})" if lengths.row is not None else ""


def _numbers(rows: Sequence[int], most: int = 24) -> str:
    """Row numbers with runs folded: 3, 5-8, 12."""
    runs: list[list[int]] = []
    for row in sorted(set(rows)):
        if runs and row == runs[-1][1] + 1:
            runs[-1][1] = row
        else:
            runs.append([row, row])
    told = [str(a) if a == b else f"{a}-{b}" for a, b in runs]
    return ", ".join(told[:most]) + (f", … ({len(set(rows))} rows)" if len(told) > most else "")


def _short(text: str, most: int = 140) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1] + "…"


def _escaped(text: str) -> str:
    return html.escape(text, quote=True)


def _counted(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"
