"""Words for the parts of a query: patterns and expressions. `explain.py` puts them into a sentence."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from lark import Token

from cypher_magic.query.fits import label_tokens
from cypher_magic.query.parse import Node, Query, dotted, start_of, unquoted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_COMPARED = {"=": "is", "<>": "is not", "<": "is below", "<=": "is at most", ">": "is above", ">=": "is at least"}
_TESTS = {"contains": "contains", "starts_with": "starts with", "ends_with": "ends with", "regex": "matches"}
_CALLS = {
    "collect": "the list of {}",
    "avg": "the average of {}",
    "sum": "the sum of {}",
    "min": "the lowest of {}",
    "max": "the highest of {}",
    "size": "the size of {}",
    "length": "the length of {}",
    "labels": "the labels of {}",
    "type": "the type of {}",
    "keys": "the property names of {}",
    "tolower": "{} in lower case",
    "toupper": "{} in upper case",
}
_OPENING, _CLOSING = "([{", ")]}"


def listed(parts: Sequence[str]) -> str:
    """The parts as a list in a sentence: a, b and c."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def an(noun: str) -> str:
    """The noun with its article."""
    return f"{'an' if noun[:1].lower() in tuple('aeiou') else 'a'} {noun}"


class Telling:
    """Tells patterns and expressions of one query; `things` are its names in words."""

    def __init__(self, query: Query) -> None:
        self._query = query
        self.things = _things(query)
        self.introduced: set[str] = set()

    def thing(self, name: str) -> str:
        """What a name stands for: `the Movie`; the name itself where no pattern says more."""
        return self.things.get(name, name)

    # Patterns

    def path(self, path: Node) -> tuple[str, bool]:
        """A path in words, and whether it only says something about what was found before."""
        shortest = path.part("shortest")
        holder = path if shortest is None else shortest
        steps = [p for p in holder.children if isinstance(p, Node)]
        if not steps or {p.data for p in steps} - {"node", "relationship"} or path.part("group") is not None:
            self._meet(path)
            return f"paths {self.text(path)}", False
        known = self._name(steps[0]) in self.introduced
        said = self.chain(steps, known=known)
        return (f"the shortest path of {said}" if shortest is not None else said), known and len(steps) > 1

    def chain(self, steps: Sequence[Node], *, known: bool) -> str:
        """Nodes and the relationships between them; `known`: the first node was met before."""
        first, *rest = steps
        said = self._node(first, plural=not known)
        for i in range(0, len(rest) - 1, 2):
            relationship, other = rest[i], self._node(rest[i + 1])
            verb, direction = self._relationship(relationship)
            relative = "" if known and not i else "that "
            if direction == "right":
                said += f" {relative}{verb} {other}"
            elif direction == "both":
                said += (
                    f" {relative}{'is' if known and not i else 'are' if not i else 'is'} linked by {verb} to {other}"
                )
            elif known and not i and len(rest) == 2:
                said = f"{other} {verb} {said}"
            elif i + 2 >= len(rest):
                said += f" that {other} {verb}"
            else:
                said += f" with {verb} from {other}"
        return said

    def _name(self, node: Node) -> str:
        name = node.token("NAME")
        return unquoted(name) if name is not None else ""

    def _meet(self, part: Node) -> None:
        self.introduced |= {self._name(n) for n in part.walk() if isinstance(n, Node) and n.data == "node"} - {""}

    def _node(self, node: Node, *, plural: bool = False) -> str:
        name, labels = self._name(node), _labels(node)
        if name in self.introduced:
            said = self.thing(name)
        elif plural:
            said = f"{labels} nodes" if labels else "nodes"
        else:
            said = an(labels or "node")
        if name:
            self.introduced.add(name)
        return said + self._inside(node, " whose ", " is ")

    def _inside(self, part: Node, before: str, verb: str) -> str:
        said = ""
        if (properties := part.part("map")) is not None:
            pairs = [f"{unquoted(p.children[0])}{verb}{self.say(p.children[1])}" for p in properties.parts("pair")]
            said = before + " and ".join(pairs) if pairs else ""
        elif (parameter := part.token("PARAMETER")) is not None:
            said = f"{before}properties{verb}{parameter}"
        where = part.part("where")
        return said + (f" where {self.say(where.children[1])}" if where is not None else "")

    def _relationship(self, part: Node) -> tuple[str, str]:
        """Its type with what its brackets hold, and where the arrow points: right, left or both."""
        signs = [str(t) for t in part.tokens("REL_OPEN", "REL_CLOSE", "REL_PLAIN")]
        left, right = signs[0].startswith("<"), signs[-1].endswith(">")
        direction = "both" if left == right else "right" if right else "left"
        verb = _labels(part) or "any relationship"
        if direction != "both" and not _labels(part):
            verb = "has a relationship to" if direction == "right" else "has a relationship from"
        if (length := part.part("length")) is not None:
            verb += f" ({_steps(length)})"
        inside = self._inside(part, "", " ").strip()
        return verb + (f" ({inside})" if inside else ""), direction

    # Expressions

    def say(self, part: Node | Token) -> str:
        """An expression in words."""
        if isinstance(part, Token):
            return str(part)
        tell: dict[str, Callable[[Node], str]] = {
            "variable": lambda p: self.thing(unquoted(p.children[0])),
            "parenthesised": lambda p: f"({self.say(p.children[0])})",
            "postfix": self._postfix,
            "comparison": self._comparison,
            "in": self._in,
            "is": self._is,
            "and": lambda p: " and ".join(map(self.say, p.children)),
            "or": lambda p: " or ".join(map(self.say, p.children)),
            "not": self._not,
            "list": lambda p: f"[{', '.join(map(self.say, p.children))}]",
            "has_labels": lambda p: f"{self.say(p.children[0])} is {an(_names(p.children[1]))}",
            "call": self._call,
            "count_star": lambda p: "the number of rows",
            "pattern": lambda p: f"there is {self.text(p)}",
            "exists": lambda p: f"there is {self._braced(p)}",
            "count": lambda p: f"the number of {self._braced(p)}",
        }
        if part.data in _TESTS:
            return f"{self.say(part.children[0])} {_TESTS[part.data]} {self.say(part.children[-1])}"
        return tell[part.data](part) if part.data in tell else self.text(part)

    def _postfix(self, part: Node) -> str:
        owner, *tails = part.children
        if len(tails) == 1 and tails[0].data == "property" and isinstance(owner, Node) and owner.data == "variable":
            thing = self.say(owner)
            return f"{thing}'s {unquoted(tails[0].children[0])}"
        return self.text(part)

    def _comparison(self, part: Node) -> str:
        said = [self.say(part.children[0])]
        for sign, value in zip(part.children[1::2], part.children[2::2], strict=True):
            joined = "and " if len(said) > 1 else ""
            said += [f"{joined}{_COMPARED.get(str(sign), str(sign))}", self.say(value)]
        return " ".join(said)

    def _in(self, part: Node) -> str:
        value, _, many = part.children
        if isinstance(many, Node) and many.data == "list":
            return f"{self.say(value)} is one of {', '.join(map(self.say, many.children)) or 'nothing'}"
        return f"{self.say(value)} is among {self.say(many)}"

    def _is(self, part: Node) -> str:
        test = part.part("is_test")
        if test is None or any(isinstance(c, Node) or c.type != "NOT" for c in test.children):
            return self.text(part)
        return f"{self.say(part.children[0])} is {'there' if test.token('NOT') is not None else 'missing'}"

    def _not(self, part: Node) -> str:
        inner = part.children[-1]
        while isinstance(inner, Node) and inner.data == "parenthesised":
            inner = inner.children[0]
        return self.say(inner) if len(list(part.tokens("NOT"))) % 2 == 0 else f"not ({self.say(inner)})"

    def _call(self, part: Node) -> str:
        name, *values = part.children
        different = any(isinstance(v, Token) and v.type == "DISTINCT" for v in values)
        values = [v for v in values if not (isinstance(v, Token) and v.type == "DISTINCT")]
        known = dotted(name).lower()
        if len(values) != 1:
            return self.text(part)
        said = self.say(values[0])
        if known == "count":
            counted = said.removeprefix("the ")
            return f"the number of {'different ' if different else ''}{counted}"
        if known not in _CALLS:
            return self.text(part)
        return _CALLS[known].format(f"the different {said.removeprefix('the ')}" if different else said)

    def _braced(self, part: Node) -> str:
        """What stands in the braces of exists { } and count { }."""
        inner = [c for c in part.children if isinstance(c, Node)]
        start = min((start_of(c) for c in inner), default=0)
        return self._between(start - 1 if inner and inner[0].data == "patterns" else start, _end(part)).lstrip("{ ")

    def text(self, part: Node | Token) -> str:
        """The part as it stands in the query, on one line, with the brackets that belong to it."""
        return str(part) if isinstance(part, Token) else self._between(part.start, _end(part))

    def _between(self, start: int, end: int) -> str:
        tokens = [t for t in self._query.tokens if start <= (t.start_pos or 0)]
        inside = [t for t in tokens if (t.end_pos or 0) <= end]
        depth = sum(_depth(t) for t in inside)
        for token in tokens[len(inside) :]:  # closing brackets that the tree leaves out
            if depth <= 0:
                break
            depth += _depth(token)
            end = token.end_pos or end
        return " ".join(self._query.text[max(0, start) : end].split())


