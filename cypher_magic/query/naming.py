"""What the names of a query stand for, in words: `the Movie`, `the Person a` where two persons are told apart."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from lark import Token

from cypher_magic.query.fits import label_tokens
from cypher_magic.query.parse import Node, Query, unquoted
from cypher_magic.query.verbatim import verbatim

if TYPE_CHECKING:
    from collections.abc import Iterator

_AS_VOWEL = ("hour", "honor", "honour", "honest", "heir")
_AS_CONSONANT = ("uni", "use", "usa", "usu", "uti", "eu", "one", "once")
_SPELT = frozenset("aefhilmnorsx")  # letters whose own names begin with a vowel


def an(noun: str) -> str:
    """The noun with its article."""
    said = noun.lower()
    if len(said.partition(" ")[0]) == 1:
        vowel = said[0] in _SPELT
    else:
        vowel = said.startswith(_AS_VOWEL) or (said[:1] in tuple("aeiou") and not said.startswith(_AS_CONSONANT))
    return f"{'an' if vowel else 'a'} {noun}"


def name_of(part: Node) -> str:
    """The name that a node or relationship of a pattern has; empty without one."""
    name = part.token("NAME")
    return unquoted(name) if name is not None else ""


class Names:
    """The names that can be seen in one branch of a query: patterns with their labels, and what WITH made of them."""

    def __init__(self, query: Query) -> None:
        self._query = query
        self._used = Counter(unquoted(t) for t in query.tree.walk() if isinstance(t, Token) and t.type == "NAME")
        self._patterns: dict[str, tuple[str, str]] = {}  # name -> node or relationship, and its label or type
        self._often: Counter[tuple[str, str]] = Counter()
        self._told: dict[str, str] = {}

    def enter(self, branch: Node) -> tuple[dict[str, tuple[str, str]], dict[str, str]]:
        """Take in the patterns of a branch; what to give to `leave` at its end."""
        before = dict(self._patterns), dict(self._told)
        labels: dict[str, tuple[str, str]] = {}
        for part in _here(branch):
            if part.data in ("node", "relationship") and (name := name_of(part)):
                label = " and ".join(dict.fromkeys(filter(None, (labels.get(name, ("", ""))[1], self.label(part)))))
                labels[name] = part.data, label
        known = {name: found for name, found in labels.items() if found[1] or name not in self._patterns}
        self._patterns |= known
        self._often = Counter(self._patterns.values())
        return before

    def leave(self, before: tuple[dict[str, tuple[str, str]], dict[str, str]]) -> None:
        """Forget what was seen since `enter`."""
        self._patterns, self._told = before
        self._often = Counter(self._patterns.values())

    def tell(self, name: str, words: str) -> None:
        """From here on the name is told by these words."""
        self._told[name] = words

    def forget(self, name: str) -> None:
        """From here on the name stands for itself: what it is depends on the branch that it came from."""
        self._told[name] = name

    def thing(self, name: str) -> str:
        """What a name stands for: `the Movie`; the name itself where nothing says more."""
        if name in self._told:
            return self._told[name]
        kind, label = self._patterns.get(name, ("", ""))
        if not label:
            return name
        said = f"the {label}" + (" relationship" if kind == "relationship" else "")
        return said if self._often[kind, label] == 1 else f"{said} {name}"

    def many(self, name: str) -> str:
        """Words for all that a pattern's name stands for: `Movie nodes`; empty where it is no pattern's name."""
        if name in self._told or name not in self._patterns:
            return ""
        kind, label = self._patterns[name]
        return f"{label} {kind}s".strip() + self._mark(name)

    def marked(self, part: Node) -> str:
        """The name in brackets, where it comes again and no label stands for it alone."""
        name = name_of(part)
        return self._mark(name) if name and self._used[name] > 1 else ""

    def _mark(self, name: str) -> str:
        found = self._patterns.get(name, ("", ""))
        return "" if found[1] and self._often[found] == 1 else f" ({name})"

    def label(self, part: Node) -> str:
        """The labels or types of a pattern in words; as they stand where words would be long."""
        labels = part.part("labels")
        return self.label_words(labels) if labels is not None else ""

    def label_words(self, labels: Node | Token) -> str:
        """`A or B`, `A and B`, and what is more than that as it stands."""
        names = list(dict.fromkeys(unquoted(t) for t in label_tokens(labels)))
        parts = [labels] if isinstance(labels, Token) else list(labels.walk())
        kinds = {p.data for p in parts if isinstance(p, Node)} - {"labels"}
        if not names or kinds - {"label_or", "label_and"} or len(kinds) > 1:
            return verbatim(self._query, labels)
        return (" and " if kinds == {"label_and"} else " or ").join(names)


def _here(branch: Node) -> Iterator[Node]:
    """The parts of a branch but those of CALL { ... }, whose names are its own."""
    stack: list[Node] = [branch]
    while stack:
        part = stack.pop()
        yield part
        stack.extend(c for c in reversed(part.children) if isinstance(c, Node) and part.data != "subquery")
