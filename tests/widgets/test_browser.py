"""The panel in a real JupyterLab in a real Chromium, with every request to the outside refused."""

from __future__ import annotations

import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest

from cypher_magic.data.example import Example
from cypher_magic.training.events import EventWriter
from cypher_magic.training.process import born
from cypher_magic.training.runs import Run, create_run
from cypher_magic.training.settings import TrainingSettings

pytestmark = pytest.mark.browser

READY = """async () => {
    const context = window.jupyterapp.shell.currentWidget.sessionContext;
    await context.ready;
    while (!context.session?.kernel) await new Promise(resume => setTimeout(resume, 100));
    await context.session.kernel.info;
}"""
TOKEN = "0123456789abcdef"
QUERY = "MATCH (p:Person)-[:DIRECTED]->(:Movie {title: 'The Matrix'}) RETURN p.name"
CSV = "instruction,output\n" + "".join(
    f"Who directed film {i}?,MATCH (m:M {{n: {i}}}) RETURN m.x{i}\n" for i in range(20)
)
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@dataclass
class Lab:
    """A page of JupyterLab, and the outside addresses that it asked for (and did not get)."""

    page: Any
    folder: Path
    asked: list[str] = field(default_factory=list)

    def run(self, *cells: str, name: str = "panel") -> None:
        """Open a notebook with these cells and run all of them."""
        import nbformat.v4 as nb

        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        notebook = nb.new_notebook(metadata={"kernelspec": kernel}, cells=[nb.new_code_cell(cell) for cell in cells])
        (self.folder / f"{name}.ipynb").write_text(json.dumps(notebook))
        self.page.goto(f"{self.page.context.base}/lab/tree/{name}.ipynb?token={TOKEN}&reset")
        self.page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=90_000)
        self.page.wait_for_function("() => window.jupyterapp?.shell.currentWidget?.sessionContext", timeout=60_000)
        self.page.evaluate(READY)
        self.command("notebook:run-all-cells")

    def command(self, name: str, **options: Any) -> None:
        self.page.evaluate("([n, o]) => { window.jupyterapp.commands.execute(n, o) }", [name, options])

    def pictures(self, path: Path) -> None:
        """Screenshots in the light and in the dark theme, to be looked at."""
        for theme, light in (("Light", "true"), ("Dark", "false")):
            self.command("apputils:change-theme", theme=f"JupyterLab {theme}")
            self.page.wait_for_selector(f"body[data-jp-theme-light={light}]", state="attached")
            self.page.wait_for_timeout(500)
            self.page.screenshot(path=path.with_name(f"{path.name}-{theme.lower()}.png"))

    def button(self, name: str) -> Any:
        return self.page.locator(".jupyter-button", has_text=name).first

    def wait_for(self, condition: Callable[[], object], seconds: float = 20.0) -> None:
        """Wait in the page's own loop: while Python sleeps, no request of the page gets its answer."""
        until = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < until, "it did not happen"
            self.page.wait_for_timeout(100)

    def text(self, text: str, seconds: float = 30) -> None:
        self.page.get_by_text(text).first.wait_for(timeout=seconds * 1000)


@pytest.fixture(scope="module")
def chromium() -> str:
    """The browser; the tests skip without, unless CYPHER_MAGIC_REQUIRE names it."""
    missing = [name for name in ("playwright", "jupyterlab") if find_spec(name) is None]
    missing += [] if CHROMIUM else ["chromium"]
    if missing and "browser" in os.environ.get("CYPHER_MAGIC_REQUIRE", ""):
        pytest.fail(f"the browser tests are required here, but there is no {', '.join(missing)}")
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
    return str(CHROMIUM)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """The address and the folder of a JupyterLab of our own on a free port; gone with its kernels afterwards."""
    folder = tmp_path / "notebooks"
    folder.mkdir()
    places = {f"JUPYTER_{kind}_DIR": str(tmp_path / "jupyter" / kind.lower()) for kind in ("CONFIG", "DATA", "RUNTIME")}
    settings = {
        "JUPYTERLAB_SETTINGS_DIR": str(tmp_path / "jupyter" / "settings"),
        "IPYTHONDIR": str(tmp_path / "ipython"),
    }
    quiet = (
        tmp_path / "jupyter" / "settings" / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
    )
    quiet.parent.mkdir(parents=True)
    quiet.write_text('{"fetchNews": "false", "checkForUpdates": false}')
    options = ["--no-browser", "--ServerApp.port=0", f"--IdentityProvider.token={TOKEN}", "--ServerApp.ip=127.0.0.1"]
    options += [f"--ServerApp.root_dir={folder}", "--LabApp.expose_app_in_browser=True"]
    options += ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    log = tmp_path / "jupyter.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *options],
            env={**os.environ, **places, **settings},
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    runtime = Path(places["JUPYTER_RUNTIME_DIR"])
    try:
        until = time.monotonic() + 60
        while not (found := list(runtime.glob("jpserver-*.json"))):
            assert process.poll() is None and time.monotonic() < until, log.read_text()
            time.sleep(0.1)
        yield json.loads(found[0].read_text())["url"].rstrip("/"), folder
    finally:
        started = [process.pid, *(child.pid for child in psutil.Process(process.pid).children(recursive=True))]
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        finally:
            for pid in started:
                if psutil.pid_exists(pid):
                    os.kill(pid, signal.SIGKILL)


@pytest.fixture
def lab(chromium: str, server: tuple[str, Path]) -> Iterator[Lab]:
    """A page that reaches this server and nothing else."""
    from playwright.sync_api import sync_playwright

    base, folder = server
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1280, "height": 1500})
        page.context.base = base
        lab = Lab(page, folder)

        def only_this_server(route: Any) -> None:
            if urlsplit(route.request.url).netloc == urlsplit(base).netloc:
                route.continue_()
            else:
                lab.asked.append(route.request.url)
                route.abort()

        page.route("**/*", only_this_server)
        yield lab
        page.screenshot(path=folder.parent / "last.png")
        browser.close()


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


def test_the_panel_is_there_reads_an_upload_and_says_what_is_wrong(lab: Lab, tmp_path: Path) -> None:
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
    assert lab.asked == []


def test_the_chart_moves_stop_reaches_the_run_and_the_saved_notebook_keeps_the_result(
    lab: Lab, run: Run, tmp_path: Path
) -> None:
    writer = EventWriter(run.folder / "events.jsonl")
    writer.write("started", device="cpu (bf16)", rows=600, epochs=2)
    train(writer, range(1, 11), "I think it was <b>Wachowski</b>")
    lab.run("%load_ext cypher_magic", "panel = %cypher_panel\npanel")
    lab.text("step 10 of 40", 60)
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
