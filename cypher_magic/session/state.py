"""What is current: the open connections, the run that answers, the live model."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from cypher_magic.errors import NotConnected, OptionError

if TYPE_CHECKING:
    from cypher_magic.asking.ask import LiveModel
    from cypher_magic.asking.conversation import Conversation
    from cypher_magic.graph.neo4j_graph import Connection
    from cypher_magic.graph.schema import GraphSchema
    from cypher_magic.model.backbones import Progress


@dataclass
class Session:
    """What one notebook has open."""

    connections: dict[str, Connection] = field(default_factory=dict)
    current: str | None = None
    run: str | None = None
    models: dict[tuple[str, float], LiveModel] = field(default_factory=dict)  # at most one: models are large
    loading: threading.RLock = field(default_factory=threading.RLock)  # who comes meanwhile waits for it
    # by the connection itself, not by its name: another graph under that name must not hear of this one's
    conversations: WeakKeyDictionary[Connection, Conversation] = field(default_factory=WeakKeyDictionary)


SESSION = Session()


def connection(given: str | Connection | None = None) -> Connection:
    """The connection of this name, the current one without a name."""
    if given is not None and not isinstance(given, str):
        return given
    wanted = given or SESSION.current
    if wanted in SESSION.connections:
        return SESSION.connections[wanted]
    if given is None:
        raise NotConnected
    known = f"open are: {', '.join(SESSION.connections)}; " if SESSION.connections else ""
    opens = f"%cypher_connect neo4j://HOST:7687 -n {given} opens one"
    raise OptionError(f"There is no connection called {given!r}.", hint=known + opens)


def conversation(graph: Connection) -> Conversation:
    """The conversation on this connection."""
    from cypher_magic.asking.conversation import Conversation

    return SESSION.conversations.setdefault(graph, Conversation())


def schema_or_none() -> GraphSchema | None:
    """The current graph's schema, or None without a graph."""
    return connection().schema() if SESSION.current is not None else None


def model(name: str | None = None, progress: Progress | None = None) -> LiveModel:
    """The live model of a run or behind an address, loaded when it is not the one in memory."""
    from cypher_magic.asking import live

    name = name or SESSION.run or live.newest_run()
    key = (name, live.written(name))
    with SESSION.loading:
        if key not in SESSION.models:
            SESSION.models.clear()
            SESSION.models[key] = live.load(name, progress)
        return SESSION.models[key]
