"""From a question to rows: prompt -> reply -> repair -> gate and checks -> run, and once more with the complaint."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

from cypher_magic.asking.answer import Answer, Attempt
from cypher_magic.asking.values import trimmed
from cypher_magic.data.example import Turn
from cypher_magic.errors import NotReadOnly, OptionError, QueryFailed, QueryTimeout
from cypher_magic.model.prompt import correction
from cypher_magic.query.check import check
from cypher_magic.query.complaint import Complaint
from cypher_magic.query.readonly import read_only
from cypher_magic.query.repair import repair

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from cypher_magic.graph.neo4j_graph import Connection
    from cypher_magic.graph.result import QueryResult
    from cypher_magic.graph.schema import GraphSchema
    from cypher_magic.model.generate import Completion
    from cypher_magic.model.prompt import Encoded, Prompt

LONGEST_QUESTION = 2000  # characters; a question is a sentence or two


class Model(Protocol):
    """What asking needs of a model."""

    name: str
    prompt: Prompt

    def complete(  # noqa: D102
        self,
        question: str,
        schema: str | None,
        *,
        history: Sequence[Turn] = (),
        max_tokens: int = 256,
        stream: Callable[[str], None] | None = None,
    ) -> Completion: ...


class BatchModel(Protocol):
    """What asking many questions at once needs of a model."""

    name: str
    prompt: Prompt

    def complete_many(  # noqa: D102
        self, asked: Sequence[Encoded], *, progress: Callable[[int, int], None] | None = None
    ) -> list[Completion]: ...


def ask(
    question: str,
    *,
    model: Model,
    graph: Connection,
    history: Sequence[Turn] = (),
    retries: int = 1,
    limit: int = 1000,
    timeout: float = 30.0,
    run: bool = True,
    allow: Iterable[str] = (),
    stream: Callable[[str], None] | None = None,
) -> Answer:
    """Turn a question into a query that the graph accepts, and run it read-only.

    A query that fails a check goes back to the model with the complaint, at most `retries` times. The answer says
    what was against the last one when none passed; it is an error only when the graph or the model is gone.
    """
    question = checked(question)
    started = time.perf_counter()
    schema = graph.schema()
    text = schema.render()
    attempts: list[Attempt] = []
    result: QueryResult | None = None
    asked, turns = question, list(history)
    for _ in range(max(0, retries) + 1):
        reply = model.complete(asked, text, history=turns, stream=stream)
        attempt = examine(reply.text, schema, question, ended=reply.ended, allow=allow)
        if not attempt.complaints:
            result, complaints = (
                _run(graph, attempt.query, limit, timeout) if run else (None, _plan(graph, attempt.query))
            )
            attempt = Attempt(attempt.reply, attempt.query, attempt.repairs, complaints)
        attempts.append(attempt)
        if not attempt.complaints or not attempt.query:
            break
        asked, turns = correction(question, attempt.complaints[0].message), [*history, Turn(question, attempt.query)]
    last = attempts[-1]
    return Answer(
        question=question,
        query=last.query,
        complaints=last.complaints,
        repairs=last.repairs,
        result=result,
        seconds=time.perf_counter() - started,
        prompt=model.prompt.text(question, text, history),
        attempts=tuple(attempts),
        model=model.name,
    )


def ask_many(
    questions: Sequence[str],
    *,
    model: BatchModel,
    graph: Connection,
    limit: int = 1000,
    timeout: float = 30.0,
    progress: Callable[[int, int], None] | None = None,
) -> list[Answer]:
    """The answers to questions that do not follow from each other, computed in batches, each query run read-only.

    One try each: a question whose query fails has complaints and no rows; ask it alone for a second try.
    """
    schema = graph.schema()
    text = schema.render()
    texts = [checked(q) for q in questions]
    replies = model.complete_many([model.prompt.ask(q, text) for q in texts], progress=progress)
    answers = []
    for question, reply in zip(texts, replies, strict=True):
        tried = examine(reply.text, schema, question, ended=reply.ended)
        result, complaints = (None, tried.complaints) if tried.complaints else _run(graph, tried.query, limit, timeout)
        answers.append(
            Answer(
                question=question,
                query=tried.query,
                complaints=complaints,
                repairs=tried.repairs,
                result=result,
                seconds=reply.seconds + (result.seconds if result else 0.0),
                prompt=model.prompt.text(question, text),
                attempts=(Attempt(tried.reply, tried.query, tried.repairs, complaints),),
                model=model.name,
            )
        )
    return answers


def examine(
    reply: str, schema: GraphSchema, question: str = "", *, ended: bool = True, allow: Iterable[str] = ()
) -> Attempt:
    """The query in a model's reply, repaired where that is safe, and everything that is against it."""
    if not reply.strip():
        return Attempt(reply, "", complaints=(Complaint("syntax", "the model wrote nothing"),))
    repaired = repair(reply.strip(), schema)
    query, mended = trimmed(repaired.text, question)
    complaints = read_only(query, allow) or check(query, schema)
    if complaints and not ended:
        complaints = [
            Complaint("syntax", "the query does not end: the model went on until it was cut off"),
            *complaints,
        ]
    return Attempt(reply, query, (*map(str, repaired.changes), *mended), tuple(complaints))


def checked(question: str) -> str:
    """The question on one line; OptionError when there is none or when it is too long to be one."""
    question = " ".join(question.split())
    if not question:
        raise OptionError("There is no question.", hint="%cypher_ask Who directed The Matrix?")
    if len(question) > LONGEST_QUESTION:
        raise OptionError(
            f"The question has {len(question):,} characters.",
            hint=f"at most {LONGEST_QUESTION:,}: ask one thing at a time",
        )
    return question


def _run(graph: Connection, query: str, limit: int, timeout: float) -> tuple[QueryResult | None, tuple[Complaint, ...]]:
    try:
        return graph.read(query, limit=limit, timeout=timeout), ()
    except QueryTimeout as exc:
        return None, (Complaint("timeout", exc.message, hint="ask for less, or allow more time with -t"),)
    except (QueryFailed, NotReadOnly) as exc:
        return None, (Complaint("database", exc.message, hint=exc.hint),)


def _plan(graph: Connection, query: str) -> tuple[Complaint, ...]:
    try:
        graph.explain(query)
    except (QueryFailed, NotReadOnly) as exc:
        return (Complaint("database", exc.message, hint=exc.hint),)
    return ()
