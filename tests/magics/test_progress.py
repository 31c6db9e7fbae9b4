"""The line that says what goes on: when it is shown, what it says, and that it goes."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cypher_magic.magics import progress
from cypher_magic.magics.progress import ProgressLine, progress_line, told


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw without waiting for what may be over soon."""
    monkeypatch.setattr(progress, "_AFTER", 0.0)
    monkeypatch.setattr(progress, "_EVERY", 0.005)


def wait_for(what: Callable[[], bool]) -> None:
    until = time.monotonic() + 10
    while not what() and time.monotonic() < until:
        time.sleep(0.005)
    assert what()


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (("loading the model", 0, 0, 4.2), "loading the model · 4 s"),
        (("making pairs", 0, 600, 2.0), "making pairs · 0 of 600 · 2 s"),
        (("making pairs", 150, 600, 20.0, 60.0), "making pairs · 150 of 600 · about 1 min 0 s left"),
        (("downloading", 31_000_000, 93_000_000, 0.4), "downloading · 31 of 93 MB · 0 s"),
    ],
)
def test_a_line_names_the_stage_and_how_far_it_is(given: tuple[Any, ...], text: str) -> None:
    assert told(*given) == text


def test_what_goes_on_is_shown_with_its_seconds_and_wiped_when_it_is_over(at_once: None) -> None:
    shown: list[str] = []
    line = ProgressLine(shown.append)
    line("loading the model", 0, 0)
    wait_for(lambda: bool(shown))
    line("writing the query", 0, 0)
    wait_for(lambda: shown[-1].startswith("writing the query"))
    line.close()
    assert shown[0] == "loading the model · 0 s"
    assert shown[-1] == ""
    assert not [t for t in threading.enumerate() if t.name == "progress"]


def test_the_line_goes_when_all_is_done_so_that_something_can_be_printed(at_once: None) -> None:
    shown: list[str] = []
    line = ProgressLine(shown.append)
    line("making pairs", 3, 6)
    wait_for(lambda: bool(shown))
    line("making pairs", 6, 6)
    count = len(shown)
    time.sleep(0.05)
    assert shown[-1] == "" and len(shown) == count
    line.close()
    assert len(shown) == count


def test_the_time_left_is_reckoned_from_when_the_first_of_it_was_done(
    at_once: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[str] = []
    clock = [0.0]
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    line = ProgressLine(shown.append)
    for seconds, done in ((0, 0), (50, 0), (60, 10_000_000), (70, 30_000_000)):
        clock[0] = seconds
        line("downloading", done, 90_000_000)
    wait_for(lambda: "downloading · 30 of 90 MB · about 30 s left" in shown)
    line.close()


def test_what_is_quick_is_not_shown() -> None:
    shown: list[str] = []
    line = ProgressLine(shown.append)
    line("running the query", 0, 0)
    line.close()
    assert shown == []


def test_the_line_is_wiped_when_something_fails(at_once: None, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    monkeypatch.setattr(progress, "_screen", lambda: shown.append)

    def interrupted() -> None:
        with progress_line() as line:
            line("reading the schema", 0, 0)
            wait_for(lambda: bool(shown))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert shown[-1] == ""


def test_in_a_terminal_it_is_one_line_that_fits_and_leaves_nothing(
    at_once: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with progress_line() as line:
        line("looking at this machine and others", 0, 0)
        time.sleep(0.1)
    written = capsys.readouterr()
    assert written.out == ""
    assert "\n" not in written.err
    drawn = written.err.split("\r\x1b[K")
    assert drawn[1] == "looking at this mac" and drawn[-1] == ""


def test_where_nobody_looks_nothing_is_written(at_once: None, capsys: pytest.CaptureFixture[str]) -> None:
    with progress_line() as line:
        line("looking at this machine", 0, 0)
        time.sleep(0.05)
    assert capsys.readouterr() == ("", "")


def test_in_a_notebook_it_is_one_output_that_is_empty_in_the_end(
    shell: Any, at_once: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    published: list[dict[str, Any]] = []
    monkeypatch.setattr(shell.display_pub, "publish", lambda **message: published.append(message))
    monkeypatch.setattr(shell, "kernel", object(), raising=False)
    with progress_line() as line:
        line("loading <model>", 0, 0)
        wait_for(lambda: len(published) > 0)
    assert len({message["transient"]["display_id"] for message in published}) == 1
    assert [message.get("update", False) for message in published][:2] == [False, True]
    assert published[0]["data"]["text/plain"] == "loading <model> · 0 s"
    assert "&lt;model&gt;" in published[0]["data"]["text/html"]
    assert published[-1]["data"] == {"text/plain": "", "text/html": ""}


TERMINAL = """
import sys
import pexpect
ipython = ["-m", "IPython", "--simple-prompt", "--no-banner"]
shell = pexpect.spawn(sys.executable, ipython, timeout=120, encoding="utf-8")
shell.setwinsize(40, 80)
shell.logfile_read = sys.stdout
for number, line in enumerate(sys.argv[1:], 1):
    shell.expect_exact(f"In [{number}]: ")
    shell.sendline(line)
shell.expect_exact(f"In [{len(sys.argv)}]: ")
shell.sendline("exit")
shell.expect(pexpect.EOF)
"""


def test_a_newcomer_in_a_terminal_sees_what_goes_on_and_whole_tables(tmp_path: Path) -> None:
    pytest.importorskip("pexpect")
    cells = ["%load_ext cypher_magic", "%cypher_connect demo", "%cypher_models --device cpu"]
    shown = subprocess.run([sys.executable, "-c", TERMINAL, *cells], stdout=subprocess.PIPE, check=True).stdout.decode()
    assert "\r\x1b[Kstarting the demo graph · " in shown
    assert "\r\x1b[Klooking at this machine · " in shown
    table = shown.rpartition("%cypher_models")[2]
    names = ("name", "here", "peak_gb", "parameters", "licence", "context", "style", "gated", "source", "note")
    assert all(name in table.split() for name in names)
    assert " ... " not in table
