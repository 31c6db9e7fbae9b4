"""A real llama.cpp server with an exported model, asked through the whole pipeline."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cypher_magic import session
from cypher_magic.data.example import Turn
from cypher_magic.model.backbones import local_folder
from cypher_magic.model.export import Tuned, write_export
from cypher_magic.model.prompt import Prompt
from cypher_magic.model.starter import STARTER
from tests.model.tiny_folder import CHAT_KINDS, tiny_folder, tiny_tokenizer

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


@contextmanager
def served(file: Path) -> Iterator[str]:
    """The address of a server with this model."""
    pytest.importorskip("xllamacpp", reason="there is no wheel of llama.cpp for this machine")
    pipe, command = subprocess.PIPE, [sys.executable, "-c", SERVER, str(file)]
    told = file.with_name("server.log")
    with told.open("w") as log:
        process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=log, text=True)
    with process:
        assert process.stdout is not None
        found = process.stdout.readline().strip()
        assert found, told.read_text()[-2000:]
        yield found
        process.kill()


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """The server's address; the model is the starter, exported for the demo graph."""
    schema = session.connect("demo").schema().render()
    tuned = Tuned("starter", local_folder(), "smollm2-135m", STARTER, "chat", "", schema)
    with served(write_export(tuned, tmp_path / "out", merged=True, gguf="f16") / "starter-f16.gguf") as found:
        yield f"{found}/v1"
    session.close()


@pytest.mark.slow
@pytest.mark.parametrize("kind", CHAT_KINDS)
def test_llama_cpp_renders_the_exported_chat_template_to_the_prompt(kind: str, tmp_path: Path) -> None:
    """But for the start token, which it puts in front itself."""
    whole = Tuned("movies", tiny_folder(tmp_path / "model", kind), "someone/tiny", None, schema="(:Person)")
    prompt, start = Prompt(tiny_tokenizer(kind)), tiny_tokenizer(kind).bos_token or ""
    with served(write_export(whole, tmp_path / "out", merged=True, gguf="f16") / "movies-f16.gguf") as found:
        for history in ((), (Turn("Who?", "RETURN 1"),)):
            messages = prompt.messages(QUESTIONS[0], "(:Person)", history)
            body, header = json.dumps({"messages": messages}).encode(), {"Content-Type": "application/json"}
            with urllib.request.urlopen(urllib.request.Request(f"{found}/apply-template", body, header)) as reply:
                rendered = json.load(reply)["prompt"]
            assert rendered.removeprefix(start) == prompt.text(QUESTIONS[0], "(:Person)", history).removeprefix(start)


@pytest.mark.slow
def test_a_llama_cpp_server_answers_as_the_model_does_here(address: str) -> None:
    for question in QUESTIONS:
        there = session.ask(question, model=address, new=True)
        here = session.ask(question, model="starter", new=True)
        assert there.query == here.query
        assert there.result is not None and here.result is not None
        assert there.result.rows == here.result.rows
        assert there.result.rows
