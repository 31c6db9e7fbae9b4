"""Examples and runs."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

from cypher_magic.data.example import Example
from cypher_magic.session import state

if TYPE_CHECKING:
    import pandas as pd

    from cypher_magic.data.read import Dataset
    from cypher_magic.model.backbones import Progress
    from cypher_magic.training.dry_run import DryRun
    from cypher_magic.training.events import TrainEvent
    from cypher_magic.training.forecast import Forecast
    from cypher_magic.training.run_table import RunList
    from cypher_magic.training.runs import Run
    from cypher_magic.training.settings import TrainingSettings

Watch = Callable[["Run"], Callable[["list[TrainEvent]"], None]]  # what to do with the events of a run that starts


def load_examples(*sources: Any, val: Any = None, schema: Any = "auto", **options: Any) -> Dataset:
    """Examples from files, frames or lists, checked against the current graph (`schema="auto"`), with a report."""
    from cypher_magic.data.read import load_examples as load

    return load(*sources, val=val, schema=state.schema_or_none() if schema == "auto" else schema, **options)


@overload
def finetune(name: str, data: Any, val: Any = None, *, dry_run: Literal[True], **options: Any) -> DryRun: ...
@overload
def finetune(name: str, data: Any, val: Any = None, *, dry_run: Literal[False] = False, **options: Any) -> Run: ...
@overload
def finetune(name: str, data: Any, val: Any = None, *, dry_run: bool, **options: Any) -> Run | DryRun: ...
def finetune(
    name: str,
    data: Any,
    val: Any = None,
    *,
    fix: bool = False,
    from_eval: str | Run | None = None,
    background: bool = False,
    display: bool | Watch = True,
    progress: Progress | None = None,
    dry_run: bool = False,
    force: bool = False,
    **settings: Any,
) -> Run | DryRun:
    """Fine-tune a backbone on examples in a process of its own, and make the result the current model.

    `data` and `val` are what `load_examples` takes, or a Dataset; without `val` a part of `data` is set aside. `fix`
    trains on the repaired examples. `from_eval` names a run: what it missed in its last evaluation is trained on too,
    and the evaluation of this run will say whether that helped. `settings` are those of `TrainingSettings`. Returns
    when the run has ended, or at once with `background`. An interrupt stops it and keeps the adapter. `dry_run` starts
    and writes nothing and returns a `DryRun`. Raises `TrainingError` when the backbone can not fit into memory, unless
    `force`.
    """
    from cypher_magic.model.backbones import local_folder, silent, stage
    from cypher_magic.model.starter import starting_adapter
    from cypher_magic.training import dry_run as dry
    from cypher_magic.training.executed import environment
    from cypher_magic.training.run_table import ways_on
    from cypher_magic.training.runs import check_name, create_run
    from cypher_magic.training.settings import TrainingSettings

    check_name(name)
    wanted = TrainingSettings().changed(settings)
    starting_adapter(wanted.start_from, wanted.backbone)  # raises before anything is read or written
    with stage(progress, "reading the examples"):
        dataset, parent = _with_missed(from_eval, data, val, fix=fix)
    if display and dataset.report.errors:
        print("The data has errors: %cypher_data check tells which rows, fix (--fix) leaves them out.")
    with stage(progress, "reading the schema"):
        graph = state.schema_or_none()
    schema, card = graph.render() if graph else None, {"prefix": dataset.prefix} | parent
    if not dry_run:
        _make_room()
    expected = _expected(wanted, dataset, schema, progress)
    if dry_run:
        with stage(progress, "timing a step"):
            return dry.dry_run(name, expected)
    warning = expected.check(force=force)
    if warning and display:
        print(warning)
    with stage(progress, "looking at the backbone"):
        local_folder(wanted.backbone, progress=progress or silent)
    run = create_run(name, wanted, dataset.train, dataset.val, schema=schema, card=card)
    kept = run.card.get("earlier_run")
    if kept and display:
        print(f"The earlier run {name} is kept as {kept}.")
    run.start(environment(state.connection() if graph else None))
    watch: Watch | None = _print_progress if display is True else display or None
    on_events = watch(run) if watch else None
    before, state.SESSION.run = state.SESSION.run, name
    if background:
        return run
    answers = False  # a run that failed, or was stopped while it waited for its turn, answers no questions
    try:
        run.wait(on_events)
        answers = (run.folder / "adapter").is_dir()
        if display and (line := ways_on(run)):
            print(line)
    finally:
        if not answers:
            state.SESSION.run = None if before == name else before
    return run


def _expected(wanted: TrainingSettings, dataset: Dataset, schema: str | None, progress: Progress | None) -> Forecast:
    from cypher_magic.model.backbones import local_folder, silent, stage

    folder = local_folder(wanted.backbone, progress=progress or silent, weights=False)
    with stage(progress, "counting tokens"):
        from cypher_magic.training.forecast import forecast

        return forecast(wanted, dataset.train, dataset.val, folder=folder, schema=schema, instruction=dataset.prefix)


def _make_room() -> None:
    """Let go of the model that answers: the run that starts needs its memory, and will be the one that answers."""
    import gc

    state.SESSION.models.clear()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        gc.collect()
        torch.cuda.empty_cache()


def _with_missed(from_eval: str | Run | None, data: Any, val: Any, *, fix: bool) -> tuple[Dataset, dict[str, Any]]:
    """The data set with what a run missed among its training rows, and what the card says about it."""
    from cypher_magic.data.keys import question_key
    from cypher_magic.data.read import Dataset
    from cypher_magic.session.evaluating import missed

    if from_eval is None:
        return _dataset(data, val, fix=fix), {}
    name = from_eval if isinstance(from_eval, str) else from_eval.name
    learnt = missed(name)
    about = {"from_eval": name, "corrections": len(learnt)}
    several = isinstance(data, (list, tuple)) and data and all(map(_is_source, data))
    given = [] if data is None else list(data) if several else [data]
    if data is None or (val is not None and not isinstance(data, Dataset)):
        return _dataset([*given, learnt], val, fix=fix), about
    found = _dataset(data, None, fix=fix)  # none of them is set aside for validation
    known, fresh = {question_key(e) for e in found.train}, {question_key(e) for e in learnt}
    val = [e for e in found.val if question_key(e) not in fresh]
    return replace(found, train=[*found.train, *(e for e in learnt if question_key(e) not in known)], val=val), about


def _dataset(data: Any, val: Any, *, fix: bool) -> Dataset:
    from cypher_magic.data.read import Dataset

    if isinstance(data, Dataset):
        return data
    several = isinstance(data, (list, tuple)) and data and all(map(_is_source, data))
    sources = data if several else [data]
    return load_examples(*sources, val=val, fix=fix, holdout=None if val is not None else 0.1)


def _is_source(item: Any) -> bool:
    """Whether an item of a list is a source of its own: a file, a frame, or examples; not one example."""
    if isinstance(item, str | Path) or hasattr(item, "columns"):
        return True
    return hasattr(item, "__len__") and all(isinstance(one, Example) for one in item)


def _print_progress(run: Run) -> Callable[[list[TrainEvent]], None]:
    from cypher_magic.training.events import told

    def show(events: list[TrainEvent]) -> None:
        for line in filter(None, (told(event, run.name) for event in events)):
            print(line)

    return show


def runs() -> RunList:
    """All runs, newest first: a list that shows itself as a table."""
    from cypher_magic.training.run_table import RunList
    from cypher_magic.training.runs import runs as all_runs

    return RunList(all_runs())


def compare_runs(*names: str) -> pd.DataFrame:
    """Runs side by side, a column each: the settings in which they differ, rows, losses, time, scores.

    `base` and `starter` may be among them where one of the runs was evaluated against them.
    """
    from cypher_magic.model.catalogue import UNTUNED
    from cypher_magic.session.comparing import untuned
    from cypher_magic.training.run_table import compare
    from cypher_magic.training.runs import find_run

    runs = {name: find_run(name, UNTUNED) for name in names if name not in UNTUNED}
    return compare([runs[name] if name in runs else untuned(name, list(runs)) for name in names])


def remove_run(name: str) -> str:
    """Delete a run's folder and return what there is to say about it in one line.

    Raises `OptionError` while it goes on, or when a run that has not completed starts from it.
    """
    from cypher_magic.training.runs import find_run

    heirs = find_run(name).remove()
    if state.SESSION.run == name:
        state.SESSION.run = None
    state.SESSION.models.clear()
    kept = f" ({', '.join(heirs)}, continued from it, stays whole)" if heirs else ""
    return f"run {name} is removed{kept}"


def resume_run(name: str) -> Run:
    """Let a run that was stopped, failed or died go on in a new process, and return it at once."""
    from cypher_magic.training.executed import environment
    from cypher_magic.training.runs import find_run

    run = find_run(name)
    _make_room()
    run.resume(environment(state.connection() if state.SESSION.current is not None else None))
    return run


def use_run(name: str) -> str:
    """Make a run (or `base`, the untuned default backbone, or `starter`) the one that answers, and return its name."""
    from cypher_magic.asking.live import adapter_of, refuse_gone
    from cypher_magic.model.catalogue import UNTUNED
    from cypher_magic.training.runs import find_run

    if name not in UNTUNED:
        run = find_run(name, UNTUNED)
        adapter_of(run)  # raises when there is none
        refuse_gone(run)
    state.SESSION.run = name
    return name


def backbones(device: str = "auto") -> pd.DataFrame:
    """The backbones this package knows, one row each, with the memory that training takes and what fits here.

    Columns: name, here, peak_gb, parameters (millions), licence, context, style, gated, source, note.
    """
    from cypher_magic.training.fits import backbones_here

    return backbones_here(device)
