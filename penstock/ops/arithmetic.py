"""Broadcasting arithmetic of two tensors, and sums of many."""

import functools
from collections.abc import Iterable
from typing import Any

import numpy as np

from penstock.base import dtypes
from penstock.base.errors import ShapeError
from penstock.base.export import export
from penstock.base.shape import as_text, merge
from penstock.ir import convert, door
from penstock.ir.op import op
from penstock.ir.scope import scoped
from penstock.ir.tensor import Tensor
from penstock.ops.cast import Cast, cast
from penstock.ops.elementwise import Abs, Neg, Sign
from penstock.ops.families import binary, composites, conj, later, of_elements

ZerosLike, SelectV2, GreaterEqual, LessEqual = (
    later("ZerosLike"),
    later("SelectV2"),
    later("GreaterEqual"),
    later("LessEqual"),
)
Log, Reciprocal = later("Log"), later("Reciprocal")

_DIV = "{bfloat16|float16|float32|float64|uint8|int8|uint16|int16|int32|uint32|uint64|int64|complex64|complex128}"
_integer = lambda x: x.dtype.kind in "iu"

AddV2 = binary(
    "AddV2(x: T, y: T, *, T: {bfloat16|float16|float32|float64|uint8|uint16|uint32|uint64|int8|int16|int32|int64|complex64|complex128}) -> z: T",
    lambda xp, x, y: x + y,
    grad=lambda dz, x, y, z: (dz, dz),
    doc="x + y.",
)
Add = binary(
    "Add(x: T, y: T, *, T: {bfloat16|float16|float32|float64|uint8|int8|int16|int32|int64|complex64|complex128|string}) -> z: T",
    lambda xp, x, y: x + y,
    grad=lambda dz, x, y, z: (dz, dz),
    doc="x + y; strings are joined.",
)
Sub = binary(
    "Sub(x: T, y: T, *, T: {bfloat16|float16|float32|float64|uint8|int8|uint16|int16|int32|int64|complex64|complex128|uint32|uint64}) -> z: T",
    lambda xp, x, y: x - y,
    "subtract",
    "math.subtract",
    grad=lambda dz, x, y, z: (dz, Neg(dz)),
    doc="x - y.",
)
Mul = binary(
    f"Mul(x: T, y: T, *, T: {_DIV}) -> z: T",
    lambda xp, x, y: x * y,
    "multiply",
    "math.multiply",
    grad=lambda dz, x, y, z: (Mul(dz, conj(y)), Mul(conj(x), dz)),
    doc="x * y.",
)


@export("add", "math.add")
def add(x: Any, y: Any, name: str | None = None) -> Any:
    """x + y, broadcast; strings are joined.

    >>> tf.add([1, 2], 10).numpy().tolist()
    [11, 12]
    """
    if composites and (type(x) in composites or type(y) in composites):
        return composites[type(x) if type(x) in composites else type(y)](add, (x, y), name)
    if not isinstance(x, Tensor) and not isinstance(y, Tensor):
        x = door.convert(x)
    if (x if isinstance(x, Tensor) else y).dtype is dtypes.string:
        return Add(x, y, name=name)
    return AddV2(x, y, name=name or "Add")


# -- division --------------------------------------------------------------------------------------------------------
def _by_zero(xp: Any, x: Any, y: Any) -> Any:
    return xp.any((y == 0) & (x == x)) if _integer(y) else False, "Integer division by zero"


def _truncate_div(xp: Any, x: Any, y: Any) -> Any:
    if not _integer(x):
        return x / y if x.dtype.kind == "c" else xp.trunc(x / y)
    y = xp.where(y == 0, xp.ones_like(y), y)
    q = x // y
    return q if x.dtype.kind == "u" else q + ((q < 0) & (q * y != x))


def _floor_div(xp: Any, x: Any, y: Any) -> Any:
    if _integer(x):
        return x // xp.where(y == 0, xp.ones_like(y), y)
    return x / y if x.dtype.kind == "c" else xp.floor(x / y)


