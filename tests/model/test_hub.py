from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cypher_magic.errors import ModelError, OptionError
from cypher_magic.model.hub import check_target, push
from tests.model.fake_hub import TOKEN, FakeHub

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAME = "me/movies"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeHub]:
    server = FakeHub()
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", server.url)  # HF_ENDPOINT is read when it is imported
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "no token"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)  # the older of the client's two ways
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "export"
    made.mkdir()
    (made / "README.md").write_text("---\nlicense: mit\n---\n# movies\n")
    (made / "model.safetensors").write_bytes(bytes(range(256)) * 40)
    return made


def test_a_push_makes_a_private_repository_with_every_file(hub: FakeHub, folder: Path) -> None:
    url = push(folder, NAME)
    assert url.endswith(NAME)
    there = hub.repositories[NAME]
    assert there["private"] is True
    assert {n: c for n, c in there["files"].items() if n != ".gitattributes"} == {
        file.name: file.read_bytes() for file in folder.iterdir()
    }


def test_it_is_public_only_when_that_is_said(hub: FakeHub, folder: Path) -> None:
    push(folder, NAME, private=False)
    assert hub.repositories[NAME]["private"] is False
    with pytest.raises(OptionError, match="is public on the Hub") as caught:  # what is meant to be private stays so
        push(folder, NAME, force=True)
    assert "--public" in caught.value.hint


def test_a_repository_that_holds_a_model_is_replaced_with_force_only(hub: FakeHub, folder: Path) -> None:
    push(folder, NAME)
    (folder / "README.md").write_text("---\nlicense: mit\n---\nanew\n")
    with pytest.raises(OptionError, match="holds a model on the Hub already") as caught:
        push(folder, NAME)
    assert "--force" in caught.value.hint
    assert b"anew" not in hub.repositories[NAME]["files"]["README.md"]
    push(folder, NAME, force=True)
    assert b"anew" in hub.repositories[NAME]["files"]["README.md"]
    (folder / "model.safetensors").rename(folder / "adapter_model.safetensors")
    push(folder, NAME, force=True)
    assert set(hub.repositories[NAME]["files"]) == {".gitattributes", "README.md", "adapter_model.safetensors"}


@pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")  # the client's own, of its HTTP library
def test_a_push_that_was_cut_off_goes_on_where_it_stopped(hub: FakeHub, folder: Path) -> None:
    hub.large = 1000
    hub.refuses = ("/commit/", 500)
    with pytest.raises(ModelError, match="HTTP 500"):
        push(folder, NAME)
    assert hub.uploads == 1
    hub.refuses = None
    push(folder, NAME)
    assert hub.uploads == 1  # the weights were there
    assert hub.repositories[NAME]["files"]["model.safetensors"] == (folder / "model.safetensors").read_bytes()


@pytest.mark.parametrize(
    ("status", "message"), [(401, "does not take this token"), (403, "may not write to me/movies")]
)
def test_a_token_that_is_refused_is_one_line_without_it(hub: FakeHub, folder: Path, status: int, message: str) -> None:
    hub.refuses = ("/api/repos/create", status)
    with pytest.raises(ModelError, match=message) as caught:
        push(folder, NAME)
    assert "HF_TOKEN" in caught.value.hint
    assert TOKEN not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_hub_that_is_not_there_is_one_line(hub: FakeHub, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(ModelError, match="can not be reached") as caught:
        push(folder, NAME)
    assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("hub")
def test_without_a_token_nothing_is_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr("cypher_magic.model.hub._from_keyring", lambda: None)
    with pytest.raises(ModelError, match="There is no token") as caught:
        check_target(NAME)
    assert "hf auth login" in caught.value.hint


@pytest.mark.usefixtures("hub")
def test_the_keyrings_token_is_taken_where_there_is_no_other(
    hub: FakeHub, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr("cypher_magic.model.hub._from_keyring", lambda: TOKEN)
    push(folder, NAME)
    assert NAME in hub.repositories


@pytest.mark.parametrize("name", ["movies", "me/", "/movies", "me/a/b", "me/mo vies", "-me/movies"])
def test_what_can_be_no_name_is_said_before_anything_is_done(name: str) -> None:
    with pytest.raises(OptionError, match="can not be a name on the Hub"):
        check_target(name)


def test_a_model_goes_to_the_hub_in_one_step_and_its_card_names_it(
    hub: FakeHub, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    from cypher_magic.session import export, import_model
    from tests.model.tiny_folder import tiny_folder

    import_model(tiny_folder(tmp_path / "theirs", "chatml"))
    done = export("theirs", merged=True, push=NAME)
    files = hub.repositories[NAME]["files"]
    assert {"README.md", "config.json", "model.safetensors", "prompt.json", "tokenizer.json"} <= set(files)
    assert b"model_id = 'me/movies'" in files["README.md"]
    assert done.folder is None and done.url is not None and NAME in done.url
    assert not any(TOKEN.encode() in content for content in files.values())
    assert TOKEN not in repr(done) + "".join(capfd.readouterr())


def test_a_gguf_file_goes_to_the_hub_and_is_a_model_that_stays(hub: FakeHub, tmp_path: Path) -> None:
    from cypher_magic.session import export, import_model
    from tests.model.tiny_folder import tiny_folder

    import_model(tiny_folder(tmp_path / "theirs", "chatml"))
    assert export("theirs", gguf=True, push=NAME).gguf == "f16"
    files = hub.repositories[NAME]["files"]
    assert {"README.md", "Modelfile", "theirs-f16.gguf"} <= set(files)
    assert b"from_pretrained(model_id, gguf_file='theirs-f16.gguf')" in files["README.md"]
    with pytest.raises(OptionError, match="holds a model on the Hub already"):
        export("theirs", gguf=True, push=NAME)
