"""Reading queries: what comes back, and what an error says."""

from __future__ import annotations

import cProfile
import inspect
import sys

import pytest

from cypher_magic.errors import CypherSyntaxError
from cypher_magic.query.check import check
from cypher_magic.query.parse import MAX_DEPTH, Node, parse


def kinds(query: str) -> set[str]:
    return {str(part.data) for part in parse(query).tree.walk() if isinstance(part, Node)}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("RETURN (a)-->(b)", "pattern"),
        ("RETURN (a)-(b)", "sum"),
        ("RETURN (a) - [1, 2][0]", "sum"),
        ("RETURN (a.x)-(b.x)", "sum"),
        ("RETURN [x IN [1] | x]", "list_comprehension"),
        ("RETURN [1 IN [1], x IN y]", "list"),
        ("RETURN [(a)-->(b) | b.x]", "pattern_comprehension"),
        ("RETURN [p = (a)-->(b) | p]", "pattern_comprehension"),
        ("RETURN a {.x, .*}", "map_projection"),
        ("RETURN count {.x}", "map_projection"),
        ("RETURN count { (a)-->(b) }", "count"),
        ("RETURN count(x)", "call"),
        ("RETURN all(x IN y WHERE x)", "quantified"),
        ("RETURN all(x)", "call"),
        ("RETURN reduce(a = 0, x IN y | a + x)", "reduce"),
        ("RETURN trim(BOTH 'x' FROM y)", "trim"),
        ("MATCH ((a)-->(b)){2} RETURN a", "group"),
        ("MATCH p = shortestPath((a)-[*]-(b)) RETURN p", "shortest"),
    ],
)
def test_signs_with_several_meanings_are_read_as_cypher_does(query: str, expected: str) -> None:
    assert expected in kinds(query)


def test_the_last_bar_of_a_comprehension_is_its_own_and_the_others_join_labels() -> None:
    tree = parse("RETURN [n IN ns WHERE n:A|B | n.x]").tree
    labels = [part for part in tree.walk() if isinstance(part, Node) and part.data == "label_or"]
    assert [str(t) for t in labels[0].tokens("NAME")] == ["A", "B"]


def test_keywords_are_names_where_only_a_name_fits() -> None:
    query = "MATCH (order:Order)-[in:IN]->(count) WHERE order.limit IN [1] RETURN order.match AS return, count.set"
    names = [str(t) for t in parse(query).tokens if t.type == "NAME"]
    assert names == [
        "order",
        "Order",
        "in",
        "IN",
        "count",
        "order",
        "limit",
        "order",
        "match",
        "return",
        "count",
        "set",
    ]


def test_positions_count_in_the_original_text_when_escapes_were_decoded() -> None:
    query = parse(r"RETURN \u0061bc AS x")
    name = next(t for t in query.tokens if t.type == "NAME")
    assert (str(name), name.start_pos, name.end_pos) == ("abc", 7, 15)


@pytest.mark.parametrize(
    ("query", "line", "column", "hint"),
    [
        ("MATCH (n)\nRETRUN n", 2, 1, "did you mean RETURN?"),
        ("MATCH (n) WHERE n.x != 1 RETURN n", 1, 21, "write <>"),
        ("MATCH (n) RETURN n\nGROUP BY n", 2, 1, "groups by every column"),
        ("MATCH (n) WHERE n.x NOT IN [1] RETURN n", 1, 21, "NOT x IN list"),
        ("MATCH (n RETURN n", 1, 10, ") is missing"),
        ("SELECT * FROM x", 1, 1, "starts with MATCH"),
        ("MATCH (n) RETURN 'a", 1, 18, ""),
        ("MATCH (n) RETURN 1a", 1, 18, "names start with a letter"),
        ("MATCH (n) RETURN n; RETURN 1", 1, 21, "one query at a time"),
        ("MATCH (n) RETURN", 1, 17, "a value is missing"),
    ],
)
def test_a_syntax_error_has_a_place_and_a_hint(query: str, line: int, column: int, hint: str) -> None:
    with pytest.raises(CypherSyntaxError) as error:
        parse(query)
    assert (error.value.line, error.value.column) == (line, column)
    assert hint in error.value.hint


def test_the_deepest_nesting_that_is_let_in_leaves_room_on_the_stack() -> None:
    level = "[x IN y WHERE NOT x.a = 1 AND x.b OR x.c XOR x.d IN z | 1 + 1 * 2 ^ -"
    depth = MAX_DEPTH - 1
    texts = (
        "RETURN " + level * depth + "1" + "]" * depth,
        "MATCH (n) WHERE " + "EXISTS { MATCH (n) WHERE NOT " * depth + "n.x" + "}" * depth + " RETURN n",
        "RETURN " + "CASE WHEN NOT true THEN 1 + " * depth + "1" + " END" * depth,
    )

    def codes(depth: int, text: str) -> set[str]:
        return codes(depth - 1, text) if depth else {c.code for c in check(text)}

    for text in texts:
        parse(text)
        assert "too_deep" not in codes(sys.getrecursionlimit() // 4, text)


def test_nesting_that_is_too_deep_is_a_complaint_whatever_is_left_of_the_stack() -> None:
    text = "RETURN " + "[1 + 2 * 3 ^ -" * (MAX_DEPTH - 1) + "a" + "]" * (MAX_DEPTH - 1)

    def codes(depth: int) -> set[str]:
        return codes(depth - 1) if depth else {c.code for c in check(text)}

    room = sys.getrecursionlimit() - len(inspect.stack()) - 60
    assert codes(room) == {"too_deep"}
    with pytest.raises(CypherSyntaxError, match="nests too deep"):
        parse("RETURN " + "(" * 10_000)


def test_a_long_text_takes_work_in_proportion_to_its_length() -> None:
    def calls(text: str) -> int:
        profile = cProfile.Profile()
        profile.runcall(check, text)
        return sum(entry.callcount for entry in profile.getstats())

    check("RETURN 1")
    for head, repeat in (("RETURN 1", " + 1"), ("RETURN a", ".b"), ("MATCH (a)", "-->(a)"), ("RETURN [1", ", 1")):
        tail = {"MATCH (a)": " RETURN 1", "RETURN [1": "]"}.get(head, "")
        short, long = (calls(head + repeat * n + tail) for n in (500, 4000))
        assert long < 8 * 1.2 * short, (head, short, long)
