"""`tf.contrib.metrics`: the streaming metrics of `tf.metrics` with predictions first, and those that only contrib has."""

from typing import Any

import penstock.compat.v1 as tf
from penstock.contrib.names import again, contrib
from penstock.train.metrics_thresholds import counts_at


def metric(function: Any) -> Any:
    """Decorator: a metric of `tf.contrib.metrics` and `slim.metrics`."""
    return contrib(f"metrics.{function.__name__}", f"slim.metrics.{function.__name__}")(function)


def _streaming(new: str, old: str) -> Any:
    """`streaming_new(predictions, labels, ...)`, which is `tf.metrics.old(labels, predictions, ...)`."""

    def streaming(
        predictions: Any, labels: Any, weights: Any = None, metrics_collections: Any = None, updates_collections: Any = None, name: str | None = None
    ) -> Any:  # fmt: skip
        return getattr(tf.metrics, old)(labels=labels, predictions=predictions, weights=weights, metrics_collections=metrics_collections,
                                        updates_collections=updates_collections, name=name)  # fmt: skip

    streaming.__name__ = streaming.__qualname__ = f"streaming_{new}"
    streaming.__doc__ = f"(value, update op) of the {new.replace('_', ' ')} over all batches."
    return metric(streaming)


for _name in ("true_positives", "true_negatives", "false_positives", "false_negatives", "accuracy", "precision", "recall", "mean_absolute_error",
              "mean_squared_error", "root_mean_squared_error"):  # fmt: skip
    globals()[f"streaming_{_name}"] = _streaming(_name, _name)


def _at_thresholds(new: str, old: str, counted: bool) -> Any:
    key = {"true_positives": "tp", "true_negatives": "tn", "false_positives": "fp", "false_negatives": "fn"}.get(new, "")
    if counted:

        def streaming(predictions: Any, labels: Any, thresholds: Any, weights: Any = None) -> Any:
            values, updates = counts_at(labels, predictions, thresholds, weights, includes=(key,))
            return values[key], updates[key]
    else:

        def streaming(
            predictions: Any, labels: Any, thresholds: Any, weights: Any = None, metrics_collections: Any = None,
            updates_collections: Any = None, name: str | None = None,
        ) -> Any:  # fmt: skip
            return getattr(tf.metrics, old)(labels=labels, predictions=predictions, thresholds=thresholds, weights=weights,
                                            metrics_collections=metrics_collections, updates_collections=updates_collections, name=name)  # fmt: skip

    streaming.__name__ = streaming.__qualname__ = f"streaming_{new}_at_thresholds"
    streaming.__doc__ = f"(values, update op) of the {new.replace('_', ' ')} at each threshold."
    return metric(streaming)


for _name in ("true_positives", "true_negatives", "false_positives", "false_negatives", "precision", "recall"):
    globals()[f"streaming_{_name}_at_thresholds"] = _at_thresholds(_name, f"{_name}_at_thresholds", "_" in _name)


@metric
def streaming_mean(values: Any, weights: Any = None, metrics_collections: Any = None, updates_collections: Any = None, name: Any = None) -> Any:
    """(value, update op) of the mean over all batches."""
    return tf.metrics.mean(values, weights, metrics_collections, updates_collections, name)


@metric
def streaming_mean_tensor(values: Any, weights: Any = None, metrics_collections: Any = None, updates_collections: Any = None, name: Any = None) -> Any:
    """(value, update op) of the elementwise mean over all batches."""
    return tf.metrics.mean_tensor(values, weights, metrics_collections, updates_collections, name)


@metric
def streaming_auc(
    predictions: Any, labels: Any, weights: Any = None, num_thresholds: int = 200, metrics_collections: Any = None,
    updates_collections: Any = None, curve: str = "ROC", name: Any = None,
) -> Any:  # fmt: skip
    """(value, update op) of the area under the curve."""
    return tf.metrics.auc(labels=labels, predictions=predictions, weights=weights, metrics_collections=metrics_collections,
                          num_thresholds=num_thresholds, curve=curve, updates_collections=updates_collections, name=name)  # fmt: skip


@metric
def streaming_mean_iou(predictions: Any, labels: Any, num_classes: int, weights: Any = None, metrics_collections: Any = None, updates_collections: Any = None, name: Any = None) -> Any:
    """(value, update op) of the mean intersection over union."""
    return tf.metrics.mean_iou(labels=labels, predictions=predictions, num_classes=num_classes, weights=weights,
                               metrics_collections=metrics_collections, updates_collections=updates_collections, name=name)  # fmt: skip


