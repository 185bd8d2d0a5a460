"""Wide and deep classifiers: tumours of scikit-learn's data, and the incomes of a census that this program writes as CSV.

    python wide_and_deep.py                 on TensorFlow 1.15 or 2.15
    penstock run examples/wide_and_deep.py  on penstock
"""

import argparse
import os
import tempfile

import numpy as np
import tensorflow as tf
from sklearn.datasets import load_breast_cancer

fc = tf.feature_column
COLUMNS = ["age", "workclass", "education", "education_num", "occupation", "hours_per_week", "income"]
DEFAULTS = [[0.0], [""], [""], [0.0], [""], [0.0], [""]]
SCHOOLS = ["HS-grad", "Bachelors", "Masters", "Doctorate", "11th"]


def write_census(path, rows, seed):
    """People whose income follows from schooling, occupation, age and hours, with some noise."""
    rng = np.random.RandomState(seed)
    work, jobs = ["Private", "State-gov", "Self-emp", "?"], ["Tech-support", "Craft-repair", "Sales", "Exec-managerial", "Prof-specialty"]
    with open(path, "w") as f:
        for _ in range(rows):
            age, school, job, hours = rng.randint(18, 80), rng.randint(5), rng.randint(5), rng.randint(10, 70)
            score = 0.03 * min(age, 60) + 0.8 * (school in (1, 2, 3)) + 0.5 * (job in (3, 4)) + 0.03 * hours + rng.normal(0, 0.4)
            row = [age, work[rng.randint(4)], SCHOOLS[school], school + 7, jobs[job], hours, ">50K" if score > 3.6 else "<=50K"]
            f.write(",".join(str(v) for v in row) + "\n")


def census_columns():
    scaled = lambda key, mean, scale: fc.numeric_column(key, normalizer_fn=lambda x: (x - mean) / scale)
    buckets = fc.bucketized_column(fc.numeric_column("age"), boundaries=[18, 25, 30, 35, 40, 45, 50, 55, 60, 65])
    school = fc.categorical_column_with_vocabulary_list("education", SCHOOLS)
    job, work = (fc.categorical_column_with_hash_bucket(k, 100) for k in ("occupation", "workclass"))
    crossed = [fc.crossed_column(["education", "occupation"], 1000), fc.crossed_column([buckets, "education", "occupation"], 1000)]
    deep = [scaled("age", 49.0, 18.0), scaled("hours_per_week", 40.0, 17.0), fc.indicator_column(school), fc.embedding_column(job, 8)]
    return [school, job, work, buckets] + crossed, deep


def census_input(path, epochs):
    def parse(line):
        features = dict(zip(COLUMNS, tf.io.decode_csv(line, DEFAULTS)))
        return features, tf.equal(features.pop("income"), ">50K")

    return lambda: tf.compat.v1.data.TextLineDataset(path).map(parse).repeat(epochs).batch(40)


def classifier(folder, wide, deep, hidden):
    return tf.estimator.DNNLinearCombinedClassifier(
        model_dir=folder, linear_feature_columns=wide, dnn_feature_columns=deep, dnn_hidden_units=hidden, dnn_optimizer="Adam",
        config=tf.estimator.RunConfig(tf_random_seed=3),
    )  # fmt: skip


def report(name, metrics):
    print("%s: held-out accuracy %.1f %%, AUC %.3f after %d steps" % (name, 100 * metrics["accuracy"], metrics["auc"], metrics["global_step"]))


def main(epochs):
    folder = tempfile.mkdtemp()
    paths = [os.path.join(folder, n) for n in ("train.csv", "test.csv")]
    for path, rows, seed in zip(paths, (2000, 1000), (0, 1)):
        write_census(path, rows, seed)
    incomes = classifier(os.path.join(folder, "census"), *census_columns(), hidden=[32, 16])
    for epoch in range(epochs):
        incomes.train(census_input(paths[0], 1))
        print("census: epoch %d of %d, loss %.3f" % (epoch + 1, epochs, incomes.evaluate(census_input(paths[1], 1))["average_loss"]))
    report("census", incomes.evaluate(census_input(paths[1], 1)))

    data = load_breast_cancer()
    order = np.random.RandomState(0).permutation(len(data.target))
    values, labels = data.data[order].astype(np.float32), data.target[order]
    names = ["f%d" % i for i in range(10)]
    part = lambda s: ({n: values[s, i] for i, n in enumerate(names)}, labels[s])
    train, test = slice(0, 400), slice(400, None)
    deep, wide = [], []
    for i, n in enumerate(names):
        known = values[train, i]
        deep.append(fc.numeric_column(n, normalizer_fn=lambda x, m=float(known.mean()), s=float(known.std()): (x - m) / s))
        wide.append(fc.bucketized_column(fc.numeric_column(n), np.quantile(known, [0.2, 0.4, 0.6, 0.8]).tolist()))
    wide.append(fc.crossed_column(wide[:2], 64))
    tumours = classifier(os.path.join(folder, "tumours"), wide, deep, hidden=[16, 8])
    dataset = tf.compat.v1.data.Dataset
    tumours.train(lambda: dataset.from_tensor_slices(part(train)).repeat(8 * epochs).batch(50))
    report("tumours", tumours.evaluate(lambda: dataset.from_tensor_slices(part(test)).batch(50)))


if __name__ == "__main__":
    tf.compat.v1.logging.set_verbosity("ERROR")
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=5, help="times to go through the census")
    main(parser.parse_args().epochs)
