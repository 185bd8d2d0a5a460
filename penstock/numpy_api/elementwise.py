"""Functions of each element, of one array or two, with NumPy's promotion."""

import math
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.base.export import export
from penstock.ir import door
from penstock.ir.op import find
from penstock.numpy_api.promotion import SPACE, asarray, inexact, promoted, to

_HIDDEN = frozenset("abs divmod max min pow round sum all any".split())


def _publish(name: str, function: Callable[..., Any], doc: str, *more: str) -> Any:
    function.__name__, function.__doc__ = name, doc
    function.__qualname__ = f"{name}_" if name in _HIDDEN else name
    function.__module__ = __name__
    setattr(sys.modules[__name__], function.__qualname__, function)
    return export(*[SPACE + n for n in (name, *more)])(function)


def _unary(name: str, compute: Any, doc: str, *more: str, floats: bool = False) -> None:
    """f(x): `compute` (an op's name, or a function) of x; integers become floats first where it takes none."""
    run = (lambda x: find(compute)(x)) if isinstance(compute, str) else compute

    def function(x: Any) -> Any:
        return run(inexact(x) if floats else asarray(x))

    _publish(name, function, doc, *more)


def _binary(name: str, compute: Any, doc: str, *more: str) -> None:
    """f(x1, x2): `compute` of both in the dtype that they have together."""
    run = (lambda x, y: find(compute)(x, y)) if isinstance(compute, str) else compute

    def function(x1: Any, x2: Any) -> Any:
        return run(*promoted(x1, x2))

    _publish(name, function, doc, *more)


def _constant(value: Any, like: Any) -> Any:
    return door.convert(np.array(value).astype(like.dtype.as_numpy_dtype))


def _scaled(factor: float) -> Any:
    return lambda x: x * _constant(factor, x)


def _sinc(x: Any) -> Any:
    pi_x = x * _constant(math.pi, x)
    zero = find("Equal")(x, _constant(0, x))
    safe = find("SelectV2")(zero, find("OnesLike")(x), pi_x)
    return find("SelectV2")(zero, find("OnesLike")(x), find("Sin")(safe) / safe)


def _cbrt(x: Any) -> Any:
    sign = find("Sign")(x)
    return find("Pow")(x * sign, _constant(1 / 3, x)) * sign


def _log_of(base: float) -> Any:
    def compute(x: Any) -> Any:
        x, scale = promoted(find("Log")(x), np.float64(math.log(base)))
        return x / scale

    return compute


for _name, _op, _doc, _more in (
    ("exp", "Exp", "e to the power x.", ()), ("expm1", "Expm1", "exp(x) - 1, exact for small x.", ()),
    ("exp2", lambda x: find("Pow")(_constant(2, x), x), "2 to the power x.", ()),
    ("log", "Log", "The natural logarithm.", ()), ("log1p", "Log1p", "log(1 + x), exact for small x.", ()),
    ("log2", _log_of(2), "The logarithm to base 2.", ()), ("log10", _log_of(10), "The logarithm to base 10.", ()),
    ("sin", "Sin", "The sine.", ()), ("cos", "Cos", "The cosine.", ()), ("tan", "Tan", "The tangent.", ()),
    ("sinh", "Sinh", "The hyperbolic sine.", ()), ("cosh", "Cosh", "The hyperbolic cosine.", ()), ("tanh", "Tanh", "The hyperbolic tangent.", ()),
    ("arcsin", "Asin", "The angle whose sine is x.", ()), ("arccos", "Acos", "The angle whose cosine is x.", ()),
    ("arctan", "Atan", "The angle whose tangent is x.", ()), ("arcsinh", "Asinh", "The inverse of sinh.", ()),
    ("arccosh", "Acosh", "The inverse of cosh.", ()), ("arctanh", "Atanh", "The inverse of tanh.", ()),
    ("sqrt", "Sqrt", "The square root.", ()), ("cbrt", _cbrt, "The cube root.", ()), ("sinc", _sinc, "sin(pi x) / (pi x), 1 at 0.", ()),
    ("deg2rad", _scaled(math.pi / 180), "Degrees as radians.", ()), ("rad2deg", _scaled(180 / math.pi), "Radians as degrees.", ()),
    ("ceil", "Ceil", "The next integer above.", ()), ("floor", "Floor", "The next integer below.", ()),
    ("fix", lambda x: find("SelectV2")(find("Greater")(x, _constant(0, x)), find("Floor")(x), find("Ceil")(x)), "The next integer towards 0.", ()),
):  # fmt: skip
    _unary(_name, _op, _doc, *_more, floats=True)