@metric
def streaming_mean_relative_error(predictions: Any, labels: Any, normalizer: Any, weights: Any = None, metrics_collections: Any = None, updates_collections: Any = None, name: Any = None) -> Any:
    """(value, update op) of the mean error relative to a normalizer."""
    return tf.metrics.mean_relative_error(labels=labels, predictions=predictions, normalizer=normalizer, weights=weights,
                                          metrics_collections=metrics_collections, updates_collections=updates_collections, name=name)  # fmt: skip


@metric
def streaming_mean_cosine_distance(predictions: Any, labels: Any, dim: int, weights: Any = None, metrics_collections: Any = None, updates_collections: Any = None, name: Any = None) -> Any:
    """(value, update op) of the mean cosine distance."""
    return tf.metrics.mean_cosine_distance(labels=labels, predictions=predictions, dim=dim, weights=weights,
                                           metrics_collections=metrics_collections, updates_collections=updates_collections, name=name)  # fmt: skip


@metric
def streaming_percentage_less(values: Any, threshold: Any, weights: Any = None, metrics_collections: Any = None, updates_collections: Any = None, name: Any = None) -> Any:
    """(value, update op) of the fraction of values below a threshold."""
    return tf.metrics.percentage_below(values=values, threshold=threshold, weights=weights, metrics_collections=metrics_collections,
                                       updates_collections=updates_collections, name=name)  # fmt: skip


@metric
def streaming_sensitivity_at_specificity(predictions: Any, labels: Any, specificity: float, weights: Any = None, num_thresholds: int = 200, metrics_collections: Any = None, updates_collections: Any = None, name: Any = None) -> Any:
    """(value, update op) of the sensitivity at a given specificity."""
    return tf.metrics.sensitivity_at_specificity(labels=labels, predictions=predictions, specificity=specificity, weights=weights,
                                                 num_thresholds=num_thresholds, metrics_collections=metrics_collections,
                                                 updates_collections=updates_collections, name=name)  # fmt: skip


@metric
def streaming_specificity_at_sensitivity(predictions: Any, labels: Any, sensitivity: float, weights: Any = None, num_thresholds: int = 200, metrics_collections: Any = None, updates_collections: Any = None, name: Any = None) -> Any:
    """(value, update op) of the specificity at a given sensitivity."""
    return tf.metrics.specificity_at_sensitivity(labels=labels, predictions=predictions, sensitivity=sensitivity, weights=weights,
                                                 num_thresholds=num_thresholds, metrics_collections=metrics_collections,
                                                 updates_collections=updates_collections, name=name)  # fmt: skip


@metric
def streaming_recall_at_k(predictions: Any, labels: Any, k: int, weights: Any = None, metrics_collections: Any = None, updates_collections: Any = None, name: Any = None) -> Any:
    """(value, update op) of how often the label is among the k largest predictions."""
    in_top_k = tf.to_float(tf.nn.in_top_k(predictions, labels, k))
    return streaming_mean(in_top_k, weights, metrics_collections, updates_collections, name or f"recall_at_{k}")


@metric
def streaming_sparse_recall_at_k(predictions: Any, labels: Any, k: int, class_id: Any = None, weights: Any = None, metrics_collections: Any = None, updates_collections: Any = None, name: Any = None) -> Any:
    """(value, update op) of the recall of the k largest predictions."""
    return tf.metrics.recall_at_k(k=k, class_id=class_id, predictions=predictions, labels=labels, weights=weights,
                                  metrics_collections=metrics_collections, updates_collections=updates_collections, name=name)  # fmt: skip


@metric
def streaming_sparse_precision_at_k(predictions: Any, labels: Any, k: int, class_id: Any = None, weights: Any = None, metrics_collections: Any = None, updates_collections: Any = None, name: Any = None) -> Any:
    """(value, update op) of the precision of the k largest predictions."""
    return tf.metrics.precision_at_k(k=k, class_id=class_id, predictions=predictions, labels=labels, weights=weights,
                                     metrics_collections=metrics_collections, updates_collections=updates_collections, name=name)  # fmt: skip


