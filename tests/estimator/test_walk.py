"""Whole stories with Estimators: a CNN on digits, a run that is killed, a damaged checkpoint, early stopping, warm start."""

import glob

import numpy as np
import pytest

import penstock as tf

v1 = tf.compat.v1


@pytest.fixture(scope="module")
def digits():
    from sklearn.datasets import load_digits

    found = load_digits()
    return (found.images / 16.0).astype(np.float32)[..., None], found.target.astype(np.int64)


def cnn(features, labels, mode, params):
    """The model function of the tutorials, for 8 x 8 images."""
    net = v1.layers.conv2d(features["x"], 16, 3, padding="same", activation=tf.nn.relu)
    net = v1.layers.max_pooling2d(net, 2, 2)
    net = v1.layers.dense(v1.layers.flatten(net), 32, activation=tf.nn.relu)
    net = v1.layers.dropout(net, 0.2, training=mode == tf.estimator.ModeKeys.TRAIN)
    logits = v1.layers.dense(net, 10)
    predictions = {"classes": tf.argmax(logits, 1), "probabilities": tf.nn.softmax(logits, name="softmax_tensor")}
    if mode == tf.estimator.ModeKeys.PREDICT:
        return tf.estimator.EstimatorSpec(mode, predictions=predictions)
    loss = v1.losses.sparse_softmax_cross_entropy(labels=labels, logits=logits)
    if mode == tf.estimator.ModeKeys.TRAIN:
        train = v1.train.AdamOptimizer(params["rate"]).minimize(loss, v1.train.get_global_step())
        return tf.estimator.EstimatorSpec(mode, loss=loss, train_op=train)
    accuracy = v1.metrics.accuracy(labels, predictions["classes"])
    return tf.estimator.EstimatorSpec(mode, loss=loss, eval_metric_ops={"accuracy": accuracy})


def test_a_cnn_learns_digits(digits, tmp_path):
    x, y = digits
    estimator = tf.estimator.Estimator(cnn, str(tmp_path), tf.estimator.RunConfig(tf_random_seed=3), {"rate": 5e-3})
    train = v1.estimator.inputs.numpy_input_fn({"x": x[:1500]}, y[:1500], batch_size=100, num_epochs=None, shuffle=True)
    test = v1.estimator.inputs.numpy_input_fn({"x": x[1500:]}, y[1500:], num_epochs=1, shuffle=False)
    log = v1.train.LoggingTensorHook({"probabilities": "softmax_tensor"}, every_n_iter=50)
    estimator.train(train, steps=120, hooks=[log])
    result = estimator.evaluate(test)
    assert sorted(result) == ["accuracy", "global_step", "loss"] and result["global_step"] == 120 and result["accuracy"] > 0.85
    predictions = list(estimator.predict(test))
    assert len(predictions) == 297 and np.isclose(predictions[0]["probabilities"].sum(), 1, atol=1e-5)
    assert abs(np.mean([p["classes"] for p in predictions] == y[1500:]) - result["accuracy"]) < 1e-6


def counting(folder, **config):
    """An Estimator whose only variable counts the steps, and its input."""

    def model_fn(features, labels, mode):
        w = v1.get_variable("w", [2], initializer=v1.zeros_initializer())
        loss = tf.reduce_sum(tf.square(w - 1.0)) + 0.0 * tf.reduce_sum(features)
        if mode == tf.estimator.ModeKeys.PREDICT:
            return tf.estimator.EstimatorSpec(mode, predictions={"w": tf.expand_dims(w, 0)})
        op = v1.group(v1.assign_add(w, [1.0, 2.0]), v1.assign_add(v1.train.get_global_step(), 1))
        return tf.estimator.EstimatorSpec(mode, loss=loss, train_op=op)

    made = tf.estimator.Estimator(model_fn, folder, tf.estimator.RunConfig(**{"save_checkpoints_steps": 10, **config}))
    return made, lambda: v1.data.Dataset.from_tensors(([1.0], [1.0])).repeat()


