"""Normals between bounds of one's own: a sampler for each kind of bounds, after Robert (1995)."""

import math
from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.base.errors import InternalError, InvalidArgumentError, ShapeError
from penstock.base.export import export
from penstock.base.shape import as_text
from penstock.ir import door
from penstock.ir.op import op
from penstock.ir.scope import scoped
from penstock.ops import random_values as values
from penstock.ops.families import later
from penstock.ops.random import shape_tensor
from penstock.ops.random_bits import Stream, advance, columns, from_state, to_state
from penstock.ops.random_stateful import dims_of, leading_sum, shaped, size_of
from penstock.ops.random_stateless import samples_of, seed_stream

_WIDE = 1.3  # bounds that reach further than this from the mean on one side are met by plain normals often enough
_MOST = 1 << 16  # blocks without one good sample
_BATCH = 100
"""Samples that are drawn together when the parameters are scalars."""
_SAMPLE_BLOCKS = 500
"""Blocks that each sample sets aside; each set of parameters sets aside as much as three samples more."""


def _units(block: tuple[Any, ...], dtype: Any) -> list[Any]:
    """The uniforms of each block in order: [blocks, 2 or 4]."""
    if dtype == np.float64:
        return np.stack([values.unit64(np, *block[:2]), values.unit64(np, *block[2:])], axis=-1)
    return np.stack([values.unit(np, w, dtype) for w in block], axis=-1)


def _candidates(block: tuple[Any, ...], dtype: Any, kind: str, a: Any, b: Any) -> tuple[np.ndarray, np.ndarray]:
    """The candidates of some blocks and which of them are good, both [groups, candidates]."""
    if kind == "normal":
        z = np.stack(values.normals_of(np, block, dtype), axis=-1).astype(dtype)
        return z, (z >= a) & (z <= b)
    u = _units(block, dtype)
    if kind == "uniform":
        z, coin = u[0::2] * (b - a) + a, u[1::2]
        plus = a * a if a > 0 else a * 0
        return z, coin <= np.exp((plus - z * z) / 2)
    slope = (a + np.sqrt(a * a + 4)) / 2
    z = -np.log(u[:, 0::2]) / slope + a
    x = slope - z if a < slope else np.full_like(z, a - slope)
    return z, (u[:, 1::2] <= np.exp(-x * x / 2)) & (z < b)


