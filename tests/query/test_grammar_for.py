from __future__ import annotations

import csv
import random
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from cypher_magic.data.schemas import read_schemas
from cypher_magic.graph.schema import GraphSchema, Index
from cypher_magic.query.check import check
from cypher_magic.query.grammar_for import grammar_for
from cypher_magic.query.readonly import read_only
from tests.model.tiny_folder import tiny_tokenizer

SCHEMA = GraphSchema.from_text(
    """
    (:Person {name: STRING, born: INTEGER})
    (:Movie {title: STRING, `shown at`: DATE})
    (:`Odd one`)
    (:Person)-[:ACTED_IN {roles: LIST<STRING>}]->(:Movie)
    (:Person)-[:FOLLOWS]->(:Person)
    """
)
Accepts = Callable[..., bool]


@cache
def tokens() -> Any:
    from llguidance.hf import from_tokenizer

    return from_tokenizer(tiny_tokenizer("chatml"))


@pytest.fixture(scope="module")
def accepts() -> Accepts:
    """Whether a query can be written with the grammar for a schema."""
    from llguidance import LLMatcher

    made: dict[Any, Any] = {}

    def answer(query: str, schema: GraphSchema | None = SCHEMA, **options: Any) -> bool:
        key = (schema.render() if schema else None, schema.indexes if schema else (), tuple(options.items()))
        if key not in made:
            made[key] = LLMatcher(tokens(), grammar_for(schema, **options), log_level=0)
            assert not made[key].is_error(), made[key].get_error()
        matcher = made[key].deep_copy()
        ids = tokens().tokenize_str(query)
        return bool(matcher.try_consume_tokens(ids) == len(ids) and matcher.is_accepting())

    return answer


WRITABLE = """
MATCH (p:Person) RETURN CASE WHEN p.born > 1 THEN 1 ELSE 2 END AS x
MATCH (p:Person) RETURN CASE p.born WHEN 1 THEN 1 WHEN 2 THEN 3 END
MATCH (p:Person)-[:ACTED_IN]->(m:Movie) WHERE NOT (p)-[:FOLLOWS]->(:Person) AND m.title STARTS WITH 'A' RETURN p
MATCH (m:Movie)<-[r:ACTED_IN]-(p) WHERE 'Neo' IN r.roles RETURN p, m.title AS title ORDER BY title DESC, p.name LIMIT 3
MATCH (p:Person {name: "x", born: 1}) WHERE EXISTS { (p)-[:ACTED_IN]->(:Movie {title: 'y'}) } RETURN p
MATCH (p:Person) WHERE exists((p)-[:FOLLOWS]->()) RETURN count { (p)-[:FOLLOWS]->() } AS c, count(*), count(DISTINCT p)
MATCH (p:Person) CALL { WITH p MATCH (p)-[:ACTED_IN]->(m) RETURN count(m) AS c } RETURN p.name, c
MATCH (a:Person), (b:Person) MATCH path = shortestPath((a)-[:FOLLOWS*1..5]-(b)) RETURN length(path)
MATCH (p:Person) UNWIND [1, 2] AS x WITH p, x WHERE x > 1 RETURN p {.name, age: x}
MATCH (p:Person) RETURN [x IN collect(p.name) WHERE x <> 'a' | toUpper(x)][0..3] AS l, reduce(t = 0, y IN [1] | t + y)
MATCH (p:Person) RETURN DISTINCT p.name AS n UNION ALL MATCH (m:Movie) RETURN m.title AS n
MATCH (m:Movie) WHERE m.`shown at` = date('2000-01-01') RETURN date().year, m.`shown at`.month
MATCH (p:Person) WHERE all(x IN [1,2] WHERE x > p.born) OR p.born IS NOT NULL XOR p.born <= -1 RETURN p
OPTIONAL MATCH (p:Person)-[:ACTED_IN|FOLLOWS]->(x) RETURN labels(x), x.name =~ '(?i).*\\\\d' SKIP 2 LIMIT 3
MATCH (p)--(q) RETURN [(p)-[:FOLLOWS]->(z) | z.name] AS names
MATCH (n:`Odd one`) WHERE n:Person OR n:Movie RETURN n
MATCH (p:Person)-[:ACTED_IN]-(m:Movie)-[]-(q:Person) RETURN *
CALL db.labels() YIELD label RETURN label
""".strip().splitlines()  # fmt: skip

