"""Candidate samplers: classes drawn to stand for all others in sampled losses, with how often each was to be expected."""

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from penstock.base.errors import InvalidArgumentError, NotFoundError, ShapeError
from penstock.base.export import export
from penstock.ir.op import Op, op
from penstock.ir.seeds import op_seeds
from penstock.ops.random_bits import Stream, advance, blocks, columns, from_state, interleaved, to_state
from penstock.ops.random_values import unit, unit64

_CANDIDATE_BLOCKS = 512
"""Blocks that an op sets aside for each class that it samples."""
Draw = Callable[[Any, Any, Any], Any]  # xp, two words of each try -> classes
Chance = Callable[[Any, Any], Any]  # xp, classes -> probability of each


def _shapes(true_classes: Any, *, num_sampled: int, num_true: int, **_: Any) -> Any:
    if true_classes.shape is not None:
        _matrix(true_classes.shape, num_true)
    rows = None if true_classes.shape is None else true_classes.shape[0]
    return (num_sampled,), (rows, num_true), (num_sampled,)


def _matrix(dims: Any, num_true: int) -> None:
    if len(dims) != 2:
        raise ShapeError("true_classes must be a matrix")
    if dims[1] is not None and dims[1] != num_true:
        raise ShapeError(f"true_classes must have num_true columns, expected: {num_true} was: {dims[1]}")


def _outside(xp: Any, true_classes: Any, size: int) -> tuple[Any, str]:
    bad = (true_classes < 0) | (true_classes >= size)
    said = f", received {np.asarray(true_classes)[np.asarray(bad)][0]}" if xp is np and np.any(bad) else ""
    return xp.any(bad), f"`true_candidate` out of range [0, {size}){said}"


def expected(xp: Any, chance: Any, tries: Any, wanted: int) -> Any:
    """How often a class of this probability turns up: in so many tries with repeats, or at least once."""
    chance = xp.asarray(chance, xp.float32)
    often = -xp.expm1(xp.asarray(tries, xp.float32) * xp.log1p(-chance))
    return xp.where(tries == wanted, chance * xp.asarray(wanted, xp.float32), often)


