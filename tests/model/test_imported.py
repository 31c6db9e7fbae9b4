from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from cypher_magic.errors import CypherMagicError, ModelError, OptionError
from cypher_magic.model import imported
from cypher_magic.model.export import Tuned, write_export
from cypher_magic.session import export, import_model, runs, use_run
from cypher_magic.session import state as session_state
from tests.model.tiny_folder import tiny_folder

SCHEMA = "(:Person {name: STRING})\n(:Movie {title: STRING})"
QUESTION = "How many Person nodes are there?"


@pytest.fixture(autouse=True)
def _no_model_kept() -> Any:
    session_state.SESSION.models.clear()
    before = session_state.SESSION.run
    yield
    session_state.SESSION.models.clear()
    session_state.SESSION.run = before


def adapter(folder: Path, backbone: Path, base: str) -> Path:
    """A peft adapter as anybody would save it, with weights that change something."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(str(backbone))
    torch.manual_seed(1)
    shape = LoraConfig(r=4, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM", init_lora_weights=False)
    get_peft_model(model, shape).save_pretrained(str(folder))
    (folder / "README.md").unlink(missing_ok=True)
    config = folder / "adapter_config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "base_model_name_or_path": base}))
    return folder


def reply(name: str, schema: str | None = SCHEMA) -> tuple[int, ...]:
    tokens: tuple[int, ...] = session_state.model(name).complete(QUESTION, schema, max_tokens=12).tokens
    return tokens


def test_what_was_exported_comes_in_again_and_answers_the_same(tmp_path: Path) -> None:
    backbone = tiny_folder(tmp_path / "backbone", "plain")
    mine = adapter(tmp_path / "mine", backbone, str(backbone))
    tuned = Tuned("movies", backbone, str(backbone), mine, "plain", "Ask it: ", SCHEMA)
    for merged in (False, True):
        folder = write_export(tuned, tmp_path / f"out{merged}", merged=merged)
        run = import_model(folder, f"back{merged}")
        assert run.state == "imported"
        facts = (run.card["prompt_style"], run.card["prefix"], run.card["schema"])
        assert facts == ("plain", "Ask it: ", SCHEMA)
        assert "prompt.json" in run.card["style_because"]
    assert reply("backFalse") == reply("backTrue")
    assert [r.name for r in runs()] == ["backTrue", "backFalse"]
    assert "imported" in repr(runs())
    assert use_run("backTrue") == "backTrue"


def test_an_adapter_of_somebody_else_is_asked_with_its_backbones_template(tmp_path: Path) -> None:
    backbone = tiny_folder(tmp_path / "backbone", "chatml")
    run = import_model(adapter(tmp_path / "theirs", backbone, str(backbone)))
    assert (run.name, run.card["prompt_style"]) == ("theirs", "chat")
    assert "backbone has a chat template" in run.card["style_because"]
    import_model(backbone, "bare")
    assert reply("theirs") != reply("bare")


def test_an_imported_adapter_can_be_exported(tmp_path: Path) -> None:
    backbone = tiny_folder(tmp_path / "backbone", "chatml")
    import_model(adapter(tmp_path / "theirs", backbone, str(backbone)))
    done = export("theirs", tmp_path / "out", merged=True)
    assert "out" in repr(done)
    import_model(tmp_path / "out", "again")
    assert reply("again") == reply("theirs")
    with pytest.raises(OptionError, match="no adapter of its own"):
        export("again", tmp_path / "out2")


def test_an_adapter_brings_its_own_tokenizer(tmp_path: Path) -> None:
    backbone = tiny_folder(tmp_path / "backbone", "plain")
    folder = adapter(tmp_path / "theirs", backbone, str(backbone))
    with pytest.raises(OptionError, match="says how it was asked") as caught:
        import_model(folder)
    assert "--style plain" in caught.value.hint
    from cypher_magic.model.load import load_tokenizer

    tokenizer = load_tokenizer(backbone)
    tokenizer.chat_template = "{% for m in messages %}{{ m['role'] + ': ' + m['content'] + eos_token }}{% endfor %}A: "
    tokenizer.save_pretrained(folder)
    assert import_model(folder).card["style_because"] == "it has a chat template"
    prompt = session_state.model("theirs").prompt
    assert prompt.text("Who?", None).endswith("user: Who?<|endoftext|>A: ")


def test_the_style_and_the_prefix_can_be_said(tmp_path: Path) -> None:
    backbone = tiny_folder(tmp_path / "backbone", "plain")
    run = import_model(backbone, "plain", style="plain", prefix="Q: ")
    prompt = session_state.model(run.name).prompt
    assert prompt.text("Who?", None) == "Q: Who?<|endoftext|>"


def test_an_adapter_for_another_backbone_is_one_clear_line(tmp_path: Path) -> None:
    backbone = tiny_folder(tmp_path / "backbone", "chatml")
    folder = adapter(tmp_path / "theirs", backbone, "/nowhere/models/llama")
    with pytest.raises(OptionError, match="names the backbone 'llama', which is not here"):
        import_model(folder)
    other = tiny_folder(tmp_path / "other", "chatml", hidden=64)
    with pytest.raises(ModelError, match="does not fit this backbone: .*size mismatch") as caught:
        import_model(folder, backbone=str(other))
    assert "--backbone" in caught.value.hint
    assert import_model(folder, backbone=str(backbone)).state == "imported"
    assert [run.name for run in runs()] == ["theirs"]


def test_pickled_weights_are_refused_and_never_read(tmp_path: Path) -> None:
    backbone = tiny_folder(tmp_path / "backbone", "chatml")
    (backbone / "model.safetensors").rename(tmp_path / "kept.safetensors")
    (backbone / "pytorch_model.bin").write_bytes(b"\x80\x04cos\nsystem\n")
    with pytest.raises(ModelError, match="pickled weights only") as caught:
        import_model(backbone)
    assert "safetensors" in caught.value.hint
    (tmp_path / "kept.safetensors").rename(backbone / "model.safetensors")
    folder = adapter(tmp_path / "theirs", backbone, str(backbone))
    (folder / "adapter_model.safetensors").rename(folder / "adapter_model.pt")
    with pytest.raises(ModelError, match="pickled weights only"):
        import_model(folder)
    assert runs() == []


def pickled(backbone: Path, folder: Path) -> Path:
    """A model whose weights are pickled, and a file of safetensors that has none of them."""
    import torch
    from safetensors.torch import load_file, save_file

    shutil.copytree(backbone, folder)
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    save_file({"nothing": torch.zeros(1)}, folder / "extra.safetensors")
    return folder


def test_a_file_of_safetensors_beside_pickled_weights_does_not_get_them_read(tmp_path: Path) -> None:
    from cypher_magic.model.load import choose_device, load_backbone

    backbone = tiny_folder(tmp_path / "backbone", "chatml")
    mixed = pickled(backbone, tmp_path / "mixed")
    with pytest.raises(ModelError, match="mixed has pickled weights only"):
        import_model(mixed)
    with pytest.raises(ModelError, match="mixed has pickled weights only"):
        import_model(adapter(tmp_path / "theirs", backbone, str(mixed)))
    with pytest.raises(ModelError, match="model.safetensors"):
        load_backbone(mixed, choose_device("cpu", "fp32"))
    assert runs() == []


def test_an_adapter_that_would_not_be_loaded_whole_is_not_taken_in(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file, save_file

    from cypher_magic.model.load import choose_device, load_tuned

    backbone = tiny_folder(tmp_path / "backbone", "chatml")
    good = adapter(tmp_path / "good", backbone, str(backbone))
    weights = load_file(good / "adapter_model.safetensors")
    larger = {"base_model.model.model.embed_tokens.weight": torch.zeros(999, 32)}
    broken: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
        "none": ({}, {"nothing": torch.zeros(1)}, "lacks 8 weights, first base_model.model.model.layers.0"),
        "half": ({}, dict(list(weights.items())[:4]), "lacks 4 weights"),
        "fewer": ({"target_modules": ["q_proj"]}, weights, "has no place for 4 weights"),
        "rank": ({"r": 9}, weights, "does not fit this backbone: .* size mismatch for .*lora_A"),
        "larger": ({}, {**weights, **larger}, "does not fit this backbone: .* size mismatch for .*embed_tokens"),
    }
    for name, (changes, kept, message) in broken.items():
        folder = tmp_path / name
        shutil.copytree(good, folder)
        config = json.loads((folder / "adapter_config.json").read_text())
        (folder / "adapter_config.json").write_text(json.dumps({**config, **changes}))
        save_file(kept, folder / "adapter_model.safetensors")
        with pytest.raises(ModelError, match=message) as caught:
            import_model(folder)
        assert "--backbone" in caught.value.hint
        with pytest.raises(ModelError, match=message):
            load_tuned(backbone, folder, choose_device("cpu", "fp32"))
    assert runs() == []


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("config.json", b"{", "can not be loaded"),
        ("model.safetensors", 500, "can not be loaded: .*header"),
        ("model.safetensors", -50, "can not be loaded: .*not fully covered"),
        ("model.safetensors", None, "no safetensors weights"),
        ("tokenizer.json", None, "The tokenizer in .* can not be loaded"),
    ],
)
def test_a_model_that_is_not_whole_is_not_taken_in(
    tmp_path: Path, file: str, content: bytes | int | None, message: str
) -> None:
    folder = tiny_folder(tmp_path / "model", "chatml")
    if content is None:
        (folder / file).unlink()
    else:
        (folder / file).write_bytes(content if isinstance(content, bytes) else (folder / file).read_bytes()[:content])
    with pytest.raises(ModelError, match=message):
        import_model(folder)
    assert runs() == []


def test_weights_that_a_model_lacks_are_not_made_up(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = tiny_folder(tmp_path / "model", "chatml")
    weights = load_file(folder / "model.safetensors")
    del weights["model.norm.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match="lacks 1 weights, first model.norm.weight"):
        import_model(folder)


def test_a_tokenizer_without_a_template_takes_the_one_of_the_backbone(tmp_path: Path) -> None:
    backbone = tiny_folder(tmp_path / "backbone", "chatml")
    folder = adapter(tmp_path / "theirs", backbone, str(backbone))
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(backbone / name, folder / name)
    (folder / "tokenizer").mkdir()  # a folder is no file of a tokenizer
    run = import_model(folder)
    assert run.card["style_because"] == "its backbone has a chat template"
    assert "<|im_start|>user\nWho?" in session_state.model("theirs").prompt.text("Who?", None)
    done = export("theirs", tmp_path / "out")
    assert done.folder is not None and (done.folder / "chat_template.jinja").is_file()


def test_a_style_that_the_tokenizer_does_not_know_is_said_at_once(tmp_path: Path) -> None:
    backbone = tiny_folder(tmp_path / "backbone", "plain")
    with pytest.raises(ModelError, match="backbone can not be asked: This backbone has no chat template") as caught:
        import_model(backbone, style="chat")
    assert caught.value.hint.startswith("--style plain")
    assert runs() == []


def test_an_import_that_was_interrupted_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    backbone = tiny_folder(tmp_path / "backbone", "chatml")
    folder = adapter(tmp_path / "theirs", backbone, str(backbone))

    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(shutil, "copyfile", interrupted)
        import_model(folder)
    assert runs() == []
    assert import_model(folder).state == "imported"


def test_the_name_is_that_of_the_folder_and_is_looked_at_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    backbone = tiny_folder(tmp_path / "backbone", "chatml")
    monkeypatch.chdir(backbone)
    assert import_model(".").name == "backbone"

    def fetched(*_: Any, **__: Any) -> Path:
        raise AssertionError("nothing is fetched for a name that can be none")

    monkeypatch.setattr(imported, "local_folder", fetched)
    for source in (f"owner/{'n' * 70}", "owner/.x", "owner/base", "owner/starter"):
        with pytest.raises(OptionError) as caught:
            import_model(source)
        assert caught.value.hint.endswith("--name NAME")


def test_a_gguf_file_is_found_again_from_another_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import_model(tiny_folder(tmp_path / "theirs", "chatml"))
    export("theirs", tmp_path / "out", gguf=True)
    monkeypatch.setenv("CYPHER_MAGIC_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path / "out")
    run = import_model("theirs-f16.gguf", "one")
    monkeypatch.chdir(tmp_path)
    assert run.settings.backbone == str(tmp_path / "out" / "theirs-f16.gguf")
    assert reply("one") == reply("theirs")


def test_a_model_of_the_hub_stays_at_the_commit_that_was_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cypher_magic.model.backbones import public_name

    commit = "c0ffee" * 6 + "c0ff"
    folder = tiny_folder(tmp_path / "snapshots" / commit, "chatml")
    asked: list[tuple[str, str | None]] = []

    def snapshot_download(name: str, *, revision: str | None, **_: Any) -> str:
        asked.append((name, revision))
        return str(folder)

    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot_download)
    run = import_model("someone/theirs")
    assert (run.name, run.settings.backbone) == ("theirs", f"someone/theirs@{commit}")
    session_state.model("theirs")
    assert asked == [("someone/theirs", None), ("someone/theirs", commit)]
    assert public_name(run.settings.backbone) == "someone/theirs"


def test_what_can_not_be_looked_at_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    backbone = tiny_folder(tmp_path / "backbone", "chatml")
    for source in ("~nouserx/x", f"{tmp_path}/a\0b", str(tmp_path / ("a" * 300)), "~nouserx"):
        with pytest.raises(CypherMagicError) as caught:
            import_model(source, "it")
        assert "OWNER/NAME" in caught.value.hint and "\n" not in str(caught.value)
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(OptionError, match="can not be looked at: Permission denied"):
        import_model(backbone)


def test_what_can_not_be_used_is_one_line(tmp_path: Path) -> None:
    backbone = tiny_folder(tmp_path / "backbone", "chatml")
    (tmp_path / "empty").mkdir()
    folder = adapter(tmp_path / "theirs", backbone, str(backbone))
    config = json.loads((folder / "adapter_config.json").read_text())
    cases: list[tuple[str, dict[str, Any], str]] = [
        (str(tmp_path / "empty"), {}, "is no model"),
        (str(tmp_path / "nothing"), {}, "There is no model"),
        (str(backbone), {"backbone": "smollm2-135m"}, "is a whole model"),
        (str(backbone), {"name": "../up"}, "can not be the name"),
    ]
    for source, options, message in cases:
        with pytest.raises(CypherMagicError, match=message):
            import_model(source, **options)
    (folder / "adapter_config.json").write_text(json.dumps({**config, "peft_type": "PROMPT_TUNING"}))
    with pytest.raises(ModelError, match="PROMPT_TUNING"):
        import_model(folder)
    (folder / "adapter_config.json").write_text(json.dumps(config))
    (folder / "adapter_model.safetensors").write_bytes(b"\0" * 40)
    with pytest.raises(ModelError, match="damaged"):
        import_model(folder)
    import_model(backbone)
    with pytest.raises(OptionError, match="There is a run backbone already"):
        import_model(backbone)
    assert [run.name for run in runs()] == ["backbone"]


def test_code_in_a_folder_is_never_run(tmp_path: Path) -> None:
    folder = tiny_folder(tmp_path / "model", "chatml")
    config = json.loads((folder / "config.json").read_text())
    config |= {"model_type": "evil", "auto_map": {"AutoConfig": "evil.Config", "AutoModelForCausalLM": "evil.Model"}}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    with pytest.raises(ModelError, match="custom code"):
        import_model(folder)
    assert not (tmp_path / "ran").exists()


def test_a_run_goes_out_with_what_it_was_made_of(tmp_path: Path) -> None:
    from cypher_magic.data.example import Example
    from cypher_magic.training.runs import create_run
    from cypher_magic.training.settings import TrainingSettings

    backbone = tiny_folder(tmp_path / "backbone", "plain")
    settings = TrainingSettings(backbone=str(backbone), epochs=7, launch=f"accelerate launch {tmp_path}/x.yaml")
    rows = [Example("Who lives in 12 Acacia Road?", "MATCH (n) RETURN n")]
    run = create_run("movies", settings, rows, schema=SCHEMA, card={"prefix": "Ask: "})
    adapter(run.folder / "adapter", backbone, str(backbone))
    done = export(run, tmp_path / "out")
    readme = (tmp_path / "out" / "README.md").read_text()
    assert (done.name, done.folder, done.url) == ("movies", tmp_path / "out", None)
    assert f"| SHA-256 of the rows | {run.card['examples_sha256']} |" in readme
    assert "| training rows | 1 |" in readme and "| epochs | 7 |" in readme
    assert "Ask: How many people are there?<|endoftext|>" in readme
    for file in (tmp_path / "out").iterdir():
        assert str(tmp_path).encode() not in file.read_bytes(), file.name
        assert b"Acacia" not in file.read_bytes(), file.name  # rows are private
    import_model(tmp_path / "out", "back", backbone=str(backbone))
    assert reply("back") == reply("movies")


def test_a_model_whose_folder_is_gone_is_named_with_the_folder(tmp_path: Path) -> None:
    backbone = tiny_folder(tmp_path / "model", "chatml")
    import_model(adapter(tmp_path / "theirs", backbone, str(backbone)))
    import_model(backbone, "clinic")
    backbone.rename(tmp_path / "elsewhere")
    for name, what in (("clinic", "folder"), ("theirs", "backbone")):
        for use in (session_state.model, use_run, lambda run: export(run, tmp_path / "out")):
            with pytest.raises(ModelError) as caught:
                use(name)
            assert caught.value.message == f"The {what} of {name!r}, {backbone}, is gone."
            assert caught.value.hint.startswith(f"put it back, or %finetune remove {name}, and %cypher_models import")
    (tmp_path / "elsewhere").rename(backbone)
    assert session_state.model("clinic").name == "clinic"
