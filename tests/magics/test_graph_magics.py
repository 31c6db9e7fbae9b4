from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from cypher_magic.errors import NotConnected, OptionError
from cypher_magic.graph.result import QueryResult
from cypher_magic.magics.graph import parameter_names

if TYPE_CHECKING:
    from pathlib import Path


def ran(session: Any) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """The last query: its text, parameters and options."""
    name, args, options = session.calls[-1]
    assert name == "query"
    return args[0], args[1], options


def failure(shell: Any, cell: str) -> BaseException:
    result = shell.run_cell(cell)
    assert result.error_in_exec is not None, "the cell did not fail"
    return result.error_in_exec


def test_dollar_names_are_sent_as_parameters_and_the_text_is_not_touched(loaded: Any, session: Any) -> None:
    hostile = "x'}) DETACH DELETE n //"
    loaded.user_ns.update(who=hostile, year=1994, unused=3)
    loaded.run_cell("%cypher MATCH (p {name: $who})-->(m {y: $year}) RETURN m").raise_error()
    text, parameters, _ = ran(session)
    assert text == "MATCH (p {name: $who})-->(m {y: $year}) RETURN m"
    assert parameters == {"who": hostile, "year": 1994}


def test_braces_and_dollars_of_a_cell_are_not_expanded(loaded: Any, session: Any) -> None:
    loaded.user_ns.update(who="Tom", x=1)
    loaded.run_cell("%%cypher\nMATCH (p {name: $who}) RETURN '{x} $who', {x: 1}").raise_error()
    assert ran(session)[0] == "MATCH (p {name: $who}) RETURN '{x} $who', {x: 1}"


def test_all_missing_parameters_stand_in_one_line(loaded: Any, session: Any) -> None:
    error = failure(loaded, "%cypher MATCH (p {name: $who}) WHERE p.born > $year RETURN p")
    assert isinstance(error, OptionError)
    assert error.message == "The query needs a value for $who, $year."
    assert session.calls == []


def test_a_parameter_given_on_the_line_wins_over_the_notebook(loaded: Any, session: Any) -> None:
    loaded.user_ns.update(who="Tom", base=[1, 2])
    loaded.run_cell("""%cypher -p "who='Meg ' + 'Ryan'" -p ids=[*base, 3] RETURN $who, $ids""").raise_error()
    assert ran(session)[0:2] == ("RETURN $who, $ids", {"who": "Meg Ryan", "ids": [1, 2, 3]})


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("-p who", "-p takes NAME=EXPR, not 'who'."),
        ("-p 1a=2", "-p takes NAME=EXPR, not '1a=2'."),
        ("-p who=nothing_here", "-p who: 'nothing_here' is not a value: NameError: name 'nothing_here' is not defined"),
    ],
)
def test_a_wrong_parameter_is_one_line(loaded: Any, session: Any, option: str, message: str) -> None:
    error = failure(loaded, f"%cypher {option} RETURN $who")
    assert isinstance(error, OptionError)
    assert error.message == message
    assert '="' in error.hint  # how a text is given


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("RETURN $a, $b, $a", ["a", "b"]),
        ("RETURN '$a', \"$b\", `$c` // $d\n/* $e */ + $f", ["f"]),
        ("RETURN 'it\\'s $a' + $b", ["b"]),
        ('RETURN "x\\\\" + $b', ["b"]),
        ("RETURN $`odd name` + $ünï + $0", ["odd name", "ünï", "0"]),
        ("RETURN 'never closed $a", []),
        ("RETURN 1 /* $a", []),
        ("MATCH (n:$($label)) RETURN n", ["label"]),
        ("RETURN 10 / $a / $b", ["a", "b"]),
    ],
)
def test_parameters_are_found_outside_strings_comments_and_backticks(query: str, names: list[str]) -> None:
    assert parameter_names(query) == names


def test_the_result_is_returned_and_shows_the_page_that_config_says(loaded: Any, session: Any) -> None:
    loaded.run_cell("%config CypherMagic.display_limit = 5").raise_error()
    value = loaded.run_cell("%cypher RETURN 1").result
    assert isinstance(value, QueryResult)
    assert value.display_limit == 5
    assert loaded.run_cell("rows = %cypher RETURN 1\nlen(rows)").result == 30


def test_out_and_arrows_keep_the_result_in_a_variable(loaded: Any, session: Any) -> None:
    shown = loaded.run_cell("%cypher -o kept RETURN 1").result
    assert loaded.user_ns["kept"] is shown
    assert loaded.run_cell("%cypher rows << RETURN 1").result is None
    assert isinstance(loaded.user_ns["rows"], QueryResult)
    assert ran(session)[0] == "RETURN 1"
    loaded.run_cell("%%cypher --df frame <<\nMATCH (n)\nRETURN n").raise_error()
    assert list(loaded.user_ns["frame"].columns) == ["n", "name"]
    assert ran(session)[0] == "MATCH (n)\nRETURN n"


