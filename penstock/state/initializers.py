"""Initializers: the 1.x classes (`tf.compat.v1.initializers`) and `tf.zeros_initializer` and its kin of the 2.x API."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.base.dtypes import as_dtype
from penstock.base.export import export
from penstock.base.shape import TensorShape
from penstock.ops.constants import constant, constant_v1, eye, ones, zeros
from penstock.ops.families import later
from penstock.ops.random import normal, truncated_normal, uniform
from penstock.ops.random_from_seed import stateless_normal, stateless_uniform
from penstock.ops.shapes import reshape

_Qr, _DiagPart, _Sign, _Mul = later("Qr"), later("DiagPart"), later("Sign"), later("Mul")
TRUNCATED_DEVIATION = 0.87962566103423978
"""The standard deviation of a normal truncated at two deviations."""


def dims_of(shape: Any) -> list[int]:
    """A fully known shape as a list of ints."""
    value = getattr(shape, "_numpy_view", None)
    if value is not None:
        return [int(d) for d in value()]
    return [int(d) for d in TensorShape(shape).as_list()]


def fans(shape: Any) -> tuple[int, int]:
    """How many inputs and outputs a weight of this shape connects."""
    shape = dims_of(shape)
    if len(shape) < 2:
        n = shape[0] if shape else 1
        return n, n
    field = math.prod(shape[:-2])
    return field * shape[-2], field * shape[-1]


def floating(dtype: Any) -> Any:
    dtype = as_dtype(dtype)
    if not dtype.is_floating:
        raise ValueError(f"Argument `dtype` is expected to be floating point. Received: {dtype}.")
    return dtype


def _at_least_matrix(shape: Any, exactly: bool = False) -> None:
    if len(shape) < 2 or exactly and len(shape) != 2:
        raise ValueError(
            f"The tensor to initialize, specified by argument `shape` must be at least two-dimensional. Received shape={list(shape)}"
        )


# -- 1.x ---------------------------------------------------------------------------------------------------------------
class InitializerV1:
    """An initializer of the 1.x API: called with a shape, gives the initial value."""

    dtype: Any
    _found_as = ""

    def __reduce__(self) -> Any:
        cls = type(self)
        return _again, (cls.__dict__.get("_found_as") or cls, dict(self.__dict__))

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Any:
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal initializer."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """The initializer that `get_config` described, with the default dtype."""
        return cls(**{k: v for k, v in config.items() if k != "dtype"})


@export(v1=("zeros_initializer", "initializers.zeros"))
class ZerosV1(InitializerV1):
    """Zeros."""

    def __init__(self, dtype=dtypes.float32):
        self.dtype = as_dtype(dtype)

    def __call__(self, shape, dtype=None, partition_info=None):
        return zeros(shape, self.dtype if dtype is None else dtype)

    def get_config(self):
        return {"dtype": self.dtype.name}


@export(v1=("ones_initializer", "initializers.ones"))
class OnesV1(InitializerV1):
    """Ones."""

    def __init__(self, dtype=dtypes.float32):
        self.dtype = as_dtype(dtype)

    def __call__(self, shape, dtype=None, partition_info=None):
        return ones(shape, self.dtype if dtype is None else dtype)

    get_config = ZerosV1.get_config


@export(v1=("constant_initializer", "initializers.constant"))
class ConstantV1(InitializerV1):
    """One value everywhere, or the values of a list or array in row-major order."""

    def __init__(self, value=0, dtype=dtypes.float32, verify_shape=False):
        if not (np.isscalar(value) or isinstance(value, (list, tuple, np.ndarray))):
            raise TypeError(
                f"Invalid type for initial value={value} of type: {type(value).__name__}. Expected Python scalar, list or tuple of values, or numpy.ndarray."
            )
        self.value, self.dtype = value, as_dtype(dtype)
        self._verify_shape = verify_shape

    def __call__(self, shape, dtype=None, partition_info=None, verify_shape=None):
        verify = self._verify_shape if verify_shape is None else verify_shape
        return constant_v1(self.value, dtype=self.dtype if dtype is None else dtype, shape=shape, verify_shape=verify)

    def get_config(self):
        return {"value": self.value, "dtype": self.dtype.name}


@export(v1=("random_uniform_initializer", "initializers.random_uniform"))
class RandomUniformV1(InitializerV1):
    """Uniform values of [minval, maxval)."""

    def __init__(self, minval=0.0, maxval=None, seed=None, dtype=dtypes.float32):
        self.minval, self.maxval, self.seed, self.dtype = minval, maxval, seed, as_dtype(dtype)

    def __call__(self, shape, dtype=None, partition_info=None):
        return uniform(shape, self.minval, self.maxval, self.dtype if dtype is None else dtype, seed=self.seed)

    def get_config(self):
        return {"minval": self.minval, "maxval": self.maxval, "seed": self.seed, "dtype": self.dtype.name}


class _MeanAndDeviation(InitializerV1):
    _draw: Callable[..., Any]

    def __init__(self, mean=0.0, stddev=1.0, seed=None, dtype=dtypes.float32):
        self.mean, self.stddev, self.seed = mean, stddev, seed
        self.dtype = floating(dtype)

    def __call__(self, shape, dtype=None, partition_info=None):
        return type(self)._draw(shape, self.mean, self.stddev, self.dtype if dtype is None else dtype, seed=self.seed)

    def get_config(self):
        return {"mean": self.mean, "stddev": self.stddev, "seed": self.seed, "dtype": self.dtype.name}


@export(v1=("random_normal_initializer", "initializers.random_normal"))
class RandomNormalV1(_MeanAndDeviation):
    """Normal values."""

    _draw = staticmethod(normal)


@export(v1=("truncated_normal_initializer", "initializers.truncated_normal"))
class TruncatedNormalV1(_MeanAndDeviation):
    """Normal values within two standard deviations of the mean."""

    _draw = staticmethod(truncated_normal)


@export(v1=("uniform_unit_scaling_initializer", "initializers.uniform_unit_scaling"))
class UniformUnitScalingV1(InitializerV1):
    """Uniform values that keep the scale of what flows through a layer, for `factor` the gain of its nonlinearity."""

    def __init__(self, factor=1.0, seed=None, dtype=dtypes.float32):
        self.factor, self.seed = factor, seed
        self.dtype = floating(dtype)

    def __call__(self, shape, dtype=None, partition_info=None):
        scale_shape = shape if partition_info is None else partition_info.full_shape
        size = max(math.prod(float(d) for d in dims_of(scale_shape)[:-1]), 1.0)
        limit = math.sqrt(3 / size) * self.factor
        return uniform(shape, -limit, limit, self.dtype if dtype is None else dtype, seed=self.seed)

    def get_config(self):
        return {"factor": self.factor, "seed": self.seed, "dtype": self.dtype.name}


def checked_scaling(scale: Any, mode: Any, distribution: Any) -> None:
    """ValueError unless these are arguments of variance scaling."""
    if scale <= 0.0:
        raise ValueError(f"Argument `scale` must be a positive float. Received: {scale}")
    if mode not in ("fan_in", "fan_out", "fan_avg"):
        raise ValueError(f"Argument `mode` should be one of ('fan_in', 'fan_out', 'fan_avg'). Received: {mode}")
    if distribution not in ("normal", "uniform", "truncated_normal", "untruncated_normal"):
        raise ValueError(
            f"Argument `distribution` should be one of ('normal', uniform', 'truncated_normal', 'untruncated_normal'). Received: {distribution}"
        )


def scale_by_fans(scale: float, mode: str, fan_in: float, fan_out: float) -> float:
    """The variance that variance scaling aims at."""
    return scale / max(1.0, {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[mode])


@export(v1=("variance_scaling_initializer", "initializers.variance_scaling"))
class VarianceScalingV1(InitializerV1):
    """Values whose variance is `scale` divided by the number of inputs, of outputs, or their mean."""

    def __init__(self, scale=1.0, mode="fan_in", distribution="truncated_normal", seed=None, dtype=dtypes.float32):
        distribution = distribution.lower()
        checked_scaling(scale, mode, distribution)
        self.scale, self.mode, self.distribution, self.seed = scale, mode, distribution, seed
        self.dtype = floating(dtype)

    def __call__(self, shape, dtype=None, partition_info=None):
        dtype = self.dtype if dtype is None else dtype
        scale = scale_by_fans(
            self.scale, self.mode, *fans(shape if partition_info is None else partition_info.full_shape)
        )
        if self.distribution in ("normal", "truncated_normal"):
            return truncated_normal(shape, 0.0, math.sqrt(scale) / TRUNCATED_DEVIATION, dtype, seed=self.seed)
        if self.distribution == "untruncated_normal":
            return normal(shape, 0.0, math.sqrt(scale), dtype, seed=self.seed)
        limit = math.sqrt(3.0 * scale)
        return uniform(shape, -limit, limit, dtype, seed=self.seed)

    def get_config(self):
        return {
            "scale": self.scale,
            "mode": self.mode,
            "distribution": self.distribution,
            "seed": self.seed,
            "dtype": self.dtype.name,
        }


def _glorot(name: str, distribution: str, *names: str) -> Any:
    class Glorot(VarianceScalingV1):
        def __init__(self, seed=None, dtype=dtypes.float32):
            super().__init__(1.0, "fan_avg", distribution, seed, dtype)

        def get_config(self):
            return {"seed": self.seed, "dtype": self.dtype.name}

    Glorot.__name__ = Glorot.__qualname__ = name
    Glorot.__doc__ = f"Glorot and Bengio's (Xavier) initializer (2010), {distribution.replace('_', ' ')}."
    return export(v1=names)(Glorot)


GlorotUniformV1 = _glorot("GlorotUniformV1", "uniform", "glorot_uniform_initializer", "initializers.glorot_uniform")
GlorotNormalV1 = _glorot(
    "GlorotNormalV1", "truncated_normal", "glorot_normal_initializer", "initializers.glorot_normal"
)


@export(v1=("initializers.he_normal",))
def he_normal(seed=None):
    """He et al.'s initializer (2015): truncated normal of variance 2 / inputs."""
    return VarianceScalingV1(2.0, "fan_in", "truncated_normal", seed)


