"""The objects of the checkpoints in `object_checkpoint/`: the same for every TensorFlow, `tf` being its 2.x API."""

import numpy as np


def net(tf):
    class Block(tf.Module):
        def __init__(self, n):
            super().__init__()
            self.kernel = tf.Variable(np.arange(2 * n, dtype=np.float32).reshape(2, n), name="kernel")
            self.bias = tf.Variable(tf.zeros([n]), name="bias")

    class Whole(tf.Module):
        def __init__(self):
            super().__init__()
            self.blocks = [Block(1), Block(3)]
            self.table = {"a": tf.Variable(1, name="a"), "b.c/d": tf.Variable(2.5, name="b")}
            self.pair = (Block(2), "text")
            self.words = tf.Variable(["x", "yy"], name="words")
            self.same = self.blocks[0].bias

    return Whole()


def objects(tf):
    """The objects, trained by two steps."""
    model, optimizer = net(tf), tf.compat.v1.train.AdamOptimizer(0.1)
    momentum = tf.compat.v1.train.MomentumOptimizer(0.1, 0.9)
    step = tf.Variable(np.array(0, np.int64), name="step")
    held = model.blocks[0]
    for _ in range(2):
        optimizer.minimize(
            lambda: tf.reduce_sum(held.kernel**2) + tf.reduce_sum((held.bias - 1.0) ** 2),
            var_list=[held.kernel, held.bias],
        )
        momentum.minimize(lambda: tf.reduce_sum(held.kernel), var_list=[held.kernel])
        step.assign_add(1)
    return model, optimizer, momentum, step


def fresh(tf):
    """The same objects, untrained."""
    return (
        net(tf),
        tf.compat.v1.train.AdamOptimizer(0.1),
        tf.compat.v1.train.MomentumOptimizer(0.1, 0.9),
        tf.Variable(np.array(0, np.int64), name="step"),
    )


def checkpoint(tf, parts):
    model, optimizer, momentum, step = parts
    return tf.train.Checkpoint(model=model, optimizer=optimizer, momentum=momentum, step=step)
