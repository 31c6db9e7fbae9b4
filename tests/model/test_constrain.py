from __future__ import annotations

import random
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from cypher_magic.errors import OptionError
from cypher_magic.graph.schema import GraphSchema, Triple
from cypher_magic.model import constrain
from cypher_magic.model.constrain import Constraint, constraint_for
from cypher_magic.model.generate import CypherModel
from cypher_magic.model.guide import Guide
from cypher_magic.model.load import choose_device, load_backbone, load_tokenizer
from cypher_magic.model.prompt import Prompt
from cypher_magic.query.check import check
from cypher_magic.query.complaint import Complaint
from cypher_magic.query.parse import parse
from cypher_magic.query.readonly import read_only
from tests.model.tiny_folder import tiny_folder, tiny_tokenizer

if TYPE_CHECKING:
    from pathlib import Path

    from cypher_magic.query.parse import Query

SCHEMA = GraphSchema.from_text(
    """
    (:Person {name: STRING, born: INTEGER})
    (:Movie {title: STRING, `shown at`: DATE})
    (:Person)-[:ACTED_IN {roles: LIST<STRING>}]->(:Movie)
    (:Person)-[:FOLLOWS]->(:Person)
    """
)
QUESTIONS = ("Who directed The Matrix?", "Which movies did Tom Hanks act in before 1995?", "How many?", "1994?", "Who?")
TOKENIZER = tiny_tokenizer("chatml")


@pytest.fixture(params=["chatml", "mistral", "plain_start"])
def tiny(request: pytest.FixtureRequest, tmp_path: Path) -> CypherModel:
    """A model with random weights."""
    folder = tiny_folder(tmp_path / "model", request.param)
    tokenizer = load_tokenizer(folder)
    return CypherModel(load_backbone(folder, choose_device("cpu", "fp32")), tokenizer, Prompt(tokenizer))


def constraint(level: str = "schema", tokenizer: Any = TOKENIZER, **options: Any) -> Constraint:
    found = constraint_for(tokenizer, SCHEMA, level, **options)
    assert found is not None
    return found


def written(*wishes: str, most: int = 120, apart: float = 1.0, **options: Any) -> Guide:
    """The reply of a model that wants to write the first of these texts, or where it may not, the next one.

    Each is exp(-apart) as likely as the one before.
    """
    end = TOKENIZER.eos_token_id
    guide = constraint(**options).guide([end], most)
    for _ in range(500):
        scores = np.arange(len(TOKENIZER), dtype=np.float32) / 1000
        text = guide.text()
        for rank, wish in enumerate(wishes):
            if wish == text:
                scores[end] = max(scores[end], 10 - apart * rank)
            elif wish.startswith(text):
                first = TOKENIZER(wish[len(text) :], add_special_tokens=False)["input_ids"][0]
                scores[first] = max(scores[first], 10 - apart * rank)
        guide.next(int(scores.argmax()), lambda scores=scores: scores)
        if guide.done:
            return guide
    raise AssertionError("the reply has no end")


def test_a_sound_query_is_written_as_the_model_wants_it() -> None:
    for wish in (
        "MATCH (p:Person {name: 'Tom Hanks'})-[:ACTED_IN]->(m:Movie)\nRETURN m.title AS title\nORDER BY title\nLIMIT 5",
        "MATCH (p:Person)\nWITH p, count { (p)-[:FOLLOWS]->() } AS n\nWHERE n > 3 AND p.born IS NOT NULL\nRETURN p",
        "MATCH (m:Movie) WHERE m.`shown at` > date('2000-01-01') RETURN m.title, m.`shown at`",
    ):
        guide = written(wish)
        assert (guide.text(), guide.ended, guide.retreats) == (wish, True, 0)


