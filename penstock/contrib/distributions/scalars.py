"""Distributions of numbers: Normal, Uniform, Exponential, Gamma, Beta, Laplace, StudentT, Bernoulli, Poisson, ..."""

import math
from typing import Any

import numpy as np

import penstock.compat.v1 as tf
from penstock.contrib.distributions.base import (
    FULLY_REPARAMETERIZED,
    NOT_REPARAMETERIZED,
    Distribution,
    RegisterKL,
    gen_new_seed,
    public,
)
from penstock.contrib.names import contrib


class Scalar(Distribution):
    """A distribution of numbers whose batch is what its parameters broadcast to."""

    _needs: tuple[str, ...] = ()

    def _take(self, parameters: dict[str, Any], reparameterized: Any, **values: Any) -> None:
        given = {k: v for k, v in parameters.items() if k not in ("self", "__class__")}
        with tf.name_scope(given["name"], values=list(values.values())) as name:
            floats = [v.dtype for v in values.values() if isinstance(v, (tf.Tensor, tf.Variable)) or hasattr(v, "dtype") and not np.isscalar(v)]
            wanted = next((tf.as_dtype(f).base_dtype for f in floats if tf.as_dtype(f).is_floating), tf.float32)
            self._tensors = {k: tf.convert_to_tensor(v, name=k, dtype=None if isinstance(v, tf.Tensor) else wanted) for k, v in values.items()}
        for k, v in self._tensors.items():
            setattr(self, f"_{k}", v)
        dtype = next(iter(self._tensors.values())).dtype
        super().__init__(dtype=dtype, reparameterization_type=reparameterized, validate_args=given.get("validate_args", False),
                         allow_nan_stats=given.get("allow_nan_stats", True), parameters=given, graph_parents=list(self._tensors.values()), name=name)  # fmt: skip

    def _batch_shape(self) -> Any:
        shape = tf.TensorShape([])
        for v in self._tensors.values():
            shape = tf.broadcast_static_shape(shape, v.get_shape())
        return shape

    def _batch_shape_tensor(self) -> Any:
        shape = tf.constant([], tf.int32)
        for v in self._tensors.values():
            shape = tf.broadcast_dynamic_shape(shape, tf.shape(v))
        return shape

    def _shape(self, n: Any) -> Any:
        return tf.concat([[n], self.batch_shape_tensor()], 0)

    def _spread(self, value: Any) -> Any:
        return value * tf.ones(self.batch_shape_tensor(), dtype=value.dtype)


@public("Normal")
class Normal(Scalar):
    """The normal distribution."""

    def __init__(self, loc: Any, scale: Any, validate_args: bool = False, allow_nan_stats: bool = True, name: str = "Normal"):
        self._take(locals(), FULLY_REPARAMETERIZED, loc=loc, scale=scale)

    loc = property(lambda self: self._loc)
    scale = property(lambda self: self._scale)
    _z = lambda self, x: (x - self.loc) / self.scale

    def _sample_n(self, n: Any, seed: Any = None) -> Any:
        return tf.random_normal(shape=self._shape(n), mean=0.0, stddev=1.0, dtype=self.loc.dtype, seed=seed) * self.scale + self.loc

    def _log_prob(self, x: Any) -> Any:
        return -0.5 * tf.square(self._z(x)) - (0.5 * math.log(2.0 * math.pi) + tf.log(self.scale))

    def _cdf(self, x: Any) -> Any:
        return 0.5 * tf.erfc(-self._z(x) / math.sqrt(2.0))

    def _log_cdf(self, x: Any) -> Any:
        return tf.log(self._cdf(x))

    def _survival_function(self, x: Any) -> Any:
        return 0.5 * tf.erfc(self._z(x) / math.sqrt(2.0))

    def _log_survival_function(self, x: Any) -> Any:
        return tf.log(self._survival_function(x))

    def _quantile(self, p: Any) -> Any:
        return self.loc + self.scale * tf.math.ndtri(p)

    def _entropy(self) -> Any:
        return 0.5 * math.log(2.0 * math.pi * math.e) + tf.log(self.scale * tf.ones_like(self.loc))

    def _mean(self) -> Any:
        return self.loc * tf.ones_like(self.scale)

    def _stddev(self) -> Any:
        return self.scale * tf.ones_like(self.loc)

    _mode = _mean

    @classmethod
    def _param_shapes(cls, sample_shape: Any) -> Any:
        return dict(zip(("loc", "scale"), [tf.convert_to_tensor(sample_shape, dtype=tf.int32)] * 2))