def _when_float(name: str, otherwise: bool) -> Any:
    def compute(x: Any) -> Any:
        if x.dtype.is_floating:
            return find(name)(x)
        if x.dtype.is_complex:
            parts = [find(name)(find(p)(x, Tout=x.dtype.base_dtype.real_dtype)) for p in ("Real", "Imag")]
            return find("LogicalAnd" if otherwise else "LogicalOr")(*parts)
        return find("Fill")(find("Shape")(x), otherwise)

    return compute


def _real(val: Any) -> Any:
    val = asarray(val)
    return find("Real")(val, Tout=val.dtype.base_dtype.real_dtype) if val.dtype.is_complex else val


def _imag(val: Any) -> Any:
    val = asarray(val)
    return find("Imag")(val, Tout=val.dtype.base_dtype.real_dtype) if val.dtype.is_complex else find("ZerosLike")(val)


def _conj(x: Any) -> Any:
    return find("Conj")(x) if x.dtype.is_complex else x


def _abs(x: Any) -> Any:
    if x.dtype.is_complex:
        return find("ComplexAbs")(x, Tout=x.dtype.base_dtype.real_dtype)
    return x if x.dtype.is_unsigned or x.dtype.is_bool else find("Abs")(x)


def _signed_infinity(sign: float) -> Any:
    return lambda x: find("Equal")(x, _constant(sign * math.inf, x)) if x.dtype.is_floating else False


for _name, _op, _doc, _more in (
    ("abs", _abs, "The distance from 0.", ("absolute",)), ("fabs", _abs, "The distance from 0.", ()),
    ("negative", "Neg", "The number with the other sign.", ()), ("positive", "Identity", "The number itself.", ()),
    ("square", "Square", "x times x.", ()), ("reciprocal", "Reciprocal", "1 / x.", ()),
    ("bitwise_not", lambda x: find("LogicalNot")(x) if x.dtype.is_bool else find("Invert")(x), "The other bits.", ()),
    ("conj", _conj, "The complex conjugate.", ("conjugate",)),
    ("isnan", _when_float("IsNan", False), "Is it not a number?", ()), ("isinf", lambda x: find("IsInf")(x) if x.dtype.is_floating else False, "Is it infinite?", ()),
    ("isfinite", _when_float("IsFinite", True), "Is it finite?", ()),
    ("isposinf", _signed_infinity(1), "Is it positive infinity?", ()), ("isneginf", _signed_infinity(-1), "Is it negative infinity?", ()),
    ("iscomplex", lambda x: find("NotEqual")(_imag(x), find("ZerosLike")(_imag(x))), "Has it an imaginary part?", ()),
    ("isreal", lambda x: find("Equal")(_imag(x), find("ZerosLike")(_imag(x))), "Has it no imaginary part?", ()),
    ("iscomplexobj", lambda x: x.dtype.is_complex, "Is it of a complex dtype?", ()),
    ("isrealobj", lambda x: not x.dtype.is_complex, "Is it of a real dtype?", ()),
):  # fmt: skip
    _unary(_name, _op, _doc, *_more)


def real(val: Any) -> Any:
    """The real part."""
    return _real(val)


def imag(val: Any) -> Any:
    """The imaginary part, zeros for real numbers."""
    return _imag(val)


export(SPACE + "real")(real)
export(SPACE + "imag")(imag)


@export(SPACE + "logical_not")
def logical_not(x: Any) -> Any:
    """True where x is zero."""
    return find("LogicalNot")(asarray(x, np.bool_))


