"""Leads one reply under a constraint: each token allowed by the grammar, and back where a check complains.

Scopes, columns, the properties of a variable and the way of an arrow are judged by the checks of `query` at the end of
each part of the query. On a complaint the reply goes back to the token that the complaint points at, which may not be
written there again; an arrow is turned. On a complaint of the caller's own check it goes on from the most likely other
beginning instead (`beginnings.py`): what is wrong there was decided much earlier, and forbidding one token after the
other leads to nonsense. Where it is about the columns, other columns go before other beginnings.
"""

from __future__ import annotations

import copy
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from cypher_magic.errors import CypherSyntaxError, ModelError
from cypher_magic.model.beginnings import Beginnings
from cypher_magic.query.fits import Finding, fits
from cypher_magic.query.parse import parse, unquoted
from cypher_magic.query.readonly import read_only
from cypher_magic.query.scopes import understand

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    import torch
    from numpy.typing import NDArray

    from cypher_magic.graph.schema import GraphSchema
    from cypher_magic.model.constrain import Compiled
    from cypher_magic.query.complaint import Complaint
    from cypher_magic.query.fits import Edits
    from cypher_magic.query.parse import Query

    Check = Callable[[Query, bool], list[Complaint]]  # of the reply so far, and whether it is the whole of it

WITHOUT = "--constrain off asks without it"
_MOST_RETREATS = 24
_MOST_BEGINNINGS, _MOST_COMPUTED = 30, 320  # other beginnings of one reply, and tokens in all before the last of them
_OTHERS, _UNLIKELY = 3, -16.0  # tokens that are kept at each place besides the chosen one, and their log-probability
_DIGITS = re.compile(rb"\d+")
_TEXT = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\"""", re.DOTALL)
# Complaints about what was decided long before it shows, and how likely another beginning must be beside the reply.
_EARLIER = dict.fromkeys(("misplaced_text", "unsaid_number", "unsaid_text", "turned", "left_out", "found_nothing"), 0.0)
_EARLIER |= {"in_doubt": 0.25, "returned": 0.0}
_OF_THE_WHOLE = frozenset(("returned", "left_out"))  # another last token does not put them right
_MOST_OPEN = {b"{": 3, b"(": 8, b"[": 4}  # brackets inside each other
_CLOSING = {b"{": b"}", b"(": b")", b"[": b"]"}
_LAST_RESORT = "RETURN NULL"
# A part of a query ends where one of these words, a comma or a new line begins.
_PART_ENDS = re.compile(
    r" *\n *(?:[A-Z]+|$)| +(?:WHERE|WITH|RETURN|MATCH|OPTIONAL|ORDER|UNWIND|CALL|LIMIT|SKIP|UNION|AND|OR|XOR)\b|,"
)
_NAMED = re.compile(r"\w+|`[^`]+`")
_USED = re.compile(r"(\w+)\.\Z")
_BOUND = re.compile(r"[(\[](\w+):(\w+|`[^`]+`)")
# What the rest of the query can put right; and what the rest of the expression can.
_LATER = frozenset(("missing_return", "union_columns", "syntax"))
_LATER_HERE = _LATER | {"grouping", "type_mismatch", "never_true"}


class Guide:
    """The tokens of one reply as it grows, each allowed by the grammar, and back where a check complains.

    `tokens` is the reply so far, `done` whether it is finished: then it is a query that the grammar accepts, whatever
    the budget. `ended` tells whether the model itself ended it, `retreats` how often something was taken back, `begun`
    how often it was for another beginning.
    """

    def __init__(
        self,
        compiled: Compiled,
        matcher: Any,
        schema: GraphSchema | None,
        ends: Collection[int],
        most: int,
        also: Check | None = None,
    ) -> None:
        self.tokens: list[int] = []
        self.done = self.ended = False
        self.retreats = self.begun = self._computed = 0
        self._compiled, self._matcher, self._schema, self._also = compiled, matcher, schema, also
        self._ends, self._most = list(ends), most
        self._banned: dict[int, set[int]] = {}
        self._beginnings = Beginnings()  # filled where the caller has a check of its own

    def next(self, best: int, scores: Callable[[], NDArray[np.float32]]) -> None:
        """Go on with the most likely token that is allowed; or back, or to the end.

        `best` is the most likely token of all; `scores` gives those of all tokens, and is asked only when that one is
        not allowed.
        """
        if len(self.tokens) >= self._most:
            self._finish()
            return
        self._computed += 1
        token = self._allowed(best, scores)
        if token is not None and self._also is not None:
            self._remember(token, scores())
            if self._beginnings.better() and self._begin_anew(len(self.tokens) - 1):
                return
        if token is None:
            self._back_to(len(self.tokens) - 1)
        elif token in self._ends:
            if not self._put_right(None):
                self.done = self.ended = True
        else:
            self._push(token)

    def options(self, likely: torch.Tensor, count: int) -> list[tuple[int, float]]:
        """The most likely tokens that may stand here, with their scores, best first."""
        allowed = self._mask()
        allowed[list(self._banned.get(len(self.tokens), ()))] = False
        tokens = np.flatnonzero(allowed[: len(likely)])
        values = likely.cpu().numpy()[tokens]
        best = np.argsort(-values, kind="stable")[: 2 * count]
        found = [(int(tokens[i]), float(values[i])) for i in best if not self._nests_too_deep(int(tokens[i]))]
        return found[:count]

    def fork(self) -> Guide:
        """A second guide at the same place, that goes on by itself."""
        other = copy.copy(self)
        other.tokens, other._matcher = list(self.tokens), self._matcher.deep_copy()
        other._banned = {place: set(tokens) for place, tokens in self._banned.items()}
        other._beginnings = self._beginnings.copy()
        return other

    def take(self, token: int) -> bool:
        """Add this token, or end with it; False when a check complains. An arrow is turned as in `next`."""
        before = list(self.tokens)
        if len(before) >= self._most:
            self._finish()
        elif token not in self._ends:
            self._push(token)
        elif not self._put_right(None):
            self.done = self.ended = True
        return self.done or len(self.tokens) > len(before) or self.tokens != before[: len(self.tokens)]

    def text(self, count: int | None = None) -> str:
        """The reply so far, or its first tokens."""
        return b"".join(map(self._piece, self.tokens[:count])).decode("utf-8", "replace")

    def _piece(self, token: int) -> bytes:
        pieces = self._compiled.pieces
        if token not in pieces:
            pieces[token] = self._compiled.tokens.decode_bytes([token])
        return pieces[token]

    # Choosing

    def _allowed(self, best: int, scores: Callable[[], NDArray[np.float32]]) -> int | None:
        """The most likely token that may stand here; None when none may."""
        banned = self._banned.get(len(self.tokens), set())
        if best not in banned and self._fits(best) and not self._nests_too_deep(best):
            return best
        allowed = self._mask()
        allowed[list(banned)] = False
        if not allowed.any():
            return None
        values = scores()[: len(allowed)]
        values = np.where(allowed[: len(values)], values, -np.inf)
        while np.max(values) > -np.inf:
            token = int(np.argmax(values))
            if not self._nests_too_deep(token):
                return token
            values[token] = -np.inf
        return None

    def _nests_too_deep(self, token: int) -> bool:
        """Models that lose their way open brackets for ever, and no grammar counts them."""
        piece = self._piece(token)
        opened = [sign for sign in _MOST_OPEN if sign in piece]
        if not opened:
            return False
        text = b"".join(map(self._piece, self.tokens)) + piece
        return any(text.count(sign) - text.count(_CLOSING[sign]) > _MOST_OPEN[sign] for sign in opened)

    def _fits(self, token: int) -> bool:
        if token in self._ends:
            return bool(self._matcher.is_accepting())
        return not self._matcher.is_stopped() and self._matcher.validate_tokens([token]) == 1

    def _mask(self) -> NDArray[np.bool_]:
        size = self._compiled.tokens.vocab_size
        allowed = np.zeros(max(size, max(self._ends, default=0) + 1), dtype=np.bool_)
        if not self._matcher.is_stopped():
            bits = np.frombuffer(self._matcher.compute_bitmask(), dtype=np.uint8)
            allowed[:size] = np.unpackbits(bits, bitorder="little")[:size]
        allowed[[*self._ends, *self._compiled.tokens.eos_tokens]] = False
        allowed[self._ends] = self._matcher.is_accepting()
        return allowed

    def _push(self, token: int) -> None:
        if self.tokens:
            ends = _PART_ENDS.match(self._piece(token).decode("utf-8", "replace"))
            if ends and self._put_right(ends[0].strip()):
                return
        if not self._matcher.consume_token(token):
            raise ModelError(f"The grammar lost its way: {self._matcher.get_error()}", hint=WITHOUT)
        self.tokens.append(token)

    # Going back

    def _put_right(self, following: str | None) -> bool:
        """Whether something is wrong with the text so far and was changed; `following` is None at its end."""
        text = self.text()
        wrong = self._judge(text, following)
        if wrong is None:
            return False
        if wrong.complaint.code == "reversed_direction" and wrong.edits and self._rewrite(_edited(text, wrong.edits)):
            return True
        at = self._token_at(text, wrong.complaint)
        share = _EARLIER.get(wrong.complaint.code)
        if wrong.complaint.code == "returned":  # what is wrong with the columns may be right with others
            if self._begin_anew(len(self.tokens) - 1, 0.0, at):
                return True
        elif share is not None and self._begin_anew(at, share):
            return True
        if share:
            return False
        if wrong.complaint.code in _OF_THE_WHOLE:
            self._finish()
        else:
            self._back_to(at)
        return True

    @property
    def likelihood(self) -> float:
        """The log-probability of the reply where the caller has a check of its own, else 0."""
        return self._beginnings.likelihood

    def _remember(self, token: int, scores: NDArray[np.float32]) -> None:
        """Keep the likely tokens that may stand here besides the chosen one: other beginnings to go on from."""
        gains = scores - np.logaddexp.reduce(scores)
        others: list[int] = []
        if not re.search("['\"]", _TEXT.sub("", self.text())):  # inside a text, another token is another spelling
            allowed = self._mask()
            allowed[[token, *self._ends, *self._banned.get(len(self.tokens), ())]] = False
            likely = np.flatnonzero(allowed[: len(gains)] & (gains[: len(allowed)] > _UNLIKELY))
            ranked = map(int, likely[np.argsort(-gains[likely])][: 2 * _OTHERS])
            chosen = _DIGITS.sub(b"", self._piece(token))
            others = [t for t in ranked if _DIGITS.sub(b"", self._piece(t)) != chosen]  # m2 is no other than m3
        self._beginnings.add(self.tokens, float(gains[token]), [(t, float(gains[t])) for t in others[:_OTHERS]])

    def _begin_anew(self, at: int, share: float = 0.0, since: int | None = None) -> bool:
        """Go on from the most likely other beginning (see `Beginnings.next`); False without one."""
        spent = self.begun >= _MOST_BEGINNINGS or self._computed >= _MOST_COMPUTED
        tokens = None if spent else self._beginnings.next(self.tokens, at, share, since)
        if tokens is None:
            return False
        self.retreats += 1
        self.begun += 1
        self._banned.clear()
        self._replay(tokens)
        return True

    def _rewrite(self, text: str) -> bool:
        """Put another text in the place of the reply so far; False if that can not be written."""
        tokens, before = self._compiled.tokens.tokenize_str(text), list(self.tokens)
        if len(tokens) > self._most or self.retreats >= _MOST_RETREATS:
            return False
        self._cut(0)
        if self._matcher.validate_tokens(tokens) < len(tokens):
            self._replay(before)
            return False
        self._replay(tokens)
        self.retreats += 1
        self._banned.clear()
        return True

    def _back_to(self, at: int) -> None:
        """Take back the token at this place and all behind it; it can not be written there again."""
        self.retreats += 1
        if at < 0 or self.retreats > _MOST_RETREATS:
            self._finish()
            return
        self._banned = {place: tokens for place, tokens in self._banned.items() if place <= at}
        self._banned.setdefault(at, set()).add(self.tokens[at])
        self._cut(at)

    def _cut(self, count: int) -> None:
        if len(self.tokens) > count:
            self._matcher.rollback(len(self.tokens) - count)
            del self.tokens[count:]

    def _judge(self, text: str, following: str | None) -> Finding | None:
        """The first thing that is wrong with the text; `following` is the word behind it, None at the end."""
        if following is None and (refused := read_only(text)):
            return Finding(refused[0])
        query = _readable(text)
        if query is None:  # inside brackets, or not yet a whole part
            return None
        meaning = understand(query)
        found = [Finding(complaint) for complaint in meaning.complaints]
        found += fits(query, meaning, self._schema) if self._schema is not None else []
        found += map(Finding, self._also(query, following is None)) if self._also is not None else []
        if following is not None:
            later = _LATER if following.isalpha() else _LATER_HERE
            found = [f for f in found if f.complaint.code not in later and _offset(text, f.complaint) < len(text)]
        return min(found, key=lambda f: (f.complaint.line, f.complaint.column), default=None)

    def _token_at(self, text: str, complaint: Complaint) -> int:
        offset = _offset(text, complaint)
        if complaint.code == "duplicate_column" and not text[:offset].rstrip().upper().endswith(" AS"):
            offset = max(text.rfind(",", 0, offset), 0)  # rather no further column than another one
        if complaint.code == "unknown_property":
            offset = self._owner_at(text, offset)
        wanted = len(text[:offset].encode())
        place = 0
        for i, token in enumerate(self.tokens):
            place += len(self._piece(token))
            if place > wanted:
                return i
        return len(self.tokens) - 1

    def _owner_at(self, text: str, offset: int) -> int:
        """Where the variable in front of a property begins, if another variable has that property; else the same."""
        used, name = _USED.search(text, 0, offset), _NAMED.match(text, offset)
        if used is None or name is None or self._schema is None:
            return offset
        owners = {**self._schema.labels, **self._schema.relationship_types}
        holders = {owner for owner, properties in owners.items() if unquoted(name[0]) in properties}
        others = ((v, owner) for v, owner in _BOUND.findall(text[:offset]) if v != used[1])
        return used.start() if any(unquoted(owner) in holders for _, owner in others) else offset

    # The end of the budget

    def _finish(self) -> None:
        """End the reply with what there is: its longest beginning that is a query, or that RETURN makes one.

        One that nothing is to be said against goes before one that is only complete.
        """
        self.done = True
        whole = list(self.tokens)
        complete = None
        for tail in ("", "\nRETURN *"):
            for tokens in self._endings(whole, self._compiled.tokens.tokenize_str(tail) if tail else []):
                if self._judge(self.text(), None) is None:
                    return
                complete = complete or tokens
        self._replay(complete or self._compiled.tokens.tokenize_str(_LAST_RESORT))

    def _endings(self, whole: list[int], tail: list[int]) -> Iterator[list[int]]:
        """The beginnings of a reply that are complete with this tail, the longest first; each is put in its place."""
        self._replay(whole)
        for count in range(min(len(whole), self._most - len(tail)), 0, -1):
            self._cut(count)
            if not self._is_word_end(whole, count) or self._matcher.validate_tokens(tail) < len(tail):
                continue
            self._matcher.consume_tokens(tail)
            self.tokens += tail
            if self._matcher.is_accepting():  # not so inside brackets
                yield list(self.tokens)

    def _is_word_end(self, tokens: list[int], count: int) -> bool:
        following = self._piece(tokens[count])[:1] if count < len(tokens) else b" "
        return not (following.isalnum() or following == b"_" or following >= b"\x80")

    def _replay(self, tokens: list[int]) -> None:
        self._cut(0)
        if not self._matcher.consume_tokens(tokens):
            raise ModelError(f"The grammar lost its way: {self._matcher.get_error()}", hint=WITHOUT)
        self.tokens = list(tokens)


def _edited(text: str, edits: Edits) -> str:
    for start, end, new in sorted(edits, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def _readable(text: str) -> Query | None:
    """The text as a query, with a RETURN where that is missing; None when it is no whole number of clauses."""
    for tail in ("", " RETURN 1"):
        try:
            return parse(text + tail)
        except CypherSyntaxError:
            continue
    return None


def _offset(text: str, complaint: Complaint) -> int:
    return sum(len(row) for row in text.splitlines(keepends=True)[: complaint.line - 1]) + complaint.column - 1
