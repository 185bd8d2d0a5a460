"""Hashes of strings: FarmHash's Fingerprint64, the older 64-bit hash of graphs, and SipHash-2-4 under a key."""

from typing import Any

import numpy as np

from penstock.base.errors import InvalidArgumentError
from penstock.base.export import Old, export
from penstock.ir.op import op
from penstock.ops.families import of_elements

_M = (1 << 64) - 1
_K0, _K1, _K2 = 0xC3A5C85C97CB3127, 0xB492B66FBE98F273, 0x9AE16A3B2F90404F


def _at64(s: bytes, i: int) -> int:
    return int.from_bytes(s[i : i + 8], "little")


def _at32(s: bytes, i: int) -> int:
    return int.from_bytes(s[i : i + 4], "little")


def _rotate(x: int, n: int) -> int:
    return (x >> n | x << 64 - n) & _M


def _mix(x: int) -> int:
    return x ^ x >> 47


def _pair(u: int, v: int, mul: int) -> int:
    a = (u ^ v) * mul & _M
    a ^= a >> 47
    b = (v ^ a) * mul & _M
    b ^= b >> 47
    return b * mul & _M


def _weak(s: bytes, i: int, a: int, b: int) -> tuple[int, int]:
    w, x, y, z = (_at64(s, i + 8 * j) for j in range(4))
    a = (a + w) & _M
    b = _rotate((b + a + z) & _M, 21)
    c = a
    a = (a + x + y) & _M
    b = (b + _rotate(a, 44)) & _M
    return (a + z) & _M, (b + c) & _M


def fingerprint64(s: bytes) -> int:
    """FarmHash's Fingerprint64."""
    n = len(s)
    if n <= 16:
        return _short(s, n)
    mul = (_K2 + n * 2) & _M
    if n <= 32:
        a, b = _at64(s, 0) * _K1 & _M, _at64(s, 8)
        c, d = _at64(s, n - 8) * mul & _M, _at64(s, n - 16) * _K2 & _M
        return _pair((_rotate((a + b) & _M, 43) + _rotate(c, 30) + d) & _M, (a + _rotate((b + _K2) & _M, 18) + c) & _M, mul)
    if n <= 64:
        a, b = _at64(s, 0) * _K2 & _M, _at64(s, 8)
        c, d = _at64(s, n - 8) * mul & _M, _at64(s, n - 16) * _K2 & _M
        y = (_rotate((a + b) & _M, 43) + _rotate(c, 30) + d) & _M
        z = _pair(y, (a + _rotate((b + _K2) & _M, 18) + c) & _M, mul)
        e, f = _at64(s, 16) * mul & _M, _at64(s, 24)
        g, h = (y + _at64(s, n - 32)) * mul & _M, (z + _at64(s, n - 24)) * mul & _M
        return _pair((_rotate((e + f) & _M, 43) + _rotate(g, 30) + h) & _M, (e + _rotate((f + a) & _M, 18) + g) & _M, mul)
    return _long(s, n)


def _short(s: bytes, n: int) -> int:
    if n >= 8:
        mul = (_K2 + n * 2) & _M
        a, b = (_at64(s, 0) + _K2) & _M, _at64(s, n - 8)
        c, d = (_rotate(b, 37) * mul + a) & _M, (_rotate(a, 25) + b) * mul & _M
        return _pair(c, d, mul)
    if n >= 4:
        return _pair(n + (_at32(s, 0) << 3), _at32(s, n - 4), (_K2 + n * 2) & _M)
    if n > 0:
        y, z = s[0] + (s[n >> 1] << 8), n + (s[n - 1] << 2)
        return _mix((y * _K2 ^ z * _K0) & _M) * _K2 & _M
    return _K2


def _long(s: bytes, n: int) -> int:
    x = 81
    y = (81 * _K1 + 113) & _M
    z = _mix((y * _K2 + 113) & _M) * _K2 & _M
    v, w = (0, 0), (0, 0)
    x = (x * _K2 + _at64(s, 0)) & _M
    end, last = (n - 1) // 64 * 64, n - 64

    def turn(i: int, mul: int, nine: int) -> None:
        nonlocal x, y, z, v, w
        x = _rotate((x + y + v[0] + _at64(s, i + 8)) & _M, 37) * mul & _M
        y = _rotate((y + v[1] + _at64(s, i + 48)) & _M, 42) * mul & _M
        x ^= w[1] * nine & _M
        y = (y + v[0] * nine + _at64(s, i + 40)) & _M
        z = _rotate((z + w[0]) & _M, 33) * mul & _M
        v = _weak(s, i, v[1] * mul & _M, (x + w[0]) & _M)
        w = _weak(s, i + 32, (z + w[1]) & _M, (y + _at64(s, i + 16)) & _M)
        z, x = x, z

    for i in range(0, end, 64):
        turn(i, _K1, 1)
    mul = (_K1 + ((z & 0xFF) << 1)) & _M
    w = ((w[0] + (n - 1 & 63)) & _M, w[1])
    v = ((v[0] + w[0]) & _M, v[1])
    w = ((w[0] + v[0]) & _M, w[1])
    turn(last, mul, 9)
    return _pair((_pair(v[0], w[0], mul) + _mix(y) * _K0 + z) & _M, (_pair(v[1], w[1], mul) + x) & _M, mul)


