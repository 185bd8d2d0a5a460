"""`tf.initializers`: the 2.x classes, with the numbers and the configurations of Keras 3."""

import inspect
import math
import random
from collections.abc import Callable
from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.base.dtypes import as_dtype
from penstock.base.export import export
from penstock.ir import door
from penstock.ops.constants import eye, ones, zeros
from penstock.ops.families import later
from penstock.ops.random_from_seed import stateless_normal, stateless_truncated_normal, stateless_uniform
from penstock.state.initializers import TRUNCATED_DEVIATION, dims_of, fans, orthogonal, scale_by_fans

_Mul, _BroadcastTo = later("Mul"), later("BroadcastTo")
_CLASSES: dict[str, type["Initializer"]] = {}


def _snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() and i else c.lower() for i, c in enumerate(name))


def _named(*names: str) -> Callable[[Any], Any]:
    """Give a class its names in `tf.initializers`, in snake case too."""

    def mark(cls: Any) -> Any:
        for name in (cls.__name__, *names):
            _CLASSES[name] = _CLASSES[_snake(name)] = cls
        public = {n for name in (cls.__name__, *names) for n in (name, _snake(name))} - {
            "orthogonal_initializer",
            "identity_initializer",
        }
        return export(v2=tuple(f"initializers.{n}" for n in sorted(public)))(cls)

    return mark


def _dtype(dtype: Any) -> Any:
    return dtypes.float32 if dtype is None else as_dtype(dtype)


