"""Of what kind the things are that a question asks for, and whether the query returns, or counts, things of that kind.

    department with the most diagnoses      MATCH (d:Diagnosis)-[:HANDLED_BY]->(x:Department) RETURN d.name, count(x)

Only where the question begins with the kind, but for words such as "show me the five oldest", and nothing else that the
graph has a name for stands beside it: a "software version" is no software.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from cypher_magic.data.agreement.vocabulary import stems, vocabulary, words_for, words_of
from cypher_magic.data.generate.words import singular
from cypher_magic.query.expressions import calls
from cypher_magic.query.fits import label_tokens
from cypher_magic.query.literals import property_of
from cypher_magic.query.parse import Node, start_of, unquoted
from cypher_magic.query.scopes import understand
from cypher_magic.query.telling import listed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet

    from lark import Token

    from cypher_magic.graph.schema import GraphSchema
    from cypher_magic.query.meaning import Variable
    from cypher_magic.query.parse import Query

_POLITE = (
    r"\W*(?:(?:please|now|so|and|ok|hi|hello)\W+)*"
    r"(?:(?:can|could|would)\s+you\s+(?:please\s+)?|i(?:\s+want|\s+need|\s+would\s+like|['’]d\s+like)\s+(?:to\s+)?)?"
)
_HOW_MANY = re.compile(
    rf"{_POLITE}(?:(?:(?:show|tell|give)\s+(?:me\s+|us\s+)?)?how\s+many|count"
    r"|(?:(?:what\s+is|what['’]s|show|give\s+me|tell\s+me)\s+)?(?:the\s+)?(?:total\s+)?number\s+of)\b",
    re.IGNORECASE,
)
_WHICH = re.compile(
    rf"{_POLITE}(?:(?:which|what(?:\s+(?:are|is|were|was))?|list|show|find|give|get|display|return|name|fetch|see|know|have"
    r"|tell|do\s+(?:you|we)\s+have)\b(?:\s+(?:me|us)\b)?)?",
    re.IGNORECASE,
)
_BEFORE = re.compile(  # what may stand in front of the kind
    r"(?:all|the|of|any|every|each|a|an|those|names?|titles?|\d+|two|three|four|five|six|seven|eight|nine|ten|single|top|"
    r"first|last|most|least|best|worst|[a-z]{2,}est|different|distinct|unique|other|recent|common|popular|expensive|new|old)\Z"
)
_END = re.compile(
    r"(?:that|which|who|whose|whom|with|without|in|of|on|at|by|for|from|to|and|or|is|are|was|were|has|have|had|do|does|did|"
    r"not|where|when|there|can|could|between|than|per|as|about|into|under|over|also|but|being|been|be)\Z"
)
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_PER = re.compile(r"\W*(?:per|for each|for every|in each|in every|by(?! the\b| number\b| total\b| average\b))\b")
_PEOPLE = frozenset(("people", "person", "individual", "individuals"))
_CALLED = re.compile(r"\s+(?:[\"“'‘]|[A-Z]|\w*\d| , )")
_WHO = re.compile(r"\W*(?:and |so )?(?:which|who)\b", re.IGNORECASE)
_VALUES = frozenset(("INTEGER", "FLOAT", "BOOLEAN", "DATE", "LOCAL DATETIME", "ZONED DATETIME", "DURATION"))
_NAMES = re.compile(r"id\Z|number|code", re.IGNORECASE)  # what things are called with
_LONGEST = 3  # words of what a thing is called


class Wanted(NamedTuple):
    """The labels of what a question asks for, whether it asks for their number, and how it says so."""

    labels: frozenset[str]
    number: bool
    said: str


def other_kind(question: str, query: Query, schema: GraphSchema) -> str:
    """What is asked for and what the query gives instead, in a sentence; empty where they agree or may do so."""
    asked = wanted(question, schema)
    shown = shown_kinds(query) if asked is not None else None
    if asked is None or shown is None:
        return ""
    plain, counted = shown
    if asked.number:
        if counted and asked.labels.isdisjoint(counted):
            return f"The question asks for the number of {asked.said}, and the query takes that of {_told(counted)}."
        return ""
    given = plain or counted
    if given and asked.labels.isdisjoint(given):
        return f"The question asks for {asked.said}, and the query returns {_told(given)}."
    return ""


def only_values(question: str, query: Query, schema: GraphSchema) -> str:
    """In a sentence, that things are asked for and the columns only have a number, a date or a truth of theirs.

    One that the question does not ask for: "which is the cheapest" wants no price, "insured patients" no true or false.
    """
    asked = wanted(question, schema)
    if asked.number if asked is not None else not _WHO.match(question):
        return ""
    said = {stem for word in words_of(question) for stem in stems(word)}
    owners = {start_of(token): owner for owner, token in understand(query).properties}
    values = [_value_of(item.children[0], owners, schema) for item in _items_of(query)]
    names = [one[0] for one in filter(None, values) if one[2] == "BOOLEAN" or not _said(one, said)]
    whole = names and len(names) == len(values)
    return f"The question asks for things, and the query returns only {listed(names)}." if whole else ""


def wanted(question: str, schema: GraphSchema) -> Wanted | None:
    """What kind of things the question asks for, where that is plain to see."""
    many, which = _HOW_MANY.match(question), _WHICH.match(question)
    start = max(found.end() for found in (many, which) if found)
    said, end = _noun_phrase(question, start)
    known = vocabulary(schema)
    kinds = known.labels | dict.fromkeys(_PEOPLE if known.people else (), known.people)
    while said and (_BEFORE.match(said[0]) or said[0] in known.flags):
        said = said[1:]
    for count in range(min(_LONGEST, len(said)), 0, -1):
        noun = " ".join(said[:count])
        if noun in kinds:
            break
    else:
        return None
    behind = said[count : count + 1]
    parts = {part for name in known.labels for part in name.split()} | known.properties
    if any(word in parts or singular(word) in parts for word in behind):
        return None
    if question[end : end + 1] in ("'", "’"):  # what doctors have is another thing
        return None
    if singular(noun) == noun and not behind and _CALLED.match(question, end):  # the department Oncology
        return None
    number = many is not None or (start == 0 and not behind and _PER.match(question.lower(), end) is not None)
    if number and singular(noun) == noun:  # the phone number of a doctor
        return None
    return Wanted(kinds[noun], number, noun)


def shown_kinds(query: Query) -> tuple[frozenset[str], frozenset[str]] | None:
    """The labels of what the columns show, and of what they count or aggregate; None where that is not plain to see."""
    parts = [part for part in query.tree.walk() if isinstance(part, Node)]
    returns = [part for part in parts if part.data == "return"]
    if len(returns) != 1:
        return None
    items = {id(p): found for p in parts if p.data in ("with", "return") and (found := p.part("items")) is not None}
    if any(found.token("STAR") is not None for found in items.values()):
        return None
    means = {
        unquoted(str(item.children[1])): item.children[0]
        for found in items.values()
        for item in found.parts("item")
        if len(item.children) == 2
    }
    labels = _labels(parts)
    plain: set[str] = set()
    counted: set[str] = set()
    for item in items[id(returns[0])].parts("item") if id(returns[0]) in items else ():
        read = _read(item.children[0], means)
        if any(not labels.get(name) for name in read[0]):
            return None
        (counted if read[1] else plain).update(label for name in read[0] for label in labels[name])
        if read[1] and not read[0]:
            return None  # count(*) counts whatever there is
    return frozenset(plain), frozenset(counted)


def _noun_phrase(question: str, start: int) -> tuple[list[str], int]:
    """The words from here to the next one that joins others, a sign, or a name; and where they end."""
    found: list[str] = []
    end = start
    for word in _WORD.finditer(question, start):
        lower = word[0].lower()
        named = word[0][0].isupper() and found
        if question[end : word.start()].strip() or named or (_END.match(lower) and not _BEFORE.match(lower)):
            break
        if lower == "of" and found and not _BEFORE.match(found[-1]):
            break
        found.append(lower)
        end = word.end()
    return found, end


def _value_of(column: Node | Token, owners: Mapping[int, Variable], schema: GraphSchema) -> tuple[str, str, str] | None:
    """Name, label and type of the property that a column is, where that is a number, a date or a truth; else None."""
    name, function = property_of(column) or (None, "")
    owner = owners.get(start_of(name)) if name is not None else None
    if name is None or function or owner is None or _NAMES.search(unquoted(name)):
        return None
    labels = [unquoted(token) for part in owner.labels for token in label_tokens(part)]
    types = {schema.labels.get(label, {}).get(unquoted(name), "STRING") for label in labels}
    return (unquoted(name), labels[0], min(types)) if types and types <= _VALUES else None


def _said(value: tuple[str, str, str], said: AbstractSet[str]) -> bool:
    """Whether these stems name the property."""
    nouns = (value[0], *words_for(*value).nouns)
    return any(stem in said for noun in nouns for word in words_of(noun) for stem in stems(word))


def _items_of(query: Query) -> list[Node]:
    """The columns of the one RETURN; none where there are several, or all names are shown."""
    returns = [part for part in query.tree.walk() if isinstance(part, Node) and part.data == "return"]
    items = returns[0].part("items") if len(returns) == 1 else None
    return list(items.parts("item")) if items is not None and items.token("STAR") is None else []


def _read(column: Node | Token, means: dict[str, Node | Token], depth: int = 0) -> tuple[set[str], bool]:
    """The variables of a pattern that an expression reads, and whether it aggregates."""
    found: set[str] = set()
    aggregates = bool(calls(column))
    for part in [column, *column.walk()] if isinstance(column, Node) else ():
        if isinstance(part, Node) and part.data == "variable":
            name = unquoted(str(part.children[0]))
            meant = means.get(name)
            if meant is None or depth > len(means) or meant is column:
                found.add(name)
                continue
            names, also = _read(meant, means, depth + 1)
            found |= names
            aggregates |= also
    return found, aggregates


def _labels(parts: list[Node]) -> dict[str, set[str]]:
    """The labels that the patterns give each variable."""
    found: dict[str, set[str]] = {}
    for part in parts:
        name = part.token("NAME") if part.data == "node" else None
        if name is not None:
            given = (unquoted(token) for one in part.parts("labels") for token in label_tokens(one))
            found.setdefault(unquoted(name), set()).update(given)
    return found


def _told(labels: frozenset[str]) -> str:
    return listed(sorted(labels))
