"""Word lists as one text, which reads and diffs better than a list with a word a line."""

from __future__ import annotations


def spaced(text: str) -> list[str]:
    """The words between spaces."""
    return text.split()


def barred(text: str) -> list[str]:
    """The phrases between bars."""
    return text.split("|")
