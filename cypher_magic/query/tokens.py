r"""Query text to tokens, and the lookahead that an LALR(1) grammar lacks.

Unicode escapes (`\u0041`) are decoded before anything else is read, as Neo4j does; every position is still one of
the original text. Comments and space vanish. Three things need more than one token of lookahead and are decided
here, each by a look at the matching bracket that `_match_brackets` found in one pass, so in constant time:

* "(" opens a node when what follows its ")" is an arrow and a further "(", a nested path when a path stands inside,
  else an expression; with a node go its arrows, each one token (`-[`, `]->`, `-->`), so "-" is never a minus there.
* "[" opens a comprehension when a name and IN, or a pattern and a bar, stand inside.
* "|" is the bar of a comprehension when it is the last one directly inside its bracket, else an "or" of labels.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from lark import Token

from cypher_magic.errors import CypherSyntaxError

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

    from lark.lexer import TerminalDef

_ESCAPE = re.compile(r"\\u+([0-9a-fA-F]{4})")
_CLOSERS = {")": "(", "]": "[", "}": "{"}
_SIGNS = r"::|\.\.|\|\||<>|<=|>=|=~|!=|\+=|[-+*/%^=<>()\[\]{},.:|;&!$]"
# Words that are names when one of these follows, though the grammar could take them as keywords too.
_SOFT = {"WHERE", "IS", "ANY", "ALL", "SHORTEST", "DISTINCT", "INF", "CASE"}
_ENDS_A_NAME = {")", ":", "=", ",", ".", "]", "}"}
_QUANTIFIERS = {"ALL", "ANY", "NONE", "SINGLE"}
_SUBQUERIES = {"EXISTS", "COUNT", "COLLECT"}
_GUARDED = {*_SUBQUERIES, "REDUCE", "TRIM", "NORMALIZE", "SHORTESTPATH", "ALLSHORTESTPATHS"}
_FORMS = {"NFC", "NFD", "NFKC", "NFKD"}
_SIGN_NAMES = {
    ")": "RPAR",
    "{": "LBRACE",
    "}": "RBRACE",
    ",": "COMMA",
    ".": "DOT",
    ":": "COLON",
    "::": "OF_TYPE",
    "..": "DOTDOT",
    "||": "CONCAT",
    "=~": "MATCHES",
    "<>": "COMPARE",
    "<=": "COMPARE",
    ">=": "COMPARE",
    "+": "PLUS",
    "-": "MINUS",
    "*": "STAR",
    "/": "SLASH",
    "%": "PERCENT",
    "^": "CIRCUMFLEX",
    "&": "AMPERSAND",
    "!": "NOT_SIGN",
    "$": "DOLLAR",
}


class Refusal(CypherSyntaxError):
    """A syntax error that knows the code of its complaint."""

    def __init__(self, message: str, *, code: str, line: int, column: int, hint: str) -> None:
        super().__init__(message, line=line, column=column, hint=hint)
        self.code = code


class Raw(NamedTuple):
    """A token before the grammar has its say: kind is word, NAME (in backticks), a literal's terminal, or sign."""

    kind: str
    text: str
    start: int
    end: int


class Source:
    """A text with its unicode escapes decoded, and the way back to positions in the original."""

    def __init__(self, original: str) -> None:
        self.original = original
        self.text = original
        self._offsets: list[int] | None = None
        if "\\u" in original:
            self._decode()

    def _decode(self) -> None:
        pieces: list[str] = []
        offsets: list[int] = []
        at = 0
        for escape in _ESCAPE.finditer(self.original):
            char = chr(int(escape[1], 16))
            if char in "'\"`\\/*" or not char.isprintable() or self.original[: escape.start()].endswith("\\"):
                # Readers differ on whether this one ends a string or a comment, so no one may rely on it.
                self.fail("A unicode escape may not stand for a quote, a backslash or a comment sign.", escape.start())
            pieces += [self.original[at : escape.start()], char]
            offsets += [*range(at, escape.start()), escape.start()]
            at = escape.end()
        self.text = "".join([*pieces, self.original[at:]])
        self._offsets = [*offsets, *range(at, len(self.original) + 1)]

    def at(self, offset: int) -> int:
        """The place in the original text of a place in the decoded one."""
        return self._offsets[offset] if self._offsets else offset

    def fail(self, message: str, offset: int, hint: str = "", code: str = "syntax") -> NoReturn:
        """Raise the syntax error for an offset into the original text."""
        line, column = place(self.original, offset)
        raise Refusal(message, code=code, line=line, column=column, hint=hint)