def _depth(token: Token) -> int:
    opened = sum(token.count(c) for c in _OPENING) - sum(token.count(c) for c in _CLOSING)
    return 0 if token.type in ("STRING", "NAME", "PARAMETER") else opened


def _end(part: Node) -> int:
    return max((t.end_pos or 0 for t in part.walk() if isinstance(t, Token)), default=0)


def _names(labels: Node | Token) -> str:
    return " or ".join(dict.fromkeys(unquoted(t) for t in label_tokens(labels)))


def _labels(part: Node) -> str:
    labels = part.part("labels")
    return _names(labels) if labels is not None else ""


def _steps(length: Node) -> str:
    numbers = [str(t) for t in length.tokens("INTEGER")]
    if not numbers:
        return "any number of steps"
    if length.token("DOTDOT") is None:
        return f"{numbers[0]} steps"
    return f"{numbers[0]} to {numbers[1]} steps" if len(numbers) > 1 else f"steps: {numbers[0]}"


def _things(query: Query) -> dict[str, str]:
    """Each name in words: its label, and the name beside it where two have the same label."""
    labels: dict[str, str] = {}
    for part in query.tree.walk():
        if isinstance(part, Node) and part.data in ("node", "relationship"):
            name, label = part.token("NAME"), _labels(part)
            if name is not None and (label or unquoted(name) not in labels):
                labels[unquoted(name)] = label
    often = Counter(labels.values())
    return {n: f"the {label}" if often[label] == 1 else f"the {label} {n}" for n, label in labels.items() if label}
