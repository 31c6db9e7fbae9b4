"""A graph without a server to install: the ArcadeDB engine inside this process, spoken to over Bolt on loopback.

The engine ignores READ access mode and time limits of a query, so reading runs as a user who may only read, and
`Connection` ends what takes too long. Passwords are made anew at every start; on disk the engine keeps their hashes.
A graph in a temporary folder is deleted when its last connection closes or the process ends; what a killed process
left behind is swept at the next start.
"""

from __future__ import annotations

import atexit
import base64
import hashlib
import importlib
import json
import os
import secrets
import shutil
import socket
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cypher_magic.errors import ConnectionFailed
from cypher_magic.graph import doorway
from cypher_magic.graph.neo4j_graph import Connection, open_driver
from cypher_magic.graph.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable

DATABASE = "neo4j"
_PREFIX = "cypher_magic-graph-"
_READ = ["readRecord"]
_WRITE = ["createRecord", "readRecord", "updateRecord", "deleteRecord"]
_ENGINE_SETTINGS = (
    "-Xmx1g",
    "-Darcadedb.command.timeout=600000",  # the last resort; a query's own time limit comes first
    "-Darcadedb.opencypher.loadCsv.allowFileUrls=false",
    "-Darcadedb.opencypher.loadCsv.allowRemoteUrls=false",
)


@dataclass
class _Engine:
    """One running engine: where it listens, who may log in, and how many connections use it."""

    key: str
    root: Path
    temporary: bool
    uri: str
    reader: Secret
    admin: Secret
    server: Any
    lock: Any
    door: doorway.Doorway | None = None
    users: int = 0

    def release(self) -> None:
        """One connection less; the last one stops the engine."""
        self.users -= 1
        if self.users <= 0:
            self.stop()

    def stop(self) -> None:
        """Stops the engine and deletes its folder if that was a temporary one."""
        _ENGINES.pop(self.key, None)
        if self.door is not None:
            self.door.close()
            self.door = None
        if self.server is not None:
            self.server.stop()
            self.server = None
        self.lock.close()
        if self.temporary:
            shutil.rmtree(self.root, ignore_errors=True)


_DEMO = "demo"
_ENGINES: dict[str, _Engine] = {}  # the folder, or a word for a temporary one -> the engine in this process


def start(path: str | Path | None = None, *, name: str = "embedded") -> Connection:
    """A connection to the embedded graph in the folder `path`, or to a new, empty, temporary one.

    A folder that another process serves already is joined over that process's port.
    """
    if path is None:
        return _connected(_temporary(secrets.token_hex(8)), name)
    root = Path(path).expanduser().resolve()
    engine = _ENGINES.get(str(root)) or _launch(root, key=str(root))
    return _connected(engine, name) if engine else _joined(root, name)


