"""Pooling whose windows differ in size: fractional max and average pooling (Graham, 2014), with their gradients."""

import itertools
import os
from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.base.errors import InvalidArgumentError, UnimplementedError
from penstock.base.export import export
from penstock.base.shape import as_text
from penstock.ir.op import find, op
from penstock.ir.seeds import get_seed
from penstock.ops import random_bits

_TYPES = "T: {float32|float64|int32|int64}"
_FIELDS = (f"{_TYPES}, deterministic: bool = False, overlapping: bool = False, pooling_ratio: list(float) >= 4, pseudo_random: bool = False, seed: int = 0, "
           "seed2: int = 0")  # fmt: skip
_OUTPUTS = "(output: T, row_pooling_sequence: int64, col_pooling_sequence: int64)"


def _bad(message: str) -> InvalidArgumentError:
    return InvalidArgumentError(None, None, message)


class Draws:
    """Uniform numbers of one node's own generator."""

    def __init__(self, seed: int, seed2: int):
        low, high = (0, np.int64(seed2).astype(np.uint64)) if seed or seed2 else np.frombuffer(os.urandom(16), np.uint64)
        self.stream = random_bits.from_state(np, np.array([0 if seed or seed2 else low, high, np.int64(seed).astype(np.uint64)], np.uint64))

    def take(self, count: int) -> np.ndarray:
        blocks = -(-count // 4)
        words = np.asarray(random_bits.words(np, self.stream, blocks * 4))[:count]
        self.stream = random_bits.advance(np, self.stream, blocks)
        return words / 2.0**32


def sequence(size: int, parts: int, pseudo_random: bool, draws: Draws) -> np.ndarray:
    """[parts + 1] boundaries from 0 to `size` whose distances are the two integers around `size / parts`."""
    ratio = size / parts
    if pseudo_random:
        at = np.floor(ratio * np.arange(parts) + draws.take(1)[0]).astype(np.int64)
        return np.append(at, size) - np.append(at[0] * np.ones(parts, np.int64), 0)
    small = size // parts
    steps = np.full(parts, small, np.int64)
    steps[: size - small * parts] += 1
    return np.concatenate([[0], np.cumsum(steps[np.argsort(draws.take(parts), kind="stable")])])


def _reduced(how: Any, x: np.ndarray, bounds: np.ndarray, axis: int, overlapping: bool) -> np.ndarray:
    """One reduction along an axis over the windows between the bounds; overlapping ones take their end in, too."""
    found = how.reduceat(np.take(x, np.arange(bounds[-1]), axis), bounds[:-1], axis=axis)
    if overlapping:
        inner = np.flatnonzero(bounds[1:] < x.shape[axis])
        at: list[Any] = [slice(None)] * x.ndim
        at[axis] = inner
        found[tuple(at)] = how(found[tuple(at)], np.take(x, bounds[1:][inner], axis))
    return found


def _lengths(bounds: np.ndarray, size: int, overlapping: bool) -> np.ndarray:
    ends = np.minimum(bounds[1:] + 1, size) if overlapping else bounds[1:]
    return ends - bounds[:-1]


def _sizes(dims: Any, ratio: Any) -> tuple[int, int]:
    if len(ratio) != 4:
        raise _bad("pooling_ratio field must specify 4 dimensions")
    for r in ratio:
        if r < 1:
            raise _bad(f"pooling_ratio cannot be smaller than 1, got: {r:g}")
    if ratio[0] != 1 or ratio[3] != 1:
        raise UnimplementedError(None, None, "Fractional max pooling is not yet supported on the batch nor channel dimension.")
    if len(dims) != 4:
        raise _bad(f"tensor_in must be 4-dimensional, got shape {as_text(dims)}")
    found = []
    for n, r in zip(dims[1:3], ratio[1:3]):
        out = int(np.floor(n / r))
        if out < 1:
            raise _bad(f"The pooling ratio {r:g} is greater than the size {n} of its axis")
        found.append(out)
    if 0 in dims:
        raise _bad(f"tensor_in must not be empty, got shape {as_text(dims)}")
    return found[0], found[1]


def _forward(name: str, doc: str, pool: Any) -> Any:
    def body(xp, store, value, *, deterministic, overlapping, pooling_ratio, pseudo_random, seed, seed2):
        rows, columns = _sizes(value.shape, pooling_ratio)
        if deterministic:
            draws = store.store.get("fractional pool", "", f"{store.node_name}/{seed}/{seed2}/{rows}/{columns}", lambda: Draws(seed, seed2))
            draws = Draws(seed, seed2) if seed or seed2 else draws
        else:
            draws = store.store.get("fractional pool", "", f"{store.node_name}/{seed}/{seed2}", lambda: Draws(seed, seed2))
        high, wide = (sequence(n, parts, pseudo_random, draws) for n, parts in ((value.shape[1], rows), (value.shape[2], columns)))
        return pool(np.asarray(value), high, wide, overlapping), high, wide

    body.__doc__, body.__qualname__, body.__module__ = doc, name, __name__
    made = op(f"{name}(value: T, *, {_FIELDS}) -> {_OUTPUTS}", where="host", effect="io", needs_store=True)(body)

    def shape(value: Any, *, pooling_ratio: Any) -> Any:
        if value.shape is None:
            return (None,) * 4, (None,), (None,)
        if len(value.shape) != 4:
            raise _bad(f"Shape must be rank 4 but is rank {len(value.shape)}: {value.name}")
        sizes = [None if n is None else int(np.floor(n / r)) for n, r in zip(value.shape, pooling_ratio)]
        return tuple(sizes), *((None if n is None else n + 1,) for n in sizes[1:3])

    made.shape(shape)
    globals()[name] = made
    return made


def _max(x: np.ndarray, high: np.ndarray, wide: np.ndarray, overlapping: bool) -> np.ndarray:
    return _reduced(np.maximum, _reduced(np.maximum, x, high, 1, overlapping), wide, 2, overlapping)


def _mean(x: np.ndarray, high: np.ndarray, wide: np.ndarray, overlapping: bool) -> np.ndarray:
    total = _reduced(np.add, _reduced(np.add, x, high, 1, overlapping), wide, 2, overlapping)
    count = (_lengths(high, x.shape[1], overlapping)[:, None] * _lengths(wide, x.shape[2], overlapping))[None, :, :, None]
    return np.trunc(total / count).astype(total.dtype) if total.dtype.kind == "i" else total / count.astype(total.dtype)


_max_pool = _forward("FractionalMaxPool", "The largest of each window; the bounds of the windows are drawn anew.", _max)
_avg_pool = _forward("FractionalAvgPool", "The mean of each window; the bounds of the windows are drawn anew.", _mean)


# -- gradients ---------------------------------------------------------------------------------------------------------
def _checked(dims: Any, grads: np.ndarray, high: np.ndarray, wide: np.ndarray) -> None:
    if len(dims) != 4 or grads.ndim != 4:
        raise _bad(f"the input and out_backprop must be 4-dimensional, got {as_text(dims)} and {as_text(grads.shape)}")
    if high.ndim != 1 or wide.ndim != 1:
        raise _bad("row_pooling_sequence and col_pooling_sequence must be vectors")
    for what, bounds, size, parts in (("row", high, dims[1], grads.shape[1]), ("column", wide, dims[2], grads.shape[2])):
        if len(bounds) != parts + 1:
            raise _bad(f"The {what} pooling sequence has {len(bounds)} bounds, out_backprop {parts} windows: one more bound than windows is needed")
        if len(bounds) and (bounds.min() < 0 or bounds.max() > size or (np.diff(bounds) <= 0).any() or bounds[0] >= size):
            raise _bad(f"The {what} pooling sequence must rise from 0 to at most {size}, got {bounds.tolist()}")
    if dims[0] != grads.shape[0] or dims[3] != grads.shape[3]:
        raise _bad(f"The input {as_text(dims)} and out_backprop {as_text(grads.shape)} differ in batch or channels")


def _windows(high: np.ndarray, wide: np.ndarray, dims: Any, overlapping: bool) -> Any:
    rows, columns = _lengths(high, dims[1], overlapping), _lengths(wide, dims[2], overlapping)
    for i, j in itertools.product(range(len(rows)), range(len(columns))):
        yield i, j, slice(int(high[i]), int(high[i] + rows[i])), slice(int(wide[j]), int(wide[j] + columns[j]))


@op(f"FractionalMaxPoolGrad(orig_input: T, orig_output: T, out_backprop: T, row_pooling_sequence: int64, col_pooling_sequence: int64, *, {_TYPES}, "
    "overlapping: bool = False) -> output: T", where="host", shape=lambda orig_input, *_: orig_input.shape)  # fmt: skip
def FRACTIONAL_MAX_POOL_GRAD(xp, orig_input, orig_output, out_backprop, row_pooling_sequence, col_pooling_sequence, *, overlapping):
    """The gradient of each window at the place of its largest element."""
    if orig_output.shape != out_backprop.shape:
        raise _bad(f"orig_output {as_text(orig_output.shape)} and out_backprop {as_text(out_backprop.shape)} must have one shape")
    _checked(orig_input.shape, out_backprop, row_pooling_sequence, col_pooling_sequence)
    if not np.array_equal(_max(orig_input, row_pooling_sequence, col_pooling_sequence, overlapping), orig_output):
        raise _bad("orig_output is not what these pooling sequences make of orig_input")
    out = np.zeros_like(orig_input)
    n, channels = orig_input.shape[0], orig_input.shape[3]
    batch, channel = np.arange(n)[:, None], np.arange(channels)
    for i, j, rows, columns in _windows(row_pooling_sequence, col_pooling_sequence, orig_input.shape, overlapping):
        part = orig_input[:, rows, columns]
        width = part.shape[2]
        at = part.reshape(n, -1, channels).argmax(1)
        np.add.at(out, (batch, rows.start + at // width, columns.start + at % width, channel), out_backprop[:, i, j])
    return out


@op(f"FractionalAvgPoolGrad(orig_input_tensor_shape: int64, out_backprop: T, row_pooling_sequence: int64, col_pooling_sequence: int64, *, {_TYPES}, "
    "overlapping: bool = False) -> output: T", where="host", static=("orig_input_tensor_shape",))  # fmt: skip
def FRACTIONAL_AVG_POOL_GRAD(xp, orig_input_tensor_shape, out_backprop, row_pooling_sequence, col_pooling_sequence, *, overlapping):
    """The gradient of each window, shared among its elements."""
    if orig_input_tensor_shape.ndim != 1 or orig_input_tensor_shape.size != 4:
        raise _bad("original input tensor shape must be 1-dimensional and 4 elements")
    dims = tuple(int(n) for n in orig_input_tensor_shape)
    if min(dims) < 0:
        raise _bad(f"The original input shape must not be negative, got {as_text(dims)}")
    _checked(dims, out_backprop, row_pooling_sequence, col_pooling_sequence)
    if dims[1] > 2 * (int(row_pooling_sequence[-1]) if len(row_pooling_sequence) else 0) + 1 or dims[2] > 2 * (int(col_pooling_sequence[-1]) if len(col_pooling_sequence) else 0) + 1:
        raise _bad(f"The pooling sequences end before the original input {as_text(dims)} does")
    out = np.zeros(dims, out_backprop.dtype)
    for i, j, rows, columns in _windows(row_pooling_sequence, col_pooling_sequence, dims, overlapping):
        count = (rows.stop - rows.start) * (columns.stop - columns.start)
        share = np.trunc(out_backprop[:, i, j] / count).astype(out.dtype) if out.dtype.kind == "i" else out_backprop[:, i, j] / np.asarray(count, out.dtype)
        out[:, rows, columns] += share[:, None, None]
    return out


@FRACTIONAL_AVG_POOL_GRAD.shape
def _(orig_input_tensor_shape: Any, out_backprop: Any, *_: Any) -> Any:
    return orig_input_tensor_shape.dims if orig_input_tensor_shape.dims is not None else (None,) * 4


@_max_pool.grad
def _(node: Any, dy: Any, *_: Any) -> Any:
    return FRACTIONAL_MAX_POOL_GRAD(node._inputs[0], node.outputs[0], dy, node.outputs[1], node.outputs[2], overlapping=node.attrs["overlapping"])


@_avg_pool.grad
def _(node: Any, dy: Any, *_: Any) -> Any:
    return FRACTIONAL_AVG_POOL_GRAD(find("Shape")(node._inputs[0], out_type=dtypes.int64), dy, node.outputs[1], node.outputs[2], overlapping=node.attrs["overlapping"])


# -- public ------------------------------------------------------------------------------------------------------------
def _pooled(definition: Any, value: Any, ratio: Any, pseudo_random: bool, overlapping: bool, seed: int, name: Any) -> Any:
    if isinstance(ratio, (int, float)):
        ratio = [1.0, ratio, ratio, 1.0]
    elif ratio[0] != 1.0 or ratio[-1] != 1.0:
        raise ValueError(f"`pooling_ratio` should have first and last elements with value 1.0. Received: pooling_ratio={ratio}")
    if any(r < 1.0 for r in ratio):
        raise ValueError(f"`pooling_ratio` must be greater than 1.0. Received: {ratio}")
    if seed == 0:
        return definition(value, pooling_ratio=list(ratio), pseudo_random=pseudo_random, overlapping=overlapping, name=name)
    first, second = get_seed(seed)
    return definition(value, pooling_ratio=list(ratio), pseudo_random=pseudo_random, overlapping=overlapping, deterministic=True, seed=first or 0, seed2=second or 0, name=name)


@export(v2=("nn.fractional_max_pool",))
def fractional_max_pool_v2(value: Any, pooling_ratio: Any, pseudo_random: bool = False, overlapping: bool = False, seed: int = 0, name: str | None = None) -> Any:
    """(pooled [batch, rows, columns, channels], row bounds, column bounds): the largest of windows that are about `pooling_ratio` wide."""
    return _pooled(_max_pool, value, pooling_ratio, pseudo_random, overlapping, seed, name)


@export(v2=("nn.fractional_avg_pool",))
def fractional_avg_pool_v2(value: Any, pooling_ratio: Any, pseudo_random: bool = False, overlapping: bool = False, seed: int = 0, name: str | None = None) -> Any:
    """(pooled [batch, rows, columns, channels], row bounds, column bounds): the mean of windows that are about `pooling_ratio` wide."""
    return _pooled(_avg_pool, value, pooling_ratio, pseudo_random, overlapping, seed, name)


@export(v1=("nn.fractional_max_pool",))
def fractional_max_pool(value: Any, pooling_ratio: Any, pseudo_random: bool = False, overlapping: bool = False, deterministic: bool = False, seed: int = 0,
                        seed2: int = 0, name: str | None = None) -> Any:  # fmt: skip
    """(pooled, row bounds, column bounds): the largest of windows that are about `pooling_ratio` wide."""
    return _max_pool(value, pooling_ratio=list(pooling_ratio), pseudo_random=pseudo_random, overlapping=overlapping, deterministic=deterministic, seed=seed,
                     seed2=seed2, name=name)  # fmt: skip


@export(v1=("nn.fractional_avg_pool",))
def fractional_avg_pool(value: Any, pooling_ratio: Any, pseudo_random: bool = False, overlapping: bool = False, deterministic: bool = False, seed: int = 0,
                        seed2: int = 0, name: str | None = None) -> Any:  # fmt: skip
    """(pooled, row bounds, column bounds): the mean of windows that are about `pooling_ratio` wide."""
    return _avg_pool(value, pooling_ratio=list(pooling_ratio), pseudo_random=pseudo_random, overlapping=overlapping, deterministic=deterministic, seed=seed,
                     seed2=seed2, name=name)  # fmt: skip
