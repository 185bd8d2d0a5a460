"""Random ops that keep their own place in a stream: the next run of the same op continues where the last one stopped."""

import math
from typing import Any

import numpy as np

from penstock.base.errors import ShapeError
from penstock.base.shape import as_text, rank_is
from penstock.ir.op import Op, op
from penstock.ops import random_values as values
from penstock.ops.families import later
from penstock.ops.random_bits import Stream, advance, columns, from_state, interleaved, to_state
from penstock.ops.random_rejection import gamma, poisson

_Shape, _Reshape, _Sum, _Mul = later("Shape"), later("Reshape"), later("Sum"), later("Mul")
_Sub, _Range, _Rank = later("Sub"), later("Range"), later("Rank")


def dims_of(shape: Any) -> tuple[int, ...]:
    """The dims that a shape input stands for; InvalidArgumentError when it is not one."""
    shape = np.asarray(shape)
    if shape.ndim != 1:
        raise ShapeError(f"shape must be a vector of {{int32,int64}}, got shape {as_text(shape.shape)}")
    if shape.dtype.kind not in "iu":
        raise ShapeError(f"shape must be a vector of {{int32,int64}}, got one of {shape.dtype}")
    dims = tuple(int(d) for d in shape)
    if any(d < 0 for d in dims):
        raise ShapeError(f"Dimension {min(dims)} must be >= 0: shape = {list(dims)}")
    return dims


def size_of(dims: tuple[int, ...]) -> int:
    return math.prod(dims)


def shaped(shape: Any, *_: Any, **__: Any) -> Any:
    """The shape rule of ops whose output has the shape that their first input holds."""
    rank_is(shape, 1)
    known = shape.value
    return dims_of(known) if known is not None else shape.dims


def _take(xp: Any, stream: Any, blocks: int) -> Stream:
    """The op's place in its stream, moved on by so many blocks for the next run."""
    here = from_state(xp, stream.read())
    stream.write(to_state(xp, advance(xp, here, blocks)))
    return here


def _filled(name: str, text: str, fill: Any, doc: str) -> Op:
    def body(xp, stream, shape, *, dtype):
        dims = dims_of(shape)
        n = size_of(dims)
        return fill(xp, _take(xp, stream, n * values.OUTPUT_BLOCKS), n, dtype.array_dtype).reshape(dims)

    body.__name__ = body.__qualname__ = name
    body.__doc__ = doc
    return op(text, effect="random", static=("shape",), shape=shaped)(body).no_grad()


_FILL = "(shape: T, *, T: index, dtype: real_float, seed: int = 0, seed2: int = 0) -> output: dtype"
random_uniform_op = _filled("random_uniform_op", "RandomUniform" + _FILL, values.uniform, "Values of [0, 1).")
random_standard_normal = _filled(
    "random_standard_normal", "RandomStandardNormal" + _FILL, values.normal, "Standard normals."
)
truncated_normal_op = _filled(
    "truncated_normal_op",
    "TruncatedNormal" + _FILL,
    values.truncated_normal,
    "Standard normals within two deviations of 0.",
)


def between(xp: Any, shape: Any, minval: Any, maxval: Any) -> tuple[Any, str]:
    """The check of integer ranges: minval < maxval."""
    said = f", got {minval} >= {maxval}" if xp is np else ""
    return (xp.asarray(minval) >= maxval) & (
        size_of(dims_of(shape)) > 0
    ), f"Need minval < maxval{said}\n  fix: maxval is exclusive; make it larger than minval"


def scalar_range(minval: Any, maxval: Any) -> None:
    """ShapeError unless both ends of a range are scalars."""
    for spec, name in ((minval, "minval"), (maxval, "maxval")):
        if spec.shape:
            raise ShapeError(f"{name} must be 0-D, got shape {as_text(spec.shape)}")


@op(
    "RandomUniformInt(shape: T, minval: Tout, maxval: Tout, *, T: index, Tout: index, seed: int = 0, seed2: int = 0) -> output: Tout",
    effect="random",
    static=("shape",),
)
def random_uniform_int(xp, stream, shape, minval, maxval, *, Tout):
    """Integers of [minval, maxval)."""
    dims = dims_of(shape)
    n = size_of(dims)
    here = _take(xp, stream, n * values.OUTPUT_BLOCKS)
    return values.integers(xp, here, n, minval, maxval, Tout.array_dtype).reshape(dims)


@random_uniform_int.shape
def _(shape, minval, maxval, **_):
    scalar_range(minval, maxval)
    return shaped(shape)


