from __future__ import annotations

import errno
import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from safetensors import SafetensorError

from cypher_magic.data.example import Example
from cypher_magic.errors import ModelError, OptionError
from cypher_magic.graph.schema import GraphSchema, Triple
from cypher_magic.model.export import Tuned, write_export
from cypher_magic.model.facts import plain_template, prompt_facts, read_facts
from cypher_magic.model.generate import CypherModel
from cypher_magic.model.load import Device, load_backbone, load_tokenizer, load_tuned
from cypher_magic.model.prompt import Prompt
from cypher_magic.model.room import Room
from tests.model.tiny_folder import CHAT_KINDS, KINDS, tiny_folder, tiny_tokenizer

SCHEMA = "(:Person {name: STRING})\n(:Movie {title: STRING})\n(:Person)-[:ACTED_IN]->(:Movie)"
QUESTION = "How many people are there?"  # the one that the card asks
QUERY = "MATCH (n:Person) RETURN count(n) AS people"


@pytest.fixture(autouse=True)
def _float32(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers are computed in float32, as on a CPU without bf16: on weights this small bf16 decides by chance."""
    import torch

    monkeypatch.setattr("cypher_magic.model.load.choose_device", lambda *_: Device("cpu", torch.float32))


@pytest.fixture(params=["chatml", "gemma", "plain", "plain_start"])
def tuned(request: pytest.FixtureRequest, tmp_path: Path) -> Tuned:
    return tune(tmp_path / "here" / "backbone", request.param)


@pytest.fixture
def one(tmp_path: Path) -> Tuned:
    return tune(tmp_path / "here" / "backbone", "chatml", steps=1)


def tune(folder: Path, kind: str, steps: int = 60) -> Tuned:
    """An adapter on a tiny backbone that has learned one answer (so its replies are not noise) by a few steps."""
    import torch
    from peft import LoraConfig, get_peft_model

    tiny_folder(folder, kind)
    tokenizer = load_tokenizer(folder)
    prompt = Prompt(tokenizer, instruction="Ask Cypher: " if kind == "plain_start" else "")
    torch.manual_seed(0)
    model = load_backbone(folder, Device("cpu", torch.float32))
    shape = LoraConfig(r=8, lora_alpha=16, target_modules="all-linear", task_type="CAUSAL_LM")
    model = get_peft_model(model, shape)
    encoded = prompt.encode(Example(QUESTION, QUERY), SCHEMA)
    ids = torch.tensor([[*encoded.prefix, *encoded.question, *encoded.answer]])
    labels = torch.where(torch.arange(ids.shape[1]) < ids.shape[1] - len(encoded.answer), -100, ids)
    optimiser = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-2)
    model.train()
    for _ in range(steps):
        optimiser.zero_grad()
        model(input_ids=ids, labels=labels).loss.backward()
        optimiser.step()
    adapter = folder.parent / "run" / "adapter"
    model.save_pretrained(str(adapter))
    instruction = prompt.instruction if kind == "plain_start" else ""
    return Tuned("movies", folder, "someone/tiny", adapter, "auto", instruction, SCHEMA, CARD, {"epochs": 3})


CARD = {
    "train_rows": 12,
    "val_rows": 2,
    "examples_sha256": "ab" * 32,
    "evaluation": {
        "data": "held_out.csv",
        "when": "2026-11-22",
        "pipeline": True,
        "scores": {"exact_match": {"value": 0.5, "low": 0.25, "high": 0.75, "n": 40}},
    },
}


def before_export(tuned: Tuned) -> tuple[tuple[int, ...], str]:
    """What asking gives, through the code that asks."""
    import torch

    tokenizer = load_tokenizer(tuned.backbone)
    live = load_tuned(tuned.backbone, tuned.adapter, Device("cpu", torch.float32))
    reply = CypherModel(live, tokenizer, Prompt(tokenizer, tuned.style, instruction=tuned.instruction)).complete(
        QUESTION, tuned.schema
    )
    assert reply.ended
    return reply.tokens, reply.text


def run_snippet(folder: Path, backbone: Path | None = None) -> tuple[list[int], str]:
    """Token ids and text that the program in the README gives, in a process that can not import this package."""
    found = re.search(r"```python\n(.*?)```", (folder / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    program = found[1] if backbone is None else found[1].replace("'someone/tiny'", repr(str(backbone)))
    program = "import sys\nsys.modules['cypher_magic'] = None\n" + program
    program += "\nprint(reply[0, ids.shape[1] :].tolist())\n"
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        cwd=folder.parent,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    text, _, ids = done.stdout.rstrip("\n").rpartition("\n")
    return json.loads(ids), text


def test_the_snippet_of_a_merged_model_gives_what_asking_gave(tuned: Tuned, tmp_path: Path) -> None:
    tokens, text = before_export(tuned)
    assert text == QUERY  # it has learned something
    folder = write_export(tuned, tmp_path / "out", merged=True)
    ids, said = run_snippet(folder)
    assert (tuple(ids[:-1]), said) == (tokens, text)
    assert ids[-1] in json.loads((folder / "generation_config.json").read_text())["eos_token_id"]


@pytest.mark.parametrize("tuned", ["chatml", "plain_start"], indirect=True)
def test_the_snippet_of_an_adapter_gives_what_asking_gave(tuned: Tuned, tmp_path: Path) -> None:
    tokens, text = before_export(tuned)
    ids, said = run_snippet(write_export(tuned, tmp_path / "out", merged=False), tuned.backbone)
    assert (tuple(ids[:-1]), said) == (tokens, text)


def test_a_model_that_was_tuned_without_a_schema_is_asked_without_one(one: Tuned, tmp_path: Path) -> None:
    folder = write_export(replace(one, schema=None), tmp_path / "out", merged=True)
    readme = (folder / "README.md").read_text()
    assert "before_schema" not in readme and "How many nodes are there?" in readme
    assert run_snippet(folder)


@pytest.mark.skipif(os.name == "nt", reason="rights are those of POSIX")
@pytest.mark.parametrize("merged", [True, False])
def test_all_files_have_the_rights_that_new_files_have(one: Tuned, tmp_path: Path, merged: bool) -> None:
    for umask, rights in ((0o022, 0o644), (0o077, 0o600)):
        before = os.umask(umask)
        try:
            folder = write_export(one, tmp_path / f"out{umask}", merged=merged)
        finally:
            os.umask(before)
        assert {file.stat().st_mode & 0o777 for file in folder.iterdir()} == {rights}
        assert folder.stat().st_mode & 0o777 == 0o777 & ~umask


def test_the_snippet_names_the_folder_or_the_hub_once_at_its_top(one: Tuned, tmp_path: Path) -> None:
    readme = (write_export(one, tmp_path / "my model", merged=True) / "README.md").read_text()
    assert "\nfolder = './my model'  # the path to this folder\n" in readme
    assert readme.count("my model'") == 1
    readme = (write_export(one, tmp_path / "pushed", merged=False, where="me/movies") / "README.md").read_text()
    assert "\nmodel_id = 'me/movies'  # its name on the Hub" in readme and "pushed" not in readme


@pytest.mark.parametrize("merged", [True, False])
def test_no_path_of_this_machine_is_in_any_file(one: Tuned, tmp_path: Path, merged: bool) -> None:
    folder = write_export(one, tmp_path / "out", merged=merged)
    for file in folder.rglob("*"):
        for secret in (str(tmp_path), f"{Path.home()}{os.sep}", os.sep + "here"):
            assert secret.encode() not in file.read_bytes(), (file.name, secret)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("schema", [SCHEMA, None])
def test_the_texts_of_prompt_json_are_those_that_are_asked(kind: str, schema: str | None, tmp_path: Path) -> None:
    prompt = Prompt(tiny_tokenizer(kind))
    prompt_facts(prompt, schema=schema).save(tmp_path)
    facts = json.loads((tmp_path / "prompt.json").read_text())
    prefix = facts["before_schema"] + schema + facts["after_schema"] if schema else facts["without_schema"]
    asked = facts["before_question"] + QUESTION + facts["after_question"]
    tokens = [tuple(tiny_tokenizer(kind)(t, add_special_tokens=False)["input_ids"]) for t in (prefix, asked)]
    encoded = prompt.ask(QUESTION, schema)
    assert tokens == [encoded.prefix, encoded.question]
    assert facts["end"] == prompt.end
    assert read_facts(tmp_path)["style"] == prompt.style


@pytest.mark.parametrize("kind", CHAT_KINDS)
def test_the_exported_chat_template_renders_the_prompt_that_was_trained(kind: str, tmp_path: Path) -> None:
    whole = Tuned("movies", tiny_folder(tmp_path / "model", kind), "someone/tiny", None, schema=SCHEMA)
    prompt = Prompt(tiny_tokenizer(kind))
    theirs = load_tokenizer(write_export(whole, tmp_path / "out", merged=True))
    messages = prompt.messages(QUESTION, SCHEMA)
    rendered = theirs.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
    assert rendered == prompt.text(QUESTION, SCHEMA)


@pytest.mark.parametrize("kind", ["plain", "plain_start", "chatml"])
def test_the_chat_template_of_a_plain_model_renders_its_prompt(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    tokenizer = tiny_tokenizer(kind)
    prompt = Prompt(tokenizer, "plain", instruction='Say "it" in {{ Cypher }}:\n')
    expected, alone = prompt.text(QUESTION, SCHEMA), prompt.text(QUESTION, None)
    messages = prompt.messages(QUESTION, SCHEMA)
    monkeypatch.setattr(tokenizer, "chat_template", plain_template(prompt))
    render = tokenizer.apply_chat_template
    assert render(messages, tokenize=False, add_generation_prompt=True) == expected
    assert render(messages[1:], tokenize=False, add_generation_prompt=True) == alone


def test_a_schema_with_odd_characters_is_still_in_the_prompt(one: Tuned, tmp_path: Path) -> None:
    for i, odd in enumerate(('(:`a"""b` {x: STRING})', "(:`a\\b`)", '(:`a`) "', "(:`a\u2028```b`)", "(:`<|im_end|>`)")):
        folder = write_export(replace(one, schema=odd), tmp_path / str(i), merged=False)
        facts, prompt = json.loads((folder / "prompt.json").read_text()), Prompt(tiny_tokenizer("chatml"))
        assert facts["before_schema"] + facts["schema"] + facts["after_schema"] == facts["prefix"]
        assert facts["prefix"] == prompt.parts("x", odd)[0]


