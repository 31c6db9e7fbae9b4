"""What our own parser and checks add to a query that a person typed; the query runs all the same."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from cypher_magic.errors import QueryFailed
from cypher_magic.graph.plans import bare, blank
from cypher_magic.graph.statements import placed
from cypher_magic.query.complaint import NAMES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cypher_magic.graph.result import QueryResult
    from cypher_magic.graph.schema import GraphSchema
    from cypher_magic.query.complaint import Complaint

_NOTED = NAMES | {"reversed_direction", "unknown_triple", "never_true"}  # why a query that runs may find nothing
_OURS = frozenset(("write", "load_csv", "clause", "too_long", "too_deep"))  # what only our parser refuses


@contextmanager
def advised(text: str) -> Iterator[None]:
    """Gives an error of the server's about the text the hint that our own checks have."""
    try:
        yield
    except QueryFailed as exc:
        if exc.code.endswith(("SyntaxError", "SemanticError")) and not exc.hint:
            exc.hint = _hint(text, exc.message)
        raise


def noted(result: QueryResult, text: str, schema: GraphSchema | None) -> QueryResult:
    """The result with a note on each thing in the query that the schema does not have, the server's on it left out."""
    ours = [c for c in _complaints(text, schema) if c.code in _NOTED] if schema is not None else []
    places = {f"(line {c.line}, column {c.column})" for c in ours}
    theirs = (note for note in result.notes if not any(place in note for place in places))
    return replace(result, notes=(*map(str, ours), *theirs))


def _complaints(text: str, schema: GraphSchema | None = None) -> Iterator[Complaint]:
    """What the checks have against each statement, with places in the whole text."""
    from cypher_magic.query.check import check

    for start, part in placed(text):
        yield from check(blank(text[:start]) + bare(part), schema)


def _hint(text: str, message: str) -> str:
    """The advice for the place that the message names, else what our checks find elsewhere, and where."""
    elsewhere = ""
    for complaint in (c for c in _complaints(text) if c.code not in _OURS):
        place = f"line {complaint.line}, column {complaint.column}"
        if re.search(rf"{place}\b", message):
            return complaint.hint
        if complaint.code == "syntax" or "line " not in message:
            elsewhere = elsewhere or f"{place}: {complaint.hint or complaint.message}"
    return elsewhere
