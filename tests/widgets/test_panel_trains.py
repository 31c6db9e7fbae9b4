from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cypher_magic import session
from cypher_magic.widgets import TrainPanel

YEARS = range(1970, 2018, 2)
ROWS = [f"Which films came out in {y}?,MATCH (m:Movie) WHERE m.released = {y} RETURN m.title" for y in YEARS]


@pytest.fixture
def demo() -> Iterator[Any]:
    connection = session.connect("demo")
    yield connection
    session.close(connection.name)


@pytest.mark.slow
def test_the_panel_trains_the_default_backbone_and_asks_it(demo: Any, tmp_path: Path) -> None:
    file = tmp_path / "train.csv"
    file.write_text("question,query\n" + "\n".join(ROWS))
    panel = TrainPanel(file, name="years", epochs=1, probes=0)
    assert "Graph: demo" in panel.graph.value
    panel.start.click()
    until = time.monotonic() + 800
    while not (panel.view is not None and panel.view.over and panel.stop.disabled):
        assert panel.status.error is None and time.monotonic() < until, panel.status.value
        time.sleep(0.2)
    assert panel.view.state == "completed", panel.view.text
    assert "<svg" in panel.live.value and "validation loss" in panel.live.value
    panel.ask.question.value = "Which films came out in 1999?"
    panel.ask.button.click()
    while panel.ask.button.disabled:
        assert time.monotonic() < until
        time.sleep(0.2)
    assert panel.status.error is None, panel.status.value
    assert panel.ask.answer is not None and panel.ask.answer.model == "years"
    assert "MATCH" in panel.ask.result.value
    panel.close()