def large_schema() -> GraphSchema:
    """Forty kinds of things, of which the first hangs together with most of the others."""
    names = ("Ward", *(f"Thing{i}" for i in range(40)))
    triples = tuple(Triple("Ward", "HOLDS", name) for name in names[1:])
    return GraphSchema({name: {f"property{i}": "STRING" for i in range(8)} for name in names}, {"HOLDS": {}}, triples)


def test_a_large_schema_is_cut_to_what_asking_sends(one: Tuned, tmp_path: Path) -> None:
    from cypher_magic.asking.work import Rules, Work

    schema, prompt = large_schema(), Prompt(tiny_tokenizer("chatml"))
    folder = write_export(replace(one, schema=schema.render()), tmp_path / "out", merged=True)
    work = Work("How many wards are there?", None, schema, Rules())  # type: ignore[arg-type]
    assert len(work.schema_text) < len(schema.render())
    facts, readme = json.loads((folder / "prompt.json").read_text()), (folder / "README.md").read_text()
    assert facts["prefix"] == prompt.parts(work.question, work.schema_text)[0]
    assert facts["schema"] == schema.render()
    assert repr(work.question) in readme and prompt.text(work.question, work.schema_text) in readme
    assert "This graph's schema is large" in readme and schema.render() not in readme


def test_the_follow_up_of_the_card_is_asked_with_the_schema(one: Tuned, tmp_path: Path) -> None:
    from cypher_magic.model.sample_questions import sample_questions

    readme = (write_export(one, tmp_path / "out", merged=False) / "README.md").read_text()
    sample, prompt = sample_questions(SCHEMA), Prompt(tiny_tokenizer("chatml"))
    first, second = re.findall(r"```text\n(.*?)\n```\n", readme, re.DOTALL)
    beginning = first.removesuffix(prompt.parts(sample.question, SCHEMA)[1])
    assert beginning + second == prompt.text(sample.follow_up, SCHEMA, (sample.turn,))


