"""`tf.distributions.Distribution`: sampling, probabilities and statistics, with shapes of batches and of events."""

import contextlib
import hashlib
from typing import Any

import numpy as np

import penstock.compat.v1 as tf
from penstock.base.export import export, export_constant


def public(*names: str) -> Any:
    """Decorator: names of `tf.distributions` and `tf.contrib.distributions`."""
    return export(v1=tuple(f"{home}.{name}" for name in names for home in ("distributions", "contrib.distributions")))


@public("ReparameterizationType")
class ReparameterizationType:
    """How gradients pass through samples."""

    def __init__(self, rep_type: str):
        self._rep_type = rep_type

    def __repr__(self) -> str:
        return f"<Reparameterization Type: {self._rep_type}>"

    def __eq__(self, other: Any) -> bool:
        return self is other

    __hash__ = object.__hash__


FULLY_REPARAMETERIZED, NOT_REPARAMETERIZED = ReparameterizationType("FULLY_REPARAMETERIZED"), ReparameterizationType("NOT_REPARAMETERIZED")
for _name in ("FULLY_REPARAMETERIZED", "NOT_REPARAMETERIZED"):
    export_constant(module=__name__, attr=_name, v1=(f"distributions.{_name}", f"contrib.distributions.{_name}"))

_KLS: dict[tuple[type, type], Any] = {}


def gen_new_seed(seed: Any, salt: str) -> int | None:
    """Another seed, made of a seed and a salt."""
    if seed is None:
        return None
    return int(hashlib.md5((str(seed) + salt).encode("utf-8")).hexdigest()[:8], 16) & 0x7FFFFFFF


