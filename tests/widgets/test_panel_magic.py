from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from cypher_magic.errors import OptionError
from cypher_magic.magics.options import COMMANDS
from cypher_magic.widgets import PANELS
from cypher_magic.widgets.text import TEXT


@pytest.fixture
def loaded(shell: InteractiveShell) -> InteractiveShell:
    shell.run_line_magic("load_ext", "cypher_magic")
    return shell


def test_a_terminal_gets_the_magics_that_do_the_same(
    loaded: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    assert loaded.run_line_magic("cypher_panel", "train") is None
    told = capsys.readouterr().out
    assert "%finetune my-run --data train.csv" in told and "%cypher_ask" in told


def test_the_text_form_names_only_magics_that_there_are(loaded: InteractiveShell) -> None:
    known = {name.lstrip("%") for kind in loaded.magics_manager.magics.values() for name in kind}
    named = {word.lstrip("%") for text in TEXT.values() for word in text.split() if word.startswith("%")}
    assert named and named <= known


def test_a_notebook_gets_the_panel(loaded: InteractiveShell, monkeypatch: pytest.MonkeyPatch) -> None:
    from cypher_magic.widgets import TrainPanel

    published: list[dict[str, Any]] = []
    monkeypatch.setattr(loaded.display_pub, "publish", lambda data, metadata=None, **more: published.append(data))
    monkeypatch.setattr(loaded, "kernel", object(), raising=False)
    panel = loaded.run_line_magic("cypher_panel", "")
    assert isinstance(panel, TrainPanel)
    panel._ipython_display_()
    assert "application/vnd.jupyter.widget-view+json" in published[0]
    assert "text/html" in published[1], "a place for what the saved notebook keeps"


@pytest.mark.parametrize(("kind", "name"), sorted(PANELS.items()))
def test_each_kind_opens_its_own_panel(
    loaded: InteractiveShell, monkeypatch: pytest.MonkeyPatch, kind: str, name: str
) -> None:
    monkeypatch.setattr(loaded, "kernel", object(), raising=False)
    panel = loaded.run_line_magic("cypher_panel", kind)
    assert type(panel).__name__ == name
    panel.close()


def test_a_panel_that_reads_examples_opens_a_file_and_the_others_refuse_it(
    loaded: InteractiveShell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(loaded, "kernel", object(), raising=False)
    (tmp_path / "my pairs.csv").write_text("question,query\nWho?,RETURN 1 AS one\n")
    panel = loaded.run_line_magic("cypher_panel", f"data '{tmp_path}/my pairs.csv'")
    assert [card.table.source for card in panel.files] == ["my pairs.csv"]
    with pytest.raises(OptionError, match="The models panel takes no file"):
        loaded.run_line_magic("cypher_panel", "models x.csv")
    train = loaded.run_line_magic("cypher_panel", f"train '{tmp_path}/my pairs.csv' --val '{tmp_path}/my val.csv'")
    assert (train.data.train.source, train.data.val.source) == (f"{tmp_path}/my pairs.csv", f"{tmp_path}/my val.csv")
    with pytest.raises(OptionError, match="The review panel takes no --val"):
        loaded.run_line_magic("cypher_panel", "review x.csv --val y.csv")


def test_an_unknown_panel_is_refused_with_the_closest_name(loaded: InteractiveShell) -> None:
    with pytest.raises(OptionError, match="did you mean train"):
        loaded.run_line_magic("cypher_panel", "trian")


def test_help_has_two_examples() -> None:
    assert len(COMMANDS["%cypher_panel"].examples) == 2
