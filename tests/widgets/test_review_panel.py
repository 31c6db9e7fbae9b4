from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import ipywidgets as widgets
import pytest

from cypher_magic import session
from cypher_magic.data.example import Example, Turn
from cypher_magic.data.pairs import write_pairs
from cypher_magic.data.review import Review
from cypher_magic.session.state import SESSION
from cypher_magic.widgets import ReviewPanel
from tests.widgets.waiting import enter, every, wait_for

WRONG = Example("How old is <b>Tom</b>?", "MATCH (p:Person) RETURN p.age")
GOOD = [
    Example(f"Which films are from {year}?", f"MATCH (m:Movie {{released: {year}}}) RETURN m.title")
    for year in range(1992, 1996)
]


@pytest.fixture
def connected(demo_graph: Any) -> Iterator[None]:
    SESSION.connections["demo"], SESSION.current = demo_graph, "demo"
    yield
    del SESSION.connections["demo"]
    SESSION.current = None


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    return write_pairs([*GOOD, WRONG], tmp_path / "pairs.jsonl")


@pytest.fixture
def panel(pairs: Path, connected: None) -> Iterator[ReviewPanel]:
    panel = ReviewPanel(pairs)
    wait_for(lambda: panel.queue is not None and "cm-result" in panel.rows.value)
    yield panel
    panel.close()


def press(panel: ReviewPanel, letters: str) -> None:
    for letter in letters:
        panel.key.value = letter


def test_the_most_doubtful_example_comes_first_with_its_complaint_and_the_rows_of_its_query(panel: ReviewPanel) -> None:
    assert "How old is &lt;b&gt;Tom&lt;/b&gt;?" in panel.card.value
    assert "the check complains" in panel.card.value and "<pre" in panel.card.value
    assert "0 of 5" in panel.how_far.value and "pairs.review.jsonl" in panel.status.value
    assert "cm-result" in panel.rows.value


def test_one_letter_decides_and_the_key_box_is_empty_again(panel: ReviewPanel, pairs: Path) -> None:
    panel.reason.value = "no such property"
    press(panel, "ra")
    assert panel.key.value == ""
    assert "2 of 5 (1 accepted, 1 rejected)" in panel.how_far.value
    kept = [json.loads(line) for line in pairs.with_name("pairs.review.jsonl").read_text().splitlines()]
    assert [line["verdict"] for line in kept] == ["reject", "accept"] and kept[0]["reason"] == "no such property"
    press(panel, "u")
    assert "1 of 5" in panel.how_far.value and "taken back" in panel.status.value
    press(panel, "x")
    assert "There is no key x." in panel.status.value


def test_letters_that_come_together_decide_one_example_only(panel: ReviewPanel) -> None:
    panel.key.value = "aaa"
    assert "1 of 5" in panel.how_far.value


def test_the_rows_are_those_of_the_example_that_is_shown(panel: ReviewPanel) -> None:
    press(panel, "r")
    wait_for(lambda: "A Few Good Men" in panel.rows.value)
    assert "1992" in panel.card.value


def test_an_edit_is_checked_while_it_is_typed_and_refused_until_it_passes(panel: ReviewPanel) -> None:
    press(panel, "e")
    assert panel.form.layout.display is None and panel.deciding.layout.display == "none"
    assert panel.query.value == WRONG.query
    assert "age" in panel.against.value and "✗" in panel.against.value
    panel.query.value = "MATCH (p:Person) DELETE p"
    panel.take.click()
    assert "The edit is not taken." in panel.status.value and "DELETE" in panel.against.value
    panel.query.value = "MATCH (p:Person) RETURN p.born"
    assert "✗" not in panel.against.value
    enter(panel.question, "When was each born?")
    assert "1 of 5 (1 edited)" in panel.how_far.value and panel.form.layout.display == "none"
    assert panel.queue is not None and panel.queue.accepted()[0].question == "When was each born?"


def test_letters_do_nothing_while_an_edit_is_open_and_cancel_leaves_the_example(panel: ReviewPanel) -> None:
    panel.edit.click()
    press(panel, "a")
    assert "The edit is open." in panel.status.value and "0 of 5" in panel.how_far.value
    panel.leave.click()
    assert "0 of 5" in panel.how_far.value and panel.deciding.layout.display is None


def test_a_name_that_the_graph_lacks_is_taken_when_told_to(panel: ReviewPanel) -> None:
    panel.edit.click()
    panel.anyway.value = True
    panel.query.value = "MATCH (p:Person) RETURN p.height"
    panel.take.click()
    assert "1 edited" in panel.how_far.value


def test_later_leaves_an_example_undecided(panel: ReviewPanel) -> None:
    press(panel, "n")
    assert "0 of 5" in panel.how_far.value and "number 2 by doubt" in panel.how_far.value


