"""`tf.metrics` of 1.x: a metric is a pair of tensors, its value so far and an op that takes in one more batch."""

from collections.abc import Callable
from typing import Any

from penstock.base import dtypes
from penstock.base.dtypes import as_dtype
from penstock.base.export import export
from penstock.fronts.control import cond
from penstock.ir import door
from penstock.ir.op import find
from penstock.ops import arithmetic, compare
from penstock.state.collections import GraphKeys, add_to_collections
from penstock.state.scopes import variable_scope
from penstock.state.variable import VariableAggregation, VariableSynchronization, VariableV1

FLOAT = as_dtype("float32")


def metric_variable(shape: Any, dtype: Any, validate_shape: bool = True, name: str | None = None) -> Any:
    """A local variable of zeros that a metric counts in."""
    from penstock.ops.constants import zeros

    return VariableV1(lambda: zeros(shape, dtype), trainable=False, collections=[GraphKeys.LOCAL_VARIABLES, GraphKeys.METRIC_VARIABLES],
                      validate_shape=validate_shape, synchronization=VariableSynchronization.ON_READ, aggregation=VariableAggregation.SUM, name=name)  # fmt: skip


def graphs_only(name: str) -> None:
    """RuntimeError in eager code, where metrics are objects."""
    if not door.current().is_graph:
        raise RuntimeError(f"tf.metrics.{name} is not supported when eager execution is enabled.")


def to(value: Any, dtype: Any) -> Any:
    """`value` as a tensor of `dtype`."""
    tensor = door.convert(value)
    return tensor if tensor.dtype.base_dtype is dtype else find("Cast")(tensor, DstT=dtype)


def total(value: Any) -> Any:
    """The sum of all entries."""
    from penstock.ops.reduce import reduce_sum

    return reduce_sum(value)


def squeezed(predictions: Any, labels: Any = None, weights: Any = None) -> tuple[Any, Any, Any]:
    """The three with an extra last axis of one taken away where the others do not have it."""
    predictions = door.convert(predictions)
    squeeze = lambda t: find("Squeeze")(t, squeeze_dims=[-1])
    if labels is not None:
        labels = door.convert(labels)
        a, b = predictions.shape.rank, labels.shape.rank
        if a is not None and b is not None:
            if a == b + 1 and predictions.shape.as_list()[-1] in (1, None):
                predictions = squeeze(predictions)
            elif b == a + 1 and labels.shape.as_list()[-1] in (1, None):
                labels = squeeze(labels)
        if not predictions.shape.is_compatible_with(labels.shape):
            raise ValueError(f"Shapes {predictions.shape} and {labels.shape} are incompatible")
    if weights is None:
        return predictions, labels, None
    weights = door.convert(weights)
    a, b = predictions.shape.rank, weights.shape.rank
    if b == 0:
        return predictions, labels, weights
    if a is None or b is None:
        return predictions, labels, _adjusted(weights, predictions)
    if b == a + 1:
        weights = squeeze(weights)
    elif a == b + 1:
        weights = find("ExpandDims")(weights, -1)
    return predictions, labels, weights


def _adjusted(weights: Any, predictions: Any) -> Any:
    """Weights of a rank that only the run knows: a last axis of one goes or comes where that makes the ranks equal."""
    rank = find("Rank")(weights)
    more = rank - find("Rank")(predictions)
    keep = lambda: find("Identity")(weights)
    dims = weights.shape.as_list() if weights.shape.rank is not None else [None]
    squeeze = (lambda: find("Squeeze")(weights, squeeze_dims=[-1])) if dims[-1] in (1, None) else keep
    expand = lambda: cond(find("Equal")(more, -1), lambda: find("ExpandDims")(weights, -1), keep)
    return cond(find("Equal")(rank, 0), keep, lambda: cond(find("Equal")(more, 1), squeeze, expand))


