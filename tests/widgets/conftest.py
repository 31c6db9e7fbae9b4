"""JupyterLab in a real Chromium: `lab` is a page that reaches its own server and nothing else."""

from __future__ import annotations

import json
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

READY = """async () => {
    const context = window.jupyterapp.shell.currentWidget.sessionContext;
    await context.ready;
    while (!context.session?.kernel) await new Promise(resume => setTimeout(resume, 100));
    await context.session.kernel.info;
}"""
HOLES = """() => [...document.querySelectorAll('.widget-vbox > .widget-html')].filter(e => {
    const what = document.createRange();
    what.selectNodeContents(e.querySelector('.widget-html-content') ?? e);
    return e.offsetHeight > 60 + what.getBoundingClientRect().height;
}).map(e => e.innerText.slice(0, 60))"""  # texts with empty space below or above
TOO_WIDE = """() => [...document.querySelectorAll('.cm-panel, .cm-panel *')].filter(e => {
    const over = e.scrollWidth - e.clientWidth;
    return over > 0 && over < 20 && e.offsetWidth && /auto|scroll/.test(getComputedStyle(e).overflowX);
}).map(e => e.className + ': ' + e.innerText.slice(0, 60))"""  # boxes that scroll sideways for a few pixels
TOKEN = "0123456789abcdef"
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

    def pictures(self, path: Path, of: Any = None) -> None:
        """Screenshots of the page (or of one part) in the light and in the dark theme, to be looked at.

        CYPHER_MAGIC_SCREENSHOTS names a folder that keeps them when the test's own folder is gone.
        """
        assert self.page.evaluate(HOLES) == self.page.evaluate(TOO_WIDE) == []
        kept = os.environ.get("CYPHER_MAGIC_SCREENSHOTS")
        folder = Path(kept) if kept else path.parent
        folder.mkdir(parents=True, exist_ok=True)
        for theme, light in (("Light", "true"), ("Dark", "false")):
            self.command("apputils:change-theme", theme=f"JupyterLab {theme}")
            self.page.wait_for_selector(f"body[data-jp-theme-light={light}]", state="attached")
            self.page.wait_for_timeout(500)
            (of or self.page).screenshot(path=folder / f"{path.name}-{theme.lower()}.png")

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
        while not (found := [file for file in runtime.glob("jpserver-*.json") if file.stat().st_size]):
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
