"""TFRecord files and the readers of 1.x; the expectations were seen on TensorFlow 2.21."""

import numpy as np
import pytest

import penstock as tf2
import penstock.compat.v1 as tf
from penstock import errors


@pytest.fixture
def records(tmp_path):
    path = str(tmp_path / "a.tfrecord")
    with tf2.io.TFRecordWriter(path) as writer:
        for data in (b"abc", b"", b"x" * 10):
            writer.write(data)
    return path


def test_bytes_of_a_record(records):
    with open(records, "rb") as file:
        assert file.read().hex() == (
            "0300000000000000b099490e6162636e57f121000000000000000029039807d8ea82a2"
            "0a00000000000000aea3bf3a78787878787878787878cf2bb7d1"
        )


@pytest.mark.parametrize("kind", ["", "ZLIB", "GZIP"])
def test_compressed(tmp_path, kind):
    path = str(tmp_path / "c")
    rows = [bytes([i]) * (i * 37) for i in range(200)]
    with tf2.io.TFRecordWriter(path, kind or None) as writer:
        for i, row in enumerate(rows):
            writer.write(row)
            if i == 100:
                writer.flush()
    assert list(tf.io.tf_record_iterator(path, kind)) == rows


@pytest.mark.parametrize(
    ("at", "length", "good", "message"),
    [(0, None, 0, "corrupted record at 0 \\(Is this"), (9, None, 0, "corrupted record at 0"), (12, None, 0, "corrupted record at 12"),
     (16, None, 0, "corrupted record at 12"), (None, -3, 2, "truncated record at 35"), (None, -20, 2, None), (None, 5, 0, None)],
)  # fmt: skip
def test_damage(records, at, length, good, message):
    with open(records, "rb") as file:
        data = bytearray(file.read())
    if at is not None:
        data[at] ^= 1
    with open(records, "wb") as file:
        file.write(data[:length])
    found = []
    if message is None:
        found.extend(tf.python_io.tf_record_iterator(records))
    else:
        with pytest.raises(errors.DataLossError, match=message):
            for row in tf.python_io.tf_record_iterator(records):
                found.append(row)
    assert len(found) == good


def test_writer_errors(tmp_path):
    with pytest.raises(errors.NotFoundError):
        tf2.io.TFRecordWriter(str(tmp_path / "none" / "a"))
    with pytest.raises(ValueError, match="Not a valid compression_type"):
        tf2.io.TFRecordOptions("FOO")
    writer = tf2.io.TFRecordWriter(str(tmp_path / "a"))
    with pytest.raises(TypeError):
        writer.write(5)
    writer.close()
    with pytest.raises(errors.FailedPreconditionError, match="closed"):
        writer.write(b"")


def run_all(session, tensors, queue, names):
    """Every read until the queue is empty."""
    session.run(queue.enqueue_many([names]))
    session.run(queue.close())
    rows = []
    while True:
        try:
            rows.append(session.run(tensors))
        except errors.OutOfRangeError:
            return rows


def test_lines(tmp_path):
    (tmp_path / "1").write_bytes(b"a\nb\r\n\nlast")
    (tmp_path / "2").write_bytes(b"h1\nx\n")
    names = [str(tmp_path / n) for n in "12"]
    with tf.Graph().as_default(), tf.Session() as session:
        reader, queue = tf.TextLineReader(skip_header_lines=1), tf.FIFOQueue(4, tf.string)
        rows = run_all(session, reader.read(queue), queue, names)
        assert [(r.key.decode()[-3:], r.value) for r in rows] == [("1:2", b"b"), ("1:3", b""), ("1:4", b"last"), ("2:2", b"x")]
        assert session.run([reader.num_records_produced(), reader.num_work_units_completed()]) == [4, 2]


def test_fixed_length_with_hops(tmp_path):
    (tmp_path / "1").write_bytes(b"a\nb\r\n\nlast")
    with tf.Graph().as_default(), tf.Session() as session:
        reader, queue = tf.FixedLengthRecordReader(2, header_bytes=1, footer_bytes=1, hop_bytes=1), tf.FIFOQueue(4, tf.string)
        keys, values = reader.read_up_to(queue, 3)
        assert keys.shape.as_list() == [None]
        rows = run_all(session, [keys, values], queue, [str(tmp_path / "1")])
    assert [list(v) for _, v in rows] == [[b"\nb", b"b\r", b"\r\n"], [b"\n\n", b"\nl", b"la"], [b"as"]]


def test_tfrecords_and_whole_files(records):
    with tf.Graph().as_default(), tf.Session() as session:
        queue, again = tf.FIFOQueue(4, tf.string), tf.FIFOQueue(4, tf.string)
        rows = run_all(session, tf.TFRecordReader().read_up_to(queue, 2), queue, [records])
        assert [list(r.values) for r in rows] == [[b"abc", b""], [b"x" * 10]]
        assert [k.rpartition(b":")[2] for r in rows for k in r.keys] == [b"0", b"19", b"35"]
        missing = tf.WholeFileReader().read(again)
        session.run(again.enqueue_many([[records, records + ".none", records]]))
        assert len(session.run(missing.value)) == 61
        for _ in range(2):  # a missing file stays the reader's work
            with pytest.raises(errors.NotFoundError):
                session.run(missing)


def test_identity_reader_state():
    with tf.Graph().as_default(), tf.Session() as session:
        reader, queue = tf.IdentityReader(), tf.FIFOQueue(4, tf.string)
        read, state, given = reader.read(queue), reader.serialize_state(), tf.placeholder(tf.string)
        restore, count = reader.restore_state(given), reader.num_records_produced()
        session.run(queue.enqueue_many([["s1", "s2"]]))
        assert session.run(read) == (b"s1", b"s1")
        saved = session.run(state)
        assert saved == b'\x08\x01\x10\x01\x18\x01"\x02s1'
        session.run(read)
        session.run(restore, {given: saved})
        assert session.run(count) == 1
        session.run(reader.reset())
        assert session.run(count) == 0
        with pytest.raises(errors.InvalidArgumentError, match="Could not parse state"):
            session.run(restore, {given: b"bad"})


def test_readers_need_a_graph():
    with pytest.raises(RuntimeError, match="Readers are not supported"):
        tf.TextLineReader()
    assert np.isscalar(tf.python_io.TFRecordCompressionType.GZIP)
