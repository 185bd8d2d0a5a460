"""`tf.random.Generator`: random numbers whose place in their stream is a variable."""

from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.base.dtypes import as_dtype
from penstock.base.export import export
from penstock.base.shape import TensorShape
from penstock.ir import door
from penstock.ir.scope import scoped
from penstock.ir.tensor import Tensor
from penstock.ops.families import later
from penstock.ops.random import scaled, shape_tensor
from penstock.ops.random_from_seed import algorithm_number
from penstock.ops.random_resource import non_deterministic_ints, rng_read_and_skip, stateful_random_binomial
from penstock.ops.random_stateless import (
    PHILOX,
    THREEFRY,
    stateless_random_normal_v2,
    stateless_random_uniform_full_int_v2,
    stateless_random_uniform_int_v2,
    stateless_random_uniform_v2,
    stateless_truncated_normal_v2,
)
from penstock.ops.reduce import reduce_prod
from penstock.state.auto_trackable import AutoTrackable

_Bitcast, _Cast, _Sub, _ConcatV2, _Pack, _Reshape = (
    later(n) for n in ("Bitcast", "Cast", "Sub", "ConcatV2", "Pack", "Reshape")
)


def state_size(alg: Any) -> int:
    """How many 64-bit words the state of an algorithm has."""
    return 2 if alg == THREEFRY else 3


def _as_vector(x: Any) -> Any:
    """Integers in any shape as an int64 vector tensor."""
    array = x if isinstance(x, Tensor) else np.asarray(x)
    tensor = door.convert(array if isinstance(array, Tensor) else array.astype(np.int64))
    if tensor.dtype is not dtypes.int64:
        tensor = _Cast(tensor, DstT=dtypes.int64)
    return _Reshape(tensor, np.array([-1], np.int32))


@export("random.create_rng_state", "random.experimental.create_rng_state")
def create_rng_state(seed, alg):
    """The state that a seed stands for: an int64 vector, of 3 for Philox, of 2 for ThreeFry.

    >>> tf.random.create_rng_state(1, "philox").numpy()
    array([1, 0, 0])
    """
    size = state_size(algorithm_number(alg))
    if isinstance(seed, int) and not isinstance(seed, bool):
        words = [seed >> 64 * k & (1 << 64) - 1 for k in range(size)]
        return door.convert(np.array(words, np.uint64).view(np.int64))
    flat = _as_vector(seed)
    n = flat._dims[0] if flat._dims else None
    if n is None:
        raise ValueError("The number of elements of `seed` must be known")
    if n >= size:
        return flat[:size]
    return _ConcatV2([np.zeros(size - n, np.int64), flat], np.int32(0))


def _same_shape(tensor: Any, dims: list[int]) -> Any:
    tensor.shape.assert_is_compatible_with(TensorShape(dims))
    return tensor


def _state_tensor(state: Any, alg: Any) -> Any:
    """A state as an int64 tensor of the right size; ValueError for another size."""
    if not isinstance(state, Tensor) and hasattr(state, "read_value"):
        state = state.read_value()
    state = state if isinstance(state, Tensor) else door.convert(np.asarray(state).astype(np.int64))
    if state.dtype is not dtypes.int64:
        state = _Cast(state, DstT=dtypes.int64)
    return _same_shape(state, [state_size(alg)])


def _state_of_key_counter(key: Any, counter: Any, alg: Any) -> Any:
    size = state_size(alg) - 1
    counter = _same_shape(
        door.convert(np.asarray(counter).astype(np.int64))
        if not isinstance(counter, Tensor)
        else _Cast(counter, DstT=dtypes.int64),
        [size],
    )
    key = _as_vector(key)
    _same_shape(key, [1])
    return _ConcatV2([counter, key], np.int32(0))


