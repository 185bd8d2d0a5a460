"""Distributions of classes and of vectors: Categorical, OneHotCategorical, Multinomial, Dirichlet, multivariate normals, mixtures."""

import math
from typing import Any

import numpy as np

import penstock.compat.v1 as tf
from penstock.contrib.distributions.base import (
    FULLY_REPARAMETERIZED,
    NOT_REPARAMETERIZED,
    Distribution,
    RegisterKL,
    public,
)
from penstock.contrib.names import contrib


def _given(parameters: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in parameters.items() if k not in ("self", "__class__")}


class _OfClasses(Distribution):
    """Made of `logits` or `probs` over the last axis."""

    def _of(self, parameters: dict[str, Any], logits: Any, probs: Any, dtype: Any) -> None:
        given = _given(parameters)
        if (probs is None) == (logits is None):
            raise ValueError("Must pass probs or logits, but not both.")
        with tf.name_scope(given["name"], values=[logits, probs]) as name:
            if probs is None:
                self._logits = tf.convert_to_tensor(logits, name="logits")
                self._probs = tf.nn.softmax(self._logits, name="probs")
            else:
                self._probs = tf.convert_to_tensor(probs, name="probs")
                self._logits = tf.log(self._probs, name="logits")
        super().__init__(dtype=dtype, reparameterization_type=NOT_REPARAMETERIZED, validate_args=given.get("validate_args", False),
                         allow_nan_stats=given.get("allow_nan_stats", True), parameters=given, graph_parents=[self._logits, self._probs], name=name)  # fmt: skip

    logits = property(lambda self: self._logits)
    probs = property(lambda self: self._probs)

    @property
    def event_size(self) -> Any:
        size = tf.Dimension(self._logits.get_shape()[-1]).value
        return tf.constant(size, tf.int32) if size is not None else tf.shape(self._logits)[-1]

    def _batch_shape(self) -> Any:
        return self._logits.get_shape()[:-1]

    def _batch_shape_tensor(self) -> Any:
        return tf.shape(self._logits)[:-1]

    def _draw(self, n: Any, seed: Any) -> Any:
        """[n, *batch] int32 class numbers."""
        flat = self._logits if self._logits.get_shape().ndims == 2 else tf.reshape(self._logits, [-1, self.event_size])
        draws = tf.transpose(tf.multinomial(flat, n, seed=seed, output_dtype=tf.int32))
        return tf.reshape(draws, tf.concat([[n], self.batch_shape_tensor()], 0))

    def _entropy(self) -> Any:
        return -tf.reduce_sum(tf.nn.log_softmax(self.logits) * self.probs, axis=-1)


@public("Categorical")
class Categorical(_OfClasses):
    """A class number."""

    def __init__(self, logits: Any = None, probs: Any = None, dtype: Any = tf.int32, validate_args: bool = False, allow_nan_stats: bool = True, name: str = "Categorical"):
        self._of(locals(), logits, probs, tf.as_dtype(dtype))

    def _value(self, value: Any) -> Any:
        return tf.convert_to_tensor(value, name="value")

    def _sample_n(self, n: Any, seed: Any = None) -> Any:
        draws = tf.cast(self._draw(n, seed), self.dtype)
        draws.set_shape(tf.TensorShape([None]).concatenate(self.batch_shape))
        return draws

    def _both(self, k: Any, params: Any) -> Any:
        k = tf.cast(k, tf.int32)
        if params.get_shape()[:-1] == k.get_shape():
            return k, params
        k = k * tf.ones(tf.shape(params)[:-1], k.dtype)
        return k, params * tf.ones(tf.concat([tf.shape(k), [self.event_size]], 0), params.dtype)

    def _log_prob(self, k: Any) -> Any:
        k, logits = self._both(k, self.logits)
        return -tf.nn.sparse_softmax_cross_entropy_with_logits(labels=k, logits=logits)

    def _cdf(self, k: Any) -> Any:
        k, probs = self._both(k, self.probs)
        return tf.reduce_sum(tf.sequence_mask(k, self.event_size, dtype=probs.dtype) * probs, axis=-1)

    def _mode(self) -> Any:
        return tf.cast(tf.argmax(self.logits, axis=-1), self.dtype)


