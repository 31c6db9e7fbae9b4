"""What a live panel costs the training: the same run with the panel open in a kernel, and with nobody looking.

    python tests/benchmarks/bench_panel.py --seconds 30 --repeats 3
    python tests/benchmarks/bench_panel.py --backbone smollm2-135m --seconds 120 --repeats 2

Each run has its own kernel (driven by nbclient, which takes the widget messages like a browser, but draws nothing) and
its own worker; with and without the panel take turns, since other work on the machine comes and goes. The window opens
after the panel has been opened (what that takes is told apart), and speed is counted from the steps in it. Beside the
speeds stands the processor time that the kernel took in the window: on a machine whose cores are all busy with
training, its share of them is the most that watching can cost.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

START = """
import json, time
from cypher_magic.data.example import Example
from cypher_magic.training.runs import create_run
from cypher_magic.training.settings import TrainingSettings
rows = [Example(f"Which films came out in {{y}}?", f"MATCH (m:Movie) WHERE m.released = {{y}} RETURN m.title AS title")
        for y in range(1000, 1200)]
settings = TrainingSettings(batch_size=8, pack_examples=8, epochs=1000, probes=3, start_from="scratch", **{settings!r})
run = create_run("bench", settings, rows[8:], rows[:8], schema="(:Movie {{title: STRING, released: INTEGER}})")
run.start()
while not any(e.kind == "step" for e in run.events):
    assert run.worker_alive(), (run.folder / "worker.log").read_text()
    time.sleep(0.5)
"""
OPEN = """
before = time.process_time()
from cypher_magic.widgets import TrainPanel
panel = TrainPanel()
panel
"""
OPENED = """
time.sleep(2)
opening = time.process_time() - before
"""
MEASURE = """
began, processor = time.time(), time.process_time()
time.sleep({seconds})
processor = time.process_time() - processor
steps = [e for e in run.events if e.kind == "step" and began <= e.time <= began + {seconds}]
speed = 8 * (steps[-1]["step"] - steps[0]["step"]) / (steps[-1].time - steps[0].time)
drawn = len(panel.live.value) if "panel" in globals() else 0
run.stop()
while run.worker_alive():
    time.sleep(0.2)
print(json.dumps({{"speed": speed, "processor": processor / {seconds}, "steps": len(steps), "html": drawn,
                  "opening": globals().get("opening", 0.0)}}))
"""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--backbone", default="", help="of the catalogue; without, a tiny one, which steps fastest")
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=0)
    given = parser.parse_args()
    found: dict[str, list[dict[str, Any]]] = {"alone": [], "panel": []}
    for number in range(given.repeats):
        for kind in ("alone", "panel") if number % 2 == 0 else ("panel", "alone"):
            with tempfile.TemporaryDirectory() as folder:
                found[kind].append(measured(kind, given, Path(folder)))
    table(found)


def measured(kind: str, given: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """The figures of one run."""
    import nbformat.v4 as nb
    from nbclient import NotebookClient

    from tests.model.tiny_folder import tiny_folder

    backbone = given.backbone or str(tiny_folder(folder / "tiny"))
    settings = {"backbone": backbone, "threads": given.threads, "device": "cpu"}
    cells = [START.format(settings=settings), *([OPEN, OPENED] if kind == "panel" else [])]
    cells += [MEASURE.format(seconds=given.seconds)]
    notebook = nb.new_notebook(cells=[nb.new_code_cell(cell) for cell in cells])
    os.environ["CYPHER_MAGIC_RUNS"] = str(folder / "runs")
    NotebookClient(notebook, timeout=1200, kernel_name="python3").execute()
    text = "".join(output.get("text", "") for output in notebook.cells[-1].outputs)
    figures: dict[str, Any] = json.loads(text.splitlines()[-1])
    print(kind, figures, flush=True)
    return figures


def table(found: dict[str, list[dict[str, Any]]]) -> None:
    """Print medians, and what watching cost."""
    middle = {
        kind: {name: statistics.median(run[name] for run in runs) for name in runs[0]} for kind, runs in found.items()
    }
    print(f"{'':8} {'examples/s':>11} {'steps':>6} {'kernel, % of a core':>20} {'HTML':>9} {'opening, CPU s':>15}")
    for kind, f in middle.items():
        print(
            f"{kind:8} {f['speed']:11.2f} {f['steps']:6.0f} {f['processor']:20.2%} {f['html'] / 1e3:6.0f} kB"
            f" {f['opening']:15.1f}"
        )
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    watching = middle["panel"]["processor"] - middle["alone"]["processor"]
    print(f"speed with the panel: {middle['panel']['speed'] / middle['alone']['speed'] - 1:+.2%} (noise included)")
    print(f"processor time of watching: {watching:.2%} of a core, {watching / cores:.2%} of {cores} cores")


if __name__ == "__main__":
    main()
