"""The training process: `python -m cypher_magic.training.worker RUN_FOLDER`.

Reads the run folder, trains, and says what happens in `events.jsonl`. It knows nothing of notebooks. A file STOP in
the folder ends it after the step it is in; the adapter is written then too. Of several processes (`processes.py`) the
first one writes.
"""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from cypher_magic.errors import CypherMagicError, DataError, OptionError
from cypher_magic.model.backbones import local_folder
from cypher_magic.model.generate import CypherModel
from cypher_magic.model.load import Device, choose_device, load_backbone, load_tokenizer
from cypher_magic.model.prompt import Prompt
from cypher_magic.model.starter import starting_adapter
from cypher_magic.training.adapter import with_adapter
from cypher_magic.training.checkpoints import could_not_write, newest_checkpoint
from cypher_magic.training.events import EventWriter
from cypher_magic.training.executed import Graph
from cypher_magic.training.packing import batch_of
from cypher_magic.training.processes import Processes
from cypher_magic.training.queue import turn
from cypher_magic.training.recovery import is_out_of_memory, limit_memory
from cypher_magic.training.reporter import Reporter
from cypher_magic.training.rows import encoded
from cypher_magic.training.runs import Run
from cypher_magic.training.trainer import build_trainer

if TYPE_CHECKING:
    from collections.abc import Callable


def main(folder: Path) -> int:
    """Train the run in this folder; 0 when it completed or was stopped, 1 when it failed (the reason is an event)."""
    run, events = Run(folder), EventWriter(folder / "events.jsonl")
    try:
        with turn(run, events) as ours:
            if ours:
                train(run, events)
    except CypherMagicError as exc:
        events.write("failed", message=exc.message, hint=exc.hint)
    except OSError as exc:
        traceback.print_exc()
        events.write("failed", message=f"{exc.strerror or exc}", hint="is the disk full?")
    except Exception as exc:  # the last place that can tell the notebook; the log has the traceback
        traceback.print_exc()
        if is_out_of_memory(exc):
            events.write("failed", message="There is not enough memory.", hint="%cypher_models tells what fits here")
            return 1
        if could_not_write(exc):
            events.write("failed", message="A checkpoint could not be written.", hint="is the disk full?")
            return 1
        message = str(exc).splitlines()[0] if str(exc) else ""
        events.write("failed", message=f"{type(exc).__name__}: {message}", hint=f"see {folder / 'worker.log'}")
    else:
        return 0
    finally:
        if os.environ.get("RANK", "0") == "0":
            run.forget_stop()
    return 1


def train(run: Run, events: EventWriter) -> None:
    """Load, encode, train, save."""
    settings, card = run.settings, run.card
    processes = Processes(settings.shard)
    if not processes.first:
        events = EventWriter(Path(os.devnull))

    def tell(line: str) -> None:
        if line:
            events.write("noted", message=line)

    if settings.threads:
        torch.set_num_threads(settings.threads)
    device = choose_device(settings.device, settings.precision)
    if device.kind == "cuda":
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    events.write("stage", message="making tokens of the examples")
    folder = local_folder(settings.backbone)
    tokenizer = load_tokenizer(folder)
    prompt = Prompt(tokenizer, settings.prompt_style, instruction=card.get("prefix", ""))
    rows, val = (encoded(run.examples(part), prompt, card["schema"], settings.max_tokens) for part in ("train", "val"))
    tell(rows.told(settings.max_tokens))
    if not rows.kept:
        raise DataError("No training example is short enough.", hint=f"raise max_tokens ({settings.max_tokens})")
    events.write("stage", message="loading the model")
    start = starting_adapter(settings.start_from, settings.backbone)
    if processes.sharded and device.quantised:
        raise OptionError("Quantised weights can not be divided.", hint="shard: off, or precision: bf16")
    loaded_to = Device("cpu", device.dtype) if processes.sharded else device
    model = with_adapter(load_backbone(folder, loaded_to), settings, start)
    trainer = build_trainer(
        model, rows.kept, val.kept, settings, run.folder / "checkpoints", device, processes, tell=tell
    )
    live = CypherModel(model, tokenizer, prompt)
    graph = _graph(tell) if settings.executed and processes.first else None
    reporter = Reporter(run, events, trainer, live, graph)
    trainer.add_callback(reporter)
    events.write(
        "started", device=str(device), rows=len(rows.kept), packs=len(trainer.train_dataset), epochs=settings.epochs
    )
    checkpoint = newest_checkpoint(run.folder / "checkpoints")
    if checkpoint is not None:
        tell(f"going on from step {checkpoint.name.partition('-')[2]}")
    try:
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    finally:
        if graph is not None:
            graph.connection.close()
    reporter.finish()
    ended_early = trainer.state.global_step < trainer.state.max_steps and not reporter.settled
    if processes.first:
        state = "stopped" if ended_early else "completed"
        steps = trainer.state.global_step
        used = {"device": str(device), "batch_size": batch_of(rows.kept, settings), "steps": steps}
        run.update_card(prompt_style=prompt.style, state=state, versions=_versions(), **used)
        events.write("finished", state=state, steps=steps)


def _graph(tell: Callable[[str], None]) -> Graph | None:
    """The notebook's graph, or None with a line that says why there is none."""
    try:
        graph = Graph.given()
    except CypherMagicError as exc:
        tell(f"no query is run while training: {exc.message}")
        return None
    if graph is None:
        tell("no query is run while training: the notebook is not connected to a graph")
    return graph


def _versions() -> dict[str, str]:
    from importlib.metadata import version

    return {name: version(name) for name in ("cypher-magic", "torch", "transformers", "peft")}


if __name__ == "__main__":
    if not torch.cuda.is_available():
        limit_memory()
    sys.exit(main(Path(sys.argv[1])))
