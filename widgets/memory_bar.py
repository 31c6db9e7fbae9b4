"""The bar that says whether training fits into the memory of this device, and what would fit where it does not."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, replace
from html import escape
from typing import TYPE_CHECKING

import ipywidgets as widgets

from cypher_magic.errors import CypherMagicError, OptionError
from cypher_magic.model.catalogue import find
from cypher_magic.model.room import Room, room
from cypher_magic.places import runs_dir
from cypher_magic.training.devices import Choice, choices
from cypher_magic.training.fits import TYPICAL, fewer, gigabytes, peak, proposal
from cypher_magic.training.queue import holding
from cypher_magic.widgets.samples import one_line
from cypher_magic.widgets.status import faint

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cypher_magic.training.dry_run import DryRun
    from cypher_magic.training.settings import TrainingSettings

TIGHT = 0.85  # of the free memory: what is above may not fit, the estimate is within 15 %
_FRESH = 60.0  # seconds for which what a GPU had free is taken for what it has
_FITS, _TIGHT, _TOO_MUCH = "#2c9a4b", "#b7791f", "#d1453b"
_STYLE = (
    "<style>.cm-memory{max-width:720px;line-height:1.45}.cm-memory .cm-all{height:9px;border-radius:4px;display:flex;"
    "overflow:hidden;background:rgba(128,128,128,.22);margin:.2em 0}"
    ".cm-memory .cm-taken{background:rgba(128,128,128,.6)}</style>"
)


@dataclass(frozen=True)
class Need:
    """What training takes at its peak and what the device has, in bytes; `better` is what would fit instead.

    `of_these` says that it was computed for the examples at hand, not for typical ones.
    """

    peak: float
    free: float
    total: float
    device: str
    better: str = ""
    of_these: bool = False
    time: str = ""

    @property
    def words(self) -> str:
        """The verdict in words."""
        text = f"Memory: about {gigabytes(self.peak)} of {gigabytes(self.free)} that are free on {self.device}"
        if self.peak > self.free:
            text += f": does not fit; {self.better or 'no backbone of the catalogue'} would"
        else:
            text += ": fits" if self.peak <= TIGHT * self.free else ": fits, but only just"
        return text + ("" if self.of_these else " (a schema of 900 tokens; Dry run counts yours)")

    @property
    def html(self) -> str:
        """A bar of all the memory: what others take, what training would take; and the words."""
        colour = _TOO_MUCH if self.peak > self.free else _TIGHT if self.peak > TIGHT * self.free else _FITS
        taken = (self.total - self.free) / self.total
        wanted = min(self.peak / self.total, 1 - taken)
        mark = "✗" if colour == _TOO_MUCH else "✓"
        time = f"<div>Time: {escape(one_line(self.time))}</div>" if self.time else ""
        return (
            f'{_STYLE}<div class="cm-memory"><div class="cm-all" role="img" aria-label="{escape(self.words)}">'
            f'<div class="cm-taken" style="width:{taken:.1%}" title="in use"></div>'
            f'<div style="width:{wanted:.1%};background:{colour}" title="training"></div></div>'
            f'<div><b style="color:{colour}">{mark}</b> {escape(self.words)}</div>{time}</div>'
        )


def typical(settings: TrainingSettings, choices: Sequence[Choice]) -> Need | None:
    """What these settings take with examples of the usual size; None for a backbone whose shape is not known yet.

    `choices` are the devices that there are; raises `OptionError` when the one that is wanted is not among them.
    """
    shape = find(settings.backbone)
    if shape is None:
        return None
    chosen = next(c for c in choices if (c.device, c.precision) == (settings.device, settings.precision))
    if chosen.error:
        raise OptionError(chosen.error, hint=chosen.hint)
    work = replace(
        fewer(TYPICAL, settings.pack_examples),
        rank=settings.lora_rank,
        precision=chosen.number_format,
        checkpointing=settings.gradient_checkpointing == "on",
        kind=chosen.kind,
    )
    work = replace(work, tokens=min(work.tokens, settings.pack_tokens))
    there = room("cpu") if chosen.kind == "cpu" else Room(chosen.free, chosen.total)
    waits = holding(runs_dir(), chosen.kind) is not None  # until the run that trains there has ended
    free = there.total if waits else there.free
    needed = peak(shape, work)
    better = proposal(shape, work, free) if needed > free else ""
    return Need(needed, free, there.total, chosen.name, better)


def found(run: DryRun) -> Need:
    """What a dry run found out about memory and time."""
    f = run.forecast
    better = proposal(f.shape, f.work, f.room.free) if f.complaint() else ""
    time = dict(run.facts).get("time", "")
    return Need(f.memory.total, f.room.free, f.room.total, str(f.device), better, of_these=True, time=time)


class MemoryBar(widgets.HTML):
    """The bar for the settings that `wanted` gives; looked at in a thread, because asking PyTorch takes seconds."""

    def __init__(self, wanted: Callable[[], TrainingSettings]) -> None:
        super().__init__(layout=widgets.Layout(width="100%"))
        self.need: Need | None = None
        self._wanted = wanted
        self._asked = self._looking = False
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._choices: list[Choice] = []
        self._age = 0.0

    def look(self) -> threading.Thread:
        """Look at the device and show the bar; what is asked for meanwhile is looked at too."""
        if self.need is None:
            self.value = faint("Memory: looking at this device")
        with self._lock:
            self._asked = True
            if not self._looking or self._thread is None:
                self._looking = True
                self._thread = threading.Thread(target=self._work, name="cypher_magic memory", daemon=True)
                self._thread.start()
            return self._thread

    def show(self, need: Need | None) -> None:
        """Show this."""
        self.need = need
        self.value = need.html if need is not None else faint("Memory: Dry run tells what this backbone takes")

    def _work(self) -> None:
        while self._is_asked():
            try:
                if not self._choices or time.monotonic() - self._age > _FRESH:
                    self._choices, self._age = choices(), time.monotonic()
                self.show(typical(self._wanted(), self._choices))
            except Exception as error:  # a thread has no caller that could be told
                kind = "" if isinstance(error, CypherMagicError) else f"{type(error).__name__}: "
                self.need = None
                self.value = faint(one_line(f"✗ {kind}{error}"))

    def _is_asked(self) -> bool:
        """Whether to look again; when not, the next `look` starts another thread."""
        with self._lock:
            self._looking, self._asked = self._asked, False
            return self._looking
