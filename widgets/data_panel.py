"""The data panel: files, columns, the gate's report and repair, lengths, pairs from the graph, review, saving."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from cypher_magic.errors import CypherMagicError, DataError, OptionError
from cypher_magic.widgets.data import ACCEPTED
from cypher_magic.widgets.data_files import FileCard
from cypher_magic.widgets.folder import FolderFiles
from cypher_magic.widgets.generator import PairMaker
from cypher_magic.widgets.histogram import histogram
from cypher_magic.widgets.panel import LABEL, WorkingPanel, faint, graph_line, heading, row
from cypher_magic.widgets.review import ReviewPanel
from cypher_magic.widgets.status import roomy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cypher_magic.data.example import Example
    from cypher_magic.data.pairs import Pairs
    from cypher_magic.data.read import Dataset
    from cypher_magic.data.table import Table


class DataPanel(WorkingPanel):
    """Bring examples together, see what is wrong with them, mend it, review and save them.

    `data` and `val` are what `load_examples` takes. Everything it does is a call of `load_examples`, `generate_pairs`,
    `review` or `write_pairs`; `dataset` is the outcome. Uploaded bytes stay in Python, never in the saved notebook.
    """

    kind = "data"

    def __init__(self, data: Any = None, val: Any = None) -> None:
        super().__init__()
        self.files: list[FileCard] = []
        self.dataset: Dataset | None = None  # None: not read yet, or something was changed since
        self.reviewing: ReviewPanel | None = None
        self._paths: list[Path] = []  # of the files that were given by their path
        self._pairs: dict[tuple[str, ...], Example] = {}  # what was generated, with its family
        self._version = 0  # counts changes: lengths that come late belong to other examples
        self.graph = widgets.HTML()
        self.cards = widgets.VBox()
        self.review_place = widgets.VBox()
        self.maker = PairMaker(self.status, self._take_pairs)
        self._make_adding()
        self._make_checking()
        self._make_saving()
        self.children = [
            self.graph,
            heading("Examples"),
            row(self.path, self.add, self.upload),
            self.folder,
            self.cards,
            row(self.check, self.repair, self.holdout, self.misfits),
            self.state,
            self.report,
            self.lengths,
            heading("Pairs from the graph"),
            self.maker,
            heading("Review and save"),
            row(self.review, self.target, self.save),
            self.review_place,
        ]
        self.status.guarded(lambda: self._open(data, val))()

    def _make_adding(self) -> None:
        self.path = widgets.Text(
            description="File",
            placeholder="path of a file, or hf:owner/name",
            tooltip="CSV, TSV, JSONL, JSON, Parquet or ZIP with questions and queries; Enter adds it",
            layout=widgets.Layout(flex="1 1 22em", width="auto"),
            style=LABEL,
        )
        self.add = self.button("Add", "add this file to the examples", "plus", self._add)
        self.upload = widgets.FileUpload(
            accept=ACCEPTED,
            multiple=True,
            tooltip="upload files, several at once; for files above 10 MB give a path instead",
            layout=widgets.Layout(width="auto", min_width="6.5em"),
        )
        self.folder = FolderFiles(self._chosen, lambda: {card.table.source.partition("/")[0] for card in self.files})
        self.path.on_msg(self._submitted)
        self.upload.observe(self._uploaded, "value")

    def _make_checking(self) -> None:
        self.check = self.button("Check", "read the examples and report on them", "check", self._check, main=True)
        self.repair = self.button(
            "Repair", "drop repeated, leaked and broken examples, correct what can be corrected", "wrench", self._repair
        )
        self.holdout = widgets.BoundedFloatText(
            value=0.1,
            min=0.0,
            max=0.9,
            step=0.05,
            description="Set aside",
            tooltip="without validation examples, this share of the training examples becomes them; 0 for none",
            layout=widgets.Layout(width="15em"),
            style=LABEL,
        )
        self.misfits = widgets.Checkbox(
            description="Repair also drops what the graph does not have",
            indent=False,
            layout=widgets.Layout(width="auto"),
        )
        self.holdout.observe(lambda _: self._stale(), "value")
        self.report = widgets.HTML(layout=widgets.Layout(max_height="40em", overflow="auto"))
        self.lengths = widgets.HTML()

    def _make_saving(self) -> None:
        self.review = self.button(
            "Review", "go through the examples one by one, the doubtful first", "list", self._review
        )
        self.target = widgets.Text(
            description="Save as",
            placeholder="examples.jsonl",
            tooltip="a .jsonl file, or .csv (question and query only); validation examples go beside it",
            layout=widgets.Layout(flex="1 1 16em", width="auto", max_width="34em"),
            style=LABEL,
        )
        self.save = self.button("Save", "write the examples", "save", self._save)

    # Bringing files

    def _open(self, data: Any, val: Any) -> None:
        self.graph.value = graph_line()
        for source, part in ((data, ""), (val, "val")):
            if source is not None:
                self._read(source, part)

    def _add(self) -> None:
        source = self.path.value.strip()
        if not source:
            raise OptionError("There is no file to add.", hint="write its path into the box, or upload it")
        if not self.add.disabled:  # Enter may be pressed twice
            self.status.say(f"reading {source}")
            self.status.background(lambda: self._added(source), self.add)

    def _added(self, source: str) -> None:
        self._read(source)
        self.path.value = ""

    def _chosen(self, paths: Sequence[Path]) -> None:
        self.status.say(f"reading {', '.join(path.name for path in paths)}")
        self.status.background(lambda: self._read([*paths]), *self.folder.buttons.children)

    def _submitted(self, _: Any, content: dict[str, Any], __: Any) -> None:
        if content.get("event") == "submit":  # Enter in the box
            self.status.guarded(self._add)()

    def _uploaded(self, change: dict[str, Any]) -> None:
        files = [{"name": f["name"], "content": bytes(f["content"])} for f in change["new"]]
        if files:
            self.upload.value = ()  # the bytes must not stay in the widget's state
            self.status.guarded(lambda: self._read(files))()

    def _read(self, source: Any, part: str = "") -> None:
        from cypher_magic.data.sources import part_of, tables

        found = tables(source)
        paths = source if isinstance(source, list) else [source]
        given = [Path(path).expanduser() for path in paths if isinstance(path, str | Path)]
        self._paths += [path for path in given if path.is_file()]
        others = bool(self.files) or len(found) > 1
        for table in found:
            guess = part_of(table.source) if others else ""  # a lone file is for training whatever its name
            self._put(replace(table, part=part or table.part or guess or "train"))
        names = ", ".join(t.source for t in found)
        self.status.say(f"{names}: {sum(len(t.rows) for t in found):,} rows; Check reads them")

    def _put(self, table: Table, *, ours: bool = False) -> None:
        from cypher_magic.data.read import names_apart

        named = names_apart([*(card.table for card in self.files), table])[-1]
        self._show([*self.files, FileCard(named, self._stale, self._remove, ours=ours)])

    def _remove(self, card: FileCard) -> None:
        self._show([c for c in self.files if c is not card])
        self.status.say(f"{card.table.source} is left out")

    def _show(self, files: Sequence[FileCard]) -> None:
        self.files = list(files)
        self.cards.children = tuple(files)
        self.folder.look()
        self._stale()

    def _stale(self) -> None:
        """Forget what was read: something was changed."""
        self.dataset = None
        self._version += 1
        self.report.value = self.lengths.value = ""

    def _take_pairs(self, pairs: Pairs) -> None:
        from cypher_magic.data.sources import tables

        self._pairs |= {_said(p): p for p in pairs}
        table = replace(tables(pairs.examples)[0], source=f"pairs from {_graph_name()}")
        self._put(table, ours=True)
        self.status.say(f"{len(pairs):,} pairs are made. {pairs.note} Review or save them below".replace("  ", " "))

    # Looking at them

    def _check(self) -> None:
        self._work_on(fix=False)

    def _repair(self) -> None:
        self._work_on(fix=True)

    def _work_on(self, *, fix: bool) -> None:
        if not self.files:
            raise DataError("There are no examples.", hint="add a file, upload one, or generate pairs")
        self.graph.value = graph_line()
        self.status.say("reading the examples")
        self.status.background(lambda: self._load(fix=fix), self.check, self.repair, self.review, self.save)

    def _load(self, *, fix: bool = False) -> Dataset:
        """Read the examples, show the report, and have their lengths counted."""
        from cypher_magic import session

        version, tables = self._version, [card.table for card in self.files]
        share = self.holdout.value if not any(t.part == "val" for t in tables) and self.holdout.value else None
        dataset = session.load_examples(
            *tables,
            columns={card.table.source: card.told for card in self.files if card.told},
            fix=fix,
            drop_misfits=fix and self.misfits.value,
            holdout=share,
        )
        if version != self._version:
            raise DataError("The choice was changed while the examples were read.", hint="press Check again")
        self._version = version = version + 1
        self.dataset = dataset
        self.report.value = roomy(dataset._repr_html_())
        left = len(dataset.report.errors)
        count = f"{len(dataset.train):,} training and {len(dataset.val):,} validation examples"
        advice = "Repair mends what can be mended" if not fix else "correct the rest in the files, or leave it"
        self.status.say(f"{count}; {left} kinds of errors: {advice}" if left else f"{count}, without errors")
        self.lengths.value = faint("counting tokens")
        self.status.background(lambda: self._count(dataset, version))
        return dataset

    def _count(self, dataset: Dataset, version: int) -> None:
        from cypher_magic import session
        from cypher_magic.training.settings import TrainingSettings

        examples = [*dataset.train, *dataset.val]
        try:
            lengths = session.token_lengths(examples, instruction=dataset.prefix)
            shown = histogram(lengths, limit=TrainingSettings().max_tokens)
        except CypherMagicError as error:  # words tell something too
            words = [len(f"{e.question} {e.query}".split()) for e in examples]
            shown = histogram(words, unit="words") + faint(error.message)
        if version == self._version:
            self.lengths.value = roomy(shown)

    # Taking them along

    def _ready(self) -> Dataset:
        if self.dataset is None and not self.files:
            raise DataError("There are no examples.", hint="add a file, upload one, or generate pairs")
        return self.dataset or self._load()

    def _own(self, examples: Sequence[Example]) -> list[Example]:
        """The examples, those that were generated with what they were made of."""
        return [replace(self._pairs.get(_said(e), e), source=None, row=None) for e in examples]

    def _review(self) -> None:
        self.status.say("opening the review")
        self.status.background(self._open_review, self.review)

    def _open_review(self) -> None:
        from cypher_magic import session
        from cypher_magic.data.decisions import beside

        dataset = self._ready()
        named = self.target.value.strip() or (str(self._paths[0]) if self._paths else "")
        queue = session.review(self._own([*dataset.train, *dataset.val]), decisions=beside(named) if named else None)
        self._end_review()
        self.reviewing = ReviewPanel(queue, embedded=True)
        self.review_place.children = (self.reviewing,)
        hint = "" if named else "; name a file under Save as first, if the decisions shall be kept"
        self.status.say(f"{len(queue)} examples to review{hint}")

    def _save(self) -> None:
        name = self.target.value.strip()
        if not name:
            raise OptionError("Where are the examples to go?", hint="name a file: examples.jsonl")
        self.status.say("writing")
        self.status.background(lambda: self._write(Path(name).expanduser()), self.save)

    def _write(self, path: Path) -> None:
        from cypher_magic.data.pairs import write_pairs

        dataset = self._ready()
        written = []
        for examples, target in ((dataset.train, path), (dataset.val, path.with_stem(f"{path.stem}.val"))):
            if examples:
                written.append(write_pairs(self._own(examples), target))
        left = sum(bool(e.history) for e in (*dataset.train, *dataset.val)) if path.suffix.lower() == ".csv" else 0
        without = f", without {left} follow-ups (.jsonl keeps them)" if left else ""
        train = f"; %cypher_panel train {path} trains on it"
        self.status.say(f"written: {', '.join(map(str, written))}{without}{train}")

    def shown(self) -> None:
        """From now on files that come into the folder are offered."""
        self.folder.watch()

    def close(self) -> None:
        """Take the panel away, and the review in it."""
        self.folder.close()
        self._end_review()
        super().close()

    def _end_review(self) -> None:
        """First out of sight: what is closed can not be saved, and a notebook saves all that is in sight."""
        self.review_place.children = ()
        if self.reviewing is not None:
            self.reviewing.close()


def _said(example: Example) -> tuple[str, ...]:
    return (*(t.question for t in example.history), example.question, example.query)


def _graph_name() -> str:
    from cypher_magic import session

    return next((c.name for c in session.connections()), "")
