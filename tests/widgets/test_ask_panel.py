"""The panel for questions on the real demo graph, with a model that writes what it was told to."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import ipywidgets as widgets
import pytest
from ipywidgets.widgets.widget import _instances

from cypher_magic import session
from cypher_magic.data.example import Example
from cypher_magic.data.read import load_examples
from cypher_magic.errors import DataError, OptionError
from cypher_magic.query.complaint import Complaint
from cypher_magic.session import state
from cypher_magic.training.runs import create_run
from cypher_magic.training.settings import TrainingSettings
from cypher_magic.widgets import AskPanel
from cypher_magic.widgets.ask_panel import SAVED_BYTES, SHOWN
from cypher_magic.widgets.panel import is_visible
from tests.asking.test_ask import GOOD, QUESTION, WRONG, Script
from tests.widgets.waiting import enter, wait_for

BORN = "MATCH (p:Person {name: 'Tom Hanks'}) RETURN p.born AS born"
NODES = "MATCH (p:Person)-[r:ACTED_IN]->(m:Movie) RETURN p, r, m LIMIT 60"


class Streaming(Script):
    """The script, written a piece at a time; `gate` is waited for after the first piece."""

    gate: threading.Event | None = None

    def complete(self, *asked: Any, stream: Any = None, **options: Any) -> Any:
        reply = super().complete(*asked, **options)
        for end in (5, len(reply.text)):
            stream(reply.text[:end])
            if self.gate is not None:
                assert self.gate.wait(15)
        return reply


@pytest.fixture
def script(demo_graph: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Streaming]:
    """A session on the demo graph whose model writes these replies."""
    monkeypatch.setattr(state, "SESSION", state.Session())
    state.SESSION.connections["demo"] = demo_graph
    state.SESSION.current = "demo"

    def start(*replies: str) -> Streaming:
        model = Streaming(*replies)
        monkeypatch.setattr(state, "model", lambda *args: model)
        return model

    return start


@pytest.fixture
def panel(tmp_path: Path) -> Iterator[AskPanel]:
    panel = AskPanel(examples=str(tmp_path / "corrections.jsonl"))
    yield panel
    panel.close()


def ask(panel: AskPanel, question: str = QUESTION) -> None:
    panel.ask.question.value = ""
    enter(panel.ask.question, question)
    wait_for(lambda: not panel.ask.button.disabled)


def being_asked(panel: AskPanel, question: str = QUESTION) -> None:
    """Ask, and wait until the model, whose gate is closed, has begun its query."""
    panel.ask.question.value = question
    panel.ask.button.click()
    wait_for(lambda: "MATCH" in panel.ask.result.value)


def press(button: widgets.Button) -> None:
    button.click()
    wait_for(lambda: not button.disabled)


def test_an_answer_shows_query_rows_and_how_it_came_about(script: Any, panel: AskPanel) -> None:
    script(GOOD.replace("ACTED_IN", "acted_in"))
    ask(panel)
    card = panel.cards[0]
    assert card.titles == (QUESTION,) and card.query.value == GOOD
    assert "Forrest Gump" in card.html.value and "repaired" in card.html.value
    assert panel.ask.question.value == "" and panel.ask.result.value == "", "ready for the next question"
    assert panel.status.error is None and "answered" in panel.status.value
    assert panel.answers[-1].query == GOOD


def test_rows_with_nodes_have_a_picture(script: Any, panel: AskPanel) -> None:
    script(NODES, GOOD)
    ask(panel)
    assert "<summary>Picture</summary>" in panel.cards[0].html.value and "<svg" in panel.cards[0].html.value
    ask(panel)
    assert "<svg" not in panel.cards[0].html.value


def test_the_newest_answer_is_open_on_top_and_older_ones_hold_no_html_until_they_are_opened(
    script: Any, panel: AskPanel
) -> None:
    script(GOOD, BORN)
    ask(panel)
    ask(panel, "and when was he born?")
    newest, older = panel.cards
    assert newest.titles == ("↳ and when was he born?",), "a follow-up is marked"
    assert (newest.selected_index, older.selected_index) == (0, None)
    assert "1956" in newest.html.value and older.html.value == ""
    older.selected_index = 0
    assert "Forrest Gump" in older.html.value


def test_an_edited_query_goes_through_the_same_gate(script: Any, panel: AskPanel, demo_graph: Any) -> None:
    model = script(GOOD, BORN)
    ask(panel)
    card = panel.cards[0]
    assert card.query.layout.display == "none"
    card.edit.value = True
    assert card.query.layout.display is None
    before = demo_graph.read("MATCH (n) RETURN count(n)").rows
    card.query.value = "MATCH (n) DETACH DELETE n"
    press(card.again)
    assert "did not pass" in panel.status.value and card.answer.complaints and card.answer.result is None
    assert demo_graph.read("MATCH (n) RETURN count(n)").rows == before
    card.query.value = BORN
    press(card.again)
    assert "1956" in card.html.value and panel.answers[-1].query == BORN
    ask(panel, "and which films?")
    assert model.asked[-1][2][0].query == BORN, "a follow-up goes on from the edited query, not from the refused one"


def test_a_good_answer_is_kept_as_an_example_once(script: Any, panel: AskPanel, tmp_path: Path) -> None:
    script(GOOD)
    ask(panel)
    card = panel.cards[0]
    press(card.good)
    press(card.good)
    assert "already" in panel.status.value
    kept = load_examples(tmp_path / "corrections.jsonl", schema=None).train
    assert [(e.question, e.query) for e in kept] == [(QUESTION, GOOD)]


def test_a_second_query_takes_the_place_of_the_one_that_was_kept(script: Any, panel: AskPanel, tmp_path: Path) -> None:
    script(GOOD)
    ask(panel)
    card, file = panel.cards[0], tmp_path / "corrections.jsonl"
    for query in (GOOD, BORN, GOOD):
        card.query.value = query
        press(card.good)
        assert json.loads(file.read_text()) == {"question": QUESTION, "query": query}
    assert "taken its place" in panel.status.value


def test_a_corrected_query_is_run_before_it_is_kept_and_a_failing_one_never_is(
    script: Any, panel: AskPanel, tmp_path: Path
) -> None:
    script(WRONG, WRONG)
    ask(panel)
    card, file = panel.cards[0], tmp_path / "corrections.jsonl"
    assert card.answer.complaints
    press(card.good)
    assert isinstance(panel.status.error, DataError) and not file.exists()
    card.query.value = WRONG.replace("n.title", "k.title")
    press(card.good)
    assert isinstance(panel.status.error, DataError) and not file.exists()
    card.query.value = GOOD
    press(card.good)
    assert json.loads(file.read_text()) == {"question": QUESTION, "query": GOOD}
    assert "Forrest Gump" in card.html.value


def test_a_wrong_answer_is_opened_and_what_it_became_is_kept(script: Any, panel: AskPanel, tmp_path: Path) -> None:
    script(BORN)
    ask(panel)
    card = panel.cards[0]
    assert not is_visible(card.later) and not is_visible(card.query)
    press(card.wrong)
    assert is_visible(card.query) and is_visible(card.later) and "change the query" in panel.status.value
    card.query.value = GOOD
    press(card.good)
    assert json.loads((tmp_path / "corrections.jsonl").read_text()) == {"question": QUESTION, "query": GOOD}
    assert "Forrest Gump" in card.html.value and not is_visible(card.later)
    assert not (tmp_path / "corrections.wrong.jsonl").exists()


def test_a_wrong_answer_that_nobody_can_put_right_waits_for_a_review_and_is_no_example(
    script: Any, panel: AskPanel, tmp_path: Path
) -> None:
    script(BORN, WRONG, WRONG)
    ask(panel)
    ask(panel, "and which film was it?")
    newest, older = panel.cards
    for card in (older, newest, newest):
        press(card.wrong)
        press(card.later)
    file = tmp_path / "corrections.wrong.jsonl"
    assert "already" in panel.status.value and not (tmp_path / "corrections.jsonl").exists()
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    assert [(row["question"], row["query"]) for row in rows] == [
        (QUESTION, BORN),
        ("and which film was it?", newest.answer.query),
    ]
    assert newest.answer.complaints, "a query that fails can be kept for a review too"
    queue = session.review(file)
    assert {item.example.question for item in queue.items} == {QUESTION, "and which film was it?"}
    press(older.good)
    press(older.later)
    assert "still stands among the examples" in panel.status.value
    newest.query.value = " "
    press(newest.later)
    assert "There is no query to review." in panel.status.value


def test_stop_ends_a_question_at_the_next_token(script: Any, panel: AskPanel) -> None:
    model = script(GOOD, BORN)
    model.gate = threading.Event()
    being_asked(panel)
    assert not panel.ask.stop.disabled
    panel.ask.stop.click()
    model.gate.set()
    wait_for(lambda: not panel.ask.button.disabled)
    assert panel.cards == () and "stopped" in panel.status.value and panel.status.error is None
    assert panel.ask.stop.disabled and panel.ask.result.value == ""
    assert panel.ask.question.value == QUESTION, "to be asked in other words"
    model.gate = None
    ask(panel)
    assert len(panel.cards) == 1, "the next question is not stopped"


def test_a_new_conversation_is_an_empty_page(script: Any, panel: AskPanel) -> None:
    model = script(GOOD, BORN)
    ask(panel)
    panel.ask.fresh.click()
    assert panel.cards == () and panel.answers == []
    ask(panel, "and when was he born?")
    assert model.asked[-1][2] == ()


def test_a_double_click_asks_once(script: Any, panel: AskPanel) -> None:
    model = script(GOOD)
    model.gate = threading.Event()
    being_asked(panel)
    panel.ask.button.click()
    enter(panel.ask.question, "and when was he born?")
    model.gate.set()
    wait_for(lambda: not panel.ask.button.disabled)
    assert len(model.asked) == len(panel.cards) == 1


def test_an_answer_that_comes_after_new_is_in_neither_page_nor_conversation(
    script: Any, panel: AskPanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, gate, ask_it = script(GOOD, BORN), threading.Event(), session.ask

    def whole(question: str, *, stream: Any, progress: Any, **options: Any) -> Any:
        stream("MATCH")
        assert gate.wait(15)
        return ask_it(question, stream=lambda _: None, **options)  # nothing looks whether it was stopped

    with monkeypatch.context() as patch:
        patch.setattr(session, "ask", whole)
        being_asked(panel)
        panel.ask.fresh.click()
        gate.set()
        wait_for(lambda: not panel.ask.button.disabled)
    assert panel.cards == () and panel.answers == [] and not session.conversation().answers
    assert panel.ask.question.value == "" and panel.ask.result.value == ""
    ask(panel, "and when was he born?")
    assert model.asked[-1][2] == ()


def test_what_is_typed_while_an_answer_is_on_its_way_stays(script: Any, panel: AskPanel) -> None:
    model = script(GOOD)
    model.gate = threading.Event()
    being_asked(panel)
    assert panel.ask.question.value == "", "empty at once: the page may hold the next question already"
    sent: list[object] = []
    panel.ask.question.observe(sent.append)
    model.gate.set()
    wait_for(lambda: panel.cards)
    assert sent == [], "nothing is written over what is typed"


def test_closing_the_panel_ends_its_question(script: Any, tmp_path: Path) -> None:
    panel = AskPanel(examples=str(tmp_path / "corrections.jsonl"))
    model = script(GOOD)
    model.gate = threading.Event()
    being_asked(panel)
    panel.close()
    model.gate.set()
    wait_for(lambda: not panel.work.running)
    assert panel.answers == [] and panel.cards == ()


def test_a_query_that_is_run_again_can_be_stopped(
    script: Any, panel: AskPanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(GOOD)
    ask(panel)
    card, ended = panel.cards[0], threading.Event()
    page = card.page

    def edit(answer: Any, query: str) -> Any:
        assert ended.wait(15)
        return replace(answer, query=query, complaints=(Complaint("timeout", "The query was ended."),))

    monkeypatch.setattr(type(card.answer), "edit", edit)
    monkeypatch.setattr(session.connections()[0], "cancel", ended.set)
    card.query.value = BORN
    card.again.click()
    assert not panel.ask.stop.disabled
    panel.ask.stop.click()
    wait_for(lambda: not card.again.disabled)
    assert "the query was not run" in panel.status.value and panel.status.error is None and card.page == page


def test_enter_looks_again_at_graph_and_models(script: Any, panel: AskPanel, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(state, "SESSION", state.Session())
        panel.refresh()
    script(GOOD)
    create_run("new", TrainingSettings(), [Example("q", "RETURN 1")])
    ask(panel)
    assert "Graph: demo" in panel.graph.value and "new" in [value for _, value in panel.ask.model.options]


def test_an_error_in_the_middle_of_a_query_leaves_no_half_of_it(
    script: Any, panel: AskPanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ask_and_fail(question: str, *, stream: Any, **_: Any) -> None:
        stream("MATCH (m:Movie) RETURN m.ti")
        raise OptionError("The server went away.")

    monkeypatch.setattr(session, "ask", ask_and_fail)
    ask(panel)
    assert panel.ask.result.value == "" and panel.ask.question.value == QUESTION
    assert "The server went away." in panel.status.value


def test_another_query_is_not_kept_yet(script: Any, panel: AskPanel) -> None:
    script(GOOD)
    ask(panel)
    card = panel.cards[0]
    press(card.good)
    assert card.good.button_style == "success"
    card.query.value = BORN
    press(card.again)
    assert card.good.button_style == ""
    press(card.wrong)
    press(card.later)
    assert "among the examples" not in panel.status.value


def test_answers_that_are_gone_leave_nothing_behind(script: Any, panel: AskPanel) -> None:
    script(*[GOOD] * (SHOWN + 2))
    before = len(_instances)
    for _ in range(SHOWN):
        ask(panel)
    full = len(_instances)
    for _ in range(2):
        ask(panel)
    assert len(_instances) == full
    panel.ask.fresh.click()
    assert len(_instances) == before
    assert "Forrest Gump" not in json.dumps(widgets.Widget.get_manager_state(), default=str)


def test_without_a_graph_the_panel_says_how_to_connect(
    panel: AskPanel, script: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(GOOD)
    monkeypatch.setattr(state, "SESSION", state.Session())
    panel.refresh()
    assert "%cypher_connect demo" in panel.graph.value
    ask(panel)
    assert "No graph is connected." in panel.status.value


@pytest.mark.parametrize("model", ["starter", "http://127.0.0.1:1/v1#m"])
def test_the_model_that_the_panel_was_made_with_stays_chosen(model: str) -> None:
    panel = AskPanel(model)
    panel.ask.button.click()
    assert "There is no question." in panel.status.value
    panel.refresh()
    assert panel.ask.model.value == model
    assert [value for _, value in panel.ask.model.options].count(model) == 1
    panel.close()


def test_what_a_model_or_the_graph_says_is_text_not_markup(script: Any, panel: AskPanel) -> None:
    hostile = "MATCH (m:Movie) RETURN '<img src=x onerror=alert(1)>' AS `<script>alert(1)</script>` LIMIT 1"
    script(hostile)
    ask(panel, "<b>who</b>?")
    shown = panel.cards[0].html.value + panel.saved._repr_html_() + panel.status.value
    assert "<img" not in shown and "<script" not in shown and "<b>who" not in shown


def test_a_notebook_with_ten_answers_stays_under_a_megabyte(
    script: Any, panel: AskPanel, capsys: pytest.CaptureFixture[str]
) -> None:
    wide = "MATCH (p:Person)-[r:ACTED_IN]->(m:Movie) RETURN p, r, m LIMIT 100"
    script(*[wide] * 10, *[BORN] * (SHOWN - 8))
    for i in range(10):
        ask(panel, f"Who played where in part {i}?")
    state_size = len(json.dumps(widgets.Widget.get_manager_state(widgets=_inside(panel)), default=str))
    kept = len(panel.saved._repr_html_())
    assert [bool(card.html.value) for card in panel.cards] == [True] + 9 * [False]
    with capsys.disabled():
        sizes = f"widget state {state_size / 1e3:,.0f} kB, kept output {kept / 1e3:,.0f} kB"
        print(f"\nten answers of 100 rows with a picture: {sizes}")
    assert kept < SAVED_BYTES + 20_000
    assert state_size + kept < 1_000_000
    for i in range(SHOWN - 8):
        ask(panel, f"Who played where in part {i}?")
    assert len(panel.cards) == SHOWN and len(panel.answers) == SHOWN + 2


def _inside(widget: Any) -> list[Any]:
    children = [c for child in getattr(widget, "children", ()) for c in _inside(child)]
    return [widget, widget.layout, *([widget.style] if hasattr(widget, "style") else []), *children]