class Kill(tf.estimator.SessionRunHook):
    """Ends a training as if the machine went away."""

    def __init__(self, at):
        self.left = at

    def after_run(self, run_context, run_values):
        self.left -= 1
        if not self.left:
            raise KeyboardInterrupt


def test_a_killed_training_resumes_from_its_last_checkpoint(tmp_path):
    estimator, data = counting(str(tmp_path))
    with pytest.raises(KeyboardInterrupt):
        estimator.train(data, steps=100, hooks=[Kill(25)])
    assert estimator.latest_checkpoint().endswith("model.ckpt-20")
    again, data = counting(str(tmp_path))
    again.train(data, max_steps=40)
    assert again.get_variable_value("w").tolist() == [40.0, 80.0] and again.get_variable_value("global_step") == 40


def test_a_damaged_checkpoint_gives_way_to_the_one_before(tmp_path, caplog):
    estimator, data = counting(str(tmp_path))
    estimator.train(data, max_steps=30)
    (path,) = glob.glob(str(tmp_path / "model.ckpt-30.data*"))
    with open(path, "r+b") as file:
        file.seek(1)
        file.write(b"\xff\xff")
    tf.get_logger().propagate = True
    estimator.train(data, steps=5)
    assert "model.ckpt-30 is damaged" in caplog.text and estimator.get_variable_value("w").tolist() == [25.0, 50.0]


def test_evaluation_passes_over_a_damaged_checkpoint(tmp_path, caplog):
    estimator, data = counting(str(tmp_path))
    estimator.train(data, max_steps=30)
    (path,) = glob.glob(str(tmp_path / "model.ckpt-30.data*"))
    with open(path, "r+b") as file:
        file.seek(1)
        file.write(b"\xff\xff")
    tf.get_logger().propagate = True
    assert estimator.evaluate(data, steps=1)["global_step"] == 20
    assert "model.ckpt-30 is damaged" in caplog.text
    estimator.train(data, max_steps=30)
    assert estimator.evaluate(data, steps=1)["global_step"] == 30


def test_hooks_stop_a_training_early(tmp_path):
    estimator, data = counting(str(tmp_path))
    hook = tf.estimator.experimental.make_early_stopping_hook(estimator, lambda: True, run_every_secs=None, run_every_steps=7)
    estimator.train(data, max_steps=20, hooks=[hook])
    assert estimator.get_variable_value("global_step") == 1 and "signal_early_stopping/STOP" in estimator.get_variable_names()
    other, data = counting(str(tmp_path / "other"))
    evaluated = lambda: v1.data.Dataset.from_tensors(([1.0], [1.0])).repeat(3)
    memory = tf.estimator.experimental.InMemoryEvaluatorHook(other, evaluated, every_n_iter=4)
    stop = tf.estimator.experimental.stop_if_no_decrease_hook(other, "loss", 8, run_every_secs=None, run_every_steps=1)
    other.train(data, max_steps=50, hooks=[memory, stop])
    assert 8 <= other.get_variable_value("global_step") < 20


def test_more_metrics_warm_start_and_parameters(tmp_path):
    estimator, data = counting(str(tmp_path / "a"))
    estimator.train(data, max_steps=3)
    once = lambda: v1.data.Dataset.from_tensors(([1.0], [1.0]))
    more = tf.estimator.add_metrics(estimator, lambda labels, features: {"both": v1.metrics.mean(labels + features)})
    assert more.evaluate(once)["both"] == 2.0
    warm = tf.estimator.Estimator(estimator._model_fn, str(tmp_path / "b"), warm_start_from=tf.estimator.WarmStartSettings(str(tmp_path / "a"), ".*"))
    assert next(warm.predict(once))["w"].tolist() == [3.0, 6.0]
    warm.train(data, steps=1)
    assert warm.get_variable_value("w").tolist() == [4.0, 8.0] or warm.get_variable_value("global_step") == 1
    with pytest.raises(ValueError, match="Could not find trained model"):
        tf.estimator.Estimator(estimator._model_fn, str(tmp_path / "c")).get_variable_names()
