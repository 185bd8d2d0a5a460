"""Random bits -> values: uniform, normal, truncated normal, integers; in TensorFlow's order and to its last bits.

`n` values of a stream always come from its first blocks; `OUTPUT_BLOCKS * n` blocks further on the next draw begins.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from penstock.ops.random_bits import CHUNK, Stream, blocks, columns, interleaved, joined, settled

OUTPUT_BLOCKS = 256
"""Blocks that a stateful op sets aside for each output, whatever it needs."""
_LEAST = 1e-7  # a uniform value is raised to this before its logarithm is taken
_MANTISSA = {"float16": (np.uint16, 10, 15), "bfloat16": (np.uint16, 7, 127), "float32": (np.uint32, 23, 127)}


def unit(xp: Any, word: Any, dtype: Any = np.dtype(np.float32)) -> Any:
    """One 32-bit word each -> [0, 1) in float16, bfloat16 or float32: the low bits become the mantissa."""
    integer, bits, bias = _MANTISSA[np.dtype(dtype).name]
    pattern = (word & np.uint32((1 << bits) - 1)).astype(integer) | integer(bias << bits)
    return pattern.view(dtype) - xp.asarray(1, dtype)


def unit64(xp: Any, first: Any, second: Any) -> Any:
    """Two 32-bit words each -> [0, 1) in float64."""
    pattern = joined(xp, second, first & np.uint32(0xFFFFF)) | np.uint64(1023 << 52)
    return pattern.view(np.float64) - 1.0


def uniform(xp: Any, stream: Stream, n: int, dtype: Any) -> Any:
    """n values of [0, 1)."""
    if np.dtype(dtype) == np.float64:
        a, b, c, d = columns(xp, stream, -(-n // 2))
        return interleaved(xp, (unit64(xp, a, b), unit64(xp, c, d)), n)
    return interleaved(xp, [unit(xp, w, dtype) for w in columns(xp, stream, -(-n // 4))], n)


def full_integers(xp: Any, stream: Stream, n: int, dtype: Any) -> Any:
    """n integers over the whole range of an integer type of 32 or 64 bits."""
    if np.dtype(dtype).itemsize == 4:
        return interleaved(xp, columns(xp, stream, -(-n // 4)), n).view(dtype)
    a, b, c, d = columns(xp, stream, -(-n // 2))
    return interleaved(xp, (joined(xp, a, b), joined(xp, c, d)), n).view(dtype)


def integers(xp: Any, stream: Stream, n: int, low: Any, high: Any, dtype: Any) -> Any:
    """n integers of [low, high), scalars of `dtype`; an empty range gives `low`."""
    dtype = np.dtype(dtype)
    wide = np.dtype(f"u{dtype.itemsize}")
    low, high = (xp.asarray(b, dtype).reshape(1).view(wide) for b in (low, high))
    span = high - low
    drawn = full_integers(xp, stream, n, wide)
    return (low + drawn % xp.where(span == 0, xp.ones_like(span), span)).view(dtype)


def box_muller(xp: Any, a: Any, b: Any) -> tuple[Any, Any]:
    """Two 32-bit words -> two float32 standard normals."""
    angle = (unit(xp, b).astype(np.float64) * (2 * math.pi)).astype(np.float32)
    radius = xp.sqrt(xp.log(xp.maximum(unit(xp, a), xp.asarray(_LEAST, np.float32))) * xp.asarray(-2, np.float32))
    return xp.sin(angle) * radius, xp.cos(angle) * radius


def box_muller64(xp: Any, a: Any, b: Any, c: Any, d: Any) -> tuple[Any, Any]:
    """Four 32-bit words -> two float64 standard normals."""
    angle = unit64(xp, c, d) * (2 * math.pi)
    radius = xp.sqrt(xp.log(xp.maximum(unit64(xp, a, b), _LEAST)) * -2.0)
    return xp.sin(angle) * radius, xp.cos(angle) * radius


def normals_of(xp: Any, block: Any, dtype: Any) -> tuple[Any, ...]:
    """The normals of one block in order: two in float64, four (in float32) otherwise."""
    if np.dtype(dtype) == np.float64:
        return box_muller64(xp, *block)
    a, b, c, d = block
    return (*box_muller(xp, a, b), *box_muller(xp, c, d))


def normal(xp: Any, stream: Stream, n: int, dtype: Any) -> Any:
    """n standard normals."""
    per = 2 if np.dtype(dtype) == np.float64 else 4
    return interleaved(xp, settled(xp, normals_of(xp, columns(xp, stream, -(-n // per)), dtype)), n).astype(
        dtype, copy=False
    )


def until_done(xp: Any, step: Callable[..., tuple[Any, ...]], state: tuple[Any, ...], live: Any) -> tuple[Any, ...]:
    """Repeat `step(*state) -> (*state, live)` on the lanes (first axis) that are still live, until none is."""
    if xp is np:
        state = tuple(np.array(s) for s in state)
        lanes = np.nonzero(live)[0]
        while lanes.size:
            *new, live = step(*(s[lanes] for s in state))
            for whole, part in zip(state, new):
                whole[lanes] = part
            lanes = lanes[live]
        return state
    from jax import lax

    def body(carry: tuple[Any, ...]) -> tuple[Any, ...]:
        *old, live = carry
        *new, still = step(*old)
        pick = lambda a, b: xp.where(live.reshape(live.shape + (1,) * (a.ndim - 1)), a, b)
        return (*(pick(a, b) for a, b in zip(new, old)), live & still)

    return lax.while_loop(lambda carry: xp.any(carry[-1]), body, (*state, live))[:-1]


def truncated_normal(xp: Any, stream: Stream, n: int, dtype: Any) -> Any:
    """n standard normals redrawn until they lie within two deviations; each group of outputs has a stretch of its own."""
    per = 2 if np.dtype(dtype) == np.float64 else 4
    groups = -(-n // per)
    first = xp.arange(groups, dtype=xp.uint64) * np.uint64(per * OUTPUT_BLOCKS // 4)
    if xp is not np:
        return _traced_truncated(xp, stream, first, per, dtype).reshape(-1)[:n].astype(dtype)
    values = np.empty((groups, per), dtype)
    for start in range(0, groups, CHUNK):
        at = first[start : start + CHUNK]
        drawn = np.stack(normals_of(np, blocks(np, stream, at), dtype), axis=-1)
        again = np.nonzero((abs(drawn) >= 2).any(axis=1))[0]
        drawn[again] = _redrawn(np, stream, at[again], per, dtype)
        values[start : start + CHUNK] = drawn
    return values.reshape(-1)[:n]


def _traced_truncated(xp: Any, stream: Stream, first: Any, per: int, dtype: Any) -> Any:
    """The same under a trace: one draw for all groups, then the few that need more are gathered and finished."""
    groups = first.shape[0]
    if groups < 256:
        return _redrawn(xp, stream, first, per, dtype)
    from jax import lax

    room = groups // 5 + 64  # a sixth of the groups has a normal beyond two deviations
    drawn = xp.stack(settled(xp, normals_of(xp, settled(xp, blocks(xp, stream, first)), dtype)), axis=-1)

    def finish(carry: Any) -> Any:
        values, bad = carry
        lanes = xp.nonzero(bad, size=room, fill_value=groups)[0]
        again = _redrawn(xp, stream, first[xp.minimum(lanes, groups - 1)], per, dtype)
        return values.at[lanes].set(again, mode="drop"), bad.at[lanes].set(False, mode="drop")

    return lax.while_loop(lambda carry: xp.any(carry[1]), finish, (drawn, xp.any(abs(drawn) >= 2, axis=1)))[0]


def _redrawn(xp: Any, stream: Stream, first: Any, per: int, dtype: Any) -> Any:
    """For each first block the next `per` normals within two deviations: [len(first), per]."""
    slots = xp.arange(per, dtype=xp.int32)

    def step(at: Any, kept: Any, values: Any) -> tuple[Any, ...]:
        for value in normals_of(xp, blocks(xp, stream, at), dtype):
            good = (abs(value) < 2) & (kept < per)
            values = xp.where(good[:, None] & (slots == kept[:, None]), value[:, None], values)
            kept = kept + good.astype(xp.int32)
        return at + np.uint64(1), kept, values, kept < per

    n = first.shape[0]
    state = first, xp.zeros((n,), xp.int32), xp.zeros((n, per), np.float64 if per == 2 else np.float32)
    return until_done(xp, step, state, xp.ones((n,), bool))[2]
