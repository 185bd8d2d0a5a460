"""Accumulators of gradients, SyncReplicasOptimizer, servers of this process, loss scales."""

import numpy as np
import pytest

import penstock.compat.v1 as tf


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as g:
        yield g


def test_an_accumulator_gives_means_and_drops_what_is_stale():
    q = tf.ConditionalAccumulator(tf.float32, shape=[2], name="Q")
    number, mean = q.num_accumulated(), q.take_grad(2)
    add = lambda value, step=0: q.apply_grad(value, local_step=step)
    ops = [add([1.0, 2.0]), add([3.0, 6.0]), add([9.0, 9.0]), add([1.0, 1.0], 1)]
    total = tf.ConditionalAccumulator(tf.float32, reduction_type="SUM")
    both = [total.apply_grad([1.0, 2.0]), total.apply_grad([3.0, 6.0])]
    with tf.Session() as sess:
        sess.run(ops[:2])
        assert sess.run(number) == 2 and sess.run(mean).tolist() == [2.0, 4.0] and sess.run(number) == 0
        sess.run(ops[2])
        assert sess.run(number) == 0  # it was computed at step 0, the accumulator is at step 1
        sess.run(ops[3])
        assert sess.run(number) == 1
        sess.run(both)
        assert sess.run(total.take_grad(1)).tolist() == [4.0, 8.0]
        with pytest.raises(tf.errors.InvalidArgumentError, match="must be positive, but was -1"):
            sess.run(q.take_grad(-1))
    assert (q.name, mean.shape.as_list(), mean.op.type) == ("Q", [2], "ResourceAccumulatorTakeGradient")
    with pytest.raises(ValueError, match="incompatible"):
        q.apply_grad([[1.0]])


def test_a_sparse_accumulator_divides_each_row_by_its_own_number():
    s = tf.SparseConditionalAccumulator(tf.float32, shape=(3, 2))
    first = s.apply_indexed_slices_grad(
        tf.IndexedSlices(tf.constant([[1.0, 1], [3, 3]]), tf.constant([0, 2], tf.int64))
    )
    second = s.apply_grad([2], [[5.0, 5]], [3, 2])
    with tf.Session() as sess:
        sess.run([first, second])
        got = sess.run(s.take_indexed_slices_grad(2))
        assert (
            got.indices.tolist() == [0, 2]
            and got.values.tolist() == [[1, 1], [4, 4]]
            and got.dense_shape.tolist() == [3, 2]
        )
        for wrong, text in (([9], "index is 9 exceeded 3"), ([0, 1], "Expected 2 non-empty input values, got 1")):
            with pytest.raises(tf.errors.InvalidArgumentError, match=text):
                sess.run(s.apply_grad(wrong, [[1.0, 1.0]], local_step=9))


def test_replicas_in_step():
    x = tf.get_variable("x", initializer=[1.0, 2.0])
    rows = tf.get_variable("rows", initializer=np.ones((4, 2), np.float32))
    step = tf.train.get_or_create_global_step()
    loss = tf.reduce_sum(x * x) + tf.reduce_sum(tf.gather(rows, [0, 2]) ** 2)
    opt = tf.train.SyncReplicasOptimizer(tf.train.GradientDescentOptimizer(0.1), replicas_to_aggregate=1)
    with pytest.raises(ValueError, match="after apply_gradients"):
        opt.get_chief_queue_runner()
    train = opt.minimize(loss, global_step=step)
    hooks = [opt.make_session_run_hook(is_chief=True), tf.train.StopAtStepHook(last_step=3)]
    with tf.train.MonitoredTrainingSession(hooks=hooks) as sess:
        while not sess.should_stop():
            sess.run(train)
            at, now, table = sess.run([step, x, rows]) if not sess.should_stop() else (3, None, None)
            if now is not None:
                np.testing.assert_allclose(now, np.array([1, 2]) * 0.8**at, rtol=1e-5)
                np.testing.assert_allclose(table[:, 0], [0.8**at, 1, 0.8**at, 1], rtol=1e-5)


