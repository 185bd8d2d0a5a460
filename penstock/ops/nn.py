"""Activations, biases and softmax, with their gradient ops."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from penstock.base.errors import InvalidArgumentError, ShapeError
from penstock.base.export import Old, export
from penstock.base.shape import as_text, axis_of, merge, same
from penstock.ir import door, node_count
from penstock.ir.convert import convert_to_tensor
from penstock.ir.op import Op, op
from penstock.ir.scope import scoped
from penstock.ops.families import dispatched, later, of_elements, same_shape, wide

_Sum, _Mul, _Select, _Exp = later("Sum"), later("Mul"), later("SelectV2"), later("Exp")
_Less, _ZerosLike, _Reshape, _Rank = later("Less"), later("ZerosLike"), later("Reshape"), later("Rank")
_Transpose, _ConcatV2, _Sigmoid, _Tanh, _Erf, _MatMul = (
    later("Transpose"), later("ConcatV2"), later("Sigmoid"), later("Tanh"), later("Erf"), later("MatMul"),
)  # fmt: skip

_SELU_SCALE = 1.0507009873554804934193349852946
_SELU_SCALE_ALPHA = 1.7580993408473768599402175208123


def backward(text: str, body: Callable[..., Any], second: Callable[..., Any] | None = None, **attrs: Any) -> Op:
    """The gradient op of an activation: (dy, x or y) -> dx; `second(ddx, dy, x, node)` gives its own two gradients."""

    def checked(xp: Any, gradients: Any, other: Any) -> Any:
        if gradients.shape != other.shape:
            raise ShapeError(f"Inputs to the gradient of an activation must have the same size and shape. Input 0: {as_text(gradients.shape)} != input 1: {as_text(other.shape)}")
        return body(xp, gradients, other)

    checked.__doc__ = "The gradient of the activation."
    made = op(text, shape=lambda gradients, other, **_: merge(gradients.shape, other.shape))(checked)
    if second is not None:
        made.grad_rule = lambda node, ddx: second(ddx, node.inputs[0], node.inputs[1], node)
    return made


def activation(text: str, body: Callable[..., Any], *names: str, grad: Callable[..., Any], doc: str) -> Op:
    """An activation op, its gradient `grad(dy, x, y)` and its public function `f(features, name=None)`."""
    body.__doc__ = doc
    made = op(text, shape=same_shape)(body)
    made.grad_rule = lambda node, dy: grad(dy, node.inputs[0], node.outputs[0])

    @of_elements
    def call(features: Any, name: Any = None) -> Any:
        return made(features, name=name)

    call.__name__ = call.__qualname__ = names[0].rpartition(".")[2]
    call.__doc__ = doc
    globals()[call.__name__] = export(*names)(call)
    return made


ReluGrad = backward(
    "ReluGrad(gradients: T, features: T, *, T: real) -> backprops: T",
    lambda xp, gradients, features: xp.where(features > 0, gradients, xp.zeros((), gradients.dtype)),
    second=lambda d, dy, x, node: (ReluGrad(d, x), None),
)
Relu = activation(
    "Relu(features: T, *, T: {float32|float64|int32|uint8|int16|int8|int64|bfloat16|uint16|float16|uint32|uint64|qint8}) -> activations: T",
    lambda xp, features: xp.maximum(features, xp.zeros((), features.dtype)), "nn.relu",
    grad=lambda dy, x, y: ReluGrad(dy, y), doc="max(features, 0).",
)  # fmt: skip

Relu6Grad = backward(
    "Relu6Grad(gradients: T, features: T, *, T: real) -> backprops: T",
    lambda xp, gradients, features: xp.where((features > 0) & (features < 6), gradients, xp.zeros((), gradients.dtype)),
    second=lambda d, dy, x, node: (Relu6Grad(d, x), None),
)
Relu6 = activation(
    "Relu6(features: T, *, T: real) -> activations: T",
    lambda xp, features: xp.minimum(xp.maximum(features, xp.zeros((), features.dtype)), xp.asarray(6, features.dtype)),
    "nn.relu6", grad=lambda dy, x, y: Relu6Grad(dy, y), doc="min(max(features, 0), 6).",
)  # fmt: skip

EluGrad = backward(
    "EluGrad(gradients: T, outputs: T, *, T: real_float) -> backprops: T",
    lambda xp, gradients, outputs: xp.where(outputs < 0, gradients * (outputs + 1), gradients),
    second=lambda d, dy, y, node: (EluGrad(d, y), _Select(_Less(y, 0), d * dy, _ZerosLike(y))),
)
Elu = activation(
    "Elu(features: T, *, T: real_float) -> activations: T",
    lambda xp, features: xp.where(features < 0, xp.expm1(xp.minimum(features, xp.zeros((), features.dtype))), features),
    "nn.elu", grad=lambda dy, x, y: EluGrad(dy, y), doc="features where positive, exp(features) - 1 elsewhere.",
)  # fmt: skip

SeluGrad = backward(
    "SeluGrad(gradients: T, outputs: T, *, T: real_float) -> backprops: T",
    lambda xp, gradients, outputs: xp.where(
        outputs < 0, gradients * (outputs + _SELU_SCALE_ALPHA), gradients * _SELU_SCALE
    ),
    second=lambda d, dy, y, node: (SeluGrad(d, y), _Select(_Less(y, 0), d * dy, _ZerosLike(y))),
)
Selu = activation(
    "Selu(features: T, *, T: real_float) -> activations: T",
    lambda xp, features: xp.where(
        features < 0, _SELU_SCALE_ALPHA * xp.expm1(xp.minimum(features, xp.zeros((), features.dtype))), _SELU_SCALE * features
    ),
    "nn.selu", grad=lambda dy, x, y: SeluGrad(dy, y),
    doc="Scaled exponential linear: keeps mean 0 and variance 1 through a deep net of LeCun-normal weights.",
)  # fmt: skip


def _softplus_second(d: Any, dy: Any, x: Any, node: Any) -> Any:
    s = _Sigmoid(x)
    return SoftplusGrad(d, x), d * dy * s * (1 - s)


SoftplusGrad = backward(
    "SoftplusGrad(gradients: T, features: T, *, T: real_float) -> backprops: T",
    lambda xp, gradients, features: gradients / (xp.exp(-features) + 1),
    second=_softplus_second,
)
Softplus = activation(
    "Softplus(features: T, *, T: real_float) -> activations: T",
    lambda xp, features: xp.logaddexp(features, xp.zeros((), features.dtype)), "nn.softplus", "math.softplus",
    grad=lambda dy, x, y: SoftplusGrad(dy, x), doc="log(1 + exp(features)), without overflow.",
)  # fmt: skip

SoftsignGrad = backward(
    "SoftsignGrad(gradients: T, features: T, *, T: real_float) -> backprops: T",
    lambda xp, gradients, features: gradients / (1 + xp.abs(features)) ** 2,
)


@SoftsignGrad.grad
def _(node: Any, d: Any) -> Any:
    dy, x = node.inputs
    scale = 1 + later("Abs")(x)
    return SoftsignGrad(d, x), d * dy * later("Sign")(x) * -2 / (scale * scale * scale)


Softsign = activation(
    "Softsign(features: T, *, T: real_float) -> activations: T",
    lambda xp, features: features / (1 + xp.abs(features)), "nn.softsign", "math.softsign",
    grad=lambda dy, x, y: SoftsignGrad(dy, x), doc="features / (1 + |features|).",
)  # fmt: skip


@op("LeakyReluGrad(gradients: T, features: T, *, T: real_float = float32, alpha: float = 0.20000000298023224) -> backprops: T",
    shape=lambda gradients, features, **_: merge(gradients.shape, features.shape))  # fmt: skip
def LeakyReluGrad(xp, gradients, features, *, alpha):
    """The gradient of LeakyRelu."""
    if gradients.shape != features.shape:
        raise ShapeError(f"Inputs to LeakyReluGrad must have the same size and shape. Input 0: {as_text(gradients.shape)} != input 1: {as_text(features.shape)}")
    return xp.where(features > 0, gradients, gradients * xp.asarray(alpha, gradients.dtype))


@LeakyReluGrad.grad
def _(node: Any, d: Any) -> Any:
    return LeakyReluGrad(d, node.inputs[1], alpha=node.attrs["alpha"]), None


@op(
    "LeakyRelu(features: T, *, T: real_float = float32, alpha: float = 0.20000000298023224) -> activations: T",
    shape=same_shape,
)
def LeakyRelu(xp, features, *, alpha):
    """features where positive, alpha * features elsewhere."""
    return xp.where(features > 0, features, features * xp.asarray(alpha, features.dtype))


@LeakyRelu.grad
def _(node: Any, dy: Any) -> Any:
    return LeakyReluGrad(dy, node.inputs[0], alpha=node.attrs["alpha"])


@export("nn.leaky_relu")
@of_elements
def leaky_relu(features: Any, alpha: Any = 0.2, name: Any = None) -> Any:
    """features where positive, alpha * features elsewhere.

    >>> tf.nn.leaky_relu([-1.0, 2.0]).numpy()
    array([-0.2,  2. ], dtype=float32)
    """
    with scoped(name, "LeakyRelu") as scope:
        features = _floating(convert_to_tensor(features, name="features"))
        if isinstance(alpha, (int, float, np.generic)) or isinstance(alpha, np.ndarray) and alpha.ndim == 0:
            return LeakyRelu(features, alpha=float(alpha), name=scope or None)
        return later("Maximum")(alpha * features, features, name=scope or None)


def _floating(x: Any) -> Any:
    return later("Cast")(x, DstT="float32") if x.dtype.is_integer else x


@export(v2=("nn.gelu",))
@of_elements
def gelu(features: Any, approximate: bool = False, name: Any = None) -> Any:
    """The Gaussian error linear unit: features * P(X <= features) for a standard normal X; `approximate` uses tanh."""
    with scoped(name, "Gelu"):
        features = convert_to_tensor(features, name="features")
        if not features.dtype.is_floating:
            raise ValueError(
                f"`features.dtype` must be a floating point tensor.Received:features.dtype={features.dtype}"
            )
        if approximate:
            cubed = features * features * features
            return 0.5 * features * (1.0 + _Tanh(0.7978845608028654 * (features + 0.044715 * cubed)))
        return 0.5 * features * (1.0 + _Erf(features * math.sqrt(0.5)))


@export("nn.silu", "nn.swish")
@of_elements
def silu(features: Any, beta: Any = 1.0) -> Any:
    """features * sigmoid(beta * features)."""
    features = convert_to_tensor(features, name="features")
    return features * _Sigmoid(features if isinstance(beta, (int, float)) and beta == 1 else beta * features)


swish = silu


@export("nn.crelu", old=Old("features, name=None, axis=-1"))
def crelu(features: Any, axis: int = -1, name: Any = None) -> Any:
    """relu(features) and relu(-features) side by side along `axis`."""
    with scoped(name, "CRelu"):
        features = convert_to_tensor(features, name="features")
        return Relu(_ConcatV2([features, -features], axis, name="concat"))


# -- bias ---------------------------------------------------------------------------------------------------------------


def _channels(data_format: str, rank: int) -> int:
    return rank - 1 if data_format == "NHWC" else 1


@op('BiasAdd(value: T, bias: T, *, T: numeric, data_format: "NHWC"|"NCHW" = "NHWC") -> output: T')
def BiasAdd(xp, value, bias, *, data_format):
    """value [..., channels] + bias [channels] (NCHW: channels stand second)."""
    return value + (bias if data_format == "NHWC" else bias.reshape(bias.shape + (1,) * (value.ndim - 2)))


@BiasAdd.shape
def _(value: Any, bias: Any, *, data_format: str) -> Any:
    if bias.shape is not None and len(bias.shape) != 1:
        raise ShapeError(f"bias must be rank 1 but is rank {len(bias.shape)}, shape {list(bias.shape)}")
    if value.shape is None:
        return None
    if len(value.shape) < 2:
        raise ShapeError(f"value must be at least rank 2 but is rank {len(value.shape)}")
    dims = list(value.shape)
    if bias.shape is not None:
        at = _channels(data_format, len(dims))
        dims[at] = same(dims[at], bias.shape[0], "bias needs one number a channel")
    return tuple(dims)


@BiasAdd.check
def _(xp: Any, value: Any, bias: Any, *, data_format: str) -> Any:
    if value.ndim < 2:
        return True, f"Input tensor must be at least 2D: [{', '.join(map(str, value.shape))}]"
    if bias.ndim != 1:
        return True, f"Biases must be 1D: [{', '.join(map(str, bias.shape))}]"
    channels = value.shape[_channels(data_format, value.ndim)]
    return channels != bias.shape[0], (
        f"Must provide as many biases as the last dimension of the input tensor: bias has {bias.shape[0]}, value has {channels} channels "
        f"({list(bias.shape)} vs. {list(value.shape)})"
    )


@BiasAdd.grad
def _(node: Any, dy: Any) -> Any:
    return dy, BiasAddGrad(dy, data_format=node.attrs["data_format"])


@op('BiasAddGrad(out_backprop: T, *, T: numeric, data_format: "NHWC"|"NCHW" = "NHWC") -> output: T')
def BiasAddGrad(xp, out_backprop, *, data_format):
    """The sum over every axis but the channels'."""
    at = _channels(data_format, out_backprop.ndim)
    return wide(xp, out_backprop).sum(axis=tuple(i for i in range(out_backprop.ndim) if i != at))


