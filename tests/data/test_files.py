"""Files are written whole, and what is no ordinary file is not replaced."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from cypher_magic.data.example import Example
from cypher_magic.data.files import stamp, write_whole
from cypher_magic.data.pairs import write_pairs


def test_a_file_that_can_not_be_written_whole_stays_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = write_pairs([Example("Who?", "RETURN 1")], tmp_path / "pairs.jsonl")
    before = kept.read_text()

    def full(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        write_whole(kept, "half")
    assert kept.read_text() == before and [file.name for file in tmp_path.iterdir()] == ["pairs.jsonl"]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "there.csv").write_text("old")
    (tmp_path / "here.csv").symlink_to("there.csv")
    write_whole(tmp_path / "here.csv", "new")
    assert (tmp_path / "here.csv").is_symlink() and (tmp_path / "there.csv").read_text() == "new"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")
def test_a_pipe_takes_the_text_and_stays_a_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    got: list[str] = []
    reader = threading.Thread(target=lambda: got.append((tmp_path / "pipe").read_text()), daemon=True)
    reader.start()
    write_whole(tmp_path / "pipe", "rows")
    reader.join(10)
    assert got == ["rows"] and (tmp_path / "pipe").is_fifo()


def test_the_stamp_tells_a_changed_file_and_one_that_is_gone(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    assert stamp(file) is None and stamp("hf:owner/name") is None and stamp("a\0b") is None
    file.write_text("1")
    before = stamp(file)
    file.write_text("12")
    assert None is not before != stamp(file)
