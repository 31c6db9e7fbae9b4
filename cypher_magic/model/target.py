"""The folder that an export goes to: it is filled out of sight, and is there whole or as it was before.

A new one is built beside its place and appears there by one rename. One that is there already stays, as it may be a
mount point or the folder of the notebook, and gets the files.
"""

from __future__ import annotations

import shutil
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from cypher_magic.errors import ModelError, OptionError
from cypher_magic.model.facts import own_files

if TYPE_CHECKING:
    from collections.abc import Iterator


def find_target(to: str | Path, *, force: bool) -> Path:
    """The folder's whole path; `OptionError` where there can be none, and where something is that must stay."""
    try:
        folder = Path(to).expanduser().resolve()
        _refuse_overwriting(folder, force=force)
    except (OSError, ValueError, RuntimeError) as exc:  # a zero in its name; the home of nobody
        reason = str(getattr(exc, "strerror", None) or exc).rstrip(".")
        raise OptionError(f"{str(to)[:80]!r} can not be the folder: {reason}.", hint="name another one") from exc
    return folder


@contextmanager
def filled(to: Path, *, force: bool) -> Iterator[Path]:
    """A new folder whose files are at `to` when all went well; when not, they are gone and `to` is as it was."""
    from safetensors import SafetensorError

    outer: Path | None = None
    try:
        place = to if to.is_dir() else to.parent
        place.mkdir(parents=True, exist_ok=True)
        outer = Path(tempfile.mkdtemp(prefix=".export-", dir=place))
        building = outer / "new"
        building.mkdir()  # which others may read, where mkdtemp's are for nobody else
        yield building
        _refuse_overwriting(to, force=force, besides=outer.name)  # it may have come, or got files, since
        _put(outer, to)
    except (OSError, SafetensorError) as exc:  # safetensors writes files itself and wraps what the system says
        reason = getattr(exc, "strerror", None) or str(exc).partition("\n")[0]
        raise ModelError(
            f"The export can not be stored at {to}: {reason}.", hint="free some space, or name another folder"
        ) from exc
    finally:
        if outer is not None:
            shutil.rmtree(outer / "new", ignore_errors=True)
            for left in (outer / "old", outer):
                with suppress(OSError):  # what was there before, and could not be put back, is kept
                    left.rmdir()


def _refuse_overwriting(to: Path, *, force: bool, besides: str = "") -> None:
    try:
        found = {path.name for path in to.iterdir()} - {besides}
    except FileNotFoundError:
        return
    if not found:
        return
    own = own_files(to)
    if not own:
        raise OptionError(f"{to} is no export of ours: it is not replaced.", hint="name another folder")
    if not force:
        hint = "name another folder, or have it replaced: --force, or the box beside Export in the panel"
        raise OptionError(f"{to} is there already.", hint=hint)
    if others := sorted(found - own):
        more = f" and {len(others) - 1} more" if others[1:] else ""
        raise OptionError(
            f"{to} holds what is not the export's: {others[0]}{more}. It is not replaced.",
            hint="move that away, or name another folder",
        )


def _put(outer: Path, to: Path) -> None:
    new, old = outer / "new", outer / "old"
    if not to.exists():
        new.rename(to)
        return
    old.mkdir()
    moves = [(path, old / path.name) for path in to.iterdir() if path != outer]
    moves += [(path, to / path.name) for path in new.iterdir()]
    try:
        for source, goal in moves:
            source.rename(goal)
    except BaseException:
        for source, goal in reversed(moves):
            if goal.exists() and not source.exists():
                goal.rename(source)
        raise
    shutil.rmtree(old, ignore_errors=True)