@export(SPACE + "angle")
def angle(z: Any, deg: bool = False) -> Any:
    """The angle in the complex plane, in radians or degrees."""
    z = asarray(z)
    real_type = z.dtype.base_dtype.real_dtype if z.dtype.is_complex else dtypes.float32
    if not z.dtype.is_complex:
        z = to(to(z, dtypes.float32), dtypes.complex64)
    made = find("Angle")(z, Tout=real_type)
    return made * _constant(180 / math.pi, made) if deg else made


@export(SPACE + "sign")
def sign(x: Any, out: Any = None, where: Any = None, **kwargs: Any) -> Any:
    """-1, 0 or 1; of complex numbers x / |x|."""
    if out:
        raise ValueError("tf.numpy doesn't support setting out.")
    if where:
        raise ValueError("tf.numpy doesn't support setting where.")
    if kwargs:
        raise ValueError(f"tf.numpy doesn't support setting {kwargs.keys()}")
    return find("Sign")(asarray(x))


@export(SPACE + "signbit")
def signbit(x: Any) -> Any:
    """Is the sign bit set?"""
    x = asarray(x)
    if x.dtype.is_bool:
        return find("Fill")(find("Shape")(x), False)
    return find("Less")(x, find("ZerosLike")(x))


def round_(a: Any, decimals: int = 0) -> Any:
    """Rounded to so many decimals, halves to the even neighbour.

    >>> float(tf.experimental.numpy.around(2.675, 1))
    2.7
    """
    a = asarray(a)
    dtype = a.dtype.base_dtype
    factor = math.pow(10, decimals)
    wide = a if dtype.is_floating or dtype.is_complex else to(a, dtypes.float64)
    scale = _constant(factor, wide)
    return to(find("Rint")(wide * scale) / scale if not dtype.is_complex else wide, dtype)


def around(a: Any, decimals: int = 0) -> Any:
    """Rounded to so many decimals, halves to the even neighbour."""
    return round_(a, decimals)


export(SPACE + "around")(around)
export(SPACE + "round")(round_)


@export(SPACE + "clip")
def clip(a: Any, a_min: Any, a_max: Any) -> Any:
    """The elements, those outside the bounds moved to them."""
    if a_min is None and a_max is None:
        raise ValueError("Not more than one of `a_min` and `a_max` may be `None`.")
    if a_min is None:
        return minimum(a, a_max)  # noqa: F821 - made by _binary
    if a_max is None:
        return maximum(a, a_min)  # noqa: F821
    a, low, high = promoted(a, a_min, a_max)
    return find("Minimum")(find("Maximum")(a, low), high)


# -- two arrays --------------------------------------------------------------------------------------------------------
def _add(x: Any, y: Any) -> Any:
    return find("LogicalOr")(x, y) if x.dtype.is_bool else find("AddV2")(x, y)


def _multiply(x: Any, y: Any) -> Any:
    return find("LogicalAnd")(x, y) if x.dtype.is_bool else find("Mul")(x, y)


def _divide(x: Any, y: Any) -> Any:
    if x.dtype.is_integer and x.dtype.size < 4:
        return find("RealDiv")(to(x, dtypes.float32), to(y, dtypes.float32))
    return find("RealDiv")(inexact(x), inexact(y))


def _on_bytes(op: str) -> Any:
    """Booleans go through int8 and come back."""
    return lambda x, y: to(find(op)(to(x, dtypes.int8), to(y, dtypes.int8)), dtypes.bool) if x.dtype.is_bool else find(op)(x, y)


def _on_int8(op: str) -> Any:
    return lambda x, y: find(op)(to(x, dtypes.int8), to(y, dtypes.int8)) if x.dtype.is_bool else find(op)(x, y)


def _bits(op: str, on_bools: str) -> Any:
    return lambda x, y: find(on_bools)(x, y) if x.dtype.is_bool else find(op)(x, y)


def _logaddexp(x: Any, y: Any) -> Any:
    x, y = inexact(x), inexact(y)
    high = find("Maximum")(x, y)
    apart = find("Neg")(find("Abs")(x - y))
    same = find("IsNan")(apart)
    return find("SelectV2")(same, x + y, high + find("Log1p")(find("Exp")(apart)))


