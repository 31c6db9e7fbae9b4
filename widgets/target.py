"""Where a panel saves examples: a name, and whether a file that is there may be replaced."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import ipywidgets as widgets

from cypher_magic.data.files import Stamp, stamp
from cypher_magic.errors import OptionError
from cypher_magic.widgets.panel import LABEL

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class Target(widgets.Text):
    """The name of the file that examples go to; `replace` is a box to tick for a file that was not written here."""

    def __init__(self, name: str, placeholder: str, tooltip: str) -> None:
        super().__init__(
            description=name,
            placeholder=placeholder,
            tooltip=tooltip,
            layout=widgets.Layout(flex="1 1 16em", width="auto", max_width="34em"),
            style=LABEL,
        )
        self.replace = widgets.Checkbox(
            description="replace a file there", indent=False, layout=widgets.Layout(width="auto")
        )
        self._written: dict[Path, Stamp | None] = {}

    @property
    def path(self) -> Path:
        """The file that is named; OptionError where none is."""
        name = self.value.strip()
        if not name:
            raise OptionError("Where are the examples to go?", hint=f"name a file: {self.placeholder}")
        return Path(name).expanduser()

    @property
    def written(self) -> list[Path]:
        """The files that were written here."""
        return list(self._written)

    @contextmanager
    def writing(self, *paths: Path, sources: Iterable[Path | None]) -> Iterator[None]:
        """Write these files inside; OptionError for one of the sources, and for a file that was not written here."""
        opened = {source.resolve() for source in sources if source is not None}
        for path in paths:
            if path.resolve() in opened:
                raise OptionError(f"{path} is open here and is not written over.", hint="save under another name")
            if not self.replace.value and stamp(path) not in (None, self._written.get(path.resolve())):
                hint = f"tick '{self.replace.description}', or save under another name"
                raise OptionError(f"There is a file {path} already.", hint=hint)
        yield
        self._written |= {path.resolve(): stamp(path) for path in paths}
        self.replace.value = False


def quoted(path: Path) -> str:
    """The path as one word of a magic's line."""
    name = str(path)
    if not any(c.isspace() or c in "\"'" for c in name) and not name.startswith("-"):
        return name
    mark = "'" if '"' in name else '"'
    return f"{mark}{name}{mark}"
