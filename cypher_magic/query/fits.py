"""Whether a query fits a graph: its labels, relationship types, properties and triples against a schema."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lark import Token

from cypher_magic.graph.schema import GraphSchema, Triple, quoted
from cypher_magic.query.comparisons import Comparisons
from cypher_magic.query.complaint import Complaint
from cypher_magic.query.parse import Node, Query, shortened, start_of, unquoted

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from cypher_magic.query.meaning import Meaning, Step, Variable


Edits = tuple[tuple[int, int, str], ...]  # start, end, new text


@dataclass(frozen=True)
class Finding:
    """A complaint, with the edits of the text that put it right where exactly one way is right."""

    complaint: Complaint
    edits: Edits = ()


def fits(query: Query, meaning: Meaning, schema: GraphSchema) -> list[Finding]:
    """What in the query the graph does not have."""
    return _Fit(query, schema).check(meaning)


def label_tokens(part: Node | Token) -> Iterator[Token]:
    """The names in a label (or type) expression; not those of a dynamic one."""
    stack = [part]
    while stack:
        this = stack.pop()
        if isinstance(this, Token):
            if this.type == "NAME":
                yield this
        elif this.data != "label_dynamic":
            stack.extend(reversed(this.children))


def holds(expression: Node | Token, test: Callable[[str], bool]) -> bool:
    """Whether a label expression can be true when `test` says which labels can be there."""
    if isinstance(expression, Token):
        return test(unquoted(expression)) if expression.type == "NAME" else True
    signs = ("LABEL_BAR", "AMPERSAND", "COLON")
    parts = [c for c in expression.children if not (isinstance(c, Token) and c.type in signs)]
    if expression.data == "label_or":
        return any(holds(p, test) for p in parts)
    if expression.data == "label_dynamic" or (parts and isinstance(parts[0], Token) and parts[0].type != "NAME"):
        return True  # computed, negated or a wildcard
    return all(holds(p, test) for p in parts)


def suggestion(name: str, known: Collection[str]) -> str | None:
    """The closest known name: the same but for case and signs, else the most similar one."""
    folded = {_folded(k): k for k in sorted(known, reverse=True)}
    if _folded(name) in folded:
        return folded[_folded(name)]
    close = difflib.get_close_matches(_folded(name), folded, n=1, cutoff=0.6)
    return folded[close[0]] if close else None


def sure(name: str, known: Collection[str]) -> str | None:
    """The one known name that is meant: the same but for case and signs, or clearly the most similar."""
    same = [k for k in known if _folded(k) == _folded(name)]
    if same:
        return same[0] if len(same) == 1 else None
    ratios = sorted(
        ((difflib.SequenceMatcher(None, _folded(name), _folded(k)).ratio(), k) for k in known), reverse=True
    )
    if ratios and ratios[0][0] >= 0.79 and (len(ratios) == 1 or ratios[0][0] - ratios[1][0] >= 0.1):
        return ratios[0][1]
    return None


def _renamed(token: Token, known: Collection[str]) -> Edits:
    name = sure(unquoted(token), known)
    return ((start_of(token), token.end_pos or 0, quoted(name)),) if name else ()


def _turned(step: Step) -> Edits:
    """The arrow the other way round."""
    tokens = list(step.pattern.tokens("REL_OPEN", "REL_CLOSE", "REL_PLAIN"))
    if step.direction == "right":
        texts = ["<--"] if len(tokens) == 1 else ["<-[", "]-"]
    else:
        texts = ["-->"] if len(tokens) == 1 else ["-[", "]->"]
    return tuple((start_of(t), t.end_pos or 0, text) for t, text in zip(tokens, texts, strict=True))


def _folded(name: str) -> str:
    return "".join(c for c in name.lower() if c.isalnum()) or name


class _Fit:
    def __init__(self, query: Query, schema: GraphSchema) -> None:
        self._query = query
        self._schema = schema
        self._findings: list[Finding] = []
        self._all_properties = {
            p for owner in (schema.labels, schema.relationship_types) for o in owner.values() for p in o
        }

    def check(self, meaning: Meaning) -> list[Finding]:
        for owner, labels in meaning.labels:
            self._labels(owner, labels)
        for owner, token in meaning.properties:
            self._property(owner, token)
        for owner, token in meaning.conditions:
            self._condition(owner, token)
        owners = {start_of(token): owner for owner, token in meaning.properties}
        for never in Comparisons(self._query, owners, self._types).never():
            self._complain("never_true", never.message, never.at, never.hint, never.edits)
        if self._schema.triples:
            for step in meaning.steps:
                self._step(step)
        return self._findings

    def _complain(self, code: str, message: str, at: int, hint: str, edits: Edits = ()) -> None:
        line, column = self._query.place(at)
        self._findings.append(Finding(Complaint(code, message, line, column, hint), edits))

    def _unknown(self, code: str, what: str, token: Token, known: Collection[str]) -> None:
        name = unquoted(token)
        close = suggestion(name, known)
        hint = f"did you mean {quoted(close)}?" if close else _listing(known)
        message = f"The graph has no {what} {shortened(name)}."
        self._complain(code, message, start_of(token), hint, _renamed(token, known))

    def _labels(self, owner: Variable, part: Node) -> None:
        labels, types = self._schema.labels, self._schema.relationship_types
        for token in label_tokens(part):
            name = unquoted(token)
            if owner.kind == "relationship":
                if name not in types:
                    self._unknown("unknown_relationship_type", "relationship type", token, types)
            elif name not in labels and (owner.kind == "node" or name not in types):
                self._unknown("unknown_label", "label", token, labels)

    def _property(self, owner: Variable, token: Token) -> None:
        """A property is checked against every label (or type) that its owner is known to have."""
        name, owners = unquoted(token), self._owners(owner)
        names = {p for properties in owners.values() for p in properties}
        if owner.kind not in ("node", "relationship") or name in names:
            return
        whose = f" on {', '.join(sorted(owners))}" if len(owners) <= 3 else ""
        self._unknown_property(name, token, names, whose)

    def _condition(self, owner: Variable, token: Token) -> None:
        """A property that stands where true or false is wanted."""
        name = unquoted(token)
        kinds = self._types(owner, name)
        if kinds and not any("BOOLEAN" in kind or "ANY" in kind or not kind for kind in kinds):
            message = f"A condition is true or false, and {shortened(name)} is {' or '.join(sorted(kinds))}."
            self._complain("type_mismatch", message, start_of(token), "compare it with a value, or write IS NOT NULL")

    def _types(self, owner: Variable, name: str) -> frozenset[str]:
        """The types of a property, of all labels (or types) that its owner can have."""
        return frozenset(properties[name] for properties in self._owners(owner).values() if name in properties)

    def _owners(self, owner: Variable) -> Mapping[str, Mapping[str, str]]:
        """The labels (or types) that something can have, each with its properties and their types."""
        if owner.kind not in ("node", "relationship"):
            return {}
        known = self._schema.labels if owner.kind == "node" else self._schema.relationship_types
        named = {unquoted(t) for part in owner.labels for t in label_tokens(part)}
        if not named or _is_open(owner.labels) or not named <= known.keys():
            return known
        return {label: known[label] for label in named}

    def _unknown_property(self, name: str, token: Token, names: set[str], whose: str) -> None:
        close = suggestion(name, names)
        holders = [label for label, properties in self._schema.labels.items() if name in properties]
        if close:
            hint = f"did you mean {quoted(close)}?"
        elif holders:
            hint = f"it is a property of {', '.join(holders[:3])}"
        else:
            hint = _listing(names)
        message = f"There is no property {shortened(name)}{whose}."
        self._complain("unknown_property", message, start_of(token), hint, _renamed(token, names))

    # Triples

    def _step(self, step: Step) -> None:
        types = step.pattern.part("labels")
        if self._has_unknown(step, types):
            return
        triples = [t for t in self._schema.triples if types is None or holds(types, t.type.__eq__)]
        walked = triples
        if step.repeated and step.direction == "both":  # a way may go there over a relationship and back over it
            walked = [*triples, *(Triple(t.end, t.type, t.start) for t in triples)]
        forward = _joins(walked, step.left, step.right, step.repeated)
        backward = _joins(walked, step.right, step.left, step.repeated)
        right_way = {"right": forward, "left": backward, "both": forward or backward}[step.direction]
        if right_way or _may_be_empty(step.pattern):
            return
        if forward or backward:
            hint = "turn the arrow: " + _shown(triples, step)
            message = "The graph has this relationship in the other direction only."
            self._complain("reversed_direction", message, step.pattern.start, hint, _turned(step))
        else:
            message = "The graph has no such relationship between these nodes."
            self._complain("unknown_triple", message, step.pattern.start, _shown(triples, step))

    def _has_unknown(self, step: Step, types: Node | None) -> bool:
        """Names that the graph does not have have their own complaint already."""
        ends = [part for variable in (step.left, step.right) for part in variable.labels]
        return any(unquoted(t) not in self._schema.labels for part in ends for t in label_tokens(part)) or (
            types is not None and any(unquoted(t) not in self._schema.relationship_types for t in label_tokens(types))
        )


def _is_open(parts: list[Node]) -> bool:
    """Whether a negation, a wildcard or a computed label stands in one of these expressions."""
    below = [p for part in parts for p in part.walk()]
    signs = any(isinstance(p, Token) and p.type in ("NOT_SIGN", "PERCENT") for p in below)
    return signs or any(isinstance(p, Node) and p.data == "label_dynamic" for p in below)


def _can_be(variable: Variable, test: Callable[[str], bool]) -> bool:
    return all(holds(part, test) for part in variable.labels)


def _joins(triples: list[Triple], start: Variable, end: Variable, repeated: bool) -> bool:
    """Whether these triples lead from one node to the other; of a repeated step only both ends are looked at."""
    starts, ends = {t.start for t in triples}, {t.end for t in triples}
    if not triples or not _can_be(start, starts.__contains__) or not _can_be(end, ends.__contains__):
        return False
    if repeated:
        return True

    def leads(label: str) -> bool:
        return _can_be(end, {t.end for t in triples if t.start == label}.__contains__)

    return _can_be(start, leads) if start.labels else True


def _may_be_empty(pattern: Node) -> bool:
    length = pattern.part("length")
    first = length.token("INTEGER") if length is not None else None
    return first is not None and int(first, 0) == 0


def _shown(triples: list[Triple], step: Step) -> str:
    named = {unquoted(t) for v in (step.left, step.right) for part in v.labels for t in label_tokens(part)}
    close = sorted(triples, key=lambda t: -len(named & {t.start, t.end}))
    lines = [f"(:{quoted(t.start)})-[:{quoted(t.type)}]->(:{quoted(t.end)})" for t in close[:2]]
    return "it has " + " and ".join(lines) if lines else ""


def _listing(names: Collection[str]) -> str:
    if not names:
        return ""
    shown = sorted(names)[:8]
    return "it has " + ", ".join(shown) + (" ..." if len(names) > len(shown) else "")
