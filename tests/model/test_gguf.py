from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cypher_magic.errors import ModelError, OptionError
from cypher_magic.model.export import Tuned, write_export
from cypher_magic.model.generate import CypherModel
from cypher_magic.model.gguf_file import check_layers, read_vocabulary
from cypher_magic.model.load import Device, load_backbone, load_tokenizer, load_tuned
from cypher_magic.model.prompt import Prompt
from tests.model.test_export import CARD, QUERY, QUESTION, SCHEMA, before_export, run_snippet, tune
from tests.model.tiny_folder import tiny_folder, tiny_tokenizer

QUESTIONS = (QUESTION, "Which movies came out in 1999?", "Who acted in 'The Matrix'?  And   when?", "Où est Zoë 🙂?")


@pytest.fixture(autouse=True)
def _float32(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr("cypher_magic.model.load.choose_device", lambda *_: Device("cpu", torch.float32))


@pytest.fixture
def tuned(tmp_path: Path) -> Tuned:
    return tune(tmp_path / "here" / "backbone", "chatml", steps=1)


def family(folder: Path, kind: str) -> Tuned:
    """A random model of one of the families, with more rows in the embedding than the tokenizer has tokens."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    tokenizer = tiny_tokenizer("chatml")
    shape: dict[str, Any] = {"hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2}
    shape |= {"head_dim": 128 if kind.startswith("qwen3") else 16}  # transformers takes no other from a Qwen 3 file
    shape |= {"num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 512}
    shape |= {
        "vocab_size": len(tokenizer) + 5,
        "tie_word_embeddings": not kind.endswith("untied"),
        "rms_norm_eps": 1e-5,
    }
    shape |= {"bos_token_id": None, "eos_token_id": tokenizer.eos_token_id, "pad_token_id": None}
    config = AutoConfig.for_model(kind.partition("-")[0], **shape)
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(config)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.normal_(1.0 if "norm" in name else 0.0, 0.15)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return Tuned("movies", folder, "someone/tiny", None, schema=SCHEMA, card=CARD)


def read_back(folder: Path) -> tuple[Any, Any]:
    """Model and tokenizer, from the file alone, as transformers reads it."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    [file] = folder.glob("*.gguf")
    model = AutoModelForCausalLM.from_pretrained(folder, gguf_file=file.name, dtype=torch.float32)
    return model.eval(), AutoTokenizer.from_pretrained(folder, gguf_file=file.name)


def difference(one: Any, other: Any, ids: list[int]) -> float:
    import torch

    with torch.no_grad():
        logits = [model(torch.tensor([ids])).logits for model in (one, other)]
    return float((logits[0] - logits[1]).abs().max() / logits[0].abs().max())


def fields(folder: Path) -> dict[str, Any]:
    from gguf import GGUFReader

    [file] = folder.glob("*.gguf")
    return {name: field.contents() for name, field in GGUFReader(file).fields.items()}


def tensors(folder: Path) -> dict[str, Any]:
    from gguf import GGUFReader

    [file] = folder.glob("*.gguf")
    return {tensor.name: tensor for tensor in GGUFReader(file).tensors}


@pytest.mark.parametrize("kind", ["llama", "llama-untied", "qwen2", "qwen3-untied"])
def test_the_file_holds_the_same_model(kind: str, tmp_path: Path) -> None:
    import torch

    whole = family(tmp_path / "model", kind)
    before = load_backbone(whole.backbone, Device("cpu", torch.float32))
    asked = Prompt(load_tokenizer(whole.backbone)).ask(QUESTION, SCHEMA)
    ids = [*asked.prefix, *asked.question]
    for form, tolerance in (("f16", 2e-3), ("q8_0", 5e-2)):
        model, _ = read_back(write_export(whole, tmp_path / form, merged=True, gguf=form))
        assert model.config.model_type == kind.partition("-")[0]
        assert difference(before, model, ids) < tolerance


def test_the_adapter_is_merged_in_and_answers_as_asking_did(tmp_path: Path) -> None:
    tuned = tune(tmp_path / "here" / "backbone", "chatml")
    tokens, text = before_export(tuned)
    assert text == QUERY  # it has learned something
    folder = write_export(tuned, tmp_path / "out", merged=True, gguf="f16")
    model, tokenizer = read_back(folder)
    reply = CypherModel(model, tokenizer, Prompt(tokenizer)).complete(QUESTION, SCHEMA)
    assert (reply.tokens, reply.text, reply.ended) == (tokens, text, True)
    ids, said = run_snippet(folder)
    assert (tuple(ids[:-1]), said) == (tokens, text)


@pytest.mark.parametrize("kind", ["chatml", "llama3", "plain", "plain_start"])
def test_the_tokenizer_in_the_file_gives_the_trained_tokens(kind: str, tmp_path: Path) -> None:
    whole = Tuned("movies", tiny_folder(tmp_path / "model", kind), "someone/tiny", None, schema=SCHEMA)
    trained = Prompt(tiny_tokenizer(kind))
    folder = write_export(whole, tmp_path / "out", merged=True, gguf="f16")
    _, tokenizer = read_back(folder)
    prompt = Prompt(tokenizer, trained.style)
    assert prompt.end == trained.end
    for question in QUESTIONS:
        assert prompt.ask(question, SCHEMA) == trained.ask(question, SCHEMA)
    messages = trained.messages(QUESTION, SCHEMA)
    rendered = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    assert rendered == trained.text(QUESTION, SCHEMA)
    assert fields(folder)["tokenizer.ggml.add_bos_token"] == (kind in ("llama3", "plain_start"))


def test_special_tokens_and_rows_without_a_token_are_marked(tmp_path: Path) -> None:
    folder = write_export(family(tmp_path / "model", "llama"), tmp_path / "out", merged=True, gguf="f16")
    found, tokenizer = fields(folder), tiny_tokenizer("chatml")
    tokens, types = found["tokenizer.ggml.tokens"], found["tokenizer.ggml.token_type"]
    assert len(tokens) == len(types) == len(tokenizer) + 5 == found["llama.vocab_size"]
    marks = {token for token, kind in zip(tokens, types, strict=True) if kind == 3}
    assert marks == {"<|im_start|>", "<|im_end|>", "<|pad|>", "<file>"}
    assert types[len(tokenizer) :] == [5] * 5 and tokens[-1] == f"[PAD{len(tokens) - 1}]"
    ids = {kind: tokens[found[f"tokenizer.ggml.{kind}_token_id"]] for kind in ("bos", "eos", "padding")}
    assert ids == {"bos": "<|im_start|>", "eos": "<|im_end|>", "padding": "<|pad|>"}
    assert (found["tokenizer.ggml.model"], found["tokenizer.ggml.pre"]) == ("gpt2", "gpt-2")
    assert (found["general.architecture"], found["general.name"]) == ("llama", "movies")
    assert "general.license" not in found
    named = replace(family(tmp_path / "named", "llama"), source="meta-llama/Llama-3.2-1B-Instruct")
    licensed = fields(write_export(named, tmp_path / "licensed", merged=True, gguf="f16"))
    assert licensed["general.license"] == "llama3.2"


def test_the_end_of_a_turn_that_is_not_the_end_of_text_is_named(tmp_path: Path) -> None:
    whole = Tuned("movies", tiny_folder(tmp_path / "model", "deaf"), "someone/tiny", None, schema=SCHEMA)
    prompt = Prompt(tiny_tokenizer("deaf"))
    found = fields(write_export(whole, tmp_path / "out", merged=True, gguf="f16"))
    tokens = found["tokenizer.ggml.tokens"]
    assert tokens[found["tokenizer.ggml.eos_token_id"]] == "<|endoftext|>"
    assert prompt.end.endswith(tokens[found["tokenizer.ggml.eot_token_id"]])


def test_vectors_stay_float32_and_a_tied_output_is_left_out(tmp_path: Path) -> None:
    for kind, output in (("qwen3", False), ("llama-untied", True)):
        whole = family(tmp_path / kind, kind)
        for form in ("F16", "Q8_0"):
            found = tensors(write_export(whole, tmp_path / f"{kind}{form}", merged=True, gguf=form.lower()))
            assert ("output.weight" in found) == output
            for tensor in found.values():
                assert tensor.tensor_type.name == ("F32" if len(tensor.shape) == 1 else form), tensor.name


def test_llama_3_gets_its_stretched_frequencies(tmp_path: Path) -> None:
    """By the formula in Meta's own model code."""
    whole = family(tmp_path / "model", "llama")
    config = json.loads((whole.backbone / "config.json").read_text())
    rope = {"rope_type": "llama3", "rope_theta": 500000.0, "factor": 8.0, "low_freq_factor": 1.0}
    rope |= {"high_freq_factor": 4.0, "original_max_position_embeddings": 64}
    (whole.backbone / "config.json").write_text(json.dumps(config | {"rope_parameters": rope}))
    folder = write_export(whole, tmp_path / "out", merged=True, gguf="f16")
    waves = 2 * np.pi * 500000.0 ** (np.arange(0, 16, 2) / 16)
    smooth = np.clip((64 / waves - 1) / 3, 0, 1)
    assert np.allclose(tensors(folder)["rope_freqs.weight"].data, 1 / ((1 - smooth) / 8 + smooth), rtol=1e-5)
    assert fields(folder)["llama.rope.freq_base"] == 500000.0


LLAMA_3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
    r"|\s+(?!\S)|\s+"
)