def test_the_card_says_what_it_is_made_of(one: Tuned, tmp_path: Path) -> None:
    import yaml

    known = replace(one, source="HuggingFaceTB/SmolLM2-135M-Instruct")
    readme = (write_export(known, tmp_path / "out", merged=False) / "README.md").read_text()
    header = yaml.safe_load(readme.split("---")[1])
    assert header["license"] == "apache-2.0"
    assert header["base_model"] == "HuggingFaceTB/SmolLM2-135M-Instruct"
    assert {"text2cypher", "neo4j", "lora"} <= set(header["tags"])
    assert "| SHA-256 of the rows | " + "ab" * 32 in readme
    assert "| exact match | 0.500 | 0.250 to 0.750 | 40 |" in readme
    assert "On held_out.csv, 2026-11-22, asked through cypher_magic" in readme
    assert Prompt(tiny_tokenizer("chatml")).text(QUESTION, SCHEMA) in readme
    assert "license:" not in (write_export(one, tmp_path / "unknown", merged=False) / "README.md").read_text()
    assert "Not measured" not in readme
    bare = write_export(replace(one, card={}), tmp_path / "bare", merged=False) / "README.md"
    assert "Not measured. In cypher_magic, `%cypher_eval movies --data held_out.csv` does it" in bare.read_text()
    llama = replace(one, source="meta-llama/Llama-3.2-1B-Instruct")
    assert "license: llama3.2" in (write_export(llama, tmp_path / "llama", merged=False) / "README.md").read_text()