def spread(weights: Any, values: Any) -> Any:
    """Weights in the shape of `values`; ValueError where they do not fit."""
    weights = to(weights, values.dtype.base_dtype)
    a, b = weights.shape.rank, values.shape.rank
    if a not in (0, None) and b is not None:
        if a != b:
            raise ValueError(
                f"weights can not be broadcast to values. values.rank={b}. weights.rank={a}. values.shape={values.shape}. weights.shape={weights.shape}."
            )
        for w, v in zip(weights.shape.as_list(), values.shape.as_list()):
            if w not in (1, None) and v is not None and w != v:
                raise ValueError(
                    f"weights can not be broadcast to values. Mismatch at a dim. values.shape={values.shape}. weights.shape={weights.shape}."
                )
    return weights * find("OnesLike")(values)


def publish(value: Any, update: Any, metrics_collections: Any, updates_collections: Any) -> tuple[Any, Any]:
    """The pair, added to the collections that the caller named."""
    if metrics_collections:
        add_to_collections(metrics_collections, value)
    if updates_collections:
        add_to_collections(updates_collections, update)
    return value, update


def ratio(above: Any, below: Any, name: str) -> Any:
    """above / below, 0 where there is nothing below."""
    return arithmetic.div_no_nan(door.convert(above), find("Maximum")(door.convert(below), 0.0), name=name)


