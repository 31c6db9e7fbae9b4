"""Words for the parts of a query: patterns and expressions. `explain.py` puts them into a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lark import Token

from cypher_magic.query.naming import Names, an, name_of
from cypher_magic.query.parse import Node, Query, dotted, start_of, unquoted
from cypher_magic.query.verbatim import between, end_of, verbatim

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_COMPARED = {"=": "is", "<>": "is not", "<": "is below", "<=": "is at most", ">": "is above", ">=": "is at least"}
_TESTS = {
    "contains": ("contains", "does not contain"),
    "starts_with": ("starts with", "does not start with"),
    "ends_with": ("ends with", "does not end with"),
    "regex": ("matches the pattern", "does not match the pattern"),
}
_CALLS = {
    "avg": "the average of {}",
    "sum": "the sum of {}",
    "min": "the lowest value of {}",
    "max": "the highest value of {}",
    "size": "the size of {}",
    "length": "the length of {}",
    "labels": "the labels of {}",
    "type": "the type of {}",
    "keys": "the property names of {}",
    "tolower": "{} in lower case",
    "toupper": "{} in upper case",
}


def listed(parts: Sequence[str]) -> str:
    """The parts as a list in a sentence: a, b and c."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


class Telling:
    """Tells patterns and expressions of one query; `names` are its names in words."""

    def __init__(self, query: Query) -> None:
        self._query = query
        self.names = Names(query)
        self.introduced: set[str] = set()

    # Patterns

    def path(self, path: Node) -> tuple[str, bool]:
        """A path in words, and whether it only says something about what was found before."""
        shortest = path.part("shortest")
        steps = [p for p in (path if shortest is None else shortest).children if isinstance(p, Node)]
        if not _plain(steps) or path.part("group") is not None or (shortest is not None and len(steps) != 3):
            self.introduced |= {name_of(n) for n in path.walk() if isinstance(n, Node) and n.data == "node"} - {""}
            return f"paths {self.text(path)}", False
        if shortest is not None:
            return self._shortest(shortest, steps), False
        known = name_of(steps[0]) in self.introduced
        return self.chain(steps, known=known), known and len(steps) > 1

    def chain(self, steps: Sequence[Node], *, known: bool, one: bool = False, none: bool = False) -> str:
        """Nodes and the relationships between them. `known`: the first node was met before, and the rest is about it.

        `one`: of others, one is meant; `none`: that there is no such relationship.
        """
        first, *rest = steps
        said = self._node(first, plural=not known and not one)
        for i in range(0, len(rest) - 1, 2):
            link = self._link(rest[i], none=none and not i) + f" {self._node(rest[i + 1])}"
            said += f" {'that has' if i else 'has' if known else 'with'} {link}"
        return said

    def _shortest(self, part: Node, steps: Sequence[Node]) -> str:
        start, relationship, end = steps if _direction(steps[1]) != "left" else steps[::-1]
        which = "all shortest paths" if part.token("ALLSHORTESTPATHS") is not None else "the shortest path"
        ends = f"from {self._node(start)} to {self._node(end)}"
        around = " in either direction" if _direction(relationship) == "both" else ""
        return f"{which} {ends} over {self._relationship(relationship)}{around}"

    def _node(self, node: Node, *, plural: bool = False) -> str:
        name, label = name_of(node), self.names.label(node)
        if name in self.introduced:
            said = self.names.thing(name)
        else:
            said = (f"{label} nodes".strip() if plural else an(label or "node")) + self.names.marked(node)
        if name:
            self.introduced.add(name)
        return said + self._inside(node)

    def _inside(self, part: Node) -> str:
        said = ""
        if (properties := part.part("map")) is not None:
            pairs = [f"{unquoted(p.children[0])} is {self.say(p.children[1])}" for p in properties.parts("pair")]
            said = f" whose {' and '.join(pairs)}" if pairs else ""
        elif (parameter := part.token("PARAMETER")) is not None:
            said = f" whose properties are {parameter}"
        where = part.part("where")
        return said + (f" (where {self.holds(where.children[1])})" if where is not None else "")

    def _link(self, part: Node, *, none: bool = False) -> str:
        """What leads to the next node: `an ACTED_IN relationship to`."""
        said = self._relationship(part)
        if none:
            said = "no " + said.removeprefix("a ").removeprefix("an ")
        direction = _direction(part)
        return f"{said} {'from' if direction == 'left' else 'to' if direction == 'right' else 'in either direction to'}"

    def _relationship(self, part: Node) -> str:
        types, length = self.names.label(part), part.part("length")
        if length is None:
            return an(f"{types} relationship".strip()) + self.names.marked(part) + self._inside(part)
        return f"{_steps(length)} {types} relationships".replace("  ", " ") + " in a row" + self._inside(part)

    def _there_is(self, steps: Sequence[Node], *, none: bool) -> str:
        """That a pattern is there, or that it is not; what it names for the first time is known inside it only."""
        before = set(self.introduced)
        start, end = (name_of(steps[i]) in before for i in (0, -1))
        if end and not start and len(steps) == 3:
            steps = [steps[2], _turned(steps[1]), steps[0]]
            start = True
        if start and len(steps) > 1:
            said = self.chain(steps, known=True, none=none)
        else:
            said = self.chain(steps, known=False, one=True)
            article, _, rest = said.partition(" ")
            said = f"there is {'no' if none else article} {rest}" if article in ("a", "an") else f"there is {said}"
        self.introduced = before
        return said

    # Expressions

    def say(self, part: Node | Token) -> str:
        """An expression in words."""
        if isinstance(part, Token):
            return str(part)
        tell: dict[str, Callable[[Node], str]] = {
            "variable": lambda p: self.names.thing(unquoted(p.children[0])),
            "parenthesised": lambda p: f"({self.say(p.children[0])})",
            "postfix": self._postfix,
            "comparison": self._comparison,
            "in": self._in,
            "is": self._is,
            "and": lambda p: " and ".join(map(self.holds, p.children)),
            "or": lambda p: " or ".join(map(self.holds, p.children)),
            "not": self._not,
            "list": lambda p: f"[{', '.join(map(self.say, p.children))}]",
            "has_labels": lambda p: f"{self.say(p.children[0])} is {an(self.names.label_words(p.children[1]))}",
            "call": self._call,
            "count_star": lambda p: "the number of rows",
            "pattern": self._pattern,
            "exists": self._pattern,
            "count": lambda p: f"the number of matches of {self._braced(p)}",
        }
        if part.data in _TESTS:
            return self._test(part)
        return tell[part.data](part) if part.data in tell else self.text(part)

    def column(self, part: Node | Token) -> str:
        """An expression as something that is returned: of a condition, whether it is so."""
        known = {"and", "or", "not", "comparison", "in", "has_labels", "pattern", "exists", *_TESTS}
        return f"whether {self.say(part)}" if isinstance(part, Node) and part.data in known else self.say(part)

    def holds(self, part: Node | Token) -> str:
        """A condition in words: a property or a name that stands alone has to be true."""
        if isinstance(part, Node) and part.data == "parenthesised":
            return f"({self.holds(part.children[0])})"
        bare = isinstance(part, Node) and part.data in ("postfix", "variable")
        return f"{self.say(part)} is true" if bare else self.say(part)

    def _postfix(self, part: Node) -> str:
        owner, *tails = part.children
        if isinstance(owner, Node) and owner.data == "variable" and all(t.data == "property" for t in tails):
            return f"{self.say(owner)}'s {'.'.join(unquoted(t.children[0]) for t in tails)}"
        return self.text(part)

    def _comparison(self, part: Node) -> str:
        values = [self.say(value) for value in part.children[::2]]
        signs = [_COMPARED.get(str(sign), str(sign)) for sign in part.children[1::2]]
        compared = [f"{a} {sign} {b}" for a, sign, b in zip(values, signs, values[1:], strict=False)]
        return " and ".join(compared)

    def _test(self, part: Node, *, negative: bool = False) -> str:
        return f"{self.say(part.children[0])} {_TESTS[part.data][negative]} {self.say(part.children[-1])}"

    def _in(self, part: Node, *, negative: bool = False) -> str:
        value, _, many = part.children
        be = "is not" if negative else "is"
        if isinstance(many, Node) and many.data == "list":
            return f"{self.say(value)} {be} one of {', '.join(map(self.say, many.children)) or 'nothing'}"
        return f"{self.say(value)} {be} among {self.say(many)}"

    def _is(self, part: Node, *, negative: bool = False) -> str:
        test = part.part("is_test")
        null = self.text(part).upper().endswith(" NULL")
        if test is None or not null or any(isinstance(c, Node) or c.type != "NOT" for c in test.children):
            return f"not ({self.text(part)})" if negative else self.text(part)
        there = (test.token("NOT") is not None) is not negative
        return f"{self.say(part.children[0])} {'has a value' if there else 'is missing'}"

    def _not(self, part: Node) -> str:
        inner = part.children[-1]
        while isinstance(inner, Node) and inner.data == "parenthesised":
            inner = inner.children[0]
        if len(list(part.tokens("NOT"))) % 2 == 0:
            return f"({self.holds(inner)})" if isinstance(inner, Node) and inner.data == "or" else self.holds(inner)
        turned: dict[str, Callable[..., str]] = {"in": self._in, "is": self._is, "pattern": self._pattern}
        turned |= {"exists": self._pattern, **dict.fromkeys(_TESTS, self._test)}
        if isinstance(inner, Node) and inner.data in turned:
            return turned[inner.data](inner, negative=True)
        return f"not ({self.holds(inner)})"

    def _pattern(self, part: Node, *, negative: bool = False) -> str:
        """A pattern that is there, or is not: one written alone, or in EXISTS { }."""
        steps = [p for p in part.children if isinstance(p, Node)]
        if part.data == "exists" and len(steps) == 1 and steps[0].data == "patterns":
            paths = list(steps[0].parts("path"))
            steps = [p for p in paths[0].children if isinstance(p, Node)] if len(paths) == 1 else []
        sure = _plain(steps) and not (negative and any(s.part("length") is not None for s in steps[1:2]))
        if sure:
            return self._there_is(steps, none=negative)
        said = f"there is {self._braced(part) if part.data == 'exists' else self.text(part)}"
        return f"not ({said})" if negative else said

    def _call(self, part: Node) -> str:
        name, *values = part.children
        different = any(isinstance(v, Token) and v.type == "DISTINCT" for v in values)
        values = [v for v in values if not (isinstance(v, Token) and v.type == "DISTINCT")]
        known = dotted(name).lower()
        if len(values) != 1 or known not in ("count", "collect", *_CALLS):
            return self.text(part)
        value = values[0]
        many = self.names.many(unquoted(value.children[0])) if _is_name(value) else ""
        many = f"{'different ' if different else ''}{many or f'values of {self.say(value)}'}"
        if known in ("count", "collect"):
            return f"the {'number' if known == 'count' else 'list'} of {many}"
        return _CALLS[known].format(f"the {many}" if different else self.say(value))

    def _braced(self, part: Node) -> str:
        """What stands in the braces of exists { } and count { }."""
        inner = [c for c in part.children if isinstance(c, Node)]
        start = min((start_of(c) for c in inner), default=0)
        return between(self._query, start, end_of(part))

    def text(self, part: Node | Token) -> str:
        """The part as it stands in the query, on one line, with the brackets that belong to it."""
        return verbatim(self._query, part)


