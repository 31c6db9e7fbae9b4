from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cypher_magic.errors import OptionError, RunNotFound
from cypher_magic.model.catalogue import CATALOGUE
from cypher_magic.model.room import Room
from cypher_magic.session.state import SESSION
from cypher_magic.training import fits
from tests.model.tiny_folder import tiny_folder


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
        ("%cypher_models export", "%cypher_models export needs a name."),
        ("%cypher_models list movies", "%cypher_models list takes no name."),
        ("%cypher_models export movies --style plain", "--style is an option of %cypher_models import, not of export."),
        ("%cypher_models --merged", "--merged is an option of %cypher_models export, not of list."),
        ("%cypher_models import x --style sung", "--style takes one of chat, plain, not 'sung'."),
        ("%cypher_models export movies --to x --gguf q2", "--gguf takes one of f16, q8_0, not 'q2'."),
        ("%cypher_models export movies", "Where is the model to go?"),
        ("%cypher_models use movies --fits", "--fits is an option of %cypher_models list, not of use."),
    ],
)
def test_what_is_not_known_is_one_line(loaded: Any, line: str, message: str) -> None:
    error = loaded.run_cell(line).error_in_exec
    assert isinstance(error, OptionError)
    assert str(error).startswith(message)


def test_a_model_comes_in_answers_and_goes_out_by_magics(
    loaded: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SESSION, "run", None)
    folder = tiny_folder(tmp_path / "theirs", "chatml")
    run = loaded.run_cell(f"%cypher_models import {folder} --name their.model").result
    assert (run.name, run.state) == ("their.model", "imported")
    said = capsys.readouterr().out
    assert "asked in the chat style: it has a chat template" in said
    assert "%cypher_models use their.model" in said
    loaded.run_cell("%cypher_models use their.model").raise_error()
    assert "their.model answers from now on" in capsys.readouterr().out
    loaded.run_cell("%cypher_models --device cpu").raise_error()
    assert "imported: their.model" in capsys.readouterr().out
    done = loaded.run_cell(f"%cypher_models export their.model --to {tmp_path / 'out'} --merged").result
    assert done.folder == tmp_path / "out"
    assert (tmp_path / "out" / "README.md").is_file()
    error = loaded.run_cell(f"%cypher_models export their.model --to {tmp_path / 'out'} --merged").error_in_exec
    assert "is there already" in str(error)
    capsys.readouterr()
    loaded.run_cell(f"%cypher_models export their.model --gguf --to {tmp_path / 'one'}").raise_error()
    assert "their.model: the GGUF file (f16, " in capsys.readouterr().out
    assert (tmp_path / "one" / "their.model-f16.gguf").is_file()
    done = loaded.run_cell(f"%cypher_models export their.model --to {tmp_path / 'half'} --gguf q8_0").result
    assert done.gguf == "q8_0" and (tmp_path / "half" / "their.model-q8_0.gguf").is_file()


def test_a_verb_has_a_help_page_of_its_own(loaded: Any, capsys: pytest.CaptureFixture[str]) -> None:
    for line in ("%cypher_models export -h", "%cypher_models export movies --to x --help"):
        assert loaded.run_cell(line).result is None
        shown = capsys.readouterr().out
        assert shown.startswith("%cypher_models export [options] RUN\n")
        assert "--merged" in shown and "--style" not in shown and "--fits" not in shown
        examples = shown.partition("Examples:\n")[2].splitlines()
        assert len(examples) == 2 and all(e.startswith("  %cypher_models export ") for e in examples)
    loaded.run_cell("%cypher_models -h")
    shown = capsys.readouterr().out
    assert "Options of export:" in shown and "  import FOLDER_OR_HUB_ID  take in a model" in shown


def test_a_model_that_is_asked_for_and_not_there_is_told_with_those_that_always_are(loaded: Any) -> None:
    for line in ("%cypher_models use strater", "%finetune use starters", "%cypher_eval strater"):
        error = loaded.run_cell(line).error_in_exec
        assert isinstance(error, RunNotFound) and error.hint == "there are: starter, base", line
    error = loaded.run_cell("%cypher_models export strater --to out").error_in_exec
    assert isinstance(error, RunNotFound) and error.hint == "there are: starter"


def test_a_run_that_is_not_there_can_not_go_out(loaded: Any, tmp_path: Path) -> None:
    error = loaded.run_cell(f"%cypher_models export nothing --to {tmp_path / 'out'}").error_in_exec
    assert isinstance(error, RunNotFound)
    assert not (tmp_path / "out").exists()
