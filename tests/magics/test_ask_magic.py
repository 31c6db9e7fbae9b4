from __future__ import annotations

from typing import Any

import pytest

from cypher_magic import session
from cypher_magic.asking.answer import Answer, as_frame
from cypher_magic.errors import NoModel, NotConnected, OptionError, RunNotFound
from cypher_magic.graph.result import QueryResult
from cypher_magic.session import state


@pytest.fixture
def asked(loaded: Any, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """What reaches `session.ask`, which answers without a model."""
    calls: list[tuple[str, dict[str, Any]]] = []

    def ask(question: str, **options: Any) -> Answer:
        calls.append((question, options))
        return Answer(question, "RETURN 1 AS n", result=QueryResult(("n",), ((1,),)), model="movies")

    def ask_many(questions: list[str], **options: Any) -> Any:
        calls.append((questions, options))
        return as_frame([Answer(q, "RETURN 1 AS n") for q in questions])

    monkeypatch.setattr(session, "ask", ask)
    monkeypatch.setattr(session, "ask_many", ask_many)
    return calls


@pytest.fixture
def nothing_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "SESSION", state.Session())


def failure(shell: Any, cell: str, capsys: pytest.CaptureFixture[str]) -> tuple[BaseException, str]:
    result = shell.run_cell(cell)
    assert result.error_in_exec is not None, "the cell did not fail"
    shown = capsys.readouterr()
    return result.error_in_exec, (shown.out + shown.err).strip()


def test_a_question_may_end_in_a_question_mark_and_the_answer_is_in_underscore(loaded: Any, asked: list[Any]) -> None:
    result = loaded.run_cell("%cypher_ask Which actors played in The Matrix?", store_history=True)
    result.raise_error()
    assert asked[0][0] == "Which actors played in The Matrix?"
    assert isinstance(result.result, Answer)
    assert loaded.user_ns["_"] is result.result
    assert loaded.run_cell("_.query, _.complaints, list(_.df['n'])", store_history=True).result == (
        "RETURN 1 AS n",
        (),
        [1],
    )


def test_a_question_may_be_assigned_and_may_stand_in_the_cell(loaded: Any, asked: list[Any]) -> None:
    loaded.run_cell("answer = %cypher_ask who directed Jaws?").raise_error()
    assert isinstance(loaded.user_ns["answer"], Answer)
    loaded.run_cell("%%cypher_ask -m base\nWho directed {Jaws} for $5?\n").raise_error()
    loaded.run_cell("%%cypher_ask Who directed Jaws?").raise_error()
    assert [question for question, _ in asked] == [
        "who directed Jaws?",
        "Who directed {Jaws} for $5?",
        "Who directed Jaws?",
    ]
    assert asked[1][1]["model"] == "base"


def test_options_reach_the_session_and_settings_fill_in(loaded: Any, asked: list[Any]) -> None:
    loaded.run_cell("%cypher_ask -m movies -c work -l 5 -t 2 --retries 0 --no-run -o kept Who is -x?").raise_error()
    question, options = asked[0]
    options.pop("progress")
    assert question == "Who is -x?"
    assert options == {
        "model": "movies", "connection": "work", "run": False, "retries": 0, "limit": 5, "timeout": 2.0,
        "allow": (), "near": "apply", "constrain": "schema", "beams": 1, "page": 20, "new": False, "follow_up": None,
        "show_steps": False, "stream": None,
    }  # fmt: skip
    assert isinstance(loaded.user_ns["kept"], Answer)
    loaded.run_cell("%config CypherMagic.limit = 50\n%config CypherMagic.autorun = False")
    loaded.run_cell("%config CypherMagic.allow = ['gds.*']")
    loaded.run_cell("%cypher_ask Who?").raise_error()
    assert (asked[1][1]["limit"], asked[1][1]["timeout"], asked[1][1]["run"]) == (50, 30.0, False)
    assert asked[1][1]["allow"] == ("gds.*",)


