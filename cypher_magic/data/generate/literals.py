"""Values as Cypher literals and as words in a question."""

from __future__ import annotations

import re
from typing import Any

from cypher_magic.errors import DataError


def literal(value: Any) -> str:
    """The value as Cypher writes it; what is in a string can not end it. DataError for what has no literal."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, str):
        if not value.isprintable():
            raise DataError("A value with control characters does not go into a query.")
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(literal(v) for v in value) + "]"
    if hasattr(value, "iso_format"):  # a moment of the driver
        text = str(value.iso_format())
        return f"{'datetime' if 'T' in text else 'date'}('{text}')"
    raise DataError(f"A value of type {type(value).__name__} does not go into a query.")


def said(value: Any) -> str:
    """The value as a person writes it in a question."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:g}" if abs(value) < 1e6 else f"{value:.0f}"
    if hasattr(value, "iso_format"):
        return str(value.iso_format())[:10]
    return str(value).translate(_GUARD)


_GUARD = str.maketrans("[]|{}", "\ue010\ue011\ue012\ue013\ue014")  # signs that mean something in a wording
_UNGUARD = str.maketrans("\ue010\ue011\ue012\ue013\ue014", "[]|{}")


KEPT = "\ue016"  # stands in front of a value that keeps its small letter where a sentence begins
OWNED = "\ue015"  # stands in front of "somebody's films", where no article may stand
_ARTICLE = re.compile(rf"\b(?:(all) the|the|an?|any|every|(all)) (?={OWNED})", re.IGNORECASE)


def unguarded(text: str) -> str:
    """A worded question with the values as they are."""
    bare = _ARTICLE.sub(lambda m: "all of " if m[1] or m[2] else "", text).replace(OWNED, "").replace(KEPT, "")
    bare = bare.translate(_UNGUARD)
    return bare if bare[:1] == text[:1] or not text[:1].isupper() else bare[:1].upper() + bare[1:]
