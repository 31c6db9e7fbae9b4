"""From addresses, names, variables and files to connections; passwords show up nowhere."""

from __future__ import annotations

import getpass
import os
import pickle
import subprocess
import sys
import traceback
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cypher_magic import places
from cypher_magic.errors import AuthenticationFailed, ConnectionFailed, CypherMagicError, OptionError
from cypher_magic.graph import connections, embedded
from cypher_magic.graph.connections import connect
from cypher_magic.graph.secret import Secret

HIDDEN = "s3cret-in-an-address"


def write_settings(text: str) -> None:
    places.config_dir().mkdir(parents=True, exist_ok=True)
    (places.config_dir() / "connections.toml").write_text(text, encoding="utf-8")


@pytest.fixture
def nobody_there(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_input(prompt: str = "") -> str:
        raise EOFError

    monkeypatch.setattr(getpass, "getpass", no_input)


@pytest.mark.parametrize(
    "uri",
    [
        f"neo4j://neo4j:{HIDDEN}@localhost:7687",
        f"neo4j:{HIDDEN}@localhost",
        f"http://neo4j:{HIDDEN}@localhost",
        f"bolt://{HIDDEN}@localhost",
    ],
)
def test_an_address_with_a_password_is_refused_and_not_repeated(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for given in (uri, None):
        monkeypatch.setenv("NEO4J_URI", uri)
        with pytest.raises(OptionError, match="must not hold") as caught:
            connect(given)
        shown = "".join(traceback.format_exception(caught.value)) + "".join(caught.value._render_traceback_())
        assert HIDDEN not in shown


@pytest.mark.parametrize(
    ("uri", "says"),
    [
        ("localhost:7687", "neo4j://localhost:7687"),
        ("http://localhost:7474", "neo4j+s"),
        ("neo4j://", "not an address"),
        ("neo4j://localhost:70000", "not an address"),
        ("nosuchname", "neither an address nor a named connection"),
        (None, "Which graph"),
    ],
)
def test_what_is_no_address_is_told_in_one_line(uri: str | None, says: str) -> None:
    with pytest.raises(OptionError) as caught:
        connect(uri)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_password_prompt_without_anybody_there_says_which_variable_to_set(nobody_there: None) -> None:
    with pytest.raises(AuthenticationFailed, match="nobody to ask") as caught:
        connect("neo4j://localhost:7687", user="ada")
    assert "NEO4J_PASSWORD" in caught.value.hint


def test_a_kernel_without_input_gets_the_same_hint(monkeypatch: pytest.MonkeyPatch) -> None:
    from IPython.core.error import StdinNotImplementedError

    def no_input(prompt: str = "") -> str:
        raise StdinNotImplementedError

    monkeypatch.setattr(getpass, "getpass", no_input)
    with pytest.raises(AuthenticationFailed, match="nobody to ask"):
        connect("neo4j://localhost:7687")


def test_a_server_that_is_not_there_is_told_by_the_error_alone() -> None:
    code = (
        "import cypher_magic\n"
        "from cypher_magic.errors import ConnectionFailed\n"
        "try: cypher_magic.connect('neo4j://localhost:1', user='neo4j')\n"
        "except ConnectionFailed as error: print(error.message)\n"
    )
    environment = {**os.environ, "NEO4J_PASSWORD": HIDDEN}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert "can not be reached at neo4j://localhost:1" in done.stdout
    assert done.stderr == ""


def test_the_variables_of_another_server_are_not_used(nobody_there: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEO4J_URI", "neo4j+s://elsewhere.example.org")
    monkeypatch.setenv("NEO4J_PASSWORD", HIDDEN)
    with pytest.raises(AuthenticationFailed, match="nobody to ask"):
        connect("neo4j://localhost:7687")


def test_the_keyring_is_asked_when_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    class KeyringError(Exception):
        pass

    def get_password(service: str, account: str) -> str | None:
        asked.append((service, account))
        return None if "ada" in account else HIDDEN

    fake = SimpleNamespace(get_password=get_password, errors=SimpleNamespace(KeyringError=KeyringError))
    monkeypatch.setitem(sys.modules, "keyring", fake)
    found = connections._from_keyring("neo4j://localhost:7687", "neo4j")
    assert found is not None
    assert found.reveal() == HIDDEN
    assert connections._from_keyring("neo4j://localhost:7687", "ada") is None
    assert asked[0] == ("cypher_magic", "neo4j@localhost:7687")


def test_a_password_in_the_settings_file_is_refused_and_not_repeated() -> None:
    write_settings(f'[connections.work]\nuri = "neo4j://localhost"\npassword = "{HIDDEN}"\n')
    with pytest.raises(OptionError, match="holds a password") as caught:
        connect("work")
    assert HIDDEN not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[connections.work\n", "can not be read"),
        ("[connections.work]\nuser = 'x'\n", "needs `uri`"),
        ("[connections.work]\nuri = 'neo4j://x'\nport = 1\n", "may have"),
        ("[connections.work]\nuri = 'neo4j://x'\nhide = 'A'\n", "list of names"),
    ],
)
def test_mistakes_in_the_settings_file_are_named(text: str, says: str) -> None:
    write_settings(text)
    with pytest.raises(OptionError, match=says) as caught:
        connect("work")
    assert "uri = " in caught.value.hint or "user = " in caught.value.hint


def test_an_env_file_that_is_not_there_or_not_text_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="can not be read") as caught:
        connect("neo4j://localhost", env_file=tmp_path / "none.env")
    assert "NEO4J_URI=neo4j://" in caught.value.hint
    (tmp_path / "binary.env").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(OptionError, match="not UTF-8"):
        connect("neo4j://localhost", env_file=tmp_path / "binary.env")


def test_env_files_are_read_as_people_write_them(tmp_path: Path) -> None:
    lines = ["\ufeff# comment", "export NEO4J_URI=neo4j://h:1 # where", "NEO4J_USERNAME='ada'\r"]
    lines += ['NEO4J_PASSWORD="a=b #c"', "", "nonsense", "OTHER=x"]
    (tmp_path / "a.env").write_text("\n".join(lines), encoding="utf-8")
    found, password = connections._variables(tmp_path / "a.env")
    assert found == {"NEO4J_URI": "neo4j://h:1", "NEO4J_USERNAME": "ada"}
    assert password is not None
    assert password.reveal() == "a=b #c"


def test_a_secret_shows_nowhere() -> None:
    secret = Secret(HIDDEN)
    assert HIDDEN not in f"{secret} {secret!r}"
    with pytest.raises(TypeError):
        pickle.dumps(secret)


def test_path_belongs_to_the_demo_and_a_driver_is_a_driver() -> None:
    with pytest.raises(OptionError, match="demo"):
        connect("neo4j://localhost", path="x")
    with pytest.raises(OptionError, match="neo4j.Driver"):
        connect(driver="bolt://localhost")


def test_the_demo_on_disk_is_joined_by_a_second_process(tmp_path: Path) -> None:
    first = connect("demo", path=tmp_path / "graph")
    first.write("CREATE (:Note {text: 'from the first'})")
    code = """
import sys
from cypher_magic.graph.connections import connect
second = connect("demo", path=sys.argv[1])
print(second.uri, second.read("MATCH (n:Note) RETURN n.text").rows[0][0])
second.write("CREATE (:Note {text: 'from the second'})")
second.close()
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, str(tmp_path / "graph")], capture_output=True, text=True, timeout=60
    )
    assert done.stdout.strip() == f"{first.uri} from the first", done.stderr
    assert first.read("MATCH (n:Note) RETURN count(n)").rows == ((2,),)
    first.close()
    again = embedded.start(tmp_path / "graph")
    assert again.read("MATCH (n:Note) RETURN count(n)").rows == ((2,),)
    again.close()


def test_a_folder_whose_process_was_killed_is_opened_again(tmp_path: Path) -> None:
    code = (
        "import sys, os; from cypher_magic.graph import embedded; embedded.start(sys.argv[1]); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "graph")], timeout=60, check=False)
    connection = embedded.start(tmp_path / "graph")
    assert connection.read("RETURN 1").rows == ((1,),)
    connection.close()


def test_a_folder_that_can_not_be_used_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(ConnectionFailed, match="can not be used"):
        connect("demo", path=tmp_path / "file")


# --- on a real server ------------------------------------------------------------------------------------------------


@pytest.mark.neo4j
def test_the_variables_name_server_user_and_password(neo4j_server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEO4J_URI", neo4j_server.uri)
    monkeypatch.setenv("NEO4J_USERNAME", neo4j_server.user)
    monkeypatch.setenv("NEO4J_PASSWORD", neo4j_server.password)
    monkeypatch.setenv("NEO4J_DATABASE", "neo4j")
    connection = connect()
    assert (connection.user, connection.database, connection.name) == (neo4j_server.user, "neo4j", "127.0.0.1/neo4j")
    assert connection.environment()["NEO4J_PASSWORD"] == neo4j_server.password
    connection.close()


@pytest.mark.neo4j
def test_a_named_connection_is_remembered_and_found_again(neo4j_server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEO4J_PASSWORD", neo4j_server.password)
    first = connect(neo4j_server.uri, user=neo4j_server.user, database="neo4j", name='my "work"')
    file = connections.remember(first)
    assert file.stat().st_mode & 0o077 == 0
    first.close()
    again = connect('my "work"')
    assert (again.uri, again.user, again.database, again.name) == (first.uri, first.user, "neo4j", 'my "work"')
    with pytest.raises(OptionError, match="already"):
        connections.remember(again)
    again.close()
    by_name = connect(name='my "work"')
    assert by_name.uri == first.uri
    by_name.close()


@pytest.mark.neo4j
def test_a_named_connection_takes_its_password_from_its_own_variable_or_env_file(
    neo4j_server: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("NEO4J_PASSWORD", "not this one")
    monkeypatch.setenv("WORK_PASSWORD", neo4j_server.password)
    (tmp_path / "work.env").write_text(f"NEO4J_PASSWORD={neo4j_server.password}\n", encoding="utf-8")
    write_settings(
        f'[connections.a]\nuri = "{neo4j_server.uri}"\npassword_env = "WORK_PASSWORD"\n'
        f'[connections.b]\nuri = "{neo4j_server.uri}"\nenv_file = "{tmp_path / "work.env"}"\n'
    )
    for name in ("a", "b"):
        connection = connect(name)
        assert connection.read("RETURN 1").rows == ((1,),)
        connection.close()


@pytest.mark.neo4j
def test_the_password_is_in_no_error_traceback_or_representation(
    neo4j_server: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    wrong = "wr0ng-but-still-secret"
    shown = []
    attempts = [
        (wrong, neo4j_server.uri),
        (wrong, "bolt://127.0.0.1:1"),
        (neo4j_server.password, "bolt+s://127.0.0.1:1"),
    ]
    for password, uri in attempts:
        monkeypatch.setenv("NEO4J_PASSWORD", password)
        with pytest.raises(CypherMagicError) as failed:
            connect(uri)
        error = failed.value
        shown += [str(error), repr(error), *error._render_traceback_(), *traceback.format_exception(error)]
        for frame, _ in traceback.walk_tb(error.__traceback__):  # what a verbose traceback would print of our frames
            if "cypher_magic/graph" in frame.f_code.co_filename and frame.f_code.co_name != "<module>":
                shown += [repr(value) for name, value in frame.f_locals.items()]
    monkeypatch.setenv("NEO4J_PASSWORD", neo4j_server.password)
    connection = connect(neo4j_server.uri)
    with pytest.raises(CypherMagicError) as caught:
        connection.read("RETRN 1")
    connection.schema()
    shown += [repr(connection), repr(vars(connection)), "".join(traceback.format_exception(caught.value))]
    connection.close()
    for secret in (wrong, neo4j_server.password):
        assert not [text for text in shown if secret in text]
        for folder in (places.config_dir(), places.runs_dir(), tmp_path, places.cache_dir() / "schemas"):
            for file in folder.rglob("*") if folder.exists() else ():
                assert not (file.is_file() and secret.encode() in file.read_bytes()), file
