"""A teacher that words questions and adds pairs: a real server process that answers well, badly, late, with malice."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cypher_magic import places, session
from cypher_magic.data.keys import query_key
from cypher_magic.data.teacher import Taught
from cypher_magic.data.teacher_reply import NotUsable, objects, question
from cypher_magic.data.teacher_values import literals, masked, spoken
from cypher_magic.errors import ModelError, OptionError
from cypher_magic.model import teacher as edge
from cypher_magic.query.check import check
from cypher_magic.query.readonly import read_only
from cypher_magic.session import state
from tests.model.server_process import ServerProcess

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SERVER = Path(__file__).with_name("teacher_server.py")
KEY = "sk-very-secret-0123456789"


class Server(ServerProcess):
    """The server's process, what it was asked, and its addresses."""

    def __init__(self, **environment: str) -> None:
        super().__init__(SERVER, **environment)

    def at(self, place: str) -> str:
        return f"http://{self.host}/{place}#big"

    def asked(self, place: str, count: int) -> list[dict[str, Any]]:
        """The requests to a place, when there are at least `count`: they come through a pipe."""
        for _ in range(500):
            found = [r for r in self.requests if r["place"] == place]
            if len(found) >= count:
                return found
            time.sleep(0.02)
        raise AssertionError(f"{len(found)} requests of {count}")


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.stop()