def test_when_all_is_decided_undo_is_left(panel: ReviewPanel) -> None:
    press(panel, "aaaaa")
    assert "All examples are decided." in panel.card.value and "5 of 5" in panel.how_far.value
    assert panel.accept.disabled and not panel.undo.disabled
    press(panel, "a")
    assert "All examples are decided." in panel.status.value
    panel.undo.click()
    assert "4 of 5" in panel.how_far.value and not panel.accept.disabled


def test_a_panel_goes_on_where_another_was_left_and_saves_what_was_accepted(panel: ReviewPanel, pairs: Path) -> None:
    press(panel, "ra")
    other = ReviewPanel(str(pairs))
    wait_for(lambda: other.queue is not None and "2 of 5" in other.how_far.value)
    other.save.click()
    other.close()
    assert "1 example is written to" in other.status.value
    assert len(pairs.with_name("pairs.accepted.jsonl").read_text().splitlines()) == 1


def test_a_corrupt_file_of_decisions_is_one_line(pairs: Path) -> None:
    pairs.with_name("pairs.review.jsonl").write_text("{oh\n")
    panel = ReviewPanel(pairs)
    wait_for(lambda: "line 1 is no decision" in panel.status.value)
    assert panel.desk.layout.display == "none"


def test_an_upload_says_that_nothing_is_kept_and_leaves_no_bytes_in_the_state(pairs: Path) -> None:
    panel = ReviewPanel()
    panel.begin.click()
    assert "There are no examples." in panel.status.value
    content = pairs.read_bytes()
    upload = {"name": "up.jsonl", "type": "", "size": len(content), "content": memoryview(content)}
    panel.file.upload.value = ({**upload, "last_modified": datetime.now(UTC)},)
    panel.begin.click()
    wait_for(lambda: panel.queue is not None and "0 of 5" in panel.how_far.value)
    assert "decisions are not kept" in panel.status.value
    wait_for(lambda: "no graph" in panel.rows.value)
    state = json.dumps(widgets.Widget.get_manager_state(widgets=[*every(panel)]), default=str)
    assert "How old is" in state, "what is shown is there"
    assert "from 1994" not in state and len(state) < 100_000


def test_earlier_turns_are_shown_with_a_follow_up() -> None:
    first = GOOD[0]
    panel = ReviewPanel(
        Review([Example("and those from 1995?", GOOD[3].query, history=(Turn(first.question, first.query),))])
    )
    assert "after: Which films are from 1992?" in panel.card.value and "and those from 1995?" in panel.card.value


def test_a_terminal_gets_the_functions_that_do_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    ReviewPanel()._ipython_display_()
    assert "queue.accept()" in capsys.readouterr().out


def test_a_model_that_takes_long_to_doubt_can_be_cancelled(pairs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, cancelled = threading.Event(), threading.Event()

    def review(data: Any, *, model: str | None, progress: Any) -> None:
        assert model == "starter"
        asked.set()
        assert cancelled.wait(10)
        progress("starter answers", 1, 5)
        raise AssertionError("it went on")

    monkeypatch.setattr(session, "review", review)
    panel = ReviewPanel(pairs, model="starter")
    assert asked.wait(10) and panel.begin.disabled and panel.cancel.layout.display is None
    panel.cancel.click()
    cancelled.set()
    wait_for(lambda: not panel.begin.disabled)
    assert "Cancelled." in panel.status.value and panel.queue is None


def test_a_closed_panel_cancels_what_it_reads(pairs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, closed = threading.Event(), threading.Event()

    def review(data: Any, *, model: str | None, progress: Any) -> Review:
        asked.set()
        assert closed.wait(10)
        return Review(GOOD)

    monkeypatch.setattr(session, "review", review)
    panel = ReviewPanel(pairs)
    assert asked.wait(10)
    panel.close()
    closed.set()
    wait_for(lambda: not panel.work.running)
    assert panel.queue is None


def test_each_file_has_accepted_examples_of_its_own_and_none_is_written_over(tmp_path: Path) -> None:
    for version in ("v1", "v2"):
        file = write_pairs(GOOD, tmp_path / f"pairs.{version}.jsonl")
        panel = ReviewPanel()
        enter(panel.file.path, str(file))
        wait_for(lambda panel=panel: panel.queue is not None and not panel.work.running)
        press(panel, "a")
        panel.save.click()
        assert f"pairs.{version}.accepted.jsonl" in panel.status.value
        press(panel, "a")
        enter(panel.target, str(file))
        wait_for(lambda panel=panel: "is open here" in panel.status.value)
        panel.target.value = str(file.with_name(f"pairs.{version}.review.jsonl"))
        panel.save.click()
        assert "is open here" in panel.status.value, "the decisions are kept there"
        panel.close()
    panel = ReviewPanel(Review(GOOD))
    press(panel, "aa")
    panel.target.value = str(tmp_path / "pairs.v1.accepted.jsonl")
    panel.save.click()
    assert "There is a file" in panel.status.value
    panel.target.replace.value = True
    panel.save.click()
    assert "2 examples are written" in panel.status.value
    panel.close()
