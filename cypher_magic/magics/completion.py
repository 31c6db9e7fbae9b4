"""Completion inside Cypher: labels, relationship types, properties, parameters, functions, keywords, options.

Works in `%%cypher` bodies and on `%cypher` lines, from the text in front of the cursor and the cached schema alone:
a TAB never asks the database. Where Cypher is being typed, Python's own completions are suppressed.
"""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, NamedTuple

from IPython import get_ipython
from IPython.core.completer import CompletionContext, SimpleCompletion, SimpleMatcherResult, context_matcher

from cypher_magic.magics.options import COMMANDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_KEYWORDS = (
    "MATCH;OPTIONAL MATCH;WHERE;RETURN;WITH;UNWIND;ORDER BY;SKIP;LIMIT;DISTINCT;AS;AND;OR;XOR;NOT;IN;STARTS WITH;"
    "ENDS WITH;CONTAINS;IS NULL;IS NOT NULL;ASC;DESC;UNION;UNION ALL;CALL;YIELD;EXISTS;COUNT;COLLECT;CASE;WHEN;THEN;"
    "ELSE;END;true;false;null;CREATE;MERGE;SET;DELETE;DETACH DELETE;REMOVE;ON CREATE SET;ON MATCH SET;FOREACH"
    ";"
)
_FUNCTIONS = (
    "abs acos all any asin atan atan2 avg ceil char_length coalesce collect cos cot count date date.truncate datetime "
    "datetime.truncate degrees duration duration.between duration.inDays duration.inMonths duration.inSeconds "
    "elementId endNode exists exp floor haversin head id isEmpty keys labels last left length localdatetime localtime "
    "log log10 lower ltrim max min nodes none nullIf percentileCont percentileDisc pi point point.distance "
    "point.withinBBox properties radians rand randomUUID range reduce relationships replace reverse right round rtrim "
    "shortestPath sign sin single size split sqrt startNode stDev stDevP substring sum tail tan time timestamp "
    "toBoolean toBooleanOrNull toFloat toFloatOrNull toInteger toIntegerList toIntegerOrNull toLower toString "
    "toStringList toStringOrNull toUpper trim type upper valueType"
)
KEYWORDS, FUNCTIONS = tuple(_KEYWORDS.split(";")), tuple(_FUNCTIONS.split())
_LINE = re.compile(r"\s*(?:[^\s%#][^%#]*=\s*)?(%[A-Za-z_]+)\s")
_CELL = re.compile(r"(%%[A-Za-z_]+)(?=\s|\Z)")
_HIDDEN = re.compile(  # strings and comments, closed or not; names in backticks stay readable
    r"'(?:[^'\\]|\\.)*(?:'|\Z)|\"(?:[^\"\\]|\\.)*(?:\"|\Z)|//[^\n]*|/\*.*?(?:\*/|\Z)", re.DOTALL
)
_NAME = r"(?:`(?:[^`]|``)*`|\w+)"
_OWNER = re.compile(rf"[(\[]\s*({_NAME})\s*:\s*((?:{_NAME}|[:|&!\s])+)")


class Known(NamedTuple):
    """What can be offered, each with its properties."""

    labels: dict[str, tuple[str, ...]]
    types: dict[str, tuple[str, ...]]


@context_matcher()
def complete(context: CompletionContext) -> SimpleMatcherResult:
    """What can stand at the cursor; nothing outside the magics of this package."""
    lines = context.full_text.split("\n")[: context.cursor_line + 1]
    lines[-1] = lines[-1][: context.cursor_position]
    command, text = _typed(lines)
    if command is None:
        return {"completions": []}
    option = re.search(r"(?:^|\s)(--?[A-Za-z-]*)\Z", text) if "\n" not in text else None
    if option:
        return _options(command, text.split()[0], option[1])
    if command != "%cypher":
        return {"completions": []}
    return _cypher(text, _known())


def _options(command: str, word: str, fragment: str) -> SimpleMatcherResult:
    """The options of a magic, or of the verb that its first word names."""
    declared = COMMANDS.get(f"{command} {word}") or COMMANDS.get(command) or COMMANDS.get(f"%{command}")
    if declared is None:
        return {"completions": []}
    options = declared.options_of(word) if word in declared.verb_names else declared.options
    return _result(fragment, [*(flag for o in options for flag in o.flags), "-h", "--help"], "option")


def _typed(lines: list[str]) -> tuple[str | None, str]:
    """The magic that the cursor is in, with one percent sign, and its text up to the cursor."""
    cell = _CELL.match(lines[0])
    if cell:
        text = "\n".join(lines)[cell.end() :]
        return cell[1][1:], text
    start = len(lines) - 1
    while start and lines[start - 1].endswith("\\"):  # a line magic goes on after a backslash
        start -= 1
    text = "\n".join(lines[start:])
    line = _LINE.match(text)
    return (line[1], text[line.end() - 1 :]) if line else (None, "")


