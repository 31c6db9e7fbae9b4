from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from cypher_magic.asking.ask import LONGEST_QUESTION, Rules, ask, examine
from cypher_magic.data.example import Turn
from cypher_magic.errors import ConnectionFailed, NotReadOnly, OptionError, QueryTimeout
from cypher_magic.graph.schema import GraphSchema, Triple
from cypher_magic.model.generate import Completion
from cypher_magic.model.prompt import Prompt
from tests.model.tiny_folder import tiny_tokenizer

QUESTION = "Which movies did Tom Hanks act in?"
GOOD = "MATCH (p:Person {name: 'Tom Hanks'})-[:ACTED_IN]->(m:Movie) RETURN m.title AS title ORDER BY title"
WRONG = "MATCH (p:Person)-[:ACTED_IN]->(m:Movie) RETURN n.title"  # n is not defined
WRITES = (
    "MATCH (p:Person {name: 'Tom Hanks'}) DETACH DELETE p",
    "CREATE (:Person {name: 'Nobody'}) RETURN 1",
    "MATCH (p:Person) SET p.name = 'x' RETURN p",
    "MERGE (p:Person {name: 'Nobody'}) RETURN p",
    "LOAD CSV FROM 'file:///etc/passwd' AS row RETURN row",
    "MATCH (p:Person) CALL { WITH p DELETE p } RETURN 1",
    "MATCH (n) RETURN n; MATCH (n) DETACH DELETE n",
    "CALL dbms.shutdown() YIELD value RETURN value",
    "CALL apoc.cypher.runWrite('CREATE (n)', {}) YIELD value RETURN value",
)


class Script:
    """A model that writes what it was told to, one reply after the other, and remembers what it was asked."""

    name = "script"
    tokenizer = None  # nothing here is constrained

    def __init__(self, *replies: str, ended: bool = True) -> None:
        self.prompt = Prompt(tiny_tokenizer("chatml"))
        self.replies = list(replies)
        self.ended = ended
        self.asked: list[tuple[str, str | None, tuple[Turn, ...]]] = []

    def complete(
        self, question: str, schema: str | None, *, history: Sequence[Turn] = (), **options: Any
    ) -> Completion:
        self.asked.append((question, schema, tuple(history)))
        return Completion(self.replies.pop(0), (), self.ended, 0.1)


class Guided(Script):
    """One that could be constrained: a query that finds nothing is tried again."""

    def __init__(self, *replies: str, ended: bool = True) -> None:
        super().__init__(*replies, ended=ended)
        self.tokenizer = self.prompt.tokenizer


def size(graph: Any) -> tuple[Any, ...]:
    return tuple(graph.read("MATCH (n) RETURN count(n) AS n").rows[0])


def test_as_many_rows_are_shown_at_once_as_are_wanted(demo_graph: Any) -> None:
    model = Script("MATCH (m:Movie) RETURN m.title")
    answer = ask("Which movies are there?", model=model, graph=demo_graph, rules=Rules(page=3))
    assert answer.result is not None and answer.result.display_limit == 3 and len(answer.result.rows) > 3


def test_a_query_that_does_not_do_what_was_asked_is_written_again(demo_graph: Any) -> None:
    first, right = "MATCH (m:Movie) RETURN m.title", "MATCH (m:Movie) RETURN count(m)"
    answer = ask("How many movies are there?", model=Guided(first, right), graph=demo_graph)
    assert (answer.query, answer.notes, len(answer.attempts)) == (right, (), 2)


def test_what_a_search_is_left_with_when_all_likely_was_tried_is_no_answer(demo_graph: Any) -> None:
    class Exhausted(Guided):
        def complete(self, *asked: Any, **options: Any) -> Completion:
            self.ended = not self.asked
            return super().complete(*asked, **options)

    first = "MATCH (m:Movie) RETURN m.title"
    model = Exhausted(first, "MATCH (m:Movie) RETURN count(m)", "MATCH (m:Movie) RETURN count(m)")
    answer = ask("How many movies are there?", model=model, graph=demo_graph)
    assert (answer.query, len(answer.attempts)) == (first, 2)
    assert answer.notes == ("The question says 'how many movies', and the query counts nothing.",)


