from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from cypher_magic.data.example import Example
from cypher_magic.training.events import EventWriter, TrainEvent
from cypher_magic.training.process import born
from cypher_magic.training.runs import Run, create_run
from cypher_magic.training.settings import TrainingSettings
from cypher_magic.widgets import progress, samples
from cypher_magic.widgets.progress import TrainingView, watch

QUERY = "MATCH (m:Movie) RETURN m.title"


@pytest.fixture
def run() -> Run:
    return create_run("movies", TrainingSettings(), [Example("Which films are there?", QUERY)])


def step(number: int, steps: int = 20, epochs: int = 2, **values: Any) -> TrainEvent:
    given = {
        "step": number,
        "steps": steps,
        "epoch": number / steps * epochs,
        "loss": 2.0 / number,
        "learning_rate": 1e-3,
    }
    figures = {"tokens_per_second": 312.4, "memory_bytes": 1_240_000_000, "eta_seconds": 130}
    return TrainEvent("step", 100.0 + number, {**given, **figures, **values})


def sampled(epoch: float, reply: str, question: str = "Which films are there?") -> TrainEvent:
    return TrainEvent(
        "sampled", 100.0, {"epoch": epoch, "samples": [{"question": question, "query": QUERY, "reply": reply}]}
    )


def whole_run() -> list[TrainEvent]:
    started = TrainEvent("started", 100.0, {"device": "cpu (bf16)", "rows": 1600, "epochs": 2})
    first = [started, TrainEvent("evaluated", 100.0, {"epoch": 0.0, "loss": 3.0}), sampled(0.0, "I do not know")]
    middle = [*map(step, range(1, 11)), TrainEvent("evaluated", 111.0, {"epoch": 1.0, "loss": 0.4})]
    last = [*map(step, range(11, 21)), TrainEvent("evaluated", 122.0, {"epoch": 2.0, "loss": 0.5}), sampled(2.0, QUERY)]
    return [*first, *middle, *last, TrainEvent("finished", 123.0, {"state": "completed", "steps": 20})]


