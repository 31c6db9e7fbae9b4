from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from cypher_magic.data.example import Example
from cypher_magic.model.load import load_tokenizer
from cypher_magic.model.prompt import Prompt
from cypher_magic.training.rows import encoded
from tests.model.tiny_folder import tiny_folder

if TYPE_CHECKING:
    from pathlib import Path

TRIPLES = [f"(:Thing{i} {{name: STRING, weight: FLOAT}})" for i in range(60)]
SCHEMA = "\n".join(
    ["(:Person {name: STRING})", "(:Movie {title: STRING})", *TRIPLES, "(:Person)-[:ACTED_IN]->(:Movie)"]
)
PART = "1 examples got the part of their schema that they are about"
ASKED = Example("Who acted in Alien?", "MATCH (p:Person)-[:ACTED_IN]->(:Movie {title: 'Alien'}) RETURN p.name")


@pytest.fixture(scope="module")
def prompt(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder: Path = tiny_folder(tmp_path_factory.mktemp("models") / "tiny")
    return Prompt(load_tokenizer(folder))


def test_a_schema_that_is_too_long_is_pruned_to_the_example(prompt: Prompt) -> None:
    whole = prompt.encode(ASKED, SCHEMA)
    limit = len(whole) // 2
    rows = encoded([ASKED], prompt, SCHEMA, limit)
    assert (len(rows.kept), rows.pruned, rows.too_long) == (1, 1, ())
    [row] = rows.kept
    assert len(row) <= limit
    assert (row.question, row.answer) == (whole.question, whole.answer)
    text = prompt.tokenizer.decode(row.prefix)
    assert "ACTED_IN" in text.replace(" ", "") and "Person" in text.replace(" ", "")
    assert rows.told(limit) == f"longer than {limit} tokens: {PART}"


def test_what_fits_is_left_as_it_is(prompt: Prompt) -> None:
    rows = encoded([ASKED], prompt, SCHEMA, 100_000)
    assert rows.kept == (prompt.encode(ASKED, SCHEMA),)
    assert rows.told(100_000) == ""


def test_a_row_whose_query_needs_what_has_no_room_is_left_out(prompt: Prompt) -> None:
    wide = Example(
        "Compare all.", "MATCH " + ", ".join(f"(:Thing{i} {{weight: 1.0}})" for i in range(60)) + " RETURN 1"
    )
    limit = len(prompt.encode(wide, None)) + 100
    rows = encoded([wide, ASKED], prompt, SCHEMA, limit)
    assert [example for example, _ in rows.too_long] == [wide]
    assert len(rows.kept) == 1
    assert rows.told(limit).endswith(f"{PART}, 1 were left out")
