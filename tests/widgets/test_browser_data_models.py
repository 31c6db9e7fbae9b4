"""The data, review and models panels in a real browser, used as a person would; nothing reaches the outside."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cypher_magic.data.example import Example
from cypher_magic.evaluation.judge import Prediction
from cypher_magic.evaluation.report import Report
from cypher_magic.training.events import EventWriter
from cypher_magic.training.runs import create_run
from cypher_magic.training.settings import TrainingSettings

pytestmark = pytest.mark.browser

PREFIX = "Create a Cypher statement to answer the following question: "
ROWS = [
    (
        "Which actors played in The Matrix?",
        "MATCH (p:Person)-[:ACTED_IN]->(:Movie {title: 'The Matrix'}) RETURN p.name",
    ),
    ("Who directed Apollo 13?", "MATCH (p:Person)<-[:DIRECTED]-(:Movie {title: 'Apollo 13'}) RETURN p.name"),
    ("When was Top Gun released?", "MATCH (m:Movie {title: 'Top Gun'}) RETURN m.released"),
    ("How many films are there?", "MATCH (m:Movie) RETURN count(m) AS films"),
    ("Which films came out in 1992?", "MATCH (m:Movie {released: 1992}) RETURN m.title"),
    ("Who was born in 1956?", "MATCH (p:Person {born: 1956}) RETURN p.name"),
    ("Who was born in 1956?", "MATCH (p:Person) WHERE p.born = 1956 RETURN p.name"),
    ("How old is Tom Hanks?", "MATCH (p:Person {name: 'Tom Hanks' RETURN p.age"),
    ("Which films did Tom Hanks play in?", "MATCH (:Person {name: 'Tom Hanks'})-[:ACTED_IN]->(m:Movie) RETURN m.title"),
    (
        "Who wrote a review of Cloud Atlas?",
        "MATCH (p:Person)-[:REVIEWED]->(:Movie {title: 'Cloud Atlas'}) RETURN p.name",
    ),
]
HOSTILE = "MATCH (m) RETURN '<img src=x onerror=alert(1)>' AS x"


def evaluated(name: str, right: str, **settings: Any) -> None:
    """A run that ended, with the report of its evaluation."""
    run = create_run(name, TrainingSettings().changed(settings), [Example(*ROWS[0])])
    EventWriter(run.folder / "events.jsonl").write("finished", state="completed", steps=40)
    (run.folder / "adapter").mkdir()
    (run.folder / "adapter" / "adapter_config.json").write_text("{}")
    rows = [
        Prediction(
            q, c, c if r == "y" else HOSTILE, True, r == "y", f1=float(r == "y"), kind="" if r == "y" else "wrong rows",
            seconds=0.4, family="lookup", came="nothing", expected="Keanu Reeves\nCarrie-Anne Moss",
        )
        for (q, c), r in zip(ROWS, right, strict=True)
    ]  # fmt: skip
    report = Report(name, tuple(rows), data="val.csv")
    report.save(run.folder)
    run.update_card(evaluation={"scores": {key: score.to_dict() for key, score in report.scores.items()}})


def test_data_is_brought_checked_repaired_and_reviewed_by_keyboard_and_two_models_are_compared(
    lab: Any, tmp_path: Path
) -> None:
    text = "instruction,output\n" + "".join(f'"{PREFIX}{q}","{c}"\n' for q, c in ROWS)
    (tmp_path / "train.csv").write_text(text)
    evaluated("small", "yynnnynnnn", epochs=2)
    evaluated("large", "yyyynyynyy", epochs=15, lora_rank=32)
    lab.run("%load_ext cypher_magic\n%cypher_connect demo", "%cypher_panel data", "%cypher_panel models")
    page = lab.page
    data, models = (
        page.locator(".jp-OutputArea-output .widget-vbox").filter(has_text=t).first for t in ("Examples", "Compare")
    )

    # examples: brought, looked at, repaired
    data.get_by_role("button", name="Add").wait_for(timeout=60_000)
    with page.expect_file_chooser() as chooser:
        data.locator("button", has_text="Upload").click()
    chooser.value.set_files(tmp_path / "train.csv")
    data.get_by_text("10 rows", exact=False).first.wait_for()
    data.get_by_role("button", name="Check").click()
    data.get_by_text("1 query is not Cypher").wait_for(timeout=60_000)
    data.get_by_text("1 query follows a relationship against its direction").wait_for()
    data.locator("svg[role=img]").wait_for(timeout=60_000)
    lab.pictures(tmp_path / "data-report")
    data.get_by_role("button", name="Repair").click()
    data.get_by_text("fixed: 2 rows dropped, 1 query repaired").wait_for(timeout=30_000)

    # reviewed by keyboard alone: one letter, an edit, its rows
    target = data.get_by_label("Save as")
    target.fill("pairs.jsonl")
    target.press("Tab")
    data.get_by_role("button", name="Review", disabled=False).press("Enter")
    key = data.get_by_label("Key")
    key.wait_for(timeout=30_000)
    data.get_by_text("0 of 8").wait_for()
    key.press("a")
    data.get_by_text("1 of 8 (1 accepted)").wait_for()
    key.press("e")
    query = data.locator("textarea")
    page.wait_for_function("() => document.activeElement?.tagName === 'TEXTAREA'")
    query.press("End")
    page.keyboard.type(" RETURN")
    data.get_by_text("The query ends too early").wait_for()
    query.scroll_into_view_if_needed()
    lab.pictures(tmp_path / "review-edit")
    query.fill("MATCH (m:Movie) RETURN m.title AS title LIMIT 3")
    query.press("Tab")
    page.keyboard.press("Enter")
    data.get_by_text("2 of 8 (1 accepted, 1 edited)").wait_for()
    page.wait_for_function("() => document.activeElement?.tagName === 'INPUT'")
    page.keyboard.press("r")
    data.get_by_text("3 of 8").wait_for()
    page.keyboard.press("u")
    data.get_by_text("2 of 8").wait_for()
    key.scroll_into_view_if_needed()
    lab.pictures(tmp_path / "review")
    verdicts = [json.loads(line)["verdict"] for line in (lab.folder / "pairs.review.jsonl").read_text().splitlines()]
    assert verdicts == ["accept", "edit"]

    # saved as it was reviewed, each part in its file, and trained on below
    target.focus()
    target.press("Enter")
    data.get_by_text("0 rejected are left out, 6 undecided are kept").wait_for(timeout=30_000)
    data.get_by_text("%cypher_panel train pairs.jsonl --val pairs.val.jsonl trains on them").wait_for()
    assert "LIMIT 3" in (lab.folder / "pairs.jsonl").read_text() + (lab.folder / "pairs.val.jsonl").read_text()
    train = data.get_by_role("button", name="Train on these")
    train.click()
    data.get_by_text("go to the training below").wait_for(timeout=60_000)
    train.scroll_into_view_if_needed()
    data.get_by_role("button", name="Start").wait_for()
    lab.pictures(tmp_path / "data-train")

    # two models side by side
    models.get_by_role("button", name="Compare").scroll_into_view_if_needed()
    models.get_by_label("Compare").select_option("small")
    models.locator("select").nth(2).select_option("large")
    models.get_by_role("button", name="Compare").click()
    models.get_by_text("large is better").or_(models.get_by_text("large answers")).first.wait_for(timeout=30_000)
    models.get_by_text("lora_rank").wait_for()
    models.get_by_role("button", name="Show").click()
    models.get_by_text("of 10 right").wait_for()
    models.scroll_into_view_if_needed()
    lab.pictures(tmp_path / "models")
    assert page.locator("img[src=x]").count() == 0, "what a model wrote is text"

    lab.command("docmanager:save")
    saved = lab.folder / "panel.ipynb"
    lab.wait_for(lambda: "widget-view" in saved.read_text())
    assert saved.stat().st_size < 200_000
    assert lab.asked == []