def _floor_mod(xp: Any, x: Any, y: Any) -> Any:
    if _integer(x):
        return xp.mod(x, xp.where(y == 0, xp.ones_like(y), y))
    rest = xp.fmod(x, y)
    return xp.where((rest != 0) & ((rest < 0) != (y < 0)), rest + y, rest)


_fmod = lambda xp, x, y: xp.fmod(x, xp.where(y == 0, xp.ones_like(y), y)) if _integer(x) else xp.fmod(x, y)
_ratio = lambda dz, x, y, z: (RealDiv(dz, conj(y)), Mul(dz, RealDiv(RealDiv(Neg(conj(x)), conj(y)), conj(y))))

RealDiv = binary(
    f"RealDiv(x: T, y: T, *, T: {_DIV}) -> z: T",
    lambda xp, x, y: _truncate_div(xp, x, y) if _integer(x) else x / y,
    "realdiv",
    grad=_ratio,
    doc="x / y for real (or complex) tensors.",
)
Div = binary(
    f"Div(x: T, y: T, *, T: {_DIV}) -> z: T",
    lambda xp, x, y: _truncate_div(xp, x, y) if _integer(x) else x / y,
    grad=_ratio,
    doc="x / y; integers are rounded towards zero.",
)
FloorDiv = binary(
    f"FloorDiv(x: T, y: T, *, T: {_DIV}) -> z: T",
    lambda xp, x, y: _floor_div(xp, x, y),
    v1=("floor_div",),
    doc="x / y rounded down.",
).no_grad()
FloorMod = binary(
    "FloorMod(x: T, y: T, *, T: real) -> z: T",
    lambda xp, x, y: _floor_mod(xp, x, y),
    "math.floormod",
    "math.mod",
    v1=("floormod", "mod"),
    grad=lambda dz, x, y, z: (dz, Mul(dz, Neg(later("Floor")(RealDiv(x, y))))),
    doc="The remainder of floor division; it has the sign of y.",
)
TruncateDiv = binary(
    f"TruncateDiv(x: T, y: T, *, T: {_DIV}) -> z: T",
    lambda xp, x, y: _truncate_div(xp, x, y),
    "truncatediv",
    doc="x / y rounded towards zero.",
).no_grad()
TruncateMod = binary(
    "TruncateMod(x: T, y: T, *, T: {int32|int64|bfloat16|float16|float32|float64}) -> z: T",
    lambda xp, x, y: _fmod(xp, x, y),
    "truncatemod",
    doc="The remainder of truncating division; it has the sign of x.",
).no_grad()
Mod = binary(
    "Mod(x: T, y: T, *, T: {int32|int64|float16|bfloat16|float32|float64}) -> z: T",
    lambda xp, x, y: _fmod(xp, x, y),
    doc="The remainder of truncating division; it has the sign of x.",
).no_grad()
for _op in (RealDiv, Div, FloorDiv, FloorMod, TruncateDiv, TruncateMod, Mod):
    _op.check(_by_zero)

DivNoNan = binary(
    "DivNoNan(x: T, y: T, *, T: inexact) -> z: T",
    lambda xp, x, y: xp.where(y == 0, xp.zeros_like(y), x / xp.where(y == 0, xp.ones_like(y), y)),
    grad=lambda dz, x, y, z: (DivNoNan(dz, conj(y)), Mul(dz, DivNoNan(DivNoNan(Neg(conj(x)), conj(y)), conj(y)))),
    doc="x / y, and 0 where y is 0.",
)
MulNoNan = binary(
    "MulNoNan(x: T, y: T, *, T: inexact) -> z: T",
    lambda xp, x, y: xp.where(y == 0, xp.zeros_like(y), x * y),
    grad=lambda dz, x, y, z: (MulNoNan(dz, conj(y)), MulNoNan(conj(x), dz)),
    doc="x * y, and 0 where y is 0, even if x is not finite.",
)

