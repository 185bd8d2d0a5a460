"""Bitwise operations on integers."""

from typing import Any

import numpy as np

from penstock.ops.families import binary, unary


def _shift(xp: Any, x: Any, y: Any, left: bool) -> Any:
    """Shifts by amounts outside [0, bits) are taken as the nearest amount inside."""
    amount = xp.clip(y, 0, x.dtype.itemsize * 8 - 1).astype(x.dtype)
    return xp.left_shift(x, amount) if left else xp.right_shift(x, amount)


def _population(xp: Any, x: Any) -> Any:
    unsigned = x.view(f"uint{x.dtype.itemsize * 8}")
    if xp is np:
        return np.bitwise_count(unsigned)
    import jax

    return jax.lax.population_count(unsigned)


BitwiseAnd = binary(
    "BitwiseAnd(x: T, y: T, *, T: integer) -> z: T", lambda xp, x, y: x & y, "bitwise.bitwise_and", doc="x & y."
).no_grad()
BitwiseOr = binary(
    "BitwiseOr(x: T, y: T, *, T: integer) -> z: T", lambda xp, x, y: x | y, "bitwise.bitwise_or", doc="x | y."
).no_grad()
BitwiseXor = binary(
    "BitwiseXor(x: T, y: T, *, T: integer) -> z: T", lambda xp, x, y: x ^ y, "bitwise.bitwise_xor", doc="x ^ y."
).no_grad()
Invert = unary(
    "Invert(x: T, *, T: integer) -> y: T", lambda xp, x: ~x, "bitwise.invert", doc="All bits flipped."
).no_grad()
LeftShift = binary(
    "LeftShift(x: T, y: T, *, T: integer) -> z: T",
    lambda xp, x, y: _shift(xp, x, y, True),
    "bitwise.left_shift",
    doc="x << y, y taken into [0, bits).",
).no_grad()
RightShift = binary(
    "RightShift(x: T, y: T, *, T: integer) -> z: T",
    lambda xp, x, y: _shift(xp, x, y, False),
    "bitwise.right_shift",
    doc="x >> y, y taken into [0, bits); the sign is kept.",
).no_grad()
PopulationCount = unary(
    "PopulationCount(x: T, *, T: integer) -> y: uint8",
    lambda xp, x: _population(xp, x),
    doc="How many bits of each element are set.",
).no_grad()
