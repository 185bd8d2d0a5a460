"""Random ops whose place in their stream is an int64 variable [counter low, counter high, key]: what `tf.random.Generator` runs on."""

import os
from typing import Any

import numpy as np

from penstock.base.errors import InvalidArgumentError, ShapeError, UnimplementedError
from penstock.base.shape import as_text
from penstock.ir.op import Op, op
from penstock.ops import random_values as values
from penstock.ops.random_bits import Stream, advance, from_state, to_state
from penstock.ops.random_stateful import between, dims_of, scalar_range, shaped, size_of
from penstock.ops.random_stateless import AUTO_SELECT, PHILOX, THREEFRY, binomials, samples_of

_BINOMIAL_BLOCKS = 50 * values.OUTPUT_BLOCKS
"""Blocks that each binomial sample sets aside; each pair of parameters sets aside as much as three samples more."""


def checked(resource: Any, alg: Any) -> None:
    """TensorFlow's errors for a variable that is no generator state, or an algorithm that does not run here."""
    if np.ndim(alg):
        raise ShapeError(f"algorithm must be of shape [], not {as_text(np.shape(alg))}")
    if resource.dtype.name != "int64":
        raise InvalidArgumentError(None, None, f"dtype of RNG state variable must be int64, not {resource.dtype.name}")
    if int(alg) == THREEFRY:
        raise UnimplementedError(
            None,
            None,
            "The ThreeFry algorithm is not supported on this device\n  fix: alg='philox' or alg='auto_select'",
        )
    if int(alg) not in (PHILOX, AUTO_SELECT):
        raise InvalidArgumentError(None, None, f"Unsupported algorithm id: {int(alg)}")
    dims = tuple(resource.read().shape)
    if len(dims) != 1 or dims[0] < 3:
        raise ShapeError(
            f"For the Philox algorithm, the size of state must be at least 3; got {dims[0] if len(dims) == 1 else as_text(dims)}"
        )


def take(xp: Any, resource: Any, alg: Any, blocks: Any) -> Stream:
    """Where the variable's stream stands; the variable moves on by `blocks`."""
    checked(resource, alg)
    state = xp.asarray(resource.read())
    here = from_state(xp, state)
    moved = to_state(xp, advance(xp, here, blocks)).astype(xp.int64)
    resource.write(xp.concatenate([moved, state[3:]]))
    return here


@op(
    "RngReadAndSkip(resource: resource, alg: int32, delta: uint64) -> value: int64",
    effect="write",
    static=("alg",),
    shape=lambda *_: (None,),
)
def rng_read_and_skip(xp, resource, alg, delta):
    """The state, which moves on by `delta` outputs."""
    checked(resource, alg)
    state = xp.array(resource.read())
    take(xp, resource, alg, xp.asarray(delta, xp.uint64).reshape(1) * np.uint64(values.OUTPUT_BLOCKS))
    return state


@op(
    "RngSkip(resource: resource, algorithm: int64, delta: int64) -> ()",
    effect="write",
    static=("algorithm",),
    shape=lambda *_: (),
)
def rng_skip(xp, resource, algorithm, delta):
    """Move the state on by `delta` outputs, or back within the low half of the counter."""
    delta = xp.asarray(delta).reshape(1)
    here = take(xp, resource, algorithm, delta.astype(xp.uint64) * np.uint64(values.OUTPUT_BLOCKS))
    state = resource.read()
    high = xp.where(delta < 0, here.high.astype(xp.int64), state[1:2])
    resource.write(xp.concatenate([state[:1], high, state[2:]]))
    return ()


def _shaped(resource: Any, algorithm: Any, shape: Any, *_: Any, **__: Any) -> Any:
    return shaped(shape)


def _filled(name: str, op_name: str, default: str, fill: Any, doc: str) -> Op:
    def body(xp, resource, algorithm, shape, *, dtype):
        dims = dims_of(shape)
        n = size_of(dims)
        return fill(xp, take(xp, resource, algorithm, n * values.OUTPUT_BLOCKS), n, dtype.array_dtype).reshape(dims)

    body.__name__ = body.__qualname__ = name
    body.__doc__ = doc
    text = f"{op_name}(resource: resource, algorithm: int64, shape: shape_dtype, *, dtype: type = {default}, shape_dtype: type = int64) -> output: dtype"
    return op(text, effect="write", static=("algorithm", "shape"), shape=_shaped)(body)


stateful_uniform = _filled("stateful_uniform", "StatefulUniform", "float32", values.uniform, "Values of [0, 1).")
stateful_standard_normal_v2 = _filled(
    "stateful_standard_normal_v2", "StatefulStandardNormalV2", "float32", values.normal, "Standard normals."
)
stateful_truncated_normal = _filled(
    "stateful_truncated_normal",
    "StatefulTruncatedNormal",
    "float32",
    values.truncated_normal,
    "Standard normals within two deviations of 0.",
)
stateful_uniform_full_int = _filled(
    "stateful_uniform_full_int",
    "StatefulUniformFullInt",
    "uint64",
    values.full_integers,
    "Integers of the whole range of their type.",
)


@op(
    "StatefulUniformInt(resource: resource, algorithm: int64, shape: shape_dtype, minval: dtype, maxval: dtype, *, dtype: type = int64, "
    "shape_dtype: type = int64) -> output: dtype",
    effect="write",
    static=("algorithm", "shape"),
)
def stateful_uniform_int(xp, resource, algorithm, shape, minval, maxval, *, dtype):
    """Integers of [minval, maxval)."""
    dims = dims_of(shape)
    n = size_of(dims)
    here = take(xp, resource, algorithm, n * values.OUTPUT_BLOCKS)
    return values.integers(xp, here, n, minval, maxval, dtype.array_dtype).reshape(dims)


@stateful_uniform_int.shape
def _(resource, algorithm, shape, minval, maxval, **_):
    scalar_range(minval, maxval)
    return shaped(shape)


@stateful_uniform_int.check
def _(xp, resource, algorithm, shape, minval, maxval, **_):
    return between(xp, shape, minval, maxval)


@op(
    "StatefulRandomBinomial(resource: resource, algorithm: int64, shape: S, counts: T, probs: T, *, S: index, "
    "T: {float16|float32|float64|int32|int64} = float64, dtype: {float16|float32|float64|int32|int64} = int64) -> output: dtype",
    effect="write",
    static=("algorithm", "shape"),
    shape=_shaped,
)
def stateful_random_binomial(xp, resource, algorithm, shape, counts, probs, *, dtype):
    """How many of `counts` trials succeed, each with probability `probs`; `shape` ends with their broadcast shape."""
    _, n, inner = samples_of(shape, counts, probs)
    here = take(xp, resource, algorithm, size_of(inner) * (n + 3) * _BINOMIAL_BLOCKS)
    return binomials(xp, here, shape, counts, probs, dtype)


@op(
    "NonDeterministicInts(shape: shape_dtype, *, dtype: type = int64, shape_dtype: type = int64) -> output: dtype",
    where="host",
    effect="io",
    shape=shaped,
)
def non_deterministic_ints(xp, shape, *, dtype):
    """Integers from the system's source of randomness."""
    dims = dims_of(shape)
    if dtype.name not in ("int32", "int64", "uint32", "uint64"):
        raise InvalidArgumentError(
            None, None, f"dtype must be one of int32, int64, uint32 and uint64, not {dtype.name}"
        )
    array = np.dtype(dtype.array_dtype)
    return np.frombuffer(os.urandom(size_of(dims) * array.itemsize), array).reshape(dims)
