from __future__ import annotations

from itertools import product

import pytest

from cypher_magic.evaluation.significance import compared, mcnemar, sampled


@pytest.mark.parametrize(
    ("only_first", "only_second", "p"),
    [  # twice the sum of the binomial coefficients up to the smaller number, over 2 ** (b + c)
        (0, 0, 1.0),
        (1, 1, 1.0),
        (0, 5, 0.0625),
        (0, 6, 0.03125),
        (3, 10, 0.09228515625),
        (10, 3, 0.09228515625),
        (7, 25, 9029746 / 2**32),
        (59, 59, 1.0),
        (0, 2000, 0.0),
    ],
)
def test_mcnemars_p_is_that_of_the_exact_binomial_test(only_first: int, only_second: int, p: float) -> None:
    assert mcnemar(only_first, only_second) == pytest.approx(p, abs=1e-9)


@pytest.mark.parametrize("n", range(1, 11))
def test_mcnemars_p_is_the_share_of_all_splits_that_are_as_uneven(n: int) -> None:
    for b in range(n + 1):
        uneven = sum(abs(2 * sum(split) - n) >= abs(2 * b - n) for split in product((0, 1), repeat=n))
        assert mcnemar(b, n - b) == uneven / 2**n


def test_a_comparison_says_better_worse_or_chance() -> None:
    better = compared("base", "tuned", [(False, True)] * 10 + [(True, True)] * 5 + [(True, False)])
    assert (better.both, better.only_first, better.only_second, better.neither, better.n) == (5, 1, 10, 0, 16)
    assert better.gain.value == pytest.approx(9 / 16)
    assert better.gain.low < 9 / 16 < better.gain.high
    assert better.sentence == (
        f"tuned is better, by +56.2% [{better.gain.low:+.1%}, {better.gain.high:+.1%}]: it answers 10 questions that "
        "base does not, and misses 1 that base answers (McNemar p = 0.0117)."
    )
    worse = compared("base", "tuned", [(True, False)] * 20)
    assert worse.sentence.startswith("tuned is worse, by -100.0%")
    assert "McNemar p < 0.0001" in worse.sentence
    chance = compared("base", "tuned", [(False, True)] * 2 + [(True, False)])
    assert "may be chance (McNemar p = 1.0000)" in chance.sentence
    assert "no question in common" in compared("base", "tuned", []).sentence


def test_a_sample_keeps_the_order_and_is_the_same_for_the_same_seed() -> None:
    drawn = sampled(100, 10, 3)
    assert drawn == sorted(drawn) == sampled(100, 10, 3)
    assert len(set(drawn)) == 10
    assert drawn != sampled(100, 10, 4)
    assert sampled(5, None, 0) == sampled(5, 9, 0) == [0, 1, 2, 3, 4]