@contrib("distributions.OneHotCategorical")
class OneHotCategorical(_OfClasses):
    """A one-hot vector."""

    def __init__(self, logits: Any = None, probs: Any = None, dtype: Any = tf.int32, validate_args: bool = False, allow_nan_stats: bool = True, name: str = "OneHotCategorical"):
        self._of(locals(), logits, probs, tf.as_dtype(dtype))

    def _event_shape(self) -> Any:
        return self.logits.get_shape()[-1:]

    def _sample_n(self, n: Any, seed: Any = None) -> Any:
        return tf.one_hot(self._draw(n, seed), self.event_size, axis=-1, dtype=self.dtype)

    def _log_prob(self, x: Any) -> Any:
        return tf.reduce_sum(tf.cast(x, self.logits.dtype) * tf.nn.log_softmax(self.logits), axis=-1)

    def _mode(self) -> Any:
        return tf.one_hot(tf.argmax(self.logits, axis=-1), self.event_size, dtype=self.dtype)


@contrib("distributions.RelaxedOneHotCategorical")
class RelaxedOneHotCategorical(Distribution):
    """Gumbel-softmax: a vector near a one-hot one, differentiable in its parameters."""

    def __init__(self, temperature: Any, logits: Any = None, probs: Any = None, dtype: Any = None, validate_args: bool = False, allow_nan_stats: bool = True, name: str = "RelaxedOneHotCategorical"):
        if (probs is None) == (logits is None):
            raise ValueError("Must pass probs or logits, but not both.")
        given = _given(locals())
        with tf.name_scope(name, values=[logits, probs, temperature]) as name:
            self._logits = tf.convert_to_tensor(logits, name="logits") if probs is None else tf.log(tf.convert_to_tensor(probs))
            self._temperature = tf.convert_to_tensor(temperature, name="temperature", dtype=self._logits.dtype)
        super().__init__(self._logits.dtype, FULLY_REPARAMETERIZED, validate_args, allow_nan_stats, given, name=name)

    logits = property(lambda self: self._logits)
    temperature = property(lambda self: self._temperature)
    probs = property(lambda self: tf.nn.softmax(self._logits))

    def _batch_shape(self) -> Any:
        return self._logits.get_shape()[:-1]

    def _batch_shape_tensor(self) -> Any:
        return tf.shape(self._logits)[:-1]

    def _event_shape(self) -> Any:
        return self._logits.get_shape()[-1:]

    def _sample_n(self, n: Any, seed: Any = None) -> Any:
        shape = tf.concat([[n], tf.shape(self._logits)], 0)
        uniform = tf.random_uniform(shape=shape, minval=np.finfo(self.dtype.as_numpy_dtype).tiny, maxval=1.0, dtype=self.dtype, seed=seed)
        return tf.nn.softmax((-tf.log(-tf.log(uniform)) + self._logits) / self._temperature)

    def _log_prob(self, x: Any) -> Any:
        k = tf.cast(tf.shape(self._logits)[-1], self.dtype)
        normalization = tf.lgamma(k) + (k - 1.0) * tf.log(self._temperature)
        unnormalized = tf.reduce_sum(tf.nn.log_softmax(self._logits - tf.log(x) * self._temperature), axis=-1)
        return unnormalized + normalization - tf.reduce_sum(tf.log(x), axis=-1)


