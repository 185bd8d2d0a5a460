"""Random ops whose numbers follow from a seed, or from a key and a counter, alone."""

from typing import Any

import numpy as np

from penstock.base.errors import InvalidArgumentError, ShapeError
from penstock.base.shape import as_text
from penstock.ir.op import Op, op
from penstock.ops import random_values as values
from penstock.ops.random_bits import Stream, from_key_counter, scrambled
from penstock.ops.random_rejection import binomial, gamma, poisson
from penstock.ops.random_stateful import (
    between,
    categories,
    categories_shape,
    dims_of,
    gamma_gradient,
    matrix_of_logits,
    permutation,
    poisson_limit,
    sample_count,
    scalar_range,
    shaped,
    size_of,
)

PHILOX, THREEFRY, AUTO_SELECT = 1, 2, 3


def seed_stream(xp: Any, seed: Any) -> Stream:
    """The stream of a stateless seed; ShapeError unless it is two integers."""
    if tuple(seed.shape) != (2,):
        raise ShapeError(f"seed must have shape [2], not {as_text(tuple(seed.shape))}")
    return scrambled(xp, seed)


def key_stream(xp: Any, key: Any, counter: Any, alg: Any) -> Stream:
    """The stream of a key and a counter for the algorithm `alg`; only Philox runs here, as in TensorFlow on a CPU."""
    if np.ndim(alg):
        raise ShapeError(f"alg must be a scalar, got shape {as_text(np.shape(alg))}")
    if tuple(key.shape) != (1,):
        raise ShapeError(
            f"key must have shape [1], not {as_text(tuple(key.shape))}. (Note that batched keys are not supported yet.)"
        )
    if len(counter.shape) != 1 or counter.shape[0] < (1 if int(alg) == THREEFRY else 2):
        raise ShapeError(
            f"counter must be a vector with length at least 2; got shape: {as_text(tuple(counter.shape))}. (Note that batched counters are not supported yet.)"
        )
    if int(alg) not in (PHILOX, AUTO_SELECT):
        raise InvalidArgumentError(
            None, None, f"Unsupported algorithm id: {int(alg)}\n  fix: alg='philox' or alg='auto_select'"
        )
    return from_key_counter(xp, key, counter)


def _is_seed(spec: Any) -> None:
    if spec.shape is not None and tuple(spec.shape) not in ((2,), (None,)):
        raise ShapeError(f"seed must have shape [2], not {as_text(spec.shape)}")


def _from_seed(name: str, text: str, fill: Any, doc: str) -> Op:
    def body(xp, shape, seed, *, dtype):
        dims = dims_of(shape)
        return fill(xp, seed_stream(xp, seed), size_of(dims), dtype.array_dtype).reshape(dims)

    body.__name__ = body.__qualname__ = name
    body.__doc__ = doc
    made = op(text, static=("shape",))(body)

    @made.shape
    def _(shape, seed, **_):
        _is_seed(seed)
        return shaped(shape)

    return made.no_grad()


def _from_key(name: str, text: str, fill: Any, doc: str) -> Op:
    def body(xp, shape, key, counter, alg, *, dtype):
        dims = dims_of(shape)
        return fill(xp, key_stream(xp, key, counter, alg), size_of(dims), dtype.array_dtype).reshape(dims)

    body.__name__ = body.__qualname__ = name
    body.__doc__ = doc
    return op(text, static=("shape", "alg"), shape=shaped)(body).no_grad()


_SEED = (
    "(shape: T, seed: Tseed, *, T: index = int32, Tseed: index = int64, dtype: real_float = float32) -> output: dtype"
)
_KEY = "(shape: Tshape, key: uint64, counter: uint64, alg: int32, *, Tshape: index = int32, dtype: real_float = float32) -> output: dtype"
_FULL = "{int32|int64|uint32|uint64}"
stateless_random_uniform = _from_seed(
    "stateless_random_uniform", "StatelessRandomUniform" + _SEED, values.uniform, "Values of [0, 1)."
)
stateless_random_normal = _from_seed(
    "stateless_random_normal", "StatelessRandomNormal" + _SEED, values.normal, "Standard normals."
)
stateless_truncated_normal_op = _from_seed(
    "stateless_truncated_normal_op",
    "StatelessTruncatedNormal" + _SEED,
    values.truncated_normal,
    "Standard normals within two deviations of 0.",
)
stateless_random_uniform_full_int = _from_seed(
    "stateless_random_uniform_full_int",
    f"StatelessRandomUniformFullInt(shape: T, seed: Tseed, *, T: index = int32, Tseed: {_FULL} = int64, dtype: {_FULL} = uint64) -> output: dtype",
    values.full_integers,
    "Integers of the whole range of their type.",
)
stateless_random_uniform_v2 = _from_key(
    "stateless_random_uniform_v2", "StatelessRandomUniformV2" + _KEY, values.uniform, "Values of [0, 1)."
)
stateless_random_normal_v2 = _from_key(
    "stateless_random_normal_v2", "StatelessRandomNormalV2" + _KEY, values.normal, "Standard normals."
)
stateless_truncated_normal_v2 = _from_key(
    "stateless_truncated_normal_v2",
    "StatelessTruncatedNormalV2" + _KEY,
    values.truncated_normal,
    "Standard normals within two deviations of 0.",
)
stateless_random_uniform_full_int_v2 = _from_key(
    "stateless_random_uniform_full_int_v2",
    f"StatelessRandomUniformFullIntV2(shape: Tshape, key: uint64, counter: uint64, alg: int32, *, Tshape: index = int32, dtype: {_FULL} = uint64) -> output: dtype",
    values.full_integers,
    "Integers of the whole range of their type.",
)


