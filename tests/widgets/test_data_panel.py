from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import ipywidgets as widgets
import pytest

from cypher_magic import session
from cypher_magic.session.state import SESSION
from cypher_magic.widgets import DataPanel
from tests.widgets.waiting import every, wait_for

ROWS = [
    (f"Which films are from {year}?", f"MATCH (m:Movie {{released: {year}}}) RETURN m.title")
    for year in range(1980, 2000)
]
SECRET = "What does nobody else need to see?"


def csv(rows: list[tuple[str, str]], head: str = "instruction,output") -> str:
    return head + "\n" + "".join(f'"{q}","{c}"\n' for q, c in rows)


@pytest.fixture
def panel() -> Iterator[DataPanel]:
    panel = DataPanel()
    yield panel
    wait_for(lambda: "counting" not in panel.lengths.value, 60)
    panel.close()


@pytest.fixture
def connected(demo_graph: Any) -> Iterator[None]:
    SESSION.connections["demo"], SESSION.current = demo_graph, "demo"
    yield
    del SESSION.connections["demo"]
    SESSION.current = None


def upload(panel: DataPanel, *files: tuple[str, bytes]) -> None:
    moment = datetime.now(UTC)
    panel.upload.value = tuple(
        {"name": n, "type": "", "size": len(c), "content": memoryview(c), "last_modified": moment} for n, c in files
    )


def press(button: Any) -> None:
    button.click()
    wait_for(lambda: not button.disabled)


def test_files_that_come_together_are_merged_each_in_its_part(panel: DataPanel) -> None:
    upload(
        panel,
        ("train.csv", csv(ROWS[:9]).encode()),
        ("more.csv", csv(ROWS[9:12]).encode()),
        ("val.csv", csv(ROWS[12:]).encode()),
    )
    assert [card.part.value for card in panel.files] == ["train", "train", "val"]
    assert "20 rows" in panel.status.value
    press(panel.check)
    assert panel.dataset is not None and (len(panel.dataset.train), len(panel.dataset.val)) == (12, 8)
    panel.files[1].part.value = "val"
    assert panel.dataset is None and panel.report.value == "", "a report about another choice would mislead"
    press(panel.check)
    assert panel.dataset is not None and len(panel.dataset.val) == 11
    panel.files[0].away.click()
    assert [card.table.source for card in panel.files] == ["more.csv", "val.csv"]


def test_an_archive_and_parquet_are_read_too(panel: DataPanel, tmp_path: Path) -> None:
    import pandas as pd

    with zipfile.ZipFile(tmp_path / "both.zip", "w") as archive:
        archive.writestr("train.csv", csv(ROWS[:5]))
        archive.writestr("val.csv", csv(ROWS[5:7]))
    pd.DataFrame(ROWS[7:10], columns=["question", "cypher"]).to_parquet(tmp_path / "p.parquet")
    for name in ("both.zip", "p.parquet"):
        panel.path.value = str(tmp_path / name)
        panel.path._handle_custom_msg({"event": "submit"}, [])
        wait_for(lambda: not panel.add.disabled)
    assert [(c.table.source, c.table.part) for c in panel.files] == [
        ("both.zip/train.csv", "train"), ("both.zip/val.csv", "val"), ("p.parquet", "train"),
    ]  # fmt: skip
    assert panel.path.value == ""


def test_the_preview_tells_which_column_is_what_and_the_choice_can_be_changed(panel: DataPanel) -> None:
    upload(panel, ("up.csv", b"ask,wrong,cypher\nWho?,MATCH,RETURN 1 AS one\nWhat?,RETURN,RETURN 2 AS two\n"))
    card = panel.files[0]
    assert card.told["query"] == "" and "ignored" in card.preview.value
    press(panel.check)
    assert "no column for the question" in panel.status.value
    card.choices["question"].value, card.choices["query"].value = "ask", "cypher"
    assert "→ question" in card.preview.value and "→ query" in card.preview.value
    press(panel.check)
    assert panel.dataset is not None
    assert {e.query for e in (*panel.dataset.train, *panel.dataset.val)} == {"RETURN 1 AS one", "RETURN 2 AS two"}


def test_the_report_has_row_numbers_and_repair_mends_what_can_be_mended(panel: DataPanel) -> None:
    upload(panel, ("up.csv", csv([*ROWS, ROWS[3], ("Broken?", "MATCH (m RETURN m")]).encode()))
    press(panel.check)
    assert "1 row repeats the question" in panel.report.value and "row 21" in panel.report.value
    assert "1 query is not Cypher" in panel.report.value and "Repair" in panel.status.value
    press(panel.repair)
    assert "2 rows dropped" in panel.report.value and "without errors" in panel.status.value
    assert panel.dataset is not None and len(panel.dataset.train) + len(panel.dataset.val) == 20


def test_the_lengths_are_drawn_in_tokens_of_the_default_backbone(panel: DataPanel) -> None:
    session.token_lengths([], fetch=True)
    upload(panel, ("up.csv", csv(ROWS).encode()))
    press(panel.check)
    wait_for(lambda: "<svg" in panel.lengths.value, 60)
    assert "20 examples: median" in panel.lengths.value and "tokens" in panel.lengths.value