def test_the_card_of_an_imported_model_says_where_it_is_from(one: Tuned, tmp_path: Path) -> None:
    card = {"state": "imported", "source": "someone/text2cypher", "created": "2026-11-22", "train_rows": 0}
    card |= {"whole_model": True}
    card |= {"val_rows": 0, "examples_sha256": "e3b0c4"}
    theirs = replace(one, adapter=None, card=card, settings={})
    readme = (write_export(theirs, tmp_path / "out", merged=True) / "README.md").read_text()
    made = readme.partition("## Made of")[2].partition("##")[0]
    assert "adapter" not in readme and "base_model_relation" not in readme
    assert made.strip().splitlines()[2:] == ["| source | someone/text2cypher |", "| imported on | 2026-11-22 |"]
    here = replace(theirs, card=card | {"source": str(one.backbone)})
    readme = (write_export(here, tmp_path / "local", merged=True) / "README.md").read_text()
    assert "| source | backbone |" in readme


@pytest.mark.parametrize("says", ["README.md", "prompt.json"])
def test_the_licence_of_a_model_is_what_its_folder_says(one: Tuned, tmp_path: Path, says: str) -> None:
    theirs = replace(one, adapter=None)
    texts = {
        "README.md": "---\nlanguage: en\nlicense: apache-2.0\n---\n# theirs\n",
        "prompt.json": json.dumps({"style": "chat", "backbone": "Qwen/Qwen3-0.6B"}),
    }
    (one.backbone / says).write_text(texts[says])
    readme = (write_export(theirs, tmp_path / "out", merged=True) / "README.md").read_text()
    assert readme.startswith("---\nlicense: apache-2.0\n") and "Backbone: someone/tiny (apache-2.0)" in readme
    (one.backbone / says).write_text("---\ntags: x\n---\nlicense: mit\n")
    readme = (write_export(theirs, tmp_path / "none", merged=True) / "README.md").read_text()
    assert "license:" not in readme


