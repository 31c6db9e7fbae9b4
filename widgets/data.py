"""The part of a panel where examples come in: training and validation file, and what the gate says about them."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from cypher_magic.data.example import Example
from cypher_magic.data.files import Stamp, stamp
from cypher_magic.errors import DataError
from cypher_magic.widgets.panel import LABEL
from cypher_magic.widgets.status import roomy

if TYPE_CHECKING:
    from cypher_magic.data.read import Dataset

ACCEPTED = ".csv,.tsv,.jsonl,.json,.parquet,.zip"


class FilePicker(widgets.HBox):
    """A file by its path or by upload. The bytes of an upload stay in Python and never in the saved widget state."""

    def __init__(self, what: str, given: Any = None) -> None:
        is_path = given is not None and (isinstance(given, str) or hasattr(given, "__fspath__"))
        self.path = widgets.Text(
            value=str(given) if is_path else "",
            description=what,
            placeholder="path of a file, or hf:owner/name",
            continuous_update=False,
            tooltip="CSV, TSV, JSONL, JSON, Parquet or ZIP with questions and queries; or hf:owner/name from the Hub",
            layout=widgets.Layout(flex="1 1 22em", width="auto"),
            style=LABEL,
        )
        self.upload = widgets.FileUpload(
            accept=ACCEPTED, tooltip=f"upload {what.lower()} examples; for files above 10 MB give a path instead"
        )
        self.note = widgets.HTML(layout=widgets.Layout(margin="2px 0 0 4px"))
        self._held: Any = None if is_path else given
        if self._held is not None:
            ours = isinstance(given, list) and given and isinstance(given[0], Example)
            count = f"{len(given):,} {'example' if len(given) == 1 else 'examples'}" if ours else ""
            self.note.value = count or f"a {escape(type(given).__name__)} from the notebook"
        self.upload.observe(self._uploaded, "value")
        self.path.observe(self._typed, "value")
        row = widgets.Layout(width="100%", flex_flow="row wrap")
        super().__init__([self.path, self.upload, self.note], layout=row)

    @property
    def source(self) -> Any:
        """What `load_examples` takes: the path, the uploaded file, the object given in Python, or None."""
        return self.path.value.strip() or self._held

    def _uploaded(self, change: dict[str, Any]) -> None:
        if not change["new"]:
            return
        files = [{"name": f["name"], "content": bytes(f["content"])} for f in change["new"]]
        self.path.value = ""
        self._held = files
        size = sum(len(f["content"]) for f in files)
        self.note.value = f"{escape(', '.join(f['name'] for f in files))} ({size / 1e3:,.0f} kB)"
        self.upload.value = ()

    def _typed(self, change: dict[str, Any]) -> None:
        if change["new"].strip():
            self._held, self.note.value = None, ""


class DataChooser(widgets.VBox):
    """Training and validation examples with the gate's report."""

    def __init__(self, data: Any = None, val: Any = None) -> None:
        self.train = FilePicker("Training", data)
        self.val = FilePicker("Validation", val)
        self.fix = widgets.Checkbox(
            description="repair what the check finds",
            tooltip="drop repeated, leaked and broken examples, correct what can be corrected",
            indent=False,
            layout=widgets.Layout(width="auto"),
        )
        self.check = widgets.Button(
            description="Check the data",
            tooltip="read the examples and report on them, before any training",
            icon="check",
        )
        self.report = widgets.HTML(layout=widgets.Layout(max_height="22em", overflow="auto"))
        self._loaded: tuple[tuple[Any, ...], tuple[Stamp | None, ...], Dataset] | None = None
        buttons = widgets.HBox([self.check, self.fix], layout=widgets.Layout(flex_flow="row wrap"))
        super().__init__([self.train, self.val, buttons, self.report])

    def dataset(self) -> Dataset:
        """The examples, read anew only when something was changed here or in the files; shows the report.

        Without a validation file a tenth of the training examples is set aside. DataError when no file is given.
        """
        from cypher_magic import session

        train, val = self.train.source, self.val.source
        if train is None:
            raise DataError("There are no training examples.", hint="give a path, or upload a file")
        wanted, stamps = (train, val, self.fix.value, connection_name()), (_stamp(train), _stamp(val))
        if self._loaded is None or not _same(self._loaded[0], wanted) or self._loaded[1] != stamps:
            dataset = session.load_examples(
                train, val=val, fix=self.fix.value, holdout=None if val is not None else 0.1
            )
            self._loaded = (wanted, stamps, dataset)
            self.report.value = roomy(dataset._repr_html_())
        return self._loaded[-1]

    def read_again(self) -> Dataset:
        """The examples, read anew: the file may have changed."""
        self._loaded, self.report.value = None, ""
        return self.dataset()


def connection_name() -> str:
    """The name of the graph that is connected; "" for none."""
    from cypher_magic import session

    return next((c.name for c in session.connections()), "")


def _stamp(source: Any) -> Stamp | None:
    return stamp(source) if isinstance(source, str | Path) else None


def _same(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    """Whether two choices are the same; objects (data frames) only when they are the very same object."""
    return all(a is b or (isinstance(a, str | bool) and a == b) for a, b in zip(one, other, strict=True))
