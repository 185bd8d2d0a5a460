"""Cross entropies and their kin."""

import math
from typing import Any

import numpy as np

from penstock.base.errors import ShapeError
from penstock.base.export import Old, export
from penstock.base.shape import broadcast, same
from penstock.ir import door, node_count
from penstock.ir.convert import convert_to_tensor
from penstock.ir.op import op
from penstock.ir.scope import scoped
from penstock.ops.families import later, of_elements, wide
from penstock.ops.nn import LogSoftmax, Relu, Softmax

_Sum, _ExpandDims, _Reshape, _Shape, _Select, _Cast = map(
    later, ("Sum", "ExpandDims", "Reshape", "Shape", "SelectV2", "Cast")
)
_Exp, _Log, _Log1p, _Abs, _Neg, _ZerosLike, _Mul, _Sub, _AddV2, _Prod, _Concat = map(
    later, ("Exp", "Log", "Log1p", "Abs", "Neg", "ZerosLike", "Mul", "Sub", "AddV2", "Prod", "ConcatV2")
)
_GreaterEqual, _StopGradient = later("GreaterEqual"), later("StopGradient")


def _logits_and_sums(xp: Any, features: Any) -> tuple[Any, Any, Any]:
    """Shifted logits, their exponentials and the row sums of those."""
    x = wide(xp, features)
    x = x - x.max(axis=-1, keepdims=True, initial=-np.inf)
    e = xp.exp(x)
    return x, e, e.sum(axis=-1, keepdims=True)


@op("SoftmaxCrossEntropyWithLogits(features: T, labels: T, *, T: real_float) -> (loss: T, backprop: T)")
def SoftmaxCrossEntropyWithLogits(xp, features, labels):
    """-sum(labels * log_softmax(features)) for each row of [batch, classes], and its gradient by the features."""
    x, e, total = _logits_and_sums(xp, features)
    labels = wide(xp, labels)
    return xp.sum(labels * (xp.log(total) - x), axis=-1), e / total - labels


@SoftmaxCrossEntropyWithLogits.shape
def _(features: Any, labels: Any) -> Any:
    dims = broadcast(features.shape, labels.shape)
    if dims is None:
        return (None,), (None, None)
    if len(dims) != 2:
        raise ShapeError(f"logits must be rank 2 but is rank {len(dims)}")
    return (dims[0],), dims


@SoftmaxCrossEntropyWithLogits.grad
def _(node: Any, dloss: Any, dbackprop: Any) -> Any:
    logits = node.inputs[0]
    dx = _ExpandDims(dloss, -1) * node.outputs[1]
    if dbackprop is not None:
        y = Softmax(logits)
        dx = dx + (dbackprop - _Sum(dbackprop * y, -1, keep_dims=True)) * y
    return dx, _ExpandDims(dloss, -1) * -LogSoftmax(logits)


@op(
    "SparseSoftmaxCrossEntropyWithLogits(features: T, labels: Tlabels, *, T: real_float, Tlabels: index = int64) -> (loss: T, backprop: T)"
)
def SparseSoftmaxCrossEntropyWithLogits(xp, features, labels):
    """-log_softmax(features) at the label of each row, and its gradient by the features."""
    x, e, total = _logits_and_sums(xp, features)
    classes = features.shape[-1]
    hit = labels[:, None] == xp.arange(classes, dtype=labels.dtype)
    zero = xp.zeros((), x.dtype)
    loss = xp.log(total[:, 0]) - xp.sum(xp.where(hit, x, zero), axis=-1)
    return loss, e / total - xp.asarray(hit, x.dtype)


@SparseSoftmaxCrossEntropyWithLogits.shape
def _(features: Any, labels: Any) -> Any:
    for what, dims, rank in (("logits", features.shape, 2), ("labels", labels.shape, 1)):
        if dims is not None and len(dims) != rank:
            raise ShapeError(f"{what} must be rank {rank} but is rank {len(dims)}")
    rows, classes = features.shape or (None, None)
    n = same(rows, labels.shape[0] if labels.shape else None, "one label a row")
    return (n,), (n, classes)


@SparseSoftmaxCrossEntropyWithLogits.check
def _(xp: Any, features: Any, labels: Any) -> Any:
    if features.ndim != 2 or labels.ndim != 1 or labels.shape[0] != features.shape[0]:
        raise ShapeError(
            f"logits must be [rows, classes] and labels [rows], got {list(features.shape)} and {list(labels.shape)}"
        )
    classes = features.shape[-1]
    wrong = (labels < 0) | (labels >= classes)
    if xp is np and wrong.any():
        return True, (
            f"Received a label value of {int(labels[wrong][0])} which is outside the valid range of [0, {classes}).  Label values: "
            + " ".join(map(str, labels[:64]))
        )
    return wrong.any(), f"Received a label value which is outside the valid range of [0, {classes})."