def _logaddexp2(x: Any, y: Any) -> Any:
    x, y = inexact(x), inexact(y)
    high = find("Maximum")(x, y)
    apart = find("Neg")(find("Abs")(x - y))
    inner, scale = promoted(find("Log1p")(find("Pow")(_constant(2, apart), apart)), np.float64(math.log(2)))
    return find("SelectV2")(*promoted_branches(find("IsNan")(apart), x + y, to(high, inner.dtype) + inner / scale))


def promoted_branches(condition: Any, x: Any, y: Any) -> tuple[Any, Any, Any]:
    """The condition, and both branches in one dtype."""
    return (condition, *promoted(x, y))


def _heaviside(x: Any, y: Any) -> Any:
    x, y = inexact(x), inexact(y)
    zero = find("ZerosLike")(x)
    return find("SelectV2")(find("Less")(x, zero), zero, find("SelectV2")(find("Greater")(x, zero), find("OnesLike")(x), y))


def _floor_divide(x: Any, y: Any) -> Any:
    return to(find("FloorDiv")(to(x, dtypes.int8), to(y, dtypes.int8)), dtypes.int8) if x.dtype.is_bool else find("FloorDiv")(x, y)


def _gcd_pair(x: Any, y: Any) -> Any:
    if not x.dtype.is_integer or not y.dtype.is_integer:
        raise ValueError("Arguments to gcd must be integers.")
    from penstock.fronts.control import while_loop_v2

    zero = find("ZerosLike")
    shape = find("BroadcastArgs")(find("Shape")(x), find("Shape")(y))
    x, y = (find("BroadcastTo")(_abs(v), shape) for v in (x, y))

    def turn(a: Any, b: Any) -> Any:
        done = find("Equal")(b, zero(b))
        safe = find("SelectV2")(done, find("OnesLike")(b), b)
        return find("SelectV2")(done, a, b), find("SelectV2")(done, b, find("FloorMod")(a, safe))

    some = lambda a, b: find("Any")(find("NotEqual")(b, zero(b)), find("Range")(0, find("Rank")(b), 1))
    return while_loop_v2(some, turn, (x, y))[0]


def _lcm_pair(x: Any, y: Any) -> Any:
    divisor = _gcd_pair(x, y)
    safe = find("SelectV2")(find("Equal")(divisor, find("ZerosLike")(divisor)), find("OnesLike")(divisor), divisor)
    return _abs(x * find("FloorDiv")(y, safe))


for _name, _op, _doc, _more in (
    ("add", _add, "The sum; of booleans, whether either holds.", ()), ("subtract", "Sub", "The difference.", ()),
    ("multiply", _multiply, "The product; of booleans, whether both hold.", ()), ("true_divide", _divide, "The quotient, in floating point.", ("divide",)),
    ("floor_divide", _floor_divide, "The quotient, rounded down.", ()), ("mod", _on_int8("FloorMod"), "What is left of a division rounded down.", ("remainder",)),
    ("power", _on_int8("Pow"), "x1 to the power x2.", ()), ("maximum", _on_bytes("Maximum"), "The greater one.", ()), ("minimum", _on_bytes("Minimum"), "The smaller one.", ()),
    ("bitwise_and", _bits("BitwiseAnd", "LogicalAnd"), "The bits that both have.", ()), ("bitwise_or", _bits("BitwiseOr", "LogicalOr"), "The bits that either has.", ()),
    ("bitwise_xor", _bits("BitwiseXor", "NotEqual"), "The bits that one of both has.", ()), ("arctan2", "Atan2", "The angle of the point (x2, x1).", ()),
    ("nextafter", "NextAfter", "The next number in the direction of x2.", ()), ("logaddexp", _logaddexp, "log(exp(x1) + exp(x2)).", ()),
    ("logaddexp2", _logaddexp2, "log2(2 ** x1 + 2 ** x2).", ()),
    ("heaviside", _heaviside, "0 below 0, x2 at 0, 1 above.", ()), ("gcd", _gcd_pair, "The greatest common divisor.", ()), ("lcm", _lcm_pair, "The least common multiple.", ()),
    ("equal", "Equal", "Are they equal?", ()), ("not_equal", "NotEqual", "Do they differ?", ()),
    ("greater", _on_int8("Greater"), "Is x1 greater?", ()), ("greater_equal", _on_int8("GreaterEqual"), "Is x1 greater or equal?", ()),
    ("less", _on_int8("Less"), "Is x1 less?", ()), ("less_equal", _on_int8("LessEqual"), "Is x1 less or equal?", ()),
):  # fmt: skip
    _binary(_name, _op, _doc, *_more)


