"""TF-Slim programs, run by real TensorFlow 1.15 (make_contrib.py) and by the tests: names and numbers."""

import tempfile

import numpy as np


def numbers(*shape, **how):
    return (np.sin(np.arange(int(np.prod(shape)), dtype=np.float32) * how.get("step", 1.3) + how.get("at", 0.2)) * 0.5).reshape(shape)


def slim_of(tf):
    return tf.contrib.slim


def nets_of(tf):
    found = getattr(tf.contrib.slim, "nets", None)
    return found or __import__("tensorflow.contrib.slim.nets", fromlist=["nets"])


def names_only(tf, net, points):
    found = ["%s %s" % (k, v.shape.as_list()) for k, v in points.items()]
    return {"names": np.array(sorted(found) + ["%s %s" % (v.op.name, v.shape.as_list()) for v in tf.global_variables()] + [net.op.name]),
            "losses": np.array(len(tf.losses.get_regularization_losses()))}


def classic(tf, module, name, scope):
    slim = slim_of(tf)
    nets = getattr(nets_of(tf), module)
    with slim.arg_scope(getattr(nets, scope)()):
        size = 231 if module == "overfeat" else 224
        return names_only(tf, *getattr(nets, name)(tf.placeholder(tf.float32, [1, size, size, 3]), num_classes=10, is_training=False))


def resnet_names(tf, version, layers):
    slim = slim_of(tf)
    nets = getattr(nets_of(tf), "resnet_v%d" % version)
    with slim.arg_scope(nets.resnet_arg_scope()):
        return names_only(tf, *getattr(nets, "resnet_v%d_%d" % (version, layers))(tf.placeholder(tf.float32, [2, 65, 65, 3]), 7, is_training=False, output_stride=16))


def small_resnet(tf, version):
    slim = slim_of(tf)
    nets = getattr(nets_of(tf), "resnet_v%d" % version)
    block = getattr(nets, "resnet_v%d_block" % version)
    blocks = [block("block1", 1, 2, 2), block("block2", 2, 2, 2), block("block3", 2, 2, 1)]
    with slim.arg_scope(nets.resnet_arg_scope(batch_norm_decay=0.8)):
        net, points = getattr(nets, "resnet_v%d" % version)(tf.constant(numbers(2, 33, 33, 3)), blocks, 5, is_training=True, output_stride=8, scope="r")
    names = np.array(["%s %s" % (v.op.name, v.shape.as_list()) for v in tf.global_variables()] + sorted(points))
    updates = tf.get_collection(tf.GraphKeys.UPDATE_OPS)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for i, v in enumerate(tf.trainable_variables()):
            v.load(numbers(*v.shape.as_list(), at=i) + (1 if "gamma" in v.name else 0), sess)
        sess.run(updates)
        found = dict(zip(("net", "predictions"), sess.run([net, points["predictions"]])))
        found["moving"] = sess.run([v for v in tf.global_variables() if "moving_variance" in v.name][-1])
    found["names"] = names
    return found


def cnn(tf, images, training):
    slim = slim_of(tf)
    with slim.arg_scope([slim.conv2d, slim.fully_connected], weights_regularizer=slim.l2_regularizer(0.0005), weights_initializer=tf.truncated_normal_initializer(stddev=0.1)):
        net = slim.conv2d(images, 4, [5, 5], scope="conv1", normalizer_fn=slim.batch_norm, normalizer_params={"is_training": training, "decay": 0.9})
        net = slim.max_pool2d(net, [2, 2], scope="pool1")
        net = slim.conv2d(net, 6, [3, 3], scope="conv2")
        net = slim.max_pool2d(net, [2, 2], scope="pool2")
        net = slim.flatten(net)
        net = slim.fully_connected(net, 16, scope="fc3")
        return slim.fully_connected(net, 3, activation_fn=None, scope="logits")