def split_as(name: str) -> Any:
    """A tokenizer with the steps that the models of this llama.cpp name have."""
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    by_words = pre_tokenizers.ByteLevel(add_prefix_space=False)
    by_bytes = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    by_digits = pre_tokenizers.Digits(individual_digits=True)

    def split(pattern: str) -> Any:
        return pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(pattern), "isolated"), by_bytes])

    steps = {
        "gpt-2": by_words,
        "smollm": pre_tokenizers.Sequence([by_digits, by_words]),
        "llama-bpe": split(LLAMA_3),
        "qwen2": split(LLAMA_3.replace("{1,3}", "")),
        "another": split(r"\w+"),
        "prefixed": pre_tokenizers.ByteLevel(add_prefix_space=True),
        "metaspace": pre_tokenizers.Metaspace(),
        "lowercase": by_words,
        "ignoring": by_words,
    }
    vocabulary = {"<|end|>": 0, "a": 1, "b": 2, "ab": 3}
    inner = Tokenizer(models.BPE(vocabulary, [("a", "b")], ignore_merges=name in ("llama-bpe", "ignoring")))
    inner.pre_tokenizer = steps[name]
    if name == "lowercase":
        inner.normalizer = normalizers.Lowercase()
    if name == "qwen2":
        inner.normalizer = normalizers.NFC()
    return PreTrainedTokenizerFast(tokenizer_object=inner, eos_token="<|end|>")


