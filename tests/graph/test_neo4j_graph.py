"""A real Neo4j: only for reading unless asked, limits kept by the server, errors in one line."""

from __future__ import annotations

import _thread
import threading
import time
from typing import Any

import pytest

from cypher_magic.errors import (
    AuthenticationFailed,
    ConnectionFailed,
    NotReadOnly,
    OptionError,
    QueryFailed,
    QueryTimeout,
)
from cypher_magic.graph import neo4j_errors
from cypher_magic.graph.neo4j_graph import Connection, open_driver
from cypher_magic.graph.secret import Secret

SLOW = "UNWIND range(1, 1000000) AS x UNWIND range(1, 1000000) AS y WITH x * y AS z WHERE z = -1 RETURN count(z) AS n"
pytestmark = pytest.mark.neo4j


def connection(server: Any, **changed: Any) -> Connection:
    options = {"name": "test", "uri": server.uri, "user": server.user, "database": "neo4j", **changed}
    secret = Secret(options.pop("password", server.password))
    return Connection(open_driver(options["uri"], options["user"], secret), password=secret, **options)


def running(server: Any) -> list[str]:
    texts = [record["currentQuery"] for record in server.run("SHOW TRANSACTIONS YIELD currentQuery")]
    return [text for text in texts if text and not text.startswith("SHOW TRANSACTIONS")]  # "" is ending


def test_every_error_class_of_the_driver_is_placed() -> None:
    import neo4j.exceptions

    def below(cls: type[BaseException]) -> set[str]:
        return {cls.__name__}.union(*(below(sub) for sub in cls.__subclasses__()))

    public = {
        name
        for name, value in vars(neo4j.exceptions).items()
        if isinstance(value, type) and issubclass(value, neo4j.exceptions.GqlError)
    }
    assert public == set(neo4j_errors.CLASSES)
    hidden = {name for name in below(neo4j.exceptions.GqlError) if not name.startswith("_")} - public
    assert not hidden


def test_rows_columns_counters_and_type_come_back(neo4j_graph: Any) -> None:
    written = neo4j_graph.write("CREATE (a:A {n: 1})-[:R {k: 'x'}]->(b:B) RETURN a.n AS n")
    assert written.counters == {"nodes_created": 2, "relationships_created": 1, "properties_set": 2, "labels_added": 2}
    assert (written.columns, written.rows) == (("n",), ((1,),))
    result = neo4j_graph.read("MATCH (a)-[r]->(b) RETURN a, r, b, $x AS x", {"x": [1, {"y": None}]})
    node, relationship, _, given = result.rows[0]
    assert (set(node.labels), relationship.type, given) == ({"A"}, "R", [1, {"y": None}])
    assert result.query_type == "r"
    assert neo4j_graph.server.startswith("Neo4j 5.")


@pytest.mark.parametrize(
    "text",
    [
        "CREATE (:X)",
        "MATCH (n) DETACH DELETE n",
        "MATCH (n) SET n.x = 1 RETURN n",
        "MATCH (n) CALL (n) { DETACH DELETE n } IN TRANSACTIONS",
        "CREATE INDEX x FOR (n:X) ON (n.y)",
        "CREATE USER eve SET PASSWORD 'long enough'",
        "CALL db.createLabel('X')",
        "CALL db.clearQueryCaches()",
        "PROFILE CREATE (:X)",
        "CYPHER runtime=slotted CREATE (:X)",
        "/* EXPLAIN */ CREATE (:X)",
        "// EXPLAIN\nCREATE (:X)",
    ],
)
def test_a_reading_query_must_be_called_reading_by_the_server(neo4j_graph: Any, text: str) -> None:
    with pytest.raises(NotReadOnly):
        neo4j_graph.read(text)
    assert neo4j_graph.read("MATCH (n) RETURN count(n)").rows == ((0,),)


def test_read_access_mode_refuses_a_write_even_without_the_explain(neo4j_graph: Any) -> None:
    with pytest.raises(NotReadOnly, match="read access mode"):
        neo4j_graph.probe("CREATE (:X)")


def test_an_error_of_a_checked_query_names_the_place_in_the_query_as_typed(neo4j_graph: Any) -> None:
    with pytest.raises(QueryFailed) as caught:
        neo4j_graph.read("MATCH (n)\nRETURN m")
    assert "line 2, column 8 (offset: 17)" in caught.value.message
    assert caught.value.code == "Neo.ClientError.Statement.SyntaxError"
    with pytest.raises(QueryFailed, match=r"line 1, column 11 \(offset: 10\)"):
        neo4j_graph.explain("MATCH (n) RETRN n")
    for run in (neo4j_graph.read, neo4j_graph.write):
        with pytest.raises(QueryFailed, match=r"line 1, column 11 \(offset: 10\)"):
            run("MATCH (n) RETRN n", profile=True)


