"""Everything that examples can come from, as tables: files, archives, frames, lists, uploads, hub data sets, text."""

from __future__ import annotations

import difflib
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path, PurePosixPath
from typing import Any

from cypher_magic.data.archive import members
from cypher_magic.data.example import Example
from cypher_magic.data.table import Row, Table, decoded, read_delimited
from cypher_magic.errors import DataError

_VAL_NAMES = ("validation", "valid", "val", "dev", "eval", "test")
_READABLE = "CSV, TSV, JSONL, JSON, Parquet and ZIP files can be read"
_LARGEST_FILE = 2 * 1024**3  # bytes; far beyond any set of questions, and short of filling the memory


def tables(source: Any) -> list[Table]:
    """The tables of one source.

    A path, text with line breaks, `hf:owner/name`, a list of these, a data frame, a list of examples, dicts or
    (question, query) pairs, or what a FileUpload widget holds.
    Raises DataError with the reason in one line for whatever can not be read.
    """
    if isinstance(source, str) and source.startswith("hf:"):
        return _from_hub(source[3:])
    if isinstance(source, str) and ("\n" in source.strip() or source.lstrip().startswith("{")):
        return [_from_text(source)]
    if isinstance(source, str | Path):
        path = Path(source).expanduser()
        return _from_bytes(_content(path), path.name)
    if isinstance(source, Table):  # read before
        return [source]
    if hasattr(source, "columns") and (hasattr(source, "to_dict") or hasattr(source, "to_dicts")):
        return [_from_frame(source)]
    if isinstance(source, Mapping):
        return _from_upload(source) if "content" in source and "name" in source else [_from_list([source])]
    if isinstance(source, Iterable) and not isinstance(source, bytes | bytearray):
        items = list(source)
        if items and all(isinstance(i, Mapping) and "content" in i and "name" in i for i in items):
            return [table for item in items for table in _from_upload(item)]
        if items and all(isinstance(i, str | Path) for i in items):
            return [table for item in items for table in tables(item)]
        return [_from_list(items)]
    raise DataError(
        f"Examples can not come from a {type(source).__name__}.", hint="give a file, a data frame or a list"
    )


def part_of(name: str) -> str:
    """Which part a file is by its name: "val" for names such as val.csv or data_test.jsonl, "train", or ""."""
    words = PurePosixPath(name).stem.casefold().replace("-", "_").replace(".", "_").split("_")
    if any(word in _VAL_NAMES for word in words):
        return "val"
    return "train" if any(word in ("train", "training") for word in words) else ""


def _content(path: Path) -> bytes:
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise DataError(f"{path.name} is larger than 2 GB.", hint="split it, or give the rows that matter")
        return path.read_bytes()
    except FileNotFoundError as exc:
        raise DataError(f"There is no file {path}.", hint=_near(path)) from exc
    except IsADirectoryError as exc:
        raise DataError(f"{path} is a folder.", hint="name the file in it") from exc
    except OSError as exc:
        raise DataError(
            f"{path} can not be read: {exc.strerror or exc}.", hint="check its name and permissions"
        ) from exc


def _near(path: Path) -> str:
    try:
        there = [p.name for p in path.parent.iterdir() if p.is_file()] if path.parent.is_dir() else []
    except OSError:
        there = []
    close = difflib.get_close_matches(path.name, there, 3, 0.5)
    if close:
        return f"did you mean {' or '.join(close)}?"
    return "paths are relative to the folder of the notebook" if path.parent.is_dir() else f"no folder {path.parent}"


def _from_bytes(content: bytes, name: str) -> list[Table]:
    kind = PurePosixPath(name).suffix.casefold()
    if kind == ".zip":
        found = [t for member, data in members(content, name) for t in _from_bytes(data, f"{name}/{member}")]
        return [_in_part(table, _part_in_archive(table, found)) for table in found]
    if kind in (".parquet", ".pq"):
        return [_from_parquet(content, name)]
    if kind in (".xlsx", ".xls", ".ods"):
        raise DataError(f"{name} is a spreadsheet.", hint="save it as CSV")
    if kind not in (".csv", ".tsv", ".tab", ".txt", ".jsonl", ".ndjson", ".json", ""):
        raise DataError(f"{name} is of a kind that is not known.", hint=_READABLE)
    text, encoding = decoded(content, name)
    if kind in (".jsonl", ".ndjson", ".json"):
        return [_from_json(text, name)]
    return [read_delimited(text, name, delimiter="\t" if kind in (".tsv", ".tab") else None, encoding=encoding)]


def _part_in_archive(table: Table, all_tables: list[Table]) -> str:
    part = part_of(table.source)
    # a lone file is training data whatever its name; so is one that says nothing
    return part if part == "val" and len(all_tables) > 1 else "train"


def _in_part(table: Table, part: str) -> Table:
    return Table(table.source, table.columns, table.rows, part, table.notes)


def _from_upload(item: Mapping[str, Any]) -> list[Table]:
    return _from_bytes(bytes(item["content"]), str(item["name"]))


