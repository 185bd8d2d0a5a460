"""Gamma, Poisson and binomial samples by rejection.

Every output has a stretch of the stream of its own and is computed in float64; `rates`, `alphas`, `counts` and `probs` are flat,
and each of their elements gets `samples` outputs: the result is [len(rates), samples].
"""

import math
from typing import Any

import numpy as np

from penstock.ops.random_bits import Stream, blocks
from penstock.ops.random_values import OUTPUT_BLOCKS, box_muller64, unit64, until_done

_INVERSION_BLOCKS = 42
"""Blocks that an output of the binomial's inversion sets aside."""


def lgamma(xp: Any, x: Any) -> Any:
    if xp is np:
        from scipy.special import gammaln

        return gammaln(x)
    from jax import lax

    return lax.lgamma(x)


def _lanes(xp: Any, values: Any, samples: int) -> Any:
    """Each value once for each of its samples, in float64."""
    return xp.repeat(xp.asarray(values).astype(np.float64).reshape(-1), samples)


def _first(xp: Any, lanes: int, stretch: int = OUTPUT_BLOCKS) -> Any:
    return xp.arange(lanes, dtype=xp.uint64) * np.uint64(stretch)


def _uniforms(xp: Any, stream: Stream, at: Any) -> tuple[Any, Any]:
    """The two uniforms of a block, in the order in which they are used: the second one first."""
    a, b, c, d = blocks(xp, stream, at)
    return unit64(xp, c, d), unit64(xp, a, b)


def gamma(xp: Any, stream: Stream, samples: int, alphas: Any) -> Any:
    """Marsaglia and Tsang's method (2000); alpha == 1 draws from the exponential distribution."""
    alpha = _lanes(xp, alphas, samples)
    small = alpha < 1
    d = alpha + small - 1 / 3
    c = 1 / 3 / xp.sqrt(d)
    one = np.uint64(1)

    def attempt(
        at: Any, normal: Any, has_normal: Any, uniform: Any, has_uniform: Any, value: Any, c: Any, d: Any
    ) -> tuple[Any, ...]:
        sine, cosine = box_muller64(xp, *blocks(xp, stream, at))
        x = xp.where(has_normal, normal, cosine)
        normal, at, has_normal = sine, xp.where(has_normal, at, at + one), ~has_normal
        v = 1 + c * x
        possible = v > 0
        v = v * v * v
        fresh, spare = _uniforms(xp, stream, at)
        u = xp.where(has_uniform, uniform, fresh)
        draws = possible & ~has_uniform
        uniform, at = xp.where(draws, spare, uniform), xp.where(draws, at + one, at)
        has_uniform = xp.where(possible, ~has_uniform, has_uniform)
        square = x * x
        good = (u < 1 - 0.0331 * square * square) | (xp.log(u) < 0.5 * square + d * (1 - v + xp.log(v)))
        good = possible & good
        return at, normal, has_normal, uniform, has_uniform, xp.where(good, d * v, value), c, d, ~good

    n = alpha.shape[0]
    zero, no, first = xp.zeros((n,)), xp.zeros((n,), bool), _first(xp, n)
    live = (alpha > 0) & (alpha != 1) & xp.isfinite(alpha)
    at, _, _, uniform, has_uniform, value, _, _ = until_done(xp, attempt, (first, zero, no, zero, no, zero, c, d), live)
    fresh = _uniforms(xp, stream, at)[0]
    u = xp.where(has_uniform, uniform, fresh)
    value = xp.where(small, value * u ** (1 / xp.where(small, alpha, 1.0)), value)
    value = xp.where(alpha == 1, -xp.log1p(-_uniforms(xp, stream, first)[0]), value)
    value = xp.where(live | (alpha == 1), value, xp.where(alpha == math.inf, math.inf, math.nan))
    return value.reshape(alphas.size, samples)


def poisson(xp: Any, stream: Stream, samples: int, rates: Any, largest: float) -> Any:
    """Knuth's product of uniforms below a rate of 10, Hoermann's transformed rejection (1993) from there on."""
    rate = _lanes(xp, rates, samples)
    n = rate.shape[0]
    first, one = _first(xp, n), np.uint64(1)
    floor = xp.exp(-rate)

    def multiply(at: Any, product: Any, count: Any, floor: Any) -> tuple[Any, ...]:
        u, then = _uniforms(xp, stream, at)
        product = product * u
        over = product <= floor
        count = xp.where(over, count, count + 1)
        product = xp.where(over, product, product * then)
        done = product <= floor
        return at + one, product, xp.where(over | done, count, count + 1), floor, ~done

    few = (rate < 10) & (rate > 0)
    state = first, xp.ones((n,)), xp.zeros((n,)), floor
    small = until_done(xp, multiply, state, few)[2]

    def transform(at: Any, value: Any, rate: Any) -> tuple[Any, ...]:
        b = 0.931 + 2.53 * xp.sqrt(rate)
        a = -0.059 + 0.02483 * b
        u, v = _uniforms(xp, stream, at)
        u = u - 0.5
        shifted = 0.5 - abs(u)
        k = xp.floor((2 * a / shifted + b) * u + rate + 0.43)
        quick = (shifted >= 0.07) & (v <= 0.9277 - 3.6224 / (b - 2))
        hopeless = (k < 0) | ((shifted < 0.013) & (v > shifted))
        s = xp.log(v * (1.1239 + 1.1328 / (b - 3.4)) / (a / (shifted * shifted) + b))
        exact = s <= -rate + k * xp.log(rate) - lgamma(xp, k + 1)
        good = (k <= largest) & (quick | (~hopeless & exact))
        return at + one, xp.where(good, k, value), rate, ~good

    many = (rate >= 10) & xp.isfinite(rate)
    large = until_done(xp, transform, (first, xp.zeros((n,)), xp.where(many, rate, 10.0)), many)[1]
    value = xp.where(few, small, xp.where(many, large, 0.0))
    return xp.where(rate >= math.inf, math.inf, xp.where(xp.isnan(rate), math.nan, value)).reshape(rates.size, samples)