@pytest.mark.parametrize(
    ("wish", "second"),
    [
        ("MATCH (p:Person) RETURN p.title", "MATCH (p:Person) RETURN p.name"),
        ("MATCH (p:Person) WHERE p.nam = 'x' RETURN p", "MATCH (p:Person) WHERE p.name = 'x' RETURN p"),
        ("MATCH (p:Persona) RETURN p", "MATCH (p:Person) RETURN p"),
        ("MATCH (p:Person) RETURN p.name, p.name, p.name", "MATCH (p:Person) RETURN p.name"),
        ("MATCH (p:Person) RETURN p.name AS n, p.born AS n", "MATCH (p:Person) RETURN p.name AS n, p.born AS b"),
        ("MATCH (p:Person) WITH p.name AS n RETURN p.born", "MATCH (p:Person) WITH p.name AS n RETURN n"),
        ("MATCH (p:Person)-[:ACTED_IN]->(q:Person) RETURN p", "MATCH (p:Person)-[:ACTED_IN]->(q:Movie) RETURN p"),
        (
            "MATCH (a:Person)-[r:ACTED_IN]->(m:Movie) RETURN m.born",
            "MATCH (a:Person)-[r:ACTED_IN]->(m:Movie) RETURN a.born",
        ),
        ("MATCH (p:Person) WHERE count(p) > 1 RETURN p", "MATCH (p:Person) WHERE p.born > 1 RETURN p"),
        ("MATCH (p:Person) RETURN count(p) + p.born AS n", "MATCH (p:Person) RETURN count(p) + 1 AS n"),
        ("MATCH (p:Person) DELETE p", "MATCH (p:Person) RETURN p"),
        ("```cypher\nMATCH (p) RETURN p", "MATCH (p) RETURN p"),
    ],
)
def test_what_is_wrong_is_taken_back_and_written_another_way(wish: str, second: str) -> None:
    guide = written(wish, second)
    assert (guide.text(), guide.ended) == (second, True)
    assert check(guide.text(), SCHEMA) == []


@pytest.mark.parametrize(
    ("wish", "turned"),
    [
        ("MATCH (p:Person)<-[:ACTED_IN]-(m:Movie)", "MATCH (p:Person)-[:ACTED_IN]->(m:Movie)"),
        ("MATCH (m:Movie)-[r:ACTED_IN]->(p:Person)", "MATCH (m:Movie)<-[r:ACTED_IN]-(p:Person)"),
        ("MATCH (m:Movie) MATCH (m)-[:ACTED_IN]->(p:Person)", "MATCH (m:Movie) MATCH (m)<-[:ACTED_IN]-(p:Person)"),
    ],
)
def test_an_arrow_that_points_the_wrong_way_is_turned(wish: str, turned: str) -> None:
    guide = written(f"{wish}\nRETURN p, m", f"{turned}\nRETURN p, m")
    assert (guide.text(), guide.retreats) == (f"{turned}\nRETURN p, m", 1)


def test_brackets_are_not_opened_for_ever() -> None:
    wish = "MATCH (p:Person)\nWHERE " + "exists { MATCH (p)-[:FOLLOWS]->(p) WHERE " * 9
    guide = written(wish, "MATCH (p:Person)\nRETURN p")
    assert guide.text().count("{") <= 3
    assert check(guide.text(), SCHEMA) == []


def test_nothing_is_known_of_names_at_the_level_of_syntax() -> None:
    wish = "MATCH (a:Foo)<-[:BAR]-(b) RETURN a.x, b.y"
    assert written(wish, level="syntax").text() == wish
    assert written(wish, "MATCH (a:Person) RETURN a").text() == "MATCH (a:Person) RETURN a"
    assert written("MATCH (a:Foo) RETURN b.x", "MATCH (a:Foo) RETURN a.x", level="syntax").text().endswith("a.x")


def test_banned_names_are_not_written() -> None:
    wishes = ("MATCH (p:Person) RETURN p.born", "MATCH (p:Person) RETURN p.name")
    assert [written(*wishes, banned=banned).text() for banned in ((), ("born",))] == list(wishes)


def test_only_texts_that_were_said_are_written_where_they_are_given() -> None:
    wishes = [f"MATCH (p:Person {{name: '{name}'}}) RETURN p.name" for name in ("Hearn", "Heath Ledger")]
    assert [written(*wishes, texts=texts).text() for texts in ((), ("Heath Ledger", "Heath"))] == wishes


