"""What holds for all panels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import ipywidgets
import pytest
from ipywidgets.widgets.widget import _instances

from cypher_magic import widgets
from cypher_magic.widgets.text import TEXT
from tests.widgets.waiting import every


@pytest.fixture(params=sorted(widgets.PANELS))
def panel(request: pytest.FixtureRequest) -> Iterator[Any]:
    panel = getattr(widgets, widgets.PANELS[request.param])()
    yield panel
    panel.close()


def test_every_panel_has_a_text_for_terminals() -> None:
    assert set(TEXT) == set(widgets.PANELS)


def test_closing_a_panel_leaves_nothing_of_it_behind(panel: Any) -> None:
    before = set(_instances)
    other = type(panel)()
    assert len(_instances) > len(before)
    other.close()
    assert set(_instances) == before


def test_no_name_of_a_panel_hides_one_of_the_widgets_below_it(panel: Any) -> None:
    plain = ipywidgets.VBox()
    ours = {n for k in type(panel).__mro__ if k.__module__.startswith("cypher_magic") for n in vars(k)}
    hidden = {n for n in ours & set(dir(plain)) if not n.startswith("__") and callable(getattr(plain, n))}
    hidden |= set(vars(panel)) & set(dir(plain)) - set(vars(plain))
    assert hidden <= {"close"}, "ipywidgets calls these names itself"


def test_everything_that_can_be_pressed_or_filled_in_says_what_it_does(panel: Any) -> None:
    kinds = (ipywidgets.Button, ipywidgets.FileUpload, ipywidgets.Text, ipywidgets.Dropdown, ipywidgets.BoundedIntText)
    silent = [w for w in every(panel) if isinstance(w, kinds) and not w.tooltip]
    assert silent == []


def test_text_is_sent_whole_and_not_letter_by_letter(panel: Any) -> None:
    boxes = [w for w in every(panel) if isinstance(w, ipywidgets.Text | ipywidgets.Textarea)]
    at_once = {w.description for w in boxes if w.continuous_update}
    assert at_once <= {"Key", "Query"}, "letters wait while the kernel is busy, and a click overtakes them"


def test_an_opened_panel_asks_for_nothing_from_outside(panel: Any) -> None:
    shown = [str(w.value) for w in every(panel) if isinstance(w, ipywidgets.HTML)]
    assert not any(mark in text for text in shown for mark in ("<script", "<link", "<img", "@import", "src="))


def test_every_choice_shows_what_is_chosen(panel: Any) -> None:
    blank = [w for w in every(panel) if isinstance(w, ipywidgets.Dropdown) and w.options and w.value is None]
    assert blank == [], "a list whose value is None is drawn empty"