_STIRLING = (
    0.0810614667953272,
    0.0413406959554092,
    0.0276779256849983,
    0.02079067210376509,
    0.0166446911898211,
    0.0138761288230707,
    0.0118967099458917,
    0.0104112652619720,
    0.00925546218271273,
    0.00833056343336287,
)


def _stirling(xp: Any, k: Any) -> Any:
    """What Stirling's approximation of log k! leaves out."""
    inverse = 1 / (k + 1)
    square = inverse * inverse
    series = (1 / 12 - (1 / 360 - 1 / 1260 * square) * square) * inverse
    exact = xp.asarray(_STIRLING)[xp.clip(xp.nan_to_num(k), 0, 9).astype(np.int32)]
    return xp.where(k <= 9, exact, series)


def binomial(xp: Any, stream: Stream, samples: int, counts: Any, probs: Any) -> Any:
    """Inversion by geometric gaps where fewer than 10 are expected, Hoermann's BTRS (1993) elsewhere."""
    count, given = _lanes(xp, counts, samples), _lanes(xp, probs, samples)
    n = count.shape[0]
    one = np.uint64(1)
    prob = xp.where(given > 0.5, 1 - given, given)
    sane = (count > 0) & (prob > 0) & xp.isfinite(count)
    few, many = sane & (count * prob < 10), sane & (count * prob >= 10)

    def gap(at: Any, total: Any, hits: Any, count: Any, scale: Any) -> tuple[Any, ...]:
        u, then = _uniforms(xp, stream, at)
        total = total + xp.ceil(xp.log(u) / scale)
        over = total > count
        hits = xp.where(over, hits, hits + 1)
        total = xp.where(over, total, total + xp.ceil(xp.log(then) / scale))
        done = total > count
        return at + one, total, xp.where(over | done, hits, hits + 1), count, scale, ~done

    zero = xp.zeros((n,))
    scale = xp.log1p(-xp.where(few, prob, 0.5))
    small = until_done(xp, gap, (_first(xp, n, _INVERSION_BLOCKS), zero, zero, count, scale), few)[2]

    def transform(at: Any, value: Any, n: Any, p: Any) -> tuple[Any, ...]:
        deviation = xp.sqrt(n * p * (1 - p))
        b = 1.15 + 2.53 * deviation
        a = -0.0873 + 0.0248 * b + 0.01 * p
        ratio = p / (1 - p)
        m = xp.floor((n + 1) * p)
        u, v = _uniforms(xp, stream, at)
        u = u - 0.5
        shifted = 0.5 - abs(u)
        k = xp.floor((2 * a / shifted + b) * u + n * p + 0.5)
        quick = (shifted >= 0.07) & (v <= 0.92 - 4.2 / b)
        possible = (k >= 0) & (k <= n)
        bound = (
            (m + 0.5) * xp.log((m + 1) / (ratio * (n - m + 1)))
            + (n + 1) * xp.log((n - m + 1) / (n - k + 1))
            + (k + 0.5) * xp.log(ratio * (n - k + 1) / (k + 1))
            + _stirling(xp, m)
            + _stirling(xp, n - m)
            - _stirling(xp, k)
            - _stirling(xp, n - k)
        )
        exact = xp.log(v * (2.83 + 5.1 / b) * deviation / (a / (shifted * shifted) + b)) <= bound
        good = quick | (possible & exact)
        return at + one, xp.where(good, k, value), n, p, ~good

    state = _first(xp, n), zero, xp.where(many, count, 100.0), xp.where(many, prob, 0.5)
    large = until_done(xp, transform, state, many)[1]
    value = xp.where(few, small, xp.where(many, large, 0.0))
    value = xp.where(given > 0.5, xp.maximum(count, 0.0) - value, value)
    return xp.where(xp.isnan(count) | xp.isnan(given), math.nan, value).reshape(counts.size, samples)
