"""The wiring: which graph and which model are current. Magics, panels and scripts call these functions.

This is the only place where the parts meet; each function gathers what its part needs and calls it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cypher_magic.errors import NotConnected, OptionError, TrainingError

if TYPE_CHECKING:
    import pandas as pd

    from cypher_magic.asking.answer import Answer
    from cypher_magic.data.example import Example
    from cypher_magic.data.read import Dataset
    from cypher_magic.evaluation.report import Report
    from cypher_magic.graph.neo4j_graph import Connection
    from cypher_magic.graph.result import QueryResult
    from cypher_magic.graph.schema import GraphSchema
    from cypher_magic.model.backbones import Progress
    from cypher_magic.model.generate import CypherModel
    from cypher_magic.training.events import TrainEvent
    from cypher_magic.training.runs import Run

Watch = Callable[["Run"], Callable[["list[TrainEvent]"], None]]  # what to do with the events of a run that starts


@dataclass
class _Session:
    connections: dict[str, Connection] = field(default_factory=dict)
    current: str | None = None
    run: str | None = None
    models: dict[tuple[str, float], CypherModel] = field(default_factory=dict)  # at most one: models are large


_SESSION = _Session()


# --- the graph ------------------------------------------------------------------------------------------------------


def connect(
    target: str | None = None,
    *,
    user: str | None = None,
    database: str | None = None,
    name: str | None = None,
    env_file: str | None = None,
    driver: Any = None,
    path: str | None = None,
) -> Connection:
    """Connect to a graph and make it the current one: `demo`, an address, a named connection, or NEO4J_* variables.

    The password is never an argument: it comes from NEO4J_PASSWORD, the env file, the keyring, or a prompt.
    """
    from cypher_magic.graph import connections as module

    connection = module.connect(
        target, user=user, database=database, name=name, env_file=env_file, driver=driver, path=path
    )
    old = _SESSION.connections.pop(connection.name, None)
    if old is not None and old is not connection:
        old.close()
    _SESSION.connections[connection.name] = connection
    _SESSION.current = connection.name
    return connection


def connections() -> list[Connection]:
    """The open connections, the current one first."""
    return sorted(_SESSION.connections.values(), key=lambda c: c.name != _SESSION.current)


def use(name: str) -> Connection:
    """Make the open connection of this name the current one."""
    connection = _connection(name)
    _SESSION.current = connection.name
    return connection


def close(name: str | None = None) -> None:
    """Close a connection, the current one without a name; the one opened before it becomes current."""
    connection = _connection(name)
    del _SESSION.connections[connection.name]
    connection.close()
    _SESSION.current = next(reversed(_SESSION.connections), None)


def _connection(given: str | Connection | None = None) -> Connection:
    if given is not None and not isinstance(given, str):
        return given
    wanted = given or _SESSION.current
    if wanted in _SESSION.connections:
        return _SESSION.connections[wanted]
    if given is None:
        raise NotConnected
    known = ", ".join(_SESSION.connections) or "none"
    raise OptionError(f"There is no connection called {given!r}.", hint=f"open are: {known}")


def query(
    text: str,
    params: Mapping[str, Any] | None = None,
    *,
    connection: str | Connection | None = None,
    limit: int = 1000,
    timeout: float = 30.0,
    write: bool = False,
    explain: bool = False,
    profile: bool = False,
    multi: bool = False,
) -> QueryResult:
    """Run a query on the current graph and return its rows, `limit` of them at most; read-only unless `write`."""
    from cypher_magic.graph.statements import run

    return run(
        _connection(connection),
        text,
        params,
        limit=limit,
        timeout=timeout,
        write=write,
        explain=explain,
        profile=profile,
        multi=multi,
    )


def schema(
    refresh: bool = False,
    *,
    connection: str | Connection | None = None,
    sample: int | None = None,
    values: bool = False,
) -> GraphSchema:
    """What the current graph holds."""
    return _connection(connection).schema(refresh, sample=sample, values=values)


def current_schema_or_none() -> GraphSchema | None:
    """The current graph's schema if it was looked at before; asks no server (for completion while typing)."""
    connection = _SESSION.connections.get(_SESSION.current or "")
    return connection.cached_schema() if connection is not None else None


# --- examples -------------------------------------------------------------------------------------------------------


def load_examples(*sources: Any, val: Any = None, schema: Any = "auto", **options: Any) -> Dataset:
    """Examples from files, frames or lists, checked against the current graph (`schema="auto"`), with a report."""
    from cypher_magic.data.read import load_examples as load

    return load(*sources, val=val, schema=_schema_or_none() if schema == "auto" else schema, **options)


def generate_pairs(rows: int = 600, *, connection: str | Connection | None = None, **options: Any) -> Any:
    """Question/query examples made from the current graph, each query run and its rows not empty."""
    from cypher_magic.data.pairs import generate_pairs as generate

    return generate(_connection(connection), rows, **options)


def _schema_or_none() -> GraphSchema | None:
    return _connection().schema() if _SESSION.current is not None else None


