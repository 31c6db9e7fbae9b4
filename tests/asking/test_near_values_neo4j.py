"""Near values on a real Neo4j: through its full-text index, its range index, and without any."""

from __future__ import annotations

from typing import Any

import pytest

from cypher_magic.asking.ask import Rules, ask
from cypher_magic.asking.values import missing
from tests.asking.test_ask import Script

pytestmark = pytest.mark.neo4j

NAMES = ("Jörg Müller", "Anna O'Brien", "Anna Obrist", "Bo Li")


@pytest.fixture
def people(neo4j_graph: Any) -> Any:
    neo4j_graph.write("UNWIND $names AS n CREATE (:Person {name: n, alias: n, nick: n})", {"names": NAMES})
    neo4j_graph.write(
        "UNWIND range(1, 3000) AS i CREATE (:Person {name: 'Person ' + i, alias: 'P' + i, nick: 'p' + i})"
    )
    neo4j_graph.write("CREATE (:City {name: 'Köln'})")
    neo4j_graph.write("CREATE FULLTEXT INDEX names FOR (p:Person) ON EACH [p.name]")
    neo4j_graph.write("CREATE INDEX aliases FOR (p:Person) ON (p.alias)")
    neo4j_graph.write("CALL db.awaitIndexes(30)")
    neo4j_graph.schema(refresh=True)
    return neo4j_graph


@pytest.mark.parametrize("name", ["name", "alias", "nick"])  # by words, by its beginning, by scanning the label
@pytest.mark.parametrize(
    ("wanted", "value"),
    [("jörg müller", "Jörg Müller"), ("Jörg Muller", "Jörg Müller"), ("Anna O Brien", "Anna O'Brien"), ("Kln", None)],
)
def test_a_value_is_found_with_each_kind_of_index(people: Any, name: str, wanted: str, value: str | None) -> None:
    query = f"MATCH (p:Person {{{name}: '{wanted}'}}) RETURN p.{name} AS name"
    answer = ask(f"Who is {wanted}?", model=Script(query), graph=people, rules=Rules(retries=0))
    assert answer.complaints == () and answer.result is not None
    assert [row[0] for row in answer.result.rows] == ([value] if value else [])


def test_probes_go_to_the_index_first(people: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []
    read = type(people).read
    monkeypatch.setattr(people, "read", lambda text, *a, **o: sent.append(text) or read(people, text, *a, **o))
    for name, through in (("name", "db.index.fulltext.queryNodes"), ("alias", "STARTS WITH")):
        sent.clear()
        found = missing(f"MATCH (p:Person {{{name}: 'jörg müller'}}) RETURN p", people.schema(), people)
        assert "'Jörg Müller'" in found.query
        assert through in sent[-1] and not any("CONTAINS" in text for text in sent)


def test_a_value_under_another_label_is_looked_for_there(people: Any) -> None:
    answer = ask("Who is Köln?", model=Script("MATCH (p:Person {name: 'Köln'}) RETURN p.name"), graph=people)
    assert answer.query == "MATCH (p:City {name: 'Köln'}) RETURN p.name"


def test_the_server_is_asked_for_its_plan_before_a_query_runs(people: Any) -> None:
    answer = ask("Who?", model=Script("MATCH (p:Person) RETURN p.name LIMIT 1"), graph=people)
    assert [s.name for s in answer.steps][-2:] == ["plan", "run"]
    failing = "MATCH (p:Person) RETURN date(p.name) AS d"
    refused = ask("Who?", model=Script(failing, failing), graph=people)
    assert refused.complaints[0].code == "database" and refused.sentence.startswith("No answer")
