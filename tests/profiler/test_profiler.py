"""Profiles of graphs and runs: counts are those of TensorFlow 2.21; times are there, whatever they are."""

import glob
import json
import os

import numpy as np
import pytest

import penstock as tf
from penstock.platform.timeline import Timeline
from penstock.profiler.float_ops import float_ops

v1 = tf.compat.v1
Options = v1.profiler.ProfileOptionBuilder
IMAGE, MATRIX = [4, 8, 8, 3], [4, 6]

COUNTS = [
    (IMAGE, lambda x: tf.nn.conv2d(x, tf.ones([3, 3, 3, 5]), 1, "SAME"), 69120),
    (IMAGE, lambda x: tf.nn.depthwise_conv2d(x, tf.ones([3, 3, 3, 2]), [1, 1, 1, 1], "SAME"), 27648),
    (IMAGE, lambda x: tf.nn.bias_add(x, tf.ones([3])), 768),
    (IMAGE, lambda x: tf.nn.max_pool2d(x, 2, 2, "VALID"), 768),
    (IMAGE, lambda x: tf.nn.avg_pool2d(x, 2, 2, "VALID"), 768),
    (IMAGE, lambda x: tf.nn.dilation2d(x, tf.ones([2, 2, 3]), [1, 1, 1, 1], "VALID", "NHWC", [1, 1, 1, 1]), 4704),
    (IMAGE, lambda x: tf.nn.conv2d_transpose(tf.ones([4, 8, 8, 5]), tf.ones([3, 3, 3, 5]), IMAGE, 1), 69120),
    (MATRIX, tf.nn.softmax, 120),
    (MATRIX, tf.nn.l2_loss, 71),
    (MATRIX, lambda m: tf.reduce_sum(m, 1), 20),
    (MATRIX, tf.reduce_mean, 24),
    (MATRIX, lambda m: m + m, 24),
    (MATRIX, lambda m: tf.math.squared_difference(m, m), 48),
    (MATRIX, tf.math.rsqrt, 48),
    (MATRIX, lambda m: tf.add_n([m, m, m]), 48),
    (MATRIX, lambda m: tf.matmul(m, tf.ones([4, 2]), transpose_a=True), 96),
    (MATRIX, lambda m: tf.matmul(tf.ones([2, 3, 4]), tf.ones([2, 4, 5])), 240),
    (MATRIX, tf.argmax, 18),
    (MATRIX, tf.exp, None),
    ([None, 6], lambda m: tf.matmul(m, tf.ones([6, 2])), None),
]


@pytest.mark.parametrize("number", range(len(COUNTS)))
def test_float_operations(number):
    shape, build, want = COUNTS[number]
    with tf.Graph().as_default() as graph:
        build(v1.placeholder(tf.float32, shape))
        counts = [float_ops(n) for n in graph.get_operations()]
    assert [c for c in counts if c is not None] == ([] if want is None else [want])


@pytest.fixture(scope="module")
def run():
    """(graph, RunMetadata) of one traced training step."""
    with tf.Graph().as_default() as graph, v1.Session() as session:
        x = v1.placeholder(tf.float32, [10, 10], name="x")
        w = v1.get_variable("w", initializer=np.ones([10, 10], np.float32))
        v1.get_variable("fixed", [7], trainable=False, initializer=v1.zeros_initializer())
        with tf.name_scope("layer"):
            y = tf.reduce_sum(tf.nn.relu(tf.matmul(x, w)), name="y")
        train = v1.train.GradientDescentOptimizer(0.1).minimize(y)
        session.run(w.initializer)
        metadata = v1.RunMetadata()
        feeds, plain = {x: np.ones([10, 10])}, session.run(w)
        full = v1.RunOptions(trace_level=v1.RunOptions.FULL_TRACE, output_partition_graphs=True)
        assert session.run([y, train], feeds, options=full, run_metadata=metadata)[0] == 1000.0
        np.testing.assert_allclose(session.run(w), plain - 1.0)
        empty = v1.RunMetadata()
        session.run(y, feeds, run_metadata=empty)
        assert not empty.step_stats.dev_stats
        with pytest.raises(TypeError, match="must be a RunOptions"):
            session.run(y, feeds, options=3)
        return graph, metadata


def test_step_statistics(run):
    _, metadata = run
    (device,) = metadata.step_stats.dev_stats
    assert device.device == "/job:localhost/replica:0/task:0/device:CPU:0"
    stats = {s.node_name: s for s in device.node_stats}
    one = stats["layer/MatMul"]
    assert one.timeline_label.startswith("layer/MatMul = MatMul(x, ") and one.all_end_rel_micros > 0
    assert [d.size for d in one.output[0].tensor_description.shape.dim] == [10, 10] and one.memory[0].total_bytes == 400
    assert "layer/MatMul" in {n.name for n in metadata.partition_graphs[0].node}


