"""The read-only gate: what a query would do besides reading. Fail-closed.

The grammar has no clause that writes, so a query that parses can not; what is left are the procedures and functions
it calls, and each must be on an allow-list (`allowed.py`), with what the user adds. Anything that is not understood
is refused. This is the first of the gate's layers; the server's own EXPLAIN and its read-only access mode follow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lark import Token

from cypher_magic.errors import CypherSyntaxError
from cypher_magic.query.allowed import FUNCTIONS, PROCEDURES, allows
from cypher_magic.query.complaint import Complaint
from cypher_magic.query.parse import Query, complaint, dotted, parse, shortened

if TYPE_CHECKING:
    from collections.abc import Iterable


def read_only(text: str, allow: Iterable[str] = ()) -> list[Complaint]:
    """What stands against running a query as a reading one; empty = it may run.

    `allow` adds names of procedures and functions to the built-in list; `gds.*` adds a whole namespace. Procedure
    names are compared as they are written, function names without regard to case, as the server does.
    """
    try:
        query = parse(text)
    except CypherSyntaxError as error:
        return [complaint(error)]
    more = frozenset(allow)
    functions = FUNCTIONS | {name.lower() for name in more}
    procedures = PROCEDURES | more
    calls = (t for t in query.tree.walk() if isinstance(t, Token) and t.type in ("FUNCTION", "PROCEDURE"))
    return [c for token in calls if (c := _judge(query, token, functions, procedures))]


def _judge(query: Query, token: Token, functions: frozenset[str], procedures: frozenset[str]) -> Complaint | None:
    name = dotted(token)
    kind = token.type.lower()
    # Folding is for ASCII only: the Kelvin sign is not a k.
    folded = name.lower() if kind == "function" and name.isascii() else name
    if allows(functions if kind == "function" else procedures, folded):
        return None
    line, column = query.place(token.start_pos or 0)
    return Complaint(
        kind, f"The {kind} {shortened(name)} is not known to only read.", line, column, "allow it if it is safe"
    )
