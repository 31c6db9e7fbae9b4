from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import cypher_magic
from cypher_magic.data.example import Example, Turn
from cypher_magic.errors import OptionError, RunNotFound, TrainingError
from cypher_magic.places import runs_dir
from cypher_magic.training.events import EventWriter
from cypher_magic.training.process import born
from cypher_magic.training.runs import Run, create_run, find_run, runs
from cypher_magic.training.settings import TrainingSettings

TRAIN = [
    Example("Who?", "MATCH (p:Person)\nRETURN p", history=(Turn("a", "RETURN 1", ("n",), ((1,), (None,))),)),
    Example("line\u2028separator\x85é", "RETURN '\u2028'", schema="(:A)", source="train.csv", row=3),
]
VAL = [Example("How many?", "RETURN count(*)")]


def new(name: str = "movies", **changes: Any) -> Run:
    return create_run(name, TrainingSettings().changed(changes), TRAIN, VAL, schema="(:Person)", card={"prefix": ""})


def said(run: Run, kind: str, **values: Any) -> None:
    EventWriter(run.folder / "events.jsonl").write(kind, **values)


def worker(run: Run, pid: int) -> None:
    (run.folder / "worker.pid").write_text(f"{pid} {born(pid)}")


def test_a_run_is_a_folder_that_any_program_can_read() -> None:
    run = new(epochs=7)
    assert run.folder == runs_dir() / "movies"
    lines = (run.folder / "examples.jsonl").read_bytes()
    digest, file = (run.folder / "examples.jsonl.sha256").read_text().split()
    assert (digest, file) == (hashlib.sha256(lines).hexdigest(), "examples.jsonl")
    assert run.card["examples_sha256"] == digest
    assert [json.loads(line)["split"] for line in lines.decode().split("\n") if line] == ["train", "train", "val"]
    assert (run.card["name"], run.card["train_rows"], run.card["val_rows"], run.card["prefix"]) == ("movies", 2, 1, "")
    assert run.card["schema"] == "(:Person)"
    assert run.settings == TrainingSettings(epochs=7)
    assert sorted(p.name for p in runs_dir().iterdir()) == ["movies"]


def test_examples_are_read_back_as_they_were() -> None:
    run = new()
    assert run.examples("train") == TRAIN
    assert run.examples("val") == VAL
    assert run.examples() == TRAIN + VAL


def test_an_earlier_run_of_the_same_name_is_kept_under_a_number() -> None:
    for epochs in (1, 2, 3):
        new(epochs=epochs)
    assert find_run("movies").settings.epochs == 3
    assert (find_run("movies.1").settings.epochs, find_run("movies.2").settings.epochs) == (1, 2)


def test_going_on_from_the_run_of_the_same_name_means_the_one_that_was_kept() -> None:
    new(epochs=1)
    assert new(start_from="movies").settings.start_from == "movies.1"
    assert new(start_from="movies").settings.start_from == "movies.2"


def test_no_run_takes_the_name_of_a_model_that_always_answers() -> None:
    for name in ("base", "starter"):
        with pytest.raises(OptionError, match="the name of a model that always answers") as caught:
            new(name)
        assert caught.value.hint == "choose another name"
        with pytest.raises(OptionError, match="always answers"):  # before the examples are read
            cypher_magic.finetune(name, "nothing.csv")
    assert runs() == []


def test_a_run_that_goes_on_is_not_replaced() -> None:
    worker(new(epochs=1), os.getpid())
    with pytest.raises(OptionError, match="still going on") as caught:
        new(epochs=2)
    assert "%finetune stop movies" in caught.value.hint
    assert find_run("movies").settings.epochs == 1


@pytest.mark.parametrize("name", ["", ".", "..", "../up", "a/b", "a b", "-x", ".x", "x" * 65, "a\n", "ok\x00"])
def test_a_name_that_could_leave_the_folder_is_refused(name: str) -> None:
    with pytest.raises(OptionError, match="can not be the name of a run"):
        new(name)
    with pytest.raises(RunNotFound):
        find_run(name)
    assert not runs_dir().exists()


