from __future__ import annotations

from typing import Any

import pytest

from cypher_magic.data.example import Example, Turn
from cypher_magic.errors import ModelError
from cypher_magic.model.prompt import COMPLAINT_LENGTH, WITH_SCHEMA, WITHOUT_SCHEMA, Encoded, Prompt, correction
from tests.model.tiny_folder import CHAT_KINDS, KINDS, tiny_tokenizer

SCHEMA = "(:Person {name: STRING, born: INTEGER})\n(:Person)-[:ACTED_IN]->(:Movie)"
QUESTION = "Which movies did Tom Hanks act in?"
QUERY = "MATCH (p:Person {name: 'Tom Hanks'})-[:ACTED_IN]->(m)\nRETURN m.title"
TURNS = (
    Turn("Who is oldest?", "MATCH (p:Person) RETURN p.name LIMIT 1", ("p.name",), (("Anna",),)),
    Turn("And youngest?", "MATCH (p:Person) RETURN p.name ORDER BY p.born DESC LIMIT 1"),
)
PRIVATE = ("\ue000question\ue000", "\ue001answer\ue001")


def ids(encoded: Encoded) -> list[int]:
    return [*encoded.prefix, *encoded.question, *encoded.answer]


def template(kind: str, messages: list[dict[str, str]], *, generate: bool = True) -> list[int]:
    """The tokens of the tokenizer's own chat template."""
    tokenizer = tiny_tokenizer(kind)
    return list(tokenizer.apply_chat_template(messages, add_generation_prompt=generate, tokenize=True)["input_ids"])


