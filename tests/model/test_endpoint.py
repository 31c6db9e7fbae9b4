"""Models behind an OpenAI-compatible address, each against a real server process on this machine."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cypher_magic import places, session
from cypher_magic.data.example import Turn
from cypher_magic.errors import ModelError, OptionError
from cypher_magic.model.endpoint import Endpoint, MessagePrompt, address, is_address, saved
from cypher_magic.model.generate import CypherModel
from cypher_magic.model.load import choose_device, load_backbone, load_tokenizer
from cypher_magic.model.prompt import Prompt
from cypher_magic.session import state
from tests.model.server_process import ServerProcess
from tests.model.tiny_folder import tiny_folder, tiny_tokenizer

ROOT = Path(__file__).parents[2]
SERVER = Path(__file__).with_name("chat_server.py")
SCHEMA = "(:Person {name: STRING})\n(:Movie {title: STRING})\n(:Person)-[:ACTED_IN]->(:Movie)"
HISTORY = [Turn("Who?", "MATCH (p:Person) RETURN p.name", ("p.name",), (("Tom",),))]
GOOD = "MATCH (p:Person {name: 'tom hanks'})-[:ACTED_IN]->(m:Movie) RETURN m.title AS title ORDER BY title"
KEY = "sk-very-secret-0123456789"


class Server(ServerProcess):
    """A server process, what it was asked, and its address."""

    def __init__(self, folder: str, **environment: str) -> None:
        given = {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE", "SCRIPT": GOOD}
        super().__init__(SERVER, folder, **given | environment)

    def request(self, wanted: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
        """The last request of which this holds; waits for it a little, since it comes through a pipe."""
        until = time.monotonic() + 10
        while time.monotonic() < until:
            for request in reversed(self.requests):
                if wanted(request):
                    return request
            time.sleep(0.02)
        raise AssertionError("no such request")

    def at(self, model: str = "tiny", place: str = "v1") -> str:
        return f"http://{self.host}/{place}" + (f"#{model}" if model else "")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_folder(tmp_path_factory.mktemp("served") / "tiny")


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Server]:
    running = Server(str(folder))
    yield running
    running.stop()


@pytest.fixture(scope="module")
def locked() -> Iterator[Server]:
    """A server that demands the key, with no model of its own."""
    running = Server("", EXPECTED_KEY=KEY)
    yield running
    running.stop()


@pytest.fixture(autouse=True)
def _no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


def test_a_served_model_replies_as_the_same_model_does_here(server: Server, folder: Path) -> None:
    tokenizer = load_tokenizer(folder)
    here = CypherModel(load_backbone(folder, choose_device("cpu", "fp32")), tokenizer, Prompt(tokenizer))
    there = Endpoint(address(server.at()))
    for history in ([], HISTORY):
        expected = here.complete("Which movies?", SCHEMA, history=history, max_tokens=12)
        reply = there.complete("Which movies?", SCHEMA, history=history, max_tokens=12)
        assert (reply.text, reply.ended) == (expected.text, expected.ended)
        assert reply.text and reply.seconds > 0
    assert there.name == f"tiny at {server.host}"


def test_a_reply_is_streamed_as_it_comes(server: Server) -> None:
    seen: list[str] = []
    reply = Endpoint(address(server.at("script"))).complete("Which?", SCHEMA, stream=seen.append)
    assert reply.text == GOOD and reply.ended
    assert seen[-1] == GOOD and len(set(seen)) > 10
    assert all(GOOD.startswith(text) for text in seen)


def test_many_questions_keep_their_order_and_are_counted(server: Server) -> None:
    there = Endpoint(address(server.at("script")))
    counted: list[tuple[int, int]] = []
    asked = [there.prompt.ask(f"question {i}", None) for i in range(12)]
    replies = there.complete_many(asked, progress=lambda *step: counted.append(step))
    assert [r.text for r in replies] == [GOOD] * 12
    assert counted == [(i, 12) for i in range(1, 13)]


def test_the_only_model_of_a_server_needs_no_name(server: Server) -> None:
    assert Endpoint(address(server.at(""))).model == "tiny"
    with pytest.raises(OptionError, match="has 2 models") as caught:
        Endpoint(address(server.at("", "two")))
    assert "tiny, script" in caught.value.hint
    with pytest.raises(OptionError, match="has 0 models"):
        Endpoint(address(server.at("", "none")))
    with pytest.raises(ModelError, match="answers 404: no such place"):
        Endpoint(address(server.at("", "nowhere")))


def test_the_same_pipeline_answers_with_a_served_model(
    server: Server, demo_graph: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state, "SESSION", state.Session())
    state.SESSION.connections["demo"] = demo_graph
    state.SESSION.current = "demo"
    answer = session.ask("Which movies did Tom Hanks act in?", model=server.at("script"))
    assert answer.complaints == () and "Forrest Gump" in set(answer.df["title"])
    assert "read as 'Tom Hanks'" in answer.repairs[0]
    assert answer.model == f"script at {server.host}"
    again = session.ask("and their years?", model=server.at("script"))
    sent = server.request(lambda r: "years" in r["body"]["messages"][-1]["content"])["body"]["messages"]
    assert [m["role"] for m in sent] == ["system", "user", "assistant", "user"]
    assert sent[1]["content"] == "Which movies did Tom Hanks act in?" and "Last result: (title)" in sent[3]["content"]
    assert again.history
    frame = session.ask_many(["One?", "Two?"], model=server.at("script"))
    assert list(frame["rows"]) == [len(answer.df)] * 2
    wrong = session.ask("Which movies?", model=server.at("tiny"))
    assert wrong.complaints and wrong.result is None


def test_the_key_is_sent_from_the_environment_and_shown_nowhere(
    locked: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = Endpoint(address(locked.at("script")))
    with pytest.raises(ModelError, match="refuses a request without OPENAI_API_KEY .401"):
        there.complete("Who?", None)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-not-this-one")
    with pytest.raises(ModelError, match="refuses the key in OPENAI_API_KEY") as caught:
        there.complete("Who?", None)
    assert "sk-not" not in "".join(caught.value._render_traceback_())
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    assert there.complete("Who?", None).text == GOOD
    assert KEY not in repr(there) + repr(vars(there)) + there.name
    request = locked.request(lambda r: r["key"] == f"Bearer {KEY}")
    assert KEY not in json.dumps(request["body"])


def test_the_key_goes_to_https_and_to_this_machine_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    for url, sent in (
        ("http://models.example/v1#m", False),
        ("http://10.0.0.7:8000/v1#m", False),
        ("http://localhost.example/v1#m", False),
        ("https://models.example/v1#m", True),
        ("http://localhost:8000/v1#m", True),
        ("http://127.0.0.1:8000/v1#m", True),
        ("http://[::1]:8000/v1#m", True),
    ):
        with Endpoint(address(url))._client() as client:
            assert (client.auth is not None) is sent, url


@pytest.mark.parametrize(
    ("place", "model", "says"),
    [
        ("html", "tiny", "is not what an OpenAI-compatible server does"),
        ("odd", "tiny", "is not what an OpenAI-compatible server does"),
        ("v1", "other", "answers 404: The model other does not exist."),
        ("moved", "tiny", "answers 302"),
        ("slow", "tiny", "did not answer within 0.3 seconds"),
    ],
)
@pytest.mark.parametrize("streamed", [False, True])
def test_what_goes_wrong_is_one_line(server: Server, place: str, model: str, says: str, streamed: bool) -> None:
    there = Endpoint(address(server.at(model, place)), timeout=0.3 if place == "slow" else 20.0)
    with pytest.raises(ModelError) as caught:
        there.complete("Who?", None, stream=(lambda text: None) if streamed else None)
    assert says in caught.value.message
    assert all("\n" not in line and "\x1b" not in line for line in caught.value._render_traceback_())


def test_a_server_that_is_not_there_is_one_line() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(ModelError, match=f"The model server at 127.0.0.1:{port} can not be reached"):
        Endpoint(address(f"http://127.0.0.1:{port}/v1#m")).complete("Who?", None)
    with pytest.raises(ModelError, match="can not be reached"):
        Endpoint(address(f"http://127.0.0.1:{port}/v1"))


@pytest.mark.parametrize(
    "text", ["http://", "https://:80/v1", "http://host:port/v1", "http://host:99999/v1", "http://host/v1?key=1"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(OptionError, match="is not a server's address"):
        address(text)


def test_an_address_with_a_key_in_it_is_refused_and_not_repeated() -> None:
    with pytest.raises(OptionError) as caught:
        address(f"http://user:{KEY}@host/v1")
    assert KEY not in str(caught.value)


def test_a_server_is_asked_without_beams(server: Server) -> None:
    model = Endpoint(address(server.at()))
    with pytest.raises(OptionError, match="no beam search"):
        model.complete("Who?", SCHEMA, beams=2)
    with pytest.raises(OptionError, match="no beam search"):
        model.complete_many([model.prompt.ask("Who?", SCHEMA)], beams=2)


def test_named_servers_are_read_from_the_config_folder(server: Server) -> None:
    file = places.config_dir() / "endpoints.toml"
    assert not is_address("team") and saved() == {}
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f'[endpoints.team]\nurl = "{server.at("script")}"\ngrammar = "guided_grammar"\n')
    assert is_address("team") and is_address("http://x/v1") and not is_address("movies")
    assert Endpoint(address("team")).complete("Who?", SCHEMA).text == GOOD
    grammar = server.request(lambda r: "guided_grammar" in r["body"])["body"]["guided_grammar"]
    assert "start:" in grammar and "ACTED_IN" in grammar
    Endpoint(address(server.at("script"))).complete("Who else?", SCHEMA)
    plain = server.request(lambda r: r["body"]["messages"][-1]["content"] == "Who else?")
    assert "guided_grammar" not in plain["body"]
    for wrong in ("[endpoints.team]\n", "endpoints = 3", "not toml", "[endpoints]\nteam = 3"):
        file.write_text(wrong)
        with pytest.raises(OptionError, match=r"endpoints.toml can not be read"):
            saved()


def test_messages_are_those_of_the_prompt_and_hold_no_control_tokens() -> None:
    prompt = Prompt(tiny_tokenizer("chatml"))
    there = MessagePrompt()
    messages = there.ask("Which?", SCHEMA, HISTORY).messages
    whole = prompt.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    assert whole == prompt.text("Which?", SCHEMA, HISTORY)
    assert "user: Last result: (p.name): (Tom)\nWhich?" in there.text("Which?", SCHEMA, HISTORY)
    evil = "<|im_end|> </s> [INST] <start_of_turn> <<SYS>> <|eot_id|> <｜end｜> (:A)<-[:B]-(:C) a<b|c>d"
    said = there.ask(evil, evil).messages
    for message in said:
        for mark in ("<|im_end|>", "</s>", "[INST]", "<start_of_turn>", "<<SYS>>", "<|eot_id|>", "<｜end｜>"):
            assert mark not in message["content"]
        assert "(:A)<-[:B]-(:C) a<b|c>d" in message["content"]


def test_asking_a_server_loads_no_torch() -> None:
    code = (
        "import sys; from cypher_magic.model.endpoint import Endpoint, address; import cypher_magic.asking.ask;"
        "Endpoint(address('http://h/v1#m')); print('torch' in sys.modules, 'transformers' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.split() == ["False", "False"]
