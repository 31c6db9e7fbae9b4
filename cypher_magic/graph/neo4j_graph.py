"""A connection to a graph over Bolt: the only client of the neo4j driver.

A reading query passes three locks that do not trust its text: on Neo4j `EXPLAIN` must call it exactly `r`, it runs
in READ access mode (on the embedded engine, which ignores both, as a user who may only read), and the server ends it
after a time limit. Of its rows no more than a limit are read.
"""

from __future__ import annotations

import itertools
import logging
import re
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cypher_magic.errors import ConnectionFailed, CypherMagicError, NotReadOnly, QueryFailed, QueryTimeout
from cypher_magic.graph.neo4j_errors import vendor_errors
from cypher_magic.graph.plans import Plan, explaining, from_one, notifications, plan_text, profiling
from cypher_magic.graph.result import QueryResult
from cypher_magic.graph.running import Overdue, interruptible

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import neo4j

    from cypher_magic.graph.schema import GraphSchema
    from cypher_magic.graph.secret import Secret

_GRACE = 5.0  # seconds after which a server that ignores a query's time limit is told to end it
_RETRIES = 2  # a reading query is sent again when the connection turns out to be stale
_TIMED_OUT = "Neo.ClientError.Transaction.TransactionTimedOut"
_TERMINATED = "Neo.ClientError.Transaction.Terminated"
_COUNTERS = (
    "nodes_created",
    "nodes_deleted",
    "relationships_created",
    "relationships_deleted",
    "properties_set",
    "labels_added",
    "labels_removed",
    "indexes_added",
    "indexes_removed",
    "constraints_added",
    "constraints_removed",
    "system_updates",
)


@dataclass
class _Running:
    """One query on its way, so that it can be found and ended on the server."""

    text: str
    driver: neo4j.Driver
    cancelled: bool = False
    tag: str = field(default_factory=lambda: f"{time.time_ns():x}")


