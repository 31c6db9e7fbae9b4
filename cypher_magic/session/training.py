"""Examples and runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cypher_magic.errors import TrainingError
from cypher_magic.session import state

if TYPE_CHECKING:
    import pandas as pd

    from cypher_magic.data.read import Dataset
    from cypher_magic.graph.neo4j_graph import Connection
    from cypher_magic.model.backbones import Progress
    from cypher_magic.training.events import TrainEvent
    from cypher_magic.training.runs import Run

Watch = Callable[["Run"], Callable[["list[TrainEvent]"], None]]  # what to do with the events of a run that starts


def load_examples(*sources: Any, val: Any = None, schema: Any = "auto", **options: Any) -> Dataset:
    """Examples from files, frames or lists, checked against the current graph (`schema="auto"`), with a report."""
    from cypher_magic.data.read import load_examples as load

    return load(*sources, val=val, schema=state.schema_or_none() if schema == "auto" else schema, **options)


def generate_pairs(rows: int = 600, *, connection: str | Connection | None = None, **options: Any) -> Any:
    """Question/query examples made from the current graph, each query run and its rows not empty."""
    from cypher_magic.data.pairs import generate_pairs as generate

    return generate(state.connection(connection), rows, **options)


def finetune(
    name: str,
    data: Any,
    val: Any = None,
    *,
    fix: bool = False,
    background: bool = False,
    display: bool | Watch = True,
    progress: Progress | None = None,
    **settings: Any,
) -> Run:
    """Fine-tune a backbone on examples in a process of its own, and make the result the current model.

    `data` and `val` are what `load_examples` takes, or a Dataset; without `val` a part of `data` is set aside. `fix`
    trains on the repaired examples. `settings` are those of `TrainingSettings`. Returns when the run has ended, or at
    once with `background`. An interrupt stops it and keeps the adapter.
    """
    from cypher_magic.model.backbones import local_folder
    from cypher_magic.model.starter import starting_adapter
    from cypher_magic.training.runs import create_run
    from cypher_magic.training.settings import TrainingSettings

    wanted = TrainingSettings().changed(settings)
    starting_adapter(wanted.start_from, wanted.backbone)  # raises before anything is read or written
    dataset = _dataset(data, val, fix=fix)
    if display and dataset.report.errors:
        print("The data has errors: %cypher_data check tells which rows, fix (--fix) leaves them out.")
    graph = state.schema_or_none()
    local_folder(wanted.backbone, **({"progress": progress} if progress else {}))
    schema, card = graph.render() if graph else None, {"prefix": dataset.prefix}
    run = create_run(name, wanted, dataset.train, dataset.val, schema=schema, card=card)
    run.start()
    watch: Watch | None = _print_progress if display is True else display or None
    on_events = watch(run) if watch else None
    state.SESSION.models.clear()
    before, state.SESSION.run = state.SESSION.run, name
    if background:
        return run
    try:
        return run.wait(on_events)
    except TrainingError:
        state.SESSION.run = None if before == name else before  # a run that failed answers no questions
        raise


def _dataset(data: Any, val: Any, *, fix: bool) -> Dataset:
    from cypher_magic.data.read import Dataset

    if isinstance(data, Dataset):
        return data
    several = (
        isinstance(data, (list, tuple))
        and data
        and all(isinstance(d, str | Path) or hasattr(d, "columns") for d in data)
    )
    sources = data if several else [data]
    return load_examples(*sources, val=val, fix=fix, holdout=None if val is not None else 0.1)


def _print_progress(run: Run) -> Callable[[list[TrainEvent]], None]:
    from cypher_magic.training.events import told

    def show(events: list[TrainEvent]) -> None:
        for line in filter(None, (told(event, run.name) for event in events)):
            print(line)

    return show


def runs() -> list[Run]:
    """All runs, newest first."""
    from cypher_magic.training.runs import runs as all_runs

    return all_runs()


def use_run(name: str) -> str:
    """Make a run (or `base`, the untuned default backbone, or `starter`) the one that answers."""
    from cypher_magic.asking.live import UNTUNED
    from cypher_magic.training.runs import find_run

    if name not in UNTUNED:
        find_run(name).adapter  # noqa: B018 - raises when there is none
    state.SESSION.run = name
    return name


def backbones() -> pd.DataFrame:
    """The backbones this package knows, one row each."""
    from cypher_magic.model.catalogue import as_frame

    return as_frame()