_FLOAT_OF = dict.fromkeys(("uint8", "int8", "uint16", "int16"), dtypes.float32) | dict.fromkeys(
    ("int32", "int64", "uint32", "uint64"), dtypes.float64
)
_FLOAT_OF |= dict.fromkeys(("bfloat16", "float16", "float32", "float64", "complex64", "complex128"))


def _pair(x: Any, y: Any) -> tuple[Any, Any]:
    """Both as tensors of one dtype: a Python value takes the dtype of its peer."""
    if isinstance(x, Tensor):
        return x, y if isinstance(y, Tensor) else door.convert(y, x.dtype.base_dtype, "y")
    hint = convert.dtype_of(y) if not isinstance(y, np.ndarray) else None
    if hint is not None:
        x = door.convert(x, None if hasattr(type(x), "__tf_tensor__") else hint, "x")
    else:
        x = door.convert(x)
    return x, y if isinstance(y, Tensor) else door.convert(y, x.dtype.base_dtype, "y")


@export("truediv", "math.truediv")
def truediv(x: Any, y: Any, name: str | None = None) -> Any:
    """x / y as Python 3 divides: integers are cast to floats first (8 and 16 bits to float32, others to float64).

    >>> tf.truediv(1, 2).numpy().item()
    0.5
    """
    if composites and (type(x) in composites or type(y) in composites):
        return composites[type(x) if type(x) in composites else type(y)](truediv, (x, y), name)
    if isinstance(x, Tensor) and x.dtype.is_floating and isinstance(y, Tensor) and y.dtype is x.dtype:
        return RealDiv(x, y, name=name or "truediv")
    with scoped(name, "truediv") as scope:
        x, y = _pair(x, y)
        kind = x.dtype.base_dtype
        if kind is not y.dtype.base_dtype:
            raise TypeError(f"`x` and `y` must have the same dtype, got {kind!r} != {y.dtype.base_dtype!r}.")
        if kind.name not in _FLOAT_OF:
            raise TypeError(f"Invalid dtype {kind!r} in __truediv__. Expected one of {{{', '.join(_FLOAT_OF)}}}.")
        to = _FLOAT_OF[kind.name]
        if to is not None:
            x, y = cast(x, to), cast(y, to)
        return RealDiv(x, y, name=scope or None)


@export("divide", "math.divide")
def divide(x: Any, y: Any, name: str | None = None) -> Any:
    """x / y as Python 3 divides.

    >>> tf.divide([3.], 2.).numpy().tolist()
    [1.5]
    """
    if composites and (type(x) in composites or type(y) in composites):
        return composites[type(x) if type(x) in composites else type(y)](divide, (x, y), name)
    return truediv(x, y, name)


@export("math.floordiv", v1=("floordiv",))
def floordiv(x: Any, y: Any, name: str | None = None) -> Any:
    """x / y rounded down, for integers and floats alike."""
    if composites and (type(x) in composites or type(y) in composites):
        return composites[type(x) if type(x) in composites else type(y)](floordiv, (x, y), name)
    return FloorDiv(x, y, name=name or "floordiv")


@export(v1=("div",))
def div(x: Any, y: Any, name: str | None = None) -> Any:
    """x / y as Python 2 divides: integers are rounded down."""
    with scoped(name, "div") as scope:
        x, y = _pair(x, y)
        if x.dtype.base_dtype is not y.dtype.base_dtype:
            raise TypeError(f"`x` and `y` must have the same dtype, got {x.dtype!r} != {y.dtype!r}.")
        divide_by = RealDiv if x.dtype.is_floating or x.dtype.is_complex else FloorDiv
        return divide_by(x, y, name=scope or None)


