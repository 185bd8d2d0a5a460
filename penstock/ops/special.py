"""Special functions: gamma, beta, zeta, error and Bessel functions, and what is built from them."""

import math
from typing import Any

import numpy as np

from penstock.base.export import export
from penstock.ir import door
from penstock.ir.op import op
from penstock.ir.scope import scoped
from penstock.ops.arithmetic import AddV2, Mul, RealDiv, Sub
from penstock.ops.elementwise import Cos, Exp, Log, Neg, Reciprocal, Sign, Sin, Square
from penstock.ops.families import binary, broadcast_shape, conj, later, special, unary, unbroadcast, wide
from penstock.ops.special_bodies import BODIES

_REAL = "(x: T, *, T: real_float) -> y: T"
Cast, NotEqual = later("Cast"), later("NotEqual")


def _body(name: str, *numpy_names: str) -> Any:
    """SciPy's function for NumPy, and under a trace JAX's or ours."""
    own = BODIES.get(name)

    def body(xp: Any, x: Any) -> Any:
        x = wide(xp, x)
        if xp is np or own is None:
            return getattr(special(xp), name)(x)
        return own(xp, x)

    body.__module__ = __name__
    return lambda xp, x: body(xp, x)


# -- gamma and its kin -----------------------------------------------------------------------------------------------
Lgamma = unary(
    "Lgamma" + _REAL,
    _body("gammaln"),
    "math.lgamma",
    v1=("lgamma",),
    grad=lambda dy, x, y: Mul(dy, Digamma(x)),
    doc="log |gamma(x)|.\n\n>>> round(tf.math.lgamma(5.).numpy().item(), 4)\n3.1781",
)
Digamma = unary(
    "Digamma" + _REAL,
    lambda xp, x: _digamma(xp, wide(xp, x)),
    "math.digamma",
    v1=("digamma",),
    grad=lambda dy, x, y: Mul(dy, Polygamma(AddV2(Mul(x, 0), 1), x)),
    doc="The derivative of lgamma.",
)


def _digamma(xp: Any, x: Any) -> Any:
    """NaN at the poles 0, -1, -2, ..., where SciPy has infinities at 0."""
    return xp.where((x <= 0) & (x == xp.floor(x)), xp.nan, special(xp).digamma(xp.where(x == 0, 1, x)))


Ndtri = unary(
    "Ndtri" + _REAL,
    lambda xp, x: special(xp).ndtri(wide(xp, x)),
    "math.ndtri",
    scope="ndtri",
    grad=lambda dy, x, y: Mul(Mul(dy, math.sqrt(2 * math.pi)), Exp(RealDiv(Square(y), 2))),
    doc="The quantile function of the standard normal distribution.",
)
Erfinv = unary(
    "Erfinv" + _REAL,
    lambda xp, x: special(xp).erfinv(wide(xp, x)),
    "math.erfinv",
    scope="erfinv",
    grad=lambda dy, x, y: Mul(Mul(dy, math.sqrt(math.pi) / 2), Exp(Square(y))),
    doc="The inverse of erf.",
)


@export("math.erfcinv")
def erfcinv(x: Any, name: str | None = None) -> Any:
    """The inverse of erfc.

    >>> round(tf.math.erfcinv(0.5).numpy().item(), 4)
    0.4769
    """
    with scoped(name, "erfcinv"):
        x = door.convert(x, None, "start")
        return Mul(Neg(_ndtri(Mul(x, 0.5))), math.sqrt(0.5))


def _ndtri(x: Any) -> Any:
    with scoped(None, "ndtri"):
        return Ndtri(x)


_TWO = "(a: T, x: T, *, T: {types}) -> z: T"
IgammaGradA = op("IgammaGradA(a: T, x: T, *, T: {float32|float64}) -> z: T", shape=broadcast_shape, where="xla")(
    lambda xp, a, x: _igamma_grad_a(a, x)
).no_grad()


