"""Canned Estimators on 32 examples, alike for TensorFlow 2.15 and penstock; make_canned.py keeps what TensorFlow gives."""

import numpy as np

rng = np.random.RandomState(0)
N = 32
X = {
    "age": rng.uniform(0, 60, N).astype("f"), "sex": np.array(["m", "f"])[rng.randint(0, 2, N)], "occ": np.array(["a", "b", "c", "zz"])[rng.randint(0, 4, N)],
    "id": rng.randint(0, 5, N).astype(np.int64), "w": rng.uniform(0.5, 2, N).astype("f"),
}  # fmt: skip
BINARY = ((X["age"] > 30) ^ (X["sex"] == "m")).astype(np.int32)
THREE, REAL = (X["id"] % 3).astype(np.int32), X["age"] * 0.1
LABELS = (rng.uniform(size=(N, 3)) > 0.5).astype(np.int64)
WORDS = np.array(["no", "yes"])[BINARY]


def input_fn(tf, labels, epochs=1):
    return lambda: tf.data.Dataset.from_tensor_slices((dict(X), labels)).batch(16).repeat(epochs)


def programs(tf):
    """name -> (function of a folder that makes the Estimator, its labels)."""
    fc, old, new = tf.feature_column, tf.compat.v1.estimator, tf.estimator
    age = fc.numeric_column("age")
    bucketized = fc.bucketized_column(age, [18, 35, 50])
    sex, occ = fc.categorical_column_with_vocabulary_list("sex", ["m", "f"]), fc.categorical_column_with_hash_bucket("occ", 10)
    idc = fc.categorical_column_with_identity("id", 5)
    wide = [bucketized, sex, occ, idc, fc.crossed_column([bucketized, "sex"], 20)]
    deep = [age, fc.indicator_column(sex), fc.embedding_column(occ, 3), fc.embedding_column(idc, 2)]
    seed = lambda est: {"config": tf.estimator.RunConfig(tf_random_seed=1)}
    linear = lambda d, head: new.LinearEstimator(head, [age, bucketized], d, **seed(new))
    several = lambda: new.MultiHead([new.RegressionHead(name="r"), new.BinaryClassHead(name="b", thresholds=[0.3])], head_weights=[1.0, 2.0])
    both = {"linear_feature_columns": wide, "dnn_feature_columns": deep, "dnn_hidden_units": [8, 4]}
    return {
        "linear.v1": (lambda d: old.LinearClassifier(wide, d, weight_column="w", **seed(old)), BINARY),
        "linear.v2": (lambda d: new.LinearClassifier(wide, d, label_vocabulary=["no", "yes"], optimizer="Adam", **seed(new)), WORDS),
        "linear.regressor.v2": (lambda d: new.LinearRegressor([*wide, age], d, weight_column="w", **seed(new)), REAL),
        "dnn.v1": (lambda d: old.DNNClassifier([8, 4], deep, d, n_classes=3, batch_norm=True, dropout=0.1, **seed(old)), THREE),
        "dnn.v2": (lambda d: new.DNNClassifier([8, 4], deep, d, **seed(new)), BINARY),
        "wide_and_deep.v1": (lambda d: old.DNNLinearCombinedClassifier(d, **both, **seed(old)), BINARY),
        "wide_and_deep.v2": (lambda d: new.DNNLinearCombinedRegressor(d, **both, **seed(new)), REAL),
        "multi_label.v2": (lambda d: linear(d, new.MultiLabelHead(3, thresholds=[0.5], classes_for_class_based_metrics=[0], weight_column="w")), LABELS),
        "poisson.v2": (lambda d: linear(d, new.PoissonRegressionHead()), REAL.round()),
        "multi_head.v2": (lambda d: linear(d, several()), {"r": REAL, "b": BINARY}),
        "baseline.v1": (lambda d: old.BaselineRegressor(d, weight_column="w", **seed(old)), REAL),
    }  # fmt: skip


def story(tf, make, labels, folder):
    """The variables of the checkpoint, the metrics and the first prediction after training."""
    estimator = make(folder)
    estimator.train(input_fn(tf, labels, 3))
    first = next(iter(estimator.predict(input_fn(tf, labels))))
    return {
        "variables": [[n, list(np.shape(estimator.get_variable_value(n)))] for n in estimator.get_variable_names()],
        "metrics": {k: float(v) for k, v in estimator.evaluate(input_fn(tf, labels)).items()},
        "prediction": {"/".join(k) if isinstance(k, tuple) else k: _plain(v) for k, v in first.items()},
    }


def _plain(value):
    array = np.asarray(value)
    return [array.dtype.kind, [v.decode() if isinstance(v, bytes) else float(v) for v in array.ravel().tolist()]]
