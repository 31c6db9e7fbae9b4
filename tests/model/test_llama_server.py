"""A real llama.cpp server with an exported model, asked through the whole pipeline."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cypher_magic import session
from cypher_magic.model.backbones import local_folder
from cypher_magic.model.export import Tuned, write_export
from cypher_magic.model.starter import STARTER

SERVER = """
import sys, time
import xllamacpp

wanted = xllamacpp.CommonParams()
wanted.model.path, wanted.n_ctx, wanted.n_parallel = sys.argv[1], 2048, 1
wanted.hostnames, wanted.port = ["127.0.0.1"], 0
wanted.cpuparams.n_threads = wanted.cpuparams_batch.n_threads = 1
server = xllamacpp.Server(wanted)
print(server.listening_address, flush=True)
sys.stdin.read()
"""
QUESTIONS = ("Who acted in The Matrix?", "When was Alien released?", "How many movies did Tom Hanks act in?")


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """The server's address; the model is the starter, exported for the demo graph."""
    pytest.importorskip("xllamacpp", reason="there is no wheel of llama.cpp for this machine")
    schema = session.connect("demo").schema().render()
    tuned = Tuned("starter", local_folder(), "smollm2-135m", STARTER, "chat", "", schema)
    file = write_export(tuned, tmp_path / "out", merged=True, gguf="f16") / "starter-f16.gguf"
    pipe, command = subprocess.PIPE, [sys.executable, "-c", SERVER, str(file)]
    with (tmp_path / "server.log").open("w") as log:
        process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=log, text=True)
    with process:
        assert process.stdout is not None
        found = process.stdout.readline().strip()
        assert found, (tmp_path / "server.log").read_text()[-2000:]
        yield f"{found}/v1"
        process.kill()
    session.close()


@pytest.mark.slow
def test_a_llama_cpp_server_answers_as_the_model_does_here(address: str) -> None:
    for question in QUESTIONS:
        there = session.ask(question, model=address, new=True)
        here = session.ask(question, model="starter", new=True)
        assert there.query == here.query
        assert there.result is not None and here.result is not None
        assert there.result.rows == here.result.rows
        assert there.result.rows
