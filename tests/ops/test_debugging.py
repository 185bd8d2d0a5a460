"""Assertions, printing and the debugging switches."""

import numpy as np
import pytest

import penstock as tf

v1 = tf.compat.v1
Invalid = tf.errors.InvalidArgumentError

STORIES = [
    (lambda: tf.debugging.assert_equal([1, 2], [1, 3], message="hello"),
     "hello\nCondition x == y did not hold.\nIndices of first 1 different values:\n[[1]]\nCorresponding x values:\n[2]\nCorresponding y values:\n[3]\n"
     "First 2 elements of x:\n[1 2]\nFirst 2 elements of y:\n[1 3]"),
    (lambda: tf.debugging.assert_less([1, 2], 2), "Condition x < y did not hold.\nFirst 2 elements of x:\n[1 2]\nFirst 1 elements of y:\n[2]"),
    (lambda: tf.debugging.assert_positive([1, 0]), "\nCondition x > 0 did not hold element-wise:\nx (shape=(2,) dtype=int32) = \n['1', '0']"),
    (lambda: v1.assert_equal([1], [2], data=["d"], message="m"), "m\nd"),
    (lambda: tf.debugging.Assert(False, [1, [2, 3]]), "Expected 'False' to be true. Summarized data: 1\n2, 3"),
]  # fmt: skip


@pytest.mark.parametrize("call, text", STORIES)
def test_what_a_failed_assertion_says(call, text):
    with pytest.raises(Invalid) as found:
        call()
    assert found.value.message == text


@pytest.mark.parametrize("call, error, text", [
    (lambda: tf.debugging.assert_rank([1, 2], 2), ValueError, "Tensor  must have rank 2.  Received rank 1, shape (2,)"),
    (lambda: tf.debugging.assert_rank_in([1], [0, 2]), ValueError, "must have rank in (0, 2)"),
    (lambda: tf.debugging.assert_type(1, tf.float32, message="mm"), TypeError, "mm.  tensor must be of type tf.float32; got tf.int32"),
    (lambda: tf.debugging.assert_scalar([1]), ValueError, "Expected scalar shape, saw shape: (1,)."),
    (lambda: tf.debugging.assert_shapes([(tf.zeros([2, 3]), ("N", "M")), (tf.zeros([3]), ("N",))]), ValueError, "dimension 0 must have size 2.  Received size 3"),
    (lambda: tf.debugging.check_numerics([1.0, np.inf], "msg"), Invalid, "msg : Tensor had Inf values"),
    (lambda: tf.debugging.check_numerics([np.nan, np.inf], "m"), Invalid, "m : Tensor had Inf and NaN values"),
])  # fmt: skip
def test_static_checks(call, error, text):
    with pytest.raises(error) as found:
        call()
    assert text in str(found.value)


def test_what_holds_passes():
    assert tf.debugging.assert_equal([1, 2], [1, 2]) is None
    assert tf.debugging.assert_near(1.0, 1.0) is None
    assert tf.debugging.assert_shapes([(tf.zeros([2, 3]), ("*", 3))]) is None


def test_assertions_run_inside_functions():
    @tf.function
    def f(x):
        tf.debugging.assert_less(x, 2, message="too big")
        return x + 1

    for _ in range(3):  # interpreted, then compiled
        assert f(tf.constant(1)).numpy() == 2
        with pytest.raises(Invalid, match="too big"):
            f(tf.constant(3))


def test_assertions_in_a_session():
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, [2])
        with tf.control_dependencies([v1.assert_positive(x)]):
            y = tf.identity(x)
        assert session.run(y, {x: [1, 2]}).tolist() == [1, 2]
        with pytest.raises(Invalid, match="Condition x > 0 did not hold element-wise"):
            session.run(y, {x: [1, -2]})


@pytest.mark.parametrize("arguments, text", [
    ((lambda: tf.range(20),), "[0 1 2 ... 17 18 19]"),
    (("a", lambda: tf.constant(1.5), lambda: [1, tf.constant(2)]), "a 1.5 [1, 2]"),
    ((lambda: tf.constant("x"), lambda: tf.constant(["x", "y"])), '"x" ["x" "y"]'),
    ((lambda: tf.constant(123456789.0), lambda: tf.constant(0.1, tf.float64), lambda: tf.constant(True)), "123456792 0.1 1"),
    ((lambda: {"k": "v", "t": tf.constant("s")},), "{'k': 'v', 't': \"s\"}"),
    ((lambda: tf.constant([[1, 2], [3, 4]]),), "[[1 2]\n [3 4]]"),
    (("{}", 3), "{} 3"),
])  # fmt: skip
def test_print(arguments, text, tmp_path):
    where = tmp_path / "out.txt"
    made = [a() if callable(a) else a for a in arguments]
    tf.print(*made, output_stream=f"file://{where}")
    assert where.read_text() == text + "\n"


def test_print_inside_a_function(tmp_path):
    where = tmp_path / "out.txt"

    @tf.function
    def f(x):
        tf.print("x is", x, x[0], summarize=2, output_stream=f"file://{where}")
        return x * 2

    for _ in range(3):
        f(tf.range(6))
    assert where.read_text() == "x is [0 1 ... 4 5] 0\n" * 3


def test_print_of_1x(capfd):
    assert v1.Print(tf.constant([1, 2]), ["a", 3], message="M: ").numpy().tolist() == [1, 2]
    assert capfd.readouterr().err == "M: [a][3]\n"


def test_check_numerics_everywhere():
    tf.debugging.enable_check_numerics()
    try:
        with pytest.raises(Invalid, match='Detected Infinity or NaN in output 0 of eagerly-executing op "Log"'):
            tf.math.log(tf.constant([1.0, -1.0]))
    finally:
        tf.debugging.disable_check_numerics()
    assert np.isnan(tf.math.log(tf.constant(-1.0)).numpy())