@BiasAddGrad.shape
def _(out_backprop: Any, *, data_format: str) -> Any:
    dims = out_backprop.shape
    return (None,) if dims is None else (dims[_channels(data_format, len(dims))],)


@BiasAddGrad.grad
def _(node: Any, d: Any) -> Any:
    dy = node.inputs[0]
    if node.attrs["data_format"] == "NHWC":
        return later("BroadcastTo")(d, later("Shape")(dy))
    ones = dy._dims
    column = _Reshape(d, [-1] + [1] * (len(ones) - 2)) if ones is not None else None
    if column is None:
        column = _Reshape(d, _ConcatV2([[-1], later("Fill")([_Rank(dy) - 2], 1)], 0))
    return later("BroadcastTo")(column, later("Shape")(dy))


@op("BiasAddV1(value: T, bias: T, *, T: numeric) -> output: T")
def BiasAddV1(xp, value, bias):
    """value [..., channels] + bias [channels]."""
    return value + bias


@BiasAddV1.shape
def _(value: Any, bias: Any) -> Any:
    return BiasAdd.shape_rule(value, bias, data_format="NHWC")


@BiasAddV1.grad
def _(node: Any, dy: Any) -> Any:
    return dy, BiasAddGrad(dy)


@export("nn.bias_add")
def bias_add(value: Any, bias: Any, data_format: str | None = None, name: Any = None) -> Any:
    """`value` plus one number for each of its channels.

    >>> tf.nn.bias_add([[1.0, 2.0]], [10.0, 20.0]).numpy()
    array([[11., 22.]], dtype=float32)
    """
    with scoped(name, "BiasAdd") as scope:
        if data_format is None:
            data_format = "NHWC"
        elif data_format.startswith("NC"):
            data_format = "NCHW"
        elif data_format.startswith("N") and data_format.endswith("C"):
            data_format = "NHWC"
        else:
            raise ValueError(
                f"`data_format` must be of the form `N...C` or `NC...`. Received: data_format={data_format}"
            )
        if not door.current().is_graph:
            value = convert_to_tensor(value, name="input")
            bias = convert_to_tensor(bias, dtype=value.dtype, name="bias")
        return BiasAdd(value, bias, data_format=data_format, name=scope or None)


