"""Type specs: what they cover, what they have in common, and the specs of values."""

import pickle

import numpy as np
import pytest

import penstock.fronts.eager  # noqa: F401 - the eager emitter
from penstock.base import dtypes
from penstock.ir.convert import convert_to_tensor as tensor
from penstock.ir.type_spec import BoundedTensorSpec, NoneTensorSpec, TensorSpec, type_spec_from_value

T = TensorSpec


def test_repr_and_equality():
    assert repr(T([None, 3], dtypes.float32, name="x")) == "TensorSpec(shape=(None, 3), dtype=tf.float32, name='x')"
    assert repr(T(None)) == "TensorSpec(shape=<unknown>, dtype=tf.float32, name=None)"
    assert T([2], name="x") != T([2], name="y") and hash(T([2], name="x")) == hash(T([2], name="y"))
    assert T([2]) == T([2]) and T([2]) != 5


@pytest.mark.parametrize(
    ("one", "other", "common"),
    [
        (T([2, 3], name="x"), T([2, 4], name="x"), T([2, None], name="x")),
        (T([2, 3], name="x"), T([2], name="x"), T(None, name="x")),
        (T([2, 3]), T([2, 4], name="x"), None),
        (T([2, 3]), T([2, 3], dtypes.int32), None),
    ],
)
def test_common_supertype(one, other, common):
    assert one.most_specific_common_supertype([other]) == common
    if common is None:
        with pytest.raises(ValueError, match="No TypeSpec is compatible"):
            one.most_specific_compatible_type(other)


def test_subtypes_and_compatibility():
    assert T([2, 3]).is_subtype_of(T([None, 3], name="x")) and not T([2, 3], name="x").is_subtype_of(T([2, 3]))
    spec = T([None, 3])
    assert spec.is_compatible_with(np.zeros((2, 3), np.float32)) and not spec.is_compatible_with(np.zeros((2, 3)))
    assert spec.is_compatible_with(T([2, 3])) and not spec.is_compatible_with(5)


@pytest.mark.parametrize(
    ("value", "spec"),
    [(1, T([], dtypes.int32)), (1.5, T([])), ([1, 2], T([2], dtypes.int32)), ("a", T([], dtypes.string)), (None, NoneTensorSpec()),
     (np.zeros(3), T([3], dtypes.float64))],
)  # fmt: skip
def test_spec_of_values(value, spec):
    assert type_spec_from_value(value) == spec


def test_no_spec():
    for value in ({"a": 1}, object(), T([2])):
        with pytest.raises(TypeError, match="Could not build a TypeSpec"):
            type_spec_from_value(value)


def test_tensors_of_a_value():
    with pytest.raises(TypeError, match="Can not cast"):
        T([2]).to_tensors(tensor([1.0, 2.0, 3.0]))
    assert T([2]).to_tensors([1.0, 2.0])[0].numpy().tolist() == [1.0, 2.0]


def test_bounded_and_pickle():
    bounded = BoundedTensorSpec([2], dtypes.float32, 0, [1, 2])
    assert bounded.maximum.tolist() == [1, 2] and pickle.loads(pickle.dumps(bounded)) == bounded
    with pytest.raises(ValueError, match="not compatible with shape"):
        BoundedTensorSpec([2], dtypes.float32, 0, [1, 2, 3])
    assert pickle.loads(pickle.dumps(T([None], name="q"))) == T([None], name="q")