def test_without_the_backbone_words_are_counted(
    panel: DataPanel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CYPHER_MAGIC_CACHE", str(tmp_path / "cache"))
    upload(panel, ("up.csv", csv(ROWS).encode()))
    press(panel.check)
    wait_for(lambda: "<svg" in panel.lengths.value)
    assert "words" in panel.lengths.value and "not on this machine yet" in panel.lengths.value


def test_nothing_that_was_uploaded_stays_in_the_saved_state_but_what_is_shown(panel: DataPanel) -> None:
    upload(panel, ("up.csv", csv([*ROWS, (SECRET, "RETURN 1 AS one")]).encode()))
    assert panel.upload.value == ()
    press(panel.check)
    wait_for(lambda: "<svg" in panel.lengths.value, 60)
    state = json.dumps(widgets.Widget.get_manager_state(widgets=[*every(panel)]), default=str)
    assert ROWS[0][0] in state and SECRET not in state
    assert len(state) < 120_000


@pytest.mark.parametrize("what", ["check", "repair", "save", "review", "add"])
def test_with_nothing_to_work_on_every_button_says_what_is_missing(panel: DataPanel, what: str) -> None:
    panel.target.value = "x.jsonl"
    press(getattr(panel, what))
    assert 'role="alert"' in panel.status.value and "There " in panel.status.value


def test_a_file_that_can_not_be_read_is_one_line_and_leaves_the_others(panel: DataPanel, tmp_path: Path) -> None:
    upload(panel, ("up.csv", csv(ROWS).encode()))
    upload(panel, ("bad.parquet", b"PAR1 nothing"))
    assert "bad.parquet is not a whole Parquet file" in panel.status.value and len(panel.files) == 1
    panel.path.value = str(tmp_path / "none.csv")
    press(panel.add)
    assert "There is no file" in panel.status.value and panel.path.value, "what was typed can be corrected"


def test_what_is_saved_reads_back_and_names_its_validation_file(panel: DataPanel, tmp_path: Path) -> None:
    upload(panel, ("up.csv", csv(ROWS).encode()))
    panel.target.value = str(tmp_path / "out.jsonl")
    press(panel.save)
    wait_for(lambda: "written" in panel.status.value)
    again = session.load_examples(tmp_path / "out.jsonl", val=tmp_path / "out.val.jsonl")
    assert len(again.train) + len(again.val) == 20 and again.val
    panel.target.value = str(tmp_path / "out.txt")
    press(panel.save)
    assert "can not be written as out.txt" in panel.status.value
    panel.target.value = str(tmp_path / "none" / "out.csv")
    press(panel.save)
    assert "There is no folder" in panel.status.value


@pytest.mark.usefixtures("connected")
def test_pairs_are_generated_checked_saved_with_their_family_and_reviewed(panel: DataPanel, tmp_path: Path) -> None:
    panel.maker.rows.value = 30
    press(panel.maker.make)
    assert "30 pairs" in panel.maker.report.value and "30 pairs are made" in panel.status.value
    assert panel.files[0].table.source == "pairs from demo" and panel.maker.stop.disabled
    panel.holdout.value = 0
    panel.target.value = str(tmp_path / "pairs.jsonl")
    press(panel.save)
    kept = [json.loads(line) for line in (tmp_path / "pairs.jsonl").read_text().splitlines()]
    assert len(kept) == 30 and all(line["family"] for line in kept)
    press(panel.review)
    review = panel.reviewing
    assert review is not None and review.queue is not None and len(review.queue) == 30
    review.key.value = "a"
    assert "1 of 30" in review.how_far.value
    assert (tmp_path / "pairs.review.jsonl").is_file()
    assert session.review(tmp_path / "pairs.jsonl").progress.done == 1, "a script goes on where the panel was left"


@pytest.mark.usefixtures("connected")
def test_stop_keeps_the_pairs_that_were_made(panel: DataPanel) -> None:
    panel.maker.rows.value = 5000
    panel.maker.make.click()
    wait_for(lambda: panel.maker.bar.value > 20)
    assert not panel.maker.stop.disabled
    panel.maker.stop.click()
    wait_for(lambda: not panel.maker.make.disabled)
    assert "Stopped before there were enough." in panel.status.value
    assert 20 < len(panel.files[0].table.rows) < 5000


def test_without_a_graph_the_generator_says_what_is_missing(panel: DataPanel) -> None:
    press(panel.maker.make)
    assert "No graph is connected." in panel.status.value and panel.maker.bar.layout.visibility == "hidden"


def test_files_may_be_given_in_python(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(csv(ROWS[:10]))
    (tmp_path / "b.csv").write_text(csv(ROWS[10:]))
    panel = DataPanel(tmp_path / "a.csv", val=tmp_path / "b.csv")
    assert [(c.table.source, c.part.value) for c in panel.files] == [("a.csv", "train"), ("b.csv", "val")]
    panel.close()


def test_a_terminal_gets_the_magics_that_do_the_same(panel: DataPanel, capsys: pytest.CaptureFixture[str]) -> None:
    panel._ipython_display_()
    assert "%cypher_data check" in capsys.readouterr().out
