"""The training settings as a form and as YAML: one widget per field, its documentation as tooltip and as comment."""

from __future__ import annotations

from dataclasses import Field, fields
from html import escape
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from cypher_magic.errors import OptionError
from cypher_magic.model.catalogue import CATALOGUE, find
from cypher_magic.training.settings import TrainingSettings
from cypher_magic.widgets.panel import LABEL
from cypher_magic.widgets.samples import one_line
from cypher_magic.widgets.status import CODE, faint

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cypher_magic.training.runs import Run

MAIN = ("backbone", "epochs", "learning_rate", "batch_size", "lora_rank", "max_tokens", "start_from")
_STARTS, _ADAPTER = ("starter", "scratch"), "adapter_config.json"
_LARGEST = 2**31 - 1  # of a number without an upper limit: what every browser takes


class SettingsForm(widgets.VBox):
    """The main settings in sight, the others folded, and all of them as YAML: each view follows the other.

    `changed` is called after every change.
    """

    def __init__(self, given: dict[str, Any] | None = None, changed: Callable[[], object] = lambda: None) -> None:
        start = TrainingSettings().changed(given or {})
        self.inputs = {f.name: _input(f, getattr(start, f.name)) for f in fields(TrainingSettings)}
        self.inputs["backbone"].options = tuple(CATALOGUE)
        self.inputs["backbone"].layout.width = "38em"
        self.inputs["learning_rate"].layout.width = "17em"  # beside the arrows that some browsers draw
        self.inputs["start_from"].layout.width = "24em"
        self.inputs["start_from"].options = _STARTS
        self.inputs["backbone"].observe(self._describe, "value")
        self.about = widgets.HTML()
        self._describe()
        self.yaml = widgets.Textarea(
            value=start.to_yaml(),
            rows=14,
            continuous_update=False,
            tooltip="the same settings as YAML; what is changed here changes the form when you leave the box",
            layout=widgets.Layout(width="auto"),
        )
        self.yaml.add_class("cm-code")
        self.complaint = widgets.HTML()
        self._error: OptionError | None = None  # of a YAML text that is not settings
        self._filling = False
        self._changed = changed
        for widget in self.inputs.values():
            widget.observe(self._form_changed, "value")
        self.yaml.observe(self._yaml_changed, "value")
        grid = widgets.Layout(flex_flow="row wrap", width="100%")
        main = [self.inputs[name] for name in MAIN if name != "backbone"]
        others = [widget for name, widget in self.inputs.items() if name not in MAIN]
        for widget in others:  # some of their names are long
            widget.style.description_width, widget.layout.width = "12em", "18.5em"
        pages = [widgets.HBox(others, layout=grid), widgets.VBox([self.yaml, self.complaint])]
        folded = widgets.Accordion(pages, titles=("More settings", "As YAML"), selected_index=None)
        top = widgets.HBox([self.inputs["backbone"], self.about], layout=grid)
        super().__init__([widgets.HTML(CODE), top, widgets.HBox(main, layout=grid), folded])

    def offer(self, runs: Sequence[Run]) -> None:
        """Let these runs be gone on from, as far as they have an adapter and are not going on themselves."""
        ready = [r.name for r in runs if not r.worker_alive() and (r.folder / "adapter" / _ADAPTER).is_file()]
        self.inputs["start_from"].options = (*_STARTS, *ready)

    @property
    def settings(self) -> TrainingSettings:
        """The settings, checked; OptionError when one can not be used, or when the YAML is not settings."""
        if self._error is not None:
            raise self._error
        return TrainingSettings().changed({name: _value(widget) for name, widget in self.inputs.items()})

    @property
    def values(self) -> dict[str, Any]:
        """The settings that differ from their defaults."""
        defaults = TrainingSettings()
        return {k: v for k, v in self.settings.to_dict().items() if v != getattr(defaults, k)}

    def show(self, settings: TrainingSettings) -> None:
        """Fill the form with these settings."""
        self._filling = True
        try:
            for name, value in settings.to_dict().items():
                self.inputs[name].value = value
        finally:
            self._filling = False
        self._form_changed()

    def _form_changed(self, *_: Any) -> None:
        if self._filling:
            return
        self._filling = True
        try:
            self._say(None)
            self.yaml.value = self.settings.to_yaml()
        except OptionError as error:  # a number in the form is always one, but a backbone can be nothing
            self._say(error)
        finally:
            self._filling = False
        self._changed()

    def _yaml_changed(self, change: dict[str, Any]) -> None:
        if self._filling:
            return
        try:
            wanted = TrainingSettings.from_yaml(change["new"])
        except OptionError as error:
            self._say(error)
            return
        self.show(wanted)

    def _say(self, error: OptionError | None) -> None:
        self._error = error
        told = f'<b style="color:#d1453b">✗</b> {escape(one_line(error))}' if error is not None else ""
        self.complaint.value = told and f'<span role="alert">{told}</span>'

    def _describe(self, *_: Any) -> None:
        entry = find(self.inputs["backbone"].value.strip())
        if entry is None:
            text = "a Hub id, a folder or a GGUF file"
        else:
            size = (
                f"{entry.parameters / 1000:.1f} billion" if entry.parameters >= 1000 else f"{entry.parameters} million"
            )
            gated = "needs a click on its Hub page first" if entry.gated else ""
            text = ", ".join(part for part in (f"{size} parameters", entry.licence, gated, entry.note) if part)
        self.about.value = faint(text)


def _input(setting: Field[Any], value: Any) -> widgets.Widget:
    """The widget for one field, by its type, limits and choices."""
    meta = setting.metadata
    low, high = meta["low"], meta["high"]
    common: dict[str, Any] = {
        "value": value,
        "description": _label(setting.name),
        "tooltip": meta["doc"],
        "layout": widgets.Layout(width="15.5em"),
        "style": LABEL,
    }
    if meta["choices"]:
        return widgets.Dropdown(options=meta["choices"], **common)
    if isinstance(value, int):
        return widgets.BoundedIntText(min=int(low or 0), max=int(high if high is not None else _LARGEST), **common)
    if isinstance(value, float):
        return widgets.BoundedFloatText(min=low or 0.0, max=high if high is not None else 1e30, **common)
    return widgets.Combobox(ensure_option=False, continuous_update=False, **common)


def _label(name: str) -> str:
    words = name.replace("_", " ").replace("lora", "LoRA")
    return words[0].upper() + words[1:]


def _value(widget: widgets.Widget) -> Any:
    return widget.value.strip() if isinstance(widget.value, str) else widget.value
