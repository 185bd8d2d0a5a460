"""`tf.summary` of 2.x: what stands in the event files is what TensorFlow 2.21 with TensorBoard 2.21 writes."""

import io
import os
import time

import numpy as np
import pytest
from PIL import Image

import penstock as tf
from penstock.summary.writers import state

v1 = tf.compat.v1
S = tf.summary


@pytest.fixture(autouse=True)
def clean():
    yield
    state.writer = state.step = state.recording = None


@pytest.fixture
def writer(tmp_path):
    return S.create_file_writer(str(tmp_path / "logs"))


def events(folder):
    found = []
    for name in sorted(os.listdir(folder)):
        found += v1.train.summary_iterator(os.path.join(folder, name))
    return found


def values(tmp_path, folder="logs"):
    """[(step, tag, value)] of what was written."""
    return [(e.step, v.tag, v) for e in events(tmp_path / folder) for v in e.summary.value]


def array(value):
    return tf.make_ndarray(value.tensor)


def test_kinds(tmp_path, writer):
    with writer.as_default(step=3):
        assert S.scalar("loss", 0.5, description="**x**").numpy()
        S.image("image", tf.constant([[[[0.5], [2.0]], [[-1.0], [0.25]]]]))
        S.audio("audio", tf.constant(np.array([[[0.0], [0.5], [-1.0]]], np.float32)), 8000)
        S.text("text", ["a", "b"])
        S.write("raw", [1, 2])
        S.experimental.write_raw_pb(v1.Summary(value=[v1.Summary.Value(tag="pb", simple_value=3.0)]).SerializeToString())
        writer.flush()
    found = {tag: value for _, tag, value in values(tmp_path)}
    assert list(found) == ["loss", "image", "audio", "text", "raw", "pb"] and {step for step, *_ in values(tmp_path)} == {3}
    plugins = [found[tag].metadata.plugin_data.plugin_name for tag in ("loss", "image", "audio", "text", "raw")]
    assert plugins == ["scalars", "images", "audio", "text", ""]
    assert array(found["loss"]) == 0.5 and found["loss"].metadata.summary_description == "**x**" and found["loss"].tensor.dtype == 1
    width, height, png = array(found["image"])
    assert (width, height) == (b"2", b"2") and np.array(Image.open(io.BytesIO(png))).tolist() == [[127, 255], [0, 63]]
    wave, label = array(found["audio"])[0]
    assert label == b"" and wave[:4] == b"RIFF" and np.frombuffer(wave[44:], "<i2").tolist() == [0, 16384, -32768]
    assert found["audio"].metadata.plugin_data.content == b"\x10\x0b"
    assert array(found["text"]).tolist() == [b"a", b"b"] and array(found["raw"]).tolist() == [1, 2] and found["pb"].simple_value == 3.0
    first = events(tmp_path / "logs")[0]
    assert first.file_version == "brain.Event:2" and first.source_metadata.writer == "tensorflow.core.util.events_writer"


@pytest.mark.parametrize(
    ("data", "buckets", "want"),
    [
        ([1.0, 2.0, 3.0, 4.0, 5.0, 9.0], 3, [[1, 11 / 3, 3], [11 / 3, 19 / 3, 2], [19 / 3, 9, 1]]),
        ([2.0, 2.0], 2, [[2, 2, 0], [2, 2, 2]]),
        ([], 2, [[0, 0, 0], [0, 0, 0]]),
        ([1, 2, 3], 2, [[1, 2, 1], [2, 3, 2]]),
        ([1.0], 0, np.zeros([0, 3])),
    ],
)
def test_histograms(tmp_path, writer, data, buckets, want):
    with writer.as_default():
        S.histogram("h", data, step=0, buckets=buckets)
    writer.close()
    ((_, _, value),) = values(tmp_path)
    np.testing.assert_allclose(array(value), want)
    assert array(value).dtype == np.float64 and value.metadata.plugin_data.plugin_name == "histograms"


def test_steps_and_conditions(tmp_path, writer):
    assert not S.scalar("nobody", 1.0, step=0).numpy() and not S.should_record_summaries().numpy() and S.experimental.get_step() is None
    with writer.as_default():
        with pytest.raises(ValueError, match="No step set"):
            S.scalar("a", 1.0)
        with S.record_if(False):
            assert not S.scalar("no", 1.0, step=0).numpy() and not S.should_record_summaries().numpy()
        with S.record_if(lambda: tf.constant(True)):
            S.scalar("yes", 1.0, step=0)
        step = tf.Variable(9, dtype=tf.int64)
        S.experimental.set_step(step)
        S.scalar("counted", 1.0)
        with writer.as_default(step=20):
            S.scalar("inner", 1.0)
        assert S.experimental.get_step() is step
        with tf.name_scope("scope"):
            S.scalar("bad name/x:y", 1.0)
        with S.experimental.summary_scope("foo") as (tag, scope):
            assert (tag, scope) == ("foo", "foo/")
    writer.close()
    assert [(s, t) for s, t, _ in values(tmp_path)] == [(0, "yes"), (9, "counted"), (20, "inner"), (9, "scope/bad name/x:y")]
    writer.flush()
    writer.close()
    with pytest.raises(RuntimeError, match="is already closed"):
        writer.as_default()
    with S.create_noop_writer().as_default():
        assert not S.scalar("a", 1.0, step=0).numpy()