@random_uniform_int.check
def _(xp, shape, minval, maxval, **_):
    return between(xp, shape, minval, maxval)


# -- gamma and Poisson -------------------------------------------------------------------------------------------------
def each_of(xp: Any, drawn: Any, dims: tuple[int, ...], parameters: Any) -> Any:
    """[parameters, samples] -> samples of shape `dims` for each parameter: dims + parameters.shape."""
    return xp.transpose(drawn).reshape(*dims, *parameters.shape)


def _samples_shape(shape: Any, parameters: Any, **_: Any) -> Any:
    dims = shaped(shape)
    return None if dims is None or parameters.shape is None else (*dims, *parameters.shape)


@op(
    "RandomGamma(shape: S, alpha: T, *, S: index, T: {float16|float32|float64}, seed: int = 0, seed2: int = 0) -> output: T",
    effect="random",
    static=("shape",),
    shape=_samples_shape,
)
def random_gamma_op(xp, stream, shape, alpha, *, T):
    """Samples of shape `shape` from Gamma(alpha, 1), for each alpha: shape + alpha.shape."""
    dims = dims_of(shape)
    n = size_of(dims)
    drawn = gamma(xp, _take(xp, stream, n * alpha.size * values.OUTPUT_BLOCKS), n, alpha)
    return each_of(xp, drawn, dims, alpha).astype(T.array_dtype)


@op("RandomGammaGrad(alpha: T, sample: T, *, T: {float32|float64}) -> output: T", where="xla")
def random_gamma_grad(xp, alpha, sample):
    """The derivative of a Gamma(alpha, 1) sample with respect to alpha; the two broadcast."""
    from jax import lax

    alpha, sample = xp.broadcast_arrays(alpha, sample)
    return lax.random_gamma_grad(alpha, sample)


@random_gamma_grad.shape
def _(alpha, sample, **_):
    from penstock.base.shape import broadcast

    return broadcast(alpha.shape, sample.shape)


def gamma_gradient(alpha: Any, sample: Any, dy: Any) -> Any:
    """d loss / d alpha when `sample` has alpha's shape behind the shape of the draws."""
    return leading_sum(_Mul(dy, random_gamma_grad(alpha, sample)), alpha)


def leading_sum(x: Any, like: Any) -> Any:
    """The sum of x over the leading axes that `like` does not have."""
    if x._dims is not None and like._dims is not None:
        extra = len(x._dims) - len(like._dims)
        return _Sum(x, np.arange(extra, dtype=np.int32)) if extra else x
    axes = _Range(np.int32(0), _Sub(_Rank(x), _Rank(like)), np.int32(1))
    return _Reshape(_Sum(x, axes), _Shape(like))


@random_gamma_op.grad
def _(node, dy):
    return None, gamma_gradient(node.inputs[1], node.outputs[0], dy)


def poisson_limit(dtype: Any) -> float:
    """The largest count that a dtype can hold."""
    array = dtype.array_dtype
    return float(np.iinfo(array).max if array.kind in "iu" else np.finfo(array).max)


@op(
    "RandomPoissonV2(shape: S, rate: R, *, R: {float16|float32|float64|int32|int64} = float64, S: index, "
    "dtype: {float16|float32|float64|int32|int64} = int64, seed: int = 0, seed2: int = 0) -> output: dtype",
    effect="random",
    static=("shape",),
    shape=_samples_shape,
)
def random_poisson_v2(xp, stream, shape, rate, *, dtype):
    """Samples of shape `shape` from Poisson(rate), for each rate: shape + rate.shape."""
    dims = dims_of(shape)
    n = size_of(dims)
    drawn = poisson(xp, _take(xp, stream, n * rate.size * values.OUTPUT_BLOCKS), n, rate, poisson_limit(dtype))
    return each_of(xp, drawn, dims, rate).astype(dtype.array_dtype)


@op(
    "RandomPoisson(shape: S, rate: dtype, *, S: index, dtype: {float16|float32|float64}, seed: int = 0, seed2: int = 0) -> output: dtype",
    effect="random",
    static=("shape",),
    shape=_samples_shape,
)
def random_poisson_op(xp, stream, shape, rate, *, dtype):
    """The older form of RandomPoissonV2."""
    return random_poisson_v2.body(xp, stream, shape, rate, dtype=dtype)


