"""Rows of a file before anyone has asked what they mean: decoding, and a CSV reader that names the row it can not read.

The reader forgives what does no harm (a byte order mark, CRLF, cp1252, `;` or tabs instead of commas, line breaks
inside quotes, empty lines) and refuses what would silently give wrong rows (a row with more values than the header
has columns, an open quote). pandas would drop or shift such rows.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cypher_magic.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_DELIMITERS = ",;\t|"
_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_BOMS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_LARGEST_CELL = 1_000_000  # characters; an open quote swallows a file, and no query is that long


@dataclass(frozen=True)
class Row:
    """One data row: its number (from 1, empty lines do not count) and its values by column name."""

    number: int
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Table:
    """The rows of one source; `part` is "train" or "val" where the source itself says so, and "" where it does not."""

    source: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    part: str = ""
    notes: tuple[str, ...] = field(default=())


def decoded(content: bytes, source: str) -> tuple[str, str]:
    """The text of a file and the encoding that was used: UTF-8 (16, 32 with their marks), else cp1252, else latin-1.

    Raises DataError for binary content.
    """
    for mark, encoding in _BOMS:
        if content.startswith(mark):
            try:
                return content.decode(encoding), encoding.removesuffix("-sig")
            except UnicodeDecodeError as exc:
                raise DataError(f"{source} starts like {encoding} text and is not.", hint="save it as UTF-8") from exc
    if b"\x00" in content:
        raise DataError(f"{source} is not a text file.", hint="CSV, TSV, JSONL, Parquet and ZIP files can be read")
    for encoding in ("utf-8", "cp1252"):
        try:
            return content.decode(encoding), encoding
        except UnicodeDecodeError:
            continue
    return content.decode("latin-1"), "latin-1"


def read_delimited(text: str, source: str, *, delimiter: str | None = None, encoding: str = "utf-8") -> Table:
    """The rows of a CSV or TSV text with a header line.

    Raises DataError naming the row and showing the line where the number of values differs from the header, where a
    quote is not closed, and for a file without any header.
    """
    notes = [] if encoding == "utf-8" else [f"read as {encoding}"]
    text = text.removeprefix("\ufeff")
    first = text.split("\n", 1)[0].strip()
    if first[:4].lower() == "sep=" and len(first) == 5:  # what a spreadsheet writes to name its own separator
        delimiter, text = first[4], text.partition("\n")[2]
    delimiter = delimiter or _delimiter(text)
    if delimiter != ",":
        notes.append(f"{_NAMES.get(delimiter, delimiter)} separated")
    records = _records(text, source, delimiter)
    header = [name.strip() for name in next(records, (1, []))[1]]
    if not any(header):
        raise DataError(f"{source} is empty.", hint="the first line names the columns, e.g. question,query")
    _refuse_doubled_names(header, source)
    rows = _rows(records, header, source, text)
    return Table(source, tuple(header), tuple(rows), notes=tuple(notes))


def _rows(records: Iterator[tuple[int, list[str]]], header: list[str], source: str, text: str) -> list[Row]:
    rows: list[Row] = []
    misfits: list[tuple[int, int, int]] = []
    for line, record in records:
        while len(record) > len(header) and not record[-1].strip():
            record.pop()
        number = len(rows) + len(misfits) + 1
        if len(record) == len(header):
            rows.append(Row(number, {k: v.replace("\r\n", "\n") for k, v in zip(header, record, strict=True)}))
        else:
            misfits.append((number, line, len(record)))
    if misfits:
        raise _column_count(misfits, len(header), source, text)
    return rows


def _records(text: str, source: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Each record that is not empty, with the line it starts on."""
    lines = io.StringIO(text, newline="")
    reader = csv.reader(lines, delimiter=delimiter, strict=True, skipinitialspace=True)
    previous_limit = csv.field_size_limit(_LARGEST_CELL)
    line = 1
    number = 0  # the header is record 0
    try:
        while True:
            line = reader.line_num + 1
            try:
                record = next(reader)
            except StopIteration:
                return
            if any(value.strip() for value in record):
                yield line, record
                number += 1
    except csv.Error as exc:
        where = f"row {number} (line {line})" if number else "the header"
        raise DataError(
            f"{source}, {where}: a double quote is not closed, or text follows it: {_shown(text, line)}",
            hint='put the whole value in double quotes and write a quote inside it twice: "He said ""hi"""',
        ) from exc
    finally:
        csv.field_size_limit(previous_limit)


def _column_count(misfits: list[tuple[int, int, int]], columns: int, source: str, text: str) -> DataError:
    number, line, values = misfits[0]
    more = f" (and {len(misfits) - 1} more rows)" if len(misfits) > 1 else ""
    hint = (
        "Cypher often holds commas: put the value in double quotes"
        if values > columns
        else "a value is missing; write an empty one between two separators"
    )
    return DataError(
        f"{source}, row {number} (line {line}) has {values} values and the header {columns} columns{more}: "
        f"{_shown(text, line)}",
        hint=hint,
    )


def _shown(text: str, line: int) -> str:
    lines = io.StringIO(text)
    shown = next((t for n, t in enumerate(lines, 1) if n == line), "").rstrip()
    return shown if len(shown) <= 200 else shown[:199] + "…"


def _delimiter(text: str) -> str:
    """The separator that the header line holds most often outside quotes; a comma where it holds none."""
    header = next((line for line in io.StringIO(text) if line.strip()), "")
    outside = "".join(header.split('"')[::2])
    return max(_DELIMITERS, key=lambda d: (outside.count(d), -_DELIMITERS.index(d)))


def _refuse_doubled_names(header: list[str], source: str) -> None:
    doubled = sorted({name for name in header if name and header.count(name) > 1})
    if doubled:
        raise DataError(f"{source} has more than one column named {', '.join(doubled)}.", hint="rename one of them")
