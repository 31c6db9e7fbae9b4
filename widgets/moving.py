"""Export and import in the models panel: a tuned model out, to a folder or the Hub, and a model of others in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ipywidgets as widgets

from cypher_magic.errors import OptionError
from cypher_magic.widgets.panel import LABEL, row, wide

if TYPE_CHECKING:
    from cypher_magic.widgets.models import ModelsPanel


class Moving(widgets.VBox):
    """Calls `export` for the panel's chosen model, and `import_model`."""

    def __init__(self, panel: ModelsPanel) -> None:
        self.panel = panel
        self.form = widgets.Dropdown(
            options=[("the adapter", ""), ("the merged model", "merged"), ("one GGUF file", "gguf")],
            description="Export",
            tooltip="the adapter alone, the whole model for plain transformers, or one file for llama.cpp and Ollama",
            layout=wide("20em"),
            style=LABEL,
        )
        self.target = widgets.Text(
            placeholder="a new folder",
            tooltip="where it is written to",
            continuous_update=False,
            layout=wide("16em"),
        )
        self.hub = widgets.Text(
            placeholder="or owner/name on the Hub",
            continuous_update=False,
            tooltip="upload it there, private; the token comes from HF_TOKEN or the Hub's login",
            layout=wide("16em"),
        )
        self.force = widgets.Checkbox(
            description="replace an export there", indent=False, layout=widgets.Layout(width="auto")
        )
        self.export = panel.button("Export", "write the chosen model to this folder", "download", self._export)
        self.source = widgets.Text(
            description="Import",
            placeholder="a folder, or owner/name on the Hub",
            continuous_update=False,
            tooltip="an adapter or a whole model that was tuned elsewhere",
            layout=wide("30em"),
            style=LABEL,
        )
        self.name = widgets.Text(
            placeholder="its name here", tooltip="what to call it here", continuous_update=False, layout=wide("12em")
        )
        self.asked = widgets.Dropdown(
            options=[("style as found", ""), ("chat", "chat"), ("plain", "plain")],
            tooltip="how it is asked",
            layout=wide("11em"),
        )
        self.bring = panel.button("Import", "take this model in", "upload", self._import)
        out = row(self.form, self.target, self.hub, self.force, self.export)
        super().__init__([out, row(self.source, self.name, self.asked, self.bring)])

    def _export(self) -> None:
        name, to, hub = self.panel.chosen(), self.target.value.strip() or None, self.hub.value.strip() or None
        if not to and not hub:
            raise OptionError("Where is the model to go?", hint="name a new folder, or owner/name on the Hub")
        form, force = self.form.value, self.force.value
        self.panel.work.start(lambda: self._exported(name, to, hub, form, force), "exporting")

    def _exported(self, name: str, to: str | None, hub: str | None, form: str, force: bool) -> None:
        from cypher_magic import session

        merged, gguf, progress = form == "merged", form == "gguf", self.panel.work.progress
        done = session.export(name, to, merged, hub, gguf=gguf, force=force, progress=progress)
        self.panel.status.say(repr(done))

    def _import(self) -> None:
        source, name, style = self.source.value.strip(), self.name.value.strip() or None, self.asked.value or None
        if not source:
            raise OptionError("There is nothing to import.", hint="name a folder, or owner/name on the Hub")
        self.panel.work.start(lambda: self._imported(source, name, style), "importing")

    def _imported(self, source: str, name: str | None, style: str | None) -> None:
        from cypher_magic import session

        run = session.import_model(source, name, style=style, progress=self.panel.work.progress)
        self.panel.refresh()
        self.panel.model.value = run.name
        card = run.card
        self.panel.status.say(f"{run.name} is asked in the {card['prompt_style']} style: {card['style_because']}")