@contrib("distributions.NormalWithSoftplusScale")
class NormalWithSoftplusScale(Normal):
    """Normal with softplus(scale)."""

    def __init__(self, loc: Any, scale: Any, validate_args: bool = False, allow_nan_stats: bool = True, name: str = "NormalWithSoftplusScale"):
        super().__init__(loc, tf.nn.softplus(scale, name="softplus_scale"), validate_args, allow_nan_stats, name)


@public("Uniform")
class Uniform(Scalar):
    """The uniform distribution on [low, high)."""

    def __init__(self, low: Any = 0.0, high: Any = 1.0, validate_args: bool = False, allow_nan_stats: bool = True, name: str = "Uniform"):
        self._take(locals(), FULLY_REPARAMETERIZED, low=low, high=high)

    low = property(lambda self: self._low)
    high = property(lambda self: self._high)

    def range(self, name: str = "range") -> Any:
        with self._scope(name):
            return self.high - self.low

    def _sample_n(self, n: Any, seed: Any = None) -> Any:
        return self.low + self.range() * tf.random_uniform(shape=self._shape(n), dtype=self.dtype, seed=seed)

    def _prob(self, x: Any) -> Any:
        inside = tf.logical_and(x >= self.low, x < self.high)
        return tf.where_v2(tf.is_nan(x), x, tf.where_v2(inside, tf.ones_like(x) / self.range(), tf.zeros_like(x)))

    def _cdf(self, x: Any) -> Any:
        return tf.clip_by_value((x - self.low) / self.range(), 0.0, 1.0)

    def _quantile(self, p: Any) -> Any:
        return self.low + p * self.range()

    def _entropy(self) -> Any:
        return tf.log(self.range())

    def _mean(self) -> Any:
        return (self.low + self.high) / 2.0

    def _variance(self) -> Any:
        return tf.square(self.range()) / 12.0

    def _stddev(self) -> Any:
        return self.range() / math.sqrt(12.0)


@public("Laplace")
class Laplace(Scalar):
    """The Laplace distribution."""

    def __init__(self, loc: Any, scale: Any, validate_args: bool = False, allow_nan_stats: bool = True, name: str = "Laplace"):
        self._take(locals(), FULLY_REPARAMETERIZED, loc=loc, scale=scale)

    loc = property(lambda self: self._loc)
    scale = property(lambda self: self._scale)
    _z = lambda self, x: (x - self.loc) / self.scale

    def _sample_n(self, n: Any, seed: Any = None) -> Any:
        u = tf.random_uniform(shape=self._shape(n), minval=np.nextafter(self.dtype.as_numpy_dtype(-1.0), self.dtype.as_numpy_dtype(0.0)), maxval=1.0, dtype=self.dtype, seed=seed)
        return self.loc - self.scale * tf.sign(u) * tf.log1p(-tf.abs(u))

    def _log_prob(self, x: Any) -> Any:
        return -tf.abs(self._z(x)) - math.log(2.0) - tf.log(self.scale)

    def _cdf(self, x: Any) -> Any:
        z = self._z(x)
        return 0.5 + 0.5 * tf.sign(z) * (1.0 - tf.exp(-tf.abs(z)))

    def _entropy(self) -> Any:
        return math.log(2.0) + 1.0 + tf.log(self.scale + tf.zeros_like(self.loc))

    def _mean(self) -> Any:
        return self.loc + tf.zeros_like(self.scale)

    def _stddev(self) -> Any:
        return math.sqrt(2.0) * self.scale + tf.zeros_like(self.loc)

    _mode = _mean


