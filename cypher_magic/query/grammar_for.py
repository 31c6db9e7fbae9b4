r"""The one grammar as a decoder needs it: its rules as they are, filled with a schema's names, in llguidance's dialect.

A decoder writes from left to right and takes nothing back, so three things differ from reading:

* Space is written out. Words carry the space around them (` WHERE `, `MATCH `), in the manner of the queries that
  models are trained on; nothing can be glued together, and each place knows what may begin there.
* Every repetition has an upper bound, and so have literals: nothing goes on for ever.
* Names of labels, relationship types and properties are those of the schema, and a relationship of a labelled node
  leads only to labels that it joins in the graph. Functions and procedures are those that only read.

What a grammar without context can not say (scopes, the properties of a variable) is checked by whoever decodes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from cypher_magic.query.allowed import FUNCTIONS, PROCEDURES
from cypher_magic.query.ways import any_ways, ways

if TYPE_CHECKING:
    from collections.abc import Collection

    from cypher_magic.graph.schema import GraphSchema

# One level of a rule's right side: alternatives, each a sequence of parts.
Alternatives = list[list["Part"]]

_PIECES = re.compile(r'"(?:[^"\\]|\\.)*"i?|\w+|->|[()\[\]|*+?]')
_RULE = re.compile(r"^\??([a-z_]+):(.*?)(?=^\S|\Z)", re.MULTILINE | re.DOTALL)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Rules that a model has no need of: hints, quantified paths, computed labels, rare forms. What refers to them goes too.
_LEFT_OUT = _words(
    """
    hint _selector _paths group quantifier label_dynamic finish ordering type _type trim normalize imports
    PARAMETER INF OFFSET ASCENDING DESCENDING OF_TYPE CONCAT
    """
)
_FROM_FILE = _words(
    """
    query union match where with return _body items item order sort unwind subquery patterns _expression or xor and
    not predicate postfix index list when when_test list_comprehension pattern_comprehension reduce quantified
    exists count collect
    """
)
_CLAUSES = ("match", "with", "unwind", "subquery")
_MOST = {"query": 2, "patterns": 4, "items": 12, "order": 4, "or": 6, "and": 8, "postfix": 3, "list": 50, "when": 2}

_SPACE = r"[ \n] {0,8}"
# Words with space before them, words without space behind them, words in either case.
_LED = _words("WHERE AS ORDER ASC DESC UNION OR XOR AND STARTS ENDS CONTAINS IN WHEN THEN ELSE END")
_BARE = _words("ASC DESC END NULL TRUE FALSE EXISTS COUNT COLLECT REDUCE")
_ANY_CASE = _words("ASC DESC NULL TRUE FALSE EXISTS COUNT COLLECT REDUCE")
_SPELLED = {
    '"("': "/\\(/",
    '")"': "/\\)/",
    '"["': "/\\[/",
    '"]"': "/\\]/",
    '"{"': f"/ ?\\{{({_SPACE})?/",
    '"}"': f"/({_SPACE})?\\}}/",
    '","': f"/,({_SPACE})?/",
    '":"': '":"',
    '"="': "/ ?= ?/",
    '"."': '"."',
    "LIST_OPEN": "/\\[/",
    "BAR": r"/ ?\| ?/",
    "STAR": r"/\*/",
    "COMPARE": "/ ?(=|<>|<=|>=|<|>) ?/",
    "MATCHES": "/ ?=~ ?/",
    "QUANTIFIER": "/ALL|ANY|NONE|SINGLE|all|any|none|single/",
    "NAME": "NAME",
    "FUNCTION": "FUNCTION",
}
# What stands in the place of rules that are spelled for reading, or that a schema fills.
_OWN = rf"""
start: " "? query
single: return | clause next_clause{{0,12}} next_return
case: "CASE " ("WHEN " | expression / WHEN /) when_rest (/ WHEN / when_rest){{0,7}} (/ ELSE / expression)? / END/
when_rest: expression / THEN / expression
skip: /{_SPACE}SKIP / INTEGER
limit: /{_SPACE}LIMIT / INTEGER
inner: patterns where? | match | query
path: (NAME / ?= ?/)? (chain | shortest)
shortest: /shortestPath|allShortestPaths/ "(" chain ")"
sum: product (/ ?[-+] ?/ product){{0,4}}
product: power (/ ?[*\/%] ?/ power){{0,4}}
power: sign (/ ?\^ ?/ sign)?
sign: "-"? postfix
comparison: predicate (/ ?(=|<>|<=|>=|<|>) ?/ predicate)? | pattern
is_test: /{_SPACE}IS (NOT )?(NULL|null)/
atom: INTEGER | FLOAT | STRING | /true|TRUE|false|FALSE|null|NULL/ | NAME | map | list | case | call
    | map_projection | list_comprehension | pattern_comprehension | reduce | quantified
    | exists | count | collect | shortest | "(" expression ")"
