"""tf.distributions and tf.contrib.distributions, run by real TensorFlow 1.15 (make_contrib.py) and by the tests."""

import numpy as np


def numbers(*shape, **how):
    return (np.sin(np.arange(int(np.prod(shape)), dtype=np.float32) * how.get("step", 1.3) + how.get("at", 0.2)) * 0.5).reshape(shape)


def positive(*shape, **how):
    return np.abs(numbers(*shape, **how)) + np.float32(0.3)


STATISTICS = ("mean", "variance", "stddev", "entropy", "mode")
CASES = {
    "normal": (lambda tf, D: D.Normal(numbers(2, 3), positive(3)), lambda tf: numbers(2, 3, at=1.0), STATISTICS + ("cdf", "log_cdf", "survival_function", "log_survival_function", "quantile")),
    "normal_scalar": (lambda tf, D: D.Normal(loc=0.0, scale=2.0), lambda tf: np.float32(0.7), STATISTICS),
    "uniform": (lambda tf, D: D.Uniform(low=[0.0, -1.0], high=2.0), lambda tf: np.float32([0.5, 3.0]), ("mean", "variance", "stddev", "entropy", "cdf")),
    "laplace": (lambda tf, D: D.Laplace(numbers(3), positive(3)), lambda tf: numbers(3, at=1.0), STATISTICS + ("cdf",)),
    "gamma": (lambda tf, D: D.Gamma(positive(3) + 1, positive(3, at=1.0)), lambda tf: positive(3, at=2.0), STATISTICS + ("cdf",)),
    "exponential": (lambda tf, D: D.Exponential(positive(3)), lambda tf: positive(3, at=2.0), ("mean", "variance", "entropy", "cdf")),
    "beta": (lambda tf, D: D.Beta(positive(3) + 1, positive(3, at=1.0) + 1), lambda tf: positive(3, at=2.0) * 0.5, STATISTICS + ("cdf",)),
    "student": (lambda tf, D: D.StudentT(positive(3) * 5, numbers(3), positive(3)), lambda tf: numbers(3, at=2.0), ("mean", "variance", "entropy", "mode")),
    "bernoulli": (lambda tf, D: D.Bernoulli(probs=[0.3, 0.8]), lambda tf: np.int32([1, 0]), STATISTICS),
    "bernoulli_logits": (lambda tf, D: D.Bernoulli(logits=numbers(2, 3), dtype=tf.float32), lambda tf: np.float32([[1, 0, 1], [0, 0, 1]]), STATISTICS),
    "categorical": (lambda tf, D: D.Categorical(logits=numbers(2, 4)), lambda tf: np.int32([1, 3]), ("entropy", "mode")),
    "categorical_probs": (lambda tf, D: D.Categorical(probs=[0.2, 0.5, 0.3]), lambda tf: np.int32([1, 0, 2]), ("entropy", "mode")),
    "multinomial": (lambda tf, D: D.Multinomial(4.0, probs=[0.2, 0.5, 0.3]), lambda tf: np.float32([1, 2, 1]), ("mean", "variance", "covariance")),
    "dirichlet": (lambda tf, D: D.Dirichlet(positive(2, 3) + 1), lambda tf: np.float32([[0.2, 0.5, 0.3], [0.1, 0.1, 0.8]]), ("mean", "variance", "entropy")),
    "dirichlet_multinomial": (lambda tf, D: D.DirichletMultinomial(4.0, positive(3)), lambda tf: np.float32([1, 2, 1]), ("mean",)),
}
CONTRIB = {
    "mvn_diag": (lambda tf, D: D.MultivariateNormalDiag(numbers(2, 3), positive(3)), lambda tf: numbers(2, 3, at=1.0), ("mean", "variance", "stddev", "entropy", "mode")),
    "mvn_identity": (lambda tf, D: D.MultivariateNormalDiag(numbers(2, 3), scale_identity_multiplier=0.5), lambda tf: numbers(2, 3, at=1.0), ("mean", "entropy")),
    "mvn_tril": (lambda tf, D: D.MultivariateNormalTriL(numbers(2), np.float32([[1.0, 0], [0.5, 2.0]])), lambda tf: numbers(2, at=1.0), ("mean", "variance", "entropy", "covariance")),
    "mvn_full": (lambda tf, D: D.MultivariateNormalFullCovariance(numbers(2), np.float32([[1.0, 0.3], [0.3, 2.0]])), lambda tf: numbers(2, at=1.0), ("mean", "entropy")),
    "one_hot": (lambda tf, D: D.OneHotCategorical(logits=numbers(2, 3)), lambda tf: np.int32([[1, 0, 0], [0, 0, 1]]), ("entropy", "mode")),
    "poisson": (lambda tf, D: D.Poisson(positive(3) * 3), lambda tf: np.float32([0, 1, 4]), ("mean", "variance", "mode")),
    "logistic": (lambda tf, D: D.Logistic(numbers(3), positive(3)), lambda tf: numbers(3, at=1.0), STATISTICS),
    "relaxed": (lambda tf, D: D.RelaxedOneHotCategorical(0.5, logits=numbers(2, 3)), lambda tf: np.float32([[0.2, 0.5, 0.3], [0.1, 0.1, 0.8]]), ()),
    "mixture_same": (lambda tf, D: D.MixtureSameFamily(D.Categorical(probs=[0.3, 0.7]), D.Normal(loc=[-1.0, 1.0], scale=[0.1, 0.5])), lambda tf: numbers(3), ("mean",)),
    "mixture": (lambda tf, D: D.Mixture(D.Categorical(probs=[0.3, 0.7]), [D.Normal(-1.0, 0.1), D.Normal(1.0, 0.5)]), lambda tf: np.float32(0.3), ("mean",)),
    "independent": (lambda tf, D: D.Independent(D.Normal(numbers(2, 3), positive(3)), 1), lambda tf: numbers(2, 3, at=1.0), ("mean", "entropy")),
}
KLS = {
    "normal": lambda tf, D: (D.Normal(numbers(3), positive(3)), D.Normal(0.0, 1.0)),
    "bernoulli": lambda tf, D: (D.Bernoulli(probs=0.3), D.Bernoulli(probs=[0.5, 0.9])),
    "beta": lambda tf, D: (D.Beta(1.5, 2.0), D.Beta(3.0, 1.2)),
    "gamma": lambda tf, D: (D.Gamma(1.5, 2.0), D.Gamma(3.0, 1.2)),
    "categorical": lambda tf, D: (D.Categorical(logits=numbers(2, 3)), D.Categorical(logits=numbers(2, 3, at=1.0))),
    "dirichlet": lambda tf, D: (D.Dirichlet(positive(3)), D.Dirichlet(positive(3, at=1.0))),
    "mvn": lambda tf, D: (D.MultivariateNormalDiag(numbers(3), positive(3)), D.MultivariateNormalDiag(numbers(3, at=2.0), positive(3, at=1.0))),
}
EXACT = ("normal", "normal_scalar", "uniform", "laplace", "bernoulli", "bernoulli_logits", "categorical", "categorical_probs", "exponential", "mvn_diag")
PROGRAMS = list(CASES) + list(CONTRIB) + ["kl_" + k for k in KLS]
LOOSE = {"student": 1e-3}