@public("Gamma")
class Gamma(Scalar):
    """The gamma distribution."""

    def __init__(self, concentration: Any, rate: Any, validate_args: bool = False, allow_nan_stats: bool = True, name: str = "Gamma"):
        self._take(locals(), FULLY_REPARAMETERIZED, concentration=concentration, rate=rate)

    concentration = property(lambda self: self._concentration)
    rate = property(lambda self: self._rate)

    def _sample_n(self, n: Any, seed: Any = None) -> Any:
        return tf.random_gamma(shape=[n], alpha=self.concentration, beta=self.rate, dtype=self.dtype, seed=seed)

    def _log_prob(self, x: Any) -> Any:
        normalization = tf.lgamma(self.concentration) - self.concentration * tf.log(self.rate)
        return (self.concentration - 1.0) * tf.log(x) - self.rate * x - normalization

    def _cdf(self, x: Any) -> Any:
        return tf.igamma(self.concentration, self.rate * x)

    def _entropy(self) -> Any:
        return self.concentration - tf.log(self.rate) + tf.lgamma(self.concentration) + (1.0 - self.concentration) * tf.digamma(self.concentration)

    def _mean(self) -> Any:
        return self.concentration / self.rate

    def _variance(self) -> Any:
        return self.concentration / tf.square(self.rate)

    def _stddev(self) -> Any:
        return tf.sqrt(self.concentration) / self.rate

    def _mode(self) -> Any:
        mode = (self.concentration - 1.0) / self.rate
        return tf.where_v2(self.concentration > 1.0, mode, tf.fill(tf.shape(mode), np.array(np.nan, self.dtype.as_numpy_dtype)))


@public("Exponential")
class Exponential(Gamma):
    """The exponential distribution."""

    def __init__(self, rate: Any, validate_args: bool = False, allow_nan_stats: bool = True, name: str = "Exponential"):
        given = {k: v for k, v in locals().items() if k not in ("self", "__class__")}
        with tf.name_scope(name, values=[rate]) as name:
            rate = tf.convert_to_tensor(rate, name="rate")
        super().__init__(concentration=tf.ones([], dtype=rate.dtype), rate=rate, validate_args=validate_args, allow_nan_stats=allow_nan_stats, name=name)
        self._parameters = given

    def _sample_n(self, n: Any, seed: Any = None) -> Any:
        tiny = np.finfo(self.dtype.as_numpy_dtype).tiny
        sampled = tf.random_uniform(tf.concat([[n], tf.shape(self._rate)], 0), minval=tiny, maxval=1.0, seed=seed, dtype=self.dtype)
        return -tf.log(sampled) / self._rate


