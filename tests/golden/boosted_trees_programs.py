"""Programs with boosted trees that run on TensorFlow 1.15 and here; each gives a dictionary of plain values."""

import numpy as np

X = np.random.RandomState(0).randn(100, 3).astype(np.float32)
C = np.array(["a", "b", "c"])[np.random.RandomState(1).randint(0, 3, 100)]
Y = ((X[:, 0] + X[:, 1] ** 2 + (C == "a")) > 1).astype(int)
R = (X[:, 0] + X[:, 1] ** 2 + (C == "a")).astype(np.float32)
F = {"x0": X[:, 0], "x1": X[:, 1], "c": C, "w": np.random.RandomState(3).rand(100).astype(np.float32)}
WORDS = np.array(["n", "y"])[Y]

PROGRAMS = {  # name -> (kind, labels, batch size, arguments)
    "classifier in batches": ("Classifier", Y, 20, {"n_batches_per_layer": 5, "max_depth": 3, "l2_regularization": 0.01, "learning_rate": 0.3}),
    "center bias": ("Classifier", Y, 100, {"center_bias": True}),
    "weights": ("Classifier", Y, 100, {"weight_column": "w", "l1_regularization": 0.001}),
    "words": ("Classifier", WORDS, 100, {"label_vocabulary": ["n", "y"], "n_trees": 2}),
    "regressor": ("Regressor", R, 100, {"max_depth": 3, "center_bias": True, "n_trees": 2}),
    "pruned after": ("Regressor", R, 20, {"n_batches_per_layer": 5, "tree_complexity": 0.02, "pruning_mode": "post", "n_trees": 2, "max_depth": 4}),
    "pruned before": ("Regressor", R, 100, {"tree_complexity": 0.01, "pruning_mode": "pre"}),
}  # fmt: skip


def columns(tf):
    fc = tf.feature_column
    words = fc.categorical_column_with_vocabulary_list("c", ["a", "b", "c"])
    return [fc.bucketized_column(fc.numeric_column("x0"), [-1, 0, 1.0]), fc.numeric_column("x1"), fc.indicator_column(words)]


def story(tf, name, folder):
    """Train, evaluate, predict, explain."""
    kind, labels, batch, given = PROGRAMS[name]
    dataset = tf.compat.v1.data.Dataset
    arguments = {"n_batches_per_layer": 1, "n_trees": 3, "max_depth": 2, **given}
    config = tf.estimator.RunConfig(tf_random_seed=1)
    made = getattr(tf.estimator, f"BoostedTrees{kind}")(columns(tf), model_dir=folder, config=config, **arguments)
    made.train(lambda: dataset.from_tensor_slices((F, labels)).batch(batch).repeat(), max_steps=100)
    whole = lambda: dataset.from_tensors((F, labels))
    found = list(made.predict(whole))
    key = "logits" if kind == "Classifier" else "predictions"
    result = {
        "metrics": {k: float(v) for k, v in made.evaluate(whole).items()},
        "predictions": [float(p[key][0]) for p in found[:10]],
        "keys": sorted(found[0]),
        "variables": sorted(made.get_variable_names()),
        "importances": [[k, float(v)] for k, v in made.experimental_feature_importances(normalize=True).items()],
    }
    if given.get("center_bias"):
        explained = list(made.experimental_predict_with_explanations(whole))[:4]
        result["explained"] = [[float(e["bias"]), [[k, float(v)] for k, v in e["dfc"].items()]] for e in explained]
    return result
