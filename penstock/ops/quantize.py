"""Quantized numbers: fake quantization, quantize and dequantize, and round trips."""

from typing import Any

import numpy as np

from penstock.base.dtypes import as_dtype, float32
from penstock.base.errors import InvalidArgumentError, ShapeError
from penstock.base.export import export
from penstock.base.shape import merge, same
from penstock.ir.convert import convert_to_tensor
from penstock.ir.op import Op, op
from penstock.ir.scope import scoped
from penstock.ops.families import later, wide

_Sum, _Cast, _Select, _ZerosLike = later("Sum"), later("Cast"), later("SelectV2"), later("ZerosLike")

# -- fake quantization --------------------------------------------------------------------------------------------------

_FAKE = "narrow_range: bool = False, num_bits: int = 8"


def _nudged(xp: Any, low: Any, high: Any, num_bits: int, narrow_range: bool) -> tuple[Any, Any, Any]:
    """(low, high, step): the range moved so that 0 is one of its steps."""
    first, last = np.float32(1 if narrow_range else 0), np.float32((1 << num_bits) - 1)
    step = (high - low) / (last - first)
    flat = step == 0
    safe = xp.where(flat, xp.ones((), step.dtype), step)
    zero = first - low / safe
    point = xp.where(zero < first, first, xp.where(zero > last, last, xp.floor(zero + np.float32(0.5))))
    return xp.where(flat, 0, (first - point) * step), xp.where(flat, 0, (last - point) * step), step


def _faked(xp: Any, x: Any, low: Any, high: Any, num_bits: int, narrow_range: bool) -> Any:
    nudged_low, nudged_high, step = _nudged(xp, low, high, num_bits, narrow_range)
    safe = xp.where(step == 0, xp.ones((), step.dtype), step)
    clipped = xp.clip(x, nudged_low, nudged_high)
    out = xp.floor((clipped - nudged_low) / safe + np.float32(0.5)) * step + nudged_low
    return xp.where((low == 0) & (high == 0), xp.zeros((), x.dtype), out)


def _fake_grad(xp: Any, g: Any, x: Any, low: Any, high: Any, num_bits: int, narrow_range: bool) -> tuple[Any, Any, Any]:
    """dx inside the range; what falls below and above goes to its ends."""
    nudged_low, nudged_high, _ = _nudged(xp, low, high, num_bits, narrow_range)
    zero = xp.zeros((), g.dtype)
    below, above = x < nudged_low, x > nudged_high
    empty = (low == 0) & (high == 0)
    below, above = below & ~empty, above & ~empty
    return xp.where(below | above, zero, g), xp.where(below, g, zero), xp.where(above, g, zero)


def _bits(num_bits: int) -> None:
    if not 2 <= num_bits <= 16:
        raise InvalidArgumentError(None, None, f"num_bits must be between 2 and 16, inclusive, got {num_bits}")


@op(
    f"FakeQuantWithMinMaxArgs(inputs: float32, *, max: float = 6.0, min: float = -6.0, {_FAKE}) -> outputs: float32",
    shape=lambda inputs, **_: inputs.shape,
)
def FakeQuantWithMinMaxArgs(xp, inputs, *, min, max, num_bits, narrow_range):
    """Each entry rounded as if stored in `num_bits` bits over [min, max]."""
    _bits(num_bits)
    if min >= max:
        raise InvalidArgumentError(None, None, f"min has to be smaller than max, was: {min} >= {max}")
    return _faked(xp, inputs, np.float32(min), np.float32(max), num_bits, narrow_range)


@op(f"FakeQuantWithMinMaxArgsGradient(gradients: float32, inputs: float32, *, max: float = 6.0, min: float = -6.0, {_FAKE}) -> backprops: float32",
    shape=lambda gradients, inputs, **_: merge(gradients.shape, inputs.shape))  # fmt: skip
def FakeQuantWithMinMaxArgsGradient(xp, gradients, inputs, *, min, max, num_bits, narrow_range):
    """The gradient of FakeQuantWithMinMaxArgs."""
    if gradients.shape != inputs.shape:
        raise ShapeError(f"gradients and inputs must be the same size, got {list(gradients.shape)} and {list(inputs.shape)}")
    _bits(num_bits)
    return _fake_grad(xp, gradients, inputs, np.float32(min), np.float32(max), num_bits, narrow_range)[0]


FakeQuantWithMinMaxArgs.grad_rule = lambda node, dy: FakeQuantWithMinMaxArgsGradient(
    dy, node.inputs[0], **{k: node.attrs[k] for k in ("min", "max", "num_bits", "narrow_range")}
)