def seen(run: Run, events: Sequence[TrainEvent]) -> TrainingView:
    view = TrainingView(run)
    view.update(events)
    return view


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time that views go by."""
    moment = [100.0]
    monkeypatch.setattr(progress, "_now", lambda: moment[0])
    return moment


def test_a_run_that_has_not_begun_says_that_its_process_starts(run: Run, clock: list[float]) -> None:
    view = TrainingView(run)
    assert view.text == "Run movies: starting\nstarting the training process · 0 s"
    clock[0] += 7
    assert "starting the training process · 7 s" in view.html and "<svg" not in view.html


def test_before_the_first_step_the_view_says_what_takes_so_long_and_for_how_long(run: Run, clock: list[float]) -> None:
    view = TrainingView(run)
    view.update([TrainEvent("stage", 101.0, {"message": "loading the model"})])
    clock[0] = 175.0
    assert view.facts == "loading the model · 1 min 14 s"
    view.update(whole_run()[:2])
    assert view.facts == "looking at the model before the first step · 1 min 15 s · validation loss 3"
    view.update([TrainEvent("stage", 170.0, {"message": "taking the first step"})])
    assert view.facts == "taking the first step · 5 s · validation loss 3"
    view.update([step(1)])
    assert view.facts.startswith("epoch 0.10, step 1 of 20 · about ")


def test_the_clock_goes_on_without_events_and_nothing_else_is_drawn_again(
    run: Run, clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    view = TrainingView(run)
    drawn: list[str] = []
    monkeypatch.setattr(view, "_screen", SimpleNamespace(draw=lambda *, last: drawn.append(view.facts)))

    def update(*events: TrainEvent) -> None:
        view._drawn = 0.0  # as if time had gone by
        view.update(events)

    update(TrainEvent("stage", 100.0, {"message": "loading the model"}))
    for clock[0] in (100.2, 101.0, 101.2, 102.0):
        update()
    assert drawn == [f"loading the model · {seconds} s" for seconds in (0, 1, 2)]
    update(step(1))
    clock[0] += 60
    update()
    assert len(drawn) == 4


def test_a_run_that_goes_on_shows_place_speed_memory_and_time_left(run: Run) -> None:
    view = seen(run, whole_run()[:10])
    assert view.headline == "Run movies: training · on cpu (bf16) · 1,600 examples · 2 epochs"
    expected = "epoch 0.70, step 7 of 20 · about 2 min 10 s left · validation loss 3 · 312 tokens/s · 1.2 GB memory"
    assert view.facts == expected
    assert expected in view.html
    assert "width:35.0%" in view.html
    assert "<svg" in view.html


def test_a_finished_run_has_a_line_per_epoch_and_says_how_long_it_took(run: Run) -> None:
    lines = seen(run, whole_run()).text.splitlines()
    assert [line.split() for line in lines[:3]] == [
        ["before", "validation", "loss", "3"],
        ["epoch", "1", "training", "loss", "0.586", "validation", "loss", "0.4", "11", "s"],
        ["epoch", "2", "training", "loss", "0.134", "validation", "loss", "0.5", "22", "s"],
    ]
    assert lines[-2].startswith("Run movies: completed")
    assert " · took 23 s · validation loss 0.5 (lowest 0.4 after epoch 1) · " in lines[-1]


def test_the_marks_of_the_sample_answers_are_explained_above_them(run: Run) -> None:
    lines = seen(run, whole_run()).text.splitlines()
    [legend] = [i for i, line in enumerate(lines) if "✗ another query" in line]
    assert lines[legend] == f"Validation questions ({samples.LEGEND}):"
    assert lines[legend + 1 : legend + 3] == ["  Which films are there?", f"  ✓ {QUERY}"]
    assert samples.LEGEND not in seen(run, whole_run()[:2]).text


def test_a_run_without_validation_still_has_its_epochs(run: Run) -> None:
    events = [e for e in whole_run() if e.kind not in ("evaluated", "sampled")]
    told = seen(run, events).text
    assert "epoch 1" in told and "epoch 2" in told and "validation" not in told


def test_the_share_of_right_rows_stands_beside_each_epoch(run: Run) -> None:
    shares = {0.0: 0.0, 1.0: 0.42, 2.0: 0.667}
    events = [
        TrainEvent(e.kind, e.time, {**e.values, "execution_accuracy": shares[e["epoch"]]})
        if e.kind == "evaluated"
        else e
        for e in whole_run()
    ]
    view = seen(run, events)
    lines = view.epochs.lines(whole=True)
    assert [line.partition("right rows ")[2].split()[0] for line in lines] == ["0%", "42%", "67%"]
    assert "right rows 67%" in view.facts and "right rows 67%" in view.html
    assert "right rows" not in seen(run, whole_run()).text


def test_a_run_stopped_in_its_second_epoch_shows_how_far_it_came(run: Run) -> None:
    events = [*whole_run()[:18], TrainEvent("finished", 120.0, {"state": "stopped", "steps": 14})]
    told = seen(run, events).text
    assert "epoch 1.4  training" in told
    assert "Run movies: stopped" in told


def test_a_failed_run_shows_the_reason_and_the_hint(run: Run) -> None:
    view = seen(run, [TrainEvent("failed", 1.0, {"message": "The loss is not a number.", "hint": "lower the rate"})])
    assert view.state == "failed" and view.over
    assert view.text.endswith("The loss is not a number. (lower the rate)")
    assert view.facts == "", "it does nothing any more"
    assert "The loss is not a number. (lower the rate)" in view.html


def test_a_worker_that_is_gone_without_a_word_is_told(run: Run) -> None:
    view = seen(run, whole_run()[:10])
    (run.folder / "worker.pid").write_text("999999999 never")
    view.settle()
    assert view.state == "died"
    assert "ended without a word" in view.html and "ended without a word" in view.text


def test_notes_of_the_worker_are_shown(run: Run) -> None:
    note = "2 examples are longer than 1024 tokens: left out"
    view = seen(run, [TrainEvent("noted", 1.0, {"message": note})])
    assert note in view.html and note in view.text


HOSTILE = "</code></td><script>alert('1')</script><img src=x onerror=alert(1)>\x1b[2J\u202e&amp;"


@pytest.mark.parametrize("where", ["reply", "question", "query", "note", "failure", "device", "state"])
def test_nothing_that_a_model_or_a_file_says_becomes_markup(run: Run, where: str) -> None:
    sample = {"question": "q", "query": "RETURN 1", "reply": "r"}
    events = {
        "note": [TrainEvent("noted", 1.0, {"message": HOSTILE})],
        "failure": [TrainEvent("failed", 1.0, {"message": HOSTILE, "hint": HOSTILE})],
        "device": [TrainEvent("started", 1.0, {"device": HOSTILE})],
        "state": [TrainEvent("finished", 1.0, {"state": HOSTILE})],
    }.get(where) or [
        TrainEvent("sampled", 1.0, {"epoch": e, "samples": [{**sample, where: HOSTILE}]}) for e in (0.0, 1.0)
    ]
    view = seen(run, events)
    assert "<script" not in view.html and "<img" not in view.html
    assert "script" in view.html.lower(), "it is shown as text"
    assert "\x1b" not in view.html + view.text and "\u202e" not in view.html + view.text


def test_samples_show_the_reply_before_and_after_and_mark_what_differs(run: Run) -> None:
    html = seen(run, [sampled(0.0, "MATCH (m:Film) RETURN m.title"), sampled(1.0, QUERY)]).html
    assert '(m:<span class="cm-differs">Film</span>) RETURN' in html
    assert "✓ as wanted" in html
    assert "1 validation question at epoch 1: 1 of 1 answered as wanted" in html


def test_the_first_answers_are_called_what_they_are(run: Run) -> None:
    assert "1 validation question before the training: 0 of 1" in seen(run, [sampled(0.0, "no")]).html
    resumed = seen(run, [sampled(1.0, "no"), sampled(2.0, QUERY)]).html
    assert "<td>epoch 1</td>" in resumed and "<td>before</td>" not in resumed


def test_a_missing_part_of_a_reply_is_marked(run: Run) -> None:
    assert "cm-missing" in seen(run, [sampled(1.0, "MATCH (m:Movie)")]).html


def test_white_space_and_a_last_semicolon_make_no_difference() -> None:
    assert samples.same("MATCH (m:Movie)\n  RETURN m.title ;", QUERY)
    assert not samples.same("MATCH (m:Movie) RETURN m", QUERY)


def test_a_zero_is_a_text_and_nothing_is_none() -> None:
    assert [samples.one_line(text) for text in (0, False, None)] == ["0", "False", ""]


def test_the_bar_tells_its_place_in_numbers(run: Run) -> None:
    assert 'aria-valuemin="0" aria-valuemax="100" aria-valuenow="15"' in seen(run, [step(3)]).html


def test_the_html_stays_small_however_much_the_run_says(run: Run) -> None:
    many = [sampled(i / 100, "x" * 100_000, question="why " * 50_000) for i in range(50)]
    fifty = TrainEvent(
        "sampled", 1.0, {"epoch": 1.0, "samples": [dict(many[0]["samples"][0], question=str(i)) for i in range(50)]}
    )
    notes = [TrainEvent("noted", 1.0, {"message": "n" * 5_000}) for _ in range(1_000)]
    steps = [step(i, steps=20_000) for i in range(1, 20_001)]
    assert len(seen(run, [*many, fifty, *notes, *steps]).html) < 250_000


def test_a_view_in_a_terminal_prints_each_epoch_once(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    view = TrainingView(run).show()
    for event in whole_run():
        view._drawn = 0.0  # as if time had gone by
        view.update([event])
    told = capsys.readouterr().out
    assert told.count("epoch 1 ") == 1
    assert told.count("Run movies: training") == 1
    assert told.count("Run movies: completed") == 1
    assert "\x1b" not in told


@pytest.mark.parametrize(
    ("columns", "shown"),
    [
        (140, "epoch 0.70, step 7 of 20 · about 2 min 10 s left · validation loss 3 · 312 tokens/s · 1.2 GB memory"),
        (80, "epoch 0.70, step 7 of 20 · about 2 min 10 s left · validation loss 3"),
        (40, "epoch 0.70, step 7 of 20"),
        (20, "epoch 0.70, step 7…"),
    ],
)
def test_the_line_in_a_terminal_has_as_many_facts_as_there_is_room_for(
    run: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, columns: int, shown: str
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    view = TrainingView(run).show()
    view._drawn = 0.0
    view.update(whole_run()[:10])
    last = capsys.readouterr().out.rpartition("\x1b[K")[2]
    assert last == shown
    assert len(last) < columns


def test_a_view_of_a_run_that_goes_on_begins_with_its_newest_state(
    run: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    with (run.folder / "events.jsonl").open("w") as file:
        file.writelines(event.to_line() + "\n" for event in whole_run()[:10])
    TrainingView(run).show().update(run.events)
    told = capsys.readouterr().out
    assert "step 7 of 20" in told and "starting" not in told


def test_a_run_that_is_resumed_starts_its_process_and_tells_how_far_it_was(run: Run, clock: list[float]) -> None:
    stopped = TrainEvent("finished", 109.0, {"state": "stopped"})
    view = seen(run, [*whole_run()[:10], stopped, TrainEvent("resumed", 97.0)])
    assert view.facts.startswith("starting the training process · 3 s · epoch 0.70, step 7 of 20")
    assert "left" not in view.facts


def test_a_view_in_a_notebook_redraws_one_output_and_keeps_its_last_state(
    run: Run, shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    published: list[dict[str, Any]] = []

    def publish(data: dict[str, Any], metadata: Any = None, **more: Any) -> None:
        published.append({"data": data, **more})

    monkeypatch.setattr(shell.display_pub, "publish", publish)
    monkeypatch.setattr(shell, "kernel", object(), raising=False)
    view = TrainingView(run).show()
    for event in whole_run():
        view.update([event])
    ids = {p["transient"]["display_id"] for p in published}
    assert len(ids) == 1
    assert [p.get("update", False) for p in published][:2] == [False, True]
    assert len(published) < 6, "redrawn at most twice a second"
    assert "completed" in published[-1]["data"]["text/html"]
    assert "completed" in published[-1]["data"]["text/plain"]


def test_a_watcher_follows_the_events_file_until_the_run_has_ended(run: Run) -> None:

    own = born(os.getpid())
    (run.folder / "worker.pid").write_text(f"{os.getpid()} {own}")
    writer = EventWriter(run.folder / "events.jsonl")
    writer.write("started", device="cpu", rows=1, epochs=1)
    view, drawn, until = TrainingView(run), [], threading.Event()
    first = threading.Event()

    def draw(v: TrainingView) -> None:
        drawn.append(v.state)
        first.set()

    thread = threading.Thread(target=watch, args=(view, until, draw))
    thread.start()
    assert first.wait(10)
    writer.write("finished", state="completed", steps=1)
    thread.join(10)
    assert not thread.is_alive()
    assert list(dict.fromkeys(drawn)) == ["running", "completed"], "in between the clock may have gone on"


def test_a_run_that_waits_for_its_turn_says_after_which(run: Run, clock: list[float]) -> None:
    message = "waits until the GPU is free: after <b>first</b>"
    view = seen(run, [TrainEvent("queued", 90.0, {"device": "cuda", "behind": ["first"], "message": message})])
    assert (view.state, view.over) == ("queued", False)
    assert view.headline == "Run movies: waiting for its turn"
    assert view.facts == f"{message} · 10 s"
    assert "after &lt;b&gt;first" in view.html
    view.update([TrainEvent("turn", 95.0, {})])
    assert view.state == "starting" and "starting the training process · 5 s" in view.facts
    view.update(whole_run())
    assert view.state == "completed" and "waits" not in view.text


def test_progress_needs_no_ipywidgets() -> None:
    code = "import sys, json, cypher_magic.widgets.progress; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path.cwd())
    loaded = {name.partition(".")[0] for name in json.loads(done.stdout)}
    assert not loaded & {"ipywidgets", "torch", "transformers", "pandas", "neo4j"}