def _cypher(text: str, known: Known) -> SimpleMatcherResult:
    from cypher_magic.graph.schema import quoted

    plain = _HIDDEN.sub(lambda m: " " * len(m[0]) if m.end() < len(text) or _closed(m[0]) else "\0" * len(m[0]), text)
    if plain.endswith("\0"):
        return {"completions": []}  # inside a string or comment
    before = plain[: plain.rindex("`")] if plain.count("`") % 2 else plain[: len(plain) - len(_last_word(plain))]
    fragment = plain[len(before) :]
    parameter = re.search(r"\$\Z", before)
    if parameter:
        return _result(fragment, _notebook_names(), "variable", case=True)
    opener = _opener(before)
    if re.search(r"[:|&!]\s*\Z", before) and not _in_map(before, opener):
        in_relationship = opener >= 0 and re.search(r"-\s*\[\Z", before[: opener + 1]) is not None
        return _result(fragment, map(quoted, known.types if in_relationship else known.labels), "label")
    dotted = re.search(rf"({_NAME})\s*\.\s*\Z", before)
    if dotted:
        function = f"{dotted[1]}."
        names = [f[len(function) :] for f in FUNCTIONS if f.lower().startswith(function.lower())]
        return _result(fragment, names or map(quoted, _properties(dotted[1], plain, known)), "property")
    if opener >= 0 and before[opener] == "{" and re.search(r"[{,]\s*\.?\Z", before):
        owner = re.search(rf"({_NAME})\s*\Z", before[:opener])
        inline = _inline_names(before[:opener])
        names = _of(inline, known) if inline else _properties(owner[1], plain, known) if owner else _of([], known)
        return _result(fragment, map(quoted, names), "property")
    lower = fragment.islower()
    words = [(k.lower() if lower else k) for k in KEYWORDS]
    return _result(fragment, [*_variables(plain), *words, *FUNCTIONS], "keyword") if fragment else {"completions": []}


def _last_word(text: str) -> str:
    return str(re.findall(r"\w*\Z", text)[0])


def _closed(part: str) -> bool:
    """Whether a string or block comment at the very end of the text is closed there."""
    if part.startswith("/*"):
        return part.endswith("*/") and len(part) > 3
    return part[0] in "'\"" and len(part) > 1 and part[-1] == part[0] and not part.endswith("\\" + part[0])


def _opener(text: str) -> int:
    """Position of the innermost bracket that is still open, or -1."""
    stack = []
    for i, character in enumerate(text):
        if character in "([{":
            stack.append(i)
        elif character in ")]}" and stack:
            stack.pop()
    return stack[-1] if stack else -1


def _in_map(before: str, opener: int) -> bool:
    """Whether a colon here ends the key of a map, so that a value follows."""
    return (
        opener >= 0 and before[opener] == "{" and re.search(rf"[{{,]\s*{_NAME}\s*:\s*\Z", before[opener:]) is not None
    )


def _inline_names(before_brace: str) -> list[str]:
    """Labels or types in the pattern element whose property map is open: `(m:Movie {`."""
    found = re.search(rf"[(\[]\s*(?:{_NAME})?\s*:((?:{_NAME}|[:|&!\s])+)\Z", before_brace)
    return _names(found[1]) if found else []


def _properties(variable: str, text: str, known: Known) -> list[str]:
    """Properties of what the variable stands for, of everything when the query does not say."""
    declared = [name for owner, names in _OWNER.findall(text) if owner == variable for name in _names(names)]
    return _of(declared, known)


def _of(names: Iterable[str], known: Known) -> list[str]:
    tables = [table[n] for n in names for table in (known.labels, known.types) if n in table]
    tables = tables or [*known.labels.values(), *known.types.values()]
    return list(dict.fromkeys(name for table in tables for name in table))


def _names(text: str) -> list[str]:
    return [n[1:-1].replace("``", "`") if n.startswith("`") else n for n in re.findall(_NAME, text)]


def _variables(text: str) -> list[str]:
    """Names that the query defines: pattern variables and aliases."""
    found = re.findall(rf"[(\[]\s*({_NAME})(?=\s*[:){{\]])|\b(?:AS|as)\s+({_NAME})\s", text)
    return list(dict.fromkeys(a or b for a, b in found if not (a or b).isdigit()))


def _notebook_names() -> Iterator[str]:
    shell = get_ipython()
    return (n for n in (shell.user_ns if shell else ()) if not n.startswith("_"))


def _known() -> Known:
    """The cached schema of the current connection; empty when nothing is connected or was looked at yet."""
    session = sys.modules.get("cypher_magic.session")  # a TAB must not load it
    schema = session.current_schema_or_none() if session else None
    if schema is None:
        return Known({}, {})
    return Known(
        {label: tuple(properties) for label, properties in schema.labels.items()},
        {name: tuple(properties) for name, properties in schema.relationship_types.items()},
    )


def _result(fragment: str, names: Iterable[str], kind: str, *, case: bool = False) -> SimpleMatcherResult:
    """The names that begin with the fragment, those with its own letter case first.

    Where none does, the fragment itself is the answer: IPython suppresses Python's names only if there is one.
    """
    start = fragment.lstrip("`").lower()
    fitting = [n for n in names if n.lstrip("`").lower().startswith(start) and (not case or n.startswith(fragment))]
    fitting = sorted(dict.fromkeys(fitting), key=lambda n: not n.lstrip("`").startswith(fragment.lstrip("`")))
    return {
        "completions": [SimpleCompletion(text=name, type=kind) for name in fitting or filter(None, [fragment])],
        "matched_fragment": fragment,
        "ordered": True,
        "suppress": True,
    }