@export(v2=("initializers.Initializer",))
class Initializer:
    """What all initializers are: called with a shape and a dtype, they give the initial value.

    >>> tf.initializers.get("ones")((2,)).numpy()
    array([1., 1.], dtype=float32)
    """

    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        raise NotImplementedError("Initializer subclasses must implement the `__call__()` method.")

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal initializer."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """The initializer that `get_config` described."""
        return cls(**config)

    def clone(self) -> Any:
        """An equal initializer."""
        return type(self).from_config(self.get_config())


@_named()
class Zeros(Initializer):
    """Zeros.

    >>> tf.initializers.Zeros()((2,)).numpy()
    array([0., 0.], dtype=float32)
    """

    def __call__(self, shape, dtype=None):
        return zeros(shape, _dtype(dtype))


@_named()
class Ones(Initializer):
    """Ones.

    >>> tf.initializers.Ones()((2,)).numpy()
    array([1., 1.], dtype=float32)
    """

    def __call__(self, shape, dtype=None):
        return ones(shape, _dtype(dtype))


@_named()
class Constant(Initializer):
    """One value everywhere, or what broadcasts to the shape.

    >>> tf.initializers.Constant(3.0)((2,)).numpy()
    array([3., 3.], dtype=float32)
    """

    def __init__(self, value=0.0):
        self.value = value

    def __call__(self, shape, dtype=None):
        dtype = _dtype(dtype)
        value = door.convert(
            np.asarray(self.value).astype(dtype.as_numpy_dtype) if not hasattr(self.value, "numpy") else self.value,
            dtype,
        )
        return _BroadcastTo(value, np.array(dims_of(shape), np.int32))

    def get_config(self):
        return {"value": self.value}


@_named("IdentityInitializer")
class Identity(Initializer):
    """The identity matrix, times `gain`.

    >>> tf.initializers.Identity(2.0)((2, 2)).numpy().tolist()
    [[2.0, 0.0], [0.0, 2.0]]
    """

    def __init__(self, gain=1.0):
        self.gain = gain

    def __call__(self, shape, dtype=None):
        if len(shape) != 2:
            raise ValueError(
                f"Identity matrix initializer can only be used for 2D matrices. Received: shape={shape} of rank {len(shape)}."
            )
        dtype = _dtype(dtype)
        return _Mul(np.asarray(self.gain, dtype.as_numpy_dtype), eye(*shape, dtype=dtype))

    def get_config(self):
        return {"gain": self.gain}


class RandomInitializer(Initializer):
    """An initializer with a seed: an integer, None for one that nobody chose, or a generator of seeds."""

    def __init__(self, seed=None):
        self._init_seed = seed
        if seed is None:
            seed = random.randint(1, 10**9)
        elif not isinstance(seed, int) and not hasattr(seed, "next"):
            raise ValueError(
                f"`seed` argument should be an instance of `keras.random.SeedGenerator()` or an integer. Received: seed={seed}"
            )
        self.seed = seed

    def _drawn(self) -> Any:
        """The seed of a stateless op: the same at every call, unless a generator gives them."""
        return [self.seed, 0] if isinstance(self.seed, int) else self.seed.next()

    def get_config(self):
        seed = self._init_seed
        return {
            "seed": seed
            if seed is None or isinstance(seed, int)
            else {"class_name": type(seed).__name__, "config": seed.get_config()}
        }


def _uniform(shape: Any, seed: Any, low: float, high: float, dtype: Any) -> Any:
    """Uniform values between two numbers that Keras rounds to float32 on the way."""
    if dtype.is_floating:
        low, high = float(np.float32(low)), float(np.float32(high))
    return stateless_uniform(shape, seed, low, high, dtype)


def _moments(draw: Callable[..., Any], doc: str) -> Callable[[Any], Any]:
    def mark(cls: Any) -> Any:
        cls._draw = staticmethod(draw)
        cls.__doc__ = doc
        return cls

    return mark


class _MeanAndDeviation(RandomInitializer):
    _draw: Callable[..., Any]

    def __init__(self, mean=0.0, stddev=0.05, seed=None):
        self.mean, self.stddev = mean, stddev
        super().__init__(seed)

    def __call__(self, shape, dtype=None):
        return type(self)._draw(shape, self._drawn(), self.mean, self.stddev, _dtype(dtype))

    def get_config(self):
        return {**super().get_config(), "mean": self.mean, "stddev": self.stddev}


@_named()
@_moments(stateless_normal, "Normal values.")
class RandomNormal(_MeanAndDeviation):
    pass


@_named()
@_moments(stateless_truncated_normal, "Normal values within two standard deviations of the mean.")
class TruncatedNormal(_MeanAndDeviation):
    pass


@_named()
class RandomUniform(RandomInitializer):
    """Uniform values of [minval, maxval).

    >>> tf.initializers.RandomUniform(seed=1)((2, 3)).shape
    TensorShape([2, 3])
    """

    def __init__(self, minval=-0.05, maxval=0.05, seed=None):
        self.minval, self.maxval = minval, maxval
        super().__init__(seed)

    def __call__(self, shape, dtype=None):
        return _uniform(shape, self._drawn(), self.minval, self.maxval, _dtype(dtype))

    def get_config(self):
        return {**super().get_config(), "minval": self.minval, "maxval": self.maxval}


@_named()
class VarianceScaling(RandomInitializer):
    """Values whose variance is `scale` divided by the number of inputs, of outputs, or their mean.

    >>> tf.initializers.VarianceScaling(2.0, "fan_avg", "uniform", seed=1)((3, 2)).shape
    TensorShape([3, 2])
    """

    def __init__(
        self, scale=1.0, mode="fan_in", distribution="truncated_normal", seed=None, input_axes=None, output_axes=None
    ):
        if scale <= 0.0:
            raise ValueError(f"Argument `scale` must be positive float. Received: scale={scale}")
        if mode not in ("fan_in", "fan_out", "fan_avg"):
            raise ValueError(f"Invalid `mode` argument: {mode}. Please use one of ('fan_in', 'fan_out', 'fan_avg')")
        distribution = distribution.lower()
        distribution = "truncated_normal" if distribution == "normal" else distribution
        if distribution not in ("uniform", "truncated_normal", "untruncated_normal"):
            raise ValueError(
                f"Invalid `distribution` argument: {distribution}. Please use one of ('uniform', 'truncated_normal', 'untruncated_normal')"
            )
        self.scale, self.mode, self.distribution = scale, mode, distribution
        self.input_axes, self.output_axes = input_axes, output_axes
        super().__init__(seed)

    def _fans(self, shape: Any) -> tuple[int, int]:
        if self.input_axes is None or self.output_axes is None:
            return fans(shape)
        return math.prod(shape[i] for i in self.input_axes), math.prod(shape[i] for i in self.output_axes)

    def __call__(self, shape, dtype=None):
        dtype, seed = _dtype(dtype), self._drawn()
        scale = scale_by_fans(self.scale, self.mode, *self._fans(dims_of(shape)))
        if self.distribution == "truncated_normal":
            return stateless_truncated_normal(shape, seed, 0.0, math.sqrt(scale) / TRUNCATED_DEVIATION, dtype)
        if self.distribution == "untruncated_normal":
            return stateless_normal(shape, seed, 0.0, math.sqrt(scale), dtype)
        limit = math.sqrt(3.0 * scale)
        return _uniform(shape, seed, -limit, limit, dtype)

    def get_config(self):
        return {
            **super().get_config(),
            "scale": self.scale,
            "mode": self.mode,
            "distribution": self.distribution,
            "input_axes": self.input_axes,
            "output_axes": self.output_axes,
        }


def _scaling(name: str, scale: float, mode: str, distribution: str, doc: str) -> Any:
    class Scaling(VarianceScaling):
        def __init__(self, seed=None, input_axes=None, output_axes=None):
            super().__init__(scale, mode, distribution, seed, input_axes, output_axes)

        def get_config(self):
            return {
                **RandomInitializer.get_config(self),
                "input_axes": self.input_axes,
                "output_axes": self.output_axes,
            }

    Scaling.__name__ = Scaling.__qualname__ = name
    Scaling.__doc__ = doc
    return _named()(Scaling)


GlorotUniform = _scaling(
    "GlorotUniform", 1.0, "fan_avg", "uniform", "Glorot and Bengio's (Xavier) initializer (2010), uniform."
)
GlorotNormal = _scaling(
    "GlorotNormal",
    1.0,
    "fan_avg",
    "truncated_normal",
    "Glorot and Bengio's (Xavier) initializer (2010), truncated normal.",
)
HeUniform = _scaling("HeUniform", 2.0, "fan_in", "uniform", "He et al.'s initializer (2015), uniform.")
HeNormal = _scaling("HeNormal", 2.0, "fan_in", "truncated_normal", "He et al.'s initializer (2015), truncated normal.")
LecunUniform = _scaling("LecunUniform", 1.0, "fan_in", "uniform", "LeCun et al.'s initializer (1998), uniform.")
LecunNormal = _scaling(
    "LecunNormal", 1.0, "fan_in", "truncated_normal", "LeCun et al.'s initializer (1998), truncated normal."
)


@_named("OrthogonalInitializer")
class Orthogonal(RandomInitializer):
    """Orthogonal matrices, times `gain`.

    >>> tf.initializers.Orthogonal(seed=1)((3, 2)).shape
    TensorShape([3, 2])
    """

    def __init__(self, gain=1.0, seed=None):
        self.gain = gain
        super().__init__(seed)

    def __call__(self, shape, dtype=None):
        if len(shape) < 2:
            raise ValueError(
                f"The tensor to initialize must be at least two-dimensional. Received: shape={shape} of rank {len(shape)}."
            )
        return orthogonal(shape, self.gain, lambda flat: stateless_normal(flat, self._drawn(), dtype=_dtype(dtype)))

    def get_config(self):
        return {**super().get_config(), "gain": self.gain}


@export(v2=("initializers.STFT", "initializers.STFTInitializer", "initializers.stft"))
class STFT(Initializer):
    """The real or imaginary side of a short-time Fourier transform, as a convolution kernel [frame, 1, bins].

    >>> tf.initializers.STFT("real", "hann", "density")((128, 1, 513)).shape
    TensorShape([128, 1, 513])
    """

    def __init__(self, side="real", window="hann", scaling="density", periodic=False):
        if side not in ("real", "imag"):
            raise ValueError(f"side should be 'real' or 'imag', not {side}")
        if scaling not in (None, "density", "spectrum"):
            raise ValueError(
                f"Scaling is invalid, it must be `None`, 'density' or 'spectrum'. Received scaling={scaling}"
            )
        self.side, self.window, self.scaling, self.periodic = side, window, scaling, periodic
        if isinstance(window, str):
            self._window(8)  # says so now where there is no such window

    def _window(self, length: int) -> Any:
        """The window of this length, scaled."""
        if self.window is None:
            return np.ones(length)
        if isinstance(self.window, str):
            from scipy.signal import get_window

            values = get_window(self.window, length, fftbins=self.periodic)
        else:
            values = np.asarray(self.window, np.float64)
        if self.scaling is None:
            return values
        return values / (math.sqrt(np.sum(values**2)) if self.scaling == "density" else np.sum(values))

    def __call__(self, shape, dtype=None):
        length, _, bins = shape
        turns = np.arange(length)[:, None] * np.arange(bins) / ((bins - 1) * 2 or math.nan)
        wave = np.cos(2 * math.pi * turns) if self.side == "real" else -np.sin(2 * math.pi * turns)
        kernel = wave * self._window(length)[:, None]
        return _BroadcastTo(kernel[:, None, :].astype(_dtype(dtype).as_numpy_dtype), np.array(dims_of(shape), np.int32))

    def get_config(self):
        return {"side": self.side, "window": self.window, "periodic": self.periodic, "scaling": self.scaling}


for _name in ("STFT", "STFTInitializer", "stft", "stft_initializer"):
    _CLASSES[_name] = STFT


@export(v2=("initializers.serialize",))
def serialize(initializer):
    """The configuration of an initializer, as a dictionary.

    >>> tf.initializers.serialize(tf.initializers.Ones())["class_name"]
    'Ones'
    """
    config = initializer.get_config()
    return {
        "module": "keras.initializers",
        "class_name": type(initializer).__name__,
        "config": config,
        "registered_name": None,
    }


@export(v2=("initializers.deserialize",))
def deserialize(config, custom_objects=None):
    """The initializer of a configuration.

    >>> tf.initializers.deserialize({"class_name": "HeNormal", "config": {"seed": 3}}).seed
    3
    """
    name = config["class_name"]
    cls = (custom_objects or {}).get(name, _CLASSES.get(name))
    if cls is None:
        raise ValueError(
            f"Unknown initializer: {name!r}; it is one of {sorted(n for n in _CLASSES if n[0].isupper())} or has to be in custom_objects"
        )
    return cls.from_config(config.get("config", {}))


@export(v2=("initializers.get",))
def get(identifier):
    """The initializer of a name, a configuration, a class or an initializer; None for None.

    >>> tf.initializers.get("he_normal").get_config()["seed"] is None
    True
    """
    found = identifier
    if identifier is None:
        return None
    if isinstance(identifier, dict):
        found = deserialize(identifier)
    elif isinstance(identifier, str):
        found = _CLASSES.get(identifier)
    if not callable(found):
        raise ValueError(f"Could not interpret initializer identifier: {identifier}")
    return found() if inspect.isclass(found) else found
