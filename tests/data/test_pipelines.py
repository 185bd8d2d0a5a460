"""What a pipeline does besides its elements: states, threads, files, errors."""

import gc
import threading
import time

import numpy as np
import pytest

import penstock as tf
from penstock.base import errors
from penstock.data.iterator_state import from_bytes, to_bytes

D = tf.data.Dataset


def pipelines(folder):
    words = D.from_tensor_slices(["a b", "c", "d e f"] * 4)
    rows = D.range(12).map(lambda x: tf.fill([x % 3 + 1], x))
    path = folder / "lines.txt"
    path.write_text("".join(f"line {i}\n" for i in range(12)))
    seeded = lambda x: x + tf.random.uniform([], maxval=9, dtype=tf.int64, seed=2)
    return {
        "shuffle": D.range(30).shuffle(7, seed=3).repeat(2),
        "interleave": D.range(8).interleave(lambda x: D.range(x * 10, x * 10 + 5), cycle_length=3, block_length=2),
        "flat_map": D.range(5).flat_map(lambda x: D.range(x)).enumerate(),
        "prefetch": D.range(20).map(lambda x: x * 2, num_parallel_calls=2).batch(3).prefetch(2),
        "padded": rows.padded_batch(2).skip(1),
        "window": D.range(12).window(3, 2).flat_map(lambda w: w.batch(3)),
        "groups": D.range(20).group_by_window(lambda x: x % 3, lambda k, w: w.batch(2), 4),
        "cache": D.range(9).cache().repeat(2).shard(2, 1),
        "mixed": D.sample_from_datasets([D.range(0, 9), D.range(100, 109)], seed=1),
        "strings": words.map(lambda s: tf.strings.length(s)).concatenate(D.range(3).map(lambda x: tf.cast(x, tf.int32))),
        "scan": D.range(12).scan(tf.constant(0, tf.int64), lambda s, x: (s + x, s)).take_while(lambda x: x < 60),
        "unbatch": D.range(20).batch(6).unbatch().unique(),
        "zip": D.zip((D.range(12).shuffle(5, seed=1), D.random(seed=2))),
        "again": D.range(7).apply(tf.data.experimental.shuffle_and_repeat(4, 3, seed=2)),
        "lines": tf.data.TextLineDataset(str(path)).shuffle(4, seed=1),
        "ragged": D.from_tensor_slices(tf.ragged.constant([[1], [2, 3], [], [4]] * 3)).shuffle(3, seed=1).map(lambda r: tf.reduce_sum(r)),
        "rebatch": D.range(20).batch(6).rebatch([2, 5]),
        "deep": D.range(12).map(seeded).shuffle(3, seed=4),
    }


NAMES = ["shuffle", "interleave", "flat_map", "prefetch", "padded", "window", "groups", "cache", "mixed", "strings", "scan", "unbatch", "zip", "again", "lines", "ragged", "rebatch", "deep"]


def plain(element):
    return [np.asarray(x).tolist() for x in tf.nest.flatten(element)]


@pytest.mark.parametrize("name", NAMES)
def test_an_iterator_goes_on_where_it_was_saved(name, tmp_path):
    dataset = pipelines(tmp_path)[name]
    it = dataset.as_numpy_iterator()
    taken = [plain(next(it)) for _ in range(4)]
    state = it.save()
    rest = [plain(x) for _, x in zip(range(40), it)]
    other = pipelines(tmp_path)[name].as_numpy_iterator()
    other.restore(state)
    assert [plain(x) for _, x in zip(range(40), other)] == rest and taken and rest


def test_a_checkpoint_holds_an_iterator(tmp_path):
    make = lambda: iter(D.range(40).shuffle(7, seed=2).interleave(lambda x: D.from_tensors(x).repeat(3), cycle_length=4).batch(4))
    it = make()
    for _ in range(5):
        next(it)
    path = tf.train.Checkpoint(it=it).save(str(tmp_path / "c"))
    rest = [x.numpy().tolist() for x in it]
    other = make()
    tf.train.Checkpoint(it=other).restore(path)
    assert [x.numpy().tolist() for x in other] == rest


