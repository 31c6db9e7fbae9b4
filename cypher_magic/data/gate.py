"""The data gate: what stands in the examples, before a second of training is spent on them, and its repair.

Counting: a row repeats a question if an earlier row of its part asks the same (so n rows of one question are n - 1
repeats); a question conflicts if its rows hold two different queries (one conflict a question); a validation row leaks
if its question stands in the training rows. Questions are the same if they agree up to spaces, after the same turns
and about the same graph; what is nearly the same (see `known.py`) is told apart from it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cypher_magic.data.example import Example
from cypher_magic.data.keys import meaning, query_key, question_key, template
from cypher_magic.data.known import Known
from cypher_magic.data.report import Change, Finding, Lengths, Severity

if TYPE_CHECKING:
    from cypher_magic.data.keys import Key
    from cypher_magic.data.lint import Lint

Parts = Mapping[str, Sequence[Example]]  # "train" and "val"
CountTokens = Callable[[str], int]

MISFITS = ("unknown_label", "unknown_relationship_type", "unknown_property", "unknown_triple", "reversed_direction")


@dataclass(frozen=True)
class _Hit:
    example: Example
    detail: str = ""


def find(
    parts: Parts, lint: Lint, *, count_tokens: CountTokens | None = None, max_tokens: int | None = None
) -> tuple[Finding, ...]:
    """Everything that the gate has against the examples, worst first within a part."""
    found: list[Finding] = []
    for part, examples in parts.items():
        found += _empty(examples, part)
        usable = [e for e in examples if e.question and e.query]
        found += _repeated(usable, part) + _linted(usable, part, lint) + _near(usable, part)
        if count_tokens and max_tokens:
            found += _too_long(usable, part, lint, count_tokens, max_tokens)
    return tuple(found + _leaked(parts))


def lengths(examples: Sequence[Example], lint: Lint, count: CountTokens) -> tuple[Lengths, ...]:
    """How long questions, queries and schemas are, in what `count` counts."""
    kinds = {
        "question": [(count(e.question), e.row) for e in examples],
        "query": [(count(e.query), e.row) for e in examples],
        "schema": [(count(text), e.row) for e in examples if (text := lint.schema_text(e))],
        "history": [(_history_length(e, count), e.row) for e in examples if e.history],
    }
    return tuple(Lengths.of(what, values) for what, values in kinds.items() if values)


def repaired(parts: Parts, lint: Lint, *, drop_misfits: bool = False) -> tuple[dict[str, list[Example]], list[Change]]:
    """The examples without what makes training or its figures wrong, and what was dropped or rewritten, row by row.

    Queries are repaired where one repair is certain (direction, letter case, text around the query); rows that no
    graph can run or that would write are dropped; of a question with several queries the first that passes every check
    stays, else the first; of a repeated question the first row; validation rows that training knows go. Rows that only
    name what this graph does not have stay, unless `drop_misfits`.
    """
    changes: list[Change] = []
    kept = {
        part: _one_per_question(_runnable(rows, lint, changes, drop_misfits), lint, changes)
        for part, rows in parts.items()
    }
    known = Known(kept.get("train", ()))
    for part in [p for p in kept if p != "train"]:
        fresh = []
        for example in kept[part]:
            if known.twin(example):
                changes.append(_dropped(example, "leaked_question", "its question is in the training rows"))
            else:
                fresh.append(example)
        kept[part] = fresh
    dropped = {(c.source, c.row) for c in changes if c.after is None}
    return kept, [c for c in changes if c.after is None or (c.source, c.row) not in dropped]


# What is found


def _finding(
    code: str,
    severity: Severity,
    message: str,
    hits: Iterable[_Hit],
    part: str,
    count: int | None = None,
    hint: str = "",
) -> list[Finding]:
    """One finding for each source that has hits; in the message `{n}` is the count, and `(row|rows)` goes by it."""
    by_source: dict[str, list[_Hit]] = defaultdict(list)
    for hit in hits:
        by_source[hit.example.source or part].append(hit)
    found = []
    for n, (source, of_source) in enumerate(by_source.items()):
        rows = tuple(h.example.row or 0 for h in of_source)
        details = tuple((h.example.row or 0, h.detail) for h in of_source if h.detail)
        counted = len(rows) if count is None else count if n == 0 else 0
        told = _told(message, counted)
        found.append(Finding(code, severity, told, rows, source, part, counted, details, hint))
    return found


def _told(message: str, n: int) -> str:
    return re.sub(r"\(([^|()]*)\|([^|()]*)\)", r"\1" if n == 1 else r"\2", message).format(n=n)


def _empty(examples: Sequence[Example], part: str) -> list[Finding]:
    no_question = [_Hit(e) for e in examples if not e.question]
    no_query = [_Hit(e) for e in examples if e.question and not e.query]
    return [
        *_finding("empty_question", "error", "{n} (row has|rows have) no question: left out", no_question, part),
        *_finding("empty_query", "error", "{n} (row has|rows have) no query: left out", no_query, part),
    ]


def _grouped(examples: Iterable[Example], key: Callable[[Example], Key]) -> dict[Key, list[Example]]:
    groups: dict[Key, list[Example]] = defaultdict(list)
    for example in examples:
        groups[key(example)].append(example)
    return groups


def _repeated(examples: Sequence[Example], part: str) -> list[Finding]:
    groups = [g for g in _grouped(examples, question_key).values() if len(g) > 1]
    repeats = [_Hit(e, f"as {_place(g[0], e)}: {e.question}") for g in groups for e in g[1:]]
    repeats.sort(key=lambda h: (h.example.source or "", h.example.row or 0))
    conflicts = [g for g in groups if len({query_key(e.query) for e in g}) > 1]
    hits = [
        _Hit(e, f"{e.question} -> {e.query}" if query_key(e.query) not in {query_key(x.query) for x in g[:n]} else "")
        for g in conflicts
        for n, e in enumerate(g)
    ]
    found = _finding(
        "repeated_question", "warning", "{n} (row repeats|rows repeat) the question of an earlier row", repeats, part
    )
    spelling = sum(len({meaning(e.query) for e in g}) == 1 for g in conflicts)
    told = "{n} (question has|questions have) two or more different queries"
    told += f" ({spelling} of them only in spaces or letter case)" if spelling else ""
    return found + _finding("conflicting_queries", "error", told, hits, part, count=len(conflicts))


def _near(examples: Sequence[Example], part: str) -> list[Finding]:
    known, hits = Known(), []
    for example in examples:
        twin = known.twin(example)
        if twin and not twin.exact:
            hits.append(_Hit(example, f"nearly {_place(twin.example, example)}: {example.question}"))
        known.add(example)
    told = "{n} (row asks|rows ask) nearly what an earlier row asks (letter case, punctuation, a word)"
    return _finding("near_duplicate", "note", told, hits, part)


def _linted(examples: Sequence[Example], part: str, lint: Lint) -> list[Finding]:
    by_code: dict[str, list[_Hit]] = defaultdict(list)
    unread = [_Hit(e) for e in examples if e.schema is not None and lint.schema_of(e) is None]
    for example in examples:
        for code, complaint in lint.complaints(example).items():
            by_code[code].append(_Hit(example, f"{complaint} | {example.query}"))
    told = "{n} (row brings|rows bring) a schema in a form that is not known: names are not checked"
    found = _finding("unreadable_schema", "note", told, unread, part)
    for code, hits in by_code.items():
        hint = "pairs of another graph teach names that this one does not have" if code in MISFITS else ""
        found += _finding(code, "error", lint.message(code), hits, part, hint=hint)
    gaps = [_Hit(e, f"{lines[0]} | {e.question} | {e.query}") for e in examples if (lines := lint.gaps(e))]
    told = "{n} (query|queries) may not do what (its question says|their questions say)"
    return found + _finding("gap", "note", told, gaps, part, hint="%cypher_panel review shows such rows first")


def _too_long(examples: Sequence[Example], part: str, lint: Lint, count: CountTokens, most: int) -> list[Finding]:
    hopeless, prunable = [], []
    for example in examples:
        own = count(example.question) + count(example.query) + _history_length(example, count)
        schema = count(lint.schema_text(example))
        if own > most:
            hopeless.append(_Hit(example, f"{own} tokens without any schema"))
        elif own + schema > most:
            prunable.append(_Hit(example, f"{own + schema} tokens; its schema has {schema} and may take {most - own}"))
    return [
        *_finding(
            "row_too_long",
            "error",
            f"{{n}} (row does|rows do) not fit into {most} tokens even without a schema",
            hopeless,
            part,
        ),
        *_finding(
            "schema_too_long",
            "note",
            f"{{n}} (row fits|rows fit) into {most} tokens only with a pruned schema",
            prunable,
            part,
        ),
    ]


def _history_length(example: Example, count: CountTokens) -> int:
    return sum(count(t.question) + count(t.query) for t in example.history)


def _leaked(parts: Parts) -> list[Finding]:
    train = [e for e in parts.get("train", ()) if e.question and e.query]
    val = [e for e in parts.get("val", ()) if e.question and e.query]
    known = Known(train)
    templates = {template(e.query) for e in train} if val else set()
    hits: dict[str, list[_Hit]] = {"exact": [], "near": [], "template": []}
    for example in val:
        if twin := known.twin(example):
            detail = f"is {_place(twin.example, example)}: {example.question}"
            hits["exact" if twin.exact else "near"].append(_Hit(example, detail))
        elif template(example.query) in templates:
            hits["template"].append(_Hit(example))
    told = "{n} of " + str(len(val)) + " validation rows "
    same_kind = "ask a known kind of query about other values"
    new_values = "these measure new values, not new kinds of question"
    return [
        *_finding("leaked_question", "error", told + "stand in the training rows", hits["exact"], "val"),
        *_finding(
            "nearly_leaked",
            "error",
            told + "nearly stand there (letter case, punctuation, a word)",
            hits["near"],
            "val",
        ),
        *_finding("leaked_template", "warning", told + same_kind, hits["template"], "val", hint=new_values),
    ]


def _place(example: Example, beside: Example) -> str:
    row = f"row {example.row}"
    return row if example.source == beside.source else f"{row} of {example.source}"


# What is done about it


def _runnable(examples: Sequence[Example], lint: Lint, changes: list[Change], drop_misfits: bool) -> list[Example]:
    kept = []
    for example in examples:
        if not example.question or not example.query:
            code = "empty_query" if example.question else "empty_question"
            changes.append(_dropped(example, code, "empty"))
            continue
        complaints = lint.complaints(example)
        if not complaints:
            kept.append(example)
            continue
        better, how = lint.repaired(example)
        if how:
            changes.append(
                Change(example.source or "", example.row or 0, next(iter(complaints)), how, example.query, better)
            )
            kept.append(replace(example, query=better))
        elif drop_misfits or any(code not in MISFITS for code in complaints):
            code, complaint = next(iter(complaints.items()))
            changes.append(_dropped(example, code, complaint))
        else:
            kept.append(example)
    return kept


def _one_per_question(examples: Sequence[Example], lint: Lint, changes: list[Change]) -> list[Example]:
    chosen: dict[Key, Example] = {}
    for key, group in _grouped(examples, question_key).items():
        best = next((e for e in group if not lint.complaints(e)), group[0])
        chosen[key] = best
        for example in group:
            if example is not best:
                same = query_key(example.query) == query_key(best.query)
                reason = "repeated question" if same else "repeated question with another query"
                changes.append(_dropped(example, "repeated_question" if same else "conflicting_queries", reason))
    return list(chosen.values())


def _dropped(example: Example, code: str, reason: str) -> Change:
    return Change(example.source or "", example.row or 0, code, reason, example.query)
