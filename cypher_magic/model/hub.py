"""Edge to huggingface_hub: put an exported folder on the Hugging Face Hub.

The client uploads what the Hub does not have yet, so that a push that was cut off goes on where it stopped. The token
is the client's own (HF_TOKEN, `hf auth login`), or the keyring's; it is no argument and in no message.
"""

from __future__ import annotations

import importlib
import re
from typing import TYPE_CHECKING, Any

from cypher_magic.errors import ModelError, OptionError

if TYPE_CHECKING:
    from pathlib import Path

_LOGIN = "set HF_TOKEN to a token that may write, or log in with `hf auth login`"
_ID = re.compile(r"[\w][\w.-]*/[\w][\w.-]*\Z")


def check_target(repo: str) -> None:
    """Raise `OptionError` for a name that can be none on the Hub, and when there is no token: before anything else."""
    if not _ID.match(repo):
        raise OptionError(
            f"{repo!r} can not be a name on the Hub.", hint="OWNER/NAME, your account or organisation first"
        )
    _token()


def push(folder: Path, repo: str, *, private: bool = True, force: bool = False) -> str:
    """Upload the folder as one commit and return the model's address on the Hub.

    A new repository is private unless told otherwise. One that holds a model already is added to with `force` only.
    Raises `ModelError` when the Hub refuses or can not be reached.
    """
    from huggingface_hub import HfApi, errors

    # which HTTP library is below the client (httpx, httpx2) depends on its version
    http = [kind for kind in errors.HfHubHTTPError.__mro__ if kind.__name__ == "HTTPError"]
    below: tuple[type[Exception], ...] = (RuntimeError, *http)
    api = HfApi(token=_token())
    try:
        url = str(api.create_repo(repo, private=private, exist_ok=True))
        there = api.model_info(repo)
        if private and not there.private:
            raise OptionError(f"{repo} is public on the Hub.", hint="push there with --public, or choose another name")
        if not force and any(file.rfilename.endswith((".safetensors", ".gguf")) for file in there.siblings or ()):
            raise OptionError(
                f"{repo} holds a model on the Hub already.", hint="choose another name, or replace it with --force"
            )
        stale = ["*"] if force else None  # an adapter that stays beside a merged model would be loaded with it
        about = "Export from cypher_magic"
        api.upload_folder(repo_id=repo, folder_path=folder, commit_message=about, delete_patterns=stale)
    except (errors.HfHubHTTPError, errors.HFValidationError, OSError) as exc:
        raise _told(exc, repo) from exc
    except below as exc:
        raise _unreachable(repo) from exc
    return url


def _told(exc: BaseException, repo: str) -> ModelError:
    status = getattr(getattr(exc, "response", None), "status_code", None)
    if status == 401:
        return ModelError("The Hub does not take this token.", hint=_LOGIN)
    if status == 403:
        return ModelError(f"This token may not write to {repo} on the Hub.", hint=f"is it your account? Else {_LOGIN}")
    if status is None and isinstance(exc, ValueError):
        return ModelError(f"{repo!r} can not be a name on the Hub.", hint="letters, digits, - _ . after OWNER/")
    if status is None:
        return _unreachable(repo)
    return ModelError(
        f"The Hub refused the upload to {repo} (HTTP {status}).", hint="try again later: it goes on there"
    )


def _unreachable(repo: str) -> ModelError:
    return ModelError(
        f"The Hub can not be reached, {repo} is not (wholly) there.",
        hint="no network? The same line goes on where it stopped; --to FOLDER exports to disk",
    )


def _token() -> str:
    try:
        from huggingface_hub import get_token
    except ImportError as exc:
        raise ModelError("Pushing needs huggingface_hub.", hint="%pip install 'huggingface-hub>=1.0'") from exc
    token = get_token() or _from_keyring()
    if not token:
        raise ModelError("There is no token for the Hugging Face Hub.", hint=_LOGIN)
    return token


def _from_keyring() -> str | None:
    try:
        keyring: Any = importlib.import_module("keyring")
    except ImportError:
        return None
    try:
        found: str | None = keyring.get_password("cypher_magic", "huggingface.co")
    except keyring.errors.KeyringError:
        return None  # no keyring service on this machine
    return found
