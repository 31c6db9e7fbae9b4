from __future__ import annotations

import random
from itertools import product

import pytest

from cypher_magic.evaluation.significance import compared, mcnemar, paired_gain, sampled


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
    interval = f"[{100 * better.gain.low:+.1f}, {100 * better.gain.high:+.1f}]"
    assert better.sentence == (
        f"tuned is better, by +56.2 points {interval}: it answers 10 questions that base does not, and misses 1 that "
        "base answers (McNemar p = 0.0117)."
    )
    worse = compared("base", "tuned", [(True, False)] * 20)
    assert worse.sentence.startswith("tuned is worse, by -100.0 points")
    assert "McNemar p < 0.0001" in worse.sentence
    chance = compared("base", "tuned", [(False, True)] * 2 + [(True, False)])
    assert "may be chance (McNemar p = 1.0000)" in chance.sentence
    assert "no question in common" in compared("base", "tuned", []).sentence


@pytest.mark.parametrize(("first", "second", "n"), [(0.5, 0.6, 40), (0.9, 0.95, 100), (0.02, 0.02, 30)])
def test_the_interval_of_a_gain_holds_the_truth_as_often_as_it_says(first: float, second: float, n: int) -> None:
    draw = random.Random(0)
    held = 0
    for _ in range(600):
        luck = [(draw.random(), draw.random()) for _ in range(n)]  # half of the second model's luck is the first one's
        rows = [(a < first, (a if draw.random() < 0.5 else b) < second) for a, b in luck]
        gain = compared("a", "b", rows).gain
        held += gain.low <= second - first <= gain.high
    assert held / 600 >= 0.93


def test_the_interval_of_a_gain_mirrors_and_stays_inside() -> None:
    one, other = paired_gain(5, 2, 9, 4), paired_gain(5, 9, 2, 4)
    assert (one.value, one.low, one.high) == pytest.approx((-other.value, -other.high, -other.low))
    full = paired_gain(0, 0, 10, 0)
    assert (full.value, full.high) == (1.0, 1.0)
    assert full.low < 0.8  # ten of ten is not certainty
    none = paired_gain(0, 0, 0, 10)
    assert none.low < 0 < none.high


def test_a_sample_keeps_the_order_and_is_the_same_for_the_same_seed() -> None:
    drawn = sampled(100, 10, 3)
    assert drawn == sorted(drawn) == sampled(100, 10, 3)
    assert len(set(drawn)) == 10
    assert drawn != sampled(100, 10, 4)
    assert sampled(5, None, 0) == sampled(5, 9, 0) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("won", "lost", "same", "says"),
    [
        (9, 2, 29, "may have helped: +9 questions right, 2 lost, McNemar p = 0.0654, n = 40, which may be chance"),
        (9, 1, 30, "helped: +9 questions right, 1 lost, McNemar p = 0.0215, n = 40"),
        (1, 1, 3, "made no difference: +1 question right, 1 lost, McNemar p = 1.0000, n = 5"),
        (1, 2, 3, "may have made it worse: +1 question right, 2 lost, McNemar p = 1.0000, n = 6, which may be chance"),
        (0, 20, 0, "made it worse: +0 questions right, 20 lost, McNemar p < 0.0001, n = 20"),
        (0, 0, 0, "whether it helped can not be told: no question is left to compare"),
    ],
)
def test_whether_a_change_helped_is_one_line(won: int, lost: int, same: int, says: str) -> None:
    rows = [(False, True)] * won + [(True, False)] * lost + [(True, True)] * same
    assert compared("before", "after", rows).helped == says
