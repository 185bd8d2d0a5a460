"""Streaming metrics over the k best classes: precision, recall and average precision at k."""

from typing import Any

from penstock.base.dtypes import as_dtype, int64
from penstock.base.export import export
from penstock.fronts.default_graph import get_default_graph
from penstock.ir import door
from penstock.ir.op import find
from penstock.ir.scope import name_scope
from penstock.ops.nn_topk import top_k
from penstock.ops.reduce import reduce_any, reduce_sum
from penstock.ops.sets import set_difference, set_intersection, set_size
from penstock.ops.sparse import sparse_tensor_to_dense
from penstock.train.metrics import graphs_only, metric_variable, publish, spread, to, total

DOUBLE = as_dtype("float64")


def _at_k(name: str, k: Any = None, class_id: Any = None) -> str:
    base = f"{name}_at_k" if k is None else f"{name}_at_{k}"
    return base if class_id is None else f"{base}_class{class_id}"


def _is_sparse(labels: Any) -> bool:
    return hasattr(labels, "dense_shape")


def _expanded(labels: Any, predictions: Any) -> Any:
    """Labels with a last axis of one where there is one label an example."""
    if _is_sparse(labels):
        return labels
    labels = door.convert(labels)
    if labels.dtype.base_dtype is not int64:
        raise TypeError(f"Types don't match, {int64!r} vs {labels.dtype!r}.")
    a, b = predictions.shape.rank, labels.shape.rank
    if a is not None and b is not None and b not in (a, a - 1):
        raise ValueError(f"Unexpected labels shape {labels.shape} for predictions shape {predictions.shape}.")
    return find("ExpandDims")(labels, -1) if a is not None and b == a - 1 else labels


def _has(ids: Any, class_id: int) -> Any:
    """Does each row hold the class?"""
    if _is_sparse(ids):
        ids = sparse_tensor_to_dense(ids, default_value=class_id - 1, validate_indices=False)
    return reduce_any(find("Equal")(ids, door.convert(class_id, int64)), axis=-1)


def _number(kind: str, labels: Any, predictions: Any, class_id: Any) -> Any:
    """How many true positives, false positives or false negatives each row has."""
    if predictions.shape.rank is not None and predictions.shape.rank < 2 and class_id is None:
        raise ValueError(f"Shape must be at least rank 2 but is rank {predictions.shape.rank} for the predicted classes")
    if class_id is None:
        made = {"true_positive": lambda: set_intersection(predictions, labels),
                "false_positive": lambda: set_difference(predictions, labels, aminusb=True),
                "false_negative": lambda: set_difference(predictions, labels, aminusb=False)}[kind]()  # fmt: skip
        return to(set_size(made), DOUBLE)
    predicted, labelled = _has(predictions, class_id), _has(labels, class_id)
    no = find("LogicalNot")
    a = no(predicted) if kind == "false_negative" else predicted
    b = no(labelled) if kind == "false_positive" else labelled
    return to(find("LogicalAnd")(a, b), DOUBLE)


def _streaming(kind: str, labels: Any, predictions: Any, k: Any, class_id: Any, weights: Any) -> tuple[Any, Any]:
    name = _at_k(kind, k, class_id)
    with name_scope(None, name) as scope:
        found = _number(kind, labels, predictions, class_id)
        if weights is not None:
            found = found * spread(weights, found)
        batch = total(found)
        held = metric_variable([], DOUBLE, name=scope)
        return held, held.assign_add(batch, name="update")


def _ratio(name: str | None, default: str, other: str, labels: Any, predictions: Any, k: Any, class_id: Any, weights: Any, metrics_collections: Any,
           updates_collections: Any) -> tuple[Any, Any]:  # fmt: skip
    with name_scope(name, _at_k(default, k, class_id), (predictions, labels, weights)) as scope:
        predictions = to(predictions, int64)
        labels = _expanded(labels, predictions)
        hit, hit_update = _streaming("true_positive", labels, predictions, k, class_id, weights)
        miss, miss_update = _streaming(other, labels, predictions, k, class_id, weights)
        value = find("RealDiv")(door.convert(hit), hit + miss, name=scope)
        update = find("RealDiv")(hit_update, hit_update + miss_update, name="update")
        return publish(value, update, metrics_collections, updates_collections)


def _best(predictions: Any, k: int) -> Any:
    return to(top_k(door.convert(predictions), k)[1], int64)


@export(v1=("metrics.precision_at_top_k",))
def precision_at_top_k(labels: Any, predictions_idx: Any, k: Any = None, class_id: Any = None, weights: Any = None, metrics_collections: Any = None,
                       updates_collections: Any = None, name: str | None = None) -> tuple[Any, Any]:  # fmt: skip
    """How many of the predicted classes are labels, over all batches so far."""
    graphs_only("precision_at_top_k")
    return _ratio(
        name,
        "precision",
        "false_positive",
        labels,
        predictions_idx,
        k,
        class_id,
        weights,
        metrics_collections,
        updates_collections,
    )


@export(v1=("metrics.precision_at_k",))
def precision_at_k(labels: Any, predictions: Any, k: int, class_id: Any = None, weights: Any = None, metrics_collections: Any = None,
                   updates_collections: Any = None, name: str | None = None) -> tuple[Any, Any]:  # fmt: skip
    """How many of the k classes of the highest scores are labels, over all batches so far."""
    graphs_only("sparse_precision_at_k")
    with name_scope(name, _at_k("precision", k, class_id), (predictions, labels, weights)) as scope:
        best = _best(predictions, k)
        return precision_at_top_k(labels, best, k, class_id, weights, metrics_collections, updates_collections, scope)


