"""Execute a notebook, tell on the terminal what happens, and keep it as .ipynb and .html.

python examples/execute.py examples/quickstart.ipynb out
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import nbformat
from jupyter_core.utils import ensure_async
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from nbconvert import HTMLExporter

PAUSE = 5.0  # seconds between two lines of a display that updates itself, a progress bar for instance
WIDTH = 160

STATIC = """{%- extends 'lab/index.html.j2' -%}
{%- block html_head_js -%}{%- endblock -%}
{%- block html_head_js_mathjax -%}{%- endblock -%}
{%- block html_head_js_mermaidjs -%}{%- endblock -%}
"""


class Interrupted(Exception):
    """The person at the terminal pressed Ctrl-C."""


class TellingClient(NotebookClient):
    """Runs the cells and prints their source and what they answer, as plain text."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._last = ("", 0.0)  # what an updating display said, and when
        self.interrupted = False

    def tell_cell(self, cell: Any, cell_index: int) -> None:
        """Print the first line of a cell that starts."""
        if self.interrupted:
            raise Interrupted
        if os.name != "nt":  # there, asyncio knows no signal handlers
            asyncio.get_running_loop().add_signal_handler(signal.SIGINT, self.interrupt)
        if cell.cell_type == "code" and cell.source.strip():
            lines = cell.source.strip().splitlines()
            print(f"\n>>> {lines[0][:WIDTH]}{' ...' if len(lines) > 1 else ''}", flush=True)

    def interrupt(self) -> None:
        """Interrupt the cell, as the Stop button does: what it started, a training process for instance, ends too."""
        self.interrupted = True
        self._interrupting = asyncio.ensure_future(ensure_async(self.km.interrupt_kernel()))

    def process_message(self, msg: dict[str, Any], cell: Any, cell_index: int) -> Any:
        """What nbclient does with a message from the kernel, and its text on the terminal."""
        content = msg["content"]
        match msg["msg_type"]:
            case "stream" if content["text"].endswith("\n") and "\r" not in content["text"]:
                self._print(content["text"])
            case "stream":
                self._print_now_and_then(content["text"].replace("\r", "\n"))
            case "update_display_data":
                self._print_now_and_then(content["data"].get("text/plain", ""))
            case "display_data" | "execute_result":
                self._print(content["data"].get("text/plain", ""))
        return super().process_message(msg, cell, cell_index)

    def _print(self, text: str) -> None:
        for line in text.rstrip().splitlines():
            print(f"    {line[:WIDTH]}", flush=True)

    def _print_now_and_then(self, text: str) -> None:
        lines = [line for line in text.splitlines() if line.strip()]
        said, when = self._last
        if lines and lines[-1] != said and time.monotonic() - when > PAUSE:
            self._last = (lines[-1], time.monotonic())
            self._print(lines[-1])


def page(notebook: Any, title: str) -> str:
    """The notebook as one HTML page that asks nothing from anywhere: no script, widgets as their text."""
    exporter = HTMLExporter(raw_template=STATIC)
    exporter.register_preprocessor(_without_widgets, enabled=True)
    html, _ = exporter.from_notebook_node(notebook, {"metadata": {"name": title}})
    return str(html)


def _without_widgets(notebook: Any, resources: Any) -> tuple[Any, Any]:
    notebook.metadata.pop("widgets", None)
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            output.get("data", {}).pop("application/vnd.jupyter.widget-view+json", None)
    return notebook, resources


def execute(source: Path, target: Path) -> list[Path]:
    """The executed notebook and its HTML form in the folder `target`; what was reached is kept when a cell fails."""
    notebook = nbformat.read(source, as_version=4)
    client = TellingClient(
        notebook,
        timeout=None,
        resources={"metadata": {"path": str(source.parent)}},
        # its warning that other users of this machine could listen on loopback is none for a demo
        extra_arguments=["--log-level=ERROR"],
    )
    client.on_cell_execute = client.tell_cell
    target.mkdir(parents=True, exist_ok=True)
    kept = [target / source.name, target / source.with_suffix(".html").name]
    try:
        client.execute()
    finally:
        nbformat.write(notebook, kept[0])
        kept[1].write_text(page(notebook, source.stem), encoding="utf-8")
    return kept


def main(source: str, target: str) -> int:
    """The exit status: 0 when every cell ran."""
    started = time.monotonic()
    try:
        kept = execute(Path(source).resolve(), Path(target).resolve())
    except CellExecutionError as failed:
        if failed.ename == "KeyboardInterrupt":
            return _failed("interrupted", target)
        return _failed(f"a cell failed: {failed.ename}: {failed.evalue}", target)
    except DeadKernelError:
        return _failed("the notebook's Python process died, perhaps for lack of memory", target)
    except (Interrupted, KeyboardInterrupt):
        return _failed("interrupted", target)
    except (OSError, nbformat.reader.NotJSONError) as exc:
        return _failed(f"{source} can not be executed: {exc}".splitlines()[0])
    minutes, seconds = divmod(round(time.monotonic() - started), 60)
    print(f"\nExecuted in {minutes} min {seconds} s. Open one of these:", *kept, sep="\n")
    return 0


def _failed(message: str, target: str = "") -> int:
    print(f"\nerror: {message}", *([f"what was reached is in {target}"] if target else []), sep="\n", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
