"""Where the nodes of a picture stand: a small force layout, the same for the same graph every time.

Method: Fruchterman and Reingold, "Graph Drawing by Force-directed Placement" (1991), with a pull to the centre that
keeps separate parts together, then the longest direction turned level and overlapping nodes pushed apart.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

ROUNDS = 300
_GOLDEN = math.pi * (3 - math.sqrt(5))


def layout(
    count: int, edges: Sequence[tuple[int, int]], *, length: float, gap: float, width: float, height: float
) -> list[tuple[float, float]]:
    """Positions in pixels of `count` nodes inside `width` x `height`, the smallest x and y at 0.

    `length` is the wished length of an edge, `gap` the least distance of two nodes (kept where there is room).
    """
    import numpy as np

    if count == 0:
        return []
    turn = np.arange(count) * _GOLDEN  # a sunflower: even, and without a random number
    at = np.stack([np.cos(turn), np.sin(turn)], axis=1) * (length * 0.6 * np.sqrt(np.arange(count) + 0.5))[:, None]
    if count > 1:
        arrows = np.array([(a, b) for a, b in edges if a != b], dtype=int).reshape(-1, 2)
        links = sorted({(min(a, b), max(a, b)) for a, b in edges if a != b})
        at = _settled(np, at, np.array(links, dtype=int).reshape(-1, 2), length)
        at = _level(np, at, arrows)
        room = np.array([width, height])
        at *= np.minimum(1, room / np.maximum(np.ptp(at, axis=0), 1))
        at = _apart(np, at - (at.max(axis=0) + at.min(axis=0)) / 2, gap, room / 2)
    at -= at.min(axis=0)
    return [(round(float(x), 1), round(float(y), 1)) for x, y in at]


def _settled(np: Any, at: Any, pairs: Any, length: float) -> Any:
    count = len(at)
    degree = np.bincount(pairs.ravel(), minlength=count)[:, None]
    step = length
    for _ in range(ROUNDS):
        apart = at[:, None, :] - at[None, :, :]
        distance = np.maximum(np.hypot(apart[..., 0], apart[..., 1]), 0.01)
        push = length * length / distance**2
        np.fill_diagonal(push, 0)
        force = (apart * push[..., None]).sum(axis=1)
        along = at[pairs[:, 0]] - at[pairs[:, 1]]
        pull = along * (np.hypot(along[:, 0], along[:, 1])[:, None] / length)
        np.add.at(force, pairs[:, 0], -pull)
        np.add.at(force, pairs[:, 1], pull)
        force -= at * (0.12 + 0.12 * (degree == 0)) * np.array([0.8, 1.3])  # wider than high
        size = np.maximum(np.hypot(force[:, 0], force[:, 1])[:, None], 0.01)
        at = at + force / size * np.minimum(size, step)
        step = max(step * 0.985, 0.5)
    return at


def _level(np: Any, at: Any, arrows: Any) -> Any:
    """Turned so that the longest direction lies level and more arrows point to the right than to the left."""
    centred = at - at.mean(axis=0)
    _, axes = np.linalg.eigh(centred.T @ centred)
    x = axes[:, 1]
    forward = (centred[arrows[:, 1]] - centred[arrows[:, 0]]).sum(axis=0) @ x
    if abs(forward) < 1e-6:
        forward = x[np.abs(x).argmax()]
    x = x if forward > 0 else -x
    return centred @ np.stack([x, [-x[1], x[0]]], axis=1)


def _apart(np: Any, at: Any, gap: float, bound: Any) -> Any:
    """No two nodes nearer than `gap`, as far as the bounds allow."""
    for _ in range(120):
        apart = at[:, None, :] - at[None, :, :]
        distance = np.hypot(apart[..., 0], apart[..., 1])
        np.fill_diagonal(distance, gap)
        near = distance < gap - 0.5
        if not near.any():
            break
        shift = np.where(near, (gap - distance) / np.maximum(distance, 0.01) / 2, 0)
        at = np.clip(at + (apart * shift[..., None]).sum(axis=1) * 0.8, -bound, bound)
    return at
