"""Query text to a tree with source positions; what can not be read is a CypherSyntaxError with a place and a hint.

`cypher.lark` is compiled to an LALR(1) table once per process. The loop below feeds it tokens one by one, each with
the terminal that the table can take at that place (see `tokens.py`): keywords are names wherever only a name fits,
as in Cypher. A parse is linear in the length of the text, and brackets may nest `MAX_DEPTH` deep, so that no text
can make it slow or run out of stack.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedToken
from lark.lexer import Lexer

from cypher_magic.graph.schema import quoted
from cypher_magic.query.complaint import Complaint
from cypher_magic.query.tokens import Chooser, Raw, Refusal, Source, Words, place, read

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping

    from lark.common import LexerConf

    from cypher_magic.errors import CypherSyntaxError

MAX_LENGTH = 50_000
MAX_DEPTH = 25

WRITING = frozenset(
    {
        "CREATE",
        "MERGE",
        "DELETE",
        "DETACH",
        "NODETACH",
        "SET",
        "REMOVE",
        "FOREACH",
        "INSERT",
        "DROP",
        "ALTER",
        "GRANT",
        "REVOKE",
        "DENY",
        "RENAME",
        "START",
        "STOP",
        "ENABLE",
        "DEALLOCATE",
        "REALLOCATE",
    }
)
_PART = re.compile(r"`(?:[^`]|``)*`|[^.`]+")
_REFUSED = {
    "LOAD": "LOAD CSV reads files and addresses",
    "USE": "USE switches to another graph",
    "SHOW": "SHOW is a command about the server",
    "TERMINATE": "TERMINATE is a command about the server",
    "PROFILE": "PROFILE is not part of the query",
    "EXPLAIN": "EXPLAIN is not part of the query",
    "CYPHER": "version and planner options are not part of the query",
}
_HINTS = {
    "GROUP": "Cypher groups by every column without an aggregate; leave GROUP BY out",
    "HAVING": "use WITH and WHERE instead of HAVING",
    "SELECT": "Cypher starts with MATCH and ends with RETURN",
    "FROM": "Cypher starts with MATCH and ends with RETURN",
    "JOIN": "use a pattern such as (a)-[:TYPE]->(b) instead of JOIN",
    "BETWEEN": "write low <= x <= high",
    "LIKE": "use CONTAINS, STARTS WITH, ENDS WITH or =~",
    "NOT": "write NOT x IN list",
    "==": "equality is a single =",
}


class Node(Tree[Token]):
    """A rule of the grammar with its parts; `start` and `end` are offsets into the query's text."""

    children: list[Any]

    @property
    def start(self) -> int:
        """Where the first kept token of this part begins."""
        return next((part.start_pos or 0 for part in self.walk() if isinstance(part, Token)), 0)

    def walk(self) -> Iterator[Node | Token]:
        """Every part and token below, in the order of the text (without recursion: trees may be deep)."""
        stack: list[Node | Token] = [self]
        while stack:
            part = stack.pop()
            yield part
            if isinstance(part, Node):
                stack.extend(reversed(part.children))

    def parts(self, *kinds: str) -> Iterator[Node]:
        """Direct parts of these kinds."""
        return (c for c in self.children if isinstance(c, Node) and c.data in kinds)

    def part(self, kind: str) -> Node | None:
        """The direct part of this kind, if there is one."""
        return next(self.parts(kind), None)

    def tokens(self, *types: str) -> Iterator[Token]:
        """Direct tokens of these types."""
        return (c for c in self.children if isinstance(c, Token) and c.type in types)

    def token(self, type_: str) -> Token | None:
        """The direct token of this type, if there is one."""
        return next(self.tokens(type_), None)


@dataclass(frozen=True)
class Query:
    """A query that was read: its text, its tree, and where each bracket closes (offset of "(" -> offset behind ")")."""

    text: str
    tree: Node
    closing: Mapping[int, int]
    tokens: tuple[Token, ...]

    @property
    def end(self) -> int:
        """The offset behind the last token."""
        return self.tokens[-1].end_pos or 0

    def place(self, offset: int) -> tuple[int, int]:
        """Line and column, from 1, of an offset into the text."""
        return place(self.text, offset)


class _NoLexer(Lexer):
    """Stands where Lark wants a lexer, keeping the terminals; tokens come from `Chooser`."""

    def __init__(self, conf: LexerConf) -> None:
        self.terminals = conf.terminals

    def lex(self, lexer_state: Any, parser_state: Any) -> Iterator[Token]:
        return iter(())


@cache
def _grammar() -> tuple[Lark, Words]:
    text = Path(__file__).with_name("cypher.lark").read_text(encoding="utf-8")
    lark = Lark(text, parser="lalr", lexer=_NoLexer, maybe_placeholders=False, tree_class=Node)
    return lark, Words(lark.terminals)