def test_on_a_complaint_of_the_callers_own_a_reply_begins_anew_where_another_way_was_likely() -> None:
    def no_text_of_a_movie(query: Query, whole: bool) -> list[Complaint]:
        at = query.text.find("title: 'Ada'")
        return [Complaint("misplaced_text", "'Ada' is no Movie.", 1, at + 1)] if at >= 0 else []

    wishes = ("MATCH (m:Movie {title: 'Ada'}) RETURN m", "MATCH (p:Person {name: 'Ada'}) RETURN p.born")
    assert [written(*wishes, also=also).text() for also in (None, no_text_of_a_movie)] == list(wishes)


def test_a_reply_in_doubt_gives_way_only_to_one_that_is_nearly_as_likely() -> None:
    def found_nothing(query: Query, whole: bool) -> list[Complaint]:
        found = query.text == wishes[0]
        return [Complaint("in_doubt", "This found nothing.", 1, query.text.find("RETURN") + 1)] if found else []

    wishes = ("MATCH (p:Person)-[:FOLLOWS]->(q) RETURN q", "MATCH (p:Person)-[:ACTED_IN]->(q) RETURN q")
    assert written(*wishes, also=found_nothing, apart=1.6).text() == wishes[0]  # the other is a fifth as likely
    assert written(*wishes, also=found_nothing, apart=0.9).text() == wishes[1]


def test_where_only_the_columns_are_wrong_other_columns_go_before_a_likelier_beginning() -> None:
    def columns(code: str, query: Query, whole: bool) -> list[Complaint]:
        wrong = whole and query.text == wishes[0]
        return [Complaint(code, "The columns are wrong.", 1, query.text.find("RETURN ") + 8)] if wrong else []

    wishes = (
        "MATCH (p:Person)-[:FOLLOWS]->(q) RETURN p.name",
        "MATCH (m:Movie) RETURN m.title",
        "MATCH (p:Person)-[:FOLLOWS]->(q) RETURN q.name",
    )
    found = [written(*wishes, also=partial(columns, code)).text() for code in ("left_out", "returned")]
    assert found == [wishes[1], wishes[2]]


def test_a_whole_reply_that_has_no_likely_other_is_left_as_it_is() -> None:
    def never(query: Query, whole: bool) -> list[Complaint]:
        return [Complaint("left_out", "Something is left out.", 1, len(query.text))] if whole else []

    wish = "MATCH (p:Person) RETURN p.name"
    guide = written(wish, also=never)
    assert guide.done and not guide.ended and guide.text().startswith("MATCH")


def test_a_list_without_end_is_cut_back_to_a_query() -> None:
    wish = "MATCH (p:Person) RETURN " + ", ".join(f"p.name AS n{i}" for i in range(50))
    for most in (40, 41, 42, 43):
        guide = written(wish, most=most)
        assert len(guide.tokens) <= most
        assert not guide.ended
        assert wish.startswith(guide.text())
        assert check(guide.text(), SCHEMA) == []


def test_a_reply_that_has_no_end_yet_gets_one() -> None:
    start = "MATCH (p:Person)-[:ACTED_IN]->(m:Movie)"
    guide = written(f"{start}, (x {{name: '{'x' * 150}'}}) RETURN m", most=60)
    assert len(guide.tokens) <= 60
    assert not guide.ended
    assert guide.text() == f"{start}\nRETURN *"


def test_whatever_a_model_wants_and_whatever_the_budget_the_reply_is_a_query() -> None:
    limit = constraint()
    shortest = len(written("RETURN NULL").tokens)
    for seed in range(150):
        draw = np.random.default_rng(seed)
        most = int(draw.integers(1, 80))
        guide = limit.guide([TOKENIZER.eos_token_id], most)
        steps = 0
        while not guide.done:
            scores = draw.normal(size=len(TOKENIZER)).astype(np.float32)
            scores[TOKENIZER.eos_token_id] += random.Random(seed).choice((0, 6))
            guide.next(int(scores.argmax()), lambda scores=scores: scores)
            steps += 1
            assert steps < 40 * (most + 1), "it goes back and forth"
        assert len(guide.tokens) <= max(most, shortest)
        assert limit.accepts(guide.text()), guide.text()
        parse(guide.text())
        assert read_only(guide.text()) == []