@public("Distribution")
class Distribution:
    """The base: a subclass says `_sample_n`, `_log_prob` and what else it knows."""

    def __init__(
        self, dtype: Any, reparameterization_type: Any, validate_args: bool, allow_nan_stats: bool, parameters: Any = None, graph_parents: Any = None,
        name: str | None = None,
    ):  # fmt: skip
        self._dtype, self._reparameterization_type, self._validate_args = dtype, reparameterization_type, validate_args
        self._allow_nan_stats, self._parameters = allow_nan_stats, dict(parameters or {})
        self._graph_parents = list(graph_parents or [])
        if not name or name[-1] != "/":
            with tf.name_scope(name or type(self).__name__) as name:
                pass
        self._name = name or type(self).__name__

    name = property(lambda self: self._name)
    dtype = property(lambda self: self._dtype)
    parameters = property(lambda self: {k: v for k, v in self._parameters.items() if not k.startswith("__") and k != "self"})
    reparameterization_type = property(lambda self: self._reparameterization_type)
    allow_nan_stats = property(lambda self: self._allow_nan_stats)
    validate_args = property(lambda self: self._validate_args)

    def copy(self, **override_parameters_kwargs: Any) -> Any:
        """A distribution of the same kind with other parameters."""
        return type(self)(**{**self.parameters, **override_parameters_kwargs})

    @contextlib.contextmanager
    def _scope(self, name: str, values: Any = None) -> Any:
        with tf.name_scope(self._name), tf.name_scope(name, values=values or []) as scope:
            yield scope

    # -- shapes --------------------------------------------------------------------------------------------------------
    def _event_shape(self) -> Any:
        return tf.TensorShape([])

    def _event_shape_tensor(self) -> Any:
        return tf.constant([], dtype=tf.int32)

    def _batch_shape(self) -> Any:
        raise NotImplementedError(f"batch_shape is not implemented: {type(self).__name__}")

    def _batch_shape_tensor(self) -> Any:
        return tf.convert_to_tensor(self._batch_shape().as_list(), tf.int32)

    @property
    def batch_shape(self) -> Any:
        """The shape of the independent draws of one sample."""
        return tf.TensorShape(self._batch_shape())

    @property
    def event_shape(self) -> Any:
        """The shape of one draw."""
        return tf.TensorShape(self._event_shape())

    def batch_shape_tensor(self, name: str = "batch_shape_tensor") -> Any:
        with self._scope(name):
            if self.batch_shape.is_fully_defined():
                return tf.constant(self.batch_shape.as_list(), tf.int32, name="batch_shape")
            return self._batch_shape_tensor()

    def event_shape_tensor(self, name: str = "event_shape_tensor") -> Any:
        with self._scope(name):
            if self.event_shape.is_fully_defined():
                return tf.constant(self.event_shape.as_list(), tf.int32, name="event_shape")
            return self._event_shape_tensor()

    def is_scalar_event(self, name: str = "is_scalar_event") -> Any:
        return tf.constant(self.event_shape.ndims == 0, name="is_scalar_event")

    def is_scalar_batch(self, name: str = "is_scalar_batch") -> Any:
        return tf.constant(self.batch_shape.ndims == 0, name="is_scalar_batch")

    # -- sampling ------------------------------------------------------------------------------------------------------
    def _sample_n(self, n: Any, seed: Any = None) -> Any:
        raise NotImplementedError(f"sample_n is not implemented: {type(self).__name__}")

    def sample(self, sample_shape: Any = (), seed: Any = None, name: str = "sample") -> Any:
        """Draws of shape `sample_shape + batch_shape + event_shape`."""
        with self._scope(name, [sample_shape]):
            static = tf.get_static_value(tf.convert_to_tensor(sample_shape, dtype=tf.int32)) if not isinstance(sample_shape, (list, tuple)) or sample_shape else np.zeros([0], np.int32)
            shape = tf.convert_to_tensor(sample_shape if not isinstance(sample_shape, (list, tuple)) or len(sample_shape) else np.zeros([0], np.int32), dtype=tf.int32, name="sample_shape")
            if shape.get_shape().ndims == 0:
                shape = tf.reshape(shape, [1])
                static = None if static is None else static.reshape([1])
            n = tf.reduce_prod(shape) if static is None else int(np.prod(static))
            samples = self._sample_n(n, seed)
            inner = tf.shape(samples)[1:]
            made = tf.reshape(samples, tf.concat([shape, inner], 0))
            if static is not None and samples.get_shape().ndims is not None:
                made.set_shape(tf.TensorShape([int(s) for s in static]).concatenate(samples.get_shape()[1:]))
            return made

    # -- probabilities -------------------------------------------------------------------------------------------------
    def _value(self, value: Any) -> Any:
        return tf.convert_to_tensor(value, name="value", dtype=self.dtype if not isinstance(value, tf.Tensor) else None)

    def _first(self, name: str, value: Any, options: Any) -> Any:
        """The first of several ways to compute something that the distribution knows."""
        with self._scope(name, [value]):
            value = self._value(value)
            for method, then in options:
                own = getattr(self, method, None)
                if own is not None:
                    return then(own(value))
        raise NotImplementedError(f"{name} is not implemented: {type(self).__name__}")

    def log_prob(self, value: Any, name: str = "log_prob") -> Any:
        """The logarithm of the density, or of the mass."""
        return self._first(name, value, (("_log_prob", lambda v: v), ("_prob", tf.log)))

    def prob(self, value: Any, name: str = "prob") -> Any:
        """The density, or the mass."""
        return self._first(name, value, (("_prob", lambda v: v), ("_log_prob", tf.exp)))

    def log_cdf(self, value: Any, name: str = "log_cdf") -> Any:
        return self._first(name, value, (("_log_cdf", lambda v: v), ("_cdf", tf.log)))

    def cdf(self, value: Any, name: str = "cdf") -> Any:
        """The probability of not more than `value`."""
        return self._first(name, value, (("_cdf", lambda v: v), ("_log_cdf", tf.exp)))

    def log_survival_function(self, value: Any, name: str = "log_survival_function") -> Any:
        return self._first(name, value, (("_log_survival_function", lambda v: v), ("_cdf", lambda v: tf.log1p(-v)), ("_log_cdf", lambda v: tf.log1p(-tf.exp(v)))))

    def survival_function(self, value: Any, name: str = "survival_function") -> Any:
        return self._first(name, value, (("_survival_function", lambda v: v), ("_cdf", lambda v: 1.0 - v), ("_log_cdf", lambda v: 1.0 - tf.exp(v))))

    def quantile(self, value: Any, name: str = "quantile") -> Any:
        """The value that the cdf takes to `value`."""
        return self._first(name, value, (("_quantile", lambda v: v),))

    # -- statistics ----------------------------------------------------------------------------------------------------
    def _statistic(self, name: str, options: Any) -> Any:
        with self._scope(name):
            for method, then in options:
                own = getattr(self, method, None)
                if own is not None:
                    return then(own())
        raise NotImplementedError(f"{name} is not implemented: {type(self).__name__}")

    def entropy(self, name: str = "entropy") -> Any:
        return self._statistic(name, (("_entropy", lambda v: v),))

    def mean(self, name: str = "mean") -> Any:
        return self._statistic(name, (("_mean", lambda v: v),))

    def variance(self, name: str = "variance") -> Any:
        return self._statistic(name, (("_variance", lambda v: v), ("_stddev", tf.square)))

    def stddev(self, name: str = "stddev") -> Any:
        return self._statistic(name, (("_stddev", lambda v: v), ("_variance", tf.sqrt)))

    def covariance(self, name: str = "covariance") -> Any:
        return self._statistic(name, (("_covariance", lambda v: v),))

    def mode(self, name: str = "mode") -> Any:
        return self._statistic(name, (("_mode", lambda v: v),))

    def cross_entropy(self, other: Any, name: str = "cross_entropy") -> Any:
        """entropy + KL divergence."""
        with self._scope(name):
            return kl_divergence(self, other, allow_nan_stats=self.allow_nan_stats) + self.entropy()

    def kl_divergence(self, other: Any, name: str = "kl_divergence") -> Any:
        """The Kullback-Leibler divergence from `other`."""
        with self._scope(name):
            return kl_divergence(self, other, allow_nan_stats=self.allow_nan_stats)

    @classmethod
    def param_shapes(cls, sample_shape: Any, name: str = "DistributionParamShapes") -> Any:
        with tf.name_scope(name, values=[sample_shape]):
            return cls._param_shapes(sample_shape)

    @classmethod
    def param_static_shapes(cls, sample_shape: Any) -> Any:
        return {k: tf.TensorShape([int(s) for s in tf.get_static_value(v)]) for k, v in cls.param_shapes(sample_shape).items()}

    def __str__(self) -> str:
        return (f'tfp.distributions.{type(self).__name__}("{self.name}", batch_shape={self.batch_shape}, event_shape={self.event_shape}, '
                f"dtype={tf.as_dtype(self.dtype).name})")  # fmt: skip

    def __repr__(self) -> str:
        return f"<tfp.distributions.{type(self).__name__} '{self.name}' batch_shape={self.batch_shape} event_shape={self.event_shape} dtype={tf.as_dtype(self.dtype).name}>"


