"""Clusters of points: first centers by k-means++ or a Markov chain, and the nearest centers."""

from typing import Any

import numpy as np

from penstock.base.errors import InvalidArgumentError
from penstock.ir.op import op
from penstock.ops.random_bits import philox


class _Numbers:
    """Philox 4x32-10 numbers one at a time."""

    def __init__(self, seed: int):
        seed &= (1 << 64) - 1
        self._key = np.array([seed & 0xFFFFFFFF], np.uint32), np.array([seed >> 32], np.uint32)
        self._at, self._held = 0, np.zeros(0, np.uint32)

    def word(self) -> int:
        if not len(self._held):
            blocks = np.arange(self._at, self._at + 64, dtype=np.uint32)
            zero = np.zeros_like(blocks)
            keys = tuple(np.broadcast_to(k, blocks.shape) for k in self._key)
            self._held = np.stack(philox(np, (blocks, zero, zero, zero), keys), axis=1).reshape(-1)  # type: ignore[arg-type]
            self._at += 64
        found, self._held = int(self._held[0]), self._held[1:]
        return found

    def below(self, n: int) -> int:
        """A whole number in [0, n), every one equally likely."""
        limit = (1 << 64) - (1 << 64) % n
        while True:
            low, high = self.word(), self.word()
            found = high << 32 | low
            if found < limit:
                return found % n

    def single(self) -> np.float32:
        """A number in [0, 1) of 23 bits."""
        return np.float32((self.word() & 0x7FFFFF) / float(1 << 23))


def _matrix(name: str, value: Any) -> None:
    if np.ndim(value) != 2:
        raise InvalidArgumentError(None, None, f"Expected {name} to be a matrix, got shape {list(np.shape(value))}")


def _scalar(name: str, value: Any) -> int:
    if np.ndim(value):
        raise InvalidArgumentError(None, None, f"Expected {name} to be a scalar, got shape {list(np.shape(value))}")
    return int(value)


@op("KmeansPlusPlusInitialization(points: float32, num_to_sample: int64, seed: int64, num_retries_per_sample: int64) -> samples: float32", where="host",
    shape=lambda points, *_: (None, points.shape[1] if points.shape and len(points.shape) == 2 else None))  # fmt: skip
def kmeans_plus_plus_initialization(xp, points, num_to_sample, seed, num_retries_per_sample):
    """Points that are likely far from each other: each is drawn by its squared distance to those before."""
    _matrix("points", points)
    count, seed = _scalar("num_to_sample", num_to_sample), _scalar("seed", seed)
    retries = _scalar("num_retries_per_sample", num_retries_per_sample)
    if count <= 0:
        raise InvalidArgumentError(None, None, f"Expected num_to_sample to be positive, got {count}")
    if count > len(points):
        raise InvalidArgumentError(None, None, f"Expected num_to_sample to be no more than the {len(points)} points, got {count}")
    if retries < 0:
        retries = int(2 + np.log(count))
    numbers = _Numbers(seed)
    halves = np.sum(points * points, axis=1, dtype=np.float32) * np.float32(0.5)
    nearest = np.full(len(points), np.inf, np.float32)
    chosen: list[int] = []
    while len(chosen) < count:
        best: Any = None
        running = np.cumsum(nearest, dtype=np.float32)
        for _ in range(1 + retries):
            if chosen:
                at = min(int(np.searchsorted(running, numbers.single() * running[-1], side="left")), len(points) - 1)
            else:
                at = numbers.below(len(points))
            after = np.minimum(nearest, np.maximum(halves + halves[at] - points @ points[at], np.float32(0)))
            total = np.sum(after, dtype=np.float32)
            if best is None or total < best[0]:
                best = total, at, after
        chosen.append(best[1])
        nearest = best[2]
    return points[chosen]


@op("KMC2ChainInitialization(distances: float32, seed: int64) -> index: int64", where="host", shape=lambda *_: ())
def kmc2_chain_initialization(xp, distances, seed):
    """The last state of a Markov chain over points, whose probability grows with their distances."""
    if np.ndim(distances) != 1:
        raise InvalidArgumentError(None, None, f"Input distances should be a vector, got shape {list(np.shape(distances))}")
    if not len(distances):
        raise InvalidArgumentError(None, None, "Expected distances to have at least one element")
    numbers, at = _Numbers(_scalar("seed", seed)), 0
    for i in range(1, len(distances)):
        draw = numbers.single()
        if distances[at] == 0 or np.float32(distances[i] / distances[at]) > draw:
            at = i
    return np.array(at, np.int64)


@op("NearestNeighbors(points: float32, centers: float32, k: int64) -> (nearest_center_indices: int64, nearest_center_distances: float32)", where="host",
    shape=lambda points, centers, k: ((points.shape[0] if points.shape else None, None),) * 2)  # fmt: skip
def nearest_neighbors(xp, points, centers, k):
    """For each point the (at most) k nearest centers, nearest first, and their squared distances."""
    _matrix("points", points)
    _matrix("centers", centers)
    k = _scalar("k", k)
    if points.shape[1] != centers.shape[1]:
        raise InvalidArgumentError(None, None, f"Expected points and centers to have the same number of columns, got {points.shape[1]} and {centers.shape[1]}")
    if k < 0:
        raise InvalidArgumentError(None, None, f"Expected k to be non-negative, got {k}")
    k = min(k, len(centers))
    halves = np.sum(centers * centers, axis=1, dtype=np.float32) * np.float32(0.5)
    scores = halves - points @ centers.T
    order = np.argsort(scores, axis=1, kind="stable")[:, :k]
    square = np.sum(points * points, axis=1, dtype=np.float32, keepdims=True)
    distances = np.float32(2) * np.take_along_axis(scores, order, axis=1) + square
    return order.astype(np.int64), np.maximum(distances, np.float32(0))