@SparseSoftmaxCrossEntropyWithLogits.grad
def _(node: Any, dloss: Any, dbackprop: Any) -> Any:
    dx = _ExpandDims(dloss, -1) * node.outputs[1]
    if dbackprop is not None:
        y = Softmax(node.inputs[0])
        dx = dx + (dbackprop - _Sum(dbackprop * y, -1, keep_dims=True)) * y
    return dx, None


def _rows(x: Any) -> Any:
    """`x` as [rows, classes]."""
    dims = x._dims
    if dims is not None and len(dims) == 2 and not door.current().is_graph:  # in graphs TensorFlow's nodes are kept
        return x
    if dims is not None and dims and dims[-1] is not None:
        if dims[-1] or None not in dims[:-1]:
            return _Reshape(x, [-1 if dims[-1] else math.prod(dims[:-1]), dims[-1]])
    return _Reshape(x, _Concat([[-1], _Shape(x)[-1:]], 0))


def _without_last(out: Any, logits: Any, shape: Any) -> Any:
    """The row losses in the shape of the logits less their last axis."""
    dims = logits._dims
    if dims is not None and len(dims) == 2 and not door.current().is_graph:
        return out
    if dims is not None and None not in dims[:-1]:
        return _Reshape(out, list(dims[:-1]))
    if dims is not None and len(dims) == 2:
        return _Reshape(out, [-1])
    made = _Reshape(out, shape[:-1])
    if dims is not None and hasattr(made, "set_shape"):
        made.set_shape(dims[:-1])
    return made


def _narrow(dtype: Any) -> bool:
    return dtype.name in ("float16", "bfloat16")


@export(v2=("nn.softmax_cross_entropy_with_logits",))
def softmax_cross_entropy_with_logits(labels: Any, logits: Any, axis: int = -1, name: Any = None) -> Any:
    """-sum(labels * log_softmax(logits)) along `axis`: the loss of each example against a distribution of labels.

    >>> tf.nn.softmax_cross_entropy_with_logits([[0.0, 1.0]], [[0.0, 0.0]]).numpy().round(4)
    array([0.6931], dtype=float32)
    """
    return _softmax_xent(labels, logits, axis, name)


@export(v1=("nn.softmax_cross_entropy_with_logits_v2",))
def softmax_cross_entropy_with_logits_v2(
    labels: Any, logits: Any, axis: Any = None, name: Any = None, dim: Any = None
) -> Any:
    """The loss of each example against a distribution of labels, with the parameters of 1.x."""
    return _softmax_xent(labels, logits, _axis(axis, dim), name)


@export(v1=("nn.softmax_cross_entropy_with_logits",))
def softmax_cross_entropy_with_logits_v1(
    labels: Any = None, logits: Any = None, dim: Any = -1, name: Any = None, axis: Any = None
) -> Any:
    """The loss of each example against a distribution of labels that no gradient flows into."""
    for what, value in (("labels", labels), ("logits", logits)):
        if value is None:
            raise ValueError(f"Both `labels` and `logits` must be provided. Received: {what}=None")
    with scoped(name, "softmax_cross_entropy_with_logits_sg") as scope:
        labels = _StopGradient(convert_to_tensor(labels), name="labels_stop_gradient")
        return _softmax_xent(labels, logits, dim if axis is None else axis, scope or None)


def _axis(axis: Any, dim: Any) -> Any:
    if axis is not None and dim is not None:
        raise ValueError("Cannot specify both 'axis' and 'dim'.")
    return -1 if axis is None and dim is None else dim if axis is None else axis


def _softmax_xent(labels: Any, logits: Any, axis: Any, name: Any) -> Any:
    with scoped(name, "softmax_cross_entropy_with_logits") as scope:
        logits = convert_to_tensor(logits, name="logits")
        labels = _as(labels, logits.dtype)
        narrow = _narrow(logits.dtype)
        x = _Cast(logits, DstT="float32") if narrow else logits
        y = _Cast(labels, DstT="float32") if labels.dtype.base_dtype is not x.dtype.base_dtype else labels
        rank = None if x._dims is None else len(x._dims)
        if axis not in (None, -1) and (rank is None or axis != rank - 1):
            x, y = (_moved_last(t, int(axis)) for t in (x, y))
        with node_count.exactly(31):
            shape = None if x._dims is not None and (len(x._dims) == 2 or None not in x._dims[:-1]) else _Shape(x)
            loss, _ = SoftmaxCrossEntropyWithLogits(_rows(x), _rows(y), name=scope or None)
            loss = _without_last(loss, x, shape)
        return _Cast(loss, DstT=logits.dtype) if narrow else loss


