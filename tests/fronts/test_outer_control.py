"""What a branch or a loop waits for outside of it runs, whichever branch is taken (as in TensorFlow 1.15)."""

import penstock.compat.v1 as tf


def test_operations_outside_of_a_branch_run():
    with tf.Graph().as_default(), tf.Session() as session:
        v, w = (tf.Variable(0.0, use_resource=False) for _ in range(2))
        outer = tf.assign_add(v, 1.0).op
        chosen = tf.placeholder(tf.bool, [])

        def after():
            with tf.control_dependencies([outer]):
                return tf.constant(5.0)

        results = [
            tf.cond(chosen, lambda: outer, tf.no_op),
            tf.cond(chosen, lambda: tf.group(tf.assign_add(w, 1.0), outer), lambda: tf.no_op()),
            tf.cond(chosen, after, lambda: tf.constant(6.0)),
        ]
        session.run(tf.global_variables_initializer())
        for result in results:
            for choice in (True, False):
                session.run(result, {chosen: choice})
        assert session.run([v, w]) == [6.0, 1.0]


def test_operations_outside_of_a_loop_run_once():
    with tf.Graph().as_default(), tf.Session() as session:
        v = tf.Variable(0.0, use_resource=False)
        outer = tf.assign_add(v, 1.0).op

        def body(i):
            with tf.control_dependencies([outer]):
                return i + 1

        count = tf.while_loop(lambda i: i < 3, body, [0])
        session.run(v.initializer)
        assert session.run(count) == 3 and session.run(v) == 1
