"""From a question to rows: prompt -> reply -> repair -> gate and checks -> plan -> run, and again where it fails."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from cypher_magic.asking.work import Rules, Work, examine
from cypher_magic.errors import OptionError
from cypher_magic.model.backbones import silent

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cypher_magic.asking.answer import Answer
    from cypher_magic.data.example import Turn
    from cypher_magic.graph.neo4j_graph import Connection
    from cypher_magic.model.backbones import Progress
    from cypher_magic.model.constrain import Constraint

__all__ = ["BatchModel", "LiveModel", "Model", "Prompting", "Reply", "Rules", "ask", "ask_many", "checked", "examine"]

DEFAULT_RULES = Rules()
LONGEST_QUESTION = 2000  # characters; a question is a sentence or two


class Reply(Protocol):
    """What a model wrote."""

    @property
    def text(self) -> str: ...  # noqa: D102
    @property
    def ended(self) -> bool: ...  # noqa: D102
    @property
    def seconds(self) -> float: ...  # noqa: D102
    @property
    def likelihood(self) -> float: ...  # noqa: D102


class Prompting(Protocol):
    """What makes a model's prompt; what `ask` returns is for the same model alone."""

    def ask(self, question: str, schema: str | None, history: Sequence[Turn] = ()) -> Any: ...  # noqa: D102
    def text(self, question: str, schema: str | None, history: Sequence[Turn] = ()) -> str: ...  # noqa: D102


class Model(Protocol):
    """What asking needs of a model; one without a `tokenizer` can not be constrained here."""

    name: str
    tokenizer: Any

    @property
    def prompt(self) -> Prompting: ...  # noqa: D102

    def complete(  # noqa: D102
        self,
        question: str,
        schema: str | None,
        *,
        history: Sequence[Turn] = (),
        max_tokens: int = 256,
        stream: Callable[[str], None] | None = None,
        constraint: Constraint | None = None,
        beams: int = 1,
    ) -> Reply: ...


class BatchModel(Protocol):
    """What asking many questions at once needs of a model."""

    name: str
    tokenizer: Any

    @property
    def prompt(self) -> Prompting: ...  # noqa: D102

    def complete_many(  # noqa: D102
        self,
        asked: Sequence[Any],
        *,
        progress: Callable[[int, int], None] | None = None,
        constraint: Constraint | None | Sequence[Constraint | None] = None,
        beams: int = 1,
    ) -> Sequence[Reply]: ...


class LiveModel(Model, BatchModel, Protocol):
    """A model that answers one question or many, whether it lives here or behind an address."""


def ask(
    question: str,
    *,
    model: Model,
    graph: Connection,
    history: Sequence[Turn] = (),
    rules: Rules = DEFAULT_RULES,
    stream: Callable[[str], None] | None = None,
    progress: Progress | None = None,
) -> Answer:
    """Turn a question into a query that the graph accepts, and run it read-only.

    A query that fails goes back to the model with the complaint, at most `rules.retries` times. One that finds nothing
    has its values compared with the graph's. The answer says what was against the last query when none passed; it is
    an error only when the graph or the model is gone.
    """
    tell = progress or silent
    tell("reading the schema", 0, 0)
    work = Work(checked(question), graph, graph.schema(), _rules_for(model, rules), tuple(history))
    while not work.done:
        tell(f"writing the query, try {len(work.tries) + 1}" if work.tries else "writing the query", 0, 0)
        reply = model.complete(
            work.asked,
            work.schema_text,
            history=work.turns,
            stream=stream,
            constraint=_constraint(model, work),
            beams=rules.beams,
        )
        tell("checking and running the query", 0, 0)
        work.take(reply)
    return work.answer(model.prompt.text(work.question, work.schema_text, work.history), model.name)


def ask_many(
    questions: Sequence[str],
    *,
    model: BatchModel,
    graph: Connection,
    histories: Sequence[Sequence[Turn]] = (),
    rules: Rules = DEFAULT_RULES,
    progress: Callable[[int, int], None] | None = None,
) -> list[Answer]:
    """The answers to questions that do not follow from each other, computed in batches, each query run read-only.

    What fails or finds nothing is tried again as in `ask`, those of a round together. `progress` counts the replies of
    a round, and stays before the last one until everything has run. `histories` are the turns before each question.
    """
    schema = graph.schema()
    before = [tuple(turns) for turns in histories] or [()] * len(questions)
    texts = [checked(question) for question in questions]
    rules = _rules_for(model, rules)
    works = [Work(text, graph, schema, rules, turns) for text, turns in zip(texts, before, strict=True)]
    total = len(works)

    def replied(done: int, asked: int) -> None:
        if progress is not None:
            progress(min(total - asked + done, total - 1), total)  # all of it is done when all has run

    while open_works := [work for work in works if not work.done]:
        asked = [model.prompt.ask(work.asked, work.schema_text, work.turns) for work in open_works]
        limits = [_constraint(model, work) for work in open_works]
        replies = model.complete_many(asked, progress=replied, constraint=limits, beams=rules.beams)
        for work, reply in zip(open_works, replies, strict=True):
            work.take(reply)
    if progress is not None:
        progress(total, total)
    return [w.answer(model.prompt.text(w.question, w.schema_text, w.history), model.name) for w in works]


def _rules_for(model: Model | BatchModel, rules: Rules) -> Rules:
    """The rules, without a constraint on a model that takes none."""
    return rules if model.tokenizer is not None else replace(rules, constrain="off")


def _constraint(model: Model | BatchModel, work: Work) -> Constraint | None:
    """What this model may write now: the whole schema's names, also where the prompt shows a part of it."""
    if work.rules.constrain == "off":
        return None
    from cypher_magic.model.constrain import constraint_for

    return constraint_for(model.tokenizer, work.schema, work.rules.constrain, work.banned, work.texts, work.against)


def checked(question: str) -> str:
    """The question on one line; OptionError when there is none or when it is too long to be one."""
    question = " ".join("".join(c if c.isprintable() else " " for c in question).split())
    if not question:
        raise OptionError("There is no question.", hint="%cypher_ask Who directed The Matrix?")
    if len(question) > LONGEST_QUESTION:
        raise OptionError(
            f"The question has {len(question):,} characters.",
            hint=f"at most {LONGEST_QUESTION:,}: ask one thing at a time",
        )
    return question