def _fake_by_range(name: str, per_channel: bool) -> tuple[Op, Op]:
    """The op whose range are tensors (for each channel, or one), and its gradient op."""
    rank = 1 if per_channel else 0

    def fit(inputs: Any, low: Any, high: Any) -> None:
        for what, v in (("min", low), ("max", high)):
            if v.shape is not None and len(v.shape) != rank:
                raise ShapeError(f"{what} must be rank {rank} but is rank {len(v.shape)}")
            if per_channel and v.shape is not None and inputs.shape is not None:
                same(inputs.shape[-1], v.shape[0], f"{what} has one number a channel")

    def body(xp, inputs, min, max, *, num_bits, narrow_range):
        _bits(num_bits)
        return _faked(xp, inputs, min, max, num_bits, narrow_range)

    def shape(inputs, min, max, **_):
        fit(inputs, min, max)
        return inputs.shape

    def grad_body(xp, gradients, inputs, min, max, *, num_bits, narrow_range):
        _bits(num_bits)
        dx, dmin, dmax = _fake_grad(xp, gradients, inputs, min, max, num_bits, narrow_range)
        axes = tuple(range(inputs.ndim - rank))
        return dx, dmin.sum(axis=axes), dmax.sum(axis=axes)

    def grad_shape(gradients, inputs, min, max, **_):
        ends = ((inputs.shape[-1] if inputs.shape else None,),) if per_channel else ((),)
        return inputs.shape, ends[0], ends[0]

    body.__doc__, grad_body.__doc__ = (
        "Each entry rounded as if stored in `num_bits` bits over [min, max].",
        f"The gradient of {name}.",
    )
    for f in (body, grad_body):
        f.__name__, f.__module__ = "<lambda>", __name__
    made = op(f"{name}(inputs: float32, min: float32, max: float32, *, {_FAKE}) -> outputs: float32", shape=shape)(body)
    back = op(
        f"{name}Gradient(gradients: float32, inputs: float32, min: float32, max: float32, *, {_FAKE}) -> "
        "(backprops_wrt_input: float32, backprop_wrt_min: float32, backprop_wrt_max: float32)", shape=grad_shape,
    )(grad_body)  # fmt: skip

    @made.check
    def _(xp, inputs, min, max, *, num_bits, narrow_range):
        fit(inputs, min, max)
        return False, ""

    made.grad_rule = lambda node, dy: tuple(
        back(dy, *node.inputs, **{k: node.attrs[k] for k in ("num_bits", "narrow_range")})
    )
    return made, back


FakeQuantWithMinMaxVars, FakeQuantWithMinMaxVarsGradient = _fake_by_range("FakeQuantWithMinMaxVars", False)
FakeQuantWithMinMaxVarsPerChannel, FakeQuantWithMinMaxVarsPerChannelGradient = _fake_by_range(
    "FakeQuantWithMinMaxVarsPerChannel", True
)


@export("quantization.fake_quant_with_min_max_args", v1=("fake_quant_with_min_max_args",))
def fake_quant_with_min_max_args(
    inputs: Any, min: float = -6, max: float = 6, num_bits: int = 8, narrow_range: bool = False, name: Any = None
) -> Any:
    """Each entry rounded as if stored in `num_bits` bits over [min, max].

    >>> tf.quantization.fake_quant_with_min_max_args([0.01, 7.0], min=0, max=6).numpy().round(3)
    array([0., 6.], dtype=float32)
    """
    return FakeQuantWithMinMaxArgs(inputs, min=min, max=max, num_bits=num_bits, narrow_range=narrow_range, name=name)


@export("quantization.fake_quant_with_min_max_args_gradient", v1=("fake_quant_with_min_max_args_gradient",))
def fake_quant_with_min_max_args_gradient(
    gradients: Any,
    inputs: Any,
    min: float = -6,
    max: float = 6,
    num_bits: int = 8,
    narrow_range: bool = False,
    name: Any = None,
) -> Any:
    """The gradient of fake_quant_with_min_max_args: `gradients` where `inputs` are inside the range."""
    return FakeQuantWithMinMaxArgsGradient(
        gradients, inputs, min=min, max=max, num_bits=num_bits, narrow_range=narrow_range, name=name
    )


