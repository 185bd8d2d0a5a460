"""Small programs of tf.contrib.layers, run by real TensorFlow 1.15 (make_contrib.py) and by the tests: names and numbers."""

import numpy as np


def images(*shape):
    return (np.cos(np.arange(int(np.prod(shape)), dtype=np.float32)) * 0.7).reshape(shape)


def scoped(tf, x):
    arg_scope, L = tf.contrib.framework.arg_scope, tf.contrib.layers
    with arg_scope([L.conv2d, L.fully_connected], weights_regularizer=L.l2_regularizer(0.01), normalizer_fn=L.batch_norm,
                   normalizer_params={"is_training": True, "decay": 0.9}, variables_collections=["mine"], outputs_collections="ends"):
        with arg_scope([L.conv2d], padding="VALID", stride=2) as kept:
            y = L.conv2d(x(2, 9, 9, 2), 4, 3, scope="c1")
            y = L.repeat(y, 2, L.conv2d, 3, [1, 1], stride=1, scope="r")
        y = L.flatten(y)
        y = L.fully_connected(y, 5)
    with arg_scope(kept):
        return L.fully_connected(y, 2, activation_fn=None, normalizer_fn=None, scope="logits")


def shared(tf, x):
    L = tf.contrib.layers
    a = L.fully_connected(x(2, 3), 4, scope="fc")
    b = L.fully_connected(x(2, 3) * 2.0, 4, scope="fc", reuse=True)
    return a + b


def optimized(tf, x):
    L = tf.contrib.layers
    y = L.batch_norm(L.fully_connected(x(4, 3), 2), scale=True, decay=0.5)
    loss = tf.reduce_mean(tf.square(y - 1.0))
    step = tf.train.get_or_create_global_step()
    decay = lambda lr, step: tf.train.exponential_decay(lr, step, 10, 0.5)
    return L.optimize_loss(loss, step, 0.1, "Adam", clip_gradients=0.5, learning_rate_decay_fn=decay, gradient_multipliers={"s/fully_connected/biases:0": 2.0},
                           summaries=["loss", "gradients", "gradient_norm", "learning_rate"])


def optimized_function(tf, x):
    L = tf.contrib.layers
    y = L.fully_connected(x(4, 3), 2, biases_initializer=None)
    step = tf.train.get_or_create_global_step()
    return L.optimize_loss(tf.reduce_mean(tf.square(y)), step, 0.5, lambda lr: tf.train.MomentumOptimizer(lr, 0.9))


def ids(tf):
    return tf.constant([[1, 2, 0], [3, 3, 4]])


def sparse_ids(tf):
    return tf.SparseTensor([[0, 0], [0, 1], [2, 0]], tf.constant([1, 3, 2], tf.int64), [3, 2])