@export("random.Generator", "random.experimental.Generator")
class Generator(AutoTrackable):
    """A generator of random numbers with a state of its own.

    >>> g = tf.random.Generator.from_seed(1234); g.uniform([2]).numpy()
    array([0.3581475 , 0.11322761], dtype=float32)
    """

    def __init__(self, copy_from=None, state=None, alg=None):
        if copy_from is not None:
            assert alg is None or state is None, "Generator: copy_from goes without state and alg"
            alg, value = copy_from.algorithm, copy_from.state.read_value()
        else:
            assert alg is not None and state is not None, (
                "Generator: state and alg are needed; or use Generator.from_seed"
            )
            alg = algorithm_number(alg)
            value = _state_tensor(state, alg)
        with scoped(None, "random_generator"):
            self._state_var = _variable(value)
        self._alg = alg

    @classmethod
    def from_state(cls, state, alg):
        """A generator with this state."""
        return cls(state=state, alg=alg)

    @classmethod
    def from_seed(cls, seed, alg=None):
        """A generator whose state follows from a seed, an integer or a list of them."""
        alg = PHILOX if alg is None else algorithm_number(alg)
        return cls(state=create_rng_state(seed, alg), alg=alg)

    @classmethod
    def from_non_deterministic_state(cls, alg=None):
        """A generator whose state nobody can predict."""
        alg = PHILOX if alg is None else algorithm_number(alg)
        return cls(state=non_deterministic_ints(np.array([state_size(alg)], np.int32), dtype=dtypes.int64), alg=alg)

    @classmethod
    def from_key_counter(cls, key, counter, alg):
        """A generator with this key (a scalar) and counter (two integers for Philox, one for ThreeFry)."""
        alg = algorithm_number(alg)
        return cls(state=_state_of_key_counter(key, counter, alg), alg=alg)

    # -- the state -----------------------------------------------------------------------------------------------------
    @property
    def state(self) -> Any:
        """The variable that holds the state."""
        return self._state_var

    @property
    def algorithm(self) -> int:
        """The number of the algorithm; see `tf.random.Algorithm`."""
        return self._alg

    @property
    def key(self) -> Any:
        """The key part of the state."""
        return self._state_var.read_value()[state_size(self._alg) - 1]

    def reset(self, state):
        """Put the state to this one."""
        self._state_var.assign(_state_tensor(state, self._alg))

    def reset_from_seed(self, seed):
        """Put the state to that of a seed."""
        self._state_var.assign(create_rng_state(seed, self._alg))

    def reset_from_key_counter(self, key, counter):
        """Put the state to a key and a counter."""
        self._state_var.assign(_state_of_key_counter(key, counter, self._alg))

    def skip(self, delta):
        """Move the state on by `delta` outputs; gives what it was before."""
        delta = door.convert(delta)
        return self._taken(delta if delta.dtype is dtypes.uint64 else _Cast(delta, DstT=dtypes.uint64))

    def _taken(self, delta: Any) -> Any:
        alg = self._alg if isinstance(self._alg, Tensor) else np.int32(self._alg)
        return rng_read_and_skip(self._state_var.handle, alg, delta)

    def _key_and_counter(self, shape: Any) -> tuple[Any, Any]:
        """The key and the counter of the next draw of this shape; the state moves on."""
        state = self._taken(_Cast(reduce_prod(shape), DstT=dtypes.uint64))
        last = state_size(self._alg) - 1
        counter = _Bitcast(state[:last], type=dtypes.uint64)
        return _Bitcast(state[last : last + 1], type=dtypes.uint64), counter

    # -- draws -----------------------------------------------------------------------------------------------------------
    def _normals(self, default: str, source: Any, shape: Any, mean: Any, stddev: Any, dtype: Any, name: Any) -> Any:
        dtype = as_dtype(dtype)
        with scoped(name, default) as scope:
            shape = shape_tensor(shape)
            mean, stddev = door.convert(mean, dtype, "mean"), door.convert(stddev, dtype, "stddev")
            key, counter = self._key_and_counter(shape)
            return scaled(source(shape, key, counter, self._alg, dtype=dtype), stddev, mean, scope)

    def normal(self, shape, mean=0.0, stddev=1.0, dtype=dtypes.float32, name=None):
        """Values of the normal distribution."""
        return self._normals("stateful_normal", stateless_random_normal_v2, shape, mean, stddev, dtype, name)

    def truncated_normal(self, shape, mean=0.0, stddev=1.0, dtype=dtypes.float32, name=None):
        """Values of the normal distribution, redrawn until they lie within two standard deviations of the mean."""
        return self._normals("truncated_normal", stateless_truncated_normal_v2, shape, mean, stddev, dtype, name)

    def uniform(self, shape, minval=0, maxval=None, dtype=dtypes.float32, name=None):
        """Values of the uniform distribution over [minval, maxval); integers of their whole range when both are None."""
        dtype = as_dtype(dtype)
        if dtype.is_integer:
            if minval is None and maxval is None:
                return self.uniform_full_int(shape, dtype, name or "stateful_uniform")
            if minval is None or maxval is None:
                raise ValueError(
                    f"For integer dtype {dtype}, minval and maxval must be both `None` or both non-`None`; got minval={minval} and maxval={maxval}"
                )
        elif maxval is None:
            maxval = 1
        with scoped(name, "stateful_uniform") as scope:
            shape = shape_tensor(shape)
            minval, maxval = door.convert(minval, dtype, "min"), door.convert(maxval, dtype, "max")
            key, counter = self._key_and_counter(shape)
            if dtype.is_integer:
                return stateless_random_uniform_int_v2(
                    shape, key, counter, self._alg, minval, maxval, name=scope or None
                )
            drawn = stateless_random_uniform_v2(shape, key, counter, self._alg, dtype=dtype)
            return scaled(drawn, _Sub(maxval, minval, name="sub"), minval, scope)

    def uniform_full_int(self, shape, dtype=dtypes.uint64, name=None):
        """Integers of the whole range of their type."""
        with scoped(name, "stateful_uniform_full_int") as scope:
            shape = shape_tensor(shape)
            key, counter = self._key_and_counter(shape)
            return stateless_random_uniform_full_int_v2(
                shape, key, counter, self._alg, dtype=as_dtype(dtype), name=scope or None
            )

    def binomial(self, shape, counts, probs, dtype=dtypes.int32, name=None):
        """Samples from the binomial distribution; `shape` ends with the broadcast shape of counts and probs."""
        with scoped(name, "binomial") as scope:
            shape = shape_tensor(shape)
            counts = door.convert(counts, name="counts")
            probs = door.convert(probs, name="probs")
            if counts.dtype is not probs.dtype and counts.dtype.is_integer:
                counts = _Cast(counts, DstT=probs.dtype)
            return stateful_random_binomial(
                self._state_var.handle,
                np.int64(self._alg),
                shape,
                counts,
                probs,
                dtype=as_dtype(dtype),
                name=scope or None,
            )

    # -- more generators ---------------------------------------------------------------------------------------------------
    def make_seeds(self, count=1):
        """Seeds for stateless ops: int64 [2, count]."""
        keys = self.uniform_full_int([count], dtypes.int64)
        return _Pack([keys, np.zeros(count, np.int64)])

    def split(self, count=1):
        """A list of generators, independent of each other and of this one."""
        keys = self.uniform_full_int([count], dtypes.int64)
        zeros = np.zeros(state_size(self._alg) - 1, np.int64)
        return [Generator(state=_ConcatV2([zeros, keys[i : i + 1]], np.int32(0)), alg=self._alg) for i in range(count)]


def _variable(value: Any) -> Any:
    from penstock.state.variable import Variable

    return Variable(value, dtype=dtypes.int64, trainable=False, name="StateVar")


_held: list[Generator] = []


@export("random.get_global_generator", "random.experimental.get_global_generator")
def get_global_generator():
    """The global generator, made from an unpredictable state when it is first asked for.

    >>> tf.random.get_global_generator() is tf.random.get_global_generator()
    True
    """
    if not _held:
        _held.append(_made())
    return _held[0]


def _made() -> Generator:
    from penstock.fronts.lift import init_scope

    with init_scope():
        return Generator.from_non_deterministic_state()


@export("random.set_global_generator", "random.experimental.set_global_generator")
def set_global_generator(generator):
    """Make this the global generator; functions traced before keep the old one."""
    _held[:] = [generator]
