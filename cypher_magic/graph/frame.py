"""Rows as pandas or polars data frames.

| Cypher                    | pandas                                                                       |
|---------------------------|------------------------------------------------------------------------------|
| INTEGER                   | int64; Int64 when some are null                                              |
| FLOAT, or mixed with INTEGER | float64, null is NaN                                                      |
| BOOLEAN                   | bool; boolean when some are null                                             |
| STRING                    | pandas' own string type                                                      |
| DATE, LOCAL DATETIME      | datetime64[us]; [ns] when a value has nanoseconds and the years fit          |
| ZONED DATETIME            | the same with its time zone, UTC when the column has several                 |
| LOCAL TIME, ZONED TIME    | datetime.time                                                                |
| DURATION                  | timedelta64[ns] (a day is 24 hours); the driver's Duration when it has months |
| LIST, MAP                 | list, dict, with moments inside as Python's own                              |
| POINT, NODE, RELATIONSHIP, PATH | the driver's own                                                       |
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, timedelta, timezone
from importlib import import_module
from itertools import chain
from typing import TYPE_CHECKING, Any

from cypher_magic.errors import DataError
from cypher_magic.graph.values import is_node, is_path, is_relationship

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd

_WHOLE = "cypher_magic_whole"  # in the frame's `attrs`
_NONE = type(None)
_PLAIN = {_NONE, bool, int, float, str}
_EPOCH = date(1970, 1, 1).toordinal()
_MICROSECOND = timedelta(microseconds=1)
_DAY = 86_400_000_000  # microseconds
_SMALLEST_NS, _LARGEST_NS = 1678, 2261  # years that 64 bits of nanoseconds can count


def whole(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame, marked so that a terminal shows all of its columns; the mark goes on to parts of it."""
    frame.attrs[_WHOLE] = True
    return frame


def is_whole(frame: pd.DataFrame) -> bool:
    """Whether a terminal is to show all columns of this frame."""
    return bool(frame.attrs.get(_WHOLE))


