"""Kept examples: each question once, and no other byte of the file is touched."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cypher_magic.data.example import Example, Turn
from cypher_magic.data.keep import keep
from cypher_magic.errors import DataError

ONE = Example("Who directed Alien?", "RETURN 1")
BEFORE = Example("and who else?", "RETURN 2", history=(Turn("Who directed Alien?", "RETURN 1", ("n",), ((1,),)),))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "mine.jsonl"


def test_a_new_question_is_added_behind_what_is_there(file: Path) -> None:
    assert keep(ONE, file) == keep(BEFORE, file) == ""
    assert [json.loads(line) for line in file.read_text().splitlines()] == [
        {"question": "Who directed Alien?", "query": "RETURN 1"},
        {
            "question": "and who else?",
            "query": "RETURN 2",
            "history": [{"question": "Who directed Alien?", "query": "RETURN 1"}],
        },
    ]


def test_the_same_question_with_the_same_query_is_there_already(file: Path) -> None:
    keep(ONE, file)
    before = file.read_bytes()
    assert keep(ONE, file) == f"{file} has this example already, in line 1."
    assert keep(Example("  who DIRECTED\talien ", "RETURN 1"), file).endswith("in line 1.")
    assert file.read_bytes() == before


def test_another_query_takes_the_place_of_the_one_before_and_every_other_byte_stays(file: Path) -> None:
    rows = [
        b'\xef\xbb\xbf{"question":"Who directed ALIEN", "kind": "lookup",  "query": "RETURN 0"}\r\n',
        b'{"question": "a",   "query": "\\u00e4"}\r\n',
        b"\n",
        b"no json\n",
        b'["Who directed Alien?", "RETURN 0"]\n',
        b'{"question": "Who directed Alien?", "query": "RETURN 0", "database": "other"}\n',
        b'{"question": "Who directed Alien?", "query": 5}\n',
        b'{"question": "the last", "query": "RETURN 9"}',
    ]
    file.write_bytes(b"".join(rows))
    assert "in line 1; this one has taken its place" in keep(ONE, file)
    first, *others = file.read_bytes().split(b"\n", 1)
    assert first == b'\xef\xbb\xbf{"question": "Who directed ALIEN", "kind": "lookup", "query": "RETURN 1"}\r'
    assert others == [b"".join(rows[1:])]
    assert list(file.parent.iterdir()) == [file]


def test_of_several_rows_with_the_question_the_last_is_changed_unless_one_has_the_query(file: Path) -> None:
    rows = [{"question": ONE.question, "query": f"RETURN {n}"} for n in (5, 6)]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert keep(ONE, file)
    assert [json.loads(line)["query"] for line in file.read_text().splitlines()] == ["RETURN 5", "RETURN 1"]
    assert "line 1" in keep(Example(ONE.question, "RETURN 5"), file)


def test_the_same_words_after_other_turns_are_another_question(file: Path) -> None:
    keep(BEFORE, file)
    assert keep(Example(BEFORE.question, "RETURN 3"), file) == ""
    other = Turn("Who directed Alien?", "RETURN 8")
    assert keep(Example(BEFORE.question, "RETURN 3", history=(other,)), file) == ""
    assert "taken its place" in keep(Example(BEFORE.question, "RETURN 3", history=BEFORE.history), file)
    assert len(file.read_text().splitlines()) == 3


def test_a_file_behind_a_link_is_changed_where_it_is_and_keeps_its_rights(file: Path, tmp_path: Path) -> None:
    keep(ONE, file)
    file.chmod(0o640)
    link = tmp_path / "link.jsonl"
    link.symlink_to(file)
    assert "taken its place" in keep(Example(ONE.question, "RETURN 7"), link)
    assert link.is_symlink() and json.loads(file.read_text())["query"] == "RETURN 7"
    assert file.stat().st_mode & 0o777 == 0o640


def test_a_place_that_can_not_be_written_is_one_line_and_the_file_stays_whole(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in (file.parent, file.parent / "nowhere" / "mine.jsonl"):
        with pytest.raises(DataError, match="can not be written"):
            keep(ONE, place)
    keep(ONE, file)
    before = file.read_bytes()

    def full(self: Path, content: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(DataError, match="No space left"):
        keep(Example(ONE.question, "RETURN 7"), file)
    assert file.read_bytes() == before and list(file.parent.iterdir()) == [file]
