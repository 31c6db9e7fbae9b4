"""Edge to an OpenAI-compatible server (vLLM, Ollama, llama.cpp ...) that answers in a local model's place.

An address is `http://host:port/v1#model`; without `#model` the server's only one is taken. `endpoints.toml` in the
user's config folder names addresses:

    [endpoints.team]
    url = "https://models.example.org/v1#movies"
    grammar = "guided_grammar"      # the request's field for a grammar, where the server takes llguidance's Lark

The key comes from OPENAI_API_KEY and from nowhere else, is read when a request is made, and goes only to https
addresses and to this machine. The messages are those that a tuned model was trained on.
"""

from __future__ import annotations

import ipaddress
import json
import os
import re
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from cypher_magic import places
from cypher_magic.errors import ModelError, OptionError, ServerBusy
from cypher_magic.model.prompt import Wording

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import httpx

    from cypher_magic.data.example import Turn

KEY = "OPENAI_API_KEY"
TIMEOUT = 120.0  # seconds for an answer
AT_ONCE = 8  # requests on their way at the same time
_LONGEST_MESSAGE = 200
_LONGEST_BODY = 4 << 20  # bytes of an answer that are read
# What the templates of common models read as control tokens; a server may not tell texts from marks.
_CONTROL = re.compile(
    r"<\|[^<>|\s]{1,40}\|>|<｜[^<>｜]{1,40}｜>|</?(?:s|bos|eos|pad|unk)>|<(?:start|end)_of_turn>|\[/?(?:INST|SYSTEM_PROMPT)\]"
    r"|<</?SYS>>",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Messages:
    """A prompt on its way to a server: chat messages, and the schema for a server that takes a grammar."""

    messages: list[dict[str, str]]
    schema: str | None


class MessagePrompt(Wording):
    """Makes the prompt of a server, which applies the chat template itself."""

    def __init__(self) -> None:
        super().__init__(_CONTROL)

    def ask(self, question: str, schema: str | None, history: Sequence[Turn] = ()) -> Messages:
        """The messages that ask a question."""
        return Messages(self.messages(question, schema, history), schema)

    def text(self, question: str, schema: str | None, history: Sequence[Turn] = ()) -> str:
        """The same as text, to show to a person."""
        return "\n\n".join(f"{m['role']}: {m['content']}" for m in self.messages(question, schema, history))


@dataclass(frozen=True)
class Received:
    """What the server's model wrote; `ended` tells whether it came to its end within the budget."""

    text: str
    ended: bool
    seconds: float
    likelihood: float = 0.0  # not known


@dataclass(frozen=True)
class Address:
    """Where a server is: `url` up to and with /v1, the model's name (may be empty), the field for a grammar."""

    url: str
    model: str = ""
    grammar: str = ""

    @property
    def host(self) -> str:
        """Host and port, as shown."""
        return urlsplit(self.url).netloc


def is_address(name: str) -> bool:
    """Whether a model's name is a server's address or a name in endpoints.toml."""
    return name.startswith(("http://", "https://")) or name in saved()


def address(name: str) -> Address:
    """The server that is meant by an address or a name in endpoints.toml."""
    known = {} if name.startswith(("http://", "https://")) else saved()
    return known[name] if name in known else _checked(name)


def saved() -> dict[str, Address]:
    """The named servers of endpoints.toml; OptionError says what in the file is wrong."""
    file = places.config_dir() / "endpoints.toml"
    if not file.exists():
        return {}
    try:
        tables = tomllib.loads(file.read_text(encoding="utf-8")).get("endpoints", {})
        return {name: _checked(table["url"], str(table.get("grammar", ""))) for name, table in tables.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as exc:
        raise OptionError(f"{file} can not be read: {exc}", hint='it needs [endpoints.NAME] with url = "..."') from None


def _checked(text: str, grammar: str = "") -> Address:
    parts = urlsplit(text)
    if "@" in parts.netloc:
        raise OptionError("An address must not hold a key: it would stay in the notebook.", hint=f"set {KEY} instead")
    try:
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0 or parts.query:
            raise ValueError
    except ValueError:
        raise OptionError(f"{text!r} is not a server's address.", hint="http://HOST:PORT/v1#MODEL") from None
    return Address(f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}", parts.fragment, grammar)


class Endpoint:
    """A model behind an OpenAI-compatible address: asked like one of this machine, but never constrained here."""

    tokenizer = None

    def __init__(self, at: Address, *, timeout: float = TIMEOUT) -> None:
        self.at, self.timeout = at, timeout
        self.prompt = MessagePrompt()
        self.model = at.model or self._only_model()
        self.name = f"{self.model} at {at.host}"

    def complete(
        self,
        question: str,
        schema: str | None,
        *,
        history: Sequence[Turn] = (),
        max_tokens: int = 256,
        stream: Callable[[str], None] | None = None,
        constraint: Any = None,
        beams: int = 1,
    ) -> Received:
        """The server's reply to a question; `stream` is called with the text so far as it comes."""
        _greedy(beams)
        return self._one(self.prompt.ask(question, schema, history), max_tokens, stream)

    def reply_to(self, body: dict[str, Any]) -> str:
        """The text of the reply to a request of the caller's own making, from this server's model."""
        return "".join(text for text, _ in self._pieces({"model": self.model, **body, "stream": False}))

    def complete_many(
        self,
        asked: Sequence[Messages],
        *,
        max_tokens: int = 256,
        progress: Callable[[int, int], None] | None = None,
        constraint: Any = None,
        beams: int = 1,
    ) -> list[Received]:
        """The replies to many questions, some at a time: the server batches them."""
        _greedy(beams)
        replies: list[Received] = []
        pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="cypher_magic-endpoint")
        try:
            for future in [pool.submit(self._one, one, max_tokens, None) for one in asked]:
                replies.append(future.result())
                if progress is not None:
                    progress(len(replies), len(asked))
        finally:
            pool.shutdown(wait=False, cancel_futures=True)  # an interrupt does not wait for what is on its way
        return replies

    def _one(self, asked: Messages, most: int, stream: Callable[[str], None] | None) -> Received:
        started = time.perf_counter()
        body: dict[str, Any] = {
            "model": self.model,
            "messages": asked.messages,
            "max_tokens": most,
            "temperature": 0,
            "stream": stream is not None,
        }
        if self.at.grammar and asked.schema:
            body[self.at.grammar] = _grammar(asked.schema)
        text, reason = "", ""
        for piece, why in self._pieces(body):
            text, reason = text + piece, why or reason
            if stream is not None:
                stream(text)
        return Received(text, reason != "length", time.perf_counter() - started)

    def _pieces(self, body: dict[str, Any]) -> Iterator[tuple[str, str]]:
        """Pieces of the reply's text, and why it ended."""
        with self._client() as client, _one_line(self):
            if not body["stream"]:
                yield _choice(self, _json(self, self._whole(client, body)), "message")
                return
            with client.stream("POST", "chat/completions", json=body) as response:
                if response.status_code != 200:
                    response.read()
                    _json(self, response)
                lines = (line.removeprefix("data:").strip() for line in response.iter_lines() if line[:5] == "data:")
                first = next(lines, None)
                if first is None:
                    raise _not_compatible(self)
                yield from (_choice(self, _parsed(self, d), "delta") for d in chain([first], lines) if d != "[DONE]")

    def _whole(self, client: httpx.Client, body: dict[str, Any]) -> httpx.Response:
        """The answer to a request, neither endless nor later than `timeout`."""
        import httpx

        until, data = time.monotonic() + self.timeout, bytearray()
        with client.stream("POST", "chat/completions", json=body) as response:
            for piece in response.iter_bytes():
                data += piece
                if len(data) > _LONGEST_BODY:
                    raise ModelError(f"What {self.at.host} answers is longer than {_LONGEST_BODY >> 20} MB.")
                if time.monotonic() > until:
                    raise httpx.ReadTimeout("the answer does not end")
        wait = {k: v for k, v in response.headers.items() if k == "retry-after"}
        return httpx.Response(response.status_code, headers=wait, content=bytes(data))

    def _only_model(self) -> str:
        with self._client() as client, _one_line(self):
            answer = _json(self, client.get("models"))
        try:
            names = [str(model["id"]) for model in answer["data"]]
        except (KeyError, TypeError):
            raise _not_compatible(self) from None
        if len(names) != 1:
            raise OptionError(f"The server at {self.at.host} has {len(names)} models.", hint=_listing(self, names))
        return names[0]

    def _client(self) -> httpx.Client:
        import httpx

        here = _is_here(urlsplit(self.at.url).hostname or "")
        return httpx.Client(
            base_url=self.at.url,
            timeout=self.timeout,
            auth=_with_key if here or self.at.url.startswith("https://") else None,
            trust_env=not here,  # no proxy is asked for this machine
        )


def _listing(endpoint: Endpoint, names: list[str]) -> str:
    shown = ", ".join(_plain(name) for name in names[:8])
    return f"add one of them behind #: {shown}" if names else "load one there"


def _with_key(request: httpx.Request) -> httpx.Request:
    """The request with the key, which no frame of ours and no object holds."""
    if os.environ.get(KEY):
        request.headers["Authorization"] = f"Bearer {os.environ[KEY]}"
    return request


def _greedy(beams: int) -> None:
    if beams > 1:
        raise OptionError("A model server has no beam search.", hint="ask without beams, or a model on this machine")


@contextmanager
def _one_line(endpoint: Endpoint) -> Iterator[None]:
    """Turns what the network raises into one line."""
    import httpx

    at = f"The model server at {endpoint.at.host}"
    try:
        yield
    except httpx.TimeoutException as exc:
        hint = "it may still be loading the model, or be busy: ask again in a while"
        raise ServerBusy(f"{at} did not answer within {endpoint.timeout:g} seconds.", hint=hint) from exc
    except httpx.HTTPError as exc:
        reason = _plain(str(exc)) or type(exc).__name__
        kind = ServerBusy if isinstance(exc, httpx.ReadError | httpx.RemoteProtocolError) else ModelError
        raise kind(f"{at} can not be reached: {reason}", hint="is it running, and the address right?") from exc


def _json(endpoint: Endpoint, response: httpx.Response) -> Any:
    """The body of a response that went well; ModelError in one line for any other."""
    status = response.status_code
    if status in (401, 403):
        key = "the key in" if os.environ.get(KEY) else "a request without"
        hint = f"set {KEY}; it is sent to https addresses and to this machine only"
        raise ModelError(f"The model server at {endpoint.at.host} refuses {key} {KEY} ({status}).", hint=hint)
    if status != 200:
        said = _reason(response)
        told = f"The model server at {endpoint.at.host} answers {status}{': ' + said if said else '.'}"
        if status == 429 or status >= 500:
            raise ServerBusy(told, after=_seconds(response.headers.get("retry-after", "")), hint="try again later")
        raise ModelError(told, hint="check the address and the model's name")
    return _parsed(endpoint, response.text)


def _seconds(text: str) -> float:
    """The seconds of a Retry-After header; 0 where it is none of the kind that counts seconds."""
    return float(text) if re.fullmatch(r"\d{1,6}(\.\d{1,3})?", text) else 0.0


def _parsed(endpoint: Endpoint, text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise _not_compatible(endpoint) from None


def _choice(endpoint: Endpoint, answer: Any, part: str) -> tuple[str, str]:
    try:
        if not answer["choices"]:  # a last piece of a stream that counts tokens
            return "", ""
        choice = answer["choices"][0]
        return str(choice[part].get("content") or ""), str(choice.get("finish_reason") or "")
    except (KeyError, TypeError, IndexError, AttributeError):
        raise _not_compatible(endpoint) from None


def _not_compatible(endpoint: Endpoint) -> ModelError:
    return ModelError(
        f"What {endpoint.at.host} answers is not what an OpenAI-compatible server does.",
        hint="the address ends in /v1 as a rule",
    )


def _reason(response: httpx.Response) -> str:
    try:
        answer = response.json()
        said = answer.get("error", answer) if isinstance(answer, dict) else ""
        return _plain(str(said.get("message", "") if isinstance(said, dict) else said))
    except (ValueError, RecursionError):
        return ""


def _plain(text: str) -> str:
    """A text from elsewhere on one line, printable and short, without the key should it come back."""
    key = os.environ.get(KEY, "")
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    text = text.replace(key, "***") if len(key) > 3 else text
    return text if len(text) <= _LONGEST_MESSAGE else text[: _LONGEST_MESSAGE - 1] + "…"


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@lru_cache(maxsize=8)
def _grammar(schema: str) -> str:
    from cypher_magic.graph.schema import GraphSchema
    from cypher_magic.query.grammar_for import grammar_for

    return grammar_for(GraphSchema.from_text(schema))
