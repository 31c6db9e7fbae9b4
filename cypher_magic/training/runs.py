"""Runs: one folder each, readable with no code of ours, and the worker process that fills it.

settings.yaml         what was asked for
examples.jsonl        the examples, each with its split (train, val); examples.jsonl.sha256 beside it
card.json             schema, prompt style, versions, hashes, figures
events.jsonl          what happened (events.py)
adapter/              the LoRA weights; always a whole adapter, also after a stop
checkpoints/          what resuming needs
worker.log            what the worker process printed
STOP                  there from when somebody asks the run to stop until it has ended
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from cypher_magic.data.example import Example
from cypher_magic.errors import OptionError, RunNotFound, TrainingError
from cypher_magic.model.catalogue import UNTUNED
from cypher_magic.places import runs_dir
from cypher_magic.training.events import EventReader, EventWriter, TrainEvent, read_events
from cypher_magic.training.process import born, end
from cypher_magic.training.processes import command as launcher
from cypher_magic.training.settings import TrainingSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

_NAME = re.compile(r"[\w][\w.-]{0,63}\Z")
_FULL = 1 << 20  # bytes: a disk with less has no room for an adapter
_POLL = 0.3  # seconds between two looks at the events file
_STAGES = ("queued", "turn", "started", "resumed", "finished", "failed")


@dataclass(frozen=True)
class Run:
    """One fine-tuning run: a folder. Everything is read from it, so any process can look at any run."""

    folder: Path

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.name

    @property
    def settings(self) -> TrainingSettings:
        """What was asked for."""
        return TrainingSettings.from_yaml((self.folder / "settings.yaml").read_text(encoding="utf-8"))

    @property
    def card(self) -> dict[str, Any]:
        """The run's metadata."""
        card: dict[str, Any] = json.loads((self.folder / "card.json").read_text(encoding="utf-8"))
        return card

    @property
    def created(self) -> float:
        """When the run was made, in seconds since the epoch."""
        return datetime.fromisoformat(self.card["created"]).timestamp()

    @property
    def adapter(self) -> Path:
        """The folder of the LoRA weights; `TrainingError` when the run has none (yet)."""
        folder = self.folder / "adapter"
        if not (folder / "adapter_config.json").is_file():
            state = self.state
            resumes = "" if state in ("queued", "running") else f"; %finetune resume {self.name} goes on with it"
            raise TrainingError(f"Run {self.name} has no adapter yet.", hint=f"it is {state}{resumes}")
        return folder

    @property
    def events(self) -> list[TrainEvent]:
        """All events so far."""
        return read_events(self.folder / "events.jsonl")

    @property
    def stage(self) -> TrainEvent | None:
        """The last event that changed the run's state, or None."""
        return next((e for e in reversed(self.events) if e.kind in _STAGES), None)

    @property
    def state(self) -> str:
        """created, queued, running, completed, stopped, failed, died (the worker left without a word), or imported."""
        last = self.stage
        if last is not None and last.kind == "finished":
            return str(last["state"])
        if last is not None and last.kind == "failed":
            return "failed"
        if self.worker_alive():
            return "queued" if last is not None and last.kind == "queued" else "running"
        return "died" if (self.folder / "worker.pid").is_file() else "created"

    @property
    def progress(self) -> str:
        """How far it got: `12 of 102 steps`; empty before its first step."""
        events = self.events
        planned = next((e.get("steps") for e in reversed(events) if e.kind == "step"), None)
        done = (e.get("step" if e.kind == "step" else "steps", 0) for e in events if e.kind in ("step", "finished"))
        return f"{max(done):,} of {planned:,} steps" if planned else ""

    @property
    def unfinished(self) -> str:
        """That the run still trains, and of which step its weights are, in one line; empty when it has ended."""
        if self.state not in ("running", "queued"):
            return ""
        steps = next((e.get("steps") for e in reversed(self.events) if e.kind == "step"), None)
        where = f"step {self._checkpoint or 0}" + (f" of {steps}" if steps else "")
        return f"Run {self.name} is still training: these are its weights of {where}."

    @property
    def _checkpoint(self) -> int | None:
        """The step of the last checkpoint."""
        return next((e["step"] for e in reversed(self.events) if e.kind == "checkpointed"), None)

    def examples(self, split: str | None = None) -> list[Example]:
        """The examples of a split (`train`, `val`), or all."""
        lines = (self.folder / "examples.jsonl").read_text(encoding="utf-8").split("\n")  # splitlines() would cut texts
        rows = [json.loads(line) for line in lines if line]
        return [Example.from_dict(row) for row in rows if split in (None, row["split"])]

    def update_card(self, **values: Any) -> None:
        """Put values into the card, in one step."""
        _write(
            self.folder / "card.json", json.dumps({**self.card, **values}, indent=1, ensure_ascii=False, default=str)
        )

    def start(self, variables: Mapping[str, str] | None = None) -> None:
        """Start the worker process in a session of its own, so that an interrupt of the notebook does not reach it.

        `variables` are added to its environment: how it reaches the graph.
        """
        command = [*launcher(self.settings.launch), "cypher_magic.training.worker", str(self.folder)]
        environment = {**os.environ, **(variables or {})}
        with (self.folder / "worker.log").open("ab") as log:
            streams: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log}
            process = subprocess.Popen(command, env=environment, start_new_session=True, close_fds=True, **streams)
        # Without this a finished worker stays a zombie for as long as the notebook lives.
        threading.Thread(target=process.wait, name=f"reap {self.name}", daemon=True).start()
        _write(self.folder / "worker.pid", f"{process.pid} {born(process.pid)}")

    def resume(self, variables: Mapping[str, str] | None = None) -> None:
        """Go on from the last whole checkpoint (from the start when there is none), in a new worker process.

        Raises `OptionError` when there is nothing to resume: the run goes on, or has completed.
        """
        if self.state in ("running", "queued"):
            raise OptionError(f"Run {self.name} is going on.", hint=f"%finetune attach {self.name}")
        if (state := self.state) in ("imported", "completed"):
            raise OptionError(
                f"Run {self.name} {'was imported' if state == 'imported' else 'has completed'}.",
                hint=f"a new run can go on from it: %%finetune NEW --data FILE --start-from {self.name}",
            )
        while self.worker_alive():  # it has said its last word and is on its way out
            time.sleep(_POLL)
        self.forget_stop()
        self._forget_scores()
        # Before the worker's first word this is the last stage, so that nobody takes the old end for the new one.
        EventWriter(self.folder / "events.jsonl").write("resumed")
        self.start(variables)

    def _forget_scores(self) -> None:
        """Take the scores out of the card: they are of weights that will be gone. The report is kept beside."""
        self.update_card(scores=None, evaluation=None)
        for report in (self.folder / "report.json", self.folder / "report.html"):
            if report.is_file():
                report.replace(report.with_stem("report-before-resume"))

    def remove(self) -> list[str]:
        """Delete the run's folder; the names of the runs that were continued from it, which need it no more.

        Raises `OptionError` while it goes on, or when a run that has not completed starts from it.
        """
        if self.worker_alive():
            raise OptionError(f"Run {self.name} is going on.", hint=f"%finetune stop {self.name}")
        heirs = [run for run in runs() if run.folder != self.folder and run.settings.start_from == self.name]
        for heir in heirs:
            if heir.state != "completed":  # resuming it would begin with this adapter
                raise OptionError(
                    f"Run {heir.name}, which is {heir.state}, starts from {self.name}.",
                    hint=f"remove {heir.name} first, or let it complete",
                )
        try:
            gone = self.folder.with_name(f".{self.name}.removed")
            shutil.rmtree(gone, ignore_errors=True)
            self.folder.rename(gone)  # in one step: a folder that is half deleted is no run
            shutil.rmtree(gone)
        except OSError as exc:
            hint = f"close what uses {self.folder}, and remove it again"
            raise TrainingError(f"Run {self.name} can not be removed: {exc.strerror}.", hint=hint) from exc
        return [heir.name for heir in heirs]

    def worker_alive(self) -> bool:
        """Whether the worker process is there (and is the one that was started, not another with its number)."""
        try:
            pid, began = (self.folder / "worker.pid").read_text().split()
        except (OSError, ValueError):
            return False
        return born(int(pid)) == began

    def stop(self) -> None:
        """Ask the run to stop at the end of its step and to keep its adapter; one that has ended needs no asking."""
        if self.state in ("created", "queued", "running"):
            (self.folder / "STOP").touch()

    def forget_stop(self) -> None:
        """Take what `stop` asked for as done: it is about this attempt, and about no later one."""
        (self.folder / "STOP").unlink(missing_ok=True)

    def kill(self) -> None:
        """End the worker at once; the adapter of the last checkpoint stays."""
        if self.worker_alive():
            end(int((self.folder / "worker.pid").read_text().split()[0]))

    def wait(self, on_events: Callable[[list[TrainEvent]], None] | None = None, *, watch: bool = False) -> Run:
        """Return when the run has ended. An interrupt asks it to stop; a second one ends it at once.

        With `watch`, an interrupt ends the waiting only, and the run goes on. `on_events` is called again and again,
        with the events that are new, also when there are none: what it shows may have a clock that goes on.

        Raises `TrainingError` with the worker's own words when the run failed or its process died.
        """
        reader = EventReader(self.folder / "events.jsonl")
        pause = threading.Event()
        over = False
        stage = ""
        interrupted = 0
        while not over:
            try:
                over = not self.worker_alive()  # looked at before reading: what was written last is read too
                new = reader.new()
                if on_events is not None:
                    on_events(new)
                stage = next((e.kind for e in reversed(new) if e.kind in _STAGES), stage)
                over = over or stage in ("finished", "failed")
                if not over:
                    pause.wait(_POLL)
            except KeyboardInterrupt:
                if watch:
                    return self
                interrupted += 1
                self.stop() if interrupted == 1 else self.kill()
        return self._outcome()

    def _outcome(self) -> Run:
        state, kept = self.state, self._kept()
        if state == "failed":
            event = next(e for e in reversed(self.events) if e.kind == "failed")
            hint = "; ".join(filter(None, (event.get("hint", ""), kept)))
            raise TrainingError(f"Run {self.name} failed: {event['message']}", hint=hint)
        if state in ("died", "created"):
            full = shutil.disk_usage(self.folder).free < _FULL
            why = "the disk is full" if full else "out of memory, or killed"
            hint = "; ".join(filter(None, (kept, f"see {self.folder / 'worker.log'}")))
            raise TrainingError(f"The worker of run {self.name} ended without a word ({why}).", hint=hint)
        return self

    def _kept(self) -> str:
        """Which adapter a run that went wrong leaves behind, and where; empty when there is none."""
        folder = self.folder / "adapter"
        if not (folder / "adapter_config.json").is_file():
            return ""
        step = self._checkpoint
        what = "an adapter" if step is None else f"the adapter of its last checkpoint (step {step})"
        return f"{what} is kept in {folder}, and %finetune resume {self.name} goes on from there"

    def __repr__(self) -> str:
        last = next((e for e in reversed(self.events) if e.kind == "step"), None)
        loss = f", loss {last['loss']:.3f}" if last is not None else ""
        return f"Run {self.name}: {self.state}{self.progress and ', ' + self.progress}{loss}"


