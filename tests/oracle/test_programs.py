"""Small programs on the real TensorFlow and here: the same numbers, types, shapes and error classes."""

import pytest

from tests.oracle.real import both, differences

PROGRAMS = {
    "eager arithmetic": """
x = tf.constant([[1., 2.], [3., 4.]])
show("sum", x + 1); show("matmul", x @ x); show("int", tf.constant(3) // tf.constant(2)); show("neg", -x % 3)
show("mean", tf.reduce_mean(x, axis=0)); show("argmax", tf.argmax(x, 1)); show("cast", tf.cast(x, tf.int32))
show("where", tf.where(x > 2, x, -x)); show("concat", tf.concat([x, x], 1)); show("slice", x[:, ::-1])
show("mixed", lambda: tf.constant(1) + tf.constant(1.0)); show("shapes", lambda: tf.matmul(x, tf.zeros([3, 1])))
show("float64", tf.constant(1.0, tf.float64) * 2); show("range", tf.range(5)); show("pow", x ** 2.5)
show("bool", tf.reduce_any(x > 3)); show("shape", tf.shape(x)); show("onehot", tf.one_hot([0, 2], 3))
""",
    "gradients": """
x = tf.Variable([1., 2., 3.])
with tf.GradientTape(persistent=True) as tape:
    y = tf.reduce_sum(tf.sin(x) * tf.exp(x / 3)); z = x ** 3
show("dy", tape.gradient(y, x)); show("dz", tape.gradient(z, x)); show("jacobian", tape.jacobian(z, x))
with tf.GradientTape() as outer:
    with tf.GradientTape() as inner:
        y = tf.reduce_sum(tf.tanh(x) ** 2)
    g = inner.gradient(y, x)
show("second", outer.gradient(g, x))
""",
    "functions": """
traces = []
@tf.function
def f(x, n):
    traces.append(1)
    total = tf.zeros_like(x)
    for i in tf.range(n):
        if tf.reduce_sum(total) > 10.:
            total -= x
        else:
            total += x * tf.cast(i, tf.float32)
    return total
show("loop", f(tf.constant([1., 2.]), tf.constant(6))); show("again", f(tf.constant([3., 4.]), tf.constant(2)))
show("other shape", f(tf.constant([3.]), tf.constant(2))); show("traces", len(traces))
c = f.get_concrete_function(tf.TensorSpec([None]), tf.TensorSpec([], tf.int32))
show("specs", [str(s.shape) for s in c.inputs])
""",
    "random": """
tf.random.set_seed(5)
show("uniform", tf.random.uniform([3])); show("normal", tf.random.normal([2, 2], seed=3))
show("again", tf.random.uniform([3]))
show("stateless", tf.random.stateless_uniform([4], seed=[1, 2]))
show("shuffle", tf.random.shuffle(tf.range(6), seed=1))
show("initializer", tf.random_normal_initializer(seed=7)([3, 2]))
""",
    "errors": """
show("gather", lambda: tf.gather([1, 2, 3], [5])); show("reshape", lambda: tf.reshape(tf.range(6), [4, 2]))
show("divide", lambda: tf.constant(1) // tf.constant(0)); show("dtype", lambda: tf.add(tf.constant(1), tf.constant(2.)))
show("slice", lambda: tf.constant([1, 2])[5])
show("concat", lambda: tf.concat([tf.zeros([2, 2]), tf.zeros([3, 3])], 0)); show("attr", lambda: tf.no_such_name)
show("name", lambda: tf.nn.no_such_name); show("convert", lambda: tf.constant("a", tf.int32))
""",
}
OLD_PROGRAMS = {
    "graph and session": """
tf.disable_v2_behavior() if hasattr(tf, "disable_v2_behavior") else None
x = tf.placeholder(tf.float32, [None, 2], name="x")
with tf.variable_scope("layer"):
    w = tf.get_variable("w", [2, 3], initializer=tf.constant_initializer([[1., 2., 3.], [4., 5., 6.]]))
    b = tf.get_variable("b", [3], initializer=tf.zeros_initializer())
y = tf.nn.relu(tf.matmul(x, w) + b, name="y")
loss = tf.reduce_mean(tf.square(y - 1.0))
step = tf.train.get_or_create_global_step()
train = tf.train.MomentumOptimizer(0.01, 0.9).minimize(loss, global_step=step)
show("names", [v.name for v in tf.global_variables()]); show("ops", [y.op.name, loss.op.name, train.name])
show("shape", y.shape); show("gradients", [str(g.shape) for g in tf.gradients(loss, [w, b])])
with tf.Session() as s:
    show("uninitialised", lambda: s.run(w))
    s.run(tf.global_variables_initializer())
    feed = {x: [[1., -1.], [0.5, 2.]]}
    for i in range(3): s.run(train, feed)
    show("loss", s.run([loss, y, step], feed)); show("b", s.run({"b": b, "w": (w, w)}))
    show("unfed", lambda: s.run(y)); show("bad feed", lambda: s.run(y, {x: [[1., 2., 3.]]}))
    show("by name", s.run("y:0", feed))
""",
    "control flow": """
tf.disable_v2_behavior() if hasattr(tf, "disable_v2_behavior") else None
n = tf.placeholder(tf.int32, [])
i, total = tf.while_loop(lambda i, t: i < n, lambda i, t: (i + 1, t + tf.cast(i, tf.float32) ** 2), [0, 0.])
c = tf.cond(n > 3, lambda: total, lambda: -total)
x = tf.constant(2.)
_, p = tf.while_loop(lambda i, v: i < 3, lambda i, v: (i + 1, v * x), [0, 1.])
g, = tf.gradients(p, [x])
ta = tf.TensorArray(tf.float32, size=3).unstack([1., 2., 3.])
m = tf.map_fn(lambda v: v * 2, tf.constant([1., 2.]))
with tf.Session() as s:
    show("loop", s.run([i, total, c], {n: 5})); show("short", s.run([i, total, c], {n: 2}))
    show("gradient", s.run([p, g]))
    show("array", s.run(ta.stack())); show("map", s.run(m))
""",
    "names": """
tf.disable_v2_behavior() if hasattr(tf, "disable_v2_behavior") else None
a = tf.constant(1., name="a"); b = tf.constant(2., name="a")
with tf.name_scope("s"):
    c = tf.add(a, b); d = a * b
    with tf.name_scope("t"): e = tf.identity(d, name="e")
with tf.name_scope("s"): f = a - b
show("names", [t.op.name for t in (a, b, c, d, e, f)])
g = tf.get_default_graph()
show("by name", g.get_tensor_by_name("s/t/e:0") is e); show("missing", lambda: g.get_tensor_by_name("nope:0"))
show("types", [t.op.type for t in (a, d, e, f)]); show("mixed", lambda: tf.Session(graph=tf.Graph()).run(a))
""",
}


@pytest.mark.oracle
@pytest.mark.parametrize("name", PROGRAMS)
def test_same_as_tensorflow_2(name):
    assert differences(*both(PROGRAMS[name])) == {}


@pytest.mark.oracle
@pytest.mark.parametrize("version", ["1.15", "2.21"])
@pytest.mark.parametrize("name", OLD_PROGRAMS)
def test_same_as_tensorflow_1(name, version):
    assert differences(*both(OLD_PROGRAMS[name], version, tf1=True)) == {}
