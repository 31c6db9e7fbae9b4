"""One question on its way to an answer: what the model is asked, and what comes of each of its replies."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from cypher_magic.asking.answer import Answer, Attempt
from cypher_magic.asking.homes import Home, not_at_home
from cypher_magic.asking.notes import explanation, remarks, spans, texts_of, unsaid
from cypher_magic.asking.running import planned, ran
from cypher_magic.asking.steps import Steps
from cypher_magic.asking.unexplained import Unexplained, unexplained
from cypher_magic.asking.vain import vain, where_vain
from cypher_magic.asking.values import Missing, is_empty, missing, trimmed
from cypher_magic.data.agreement.gaps import gaps, left_out, turned, wrong_columns
from cypher_magic.data.agreement.numbers import unsaid_numbers
from cypher_magic.data.agreement.wanted import other_kind
from cypher_magic.data.example import Turn
from cypher_magic.errors import OptionError
from cypher_magic.model.prompt import SCHEMA_TOKENS, correction
from cypher_magic.query.check import check
from cypher_magic.query.complaint import NAMES, Complaint
from cypher_magic.query.literals import may_be_several
from cypher_magic.query.naming import an
from cypher_magic.query.parse import Node, parse, start_of
from cypher_magic.query.readonly import read_only
from cypher_magic.query.repair import repair

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cypher_magic.asking.ask import Reply
    from cypher_magic.graph.neo4j_graph import Connection
    from cypher_magic.graph.result import QueryResult
    from cypher_magic.graph.schema import GraphSchema
    from cypher_magic.query.parse import Query

# No second try: it was asked to write, or would cost the time limit again, or the model has nothing better.
_FINAL = frozenset(("write", "timeout", "unlikely"))
UNLIKELY = -15.0  # log-probability of a reply that was led away from what was tried before: from here on it is nonsense
MOST_BEAMS = 16


@dataclass(frozen=True)
class Rules:
    """What holds for all tries of a question: rows, seconds, what may be called, near values, how replies are made.

    `page` is how many rows of a table are shown at once.
    """

    limit: int = 1000
    timeout: float = 30.0
    run: bool = True
    allow: tuple[str, ...] = ()
    retries: int = 2
    near: str = "apply"
    constrain: str = "schema"
    beams: int = 1
    page: int = 20

    def __post_init__(self) -> None:
        """OptionError for more beams than are of use."""
        if not 1 <= self.beams <= MOST_BEAMS:
            raise OptionError(f"There can not be {self.beams} beams.", hint=f"1 to {MOST_BEAMS}; 4 are usual")


@dataclass(frozen=True)
class Tried:
    """A try with its rows (None when it did not run) and what is to be said to the person."""

    attempt: Attempt
    result: QueryResult | None = None
    notes: tuple[str, ...] = ()
    missing: Missing | None = None
    dropped: bool = False  # a text that was to be looked for elsewhere is not in the query any more
    guessed: bool = False  # it compares with what nobody said
    gaps: tuple[str, ...] = ()  # what of the question it leaves out or turns round
    words: Unexplained = Unexplained()  # of the question, that it leaves out

    @property
    def rank(self) -> int:
        """0 with rows (or checked and not to be run), 1 in doubt, 2 with a complaint, 3 past the point."""
        if self.dropped:
            return 3
        doubtful = (
            self.guessed or self.gaps or self.words.forgotten or (self.result is not None and is_empty(self.result))
        )
        return 2 if self.attempt.complaints else int(bool(doubtful))


@dataclass
class Work:
    """A question, its tries so far, and what the model is asked next."""

    question: str
    graph: Connection
    schema: GraphSchema
    rules: Rules
    history: tuple[Turn, ...] = ()
    steps: Steps = field(default_factory=Steps)
    tries: list[Tried] = field(default_factory=list)
    banned: frozenset[str] = frozenset()
    texts: frozenset[str] = frozenset()  # the only ones that may be written, once one was made up
    homes: frozenset[Home] = frozenset()  # where the texts are that were looked for in vain
    vain: frozenset[str] = frozenset()  # what found nothing
    strict: bool = False  # after a query in doubt: nothing may be made up, left out or turned round
    done: bool = False
    by_hand: bool = False  # the query is a person's own, who may look for what was not asked

    def __post_init__(self) -> None:
        self.started = time.perf_counter()
        self.asked, self.turns = self.question, self.history
        with self.steps.timed("schema") as step:
            about = " ".join([self.question, *(f"{t.question} {t.query}" for t in self.history[-1:])])
            pruned = self.schema.pruned_for(about, SCHEMA_TOKENS)
            self.schema_text = pruned.render()
            whole = f"{len(self.schema.labels)} labels"
            step.outcome = (
                whole if pruned is self.schema else f"{len(pruned.labels)} of {whole}, those near the question"
            )

    def against(self, query: Query, whole: bool) -> list[Complaint]:
        """What the tries so far tell against a query: texts that are elsewhere, made-up numbers, what found nothing.

        Of a `whole` one also what it leaves out.
        """
        found = not_at_home(query, self.schema, self.homes) if self.homes else []
        for number in unsaid_numbers(query, self.question, self.history)[:1] if self.strict else ():
            place = query.place(start_of(number))
            found.append(Complaint("unsaid_number", f"The question does not say {number}.", *place))
        for text in unsaid(texts_of(query.text), self.question, self.history)[:1] if self.strict else ():
            place = query.place(max(0, query.text.find(text)))
            found.append(Complaint("unsaid_text", f"The question does not say {text!r}.", *place))
        for token, told in turned(query, self.question, self.schema)[:1] if self.strict else ():
            found.append(Complaint("turned", told, *query.place(start_of(token))))
        for token, told in wrong_columns(query, self.question, self.schema)[:1] if whole and self.strict else ():
            found.append(Complaint("returned", told, *query.place(start_of(token))))
        gaps = [f"The query does not say {text!r}." for text in self._dropped(query.text)] if whole else []
        if whole and self.strict and not found:
            gaps += left_out(self.question, query, self.schema)
        if gaps and not found:
            found.append(Complaint("left_out", gaps[0], *query.place(max(0, len(query.text.rstrip()) - 1))))
        end = where_vain(query.text, self.vain) if self.vain else None
        if end is not None:
            line, column = query.place(max(0, end - 1))
            code = "found_nothing" if self.homes else "in_doubt"
            found.append(Complaint(code, "Nothing is found by this.", line, column))
        return found

    def take(self, reply: Reply) -> None:
        """Judge a reply; afterwards `done`, or `asked`, `turns` and what the next one may be are set."""
        self.steps.note("write", f"{len(reply.text)} characters" + ("" if reply.ended else ", cut off"), reply.seconds)
        tried = self._judged(reply)
        again = any(t.attempt.query == tried.attempt.query for t in self.tries)
        lost = self.strict and not reply.ended  # all that was likely was gone through, and this is what was left
        dropped = lost or bool(self._dropped(tried.attempt.query))
        sound = not tried.attempt.complaints and not self.by_hand
        tried = replace(tried, dropped=dropped)
        if sound:
            query = tried.attempt.query
            tried = replace(tried, guessed=self._guessed(query), gaps=self._gaps(query), words=self._unexplained(query))
        self.tries.append(tried)
        self.done = again or lost or len(self.tries) > max(0, self.rules.retries) or not self._next(tried)

    def answer(self, prompt: str, model: str) -> Answer:
        """The answer: the best try, the last of those that failed."""
        best = min(reversed(self.tries), key=lambda t: t.rank)
        if best.rank == 1:
            best = next(t for t in self.tries if t.rank == 1)  # the first one is nearest to the question
        attempt = best.attempt
        first = self.tries[0].attempt
        notes = best.notes
        if best.rank == 0 and self.vain and not self.homes and not first.complaints:
            notes += (f"The question can be read in two ways, and the first found nothing: {first.query}",)
        shown = "" if attempt.complaints else attempt.query  # what a query that failed lacks is no news
        return Answer(
            question=self.question,
            query=attempt.query,
            complaints=attempt.complaints,
            repairs=attempt.repairs,
            result=best.result,
            seconds=time.perf_counter() - self.started,
            prompt=prompt,
            attempts=tuple(t.attempt for t in self.tries),
            model=model,
            notes=(*notes, *remarks(self.question, shown, self.history, self.schema), *best.words.notes),
            steps=tuple(self.steps.done),
            explanation=explanation(attempt.query),
            history=self.history,
            schema=self.schema,
        )

    def _next(self, tried: Tried) -> bool:
        """Whether another try is worth it, and what is asked then."""
        attempt = tried.attempt
        if not attempt.query or tried.rank == 0:
            return False
        if attempt.complaints:
            first = attempt.complaints[0]
            if first.code in _FINAL:
                return False
            self.banned |= _names(attempt.query, first)
            self.texts = spans(self.question, self.history) if first.code == "invented" else self.texts
            self.asked = correction(self.question, first.message)
            self.turns = (*self.history, Turn(self.question, attempt.query))
            self.steps.note("again", f"with the complaint: {first.message}")
            return True
        doubts = (tried.missing, tried.dropped, tried.guessed, tried.gaps, tried.words.forgotten)
        if self.rules.constrain != "schema" or not any(doubts):
            return False
        if self.vain and not self.homes:
            return False  # every text was in its place, and the other reading finds nothing either
        # the same question: with texts compared with what has them, and where that found nothing, another query;
        # where every text is in its place, only one that the model held to be nearly as likely
        left = (Home(place.value, place.label, place.property) for place in tried.words.forgotten)
        new = (tried.missing.homes if tried.missing is not None else frozenset()).union(left) - self.homes
        self.homes |= new
        self.strict = True
        if new or tried.dropped or (tried.result is not None and is_empty(tried.result)):
            self.vain |= {vain(attempt.reply, tried.result)}
        self.asked, self.turns = self.question, self.history
        told = (f"{home.text!r} as the {home.property} of {an(home.label)}" for home in sorted(new))
        self.steps.note("again", f"with {', '.join(told)}" if new else "for another query that is likely, too")
        return True

    def _dropped(self, query: str) -> list[str]:
        """The texts with a known place that a query does not have."""
        texts = [text.lower() for text in texts_of(query)] if self.homes else []
        return sorted({h.text for h in self.homes if not any(h.text.lower() in text for text in texts)})

    def _judged(self, reply: Reply) -> Tried:
        attempt = examine(
            reply.text, self.schema, self.question, ended=reply.ended, allow=self.rules.allow, steps=self.steps
        )
        if not attempt.complaints and not _reads(attempt.query):
            attempt = replace(attempt, complaints=(Complaint("no_pattern", "The query does not look at the graph."),))
        if not attempt.complaints and reply.likelihood < UNLIKELY:
            attempt = replace(
                attempt, complaints=(Complaint("unlikely", "The model takes no other query for likely."),)
            )
        if attempt.complaints:
            return Tried(attempt)
        result, complaints = self._run(attempt.query)
        attempt = replace(attempt, complaints=complaints)
        if result is None or self.rules.near == "off" or not (is_empty(result) or self._doubtful(attempt.query)):
            return Tried(attempt, result)
        return self._near(attempt, result)

    def _guessed(self, query: str) -> bool:
        """Whether a query compares with a number or looks for a text that nobody said."""
        read = parse(query)
        said = (self.question, self.history)
        return bool(unsaid_numbers(read, *said) or unsaid(texts_of(query), *said))

    def _gaps(self, query: str) -> tuple[str, ...]:
        """What of the question a query leaves out or turns round."""
        return tuple(gaps(self.question, parse(query), self.schema))

    def _unexplained(self, query: str) -> Unexplained:
        """The words of the question that a query has no use for, where the graph may be asked about them."""
        if not self.rules.run or self.rules.near == "off":
            return Unexplained()
        began = time.perf_counter()
        found = unexplained(self.question, parse(query), self.schema, self.graph)
        if told := [*found.lines, *map(repr, found.unknown)]:
            self.steps.note("words", " ".join(told), time.perf_counter() - began)
        return found

    def _doubtful(self, query: str) -> bool:
        """Whether rows may come by other parts: a text was not said letter for letter, or is one of several."""
        return bool(self._unsaid(texts_of(query))) or may_be_several(parse(query))

    def _unsaid(self, texts: Iterable[str]) -> list[str]:
        return [] if self.by_hand else unsaid(texts, self.question, self.history, exactly=True)

    def _run(self, query: str) -> tuple[QueryResult | None, tuple[Complaint, ...]]:
        """The rows of a query that passed the checks: planned by the server first, then run."""
        with self.steps.timed("plan") as step:
            complaints = planned(self.graph, query)
            step.outcome = str(complaints[0]) if complaints else "the server accepts it"
        if complaints or not self.rules.run:
            return None, complaints
        with self.steps.timed("run") as step:
            result, complaints = ran(self.graph, query, self.rules.limit, self.rules.timeout)
            step.outcome = f"{len(result):,} rows" if result is not None else str(complaints[0])
        return replace(result, display_limit=self.rules.page) if result is not None else None, complaints

    def _near(self, attempt: Attempt, result: QueryResult) -> Tried:
        """The try again with values that the graph has, where they are sure and find something."""
        with self.steps.timed("values") as step:
            found = missing(attempt.query, self.schema, self.graph, self.question)
            step.outcome = "; ".join([*found.repairs, *found.notes]) or "every value is in the graph"
        as_it_was = Tried(attempt, result, found.notes, found)
        if found.query == attempt.query:
            invented = self._unsaid(found.nowhere)
            if not invented:
                return as_it_was
            return Tried(replace(attempt, complaints=(_invented(invented, attempt.query),)))
        if self.rules.near == "offer":
            offers = tuple(f"{line}? --near apply does so." for line in found.repairs)
            return replace(as_it_was, notes=(*offers, *found.notes))
        if read_only(found.query, self.rules.allow) or check(found.query, self.schema):
            return as_it_was
        nearer, complaints = self._run(found.query)
        if complaints or nearer is None or is_empty(nearer):
            return replace(
                as_it_was, notes=(*(f"{r}, which finds nothing either." for r in found.repairs), *found.notes)
            )
        before, after = (other_kind(self.question, parse(q), self.schema) for q in (attempt.query, found.query))
        if after and not before:  # with another label it answers another question
            return as_it_was
        repaired = replace(attempt, query=found.query, repairs=(*attempt.repairs, *found.repairs))
        return Tried(repaired, nearer)


@dataclass(frozen=True)
class Written:
    """A query that a person wrote, in the place of a model's reply."""

    text: str
    ended: bool = True
    seconds: float = 0.0
    likelihood: float = 0.0


