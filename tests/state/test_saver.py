"""Checkpoints: what TensorFlow wrote (tests/golden/make_checkpoint.py) loads, what is saved loads again, damage is noticed."""

import os

import numpy as np
import pytest

import penstock.compat.v1 as tf
from penstock.base import bundle, dtypes, errors
from penstock.base.crc32c import crc32c

GOLDEN = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "golden", "checkpoint", "model")


def test_crc():
    assert crc32c(b"123456789") == 0xE3069283
    data = np.random.default_rng(0).bytes(50_000)
    whole = 0
    for at in range(0, len(data), 999):
        from penstock.base.crc32c import extend

        whole = extend(whole, data[at : at + 999])
    assert whole == crc32c(data)


def test_reads_what_tensorflow_wrote():
    reader = tf.train.NewCheckpointReader(GOLDEN)
    assert reader.get_variable_to_shape_map() == {"a/v": [2, 3], "h": [2], "n": [], "p": [5, 2], "s": [2]}
    assert reader.get_tensor("a/v").tolist() == [[0, 1, 2], [3, 4, 5]] and reader.get_tensor("s").tolist() == [b"x", b"yy"]
    assert reader.get_tensor("p").tolist() == [[1.0, 1.0]] * 5 and reader.get_tensor("n") == 3
    assert tf.train.load_variable(GOLDEN, "h").tolist() == [1.5, 2.0]
    with tf.Graph().as_default(), tf.Session() as sess:
        saver = tf.train.import_meta_graph(f"{GOLDEN}.meta")
        saver.restore(sess, GOLDEN)
        assert [v.name for v in tf.global_variables()] == ["a/v:0", "s:0", "n:0", "p/part_0:0", "p/part_1:0", "h:0"]
        assert sess.run("a/v:0").tolist() == [[0, 1, 2], [3, 4, 5]] and sess.run("p/part_1/read:0").tolist() == [[1, 1], [1, 1]]


@pytest.mark.parametrize("use_resource", [True, False])
def test_saves_and_restores(tmp_path, use_resource):
    with tf.Graph().as_default():
        w = tf.get_variable("w", initializer=np.ones((3, 2), np.float32), use_resource=use_resource)
        p = tf.get_variable("p", [5], initializer=tf.ones_initializer(), partitioner=tf.fixed_size_partitioner(2), use_resource=use_resource)
        step = tf.train.get_or_create_global_step()
        up = tf.group(tf.assign_add(w, tf.ones_like(w)), tf.assign_add(step, 1))
        saver = tf.train.Saver(max_to_keep=2)
        with tf.Session() as sess:
            sess.run(tf.global_variables_initializer())
            for _ in range(3):
                sess.run(up)
                saved = saver.save(sess, str(tmp_path / "m"), global_step=step)
            sess.run(up)
        assert saved == str(tmp_path / "m-3") == tf.train.latest_checkpoint(str(tmp_path))
        assert [os.path.basename(c) for c in saver.last_checkpoints] == ["m-2", "m-3"] and not (tmp_path / "m-1.index").exists()
        with tf.Session() as sess:
            saver.restore(sess, saved)
            assert sess.run(w).tolist() == [[4.0, 4.0]] * 3 and sess.run(step) == 3 and sum(map(sum, sess.run(list(p)))) == 5
        with pytest.raises(ValueError):
            saver.restore(None, str(tmp_path / "nothing"))
    with tf.Graph().as_default(), tf.Session() as sess:
        tf.get_variable("other", [2])
        with pytest.raises(errors.NotFoundError):
            tf.train.Saver().restore(sess, saved)


