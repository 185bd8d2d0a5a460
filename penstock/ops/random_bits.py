"""Counter-based streams of random bits: Philox 4x32-10 and ThreeFry 2x32-20 (Salmon et al., 2011).

Everything here takes the array namespace `xp`: `numpy`, or `jax.numpy` under a trace.  A stream is a 128-bit counter and a
64-bit key; block number i of a stream is the Philox block of counter + i, four 32-bit words.
"""

from typing import Any, NamedTuple

import numpy as np

from penstock.ir.tracing import state

_MULTIPLIERS = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_WEYL = np.uint32(0x9E3779B9), np.uint32(0xBB67AE85)
_ROUNDS = 10
_LOW = np.uint64(0xFFFFFFFF)
_32 = np.uint64(32)
CHUNK = 1 << 13
"""Blocks that NumPy computes at a time, so that they stay in the cache."""
FEW = 4
"""Blocks up to which Python's integers are the faster ones."""


class Stream(NamedTuple):
    """Where a stream of blocks stands: uint64 scalars (or arrays that broadcast against the block numbers)."""

    low: Any
    high: Any
    key: Any


def from_state(xp: Any, state: Any) -> Stream:
    """The stream of a uint64[3] state [counter low, counter high, key]."""
    state = xp.asarray(state).astype(xp.uint64)
    return Stream(state[0:1], state[1:2], state[2:3])


def from_key_counter(xp: Any, key: Any, counter: Any) -> Stream:
    """The stream of a uint64[1] key and a uint64[2] counter."""
    return Stream(counter[0:1], counter[1:2], key[0:1])


def advance(xp: Any, stream: Stream, blocks: Any) -> Stream:
    """The stream `blocks` (an int, or a uint64 array) blocks further on."""
    step = np.uint64(blocks) if isinstance(blocks, int) else blocks
    low = stream.low + step
    return Stream(low, stream.high + (low < stream.low).astype(xp.uint64), stream.key)


def to_state(xp: Any, stream: Stream) -> Any:
    return xp.concatenate([stream.low, stream.high, stream.key])


def halves(xp: Any, x: Any) -> tuple[Any, Any]:
    """The low and the high 32 bits of 64-bit integers."""
    x = x.astype(xp.uint64)
    return (x & _LOW).astype(xp.uint32), (x >> _32).astype(xp.uint32)


def joined(xp: Any, low: Any, high: Any) -> Any:
    """64-bit integers from their 32-bit halves."""
    return low.astype(xp.uint64) | (high.astype(xp.uint64) << _32)


def philox(xp: Any, counter: tuple[Any, Any, Any, Any], key: tuple[Any, Any]) -> tuple[Any, Any, Any, Any]:
    """The Philox 4x32-10 blocks of four counter words and two key words, all uint32."""
    if xp is np:
        return _philox_pairs(counter, key)
    a, b, c, d = counter
    k0, k1 = key
    m0, m1 = _MULTIPLIERS
    for r in range(_ROUNDS):
        if r:
            k0, k1 = k0 + _WEYL[0], k1 + _WEYL[1]
        p, q = a.astype(xp.uint64) * m0, c.astype(xp.uint64) * m1
        a, b, c, d = (
            (q >> _32).astype(xp.uint32) ^ b ^ k0,
            q.astype(xp.uint32),
            (p >> _32).astype(xp.uint32) ^ d ^ k1,
            p.astype(xp.uint32),
        )
    return a, b, c, d


_M = np.array([[0xD2511F53], [0xCD9E8D57]], np.uint64)
_W = np.arange(_ROUNDS, dtype=np.uint64)[:, None, None] * np.array([[0x9E3779B9], [0xBB67AE85]], np.uint64)


def _philox_pairs(counter: tuple[Any, Any, Any, Any], key: tuple[Any, Any]) -> tuple[Any, Any, Any, Any]:
    """The same with few NumPy calls: words 0 and 2 are one array, 1 and 3 another, in 64 bits."""
    a, b, c, d = counter
    multiplied, other = np.array((a, c), np.uint64), np.array((b, d), np.uint64)
    keys = (np.array(key, np.uint64) + _W) & _LOW
    for k in keys:
        product = multiplied * _M
        multiplied = (product >> _32)[::-1] ^ other
        multiplied ^= k
        other = product[::-1] & _LOW
    (a, c), (b, d) = multiplied.astype(np.uint32), other.astype(np.uint32)
    return a, b, c, d


