from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from cypher_magic.data.example import Turn
from cypher_magic.model.generate import CypherModel
from cypher_magic.model.load import choose_device, load_backbone, load_tokenizer
from cypher_magic.model.prompt import Prompt
from tests.model.tiny_folder import KINDS, tiny_folder, tiny_tokenizer

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA = "(:Person {name: STRING})\n(:Movie {title: STRING})\n(:Person)-[:ACTED_IN]->(:Movie)"
QUESTIONS = (
    "Who directed The Matrix?",
    "Which movies did Tom Hanks act in before 1995, and which roles did he play in them?",
    "How many movies are there?",
    "1994?",
    "Who?",
)


@pytest.fixture
def default(default_parts: tuple[Any, Any]) -> CypherModel:
    model, tokenizer = default_parts
    return CypherModel(model, tokenizer, Prompt(tokenizer), name="base")


@pytest.fixture(params=KINDS)
def tiny(request: pytest.FixtureRequest, tmp_path: Path) -> CypherModel:
    folder = tiny_folder(tmp_path / "model", request.param)
    tokenizer = load_tokenizer(folder)
    return CypherModel(load_backbone(folder, choose_device("cpu", "fp32")), tokenizer, Prompt(tokenizer))


def plainly(model: CypherModel, question: str, schema: str | None, most: int) -> tuple[tuple[int, ...], bool]:
    """Greedy decoding without any cache: the whole text again for every token."""
    import torch

    asked = model.prompt.ask(question, schema)
    ids, written = [*asked.prefix, *asked.question], []
    with torch.inference_mode():
        for _ in range(most):
            token = int(model.model(input_ids=torch.tensor([ids + written]), use_cache=False).logits[0, -1].argmax())
            if token in model.end_ids:
                return tuple(written), True
            written.append(token)
    return tuple(written), False


def test_one_question_at_a_time_and_many_together_get_the_same_replies(default: CypherModel) -> None:
    questions = [(q, SCHEMA) for q in QUESTIONS[:3]] + [(QUESTIONS[4], None)]
    together = default.complete_many([default.prompt.ask(*q) for q in questions], max_tokens=6, batch=2)
    alone = [default.complete(*q, max_tokens=6) for q in questions]
    assert [r.tokens for r in together] == [r.tokens for r in alone]
    assert [(r.text, r.ended) for r in together] == [(r.text, r.ended) for r in alone]
    assert all(r.text.strip() for r in alone)


def test_replies_are_those_of_plain_greedy_decoding(tiny: CypherModel) -> None:
    for question in QUESTIONS:
        for schema in (SCHEMA, None):
            expected, ended = plainly(tiny, question, schema, 10)
            reply = tiny.complete(question, schema, max_tokens=10)
            assert (reply.tokens, reply.ended) == (expected, ended)
    many = tiny.complete_many([tiny.prompt.ask(q, SCHEMA) for q in QUESTIONS], max_tokens=10, batch=3)
    assert [r.tokens for r in many] == [plainly(tiny, q, SCHEMA, 10)[0] for q in QUESTIONS]


def test_the_schema_is_computed_once_and_no_question_sees_an_earlier_one(default: CypherModel) -> None:
    fresh = default.complete(QUESTIONS[0], SCHEMA, max_tokens=8)
    kept = default._cache
    assert kept.get_seq_length() == len(default.prompt.ask(QUESTIONS[0], SCHEMA).prefix)
    for question in QUESTIONS[1:3]:
        default.complete(question, SCHEMA, max_tokens=8)
    default.complete(QUESTIONS[1], SCHEMA, history=[Turn("Who?", "RETURN 1")], max_tokens=4)
    assert default.complete(QUESTIONS[0], SCHEMA, max_tokens=8).tokens == fresh.tokens
    assert default._cache is kept
    default.complete(QUESTIONS[0], "(:Other {name: STRING})", max_tokens=2)
    assert default._cache is not kept
    assert default.complete(QUESTIONS[0], SCHEMA, max_tokens=8).tokens == fresh.tokens


