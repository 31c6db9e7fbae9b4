"""Every error that this package raises on purpose.

CypherMagicError
├── OptionError            a magic or a setting was called with something it does not take
├── DataError              a file or a row that can not be used as examples
├── CypherSyntaxError      a query that is not Cypher (line, column)
├── NotReadOnly            a query that the read-only gate refuses
├── GraphError             the graph side
│   ├── NotConnected       no graph yet
│   ├── ConnectionFailed   server down, unknown host, TLS
│   ├── AuthenticationFailed
│   └── QueryFailed        the server refused or aborted a query (code, message as it sent them)
│       └── QueryTimeout   the server stopped a query that took too long
├── ModelError             the model side
│   ├── NoModel            nothing tuned or loaded yet
│   ├── BackboneNotFound
│   ├── DownloadFailed
│   └── ServerBusy         a model server that may answer when it is asked again
└── TrainingError          a run that could not start or go on
    └── RunNotFound

Each carries one line that says what went wrong and a hint that says what to do. IPython shows that line
instead of a traceback and the cell still fails, so that Run All, nbclient and papermill stop there.
"""

from __future__ import annotations


class CypherMagicError(Exception):
    """What went wrong in one line, and a hint on how to put it right."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message

    def _render_traceback_(self) -> list[str]:
        lines = [f"{type(self).__name__}: {self.message}"]
        return [*lines, f"Hint: {self.hint}"] if self.hint else lines


class OptionError(CypherMagicError):
    """An option or a setting that is unknown or has a value it can not take."""


class DataError(CypherMagicError):
    """Examples that can not be read or used."""


class CypherSyntaxError(CypherMagicError):
    """A text that is not a Cypher query; `line` and `column` count from 1."""

    def __init__(self, message: str, *, line: int = 1, column: int = 1, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.line = line
        self.column = column


class NotReadOnly(CypherMagicError):
    """A query that the read-only gate does not let through."""


class GraphError(CypherMagicError):
    """The graph database side."""


class NotConnected(GraphError):
    """A graph is needed and none is connected."""

    def __init__(self) -> None:
        super().__init__(
            "No graph is connected.",
            hint="run %cypher_connect demo, or %cypher_connect neo4j://host:7687 -u neo4j",
        )


class ConnectionFailed(GraphError):
    """The server can not be reached."""


class AuthenticationFailed(GraphError):
    """The server is there and refuses the user or the password."""


class QueryFailed(GraphError):
    """The server refused or aborted a query; `code` is the server's own status code."""

    def __init__(self, message: str, *, code: str = "", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.code = code


class QueryTimeout(QueryFailed):
    """The server stopped a query that took longer than its time limit."""


class ModelError(CypherMagicError):
    """The language model side."""


class NoModel(ModelError):
    """A tuned model is needed and there is none."""


class BackboneNotFound(ModelError):
    """No backbone of this name in the catalogue, on disk or on the hub."""


class DownloadFailed(ModelError):
    """A backbone could not be fetched whole."""


class ServerBusy(ModelError):
    """A model server did not answer, and may when it is asked again; `after` are the seconds it wants to be left."""

    def __init__(self, message: str, *, after: float = 0.0, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.after = after


class TrainingError(CypherMagicError):
    """A run that could not start or go on."""


class RunNotFound(TrainingError):
    """No run of this name in the runs folder."""
