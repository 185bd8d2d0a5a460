"""Whole files as string tensors, eagerly, in graphs, and their errors."""

import pytest

import penstock as tf


def test_write_read_match(tmp_path):
    path = str(tmp_path / "new" / "a.txt")
    assert tf.io.write_file(path, b"\x00bytes") is None
    assert tf.io.read_file(path).numpy() == b"\x00bytes"
    tf.io.write_file(str(tmp_path / "new" / "b.txt"), "text")
    found = tf.io.matching_files([str(tmp_path / "new" / "b*"), str(tmp_path / "new" / "*.txt")]).numpy().tolist()
    assert found == sorted(str(tmp_path / "new" / n).encode() for n in ("a.txt", "b.txt"))
    assert tf.io.matching_files(str(tmp_path / "none*")).shape == (0,)


def test_in_a_session(tmp_path):
    tf1 = tf.compat.v1
    with tf.Graph().as_default(), tf1.Session() as session:
        name = tf1.placeholder(tf.string, [])
        write, read = tf1.write_file(name, "here"), tf1.read_file(name)
        session.run(write, {name: str(tmp_path / "x")})
        assert session.run(read, {name: str(tmp_path / "x")}) == b"here" and read.shape == ()


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda p: tf.io.read_file(p + "/none"), "NotFoundError", "No such file or directory"),
        (lambda p: tf.io.read_file([p]), "InvalidArgumentError", r"must be scalar, but had shape: \[1\]"),
        (lambda p: tf.io.read_file(p), "FailedPreconditionError", "Is a directory"),
        (lambda p: tf.io.write_file(p + "/x", ["a", "b"]), "InvalidArgumentError", r"had shape: \[2\]"),
    ],
)
def test_errors(tmp_path, call, error, message):
    with pytest.raises(getattr(tf.errors, error), match=message):
        call(str(tmp_path))


def test_timestamp_is_taken_when_it_runs():
    clock = tf.function(tf.timestamp)
    first, second = clock(), clock()
    assert first.dtype == tf.float64 and 1.7e9 < float(first) <= float(second)
