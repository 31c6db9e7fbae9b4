from __future__ import annotations

import math
from dataclasses import fields

import pytest
import yaml

from cypher_magic.errors import OptionError
from cypher_magic.training.settings import TrainingSettings, overrides

ODD_PATHS = (
    "/a folder/with  two spaces: and # more",
    "~/models/" + "very long " * 30 + "x",
    "C:\\models\\é",
    "007",
    "no",
)


@pytest.mark.parametrize("path", ODD_PATHS)
def test_settings_are_read_back_from_their_yaml(path: str) -> None:
    settings = TrainingSettings(backbone=path, learning_rate=1e-7, seed=7, schedule="linear", start_from="1e3")
    text = settings.to_yaml()
    assert TrainingSettings.from_yaml(text) == settings
    assert len(text.splitlines()) == len(fields(settings))


def test_every_setting_says_what_it_is_in_the_yaml() -> None:
    lines = dict(
        zip((f.name for f in fields(TrainingSettings)), TrainingSettings().to_yaml().splitlines(), strict=True)
    )
    for field in fields(TrainingSettings):
        assert lines[field.name].startswith(f"{field.name}: ")
        assert lines[field.name].endswith(f"# {field.metadata['doc']}")
    assert set(yaml.safe_load(TrainingSettings().to_yaml())) == set(lines)


def test_numbers_may_come_as_text_and_with_dashes_in_their_names() -> None:
    changed = TrainingSettings().changed({"learning-rate": "5e-4", "epochs": "3", "lora_rank": 8.0})
    assert (changed.learning_rate, changed.epochs, changed.lora_rank) == (5e-4, 3, 8)
    assert isinstance(changed.epochs, int) and isinstance(changed.lora_rank, int)


@pytest.mark.parametrize(
    ("name", "hint"), [("epoch", "did you mean epochs?"), ("learning_rat", "learning_rate"), ("zzz", "known: backbone")]
)
def test_an_unknown_setting_is_refused_with_the_closest_one(name: str, hint: str) -> None:
    with pytest.raises(OptionError, match="no training setting") as caught:
        TrainingSettings().changed({name: 1})
    assert name in str(caught.value)
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("epochs", 0),
        ("epochs", 1.5),
        ("epochs", "many"),
        ("epochs", None),
        ("epochs", True),  # `epochs: yes` in YAML
        ("epochs", [3]),
        ("epochs", math.inf),
        ("epochs", 10**400),
        ("learning_rate", math.nan),
        ("learning_rate", 0),
        ("learning_rate", True),
        ("learning_rate", "1,5"),
        ("device", "tpu"),
        ("device", None),
        ("backbone", None),
        ("backbone", ["a"]),
        ("backbone", False),
        ("precision", "int3"),
        ("seed", -1),
        ("lora_dropout", 1.0),
    ],
)
def test_a_value_that_a_setting_can_not_take_is_one_line_that_names_it(name: str, value: object) -> None:
    with pytest.raises(OptionError) as caught:
        TrainingSettings().changed({name: value})
    assert caught.value.message.startswith(f"{name} can not be ")
    assert caught.value.hint
    assert "\n" not in str(caught.value)


def test_a_setting_can_not_be_made_wrong_in_python_either() -> None:
    with pytest.raises(OptionError):
        TrainingSettings(epochs="3")
    with pytest.raises(OptionError):
        TrainingSettings(learning_rate=-1.0)


def test_advanced_settings_may_stand_below_their_own_heading() -> None:
    text = "learning_rate: 0.0005\nadvanced:\n  pack_examples: 8\n"
    assert overrides(text) == {"learning_rate": 0.0005, "pack_examples": 8}
    assert TrainingSettings.from_yaml(text).pack_examples == 8
    assert overrides("") == overrides("# only a comment") == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("epochs: [1", "The settings are not YAML in line"),
        ("epochs: 3\n\tlr: 1", "The settings are not YAML in line 2."),
        ("just words", "The settings are not `name: value` lines."),
        ("- epochs", "The settings are not `name: value` lines."),
        ("advanced: 3", "`advanced` takes indented"),
        ("!!python/object/apply:os.system ['true']", "The settings are not YAML"),
    ],
)
def test_text_that_is_no_settings_is_one_line(text: str, message: str) -> None:
    with pytest.raises(OptionError) as caught:
        overrides(text)
    assert caught.value.message.startswith(message)
    assert "\n" not in str(caught.value)