@op(
    "StatelessRandomUniformInt(shape: T, seed: Tseed, minval: dtype, maxval: dtype, *, T: index, Tseed: index = int64, dtype: index) -> output: dtype",
    static=("shape",),
)
def stateless_random_uniform_int(xp, shape, seed, minval, maxval, *, dtype):
    """Integers of [minval, maxval)."""
    dims = dims_of(shape)
    return values.integers(xp, seed_stream(xp, seed), size_of(dims), minval, maxval, dtype.array_dtype).reshape(dims)


@stateless_random_uniform_int.shape
def _(shape, seed, minval, maxval, **_):
    _is_seed(seed)
    scalar_range(minval, maxval)
    return shaped(shape)


@stateless_random_uniform_int.check
def _(xp, shape, seed, minval, maxval, **_):
    return between(xp, shape, minval, maxval)


stateless_random_uniform_int.no_grad()


@op(
    "StatelessRandomUniformIntV2(shape: Tshape, key: uint64, counter: uint64, alg: int32, minval: dtype, maxval: dtype, *, "
    "Tshape: index = int32, dtype: {int32|int64|uint32|uint64}) -> output: dtype",
    static=("shape", "alg"),
)
def stateless_random_uniform_int_v2(xp, shape, key, counter, alg, minval, maxval, *, dtype):
    """Integers of [minval, maxval)."""
    dims = dims_of(shape)
    return values.integers(
        xp, key_stream(xp, key, counter, alg), size_of(dims), minval, maxval, dtype.array_dtype
    ).reshape(dims)


@stateless_random_uniform_int_v2.shape
def _(shape, key, counter, alg, minval, maxval, **_):
    scalar_range(minval, maxval)
    return shaped(shape)


@stateless_random_uniform_int_v2.check
def _(xp, shape, key, counter, alg, minval, maxval, **_):
    return between(xp, shape, minval, maxval)


stateless_random_uniform_int_v2.no_grad()


# -- keys and counters -------------------------------------------------------------------------------------------------
@op("StatelessRandomGetKeyCounter(seed: Tseed, *, Tseed: index = int64) -> (key: uint64, counter: uint64)")
def stateless_random_get_key_counter(xp, seed):
    """The key [1] and the counter [2] that a seed [2] stands for."""
    stream = seed_stream(xp, seed)
    return stream.key, xp.concatenate([stream.low, stream.high])


@stateless_random_get_key_counter.shape
def _(seed, **_):
    _is_seed(seed)
    return (1,), (2,)


stateless_random_get_key_counter.no_grad()


@op("StatelessRandomGetAlg() -> alg: int32", shape=lambda: ())
def stateless_random_get_alg(xp):
    """The algorithm of this device: Philox."""
    return xp.asarray(PHILOX, xp.int32)


stateless_random_get_alg.no_grad()


@op(
    "StatelessRandomGetKeyCounterAlg(seed: Tseed, *, Tseed: index = int64) -> (key: uint64, counter: uint64, alg: int32)"
)
def stateless_random_get_key_counter_alg(xp, seed):
    """Key, counter and algorithm at once."""
    key, counter = stateless_random_get_key_counter.body(xp, seed)
    return key, counter, xp.asarray(PHILOX, xp.int32)


@stateless_random_get_key_counter_alg.shape
def _(seed, **_):
    _is_seed(seed)
    return (1,), (2,), ()


stateless_random_get_key_counter_alg.no_grad()


# -- distributions with parameters ---------------------------------------------------------------------------------------
def samples_of(shape: Any, *parameters: Any) -> tuple[tuple[int, ...], int, tuple[int, ...]]:
    """The output's dims, how many samples each parameter gets, and the parameters' broadcast dims."""
    dims = dims_of(shape)
    inner = np.broadcast_shapes(*(tuple(p.shape) for p in parameters))
    if len(inner) > len(dims) or dims[len(dims) - len(inner) :] != inner:
        raise ShapeError(
            f"Shape passed in must end with broadcasted shape: shape = {list(dims)}, the parameters' is {list(inner)}\n  fix: shape=[..., {', '.join(map(str, inner))}]"
        )
    return dims, size_of(dims[: len(dims) - len(inner)]), inner


