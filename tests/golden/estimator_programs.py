"""Programs with Estimators that run on TensorFlow 2.15 and here; each gives a dictionary of plain values."""

import glob
import os
import struct

import numpy as np

X = np.random.RandomState(0).randn(64, 3).astype(np.float32)
Y = (X @ np.array([1.0, -2.0, 0.5]) + 0.3).astype(np.float32)


def events(tf, folder):
    """(kind, step, what) of each event in the files of a folder, without the steps per second."""
    found = []
    for path in sorted(glob.glob(os.path.join(folder, "events*"))):
        with open(path, "rb") as file:
            data = file.read()
        at = 0
        while at < len(data):
            (n,) = struct.unpack("<Q", data[at : at + 8])
            e = tf.compat.v1.Event.FromString(data[at + 12 : at + 12 + n])
            at += n + 16
            kind = e.WhichOneof("what")
            if kind == "summary":
                found += [[kind, e.step, v.tag, 0.0 if "/sec" in v.tag else v.simple_value] for v in e.summary.value]
            else:
                found.append([kind, e.step, str(e.session_log.status) if kind == "session_log" else "", 0.0])
    return found


def model_fn_of(tf):
    v1 = tf.compat.v1

    def model_fn(features, labels, mode, params):
        x = features["x"]
        w = v1.get_variable("w", [3, 1], initializer=v1.glorot_uniform_initializer())
        b = v1.get_variable("b", [1], initializer=v1.zeros_initializer())
        p = tf.squeeze(tf.matmul(x, w) + b, -1)
        if mode == tf.estimator.ModeKeys.PREDICT:
            output = tf.estimator.export.PredictOutput({"p": p})
            return tf.estimator.EstimatorSpec(mode, predictions={"p": p, "x": x}, export_outputs={"serving_default": output})
        loss = tf.reduce_mean(tf.square(p - labels))
        if mode == tf.estimator.ModeKeys.EVAL:
            return tf.estimator.EstimatorSpec(mode, loss=loss, eval_metric_ops={"mae": v1.metrics.mean_absolute_error(labels, p)})
        v1.summary.scalar("mse", loss)
        op = v1.train.GradientDescentOptimizer(params["lr"]).minimize(loss, global_step=v1.train.get_global_step())
        return tf.estimator.EstimatorSpec(mode, loss=loss, train_op=op)

    return model_fn


def linear(tf, folder):
    """A custom model function: train, evaluate, train on, predict, export."""
    dataset = tf.compat.v1.data.Dataset.from_tensor_slices
    train_input = lambda: dataset(({"x": X}, Y)).repeat().batch(16)
    eval_input = lambda: dataset(({"x": X}, Y)).batch(16)
    config = tf.estimator.RunConfig(tf_random_seed=7, save_checkpoints_steps=20, save_summary_steps=10, log_step_count_steps=10)
    est = tf.estimator.Estimator(model_fn_of(tf), folder, config, {"lr": 0.1})
    est.train(train_input, steps=30)
    first = est.evaluate(eval_input)
    est.train(train_input, max_steps=50)
    est.train(train_input, max_steps=50)
    second = est.evaluate(eval_input, steps=2, name="two")
    predictions = [float(p["p"]) for p in est.predict(eval_input)]
    with open(os.path.join(folder, "checkpoint")) as file:
        state = file.read()
    names = sorted(os.path.basename(f) for f in glob.glob(os.path.join(folder, "*")))
    return {
        "first": {k: float(v) for k, v in first.items()},
        "second": {k: float(v) for k, v in second.items()},
        "variables": {n: np.asarray(est.get_variable_value(n)).ravel().tolist() for n in est.get_variable_names()},
        "predictions": predictions,
        "state": state,
        "files": [n for n in names if not n.startswith("events")],
        "events": events(tf, folder),
        "eval_events": events(tf, est.eval_dir()) + events(tf, est.eval_dir("two")),
    }


def input_fns(tf, folder):
    """The batches of numpy_input_fn and pandas_input_fn, and their names in the graph."""
    v1 = tf.compat.v1
    made = {}
    x = {"b": np.arange(10), "a": np.arange(20.0).reshape(10, 2)}
    cases = {
        "plain": dict(x=x, y=np.arange(10) * 2, batch_size=4, shuffle=False, num_epochs=1),
        "two epochs": dict(x=x, y=None, batch_size=4, shuffle=False, num_epochs=2),
        "array": dict(x=np.arange(6.0), y=np.arange(6), batch_size=4, shuffle=False, num_epochs=1),
        "labels": dict(x=np.arange(6.0), y={"p": np.arange(6), "q": np.arange(12).reshape(6, 2)}, batch_size=6, shuffle=False),
    }
    for name, kwargs in cases.items():
        with tf.Graph().as_default():
            result = v1.estimator.inputs.numpy_input_fn(**kwargs)()
            leaves = tf.nest.flatten(result)
            batches = []
            with v1.train.MonitoredSession() as sess:
                while not sess.should_stop():
                    batches.append([v.tolist() for v in tf.nest.flatten(sess.run(result))])
            made[name] = {"tensors": [[t.name, t.dtype.name, str(t.shape)] for t in leaves], "batches": batches}
    return made


def train_and_evaluate(tf, folder):
    """The local loop of training and evaluation: which folders and exports it leaves."""
    v1 = tf.compat.v1
    dataset = v1.data.Dataset.from_tensor_slices
    train_input = lambda: dataset(({"x": X}, Y)).repeat().batch(16)
    eval_input = lambda: dataset(({"x": X}, Y)).batch(16)

    def serving():
        x = v1.placeholder(tf.float32, [None, 3], name="inx")
        return tf.estimator.export.ServingInputReceiver({"x": x}, {"inp": x})

    config = tf.estimator.RunConfig(tf_random_seed=7, save_checkpoints_steps=10)
    est = tf.estimator.Estimator(model_fn_of(tf), folder, config, {"lr": 0.05})
    exporters = [tf.estimator.FinalExporter("final", serving), tf.estimator.LatestExporter("latest", serving, exports_to_keep=2),
                 tf.estimator.BestExporter("best", serving, exports_to_keep=2)]  # fmt: skip
    seen = []

    class Listener(tf.estimator.CheckpointSaverListener):
        def before_save(self, session, step):
            seen.append(["before", int(step)])

        def after_save(self, session, step):
            seen.append(["after", int(step)])

    train_spec = tf.estimator.TrainSpec(train_input, max_steps=30, saving_listeners=[Listener()])
    eval_spec = tf.estimator.EvalSpec(eval_input, steps=None, exporters=exporters, throttle_secs=0, start_delay_secs=0)
    result, exports = tf.estimator.train_and_evaluate(est, train_spec, eval_spec)
    folders = {n: len(glob.glob(os.path.join(folder, "export", n, "[0-9]*"))) for n in ("final", "latest", "best")}
    return {"result": {k: float(v) for k, v in result.items()}, "exports": [type(e).__name__ for e in exports], "folders": folders, "seen": seen,
            "evaluations": sorted({e[1] for e in events(tf, est.eval_dir()) if e[0] == "summary"})}  # fmt: skip


PROGRAMS = {"linear": linear, "input_fns": input_fns, "train_and_evaluate": train_and_evaluate}