@export(v1=("initializers.he_uniform",))
def he_uniform(seed=None):
    """He et al.'s initializer (2015): uniform of variance 2 / inputs."""
    return VarianceScalingV1(2.0, "fan_in", "uniform", seed)


@export(v1=("initializers.lecun_normal",))
def lecun_normal(seed=None):
    """LeCun et al.'s initializer (1998): truncated normal of variance 1 / inputs."""
    return VarianceScalingV1(1.0, "fan_in", "truncated_normal", seed)


@export(v1=("initializers.lecun_uniform",))
def lecun_uniform(seed=None):
    """LeCun et al.'s initializer (1998): uniform of variance 1 / inputs."""
    return VarianceScalingV1(1.0, "fan_in", "uniform", seed)


def orthogonal(shape: Any, gain: float, draw: Callable[[tuple[int, int]], Any]) -> Any:
    """gain times a matrix of orthonormal rows or columns, in the given shape, from the matrix of normals that `draw` makes."""
    dims = dims_of(shape)
    rows, columns = math.prod(dims[:-1]), dims[-1]
    q, r = _Qr(draw((max(rows, columns), min(rows, columns))), full_matrices=False)
    q = _Mul(q, _Sign(_DiagPart(r)), name="mul")
    if rows < columns:
        q = _transposed(q)
    return _Mul(np.asarray(gain, q.dtype.as_numpy_dtype), reshape(q, dims), name="mul")