@export("math.divide_no_nan", v1=("div_no_nan",))
@of_elements
def div_no_nan(x: Any, y: Any, name: str | None = None) -> Any:
    """x / y, and 0 where y is 0; integers are cast to floats as `tf.truediv` does.

    >>> tf.math.divide_no_nan(3., 0.).numpy().item()
    0.0
    """
    with scoped(name, "div_no_nan") as scope:
        x, y = _pair(x, y)
        kind = x.dtype.base_dtype
        if kind is not y.dtype.base_dtype:
            raise TypeError(f"`x` and `y` must have the same dtype, got {kind!r} != {y.dtype.base_dtype!r}.")
        if kind.name not in _FLOAT_OF:
            raise TypeError(
                f"Invalid dtype {kind!r} in tf.math.divide_no_nan. Expected one of {{{', '.join(_FLOAT_OF)}}}."
            )
        to = _FLOAT_OF[kind.name]
        if to is not None:
            x, y = cast(x, to), cast(y, to)
        return DivNoNan(x, y, name=scope or None)


@export("math.multiply_no_nan")
@of_elements
def multiply_no_nan(x: Any, y: Any, name: str | None = None) -> Any:
    """x * y, and 0 where y is 0, even if x is infinite or NaN.

    >>> tf.math.multiply_no_nan(float("nan"), 0.).numpy().item()
    0.0
    """
    with scoped(name, "multiply_no_nan") as scope:
        x, y = _pair(x, y)
        if x.dtype.base_dtype is not y.dtype.base_dtype:
            raise TypeError(f"`x` and `y` must have the same dtype, got {x.dtype!r} != {y.dtype!r}")
        return MulNoNan(x, y, name=scope or None)


@export("math.reciprocal_no_nan")
def reciprocal_no_nan(x: Any, name: str | None = None) -> Any:
    """1 / x, and 0 where x is 0.

    >>> tf.math.reciprocal_no_nan([2., 0.]).numpy().tolist()
    [0.5, 0.0]
    """
    with scoped(name, "reciprocal_no_nan") as scope:
        x = door.convert(x)
        if x.dtype.base_dtype.name not in ("float16", "float32", "float64", "bfloat16", "complex64", "complex128"):
            raise TypeError(f"Unsupported dtype {x.dtype.name} for reciprocal_no_nan")
        one = door.convert(np.ones((), x.dtype.array_dtype), x.dtype.base_dtype, "one")
        return DivNoNan(one, x, name=scope or None)


# -- powers, extremes, differences -----------------------------------------------------------------------------------
def _pow(xp: Any, x: Any, y: Any) -> Any:
    return xp.power(x, xp.maximum(y, 0)) if _integer(y) else xp.power(x, y)


def _pow_grad(dz: Any, x: Any, y: Any, z: Any) -> Any:
    x, y, z = conj(x), conj(y), conj(z)
    dx = Mul(Mul(dz, y), Pow(x, Sub(y, 1)))
    safe = later("NotEqual")(x, 0) if x.dtype.is_complex else later("Greater")(x, 0)
    log_x = SelectV2(safe, Log(SelectV2(safe, x, later("OnesLike")(x))), ZerosLike(x))
    return dx, Mul(Mul(dz, z), log_x)


Pow = binary(
    "Pow(x: T, y: T, *, T: {bfloat16|float32|float16|float64|int8|int16|int32|int64|complex64|complex128}) -> z: T",
    lambda xp, x, y: _pow(xp, x, y),
    "pow",
    "math.pow",
    grad=_pow_grad,
    doc="x to the power y.\n\n>>> tf.pow(2., 3.).numpy().item()\n8.0",
)
Pow.check(
    lambda xp, x, y: (
        xp.any(y < 0) if y.dtype.kind == "i" else False,
        "Integers to negative integer powers are not allowed",
    )
)


def _split(mask: Any, dz: Any) -> Any:
    """dz to the side where the mask holds, and to the other."""
    zero = ZerosLike(dz)
    return SelectV2(mask, dz, zero), SelectV2(mask, zero, dz)


Maximum = binary(
    "Maximum(x: T, y: T, *, T: real) -> z: T",
    lambda xp, x, y: xp.maximum(x, y),
    "maximum",
    "math.maximum",
    grad=lambda dz, x, y, z: _split(GreaterEqual(x, y), dz),
    doc="The larger of x and y; ties send the gradient to x.",
)
Minimum = binary(
    "Minimum(x: T, y: T, *, T: real) -> z: T",
    lambda xp, x, y: xp.minimum(x, y),
    "minimum",
    "math.minimum",
    grad=lambda dz, x, y, z: _split(LessEqual(x, y), dz),
    doc="The smaller of x and y; ties send the gradient to x.",
)


