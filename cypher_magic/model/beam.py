"""Beam search: several replies to one question side by side, of which the most likely whole one is taken.

Scores are sums of log-probabilities, divided by the number of tokens where replies of different length are compared,
as in `generate(num_beams=...)` of transformers with its default length penalty. A reply that a check complains about
leaves the beam; only where none is left is something taken back, as in greedy decoding.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from cypher_magic.model.bundle import scores

if TYPE_CHECKING:
    from collections.abc import Callable

    from cypher_magic.model.generate import Guide
    from cypher_magic.model.shared_prefix import Texts


@dataclass(frozen=True)
class Hypothesis:
    """A reply so far, and the sum of its tokens' log-probabilities."""

    guide: Guide
    total: float

    @property
    def score(self) -> float:
        """Per token, its end included."""
        return self.total / max(1, len(self.guide.tokens) + self.guide.ended)


class Beam:
    """The most likely replies to one question, as many as `texts` has rows."""

    def __init__(self, texts: Texts, question: list[int], guide: Guide) -> None:
        self._texts, self._question, self._width = texts, question, texts.width
        self._open = [Hypothesis(guide, 0.0)]  # in the order of the rows, the best first
        self._done: list[Hypothesis] = []

    def run(self, told: Callable[[Guide], None] | None = None) -> list[Guide]:
        """The replies, at most `width`, best first; `told` is called with the best one so far after each token."""
        with self._texts.attention():
            while self._open and not self._settled():
                self._step()
                if told is not None and self._open:
                    told(self._open[0].guide)
        return [h.guide for h in sorted(self._done, key=lambda h: h.score, reverse=True)[: self._width]]

    def _settled(self) -> bool:
        """Whether there are enough whole replies, and none that is open can become better than they are."""
        if len(self._done) < self._width:
            return False
        worst = sorted((h.score for h in self._done), reverse=True)[self._width - 1]
        return max(h.score for h in self._open) <= worst

    def _step(self) -> None:
        logits = self._texts.forward([self._question + h.guide.tokens for h in self._open], [1] * len(self._open))
        likely = torch.cat(logits).float().log_softmax(-1)
        options = [
            (hypothesis.total + gain, row, token)
            for row, hypothesis in enumerate(self._open)
            for token, gain in hypothesis.guide.options(likely[row], 2 * self._width)
        ]
        children: list[tuple[Hypothesis, int]] = []
        good = 0
        for total, row, token in sorted(options, reverse=True):
            if len(children) == self._width:
                break
            guide = self._open[row].guide.fork()
            if not guide.take(token):
                continue
            good += 1
            child = Hypothesis(guide, total)
            if not guide.done:
                children.append((child, row))
            elif good <= self._width:  # one that ends is no better than the others for being at its end
                self._done.append(child)
        if not children and not self._done:
            best = self._open[0]
            best.guide.next(int(logits[0].argmax()), scores(logits[0][0]))
            children = [] if best.guide.done else [(best, 0)]
            self._done += [best] if best.guide.done else []
        self._texts.move([row for _, row in children])
        self._open = [child for child, _ in children]