def _transposed(matrix: Any) -> Any:
    from penstock.ir.op import find

    return find("Transpose")(matrix, np.array([1, 0], np.int32), name="matrix_transpose/transpose")


@export(v1=("orthogonal_initializer", "initializers.orthogonal"))
class OrthogonalV1(InitializerV1):
    """Orthogonal matrices, times `gain`."""

    def __init__(self, gain=1.0, seed=None, dtype=dtypes.float32):
        self.gain, self.seed = gain, seed
        self.dtype = floating(dtype)

    def __call__(self, shape, dtype=None, partition_info=None):
        dtype = self.dtype if dtype is None else as_dtype(dtype)
        _at_least_matrix(dims_of(shape))
        return orthogonal(shape, self.gain, lambda flat: normal(flat, dtype=dtype, seed=self.seed))

    def get_config(self):
        return {"gain": self.gain, "seed": self.seed, "dtype": self.dtype.name}


@export(v1=("initializers.identity",))
class IdentityV1(InitializerV1):
    """The identity matrix, times `gain`."""

    def __init__(self, gain=1.0, dtype=dtypes.float32):
        self.gain = gain
        self.dtype = floating(dtype)

    def __call__(self, shape, dtype=None, partition_info=None):
        full = dims_of(shape if partition_info is None else partition_info.full_shape)
        _at_least_matrix(full, exactly=True)
        dtype = self.dtype if dtype is None else as_dtype(dtype)
        made = eye(*full, dtype=dtype)
        if partition_info is not None:
            made = later("Slice")(
                made, np.array(partition_info.var_offset, np.int32), np.array(dims_of(shape), np.int32)
            )
        return _Mul(np.asarray(self.gain, dtype.as_numpy_dtype), made, name="mul")

    def get_config(self):
        return {"gain": self.gain, "dtype": self.dtype.name}


# -- 2.x ---------------------------------------------------------------------------------------------------------------
_PARTITION = ["partition_shape", "partition_offset"]


class Initializer:
    """An initializer of the 2.x API: called with a shape and a dtype, gives the initial value."""

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Any:
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal initializer."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """The initializer that `get_config` described."""
        return cls(**{k: v for k, v in config.items() if k != "dtype"})

    def _shape(self, shape: Any, kwargs: dict[str, Any], partitions: bool = True) -> Any:
        """The shape to fill, which is the partition's when one is named."""
        for key in kwargs:
            if key not in _PARTITION:
                raise TypeError(f"Keyword argument should be one of {_PARTITION}. Received: {key}")
            if not partitions:
                raise ValueError(f"{type(self).__name__} initializer doesn't support partition-related arguments")
        return kwargs.get("partition_shape", shape)


