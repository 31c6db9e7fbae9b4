"""The program behind demo.sh: runs a notebook, tells what happens, keeps it as .ipynb and .html."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

pytestmark = pytest.mark.slow

PROGRAM = Path(__file__).resolve().parents[2] / "examples" / "execute.py"


def command(folder: Path, *cells: str) -> list[str]:
    """The call of the program with a notebook of these cells."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nbformat.write(notebook, folder / "small.ipynb")
    return [sys.executable, str(PROGRAM), str(folder / "small.ipynb"), str(folder / "out")]


def executed(folder: Path, *cells: str) -> subprocess.CompletedProcess[str]:
    """The finished program."""
    return subprocess.run(command(folder, *cells), capture_output=True, text=True)


def test_a_notebook_is_executed_told_and_kept_in_two_forms(tmp_path: Path) -> None:
    done = executed(tmp_path, "print('being told')", "from ipywidgets import IntSlider\nIntSlider(7)", "6 * 7")
    assert done.returncode == 0, done.stderr
    assert "    being told\n" in done.stdout and "    42\n" in done.stdout
    kept = [tmp_path / "out" / "small.ipynb", tmp_path / "out" / "small.html"]
    assert done.stdout.splitlines()[-2:] == [str(path) for path in kept]
    assert nbformat.read(kept[0], 4).cells[2].outputs[0].data["text/plain"] == "42"
    page = kept[1].read_text("utf-8")
    assert "IntSlider(value=7)" in page
    assert not re.search(r"<script|<link|https?://[^\"' ]+\.(js|css|mjs)", page)


def test_a_cell_that_fails_is_one_line_and_what_was_reached_is_kept(tmp_path: Path) -> None:
    done = executed(tmp_path, "print('reached')", "raise ValueError('on purpose')", "print('too far')")
    assert done.returncode == 1
    told = ["", "error: a cell failed: ValueError: on purpose", f"what was reached is in {tmp_path / 'out'}"]
    assert done.stderr.splitlines() == told
    assert "reached" in (tmp_path / "out" / "small.html").read_text("utf-8")
    assert "too far" not in done.stdout.replace(">>> print('too far')", "")


def test_a_kernel_that_dies_is_one_line(tmp_path: Path) -> None:
    done = executed(tmp_path, "import os; os._exit(3)")
    assert done.returncode == 1
    assert "error: the notebook's Python process died" in done.stderr


@pytest.mark.skipif(os.name == "nt", reason="no signal reaches the program there")
def test_ctrl_c_interrupts_the_cell_and_runs_no_further_one(tmp_path: Path) -> None:
    mark = tmp_path / "interrupted"
    cell = f"""import time
print('waiting')
try:
    time.sleep(60)
except KeyboardInterrupt:
    open({str(mark)!r}, 'w')"""
    program = command(tmp_path, cell, "print('too far')")
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None and running.stderr is not None
        while "waiting" not in (line := running.stdout.readline()) or ">>>" in line:
            assert line, running.stderr.read()
        running.send_signal(signal.SIGINT)
        told, error = running.communicate(timeout=60)
    assert mark.exists()
    assert error.splitlines() == ["", "error: interrupted", f"what was reached is in {tmp_path / 'out'}"]
    assert "too far" not in told