@export("quantization.fake_quant_with_min_max_vars", v1=("fake_quant_with_min_max_vars",))
def fake_quant_with_min_max_vars(
    inputs: Any, min: Any, max: Any, num_bits: int = 8, narrow_range: bool = False, name: Any = None
) -> Any:
    """Each entry rounded as if stored in `num_bits` bits over the range of two scalars, which may be trained."""
    return FakeQuantWithMinMaxVars(inputs, min, max, num_bits=num_bits, narrow_range=narrow_range, name=name)


@export("quantization.fake_quant_with_min_max_vars_gradient", v1=("fake_quant_with_min_max_vars_gradient",))
def fake_quant_with_min_max_vars_gradient(
    gradients: Any, inputs: Any, min: Any, max: Any, num_bits: int = 8, narrow_range: bool = False, name: Any = None
) -> Any:
    """The gradients of fake_quant_with_min_max_vars by inputs, min and max."""
    return FakeQuantWithMinMaxVarsGradient(
        gradients, inputs, min, max, num_bits=num_bits, narrow_range=narrow_range, name=name
    )


@export("quantization.fake_quant_with_min_max_vars_per_channel", v1=("fake_quant_with_min_max_vars_per_channel",))
def fake_quant_with_min_max_vars_per_channel(
    inputs: Any, min: Any, max: Any, num_bits: int = 8, narrow_range: bool = False, name: Any = None
) -> Any:
    """Each entry rounded as if stored in `num_bits` bits over the range of its channel."""
    return FakeQuantWithMinMaxVarsPerChannel(inputs, min, max, num_bits=num_bits, narrow_range=narrow_range, name=name)


@export(
    "quantization.fake_quant_with_min_max_vars_per_channel_gradient",
    v1=("fake_quant_with_min_max_vars_per_channel_gradient",),
)
def fake_quant_with_min_max_vars_per_channel_gradient(
    gradients: Any, inputs: Any, min: Any, max: Any, num_bits: int = 8, narrow_range: bool = False, name: Any = None
) -> Any:
    """The gradients of fake_quant_with_min_max_vars_per_channel by inputs, min and max."""
    return FakeQuantWithMinMaxVarsPerChannelGradient(
        gradients, inputs, min, max, num_bits=num_bits, narrow_range=narrow_range, name=name
    )


# -- there and back -----------------------------------------------------------------------------------------------------


def _along(xp: Any, v: Any, x: Any, axis: int) -> Any:
    """A number for each slice along `axis`, in the shape that broadcasts."""
    return v if axis < 0 else v.reshape([-1 if i == axis else 1 for i in range(x.ndim)])


def _round_trip(
    xp: Any,
    x: Any,
    low: Any,
    high: Any,
    signed_input: bool,
    num_bits: Any,
    range_given: bool,
    round_mode: str,
    narrow_range: bool,
    axis: int,
) -> Any:
    kept = wide(xp, x)
    if not range_given:
        axes = tuple(i for i in range(x.ndim) if i != axis) if axis >= 0 else None
        low, high = kept.min(axis=axes), kept.max(axis=axes)
    low, high = _along(xp, xp.asarray(low, kept.dtype), x, axis), _along(xp, xp.asarray(high, kept.dtype), x, axis)
    two = xp.asarray(2.0, kept.dtype)
    if signed_input:
        first = -(two ** (num_bits - 1)) + (1 if narrow_range else 0)
        last = two ** (num_bits - 1) - 1
    else:
        first, last = xp.zeros((), kept.dtype), two**num_bits - 1
    one = xp.ones((), kept.dtype)
    by_low = xp.where(first * low > 0, first / xp.where(low == 0, one, low), xp.asarray(np.inf, kept.dtype))
    by_high = xp.where(last * high > 0, last / xp.where(high == 0, one, high), xp.asarray(np.inf, kept.dtype))
    by_first = by_low < by_high
    scale = xp.where(by_first, by_low, by_high)
    scale = xp.where(xp.isfinite(scale), scale, one * np.finfo(np.float32).max)
    inverse = xp.where(by_first, low / first if signed_input else one, high / last)
    inverse = xp.where(scale == one * np.finfo(np.float32).max, 0, inverse)
    low, high = xp.where(by_first, low, first * inverse), xp.where(by_first, last * inverse, high)
    scaled = (xp.clip(kept, low, high) if range_given else kept) * scale
    rounded = xp.floor(scaled + 0.5) if round_mode == "HALF_UP" else xp.rint(scaled)
    return rounded * inverse


