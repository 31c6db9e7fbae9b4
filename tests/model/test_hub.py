from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Any

import pytest

from cypher_magic.errors import ModelError, OptionError, RunNotFound
from cypher_magic.model.hub import check_target, prepare, upload
from cypher_magic.session import export, import_model
from tests.model.fake_hub import TOKEN, FakeHub
from tests.model.tiny_folder import tiny_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAME = "me/movies"


def push(folder: Path, repo: str, *, private: bool = True, force: bool = False) -> str:
    url = prepare(repo, private=private, force=force)
    upload(folder, repo, force=force)
    return url


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
    with pytest.raises(OptionError, match="is not empty on the Hub: it holds README.md, model.safetensors") as caught:
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


@pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")
def test_the_same_line_goes_on_with_an_upload_that_was_cut_off(hub: FakeHub, tmp_path: Path) -> None:
    import_model(tiny_folder(tmp_path / "theirs", "chatml"))
    out = tmp_path / "out"
    hub.large = 1000
    hub.refuses = ("/commit/", 500)
    with pytest.raises(ModelError, match="HTTP 500") as caught:
        export("theirs", out, merged=True, push=NAME)
    assert "the same line" in caught.value.hint
    made, sent = (out / "model.safetensors").stat(), hub.uploads
    hub.refuses = None
    with pytest.raises(OptionError, match="is there already"):  # that would be another export
        export("theirs", out, gguf=True, push=NAME)
    with pytest.raises(OptionError, match="is there already"):
        export("theirs", out, merged=True, push="me/elsewhere")
    done = export("theirs", out, merged=True, push=NAME)
    assert (done.folder, done.merged) == (out, True)
    assert (out / "model.safetensors").stat().st_mtime_ns == made.st_mtime_ns  # it was not merged again
    assert hub.uploads == sent
    files = {name for name in hub.repositories[NAME]["files"] if name != ".gitattributes"}
    assert files == {file.name for file in out.iterdir()}
    assert not [name for name in files if name.startswith(".")]
    with pytest.raises(OptionError, match="is there already"):  # it is all there now
        export("theirs", out, merged=True, push=NAME)
    export("theirs", out, merged=True, push=NAME, force=True)


def test_an_upload_that_was_cut_off_can_be_begun_anew_with_force(hub: FakeHub, tmp_path: Path) -> None:
    import_model(tiny_folder(tmp_path / "theirs", "chatml"))
    out = tmp_path / "out"
    hub.refuses = ("/commit/", 500)
    with pytest.raises(ModelError, match="HTTP 500"):
        export("theirs", out, merged=True, push=NAME)
    hub.refuses = None
    export("theirs", out, gguf=True, push="me/gguf", force=True)
    assert {file.name for file in out.iterdir()} == set(hub.repositories["me/gguf"]["files"]) - {".gitattributes"}


def test_what_the_hub_refuses_is_said_before_anything_is_exported(
    hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_model(tiny_folder(tmp_path / "theirs", "chatml"))

    def written(*_: Any, **__: Any) -> None:
        raise AssertionError("nothing is merged for a push that is refused")

    monkeypatch.setattr("cypher_magic.model.export.write_export", written)
    hub.repositories["me/public"] = {"private": False, "files": {".gitattributes": b""}}
    hub.repositories["me/old"] = {"private": True, "files": {".gitattributes": b"", "README.md": b"", "train.py": b""}}
    hub.repositories["me/private"] = {"private": True, "files": {".gitattributes": b""}}
    cases = [
        ("me/public", True, "me/public is public on the Hub"),
        ("me/private", False, "me/private is private on the Hub, and a push does not change that"),
        ("me/old", True, "me/old is not empty on the Hub: it holds README.md, train.py"),
    ]
    for repo, private, message in cases:
        with pytest.raises(OptionError, match=message):
            export("theirs", tmp_path / "out", merged=True, push=repo, private=private)
    with pytest.raises(RunNotFound):
        export("nothing", merged=True, push="me/new")
    hub.refuses = ("/api/repos/create", 403)
    with pytest.raises(ModelError, match="may not write to me/new"):
        export("theirs", merged=True, push="me/new")
    assert "me/new" not in hub.repositories


def test_a_card_that_the_hub_does_not_take_is_one_line(hub: FakeHub, folder: Path) -> None:
    hub.card_fault = "bad licence"
    with pytest.raises(ModelError, match="does not take the model card: .*bad licence") as caught:
        push(folder, NAME)
    assert "hf upload" in caught.value.hint
    assert "\n" not in str(caught.value)


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


def test_the_token_of_the_keyring_may_end_in_a_line_break(
    hub: FakeHub, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr("cypher_magic.model.hub._from_keyring", lambda: f"{TOKEN}\n")
    push(folder, NAME)
    assert NAME in hub.repositories


@pytest.mark.usefixtures("hub")
@pytest.mark.parametrize("token", ["hf_se\ncret", "hf_se\u2026cret", "hf_se cret"])
def test_what_can_be_no_token_is_one_line_without_it(token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr("cypher_magic.model.hub._from_keyring", lambda: token)
    with pytest.raises(ModelError, match="has characters that can be in none") as caught:
        check_target(NAME)
    told = "".join(traceback.format_exception(caught.value))
    assert "cret" not in told
    assert "keyring set cypher_magic huggingface.co" in caught.value.hint


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
    import_model(tiny_folder(tmp_path / "theirs", "chatml"))
    done = export("theirs", merged=True, push=NAME)
    files = hub.repositories[NAME]["files"]
    assert {"README.md", "config.json", "model.safetensors", "prompt.json", "tokenizer.json"} <= set(files)
    assert b"model_id = 'me/movies'" in files["README.md"]
    assert done.folder is None and done.url is not None and NAME in done.url
    assert not any(TOKEN.encode() in content for content in files.values())
    assert TOKEN not in repr(done) + "".join(capfd.readouterr())


def test_a_gguf_file_goes_to_the_hub_and_is_a_model_that_stays(hub: FakeHub, tmp_path: Path) -> None:
    import_model(tiny_folder(tmp_path / "theirs", "chatml"))
    assert export("theirs", gguf=True, push=NAME).gguf == "f16"
    files = hub.repositories[NAME]["files"]
    assert {"README.md", "Modelfile", "theirs-f16.gguf"} <= set(files)
    assert b"from_pretrained(model_id, gguf_file='theirs-f16.gguf')" in files["README.md"]
    with pytest.raises(OptionError, match="is not empty on the Hub"):
        export("theirs", gguf=True, push=NAME)
