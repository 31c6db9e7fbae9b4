"""When two queries are the same text, and when two results are the same rows."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cypher_magic.errors import CypherSyntaxError
from cypher_magic.graph.schema import quoted
from cypher_magic.query.parse import parse, unquoted

if TYPE_CHECKING:
    from lark import Token

_LITERALS = {"STRING", "INTEGER", "FLOAT"}
_LIST_OF_MASKS = re.compile(r"\[ \?(?: , \?)+ \]")


def normalised(text: str, *, mask: bool = False) -> str:
    """A query as one line: space, comments, the case of keywords and functions, quotes and backticks made uniform.

    With `mask`, texts and numbers become `?` and a list of them `[ ? ]`: the query's template. A text that is not
    Cypher comes back with its space made uniform.
    """
    try:
        tokens = parse(text).tokens
    except CypherSyntaxError:
        return " ".join(text.split())
    line = " ".join("?" if mask and t.type in _LITERALS else _spelled(t) for t in tokens)
    return _LIST_OF_MASKS.sub("[ ? ]", line) if mask else line


def _spelled(token: Token) -> str:
    if token.type == "NAME":
        return quoted(unquoted(token))
    if token.type == "STRING":
        return _requoted(token)
    if token.type == "FUNCTION":
        return token.lower()
    return str(token) if token.type in ("PARAMETER", "PROCEDURE") else token.upper()


def _requoted(token: str) -> str:
    inside = token[1:-1]
    if token[0] == '"':
        inside = inside.replace('\\"', '"').replace("'", "\\'")
    return f"'{inside}'"


def same_rows(a: Sequence[Sequence[Any]], b: Sequence[Sequence[Any]], *, ordered: bool = False) -> bool:
    """Whether two results hold the same rows, as CypherBench's execution accuracy (arXiv 2412.18702) counts.

    Rows are a bag; columns may stand in any order and their names do not count; lists inside a value are compared
    sorted; the order of rows counts only when `ordered` (the reference has ORDER BY). Two empty results are the same.
    Floats are compared to 12 digits.
    """
    if len(a) != len(b):
        return False
    if not a:
        return True
    columns_a, columns_b = _columns(a), _columns(b)
    if len(columns_a) != len(columns_b):
        return False
    return _matches(columns_a, columns_b, [], ordered)


def shared_rows(a: Sequence[Sequence[Any]], b: Sequence[Sequence[Any]]) -> int:
    """How many rows two results have in common, as bags; a row is the bag of its values, in whatever columns."""
    left, right = (Counter(tuple(sorted((_plain(v) for v in row), key=repr)) for row in rows) for rows in (a, b))
    return (left & right).total()


Column = tuple[Hashable, ...]


def _columns(rows: Sequence[Sequence[Any]]) -> list[Column]:
    return list(zip(*([_plain(value) for value in row] for row in rows), strict=True))


def _matches(left: list[Column], right: list[Column], chosen: list[int], ordered: bool) -> bool:
    """Whether the remaining columns of `right` can be put in an order in which the rows are those of `left`.

    Columns are tried one by one, and a beginning that already differs is given up, so that wide results stay cheap.
    """
    if len(chosen) == len(left):
        return True
    tried: set[Column] = set()
    for i in range(len(right)):
        if i in chosen or right[i] in tried:
            continue
        tried.add(right[i])
        order = [*chosen, i]
        ours = list(zip(*left[: len(order)], strict=True))
        theirs = list(zip(*(right[j] for j in order), strict=True))
        same = ours == theirs if ordered else Counter(ours) == Counter(theirs)
        if same and _matches(left, right, order, ordered):
            return True
    return False


def _plain(value: Any) -> Hashable:
    """A value that is equal and hashes equal for what counts as the same."""
    if value is None or isinstance(value, (bool, str, bytes)):
        return (type(value).__name__, value)
    if isinstance(value, (int, float)):
        return ("number", "nan") if value != value else ("number", _rounded(value))
    if isinstance(value, Mapping) and not hasattr(value, "element_id"):
        return ("map", tuple(sorted((str(k), _plain(v)) for k, v in value.items())))
    if hasattr(value, "element_id"):
        return ("entity", str(value.element_id))
    if hasattr(value, "nodes") and hasattr(value, "relationships"):
        return ("path", tuple(_plain(part) for part in (*value.nodes, *value.relationships)))
    if isinstance(value, (Sequence, set, frozenset)):
        return ("list", tuple(sorted((_plain(v) for v in value), key=repr)))
    return (type(value).__name__, str(value))


def _rounded(number: float) -> float:
    return number if isinstance(number, int) or math.isinf(number) else float(f"{number:.12g}")
