"""How a second process gets into an embedded graph that another process serves.

The serving process hands port and passwords out over a Unix socket in a folder of its own that only the same user can
enter; the graph's folder holds nothing but the socket's path. So no password is ever on disk.
"""

from __future__ import annotations

import json
import shutil
import socket
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

_PREFIX = "cypher_magic-door-"
_FILE = "served.json"
_WAIT = 20.0  # seconds for a process that has just begun to serve


class Doorway:
    """Answers every process of the same user that asks at the door of `folder`, until it is closed."""

    def __init__(self, folder: Path, answer: dict[str, str]) -> None:
        _clear(folder)
        self._file = folder / _FILE
        self._answer = json.dumps(answer).encode()
        self._place = Path(tempfile.mkdtemp(prefix=_PREFIX))  # with mode 0700
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(self._place / "door"))
        self._socket.listen()
        self._file.write_text(json.dumps({"door": str(self._place / "door")}), encoding="utf-8")
        threading.Thread(target=self._serve, name="cypher_magic-door", daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                guest, _ = self._socket.accept()
            except OSError:
                return  # closed
            with guest, suppress(OSError):
                guest.settimeout(5)
                guest.sendall(self._answer)

    def __repr__(self) -> str:
        return f"<Doorway {self._place}>"

    def close(self) -> None:
        """Takes the door away."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # wakes the thread up from accept()
        self._socket.close()
        self._file.unlink(missing_ok=True)
        shutil.rmtree(self._place, ignore_errors=True)


def available() -> bool:
    """Whether this system has Unix sockets."""
    return hasattr(socket, "AF_UNIX")


def ask(folder: Path) -> dict[str, str] | None:
    """What the process that serves the folder says; None when it does not answer."""
    deadline = time.monotonic() + _WAIT
    while time.monotonic() < deadline:
        with suppress(OSError, ValueError, KeyError), socket.socket(socket.AF_UNIX) as guest:
            door = json.loads((folder / _FILE).read_text(encoding="utf-8"))["door"]
            guest.settimeout(5)
            guest.connect(door)
            with guest.makefile("rb") as stream:
                return dict(json.loads(stream.read()))
        time.sleep(0.2)
    return None


def _clear(folder: Path) -> None:
    """Removes what a killed process left."""
    with suppress(OSError, ValueError, KeyError):
        place = Path(json.loads((folder / _FILE).read_text(encoding="utf-8"))["door"]).parent
        if place.parent == Path(tempfile.gettempdir()) and place.name.startswith(_PREFIX):
            shutil.rmtree(place, ignore_errors=True)