@public("Multinomial")
class Multinomial(_OfClasses):
    """How often each class came in `total_count` draws."""

    def __init__(self, total_count: Any, logits: Any = None, probs: Any = None, validate_args: bool = False, allow_nan_stats: bool = True, name: str = "Multinomial"):
        self._of(locals(), logits, probs, None)
        self._dtype = self._logits.dtype
        self._total_count = tf.convert_to_tensor(total_count, dtype=self._dtype, name="total_count")

    total_count = property(lambda self: self._total_count)

    def _event_shape(self) -> Any:
        return self.logits.get_shape()[-1:]

    def _batch_shape(self) -> Any:
        return tf.broadcast_static_shape(self._total_count.get_shape(), self._logits.get_shape()[:-1])

    def _sample_n(self, n: Any, seed: Any = None) -> Any:
        count = tf.get_static_value(self._total_count)
        if count is None or np.ndim(count) and len(set(np.ravel(count))) > 1:
            raise NotImplementedError("Multinomial.sample needs one known total_count")
        count = int(np.ravel(count)[0])
        flat = tf.reshape(self._logits, [-1, self.event_size])
        draws = tf.multinomial(flat, n * count, seed=seed)
        counts = tf.reduce_sum(tf.one_hot(tf.reshape(draws, [-1, n, count]), self.event_size, dtype=self.dtype), axis=2)
        counts = tf.transpose(counts, [1, 0, 2])
        return tf.reshape(counts, tf.concat([[n], tf.shape(self._logits)[:-1], [self.event_size]], 0))

    def _log_prob(self, counts: Any) -> Any:
        ways = tf.lgamma(1.0 + self._total_count) - tf.reduce_sum(tf.lgamma(1.0 + counts), axis=-1)
        return tf.reduce_sum(counts * tf.nn.log_softmax(self.logits), axis=-1) + ways

    def _mean(self) -> Any:
        return self.probs * self._total_count[..., tf.newaxis]

    def _covariance(self) -> Any:
        p = self.probs * tf.ones_like(self._total_count)[..., tf.newaxis]
        mean = self._mean()
        return tf.linalg.set_diag(-tf.matmul(mean[..., tf.newaxis], p[..., tf.newaxis, :]), self._variance())

    def _variance(self) -> Any:
        p = self.probs * tf.ones_like(self._total_count)[..., tf.newaxis]
        return self._mean() - self._mean() * p

    def _entropy(self) -> Any:
        raise NotImplementedError("entropy is not implemented: Multinomial")


@public("Dirichlet")
class Dirichlet(Distribution):
    """Probabilities that sum to 1."""

    def __init__(self, concentration: Any, validate_args: bool = False, allow_nan_stats: bool = True, name: str = "Dirichlet"):
        given = _given(locals())
        with tf.name_scope(name, values=[concentration]) as name:
            self._concentration = tf.convert_to_tensor(concentration, name="concentration")
            self._total_concentration = tf.reduce_sum(self._concentration, -1)
        super().__init__(self._concentration.dtype, FULLY_REPARAMETERIZED, validate_args, allow_nan_stats, given, [self._concentration], name)

    concentration = property(lambda self: self._concentration)
    total_concentration = property(lambda self: self._total_concentration)

    def _batch_shape(self) -> Any:
        return self._total_concentration.get_shape()

    def _batch_shape_tensor(self) -> Any:
        return tf.shape(self._total_concentration)

    def _event_shape(self) -> Any:
        return self._concentration.get_shape()[-1:]

    def _event_shape_tensor(self) -> Any:
        return tf.shape(self._concentration)[-1:]

    def _sample_n(self, n: Any, seed: Any = None) -> Any:
        gamma = tf.random_gamma(shape=[n], alpha=self._concentration, dtype=self.dtype, seed=seed)
        return gamma / tf.reduce_sum(gamma, -1, keepdims=True)

    def _log_prob(self, x: Any) -> Any:
        return tf.reduce_sum((self._concentration - 1.0) * tf.log(x), -1) - tf.math.lbeta(self._concentration)

    def _mean(self) -> Any:
        return self._concentration / self._total_concentration[..., tf.newaxis]

    def _variance(self) -> Any:
        mean = self._mean()
        return mean * (1.0 - mean) / (1.0 + self._total_concentration)[..., tf.newaxis]

    def _entropy(self) -> Any:
        k = tf.cast(self.event_shape_tensor()[0], self.dtype)
        return (tf.math.lbeta(self._concentration) + (self._total_concentration - k) * tf.digamma(self._total_concentration)
                - tf.reduce_sum((self._concentration - 1.0) * tf.digamma(self._concentration), axis=-1))  # fmt: skip

    def _mode(self) -> Any:
        k = tf.cast(self.event_shape_tensor()[0], self.dtype)
        mode = (self._concentration - 1.0) / (self._total_concentration[..., tf.newaxis] - k)
        defined = tf.reduce_all(self._concentration > 1.0, axis=-1, keepdims=True)
        return tf.where_v2(defined, mode, tf.fill(tf.shape(mode), np.array(np.nan, self.dtype.as_numpy_dtype)))