def test_a_good_query_is_run_and_its_rows_are_the_answer(demo_graph: Any) -> None:
    model = Script(GOOD)
    answer = ask(f"  {QUESTION}\n", model=model, graph=demo_graph)
    assert answer.question == QUESTION
    assert answer.query == GOOD
    assert answer.complaints == ()
    assert list(answer.df["title"]) == sorted(answer.df["title"])
    assert "Forrest Gump" in set(answer.df["title"])
    assert model.asked == [(QUESTION, demo_graph.schema().render(), ())]
    assert answer.prompt == model.prompt.text(QUESTION, demo_graph.schema().render())
    assert (len(answer.attempts), answer.model) == (1, "script")
    assert answer.seconds > 0


@pytest.mark.parametrize(
    "reply",
    [
        f"```cypher\n{GOOD}\n```",
        f"```\n{GOOD}\n```\nThis finds all movies.",
        f"Here is the query:\n\n```cypher\n{GOOD}",
        f"  {GOOD};\n",
        GOOD.replace("-[:ACTED_IN]->", "<-[:ACTED_IN]-"),
        GOOD.replace("ACTED_IN", "acted_in"),
    ],
)
def test_a_reply_with_a_fence_prose_or_a_slip_is_repaired_and_says_so(demo_graph: Any, reply: str) -> None:
    answer = ask(QUESTION, model=Script(reply), graph=demo_graph)
    assert answer.complaints == ()
    assert "Forrest Gump" in set(answer.df["title"])
    assert answer.attempts[0].reply == reply
    assert answer.repairs or answer.query.rstrip(";") == GOOD


