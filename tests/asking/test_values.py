from __future__ import annotations

import pytest

from cypher_magic.asking.values import trimmed


@pytest.mark.parametrize(
    ("query", "question", "expected"),
    [
        (
            "MATCH (m {title: ' Forrest Gump'}) RETURN m",
            "Who rated Forrest Gump?",
            "MATCH (m {title: 'Forrest Gump'}) RETURN m",
        ),
        ('MATCH (m {title: "Alien "}) RETURN m', "Who rated Alien?", 'MATCH (m {title: "Alien"}) RETURN m'),
        ("RETURN ' Pan\\'s Labyrinth'", "Who directed Pan's Labyrinth?", "RETURN 'Pan\\'s Labyrinth'"),
    ],
)
def test_a_copied_blank_is_removed_and_said(query: str, question: str, expected: str) -> None:
    text, changes = trimmed(query, question)
    assert text == expected
    assert len(changes) == 1


@pytest.mark.parametrize(
    "query",
    [
        "RETURN ' Alien'",  # the question does not have it
        "RETURN ' '",
        "MATCH (m {title: 'Forrest Gump'}) RETURN m + ' ' + m",
        "RETURN 'it\\'s ' + \"x\"",
    ],
)
def test_a_value_that_is_not_in_the_question_stays_as_it_is(query: str) -> None:
    assert trimmed(query, "Who rated Forrest Gump?") == (query, ())
