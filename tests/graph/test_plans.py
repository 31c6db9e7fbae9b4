"""EXPLAIN and PROFILE in front of a query are seen wherever they may stand, however long the text in front is."""

from __future__ import annotations

import pytest

from cypher_magic.graph.plans import explaining, mode


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
    asked, moved = explaining("RETURN x", separator="\n")
    assert asked == "EXPLAIN\nRETURN x"
    assert moved("Variable `x` not defined (line 2, column 8 (offset: 15))").startswith(
        "Variable `x` not defined (line 1, column 8"
    )