def test_timelines(run):
    _, metadata = run
    timeline = Timeline(metadata.step_stats)
    events = json.loads(timeline.generate_chrome_trace_format(show_memory=True))["traceEvents"]
    bars = {e["args"]["name"]: e for e in events if e["ph"] == "X"}
    assert bars["layer/MatMul"]["name"] == "MatMul" and bars["layer/MatMul"]["args"]["input0"] == "x"
    assert {e["ph"] for e in events} == {"M", "X", "s", "t", "N", "O", "D", "C"}
    assert timeline.analyze_step_stats().allocator_maximums["cpu"].num_bytes > 1000


def test_parameters_and_scopes(run, capsys, tmp_path):
    graph, metadata = run
    found = v1.profiler.profile(graph, options=Options.trainable_variables_parameter())
    assert found.total_parameters == 100 and [c.name for c in found.children] == ["w"]
    assert "w (10x10, 100/100 params)" in capsys.readouterr().out
    counted = v1.profiler.profile(graph, options=Options(Options.float_operation()).with_empty_output().build())
    assert counted.total_float_ops == 3 * 2000 + 99 and capsys.readouterr().out == ""
    timed = v1.profiler.profile(graph, metadata, options=Options(Options.time_and_memory()).with_file_output(str(tmp_path / "out")).build())
    assert {c.name for c in timed.children} >= {"layer", "gradients"} and timed.total_exec_micros > 0
    assert "layer/MatMul (" in (tmp_path / "out").read_text()
    shown = Options(Options.float_operation()).with_node_names(show_name_regexes=["layer/.*"]).with_empty_output().build()
    assert [c.name for c in v1.profiler.profile(graph, options=shown).children] == ["layer/MatMul", "layer/y"]
    with pytest.raises(ValueError, match="unknown cmd"):
        v1.profiler.profile(graph, cmd="x")


def test_ops_code_and_steps(run, tmp_path):
    graph, metadata = run
    profiler = v1.profiler.Profiler(graph)
    for step in range(2):
        profiler.add_step(step, metadata)
    quiet = Options(Options.time_and_memory()).with_empty_output()
    by_op = {c.name: c for c in profiler.profile_operations(quiet.build()).children}
    assert len(by_op["MatMul"].graph_nodes) == 3 and by_op["MatMul"].exec_micros > 0
    lines = [c.name for c in profiler.profile_python(quiet.build()).children]
    assert any("test_profiler.py" in line for line in lines)
    advice = profiler.advise({"ExpensiveOperationChecker": {}})
    assert len(advice.checkers["ExpensiveOperationChecker"].reports) == 3
    assert profiler.serialize_to_string() and profiler.profile_graph(quiet.build()).total_requested_bytes > 0
    v1.profiler.write_op_log(graph, str(tmp_path))
    assert os.path.getsize(tmp_path / "tfprof_log") > 0


def test_options():
    assert Options().build() == {
        "max_depth": 100, "min_bytes": 0, "min_micros": 0, "min_params": 0, "min_float_ops": 0, "min_occurrence": 0, "order_by": "name",
        "account_type_regexes": [".*"], "start_name_regexes": [".*"], "trim_name_regexes": [], "show_name_regexes": [".*"], "hide_name_regexes": [],
        "account_displayed_op_only": False, "select": ["micros"], "step": -1, "output": "stdout",
    }  # fmt: skip
    assert Options(Options.time_and_memory()).with_max_depth(3).with_timeline_output("y").build()["output"] == "timeline:outfile=y"


def test_recordings(tmp_path):
    profiler = tf.profiler.experimental
    with pytest.raises(tf.errors.UnavailableError, match="No profiler is running"):
        profiler.stop()
    profiler.start(str(tmp_path))
    with pytest.raises(tf.errors.AlreadyExistsError, match="Another profiler"):
        profiler.start(str(tmp_path))
    with profiler.Trace("step", step_num=1, _r=1):
        tf.reduce_sum(tf.ones([100, 100])).numpy()
    profiler.stop()
    assert glob.glob(str(tmp_path / "plugins" / "profile" / "*" / "*.xplane.pb"))
    with profiler.Profile(str(tmp_path / "other"), profiler.ProfilerOptions(host_tracer_level=1)):
        tf.ones([3])
    assert os.path.exists(tmp_path / "other" / "plugins")
    profiler.start(str(tmp_path / "none"))
    profiler.stop(save=False)
    assert not os.path.exists(tmp_path / "none")
