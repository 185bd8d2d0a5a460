"""tf.contrib.losses and tf.contrib.metrics on small batches, run by real TensorFlow 1.15 (make_contrib.py) and by the tests."""

import numpy as np


def numbers(*shape, **how):
    return (np.sin(np.arange(int(np.prod(shape)), dtype=np.float32) * how.get("step", 1.7) + how.get("at", 0.3)) * 0.5 + 0.5).reshape(shape)


LOSSES = {
    "absolute": lambda tf, l: l.absolute_difference(tf.constant(numbers(3, 4)), tf.constant(numbers(3, 4, step=0.7))),
    "squared": lambda tf, l: l.mean_squared_error(tf.constant(numbers(3, 4)), tf.constant(numbers(3, 4, step=0.7)), weights=tf.constant([1.0, 0.0, 2.0])),
    "squared_each": lambda tf, l: l.mean_squared_error(tf.constant(numbers(3, 4)), tf.constant(numbers(3, 4, step=0.7)), weights=tf.constant(np.float32(numbers(3, 4, step=2.1) > 0.5))),
    "squared_column": lambda tf, l: l.mean_squared_error(tf.constant(numbers(3, 4)), tf.constant(numbers(3, 4, step=0.7)), weights=tf.constant([[1.0], [0.0], [0.5]])),
    "zero": lambda tf, l: l.mean_squared_error(tf.constant(numbers(3, 4)), tf.constant(numbers(3, 4, step=0.7)), weights=0.0),
    "log": lambda tf, l: l.log_loss(tf.constant(numbers(3, 2)), tf.constant(np.round(numbers(3, 2, step=0.7))), weights=0.5),
    "hinge": lambda tf, l: l.hinge_loss(tf.constant(numbers(3, 2)), tf.constant(np.round(numbers(3, 2, step=0.7)))),
    "cosine": lambda tf, l: l.cosine_distance(tf.constant(numbers(3, 2)), tf.constant(numbers(3, 2, step=0.7)), 1),
    "sigmoid": lambda tf, l: l.sigmoid_cross_entropy(tf.constant(numbers(3, 2)), tf.constant(np.round(numbers(3, 2, step=0.7))), label_smoothing=0.1),
    "softmax": lambda tf, l: l.softmax_cross_entropy(tf.constant(numbers(3, 4)), tf.constant(np.eye(4)[:3]), weights=tf.constant([1.0, 2.0, 0.0]), label_smoothing=0.2),
    "sparse": lambda tf, l: l.sparse_softmax_cross_entropy(tf.constant(numbers(3, 4)), tf.constant([[1], [2], [0]])),
    "pairwise": lambda tf, l: l.mean_pairwise_squared_error(tf.constant(numbers(3, 4)), tf.constant(numbers(3, 4, step=0.7))),
    "pairwise_weighted": lambda tf, l: l.mean_pairwise_squared_error(tf.constant(numbers(3, 4)), tf.constant(numbers(3, 4, step=0.7)), weights=tf.constant([1.0, 0.0, 2.0])),
}
p = lambda tf: tf.placeholder_with_default(numbers(6), [6])
lab = lambda tf: tf.constant([1, 0, 1, 1, 0, 0])
METRICS = {
    "accuracy": lambda tf, m: m.streaming_accuracy(tf.round(p(tf)), tf.to_float(lab(tf))),
    "accuracy_weighted": lambda tf, m: m.streaming_accuracy(tf.round(p(tf)), tf.to_float(lab(tf)), weights=tf.constant([1.0, 0, 2, 0, 1, 1])),
    "precision": lambda tf, m: m.streaming_precision(tf.round(p(tf)), lab(tf)),
    "recall": lambda tf, m: m.streaming_recall(tf.round(p(tf)), lab(tf)),
    "auc": lambda tf, m: m.streaming_auc(p(tf), lab(tf)),
    "mean": lambda tf, m: m.streaming_mean(p(tf)),
    "mse": lambda tf, m: m.streaming_mean_squared_error(p(tf), tf.to_float(lab(tf))),
    "rmse": lambda tf, m: m.streaming_root_mean_squared_error(p(tf), tf.to_float(lab(tf))),
    "mae": lambda tf, m: m.streaming_mean_absolute_error(p(tf), tf.to_float(lab(tf))),
    "iou": lambda tf, m: m.streaming_mean_iou(tf.to_int32(tf.round(p(tf))), lab(tf), 2),
    "less": lambda tf, m: m.streaming_percentage_less(p(tf), 0.4),
    "recall_at_k": lambda tf, m: m.streaming_recall_at_k(tf.constant(numbers(3, 4)), tf.constant([1, 2, 0]), 2),
    "fpr": lambda tf, m: m.streaming_false_positive_rate(tf.round(p(tf)), lab(tf)),
    "fnr": lambda tf, m: m.streaming_false_negative_rate(tf.round(p(tf)), lab(tf)),
    "count": lambda tf, m: m.count(p(tf)),
    "covariance": lambda tf, m: m.streaming_covariance(p(tf), tf.to_float(lab(tf))),
    "pearson": lambda tf, m: m.streaming_pearson_correlation(p(tf), tf.to_float(lab(tf))),
    "pearson_weighted": lambda tf, m: m.streaming_pearson_correlation(p(tf), tf.to_float(lab(tf)), weights=tf.constant([1.0, 0, 2, 0, 1, 1])),
    "f1": lambda tf, m: m.f1_score(lab(tf), p(tf)),
    "kappa": lambda tf, m: m.cohen_kappa(lab(tf), tf.to_int32(tf.round(p(tf))), 2),
    "concat": lambda tf, m: m.streaming_concat(p(tf), max_size=20),
    "tp_thresholds": lambda tf, m: m.streaming_true_positives_at_thresholds(p(tf), lab(tf), [0.2, 0.6]),
    "precision_thresholds": lambda tf, m: m.streaming_precision_at_thresholds(p(tf), lab(tf), [0.2, 0.6]),
}
PROGRAMS = ["loss_" + name for name in LOSSES] + ["metric_" + name for name in METRICS]


def run(tf, name):
    kind, _, key = name.partition("_")
    with tf.Graph().as_default(), tf.Session() as sess:
        if kind == "loss":
            value = LOSSES[key](tf, tf.contrib.losses)
            found = {"value": sess.run(value), "names": np.array(["%d losses" % len(tf.contrib.losses.get_losses())])}
            found["grad"] = sess.run(tf.contrib.losses.get_total_loss()) if key != "hinge" else 0.0
            return found
        value, update = METRICS[key](tf, tf.contrib.metrics)
        sess.run(tf.local_variables_initializer())
        found = {"names": np.array(sorted(v.op.name for v in tf.local_variables()))}
        for turn in range(3):
            found["update%d" % turn] = sess.run(update, {} if turn != 1 or not any(o.type == "PlaceholderWithDefault" for o in tf.get_default_graph().get_operations()) else
                                                {next(o for o in tf.get_default_graph().get_operations() if o.type == "PlaceholderWithDefault").outputs[0]: numbers(6, at=2.0)})
            found["value%d" % turn] = sess.run(value)
        return found
