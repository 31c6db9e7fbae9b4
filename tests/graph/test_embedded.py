"""The embedded graph: only for reading, stopped when it should be, gone when its process is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING, Any

import pytest

from cypher_magic.errors import NotReadOnly, QueryFailed, QueryTimeout
from cypher_magic.graph import embedded

if TYPE_CHECKING:
    from pathlib import Path

ENDLESS = "UNWIND range(1, 20000) AS x UNWIND range(1, 20000) AS y"  # minutes


def test_the_demo_graph_is_loaded_with_its_labels_and_triples(demo_graph: Any) -> None:
    schema = demo_graph.schema()
    assert sorted(schema.labels) == ["Genre", "Movie", "Person", "User"]
    assert {triple.type for triple in schema.triples} == {
        "ACTED_IN",
        "DIRECTED",
        "WROTE",
        "PRODUCED",
        "IN_GENRE",
        "RATED",
    }
    assert schema.relationship_types["ACTED_IN"] == {"roles": "LIST<STRING>"}
    assert schema.labels["Movie"]["released"] == "INTEGER"
    assert demo_graph.read("MATCH (m:Movie) RETURN count(m)").rows[0][0] >= 80
    assert demo_graph.read("MATCH (p:Person) RETURN count(p)").rows[0][0] >= 250


def test_two_connections_share_one_demo_graph_and_the_last_one_stops_it(demo_graph: Any) -> None:
    second = embedded.start_demo()
    assert second.uri == demo_graph.uri
    second.close()
    assert demo_graph.read("RETURN 1 AS x").rows == ((1,),)


@pytest.mark.parametrize(
    "text",
    [
        "CREATE (:X)",
        "MATCH (n) DETACH DELETE n",
        "MERGE (:X {a: 1})",
        "MATCH (m:Movie) SET m.title = 'x'",
        "MATCH (m:Movie) REMOVE m:Movie",
        "CREATE INDEX x FOR (m:Movie) ON (m.tagline)",
        "FOREACH (i IN [1] | CREATE (:X))",
        "MATCH (n) CALL { WITH n DETACH DELETE n }",
    ],
)
def test_reading_never_writes(demo_graph: Any, text: str) -> None:
    before = demo_graph.read("MATCH (n) RETURN count(n), count { (n)-->() }").rows
    with pytest.raises((NotReadOnly, QueryFailed)):
        demo_graph.read(text)
    assert demo_graph.read("MATCH (n) RETURN count(n), count { (n)-->() }").rows == before


def test_writing_reports_counters(embedded_graph: Any) -> None:
    result = embedded_graph.write("CREATE (a:X {n: 1})-[:R]->(:Y)")
    assert result.counters == {"nodes_created": 2, "relationships_created": 1, "properties_set": 1, "labels_added": 2}


def test_a_query_past_its_time_limit_is_ended_on_the_server(demo_graph: Any) -> None:
    with pytest.raises(QueryTimeout, match="longer than 0.5 seconds"):
        demo_graph.read(ENDLESS + " WITH x * y AS z WHERE z = -1 RETURN count(z) AS n", timeout=0.5)
    running = demo_graph.probe("SHOW TRANSACTIONS").records
    assert [row["currentQuery"] for row in running] == ["SHOW TRANSACTIONS"]


def test_the_row_limit_stops_the_query_that_has_millions_of_rows(demo_graph: Any) -> None:
    result = demo_graph.read(ENDLESS + " RETURN x + y AS z", limit=5, timeout=120)  # to its end: a QueryTimeout
    assert (len(result), result.truncated) == (5, True)
    assert [row["currentQuery"] for row in demo_graph.probe("SHOW TRANSACTIONS").records] == ["SHOW TRANSACTIONS"]
    exact = demo_graph.read("UNWIND range(1, 5) AS x RETURN x", limit=5)
    assert (len(exact), exact.truncated) == (5, False)


def test_an_error_says_where_and_in_one_line(demo_graph: Any) -> None:
    for ask in (demo_graph.read, demo_graph.explain):
        with pytest.raises(QueryFailed) as caught:
            ask("MATCH (n) RETRN n")
        assert "RETRN" in caught.value.message
        assert "line 1, column 11" in caught.value.message
        assert "\n" not in str(caught.value)


def test_explaining_runs_nothing(demo_graph: Any) -> None:
    plan = demo_graph.explain("MATCH (n) DETACH DELETE n")
    assert plan.query_type == "unknown"
    assert "DELETE" in plan.text
    assert demo_graph.read("MATCH (n) RETURN count(n) > 0").rows == ((True,),)


def test_a_folder_keeps_the_graph(tmp_path: Path) -> None:
    first = embedded.start(tmp_path / "kept")
    first.write("CREATE (:Kept {n: 1})")
    first.close()
    again = embedded.start(tmp_path / "kept")
    assert again.read("MATCH (k:Kept) RETURN k.n").rows == ((1,),)
    again.close()


def test_no_password_is_on_disk(tmp_path: Path) -> None:
    connection = embedded.start(tmp_path / "kept")
    secrets = [connection.environment()["NEO4J_PASSWORD"], embedded._ENGINES[str(tmp_path / "kept")].admin.reveal()]
    connection.write("CREATE (:X)")
    assert not any(secret in repr(connection) + str(vars(connection)) for secret in secrets)
    connection.close()
    for file in (tmp_path / "kept").rglob("*"):
        if file.is_file():
            content = file.read_bytes()
            assert not any(secret.encode() in content for secret in secrets), file


CHILD = """
import sys, time
from cypher_magic.graph import embedded
connection = embedded.start()
connection.write("CREATE (:X)")
print(connection.uri, flush=True)
{end}
"""


def child(end: str, temporary: Path) -> subprocess.Popen[str]:
    environment = os.environ | {"TMPDIR": str(temporary)}
    return subprocess.Popen(
        [sys.executable, "-c", CHILD.format(end=end)], stdout=subprocess.PIPE, text=True, env=environment
    )


def test_the_temporary_graph_is_deleted_when_its_process_ends(tmp_path: Path) -> None:
    process = child("", tmp_path)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert out.startswith("bolt://127.0.0.1:")
    assert list(tmp_path.glob("cypher_magic-graph-*")) == []


def test_a_killed_process_leaves_no_server_and_its_folder_is_swept_at_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = child("time.sleep(600)", tmp_path)
    assert process.stdout is not None
    port = int(process.stdout.readline().rsplit(":", 1)[1])
    process.send_signal(signal.SIGKILL)
    process.wait(30)
    process.stdout.close()
    assert len(list(tmp_path.glob("cypher_magic-graph-*"))) == 1
    with pytest.raises(OSError), __import__("socket").create_connection(("127.0.0.1", port), timeout=2):
        pass
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    connection = embedded.start()
    assert len(list(tmp_path.glob("cypher_magic-graph-*"))) == 1  # its own
    connection.close()
    assert list(tmp_path.glob("cypher_magic-graph-*")) == []
