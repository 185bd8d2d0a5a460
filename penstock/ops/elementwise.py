"""Elementwise functions of one tensor: powers, exponentials, trigonometry, rounding, complex parts."""

import math
from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.base.errors import InvalidArgumentError
from penstock.base.export import export
from penstock.ir import door
from penstock.ir.op import op
from penstock.ir.scope import scoped
from penstock.ir.tensor import Tensor
from penstock.ops.families import (
    broadcast_shape,
    composites,
    conj,
    later,
    of_elements,
    special,
    unary,
    unbroadcast,
    wide,
)

__all__ = ["unbroadcast"]
Mul, AddV2, Sub, RealDiv = later("Mul"), later("AddV2"), later("Sub"), later("RealDiv")
Softplus = later("Softplus")


def _lax(name: str) -> Any:
    """A body that takes NumPy's formula or the XLA instruction of this name."""
    import jax

    return getattr(jax.lax, name)


def _sigmoid(xp: Any, x: Any) -> Any:
    return 1 / (1 + xp.exp(-x)) if xp is np else _lax("logistic")(x)


# -- powers and exponentials -----------------------------------------------------------------------------------------
Square = unary(
    "Square(x: T, *, T: {bfloat16|float16|float32|float64|int8|int16|int32|int64|uint8|uint16|uint32|uint64|complex64|complex128}) -> y: T",
    lambda xp, x: x * x,
    "square",
    "math.square",
    grad=lambda dy, x, y: Mul(dy, Mul(conj(x), 2)),
    doc="x * x.",
)
Sqrt = unary(
    "Sqrt(x: T, *, T: inexact) -> y: T",
    lambda xp, x: xp.sqrt(x),
    "sqrt",
    "math.sqrt",
    grad=lambda dy, x, y: SqrtGrad(y, dy),
    doc="The square root of x.\n\n>>> tf.sqrt([4., 9.]).numpy().tolist()\n[2.0, 3.0]",
)
Rsqrt = unary(
    "Rsqrt(x: T, *, T: inexact) -> y: T",
    lambda xp, x: 1 / xp.sqrt(x) if xp is np else _lax("rsqrt")(x),
    "math.rsqrt",
    v1=("rsqrt",),
    grad=lambda dy, x, y: RsqrtGrad(y, dy),
    doc="1 / sqrt(x).",
)
Exp = unary(
    "Exp(x: T, *, T: inexact) -> y: T",
    lambda xp, x: xp.exp(x),
    "exp",
    "math.exp",
    grad=lambda dy, x, y: Mul(dy, conj(y)),
    doc="e to the power x.\n\n>>> tf.exp(0.).numpy().item()\n1.0",
)
Expm1 = unary(
    "Expm1(x: T, *, T: inexact) -> y: T",
    lambda xp, x: xp.expm1(x),
    "math.expm1",
    v1=("expm1",),
    grad=lambda dy, x, y: Mul(dy, Exp(conj(x))),
    doc="exp(x) - 1, exact for small x.",
)
Log = unary(
    "Log(x: T, *, T: inexact) -> y: T",
    lambda xp, x: xp.log(x),
    "math.log",
    v1=("log",),
    grad=lambda dy, x, y: RealDiv(dy, conj(x)),
    doc="The natural logarithm of x.",
)
Log1p = unary(
    "Log1p(x: T, *, T: inexact) -> y: T",
    lambda xp, x: xp.log1p(x),
    "math.log1p",
    v1=("log1p",),
    grad=lambda dy, x, y: RealDiv(dy, AddV2(conj(x), 1)),
    doc="log(1 + x), exact for small x.",
)
Sigmoid = unary(
    "Sigmoid(x: T, *, T: inexact) -> y: T",
    _sigmoid,
    "sigmoid",
    "math.sigmoid",
    "nn.sigmoid",
    grad=lambda dy, x, y: SigmoidGrad(conj(y), dy),
    doc="1 / (1 + exp(-x)).",
)
_RECIPROCAL = "(x: T, *, T: {bfloat16|float16|float32|float64|int8|int16|int32|int64|complex64|complex128}) -> y: T"
_reciprocal = lambda xp, x: (
    1 / x if x.dtype.kind not in "iu" else xp.where(x == 0, 0, 1 // xp.where(x == 0, 1, x)).astype(x.dtype)
)
Reciprocal = unary(
    "Reciprocal" + _RECIPROCAL,
    _reciprocal,
    "math.reciprocal",
    v1=("reciprocal",),
    grad=lambda dy, x, y: ReciprocalGrad(y, dy),
    doc="1 / x.",
)
Inv = unary("Inv" + _RECIPROCAL, lambda xp, x: _reciprocal(xp, x), grad=lambda dy, x, y: InvGrad(y, dy), doc="1 / x.")


# -- hyperbolic and trigonometric ------------------------------------------------------------------------------------
Tanh = unary(
    "Tanh(x: T, *, T: inexact) -> y: T",
    lambda xp, x: xp.tanh(x),
    "tanh",
    "math.tanh",
    "nn.tanh",
    grad=lambda dy, x, y: TanhGrad(conj(y), dy),
    doc="The hyperbolic tangent of x.",
)
Sinh = unary(
    "Sinh(x: T, *, T: inexact) -> y: T",
    lambda xp, x: xp.sinh(x),
    "sinh",
    "math.sinh",
    grad=lambda dy, x, y: Mul(dy, Cosh(conj(x))),
    doc="The hyperbolic sine of x.",
)
Cosh = unary(
    "Cosh(x: T, *, T: inexact) -> y: T",
    lambda xp, x: xp.cosh(x),
    "cosh",
    "math.cosh",
    grad=lambda dy, x, y: Mul(dy, Sinh(conj(x))),
    doc="The hyperbolic cosine of x.",
)
Sin = unary(
    "Sin(x: T, *, T: inexact) -> y: T",
    lambda xp, x: xp.sin(x),
    "sin",
    "math.sin",
    grad=lambda dy, x, y: Mul(dy, Cos(conj(x))),
    doc="The sine of x (radians).",
)
Cos = unary(
    "Cos(x: T, *, T: inexact) -> y: T",
    lambda xp, x: xp.cos(x),
    "cos",
    "math.cos",
    grad=lambda dy, x, y: Neg(Mul(dy, Sin(conj(x)))),
    doc="The cosine of x (radians).",
)
Tan = unary(
    "Tan(x: T, *, T: inexact) -> y: T",
    lambda xp, x: xp.tan(x),
    "tan",
    "math.tan",
    grad=lambda dy, x, y: Mul(dy, Square(Reciprocal(Cos(conj(x))))),
    doc="The tangent of x (radians).",
)
_one_minus_square = lambda x: Sub(1, Square(conj(x)))
Asin = unary(
    "Asin(x: T, *, T: inexact) -> y: T",
    lambda xp, x: xp.arcsin(x),
    "asin",
    "math.asin",
    grad=lambda dy, x, y: Mul(dy, Reciprocal(Sqrt(_one_minus_square(x)))),
    doc="The inverse sine of x.",
)
Acos = unary(
    "Acos(x: T, *, T: inexact) -> y: T",
    lambda xp, x: xp.arccos(x),
    "acos",
    "math.acos",
    grad=lambda dy, x, y: Neg(Mul(dy, Reciprocal(Sqrt(_one_minus_square(x))))),
    doc="The inverse cosine of x.",
)
Atan = unary(
    "Atan(x: T, *, T: inexact) -> y: T",
    lambda xp, x: xp.arctan(x),
    "atan",
    "math.atan",
    grad=lambda dy, x, y: Mul(dy, Reciprocal(AddV2(1, Square(conj(x))))),
    doc="The inverse tangent of x.",
)
Asinh = unary(
    "Asinh(x: T, *, T: inexact) -> y: T",
    lambda xp, x: xp.arcsinh(x),
    "asinh",
    "math.asinh",
    grad=lambda dy, x, y: RealDiv(dy, Cosh(conj(y))),
    doc="The inverse hyperbolic sine of x.",
)
Acosh = unary(
    "Acosh(x: T, *, T: inexact) -> y: T",
    lambda xp, x: xp.arccosh(x),
    "acosh",
    "math.acosh",
    grad=lambda dy, x, y: RealDiv(dy, Sinh(conj(y))),
    doc="The inverse hyperbolic cosine of x.",
)
Atanh = unary(
    "Atanh(x: T, *, T: inexact) -> y: T",
    lambda xp, x: xp.arctanh(x),
    "atanh",
    "math.atanh",
    grad=lambda dy, x, y: Mul(dy, Reciprocal(_one_minus_square(x))),
    doc="The inverse hyperbolic tangent of x.",
)


# -- sign and rounding -----------------------------------------------------------------------------------------------
_SIGNED = "(x: T, *, T: {bfloat16|float16|float32|float64|int8|int16|int32|int64|complex64|complex128}) -> y: T"
Neg = unary("Neg" + _SIGNED, lambda xp, x: -x, "negative", "math.negative", grad=lambda dy, x, y: Neg(dy), doc="-x.")
Abs = unary(
    "Abs(x: T, *, T: {bfloat16|float16|float32|float64|int8|int16|int32|int64}) -> y: T",
    lambda xp, x: xp.abs(x),
    grad=lambda dy, x, y: Mul(dy, Sign(x)),
    doc="The absolute value of x.",
)
Sign = unary(
    "Sign" + _SIGNED,
    lambda xp, x: xp.sign(x),
    grad=lambda dy, x, y: Mul(dy, 0),
    doc="-1, 0 or 1; x / |x| for complex x.",
)
Floor = unary(
    "Floor(x: T, *, T: real_float) -> y: T",
    lambda xp, x: xp.floor(x),
    "floor",
    "math.floor",
    doc="The next integer below x.",
).no_grad()
Ceil = unary(
    "Ceil(x: T, *, T: real_float) -> y: T",
    lambda xp, x: xp.ceil(x),
    "math.ceil",
    v1=("ceil",),
    doc="The next integer above x.",
).no_grad()
Rint = unary(
    "Rint(x: T, *, T: real_float) -> y: T",
    lambda xp, x: xp.rint(x),
    "math.rint",
    v1=("rint",),
    doc="The nearest integer; halves go to the even one.",
).no_grad()
Round = unary(
    "Round" + _SIGNED,
    lambda xp, x: x if x.dtype.kind in "iu" else xp.round(x),
    doc="The nearest integer; halves go to the even one.",
).no_grad()

for _name, _body, _doc in (
    ("IsFinite", lambda xp, x: xp.isfinite(x), "Is x neither infinite nor NaN?"),
    ("IsInf", lambda xp, x: xp.isinf(x), "Is x infinite?"),
    ("IsNan", lambda xp, x: xp.isnan(x), "Is x not a number?"),
):
    _public = f"is_{_name[2:].lower()}"
    globals()[_name] = unary(
        f"{_name}(x: T, *, T: real_float) -> y: bool",
        _body,
        f"math.{_public}",
        doc=_doc,
        v1=(f"debugging.{_public}", _public),
    ).no_grad()


@export("round", "math.round")
def round_(x: Any, name: str | None = None) -> Any:
    """x rounded to the nearest integer, halves to the even one.

    >>> tf.round([0.5, 1.5, -2.7]).numpy().tolist()
    [0.0, 2.0, -3.0]
    """
    if type(x) in composites:
        return composites[type(x)](round_, (x,), name)
    x = door.convert(x)
    return x if x.dtype.is_integer else Round(x, name=name)


round_.__name__ = "round"


@export("sign", "math.sign")
def sign(x: Any, name: str | None = None) -> Any:
    """-1, 0 or 1 as x is negative, zero or positive; x / |x| for complex x.

    >>> tf.sign([-3., 0., 5.]).numpy().tolist()
    [-1.0, 0.0, 1.0]
    """
    if type(x) in composites:
        return composites[type(x)](sign, (x,), name)
    return Sign(x, name=name)


@export("abs", "math.abs")
def abs_(x: Any, name: str | None = None) -> Any:
    """The absolute value of x; for complex x its magnitude, a real tensor.

    >>> tf.abs([-1., 2.]).numpy().tolist()
    [1.0, 2.0]
    """
    if type(x) in composites:
        return composites[type(x)](abs_, (x,), name)
    if not isinstance(x, Tensor):
        x = door.convert(x)
    if x.dtype.is_complex:
        return ComplexAbs(x, Tout=x.dtype.real_dtype, name=name or "Abs")
    return Abs(x, name=name)


abs_.__name__ = "abs"


# -- complex parts ---------------------------------------------------------------------------------------------------
_COMPLEX = "T: {complex64|complex128} = complex64, Tout: {float32|float64} = float32"


def _pairs(real: Any, imag: Any) -> Any:
    """Complex numbers of their parts (a sum would lose infinities and signs of zero)."""
    out = np.empty(np.broadcast_shapes(real.shape, imag.shape), np.result_type(real.dtype, np.complex64))
    out.real, out.imag = real, imag
    return out


Complex = op(
    "Complex(real: T, imag: T, *, T: {float32|float64} = float32, Tout: {complex64|complex128} = complex64) -> out: Tout",
    shape=lambda real, imag, **_: broadcast_shape(real, imag),
)(lambda xp, real, imag: _pairs(real, imag) if xp is np else _lax("complex")(*xp.broadcast_arrays(real, imag)))
Complex.grad(
    lambda node, dz: (
        unbroadcast(Real(dz, Tout=node.inputs[0].dtype), *node.inputs),
        unbroadcast(Imag(dz, Tout=node.inputs[0].dtype), node.inputs[1], node.inputs[0]),
    )
)
_lift = lambda re, im, like: Complex(re, im, Tout=like.dtype)
Real = unary(
    f"Real(input: T, *, {_COMPLEX}) -> output: Tout",
    lambda xp, input: xp.real(input),
    doc="The real part.",
    grad=lambda dy, x, y: _lift(dy, 0, x),
)
Imag = unary(
    f"Imag(input: T, *, {_COMPLEX}) -> output: Tout",
    lambda xp, input: xp.imag(input),
    doc="The imaginary part.",
    grad=lambda dy, x, y: _lift(0, dy, x),
)
ComplexAbs = unary(
    f"ComplexAbs(x: T, *, {_COMPLEX}) -> y: Tout",
    lambda xp, x: xp.abs(x),
    doc="The magnitude of complex numbers.",
    grad=lambda dy, x, y: Mul(_lift(dy, 0, x), Sign(x)),
)
Angle = unary(
    f"Angle(input: T, *, {_COMPLEX}) -> output: Tout",
    lambda xp, input: xp.angle(input),
    doc="The angle of complex numbers.",
    grad=lambda dy, x, y: Neg(
        Mul(_lift(dy, 0, x), Reciprocal(_lift(Imag(x, Tout=dy.dtype), Real(x, Tout=dy.dtype), x)))
    ),
)
Conj = unary(
    "Conj(input: T, *, T: {complex64|complex128|variant} = complex64) -> output: T",
    lambda xp, input: xp.conj(input),
    doc="The complex conjugate.",
    grad=lambda dy, x, y: Conj(dy),
)


@export("complex", "dtypes.complex")
@of_elements
def complex_(real: Any, imag: Any, name: str | None = None) -> Any:
    """A complex tensor of two real ones: complex64 of float32, complex128 of float64.

    >>> tf.complex(1., 2.).numpy().item()
    (1+2j)
    """
    real, imag = door.convert(real), door.convert(imag)
    with scoped(name, "Complex") as scope:
        types = real.dtype.base_dtype, imag.dtype.base_dtype
        if types == (dtypes.float64, dtypes.float64):
            out = dtypes.complex128
        elif types == (dtypes.float32, dtypes.float32):
            out = dtypes.complex64
        else:
            raise TypeError(
                f"The `real` and `imag` components have incorrect types: {types[0].name} {types[1].name}. "
                "They must be consistent, and one of [tf.float32, tf.float64]"
            )
        return Complex(real, imag, Tout=out, name=scope or None)


complex_.__name__ = "complex"


@export("math.real", v1=("real",))
def real(input: Any, name: str | None = None) -> Any:  # noqa: A002
    """The real part; real tensors come back as they are.

    >>> tf.math.real(1. + 2.j).numpy().item()
    1.0
    """
    if type(input) in composites:
        return composites[type(input)](real, (input,), name)
    input = door.convert(input)  # noqa: A001
    if not input.dtype.is_complex:
        if input.dtype.is_numeric:
            return input
        raise TypeError(f"input must be a numeric tensor, but got tensor with dtype {input.dtype.name}")
    return Real(input, Tout=input.dtype.real_dtype, name=name)


@export("math.imag", v1=("imag",))
def imag(input: Any, name: str | None = None) -> Any:  # noqa: A002
    """The imaginary part; zeros for real tensors."""
    if type(input) in composites:
        return composites[type(input)](imag, (input,), name)
    input = door.convert(input)  # noqa: A001
    if input.dtype.is_complex:
        return Imag(input, Tout=input.dtype.real_dtype, name=name)
    return later("ZerosLike")(input, name=name)


@export("math.angle", v1=("angle",))
def angle(input: Any, name: str | None = None) -> Any:  # noqa: A002
    """The angle of complex numbers in radians; for real tensors 0 or pi by sign."""
    if type(input) in composites:
        return composites[type(input)](angle, (input,), name)
    input = door.convert(input)  # noqa: A001
    if input.dtype.is_complex:
        return Angle(input, Tout=input.dtype.real_dtype, name=name)
    with scoped(name, "Angle"):
        less = later("Less")(input, 0)
        return later("SelectV2")(less, Mul(math.pi, later("OnesLike")(input)), later("ZerosLike")(input))


@export("math.conj", v1=("conj",))
def conj_(x: Any, name: str | None = None) -> Any:
    """The complex conjugate; real tensors come back as they are."""
    if type(x) in composites:
        return composites[type(x)](conj_, (x,), name)
    if isinstance(x, Tensor) and (x.dtype.is_floating or x.dtype.is_integer):
        return x
    x = door.convert(x)
    if x.dtype.is_complex or x.dtype is dtypes.variant:
        return Conj(x, name=name)
    if x.dtype.is_floating or x.dtype.is_integer:
        return x
    raise TypeError(f"Expected numeric or variant tensor, got dtype {x.dtype!r}.")


conj_.__name__ = "conj"


# -- gradients that are ops of their own, so that they have gradients too ---------------------------------------------
def _backward(text: str, body: Any, grad: Any, doc: str) -> Any:
    def checked(xp: Any, y: Any, dy: Any) -> Any:
        if y.shape != dy.shape:
            if y.size != dy.size:
                raise InvalidArgumentError(None, None, f"The two arguments to a cwise op must have same number of elements, got {y.size} and {dy.size}")
            dy = dy.reshape(y.shape)
        return body(xp, y, dy)

    checked.__doc__ = doc
    made = op(text, shape=lambda y, dy, **_: y.shape if y.shape is not None else dy.shape)(checked)
    made.grad_rule = lambda node, d: grad(d, *node.inputs, node.outputs[0])
    return made


_conj = lambda xp, y: xp.conj(y) if y.dtype.kind == "c" else y
_BACKWARD = "(y: T, dy: T, *, T: inexact) -> z: T"
SqrtGrad = _backward(
    "SqrtGrad" + _BACKWARD,
    lambda xp, y, dy: dy * 0.5 / _conj(xp, y),
    doc="The gradient of Sqrt from its result.",
    grad=lambda d, y, dy, z: (Neg(Mul(conj(RealDiv(d, y)), z)), Mul(RealDiv(d, y), 0.5)),
)
RsqrtGrad = _backward(
    "RsqrtGrad" + _BACKWARD,
    lambda xp, y, dy: dy * (-0.5 * _conj(xp, y)) * (_conj(xp, y) * _conj(xp, y)),
    doc="The gradient of Rsqrt from its result.",
    grad=lambda d, y, dy, z: (Mul(Mul(Mul(conj(d), -1.5), dy), Square(conj(y))), RsqrtGrad(conj(y), d)),
)
TanhGrad = _backward(
    "TanhGrad" + _BACKWARD,
    lambda xp, y, dy: dy * (1 - y * y),
    doc="The gradient of Tanh from its result.",
    grad=lambda d, y, dy, z: (Mul(Mul(d, -2), Mul(dy, y)), TanhGrad(y, d)),
)
SigmoidGrad = _backward(
    "SigmoidGrad" + _BACKWARD,
    lambda xp, y, dy: dy * y * (1 - y),
    doc="The gradient of Sigmoid from its result.",
    grad=lambda d, y, dy, z: (Mul(Mul(d, dy), Sub(1, Mul(y, 2))), SigmoidGrad(y, d)),
)
_reciprocal_grad = lambda xp, y, dy: -dy * _conj(xp, y) * _conj(xp, y)
ReciprocalGrad = _backward(
    "ReciprocalGrad" + _BACKWARD,
    lambda xp, y, dy: _reciprocal_grad(xp, y, dy),
    doc="The gradient of Reciprocal from its result.",
    grad=lambda d, y, dy, z: (Mul(Mul(conj(d), -2), Mul(dy, conj(y))), ReciprocalGrad(conj(y), d)),
)
InvGrad = _backward(
    "InvGrad" + _BACKWARD,
    lambda xp, y, dy: _reciprocal_grad(xp, y, dy),
    doc="The gradient of Inv from its result.",
    grad=lambda d, y, dy, z: (Mul(Mul(conj(d), -2), Mul(dy, conj(y))), InvGrad(conj(y), d)),
)


@export("math.log_sigmoid", v1=("log_sigmoid",))
def log_sigmoid(x: Any, name: str | None = None) -> Any:
    """log(sigmoid(x)), computed as -softplus(-x)."""
    if type(x) in composites:
        return composites[type(x)](log_sigmoid, (x,), name)
    with scoped(name, "LogSigmoid") as scope:
        return Neg(Softplus(Neg(x)), name=scope or None)


# -- erf: used by activations everywhere -----------------------------------------------------------------------------
Erf = unary(
    "Erf(x: T, *, T: real_float) -> y: T",
    lambda xp, x: special(xp).erf(wide(xp, x)),
    "math.erf",
    v1=("erf",),
    grad=lambda dy, x, y: Mul(Mul(dy, 2 / math.sqrt(math.pi)), Exp(Neg(Square(x)))),
    doc="The Gauss error function.",
)
Erfc = unary(
    "Erfc(x: T, *, T: real_float) -> y: T",
    lambda xp, x: special(xp).erfc(wide(xp, x)),
    "math.erfc",
    v1=("erfc",),
    grad=lambda dy, x, y: Mul(Mul(dy, -2 / math.sqrt(math.pi)), Exp(Neg(Square(x)))),
    doc="1 - erf(x).",
)
