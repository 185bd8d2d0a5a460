"""Programs that draw random numbers, run alike on TensorFlow (`make_random.py`) and here: name -> function of `tf`."""

import numpy as np

FLOATS = "float16", "bfloat16", "float32", "float64"
CASES = {}


def case(name):
    return lambda program: CASES.setdefault(name, program)


def add(name, program):
    CASES[name] = program


# -- ops, eagerly: two draws of one seeded op, the second of another size ----------------------------------------------------
for _op in ("RandomUniform", "RandomStandardNormal", "TruncatedNormal"):
    for _dtype in FLOATS:
        add(
            f"raw/{_op}/{_dtype}",
            lambda tf, op=_op, d=_dtype: [
                getattr(tf.raw_ops, op)(shape=s, dtype=d, seed=123456789012, seed2=987654321098)
                for s in ([37], [3, 5], [0, 2], [2])
            ],
        )
for _dtype in ("int32", "int64"):
    for _low, _high in ((-7, 100), (0, 1), (-(2**31), 2**31 - 1)):
        add(
            f"raw/RandomUniformInt/{_dtype}/{_low}",
            lambda tf, d=_dtype, low=_low, high=_high: [
                tf.raw_ops.RandomUniformInt(
                    shape=s, minval=tf.constant(low, d), maxval=tf.constant(high, d), seed=-5, seed2=9
                )
                for s in ([21], [4])
            ],
        )
for _dtype in ("float16", "float32", "float64"):
    add(
        f"raw/RandomGamma/{_dtype}",
        lambda tf, d=_dtype: [
            tf.raw_ops.RandomGamma(
                shape=[6, 2], alpha=tf.constant([[0.3, 2.5], [1.0, 1000.0], [0.9, 40.0]], d), seed=7, seed2=8
            )
            for _ in range(2)
        ],
    )
for _dtype, _rate in (
    ("float16", "float32"),
    ("float32", "float32"),
    ("int64", "float64"),
    ("int32", "int32"),
    ("float64", "float64"),
):
    add(
        f"raw/RandomPoissonV2/{_dtype}",
        lambda tf, d=_dtype, r=_rate: [
            tf.raw_ops.RandomPoissonV2(
                shape=[9], rate=tf.cast([0.5, 3.3, 9.99, 10.0, 15.5, 100.0, 900.0, 0.0], r), dtype=d, seed=7, seed2=8
            )
            for _ in range(2)
        ],
    )
for _dtype in ("float32", "float64", "bfloat16"):
    add(
        f"raw/Multinomial/{_dtype}",
        lambda tf, d=_dtype: [
            tf.raw_ops.Multinomial(
                logits=tf.constant([[0.5, 1.0, -1.0, 0.0], [-1e3, 2.0, 1.0, 2.5], [0.0, -2.0, 4.0, 1.0]], d),
                num_samples=n,
                seed=3,
                seed2=4,
            )
            for n in (7, 9)
        ],
    )
add(
    "raw/Multinomial/odd logits",
    lambda tf: [
        tf.raw_ops.Multinomial(
            logits=[[np.nan, 0.0, 1.0], [-np.inf, np.inf, 1.0], [-np.inf] * 3], num_samples=5, seed=3, seed2=4
        )
    ],
)
for _shape in ((1,), (5,), (8,), (31,), (6, 2), (1, 3), (4, 0), ()):
    add(
        f"raw/RandomShuffle/{_shape}",
        lambda tf, s=_shape: [
            tf.raw_ops.RandomShuffle(value=tf.reshape(tf.range(int(np.prod(s))), s), seed=5, seed2=6) for _ in range(3)
        ],
    )
add(
    "raw/RandomGammaGrad",
    lambda tf: [
        tf.raw_ops.RandomGammaGrad(
            alpha=tf.constant([0.3, 1.0, 2.5, 70.0], d), sample=tf.constant([0.2, 1.5, 2.0, 65.0], d)
        )
        for d in ("float32", "float64")
    ],
)