_ROTATIONS = (13, 15, 26, 6), (17, 29, 16, 24)


def threefry(xp: Any, counter: tuple[Any, Any], key: tuple[Any, Any]) -> tuple[Any, Any]:
    """The ThreeFry 2x32-20 blocks of two counter words and two key words, all uint32."""
    keys = key[0], key[1], key[0] ^ key[1] ^ np.uint32(0x1BD11BDA)
    x, y = counter[0] + keys[0], counter[1] + keys[1]
    for i in range(5):
        for r in _ROTATIONS[i % 2]:
            x = x + y
            y = ((y << np.uint32(r)) | (y >> np.uint32(32 - r))) ^ x
        x, y = x + keys[(i + 1) % 3], y + keys[(i + 2) % 3] + np.uint32(i + 1)
    return x, y


def blocks(xp: Any, stream: Stream, index: Any) -> tuple[Any, Any, Any, Any]:
    """The blocks of these numbers (uint64 [n]): four arrays of words [n]."""
    at = advance(xp, stream, index)
    high = at.high if at.high.shape == index.shape else xp.broadcast_to(at.high, index.shape)
    return philox(xp, (*halves(xp, at.low), *halves(xp, high)), halves(xp, at.key))


def settled(xp: Any, arrays: Any) -> Any:
    """The arrays, computed once: XLA may not repeat the work behind them in each of their users."""
    if xp is np or state.in_loop:
        return arrays
    from jax import lax

    return lax.optimization_barrier(arrays)


def _few(stream: Stream, count: int) -> Any:
    """The same for a handful of blocks, in Python's integers: NumPy's calls would cost more than the work."""
    at = int(stream.high[0]) << 64 | int(stream.low[0])
    key = int(stream.key[0])
    low, high = key & 0xFFFFFFFF, key >> 32
    found = []
    for i in range(count):
        n = at + i
        a, b, c, d = n & 0xFFFFFFFF, n >> 32 & 0xFFFFFFFF, n >> 64 & 0xFFFFFFFF, n >> 96 & 0xFFFFFFFF
        k0, k1 = low, high
        for _ in range(_ROUNDS):
            p, q = a * 0xD2511F53, c * 0xCD9E8D57
            a, b, c, d = q >> 32 ^ b ^ k0, q & 0xFFFFFFFF, p >> 32 ^ d ^ k1, p & 0xFFFFFFFF
            k0, k1 = k0 + 0x9E3779B9 & 0xFFFFFFFF, k1 + 0xBB67AE85 & 0xFFFFFFFF
        found.append((a, b, c, d))
    return np.array(found, np.uint32).reshape(count, 4).T


def columns(xp: Any, stream: Stream, count: int) -> Any:
    """The first `count` blocks, one array for each of their four words."""
    if xp is not np:
        return settled(xp, blocks(xp, stream, xp.arange(count, dtype=xp.uint64)))
    if count <= FEW:
        return _few(stream, count)
    if count <= CHUNK:
        return blocks(np, stream, np.arange(count, dtype=np.uint64))
    whole = np.empty((4, count), np.uint32)
    for start in range(0, count, CHUNK):
        stop = min(count, start + CHUNK)
        whole[:, start:stop] = blocks(np, stream, np.arange(start, stop, dtype=np.uint64))
    return tuple(whole)


def interleaved(xp: Any, parts: Any, n: int) -> Any:
    """The first n of a[0], b[0], ..., a[1], b[1], ..."""
    return xp.stack(parts, axis=-1).reshape(-1)[:n]


def words(xp: Any, stream: Stream, count: int) -> Any:
    """The first `count` 32-bit words: uint32 [count]."""
    return interleaved(xp, columns(xp, stream, -(-count // 4)), count)


def scrambled(xp: Any, seed: Any) -> Stream:
    """The stream that a stateless op's seed (two 32- or 64-bit integers) stands for."""
    wide = seed.astype(xp.int64) if seed.dtype.kind == "i" else seed
    counter = (*halves(xp, wide[0:1]), *halves(xp, wide[1:2]))
    one = xp.ones((1,), xp.uint32)
    mixed = philox(xp, counter, (one * np.uint32(0x3EC8F720), one * np.uint32(0x02461E29)))
    return Stream(xp.zeros((1,), xp.uint64), joined(xp, mixed[2], mixed[3]), joined(xp, mixed[0], mixed[1]))
