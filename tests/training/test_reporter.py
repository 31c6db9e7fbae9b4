from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from safetensors.torch import load_file

from cypher_magic.data.example import Example
from cypher_magic.training import worker
from cypher_magic.training.events import told
from cypher_magic.training.executed import GIVEN, Graph, Measured, environment
from cypher_magic.training.runs import Run, create_run
from cypher_magic.training.trainer import PackTrainer
from tests.model.tiny_folder import tiny_folder
from tests.training.test_worker import SCHEMA, rows

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_folder(tmp_path_factory.mktemp("models") / "tiny")


def trained(backbone: Path, **changes: Any) -> Run:
    from cypher_magic.training.settings import TrainingSettings

    settings = TrainingSettings(
        backbone=str(backbone), start_from="scratch", device="cpu", precision="fp32", threads=1, probes=0, epochs=5
    )
    run = create_run("tiny", settings.changed(changes), rows(8), rows(12)[8:], schema=SCHEMA)
    assert worker.main(run.folder) == 0
    return run


def notes(run: Run) -> list[str]:
    return [event["message"] for event in run.events if event.kind == "noted"]


@pytest.fixture
def scores(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Validation losses as they are wanted: before the first epoch, and after each."""
    wanted = [9.0, 5.0, 3.0, 4.0, 4.5, 5.0]
    left = iter(wanted)
    monkeypatch.setattr(PackTrainer, "validation_loss", lambda self: next(left))
    return wanted


def test_the_adapter_of_the_best_epoch_is_kept(backbone: Path, scores: list[float]) -> None:
    run = trained(backbone, keep="loss", keep_checkpoints=9)
    assert notes(run)[-1] == "kept: the adapter after epoch 2"
    kept = load_file(run.adapter / "adapter_model.safetensors")
    checkpoints = sorted(run.folder.glob("checkpoints/checkpoint-*"), key=lambda f: int(f.name.split("-")[1]))
    second = load_file(checkpoints[1] / "adapter_model.safetensors")
    last = load_file(checkpoints[-1] / "adapter_model.safetensors")
    assert all((kept[name] == second[name]).all() for name in kept)
    assert any((kept[name] != last[name]).any() for name in kept)


def test_training_ends_when_it_does_not_get_better(backbone: Path, scores: list[float]) -> None:
    run = trained(backbone, patience=2)
    assert [e["epoch"] for e in run.events if e.kind == "evaluated"] == [0, 1, 2, 3, 4]
    assert notes(run) == ["no better for 2 epochs: training ends here"]
    assert run.state == "completed"  # it is not waiting to be resumed


def test_queries_are_run_on_the_graph_of_the_notebook(
    backbone: Path, demo_graph: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment(demo_graph).items():
        monkeypatch.setenv(name, value)
    run = trained(backbone, executed=3, epochs=1)
    shares = [(e["executable"], e["execution_accuracy"]) for e in run.events if e.kind == "evaluated"]
    assert shares == [(0.0, 0.0)] * 2  # a random model writes no Cypher
    graph = Graph.given()
    assert graph is not None
    good, bad = "MATCH (m:Movie) RETURN m.title", "MATCH (m:Movie) DETACH DELETE m"
    four = [Example("q", good)] * 4
    assert graph.measured(four, [good, bad, "MATCH (m:Film) RETURN m", "nonsense"]) == Measured(0.25, 0.25)
    counted, ordered = "MATCH (m:Movie) RETURN count(m) AS n", f"{good} AS t ORDER BY t"
    replies = [good, f"{good} AS t ORDER BY t DESC", counted, good]
    found = graph.measured([Example("q", q) for q in (good, ordered, good, "MATCH (m:Film) RETURN m")], replies)
    assert found == Measured(1.0, 1 / 3)  # a wrong order, other rows; a reference that does not run measures nothing
    assert graph.measured([Example("q", "nonsense")], [good]) == Measured(1.0, None)
    graph.connection.close()
    assert graph.measured(four, [good] * 4) is None


def test_the_adapter_of_the_most_right_rows_is_kept(
    backbone: Path, demo_graph: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment(demo_graph).items():
        monkeypatch.setenv(name, value)
    shares = iter([0.1, 0.6, 0.4])
    monkeypatch.setattr(Graph, "measured", lambda self, examples, replies: Measured(1.0, next(shares)))
    run = trained(backbone, executed=3, epochs=2, keep="execution_accuracy")
    assert notes(run)[-1] == "kept: the adapter after epoch 1"
    lines = [told(event, "tiny") for event in run.events if event.kind == "evaluated"]
    assert lines[1].endswith("100% of the queries run, 60% bring the right rows")


def test_a_graph_that_is_gone_costs_the_metric_and_not_the_run(backbone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(GIVEN, "server")
    monkeypatch.setenv("NEO4J_URI", "bolt://127.0.0.1:9")
    monkeypatch.setenv("NEO4J_USERNAME", "neo4j")
    monkeypatch.setenv("NEO4J_PASSWORD", "secret-word")
    run = trained(backbone, executed=3, epochs=1)
    assert run.state == "completed"
    assert notes(run)[0].startswith("no query is run while training: ")
    assert "secret-word" not in "".join(f.read_text(errors="replace") for f in run.folder.rglob("*") if f.is_file())


def test_a_notebook_without_a_graph_gives_none(backbone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEO4J_URI", "bolt://127.0.0.1:9")  # it stands there, and nobody connected to it
    run = trained(backbone, executed=3, epochs=1)
    assert notes(run) == ["no query is run while training: the notebook is not connected to a graph"]
    assert environment(None) == {}


def test_a_run_reports_to_a_tracker_that_is_asked_for(backbone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tensorboard")
    run = trained(backbone, report_to="tensorboard", epochs=1)
    assert list(run.folder.rglob("events.out.tfevents*"))


def test_a_tracker_that_is_not_installed_is_a_line_with_what_to_do(
    backbone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    from cypher_magic.errors import OptionError
    from cypher_magic.training.trainer import _reporter

    with pytest.raises(OptionError, match="needs the package trackio") as caught:
        _reporter("trackio")
    assert caught.value.hint == "%pip install trackio"