def _affine(x: Any, weights: Any, biases: Any) -> Any:
    x = convert_to_tensor(x, name="x")
    return BiasAdd(_MatMul(x, convert_to_tensor(weights, name="weights")), convert_to_tensor(biases, name="biases"))


@export(v1=("nn.xw_plus_b",))
def xw_plus_b(x: Any, weights: Any, biases: Any, name: Any = None) -> Any:
    """matmul(x, weights) + biases."""
    with scoped(name, "xw_plus_b") as scope:
        product = _MatMul(convert_to_tensor(x, name="x"), convert_to_tensor(weights, name="weights"))
        return BiasAdd(product, convert_to_tensor(biases, name="biases"), name=scope or None)


@export(v1=("nn.relu_layer",))
def relu_layer(x: Any, weights: Any, biases: Any, name: Any = None) -> Any:
    """relu(matmul(x, weights) + biases)."""
    with scoped(name, "relu_layer") as scope:
        return Relu(_affine(x, weights, biases), name=scope or None)


# -- softmax ------------------------------------------------------------------------------------------------------------


def _shifted(xp: Any, logits: Any) -> Any:
    """logits less their row maximum, in the precision to sum in."""
    x = wide(xp, logits)
    return x - x.max(axis=-1, keepdims=True, initial=-np.inf)