def _as(value: Any, dtype: Any) -> Any:
    """`value` as a tensor of this dtype, cast when it has another."""
    value = convert_to_tensor(value, dtype_hint=dtype)
    return value if value.dtype.base_dtype is dtype.base_dtype else _Cast(value, DstT=dtype)


def _moved_last(x: Any, axis: int) -> Any:
    """`x` with `axis` moved to the end."""
    if x._dims is None:
        raise ValueError(f"axis = {axis} needs logits of known rank")
    rank = len(x._dims)
    if not -rank <= axis < rank:
        raise ShapeError(f"axis = {axis} must be in [{-rank}, {rank}) for a tensor of rank {rank}")
    axis %= rank
    return later("Transpose")(x, [a for a in range(rank) if a != axis] + [axis])


@export(v2=("nn.sparse_softmax_cross_entropy_with_logits",))
def sparse_softmax_cross_entropy_with_logits_v2(labels: Any, logits: Any, name: Any = None) -> Any:
    """The loss of each example against one true class: logits [..., classes], labels [...] of int32 or int64.

    >>> tf.nn.sparse_softmax_cross_entropy_with_logits([1], [[0.0, 0.0]]).numpy().round(4)
    array([0.6931], dtype=float32)
    """
    return sparse_softmax_cross_entropy_with_logits(labels, logits, name)


@export(v1=("nn.sparse_softmax_cross_entropy_with_logits",))
def sparse_softmax_cross_entropy_with_logits(labels: Any = None, logits: Any = None, name: Any = None) -> Any:
    """The loss of each example against one true class, with the parameters of 1.x."""
    for what, value in (("labels", labels), ("logits", logits)):
        if value is None:
            raise ValueError(f"Both `labels` and `logits` must be provided. Received: {what}=None")
    with scoped(name, "SparseSoftmaxCrossEntropyWithLogits"):
        labels, logits = convert_to_tensor(labels), convert_to_tensor(logits)
        narrow = _narrow(logits.dtype)
        x = _Cast(logits, DstT="float32") if narrow else logits
        a, b = labels._dims, x._dims
        if b is not None and not b:
            raise ValueError(f"`logits` cannot be a scalar. Received logits={logits}`")
        if a is not None and b is not None:
            if len(a) != len(b) - 1:
                raise ValueError(
                    "`labels.shape.rank` must equal `logits.shape.rank - 1`. "
                    f"Received: labels.shape={labels.shape} of rank {len(a)} and logits.shape={logits.shape} of rank {len(b)}"
                )
            if any(p is not None and q is not None and p != q for p, q in zip(a, b)):
                raise ValueError(
                    "`labels.shape` must equal `logits.shape` except for the last dimension. "
                    f"Received: labels.shape={labels.shape} and logits.shape={logits.shape}"
                )
        flat = b is not None and len(b) == 2
        label = name.rpartition("/")[2] if name and not name.endswith("/") else "SparseSoftmaxCrossEntropyWithLogits"
        with node_count.exactly(2 if flat else 34):
            if flat:
                loss, _ = SparseSoftmaxCrossEntropyWithLogits(x, labels, name=label)
            else:
                loss, _ = SparseSoftmaxCrossEntropyWithLogits(_rows(x), _Reshape(labels, [-1]), name=label)
                loss = _Reshape(loss, list(a) if a is not None and None not in a else _Shape(labels))
        return _Cast(loss, DstT=logits.dtype) if narrow else loss


def _both(labels: Any, logits: Any) -> None:
    if labels is None or logits is None:
        raise ValueError(f"Both `labels` and `logits` must be provided. Received: labels={labels} and logits={logits}")


def _of_one_shape(a: Any, b: Any, first: str, second: str) -> None:
    if a._dims is None or b._dims is None:
        return
    if len(a._dims) != len(b._dims) or any(
        p is not None and q is not None and p != q for p, q in zip(a._dims, b._dims)
    ):
        raise ValueError(f"`{first}` and `{second}` must have the same shape, received ({a.shape} vs {b.shape}).")


