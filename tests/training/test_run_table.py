from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cypher_magic.data.example import Example
from cypher_magic.errors import OptionError, TrainingError
from cypher_magic.training.events import EventWriter
from cypher_magic.training.process import born
from cypher_magic.training.run_table import RunList, Untuned, compare, ways_on
from cypher_magic.training.runs import Run, create_run, find_run, runs
from cypher_magic.training.settings import TrainingSettings


def new(name: str, *losses: float, rows: int = 2, state: str = "completed", **changes: Any) -> Run:
    """A run with these validation losses: one before, and one after each epoch of two steps."""
    run = create_run(name, TrainingSettings().changed(changes), [Example("q", "RETURN 1")] * rows)
    events = EventWriter(run.folder / "events.jsonl")
    events.write("started", device="CPU", rows=rows, packs=1, epochs=3)
    for epoch, loss in enumerate(losses):
        if epoch:
            for step in (2 * epoch - 1, 2 * epoch):
                events.write("step", step=step, steps=6, loss=loss + 1, tokens_per_second=100.0)
        events.write("evaluated", epoch=epoch, loss=loss)
    if state:
        events.write("finished", state=state, steps=2 * len(losses))
    return run


def test_runs_show_themselves_as_a_table_of_text_and_of_html() -> None:
    old = new("old", 3.0, 2.0, 1.0, 0.5)
    card = {**old.card, "created": (datetime.now(UTC) - timedelta(hours=30)).isoformat()}
    (old.folder / "card.json").write_text(json.dumps(card))
    os.utime(old.folder / "card.json", (time.time() - 1000,) * 2)
    new("halfway", 3.0, 2.0, state="stopped", backbone="<b>\x1b[31m")
    table = RunList(runs())
    lines = repr(table).splitlines()
    assert lines[0].split() == ["run", "state", "progress", "loss", "validation", "rows", "backbone", "age"]
    assert lines[1].split() == [
        "halfway",
        "stopped",
        "33%",
        "of",
        "6",
        "steps",
        "3.000",
        "2.000",
        "2",
        *lines[1].split()[9:],
    ]
    assert "100% of 6 steps" in lines[2] and lines[2].endswith("1 day")
    html = table._repr_html_()
    assert html.count("<tr>") == 3
    assert "<b>" not in html and "&lt;b&gt;" in html
    assert "\x1b" not in html + repr(table)


def test_an_empty_list_says_so() -> None:
    assert repr(RunList()) == "There are no runs yet."
    assert "no runs yet" in RunList()._repr_html_()


def test_runs_are_compared_by_what_differs() -> None:
    first = new("first", 3.0, 2.0, 2.5, epochs=3)
    second = new("second", 3.0, 1.0, rows=5, epochs=3, lora_rank=8)
    second.update_card(scores={"executable": 0.9})
    frame = compare([first, second])
    assert list(frame.columns) == ["first", "second"]
    assert list(frame.loc["lora_rank"]) == [16, 8]
    assert "epochs" not in frame.index
    assert list(frame.loc["training rows"]) == [2, 5]
    assert list(frame.loc["same examples as the first"]) == [True, False]
    assert list(frame.loc["validation loss, last"]) == [2.5, 1.0]
    assert list(frame.loc["validation loss, best"]) == [2.0, 1.0]
    assert list(frame.loc["training loss"]) == [3.5, 2.0]
    assert frame.loc["executable", "second"] == 0.9
    with pytest.raises(OptionError, match="two runs or more"):
        compare([first])


def test_what_is_no_run_is_compared_by_what_is_known_of_it() -> None:
    first = new("first", 3.0, 2.0, epochs=3, lora_rank=8)
    first.update_card(scores={"executable": 0.9}, evaluation={"data": "val.csv"})
    measured = {"train_rows": 9, "scores": {"executable": 0.4}, "evaluation": {"data": "val.csv"}}
    starter = Untuned("starter", "comes with the package", measured, {"epochs": 3, "lora_rank": 16})
    frame = compare([first, starter, Untuned("base", "not tuned")])
    assert list(frame.loc["lora_rank"]) == [8, 16, None] and "epochs" not in frame.index
    assert list(frame.loc["executable"]) == [0.9, 0.4, None]
    assert list(frame.loc["measured on"]) == ["val.csv", "val.csv", None]
    assert list(frame.loc["training rows"]) == [2, 9, None] and list(frame.loc["steps"]) == [2, None, None]


def test_a_stopped_run_says_what_can_be_done_with_it() -> None:
    assert ways_on(new("whole", 3.0, 2.0)) == ""
    run = new("halfway", 3.0, 2.0, state="stopped")
    assert ways_on(run) == (
        "Run halfway was stopped before it learnt anything: %finetune resume halfway lets it begin."
    )
    (run.folder / "adapter").mkdir()
    (run.folder / "adapter" / "adapter_config.json").write_text("{}")
    told = ways_on(run)
    assert told.startswith("Run halfway was stopped after 4 of 6 steps and keeps what it learnt: ")
    assert all(way in told for way in ("%cypher_ask -m halfway", "%finetune use halfway", "%finetune resume halfway"))


def test_a_removed_run_is_gone() -> None:
    run = new("first", 1.0)
    assert run.remove() == []
    assert not run.folder.exists()
    assert [p.name for p in run.folder.parent.iterdir()] == []


def test_a_run_that_goes_on_is_not_removed() -> None:
    run = new("first", 1.0, state="")
    (run.folder / "worker.pid").write_text(f"{os.getpid()} {born(os.getpid())}")
    with pytest.raises(OptionError, match="Run first is going on"):
        run.remove()
    assert find_run("first") == run


def test_a_run_that_another_one_needs_is_kept_and_one_that_was_needed_is_not() -> None:
    first = new("first", 1.0)
    second = new("second", 1.0, state="stopped", start_from="first")
    with pytest.raises(OptionError, match="Run second, which is stopped, starts from first"):
        first.remove()
    EventWriter(second.folder / "events.jsonl").write("finished", state="completed", steps=6)
    assert first.remove() == ["second"]


def test_a_run_that_can_not_be_resumed_or_asked_says_what_can_be_done() -> None:
    with pytest.raises(OptionError, match="Run whole has completed") as caught:
        new("whole", 3.0, 2.0).resume()
    assert caught.value.hint.endswith("%%finetune NEW --data FILE --start-from whole")
    with pytest.raises(TrainingError, match="has no adapter yet") as early:
        new("halfway", 3.0, state="stopped").adapter  # noqa: B018
    assert early.value.hint == "it is stopped; %finetune resume halfway goes on with it"
