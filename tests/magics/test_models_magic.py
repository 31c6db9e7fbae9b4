from __future__ import annotations

from typing import Any

import pytest

from cypher_magic.errors import OptionError
from cypher_magic.model.catalogue import CATALOGUE
from cypher_magic.model.room import Room
from cypher_magic.training import fits


@pytest.fixture
def eight_gigabytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fits, "room", lambda kind: Room(8 * 10**9, 16 * 10**9))


@pytest.mark.usefixtures("eight_gigabytes")
def test_all_models_are_listed_with_what_fits_here(loaded: Any, capsys: pytest.CaptureFixture[str]) -> None:
    frame = loaded.run_cell("%cypher_models --device cpu").result
    assert "CPU" in capsys.readouterr().out.splitlines()[0]
    assert list(frame["name"]) == list(CATALOGUE)
    here = dict(zip(frame["name"], frame["here"], strict=True))
    assert here["smollm2-135m"] == "fits"
    assert here["qwen2.5-coder-1.5b"] == "fits with gradient checkpointing"
    assert here["gpt-neox-20b"] == "does not fit"
    assert "fits in 4-bit" not in here.values()  # no CPU can train that way
    assert (frame["peak_gb"] > 0).all()


@pytest.mark.usefixtures("eight_gigabytes")
def test_only_those_that_fit_are_shown_when_asked_for(loaded: Any) -> None:
    every = loaded.run_cell("%cypher_models list --device cpu").result
    some = loaded.run_cell("%cypher_models --device cpu --fits").result
    assert 0 < len(some) < len(every)
    assert not (some["here"] == "does not fit").any()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("%cypher_models sing", "%cypher_models does not know 'sing'."),
        ("%cypher_models --device tpu", "--device takes one of auto, cuda, mps, cpu, not 'tpu'."),
    ],
)
def test_what_is_not_known_is_one_line(loaded: Any, line: str, message: str) -> None:
    error = loaded.run_cell(line).error_in_exec
    assert isinstance(error, OptionError)
    assert str(error).startswith(message)
