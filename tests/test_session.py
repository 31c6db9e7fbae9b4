from __future__ import annotations

import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from cypher_magic import session
from cypher_magic.asking import live
from cypher_magic.data.example import Example
from cypher_magic.errors import DataError, NoModel, NotConnected, OptionError, RunNotFound, TrainingError
from cypher_magic.session import state, training
from cypher_magic.training import runs as runs_module
from cypher_magic.training import worker
from cypher_magic.training.process import born
from cypher_magic.training.runs import Run, create_run
from cypher_magic.training.settings import TrainingSettings
from tests.model.tiny_folder import tiny_folder

if TYPE_CHECKING:
    from pathlib import Path

PAIRS = [
    (f"Who acted in film {i}?", f"MATCH (p:Person)-[:ACTED_IN]->(m:Movie {{title: '{i}'}}) RETURN p.name")
    for i in range(8)
]


@pytest.fixture(autouse=True)
def _own_session(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "SESSION", state.Session())


@pytest.fixture(scope="module")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_folder(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs are worked on in this process: `start` does the whole work (the process has its own tests)."""
    monkeypatch.setattr(Run, "start", lambda run, variables=None: worker.main(run.folder))


def small(backbone: Path, **changes: Any) -> dict[str, Any]:
    return {
        "backbone": str(backbone), "start_from": "scratch", "epochs": 1, "threads": 1, "probes": 0, "display": False,
        "device": "cpu", "precision": "fp32", **changes,
    }  # fmt: skip


def connected(graph: Any) -> Any:
    state.SESSION.connections[graph.name] = graph
    state.SESSION.current = graph.name
    return graph


def test_a_tuned_model_answers_and_is_measured(backbone: Path, demo_graph: Any) -> None:
    connected(demo_graph)
    told: list[Any] = []

    def watch(run: Run) -> Any:
        assert run.worker_alive()
        return told.extend

    run = session.finetune("tiny", PAIRS, PAIRS[:2], **small(backbone, display=watch))  # in a real worker process
    assert run.state == "completed"
    assert [e.kind for e in told] == [e.kind for e in run.events]
    assert run.card["schema"] == demo_graph.schema().render()
    assert session.runs() == [run]
    answer = session.ask("Who acted in film 3?")
    assert answer.model == "tiny"
    assert answer.complaints and answer.result is None  # random weights write no Cypher
    assert demo_graph.schema().render() in answer.prompt
    report = session.evaluate(run)
    assert (report.model, len(report.predictions), report.executable.value) == ("tiny", 2, 0.0)


@pytest.mark.usefixtures("here")
def test_a_model_is_loaded_once_and_again_when_its_weights_change(
    backbone: Path, demo_graph: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    connected(demo_graph)
    session.finetune("tiny", PAIRS, PAIRS[:1], **small(backbone))
    loaded: list[str] = []
    load = live.load
    monkeypatch.setattr(live, "load", lambda name, progress: loaded.append(name) or load(name, progress))
    first = state.model()
    assert state.model("tiny") is first
    weights = session.runs()[0].adapter / "adapter_model.safetensors"
    weights.touch()
    assert state.model() is not first
    session.finetune("tiny", PAIRS, PAIRS[:1], **small(backbone))
    with ThreadPoolExecutor(2) as panels:  # two that ask at once
        assert len(set(map(id, panels.map(state.model, ("tiny", "tiny"))))) == 1
    assert loaded == ["tiny"] * 3
    assert len(state.SESSION.models) == 1


@pytest.mark.usefixtures("here")
def test_a_run_that_fails_does_not_take_the_place_of_the_one_before(backbone: Path) -> None:
    session.finetune("good", PAIRS, PAIRS[:1], **small(backbone))
    wrong = small(backbone, start_from="good", lora_rank=8)
    with pytest.raises(TrainingError, match="narrow failed: The adapter to continue from has lora_rank 16"):
        session.finetune("narrow", PAIRS, PAIRS[:1], **wrong)
    assert state.model().name == "good"
    with pytest.raises(TrainingError):
        session.finetune("good", PAIRS, PAIRS[:1], **wrong)
    assert state.model().name == "good.1"  # the newest that ended well


def test_a_run_that_was_stopped_while_it_waited_answers_nothing(
    backbone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Run, "start", lambda run, variables=None: worker.main(run.folder))
        session.finetune("good", PAIRS, PAIRS[:1], **small(backbone))

    def stopped_at_once(run: Run, variables: Any = None) -> None:
        run.stop()
        worker.main(run.folder)

    monkeypatch.setattr(Run, "start", stopped_at_once)
    run = session.finetune("second", PAIRS, PAIRS[:1], **small(backbone))
    assert (run.state, state.SESSION.run) == ("stopped", "good")
    assert live.newest_run() == "good"


def test_a_dry_run_starts_and_writes_nothing(backbone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Run, "start", lambda run, variables=None: pytest.fail("a run was started"))
    dry = session.finetune("tiny", PAIRS, PAIRS[:1], dry_run=True, **small(backbone, epochs=4))
    assert dry.forecast.steps == 4
    assert session.runs() == []
    assert list(tmp_path.iterdir()) == []
    assert state.SESSION.run is None


@pytest.mark.usefixtures("here")
def test_a_backbone_that_can_not_fit_is_refused_with_a_proposal_unless_forced(
    backbone: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from cypher_magic.model.room import Room
    from cypher_magic.training import forecast

    monkeypatch.setattr(forecast, "room", lambda kind: Room(10_000_000, 20_000_000))
    with pytest.raises(
        TrainingError, match="tiny needs about 0.8 GB, and 0.01 GB of 0.02 GB are free on CPU"
    ) as caught:
        session.finetune("tiny", PAIRS, PAIRS[:1], **small(backbone))
    assert "--force" in caught.value.hint
    assert runs_module.runs() == []
    run = session.finetune("tiny", PAIRS, PAIRS[:1], force=True, **small(backbone, display=True))
    assert run.state == "completed"
    assert "passes will be made smaller when memory runs out" in capsys.readouterr().out


@pytest.mark.usefixtures("here")
def test_prompts_are_asked_in_the_style_that_was_trained(backbone: Path) -> None:
    run = session.finetune("plain", PAIRS, PAIRS[:1], **small(backbone, prompt_style="plain"))
    assert state.model().prompt.style == "plain"
    card = run.card
    del card["prompt_style"]  # as in a run that has not come to its end
    (run.folder / "card.json").write_text(json.dumps(card))
    assert live.load("plain").prompt.style == "plain"


@pytest.mark.usefixtures("here")
def test_without_a_graph_the_schema_of_the_training_is_used(
    backbone: Path, demo_graph: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    connected(demo_graph)
    run = session.finetune("tiny", PAIRS, PAIRS[:1], **small(backbone))
    state.SESSION.connections.clear()
    state.SESSION.current = None
    model = state.model()
    seen: list[Any] = []
    many = model.complete_many
    monkeypatch.setattr(model, "complete_many", lambda asked, **options: seen.extend(asked) or many(asked, **options))
    report = session.evaluate("tiny")
    assert seen == [model.prompt.ask(PAIRS[0][0], run.card["schema"])]
    assert report.executable.n == 0


@pytest.mark.usefixtures("here")
def test_a_run_can_go_on_from_the_one_of_its_name(backbone: Path) -> None:
    session.finetune("tiny", PAIRS, PAIRS[:1], **small(backbone))
    second = session.finetune("tiny", PAIRS, PAIRS[:1], **small(backbone, start_from="tiny"))
    assert second.settings.start_from == "tiny.1"
    assert second.state == "completed"


@pytest.mark.usefixtures("here")
def test_a_script_reads_what_goes_on(backbone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    session.finetune("tiny", PAIRS, PAIRS[:1], **small(backbone, display=True, batch_size=2))
    said, *lines = capsys.readouterr().out.splitlines()
    assert said.startswith("The data has errors")  # the validation row stands among the training rows
    assert lines[0].startswith("tiny: 8 examples, 1 epochs on CPU")
    assert lines[1].startswith("epoch 0: validation loss ")
    assert lines[2] == "about 1 minutes to go"
    assert lines[3].startswith("epoch 1: validation loss ")


def test_in_the_background_the_run_is_returned_at_once(backbone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started = threading.Event()
    monkeypatch.setattr(Run, "start", lambda run, variables=None: started.set())
    run = session.finetune("tiny", PAIRS, PAIRS[:1], **small(backbone, background=True))
    assert started.is_set() and run.state == "created"


@pytest.mark.parametrize(
    ("data", "count"),
    [
        (PAIRS, 8),
        ([Example(*pair) for pair in PAIRS], 8),
        ([{"question": q, "cypher": c} for q, c in PAIRS], 8),
    ],
)
def test_examples_come_as_pairs_examples_or_dicts(data: Any, count: int) -> None:
    assert len(training._dataset(data, PAIRS[:1], fix=False).train) == count


def test_several_files_and_frames_are_read_together(tmp_path: Path) -> None:
    import pandas as pd

    file = tmp_path / "a.csv"
    frame = pd.DataFrame(PAIRS, columns=["question", "query"])
    frame.to_csv(file, index=False)
    assert len(training._dataset([str(file), file], PAIRS[:1], fix=False).train) == 16
    assert len(training._dataset([str(file), frame], PAIRS[:1], fix=False).train) == 16
    assert len(training._dataset(frame, PAIRS[:1], fix=False).train) == 8


def test_without_validation_rows_some_are_set_aside(tmp_path: Path) -> None:
    pairs = [(f"How many {word}?", f"MATCH (n:{word}) RETURN count(n)") for word in "abcdefghijklmnopqrst"]
    dataset = training._dataset(pairs, None, fix=False)
    assert dataset.val and len(dataset.train) + len(dataset.val) == 20


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"epoch": 3}, OptionError),
        ({"epochs": 0}, OptionError),
        ({"backbone": "smollm"}, Exception),
        ({"start_from": "nothing"}, RunNotFound),
        ({"start_from": "../runs/x"}, RunNotFound),
        ({"max_tokens": 32}, DataError),
    ],
)
def test_what_can_not_work_is_refused_before_anything_is_written(
    backbone: Path, changes: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        session.finetune("tiny", PAIRS, PAIRS[:1], **small(backbone, **changes))
    assert runs_module.runs() == []
    assert state.SESSION.run is None


def test_no_rows_are_refused_before_anything_is_written(backbone: Path) -> None:
    with pytest.raises(DataError):
        session.finetune("tiny", [], **small(backbone))
    assert runs_module.runs() == []


def test_the_newest_run_that_ended_well_answers() -> None:
    with pytest.raises(NoModel, match="no tuned model yet") as caught:
        live.newest_run()
    assert "-m starter" in caught.value.hint
    create_run("never_started", TrainingSettings(), [Example("q", "RETURN 1")])
    with pytest.raises(NoModel):
        live.newest_run()


def test_who_asks_while_the_first_run_trains_is_told_of_it_and_of_the_starter() -> None:
    run = create_run("hospital", TrainingSettings(), [Example("q", "RETURN 1")])
    (run.folder / "worker.pid").write_text(f"{os.getpid()} {born(os.getpid())}")
    with pytest.raises(NoModel) as none:
        state.model()
    assert none.value.hint == "run hospital is still training; until then: -m starter"
    with pytest.raises(TrainingError) as early:
        state.model("hospital")
    assert early.value.message == "Run hospital has no adapter yet."
    assert early.value.hint == "it is running; until then: -m starter"


def test_questions_need_a_graph_and_words(demo_graph: Any) -> None:
    with pytest.raises(OptionError, match="There is no question"):
        session.ask("  ")
    with pytest.raises(NotConnected):
        session.ask("Who?")
    connected(demo_graph)
    with pytest.raises(OptionError, match="no connection called 'other'"):
        session.ask("Who?", connection="other")
    with pytest.raises(RunNotFound):
        session.ask("Who?", model="nothing")


def test_evaluation_needs_rows_that_were_held_out(backbone: Path) -> None:
    create_run("tiny", TrainingSettings(), [Example("q", "RETURN 1")])
    with pytest.raises(OptionError, match="no validation examples"):
        session.evaluate("tiny")


def test_connections_are_used_and_closed_by_name(demo_graph: Any) -> None:
    first = session.connect("demo", name="one")
    second = session.connect("demo", name="two")
    assert [c.name for c in session.connections()] == ["two", "one"]
    assert session.use("one") is first
    assert session.query("MATCH (m:Movie) RETURN count(m) AS n").rows[0][0] >= 80
    assert session.schema() is first.schema()
    session.close("one")
    assert session.connections() == [second]
    session.close()
    with pytest.raises(NotConnected):
        session.query("RETURN 1")


def test_the_catalogue_has_a_row_for_every_backbone() -> None:
    frame = session.backbones()
    assert len(frame) >= 13
    assert {"name", "licence", "parameters", "context", "peak_gb", "here"} <= set(frame.columns)
    assert not frame["licence"].isna().any()