@public("DirichletMultinomial")
class DirichletMultinomial(Distribution):
    """Counts of draws whose probabilities are Dirichlet."""

    def __init__(self, total_count: Any, concentration: Any, validate_args: bool = False, allow_nan_stats: bool = True, name: str = "DirichletMultinomial"):
        given = _given(locals())
        with tf.name_scope(name, values=[total_count, concentration]) as name:
            self._concentration = tf.convert_to_tensor(concentration, name="concentration")
            self._total_count = tf.convert_to_tensor(total_count, name="total_count", dtype=self._concentration.dtype)
            self._total_concentration = tf.reduce_sum(self._concentration, -1)
        super().__init__(self._concentration.dtype, NOT_REPARAMETERIZED, validate_args, allow_nan_stats, given, name=name)

    total_count = property(lambda self: self._total_count)
    concentration = property(lambda self: self._concentration)
    total_concentration = property(lambda self: self._total_concentration)

    def _batch_shape(self) -> Any:
        return self._total_concentration.get_shape()

    def _batch_shape_tensor(self) -> Any:
        return tf.shape(self._total_concentration)

    def _event_shape(self) -> Any:
        return self._concentration.get_shape()[-1:]

    def _sample_n(self, n: Any, seed: Any = None) -> Any:
        gamma = tf.random_gamma(shape=[n], alpha=self._concentration, dtype=self.dtype, seed=seed)
        draws = Multinomial(self._total_count, logits=tf.log(gamma))
        return draws._sample_n(1, seed)[0]

    def _log_prob(self, counts: Any) -> Any:
        ways = tf.lgamma(1.0 + self._total_count) - tf.reduce_sum(tf.lgamma(1.0 + counts), axis=-1)
        return tf.math.lbeta(self._concentration + counts) - tf.math.lbeta(self._concentration) + ways

    def _mean(self) -> Any:
        return self._total_count[..., tf.newaxis] * self._concentration / self._total_concentration[..., tf.newaxis]


class _Gaussian(Distribution):
    """A multivariate normal: `loc` and a triangular factor of the covariance, or its diagonal."""

    def _build(self, given: dict[str, Any], loc: Any, diag: Any = None, tril: Any = None) -> None:
        with tf.name_scope(given["name"]) as name:
            factor = tf.convert_to_tensor(diag if tril is None else tril, name="scale")
            self._loc = None if loc is None else tf.convert_to_tensor(loc, name="loc", dtype=factor.dtype)
        self._diag, self._tril = (factor, None) if tril is None else (None, factor)
        super().__init__(factor.dtype, FULLY_REPARAMETERIZED, given.get("validate_args", False), given.get("allow_nan_stats", True), given, name=name)

    loc = property(lambda self: self._loc)

    @property
    def scale(self) -> Any:
        """The factor as a linear operator."""
        if self._tril is None:
            return tf.linalg.LinearOperatorDiag(self._diag, is_non_singular=True)
        return tf.linalg.LinearOperatorLowerTriangular(self._tril, is_non_singular=True)

    def _batch_shape(self) -> Any:
        shape = self._diag.get_shape()[:-1] if self._tril is None else self._tril.get_shape()[:-2]
        return shape if self._loc is None else tf.broadcast_static_shape(shape, self._loc.get_shape()[:-1])

    def _batch_shape_tensor(self) -> Any:
        shape = tf.shape(self._diag)[:-1] if self._tril is None else tf.shape(self._tril)[:-2]
        return shape if self._loc is None else tf.broadcast_dynamic_shape(shape, tf.shape(self._loc)[:-1])

    def _event_shape(self) -> Any:
        return (self._diag if self._tril is None else self._tril).get_shape()[-1:]

    def _event_shape_tensor(self) -> Any:
        return tf.shape(self._diag if self._tril is None else self._tril)[-1:]

    def _scaled(self, x: Any) -> Any:
        return x * self._diag if self._tril is None else tf.squeeze(tf.matmul(self._tril, x[..., tf.newaxis]) if x.get_shape().ndims == self._tril.get_shape().ndims - 1
                                                                     else tf.einsum("...ij,...j->...i", self._tril, x)[..., tf.newaxis], -1)  # fmt: skip

    def _whitened(self, x: Any) -> Any:
        x = x if self._loc is None else x - self._loc
        if self._tril is None:
            return x / self._diag
        return tf.squeeze(tf.linalg.triangular_solve(tf.broadcast_to(self._tril, tf.concat([tf.shape(x)[:-1], tf.shape(self._tril)[-2:]], 0)), x[..., tf.newaxis]), -1)

    def _log_det(self) -> Any:
        return tf.reduce_sum(tf.log(tf.abs(self._diag if self._tril is None else tf.linalg.diag_part(self._tril))), -1)

    def _sample_n(self, n: Any, seed: Any = None) -> Any:
        shape = tf.concat([[n], self.batch_shape_tensor(), self.event_shape_tensor()], 0)
        x = self._scaled(tf.random_normal(shape=shape, dtype=self.dtype, seed=seed))
        return x if self._loc is None else x + self._loc

    def _log_prob(self, x: Any) -> Any:
        size = tf.cast(self.event_shape_tensor()[0], self.dtype)
        return -0.5 * tf.reduce_sum(tf.square(self._whitened(x)), -1) - 0.5 * size * math.log(2.0 * math.pi) - self._log_det()

    def _entropy(self) -> Any:
        size = tf.cast(self.event_shape_tensor()[0], self.dtype)
        return 0.5 * size * (1.0 + math.log(2.0 * math.pi)) + self._log_det() * tf.ones(self.batch_shape_tensor(), self.dtype)

    def _zeros(self) -> Any:
        return tf.zeros(tf.concat([self.batch_shape_tensor(), self.event_shape_tensor()], 0), self.dtype)

    def _mean(self) -> Any:
        return self._zeros() if self._loc is None else self._loc + self._zeros()

    _mode = _mean

    def _covariance(self) -> Any:
        return tf.linalg.diag(tf.square(self._diag)) if self._tril is None else tf.matmul(self._tril, self._tril, transpose_b=True)

    def _variance(self) -> Any:
        return tf.square(self._diag) if self._tril is None else tf.reduce_sum(tf.square(self._tril), -1)


