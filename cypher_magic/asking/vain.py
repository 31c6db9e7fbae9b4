"""What a query looked for in vain: the part of it that the next one should not have again."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    from cypher_magic.graph.result import QueryResult

_NAME = re.compile(r"([(\[])\s*\w+")  # of a node or a relationship
_RETURN = re.compile(r"\bRETURN\b(?!.*\bRETURN\b)", re.IGNORECASE | re.DOTALL)


def vain(reply: str, result: QueryResult | None) -> str:
    """What of a reply found nothing: all before its RETURN; the whole reply where one row is there and says null."""
    null = result is not None and any(value is None for row in result.rows for value in row)
    return _unnamed(reply if null else _before_return(reply))


def where_vain(text: str, known: Collection[str]) -> int | None:
    """The place in a query up to which it is known to find nothing, else None."""
    looked = _before_return(text)
    if _unnamed(looked) in known:
        return len(looked)
    return len(text.rstrip()) if _unnamed(text) in known else None


def _before_return(text: str) -> str:
    found = _RETURN.search(text)
    return text[: found.start()].rstrip() if found else text.rstrip()


def _unnamed(text: str) -> str:
    """The text without the names of nodes and relationships, which are any."""
    return " ".join(_NAME.sub(r"\1", text).split())