@pytest.mark.parametrize("at", [1, 2, 4])
def test_an_interrupt_at_any_step_does_not_change_later_replies(
    tiny: CypherModel, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    layer = tiny.model.model.layers[1]
    expected = tiny.complete(QUESTIONS[0], SCHEMA, max_tokens=6).tokens
    tiny.complete(QUESTIONS[0], None, max_tokens=1)  # the cache holds another prefix: step 1 computes the prefix
    calls = 0

    def interrupted(*args: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == at:
            raise KeyboardInterrupt  # after layer 0 has stored its keys, before layer 1 has

    hook = layer.register_forward_pre_hook(interrupted)
    try:
        tiny.complete(QUESTIONS[0], SCHEMA, max_tokens=6)
    except KeyboardInterrupt:
        pass
    else:
        assert len(expected) < at - 1, "the model was not interrupted"
    hook.remove()
    assert tiny.complete(QUESTIONS[0], SCHEMA, max_tokens=6).tokens == expected


def test_threads_that_ask_at_once_get_what_each_gets_alone(tiny: CypherModel) -> None:
    asked = [(question, schema) for question in QUESTIONS for schema in (SCHEMA, None)]
    alone = [tiny.complete(*a, max_tokens=10).tokens for a in asked]
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(lambda a: tiny.complete(*a, max_tokens=10).tokens, asked * 2)) == alone * 2


def test_a_reply_ends_at_the_end_token_or_is_cut_at_the_budget(tiny: CypherModel) -> None:
    cut = tiny.complete(QUESTIONS[0], SCHEMA, max_tokens=3)
    if cut.ended:
        pytest.skip("this random model ends its reply at once")
    assert len(cut.tokens) == 3
    third = cut.tokens[2]
    first = cut.tokens.index(third)
    tiny.end_ids = frozenset({third})
    ended = tiny.complete(QUESTIONS[0], SCHEMA, max_tokens=10)
    assert (ended.tokens, ended.ended) == (cut.tokens[:first], True)
    (many,) = tiny.complete_many([tiny.prompt.ask(QUESTIONS[0], SCHEMA)], max_tokens=10)
    assert (many.tokens, many.ended) == (ended.tokens, True)


def test_the_end_of_a_turn_ends_a_reply_also_where_it_is_not_the_end_token(tiny: CypherModel) -> None:
    tokenizer = tiny.tokenizer
    end = tokenizer(tiny.prompt.end, add_special_tokens=False)["input_ids"]
    assert len(end) == 1
    assert {end[0], tokenizer.eos_token_id} == tiny.end_ids


def test_what_was_written_before_is_written_again_in_fewer_steps(tiny: CypherModel) -> None:
    calls: list[int] = []
    hook = tiny.model.register_forward_pre_hook(lambda *args: calls.append(1))
    first = tiny.complete(QUESTIONS[0], SCHEMA, max_tokens=20)
    steps = len(calls)
    again = tiny.complete(QUESTIONS[0], SCHEMA, max_tokens=20)
    hook.remove()
    assert again.tokens == first.tokens
    assert len(calls) - steps < steps


def test_a_reply_is_streamed_as_it_grows(default: CypherModel) -> None:
    seen: list[str] = []
    reply = default.complete(QUESTIONS[0], SCHEMA, max_tokens=5, stream=seen.append)
    assert len(seen) == len(reply.tokens)
    assert seen[-1] == reply.text
    assert all(later.startswith(earlier.rstrip("�")) for earlier, later in zip(seen, seen[1:], strict=False))


def test_spaces_of_a_query_are_not_tidied_away(tmp_path: Path) -> None:
    folder = tiny_folder(tmp_path / "model", "plain")
    tokenizer = load_tokenizer(folder)
    tokenizer.clean_up_tokenization_spaces = True
    tokenizer.clean_up_tokenization_spaces_for_bpe_even_though_it_will_corrupt_output = True
    model = CypherModel(load_backbone(folder, choose_device("cpu", "fp32")), tokenizer, Prompt(tokenizer))
    query = "MATCH (n) WHERE n .name = ' do not' RETURN n , 's'"
    assert model._decode(tokenizer(query, add_special_tokens=False)["input_ids"]) == query


def test_progress_counts_the_replies(default: CypherModel) -> None:
    steps: list[tuple[int, int]] = []
    asked = [default.prompt.ask(q, None) for q in QUESTIONS[:3]]
    default.complete_many(asked, max_tokens=1, batch=2, progress=lambda *step: steps.append(step))
    assert steps == [(2, 3), (3, 3)]
    assert default.complete_many([]) == []


def test_a_tokenizer_is_the_same_after_saving(tmp_path: Path) -> None:
    for kind in ("llama3", "plain_start"):
        saved = load_tokenizer(tiny_folder(tmp_path / kind, kind))
        before, after = Prompt(tiny_tokenizer(kind)), Prompt(saved)
        assert before.ask(QUESTIONS[0], SCHEMA) == after.ask(QUESTIONS[0], SCHEMA)
