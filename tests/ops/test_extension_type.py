"""`tf.experimental.ExtensionType`: fields, specs, nests, functions, control flow, batches; the values are TensorFlow 2.21's."""

import inspect
import pickle
import typing

import pytest

import penstock as tf


class Masked(tf.experimental.ExtensionType):
    values: tf.Tensor
    mask: tf.Tensor
    n: int = 3

    def __validate__(self):
        self.values.shape.assert_is_compatible_with(self.mask.shape)

    def total(self):
        return tf.reduce_sum(tf.where(self.mask, self.values, 0))


class Fields(tf.experimental.ExtensionType):
    x: tf.Tensor
    s: str = "a"
    t: typing.Tuple[int, ...] = (1, 2)  # noqa: UP006 - how TensorFlow's guide writes it
    m: typing.Mapping[str, tf.Tensor] = {}
    o: typing.Optional[tf.Tensor] = None  # noqa: UP045
    u: typing.Union[int, tf.Tensor] = 1  # noqa: UP007


class Pair(tf.experimental.BatchableExtensionType):
    x: tf.Tensor
    y: tf.Tensor


def test_fields() -> None:
    p = Fields([1, 2.0], t=[3, 4], m={"a": 1})
    assert p.x.dtype is tf.float32 and p.t == (3, 4) and int(p.m["a"]) == 1 and p.o is None
    assert Fields("a", u=tf.constant(2)).u.dtype is tf.int32
    for kwargs, said in (({"s": 3}, "s: expected 'str', got 'int'"), ({"t": "ab"}, r"t\[0\]: expected 'int', got 'str'"), ({"zz": 1}, "unexpected keyword")):
        with pytest.raises(TypeError, match=said):
            Fields(1, **kwargs)
    with pytest.raises(TypeError, match="missing a required argument: 'x'"):
        Fields()
    with pytest.raises(AttributeError, match="Cannot mutate attribute `x`"):
        p.x = 3
    with pytest.raises(ValueError, match="incompatible"):
        Masked([1.0], [True, False])
    assert list(inspect.signature(Masked).parameters) == ["values", "mask", "n"]
    assert list(tf.experimental.extension_type.as_dict(Masked([1], [True]))) == ["values", "mask", "n"]


def test_invalid_classes() -> None:
    for annotation in (list, typing.List[int], typing.Any, tf.Variable):  # noqa: UP006
        with pytest.raises(TypeError, match="Unsupported type annotation"):
            type(tf.experimental.ExtensionType)("A", (tf.experimental.ExtensionType,), {"__annotations__": {"x": annotation}})
    with pytest.raises(ValueError, match="reserved"):
        type(tf.experimental.ExtensionType)("A", (tf.experimental.ExtensionType,), {"__annotations__": {"Spec": int}})
    with pytest.raises(ValueError, match="missing a type annotation"):
        type(tf.experimental.ExtensionType)("A", (tf.experimental.ExtensionType,), {"x": 3})


def test_constructors() -> None:
    class Doubled(tf.experimental.ExtensionType):
        x: tf.Tensor

        def __init__(self, y):
            self.x = y * 2

        class Spec:
            def __init__(self, shape, dtype=tf.int32):
                self.x = tf.TensorSpec(shape, dtype)

            def hello(self):
                return "hello"

    assert int(Doubled(4).x) == 8 and Doubled(4)._type_spec.hello() == "hello"
    assert Doubled.Spec([3]).x.shape == [3]


def test_spec_and_equality() -> None:
    m = Masked([1.0, 2.0], [True, False])
    spec = tf.type_spec_from_value(m)
    assert repr(spec).startswith("Masked.Spec(values=TensorSpec(shape=(2,)") and spec.n == 3
    assert spec == Masked.Spec(tf.TensorSpec([2]), tf.TensorSpec([2], tf.bool), 3)
    assert spec.is_compatible_with(m) and pickle.loads(pickle.dumps(spec)) == spec
    assert bool(m == Masked([1.0, 2.0], [True, False])) and bool(m != Masked([1.0, 3.0], [True, False]))
    assert (m == 3) is False
    with pytest.raises(TypeError, match="unhashable"):
        hash(m)
    assert len(tf.nest.flatten(m)) == 1 and len(tf.nest.flatten(m, expand_composites=True)) == 2
    assert not tf.is_tensor(m)


def test_functions_and_control_flow() -> None:
    m = Masked([1.0, 2.0], [True, False])
    assert float(tf.function(lambda q: q.total())(m)) == 1.0
    twice = tf.function(lambda q: Masked(q.values * 2, q.mask))
    assert twice(m).values.numpy().tolist() == [2.0, 4.0]
    chosen = tf.cond(tf.constant(False), lambda: m, lambda: twice(m))
    assert chosen.values.numpy().tolist() == [2.0, 4.0]
    _, last = tf.while_loop(lambda i, q: i < 3, lambda i, q: (i + 1, Masked(q.values * 2, q.mask)), [0, m])
    assert last.values.numpy().tolist() == [8.0, 16.0]


def test_batches() -> None:
    b = Pair([[1, 2], [3, 4]], [5, 6])
    assert tf.map_fn(lambda q: q.x * q.y, b, fn_output_signature=tf.int32).numpy().tolist() == [[5, 10], [18, 24]]
    spec = Pair.Spec(tf.TensorSpec([2], tf.int32), tf.TensorSpec([], tf.int32))
    double = lambda b: tf.map_fn(lambda q: Pair(q.x * 2, q.y), b, fn_output_signature=spec)
    assert double(b).x.numpy().tolist() == [[2, 4], [6, 8]]
    signature = [Pair.Spec(tf.TensorSpec([None, 2], tf.int32), tf.TensorSpec([None], tf.int32))]
    assert tf.function(double, input_signature=signature)(b).x.numpy().tolist() == [[2, 4], [6, 8]]
    assert b._type_spec._unbatch() == spec