@public("Beta")
class Beta(Scalar):
    """The beta distribution."""

    def __init__(self, concentration1: Any = None, concentration0: Any = None, validate_args: bool = False, allow_nan_stats: bool = True, name: str = "Beta"):
        concentration1 = 1.0 if concentration1 is None else concentration1
        concentration0 = 1.0 if concentration0 is None else concentration0
        self._take(locals(), FULLY_REPARAMETERIZED, concentration1=concentration1, concentration0=concentration0)

    concentration1 = property(lambda self: self._concentration1)
    concentration0 = property(lambda self: self._concentration0)
    total_concentration = property(lambda self: self._concentration1 + self._concentration0)

    def _sample_n(self, n: Any, seed: Any = None) -> Any:
        one1, one0 = (self._spread(tf.ones_like(self.total_concentration, dtype=self.dtype)) * c for c in (self.concentration1, self.concentration0))
        g1 = tf.random_gamma(shape=[n], alpha=one1, dtype=self.dtype, seed=seed)
        g2 = tf.random_gamma(shape=[n], alpha=one0, dtype=self.dtype, seed=gen_new_seed(seed, "beta"))
        return g1 / (g1 + g2)

    def _log_normalization(self) -> Any:
        return tf.lgamma(self.concentration1) + tf.lgamma(self.concentration0) - tf.lgamma(self.total_concentration)

    def _log_prob(self, x: Any) -> Any:
        return (self.concentration1 - 1.0) * tf.log(x) + (self.concentration0 - 1.0) * tf.log1p(-x) - self._log_normalization()

    def _cdf(self, x: Any) -> Any:
        return tf.betainc(self.concentration1, self.concentration0, x)

    def _entropy(self) -> Any:
        return (self._log_normalization() - (self.concentration1 - 1.0) * tf.digamma(self.concentration1)
                - (self.concentration0 - 1.0) * tf.digamma(self.concentration0) + (self.total_concentration - 2.0) * tf.digamma(self.total_concentration))  # fmt: skip

    def _mean(self) -> Any:
        return self.concentration1 / self.total_concentration

    def _variance(self) -> Any:
        return self._mean() * (1.0 - self._mean()) / (1.0 + self.total_concentration)

    def _mode(self) -> Any:
        mode = (self.concentration1 - 1.0) / (self.total_concentration - 2.0)
        defined = tf.logical_and(self.concentration1 > 1.0, self.concentration0 > 1.0)
        return tf.where_v2(defined, mode, tf.fill(tf.shape(mode), np.array(np.nan, self.dtype.as_numpy_dtype)))


@public("StudentT")
class StudentT(Scalar):
    """Student's t distribution."""

    def __init__(self, df: Any, loc: Any, scale: Any, validate_args: bool = False, allow_nan_stats: bool = True, name: str = "StudentT"):
        self._take(locals(), FULLY_REPARAMETERIZED, df=df, loc=loc, scale=scale)

    df = property(lambda self: self._df)
    loc = property(lambda self: self._loc)
    scale = property(lambda self: self._scale)

    def _sample_n(self, n: Any, seed: Any = None) -> Any:
        normal = tf.random_normal(self._shape(n), dtype=self.dtype, seed=seed)
        df = self._spread(self.df)
        gamma = tf.random_gamma([n], 0.5 * df, beta=0.5, dtype=self.dtype, seed=gen_new_seed(seed, "student_t"))
        return normal * tf.math.rsqrt(gamma / df) * self.scale + self.loc

    def _log_prob(self, x: Any) -> Any:
        y = (x - self.loc) / self.scale
        normalization = tf.log(tf.abs(self.scale)) + 0.5 * tf.log(self.df) + 0.5 * math.log(math.pi) + tf.lgamma(0.5 * self.df) - tf.lgamma(0.5 * (self.df + 1.0))
        return -0.5 * (self.df + 1.0) * tf.log1p(y**2.0 / self.df) - normalization

    def _mean(self) -> Any:
        mean = self._spread(self.loc)
        return tf.where_v2(self.df > 1.0, mean, tf.fill(tf.shape(mean), np.array(np.nan, self.dtype.as_numpy_dtype)))

    def _variance(self) -> Any:
        nan = np.array(np.nan, self.dtype.as_numpy_dtype)
        safe = tf.where_v2(self.df > 2.0, self.df - 2.0, tf.ones_like(self.df))
        variance = self._spread(tf.square(self.scale) * self.df / safe)
        variance = tf.where_v2(self.df > 2.0, variance, np.array(np.inf, self.dtype.as_numpy_dtype))
        return tf.where_v2(self.df > 1.0, variance, nan)

    def _mode(self) -> Any:
        return self._spread(self.loc)

    def _entropy(self) -> Any:
        df = self._spread(self.df)
        lbeta = tf.lgamma(0.5 * df) + math.log(math.pi) / 2 - tf.lgamma(0.5 * (df + 1))
        return tf.log(tf.abs(self._spread(self.scale))) + 0.5 * tf.log(df) + lbeta + 0.5 * (df + 1.0) * (tf.digamma(0.5 * (df + 1.0)) - tf.digamma(0.5 * df))