def _igamma_grad_a(a: Any, x: Any) -> Any:
    import jax

    xp = jax.numpy
    a, x = xp.broadcast_arrays(a, x)
    # outside of these the series goes on without end
    inside = (a > 1e-30) & (a < 1e30) & (x >= 0) & (x < 1e30)
    one = xp.ones((), a.dtype)
    return xp.where(inside, jax.lax.igamma_grad_a(xp.where(inside, a, one), xp.where(inside, x, one)), xp.where((a > 0) & (x >= 1e30), one * 0, one * np.nan))


def _partial_x(x: Any, a: Any) -> Any:
    """d igamma(a, x) / dx = exp(-x + (a - 1) log x - lgamma(a))."""
    return Exp(Sub(AddV2(Neg(x), later("Xlogy")(Sub(a, 1), x)), Lgamma(a)))


def _gamma_pair(name: str, jax_name: str, sign: int, doc: str) -> Any:
    def compute(xp: Any, a: Any, x: Any) -> Any:
        a, x = wide(xp, a), wide(xp, x)
        bad = (x < 0) | (a < 0) | xp.isnan(a) | xp.isnan(x)
        return xp.where(bad, xp.nan, getattr(special(xp), jax_name)(xp.where(bad, 1, a), xp.where(bad, 1, x)))

    body = lambda xp, a, x: compute(xp, a, x)
    body.__doc__ = doc
    made = op(f"{name}(a: T, x: T, *, T: real_float) -> z: T", shape=broadcast_shape)(body)

    @made.grad
    def _(node: Any, dz: Any) -> Any:
        a, x = node.inputs
        da, dx = Mul(dz, IgammaGradA(a, x)), Mul(dz, _partial_x(x, a))
        if sign < 0:
            da, dx = Neg(da), Neg(dx)
        return unbroadcast(da, a, x), unbroadcast(dx, x, a)

    public = name.lower()

    def call(a: Any, x: Any, name: str | None = None) -> Any:
        return made(a, x, name=name)

    call.__name__ = call.__qualname__ = public
    call.__doc__ = doc
    globals()[public] = export(f"math.{public}", v1=(public,))(call)
    return made


Igamma = _gamma_pair("Igamma", "gammainc", 1, "The regularised lower incomplete gamma function P(a, x).")
Igammac = _gamma_pair("Igammac", "gammaincc", -1, "The regularised upper incomplete gamma function Q(a, x).")


def _polygamma(xp: Any, a: Any, x: Any) -> Any:
    if xp is np:
        order = np.round(a)
        values = special(np).polygamma(np.maximum(order, 0).astype(np.int64), x)
        values = np.where(order == 0, special(np).digamma(x), values)
        return np.where((a == order) & (a >= 0), values, np.nan)
    import jax

    return jax.lax.polygamma(*xp.broadcast_arrays(a, x))


def _zeta(xp: Any, x: Any, q: Any) -> Any:
    if xp is not np:
        import jax

        return jax.lax.zeta(*xp.broadcast_arrays(x, q))
    whole = q == np.floor(q)
    out = special(np).zeta(x, np.where(q <= 0, 1, q))
    out = np.where((q <= 0) & whole, np.inf, out)
    return np.where((q < 0) & ~whole, np.where(x == np.floor(x), special(np).zeta(x, np.abs(q)), np.nan) * np.nan, out)


Zeta = op("Zeta(x: T, q: T, *, T: {float32|float64}) -> z: T", shape=broadcast_shape)(lambda xp, x, q: _zeta(xp, x, q))
Polygamma = op("Polygamma(a: T, x: T, *, T: {float32|float64}) -> z: T", shape=broadcast_shape)(
    lambda xp, a, x: _polygamma(xp, a, x)
)
Zeta.grad(
    lambda node, dz: (
        None,
        unbroadcast(
            Mul(dz, Mul(Neg(node.inputs[0]), Zeta(AddV2(node.inputs[0], 1), node.inputs[1]))),
            node.inputs[1],
            node.inputs[0],
        ),
    )
)
Polygamma.grad(
    lambda node, dz: (
        None,
        unbroadcast(Mul(dz, Polygamma(AddV2(node.inputs[0], 1), node.inputs[1])), node.inputs[1], node.inputs[0]),
    )
)


