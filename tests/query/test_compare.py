"""When two queries are the same text, and two results the same rows."""

from __future__ import annotations

import random

import pytest

from cypher_magic.query.compare import normalised, same_rows


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("match (n) return n", "MATCH (n)\n  RETURN n ;"),
        ("MATCH (n) RETURN n // all", "MATCH (n) /* all */ RETURN n"),
        ("RETURN COUNT(*)", "RETURN count( * )"),
        ("""RETURN "it's" """, r"RETURN 'it\'s'"),
        ("MATCH (n:`Movie`) RETURN n", "MATCH (n:Movie) RETURN n"),
        ("MATCH (a)-->(b) RETURN a", "MATCH (a) -- > (b) RETURN a"),
    ],
)
def test_queries_that_differ_in_nothing_that_counts_are_one(a: str, b: str) -> None:
    assert normalised(a) == normalised(b)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("MATCH (n:Movie) RETURN n", "MATCH (n:movie) RETURN n"),
        ("RETURN 'A'", "RETURN 'a'"),
        ("MATCH (n) RETURN n", "MATCH (N) RETURN N"),
        ("RETURN $A", "RETURN $a"),
        ("MATCH (a)-->(b) RETURN a", "MATCH (a)<--(b) RETURN a"),
    ],
)
def test_queries_that_differ_in_meaning_are_two(a: str, b: str) -> None:
    assert normalised(a) != normalised(b)


def test_a_template_has_no_literals() -> None:
    one = normalised("MATCH (n {name: 'x'}) WHERE n.y IN [1, 2, 3] RETURN n LIMIT 5", mask=True)
    two = normalised('match (n {name: "y z"}) where n.y in [7,8] return n limit 10', mask=True)
    assert one == two == "MATCH ( n { name : ? } ) WHERE n . y IN [ ? ] RETURN n LIMIT ?"
    assert normalised("RETURN 1.5, true, null", mask=True) == "RETURN ? , TRUE , NULL"


def test_what_is_no_query_keeps_its_words() -> None:
    assert normalised("  not  a\nquery ") == "not a query"


def test_a_normalised_query_is_normal() -> None:
    query = 'match (n:`a b` {x: "it\'s"})-[r*1..3]-() where all(x IN n.l where x<>1) return n.`c d`, -1'
    assert normalised(normalised(query)) == normalised(query)


class _Node:
    def __init__(self, element_id: str) -> None:
        self.element_id = element_id


@pytest.mark.parametrize(
    ("a", "b", "ordered", "same"),
    [
        ([], [], False, True),
        ([(1,)], [], False, False),
        ([(1, "a"), (2, "b")], [(2, "b"), (1, "a")], False, True),
        ([(1, "a"), (2, "b")], [("b", 2), ("a", 1)], False, True),
        ([(1, "a"), (2, "b")], [("b", 1), ("a", 2)], False, False),
        ([(1,), (1,), (2,)], [(1,), (2,), (2,)], False, False),
        ([(1,), (2,)], [(2,), (1,)], True, False),
        ([(1, 5), (2, 4)], [(5, 1), (4, 2)], True, True),
        ([(1, 2), (2, 1)], [(1, 1), (2, 2)], False, False),
        ([(1, 1)], [(1,)], False, False),
        ([([3, 1, [2, 1]],)], [([1, [1, 2], 3],)], False, True),
        ([({"a": 1, "b": [2, 1]},)], [({"b": [1, 2], "a": 1},)], False, True),
        ([(0.1 + 0.2,)], [(0.3,)], False, True),
        ([(1,)], [(1.0,)], False, True),
        ([(True,)], [(1,)], False, False),
        ([("1",)], [(1,)], False, False),
        ([(None,)], [("",)], False, False),
        ([(float("nan"),)], [(float("nan"),)], False, True),
        ([(_Node("4:x:1"),)], [(_Node("4:x:1"),)], False, True),
        ([(_Node("4:x:1"),)], [(_Node("4:x:2"),)], False, False),
    ],
)
def test_rows_are_compared_as_a_bag_under_any_order_of_columns(
    a: list[tuple[object, ...]], b: list[tuple[object, ...]], ordered: bool, same: bool
) -> None:
    assert same_rows(a, b, ordered=ordered) is same
    assert same_rows(b, a, ordered=ordered) is same


def test_wide_results_with_many_equal_columns_are_compared_quickly() -> None:
    rows = [tuple((i * j) % 3 for j in range(14)) for i in range(200)]
    order = list(range(14))
    random.Random(0).shuffle(order)
    shuffled = [tuple(row[j] for j in order) for row in reversed(rows)]
    assert same_rows(rows, shuffled)
    different = [*shuffled[:-1], tuple(9 for _ in range(14))]
    assert not same_rows(rows, different)
