"""Files of examples and decisions: written whole, and known again when somebody else changed them."""

from __future__ import annotations

from pathlib import Path

Stamp = tuple[int, int]  # when a file was changed, in nanoseconds, and its bytes


def stamp(path: str | Path) -> Stamp | None:
    """What tells a file from what it was before; None where there is none."""
    try:
        found = Path(path).expanduser().stat()
    except (OSError, RuntimeError, ValueError):  # also: no such user, or a text that is no path
        return None
    return found.st_mtime_ns, found.st_size


def write_whole(path: Path, text: str) -> None:
    """Write a file in one step, so that it is never half a file; OSError leaves it as it was.

    A link stays a link. A device or a pipe takes the text and is never replaced.
    """
    path = path.resolve()
    ordinary = path.is_file() or not path.exists()
    fresh = path.with_name(f"{path.name}.new") if ordinary else path
    try:
        fresh.write_text(text, "utf-8", errors="replace", newline="")  # a lone surrogate must not cost the rest
        if ordinary:
            fresh.replace(path)
    except OSError:
        if ordinary:
            fresh.unlink(missing_ok=True)
        raise
