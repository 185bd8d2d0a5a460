"""Checkpoints of objects: those TensorFlow wrote (tests/golden/make_object_checkpoint.py) load, what is written has the same bytes."""

import gc
import os
import sys

import numpy as np
import pytest

import penstock as tf
from penstock.base import bundle, errors
from penstock.base.sorted_table import pack, unpack
from penstock.state.checkpoint_restore import read_object_graph

GOLDEN = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "golden")
sys.path.insert(0, GOLDEN)
import object_checkpoint_programs as programs  # noqa: E402

v1 = tf.compat.v1
KEY = ".ATTRIBUTES/VARIABLE_VALUE"


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def golden(version):
    return os.path.join(GOLDEN, "object_checkpoint", version)


@pytest.mark.parametrize("version", ["115-1", "215-1", "221-1"])
def test_what_tensorflow_wrote_loads(version):
    parts = programs.fresh(tf)
    model, optimizer, momentum, step = parts
    status = programs.checkpoint(tf, parts).restore(golden(version))
    held = model.blocks[0].kernel
    np.testing.assert_allclose(held.numpy(), [[-0.1], [0.61]], atol=0.2)
    assert step.numpy() == 2 and model.words.numpy().tolist() == [b"x", b"yy"] and model.table["b.c/d"].numpy() == 2.5
    reader = tf.train.load_checkpoint(golden(version))
    for slot, which in (("m", optimizer), ("v", optimizer), ("momentum", momentum)):
        name = "optimizer" if which is optimizer else "momentum"
        saved = reader.get_tensor(f"model/blocks/0/kernel/.OPTIMIZER_SLOT/{name}/{slot}/{KEY}")
        np.testing.assert_array_equal(which.get_slot(held, slot).numpy(), saved)
    if version != "115-1":
        status.assert_existing_objects_matched()
    optimizer.minimize(lambda: tf.reduce_sum(held**2), var_list=[held])
    status.assert_consumed() if version != "115-1" else None


def test_the_object_graph_is_that_of_tensorflow(here):
    parts = programs.fresh(tf)
    model, optimizer, momentum, step = parts
    held = model.blocks[0]
    optimizer.minimize(lambda: tf.reduce_sum(held.kernel**2) + tf.reduce_sum((held.bias - 1.0) ** 2), var_list=[held.kernel, held.bias])
    momentum.minimize(lambda: tf.reduce_sum(held.kernel), var_list=[held.kernel])
    checkpoint = programs.checkpoint(tf, parts)
    checkpoint.restore(golden("221-1")).assert_consumed()
    mine, theirs = bundle.Reader(checkpoint.save("ck")), bundle.Reader(golden("221-1"))
    graphs = [read_object_graph(r) for r in (mine, theirs)]
    for node in (n for g in graphs for n in g.nodes if n.attributes):
        node.attributes[0].full_name = ""  # numbered by what the process made before
    assert graphs[0] == graphs[1]
    assert list(mine.entries) == list(theirs.entries)
    for name in mine.entries:
        if name not in ("_CHECKPOINTABLE_OBJECT_GRAPH", f"save_counter/{KEY}"):
            assert mine.tensor(name).tobytes() == theirs.tensor(name).tobytes() or mine.tensor(name).tolist() == theirs.tensor(name).tolist()
            assert mine.entries[name].crc32c == theirs.entries[name].crc32c and mine.dtype(name) is theirs.dtype(name)


@pytest.mark.parametrize("version", ["115-1", "221-1"])
def test_tables_have_the_bytes_of_tensorflow(version):
    with open(golden(version) + ".index", "rb") as file:
        data = file.read()
    assert pack(unpack(data, "index").items()) == data