@pytest.mark.parametrize("name", ["gpt-2", "smollm", "llama-bpe", "qwen2"])
def test_how_a_tokenizer_splits_text_is_named_by_what_it_does(name: str) -> None:
    found = read_vocabulary(split_as(name), 6, end=0, template="")
    assert (found.pre, found.merges, found.types) == (name, ["a b"], [3, 1, 1, 1, 5, 5])


@pytest.mark.parametrize("name", ["another", "prefixed", "metaspace", "lowercase", "ignoring"])
def test_a_tokenizer_that_llama_cpp_does_not_have_is_refused(name: str) -> None:
    with pytest.raises(ModelError, match="no tokenizer that is known to be this model's") as caught:
        read_vocabulary(split_as(name), 6, end=0, template="")
    assert "convert_hf_to_gguf.py" in caught.value.hint


@pytest.mark.parametrize(
    ("kind", "odd", "message"),
    [
        ("gpt_neox", {}, "type gpt_neox can not be written"),
        ("gemma2", {}, "type gemma2 can not be written"),
        ("llama", {"attention_bias": True}, "with biases"),
        ("llama", {"hidden_act": "gelu"}, "activation gelu"),
        (
            "llama",
            {"rope_parameters": {"rope_type": "linear", "factor": 2.0, "rope_theta": 1e4}},
            "rope of type linear",
        ),
        ("qwen2", {"use_sliding_window": True, "max_window_layers": 1}, "attention in a sliding window"),
    ],
)
def test_layers_that_would_not_come_out_right_are_refused(kind: str, odd: dict[str, Any], message: str) -> None:
    from transformers import AutoConfig

    with pytest.raises(ModelError, match=message) as caught:
        check_layers(AutoConfig.for_model(kind, **odd))
    assert "--merged" in caught.value.hint


def test_a_full_disk_leaves_nothing_half_written(tuned: Tuned, tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")  # a limit on the size of files is as good as a full disk
    place = tmp_path / "place"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, before[1]))
    try:
        with pytest.raises(ModelError, match="can not be stored at .*(No space left|too large)") as caught:
            write_export(tuned, place / "out", merged=True, gguf="f16")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "free some space" in caught.value.hint and "\n" not in str(caught.value)
    assert list(place.iterdir()) == []


def test_numpy_gives_no_reason_and_a_full_disk_is_said_all_the_same(
    tuned: Tuned, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: Any, **__: Any) -> None:
        raise OSError("4096 requested and 512 written")

    monkeypatch.setattr("gguf.GGUFWriter.write_tensor_data", stop)
    with pytest.raises(ModelError, match="can not be stored at .*No space left"):
        write_export(tuned, tmp_path / "place" / "out", merged=True, gguf="f16")
    assert list((tmp_path / "place").iterdir()) == []


