"""What functions and operators take, compared with Neo4j's analyser for every kind of value."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from cypher_magic.graph.schema import GraphSchema
from cypher_magic.query.check import check

VALUES = {
    "node": "n", "relationship": "r", "path": "p", "boolean": "true", "string": "'a'", "integer": "1", "float": "0.5",
    "list": "[1]", "map": "{a: 1}", "property": "n.x", "comparison": "(n.x = 1)", "nodes": "nodes(p)",
    "first": "head(n.x)", "function": "toInteger(n.x)",
}  # fmt: skip
ONE = [
    "length", "nodes", "relationships", "type", "startNode", "endNode", "labels", "id", "elementId", "keys",
    "properties", "size", "isEmpty", "toUpper", "toLower", "trim", "ltrim", "char_length", "abs", "ceil", "floor",
    "round", "sqrt", "sign", "exp", "log", "sin", "degrees", "isNaN", "stDev", "sum", "avg", "min", "max",
    "collect", "count", "head", "last", "tail", "toInteger", "toString", "toFloat", "toBoolean", "coalesce",
    "reverse",
]  # fmt: skip
FORMS = [
    *(f"RETURN {name}({{}})" for name in ONE),
    "RETURN split({}, ',')", "RETURN substring({}, 1)", "RETURN substring(n.x, {})", "RETURN left(n.x, {})",
    "RETURN replace({}, 'a', 'b')", "RETURN replace(n.x, {}, 'b')", "RETURN range({}, 3)", "RETURN range(1, {})",
    "RETURN round(n.x, {})", "RETURN percentileCont({}, 0.5)", "RETURN n.x IN {}", "RETURN {} IN ['a']",
    "RETURN {} =~ 'a'", "RETURN {} STARTS WITH 'a'", "RETURN {} < 1", "RETURN {} = 1", "RETURN NOT {}",
    "RETURN {}[0]", "RETURN n.x[{}]", "RETURN n.x[0..{}]", "UNWIND {} AS q RETURN q", "RETURN [q IN {} | q]",
    "RETURN all(q IN {} WHERE true)", "RETURN reduce(s = 0, q IN {} | s + 1)", "RETURN CASE WHEN {} THEN 1 END",
    "RETURN CASE {} WHEN 1 THEN 1 END", "RETURN -{}", "RETURN coalesce({}, 1) - 1",
]  # fmt: skip
SUMS = [f"RETURN {a} {operator} {b}" for operator in "+-*/%^" for a, b in product(VALUES.values(), repeat=2)]
CHAINS = [
    "RETURN [1] + 1 + {a: 1}", "RETURN 'a' + n.x + 1 + true", "RETURN 1 + 'a' - 1", "RETURN [1] + 1 - 1",
    "RETURN nodes(p) + n + r", "RETURN length(last(n.x))", "UNWIND ['a'] AS x RETURN x * 1", "RETURN 2 ^ 3 ^ true",
    "RETURN [x IN ['a'] | x - 1]", "RETURN [x IN n.list | x - 1]", "RETURN p {.a}", "RETURN n.a || n.b",
    "WITH p, length(last(n.begin)) AS d RETURN d", "RETURN length(DISTINCT p)", "RETURN toUpper(DISTINCT n.x)",
    "RETURN coalesce(DISTINCT n.x, 1)", "RETURN percentileCont(DISTINCT n.x, 0.5)",
    "RETURN length(DISTINCT (-n.x) + n.y)", "RETURN size(DISTINCT n.x)", "RETURN stDev(DISTINCT n.x)",
    "WHERE exists{(n)}-[r] RETURN n", "RETURN collect(DISTINCT (n) - r)",
]  # fmt: skip


def test_neo4j_agrees_about_what_every_function_and_operator_takes(analyser: Any) -> None:
    texts = [form.format(value) for form in FORMS for value in VALUES.values()] + SUMS + CHAINS
    queries = [f"MATCH p = (n)-[r]->() {text}" for text in texts]
    verdicts = analyser(queries)
    assert sum(map(bool, verdicts)) > 300
    assert [(q, v) for q, v in zip(queries, verdicts, strict=True) if bool(v) != bool(check(q))] == []


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("MATCH (n) WHERE n.x - n > 1 RETURN n", "- can not be used with a node."),
        ("RETURN 1 + 'a' - 1", "- can not be used with a string."),
        ("MATCH (n) RETURN length(last(n.x))", "length() takes a path, and this is a value."),
        ("MATCH (n) RETURN n.x IN 3", "IN takes a list, and this is an integer."),
        ("MATCH (n) RETURN [1, 2]['a']", "the place in [ ] is an integer, and this is a string."),
        ("RETURN true[0]", "[ ] can not be used with a boolean."),
    ],
)
def test_the_complaint_says_what_does_not_fit(query: str, said: str) -> None:
    assert [c.message for c in check(query)] == [said]


def test_a_property_that_is_never_true_or_false_is_no_condition() -> None:
    schema = GraphSchema.from_text(
        "(:Person {name: STRING, alive: BOOLEAN})\n(:Movie {title: STRING, tags: LIST<ANY>})\n"
        "(:Person)-[:RATED {score: INTEGER}]->(:Movie)"
    )
    fine = "MATCH (p:Person)-[r]->(m) WHERE p.alive AND p.name IS NOT NULL AND NOT m.tags[0] RETURN p"
    assert check(fine, schema) == []
    wrong = "MATCH (p:Person)-[r:RATED]->(m) WHERE p.alive AND NOT r.score RETURN CASE WHEN m.title THEN 1 END"
    assert [c.message for c in check(wrong, schema)] == [
        "A condition is true or false, and score is INTEGER.",
        "A condition is true or false, and title is STRING.",
    ]
    assert check(wrong) == []
