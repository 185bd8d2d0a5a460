"""Rows of the random ops; their numbers are compared with TensorFlow's in test_random.py."""

import numpy as np

from tests.ops.harness import Row, pos

_SEED = np.array([3, 4], np.int64)
_KEY, _COUNTER = np.array([7], np.uint64), np.array([5, 6], np.uint64)
_ALG = np.int32(1)
_S, _T = np.array([3, 2], np.int32), np.array([5], np.int64)
_SEEDS = {"seed": 5, "seed2": 6}
_drawn = {"checks": False, "grad": False}  # eager and graph each have a stream of their own


ROWS = [
    *(
        Row(op, (shape,), {"dtype": d, **_SEEDS}, **_drawn)
        for op in ("RandomUniform", "RandomStandardNormal", "TruncatedNormal")
        for shape, d in ((_S, "float32"), (_T, "float64"))
    ),
    Row("RandomUniformInt", (_S, np.int32(-3), np.int32(9)), _SEEDS, **_drawn),
    Row("RandomUniformInt", (_T, np.int64(0), np.int64(2)), _SEEDS, **_drawn),
    Row("RandomGamma", (_S, pos(4)), _SEEDS, **_drawn),
    Row("RandomGamma", (_T, pos(2, 3)), _SEEDS, **_drawn),
    Row("RandomGammaGrad", (pos(3), pos(3)), {}, grad=False),
    Row("RandomGammaGrad", (pos(2, 1), pos(3)), {}, grad=False),
    Row("RandomPoissonV2", (_S, pos(4)), {"dtype": "float32", **_SEEDS}, **_drawn),
    Row("RandomPoissonV2", (_T, 20 * pos(2, 3)), {"dtype": "int32", **_SEEDS}, **_drawn),
    Row("RandomPoisson", (_T, 20 * pos(2, 3)), _SEEDS, **_drawn),
    Row("Multinomial", (pos(3, 5), np.int32(4)), _SEEDS, **_drawn),
    Row("Multinomial", (pos(1, 2), np.int32(7)), {"output_dtype": "int32", **_SEEDS}, **_drawn),
    Row("RandomShuffle", (pos(5),), _SEEDS, **_drawn),
    Row("RandomShuffle", (pos(3, 4),), _SEEDS, **_drawn),
    *(
        Row(op, (shape, _SEED), {"dtype": d}, grad=False)
        for op in ("StatelessRandomUniform", "StatelessRandomNormal", "StatelessTruncatedNormal")
        for shape, d in ((_S, "float32"), (_T, "float64"))
    ),
    *(
        Row(op, (shape, _KEY, _COUNTER, _ALG), {"dtype": d}, grad=False)
        for op in ("StatelessRandomUniformV2", "StatelessRandomNormalV2", "StatelessTruncatedNormalV2")
        for shape, d in ((_S, "float32"), (_T, "float64"))
    ),
    Row("StatelessRandomUniformFullInt", (_S, _SEED), {"dtype": "int32"}),
    Row("StatelessRandomUniformFullInt", (_T, _SEED), {"dtype": "uint64"}),
    Row("StatelessRandomUniformFullIntV2", (_S, _KEY, _COUNTER, _ALG), {"dtype": "uint32"}),
    Row("StatelessRandomUniformFullIntV2", (_T, _KEY, _COUNTER, _ALG), {"dtype": "int64"}),
    Row("StatelessRandomUniformInt", (_S, _SEED, np.int32(-3), np.int32(9)), {}),
    Row("StatelessRandomUniformInt", (_T, _SEED, np.int64(0), np.int64(2)), {}),
    Row("StatelessRandomUniformIntV2", (_S, _KEY, _COUNTER, _ALG, np.int32(-3), np.int32(9)), {}),
    Row("StatelessRandomUniformIntV2", (_T, _KEY, _COUNTER, _ALG, np.uint64(0), np.uint64(2)), {}),
    Row("StatelessRandomGetKeyCounter", (_SEED,), {}),
    Row("StatelessRandomGetKeyCounterAlg", (_SEED,), {}),
    Row("StatelessRandomGetAlg", (), {}),
    Row("StatelessRandomGammaV2", (_S, _SEED, pos(2)), {}, grad=False),
    Row("StatelessRandomGammaV2", (_T, _SEED, pos()), {}, grad=False),
    Row("StatelessRandomGammaV3", (_S, _KEY, _COUNTER, _ALG, pos(3, 2)), {}, grad=False),
    Row("StatelessRandomPoisson", (_S, _SEED, 8 * pos(2)), {"dtype": "int32"}, grad=False),
    Row("StatelessRandomPoisson", (_T, _SEED, 30 * pos()), {"dtype": "float32"}, grad=False),
    Row("StatelessRandomBinomial", (_S, _SEED, 50 * pos(2), pos() / 3), {"dtype": "int32"}, grad=False),
    Row("StatelessRandomBinomial", (_S, _SEED, 9 * pos(3, 1), pos(2) / 2), {"dtype": "float32"}, grad=False),
    Row("StatelessMultinomial", (pos(3, 5), np.int32(4), _SEED), {}, grad=False),
    Row("StatelessMultinomial", (pos(1, 2), np.int32(7), _SEED), {"output_dtype": "int32"}, grad=False),
    Row("StatelessShuffle", (pos(5), _KEY, _COUNTER, _ALG), {}, grad=False),
    Row("StatelessShuffle", (pos(3, 4), _KEY, _COUNTER, _ALG), {}, grad=False),
    *(
        Row(
            op,
            (np.array([[1, 4], [3, 3]]),),
            {"num_true": 2, "num_sampled": 4, "range_max": 9, "unique": u, **_SEEDS},
            **_drawn,
        )
        for op in (
            "UniformCandidateSampler",
            "LogUniformCandidateSampler",
            "LearnedUnigramCandidateSampler",
            "ThreadUnsafeUnigramCandidateSampler",
        )
        for u in (False, True)
    ),
    Row(
        "FixedUnigramCandidateSampler",
        (np.array([[1], [3]]),),
        {
            "num_true": 1,
            "num_sampled": 3,
            "range_max": 5,
            "unique": True,
            "unigrams": [1.0, 2.0, 3.0, 4.0, 5.0],
            **_SEEDS,
        },
        **_drawn,
    ),
    Row("AllCandidateSampler", (np.array([[1], [3]]),), {"num_true": 1, "num_sampled": 4, "unique": True}, **_drawn),
    Row("RandomIndexShuffle", (np.arange(9, dtype=np.int32), np.array([1, 2, 3], np.uint32), np.int32(12)), {}),
    Row("RandomIndexShuffle", (np.int64(5), np.array([[1, 2, 3], [4, 5, 6]]), np.array([7, 900])), {"rounds": 8}),
    Row("NonDeterministicInts", (_T,), {}, **_drawn),
]