# -- stateless ops -----------------------------------------------------------------------------------------------------
for _seed in ([1, 2], [-5, 12345678901]):
    add(
        f"stateless/key/{_seed}",
        lambda tf, s=_seed: list(tf.raw_ops.StatelessRandomGetKeyCounter(seed=tf.constant(s, "int64"))),
    )
    for _dtype in FLOATS:
        for _op in ("StatelessRandomUniform", "StatelessRandomNormal", "StatelessTruncatedNormal"):
            add(
                f"stateless/{_op}/{_dtype}/{_seed}",
                lambda tf, op=_op, d=_dtype, s=_seed: [
                    getattr(tf.raw_ops, op)(shape=[23], seed=tf.constant(s, "int64"), dtype=d)
                ],
            )
for _dtype in ("int32", "int64", "uint32", "uint64"):
    add(
        f"stateless/full/{_dtype}",
        lambda tf, d=_dtype: [tf.random.stateless_uniform([9], [3, 4], minval=None, maxval=None, dtype=d)],
    )
for _dtype in ("int32", "int64"):
    add(
        f"stateless/int/{_dtype}",
        lambda tf, d=_dtype: [tf.random.stateless_uniform([9], [3, 4], minval=-5, maxval=17, dtype=d)],
    )
add(
    "stateless/uniform",
    lambda tf: [
        tf.random.stateless_uniform([9], [3, 4], minval=-1.5, maxval=2.5),
        tf.random.stateless_uniform([2, 3], [3, 4], dtype="float64"),
    ],
)
add("stateless/normal", lambda tf: [tf.random.stateless_normal([2, 3], [3, 4], mean=[1.0, 2.0, 3.0], stddev=0.5)])
add("stateless/truncated", lambda tf: [tf.random.stateless_truncated_normal([2, 300], [3, 4], mean=1.0, stddev=0.5)])
add(
    "stateless/gamma",
    lambda tf: [
        tf.random.stateless_gamma([3, 2], [1, 2], alpha=[1.0, 2.0], beta=[[1.0], [2.0], [3.0]]),
        tf.random.stateless_gamma([5, 2], [1, 2], alpha=[0.5, 2.0], dtype="float64"),
    ],
)
add(
    "stateless/poisson",
    lambda tf: [
        tf.random.stateless_poisson([20, 2], [1, 2], lam=[1.5, 30.0]),
        tf.random.stateless_poisson([4], [1, 2], lam=3, dtype="float32"),
    ],
)
for _dtype in ("float32", "float64"):
    add(
        f"stateless/binomial/{_dtype}",
        lambda tf, d=_dtype: [
            tf.random.stateless_binomial(
                [20, 7],
                [1, 2],
                counts=tf.constant([5, 50, 100, 1000, 5, 1000, 10], d),
                probs=tf.constant([0.3, 0.1, 0.4, 0.5, 0.9, 0.95, 0.0], d),
            ),
            tf.random.stateless_binomial(
                [4, 2, 3],
                [1, 2],
                counts=tf.constant([[5], [40]], d),
                probs=tf.constant([0.2, 0.5, 0.9], d),
                output_dtype="float32",
            ),
        ],
    )
add(
    "stateless/categorical",
    lambda tf: [tf.random.stateless_categorical([[0.0, 1.0, 2.0], [2.0, 1.0, 0.0]], 11, [1, 2])],
)
add(
    "stateless/shuffle",
    lambda tf: [tf.random.experimental.stateless_shuffle(tf.range(n), [1, 2]) for n in (1, 2, 5, 33)],
)
add(
    "stateless/split",
    lambda tf: [
        tf.random.split([1, 2], 3),
        tf.random.split(tf.constant([1, 2], "int64"), 2),
        tf.random.fold_in([1, 2], 3),
        tf.random.fold_in([1, 2], tf.constant(3, "int64")),
    ],
)


# -- seeds ---------------------------------------------------------------------------------------------------------------
@case("seeds/eager")
def _(tf):
    tf.random.set_seed(42)
    first = [
        tf.random.uniform([3]),
        tf.random.normal([3]),
        tf.random.uniform([3], seed=1),
        tf.random.uniform([2], seed=1),
        tf.random.normal([3]),
    ]
    tf.random.set_seed(42)
    return [*first, tf.random.uniform([2], seed=1), tf.random.uniform([3])]


