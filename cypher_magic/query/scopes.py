"""The walk through clauses: which names each clause sees, brings in and leaves behind.

`understand(query)` returns a `Meaning`. The scoping rules are those of Cypher: WITH keeps only what it lists;
DISTINCT and aggregates hide the names before them even from ORDER BY and WHERE; CALL {} starts empty but for what
it imports; EXISTS, COUNT and COLLECT see everything around them.
"""

from __future__ import annotations

from dataclasses import replace

from lark import Token

from cypher_magic.query.expressions import (
    AGGREGATES_HERE,
    AGGREGATES_PROJECTED,
    WHERE,
    Place,
    calls,
    is_aggregate_call,
    key,
)
from cypher_magic.query.kinds import infer, literal_kind
from cypher_magic.query.meaning import Meaning, Scope, Variable
from cypher_magic.query.parse import Node, Query, shortened, start_of, unquoted
from cypher_magic.query.patterns import Elements, Patterns

Columns = dict[str, tuple[int, Variable]]  # name -> where it is written, what it stands for


def understand(query: Query) -> Meaning:
    """What the names of a query stand for, and everything that is wrong with it but for the graph's own names."""
    walk = _Clauses(query)
    walk.union(query.tree.children[0], Scope())
    return walk.meaning


# Where names of an expression are its own.
_BINDERS = frozenset(("list_comprehension", "quantified", "reduce", "map_projection"))
_OWN_SCOPE = frozenset(("exists", "count", "collect", "pattern_comprehension", "pattern"))


def _concludes(clause: Node, alone: bool) -> bool:
    if clause.data == "procedure":
        return alone or clause.part("yields") is None
    return clause.data in ("return", "finish")


def _become(scope: Scope, new: Scope) -> None:
    scope.names, scope.lost, scope.open = new.names, new.lost, new.open


