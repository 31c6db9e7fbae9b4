"""The data files in a ZIP archive, read in memory: nothing is written to disk, whatever the names in it say."""

from __future__ import annotations

import io
import zipfile
import zlib
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from cypher_magic.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator

_KINDS = (".csv", ".tsv", ".tab", ".jsonl", ".ndjson", ".json", ".parquet", ".pq")
_MOST_FILES = 1000
_MOST_BYTES = 512 * 1024**2  # of all files together, unpacked
_MOST_RATIO = 500  # unpacked to packed; text packs 3 to 20 times, a bomb a thousand times and more
_SMALL = 8 * 1024**2  # bytes below which the ratio does no harm


def members(content: bytes, name: str) -> Iterator[tuple[str, bytes]]:
    """The name and the content of each data file in an archive.

    Raises DataError for a broken or encrypted archive, one without data files, one whose names point outside of it,
    and one that unpacks to far more than examples need.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            infos = _wanted(archive, name)
            left = _MOST_BYTES
            for info in infos:
                data = _unpacked(archive, info, left, name)
                left -= len(data)
                yield info.filename, data
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, OSError, RuntimeError) as exc:  # all seen in zipfile
        raise DataError(f"{name} is not a whole ZIP archive.", hint="pack it again") from exc


def _wanted(archive: zipfile.ZipFile, name: str) -> list[zipfile.ZipInfo]:
    infos = archive.infolist()
    if len(infos) > _MOST_FILES:
        raise DataError(
            f"{name} holds {len(infos)} files: too many.", hint="pack only the training and the validation file"
        )
    for info in infos:
        path = PurePosixPath(info.filename.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or any(":" in part for part in path.parts[:1]):
            raise DataError(f"{name} holds a name that points outside of it: {info.filename!r}.", hint="pack it again")
    wanted = [i for i in infos if not i.is_dir() and _is_data(i.filename)]
    if not wanted:
        raise DataError(f"{name} holds no file of examples.", hint="pack train.csv and val.csv (or JSONL, Parquet)")
    return wanted


def _is_data(filename: str) -> bool:
    path = PurePosixPath(filename)
    return path.suffix.casefold() in _KINDS and not path.name.startswith(".") and "__MACOSX" not in path.parts


def _unpacked(archive: zipfile.ZipFile, info: zipfile.ZipInfo, left: int, name: str) -> bytes:
    if info.flag_bits & 0x1:
        raise DataError(f"{name} is encrypted.", hint="pack it without a password")
    with archive.open(info) as file:
        data = file.read(left + 1)  # the declared size may be a lie
    if len(data) > left or (len(data) > _SMALL and len(data) > _MOST_RATIO * max(1, info.compress_size)):
        raise DataError(
            f"{name} unpacks to far too much ({info.filename}).", hint="give the files without packing them"
        )
    return data
