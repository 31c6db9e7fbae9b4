from __future__ import annotations

from typing import TYPE_CHECKING

import psutil

from cypher_magic.model.room import Room, container_limit, room

if TYPE_CHECKING:
    from pathlib import Path


def group(folder: Path, most: str, used: str, cached: int) -> Path:
    (folder / "memory.max").write_text(f"{most}\n")
    (folder / "memory.current").write_text(f"{used}\n")
    (folder / "memory.stat").write_text(f"anon 5\ninactive_file {cached}\n")
    return folder


def test_a_container_has_what_its_group_leaves_it(tmp_path: Path) -> None:
    assert container_limit(group(tmp_path, "1000", "700", 200)) == Room(500, 1000)
    assert container_limit(group(tmp_path, "1000", "1400", 200)) == Room(0, 1000)


def test_a_group_without_a_limit_says_nothing(tmp_path: Path) -> None:
    assert container_limit(tmp_path) is None
    assert container_limit(group(tmp_path, "max", "700", 0)) is None


def test_old_groups_are_read_too_and_their_word_for_no_limit(tmp_path: Path) -> None:
    old = tmp_path / "memory"
    old.mkdir()
    (old / "memory.limit_in_bytes").write_text("4000\n")
    (old / "memory.usage_in_bytes").write_text("1000\n")
    (old / "memory.stat").write_text("total_inactive_file 500\n")
    assert container_limit(tmp_path) == Room(3500, 4000)
    (old / "memory.limit_in_bytes").write_text("9223372036854771712\n")
    assert container_limit(tmp_path) is None


def test_this_machine_has_memory_and_not_more_than_is_built_in() -> None:
    there = room("cpu")
    assert 0 < there.free <= there.total <= psutil.virtual_memory().total
