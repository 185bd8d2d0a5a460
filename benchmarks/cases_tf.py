"""The measured programs in TensorFlow's API: each case is a function of the module that gives a callable to time."""

import numpy as np

RNG = np.random.RandomState(0)


def array(*shape, scale=1.0):
    return (RNG.randn(*shape) * scale).astype("float32")


def session_run(tf):
    graph = tf.Graph()
    with graph.as_default():
        x = tf.compat.v1.placeholder(tf.float32, [None, 4])
        y = tf.nn.relu(tf.matmul(x, tf.constant(np.ones((4, 4), "float32"))))
    session, value = tf.compat.v1.Session(graph=graph), np.ones((4, 4), "float32")
    return lambda: session.run(y, {x: value})


def function_call(tf):
    a = tf.constant(np.ones((4, 4), "float32"))
    f = tf.function(lambda x, w: tf.nn.relu(tf.matmul(x, w)))
    return lambda: f(a, a)


def eager_add(tf):
    a = tf.constant(np.ones((4, 4), "float32"))
    return lambda: tf.add(a, a)


def eager_matmul(tf):
    a = tf.constant(np.ones((4, 4), "float32"))
    return lambda: tf.matmul(a, a)


def eager_reduce_sum(tf):
    a = tf.constant(np.ones((4, 4), "float32"))
    return lambda: tf.reduce_sum(a)


def tape_gradient(tf):
    a = tf.constant(np.ones((4, 4), "float32"))

    def run():
        with tf.GradientTape() as tape:
            tape.watch(a)
            y = tf.reduce_sum(tf.tanh(tf.matmul(a, a)))
        return tape.gradient(y, a)

    return run


def _deep(tf, graph):
    with graph.as_default():
        x = tf.compat.v1.placeholder(tf.float32, [32, 32])
        h = x
        for i in range(667):  # three ops a turn
            h = tf.tanh(h * 1.01 + 0.1) if i % 2 else h + x * 0.5 - 0.01
        loss = tf.reduce_sum(h)
        gradient = tf.gradients(loss, x)[0]
    return x, loss, gradient


def deep_build(tf):
    return lambda: _deep(tf, tf.Graph())


def deep_first(tf):
    def run():
        graph = tf.Graph()
        x, loss, gradient = _deep(tf, graph)
        session, value = tf.compat.v1.Session(graph=graph), np.full((32, 32), 0.01, "float32")
        import time

        start = time.perf_counter()
        session.run([loss, gradient], {x: value})
        return time.perf_counter() - start

    run.times_itself = True
    return run


def deep_steady(tf):
    graph = tf.Graph()
    x, loss, gradient = _deep(tf, graph)
    session, value = tf.compat.v1.Session(graph=graph), np.full((32, 32), 0.01, "float32")
    return lambda: session.run([loss, gradient], {x: value})


def many_variables(tf):
    variables = [tf.Variable(np.ones(16, "float32")) for _ in range(200)]

    @tf.function
    def step(s):
        for v in variables:
            v.assign_sub(s * v)

    s = tf.constant(1e-6)
    return lambda: step(s)


def _trained(tf, variables, loss_of):
    """A whole training step: forward, backward, update."""

    @tf.function
    def step(*batch):
        with tf.GradientTape() as tape:
            loss = loss_of(*batch)
        for v, g in zip(variables, tape.gradient(loss, variables)):
            v.assign_sub(0.01 * g)
        return loss

    return step


def mlp(tf, jit=False):
    sizes = [784, 512, 512, 10]
    ws = [tf.Variable(array(a, b, scale=a**-0.5)) for a, b in zip(sizes, sizes[1:])]
    bs = [tf.Variable(np.zeros(b, "float32")) for b in sizes[1:]]

    def loss_of(x, y):
        h = x
        for i, (w, b) in enumerate(zip(ws, bs)):
            h = tf.matmul(h, w) + b
            h = tf.nn.relu(h) if i < 2 else h
        return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=h))

    step = _trained(tf, [*ws, *bs], loss_of)
    x, y = tf.constant(array(256, 784)), tf.constant(RNG.randint(0, 10, 256))
    return lambda: step(x, y)


def lstm(tf, steps=128, batch=16, units=256):
    wx, wh = tf.Variable(array(units, 4 * units, scale=0.05)), tf.Variable(array(units, 4 * units, scale=0.05))
    b = tf.Variable(np.zeros(4 * units, "float32"))

    def loss_of(x):
        def turn(t, h, c):
            z = tf.matmul(x[t], wx) + tf.matmul(h, wh) + b
            i, f, g, o = tf.split(z, 4, axis=1)
            c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
            return t + 1, tf.sigmoid(o) * tf.tanh(c), c

        zero = tf.zeros([batch, units])
        _, h, _ = tf.while_loop(lambda t, h, c: t < steps, turn, (0, zero, zero))
        return tf.reduce_mean(h * h)

    step = _trained(tf, [wx, wh, b], loss_of)
    x = tf.constant(array(steps, batch, units))
    return lambda: step(x)


def transformer(tf, batch=16, length=128, width=256, heads=8):
    depth = width // heads
    names = [tf.Variable(array(width, width, scale=0.05)) for _ in range(4)]
    up, down = tf.Variable(array(width, 4 * width, scale=0.05)), tf.Variable(array(4 * width, width, scale=0.05))
    gains = [tf.Variable(np.ones(width, "float32")) for _ in range(2)]

    def norm(h, gain):
        mean, variance = tf.nn.moments(h, [-1], keepdims=True)
        return (h - mean) * tf.math.rsqrt(variance + 1e-5) * gain

    def loss_of(x):
        q, k, v = (tf.transpose(tf.reshape(tf.matmul(tf.reshape(norm(x, gains[0]), [-1, width]), w), [batch, length, heads, depth]), [0, 2, 1, 3]) for w in names[:3])
        a = tf.nn.softmax(tf.matmul(q, k, transpose_b=True) * depth**-0.5)
        o = tf.reshape(tf.transpose(tf.matmul(a, v), [0, 2, 1, 3]), [-1, width])
        h = x + tf.reshape(tf.matmul(o, names[3]), [batch, length, width])
        m = tf.nn.gelu(tf.matmul(tf.reshape(norm(h, gains[1]), [-1, width]), up))
        h = h + tf.reshape(tf.matmul(m, down), [batch, length, width])
        return tf.reduce_mean(h * h)

    step = _trained(tf, [*names, up, down, *gains], loss_of)
    x = tf.constant(array(batch, length, width))
    return lambda: step(x)


def convnet(tf, batch=64):
    ks = [tf.Variable(array(3, 3, a, b, scale=0.1)) for a, b in ((3, 32), (32, 64), (64, 64))]
    w = tf.Variable(array(4 * 4 * 64, 10, scale=0.05))

    def loss_of(x, y):
        h = x
        for k in ks:
            h = tf.nn.max_pool2d(tf.nn.relu(tf.nn.conv2d(h, k, 1, "SAME")), 2, 2, "SAME")
        logits = tf.matmul(tf.reshape(h, [batch, -1]), w)
        return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits))

    step = _trained(tf, [*ks, w], loss_of)
    x, y = tf.constant(array(batch, 32, 32, 3)), tf.constant(RNG.randint(0, 10, batch))
    return lambda: step(x, y)