def training(tf):
    slim = slim_of(tf)
    logdir = tempfile.mkdtemp()
    tf.set_random_seed(3)
    images, labels = tf.constant(numbers(6, 8, 8, 1)), tf.constant([0, 1, 2, 0, 1, 2])
    logits = cnn(tf, images, True)
    slim.losses.softmax_cross_entropy(logits, slim.one_hot_encoding(labels, 3))
    total = slim.losses.get_total_loss()
    tf.summary.scalar("losses/total", total)
    train_op = slim.learning.create_train_op(total, tf.train.MomentumOptimizer(0.05, 0.9), clip_gradient_norm=1.0, summarize_gradients=True)
    losses = []

    def step(sess, op, global_step, kwargs):
        loss, stop = slim.learning.train_step(sess, op, global_step, kwargs)
        losses.append(loss)
        return loss, stop

    last = slim.learning.train(train_op, logdir, train_step_fn=step, number_of_steps=5, save_summaries_secs=300, save_interval_secs=600, log_every_n_steps=0)
    saved = tf.train.latest_checkpoint(logdir)
    found = {"losses": np.array(losses), "last": np.array(last), "names": np.array(["%s %s" % (n, s) for n, s in tf.train.list_variables(saved)])}
    with tf.Graph().as_default():
        logits = cnn(tf, tf.constant(numbers(6, 8, 8, 1)), False)
        predictions = tf.argmax(logits, 1)
        values, updates = slim.metrics.aggregate_metric_map({
            "accuracy": slim.metrics.streaming_accuracy(predictions, tf.constant([0, 1, 2, 0, 1, 2], tf.int64)),
            "mse": slim.metrics.streaming_mean_squared_error(tf.reduce_sum(logits, 1), tf.zeros([6])),
        })
        found["evaluated"] = slim.evaluation.evaluate_once("", saved, logdir, num_evals=2, eval_op=list(updates.values()), final_op=values["mse"])
    with tf.Graph().as_default(), tf.Session() as sess:
        logits = cnn(tf, tf.constant(numbers(6, 8, 8, 1)), False)
        restore = slim.get_variables_to_restore(exclude=["logits"])
        init = slim.assign_from_checkpoint_fn(saved, restore, ignore_missing_vars=True)
        op, feeds = slim.assign_from_checkpoint(saved, {"logits/weights": slim.get_unique_variable("logits/weights"), "logits/biases": slim.get_unique_variable("logits/biases")})
        init(sess)
        sess.run(op, feeds)
        found["restored"] = sess.run(logits)
    return found


def multipliers(tf):
    slim = slim_of(tf)
    w = tf.get_variable("w", initializer=tf.constant([1.0, 2.0]))
    v = tf.get_variable("v", initializer=tf.constant([3.0]))
    loss = tf.reduce_sum(w * w) + tf.reduce_sum(v * v)
    op = slim.learning.create_train_op(loss, tf.train.GradientDescentOptimizer(0.1), gradient_multipliers={"w": 0.5, v: 2.0}, clip_gradient_norm=3.0)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        sess.run(op)
        return {"w": sess.run(w), "v": sess.run(v), "names": np.array([x.name for x in tf.global_variables()])}


PROGRAMS = {
    "alexnet": lambda tf: classic(tf, "alexnet", "alexnet_v2", "alexnet_v2_arg_scope"),
    "vgg_a": lambda tf: classic(tf, "vgg", "vgg_a", "vgg_arg_scope"),
    "vgg_16": lambda tf: classic(tf, "vgg", "vgg_16", "vgg_arg_scope"),
    "overfeat": lambda tf: classic(tf, "overfeat", "overfeat", "overfeat_arg_scope"),
    "resnet_v1_50": lambda tf: resnet_names(tf, 1, 50),
    "resnet_v2_50": lambda tf: resnet_names(tf, 2, 50),
    "resnet_v1": lambda tf: small_resnet(tf, 1),
    "resnet_v2": lambda tf: small_resnet(tf, 2),
    "training": training,
    "multipliers": multipliers,
}
LOOSE = {"training": 2e-3, "resnet_v1": 1e-3, "resnet_v2": 1e-3}


def run(tf, name):
    with tf.Graph().as_default():
        return PROGRAMS[name](tf)
