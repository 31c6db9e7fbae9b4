"""Edge to huggingface_hub: put an exported folder on the Hugging Face Hub.

What can be refused is refused by `prepare`, before anything is exported. The client uploads what the Hub does not have
yet, so that a push that was cut off goes on where it stopped. The token is the client's own (HF_TOKEN,
`hf auth login`), or the keyring's; it is no argument and in no message.
"""

from __future__ import annotations

import importlib
import os
import re
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cypher_magic.errors import ModelError, OptionError

if TYPE_CHECKING:
    from collections.abc import Iterator

_KEYRING = ("cypher_magic", "huggingface.co")
LOGIN = (
    f"set HF_TOKEN to a token that may write, log in with `hf auth login`, or keep it with `keyring set "
    f"{' '.join(_KEYRING)}`"
)
_ID = re.compile(r"[\w][\w.-]*/[\w][\w.-]*\Z")
_TOKEN = re.compile(r"[!-~]+\Z")


def check_target(repo: str) -> None:
    """Raise `OptionError` for a name that can be none on the Hub, and when there is no token: before anything else."""
    if not _ID.match(repo):
        raise OptionError(
            f"{repo!r} can not be a name on the Hub.", hint="OWNER/NAME, your account or organisation first"
        )
    _token()


def prepare(repo: str, *, private: bool = True, force: bool = False) -> str:
    """Make the repository, private unless told otherwise, and return its address on the Hub.

    Raises `OptionError` when one that is there is seen by others than was said, or holds something and `force` does
    not replace it, and `ModelError` when the Hub refuses or can not be reached.
    """
    with _told(repo) as api:
        url = str(api.create_repo(repo, private=private, exist_ok=True))
        there = api.model_info(repo)
    if private and not there.private:
        raise OptionError(f"{repo} is public on the Hub.", hint="push there with --public, or choose another name")
    if not private and there.private:
        hint = "make it public in its settings there first, leave --public out, or choose another name"
        raise OptionError(f"{repo} is private on the Hub, and a push does not change that.", hint=hint)
    held = sorted(file.rfilename for file in there.siblings or () if file.rfilename != ".gitattributes")
    if held and not force:
        files = ", ".join(held[:3]) + (" ..." if len(held) > 3 else "")
        hint = "choose another name, or replace all that it holds with --force"
        raise OptionError(f"{repo} is not empty on the Hub: it holds {files}.", hint=hint)
    return url


def upload(folder: Path, repo: str, *, force: bool = False, leave: str | None = None) -> None:
    """Upload the folder, without the file called `leave`, as one commit; with `force` nothing else stays there.

    Raises `ModelError` when the Hub refuses or can not be reached.
    """
    stale = ["*"] if force else None  # an adapter that stays beside a merged model would be loaded with it
    about = "Export from cypher_magic"
    with _told(repo) as api:
        api.upload_folder(
            repo_id=repo, folder_path=folder, commit_message=about, ignore_patterns=leave, delete_patterns=stale
        )


def cache() -> Path:
    """The folder where the Hub's client keeps what it fetches (HF_HOME moves it)."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE)


def logged_in() -> bool:
    """Whether the client has a token. It is not read, and the keyring, which might ask for its password, not opened."""
    from huggingface_hub import constants

    set_here = any(os.environ.get(name) for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"))
    return set_here or Path(constants.HF_TOKEN_PATH).is_file()


@contextmanager
def _told(repo: str) -> Iterator[Any]:
    """The Hub's client; what it raises becomes one line."""
    from huggingface_hub import HfApi, errors

    # which HTTP library is below the client (httpx, httpx2) depends on its version
    http = [kind for kind in errors.HfHubHTTPError.__mro__ if kind.__name__ == "HTTPError"]
    below: tuple[type[Exception], ...] = (RuntimeError, OSError, *http)
    try:
        yield HfApi(token=_token())
    except errors.HfHubHTTPError as exc:
        raise _refused(exc.response.status_code, repo) from exc
    except errors.HFValidationError as exc:
        hint = "letters, digits, - _ . after OWNER/"
        raise ModelError(f"{repo!r} can not be a name on the Hub.", hint=hint) from exc
    except ValueError as exc:  # the header of the README is looked at there
        reason = " ".join(str(exc).split())[:300]
        hint = "export it with --to FOLDER, put the first lines of its README.md right, and upload it: `hf upload`"
        raise ModelError(f"The Hub does not take the model card: {reason}", hint=hint) from exc
    except below:
        hint = "no network? The same line goes on where it stopped; --to FOLDER exports to disk"
        raise ModelError(
            f"The Hub can not be reached, {repo} is not (wholly) there.", hint=hint
        ) from None  # it may hold the token


def _refused(status: int, repo: str) -> ModelError:
    if status == 401:
        return ModelError("The Hub does not take this token.", hint=LOGIN)
    if status == 403:
        return ModelError(f"This token may not write to {repo} on the Hub.", hint=f"is it your account? Else {LOGIN}")
    hint = "try the same line again later: it goes on where it stopped"
    return ModelError(f"The Hub refused the upload to {repo} (HTTP {status}).", hint=hint)


def _token() -> str:
    try:
        from huggingface_hub import get_token
    except ImportError as exc:
        raise ModelError("Pushing needs huggingface_hub.", hint="%pip install 'huggingface-hub>=1.0'") from exc
    token = (get_token() or _from_keyring() or "").strip()
    if not token:
        raise ModelError("There is no token for the Hugging Face Hub.", hint=LOGIN)
    if not _TOKEN.match(token):
        raise ModelError("The token for the Hugging Face Hub has characters that can be in none.", hint=LOGIN)
    return token


def _from_keyring() -> str | None:
    try:
        keyring: Any = importlib.import_module("keyring")
    except ImportError:
        return None
    try:
        found: str | None = keyring.get_password(*_KEYRING)
    except keyring.errors.KeyringError:
        return None  # no keyring service on this machine
    return found