def _plain(steps: Sequence[Node]) -> bool:
    """Whether a pattern is made of nodes and relationships alone, one by one."""
    kinds = ["relationship" if i % 2 else "node" for i in range(len(steps))]
    return len(steps) % 2 == 1 and [s.data for s in steps] == kinds


def _is_name(value: Node | Token) -> bool:
    return isinstance(value, Node) and value.data == "variable"


def _direction(part: Node) -> str:
    """Where the arrow of a relationship points: right, left or both."""
    signs = [str(t) for t in part.tokens("REL_OPEN", "REL_CLOSE", "REL_PLAIN")]
    left, right = signs[0].startswith("<"), signs[-1].endswith(">")
    return "both" if left == right else "right" if right else "left"


def _turned(part: Node) -> Node:
    """The relationship as it is seen from its other end."""
    if _direction(part) == "both":
        return part
    ends = ("<-", "-") if _direction(part) == "right" else ("-", "->")
    kept = [c for c in part.children if not (isinstance(c, Token) and c.type.startswith("REL_"))]
    return Node(part.data, [Token("REL_OPEN", ends[0]), *kept, Token("REL_CLOSE", ends[1])])


def _steps(length: Node) -> str:
    """How many relationships one after the other: `2`, `1 to 3`, `2 or more`."""
    parts = [c for c in length.children if isinstance(c, Token)]
    dots = next((i for i, t in enumerate(parts) if t.type == "DOTDOT"), None)
    if dots is None:
        return str(parts[0]) if parts else "1 or more"
    low = str(parts[0]) if dots else "1"
    return f"{low} to {parts[dots + 1]}" if dots + 1 < len(parts) else f"{low} or more"
