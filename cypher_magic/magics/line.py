"""How the line of a magic is read: words with their quotes and brackets, comments, names of variables."""

from __future__ import annotations

import re
from keyword import iskeyword

from cypher_magic.errors import OptionError

_BRACKETS = {"(": ")", "[": "]", "{": "}"}
_COMMENT = re.compile(r"(?:^|\s\s)#(?=\s|$)")  # behind free text, where `#` may be a word
_QUOTES = tuple(map(re.compile, ('"', "`", r"(?<!\w)'|'(?!\w)")))  # an apostrophe is none
_VARIABLE = re.compile(r"\$\w+|\{\w+\}")


def variable(text: str) -> str:
    """The type of options that name a variable of the notebook."""
    if not text.isidentifier() or iskeyword(text):
        raise ValueError(text)
    return text


def without_comment(text: str) -> str:
    """The text without the comment at its end; what stands between quotes is none."""
    for found in _COMMENT.finditer(text):
        before, behind = text[: found.start()], text[found.end() :]
        if not any(len(q.findall(before)) % 2 and q.search(behind) for q in _QUOTES):
            return before
    return text


def literal(word: str) -> str:
    """The word; OptionError when it looks as if a variable's value were to take its place, as in IPython's magics."""
    if _VARIABLE.match(word):
        raise OptionError(
            f"{word} would stand for itself: variables are not filled in here.",
            hint="write the value, or put it between quotes if it is one",
        )
    return word


def skip_space(line: str, at: int) -> int:
    """Where the next word starts."""
    while at < len(line) and line[at].isspace():
        at += 1
    return at


def next_word(line: str, at: int, *, brackets: bool = False) -> tuple[str, int]:
    """The word that starts here, quotes included, and its end; spaces inside quotes (and brackets) belong to it."""
    start = at
    closing: list[str] = []
    while at < len(line) and (closing or not line[at].isspace()):
        character = line[at]
        if character in "\"'":
            end = line.find(character, at + 1)
            if end < 0:
                if brackets or at == start:
                    raise OptionError(f"A quote is not closed: {line[start:]}")
                end = at  # an apostrophe inside a word, as in a file name
            at = end
        elif brackets and character in _BRACKETS:
            closing.append(_BRACKETS[character])
        elif closing and character == closing[-1]:
            closing.pop()
        at += 1
    if closing:
        raise OptionError(f"A bracket is not closed: {line[start:]}")
    return line[start:at], at


def unquoted(word: str) -> str:
    """The word without the quotes around it."""
    if len(word) >= 2 and word[0] == word[-1] and word[0] in "\"'" and word[0] not in word[1:-1]:
        return word[1:-1]
    return word
