"""Checks of a query before it runs: syntax, scopes, and, given a schema, whether it fits the graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cypher_magic.errors import CypherSyntaxError
from cypher_magic.query.complaint import Complaint
from cypher_magic.query.fits import fits
from cypher_magic.query.parse import complaint, parse
from cypher_magic.query.scopes import understand

if TYPE_CHECKING:
    from cypher_magic.graph.schema import GraphSchema


def check(text: str, schema: GraphSchema | None = None) -> list[Complaint]:
    """What is wrong with a query, in the order of its text; empty = fine.

    With a schema, names and triples that the graph does not have are complained about too.
    """
    try:
        query = parse(text)
    except CypherSyntaxError as error:
        return [complaint(error)]
    try:
        meaning = understand(query)
        found = fits(query, meaning, schema) if schema is not None else []
    except RecursionError:  # the caller has used most of the stack
        return [Complaint("too_deep", "The query nests too deep to be checked here.")]
    complaints = meaning.complaints + [finding.complaint for finding in found]
    # each once and in the order found: a set would shuffle those of one place
    return sorted(dict.fromkeys(complaints), key=lambda c: (c.line, c.column))