# --- training -------------------------------------------------------------------------------------------------------


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
    graph = _schema_or_none()
    local_folder(wanted.backbone, **({"progress": progress} if progress else {}))
    schema, card = graph.render() if graph else None, {"prefix": dataset.prefix}
    run = create_run(name, wanted, dataset.train, dataset.val, schema=schema, card=card)
    run.start()
    watch: Watch | None = _print_progress if display is True else display or None
    on_events = watch(run) if watch else None
    _SESSION.models.clear()
    before, _SESSION.run = _SESSION.run, name
    if background:
        return run
    try:
        return run.wait(on_events)
    except TrainingError:
        _SESSION.run = None if before == name else before  # a run that failed answers no questions
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
    _SESSION.run = name
    return name


def backbones() -> pd.DataFrame:
    """The backbones this package knows, one row each."""
    from cypher_magic.model.catalogue import as_frame

    return as_frame()


# --- asking ---------------------------------------------------------------------------------------------------------


def ask(
    question: str,
    *,
    model: str | None = None,
    connection: str | Connection | None = None,
    run: bool = True,
    retries: int = 1,
    limit: int = 1000,
    timeout: float = 30.0,
    allow: Sequence[str] = (),
    stream: Callable[[str], None] | None = None,
    progress: Progress | None = None,
) -> Answer:
    """The answer to a question about the current graph, from the current model or the run called `model`."""
    from cypher_magic.asking.ask import ask as answer
    from cypher_magic.asking.ask import checked

    question = checked(question)  # before a model is loaded for it
    graph = _connection(connection)
    return answer(
        question,
        model=_model(model, progress),
        graph=graph,
        run=run,
        retries=retries,
        limit=limit,
        timeout=timeout,
        allow=allow,
        stream=stream,
    )


def ask_many(
    questions: Sequence[str],
    *,
    model: str | None = None,
    connection: str | Connection | None = None,
    limit: int = 1000,
    timeout: float = 30.0,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """The answers to many questions, one row each: question, query, rows, answer (the `Answer`), complaint."""
    from cypher_magic.asking.answer import as_frame
    from cypher_magic.asking.ask import ask_many as answer

    graph = _connection(connection)
    live = _model(model, progress)
    tell = partial(progress, f"{live.name} answers") if progress else None
    answers = answer(questions, model=live, graph=graph, limit=limit, timeout=timeout, progress=tell)
    return as_frame(answers)


def _model(name: str | None = None, progress: Progress | None = None) -> CypherModel:
    """The live model of a run, loaded when it is not the one in memory."""
    from cypher_magic.asking import live

    name = name or _SESSION.run or live.newest_run()
    key = (name, live.written(name))
    if key not in _SESSION.models:
        _SESSION.models.clear()
        _SESSION.models[key] = live.load(name, progress)
    return _SESSION.models[key]


# --- evaluation -----------------------------------------------------------------------------------------------------


def evaluate(
    run: str | Run | None = None,
    data: Any = None,
    against: str | None = None,
    *,
    connection: str | Connection | None = None,
    progress: Progress | None = None,
) -> Report:
    """Scores of a run on held-out examples (its own validation rows without `data`), beside another model's.

    `against` is the name of another run, or `base` for the untuned default backbone. Each query runs read-only on the
    current graph; without a graph only the text metrics are there.
    """
    from dataclasses import replace

    from cypher_magic.asking.live import newest_run

    name = run if isinstance(run, str) else run.name if run is not None else _SESSION.run or newest_run()
    examples = _held_out(name, data)
    graph = _connection(connection) if connection is not None or _SESSION.current is not None else None
    other = _scored(against, examples, graph, progress) if against else None
    return replace(_scored(name, examples, graph, progress), against=other)


def _held_out(name: str, data: Any) -> Sequence[Example]:
    from cypher_magic.data.read import Dataset
    from cypher_magic.training.runs import find_run

    if data is None:
        examples: Sequence[Example] = find_run(name).examples("val")
    elif isinstance(data, Dataset):
        examples = data.val or data.train
    else:
        examples = load_examples(data).train
    if not examples:
        raise OptionError(f"Run {name} has no validation examples.", hint="give a file with held-out examples")
    return examples


def _schema_of_run(name: str) -> str | None:
    from cypher_magic.asking.live import UNTUNED
    from cypher_magic.training.runs import find_run

    return None if name in UNTUNED else find_run(name).card["schema"]


def _scored(name: str, examples: Sequence[Example], graph: Connection | None, progress: Progress | None) -> Report:
    from cypher_magic.asking.ask import examine
    from cypher_magic.evaluation.report import score

    model = _model(name, progress)
    live = graph.schema() if graph else None
    schema = live.render() if live else _schema_of_run(name)
    asked = [model.prompt.ask(e.question, e.schema or schema, e.history) for e in examples]
    tell = partial(progress, f"{name} answers") if progress else None
    replies = model.complete_many(asked, progress=tell)
    queries = [
        examine(r.text, live, e.question).query if live else r.text for e, r in zip(examples, replies, strict=True)
    ]
    return score(name, examples, queries, graph, partial(progress, f"{name} runs") if progress else None)