PROGRAMS = {
    "fully_connected": lambda tf, L, x, t: L.fully_connected(x(2, 3), 4),
    "fully_connected3": lambda tf, L, x, t: L.fully_connected(x(2, 3, 4), 2, activation_fn=tf.tanh, scope="fc"),
    "fully_connected_normalized": lambda tf, L, x, t: L.fully_connected(x(5, 3), 4, normalizer_fn=L.batch_norm, normalizer_params={"is_training": t}),
    "fully_connected_regularized": lambda tf, L, x, t: L.fully_connected(x(2, 3), 4, weights_regularizer=L.l2_regularizer(0.1), biases_regularizer=L.l1_regularizer(0.1)),
    "linear": lambda tf, L, x, t: L.relu(L.linear(x(2, 3), 3), 2),
    "conv1d": lambda tf, L, x, t: L.conv1d(x(2, 7, 3), 4, 3),
    "conv2d": lambda tf, L, x, t: L.conv2d(x(2, 7, 7, 3), 4, [3, 2], stride=2),
    "conv2d_rate": lambda tf, L, x, t: L.conv2d(x(2, 7, 7, 3), 4, 3, rate=2, padding="VALID", activation_fn=None),
    "conv3d": lambda tf, L, x, t: L.conv3d(x(1, 5, 5, 5, 2), 2, 3),
    "conv2d_transpose": lambda tf, L, x, t: L.conv2d_transpose(x(2, 4, 4, 3), 2, 3, stride=2),
    "conv3d_transpose": lambda tf, L, x, t: L.conv3d_transpose(x(1, 3, 3, 3, 2), 2, 3, stride=2),
    "conv2d_in_plane": lambda tf, L, x, t: L.conv2d_in_plane(x(2, 5, 5, 3), [3, 2]),
    "separable": lambda tf, L, x, t: L.separable_conv2d(x(2, 6, 6, 3), 4, 3, depth_multiplier=2),
    "depthwise": lambda tf, L, x, t: L.separable_conv2d(x(2, 6, 6, 3), None, [3, 3], depth_multiplier=2, stride=2, weights_regularizer=L.l2_regularizer(0.1)),
    "pools": lambda tf, L, x, t: L.max_pool2d(x(2, 7, 7, 3), 3) + L.avg_pool2d(x(2, 7, 7, 3), [3, 3], stride=2),
    "pools_same": lambda tf, L, x, t: L.max_pool2d(x(2, 7, 7, 3), 2, padding="SAME", scope="p"),
    "batch_norm": lambda tf, L, x, t: L.batch_norm(x(3, 4, 4, 2)),
    "batch_norm_2d": lambda tf, L, x, t: L.batch_norm(x(5, 3), scale=True, decay=0.9, activation_fn=tf.nn.relu),
    "batch_norm_in_place": lambda tf, L, x, t: L.batch_norm(x(3, 4, 4, 2), updates_collections=None, decay=0.9),
    "batch_norm_fed": lambda tf, L, x, t: L.batch_norm(x(3, 4, 4, 2), is_training=t, updates_collections=None, decay=0.9, scale=True),
    "batch_norm_fed_updates": lambda tf, L, x, t: L.batch_norm(x(6, 4), is_training=t, decay=0.9, center=False),
    "batch_norm_unfused": lambda tf, L, x, t: L.batch_norm(x(3, 4, 4, 2), fused=False, updates_collections=None, decay=0.9),
    "batch_norm_unfused_updates": lambda tf, L, x, t: L.batch_norm(x(3, 4, 4, 2), fused=False, updates_collections="ups", decay=0.9),
    "batch_norm_weights": lambda tf, L, x, t: L.batch_norm(x(3, 4, 4, 2), batch_weights=tf.constant([1.0, 0.0, 2.0]), decay=0.9),
    "batch_norm_debiased": lambda tf, L, x, t: L.batch_norm(x(3, 4, 4, 2), zero_debias_moving_mean=True, decay=0.9),
    "batch_norm_renorm": lambda tf, L, x, t: L.batch_norm(x(6, 3), renorm=True, decay=0.9, renorm_decay=0.8),
    "batch_norm_inference": lambda tf, L, x, t: L.batch_norm(x(6, 3), is_training=False, param_initializers={"moving_mean": tf.constant_initializer(0.3)}),
    "batch_norm_3d": lambda tf, L, x, t: L.batch_norm(x(3, 5, 2), decay=0.9),
    "layer_norm": lambda tf, L, x, t: L.layer_norm(x(3, 4, 2)),
    "layer_norm_last": lambda tf, L, x, t: L.layer_norm(x(3, 4, 2), begin_norm_axis=-1, begin_params_axis=-1, activation_fn=tf.nn.relu, scope="ln"),
    "instance_norm": lambda tf, L, x, t: L.instance_norm(x(3, 4, 4, 2)),
    "group_norm": lambda tf, L, x, t: L.group_norm(x(3, 4, 4, 6), groups=3),
    "group_norm_close": lambda tf, L, x, t: L.group_norm(x(3, 4, 4, 6), groups=2, mean_close_to_zero=True, scale=False),
    "bias_add": lambda tf, L, x, t: L.bias_add(x(3, 4), activation_fn=tf.nn.relu, initializer=tf.constant_initializer(0.2)),
    "dropout": lambda tf, L, x, t: L.dropout(x(3, 4), 0.5),
    "dropout_inference": lambda tf, L, x, t: L.dropout(x(3, 4), 0.5, is_training=False),
    "one_hot": lambda tf, L, x, t: L.one_hot_encoding([1, 0, 3], 4),
    "maxout": lambda tf, L, x, t: L.maxout(x(3, 4, 6), 3),
    "stack": lambda tf, L, x, t: L.stack(x(3, 4), L.fully_connected, [5, 3], scope="fc"),
    "stack_unnamed": lambda tf, L, x, t: L.stack(x(2, 5, 5, 2), L.conv2d, [[3, [3, 3]], [2, [1, 1]]], padding="SAME"),
    "repeat": lambda tf, L, x, t: L.repeat(x(2, 5, 5, 2), 2, L.conv2d, 3, [3, 3]),
    "unit_norm": lambda tf, L, x, t: L.unit_norm(x(3, 4), 1),
    "spatial_softmax": lambda tf, L, x, t: L.spatial_softmax(x(2, 4, 3, 2)),
    "softmax": lambda tf, L, x, t: L.softmax(x(3, 4, 2)),
    "embed_sequence": lambda tf, L, x, t: L.embed_sequence(ids(tf), 6, 3),
    "embed_unique": lambda tf, L, x, t: L.embed_sequence(ids(tf), 6, 3, unique=True, scope="e"),
    "bow": lambda tf, L, x, t: L.bow_encoder(ids(tf), 6, 3),
    "safe_embedding": lambda tf, L, x, t: L.safe_embedding_lookup_sparse(tf.get_variable("e", [6, 2]), sparse_ids(tf), combiner="mean"),
    "truncated": lambda tf, L, x, t: L.fully_connected(x(2, 3), 4, weights_initializer=L.variance_scaling_initializer(), biases_initializer=tf.constant_initializer(0.1)),
    "regularizers": lambda tf, L, x, t: L.apply_regularization(L.l1_l2_regularizer(0.1, 0.2), [x(2, 3), x(4)]),
    "sum_regularizer": lambda tf, L, x, t: L.sum_regularizer([L.l1_regularizer(0.1), None, L.l2_regularizer(0.2)])(x(2, 3)),
    "images_to_sequence": lambda tf, L, x, t: L.sequence_to_images(L.images_to_sequence(x(2, 3, 4, 2)), 3),
    "scoped": lambda tf, L, x, t: scoped(tf, x),
    "shared": lambda tf, L, x, t: shared(tf, x),
    "optimize_loss": lambda tf, L, x, t: optimized(tf, x),
    "optimize_function": lambda tf, L, x, t: optimized_function(tf, x),
    "partitioned": lambda tf, L, x, t: L.fully_connected(x(2, 3), 4, variables_collections={"weights": ["w"], "biases": ["b"]}),
}


