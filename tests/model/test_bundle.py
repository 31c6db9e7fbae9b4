from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from cypher_magic.model import bundle
from cypher_magic.model.bundle import takes_bundles
from cypher_magic.model.generate import CypherModel
from cypher_magic.model.load import choose_device, load_backbone, load_tokenizer
from cypher_magic.model.prompt import Encoded, Prompt
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


def test_places_that_no_one_sees_are_dropped(tiny: CypherModel, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = replies(tiny, batch=2)
    monkeypatch.setattr(bundle, "_MOST_DEAD", 1)
    assert replies(tiny, batch=2) == expected


def test_weights_that_changed_between_two_calls_are_used(tiny: CypherModel) -> None:
    import torch

    before = replies(tiny)
    with torch.no_grad():
        for parameter in tiny.model.parameters():
            parameter.mul_(1.5)
    after = replies(tiny)
    assert after != before
    fresh = CypherModel(tiny.model, tiny.tokenizer, tiny.prompt)
    assert after == replies(fresh)


def test_without_a_prefix_nothing_is_left_when_all_are_done(tiny: CypherModel, monkeypatch: pytest.MonkeyPatch) -> None:
    question = Encoded((), (5, 6, 7))
    expected = tiny.complete_many([question], max_tokens=8)[0].tokens
    monkeypatch.setattr(bundle, "_MOST_DEAD", 1)
    assert tiny.complete_many([question], max_tokens=8)[0].tokens == expected
