"""What all panels have to do their work with: one thing at a time that can be ended, Enter in a box, closing."""

from __future__ import annotations

import threading

import ipywidgets as widgets
import pytest
from ipywidgets.widgets.widget import _instances

from cypher_magic.errors import OptionError
from cypher_magic.widgets.panel import Panel, WorkingPanel, close_all, is_visible, on_enter, row
from cypher_magic.widgets.status import StatusLine
from cypher_magic.widgets.work import Work
from tests.widgets.waiting import enter, wait_for


class Stepping:
    """Work that waits to be let on, and then says how far it is."""

    def __init__(self, work: Work, then: Exception | None = None) -> None:
        self.work, self.then = work, then
        self.begun: list[int] = []
        self.gate = threading.Event()

    def __call__(self) -> None:
        self.begun.append(1)
        assert self.gate.wait(15)
        if self.then is not None:
            raise self.then
        self.work.progress("stepping", 1, 2)


@pytest.fixture
def work() -> Work:
    return Work(StatusLine())


def test_a_second_start_while_something_goes_on_does_nothing(work: Work) -> None:
    step = Stepping(work)
    for _ in range(3):
        work.start(step, "stepping")
    step.gate.set()
    wait_for(lambda: not work.running)
    assert step.begun == [1] and "stepping: 50%" in work.status.value
    work.start(step, "stepping")
    wait_for(lambda: not work.running)
    assert step.begun == [1, 1]


def test_the_panel_says_which_buttons_can_be_pressed_when_work_begins_and_ends() -> None:
    button, allowed = widgets.Button(), [True, False]

    def set_buttons() -> None:
        button.disabled = work.running or not allowed[-1]

    work = Work(StatusLine(), set_buttons)
    step = Stepping(work, OSError("disk full"))
    work.start(step, "stepping")
    assert button.disabled
    step.gate.set()
    wait_for(lambda: not work.running)
    assert button.disabled, "what can not be pressed for another reason is not given back"
    assert "OSError: disk full" in work.status.value
    allowed.append(True)
    work.start(lambda: None, "nothing")
    wait_for(lambda: not button.disabled)


def test_what_is_cancelled_ends_at_its_next_step_and_is_no_error(work: Work) -> None:
    for then in (None, OptionError("The query was ended.")):
        step = Stepping(work, then)
        work.start(step, "stepping", cancelled="stopped: no answer")
        work.cancel()
        assert "ending at the next step" in work.status.value
        step.gate.set()
        wait_for(lambda: not work.running)
        assert "stopped: no answer" in work.status.value and work.status.error is None
    work.cancel()
    assert "stopped: no answer" in work.status.value, "nothing goes on"


def test_cancel_is_in_sight_while_a_panel_works_and_closing_the_panel_ends_the_work() -> None:
    panel = WorkingPanel()
    step = Stepping(panel.work)
    panel.work.start(step, "stepping")
    assert is_visible(panel.cancel)
    panel.close()
    step.gate.set()
    wait_for(lambda: not panel.work.running)
    assert panel.work.cancelled and not is_visible(panel.cancel)
    panel.work.start(step, "stepping")
    assert step.begun == [1] and not panel.work.running, "a closed panel begins nothing"


def test_enter_is_done_with_the_text_that_comes_behind_it() -> None:
    box, asked = widgets.Text(value="W"), list[str]()
    on_enter(box, lambda: asked.append(box.value))
    assert not box.continuous_update
    enter(box, "Which films are there?")
    assert asked == ["Which films are there?"]
    box.value = "left without Enter"
    assert len(asked) == 1
    enter(box, box.value)
    wait_for(lambda: len(asked) == 2)
    assert asked[1] == "left without Enter", "no text comes where it is the same"


def test_closing_leaves_nothing_of_a_panel_behind() -> None:
    before = set(_instances)
    panel = Panel()
    inner = widgets.Accordion([widgets.VBox([widgets.Text(), widgets.HTML()])])
    panel.children = (row(panel.status, widgets.Button()), inner)
    assert len(_instances) > len(before) + 10
    panel.close()
    assert set(_instances) == before
    card = widgets.VBox([widgets.Button()])
    close_all(card)
    assert set(_instances) == before
