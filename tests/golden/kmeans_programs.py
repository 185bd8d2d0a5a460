"""K-means programs that run on TensorFlow 2.15 and here."""

import numpy as np

X = np.concatenate([np.random.RandomState(i).randn(30, 2) * 0.3 + c for i, c in enumerate([(0, 0), (3, 3), (-3, 2)])]).astype(np.float32)
PROGRAMS = {
    "random": {"seed": 3},
    "k-means++": {"initial_clusters": "kmeans_plus_plus", "seed": 3},
    "given": {"initial_clusters": X[[0, 31, 62]]},
    "whole batches": {"use_mini_batch": False, "seed": 3, "initial_clusters": "kmeans_plus_plus"},
    "cosine": {"distance_metric": "cosine", "seed": 1},
    "cosine, whole batches": {"distance_metric": "cosine", "initial_clusters": X[:3], "use_mini_batch": False},
    "stops": {"use_mini_batch": False, "relative_tolerance": 0.1, "initial_clusters": X[:3]},
}


def story(tf, name, folder):
    """Train, score, predict."""
    inputs = lambda: tf.compat.v1.data.Dataset.from_tensors(X).repeat()
    config = tf.estimator.RunConfig(tf_random_seed=5)
    made = tf.compat.v1.estimator.experimental.KMeans(3, folder, config=config, **PROGRAMS[name])
    scores = []
    for _ in range(2):
        made.train(inputs, steps=3)
        scores.append(float(made.score(inputs)))
    return {
        "scores": scores,
        "centers": np.asarray(made.cluster_centers()).astype(float).tolist(),
        "variables": sorted(made.get_variable_names()),
        "step": int(made.get_variable_value("global_step")),
        "index": int(next(iter(made.predict_cluster_index(inputs)))),
        "distances": next(iter(made.transform(inputs))).astype(float).tolist(),
    }