@contrib("distributions.MultivariateNormalDiag")
class MultivariateNormalDiag(_Gaussian):
    """A multivariate normal with a diagonal covariance."""

    def __init__(self, loc: Any = None, scale_diag: Any = None, scale_identity_multiplier: Any = None, validate_args: bool = False, allow_nan_stats: bool = True, name: str = "MultivariateNormalDiag"):
        given = _given(locals())
        if scale_diag is None and loc is None:
            raise ValueError("Must specify at least one of `loc` and `scale_diag`")
        if scale_diag is None:
            base = tf.ones_like(tf.convert_to_tensor(loc))
            diag = base if scale_identity_multiplier is None else base * tf.convert_to_tensor(scale_identity_multiplier, base.dtype)[..., tf.newaxis]
        else:
            diag = tf.convert_to_tensor(scale_diag)
            if scale_identity_multiplier is not None:
                diag = diag + tf.convert_to_tensor(scale_identity_multiplier, diag.dtype)[..., tf.newaxis]
        self._build(given, loc, diag=diag)


@contrib("distributions.MultivariateNormalDiagWithSoftplusScale")
class MultivariateNormalDiagWithSoftplusScale(MultivariateNormalDiag):
    """With softplus(scale_diag)."""

    def __init__(self, loc: Any, scale_diag: Any, validate_args: bool = False, allow_nan_stats: bool = True, name: str = "MultivariateNormalDiagWithSoftplusScale"):
        super().__init__(loc, tf.nn.softplus(scale_diag), None, validate_args, allow_nan_stats, name)


@contrib("distributions.MultivariateNormalTriL")
class MultivariateNormalTriL(_Gaussian):
    """A multivariate normal by a triangular factor of its covariance."""

    def __init__(self, loc: Any = None, scale_tril: Any = None, validate_args: bool = False, allow_nan_stats: bool = True, name: str = "MultivariateNormalTriL"):
        given = _given(locals())
        if scale_tril is None:
            if loc is None:
                raise ValueError("Must specify one or both of `loc`, `scale_tril`.")
            self._build(given, loc, diag=tf.ones_like(tf.convert_to_tensor(loc)))
        else:
            self._build(given, loc, tril=tf.matrix_band_part(tf.convert_to_tensor(scale_tril), -1, 0))


@contrib("distributions.MultivariateNormalFullCovariance")
class MultivariateNormalFullCovariance(_Gaussian):
    """A multivariate normal by its covariance."""

    def __init__(self, loc: Any = None, covariance_matrix: Any = None, validate_args: bool = False, allow_nan_stats: bool = True, name: str = "MultivariateNormalFullCovariance"):
        given = _given(locals())
        if covariance_matrix is None:
            self._build(given, loc, diag=tf.ones_like(tf.convert_to_tensor(loc)))
        else:
            self._build(given, loc, tril=tf.cholesky(tf.convert_to_tensor(covariance_matrix)))