def run(tf, name):
    with tf.Graph().as_default(), tf.Session() as sess:
        if name.startswith("kl_"):
            a, b = KLS[name[3:]](tf, tf.contrib.distributions)
            return {"kl": sess.run(tf.distributions.kl_divergence(a, b)), "names": np.array([""])}
        make, value, statistics = CASES[name] if name in CASES else CONTRIB[name]
        d = make(tf, tf.distributions if name in CASES else tf.contrib.distributions)
        x = tf.constant(value(tf))
        fetches = {"log_prob": d.log_prob(x), "prob": d.prob(x)}
        for key in statistics:
            if key in ("cdf", "log_cdf", "survival_function", "log_survival_function"):
                fetches[key] = getattr(d, key)(x)
            elif key == "quantile":
                fetches[key] = d.quantile(tf.constant(0.3))
            else:
                fetches[key] = getattr(d, key)()
        drawn = d.sample([2, 3], seed=5)
        if name in EXACT:
            fetches["sample"] = drawn
            fetches["one"] = d.sample(seed=9)
        found = sess.run(fetches)
        found["names"] = np.array([str(drawn.shape), drawn.dtype.name, str(d.batch_shape), str(d.event_shape), str(d.sample().shape), str(d), str(sess.run(drawn).shape)])
        return found
