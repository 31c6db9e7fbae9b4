"""Why a query missed: one kind for each, by rules that look at complaints, trees and rows, in this order.

The first rule that holds decides, so that the kinds add up to all misses and the same miss always gets the same kind.
A query that was not run is judged by what was against it; one that ran, by how it differs from the reference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cypher_magic.evaluation.shape import Shape, shape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cypher_magic.query.complaint import Complaint

KINDS = {
    "syntax": "not a query: it can not be read, its names do not add up, or the server refuses or stops it",
    "not read-only": "it would write, or calls what is not known to only read",
    "unknown name": "a label, relationship type, property or pattern that the graph does not have",
    "direction": "a relationship points the other way",
    "aggregation": "other aggregates or groups than the reference's",
    "literal": "it looks for a text or number that the reference does not have, or of another type than the property's",
    "empty": "it finds nothing, and the reference does",
    "wrong columns": "it returns another number of columns, or other properties",
    "wrong rows": "it returns other rows, or not in their order, and none of the above tells why",
}
NOT_READ_ONLY = frozenset(("write", "load_csv", "procedure", "function", "clause"))
_UNKNOWN = frozenset(("unknown_label", "unknown_relationship_type", "unknown_property", "unknown_triple"))
_DIRECTION = frozenset(("reversed_direction",))
_LITERAL = frozenset(("invented", "never_true"))
OF_SCHEMA = _UNKNOWN | _DIRECTION | _LITERAL  # complaints that only a schema brings


def kind_of(
    reference: str, query: str, complaints: Sequence[Complaint], *, ran: bool, rows: int = 0, wanted: int = 0
) -> str:
    """The kind of a miss, one of `KINDS`; `rows` and `wanted` count the rows that came and those of the reference.

    What was complained about decides where the query did not run. A complaint about a query that ran all the same (the
    pipeline was off) counts too: a name that the graph does not have explains an empty result.
    """
    codes = {c.code for c in complaints}
    if codes & NOT_READ_ONLY:
        return "not read-only"
    if codes & _LITERAL:
        return "literal"
    if not ran and not codes & (_UNKNOWN | _DIRECTION):
        return "syntax"
    if codes & _UNKNOWN:
        return "unknown name"
    if codes & _DIRECTION:
        return "direction"
    ours, theirs = shape(query), shape(reference)
    if ours is None or theirs is None:  # the server understands more than the grammar
        return "empty" if not rows and wanted else "wrong rows"
    return _difference(ours, theirs, rows, wanted)


def _difference(ours: Shape, theirs: Shape, rows: int, wanted: int) -> str:
    if _turned(ours, theirs):
        return "direction"
    if ours.aggregates != theirs.aggregates:
        return "aggregation"
    if set(ours.values) - set(theirs.values):
        return "literal"
    if not rows and wanted:
        return "empty"
    if ours.columns != theirs.columns or ours.shown != theirs.shown:
        return "wrong columns"
    return "wrong rows"


def _turned(ours: Shape, theirs: Shape) -> bool:
    """Whether the two differ in their arrows alone, or a step of the reference is there the other way round."""
    if ours.undirected == theirs.undirected and ours.heads != theirs.heads:
        return True
    missing = theirs.arrows - ours.arrows
    return any(left != right and (right, kind, left) in ours.arrows for left, kind, right in missing)