def runs() -> list[Run]:
    """All runs, newest first."""
    root = runs_dir()
    if not root.is_dir():
        return []
    found = [Run(f) for f in root.iterdir() if _NAME.match(f.name) and (f / "card.json").is_file()]
    return sorted(found, key=lambda r: (r.folder / "card.json").stat().st_mtime, reverse=True)


def find_run(name: str, also: tuple[str, ...] = ()) -> Run:
    """The run of this name; `RunNotFound` with the closest names.

    `also` are names that are no runs and could have been meant: of a model that answers, `base` and `starter`.
    """
    folder = runs_dir() / name
    if _NAME.match(name) and (folder / "settings.yaml").is_file():
        return Run(folder)
    from difflib import get_close_matches

    known = [r.name for r in runs()]
    close = get_close_matches(name, [*known, *also], n=3) or known[:5]
    told = ", ".join(dict.fromkeys([*close, *also]))
    hint = f"there are: {told}" if told else "make one with %%finetune NAME --data FILE"
    raise RunNotFound(f"There is no run called {name!r}.", hint=hint)


def check_name(name: str) -> None:
    """Raise `OptionError` for what can not be the name of a run."""
    if name in UNTUNED:
        raise OptionError(f"{name!r} is the name of a model that always answers.", hint="choose another name")
    if not _NAME.match(name):
        hint = "letters, digits, _ . and - (not first), at most 64"
        raise OptionError(f"{name!r} can not be the name of a run.", hint=hint)