def test_save_and_restore(here):
    v = tf.Variable([1.0, 2.0], name="v")
    checkpoint = tf.train.Checkpoint(v=v)
    assert checkpoint.save("d/ck") == "d/ck-1" and checkpoint.save("d/ck") == "d/ck-2" and tf.train.latest_checkpoint("d") == "d/ck-2"
    with open("d/checkpoint") as file:
        assert file.read() == 'model_checkpoint_path: "ck-2"\nall_model_checkpoint_paths: "ck-2"\n'
    v.assign([0.0, 0.0])
    checkpoint.restore("d/ck-1").assert_consumed()
    assert v.numpy().tolist() == [1.0, 2.0] and checkpoint.save_counter.numpy() == 1
    assert tf.train.list_variables("d") == [("_CHECKPOINTABLE_OBJECT_GRAPH", []), (f"save_counter/{KEY}", []), (f"v/{KEY}", [2])]
    assert tf.train.load_variable("d/ck-2", f"v/{KEY}").tolist() == [1.0, 2.0]


def test_what_does_not_fit(here):
    path = tf.train.Checkpoint(v=tf.Variable([1.0, 2.0])).save("ck")
    read = lambda **parts: tf.train.Checkpoint(**parts).restore(path)
    with pytest.raises(ValueError, match=r"shape \(2,\) when attempting to restore variable with shape \(3,\)"):
        read(v=tf.Variable([0.0, 0.0, 0.0]))
    with pytest.raises(errors.InvalidArgumentError, match="expected dtype int32"):
        read(v=tf.Variable([1, 2]))
    with pytest.raises(AssertionError, match="Found 1 Python objects that were not bound"):
        read(v=tf.Variable([0.0, 0.0]), w=tf.Variable(1.0)).assert_existing_objects_matched()
    with pytest.raises(AssertionError, match=r"Unresolved object in checkpoint \(root\).v"):
        read().assert_consumed()
    with pytest.raises(AssertionError, match="Nothing except the root object"):
        tf.train.Checkpoint(q=tf.Variable(1.0)).read(tf.train.Checkpoint(v=tf.Variable(1.0)).write("other")).assert_nontrivial_match()
    with pytest.raises(errors.NotFoundError, match="Please double-check that the path is correct"):
        tf.train.Checkpoint().restore("nope")
    with pytest.raises(errors.DataLossError, match="Is a directory"):
        tf.train.Checkpoint().restore(".")
    with pytest.raises(ValueError, match="was expecting x to be a trackable object"):
        tf.train.Checkpoint(x=3)
    with pytest.raises(AssertionError, match="nothing is being restored"):
        tf.train.Checkpoint().restore(None).assert_consumed()


def test_values_wait_for_their_objects(here):
    saved = tf.Module()
    saved.v, saved.items, saved.table = tf.Variable(4.0), [tf.Variable(1.0), tf.Variable(2.0)], {"a": tf.Variable(6.0)}
    path = tf.train.Checkpoint(module=saved).save("ck")
    module = tf.Module()
    status = tf.train.Checkpoint(module=module).restore(path)
    with pytest.raises(AssertionError, match=r"\(root\).module.v"):
        status.assert_consumed()
    module.v, module.items = tf.Variable(0.0), []
    module.items.append(tf.Variable(0.0))
    module.items.append(tf.Variable(0.0))
    module.table = {}
    module.table["a"] = tf.Variable(0.0)
    assert [v.numpy() for v in (module.v, *module.items, module.table["a"])] == [4.0, 1.0, 2.0, 6.0]
    status.assert_consumed()


def test_the_later_restore_wins(here):
    paths = []
    for value in (1.0, 2.0):
        saved = tf.Module()
        saved.v = tf.Variable(value)
        paths.append(tf.train.Checkpoint(m=saved).write(f"ck{value}"))
    module = tf.Module()
    checkpoint = tf.train.Checkpoint(m=module)
    for path in paths:
        checkpoint.read(path)
    module.v = tf.Variable(0.0)
    assert module.v.numpy() == 2.0


def test_slots_wait_for_their_variables(here):
    v, optimizer = tf.Variable([1.0]), v1.train.MomentumOptimizer(0.1, 0.9)
    optimizer.minimize(lambda: v * v)
    path = tf.train.Checkpoint(v=v, optimizer=optimizer).save("ck")
    w, other = tf.Variable([0.0]), v1.train.MomentumOptimizer(0.1, 0.9)
    checkpoint = tf.train.Checkpoint(optimizer=other)
    status = checkpoint.restore(path)
    checkpoint.v = w
    status.assert_consumed()
    np.testing.assert_allclose(other.get_slot(w, "momentum").numpy(), [2.0])
    skipped = v1.train.MomentumOptimizer(0.1, 0.9)
    tf.train.Checkpoint(v=w, optimizer=skipped).restore(path, tf.train.CheckpointOptions(experimental_skip_slot_variables=True)).assert_consumed()
    assert skipped.get_slot(w, "momentum") is None