@public("Bernoulli")
class Bernoulli(Scalar):
    """0 or 1; `probs` or `logits` of 1."""

    def __init__(self, logits: Any = None, probs: Any = None, dtype: Any = tf.int32, validate_args: bool = False, allow_nan_stats: bool = True, name: str = "Bernoulli"):
        if (probs is None) == (logits is None):
            raise ValueError("Must pass probs or logits, but not both.")
        if probs is None:
            self._take(locals(), NOT_REPARAMETERIZED, logits=logits)
            self._probs = tf.sigmoid(self._logits, name="probs")
        else:
            self._take(locals(), NOT_REPARAMETERIZED, probs=probs)
            self._logits = tf.log(self._probs) - tf.log1p(-self._probs)
        self._dtype = tf.as_dtype(dtype)

    logits = property(lambda self: self._logits)
    probs = property(lambda self: self._probs)

    def _value(self, value: Any) -> Any:
        return tf.convert_to_tensor(value, name="value")

    def _sample_n(self, n: Any, seed: Any = None) -> Any:
        return tf.cast(tf.less(tf.random_uniform(self._shape(n), seed=seed, dtype=self.probs.dtype), self.probs), self.dtype)

    def _log_prob(self, event: Any) -> Any:
        event = tf.cast(event, self.logits.dtype)
        logits = self.logits + tf.zeros_like(event)
        return -tf.nn.sigmoid_cross_entropy_with_logits(labels=event + tf.zeros_like(logits), logits=logits)

    def _entropy(self) -> Any:
        return -self.logits * (tf.sigmoid(self.logits) - 1) + tf.nn.softplus(-self.logits)

    def _mean(self) -> Any:
        return tf.identity(self.probs)

    def _variance(self) -> Any:
        return self._mean() * (1.0 - self.probs)

    def _mode(self) -> Any:
        return tf.cast(self.probs > 0.5, self.dtype)


@contrib("distributions.Poisson")
class Poisson(Scalar):
    """The Poisson distribution."""

    def __init__(self, rate: Any = None, log_rate: Any = None, validate_args: bool = False, allow_nan_stats: bool = True, name: str = "Poisson"):
        if (rate is None) == (log_rate is None):
            raise ValueError("Must specify exactly one of `rate` and `log_rate`.")
        self._take(locals(), NOT_REPARAMETERIZED, rate=rate if log_rate is None else tf.exp(log_rate))
        self._log_rate = tf.log(self._rate) if log_rate is None else tf.convert_to_tensor(log_rate)

    rate = property(lambda self: self._rate)
    log_rate = property(lambda self: self._log_rate)

    def _sample_n(self, n: Any, seed: Any = None) -> Any:
        return tf.random_poisson(self.rate, [n], dtype=self.dtype, seed=seed)

    def _log_prob(self, x: Any) -> Any:
        return x * self.log_rate - tf.lgamma(1.0 + x) - self.rate

    def _cdf(self, x: Any) -> Any:
        return tf.igammac(1.0 + tf.floor(x), self.rate)

    def _mean(self) -> Any:
        return tf.identity(self.rate)

    def _variance(self) -> Any:
        return tf.identity(self.rate)

    def _mode(self) -> Any:
        return tf.floor(self.rate)


@contrib("distributions.Deterministic")
class Deterministic(Scalar):
    """One value."""

    def __init__(self, loc: Any, atol: Any = None, rtol: Any = None, validate_args: bool = False, allow_nan_stats: bool = True, name: str = "Deterministic"):
        self._take(locals(), FULLY_REPARAMETERIZED, loc=loc)
        self._slack = (0 if atol is None else atol) + (0 if rtol is None else rtol * tf.abs(self._loc))

    loc = property(lambda self: self._loc)

    def _sample_n(self, n: Any, seed: Any = None) -> Any:
        return tf.ones(self._shape(n), self.dtype) * self.loc

    def _prob(self, x: Any) -> Any:
        return tf.cast(tf.abs(x - self.loc) <= self._slack, self.dtype)

    def _cdf(self, x: Any) -> Any:
        return tf.cast(x >= self.loc - self._slack, self.dtype)

    def _mean(self) -> Any:
        return tf.identity(self.loc)

    _mode = _mean

    def _variance(self) -> Any:
        return tf.zeros_like(self.loc)

    def _entropy(self) -> Any:
        return tf.zeros(self.batch_shape_tensor(), dtype=self.dtype)


