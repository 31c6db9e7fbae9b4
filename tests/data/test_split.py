"""Held-out rows share no question and no kind of query with the training rows."""

from __future__ import annotations

import pytest

from cypher_magic.data.example import Example, Turn
from cypher_magic.data.keys import loose_key, template
from cypher_magic.data.read import load_examples
from cypher_magic.data.split import refuse_overlap, split
from cypher_magic.errors import DataError


def _examples(templates: int, each: int) -> list[Example]:
    return [
        Example(f"Question {t} about {n}?", f"MATCH (n:L{t} {{id: {n}}}) RETURN n.p{t}", row=t * each + n + 1)
        for t in range(templates)
        for n in range(each)
    ]


def test_no_template_and_no_question_stands_on_both_sides() -> None:
    train, val = split(_examples(40, 25), seed=3)
    assert not {template(e.query) for e in train} & {template(e.query) for e in val}
    assert not {loose_key(e) for e in train} & {loose_key(e) for e in val}
    assert len(train) + len(val) == 1000
    assert 100 <= len(val) <= 125


@pytest.mark.parametrize(
    ("templates", "low", "high"), [(1000, 100, 100), (300, 50, 50), (100, 20, 20), (9, 1, 1), (2, 1, 1)]
)
def test_the_floor_is_50_rows_or_a_fifth_and_never_less_than_one(templates: int, low: int, high: int) -> None:
    _, val = split(_examples(templates, 1))
    assert low <= len(val) <= high


def test_one_seed_gives_one_split() -> None:
    examples = _examples(30, 4)
    assert split(examples, seed=1) == split(examples, seed=1)
    assert split(examples, seed=1) != split(examples, seed=2)


def test_rows_keep_their_order() -> None:
    train, val = split(_examples(30, 4))
    assert [e.row for e in train] == sorted(e.row or 0 for e in train)
    assert [e.row for e in val] == sorted(e.row or 0 for e in val)


def test_a_conversation_stays_together() -> None:
    examples = []
    for c in range(20):
        start, then = Turn(f"Start {c}?", f"RETURN 1 AS a{c}"), Turn(f"Then {c}?", f"RETURN 1 AS b{c}")
        examples += [
            Example(start.question, start.query),
            Example(then.question, then.query, history=(start,)),
            Example(f"Last {c}?", f"RETURN 1 AS c{c}", history=(start, then)),
        ]
    train, val = split(examples)
    numbers = [{e.question.split()[1] for e in part} for part in (train, val)]
    assert not numbers[0] & numbers[1]


def test_rows_of_one_template_are_split_by_question() -> None:
    train, val = split(_examples(1, 20))
    assert (len(train), len(val)) == (16, 4)


def test_what_can_not_be_split_is_an_error() -> None:
    same = [Example("Who?", "RETURN 1 AS one"), Example("who", "RETURN 2 AS one")]
    with pytest.raises(DataError, match="Nothing can be held out"):
        split(same)


@pytest.mark.parametrize("share", [0, 1, -0.1, 7])
def test_a_share_that_is_none_is_an_error(share: float) -> None:
    with pytest.raises(DataError, match="share"):
        split(_examples(10, 1), share)


def test_an_overlap_is_an_error() -> None:
    with pytest.raises(DataError, match="1 validation question stands in the training rows, first: who"):
        refuse_overlap([Example("Who?", "RETURN 1 AS one")], [Example("who", "RETURN 2 AS one")])


def test_holdout_splits_after_the_repair() -> None:
    rows = [(f"Question {n}?", f"MATCH (n:L{n}) RETURN n.name") for n in range(100)]
    data = load_examples(rows * 2, holdout=0.1, fix=True, seed=5)
    assert (len(data.train), len(data.val)) == (80, 20)
    assert not any(f.code == "leaked_question" for f in data.report.remaining)


def test_validation_rows_that_are_given_are_not_topped_up() -> None:
    data = load_examples([("A?", "RETURN 1 AS a"), ("B?", "RETURN 2 AS a")], val=[("C?", "RETURN 3 AS a")], holdout=0.5)
    assert [e.question for e in data.val] == ["C?"]