def _there_and_back_shape(input: Any, low: Any, high: Any, *more: Any, axis: int, **_: Any) -> Any:
    rank = 0 if axis == -1 else 1
    for v in (low, high):
        if v.shape is not None and len(v.shape) != rank:
            raise ShapeError(f"{v.name} must be rank {rank} but is rank {len(v.shape)}")
    return input.shape


_TRIP = "axis: int = -1, narrow_range: bool = False"


def _trip(number: str) -> Op:
    @op(f"QuantizeAndDequantizeV{number}(input: T, input_min: T, input_max: T, *, T: real_float, {_TRIP}, num_bits: int = 8, "
        'range_given: bool = False, round_mode: "HALF_TO_EVEN"|"HALF_UP" = "HALF_TO_EVEN", signed_input: bool = True) -> output: T',
        shape=_there_and_back_shape)  # fmt: skip
    def made(xp, input, input_min, input_max, *, signed_input, num_bits, range_given, round_mode, narrow_range, axis):
        """Each entry rounded to one of 2 ** num_bits steps over the range."""
        if not (1 if signed_input else 0) < num_bits + (not signed_input) <= 63 + (not signed_input) or num_bits < 1:
            raise InvalidArgumentError(None, None, f"num_bits is out of range: {num_bits} with signed_input_ {int(signed_input)}")
        if axis < -1 or axis >= 0 and axis >= input.ndim:
            raise InvalidArgumentError(None, None, f"axis should be at least -1 and below the rank of the input, {input.ndim}, got {axis}")
        for what, v in (("input_min", input_min), ("input_max", input_max)):
            if range_given and v.ndim != (0 if axis == -1 else 1):
                raise InvalidArgumentError(None, None, f"{what} must be {'a scalar if axis is unspecified' if axis == -1 else 'a vector along axis'}, got shape {list(v.shape)}")
        return _round_trip(
            xp, input, input_min, input_max, signed_input, num_bits, range_given, round_mode, narrow_range, axis
        )

    return made


def _named(made: Op) -> Op:
    from penstock.base.export import PUBLIC

    PUBLIC[f"raw_ops.{made.name}"] = f"{__name__}:{made.name}"
    return made


QuantizeAndDequantizeV2, QuantizeAndDequantizeV4 = _named(_trip("2")), _named(_trip("4"))


@op(f"QuantizeAndDequantizeV3(input: T, input_min: T, input_max: T, num_bits: int32, *, T: real_float, {_TRIP}, range_given: bool = True, "
    "signed_input: bool = True) -> output: T", shape=_there_and_back_shape)  # fmt: skip
def QuantizeAndDequantizeV3(
    xp, input, input_min, input_max, num_bits, *, signed_input, range_given, narrow_range, axis
):
    """Each entry rounded to one of 2 ** num_bits steps over the range; the bits are a tensor."""
    bits = xp.asarray(num_bits, wide(xp, input).dtype)
    return _round_trip(
        xp, input, input_min, input_max, signed_input, bits, range_given, "HALF_TO_EVEN", narrow_range, axis
    )


def _straight_through(node: Any, dy: Any) -> Any:
    return (dy, *[None] * (len(node.inputs) - 1))


QuantizeAndDequantizeV2.grad_rule = QuantizeAndDequantizeV3.grad_rule = _straight_through


@op("QuantizeAndDequantizeV4Grad(gradients: T, input: T, input_min: T, input_max: T, *, T: real_float, axis: int = -1) -> "
    "(input_backprop: T, input_min_backprop: T, input_max_backprop: T)",
    shape=lambda gradients, input, low, high, **_: (input.shape, low.shape, high.shape))  # fmt: skip
def QuantizeAndDequantizeV4Grad(xp, gradients, input, input_min, input_max, *, axis):
    """The gradient of QuantizeAndDequantizeV4: dy inside the range, nothing outside."""
    if gradients.shape != input.shape:
        raise ShapeError(f"gradient and input must be the same size, got {list(gradients.shape)} and {list(input.shape)}")
    for what, v in (("input_min", input_min), ("input_max", input_max)):
        if v.ndim != (0 if axis == -1 else 1):
            raise ShapeError(f"{what} must be {'a scalar if axis is unspecified' if axis == -1 else 'a vector along axis'}, got shape {list(v.shape)}")
    low, high = _along(xp, input_min, input, axis), _along(xp, input_max, input, axis)
    inside = (input >= low) & (input <= high)
    return (
        xp.where(inside, gradients, xp.zeros((), gradients.dtype)),
        xp.zeros(input_min.shape, gradients.dtype),
        xp.zeros(input_max.shape, gradients.dtype),
    )