def _standard(stream: Stream, at: int, count: int, a: Any, b: Any, dtype: Any) -> tuple[np.ndarray, int]:
    """`count` standard normals of [a, b] from block `at` on, and how many blocks they took."""
    root = np.sqrt(a * a + 4)
    if (a < -_WIDE and b >= 0) or (b > _WIDE and a <= 0):
        kind, step = "normal", 1
    elif b - a < 2 * np.exp(0.5 + a * (a - root) / 4) / (a + root):
        kind, step = "uniform", 2
    else:
        kind, step = "exponential", 1
    found: list[np.ndarray] = []
    have = taken = 0
    batch = 2 * count + 16
    while True:
        z, good = _candidates(columns(np, advance(np, stream, at + taken), batch * step), dtype, kind, a, b)
        places = np.nonzero(good.reshape(-1))[0]
        if have + len(places) >= count:
            last = places[count - have - 1]
            found.append(z.reshape(-1)[places[: count - have]])
            return np.concatenate(found), taken + step * (int(last) // z.shape[1] + 1)
        found.append(z.reshape(-1)[places])
        have += len(places)
        taken += batch * step
        if have == 0 and taken > _MOST:
            raise InternalError(None, None, f"TruncatedNormal {kind} rejection sampler failed to accept a sample.")
        batch = min(2 * batch, 1 << 14)


def truncated(stream: Stream, samples: int, parameters: list[np.ndarray], dtype: Any) -> np.ndarray:
    """`samples` values for each set of parameters (means, deviations, lower and upper bounds: vectors): [sets, samples]."""
    out = np.empty((len(parameters[0]), samples), dtype)
    kind = np.dtype(dtype) if np.dtype(dtype) == np.float64 else np.dtype(np.float32)
    if np.dtype(dtype) == np.float16:
        kind = np.dtype(np.float16)
    at = 0
    for row, given in zip(out, zip(*parameters)):
        mean, deviation, low, high = (kind.type(p) for p in given)
        if not (deviation > 0 and low < high and (math.isfinite(low) or math.isfinite(high))):
            raise InvalidArgumentError(
                None,
                None,
                f"Invalid parameters: stddev = {deviation} must be positive, minval = {low} less than maxval = {high}, one of them finite",
            )
        if not samples:
            continue
        if high < mean:
            low, high, deviation = high, low, -deviation
        drawn, taken = _standard(stream, at, samples, (low - mean) / deviation, (high - mean) / deviation, kind)
        row[:] = drawn * deviation + mean
        at += taken
    return out


@op(
    "StatelessParameterizedTruncatedNormal(shape: S, seed: Tseed, means: dtype, stddevs: dtype, minvals: dtype, maxvals: dtype, *, S: index, "
    "Tseed: index = int64, dtype: {float16|float32|float64}) -> output: dtype",
    where="host",
    shape=shaped,
)
def stateless_parameterized_truncated_normal_op(xp, shape, seed, means, stddevs, minvals, maxvals, *, dtype):
    """Normals of [minvals, maxvals]; `shape` ends with the broadcast shape of the parameters."""
    dims, n, inner = samples_of(shape, means, stddevs, minvals, maxvals)
    parameters = [np.broadcast_to(p, inner).reshape(-1) for p in (means, stddevs, minvals, maxvals)]
    return truncated(seed_stream(np, seed), n, parameters, dtype.array_dtype).T.reshape(dims)


_Erf, _Exp, _Mul, _Sub, _RealDiv, _Square = (later(n) for n in ("Erf", "Exp", "Mul", "Sub", "RealDiv", "Square"))


@stateless_parameterized_truncated_normal_op.grad
def _(node, dy):
    """Implicit reparameterisation (Figurnov et al., 2018): how a sample moves so that its quantile stays the same.

    As in TensorFlow, mean and deviation move the bounds along with the sample.
    """
    mean, deviation, low, high = node.inputs[2:]
    x = node.outputs[0]
    number = lambda v: np.asarray(v, x.dtype.as_numpy_dtype)
    standard = lambda v: _RealDiv(_Sub(v, mean), deviation)
    z, a, b = standard(x), standard(low), standard(high)
    above = lambda v: _Erf(_Mul(v, number(math.sqrt(0.5))))
    whole = _Sub(above(b), above(a))
    density = lambda v: _Exp(_Mul(_Sub(_Square(z), _Square(v)), number(0.5)))
    by_low = _Mul(density(a), _RealDiv(_Sub(above(b), above(z)), whole))
    by_high = _Mul(density(b), _RealDiv(_Sub(above(z), above(a)), whole))
    return (
        None,
        None,
        *(
            _reduced(d, p)
            for d, p in ((dy, mean), (_Mul(dy, z), deviation), (_Mul(dy, by_low), low), (_Mul(dy, by_high), high))
        ),
    )


def _reduced(d: Any, parameter: Any) -> Any:
    from penstock.ops.shapes import sum_to

    return sum_to(d, parameter) if d._dims is not None and parameter._dims is not None else leading_sum(d, parameter)


@op(
    "ParameterizedTruncatedNormal(shape: T, means: dtype, stdevs: dtype, minvals: dtype, maxvals: dtype, *, T: index, dtype: real_float, "
    "seed: int = 0, seed2: int = 0) -> output: dtype",
    where="host",
    effect="random",
    shape=shaped,
)
def parameterized_truncated_normal(xp, stream, shape, means, stdevs, minvals, maxvals, *, dtype):
    """Normals of [minvals, maxvals]: the parameters are scalars, or have one value for each slice of the output."""
    dims = dims_of(shape)
    if not dims:
        raise ShapeError("Shape tensor must not be empty, got []")
    for name, p in (("means", means), ("stdevs", stdevs), ("minvals", minvals), ("maxvals", maxvals)):
        if p.ndim > 1:
            raise ShapeError(f"Input {name} should be a scalar or vector, got shape: {as_text(p.shape)}")
        if p.size not in (1, dims[0]):
            raise ShapeError(f"Input {name} should have length 1 or shape[0], got shape: {as_text(p.shape)}")
    if not size_of(dims):
        return np.empty(dims, dtype.array_dtype)
    n = size_of(dims)
    alone = all(p.ndim == 0 for p in (means, stdevs, minvals, maxvals))
    sets, samples = (-(-n // _BATCH), _BATCH) if alone else (dims[0], n // dims[0])
    here = from_state(np, np.asarray(stream.read()))
    stream.write(to_state(np, advance(np, here, sets * (samples + 3) * _SAMPLE_BLOCKS)))
    parameters = [np.broadcast_to(p.reshape(-1), (sets,)) for p in (means, stdevs, minvals, maxvals)]
    return truncated(here, samples, parameters, dtype.array_dtype).reshape(-1)[:n].reshape(dims)


parameterized_truncated_normal.no_grad()


@export("random.stateless_parameterized_truncated_normal")
def stateless_parameterized_truncated_normal(shape, seed, means=0.0, stddevs=1.0, minvals=-2.0, maxvals=2.0, name=None):
    """Normals that are redrawn until they lie in [minvals, maxvals]; `shape` ends with the broadcast shape of the parameters.

    >>> x = tf.random.stateless_parameterized_truncated_normal([9], [1, 2], minvals=3.0, maxvals=4.0); bool(tf.reduce_all(x > 3.0))
    True
    """
    with scoped(name, "stateless_parameterized_truncated_normal"):
        shape = shape_tensor(shape)
        means = door.convert(means, name="means")
        kind = means.dtype if means.dtype.is_floating else dtypes.float32
        stddevs, minvals, maxvals = (
            door.convert(p, kind, n) for p, n in ((stddevs, "stddevs"), (minvals, "minvals"), (maxvals, "maxvals"))
        )
        return stateless_parameterized_truncated_normal_op(shape, seed, means, stddevs, minvals, maxvals)