@pytest.mark.parametrize("cell", ["%cypher_ask -h", "%cypher_ask --help Who?", "%%cypher_ask -h\nWho?"])
def test_help_is_shown_and_nothing_is_asked(
    loaded: Any, asked: list[Any], cell: str, capsys: pytest.CaptureFixture[str]
) -> None:
    loaded.run_cell(cell).raise_error()
    shown = capsys.readouterr().out
    assert "%cypher_ask [options] QUESTION" in shown
    assert all(option in shown for option in ("--model", "--no-run", "--timeout", "--retries"))
    assert asked == []


def test_options_about_the_conversation_and_the_way_reach_the_session(loaded: Any, asked: list[Any]) -> None:
    loaded.run_cell("%cypher_ask --new --show-steps --constrain off --beams 4 --near offer Who?").raise_error()
    loaded.run_cell("%cypher_ask --follow-up the tallest").raise_error()
    first, second = asked[0][1], asked[1][1]
    assert (first["new"], first["follow_up"], first["show_steps"]) == (True, False, True)
    assert (first["constrain"], first["near"], first["beams"]) == ("off", "offer", 4)
    assert second["beams"] == 1
    assert (second["new"], second["follow_up"]) == (False, True)


def test_several_lines_are_several_questions_and_a_table(loaded: Any, asked: list[Any]) -> None:
    result = loaded.run_cell(
        "%%cypher_ask -m movies -o kept\nWho directed Jaws?\n\n  How many movies?  ", store_history=True
    )
    result.raise_error()
    questions, options = asked[0]
    assert questions == ["Who directed Jaws?", "How many movies?"]
    assert options["model"] == "movies" and callable(options["progress"])
    assert list(loaded.user_ns["kept"]["question"]) == questions
    assert result.result is loaded.user_ns["kept"]


@pytest.mark.parametrize("flag", ["--to-cell", "--follow-up", "--show-steps"])
def test_what_is_for_one_question_is_refused_for_several(
    loaded: Any, asked: list[Any], flag: str, capsys: pytest.CaptureFixture[str]
) -> None:
    error, shown = failure(loaded, f"%%cypher_ask {flag}\nWho?\nWhat?", capsys)
    assert isinstance(error, OptionError) and f"{flag} is for one question." in shown
    assert asked == []


