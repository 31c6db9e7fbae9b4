"""Measuring how good a run is."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cypher_magic.errors import DataError, OptionError
from cypher_magic.session import state
from cypher_magic.session.training import load_examples

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cypher_magic.asking.work import Rules
    from cypher_magic.data.example import Example
    from cypher_magic.evaluation.judge import Judge, Written
    from cypher_magic.evaluation.report import Report
    from cypher_magic.graph.neo4j_graph import Connection
    from cypher_magic.graph.schema import GraphSchema
    from cypher_magic.model.backbones import Progress
    from cypher_magic.training.runs import Run

Families = dict[tuple[str | None, int | None], str]  # (source, row) -> family


def evaluate(
    run: str | Run | None = None,
    data: Any = None,
    against: str | Run | None = None,
    *,
    model: str | None = None,
    connection: str | Connection | None = None,
    limit: int | None = None,
    seed: int = 0,
    pipeline: bool = True,
    one_by_one: bool = False,
    allow: Sequence[str] = (),
    save: bool = True,
    progress: Progress | None = None,
) -> Report:
    """Scores of a run on held-out examples (its own validation rows without `data`), beside another model's.

    `run` (or `model`, as `ask` calls it) and `against` are names of runs, `base` for the untuned default backbone,
    `starter`, or a server's address. Queries run read-only on the current graph; without a graph only the texts are
    compared. `limit` draws that many examples by `seed`. With `pipeline` questions are answered as `ask` does, repaired
    and tried again; without, the model's bare reply counts. `one_by_one` asks each alone, for the seconds that a person
    waits; `allow` names procedures and functions that are safe. A run that was trained on what another missed is
    compared with that one, unless `against` names another, and the report says whether it helped. The report of a run
    is saved in its folder, and its scores in its card, unless `save` is off or the run is still training.
    """
    from cypher_magic.asking.live import newest_run, unfinished
    from cypher_magic.evaluation.significance import sampled
    from cypher_magic.model.backbones import stage

    name = _name(run or model) or state.SESSION.run or newest_run()
    other, parent, gone = _compared_with(name, _name(against))
    examples, families, about = _held_out(name, data)
    for wanted in filter(None, (name, other)):
        _refuse_unknown(wanted)
    training = unfinished(name)  # asked before the weights are read
    chosen = [examples[i] for i in sampled(len(examples), limit, seed)]
    about += f", {len(chosen)} of {len(examples)} drawn with seed {seed}" if len(chosen) < len(examples) else ""
    graph = state.connection(connection) if connection is not None or state.SESSION.current is not None else None
    with stage(progress, "reading the schema"):
        judge, notes = _judge(name, graph, families, chosen, tuple(allow))
    elsewhere = graph is not None and _elsewhere(chosen, graph)
    piped = pipeline and graph is not None and not elsewhere
    answer = partial(_answers, examples=chosen, graph=graph, pipeline=piped, one_by_one=one_by_one, allow=tuple(allow))
    notes += ("The examples bring schemas of other graphs: queries were run on this one.",) if elsewhere else ()
    notes += () if piped or graph is None else ("Bare replies: nothing was repaired or tried again.",)
    notes += () if one_by_one else ("Seconds are those of whole batches, shared out among their questions.",)
    before = _report(other, chosen, answer, judge, progress) if other else None
    known = _trained_on((name, parent), chosen) if parent else frozenset()
    report = replace(
        _report(name, chosen, answer, judge, progress),
        against=before,
        data=about,
        notes=(*notes, *gone, *training, *(unfinished(other) if other else ())),
        learnt_from=parent,
        trained_on=known,
    )
    if not save:
        return report
    kept = ("Its scores are not kept: the weights will change.",) if training else _kept(name, report, piped)
    return replace(report, notes=(*report.notes, *kept))


def missed(run: str | Run) -> list[Example]:
    """The questions that a run missed in its last saved evaluation, with their reference queries: for the next run.

    Raises OptionError when it was not evaluated, or missed nothing.
    """
    from cypher_magic.data.example import Example
    from cypher_magic.training.runs import find_run

    name = _name(run) or ""
    path = find_run(name).folder / "report.json"
    if not path.is_file():
        raise OptionError(f"Run {name} was not evaluated.", hint=f"%cypher_eval {name} --data FILE")
    try:
        rows = [row for row in json.loads(path.read_text("utf-8"))["predictions"] if row["missed"]]
        found = [Example.from_dict({**row, "query": row["reference"]}) for row in rows]
    except (ValueError, KeyError, TypeError) as exc:
        raise OptionError(f"{path} is not a report.", hint=f"make it anew: %cypher_eval {name}") from exc
    if not found:
        raise OptionError(
            f"Run {name} missed nothing in its last evaluation.", hint="there is nothing to learn from it"
        )
    return found


def _name(run: str | Run | None) -> str | None:
    return run if run is None or isinstance(run, str) else run.name


def _compared_with(name: str, against: str | None) -> tuple[str | None, str, tuple[str, ...]]:
    """The model to compare with, the run from whose misses this one learnt (where it is that one), and notes."""
    from cypher_magic.asking.live import adapter_of
    from cypher_magic.errors import TrainingError
    from cypher_magic.model.catalogue import UNTUNED
    from cypher_magic.training.runs import find_run

    parent = str(find_run(name, UNTUNED).card.get("from_eval") or "") if _is_run(name) else ""
    if against is not None or not parent:
        return against, parent if against == parent else "", ()
    try:
        adapter_of(find_run(parent))
    except TrainingError:
        return None, "", (f"{parent}, from whose misses {name} learnt, is gone: whether it helped can not be told.",)
    return parent, parent, ()


def _trained_on(names: Sequence[str], examples: Sequence[Example]) -> frozenset[int]:
    """The places of the examples whose question stands in the training rows of one of these runs."""
    from cypher_magic.data.keys import loose_key
    from cypher_magic.training.runs import find_run

    known = {loose_key(e)[1:] for name in names for e in find_run(name).examples("train")}
    return frozenset(i for i, e in enumerate(examples) if loose_key(e)[1:] in known)


def _refuse_unknown(name: str) -> None:
    """Raise before anything is loaded or answered when there is no such model."""
    from cypher_magic.asking.live import adapter_of
    from cypher_magic.model.catalogue import UNTUNED
    from cypher_magic.model.endpoint import address, is_address
    from cypher_magic.training.runs import find_run

    if is_address(name):
        address(name)
    elif name not in UNTUNED:
        adapter_of(find_run(name, UNTUNED))  # raises when there is none


def _is_run(name: str) -> bool:
    from cypher_magic.model.catalogue import UNTUNED
    from cypher_magic.model.endpoint import is_address

    return name not in UNTUNED and not is_address(name)


def _held_out(name: str, data: Any) -> tuple[Sequence[Example], Families, str]:
    """The examples, the families that their file names, and what to call them."""
    from cypher_magic.data.example import Example
    from cypher_magic.data.read import Dataset
    from cypher_magic.training.runs import find_run

    if data is None:
        if not _is_run(name):
            raise OptionError(f"{name} has no validation examples.", hint="give a file with held-out examples: --data")
        examples: Sequence[Example] = find_run(name).examples("val")
        if not examples:
            raise OptionError(f"Run {name} has no validation examples.", hint="give a file with held-out examples")
        return examples, {}, f"the validation rows of {name}"
    if isinstance(data, Dataset):
        return data.val or data.train, {}, "the data set"
    if not isinstance(data, str | Path) and hasattr(data, "__iter__") and not hasattr(data, "columns"):
        data = list(data)
        if data and all(isinstance(e, Example) for e in data):
            usable = [e for e in data if e.question.strip() and e.query.strip()]
            if not usable:
                raise DataError("No example has both a question and a query.", hint="each needs its reference query")
            return usable, {}, "the examples"
    named = isinstance(data, Path) or (isinstance(data, str) and "\n" not in data)
    examples = load_examples(data).train
    return examples, _families(data) if named else {}, Path(data).name if named else "the examples"


def _families(data: str | Path) -> Families:
    """The family of each row of a file that tells it, as that of generated pairs does (`family`, also `kind`)."""
    from cypher_magic.data.sources import tables

    found: Families = {}
    for table in tables(data):
        for row in table.rows:
            family = row.values.get("family") or row.values.get("kind")
            if isinstance(family, str):
                found[table.source, row.number] = family
    return found


def _judge(
    name: str, graph: Connection | None, families: Families, examples: Sequence[Example], allow: tuple[str, ...]
) -> tuple[Judge, tuple[str, ...]]:
    """What judges the queries, and notes about the examples."""
    from cypher_magic.evaluation.judge import Judge
    from cypher_magic.training.runs import find_run

    def family(example: Example) -> str:
        return getattr(example, "family", "") or families.get((example.source, example.row), "")

    schema = graph.schema() if graph is not None else _schema_of_run(name)
    notes: tuple[str, ...] = () if graph is not None else ("No graph is connected: queries were not run.",)
    if not _is_run(name):
        return Judge(graph, schema, family=family, allow=allow), notes
    seen = _seen(find_run(name).examples("train"))
    leaked = sum(seen(e) == "the question" for e in examples)
    if leaked:
        stand = "1 of these questions stands" if leaked == 1 else f"{leaked} of these questions stand"
        notes += (f"{stand} in the training rows of {name}: they measure what it remembers.",)
    return Judge(graph, schema, family=family, seen=seen, allow=allow), notes


def _seen(train: Sequence[Example]) -> Callable[[Example], str]:
    """What of an example the training rows have: the question, its query, its template, or nothing like it."""
    from cypher_magic.data.keys import loose_key, meaning, template

    questions = {loose_key(e)[1:] for e in train}  # the graph's name apart: rows of a file may lack it
    queries, templates = {meaning(e.query) for e in train}, {template(e.query) for e in train}

    def seen(example: Example) -> str:
        if loose_key(example)[1:] in questions:
            return "the question"
        if meaning(example.query) in queries:
            return "the query, asked otherwise"
        return "the template, with other values" if template(example.query) in templates else "nothing like it"

    return seen


def _schema_of_run(name: str) -> GraphSchema | None:
    from cypher_magic.graph.schema import GraphSchema

    text = _schema_text(name)
    try:
        return GraphSchema.from_text(text) if text else None
    except ValueError:  # a run that was tuned elsewhere may hold a schema in another form
        return None


def _schema_text(name: str) -> str | None:
    from cypher_magic.training.runs import find_run

    text: str | None = find_run(name).card.get("schema") if _is_run(name) else None
    return text


def _report(
    name: str,
    examples: Sequence[Example],
    answer: Callable[..., list[Written]],
    judge: Judge,
    progress: Progress | None,
) -> Report:
    from cypher_magic.evaluation.report import Report

    written = answer(name, progress=progress)
    predictions = []
    for number, (example, reply) in enumerate(zip(examples, written, strict=True), 1):
        predictions.append(judge.judged(example, reply))
        if progress is not None:
            progress(f"{name} is checked", number, len(examples))
    return Report(name, tuple(predictions))


def _answers(
    name: str,
    *,
    examples: Sequence[Example],
    graph: Connection | None,
    pipeline: bool,
    one_by_one: bool,
    allow: tuple[str, ...],
    progress: Progress | None,
) -> list[Written]:
    """What a model gives for each question: through the pipeline where there is a graph and it is wanted."""
    from cypher_magic.asking.work import Rules
    from cypher_magic.evaluation.judge import ROWS_COMPARED, TIMEOUT, Written

    model = state.model(name, progress)
    tell = partial(progress, f"asking {name}") if progress else None
    if tell:
        tell(0, len(examples))
    live = graph.schema().render() if graph is not None else None
    if graph is not None and pipeline:
        rules = Rules(limit=ROWS_COMPARED, timeout=TIMEOUT, allow=allow)
        return _piped(model, examples, graph, rules, one_by_one, tell)
    schema = live or _schema_text(name)
    if one_by_one:
        replies: list[Any] = []
        for example in examples:
            replies.append(model.complete(example.question, example.schema or schema, history=example.history))
            if tell:
                tell(len(replies), len(examples))
    else:
        asked = [model.prompt.ask(e.question, e.schema or schema, e.history) for e in examples]
        replies = list(model.complete_many(asked, progress=tell))
    return [Written(reply.text, reply.seconds) for reply in replies]


def _elsewhere(examples: Sequence[Example], graph: Connection) -> bool:
    """Whether examples bring the schema of another graph than this one."""
    from cypher_magic.data.schemas import graph_schema

    here = graph.schema().render()
    known = (graph_schema(text) for text in {e.schema for e in examples if e.schema and e.schema != here})
    return any(schema is None or schema.render() != here for schema in known)


def _piped(
    model: Any,
    examples: Sequence[Example],
    graph: Connection,
    rules: Rules,
    one_by_one: bool,
    tell: Callable[[int, int], None] | None,
) -> list[Written]:
    """What comes of each question when it is asked as a person would."""
    from cypher_magic.asking.ask import ask, ask_many
    from cypher_magic.evaluation.judge import Written

    if one_by_one:
        answers = []
        for example in examples:
            answers.append(ask(example.question, model=model, graph=graph, history=example.history, rules=rules))
            if tell:
                tell(len(answers), len(examples))
    else:
        questions, histories = [e.question for e in examples], [e.history for e in examples]
        answers = ask_many(questions, model=model, graph=graph, histories=histories, rules=rules, progress=tell)
    return [
        # in a batch the time from question to answer is that of the batch; the steps are of this question alone
        Written(a.query, a.seconds if one_by_one else sum(s.seconds for s in a.steps), True, a.result, a.complaints)
        for a in answers
    ]


def _kept(name: str, report: Report, piped: bool) -> tuple[str, ...]:
    """Put the report into the run's folder and its scores into the run's card; of a model that is no run, nothing.

    What can not be written becomes a note: the answers took longer than finding room on the disk.
    """
    from cypher_magic.training.runs import find_run

    if not _is_run(name):
        return ()
    run = find_run(name)
    found = {key: score.to_dict() for key, score in report.scores.items()}
    plain = {key.replace("_", " "): round(score.value, 4) for key, score in report.scores.items()}
    try:
        report.save(run.folder)
        about = {"when": report.when, "data": report.data, "pipeline": piped, "scores": found}
        helped = report.to_dict()["helped"]
        run.update_card(scores=plain, evaluation=about | ({"helped": helped} if helped else {}))
    except DataError as exc:
        return (f"Not kept: {exc.message}",)
    except OSError as exc:
        return (f"Not kept in the run's card: {exc.strerror or exc}.",)
    return ()
