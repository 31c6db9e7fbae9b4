"""Which devices and number formats there are here, without loading PyTorch into this process."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict, dataclass

from cypher_magic.errors import OptionError, TrainingError

KINDS = ("auto", "cuda", "mps", "cpu")
_PATIENCE = 120.0  # seconds; loading PyTorch from a cold disk takes long


@dataclass(frozen=True)
class Choice:
    """What a device and a precision of the settings come to: device, number format, bytes; or why it can not be."""

    device: str
    precision: str
    kind: str = ""
    number_format: str = ""
    name: str = ""
    free: int = 0
    total: int = 0
    error: str = ""
    hint: str = ""


def choices() -> list[Choice]:
    """Every device with every precision; asked in a process of its own, for loading PyTorch here takes memory for good.

    Raises `TrainingError` when PyTorch does not load.
    """
    if "torch" in sys.modules:
        return _asked()
    command = [sys.executable, "-c", "from cypher_magic.training import devices; devices.tell()"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE, check=True)
    except subprocess.CalledProcessError as exc:
        reason = (exc.stderr.strip().splitlines() or ["it ended without a word"])[-1]
        raise TrainingError(f"PyTorch does not load: {reason}", hint="%cypher_doctor tells more") from exc
    except (subprocess.TimeoutExpired, OSError) as exc:
        raise TrainingError("PyTorch could not be asked for its devices.", hint="%cypher_doctor tells more") from exc
    return [Choice(**found) for found in json.loads(done.stdout.splitlines()[-1])]


def tell() -> None:
    """Print the choices as a line of JSON: what the process does that is asked."""
    print(json.dumps([asdict(choice) for choice in _asked()]))


def _asked() -> list[Choice]:
    from cypher_magic.training.settings import PRECISIONS

    return [_choice(device, precision) for device in KINDS for precision in PRECISIONS]


def _choice(device: str, precision: str) -> Choice:
    from cypher_magic.model.load import choose_device
    from cypher_magic.model.room import room
    from cypher_magic.training.fits import number_format

    try:
        chosen = choose_device(device, precision)
    except OptionError as error:
        return Choice(device, precision, error=error.message, hint=error.hint)
    there = room(chosen.kind)
    return Choice(device, precision, chosen.kind, number_format(chosen), str(chosen), there.free, there.total)
