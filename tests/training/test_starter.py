from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING

import pytest

from cypher_magic.data.example import Example
from cypher_magic.data.generate.synthetic import synthetic_pairs
from cypher_magic.model.load import adapter_shape
from cypher_magic.model.starter import STARTER, starting_adapter
from cypher_magic.training.runs import find_run
from cypher_magic.training.settings import TrainingSettings
from cypher_magic.training.starter import RUN, corrections, faults, finish, kind, main, public
from tests.model.tiny_folder import tiny_folder

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA = "(:Person {name: STRING})\n(:Movie {title: STRING})\n(:Person)-[:ACTED_IN]->(:Movie)"


def test_only_rows_that_fit_their_schema_become_examples(tmp_path: Path) -> None:
    rows = [
        ("good", "MATCH (p:Person)-[:ACTED_IN]->(m:Movie) RETURN m.title"),
        ("turned", "MATCH (p:Person)<-[:ACTED_IN]-(m:Movie) RETURN m.title"),
        ("unknown", "MATCH (p:Person) RETURN p.age"),
        ("writes", "MATCH (p:Person) DELETE p"),
        ("broken", "MATCH (p:Person RETURN p"),
    ]
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(json.dumps({"question": q, "query": c, "schema": SCHEMA}) + "\n" for q, c in rows))
    assert [e.question for e in public([str(file)], None)] == ["good"]


def test_a_correction_shows_a_broken_query_its_complaint_and_the_right_query() -> None:
    examples = list(synthetic_pairs(200, seed=3))
    made = list(corrections(examples, 40, random.Random(0)))
    assert len(made) == 40
    right = {e.query for e in examples}
    for example in made:
        (turn,) = example.history
        assert example.query in right
        assert turn.query != example.query
        assert example.schema is not None
        assert faults(turn.query, example.schema)[0][:40] in example.question
        assert example.question.endswith(turn.question)
        assert kind(example) == "synthetic correction"


def test_the_shipped_starter_fits_the_default_settings_and_names_no_machine() -> None:
    shape, card = adapter_shape(STARTER), json.loads((STARTER / "card.json").read_text("utf-8"))
    assert shape["r"] == TrainingSettings().lora_rank
    assert shape["lora_alpha"] == TrainingSettings().lora_alpha
    assert starting_adapter("starter", TrainingSettings().backbone) == STARTER
    assert card["prompt_style"] == "chat"
    assert sum(card["kinds"].values()) == card["train_rows"]
    for file in ("adapter_config.json", "card.json"):
        assert '"/' not in (STARTER / file).read_text("utf-8")


@pytest.mark.slow
def test_the_command_trains_an_adapter_with_a_card(tmp_path: Path) -> None:
    backbone = tiny_folder(tmp_path / "tiny")
    settings = [f"backbone={backbone}", "epochs=1", "device=cpu", "max_tokens=4000", "pack_tokens=2000", "probes=0"]
    arguments = [str(tmp_path / "out"), "--synthetic", "60", "--prepare", *(f"--set={s}" for s in settings)]
    assert main(arguments) == 0
    run = find_run(RUN)
    assert {kind(Example.from_dict(e.to_dict())) for e in run.examples()} >= {
        "synthetic question",
        "synthetic correction",
    }
    assert finish(run, tmp_path / "out") == 0
    card = json.loads((tmp_path / "out" / "card.json").read_text("utf-8"))
    assert card["train_rows"] == 66
    assert (tmp_path / "out" / "adapter_model.safetensors").is_file()
