"""Ten conversations on the demo graph: their references hold, and a tuned model follows at least as well as none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cypher_magic.asking.ask import Rules, ask_many
from cypher_magic.asking.following import follows
from cypher_magic.asking.values import is_empty
from cypher_magic.data.example import Turn
from cypher_magic.query.check import check
from cypher_magic.query.compare import same_rows
from cypher_magic.query.readonly import read_only
from cypher_magic.session import state

BASE = 8  # follow-ups for the untuned model, which writes up to its budget
FILE = Path(__file__).with_name("conversations.jsonl")
CONVERSATIONS = [json.loads(line)["turns"] for line in FILE.read_text(encoding="utf-8").splitlines()]


def test_there_are_ten_conversations_of_four_turns_or_more() -> None:
    assert len(CONVERSATIONS) >= 10
    assert min(map(len, CONVERSATIONS)) >= 4


def test_every_reference_query_fits_the_graph_and_finds_something(demo_graph: Any) -> None:
    schema = demo_graph.schema()
    for turns in CONVERSATIONS:
        for turn in turns:
            assert (read_only(turn["query"]), check(turn["query"], schema)) == ([], []), turn
            assert not is_empty(demo_graph.read(turn["query"])), turn


def test_the_first_question_stands_alone_and_the_others_follow() -> None:
    said = [
        (i > 0, follows(turn["question"]), turn["question"]) for turns in CONVERSATIONS for i, turn in enumerate(turns)
    ]
    assert [question for expected, told, question in said if expected is not told] == []


def cases(graph: Any) -> list[tuple[str, str, tuple[Turn, ...]]]:
    """Each follow-up with its reference query and the turns before it, which are the references."""
    found = []
    for turns in CONVERSATIONS:
        before: tuple[Turn, ...] = ()
        for turn in turns:
            if before:
                found.append((turn["question"], turn["query"], before))
            result = graph.read(turn["query"], limit=3)
            before = (*before, Turn(turn["question"], turn["query"], result.columns, result.rows))
    return found


@pytest.mark.slow
def test_a_tuned_model_answers_follow_ups_at_least_as_well_as_an_untuned_one(
    demo_graph: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state, "SESSION", state.Session())
    asked = cases(demo_graph)
    right: dict[str, list[bool]] = {}
    for name, count in (("base", BASE), ("starter", len(asked))):
        answers = ask_many(
            [question for question, _, _ in asked[:count]],
            model=state.model(name),
            graph=demo_graph,
            histories=[history for _, _, history in asked[:count]],
            rules=Rules(retries=0),
        )
        right[name] = [
            answer.result is not None and same_rows(answer.result.rows, demo_graph.read(query).rows)
            for answer, (_, query, _) in zip(answers, asked, strict=False)
        ]
        for answer, (question, _, _), ok in zip(answers, asked, right[name], strict=False):
            if not ok and name == "starter":
                print(f"\n  {question}\n    {answer.query}")
    told = ", ".join(f"{name} {sum(fine)} of {len(fine)}" for name, fine in right.items())
    print(f"\nfollow-ups with right rows: {told}")
    assert sum(right["starter"][:BASE]) >= sum(right["base"])
    assert sum(right["starter"]) > len(asked) / 3
