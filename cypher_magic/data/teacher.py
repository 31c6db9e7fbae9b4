"""Questions from a teacher: a large model words them anew, or adds pairs; nothing it sends is kept unchecked.

The teacher is a function from messages to a text (`Complete`), so this module talks to no server. What may leave the
machine is the schema and values that stand in generated pairs or were sampled; with `values_stay` no value does.
Replies are kept on disk under a hash of what was asked, so that the same work is paid for once.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cypher_magic.data.teacher_reply import LONGEST_REPLY, NotUsable, objects
from cypher_magic.errors import ServerBusy

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from cypher_magic.data.generate.maker import Pair

Complete = Callable[[Sequence[dict[str, str]], int], str]  # messages and the most tokens -> the reply's text
Progress = Callable[[int, int], None]

AT_ONCE = 4  # requests on their way at the same time
_GIVES_UP = 3  # requests in a row that found the server busy to the end
_LETTERS = 3.5  # of a token, roughly, in English and Cypher


@dataclass(frozen=True)
class Request:
    """Messages for the teacher, what they are about, and how long the reply is expected to be, in tokens."""

    messages: tuple[dict[str, str], ...]
    about: Any
    items: str  # the name of the list in the reply
    count: int  # of items in it at the most
    expected: int

    @property
    def most(self) -> int:
        """Tokens that the reply may have."""
        return 2 * self.expected + 200

    def key(self, identity: str) -> str:
        """What the reply is kept under."""
        asked = json.dumps([identity, self.messages, self.most], ensure_ascii=False, sort_keys=True)
        return hashlib.sha256(asked.encode("utf-8", "replace")).hexdigest()


@dataclass(frozen=True)
class Cost:
    """What asking the teacher will take: requests, tokens (estimated from letters), and money where prices are known.

    `cached` requests were answered before and cost nothing; they are in none of the other figures.
    """

    requests: int
    cached: int
    tokens_there: int
    tokens_back: int
    most_back: int
    price: float | None = None  # in the currency of the prices
    most_price: float | None = None

    def __str__(self) -> str:
        if not self.requests:
            return f"nothing to pay: all {self.cached} requests were answered before"
        said = f"{self.requests} request{'s'[: self.requests != 1]}, about {self.tokens_there:,} tokens there"
        said += f" and {self.tokens_back:,} (at most {self.most_back:,}) back"
        if self.price is not None and self.most_price is not None:
            said += f"; at these prices about {self.price:.2f}, at most {self.most_price:.2f}"
        return said + (f"; {self.cached} more were answered before" if self.cached else "")


@dataclass(frozen=True)
class Taught:
    """What came of the teacher's work: how much was asked, came back and was kept, and why the rest was not."""

    teacher: str
    cost: Cost
    returned: int = 0
    kept: int = 0
    failed: Mapping[str, int] = field(default_factory=dict)
    note: str = ""

    @property
    def share_failed(self) -> float:
        """The share of what came back that was not kept."""
        return 1 - self.kept / self.returned if self.returned else 0.0

    @property
    def lines(self) -> list[str]:
        """What there is to say, a line each."""
        head = f"{self.teacher}: {self.kept} of {self.returned} kept ({self.share_failed:.0%} failed), {self.cost}"
        lines = [head, *(f"  failed: {why} {count}" for why, count in self.failed.items())]
        return [*lines, f"  {self.note}"] if self.note else lines

    def __repr__(self) -> str:
        return "\n".join(self.lines)


def cost_of(requests: Sequence[Request], cache: Cache, prices: tuple[float, float] | None = None) -> Cost:
    """What the requests that the cache can not answer will take; `prices` are per million tokens, there and back."""
    fresh = [r for r in requests if cache.get(r) is None]
    there = sum(round(sum(len(m["content"]) for m in r.messages) / _LETTERS) + 10 for r in fresh)
    back, most = sum(r.expected for r in fresh), sum(r.most for r in fresh)
    price, most_price = (
        (there * prices[0] + n * prices[1]) / 1e6 if prices is not None else None for n in (back, most)
    )
    return Cost(len(fresh), len(requests) - len(fresh), there, back, most, price, most_price)


class Cache:
    """Replies by what was asked of whom, one file each, for this user's eyes only; no key of a server comes here."""

    def __init__(self, folder: Path, identity: str) -> None:
        self.folder, self.identity = folder, identity

    def get(self, request: Request) -> str | None:
        """The reply from before, or None."""
        try:
            with self._path(request).open(encoding="utf-8") as file:
                return file.read(4 * LONGEST_REPLY)
        except (OSError, UnicodeDecodeError):
            return None

    def put(self, request: Request, reply: str) -> None:
        """Keep a reply; a full disk costs the reuse, not the reply."""
        path = self._path(request)
        fresh = path.with_suffix(".new")
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
                file.write(reply)
            fresh.replace(path)
        except (OSError, UnicodeEncodeError):
            fresh.unlink(missing_ok=True)

    def _path(self, request: Request) -> Path:
        return self.folder / f"{request.key(self.identity)}.txt"


Accept = Callable[[Request, dict[str, Any]], "Iterator[Pair | str]"]  # what an item gives: pairs, or why there is none


def teach(
    requests: Sequence[Request],
    complete: Complete,
    accept: Accept,
    cache: Cache,
    *,
    name: str,
    cost: Cost,
    progress: Progress | None = None,
) -> tuple[list[Pair], Taught]:
    """The pairs that were accepted, and the report. An interrupt ends it and keeps what there is.

    What `complete` raises ends it too, except ServerBusy, which costs that request; three in a row end it with a note.
    """
    pairs: list[Pair] = []
    failed: Counter[str] = Counter()
    returned = busy = 0
    note = ""
    pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="cypher_magic-teacher")
    waiting = [(r, pool.submit(_reply, r, complete, cache)) for r in requests]
    try:
        for done, (request, future) in enumerate(waiting, 1):
            try:
                items = _items(request, future.result(), cache)
                busy = 0
            except ServerBusy as exc:
                busy += 1
                failed["the server did not answer"] += 1
                if busy == _GIVES_UP:
                    note = f"Given up after {done} of {len(requests)} requests: {exc.message}"
                    break
                continue
            except NotUsable as exc:
                failed[str(exc)] += 1
                returned += 1
                continue
            for item in items:
                for found in accept(request, item):
                    returned += 1
                    if isinstance(found, str):
                        failed[found] += 1
                    else:
                        pairs.append(found)
            if progress is not None:
                progress(done, len(requests))
    except KeyboardInterrupt:
        note = "Stopped: what had come by then is kept."
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    return pairs, Taught(name, cost, returned, len(pairs), dict(failed.most_common()), note)


def _reply(request: Request, complete: Complete, cache: Cache) -> str:
    known = cache.get(request)
    return known if known is not None else complete(request.messages, request.most)


def _items(request: Request, reply: str, cache: Cache) -> list[dict[str, Any]]:
    """The items of a reply; one that can be read is kept for the next time, another is asked for again then."""
    found = objects(reply, request.items, request.count)
    if cache.get(request) is None:
        cache.put(request, reply)
    return found
