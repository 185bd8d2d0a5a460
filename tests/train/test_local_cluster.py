"""A cluster inside the process: `tf.test.create_local_cluster`."""

import penstock as tf


def test_workers_share_variables() -> None:
    tf1 = tf.compat.v1
    workers, servers = tf.test.create_local_cluster(2, 1)
    assert len(workers) == 2 and len(servers) == 1 and workers[0].target.startswith("grpc://")
    with tf.Graph().as_default():
        with tf1.device("/job:ps/task:0"):
            v = tf1.get_variable("v", [], initializer=tf1.zeros_initializer())
        with tf1.device("/job:worker/task:1"):
            added = v.assign_add(2.0)
        with tf1.Session(workers[0].target) as session:
            session.run(tf1.global_variables_initializer())
            assert session.run(added) == 2.0
