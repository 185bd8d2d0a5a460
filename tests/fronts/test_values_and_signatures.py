"""What loops and functions do with plain Python values, optionals and specs, as TensorFlow does."""

import numpy as np
import pytest

import penstock as tf


def test_eager_loop_keeps_python_numbers():
    seen = []

    def body(i, total):
        seen.append(type(i))
        return i + 1, total + i

    i, total = tf.while_loop(lambda i, _: i < 3, body, (0, np.array(0)))
    assert seen == [int] * 3 and (int(i), int(total)) == (3, 3) and total.dtype == tf.int64
    nested = tf.while_loop(lambda i, _: i < 3, lambda i, t: (i + 1, [t[0] + i]), (0, [1.0]))
    assert nested[1][0].dtype == tf.float32 and float(nested[1][0]) == 4.0


def test_branches_that_return_optionals():
    elements = iter(tf.data.Dataset.range(30))
    held = tf.experimental.Optional.from_value

    @tf.function
    def choose(take):
        return tf.cond(take, elements.get_next_as_optional, lambda: held(tf.constant(77, tf.int64))).get_value()

    assert [int(choose(tf.constant(t))) for t in (True, False, True, True)] == [0, 77, 1, 2]


class Methods:
    def two(self, a, b):
        return a


SPEC = tf.TensorSpec([None])


@pytest.mark.parametrize(
    ("function", "specs", "message"),
    [
        (lambda a: a, [], "missing type constraint for a"),
        (lambda a, b: a, [SPEC], "missing type constraint for b"),
        (lambda a: a, [SPEC, SPEC], "contains 1 extra type constraints"),
        (lambda a, *, k: a, [SPEC], "keyword-only parameter `k` must have a default"),
        (lambda self, a: a, [], "missing type constraint for a"),
        (Methods().two, [SPEC], "missing type constraint for b"),
        (lambda a, b=1: a, [SPEC], None),
        (lambda self, a: a, [SPEC], None),
        (lambda *a: a, [SPEC, SPEC], None),
        (lambda a, *, k=2: a, [SPEC], None),
    ],
)
def test_input_signature_fits_the_parameters(function, specs, message):
    if message is None:
        assert tf.function(function, input_signature=specs).input_signature == tuple(specs)
    else:
        with pytest.raises(TypeError, match=message):
            tf.function(function, input_signature=specs)


def test_traces_are_children_of_a_function():
    function = tf.function(lambda x: x + 1)
    assert function._trackable_children("savedmodel") == {}
    function(tf.ones(3)), function(2)
    assert list(function._trackable_children("savedmodel")) == ["trace_0", "trace_1"]
    assert function._trackable_children("checkpoint") == {}


def test_rows_of_a_sparse_tensor():
    rows = tf.sparse.from_dense([[1, 0, 2], [0, 0, 3]])
    assert tf.map_fn(tf.sparse.reduce_sum, rows, fn_output_signature=tf.int32).numpy().tolist() == [3, 3]


def test_search_in_empty_rows():
    assert tf.searchsorted(tf.zeros([0]), [1.0, 2.0]).numpy().tolist() == [0, 0]
    assert tf.searchsorted([1.0, 2.0], tf.zeros([0])).shape == (0,)
    unknown = tf.TensorSpec([None, None])
    search = tf.function(lambda a, b: tf.searchsorted(a, b), input_signature=[unknown, unknown])
    assert search(tf.zeros([2, 0]), tf.ones([2, 3])).numpy().tolist() == [[0] * 3] * 2
