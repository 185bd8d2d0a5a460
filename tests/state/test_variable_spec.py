"""Specs of variables, the methods that every kind of variable has, and composites that hold variables."""

import inspect

import numpy as np
import pytest

import penstock as tf
from penstock.base import nest
from penstock.platform.internal_api import CompositeTensor
from penstock.state.variable_spec import VariableSpec, convert_variables_to_tensors, replace_variables_with_atoms


def test_a_variable_is_a_composite_and_a_leaf():
    v = tf.Variable([1.0, 2.0])
    assert isinstance(v, CompositeTensor)
    assert nest.flatten([v, 1], expand_composites=True)[0] is v


def test_spec_of_a_variable():
    v = tf.Variable([1.0, 2.0])
    spec = tf.type_spec_from_value(v)
    assert repr(spec) == "VariableSpec(shape=(2,), dtype=tf.float32, trainable=True, alias_id=None)"
    assert spec._component_specs == [tf.TensorSpec([], tf.resource)] and spec.is_compatible_with(v)
    assert spec._from_components(spec._to_components(v)) is v
    wide = spec.most_specific_compatible_type(VariableSpec([3]))
    assert wide.shape.as_list() == [None] and spec.is_subtype_of(wide) and not wide.is_subtype_of(spec)
    with pytest.raises(ValueError, match="resource handle"):
        spec._from_components([])


def test_values_in_the_place_of_variables():
    v = tf.Variable([1.0, 2.0])
    found = convert_variables_to_tensors([v, {"a": 3}])
    assert found[0].numpy().tolist() == [1.0, 2.0] and found[1] == {"a": 3}
    assert replace_variables_with_atoms([v, {"a": 3}]) == [0, {"a": 3}]


def test_methods_of_the_base_class():
    assert str(inspect.signature(tf.Variable.assign)) == "(self, value, use_locking=False, name=None, read_value=True)"
    assert str(inspect.signature(tf.Variable.scatter_nd_add)) == "(self, indices, updates, name=None)"


class _Pair(CompositeTensor):
    def __init__(self, a, b):
        self.a, self.b = a, b

    @property
    def _type_spec(self):
        return _PairSpec(tf.type_spec_from_value(self.a), tf.type_spec_from_value(self.b))


class _PairSpec(tf.TypeSpec):
    def __init__(self, a, b):
        self.a, self.b = a, b

    value_type = property(lambda self: _Pair)
    _component_specs = property(lambda self: [self.a, self.b])

    def _serialize(self):
        return self.a, self.b

    def _to_components(self, value):
        return [value.a, value.b]

    def _from_components(self, components):
        return _Pair(*components)


def test_functions_of_composites_that_hold_variables():
    f = tf.function(lambda p: p.a * p.b)
    first, second = tf.Variable(2.0), tf.Variable(3.0)
    assert float(f(_Pair(first, tf.constant(5.0)))) == 10.0
    assert float(f(_Pair(second, tf.constant(5.0)))) == 15.0
    first.assign(4.0)
    assert float(f(_Pair(first, tf.constant(5.0)))) == 20.0


def test_an_abstract_composite_is_not_made():
    with pytest.raises(TypeError, match="abstract"):
        type("Nothing", (CompositeTensor,), {})()


def test_argspecs_are_those_of_the_functions():
    assert inspect.getfullargspec(tf.rank) == inspect.FullArgSpec(["input", "name"], None, None, (None,), [], None, {})
    assert inspect.getfullargspec(tf.reduce_sum).annotations == {}


def test_refusals_of_tensors_are_their_methods():
    x = tf.constant([1.0])
    for refused in (tf.Tensor.__bool__, tf.Tensor.__iter__, tf.Tensor._disallow_bool_casting):
        with pytest.raises(tf.errors.OperatorNotAllowedInGraphError):
            refused(x)
    assert x._shape_tuple() == (1,) and bool(tf.constant(True)) and np.asarray(list(x)).tolist() == [1.0]
