from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_the_quickstart_trains_a_model_that_answers_unseen_questions(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What `examples/demo.sh` does, for real: nothing is faked or shortened."""
    command = [sys.executable, EXAMPLES / "execute.py", EXAMPLES / "quickstart.ipynb", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "COLUMNS": "160"})
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    notebook = nbformat.read(tmp_path / "quickstart.ipynb", as_version=4)
    errors = [o for cell in notebook.cells for o in cell.get("outputs", []) if o.output_type == "error"]
    assert not errors
    found = re.search(r"right rows: untuned (\d+) of 10, tuned (\d+) of 10", done.stdout)
    assert found, done.stdout[-3000:]
    untuned, tuned = map(int, found.groups())
    with capsys.disabled():
        print(f"\nquickstart: untuned {untuned} of 10, tuned {tuned} of 10 right")
    assert untuned <= 1
    assert tuned >= 6
    page = (tmp_path / "quickstart.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert (tmp_path / "quickstart.ipynb").stat().st_size < 2_000_000
