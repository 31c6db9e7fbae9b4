"""Repairs of a query that a model wrote, each one reported; the text is edited in place, never written anew.

Repaired is only what has one answer: markdown and prose around the query, `!=`, names that differ from a known one in
case or by a slip, and an arrow whose other direction is the only one in the graph. The result is never empty.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cypher_magic.errors import CypherSyntaxError
from cypher_magic.query.fits import Edits, fits
from cypher_magic.query.parse import MAX_LENGTH, WRITING, Query, parse
from cypher_magic.query.scopes import understand
from cypher_magic.query.tokens import place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cypher_magic.graph.schema import GraphSchema

_ROUNDS = 20  # every round makes one edit or ends
_FENCE = re.compile(r"```[ \t]*\w*[ \t]*\r?\n?(.*?)(?:```|\Z)", re.DOTALL)
_LABEL = re.compile(r"[#*\s]*(?:cypher(?:\s+(?:query|statement))?|query|answer)[*\s]*:[*\s]*", re.I)
_END_MARK = re.compile(r"```|<\|[a-z_]+\|>|</s>", re.I)
_BARE_LANGUAGE = re.compile(r"\s*cypher\s*\n", re.I)
_FIRST_WORD = re.compile(r"(?:OPTIONAL\s+MATCH|MATCH|WITH|UNWIND|CALL|RETURN)\b", re.I)
_LINE = re.compile(r"^[ \t]*(?=\S)", re.MULTILINE)
_WORD = re.compile(r"[A-Za-z]+")
# A line that begins so is meant as a part of the query, however wrong.
_CLAUSES = WRITING | {
    *("MATCH", "OPTIONAL", "WHERE", "WITH", "RETURN", "UNWIND", "CALL", "YIELD", "UNION", "ORDER", "SKIP", "LIMIT"),
    *("AND", "OR", "XOR", "NOT", "GROUP", "HAVING", "LOAD", "USE", "SHOW", "SELECT", "FROM", "JOIN", "FILTER", "LET"),
}


@dataclass(frozen=True)
class Change:
    """One edit: what stood there, what stands there now, why, and where it stood (from 1)."""

    before: str
    after: str
    reason: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.reason}: {self.before!r} -> {self.after!r}"


@dataclass(frozen=True)
class Repair:
    """The repaired text and the changes that led to it; without changes the text is the original."""

    text: str
    changes: tuple[Change, ...] = ()
    original: str = ""

    @property
    def diff(self) -> str:
        """The changed lines, old with `-` and new with `+`; empty without changes."""
        lines = difflib.unified_diff(self.original.splitlines(), self.text.splitlines(), n=0, lineterm="")
        return "\n".join(line for line in lines if not line.startswith(("---", "+++", "@@")))


def repair(text: str, schema: GraphSchema | None = None) -> Repair:
    """A query with everything put right that has one right answer; names and arrows need a schema."""
    now, changes = text, list[Change]()
    for edit, reason in _unwrap(text):
        changes.append(_change(now, edit, reason))
        now = _edited(now, (edit,))
    for _ in range(_ROUNDS):
        found = _next(now, schema)
        if found is None:
            break
        edits, reason = found
        changes += [_change(now, _whole(now, edits), reason)]
        now = _edited(now, edits)
    return Repair(now, tuple(changes), text) if now.strip() else Repair(text, (), text)


def _edited(text: str, edits: Edits) -> str:
    for start, end, new in sorted(edits, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def _whole(text: str, edits: Edits) -> tuple[int, int, str]:
    """Several edits as one that spans them."""
    start, end = min(e[0] for e in edits), max(e[1] for e in edits)
    inside = tuple((s - start, e - start, new) for s, e, new in edits)
    return start, end, _edited(text[start:end], inside)


def _change(text: str, edit: tuple[int, int, str], reason: str) -> Change:
    start, end, new = edit
    line, column = place(text, start)
    return Change(text[start:end].strip(), new, reason, line, column)


def _next(text: str, schema: GraphSchema | None) -> tuple[Edits, str] | None:
    """The next edit to make, with its reason."""
    try:
        query = parse(text)
    except CypherSyntaxError as error:
        at = _offset(text, error.line, error.column)
        return (((at, at + 2, "<>"),), "Cypher writes <> for unequal") if text.startswith("!=", at) else None
    return _misfit(query, schema) if schema is not None else None


def _misfit(query: Query, schema: GraphSchema) -> tuple[Edits, str] | None:
    for finding in fits(query, understand(query), schema):
        if finding.edits:
            return finding.edits, finding.complaint.message.rstrip(".")
    return None


def _offset(text: str, line: int, column: int) -> int:
    return sum(len(row) for row in text.splitlines(keepends=True)[: line - 1]) + column - 1


def _unwrap(text: str) -> Iterator[tuple[tuple[int, int, str], str]]:
    """Edits that take away markdown and prose around a query, the later ones for the text after the earlier."""
    start, end = _bounds(text)
    if text[end:].strip():
        end = len(text[:end].rstrip())
        yield (end, len(text), ""), "text after the query taken away"
    if text[:start].strip():
        yield (0, start, ""), "text before the query taken away"


def _bounds(text: str) -> tuple[int, int]:
    """Where the query in a reply starts and ends: all of it when that parses or nothing better is found."""
    if _reads(text):
        return 0, len(text)
    blocks = [(m.start(1), m.end(1)) for m in _FENCE.finditer(text) if m[1].strip()]
    candidates = blocks or [(0, len(text))]
    trimmed = [_trimmed(text, start, end) for start, end in candidates]
    return next(((s, e) for s, e in trimmed if _reads(text[s:e])), trimmed[0])


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    found = _LABEL.match(text, start, end) or _BARE_LANGUAGE.match(text, start, end)
    start = found.end() if found and found.end() < end else start
    if not _FIRST_WORD.match(text[start:end].lstrip()):
        starts = [m.end() for m in _LINE.finditer(text, start, end) if _FIRST_WORD.match(text, m.end())]
        start = starts[0] if starts else start
    return start, _end_of_query(text, start, end)


def _end_of_query(text: str, start: int, end: int) -> int:
    """The end of the longest piece that parses and is followed by prose; `end` when there is none."""
    if _reads(text[start:end]):
        return end
    # No query is longer than the parser takes, and none ends behind that.
    last = min(end, start + MAX_LENGTH)
    lines = [m.start() for m in _LINE.finditer(text, start + 1, last)]
    marks = [m.start() for m in _END_MARK.finditer(text, start, last)]
    cuts = [cut for cut in lines if _is_prose(text, cut, end)] + marks
    for cut in sorted(cuts, reverse=True)[:20]:
        if _reads(text[start:cut]):
            return cut
    return end


def _is_prose(text: str, cut: int, end: int) -> bool:
    rest = text[cut : min(end, cut + 200)].lstrip()
    word = _WORD.match(rest)
    if word is None:
        return rest.startswith(("#", "*", "- ", "--"))
    return word[0].upper() not in _CLAUSES and len(rest.split()) > 1


def _reads(text: str) -> bool:
    try:
        parse(text)
    except CypherSyntaxError as error:
        # A slip that can be repaired is still a query.
        return text.startswith("!=", _offset(text, error.line, error.column))
    return True