@export(v1=("metrics.sparse_precision_at_k",))
def sparse_precision_at_k(labels: Any, predictions: Any, k: int, class_id: Any = None, weights: Any = None, metrics_collections: Any = None,
                          updates_collections: Any = None, name: str | None = None) -> tuple[Any, Any]:  # fmt: skip
    """The older name of `precision_at_k`."""
    return precision_at_k(labels, predictions, k, class_id, weights, metrics_collections, updates_collections, name)


@export(v1=("metrics.recall_at_top_k",))
def recall_at_top_k(labels: Any, predictions_idx: Any, k: Any = None, class_id: Any = None, weights: Any = None, metrics_collections: Any = None,
                    updates_collections: Any = None, name: str | None = None) -> tuple[Any, Any]:  # fmt: skip
    """How many of the labels are among the predicted classes, over all batches so far."""
    return _ratio(
        name,
        "recall",
        "false_negative",
        labels,
        predictions_idx,
        k,
        class_id,
        weights,
        metrics_collections,
        updates_collections,
    )


@export(v1=("metrics.recall_at_k",))
def recall_at_k(labels: Any, predictions: Any, k: int, class_id: Any = None, weights: Any = None, metrics_collections: Any = None,
                updates_collections: Any = None, name: str | None = None) -> tuple[Any, Any]:  # fmt: skip
    """How many of the labels are among the k classes of the highest scores, over all batches so far."""
    graphs_only("recall_at_k")
    with name_scope(name, _at_k("recall", k, class_id), (predictions, labels, weights)) as scope:
        best = _best(predictions, k)
        return recall_at_top_k(labels, best, k, class_id, weights, metrics_collections, updates_collections, scope)


def _average_precision(labels: Any, best: Any, k: int, classes: Any) -> Any:
    """For each row, the mean over its labels of the precision at the place where the label was predicted."""
    if k < 1:
        raise ValueError(f"Invalid k={k}.")
    if _is_sparse(labels):
        dense = sparse_tensor_to_dense(labels, default_value=-1, validate_indices=False)
        held = to(set_size(labels), DOUBLE)
    else:  # labels that no class stands for do not count
        dense = labels
        known = find("GreaterEqual")(dense, door.convert(0, int64))
        if classes is not None:
            known = find("LogicalAnd")(known, find("Less")(dense, classes))
        held = reduce_sum(to(known, DOUBLE), axis=-1)
    hit = reduce_any(find("Equal")(find("ExpandDims")(best, -1), find("ExpandDims")(dense, -2)), axis=-1)
    relevant = to(hit, DOUBLE)
    places = find("Cumsum")(find("OnesLike")(relevant), -1)
    precision = find("RealDiv")(find("Cumsum")(relevant, -1), places)
    most = find("Minimum")(held, door.convert(float(k), DOUBLE))
    return find("RealDiv")(reduce_sum(precision * relevant, axis=-1), most)


@export(v1=("metrics.average_precision_at_k",))
def average_precision_at_k(labels: Any, predictions: Any, k: int, weights: Any = None, metrics_collections: Any = None, updates_collections: Any = None,
                           name: str | None = None) -> tuple[Any, Any]:  # fmt: skip
    """The mean of the average precision of each example, over all batches so far."""
    graphs_only("sparse_average_precision_at_k")
    if k < 1:
        raise ValueError(f"Invalid k={k}.")
    with name_scope(name, _at_k("average_precision", k), (predictions, labels, weights)) as scope:
        predictions = door.convert(predictions)
        best = _best(predictions, k)
        classes = to(find("Shape")(predictions)[-1], int64)
        found = _average_precision(_expanded(labels, best), best, k, classes)
        return _running_mean(found, weights, metrics_collections, updates_collections, scope)


def _running_mean(found: Any, weights: Any, metrics_collections: Any, updates_collections: Any, scope: Any) -> tuple[Any, Any]:
    if weights is not None:
        weights = spread(weights, found)
        found = found * weights
    with get_default_graph().name_scope("max"):
        number = to(find("Size")(found), DOUBLE) if weights is None else total(weights)
    most, sums = metric_variable([], DOUBLE, name="max"), metric_variable([], DOUBLE, name="total")
    more_sums, more = sums.assign_add(total(found)), most.assign_add(number)
    value = _safe(sums, most, "mean")
    update = _safe(more_sums, more, scope)
    return publish(value, update, metrics_collections, updates_collections)


def _average_precision_of(labels: Any, predictions_idx: Any, weights: Any = None, metrics_collections: Any = None, updates_collections: Any = None,
                          name: str | None = None) -> tuple[Any, Any]:  # fmt: skip
    """`average_precision_at_k` of classes that were found already: `predictions_idx` [..., k], the best first."""
    with name_scope(name, "average_precision_at_top_k", (predictions_idx, labels, weights)) as scope:
        best = to(predictions_idx, int64)
        width = best.shape.as_list()[-1]
        if width is None:
            raise ValueError("The last dimension of predictions_idx must be set.")
        found = _average_precision(_expanded(labels, best), best, width, None)
        return _running_mean(found, weights, metrics_collections, updates_collections, scope)


def _safe(above: Any, below: Any, name: Any) -> Any:
    return find("DivNoNan")(door.convert(above), door.convert(below), name=name)


@export(v1=("metrics.sparse_average_precision_at_k",))
def sparse_average_precision_at_k(labels: Any, predictions: Any, k: int, weights: Any = None, metrics_collections: Any = None,
                                  updates_collections: Any = None, name: str | None = None) -> tuple[Any, Any]:  # fmt: skip
    """The older name of `average_precision_at_k`."""
    return average_precision_at_k(labels, predictions, k, weights, metrics_collections, updates_collections, name)
