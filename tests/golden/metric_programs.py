"""Streaming metrics of 1.x, run by real TensorFlow (make_metrics.py) and by the tests."""

import numpy as np

RNG = np.random.default_rng(7)
CLASSES = [RNG.integers(0, 3, 6) for _ in range(3)], [RNG.integers(0, 3, 6) for _ in range(3)]
SCORES = [RNG.random(6).astype(np.float32) for _ in range(3)]
TRUTH = [RNG.integers(0, 2, 6) for _ in range(3)]
WEIGHTS = [RNG.random(6).astype(np.float32) for _ in range(3)]

METRICS = {
    "mean": lambda m, f: m.mean(f("s")),
    "mean_weighted": lambda m, f: m.mean(f("s"), weights=f("w")),
    "mean_tensor": lambda m, f: m.mean_tensor(f("s"), weights=f("w")),
    "accuracy": lambda m, f: m.accuracy(f("a"), f("b")),
    "accuracy_weighted": lambda m, f: m.accuracy(f("a"), f("b"), weights=f("w"), name="acc"),
    "absolute": lambda m, f: m.mean_absolute_error(f("w"), f("s")),
    "squared": lambda m, f: m.mean_squared_error(f("w"), f("s")),
    "root": lambda m, f: m.root_mean_squared_error(f("w"), f("s"), weights=f("s")),
    "relative": lambda m, f: m.mean_relative_error(f("w"), f("s"), f("w")),
    "cosine": lambda m, f: m.mean_cosine_distance(f("w"), f("s"), 0),
    "below": lambda m, f: m.percentage_below(f("s"), 0.4),
    "precision": lambda m, f: m.precision(f("t"), f("s") > 0.5),
    "recall": lambda m, f: m.recall(f("t"), f("s") > 0.5, weights=f("w")),
    "true_positives": lambda m, f: m.true_positives(f("t"), f("s") > 0.5),
    "false_negatives": lambda m, f: m.false_negatives(f("t"), f("s") > 0.5, weights=f("w")),
    "auc": lambda m, f: m.auc(f("t"), f("s")),
    "auc_weighted": lambda m, f: m.auc(f("t"), f("s"), weights=f("w"), num_thresholds=50, summation_method="minoring"),
    "auc_pr": lambda m, f: m.auc(f("t"), f("s"), curve="PR", summation_method="careful_interpolation"),
    "precision_at": lambda m, f: m.precision_at_thresholds(f("t"), f("s"), [0.2, 0.5, 0.8]),
    "recall_at": lambda m, f: m.recall_at_thresholds(f("t"), f("s"), [0.2, 0.5, 0.8]),
    "fp_at": lambda m, f: m.false_positives_at_thresholds(f("t"), f("s"), [0.2, 0.5, 0.8], weights=f("w")),
    "sensitivity": lambda m, f: m.sensitivity_at_specificity(f("t"), f("s"), 0.6),
    "specificity": lambda m, f: m.specificity_at_sensitivity(f("t"), f("s"), 0.6),
    "iou": lambda m, f: m.mean_iou(f("a"), f("b"), 3),
    "per_class": lambda m, f: m.mean_per_class_accuracy(f("a"), f("b"), 3, weights=f("w")),
}


def run(tf):
    found = {}
    for name, make in METRICS.items():
        with tf.Graph().as_default():
            held = {
                "a": tf.placeholder(tf.int64, [6]), "b": tf.placeholder(tf.int64, [6]), "s": tf.placeholder(tf.float32, [6]),
                "t": tf.placeholder(tf.int32, [6]), "w": tf.placeholder(tf.float32, [6]),
            }  # fmt: skip
            value, update = make(tf.metrics, lambda k: held[k])
            found[name + "/names"] = np.array([v.name for v in tf.local_variables()] + [value.op.name, update.op.name])
            with tf.Session() as sess:
                sess.run(tf.local_variables_initializer())
                steps = []
                for i in range(3):
                    feed = {held["a"]: CLASSES[0][i], held["b"]: CLASSES[1][i], held["s"]: SCORES[i], held["t"]: TRUTH[i], held["w"]: WEIGHTS[i]}
                    steps += [sess.run(update, feed), sess.run(value, feed)]
                found[name + "/updates"] = np.array(steps[::2])
                found[name + "/values"] = np.array(steps[1::2])
    return found
