"""Make v1_control.pb and v1_control.json with TensorFlow: a graph of 1.x control flow, and what it computes.

Run in an environment that has TensorFlow: `python tests/golden/make_v1_control.py`.
"""

import json
import os

import tensorflow as tf

HERE = os.path.dirname(os.path.abspath(__file__))
FETCHES = ["out:0", "c:0", "g:0", "nested:0", "stacked:0", "gs:0", "side:0"]
FEEDS = [{"n:0": 5, "z:0": [1.0, 2.0]}, {"n:0": 2, "z:0": [0.5, -1.0]}, {"n:0": 0, "z:0": [3.0, 1.0]}]


def build():
    """Loops with gradients, nested loops, a loop over a TensorArray, branches, a branch with an effect."""
    v1 = tf.compat.v1
    n = v1.placeholder(tf.int32, [], name="n")
    z = v1.placeholder(tf.float32, [2], name="z")
    _, a = tf.while_loop(lambda i, a: i < n, lambda i, a: (i + 1, a * z + tf.cast(i, tf.float32)), [0, tf.ones([2])])
    tf.identity(a, name="out")
    c = tf.cond(n > 3, lambda: a * 10, lambda: a - z)
    tf.identity(c, name="c")
    tf.identity(tf.gradients(c, z)[0], name="g")

    def outer(j, s):
        _, q = tf.while_loop(lambda k, q: k < j, lambda k, q: (k + 1, q + tf.cast(k * j, tf.float32)), [0, s])
        return j + 1, q

    tf.identity(tf.while_loop(lambda j, s: j < n, outer, [0, 0.0])[1], name="nested")
    scanned = tf.scan(lambda s, x: s * 0.5 + x, tf.stack([z, z * z, z + 1]))
    tf.identity(scanned, name="stacked")
    tf.identity(tf.gradients(scanned, z)[0], name="gs")
    v = v1.get_variable("v", initializer=1.0, use_resource=False)
    bumped = tf.cond(n > 3, lambda: v1.assign_add(v, 10.0), lambda: tf.identity(v))
    tf.identity(bumped * 2, name="side")
    v1.global_variables_initializer()


def main():
    tf.compat.v1.disable_v2_behavior()
    tf.compat.v1.disable_control_flow_v2()
    with tf.Graph().as_default() as graph, tf.compat.v1.Session() as session:
        build()
        values = []
        for feed in FEEDS:
            session.run("init")
            values.append({f: session.run(f, feed).tolist() for f in FETCHES})
    with open(os.path.join(HERE, "v1_control.pb"), "wb") as file:
        file.write(graph.as_graph_def().SerializeToString(deterministic=True))
    with open(os.path.join(HERE, "v1_control.json"), "w") as file:
        json.dump({"feeds": FEEDS, "values": values}, file, indent=1)


if __name__ == "__main__":
    main()
