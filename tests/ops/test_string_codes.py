"""Base64, raw numbers, compressed bytes, CSV and Unicode; the values are TensorFlow's."""

import gzip
import zlib

import pytest

import penstock as tf

io, s = tf.io, tf.strings


def listed(value):
    if isinstance(value, (list, tuple)):
        return [listed(v) for v in value]
    return value.to_list() if isinstance(value, tf.RaggedTensor) else value.numpy().tolist() if value.shape.rank else value.numpy()


@pytest.mark.parametrize(
    ("call", "value"),
    [
        (lambda: io.encode_base64(["hi", "hello"]), [b"aGk", b"aGVsbG8"]), (lambda: io.encode_base64("hi", pad=True), b"aGk="),
        (lambda: io.decode_base64("_-8"), b"\xff\xef"), (lambda: io.decode_raw([b"\1\0\2\0"], tf.int16), [[1, 2]]),
        (lambda: io.decode_raw(b"\1\0\2\0", tf.int16, little_endian=False), [256, 512]),
        (lambda: io.decode_raw([b"\1\0\2\0", b"\1"], tf.uint8, fixed_length=4), [[1, 0, 2, 0], [1, 0, 0, 0]]),
        (lambda: io.decode_compressed(zlib.compress(b"hey"), "ZLIB"), b"hey"), (lambda: io.decode_compressed([gzip.compress(b"hey")], "GZIP"), [b"hey"]),
        (lambda: io.decode_csv(["1,2.5,x", "3,,y"], [[0], [1.0], ["d"]]), [[1, 3], [2.5, 1.0], [b"x", b"y"]]),
        (lambda: io.decode_csv('"a""b",c', [[""], [""]]), [b'a"b', b"c"]), (lambda: io.decode_csv("1,2,3", [[0], [0]], select_cols=[0, 2]), [1, 3]),
        (lambda: io.decode_csv("1;NA", [[0], [7]], field_delim=";", na_value="NA"), [1, 7]),
        (lambda: s.unicode_decode(["h\u00e4", "abc"], "UTF-8"), [[104, 228], [97, 98, 99]]),
        (lambda: s.unicode_decode_with_offsets("h\u00e4\u20ac", "UTF-8"), [[104, 228, 8364], [0, 1, 3]]),
        (lambda: s.unicode_split("h\u00e4", "UTF-8"), [b"h", "\u00e4".encode()]), (lambda: s.unicode_encode([104, 228], "UTF-8"), "h\u00e4".encode()),
        (lambda: s.unicode_transcode(b"a\xffb", "UTF-8", "UTF-8"), b"a\xef\xbf\xbdb"), (lambda: s.unicode_transcode("ab", "UTF-8", "UTF-16-BE"), b"\0a\0b"),
    ],
)  # fmt: skip
def test_values(call, value):
    assert listed(call()) == value


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: io.decode_base64("a?"), "Invalid character"), (lambda: io.decode_raw([b"\1\0\2"], tf.int16), "not a multiple of 2"),
        (lambda: io.decode_raw([b"ab", b"c"], tf.uint8), "same size"), (lambda: io.decode_csv("1", [[0], [0]]), "Expect 2 fields but have 1 in record 0"),
        (lambda: io.decode_csv(",2", [tf.constant([], tf.int32), [0]]), "Field 0 is required but missing in record 0"),
        (lambda: io.decode_csv("a", [[0]]), "not a valid int32: a"), (lambda: io.decode_csv('a"b,c', [[""], [""]]), "Unquoted fields"),
        (lambda: s.unicode_transcode(b"a\xffb", "UTF-8", "UTF-8", errors="strict"), "Invalid formatting"),
    ],
)  # fmt: skip
def test_errors(call, message):
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        call()


@pytest.mark.parametrize("value", [[[1, 2], [3, 4]], [1.5], ["a", "bc"], [True]])
def test_tensors_as_strings(value):
    tensor = tf.constant(value)
    assert io.parse_tensor(io.serialize_tensor(tensor), tensor.dtype).numpy().tolist() == tensor.numpy().tolist()
    with pytest.raises(tf.errors.InvalidArgumentError, match="Type mismatch"):
        io.parse_tensor(io.serialize_tensor(tensor), tf.int8)
    with pytest.raises(tf.errors.InvalidArgumentError, match="Could not parse"):
        io.parse_tensor("zork", tf.int8)
