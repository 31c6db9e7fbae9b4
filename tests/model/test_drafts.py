from __future__ import annotations

from cypher_magic.model.drafts import Drafts, phrases


def test_what_was_seen_is_guessed_by_the_longest_match() -> None:
    drafts = Drafts()
    drafts.learn([1, 2, 3, 4, 5])
    drafts.learn([9, 3, 7])
    assert drafts.guess([1, 2, 3], 5) == [4, 5]
    assert drafts.guess([8, 9, 3], 1) == [7]
    assert drafts.guess([0, 0, 3], 1) == [7]  # the latest
    assert drafts.guess([4], 5) == [5]
    assert drafts.guess([6], 5) == []
    assert drafts.guess([], 5) == []


def test_a_guess_has_an_end() -> None:
    drafts = Drafts()
    drafts.learn([1, 2, 1, 2, 1, 2])
    assert drafts.guess([1], 4) == [2, 1, 2, 1]


def test_phrases_are_made_of_the_schema() -> None:
    text = "(:Person {name: STRING})\n(:`Odd one` {x: DATE})\n(:Person)-[:OF]->(:`Odd one`)"
    found = list(phrases(text))
    assert "MATCH (p:Person)-[:OF]->(o:`Odd one`)\nRETURN o" in found
    assert any("WHERE o.x IS NOT NULL" in phrase for phrase in found)
    assert list(phrases(None)) == list(phrases("no schema at all"))
