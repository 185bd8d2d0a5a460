"""Arithmetic on quantized tensors: integers with the range of floats that they stand for."""

from typing import Any

import numpy as np

from penstock.base.dtypes import DType, as_dtype
from penstock.base.errors import InvalidArgumentError
from penstock.base.export import export
from penstock.base.shape import as_text
from penstock.ir.op import find, op

_Q = "{qint8|quint8|qint32|qint16|quint16}"


def _bad(message: str) -> InvalidArgumentError:
    return InvalidArgumentError(None, None, message)


def _ends(dtype: DType) -> tuple[int, int]:
    info = np.iinfo(dtype.array_dtype) if np.dtype(dtype.array_dtype).kind in "iu" else np.iinfo(dtype.name.removeprefix("q"))
    return int(info.min), int(info.max)


def _number(x: Any, what: str = "range") -> float:
    if np.size(x) != 1:
        raise _bad(f"`{what}` must be rank 0 but is rank {np.ndim(x)}")
    return float(np.asarray(x).reshape(()))


def _level(dtype: DType, low: float, high: float) -> float:
    """How much one step of the type stands for."""
    first, last = _ends(dtype)
    return (high - low) / (last - first) if last > first else 0.0


def _round(x: Any) -> Any:
    """To the nearest integer, halves away from zero."""
    return np.copysign(np.floor(np.abs(x) + 0.5), x)


def _step_of(value: float, dtype: DType, low: float, high: float) -> int:
    """The integer, not clipped, that stands for a float."""
    first, last = _ends(dtype)
    if low == high:
        return 0
    steps = last - first + 1
    scale = steps / ((high - low) * (steps / (steps - 1.0)))
    return int(_round(value * scale) - _round(low * scale)) + first


def _whole(x: Any) -> np.ndarray:
    return np.asarray(x).astype(np.int64)


def _pair(low: float, high: float) -> tuple[np.float32, np.float32]:
    return np.float32(low), np.float32(high)


def _product_range(a: tuple[DType, float, float], b: tuple[DType, float, float], out: DType) -> tuple[float, float]:
    level = np.float32(_level(*a)) * np.float32(_level(*b))
    first, last = _ends(out)
    return float(level * np.float32(first)), float(level * np.float32(last))


@op(f"QuantizedMatMul(a: T1, b: T2, min_a: float32, max_a: float32, min_b: float32, max_b: float32, *, T1: {_Q}, T2: {_Q}, Tactivation: {_Q} = quint8, "
    f"Toutput: {_Q} = qint32, transpose_a: bool = False, transpose_b: bool = False) -> (out: Toutput, min_out: float32, max_out: float32)", where="host",
    shape=lambda a, b, *_, **__: (None if a.shape is None or b.shape is None else (None, None), (), ()))  # fmt: skip
def QUANTIZED_MAT_MUL(xp, a, b, min_a, max_a, min_b, max_b, *, T1, T2, Toutput, transpose_a, transpose_b):  # noqa: N803
    """a @ b in integers, with the range that the product stands for."""
    ranges = (T1, _number(min_a, "min_a"), _number(max_a, "max_a")), (T2, _number(min_b, "min_b"), _number(max_b, "max_b"))
    if a.ndim != 2 or b.ndim != 2:
        raise _bad(f"In[0] and In[1] must be matrices, got {as_text(a.shape)} and {as_text(b.shape)}")
    x, y = (_whole(m) - _step_of(0.0, *r) for m, r in zip((a, b), ranges))
    x, y = x.T if transpose_a else x, y.T if transpose_b else y
    if x.shape[1] != y.shape[0]:
        raise _bad(f"Matrix size-incompatible: In[0]: {as_text(a.shape)}, In[1]: {as_text(b.shape)}")
    return x @ y, *_pair(*_product_range(*ranges, Toutput))


@op(f"QuantizedMul(x: T1, y: T2, min_x: float32, max_x: float32, min_y: float32, max_y: float32, *, T1: {_Q}, T2: {_Q}, Toutput: {_Q} = qint32) -> "
    "(z: Toutput, min_z: float32, max_z: float32)", where="host", shape=lambda x, y, *_: (None, (), ()))  # fmt: skip
def QUANTIZED_MUL(xp, x, y, min_x, max_x, min_y, max_y, *, T1, T2, Toutput):  # noqa: N803
    """x * y in integers, with the range that the product stands for."""
    ranges = (T1, _number(min_x), _number(max_x)), (T2, _number(min_y), _number(max_y))
    try:
        found = (_whole(x) - _step_of(0.0, *ranges[0])) * (_whole(y) - _step_of(0.0, *ranges[1]))
    except ValueError:
        raise _bad(f"Incompatible shapes: {as_text(x.shape)} vs. {as_text(y.shape)}") from None
    return found, *_pair(*_product_range(*ranges, Toutput))


