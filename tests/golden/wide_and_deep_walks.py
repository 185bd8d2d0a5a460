"""Two wide and deep stories: measurements of tumours, and a census written as CSV; penstock and TensorFlow 2.15 run them alike.

`.oracle/tf2.15/bin/python tests/golden/wide_and_deep_walks.py FEATURES.npz` prints TensorFlow's metrics.
"""

import os
import sys
import tempfile

import numpy as np

COLUMNS = ["age", "workclass", "education", "education_num", "occupation", "hours", "income"]
DEFAULTS = [[0.0], [""], [""], [0.0], [""], [0.0], [""]]


def write_census(path, rows, seed):
    """A CSV of people whose income follows from schooling, age and hours, with some noise."""
    rng = np.random.RandomState(seed)
    work, school = ["Private", "State-gov", "Self-emp", "?"], ["HS-grad", "Bachelors", "Masters", "Doctorate", "11th"]
    jobs = ["Tech-support", "Craft-repair", "Sales", "Exec-managerial", "Prof-specialty"]
    with open(path, "w", encoding="utf-8") as f:
        for _ in range(rows):
            age, e, j, hours = rng.randint(18, 80), rng.randint(5), rng.randint(5), rng.randint(10, 70)
            score = 0.03 * min(age, 60) + 0.8 * (e in (1, 2, 3)) + 0.5 * (j in (3, 4)) + 0.03 * hours + rng.normal(0, 0.4)
            f.write(f"{age},{work[rng.randint(4)]},{school[e]},{e + 7},{jobs[j]},{hours},{'>50K' if score > 3.6 else '<=50K'}\n")


def census(tf, folder, model, seed=3):
    """Metrics of a wide and deep classifier of the census, read by tf.data through decode_csv."""
    fc = tf.feature_column
    train, test = os.path.join(folder, "train.csv"), os.path.join(folder, "test.csv")
    write_census(train, 800, 0)
    write_census(test, 400, 1)

    def parse(line):
        values = dict(zip(COLUMNS, tf.io.decode_csv(line, DEFAULTS)))
        return values, tf.equal(values.pop("income"), ">50K")

    def input_fn(path, epochs):
        return lambda: tf.data.TextLineDataset(path).map(parse).repeat(epochs).batch(40)

    age, hours, years = (fc.numeric_column(k) for k in ("age", "hours", "education_num"))
    buckets = fc.bucketized_column(age, boundaries=[18, 25, 30, 35, 40, 45, 50, 55, 60, 65])
    school = fc.categorical_column_with_vocabulary_list("education", ["Bachelors", "HS-grad", "11th", "Masters", "Doctorate"])
    job, work = fc.categorical_column_with_hash_bucket("occupation", 100), fc.categorical_column_with_hash_bucket("workclass", 100)
    wide = [school, job, work, buckets, fc.crossed_column(["education", "occupation"], 1000), fc.crossed_column([buckets, "education", "occupation"], 1000)]
    scaled = lambda k, m, s: fc.numeric_column(k, normalizer_fn=lambda x: (x - m) / s)
    deep = [scaled("age", 49.0, 18.0), scaled("hours", 40.0, 17.0), scaled("education_num", 9.0, 1.5), fc.indicator_column(school), fc.embedding_column(job, 8)]
    del hours, years
    estimator = tf.estimator.DNNLinearCombinedClassifier(
        model_dir=model, linear_feature_columns=wide, dnn_feature_columns=deep, dnn_hidden_units=[32, 16], dnn_optimizer="Adam",
        config=tf.estimator.RunConfig(tf_random_seed=seed)
    )
    estimator.train(input_fn(train, 4))
    return {k: float(v) for k, v in estimator.evaluate(input_fn(test, 1)).items()}


def tumours(tf, features, labels, model):
    """Metrics of a wide and deep classifier of scikit-learn's breast cancer data, 400 examples to learn from."""
    fc = tf.feature_column
    names = [f"f{i}" for i in range(10)]
    columns = {n: features[:, i].astype("f") for i, n in enumerate(names)}

    def input_fn(part, epochs):
        return lambda: tf.data.Dataset.from_tensor_slices(({n: v[part] for n, v in columns.items()}, labels[part])).repeat(epochs).batch(50)

    train, test = slice(0, 400), slice(400, None)
    numbers, wide = [], []
    for n in names:
        mean, std = float(columns[n][train].mean()), float(columns[n][train].std())
        numbers.append(fc.numeric_column(n, normalizer_fn=lambda x, m=mean, s=std: (x - m) / s))
        wide.append(fc.bucketized_column(fc.numeric_column(n), np.quantile(columns[n][train], [0.2, 0.4, 0.6, 0.8]).tolist()))
    wide.append(fc.crossed_column(wide[:2], 64))
    estimator = tf.compat.v1.estimator.DNNLinearCombinedClassifier(
        model_dir=model, linear_feature_columns=wide, dnn_feature_columns=numbers, dnn_hidden_units=[16, 8], dnn_optimizer=lambda: tf.compat.v1.train.AdamOptimizer(0.01),
        config=tf.compat.v1.estimator.RunConfig(tf_random_seed=5) if hasattr(tf.compat.v1.estimator, "RunConfig") else None
    )
    estimator.train(input_fn(train, 8))
    return {k: float(v) for k, v in estimator.evaluate(input_fn(test, 1)).items()}


if __name__ == "__main__":
    import tensorflow

    with np.load(sys.argv[1]) as data, tempfile.TemporaryDirectory() as folder:
        print("tumours", tumours(tensorflow, data["features"], data["labels"], folder + "/a"))
        print("census", census(tensorflow, folder, folder + "/b"))
