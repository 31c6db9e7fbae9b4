"""A real Neo4j Community server for the tests: fetched by Maven once, started on random loopback ports, stopped by pid.

NEO4J_TEST_URI (with NEO4J_TEST_USER, NEO4J_TEST_PASSWORD) uses a server that runs already; its graph is emptied.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

VERSION = "5.26.30"
_POM = f"""<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>cypher-magic.tests</groupId><artifactId>neo4j</artifactId><version>{VERSION}</version><packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.neo4j</groupId><artifactId>neo4j</artifactId><version>{VERSION}</version></dependency>
    <dependency><groupId>org.neo4j.app</groupId><artifactId>neo4j-server</artifactId><version>{VERSION}</version></dependency>
  </dependencies>
</project>
"""
_OPENED = ("java.nio", "java.io", "sun.nio.ch", "java.lang", "java.util.concurrent")


class NotAvailable(Exception):
    """No Neo4j can be had here; says why."""


def classpath(cache: Path) -> str:
    """The jars of the server, resolved by Maven on first use and remembered in `cache`."""
    kept = cache / f"neo4j-{VERSION}" / "classpath.txt"
    if kept.exists() and all(Path(jar).exists() for jar in kept.read_text(encoding="utf-8").split(os.pathsep)):
        return kept.read_text(encoding="utf-8")
    maven = shutil.which("mvn")
    if maven is None:
        raise NotAvailable("neither Maven nor NEO4J_TEST_URI")
    kept.parent.mkdir(parents=True, exist_ok=True)
    (kept.parent / "pom.xml").write_text(_POM, encoding="utf-8")
    made = kept.with_suffix(f".{os.getpid()}")
    command = [maven, "-B", "-q", "dependency:build-classpath", f"-Dmdep.outputFile={made}"]
    done = subprocess.run(command, cwd=kept.parent, capture_output=True, text=True, timeout=1500, check=False)
    if done.returncode or not made.exists():
        raise NotAvailable(f"Maven could not fetch Neo4j {VERSION}: {(done.stdout + done.stderr)[-400:]}")
    made.replace(kept)
    return kept.read_text(encoding="utf-8")


class Neo4jServer:
    """One server: `start`, `stop`, `kill`; the same ports, data and password over restarts."""

    def __init__(self, home: Path, jars: str) -> None:
        self.home, self.jars = home, jars
        self.port = _free_port()
        self.user, self.password = "neo4j", secrets.token_urlsafe(12)
        self.uri = f"bolt://127.0.0.1:{self.port}"
        self.routing_uri = f"neo4j://127.0.0.1:{self.port}"
        self.ours = True
        self._process: subprocess.Popen[bytes] | None = None
        self._write_settings()

    def start(self) -> None:
        """Starts it and waits until it answers; nothing to do where it runs."""
        if self._process is not None and self._process.poll() is None:
            return
        java = shutil.which("java")
        if java is None:
            raise NotAvailable("no Java to run Neo4j with")
        opened = [f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in _OPENED]
        command = [java, "-Xmx512m", "-Xms256m", "-XX:+UseSerialGC", *opened, "-cp", self.jars]
        command += ["org.neo4j.server.CommunityEntryPoint", f"--home-dir={self.home}", f"--config-dir={self.home}/conf"]
        with (self.home / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True, preexec_fn=_die_too
            )
        self._wait()

    def stop(self) -> None:
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        self._signal(signal.SIGKILL)

    def driver(self, password: str | None = None, **options: Any) -> Any:
        import neo4j

        auth = (self.user, password or self.password)
        return neo4j.GraphDatabase.driver(self.uri, auth=auth, notifications_min_severity="OFF", **options)

    def run(self, text: str, database: str = "neo4j", **params: Any) -> list[Any]:
        """The records of a statement, past everything that is under test."""
        with self.driver() as driver, driver.session(database=database) as session:
            return list(session.run(text, params))

    def clear(self) -> None:
        """An empty graph without indexes and constraints."""
        if self.ours and self.run("MATCH (n) RETURN count(n) AS n")[0]["n"] > 100_000:
            self.stop()  # deleting so many takes minutes
            for folder in ("databases", "transactions"):
                shutil.rmtree(self.home / "data" / folder / "neo4j")
            self.start()
            return
        self.run("MATCH (n) CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF 5000 ROWS")
        for record in self.run("SHOW CONSTRAINTS YIELD name"):
            self.run(f"DROP CONSTRAINT `{record['name']}`")
        for record in self.run("SHOW INDEXES YIELD name, type WHERE type <> 'LOOKUP'"):
            self.run(f"DROP INDEX `{record['name']}`")

    def _write_settings(self) -> None:
        (self.home / "conf").mkdir(parents=True)
        address = f"127.0.0.1:{self.port}"
        settings = {
            "server.default_listen_address": "127.0.0.1",
            "server.bolt.listen_address": address,
            "server.bolt.advertised_address": address,
            "server.http.enabled": "false",
            "server.https.enabled": "false",
            "server.memory.pagecache.size": "64m",
            "dbms.usage_report.enabled": "false",
        }
        text = "".join(f"{key}={value}\n" for key, value in settings.items())
        (self.home / "conf" / "neo4j.conf").write_text(text, encoding="utf-8")

    def _wait(self) -> None:
        """Returns when the server answers with our password, which it is given on its first start."""
        import neo4j
        from neo4j.exceptions import AuthError, DriverError, Neo4jError

        assert self._process is not None
        deadline = time.monotonic() + 120
        change = "ALTER CURRENT USER SET PASSWORD FROM 'neo4j' TO $new"
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise RuntimeError((self.home / "server.log").read_text(encoding="utf-8")[-2000:])
            with contextlib.suppress(DriverError, Neo4jError, OSError):
                try:
                    self.run("RETURN 1")
                    return
                except AuthError:
                    with neo4j.GraphDatabase.driver(self.uri, auth=("neo4j", "neo4j")) as driver:
                        driver.execute_query(change, new=self.password, database_="system")
            time.sleep(0.3)
        raise RuntimeError("Neo4j did not answer within two minutes")

    def _signal(self, number: int) -> None:
        if self._process is None or self._process.poll() is not None:
            return
        os.killpg(self._process.pid, number)
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(30)


class RunningServer(Neo4jServer):
    """The server that NEO4J_TEST_URI names; it is neither started nor stopped."""

    def __init__(self, uri: str) -> None:
        self.uri = uri
        self.routing_uri = uri.replace("bolt://", "neo4j://", 1)
        self.user = os.environ.get("NEO4J_TEST_USER", "neo4j")
        self.password = os.environ.get("NEO4J_TEST_PASSWORD", "neo4j")
        self.ours = False
        self._process = None


def started(home: Path, cache: Path) -> Neo4jServer:
    """A server that answers; NotAvailable where none can be had."""
    if uri := os.environ.get("NEO4J_TEST_URI"):
        server: Neo4jServer = RunningServer(uri)
        server.run("RETURN 1")
        return server
    server = Neo4jServer(home, classpath(cache))
    try:
        server.start()
    except BaseException:
        server.kill()
        raise
    return server


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _die_too() -> None:
    """On Linux the server gets SIGTERM when the test process is killed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)
