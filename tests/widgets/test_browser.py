"""The panel in a real JupyterLab in a real Chromium, with every request to the outside refused."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import pytest

from cypher_magic.data.example import Example
from cypher_magic.training.events import EventWriter
from cypher_magic.training.process import born
from cypher_magic.training.runs import Run, create_run
from cypher_magic.training.settings import TrainingSettings

pytestmark = pytest.mark.browser

QUERY = "MATCH (p:Person)-[:DIRECTED]->(:Movie {title: 'The Matrix'}) RETURN p.name"
CSV = "instruction,output\n" + "".join(
    f"Who directed film {i}?,MATCH (m:M {{n: {i}}}) RETURN m.x{i}\n" for i in range(20)
)


@pytest.fixture
def run() -> Run:
    """A run that seems to go on: its worker is this process."""
    run = create_run("movies", TrainingSettings(epochs=2), [Example("Who directed The Matrix?", QUERY)])
    own = born(os.getpid())
    (run.folder / "worker.pid").write_text(f"{os.getpid()} {own}")
    return run


def train(writer: EventWriter, steps: range, reply: str) -> None:
    for step in steps:
        loss, rate = 3 * math.exp(-step / 15) + 0.2 * (step % 3), 1e-3 * (1 - step / 40)
        figures = {"tokens_per_second": 310.0, "memory_bytes": 1.2e9, "eta_seconds": 40 - step}
        writer.write("step", step=step, steps=40, epoch=step / 20, loss=loss, learning_rate=rate, **figures)
    writer.write("evaluated", epoch=steps[-1] / 20, loss=3 * math.exp(-steps[-1] / 12) + 0.1)
    sample = {"question": "Who directed The Matrix?", "query": QUERY, "reply": reply}
    writer.write("sampled", epoch=steps[-1] / 20, samples=[sample])


def test_the_panel_is_there_reads_an_upload_and_says_what_is_wrong(lab: Any, tmp_path: Path) -> None:
    (tmp_path / "up.csv").write_text(CSV + "Who directed film 1?,MATCH (m:M {n: 1}) RETURN m.x1\n")
    lab.run("%load_ext cypher_magic", "%cypher_panel")
    lab.button("Start").wait_for(timeout=40_000)
    lab.button("Start").click()
    lab.text("There are no training examples.")
    with lab.page.expect_file_chooser() as chooser:
        lab.button("Upload").click()
    chooser.value.set_files(tmp_path / "up.csv")
    lab.text("up.csv (1 kB)")
    lab.button("Check the data").click()
    lab.text("1 row repeats the question")
    lab.page.get_by_text("More settings").click()
    lab.text("LoRA dropout")
    lab.pictures(tmp_path / "panel")
    arrow = lab.page.locator(".cm-panel select").first.evaluate("select => getComputedStyle(select).backgroundImage")
    assert "stroke='white'" in arrow, "a black arrow can not be seen in the dark theme"
    assert lab.asked == []


def test_the_chart_moves_stop_reaches_the_run_and_the_saved_notebook_keeps_the_result(
    lab: Any, run: Run, tmp_path: Path
) -> None:
    writer = EventWriter(run.folder / "events.jsonl")
    writer.write("stage", message="loading the model")
    lab.run("%load_ext cypher_magic", "panel = %cypher_panel\npanel")
    lab.text("loading the model · ", 60)
    waiting = lab.page.locator(".cm-facts").first.inner_text()
    lab.wait_for(lambda: lab.page.locator(".cm-facts").first.inner_text() != waiting, 5)
    lab.pictures(tmp_path / "preparing")
    writer.write("started", device="cpu (bf16)", rows=600, epochs=2)
    train(writer, range(1, 11), "I think it was <b>Wachowski</b>")
    lab.text("step 10 of 40")
    before = lab.page.locator(".cm-train polyline").nth(1).get_attribute("points")
    train(writer, range(11, 21), "MATCH (p:Person)-[:ACTED_IN]->(:Movie {name: 'The Matrix'}) RETURN p")
    lab.text("step 20 of 40")
    assert lab.page.locator(".cm-train polyline").nth(1).get_attribute("points") != before
    lab.page.locator(".cm-train").first.scroll_into_view_if_needed()
    lab.pictures(tmp_path / "live")
    assert lab.page.locator(".cm-train b", has_text="Wachowski").count() == 0, "model output is text, not markup"
    lab.button("Stop").click()
    lab.wait_for((run.folder / "STOP").exists)
    writer.write("finished", state="stopped", steps=20)
    lab.text("Run movies: stopped")
    lab.page.locator("summary", has_text="Run movies: stopped").wait_for()
    lab.command("docmanager:save")
    saved = lab.folder / "panel.ipynb"
    lab.wait_for(lambda: "Run movies: stopped" in saved.read_text())
    assert saved.stat().st_size < 200_000
    assert lab.asked == []