@export("math.zeta", v1=("zeta",))
def zeta(x: Any, q: Any, name: str | None = None) -> Any:
    """The Hurwitz zeta function: the sum of (q + n) ** -x over n = 0, 1, 2, ...

    >>> round(tf.math.zeta(2., 1.).numpy().item(), 4)
    1.6449
    """
    return Zeta(x, q, name=name)


@export("math.polygamma", v1=("polygamma",))
def polygamma(a: Any, x: Any, name: str | None = None) -> Any:
    """The a-th derivative of digamma at x, for a = 0, 1, 2, ...

    >>> round(tf.math.polygamma(1., 1.).numpy().item(), 4)
    1.6449
    """
    return Polygamma(a, x, name=name)


def _betainc(xp: Any, a: Any, b: Any, x: Any) -> Any:
    bad = (a <= 0) | (b <= 0) | (x < 0) | (x > 1)
    if xp is np:
        return np.where(
            bad, np.nan, special(np).betainc(np.where(bad, 1, a), np.where(bad, 1, b), np.where(bad, 0.5, x))
        )
    return special(xp).betainc(*xp.broadcast_arrays(a, b, x))


def _betainc_shape(a: Any, b: Any, x: Any) -> Any:
    from penstock.base.shape import broadcast, merge

    shapes = [s.shape for s in (a, b, x) if s.shape != ()]
    if not shapes:
        return ()
    out = shapes[0]
    for s in shapes[1:]:
        out = merge(out, s)
    return broadcast(a.shape, b.shape, x.shape) if all(s.shape is not None for s in (a, b, x)) else out


Betainc = op("Betainc(a: T, b: T, x: T, *, T: {float32|float64}) -> z: T", shape=_betainc_shape)(
    lambda xp, a, b, x: _betainc(xp, a, b, x)
)


@Betainc.grad
def _(node: Any, dz: Any) -> Any:
    a, b, x = node.inputs
    log_beta = Sub(AddV2(Lgamma(a), Lgamma(b)), Lgamma(AddV2(a, b)))
    slope = Exp(Sub(AddV2(later("Xlog1py")(Sub(b, 1), Neg(x)), later("Xlogy")(Sub(a, 1), x)), log_beta))
    return None, None, unbroadcast(Mul(dz, slope), x, node.outputs[0])


@export("math.betainc", v1=("betainc",))
def betainc(a: Any, b: Any, x: Any, name: str | None = None) -> Any:
    """The regularised incomplete beta function I_x(a, b).

    >>> round(tf.math.betainc(2., 3., 0.5).numpy().item(), 4)
    0.6875
    """
    return Betainc(a, b, x, name=name)


@export("math.lbeta", v1=("lbeta",))
def lbeta(x: Any, name: str | None = None) -> Any:
    """log |beta(x)| along the last axis: the sum of lgamma minus lgamma of the sum.

    >>> round(tf.math.lbeta([1., 2.]).numpy().item(), 4)
    -0.6931
    """
    from penstock.ops.reduce import reduce_sum

    with scoped(name, "lbeta"):
        x = door.convert(x, None, "x")
        logs = reduce_sum(Lgamma(x), [-1])
        return Sub(logs, Lgamma(reduce_sum(x, [-1])), name="sub")


# -- x log y -------------------------------------------------------------------------------------------------------
def _times(xp: Any, x: Any, factor: Any) -> Any:
    return xp.where(x == 0, xp.zeros_like(factor), x * factor)


