"""Data frames in a terminal: nothing is left out, and the frame stays a frame."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from cypher_magic.graph.frame import whole
from cypher_magic.graph.result import QueryResult
from cypher_magic.magics.frames import as_text

COLUMNS = [f"column_{i}" for i in range(12)]


@pytest.fixture(autouse=True)
def _narrow_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")


@pytest.fixture
def terminal() -> Any:
    """pandas as it is in a terminal, where it leaves out columns."""
    with pd.option_context("display.max_columns", 0, "display.width", 60):
        yield


def wide() -> pd.DataFrame:
    return pd.DataFrame([range(12)], columns=COLUMNS)


def test_a_wide_frame_is_wrapped_to_the_terminal_and_none_of_its_columns_left_out(terminal: None) -> None:
    assert "..." in repr(wide())
    text = as_text(whole(wide()))
    assert [name for name in text.split() if name.startswith("column_")] == COLUMNS
    assert "..." not in text
    assert max(map(len, text.splitlines())) <= 60


def test_the_shell_shows_the_frames_of_this_package_so_and_others_as_pandas_does(loaded: Any, terminal: None) -> None:
    plain = loaded.display_formatter.formatters["text/plain"]
    result = QueryResult(tuple(COLUMNS), (tuple(range(12)),))
    assert all(name in plain(result.df) for name in COLUMNS)
    assert all(name in plain(result.df[COLUMNS[:11]]) for name in COLUMNS[:11])
    assert plain(wide()) == repr(wide())
    assert type(result.df) is pd.DataFrame


def test_the_extension_takes_its_way_of_showing_frames_away_again(loaded: Any, terminal: None) -> None:
    plain = loaded.display_formatter.formatters["text/plain"]
    frame = whole(wide())
    assert plain(frame) != repr(frame)
    loaded.run_line_magic("unload_ext", "cypher_magic")
    assert plain(frame) == repr(frame)
    assert pd.DataFrame not in plain.type_printers


def test_a_way_of_showing_frames_that_the_person_chose_is_kept(shell: Any) -> None:
    plain = shell.display_formatter.formatters["text/plain"]
    plain.for_type(pd.DataFrame, lambda frame, printer, cycle: printer.text("a frame"))
    for verb in ("load_ext", "unload_ext"):
        shell.run_line_magic(verb, "cypher_magic")
        assert plain(whole(wide())) == "a frame"


def test_a_notebook_shows_frames_as_pandas_does(shell: Any, monkeypatch: pytest.MonkeyPatch, terminal: None) -> None:
    monkeypatch.setattr(shell, "kernel", object(), raising=False)
    shell.run_line_magic("load_ext", "cypher_magic")
    frame = whole(wide())
    assert shell.display_formatter.formatters["text/plain"](frame) == repr(frame)