@case("seeds/eager, odd values")
def _(tf):
    found = []
    for seed in (0, -7, 2**33 + 5, 1.5):
        tf.random.set_seed(seed)
        found += [
            tf.random.uniform([2], seed=0),
            tf.random.uniform([2], seed=-3),
            tf.random.uniform([2], seed=2**40),
            tf.random.uniform([2]),
        ]
    return found


@case("seeds/op seed alone")
def _(tf):
    tf.random.set_seed(None)
    return [
        tf.random.uniform([2], seed=4),
        tf.random.truncated_normal([2], seed=4),
        tf.random.uniform([2], seed=4),
        tf.random.shuffle(tf.range(6), seed=4),
    ]


@case("seeds/function")
def _(tf):
    tf.random.set_seed(1234)

    @tf.function
    def unseeded():
        return tf.random.uniform([2]), tf.random.normal([2])

    @tf.function
    def seeded():
        return tf.random.uniform([2], seed=1), tf.random.uniform([2], seed=1)

    found = [*unseeded(), *unseeded(), *seeded(), *seeded()]
    tf.random.set_seed(1234)
    return [*found, *unseeded(), *seeded()]


@case("seeds/branches")
def _(tf):
    tf.random.set_seed(7)

    @tf.function
    def f(flag):
        a = tf.random.uniform([2])
        b = tf.cond(flag, lambda: tf.random.uniform([2]), lambda: tf.random.normal([2]))
        return a, b, tf.random.uniform([2])

    return [*f(tf.constant(True)), *f(tf.constant(False)), *f(tf.constant(True))]


def _session(tf, build, runs=2):
    v1 = tf.compat.v1
    with tf.Graph().as_default():
        fetches = build(v1)
        found = []
        for _ in range(2):
            with v1.Session() as session:
                found += [v for _ in range(runs) for v in session.run(fetches)]
    return found


add(
    "seeds/session",
    lambda tf: _session(
        tf,
        lambda v1: (
            v1.set_random_seed(3),
            [
                v1.random_normal([3]),
                v1.random_uniform([3], seed=1),
                v1.truncated_normal([3]),
                v1.random_uniform([2], maxval=9, dtype="int32"),
            ],
        )[1],
    ),
)
add(
    "seeds/session, op seed",
    lambda tf: _session(
        tf,
        lambda v1: [
            v1.random_normal([3], seed=5),
            v1.random_uniform([3], seed=5),
            v1.random_shuffle([1, 2, 3, 4], seed=5),
        ],
    ),
)
add(
    "seeds/session, large",
    lambda tf: _session(
        tf,
        lambda v1: (v1.set_random_seed(2**31 + 3), [v1.random_uniform([2], seed=2**31 - 1), v1.random_uniform([2])])[1],
    ),
)


# -- public functions ------------------------------------------------------------------------------------------------------
def _seeded(name, program):
    def run(tf):
        tf.random.set_seed(11)
        return program(tf)

    add(name, run)


