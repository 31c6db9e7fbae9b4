"""What a query is made of: hops, family, aggregates, values, columns. Read from its tree; nothing is run."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from lark import Token

from cypher_magic.errors import CypherSyntaxError
from cypher_magic.query.expressions import is_aggregate_call
from cypher_magic.query.parse import Node, Query, dotted, parse, unquoted
from cypher_magic.query.scopes import understand

if TYPE_CHECKING:
    from collections.abc import Iterator

_ARROWS = frozenset(("REL_OPEN", "REL_CLOSE", "REL_PLAIN"))
_VALUES = frozenset(("STRING", "INTEGER", "FLOAT"))
_PREDICATES = frozenset(("comparison", "in", "contains", "starts_with", "ends_with", "regex", "is"))
_LONG = 3  # hops from which on a breakdown does not tell queries apart


@dataclass(frozen=True)
class Shape:
    """The parts of a query that a breakdown or the taxonomy of errors looks at.

    `hops`: relationships in its patterns, those of its longest branch where it is a UNION; `variable` when one of them
    repeats. `family`: named like those of generated pairs where there is one like it. `aggregates`: its aggregates with
    DISTINCT, and the number of columns beside them. `values`: texts and numbers but those of LIMIT, SKIP and lengths.
    `shown`: the properties and functions in the columns, `columns` how many there are. `arrows`: (labels, type, labels)
    of every step as its arrow points. `undirected`: its text with arrows that point nowhere, `heads`: where they point.
    """

    hops: int
    variable: bool
    family: str
    aggregates: tuple[str, ...]
    values: tuple[str, ...]
    shown: tuple[str, ...]
    columns: int
    arrows: frozenset[tuple[str, str, str]]
    undirected: str
    heads: str

    @property
    def reach(self) -> str:
        """Its hops as a breakdown names them: 0, 1, 2, "3 or more", "variable"."""
        if self.variable:
            return "variable"
        return str(self.hops) if self.hops < _LONG else f"{_LONG} or more"


@lru_cache(maxsize=4096)
def shape(text: str) -> Shape | None:
    """The shape of a query; None for a text that is not one."""
    try:
        query = parse(text)
        steps = understand(query).steps
    except (CypherSyntaxError, RecursionError):
        return None
    tree = query.tree
    kinds = Counter(part.data for part in _nodes(tree))
    branches = list(tree.children[0].parts("single"))
    arrows = set()
    for step in steps:
        ends = (_names(*step.left.labels), _names(*step.right.labels))
        if step.direction != "both":
            left, right = ends if step.direction == "right" else ends[::-1]
            arrows.add((left, _names(*step.relationship.labels), right))
    return Shape(
        hops=max(sum(p.data == "relationship" for p in _nodes(b)) for b in branches),
        variable=bool(kinds["length"] or kinds["quantifier"]),
        family=_family(tree, kinds),
        aggregates=_aggregates(tree),
        values=tuple(sorted(_values(tree))),
        shown=tuple(sorted(_shown(branches[0]))),
        columns=sum(len(list(items.parts("item"))) for items in _returned(branches[0])),
        arrows=frozenset(arrows),
        undirected=_undirected(query),
        heads=" ".join(t for t in query.tokens if t.type in _ARROWS),
    )


def _nodes(tree: Node) -> Iterator[Node]:
    return (part for part in tree.walk() if isinstance(part, Node))


def _names(*labels: Node) -> str:
    return "&".join(sorted({unquoted(str(t)) for part in labels for t in part.walk() if _is_name(t)}))


def _is_name(part: Node | Token) -> bool:
    return isinstance(part, Token) and part.type == "NAME"


def _family(tree: Node, kinds: Counter[str]) -> str:
    """The first of the families whose mark the query has."""
    aggregated = [items for items in _nodes(tree) if items.data == "items" and _has_aggregate(items)]
    grouped = any(not _has_aggregate(item) for items in aggregated for item in items.parts("item"))
    matched = [c for c in _nodes(tree) if c.data == "match"]
    negated = [part for part in _nodes(tree) if part.data == "not"]
    marks = {
        "sets": kinds["union"],
        "path": kinds["shortest"] or kinds["length"] or kinds["quantifier"],
        "absence": any(_holds(part, "pattern", "exists") for part in negated),
        "existence": kinds["exists"] or any(_holds(w, "pattern") for w in _nodes(tree) if w.data == "where"),
        "optional": any(c.token("OPTIONAL") is not None for c in matched),
        "group": aggregated and grouped,
        "count": aggregated and all(_counts(items) for items in aggregated) or kinds["count"],
        "aggregate": aggregated,
        "top": kinds["order"] or kinds["limit"],
        "combined": kinds["and"] or kinds["or"] or kinds["xor"],
        "filter": sum(kinds[p] for p in _PREDICATES),
        "lookup": kinds["map"],
    }
    return next((name for name, there in marks.items() if there), "all")


def _holds(part: Node, *kinds: str) -> bool:
    return any(p.data in kinds for p in _nodes(part))


def _has_aggregate(part: Node) -> bool:
    return any(is_aggregate_call(p) for p in _nodes(part))


def _counts(items: Node) -> bool:
    return all(dotted(p.children[0]).lower() == "count" for p in _nodes(items) if is_aggregate_call(p))


def _aggregates(tree: Node) -> tuple[str, ...]:
    """Each aggregate with its DISTINCT; for each clause with one, how many columns it groups by."""
    found = []
    for part in _nodes(tree):
        if is_aggregate_call(part):
            distinct = any(t.type == "DISTINCT" for t in part.tokens("DISTINCT"))
            found.append(dotted(part.children[0]).lower() + (" distinct" if distinct else ""))
        elif part.data == "count":
            found.append("count {}")
        elif part.data == "items" and _has_aggregate(part):
            found.append(f"by {sum(not _has_aggregate(item) for item in part.parts('item'))}")
    return tuple(sorted(found))


def _values(tree: Node) -> Iterator[str]:
    """Texts and numbers; parts that say how many rows or hops are left out."""
    stack: list[Node | Token] = [tree]
    while stack:
        part = stack.pop()
        if isinstance(part, Token):
            if part.type in _VALUES:
                yield part[1:-1] if part.type == "STRING" else str(part)
        elif part.data not in ("limit", "skip", "length", "quantifier"):
            stack.extend(part.children)


def _returned(branch: Node) -> Iterator[Node]:
    last = branch.children[-1] if branch.children else None
    if isinstance(last, Node) and (items := last.part("items")) is not None:
        yield items


def _shown(branch: Node) -> Iterator[str]:
    for items in _returned(branch):
        for part in _nodes(items):
            if part.data in ("property", "projected_property"):
                yield "." + unquoted(str(part.children[-1]))
            elif part.data in ("call", "count_star"):
                yield dotted(part.children[0]).lower()


def _undirected(query: Query) -> str:
    words = []
    for token in query.tokens:
        if token.type in _ARROWS:
            words.append(str(token).strip("<>"))
        else:
            words.append(str(token) if token.type in ("NAME", "STRING") else token.upper())
    return " ".join(words)