_one_if = lambda x: Cast(NotEqual(x, 0), DstT=x.dtype)
Xlogy = binary(
    "Xlogy(x: T, y: T, *, T: inexact) -> z: T",
    lambda xp, x, y: _times(xp, x, xp.log(y)),
    "math.xlogy",
    grad=lambda dz, x, y, z: (Mul(dz, Xlogy(_one_if(conj(x)), conj(y))), Mul(dz, Xdivy(conj(x), conj(y)))),
    doc="x * log(y), and 0 where x is 0.",
)
Xlog1py = binary(
    "Xlog1py(x: T, y: T, *, T: inexact) -> z: T",
    lambda xp, x, y: _times(xp, x, xp.log1p(y)),
    "math.xlog1py",
    scope="xlog1py",
    grad=lambda dz, x, y, z: (Mul(dz, Xlog1py(_one_if(conj(x)), conj(y))), Mul(dz, Xdivy(conj(x), AddV2(conj(y), 1)))),
    doc="x * log(1 + y), and 0 where x is 0.",
)
Xdivy = binary(
    "Xdivy(x: T, y: T, *, T: inexact) -> z: T",
    lambda xp, x, y: xp.where(x == 0, xp.zeros_like(y), x / y),
    "math.xdivy",
    scope="xdivy",
    grad=lambda dz, x, y, z: (Mul(dz, Xdivy(_one_if(conj(x)), conj(y))), Mul(dz, Xdivy(Neg(conj(x)), Square(conj(y))))),
    doc="x / y, and 0 where x is 0.",
)


# -- Bessel functions --------------------------------------------------------------------------------------------------
def _bessel(name: str, function: str, grad: Any, doc: str) -> Any:
    body = _body(function)
    if function[0] in "ky":  # not defined there: TensorFlow says infinite
        edge = np.inf if function[0] == "k" else -np.inf
        inner = body
        body = lambda xp, x: xp.where(x < 0, xp.asarray(edge, x.dtype), inner(xp, x))
    public = "bessel_" + name[6:].lower()
    names = (f"math.special.{public}",) if name[6] not in "I" else (f"math.{public}", f"math.special.{public}")
    return unary(name + _REAL, body, *names, scope=public, grad=grad, doc=doc)


_over = lambda y, x: later("DivNoNan")(y, x)
BesselI0 = _bessel(
    "BesselI0",
    "i0",
    lambda dy, x, y: Mul(dy, BesselI1(x)),
    "The modified Bessel function of the first kind and order 0.",
)
BesselI0e = _bessel(
    "BesselI0e", "i0e", lambda dy, x, y: Mul(dy, Sub(BesselI1e(x), Mul(Sign(x), y))), "exp(-|x|) * i0(x)."
)
BesselI1 = _bessel(
    "BesselI1",
    "i1",
    lambda dy, x, y: Mul(dy, _unless_zero(x, Sub(BesselI0(x), _over(y, x)), 1.0)),
    "The modified Bessel function of the first kind and order 1.",
)
BesselI1e = _bessel(
    "BesselI1e",
    "i1e",
    lambda dy, x, y: Mul(dy, _unless_zero(x, Sub(BesselI0e(x), Mul(y, AddV2(Sign(x), _safe_reciprocal(x)))), 0.5)),
    "exp(-|x|) * i1(x).",
)
BesselK0 = _bessel(
    "BesselK0",
    "k0",
    lambda dy, x, y: Neg(Mul(dy, BesselK1(x))),
    "The modified Bessel function of the second kind and order 0.",
)
BesselK0e = _bessel("BesselK0e", "k0e", lambda dy, x, y: Mul(dy, Sub(y, BesselK1e(x))), "exp(x) * k0(x).")
BesselK1 = _bessel(
    "BesselK1",
    "k1",
    lambda dy, x, y: Mul(dy, Sub(Neg(BesselK0(x)), RealDiv(y, x))),
    "The modified Bessel function of the second kind and order 1.",
)
BesselK1e = _bessel(
    "BesselK1e", "k1e", lambda dy, x, y: Mul(dy, Sub(Mul(y, Sub(1, Reciprocal(x))), BesselK0e(x))), "exp(x) * k1(x)."
)
BesselJ0 = _bessel(
    "BesselJ0", "j0", lambda dy, x, y: Neg(Mul(dy, BesselJ1(x))), "The Bessel function of the first kind and order 0."
)
BesselJ1 = _bessel(
    "BesselJ1",
    "j1",
    lambda dy, x, y: Mul(dy, _unless_zero(x, Sub(BesselJ0(x), _over(y, x)), 0.5)),
    "The Bessel function of the first kind and order 1.",
)
BesselY0 = _bessel(
    "BesselY0", "y0", lambda dy, x, y: Neg(Mul(dy, BesselY1(x))), "The Bessel function of the second kind and order 0."
)
BesselY1 = _bessel(
    "BesselY1",
    "y1",
    lambda dy, x, y: Mul(dy, Sub(BesselY0(x), RealDiv(y, x))),
    "The Bessel function of the second kind and order 1.",
)


