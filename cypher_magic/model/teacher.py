"""A large model behind an OpenAI-compatible address that words questions: asked again when it is busy, within bounds.

The address, its key and how errors are told are those of `endpoint.py`.
"""

from __future__ import annotations

from dataclasses import replace
from threading import Event
from typing import TYPE_CHECKING, Any

from cypher_magic.errors import ModelError, ServerBusy
from cypher_magic.model.endpoint import Address, Endpoint, address

if TYPE_CHECKING:
    from collections.abc import Sequence

PAUSES = (1.0, 4.0, 15.0)  # seconds before a request is sent again
_LONGEST_PAUSE = 60.0  # that a server may ask for
_OTHER_FIELD = "max_completion_tokens"  # what newer servers call the budget of a reply


class Teacher:
    """Answers messages with a text; `name` is shown, `identity` tells one teacher's replies from another's."""

    def __init__(self, at: Address, *, timeout: float = 120.0, pauses: Sequence[float] = PAUSES) -> None:
        self._endpoint = Endpoint(at, timeout=timeout)
        self._pauses = tuple(pauses)
        self._closed = Event()
        self._field = "max_tokens"
        self.name = self._endpoint.name
        self.identity = f"{at.url}#{self._endpoint.model}"

    def complete(self, messages: Sequence[dict[str, str]], most: int) -> str:
        """The reply, of at most `most` tokens. ServerBusy when the server is still busy after the last pause."""
        for pause in (*self._pauses, None):
            try:
                return self._once(messages, most)
            except ServerBusy as busy:
                if pause is None or self._closed.wait(min(max(pause, busy.after), _LONGEST_PAUSE)):
                    raise
        raise AssertionError("the last attempt returns or raises")

    def close(self) -> None:
        """Let whoever waits for the next attempt give up."""
        self._closed.set()

    def _once(self, messages: Sequence[dict[str, str]], most: int) -> str:
        body: dict[str, Any] = {
            "messages": list(messages)
        }  # the temperature is the server's own: wordings shall differ
        field = self._field  # another thread may have learnt the newer name meanwhile
        try:
            return self._endpoint.reply_to(body | {field: most})
        except ModelError as exc:
            if field == _OTHER_FIELD or _OTHER_FIELD not in exc.message:
                raise
            self._field = _OTHER_FIELD
            return self._endpoint.reply_to(body | {_OTHER_FIELD: most})


def teacher(name: str, model: str | None = None, **options: Any) -> Teacher:
    """The teacher at an address, or of a name in endpoints.toml; `model` says which of the server's models."""
    at = address(name)
    return Teacher(replace(at, model=model) if model else at, **options)
