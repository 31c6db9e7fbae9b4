"""The walk through expressions: undefined variables, aggregates and patterns in the wrong place, wrong kinds.

The rules are Neo4j 5's own, learnt by comparing verdicts with its analyser (`tests/query`).
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lark import Token

from cypher_magic.query.allowed import is_aggregate
from cypher_magic.query.complaint import Complaint
from cypher_magic.query.kinds import infer, infer_tails, literal_kind
from cypher_magic.query.meaning import Meaning, Scope, Variable
from cypher_magic.query.operands import ARGUMENTS, LIST, TEXT, TRUTH, index_kinds, joined, misfit
from cypher_magic.query.parse import Node, Query, dotted, shortened, start_of, unquoted

if TYPE_CHECKING:
    from collections.abc import Callable

Key = tuple[object, ...]

_OPERATORS = ("PLUS", "MINUS", "STAR", "SLASH", "PERCENT", "CONCAT")

AGGREGATES_HERE = "here"  # the items of WITH and RETURN
AGGREGATES_PROJECTED = "projected"  # ORDER BY after aggregation: only those that are columns too


@dataclass(frozen=True)
class Place:
    """Where an expression stands: what is allowed there."""

    aggregates: str = ""
    predicate: bool = False  # the value is used as true or false, so a pattern may stand here
    in_where: bool = False
    projected: frozenset[Key] = frozenset()  # expressions that stand for a column
    hidden: frozenset[str] = frozenset()  # names that this DISTINCT or aggregation put out of reach


WHERE = Place(predicate=True, in_where=True)


def key(part: Node | Token) -> Key:
    """A value that is equal for expressions that are written the same but for space, case and brackets."""
    while isinstance(part, Node) and part.data == "parenthesised":
        part = part.children[0]
    nodes = part.walk() if isinstance(part, Node) else iter([part])
    return tuple((n.data, len(n.children)) if isinstance(n, Node) else _token_key(n) for n in nodes)


def _token_key(token: Token) -> str:
    if token.type == "NAME":
        return unquoted(token)
    return str(token) if token.type in ("STRING", "PARAMETER") else str(token).lower()


def calls(part: Node | Token) -> list[Node]:
    """The calls of aggregates in an expression, leaving subqueries aside."""
    found, stack = [], [part]
    while stack:
        this = stack.pop()
        if not isinstance(this, Node) or this.data in ("exists", "count", "collect"):
            continue
        if is_aggregate_call(this):
            found.append(this)
        stack.extend(this.children)
    return found


def is_aggregate_call(part: Node) -> bool:
    """Whether this part is itself the call of an aggregate."""
    return part.data in ("call", "count_star") and is_aggregate(dotted(part.children[0]))


def with_article(kind: str) -> str:
    """The name of a kind with "a" or "an"."""
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"


class Expressions:
    """Walks expressions of one query and collects what it finds in `meaning`."""

    def __init__(self, query: Query) -> None:
        self.query = query
        self.meaning = Meaning()
        self._reported: set[str] = set()
        self.handlers: dict[str, Callable[[Node, Scope, Place], None]] = {
            "variable": self._variable,
            "postfix": self._postfix,
            "call": self._call,
            "count_star": self._call,
            "map_projection": self._map_projection,
            "list_comprehension": self._loop,
            "quantified": self._loop,
            "reduce": self._reduce,
            "case": self._case,
            "in": self._in,
            "regex": self._regex,
            "or": self._logic,
            "xor": self._logic,
            "and": self._logic,
            "not": self._logic,
            "sum": self._arithmetic,
            "product": self._arithmetic,
            "power": self._arithmetic,
            "sign": self._arithmetic,
            "parenthesised": self._same_place,
        }

    def complain(self, code: str, message: str, at: int, hint: str = "") -> None:
        """Note a complaint at an offset of the query's text."""
        line, column = self.query.place(at)
        self.meaning.complaints.append(Complaint(code, message, line, column, hint))

    def expression(self, part: Node | Token, scope: Scope, place: Place) -> None:
        """Walk one expression."""
        if isinstance(part, Token) or (place.projected and key(part) in place.projected):
            return
        self.handlers.get(part.data, self._parts)(part, scope, place)

    def resolve(self, name: Token, scope: Scope, place: Place | None = None) -> Variable:
        """What a used name stands for; an undefined one is complained about, once."""
        plain = unquoted(name)
        variable = scope.names.get(plain)
        if variable is None:
            variable = Variable()
            if not scope.open and plain not in self._reported:
                self._reported.add(plain)
                self._undefined(plain, name, scope, place)
        return variable

    def _undefined(self, plain: str, name: Token, scope: Scope, place: Place | None) -> None:
        if place and plain in place.hidden:
            message = f"After DISTINCT or an aggregate, {plain} can no longer be used."
            self.complain("undefined_variable", message, start_of(name), "use a column of this WITH or RETURN")
            return
        if plain in scope.lost:
            hint = f"an earlier WITH left {plain} out; list it there to keep it"
        else:
            close = difflib.get_close_matches(plain, list(scope.names), n=1)
            hint = f"did you mean {close[0]}?" if close else ""
        self.complain("undefined_variable", f"The variable {shortened(plain)} is not defined.", start_of(name), hint)

    def _variable(self, part: Node, scope: Scope, place: Place) -> None:
        self.resolve(part.children[0], scope, place)

    def _same_place(self, part: Node, scope: Scope, place: Place) -> None:
        for child in part.children:
            self.expression(child, scope, place)

    def _logic(self, part: Node, scope: Scope, place: Place) -> None:
        for child in part.children:
            if not (isinstance(child, Token) and child.type == "NOT"):
                self.condition(child, scope, place)

    def _arithmetic(self, part: Node, scope: Scope, place: Place) -> None:
        """Sums, products, powers and signs."""
        inner = replace(place, predicate=False)
        left, operator = "", ""
        for child in part.children:
            if isinstance(child, Token) and child.type in _OPERATORS:
                operator = str(child) if part.data != "sign" else "-"
                continue
            kind = literal_kind(child) or infer(child, scope).kind
            wrong = misfit(operator, left, kind) if operator else ""
            if wrong:
                message = f"{operator} can not be used with {with_article(wrong)}."
                self.complain("type_mismatch", message, start_of(child if wrong == kind else part))
            left = joined(operator, left, kind) if operator else kind
            operator = "^" if part.data == "power" else ""
            self.expression(child, scope, inner)

    def condition(self, part: Node | Token, scope: Scope, place: Place) -> None:
        """Walk an expression that must be true or false."""
        kind = literal_kind(part) or infer(part, scope).kind
        if kind and kind not in TRUTH:
            at = start_of(part)
            self.complain("type_mismatch", f"A condition is true or false, and this is {with_article(kind)}.", at)
        if (
            isinstance(part, Node)
            and part.data == "postfix"
            and [tail.data for tail in part.children[1:]] == ["property"]
        ):
            self.meaning.conditions.append((infer(part.children[0], scope), part.children[1].children[0]))
        self.expression(part, scope, replace(place, predicate=True))

    def _postfix(self, part: Node, scope: Scope, place: Place) -> None:
        atom, *tails = part.children
        inner = replace(place, predicate=False)
        if tails[0].data == "property":
            owner = infer(atom, scope)
            self.meaning.properties.append((owner, tails[0].children[0]))
            if owner.kind in ("list", "path", "string", "integer", "float", "boolean"):
                message = f"A {owner.kind} has no properties."
                self.complain("type_mismatch", message, part.start, "take its elements apart first")
        self.expression(atom, scope, inner)
        for number, tail in enumerate(tails):
            if tail.data != "property":
                self._check_index(infer_tails(atom, tails[:number], scope).kind, tail, scope)
            for child in tail.children:
                self.expression(child, scope, inner)

    def _check_index(self, base: str, tail: Node, scope: Scope) -> None:
        wanted = index_kinds(base)
        if wanted == () or (tail.data == "slice" and base and base not in LIST):
            self.complain("type_mismatch", f"[ ] can not be used with {with_article(base)}.", tail.start)
            return
        for child in tail.children:
            if wanted and not (isinstance(child, Token) and child.type in ("DOTDOT", "LIST_OPEN")):
                self.demand("the place in [ ] is", wanted, child, scope)

    def _in(self, part: Node, scope: Scope, place: Place) -> None:
        self.demand("IN takes", LIST, part.children[-1], scope)
        self._parts(part, scope, place)

    def _regex(self, part: Node, scope: Scope, place: Place) -> None:
        for child in (part.children[0], part.children[-1]):
            self.demand("=~ takes", TEXT, child, scope)
        self._parts(part, scope, place)

    def _parts(self, part: Node, scope: Scope, place: Place) -> None:
        for child in part.children:
            self.expression(child, scope, replace(place, predicate=False))

    def _call(self, part: Node, scope: Scope, place: Place) -> None:
        name = dotted(part.children[0])
        if part.data == "count_star" and name.lower() != "count":
            self.complain("syntax", "Only count takes a *.", part.start)
        if is_aggregate(name):
            if not self._aggregate_fits(part, name, place):
                return
            place = replace(place, aggregates="nested", projected=frozenset())
        elif (distinct := part.token("DISTINCT")) is not None and "." not in name:
            self.complain("syntax", f"{name}() takes no DISTINCT.", start_of(distinct), "only aggregates do")
        arguments = [c for c in part.children[1:] if not (isinstance(c, Token) and c.type in ("DISTINCT", "STAR"))]
        if not arguments and part.data == "call" and (is_aggregate(name) or (name.lower(), 0) in ARGUMENTS):
            self.complain("syntax", f"{name}() needs a value.", part.start)
        if name.lower() == "exists" and len(arguments) == 1:
            self._exists_call(part, arguments[0], scope, place)
            return
        self._check_kinds(name, arguments, scope)
        if name.lower() == "point":
            self._check_point(part, arguments)
        for argument in arguments:
            self.expression(argument, scope, replace(place, predicate=False))

    def _exists_call(self, part: Node, argument: Node | Token, scope: Scope, place: Place) -> None:
        if isinstance(argument, Node) and argument.data == "postfix":
            hint = "write n.property IS NOT NULL"
            self.complain("misplaced_pattern", "exists() takes a pattern, not a property.", part.start, hint)
        elif not isinstance(argument, Node) or argument.data not in ("pattern", "shortest", "parenthesised"):
            at = start_of(argument)
            self.complain("misplaced_pattern", "exists() takes a pattern.", at)
        self.expression(argument, scope, replace(place, predicate=True))

    def _aggregate_fits(self, part: Node, name: str, place: Place) -> bool:
        if place.aggregates == AGGREGATES_HERE:
            return True
        if place.aggregates == "nested":
            self.complain(
                "grouping", f"{name}() stands inside another aggregate.", part.start, "aggregate in a WITH first"
            )
        elif place.aggregates == AGGREGATES_PROJECTED:
            hint = "make it a column, and order by the column"
            self.complain("grouping", f"{name}() in ORDER BY is not one of the columns.", part.start, hint)
        else:
            where = "in WHERE" if place.in_where else "here"
            hint = "aggregate in a WITH, give it a name and test the name"
            self.complain("aggregate_in_where", f"The aggregate {name}() can not be used {where}.", part.start, hint)
        return False

    def _check_kinds(self, name: str, arguments: list[Node | Token], scope: Scope) -> None:
        hint = "use size() for texts and lists" if name.lower() == "length" else ""
        for place, argument in enumerate(arguments):
            wanted = ARGUMENTS.get((name.lower(), place))
            if wanted:
                self.demand(f"{name}() takes", wanted, argument, scope, hint)

    def demand(
        self, who: str, wanted: tuple[str, ...], part: Node | Token, scope: Scope, hint: str = "", kind: str = ""
    ) -> None:
        """Complain when an expression is known to be of another kind than those that are wanted."""
        kind = kind or literal_kind(part) or infer(part, scope).kind
        if kind and kind not in wanted:
            what = " or ".join(with_article(w) for w in wanted if w not in ("property", "value"))
            self.complain("type_mismatch", f"{who} {what}, and this is {with_article(kind)}.", start_of(part), hint)

    def _check_point(self, part: Node, arguments: list[Node | Token]) -> None:
        if len(arguments) == 1 and isinstance(arguments[0], Node) and arguments[0].data == "map":
            keys = {unquoted(pair.children[0]) for pair in arguments[0].parts("pair")}
            if not ({"x", "y"} <= keys or {"longitude", "latitude"} <= keys):
                message = "A point needs x and y, or longitude and latitude."
                self.complain("type_mismatch", message, arguments[0].start)

    def _map_projection(self, part: Node, scope: Scope, place: Place) -> None:
        owner = self.resolve(part.children[0], scope, place)
        if owner.kind and owner.kind not in ("node", "relationship", "map"):
            message = f"{{ }} takes a node, a relationship or a map, and this is {with_article(owner.kind)}."
            self.complain("type_mismatch", message, part.start)
        for element in part.children[1:]:
            if element.data == "projected_property":
                self.meaning.properties.append((owner, element.children[0]))
            elif element.data == "pair":
                self.expression(element.children[1], scope, replace(place, predicate=False))
            else:
                self.expression(element, scope, place)

    def _loop(self, part: Node, scope: Scope, place: Place) -> None:
        """[x IN list WHERE .. | ..] and all(x IN list WHERE ..)."""
        _, name, _, source, *rest = part.children
        self.demand("this goes through", LIST, source, scope)
        self.expression(source, scope, replace(place, predicate=False))
        inner = scope.copy()
        inner.names[unquoted(name)] = infer(source, scope).element or Variable()
        within = replace(place, aggregates="", predicate=False, projected=frozenset())
        for child in rest:
            if isinstance(child, Node) and child.data == "where":
                self.condition(child.children[1], inner, within)
            else:
                self.expression(child, inner, within)

    def _reduce(self, part: Node, scope: Scope, place: Place) -> None:
        _, total, first, name, _, source, _, step = part.children
        self.demand("this goes through", LIST, source, scope)
        for outside in (first, source):
            self.expression(outside, scope, replace(place, predicate=False))
        inner = scope.copy()
        inner.names[unquoted(total)] = Variable()
        inner.names[unquoted(name)] = infer(source, scope).element or Variable()
        self.expression(step, inner, replace(place, aggregates="", predicate=False, projected=frozenset()))

    def _case(self, part: Node, scope: Scope, place: Place) -> None:
        inner = replace(place, predicate=False)
        subject = isinstance(part.children[1], Token) or part.children[1].data != "when"
        for child in part.children[1:]:
            if isinstance(child, Node) and child.data == "when":
                *tests, value = child.children[1:]
                for test in tests:
                    if subject:
                        self.expression(test, scope, inner)
                    else:
                        self.condition(test, scope, inner)
                self.expression(value, scope, inner)
            else:
                self.expression(child, scope, inner)