call: FUNCTION "(" (("DISTINCT ")? expression (COMMA expression){{0,4}} | "*" | pattern)? ")"
slice: "[" (/[0-9]{{1,9}}\.\./ | expression ".." | "..") expression? "]"
map: OPEN (pair (COMMA pair){{0,7}})? CLOSE
pair: (NAME | property_name) /: ?/ expression
property: "." (property_name | PART_OF_TIME)
map_projection: NAME OPEN projected (COMMA projected){{0,11}} CLOSE
projected: "." property_name | ".*" | pair | NAME
labels: label (/[&:|]/ label){{0,2}}
COMMA: /,({_SPACE})?/
OPEN: / ?\{{({_SPACE})?/
CLOSE: /({_SPACE})?\}}/
INTEGER: /[0-9]{{1,19}}/
FLOAT: /[0-9]{{1,15}}\.[0-9]{{1,17}}/
PART_OF_TIME: /(year|month|day|hour|minute|second)s?|quarter|week|dayOfWeek|dayOfYear|millisecond|epoch(Seconds|Millis)/
    | /[xyz]|longitude|latitude/
"""
_ANY_TEXT = r"""STRING: /'([^'\\\x00-\x1f]|\\['"\\nrtbf]){0,160}'|"([^"\\\x00-\x1f]|\\['"\\nrtbf]){0,160}"/"""
_SIGN = re.compile(r"[\\.+*?()|\[\]{}^$/#&~-]")  # what a regular expression does not take as it is
_ESCAPED = r"\\\g<0>"
_RESERVED = (
    "MATCH OPTIONAL WHERE WITH RETURN UNWIND CALL YIELD UNION DISTINCT ORDER SKIP LIMIT CASE WHEN THEN ELSE END NOT"
    " AND OR XOR IN CONTAINS STARTS ENDS IS NULL TRUE FALSE AS ASC DESC EXISTS COUNT COLLECT REDUCE"
)


@dataclass(frozen=True)
class Part:
    """A symbol or a literal of the grammar, or a bracket with alternatives; `sign` is empty, `*`, `+` or `?`."""

    symbol: str = ""
    inner: Alternatives | None = None
    sign: str = ""


def grammar_for(
    schema: GraphSchema | None, *, ends: bool = True, banned: Collection[str] = (), texts: Collection[str] = ()
) -> str:
    """The grammar of reading queries in llguidance's dialect of Lark.

    With a schema, only its names can be written, and with `ends` only relationships between the labels that they join
    (which way an arrow points is for the checks to say); without, any name. `banned` names (of labels, types,
    properties, functions) can not be written at all. Where `texts` are given, a text is one of these.
    """
    lines = [_OWN.strip(), *_read_rules(), _text_rule(texts)]
    reserved = "|".join(_RESERVED.split())
    # a small model that lost its way goes on with digits: m2m2333
    lines.append(f"NAME: /[A-Za-z_]{{1,40}}([0-9]{{1,2}}(_[A-Za-z_]{{1,20}})?)?/ & ~/(?i:{reserved})/")
    functions = sorted(f for f in FUNCTIONS - {b.lower() for b in banned} if "*" not in f and not f.startswith("apoc"))
    lines.append(f"FUNCTION: /{'|'.join(map(_in_any_case, functions))}/")
    lines += any_ways() if schema is None else ways(schema, ends=ends, banned=frozenset(banned))
    lines.append(_clause_rules(schema))
    return "\n".join(lines) + "\n"


def _in_any_case(word: str) -> str:
    """A word as a regular expression, in small or large letters. (?i:keys) would take a Kelvin sign for its K, too."""
    return "".join(f"[{c.lower()}{c.upper()}]" if c.isalpha() else re.escape(c) for c in word)


def _text_rule(texts: Collection[str]) -> str:
    if not texts:
        return _ANY_TEXT
    written = (text.replace("\\", "\\\\").replace("'", "\\'") for text in sorted(texts))
    return f"STRING: /'({'|'.join(_SIGN.sub(_ESCAPED, text) for text in written)})'/"


def _clause_rules(schema: GraphSchema | None) -> str:
    """CALL is for the procedures that only read; those that search an index need one."""
    kinds = {index.kind for index in schema.indexes} if schema is not None else {"FULLTEXT", "VECTOR"}
    known = [p for p in sorted(PROCEDURES) if ".index." not in p or p.split(".")[2].upper() in kinds]
    names = "|".join(map(re.escape, known))
    rest = rf"""/({names})\(/ (expression (COMMA expression){{0,3}})? ")" (/ YIELD / yielded (COMMA yielded){{0,4}})?"""
    firsts, nexts = " | ".join(_CLAUSES), " | ".join(f"next_{c}" for c in _CLAUSES)
    return (
        f'procedure: "CALL " {rest}\nnext_procedure: /{_SPACE}CALL / {rest}\n'
        f"yielded: NAME (/{_SPACE}AS / NAME)?\n"
        f"clause: {firsts} | procedure\nnext_clause: {nexts} | next_procedure"
    )


@cache
def _read_rules() -> tuple[str, ...]:
    """The rules that are taken from `cypher.lark`, each clause also in the form that follows another clause."""
    text = Path(__file__).with_name("cypher.lark").read_text(encoding="utf-8")
    text = re.sub(r"^//.*$", "", text, flags=re.MULTILINE)
    read = {name: _alternatives(_PIECES.findall(body), 0)[0] for name, body in _RULE.findall(text)}
    lines = [f"{_rule_name(name)}: {_written(read[name], _MOST.get(name, 2))}" for name in sorted(_FROM_FILE)]
    for name in (*_CLAUSES, "return"):
        led = [_led(sequence) for alternative in read[name] for sequence in _without_option(alternative)]
        lines.append(f"next_{name}: {' | '.join(led)}")
    return tuple(lines)


def _alternatives(pieces: list[str], at: int) -> tuple[Alternatives, int]:
    found: Alternatives = [[]]
    while at < len(pieces):
        piece = pieces[at]
        at += 1
        if piece in (")", "]"):
            break
        if piece == "|":
            found.append([])
        elif piece == "->":
            at += 1  # the name of an alternative is for readers
        elif piece in ("(", "["):
            inner, at = _alternatives(pieces, at)
            found[-1].append(Part(inner=inner, sign="?" if piece == "[" else ""))
        elif piece in ("*", "+", "?"):
            last = found[-1].pop()
            found[-1].append(Part(last.symbol, last.inner, piece))
        else:
            found[-1].append(Part(piece))
    return found, at


def _without_option(sequence: list[Part]) -> list[list[Part]]:
    """A sequence that begins with an optional part, with it and without it."""
    first = sequence[0]
    if first.sign != "?" or not first.inner:
        return [sequence]
    return [[*first.inner[0], *sequence[1:]], sequence[1:]]


def _led(sequence: list[Part]) -> str:
    word, *rest = sequence
    return f"/{_SPACE}{word.symbol} / {_sequence(rest, 2)}"


def _is_left_out(part: Part) -> bool:
    if part.inner is None:
        return part.symbol in _LEFT_OUT
    return part.sign == "" and all(any(map(_is_left_out, sequence)) for sequence in part.inner)


def _written(alternatives: Alternatives, most: int) -> str:
    kept = [s for s in alternatives if not any(_is_left_out(p) and p.sign not in ("?", "*") for p in s)]
    return " | ".join(_sequence(s, most) for s in kept)


def _sequence(sequence: list[Part], most: int) -> str:
    return " ".join(text for part in sequence if (text := _part(part, most)))


def _part(part: Part, most: int) -> str:
    if part.inner is None:
        text = "" if part.symbol in _LEFT_OUT else _symbol(part.symbol)
    else:
        inner = _written(part.inner, most)
        text = f"({inner})" if inner else ""
    sign = {"*": f"{{0,{most}}}", "+": f"{{1,{most}}}"}.get(part.sign, part.sign)
    return text + sign if text else ""


def _rule_name(name: str) -> str:
    return name.removeprefix("_")


def _symbol(symbol: str) -> str:
    if symbol in _SPELLED:
        return _SPELLED[symbol]
    word = symbol.removesuffix("i").strip('"')
    if not word.isupper():
        return _rule_name(symbol)
    spelling = f"({word}|{word.lower()})" if word in _ANY_CASE else word
    return f"/{_SPACE if word in _LED else ''}{spelling}{'' if word in _BARE else ' '}/"
