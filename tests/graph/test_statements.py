"""Statements as a person types them."""

from __future__ import annotations

from typing import Any

import pytest

from cypher_magic.errors import NotReadOnly, OptionError, QueryFailed
from cypher_magic.graph.statements import placed, run, split


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("RETURN 1", ["RETURN 1"]),
        ("RETURN 1;", ["RETURN 1"]),
        ("RETURN 1; RETURN 2 ;\n", ["RETURN 1", "RETURN 2"]),
        ('RETURN \';\' AS a; RETURN "x\\";" AS b', ["RETURN ';' AS a", 'RETURN "x\\";" AS b']),
        ("RETURN 1 AS `a;``b`; RETURN 2", ["RETURN 1 AS `a;``b`", "RETURN 2"]),
        ("// one; two\nRETURN 1 /* ; */; RETURN 2", ["// one; two\nRETURN 1 /* ; */", "RETURN 2"]),
        ("RETURN 1; // the end;", ["RETURN 1"]),
        (" ; ;\n// nothing", []),
        ("RETURN 'never closed ; ", ["RETURN 'never closed ;"]),
    ],
)
def test_statements_end_at_semicolons_outside_strings_names_and_comments(text: str, parts: list[str]) -> None:
    assert split(text) == parts


def test_a_statement_knows_where_it_starts() -> None:
    text = "\n RETURN 1;\n// two\nRETURN 2 ; "
    assert placed(text) == [(2, "RETURN 1"), (12, "// two\nRETURN 2")]
    assert all(text.startswith(part, start) for start, part in placed(text))


def test_an_empty_query_and_a_second_statement_are_one_line(demo_graph: Any) -> None:
    with pytest.raises(OptionError, match="empty"):
        run(demo_graph, " ; // nothing\n")
    with pytest.raises(OptionError, match="2 statements") as caught:
        run(demo_graph, "RETURN 1; RETURN 2")
    assert "--multi" in caught.value.hint


def test_several_statements_return_the_last_rows_and_the_sum_of_counters(embedded_graph: Any) -> None:
    text = "CREATE (:A); CREATE (:A {n: 1}); MATCH (a:A) RETURN count(a) AS n;"
    result = run(embedded_graph, text, write=True, multi=True)
    assert result.rows == ((2,),)
    assert result.counters["nodes_created"] == 2


def test_several_statements_stop_at_the_first_that_fails(embedded_graph: Any) -> None:
    with pytest.raises(QueryFailed):
        run(embedded_graph, "CREATE (:A); RETRN 1; CREATE (:A)", write=True, multi=True)
    assert embedded_graph.read("MATCH (a:A) RETURN count(a)").rows == ((1,),)
    with pytest.raises(NotReadOnly):
        run(embedded_graph, "RETURN 1; CREATE (:A)", multi=True)


def test_explain_brings_a_plan_and_no_rows_and_profile_brings_both(demo_graph: Any) -> None:
    explained = run(demo_graph, "MATCH (m:Movie) RETURN m.title", explain=True)
    assert (explained.rows, bool(explained.plan)) == ((), True)
    profiled = run(demo_graph, "MATCH (m:Movie) RETURN m.title;", profile=True, limit=3)
    assert len(profiled) == 3


@pytest.mark.neo4j
@pytest.mark.parametrize("option", ["explain", "profile", "write", "limit"])
def test_an_error_on_neo4j_names_the_place_in_the_whole_text(neo4j_graph: Any, option: str) -> None:
    text = "\nRETURN 1;\n  RETURN 2; RETRN 3"
    with pytest.raises(QueryFailed) as caught:
        run(neo4j_graph, text, multi=True, **{option: True})
    assert f"(line 3, column 13 (offset: {text.index('RETRN')}))" in caught.value.message


@pytest.mark.neo4j
def test_what_neo4j_remarks_stands_beside_the_plan_with_its_place_in_the_whole_text(neo4j_graph: Any) -> None:
    result = run(neo4j_graph, "RETURN 1;\n  MATCH (m:Movi) RETURN m", explain=True, multi=True)
    assert any("`Movi`" in note and "(line 2, column 12)" in note for note in result.notes)
    assert "Movi" not in (result.plan or "").splitlines()[0]


@pytest.mark.neo4j
def test_a_profile_of_a_write_on_neo4j_counts(neo4j_graph: Any) -> None:
    result = run(neo4j_graph, "CREATE (:A)", write=True, profile=True)
    assert result.counters == {"nodes_created": 1, "labels_added": 1}
    assert "DB Hits" in (result.plan or "")
