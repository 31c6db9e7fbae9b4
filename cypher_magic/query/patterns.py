"""The walk through patterns: the nodes and relationships they name, the steps they take, what their brackets hold."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cypher_magic.query.expressions import Expressions, Place, with_article
from cypher_magic.query.kinds import infer, misused_colon
from cypher_magic.query.meaning import Scope, Step, Variable
from cypher_magic.query.parse import Node, Query, start_of, unquoted

if TYPE_CHECKING:
    from lark import Token

Elements = list[tuple[Node, Variable]]  # the parts of a path, each with what it stands for


class Patterns(Expressions):
    """Walks patterns, those that bring names in and those that are expressions."""

    def __init__(self, query: Query) -> None:
        super().__init__(query)
        self.handlers |= {
            "pattern": self._pattern,
            "shortest": self._shortest,
            "pattern_comprehension": self._pattern_comprehension,
            "has_labels": self._has_labels,
        }

    def _has_labels(self, part: Node, scope: Scope, place: Place) -> None:
        owner, labels = part.children
        self.expression(owner, scope, replace(place, predicate=False))
        of = infer(owner, scope)
        if of.kind not in ("", "node", "relationship"):
            self.complain("type_mismatch", f"{with_article(of.kind).capitalize()} has no labels.", start_of(owner))
        self.note_labels(of, labels, scope)

    def note_labels(self, owner: Variable, labels: Node | Token, scope: Scope) -> None:
        """Remember the labels (or types) that are written for a node (or relationship)."""
        part = labels if isinstance(labels, Node) else Node("labels", [labels])
        self.meaning.labels.append((owner, part))
        at = misused_colon(part, owner.kind == "relationship")
        if at is not None:
            self.complain("syntax", "A colon can not stand here.", at, "write | for one of them, & for all of them")
        for dynamic in part.walk():
            if isinstance(dynamic, Node) and dynamic.data == "label_dynamic":
                self.expression(dynamic.children[-1], scope, Place())

    def _pattern(self, part: Node, scope: Scope, place: Place) -> None:
        if not place.predicate:
            hint = "use exists { ... }, count { ... } or a comprehension [(a)-->(b) | b]"
            message = "A pattern can only be tested for existence here."
            self.complain("misplaced_pattern", message, part.start, hint)
        for element in part.children:
            name = element.token("NAME")
            if name is not None:
                self.resolve(name, scope, place)
        self.insides(self.pattern(part.children, scope), scope, place)

    def _shortest(self, part: Node, scope: Scope, place: Place) -> None:
        inner = scope.copy()
        self.check_shortest(part)
        self.insides(self.pattern(list(part.parts("node", "relationship")), inner), inner, place)

    def check_shortest(self, part: Node) -> None:
        """A shortest path is one relationship, as a rule a repeated one, between two nodes."""
        if len(list(part.parts("relationship"))) != 1:
            message = f"{part.children[0]}() takes two nodes and one relationship between them."
            self.complain("syntax", message, part.start)

    def _pattern_comprehension(self, part: Node, scope: Scope, place: Place) -> None:
        inner = scope.copy()
        name = part.token("NAME")
        if name is not None:
            inner.names[unquoted(name)] = Variable("path")
        within = replace(place, aggregates="", predicate=False, projected=frozenset())
        self.insides(self.pattern(list(part.parts("node", "relationship")), inner), inner, within)
        where = part.part("where")
        if where is not None:
            self.condition(where.children[1], inner, within)
        self.expression(part.children[-1], inner, within)

    def pattern(self, elements: list[Node], scope: Scope) -> Elements:
        """Take the names of a path's nodes and relationships into the scope, and note its steps."""
        found = [self._declare(e, scope, _is_repeated(e, elements, i)) for i, e in enumerate(elements)]
        for i, element in enumerate(elements):
            if element.data == "relationship" and 0 < i < len(elements) - 1:
                after = i + 2 if elements[i + 1].data == "quantifier" else i + 1
                ends = elements[i - 1].data == "node" and elements[after].data == "node"
                if ends:
                    repeated = _is_repeated(element, elements, i)
                    self.meaning.steps.append(Step(found[i - 1], element, found[after], found[i], repeated))
        return list(zip(elements, found, strict=True))

    def insides(self, found: Elements, scope: Scope, place: Place) -> None:
        """Walk what stands between the brackets of nodes and relationships."""
        for element, variable in found:
            if element.data in ("node", "relationship"):
                self._inside(element, variable, scope, place)

    def _declare(self, element: Node, scope: Scope, repeated: bool) -> Variable:
        if element.data not in ("node", "relationship"):
            return Variable()
        kind = element.data
        name, labels = element.token("NAME"), element.part("labels")
        variable = scope.names.get(unquoted(name)) if name is not None else None
        if variable is None:
            variable = Variable("list", element=Variable(kind)) if repeated else Variable(kind)
            if name is not None:
                scope.names[unquoted(name)] = variable
        elif variable.kind not in ("", kind) and not repeated and name is not None:
            message = f"{unquoted(name)} is a {variable.kind}, and a {kind} stands here."
            self.complain("type_mismatch", message, start_of(name), "use a new name")
        if labels is not None:
            (variable.element if repeated and variable.element else variable).labels.append(labels)
        return variable

    def _inside(self, element: Node, variable: Variable, scope: Scope, place: Place) -> None:
        """The labels, properties and WHERE between the brackets of a node or relationship."""
        owner = variable.element if variable.kind == "list" and variable.element else variable
        labels, properties, where = element.part("labels"), element.part("map"), element.part("where")
        if labels is not None:
            self.note_labels(Variable(str(element.data)), labels, scope)
            bar = labels.children[0].token("COLON") if isinstance(labels.children[0], Node) else None
            if bar is not None and element.data == "relationship" and len(element.children) > 3:
                self.complain("syntax", "With a name, properties or a length, types are joined by |.", start_of(bar))
        if properties is not None:
            for pair in properties.parts("pair"):
                self.meaning.properties.append((owner, pair.children[0]))
            self.expression(properties, scope, replace(place, predicate=False))
        if where is not None:
            self.condition(where.children[1], scope, replace(place, in_where=True))


def _is_repeated(element: Node, elements: list[Node], i: int) -> bool:
    if element.data != "relationship":
        return False
    followed = i + 1 < len(elements) and elements[i + 1].data == "quantifier"
    return followed or element.part("length") is not None
