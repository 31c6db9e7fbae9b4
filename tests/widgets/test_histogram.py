from __future__ import annotations

from xml.etree import ElementTree

import pytest

from cypher_magic import session
from cypher_magic.data.example import Example
from cypher_magic.errors import NoModel
from cypher_magic.widgets.histogram import histogram, told

SVG = "{http://www.w3.org/2000/svg}"


def test_every_length_is_counted_once_and_what_is_too_long_stands_out() -> None:
    lengths = [10] * 5 + [20, 30, 900, 2000]
    tree = ElementTree.fromstring(histogram(lengths, limit=1024))
    bars = [bar for bar in tree.iter(f"{SVG}rect")]
    titles = [bar.find(f"{SVG}title") for bar in bars]
    counts = [int(str(title.text).split(": ")[1].split()[0]) for title in titles if title is not None]
    assert sum(counts) == len(lengths)
    assert ["validation" in str(bar.get("style")) for bar in bars] == [False, False, True]
    assert "1 longer than 1,024" in str(tree.get("aria-label"))


@pytest.mark.parametrize("lengths", [[1], [0, 0], [7] * 600, [1, 10**6]])
def test_lengths_of_any_kind_are_drawn_inside_the_frame(lengths: list[int]) -> None:
    tree = ElementTree.fromstring(histogram(lengths, limit=100))
    for bar in tree.iter(f"{SVG}rect"):
        x, width, y = (float(str(bar.get(name))) for name in ("x", "width", "y"))
        assert x >= 46 and x + width <= 706.1 and y >= 25.9 and width > 0


def test_without_lengths_nothing_is_drawn() -> None:
    assert histogram([]) == ""


def test_the_words_name_median_and_longest() -> None:
    assert told([1, 2, 3], "words") == "3 examples: median 2, 95 % 3, longest 3 words"


def test_tokens_are_those_of_the_training_prompt() -> None:
    short, long = session.token_lengths([Example("Who?", "RETURN 1"), Example("Who? " * 50, "RETURN 1")], fetch=True)
    assert 20 < short < 60 and 100 < long < 200


def test_a_tokenizer_that_is_not_here_is_not_fetched_for_a_picture(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.setenv("CYPHER_MAGIC_CACHE", str(tmp_path))
    with pytest.raises(NoModel, match="not on this machine yet"):
        session.token_lengths([Example("Who?", "RETURN 1")])