def to_pandas(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> pd.DataFrame:
    """The rows as a pandas DataFrame with the types of the table above; a column of nulls is of type object."""
    import pandas as pd

    cells = zip(*rows, strict=True) if rows else ((),) * len(columns)
    frame = pd.DataFrame(
        {name: _pandas_column(values) for name, values in zip(columns, cells, strict=True)},
        index=pd.RangeIndex(len(rows)),
        columns=list(columns),
    )
    return whole(frame)


def to_polars(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> Any:
    """The rows as a polars DataFrame; points, nodes and relationships become structs of their properties."""
    try:
        polars = import_module("polars")
    except ImportError as exc:
        raise DataError("polars is not installed.", hint="%pip install polars") from exc

    cells = zip(*rows, strict=True) if rows else ((),) * len(columns)
    table = {name: [_plain(value) for value in values] for name, values in zip(columns, cells, strict=True)}
    return polars.DataFrame(table, strict=False, infer_schema_length=None)


def native(value: Any) -> Any:
    """The value with the driver's moments as Python's own datetime objects, inside lists and maps too."""
    if isinstance(value, list):
        return [native(item) for item in value]
    if isinstance(value, dict):
        return {key: native(item) for key, item in value.items()}
    return value.to_native() if hasattr(value, "to_native") else value


def _pandas_column(values: Sequence[Any]) -> Any:
    import numpy as np
    import pandas as pd

    kinds = set(map(type, values))
    nulls = _NONE in kinds
    kinds.discard(_NONE)
    if kinds == {int}:
        return pd.array(values, dtype="Int64") if nulls else np.array(values, dtype="int64")
    if kinds == {float} or kinds == {int, float}:
        return np.array(values, dtype="float64")  # None becomes NaN
    if kinds == {bool}:
        return pd.array(values, dtype="boolean") if nulls else np.array(values, dtype="bool")
    if kinds == {str}:
        return pd.Series(values)
    names = {f"{kind.__module__}.{kind.__name__}" for kind in kinds}
    if names == {"neo4j.time.Date"}:
        return _microseconds(values, lambda day: (day.to_ordinal() - _EPOCH) * _DAY)
    if names == {"neo4j.time.DateTime"}:
        return _moments(values)
    if names == {"neo4j.time.Duration"} and not any(value.months for value in values if value is not None):
        return _durations(values)
    if kinds == {list} and set(map(type, chain.from_iterable(filter(None, values)))) <= _PLAIN:
        return np.fromiter(values, dtype=object, count=len(values))
    return np.fromiter(map(native, values), dtype=object, count=len(values))


def _moments(values: Sequence[Any]) -> Any:
    """Date-times as datetime64, with a time zone when all have one."""
    import numpy as np
    import pandas as pd

    infos = {value.tzinfo: value for value in values if value is not None}
    zones = {_zone(value) for value in infos.values()}
    if None in zones and len(zones) > 1:  # local and zoned in one column have no common axis
        return np.fromiter(map(native, values), dtype=object, count=len(values))
    array = _microseconds(values, _on_the_clock if zones == {None} else _since_epoch)
    nanoseconds = [0 if value is None else value.nanosecond % 1000 for value in values]
    if any(nanoseconds) and all(v is None or _SMALLEST_NS <= v.year <= _LARGEST_NS for v in values):
        array = array.astype("datetime64[ns]") + np.array(nanoseconds, dtype="timedelta64[ns]")
    if zones == {None}:
        return array
    utc = pd.Series(array).dt.tz_localize(UTC)
    return utc.dt.tz_convert(zones.pop()) if len(zones) == 1 else utc


def _microseconds(values: Sequence[Any], since_epoch: Callable[[Any], int]) -> Any:
    import numpy as np

    missing = np.datetime64("NaT", "us").astype(np.int64)
    counted = (missing if value is None else since_epoch(value) for value in values)
    return np.fromiter(counted, dtype=np.int64, count=len(values)).view("datetime64[us]")


def _on_the_clock(value: Any) -> int:
    """Microseconds since 1970 as the date-time's own clock has it; what is below a microsecond is cut off."""
    hours, minutes, seconds, nanoseconds = value.hour_minute_second_nanosecond
    clock = (hours * 3600 + minutes * 60 + seconds) * 1_000_000 + nanoseconds // 1000
    return int((value.to_ordinal() - _EPOCH) * _DAY + clock)


def _since_epoch(value: Any) -> int:
    """Microseconds since 1970 in UTC."""
    return int(_on_the_clock(value) - value.utc_offset() // _MICROSECOND)


def _zone(value: Any) -> str | timezone | None:
    """The zone's name, or its fixed distance from UTC; None for local date-times."""
    info = value.tzinfo
    if info is None:
        return None
    return getattr(info, "zone", None) or getattr(info, "key", None) or timezone(value.utc_offset())


def _durations(values: Sequence[Any]) -> Any:
    import numpy as np

    try:
        spans = [v if v is None else (v.days * 86_400 + v.seconds) * 10**9 + v.nanoseconds for v in values]
        return np.array(
            [np.timedelta64("NaT", "ns") if s is None else np.timedelta64(s, "ns") for s in spans], dtype="m8[ns]"
        )
    except OverflowError:  # more than 292 years
        return np.fromiter(values, dtype=object, count=len(values))


def _plain(value: Any) -> Any:
    """The value in Python's own types: what polars can take."""
    if is_path(value):
        return [_plain(node) for node in value.nodes]
    if is_node(value) or is_relationship(value) or isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if hasattr(value, "srid"):
        return {**dict(zip("xyz", value, strict=False)), "srid": value.srid}
    if hasattr(value, "months"):
        return (
            timedelta(days=value.days, seconds=value.seconds, microseconds=value.nanoseconds // 1000)
            if not value.months
            else value.iso_format()
        )
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return native(value)
