"""A query in one sentence of plain language, told from its parse tree and not by a model.

    MATCH (p:Person)-[:ACTED_IN]->(m:Movie {title: 'Alien'}) RETURN p.name ORDER BY p.born LIMIT 10
    Finds Person nodes with an ACTED_IN relationship to a Movie whose title is 'Alien', and returns the Person's name,
    sorted by the Person's born, at most 10.

What has no wording of its own is shown as it stands in the query, so that nothing is left out and nothing is guessed.
Names of the graph are never bent: a relationship type may be a verb, a noun or neither.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cypher_magic.query.expressions import calls
from cypher_magic.query.parse import Node, Query, parse, unquoted
from cypher_magic.query.telling import Telling, listed

if TYPE_CHECKING:
    from collections.abc import Callable

    from lark import Token

LONGEST = 600  # characters; a query that says more is told up to here
_EACH = "for each of them "
_LONG_NAME = 80  # characters; a column that takes more to tell goes by its own name


def explain(query: str | Query) -> str:
    """One line that says what a query does; raises CypherSyntaxError for a text that is not a query."""
    read = parse(query) if isinstance(query, str) else query
    told = _Clauses(read).query(read.tree.children[0])
    line = " ".join(told.split())
    line = "".join(c if c.isprintable() else "�" for c in line[:1].upper() + line[1:])
    return (line if len(line) <= LONGEST else line[: LONGEST - 1] + "…") + ("." if len(line) <= LONGEST else "")


class _Clauses(Telling):
    """Tells clauses one after the other."""

    def query(self, part: Node) -> str:
        """The branches of a UNION, each a sentence of its own."""
        return "; together with: ".join(self._single(branch) for branch in part.parts("single"))

    def _single(self, branch: Node) -> str:
        before, names = set(self.introduced), self.names.enter(branch)
        said = [text for clause in branch.children if (text := self._clause(clause))]
        self.introduced = before
        self.names.leave(names)
        if said and said[0].startswith(_EACH):
            said[0] = "takes what this gives: " + said[0].removeprefix(_EACH)
        if len(said) < 2:
            return "".join(said)
        return ", then ".join(said[:-1]) + ", and " + said[-1]

    def _clause(self, clause: Node) -> str:
        tell: dict[str, Callable[[Node], str]] = {
            "match": self._match,
            "with": self._with,
            "return": self._return,
            "unwind": self._unwind,
            "procedure": self._procedure,
            "subquery": self._subquery,
            "ordering": lambda part: "takes them" + self._order(part).replace(",", "", 1),
            "finish": lambda part: "returns nothing",
        }
        return tell[clause.data](clause) if clause.data in tell else self.text(clause)

    def _match(self, clause: Node) -> str:
        patterns = clause.part("patterns")
        paths = list(patterns.parts("path")) if patterns is not None else []
        optional = clause.token("OPTIONAL") is not None
        found = [self.path(path) for path in paths]
        new = [phrase for phrase, known in found if not known]
        about = [phrase for phrase, known in found if known]
        verb = "also finds" if optional else "finds"
        said = f"{verb} {', and '.join(new)}" if new else verb
        conditions = [*about, *([condition] if (condition := self._where(clause, alone=not about)) else [])]
        said += f"{',' if new else ''} where {' and '.join(conditions)}" if conditions else ""
        return said + (", if there is any" if optional else "")

    def _where(self, clause: Node, *, alone: bool = True) -> str:
        where = clause.part("where")
        if where is None:
            return ""
        condition = where.children[1]
        joined = isinstance(condition, Node) and condition.data in ("or", "xor")
        return f"({self.holds(condition)})" if joined and not alone else self.holds(condition)

    def _unwind(self, clause: Node) -> str:
        source, name = clause.children[1:]
        return f"takes each {unquoted(name)} of {self.say(source)}"

    def _procedure(self, clause: Node) -> str:
        name = clause.token("PROCEDURE")
        condition = self._where(yields) if (yields := clause.part("yields")) is not None else ""
        return f"calls {name}" + (f", where {condition}" if condition else "")

    def _subquery(self, clause: Node) -> str:
        inner = clause.part("query")
        if inner is None:
            return self.text(clause)
        said = f"{_EACH}({self.query(inner)})"
        branches = list(inner.parts("single"))
        for column, told in self._columns(branches[-1]).items():
            if len(branches) > 1:
                self.names.forget(column)
            else:
                self.names.tell(column, told)
        return said

    def _columns(self, branch: Node) -> dict[str, str]:
        """The columns that a subquery hands on, in words that are true outside it."""
        last = branch.part("return")
        if last is None:
            return {}
        before = self.names.enter(branch)
        found = {}
        for value, name in self._items(last):
            bare = unquoted(value.children[0]) if isinstance(value, Node) and value.data == "variable" else ""
            said, column = self.say(value), name or bare
            found[column] = said if len(said) <= _LONG_NAME and not calls(value) else column
        self.names.leave(before)
        return {column: told for column, told in found.items() if column}

    def _with(self, clause: Node) -> str:
        items = self._items(clause)
        told = any(calls(value) for value, _ in items) or clause.token("DISTINCT") is not None
        what = self._projected(clause, items) if told else ""  # names that are handed on say nothing new
        self._remember(items)
        after = self._order(clause)
        if condition := self._where(clause):
            after += f", only where {condition}"
        return f"takes {what}{after}" if what else "takes them" + after.replace(",", "", 1) if after else ""

    def _return(self, clause: Node) -> str:
        items = self._items(clause)
        what = self._projected(clause, items)
        self._remember(items)
        return f"returns {what}{self._order(clause)}"

    def _items(self, clause: Node) -> list[tuple[Node | Token, str]]:
        """The columns: expression and name (empty without one)."""
        items = clause.part("items")
        parts = items.parts("item") if items is not None else ()
        return [(i.children[0], unquoted(i.children[1]) if len(i.children) > 1 else "") for i in parts]

    def _remember(self, items: list[tuple[Node | Token, str]]) -> None:
        """From here on a name is told as what it stands for."""
        told = {name: self.column(value) for value, name in items if name}
        for name, said in told.items():
            self.names.tell(name, said if len(said) <= _LONG_NAME else name)

    def _projected(self, clause: Node, items: list[tuple[Node | Token, str]]) -> str:
        star = (part := clause.part("items")) is not None and part.token("STAR") is not None
        groups = [self.column(value) for value, _ in items if not calls(value)]
        counted = [self.column(value) for value, _ in items if calls(value)]
        groups = ["everything found", *groups] if star else groups
        each = "each combination once" if len(items) + star > 1 else "each once"
        once = f", {each}" if clause.token("DISTINCT") is not None else ""
        if not counted:
            return listed(groups) + once
        bare = [said.removeprefix("the ") for said in groups]
        return listed(counted) + (f" for each {listed(bare)}" if bare else "") + once

    def _order(self, clause: Node) -> str:
        said = ""
        if (order := clause.part("order")) is not None:
            keys = []
            for sort in order.parts("sort"):
                down = sort.token("DESC") is not None or sort.token("DESCENDING") is not None
                keys.append(self.say(sort.children[0]) + (" from high to low" if down else ""))
            said += f", sorted by {', then by '.join(keys)}"
        if (skip := clause.part("skip")) is not None:
            said += f", without the first {self.say(skip.children[1])}"
        if (limit := clause.part("limit")) is not None:
            said += f", at most {self.say(limit.children[1])}"
        return said