_seeded(
    "public/uniform",
    lambda tf: [
        tf.random.uniform([5], seed=1),
        tf.random.uniform([5], 0, 3, seed=1),
        tf.random.uniform([5], -2.0, 3.0, dtype="float64", seed=1),
        tf.random.uniform([2, 3], [0.0, 1.0, 2.0], 5.0, seed=1),
        tf.random.uniform([5], -3, 9, dtype="int64", seed=1),
        tf.random.uniform((), seed=1),
        tf.random.uniform([4], dtype="float16", seed=1),
    ],
)
_seeded(
    "public/normal",
    lambda tf: [
        tf.random.normal([2, 3], [0.0, 10.0, 20.0], [1.0, 2.0, 3.0], seed=1),
        tf.random.normal([3], 1.0, dtype="float64", seed=1),
    ],
)
_seeded(
    "public/truncated_normal",
    lambda tf: [
        tf.random.truncated_normal([400], 1.0, 0.1, seed=1),
        tf.random.truncated_normal([7], dtype="float64", seed=1),
    ],
)
_seeded(
    "public/gamma",
    lambda tf: [
        tf.random.gamma([2], [1.0, 2.0], seed=1),
        tf.random.gamma([2], 3.0, [2.0, 3.0], seed=1),
        tf.random.gamma([2], [0.5], beta=[[3.0], [4.0]], dtype="float64", seed=1),
    ],
)
_seeded(
    "public/poisson",
    lambda tf: [
        tf.random.poisson([4], [1.0, 20.0], seed=1),
        tf.random.poisson([4], 3, dtype="int32", seed=1),
        tf.compat.v1.random_poisson([3.0, 4.0], [2], seed=1),
    ],
)
_seeded(
    "public/categorical",
    lambda tf: [
        tf.random.categorical([[0.0, 1.0, 2.0]], 9, seed=1),
        tf.compat.v1.multinomial([[0.0, 1.0, 2.0]], 9, seed=1, output_dtype="int32"),
    ],
)
_seeded(
    "public/shuffle",
    lambda tf: [
        tf.random.shuffle([[1, 2], [3, 4], [5, 6]], seed=1),
        tf.compat.v1.random_shuffle(["a", "b", "c", "d"], seed=1),
    ],
)


@case("gradients/gamma")
def _(tf):
    tf.random.set_seed(2)
    alpha = tf.constant([0.5, 3.0])
    beta = tf.constant([2.0, 4.0])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([alpha, beta])
        a = tf.random.gamma([5], alpha, beta, seed=3)
        b = tf.random.stateless_gamma([5, 2], [1, 2], alpha, beta)
    return [tape.gradient(a, alpha), tape.gradient(a, beta), tape.gradient(b, alpha), tape.gradient(b, beta)]


# -- initializers ------------------------------------------------------------------------------------------------------------
_V1 = {
    "random_uniform": {"minval": 0, "maxval": 1},
    "random_normal": {},
    "truncated_normal": {"stddev": 0.1},
    "uniform_unit_scaling": {"factor": 1.4},
    "variance_scaling": {},
    "glorot_uniform": {},
    "glorot_normal": {},
    "he_normal": {},
    "he_uniform": {},
    "lecun_normal": {},
    "lecun_uniform": {},
}
for _name, _given in _V1.items():
    _seeded(
        f"initializers/v1/{_name}",
        lambda tf, n=_name, g=_given: [
            getattr(tf.compat.v1.initializers, n)(seed=3, **g)(s, dtype=d)
            for s in ([3, 2], [3, 3, 2, 4], [5])
            for d in ("float32", "float64")
        ],
    )
for _mode, _distribution in (
    ("fan_in", "truncated_normal"),
    ("fan_out", "uniform"),
    ("fan_avg", "untruncated_normal"),
    ("fan_avg", "normal"),
):
    _seeded(
        f"initializers/v1/variance_scaling/{_mode}/{_distribution}",
        lambda tf, m=_mode, d=_distribution: [
            tf.compat.v1.variance_scaling_initializer(2.0, m, d, seed=9)([3, 3, 4, 5])
        ],
    )
_seeded(
    "initializers/v1/fixed",
    lambda tf: [
        tf.compat.v1.zeros_initializer()([2, 2]),
        tf.compat.v1.ones_initializer("int32")([2]),
        tf.compat.v1.constant_initializer([1, 2, 3, 4])([2, 2]),
        tf.compat.v1.initializers.identity(3.0)([2, 3]),
    ],
)
_seeded(
    "initializers/v2",
    lambda tf: [
        tf.random_uniform_initializer(seed=1)([4]),
        tf.random_uniform_initializer(0, 9, seed=1)([4], "int32"),
        tf.random_normal_initializer(seed=1)([4]),
        tf.random_normal_initializer(1.0, 2.0, seed=1)([4], "float64"),
        tf.random_normal_initializer()([4]),
        tf.random_uniform_initializer()([4]),
        tf.zeros_initializer()([2]),
        tf.ones_initializer()([2], partition_shape=(1, 2), partition_offset=(0, 0)),
        tf.constant_initializer([1, 2])([2]),
    ],
)