def _at_least_a_vector(logits: Any) -> Any:
    if logits.shape is not None and not logits.shape:
        raise ShapeError("logits must be at least rank 1 but is rank 0")
    return logits.shape


@op("Softmax(logits: T, *, T: real_float) -> softmax: T", shape=_at_least_a_vector)
def Softmax(xp, logits):
    """exp(logits) / sum(exp(logits)) along the last axis."""
    _at_least_a_vector(logits)
    e = xp.exp(_shifted(xp, logits))
    return e / e.sum(axis=-1, keepdims=True)


@Softmax.grad
def _(node: Any, dy: Any) -> Any:
    y = node.outputs[0]
    return (dy - _Sum(dy * y, -1, keep_dims=True)) * y


@op("LogSoftmax(logits: T, *, T: real_float) -> logsoftmax: T", shape=_at_least_a_vector)
def LogSoftmax(xp, logits):
    """logits - log(sum(exp(logits))) along the last axis."""
    _at_least_a_vector(logits)
    x = _shifted(xp, logits)
    return x - xp.log(xp.exp(x).sum(axis=-1, keepdims=True))


@LogSoftmax.grad
def _(node: Any, dy: Any) -> Any:
    return dy - _Sum(dy, -1, keep_dims=True) * _Exp(node.outputs[0])


