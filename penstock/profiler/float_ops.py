"""How many floating point operations a node of a graph takes, counted as TensorFlow counts them."""

import math
from collections.abc import Callable
from typing import Any


def _dims(tensor: Any) -> tuple[int, ...]:
    dims = tensor._dims
    if dims is None or any(d is None for d in dims):
        raise ValueError(f"Shape {tensor.shape} is not fully defined")
    return dims


def _size(tensor: Any) -> int:
    return math.prod(_dims(tensor))


def _each(count: int) -> Callable[[Any], int]:
    """So many for each element of the output."""
    return lambda node: count * _size(node.outputs[0])


def _reduction(reduce: int = 1, finalize: int = 0) -> Callable[[Any], int]:
    """`reduce` for each element that goes in after the first of its group, `finalize` for each that comes out."""
    return lambda node: _size(node.inputs[0]) * reduce + _size(node.outputs[0]) * (finalize - reduce)


def _mat_mul(node: Any) -> int:
    dims = _dims(node.inputs[0])
    return 2 * _size(node.outputs[0]) * (dims[0] if node.get_attr("transpose_a") else dims[1])


def _batch_mat_mul(node: Any) -> int:
    dims = _dims(node.inputs[0])
    return 2 * _size(node.outputs[0]) * (dims[-2] if node.get_attr("adj_x") else dims[-1])


def _convolution(node: Any) -> int:
    *window, depth, _ = _dims(node.inputs[1])
    return 2 * _size(node.outputs[0]) * math.prod(window) * depth


def _depthwise(node: Any) -> int:
    height, width, *_ = _dims(node.inputs[1])
    return 2 * _size(node.outputs[0]) * height * width


def _steps(node: Any) -> int:
    strides = node.get_attr("strides")
    return math.prod(strides)


def _to_image(node: Any) -> float:
    height, width, _, depth = _dims(node.inputs[1])
    return 2 * _size(node.outputs[0]) * height * width * depth / _steps(node)


def _to_filter(node: Any) -> float:
    height, width, _, depth = _dims(node.outputs[0])
    return 2 * _size(node.inputs[0]) * height * width * depth / _steps(node)


def _window(node: Any) -> int:
    return math.prod(node.get_attr("ksize"))


_RULES: dict[str, Callable[[Any], float]] = {
    **dict.fromkeys(("Add", "AddV2", "Sub", "Mul", "RealDiv", "Maximum", "Minimum", "Pow", "Greater", "GreaterEqual", "Less", "LessEqual", "Equal",
                     "NotEqual", "Neg", "Reciprocal", "Square", "Log", "BiasAdd", "AssignAdd", "AssignSub"), _each(1)),
    **dict.fromkeys(("Rsqrt", "SquaredDifference"), _each(2)),
    "RsqrtGrad": _each(4),
    "Softmax": _each(5),
    **dict.fromkeys(("Sum", "ArgMax", "ArgMin", "BiasAddGrad"), _reduction()),
    "Mean": _reduction(1, 1),
    "L2Loss": _reduction(3, 2),
    "AddN": lambda node: _size(node.outputs[0]) * (len(node.inputs) - 1),
    "MatMul": _mat_mul,
    **dict.fromkeys(("BatchMatMul", "BatchMatMulV2", "BatchMatMulV3"), _batch_mat_mul),
    "Conv2D": _convolution,
    "Conv3D": _convolution,
    "DepthwiseConv2dNative": _depthwise,
    "Dilation2D": _depthwise,
    "Conv2DBackpropInput": _to_image,
    "Conv2DBackpropFilter": _to_filter,
    "MaxPool": lambda node: _size(node.outputs[0]) * _window(node),
    "AvgPool": lambda node: _size(node.outputs[0]) * _window(node),
    "MaxPoolGrad": lambda node: _size(node.inputs[1]) * (_window(node) + 1),
    "AvgPoolGrad": lambda node: 2 * _size(node.inputs[1]) * _window(node),
}  # fmt: skip


def float_ops(node: Any) -> int | None:
    """The operations of one node; None where its op is not counted or a shape is not known."""
    rule = _RULES.get(node.type)
    if rule is None:
        return None
    try:
        return int(rule(node))
    except ValueError:
        return None