def test_states_are_bytes_that_cannot_do_harm():
    state = {"a": [1, -5, 2.5, None, True], "b": (b"x", "y", {1, 2}), "c": np.arange(6, dtype=np.int16).reshape(2, 3), 3: np.array([b"p", "q"], object)}
    data = to_bytes(state)
    back = from_bytes(data)
    assert back["a"] == state["a"] and back["b"] == state["b"] and (back["c"] == state["c"]).all() and back[3].tolist() == [b"p", "q"]
    for i in range(0, len(data), 3):
        for broken in (data[:i], data[:i] + bytes([data[i] ^ 0x55]) + data[i + 1 :]):
            try:
                from_bytes(broken)
            except (errors.DataLossError, errors.InvalidArgumentError):
                pass


def threads():
    return [t for t in threading.enumerate() if t.name.startswith("penstock")]


def test_threads_end_with_the_iterator():
    before = len(threads())
    slow = D.range(1000).map(lambda x: tf.py_function(lambda v: (time.sleep(0.001), v)[1], [x], tf.int64), num_parallel_calls=2).prefetch(2)
    it = iter(slow)
    assert [int(next(it)) for _ in range(8)] == list(range(8))
    assert len(threads()) > before
    del it
    gc.collect()
    for _ in range(100):
        if len(threads()) <= before:
            break
        time.sleep(0.02)
    assert len(threads()) <= before


def test_an_error_in_a_map_function_names_its_line():
    def bad(x):
        return tf.debugging.check_numerics(1.0 / tf.cast(x, tf.float32), "a bad number")  # this line

    for dataset in (D.range(2).map(bad), D.range(2).map(bad, num_parallel_calls=2), D.range(2).map(bad).prefetch(1)):
        with pytest.raises(errors.InvalidArgumentError, match="a bad number") as caught:
            list(dataset)
        assert "this line" in str(caught.value)
        assert [float(x) for x in dataset.ignore_errors()] == [1.0]


def test_an_error_in_a_generator_keeps_its_message():
    def numbers():
        yield 1
        raise RuntimeError("no more numbers")

    it = iter(D.from_generator(numbers, output_signature=tf.TensorSpec([], tf.int32)))
    assert int(next(it)) == 1
    with pytest.raises(errors.UnknownError, match="RuntimeError: no more numbers"):
        next(it)


def test_caches(tmp_path):
    seen = []
    noted = lambda x: tf.py_function(lambda v: (seen.append(int(v)), v)[1], [x], tf.int64)
    for cached in (D.range(4).map(noted).cache(), D.range(4).map(noted).cache(str(tmp_path / "cache"))):
        seen.clear()
        assert [int(x) for x in cached] == [int(x) for x in cached] == [0, 1, 2, 3]
        assert seen == [0, 1, 2, 3]
    assert [int(x) for x in D.range(9).cache(str(tmp_path / "cache"))] == [0, 1, 2, 3]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["cache.data-00000-of-00001", "cache.index"]


def test_saved_datasets(tmp_path):
    element = {"n": [1, 2, 3], "s": ["a", "bb", "c"], "r": tf.ragged.constant([[1], [], [2, 3]])}
    dataset = D.from_tensor_slices(element)
    for name, compression in (("plain", None), ("packed", "GZIP")):
        dataset.save(str(tmp_path / name), compression=compression, shard_func=lambda e: tf.cast(e["n"] % 2, tf.int64))
        loaded = D.load(str(tmp_path / name), compression=compression)
        assert loaded.element_spec == dataset.element_spec and len(loaded) == 3
        assert sorted((int(e["n"]), e["s"].numpy(), e["r"].numpy().tolist()) for e in loaded) == [(1, b"a", [1]), (2, b"bb", []), (3, b"c", [2, 3])]
    with pytest.raises(errors.NotFoundError):
        D.load(str(tmp_path / "nothing"))


def test_snapshots(tmp_path):
    seen = []
    noted = lambda x: tf.py_function(lambda v: (seen.append(int(v)), v)[1], [x], tf.int64)
    kept = D.range(4).map(noted).snapshot(str(tmp_path))
    assert [int(x) for x in kept] == [int(x) for x in kept] == [0, 1, 2, 3]
    assert seen == [0, 1, 2, 3]


