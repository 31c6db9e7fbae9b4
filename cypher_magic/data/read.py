"""Examples from wherever they are, checked: `load_examples`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cypher_magic.data import gate
from cypher_magic.data.columns import mapped
from cypher_magic.data.keys import shared_prefix
from cypher_magic.data.lint import Lint
from cypher_magic.data.report import Change, Finding, Report
from cypher_magic.data.rows import examples_of
from cypher_magic.data.schemas import graph_schema, read_schemas
from cypher_magic.data.sources import tables
from cypher_magic.data.split import split
from cypher_magic.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cypher_magic.data.example import Example
    from cypher_magic.data.table import Table
    from cypher_magic.graph.schema import GraphSchema

Columns = Mapping[str, "str | Mapping[str, str]"]  # what holds what, for all sources or for each by its name


@dataclass(frozen=True, repr=False)
class Dataset:
    """Examples for training and for validation, and what the gate says about them.

    `prefix` is the instruction that stood in front of every question in the source ("" if none did); the questions are
    without it.
    """

    train: list[Example]
    val: list[Example]
    report: Report

    @property
    def prefix(self) -> str:
        """The instruction in front of every question of the source, for prompts in the plain style."""
        return self.report.prefix

    def __repr__(self) -> str:
        return repr(self.report)

    def _repr_html_(self) -> str:
        return self.report._repr_html_()

    def write(self, folder: str | Path) -> list[Path]:
        """Write train.jsonl and val.jsonl into a folder and return their paths; `load_examples` reads them back."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        written = []
        for name, examples in (("train", self.train), ("val", self.val)):
            if examples:
                path = folder / f"{name}.jsonl"
                path.write_text("".join(_line(e) for e in examples), "utf-8")
                written.append(path)
        return written


def load_examples(
    *sources: Any,
    val: Any = None,
    fix: bool = False,
    strict: bool = False,
    schema: GraphSchema | str | None = None,
    schemas: Any = None,
    columns: Columns | None = None,
    tokenizer: Any = None,
    max_tokens: int | None = None,
    drop_misfits: bool = False,
    allow: Iterable[str] = (),
    holdout: float | None = None,
    seed: int = 0,
) -> Dataset:
    """The examples of the sources, and a report on them.

    Sources: CSV, TSV, JSONL, JSON, Parquet and ZIP files, `hf:owner/name`, text with line breaks, data frames, lists
    of examples, dicts or (question, query) pairs, and what a FileUpload widget holds; several are merged.
    `val` is the same for validation; with `holdout` (a share, e.g. 0.1) and no validation rows, some training rows
    become the validation rows, whole question and query templates at a time, `seed` choosing which.
    `schema` is the graph that the queries must fit, `schemas` a file or mapping with the schema of each graph named in
    a `database` column, `columns` says which column is what ({"question": ..., "query": ...}), for each source alone
    where that differs ({"a.csv": {"question": ...}}), `tokenizer` counts tokens (a function from text to a number, or a
    tokenizer with `encode`), `max_tokens` is the longest row; `allow` names procedures and functions that the read-only
    check shall let through.
    `fix` repairs what the gate finds (see `gate.repaired`) and `strict` refuses what is left.
    Raises DataError in one line for whatever can not be read, and where no row is left.
    """
    if not sources:
        raise DataError("No examples were given.", hint="name a file: load_examples('train.csv', val='val.csv')")
    if max_tokens is not None and tokenizer is None:
        raise DataError("max_tokens needs a tokenizer to count with.", hint="tokenizer=..., or --backbone NAME")
    texts = read_schemas(schemas) if schemas is not None else {}
    found, told, parts = _gathered(sources, val, columns, texts)
    read = sum(map(len, parts.values()))
    prefix, parts = _without_prefix(parts)
    _refuse_nothing(parts, found)
    rows = len(parts["train"])
    count, unit = _counter(tokenizer)
    lint = Lint(_schema(schema), needs_schema=bool(texts), allow=allow)
    findings = gate.find(parts, lint, count_tokens=count, max_tokens=max_tokens)
    changes: list[Change] = []
    if fix:
        parts, changes = gate.repaired(parts, lint, drop_misfits=drop_misfits)
        _refuse_nothing(parts, found, _lost(findings, changes))
    if holdout is not None and not any(e.question and e.query for e in parts["val"]):
        parts["train"], parts["val"] = split(
            parts["train"], holdout, seed=seed, rows=rows, lost=_lost(findings, changes)
        )
    remaining = gate.find(parts, lint, count_tokens=count, max_tokens=max_tokens) if changes else findings
    train, validation = ([e for e in parts[p] if e.question and e.query] for p in ("train", "val"))
    report = Report(
        told, len(train), len(validation), read, prefix, findings, tuple(changes), remaining,
        gate.lengths(train, lint, count), unit,
    )  # fmt: skip
    if strict:
        report.refuse()
    return Dataset(train, validation, report)


