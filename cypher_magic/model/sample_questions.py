"""The questions of a model card: made from the names of a schema alone, in the words that generated pairs use.

A card goes out to others, so no value of the graph and no row of the training data is in it; where a row has to be
shown, it says what would stand there.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from cypher_magic.data.example import Turn
from cypher_magic.data.generate.naming import Naming
from cypher_magic.data.generate.words import with_article, words
from cypher_magic.graph.schema import GraphSchema, quoted
from cypher_magic.model.prompt import SCHEMA_TOKENS

_TELLING = ("name", "title", "label", "code", "id")  # what a thing is listed by, the best first


@dataclass(frozen=True)
class Sample:
    """A question, and a conversation: the turn that comes first, and the question that goes on from it."""

    question: str
    turn: Turn
    follow_up: str = "How many of them are there?"


def sample_questions(schema: str | None) -> Sample:
    """Questions about the label that most of the graph hangs on; about nodes where no label is known."""
    known = _read(schema)
    if known is None or not known.labels:
        return Sample("How many nodes are there?", _listed("nodes", "(n)", "n", "name"))
    ends = Counter(end for t in known.triples for end in {t.start, t.end})
    label = max(known.labels, key=lambda name: (ends[name], bool(known.labels[name])))
    many = Naming(known).nouns(label)[0].many
    variable = label[0].lower() if label[0].isascii() and label[0].isalpha() else "n"
    pattern = f"({variable}:{quoted(label)})"
    properties = [p for name in _TELLING for p in known.labels[label] if name in words(p)] or list(known.labels[label])
    return Sample(f"How many {many} are there?", _listed(many, pattern, variable, *properties[:1]))


def asked_with(schema: str | None, question: str) -> str | None:
    """The schema as asking puts it beside a question: whole, or the part of a large one that is near the question."""
    known = _read(schema)
    part = known and known.pruned_for(question, SCHEMA_TOKENS)
    return schema if part is known or part is None else part.render()


def _listed(many: str, pattern: str, variable: str, name: str = "") -> Turn:
    """The turn that lists all of them, with what would stand in its rows."""
    column = f"{variable}.{quoted(name)}" if name else f"elementId({variable})"
    row = f"({with_article(' '.join(words(name)))})" if name else "(an id)"
    return Turn(f"Show all {many}.", f"MATCH {pattern} RETURN {column}", (column,), ((row,),))


def _read(schema: str | None) -> GraphSchema | None:
    try:
        return GraphSchema.from_text(schema or "")
    except ValueError:  # that of a model from elsewhere may be written in another form
        return None
