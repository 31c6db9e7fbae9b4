"""Questions that end in a question mark.

IPython takes `%cypher_ask who acted in The Matrix?` as a request for help on `Matrix`. A space after the question
mark prevents that; `%cypher_ask?` without a question stays a request for help.

And it refuses `%%finetune movies --data train.csv` when nothing stands below: that becomes the line form.
"""

from __future__ import annotations

import re

_ASKED = re.compile(r"\s*(?:%(?:time|timeit|prun)\s+)?(?:[^\s%#][^%#]*=\s*%|%?)cypher_ask\s+\S")
_CELL = re.compile(r"%%(?:finetune|cypher_ask|cypher)(?!\w)")
_TRIPLE_QUOTES = re.compile(r"\"\"\"|'''")


def protect_questions(lines: list[str]) -> list[str]:
    """The lines of a cell with a space added after each question that ends in a question mark."""
    if lines and _CELL.match(lines[0]) and not "".join(lines[1:]).strip():
        lines = [lines[0][1:]]
    if not any("cypher_ask" in line for line in lines) or lines[0].startswith("%%"):
        return lines
    result = []
    asked = False
    quotes = 0
    for line in lines:
        asked = asked or (quotes % 2 == 0 and _ASKED.match(line) is not None)
        quotes += 0 if asked else len(_TRIPLE_QUOTES.findall(line))
        text = line.rstrip()
        if asked and text.endswith("?"):
            line = text + " " + line[len(line.rstrip("\r\n")) :]
        asked = asked and text.endswith("\\")  # a line magic goes on after a backslash
        result.append(line)
    return result