def _squared_difference(xp: Any, x: Any, y: Any) -> Any:
    d = x - y
    return d * xp.conj(d) if d.dtype.kind == "c" else d * d


def _squared_difference_grad(dz: Any, x: Any, y: Any, z: Any) -> Any:
    dx = Mul(Mul(dz, 2), Sub(x, y))
    return dx, Neg(dx)


SquaredDifference = binary(
    "SquaredDifference(x: T, y: T, *, T: {bfloat16|float16|float32|float64|int32|int64|complex64|complex128}) -> z: T",
    lambda xp, x, y: _squared_difference(xp, x, y),
    "math.squared_difference",
    v1=("squared_difference",),
    grad=_squared_difference_grad,
    doc="(x - y) times its conjugate.",
)
Atan2 = op("Atan2(y: T, x: T, *, T: real_float) -> z: T", shape=AddV2.shape_rule)(lambda xp, y, x: xp.arctan2(y, x))


@Atan2.grad
def _(node: Any, dz: Any) -> Any:
    from penstock.ops.families import unbroadcast

    y, x = node.inputs
    scaled = RealDiv(dz, AddV2(later("Square")(x), later("Square")(y)))
    return unbroadcast(Mul(x, scaled), y, x), unbroadcast(Neg(Mul(y, scaled)), x, y)


@export("atan2", "math.atan2")
def atan2(y: Any, x: Any, name: str | None = None) -> Any:
    """The angle of the point (x, y), in (-pi, pi].

    >>> round(tf.atan2(1., 0.).numpy().item(), 4)
    1.5708
    """
    return Atan2(y, x, name=name)


NextAfter = op("NextAfter(x1: T, x2: T, *, T: {float64|float32} = float32) -> output: T", shape=AddV2.shape_rule)(
    lambda xp, x1, x2: xp.nextafter(x1, x2)
).no_grad()


@export("math.nextafter")
def nextafter(x1: Any, x2: Any, name: str | None = None) -> Any:
    """The next representable value after x1 in the direction of x2."""
    return NextAfter(x1, x2, name=name)


# -- sums of many ----------------------------------------------------------------------------------------------------
def _one_shape(inputs: Any, **_: Any) -> Any:
    dims = None
    for spec in inputs:
        try:
            dims = merge(dims, spec.shape)
        except ShapeError:
            raise ShapeError(
                f"Inputs must have the same size and shape: {spec.name} is {as_text(spec.shape)}, the others {as_text(dims)}"
            ) from None
    return dims


def _sum_all(xp: Any, inputs: Any) -> Any:
    if not hasattr(inputs[0], "shape"):
        return functools.reduce(lambda a, b: a + b, inputs)  # lists, added element by element
    if len({x.shape for x in inputs}) > 1:
        raise ValueError("Inputs to operation AddN must have the same size and shape.")
    total = inputs[0]
    for x in inputs[1:]:
        total = total + x
    return total


AddN = op(
    "AddN(inputs: N*T, *, N: int >= 1, T: {float32|float64|int32|uint8|int16|int8|complex64|int64|qint8|quint8|qint32|bfloat16|qint16|quint16|"
    "uint16|complex128|float16|uint32|uint64|variant}) -> sum: T",
    shape=_one_shape,
    grad=lambda node, dz: (dz,) * len(node.inputs),
)(lambda xp, inputs: _sum_all(xp, inputs))
AccumulateNV2 = op(
    "AccumulateNV2(inputs: N*T, *, N: int >= 1, T: numeric, shape: shape) -> sum: T",
    shape=_one_shape,
    grad=lambda node, dz: (dz,) * len(node.inputs),
)(lambda xp, inputs: _sum_all(xp, inputs))