@pytest.mark.parametrize("query", WRITES)
def test_a_query_that_would_write_is_refused_and_never_sent(
    demo_graph: Any, query: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = size(demo_graph)
    demo_graph.schema()
    sent: list[str] = []
    for name in ("read", "write", "explain", "probe"):
        monkeypatch.setattr(demo_graph, name, lambda text, *args, **options: sent.append(text))
    answer = ask(QUESTION, model=Script(query, query), graph=demo_graph)
    assert answer.result is None
    assert answer.complaints
    assert sent == []
    monkeypatch.undo()
    assert size(demo_graph) == before


def test_a_complaint_goes_back_to_the_model_with_the_query(demo_graph: Any) -> None:
    model = Script(WRONG, GOOD)
    answer = ask(QUESTION, model=model, graph=demo_graph)
    assert answer.query == GOOD and answer.complaints == () and answer.result is not None
    (first, _, history), (second, _, corrected) = model.asked
    complaint = answer.attempts[0].complaints[0].message
    assert "n" in complaint
    assert (first, history) == (QUESTION, ())
    assert second == f"That query fails: {complaint} Correct it: {QUESTION}"
    assert corrected == (Turn(QUESTION, answer.attempts[0].query),)
    assert [bool(a.complaints) for a in answer.attempts] == [True, False]


def test_what_the_database_says_goes_back_too(demo_graph: Any) -> None:
    fails = "MATCH (m:Movie) RETURN 1 / 0 AS x, m.title AS title"
    model = Script(fails, GOOD)
    answer = ask(QUESTION, model=model, graph=demo_graph)
    if not answer.attempts[0].complaints:
        pytest.skip("this engine divides by zero")
    assert answer.attempts[0].complaints[0].code == "database"
    assert answer.attempts[0].complaints[0].message[:40] in model.asked[1][0].replace("\n", " ")
    assert answer.result is not None


@pytest.mark.parametrize("retries", [-1, 0, 1, 3])
def test_the_model_is_asked_again_so_often_and_no_more(demo_graph: Any, retries: int) -> None:
    model = Script(*(f"{WRONG} LIMIT {n}" for n in range(10)))
    answer = ask(QUESTION, model=model, graph=demo_graph, rules=Rules(retries=retries))
    assert len(model.asked) == len(answer.attempts) == max(0, retries) + 1
    assert answer.result is None
    assert answer.complaints == answer.attempts[-1].complaints != ()


def test_the_turns_before_are_part_of_the_question_and_of_its_correction(demo_graph: Any) -> None:
    turn = Turn("Who is Tom Hanks?", "MATCH (p:Person {name: 'Tom Hanks'}) RETURN p.name")
    model = Script(WRONG, GOOD)
    answer = ask("and his movies?", model=model, graph=demo_graph, history=[turn])
    assert model.asked[0][2] == (turn,)
    assert model.asked[1][2] == (turn, Turn("and his movies?", answer.attempts[0].query))
    assert "Who is Tom Hanks?" in answer.prompt


@pytest.mark.parametrize("reply", ["", "  \n\t "])
def test_a_model_that_writes_nothing_is_not_asked_again(demo_graph: Any, reply: str) -> None:
    model = Script(reply, GOOD)
    answer = ask(QUESTION, model=model, graph=demo_graph)
    assert answer.complaints[0].message == "the model wrote nothing"
    assert (answer.query, len(model.asked)) == ("", 1)


def test_a_reply_that_does_not_end_says_so_first(demo_graph: Any) -> None:
    cut = "MATCH (p:Person)-[:ACTED_IN]->(m:Movie) WHERE p.name = 'Tom' AND p.name = 'Tom' AND p.na"
    answer = ask(QUESTION, model=Script(cut + " =", ended=False), graph=demo_graph, rules=Rules(retries=0))
    assert "does not end" in answer.complaints[0].message
    assert len(answer.complaints) > 1
    whole = ask(QUESTION, model=Script(GOOD, ended=False), graph=demo_graph)
    assert whole.complaints == ()  # cut off behind a whole query: that one counts


def test_a_query_that_takes_too_long_is_a_complaint(demo_graph: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(*args: Any, timeout: float, **options: Any) -> Any:
        raise QueryTimeout(f"The query took longer than {timeout:g} seconds.")

    monkeypatch.setattr(demo_graph, "read", slow)
    answer = ask(QUESTION, model=Script(GOOD), graph=demo_graph, rules=Rules(retries=0, timeout=2.0))
    assert (answer.complaints[0].code, answer.complaints[0].message) == (
        "timeout",
        "The query took longer than 2 seconds.",
    )
    assert "-t" in answer.complaints[0].hint
    assert answer.result is None


def test_a_query_that_runs_on_is_stopped_by_the_time_limit(demo_graph: Any) -> None:
    endless = "MATCH (a:Person), (b:Person), (c:Person), (d:Person) RETURN count(a.name + b.name + c.name + d.name)"
    answer = ask(QUESTION, model=Script(endless), graph=demo_graph, rules=Rules(retries=0, timeout=1.0))
    assert answer.complaints[0].code == "timeout"
    assert ask(QUESTION, model=Script(GOOD), graph=demo_graph).result is not None


def test_rows_are_read_up_to_the_limit(demo_graph: Any) -> None:
    answer = ask(
        QUESTION, model=Script("MATCH (p:Person) RETURN p.name AS name"), graph=demo_graph, rules=Rules(limit=7)
    )
    assert answer.result is not None
    assert (len(answer.result.rows), answer.result.truncated) == (7, True)


def test_without_run_a_query_is_checked_and_not_run(demo_graph: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_graph, "read", lambda *args, **options: pytest.fail("it was run"))
    answer = ask(QUESTION, model=Script(GOOD), graph=demo_graph, rules=Rules(run=False))
    assert (answer.query, answer.complaints, answer.result) == (GOOD, (), None)


def test_a_graph_that_is_gone_is_an_error_and_no_complaint(demo_graph: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*args: Any, **options: Any) -> Any:
        raise ConnectionFailed("The server is gone.")

    monkeypatch.setattr(demo_graph, "read", gone)
    with pytest.raises(ConnectionFailed):
        ask(QUESTION, model=Script(GOOD), graph=demo_graph)


@pytest.mark.parametrize("question", ["", "  \n "])
def test_no_question_is_one_line_with_a_hint(demo_graph: Any, question: str) -> None:
    with pytest.raises(OptionError, match="There is no question") as caught:
        ask(question, model=Script(GOOD), graph=demo_graph)
    assert "%cypher_ask" in caught.value.hint


def test_a_question_as_long_as_a_page_is_refused(demo_graph: Any) -> None:
    model = Script(GOOD, GOOD)
    with pytest.raises(OptionError, match="2,001 characters"):
        ask("x" * (LONGEST_QUESTION + 1), model=model, graph=demo_graph)
    assert model.asked == []
    assert ask("x" * LONGEST_QUESTION, model=model, graph=demo_graph).result is not None


def test_functions_that_the_user_allows_pass_the_gate() -> None:
    schema = GraphSchema({"A": {"x": "STRING"}}, {"R": {}}, (Triple("A", "R", "A"),))
    query = "MATCH (a:A) RETURN my.own.function(a.x) AS y"
    assert [c.code for c in examine(query, schema).complaints] == ["function"]
    assert examine(query, schema, allow=["my.own.*"]).complaints == ()


def test_a_query_that_is_repeated_ends_the_tries(demo_graph: Any) -> None:
    model = Script(*[WRONG] * 5)
    answer = ask(QUESTION, model=model, graph=demo_graph, rules=Rules(retries=4))
    assert len(model.asked) == len(answer.attempts) == 2


def test_a_query_that_would_write_is_not_asked_for_again(demo_graph: Any) -> None:
    model = Script(WRITES[0], GOOD)
    answer = ask("delete Tom Hanks", model=model, graph=demo_graph)
    assert len(model.asked) == 1
    assert [c.code for c in answer.complaints] == ["write"]
    assert answer.sentence.startswith("No answer: ")
    assert any("Nothing was changed" in note for note in answer.notes)


def test_the_steps_say_what_was_done_and_how_it_went(demo_graph: Any) -> None:
    answer = ask(QUESTION, model=Script(WRONG, GOOD.replace("ACTED_IN", "acted_in")), graph=demo_graph)
    assert [s.name for s in answer.steps] == [
        "schema", "write", "repair", "gate", "check", "again", "write", "repair", "gate", "check", "plan", "run",
    ]  # fmt: skip
    outcomes = {s.name: s.outcome for s in answer.steps}
    assert "n is not defined" in outcomes["again"]
    assert outcomes["repair"] == "1 changes" and outcomes["check"] == "it fits the graph"
    assert outcomes["run"] == f"{len(answer.df)} rows"
    assert all(s.seconds >= 0 for s in answer.steps)
    assert answer.steps[1].seconds == 0.1  # the model's own time


def test_a_large_schema_is_pruned_to_the_question_and_a_small_one_stays_whole(
    demo_graph: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = demo_graph.schema()
    labels = {**small.labels, **{f"Sensor{i}": {f"reading{j}": "FLOAT" for j in range(9)} for i in range(60)}}
    large = GraphSchema(labels, small.relationship_types, small.triples, small.indexes)
    monkeypatch.setattr(demo_graph, "schema", lambda: large)
    model = Script(GOOD, GOOD)
    answer = ask(QUESTION, model=model, graph=demo_graph)
    shown = model.asked[0][1] or ""
    assert "(:Movie {" in shown and "ACTED_IN" in shown
    assert len(shown) < len(large.render()) / 2
    assert answer.result is not None and "of 64 labels" in answer.steps[0].outcome
    turn = Turn("Which readings has sensor 7?", "MATCH (s:Sensor7) RETURN s.reading3")
    ask("and the newest one?", model=model, graph=demo_graph, history=[turn])
    assert "Sensor7" in (model.asked[1][1] or "")  # the query before counts


def test_the_explanation_is_told_from_the_query(demo_graph: Any) -> None:
    answer = ask(QUESTION, model=Script(GOOD), graph=demo_graph)
    assert answer.explanation.startswith(
        "Finds Person nodes whose name is 'Tom Hanks' with an ACTED_IN relationship to a Movie"
    )
    assert answer.explanation in repr(answer)
    assert ask(QUESTION, model=Script(""), graph=demo_graph).explanation == ""


@pytest.mark.parametrize("query", ["RETURN NULL", "UNWIND [1, 2] AS x RETURN x", "WITH 1 AS x RETURN x"])
def test_a_query_that_does_not_look_at_the_graph_is_no_answer(demo_graph: Any, query: str) -> None:
    answer = ask(QUESTION, model=Script(query, GOOD), graph=demo_graph)
    assert answer.attempts[0].complaints[0].message == "The query does not look at the graph."
    assert answer.query == GOOD
    assert ask(QUESTION, model=Script(query, query), graph=demo_graph).sentence.startswith("No answer")


def test_how_writing_is_allowed_elsewhere_is_no_advice_for_a_question(
    demo_graph: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(*_: Any, **__: Any) -> None:
        raise NotReadOnly("This query changes the graph.", hint="run it with --write")

    monkeypatch.setattr(demo_graph, "read", refuses)
    answer = ask(QUESTION, model=Script(GOOD, GOOD, GOOD), graph=demo_graph)
    assert answer.complaints[0].message == "This query changes the graph."
    assert "--write" not in repr(answer)