def test_sessions_of_one_server_share_their_variables():
    server = tf.train.Server.create_local_server()
    v = tf.get_variable("v", initializer=1.0)
    more = tf.assign_add(v, 1.0)
    with tf.Session(server.target) as a, tf.Session(server.target) as b:
        a.run(v.initializer)
        a.run(more)
        assert b.run(v) == 2.0
    with tf.Session(server.target) as c:
        assert c.run(v) == 2.0
    with tf.Session() as own, pytest.raises(tf.errors.FailedPreconditionError):
        own.run(v)
    assert server.server_def.job_name == "localhost" and server.target.startswith("grpc://localhost")


def test_cluster_spec_and_device_setter():
    spec = tf.train.ClusterSpec({"worker": ["a:1", "b:2"], "ps": {0: "c:3", 5: "d:4"}})
    assert (
        spec.job_tasks("ps") == ["c:3", None, None, None, None, "d:4"]
        and spec.task_address("ps", 5) == "d:4"
        and spec.num_tasks("worker") == 2
    )
    assert tf.train.ClusterSpec(spec.as_cluster_def()) == spec and not tf.train.ClusterSpec({})
    with pytest.raises(ValueError, match="No task with index 1 in job 'ps'"):
        spec.task_address("ps", 1)
    with tf.device(tf.train.replica_device_setter(cluster={"ps": ["a:1", "b:2"], "worker": ["c:1"]})):
        variables = [tf.get_variable(f"v{i}", [2]) for i in range(3)]
        other = variables[0] + 1.0
    assert [v.device for v in (*variables, other)] == [
        "/job:ps/task:0",
        "/job:ps/task:1",
        "/job:ps/task:0",
        "/job:worker",
    ]


def test_a_loss_scale_grows_and_falls():
    scale = tf.train.experimental.DynamicLossScale(16.0, increment_period=2)
    fed = tf.placeholder(tf.float32, [2])
    update, apply = scale.update([fed, None])
    now = scale()
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        seen = []
        for grad in ([1, 2], [1, 2], [1, np.inf], [1, 2], [np.nan, 1], [1, 2], [1, 2]):
            ok = sess.run([update, apply], {fed: grad})[1]
            seen.append((bool(ok), float(sess.run(now))))
    assert seen == [(True, 16), (True, 32), (False, 16), (True, 16), (False, 8), (True, 8), (True, 16)]
    with pytest.raises(ValueError, match="at least 1"):
        tf.train.experimental.FixedLossScale(0.5)


def test_a_step_with_gradients_that_are_not_finite_is_left_out():
    x = tf.get_variable("x", initializer=[1.0, 2.0])
    factor = tf.placeholder(tf.float32, [])
    step = tf.train.get_or_create_global_step()
    inner = tf.train.MomentumOptimizer(0.1, 0.9)
    opt = tf.train.experimental.MixedPrecisionLossScaleOptimizer(inner, tf.train.experimental.DynamicLossScale(8.0, 2))
    grads = opt.compute_gradients(tf.reduce_sum(x * x) * factor)
    train = opt.apply_gradients(grads, step)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        assert sess.run(grads[0][0], {factor: 1.0}).tolist() == [2.0, 4.0]
        for value, want, at, scale in (
            (1, 0.8, 1, 8),
            (1, 0.46, 2, 16),
            (np.inf, 0.46, 2, 8),
            (1, 0.062, 3, 8),
            (1, -0.3086, 4, 16),
        ):
            sess.run(train, {factor: value})
            np.testing.assert_allclose(sess.run(x), [want, 2 * want], rtol=1e-4)
            assert sess.run(step) == at and sess.run(opt._loss_scale()) == scale
    with pytest.raises(ValueError, match="must not already be"):
        tf.train.experimental.enable_mixed_precision_graph_rewrite(opt)
