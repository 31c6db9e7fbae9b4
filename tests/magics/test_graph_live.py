"""The magics with nothing replaced: a real shell or kernel, the real session, the embedded graph over Bolt."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbclient
import nbformat
import pytest
from IPython.core.completer import provisionalcompleter

from cypher_magic.errors import NotReadOnly, OptionError, QueryFailed
from cypher_magic.graph.result import QueryResult


@pytest.fixture(scope="module")
def notebook() -> Iterator[Any]:
    """One shell for the tests of this module, connected to the demo graph."""
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    config = Config()
    config.HistoryManager.enabled = False
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance(config=config)
    shell.run_line_magic("load_ext", "cypher_magic")
    shell.run_line_magic("cypher_connect", "demo")
    yield shell
    shell.run_line_magic("unload_ext", "cypher_magic")
    InteractiveShell.clear_instance()


def value(shell: Any, cell: str) -> Any:
    result = shell.run_cell(cell)
    result.raise_error()
    return result.result


def test_a_value_from_the_notebook_finds_its_rows(notebook: Any) -> None:
    rows = value(
        notebook, "who = 'Tom Hanks'\n%cypher MATCH (p:Person {name: $who})-->(m:Movie) RETURN m.title AS title"
    )
    assert isinstance(rows, QueryResult)
    assert ("Forrest Gump",) in rows.rows


def test_an_injection_is_only_a_strange_name(notebook: Any) -> None:
    before = value(notebook, "%cypher MATCH (n) RETURN count(n)").rows
    notebook.user_ns["who"] = "x'}) MATCH (n) DETACH DELETE n //"
    assert value(notebook, "%cypher --write MATCH (p:Person {name: $who}) RETURN p").rows == ()
    assert value(notebook, "%cypher MATCH (n) RETURN count(n)").rows == before


def test_a_cell_with_an_arrow_a_semicolon_and_comments_runs(notebook: Any) -> None:
    cell = "%%cypher -l 3\n// who knows --df\nMATCH (a:Person) --> (b:Movie) /* $no */\nRETURN a.name, b.title;\n"
    rows = value(notebook, cell)
    assert len(rows) == 3
    assert rows.truncated


def test_writing_needs_to_be_asked_for(notebook: Any) -> None:
    assert isinstance(notebook.run_cell("%cypher CREATE (:Note {n: 1})").error_in_exec, NotReadOnly)
    assert value(notebook, "%cypher MATCH (n:Note) RETURN count(n)").rows == ((0,),)
    written = value(notebook, "%cypher --write CREATE (:Note {n: 1})")
    assert written.counters["nodes_created"] == 1
    assert "1 node created" in repr(written)
    value(notebook, "%cypher --write MATCH (n:Note) DELETE n")


def test_several_statements_need_to_be_asked_for(notebook: Any) -> None:
    assert isinstance(notebook.run_cell("%cypher RETURN 1 AS a; RETURN 2 AS b").error_in_exec, OptionError)
    assert value(notebook, "%cypher --multi RETURN 1 AS a; RETURN 2 AS b").rows == ((2,),)


def test_a_plan_is_shown_without_running_the_query(notebook: Any) -> None:
    planned = value(notebook, "%cypher --explain MATCH (m:Movie) RETURN m")
    assert planned.rows == ()
    assert "Movie" in (planned.plan or "")
    profiled = value(notebook, "%cypher --profile MATCH (m:Movie) RETURN count(m) AS n")
    assert profiled.rows[0][0] > 50
    assert profiled.plan


def test_what_the_server_refuses_is_one_line(notebook: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert isinstance(notebook.run_cell("%cypher MTCH (n) RETURN n").error_in_exec, QueryFailed)
    shown = capsys.readouterr()
    assert "Traceback" not in shown.out + shown.err
    assert len((shown.out + shown.err).strip().splitlines()) <= 2  # the line, and its hint


def test_completion_knows_the_graph_once_its_schema_was_seen(notebook: Any) -> None:
    value(notebook, "%cypher_schema")
    with provisionalcompleter():
        text = "%%cypher\nMATCH (m:Movie) RETURN m.rel"
        assert [c.text for c in notebook.Completer.completions(text, len(text))] == ["released"]


def test_a_name_that_the_graph_does_not_have_is_noted_in_every_form_of_the_result(
    notebook: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    value(notebook, "%cypher_schema --refresh")
    note = "line 1, column 10: The graph has no label Movi. (did you mean Movie?)"
    assert repr(value(notebook, "%cypher MATCH (m:Movi) RETURN m.title")).startswith(note)
    capsys.readouterr()
    assert value(notebook, "%cypher --df MATCH (m:Movi) RETURN m.title").empty
    assert capsys.readouterr().out.splitlines()[0] == note


def test_connections_have_names(notebook: Any, tmp_path: Path) -> None:
    value(notebook, f"%cypher_connect demo -n second --path '{tmp_path}/graph'")
    assert [c.name for c in value(notebook, "%cypher_connect --list")] == ["second", "demo"]
    value(notebook, "%cypher --write CREATE (:OnlyHere)")
    assert value(notebook, "%cypher -c demo MATCH (n:OnlyHere) RETURN count(n)").rows == ((0,),)
    assert value(notebook, "%cypher_connect --use demo").name == "demo"
    value(notebook, "%cypher_connect --close second")
    assert [c.name for c in value(notebook, "%cypher_connect --list")] == ["demo"]
    assert isinstance(notebook.run_cell("%cypher -c second RETURN 1").error_in_exec, OptionError)


def executed(cells: list[str], folder: Path) -> Any:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    client = nbclient.NotebookClient(
        notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    )
    try:
        client.execute()
    finally:
        client.nb = notebook
    return notebook


@pytest.mark.filterwarnings("ignore:.*TCP without encryption.*")
def test_a_saved_notebook_holds_tables_and_pictures_in_html_and_text(tmp_path: Path) -> None:
    notebook = executed(
        [
            "%load_ext cypher_magic\n%cypher_connect demo",
            "%cypher MATCH (p:Person)-[r:ACTED_IN]->(m:Movie) RETURN p, r, m LIMIT 3;",
            "_.graph",
            "%%cypher\nRETURN 1 AS one;",
            "%cypher_schema",
        ],
        tmp_path,
    )
    table, picture, silent, schema = (cell.outputs[0]["data"] for cell in notebook.cells[1:])
    assert "one" in silent["text/plain"]  # a semicolon ends a query, it does not hide its rows
    assert "<table>" in table["text/html"]
    assert "(:Person" in table["text/plain"]
    assert "<svg" in picture["text/html"]
    assert "-[:ACTED_IN]->" in picture["text/plain"]
    assert "(:Person)-[:ACTED_IN" in schema["text/plain"]
    assert len(json.dumps(notebook)) < 100_000


@pytest.mark.filterwarnings("ignore:.*TCP without encryption.*")
def test_a_failing_query_stops_run_all(tmp_path: Path) -> None:
    with pytest.raises(nbclient.exceptions.CellExecutionError) as caught:
        executed(
            ["%load_ext cypher_magic\n%cypher_connect demo", "%cypher RETURN $missing", "print('went on')"], tmp_path
        )
    assert caught.value.ename == "OptionError"
    assert "$missing" in caught.value.evalue
