"""Completion of labels, relationship types, properties, functions and keywords inside Cypher."""

from __future__ import annotations

from IPython.core.completer import CompletionContext, SimpleMatcherResult, context_matcher


@context_matcher()
def complete(context: CompletionContext) -> SimpleMatcherResult:
    """What can stand at the cursor, from the cached schema alone; nothing outside Cypher."""
    return {"completions": []}