@op(f"QuantizedConv2D(input: Tinput, filter: Tfilter, min_input: float32, max_input: float32, min_filter: float32, max_filter: float32, *, Tfilter: {_Q}, "
    f'Tinput: {_Q}, dilations: list(int) = [1, 1, 1, 1], out_type: {_Q} = qint32, padding: "SAME"|"VALID", strides: list(int)) -> '
    "(output: out_type, min_output: float32, max_output: float32)", where="host", shape=lambda *_, **__: ((None,) * 4, (), ()))  # fmt: skip
def QUANTIZED_CONV_2D(xp, input, filter, min_input, max_input, min_filter, max_filter, *, Tinput, Tfilter, out_type, dilations, padding, strides):  # noqa: A002, N803
    """The convolution in integers, with the range that it stands for."""
    ranges = (Tinput, _number(min_input), _number(max_input)), (Tfilter, _number(min_filter), _number(max_filter))
    if input.ndim != 4 or filter.ndim != 4:
        raise _bad(f"input and filter must be 4-dimensional, got {as_text(input.shape)} and {as_text(filter.shape)}")
    if input.shape[3] != filter.shape[2]:
        raise _bad(f"input and filter must have the same depth: {input.shape[3]} vs {filter.shape[2]}")
    if len(strides) != 4 or strides[0] != 1 or strides[3] != 1 or min(strides) < 1 or strides[1] != strides[2] or list(dilations) != [1, 1, 1, 1]:
        raise _bad(f"Strides {list(strides)} must be equal in rows and columns and 1 in batch and depth, dilations 1")
    x, w = _whole(input) - _step_of(0.0, *ranges[0]), _whole(filter) - _step_of(0.0, *ranges[1])
    s, (rows, columns) = strides[1], filter.shape[:2]
    pads = []
    for n, k in zip(input.shape[1:3], (rows, columns)):
        out = -(-n // s) if padding == "SAME" else -(-(n - k + 1) // s)
        if out < 1:
            raise _bad(f"The filter {as_text(filter.shape)} is larger than the input {as_text(input.shape)}")
        total = max((out - 1) * s + k - n, 0) if padding == "SAME" else 0
        pads.append((out, total // 2, total - total // 2))
    x = np.pad(x, [(0, 0), pads[0][1:], pads[1][1:], (0, 0)])
    out = np.zeros((x.shape[0], pads[0][0], pads[1][0], w.shape[3]), np.int64)
    for i in range(rows):
        for j in range(columns):
            out += x[:, i : i + (pads[0][0] - 1) * s + 1 : s, j : j + (pads[1][0] - 1) * s + 1 : s] @ w[i, j]
    return out, *_pair(*_product_range(*ranges, out_type))


def _clamp(name: str, extra: str, doc: str) -> Any:
    """QuantizedRelu and those with an upper end."""

    def run(features: Any, low: Any, high: Any, kind: DType, most: float | None) -> Any:
        low, high = _number(low, "min_features"), _number(high, "max_features")
        first, last = _ends(kind)
        x = np.maximum(_whole(features), min(max(_step_of(0.0, kind, low, high), first), last))
        if most is not None:
            x = np.minimum(x, min(max(_step_of(most, kind, low, high), first), last))
        return x, *_pair(low, high)

    if extra:
        def body(xp, features, max_value, min_features, max_features, *, Tinput):  # noqa: N803
            return run(features, min_features, max_features, Tinput, _number(max_value, "max_value"))
    else:
        def body(xp, features, min_features, max_features, *, Tinput):  # noqa: N803
            return run(features, min_features, max_features, Tinput, 6.0 if name.endswith("6") else None)
    body.__doc__, body.__qualname__, body.__module__ = doc, name, __name__
    made = op(f"{name}(features: Tinput, {extra}min_features: float32, max_features: float32, *, Tinput: {_Q}, out_type: {_Q} = quint8) -> "
              "(activations: out_type, min_activations: float32, max_activations: float32)", where="host", shape=lambda features, *_: (features.shape, (), ()))(body)  # fmt: skip
    globals()[name] = made
    return made


_clamp("QuantizedRelu", "", "The larger of each entry and what stands for 0.")
_clamp("QuantizedRelu6", "", "Each entry between what stands for 0 and for 6.")
_relu_x = _clamp("QuantizedReluX", "max_value: float32, ", "Each entry between what stands for 0 and for `max_value`.")


def _pool(name: str, doc: str, largest: bool) -> Any:
    def body(xp, input, min_input, max_input, *, T, ksize, padding, strides):  # noqa: A002, N803
        from penstock.ops.nn_pool import Window

        if input.ndim != 4 or len(ksize) != 4 or len(strides) != 4 or min(ksize) < 1 or min(strides) < 1:
            raise _bad(f"tensor_in must be 4-dimensional, and ksize and strides 4 positive numbers, got {as_text(input.shape)}, {list(ksize)}, {list(strides)}")
        w = Window(input.shape, list(ksize), list(strides), padding, None, "NHWC")
        x = np.moveaxis(_whole(input), 0, 0)
        low, high = _ends(T)
        padded = w.padded(np, x, low if largest else 0)
        count = w.padded(np, np.ones_like(x), 0)
        out = counts = None
        for place in w.places:
            cut = (slice(None), *[slice(p, p + (o - 1) * s + 1, s) for p, o, s in zip(place, w.out, w.s)])
            part, ones = padded[cut], count[cut]
            out = part if out is None else np.maximum(out, part) if largest else out + part
            counts = ones if counts is None else counts + ones
        if not largest:
            out = (out / counts).astype(np.int64)
        return out, *_pair(_number(min_input), _number(max_input))

    body.__doc__, body.__qualname__, body.__module__ = doc, name, __name__
    made = op(f'{name}(input: T, min_input: float32, max_input: float32, *, T: {_Q}, ksize: list(int), padding: "SAME"|"VALID", strides: list(int)) -> '
              "(output: T, min_output: float32, max_output: float32)", where="host", shape=lambda input, *_, **__: ((None,) * 4, (), ()))(body)  # fmt: skip
    globals()[name] = made
    return made


_max_pool = _pool("QuantizedMaxPool", "The largest entry of each window.", True)
_avg_pool = _pool("QuantizedAvgPool", "The mean of each window.", False)


@op("QuantizedReshape(tensor: T, shape: Tshape, input_min: float32, input_max: float32, *, T: type, Tshape: index = int32) -> "
    "(output: T, output_min: float32, output_max: float32)", static=("shape",), shape=lambda tensor, shape, *_: (shape.dims, (), ()))  # fmt: skip
def QUANTIZED_RESHAPE(xp, tensor, shape, input_min, input_max):
    """The tensor in another shape; the range stays."""
    return find("Reshape").body(xp, tensor, shape), input_min, input_max


@op(f"RequantizationRange(input: Tinput, input_min: float32, input_max: float32, *, Tinput: {_Q}) -> (output_min: float32, output_max: float32)", where="host",
    shape=lambda *_: ((), ()))  # fmt: skip
def REQUANTIZATION_RANGE(xp, input, input_min, input_max, *, Tinput):  # noqa: A002, N803
    """The range of floats that the entries really take."""
    return _pair(*_used_range(input, Tinput, _number(input_min), _number(input_max)))


def _used_range(x: Any, kind: DType, low: float, high: float) -> tuple[float, float]:
    values = _whole(x)
    if not values.size:
        return 0.0, 0.0
    first, last = _ends(kind)
    step = (high - low) / (last - first)
    base = _round(low / step) * step if step else low
    return min(0.0, base + (int(values.min()) - first) * step), base + (int(values.max()) - first) * step


def _moved(x: Any, kind: DType, low: float, high: float, to: DType, new_low: float, new_high: float) -> np.ndarray:
    """The integers that stand for the same floats in another range."""
    first, last = _ends(kind)
    start, end = _ends(to)
    floats = low + (_whole(x) - first) * ((high - low) / (last - first))
    steps = end - start + 1
    scale = steps / ((new_high - new_low) * (steps / (steps - 1.0))) if new_high > new_low else 0.0
    return np.clip(_round(floats * scale) - _round(new_low * scale) + start, start, end).astype(np.int64)


@op(f"Requantize(input: Tinput, input_min: float32, input_max: float32, requested_output_min: float32, requested_output_max: float32, *, Tinput: {_Q}, out_type: {_Q}) "
    "-> (output: out_type, output_min: float32, output_max: float32)", where="host", shape=lambda input, *_: (input.shape, (), ()))  # fmt: skip
def REQUANTIZE(xp, input, input_min, input_max, requested_output_min, requested_output_max, *, Tinput, out_type):  # noqa: A002, N803
    """The entries in another type and range."""
    low, high = _number(requested_output_min), _number(requested_output_max)
    if low > 0:
        raise _bad(f"requested_output_min must be <= 0, but got {low:g}")
    if high < low:
        raise _bad(f"requested_output_max must be >= requested_output_min, but got {high:g} and {low:g}")
    return _moved(input, Tinput, _number(input_min), _number(input_max), out_type, low, high), *_pair(low, high)


@op(f"QuantizeDownAndShrinkRange(input: Tinput, input_min: float32, input_max: float32, *, Tinput: {_Q}, out_type: {_Q}) -> "
    "(output: out_type, output_min: float32, output_max: float32)", where="host", shape=lambda input, *_: (input.shape, (), ()))  # fmt: skip
def QUANTIZE_DOWN_AND_SHRINK_RANGE(xp, input, input_min, input_max, *, Tinput, out_type):  # noqa: A002, N803
    """The entries in a smaller type, in the range that they really take."""
    low, high = _used_range(input, Tinput, _number(input_min), _number(input_max))
    return _moved(input, Tinput, _number(input_min), _number(input_max), out_type, low, high), *_pair(low, high)


@op("QuantizedConcat(concat_dim: int32, values: N*T, input_mins: N*float32, input_maxes: N*float32, *, N: int >= 2, T: type) -> "
    "(output: T, output_min: float32, output_max: float32)", where="host", static=("concat_dim",), shape=lambda *_: (None, (), ()))  # fmt: skip
def QUANTIZED_CONCAT(xp, concat_dim, values, input_mins, input_maxes, *, T):  # noqa: N803
    """The tensors one after the other, in the range that holds all of theirs."""
    axis = int(concat_dim)
    ranges = [(_number(a), _number(b)) for a, b in zip(input_mins, input_maxes)]
    if not -values[0].ndim <= axis < values[0].ndim or len({v.ndim for v in values}) > 1:
        raise _bad(f"concat_dim must be in [-{values[0].ndim}, {values[0].ndim}) and all values of one rank, got {axis}")
    low, high = min(0.0, min(a for a, _ in ranges)), max(b for _, b in ranges)
    if as_dtype(T) is as_dtype("qint32"):
        high = max(-low, high)
        low = -high
    parts = [_whole(v) if r == (low, high) else _moved(v, T, *r, T, low, high) for v, r in zip(values, ranges)]
    return np.concatenate(parts, axis), *_pair(low, high)


for _name in list(globals()):
    if hasattr(globals()[_name], "no_grad"):
        globals()[_name].no_grad()


# -- public ------------------------------------------------------------------------------------------------------------
@export(v1=("nn.quantized_conv2d",))
def quantized_conv2d(input: Any, filter: Any, min_input: Any, max_input: Any, min_filter: Any, max_filter: Any, strides: Any, padding: str,  # noqa: A002
                     out_type: Any = as_dtype("qint32"), dilations: Any = (1, 1, 1, 1), name: str | None = None) -> Any:  # fmt: skip
    """(output, its smallest and its largest float): the convolution of quantized tensors."""
    return QUANTIZED_CONV_2D(input, filter, min_input, max_input, min_filter, max_filter, strides=list(strides), padding=padding, out_type=out_type,
                             dilations=list(dilations), name=name)  # fmt: skip


@export(v1=("nn.quantized_relu_x",))
def quantized_relu_x(features: Any, max_value: Any, min_features: Any, max_features: Any, out_type: Any = as_dtype("quint8"), name: str | None = None) -> Any:
    """(activations, their smallest and their largest float): quantized entries between 0 and `max_value`."""
    return _relu_x(features, max_value, min_features, max_features, out_type=out_type, name=name)


@export(v1=("nn.quantized_max_pool",))
def quantized_max_pool(input: Any, min_input: Any, max_input: Any, ksize: Any, strides: Any, padding: str, name: str | None = None) -> Any:  # noqa: A002
    """(output, its smallest and its largest float): the largest of each window."""
    return _max_pool(input, min_input, max_input, ksize=list(ksize), strides=list(strides), padding=padding, name=name)


@export(v1=("nn.quantized_avg_pool",))
def quantized_avg_pool(input: Any, min_input: Any, max_input: Any, ksize: Any, strides: Any, padding: str, name: str | None = None) -> Any:  # noqa: A002
    """(output, its smallest and its largest float): the mean of each window."""
    return _avg_pool(input, min_input, max_input, ksize=list(ksize), strides=list(strides), padding=padding, name=name)


@export("quantization.quantized_concat", v1=("quantized_concat",))
def quantized_concat(concat_dim: Any, values: Any, input_mins: Any, input_maxes: Any, name: str | None = None) -> Any:
    """(output, its smallest and its largest float): quantized tensors one after the other."""
    return QUANTIZED_CONCAT(concat_dim, values, input_mins, input_maxes, name=name)