def _signature(text: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Publish a metric under `metrics.<name>`."""
    return export(v1=(f"metrics.{text}",))


@_signature("mean")
def mean(
    values: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> tuple[Any, Any]:
    """The weighted mean of all values so far."""
    graphs_only("mean")
    with variable_scope(name, "mean", (values, weights)):
        values = to(values, FLOAT)
        sums, count = metric_variable([], FLOAT, name="total"), metric_variable([], FLOAT, name="count")
        if weights is None:
            number = to(find("Size")(values), FLOAT)
        else:
            values, _, weights = squeezed(values, None, weights)
            weights = spread(weights, values)
            values, number = values * weights, total(weights)
        more = sums.assign_add(total(values))
        with door.current().control_dependencies([values]):
            counted = count.assign_add(number)
        return publish(
            ratio(sums, count, "value"), ratio(more, counted, "update_op"), metrics_collections, updates_collections
        )


@_signature("mean_tensor")
def mean_tensor(
    values: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> tuple[Any, Any]:
    """The weighted mean of each entry over all batches so far."""
    graphs_only("mean_tensor")
    with variable_scope(name, "mean", (values, weights)):
        values = to(values, FLOAT)
        sums, count = (
            metric_variable(values.shape, FLOAT, name="total_tensor"),
            metric_variable(values.shape, FLOAT, name="count_tensor"),
        )
        number = find("OnesLike")(values)
        if weights is not None:
            values, _, weights = squeezed(values, None, weights)
            weights = spread(weights, values)
            values, number = values * weights, number * weights
        more = sums.assign_add(values)
        with door.current().control_dependencies([values]):
            counted = count.assign_add(number)
        return publish(
            ratio(sums, count, "value"), ratio(more, counted, "update_op"), metrics_collections, updates_collections
        )


@_signature("accuracy")
def accuracy(labels: Any, predictions: Any, weights: Any = None, metrics_collections: Any = None, updates_collections: Any = None,
             name: str | None = None) -> tuple[Any, Any]:  # fmt: skip
    """How often predictions equal labels."""
    graphs_only("accuracy")
    predictions, labels, weights = squeezed(predictions, labels, weights)
    if labels.dtype != predictions.dtype:
        predictions = to(predictions, labels.dtype.base_dtype)
    return mean(
        to(find("Equal")(predictions, labels), FLOAT),
        weights,
        metrics_collections,
        updates_collections,
        name or "accuracy",
    )


def _mean_of(name: str, doc: str, compute: Callable[..., Any], parameters: str) -> Any:
    """A metric that is the mean of something computed from predictions and labels."""
    import inspect

    signature = inspect.signature(
        eval(
            f"lambda {parameters}, weights=None, metrics_collections=None, updates_collections=None, name=None: None",
            {},
        )
    )  # noqa: S307

    def metric(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        given = dict(bound.arguments)
        graphs_only(name)
        return compute(**given)

    metric.__name__ = metric.__qualname__ = name
    metric.__signature__ = signature  # type: ignore[attr-defined]
    metric.__doc__ = doc
    return _signature(name)(metric)


def _absolute(
    labels: Any, predictions: Any, weights: Any, metrics_collections: Any, updates_collections: Any, name: Any
) -> Any:
    predictions, labels, weights = squeezed(to(predictions, FLOAT), to(labels, FLOAT), weights)
    return mean(
        find("Abs")(predictions - labels),
        weights,
        metrics_collections,
        updates_collections,
        name or "mean_absolute_error",
    )


def _squared(
    labels: Any, predictions: Any, weights: Any, metrics_collections: Any, updates_collections: Any, name: Any
) -> Any:
    predictions, labels, weights = squeezed(to(predictions, FLOAT), to(labels, FLOAT), weights)
    return mean(
        find("SquaredDifference")(labels, predictions),
        weights,
        metrics_collections,
        updates_collections,
        name or "mean_squared_error",
    )


def _root(
    labels: Any, predictions: Any, weights: Any, metrics_collections: Any, updates_collections: Any, name: Any
) -> Any:
    value, update = _squared(labels, predictions, weights, None, None, name or "root_mean_squared_error")
    return publish(find("Sqrt")(value), find("Sqrt")(update), metrics_collections, updates_collections)


def _relative(
    labels: Any,
    predictions: Any,
    normalizer: Any,
    weights: Any,
    metrics_collections: Any,
    updates_collections: Any,
    name: Any,
) -> Any:
    predictions, labels, weights = squeezed(to(predictions, FLOAT), to(labels, FLOAT), weights)
    predictions, normalizer, _ = squeezed(predictions, to(normalizer, FLOAT))
    error = find("Abs")(labels - predictions)
    relative = find("SelectV2")(find("Equal")(normalizer, 0.0), find("ZerosLike")(labels), error / normalizer)
    return mean(relative, weights, metrics_collections, updates_collections, name or "mean_relative_error")


def _cosine(
    labels: Any, predictions: Any, dim: int, weights: Any, metrics_collections: Any, updates_collections: Any, name: Any
) -> Any:
    from penstock.ops.reduce import reduce_sum

    predictions, labels, weights = squeezed(to(predictions, FLOAT), to(labels, FLOAT), weights)
    likeness = reduce_sum(predictions * labels, [dim], keepdims=True)
    value, update = mean(likeness, weights, None, None, name or "mean_cosine_distance")
    return publish(find("Sub")(1.0, value), find("Sub")(1.0, update), metrics_collections, updates_collections)


def _below(
    values: Any, threshold: Any, weights: Any, metrics_collections: Any, updates_collections: Any, name: Any
) -> Any:
    return mean(
        to(compare.less(door.convert(values), threshold), FLOAT),
        weights,
        metrics_collections,
        updates_collections,
        name or "percentage_below_threshold",
    )


mean_absolute_error = _mean_of(
    "mean_absolute_error", "The mean of |labels - predictions|.", _absolute, "labels, predictions"
)
mean_squared_error = _mean_of(
    "mean_squared_error", "The mean of (labels - predictions)**2.", _squared, "labels, predictions"
)
root_mean_squared_error = _mean_of(
    "root_mean_squared_error", "The root of the mean of (labels - predictions)**2.", _root, "labels, predictions"
)
mean_relative_error = _mean_of(
    "mean_relative_error",
    "The mean of |labels - predictions| / normalizer.",
    _relative,
    "labels, predictions, normalizer",
)
mean_cosine_distance = _mean_of(
    "mean_cosine_distance", "1 minus the mean of the dot products along `dim`.", _cosine, "labels, predictions, dim"
)
percentage_below = _mean_of("percentage_below", "How often values are below a threshold.", _below, "values, threshold")


# -- counts ----------------------------------------------------------------------------------------------------------
def count_condition(hits: Any, weights: Any = None) -> tuple[Any, Any]:
    """The weighted number of true entries so far, and the op that adds more."""
    counter = metric_variable([], FLOAT, name="count")
    hits = to(hits, FLOAT)
    if weights is not None:
        hits, _, weights = squeezed(hits, None, weights)
        hits = hits * to(weights, FLOAT)
    value = find("Identity")(door.convert(counter))
    return value, counter.assign_add(total(hits))


_BOTH = {
    "true_positives": (True, True),
    "false_positives": (False, True),
    "true_negatives": (False, False),
    "false_negatives": (True, False),
}
BOOL = dtypes.bool


def confusion(
    kind: str,
    labels: Any,
    predictions: Any,
    weights: Any,
    name: str | None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
) -> tuple[Any, Any]:
    """One of the four counts of a confusion matrix."""
    with variable_scope(name, kind, (predictions, labels, weights)):
        predictions, labels, weights = squeezed(to(predictions, BOOL), to(labels, BOOL), weights)
        is_label, is_predicted = _BOTH[kind]
        a = labels if is_label else find("LogicalNot")(labels)
        b = predictions if is_predicted else find("LogicalNot")(predictions)
        value, update = count_condition(find("LogicalAnd")(a, b), weights)
        return publish(value, update, metrics_collections, updates_collections)


def _count(kind: str, doc: str) -> Any:
    def metric(labels: Any, predictions: Any, weights: Any = None, metrics_collections: Any = None, updates_collections: Any = None,
               name: str | None = None) -> tuple[Any, Any]:  # fmt: skip
        graphs_only(kind)
        return confusion(kind, labels, predictions, weights, name, metrics_collections, updates_collections)

    metric.__name__ = metric.__qualname__ = kind
    metric.__doc__ = doc
    return _signature(kind)(metric)


true_positives = _count("true_positives", "How many true labels were predicted true.")
false_positives = _count("false_positives", "How many false labels were predicted true.")
true_negatives = _count("true_negatives", "How many false labels were predicted false.")
false_negatives = _count("false_negatives", "How many true labels were predicted false.")


def _share(kind: str, other: str, doc: str) -> Any:
    def metric(labels: Any, predictions: Any, weights: Any = None, metrics_collections: Any = None, updates_collections: Any = None,
               name: str | None = None) -> tuple[Any, Any]:  # fmt: skip
        graphs_only(kind)
        with variable_scope(name, kind, (predictions, labels, weights)):
            predictions, labels, weights = squeezed(to(predictions, BOOL), to(labels, BOOL), weights)
            hit, hit_update = confusion("true_positives", labels, predictions, weights, None)
            miss, miss_update = confusion(other, labels, predictions, weights, None)

            def compute(t: Any, f: Any, label: str) -> Any:
                return find("SelectV2")(t + f > 0, find("DivNoNan")(t, t + f), door.convert(0.0), name=label)

            return publish(
                compute(hit, miss, "value"),
                compute(hit_update, miss_update, "update_op"),
                metrics_collections,
                updates_collections,
            )

    metric.__name__ = metric.__qualname__ = kind
    metric.__doc__ = doc
    return _signature(kind)(metric)


precision = _share("precision", "false_positives", "The share of true labels among those predicted true.")
recall = _share("recall", "false_negatives", "The share of those predicted true among true labels.")


# -- classes ---------------------------------------------------------------------------------------------------------
def _confusion_matrix(labels: Any, predictions: Any, num_classes: int, weights: Any) -> tuple[Any, Any]:
    from penstock.ops.histogram import confusion_matrix
    from penstock.ops.shapes import reshape

    whole = metric_variable([num_classes, num_classes], dtypes.float64, name="total_confusion_matrix")
    flat = lambda t: t if t.shape.rank in (0, 1) else reshape(t, [-1])
    labels, predictions = flat(to(labels, dtypes.int64)), flat(to(predictions, dtypes.int64))
    weights = None if weights is None else flat(door.convert(weights))
    now = confusion_matrix(labels, predictions, num_classes, weights=weights, dtype=dtypes.float64)
    return whole, whole.assign_add(now)


def _parts(matrix: Any) -> tuple[Any, Any, Any]:
    from penstock.ops.reduce import reduce_sum

    matrix = door.convert(matrix)
    rows, columns = to(reduce_sum(matrix, 0), FLOAT), to(reduce_sum(matrix, 1), FLOAT)
    return to(find("MatrixDiagPart")(matrix), FLOAT), rows, columns


@_signature("mean_iou")
def mean_iou(labels: Any, predictions: Any, num_classes: int, weights: Any = None, metrics_collections: Any = None, updates_collections: Any = None,
             name: str | None = None) -> tuple[Any, Any]:  # fmt: skip
    """The mean over classes of intersection over union."""
    graphs_only("mean_iou")
    with variable_scope(name, "mean_iou", (predictions, labels, weights)):
        door.convert(predictions).shape.assert_is_compatible_with(door.convert(labels).shape)
        whole, update = _confusion_matrix(labels, predictions, num_classes, weights)
        right, rows, columns = _parts(whole)
        union = rows + columns - right
        seen = total(to(compare.not_equal(union, 0.0), FLOAT))
        union = find("SelectV2")(compare.greater(union, 0.0), union, find("OnesLike")(union))
        value = find("SelectV2")(
            compare.greater(seen, 0.0), find("DivNoNan")(total(right / union), seen), door.convert(0.0), name="mean_iou"
        )
        return publish(value, update, metrics_collections, updates_collections)


@_signature("mean_per_class_accuracy")
def mean_per_class_accuracy(labels: Any, predictions: Any, num_classes: int, weights: Any = None, metrics_collections: Any = None,
                            updates_collections: Any = None, name: str | None = None) -> tuple[Any, Any]:  # fmt: skip
    """The mean over classes of the share of their examples that was predicted right."""
    graphs_only("mean_per_class_accuracy")
    from penstock.ops.reduce import reduce_mean
    from penstock.ops.shapes import reshape

    with variable_scope(name, "mean_accuracy", (predictions, labels, weights)):
        labels, predictions = to(labels, dtypes.int64), door.convert(predictions)
        predictions.shape.assert_is_compatible_with(labels.shape)
        flat = lambda t: reshape(t, [-1]) if (t.shape.rank or 0) > 1 else t
        labels, predictions = flat(labels), flat(predictions)
        totals, counts = (
            metric_variable([num_classes], FLOAT, name="total"),
            metric_variable([num_classes], FLOAT, name="count"),
        )
        ones, hits = (
            find("OnesLike")(to(labels, FLOAT)),
            to(find("Equal")(to(predictions, dtypes.int64), labels), FLOAT),
        )
        if weights is not None:
            weights = flat(to(weights, FLOAT))
            ones, hits = ones * weights, hits * weights
        seen = totals.scatter_add(_rows(ones, labels))
        right = counts.scatter_add(_rows(hits, labels))
        share = lambda a, b, label: find("DivNoNan")(door.convert(a), door.convert(b), name=label)
        value = reduce_mean(share(counts, totals, None), name="mean_accuracy")
        return publish(value, share(right, seen, "update_op"), metrics_collections, updates_collections)


def _rows(values: Any, indices: Any) -> Any:
    from penstock.ops.indexed_slices import IndexedSlices

    return IndexedSlices(values, indices)