# -- generators ------------------------------------------------------------------------------------------------------------
@case("generator/draws")
def _(tf):
    g = tf.random.Generator.from_seed(1234)
    found = [
        g.uniform([3]),
        g.normal([5], dtype="float64"),
        g.truncated_normal([40], 1.0, 2.0),
        g.uniform_full_int([3]),
        g.uniform([3], 5, 10, "int32"),
        g.uniform([3], None, None, "int64"),
        g.uniform([2], maxval=4.0, dtype="float64"),
        g.binomial([6, 2], [10.0, 200.0], [0.5, 0.4]),
        g.make_seeds(3),
    ]
    found += [h.normal([2]) for h in g.split(2)]
    g.skip(10)
    return [*found, g.state, g.key]


@case("generator/states")
def _(tf):
    make = tf.random.create_rng_state
    states = [make(s, "philox") for s in (1, -1, 2**70 + 5, [1, 2, 3], (5, 6), [1, 2, 3, 4])] + [
        make(s, "threefry") for s in (7, 2**70 + 5, [1, 2, 3])
    ]
    g = tf.random.Generator.from_state([1, 2, 3], "philox")
    h = tf.random.Generator(copy_from=g)
    g.reset_from_seed(9)
    g.skip(3)
    kept = tf.identity(g.state)
    g.reset_from_key_counter(9, [1, 2])
    return [*states, kept, g.uniform([3]), h.normal([3])]


@case("generator/function")
def _(tf):
    g = tf.random.Generator.from_seed(1)

    @tf.function
    def f(n):
        return g.uniform([2]), g.normal([n]), g.binomial([2], 10.0, 0.3)

    return [*f(tf.constant(2)), *f(tf.constant(3)), g.state]


@case("generator/session")
def _(tf):
    v1 = tf.compat.v1
    with tf.Graph().as_default():
        g = tf.random.Generator.from_seed(5)
        fetches = [g.uniform([3]), g.truncated_normal([5])]
        with v1.Session() as session:
            session.run(g.state.initializer)
            return [v for _ in range(2) for f in fetches for v in session.run([f])]


@case("generator/ops")
def _(tf):
    state = tf.Variable(np.array([5, 6, 7]), dtype="int64")
    raw = tf.raw_ops
    found = [raw.RngReadAndSkip(resource=state.handle, alg=1, delta=tf.constant(3, "uint64"))]
    raw.RngSkip(resource=state.handle, algorithm=1, delta=-2)
    found += [
        raw.StatefulUniform(resource=state.handle, algorithm=1, shape=[5], dtype="float64"),
        raw.StatefulStandardNormalV2(resource=state.handle, algorithm=3, shape=[5]),
        raw.StatefulTruncatedNormal(resource=state.handle, algorithm=1, shape=[5]),
        raw.StatefulUniformFullInt(resource=state.handle, algorithm=1, shape=[5]),
        raw.StatefulUniformInt(resource=state.handle, algorithm=1, shape=[5], minval=3, maxval=9),
    ]
    return [*found, tf.identity(state)]


# -- candidate samplers ----------------------------------------------------------------------------------------------------
def _candidates(tf, op, compiled=False, **attrs):
    """Three runs of one sampler, with the same true classes, eagerly or in a function."""

    def run():
        return getattr(tf.raw_ops, op)(
            true_classes=np.array([[1, 4], [3, 3]], np.int64), num_true=2, seed=7, seed2=8, **attrs
        )

    run = tf.function(run) if compiled else run
    return [v for _ in range(3) for v in run()]