# -- categories and permutations -----------------------------------------------------------------------------------------
def categories(xp: Any, stream: Stream, logits: Any, samples: int) -> Any:
    """`samples` indices for each row of logits [rows, classes], by inverting the cumulated exponentials."""
    rows, classes = logits.shape
    if rows == 0 or samples == 0:
        return xp.zeros((rows, samples), xp.int64)
    logits = logits.astype(np.float64)
    usable = xp.isfinite(logits)
    top = xp.max(xp.where(usable, logits, -math.inf), axis=1, keepdims=True)
    weights = xp.where(usable, xp.exp(xp.where(usable, logits - top, 0.0)), 0.0)
    edges = xp.cumsum(weights, axis=1)
    a, b, c, d = columns(xp, stream, -(-rows * samples // 2))
    unit = interleaved(xp, (values.unit64(xp, a, b), values.unit64(xp, c, d)), rows * samples).reshape(rows, samples)
    if xp is np:
        return np.stack([np.searchsorted(e, u * e[-1], side="right") for e, u in zip(edges, unit)])
    import jax

    return jax.vmap(lambda e, u: xp.searchsorted(e, u * e[-1], side="right"))(edges, unit)


def matrix_of_logits(logits: Any, num_samples: Any) -> None:
    """ShapeError unless the logits (a spec or an array) are a matrix with classes and num_samples is a scalar."""
    if logits.shape is not None and len(logits.shape) != 2:
        raise ShapeError(f"logits should be a matrix, got shape {as_text(logits.shape)}\n  fix: logits[tf.newaxis, :]")
    if num_samples.shape:
        raise ShapeError(f"num_samples should be a scalar, got shape {as_text(num_samples.shape)}")
    if logits.shape is not None and logits.shape[1] is not None and logits.shape[1] == 0:
        raise ShapeError("num_classes should be positive, got 0")


def categories_shape(logits: Any, num_samples: Any, *_: Any, **__: Any) -> Any:
    """The shape rule: [rows, num_samples]."""
    matrix_of_logits(logits, num_samples)
    return None if logits.shape is None else logits.shape[0], sample_count(num_samples.value)


def sample_count(value: Any) -> int | None:
    if value is None:
        return None
    n = int(value)
    if n < 0:
        raise ShapeError(f"num_samples should be non-negative, got {n}")
    return n


@op(
    "Multinomial(logits: T, num_samples: int32, *, T: real, output_dtype: index = int64, seed: int = 0, seed2: int = 0) -> output: output_dtype",
    effect="random",
    static=("num_samples",),
    shape=categories_shape,
)
def multinomial_op(xp, stream, logits, num_samples, *, output_dtype):
    """num_samples class indices for each row of unnormalised log-probabilities [rows, classes]."""
    matrix_of_logits(logits, num_samples)
    n = sample_count(num_samples)
    here = _take(xp, stream, logits.shape[0] * -(-n // 4) * 4 * 2 * values.OUTPUT_BLOCKS)
    return categories(xp, here, logits, n).astype(output_dtype.array_dtype)


multinomial_op.no_grad()


def permutation(xp: Any, stream: Stream, n: int) -> Any:
    """A permutation of 0..n-1: Fisher and Yates' swaps, from the front, with one 32-bit word each."""
    if n < 2:
        return xp.arange(n)
    left = xp.arange(n, 1, -1, dtype=xp.uint32)
    words = interleaved(xp, columns(xp, stream, -(-(n - 1) // 4)), n - 1)
    other = (words % left).astype(xp.int64) + xp.arange(n - 1)
    if xp is np:
        order = list(range(n))
        for i, j in enumerate(other.tolist()):
            order[i], order[j] = order[j], order[i]
        return np.array(order, np.int64)
    from jax import lax

    def swap(i: Any, order: Any) -> Any:
        both = xp.stack(
            [i, other[i]]
        )  # one gather and one scatter: two updates would copy the whole order at each turn
        return order.at[both].set(order[both[::-1]])

    return lax.fori_loop(0, n - 1, swap, xp.arange(n))


@op(
    "RandomShuffle(value: T, *, T: type, seed: int = 0, seed2: int = 0) -> output: T",
    effect="random",
    shape=lambda value, **_: value.shape,
)
def random_shuffle_op(xp, stream, value):
    """The slices along the first axis in a random order; a scalar as it is."""
    n = value.shape[0] if value.ndim else 0
    if n < 2 or 0 in value.shape:
        return value
    return xp.take(value, permutation(xp, _take(xp, stream, -(-(n - 1) // 4)), n), axis=0)


random_shuffle_op.no_grad()