def test_a_root_with_attachments(here):
    root, extra = tf.Module(), tf.Module()
    root.v, extra.k = tf.Variable(1.0), tf.Variable(3.0)
    path = tf.train.Checkpoint(root, extra=extra).save("ck")
    assert f"v/{KEY}" in dict(tf.train.list_variables(path))
    checkpoint = tf.train.Checkpoint(tf.Module(), extra=tf.Module())
    status = checkpoint.restore(path)
    checkpoint.root.v, checkpoint.extra.k = tf.Variable(0.0), tf.Variable(0.0)
    assert (checkpoint.root.v.numpy(), checkpoint.extra.k.numpy(), checkpoint.save_counter.numpy()) == (1.0, 3.0, 1)
    status.assert_consumed()
    with pytest.raises(ValueError, match="if root.v already exists"):
        tf.train.Checkpoint(root, v=tf.Variable(2.0))


def test_tables_and_python_state(here):
    class Count(tf.train.experimental.PythonState):
        count = 7

        def serialize(self):
            return str(self.count)

        def deserialize(self, string_value):
            self.count = int(string_value)

    table, count = tf.lookup.experimental.MutableHashTable(tf.string, tf.int64, -1), Count()
    table.insert(tf.constant(["a", "b"]), tf.constant([1, 2], tf.int64))
    generator = tf.random.Generator.from_seed(3)
    checkpoint = tf.train.Checkpoint(table=table, count=count, generator=generator)
    path = checkpoint.save("ck")
    drawn = generator.normal([2]).numpy()
    table.insert(tf.constant(["a", "c"]), tf.constant([5, 6], tf.int64))
    count.count = 0
    checkpoint.restore(path).assert_consumed()
    assert table.lookup(tf.constant(["a", "b", "c"])).numpy().tolist() == [1, 2, -1] and count.count == 7
    np.testing.assert_array_equal(generator.normal([2]).numpy(), drawn)


def test_names_and_objects_both_ways(here):
    with tf.Graph().as_default(), v1.Session() as session:
        v1.get_variable("v", initializer=[7.0, 8.0])
        v1.get_variable("w", initializer=9.0)
        session.run(v1.global_variables_initializer())
        named = v1.train.Saver().save(session, "named")
    v, w = tf.Variable([0.0, 0.0], name="v"), tf.Variable(0.0, name="w")
    status = tf.train.Checkpoint(v=v, w=w).restore(named)
    status.assert_consumed()
    assert v.numpy().tolist() == [7.0, 8.0] and w.numpy() == 9.0
    with pytest.raises(AssertionError, match="Some objects had attributes which were not restored"):
        tf.train.Checkpoint(q=tf.Variable(0.0, name="q")).restore(named).assert_consumed()
    objects = tf.train.Checkpoint(a=v, b=w).save("objects")
    with tf.Graph().as_default(), v1.Session() as session:
        variables = [v1.get_variable("v", [2]), v1.get_variable("w", [])]
        v1.train.Saver().restore(session, objects)
        assert session.run(variables)[0].tolist() == [7.0, 8.0]
        v1.get_variable("z", [])
        with pytest.raises(errors.NotFoundError, match="Existing variables not in the checkpoint: z"):
            v1.train.Saver().restore(session, objects)


