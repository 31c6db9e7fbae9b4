from __future__ import annotations

import json
import threading
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import ipywidgets as widgets
import pytest
from IPython.core.interactiveshell import InteractiveShell
from ipywidgets.widgets.widget import _instances

from cypher_magic import session
from cypher_magic.data.pairs import Pairs
from cypher_magic.session.state import SESSION
from cypher_magic.widgets import DataPanel
from cypher_magic.widgets.panel import is_visible
from tests.widgets.waiting import enter, every, wait_for

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
    wait_for(lambda: not panel.work.running)
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


def rows_of(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


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
    assert "train.csv is left out" in panel.status.value


def test_an_archive_and_parquet_are_read_too(panel: DataPanel, tmp_path: Path) -> None:
    import pandas as pd

    with zipfile.ZipFile(tmp_path / "both.zip", "w") as archive:
        archive.writestr("train.csv", csv(ROWS[:5]))
        archive.writestr("val.csv", csv(ROWS[5:7]))
    pd.DataFrame(ROWS[7:10], columns=["question", "cypher"]).to_parquet(tmp_path / "p.parquet")
    for name in ("both.zip", "p.parquet"):
        enter(panel.path, str(tmp_path / name))
        wait_for(lambda: not panel.work.running)
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


def test_what_a_review_rejects_is_not_saved_and_what_it_edits_is_each_in_its_part(
    panel: DataPanel, tmp_path: Path
) -> None:
    upload(panel, ("train.csv", csv(ROWS[:15]).encode()), ("val.csv", csv(ROWS[15:]).encode()))
    panel.target.value = str(tmp_path / "out.jsonl")
    press(panel.review)
    review = panel.reviewing
    assert review is not None and review.queue is not None and not is_visible(review.saving)
    decisions = {ROWS[0][0]: "r", ROWS[1][0]: "e", ROWS[16][0]: "r", ROWS[17][0]: "e"}
    while (shown := review.queue.shown()) is not None and decisions:
        letter = decisions.pop(shown.question, "n")
        review.key.value = letter
        if letter == "e":
            review.question.value = f"{shown.question} Please."
            review.take.click()
    press(panel.save)
    train, val = rows_of(tmp_path / "out.jsonl"), rows_of(tmp_path / "out.val.jsonl")
    assert [r["question"] for r in train] == [f"{ROWS[1][0]} Please.", *(q for q, _ in ROWS[2:15])]
    assert [r["question"] for r in val] == [ROWS[15][0], f"{ROWS[17][0]} Please.", *(q for q, _ in ROWS[18:])]
    assert "2 rejected are left out, 16 undecided are kept" in panel.status.value
    panel.files[1].part.value = "train"
    panel.holdout.value = 0
    press(panel.save)
    assert len(rows_of(tmp_path / "out.jsonl")) == 18, "decisions hang on what an example says, not on its part"
    while review.queue.current is not None:
        review.key.value = "r"
    for edited in (1, 17):
        review.queue.go(next(n for n, i in enumerate(review.queue.items, 1) if i.example.question == ROWS[edited][0]))
        review.queue.reject()
    press(panel.save)
    assert "All training examples are rejected." in panel.status.value


def test_what_was_repaired_stays_repaired_when_something_is_changed_before_it_is_saved(
    panel: DataPanel, tmp_path: Path
) -> None:
    upload(panel, ("up.csv", csv([*ROWS, ROWS[3], ("Broken?", "MATCH (m RETURN m")]).encode()))
    panel.target.value = str(tmp_path / "out.jsonl")
    press(panel.save)
    assert "1 kind of errors: Repair mends what can be mended" in panel.status.value, "it is written, and told"
    press(panel.review)
    press(panel.save)
    assert "22 undecided are kept; 1 kind of errors" in panel.status.value
    assert panel.reviewing is not None and panel.reviewing.queue is not None
    panel.reviewing.key.value = "r"
    press(panel.save)
    assert "1 rejected are left out, 21 undecided are kept; %" in panel.status.value, "nothing of them is written"
    panel.reviewing.undo.click()
    press(panel.repair)
    panel.holdout.value = 0.2
    assert panel.dataset is None
    press(panel.save)
    saved = rows_of(tmp_path / "out.jsonl") + rows_of(tmp_path / "out.val.jsonl")
    assert len(saved) == 20 and "Broken?" not in {row["question"] for row in saved}
    assert "errors" not in panel.status.value
    panel.misfits.value = True
    assert panel.dataset is None, "what Repair drops is another choice"
    press(panel.check)
    assert panel.dataset is not None and panel.dataset.report.errors


def test_one_kind_of_errors_is_one(panel: DataPanel) -> None:
    upload(panel, ("up.csv", csv([*ROWS, ("Broken?", "MATCH (m RETURN m")]).encode()))
    press(panel.check)
    assert "1 kind of errors" in panel.status.value


def test_a_file_that_was_changed_is_read_anew_as_it_was_chosen(panel: DataPanel, tmp_path: Path) -> None:
    file, other = tmp_path / "up.csv", tmp_path / "other" / "up.csv"
    other.parent.mkdir()
    for one in (file, other):
        one.write_text(csv(ROWS[:10], "ask,cypher"))
        enter(panel.path, str(one))
        wait_for(lambda: not panel.work.running and panel.path.value == "")
    for card in panel.files:
        card.choices["question"].value, card.choices["query"].value = "ask", "cypher"
    panel.files[1].part.value = "val"
    press(panel.check)
    file.write_text(csv(ROWS[:12], "ask,cypher"))
    press(panel.check)
    assert panel.dataset is not None and (len(panel.dataset.train), len(panel.dataset.val)) == (12, 10)
    other.write_text(csv(ROWS[10:], "ask,cypher") + csv(ROWS[:1])[len("instruction,output\n") :])
    enter(panel.path, str(other))
    wait_for(lambda: "11 rows; Check reads them" in panel.status.value)
    assert [(c.table.source, c.part.value) for c in panel.files] == [("up.csv", "train"), ("up.csv (2)", "val")]
    panel.files[0].away.click()
    other.unlink()
    press(panel.save)
    panel.target.value = str(tmp_path / "out.jsonl")
    press(panel.save)
    assert f"There is no file {other}." in panel.status.value and not (tmp_path / "out.jsonl").exists()


def test_a_file_that_left_its_archive_goes_with_it(panel: DataPanel, tmp_path: Path) -> None:
    for names in (("train.csv", "val.csv"), ("train.csv", "more.csv")):
        with zipfile.ZipFile(tmp_path / "both.zip", "w") as archive:
            for number, name in enumerate(names):
                archive.writestr(name, csv(ROWS[5 * number : 5 * number + 5]))
        panel._read(tmp_path / "both.zip")
    assert [c.table.source for c in panel.files] == ["both.zip/train.csv", "both.zip/more.csv"]


def test_what_is_saved_is_said_beside_save_and_not_offered_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    panel = DataPanel()
    upload(panel, ("train.csv", csv(ROWS).encode()))
    press(panel.check)
    assert (panel.at_check.children, panel.at_save.children) == ((panel.state,), ())
    panel.target.value = "out.jsonl"
    press(panel.save)
    assert "written" in panel.status.value and panel.at_save.children == (panel.state,)
    Path("other.csv").write_text(csv(ROWS))
    panel.folder.look()
    assert [b.description for b in panel.folder.buttons.children] == ["other.csv"]
    press(panel.check)
    assert (panel.at_check.children, panel.at_save.children) == ((panel.state,), ())
    panel.close()


def test_no_file_is_written_over_that_the_panel_did_not_write(panel: DataPanel, tmp_path: Path) -> None:
    mine = tmp_path / "mine.csv"
    mine.write_text("id,question,query,notes\n" + "".join(f'{n},"{q}","{c}",mine\n' for n, (q, c) in enumerate(ROWS)))
    before = mine.read_text()
    panel._read(mine)
    panel.target.replace.value = True
    enter(panel.target, str(mine))
    wait_for(lambda: "is open here and is not written over" in panel.status.value)
    panel.target.replace.value = False
    panel.target.value = str(tmp_path / "out.csv")
    (tmp_path / "out.val.csv").write_text("somebody's")
    press(panel.save)
    assert "There is a file" in panel.status.value and "out.val.csv already" in panel.status.value
    assert not (tmp_path / "out.csv").exists(), "nothing is written where one of them may not be"
    panel.target.replace.value = True
    press(panel.save)
    assert "written" in panel.status.value and not panel.target.replace.value
    panel.holdout.value = 0.2
    press(panel.save)
    assert "written" in panel.status.value, "its own file is written again"
    (tmp_path / "out.csv").write_text("corrected by hand")
    press(panel.save)
    assert "out.csv already" in panel.status.value and mine.read_text() == before


def test_the_line_that_is_advised_opens_what_was_saved(
    panel: DataPanel, tmp_path: Path, shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload(panel, ("up.csv", csv(ROWS).encode()))
    panel.target.value = str(tmp_path / "my 'pairs'.jsonl")
    press(panel.save)
    line = unescape(panel.status.value.partition("%cypher_panel ")[2].partition(" trains on them")[0])
    shell.run_line_magic("load_ext", "cypher_magic")
    monkeypatch.setattr(shell, "kernel", object(), raising=False)
    training = shell.run_line_magic("cypher_panel", line)
    dataset = training.data.dataset()
    training.close()
    assert len(dataset.train) + len(dataset.val) == 20 and training.data.val.source.endswith("my 'pairs'.val.jsonl")


def test_a_training_panel_opens_below_with_what_was_reviewed_and_is_closed_with_the_panel(tmp_path: Path) -> None:
    panel = DataPanel()
    upload(panel, ("up.csv", csv(ROWS).encode()))
    press(panel.review)
    assert panel.reviewing is not None
    panel.reviewing.key.value = "r"
    panel._kept = kept = SimpleNamespace(update=lambda _: None)  # what is below a panel that is in a notebook
    press(panel.train)
    training = panel.training
    assert training is not None and training._kept is kept, "a thread has no output of its own"
    assert training is not None and panel.training_place.children == (training,)
    dataset = training.data.dataset()
    assert len(dataset.train) + len(dataset.val) == 19 and "examples" in training.data.train.note.value
    assert "go to the training below" in panel.status.value
    panel.close()
    assert training.comm is None


def test_a_second_click_does_nothing_and_counting_can_be_cancelled(
    panel: DataPanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted, gate = list[int](), threading.Event()

    def lengths(examples: Any, *, instruction: str, progress: Any) -> list[int]:
        counted.append(len(examples))
        assert gate.wait(15)
        progress(1, len(examples))
        return [9] * len(examples)

    monkeypatch.setattr(session, "token_lengths", lengths)
    upload(panel, ("up.csv", csv(ROWS).encode()))
    panel.repair.click()
    panel.check.click()
    wait_for(lambda: counted)
    assert panel.check.disabled and panel.maker.make.disabled and is_visible(panel.cancel)
    panel.cancel.click()
    gate.set()
    wait_for(lambda: not panel.work.running)
    assert "not counted" in panel.lengths.value and not is_visible(panel.cancel)
    assert "without errors" in panel.status.value and panel.dataset is not None, "what was read stays"
    assert panel._fixed, "the second click was not taken"
    press(panel.check)
    assert counted == [20, 20] and "<svg" in panel.lengths.value


def test_a_closed_panel_makes_no_more_pairs_and_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, ended = list[int](), threading.Event()

    def generate(rows: int, *, stop: Any, progress: Any, **options: Any) -> Any:
        asked.append(rows)
        wait_for(stop)
        ended.set()
        return Pairs([])

    monkeypatch.setattr(session, "generate_pairs", generate)
    monkeypatch.setenv("CYPHER_MAGIC_CACHE", str(tmp_path / "cache"))
    before = set(_instances)
    panel = DataPanel()
    upload(panel, ("up.csv", csv(ROWS).encode()), ("away.csv", csv(ROWS).encode()))
    panel.files[1].away.click()
    press(panel.review)
    press(panel.train)
    for _ in range(2):
        panel.maker.make.click()
    wait_for(lambda: asked)
    panel.close()
    assert ended.wait(15)
    wait_for(lambda: not panel.work.running)
    assert asked == [600] and len(panel.files) == 1
    assert {type(_instances[key]).__name__ for key in set(_instances) - before} == set()


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