def start_demo(path: str | Path | None = None, *, name: str = "demo") -> Connection:
    """A connection to the demo movie graph, embedded; kept in the folder `path` if one is given.

    Without a folder, all connections of this process share one demo graph.
    """
    from cypher_magic.graph import demo

    connection = _connected(_ENGINES.get(_DEMO) or _temporary(_DEMO), name) if path is None else start(path, name=name)
    try:
        demo.fill(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _connected(engine: _Engine, name: str) -> Connection:
    engine.users += 1
    return _connection(engine.uri, engine.reader, engine.admin, name, on_close=engine.release)


def _joined(root: Path, name: str) -> Connection:
    """A connection to the graph that another process serves from the folder."""
    told = doorway.ask(root) if doorway.available() else None
    if told is None:
        hint = "close it there, or use another folder"
        raise ConnectionFailed(f"Another process uses the graph in {root} and does not share it.", hint=hint)
    return _connection(told["uri"], Secret(told["reader"]), Secret(told["admin"]), name)


def _connection(
    uri: str, reader: Secret, admin: Secret, name: str, on_close: Callable[[], None] | None = None
) -> Connection:
    return Connection(
        open_driver(uri, "reader", reader),
        name=name,
        uri=uri,
        user="reader",
        database=DATABASE,
        password=reader,
        writer=open_driver(uri, "root", admin),
        on_close=on_close,
    )


def _temporary(key: str) -> _Engine:
    _sweep()
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    lock = _locked(folder)
    if lock is None:
        raise ConnectionFailed(f"The new folder {folder} is locked by another process.", hint="connect again")
    return _started(folder, lock, key=key, temporary=True)


def _launch(root: Path, *, key: str) -> _Engine | None:
    """The engine on a folder of the user's; None where another process has it."""
    try:
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = _locked(root)
    except OSError as exc:
        raise ConnectionFailed(
            f"The folder {root} can not be used: {exc.strerror}.", hint="--path DIR names another"
        ) from exc
    if lock is None:
        return None
    engine = _started(root, lock, key=key, temporary=False)
    if doorway.available():
        told = {"uri": engine.uri, "reader": engine.reader.reveal(), "admin": engine.admin.reveal()}
        engine.door = doorway.Doorway(root, told)
    return engine


def _started(folder: Path, lock: Any, *, key: str, temporary: bool) -> _Engine:
    admin, reader = Secret(secrets.token_urlsafe(18)), Secret(secrets.token_urlsafe(18))
    port = _free_port()
    try:
        _write_users(folder / "config", admin, reader)
        server = _server(folder, admin, port)
    except BaseException:
        lock.close()
        if temporary:
            shutil.rmtree(folder, ignore_errors=True)
        raise
    _ENGINES[key] = _Engine(key, folder, temporary, f"bolt://127.0.0.1:{port}", reader, admin, server, lock)
    return _ENGINES[key]


def _server(folder: Path, admin: Secret, port: int) -> Any:
    """The started engine. Its settings are read from the environment when it is first imported."""
    os.environ.setdefault("ARCADEDB_LOG_CONSOLE", "0")
    os.environ.setdefault("ARCADEDB_NATIVE_ISOLATE_ARGS", " ".join(_ENGINE_SETTINGS))
    os.environ.setdefault("ARCADEDB_JVM_ARGS", " ".join(_ENGINE_SETTINGS))
    os.environ.setdefault("ARCADEDB_LOG_DIR", str(folder / "log"))
    try:
        import arcadedb
    except ImportError:
        # The build with its own Java, for Macs with Intel processors.
        arcadedb = importlib.import_module("arcadedb_embedded")

    server = arcadedb.create_server(
        str(folder),
        admin.reveal(),
        config={
            "host": "127.0.0.1",
            "http_port": _free_port(),
            "mode": "development",  # "production" hides the texts of errors
            "server_plugins": "Bolt:com.arcadedb.bolt.BoltProtocolPlugin",
            "bolt_port": port,
            "bolt_host": "127.0.0.1",
            "bolt_defaultDatabase": DATABASE,
        },
    )
    try:
        server.start()
        server.create_database(DATABASE)  # opens one that is there
    except Exception as exc:
        reason = f"The embedded graph did not start: {exc}".splitlines()[0]
        raise ConnectionFailed(reason, hint="%cypher_doctor tells what is missing here") from exc
    return server


def _write_users(config: Path, admin: Secret, reader: Secret) -> None:
    config.mkdir(parents=True, exist_ok=True)
    (config / "server-groups.json").write_text(json.dumps(_groups()), encoding="utf-8")
    users = config / "server-users.jsonl"
    users.touch(mode=0o600)
    rows = [
        {"name": "root", "databases": {"*": ["admin"]}, "password": _hashed(admin)},
        {"name": "reader", "databases": {DATABASE: ["reader"]}, "password": _hashed(reader)},
    ]
    users.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def _groups() -> dict[str, Any]:
    def group(access: list[str], records: list[str]) -> dict[str, Any]:
        return {"resultSetLimit": -1, "readTimeout": -1, "access": access, "types": {"*": {"access": records}}}

    groups = {
        "admin": group(["updateSecurity", "updateSchema", "updateDatabaseSettings"], _WRITE),
        "reader": group([], _READ),
        "*": group([], []),
    }
    return {"version": 2, "databases": {"*": {"groups": groups}}}


def _hashed(password: Secret) -> str:
    salt = base64.b64encode(secrets.token_bytes(32)).decode()
    digest = hashlib.pbkdf2_hmac("sha256", password.reveal().encode(), salt.encode(), 65536, 32)
    return f"PBKDF2WithHmacSHA256$65536${salt}${base64.b64encode(digest).decode()}"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _locked(folder: Path) -> Any | None:
    """An open file whose lock says that this process uses the folder; None where another process holds it.

    The system drops the lock when the process ends, however it ends.
    """
    file = (folder / "owner.lock").open("a+b")
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return None
    return file


def _sweep() -> None:
    """Deletes temporary graphs of processes that were killed."""
    for folder in Path(tempfile.gettempdir()).glob(_PREFIX + "*"):
        if not (folder / "owner.lock").exists():
            continue  # being made right now
        try:
            lock = _locked(folder)
        except OSError:
            continue  # somebody else's folder
        if lock is not None:
            lock.close()
            shutil.rmtree(folder, ignore_errors=True)


@atexit.register
def _stop_all() -> None:
    for engine in list(_ENGINES.values()):
        engine.stop()