QuantizeAndDequantizeV4.grad_rule = lambda node, dy: tuple(
    QuantizeAndDequantizeV4Grad(dy, *node.inputs, axis=node.attrs["axis"])
)


def _and_back(op_: Op, input: Any, input_min: Any, input_max: Any, axis: Any, name: Any, **attrs: Any) -> Any:
    input = convert_to_tensor(input)
    if axis is None:
        axis = -1
    elif axis < 0:
        if input._dims is None:
            raise ValueError("input should have known rank to use negative axis.")
        axis %= len(input._dims)
    dtype = input.dtype.base_dtype
    ends = [v if hasattr(v, "_dims") else convert_to_tensor(v, dtype=dtype) for v in (input_min, input_max)]
    return op_(input, *ends, axis=axis, name=name, **attrs)


@export("quantization.quantize_and_dequantize")
def quantize_and_dequantize(
    input: Any, input_min: Any, input_max: Any, signed_input: bool = True, num_bits: int = 8, range_given: bool = False,
    round_mode: str = "HALF_TO_EVEN", name: Any = None, narrow_range: bool = False, axis: Any = None,
) -> Any:  # fmt: skip
    """`input` rounded to 2 ** num_bits steps; its gradient passes straight through."""
    return _and_back(
        QuantizeAndDequantizeV2, input, input_min, input_max, axis, name, signed_input=signed_input, num_bits=num_bits,
        range_given=range_given, round_mode=round_mode, narrow_range=narrow_range,
    )  # fmt: skip


@export("quantization.quantize_and_dequantize_v2")
def quantize_and_dequantize_v2(
    input: Any, input_min: Any, input_max: Any, signed_input: bool = True, num_bits: int = 8, range_given: bool = False,
    round_mode: str = "HALF_TO_EVEN", name: Any = None, narrow_range: bool = False, axis: Any = None,
) -> Any:  # fmt: skip
    """`input` rounded to 2 ** num_bits steps; no gradient flows where it is outside the range."""
    return _and_back(
        QuantizeAndDequantizeV4, input, input_min, input_max, axis, name, signed_input=signed_input, num_bits=num_bits,
        range_given=range_given, round_mode=round_mode, narrow_range=narrow_range,
    )  # fmt: skip


_QUANTIZED = "{qint8|quint8|qint32|qint16|quint16}"
_MODE = 'mode: "MIN_COMBINED"|"MIN_FIRST"|"SCALED" = "MIN_COMBINED"'


def _limits(dtype: Any) -> tuple[int, int]:
    info = np.iinfo(dtype.array_dtype)
    return int(info.min), int(info.max)


@op(f"QuantizeV2(input: float32, min_range: float32, max_range: float32, *, T: {_QUANTIZED}, axis: int = -1, "
    f'ensure_minimum_range: float = 0.009999999776482582, {_MODE}, narrow_range: bool = False, '
    'round_mode: "HALF_AWAY_FROM_ZERO"|"HALF_TO_EVEN" = "HALF_AWAY_FROM_ZERO") -> (output: T, output_min: float32, output_max: float32)',
    shape=lambda input, low, high, **_: (input.shape, low.shape, high.shape))  # fmt: skip
def QuantizeV2(xp, input, min_range, max_range, *, T, mode, round_mode, narrow_range, axis, ensure_minimum_range):
    """Floats as quantized integers over [min_range, max_range], and the range that was used."""
    first, last = _limits(T)
    low = xp.minimum(xp.zeros((), np.float32), min_range)
    epsilon = xp.maximum(xp.ones((), np.float32), xp.maximum(xp.abs(min_range), xp.abs(max_range))) * np.float32(
        ensure_minimum_range
    )
    high = xp.maximum(max_range, low + epsilon)
    high = xp.maximum(xp.zeros((), np.float32), high)
    a, b = _along(xp, low, input, axis), _along(xp, high, input, axis)
    nearest = (
        (lambda v: xp.rint(v)) if round_mode == "HALF_TO_EVEN" else (lambda v: xp.sign(v) * xp.floor(xp.abs(v) + 0.5))
    )
    bits = T.array_dtype.itemsize * 8
    if mode == "MIN_COMBINED":
        scaled = (xp.clip(input, a, b) - a) * (np.float32(2.0**bits - 1) / (b - a))
        if first < 0:
            scaled = scaled - np.float32(2.0 ** (bits - 1))
        out = nearest(scaled)
    elif mode == "MIN_FIRST":
        steps = np.float64(2.0**bits)
        adjusted = (b - a) * np.float64(steps / (steps - 1))
        scale = steps / adjusted
        out = nearest(input * scale) - nearest(a * scale) + np.float64(first)
    else:
        smallest = first + 1 if narrow_range else first
        by_high, by_low = np.float32(last) / b, (np.float32(smallest) / a if smallest else None)
        if by_low is None:
            scale = by_high
        else:
            scale = xp.where(
                low * smallest > 0, xp.minimum(by_high, xp.where(a == 0, np.float32(np.inf), by_low)), by_high
            )
        high = np.float32(last) / scale.reshape(high.shape)
        low = np.float32(smallest) / scale.reshape(low.shape)
        out = nearest(xp.clip(input, _along(xp, low, input, axis), _along(xp, high, input, axis)) * scale)
        first = smallest
    return xp.clip(xp.asarray(out, np.float64), first, last).astype(T.array_dtype), low, high


