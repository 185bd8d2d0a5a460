"""Tensors kept in a session behind handles; values, names and errors of TensorFlow 1.15."""

import pytest

import penstock as tf

v1 = tf.compat.v1


def test_a_tensor_stays_in_its_session() -> None:
    with tf.Graph().as_default() as graph, v1.Session() as session:
        made = v1.get_session_handle(tf.constant(10) * 5)
        assert made.dtype == tf.string and made.shape == []
        kept = session.run(made)
        assert kept.handle == str(kept) == "GetSessionHandle;0;/job:localhost/replica:0/task:0/device:CPU:0"
        assert kept.eval() == 50
        holder, value = v1.get_session_tensor(kept.handle, tf.int32)
        assert (holder.op.name, value.op.name) == ("Placeholder_1", "GetSessionTensor_1") and value.shape.rank is None
        assert holder.device == "/job:localhost/replica:0/task:0/device:CPU:0"
        assert session.run(value * 10, {holder: kept.handle}) == 500
        assert session.run(value * 10, {value: kept}) == 500
        x = v1.placeholder(tf.float32)
        with pytest.raises(tf.errors.InvalidArgumentError, match="Expects arg.0. to be float"):
            session.run(x + 1, {x: kept})
        with pytest.raises(tf.errors.InvalidArgumentError, match="Expects arg.0. to be string but int32"):
            session.run(value, {holder: kept})
        both = session.run([made, {"a": made}])
        assert both[0].handle == both[1]["a"].handle
        before = len(graph.get_operations())
        assert kept.eval() == 50 and len(graph.get_operations()) == before  # the reading node is made once
        place, delete = v1.delete_session_tensor(kept.handle)
        assert session.run(delete, {place: kept.handle}) is None
        with pytest.raises(tf.errors.InvalidArgumentError, match="is not in the session store"):
            session.run(value, {holder: kept.handle})
        with pytest.raises(tf.errors.InvalidArgumentError, match="Failed to delete"):
            session.run(delete, {place: kept.handle})


def test_deleted_raw_and_wrong() -> None:
    with tf.Graph().as_default(), v1.Session() as session:
        made = v1.get_session_handle(tf.constant([1.0, 2.0]))
        kept = session.run(made)
        kept.delete()
        for use in (kept.eval, kept.delete):
            with pytest.raises(TypeError, match="may have already been deleted"):
                use()
        raw = session.run(made).get_raw_handle()
        for _ in range(12):  # more than one batch of handles that nobody holds
            session.run(made)
        holder, value = v1.get_session_tensor(raw, tf.float32)
        assert session.run(value, {holder: raw}).tolist() == [1.0, 2.0]
        for wrong in (3.0, "abc", None, [1, 2]):
            with pytest.raises(TypeError, match="`data` must be of type Tensor"):
                v1.get_session_handle(wrong)
        with pytest.raises(ValueError, match="nope"):
            v1.get_session_tensor("nope", tf.int32)


def test_functions_of_ragged_rows_and_top_k() -> None:
    values, places = tf.approx_top_k([3.0, 1.0, 5.0, 2.0], 2)
    assert values.numpy().tolist() == [5, 3] and places.numpy().tolist() == [2, 0]
    rows, values, empty, back = tf.ragged_fill_empty_rows([0, 0, 2], [1, 2, 3], 4, -1)
    assert rows.numpy().tolist() == [0, 0, 1, 2, 3] and values.numpy().tolist() == [1, 2, -1, 3, -1]
    assert empty.numpy().tolist() == [False, True, False, True] and back.numpy().tolist() == [0, 1, 3]
    d_values, d_default = tf.ragged_fill_empty_rows_grad([0, 1, 3], [1.0, 2.0, 3.0, 4.0, 5.0])
    assert d_values.numpy().tolist() == [1, 2, 4] and float(d_default) == 8
    with pytest.raises(tf.errors.InvalidArgumentError):
        tf.ragged_fill_empty_rows([0, 9], [1, 2], 4, -1)