def place(text: str, offset: int) -> tuple[int, int]:
    """Line and column, from 1, of an offset into a text."""
    line_start = text.rfind("\n", 0, offset) + 1
    return text.count("\n", 0, offset) + 1, offset - line_start + 1


class Words:
    """What the terminals of the grammar say about spelling: one pattern to cut a text up, and the keywords."""

    def __init__(self, terminals: Iterable[TerminalDef]) -> None:
        patterns = {t.name: t.pattern for t in terminals}
        self.keywords = {p.value.upper(): name for name, p in patterns.items() if p.type == "str" and p.value.isalpha()}
        self.keywords |= dict.fromkeys(("INF", "INFINITY", "NAN"), "INF")
        self.type_names = frozenset(patterns["TYPE_NAME"].value.split("|"))
        word, quoted = patterns["NAME"].value.split("|", 1)
        parts = {
            "space": r"\s+|//[^\r\n]*|/\*[\s\S]*?\*/",
            "word": word,
            "NAME": quoted,
            **{name: patterns[name].value for name in ("PARAMETER", "STRING", "FLOAT", "INTEGER")},
            "sign": _SIGNS,
        }
        self.pattern = re.compile("|".join(f"(?P<{name}>{value})" for name, value in parts.items()))


def read(source: Source, words: Words) -> list[Raw]:
    """The tokens of a text, positions in the original; raises CypherSyntaxError where none fits."""
    text, at = source.text, 0
    tokens: list[Raw] = []
    while at < len(text):
        found = words.pattern.match(text, at)
        if found is None or (found[0] == "/" and text.startswith("/*", at)):
            _refuse(source, at)
        kind, end = found.lastgroup or "", found.end()
        if kind != "space":
            if kind in ("FLOAT", "INTEGER") and (text[end : end + 1].isalnum() or text[end : end + 1] == "_"):
                source.fail("This number has a letter in it.", source.at(at), "names start with a letter")
            tokens.append(Raw(kind, found[0], source.at(at), source.at(end)))
        at = end
    return tokens


def _refuse(source: Source, at: int) -> NoReturn:
    char = source.text[at]
    what = {"'": "This string has no end.", '"': "This string has no end.", "`": "This name has no closing backtick."}
    message = what.get(char) or ("This comment has no end." if char == "/" else f"Cypher has no sign {char!r}.")
    source.fail(message, source.at(at), "close it with */" if char == "/" else "")