class _Clauses(Patterns):
    def __init__(self, query: Query) -> None:
        super().__init__(query)
        self.handlers |= dict.fromkeys(("exists", "count", "collect"), self._subquery)

    def union(self, part: Node, scope: Scope, must_return: bool = True, outside: Scope | None = None) -> Columns:
        """Walk a query; returns the columns of its first branch. `outside` is what an importing WITH may take from."""
        columns = [self._single(b, scope, must_return, outside) for b in part.parts("single")]
        unions = list(part.parts("union"))
        if len({u.token("ALL") is None for u in unions}) > 1:
            self.complain("union_columns", "UNION and UNION ALL can not be mixed.", unions[1].start)
        for sign, names in zip(unions, columns[1:], strict=True):
            if columns[0].keys() != names.keys():
                hint = "give them the same names with AS"
                self.complain("union_columns", "The parts of a UNION have different columns.", sign.start, hint)
        return columns[0]

    def _single(self, part: Node, scope: Scope, must_return: bool, outside: Scope | None) -> Columns:
        scope = scope.copy()
        columns: Columns = {}
        clauses: list[Node] = part.children
        if outside is not None and clauses[0].data == "with":
            self._import(clauses[0], scope, outside)
            clauses = clauses[1:]
        for i, clause in enumerate(clauses):
            if clause.data != "return":
                self._clause(clause, scope)
                if i > 0 or len(clauses) > 1:
                    self._check_yields(clause)
                continue
            columns = self._body(clause, scope, final=True)[1]
            if i < len(clauses) - 1:
                message = "RETURN can only be the last clause."
                self.complain("syntax", message, clause.start, "use WITH in the middle of a query")
                return columns
        if must_return and not (clauses and _concludes(clauses[-1], alone=len(clauses) == 1)):
            hint = "add RETURN and what to show"
            self.complain("missing_return", "The query ends without RETURN.", self._end_of(part), hint)
        return columns

    def _end_of(self, part: Node) -> int:
        if part is self.query.tree.children[0].children[-1]:
            return self.query.end
        return max((t.end_pos or 0 for t in part.walk() if isinstance(t, Token)), default=0)

    def _import(self, clause: Node, scope: Scope, outside: Scope) -> None:
        """The WITH at the start of CALL {}: plain names from outside."""
        new, columns = self._body(clause, outside.copy(), final=False)
        items = clause.part("items")
        values = [item.children for item in items.parts("item")] if items is not None else []
        extra = any(clause.part(kind) is not None for kind in ("where", "order", "skip", "limit"))
        if extra or any(len(v) > 1 or not isinstance(v[0], Node) or v[0].data != "variable" for v in values):
            message = "The WITH that opens a subquery takes plain names from outside."
            self.complain("syntax", message, clause.start, "import first, and compute in a second WITH")
        scope.names.update(new.names)
        scope.constants = frozenset(columns)

    def _clause(self, clause: Node, scope: Scope) -> None:
        if clause.data == "match":
            self._match(clause, scope)
        elif clause.data == "with":
            new = self._body(clause, scope, final=False)[0]
            _become(scope, new)
        elif clause.data == "unwind":
            source, name = clause.children[1:]
            self.expression(source, scope, Place())
            self._define(name, infer(source, scope).element or Variable(), scope)
        elif clause.data == "subquery":
            self._call_subquery(clause, scope)
        elif clause.data == "procedure":
            self._procedure(clause, scope)
        elif clause.data == "ordering":
            self._order(clause, scope, Place(aggregates=AGGREGATES_HERE))

    def _define(self, name: Token, variable: Variable, scope: Scope) -> None:
        plain = unquoted(name)
        if plain in scope.names:
            self.complain("redefined_variable", f"The variable {plain} exists already.", start_of(name), "rename it")
        scope.names[plain] = variable

    # Patterns

    def _match(self, clause: Node, scope: Scope) -> None:
        self._patterns(clause, scope)
        for hint in clause.parts("hint"):
            names = list(hint.tokens("NAME"))
            if names and hint.tokens("NAME"):
                self.resolve(names[0], scope)

    def _patterns(self, part: Node, scope: Scope) -> None:
        """The patterns and the WHERE of a MATCH, or of a subquery without one."""
        patterns = part.part("patterns")
        if patterns is not None:
            # Names may be used anywhere in the patterns of one MATCH, also before the place that brings them in.
            found = [element for path in patterns.parts("path") for element in self._path(path, scope)]
            self.insides(found, scope, Place())
        self._where(part, scope, WHERE)

    def _path(self, path: Node, scope: Scope) -> Elements:
        name = path.token("NAME")
        shortest = path.part("shortest")
        holder = path if shortest is None else shortest
        elements = [c for c in holder.children if isinstance(c, Node) and c.data != "group"]
        if shortest is not None:
            self.check_shortest(shortest)
        found = self.pattern(elements, scope) if path.part("group") is None else self._groups(path, scope)
        if name is not None:
            self._define(name, Variable("path"), scope)
        return found

    def _groups(self, path: Node, scope: Scope) -> Elements:
        """A path with quantified groups: outside a group its names stand for lists."""
        run: list[Node] = []
        found: Elements = []
        for child in path.children:
            if not isinstance(child, Node):
                continue
            if child.data != "group":
                run.append(child)
                continue
            found += self.pattern(run, scope)
            run = []
            inner = scope.copy()
            for nested in child.parts("path"):
                self.insides(self._path(nested, inner), inner, Place())
            self._where(child, inner, WHERE)
            for name in inner.names.keys() - scope.names.keys():
                variable = inner.names[name]
                repeated = child.part("quantifier") is not None
                scope.names[name] = Variable("list", element=variable) if repeated else variable
        return found + self.pattern(run, scope)

    def _where(self, part: Node, scope: Scope, place: Place) -> None:
        where = part.part("where")
        if where is not None:
            self.condition(where.children[1], scope, place)

    # WITH and RETURN

    def _body(self, clause: Node, scope: Scope, final: bool) -> tuple[Scope, Columns]:
        items = clause.part("items")
        assert items is not None  # the grammar has no WITH or RETURN without
        star = items.token("STAR")
        if star is not None and final and not scope.names and not scope.open:
            self.complain("undefined_variable", "RETURN * has no variables to show.", clause.start)
        columns: Columns = {n: (clause.start, v) for n, v in scope.names.items()} if star is not None else {}
        shown: set[str] = set()
        for item in items.parts("item"):
            self._item(item, scope, columns, shown, final)
        aggregated = any(calls(item.children[0]) for item in items.parts("item"))
        if aggregated:
            self._check_grouping(items, scope)
        new = Scope({n: v for n, (_, v) in columns.items()}, scope.constants, open=scope.open and star is not None)
        new.lost = (scope.lost | scope.names.keys()) - new.names.keys()
        distinct = clause.token("DISTINCT") is not None
        self._after_body(clause, scope, new, items, aggregated, distinct)
        return new, columns

    def _item(self, item: Node, scope: Scope, columns: Columns, shown: set[str], final: bool) -> None:
        value, *alias = item.children
        self.expression(value, scope, Place(aggregates=AGGREGATES_HERE))
        start = start_of(value)
        if alias:
            name, at = unquoted(alias[0]), start_of(alias[0])
        elif isinstance(value, Node) and value.data == "variable":
            name, at = unquoted(value.children[0]), start
        else:
            name, at = str(key(value)), start
            if not final:
                self.complain("syntax", "An expression in WITH needs a name.", start, "add AS and a name")
        if name in columns and name in shown:
            message = "Two columns have the same name."
            self.complain("duplicate_column", message, at, "give one of them another name with AS")
        shown.add(name)
        columns[name] = (at, infer(value, scope))

    def _after_body(self, clause: Node, old: Scope, new: Scope, items: Node, aggregated: bool, distinct: bool) -> None:
        """ORDER BY, SKIP, LIMIT and WHERE of a WITH or RETURN."""
        if aggregated or distinct:
            projected = frozenset(key(item.children[0]) for item in items.parts("item"))
            visible, hidden = new, frozenset(old.names.keys() - new.names.keys())
            aggregates = AGGREGATES_PROJECTED
        else:
            visible, hidden, projected = old.joined(new), frozenset(), frozenset()
            aggregates = AGGREGATES_HERE
        place = Place(aggregates=aggregates, projected=projected, hidden=hidden)
        self._order(clause, visible, place)
        self._where(clause, visible, replace(place, aggregates="", predicate=True, in_where=True))

    def _order(self, part: Node, scope: Scope, place: Place) -> None:
        order = part.part("order")
        if order is not None:
            for sort in order.parts("sort"):
                self.expression(sort.children[0], scope, place)
        for count in part.parts("skip", "limit"):
            self._count_of_rows(count, str(count.data).upper())

    def _count_of_rows(self, part: Node, clause: str) -> None:
        value = part.children[1]
        if literal_kind(value) in ("string", "float", "boolean"):
            self.complain("type_mismatch", f"{clause} takes a whole number.", start_of(value))
        if isinstance(value, Node) and value.data == "sign" and value.token("MINUS") is not None:
            self.complain("type_mismatch", f"{clause} takes a number that is not negative.", value.start)
        if isinstance(value, Node):
            names = [t for t in value.walk() if isinstance(t, Node) and t.data == "variable"]
            if names:
                message = f"{clause} can not depend on a variable."
                self.complain("undefined_variable", message, names[0].start, "write a number or a parameter")
            else:
                self.expression(value, Scope(), Place())

    def _check_grouping(self, items: Node, scope: Scope) -> None:
        """Beside an aggregate, only constants and what is a column of its own."""
        groups = [i.children[0] for i in items.parts("item") if not calls(i.children[0])]
        keys = {key(g) for g in groups}
        if items.token("STAR") is not None:
            keys |= {(("variable", 1), name) for name in scope.names}
        for item in items.parts("item"):
            if calls(item.children[0]):
                self._implicit(item.children[0], keys, scope)

    def _implicit(self, part: Node | Token, keys: set[tuple[object, ...]], scope: Scope) -> None:
        if not isinstance(part, Node) or key(part) in keys or is_aggregate_call(part):
            return
        if part.data == "postfix":
            atom, *tails = part.children
            prefixes = [Node("postfix", [atom, *tails[:n]]) for n in range(1, len(tails))]
            if any(key(p) in keys for p in prefixes):
                return
        if part.data == "variable":
            name = unquoted(part.children[0])
            if name in scope.names and name not in scope.constants:
                message = f"{shortened(name)} stands beside an aggregate and is no column of its own."
                self.complain("grouping", message, part.start, "make it a column, or aggregate it too")
            return
        local = {unquoted(n) for n in part.tokens("NAME")} if part.data in _BINDERS else set()
        inner = Scope({n: v for n, v in scope.names.items() if n not in local}, scope.constants)
        if part.data in _OWN_SCOPE:
            return
        for child in part.children:
            self._implicit(child, keys, inner)

    # CALL

    def _call_subquery(self, clause: Node, scope: Scope) -> None:
        imports, query = clause.part("imports"), clause.part("query")
        assert query is not None  # the grammar has no CALL {} without
        if imports is None:
            inner = Scope(lost=frozenset(scope.names))
        elif imports.token("STAR") is not None:
            inner = scope.inside()
        else:
            names = {unquoted(n): self.resolve(n, scope) for n in imports.tokens("NAME")}
            inner = Scope(names, frozenset(names), frozenset(scope.names) - names.keys(), scope.open)
        columns = self.union(query, inner, outside=scope if imports is None else None)
        for name, (at, variable) in columns.items():
            if name in scope.names:
                message = f"The variable {shortened(name)} exists already outside the subquery."
                self.complain("redefined_variable", message, at, "return it under another name")
            scope.names[name] = variable

    def _procedure(self, clause: Node, scope: Scope) -> None:
        arguments, yields = clause.part("arguments"), clause.part("yields")
        if arguments is not None:
            for argument in arguments.children:
                self.expression(argument, scope, Place())
        if yields is None:
            return
        for item in yields.parts("yield_item"):
            self._define(item.children[-1], Variable(), scope)
        scope.open = scope.open or yields.token("STAR") is not None
        self._where(yields, scope, WHERE)

    def _check_yields(self, clause: Node) -> None:
        yields = clause.part("yields") if clause.data == "procedure" else None
        star = yields.token("STAR") if yields is not None else None
        if star is not None:
            message = "YIELD * is only for a CALL that stands alone."
            self.complain("syntax", message, start_of(star), "name the columns after YIELD")

    def _subquery(self, part: Node, scope: Scope, place: Place) -> None:
        """EXISTS {}, COUNT {} and COLLECT {}."""
        inner = scope.inside()
        query = part.part("query")
        if query is None:
            self._patterns(part, inner)
            return
        columns = self.union(query, inner, must_return=part.data == "collect")
        if part.data == "collect" and len(columns) > 1:
            self.complain("syntax", "COLLECT {} returns one column.", part.start, "use one RETURN item")