@metric
def streaming_sparse_average_precision_at_k(predictions: Any, labels: Any, k: int, weights: Any = None, metrics_collections: Any = None, updates_collections: Any = None, name: Any = None) -> Any:
    """(value, update op) of the average precision of the k largest predictions."""
    return tf.metrics.average_precision_at_k(k=k, predictions=predictions, labels=labels, weights=weights, metrics_collections=metrics_collections,
                                             updates_collections=updates_collections, name=name)  # fmt: skip


def _local(name: str, shape: Any = (), dtype: Any = tf.float32) -> Any:
    return tf.Variable(lambda: tf.zeros(shape, dtype), trainable=False, collections=[tf.GraphKeys.LOCAL_VARIABLES, tf.GraphKeys.METRIC_VARIABLES],
                       validate_shape=None not in shape if shape else True, name=name)  # fmt: skip


def _kept(value: Any, update: Any, metrics_collections: Any, updates_collections: Any) -> tuple[Any, Any]:
    if metrics_collections:
        tf.add_to_collections(metrics_collections, value)
    if updates_collections:
        tf.add_to_collections(updates_collections, update)
    return value, update


def _rate(name: str, hit: str, other: str, doc: str) -> Any:
    def streaming(
        predictions: Any, labels: Any, weights: Any = None, metrics_collections: Any = None, updates_collections: Any = None, name: Any = None
    ) -> Any:  # fmt: skip
        with tf.variable_scope(name, short, (predictions, labels, weights)):
            a, a_update = getattr(tf.metrics, hit)(labels, predictions, weights)
            b, b_update = getattr(tf.metrics, other)(labels, predictions, weights)
            rate = lambda a, b, name: tf.where(tf.greater(a + b, 0), tf.divide(a, tf.where(tf.equal(a + b, 0), tf.ones_like(a), a + b)), tf.zeros_like(a), name)
            return _kept(rate(a, b, "value"), rate(a_update, b_update, "update_op"), metrics_collections, updates_collections)

    short = name
    streaming.__name__ = streaming.__qualname__ = f"streaming_{name}"
    streaming.__doc__ = doc
    return metric(streaming)


streaming_false_positive_rate = _rate("false_positive_rate", "false_positives", "true_negatives", "(value, update op) of FP / (FP + TN).")
streaming_false_negative_rate = _rate("false_negative_rate", "false_negatives", "true_positives", "(value, update op) of FN / (FN + TP).")


@metric
def count(values: Any, weights: Any = None, metrics_collections: Any = None, updates_collections: Any = None, name: Any = None) -> Any:
    """(value, update op) of how many values, or how much weight, went by."""
    with tf.variable_scope(name, "count", (values, weights)):
        held = _local("count")
        if weights is None:
            number = tf.to_float(tf.size(values))
        else:
            values = tf.to_float(values)
            number = tf.reduce_sum(tf.to_float(weights) * tf.ones_like(values))
        return _kept(tf.identity(held), tf.assign_add(held, number), metrics_collections, updates_collections)


@metric
def streaming_covariance(predictions: Any, labels: Any, weights: Any = None, metrics_collections: Any = None, updates_collections: Any = None, name: Any = None) -> Any:
    """(value, update op) of the unbiased sample covariance."""
    with tf.variable_scope(name, "covariance", (predictions, labels, weights)):
        predictions, labels = tf.to_float(predictions), tf.to_float(labels)
        counted, mean_p, mean_l, comoment = (_local(n) for n in ("count", "mean_prediction", "mean_label", "comoment"))
        if weights is None:
            batch_count = tf.to_float(tf.size(labels))
            weighted_p, weighted_l = predictions, labels
        else:
            weights = tf.to_float(weights) * tf.ones_like(labels)
            batch_count = tf.reduce_sum(weights)
            weighted_p, weighted_l = predictions * weights, labels * weights
        safe = lambda a, b: tf.where(b > 0, a / tf.where(tf.equal(b, 0), tf.ones_like(b), b), tf.zeros_like(a))
        before = tf.identity(counted)
        with tf.control_dependencies([before]):
            update_count = tf.assign_add(counted, batch_count)
        with tf.control_dependencies([update_count]):
            total = tf.identity(update_count)
        batch_mean_p, batch_mean_l = safe(tf.reduce_sum(weighted_p), batch_count), safe(tf.reduce_sum(weighted_l), batch_count)
        delta_p = safe((batch_mean_p - mean_p) * batch_count, total)
        delta_l = safe((batch_mean_l - mean_l) * batch_count, total)
        old_p = tf.identity(mean_p)
        with tf.control_dependencies([delta_p, delta_l, old_p]):
            update_p, update_l = tf.assign_add(mean_p, delta_p), tf.assign_add(mean_l, delta_l)
        centered = (predictions - batch_mean_p) * (labels - batch_mean_l)
        batch_comoment = tf.reduce_sum(centered if weights is None else centered * weights)
        previous_p, previous_l = update_p - delta_p, update_l - delta_l
        cross = (batch_mean_p - previous_p) * (batch_mean_l - previous_l) * safe(before * batch_count, total)
        update_comoment = tf.assign_add(comoment, batch_comoment + cross)
        value = tf.where(tf.less_equal(counted, 1.0), tf.constant(float("nan")), tf.truediv(comoment, counted - 1), name="covariance")
        with tf.control_dependencies([update_comoment]):
            update = tf.where(tf.less_equal(total, 1.0), tf.constant(float("nan")), tf.truediv(update_comoment, total - 1), name="update_op")
        return _kept(value, update, metrics_collections, updates_collections)