@contrib("distributions.MixtureSameFamily")
class MixtureSameFamily(Distribution):
    """A mixture whose components are the last batch axis of one distribution."""

    def __init__(self, mixture_distribution: Any, components_distribution: Any, validate_args: bool = False, allow_nan_stats: bool = True, name: str = "MixtureSameFamily"):
        self._mixture_distribution, self._components_distribution = mixture_distribution, components_distribution
        super().__init__(components_distribution.dtype, NOT_REPARAMETERIZED, validate_args, allow_nan_stats, _given(locals()), name=name)

    mixture_distribution = property(lambda self: self._mixture_distribution)
    components_distribution = property(lambda self: self._components_distribution)

    def _batch_shape(self) -> Any:
        return self._components_distribution.batch_shape[:-1]

    def _batch_shape_tensor(self) -> Any:
        return self._components_distribution.batch_shape_tensor()[:-1]

    def _event_shape(self) -> Any:
        return self._components_distribution.event_shape

    def _pad(self, x: Any) -> Any:
        rank = self.event_shape.ndims
        return tf.expand_dims(x, -1 - rank)

    def _log_prob(self, x: Any) -> Any:
        each = self._components_distribution.log_prob(self._pad(x))
        return tf.reduce_logsumexp(each + tf.nn.log_softmax(self._mixture_distribution.logits), axis=-1)

    def _weights(self) -> Any:
        probs = self._mixture_distribution.probs
        for _ in range(self.event_shape.ndims):
            probs = probs[..., tf.newaxis]
        return probs

    def _mean(self) -> Any:
        return tf.reduce_sum(self._weights() * self._components_distribution.mean(), axis=-1 - self.event_shape.ndims)

    def _sample_n(self, n: Any, seed: Any = None) -> Any:
        x = self._components_distribution.sample(n, seed=seed)
        chosen = self._mixture_distribution.sample(n, seed=None if seed is None else seed + 1)
        mask = tf.one_hot(chosen, tf.shape(self._mixture_distribution.logits)[-1], dtype=x.dtype)
        for _ in range(self.event_shape.ndims):
            mask = mask[..., tf.newaxis]
        return tf.reduce_sum(x * mask, axis=-1 - self.event_shape.ndims)


@contrib("distributions.Mixture")
class Mixture(Distribution):
    """A mixture of several distributions."""

    def __init__(self, cat: Any, components: Any, validate_args: bool = False, allow_nan_stats: bool = True, use_static_graph: bool = False, name: str = "Mixture"):
        if not isinstance(cat, Categorical):
            raise TypeError(f"cat must be a Categorical distribution, but saw: {cat}")
        if not components:
            raise ValueError("components must be a non-empty list or tuple")
        self._cat, self._components = cat, list(components)
        super().__init__(self._components[0].dtype, NOT_REPARAMETERIZED, validate_args, allow_nan_stats, _given(locals()), name=name)

    cat = property(lambda self: self._cat)
    components = property(lambda self: self._components)
    num_components = property(lambda self: len(self._components))

    def _batch_shape(self) -> Any:
        return self._cat.batch_shape

    def _batch_shape_tensor(self) -> Any:
        return self._cat.batch_shape_tensor()

    def _event_shape(self) -> Any:
        return self._components[0].event_shape

    def _stacked(self, values: list[Any]) -> Any:
        return tf.stack(values, axis=-1)

    def _log_prob(self, x: Any) -> Any:
        each = self._stacked([c.log_prob(x) for c in self._components])
        return tf.reduce_logsumexp(each + tf.nn.log_softmax(self._cat.logits), axis=-1)

    def _mean(self) -> Any:
        weights = tf.unstack(self._cat.probs, num=len(self._components), axis=-1)
        for _ in range(self.event_shape.ndims):
            weights = [w[..., tf.newaxis] for w in weights]
        return tf.add_n([w * c.mean() for w, c in zip(weights, self._components)])

    def _sample_n(self, n: Any, seed: Any = None) -> Any:
        chosen = self._cat.sample(n, seed=seed)
        draws = [c.sample(n, seed=None if seed is None else seed + i + 1) for i, c in enumerate(self._components)]
        mask = tf.one_hot(chosen, len(self._components), dtype=draws[0].dtype)
        parts = tf.unstack(mask, axis=-1)
        for _ in range(self.event_shape.ndims):
            parts = [p[..., tf.newaxis] for p in parts]
        return tf.add_n([d * p for d, p in zip(draws, parts)])