@export("add_n", "math.add_n")
def add_n(inputs: Any, name: str | None = None) -> Any:
    """The sum of tensors of one shape and dtype.

    >>> tf.add_n([[1, 2], [3, 4]]).numpy().tolist()
    [4, 6]
    """
    wrong = ValueError("Inputs must be an iterable of at least one Tensor/IndexedSlices with the same dtype and shape.")
    if not inputs or not isinstance(inputs, Iterable):
        raise wrong
    if composites and any(type(x) in composites for x in inputs):
        first, *others = inputs
        for other in others:
            first = add(first, other)
        return first
    tensors = [door.convert(x) for x in inputs]
    if len(tensors) == 1:
        return later("Identity")(tensors[0], name=name) if name else tensors[0]
    return AddN(tensors, name=name)


@export("math.accumulate_n", v1=("accumulate_n",))
def accumulate_n(inputs: Any, shape: Any = None, tensor_dtype: Any = None, name: str | None = None) -> Any:
    """The sum of tensors of one shape and dtype; `shape` and `tensor_dtype` say what they are expected to be."""
    wrong = ValueError("inputs must be a list of at least one Tensor with the same dtype and shape")
    if not inputs or not isinstance(inputs, (list, tuple)):
        raise wrong
    tensors = [door.convert(x) for x in inputs]
    if not all(x.dtype is tensors[0].dtype for x in tensors):
        raise wrong
    dims = convert.TensorShape(shape)._dims if shape is not None else None
    for x in tensors:
        try:
            dims = merge(dims, x._dims)
        except ShapeError as e:
            raise ValueError(f"inputs must have one shape: {e}") from None
    if tensor_dtype is not None and tensor_dtype != tensors[0].dtype:
        raise TypeError(f"tensor_dtype is {tensor_dtype}, but input is of type {tensors[0].dtype}")
    if len(tensors) == 1:
        return later("Identity")(tensors[0], name=name) if name else tensors[0]
    return add_n(tensors, name=name)


@export("math.scalar_mul", "scalar_mul")
def scalar_mul(scalar: Any, x: Any, name: str | None = None) -> Any:
    """A scalar times a tensor or IndexedSlices.

    >>> tf.math.scalar_mul(2., [1., 2.]).numpy().tolist()
    [2.0, 4.0]
    """
    with scoped(name, "scalar_mul") as scope:
        slices = hasattr(x, "values") and hasattr(x, "indices")
        if not isinstance(x, Tensor) and not slices:
            x = door.convert(x)
        kind = x.dtype.base_dtype
        scalar = door.convert(scalar, None if isinstance(scalar, Tensor) else kind, "scalar")
        dims = scalar._dims
        if dims is not None and dims != ():
            raise ValueError(f"The input scalar must be a 0-D value. Received shape {scalar.shape}.")
        if slices:
            return type(x)(Mul(scalar, x.values, name=scope or None), x.indices, x.dense_shape)
        return Mul(scalar, x, name=scope or None)


@export("math.polyval")
def polyval(coeffs: Any, x: Any, name: str | None = None) -> Any:
    """The polynomial `coeffs[0] * x**(n-1) + ... + coeffs[n-1]` at x, by Horner's rule.

    >>> tf.math.polyval([2., 1.], 3.).numpy().item()
    7.0
    """
    if not isinstance(coeffs, list):
        raise ValueError(f"Argument coeffs must be list type. Received type {type(coeffs)}.")
    with scoped(name, "polyval"):
        x = door.convert(x, None, "x")
        if not coeffs:
            return ZerosLike(x)
        terms = [
            door.convert(c, None if isinstance(c, Tensor) else x.dtype.base_dtype, f"coeff_{i}")
            for i, c in enumerate(coeffs)
        ]
        total = terms[0]
        for term in terms[1:]:
            total = AddV2(Mul(total, x, name="mul"), term, name="add")
        return total


__all__ = ["Abs", "Cast", "Sign", "add", "AddV2", "Mul", "Sub", "RealDiv"]