class Connection:
    """A graph that answers queries; `read` can not change it.

    name, uri, user, database   as connected, never with a password
    server                      product and version, e.g. "Neo4j 5.26.1" or "embedded ArcadeDB 26.10.2"
    embedded                    whether the graph lives inside this process (or another one on this machine)
    """

    def __init__(
        self,
        driver: neo4j.Driver,
        *,
        name: str,
        uri: str,
        user: str = "",
        database: str | None = None,
        password: Secret | None = None,
        writer: neo4j.Driver | None = None,
        on_close: Callable[[], None] | None = None,
        owns_driver: bool = True,
        settings: Mapping[str, Any] | None = None,
        embedded: bool = False,
    ) -> None:
        self.name = name
        self.uri = uri
        self.user = user
        self.database = database
        self.embedded = embedded or writer is not None
        self.settings: Mapping[str, Any] = settings or {}
        self.closed = False
        self._driver = driver
        self._writer = writer or driver
        self._password = password
        self._on_close = on_close
        self._owns_driver = owns_driver
        self._running: list[_Running] = []
        self._schema: GraphSchema | None = None
        self._schema_is_old = False
        self.server = ""
        try:
            self.server = self._greet()
        except BaseException:
            self.close()
            raise

    def __repr__(self) -> str:
        at = "closed" if self.closed else self.uri
        return f"<Connection {self.name}: {self.server} at {at}, database {self.database or 'default'}>"

    # --- reading and writing -------------------------------------------------------------------------------------

    def read(
        self,
        text: str,
        params: Mapping[str, Any] | None = None,
        *,
        limit: int | None = 1000,
        timeout: float | None = 30.0,
        profile: bool = False,
    ) -> QueryResult:
        """The rows of a query that can not change the graph, at most `limit` of them.

        Raises NotReadOnly for a query that would write, QueryTimeout after `timeout` seconds, QueryFailed for what
        the server refuses, ConnectionFailed when it is gone. The connection stays usable after each of them.
        """
        checked = not self.embedded
        return self._run(text, params, limit=limit, timeout=timeout, write=False, checked=checked, profile=profile)

    def write(
        self,
        text: str,
        params: Mapping[str, Any] | None = None,
        *,
        limit: int | None = 1000,
        timeout: float | None = 60.0,
        profile: bool = False,
    ) -> QueryResult:
        """The rows and counters of a query that may change the graph."""
        result = self._run(text, params, limit=limit, timeout=timeout, write=True, profile=profile)
        self._schema_is_old = self._schema_is_old or bool(result.counters)
        return result

    def probe(self, text: str, params: Mapping[str, Any] | None = None, *, timeout: float = 30.0) -> QueryResult:
        """All rows of a query of our own making, in READ mode and without asking for its plan first."""
        return self._run(text, params, limit=None, timeout=timeout, write=False, grace=0.5)

    def explain(self, text: str, params: Mapping[str, Any] | None = None) -> Plan:
        """The server's plan for the query, which is not run; QueryFailed where the server would refuse it."""

        def work() -> Plan:
            with self._driver.session(database=self.database, default_access_mode="READ") as session:
                return self._plan(session, text, params)

        with vendor_errors(self.uri):
            return self._patiently(work, _Running(text, self._driver), timeout=30.0, retries=_RETRIES)

    def schema(
        self, refresh: bool = False, *, sample: int | None = None, values: bool = False, budget: float = 10.0
    ) -> GraphSchema:
        """What the graph holds; asked once and remembered (on disk too) until `refresh` or until names change."""
        from cypher_magic.graph.introspect import cut_short, known_schema

        fresh = refresh or sample is not None or self._schema_is_old
        if fresh or self._schema is None or (values and not self._schema.values):
            self._schema = known_schema(self, refresh=fresh, sample=sample or 1000, values=values, budget=budget)
            self._schema_is_old = cut_short(self._schema)  # the server is warm now: the next time will do
        return self._schema

    def cached_schema(self, *, sure: bool = False) -> GraphSchema | None:
        """The schema if it was asked for before; never talks to the server.

        With `sure` only one in which nothing is missing: not cut short, nothing hidden, nothing written since.
        """
        doubtful = self._schema_is_old or self.settings.get("hide")
        return None if sure and doubtful else self._schema

    def cancel(self) -> None:
        """Ends every query of this connection that is running now, on the server."""
        for running in list(self._running):
            running.cancelled = True
            deadline = time.monotonic() + _GRACE
            while running in self._running and time.monotonic() < deadline:
                self._terminate(running)
                time.sleep(0.05)

    def environment(self) -> dict[str, str]:
        """The NEO4J_* variables with which a child process reaches the same graph (as the reading user if embedded).

        Empty for a driver that the user made: its password is not known here.
        """
        if self._password is None:
            return {}
        found = {"NEO4J_URI": self.uri, "NEO4J_USERNAME": self.user, "NEO4J_PASSWORD": self._password.reveal()}
        return found | ({"NEO4J_DATABASE": self.database} if self.database else {})

    def close(self) -> None:
        """Closes the connection; an embedded graph stops with its last one. A driver of the user's stays open."""
        if self.closed:
            return
        self.closed = True
        if self._owns_driver:
            self._driver.close()
            if self._writer is not self._driver:
                self._writer.close()
        if self._on_close:
            self._on_close()

    # --- how ------------------------------------------------------------------------------------------------------

    def _greet(self) -> str:
        with vendor_errors(self.uri), self._driver.session(database=self.database) as session:
            harmless = "SHOW DATABASES" if self.database == "system" else "RETURN 1"
            agent = session.run(harmless).consume().server.agent
        if "ArcadeDB" in agent:
            version = re.search(r"ArcadeDB ([\w.]+)", agent)
            return f"embedded ArcadeDB {version[1]}" if version else "embedded ArcadeDB"
        return agent.replace("/", " ", 1)

    @property
    def _separator(self) -> str:
        """What stands behind EXPLAIN and PROFILE."""
        return " " if self.embedded else "\n"

    def _plan(self, session: neo4j.Session, text: str, params: Mapping[str, Any] | None) -> Plan:
        asked, moved = explaining(text, separator=self._separator)
        with vendor_errors(self.uri, moved=moved, stale_too=False):
            summary = session.run(_query(asked, 30.0), dict(params or {})).consume()
        kind = "unknown" if self.embedded else str(summary.query_type)
        return Plan(kind, tuple(moved(line) for line in notifications(summary)), plan_text(summary) or "")

    def _run(
        self,
        text: str,
        params: Mapping[str, Any] | None,
        *,
        limit: int | None,
        timeout: float | None,
        write: bool,
        checked: bool = False,
        profile: bool = False,
        grace: float = _GRACE,
    ) -> QueryResult:
        driver = self._writer if write else self._driver
        sent = text
        moved: Callable[[str], str] = from_one if self.embedded else str
        if profile:
            sent, moved = profiling(text, separator=self._separator)
        running = _Running(sent, driver)

        def work() -> QueryResult:
            access = "WRITE" if write else "READ"
            fetch = 1000 if limit is None else max(1, min(limit + 1, 1000))
            with driver.session(database=self.database, default_access_mode=access, fetch_size=fetch) as session:
                if checked:
                    _only_reading(self._plan(session, text, params).query_type)
                if running.cancelled:
                    raise QueryFailed("The query was cancelled.", code=_TERMINATED)
                started = time.perf_counter()
                result = session.run(_query(sent, timeout, running.tag), dict(params or {}))
                columns = tuple(result.keys())
                wanted = result if limit is None else itertools.islice(result, limit + 1)
                rows = tuple(tuple(tuple.__iter__(record)) for record in wanted)
                truncated = limit is not None and len(rows) > limit
                if truncated and self.embedded and not write:
                    return self._cut_short(result, running, columns, rows[:limit], started)
                summary = result.consume()
            return QueryResult(
                columns=columns,
                rows=rows[:limit] if truncated else rows,
                truncated=truncated,
                seconds=time.perf_counter() - started,
                counters=_counters(summary),
                plan=plan_text(summary),
                query_type="r" if self.embedded and not write else summary.query_type,
            )

        try:
            with vendor_errors(self.uri, moved=moved):
                return self._patiently(work, running, timeout=timeout, retries=0 if write else _RETRIES, grace=grace)
        except NotReadOnly:
            raise
        except CypherMagicError as exc:
            if self.embedded and not write and getattr(exc, "code", "").endswith("Security.Forbidden"):
                raise NotReadOnly("This query changes the graph.", hint="run it with --write") from exc
            raise

    def _cut_short(
        self, result: neo4j.Result, running: _Running, columns: tuple[str, ...], rows: tuple[Any, ...], started: float
    ) -> QueryResult:
        """The rows so far. The embedded engine would compute all the rest before it lets go, so it is told to stop."""
        from neo4j.exceptions import DriverError, Neo4jError

        self._terminate(running)
        with suppress(Neo4jError, DriverError):  # "terminated" is what we asked for
            result.consume()
        return QueryResult(
            columns=columns, rows=rows, truncated=True, seconds=time.perf_counter() - started, query_type="r"
        )

    def _patiently(
        self,
        work: Callable[[], Any],
        running: _Running,
        *,
        timeout: float | None,
        retries: int,
        grace: float = _GRACE,
    ) -> Any:
        """`work()`, ended on the server by Interrupt or when its time is over; sent again if a connection was stale."""
        from neo4j.exceptions import ServiceUnavailable, SessionExpired

        if self.closed:
            raise ConnectionFailed(f"The connection {self.name} is closed.", hint="run %cypher_connect again")
        # Neo4j keeps the time limit itself; the embedded engine ignores it, so it is told when the time is over.
        limit = None if timeout is None else timeout + (0.0 if self.embedded else grace)
        self._running.append(running)
        try:
            for attempt in itertools.count():
                try:
                    return interruptible(work, lambda: self._stop(running), seconds=limit)
                except (ServiceUnavailable, SessionExpired):
                    if attempt >= retries:
                        raise
                except Overdue as exc:
                    message = f"The query took longer than {timeout:g} seconds and was stopped on the server."
                    hint = "allow more time with -t, or narrow the query down"
                    raise QueryTimeout(message, code=_TIMED_OUT, hint=hint) from exc
        finally:
            self._running.remove(running)

    def _stop(self, running: _Running) -> None:
        running.cancelled = True
        self._terminate(running)

    def _terminate(self, running: _Running) -> None:
        """Ends the query on the server, found by its tag (Neo4j) or by its text (embedded, which keeps no tags)."""
        from neo4j.exceptions import DriverError, Neo4jError

        if self.embedded:
            shown = running.text if len(running.text) <= 1024 else running.text[:1024] + "..."
            find, wanted = "YIELD transactionId, currentQuery WHERE currentQuery = $wanted", shown
        else:
            find, wanted = "YIELD transactionId, metaData WHERE metaData.cypher_magic = $wanted", running.tag
        with suppress(Neo4jError, DriverError), running.driver.session(database=self.database) as session:
            found = session.run(f"SHOW TRANSACTIONS {find} RETURN transactionId AS id", wanted=wanted).value("id")
            if found:
                session.run("TERMINATE TRANSACTIONS $ids", ids=found).consume()