@export(SPACE + "hypot")
def hypot(x1: Any, x2: Any) -> Any:
    """The length of the vector (x1, x2)."""
    x, y = promoted(inexact(x1), inexact(x2))
    return find("Sqrt")(find("Square")(x) + find("Square")(y))


@export(SPACE + "float_power")
def float_power(x1: Any, x2: Any) -> Any:
    """x1 to the power x2."""
    return power(x1, x2)  # type: ignore[name-defined]  # noqa: F821 - made by _binary


def divmod_(x1: Any, x2: Any) -> tuple[Any, Any]:
    """The quotient, rounded down, and what is left."""
    return floor_divide(x1, x2), mod(x1, x2)  # type: ignore[name-defined]  # noqa: F821 - made by _binary


export(SPACE + "divmod")(divmod_)


def _logical(name: str, op: str, doc: str) -> None:
    def function(x1: Any, x2: Any) -> Any:
        return find(op)(asarray(x1, np.bool_), asarray(x2, np.bool_))

    _publish(name, function, doc)


_logical("logical_and", "LogicalAnd", "Are both non-zero?")
_logical("logical_or", "LogicalOr", "Is either non-zero?")
_logical("logical_xor", "NotEqual", "Is one of both non-zero?")


@export(SPACE + "isclose")
def isclose(a: Any, b: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Any:
    """Is |a - b| <= atol + rtol |b|?"""
    a, b = promoted(a, b)
    if not a.dtype.is_floating and not a.dtype.is_complex:
        return find("Equal")(a, b)
    size = _abs(b)
    limit = _constant(atol, size) + _constant(rtol, size) * size
    result = find("LessEqual")(_abs(a - b), limit)
    if equal_nan:
        nan = _when_float("IsNan", False)
        result = find("LogicalOr")(result, find("LogicalAnd")(nan(a), nan(b)))
    return result


@export(SPACE + "where")
def where(condition: Any, x: Any = None, y: Any = None) -> Any:
    """Elements of x where the condition holds, of y elsewhere; the places where it holds when both are left out."""
    condition = asarray(condition, np.bool_)
    if x is None and y is None:
        from penstock.numpy_api.shaping import nonzero

        return nonzero(condition)
    if x is None or y is None:
        raise ValueError("Both x and y must be ndarrays, or both must be None.")
    return find("SelectV2")(condition, *promoted(x, y))


@export(SPACE + "select")
def select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    """For each place the choice of the first condition that holds there."""
    if len(condlist) != len(choicelist):
        raise ValueError(f"condlist must have length equal to choicelist ({len(condlist)} vs {len(choicelist)})")
    if not condlist:
        raise ValueError("condlist must be non-empty")
    choices = promoted(default, *choicelist)
    made = choices[0]
    for condition, choice in reversed(list(zip(condlist, choices[1:]))):
        made = where(condition, choice, made)
    return made


@export(SPACE + "polyval")
def polyval(p: Any, x: Any) -> Any:
    """The polynomial with coefficients p, the highest power first, at x."""
    p, x = promoted(p, x)
    if p.shape.rank is None or p.shape.as_list()[0] is None:
        raise ValueError("polyval needs to know the number of coefficients")
    made = find("ZerosLike")(x)
    for i in range(p.shape.as_list()[0]):
        made = made * x + p[i]
    return made