def test_df_and_raw_choose_the_form_and_still_tell_the_summary(
    loaded: Any, session: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert loaded.run_line_magic("cypher", "--df RETURN 1").shape == (30, 2)
    assert loaded.run_line_magic("cypher", "--raw RETURN 1")[0] == {"n": 0, "name": "name 0"}
    assert capsys.readouterr().out == "30 rows · 4 ms\n" * 2
    loaded.run_cell("%config CypherMagic.result_format = 'df'").raise_error()
    assert loaded.run_line_magic("cypher", "RETURN 1").shape == (30, 2)


def test_options_reach_the_session(loaded: Any, session: Any) -> None:
    loaded.run_line_magic("cypher", "-c work -l 5 -t 2 --write --profile --multi RETURN 1; RETURN 2")
    text, _, options = ran(session)
    assert text == "RETURN 1; RETURN 2"
    assert options == {
        "connection": "work",
        "limit": 5,
        "timeout": 2.0,
        "write": True,
        "explain": False,
        "profile": True,
        "multi": True,
    }
    loaded.run_line_magic("cypher", "RETURN 1")
    assert (ran(session)[2]["limit"], ran(session)[2]["timeout"], ran(session)[2]["write"]) == (1000, 30.0, False)


def test_a_query_can_come_from_a_file(loaded: Any, session: Any, tmp_path: Path) -> None:
    file = tmp_path / "my query.cypher"
    file.write_bytes("\ufeffMATCH (n {name: 'Amélie'})\r\nRETURN n".encode())
    loaded.run_line_magic("cypher", f'--file "{file}"')
    assert ran(session)[0] == "MATCH (n {name: 'Amélie'})\nRETURN n"
    assert isinstance(failure(loaded, f'%cypher --file "{file}" RETURN 1'), OptionError)
    assert isinstance(failure(loaded, "%cypher --file nowhere.cypher"), OptionError)


def test_no_query_is_one_line_with_a_hint(loaded: Any, session: Any) -> None:
    error = failure(loaded, "%cypher -l 5")
    assert isinstance(error, OptionError)
    assert error.message == "There is no query."
    assert "%%cypher" in error.hint


def test_an_error_is_shown_in_one_line_and_fails_the_cell(
    loaded: Any, session: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    failure(loaded, "%cypher --lmit 5 RETURN 1")
    shown = capsys.readouterr()
    assert (shown.out + shown.err).strip() == "OptionError: %cypher has no option --lmit. Did you mean --limit?"


def test_connect_passes_its_options_and_lists_uses_and_closes(loaded: Any, session: Any) -> None:
    driver = object()
    loaded.user_ns["mine"] = driver
    connection = loaded.run_line_magic(
        "cypher_connect", "neo4j://h -u me -d films -n work --env-file .env --driver mine"
    )
    assert connection is session.open[0]
    assert session.calls[-1] == (
        "connect",
        ("neo4j://h",),
        {"user": "me", "database": "films", "name": "work", "env_file": ".env", "driver": driver, "path": None},
    )
    assert loaded.run_line_magic("cypher_connect", "--list") == session.open
    assert loaded.run_line_magic("cypher_connect", "--use work") is session.open[1]
    loaded.run_line_magic("cypher_connect", "--close")
    loaded.run_line_magic("cypher_connect", "--close work")
    assert [c[1][0] for c in session.calls if c[0] == "close"] == [None, "work"]


def test_a_password_option_does_not_exist(loaded: Any, session: Any, capsys: pytest.CaptureFixture[str]) -> None:
    for option in ("-p secret", "--password secret", "--password=secret"):
        assert isinstance(failure(loaded, f"%cypher_connect neo4j://h -u me {option}"), OptionError)
    shown = capsys.readouterr()
    assert "secret" not in shown.out + shown.err
    assert session.calls == []


def test_a_driver_variable_that_is_not_there_is_named(loaded: Any, session: Any) -> None:
    error = failure(loaded, "%cypher_connect --driver nope")
    assert isinstance(error, OptionError)
    assert "nope" in error.message


def test_schema_is_returned_and_drawn(loaded: Any, session: Any) -> None:
    assert loaded.run_line_magic("cypher_schema", "--refresh --sample 9 --values") is session.schema()
    assert ("schema", (True,), {"connection": None, "sample": 9, "values": True}) in session.calls
    picture = loaded.run_line_magic("cypher_schema", "--picture")
    assert "ACTED_IN" in picture.svg


def test_a_query_without_a_connection_says_how_to_connect(loaded: Any) -> None:
    assert isinstance(loaded.run_cell("%cypher RETURN 1").error_in_exec, NotConnected)
    assert isinstance(loaded.run_cell("%cypher_schema").error_in_exec, NotConnected)


@pytest.mark.neo4j
def test_a_saved_connection_keeps_everything_but_the_password(
    loaded: Any, neo4j_server: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from cypher_magic.graph.connections import saved
    from cypher_magic.places import config_dir

    monkeypatch.setenv("NEO4J_PASSWORD", neo4j_server.password)
    loaded.run_cell(f"%cypher_connect {neo4j_server.uri} -u {neo4j_server.user} -n work --save").raise_error()
    assert saved()["work"].uri == neo4j_server.uri
    assert neo4j_server.password not in (config_dir() / "connections.toml").read_text("utf-8") + capsys.readouterr().out
    loaded.run_cell("%cypher_connect --close work").raise_error()
    loaded.run_cell("%cypher_connect work").raise_error()


def test_a_query_file_that_is_not_there_or_one_too_many_is_told_with_what_to_do(loaded: Any, session: Any) -> None:
    missing = failure(loaded, "%cypher --file nowhere.cypher")
    assert isinstance(missing, OptionError) and missing.hint.startswith("paths begin in /")
    assert missing.message == "The query file nowhere.cypher can not be read: No such file or directory."
    both = failure(loaded, "%%cypher --file nowhere.cypher\nRETURN 1")
    assert isinstance(both, OptionError) and both.hint == "give one of them"