for _unique in (False, True):
    for _op in (
        "UniformCandidateSampler",
        "LogUniformCandidateSampler",
        "LearnedUnigramCandidateSampler",
        "ThreadUnsafeUnigramCandidateSampler",
    ):
        for _size in (10, 1000):
            for _compiled in (False, True):
                add(
                    f"candidates/{_op}/{_unique}/{_size}/{_compiled}",
                    lambda tf, op=_op, u=_unique, s=_size, c=_compiled: _candidates(
                        tf, op, c, num_sampled=6, unique=u, range_max=s
                    ),
                )
    add(
        f"candidates/fixed/{_unique}",
        lambda tf, u=_unique: [
            v
            for c in (False, True)
            for given in (
                {"unigrams": [float(w) for w in range(1, 11)], "distortion": 0.75},
                {"unigrams": [5.0, 4, 3, 2, 1, 1, 1, 1, 30, 2]},
                {"unigrams": [float(w) for w in range(1, 10)], "num_reserved_ids": 1},
            )
            for v in _candidates(tf, "FixedUnigramCandidateSampler", c, num_sampled=5, unique=u, range_max=10, **given)
        ],
    )
    add(
        f"candidates/all/{_unique}",
        lambda tf, u=_unique: _candidates(tf, "AllCandidateSampler", num_sampled=6, unique=u),
    )
add(
    "candidates/shards",
    lambda tf: _candidates(
        tf,
        "FixedUnigramCandidateSampler",
        num_sampled=9,
        unique=False,
        range_max=5,
        unigrams=[float(w) for w in range(1, 11)],
        num_shards=2,
        shard=1,
    ),
)
add(
    "candidates/shards, reserved",
    lambda tf: _candidates(
        tf,
        "FixedUnigramCandidateSampler",
        num_sampled=9,
        unique=False,
        range_max=7,
        num_reserved_ids=3,
        unigrams=[float(w) for w in range(1, 10)],
        num_shards=2,
        shard=0,
    ),
)


# -- tf.initializers ---------------------------------------------------------------------------------------------------------
for _name in (
    "GlorotUniform",
    "GlorotNormal",
    "HeUniform",
    "HeNormal",
    "LecunUniform",
    "LecunNormal",
    "RandomUniform",
    "RandomNormal",
    "TruncatedNormal",
    "VarianceScaling",
):
    add(
        f"initializers/{_name}",
        lambda tf, n=_name: [
            getattr(tf.initializers, n)(seed=3)(s, dtype=d)
            for s in ((3, 2), (3, 3, 2, 4), (5,))
            for d in (None, "float64")
        ],
    )
add(
    "initializers/axes",
    lambda tf: [
        tf.initializers.VarianceScaling(2.0, m, d, seed=1, input_axes=i, output_axes=o)((3, 2, 4))
        for m in ("fan_in", "fan_out", "fan_avg")
        for d in ("uniform", "untruncated_normal")
        for i, o in (((0,), (1, 2)), ((-1,), (0,)), (None, (1,)))
    ],
)
add(
    "initializers/fixed",
    lambda tf: [
        tf.initializers.Zeros()((2,)),
        tf.initializers.Ones()((2,), "bool"),
        tf.initializers.Constant([1, 2])((3, 2)),
        tf.initializers.Constant(3)((2,), "int32"),
        tf.initializers.Identity(2.0)((2, 3)),
        tf.initializers.get("he_normal")((0, 2)),
    ],
)
add(
    "initializers/orthogonal",
    lambda tf: [tf.initializers.Orthogonal(1.5, seed=3)(s) for s in ((3, 2), (2, 5), (2, 3, 4))],
)
_seeded(
    "initializers/v1/orthogonal",
    lambda tf: [
        tf.compat.v1.orthogonal_initializer(1.5, seed=3)(s, dtype=d)
        for s in ([3, 2], [2, 5], [2, 3, 4])
        for d in ("float32", "float64")
    ],
)