def test_weights_beyond_16_bits_are_refused(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file, save_file

    whole = family(tmp_path / "model", "llama")
    weights = load_file(whole.backbone / "model.safetensors")
    weights["model.layers.0.mlp.up_proj.weight"] = torch.full((96, 64), 1e5)
    save_file(weights, whole.backbone / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match=r"ffn_up\.weight are too large"):
        write_export(whole, tmp_path / "place" / "out", merged=True, gguf="f16")
    assert list((tmp_path / "place").iterdir()) == []


def test_the_modelfile_names_the_file_and_the_folder_holds_no_path(tuned: Tuned, tmp_path: Path) -> None:
    said: list[tuple[str, int, int]] = []
    folder = write_export(tuned, tmp_path / "out", merged=True, gguf="q8_0", progress=lambda *step: said.append(step))
    files = {file.name for file in folder.iterdir()}
    assert files == {"movies-q8_0.gguf", "Modelfile", "README.md", "prompt.json", "generation_config.json"}
    modelfile = (folder / "Modelfile").read_text()
    assert re.search(r"^FROM (.*)$", modelfile, re.MULTILINE)[1] == "./movies-q8_0.gguf"
    assert f'SYSTEM """Translate the question to a Cypher query for this graph schema:\n{SCHEMA}"""' in modelfile
    readme = (folder / "README.md").read_text()
    assert "ollama create movies -f Modelfile" in readme and "llama-server -m movies-q8_0.gguf" in readme
    for file in folder.iterdir():
        assert str(tmp_path).encode() not in file.read_bytes()
    assert said[-1][0] == "writing the GGUF" and said[-1][1] == said[-1][2] > 0


def test_a_gguf_comes_in_with_its_tensors_counted_and_without_a_bar_of_another_library(
    tuned: Tuned, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    from cypher_magic.model.backbones import local_folder

    monkeypatch.setenv("CYPHER_MAGIC_CACHE", str(tmp_path / "cache"))
    (file,) = write_export(tuned, tmp_path / "out", merged=True, gguf="f16").glob("*.gguf")
    said: list[tuple[str, int, int]] = []
    capfd.readouterr()
    folder = local_folder(str(file), progress=lambda *step: said.append(step))
    assert (folder / "model.safetensors").is_file()
    assert {what for what, _, _ in said} == {"converting"}
    total = max(total for _, _, total in said)
    assert total > 10 and [step for step in said if step[2]] == [("converting", i, total) for i in range(total)]
    assert capfd.readouterr() == ("", "")


def test_export_tells_the_size_and_refuses_other_forms(
    tuned: Tuned, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cypher_magic.session import models

    monkeypatch.setattr(models, "_tuned", lambda *_: tuned)
    done = models.export("movies", tmp_path / "out", gguf=True)
    assert (done.gguf, done.merged) == ("f16", True)
    assert done.size == sum(file.stat().st_size for file in (tmp_path / "out").iterdir())
    assert repr(done).startswith("movies: the GGUF file (f16, 0.1 MB) is in ")
    with pytest.raises(OptionError, match="no GGUF of the form 'q2'"):
        models.export("movies", tmp_path / "other", gguf="q2")


@pytest.mark.slow
def test_the_default_backbone_with_the_starter_gives_what_asking_gave(tmp_path: Path) -> None:
    import torch

    from cypher_magic.model.backbones import local_folder
    from cypher_magic.model.starter import STARTER

    backbone = local_folder()
    tokenizer = load_tokenizer(backbone)
    live = load_tuned(backbone, STARTER, Device("cpu", torch.float32))
    tuned = Tuned("starter", backbone, "someone/tiny", STARTER, "chat", "", SCHEMA)
    folder = write_export(tuned, tmp_path / "out", merged=True, gguf="f16")
    model, read = read_back(folder)
    before, after = CypherModel(live, tokenizer, Prompt(tokenizer)), CypherModel(model, read, Prompt(read))
    for question in QUESTIONS[:3]:
        asked = Prompt(tokenizer).ask(question, SCHEMA)
        assert Prompt(read).ask(question, SCHEMA) == asked
        assert difference(live, model, [*asked.prefix, *asked.question]) < 5e-3
        reply = before.complete(question, SCHEMA)
        assert reply.ended and after.complete(question, SCHEMA).tokens == reply.tokens
