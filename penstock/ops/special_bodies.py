"""Bessel functions that JAX lacks, by quadratures that converge exponentially; all in float64.

J and Y: Bessel's integral over the circle (Neumann's series for Y, summed into the weights), Hankel's expansion for large x.
K: the integral of exp(-x cosh t) cosh(n t), by the trapezoidal rule.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

_POINTS = 128
_THETA = 2 * np.pi * np.arange(_POINTS) / _POINTS
_SINE = np.sin(_THETA)
_NEUMANN = sum((-1) ** k / k * np.cos(2 * k * _THETA) for k in range(1, 31))
_FAR = 25.0


def _hankel(xp: Any, x: Any, order: int) -> tuple[Any, Any]:
    """J and Y for x >= 25: sqrt(2 / (pi x)) times a rotation of the slowly varying P and Q."""
    mu = 4.0 * order * order
    term, p, q = xp.ones_like(x), xp.ones_like(x), xp.zeros_like(x)
    for k in range(1, 17):
        term = term * (mu - (2 * k - 1) ** 2) / (k * 8 * x)
        sign = 1 if k % 4 in (0, 1) else -1
        if k % 2:
            q = q + sign * term
        else:
            p = p + sign * term
    angle = x - (order / 2 + 0.25) * np.pi
    scale = xp.sqrt(2 / (np.pi * x))
    return scale * (p * xp.cos(angle) - q * xp.sin(angle)), scale * (p * xp.sin(angle) + q * xp.cos(angle))


def _near(xp: Any, x: Any, order: int) -> tuple[Any, Any]:
    """J and Y for 0 < x <= 25."""
    phase = x[..., None] * _SINE
    j0 = xp.mean(xp.cos(phase), -1)
    j1 = xp.mean(_SINE * xp.sin(phase), -1)
    log = xp.log(xp.where(x > 0, x, 1) / 2) + np.euler_gamma
    if order == 0:
        return j0, 2 / np.pi * log * j0 - 4 / np.pi * xp.mean(_NEUMANN * xp.cos(phase), -1)
    y1 = (
        -2 / np.pi * j0 / xp.where(x > 0, x, 1)
        + 2 / np.pi * log * j1
        - 4 / np.pi * xp.mean(_NEUMANN * _SINE * xp.sin(phase), -1)
    )
    return j1, y1


def _first(order: int) -> Callable[[Any, Any], Any]:
    def body(xp: Any, x: Any) -> Any:
        size = xp.abs(x).astype(xp.float64)
        value = xp.where(
            size <= _FAR, _near(xp, xp.minimum(size, _FAR), order)[0], _hankel(xp, xp.maximum(size, _FAR), order)[0]
        )
        return (value if order == 0 else value * xp.sign(x)).astype(x.dtype)

    return body


def _second(order: int) -> Callable[[Any, Any], Any]:
    def body(xp: Any, x: Any) -> Any:
        wide = x.astype(xp.float64)
        near = _near(xp, xp.clip(wide, 0, _FAR), order)[1]
        value = xp.where(wide <= _FAR, near, _hankel(xp, xp.maximum(wide, _FAR), order)[1])
        return xp.where(x > 0, value, xp.where(x == 0, -np.inf, np.nan)).astype(x.dtype)

    return body


def _modified(order: int, scaled: bool) -> Callable[[Any, Any], Any]:
    def body(xp: Any, x: Any) -> Any:
        wide = xp.where(x > 0, x, 1).astype(xp.float64)
        step = 0.25 / xp.sqrt(xp.maximum(wide, 1.0))
        t = step[..., None] * np.arange(401.0)
        values = xp.exp(-2 * wide[..., None] * xp.sinh(t / 2) ** 2)
        if order:
            values = values * xp.cosh(t)
        weight = np.where(np.arange(401) == 0, 0.5, 1.0)
        out = step * xp.sum(values * weight, -1)
        if not scaled:
            out = out * xp.exp(-wide)
        return xp.where(x > 0, out, xp.where(x == 0, np.inf, np.nan)).astype(x.dtype)

    return body


BODIES: dict[str, Callable[[Any, Any], Any]] = {
    "j0": _first(0),
    "j1": _first(1),
    "y0": _second(0),
    "y1": _second(1),
    "k0": _modified(0, False),
    "k1": _modified(1, False),
    "k0e": _modified(0, True),
    "k1e": _modified(1, True),
}
"""SciPy's name -> body(xp, x)."""
