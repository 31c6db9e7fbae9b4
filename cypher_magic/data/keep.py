"""A file of examples that grows one by one, and in which a question stands once: those that a person kept."""

from __future__ import annotations

import codecs
import json
import os
import shutil
from pathlib import Path
from typing import Any

from cypher_magic.data.example import Example
from cypher_magic.data.keys import Key, loose_key
from cypher_magic.errors import DataError

WRONG = ".wrong.jsonl"


def wrong_beside(file: str | Path) -> Path:
    """The file beside this one for queries that are known to be wrong and wait for a review: a.wrong.jsonl."""
    path = Path(file)
    return path.with_name(f"{path.stem}{WRONG}")


def keep(example: Example, file: Path) -> str:
    """Adds the example to a JSONL file; a line that says what came of it where the question was there already, else "".

    The last row with the same question after the same turns gets the new query and keeps its other columns; no other
    byte of the file changes. A row of another graph, with a schema or database of its own, is not the same question.
    DataError where the file can not be written.
    """
    try:
        lines, key = _lines(file), _key(example)
        same = {n: row for n, line in enumerate(lines) if (row := _row(line, key)) is not None}
        there = next((n for n, row in same.items() if row["query"].strip() == example.query), None)
        if there is not None:
            return f"{file} has this example already, in line {there + 1}."
        if not same:
            _append(file, lines, example)
            return ""
        n = max(same)
        lines[n] = _changed(lines[n], same[n] | {"query": example.query})
        _rewrite(file.resolve(), b"".join(lines))
    except OSError as exc:
        raise DataError(
            f"{file} can not be written: {exc.strerror}.", hint="name a file in a folder that you may write to"
        ) from exc
    return f"{file} had another query for this question in line {n + 1}; this one has taken its place."


def _lines(file: Path) -> list[bytes]:
    """The lines with their ends; none of a file that is not there. OSError for one that may not be written."""
    try:
        with file.open("r+b") as opened:
            return opened.read().splitlines(keepends=True)
    except FileNotFoundError:
        return []


def _row(line: bytes, key: tuple[Key, list[str]]) -> dict[str, Any] | None:
    """The row in a line where it is an example with this key."""
    try:
        row = json.loads(line)
        found = Example.from_dict({name: value for name, value in row.items() if value is not None})
        return dict(row) if _key(found) == key and isinstance(found.query, str) else None
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _key(example: Example) -> tuple[Key, list[str]]:
    """Equal for the same question (letter case, spaces and outer punctuation apart) after the same turns."""
    return loose_key(example), [turn.query.strip() for turn in example.history]


def _append(file: Path, lines: list[bytes], example: Example) -> None:
    row: dict[str, Any] = {"question": example.question, "query": example.query}
    if example.history:
        row["history"] = [{"question": turn.question, "query": turn.query} for turn in example.history]
    edited_by_hand = bool(lines) and not lines[-1].endswith(b"\n")  # without a last line break
    with file.open("ab") as opened:
        opened.write((b"\n" if edited_by_hand else b"") + _json(row) + b"\n")


def _changed(line: bytes, row: dict[str, Any]) -> bytes:
    mark = codecs.BOM_UTF8 if line.startswith(codecs.BOM_UTF8) else b""
    return mark + _json(row) + line[len(line.rstrip(b"\r\n")) :]


def _json(row: dict[str, Any]) -> bytes:
    return json.dumps(row, ensure_ascii=False).encode()


def _rewrite(file: Path, content: bytes) -> None:
    """Puts the content in the place of the file's, whole or not at all."""
    temporary = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(content)
        shutil.copymode(file, temporary)
        temporary.replace(file)
    finally:
        temporary.unlink(missing_ok=True)
