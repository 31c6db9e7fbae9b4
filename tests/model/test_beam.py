from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

from cypher_magic.asking.work import Rules
from cypher_magic.errors import ModelError, OptionError
from cypher_magic.graph.schema import GraphSchema
from cypher_magic.model import generate
from cypher_magic.model.beam import Beam
from cypher_magic.model.constrain import constraint_for
from cypher_magic.model.generate import CypherModel
from cypher_magic.model.load import choose_device, load_backbone, load_tokenizer
from cypher_magic.model.prompt import Prompt
from cypher_magic.model.shared_prefix import Texts, computed
from cypher_magic.query.check import check
from tests.model.tiny_folder import tiny_folder

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA = "(:Person {name: STRING})\n(:Movie {title: STRING})\n(:Person)-[:ACTED_IN]->(:Movie)"
QUESTIONS = ["Which people are there?", "How many movies?", "Who acted in The Matrix?", "Names"]


@pytest.fixture
def tiny(tmp_path: Path) -> CypherModel:
    folder = tiny_folder(tmp_path / "model")
    tokenizer = load_tokenizer(folder)
    return CypherModel(load_backbone(folder, choose_device("cpu", "fp32")), tokenizer, Prompt(tokenizer))


def test_one_beam_is_greedy(tiny: CypherModel) -> None:
    for question in QUESTIONS:
        greedy = tiny.complete(question, SCHEMA, max_tokens=12)
        asked = tiny.prompt.ask(question, SCHEMA)
        texts = Texts(tiny.model, computed(tiny.model, asked.prefix), 1)
        assert tuple(Beam(texts, list(asked.question), tiny._guide(None, 12)).run()[0].tokens) == greedy.tokens


@pytest.mark.parametrize("beams", [2, 5])
def test_a_reply_ends_where_that_of_transformers_ends(tiny: CypherModel, beams: int) -> None:
    lengths = set()
    for question in QUESTIONS:
        asked = tiny.prompt.ask(question, SCHEMA)
        ids = torch.tensor([[*asked.prefix, *asked.question]])
        for end in set(tiny.complete(question, SCHEMA, max_tokens=12, beams=beams).tokens[2:]):
            tiny.end_ids = frozenset((end,))
            seen = torch.ones_like(ids)
            theirs = tiny.model.generate(
                ids, attention_mask=seen, max_new_tokens=12, num_beams=beams, pad_token_id=0, eos_token_id=end
            )[0, ids.shape[1] :].tolist()
            ours = tiny.complete(question, SCHEMA, max_tokens=12, beams=beams)
            assert list(ours.tokens) + [end] * ours.ended == theirs[: theirs.index(end) + 1 if end in theirs else None]
            lengths.add(len(ours.tokens))
    assert len(lengths) > 3


def test_a_model_that_takes_no_bundles_takes_no_beams(tiny: CypherModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generate, "takes_bundles", lambda model: False)
    with pytest.raises(ModelError, match="can not be asked with beams"):
        tiny.complete(QUESTIONS[0], SCHEMA, beams=2)
    with pytest.raises(ModelError, match="can not be asked with beams"):
        tiny.complete_many([tiny.prompt.ask(QUESTIONS[0], SCHEMA)], beams=2)


@pytest.mark.parametrize("beams", [2, 5])
def test_the_same_reply_as_transformers_own(tiny: CypherModel, beams: int) -> None:
    tiny.end_ids, tiny.model.generation_config.eos_token_id = frozenset(), None  # neither ends before ten tokens
    different = 0
    for question in QUESTIONS:
        asked = tiny.prompt.ask(question, SCHEMA)
        ids = torch.tensor([[*asked.prefix, *asked.question]])
        seen = torch.ones_like(ids)
        theirs = tiny.model.generate(ids, attention_mask=seen, max_new_tokens=10, num_beams=beams, pad_token_id=0)
        ours = tiny.complete(question, SCHEMA, max_tokens=10, beams=beams)
        assert list(ours.tokens) == theirs[0, ids.shape[1] :].tolist()
        different += ours.tokens != tiny.complete(question, SCHEMA, max_tokens=10).tokens
    assert different


def test_under_a_constraint_the_best_reply_is_a_query_that_passes_all_checks(tiny: CypherModel) -> None:
    """The weights are random: whatever is right about a reply comes from the constraint."""
    schema = GraphSchema.from_text(SCHEMA)
    limit = constraint_for(tiny.tokenizer, schema)
    assert limit is not None
    seen: list[str] = []
    for question in QUESTIONS:
        reply = tiny.complete(question, SCHEMA, max_tokens=40, constraint=limit, beams=3, stream=seen.append)
        assert not check(reply.text, schema), reply.text
    assert seen


def test_many_questions_with_beams_are_those_asked_one_by_one(tiny: CypherModel) -> None:
    asked = [tiny.prompt.ask(q, SCHEMA) for q in QUESTIONS]
    told: list[tuple[int, int]] = []
    many = tiny.complete_many(asked, max_tokens=10, beams=3, progress=lambda *at: told.append(at))
    assert [r.tokens for r in many] == [tiny.complete(q, SCHEMA, max_tokens=10, beams=3).tokens for q in QUESTIONS]
    assert told[-1] == (4, 4)


@pytest.mark.parametrize("beams", [0, 17])
def test_no_more_beams_than_are_of_use(beams: int) -> None:
    with pytest.raises(OptionError, match="beams"):
        Rules(beams=beams)
