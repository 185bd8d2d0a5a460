"""String functions; the values are TensorFlow's."""

import pytest

import penstock as tf

s = tf.strings


@pytest.mark.parametrize(
    ("call", "value"),
    [
        (lambda: s.as_string(1e20), b"100000002004087734272.000000"), (lambda: s.as_string(3.14159, precision=2), b"3.14"),
        (lambda: s.as_string(3.5, width=10, fill="0"), b"003.500000"), (lambda: s.as_string(31415.9, shortest=True), b"31415.9"),
        (lambda: s.as_string([1 + 2j]), [b"(1.000000,2.000000)"]), (lambda: s.as_string([True, False]), [b"true", b"false"]),
        (lambda: s.join([["a", "b"], "x"], "-"), [b"a-x", b"b-x"]), (lambda: s.reduce_join([["a", "b"], ["c", "d"]], [0, 1]), b"acbd"),
        (lambda: s.reduce_join([["a", "b"], ["c", "d"]]), b"abcd"), (lambda: s.reduce_join([["a", "b"], ["c", "d"]], -1, keepdims=True), [[b"ab"], [b"cd"]]),
        (lambda: s.length(["a\u00f1b", "\u20ac"], unit="UTF8_CHAR"), [3, 1]), (lambda: s.lower("\u00c0BC", encoding="utf-8"), "\u00e0bc".encode()),
        (lambda: s.strip("  \t a b\n "), b"a b"), (lambda: s.substr("hello", -3, 2), b"ll"), (lambda: s.substr("a\u00f1bc", 1, 2, unit="UTF8_CHAR"), "\u00f1b".encode()),
        (lambda: s.regex_replace("hello", "(l+)", r"<\1>"), b"he<ll>o"), (lambda: s.regex_replace("baac", "a*", "-"), b"-b-c-"),
        (lambda: s.regex_replace("ab12", "[[:alpha:]]", "x"), b"xx12"), (lambda: s.regex_replace("h\u00e9llo", r"\pL", "x"), b"xxxxx"),
        (lambda: s.regex_full_match(["abc", "abcd"], "a.c"), [True, False]), (lambda: s.regex_replace("abc", "(?i)B", "z"), b"azc"),
        (lambda: s.to_number(["1.5", " 3 ", "0x1f", "inf"]), [1.5, 3.0, 31.0, float("inf")]), (lambda: s.to_number("12", tf.int32), 12),
        (lambda: s.to_hash_bucket_fast(["", "ab", "hello world", "z" * 70], 2**62),
         [1936946117179621455, 3066228220894225694, 1769834696496558107, 4496752230148318907]),
        (lambda: s.to_hash_bucket(["hello", "x" * 20], 1000), [938, 341]),
        (lambda: s.to_hash_bucket_strong(["a", "w" * 200], 2**62, [3, 5]), [3554414941829180607, 3092906933158108011]),
        (lambda: s.split("a,b,,c", ","), [b"a", b"b", b"", b"c"]), (lambda: s.split("a,b,c", ",", maxsplit=1), [b"a", b"b,c"]),
        (lambda: s.ngrams(["a", "b", "c"], [1, 2], separator="|"), [b"a", b"b", b"c", b"a|b", b"b|c"]),
        (lambda: s.ngrams(["a"], 2, pad_values=("L", "R")), [b"L a", b"a R"]), (lambda: s.bytes_split("abc"), [b"a", b"b", b"c"]),
        (lambda: s.unsorted_segment_join(["a", "b", "c"], [0, 1, 0], 2, separator=":"), [b"a:c", b"b"]),
    ],
)  # fmt: skip
def test_values(call, value):
    assert call().numpy().tolist() == value if isinstance(value, list) else call().numpy() == value


@pytest.mark.parametrize(
    "call",
    [
        lambda: s.as_string(3, precision=2), lambda: s.join([["a", "b"], ["c"]]), lambda: s.substr("hi", 5, 1), lambda: s.regex_full_match("a", "["),
        lambda: s.regex_replace("a", "(?=b)", ""), lambda: s.to_number("x"), lambda: s.to_number("9999999999", tf.int32), lambda: s.to_number("1_0"),
    ],
)  # fmt: skip
def test_errors(call):
    with pytest.raises(tf.errors.InvalidArgumentError):
        call()


def test_split_forms():
    assert s.split(["a b", "c"]).to_list() == [[b"a", b"b"], [b"c"]]
    assert s.split([["a b", "c"], ["d e f", ""]]).to_list() == [[[b"a", b"b"], [b"c"]], [[b"d", b"e", b"f"], []]]
    old = tf.compat.v1.string_split(["a,b;c", "d"], ",;")
    assert old.indices.numpy().tolist() == [[0, 0], [0, 1], [0, 2], [1, 0]] and old.dense_shape.numpy().tolist() == [2, 3]
    assert tf.compat.v1.strings.split(["a b", "c"]).values.numpy().tolist() == [b"a", b"b", b"c"]


def test_in_a_graph():
    with tf.compat.v1.Graph().as_default(), tf.compat.v1.Session() as session:
        x = tf.compat.v1.placeholder(tf.string, [None])
        out = session.run([s.join([x, "!"]), s.to_number(s.substr(x, 0, 1), tf.int32) * 2, s.split(x, "-").to_tensor()], {x: ["1-a", "2"]})
    assert out[0].tolist() == [b"1-a!", b"2!"] and out[1].tolist() == [2, 4] and out[2].tolist() == [[b"1", b"a"], [b"2", b""]]