def test_a_folder_that_can_not_be_written_is_one_line_and_costs_no_earlier_run(monkeypatch: pytest.MonkeyPatch) -> None:
    new(epochs=1)

    def full(self: Path, *args: Any, **kwargs: Any) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", full)
        with pytest.raises(TrainingError, match="No space left on device") as caught:
            new(epochs=2)
    assert "CYPHER_MAGIC_RUNS" in caught.value.hint
    assert [p.name for p in runs_dir().iterdir()] == ["movies"]
    assert find_run("movies").settings.epochs == 1


def test_a_runs_folder_that_is_a_file_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CYPHER_MAGIC_RUNS", str(tmp_path / "file"))
    with pytest.raises(TrainingError, match="can not be stored"):
        new()


def test_runs_are_listed_newest_first_and_unfinished_folders_are_left_out() -> None:
    assert runs() == []
    for age, name in ((300, "first"), (200, "second"), (100, "third")):
        card = new(name).folder / "card.json"
        os.utime(card, (time.time() - age,) * 2)
    (runs_dir() / ".fourth.new").mkdir()
    (runs_dir() / ".fourth.new" / "card.json").write_text("{}")
    (runs_dir() / "notes").mkdir()
    (runs_dir() / "readme.txt").write_text("")
    assert [run.name for run in runs()] == ["third", "second", "first"]


def test_an_unknown_run_is_named_with_those_like_it() -> None:
    with pytest.raises(RunNotFound, match="no run called 'movie'") as caught:
        find_run("movie")
    assert "%%finetune" in caught.value.hint
    new("movies")
    with pytest.raises(RunNotFound) as caught:
        find_run("movie")
    assert caught.value.hint == "there are: movies"
    with pytest.raises(RunNotFound) as caught:
        find_run("movie", ("base", "starter"))
    assert caught.value.hint == "there are: movies, base, starter"
    with pytest.raises(RunNotFound) as caught:
        find_run("strater", ("base", "starter"))
    assert caught.value.hint == "there are: starter, base"


def test_the_state_is_read_from_the_folder() -> None:
    run = new()
    assert run.state == "created"
    worker(run, os.getpid())
    assert run.state == "running"
    said(run, "started", device="CPU", rows=1, epochs=1)
    assert run.state == "running"
    said(run, "finished", state="stopped", steps=3)
    assert run.state == "stopped"
    failed = new("failed")
    said(failed, "failed", message="no", hint="")
    assert failed.state == "failed"
    assert "failed" in repr(failed)


def test_a_run_that_still_trains_says_of_which_step_its_weights_are() -> None:
    run = new()
    assert run.unfinished == ""
    worker(run, os.getpid())
    assert run.unfinished == "Run movies is still training: these are its weights of step 0."
    said(run, "checkpointed", step=20)
    said(run, "step", step=27, steps=60, loss=1.0)
    assert run.unfinished == "Run movies is still training: these are its weights of step 20 of 60."
    said(run, "finished", state="completed", steps=60)
    assert run.unfinished == ""


def test_a_run_that_is_resumed_loses_the_scores_of_the_weights_it_had(monkeypatch: pytest.MonkeyPatch) -> None:
    run = new()
    said(run, "finished", state="stopped", steps=3)
    run.update_card(scores={"execution accuracy": 0.5}, evaluation={"when": "then"})
    (run.folder / "report.json").write_text("{}")
    monkeypatch.setattr(Run, "start", lambda run, variables=None: None)
    run.resume()
    assert (run.card["scores"], run.card["evaluation"]) == (None, None)
    assert not (run.folder / "report.json").exists()
    assert (run.folder / "report-before-resume.json").read_text() == "{}"


def test_who_only_watches_leaves_the_run_alone_with_an_interrupt() -> None:
    run = new()
    worker(run, os.getpid())
    said(run, "started", device="CPU", rows=1, epochs=1)

    def interrupted(events: list[Any]) -> None:
        raise KeyboardInterrupt

    assert run.wait(interrupted, watch=True) is run
    assert run.state == "running" and not (run.folder / "STOP").exists()