def create_run(
    name: str,
    settings: TrainingSettings,
    train: Sequence[Example],
    val: Sequence[Example] = (),
    *,
    schema: str | None = None,
    card: dict[str, Any] | None = None,
) -> Run:
    """A new run folder with everything the worker needs.

    An earlier run of the same name is kept under `NAME.1`, `NAME.2` ... (the new card's `earlier_run`), and gone on
    from under that name when `start_from` says NAME; `OptionError` when it is still running, `TrainingError` when
    nothing can be stored.
    """
    check_name(name)
    folder = runs_dir() / name
    kept: Path | None = None
    if folder.exists():
        if Run(folder).worker_alive():
            raise OptionError(
                f"Run {name} is still going on.", hint=f"%finetune attach {name}, or %finetune stop {name}"
            )
        kept = next(f for i in range(1, 10_000) if not (f := folder.with_name(f"{name}.{i}")).exists())
        card = {**(card or {}), "earlier_run": kept.name}
        if settings.start_from == name:
            settings = settings.changed({"start_from": kept.name})
    building = folder.with_name(f".{name}.new")
    try:
        shutil.rmtree(building, ignore_errors=True)
        building.mkdir(parents=True)
        _fill(building, name, settings, train, val, schema, card or {})
        if kept is not None:
            folder.rename(kept)
        building.rename(folder)
    except OSError as exc:
        shutil.rmtree(building, ignore_errors=True)
        raise TrainingError(
            f"The run can not be stored in {folder.parent}: {exc.strerror or exc}.",
            hint="free some space there, or set CYPHER_MAGIC_RUNS to another folder",
        ) from exc
    return Run(folder)


def _fill(
    folder: Path,
    name: str,
    settings: TrainingSettings,
    train: Sequence[Example],
    val: Sequence[Example],
    schema: str | None,
    card: dict[str, Any],
) -> None:
    """Write settings, examples with their hash, and card into a new run's folder."""
    lines = [
        json.dumps({"split": split, **example.to_dict()}, ensure_ascii=False, default=str)
        for split, examples in (("train", train), ("val", val))
        for example in examples
    ]
    text = "\n".join(lines) + "\n"
    digest = hashlib.sha256(text.encode()).hexdigest()
    (folder / "settings.yaml").write_text(settings.to_yaml(), encoding="utf-8")
    (folder / "examples.jsonl").write_text(text, encoding="utf-8")
    (folder / "examples.jsonl.sha256").write_text(f"{digest}  examples.jsonl\n")
    facts = {
        "name": name,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "examples_sha256": digest,
        "train_rows": len(train),
        "val_rows": len(val),
        "schema": schema,
        **card,
    }
    (folder / "card.json").write_text(json.dumps(facts, indent=1, ensure_ascii=False), encoding="utf-8")


def _write(path: Path, text: str) -> None:
    fresh = path.with_name(path.name + ".new")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)