@pytest.fixture(autouse=True)
def _here(demo_graph: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The demo graph is connected, replies are kept in this test's folder, and pauses are short."""
    monkeypatch.setattr(state, "SESSION", state.Session())
    state.SESSION.connections["demo"] = demo_graph
    state.SESSION.current = "demo"
    monkeypatch.setenv("CYPHER_MAGIC_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    wanted = edge.Teacher.__init__
    monkeypatch.setattr(
        edge.Teacher,
        "__init__",
        lambda self, at, **o: wanted(self, at, **{"timeout": 20.0, "pauses": (0.01, 0.02), **o}),
    )


def taught(server: Server, place: str, rows: int = 40, **options: Any) -> tuple[Any, Taught]:
    pairs = session.generate_pairs(rows, seed=4, teacher=server.at(place), **options)
    assert pairs.report is not None
    return pairs, pairs.report


def values_of(pairs: Any) -> set[str]:
    """The values of the graph that stand in the pairs' queries, as a person would read them."""
    found = {spoken(t)[0] for p in pairs for t in literals(p.query) if t.type == "STRING"}
    return found | {str(t) for p in pairs for t in literals(p.query) if t.type != "STRING" and len(t) > 2}


def test_a_teacher_words_questions_anew_and_the_queries_stay(server: Server) -> None:
    plain = session.generate_pairs(40, seed=4)
    pairs, report = taught(server, "well")
    assert pairs.examples[:40] == plain.examples
    more = pairs.examples[40:]
    alone = [p for p in plain if not p.history]
    assert len(more) == report.kept == 2 * len(alone) and report.returned == report.kept and not report.failed
    assert {query_key(p.query) for p in more} == {query_key(p.query) for p in alone}
    assert len({p.question.casefold() for p in pairs if not p.history}) == 3 * len(alone)
    assert all(p.question.startswith(("Please tell me: ", "I would like to know, ")) for p in more)
    assert f"{report.kept} of {report.kept} kept (0% failed), 4 requests" in repr(pairs)
    assert f"{report.kept} kept" in pairs._repr_html_()


def test_a_teacher_adds_pairs_and_each_of_them_has_rows(server: Server, demo_graph: Any) -> None:
    pairs, report = taught(server, "well", 10, teacher_mode="add", teacher_rows=12)
    more = [p for p in pairs if p.source == "taught"]
    assert len(more) == report.kept > 8
    for pair in more:
        assert not read_only(pair.query) and not check(pair.query, demo_graph.schema())
        assert demo_graph.read(pair.query).rows[0][0] > 0
        assert "$" not in pair.question + pair.query
    sent = json.dumps([r["body"]["messages"] for r in server.asked("well", 3)])
    assert "(:Person)-[:ACTED_IN" in sent and '\\"here\\"' in sent


@pytest.mark.parametrize("mode", ["rewrite", "add"])
def test_no_value_leaves_when_values_stay_home(server: Server, mode: Any, demo_graph: Any) -> None:
    pairs, report = taught(server, "well", 60, teacher_mode=mode, keep_values_home=True, teacher_rows=60)
    assert report.kept > 10
    requests = server.asked("well", report.cost.requests)
    sent = "\n".join(m["content"] for r in requests for m in r["body"]["messages"]).casefold()
    people = [row[0] for row in demo_graph.read("MATCH (n:Person) RETURN n.name", limit=None).rows]
    titles = [row[0] for row in demo_graph.read("MATCH (n:Movie) RETURN n.title", limit=None).rows]
    names = {name.casefold() for name in (*demo_graph.schema().labels, *demo_graph.schema().relationship_types)}
    for value in {*values_of(pairs), *people, *(t for t in titles if len(t) > 4)}:
        assert value.casefold() in names or value.casefold() not in sent, value
    assert values_of(pairs) and "$v1" in sent
    back = [p for p in pairs if p.source.startswith("taught")]
    assert back and all("$v" not in p.question + p.query for p in back)
    assert any(value in p.question for p in back for value in people)


def test_a_pair_whose_values_can_not_be_taken_out_is_not_sent() -> None:
    hanks = "MATCH (p:Person {name: 'Tom Hanks'})-[:ACTED_IN]->(m:Movie) WHERE m.released > 1995 RETURN m.title LIMIT 1"
    found = masked("Which films of Tom Hanks (tom hanks!) came after 1995?", hanks)
    assert found is not None
    assert found.question == "Which films of $v1 ($v1!) came after $v2?"
    assert found.query == hanks.replace("'Tom Hanks'", "$v1").replace("1995", "$v2")
    assert found.back("After $v2, what did $v1 play in?") == "After 1995, what did Tom Hanks play in?"
    assert found.back("What did $v1 play in?") is None and found.back("$v1 $v2 $v3") is None
    for text in ("Which films of Tom Hanks came in the nineties?", "Which films of Tom Hank came after 1995?",
                 "Which 3 films of Tom Hanks came after 1995?", "$v1: Tom Hanks after 1995"):  # fmt: skip
        assert masked(text, hanks) is None, text


def test_the_second_time_costs_nothing_and_the_kept_replies_hold_no_key(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    pairs, report = taught(server, "well")
    count = len(server.asked("well", report.cost.requests))
    assert count == report.cost.requests == 4 and report.cost.cached == 0
    assert server.requests[0]["key"] == f"Bearer {KEY}"
    again, second = taught(server, "well", confirm=lambda cost: pytest.fail("there is nothing to confirm"))
    assert again.examples == pairs.examples
    assert (second.cost.requests, second.cost.cached) == (0, 4) and "nothing to pay" in repr(second)
    assert len(server.asked("well", count)) == count
    files = [f for f in (places.cache_dir() / "teacher").rglob("*") if f.is_file()]
    assert len(files) == 4 and all(KEY not in f.name + f.read_text("utf-8") for f in files)
    if os.name != "nt":
        assert all(f.stat().st_mode & 0o077 == 0 for f in files)
    other, third = taught(server, "well", teacher_model="other")
    assert third.cost.requests == 4 and other.examples == pairs.examples


def test_the_cost_is_told_before_and_nothing_is_sent_without_consent(server: Server) -> None:
    costs: list[Any] = []
    pairs, report = taught(server, "well", prices=(2.5, 10.0), confirm=lambda cost: bool(costs.append(cost)))
    assert len(pairs) == 40 and report.note == "Not asked." and server.requests == []
    assert costs == [report.cost]
    cost = report.cost
    expected = (cost.tokens_there * 2.5 + cost.tokens_back * 10) / 1e6
    assert cost.price == pytest.approx(expected) and cost.most_price is not None and cost.most_price > expected
    assert str(cost).startswith(f"4 requests, about {cost.tokens_there:,} tokens there and {cost.tokens_back:,}")
    pairs, report = taught(server, "well", confirm=lambda cost: True)
    sent = sum(len(m["content"]) for r in server.asked("well", 4) for m in r["body"]["messages"])
    assert cost.tokens_there == pytest.approx(sent / 3.5, rel=0.1)
    assert sum(r["body"]["max_tokens"] for r in server.requests) == cost.most_back
    assert report.cost.price is None and "price" not in str(report.cost)


def test_a_busy_server_is_asked_again_and_one_that_stays_busy_is_given_up(server: Server) -> None:
    _, report = taught(server, "busy")
    assert report.kept == report.returned > 0 and len(server.asked("busy", 8)) == 8
    pairs, report = taught(server, "down", 80)
    assert len(pairs) == 80 and report.kept == 0
    assert report.note.startswith("Given up after 3 of 8 requests: The model server at") and "503" in report.note
    assert report.failed["the server did not answer"] == 3
    asked = len(server.asked("down", 9))
    assert asked <= 3 * 8  # three attempts a request at the most
    _, third = taught(server, "down", 80)
    assert third.cost.cached == 0  # what was not answered is not kept


def test_a_server_that_is_slow_or_never_ends_is_left(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    limited = edge.Teacher.__init__
    monkeypatch.setattr(edge.Teacher, "__init__", lambda self, at: limited(self, at, timeout=0.5, pauses=()))
    for place in ("slow", "endless"):
        _, report = taught(server, place)
        assert "did not answer within 0.5 seconds" in report.note
        assert report.kept == 0 and len(server.asked(place, 3)) >= 3


def test_a_server_that_wants_the_newer_name_of_the_budget_gets_it(server: Server) -> None:
    _, report = taught(server, "newer")
    assert report.kept > 0 and not report.failed


@pytest.mark.parametrize(
    ("place", "mode", "why"),
    [
        ("junk", "rewrite", {"the reply is not JSON"}),
        ("strange", "rewrite", {"the reply is JSON of another form"}),
        ("strange", "add", {"the reply is JSON of another form"}),
        ("inject", "rewrite", {"it is not a question"}),
        ("mixed", "rewrite", {"a value was lost", "a number was added", "it is about no question that was sent",
                              "the reply is JSON of another form", "it was asked before"}),
        ("write", "add", {"it does not only read"}),
        ("unknown", "add", {"it names what the graph does not have"}),
        ("inject", "add", {"it does not only read", "the query has a comment"}),
        ("mixed", "add", {"it is not Cypher", "a value of the query is not in the question",
                          "the query does not do what the question says"}),
    ],
)  # fmt: skip
def test_what_does_not_hold_is_left_out_and_counted(
    server: Server, demo_graph: Any, place: str, mode: Any, why: set[str]
) -> None:
    before = demo_graph.read("MATCH (n) RETURN count(n), sum(size(keys(n)))").rows
    pairs, report = taught(server, place, 40, teacher_mode=mode, teacher_rows=40)
    assert set(report.failed) >= why
    assert sum(report.failed.values()) == report.returned - report.kept
    assert report.share_failed == pytest.approx(1 - report.kept / report.returned)
    if place != "mixed":
        assert report.kept == 0 and set(report.failed) == why
    for pair in pairs:
        assert not read_only(pair.query)
        assert not any(sign in pair.question for sign in ("<|", "://", "\n", "\x1b", "DELETE"))
    assert demo_graph.read("MATCH (n) RETURN count(n), sum(size(keys(n)))").rows == before
    if place in ("junk", "strange"):  # unreadable replies are asked for again
        assert taught(server, place, 40, teacher_mode=mode, teacher_rows=40)[1].cost.cached == 0


def test_control_characters_are_stripped_and_a_fence_is_taken_off(server: Server) -> None:
    pairs, report = taught(server, "wild")
    more = pairs.examples[40:]
    assert more and all(p.question.isprintable() and p.question.endswith(" please") for p in more)
    assert report.failed["it is too long"] >= len(more)
    _, report = taught(server, "fence")
    assert report.kept and not report.failed


@pytest.mark.parametrize(
    "text",
    ['{"items": [{"id": 1, "id": 2}]}', '{"items": [NaN]}', "[" * 100_000, '{"items": 1}', "[]", '{"items": ["x"]}',
     'x {"items": []}', '{"items": []} x', "", '{"items": [{"id": ' + "9" * 5_000 + "}]}", "x" * 70_000],
)  # fmt: skip
def test_only_one_strict_json_object_is_read(text: str) -> None:
    with pytest.raises(NotUsable):
        objects(text, "items", 10)
    assert objects('{"items": [{"id": 1}, {"id": 2}, {"id": 3}]}', "items", 2) == [{"id": 1}, {"id": 2}]


def test_signs_that_no_question_has_stay_where_they_stood_before() -> None:
    assert question("What is `x` about?", as_in="Tell me of `x`") == "What is `x` about?"
    for text in ("What is `x`?", "Who <b>?", 7, None, "  ", "?!", "x" * 301, "MATCH (n) RETURN n"):
        with pytest.raises(NotUsable):
            question(text)


def test_an_interrupt_ends_it_and_what_had_come_is_kept(server: Server) -> None:
    def stop(what: str, done: int, total: int) -> None:
        if done == 2 and what.endswith(" answers"):
            raise KeyboardInterrupt

    pairs, report = taught(server, "well", 80, tell=stop)
    assert report.note.startswith("Stopped") and len(pairs) == 80 + report.kept
    assert 0 < report.kept < 2 * 80


def test_an_interrupt_before_the_pairs_are_made_asks_no_teacher(server: Server) -> None:
    def stop(what: str, done: int, total: int) -> None:
        if done == 2 and what == "making pairs":
            raise KeyboardInterrupt

    before = len(server.requests)
    pairs = session.generate_pairs(80, seed=4, teacher=server.at("well"), tell=stop)
    assert len(pairs) == 2 and pairs.report is None and len(server.requests) == before


def test_a_teacher_that_refuses_the_key_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    locked = Server(EXPECTED_KEY=KEY)
    try:
        with pytest.raises(ModelError, match="refuses a request without OPENAI_API_KEY"):
            taught(locked, "well")
        assert len(locked.requests) <= 4 + 1  # a refusal is not tried again
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        assert taught(locked, "well")[1].kept > 0
    finally:
        locked.stop()


@pytest.fixture
def loaded(shell: Any) -> Any:
    shell.run_line_magic("load_ext", "cypher_magic")
    return shell


def test_the_magic_tells_the_cost_asks_and_returns_the_pairs(
    loaded: Any, server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def answers(said: str) -> Callable[[str], str]:
        return lambda prompt: (print(prompt), said)[1]

    line = f"generate --rows 20 --seed 4 --teacher {server.at('well')} --prices 1,2"
    monkeypatch.setattr("builtins.input", answers("n"))
    declined = loaded.run_line_magic("cypher_data", line)
    told = capsys.readouterr().out
    assert "The teacher: 2 requests, about" in told and "at these prices about 0.00" in told and "Ask it? [y/N]" in told
    assert len(declined) == 20 and server.requests == []
    monkeypatch.setattr("builtins.input", lambda prompt: pytest.fail("--yes asks nothing"))
    pairs = loaded.run_line_magic("cypher_data", f"{line} --yes --keep-values-home --teacher-rows 8")
    assert len(pairs) == 20 + pairs.report.kept and pairs.report.cost.requests == 1
    monkeypatch.setattr("builtins.input", answers("y"))
    assert loaded.run_line_magic("cypher_data", line).report.kept > pairs.report.kept


def test_where_nobody_can_answer_nothing_is_sent(loaded: Any, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(prompt: str) -> str:
        raise EOFError

    monkeypatch.setattr("builtins.input", nobody)
    with pytest.raises(OptionError, match="Nobody is here to agree") as caught:
        loaded.run_line_magic("cypher_data", f"generate --rows 10 --teacher {server.at('well')}")
    assert "--yes" in caught.value.hint and server.requests == []


def test_a_teacher_may_have_a_name_and_its_pairs_are_written_and_read_back(
    loaded: Any, server: Server, tmp_path: Path
) -> None:
    file = places.config_dir() / "endpoints.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f'[endpoints.team]\nurl = "{server.at("well")}"\n')
    out = f"--out {tmp_path}/train.jsonl --val {tmp_path}/val.jsonl"
    pairs = loaded.run_line_magic("cypher_data", f"generate --rows 20 --teacher team --yes {out}")
    assert pairs.report.kept > 20 and pairs.report.teacher == f"big at {server.host}"
    train, val = (loaded.run_line_magic("cypher_data", f"check {tmp_path}/{n}.jsonl").train for n in ("train", "val"))
    assert not {e.query for e in train} & {e.query for e in val}  # a wording stays with its query
    assert {e.question for e in (*train, *val)} <= {p.question for p in pairs}
    assert sum(e.question.startswith(("Please tell me", "I would like")) for e in (*train, *val)) == pairs.report.kept


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("--keep-values-home", "No teacher is named."),
        ("--teacher nowhere", "is not a server's address"),
        ("--teacher http://user:key@host/v1", "must not hold a key"),
        ("--teacher http://127.0.0.1:9/v1#m --prices ten", "--prices takes two numbers"),
        ("--teacher http://127.0.0.1:9/v1#m --teacher-mode invent", "takes one of rewrite, add"),
    ],
)
def test_wrong_calls_are_one_line(loaded: Any, line: str, says: str) -> None:
    with pytest.raises(OptionError, match=says):
        loaded.run_line_magic("cypher_data", f"generate --rows 5 {line}")