def start_of(part: Node | Token) -> int:
    """Where a part of the tree begins."""
    return part.start if isinstance(part, Node) else part.start_pos or 0


def unquoted(name: str) -> str:
    """A name as the graph knows it: without backticks."""
    return name[1:-1].replace("``", "`") if name.startswith("`") else name


def shortened(text: str) -> str:
    """A piece of a query, short enough for a message."""
    return text[:39] + "…" if len(text) > 40 else str(text)


def dotted(name: str) -> str:
    """The name of a procedure or function; a part that is no plain name keeps its backticks."""
    return ".".join(quoted(unquoted(part)) for part in _PART.findall(name)) if "`" in name else str(name)


def parse(text: str) -> Query:
    """The query as a tree; raises CypherSyntaxError (line, column, hint) for anything but one reading query."""
    if len(text) > MAX_LENGTH:
        raise Refusal(
            f"The query has {len(text):,} characters.",
            code="too_long",
            line=1,
            column=1,
            hint=f"at most {MAX_LENGTH:,}",
        )
    lark, words = _grammar()
    source = Source(text)
    tokens = one_statement(read(source, words), source)
    check_depth(tokens, source)
    chooser = Chooser(tokens, source, words)
    state = lark.parse_interactive().parser_state
    states = state.parse_conf.states
    fed: list[Token] = []
    try:
        while token := chooser.next(states[state.position]):
            state.feed_token(token)
            fed.append(token)
        end = Token("$END", "", tokens[-1].end, end_pos=tokens[-1].end)
        tree = state.feed_token(end, is_end=True)
    except UnexpectedToken as exc:
        _refuse(source, exc.token, states[exc.state.position])
    return Query(text, tree, chooser.closing, tuple(fed))


def complaint(error: CypherSyntaxError) -> Complaint:
    """A syntax error as a complaint."""
    code = error.code if isinstance(error, Refusal) else "syntax"
    return Complaint(code, error.message, error.line, error.column, error.hint)


def one_statement(tokens: list[Raw], source: Source) -> list[Raw]:
    """The tokens without closing semicolons; raises when a second statement follows."""
    while tokens and tokens[-1].text == ";":
        tokens = tokens[:-1]
    for token, following in zip(tokens, tokens[1:], strict=False):
        if token.kind == "sign" and token.text == ";":
            source.fail("A second statement starts here.", following.start, "one query at a time", "several_statements")
    if not tokens:
        source.fail("There is no query.", 0)
    return tokens


def check_depth(tokens: list[Raw], source: Source) -> None:
    """Raise when brackets and CASE nest deeper than MAX_DEPTH."""
    depth = 0
    for token in tokens:
        if token.text in ("(", "[", "{") or token.text.upper() == "CASE":
            depth += 1
        elif token.text in (")", "]", "}") or token.text.upper() == "END":
            depth = max(0, depth - 1)
        if depth > MAX_DEPTH:
            source.fail("The query nests too deep.", token.start, f"at most {MAX_DEPTH} levels", "too_deep")


def _refuse(source: Source, token: Token, accepts: Container[str]) -> NoReturn:
    words = _grammar()[1]
    offset, upper = token.start_pos or 0, str(token).upper()
    if token.type == "$END":
        source.fail("The query ends too early.", offset, _wanted(accepts, words))
    if upper in WRITING and "RETURN" in accepts:
        source.fail(f"{upper} changes the graph.", offset, "only reading clauses are understood here", "write")
    if upper in _REFUSED and "RETURN" in accepts:
        source.fail(f"{_REFUSED[upper]}.", offset, "leave it out", "load_csv" if upper == "LOAD" else "clause")
    if upper == "IN" and source.text[:offset].rstrip().endswith("}"):
        source.fail("CALL {} IN TRANSACTIONS commits on its own.", offset, "leave IN TRANSACTIONS out", "clause")
    source.fail(
        f"Did not expect {shortened(token)!r} here.", offset, _HINTS.get(upper) or _wanted(accepts, words, upper)
    )


def _wanted(accepts: Container[str], words: Words, upper: str = "") -> str:
    expected = [w for w, name in words.keywords.items() if name in accepts]
    close = difflib.get_close_matches(upper, expected, n=1, cutoff=0.7) if upper else []
    if close:
        return f"did you mean {close[0]}?"
    for terminal, sign in (("RPAR", ")"), ("RSQB", "]"), ("REL_CLOSE", "]-> or ]-"), ("RBRACE", "}")):
        if terminal in accepts:
            return f"perhaps a {sign} is missing"
    return "a value is missing" if "NULL" in accepts else ""
