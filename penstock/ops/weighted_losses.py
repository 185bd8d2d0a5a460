"""`tf.losses` of 1.x: losses weighted, reduced and collected."""

import contextlib
from typing import Any

from penstock.base.export import export
from penstock.ir import door, node_count
from penstock.ir.convert import convert_to_tensor
from penstock.ir.scope import scoped
from penstock.ir.tensor import Tensor
from penstock.ops.families import later
from penstock.ops.nn import Relu
from penstock.ops.nn_losses import (
    sigmoid_cross_entropy_with_logits,
    softmax_cross_entropy_with_logits_v2,
    sparse_softmax_cross_entropy_with_logits,
)  # fmt: skip

_Cast, _Sum, _Mul, _Select, _Size, _Rank, _Range = map(
    later, ("Cast", "Sum", "Mul", "SelectV2", "Size", "Rank", "Range")
)
_Abs, _Log, _ExpandDims, _Squeeze, _DivNoNan, _SquaredDifference = map(
    later, ("Abs", "Log", "ExpandDims", "Squeeze", "DivNoNan", "SquaredDifference")
)
_OnesLike, _StopGradient, _Shape, _Reshape = later("OnesLike"), later("StopGradient"), later("Shape"), later("Reshape")
LOSSES, REGULARIZATION_LOSSES = "losses", "regularization_losses"


@export(v1=("losses.Reduction",))
class Reduction:
    """How a loss for each example becomes one number."""

    NONE = "none"
    SUM = "weighted_sum"
    SUM_OVER_BATCH_SIZE = "weighted_sum_over_batch_size"
    MEAN = "weighted_mean"
    SUM_BY_NONZERO_WEIGHTS = "weighted_sum_by_nonzero_weights"
    SUM_OVER_NONZERO_WEIGHTS = SUM_BY_NONZERO_WEIGHTS

    @classmethod
    def all(cls) -> tuple[str, ...]:
        """Every way there is."""
        return (
            cls.NONE,
            cls.SUM,
            cls.MEAN,
            cls.SUM_OVER_BATCH_SIZE,
            cls.SUM_OVER_NONZERO_WEIGHTS,
            cls.SUM_BY_NONZERO_WEIGHTS,
        )

    @classmethod
    def validate(cls, key: str) -> None:
        """ValueError where `key` is none of them."""
        if key not in cls.all():
            raise ValueError(f"Invalid Reduction Key {key}. Must be one of: {cls.all()}")


def _every(x: Any) -> Any:
    """All the axes of `x`."""
    return list(range(len(x._dims))) if x._dims is not None else _Range(0, _Rank(x), 1)


def _total(x: Any) -> Any:
    return _Sum(x, _every(x))


@export(v1=("losses.add_loss",))
def add_loss(loss: Any, loss_collection: Any = LOSSES) -> None:
    """Collect a loss, for get_total_loss."""
    here = door.current()
    if loss_collection and here.is_graph:
        here.add_to_collection(loss_collection, loss)


def _collected(key: str, scope: Any) -> list[Any]:
    here = door.current()
    return here.get_collection(key, scope) if here.is_graph else []


@export(v1=("losses.get_losses",))
def get_losses(scope: Any = None, loss_collection: Any = LOSSES) -> list[Any]:
    """The losses collected so far."""
    return _collected(loss_collection, scope)


@export(v1=("losses.get_regularization_losses",))
def get_regularization_losses(scope: Any = None) -> list[Any]:
    """The regularization losses collected so far."""
    return _collected(REGULARIZATION_LOSSES, scope)


@export(v1=("losses.get_regularization_loss",))
def get_regularization_loss(scope: Any = None, name: Any = "total_regularization_loss") -> Any:
    """The sum of the regularization losses."""
    found = get_regularization_losses(scope)
    return later("AddN")(found, name=name) if found else convert_to_tensor(0.0)


@export(v1=("losses.get_total_loss",))
def get_total_loss(add_regularization_losses: bool = True, name: Any = "total_loss", scope: Any = None) -> Any:
    """The sum of all losses collected, regularization included."""
    found = get_losses(scope=scope)
    if add_regularization_losses:
        found = found + get_regularization_losses(scope=scope)
    return later("AddN")(found, name=name)