def test_a_worker_that_is_gone_is_not_taken_for_another_process_with_its_number() -> None:
    run = new()
    (run.folder / "worker.pid").write_text(f"{os.getpid()} 12.34")
    assert not run.worker_alive()
    assert run.state == "died"
    for odd in ("", "x", "1 2 3"):
        (run.folder / "worker.pid").write_text(odd)
        assert not run.worker_alive()
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    worker(run, child.pid)
    assert run.worker_alive()
    run.kill()
    child.wait(10)
    assert not run.worker_alive()
    run.kill()  # nobody is there any more


def test_the_start_of_a_process_is_the_same_for_all_who_ask() -> None:
    script = f"from cypher_magic.training.process import born; print(born({os.getpid()}))"
    asked = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert asked.stdout.strip() == born(os.getpid()) != ""


def test_a_run_without_adapter_says_how_it_stands() -> None:
    run = new()
    said(run, "failed", message="no", hint="")
    with pytest.raises(TrainingError, match="has no adapter yet") as caught:
        run.adapter  # noqa: B018
    assert caught.value.hint == "it is failed; %finetune resume movies goes on with it"


def test_waiting_hands_on_all_events_and_returns_the_run() -> None:
    run = new()
    worker(run, os.getpid())
    for step in range(3):
        said(run, "step", step=step, loss=1.0)
    said(run, "finished", state="completed", steps=3)
    seen: list[Any] = []
    assert run.wait(seen.extend) is run
    assert [e.kind for e in seen] == ["step"] * 3 + ["finished"]


def test_a_run_says_how_many_of_its_steps_are_done() -> None:
    run = new()
    worker(run, os.getpid())
    said(run, "started", device="CPU", rows=1, epochs=3)
    assert repr(run) == "Run movies: running"
    for step in (5, 10):  # as with log_every: 5
        said(run, "step", step=step, steps=1102, loss=1.0 / step)
    assert repr(run) == "Run movies: running, 10 of 1,102 steps, loss 0.100"
    said(run, "finished", state="stopped", steps=12)
    assert repr(run) == "Run movies: stopped, 12 of 1,102 steps, loss 0.100"


def test_waiting_calls_back_without_events_too_so_that_a_clock_goes_on() -> None:
    run = new()
    worker(run, os.getpid())
    given: list[int] = []

    def take(events: list[Any]) -> None:
        given.append(len(events))
        if len(given) == 2:
            said(run, "finished", state="completed", steps=0)

    run.wait(take)
    assert given == [0, 0, 1]


def test_waiting_for_a_failed_run_raises_its_words_and_its_hint() -> None:
    run = new()
    said(run, "failed", message="the loss became nan", hint="use a lower learning_rate")
    with pytest.raises(TrainingError, match="Run movies failed: the loss became nan") as caught:
        run.wait()
    assert caught.value.hint == "use a lower learning_rate"


def test_waiting_for_a_worker_that_never_started_ends() -> None:
    run = new()
    with pytest.raises(TrainingError, match="ended without a word") as caught:
        run.wait()
    assert "worker.log" in caught.value.hint


@pytest.mark.parametrize("state", ["completed", "stopped"])
def test_asking_a_run_that_has_ended_to_stop_leaves_nothing_behind(state: str) -> None:
    run = new()
    said(run, "finished", state=state)
    run.stop()
    assert not (run.folder / "STOP").exists()


def test_a_stop_that_nobody_heeded_does_not_stop_what_is_resumed(monkeypatch: pytest.MonkeyPatch) -> None:
    run = new()
    said(run, "started", device="CPU", rows=1, packs=1, epochs=1)
    worker(run, os.getpid())
    run.stop()
    assert (run.folder / "STOP").exists()
    worker(run, 999_999_999)
    started: list[bool] = []
    monkeypatch.setattr(Run, "start", lambda self, variables: started.append((self.folder / "STOP").exists()))
    run.resume()
    assert started == [False]


def test_the_card_is_changed_in_one_step() -> None:
    run = new()
    run.update_card(state="completed", prefix="x")
    assert (run.card["state"], run.card["prefix"], run.card["name"]) == ("completed", "x", "movies")
    assert sorted(p.name for p in run.folder.iterdir()) == [
        "card.json",
        "examples.jsonl",
        "examples.jsonl.sha256",
        "settings.yaml",
    ]