class Chooser:
    """Gives each token the terminal that the grammar can take at that place.

    `next(accepts)` returns the next token, or None at the end; `accepts` holds the terminals that the parser's
    present state knows.
    """

    def __init__(self, tokens: list[Raw], source: Source, words: Words) -> None:
        self._tokens = tokens
        self._texts = [t.text for t in tokens] + [""] * 6  # so that looking ahead needs no bounds check
        self._upper = [t.text.upper() if t.kind == "word" and t.text.isascii() else "" for t in tokens] + [""] * 6
        self._source = source
        self._words = words
        self._at = 0
        self._previous = ""
        self._angles = 0
        self._in_expression = False  # the pattern being read tests existence (or sits in a comprehension)
        self._arrow_ends: dict[int, bool] = {}  # "]" of a relationship -> is its pattern in an expression
        self._node_ends: dict[int, bool] = {}  # ")" of a node or nested path -> the same
        self._match: dict[int, int] = {}
        self._commas: set[int] = set()  # openers with a comma directly inside
        self._bar_of: dict[int, int] = {}  # opener -> its last bar directly inside
        self._match_brackets()
        self._bars = {bar for opener, bar in self._bar_of.items() if self._has_bar(opener)}
        self.closing = {tokens[o].start: tokens[c].end for o, c in self._match.items()}

    def _match_brackets(self) -> None:
        stack: list[int] = []
        for i, token in enumerate(self._tokens):
            if token.kind != "sign":
                continue
            if token.text in ("(", "[", "{"):
                stack.append(i)
            elif token.text in _CLOSERS:
                if stack and self._texts[stack[-1]] == _CLOSERS[token.text]:
                    self._match[stack.pop()] = i
            elif stack and token.text == ",":
                self._commas.add(stack[-1])
            elif stack and token.text == "|":
                self._bar_of[stack[-1]] = i

    def _is_name(self, i: int) -> bool:
        return i < len(self._tokens) and self._tokens[i].kind in ("word", "NAME")

    def _has_bar(self, opener: int) -> bool:
        if self._texts[opener] == "(":
            return opener > 0 and self._upper[opener - 1] == "REDUCE"
        return self._texts[opener] == "[" and (self._loops(opener + 1) or self._pattern_inside(opener))

    def _loops(self, i: int) -> bool:
        return self._is_name(i) and self._upper[i + 1] == "IN"

    def _pattern_inside(self, opener: int) -> bool:
        named = self._is_name(opener + 1) and self._texts[opener + 2] == "="
        return self._starts_pattern(opener + (3 if named else 1))

    def _starts_pattern(self, i: int) -> bool:
        """Whether this "(" opens a node with an arrow and a further node behind it."""
        close = self._match.get(i, -1)
        if close < 0 or self._texts[i] != "(":
            return False
        inside = i + 2 if self._is_name(i + 1) and self._upper[i + 1] not in ("WHERE", "IS") else i + 1
        fits = self._texts[inside] in (")", ":", "{") or self._upper[inside] in ("WHERE", "IS")
        if not fits and self._tokens[inside].kind != "PARAMETER":
            return False
        return self._arrow_leads_to_node(close + 1)

    def _arrow_leads_to_node(self, i: int) -> bool:
        i += self._texts[i] == "<"
        if self._texts[i] != "-":
            return False
        i += 1
        if self._texts[i] == "[":
            i = self._match.get(i, len(self._tokens)) + 1
        if self._texts[i : i + 1] != ["-"]:
            return False
        i += 1 + (self._texts[i + 1] == ">")
        return self._texts[i] == "("

    def next(self, accepts: Container[str]) -> Token | None:
        """The next token with its terminal, given the terminals that the parser knows here; None at the end."""
        i = self._at
        if i >= len(self._tokens):
            return None
        raw = self._tokens[i]
        if raw.kind == "word":
            terminal, end = self._word(i, accepts)
        elif raw.kind == "sign":
            terminal, end = self._sign(i, accepts)
        elif raw.kind == "NAME":
            terminal, end = self._name(i, accepts)
        else:
            terminal, end = raw.kind, i + 1
        self._at, self._previous = end, terminal
        value = raw.text if end == i + 1 else "".join(self._texts[i:end])
        return Token(terminal, value, raw.start, end_pos=self._tokens[end - 1].end)

    def _word(self, i: int, accepts: Container[str]) -> tuple[str, int]:
        upper, following = self._upper[i], self._texts[i + 1]
        guarded = self._guarded(i, upper, following)
        if guarded and guarded in accepts:
            return guarded, i + 1
        if "TYPE_NAME" in accepts and upper in self._words.type_names:
            return "TYPE_NAME", i + 1
        keyword = self._words.keywords.get(upper)
        if keyword in _GUARDED or (keyword in _SOFT and "NAME" in accepts and following in _ENDS_A_NAME):
            keyword = None
        if keyword and keyword in accepts:
            return keyword, i + 1
        terminal, end = self._name(i, accepts)
        return (terminal, end) if terminal in accepts else (keyword or terminal, end)

    def _name(self, i: int, accepts: Container[str]) -> tuple[str, int]:
        if "FUNCTION" in accepts or "PROCEDURE" in accepts:
            end = i + 1
            while self._texts[end] == "." and self._is_name(end + 1):
                end += 2
            if "PROCEDURE" in accepts:
                return "PROCEDURE", end
            if self._texts[end] == "(":
                return "FUNCTION", end
        return "NAME", i + 1

    def _guarded(self, i: int, upper: str, following: str) -> str | None:
        if following == "{":
            projection = self._texts[i + 2] in (".", "}")
            return upper if upper in _SUBQUERIES and not projection else None
        if following != "(":
            return None
        if upper in _QUANTIFIERS and self._loops(i + 2):
            return "QUANTIFIER"
        if upper == "REDUCE" and self._texts[i + 3] == "=":
            return upper
        if upper in ("SHORTESTPATH", "ALLSHORTESTPATHS"):
            return upper
        close = self._match.get(i + 1, -1)
        if upper == "TRIM" and "FROM" in self._upper[i + 2 : max(close, 0)]:
            return upper
        if upper == "NORMALIZE" and self._upper[close - 1] in _FORMS and self._texts[close - 2] == ",":
            return upper
        return None

    def _sign(self, i: int, accepts: Container[str]) -> tuple[str, int]:
        text = self._texts[i]
        if text == "(":
            return self._open_paren(i, accepts), i + 1
        if text == "[":
            return self._open_square(i, accepts), i + 1
        if text in ("-", "<") and "REL_OPEN" in accepts:
            arrow = self._arrow(i, accepts)
            if arrow:
                return arrow
        if text == "]":
            return self._close_square(i)
        if text == "|":
            return ("BAR" if i in self._bars else "LABEL_BAR"), i + 1
        if text == "=":
            return ("EQUAL" if "EQUAL" in accepts else "COMPARE"), i + 1
        if text in ("<", ">"):
            return self._angle(text), i + 1
        if text == "!=":
            self._source.fail("Cypher has no operator !=.", self._tokens[i].start, "write <>")
        return _SIGN_NAMES.get(text, text), i + 1

    def _open_paren(self, i: int, accepts: Container[str]) -> str:
        close = self._match.get(i, -1)
        nested = self._texts[i + 1] == "(" or (self._is_name(i + 1) and self._texts[i + 2] == "=")
        if "NODE_OPEN" not in accepts and not (nested and "PATH_OPEN" in accepts):
            return "LPAR"
        if "LPAR" in accepts:
            if not self._starts_pattern(i):
                return "LPAR"
            self._node_ends[close] = True
            return "NODE_OPEN"
        follows_arrow = self._previous in ("REL_CLOSE", "REL_PLAIN")
        self._node_ends[close] = follows_arrow and self._in_expression
        return "PATH_OPEN" if nested and "PATH_OPEN" in accepts else "NODE_OPEN"

    def _open_square(self, i: int, accepts: Container[str]) -> str:
        if "LIST_OPEN" in accepts and i in self._match and i not in self._commas:
            if self._loops(i + 1):
                return "LIST_OPEN"
            if self._bar_of.get(i, -1) in self._bars and self._pattern_inside(i):
                return "LIST_OPEN"
        return "LSQB"

    def _arrow(self, i: int, accepts: Container[str]) -> tuple[str, int] | None:
        if i - 1 in self._node_ends:
            self._in_expression = self._node_ends[i - 1]
            if self._in_expression and not self._arrow_leads_to_node(i):
                return None
        elif "MINUS" in accepts:
            return None
        else:
            self._in_expression = False
        dash = i + (self._texts[i] == "<")
        after = self._texts[dash + 1]
        if self._texts[dash] != "-":
            return None if self._in_expression else self._fail_at(dash, "An arrow is written -->, <-- or -[:TYPE]->.")
        if after == "[":
            self._arrow_ends[self._match.get(dash + 1, -1)] = self._in_expression
            return "REL_OPEN", dash + 2
        if after == "-":
            return "REL_PLAIN", dash + 2 + (self._texts[dash + 2] == ">")
        return self._fail_at(dash + 1, "An arrow is written -->, <-- or -[:TYPE]->.")

    def _close_square(self, i: int) -> tuple[str, int]:
        if i not in self._arrow_ends:
            return "RSQB", i + 1
        self._in_expression = self._arrow_ends[i]
        if self._texts[i + 1] != "-":
            self._fail_at(i + 1, "A relationship ends with ]- or ]->.")
        return "REL_CLOSE", i + 2 + (self._texts[i + 2] == ">")

    def _angle(self, text: str) -> str:
        if text == "<" and self._previous == "TYPE_NAME":
            self._angles += 1
            return "LESSTHAN"
        if text == ">" and self._angles:
            self._angles -= 1
            return "MORETHAN"
        return "COMPARE"

    def _fail_at(self, i: int, message: str) -> NoReturn:
        offset = self._tokens[i].start if i < len(self._tokens) else len(self._source.original)
        self._source.fail(message, offset)