def _spread(xp: Any, drawn: Any, dims: tuple[int, ...]) -> Any:
    """[parameters, samples] -> samples in front, in the shape `dims`."""
    return xp.transpose(drawn).reshape(dims)


@op(
    "StatelessRandomGammaV2(shape: T, seed: Tseed, alpha: dtype, *, T: index, Tseed: index = int64, dtype: {float16|float32|float64}) -> output: dtype",
    static=("shape",),
    shape=shaped,
)
def stateless_random_gamma_v2(xp, shape, seed, alpha, *, dtype):
    """Samples from Gamma(alpha, 1); `shape` ends with alpha's."""
    dims, n, _ = samples_of(shape, alpha)
    return _spread(xp, gamma(xp, seed_stream(xp, seed), n, alpha), dims).astype(dtype.array_dtype)


@stateless_random_gamma_v2.grad
def _(node, dy):
    return None, None, gamma_gradient(node.inputs[2], node.outputs[0], dy)


@op(
    "StatelessRandomGammaV3(shape: shape_dtype, key: uint64, counter: uint64, alg: int32, alpha: dtype, *, "
    "dtype: {float16|float32|float64}, shape_dtype: index = int32) -> output: dtype",
    static=("shape", "alg"),
    shape=shaped,
)
def stateless_random_gamma_v3(xp, shape, key, counter, alg, alpha, *, dtype):
    """Samples from Gamma(alpha, 1); `shape` ends with alpha's."""
    dims, n, _ = samples_of(shape, alpha)
    return _spread(xp, gamma(xp, key_stream(xp, key, counter, alg), n, alpha), dims).astype(dtype.array_dtype)


@stateless_random_gamma_v3.grad
def _(node, dy):
    return None, None, None, None, gamma_gradient(node.inputs[4], node.outputs[0], dy)


@op(
    "StatelessRandomPoisson(shape: T, seed: Tseed, lam: Rtype, *, Rtype: {float16|float32|float64|int32|int64}, T: index, "
    "Tseed: index = int64, dtype: {float16|float32|float64|int32|int64}) -> output: dtype",
    static=("shape",),
    shape=shaped,
)
def stateless_random_poisson(xp, shape, seed, lam, *, dtype):
    """Samples from Poisson(lam); `shape` ends with lam's."""
    dims, n, _ = samples_of(shape, lam)
    return _spread(xp, poisson(xp, seed_stream(xp, seed), n, lam, poisson_limit(dtype)), dims).astype(dtype.array_dtype)


stateless_random_poisson.no_grad()


@op(
    "StatelessRandomBinomial(shape: S, seed: Tseed, counts: T, probs: T, *, S: index, T: {float16|float32|float64|int32|int64} = float64, "
    "Tseed: index = int64, dtype: {float16|float32|float64|int32|int64} = int64) -> output: dtype",
    static=("shape",),
    shape=shaped,
)
def stateless_random_binomial(xp, shape, seed, counts, probs, *, dtype):
    """How many of `counts` trials succeed, each with probability `probs`; `shape` ends with their broadcast shape."""
    return binomials(xp, seed_stream(xp, seed), shape, counts, probs, dtype)


def binomials(xp: Any, stream: Stream, shape: Any, counts: Any, probs: Any, dtype: Any) -> Any:
    dims, n, inner = samples_of(shape, counts, probs)
    counts, probs = xp.broadcast_to(xp.asarray(counts), inner), xp.broadcast_to(xp.asarray(probs), inner)
    return _spread(xp, binomial(xp, stream, n, counts, probs), dims).astype(dtype.array_dtype)


stateless_random_binomial.no_grad()


@op(
    "StatelessMultinomial(logits: T, num_samples: int32, seed: Tseed, *, T: real, Tseed: index = int64, output_dtype: index = int64) -> output: output_dtype",
    static=("num_samples",),
)
def stateless_multinomial_op(xp, logits, num_samples, seed, *, output_dtype):
    """num_samples class indices for each row of unnormalised log-probabilities [rows, classes]."""
    matrix_of_logits(logits, num_samples)
    return categories(xp, seed_stream(xp, seed), logits, sample_count(num_samples)).astype(output_dtype.array_dtype)


@stateless_multinomial_op.shape
def _(logits, num_samples, seed, **_):
    _is_seed(seed)
    return categories_shape(logits, num_samples)


stateless_multinomial_op.no_grad()


@op(
    "StatelessShuffle(value: T, key: uint64, counter: uint64, alg: int32, *, T: type) -> output: T",
    static=("alg",),
    shape=lambda value, key, counter, alg, **_: value.shape,
)
def stateless_shuffle_op(xp, value, key, counter, alg):
    """The slices along the first axis in a random order; a scalar as it is."""
    stream = key_stream(xp, key, counter, alg)
    n = value.shape[0] if value.ndim else 0
    return value if n < 2 or 0 in value.shape else xp.take(value, permutation(xp, stream, n), axis=0)
