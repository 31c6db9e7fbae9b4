"""Verdicts on tricky queries, everywhere; compared with Neo4j's own analyser where Node is there."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
import yaml

from cypher_magic.query.check import check
from cypher_magic.query.parse import parse
from cypher_magic.query.readonly import read_only

CORPUS = yaml.safe_load((Path(__file__).with_name("corpus") / "tricky.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("query", CORPUS["valid"])
def test_nothing_is_said_against_a_valid_query(query: str) -> None:
    assert check(query) == []


@pytest.mark.parametrize("case", CORPUS["wrong"], ids=lambda case: case["query"])
def test_a_wrong_query_gets_the_right_complaint_at_the_right_place(case: dict[str, Any]) -> None:
    first = check(case["query"])[0]
    assert (first.code, [first.line, first.column]) == (case["code"], case["at"])


def test_neo4j_agrees_about_the_tricky_queries(analyser: Any, place_of: Any) -> None:
    wrong = [case["query"] for case in CORPUS["wrong"]]
    verdicts = analyser([*CORPUS["valid"], *wrong, *CORPUS["beyond"]])
    accepted, rest = verdicts[: len(CORPUS["valid"])], verdicts[len(CORPUS["valid"]) :]
    assert [q for q, v in zip(CORPUS["valid"], accepted, strict=True) if v] == []
    assert [q for q, v in zip([*wrong, *CORPUS["beyond"]], rest, strict=True) if not v] == []
    elsewhere = [q for q, v in zip(wrong, rest, strict=False) if not place_of(q, check(q), v)]
    assert len(elsewhere) <= 0.05 * len(wrong), elsewhere


@pytest.mark.slow
@pytest.mark.timeout(3600)  # 20 to 70 ms a query for the analyser, the first time
def test_verdicts_on_thousands_of_model_written_queries_agree_with_neo4j(
    analyser: Any, place_of: Any, shared: Path
) -> None:
    path = shared / "data" / "text2cypher" / "text2cypher_gpt4turbo.csv"
    if not path.is_file():
        pytest.skip(f"{path.name} is not there")
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row["cypher"] for row in csv.DictReader(file)]
    queries = list(dict.fromkeys(rows))
    verdicts = dict(zip(queries, analyser(queries), strict=True))
    accepted = [q for q in rows if not verdicts[q]]
    rejected = [q for q in rows if verdicts[q]]
    passed = [q for q in accepted if not read_only(q)]
    without_complaint = [q for q in accepted if not check(q)]
    caught = [q for q in rejected if check(q)]
    right = [q for q in caught if place_of(q, check(q), verdicts[q])]
    print(f"\n{len(rows)} rows, {len(queries)} different queries")
    print(f"accepted by Neo4j: {len(accepted)}; pass parser and gate: {_share(passed, accepted)}")
    print(f"  and the check without a schema: {_share(without_complaint, accepted)}")
    print(
        f"rejected by Neo4j: {len(rejected)}; caught: {_share(caught, rejected)}, in place: {_share(right, rejected)}"
    )
    assert len(passed) >= 0.995 * len(accepted)
    assert len(without_complaint) >= 0.995 * len(accepted)
    assert len(right) >= 0.95 * len(rejected)


def _share(part: list[str], whole: list[str]) -> str:
    return f"{len(part)} = {100 * len(part) / len(whole):.2f} %"


def test_every_query_of_the_corpus_that_is_valid_may_run() -> None:
    assert [q for q in CORPUS["valid"] if any(c.code != "function" for c in read_only(q))] == []


def test_positions_of_the_tree_are_those_of_the_text() -> None:
    for query in CORPUS["valid"]:
        for token in parse(query).tokens:
            if token.type in ("NAME", "STRING", "INTEGER") and "\\u" not in query:
                assert query[token.start_pos : token.end_pos] == token