def test_the_card_lists_the_settings_that_were_really_used(one: Tuned, tmp_path: Path) -> None:
    from cypher_magic.training.settings import TrainingSettings

    settings = TrainingSettings().to_dict()
    ran = replace(one, settings=settings, card=CARD | {"batch_size": 64, "steps": 12, "device": "CPU (bfloat16)"})
    readme = (write_export(ran, tmp_path / "out", merged=False) / "README.md").read_text()
    assert "| goes on from | the starter adapter of cypher_magic |" in readme
    assert "| examples per optimiser step | 64 |" in readme and "| optimiser steps | 12 |" in readme
    assert "| learning rate | 0.0005 |" in readme and "| LoRA rank | 16 |" in readme
    table = readme.partition("## Made of")[2].partition("##")[0]
    assert [word for word in ("auto", "| 0 |", "log", "checkpoint", "threads", "none") if word in table] == ["| 0 |"]
    assert table.count("| 0 |") == 1 and "| seed | 0 |" in table
    other = replace(one, settings=settings | {"backbone": "qwen3-0.6b"})  # which the starter does not fit
    readme = (write_export(other, tmp_path / "other", merged=False) / "README.md").read_text()
    assert "| goes on from | a new adapter |" in readme and "optimiser step" not in readme


def test_an_export_that_is_there_is_replaced_only_with_force(one: Tuned, tmp_path: Path) -> None:
    out = write_export(one, tmp_path / "out", merged=False)
    with pytest.raises(OptionError, match="is there already") as caught:
        write_export(one, out, merged=True)
    assert "--force" in caught.value.hint
    write_export(one, out, merged=True, force=True)
    assert (out / "model.safetensors").is_file() and not (out / "adapter_config.json").exists()
    assert hidden(tmp_path) == []


@pytest.mark.parametrize("prompt_file", [None, '{"system": "You are my app"}', '{"style": "chat"}', "[]"])
def test_a_folder_that_is_no_export_stays(one: Tuned, tmp_path: Path, prompt_file: str | None) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("years of work")
    if prompt_file is not None:
        (mine / "prompt.json").write_text(prompt_file)
    with pytest.raises(OptionError, match="no export of ours"):
        write_export(one, mine, merged=True, force=True)
    assert (mine / "thesis.txt").is_file()


def test_what_somebody_put_into_an_export_stays(one: Tuned, tmp_path: Path) -> None:
    out = write_export(one, tmp_path / "out", merged=False)
    (out / ".git").mkdir()
    (out / "notes.md").write_text("mine")
    with pytest.raises(OptionError, match=r"holds what is not the export's: \.git and 1 more\."):
        write_export(one, out, merged=True, force=True)
    assert (out / ".git").is_dir() and (out / "notes.md").is_file() and (out / "adapter_config.json").is_file()


@pytest.mark.parametrize("force", [True, False])
def test_a_folder_that_appears_while_the_export_is_made_stays(
    one: Tuned, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, force: bool
) -> None:
    thesis = tmp_path / "out" / "thesis.txt"

    def meanwhile(*_: Any) -> str:
        thesis.parent.mkdir()
        thesis.write_text("years of work")
        return "card"

    monkeypatch.setattr("cypher_magic.model.export.model_card", meanwhile)
    with pytest.raises(OptionError):
        write_export(one, thesis.parent, merged=False, force=force)
    assert [path.name for path in thesis.parent.iterdir()] == ["thesis.txt"] and hidden(tmp_path) == []


