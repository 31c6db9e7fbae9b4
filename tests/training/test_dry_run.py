from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoConfig, AutoModelForCausalLM

from cypher_magic.data.example import Example
from cypher_magic.errors import DataError, OptionError, TrainingError
from cypher_magic.model.room import Room
from cypher_magic.places import runs_dir
from cypher_magic.training import forecast as forecasts
from cypher_magic.training import worker
from cypher_magic.training.dealing import deal
from cypher_magic.training.dry_run import DryRun, dry_run
from cypher_magic.training.dry_run_view import BINS, histogram
from cypher_magic.training.forecast import Forecast, forecast
from cypher_magic.training.runs import create_run
from cypher_magic.training.settings import TrainingSettings
from tests.model.tiny_folder import tiny_folder, tiny_tokenizer

SCHEMA = "(:Person {name: STRING})\n(:Movie {title: STRING})\n(:Person)-[:ACTED_IN]->(:Movie)"
HOSTILE = "Who\x1b[31m acted in <img src=x onerror=alert(1)> & </pre>?"
ROWS = [Example(HOSTILE, "RETURN '<script>'", row=1, source="a.csv")] + [
    Example(f"Who acted in film {i}?", f"MATCH (m:Movie {{title: '{i}'}}) RETURN m.title", row=i + 1, source="a.csv")
    for i in range(1, 20)
]


@pytest.fixture(scope="module")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_folder(tmp_path_factory.mktemp("models") / "tiny-llama")


def folder_with_alibi(folder: Path) -> Path:
    """A backbone that can not train on packs, with a tokenizer."""
    tokenizer = tiny_tokenizer("chatml")
    config = AutoConfig.for_model("bloom", hidden_size=32, n_layer=2, n_head=4, vocab_size=len(tokenizer))
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def wanted(backbone: Path, **changes: Any) -> TrainingSettings:
    settings = TrainingSettings(backbone=str(backbone), start_from="scratch", threads=1, device="cpu", precision="fp32")
    return settings.changed(changes)


def expected(backbone: Path, rows: list[Example] = ROWS, **changes: Any) -> Forecast:
    return forecast(wanted(backbone, **changes), rows, ROWS[:2], folder=backbone, schema=SCHEMA)


@pytest.fixture(scope="module")
def shown(backbone: Path, tmp_path_factory: pytest.TempPathFactory) -> DryRun:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CYPHER_MAGIC_RUNS", str(tmp_path_factory.mktemp("nothing") / "runs"))
        run = dry_run("movies", expected(backbone))
        assert not runs_dir().exists()  # nothing is written
    return run


def test_the_first_example_is_shown_as_the_model_sees_it(shown: DryRun, backbone: Path) -> None:
    given, trained = shown.example
    prompt = shown.forecast.prompt
    row = prompt.encode(ROWS[0], SCHEMA)
    assert given == prompt.tokenizer.decode(list(row.prefix + row.question))
    assert trained == "RETURN '<script>'<|im_end|>"
    assert given.endswith("<|im_start|>assistant\n")
    assert f"⟦{trained}⟧" in repr(shown)


def test_what_stands_in_the_data_is_neither_markup_nor_a_terminal_code(shown: DryRun) -> None:
    html = shown._repr_html_()
    assert "<script>" not in html and "<img" not in html and html.count("</pre>") == 1
    assert "&lt;img src=x" in html
    for text in (html, repr(shown)):
        assert "\x1b" not in text
    marked = re.findall(r"<mark[^>]*>(.*?)</mark>", html)
    assert marked == ["trained", "RETURN &#x27;&lt;script&gt;&#x27;&lt;|im_end|&gt;"]


