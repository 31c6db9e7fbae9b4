"""Replies on an NVIDIA GPU: `pytest -m gpu`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

from cypher_magic.model.backbones import local_folder
from cypher_magic.model.generate import CypherModel
from cypher_magic.model.load import choose_device, load_backbone, load_tokenizer
from cypher_magic.model.prompt import Prompt
from cypher_magic.model.recorded import Recorded, recorded
from cypher_magic.model.shared_prefix import Texts

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.gpu

SCHEMA = "(:Person {name: STRING})\n(:Movie {title: STRING})\n(:Person)-[:ACTED_IN]->(:Movie)"
QUESTIONS = [f"Which {what} are there {when}?" for what in ("people", "movies", "roles") for when in ("now", "in 1995")]


@pytest.fixture(autouse=True)
def gpu() -> Iterator[None]:
    if not torch.cuda.is_available():
        pytest.skip("no NVIDIA GPU that PyTorch can use")
    torch.cuda.empty_cache()
    yield
    torch.cuda.empty_cache()


def model() -> CypherModel:
    folder = local_folder()
    tokenizer = load_tokenizer(folder)
    return CypherModel(load_backbone(folder, choose_device("cuda", "fp32")), tokenizer, Prompt(tokenizer))


def test_recorded_steps_give_the_replies_of_steps_that_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("cypher_magic.model.shared_prefix._OFTEN", 10**9)
        plain = model()
        expected = [plain.complete(q, SCHEMA, max_tokens=40).tokens for q in QUESTIONS]
        asked = [plain.prompt.ask(q, SCHEMA) for q in QUESTIONS]
        together = [reply.tokens for reply in plain.complete_many(asked, max_tokens=40)]
    fast = model()
    assert [fast.complete(q, SCHEMA, max_tokens=40).tokens for q in QUESTIONS] == expected
    assert isinstance(fast._text, Texts)
    assert fast._text.recorded
    assert [reply.tokens for reply in fast.complete_many(asked, max_tokens=40)] == together


def test_what_waits_for_a_value_is_not_recorded() -> None:
    x = torch.ones(4, 8, device="cuda")
    assert isinstance(recorded(lambda x: x * 2, [x], x * 2), Recorded)

    def waits(x: torch.Tensor) -> torch.Tensor:
        return x * float(x.sum())

    with pytest.warns(UserWarning, match="can not be recorded"):
        assert recorded(waits, [x], waits(x)) is None
    with pytest.warns(UserWarning, match="other scores"):
        assert recorded(lambda x: x * torch.arange(8, device="cuda"), [x], x) is None
    assert torch.ones(1, device="cuda").item() == 1.0
