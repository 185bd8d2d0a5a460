"""Schedules, moving averages, scopes and templates of 1.x, run by real TensorFlow (make_programs.py) and by the tests."""

import numpy as np

T = lambda tf: tf.train
SCHEDULES = {
    "exponential": lambda tf, s: T(tf).exponential_decay(0.5, s, 4, 0.8),
    "staircase": lambda tf, s: T(tf).exponential_decay(0.5, s, 4, 0.8, staircase=True),
    "piecewise": lambda tf, s: T(tf).piecewise_constant(s, [3, 6], [1.0, 0.5, 0.1]),
    "polynomial": lambda tf, s: T(tf).polynomial_decay(0.5, s, 5, 0.1, power=2.0),
    "polynomial_cycle": lambda tf, s: T(tf).polynomial_decay(0.5, s, 3, 0.1, cycle=True),
    "natural": lambda tf, s: T(tf).natural_exp_decay(0.5, s, 4, 0.8),
    "inverse": lambda tf, s: T(tf).inverse_time_decay(0.5, s, 4, 0.8, staircase=True),
    "cosine": lambda tf, s: T(tf).cosine_decay(0.5, s, 6, alpha=0.1),
    "restarts": lambda tf, s: T(tf).cosine_decay_restarts(0.5, s, 2, t_mul=2.0, m_mul=0.9),
    "restarts_even": lambda tf, s: T(tf).cosine_decay_restarts(0.5, s, 3, t_mul=1.0),
    "linear_cosine": lambda tf, s: T(tf).linear_cosine_decay(0.5, s, 6),
}


def schedules(tf):
    with tf.Graph().as_default():
        step = tf.train.get_or_create_global_step()
        rates = {k: f(tf, step) for k, f in SCHEDULES.items()}
        up = tf.assign_add(step, 1)
        found = {k: [] for k in rates}
        with tf.Session() as sess:
            sess.run(tf.global_variables_initializer())
            for _ in range(9):
                for k, v in sess.run(rates).items():
                    found[k].append(v)
                sess.run(up)
    return {k: np.array(v) for k, v in found.items()}


def averages(tf):
    found = {}
    for debias in (False, True):
        for updates in (None, 3):
            with tf.Graph().as_default():
                w = tf.get_variable("a/w", initializer=np.array([1.0, 2.0], np.float32))
                n = tf.Variable(updates or 0, trainable=False, name="n")
                ema = tf.train.ExponentialMovingAverage(0.9, num_updates=None if updates is None else n, zero_debias=debias)
                doubled = w * 2.0
                op = ema.apply([w, doubled])
                grow = tf.assign_add(w, [1.0, 1.0])
                key = "%s-%s/" % (debias, updates)
                with tf.Session() as sess:
                    sess.run(tf.global_variables_initializer())
                    for _ in range(3):
                        sess.run(grow)
                        sess.run(op)
                    found[key + "w"], found[key + "doubled"] = sess.run([ema.average(w), ema.average(doubled)])
                found[key + "names"] = np.array(sorted(v.op.name for v in tf.global_variables()))
                found[key + "restore"] = np.array(sorted(ema.variables_to_restore()))
                found[key + "op"] = np.array(op.name)
    return found


def scopes(tf):
    with tf.Graph().as_default():
        names = []
        zeros = tf.zeros_initializer()
        with tf.variable_scope("a", reuse=tf.AUTO_REUSE, dtype=tf.float64) as a:
            v = tf.get_variable("v", [2], initializer=zeros)
            names += [v.name, v.dtype.base_dtype.name, a.name, a.original_name_scope, tf.get_variable_scope().name]
            with tf.variable_scope("b"):
                names += [tf.get_variable("v", [2], initializer=zeros).name, tf.constant(1.0).op.name]
            with tf.variable_scope(a):
                names += [str(tf.get_variable("v", [2], initializer=zeros) is v), tf.constant(1.0).op.name]
        with tf.variable_scope(a, auxiliary_name_scope=False) as again:
            names += [again.name, again.original_name_scope, tf.constant(1.0).op.name]
        for _ in range(3):
            with tf.variable_scope(None, default_name="d") as d:
                names += [d.name, tf.get_variable("x", [1], initializer=zeros).name]
        with tf.name_scope("outer"), tf.variable_scope("e"):
            names += [tf.get_variable("x", [1], initializer=zeros).name, tf.Variable(1.0, name="y").name, tf.constant(1.0).op.name]
        with tf.variable_scope("p", partitioner=tf.fixed_size_partitioner(3)):
            parts = tf.get_variable("w", [7, 2], initializer=zeros)
            names += [p.name + str(p.shape.as_list()) + p._get_save_slice_info().spec for p in parts]
            names += [tf.convert_to_tensor(parts).op.name]

        def getter(getter, name, *args, **kwargs):
            return getter(name + "_x", *args, **kwargs)

        with tf.variable_scope("g", custom_getter=getter, initializer=zeros):
            names += [tf.get_variable("q", [1]).name, tf.get_local_variable("l", [1]).name]
        scale = tf.make_template("scale", lambda x: x * tf.get_variable("by", [], initializer=zeros))
        names += [scale(1.0).op.name, scale(2.0).op.name, scale.variables[0].name, scale.variable_scope.name]
        other = tf.make_template("scale", lambda x: x * tf.get_variable("by", [], initializer=zeros))
        names += [other(1.0).op.name, other.variables[0].name]
        names += [v.name for v in tf.global_variables()] + [v.name for v in tf.local_variables()] + [v.name for v in tf.trainable_variables("a/")]
        errors = []
        for attempt in (
            lambda: tf.get_variable("a/v", [2]), lambda: tf.get_variable("new"), lambda: tf.get_variable("new", [None]),
            lambda: tf.variable_scope(None), lambda: tf.get_variable("new", [1], initializer=tf.constant([1.0])),
            lambda: tf.Variable(), lambda: tf.get_variable("p/w", [7, 2]),
        ):  # fmt: skip
            try:
                attempt()
                errors.append("none")
            except Exception as e:  # noqa: BLE001
                errors.append([c.__name__ for c in type(e).__mro__ if c.__module__ == "builtins"][0])
        return {"names": np.array(names), "errors": np.array(errors)}


PROGRAMS = {"schedules": schedules, "averages": averages, "scopes": scopes}
