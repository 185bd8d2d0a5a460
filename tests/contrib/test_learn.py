"""`tf.contrib.learn` and its columns; the values of the linear models are those of TensorFlow 1.15.5."""

import numpy as np
import pytest

import penstock.compat.v1 as tf

learn, layers = tf.contrib.learn, tf.contrib.layers


@pytest.fixture(scope="module")
def people():
    rng = np.random.RandomState(0)
    age = rng.randint(18, 70, 100).astype(np.float32)
    edu, sex = rng.choice(["ba", "ma", "phd"], 100), rng.choice(["m", "f"], 100)
    label = ((age > 40) & (sex == "m")).astype(np.int64)

    def sparse(values):
        return tf.SparseTensor([[i, 0] for i in range(100)], list(values), [100, 1])

    return lambda: ({"age": tf.constant(age), "edu": sparse(edu), "sex": sparse(sex)}, tf.constant(label))


def test_a_linear_classifier_of_old_columns_is_that_of_tensorflow(people, tmp_path):
    age, sex = layers.real_valued_column("age"), layers.sparse_column_with_keys("sex", ["f", "m"])
    edu, buckets = layers.sparse_column_with_hash_bucket("edu", 50), layers.bucketized_column(age, [25, 35, 45, 60])
    wide = [sex, edu, buckets, layers.crossed_column([edu, buckets], 1000)]
    ftrl = tf.train.FtrlOptimizer(0.1, l1_regularization_strength=1.0, l2_regularization_strength=1.0)
    model = learn.LinearClassifier(wide, str(tmp_path), optimizer=ftrl).fit(input_fn=people, steps=50)
    found = model.evaluate(input_fn=people, steps=1)
    np.testing.assert_allclose([found["loss"], found["auc"], found["labels/prediction_mean"]], [0.39141604, 0.99155295, 0.24119614], rtol=1e-5)
    np.testing.assert_allclose(model.get_variable_value("linear/sex/weights").ravel(), [-0.62869304, 0.116864], rtol=1e-5)
    assert wide[3].name == "age_bucketized_X_edu"


def test_wide_and_deep(people, tmp_path):
    edu, sex = layers.sparse_column_with_hash_bucket("edu", 50), layers.sparse_column_with_keys("sex", ["f", "m"])
    deep = [layers.embedding_column(edu, 4), layers.one_hot_column(sex), layers.real_valued_column("age")]
    model = learn.DNNLinearCombinedClassifier(str(tmp_path), linear_feature_columns=[sex, edu], dnn_feature_columns=deep, dnn_hidden_units=[4])
    model.fit(input_fn=people, steps=4)
    assert model.get_variable_value("dnn/hiddenlayer_0/weights").shape == (7, 4)
    assert model.get_variable_value("dnn/input_from_feature_columns/edu_embedding/weights").shape == (50, 4)
    assert model.evaluate(input_fn=people, steps=1)["global_step"] >= 4


def test_a_deep_classifier_of_arrays(tmp_path):
    x = np.random.RandomState(0).randn(60, 4)
    y = (x[:, 0] > 0).astype(int) + (x[:, 0] > 1)
    model = learn.DNNClassifier([10], learn.infer_real_valued_columns_from_input(x), str(tmp_path), n_classes=3)
    with pytest.raises(learn.NotFittedError, match="Couldn't find trained model"):
        model.evaluate(x, y)
    assert model.fit(x=x, y=y, steps=60) is model
    found = model.evaluate(x=x, y=y)
    assert set(found) == {"accuracy", "loss", "global_step"} and found["accuracy"] > 0.7
    assert len(list(model.predict_classes(x[:5]))) == 5 and model.predict(x[:7], as_iterable=False).shape == (7,)
    assert learn.SKCompat(model).predict(x[:3])["probabilities"].shape == (3, 3)
    spec = learn.MetricSpec(tf.contrib.metrics.streaming_accuracy, prediction_key="classes")
    assert model.evaluate(x, y, metrics={"again": spec})["again"] == found["accuracy"]
    with pytest.raises(ValueError, match="both input_fn and x or y"):
        model.fit(x=x, y=y, input_fn=lambda: None)


def test_a_model_function_and_an_experiment(tmp_path):
    x = np.random.RandomState(0).randn(20, 4).astype(np.float32)

    def model_fn(features, labels, mode, params):
        value = tf.squeeze(tf.matmul(features, tf.get_variable("w", [4, 1])), 1)
        if mode == learn.ModeKeys.INFER:
            return learn.ModelFnOps(mode, {"p": value})
        loss = tf.losses.mean_squared_error(labels, value)
        train = layers.optimize_loss(loss, tf.train.get_global_step(), params.rate, "SGD")
        return learn.ModelFnOps(mode, {"p": value}, loss, train)

    def experiment_fn(run_config, hparams):
        def data():
            return tf.constant(x), tf.constant(x[:, 0])

        return learn.Experiment(learn.Estimator(model_fn, config=run_config, params=hparams), data, data, train_steps=60, eval_steps=1)

    config = learn.RunConfig(model_dir=str(tmp_path))
    found, exports = learn.learn_runner.run(experiment_fn, run_config=config, schedule="train_and_evaluate", hparams=tf.contrib.training.HParams(rate=0.1))
    assert found["loss"] < 0.1 and found["global_step"] == 60 and exports == []


def test_csv_files(tmp_path):
    (tmp_path / "iris.csv").write_text("2,3,a,b\n1,2,3,0\n4,5,6,2\n")
    read = learn.datasets.base.load_csv_with_header(str(tmp_path / "iris.csv"), target_dtype=np.int64, features_dtype=np.float32)
    assert read.data.tolist() == [[1, 2, 3], [4, 5, 6]] and read.target.tolist() == [0, 2]
