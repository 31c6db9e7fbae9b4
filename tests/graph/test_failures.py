"""What happens when the server goes, the password expires, or the network is away: one line, and then on again."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from cypher_magic.errors import AuthenticationFailed, ConnectionFailed, CypherMagicError, QueryTimeout
from cypher_magic.graph.neo4j_graph import Connection, open_driver
from cypher_magic.graph.secret import Secret
from tests.graph.flaky_network import FlakyNetwork

pytestmark = [pytest.mark.neo4j, pytest.mark.slow]
SLOW = "UNWIND range(1, 1000000) AS x UNWIND range(1, 1000000) AS y WITH x * y AS z WHERE z = -1 RETURN count(z) AS n"


@pytest.fixture
def own_server(neo4j_server: Any) -> Any:
    """The server of the tests, if it may be killed; it answers again afterwards."""
    if not neo4j_server.ours:
        pytest.skip("the server that NEO4J_TEST_URI names is not stopped by tests")
    yield neo4j_server
    neo4j_server.start()


def connect(server: Any, scheme: str) -> Connection:
    password, uri = Secret(server.password), server.uri.replace("bolt", scheme)
    driver = open_driver(uri, server.user, password)
    return Connection(driver, name="test", uri=uri, user=server.user, database="neo4j", password=password)


def one_line(error: CypherMagicError) -> bool:
    return "\n" not in str(error) and bool(error.hint)


@pytest.mark.parametrize("scheme", ["bolt", "neo4j"])
def test_a_server_that_dies_in_the_middle_of_a_query_and_comes_back(own_server: Any, scheme: str) -> None:
    connection = connect(own_server, scheme)
    warm = [connection.read("RETURN 1").rows for _ in range(3)]
    assert warm == [((1,),)] * 3
    killer = threading.Timer(1.0, own_server.kill)
    killer.start()
    with pytest.raises(ConnectionFailed) as caught:  # and no QueryTimeout: nobody waits for the limit
        connection.read(SLOW, timeout=300)
    assert one_line(caught.value)
    killer.join()
    with pytest.raises(ConnectionFailed) as caught:  # still away
        connection.read("RETURN 1")
    assert one_line(caught.value)
    own_server.start()
    assert connection.read("RETURN 1").rows == ((1,),)
    assert connection.write("CREATE (n:X) DELETE n").counters["nodes_created"] == 1
    connection.close()


def test_a_restart_between_two_queries_is_not_noticed(own_server: Any) -> None:
    connection = connect(own_server, "bolt")
    connection.read("RETURN 1")
    own_server.stop()
    own_server.start()
    assert connection.read("RETURN 1").rows == ((1,),)
    connection.close()


def test_a_password_that_expires_is_one_line_that_says_what_to_do(neo4j_server: Any) -> None:
    neo4j_server.run("CREATE OR REPLACE USER ada SET PASSWORD 'long enough 1' CHANGE NOT REQUIRED", database="system")
    secret = Secret("long enough 1")

    def ada() -> Connection:
        driver = open_driver(neo4j_server.uri, "ada", secret)
        return Connection(driver, name="ada", uri=neo4j_server.uri, user="ada", database="neo4j", password=secret)

    connection = ada()
    assert connection.read("RETURN 1").rows == ((1,),)
    neo4j_server.run("ALTER USER ada SET PASSWORD 'long enough 2' CHANGE REQUIRED", database="system")
    with pytest.raises(AuthenticationFailed) as caught:
        ada()
    assert one_line(caught.value)
    secret = Secret("long enough 2")
    with pytest.raises(AuthenticationFailed, match="change|new password") as caught:
        ada()
    assert one_line(caught.value)
    assert "long enough" not in str(caught.value)
    neo4j_server.run("ALTER USER ada SET PASSWORD CHANGE NOT REQUIRED", database="system")
    again = ada()
    assert again.read("RETURN 1").rows == ((1,),)
    again.close()
    connection.close()
    neo4j_server.run("DROP USER ada", database="system")


def test_a_timeout_leaves_the_connection_usable(neo4j_graph: Any) -> None:
    for _ in range(2):
        with pytest.raises(QueryTimeout) as caught:
            neo4j_graph.read(SLOW, timeout=1)
        assert one_line(caught.value)
        assert neo4j_graph.read("RETURN 1").rows == ((1,),)


@pytest.mark.timeout(480)  # without a limit of our own, the operating system would wait for a quarter of an hour
def test_a_network_that_goes_away_without_a_word_and_comes_back(neo4j_server: Any) -> None:
    network = FlakyNetwork(int(neo4j_server.uri.rpartition(":")[2]))
    password, uri = Secret(neo4j_server.password), f"bolt://127.0.0.1:{network.port}"
    driver = open_driver(uri, neo4j_server.user, password)
    connection = Connection(driver, name="far", uri=uri, user=neo4j_server.user, database="neo4j", password=password)
    try:
        assert connection.read("RETURN 1").rows == ((1,),)
        network.freeze()
        with pytest.raises((QueryTimeout, ConnectionFailed)) as caught:
            connection.read("RETURN 1", timeout=2)
        assert one_line(caught.value)
        network.cut()
        assert connection.read("RETURN 1").rows == ((1,),)
    finally:
        network.close()
        connection.close()