def _gathered(
    sources: Sequence[Any], val: Any, columns: Columns | None, schemas: Mapping[str, str]
) -> tuple[list[Table], dict[str, str], dict[str, list[Example]]]:
    """The tables, how their columns were understood, and the examples by part."""
    found = [t for source in sources for t in tables(source)]
    if val is not None:
        found += [replace(t, part="val") for t in tables(val)]
    found = names_apart(found)
    _refuse_strangers(columns, found)
    told: dict[str, str] = {}
    parts: dict[str, list[Example]] = {"train": [], "val": []}
    for table in found:
        meaning = mapped(table.columns, table.source, told_for(table.source, columns))
        told[table.source] = "; ".join([str(meaning), *table.notes])
        parts[table.part or "train"] += examples_of(table, meaning, schemas)
    return found, told, parts


def told_for(source: str, columns: Columns | None) -> dict[str, str]:
    """What was told about the columns of one source."""
    told = dict(columns or {})
    of_sources = {k: v for k, v in told.items() if not isinstance(v, str)}
    return {k: v for k, v in (of_sources.get(source, {}) if of_sources else told).items() if isinstance(v, str)}


def _refuse_strangers(columns: Columns | None, found: Sequence[Table]) -> None:
    names = [t.source for t in found]
    unknown = next((k for k, v in (columns or {}).items() if not isinstance(v, str) and k not in names), None)
    if unknown is not None:
        raise DataError(f"There is no source called {unknown}.", hint=f"there is: {', '.join(names)}")


def names_apart(found: Sequence[Table]) -> list[Table]:
    """The tables with a name each, for row numbers to mean something where two files have one name."""
    seen: dict[str, int] = {}
    named = []
    for table in found:
        seen[table.source] = seen.get(table.source, 0) + 1
        n = seen[table.source]
        named.append(table if n == 1 else replace(table, source=f"{table.source} ({n})"))
    return named


def _without_prefix(parts: Mapping[str, list[Example]]) -> tuple[str, dict[str, list[Example]]]:
    """The instruction that every question of a source starts with, and the examples without it."""
    by_source: dict[str, list[str]] = {}
    for examples in parts.values():
        for e in examples:
            by_source.setdefault(e.source or "", []).append(e.question)
    prefixes = {p for questions in by_source.values() if (p := shared_prefix(questions))}
    if not prefixes:
        return "", dict(parts)
    common = min(prefixes, key=len)
    longest_first = sorted(prefixes, key=len, reverse=True)

    def bare(text: str) -> str:
        start = next((p for p in longest_first if text.startswith(p)), "")
        return text[len(start) :].strip()

    def stripped(e: Example) -> Example:
        history = tuple(replace(t, question=bare(t.question)) for t in e.history)
        return replace(e, question=bare(e.question), history=history)

    return common, {part: [stripped(e) for e in examples] for part, examples in parts.items()}


def _lost(findings: Sequence[Finding], changes: Sequence[Change]) -> str:
    """Why training rows were left out, in words; empty where all are there."""
    codes = {"empty_question", "empty_query"} | {c.code for c in changes if c.after is None}
    told = (f.message.removesuffix(": left out") for f in findings if f.part == "train" and f.code in codes)
    return "; ".join(told)


def _refuse_nothing(parts: Mapping[str, Sequence[Example]], found: Sequence[Table], lost: str = "") -> None:
    if any(e.question and e.query for e in parts["train"]):
        return
    names = ", ".join(t.source for t in found if t.part != "val")
    rows = sum(len(t.rows) for t in found if t.part != "val")
    raise DataError(
        f"No usable example is left of {names} ({rows} rows read{f': {lost}' if lost else ''}).",
        hint="every row needs a question and a query that can run"
        + ("; %cypher_data check FILE without --fix (load_examples without fix) tells which can not" if lost else ""),
    )


def _schema(schema: GraphSchema | str | None) -> GraphSchema | None:
    if not isinstance(schema, str):
        return schema
    known = graph_schema(schema)
    if known is None:
        raise DataError("The schema can not be read.", hint="one label or triple a line: (:Movie {title: STRING})")
    return known


def _counter(tokenizer: Any) -> tuple[gate.CountTokens, str]:
    if tokenizer is None:
        return (lambda text: len(text.split())), "words"
    if hasattr(tokenizer, "encode"):
        return lru_cache(maxsize=65536)(lambda text: len(tokenizer.encode(text, add_special_tokens=False))), "tokens"
    return lru_cache(maxsize=65536)(tokenizer), "tokens"


def _line(example: Example) -> str:
    record: dict[str, Any] = {"question": example.question, "query": example.query}
    record |= {k: v for k in ("schema", "database") if (v := getattr(example, k)) is not None}
    if example.history:
        record["history"] = [{"question": t.question, "query": t.query} for t in example.history]
    return json.dumps(record, ensure_ascii=False) + "\n"
