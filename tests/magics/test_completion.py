from __future__ import annotations

import sys
import time
from typing import Any

import pytest
from IPython.core.completer import provisionalcompleter


def completed(shell: Any, text: str, rest: str = "") -> list[str]:
    """What TAB at the end of `text` would make of the last word, in the order offered."""
    with provisionalcompleter():
        return [c.text for c in shell.Completer.completions(text + rest, len(text))]


@pytest.fixture
def tab(loaded: Any, session: Any) -> Any:
    return lambda text, rest="": completed(loaded, text, rest)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("%%cypher\nMATCH (p:Pe", ["Person"]),
        ("%%cypher\nMATCH (p:", ["Person", "Movie", "`Odd Label`"]),
        ("%%cypher -l 5\nMATCH (a)\nMATCH (:Mo", ["Movie"]),
        ("%cypher MATCH (p:Pe", ["Person"]),
        ("rows = %cypher MATCH (p:Pe", ["Person"]),
        ("x = 1\n%cypher MATCH (p:Person|Mo", ["Movie"]),
        ("%%cypher\nMATCH (p:`Odd", ["`Odd Label`"]),
        ("%%cypher\nMATCH (n) WHERE n:mo", ["Movie"]),
        ("%%cypher\nMATCH (p)-[:", ["ACTED_IN", "DIRECTED"]),
        ("%%cypher\nMATCH (p)<-[r:ACTED_IN|DI", ["DIRECTED"]),
        ("%%cypher\nMATCH (p) - [ r:AC", ["ACTED_IN"]),
        ("%%cypher\nMATCH (m:Movie) RETURN m.", ["title", "released"]),
        ("%%cypher\nMATCH (m:Movie) WHERE m.re", ["released"]),
        ("%%cypher\nMATCH ()-[r:ACTED_IN]->() RETURN r.", ["roles"]),
        ("%%cypher\nMATCH (m:`Odd Label`) RETURN m.", ["`odd name`"]),
        ("%%cypher\nMATCH (m:Movie {", ["title", "released"]),
        ("%%cypher\nMATCH (m:Movie {title: 'x:', re", ["released"]),
        ("%%cypher\nMATCH (:Person {na", ["name"]),
        ("%%cypher\nMATCH (m:Movie) RETURN m {.ti", ["title"]),
        ("%%cypher\nRETURN date.tr", ["truncate"]),
        ("%cypher --wr", ["--write"]),
        ("%%cypher -l 5 --pro", ["--profile"]),
        ("%cypher_connect --env", ["--env-file"]),
        ("%cypher_models export movies --me", ["--merged"]),
        ("%cypher_models import --pu", ["--pu"]),  # no option of this verb
        ("%cypher_models --pu", ["--push", "--public"]),
        ("%finetune resume --", ["--background", "--help"]),
        ("%%finetune movies --lora-r", ["--lora-rank"]),
    ],
)
def test_names_that_fit_the_place_are_offered(tab: Any, text: str, expected: list[str]) -> None:
    assert tab(text) == expected


def test_a_variable_of_unknown_label_offers_every_property(tab: Any) -> None:
    assert tab("%%cypher\nMATCH (x) RETURN x.") == ["name", "born", "title", "released", "`odd name`", "roles"]


def test_keywords_follow_the_letter_case_that_was_typed(tab: Any) -> None:
    assert "RETURN" in tab("%%cypher\nMATCH (n)\nRET")
    assert "return" in tab("%%cypher\nMATCH (n)\nret")


def test_functions_and_own_variables_are_offered(tab: Any) -> None:
    assert "percentileCont" in tab("%%cypher\nMATCH (n) RETURN percent")
    assert tab("%%cypher\nMATCH (person:Person) RETURN pers")[0] == "person"


def test_text_after_the_cursor_does_not_matter(tab: Any) -> None:
    assert tab("%%cypher\nMATCH (p:Pe", ") RETURN p") == ["Person"]


def test_a_parameter_is_completed_from_the_notebook(tab: Any, loaded: Any) -> None:
    loaded.user_ns["who_acted"] = "Tom"
    assert tab("%%cypher\nMATCH (p {name: $who_") == ["who_acted"]


@pytest.mark.parametrize(
    "text",
    [
        "%%cypher\nRETURN 'a :Pe",
        '%%cypher\nRETURN "MATCH (p:Pe',
        "%%cypher\nRETURN 1 // (p:Pe",
        "%%cypher\nRETURN 1 /* (p:Pe",
        "%%cypher_ask\nwho is (p:Pe",
        "%cypher_schema Pe",
        "x: Pe",
        "def f(p:Pe",
    ],
)
def test_no_label_is_offered_where_no_label_can_stand(tab: Any, text: str) -> None:
    assert "Person" not in tab(text)


def test_a_closed_string_does_not_hide_what_follows(tab: Any) -> None:
    assert tab("%%cypher\nMATCH (:Movie {title: 'it\\'s'})<-[:AC") == ["ACTED_IN"]
    assert tab("%%cypher\n/* old */ // too\nMATCH (:Pe") == ["Person"]


def test_python_names_are_kept_out_of_cypher_and_cypher_out_of_python(tab: Any) -> None:
    until = time.monotonic() + 60  # on a busy machine IPython's own completion may come back with nothing at first
    while "PermissionError" not in tab("Pe"):
        assert time.monotonic() < until
    assert "PermissionError" not in tab("%%cypher\nMATCH (p:Pe")


def test_completion_asks_no_database_and_loads_no_session(
    loaded: Any, session: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    completed(loaded, "%%cypher\nMATCH (p:Pe")
    assert session.calls == []
    monkeypatch.delitem(sys.modules, "cypher_magic.session")
    assert completed(loaded, "%%cypher\nMATCH (p:Pe") == ["Pe"]  # nothing to add, and no Python name instead
    assert "cypher_magic.session" not in sys.modules


def test_keywords_work_without_a_connection(loaded: Any, session: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "current_schema_or_none", lambda: None)
    assert "MATCH" in completed(loaded, "%%cypher\nMAT")
