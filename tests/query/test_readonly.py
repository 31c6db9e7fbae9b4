"""The read-only gate lets reading queries through and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from cypher_magic.query.readonly import read_only

ATTACKS = Path(__file__).with_name("attacks.yaml")


def attacks() -> Iterator[tuple[str, str]]:
    for group in yaml.safe_load(ATTACKS.read_text(encoding="utf-8")):
        for text in group.get("texts", []):
            yield group["category"], text
        for made in group.get("generate", []):
            yield group["category"], made["head"] + made["repeat"] * made["times"] + made["tail"]


@pytest.mark.parametrize(("category", "text"), list(attacks()), ids=lambda v: v[:40] or "empty")
def test_every_attack_is_refused_with_a_reason(category: str, text: str) -> None:
    complaints = read_only(text)
    assert complaints, category
    assert all(c.message and len(c.message) < 200 for c in complaints)


def test_there_are_at_least_150_different_attacks() -> None:
    assert len({text for _, text in attacks()}) >= 150


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("MATCH (n) DELETE n", "write"),
        ("CALL { CREATE (n) } RETURN 1", "write"),
        (r"MATCH (n) \u0044ELETE n", "write"),
        ("LOAD CSV FROM 'x' AS l RETURN l", "load_csv"),
        ("CALL apoc.load.json('x')", "procedure"),
        ("RETURN apoc.cypher.runFirstColumn('x', {})", "function"),
        ("SHOW USERS", "clause"),
        ("PROFILE RETURN 1", "clause"),
        ("RETURN 1; RETURN 2", "several_statements"),
        ("RETURN " + "(" * 200 + "1" + ")" * 200, "too_deep"),
        ("RETURN '" + "a" * 100_000 + "'", "too_long"),
        ("MATCH (n", "syntax"),
    ],
)
def test_the_complaint_says_what_kind_of_thing_is_refused(text: str, code: str) -> None:
    assert [c.code for c in read_only(text)] == [code]


@pytest.mark.parametrize(
    "text",
    [
        "MATCH (n) RETURN n",
        "MATCH (n) RETURN 'DELETE', n.set, n.`CREATE` AS merge // DELETE",
        "MATCH (create:Create)-[delete:DELETE]->(set) RETURN create, delete, set",
        "CALL db.labels() YIELD label RETURN label",
        "CALL db.index.fulltext.queryNodes('titles', 'matrix') YIELD node, score RETURN node, score",
        "CALL db.index.vector.queryNodes('v', 3, $embedding) YIELD node RETURN node",
        "CALL db.schema.visualization()",
        "RETURN apoc.coll.max([1, 2]), apoc.text.join(['a'], ','), apoc.date.format(1), apoc.convert.toJson({})",
        "RETURN apoc.map.merge({}, {}), apoc.math.round(1), apoc.number.format(1), apoc.temporal.format(date(), 'x')",
        "RETURN COUNT(*), tolower('A'), date.truncate('year', date()), point.distance($a, $b)",
        "RETURN `count`(1)",
        "RETURN 1;",
    ],
)
def test_reading_queries_pass(text: str) -> None:
    assert read_only(text) == []


def test_a_user_can_allow_a_function_a_procedure_and_a_whole_namespace() -> None:
    assert read_only("RETURN my.score(1)", allow=["my.score"]) == []
    assert read_only("CALL gds.pageRank.stream('g') YIELD score RETURN score", allow=["gds.*"]) == []
    assert read_only("CALL gdsx.write('g')", allow=["gds.*"]) != []


def test_allowing_a_name_does_not_allow_others_or_writing() -> None:
    assert read_only("RETURN my.other(1)", allow=["my.score"]) != []
    assert read_only("MATCH (n) DELETE n", allow=["*", "DELETE", "write"]) != []


def test_every_refused_call_is_named_where_it_stands() -> None:
    complaints = read_only("MATCH (n)\nRETURN one.x(n), two.y(n)")
    assert [(c.line, c.column) for c in complaints] == [(2, 8), (2, 18)]