@public("kl_divergence")
def kl_divergence(distribution_a: Any, distribution_b: Any, allow_nan_stats: bool = True, name: str | None = None) -> Any:
    """The registered divergence of two kinds of distribution; NotImplementedError where there is none."""
    best, distance = None, None
    for (a, b), function in _KLS.items():
        if isinstance(distribution_a, a) and isinstance(distribution_b, b):
            far = type(distribution_a).__mro__.index(a) + type(distribution_b).__mro__.index(b)
            if distance is None or far < distance:
                best, distance = function, far
    if best is None:
        raise NotImplementedError(
            f"No KL(distribution_a || distribution_b) registered for distribution_a type {type(distribution_a).__name__} and distribution_b type {type(distribution_b).__name__}"
        )
    with tf.name_scope("KullbackLeibler"):
        return best(distribution_a, distribution_b, name=name)


@public("RegisterKL")
class RegisterKL:
    """Decorator: the divergence of these two kinds."""

    def __init__(self, dist_cls_a: type, dist_cls_b: type):
        self._key = (dist_cls_a, dist_cls_b)

    def __call__(self, kl_fn: Any) -> Any:
        if not callable(kl_fn):
            raise TypeError(f"kl_fn must be callable, received: {kl_fn}")
        if self._key in _KLS:
            raise ValueError(f"KL({self._key[0].__name__} || {self._key[1].__name__}) has already been registered to: {_KLS[self._key]}")
        _KLS[self._key] = kl_fn
        return kl_fn
