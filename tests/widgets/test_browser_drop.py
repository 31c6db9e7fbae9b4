"""Files dropped in a real browser: a drop of the browser's own, not an event made by a script."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.widgets.test_data_panel import ROWS, csv

pytestmark = pytest.mark.browser


def drop(page: Any, target: Any, *files: Path) -> None:
    """Drop these files on an element, as from the system's file manager."""
    box = target.bounding_box()
    at = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
    data = {"items": [], "files": [str(file) for file in files], "dragOperationsMask": 1}
    browser = page.context.new_cdp_session(page)
    for what in ("dragEnter", "dragOver", "drop"):
        browser.send("Input.dispatchDragEvent", {"type": what, **at, "data": data})
    browser.detach()


def test_dropped_files_are_offered_in_the_panel_and_added_with_a_key(lab: Any, tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text(csv(ROWS[:12]))
    (tmp_path / "val.csv").write_text(csv(ROWS[12:]))
    (tmp_path / "notes.docx").write_text("no table")
    lab.run("%load_ext cypher_magic", "%cypher_panel data")
    page = lab.page
    lab.text("Drop files into the file browser (in Notebook 7 a tab of its own), folder notebooks", 60)
    inside = page.evaluate("() => document.querySelectorAll('.widget-upload input').length")
    assert inside == 0, "FileUpload has an input in the page by now: the panel itself can take drops"
    browser = page.locator(".jp-DirListing-content").first
    drop(page, browser, tmp_path / "train.csv", tmp_path / "val.csv", tmp_path / "notes.docx")
    lab.text("notes.docx: not for examples (CSV, TSV")
    both = page.get_by_role("button", name="Add the 2 new ones")
    both.scroll_into_view_if_needed()
    lab.pictures(tmp_path / "dropped")
    both.press("Enter")
    lab.text("20 rows; Check reads them")
    chosen = page.locator("select").evaluate_all("all => all.map(select => select.selectedOptions[0]?.text)")
    assert chosen.count("training") == chosen.count("validation") == 1
    both.wait_for(state="detached")
    lab.pictures(tmp_path / "dropped-added")
    lab.button("Check").click()
    lab.text("12 training and 8 validation examples")
    assert lab.asked == []


def test_cells_that_are_run_again_leave_one_thread_that_looks_at_the_folder(lab: Any) -> None:
    lab.run("%load_ext cypher_magic", "%cypher_panel data")
    count = (
        "import pathlib, threading\n"
        "names = [thread.name for thread in threading.enumerate()]\n"
        "pathlib.Path('watchers').write_text(str(names.count('cypher_magic folder')))"
    )
    ask = "code => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.requestExecute({code}).done"

    def watchers() -> str:
        lab.page.evaluate(ask, count)
        return (lab.folder / "watchers").read_text()

    for _ in range(3):
        lab.text("Drop files into the file browser", 60)
        old = lab.page.locator(".cm-panel").first.element_handle()
        lab.command("notebook:run-all-cells")
        old.wait_for_element_state("hidden")
    lab.text("Drop files into the file browser")
    lab.wait_for(lambda: watchers() == "1")
    lab.command("notebook:clear-all-cell-outputs")
    lab.wait_for(lambda: watchers() == "0")