def test_a_sharded_saver_writes_a_file_for_each_device(tmp_path):
    with tf.Graph().as_default(), tf.Session() as sess:
        with tf.device("/cpu:0"):
            w = tf.get_variable("w", initializer=[1.0, 2.0])
            p = tf.get_variable("p", [5], initializer=tf.ones_initializer(), partitioner=tf.fixed_size_partitioner(2))
        h = tf.get_variable("h", initializer=3.0)
        saver = tf.train.Saver(sharded=True)
        sess.run(tf.global_variables_initializer())
        for _ in range(2):
            path = saver.save(sess, str(tmp_path / "m"))
        assert sorted(os.listdir(tmp_path)) == ["checkpoint", "m.data-00000-of-00002", "m.data-00001-of-00002", "m.index", "m.meta"]
        assert tf.train.list_variables(path) == [("h", []), ("p", [5]), ("w", [2])]
        sess.run([w.assign([0.0, 0.0]), h.assign(0.0), *[part.assign(part * 0.0) for part in p]])
        saver.restore(sess, path)
        assert [v.tolist() for v in sess.run([w, h, *p])] == [[1.0, 2.0], 3.0, [1.0, 1.0, 1.0], [1.0, 1.0]]
        assert [n.name for n in sess.graph.get_operations() if n.type == "SaveV2"] == ["save/SaveV2", "save/SaveV2_1"]


def test_one_folder_is_made_but_not_two(tmp_path):
    with tf.Graph().as_default(), tf.Session() as sess:
        sess.run(tf.get_variable("w", initializer=1.0).initializer)
        saver = tf.train.Saver()
        assert saver.save(sess, str(tmp_path / "one" / "m"))
        with pytest.raises(ValueError, match="Parent directory of .* doesn't exist"):
            saver.save(sess, str(tmp_path / "two" / "three" / "m"))


def test_meta_graphs_leave_out_what_old_readers_do_not_know(tmp_path):
    from penstock.ir import older_readers
    from penstock.ir.op import find

    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [2, 3])
        w = tf.get_variable("w", [3, 2], use_resource=True)
        gradients = tf.gradients(tf.reduce_sum(tf.matmul(x, w) ** 2), [x, w])
        diagonal = tf.linalg.diag(x[0], name="diagonal")
        meta = tf.train.export_meta_graph(str(tmp_path / "m.meta"), graph=graph)
        assert not any("grad_a" in n.attr for n in meta.graph_def.node)
        nodes = [graph.get_operation_by_name(name) for name in (gradients[0].op.name, diagonal.op.name)]
        made = [n.node_def for n in nodes]
        for one, node in zip(made, nodes):
            older_readers.drop_newer(one, find(node.type))
        assert set(made[0].attr) == {"T", "transpose_a", "transpose_b"} and made[1].op == "MatrixDiagV2" and set(made[1].attr) == {"T"}


def test_damage_is_noticed(tmp_path):
    prefix = str(tmp_path / "x")
    bundle.write(prefix, [("a", "", np.arange(4.0), dtypes.float64)])
    data = bundle.data_file(prefix, 0, 1)
    with open(data, "r+b") as file:
        file.write(b"\1")
    with pytest.raises(errors.DataLossError):
        bundle.Reader(prefix).tensor("a")
    with open(f"{prefix}.index", "r+b") as file:
        file.seek(3)
        file.write(b"\xff")
    with pytest.raises(errors.DataLossError):
        bundle.Reader(prefix)


def test_tables_and_objects_are_saved(tmp_path):
    from penstock.state.saveable import SaveableObject, SaveSpec

    class Halves(SaveableObject):
        def __init__(self, variable, name):
            super().__init__(variable, [SaveSpec(variable * 1.0, "", f"{name}_x"), SaveSpec(variable * 2.0, "", f"{name}_y")], name)

        def restore(self, restored_tensors, restored_shapes):
            return self.op.assign(restored_tensors[1])

    with tf.Graph().as_default(), tf.Session() as session:
        table = tf.lookup.experimental.MutableHashTable(tf.string, tf.int64, -1, name="table")
        v, w = tf.get_variable("v", initializer=1.0), tf.get_variable("w", initializer=[1.0, 2.0])
        session.run(tf.global_variables_initializer())
        session.run(table.insert(tf.constant(["a"]), tf.constant([5], tf.int64)))
        saver, objects = tf.train.Saver(), tf.train.Saver([v, Halves(w, "object")])
        path = saver.save(session, str(tmp_path / "new" / "model"))
        assert tf.train.list_variables(path) == [("table-keys", [1]), ("table-values", [1]), ("v", []), ("w", [2])]
        session.run(table.insert(tf.constant(["b"]), tf.constant([7], tf.int64)))
        saver.restore(session, path)
        assert session.run(table.lookup(tf.constant(["a", "b"]))).tolist() == [5, -1]
        path = objects.save(session, str(tmp_path / "objects"))
        assert tf.train.list_variables(path) == [("object_x", [2]), ("object_y", [2]), ("v", [])]
        objects.restore(session, path)
        assert session.run(w).tolist() == [2.0, 4.0]


