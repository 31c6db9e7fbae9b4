"""The training settings as a form: one widget per field, with the field's own documentation as its tooltip."""

from __future__ import annotations

from dataclasses import Field, fields
from html import escape
from typing import Any

import ipywidgets as widgets

from cypher_magic.model.catalogue import CATALOGUE, find
from cypher_magic.training.settings import TrainingSettings

MAIN = ("backbone", "epochs", "learning_rate", "batch_size", "lora_rank", "max_tokens")
_LARGEST = 2**31 - 1  # of a number without an upper limit: what every browser takes


class SettingsForm(widgets.VBox):
    """The main settings in sight, the others folded."""

    def __init__(self, given: dict[str, Any] | None = None) -> None:
        start = TrainingSettings().changed(given or {})
        self.inputs = {f.name: _input(f, getattr(start, f.name)) for f in fields(TrainingSettings)}
        self.inputs["backbone"].options = tuple(CATALOGUE)
        self.inputs["backbone"].layout.width = "28em"
        self.inputs["backbone"].observe(self._describe, "value")
        self.about = widgets.HTML()
        self._describe()
        grid = widgets.Layout(flex_flow="row wrap", width="100%")
        main = [self.inputs[name] for name in MAIN if name != "backbone"]
        others = [widget for name, widget in self.inputs.items() if name not in MAIN]
        folded = widgets.Accordion([widgets.HBox(others, layout=grid)], titles=("More settings",), selected_index=None)
        top = widgets.HBox([self.inputs["backbone"], self.about], layout=grid)
        super().__init__([top, widgets.HBox(main, layout=grid), folded])

    @property
    def values(self) -> dict[str, Any]:
        """The settings that differ from their defaults, checked; OptionError when one can not be used."""
        defaults = TrainingSettings()
        wanted = defaults.changed({name: _value(widget) for name, widget in self.inputs.items()})
        return {k: v for k, v in wanted.to_dict().items() if v != getattr(defaults, k)}

    def show(self, settings: TrainingSettings) -> None:
        """Fill the form with these settings."""
        for name, value in settings.to_dict().items():
            self.inputs[name].value = value

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
        self.about.value = f'<span style="opacity:.8">{escape(text)}</span>'


def _input(setting: Field[Any], value: Any) -> widgets.Widget:
    """The widget for one field, by its type, limits and choices."""
    meta = setting.metadata
    low, high = meta["low"], meta["high"]
    common: dict[str, Any] = {
        "value": value,
        "description": _label(setting.name),
        "tooltip": meta["doc"],
        "layout": widgets.Layout(width="15.5em"),
        "style": {"description_width": "9em"},
    }
    if meta["choices"]:
        return widgets.Dropdown(options=meta["choices"], **common)
    if isinstance(value, int):
        return widgets.BoundedIntText(min=int(low or 0), max=int(high if high is not None else _LARGEST), **common)
    if isinstance(value, float):
        return widgets.BoundedFloatText(min=low or 0.0, max=high if high is not None else 1e30, **common)
    return widgets.Combobox(ensure_option=False, **common)


def _label(name: str) -> str:
    words = name.replace("_", " ").replace("lora", "LoRA")
    return words[0].upper() + words[1:]


def _value(widget: widgets.Widget) -> Any:
    return widget.value.strip() if isinstance(widget.value, str) else widget.value