def run(tf, name):
    """Initial values from a graph seed, two runs of the output and the update ops, the names in every collection."""
    with tf.Graph().as_default():
        tf.set_random_seed(7)
        x = lambda *shape: tf.constant(images(*shape))
        training = tf.placeholder_with_default(True, [])
        with tf.variable_scope("s"):
            y = PROGRAMS[name](tf, tf.contrib.layers, x, training)
        fetches = {"y": y}
        if tf.trainable_variables() and not name.startswith("optimize"):
            fetches["grad"] = tf.gradients(tf.reduce_sum(y * y), tf.trainable_variables()[0])[0]
            if isinstance(fetches["grad"], tf.IndexedSlices):
                fetches["grad"] = tf.convert_to_tensor(fetches["grad"])
        losses = tf.get_collection(tf.GraphKeys.REGULARIZATION_LOSSES)
        fetches.update(("loss%d" % i, loss) for i, loss in enumerate(losses))
        updates = tf.get_collection(tf.GraphKeys.UPDATE_OPS)
        graph, held = tf.get_default_graph(), []
        for key in sorted(k for k in graph.get_all_collection_keys() if isinstance(k, str)):
            for element in graph.get_collection(key):
                if hasattr(element, "name") and key not in ("cond_context", "update_ops", "ups", "summaries", "while_context"):
                    held.append(key + " " + element.name)
                elif key != "cond_context":
                    held.append(key)
        found = {"names": np.array(held or [""]), "op": np.array(y.op.name)}
        with tf.Session() as sess:
            sess.run(tf.global_variables_initializer())
            for v in tf.global_variables():
                found["first:" + v.name] = sess.run(v)
            for turn in range(2):
                values, _ = sess.run([fetches, updates])
                for k, v in values.items():
                    found["%s%d" % (k, turn)] = v
            for v in tf.global_variables():
                found["var:" + v.name] = sess.run(v)
        return found