@pytest.mark.parametrize("packed", [True, False])
def test_packs_and_steps_are_those_of_the_run(backbone: Path, packed: bool, tmp_path: Path) -> None:
    if not packed:
        backbone = folder_with_alibi(tmp_path / "alibi")
    settings = wanted(backbone, epochs=2, batch_size=8, pack_examples=4, probes=0)
    told = forecast(settings, ROWS, ROWS[:2], folder=backbone, schema=SCHEMA)
    run = create_run("tiny", settings, ROWS, ROWS[:2], schema=SCHEMA)
    assert worker.main(run.folder) == 0
    started = next(e for e in run.events if e.kind == "started")
    assert (started["packs"], started["rows"]) == (len(told.packs), len(told.train.kept))
    assert run.events[-1]["steps"] == told.steps
    plan = deal(told.train.kept, (), settings, packed=packed).plan
    assert told.work.tokens == max(len(pack) for epoch in (0, 1) for pack in plan.epoch(epoch))


def test_the_facts_say_what_is_needed_and_how_long_it_takes(shown: DryRun) -> None:
    facts = dict(shown.facts)
    assert "20 training, 2 validation" in facts["examples"]
    assert "2 an epoch" in facts["packs"] and "6 optimiser steps in 3 epochs" in facts["packs"]
    assert all(part in facts["memory"] for part in ("weights", "adapter", "optimiser", "activations", "logits"))
    assert "with random weights" in facts["time"]
    assert shown.seconds is not None and shown.seconds > 0


def test_an_earlier_run_on_this_device_tells_the_speed(backbone: Path) -> None:
    settings = wanted(backbone, probes=0, epochs=4)
    run = create_run("before", settings, ROWS, schema=SCHEMA)
    assert worker.main(run.folder) == 0
    steps = [e for e in run.events if e.kind == "step"]
    told = dry_run("movies", expected(backbone))
    assert told.speed is not None
    assert told.speed.tokens_per_second == steps[-1]["tokens_per_second"]
    assert "as in run before" in repr(told)
    other = dry_run("movies", expected(backbone, precision="bf16"))
    assert other.speed is not None and "as in run" not in other.speed.source


def test_rows_that_are_too_long_are_named(backbone: Path) -> None:
    long = Example("Who?", "RETURN " + "'long' + " * 300 + "1", row=21, source="a.csv")
    told = dry_run("movies", expected(backbone, [*ROWS, long], max_tokens=400))
    assert [row for row, _ in told.forecast.train.too_long] == [long]
    assert "1 rows above 400 tokens: a.csv 21" in repr(told)


def test_a_histogram_counts_every_example_once_in_round_ranges() -> None:
    for lengths in ([5], [5, 5], list(range(1, 2000, 7)), [60, 61, 990], [73, 75]):
        bins = histogram(lengths)
        assert sum(count for _, _, count in bins) == len(lengths)
        assert len(bins) <= BINS + 1
        assert all(b[0] == a[1] + 1 for a, b in zip(bins, bins[1:], strict=False))


def test_what_the_run_would_refuse_is_refused(backbone: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="No training example is short enough"):
        expected(backbone, [Example("Who?", "RETURN " + "'long' + " * 300 + "1")], max_tokens=64)
    plain = tiny_folder(tmp_path / "plain", "plain")
    with pytest.raises(Exception, match="no chat template"):
        expected(plain, prompt_style="chat")
    with pytest.raises(OptionError, match="needs an NVIDIA GPU"):
        expected(backbone, precision="4bit")


def test_a_run_that_may_not_fit_is_told_with_what_would(backbone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = expected(backbone)
    assert told.check() == ""
    tight = Forecast(**{**vars(told), "room": Room(int(told.memory.total * 0.99), 10**10)})
    assert tight.check().startswith("tiny-llama needs about 0.8 GB, and 0.8 GB of 10.0 GB are free on CPU")
    assert "does not fit" in dict(dry_run("movies", tight).facts)["memory"]
    monkeypatch.setattr(forecasts, "_HOPELESS", 0.5)
    with pytest.raises(TrainingError, match="needs about") as caught:
        tight.check()
    assert "--force" in caught.value.hint
    assert tight.check(force=True)