def sample(xp: Any, stream: Stream, draw: Draw, wanted: int, unique: bool) -> tuple[Any, Any]:
    """The classes of the first tries, leaving out repeats when `unique`; how many tries that took."""
    if not unique:
        return _tries(xp, stream, draw, 0, wanted), wanted
    if xp is np:
        seen: dict[int, None] = {}
        tries, batch = 0, wanted + 16
        while True:
            for one in _tries(np, stream, draw, tries, batch).tolist():
                tries += 1
                seen[one] = None
                if len(seen) == wanted:
                    return np.fromiter(seen, np.int64, wanted), tries
            batch *= 2
    from jax import lax

    def step(carry: Any) -> Any:
        tries, count, kept = carry
        a, b, c, d = (w[0] for w in blocks(xp, stream, (tries // 2)[None].astype(xp.uint64)))
        first = tries % 2 == 0
        one = draw(xp, xp.where(first, a, c)[None], xp.where(first, b, d)[None])[0].astype(xp.int64)
        new = ~xp.any(kept == one)
        kept = xp.where(new & (xp.arange(wanted) == count), one, kept)
        return tries + 1, count + new.astype(xp.int32), kept

    start = xp.int32(0), xp.int32(0), xp.full((wanted,), -1, xp.int64)
    tries, _, kept = lax.while_loop(lambda carry: carry[1] < wanted, step, start)
    return kept, tries


def _tries(xp: Any, stream: Stream, draw: Draw, start: int, count: int) -> Any:
    """The classes of tries start, start + 1, ...; each takes two words."""
    skip = start % 2
    a, b, c, d = columns(xp, advance(xp, stream, start // 2), -(-(count + skip) // 2))
    first, second = interleaved(xp, (a, c), count + skip), interleaved(xp, (b, d), count + skip)
    return draw(xp, first[skip:], second[skip:]).astype(xp.int64)


def _room(size: int, wanted: int, unique: bool) -> None:
    if unique and wanted > size:
        raise InvalidArgumentError(
            None,
            None,
            f"Sampler's range is too small: num_sampled = {wanted} different classes out of {size}\n  fix: unique=False",
        )


def _run(
    xp: Any,
    stream: Any,
    true_classes: Any,
    draw: Draw,
    chance: Chance,
    size: int,
    wanted: int,
    num_true: int,
    unique: bool,
) -> Any:
    _matrix(true_classes.shape, num_true)
    _room(size, wanted, unique)
    here = from_state(xp, stream.read())
    stream.write(to_state(xp, advance(xp, here, wanted * _CANDIDATE_BLOCKS)))
    found, tries = sample(xp, here, draw, wanted, unique)
    true_classes = xp.clip(true_classes, 0, size - 1)
    return found, expected(xp, chance(xp, true_classes), tries, wanted), expected(xp, chance(xp, found), tries, wanted)


_TEXT = "num_sampled: int >= 1, num_true: int >= 1, {}seed: int = 0, seed2: int = 0, unique: bool"
_OUT = "(sampled_candidates: int64, true_expected_count: float32, sampled_expected_count: float32)"


def _sampler(name: str, op_name: str, rule: Callable[[int], tuple[Draw, Chance]], doc: str) -> Op:
    def body(xp, stream, true_classes, *, num_sampled, num_true, unique, range_max):
        draw, chance = rule(range_max)
        return _run(xp, stream, true_classes, draw, chance, range_max, num_sampled, num_true, unique)

    body.__name__ = body.__qualname__ = name
    body.__doc__ = doc
    made = op(
        f"{op_name}(true_classes: int64, *, {_TEXT.format('range_max: int >= 1, ')}) -> {_OUT}",
        effect="random",
        shape=_shapes,
    )(body)
    made.check(lambda xp, true_classes, *, range_max, **_: _outside(xp, true_classes, range_max))
    return made.no_grad()


def _uniform(size: int) -> tuple[Draw, Chance]:
    def draw(xp: Any, a: Any, b: Any) -> Any:
        return (a.astype(xp.uint64) | b.astype(xp.uint64) << np.uint64(32)) % np.uint64(size)

    return draw, lambda xp, classes: xp.full(classes.shape, 1 / size)


def _log_uniform(size: int) -> tuple[Draw, Chance]:
    span = math.log1p(size)

    def draw(xp: Any, a: Any, b: Any) -> Any:
        return (xp.exp(unit64(xp, a, b) * span).astype(xp.int64) - 1) % size

    def chance(xp: Any, classes: Any) -> Any:
        classes = classes.astype(np.float64)
        return xp.log((classes + 2) / (classes + 1)) / span

    return draw, chance


uniform_sampler = _sampler(
    "uniform_sampler", "UniformCandidateSampler", _uniform, "Classes of [0, range_max), each as likely as the next."
)
log_uniform_sampler = _sampler(
    "log_uniform_sampler",
    "LogUniformCandidateSampler",
    _log_uniform,
    "Classes of [0, range_max) by Zipf's law: small ones are the likely ones.",
)


# -- a given distribution ------------------------------------------------------------------------------------------------
def _alias_table(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Walker's alias method, by Vose: how likely each column keeps its own class, and the class it gives otherwise."""
    scaled = (weights.astype(np.float64) * len(weights) / weights.astype(np.float64).sum()).tolist()
    keep, other = [1.0] * len(scaled), [-1] * len(scaled)
    low, high = [i for i, p in enumerate(scaled) if p < 1], [i for i, p in enumerate(scaled) if p >= 1]
    while low and high:
        small, large = low.pop(), high.pop()
        keep[small], other[small] = scaled[small], large
        scaled[large] -= 1 - scaled[small]
        (low if scaled[large] < 1 else high).append(large)
    return np.array(keep, np.float32), np.array(other, np.int64)


def _file_weights(path: str) -> list[float]:
    try:
        with open(path, encoding="utf-8") as file:
            return [float(line.strip().rpartition(",")[2]) for line in file if line.strip()]
    except OSError:
        raise NotFoundError(None, None, f"{path}; No such file or directory") from None


@functools.lru_cache(maxsize=16)
def _distribution(
    vocab_file: str, unigrams: tuple[float, ...], distortion: float, reserved: int, shards: int, shard: int
) -> Any:
    given = _file_weights(vocab_file) if vocab_file else list(unigrams)
    mine = np.array([0.0] * len(range(shard, reserved, shards)) + given[shard::shards], np.float32)
    if distortion != 1.0:
        mine = np.power(mine.astype(np.float64), distortion).astype(np.float32)
    return mine, *_alias_table(mine)


@op(
    "FixedUnigramCandidateSampler(true_classes: int64, *, distortion: float = 1.0, num_reserved_ids: int = 0, num_sampled: int >= 1, "
    "num_shards: int >= 1 = 1, num_true: int >= 1, range_max: int >= 1, seed: int = 0, seed2: int = 0, shard: int >= 0 = 0, "
    f'unigrams: list(float) = [], unique: bool, vocab_file: str = "") -> {_OUT}',
    effect="random",
    shape=_shapes,
)
def fixed_unigram_sampler(
    xp,
    stream,
    true_classes,
    *,
    distortion,
    num_reserved_ids,
    num_sampled,
    num_shards,
    num_true,
    range_max,
    shard,
    unigrams,
    unique,
    vocab_file,
):
    """Classes by the frequencies of a file or a list."""
    if not vocab_file and not unigrams:
        raise InvalidArgumentError(None, None, "Must provide either vocab_file or unigrams.")
    weights, keep, other = _distribution(vocab_file, tuple(unigrams), distortion, num_reserved_ids, num_shards, shard)
    if len(weights) != range_max:
        raise InvalidArgumentError(None, None, f"range is {range_max} must be equal to weights size {len(weights)}")
    total = weights.astype(np.float64).sum()

    def draw(xp: Any, a: Any, b: Any) -> Any:
        column = (b % np.uint32(range_max)).astype(xp.int64)
        return xp.where(unit(xp, a) < xp.asarray(keep)[column], column, xp.asarray(other)[column])

    def chance(xp: Any, classes: Any) -> Any:
        return xp.asarray(weights / total)[classes]

    return _run(xp, stream, true_classes, draw, chance, range_max, num_sampled, num_true, unique)


@fixed_unigram_sampler.check
def _(xp, true_classes, *, range_max, **_):
    return _outside(xp, true_classes, range_max)


fixed_unigram_sampler.no_grad()


# -- all, and what was seen ------------------------------------------------------------------------------------------------
@op(f"AllCandidateSampler(true_classes: int64, *, {_TEXT.format('')}) -> {_OUT}", effect="random", shape=_shapes)
def all_sampler(xp, stream, true_classes, *, num_sampled, num_true, unique):
    """Every class of [0, num_sampled)."""
    _matrix(true_classes.shape, num_true)
    ones = xp.ones((num_sampled,), xp.float32)
    return xp.arange(num_sampled, dtype=xp.int64), xp.ones(true_classes.shape, xp.float32), ones


@all_sampler.check
def _(xp, true_classes, *, num_sampled, **_):
    return _outside(xp, true_classes, num_sampled)


all_sampler.no_grad()


def _learned(
    xp: Any, stream: Any, true_classes: Any, num_sampled: int, num_true: int, unique: bool, range_max: int
) -> Any:
    """The state of the stream is followed by how often each class was seen, once more than it truly was."""
    true_classes = np.asarray(true_classes)
    _matrix(true_classes.shape, num_true)
    _room(range_max, num_sampled, unique)
    bad, message = _outside(np, true_classes, range_max)
    if bad:
        raise InvalidArgumentError(None, None, message)
    state = np.asarray(stream.read())
    seen = state[3:] if state.size > 3 else np.ones(range_max, np.uint64)
    edges = np.cumsum(seen)
    here = from_state(np, state[:3])
    kept: dict[int, None] | list[int] = {} if unique else []
    tries = 0
    while len(kept) < num_sampled:
        block = tries // 4
        words = interleaved(np, columns(np, advance(np, here, block), num_sampled), 4 * num_sampled)
        for one in np.searchsorted(edges, words.astype(np.uint64) % edges[-1], side="right").tolist():
            tries += 1
            if isinstance(kept, dict):
                kept[one] = None
            else:
                kept.append(one)
            if len(kept) == num_sampled:
                break
    found = np.fromiter(kept, np.int64, num_sampled)
    chance = lambda classes: seen[classes] / edges[-1]
    counts = expected(np, chance(true_classes), tries, num_sampled), expected(np, chance(found), tries, num_sampled)
    seen = seen + np.bincount(true_classes.ravel(), minlength=range_max).astype(np.uint64)
    stream.write(np.concatenate([to_state(np, advance(np, here, num_sampled * _CANDIDATE_BLOCKS)), seen]))
    return found, *counts


def _learned_sampler(name: str, op_name: str) -> Op:
    def body(xp, stream, true_classes, *, num_sampled, num_true, unique, range_max):
        """Classes by how often they were among the true ones of earlier runs."""
        return _learned(xp, stream, true_classes, num_sampled, num_true, unique, range_max)

    body.__name__ = body.__qualname__ = name
    text = f"{op_name}(true_classes: int64, *, {_TEXT.format('range_max: int >= 1, ')}) -> {_OUT}"
    return op(text, effect="random", where="host", shape=_shapes)(body).no_grad()


learned_unigram_sampler = _learned_sampler("learned_unigram_sampler", "LearnedUnigramCandidateSampler")
thread_unsafe_unigram_sampler = _learned_sampler("thread_unsafe_unigram_sampler", "ThreadUnsafeUnigramCandidateSampler")


# -- public functions --------------------------------------------------------------------------------------------------------
@export("random.uniform_candidate_sampler", v1=("nn.uniform_candidate_sampler",))
def uniform_candidate_sampler(true_classes, num_true, num_sampled, unique, range_max, seed=None, name=None):
    """Classes of [0, range_max), each as likely as the next; with how often true and sampled classes were to be expected.

    >>> tf.random.uniform_candidate_sampler(tf.constant([[1]], tf.int64), 1, 2, True, 5).sampled_candidates.shape
    TensorShape([2])
    """
    return uniform_sampler(
        true_classes,
        num_true=num_true,
        num_sampled=num_sampled,
        unique=unique,
        range_max=range_max,
        name=name,
        **op_seeds(seed),
    )


@export("random.log_uniform_candidate_sampler", v1=("nn.log_uniform_candidate_sampler",))
def log_uniform_candidate_sampler(true_classes, num_true, num_sampled, unique, range_max, seed=None, name=None):
    """Classes of [0, range_max) by Zipf's law; with how often true and sampled classes were to be expected.

    >>> tf.random.log_uniform_candidate_sampler(tf.constant([[1]], tf.int64), 1, 2, True, 5).true_expected_count.shape
    TensorShape([1, 1])
    """
    return log_uniform_sampler(
        true_classes,
        num_true=num_true,
        num_sampled=num_sampled,
        unique=unique,
        range_max=range_max,
        name=name,
        **op_seeds(seed),
    )


@export("random.learned_unigram_candidate_sampler", "nn.learned_unigram_candidate_sampler")
def learned_unigram_candidate_sampler(true_classes, num_true, num_sampled, unique, range_max, seed=None, name=None):
    """Classes by how often they were among the true ones so far; with how often true and sampled classes were to be expected.

    >>> tf.random.learned_unigram_candidate_sampler(tf.constant([[1]], tf.int64), 1, 2, True, 5).sampled_expected_count.shape
    TensorShape([2])
    """
    return learned_unigram_sampler(
        true_classes,
        num_true=num_true,
        num_sampled=num_sampled,
        unique=unique,
        range_max=range_max,
        name=name,
        **op_seeds(seed),
    )


@export("random.fixed_unigram_candidate_sampler", "nn.fixed_unigram_candidate_sampler")
def fixed_unigram_candidate_sampler(
    true_classes,
    num_true,
    num_sampled,
    unique,
    range_max,
    vocab_file="",
    distortion=1.0,
    num_reserved_ids=0,
    num_shards=1,
    shard=0,
    unigrams=(),
    seed=None,
    name=None,
):
    """Classes by the frequencies of a file or a list; with how often true and sampled classes were to be expected.

    >>> tf.random.fixed_unigram_candidate_sampler(tf.constant([[1]], tf.int64), 1, 2, False, 3, unigrams=[1., 0., 0.])[0].numpy()
    array([0, 0])
    """
    return fixed_unigram_sampler(
        true_classes,
        num_true=num_true,
        num_sampled=num_sampled,
        unique=unique,
        range_max=range_max,
        vocab_file=vocab_file,
        distortion=distortion,
        num_reserved_ids=num_reserved_ids,
        num_shards=num_shards,
        shard=shard,
        unigrams=list(unigrams),
        name=name,
        **op_seeds(seed),
    )


@export("random.all_candidate_sampler", "nn.all_candidate_sampler")
def all_candidate_sampler(true_classes, num_true, num_sampled, unique, seed=None, name=None):
    """Every class of [0, num_sampled), for tests of sampled losses.

    >>> tf.random.all_candidate_sampler(tf.constant([[1]], tf.int64), 1, 3, True).sampled_candidates.numpy()
    array([0, 1, 2])
    """
    return all_sampler(
        true_classes, num_true=num_true, num_sampled=num_sampled, unique=unique, name=name, **op_seeds(seed)
    )


@op("ComputeAccidentalHits(true_classes: int64, sampled_candidates: int64, *, num_true: int, seed: int = 0, seed2: int = 0) "
    "-> (indices: int32, ids: int64, weights: float32)", where="host")  # fmt: skip
def accidental_hits(xp, true_classes, sampled_candidates, *, num_true):
    """Where sampled candidates are true classes: the row, the place among the candidates, and the lowest float."""
    if true_classes.ndim != 2 or true_classes.shape[1] != num_true:
        raise InvalidArgumentError(None, None, f"true_classes must have shape [batch, {num_true}], got {list(true_classes.shape)}")
    if sampled_candidates.ndim != 1:
        raise InvalidArgumentError(None, None, "sampled_candidates must be a vector, which is typically an output from CandidateSampler")
    place = {int(c): i for i, c in enumerate(sampled_candidates)}
    hits = [(row, place[int(c)]) for row, classes in enumerate(true_classes) for c in classes if int(c) in place]
    rows = np.array([r for r, _ in hits], np.int32)
    return rows, np.array([i for _, i in hits], np.int64), np.full(len(hits), np.finfo(np.float32).min, np.float32)


accidental_hits.shape(lambda *_, **__: ((None,), (None,), (None,)))
accidental_hits.no_grad()


@export("nn.compute_accidental_hits")
def compute_accidental_hits(true_classes, sampled_candidates, num_true, seed=None, name=None):
    """The places where sampled candidates are true classes, with weights that remove them from a loss.

    >>> tf.nn.compute_accidental_hits([[1], [2]], [2, 1], 1)[1].numpy()
    array([1, 0])
    """
    return accidental_hits(true_classes, sampled_candidates, num_true=num_true, name=name, **op_seeds(seed))