@op(f"Dequantize(input: T, min_range: float32, max_range: float32, *, T: {_QUANTIZED}, axis: int = -1, dtype: {{bfloat16|float32}} = float32, "
    f"{_MODE}, narrow_range: bool = False) -> output: dtype", shape=lambda input, *_, **__: input.shape)  # fmt: skip
def Dequantize(xp, input, min_range, max_range, *, T, mode, narrow_range, axis):
    """Quantized integers as the floats that they stand for."""
    first, last = _limits(T)
    low, high = _along(xp, min_range, input, axis), _along(xp, max_range, input, axis)
    x = xp.asarray(input, np.float64 if T.array_dtype.itemsize == 4 else np.float32)
    if mode == "MIN_COMBINED":
        half = 0 if first == 0 else (last - first + 1) / 2
        return (x + half) * ((high - low) / np.float32(last - first)) + low
    if mode == "MIN_FIRST":
        bits = T.array_dtype.itemsize * 8
        steps = 2.0**bits
        scale = (high - low) * np.float64(1 / (steps - 1))
        return xp.rint(low / scale) * scale + (xp.asarray(x, np.float64) - first) * scale
    smallest = first + 1 if narrow_range else first
    scale = high / last if smallest == 0 else xp.maximum(low / smallest, high / last)
    return x * scale


for _made in (QuantizeV2, Dequantize):
    _made.no_grad()


@export("quantization.quantize", v1=("quantize",))
def quantize(
    input: Any, min_range: Any, max_range: Any, T: Any, mode: str = "MIN_COMBINED", round_mode: str = "HALF_AWAY_FROM_ZERO", name: Any = None,
    narrow_range: bool = False, axis: Any = None, ensure_minimum_range: float = 0.01,
) -> Any:  # fmt: skip
    """(output, output_min, output_max): floats as quantized integers of type `T`, and the range that was used."""
    return QuantizeV2(
        input, min_range, max_range, T=T, mode=mode, round_mode=round_mode, narrow_range=narrow_range, axis=_axis(axis),
        ensure_minimum_range=ensure_minimum_range, name=name,
    )  # fmt: skip


@export(v1=("quantize_v2",))
def quantize_v2(
    input: Any, min_range: Any, max_range: Any, T: Any, mode: str = "MIN_COMBINED", name: Any = None, round_mode: str = "HALF_AWAY_FROM_ZERO",
    narrow_range: bool = False, axis: Any = None, ensure_minimum_range: float = 0.01,
) -> Any:  # fmt: skip
    """quantize, with the parameters of 1.x."""
    return quantize(input, min_range, max_range, T, mode, round_mode, name, narrow_range, axis, ensure_minimum_range)


def _axis(axis: Any) -> int:
    if axis is None:
        return -1
    if axis < 0:
        raise ValueError("axis should be a non-negative integer, or None for one range.")
    return axis


@export("quantization.dequantize", v1=("dequantize",))
def dequantize(
    input: Any, min_range: Any, max_range: Any, mode: str = "MIN_COMBINED", name: Any = None, axis: Any = None, narrow_range: bool = False,
    dtype: Any = float32,
) -> Any:  # fmt: skip
    """Quantized integers as the floats that they stand for."""
    with scoped(name, "Dequantize") as scope:
        return Dequantize(
            input,
            min_range,
            max_range,
            mode=mode,
            axis=_axis(axis),
            narrow_range=narrow_range,
            dtype=as_dtype(dtype),
            name=scope or None,
        )
