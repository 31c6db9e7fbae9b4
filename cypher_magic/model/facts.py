"""What somebody must know to ask an exported model as it was trained: the exact texts around schema and question.

`prompt.json` in an exported folder holds them, so that nobody must guess: two texts with holes, tokenised one by one,
and the text that ends an answer. A model that is imported again is recognised by it.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from cypher_magic.model.prompt import WITH_SCHEMA, WITHOUT_SCHEMA
from cypher_magic.model.sample_questions import asked_with, sample_questions

if TYPE_CHECKING:
    from pathlib import Path

    from cypher_magic.model.prompt import Prompt

FILE = "prompt.json"
_SCHEMA = "\ue002schema\ue002"  # private-use characters that no template or graph holds
_QUESTION = "\ue003question\ue003"


@dataclass(frozen=True)
class PromptFacts:
    """The prompt of one model, as texts.

    `before_schema` + schema + `after_schema` + `before_question` + question + `after_question` is what the model reads
    (without a schema, `without_schema` takes the place of the first three), and `end` closes its answer. The tokens are
    those of two texts: everything up to `after_schema`, and the rest. `prefix` is the first of them for the card's
    question, with the part of a large schema that is near it. `instruction` is the plain style's.
    """

    style: str
    instruction: str
    before_schema: str
    after_schema: str
    without_schema: str
    before_question: str
    after_question: str
    end: str
    prefix: str
    schema: str | None = None  # the one that the model was tuned on
    backbone: str = ""
    dtype: str = "float32"  # the number format in which answers were computed

    def save(self, folder: Path) -> None:
        """Write `prompt.json`, last of all: it names the files beside it, which are the export's own."""
        raw = {**asdict(self), "files": sorted({FILE, *(path.name for path in folder.iterdir())})}
        (folder / FILE).write_text(json.dumps(raw, indent=1, ensure_ascii=False), encoding="utf-8")

    @property
    def instructions(self) -> str:
        """What a chat program gives as system message: the instruction with the schema."""
        return WITH_SCHEMA + self.schema if self.schema else WITHOUT_SCHEMA

    def system_and_prompt(self, system: str, question: str) -> str | None:
        """The text with other words for instruction and question; None where the style has no place for the first."""
        if not self.before_schema.endswith(WITH_SCHEMA):
            return None
        before = self.before_schema.removesuffix(WITH_SCHEMA)
        return f"{before}{system}{self.after_schema}{self.before_question}{question}{self.after_question}"


def prompt_facts(
    prompt: Prompt, *, schema: str | None = None, backbone: str = "", dtype: str = "float32"
) -> PromptFacts:
    """The texts of this prompt, found by rendering it with marks in place of schema and question."""
    beginning, asked, end = prompt.parts(_QUESTION, _SCHEMA)
    before_schema, _, after_schema = beginning.partition(_SCHEMA)
    before_question, _, after_question = asked.partition(_QUESTION)
    if schema is not None:  # without what the tokenizer would read as a control token
        schema = prompt.parts(_QUESTION, schema)[0].removeprefix(before_schema).removesuffix(after_schema)
    near = asked_with(schema, sample_questions(schema).question)
    return PromptFacts(
        prompt.style,
        prompt.instruction if prompt.style == "plain" else "",
        before_schema,
        after_schema,
        prompt.parts(_QUESTION, None)[0],
        before_question,
        after_question,
        end,
        prompt.parts(_QUESTION, near)[0],
        schema,
        backbone,
        dtype,
    )


def read_facts(folder: Path) -> dict[str, Any]:
    """What `prompt.json` in a folder says that we read again, checked; empty when there is none of ours."""
    raw = _read(folder)
    texts = {key: raw[key] for key in ("instruction", "schema", "backbone") if isinstance(raw.get(key), str)}
    return {"style": raw["style"], **texts} if raw else {}


def own_files(folder: Path) -> set[str]:
    """The names of what an export wrote to this folder; empty when it is none of ours."""
    files = _read(folder).get("files")
    return {str(name) for name in files} if isinstance(files, list) else set()


def _read(folder: Path) -> dict[str, Any]:
    try:
        raw = json.loads((folder / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return raw if isinstance(raw, dict) and raw.get("style") in ("chat", "plain") else {}


def plain_template(prompt: Prompt) -> str:
    """A chat template that renders the plain style, for programs that know no other way to put a question."""
    facts = prompt_facts(prompt)
    start = facts.without_schema
    return (
        f"{{{{ {start!r} }}}}{{% for m in messages %}}{{% if m['role'] == 'system' %}}"
        "{{ m['content'] + '\\n\\n' }}"
        "{% elif m['role'] == 'user' %}"
        f"{{{{ {facts.before_question!r} + m['content'] + {facts.after_question!r} }}}}"
        "{% else %}"
        f"{{{{ m['content'] + {facts.end!r} }}}}{{% endif %}}{{% endfor %}}"
    )
