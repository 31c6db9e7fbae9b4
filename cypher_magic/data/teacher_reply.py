"""What a teacher sent back, taken as hostile text: one strict JSON object, short clean texts, or a reason why not."""

from __future__ import annotations

import json
import re
from typing import Any

LONGEST_REPLY = 60_000  # characters
LONGEST_QUESTION = 300
LONGEST_QUERY = 1_000
_FENCE = re.compile(r"```(?:json)?[ \t]*\n(.*)\n```", re.DOTALL)
_NO_QUESTION_HAS = re.compile(r"[<>{}\[\]|`\\$]|://|\b(?:MATCH|OPTIONAL MATCH|RETURN)\b")


class NotUsable(ValueError):
    """A reply, or a part of one, that is not used; the text says why, in the same words for the same reason."""


def objects(text: str, name: str, most: int) -> list[dict[str, Any]]:
    """The objects in the list `name` of the reply's one JSON object, at most `most`. NotUsable says what is wrong."""
    if len(text) > LONGEST_REPLY:
        raise NotUsable("the reply is too long")
    text = text.strip()
    if fenced := _FENCE.fullmatch(text):
        text = fenced[1]
    try:
        found = json.loads(text, object_pairs_hook=_once_each, parse_constant=_refused)
    except (ValueError, RecursionError):
        raise NotUsable("the reply is not JSON") from None
    items = found.get(name) if isinstance(found, dict) else None
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise NotUsable("the reply is JSON of another form")
    return items[:most]


def question(value: Any, *, as_in: str = "") -> str:
    """A question on one line without control characters; signs that no question has may stand where `as_in` has them.

    NotUsable for what is no text, empty, too long, or looks like markup, an address or a query.
    """
    text = _line(value, LONGEST_QUESTION)
    strange = set(_NO_QUESTION_HAS.findall(text)) - set(_NO_QUESTION_HAS.findall(as_in))
    if strange or not any(c.isalpha() for c in text):
        raise NotUsable("it is not a question")
    return text


def query(value: Any) -> str:
    """A query on one line. NotUsable for what is no text, empty or too long, or has a comment."""
    if isinstance(value, str) and ("/*" in value or ("//" in value and "\n" in value)):
        raise NotUsable("the query has a comment")
    return _line(value, LONGEST_QUERY).rstrip("; ")


def _line(value: Any, longest: int) -> str:
    if not isinstance(value, str):
        raise NotUsable("it is not a text")
    if len(value) > 4 * longest:
        raise NotUsable("it is too long")
    text = " ".join("".join(c if c.isprintable() else " " for c in value).split())
    if not text:
        raise NotUsable("it is empty")
    if len(text) > longest:
        raise NotUsable("it is too long")
    return text


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def _refused(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
