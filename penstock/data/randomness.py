"""The streams of 32-bit numbers by which datasets shuffle: Philox 4x32-10, one word at a time."""

import numpy as np

from penstock.ops.random_bits import Stream, advance, words

AHEAD = 256
"""Words that are computed at a time."""
_MASK = 2**64 - 1


class Words:
    """The words of the stream that two seeds name, one after the other; `drawn` says how many were taken."""

    __slots__ = ("stream", "drawn", "ready", "at")

    def __init__(self, seed: int, seed2: int, drawn: int = 0):
        self.stream = Stream(np.zeros(1, np.uint64), np.array([seed2 & _MASK], np.uint64), np.array([seed & _MASK], np.uint64))
        self.drawn = drawn
        self.ready: list[int] = []
        self.at = 0
        if drawn:
            self._fill()

    def _fill(self) -> None:
        block, inside = divmod(self.drawn, 4)
        count = 16 if self.drawn < 16 else AHEAD
        self.ready = words(np, advance(np, self.stream, block), count).tolist()
        self.at = inside

    def next(self) -> int:
        at = self.at
        if at >= len(self.ready):
            self._fill()
            at = self.at
        self.at = at + 1
        self.drawn += 1
        return self.ready[at]