@contrib("distributions.Independent")
class Independent(Distribution):
    """Batch axes of a distribution taken as axes of one event."""

    def __init__(self, distribution: Any, reinterpreted_batch_ndims: Any = None, validate_args: bool = False, name: Any = None):
        count = distribution.batch_shape.ndims - 1 if reinterpreted_batch_ndims is None else reinterpreted_batch_ndims
        self._distribution, self._count = distribution, count
        super().__init__(distribution.dtype, distribution.reparameterization_type, validate_args, distribution.allow_nan_stats, _given(locals()), name=name or "Independent" + distribution.name.rstrip("/"))

    distribution = property(lambda self: self._distribution)
    reinterpreted_batch_ndims = property(lambda self: self._count)

    def _batch_shape(self) -> Any:
        shape = self._distribution.batch_shape
        return shape[: shape.ndims - self._count]

    def _event_shape(self) -> Any:
        shape = self._distribution.batch_shape
        return shape[shape.ndims - self._count :].concatenate(self._distribution.event_shape)

    def _sample_n(self, n: Any, seed: Any = None) -> Any:
        return self._distribution.sample(n, seed=seed)

    def _over(self, value: Any) -> Any:
        return tf.reduce_sum(value, axis=list(range(-self._count, 0))) if self._count else value

    def _log_prob(self, x: Any) -> Any:
        return self._over(self._distribution.log_prob(x))

    def _entropy(self) -> Any:
        return self._over(self._distribution.entropy())

    def _mean(self) -> Any:
        return self._distribution.mean()

    def _variance(self) -> Any:
        return self._distribution.variance()

    def _stddev(self) -> Any:
        return self._distribution.stddev()

    def _mode(self) -> Any:
        return self._distribution.mode()


@RegisterKL(Categorical, Categorical)
@RegisterKL(OneHotCategorical, OneHotCategorical)
def _kl_categorical(a: Any, b: Any, name: Any = None) -> Any:
    with tf.name_scope(name, "kl_categorical_categorical"):
        delta = tf.nn.log_softmax(a.logits) - tf.nn.log_softmax(b.logits)
        return tf.reduce_sum(tf.nn.softmax(a.logits) * delta, axis=-1)


@RegisterKL(Dirichlet, Dirichlet)
def _kl_dirichlet(d1: Any, d2: Any, name: Any = None) -> Any:
    with tf.name_scope(name, "kl_dirichlet_dirichlet"):
        inner = tf.digamma(d1.concentration) - tf.digamma(d1.total_concentration)[..., tf.newaxis]
        return tf.reduce_sum((d1.concentration - d2.concentration) * inner, axis=-1) - tf.math.lbeta(d1.concentration) + tf.math.lbeta(d2.concentration)


@RegisterKL(_Gaussian, _Gaussian)
def _kl_gaussian(a: Any, b: Any, name: Any = None) -> Any:
    with tf.name_scope(name, "kl_mvn"):
        size = tf.cast(a.event_shape_tensor()[0], a.dtype)
        distance = tf.reduce_sum(tf.square(b._whitened(a._mean())), -1)
        full = tf.linalg.diag(a._diag) if a._tril is None else a._tril
        other = tf.linalg.diag(b._diag) if b._tril is None else b._tril
        inner = tf.linalg.triangular_solve(tf.broadcast_to(other, tf.broadcast_dynamic_shape(tf.shape(other), tf.shape(full))), full + tf.zeros_like(other))
        return b._log_det() - a._log_det() + 0.5 * (-size + tf.reduce_sum(tf.square(inner), [-2, -1]) + distance)


@RegisterKL(Independent, Independent)
def _kl_independent(a: Any, b: Any, name: Any = None) -> Any:
    with tf.name_scope(name, "kl_independent"):
        from penstock.contrib.distributions.base import kl_divergence

        return a._over(kl_divergence(a.distribution, b.distribution))