def _from_text(text: str) -> Table:
    if text.lstrip()[:1] in "{[":
        return _from_json(text, "the cell")
    return read_delimited(text.strip("\n"), "the cell")


def _from_json(text: str, source: str) -> Table:
    """JSON lines, or one JSON list of objects."""
    text = text.removeprefix("\ufeff").strip()
    objects = list(_json_list(text, source) if text.startswith("[") else _json_lines(text, source))
    if not objects:
        raise DataError(f"{source} is empty.", hint='each line is an object: {"question": "...", "query": "..."}')
    return _from_records(objects, source)


def _json_list(text: str, source: str) -> Iterator[Any]:
    try:
        yield from json.loads(text)
    except (json.JSONDecodeError, RecursionError) as exc:
        raise DataError(f"{source} is not JSON: {exc}.", hint="a list of objects, or one object a line") from exc


def _json_lines(text: str, source: str) -> Iterator[Any]:
    number = 0
    for line_number, line in enumerate(io.StringIO(text), 1):
        if not line.strip():
            continue
        number += 1
        try:
            yield json.loads(line)
        except (json.JSONDecodeError, RecursionError) as exc:
            shown = line.strip() if len(line) <= 160 else line.strip()[:159] + "…"
            raise DataError(
                f"{source}, row {number} (line {line_number}) is not JSON: {shown}",
                hint="JSONL holds one whole object on each line",
            ) from exc


def _from_records(objects: Sequence[Any], source: str) -> Table:
    rows = []
    columns: dict[str, None] = {}
    for number, item in enumerate(objects, 1):
        if isinstance(item, Sequence) and not isinstance(item, str) and len(item) > 0 and isinstance(item[0], Mapping):
            item = {"messages": item}  # a bare list of chat messages
        if not isinstance(item, Mapping):
            raise DataError(
                f"{source}, row {number} is a {type(item).__name__}, not an object.",
                hint='e.g. {"question": "Who directed Alien?", "query": "MATCH ..."}',
            )
        values = {str(key).strip(): value for key, value in item.items()}
        columns.update(dict.fromkeys(values))
        rows.append(Row(number, values))
    return Table(source, tuple(columns), tuple(rows))


def _from_list(items: list[Any]) -> Table:
    if not items:
        raise DataError("The list of examples is empty.", hint="give (question, query) pairs or dicts")
    records: list[Any] = []
    for number, item in enumerate(items, 1):
        if isinstance(item, Example):
            records.append({k: v for k, v in item.__dict__.items() if k not in ("source", "row") and v is not None})
        elif isinstance(item, tuple | list) and len(item) == 2 and all(isinstance(x, str) for x in item):
            records.append({"question": item[0], "query": item[1]})
        elif isinstance(item, Mapping) or (isinstance(item, list) and item and isinstance(item[0], Mapping)):
            records.append(item)
        else:
            raise DataError(
                f"Item {number} of the list is not an example, a dict or a (question, query) pair.",
                hint='e.g. ("Who directed Alien?", "MATCH ...")',
            )
    return _from_records(records, "the list")


def _from_frame(frame: Any) -> Table:
    records = frame.to_dicts() if hasattr(frame, "to_dicts") else frame.to_dict("records")
    columns = tuple(str(c).strip() for c in frame.columns)
    rows = tuple(Row(n, {str(k).strip(): v for k, v in r.items()}) for n, r in enumerate(records, 1))
    return Table("the data frame", columns, rows)


def _from_parquet(content: bytes, name: str) -> Table:
    import pandas

    try:
        frame = pandas.read_parquet(io.BytesIO(content))
    except ImportError as exc:
        raise DataError(f"{name} is a Parquet file and pyarrow is not installed.", hint="%pip install pyarrow") from exc
    except (OSError, ValueError) as exc:  # pyarrow's errors derive from these
        raise DataError(f"{name} is not a whole Parquet file.", hint="write it again, or save it as CSV") from exc
    table = _from_frame(frame)
    return Table(name, table.columns, table.rows)


def _from_hub(name: str) -> list[Table]:
    """The splits of a hub data set: `owner/name`, with `:config` and `@split` where they are needed."""
    try:
        load_dataset = import_module("datasets").load_dataset
    except ImportError as exc:
        raise DataError("Data sets of the Hub need the package datasets.", hint="%pip install 'datasets>=4.0'") from exc
    name, _, split = name.partition("@")
    name, _, config = name.partition(":")
    try:
        loaded = load_dataset(name, config or None, split=split or None)
    except (OSError, ValueError, RuntimeError) as exc:  # what hub, network and config failures derive from
        reason = str(exc).strip().splitlines()[0][:200] if str(exc).strip() else type(exc).__name__
        raise DataError(
            f"The hub data set {name} can not be read: {reason}", hint="hf:owner/name[:config][@split]"
        ) from exc
    splits = loaded if isinstance(loaded, dict) else {split or "train": loaded}
    found = []
    for part, rows in splits.items():
        table = _from_records(list(rows), f"hf:{name}@{part}")
        found.append(_in_part(table, "val" if part in _VAL_NAMES else "train"))
    return found
