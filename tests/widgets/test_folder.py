"""The box of the data panel that offers what was dropped into the notebook's folder."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from cypher_magic.widgets import DataPanel
from cypher_magic.widgets.folder import SHOWN
from cypher_magic.widgets.panel import is_visible
from tests.widgets.test_data_panel import ROWS, csv
from tests.widgets.waiting import wait_for


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A notebook's folder in which a file lies already."""
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")
    Path("old.csv").write_text(csv(ROWS[:3]))
    return Path.cwd()


@pytest.fixture
def panel(folder: Path) -> Iterator[DataPanel]:
    panel = DataPanel()
    yield panel
    panel.close()


def offered(panel: DataPanel) -> list[str]:
    return [button.description for button in panel.folder.buttons.children]


def test_files_that_come_into_the_folder_are_offered_and_added_together(panel: DataPanel, folder: Path) -> None:
    assert offered(panel) == ["old.csv"] and "notebooks" in panel.folder.told.value
    panel.shown()
    (folder / "train.csv").write_text(csv(ROWS[3:12]))
    (folder / "val.csv").write_text(csv(ROWS[12:]))
    wait_for(lambda: len(offered(panel)) == 4)
    both = panel.folder.buttons.children[0]
    assert both.description == "Add the 2 new ones" and "train.csv (1 kB)" in both.tooltip
    both.click()
    wait_for(lambda: len(panel.files) == 2)
    assert sorted((card.table.source, card.part.value) for card in panel.files) == [
        ("train.csv", "train"),
        ("val.csv", "val"),
    ]
    wait_for(lambda: "17 rows" in panel.status.value)
    assert offered(panel) == ["old.csv"], "what was added is not offered any more"
    panel.files[0].away.click()
    assert len(offered(panel)) == 2, "what was taken away is offered again"


def test_a_file_that_can_not_be_read_is_one_line(panel: DataPanel, folder: Path) -> None:
    assert not is_visible(panel.folder.note)
    (folder / "<b>notes.docx").write_text("x")
    (folder / "other.ipynb").write_text("{}")
    (folder / ".hidden.zip").write_text("x")
    for name in ("old.review.jsonl", "corrections.wrong.jsonl"):
        (folder / name).write_text("")
    panel.folder.look()
    assert "&lt;b&gt;notes.docx: not for examples" in panel.folder.note.value and "other" not in panel.folder.note.value
    assert "role=" not in panel.folder.note.value, "another cell may write what it likes"
    panel.folder.look()
    assert is_visible(panel.folder.note) and offered(panel) == ["old.csv"]
    (folder / "broken.parquet").write_bytes(b"PAR1 nothing")
    panel.folder.look()
    assert not is_visible(panel.folder.note), "it is said once"
    panel.folder.buttons.children[0].click()
    wait_for(lambda: "broken.parquet is not a whole Parquet file" in panel.status.value)
    wait_for(lambda: not panel.folder.buttons.children[0].disabled)
    assert panel.files == []


def test_a_full_folder_offers_the_newest_and_an_empty_one_says_what_can_be_read(panel: DataPanel, folder: Path) -> None:
    for number in range(20):
        (folder / f"{number}.jsonl").write_text("")
    panel.folder.look()
    assert len(offered(panel)) == SHOWN + 1
    for file in folder.iterdir():
        file.unlink()
    panel.folder.look()
    assert offered(panel) == [] and "Parquet and ZIP files" in panel.folder.told.value
    folder.rmdir()
    panel.folder.look()
    assert panel.status.error is None


def test_a_second_click_adds_no_file_twice(panel: DataPanel, folder: Path) -> None:
    button = panel.folder.buttons.children[0]
    for clicks in (2, 1):
        for _ in range(clicks):
            button.click()
        wait_for(lambda: panel.files and threads("cypher_magic panel") == 0)
    assert [card.table.source for card in panel.files] == ["old.csv"]


def threads(name: str = "cypher_magic folder") -> int:
    return [thread.name for thread in threading.enumerate()].count(name)


def test_the_folder_is_looked_at_by_one_thread_while_the_panel_is_in_sight(panel: DataPanel, folder: Path) -> None:
    for _ in range(2):
        panel.shown()
    panel.folder._view_count = 1
    assert threads() == 1
    panel.folder._view_count = 0  # the cell is run again, and its output taken away
    wait_for(lambda: threads() == 0)
    panel.folder._view_count = 1
    (folder / "late.csv").write_text(csv(ROWS[:3]))
    wait_for(lambda: "late.csv" in offered(panel))
    panel.close()
    wait_for(lambda: threads() == 0)
    panel.shown()
    assert threads() == 0