@export("nn.sigmoid_cross_entropy_with_logits")
@of_elements
def sigmoid_cross_entropy_with_logits(labels: Any = None, logits: Any = None, name: Any = None) -> Any:
    """-labels * log(sigmoid(logits)) - (1 - labels) * log(1 - sigmoid(logits)), entry by entry, without overflow."""
    _both(labels, logits)
    with scoped(name, "logistic_loss") as scope:
        logits = convert_to_tensor(logits, name="logits")
        labels = convert_to_tensor(labels, name="labels", dtype_hint=logits.dtype)
        _of_one_shape(logits, labels, "logits", "labels")
        zeros = _ZerosLike(logits)
        positive = _GreaterEqual(logits, zeros)
        relu_logits = _Select(positive, logits, zeros)
        neg_abs = _Select(positive, -logits, logits)
        return _AddV2(relu_logits - logits * labels, _Log1p(_Exp(neg_abs)), name=scope or None)


@export(
    "nn.weighted_cross_entropy_with_logits",
    old=Old("labels=None, logits=None, pos_weight=None, name=None, targets=None", targets="labels"),
)
def weighted_cross_entropy_with_logits(labels: Any, logits: Any, pos_weight: Any, name: Any = None) -> Any:
    """sigmoid_cross_entropy_with_logits whose positive term counts `pos_weight` times."""
    with scoped(name, "logistic_loss") as scope:
        logits = convert_to_tensor(logits, name="logits")
        labels = convert_to_tensor(labels, name="labels", dtype_hint=logits.dtype)
        _of_one_shape(logits, labels, "logits", "labels")
        weight = 1 + (pos_weight - 1) * labels
        return _AddV2((1 - labels) * logits, weight * (_Log1p(_Exp(-_Abs(logits))) + Relu(-logits)), name=scope or None)


@export("nn.log_poisson_loss")
def log_poisson_loss(targets: Any, log_input: Any, compute_full_loss: bool = False, name: Any = None) -> Any:
    """exp(log_input) - log_input * targets: the loss of a Poisson rate given by its logarithm; `compute_full_loss` adds Stirling's term."""
    with scoped(name, "log_poisson_loss"):
        log_input = convert_to_tensor(log_input, name="log_input")
        targets = convert_to_tensor(targets, name="targets", dtype_hint=log_input.dtype)
        _of_one_shape(targets, log_input, "targets", "log_input")
        result = _Exp(log_input) - log_input * targets
        if compute_full_loss:
            stirling = targets * _Log(targets) - targets + 0.5 * _Log((2 * math.pi) * targets)
            zeros, ones = _ZerosLike(targets), later("OnesLike")(targets)
            inside = later("LogicalAnd")(_GreaterEqual(targets, zeros), later("LessEqual")(targets, ones))
            result = result + _Select(inside, zeros, stirling)
        return result


@export("nn.compute_average_loss")
def compute_average_loss(per_example_loss: Any, sample_weight: Any = None, global_batch_size: Any = None) -> Any:
    """sum(per_example_loss * sample_weight) / global_batch_size (the batch itself, when it is not given)."""
    loss = convert_to_tensor(per_example_loss)
    kept = loss.dtype
    if sample_weight is not None:
        weight = _as(sample_weight, loss.dtype)
        a, b = loss._dims, weight._dims
        if a is not None and b is not None and len(b) < len(a) and len(b) > 0:
            weight = _Reshape(weight, _Concat([_Shape(weight), [1] * (len(a) - len(b))], 0))
        loss = loss * weight
    if global_batch_size is None:
        dims = loss._dims
        global_batch_size = dims[0] if dims and dims[0] is not None else _Shape(loss)[0]
    elif isinstance(global_batch_size, (float, np.floating)):
        raise TypeError(
            f"`global_batch_size` must be an int or an int Tensor. Received: global_batch_size={global_batch_size}"
        )
    if isinstance(global_batch_size, int) and global_batch_size < 0:
        raise ValueError("`global_batch_size` must be non-negative. Received: " + str(global_batch_size))
    size = convert_to_tensor(global_batch_size)
    if not size.dtype.is_integer:
        raise TypeError(f"`global_batch_size` must be an int or an int Tensor. Received a {size.dtype.name}")
    if size._dims is not None and size._dims:
        raise ValueError(f"`global_batch_size` must be a scalar. Received shape {size.shape}")
    rank = len(loss._dims) if loss._dims is not None else None
    total = _Sum(loss, list(range(rank)) if rank is not None else later("Range")(0, later("Rank")(loss), 1))
    return later("DivNoNan")(total, _Cast(size, DstT=kept))


@export("nn.scale_regularization_loss")
def scale_regularization_loss(regularization_loss: Any) -> Any:
    """The sum of the regularization losses, divided among the replicas that train together (one, unless a strategy says more)."""
    loss = convert_to_tensor(regularization_loss)
    rank = len(loss._dims) if loss._dims is not None else None
    return _Sum(loss, list(range(rank)) if rank is not None else later("Range")(0, later("Rank")(loss), 1))
