"""The examples of the training panel are those that stand in the files when it starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from cypher_magic.data.example import Example
from cypher_magic.errors import DataError
from cypher_magic.widgets.data import DataChooser
from tests.widgets.test_data_panel import ROWS, csv


def test_a_file_that_was_changed_is_read_anew_and_one_that_is_gone_is_told(tmp_path: Path) -> None:
    train, val = tmp_path / "train.csv", tmp_path / "val.csv"
    train.write_text(csv(ROWS[:12]))
    val.write_text(csv(ROWS[12:]))
    chooser = DataChooser(train, val)
    first = chooser.dataset()
    assert chooser.dataset() is first, "nothing was changed"
    train.write_text(csv(ROWS[:5]))
    assert len(chooser.dataset().train) == 5
    val.write_text(csv(ROWS[12:14]))
    assert len(chooser.dataset().val) == 2
    train.unlink()
    with pytest.raises(DataError, match="There is no file"):
        chooser.dataset()


def test_examples_that_were_handed_over_are_counted() -> None:
    chooser = DataChooser([Example(*row) for row in ROWS[:15]], [Example(*row) for row in ROWS[15:16]])
    assert (chooser.train.note.value, chooser.val.note.value) == ("15 examples", "1 example")
    assert len(chooser.dataset().val) == 1
    assert DataChooser({"question": "Who?", "query": "RETURN 1"}).train.note.value == "a dict from the notebook"