def test_the_query_is_put_into_a_new_cell(loaded: Any, asked: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    cells: list[str] = []
    monkeypatch.setattr(loaded, "set_next_input", cells.append)
    loaded.run_cell("%cypher_ask Who?").raise_error()
    assert cells == []
    loaded.run_cell("%cypher_ask --to-cell Who?").raise_error()
    assert cells == ["%%cypher\nRETURN 1 AS n"]


@pytest.mark.parametrize("flag", ["-m base", "--no-run", "--limit=5"])
def test_an_option_behind_the_question_is_not_asked(
    loaded: Any, asked: list[Any], capsys: pytest.CaptureFixture[str], flag: str
) -> None:
    error, shown = failure(loaded, f"%cypher_ask Who directed Alien? {flag}", capsys)
    assert isinstance(error, OptionError) and "stands behind the question" in shown and not asked


def test_the_conversation_is_shown_and_forgotten(
    loaded: Any, nothing_open: None, demo_graph: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    state.SESSION.connections["demo"] = demo_graph
    state.SESSION.current = "demo"
    talk = session.conversation()
    talk.add(Answer("Who directed Jaws?", "MATCH (n) RETURN n"))
    shown = loaded.run_cell("%cypher_ask --history").result
    assert shown is talk and "Who directed Jaws?" in repr(shown) and "MATCH (n) RETURN n" in shown._repr_html_()
    loaded.run_cell("%cypher_ask --new").raise_error()
    assert "A new conversation." in capsys.readouterr().out
    assert len(talk) == 0 and repr(talk) == "The conversation is empty."


def test_what_the_model_writes_is_shown_in_a_notebook_until_the_answer_is_there(
    loaded: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from IPython.display import DisplayHandle

    shown: list[str] = []
    monkeypatch.setattr(loaded, "kernel", object(), raising=False)
    monkeypatch.setattr(DisplayHandle, "update", lambda self, data, **options: shown.append(data["text/html"]))
    monkeypatch.setattr("cypher_magic.magics.streaming._EVERY", 0.0)

    def ask(question: str, *, stream: Any, **options: Any) -> Answer:
        for text in ("MATCH", "MATCH (n)", "MATCH (n) RETURN '<script>'"):
            stream(text)
        return Answer(question, "RETURN 1")

    monkeypatch.setattr(session, "ask", ask)
    loaded.run_cell("%cypher_ask Who?").raise_error()
    assert "MATCH" in shown[0] and "<script" not in shown[-2] and "&lt;script" in shown[-2]
    assert shown[-1] == ""


WRONG = ["--modle base Who?", "--retries many Who?", "-l 0 Who?", "-m", "--near some Who?", "--beams 0 Who?"]
WRONG += ["-o 'not valid' Who?", "-o class Who?"]


@pytest.mark.parametrize("options", WRONG)
def test_a_wrong_option_is_one_line(
    loaded: Any, asked: list[Any], options: str, capsys: pytest.CaptureFixture[str]
) -> None:
    error, shown = failure(loaded, f"%cypher_ask {options}", capsys)
    assert isinstance(error, OptionError)
    assert len(shown.splitlines()) == 1
    assert asked == []


def test_a_question_before_any_connection_is_one_line_with_a_hint(
    loaded: Any, nothing_open: None, capsys: pytest.CaptureFixture[str]
) -> None:
    error, shown = failure(loaded, "%cypher_ask Who directed The Matrix?", capsys)
    assert isinstance(error, NotConnected)
    assert shown.splitlines()[0] == "NotConnected: No graph is connected."
    assert shown.splitlines()[1].startswith("Hint: run %cypher_connect demo")
    assert len(shown.splitlines()) == 2


def test_a_question_before_any_model_is_one_line_with_a_hint(
    loaded: Any, nothing_open: None, demo_graph: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    state.SESSION.connections["demo"] = demo_graph
    state.SESSION.current = "demo"
    error, shown = failure(loaded, "%cypher_ask Who directed The Matrix?", capsys)
    assert isinstance(error, NoModel)
    assert shown.splitlines()[0] == "NoModel: There is no tuned model yet."
    assert "%%finetune" in shown.splitlines()[1]
    error, shown = failure(loaded, "%cypher_ask -m nothing Who directed The Matrix?", capsys)
    assert isinstance(error, RunNotFound)
    assert shown.splitlines()[1] == "Hint: there are: base, starter"
    error, shown = failure(loaded, "%cypher_ask -c elsewhere Who directed The Matrix?", capsys)
    assert shown.startswith("OptionError: There is no connection called 'elsewhere'.")


@pytest.mark.parametrize("cell", ["%cypher_ask", "%cypher_ask -m base", "%%cypher_ask\n  \n"])
def test_no_question_is_one_line_before_a_model_is_loaded(
    loaded: Any, nothing_open: None, demo_graph: Any, cell: str, capsys: pytest.CaptureFixture[str]
) -> None:
    state.SESSION.connections["demo"] = demo_graph
    state.SESSION.current = "demo"
    error, shown = failure(loaded, cell, capsys)
    assert isinstance(error, OptionError)
    assert shown.splitlines()[0] == "OptionError: There is no question."
    assert state.SESSION.models == {}


def test_a_failing_cell_stops_what_stands_below_it_in_the_cell(loaded: Any, nothing_open: None) -> None:
    result = loaded.run_cell("%cypher_ask Who?\nreached = True")
    assert isinstance(result.error_in_exec, NotConnected)
    assert "reached" not in loaded.user_ns