def _fitting(weights: Any, losses: Any) -> Any:
    """Weights that broadcast against the losses; ValueError says which axis does not."""
    if weights._dims is None or losses._dims is None:
        return weights
    w, n = len(weights._dims), len(losses._dims)
    if w - n == 1 and weights._dims[-1] in (1, None):
        weights = _Squeeze(weights, squeeze_dims=[-1])
    elif n - w == 1 and w > 0:
        weights = _ExpandDims(weights, -1)
    w, dims = len(weights._dims), weights._dims
    if w == 0:
        return weights
    if w != n:
        raise ValueError(
            f"weights can not be broadcast to values. values.rank={n}. weights.rank={w}. values.shape={losses.shape}. weights.shape={weights.shape}."
        )
    for a, b in zip(dims, losses._dims):
        if a not in (1, None) and b is not None and a != b:
            raise ValueError(
                f"weights can not be broadcast to values. values.shape={losses.shape}. weights.shape={weights.shape}."
            )
    return weights


def _present(losses: Any, weights: Any) -> Any:
    """How many losses have a weight that is not zero."""
    ones = _OnesLike(weights)
    present = _Select(later("Equal")(weights, 0.0), later("ZerosLike")(weights), ones)
    return _total(present * _OnesLike(losses))


@export(v1=("losses.compute_weighted_loss",))
def compute_weighted_loss(
    losses: Any,
    weights: Any = 1.0,
    scope: Any = None,
    loss_collection: Any = LOSSES,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Any:
    """`losses` times `weights`, reduced as `reduction` says, and collected."""
    Reduction.validate(reduction)
    with scoped(scope, "weighted_loss"):
        losses = convert_to_tensor(losses)
        with _nodes(losses, weights, reduction):
            return _weigh(losses, convert_to_tensor(weights), loss_collection, reduction)


_NODES = {Reduction.NONE: 8, Reduction.SUM: 10, Reduction.MEAN: 19, Reduction.SUM_OVER_BATCH_SIZE: 15, Reduction.SUM_BY_NONZERO_WEIGHTS: 31}
"""The nodes of TensorFlow 1.x for a weight that is a number: mostly checks that it broadcasts."""


def _nodes(losses: Any, weights: Any, reduction: str) -> Any:
    is_tensor = isinstance(weights, Tensor)
    if not (weights._dims == () if is_tensor else isinstance(weights, (int, float))) or losses._dims is None:
        return contextlib.nullcontext()
    return node_count.exactly(_NODES[reduction] - 2 * is_tensor)


def _weigh(losses: Any, weights: Any, loss_collection: Any, reduction: str) -> Any:
    kept = losses.dtype.base_dtype
    if kept.name != "float32":
        losses = _Cast(losses, DstT="float32")
    if weights.dtype.base_dtype.name != "float32":
        weights = _Cast(weights, DstT="float32")
    weights = _fitting(weights, losses)
    loss = _Mul(losses, weights)
    if reduction != Reduction.NONE:
        loss = _total(loss)
        if reduction == Reduction.MEAN:
            loss = _DivNoNan(loss, _total(_OnesLike(losses) * weights), name="value")
        elif reduction == Reduction.SUM_BY_NONZERO_WEIGHTS:
            loss = _DivNoNan(loss, _present(losses, weights), name="value")
        elif reduction == Reduction.SUM_OVER_BATCH_SIZE:
            loss = _DivNoNan(loss, _Cast(_Size(losses), DstT="float32"), name="value")
    if kept.name != "float32":
        loss = _Cast(loss, DstT=kept)
    add_loss(loss, loss_collection)
    return loss


def _pair(labels: Any, predictions: Any, second: str = "predictions", dtype: Any = "float32") -> tuple[Any, Any]:
    """Both as float32 of one shape."""
    for what, value in (("labels", labels), (second, predictions)):
        if value is None:
            raise ValueError(f"Argument `{what}` must not be None.")
    predictions, labels = convert_to_tensor(predictions), convert_to_tensor(labels)
    predictions, labels = (
        t if t.dtype.base_dtype.name == dtype else _Cast(t, DstT=dtype) for t in (predictions, labels)
    )
    _same(predictions, labels)
    return labels, predictions


def _same(a: Any, b: Any) -> None:
    if not a.shape.is_compatible_with(b.shape):
        raise ValueError(f"Shapes {a.shape} and {b.shape} are incompatible")


def _weighted(compute: Any, weights: Any, scope: Any, default: str, collection: Any, reduction: str) -> Any:
    if weights is None:
        raise ValueError("Argument `weights` must not be None.")
    with scoped(scope, default) as name:
        losses = compute()
        return compute_weighted_loss(losses, weights, name or None, collection, reduction)


@export(v1=("losses.absolute_difference",))
def absolute_difference(
    labels: Any, predictions: Any, weights: Any = 1.0, scope: Any = None, loss_collection: Any = LOSSES,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Any:  # fmt: skip
    """|predictions - labels|, weighted and reduced."""

    def losses() -> Any:
        y, p = _pair(labels, predictions)
        return _Abs(p - y)

    return _weighted(losses, weights, scope, "absolute_difference", loss_collection, reduction)


@export(v1=("losses.cosine_distance",))
def cosine_distance(
    labels: Any, predictions: Any, axis: Any = None, weights: Any = 1.0, scope: Any = None, loss_collection: Any = LOSSES,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS, dim: Any = None,
) -> Any:  # fmt: skip
    """1 - the product of labels and predictions (of length 1 both) summed along `axis`, weighted and reduced."""
    if axis is not None and dim is not None:
        raise ValueError("Cannot specify both 'axis' and 'dim'.")
    axis = dim if axis is None else axis
    if axis is None:
        raise ValueError("You must specify argument `axis`.")

    def losses() -> Any:
        y, p = _pair(labels, predictions)
        return 1 - _Sum(p * y, [axis], keep_dims=True)

    return _weighted(losses, weights, scope, "cosine_distance_loss", loss_collection, reduction)


@export(v1=("losses.hinge_loss",))
def hinge_loss(
    labels: Any, logits: Any, weights: Any = 1.0, scope: Any = None, loss_collection: Any = LOSSES,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Any:  # fmt: skip
    """relu(1 - (2 labels - 1) logits) for labels of 0 and 1, weighted and reduced."""

    def losses() -> Any:
        y, p = _pair(labels, logits, "logits")
        node_count.more(1)
        return Relu(_OnesLike(y) - (2 * y - _OnesLike(y)) * p)

    return _weighted(losses, weights, scope, "hinge_loss", loss_collection, reduction)


@export(v1=("losses.huber_loss",))
def huber_loss(
    labels: Any, predictions: Any, weights: Any = 1.0, delta: float = 1.0, scope: Any = None, loss_collection: Any = LOSSES,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Any:  # fmt: skip
    """Half the squared error up to `delta`, linear beyond it, weighted and reduced."""

    def losses() -> Any:
        y, p = _pair(labels, predictions)
        distance = _Abs(p - y)
        quadratic = later("Minimum")(distance, convert_to_tensor(delta, dtype=distance.dtype))
        return 0.5 * quadratic * quadratic + delta * (distance - quadratic)

    return _weighted(losses, weights, scope, "huber_loss", loss_collection, reduction)


@export(v1=("losses.log_loss",))
def log_loss(
    labels: Any, predictions: Any, weights: Any = 1.0, epsilon: float = 1e-7, scope: Any = None, loss_collection: Any = LOSSES,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Any:  # fmt: skip
    """The cross entropy of probabilities `predictions`, weighted and reduced."""

    def losses() -> Any:
        y, p = _pair(labels, predictions)
        return -(y * _Log(p + epsilon)) - (1 - y) * _Log(1 - p + epsilon)

    return _weighted(losses, weights, scope, "log_loss", loss_collection, reduction)


@export(v1=("losses.mean_squared_error",))
def mean_squared_error(
    labels: Any, predictions: Any, weights: Any = 1.0, scope: Any = None, loss_collection: Any = LOSSES,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Any:  # fmt: skip
    """(predictions - labels) ** 2, weighted and reduced."""

    def losses() -> Any:
        y, p = _pair(labels, predictions)
        return _SquaredDifference(p, y)

    return _weighted(losses, weights, scope, "mean_squared_error", loss_collection, reduction)


@export(v1=("losses.mean_pairwise_squared_error",))
def mean_pairwise_squared_error(
    labels: Any, predictions: Any, weights: Any = 1.0, scope: Any = None, loss_collection: Any = LOSSES
) -> Any:
    """The squared differences between the pairs of errors of each example, averaged."""
    if weights is None:
        raise ValueError("Argument `weights` must not be None.")
    with scoped(scope, "mean_pairwise_squared_error"):
        labels, predictions = _pair(labels, predictions)
        weights = convert_to_tensor(weights)
        weights = weights if weights.dtype.base_dtype.name == "float32" else _Cast(weights, DstT="float32")
        weights = _fitting(weights, predictions)
        delta = predictions - labels
        rank = len(delta._dims) if delta._dims is not None else None
        axes = list(range(1, rank)) if rank is not None else _Range(1, _Rank(delta), 1)
        squares = _Sum(delta * delta, axes, keep_dims=True)
        present = _OnesLike(delta) * _Select(
            later("Equal")(weights, 0.0), later("ZerosLike")(weights), _OnesLike(weights)
        )
        if weights._dims == () and not door.current().is_graph and bool(weights):
            count = _Cast(
                _Size(delta), DstT="float32"
            )  # as TensorFlow has it eagerly: all entries, not those of one example
        else:
            count = _Sum(present, axes, keep_dims=True)
        term1 = 2.0 * _DivNoNan(squares, later("Maximum")(count - 1, 0.0), name="value")
        total = _Sum(delta, axes, keep_dims=True)
        term2 = 2.0 * _DivNoNan(total * total, later("Maximum")(count * (count - 1), 0.0), name="value")
        loss = _total((term1 - term2) * weights)
        some = later("Greater")(_total(present), 0.0)
        mean = _Select(some, loss, later("ZerosLike")(loss), name="value")
        add_loss(mean, loss_collection)
        return mean


@export(v1=("losses.sigmoid_cross_entropy",))
def sigmoid_cross_entropy(
    multi_class_labels: Any, logits: Any, weights: Any = 1.0, label_smoothing: float = 0, scope: Any = None,
    loss_collection: Any = LOSSES, reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Any:  # fmt: skip
    """sigmoid_cross_entropy_with_logits, weighted and reduced; `label_smoothing` moves labels towards 1/2."""
    if multi_class_labels is None or logits is None:
        raise ValueError("`multi_class_labels` and `logits` must not be None.")

    def losses() -> Any:
        x, y = convert_to_tensor(logits), convert_to_tensor(multi_class_labels)
        y = y if y.dtype.base_dtype is x.dtype.base_dtype else _Cast(y, DstT=x.dtype.base_dtype)
        _same(x, y)
        if label_smoothing > 0:
            y = y * (1 - label_smoothing) + 0.5 * label_smoothing
        return sigmoid_cross_entropy_with_logits(labels=y, logits=x, name="xentropy")

    return _weighted(losses, weights, scope, "sigmoid_cross_entropy_loss", loss_collection, reduction)


@export(v1=("losses.softmax_cross_entropy",))
def softmax_cross_entropy(
    onehot_labels: Any, logits: Any, weights: Any = 1.0, label_smoothing: float = 0, scope: Any = None,
    loss_collection: Any = LOSSES, reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Any:  # fmt: skip
    """softmax_cross_entropy_with_logits, weighted and reduced; `label_smoothing` moves labels towards evenness."""
    if onehot_labels is None or logits is None:
        raise ValueError("`onehot_labels` and `logits` must not be None.")

    def losses() -> Any:
        x, y = convert_to_tensor(logits), convert_to_tensor(onehot_labels)
        y = y if y.dtype.base_dtype is x.dtype.base_dtype else _Cast(y, DstT=x.dtype.base_dtype)
        _same(x, y)
        if label_smoothing > 0:
            classes = _Cast(_Shape(y)[1], DstT=x.dtype.base_dtype)
            y = y * (1.0 - label_smoothing) + label_smoothing / classes
        y = _StopGradient(y, name="labels_stop_gradient")
        return softmax_cross_entropy_with_logits_v2(labels=y, logits=x, name="xentropy")

    return _weighted(losses, weights, scope, "softmax_cross_entropy_loss", loss_collection, reduction)


@export(v1=("losses.sparse_softmax_cross_entropy",))
def sparse_softmax_cross_entropy(
    labels: Any, logits: Any, weights: Any = 1.0, scope: Any = None, loss_collection: Any = LOSSES,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Any:  # fmt: skip
    """sparse_softmax_cross_entropy_with_logits, weighted and reduced."""
    if labels is None or logits is None:
        raise ValueError("`labels` and `logits` must not be None.")

    def losses() -> Any:
        x, y = convert_to_tensor(logits), convert_to_tensor(labels)
        if x._dims is not None and y._dims is not None and len(y._dims) == len(x._dims) and y._dims[-1] in (1, None):
            y = _Squeeze(y, squeeze_dims=[-1])
        node_count.more(-1 if isinstance(weights, (int, float)) else 0)  # the weight is a tensor before it is checked
        return sparse_softmax_cross_entropy_with_logits(labels=y, logits=x, name="xentropy")

    return _weighted(losses, weights, scope, "sparse_softmax_cross_entropy_loss", loss_collection, reduction)
