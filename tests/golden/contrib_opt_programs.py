"""Optimizers of tf.contrib.opt, run by real TensorFlow 1.15 (make_contrib.py) and by the tests: names and numbers."""

import numpy as np


def numbers(*shape, **how):
    return (np.sin(np.arange(int(np.prod(shape)), dtype=np.float32) * how.get("step", 1.3) + how.get("at", 0.2)) * 0.5).reshape(shape)


OPTIMIZERS = {
    "adamw": lambda tf, O: O.AdamWOptimizer(0.01, 0.1),
    "momentumw": lambda tf, O: O.MomentumWOptimizer(0.01, 0.1, 0.9),
    "extended": lambda tf, O: O.extend_with_decoupled_weight_decay(tf.train.RMSPropOptimizer)(weight_decay=0.02, learning_rate=0.1),
    "lazy_adam": lambda tf, O: O.LazyAdamOptimizer(0.1),
    "nadam": lambda tf, O: O.NadamOptimizer(0.1),
    "adamax": lambda tf, O: O.AdaMaxOptimizer(0.1),
    "lars": lambda tf, O: O.LARSOptimizer(0.5, eeta=0.1, weight_decay=0.01),
    "lars_nesterov": lambda tf, O: O.LARSOptimizer(0.5, eeta=0.1, skip_list=["dense"], use_nesterov=True),
    "addsign": lambda tf, O: O.AddSignOptimizer(0.1),
    "powersign": lambda tf, O: O.PowerSignOptimizer(0.1, beta=0.8),
    "averaged": lambda tf, O: O.MovingAverageOptimizer(tf.train.GradientDescentOptimizer(0.1), 0.5),
    "multitask": lambda tf, O: O.MultitaskOptimizerWrapper(tf.train.MomentumOptimizer(0.1, 0.9)),
}


def optimize(tf, make, sparse):
    table = tf.get_variable("table", initializer=tf.constant(numbers(4, 3)), use_resource=True)
    dense = tf.get_variable("dense", initializer=tf.constant(numbers(3, 2, at=1.0)), use_resource=True)
    rows = tf.nn.embedding_lookup(table, [1, 3, 1]) if sparse else table
    loss = tf.reduce_sum(tf.square(tf.matmul(rows, dense) - 1.0))
    step = tf.train.get_or_create_global_step()
    optimizer = make(tf, tf.contrib.opt)
    grads = optimizer.compute_gradients(loss)
    with tf.control_dependencies([g.values if isinstance(g, tf.IndexedSlices) else g for g, _ in grads]):
        op = optimizer.apply_gradients(grads, global_step=step)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for _ in range(4):
            sess.run(op)
        found = {v.op.name: sess.run(v) for v in tf.global_variables()}
        found["names"] = np.array(sorted(v.op.name for v in tf.global_variables()))
        return found


def clipped(tf):
    a = tf.get_variable("a", initializer=tf.constant(numbers(4, 3)))
    op = tf.contrib.opt.VariableClippingOptimizer(tf.train.GradientDescentOptimizer(1.0), {a: [1]}, 0.6).minimize(tf.reduce_sum(-a))
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        sess.run(op)
        return {"a": sess.run(a), "names": np.array(["a"])}


def scipy(tf, constrained):
    v = tf.Variable([7.0, 7.0], name="vector")
    if constrained:
        optimizer = tf.contrib.opt.ScipyOptimizerInterface(tf.reduce_sum(tf.square(v)), equalities=[v[1] - 2.0], inequalities=[v[0] - 1.0], method="SLSQP")
    else:
        optimizer = tf.contrib.opt.ScipyOptimizerInterface(tf.reduce_sum(tf.square(v - [1.0, 3.0])), var_to_bounds={v: ([2.0, -np.inf], np.inf)}, options={"maxiter": 100})
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        optimizer.minimize(sess)
        return {"v": sess.run(v), "names": np.array([v.name])}


PROGRAMS = {}
for _name, _make in OPTIMIZERS.items():
    PROGRAMS[_name] = lambda tf, make=_make: optimize(tf, make, False)
    if _name not in ("addsign", "powersign", "lars", "lars_nesterov"):
        PROGRAMS[_name + "_sparse"] = lambda tf, make=_make: optimize(tf, make, True)
PROGRAMS["clipped"] = clipped
PROGRAMS["scipy"] = lambda tf: scipy(tf, False)
PROGRAMS["scipy_constrained"] = lambda tf: scipy(tf, True)
LOOSE = {"scipy": 1e-3, "scipy_constrained": 1e-3}


def run(tf, name):
    with tf.Graph().as_default():
        return PROGRAMS[name](tf)