def answered_by(query: str, answer: Answer, graph: Connection, rules: Rules) -> Answer:
    """The answer to the same question with a query of the person's own: checked and run as a model's is."""
    work = Work(answer.question, graph, graph.schema(), replace(rules, retries=0), answer.history, by_hand=True)
    work.take(Written(query))
    return work.answer(answer.prompt, "edited")


def examine(
    reply: str,
    schema: GraphSchema,
    question: str = "",
    *,
    ended: bool = True,
    allow: Iterable[str] = (),
    steps: Steps | None = None,
) -> Attempt:
    """The query in a model's reply, repaired where that is safe, and everything that is against it."""
    if not reply.strip():
        return Attempt(reply, "", complaints=(Complaint("syntax", "the model wrote nothing"),))
    steps = steps or Steps()
    with steps.timed("repair") as step:
        repaired = repair(reply.strip(), schema)
        query, mended = trimmed(repaired.text, question)
        changes = (*map(str, repaired.changes), *mended)
        step.outcome = f"{len(changes)} changes" if changes else "nothing to repair"
    with steps.timed("gate") as step:
        complaints = read_only(query, allow)
        step.outcome = str(complaints[0]) if complaints else "it only reads"
    if not complaints:
        with steps.timed("check") as step:
            complaints = check(query, schema)
            step.outcome = str(complaints[0]) if complaints else "it fits the graph"
    if complaints and not ended:
        complaints = [
            Complaint("syntax", "the query does not end: the model went on until it was cut off"),
            *complaints,
        ]
    return Attempt(reply, query, changes, tuple(complaints))


def _reads(query: str) -> bool:
    """Whether a query takes anything from the graph; `RETURN NULL` is what a model writes that found no query."""
    parts = parse(query).tree.walk()
    return any(isinstance(part, Node) and part.data in ("node", "procedure") for part in parts)


def _invented(texts: list[str], query: str) -> Complaint:
    """What is against a query that looks for what nobody said: that nothing has it is no answer to the question."""
    listed = " and ".join(map(repr, texts))
    told = f"The query looks for {listed}, which the question does not say, and the graph has no such thing there."
    start = max(0, query.find(texts[0]))
    return Complaint("invented", told, query.count("\n", 0, start) + 1, start - query.rfind("\n", 0, start))


def _names(query: str, complaint: Complaint) -> frozenset[str]:
    """The name that a complaint is about, so that it is not written again."""
    if complaint.code not in NAMES:
        return frozenset()
    line = query.splitlines()[complaint.line - 1]
    name = line[complaint.column - 1 :]
    end = next((i for i, c in enumerate(name) if not (c.isalnum() or c == "_")), len(name))
    return frozenset({name[:end]} - {""})