@contrib("distributions.Logistic")
class Logistic(Scalar):
    """The logistic distribution."""

    def __init__(self, loc: Any, scale: Any, validate_args: bool = False, allow_nan_stats: bool = True, name: str = "Logistic"):
        self._take(locals(), FULLY_REPARAMETERIZED, loc=loc, scale=scale)

    loc = property(lambda self: self._loc)
    scale = property(lambda self: self._scale)
    _z = lambda self, x: (x - self.loc) / self.scale

    def _sample_n(self, n: Any, seed: Any = None) -> Any:
        u = tf.random_uniform(self._shape(n), minval=np.finfo(self.dtype.as_numpy_dtype).tiny, maxval=1.0, dtype=self.dtype, seed=seed)
        return (tf.log(u) - tf.log1p(-u)) * self.scale + self.loc

    def _log_prob(self, x: Any) -> Any:
        z = self._z(x)
        return -z - 2.0 * tf.nn.softplus(-z) - tf.log(self.scale)

    def _cdf(self, x: Any) -> Any:
        return tf.sigmoid(self._z(x))

    def _entropy(self) -> Any:
        return 2.0 + tf.log(self._spread(self.scale))

    def _mean(self) -> Any:
        return self._spread(self.loc)

    _mode = _mean

    def _stddev(self) -> Any:
        return self._spread(self.scale) * math.pi / math.sqrt(3)


# -- divergences -------------------------------------------------------------------------------------------------------
@RegisterKL(Normal, Normal)
def _kl_normal(n_a: Any, n_b: Any, name: Any = None) -> Any:
    with tf.name_scope(name, "kl_normal_normal"):
        s_a, s_b = tf.square(n_a.scale), tf.square(n_b.scale)
        ratio = s_a / s_b
        return tf.squared_difference(n_a.loc, n_b.loc) / (2.0 * s_b) + 0.5 * (ratio - 1.0 - tf.log(ratio))


@RegisterKL(Bernoulli, Bernoulli)
def _kl_bernoulli(a: Any, b: Any, name: Any = None) -> Any:
    with tf.name_scope(name, "kl_bernoulli_bernoulli"):
        delta0 = tf.nn.softplus(-b.logits) - tf.nn.softplus(-a.logits)
        delta1 = tf.nn.softplus(b.logits) - tf.nn.softplus(a.logits)
        return tf.sigmoid(a.logits) * delta0 + tf.sigmoid(-a.logits) * delta1


@RegisterKL(Beta, Beta)
def _kl_beta(d1: Any, d2: Any, name: Any = None) -> Any:
    with tf.name_scope(name, "kl_beta_beta"):
        delta = lambda f: f(d2) - f(d1)
        return (delta(lambda d: d._log_normalization()) - tf.digamma(d1.concentration1) * delta(lambda d: d.concentration1)
                - tf.digamma(d1.concentration0) * delta(lambda d: d.concentration0) + tf.digamma(d1.total_concentration) * delta(lambda d: d.total_concentration))  # fmt: skip


@RegisterKL(Gamma, Gamma)
def _kl_gamma(g0: Any, g1: Any, name: Any = None) -> Any:
    with tf.name_scope(name, "kl_gamma_gamma"):
        return ((g0.concentration - g1.concentration) * tf.digamma(g0.concentration) + tf.lgamma(g1.concentration) - tf.lgamma(g0.concentration)
                + g1.concentration * tf.log(g0.rate) - g1.concentration * tf.log(g1.rate) + g0.concentration * (g1.rate / g0.rate - 1.0))  # fmt: skip