def test_explain_tells_unknown_names_with_their_place(neo4j_graph: Any) -> None:
    neo4j_graph.write("CREATE (:Movie {title: 'x'})")
    plan = neo4j_graph.explain("MATCH (m:Movi) RETURN m.title")
    assert plan.query_type == "r"
    assert any("`Movi` does not exist" in note and "(line 1, column 10)" in note for note in plan.notifications)
    assert "NodeByLabelScan" in plan.text
    assert neo4j_graph.explain("PROFILE MATCH (m:Movie) RETURN m").query_type == "r"


def test_a_profile_runs_the_query_and_shows_the_plan(neo4j_graph: Any) -> None:
    result = neo4j_graph.read("RETURN 1 AS x", profile=True)
    assert result.rows == ((1,),)
    assert "DB Hits" in result.plan


def test_the_server_ends_a_query_past_its_time_limit(neo4j_server: Any, neo4j_graph: Any) -> None:
    with pytest.raises(QueryTimeout) as caught:
        neo4j_graph.read(SLOW, timeout=1)
    assert "\n" not in str(caught.value)
    assert running(neo4j_server) == []
    assert neo4j_graph.read("RETURN 1").rows == ((1,),)


def test_the_row_limit_stops_reading_the_stream(neo4j_graph: Any) -> None:
    result = neo4j_graph.read("UNWIND range(1, 100000000000) AS x RETURN x", limit=7)  # to its end: a QueryTimeout
    assert (len(result), result.truncated) == (7, True)
    assert neo4j_graph.read("UNWIND range(1, 7) AS x RETURN x", limit=7).truncated is False


def test_an_interrupt_ends_the_query_on_the_server_and_the_connection_goes_on(
    neo4j_server: Any, neo4j_graph: Any
) -> None:
    def interrupt_when_it_runs() -> None:
        for _ in range(100):
            if running(neo4j_server):
                break
            time.sleep(0.1)
        _thread.interrupt_main()

    neo4j_graph.read("RETURN 1")
    threading.Thread(target=interrupt_when_it_runs, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        neo4j_graph.read(SLOW, timeout=60)
    assert running(neo4j_server) == []
    assert neo4j_graph.read("RETURN 1").rows == ((1,),)


def test_cancel_from_another_thread_ends_what_runs(neo4j_server: Any, neo4j_graph: Any) -> None:
    def cancel_when_it_runs() -> None:
        while not running(neo4j_server):
            time.sleep(0.1)
        neo4j_graph.cancel()

    threading.Thread(target=cancel_when_it_runs, daemon=True).start()
    with pytest.raises(QueryFailed) as caught:
        neo4j_graph.read(SLOW, timeout=300)
    assert not isinstance(caught.value, QueryTimeout)
    assert running(neo4j_server) == []


@pytest.mark.parametrize("scheme", ["bolt", "neo4j"])
def test_a_wrong_password_is_one_line_without_the_password(neo4j_server: Any, scheme: str) -> None:
    with pytest.raises(AuthenticationFailed) as caught:
        connection(neo4j_server, uri=neo4j_server.uri.replace("bolt", scheme), password="hunter2-wrong")
    assert "hunter2" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_routing_reads_and_writes(neo4j_server: Any, neo4j_graph: Any) -> None:
    routed = connection(neo4j_server, uri=neo4j_server.routing_uri)
    routed.write("CREATE (:Routed)")
    assert routed.read("MATCH (r:Routed) RETURN count(r)").rows == ((1,),)
    routed.close()


def test_another_database_is_used_and_a_missing_one_is_named(neo4j_server: Any) -> None:
    system = connection(neo4j_server, database="system", uri=neo4j_server.uri)
    assert system.database == "system"
    assert any(row[0] == "neo4j" for row in system.probe("SHOW DATABASES YIELD name").rows)
    system.close()
    with pytest.raises(ConnectionFailed, match="nosuch") as caught:
        connection(neo4j_server, database="nosuch")
    assert "-d" in caught.value.hint


def test_tls_to_a_server_without_tls_and_a_dead_port_are_one_line(neo4j_server: Any) -> None:
    for uri in (neo4j_server.uri.replace("bolt:", "bolt+ssc:"), "bolt://127.0.0.1:1", "bolt://no-such-host.invalid"):
        with pytest.raises(ConnectionFailed) as caught:
            connection(neo4j_server, uri=uri)
        assert "\n" not in str(caught.value)
        assert caught.value.hint


def test_a_parameter_that_bolt_can_not_carry_is_named(neo4j_graph: Any) -> None:
    with pytest.raises(OptionError, match="object"):
        neo4j_graph.read("RETURN $x", {"x": object()})


def test_a_closed_connection_says_so(neo4j_server: Any) -> None:
    closed = connection(neo4j_server)
    closed.close()
    with pytest.raises(ConnectionFailed, match="closed"):
        closed.read("RETURN 1")
    assert "closed" in repr(closed)


def test_the_users_own_driver_is_used_and_left_open(neo4j_server: Any) -> None:
    with neo4j_server.driver() as driver:
        borrowed = Connection(driver, name="mine", uri="driver", owns_driver=False)
        assert borrowed.read("RETURN 1").rows == ((1,),)
        assert borrowed.environment() == {}
        borrowed.close()
        driver.verify_connectivity()