def open_driver(uri: str, user: str, password: Secret | None, **options: Any) -> neo4j.Driver:
    """A driver for the address, quiet about notifications; the password stays out of every frame of ours."""
    import neo4j

    _quiet()
    with vendor_errors(uri):
        return neo4j.GraphDatabase.driver(
            uri,
            auth=neo4j.basic_auth(user, password.reveal()) if password else None,
            connection_timeout=10.0,
            connection_acquisition_timeout=20.0,
            warn_notification_severity=neo4j.NotificationMinimumSeverity.OFF,
            user_agent="cypher_magic",
            **options,
        )


def _quiet() -> None:
    """Without any handler Python prints the driver's warnings to stderr: they stand in our errors and plans."""
    logger = logging.getLogger("neo4j")
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())


def _only_reading(kind: str) -> None:
    if kind != "r":
        verb = "changes the graph" if "w" in kind else "is an administration or schema command"
        raise NotReadOnly(f"This query {verb} (the server calls it {kind!r}).", hint="run it with --write")


def _query(text: str, timeout: float | None, tag: str = "") -> neo4j.Query:
    import neo4j

    return neo4j.Query(text, metadata={"cypher_magic": tag} if tag else None, timeout=timeout)


def _counters(summary: neo4j.ResultSummary) -> dict[str, int]:
    return {name: value for name in _COUNTERS if (value := getattr(summary.counters, name, 0))}
