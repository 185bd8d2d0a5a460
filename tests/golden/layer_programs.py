"""Small programs of tf.layers, run by real TensorFlow 1.15 (make_layers.py) and by the tests: names and numbers."""

import numpy as np


def weights(shape):
    return (np.sin(np.arange(int(np.prod(shape)), dtype=np.float32)) * 0.5).reshape(shape)


def images(*shape):
    return (np.cos(np.arange(int(np.prod(shape)), dtype=np.float32)) * 0.7).reshape(shape)


PROGRAMS = {
    "dense": lambda tf, L, x, t: L.dense(x(2, 4), 3, activation=tf.nn.relu),
    "dense3": lambda tf, L, x, t: L.dense(x(2, 5, 4), 3, use_bias=False, name="fc"),
    "conv1d": lambda tf, L, x, t: L.conv1d(x(2, 8, 3), 4, 3, padding="same"),
    "conv2d": lambda tf, L, x, t: L.conv2d(x(2, 8, 8, 3), 4, 3, strides=2, activation=tf.nn.relu),
    "conv2d_dilated": lambda tf, L, x, t: L.conv2d(x(2, 8, 8, 3), 4, [3, 2], dilation_rate=2, name="c"),
    "conv3d": lambda tf, L, x, t: L.conv3d(x(1, 5, 5, 5, 2), 2, 3),
    "conv2d_transpose": lambda tf, L, x, t: L.conv2d_transpose(x(2, 4, 4, 3), 2, 3, strides=2, padding="same"),
    "conv2d_transpose_valid": lambda tf, L, x, t: L.conv2d_transpose(x(2, 4, 4, 3), 2, 3, strides=2),
    "conv3d_transpose": lambda tf, L, x, t: L.conv3d_transpose(x(1, 3, 3, 3, 2), 2, 3),
    "separable": lambda tf, L, x, t: L.separable_conv2d(x(2, 6, 6, 3), 4, 3, depth_multiplier=2),
    "separable1d": lambda tf, L, x, t: L.separable_conv1d(x(2, 8, 3), 4, 3),
    "max_pool": lambda tf, L, x, t: L.max_pooling2d(x(2, 7, 7, 3), 3, 2, padding="same"),
    "avg_pool": lambda tf, L, x, t: L.average_pooling2d(x(2, 7, 7, 3), 2, 2),
    "pool1d": lambda tf, L, x, t: L.max_pooling1d(x(2, 8, 3), 2, 2) + L.average_pooling1d(x(2, 8, 3), 2, 2),
    "flatten": lambda tf, L, x, t: L.flatten(x(2, 4, 3)),
    "bn": lambda tf, L, x, t: L.batch_normalization(x(4, 3, 3, 2), training=True),
    "bn_flat": lambda tf, L, x, t: L.batch_normalization(x(6, 3), training=True, momentum=0.8, name="norm"),
    "bn_inference": lambda tf, L, x, t: L.batch_normalization(x(6, 3), training=False, scale=False),
    "bn_fed": lambda tf, L, x, t: L.batch_normalization(x(6, 3), training=t),
    "bn_fed_fused": lambda tf, L, x, t: L.batch_normalization(x(4, 3, 3, 2), training=t, center=False),
    "bn_renorm": lambda tf, L, x, t: L.batch_normalization(x(6, 3), training=True, renorm=True, renorm_clipping={"rmax": 3.0, "rmin": 0.3, "dmax": 5.0}),
    "bn_virtual": lambda tf, L, x, t: L.batch_normalization(x(6, 3), training=True, virtual_batch_size=3),
    "net": lambda tf, L, x, t: L.dense(L.flatten(L.batch_normalization(L.conv2d(x(4, 6, 6, 2), 3, 3), training=True)), 2),
}


def run(tf, name):
    """Two runs of the outputs and the update ops: the numbers, the gradient of the first variable, the variables' names."""
    with tf.Graph().as_default():
        x = lambda *shape: tf.constant(images(*shape))
        training = tf.placeholder_with_default(True, [])
        with tf.variable_scope("s"):
            y = PROGRAMS[name](tf, tf.layers, x, training)
        trainable = tf.trainable_variables()
        fetches = {"y": y}
        if trainable:
            fetches["grad"] = tf.gradients(tf.reduce_sum(y * y), trainable[0])[0]
        updates = tf.get_collection(tf.GraphKeys.UPDATE_OPS)
        found = {"names": np.array([v.name for v in tf.global_variables()] or [""]), "op": np.array(y.op.name)}
        with tf.Session() as sess:
            sess.run(tf.global_variables_initializer())
            for v in trainable:
                v.load(weights(v.shape.as_list()) + (1 if "gamma" in v.name else 0), sess)
            for turn in range(2):
                values, _ = sess.run([fetches, updates])
                for k, v in values.items():
                    found["%s%d" % (k, turn)] = v
            for v in tf.global_variables():
                found["var:" + v.name] = sess.run(v)
        return found