NOT_WRITABLE = """
MATCH (n:Person) DELETE n
MATCH (p:Person) SET p.name = 'x' RETURN p
MATCH (p:Movie)-[:FOLLOWS]-(m) RETURN p
MATCH (p:Person)-[:ACTED_IN]->(q:Person) RETURN p
MATCH (p:Person)<-[:FOLLOWS]-(q:Movie) RETURN p
MATCH (p:Person)<-[:FOLLOWS]->(q:Person) RETURN p
MATCH (p:Person)-[:LIKES]->(m) RETURN p
MATCH (p:Persona) RETURN p
MATCH (p:Person) RETURN p.title2
MATCH (p:Person {title: 'x'}) RETURN p
MATCH (p:Person)-[:FOLLOWS {roles: 'x'}]->(q) RETURN p
MATCH (p:Person) RETURNp
MATCH (p:Person) RETURN p;
MATCH (p:Person)
RETURN apoc.cypher.run('x')
RETURN unheard(1)
RETURN $x
CALL dbms.killQuery('x')
CALL db.index.fulltext.queryNodes('x', 'y') YIELD node RETURN node
LOAD CSV FROM 'x' AS row RETURN row
EXPLAIN MATCH (p:Person) RETURN p
MATCH (n:Person) CALL { WITH n DELETE n RETURN 1 AS x } RETURN x
MATCH (n) RETURN n LIMIT 10000000000000000000000000
SELECT * FROM Person
""".strip().splitlines()


@pytest.mark.parametrize("query", WRITABLE)
def test_a_reading_query_of_the_graph_can_be_written(accepts: Accepts, query: str) -> None:
    assert accepts(query)
    assert accepts(query, None)
    assert read_only(query) == []


@pytest.mark.parametrize("query", NOT_WRITABLE)
def test_what_the_graph_does_not_have_or_what_writes_can_not_be_written(accepts: Accepts, query: str) -> None:
    assert not accepts(query)


def test_without_a_schema_every_name_can_be_written(accepts: Accepts) -> None:
    assert accepts("MATCH (a:Foo {x: 1})<-[:`BAR baz` {y: 2}]-(b:Bar|Baz) WHERE a.`odd one` = 1 RETURN b.z", None)
    assert not accepts("MATCH (a:Foo) DELETE a", None)


def test_the_ends_of_relationships_can_be_left_open(accepts: Accepts) -> None:
    query = "MATCH (a:Person)-[:ACTED_IN]->(b:Person) RETURN a"
    assert not accepts(query)
    assert accepts(query, ends=False)
    assert not accepts(query.replace("ACTED_IN", "LIKES"), ends=False)


def test_a_relationship_leads_on_from_where_the_last_one_led(accepts: Accepts) -> None:
    assert accepts("MATCH (a:Person)-[:FOLLOWS]->(:Person)-[:ACTED_IN]->(:Movie)<-[:ACTED_IN]-(a) RETURN a")
    assert accepts("MATCH (a:Person)-[:ACTED_IN]->(x)<-[:ACTED_IN]-(a) RETURN a")
    assert not accepts("MATCH (a:Person)-[:ACTED_IN]->(:Movie)-[:FOLLOWS]->(a) RETURN a")


def test_repetitions_end(accepts: Accepts) -> None:
    assert accepts("RETURN " + ", ".join(f"{i} AS x{i}" for i in range(12)))
    assert not accepts("RETURN " + ", ".join(f"{i} AS x{i}" for i in range(100)))
    assert not accepts("MATCH (a)" + "--()" * 30 + " RETURN a")
    assert not accepts("RETURN '" + "x" * 1000 + "'")
    text = re.sub(r'"(?:[^"\\]|\\.)*"', "", grammar_for(SCHEMA))
    text = re.sub(r"\[(?:[^\]\\]|\\.)*\]", "", re.sub(r"\\.", "", text))  # no classes and escapes of patterns
    assert [line for line in text.splitlines() if re.search(r"(?<![\w ])[*+]|[)\w][*+]", line)] == []