@pytest.mark.parametrize("most", [1, 2, 5, 12, 30])
def test_replies_of_a_random_model_are_queries(tiny: CypherModel, most: int) -> None:
    limit = constraint(tokenizer=tiny.tokenizer)
    asked = [tiny.prompt.ask(q, SCHEMA.render()) for q in QUESTIONS]
    together = tiny.complete_many(asked, max_tokens=most, batch=3, constraint=limit)
    for question, many in zip(QUESTIONS, together, strict=True):
        alone = tiny.complete(question, SCHEMA.render(), max_tokens=most, constraint=limit)
        assert limit.accepts(alone.text.strip())
        assert (alone.text, alone.ended, alone.retreats) == (many.text, many.ended, many.retreats)


def test_a_constraint_leaves_no_trace_in_the_next_reply(tiny: CypherModel) -> None:
    limit = constraint(tokenizer=tiny.tokenizer)
    free = tiny.complete(QUESTIONS[0], SCHEMA.render(), max_tokens=12)
    for question in QUESTIONS:
        tiny.complete(question, SCHEMA.render(), max_tokens=20, constraint=limit)
    assert tiny.complete(QUESTIONS[0], SCHEMA.render(), max_tokens=12).tokens == free.tokens


def test_replies_of_one_batch_can_have_different_constraints(tiny: CypherModel) -> None:
    limits = [None, constraint(tokenizer=tiny.tokenizer), constraint("syntax", tiny.tokenizer)]
    asked = [tiny.prompt.ask(q, SCHEMA.render()) for q in QUESTIONS[:3]]
    many = tiny.complete_many(asked, max_tokens=10, constraint=limits)
    for question, reply, limit in zip(QUESTIONS, many, limits, strict=False):
        assert tiny.complete(question, SCHEMA.render(), max_tokens=10, constraint=limit).text == reply.text


def test_a_grammar_is_compiled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[object] = []
    inner = constrain.grammar_for

    def counted(*args: Any, **options: Any) -> str:
        made.append(args)
        return inner(*args, **options)

    monkeypatch.setattr(constrain, "grammar_for", counted)
    schema = GraphSchema.from_text("(:Only {here: STRING})")
    for _ in range(3):
        constraint_for(TOKENIZER, schema)
        constraint_for(TOKENIZER, GraphSchema.from_text(schema.render()))
    assert len(made) == 1
    constraint_for(TOKENIZER, schema, banned=["here"])
    assert len(made) == 2


def test_a_big_schema_is_no_trouble() -> None:
    labels = {f"Label{i}": {f"property{i}_{j}": "STRING" for j in range(7)} for i in range(300)}
    types = {f"TYPE_{i}": {"since": "DATE"} for i in range(200)}
    triples = tuple((f"Label{i % 300}", f"TYPE_{i % 200}", f"Label{(7 * i + 3) % 300}") for i in range(400))
    schema = GraphSchema(labels, types, tuple(Triple(*t) for t in triples))
    limit = constraint_for(TOKENIZER, schema)
    assert limit is not None
    assert limit.accepts("MATCH (a:Label0)-[r:TYPE_0]->(b:Label3) WHERE r.since > date() RETURN a.property0_1")
    assert not limit.accepts("MATCH (a:Label0)-[r:TYPE_0]->(b:Label4) RETURN a")


def test_levels() -> None:
    assert constraint_for(TOKENIZER, SCHEMA, "off") is None
    assert constraint_for(object(), SCHEMA) is None  # no tokenizer that can be followed
    with pytest.raises(OptionError, match="level"):
        constraint_for(TOKENIZER, SCHEMA, "strict")