def hash64(s: bytes, seed: int = 0xDECAFCAFFE) -> int:
    """The 64-bit hash behind `tf.strings.to_hash_bucket`."""
    m, n = 0xC6A4A7935BD1E995, len(s)
    h = (seed ^ n * m) & _M
    whole = n - n % 8
    for i in range(0, whole, 8):
        k = _at64(s, i) * m & _M
        k = (k ^ k >> 47) * m & _M
        h = (h ^ k) * m & _M
    if n % 8:
        h = (h ^ int.from_bytes(s[whole:], "little")) * m & _M
    h = (h ^ h >> 47) * m & _M
    return h ^ h >> 47


def siphash(s: bytes, key: tuple[int, int]) -> int:
    """SipHash-2-4 of a string under a key of two 64-bit numbers."""
    a, b = key[0] & _M, key[1] & _M
    v = [a ^ 0x736F6D6570736575, b ^ 0x646F72616E646F6D, a ^ 0x6C7967656E657261, b ^ 0x7465646279746573]

    def rounds(count: int) -> None:
        v0, v1, v2, v3 = v
        for _ in range(count):
            v0 = (v0 + v1) & _M
            v1 = _rotate(v1, 51) ^ v0
            v0 = _rotate(v0, 32)
            v2 = (v2 + v3) & _M
            v3 = _rotate(v3, 48) ^ v2
            v0 = (v0 + v3) & _M
            v3 = _rotate(v3, 43) ^ v0
            v2 = (v2 + v1) & _M
            v1 = _rotate(v1, 47) ^ v2
            v2 = _rotate(v2, 32)
        v[:] = [v0, v1, v2, v3]

    n = len(s)
    words = [_at64(s, i) for i in range(0, n - n % 8, 8)]
    for m in [*words, int.from_bytes(s[n - n % 8 :], "little") | (n & 0xFF) << 56]:
        v[3] ^= m
        rounds(2)
        v[0] ^= m
    v[2] ^= 0xFF
    rounds(4)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


def _buckets(strings: Any, count: int, function: Any) -> np.ndarray:
    return np.array([function(s) % count for s in strings.ravel().tolist()], np.int64).reshape(strings.shape)


@op("StringToHashBucket(string_tensor: string, *, num_buckets: int >= 1) -> output: int64", where="host", shape=lambda x, **_: x.shape)
def string_to_hash_bucket_op(xp, string_tensor, *, num_buckets):
    """Each string's hash modulo num_buckets."""
    return _buckets(string_tensor, num_buckets, hash64)


@op("StringToHashBucketFast(input: string, *, num_buckets: int >= 1) -> output: int64", where="host", shape=lambda x, **_: x.shape)
def string_to_hash_bucket_fast_op(xp, input, *, num_buckets):
    """Each string's FarmHash fingerprint modulo num_buckets."""
    return _buckets(input, num_buckets, fingerprint64)


@op("StringToHashBucketStrong(input: string, *, num_buckets: int >= 1, key: list(int)) -> output: int64", where="host", shape=lambda x, **_: x.shape)
def string_to_hash_bucket_strong_op(xp, input, *, num_buckets, key):
    """Each string's SipHash under a key, modulo num_buckets."""
    if len(key) != 2:
        raise InvalidArgumentError(None, None, "Key must have 2 elements")
    return _buckets(input, num_buckets, lambda s: siphash(s, (key[0], key[1])))


for _one in (string_to_hash_bucket_op, string_to_hash_bucket_fast_op, string_to_hash_bucket_strong_op):
    _one.no_grad()

_OLD = Old("string_tensor=None, num_buckets=None, name=None, input=None", string_tensor="input")


@export(v2=("strings.to_hash_bucket",), v1=("strings.to_hash_bucket", "string_to_hash_bucket"), old=_OLD)
@of_elements
def string_to_hash_bucket(input: Any, num_buckets: int, name: str | None = None) -> Any:  # noqa: A002
    """int64: a bucket 0..num_buckets-1 for each string."""
    return string_to_hash_bucket_op(input, num_buckets=num_buckets, name=name)


@export("strings.to_hash_bucket_fast", v1=("string_to_hash_bucket_fast",))
@of_elements
def string_to_hash_bucket_fast(input: Any, num_buckets: int, name: str | None = None) -> Any:  # noqa: A002
    """int64: a bucket 0..num_buckets-1 for each string, by a fast hash that will not change.

    >>> tf.strings.to_hash_bucket_fast(["a", "b"], 10).numpy().tolist()
    [9, 2]
    """
    return string_to_hash_bucket_fast_op(input, num_buckets=num_buckets, name=name)


@export("strings.to_hash_bucket_strong", v1=("string_to_hash_bucket_strong",))
@of_elements
def string_to_hash_bucket_strong(input: Any, num_buckets: int, key: Any, name: str | None = None) -> Any:  # noqa: A002
    """int64: a bucket 0..num_buckets-1 for each string, by a hash under a secret key of two integers."""
    return string_to_hash_bucket_strong_op(input, num_buckets=num_buckets, key=key, name=name)