@metric
def streaming_pearson_correlation(predictions: Any, labels: Any, weights: Any = None, metrics_collections: Any = None, updates_collections: Any = None, name: Any = None) -> Any:
    """(value, update op) of the Pearson correlation."""
    with tf.variable_scope(name, "pearson_r", (predictions, labels, weights)):
        cov, update_cov = streaming_covariance(predictions, labels, weights, name="covariance")
        var_p, update_p = streaming_covariance(predictions, predictions, weights, name="variance_predictions")
        var_l, update_l = streaming_covariance(labels, labels, weights, name="variance_labels")
        value = tf.truediv(cov, tf.multiply(tf.sqrt(var_p), tf.sqrt(var_l)), name="pearson_r")
        update = tf.truediv(update_cov, tf.multiply(tf.sqrt(update_p), tf.sqrt(update_l)), name="update_op")
        return _kept(value, update, metrics_collections, updates_collections)


@metric
def streaming_concat(values: Any, axis: int = 0, max_size: int | None = None, metrics_collections: Any = None, updates_collections: Any = None, name: Any = None) -> Any:
    """(value, update op) of all values so far, one batch behind the other along `axis`."""
    with tf.variable_scope(name, "streaming_concat", (values,)):
        values = tf.convert_to_tensor(values)
        rank = values.shape.ndims
        if not 0 <= axis < rank:
            raise ValueError(f"axis = {axis} not in [0, {rank})")
        order = [axis, *(i for i in range(rank) if i != axis)]
        back = [order.index(i) for i in range(rank)]
        moved = tf.transpose(values, order)
        rest = moved.shape.as_list()[1:]
        if None in rest:
            raise ValueError(f"all dimensions of `values` other than `axis` must be statically known, got {values.shape}")
        held = tf.Variable(lambda: tf.zeros([0, *rest], values.dtype), trainable=False, validate_shape=False,
                           collections=[tf.GraphKeys.LOCAL_VARIABLES], name="array", shape=tf.TensorShape([None, *rest]))  # fmt: skip
        more = moved if max_size is None else moved[: tf.maximum(0, max_size - tf.shape(held)[0])]
        value = tf.transpose(held, back, name="value") if order != back or order != sorted(order) else tf.identity(held, name="value")
        size = _local("size", (), tf.int32)
        grown = tf.assign(held, tf.concat([held, more], 0), validate_shape=False)
        update = tf.assign(size, tf.shape(grown)[0])
        return _kept(value, update, metrics_collections, updates_collections)


@metric
def aggregate_metrics(*value_update_tuples: Any) -> tuple[list[Any], list[Any]]:
    """([values], [update ops]) of several metrics."""
    if not value_update_tuples:
        raise ValueError("Expected at least one value_tensor/update_op pair")
    values, updates = zip(*value_update_tuples)
    return list(values), list(updates)


