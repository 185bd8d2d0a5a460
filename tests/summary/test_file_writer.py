"""Summaries of a graph in an event file that TensorBoard reads."""

import io

import numpy as np
import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_file_loader import LegacyEventFileLoader

import penstock.compat.v1 as tf


def test_tensorboard_reads_what_is_written(tmp_path):
    with tf.Graph().as_default() as g, tf.Session() as sess:
        x = tf.placeholder(tf.float32, [5])
        with tf.name_scope("sc"):
            loss = tf.summary.scalar("loss value", x[0])
            tf.summary.histogram("h", x)
            tf.summary.image("img", tf.reshape(tf.range(24.0), [2, 2, 2, 3]), max_outputs=2)
            tf.summary.text("t", tf.constant("hi"))
            tf.summary.scalar("x", tf.constant(3), family="fam")
        merged = tf.summary.merge_all()
        assert (loss.op.name, merged.op.name) == ("sc/loss_value", "Merge/MergeSummary") and tf.summary.merge_all("none") is None
        with tf.summary.FileWriter(str(tmp_path), g) as writer:
            for step in range(2):
                writer.add_summary(sess.run(merged, {x: [step, 2.0, 3.0, -4.0, 0.0]}), step)
    (path,) = tmp_path.iterdir()
    events = list(LegacyEventFileLoader(str(path)).Load())
    assert events[0].file_version == "brain.Event:2" and events[1].HasField("graph_def") and events[2].HasField("meta_graph_def") and [e.step for e in events[3:]] == [0, 1]
    values = {v.tag: v for v in events[4].summary.value}
    assert list(values) == ["sc/loss_value", "sc/h", "sc/img/image/0", "sc/img/image/1", "sc/t", "fam/sc/fam/x"]
    assert values["sc/loss_value"].simple_value == 1.0 and values["sc/t"].tensor.string_val[0] == b"hi"
    histogram = values["sc/h"].histo
    assert (histogram.min, histogram.max, histogram.num, histogram.sum, histogram.sum_squares) == (-4, 3, 5, 2, 30)
    assert sum(histogram.bucket) == 5 and len(histogram.bucket) == len(histogram.bucket_limit) == 11
    pixels = np.array(Image.open(io.BytesIO(values["sc/img/image/1"].image.encoded_image_string)))
    assert pixels.shape == (2, 2, 3) and pixels.max() == 255


def test_wrong_input_raises(tmp_path):
    with tf.Graph().as_default(), tf.Session() as sess:
        with pytest.raises(tf.errors.InvalidArgumentError):
            sess.run(tf.summary.histogram("h", tf.constant([1.0, float("nan")])))
        with pytest.raises(ValueError):
            tf.summary.text("t", tf.constant(1))
        a = tf.summary.scalar("a", 1.0)
        with pytest.raises(tf.errors.InvalidArgumentError):
            sess.run(tf.summary.merge([a, a]))
