"""What was decided about examples, kept as JSON lines beside their file.

Every decision is written at once and the whole file in one step, so that it is never half a file. Decisions hang on
what an example says, not on its place: rows may be added to a file, or sorted, between two sittings.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from cypher_magic.data.files import Stamp, stamp, write_whole
from cypher_magic.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

Verdict = Literal["accept", "edit", "reject"]
_VERDICTS = ("accept", "edit", "reject")


@dataclass(frozen=True)
class Decision:
    """What was decided about one example; `question` and `query` are those of an edit, `reason` that of a rejection."""

    key: str
    verdict: Verdict
    question: str = ""
    query: str = ""
    reason: str = ""
    when: str = ""


class Decisions:
    """All decisions in the order in which they were made; `path` keeps them, None keeps them nowhere.

    Raises DataError, naming the line, for a file that holds something else.
    """

    def __init__(self, path: str | Path | None = None) -> None:
        self.path = Path(path).expanduser() if path is not None else None
        self._stamp: Stamp | None = None
        self._made = self._read() if self.path is not None and self.path.exists() else []

    @property
    def by_key(self) -> dict[str, Decision]:
        """The decision about each example: the last one made."""
        return {d.key: d for d in self._made}

    def add(self, decision: Decision) -> None:
        """Keep one more decision. DataError where it can not be written, or the file was changed by somebody else."""
        self._write([*self._made, replace(decision, when=datetime.now(UTC).isoformat(timespec="seconds"))])

    def take_back(self, keys: Container[str]) -> Decision | None:
        """Forget the last decision about one of these examples and return it; None when there is none."""
        last = next((n for n in reversed(range(len(self._made))) if self._made[n].key in keys), None)
        if last is None:
            return None
        found = self._made[last]
        self._write([*self._made[:last], *self._made[last + 1 :]])
        return found

    def _read(self) -> list[Decision]:
        assert self.path is not None
        try:
            text = self.path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as exc:
            raise DataError(f"The decisions in {self.path} can not be read.", hint="is it the right file?") from exc
        self._stamp = stamp(self.path)
        lines = enumerate(text.split("\n"), 1)  # splitlines() would cut texts
        return [_decision(line, self.path, number) for number, line in lines if line.strip()]

    def _write(self, made: Sequence[Decision]) -> None:
        if self.path is not None:
            if stamp(self.path) != self._stamp:
                raise DataError(f"{self.path.name} was changed elsewhere.", hint="open the review again")
            lines = (json.dumps({k: v for k, v in asdict(d).items() if v}, ensure_ascii=False) for d in made)
            try:
                write_whole(self.path, "".join(f"{line}\n" for line in lines))
            except OSError as exc:
                raise DataError(
                    f"The decision can not be kept in {self.path}: {exc.strerror or exc}.",
                    hint="is the disk full, or the folder write-protected?",
                ) from exc
            self._stamp = stamp(self.path)
        self._made = list(made)


def beside(path: str | Path) -> Path:
    """Where the decisions about a file of examples are kept: pairs.jsonl has pairs.review.jsonl beside it."""
    path = Path(path).expanduser()
    return path.with_name(f"{path.stem}.review.jsonl")


def _decision(line: str, path: Path, number: int) -> Decision:
    try:
        values = json.loads(line)
        found = Decision(**values)
        told = all(isinstance(v, str) for v in values.values()) and found.verdict in _VERDICTS
        if not told or (found.verdict == "edit" and not (found.question and found.query)):
            raise ValueError("no verdict, or an edit without its texts")
    except (ValueError, TypeError, AttributeError, RecursionError) as exc:
        shown = line.strip() if len(line) <= 80 else line.strip()[:79] + "…"
        raise DataError(
            f"{path.name}, line {number} is no decision: {shown}", hint="delete this line; the others stay as they are"
        ) from exc
    return found