@pytest.mark.parametrize("file", ["README.md", "prompt.json"])
@pytest.mark.parametrize("how", [KeyboardInterrupt(), OSError(errno.EIO, os.strerror(errno.EIO))])
def test_an_export_is_as_it_was_when_putting_the_new_one_fails(
    one: Tuned, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, how: BaseException
) -> None:
    out = write_export(one, tmp_path / "out", merged=False)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    rename = Path.rename

    def stop(path: Path, goal: Path) -> Path:
        if path.name == file and path.parent.name == "new":
            raise how
        return rename(path, goal)

    monkeypatch.setattr(Path, "rename", stop)
    with pytest.raises((KeyboardInterrupt, ModelError)):
        write_export(one, out, merged=True, force=True)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before and hidden(tmp_path) == []


def test_a_folder_that_is_there_and_empty_is_filled(
    one: Tuned, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stays the same folder: it may be a mount point, or where the notebook is."""
    here = tmp_path / "out"
    here.mkdir()
    same = here.stat().st_ino
    monkeypatch.chdir(here)
    for merged in (True, False):
        write_export(one, Path(), merged=merged, force=not merged)
        assert here.stat().st_ino == same and (here / "prompt.json").is_file() and hidden(here) == []
    assert "folder = './out'" in (here / "README.md").read_text() and not (here / "model.safetensors").exists()


@pytest.mark.parametrize(
    "to", ["~nobody-of-this-name/x", "{here}/" + "a" * 300, "{here}/a\0b", "{here}/file/x", "{here}/file"]
)
def test_a_place_that_can_be_no_folder_is_one_line(one: Tuned, tmp_path: Path, to: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OptionError, match="can not be the folder: ") as caught:
        write_export(one, Path(to.format(here=tmp_path)), merged=False)
    assert "name another one" in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root can be somebody else")
def test_a_folder_that_may_not_be_entered_is_one_line(one: Tuned, tmp_path: Path) -> None:
    from cypher_magic.model.target import find_target

    tmp_path.chmod(0o700)
    os.seteuid(65534)
    try:
        with pytest.raises(OptionError, match="can not be the folder: Permission denied"):
            find_target(tmp_path / "out" / "model", force=False)
    finally:
        os.seteuid(0)


def test_the_whole_model_is_not_loaded_where_it_does_not_fit(
    one: Tuned, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from safetensors.torch import load_file

    weights = load_file(one.backbone / "model.safetensors").values()
    needed = 4 * sum(weight.numel() for weight in weights)
    monkeypatch.setattr("cypher_magic.model.export.room", lambda _: Room(needed - 1, 10**12))
    for gguf in ("", "f16"):
        with pytest.raises(ModelError, match="not enough memory for the whole model movies: 0.0 GB free"):
            write_export(one, tmp_path / "out", merged=True, gguf=gguf)
    write_export(one, tmp_path / "out", merged=False)


def test_merging_is_told(one: Tuned, tmp_path: Path) -> None:
    said: list[str] = []
    write_export(one, tmp_path / "out", merged=True, progress=lambda what, *_: said.append(what))
    assert said == ["merging"]


def hidden(folder: Path) -> list[str]:
    """What an export left behind."""
    return [path.name for path in folder.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize(
    "full",
    [OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), SafetensorError("I/O error: No space left on device")],
    ids=["system", "safetensors"],
)
def test_a_full_disk_leaves_nothing_half_written(
    one: Tuned, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, full: Exception
) -> None:
    def stop(_: Any, folder: Path, **__: Any) -> None:
        (folder / "model.safetensors").write_bytes(b"half")
        raise full

    place = tmp_path / "place"
    with monkeypatch.context() as patched:
        patched.setattr("transformers.PreTrainedModel.save_pretrained", stop)
        with pytest.raises(ModelError, match="can not be stored at .*No space left") as caught:
            write_export(one, place / "out", merged=True)
    assert "free some space" in caught.value.hint
    assert list(place.iterdir()) == []


@pytest.mark.parametrize(("kind", "start", "end"), [("chatml", "", "<|im_end|>"), ("llama3", "<|begin|>", "<|eot|>")])
def test_ollama_gets_the_same_prompt(tmp_path: Path, kind: str, start: str, end: str) -> None:
    """But for the start token, which Ollama puts in front itself."""
    whole = Tuned("movies", tiny_folder(tmp_path / "model", kind), "someone/tiny", None, schema=SCHEMA)
    modelfile = (write_export(whole, tmp_path / "out", merged=True) / "Modelfile").read_text()
    template = re.search(r'TEMPLATE """(.*?)"""', modelfile, re.DOTALL)
    system = re.search(r'SYSTEM """(.*?)"""', modelfile, re.DOTALL)
    assert template is not None and system is not None
    rendered = template[1].replace("{{ .System }}", system[1]).replace("{{ .Prompt }}", QUESTION)
    assert start + rendered == Prompt(tiny_tokenizer(kind)).text(QUESTION, SCHEMA)
    assert f'PARAMETER stop "{end}"' in modelfile


@pytest.mark.parametrize("room", [1024, 8192])
def test_ollama_gets_room_for_the_schema_and_no_penalty(tmp_path: Path, room: int) -> None:
    folder = tiny_folder(tmp_path / "model")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"max_position_embeddings": room}))
    whole = Tuned("movies", folder, "someone/tiny", None, schema=SCHEMA)
    modelfile = (write_export(whole, tmp_path / "out", merged=True) / "Modelfile").read_text()
    system = re.search(r'SYSTEM """(.*?)"""', modelfile, re.DOTALL)
    assert system is not None
    tokens = len(tiny_tokenizer("chatml")(system[1])["input_ids"])
    assert f"PARAMETER num_ctx {min(room, tokens + 1024)}\n" in modelfile
    assert "PARAMETER repeat_penalty 1\n" in modelfile


def test_uploading_is_told_and_so_is_how_to_measure(one: Tuned, monkeypatch: pytest.MonkeyPatch) -> None:
    from cypher_magic.session import models

    said: list[str] = []
    monkeypatch.setattr(models, "_tuned", lambda *_: replace(one, card={}))
    monkeypatch.setattr("cypher_magic.asking.live.written", lambda _: 0.0)
    monkeypatch.setattr("cypher_magic.model.hub.check_target", lambda _: None)
    monkeypatch.setattr("cypher_magic.model.hub.prepare", lambda *_, **__: "https://hub/me/movies")
    monkeypatch.setattr("cypher_magic.model.hub.upload", lambda *_, **__: said.append("uploaded"))
    done = models.export("movies", merged=True, push="me/movies", progress=lambda what, *_: said.append(what))
    assert done.url == "https://hub/me/movies" and said == ["merging", "uploading", "uploaded"]
    assert "not measured: %cypher_eval movies --data held_out.csv does it" in repr(done)


@pytest.mark.slow
@pytest.mark.parametrize("merged", [True, False])
def test_the_default_backbone_with_the_starter_gives_what_asking_gave(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, merged: bool
) -> None:
    import torch

    from cypher_magic.model.backbones import local_folder
    from cypher_magic.model.load import Device
    from cypher_magic.model.starter import STARTER

    device = Device("cpu", torch.bfloat16)
    monkeypatch.setattr("cypher_magic.model.load.choose_device", lambda *_: device)
    backbone = local_folder()
    tokenizer = load_tokenizer(backbone)
    asked = CypherModel(load_tuned(backbone, STARTER, device), tokenizer, Prompt(tokenizer)).complete(QUESTION, SCHEMA)
    tuned = Tuned("starter", backbone, "someone/tiny", STARTER, "chat", "", SCHEMA)
    ids, said = run_snippet(write_export(tuned, tmp_path / "out", merged=merged), None if merged else backbone)
    assert "MATCH" in said
    assert (tuple(ids[:-1]), said) == (asked.tokens, asked.text)
