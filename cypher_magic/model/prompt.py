"""The one place where a question becomes tokens: training, evaluation, asking and export all call `Prompt`.

A prompt has three parts, tokenised one by one so that the same tokens come out wherever it is used:

    prefix    instructions and schema; the same for every question on a graph, so it is computed once
    question  earlier turns of the conversation and the question, up to where the answer starts
    answer    the query and the end token

Style `chat` takes the texts around them from the tokenizer's own chat template, with what depends on the day or on the
program that renders it pinned; style `plain` is that of the article (instruction, question, end token, answer, end
token), for backbones without a template.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from cypher_magic.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cypher_magic.data.example import Example, Turn

WITH_SCHEMA = "Translate the question to a Cypher query for this graph schema:\n"
WITHOUT_SCHEMA = "Translate the question to a Cypher query."
PLAIN_INSTRUCTION = "Create a Cypher statement to answer the following question:"
SCHEMA_TOKENS = 1200  # a schema below that goes into the prompt whole, so that its prefix is computed once
TURNS_KEPT = 3
ROWS_KEPT = 3
VALUE_LENGTH = 40
COMPLAINT_LENGTH = 300

_QUESTION = "\ue000question\ue000"  # private-use characters that no template or graph holds
_ANSWER = "\ue001answer\ue001"

_DAY = {"%Y": "2024", "%y": "24", "%m": "07", "%B": "July", "%b": "Jul", "%d": "26", "%A": "Friday", "%a": "Fri"}
_DAY |= {"%H": "00", "%M": "00", "%S": "00"}  # the day that Llama's templates fall back to
# what a template is told in front where it asks for it: every program that renders it then gives the same text
_PINNED = {
    "enable_thinking": "{%- set enable_thinking = false %}",
    "date_string": "{%- set date_string = '26 Jul 2024' %}",
    "strftime_now": "{%- macro strftime_now(format) -%}{{ format"
    + "".join(f" | replace('{code}', '{text}')" for code, text in _DAY.items())
    + " }}{%- endmacro %}",
}
# the instructions in front of the first question, for a template that refuses the system role or leaves it out
_JOINED = (
    "{%- if messages[0]['role'] == 'system' %}{%- set messages = [{'role': 'user', 'content': messages[0]['content']"
    " + '\\n\\n' + messages[1]['content']}] + messages[2:] %}{%- endif %}"
)


def correction(question: str, complaint: str) -> str:
    """What a model is asked when its query (the turn before) failed; also the form of such training rows."""
    said = " ".join(complaint.split())
    said = said if len(said) <= COMPLAINT_LENGTH else said[: COMPLAINT_LENGTH - 1] + "…"
    return f"That query fails: {said} Correct it: {question}"


class Tokenizer(Protocol):
    """What is used of a Hugging Face tokenizer."""

    chat_template: Any
    eos_token: str | None
    bos_token: str | None
    all_special_tokens: Sequence[str]
    added_tokens_decoder: Mapping[int, Any]

    def __call__(self, text: str, *, add_special_tokens: bool) -> Any: ...  # noqa: D102
    def decode(self, token_ids: list[int], **kwargs: Any) -> str: ...  # noqa: D102
    def get_chat_template(self) -> str: ...  # noqa: D102
    def apply_chat_template(self, messages: list[dict[str, str]], **kwargs: Any) -> Any: ...  # noqa: D102


@dataclass(frozen=True)
class Encoded:
    """The token ids of one example, part by part."""

    prefix: tuple[int, ...]
    question: tuple[int, ...]
    answer: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self.prefix) + len(self.question) + len(self.answer)


class Wording:
    """The texts of a prompt, before any template or tokenizer: the same for every model that is asked.

    `special` finds what a tokenizer would read as one of its control tokens.
    """

    def __init__(self, special: re.Pattern[str] | None) -> None:
        self._special = special

    def messages(self, question: str, schema: str | None, history: Sequence[Turn] = ()) -> list[dict[str, str]]:
        """The prompt as chat messages: what a chat template, or a server of chat completions, takes."""
        instruction, turns, asked = self._parts(question, schema, history)
        messages = [{"role": "system", "content": instruction}]
        for earlier, query in turns:
            messages += [{"role": "user", "content": earlier}, {"role": "assistant", "content": query}]
        return [*messages, {"role": "user", "content": asked}]

    def _parts(
        self, question: str, schema: str | None, history: Sequence[Turn]
    ) -> tuple[str, list[tuple[str, str]], str]:
        """Instruction with schema, earlier questions with their queries, and the question."""
        instruction = WITH_SCHEMA + self._clean(schema) if schema else WITHOUT_SCHEMA
        turns = [(self._asked(i, history), self._clean(turn.query)) for i, turn in enumerate(history)][-TURNS_KEPT:]
        asked = self._follow_up(history[-1]) + self._line(question) if history else self._line(question)
        return instruction, turns, asked

    def _asked(self, index: int, history: Sequence[Turn]) -> str:
        before = self._follow_up(history[index - 1]) if index else ""
        return before + self._line(history[index].question)

    def _follow_up(self, turn: Turn) -> str:
        """What the query before this question returned, in one line: untrusted values, cut and on one line."""
        if not turn.columns:
            return ""
        rows = ["(" + ", ".join(self._value(v) for v in row) + ")" for row in turn.rows[:ROWS_KEPT]]
        columns = ", ".join(self._value(c) for c in turn.columns)
        return f"Last result: ({columns}): {', '.join(rows) or 'no rows'}\n"

    def _clean(self, text: str) -> str:
        """The text without anything that the tokenizer would read as one of its control tokens."""
        return self._special.sub(lambda m: m[0][0] + " " + m[0][1:], text) if self._special else text

    def _line(self, text: str) -> str:
        return self._clean(" ".join(text.split()))

    def _value(self, value: object) -> str:
        text = self._line("".join(c if c.isprintable() else " " for c in str(value)))
        return text if len(text) <= VALUE_LENGTH else text[: VALUE_LENGTH - 1] + "…"


class Prompt(Wording):
    """The prompt of one tokenizer in one style (`chat`, `plain` or `auto`: chat where there is a template).

    `instruction` stands in front of each question in the plain style: the one that the training data had there.
    `template` is the chat template that the chat style renders, for others to render the same.
    """

    def __init__(self, tokenizer: Tokenizer, style: str = "auto", *, instruction: str = "") -> None:
        self.tokenizer = tokenizer
        self.instruction = instruction or PLAIN_INSTRUCTION
        self.style = ("chat" if tokenizer.chat_template else "plain") if style == "auto" else style
        if self.style == "chat" and not tokenizer.chat_template:
            raise ModelError("This backbone has no chat template.", hint="use prompt_style: plain, or auto")
        # Llama 3 and others name only a few of their control tokens as bos, eos ...: the marks of the turns are not
        # among them, but they are all added as special ones.
        marked = (str(t) for t in tokenizer.added_tokens_decoder.values() if t.special)
        special = sorted({t for t in (*tokenizer.all_special_tokens, *marked) if t.strip()}, key=len, reverse=True)
        super().__init__(re.compile("|".join(map(re.escape, special))) if special else None)
        self._start = _start(tokenizer) if self.style == "plain" else ""
        self.template = self._pinned() if self.style == "chat" else ""
        self._ids: dict[str, tuple[int, ...]] = {}

    def encode(self, example: Example, schema: str | None = None) -> Encoded:
        """The tokens of a training example; `schema` is used where the example brings none."""
        prefix, question, end = self._texts(example.question, example.schema or schema, example.history)
        answer = self._clean(example.query.strip()) + end
        return Encoded(self._tokens(prefix), self._tokens(question, keep=False), self._tokens(answer, keep=False))

    def ask(self, question: str, schema: str | None, history: Sequence[Turn] = ()) -> Encoded:
        """The tokens that ask a question: the same as `encode` without the answer."""
        prefix, asked, _ = self._texts(question, schema, history)
        return Encoded(self._tokens(prefix), self._tokens(asked, keep=False))

    def text(self, question: str, schema: str | None, history: Sequence[Turn] = ()) -> str:
        """The same prompt as text, to show to a person."""
        prefix, asked, _ = self._texts(question, schema, history)
        return prefix + asked

    def parts(self, question: str, schema: str | None, history: Sequence[Turn] = ()) -> tuple[str, str, str]:
        """Prefix, question and end of an answer as texts: each is tokenised on its own."""
        return self._texts(question, schema, history)

    @property
    def end(self) -> str:
        """The text that ends an answer: everything up to the template's first special token after it."""
        return self._texts("", None, ())[2]

    def _tokens(self, text: str, *, keep: bool = True) -> tuple[int, ...]:
        if text in self._ids:
            return self._ids[text]
        ids = tuple(self.tokenizer(text, add_special_tokens=False)["input_ids"]) if text else ()
        if keep:
            self._ids[text] = ids
        return ids

    def _texts(self, question: str, schema: str | None, history: Sequence[Turn]) -> tuple[str, str, str]:
        if self.style == "chat":
            return self._chat(self.messages(question, schema, history))
        instruction, turns, asked = self._parts(question, schema, history)
        return self._plain(instruction if schema else "", turns, asked)

    def _plain(self, instruction: str, turns: list[tuple[str, str]], asked: str) -> tuple[str, str, str]:
        end = self.tokenizer.eos_token or "\n"
        said = "".join(f"{self.instruction}{question}{end}{query}{end}" for question, query in turns)
        prefix = f"{self._start}{instruction}\n\n" if instruction else self._start
        return prefix, f"{said}{self.instruction}{asked}{end}", end

    def _chat(self, messages: list[dict[str, str]]) -> tuple[str, str, str]:
        prefix = self._render([messages[0], {"role": "user", "content": _QUESTION}]).split(_QUESTION)[0]
        whole = self._render(messages)
        answered = self._render([*messages, {"role": "assistant", "content": _ANSWER}], generate=False)
        end = answered.rpartition(_ANSWER)[2]
        first = self._special.search(end) if self._special else None
        end = end[: first.end()] if first else (self.tokenizer.eos_token or "\n")
        if not whole.startswith(prefix):  # a template that rewrites earlier turns: nothing can be shared
            return "", whole, end
        return prefix, whole[len(prefix) :], end

    def _pinned(self) -> str:
        """The tokenizer's chat template as it is rendered here and exported."""
        own = self.tokenizer.get_chat_template()
        own = "".join(line for name, line in _PINNED.items() if name in own and line not in own) + own
        messages = [{"role": "system", "content": _ANSWER}, {"role": "user", "content": _QUESTION}]
        try:
            deaf = _ANSWER not in self._render(messages, own)  # as Phi
        except ModelError:  # Gemma, Mistral
            deaf = True
        return _JOINED + own if deaf else own

    def _render(self, messages: list[dict[str, str]], template: str = "", *, generate: bool = True) -> str:
        from jinja2 import TemplateError

        try:
            return str(
                self.tokenizer.apply_chat_template(
                    messages, chat_template=template or self.template, tokenize=False, add_generation_prompt=generate
                )
            )
        except TemplateError as exc:
            raise ModelError(
                f"The backbone's chat template does not take this conversation: {exc}", hint="use prompt_style: plain"
            ) from exc


def _start(tokenizer: Tokenizer) -> str:
    """The token that this tokenizer puts in front of every text, if it does: its model has never read without it."""
    with_it = tokenizer("a", add_special_tokens=True)["input_ids"]
    start = tokenizer.bos_token or ""
    return start if start and with_it[:1] == tokenizer(start, add_special_tokens=False)["input_ids"] else ""
