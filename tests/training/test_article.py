"""The article's own files, end to end: what three epochs on the default backbone reach."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from cypher_magic import session
from cypher_magic.evaluation.report import Report
from cypher_magic.session import state

if TYPE_CHECKING:
    from pathlib import Path

EPOCHS = 3
BASE_ROWS = 8  # the untuned model writes prose up to its budget, which takes long and changes nothing


@pytest.mark.slow
def test_three_epochs_on_the_articles_rows_beat_the_untuned_model(
    shared: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state, "SESSION", state.Session())
    files = shared / "data" / "article"
    began = time.perf_counter()
    run = session.finetune("article", files / "train_llm.csv", files / "val_llm.csv", epochs=EPOCHS, display=False)
    trained = time.perf_counter() - began
    assert run.state == "completed"
    losses = [e["loss"] for e in run.events if e.kind == "evaluated"]
    assert len(losses) == EPOCHS + 1
    tuned = session.evaluate("article")
    known = {" ".join(e.question.split()).casefold() for e in run.examples("train")}
    unseen = [p for p in tuned.predictions if " ".join(p.question.split()).casefold() not in known]
    fair = Report("article, without leaked rows", tuple(unseen))
    base = session.evaluate("base", run.examples("val")[:BASE_ROWS])
    with capsys.disabled():
        print(f"\n{len(run.examples('train'))} rows, {EPOCHS} epochs: trained in {trained:.0f} s,", end=" ")
        print(f"{time.perf_counter() - began:.0f} s in all; validation loss " + ", ".join(f"{x:.3f}" for x in losses))
        for report in (tuned, fair, base):
            print(f"{report.model}: Google-BLEU {report.google_bleu}, exact match {report.exact_match}")
    assert len(tuned.predictions) - len(unseen) == 12
    assert losses[-1] < 0.5 * losses[0]
    assert float(fair.google_bleu) > float(base.google_bleu) + 0.3
    assert float(fair.google_bleu) > 0.6
    assert float(tuned.exact_match) >= float(base.exact_match)