def test_variables_and_tables_are_read_when_an_element_is_made():
    v = tf.Variable(1, dtype=tf.int64)
    table = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(["a", "b"], [1, 2]), -1)
    dataset = D.from_tensor_slices(["b", "c"]).map(lambda s: tf.cast(table.lookup(s), tf.int64) + v)
    assert [int(x) for x in dataset] == [3, 0]
    v.assign(10)
    assert [int(x) for x in dataset] == [12, 9]


def test_options_are_merged():
    options, more = tf.data.Options(), tf.data.Options()
    options.deterministic, options.threading.private_threadpool_size = False, 3
    more.deterministic = True
    dataset = D.range(3).with_options(options).map(lambda x: x).with_options(more)
    assert dataset.options().deterministic is True and dataset.options().threading.private_threadpool_size == 3
    with pytest.raises(ValueError, match="has no effect"):
        dataset.options().deterministic = False
    with pytest.raises(AttributeError, match="Cannot set the property"):
        options.no_such_option = 1
    with pytest.raises(TypeError, match="must be of type"):
        options.deterministic = 1


def test_a_dataset_in_a_graph_runs_from_its_graph_def():
    v1 = tf.compat.v1
    with v1.Graph().as_default() as graph:
        dataset = v1.data.Dataset.range(6).map(lambda x: x * x).filter(lambda x: x > 3).batch(2)
        item = dataset.make_one_shot_iterator().get_next()
    with v1.Graph().as_default():
        (again,) = v1.import_graph_def(graph.as_graph_def(), return_elements=[item.name])
        with v1.Session() as session:
            assert [session.run(again).tolist() for _ in range(2)] == [[4, 9], [16, 25]]


def test_sparse_and_ragged_batches_are_taken_apart():
    ragged = tf.ragged.constant([[1], [2, 3]])
    assert [x.numpy().tolist() for x in D.from_tensors(ragged).unbatch()] == [[1], [2, 3]]
    both = D.from_tensors((tf.sparse.from_dense([[0, 1], [2, 0]]), [5, 6])).unbatch()
    assert [(tf.sparse.to_dense(s).numpy().tolist(), int(n)) for s, n in both] == [([0, 1], 5), ([2, 0], 6)]
    assert [x.numpy().tolist() for x in D.from_tensor_slices(ragged).batch(2).unbatch()] == [[1], [2, 3]]


def test_reducing_keeps_no_function_alive():
    import gc
    import weakref

    class Holder:
        pass

    held = Holder()
    gone = weakref.ref(held)
    step = lambda s, x, held=held: s + x
    assert int(D.range(4).reduce(np.int64(0), step)) == 6 and len(list(D.range(2).map(lambda x, held=held: x))) == 2
    del held, step
    gc.collect()
    assert gone() is None


def test_a_saver_keeps_where_an_iterator_stands(tmp_path):
    v1 = tf.compat.v1
    with v1.Graph().as_default():
        it = v1.data.Dataset.range(20).shuffle(5, seed=3).make_initializable_iterator()
        item = it.get_next()
        v1.add_to_collection(v1.GraphKeys.SAVEABLE_OBJECTS, tf.data.experimental.make_saveable_from_iterator(it))
        saver = v1.train.Saver()
        with v1.Session() as session:
            session.run(it.initializer)
            for _ in range(5):
                session.run(item)
            saver.save(session, str(tmp_path / "c"))
            rest = [session.run(item) for _ in range(5)]
        with v1.Session() as session:
            session.run(it.initializer)
            saver.restore(session, str(tmp_path / "c"))
            assert [session.run(item) for _ in range(5)] == rest


def test_a_dataset_is_saved_with_checkpoints_of_its_iterator(tmp_path):
    folder, kept = str(tmp_path / "data"), str(tmp_path / "kept")
    tf.data.Dataset.range(10).save(folder, checkpoint_args={"directory": kept, "checkpoint_interval": 4, "max_to_keep": 2})
    assert [int(n) for n in tf.data.Dataset.load(folder)] == list(range(10))
    assert tf.train.latest_checkpoint(kept) is not None
