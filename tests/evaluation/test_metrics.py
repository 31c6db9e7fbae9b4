from __future__ import annotations

import math
import random
from typing import Any

import pytest
from nltk.translate.gleu_score import corpus_gleu

from cypher_magic.evaluation.metrics import Score, _tokens, exact_match, google_bleu, mean, percentile, result_f1, share
from cypher_magic.query.compare import shared_rows

WORDS = "MATCH (p:Person {name: 'Tom'}) -[:ACTED_IN]-> (m:Movie) WHERE m.year > 1990 RETURN m.title, count(*) LIMIT 5"


@pytest.mark.parametrize(
    ("text", "tokens"),
    [  # cut by hand with the rules of NIST's mteval-v13a.pl, international tokenisation off
        ("Hello, world.", "Hello , world ."),
        ("It costs 1,000.50 dollars.", "It costs 1,000.50 dollars ."),
        ("m.title", "m . title"),
        ("a 5-2 b x-y", "a 5 - 2 b x-y"),
        ("{name: 'Tom'}", "{ name : 'Tom' }"),  # the apostrophe is left alone
        ("r.rating>=4.5", "r . rating > = 4.5"),
        ("(a)-->(b)", "( a ) -- > ( b )"),
        ("a&amp;b &lt;x&gt; &quot;q&quot;", 'a & b < x > " q "'),
        ("two\nlines and hy-\nphen", "two lines and hyphen"),
        ("x<skipped>y", "xy"),
        ("n.`odd name`", "n . ` odd name `"),
        ("Amélie costs 3.", "Amélie costs 3 ."),
        ("p_1 = $who", "p _ 1 = $ who"),
        ("", ""),
    ],
)
def test_tokens_are_those_of_mteval_13a(text: str, tokens: str) -> None:
    assert _tokens(text) == tokens.split()


def broken(draw: random.Random) -> str:
    words = WORDS.split()
    for _ in range(draw.randrange(6)):
        at = draw.randrange(len(words))
        draw.choice((lambda at=at: words.pop(at), lambda at=at: words.insert(at, draw.choice(words))))()
    return " ".join(words[: draw.randrange(1, len(words) + 1)])


@pytest.mark.parametrize("seed", range(20))
def test_google_bleu_is_that_of_nltk(seed: int) -> None:
    draw = random.Random(seed)
    pairs = [(broken(draw), broken(draw)) for _ in range(draw.randrange(1, 12))]
    expected = corpus_gleu([[_tokens(b)] for _, b in pairs], [_tokens(a) for a, _ in pairs])
    assert google_bleu(pairs, draws=2).value == pytest.approx(expected, abs=1e-12)


def test_google_bleu_of_known_pairs() -> None:
    assert google_bleu([("a b c d", "a b c d")]).value == 1.0
    assert google_bleu([("a b c d", "x y z")]).value == 0.0
    assert google_bleu([("a b", "a b c")]).value == 3 / 6  # a, b, a b of a, b, c, a b, b c, a b c
    assert google_bleu([("", "a b")]).value == 0.0
    assert google_bleu([("", "")]).value == 0.0
    assert google_bleu([("a a a a", "a")]).value == 1 / 10  # a repeated word is matched once


def test_the_interval_of_google_bleu_is_the_same_every_time_and_holds_the_value() -> None:
    draw = random.Random(1)
    pairs = [(broken(draw), WORDS) for _ in range(40)]
    first, second = google_bleu(pairs), google_bleu(pairs)
    assert first == second
    assert first.low < first.value < first.high
    assert first.high - first.low > google_bleu(pairs * 10).high - google_bleu(pairs * 10).low


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [  # Wilson's score interval without continuity correction, 95 %
        (0, 10, 0.0, 0.2775),
        (10, 10, 0.7225, 1.0),
        (5, 10, 0.2366, 0.7634),
        (1, 1, 0.2065, 1.0),
        (81, 263, 0.2553, 0.3662),  # Newcombe 1998, table I, method 3
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_shares_have_wilsons_interval(hits: int, n: int, low: float, high: float) -> None:
    score = share([True] * hits + [False] * (n - hits))
    assert (score.value, score.n) == (hits / n, n)
    assert score.low == pytest.approx(low, abs=6e-5)
    assert score.high == pytest.approx(high, abs=6e-5)


def test_no_rows_have_no_figure_and_the_widest_interval() -> None:
    for score in (share([]), google_bleu([]), exact_match([])):
        assert math.isnan(score.value)
        assert (score.low, score.high, score.n) == (0.0, 1.0, 0)


def test_a_mean_has_a_bootstrap_interval_and_wilsons_where_it_is_a_share() -> None:
    score = mean([0.0, 0.25, 0.5, 1.0] * 10)
    assert score.value == 0.4375
    assert score.low < 0.4375 < score.high
    assert score == mean([0.0, 0.25, 0.5, 1.0] * 10)
    assert mean([0.0] * 20) == share([False] * 20)
    assert mean([1.0, 0.0, 1.0]) == share([True, False, True])


def test_a_percentile_is_the_nearest_rank() -> None:
    assert [percentile([3, 1, 2, 4], q).value for q in (0.5, 0.95, 0.01)] == [2, 4, 1]
    assert percentile([7.0], 0.95) == Score(7.0, 7.0, 7.0, 1)
    assert percentile([], 0.5).n == 0


@pytest.mark.parametrize(
    ("got", "wanted", "shared", "f1"),
    [(0, 0, 0, 1.0), (0, 3, 0, 0.0), (4, 2, 2, 2 / 3), (3, 3, 3, 1.0), (1, 9, 1, 0.2)],
)
def test_the_f1_of_a_result_is_the_harmonic_mean_of_precision_and_recall(
    got: int, wanted: int, shared: int, f1: float
) -> None:
    assert result_f1(got, wanted, shared) == pytest.approx(f1)


@pytest.mark.parametrize(
    ("a", "b", "shared"),
    [
        ([], [], 0),
        ([(1, "x")], [("x", 1)], 1),  # columns may stand in any order
        ([(1,), (1,), (2,)], [(1,), (2,), (2,)], 2),  # a bag: a repeated row counts as often as it is there
        ([(1.0,)], [(1,)], 1),
        ([([2, 1],)], [([1, 2],)], 1),
        ([(1, 2)], [(1,)], 0),
        ([(None,)], [("None",)], 0),
    ],
)
def test_rows_in_common_are_counted_as_bags_of_bags(a: list[Any], b: list[Any], shared: int) -> None:
    assert shared_rows(a, b) == shared_rows(b, a) == shared


def test_exact_match_is_letter_for_letter_after_trimming() -> None:
    pairs = [(" RETURN 1\n", "RETURN 1"), ("return 1", "RETURN 1"), ("RETURN  1", "RETURN 1"), ("RETURN 1", "RETURN 1")]
    assert exact_match(pairs).value == 0.5


def test_a_score_is_shown_with_its_interval_and_rows() -> None:
    score = Score(0.5, 0.25, 0.75, 8)
    assert str(score) == f"{score}" == "0.500 [0.250, 0.750] n=8"
    assert f"{score:.1%}" == "50.0%"
    assert float(score) == 0.5