def _numeric(dtype: Any) -> Any:
    dtype = as_dtype(dtype)
    if not dtype.is_numpy_compatible or dtype is dtypes.string:
        raise ValueError(f"Argument `dtype` expected to be numeric or boolean. Received {dtype}.")
    return dtype


def _v2(name: str) -> Callable[[Any], Any]:
    def mark(cls: Any) -> Any:
        return export(v2=(name,))(cls)

    return mark


@_v2("zeros_initializer")
class Zeros(Initializer):
    """Zeros.

    >>> tf.zeros_initializer()([2]).numpy()
    array([0., 0.], dtype=float32)
    """

    def __call__(self, shape, dtype=dtypes.float32, **kwargs):
        shape = self._shape(shape, kwargs)
        return zeros(shape, _numeric(dtype))


@_v2("ones_initializer")
class Ones(Initializer):
    """Ones.

    >>> tf.ones_initializer()([2]).numpy()
    array([1., 1.], dtype=float32)
    """

    def __call__(self, shape, dtype=dtypes.float32, **kwargs):
        shape = self._shape(shape, kwargs)
        return ones(shape, _numeric(dtype))


@_v2("constant_initializer")
class Constant(Initializer):
    """One value everywhere, or the values of a list or array in row-major order.

    >>> tf.constant_initializer(3.0)([2]).numpy()
    array([3., 3.], dtype=float32)
    """

    def __init__(self, value=0, support_partition=False):
        if not (np.isscalar(value) or isinstance(value, (list, tuple, np.ndarray))):
            raise TypeError(
                f"Invalid type for initial value={value} of type: {type(value).__name__}. Expected Python scalar, list or tuple of values, or numpy.ndarray."
            )
        self.value, self.support_partition = value, support_partition

    def __call__(self, shape, dtype=None, **kwargs):
        self._shape(shape, kwargs, self.support_partition)
        return constant(self.value, dtype=None if dtype is None else as_dtype(dtype), shape=shape)

    def get_config(self):
        return {"value": self.value}


def _seeded(seed: Any, stateful: Callable[..., Any], stateless: Callable[..., Any]) -> Callable[..., Any]:
    """The draws of a 2.x initializer: with a seed the same at every call."""
    if seed is None:
        return stateful
    return lambda shape, *rest: stateless(shape, [seed, 0], *rest)


@_v2("random_uniform_initializer")
class RandomUniform(Initializer):
    """Uniform values of [minval, maxval); with a seed the same ones at every call.

    >>> i = tf.random_uniform_initializer(seed=1); bool(tf.reduce_all(i([3]) == i([3])))
    True
    """

    def __init__(self, minval=-0.05, maxval=0.05, seed=None):
        self.minval, self.maxval, self.seed = minval, maxval, seed

    def __call__(self, shape, dtype=dtypes.float32, **kwargs):
        shape = self._shape(shape, kwargs)
        dtype = as_dtype(dtype)
        if not (dtype.is_floating or dtype.is_integer):
            raise ValueError(f"Argument `dtype` expected to be numeric or boolean. Received {dtype}.")
        return _seeded(self.seed, uniform, stateless_uniform)(shape, self.minval, self.maxval, dtype)

    def get_config(self):
        return {"minval": self.minval, "maxval": self.maxval, "seed": self.seed}


@_v2("random_normal_initializer")
class RandomNormal(Initializer):
    """Normal values; with a seed the same ones at every call.

    >>> tf.random_normal_initializer(stddev=0.1)([2, 3]).shape
    TensorShape([2, 3])
    """

    def __init__(self, mean=0.0, stddev=0.05, seed=None):
        self.mean, self.stddev, self.seed = mean, stddev, seed

    def __call__(self, shape, dtype=dtypes.float32, **kwargs):
        shape = self._shape(shape, kwargs)
        return _seeded(self.seed, normal, stateless_normal)(shape, self.mean, self.stddev, floating(dtype))

    def get_config(self):
        return {"mean": self.mean, "stddev": self.stddev, "seed": self.seed}


def _again(kind: Any, state: dict[str, Any]) -> Any:
    """An initializer of the 1.x API as it was before it was copied or pickled."""
    cls = globals()[kind] if isinstance(kind, str) else kind
    made = cls.__new__(cls)
    made.__dict__.update(state)
    return made


for _name, _cls in list(globals().items()):
    if isinstance(_cls, type) and issubclass(_cls, InitializerV1) and _name.endswith("V1") and _cls is not InitializerV1:
        _cls._found_as = _name
        _cls.__name__ = _cls.__qualname__ = _name.removesuffix("V1")  # both APIs have the name; files of Keras hold it
