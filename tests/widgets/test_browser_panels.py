"""Training and asking as a person does it, in a real JupyterLab: dry run, start, kernel restart, stop, ask, keep.

The training is real (a worker process on a tiny backbone), the graph is the demo graph, and the model that answers is
a server that always writes the same query. Every request to the outside is refused.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from cypher_magic.errors import RunNotFound
from cypher_magic.training.runs import Run, find_run
from tests.model.tiny_folder import tiny_folder

pytestmark = pytest.mark.browser

SERVER = Path(__file__).parents[1] / "model" / "chat_server.py"
QUERY = "MATCH (p:Person)-[r:ACTED_IN]->(m:Movie {title: 'The Matrix'}) RETURN p, r, m"
MINE = "MATCH (p:Person)-[:DIRECTED]->(m:Movie {title: 'The Matrix'}) RETURN p.name AS director"
CSV = "question,query\n" + "".join(
    f"Which films came out in {y}?,MATCH (m:Movie) WHERE m.released = {y} RETURN m.title\n" for y in range(1940, 2020)
)
RESTART = "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()"


@pytest.fixture
def model() -> Iterator[str]:
    """The address of a model that always writes QUERY."""
    process = subprocess.Popen(
        [sys.executable, str(SERVER)], env={**os.environ, "SCRIPT": QUERY}, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    port = int(process.stdout.readline())
    yield f"http://127.0.0.1:{port}/v1#script"
    process.kill()
    process.communicate()


@pytest.fixture
def cells(tmp_path: Path, model: str) -> Iterator[list[str]]:
    """Cells that open both panels, the one for training on a run of so many steps that it has to be stopped."""
    data = tmp_path / "films.csv"
    data.write_text(CSV)
    settings = {
        "backbone": str(tiny_folder(tmp_path / "tiny-llama")),
        "start_from": "scratch",
        "device": "cpu",
        "precision": "fp32",
        "threads": 1,
        "epochs": 90,
        "probes": 1,
        "learning_rate": 0.01,
        "batch_size": 8,
        "pack_examples": 4,
    }
    train = (
        f"from cypher_magic.widgets import TrainPanel, AskPanel\nTrainPanel({str(data)!r}, name='films', **{settings})"
    )
    yield ["%load_ext cypher_magic\n%cypher_connect demo", train, f"AskPanel({model!r}, examples='good.jsonl')"]
    with suppress(RunNotFound):  # a test that failed early has none
        find_run("films").kill()


def step(run: Run) -> int:
    return max((e["step"] for e in run.events if e.kind == "step"), default=0)


def shown_step(part: Any) -> int:
    """The step that the panel shows; 0 where there is none."""
    facts = part.locator(".cm-facts")
    found = re.search(r"step ([\d,]+) of", facts.first.inner_text()) if facts.count() else None
    return int(found[1].replace(",", "")) if found else 0


def test_a_run_survives_a_restart_of_the_kernel_and_an_answer_is_corrected_and_kept(
    lab: Any, cells: list[str], tmp_path: Path
) -> None:
    lab.run(*cells)
    page = lab.page
    lab.text("Graph: demo", 90)
    train, ask = (page.locator(".jp-CodeCell").nth(i).locator(".jp-OutputArea") for i in (1, 2))

    train.get_by_text("Dry run tells what this backbone takes").wait_for(timeout=60_000)
    lab.button("Dry run").click()
    lab.text("nothing was started or written", 120)
    lab.text("Tokens per example")
    train.locator(".cm-memory", has_text="Time: about").wait_for(timeout=10_000)
    lab.pictures(tmp_path / "dry-run", train)
    train.get_by_text("Dry run", exact=True).last.click()

    lab.button("Start").click()
    lab.text("validation loss", 120)
    chart = train.locator(".cm-train polyline").nth(1)
    chart.wait_for(state="attached", timeout=60_000)
    before = chart.get_attribute("points")
    lab.wait_for(lambda: chart.get_attribute("points") != before)

    run = find_run("films")
    worker = (run.folder / "worker.pid").read_text()
    page.evaluate(RESTART)
    lab.command("notebook:run-all-cells")
    reached = step(run)
    lab.wait_for(lambda: step(run) > reached, 60)
    lab.wait_for(lambda: shown_step(train) > reached, 90)
    assert (run.folder / "worker.pid").read_text() == worker and run.worker_alive(), "the same worker goes on"
    stop = train.locator(".jupyter-button", has_text="Stop").first
    lab.wait_for(stop.is_enabled, 30)
    stop.click()
    lab.text("Run films: stopped", 60)
    resume = train.locator(".jupyter-button", has_text="Resume")
    lab.wait_for(resume.is_enabled, 30)
    lab.pictures(tmp_path / "stopped", train)

    box = ask.get_by_placeholder("Which actors played in The Matrix?")
    box.fill("Which actors played in The Matrix?")
    box.press("Enter")
    ask.get_by_text("Keanu Reeves").first.wait_for(timeout=60_000)
    ask.locator("summary", has_text="Picture").first.click()
    ask.locator(".cm-picture svg").first.wait_for()
    lab.pictures(tmp_path / "answer", ask)
    ask.locator(".jupyter-button", has_text="Edit or copy").click()
    query = ask.locator("textarea")
    query.click()
    query.press("Control+a")
    assert query.evaluate("box => box.value.slice(box.selectionStart, box.selectionEnd)") == QUERY, "ready to be copied"
    query.fill(MINE)
    ask.locator(".jupyter-button", has_text="Run again").click()
    ask.get_by_text("Lana Wachowski").first.wait_for(timeout=30_000)
    lab.pictures(tmp_path / "edited", ask)
    ask.locator(".jupyter-button", has_text="Good: keep it").click()
    kept = lab.folder / "good.jsonl"
    lab.wait_for(kept.exists)
    assert json.loads(kept.read_text()) == {"question": "Which actors played in The Matrix?", "query": MINE}
    box.fill("and which of them are comedies?")
    ask.locator(".jupyter-button", has_text="Ask").click()
    ask.get_by_text("↳ and which of them are comedies?").first.wait_for(timeout=60_000)
    lab.pictures(tmp_path / "conversation", ask)
    ask.locator(".jupyter-button", has_text="Wrong: fix it").first.click()
    lab.text("change the query, then Good: keep it")
    page.wait_for_function("() => document.activeElement?.tagName === 'TEXTAREA'")
    lab.pictures(tmp_path / "wrong", ask)
    ask.locator(".jupyter-button", has_text="Keep for review").first.click()
    wrong = lab.folder / "good.wrong.jsonl"
    lab.wait_for(wrong.exists)
    assert json.loads(wrong.read_text())["question"] == "and which of them are comedies?"

    lab.command("docmanager:save")
    saved = lab.folder / "panel.ipynb"
    lab.wait_for(lambda: "2 answers, as this notebook keeps them" in saved.read_text())
    assert saved.stat().st_size < 1_000_000
    assert lab.asked == []
