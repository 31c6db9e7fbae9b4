"""The data panel: files, columns, the gate's report and repair, lengths, pairs from the graph, review, saving."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from cypher_magic.errors import CypherMagicError, DataError, OptionError
from cypher_magic.widgets.data import ACCEPTED, connection_name
from cypher_magic.widgets.data_files import Sources
from cypher_magic.widgets.folder import FolderFiles
from cypher_magic.widgets.generator import PairMaker
from cypher_magic.widgets.histogram import histogram
from cypher_magic.widgets.panel import LABEL, WorkingPanel, graph_line, heading, on_enter, row
from cypher_magic.widgets.review import ReviewPanel
from cypher_magic.widgets.status import faint, roomy
from cypher_magic.widgets.target import Target, quoted
from cypher_magic.widgets.work import Cancelled

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from cypher_magic.data.example import Example
    from cypher_magic.data.pairs import Pairs
    from cypher_magic.data.read import Dataset
    from cypher_magic.data.review import Review as Queue
    from cypher_magic.widgets.data_files import FileCard
    from cypher_magic.widgets.train import TrainPanel


class DataPanel(WorkingPanel):
    """Bring examples together, see what is wrong with them, mend it, review and save them.

    `data` and `val` are what `load_examples` takes. Everything it does is a call of `load_examples`, `generate_pairs`,
    `review` or `write_pairs`; `dataset` is the outcome. Uploaded bytes stay in Python, never in the saved notebook.
    """

    kind = "data"

    def __init__(self, data: Any = None, val: Any = None) -> None:
        super().__init__()
        self.dataset: Dataset | None = None  # None: not read yet, or something was changed since
        self.reviewing: ReviewPanel | None = None
        self.training: TrainPanel | None = None
        self._kept: Any = None  # the output below the panel that is saved with the notebook
        self._fixed = False  # whether Repair was pressed last, and not Check
        self._pairs: dict[tuple[str, ...], Example] = {}  # what was generated, with its family
        self._version = 0  # counts changes: lengths that come late belong to other examples
        self.graph = widgets.HTML()
        self.sources = Sources(self._changed, self.status.say)
        self.review_place, self.training_place = widgets.VBox(), widgets.VBox()
        self.at_check, self.at_make, self.at_save = (widgets.VBox() for _ in range(3))  # where it says what goes on
        self.maker = PairMaker(self.work, self._take_pairs)
        self._make_saving()
        self._make_adding()
        self._make_checking()
        self.near(self.at_check, self.path, self.add, self.check, self.repair)
        self.near(self.at_make, self.maker.make)
        self.near(self.at_save, self.target, self.review, self.save, self.train)
        self.say_at(self.at_check)
        self.children = [
            self.graph,
            heading("Examples"),
            row(self.path, self.add, self.upload),
            self.folder,
            self.sources,
            row(self.check, self.repair, self.holdout, self.misfits),
            self.at_check,
            self.report,
            self.lengths,
            heading("Pairs from the graph"),
            self.maker,
            self.at_make,
            heading("Review and save"),
            row(self.review, self.target, self.target.replace, self.save, self.train),
            self.at_save,
            self.review_place,
            self.training_place,
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
        self.folder = FolderFiles(self._chosen, self._known)
        on_enter(self.path, self.status.guarded(self._add))
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
            tooltip="without validation examples, this share of the training examples becomes them, 50 at least or a "
            "fifth of few; 0 for none",
            layout=widgets.Layout(width="15em"),
            style=LABEL,
        )
        self.misfits = widgets.Checkbox(
            description="Repair also drops what the graph does not have",
            indent=False,
            layout=widgets.Layout(width="auto"),
        )
        for choice in (self.holdout, self.misfits):
            choice.observe(lambda _: self._stale(), "value")
        self.report = widgets.HTML(layout=widgets.Layout(max_height="40em", overflow="auto"))
        self.lengths = widgets.HTML()

    def _make_saving(self) -> None:
        self.review = self.button(
            "Review", "go through the examples one by one, the doubtful first", "list", self._review
        )
        self.target = Target(
            "Save as",
            "examples.jsonl",
            "a .jsonl file, or .csv (question and query only); validation examples go beside it",
        )
        on_enter(self.target, self.status.guarded(self._save))
        self.save = self.button("Save", "write the examples, as they were reviewed", "save", self._save)
        self.train = self.button(
            "Train on these", "open a training panel below with these examples", "play", self._train
        )

    def _known(self) -> set[str]:
        """The names of files that are open here, or were written here."""
        return {path.name for path in (*self.sources.paths, *self.target.written)}

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
        self.work.start(lambda: self._added(source), f"reading {source}")

    def _added(self, source: str) -> None:
        self._read(source)
        if self.path.value.strip() == source:
            self.path.value = ""

    def _chosen(self, paths: Sequence[Path]) -> None:
        self.say_at(self.at_check)
        self.work.start(lambda: self._read([*paths]), f"reading {', '.join(path.name for path in paths)}")

    def _uploaded(self, change: dict[str, Any]) -> None:
        files = [{"name": f["name"], "content": bytes(f["content"])} for f in change["new"]]
        if files:
            self.upload.value = ()  # the bytes must not stay in the widget's state
            self.status.guarded(lambda: self._read(files))()

    @property
    def files(self) -> list[FileCard]:
        """The card of each source."""
        return self.sources.files

    def _read(self, source: Any, part: str = "") -> None:
        self.status.say(f"{self.sources.read(source, part)}; Check reads them")

    def _changed(self) -> None:
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
        table = replace(tables(pairs.examples)[0], source=f"pairs from {connection_name()}")
        self.sources.put(table)
        self.status.say(f"{len(pairs):,} pairs are made. {pairs.note} Review or save them below".replace("  ", " "))

    # Looking at them

    def _check(self) -> None:
        self._work_on(fix=False)

    def _repair(self) -> None:
        self._work_on(fix=True)

    def _work_on(self, *, fix: bool) -> None:
        self._refuse_nothing()
        self.graph.value = graph_line()
        self._start(lambda: self._load(fix=fix), "reading the examples")

    def _start(self, work: Callable[[], object], saying: str) -> None:
        """Do this work, and then count the lengths of what was read for it."""

        def worked() -> None:
            work()
            if self.dataset is not None and not self.lengths.value:
                self._count(self.dataset, self._version)

        self.work.start(worked, saying)

    def set_buttons(self) -> None:
        """One thing at a time."""
        super().set_buttons()
        for button in (self.add, self.check, self.repair, self.review, self.save, self.train, self.maker.make):
            button.disabled = self.work.running
        self.folder.set_busy(self.work.running)

    def _refuse_nothing(self) -> None:
        if not self.files:
            raise DataError("There are no examples.", hint="add a file, upload one, or generate pairs")

    def _load(self, *, fix: bool) -> Dataset:
        """Read the examples and show the report."""
        from cypher_magic import session

        self.sources.read_changed()
        version, tables = self._version, [card.table for card in self.files]
        share = self.holdout.value if not any(t.part == "val" for t in tables) and self.holdout.value else None
        dataset = session.load_examples(
            *tables,
            columns={card.table.source: card.told for card in self.files if card.told},
            fix=fix,
            drop_misfits=fix and self.misfits.value,
            holdout=share,
        )
        self.work.check()
        if version != self._version:
            raise DataError("The choice was changed while the examples were read.", hint="press Check again")
        self.dataset, self._fixed = dataset, fix
        self.report.value, self.lengths.value = roomy(dataset._repr_html_()), ""
        count = f"{len(dataset.train):,} training and {len(dataset.val):,} validation examples"
        advice = self._advice(len(dataset.report.errors))
        self.status.say(f"{count}; {advice}" if advice else f"{count}, without errors")
        return dataset

    def _advice(self, left: int) -> str:
        advice = "correct the rest in the files, or leave it" if self._fixed else "Repair mends what can be mended"
        return f"{left} {'kind' if left == 1 else 'kinds'} of errors: {advice}" if left else ""

    def _count(self, dataset: Dataset, version: int) -> None:
        from cypher_magic import session
        from cypher_magic.training.settings import TrainingSettings

        examples, said, shown = [*dataset.train, *dataset.val], self.status.value, ""
        self.lengths.value = faint("counting tokens")
        try:
            lengths = session.token_lengths(
                examples, instruction=dataset.prefix, progress=lambda _, __: self.work.check()
            )
            shown = histogram(lengths, limit=TrainingSettings().max_tokens)
        except CypherMagicError as error:  # words tell something too
            words = [len(f"{e.question} {e.query}".split()) for e in examples]
            shown = histogram(words, unit="words") + faint(error.message)
        except Cancelled:  # what was done before stays done, and said
            self.status.value, shown = said, faint("not counted")
        finally:
            if version == self._version:
                self.lengths.value = roomy(shown)

    # Taking them along

    def _ready(self) -> Dataset:
        self._refuse_nothing()
        self.sources.read_changed()
        return self.dataset or self._load(fix=self._fixed)

    def _own(self, examples: Sequence[Example]) -> list[Example]:
        """The examples, those that were generated with what they were made of."""
        return [replace(self._pairs.get(_said(e), e), source=None, row=None) for e in examples]

    def _review(self) -> None:
        named = self.target.value.strip()
        self._start(lambda: self._open_review(named), "opening the review")

    def _open_review(self, named: str) -> None:
        from cypher_magic import session
        from cypher_magic.data.decisions import beside

        dataset = self._ready()
        named = named or next(map(str, self.sources.paths), "")
        queue = session.review(self._own([*dataset.train, *dataset.val]), decisions=beside(named) if named else None)
        self.work.check()
        self._end_review()
        self.reviewing = ReviewPanel(queue, embedded=True)
        self.review_place.children = (self.reviewing,)
        hint = "" if named else "; name a file under Save as first, if the decisions shall be kept"
        self.status.say(f"{len(queue)} examples to review{hint}")

    def _taken(self) -> tuple[list[Example], list[Example], str]:
        """Training and validation examples as they were reviewed, and what there is to say about them."""
        dataset = self._ready()
        examples = self._own([*dataset.train, *dataset.val])
        queue = self._queue
        found = queue.verdicts(examples) if queue is not None else [(example, "") for example in examples]
        parts = found[: len(dataset.train)], found[len(dataset.train) :]
        train, val = ([example for example, verdict in part if verdict != "reject"] for part in parts)
        if not train:
            raise DataError("All training examples are rejected.", hint="Undo takes the last decision back")
        read = zip((*dataset.train, *dataset.val), found, strict=True)
        unseen = {(example.source, example.row) for example, (_, verdict) in read if not verdict}
        errors = [f for f in dataset.report.errors if any((f.source, row) in unseen for row in f.rows)]
        counts = Counter(verdict for _, verdict in found)
        reviewed = (
            f"{counts['reject']:,} rejected are left out, {counts['']:,} undecided are kept"
            if queue is not None
            else ""
        )
        return train, val, "; ".join(filter(None, (reviewed, self._advice(len(errors)))))

    @property
    def _queue(self) -> Queue | None:
        return self.reviewing.queue if self.reviewing is not None else None

    def _save(self) -> None:
        path = self.target.path
        self._start(lambda: self._write(path), "writing")

    def _write(self, path: Path) -> None:
        from cypher_magic.data.pairs import write_pairs

        train, val, said = self._taken()
        parts = {path: train} | ({path.with_stem(f"{path.stem}.val"): val} if val else {})
        decisions = self._queue.path if self._queue is not None else None
        with self.target.writing(*parts, sources=[*self.sources.paths, decisions]):
            for target, examples in parts.items():
                write_pairs(examples, target)
        left = sum(bool(e.history) for e in (*train, *val)) if path.suffix.lower() == ".csv" else 0
        without = f"without {left} follow-ups (.jsonl keeps them)" if left else ""
        names = " --val ".join(map(quoted, parts))
        told = (f"written: {', '.join(map(str, parts))}", without, said, f"%cypher_panel train {names} trains on them")
        self.status.say("; ".join(filter(None, told)))

    def _train(self) -> None:
        self._start(self._open_training, "opening the training")

    def _open_training(self) -> None:
        from cypher_magic.widgets.train import TrainPanel

        train, val, said = self._taken()
        self.work.check()
        self._end_training()
        self.training = TrainPanel(train, val or None)
        self.training_place.children = (self.training,)
        self.training.shown(self._kept)
        told = (f"{len(train):,} training and {len(val):,} validation examples go to the training below", said)
        self.status.say("; ".join(filter(None, told)))

    def shown(self) -> None:
        """From now on files that come into the folder are offered; below comes what is kept of a training."""
        from IPython.display import HTML, display

        self.folder.watch()
        self._kept = display(HTML("<span></span>"), display_id=True)

    def _end_review(self) -> None:
        """First out of sight: what is closed can not be saved, and a notebook saves all that is in sight."""
        self.review_place.children = ()
        if self.reviewing is not None:
            self.reviewing.close()

    def _end_training(self) -> None:
        self.training_place.children = ()
        if self.training is not None:
            self.training.close()


def _said(example: Example) -> tuple[str, ...]:
    return (*(t.question for t in example.history), example.question, example.query)
