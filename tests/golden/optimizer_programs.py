"""Small 1.x training programs, run by real TensorFlow (make_optimizers.py) and by the tests."""

import numpy as np

OPTIMIZERS = {
    "sgd": lambda tf, gs: tf.train.GradientDescentOptimizer(0.1),
    "momentum": lambda tf, gs: tf.train.MomentumOptimizer(0.1, 0.9),
    "nesterov": lambda tf, gs: tf.train.MomentumOptimizer(0.1, 0.9, use_nesterov=True),
    "adam": lambda tf, gs: tf.train.AdamOptimizer(0.1),
    "adagrad": lambda tf, gs: tf.train.AdagradOptimizer(0.1),
    "adagrad_da": lambda tf, gs: tf.train.AdagradDAOptimizer(0.1, gs, l1_regularization_strength=0.01),
    "adadelta": lambda tf, gs: tf.train.AdadeltaOptimizer(1.0),
    "rms": lambda tf, gs: tf.train.RMSPropOptimizer(0.05, momentum=0.5),
    "rms_centered": lambda tf, gs: tf.train.RMSPropOptimizer(0.05, centered=True),
    "ftrl": lambda tf, gs: tf.train.FtrlOptimizer(0.3, l1_regularization_strength=0.01),
    "ftrl_shrinkage": lambda tf, gs: tf.train.FtrlOptimizer(0.3, l2_shrinkage_regularization_strength=0.1),
    "ftrl_beta": lambda tf, gs: tf.train.FtrlOptimizer(0.3, beta=0.2),
    "proximal_adagrad": lambda tf, gs: tf.train.ProximalAdagradOptimizer(0.1, l1_regularization_strength=0.02),
    "proximal_sgd": lambda tf, gs: tf.train.ProximalGradientDescentOptimizer(0.1, l2_regularization_strength=0.02),
}


def train(tf, name, use_resource, sparse):
    """Four steps on a small table; the variables by name, and the value of the loss at each step."""
    table = np.sin(np.arange(18, dtype=np.float32)).reshape(6, 3)
    rows = [[1, 4, 1], [0, 4, 4], [5, 1, 0], [1, 1, 1]]
    with tf.Graph().as_default():
        with tf.variable_scope("model", use_resource=use_resource):
            w = tf.get_variable("w", initializer=table)
            b = tf.get_variable("b", [3], initializer=tf.constant_initializer(0.5))
        gs = tf.train.get_or_create_global_step()
        ids = tf.placeholder(tf.int32, [None])
        picked = tf.gather(w, ids) if sparse else w[:3] * 1.5
        loss = tf.reduce_sum(tf.square(picked - 0.3 + b)) + 0.1 * tf.reduce_sum(tf.cast(ids, tf.float32))
        opt = OPTIMIZERS[name](tf, gs)
        step = opt.minimize(loss, global_step=gs)
        found = {}
        with tf.Session() as sess:
            sess.run(tf.global_variables_initializer())
            found["loss"] = np.array([sess.run([loss, step], {ids: r})[0] for r in rows])
            for v in tf.global_variables():
                found[v.op.name] = sess.run(v)
        return found