def last_axis_op(compute: Callable[..., Any], inputs: list[Any], axis: int | None, name: Any = None) -> Any:
    """`compute(inputs)`, an op of the last axis, along another one: that axis is swapped to the end and back."""
    dims = inputs[0]._dims
    rank = None if dims is None else len(dims)
    axis = -1 if axis is None else int(axis)
    if axis == -1 or rank is not None and axis == rank - 1:
        return compute(*inputs, name)
    if len(inputs) > 1 or not node_count.active():
        return _swapped_op(compute, inputs, rank, axis, name)
    with node_count.exactly(31):
        return _swapped_op(compute, inputs, rank, axis, name)


def _swapped_op(compute: Callable[..., Any], inputs: list[Any], rank: int | None, axis: int, name: Any) -> Any:
    if rank is None:
        if axis < 0:
            raise ValueError(f"axis = {axis} needs tensors of known rank")
        n = _Rank(inputs[0])
        order = _swapped(n, axis)
    else:
        axis = axis_of(axis, rank)
        order = list(range(rank))
        order[axis], order[-1] = order[-1], order[axis]
    return _Transpose(
        compute(*[_Transpose(x, order, name="transpose") for x in inputs], None), order, name=name or "transpose"
    )


def _swapped(rank: Any, axis: int) -> Any:
    span = later("Range")
    last = rank - 1
    return _ConcatV2([span(0, axis, 1), _Reshape(last, [1]), span(axis + 1, last, 1), [axis]], 0)


def _softmax_like(compute: Any, logits: Any, axis: Any, name: Any) -> Any:
    logits = convert_to_tensor(logits)
    dims = logits._dims
    if dims is not None and axis not in (None, -1) and not -len(dims) <= int(axis) < len(dims):
        raise InvalidArgumentError(
            None, None, f"{compute.__name__}: axis = {int(axis)} must be in [{-len(dims)}, {len(dims)}) for a tensor of rank {len(dims)}",
        )  # fmt: skip
    return last_axis_op(lambda x, n: compute(x, name=n), [logits], axis, name)


@export("nn.softmax", "math.softmax", old=Old("logits, axis=None, name=None, dim=None", dim="axis"))
@dispatched
def softmax(logits: Any, axis: Any = None, name: Any = None) -> Any:
    """exp(logits) / sum(exp(logits)) along `axis` (the last one).

    >>> tf.nn.softmax([0.0, 0.0]).numpy()
    array([0.5, 0.5], dtype=float32)
    """
    return _softmax_like(Softmax, logits, axis, name)


@export("nn.log_softmax", "math.log_softmax", old=Old("logits, axis=None, name=None, dim=None", dim="axis"))
def log_softmax(logits: Any, axis: Any = None, name: Any = None) -> Any:
    """logits - log(sum(exp(logits))) along `axis` (the last one)."""
    return _softmax_like(LogSoftmax, logits, axis, name)


@op("L2Loss(t: T, *, T: real_float) -> output: T", shape=lambda t: ())
def L2Loss(xp, t):
    """Half the sum of the squares."""
    t = wide(xp, t)
    return xp.sum(t * t) / 2


@L2Loss.grad
def _(node: Any, dy: Any) -> Any:
    return node.inputs[0] * dy


@export("nn.l2_loss")
def l2_loss(t: Any, name: Any = None) -> Any:
    """Half the sum of the squares of `t`."""
    return L2Loss(t, name=name)
