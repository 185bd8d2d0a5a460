"""Variables that a function makes of its own arguments, and decorating a function before its first call."""

import pytest

import penstock as tf


class Holder:
    v = None


def test_of_a_computation_on_arguments():
    held = Holder()

    @tf.function
    def f(x, pair):
        if held.v is None:
            held.v = tf.Variable(x * 2 + pair[0])
        return held.v + x

    x = tf.constant([1.0, 2.0])
    assert f(x, [tf.constant(3.0)]).numpy().tolist() == [6.0, 9.0]
    assert held.v.numpy().tolist() == [5.0, 7.0]
    assert f(x * 10, [tf.constant(3.0)]).numpy().tolist() == [15.0, 27.0]


def test_of_an_argument_under_a_signature():
    held = Holder()

    @tf.function(input_signature=[tf.TensorSpec([None])])
    def f(x):
        if held.v is None:
            held.v = tf.Variable(x)
        return held.v * x

    assert f([1.0, 2.0]).numpy().tolist() == [1.0, 4.0]


def test_in_a_function_called_by_a_function():
    held = Holder()

    @tf.function
    def outer(x):
        @tf.function
        def inner(y):
            if held.v is None:
                held.v = tf.Variable(y + 1)
            return held.v + y

        return inner(x * 2)

    assert float(outer(tf.constant(2.0))) == 9.0


def test_without_values_it_is_an_error():
    held = Holder()

    @tf.function
    def f(x):
        if held.v is None:
            held.v = tf.Variable(x)
        return held.v

    with pytest.raises(ValueError, match="depends on"):
        f.get_concrete_function(tf.TensorSpec([2]))


def test_decorated_before_its_first_call():
    f = tf.function(lambda x: x)
    f._decorate(lambda inner: lambda x, times=3.0: inner(x) * times)
    assert float(f(tf.constant(2.0))) == 6.0
    assert float(f(tf.constant(2.0), 5.0)) == 10.0
    with pytest.raises(ValueError, match="cannot be decorated after they have been traced"):
        f._decorate(lambda inner: inner)


def test_the_eager_device_is_known_to_the_context():
    from penstock.platform import eager_context

    context = eager_context.context()
    assert context.device_name is None
    assert context.device_spec.device_type is None
    with tf.device("/gpu:1"), tf.device("/cpu:0"):
        assert context.device_spec.device_type == "CPU"
        assert context.device_name == "/job:localhost/replica:0/task:0/device:CPU:0"
        with tf.device(None):
            assert context.device_name is None


def test_a_module_whose_constructor_did_not_run_has_no_name_scope():
    class Unmade(tf.Module):
        def __init__(self):
            pass

    with pytest.raises(AttributeError):
        Unmade().name_scope  # noqa: B018 - asked for its error


def test_the_sizes_are_in_the_message_of_reshape():
    with pytest.raises(tf.errors.InvalidArgumentError, match="is a tensor with 128 values, but the requested shape has 192"):
        tf.reshape(tf.zeros([128]), [8, 6, 4])
    with pytest.raises(tf.errors.InvalidArgumentError, match="but the requested shape requires a multiple of 5"):
        tf.reshape(tf.zeros([128]), [-1, 5])


def test_a_device_spec_shows_all_its_parts():
    spec = tf.DeviceSpec(job="ps", device_type="gpu", device_index=0)
    assert repr(spec) == "<DeviceSpec(job=ps, replica=None, task=None, device_type=GPU, device_index=0)>"


def test_a_logical_device_is_a_device():
    with tf.device(tf.config.list_logical_devices("CPU")[0]):
        assert int(tf.constant(1)) == 1
