"""A server that runs as a process of its own, prints its port and then, a line each, the requests that it got."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any


class ServerProcess:
    """The process, its host and port, and what it was asked so far; it never sees a key of this environment."""

    def __init__(self, script: Path, *arguments: str, **environment: str) -> None:
        given = {k: v for k, v in os.environ.items() if k != "OPENAI_API_KEY"} | environment
        command = [sys.executable, str(script), *arguments]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=given)
        assert self.process.stdout is not None
        self.host = f"127.0.0.1:{int(self.process.stdout.readline())}"
        self.requests: list[dict[str, Any]] = []
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        for line in self.process.stdout or ():
            self.requests.append(json.loads(line))

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)
        self.reader.join(5)
        if self.process.stdout is not None:
            self.process.stdout.close()