def test_banned_names_can_not_be_written(accepts: Accepts) -> None:
    banned = frozenset(("born", "Movie", "FOLLOWS", "count"))
    assert accepts("MATCH (p:Person)-[:ACTED_IN]->(m) RETURN p.name, sum(1)", banned=banned)
    for query in (
        "MATCH (p:Person) RETURN p.born",
        "MATCH (p:Person)-[:ACTED_IN]->(m:Movie) RETURN p",
        "MATCH (p)-[:FOLLOWS]->(m) RETURN p",
        "MATCH (p) RETURN count(p)",
    ):
        assert not accepts(query, banned=banned)


def test_only_given_texts_can_be_written(accepts: Accepts) -> None:
    texts = ("O'Brien", "a.c", "(50 %) [x] / #1 & ~-^$", "C:\\new", "Łódź", "{}|*+?")
    for text in texts:
        literal = "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
        assert accepts(f"MATCH (p:Person {{name: {literal}}}) RETURN p.name", texts=texts)
    for other in ("'abc'", "'O'", "''", '"a.c"', "'Lodz'"):
        assert not accepts(f"MATCH (p:Person {{name: {other}}}) RETURN p.name", texts=texts)


def test_a_fulltext_index_brings_its_procedure(accepts: Accepts) -> None:
    query = "CALL db.index.fulltext.queryNodes('titles', 'matrix') YIELD node, score RETURN node.title AS t"
    with_index = GraphSchema(
        SCHEMA.labels, SCHEMA.relationship_types, SCHEMA.triples, (Index("titles", "FULLTEXT", "Movie", ("title",)),)
    )
    assert accepts(query, with_index)
    assert not accepts(query)


@pytest.mark.parametrize(
    "schema",
    [GraphSchema(), GraphSchema({"A": {}}), GraphSchema({"A": {}, "B": {"x": "STRING"}}, {"R": {}}, ())],
    ids=["empty", "one label", "no triples"],
)
def test_small_schemas_have_a_grammar_too(accepts: Accepts, schema: GraphSchema) -> None:
    assert accepts("MATCH (n) RETURN n", schema)
    assert accepts("MATCH (n)--(m) RETURN n", schema)
    assert accepts("MATCH (n:A)-[:R]->(m:B) WHERE m.x = 1 RETURN n", schema) == bool(schema.relationship_types)


def test_queries_that_people_and_models_write_can_be_written(accepts: Accepts, shared: Path) -> None:
    folder = shared / "data" / "text2cypher"
    if not folder.is_dir():
        pytest.skip("the text2cypher data is not there")
    texts = read_schemas(folder / "text2cypher_schemas.csv")
    schemas = {name: GraphSchema.from_text(text) for name, text in texts.items()}
    with (folder / "text2cypher_gpt4turbo.csv").open(encoding="utf-8", newline="") as file:
        rows = [(schemas[r["database"]], r["cypher"]) for r in csv.DictReader(file) if r["database"] in schemas]
    drawn = random.Random(0).sample(rows, 500)
    sound = [(query, schema) for schema, query in drawn if not (check(query, schema) or read_only(query))]
    refused = [query for query, schema in sound if not accepts(query, schema)]
    assert len(refused) <= 0.02 * len(sound), refused


def test_letters_that_only_look_like_those_of_a_function_are_none(accepts: Accepts) -> None:
    assert accepts("MATCH (p:Person) RETURN keys(p)") and accepts("MATCH (p:Person) RETURN KEYS(p)")
    assert not accepts("MATCH (p:Person) RETURN \u212aEYS(p)")  # a Kelvin sign, which is a K where case is folded
    assert not accepts("MATCH (p:Person) WHERE \u017fingle(x IN [1] WHERE x = 1) RETURN p")  # a long s
