"""The one grammar can be handed to the decoder as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

import cypher_magic.query.parse as parser


def test_the_grammar_is_one_that_llguidance_takes() -> None:
    llguidance = pytest.importorskip("llguidance")
    text = Path(parser.__file__).with_name("cypher.lark").read_text(encoding="utf-8")
    assert llguidance.LLMatcher.validate_grammar(llguidance.LLMatcher.grammar_from_lark(text)) == ""
