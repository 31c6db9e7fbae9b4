"""EXPLAIN and PROFILE in front of a query are seen wherever they may stand, however long the text in front is."""

from __future__ import annotations

import pytest

from cypher_magic.graph.plans import bare, explaining, from_one, mode, moved, profiling


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("RETURN 1", ""),
        ("EXPLAIN RETURN 1", "EXPLAIN"),
        ("profile RETURN 1", "PROFILE"),
        (" /* a */ // b\n\tExplain\nRETURN 1", "EXPLAIN"),
        ("CYPHER 5 runtime=slotted planner = cost EXPLAIN RETURN 1", "EXPLAIN"),
        ("CYPHER EXPLAIN RETURN 1", "EXPLAIN"),
        ("/* EXPLAIN */ RETURN 1", ""),
        ("// EXPLAIN RETURN 1", ""),
        ("/* never closed EXPLAIN RETURN 1", ""),
        ("EXPLAINED", ""),
        ("RETURN 1 /* */ EXPLAIN", ""),
    ],
)
def test_the_word_in_front_is_seen(text: str, expected: str) -> None:
    assert mode(text) == expected


@pytest.mark.timeout(60)  # tried in every way, the search would take hours
@pytest.mark.parametrize(
    "piece", ["/**/", "/* */ ", "//\n", " \t\n", "CYPHER ", "CYPHER a=b ", "CYPHER 5 ", "/*", "/* CYPHER */"]
)
def test_a_long_beginning_is_read_once(piece: str) -> None:
    assert mode(piece * 20_000 + "x") == ""


def test_a_profile_is_explained_instead_of_run() -> None:
    assert explaining("/* a */ PROFILE CREATE (n)", separator="\n")[0] == "/* a */ EXPLAIN CREATE (n)"
    asked, put = explaining("RETURN x", separator="\n")
    assert asked == "EXPLAIN\nRETURN x"
    assert put("Variable `x` not defined (line 2, column 8 (offset: 15))") == (
        "Variable `x` not defined (line 1, column 8 (offset: 7))"
    )


def test_a_query_is_profiled_once_and_its_places_stay_those_of_the_text() -> None:
    asked, put = profiling("RETURN x", separator="\n")
    assert asked == "PROFILE\nRETURN x"
    assert put("no x (line 2, column 8 (offset: 15))") == "no x (line 1, column 8 (offset: 7))"
    for text in ("EXPLAIN RETURN x", "// a\nPROFILE RETURN x"):
        assert profiling(text, separator="\n") == (text, str)


def test_places_are_moved_by_lines_and_by_columns_of_the_first_line() -> None:
    message = "`line 1` is not defined (line 1, column 8 (offset: 7)), nor is y (line 2, column 3)"
    assert moved(message, lines=4, columns=10, offset=50) == (
        "`line 1` is not defined (line 5, column 18 (offset: 57)), nor is y (line 6, column 3)"
    )
    assert moved("nothing is at a place", lines=1) == "nothing is at a place"


def test_columns_of_the_embedded_engine_count_from_one_too() -> None:
    assert from_one("Unexpected input 'RETRN' at line 1, column 16") == "Unexpected input 'RETRN' at line 1, column 17"
    assert (
        from_one("Syntax error at line 1:0 - mismatched input") == "Syntax error at line 1, column 1 - mismatched input"
    )
    assert explaining("RETURN x", separator=" ") == ("EXPLAIN RETURN x", from_one)


def test_the_words_in_front_become_blanks_of_the_same_length() -> None:
    assert bare("// a\nEXPLAIN RETURN 1") == "    \n        RETURN 1"
    assert bare("RETURN 1") == "RETURN 1"
