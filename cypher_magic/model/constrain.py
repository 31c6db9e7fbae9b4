"""Edge to llguidance: replies that are queries.

A `Constraint` belongs to a tokenizer and a schema and is compiled once; a `Guide` follows one reply. The grammar
(`query/grammar_for.py`) rules out what can be told from the text alone, the guide's checks the rest.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from cypher_magic.errors import ModelError, OptionError
from cypher_magic.model.guide import WITHOUT, Guide
from cypher_magic.query.grammar_for import grammar_for

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from cypher_magic.graph.schema import GraphSchema
    from cypher_magic.model.guide import Check

LEVELS = ("schema", "syntax", "off")
_KEPT = 16  # grammars per tokenizer


class Compiled:
    """A tokenizer as llguidance sees it, and the grammars that were compiled for it."""

    def __init__(self, tokenizer: Any) -> None:
        from llguidance.hf import from_tokenizer

        self.tokens = from_tokenizer(tokenizer)
        self.pieces: dict[int, bytes] = {}
        self.grammars: OrderedDict[tuple[object, ...], Any] = OrderedDict()

    def grammar(self, key: tuple[object, ...], text: Callable[[], str]) -> Any:
        """A matcher at the start of the grammar, to be copied."""
        from llguidance import LLMatcher

        if key not in self.grammars:
            matcher = LLMatcher(self.tokens, text(), log_level=0)
            if matcher.is_error():
                raise ModelError(f"The grammar can not be used: {matcher.get_error().splitlines()[0]}", hint=WITHOUT)
            self.grammars[key] = matcher
            while len(self.grammars) > _KEPT:
                self.grammars.popitem(last=False)
        self.grammars.move_to_end(key)
        return self.grammars[key]


_COMPILED: WeakKeyDictionary[Any, Compiled] = WeakKeyDictionary()


def constraint_for(
    tokenizer: Any,
    schema: GraphSchema | None,
    level: str = "schema",
    banned: Collection[str] = (),
    texts: Collection[str] = (),
    also: Check | None = None,
) -> Constraint | None:
    """What replies on this graph may be: `schema` (names and directions of the graph), `syntax`, or `off` (None).

    `banned` are names that may not be written, `texts`, where there are any, the only texts that may, and `also` is a
    check of the caller's own. None too for a tokenizer that llguidance can not follow (one that is not a "fast" one).
    """
    if level not in LEVELS:
        raise OptionError(f"There is no level {level!r} of constraint.", hint="schema, syntax or off")
    if level == "off" or not hasattr(tokenizer, "backend_tokenizer"):
        return None
    compiled = _COMPILED.get(tokenizer)
    if compiled is None:
        compiled = _COMPILED[tokenizer] = Compiled(tokenizer)
    known = schema if level == "schema" and schema is not None and schema.labels else None
    kinds = frozenset(index.kind for index in known.indexes) if known else frozenset()
    key = (known.fingerprint if known else "", kinds, frozenset(banned), frozenset(texts))
    grammar = compiled.grammar(key, lambda: grammar_for(known, banned=banned, texts=texts))
    return Constraint(compiled, grammar, known, also)


class Constraint:
    """What replies may be; `guide()` follows one reply."""

    def __init__(self, compiled: Compiled, grammar: Any, schema: GraphSchema | None, also: Check | None = None) -> None:
        self._compiled, self._grammar, self.schema, self._also = compiled, grammar, schema, also

    def guide(self, ends: Collection[int], most: int) -> Guide:
        """A guide for one reply of at most `most` tokens that ends with one of these."""
        return Guide(self._compiled, self._grammar.deep_copy(), self.schema, ends, most, self._also)

    def accepts(self, query: str) -> bool:
        """Whether a query could be written under this constraint."""
        matcher = self._grammar.deep_copy()
        tokens = self._compiled.tokens.tokenize_str(query)
        return matcher.try_consume_tokens(tokens) == len(tokens) and bool(matcher.is_accepting())
