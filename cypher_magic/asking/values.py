"""Values in a query that were meant as they stand in the question."""

from __future__ import annotations

import re

_STRING = re.compile(r"""'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)\"""", re.DOTALL)


def trimmed(query: str, question: str) -> tuple[str, tuple[str, ...]]:
    """The query with blanks around its string values removed where the question has the value without them.

    A tokenizer's words begin with their blank, and a small model that copies a name from the question copies that too.
    Returns the query and a line per change.
    """
    changes: list[str] = []

    def mend(found: re.Match[str]) -> str:
        value = found[1] if found[1] is not None else found[2]
        bare = value.strip()
        if value == bare or not bare or bare not in question.replace("'", "\\'") and bare not in question:
            return found[0]
        quote = found[0][0]
        changes.append(f"{found[0]} -> {quote}{bare}{quote}: the question has no blank there")
        return f"{quote}{bare}{quote}"

    return _STRING.sub(mend, query), tuple(changes)