# -- normals between bounds --------------------------------------------------------------------------------------------------
_BOUNDS = (
    (0, 1, -10, 10),
    (0, 1, -0.1, 0.1),
    (0, 1, 0, 10),
    (0, 1, 1, 10),
    (0, 1, -10, -3),
    (0, 1, 3, 3.2),
    (1, 2, -3, 3.5),
    (5, 0.5, 1, 3),
    (0, 1, -np.inf, -2),
    (0, 1, -0.5, 0.1),
    (2, 1, 1.9, 9),
)
for _dtype in ("float32", "float64"):
    add(
        f"truncated/stateless/{_dtype}",
        lambda tf, d=_dtype: [
            tf.random.stateless_parameterized_truncated_normal([40], [3, 4], *(tf.constant(v, d) for v in bounds))
            for bounds in _BOUNDS
        ],
    )
    add(
        f"truncated/batches/{_dtype}",
        lambda tf, d=_dtype: [
            tf.random.stateless_parameterized_truncated_normal(
                [5, 2, 3],
                [3, 4],
                tf.constant([0.0, 10.0, 20.0], d),
                tf.constant([[1.0], [0.5]], d),
                tf.constant([-5.0, 9.0, 21.0], d),
                tf.constant(30.0, d),
            )
        ],
    )
    add(
        f"truncated/stateful/{_dtype}",
        lambda tf, d=_dtype: [
            tf.raw_ops.ParameterizedTruncatedNormal(
                shape=s,
                means=tf.constant([0.0], d),
                stdevs=tf.constant([2.0], d),
                minvals=tf.constant([-1.0] * s[0], d),
                maxvals=tf.constant([9.0], d),
                seed=5,
                seed2=6,
            )
            for s in ([2, 3], [4, 2, 3], [3], [1, 50])
        ],
    )
add(
    "truncated/ones",
    lambda tf: [
        tf.raw_ops.ParameterizedTruncatedNormal(
            shape=s, means=[0.0], stdevs=[2.0], minvals=[-1.0], maxvals=[9.0], seed=5, seed2=6
        )
        for s in ([3], [2, 4])
    ],
)
add(
    "truncated/scalars",
    lambda tf: [
        tf.raw_ops.ParameterizedTruncatedNormal(
            shape=s, means=0.0, stdevs=2.0, minvals=-1.0, maxvals=9.0, seed=5, seed2=6
        )
        for s in ([3], [2, 4], [250], [1, 5])
    ],
)


@case("gradients/truncated")
def _(tf):
    found = []
    for given in (
        (0.5, 2.0, -1.0, 3.0),
        (0.0, 1.0, 2.0, 4.0),
        (0.0, 1.0, -4.0, -3.0),
        ([0.0, 1.0], [[1.0], [2.0]], -1.0, [3.0, 4.0]),
    ):
        parameters = [tf.constant(v, "float64") for v in given]
        with tf.GradientTape() as tape:
            tape.watch(parameters)
            y = tf.random.stateless_parameterized_truncated_normal([3, 2, 2], [1, 2], *parameters)
        found += tape.gradient(y, parameters)
    return found


# -- index shuffles ----------------------------------------------------------------------------------------------------------
for _dtype in ("int32", "int64", "uint64"):
    for _top in (5, 255, 70000, 2**31 - 1, 2**40 - 1, 2**62 - 1):
        if _top < 2**31 or _dtype != "int32":
            add(
                f"index/{_dtype}/{_top}",
                lambda tf, d=_dtype, top=_top: [
                    tf.random_index_shuffle(
                        tf.constant([0, 1, 4, top], d), tf.constant([123456789, 7, 3]), tf.constant(top, d), rounds=r
                    )
                    for r in (4, 8, 20, 40)
                ],
            )


@case("index/public")
def _(tf):
    shuffled = tf.random_index_shuffle
    return [
        tf.random.experimental.index_shuffle(3, [5, 6], 100),
        tf.random.experimental.index_shuffle(tf.constant([1, 2, 3]), tf.constant([5, 6], "int64"), 100),
        shuffled(3, [[5, -7, 3], [1, 2, 3]], [100, 50]),
        shuffled(tf.constant(3, "int64"), tf.constant([2**40 + 5, -7, 3], "int64"), tf.constant(100, "int64")),
        tf.function(lambda i: shuffled(i, [1, 2, 3], 9))(tf.range(10)),
    ]


add(
    "initializers/stft",
    lambda tf: [
        tf.initializers.STFT(side, window, scaling, periodic)((6, 1, 5))
        for side in ("real", "imag")
        for window in ("hann", "hamming", None, [1.0, 2.0, 3.0, 3.0, 2.0, 1.0])
        for scaling, periodic in (("density", False), ("spectrum", True), (None, False))
    ],
)