def test_in_graphs(here):
    def build():
        net = tf.Module()
        net.w = v1.Variable([1.0, 2.0], name="w")
        optimizer, step = v1.train.AdamOptimizer(0.1), v1.train.get_or_create_global_step()
        train = optimizer.minimize(tf.reduce_sum(net.w * net.w), global_step=step)
        return net, optimizer, step, train

    with tf.Graph().as_default(), v1.Session() as session:
        net, optimizer, step, train = build()
        session.run(v1.global_variables_initializer())
        session.run(train)
        checkpoint = v1.train.Checkpoint(net=net, optimizer=optimizer, step=step)
        path = checkpoint.save("g/ck", session=session)
        want = session.run([net.w, optimizer.get_slot(net.w, "m"), step])
    with tf.Graph().as_default(), v1.Session() as session:
        net, optimizer, step, train = build()
        status = v1.train.Checkpoint(net=net, optimizer=optimizer, step=step).restore(path)
        status.assert_consumed().initialize_or_restore(session)
        for a, b in zip(session.run([net.w, optimizer.get_slot(net.w, "m"), step]), want):
            np.testing.assert_array_equal(a, b)
        session.run(train)
        status.run_restore_ops(session)
        np.testing.assert_array_equal(session.run(net.w), want[0])
    with tf.Graph().as_default(), v1.Session() as session:
        net, optimizer, step, train = build()
        v1.train.Checkpoint(net=net, optimizer=optimizer, step=step).restore(None).initialize_or_restore(session)
        assert session.run(net.w).tolist() == [1.0, 2.0]


def test_in_functions(here):
    v = tf.Variable(3.0)
    checkpoint = tf.train.Checkpoint(v=v)

    @tf.function
    def write():
        v.assign_add(1.0)
        return checkpoint.write("inside")

    assert write().numpy() == b"inside" and tf.train.load_variable("inside", f"v/{KEY}") == 4.0
    with pytest.raises(NotImplementedError, match="from a function is not supported"):
        tf.function(lambda: checkpoint.save("x"))()


def test_in_the_background(here):
    v, written = tf.Variable(np.ones([100], np.float32)), []
    options = tf.train.CheckpointOptions(enable_async=True, experimental_write_callbacks=[written.append])
    checkpoint = tf.train.Checkpoint(v=v)
    path = checkpoint.save("ck", options)
    v.assign(np.zeros([100], np.float32))
    checkpoint.sync()
    assert written == [path] and tf.train.load_variable(path, f"v/{KEY}").sum() == 100
    os.mkdir("blocked-2.index")
    checkpoint.save("blocked", options)
    with pytest.raises(errors.FailedPreconditionError, match="Is a directory"):
        checkpoint.sync()


def test_shards(here):
    a, b = tf.Variable(np.arange(40, dtype=np.float32)), tf.Variable(np.ones([5, 6], np.float32))
    checkpoint = tf.train.Checkpoint(a=a, b=b)
    policy = tf.train.experimental.MaxShardSizePolicy(max_shard_size=64)
    path = checkpoint.write("ck", tf.train.CheckpointOptions(experimental_sharding_callback=policy))
    assert len([n for n in os.listdir(".") if ".data-" in n]) == 5
    a.assign(tf.zeros([40]))
    checkpoint.read(path).assert_consumed()
    assert a.numpy().tolist() == list(range(40)) and dict(tf.train.list_variables(path))[f"b/{KEY}"] == [5, 6]


def test_views(here):
    root = tf.Module()
    root.v = tf.Variable(1.0)
    checkpoint = tf.train.Checkpoint(root=root)
    view = tf.train.CheckpointView(checkpoint.save("ck"))
    assert view.children(0) == {"v": 1, "root": 0, "save_counter": 2} and view.descendants() == [0, 1, 2]
    assert view.match(root) == {0: root, 1: root.v}
    assert len(tf.train.TrackableView(root).descendants()) == 2


def test_what_is_not_restored_is_said(here, caplog):
    path = tf.train.Checkpoint(v=tf.Variable(1.0)).save("ck")
    status = tf.train.Checkpoint().restore(path)
    del status
    gc.collect()
    assert "Value in checkpoint could not be found in the restored object: (root).v" in caplog.text
    caplog.clear()
    tf.train.Checkpoint().restore(path).expect_partial()
    gc.collect()
    assert "could not be found" not in caplog.text


def test_the_variables_of_a_saved_model(here):
    saved, module = tf.Module(), tf.Module()
    saved.v, module.v = tf.Variable(5.0), tf.Variable(0.0)
    tf.saved_model.save(saved, "model")
    tf.train.Checkpoint(module).restore("model").expect_partial()
    assert module.v.numpy() == 5.0
