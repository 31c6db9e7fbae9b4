"""Text that is typed into a panel in a real browser, while the kernel is busy and while an answer is on its way."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.browser

PANEL = """
import time
from pathlib import Path
from cypher_magic import session
from cypher_magic.asking.answer import Answer
from cypher_magic.widgets import AskPanel

def wait_for(file):
    while not Path(file).exists():
        time.sleep(0.1)

def ask(question, **_):
    wait_for("answer")
    return Answer(question, "RETURN 1 AS one")

session.ask = ask
AskPanel()
"""
BUSY = "print('busy now')\nwait_for('idle')"
FILMS, ALIEN, NEXT = "Which films are there?", "Who directed Alien?", "Which actors played in The Matrix?"


def test_a_question_is_asked_whole_and_what_is_typed_meanwhile_stays(lab: Any) -> None:
    lab.run(PANEL, "AskPanel()", BUSY)
    page, keyboard = lab.page, lab.page.keyboard
    lab.text("busy now", 90)
    one, other = (page.locator(".jp-CodeCell").nth(i).locator(".jp-OutputArea") for i in (0, 1))
    one.locator("input[type=text]").first.click()
    keyboard.type(FILMS, delay=40)
    keyboard.press("Enter")
    other.locator("input[type=text]").first.click()
    keyboard.type(ALIEN, delay=40)
    other.locator(".jupyter-button", has_text="Ask").first.click()
    (lab.folder / "idle").touch()
    for part in (one, other):
        part.get_by_text("asking").first.wait_for(timeout=30_000)

    box = one.locator("input[type=text]").first
    lab.wait_for(lambda: box.input_value() == "")
    box.click()
    keyboard.type(NEXT)
    (lab.folder / "answer").touch()
    for part, question in ((one, FILMS), (other, ALIEN)):
        part.get_by_text(question, exact=True).first.wait_for(timeout=30_000)
    assert box.input_value() == NEXT
    keyboard.press("Enter")
    one.get_by_text(NEXT, exact=True).first.wait_for(timeout=30_000)
    assert lab.asked == []