def _unless_zero(x: Any, value: Any, at_zero: float) -> Any:
    """`value`, and the limit where x is 0."""
    return later("SelectV2")(later("Equal")(x, 0), Cast(door.convert(at_zero), DstT=x.dtype), value)


def _safe_reciprocal(x: Any) -> Any:
    return later("SelectV2")(
        later("Equal")(x, 0), x, Reciprocal(later("SelectV2")(later("Equal")(x, 0), later("OnesLike")(x), x))
    )


# -- integrals ---------------------------------------------------------------------------------------------------------
Dawsn = unary(
    "Dawsn" + _REAL,
    _body("dawsn"),
    "math.special.dawsn",
    scope="dawsn",
    grad=lambda dy, x, y: Mul(dy, Sub(1, Mul(Mul(x, 2), y))),
    doc="Dawson's integral: exp(-x**2) times the integral of exp(t**2) from 0 to x.",
)
Expint = unary(
    "Expint" + _REAL,
    lambda xp, x: xp.where(x < 0, xp.asarray(np.nan, x.dtype), _body("expi")(xp, x)),
    "math.special.expint",
    scope="expint",
    grad=lambda dy, x, y: RealDiv(Mul(dy, Exp(x)), x),
    doc="The exponential integral Ei.",
)
FresnelCos = unary(
    "FresnelCos" + _REAL,
    lambda xp, x: _fresnel(xp, x, 1),
    "math.special.fresnel_cos",
    scope="fresnel_cos",
    grad=lambda dy, x, y: Mul(dy, Cos(Mul(Square(x), math.pi / 2))),
    doc="Fresnel's cosine integral.",
)
FresnelSin = unary(
    "FresnelSin" + _REAL,
    lambda xp, x: _fresnel(xp, x, 0),
    "math.special.fresnel_sin",
    scope="fresnel_sin",
    grad=lambda dy, x, y: Mul(dy, Sin(Mul(Square(x), math.pi / 2))),
    doc="Fresnel's sine integral.",
)
Spence = unary(
    "Spence" + _REAL,
    _body("spence"),
    "math.special.spence",
    scope="spence",
    grad=lambda dy, x, y: Mul(dy, _unless_one(x, RealDiv(Log(x), Sub(1, x)))),
    doc="Spence's integral: that of log(t) / (1 - t) from 1 to x.",
)


def _unless_one(x: Any, value: Any) -> Any:
    return later("SelectV2")(later("Equal")(x, 1), Neg(later("OnesLike")(x)), value)


def _fresnel(xp: Any, x: Any, which: int) -> Any:
    x = wide(xp, x)
    if xp is np:
        import scipy.special

        return scipy.special.fresnel(x)[which]
    import jax.scipy.special

    return jax.scipy.special.fresnel(x)[which]
