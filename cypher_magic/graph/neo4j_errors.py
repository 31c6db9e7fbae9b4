"""The one place where errors of the neo4j driver become errors of this package.

The server's status code decides first, then the driver's class. `CLASSES` names every error class of the driver,
so that a test can tell when a new version of the driver brings one that is not placed yet.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cypher_magic.errors import (
    AuthenticationFailed,
    ConnectionFailed,
    CypherMagicError,
    NotReadOnly,
    OptionError,
    QueryFailed,
    QueryTimeout,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_LONGEST = 600  # characters of a server's message that are shown or sent back to a model

CLASSES: dict[str, type[CypherMagicError]] = {
    "GqlError": QueryFailed,
    "Neo4jError": QueryFailed,
    "ClientError": QueryFailed,
    "CypherSyntaxError": QueryFailed,
    "CypherTypeError": QueryFailed,
    "ConstraintError": QueryFailed,
    "Forbidden": QueryFailed,
    "AuthError": AuthenticationFailed,
    "TokenExpired": AuthenticationFailed,
    "DatabaseError": QueryFailed,
    "TransientError": QueryFailed,
    "DatabaseUnavailable": ConnectionFailed,
    "NotALeader": ConnectionFailed,
    "ForbiddenOnReadOnlyDatabase": QueryFailed,
    "DriverError": ConnectionFailed,
    "SessionError": QueryFailed,
    "TransactionError": QueryFailed,
    "TransactionNestingError": QueryFailed,
    "ResultError": QueryFailed,
    "ResultFailedError": QueryFailed,
    "ResultConsumedError": QueryFailed,
    "ResultNotSingleError": QueryFailed,
    "BrokenRecordError": QueryFailed,
    "SessionExpired": ConnectionFailed,
    "ServiceUnavailable": ConnectionFailed,
    "RoutingServiceUnavailable": ConnectionFailed,
    "WriteServiceUnavailable": ConnectionFailed,
    "ReadServiceUnavailable": ConnectionFailed,
    "IncompleteCommit": ConnectionFailed,
    "ConfigurationError": OptionError,
    "AuthConfigurationError": OptionError,
    "CertificateConfigurationError": OptionError,
    "UnsupportedServerProduct": ConnectionFailed,
    "ConnectionPoolError": ConnectionFailed,
    "ConnectionAcquisitionTimeoutError": ConnectionFailed,
}

# The end of a server's status code -> our class and what to do; these win over the class of the driver's error.
_CODES: dict[str, tuple[type[CypherMagicError], str]] = {
    "Security.CredentialsExpired": (
        AuthenticationFailed,
        "the server wants a new password first: ALTER CURRENT USER SET PASSWORD FROM ... TO ... in Neo4j Browser",
    ),
    "Security.AuthenticationRateLimit": (AuthenticationFailed, "too many wrong passwords: wait a few seconds"),
    "Security.Unauthorized": (AuthenticationFailed, "check the user name and the password"),
    "Security.Forbidden": (QueryFailed, "the connected user lacks the right to do this"),
    "Statement.AccessMode": (NotReadOnly, "run it with --write to change the graph"),
    "Statement.ParameterMissing": (QueryFailed, "give every $name in the query a value"),
    "Transaction.TransactionTimedOut": (QueryTimeout, "allow more time with -t, or narrow the query down"),
    "Transaction.TransactionTimedOutClientConfiguration": (
        QueryTimeout,
        "allow more time with -t, or narrow the query down",
    ),
    "Transaction.Terminated": (QueryFailed, "somebody or a time limit ended it on the server"),
    "General.MemoryPoolOutOfMemoryError": (QueryFailed, "narrow the query down or lower its limit"),
    "Database.DatabaseNotFound": (ConnectionFailed, "name an existing database with -d"),
    "Database.DatabaseUnavailable": (ConnectionFailed, "wait until the database is online, or name another with -d"),
}

_CLASS_HINTS: dict[type[CypherMagicError], str] = {
    AuthenticationFailed: "check the user name and the password",
    ConnectionFailed: "is the server running, and are host and port right?",
}


def translated(error: Exception, *, where: str = "") -> CypherMagicError:
    """Our error for one that came out of the driver; `where` names the server in connection errors."""
    code = str(getattr(error, "code", None) or "")
    if not code.startswith("Neo."):
        code = ""
    ours, hint = _placed(error, code)
    message = _line(str(getattr(error, "message", None) or error)) or type(error).__name__
    if issubclass(ours, QueryTimeout):
        message = "The query took longer than its time limit and was stopped by the server."
    elif ours is AuthenticationFailed and "Unauthorized" in code:
        message = f"The server refused the user name or the password{_at(where)}."
    elif ours is ConnectionFailed and not code:
        reason = re.search(r"\(reason (?:\[Errno \S+\] )?([^()]+)\)", str(error))
        message = f"The server can not be reached{_at(where)}: {reason[1] if reason else message.rstrip(':')}"
    if issubclass(ours, QueryFailed):
        return ours(message, code=code, hint=hint)
    return ours(message, hint=hint)


@contextmanager
def vendor_errors(
    where: str = "", *, moved: Callable[[str], str] = lambda text: text, stale_too: bool = True
) -> Iterator[None]:
    """Raises our errors in place of the driver's.

    `moved` edits messages (positions of a prefixed query); `stale_too=False` lets errors of a connection that broke
    pass, for a caller that tries again.
    """
    from neo4j.exceptions import DriverError, GqlError, ServiceUnavailable, SessionExpired

    try:
        yield
    except (GqlError, DriverError, OSError, ValueError, TypeError) as exc:
        if not stale_too and isinstance(exc, ServiceUnavailable | SessionExpired):
            raise
        ours = translated(exc, where=where)
        ours.message = moved(ours.message)
        ours.args = (ours.message,)
        raise ours from exc


def _placed(error: Exception, code: str) -> tuple[type[CypherMagicError], str]:
    for ending, placed in _CODES.items():
        if code.endswith("." + ending):
            return placed
    for cls in type(error).__mro__:
        if cls.__name__ in CLASSES:
            ours = CLASSES[cls.__name__]
            return ours, _CLASS_HINTS.get(ours, "")
    if isinstance(error, OSError):
        return ConnectionFailed, _CLASS_HINTS[ConnectionFailed]
    return OptionError, ""  # ValueError and TypeError: an address or a parameter that the driver can not send


def _line(message: str) -> str:
    """The first line that says something, without the echo of the query and the caret below it."""
    lines = [line.strip() for line in message.splitlines()]
    text = re.sub(r"\s+", " ", next((line for line in lines if line), ""))
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _at(where: str) -> str:
    return f" at {where}" if where else ""
