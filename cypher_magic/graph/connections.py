"""From what a person gives (an address, a name, variables, an env file) to a connection.

A password is never an argument. It comes, first found first taken, from the variable that a named connection points
to, the env file, NEO4J_PASSWORD, the keyring (service "cypher_magic", account USER@HOST:PORT), or a prompt.

connections.toml in the user's config folder holds named connections:

    [connections.work]
    uri = "neo4j+s://graph.example.org:7687"
    user = "reader"                  # default: neo4j
    database = "movies"              # default: the server's
    password_env = "WORK_PASSWORD"   # the variable that holds the password; or:
    env_file = "~/work.env"
    schema = "work-schema.json"      # used instead of asking the graph
    hide = ["Audit"]                 # labels and relationship types to leave out of the schema
"""

from __future__ import annotations

import importlib
import json
import os
import tomllib
import warnings
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from cypher_magic import places
from cypher_magic.errors import AuthenticationFailed, OptionError
from cypher_magic.graph.neo4j_graph import Connection, open_driver
from cypher_magic.graph.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SCHEMES = ("neo4j", "neo4j+s", "neo4j+ssc", "bolt", "bolt+s", "bolt+ssc")
_ENTRY = 'an entry is [connections.NAME] and below it uri = "neo4j://host:7687"'
_HOW = "for example neo4j://localhost:7687, neo4j+s://graph.example.org, or demo"


@dataclass(frozen=True)
class Saved:
    """A named connection in connections.toml."""

    uri: str
    user: str = ""
    database: str = ""
    password_env: str = ""
    env_file: str = ""
    schema: str = ""
    hide: tuple[str, ...] = ()