@metric
def aggregate_metric_map(names_to_tuples: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """({name: value}, {name: update op}) of several metrics."""
    values, updates = zip(*names_to_tuples.values())
    return dict(zip(names_to_tuples, values)), dict(zip(names_to_tuples, updates))


@metric
def accuracy(predictions: Any, labels: Any, weights: Any = None, name: Any = None) -> Any:
    """The fraction of a batch where both are equal."""
    if not (labels.dtype.is_integer or labels.dtype in (tf.bool, tf.string)):
        raise ValueError(f"Labels should have bool, integer, or string dtype, not {labels.dtype}.")
    if not labels.dtype.is_compatible_with(predictions.dtype):
        raise ValueError(f"Dtypes of predictions and labels should match. Given: predictions ({predictions.dtype}) and labels ({labels.dtype}).")
    with tf.name_scope(name, "accuracy", [predictions, labels]):
        is_correct = tf.cast(tf.equal(predictions, labels), tf.float32)
        if weights is not None:
            is_correct = tf.multiply(is_correct, weights)
            num_values = tf.multiply(weights, tf.ones_like(is_correct))
            return tf.divide(tf.reduce_sum(is_correct), tf.reduce_sum(num_values))
        return tf.reduce_mean(is_correct)


@metric
def confusion_matrix(labels: Any, predictions: Any, num_classes: Any = None, dtype: Any = tf.int32, name: Any = None, weights: Any = None) -> Any:
    """How often each label got each prediction."""
    return tf.confusion_matrix(labels=labels, predictions=predictions, num_classes=num_classes, dtype=dtype, name=name, weights=weights)


@metric
def f1_score(labels: Any, predictions: Any, weights: Any = None, num_thresholds: int = 200, metrics_collections: Any = None, updates_collections: Any = None, name: Any = None) -> Any:
    """(value, update op) of the best F1 score over thresholds."""
    with tf.variable_scope(name, "f1", (labels, predictions, weights)):
        epsilon = 1e-7
        thresholds = [(i + 1) * 1.0 / (num_thresholds - 1) for i in range(num_thresholds - 2)]
        thresholds = [0.0 - epsilon, *thresholds, 1.0 + epsilon]
        counted = counts_at(labels, predictions, thresholds, weights, includes=("tp", "fp", "fn"))

        def best(tp: Any, fp: Any, fn: Any, name: str) -> Any:
            precision, recall = tp / (epsilon + tp + fp), tp / (epsilon + tp + fn)
            return tf.reduce_max(2.0 * precision * recall / (precision + recall + epsilon), name=name)

        value, update = (best(c["tp"], c["fp"], c["fn"], n) for c, n in zip(counted, ("value", "update_op")))
        return _kept(value, update, metrics_collections, updates_collections)


@metric
def cohen_kappa(labels: Any, predictions_idx: Any, num_classes: int, weights: Any = None, metrics_collections: Any = None, updates_collections: Any = None, name: Any = None) -> Any:
    """(value, update op) of the agreement beyond chance."""
    if num_classes < 2:
        raise ValueError(f"`num_classes` must be >= 2.Found: {num_classes}")
    with tf.variable_scope(name, "cohen_kappa", (labels, predictions_idx, weights)):
        flat = lambda v: tf.reshape(tf.cast(v, tf.int64), [-1])
        labels, predictions = flat(labels), flat(predictions_idx)
        po, pe_row, pe_col = (_local(n, (num_classes,), tf.int64 if weights is None else tf.float32) for n in ("po", "pe_row", "pe_col"))
        matrix = tf.confusion_matrix(labels, predictions, num_classes=num_classes, weights=None if weights is None else tf.reshape(weights, [-1]), dtype=po.dtype.base_dtype)
        updates = (tf.assign_add(po, tf.linalg.diag_part(matrix)), tf.assign_add(pe_row, tf.reduce_sum(matrix, 0)), tf.assign_add(pe_col, tf.reduce_sum(matrix, 1)))

        def kappa(po: Any, row: Any, col: Any, name: str) -> Any:
            total = tf.to_double(tf.reduce_sum(row))
            agreed, chance = tf.to_double(tf.reduce_sum(po)), tf.to_double(tf.reduce_sum(row * col)) / total
            k = tf.where(tf.equal(total, chance), tf.ones_like(total), (agreed - chance) / (total - chance))
            return tf.cast(k, tf.float32, name=name)

        return _kept(kappa(po, pe_row, pe_col, "value"), kappa(*updates, "update_op"), metrics_collections, updates_collections)


again("metrics", "sets", "set_difference=difference set_intersection=intersection set_size=size set_union=union")
