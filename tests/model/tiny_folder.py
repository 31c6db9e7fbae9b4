"""Small real tokenizers with the chat templates of several families, and a tiny random model folder to go with them."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

_CORPUS = [
    "Translate the question to a Cypher query for this graph schema:\n(:Person {name: STRING, born: INTEGER})",
    "(:Person)-[:ACTED_IN {roles: LIST<STRING>}]->(:Movie {title: STRING})",
    "MATCH (p:Person {name: 'Tom Hanks'})-[:ACTED_IN]->(m:Movie) RETURN m.title AS title ORDER BY m.released LIMIT 5",
    "Which movies did the person act in? Who directed The Matrix? How many actors are there?",
]

# In the manner of the published templates: how turns are marked, what is trimmed, which roles are refused.
TEMPLATES = {
    "chatml": (
        "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n' }}{% endfor %}"
        "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
    ),
    "llama3": (
        "{% for m in messages %}{% if loop.first %}{{ bos_token }}{% endif %}"
        "{{ '<|head|>' + m['role'] + '<|/head|>\n\n' + m['content'] | trim + '<|eot|>' }}{% endfor %}"
        "{% if add_generation_prompt %}{{ '<|head|>assistant<|/head|>\n\n' }}{% endif %}"
    ),
    "gemma": (
        "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}"
        "{% endif %}{% for m in messages %}{% set role = 'model' if m['role'] == 'assistant' else m['role'] %}"
        "{{ '<turn>' + role + '\n' + m['content'] | trim + '</turn>\n' }}{% endfor %}"
        "{% if add_generation_prompt %}{{ '<turn>model\n' }}{% endif %}"
    ),
    "mistral": (
        "{{ bos_token }}{% for m in messages %}{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}"
        "{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}"
        "{% if m['role'] == 'user' %}{{ '[INST] ' + m['content'] + ' [/INST]' }}"
        "{% else %}{{ ' ' + m['content'] + eos_token }}{% endif %}{% endfor %}"
    ),
    "deaf": (  # leaves the system message out without a word
        "{% for m in messages %}{% if m['role'] == 'user' %}{{ '<|user|>\n' + m['content'] + '<|end|>\n' }}"
        "{% elif m['role'] == 'assistant' %}{{ '<|assistant|>\n' + m['content'] + '<|end|>\n' }}{% endif %}{% endfor %}"
        "{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% endif %}"
    ),
    "forgetful": (  # writes earlier turns another way than the last one
        "{% for m in messages %}{% if loop.last or m['role'] == 'system' %}"
        "{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>' }}"
        "{% else %}{{ '<|old|>' + m['content'] }}{% endif %}{% endfor %}"
        "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
    ),
    "thinking": (  # as Qwen 3: thinks unless it is told not to
        "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n' }}{% endfor %}"
        "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}"
        "{% if enable_thinking is defined and enable_thinking is false %}{{ '<think>\n\n</think>\n\n' }}{% endif %}"
        "{% endif %}"
    ),
    "dated": (  # as Llama 3.2, and as Mistral Small
        "{% if not date_string is defined %}{% set date_string = strftime_now('%d %b %Y') %}{% endif %}"
        "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' }}"
        "{% if m['role'] == 'system' %}{{ 'Today Date: ' + date_string + ', ' + strftime_now('%Y-%m-%d') + '\n' }}"
        "{% endif %}{{ m['content'] + '<|im_end|>\n' }}{% endfor %}"
        "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
    ),
}
# named tokens, other control tokens, whether a start token is put in front of every text
_TOKENS: dict[str, tuple[dict[str, str], tuple[str, ...], bool]] = {
    "chatml": ({"bos_token": "<|im_start|>", "eos_token": "<|im_end|>", "pad_token": "<|pad|>"}, ("<file>",), False),
    "llama3": ({"bos_token": "<|begin|>", "eos_token": "<|eot|>"}, ("<|head|>", "<|/head|>"), True),
    "gemma": ({"bos_token": "<bos>", "eos_token": "<eos>", "pad_token": "<pad>"}, ("<turn>", "</turn>"), True),
    "mistral": ({"bos_token": "<s>", "eos_token": "</s>"}, ("[INST]", "[/INST]"), True),
    "deaf": ({"eos_token": "<|endoftext|>"}, ("<|user|>", "<|assistant|>", "<|end|>"), False),
    "forgetful": ({"bos_token": "<|im_start|>", "eos_token": "<|im_end|>"}, ("<|old|>",), False),
    "thinking": ({"eos_token": "<|im_end|>"}, ("<|im_start|>",), False),
    "dated": ({"eos_token": "<|im_end|>"}, ("<|im_start|>",), False),
    "plain": ({"eos_token": "<|endoftext|>"}, (), False),  # as Pythia
    "plain_start": ({"bos_token": "<s>", "eos_token": "</s>"}, (), True),  # as OPT
}
KINDS = tuple(_TOKENS)
CHAT_KINDS = tuple(TEMPLATES)


@cache
def tiny_tokenizer(kind: str) -> Any:
    """A byte-level BPE tokenizer of a few hundred tokens with this family's control tokens and template."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    named, others, starts = _TOKENS[kind]
    special = [*named.values(), *others]
    inner = Tokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    inner.train_from_iterator(
        _CORPUS,
        trainers.BpeTrainer(
            vocab_size=400,
            special_tokens=special,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    if starts:
        start = named["bos_token"]
        inner.post_processor = processors.TemplateProcessing(
            single=f"{start} $A", special_tokens=[(start, inner.token_to_id(start))]
        )
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner, **named)
    tokenizer.chat_template = TEMPLATES.get(kind)
    return tokenizer


def tiny_folder(folder: Path, kind: str = "chatml", *, hidden: int = 32, seed: int = 0) -> Path:
    """A model folder as `save_pretrained` writes it: a random llama of two layers and a small tokenizer."""
    import torch
    from transformers import AutoModelForCausalLM, LlamaConfig

    tokenizer = tiny_tokenizer(kind)
    config = LlamaConfig(
        hidden_size=hidden,
        intermediate_size=2 * hidden,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        vocab_size=len(tokenizer),
        max_position_embeddings=1024,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=None,
        tie_word_embeddings=True,
    )
    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_config(config)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.normal_(0.0, 0.2)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
