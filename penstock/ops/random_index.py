"""`tf.random.experimental.index_shuffle`: where an index goes in a permutation that is never written down.

The permutation is Simon (Beaulieu et al., 2013), a block cipher of any even number of bits, with three key words; what falls
beyond the largest index is enciphered again.
"""

from typing import Any

import numpy as np

from penstock.base.errors import ShapeError
from penstock.base.export import export
from penstock.base.shape import as_text
from penstock.ir import door
from penstock.ir.op import op
from penstock.ops.families import later
from penstock.ops.random_values import until_done

_ConcatV2 = later("ConcatV2")
_CONSTANTS = np.uint64(0x192C0EF5)  # one bit for each round
_LEAST_BITS = 16
_FIRST_WORD = 498247692  # stands before the two words of a seed
_ONE = np.uint64(1)


def _rotated(x: Any, places: int, width: Any, mask: Any) -> Any:
    """x, `width` bits wide, with its bits moved up by `places`."""
    by = np.uint64(places) % width
    return ((x << by) | (x >> (width - by))) & mask


def _enciphered(x: Any, keys: list[Any], width: Any, mask: Any) -> Any:
    """One pass of the cipher over blocks of two words of `width` bits."""
    a, b = x & mask, x >> width
    for key in keys:
        mixed = _rotated(a, 1, width, mask) & _rotated(a, 8, width, mask) ^ _rotated(a, 2, width, mask)
        a, b = b ^ mixed ^ key, a
    return b << width | a


def _schedule(words: list[Any], rounds: int, width: Any, mask: Any) -> list[Any]:
    """A key for each round."""
    keys = [w & mask for w in words]
    for r in range(3, rounds):
        last = keys[-1]
        down = lambda places, x=last: ((x >> np.uint64(places)) | (x << (width - np.uint64(places)))) & mask
        bit = ((_CONSTANTS & mask) >> np.uint64(r - 3)) & _ONE if r - 3 < 32 else np.uint64(0)
        keys.append((mask ^ np.uint64(3)) ^ bit ^ keys[r - 3] ^ down(3) ^ down(4))
    return keys


def _dims(index: Any, seed: Any, max_index: Any) -> Any:
    """The output's dims; ShapeError where the inputs do not go together."""
    sizes = set()
    for spec, name in ((index, "Index"), (max_index, "Max index")):
        if spec.shape is None:
            return None
        if len(spec.shape) > 1:
            raise ShapeError(f"{name} must be a scalar or vector, got shape {as_text(tuple(spec.shape))}")
        sizes.update(spec.shape)
    if seed.shape is None:
        return None
    if len(seed.shape) not in (1, 2) or seed.shape[-1] not in (3, None):
        raise ShapeError(f"Seed must have shape [3] or [n, 3], got {as_text(tuple(seed.shape))}")
    sizes.update(seed.shape[:-1])
    known = sizes - {None}
    if len(known) > 1:
        raise ShapeError(f"index, seed and max_index are of different lengths: {sorted(known)}")
    return (known.pop() if known else None,) if sizes else ()


@op(
    "RandomIndexShuffle(index: dtype, seed: Tseed, max_index: dtype, *, Tseed: {int32|uint32|int64|uint64}, "
    "dtype: {int32|uint32|int64|uint64}, rounds: int = 4) -> output: dtype"
)
def random_index_shuffle_op(xp, index, seed, max_index, *, dtype, rounds):
    """Where `index` goes in a permutation of 0 to max_index (inclusive) that follows from the seed."""
    dims = _dims(index, seed, max_index)
    lanes = dims[0] if dims else 1
    spread = lambda v: xp.broadcast_to(v.reshape(-1).astype(xp.uint64), (lanes,))
    largest = xp.maximum(spread(max_index), np.uint64(1) << np.uint64(_LEAST_BITS - 1))
    bits = sum((largest >= np.uint64(1 << k)).astype(xp.uint64) for k in range(64))
    width = (bits + _ONE) // np.uint64(2)
    mask = (_ONE << width) - _ONE
    words = xp.broadcast_to(seed.astype(xp.uint32).astype(xp.uint64), (lanes, 3))
    keys = _schedule([words[:, k] for k in range(3)], max(4, rounds + rounds % 2), width, mask)
    top = spread(max_index)

    def step(value: Any, top: Any, width: Any, mask: Any, *keys: Any) -> tuple[Any, ...]:
        value = _enciphered(value, list(keys), width, mask)
        return value, top, width, mask, *keys, value > top

    value = until_done(xp, step, (spread(index), top, width, mask, *keys), spread(index) <= top)[0]
    return value.astype(dtype.array_dtype).reshape(dims)


@random_index_shuffle_op.shape
def _(index, seed, max_index, **_):
    return _dims(index, seed, max_index)


@random_index_shuffle_op.check
def _(xp, index, seed, max_index, **_):
    bad = xp.any((index < 0) | (index > max_index))
    return bad, "index must be >= 0 and <= max_index" + (
        f", got {index} with max_index = {max_index}" if xp is np else ""
    )


random_index_shuffle_op.no_grad()


@export("random_index_shuffle")
def random_index_shuffle(index, seed, max_index, rounds=4, name=None):
    """Where `index` goes in a permutation of 0 to max_index (inclusive), which three seeds choose.

    >>> sorted(int(tf.random_index_shuffle(i, [1, 2, 3], 3)) for i in range(4))
    [0, 1, 2, 3]
    """
    return random_index_shuffle_op(index, seed, max_index, rounds=rounds, name=name)


@export("random.experimental.index_shuffle")
def index_shuffle(index, seed, max_index):
    """Where `index` goes in a permutation of 0 to max_index (inclusive), which two seeds choose.

    >>> tf.random.experimental.index_shuffle(3, [5, 6], 100).numpy()
    np.int32(78)
    """
    seed = door.convert(seed)
    first = door.convert(np.asarray(_FIRST_WORD, seed.dtype.as_numpy_dtype).reshape(1), seed.dtype)
    return random_index_shuffle_op(index, _ConcatV2([first, seed], np.int32(0)), max_index)
