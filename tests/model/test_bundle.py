from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
import torch
from transformers import Gemma2Config, Gemma2ForCausalLM

from cypher_magic.model import bundle, generate, shared_prefix
from cypher_magic.model.bundle import takes_bundles
from cypher_magic.model.generate import CypherModel
from cypher_magic.model.load import choose_device, load_backbone, load_tokenizer
from cypher_magic.model.prompt import Encoded, Prompt
from cypher_magic.model.row_places import RowPlaces
from cypher_magic.model.shared_prefix import Texts
from tests.model.tiny_folder import tiny_folder

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA = "(:Person {name: STRING})\n(:Movie {title: STRING})\n(:Person)-[:ACTED_IN]->(:Movie)"
QUESTIONS = [f"Which {what} are there {when}?" for what in ("people", "movies", "roles") for when in ("now", "in 1995")]


@pytest.fixture
def tiny(tmp_path: Path) -> CypherModel:
    folder = tiny_folder(tmp_path / "model")
    tokenizer = load_tokenizer(folder)
    return CypherModel(load_backbone(folder, choose_device("cpu", "fp32")), tokenizer, Prompt(tokenizer))


def replies(model: CypherModel, **options: Any) -> list[tuple[int, ...]]:
    asked = [model.prompt.ask(q, SCHEMA if i % 3 else None) for i, q in enumerate(QUESTIONS)]
    return [r.tokens for r in model.complete_many(asked, max_tokens=15, **options)]


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("width", [1, 2, 4, 32])
def test_questions_side_by_side_do_not_see_each_other(tiny: CypherModel, width: int, attention: str) -> None:
    tiny.model.set_attn_implementation(attention)
    assert takes_bundles(tiny.model)
    alone = [tiny.complete(q, SCHEMA if i % 3 else None, max_tokens=15).tokens for i, q in enumerate(QUESTIONS)]
    assert replies(tiny, batch=width) == alone


def test_a_model_that_can_not_keep_them_apart_gets_rows(tiny: CypherModel, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = replies(tiny)
    inner = tiny.model.forward

    def blind(*args: Any, **options: Any) -> Any:
        mask = options.get("attention_mask")
        if mask is not None and mask.dim() == 4:
            options["attention_mask"] = None
        return inner(*args, **options)

    monkeypatch.setattr(tiny.model, "forward", blind)
    assert not takes_bundles(tiny.model)
    tiny._bundles = None
    assert replies(tiny, batch=2) == expected


def test_questions_come_in_a_few_at_a_time(tiny: CypherModel, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = replies(tiny, batch=32)
    monkeypatch.setattr(bundle, "_MOST_NEW", 1)
    assert replies(tiny, batch=32) == expected


@pytest.mark.parametrize("window", [4, 40, None])
def test_windows_and_soft_caps_are_kept(tmp_path: Path, window: int | None) -> None:
    """The attention of Gemma 2: every other layer sees a window only, and scores are capped."""
    tokenizer = load_tokenizer(tiny_folder(tmp_path / "model"))
    torch.manual_seed(0)
    config = Gemma2Config(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=48, num_hidden_layers=4, num_attention_heads=4,
        num_key_value_heads=2, head_dim=8, sliding_window=window or 4096, attn_logit_softcapping=0.5,
        query_pre_attn_scalar=1, initializer_range=1.0, pad_token_id=0,
    )  # fmt: skip
    model = CypherModel(Gemma2ForCausalLM(config).eval(), tokenizer, Prompt(tokenizer))
    assert takes_bundles(model.model)
    alone = [model.complete(q, SCHEMA if i % 3 else None, max_tokens=15).tokens for i, q in enumerate(QUESTIONS)]
    assert replies(model, batch=4) == alone
    assert model.model.config._attn_implementation == "eager"  # as it was


@pytest.mark.parametrize("width", [1, 3, 8])
def test_steps_that_are_filled_up_give_the_same_replies(
    tiny: CypherModel, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    """As they are on a GPU, where steps of the same shape are recorded."""
    expected = replies(tiny, batch=width)
    shapes = set()
    inner = Texts._step

    def step(texts: Texts, shape: tuple[int, int, int], *inputs: torch.Tensor) -> torch.Tensor:
        shapes.add(shape)
        return inner(texts, shape, *inputs)

    monkeypatch.setattr(Texts, "_step", step)
    monkeypatch.setattr(generate, "Texts", partial(Texts, even=True))
    assert replies(tiny, batch=width) == expected
    assert shapes and all(rows <= width and count <= 8 and not length % 64 for rows, count, length in shapes)


def test_one_question_in_filled_up_steps_gives_the_same_reply(
    tiny: CypherModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = [tiny.complete(q, SCHEMA, max_tokens=15).tokens for q in QUESTIONS]
    fresh = CypherModel(tiny.model, tiny.tokenizer, tiny.prompt)
    monkeypatch.setattr(generate, "Text", lambda model, prefix: Texts(model, prefix, 1, even=True))
    assert [fresh.complete(q, SCHEMA, max_tokens=15).tokens for q in QUESTIONS] == expected


@pytest.mark.parametrize("works", [True, False])
def test_what_is_recorded_is_used_until_rows_grow(
    tiny: CypherModel, monkeypatch: pytest.MonkeyPatch, works: bool
) -> None:
    """The bookkeeping alone, with a stand-in for the recording, which needs a GPU (`tests/model/test_gpu.py`)."""
    expected = replies(tiny, batch=4)
    made: list[Texts] = []
    tried: list[int] = []
    used: list[int] = []

    class Recording(Texts):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, even=True, **options)
            self._records = True
            made.append(self)

    def recorded(compute: Any, inputs: Any, result: torch.Tensor) -> Any:
        tried.append(len(made))

        def replay(*given: torch.Tensor) -> torch.Tensor:
            used.append(len(made))
            return torch.Tensor(compute(*given))

        return replay if works else None

    monkeypatch.setattr(generate, "Texts", Recording)
    monkeypatch.setattr(shared_prefix, "recorded", recorded)
    monkeypatch.setattr(shared_prefix, "_OFTEN", 1)
    assert replies(tiny, batch=4) == expected
    assert tried and bool(used) == works
    assert works or len(tried) == len(set(tried))  # not tried again where it failed
    made[-1]._places = RowPlaces.of([100], [1], tiny.model.device)
    made[-1]._rows(0, torch.zeros_like(made[-1]._own[0][0][0]))
    assert made[-1].recorded == {}  # they read and write the rows that were there before


def test_an_attention_with_sinks_gets_rows(tiny: CypherModel, monkeypatch: pytest.MonkeyPatch) -> None:
    inner = shared_prefix._attention
    monkeypatch.setattr(shared_prefix, "_attention", lambda *a, **k: inner(*a, **{**k, "s_aux": 1}))
    assert not takes_bundles(tiny.model)


def test_weights_that_changed_between_two_calls_are_used(tiny: CypherModel) -> None:
    before = replies(tiny)
    with torch.no_grad():
        for parameter in tiny.model.parameters():
            parameter.mul_(1.5)
    after = replies(tiny)
    assert after != before
    fresh = CypherModel(tiny.model, tiny.tokenizer, tiny.prompt)
    assert after == replies(fresh)


def test_questions_without_a_prefix(tiny: CypherModel) -> None:
    asked = [Encoded((), (5, 6, 7)), Encoded((), (8, 9))]
    together = tiny.complete_many(asked, max_tokens=8)
    assert [r.tokens for r in together] == [tiny.complete_many([one], max_tokens=8)[0].tokens for one in asked]