def test_wrong_input(writer):
    with writer.as_default(step=0):
        for call, error, message in (
            (lambda: S.scalar("s", [1.0, 2.0]), ValueError, "Expected scalar shape"),
            (lambda: S.image("i", tf.ones([2, 2, 3])), ValueError, "must have rank 4"),
            (lambda: S.image("i", tf.ones([1, 2, 2, 3]), max_outputs=-1), tf.errors.InvalidArgumentError, "x >= 0"),
            (lambda: S.audio("a", tf.ones([1, 2, 1]), 8000, encoding="mp3"), ValueError, "Unknown encoding"),
            (lambda: S.text("t", [1]), TypeError, "must be of type tf.string"),
            (lambda: S.write("w", [1], step=1.5), TypeError, "int64"),
            (lambda: S.graph(3), ValueError, "is not tf.Graph"),
            (lambda: S.create_file_writer(None), ValueError, "cannot be None"),
        ):
            with pytest.raises(error, match=message):
                call()


def test_in_functions(tmp_path, writer):
    step = tf.Variable(0, dtype=tf.int64)
    with writer.as_default():

        @tf.function
        def train(x):
            with tf.name_scope("fn"), S.record_if(lambda: tf.equal(step % 2, 0)):
                S.scalar("even", x, step=step)
            S.histogram("h", [x, x + 1.0], step=step, buckets=2)
            step.assign_add(1)
            return step

        for i in range(4):
            assert train(tf.constant(float(i))).numpy() == i + 1

        @tf.function
        def loop(n):
            for i in tf.range(n):
                S.scalar("loop", tf.cast(i, tf.float32), step=tf.cast(i, tf.int64))

        loop(tf.constant(3))
    writer.close()
    found = [(s, t) for s, t, _ in values(tmp_path)]
    assert [f for f in found if f[1] == "fn/even"] == [(0, "fn/even"), (2, "fn/even")]
    assert [s for s, t in found if t == "h"] == [0, 1, 2, 3] and [s for s, t in found if t.endswith("loop")] == [0, 1, 2]


def test_graphs(tmp_path, writer):
    @tf.function
    def f(x):
        with tf.name_scope("inside"):
            return x * 2.0

    with writer.as_default():
        S.trace_on(graph=True)
        f(tf.constant(1.0))
        S.trace_export("traced", step=0)
        with pytest.raises(ValueError, match="Must enable trace before export"):
            S.trace_export("traced", step=0)
        assert S.graph(f.get_concrete_function(tf.constant(1.0)).graph).numpy()
    writer.close()
    traced, graph = None, None
    for e in events(tmp_path / "logs"):
        graph = e.graph_def or graph
        for v in e.summary.value:
            traced = v
    assert traced.metadata.plugin_data.plugin_name == "graph_run_metadata_graph"
    metadata = v1.RunMetadata.FromString(traced.tensor.string_val[0])
    names = [n.name for n in metadata.function_graphs[0].pre_optimization_graph.node]
    assert "inside/mul" in names and names == [n.name for n in v1.GraphDef.FromString(graph).node]


def test_in_sessions(tmp_path):
    with tf.Graph().as_default(), v1.Session() as session:
        writer, step = S.create_file_writer(str(tmp_path / "logs")), v1.Variable(0, dtype=tf.int64, use_resource=True)
        with writer.as_default():
            written = S.scalar("loss", tf.constant(1.5), step=step)
            assert len(v1.summary.all_v2_summary_ops()) == 1
            session.run(v1.global_variables_initializer())
            v1.summary.initialize(session=session)
            for _ in range(2):
                assert session.run(written)
                session.run(step.assign_add(1))
            session.run(writer.flush())
    assert [(s, t) for s, t, _ in values(tmp_path)] == [(0, "loss"), (1, "loss")]
    with tf.Graph().as_default(), pytest.raises(RuntimeError, match="No default"):
        v1.summary.initialize()


def test_what_waits_is_written(tmp_path):
    writer = S.create_file_writer(str(tmp_path / "logs"), flush_millis=50, filename_suffix=".end")
    writer.set_as_default()
    S.scalar("a", 1.0, step=0)
    assert os.listdir(tmp_path / "logs")[0].endswith(".end")
    for _ in range(100):
        if values(tmp_path):
            break
        time.sleep(0.02)
    assert [(s, t) for s, t, _ in values(tmp_path)] == [(0, "a")]


def test_a_context_flushes(tmp_path, writer):
    with writer.as_default():
        S.scalar("a", 1.0, step=0)
        assert not values(tmp_path)
    assert len(values(tmp_path)) == 1


def test_damaged_files(tmp_path, writer):
    with writer.as_default():
        S.scalar("a", 1.0, step=0)
    writer.close()
    (name,) = os.listdir(tmp_path / "logs")
    path = tmp_path / "logs" / name
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(tf.errors.DataLossError, match="truncated record"):
        list(v1.train.summary_iterator(str(path)))
    with pytest.raises(tf.errors.NotFoundError):
        list(v1.train.summary_iterator(str(tmp_path / "nothing")))


def test_writers_of_1x(tmp_path):
    writer = v1.summary.FileWriter(str(tmp_path / "a"), session=None, graph=tf.Graph())
    writer.add_run_metadata(v1.RunMetadata(), "step", 1)
    with pytest.raises(ValueError, match="already used"):
        writer.add_run_metadata(v1.RunMetadata(), "step", 2)
    writer.close()
    with pytest.warns(UserWarning, match="closed FileWriter"):
        writer.add_summary(v1.Summary(), 1)
    writer.reopen()
    writer.add_session_log(v1.SessionLog(status=v1.SessionLog.START), 3)
    writer.close()
    assert [e.step for e in events(tmp_path / "a") if e.HasField("session_log")] == [3]
