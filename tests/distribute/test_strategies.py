"""Strategies over logical devices; the expected values are what TensorFlow 2.21 gives."""

import numpy as np
import pytest

import penstock as tf
from penstock.platform import config

SUM = tf.distribute.ReduceOp.SUM


@pytest.fixture
def two():
    config.forget()
    (cpu,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    yield tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    config.forget()


def numbers(strategy):
    return strategy.experimental_distribute_values_from_function(lambda ctx: tf.constant(ctx.replica_id_in_sync_group + 1.0))


def test_without_a_strategy():
    strategy = tf.distribute.get_strategy()
    assert not tf.distribute.has_strategy() and strategy.num_replicas_in_sync == 1
    assert tf.distribute.get_replica_context() is not None and not tf.distribute.in_cross_replica_context()
    assert strategy.run(lambda a: a + 1, (2,)) == 3 and strategy.experimental_local_results(5) == (5,)
    assert strategy.reduce("SUM", tf.constant([1, 2]), axis=0).numpy() == 3


@pytest.mark.parametrize("wrap", [lambda f: f, tf.function])
def test_all_reduce_and_merge_call(two, wrap):
    def step(x):
        here = tf.distribute.get_replica_context()
        count = here.merge_call(lambda strategy, v: strategy.num_replicas_in_sync, (x,))
        return here.replica_id_in_sync_group, here.all_reduce("sum", x), here.all_reduce("mean", [x, 2 * x]), x * count

    number, total, means, doubled = wrap(lambda v: two.run(step, (v,)))(numbers(two))
    assert [int(v) for v in number.values] == [0, 1] and [float(v) for v in total.values] == [3.0, 3.0]
    assert [[float(v) for v in m.values] for m in means] == [[1.5, 1.5], [3.0, 3.0]]
    assert float(two.reduce(SUM, doubled, axis=None)) == 6.0


def test_variables(two):
    with two.scope():
        mirrored = tf.Variable([1.0, 2.0], name="w")
        mean = tf.Variable(0.0, aggregation=tf.VariableAggregation.MEAN)
        own = tf.Variable(1.0, synchronization=tf.VariableSynchronization.ON_READ, aggregation=tf.VariableAggregation.SUM)
    assert [v.name for v in mirrored.values] == ["w:0", "w/replica_1:0"] and isinstance(mirrored, tf.Variable)
    mirrored.assign([3.0, 4.0])
    assert all((v.numpy() == [3.0, 4.0]).all() for v in mirrored.values)
    two.run(lambda x: mean.assign_add(x), (numbers(two),))
    assert mean.numpy() == 1.5
    own.assign(4.0)
    two.run(lambda x: own.assign_add(x), (numbers(two),))
    assert [v.numpy() for v in own.values] == [3.0, 4.0] and own.read_value().numpy() == 7.0
    with pytest.raises(RuntimeError, match="Mixing different"), two.scope(), tf.distribute.MirroredStrategy().scope():
        pass


def test_datasets(two):
    data = two.experimental_distribute_dataset(tf.data.Dataset.range(7).batch(4))
    assert [[list(v.numpy()) for v in x.values] for x in data] == [[[0, 1], [2, 3]], [[4, 5], [6]]]
    own = two.distribute_datasets_from_function(lambda ctx: tf.data.Dataset.range(6).batch(ctx.get_per_replica_batch_size(4)))
    assert [[list(v.numpy()) for v in x.values] for x in own] == [[[0, 1], [2, 3]], [[4, 5], []]]

    @tf.function
    def total(iterator):
        return two.reduce(SUM, two.run(lambda x: x, (next(iterator),)), axis=0)

    assert total(iter(data)).numpy() == 6


def test_training_step_equals_one_device(two):
    x, y = np.arange(8, dtype=np.float32).reshape(8, 1), np.ones((8, 1), np.float32)
    with two.scope():
        w = tf.Variable([[0.5]], aggregation=tf.VariableAggregation.MEAN)

    @tf.function
    def step(batch):
        def one(a, b):
            with tf.GradientTape() as tape:
                loss = tf.reduce_sum((a @ w - b) ** 2) / 8
            gradient = tf.distribute.get_replica_context().all_reduce(SUM, tape.gradient(loss, w))
            w.assign_sub(0.01 * gradient)
            return loss

        return two.reduce(SUM, two.run(one, batch), axis=None)

    data = two.experimental_distribute_dataset(tf.data.Dataset.from_tensor_slices((x, y)).batch(8))
    (loss,) = [step(batch) for batch in data]
    np.testing.assert_allclose(loss, ((x * 0.5 - 1) ** 2).mean(), rtol=1e-6)
    expected = 0.5 - 0.01 * 2 * (x * (x * 0.5 - 1)).mean()
    np.testing.assert_allclose([v.numpy()[0, 0] for v in w.values], [expected] * 2, rtol=1e-5)


def test_errors(two):
    with pytest.raises(ValueError, match="A non-DistributedValues value 3.0 cannot be reduced"):
        two.reduce(SUM, 3.0, axis=None)
    with pytest.raises(ValueError, match="in replica"):
        two.run(lambda: (_ for _ in ()).throw(ValueError("in replica")))
    with pytest.raises(AssertionError, match="No duplicates"):
        tf.distribute.MirroredStrategy(["/cpu:0", "/cpu:0"])
    with pytest.raises(ValueError, match="not divisible"):
        tf.distribute.InputContext(num_replicas_in_sync=3).get_per_replica_batch_size(8)


def test_cluster_resolvers(monkeypatch):
    resolvers = tf.distribute.cluster_resolver
    monkeypatch.setenv("TF_CONFIG", '{"cluster": {"worker": ["h:1", "i:2"]}, "task": {"type": "worker", "index": 1}, "rpc_layer": "grpc"}')
    found = resolvers.TFConfigClusterResolver()
    assert found.master() == "grpc://i:2" and (found.task_type, found.task_id) == ("worker", 1)
    simple = resolvers.SimpleClusterResolver(tf.train.ClusterSpec({"ps": ["c:3"]}), master="m", rpc_layer="grpc")
    both = resolvers.UnionResolver(simple, found)
    assert both.cluster_spec().as_dict() == {"ps": ["c:3"], "worker": ["h:1", "i:2"]} and both.master() == "grpc://m"
    with pytest.raises(RuntimeError, match="2 workers"):
        tf.distribute.MultiWorkerMirroredStrategy()