@pytest.mark.parametrize(
    ("build", "assignment", "want"),
    [
        (lambda: [named("new/a", [2]), named("new/b")], {"old/": "new/"}, [[1.0, 2.0], 3.0]),
        (lambda: [named("new/a", [2]), named("new/b")], {"old/a": "new/a"}, [[1.0, 2.0], 0.0]),
        (lambda: [named("m/old/a", [2]), named("m/old/b")], {"/": "m/"}, [[1.0, 2.0], 3.0]),
        (lambda: list(named("new/p", [5, 2], partitioner=tf.fixed_size_partitioner(3))), {"old/p": "new/p"}, [[[2.0] * 2] * 2, [[2.0] * 2] * 2, [[2.0] * 2]]),
    ],
)
def test_variables_begin_with_a_checkpoint(tmp_path, build, assignment, want):
    path = old_checkpoint(tmp_path)
    with tf.Graph().as_default(), tf.Session() as session:
        variables = build()
        tf.train.init_from_checkpoint(path, assignment)
        session.run(tf.global_variables_initializer())
        assert [session.run(v).tolist() for v in variables] == want


def named(name, shape=(), **settings):
    return tf.get_variable(name, shape=shape, initializer=tf.zeros_initializer(), **settings)


def old_checkpoint(folder):
    with tf.Graph().as_default(), tf.Session() as session:
        tf.get_variable("old/a", initializer=[1.0, 2.0])
        tf.get_variable("old/b", initializer=3.0)
        tf.get_variable("old/p", [5, 2], initializer=tf.constant_initializer(2.0), partitioner=tf.fixed_size_partitioner(2))
        session.run(tf.global_variables_initializer())
        return tf.train.Saver().save(session, str(folder / "old"))


def test_wrong_assignments(tmp_path):
    path = old_checkpoint(tmp_path)
    with tf.Graph().as_default():
        named("new/a", [3])
        for assignment, message in (
            ({"old/a": "new/a"}, r"Shape of variable new/a:0 \(\(3,\)\) doesn't match with shape of tensor old/a \(\[2\]\)"),
            ({"old/z": "new/a"}, "Tensor old/z is not found"),
            ({"old/a": "new/z"}, "Should be 'scope/': 'other_scope/'"),
            ({"top/": "new/"}, r"Tensor top/a \(a in top/\) is not found"),
        ):
            with pytest.raises(ValueError, match=message):
                tf.train.init_from_checkpoint(path, assignment)


def test_warm_starts(tmp_path):
    old, new = tmp_path / "old.txt", tmp_path / "new.txt"
    old.write_text("a\nb\nc\n")
    new.write_text("c\na\nd\n")
    with tf.Graph().as_default(), tf.Session() as session:
        tf.get_variable("e/words", initializer=[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
        tf.get_variable("e/b", initializer=1.0)
        session.run(tf.global_variables_initializer())
        path = tf.train.Saver().save(session, str(tmp_path / "model"))
    with tf.Graph().as_default(), tf.Session() as session:
        words, b = named("e/words", [3, 2]), named("f/b")
        vocabulary = tf.train.VocabInfo(str(new), 3, 0, str(old), 3, backup_initializer=tf.constant_initializer(0.5))
        tf.train.warm_start(path, var_name_to_vocab_info={"e/words": vocabulary}, var_name_to_prev_var_name={"f/b": "e/b"})
        session.run(tf.global_variables_initializer())
        assert session.run(words).tolist() == [[5.0, 6.0], [1.0, 2.0], [0.5, 0.5]] and session.run(b) == 1.0
        with pytest.raises(ValueError, match="were not used: {'z'}"):
            tf.train.warm_start(path, vars_to_warm_start="e/words", var_name_to_prev_var_name={"z": "e/b"})
