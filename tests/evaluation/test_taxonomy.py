from __future__ import annotations

import pytest

from cypher_magic.evaluation.shape import shape
from cypher_magic.evaluation.taxonomy import KINDS, kind_of
from cypher_magic.query.complaint import Complaint

BORN = "MATCH (p:Person {name: 'Tom Hanks'})-[:ACTED_IN]->(m:Movie) WHERE m.released > 1990 RETURN m.title"
FOLLOWS = "MATCH (a:User {name: 'x'})-[:FOLLOWS]->(b:User) RETURN b.name"


@pytest.mark.parametrize(
    ("codes", "ran", "kind"),
    [
        ((), False, "syntax"),
        (("syntax",), False, "syntax"),
        (("undefined_variable",), False, "syntax"),
        (("database",), False, "syntax"),
        (("timeout",), False, "syntax"),
        (("no_pattern",), False, "syntax"),
        (("invented",), False, "literal"),
        (("write", "syntax"), False, "not read-only"),
        (("procedure",), False, "not read-only"),
        (("load_csv",), False, "not read-only"),
        (("unknown_label", "reversed_direction"), False, "unknown name"),
        (("unknown_property",), True, "unknown name"),
        (("unknown_triple",), False, "unknown name"),
        (("reversed_direction",), False, "direction"),
        (("reversed_direction",), True, "direction"),
    ],
)
def test_what_was_complained_about_decides_first(codes: tuple[str, ...], ran: bool, kind: str) -> None:
    assert kind_of(BORN, BORN, [Complaint(code, "…") for code in codes], ran=ran) == kind


@pytest.mark.parametrize(
    ("reference", "query", "rows", "kind"),
    [
        (FOLLOWS, FOLLOWS.replace("-[:FOLLOWS]->", "<-[:FOLLOWS]-"), 3, "direction"),  # the schema allows both ways
        (FOLLOWS, FOLLOWS.replace("-[:FOLLOWS]->", "-[:FOLLOWS]-"), 3, "direction"),
        (FOLLOWS, FOLLOWS.replace("-[:FOLLOWS]->", "<-[:FOLLOWS]-"), 0, "direction"),
        (BORN, "MATCH (x:Person {name: 'Tom Hanks'})<-[:ACTED_IN]-(y:Movie) RETURN y.title LIMIT 1", 1, "direction"),
        (BORN, BORN.replace("m.title", "count(m)"), 1, "aggregation"),
        (BORN.replace("m.title", "count(m)"), BORN.replace("m.title", "count(DISTINCT m)"), 1, "aggregation"),
        (BORN.replace("m.title", "count(m)"), BORN.replace("m.title", "p.name, count(m)"), 1, "aggregation"),
        (BORN.replace("m.title", "count(m)"), BORN.replace("m.title", "count(m) AS films"), 1, "wrong rows"),
        (BORN, BORN.replace("1990", "1991"), 3, "literal"),
        (BORN, BORN.replace("Tom Hanks", "Tom Hank"), 0, "literal"),
        (BORN, BORN.replace("'Tom Hanks'", '"Tom Hanks"'), 0, "empty"),  # quotes do not make another value
        (BORN, BORN.replace("{name: 'Tom Hanks'}", "").replace(">", "<"), 0, "empty"),
        (BORN, BORN + " LIMIT 7", 3, "wrong rows"),  # a limit is no value to look for
        (BORN, BORN.replace("m.title", "m.released"), 3, "wrong columns"),
        (BORN, BORN.replace("m.title", "m.title, m.released"), 3, "wrong columns"),
        (BORN, BORN.replace(">", "<"), 3, "wrong rows"),
        (BORN, "this is understood by the server alone", 3, "wrong rows"),
        (BORN, "this is understood by the server alone", 0, "empty"),
    ],
)
def test_a_query_that_ran_is_judged_by_how_it_differs(reference: str, query: str, rows: int, kind: str) -> None:
    assert kind_of(reference, query, (), ran=True, rows=rows, wanted=5) == kind
    assert kind in KINDS


def test_an_empty_result_is_none_where_the_reference_is_empty_too() -> None:
    assert kind_of(BORN, BORN.replace(">", "<"), (), ran=True, rows=0, wanted=0) == "wrong rows"


@pytest.mark.parametrize(
    ("query", "hops", "family"),
    [
        ("MATCH (m:Movie) RETURN m.title", "0", "all"),
        ("MATCH (m:Movie {title: 'x'}) RETURN m.released", "0", "lookup"),
        ("MATCH (m:Movie) WHERE m.title CONTAINS 'x' RETURN m", "0", "filter"),
        ("MATCH (m:Movie) WHERE m.released > 1 AND m.released < 5 RETURN m", "0", "combined"),
        ("MATCH (m:Movie) RETURN count(*)", "0", "count"),
        ("MATCH (m:Movie) RETURN avg(m.released)", "0", "aggregate"),
        ("MATCH (p)-[:ACTED_IN]->(m:Movie) RETURN m.title, count(p)", "1", "group"),
        ("MATCH (p)-[:ACTED_IN]->(m:Movie) WITH p, count(m) AS n WHERE n > 2 RETURN p.name", "1", "group"),
        ("MATCH (m:Movie) RETURN m.title ORDER BY m.released DESC LIMIT 3", "0", "top"),
        ("MATCH (p)-->(m) WHERE NOT (p)-[:DIRECTED]->(m) RETURN p", "2", "absence"),
        ("MATCH (p) WHERE NOT EXISTS { (p)-[:DIRECTED]->() } RETURN p", "1", "absence"),
        ("MATCH (p) WHERE EXISTS { MATCH (p)-[:DIRECTED]->() } RETURN p", "1", "existence"),
        ("MATCH (p) WHERE (p)-[:DIRECTED]->() RETURN p", "1", "existence"),
        ("MATCH (p) WHERE NOT p.born > 1990 RETURN p", "0", "filter"),
        ("MATCH (p) OPTIONAL MATCH (p)-[:WROTE]->(m) RETURN p, m", "1", "optional"),
        ("MATCH (a)-[:A]->(b) RETURN a UNION MATCH (a)-[:B]->(b)-[:C]->(c) RETURN a", "2", "sets"),
        ("MATCH p = shortestPath((a)-[*]-(b)) RETURN length(p)", "variable", "path"),
        ("MATCH (a)-[:A*1..3]->(b) RETURN b", "variable", "path"),
        ("MATCH (a)-[:A]->(b)-[:B]->(c)-[:C]->(d)-[:D]->(e) RETURN e", "3 or more", "all"),
    ],
)
def test_hops_and_family_are_read_from_the_tree(query: str, hops: str, family: str) -> None:
    found = shape(query)
    assert found is not None
    assert (found.reach, found.family) == (hops, family)


def test_a_text_that_is_no_query_has_no_shape() -> None:
    assert shape("MATCH (m") is None
    assert shape("") is None


def test_every_kind_is_said_in_words() -> None:
    assert list(KINDS) == [
        "syntax", "not read-only", "unknown name", "direction", "aggregation", "literal", "empty", "wrong columns",
        "wrong rows",
    ]  # fmt: skip
    assert all(KINDS.values())