def connect(
    target: str | None = None,
    *,
    user: str | None = None,
    database: str | None = None,
    name: str | None = None,
    env_file: str | Path | None = None,
    driver: Any = None,
    path: str | Path | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> Connection:
    """An open connection to `demo`, an address, a connection of connections.toml, or what NEO4J_URI names.

    `progress` is told when nobody is asked for a password any more, and something may take its time.
    """
    tell = progress or (lambda what, done, total: None)
    if driver is not None:
        return _borrowed(driver, database, name)
    if target == "demo":
        from cypher_magic.graph import embedded

        tell("starting the demo graph", 0, 0)
        return embedded.start_demo(path, name=name or "demo")
    if path is not None:
        raise OptionError("--path belongs to the demo graph.", hint="%cypher_connect demo --path DIR")
    named = saved()
    chosen = target if target in named else name if target is None and name in named else None
    entry = named[chosen] if chosen else Saved("")
    given, password = _variables(env_file or entry.env_file or None)
    uri = checked_address(entry.uri if chosen else target or given.get("NEO4J_URI", ""), known=named)
    if urlsplit(given.get("NEO4J_URI", uri)).hostname != urlsplit(uri).hostname:
        given, password = {}, None  # they are about another server, and its password is not for this one
    user = user or entry.user or given.get("NEO4J_USERNAME") or given.get("NEO4J_USER") or "neo4j"
    database = database or entry.database or given.get("NEO4J_DATABASE") or None
    if os.environ.get(entry.password_env):
        password = Secret(os.environ[entry.password_env])
    password = password or _from_keyring(uri, user) or _asked(uri, user)
    host = urlsplit(uri).hostname or "graph"
    tell(f"connecting to {host}", 0, 0)
    return Connection(
        open_driver(uri, user, password),
        name=name or chosen or (f"{host}/{database}" if database else host),
        uri=uri,
        user=user,
        database=database,
        password=password,
        settings={"schema": entry.schema, "hide": entry.hide},
    )


def saved() -> dict[str, Saved]:
    """The named connections of connections.toml; OptionError says what in the file is wrong."""
    file = places.config_dir() / "connections.toml"
    if not file.exists():
        return {}
    try:
        tables = tomllib.loads(file.read_text(encoding="utf-8")).get("connections", {})
    except (OSError, ValueError) as exc:
        raise OptionError(f"{file} can not be read: {exc}", hint=f"mend or delete it; {_ENTRY}") from None
    return {name: _entry(name, table, file) for name, table in tables.items()}


def remember(connection: Connection) -> Path:
    """Adds the connection, without its password, to connections.toml; the file."""
    file = places.config_dir() / "connections.toml"
    if connection.name in saved():
        raise OptionError(f"{file} has a connection {connection.name} already.", hint="choose another name")
    if connection.embedded or not connection.uri.startswith(SCHEMES):
        raise OptionError(
            "Only a connection to a server with an address can be remembered.",
            hint="%cypher_connect demo is there at any time, with --path DIR in a folder that is kept",
        )
    values = {"uri": connection.uri, "user": connection.user, "database": connection.database or ""}
    # A TOML string is written as a JSON string.
    lines = [f"[connections.{json.dumps(connection.name)}]"]
    lines += [f"{key} = {json.dumps(value)}" for key, value in values.items() if value]
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    before = file.read_text(encoding="utf-8").rstrip() + "\n\n" if file.exists() else ""
    file.write_text(before + "\n".join(lines) + "\n", encoding="utf-8")
    file.chmod(0o600)
    return file


def checked_address(uri: str, known: Mapping[str, Any] | None = None) -> str:
    """The address, if the driver could use it; one with a password in it is refused and not repeated."""
    if "@" in uri:
        raise OptionError(
            "An address must not hold a user name or a password: it would stay in the notebook.",
            hint="give the user with -u; the password comes from NEO4J_PASSWORD, an env file, the keyring or a prompt",
        )
    if not uri:
        raise OptionError("Which graph?", hint=f"give an address or set NEO4J_URI; {_HOW}")
    scheme, separator, _ = uri.partition("://")
    if not separator:
        names = ", ".join(known or ()) or "none"
        raise OptionError(
            f"{uri!r} is neither an address nor a named connection.",
            hint=f"named connections: {names}; an address looks like neo4j://{uri}",
        )
    if scheme not in SCHEMES:
        raise OptionError(f"A graph is not reached over {scheme}://.", hint=f"use {', '.join(SCHEMES)}; {_HOW}")
    try:
        parts = urlsplit(uri)
        if not parts.hostname or parts.port == 0:
            raise ValueError("no host")
    except ValueError as exc:
        raise OptionError(f"{uri!r} is not an address.", hint=_HOW) from exc
    return uri


def _entry(name: str, table: Any, file: Path) -> Saved:
    allowed = {field.name for field in fields(Saved)}
    if isinstance(table, dict) and "password" in table:
        raise OptionError(
            f"[connections.{name}] in {file} holds a password.",
            hint='take it out, and set password_env = "NAME" of a variable, an env_file, or use the keyring',
        )
    if not isinstance(table, dict) or "uri" not in table or not set(table) <= allowed:
        raise OptionError(
            f"[connections.{name}] in {file} needs `uri` and may have {', '.join(sorted(allowed - {'uri'}))}.",
            hint=_ENTRY,
        )
    if not all(isinstance(value, list if key == "hide" else str) for key, value in table.items()):
        raise OptionError(
            f"[connections.{name}] in {file}: `hide` is a list of names, everything else is text.",
            hint='put texts in quotes: user = "neo4j", hide = ["Secret"]',
        )
    values: dict[str, Any] = {key: tuple(value) if key == "hide" else value for key, value in table.items()}
    return Saved(**values)


def _variables(env_file: str | Path | None) -> tuple[dict[str, str], Secret | None]:
    """The NEO4J_* variables of the env file, or of the environment without one; the password apart from the rest."""
    found = _read(env_file) if env_file is not None else dict(os.environ)
    password = found.pop("NEO4J_PASSWORD", "")
    return {k: v for k, v in found.items() if k.startswith("NEO4J_") and v}, Secret(password) if password else None


def _read(env_file: str | Path) -> dict[str, str]:
    file = Path(env_file).expanduser()
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else "not UTF-8 text"
        raise OptionError(
            f"The env file {file} can not be read: {reason}.",
            hint="it holds lines such as NEO4J_URI=neo4j://host:7687 and NEO4J_PASSWORD=...; check its path",
        ) from None
    found = {}
    for line in text.splitlines():
        key, separator, value = line.strip().removeprefix("export ").partition("=")
        if separator and not key.lstrip().startswith("#"):
            found[key.strip()] = _unquoted(value.strip())
    return found


def _unquoted(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "'\"":
        return value[1:-1]
    return value.partition(" #")[0].rstrip()


def _from_keyring(uri: str, user: str) -> Secret | None:
    try:
        keyring = importlib.import_module("keyring")
    except ImportError:
        return None
    try:
        found = keyring.get_password("cypher_magic", f"{user}@{urlsplit(uri).netloc}")
    except keyring.errors.KeyringError:
        return None  # no keyring service on this machine: ask instead
    return Secret(found) if found else None


def _asked(uri: str, user: str) -> Secret:
    import getpass

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", getpass.GetPassWarning)  # it would echo what is typed
            return Secret(getpass.getpass(f"Password of {user} at {uri}: "))
    except (EOFError, OSError, NotImplementedError, getpass.GetPassWarning):
        # A notebook that runs without a person at it (nbclient, papermill) has no input at all.
        raise AuthenticationFailed(
            f"No password for {user} at {uri}, and nobody to ask here.",
            hint="set NEO4J_PASSWORD (and NEO4J_URI to the same server, if it is set), or give --env-file FILE",
        ) from None


def _borrowed(driver: Any, database: str | None, name: str | None) -> Connection:
    import neo4j

    if not isinstance(driver, neo4j.Driver):
        raise OptionError(
            f"--driver takes a neo4j.Driver, not a {type(driver).__name__}.",
            hint="make one with neo4j.GraphDatabase.driver(...)",
        )
    return Connection(driver, name=name or "driver", uri="your own driver", database=database, owns_driver=False)