def message(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("schema", [SCHEMA, None])
@pytest.mark.parametrize("history", [(), TURNS])
def test_training_and_asking_give_the_same_tokens(kind: str, schema: str | None, history: tuple[Turn, ...]) -> None:
    prompt = Prompt(tiny_tokenizer(kind))
    trained = prompt.encode(Example(QUESTION, QUERY, schema=schema, history=history), "(:Another)")
    asked = Prompt(tiny_tokenizer(kind)).ask(QUESTION, schema or "(:Another)", history)
    assert (trained.prefix, trained.question) == (asked.prefix, asked.question)
    assert asked.answer == ()
    assert tiny_tokenizer(kind).decode(ids(asked)) == prompt.text(QUESTION, schema or "(:Another)", history)
    answer = tiny_tokenizer(kind).decode(trained.answer)
    assert answer == QUERY + prompt.end
    assert len(tiny_tokenizer(kind)(prompt.end, add_special_tokens=False)["input_ids"]) == 1


@pytest.mark.parametrize("kind", ["chatml", "llama3"])
def test_the_tokens_are_those_of_the_tokenizers_own_chat_template(kind: str) -> None:
    encoded = Prompt(tiny_tokenizer(kind)).encode(Example(QUESTION, QUERY), SCHEMA)
    messages = [message("system", WITH_SCHEMA + SCHEMA), message("user", QUESTION)]
    assert [*encoded.prefix, *encoded.question] == template(kind, messages)
    whole = template(kind, [*messages, message("assistant", QUERY)], generate=False)
    assert ids(encoded) == whole[: len(encoded)]
    left = tiny_tokenizer(kind).decode(whole[len(encoded) :])
    assert left.strip() == ""  # the line break after the end token is not the model's to write


def test_without_a_schema_the_instruction_says_so() -> None:
    encoded = Prompt(tiny_tokenizer("chatml")).ask(QUESTION, None)
    assert ids(encoded) == template("chatml", [message("system", WITHOUT_SCHEMA), message("user", QUESTION)])


@pytest.mark.parametrize("kind", CHAT_KINDS)
@pytest.mark.parametrize("history", [(), TURNS])
def test_every_program_that_renders_the_prompts_template_gives_the_prompt(kind: str, history: tuple[Turn, ...]) -> None:
    prompt = Prompt(tiny_tokenizer(kind))
    messages = prompt.messages(QUESTION, SCHEMA, history)
    rendered = tiny_tokenizer(kind).apply_chat_template(
        messages, chat_template=prompt.template, add_generation_prompt=True, tokenize=False
    )
    assert rendered == prompt.text(QUESTION, SCHEMA, history)


def test_a_model_that_can_think_is_told_not_to() -> None:
    assert Prompt(tiny_tokenizer("thinking")).text(QUESTION, None).endswith("assistant\n<think>\n\n</think>\n\n")


def test_the_prompt_is_the_same_on_every_day(monkeypatch: pytest.MonkeyPatch) -> None:
    import datetime

    class Later(datetime.datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return cls(2031, 3, 1, tzinfo=tz)

    tokenizer = tiny_tokenizer("dated")
    before = Prompt(tokenizer).text(QUESTION, SCHEMA)
    monkeypatch.setattr("transformers.utils.chat_template_utils.datetime", Later)
    own = tokenizer.apply_chat_template([message("system", "x")], tokenize=False)
    assert "01 Mar 2031, 2031-03-01" in own  # what the template does on its own
    assert Prompt(tokenizer).text(QUESTION, SCHEMA) == before
    assert "Today Date: 26 Jul 2024, 2024-07-26" in before


@pytest.mark.parametrize("kind", ["gemma", "thinking", "dated"])
def test_a_template_is_pinned_once(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    once = Prompt(tiny_tokenizer(kind)).template
    monkeypatch.setattr(tiny_tokenizer(kind), "chat_template", once)
    assert Prompt(tiny_tokenizer(kind)).template == once


@pytest.mark.parametrize("kind", ["gemma", "mistral", "deaf"])
def test_a_template_without_a_system_role_gets_the_schema_in_front_of_the_first_question(kind: str) -> None:
    prompt = Prompt(tiny_tokenizer(kind))
    encoded = prompt.ask(QUESTION, SCHEMA)
    assert ids(encoded) == template(kind, [message("user", f"{WITH_SCHEMA}{SCHEMA}\n\n{QUESTION}")])
    decoded = tiny_tokenizer(kind).decode(encoded.prefix)
    assert SCHEMA in decoded and QUESTION not in decoded  # so the schema is computed once for all questions


def test_a_conversation_is_the_templates_own_with_the_last_result_in_front_of_a_question() -> None:
    messages = [
        message("system", WITH_SCHEMA + SCHEMA),
        message("user", "Who is oldest?"),
        message("assistant", TURNS[0].query),
        message("user", "Last result: (p.name): (Anna)\nAnd youngest?"),
        message("assistant", TURNS[1].query),
        message("user", QUESTION),
    ]
    assert ids(Prompt(tiny_tokenizer("chatml")).ask(QUESTION, SCHEMA, TURNS)) == template("chatml", messages)


def test_a_template_that_rewrites_earlier_turns_still_gives_its_own_tokens() -> None:
    encoded = Prompt(tiny_tokenizer("forgetful")).ask(QUESTION, SCHEMA, TURNS[1:])
    messages = [message("system", WITH_SCHEMA + SCHEMA), message("user", "And youngest?")]
    messages += [message("assistant", TURNS[1].query), message("user", QUESTION)]
    assert ids(encoded) == template("forgetful", messages)


def test_only_the_last_three_turns_are_kept() -> None:
    turns = [Turn(f"question {i}", f"RETURN {i}") for i in range(6)]
    text = Prompt(tiny_tokenizer("chatml")).text(QUESTION, SCHEMA, turns)
    assert [f"question {i}" in text for i in range(6)] == [False] * 3 + [True] * 3


def test_the_plain_style_is_that_of_the_article() -> None:
    prompt = Prompt(tiny_tokenizer("plain"))
    assert prompt.style == "plain"
    instruction = "Create a Cypher statement to answer the following question:"
    assert prompt.text(QUESTION, None) == f"{instruction}{QUESTION}<|endoftext|>"
    assert prompt.text(QUESTION, SCHEMA, TURNS[1:]) == (
        f"{WITH_SCHEMA}{SCHEMA}\n\n"
        f"{instruction}And youngest?<|endoftext|>{TURNS[1].query}<|endoftext|>"
        f"{instruction}{QUESTION}<|endoftext|>"
    )
    whole = prompt.encode(Example(QUESTION, QUERY))
    assert tiny_tokenizer("plain").decode(ids(whole)) == f"{instruction}{QUESTION}<|endoftext|>{QUERY}<|endoftext|>"


@pytest.mark.parametrize("schema", [SCHEMA, None])
def test_the_plain_style_starts_with_the_start_token_where_the_tokenizer_sets_one(schema: str | None) -> None:
    tokenizer = tiny_tokenizer("plain_start")
    encoded = ids(Prompt(tokenizer).ask(QUESTION, schema))
    assert encoded[0] == tokenizer.bos_token_id
    assert encoded.count(tokenizer.bos_token_id) == 1


def test_the_plain_style_can_be_chosen_for_a_backbone_with_a_template() -> None:
    text = Prompt(tiny_tokenizer("chatml"), "plain").text(QUESTION, None)
    assert text == f"Create a Cypher statement to answer the following question:{QUESTION}<|im_end|>"


def test_the_chat_style_without_a_template_is_one_line_with_a_hint() -> None:
    with pytest.raises(ModelError, match="no chat template") as caught:
        Prompt(tiny_tokenizer("plain"), "chat")
    assert "plain" in caught.value.hint


def test_a_template_that_fails_is_one_line_with_a_hint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiny_tokenizer("chatml"), "chat_template", "{{ raise_exception('not today') }}")
    with pytest.raises(ModelError, match="not today") as caught:
        Prompt(tiny_tokenizer("chatml")).ask(QUESTION, SCHEMA)
    assert "plain" in caught.value.hint


def _control(kind: str) -> list[str]:
    return [str(t) for t in tiny_tokenizer(kind).added_tokens_decoder.values()]


@pytest.mark.parametrize("kind", KINDS)
def test_control_tokens_in_questions_schemas_queries_and_values_are_only_text(kind: str) -> None:
    tokenizer, prompt = tiny_tokenizer(kind), Prompt(tiny_tokenizer(kind))
    control = set(tokenizer.added_tokens_decoder)

    def marks(text: str) -> list[int]:
        turn = Turn(f"q {text}", f"RETURN {text}", (f"c {text}",), ((f"v {text}",), (text,)))
        example = Example(f"who {text} x", f"RETURN '{text}'", schema=f"(:A {{`{text}`: STRING}})", history=(turn,))
        return [i for i in ids(prompt.encode(example)) if i in control]

    harmless = marks("harmless")
    tokens = _control(kind)
    assert tokens
    for token in tokens:
        assert marks(token) == harmless, token
        assert marks(token * 2 + token[:3] + token + token[3:]) == harmless, token


@pytest.mark.parametrize("kind", CHAT_KINDS)
def test_the_marks_that_cut_the_template_do_no_harm_in_hostile_text(kind: str) -> None:
    hostile = "".join(PRIVATE)
    encoded = Prompt(tiny_tokenizer(kind)).encode(Example(f"who {hostile}", f"RETURN '{hostile}'"), f"(:`{hostile}`)")
    decoded = tiny_tokenizer(kind).decode(ids(encoded))
    assert decoded.count(hostile) == 3
    assert decoded.index("RETURN") > decoded.index("who ") > decoded.index("(:`")


def test_a_question_is_one_line_and_a_query_keeps_its_lines() -> None:
    encoded = Prompt(tiny_tokenizer("chatml")).encode(
        Example("which\n\n  movies\u2028are\tthere", "  MATCH (n)\nRETURN n \n")
    )
    text = tiny_tokenizer("chatml").decode(ids(encoded))
    assert "user\nwhich movies are there<|im_end|>" in text
    assert text.endswith("assistant\nMATCH (n)\nRETURN n<|im_end|>")


def test_rows_of_earlier_results_are_few_short_and_on_one_line() -> None:
    rows = [("x" * 5000, "a\nb\x1b[31m"), (None, 1.5), ([1, 2], {"k": "v"}), ("never", "shown")]
    text = Prompt(tiny_tokenizer("chatml")).text(
        "and now?", None, [Turn("q", "RETURN 1", ("first", "b" * 99), tuple(rows))]
    )
    line = next(line for line in text.splitlines() if "Last result" in line)
    assert f"({'x' * 39}…, a b [31m), (None, 1.5), ([1, 2], {{'k': 'v'}})" in line
    assert f"(first, {'b' * 39}…):" in line
    assert "never" not in text
    empty = Prompt(tiny_tokenizer("chatml")).text("and now?", None, [Turn("q", "RETURN 1", ("n",), ())])
    assert "Last result: (n): no rows\nand now?" in empty


def test_a_complaint_is_cut_and_on_one_line_in_a_correction() -> None:
    text = correction("Who?", "no such\n label " + "x" * 10_000)
    assert text.startswith("That query fails: no such label xxx")
    assert text.endswith("… Correct it: Who?")
    assert len(text) < COMPLAINT_LENGTH + 60
    assert correction("Who?", "It is wrong.") == "That query fails: It is wrong. Correct it: Who?"


def test_the_default_backbone_gets_the_tokens_of_its_own_template() -> None:
    from cypher_magic.model.backbones import local_folder
    from cypher_magic.model.load import load_tokenizer

    tokenizer: Any = load_tokenizer(local_folder())
    for question in (QUESTION, "1994?", "'quoted' start", "Été à Zürich?", "(odd"):
        encoded = Prompt(tokenizer).encode(Example(question, QUERY), SCHEMA)
        messages = [message("system", WITH_SCHEMA + SCHEMA), message("user", question)]
        own = tokenizer.apply_chat_template(messages, add_generation_prompt=True)["input_ids"]
        assert [*encoded.prefix, *encoded.question] == own
        assert encoded.answer[-1] == tokenizer.eos_token_id
        assert tokenizer.eos_token_id != tokenizer.pad_token_id
